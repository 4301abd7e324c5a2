/* film-tracks.h - captions and chapters of a film in its HLS playlist.
 *
 * They live in the catalogue and change after the film was made, so the server writes these few
 * texts at each request: what was edited or withdrawn is in the next answer, and no file can be
 * stale. Times are those of the film that is there. RFC 8216 3.5 and 4.3.4.1. */
#pragma once
#include <jansson.h>

#include "recordings/film-edit.h"
#include "recordings/moment.h"

#define MNB_FILM_TRACKS_SEGMENT_S 60

/* The playlist @master with one subtitles rendition for each of @languages (char *; "": not known)
 * and, with @has_chapters, a word of where they are. Returns (owned). Pure. */
char *mnb_film_tracks_master(const char *master, const GPtrArray *languages, gboolean has_chapters);

/* The list of one language's segments. Returns (owned). Pure. */
char *mnb_film_tracks_playlist(gint64 duration_us);

/* Segment @n: every cue that is to be seen in its minute. Returns (owned): NULL when the film is
 * over by then. Pure. */
char *mnb_film_tracks_segment(GPtrArray *captions, const MnbFilmEdit *edit, gint64 duration_us,
                              guint n);

/* @chapters: as in a recording's answer. Returns (owned): com.apple.hls.chapters. Pure. */
json_t *mnb_film_tracks_chapters(const json_t *chapters, gint64 duration_us);

/* The language of "subtitles-ja/12.vtt" or "subtitles-und/index.m3u8"; @n_out: the segment, -1 for
 * the list. Returns (owned): NULL when the path is none of these. Pure. */
char *mnb_film_tracks_parse(const char *path, int *n_out);
