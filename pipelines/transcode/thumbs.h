/* thumbs.h - small pictures of a film at even times, for the player's bar, and the moments that
 * would make a good poster.
 *
 * They are taken from pictures that go to an encoder anyway. A short film has one each two seconds;
 * when there are many, every other one is dropped and the step doubled, so memory stays below 10 MB
 * however long the film is. One thread at a time. */
#pragma once
#include <gst/video/video.h>

#define MNB_THUMBS_STEP_US (2 * (gint64)G_USEC_PER_SEC) /* as far apart as key frames */
#define MNB_THUMBS_MAX     400
#define MNB_THUMBS_SIDE    160 /* pixels, the longer one */
#define MNB_THUMBS_A_ROW   10
#define MNB_THUMBS_ROWS    10 /* of one sheet */
#define MNB_THUMBS_POSTERS 3

typedef struct MnbThumbs MnbThumbs;

/* @width, @height: of the film, upright. Returns (owned). */
MnbThumbs *mnb_thumbs_new(int width, int height);
void mnb_thumbs_free(MnbThumbs *thumbs); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbThumbs, mnb_thumbs_free)

/* Whether a picture of this time is due: the cheap question before add(). */
gboolean mnb_thumbs_wants(const MnbThumbs *thumbs, gint64 at_us);

/* @frame: I420 of any size. Times come in order. */
void mnb_thumbs_add(MnbThumbs *thumbs, gint64 at_us, GstVideoFrame *frame);

guint mnb_thumbs_count(const MnbThumbs *thumbs);
gint64 mnb_thumbs_step_us(const MnbThumbs *thumbs);

/* Of each third of the film the moment with the most detail that is neither black nor white, the
 * best first. Returns: how many there are, at most MNB_THUMBS_POSTERS. */
guint mnb_thumbs_posters(const MnbThumbs *thumbs, gint64 at_us_out[MNB_THUMBS_POSTERS]);

/* Writes sprites-1.jpg and so on, and thumbnails.vtt, to @folder. @duration_us: of the film.
 * Returns: FALSE with @error set; there must be at least one picture. */
gboolean mnb_thumbs_write(MnbThumbs *thumbs, const char *folder, gint64 duration_us,
                          GError **error);
