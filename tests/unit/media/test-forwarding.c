/* What the worker does with many tracks, slots and taps: layers, audio, speakers, taps, batches. */
#include "server/media/bytes.h"
#include "server/media/packet-ring.h"
#include "tests/unit/media/worker-fixture.h"
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- publishing ---- */

static void add_layer(Rig *rig, uint32_t track, const char *rid, uint8_t layer)
{
    MnbTrackAdd add = {.track = track,
                       .transport = 1,
                       .codec = MNB_CODEC_VP8,
                       .pt = PT_VP8,
                       .rtx_pt = PT_RTX,
                       .layer = layer,
                       .clock_rate = 90000,
                       .mid = "5",
                       .ext = {.mid = EXT_MID, .rid = EXT_RID, .twcc = EXT_TWCC},
                       .has_nack = 1,
                       .has_pli = 1};
    g_strlcpy(add.rid, rid, sizeof add.rid);
    rig_command(rig, MNB_MEDIA_TRACK_ADD, &add);
}

static void send_layer(Fixture *f, uint32_t ssrc, const char *rid, uint16_t seq, bool is_key)
{
    uint8_t payload[600];
    peer_vp8(payload, sizeof payload, true, is_key, seq & 0x7fff, (uint8_t)seq, 0);
    PeerRtp rtp = {.ssrc = ssrc,
                   .seq = seq,
                   .timestamp = seq * 3000u,
                   .pt = PT_VP8,
                   .marker = true,
                   .payload = payload,
                   .payload_size = sizeof payload,
                   .mid_id = rid == NULL ? 0 : EXT_MID,
                   .mid = "5",
                   .rid_id = rid == NULL ? 0 : EXT_RID,
                   .rid = rid};
    peer_send(f->publisher, &rtp);
    rig_advance(f->rig, 10000);
    peer_poll(f->receiver);
}

static void test_simulcast(Fixture *f, gconstpointer data)
{
    (void)data;
    add_layer(f->rig, 50, "q", 0);
    add_layer(f->rig, 51, "f", 1);
    bind_slot(f->rig, 20, 50);
    send_layer(f, 7000, "q", 1, true);
    send_layer(f, 8000, "f", 500, true);
    send_layer(f, 7000, NULL, 2, false); /* the SSRC is known by now */
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 2);
    send_layer(f, 8000, NULL, 501, false);
    rig_advance(f->rig, 2500000); /* too old for the cache */
    bind_slot(f->rig, 20, 51);
    send_layer(f, 7000, NULL, 3, false); /* the old layer stays ... */
    send_layer(f, 8000, NULL, 502, false);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 3);
    send_layer(f, 8000, NULL, 503, true); /* ... until the new one has a key frame */
    send_layer(f, 7000, NULL, 4, false);
    send_layer(f, 8000, NULL, 504, false);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 5);
    for (unsigned i = 1; i < 5; i++)
        g_assert_cmpuint(peer_packet(f->receiver, SLOT_SSRC, i)->rtp.seq, ==,
                         (uint16_t)(peer_packet(f->receiver, SLOT_SSRC, 0)->rtp.seq + i));
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->dropped_unknown, ==, 0);
    /* a layer nobody announced */
    send_layer(f, 9000, "h", 1, true);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->dropped_unknown, ==, 1);
}

static void test_new_ssrc(Fixture *f, gconstpointer data)
{
    (void)data;
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    f->seq = 30000;
    send_frame(f, f->publisher, 31337, 2, false); /* by its MID */
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 2);
    g_assert_cmpuint(count_rtcp(f->publisher, MNB_RTCP_PSFB, MNB_PSFB_PLI), ==, 1);
    send_frame(f, f->publisher, 31337, 2, true);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 4);
    g_assert_cmpuint(peer_packet(f->receiver, SLOT_SSRC, 2)->rtp.seq, ==,
                     (uint16_t)(peer_packet(f->receiver, SLOT_SSRC, 0)->rtp.seq + 2));
    /* a jump that is no loss: the encoder began anew */
    f->seq += 10000;
    send_frame(f, f->publisher, 31337, 2, true);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 6);
    g_assert_cmpuint(peer_packet(f->receiver, SLOT_SSRC, 4)->rtp.seq, ==,
                     (uint16_t)(peer_packet(f->receiver, SLOT_SSRC, 0)->rtp.seq + 4));
}

