/* line.h - shares out a receiver's line: what the estimate (bandwidth.h) allows goes to her slots
 * by the rule of allocation.h, and what she chose herself (TRANSPORT_LIMIT) binds as well.
 *
 * A bind says what is wanted in full; which layer of it a slot shows, or whether it pauses, is
 * decided here: at once when a bind or a limit changes or the estimate falls below what is used,
 * four times a second while something is held back, and each second. Lowering stops the old layer
 * at once: what fills the queue delays the sound, too. Raising waits some seconds after lowering,
 * twice as long each time that a raise did not last.
 *
 *     starting       up to a second without feedback: the sounds, the first picture, and what fits
 *                    into MNB_BANDWIDTH_START_BPS
 *     no feedback    (no transport-wide-cc): everything, until reports or REMB speak against it */
#pragma once
#include "server/media/worker-state.h"

#define MNB_RAISE_GAP_US     (3 * MNB_SECOND_US)
#define MNB_RAISE_GAP_MAX_US (24 * MNB_SECOND_US)

/* Before the first slot is added. Returns 0 or -ENOMEM. */
int mnb_line_prepare(MnbTransport *transport, int64_t now_us);
void mnb_line_clear(MnbTransport *transport);

/* @track: NULL shows nothing. Returns 0; -ENOTSUP the receiver cannot play it; -ENOMEM. */
int mnb_line_bind(MnbSlot *slot, MnbTrack *track, uint32_t rank, int64_t now_us);
void mnb_line_set_limit(MnbTransport *transport, uint32_t limit_bps, int64_t now_us);

/* A layer of a camera comes no more, smaller ones do: its receivers get what is left at once. */
void mnb_line_on_layer_gone(MnbTrack *track, int64_t now_us);

void mnb_line_on_up(MnbTransport *transport, int64_t now_us);
void mnb_line_on_feedback(MnbTransport *transport, const MnbRtcpPacket *packet, int64_t now_us);
void mnb_line_on_report(MnbSlot *slot, const MnbRtcpReport *report);
void mnb_line_on_remb(MnbTransport *transport, uint64_t bps, int64_t now_us);
/* Each second, after the tracks have counted theirs. @sent_bytes: since the last one. */
void mnb_line_tick(MnbTransport *transport, uint64_t sent_bytes, int64_t now_us);

/* Once a second for each track: what a line needs for it. */
void mnb_line_note_cost(MnbTrack *track);

/* How fast a slot may catch up, of @wanted_bps. */
double mnb_line_catch_bps(const MnbSlot *slot, uint64_t wanted_bps, int64_t now_us);

/* Fills what statistics tell about the line. rtt_ms and loss_permille are set already, of what is
 * known without transport-wide feedback. */
void mnb_line_tell(const MnbTransport *transport, MnbTransportStats *stats, int64_t now_us);
