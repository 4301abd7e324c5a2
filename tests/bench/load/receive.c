/* receive.c - a subscriber: opens and counts every packet, and says of it what a browser says:
 * receiver reports each second, transport-wide feedback each 100 ms, NACK, and PLI when no key
 * frame has come. */
#include "server/media/payload.h"
#include "server/media/rtx.h"
#include "tests/bench/load/load.h"
#include <errno.h>
#include <string.h>

#define REPORT_US   1000000
#define FEEDBACK_US 100000
#define PLI_US      1000000
#define REPORTS_MAX 31 /* of one RR */
#define NACK_MAX    200
#define SEEN_BITS   1024

static LoadStream *find_stream(LoadClient *client, uint32_t ssrc, uint8_t pt)
{
    for (unsigned i = 0; i < client->n_streams; i++)
        if (client->streams[i].ssrc == ssrc)
            return &client->streams[i];
    if (client->n_streams == LOAD_STREAMS_MAX)
        return NULL;
    LoadStream *stream = &client->streams[client->n_streams++];
    *stream = (LoadStream){.ssrc = ssrc, .kind = (LoadKind)client->kinds[pt]};
    return stream;
}

static LoadStream *video_stream(LoadClient *client)
{
    for (unsigned i = 0; i < client->n_streams; i++)
        if (client->streams[i].kind == LOAD_VIDEO)
            return &client->streams[i];
    return NULL;
}

/* What the RTX stream @ssrc repairs: the worker's numbers are neighbours (worker.c); else there is
 * only one video. */
static LoadStream *repaired_stream(LoadClient *client, uint32_t ssrc)
{
    for (unsigned i = 0; i < client->n_streams; i++)
        if (client->streams[i].kind == LOAD_VIDEO && client->streams[i].ssrc == ssrc - 1)
            return &client->streams[i];
    return video_stream(client);
}

static uint64_t *seen_word(LoadStream *stream, int64_t number, uint64_t *bit_out)
{
    *bit_out = 1ULL << (number & 63);
    return &stream->seen[((uint64_t)number / 64) & (SEEN_BITS / 64 - 1)];
}

/* Notes a sequence number. False: it was there before, or is too old to tell. */
static bool note_seq(LoadStream *stream, uint16_t seq)
{
    uint64_t bit;
    bool is_first = !stream->seq.is_started;
    int64_t before = stream->seq.highest;
    int64_t number = mnb_seq_unwrap(&stream->seq, seq);
    if (is_first) {
        stream->first = number;
        stream->nacked = number + 1;
        stream->reported_highest = number - 1;
    } else if (number > before) {
        int64_t clear = number - before > SEEN_BITS ? number - SEEN_BITS + 1 : before + 1;
        for (; clear <= number; clear++) {
            uint64_t *word = seen_word(stream, clear, &bit);
            *word &= ~bit;
        }
    } else if (number <= before - SEEN_BITS) {
        return false;
    }
    uint64_t *word = seen_word(stream, number, &bit);
    if ((*word & bit) != 0) {
        stream->duplicates++;
        return false;
    }
    *word |= bit;
    stream->unique++;
    return true;
}

/* The packet's own account: who published it when, how long it was on its way. */
static void note_payload(LoadClient *client, const LoadStream *stream, const uint8_t *payload,
                         size_t len, uint64_t arrival_ns)
{
    Load *load = client->load;
    unsigned publisher;
    LoadKind kind;
    uint32_t number;
    uint64_t sent_ns;
    MnbPayload info;
    if (client->media_us == 0) /* when the kernel got it, not when we came round to it */
        client->media_us = load_now_us() - (int64_t)((load_wall_ns() - arrival_ns) / 1000);
    if (client->key_us == 0 && stream->kind == LOAD_VIDEO &&
        mnb_payload_parse(&info, MNB_CODEC_VP8, payload, len) == 0 && info.is_key_frame)
        client->key_us = load_now_us() - (int64_t)((load_wall_ns() - arrival_ns) / 1000);
    if (!load_mark_read(payload, len, &publisher, &kind, &number, &sent_ns) ||
        publisher >= load->options.publishers) {
        load->counters.bad_mark++;
        return;
    }
    const LoadPublisher *source = load->clients[publisher].publisher;
    const LoadTrack *track = kind == LOAD_AUDIO ? &source->audio : &source->video;
    if (!client->is_late && number >= track->number_then && number < track->number_end)
        load->counters.marked++;
    if (load->is_in_window) {
        load->counters.in_window++;
        if (!client->is_late)
            load_histogram_add(&load->latency,
                               arrival_ns > sent_ns ? (arrival_ns - sent_ns) / 1000 : 0);
    }
}

