/* line-world.h - a publisher of three layers and sound, a worker, and a receiver who behaves as a
 * browser does (transport feedback, NACK, receiver reports, PLI answered by key frames), with bad
 * lines between them (udp-line.h), all in simulated time. For the tests of lines only. */
#pragma once
#include "server/media/bytes.h"
#include "server/media/nack.h"
#include "server/media/payload.h"
#include "server/media/rtx.h"
#include "server/media/seq.h"
#include "server/media/twcc.h"
#include "tests/support/udp-line.h"
#include "tests/unit/media/worker-fixture.h"

enum { LAYERS = 3, LAYER_SSRC = 2000, AUDIO_SSRC = 3000, AUDIO_SLOT = 9100, FPS = 25 };
enum { STEP_US = 2000, SECOND_US = 1000000, TWCC_EVERY_US = 60000, SEQS = 1 << 16 };
enum { SLOT_VIDEO = 20, SLOT_AUDIO = 21, TRACK_LAYER = 10, TRACK_AUDIO = 15 };

static const int layer_bps[LAYERS] = {150000, 500000, 1500000};

/* What the publisher sends of one SSRC. */
typedef struct {
    uint32_t ssrc;
    uint16_t seq, picture;
    uint8_t tl0;
    bool wants_key;
    bool is_off;
    bool has_sent;
    const char *rid; /* set: each packet says who it is */
    uint32_t timestamp_base;
    unsigned frames; /* since the last key frame */
    double credit;
    unsigned n_keys;
    PeerRtp *kept; /* at seq: for NACKs; payload of its own */
    uint8_t (*payloads)[1200];
} Source;

/* What the receiver has of one SSRC. */
typedef struct {
    uint32_t ssrc, rtx_ssrc;
    uint8_t pt;
    bool is_started;
    uint16_t first, highest;
    uint32_t sequence; /* packets of the range first .. highest */
    uint8_t got[SEQS]; /* at seq: times */
    uint16_t pictures[SEQS];
    uint8_t tl0s[SEQS], tids[SEQS];
    unsigned received, duplicates, repairs, padding, nacks;
    uint64_t bytes, rtx_bytes;
    uint32_t timestamp;
    int64_t packet_us, longest_us; /* last packet; longest time without one */
    MnbNack nack;
    /* receiver report */
    uint32_t last_sr;
    int64_t sr_us;
    uint32_t expected_before, received_before;
    /* pictures */
    bool has_picture;
    uint16_t picture;
    unsigned n_tids[4]; /* packets */
    unsigned bad_steps; /* picture id or time stamp that does not follow */
    uint32_t width;
} Sink;

typedef struct {
    Rig *rig;
    Peer *publisher, *receiver;
    UdpLine *up, *down; /* of the publisher, of the receiver */
    bool has_twcc, has_video_nack, is_audio_nack;
    Source layers[LAYERS], audio;
    int64_t frame_us, audio_us;
    unsigned frame;
    Sink video, sound;
    MnbTwcc twcc;
    int64_t twcc_us, report_us;
    unsigned nacks_up; /* numbers asked for by the worker */
    bool only_top;     /* one layer only */
    bool has_temporal; /* each layer has three temporal ones */
    int top_bps;       /* of the top layer; 0: as in layer_bps */
    uint16_t publisher_twcc;
} World;

static inline void source_init(Source *source, uint32_t ssrc, uint16_t seq)
{
    source->ssrc = ssrc;
    source->seq = seq;
    source->picture = seq & 0x7fff;
    source->tl0 = (uint8_t)seq;
    source->wants_key = true;
    source->kept = g_new0(PeerRtp, SEQS);
    source->payloads = g_malloc0(sizeof(uint8_t[1200]) * 4096);
}

