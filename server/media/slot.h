/* slot.h - one m-line of a receiving transport: one SSRC that shows one track at a time.
 *
 * Sequence numbers, time stamps, VP8 picture ids and TL0 indexes go on without a break when the
 * track behind it changes: they are the track's numbers plus deltas, set at the switch. Video
 * switches at a key frame. If the track's ring holds all since its last key frame, the slot starts
 * from there at once and catches up at several times the bit rate; else a key frame is asked for.
 * Between layers of one camera the old layer stays until then; between two cameras the old one ends
 * at once.
 *
 * NACKs are answered from the track's ring by RTX (RFC 4588): each packet at most 3 times, not
 * twice within a round trip, and within a budget of half the media. For sound nobody has RTX: there
 * the very same packet is made again, bit by bit, or nothing is sent (mnb_srtp_protect_again). */
#pragma once
#include "server/media/worker-state.h"

#define MNB_RTX_TRIES      3 /* fits MnbSent.tries */
#define MNB_RTX_GAP_MIN_US 20000
#define MNB_RTX_BUDGET_MIN (64u << 10) /* bytes a second */

int mnb_slot_add(MnbWorker *worker, const MnbSlotAdd *add);
void mnb_slot_free(MnbSlot *slot);

/* @track: NULL shows nothing. Between two layers of one camera the old one stays until the new one
 * has a key frame, unless @is_at_once. Returns 0; -ENOTSUP the receiver cannot play the codec (it
 * then shows nothing); -ENOMEM. */
int mnb_slot_show(MnbSlot *slot, MnbTrack *track, bool is_at_once, int64_t now_us);

/* Of a track with temporal layers nothing above @highest is sent (temporal.h); MNB_TEMPORAL_ALL:
 * all of it. */
void mnb_slot_limit_temporal(MnbSlot *slot, uint8_t highest);

/* Sends @bytes or somewhat more of padding on the SSRC of repairs. Returns: bytes sent; 0 when the
 * slot has no RTX. */
size_t mnb_slot_send_padding(MnbSlot *slot, size_t bytes, int64_t now_us);

void mnb_slot_on_transport_up(MnbSlot *slot);
void mnb_slot_tick(MnbSlot *slot);

/* The track goes away, or begins anew and must be joined at a key frame again. */
void mnb_slot_drop_track(MnbSlot *slot, MnbTrack *track);
void mnb_slot_wait_again(MnbSlot *slot);

/* Makes @packet the first one shown of slot->target, which becomes its source. */
int mnb_slot_switch(MnbSlot *slot, const MnbPacket *packet);

/* Starts on slot->target: from its ring, or by asking for a key frame. Audio starts by itself. */
void mnb_slot_start(MnbSlot *slot, int64_t now_us);

/* Sends packets of slot->source. @padding: bytes of RTP padding for each, or NULL. */
void mnb_slot_forward(MnbSlot *slot, MnbPacket *const *packets, const uint8_t *padding, unsigned n,
                      int64_t now_us);

void mnb_slot_on_nack(MnbSlot *slot, const uint16_t *seqs, size_t n, int64_t now_us);
void mnb_slot_on_pli(MnbSlot *slot, int64_t now_us);

/* Sends more to slots that catch up; arms worker->catch_timer again while there are any. */
void mnb_slot_on_catch_timer(void *worker, int64_t now_us);

/* Bytes of RTX allowed for a second after one in which @sent_bytes went out. */
uint64_t mnb_slot_rtx_budget(uint64_t sent_bytes);