static void test_h264_filter(Fixture *f, gconstpointer data)
{
    (void)data;
    MnbTrackAdd track = {.track = 60,
                         .transport = 1,
                         .codec = MNB_CODEC_H264,
                         .pt = 98,
                         .clock_rate = 90000,
                         .ssrc = 6000};
    MnbSlotAdd slot = {
        .slot = 61, .transport = 2, .ssrc = 6100, .is_video = 1, .clock_rate = 90000, .mid = "h"};
    slot.pt[MNB_CODEC_H264] = 120;
    rig_command(f->rig, MNB_MEDIA_TRACK_ADD, &track);
    rig_command(f->rig, MNB_MEDIA_SLOT_ADD, &slot);
    bind_slot(f->rig, 61, 60);
    uint8_t payload[100] = {0};
    for (unsigned type = 0; type < 32; type++) {
        payload[0] = (uint8_t)(0x60 | (type == 0 ? 7 : type));
        payload[1] = 0x87; /* FU header: start, SPS; STAP: a length that lies */
        PeerRtp rtp = {.ssrc = 6000,
                       .seq = (uint16_t)(type + 1),
                       .timestamp = type,
                       .pt = 98,
                       .payload = payload,
                       .payload_size = sizeof payload};
        peer_send(f->publisher, &rtp);
    }
    rig_step(f->rig);
    peer_poll(f->receiver);
    for (unsigned i = 0; i < f->receiver->n_packets; i++) {
        const PeerPacket *packet = &f->receiver->packets[i];
        unsigned type = packet->data[packet->rtp.header_bytes] & 31;
        g_assert_true((type >= 1 && type <= 23) || type == 28);
        if (i > 0)
            g_assert_cmpuint(packet->rtp.seq, ==,
                             (uint16_t)(f->receiver->packets[i - 1].rtp.seq + 1));
    }
    g_assert_cmpuint(f->receiver->n_packets, ==, 25);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->dropped_malformed, ==, 7);
    /* a receiver that cannot play it is refused */
    bind_slot(f->rig, 20, 60);
    const MnbMediaRefused *refused = rig_last(f->rig, MNB_MEDIA_REFUSED);
    g_assert_nonnull(refused);
    g_assert_cmpuint(refused->type, ==, MNB_MEDIA_SLOT_BIND);
    g_assert_cmpuint(refused->id, ==, 20);
    g_assert_cmpint(refused->error, ==, -ENOTSUP);
}

static void test_flow(Fixture *f, gconstpointer data)
{
    (void)data;
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    const MnbTrackState *state = rig_last(f->rig, MNB_MEDIA_TRACK_STATE);
    g_assert_nonnull(state);
    g_assert_cmpuint(state->track, ==, 10);
    g_assert_cmpuint(state->is_flowing, ==, 1);
    rig_advance(f->rig, 3500000);
    state = rig_last(f->rig, MNB_MEDIA_TRACK_STATE);
    g_assert_cmpuint(state->is_flowing, ==, 0);
    g_assert_cmpuint(rig_count(f->rig, MNB_MEDIA_TRACK_STATE), ==, 2);
    g_assert_cmpuint(rig_count(f->rig, MNB_MEDIA_WORKER_STATS), >=, 3);
    g_assert_cmpuint(rig_count(f->rig, MNB_MEDIA_TRANSPORT_STATS), >=, 2);
}

/* ---- audio ---- */

static void add_audio_track(Rig *rig, uint32_t track, uint32_t transport, uint32_t ssrc)
{
    MnbTrackAdd add = {.track = track,
                       .transport = transport,
                       .codec = MNB_CODEC_OPUS,
                       .pt = PT_OPUS,
                       .clock_rate = 48000,
                       .ssrc = ssrc,
                       .ext = {.mid = EXT_MID, .audio_level = EXT_LEVEL}};
    rig_command(rig, MNB_MEDIA_TRACK_ADD, &add);
}