static inline void world_add_tracks(World *w)
{
    static const char *const rids[] = {"q", "h", "f"};
    for (unsigned i = w->only_top ? LAYERS - 1 : 0; i < LAYERS; i++) {
        MnbTrackAdd add = {.track = TRACK_LAYER + i,
                           .transport = 1,
                           .codec = MNB_CODEC_VP8,
                           .pt = PT_VP8,
                           .layer = (uint8_t)(w->only_top ? 0 : i),
                           .clock_rate = 90000,
                           .ssrc = LAYER_SSRC + i,
                           .mid = "0",
                           .ext = {.mid = EXT_MID, .rid = EXT_RID, .twcc = EXT_TWCC},
                           .has_nack = 1,
                           .has_pli = 1,
                           .has_twcc = 1};
        if (!w->only_top)
            g_strlcpy(add.rid, rids[i], sizeof add.rid);
        rig_command(w->rig, MNB_MEDIA_TRACK_ADD, &add);
    }
    MnbTrackAdd audio = {.track = TRACK_AUDIO,
                         .transport = 1,
                         .codec = MNB_CODEC_OPUS,
                         .pt = PT_OPUS,
                         .clock_rate = 48000,
                         .ssrc = AUDIO_SSRC,
                         .mid = "1",
                         .has_nack = 1};
    rig_command(w->rig, MNB_MEDIA_TRACK_ADD, &audio);
}

static inline void world_bind(World *w, uint32_t slot, uint32_t track, uint32_t rank)
{
    MnbSlotBind bind = {.slot = slot, .track = track, .rank = rank};
    rig_command(w->rig, MNB_MEDIA_SLOT_BIND, &bind);
}

static inline void world_add_slots(World *w)
{
    uint8_t twcc = w->has_twcc ? EXT_TWCC : 0;
    MnbSlotAdd video = {.slot = SLOT_VIDEO,
                        .transport = 2,
                        .ssrc = SLOT_SSRC,
                        .rtx_ssrc = SLOT_RTX,
                        .is_video = 1,
                        .has_nack = 1,
                        .clock_rate = 90000,
                        .mid = "v",
                        .ext = {.mid = EXT_MID, .twcc = twcc}};
    video.pt[MNB_CODEC_VP8] = OUT_VP8;
    video.rtx_pt[MNB_CODEC_VP8] = OUT_RTX;
    MnbSlotAdd audio = {.slot = SLOT_AUDIO,
                        .transport = 2,
                        .ssrc = AUDIO_SLOT,
                        .has_nack = w->is_audio_nack,
                        .clock_rate = 48000,
                        .mid = "a",
                        .ext = {.mid = EXT_MID, .twcc = twcc}};
    audio.pt[MNB_CODEC_OPUS] = OUT_OPUS;
    rig_command(w->rig, MNB_MEDIA_SLOT_ADD, &video);
    rig_command(w->rig, MNB_MEDIA_SLOT_ADD, &audio);
}

/* @setup: changes the world's flags before anything is added; may be NULL. */
static inline World *world_new(void (*setup)(World *w))
{
    World *w = g_new0(World, 1);
    w->has_twcc = w->has_video_nack = true;
    if (setup != NULL)
        setup(w);
    w->rig = rig_new();
    w->publisher = peer_new(w->rig, 1, 7, MNB_PUBLISH, false);
    w->receiver = peer_new(w->rig, 2, 7, MNB_RECEIVE, false);
    w->up = udp_line_new(&w->rig->address, 5);
    w->down = udp_line_new(&w->rig->address, 6);
    world_add_tracks(w);
    world_add_slots(w);
    g_assert_true(peer_connect(w->publisher));
    g_assert_true(peer_connect(w->receiver));
    w->publisher->address = udp_line_front(w->up);
    w->receiver->address = udp_line_front(w->down);
    for (unsigned i = 0; i < LAYERS; i++)
        source_init(&w->layers[i], LAYER_SSRC + i, (uint16_t)(65000 + i * 200));
    source_init(&w->audio, AUDIO_SSRC, 64000);
    w->video = (Sink){.ssrc = SLOT_SSRC, .rtx_ssrc = SLOT_RTX, .pt = OUT_VP8};
    w->sound = (Sink){.ssrc = AUDIO_SLOT, .pt = OUT_OPUS};
    w->frame_us = w->audio_us = w->twcc_us = w->report_us = w->rig->now_us;
    return w;
}

