/* fanout.h - from a published track to the slots that show it.
 *
 * Works per receive batch and receiver by receiver: all packets of the batch for one receiver, then
 * the next, so that they lie behind one another for GSO and the receiver's keys stay in the cache.
 * A batch is held back a little to grow, when that helps:
 *
 *     video: until the frame's last packet, 8 packets, or 2 ms (below 50 slots 0.5 ms), if the
 *            packets of a frame come that close together: Chromium sends them back to back
 *     audio: in rooms of two voices or more 4 ms (for 500 slots or more 10 ms), and with whatever
 *            else leaves for its room
 *
 * RTP padding makes packets equally long where that costs little (8 bytes each; audio of large
 * rooms 40), because the kernel cuts a message into equal pieces only. */
#pragma once
#include "server/media/worker-state.h"

#define MNB_HOLD_VIDEO_SLOTS 50
#define MNB_HOLD_VIDEO_US    2000
#define MNB_HOLD_FEW_US      500
#define MNB_HOLD_AUDIO_US    4000
#define MNB_HOLD_HALL_SLOTS  500
#define MNB_HOLD_HALL_US     10000
#define MNB_PAD_MAX          8
#define MNB_PAD_AUDIO_MAX    40

/* A packet was received for @track. It stays in the track's ring until it was sent. */
void mnb_fanout_add(MnbTrack *track, MnbPacket *packet, int64_t now_us);

/* Sends what needs to wait no longer. Call after each receive batch. */
void mnb_fanout_run(MnbWorker *worker, int64_t now_us);

/* Microseconds until run() must be called again; -1: nothing waits. */
int64_t mnb_fanout_wait_us(const MnbWorker *worker, int64_t now_us);

/* Sends what @track has, now. */
void mnb_fanout_flush(MnbTrack *track, int64_t now_us);

/* @track goes away or begins anew: what waits is not sent. */
void mnb_fanout_forget(MnbTrack *track);

/* Chooses the padding of packets that will be sent to one receiver one behind the other. */
void mnb_fanout_plan(MnbPacket *const *packets, unsigned n, uint8_t *padding);