void load_receive_rtp(LoadClient *client, uint8_t *data, size_t len, uint64_t arrival_ns)
{
    LoadCounters *counters = &client->load->counters;
    MnbRtp rtp;
    uint16_t twcc_seq;
    counters->received++;
    counters->received_bytes += len;
    if (mnb_rtp_parse_header(&rtp, data, len) < 0)
        return;
    LoadStream *stream = find_stream(client, rtp.ssrc, rtp.pt);
    if (stream == NULL) {
        counters->unknown++;
        return;
    }
    int plain = mnb_srtp_unprotect(client->receives, &stream->srtp, data, len, rtp.header_bytes);
    if (plain < 0) {
        if (plain == -EACCES)
            counters->bad_tag++;
        else if (plain == -EALREADY)
            stream->duplicates++;
        return;
    }
    counters->authenticated++;
    if (client->twcc != NULL && mnb_rtp_read_u16(&rtp, data, client->twcc_id, &twcc_seq))
        mnb_twcc_arrived(client->twcc, twcc_seq, (int64_t)(arrival_ns / 1000));
    if (mnb_rtp_parse(&rtp, data, (size_t)plain) < 0)
        return;
    if (stream->kind == LOAD_RTX) {
        LoadStream *video = repaired_stream(client, rtp.ssrc);
        if (video == NULL || mnb_rtx_undo(data, (size_t)plain, &rtp, video->ssrc, 0) < 0)
            return;
        rtp.seq = mnb_get_u16(data + 2);
        rtp.payload_bytes = (uint16_t)(rtp.payload_bytes - MNB_RTX_OSN_BYTES);
        stream = video;
        if (!note_seq(stream, rtp.seq))
            return;
        counters->recovered++;
    } else if (rtp.payload_bytes == 0 || !note_seq(stream, rtp.seq)) {
        return;
    }
    if (stream->kind == LOAD_AUDIO || stream->kind == LOAD_VIDEO)
        note_payload(client, stream, data + rtp.header_bytes, rtp.payload_bytes, arrival_ns);
}

void load_receive_rtcp(LoadClient *client, const MnbRtcpPacket *packet, int64_t now_us)
{
    MnbRtcpSenderInfo info;
    if (!mnb_rtcp_read_sr(packet, &info))
        return;
    for (unsigned i = 0; i < client->n_streams; i++)
        if (client->streams[i].ssrc == info.ssrc) {
            client->streams[i].last_sr = (uint32_t)(info.ntp >> 16);
            client->streams[i].last_sr_us = now_us;
        }
}

void load_rtcp_send(LoadClient *client, uint8_t *packet, size_t len)
{
    uint8_t *out = load_net_buffer(client);
    memcpy(out, packet, len);
    int sealed = mnb_srtp_protect_rtcp(client->sends, out, len, LOAD_PACKET_MAX);
    if (sealed > 0)
        load_net_send(client, (size_t)sealed);
}