static void add_audio_slot(Rig *rig, uint32_t slot, uint32_t transport, uint32_t ssrc)
{
    MnbSlotAdd add = {.slot = slot,
                      .transport = transport,
                      .ssrc = ssrc,
                      .clock_rate = 48000,
                      .mid = "a",
                      .ext = {.audio_level = 9}};
    add.pt[MNB_CODEC_OPUS] = OUT_OPUS;
    rig_command(rig, MNB_MEDIA_SLOT_ADD, &add);
}

static void send_audio(Fixture *f, uint32_t ssrc, uint16_t seq, uint8_t level, size_t size)
{
    uint8_t payload[200];
    memset(payload, (int)ssrc, sizeof payload);
    payload[0] = 0x78; /* 20 ms CELT, one frame */
    PeerRtp rtp = {.ssrc = ssrc,
                   .seq = seq,
                   .timestamp = seq * 960u,
                   .pt = PT_OPUS,
                   .payload = payload,
                   .payload_size = size,
                   .level_id = EXT_LEVEL,
                   .level = level};
    peer_send(f->publisher, &rtp);
}

static void test_audio(Fixture *f, gconstpointer data)
{
    (void)data;
    add_audio_track(f->rig, 70, 1, 7070);
    add_audio_slot(f->rig, 71, 2, 7171);
    bind_slot(f->rig, 71, 70);
    for (uint16_t i = 0; i < 5; i++) {
        send_audio(f, 7070, i, 0x80 | 30, 80);
        rig_step(f->rig);
    }
    peer_poll(f->receiver);
    g_assert_cmpuint(peer_count(f->receiver, 7171), ==, 5);
    const PeerPacket *packet = peer_packet(f->receiver, 7171, 4);
    uint8_t level;
    bool is_voice;
    g_assert_true(mnb_rtp_read_audio_level(&packet->rtp, packet->data, 9, &level, &is_voice));
    g_assert_cmpuint(level, ==, 30);
    g_assert_true(is_voice);
    g_assert_cmpuint(packet->rtp.pt, ==, OUT_OPUS);
}

static void test_speakers(Fixture *f, gconstpointer data)
{
    (void)data;
    for (uint32_t i = 0; i < 4; i++)
        add_audio_track(f->rig, 80 + i, 1, 8080 + i);
    uint16_t seq = 0;
    /* 80 speaks, 81 murmurs, 82 and 83 are quiet */
    for (unsigned i = 0; i < 50; i++, seq++) {
        send_audio(f, 8080, seq, 0x80 | 25, 80);
        send_audio(f, 8081, seq, 0x80 | 45, 80);
        send_audio(f, 8082, seq, 90, 80);
        send_audio(f, 8083, seq, 127, 80);
        rig_advance(f->rig, 20000);
    }
    const MnbSpeaker *speaker = rig_last(f->rig, MNB_MEDIA_SPEAKER);
    g_assert_nonnull(speaker);
    g_assert_cmpuint(speaker->room, ==, 7);
    g_assert_cmpuint(speaker->tracks[0], ==, 80);
    g_assert_cmpuint(speaker->tracks[1], ==, 81);
    g_assert_cmpuint(speaker->tracks[2], ==, 0);
    g_assert_cmpuint(rig_count(f->rig, MNB_MEDIA_SPEAKER), <=, 2);
    /* a little louder than the first is not enough */
    rig_forget_events(f->rig);
    for (unsigned i = 0; i < 50; i++, seq++) {
        send_audio(f, 8080, seq, 0x80 | 30, 80);
        send_audio(f, 8081, seq, 0x80 | 28, 80);
        rig_advance(f->rig, 20000);
    }
    g_assert_cmpuint(rig_count(f->rig, MNB_MEDIA_SPEAKER), ==, 0);
    /* a new voice is told within 400 ms, and silence within 2 s */
    for (unsigned i = 0; i < 20; i++, seq++) {
        send_audio(f, 8083, seq, 0x80 | 10, 80);
        rig_advance(f->rig, 20000);
    }
    speaker = rig_last(f->rig, MNB_MEDIA_SPEAKER);
    g_assert_nonnull(speaker);
    g_assert_cmpuint(speaker->tracks[0], ==, 83);
    /* who is put aside (an interpreter) is as loud as before, and not among those who speak */
    MnbTrackAside aside = {.track = 83, .is_aside = 1};
    rig_command(f->rig, MNB_MEDIA_TRACK_ASIDE, &aside);
    for (unsigned i = 0; i < 20; i++, seq++) {
        send_audio(f, 8083, seq, 0x80 | 10, 80);
        send_audio(f, 8081, seq, 0x80 | 28, 80);
        rig_advance(f->rig, 20000);
    }
    speaker = rig_last(f->rig, MNB_MEDIA_SPEAKER);
    g_assert_cmpuint(speaker->tracks[0], ==, 81);
    g_assert_cmpuint(speaker->tracks[1], !=, 83);
    rig_advance(f->rig, 2000000);
    speaker = rig_last(f->rig, MNB_MEDIA_SPEAKER);
    g_assert_cmpuint(speaker->tracks[0], ==, 0);
}

