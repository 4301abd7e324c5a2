#include "server/media/transport.h"

#include "server/media/feed.h"
#include "server/media/feedback.h"
#include "server/media/ice.h"
#include "server/media/line.h"
#include "server/media/rtx.h"
#include "server/media/slot.h"
#include "server/media/speaker.h"
#include "server/media/track.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define DTLS_LINGER_US         (10 * MNB_SECOND_US) /* the peer may have lost our last flight */
#define SUSPECT_US             (8 * MNB_SECOND_US)
#define HANDSHAKE_FAILURES_MAX 8
#define DTLS_ALERT             21
#define TWCC_US                100000
#define TWCC_FAST_US           50000
#define TWCC_FAST_BPS          1000000

static void on_tick(void *owner, int64_t now_us);
static void on_dtls_timer(void *owner, int64_t now_us);
static void on_twcc_timer(void *owner, int64_t now_us);

/* ---- life ---- */

static MnbRoom *join_room(MnbWorker *worker, uint32_t id)
{
    MnbRoom *room = mnb_id_map_get(&worker->rooms, id);
    if (room == NULL) {
        room = calloc(1, sizeof *room);
        if (room == NULL)
            return NULL;
        room->worker = worker;
        room->id = id;
        mnb_speaker_init(room);
        if (mnb_id_map_put(&worker->rooms, id, room) < 0) {
            free(room);
            return NULL;
        }
    }
    room->n_transports++;
    return room;
}

static void leave_room(MnbRoom *room)
{
    if (room == NULL || --room->n_transports > 0)
        return;
    mnb_timer_cancel(&room->speaker_timer);
    mnb_id_map_remove(&room->worker->rooms, room->id);
    free(room);
}

/* @is_feed: without ICE. */
static int open_transport(MnbWorker *worker, const MnbTransportOpen *open, bool is_feed,
                          MnbTransport **transport_out)
{
    if (open->transport == 0 || (open->direction != MNB_PUBLISH && open->direction != MNB_RECEIVE))
        return -EINVAL;
    if (mnb_id_map_get(&worker->transports, open->transport) != NULL)
        return -EEXIST;
    if (worker->stats.transports >= MNB_TRANSPORTS_MAX)
        return -ENOSPC;
    MnbTransport *transport = calloc(1, sizeof *transport);
    if (transport == NULL)
        return -ENOMEM;
    transport->worker = worker;
    transport->id = open->transport;
    transport->direction = (MnbDirection)open->direction;
    transport->rtcp_ssrc = mnb_worker_random() | 1;
    transport->opened_us = worker->now_us;
    transport->tick_timer.on_due = on_tick;
    transport->dtls_timer.on_due = on_dtls_timer;
    transport->twcc_timer.on_due = on_twcc_timer;
    transport->tick_timer.owner = transport->dtls_timer.owner = transport->twcc_timer.owner =
        transport;
    transport->room = join_room(worker, open->room);
    int error = transport->room == NULL ? -ENOMEM : 0;
    if (error == 0 && !is_feed)
        error = mnb_ice_set_credentials(transport, open->ufrag, open->pwd, 0);
    if (error == 0)
        error = mnb_id_map_put(&worker->transports, transport->id, transport);
    if (error < 0) {
        mnb_ice_clear(transport);
        leave_room(transport->room);
        free(transport);
        return error;
    }
    mnb_ice_expire(transport, worker->now_us);
    worker->stats.transports++;
    /* The first tick comes at a random moment, so that a thousand joiners do not report at once. */
    mnb_wheel_arm(&worker->wheel, &transport->tick_timer,
                  worker->now_us + MNB_SECOND_US / 2 + mnb_worker_random() % MNB_SECOND_US);
    *transport_out = transport;
    return 0;
}

int mnb_transport_open(MnbWorker *worker, const MnbTransportOpen *open)
{
    MnbTransport *transport;
    return open_transport(worker, open, false, &transport);
}