static inline void world_free(World *w)
{
    for (unsigned i = 0; i < LAYERS; i++) {
        g_free(w->layers[i].kept);
        g_free(w->layers[i].payloads);
    }
    g_free(w->audio.kept);
    g_free(w->audio.payloads);
    udp_line_free(w->up);
    udp_line_free(w->down);
    peer_free(w->publisher);
    peer_free(w->receiver);
    rig_free(w->rig);
    g_free(w);
}

/* ---- the publisher ---- */

static inline void publish_packet(World *w, Source *source, PeerRtp rtp)
{
    uint8_t *place = source->payloads[rtp.seq & 4095];
    memcpy(place, rtp.payload, rtp.payload_size);
    rtp.payload = place;
    if (source->rid != NULL) {
        rtp.mid_id = EXT_MID;
        rtp.mid = "0";
        rtp.rid_id = EXT_RID;
        rtp.rid = source->rid;
    }
    rtp.twcc_id = EXT_TWCC;
    rtp.twcc = w->publisher_twcc++;
    source->kept[rtp.seq] = rtp;
    peer_send(w->publisher, &rtp);
}

static inline void publish_frame(World *w, Source *source, int bps, uint32_t timestamp)
{
    uint8_t payload[1200];
    bool is_key = source->wants_key;
    source->credit += bps / 8.0 / FPS;
    static const uint8_t tids[] = {0, 2, 1, 2};
    uint8_t tid = w->has_temporal && !is_key ? tids[source->frames++ % 4] : 0;
    bool is_sync = tid == 1 || (tid == 2 && source->frames % 4 == 2);
    double size = is_key ? source->credit * 3 : source->credit;
    if (is_key)
        source->frames = 1;
    if (tid == 0 && source->has_sent)
        source->tl0++;
    source->has_sent = true;
    source->credit -= bps / 8.0 / FPS;
    unsigned n = (unsigned)(size / 1100) + 1;
    for (unsigned i = 0; i < n; i++) {
        size_t bytes = (size_t)(size / n) < 60 ? 60 : (size_t)(size / n);
        peer_vp8(payload, bytes, i == 0, is_key, source->picture, source->tl0, (uint8_t)i);
        payload[5] = (uint8_t)(tid << 6 | (is_sync ? 0x20 : 0));
        publish_packet(w, source,
                       (PeerRtp){.ssrc = source->ssrc,
                                 .seq = source->seq++,
                                 .timestamp = source->timestamp_base + timestamp,
                                 .pt = PT_VP8,
                                 .marker = i + 1 == n,
                                 .payload = payload,
                                 .payload_size = bytes});
    }
    source->picture = (source->picture + 1) & 0x7fff;
    source->n_keys += is_key;
    source->wants_key = false;
}

static inline void publish(World *w)
{
    while (w->rig->now_us >= w->frame_us) {
        for (unsigned i = w->only_top ? LAYERS - 1 : 0; i < LAYERS; i++)
            if (!w->layers[i].is_off)
                publish_frame(w, &w->layers[i],
                              i == LAYERS - 1 && w->top_bps != 0 ? w->top_bps : layer_bps[i],
                              w->frame * (90000 / FPS));
        w->frame++;
        w->frame_us += SECOND_US / FPS;
    }
    while (w->rig->now_us >= w->audio_us) {
        uint8_t payload[80] = {0x78, 1, 2, 3};
        publish_packet(w, &w->audio,
                       (PeerRtp){.ssrc = AUDIO_SSRC,
                                 .seq = w->audio.seq,
                                 .timestamp = w->audio.seq * 960u,
                                 .pt = PT_OPUS,
                                 .payload = payload,
                                 .payload_size = sizeof payload});
        w->audio.seq++;
        w->audio_us += 20000;
    }
}