static void test_first_syllable(Fixture *f, gconstpointer data)
{
    (void)data;
    uint16_t seq = 0;
    add_audio_track(f->rig, 80, 1, 8080);
    add_audio_slot(f->rig, 71, 2, 7171);
    for (; seq < 50; seq++) {
        send_audio(f, 8080, seq, 127, 80);
        rig_advance(f->rig, 20000);
    }
    g_assert_cmpuint(rig_count(f->rig, MNB_MEDIA_SPEAKER), ==, 0);
    /* a click of 40 ms is no voice */
    for (unsigned i = 0; i < 10; i++, seq++) {
        send_audio(f, 8080, seq, i < 2 ? 0x80 | 20 : 127, 80);
        rig_advance(f->rig, 20000);
    }
    g_assert_cmpuint(rig_count(f->rig, MNB_MEDIA_SPEAKER), ==, 0);
    uint16_t began = seq;
    while (rig_count(f->rig, MNB_MEDIA_SPEAKER) == 0 && seq < began + 20) {
        send_audio(f, 8080, seq++, 0x80 | 30, 80);
        rig_advance(f->rig, 20000);
    }
    g_assert_cmpuint(seq, <=, began + 4);
    /* manabi takes its time to show her, and nothing is lost by that */
    send_audio(f, 8080, seq++, 0x80 | 30, 80);
    rig_advance(f->rig, 20000);
    bind_slot(f->rig, 71, 80);
    rig_step(f->rig);
    send_audio(f, 8080, seq++, 0x80 | 30, 80);
    rig_advance(f->rig, 20000);
    peer_poll(f->receiver);
    g_assert_cmpuint(peer_count(f->receiver, 7171), ==, (guint)(seq - began + 2));
    const PeerPacket *first = peer_packet(f->receiver, 7171, 0);
    for (guint i = 0; i < (guint)(seq - began + 2); i++) {
        const PeerPacket *packet = peer_packet(f->receiver, 7171, i);
        g_assert_cmpuint(packet->rtp.seq, ==, (uint16_t)(first->rtp.seq + i));
        g_assert_cmpuint(packet->rtp.timestamp, ==, first->rtp.timestamp + i * 960);
    }
    /* who is shown long after the beginning hears what is said now */
    add_audio_slot(f->rig, 72, 2, 7272);
    for (unsigned i = 0; i < 60; i++) {
        send_audio(f, 8080, seq++, 0x80 | 30, 80);
        rig_advance(f->rig, 20000);
    }
    bind_slot(f->rig, 72, 80);
    rig_step(f->rig);
    send_audio(f, 8080, seq++, 0x80 | 30, 80);
    rig_advance(f->rig, 20000);
    peer_poll(f->receiver);
    g_assert_cmpuint(peer_count(f->receiver, 7272), ==, 1);
}

/* ---- taps ---- */

