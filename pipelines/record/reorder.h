/* reorder.h - RTP packets of one track in order of their sequence numbers.
 *
 * The media worker has packets repaired, so one that is missing may come up to a few round trips
 * later. Packets behind a hole wait for MNB_REORDER_WAIT_US, then the hole is counted as lost.
 * Holds at most MNB_REORDER_SLOTS packets. One thread; time is passed in. */
#pragma once
#include <gst/gst.h>

#define MNB_REORDER_SLOTS   1024 /* a power of two */
#define MNB_REORDER_WAIT_US 300000

typedef struct MnbReorder MnbReorder;

MnbReorder *mnb_reorder_new(void);
void mnb_reorder_free(MnbReorder *reorder); /* NULL is fine; drops what is held */

/* @packet (owned, taken). @now_us: monotonic. A packet that came too late or twice is dropped. A
 * sequence number far away begins a new sequence: what is held is handed out first. */
void mnb_reorder_put(MnbReorder *reorder, guint16 seq, GstBuffer *packet, gint64 now_us);

/* Whoever restarts the stream (a new SSRC) calls this: the next put begins a new sequence. */
void mnb_reorder_restart(MnbReorder *reorder);

/* @lost_out: packets missing before the one returned.
 * Returns (owned): the next packet in order, or NULL when there is none or it is being waited for.
 */
GstBuffer *mnb_reorder_take(MnbReorder *reorder, gint64 now_us, guint *lost_out);

/* The same without waiting, for the end of a track. */
GstBuffer *mnb_reorder_take_rest(MnbReorder *reorder, guint *lost_out);

/* Packets held, waiting for one that is missing. */
guint mnb_reorder_held(const MnbReorder *reorder);
