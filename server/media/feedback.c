#include "server/media/feedback.h"

#include "server/media/feed.h"
#include "server/media/line.h"
#include "server/media/slot.h"
#include "server/media/track.h"
#include "server/media/transport.h"
#include <string.h>

#define NACKS_MAX   512 /* sequence numbers of one NACK that are looked at */
#define REPORTS_MAX 31
#define REMB_BPS    5000000 /* to a sender without transport-wide feedback: no limit of ours */
#define CNAME       "manabi"
#define FIRS_MAX    32

static MnbSlot *find_slot(const MnbTransport *transport, uint32_t ssrc)
{
    for (unsigned i = 0; i < transport->n_slots; i++)
        if (transport->slots[i]->config.ssrc == ssrc)
            return transport->slots[i];
    return NULL;
}

/* ---- what the peer says ---- */

static void on_report(MnbTransport *transport, const MnbRtcpReport *report, int64_t now_us)
{
    MnbSlot *slot = find_slot(transport, report->ssrc);
    if (slot == NULL)
        return;
    if (report->fraction_lost > transport->worst_fraction)
        transport->worst_fraction = report->fraction_lost;
    mnb_line_on_report(slot, report);
    for (unsigned i = 0; i < 2; i++) {
        if (report->last_sr == 0 || slot->sr_mid[i] != report->last_sr)
            continue;
        int64_t trip_us =
            now_us - slot->sr_sent_us[i] - (int64_t)report->delay * MNB_SECOND_US / 65536;
        if (trip_us > 0 && trip_us < 10 * MNB_SECOND_US)
            transport->rtt_us = transport->rtt_us == 0
                                    ? (uint32_t)trip_us
                                    : (uint32_t)((transport->rtt_us * 3ll + trip_us) / 4);
    }
}

static void on_sender_report(MnbTransport *transport, const MnbRtcpPacket *packet, int64_t now_us)
{
    MnbRtcpSenderInfo info;
    if (!mnb_rtcp_read_sr(packet, &info))
        return;
    for (MnbTrack *track = transport->tracks; track != NULL; track = track->next_in_transport)
        if (track->is_started && track->ssrc == info.ssrc)
            mnb_track_on_sender_report(track, &info, now_us);
}

static void on_nack(MnbTransport *transport, const MnbRtcpPacket *packet, int64_t now_us)
{
    uint16_t seqs[NACKS_MAX];
    uint32_t ssrc;
    size_t n = mnb_rtcp_read_nack(packet, &ssrc, seqs, NACKS_MAX);
    MnbSlot *slot = n == 0 ? NULL : find_slot(transport, ssrc);
    if (slot != NULL)
        mnb_slot_on_nack(slot, seqs, n, now_us);
}

static void on_payload_feedback(MnbTransport *transport, const MnbRtcpPacket *packet,
                                int64_t now_us)
{
    uint32_t ssrc;
    uint8_t seq;
    uint64_t bps;
    MnbSlot *slot;
    if (packet->count == MNB_PSFB_AFB && mnb_rtcp_read_remb(packet, &bps))
        mnb_line_on_remb(transport, bps, now_us);
    if (packet->count == MNB_PSFB_PLI && mnb_rtcp_read_pli(packet, &ssrc)) {
        slot = find_slot(transport, ssrc);
        if (slot != NULL)
            mnb_slot_on_pli(slot, now_us);
    }
    if (packet->count == MNB_PSFB_FIR)
        for (size_t i = 0; i < FIRS_MAX && mnb_rtcp_read_fir(packet, i, &ssrc, &seq); i++) {
            slot = find_slot(transport, ssrc);
            if (slot != NULL)
                mnb_slot_on_pli(slot, now_us);
        }
}

void mnb_feedback_on_rtcp(MnbTransport *transport, const uint8_t *data, size_t size, int64_t now_us)
{
    MnbRtcpReader reader;
    MnbRtcpPacket packet;
    MnbRtcpReport report;
    int got;
    mnb_rtcp_start(&reader, data, size);
    while ((got = mnb_rtcp_next(&reader, &packet)) > 0) {
        switch (packet.type) {
        case MNB_RTCP_SR:
            on_sender_report(transport, &packet, now_us);
            break;
        case MNB_RTCP_RR:
            for (size_t i = 0; mnb_rtcp_read_report(&packet, i, &report); i++)
                on_report(transport, &report, now_us);
            break;
        case MNB_RTCP_RTPFB:
            if (packet.count == MNB_RTPFB_NACK)
                on_nack(transport, &packet, now_us);
            else if (packet.count == MNB_RTPFB_TWCC)
                mnb_line_on_feedback(transport, &packet, now_us);
            break;
        case MNB_RTCP_PSFB:
            on_payload_feedback(transport, &packet, now_us);
            break;
        default:
            break;
        }
    }
    if (got < 0)
        transport->worker->stats.dropped_malformed++;
}

/* ---- what the peer is told ---- */

