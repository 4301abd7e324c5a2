/* outlet.h - the way into the room: raw pictures and sound become VP8 and Opus in a packet ring.
 *
 *     picture --> appsrc - vp8enc - rtpvp8pay - appsink --+
 *                                                          +--> packet ring --> media worker
 *     sound ----> appsrc - opusenc - rtpopuspay - appsink -+    (MNB_RING_RTP, MNB_RING_SR)
 *
 * It lives as long as the feed, whatever comes and goes on the other side, so the room sees one
 * stream: numbers and times go on. While no picture comes it shows a slate (twice a second), while
 * no sound comes it sends silence. Time stamps of a source are laid on the outlet's clock by its
 * first buffer and again when they drift away; picture and sound of one source share one mapping,
 * so that lips stay in step. put() may be called from streaming threads, the rest from the main
 * one. */
#pragma once
#include <gst/gst.h>

#include "server/media/packet-ring.h"

#define MNB_OUTLET_RATE      48000
#define MNB_OUTLET_CHANNELS  2
#define MNB_OUTLET_FPS       30 /* at most */
#define MNB_OUTLET_PT_VP8    96 /* the room's worker is told the same (server/rooms) */
#define MNB_OUTLET_PT_OPUS   111
#define MNB_OUTLET_EXT_LEVEL 1 /* id of ssrc-audio-level (RFC 6464) */

typedef struct MnbOutlet MnbOutlet;

typedef enum { MNB_OUTLET_VIDEO, MNB_OUTLET_AUDIO } MnbOutletKind;

typedef struct {
    int width, height; /* of the picture, even */
    int bitrate_bps;   /* of the picture */
    const char *name;  /* of the feed, on the slate; UTF-8 */
} MnbOutletOptions;

/* @ring: borrowed, outlives it. Returns (owned), or NULL with @error. */
MnbOutlet *mnb_outlet_new(const MnbOutletOptions *options, MnbRing *ring, GError **error);
void mnb_outlet_free(MnbOutlet *outlet); /* NULL is fine */

/* Caps of what put() takes. Returns (owned). */
GstCaps *mnb_outlet_caps(const MnbOutlet *outlet, MnbOutletKind kind);

/* Whether anything is encoded and goes into the ring; ids of the tracks at the worker. */
void mnb_outlet_set_live(MnbOutlet *outlet, gboolean is_live, guint32 video, guint32 audio);

/* A source begins: the next buffer sets the clocks. */
void mnb_outlet_begin(MnbOutlet *outlet);
/* @buffer: owned, taken; with a time stamp in the running time of its source. Any thread. */
void mnb_outlet_put(MnbOutlet *outlet, MnbOutletKind kind, GstBuffer *buffer);

void mnb_outlet_key_frame(MnbOutlet *outlet);

/* Slate, silence, sender reports. To be called ten times a second. Returns FALSE with @error when
 * the encoders broke down. */
gboolean mnb_outlet_tick(MnbOutlet *outlet, GError **error);
