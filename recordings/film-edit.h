/* film-edit.h - which pieces of what was captured a film keeps, and where a moment of one lies in
 * the other. Pure; any thread. Used by the catalogue and by the pipeline programs.
 *
 *     captured   |----[=======]------[==========]---|      ranges that are kept
 *     film            [=======][==========]
 */
#pragma once
#include <glib.h>
#include <jansson.h>

#define MNB_FILM_RANGES_MAX   100
#define MNB_FILM_RANGE_MIN_US 100000
#define MNB_FILM_TIME_MAX_US  (48 * 3600 * (gint64)G_USEC_PER_SEC)

typedef struct {
    gint64 start_us, end_us; /* of what was captured; end_us is not in it */
} MnbFilmRange;

typedef struct {
    MnbFilmRange ranges[MNB_FILM_RANGES_MAX]; /* in order, apart from each other */
    guint n;                                  /* 0: everything is kept */
} MnbFilmEdit;

/* @list: [[from,to],...] in units of @unit_us microseconds (1 or 1000); NULL and [] are everything.
 * Returns: FALSE when it is no such list, a range is shorter than MNB_FILM_RANGE_MIN_US, or they
 * are not in order; @edit_out is everything then. */
gboolean mnb_film_edit_parse(const json_t *list, gint64 unit_us, MnbFilmEdit *edit_out);

/* The same from text; text that cannot be read is everything. */
void mnb_film_edit_read(const char *text, gint64 unit_us, MnbFilmEdit *edit_out);

/* [[from,to],...] Returns (owned). */
json_t *mnb_film_edit_to_json(const MnbFilmEdit *edit, gint64 unit_us);

/* Where a captured moment is in the film; in a piece that was cut: where the film goes on.
 * @is_cut_out: whether it was cut; NULL allowed. */
gint64 mnb_film_edit_to_film(const MnbFilmEdit *edit, gint64 captured_us, gboolean *is_cut_out);

/* Where a moment of the film was captured; past its end: that long after the last piece. */
gint64 mnb_film_edit_to_captured(const MnbFilmEdit *edit, gint64 film_us);

/* How long the film is, of what is @captured_us long. */
gint64 mnb_film_edit_length_us(const MnbFilmEdit *edit, gint64 captured_us);