int mnb_transport_open_feed(MnbWorker *worker, uint32_t id, uint32_t room,
                            MnbTransport **transport_out)
{
    MnbTransportOpen open = {.transport = id, .room = room, .direction = MNB_PUBLISH};
    int error = open_transport(worker, &open, true, transport_out);
    if (error == 0)
        (*transport_out)->is_connected = true;
    return error;
}

void mnb_transport_free(MnbTransport *transport)
{
    if (transport == NULL)
        return;
    MnbWorker *worker = transport->worker;
    while (transport->tracks != NULL)
        mnb_track_free(transport->tracks);
    while (transport->n_slots > 0)
        mnb_slot_free(transport->slots[transport->n_slots - 1]);
    mnb_feed_free(transport->feed);
    mnb_ice_clear(transport);
    mnb_timer_cancel(&transport->tick_timer);
    mnb_timer_cancel(&transport->dtls_timer);
    mnb_timer_cancel(&transport->twcc_timer);
    mnb_line_clear(transport);
    mnb_dtls_free(transport->dtls);
    mnb_srtp_free(transport->send_key);
    mnb_srtp_free(transport->receive_key);
    mnb_id_map_remove(&worker->transports, transport->id);
    leave_room(transport->room);
    worker->stats.transports--;
    free(transport->ssrcs);
    free(transport->twcc);
    OPENSSL_cleanse(transport->credentials, sizeof transport->credentials);
    free(transport);
}

static void tell_state(MnbTransport *transport, MnbTransportStateKind state, MnbClosedReason reason)
{
    MnbTransportState body = {
        .transport = transport->id, .state = (uint8_t)state, .reason = (uint8_t)reason};
    mnb_worker_tell(transport->worker, MNB_MEDIA_TRANSPORT_STATE, &body);
}

void mnb_transport_close(MnbTransport *transport)
{
    if (transport->dtls != NULL && transport->dtls_tuple != NULL)
        mnb_dtls_close(transport->dtls);
    mnb_transport_free(transport);
}

void mnb_transport_fail(MnbTransport *transport, MnbClosedReason reason)
{
    if (transport->is_closing)
        return;
    transport->can_send = false;
    transport->is_connected = false;
    tell_state(transport, MNB_TRANSPORT_CLOSED, reason);
    mnb_worker_close_later(transport->worker, transport);
}

/* ---- connecting ---- */

static void start_sending(MnbTransport *transport)
{
    if (transport->selected == NULL)
        return;
    transport->can_send = true;
    tell_state(transport, MNB_TRANSPORT_CONNECTED, 0);
    mnb_line_on_up(transport, transport->worker->now_us);
    for (unsigned i = 0; i < transport->n_slots; i++)
        mnb_slot_on_transport_up(transport->slots[i]);
    for (MnbTrack *track = transport->tracks; track != NULL; track = track->next_in_transport)
        mnb_track_on_transport_up(track);
}

static void check_fingerprint(MnbTransport *transport)
{
    if (transport->handshake != MNB_HANDSHAKE_DONE || !transport->has_remote ||
        transport->is_connected || transport->is_closing)
        return;
    if (CRYPTO_memcmp(transport->expected_fingerprint, transport->peer_fingerprint,
                      MNB_FINGERPRINT_BYTES) != 0) {
        transport->worker->stats.handshakes_failed++;
        mnb_transport_fail(transport, MNB_CLOSED_FINGERPRINT);
        return;
    }
    transport->is_connected = true;
    start_sending(transport);
}

void mnb_transport_set_remote(MnbTransport *transport, const MnbTransportRemote *remote)
{
    if (transport->is_connected)
        return; /* a fingerprint does not change under running keys */
    transport->has_remote = true;
    memcpy(transport->expected_fingerprint, remote->fingerprint, MNB_FINGERPRINT_BYTES);
    check_fingerprint(transport);
}

int mnb_transport_restart(MnbTransport *transport, const MnbTransportRestart *restart)
{
    return mnb_ice_set_credentials(transport, restart->ufrag, restart->pwd,
                                   transport->worker->now_us + MNB_OLD_ICE_US);
}

void mnb_transport_on_alive(MnbTransport *transport, bool is_first)
{
    if (is_first)
        tell_state(transport, MNB_TRANSPORT_CHECKED, 0);
    if (transport->is_connected && !transport->can_send)
        start_sending(transport);
}

