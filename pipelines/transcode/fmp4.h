/* fmp4.h - where the fragments of a fragmented MP4 file are, for an HLS playlist with byte ranges.
 *
 * Reads what mp4mux of GStreamer 1.22 writes: ftyp, moov with one track, (uuid), then moof and mdat
 * in turn (ISO 14496-12). That muxer writes no edit list, so a film with B-frames would begin 67 ms
 * late against its sound: the init segment made here has one, from the first fragment's composition
 * offset. Nothing in the fragments changes by that, as they address their data from their own
 * start. */
#pragma once
#include <glib.h>

typedef struct {
    guint64 offset, bytes; /* moof and mdat */
    gint64 duration_us;
} MnbFragment;

typedef struct {
    GByteArray *init;  /* owned: ftyp and moov with the edit list */
    GArray *fragments; /* MnbFragment, owned */
    char codec[32];    /* RFC 6381: "avc1.64001f", "mp4a.40.2" */
    gint64 duration_us;
    guint64 bytes; /* of all fragments */
} MnbFmp4;

/* Returns: 0, or -EBADMSG. @out: to be cleared in any case. */
int mnb_fmp4_parse(const guint8 *bytes, guint64 size, MnbFmp4 *out);
void mnb_fmp4_clear(MnbFmp4 *fmp4);