static MnbRing *open_tap(Rig *rig, uint32_t id, uint32_t bytes)
{
    int fds[2] = {mnb_ring_create(bytes), eventfd(0, EFD_NONBLOCK)};
    int error;
    g_assert_cmpint(fds[0], >=, 0);
    MnbMediaId command = {id, 0};
    g_assert_cmpint(mnb_control_send(rig->control_fd, MNB_MEDIA_TAP_OPEN, &command, fds, 2), ==, 0);
    rig_step(rig);
    MnbRing *ring = mnb_ring_open_consumer(fds[0], fds[1], &error);
    g_assert_nonnull(ring);
    close(fds[0]);
    close(fds[1]);
    return ring;
}

/* Of a microphone that is silent hardly anything goes on, with no gap in the numbers; what is
 * recorded is whole; and the first sound is there at once. */
static void test_silence(Fixture *f, gconstpointer data)
{
    (void)data;
    const MnbRingRecord *record;
    const uint8_t *payload;
    uint16_t seq = 100;
    add_audio_track(f->rig, 80, 1, 8080);
    add_audio_slot(f->rig, 71, 2, 7171);
    bind_slot(f->rig, 71, 80);
    MnbRing *ring = open_tap(f->rig, 90, 1u << 16);
    MnbTapTrack on = {90, 80, 1};
    rig_command(f->rig, MNB_MEDIA_TAP_TRACK, &on);
    for (unsigned i = 0; i < 5 + 110 + 5; i++) {
        bool is_silent = i >= 5 && i < 115;
        send_audio(f, 8080, seq++, is_silent ? 127 : 0x80 | 30, 80);
        rig_advance(f->rig, 20000);
        if (i % 50 == 49)
            peer_check(f->receiver, true);
    }
    peer_poll(f->receiver);
    g_assert_cmpuint(peer_count(f->receiver, 7171), ==, 5 + 10 + 5 + 5);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->silent, ==, 95);
    const PeerPacket *first = peer_packet(f->receiver, 7171, 0);
    for (unsigned i = 1; i < 25; i++)
        g_assert_cmpuint(peer_packet(f->receiver, 7171, i)->rtp.seq, ==,
                         (uint16_t)(first->rtp.seq + i));
    g_assert_cmpuint(peer_packet(f->receiver, 7171, 24)->rtp.timestamp, ==,
                     first->rtp.timestamp + 119 * 960);
    for (unsigned i = 0; i < 120; i++) {
        MnbRtp rtp;
        g_assert_cmpint(mnb_ring_take(ring, &record, &payload), ==, 1);
        g_assert_cmpint(mnb_rtp_parse(&rtp, payload, record->size), ==, 0);
        g_assert_cmpuint(rtp.seq, ==, 100 + i);
        g_assert_cmpuint(rtp.timestamp, ==, (100 + i) * 960u);
    }
    mnb_ring_close(ring);
}