/* ---- DTLS ---- */

static void on_dtls_output(void *owner, const uint8_t *data, size_t size)
{
    MnbTransport *transport = owner;
    if (transport->dtls_tuple == NULL || size > MNB_TX_SEGMENT_BYTES)
        return;
    memcpy(mnb_tx_room(transport->worker->tx, size), data, size);
    mnb_tx_add(transport->worker->tx, &transport->dtls_tuple->route, size);
}

static void drop_dtls(MnbTransport *transport)
{
    mnb_timer_cancel(&transport->dtls_timer);
    mnb_dtls_free(transport->dtls);
    transport->dtls = NULL;
}

static void on_handshake_failed(MnbTransport *transport)
{
    transport->worker->stats.handshakes_failed++;
    drop_dtls(transport);
    transport->handshake = MNB_HANDSHAKE_NONE;
    /* One forged datagram must not end a join: the peer repeats its ClientHello, and a new
     * handshake begins. */
    if (++transport->handshake_failures >= HANDSHAKE_FAILURES_MAX)
        mnb_transport_fail(transport, MNB_CLOSED_HANDSHAKE);
}

static void on_dtls_result(MnbTransport *transport, MnbDtlsResult result, int64_t now_us)
{
    MnbWorker *worker = transport->worker;
    switch (result) {
    case MNB_DTLS_WAITING:
        break;
    case MNB_DTLS_FINISHED:
        if (mnb_dtls_take_keys(transport->dtls, &transport->receive_key, &transport->send_key,
                               transport->peer_fingerprint) < 0) {
            worker->stats.handshakes_failed++;
            mnb_transport_fail(transport, MNB_CLOSED_HANDSHAKE);
            return;
        }
        worker->stats.handshakes++;
        transport->handshake = MNB_HANDSHAKE_DONE;
        mnb_wheel_arm(&worker->wheel, &transport->dtls_timer, now_us + DTLS_LINGER_US);
        check_fingerprint(transport);
        return;
    case MNB_DTLS_CLOSED:
        mnb_transport_fail(transport, MNB_CLOSED_BY_PEER);
        return;
    case MNB_DTLS_FAILED:
        on_handshake_failed(transport);
        return;
    }
    if (transport->handshake != MNB_HANDSHAKE_RUNNING)
        return;
    int64_t wait_us = mnb_dtls_wait_us(transport->dtls);
    if (wait_us >= 0)
        mnb_wheel_arm(&worker->wheel, &transport->dtls_timer, now_us + wait_us);
    else
        mnb_timer_cancel(&transport->dtls_timer);
}

static void on_dtls_timer(void *owner, int64_t now_us)
{
    MnbTransport *transport = owner;
    if (transport->dtls == NULL)
        return;
    if (transport->handshake == MNB_HANDSHAKE_DONE)
        drop_dtls(transport); /* 72 KiB that nothing needs: there are no data channels */
    else
        on_dtls_result(transport, mnb_dtls_on_wait_over(transport->dtls), now_us);
}

void mnb_transport_on_dtls(MnbTuple *tuple, const uint8_t *data, size_t size, int64_t now_us)
{
    MnbTransport *transport = tuple->transport;
    if (transport->is_closing)
        return;
    if (transport->dtls == NULL && transport->handshake == MNB_HANDSHAKE_DONE) {
        /* Probably close_notify, but the keys to read it are gone. A peer that lives proves it by
         * its next check, within 5.3 s; one that does not is gone sooner than after 35 s. */
        if (data[0] == DTLS_ALERT && transport->suspect_until_us == 0)
            transport->suspect_until_us = now_us + SUSPECT_US;
        return;
    }
    if (transport->dtls == NULL) {
        transport->dtls = mnb_dtls_new(transport->worker->dtls_context, on_dtls_output, transport);
        if (transport->dtls == NULL)
            return;
        transport->handshake = MNB_HANDSHAKE_RUNNING;
        if (transport->handshake_us == 0)
            transport->handshake_us = now_us;
    }
    transport->dtls_tuple = tuple;
    on_dtls_result(transport, mnb_dtls_receive(transport->dtls, data, size), now_us);
}

