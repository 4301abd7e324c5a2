/* fmp4.h - where the fragments of a fragmented MP4 file are, for an HLS playlist with byte ranges.
 *
 * Reads what mp4mux of GStreamer 1.22 writes: ftyp, moov with one track, (uuid), then moof and mdat
 * in turn (ISO 14496-12). That muxer gives every frame a composition offset that is not negative,
 * so a film with B-frames begins 80 ms late against its sound, and each rendition by another
 * amount. An edit list in the init segment would mend that for browsers, but hls.js 1.7 does not
 * count with it and leaves holes where it switches renditions. So the offsets themselves are moved:
 * version 1 of "trun" may have negative ones, and the first frame then is at 0. */
#pragma once
#include <glib.h>

typedef struct {
    guint64 offset, bytes; /* moof and mdat */
    gint64 duration_us;
} MnbFragment;

typedef struct {
    GByteArray *init;  /* owned: ftyp and moov */
    GArray *fragments; /* MnbFragment, owned */
    char codec[32];    /* RFC 6381: "avc1.64001f", "mp4a.40.2" */
    gint64 duration_us;
    guint64 bytes; /* of all fragments */
} MnbFmp4;

/* Moves the composition offsets within @bytes in place; a second time changes nothing.
 * Returns: 0, or -EBADMSG. @out: to be cleared in any case. */
int mnb_fmp4_parse(guint8 *bytes, guint64 size, MnbFmp4 *out);
void mnb_fmp4_clear(MnbFmp4 *fmp4);
