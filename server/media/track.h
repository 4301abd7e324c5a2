/* track.h - one published audio or video: order, repair, the ring of what was received, and
 * requests for key frames. It is fed with plain packets and hands them to the fan-out and to taps.
 *
 * Packets that must not go on (padding only, forbidden payloads) are left out: later numbers move
 * up, so that no receiver asks for what nobody has. So is silence: of a microphone that is as quiet
 * as a muted one for 200 ms, receivers get a packet each 400 ms (as of an encoder with DTX), until
 * anything at all is heard. */
#pragma once
#include "server/media/worker-state.h"

#define MNB_PLI_GAP_US MNB_SECOND_US /* least time between two requests of a track */
#define MNB_KEY_CACHE_US                                                                           \
    (2 * MNB_SECOND_US)       /* a key frame older than that is not sent to joiners */
#define MNB_KEY_CACHE_MAX 256 /* packets */

/* Simulcast: a layer is gone when so many frames of a smaller one came without it, and */
#define MNB_LAYER_FRAMES  8
#define MNB_LAYER_GONE_US 500000

#define MNB_SILENT_LEVEL   100 /* -dBov: less than the last bit of 16 */
#define MNB_SILENT_PACKETS 10  /* are sent, */
#define MNB_SILENT_EVERY   20  /* then one of so many */

/* Returns 0, or why the command is refused: -EEXIST, -EINVAL, -ENOENT, -ENOSPC, -ENOMEM. */
int mnb_track_add(MnbWorker *worker, const MnbTrackAdd *add);
void mnb_track_free(MnbTrack *track);

/* @packet: plain, @rtp of mnb_rtp_parse(). @is_rtx: it came as a retransmission. */
void mnb_track_on_packet(MnbTrack *track, const MnbRtp *rtp, const uint8_t *packet, int64_t now_us,
                         bool is_rtx);

/* A sender report of the publisher. */
void mnb_track_on_sender_report(MnbTrack *track, const MnbRtcpSenderInfo *info, int64_t now_us);

/* Asks the publisher for a key frame: now, or when a second has passed since the last request,
 * again each second until one comes. Any number of callers make one request. */
void mnb_track_request_key(MnbTrack *track, int64_t now_us);

void mnb_track_on_transport_up(MnbTrack *track);
void mnb_track_tick(MnbTrack *track, int64_t now_us);

/* Fills a report block about the track. Returns false when nothing was received yet. */
bool mnb_track_report(MnbTrack *track, MnbRtcpReport *out, int64_t now_us);

/* Returns: the kept packet, or NULL. */
static inline MnbPacket *mnb_track_packet(const MnbTrack *track, uint16_t seq)
{
    MnbPacket *packet = track->ring[seq & track->ring_mask];
    return packet != NULL && packet->seq == seq ? packet : NULL;
}

/* Whether everything since the last key frame is there and fresh, so that a receiver can start with
 * what is kept. */
bool mnb_track_has_key_cache(const MnbTrack *track, int64_t now_us);

/* Taps. Returns 0 or -ENOSPC. */
int mnb_track_add_tap(MnbTrack *track, MnbTap *tap);
void mnb_track_remove_tap(MnbTrack *track, const MnbTap *tap);