static inline Source *find_source(World *w, uint32_t ssrc)
{
    for (unsigned i = 0; i < LAYERS; i++)
        if (w->layers[i].ssrc == ssrc)
            return &w->layers[i];
    return &w->audio;
}

/* A repair: the same packet, sealed under an index of its own would need RTX; here the lost one is
 * sent as it was, which a replay window takes once. */
static inline void repair(World *w, Source *source, uint16_t seq)
{
    w->nacks_up++;
    PeerRtp rtp = source->kept[seq];
    if (rtp.payload == NULL)
        return;
    MnbSrtpStream *stream = NULL;
    for (unsigned i = 0; i < w->publisher->n_sends; i++)
        if (w->publisher->sends[i].ssrc == source->ssrc)
            stream = &w->publisher->sends[i].stream;
    g_assert_nonnull(stream);
    MnbSrtpStream now = *stream;
    memset(stream->window, 0, sizeof stream->window);
    rtp.twcc_id = 0;
    peer_send(w->publisher, &rtp);
    *stream = now;
}

static inline void read_publisher_reports(World *w)
{
    uint16_t seqs[512];
    uint32_t ssrc;
    for (unsigned i = 0; i < w->publisher->n_reports; i++) {
        MnbRtcpReader reader;
        MnbRtcpPacket packet;
        mnb_rtcp_start(&reader, w->publisher->reports[i].data, w->publisher->reports[i].size);
        while (mnb_rtcp_next(&reader, &packet) > 0) {
            if (mnb_rtcp_read_pli(&packet, &ssrc))
                find_source(w, ssrc)->wants_key = true;
            size_t n = mnb_rtcp_read_nack(&packet, &ssrc, seqs, 512);
            for (size_t j = 0; j < n; j++)
                repair(w, find_source(w, ssrc), seqs[j]);
        }
    }
    peer_forget(w->publisher);
}

/* ---- the receiver ---- */

static inline void sink_take(World *w, Sink *sink, const MnbRtp *rtp, const uint8_t *data,
                             bool is_rtx)
{
    int64_t now_us = w->rig->now_us;
    if (!sink->is_started) {
        sink->is_started = true;
        sink->first = sink->highest = rtp->seq;
        sink->sequence = 1;
    } else if (mnb_seq_is_newer(rtp->seq, sink->highest)) {
        unsigned ahead = (uint16_t)(rtp->seq - sink->highest);
        for (unsigned i = 1; i <= ahead; i++)
            sink->got[(uint16_t)(sink->highest + i)] = 0;
        if (ahead > 1)
            mnb_nack_add(&sink->nack, (uint16_t)(sink->highest + 1), ahead - 1, now_us);
        sink->sequence += ahead;
        sink->highest = rtp->seq;
    } else {
        mnb_nack_remove(&sink->nack, rtp->seq, now_us);
    }
    if (sink->got[rtp->seq]++ > 0) {
        sink->duplicates += !is_rtx; /* a repair that came too late is none */
        return;
    }
    sink->received++;
    sink->repairs += is_rtx;
    sink->bytes += rtp->payload_bytes;
    if (sink->packet_us != 0 && now_us - sink->packet_us > sink->longest_us)
        sink->longest_us = now_us - sink->packet_us;
    sink->packet_us = now_us;
    if (sink->pt != OUT_VP8)
        return;
    MnbPayload payload;
    g_assert_cmpint(
        mnb_payload_parse(&payload, MNB_CODEC_VP8, data + rtp->header_bytes, rtp->payload_bytes),
        ==, 0);
    sink->pictures[rtp->seq] = payload.vp8.picture_id;
    sink->tl0s[rtp->seq] = payload.vp8.tl0;
    sink->tids[rtp->seq] = payload.tid;
    sink->n_tids[payload.tid]++;
    if (!rtp->marker)
        return;
    /* The last packets of frames in order: each picture id is the next, and time goes on. */
    if (rtp->seq == sink->highest) {
        int32_t step = (int32_t)(rtp->timestamp - sink->timestamp);
        if (sink->has_picture && (step <= 0 || step > 90000 * 40))
            sink->bad_steps++;
        sink->timestamp = rtp->timestamp;
        sink->picture = payload.vp8.picture_id;
        sink->has_picture = true;
    }
}