/* ---- SRTP ---- */

static MnbSsrc *find_ssrc(MnbTransport *transport, uint32_t ssrc)
{
    for (unsigned i = 0; i < transport->n_ssrcs; i++)
        if (transport->ssrcs[i].ssrc == ssrc)
            return &transport->ssrcs[i];
    return NULL;
}

int mnb_transport_add_ssrc(MnbTransport *transport, uint32_t ssrc, MnbTrack *track, bool is_rtx)
{
    MnbSsrc *entry = find_ssrc(transport, ssrc);
    if (entry == NULL) {
        if (transport->n_ssrcs == MNB_SSRCS_MAX)
            return -ENOSPC;
        MnbSsrc *more = realloc(transport->ssrcs, (transport->n_ssrcs + 1) * sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        transport->ssrcs = more;
        entry = &more[transport->n_ssrcs++];
        memset(entry, 0, sizeof *entry);
        entry->ssrc = ssrc;
    }
    entry->track = track;
    entry->is_rtx = is_rtx;
    return 0;
}

/* Whom a packet belongs to by its MID and RID (RFC 8843, 8852). */
static bool belongs_to(const MnbTrack *track, const MnbRtp *rtp, const uint8_t *data,
                       bool *is_rtx_out)
{
    const MnbTrackAdd *config = &track->config;
    char text[MNB_MID_MAX];
    *is_rtx_out = config->rtx_pt != 0 && rtp->pt == config->rtx_pt;
    if (!*is_rtx_out && rtp->pt != config->pt)
        return false;
    if (config->ext.mid == 0 || !mnb_rtp_read_text(rtp, data, config->ext.mid, text, sizeof text) ||
        strcmp(text, config->mid) != 0)
        return false;
    if (config->rid[0] == 0)
        return true;
    uint8_t id = *is_rtx_out ? config->ext.repaired_rid : config->ext.rid;
    return id != 0 && mnb_rtp_read_text(rtp, data, id, text, sizeof text) &&
           strcmp(text, config->rid) == 0;
}

static MnbTrack *resolve_track(MnbTransport *transport, const MnbRtp *rtp, const uint8_t *data,
                               bool *is_rtx_out)
{
    MnbTrack *only = NULL;
    unsigned n = 0;
    for (MnbTrack *track = transport->tracks; track != NULL; track = track->next_in_transport) {
        if (belongs_to(track, rtp, data, is_rtx_out))
            return track;
        /* A sender without MID whose SSRC nobody announced: its payload type must be enough. */
        if (track->config.ext.mid == 0 && track->config.pt == rtp->pt && track->ssrc == 0) {
            only = track;
            n++;
        }
    }
    *is_rtx_out = false;
    return n == 1 ? only : NULL;
}

/* An SSRC that is not in the table: it is worth decrypting only if some track claims it, and it
 * gets into the table only if it is authentic. */
static int open_first_packet(MnbTransport *transport, const MnbRtp *rtp, uint8_t *data, size_t size,
                             MnbSsrc **entry_out)
{
    bool is_rtx;
    MnbTrack *track = resolve_track(transport, rtp, data, &is_rtx);
    if (track == NULL)
        return -ENOENT;
    MnbSsrc *entry = find_ssrc(transport, rtp->ssrc);
    MnbSrtpStream stream = {0};
    if (entry != NULL)
        stream = entry->stream;
    int len = mnb_srtp_unprotect(transport->receive_key, &stream, data, size, rtp->header_bytes);
    if (len < 0)
        return len;
    int error = mnb_transport_add_ssrc(transport, rtp->ssrc, track, is_rtx);
    if (error < 0)
        return error;
    *entry_out = find_ssrc(transport, rtp->ssrc);
    (*entry_out)->stream = stream;
    if (is_rtx)
        track->rtx_ssrc = rtp->ssrc;
    return len;
}

static void count_refused(MnbWorkerStats *stats, int error)
{
    switch (error) {
    case -EALREADY:
    case -ESTALE:
        stats->dropped_replay++;
        break;
    case -EACCES:
        stats->dropped_auth++;
        break;
    case -EBADMSG:
        stats->dropped_malformed++;
        break;
    default:
        stats->dropped_unknown++;
    }
}

static void on_transport_seq(MnbTransport *transport, const MnbTrack *track, const MnbRtp *rtp,
                             const uint8_t *data, int64_t now_us)
{
    uint16_t seq;
    if (!mnb_rtp_read_u16(rtp, data, track->config.ext.twcc, &seq))
        return;
    if (transport->twcc == NULL) {
        transport->twcc = calloc(1, sizeof *transport->twcc);
        if (transport->twcc == NULL)
            return;
    }
    transport->twcc_media_ssrc = rtp->ssrc;
    mnb_twcc_arrived(transport->twcc, seq, now_us);
    if (!mnb_timer_is_armed(&transport->twcc_timer))
        mnb_wheel_arm(&transport->worker->wheel, &transport->twcc_timer,
                      now_us + (track->bps > TWCC_FAST_BPS ? TWCC_FAST_US : TWCC_US));
}

void mnb_transport_on_rtp(MnbTuple *tuple, uint8_t *data, size_t size, int64_t now_us)
{
    MnbTransport *transport = tuple->transport;
    MnbWorkerStats *stats = &transport->worker->stats;
    MnbRtp rtp;
    if (!transport->is_connected) {
        stats->dropped_unknown++;
        return;
    }
    if (mnb_rtp_parse_header(&rtp, data, size) < 0) {
        stats->dropped_malformed++;
        return;
    }
    MnbSsrc *entry = find_ssrc(transport, rtp.ssrc);
    int len;
    if (__builtin_expect(entry != NULL && entry->track != NULL, 1))
        len = mnb_srtp_unprotect(transport->receive_key, &entry->stream, data, size,
                                 rtp.header_bytes);
    else
        len = open_first_packet(transport, &rtp, data, size, &entry);
    if (len < 0) {
        count_refused(stats, len);
        return;
    }
    MnbTrack *track = entry->track;
    mnb_ice_mark_valid(tuple, now_us);
    stats->packets_in++;
    stats->bytes_in += (unsigned)len;
    transport->bytes_in += (unsigned)len;
    if (track->config.ext.twcc != 0)
        on_transport_seq(transport, track, &rtp, data, now_us);
    if (mnb_rtp_parse(&rtp, data, (size_t)len) < 0) {
        stats->dropped_malformed++;
        return;
    }
    bool is_rtx = entry->is_rtx;
    if (is_rtx) {
        stats->rtx_in++;
        if (!track->is_started)
            return; /* probes come before any media */
        len = mnb_rtx_undo(data, (size_t)len, &rtp, track->ssrc, track->config.pt);
        if (len < 0 || mnb_rtp_parse(&rtp, data, (size_t)len) < 0)
            return;
    }
    mnb_track_on_packet(track, &rtp, data, now_us, is_rtx);
}

void mnb_transport_on_rtcp(MnbTuple *tuple, uint8_t *data, size_t size, int64_t now_us)
{
    MnbTransport *transport = tuple->transport;
    if (!transport->is_connected) {
        transport->worker->stats.dropped_unknown++;
        return;
    }
    int len = mnb_srtp_unprotect_rtcp(transport->receive_key, data, size);
    if (len < 0) {
        count_refused(&transport->worker->stats, len);
        return;
    }
    mnb_ice_mark_valid(tuple, now_us);
    mnb_feedback_on_rtcp(transport, data, (size_t)len, now_us);
}

bool mnb_transport_rtcp_begin(MnbTransport *transport, MnbRtcpWriter *writer)
{
    if (!transport->can_send || transport->selected == NULL)
        return false;
    uint8_t *room = mnb_tx_room(transport->worker->tx, MNB_RTCP_BYTES_MAX + MNB_SRTCP_ADDED_MAX);
    mnb_rtcp_begin(writer, room, MNB_RTCP_BYTES_MAX);
    return true;
}

void mnb_transport_rtcp_end(MnbTransport *transport, MnbRtcpWriter *writer)
{
    if (writer->len == 0)
        return;
    int len = mnb_srtp_protect_rtcp(transport->send_key, writer->data, writer->len,
                                    MNB_RTCP_BYTES_MAX + MNB_SRTCP_ADDED_MAX);
    if (len > 0)
        mnb_tx_add(transport->worker->tx, &transport->selected->route, (size_t)len);
}

/* ---- timers ---- */

static void on_twcc_timer(void *owner, int64_t now_us)
{
    MnbTransport *transport = owner;
    (void)now_us;
    mnb_feedback_send_twcc(transport);
}

static bool is_over(const MnbTransport *transport, int64_t now_us, MnbClosedReason *reason_out)
{
    int64_t heard_us = transport->valid_us != 0 ? transport->valid_us : transport->opened_us;
    if (transport->feed != NULL)
        return false; /* manabi watches over who fills it */
    *reason_out = MNB_CLOSED_TIMEOUT;
    if (now_us - heard_us >= MNB_DEAD_US)
        return true;
    *reason_out = MNB_CLOSED_HANDSHAKE;
    if (transport->handshake != MNB_HANDSHAKE_DONE && transport->handshake_us != 0 &&
        now_us - transport->handshake_us >= MNB_HANDSHAKE_US)
        return true;
    *reason_out = MNB_CLOSED_BY_PEER;
    return transport->suspect_until_us != 0 && now_us >= transport->suspect_until_us;
}

static void tell_stats(MnbTransport *transport, int64_t now_us)
{
    MnbTransportStats body = {
        .transport = transport->id,
        .in_bps = (uint32_t)((transport->bytes_in - transport->stats_bytes_in) * 4),
        .out_bps = (uint32_t)((transport->bytes_out - transport->stats_bytes_out) * 4),
    };
    unsigned worst = transport->worst_fraction;
    body.rtt_ms = transport->rtt_us / 1000;
    for (MnbTrack *track = transport->tracks; track != NULL; track = track->next_in_transport) {
        if (track->fraction_lost > worst)
            worst = track->fraction_lost;
        if (body.rtt_ms == 0)
            body.rtt_ms = track->nack.rtt_us / 1000;
    }
    body.loss_permille = worst * 1000 / 256;
    mnb_line_tell(transport, &body, now_us);
    transport->worst_fraction = 0;
    transport->stats_bytes_in = transport->bytes_in;
    transport->stats_bytes_out = transport->bytes_out;
    mnb_worker_tell(transport->worker, MNB_MEDIA_TRANSPORT_STATS, &body);
}

static void on_tick(void *owner, int64_t now_us)
{
    MnbTransport *transport = owner;
    MnbClosedReason reason;
    if (is_over(transport, now_us, &reason)) {
        mnb_transport_fail(transport, reason);
        return;
    }
    mnb_wheel_arm(&transport->worker->wheel, &transport->tick_timer, now_us + MNB_SECOND_US);
    mnb_ice_expire(transport, now_us);
    if (!transport->is_connected)
        return;
    bool is_silent = now_us - transport->valid_us >= MNB_SILENT_US;
    if (transport->can_send && is_silent) {
        transport->can_send = false;
        tell_state(transport, MNB_TRANSPORT_DISCONNECTED, 0);
    } else if (!transport->can_send && !is_silent) {
        start_sending(transport);
    }
    for (MnbTrack *track = transport->tracks; track != NULL; track = track->next_in_transport)
        mnb_track_tick(track, now_us);
    for (unsigned i = 0; i < transport->n_slots; i++)
        mnb_slot_tick(transport->slots[i]);
    mnb_feedback_send_reports(transport, now_us);
    uint64_t sent = transport->bytes_out - transport->bytes_out_tick;
    transport->bytes_out_tick = transport->bytes_out;
    transport->rtx_bytes_tick = 0;
    transport->rtx_budget = mnb_slot_rtx_budget(sent);
    mnb_line_tick(transport, sent, now_us);
    if (++transport->ticks % 2 == 0)
        tell_stats(transport, now_us);
}
