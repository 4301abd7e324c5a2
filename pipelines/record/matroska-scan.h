/* matroska-scan.h - what is whole in a Matroska file that was cut off.
 *
 * Knows the layout that matroskamux writes: one Segment with SeekHead, Info, Tracks, then Clusters
 * of SimpleBlocks or BlockGroups, and Cues at the end (RFC 9559). The muxer fills in sizes,
 * duration and the SeekHead only when it finishes. The scan walks the elements, believes no size
 * that does not fit, and stops at the first thing that is not whole. Pure: bytes in, plan out. */
#pragma once
#include <glib.h>

typedef struct {
    guint64 time;        /* in units of scale_ns */
    guint64 cluster_pos; /* from the start of the segment's data */
} MnbMatroskaCue;

typedef struct {
    guint64 segment_size_at;               /* offset of the segment's size, 8 bytes */
    guint64 segment_at;                    /* offset of its data */
    guint64 seek_head_at, seek_head_bytes; /* with Voids behind it; 0 bytes: there is none */
    guint64 info_at, tracks_at;            /* offsets of the elements */
    guint64 duration_at;                   /* offset of the value; 0: there is none */
    guint duration_bytes;                  /* 4 or 8 */
    guint64 scale_ns;                      /* unit of time */
    guint64 cluster_size_at;       /* of the last cluster: its size, 8 bytes; 0: not patchable */
    guint64 cluster_at;            /* of its data */
    guint64 keep;                  /* the file is whole up to here */
    guint64 first_time, last_time; /* of blocks, in units of scale_ns */
    guint64 track;                 /* number of the track of the first block */
    guint64 n_blocks;
    gboolean is_complete; /* nothing to repair: sizes fit and the index is there */
    GArray *cues;         /* MnbMatroskaCue: a key frame a second at most. Owned */
} MnbMatroskaScan;

/* Returns: 0; -ENODATA when there is no block in it; -EBADMSG when it is not such a file.
 * @scan_out: to be cleared in any case. */
int mnb_matroska_scan(const guint8 *bytes, guint64 size, MnbMatroskaScan *scan_out);
void mnb_matroska_scan_clear(MnbMatroskaScan *scan);