static void send_reports(LoadClient *client, int64_t now_us)
{
    uint8_t packet[1200];
    MnbRtcpReport reports[REPORTS_MAX];
    MnbRtcpWriter writer;
    size_t n = 0;
    for (unsigned i = 0; i < client->n_streams; i++) {
        LoadStream *stream = &client->streams[i];
        if (!stream->seq.is_started || n == REPORTS_MAX)
            continue;
        int64_t expected = stream->seq.highest - stream->first + 1;
        int64_t lately = stream->seq.highest - stream->reported_highest;
        int64_t got = (int64_t)(stream->unique - stream->reported_unique);
        reports[n++] = (MnbRtcpReport){
            .ssrc = stream->ssrc,
            .fraction_lost =
                lately > got && lately > 0 ? (uint8_t)((lately - got) * 255 / lately) : 0,
            .lost = (int32_t)(expected - (int64_t)stream->unique),
            .highest_seq = (uint32_t)stream->seq.highest,
            .jitter = 10,
            .last_sr = stream->last_sr,
            .delay = stream->last_sr == 0
                         ? 0
                         : (uint32_t)((now_us - stream->last_sr_us) * 65536 / 1000000),
        };
        stream->reported_highest = stream->seq.highest;
        stream->reported_unique = stream->unique;
    }
    mnb_rtcp_begin(&writer, packet, sizeof packet - MNB_SRTCP_ADDED_MAX);
    mnb_rtcp_put_rr(&writer, client->ssrc, reports, n);
    mnb_rtcp_put_cname(&writer, client->ssrc, LOAD_CNAME);
    load_rtcp_send(client, packet, writer.len);
    client->load->counters.reports++;
}

static void send_nack(LoadClient *client, LoadStream *stream)
{
    uint8_t packet[1000];
    uint16_t missing[NACK_MAX];
    MnbRtcpWriter writer;
    uint64_t bit;
    size_t n = 0;
    int64_t from = stream->nacked;
    if (from < stream->seq.highest - SEEN_BITS + 1)
        from = stream->seq.highest - SEEN_BITS + 1;
    for (int64_t number = from; number < stream->seq.highest && n < NACK_MAX; number++)
        if ((*seen_word(stream, number, &bit) & bit) == 0)
            missing[n++] = (uint16_t)number;
    stream->nacked = stream->seq.highest;
    if (n == 0)
        return;
    client->load->counters.nacked += n;
    mnb_rtcp_begin(&writer, packet, sizeof packet - MNB_SRTCP_ADDED_MAX);
    if (mnb_rtcp_put_nack(&writer, client->ssrc, stream->ssrc, missing, n) == 0)
        load_rtcp_send(client, packet, writer.len);
}

static void send_feedback(LoadClient *client)
{
    while (mnb_twcc_has_news(client->twcc)) {
        uint8_t packet[1000];
        MnbRtcpWriter writer;
        mnb_rtcp_begin(&writer, packet, sizeof packet - MNB_SRTCP_ADDED_MAX);
        if (mnb_twcc_build(client->twcc, &writer, client->ssrc, client->streams[0].ssrc) < 0)
            return;
        load_rtcp_send(client, packet, writer.len);
        client->load->counters.feedbacks++;
    }
}

void load_receive_tick(LoadClient *client, int64_t now_us)
{
    uint8_t packet[64];
    LoadStream *video = video_stream(client);
    for (unsigned i = 0; i < client->n_streams; i++) {
        LoadStream *stream = &client->streams[i];
        if (stream->kind == LOAD_VIDEO && stream->seq.is_started &&
            stream->seq.highest > stream->nacked)
            send_nack(client, stream);
    }
    if (video != NULL && client->key_us == 0 && now_us >= client->pli_us) {
        MnbRtcpWriter writer;
        client->pli_us = now_us + PLI_US;
        mnb_rtcp_begin(&writer, packet, sizeof packet - MNB_SRTCP_ADDED_MAX);
        mnb_rtcp_put_pli(&writer, client->ssrc, video->ssrc);
        load_rtcp_send(client, packet, writer.len);
        client->load->counters.plis++;
    }
    if (now_us >= client->report_us) {
        client->report_us += REPORT_US;
        send_reports(client, now_us);
    }
    if (client->twcc != NULL && now_us >= client->twcc_us) {
        client->twcc_us = now_us + FEEDBACK_US;
        send_feedback(client);
    }
}
