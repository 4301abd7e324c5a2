/* transport.h - one peer connection: its life from TRANSPORT_OPEN to closed, DTLS, and the
 * datagrams that are SRTP or SRTCP. ICE is in ice.h, what the packets mean in track.h and
 * feedback.h.
 *
 *     open -> checked (STUN) -> handshake -> keys -> fingerprint right -> connected
 *                                                         10 s silence -> disconnected -> connected
 *     closed: close_notify, 35 s of silence, a handshake of 30 s, a wrong fingerprint, a command
 */
#pragma once
#include "server/media/worker-state.h"

#define MNB_SILENT_US    (10 * MNB_SECOND_US) /* background tabs pause for that long */
#define MNB_DEAD_US      (35 * MNB_SECOND_US)
#define MNB_HANDSHAKE_US (30 * MNB_SECOND_US)
#define MNB_OLD_ICE_US   (30 * MNB_SECOND_US)

/* Returns 0, or why the command is refused: -EEXIST, -EINVAL, -ENOMEM. */
int mnb_transport_open(MnbWorker *worker, const MnbTransportOpen *open);

/* The same for a feed (feed.h): connected from the start, without ICE and keys. */
int mnb_transport_open_feed(MnbWorker *worker, uint32_t id, uint32_t room,
                            MnbTransport **transport_out);

/* Frees it with its tracks and slots. NULL is fine. */
void mnb_transport_free(MnbTransport *transport);

void mnb_transport_set_remote(MnbTransport *transport, const MnbTransportRemote *remote);
int mnb_transport_restart(MnbTransport *transport, const MnbTransportRestart *restart);

/* Tells the peer (close_notify) and forgets the transport; no event. */
void mnb_transport_close(MnbTransport *transport);

/* Ends it from our side of the control socket: event, then freed at the end of the step. */
void mnb_transport_fail(MnbTransport *transport, MnbClosedReason reason);

/* A valid check came. @is_first: of this transport. */
void mnb_transport_on_alive(MnbTransport *transport, bool is_first);

void mnb_transport_on_dtls(MnbTuple *tuple, const uint8_t *data, size_t size, int64_t now_us);

/* @data is decrypted in place. */
void mnb_transport_on_rtp(MnbTuple *tuple, uint8_t *data, size_t size, int64_t now_us);
void mnb_transport_on_rtcp(MnbTuple *tuple, uint8_t *data, size_t size, int64_t now_us);

/* Announces @ssrc as one of @track. Returns 0; -ENOSPC; -ENOMEM. */
int mnb_transport_add_ssrc(MnbTransport *transport, uint32_t ssrc, MnbTrack *track, bool is_rtx);

/* Writes an RTCP packet where it will be sent from: begin, put into @writer, end. Nothing else may
 * be sent in between. Not both connected and selected: begin returns false. */
bool mnb_transport_rtcp_begin(MnbTransport *transport, MnbRtcpWriter *writer);
void mnb_transport_rtcp_end(MnbTransport *transport, MnbRtcpWriter *writer);