static inline void receive_rtp(World *w, PeerPacket *packet)
{
    uint16_t seq;
    MnbRtp *rtp = &packet->rtp;
    if (w->has_twcc && mnb_rtp_read_u16(rtp, packet->data, EXT_TWCC, &seq))
        mnb_twcc_arrived(&w->twcc, seq, w->rig->now_us);
    if (rtp->ssrc == w->sound.ssrc) {
        sink_take(w, &w->sound, rtp, packet->data, false);
    } else if (rtp->ssrc == w->video.ssrc) {
        sink_take(w, &w->video, rtp, packet->data, false);
    } else if (rtp->payload_bytes == 0) {
        w->video.padding++;
    } else {
        w->video.rtx_bytes += packet->size;
        int len = mnb_rtx_undo(packet->data, packet->size, rtp, w->video.ssrc, OUT_VP8);
        g_assert_cmpint(len, >, 0);
        g_assert_cmpint(mnb_rtp_parse(rtp, packet->data, (size_t)len), ==, 0);
        sink_take(w, &w->video, rtp, packet->data, true);
    }
}

static inline void receive_reports(World *w)
{
    for (unsigned i = 0; i < w->receiver->n_reports; i++) {
        MnbRtcpReader reader;
        MnbRtcpPacket packet;
        MnbRtcpSenderInfo info;
        mnb_rtcp_start(&reader, w->receiver->reports[i].data, w->receiver->reports[i].size);
        while (mnb_rtcp_next(&reader, &packet) > 0)
            if (mnb_rtcp_read_sr(&packet, &info)) {
                Sink *sink = info.ssrc == w->video.ssrc ? &w->video : &w->sound;
                sink->last_sr = (uint32_t)(info.ntp >> 16);
                sink->sr_us = w->rig->now_us;
            }
    }
}

static inline MnbRtcpReport report_of(const World *w, Sink *sink)
{
    uint32_t received = sink->received;
    uint32_t expected_now = sink->sequence - sink->expected_before;
    uint32_t received_now = received - sink->received_before;
    MnbRtcpReport report = {.ssrc = sink->ssrc, .highest_seq = sink->highest};
    if (expected_now > received_now)
        report.fraction_lost = (uint8_t)((expected_now - received_now) * 255 / expected_now);
    sink->expected_before = sink->sequence;
    sink->received_before = received;
    if (sink->last_sr != 0) {
        report.last_sr = sink->last_sr;
        report.delay = (uint32_t)((w->rig->now_us - sink->sr_us) * 65536 / SECOND_US);
    }
    return report;
}

static inline void send_nacks(World *w, Sink *sink)
{
    uint8_t data[1400];
    uint16_t seqs[64];
    unsigned gave_up;
    MnbRtcpWriter writer;
    size_t n = mnb_nack_take_due(&sink->nack, w->rig->now_us, seqs, 64, &gave_up);
    if (n == 0)
        return;
    sink->nacks += (unsigned)n;
    mnb_rtcp_begin(&writer, data, 1200);
    mnb_rtcp_put_nack(&writer, 1, sink->ssrc, seqs, n);
    peer_send_rtcp(w->receiver, &writer);
}