static void test_tap(Fixture *f, gconstpointer data)
{
    (void)data;
    const MnbRingRecord *record;
    const uint8_t *payload;
    MnbRing *ring = open_tap(f->rig, 90, 1u << 16);
    MnbTapTrack on = {90, 10, 1};
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true); /* before the tap: not in it */
    rig_command(f->rig, MNB_MEDIA_TAP_TRACK, &on);
    peer_poll(f->publisher);
    g_assert_cmpuint(count_rtcp(f->publisher, MNB_RTCP_PSFB, MNB_PSFB_PLI), ==, 1);
    uint16_t first = f->seq;
    send_frame(f, f->publisher, VIDEO_SSRC, 3, true);
    for (unsigned i = 0; i < 3; i++) {
        MnbRtp rtp;
        g_assert_cmpint(mnb_ring_take(ring, &record, &payload), ==, 1);
        g_assert_cmpuint(record->kind, ==, MNB_RING_RTP);
        g_assert_cmpuint(record->track, ==, 10);
        g_assert_cmpint(mnb_rtp_parse(&rtp, payload, record->size), ==, 0);
        g_assert_cmpuint(rtp.seq, ==, (uint16_t)(first + i));
        g_assert_cmpuint(rtp.pt, ==, PT_VP8);
        g_assert_cmpuint(rtp.ssrc, ==, VIDEO_SSRC);
        g_assert_cmpint(rtp.marker, ==, i == 2);
        g_assert_cmpuint(rtp.payload_bytes, ==, 1000 + (i == 2));
        g_assert_cmpuint(payload[rtp.header_bytes + 200], ==, (uint8_t)(first + i));
    }
    g_assert_cmpint(mnb_ring_take(ring, &record, &payload), ==, 0);
    mnb_ring_release(ring);
    /* a sender report */
    uint8_t bytes[128];
    MnbRtcpWriter writer;
    MnbRtcpSenderInfo info = {.ssrc = VIDEO_SSRC, .ntp = 99ull << 32, .rtp_time = 4321};
    mnb_rtcp_begin(&writer, bytes, sizeof bytes);
    mnb_rtcp_put_sr(&writer, &info, NULL, 0);
    peer_send_rtcp(f->publisher, &writer);
    g_assert_cmpint(mnb_ring_take(ring, &record, &payload), ==, 1);
    g_assert_cmpuint(record->kind, ==, MNB_RING_SR);
    g_assert_cmpuint(record->ntp, ==, info.ntp);
    g_assert_cmpuint(record->value, ==, 4321);
    mnb_ring_release(ring);
    /* nobody reads: what does not fit is counted, the forwarding goes on */
    bind_slot(f->rig, 20, 10);
    peer_forget(f->receiver);
    for (unsigned i = 0; i < 40; i++)
        send_frame(f, f->publisher, VIDEO_SSRC, 3, i == 0);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), >=, 120);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->tap_dropped, >, 0);
    unsigned taken = 0, lost = 0;
    while (mnb_ring_take(ring, &record, &payload) > 0)
        taken++;
    mnb_ring_release(ring);
    send_frame(f, f->publisher, VIDEO_SSRC, 1, false);
    while (mnb_ring_take(ring, &record, &payload) > 0)
        lost += record->kind == MNB_RING_GAP ? record->value : 0;
    g_assert_cmpuint(taken + lost, ==, 120);
    /* and switched off */
    mnb_ring_release(ring);
    on.is_on = 0;
    rig_command(f->rig, MNB_MEDIA_TAP_TRACK, &on);
    send_frame(f, f->publisher, VIDEO_SSRC, 1, false);
    g_assert_cmpint(mnb_ring_take(ring, &record, &payload), ==, 0);
    MnbMediaId id = {90, 0};
    rig_command(f->rig, MNB_MEDIA_TAP_CLOSE, &id);
    mnb_ring_close(ring);
}

/* ---- batches ---- */

enum { CROWD = 210 };