/* A receiver report about all tracks. Senders without transport-wide feedback also get a REMB, else
 * Chromium would stay at its start bit rate. */
static void send_receiver_report(MnbTransport *transport, int64_t now_us)
{
    MnbRtcpReport reports[REPORTS_MAX];
    uint32_t ssrcs[REPORTS_MAX];
    size_t n = 0;
    size_t n_remb = 0;
    for (MnbTrack *track = transport->tracks; track != NULL && n < REPORTS_MAX;
         track = track->next_in_transport) {
        if (!mnb_track_report(track, &reports[n], now_us))
            continue;
        if (track->config.has_twcc == 0 && track->is_video)
            ssrcs[n_remb++] = track->ssrc;
        n++;
    }
    MnbRtcpWriter writer;
    if (n == 0 || !mnb_transport_rtcp_begin(transport, &writer))
        return;
    mnb_rtcp_put_rr(&writer, transport->rtcp_ssrc, reports, n);
    mnb_rtcp_put_cname(&writer, transport->rtcp_ssrc, CNAME);
    if (n_remb > 0)
        mnb_rtcp_put_remb(&writer, transport->rtcp_ssrc, REMB_BPS, ssrcs, n_remb);
    mnb_transport_rtcp_end(transport, &writer);
}

/* The publisher's last report, moved along its line to now: whatever the delay of its way here,
 * pairs of NTP and RTP time stay those of the publisher's clock, and so does lip-sync. */
static bool make_sender_report(MnbSlot *slot, MnbRtcpSenderInfo *out, int64_t now_us)
{
    const MnbTrack *track = slot->source;
    if (track == NULL || track->sr_ntp == 0 || !slot->has_sent || slot->packets == 0)
        return false;
    int64_t gone_us = now_us - track->sr_us;
    *out = (MnbRtcpSenderInfo){
        .ssrc = slot->config.ssrc,
        .ntp = track->sr_ntp + ((uint64_t)gone_us << 32) / MNB_SECOND_US,
        .rtp_time = track->sr_rtp + slot->timestamp_delta +
                    (uint32_t)((uint64_t)gone_us * track->config.clock_rate / MNB_SECOND_US),
        .packets = (uint32_t)slot->packets,
        .bytes = (uint32_t)slot->bytes,
    };
    slot->sr_mid[1] = slot->sr_mid[0];
    slot->sr_sent_us[1] = slot->sr_sent_us[0];
    slot->sr_mid[0] = (uint32_t)(out->ntp >> 16);
    slot->sr_sent_us[0] = now_us;
    return true;
}

static void send_sender_reports(MnbTransport *transport, int64_t now_us)
{
    MnbRtcpWriter writer;
    if (!mnb_transport_rtcp_begin(transport, &writer))
        return;
    for (unsigned i = 0; i < transport->n_slots; i++) {
        MnbRtcpSenderInfo info;
        if (!make_sender_report(transport->slots[i], &info, now_us))
            continue;
        if (mnb_rtcp_put_sr(&writer, &info, NULL, 0) < 0)
            break;
        mnb_rtcp_put_cname(&writer, info.ssrc, CNAME);
    }
    mnb_transport_rtcp_end(transport, &writer);
}

void mnb_feedback_send_reports(MnbTransport *transport, int64_t now_us)
{
    if (transport->direction == MNB_PUBLISH)
        send_receiver_report(transport, now_us);
    else
        send_sender_reports(transport, now_us);
}

void mnb_feedback_send_twcc(MnbTransport *transport)
{
    MnbRtcpWriter writer;
    while (transport->twcc != NULL && mnb_twcc_has_news(transport->twcc)) {
        if (!mnb_transport_rtcp_begin(transport, &writer) ||
            mnb_twcc_build(transport->twcc, &writer, transport->rtcp_ssrc,
                           transport->twcc_media_ssrc) < 0)
            return;
        mnb_transport_rtcp_end(transport, &writer);
    }
}

void mnb_feedback_send_nack(MnbTrack *track, const uint16_t *seqs, size_t n)
{
    MnbTransport *transport = track->transport;
    MnbRtcpWriter writer;
    if (!mnb_transport_rtcp_begin(transport, &writer) ||
        mnb_rtcp_put_nack(&writer, transport->rtcp_ssrc, track->ssrc, seqs, n) < 0)
        return;
    transport->worker->stats.nacks_out += n;
    mnb_transport_rtcp_end(transport, &writer);
}

bool mnb_feedback_send_pli(MnbTrack *track)
{
    MnbTransport *transport = track->transport;
    MnbRtcpWriter writer;
    if (transport->feed != NULL) {
        mnb_feed_request_key(track);
        transport->worker->stats.plis_out++;
        return true;
    }
    if (track->ssrc == 0 || !mnb_transport_rtcp_begin(transport, &writer) ||
        mnb_rtcp_put_pli(&writer, transport->rtcp_ssrc, track->ssrc) < 0)
        return false;
    transport->worker->stats.plis_out++;
    mnb_transport_rtcp_end(transport, &writer);
    return true;
}