static inline void send_feedback(World *w)
{
    uint8_t data[1400];
    MnbRtcpWriter writer;
    if (w->rig->now_us >= w->twcc_us) {
        w->twcc_us += TWCC_EVERY_US;
        while (mnb_twcc_has_news(&w->twcc)) {
            mnb_rtcp_begin(&writer, data, 1200);
            if (mnb_twcc_build(&w->twcc, &writer, 1, SLOT_SSRC) < 0)
                break;
            peer_send_rtcp(w->receiver, &writer);
        }
    }
    if (w->rig->now_us >= w->report_us) {
        w->report_us += SECOND_US;
        MnbRtcpReport reports[] = {report_of(w, &w->video), report_of(w, &w->sound)};
        mnb_rtcp_begin(&writer, data, 1200);
        mnb_rtcp_put_rr(&writer, 1, reports, 2);
        peer_send_rtcp(w->receiver, &writer);
        peer_check(w->receiver, true); /* consent */
        peer_check(w->publisher, true);
    }
    if (w->has_video_nack)
        send_nacks(w, &w->video);
    if (w->is_audio_nack)
        send_nacks(w, &w->sound);
}

static inline void world_run(World *w, int64_t us)
{
    for (int64_t end_us = w->rig->now_us + us; w->rig->now_us < end_us;) {
        w->rig->now_us += STEP_US;
        publish(w);
        udp_line_step(w->up, w->rig->now_us);
        rig_step(w->rig);
        udp_line_step(w->down, w->rig->now_us);
        peer_poll(w->receiver);
        for (unsigned i = 0; i < w->receiver->n_packets; i++)
            receive_rtp(w, &w->receiver->packets[i]);
        receive_reports(w);
        peer_forget(w->receiver);
        send_feedback(w);
        udp_line_step(w->down, w->rig->now_us);
        udp_line_step(w->up, w->rig->now_us);
        peer_poll(w->publisher);
        read_publisher_reports(w);
    }
}

static inline void world_set_down(World *w, UdpLineSide down, int64_t delay_up_us)
{
    UdpLineSide up = {.delay_us = delay_up_us};
    udp_line_set(w->down, &up, &down);
}

/* Numbers that never came, of all up to a second ago. */
static inline unsigned missing(const Sink *sink, unsigned leave_out)
{
    unsigned n = 0;
    for (uint32_t i = 0; i + leave_out < sink->sequence && i < SEQS; i++)
        n += sink->got[(uint16_t)(sink->first + i)] == 0;
    return n;
}

/* Steps from one packet to the next that no decoder takes: picture ids, TL0 indexes. */
static inline unsigned broken_steps(const Sink *sink)
{
    unsigned n = 0;
    for (uint32_t i = 1; i < sink->sequence && i < SEQS; i++) {
        uint16_t seq = (uint16_t)(sink->first + i);
        uint16_t before = (uint16_t)(seq - 1);
        if (sink->got[seq] == 0 || sink->got[before] == 0)
            continue;
        unsigned pictures = (sink->pictures[seq] - sink->pictures[before]) & 0x7fffu;
        unsigned tl0s = (uint8_t)(sink->tl0s[seq] - sink->tl0s[before]);
        bool is_base = pictures == 1 && sink->tids[seq] == 0;
        n += pictures > 1 || tl0s != (is_base ? 1u : 0u);
    }
    return n;
}

/* Begins to count anew. */
static inline void sink_reset(Sink *sink)
{
    memset(sink->got, 1, sizeof sink->got);
    sink->first = (uint16_t)(sink->highest + 1);
    sink->sequence = 0;
    sink->received = sink->duplicates = sink->repairs = sink->padding = sink->nacks = 0;
    sink->bytes = sink->rtx_bytes = 0;
    sink->bad_steps = 0;
    sink->longest_us = 0;
    memset(sink->n_tids, 0, sizeof sink->n_tids);
    sink->expected_before = sink->received_before = 0;
}