static void test_crowd(Fixture *f, gconstpointer data)
{
    (void)data;
    Peer *crowd[CROWD];
    add_audio_track(f->rig, 70, 1, 7070);
    add_audio_track(f->rig, 71, 1, 7071);
    for (uint32_t i = 0; i < CROWD; i++) {
        uint32_t id = 1000 + i;
        crowd[i] = peer_new(f->rig, id, 7, MNB_RECEIVE, false);
        add_video_slot(f->rig, id * 4, id, SLOT_SSRC);
        add_audio_slot(f->rig, id * 4 + 2, id, 7171);
        add_audio_slot(f->rig, id * 4 + 3, id, 7172);
        bind_slot(f->rig, id * 4, 10);
        bind_slot(f->rig, id * 4 + 2, 70);
        bind_slot(f->rig, id * 4 + 3, 71);
        g_assert_true(peer_connect(crowd[i]));
    }
    f->rig->now_us += 100000;
    send_frame(f, f->publisher, VIDEO_SSRC, 6, true);
    send_audio(f, 7070, 1, 127, 80);
    send_audio(f, 7071, 1, 127, 90);
    rig_advance(f->rig, 10000);
    const MnbWorkerStats *stats = mnb_worker_stats(f->rig->worker);
    uint64_t sends = stats->sends, packets = stats->packets_out;
    /* six packets whose sizes differ by one go out as one message */
    send_frame(f, f->publisher, VIDEO_SSRC, 6, false);
    stats = mnb_worker_stats(f->rig->worker);
    g_assert_cmpuint(stats->packets_out - packets, ==, CROWD * 6);
    g_assert_cmpuint(stats->sends - sends, <, CROWD + 20);
    /* audio waits 5 ms, and two tracks go together although their sizes differ */
    sends = stats->sends;
    packets = stats->packets_out;
    send_audio(f, 7070, 2, 127, 80);
    rig_step(f->rig);
    send_audio(f, 7071, 2, 127, 90);
    rig_step(f->rig);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->packets_out, ==, packets);
    f->rig->now_us += 5000;
    rig_step(f->rig);
    stats = mnb_worker_stats(f->rig->worker);
    g_assert_cmpuint(stats->packets_out - packets, ==, CROWD * 2);
    g_assert_cmpuint(stats->sends - sends, <, CROWD + 20);
    /* a frame without its last packet is held for 2 ms at most */
    packets = stats->packets_out;
    uint8_t payload[500];
    peer_vp8(payload, sizeof payload, true, false, 9, 9, 9);
    PeerRtp rtp = {.ssrc = VIDEO_SSRC,
                   .seq = f->seq++,
                   .timestamp = f->timestamp,
                   .pt = PT_VP8,
                   .payload = payload,
                   .payload_size = sizeof payload};
    peer_send(f->publisher, &rtp);
    rig_step(f->rig);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->packets_out, ==, packets);
    f->rig->now_us += 2000;
    rig_step(f->rig);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->packets_out, ==, packets + CROWD);
    for (unsigned i = 0; i < CROWD; i++) {
        peer_poll(crowd[i]);
        g_assert_cmpuint(crowd[i]->bad_packets, ==, 0);
        g_assert_cmpuint(peer_count(crowd[i], SLOT_SSRC), ==, 13);
        g_assert_cmpuint(peer_count(crowd[i], 7171), ==, 2);
        g_assert_cmpuint(peer_packet(crowd[i], 7171, 1)->rtp.payload_bytes, ==, 80);
        g_assert_cmpuint(peer_packet(crowd[i], 7172, 1)->rtp.payload_bytes, ==, 90);
        peer_free(crowd[i]);
    }
}

static void test_gso_refused(Fixture *f, gconstpointer data)
{
    (void)data;
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 6, true);
    mnb_tx_refuse_gso(mnb_worker_tx(f->rig->worker), EIO);
    uint64_t sends = mnb_worker_stats(f->rig->worker)->sends;
    for (unsigned i = 0; i < 5; i++)
        send_frame(f, f->publisher, VIDEO_SSRC, 6, false);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 36);
    g_assert_cmpuint(f->receiver->bad_packets, ==, 0);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->sends - sends, >=, 30);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->dropped_send, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    static const struct {
        const char *name;
        void (*run)(Fixture *f, gconstpointer data);
    } tests[] = {
        {"/forwarding/learns-simulcast-layers-and-switches-at-a-key-frame", test_simulcast},
        {"/forwarding/follows-a-publisher-to-a-new-ssrc", test_new_ssrc},
        {"/forwarding/drops-h264-packets-that-mode-1-forbids", test_h264_filter},
        {"/forwarding/tells-when-a-track-flows", test_flow},
        {"/forwarding/passes-audio-and-its-level-on", test_audio},
        {"/forwarding/ranks-speakers-with-hysteresis", test_speakers},
        {"/forwarding/cuts-no-first-syllable", test_first_syllable},
        {"/forwarding/silence-costs-next-to-nothing-and-is-recorded", test_silence},
        {"/forwarding/copies-tracks-into-a-tap", test_tap},
        {"/forwarding/holds-packets-for-a-crowd-to-send-them-together", test_crowd},
        {"/forwarding/sends-one-by-one-when-the-kernel-refuses-to-cut", test_gso_refused},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, Fixture, NULL, set_up, tests[i].run, tear_down);
    return g_test_run();
}
