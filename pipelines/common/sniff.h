/* sniff.h - what kind of film some bytes are, by the bytes alone.
 *
 * Only kinds with a demuxer of our choice are known. Playlists, session descriptions and everything
 * else that points to other files or addresses are not, so they cannot be followed. */
#pragma once
#include <glib.h>

#define MNB_SNIFF_BYTES 4096 /* of the beginning of the file that are looked at */

typedef struct {
    const char *name;    /* "mp4", "matroska" ... */
    const char *demuxer; /* GStreamer element */
    gboolean is_bare;    /* one stream without container: the element is a parser */
} MnbFilmKind;

/* Returns (static): NULL when the bytes are of no kind that is accepted. */
const MnbFilmKind *mnb_sniff(const guint8 *bytes, gsize size);
