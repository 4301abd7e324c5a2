/* What a receiver sees while layers are switched, left out, dropped, or begin anew: no decoder may
 * notice anything but another size. */
#include "server/media/temporal.h"
#include "tests/unit/media/line-world.h"

static World *start(bool has_temporal)
{
    World *w = world_new(NULL);
    w->has_temporal = has_temporal;
    world_bind(w, SLOT_AUDIO, TRACK_AUDIO, 0);
    world_bind(w, SLOT_VIDEO, TRACK_LAYER + LAYERS - 1, 0);
    world_set_down(w, (UdpLineSide){.delay_us = 20000}, 20000);
    world_run(w, 5 * SECOND_US);
    sink_reset(&w->video);
    return w;
}

static unsigned kbit_of(World *w, int64_t us)
{
    uint64_t before = w->video.bytes;
    world_run(w, us);
    return (unsigned)((w->video.bytes - before) * 8000 / (uint64_t)us);
}

static void assert_whole(const World *w)
{
    g_test_message("%u packets, longest pause %d ms, %u broken steps, %u bad times, %u doubled",
                   w->video.sequence, (int)(w->video.longest_us / 1000), broken_steps(&w->video),
                   w->video.bad_steps, w->video.duplicates);
    g_assert_cmpuint(broken_steps(&w->video), ==, 0);
    g_assert_cmpuint(w->video.bad_steps, ==, 0);
    g_assert_cmpuint(w->video.duplicates, ==, 0);
    g_assert_cmpuint(w->receiver->bad_packets, ==, 0);
}

/* ---- switching ---- */

static void test_many_switches(gconstpointer data)
{
    World *w = start(GPOINTER_TO_INT(data) != 0);
    uint32_t random = 7;
    for (unsigned i = 0; i < 60; i++) {
        random = random * 1103515245u + 12345u;
        world_bind(w, SLOT_VIDEO, TRACK_LAYER + (random >> 16) % LAYERS, 0);
        world_run(w, SECOND_US / 10 + (random >> 8) % SECOND_US);
    }
    assert_whole(w);
    g_assert_cmpuint(w->video.sequence, >, 1000);
    g_assert_cmpint(w->video.longest_us, <, 400000);
    world_free(w);
}

static void add_h264(Rig *rig)
{
    for (uint32_t i = 0; i < 2; i++) {
        MnbTrackAdd track = {.track = 60 + i,
                             .transport = 1,
                             .codec = MNB_CODEC_H264,
                             .pt = 98,
                             .clock_rate = 90000,
                             .ssrc = 6000 + i,
                             .has_pli = 1};
        rig_command(rig, MNB_MEDIA_TRACK_ADD, &track);
    }
    MnbSlotAdd slot = {
        .slot = 61, .transport = 2, .ssrc = 6100, .is_video = 1, .clock_rate = 90000, .mid = "h"};
    slot.pt[MNB_CODEC_H264] = 120;
    rig_command(rig, MNB_MEDIA_SLOT_ADD, &slot);
}

/* One picture: of a key frame SPS and PPS in a STAP-A, then an IDR slice in FU-As; else two FU-As.
 * @is_cut: its last packet never comes. */
static void send_h264(Fixture *f, uint32_t ssrc, uint16_t *seq, uint32_t timestamp, bool is_key,
                      bool is_cut)
{
    static const uint8_t sets[] = {0x78, 0, 4, 0x67, 0x42, 0xe0, 0x1f, 0, 2, 0x68, 0xce};
    uint8_t piece[600] = {0x7c};
    unsigned n = is_cut ? 1 : 2;
    for (unsigned i = is_key ? 0 : 1; i <= n; i++) {
        piece[1] = (uint8_t)((i == 1 ? 0x80 : 0x40) | (is_key ? 5 : 1));
        PeerRtp rtp = {.ssrc = ssrc,
                       .seq = (*seq)++,
                       .timestamp = timestamp,
                       .pt = 98,
                       .marker = i == 2,
                       .payload = i == 0 ? sets : piece,
                       .payload_size = i == 0 ? sizeof sets : sizeof piece};
        peer_send(f->publisher, &rtp);
    }
    *seq = (uint16_t)(*seq + (is_cut ? 1 : 0));
    rig_advance(f->rig, 33000);
    peer_poll(f->receiver);
    peer_poll(f->publisher);
}

static void test_h264_switches(Fixture *f, gconstpointer data)
{
    (void)data;
    uint16_t seqs[2] = {65500, 300};
    uint32_t timestamps[2] = {4294960000u, 5000};
    bool was_cut = false;
    add_h264(f->rig);
    for (unsigned round = 0; round < 40; round++) {
        unsigned shown = round % 2;
        rig_advance(f->rig, 2500000); /* what is kept of it is too old to begin with */
        peer_check(f->publisher, true);
        peer_check(f->receiver, true);
        bind_slot(f->rig, 61, 60 + shown);
        unsigned before = peer_count(f->receiver, 6100);
        /* no key frame yet: nothing of it is shown */
        send_h264(f, 6000 + shown, &seqs[shown], timestamps[shown] += 3000, false, false);
        g_assert_cmpuint(peer_count(f->receiver, 6100), ==, before);
        send_h264(f, 6000 + shown, &seqs[shown], timestamps[shown] += 3000, true, false);
        bool is_cut = round % 3 == 0;
        send_h264(f, 6000 + shown, &seqs[shown], timestamps[shown] += 3000, false, is_cut);
        g_assert_cmpuint(peer_count(f->receiver, 6100), ==, before + (is_cut ? 4 : 5));
        const PeerPacket *first = peer_packet(f->receiver, 6100, before);
        g_assert_cmpuint(first->data[first->rtp.header_bytes] & 31, ==, 24);
        if (before > 0) {
            const PeerPacket *last = peer_packet(f->receiver, 6100, before - 1);
            /* a picture that never ended leaves a number out, so that its decoder waits no more */
            g_assert_cmpuint((uint16_t)(first->rtp.seq - last->rtp.seq), ==, was_cut ? 2 : 1);
            g_assert_cmpint((int32_t)(first->rtp.timestamp - last->rtp.timestamp), >=, 3000);
            g_assert_cmpint((int32_t)(first->rtp.timestamp - last->rtp.timestamp), <, 10 * 90000);
        }
        was_cut = is_cut;
    }
    g_assert_cmpuint(f->receiver->bad_packets, ==, 0);
}

/* ---- the publisher's encoder ---- */

static void test_top_dropped(void)
{
    World *w = start(false);
    w->layers[2].is_off = true;
    world_run(w, 3 * SECOND_US);
    g_assert_cmpint(w->video.longest_us, >, 100000); /* it was noticed here, not beforehand */
    g_assert_cmpint(w->video.longest_us, <, SECOND_US);
    unsigned kbit = kbit_of(w, 3 * SECOND_US);
    g_test_message("without the top layer: %u kbit/s", kbit);
    g_assert_cmpuint(kbit, >, 400);
    g_assert_cmpuint(kbit, <, 700);
    w->layers[1].is_off = true; /* and the next one */
    sink_reset(&w->video);
    world_run(w, 3 * SECOND_US);
    g_assert_cmpint(w->video.longest_us, <, SECOND_US);
    g_assert_cmpuint(kbit_of(w, 2 * SECOND_US), <, 200);
    w->layers[1].is_off = w->layers[2].is_off = false;
    world_run(w, 4 * SECOND_US);
    g_assert_cmpuint(kbit_of(w, 3 * SECOND_US), >, 1300);
    assert_whole(w);
    world_free(w);
}

static void test_mute(void)
{
    World *w = start(false);
    for (unsigned i = 0; i < LAYERS; i++)
        w->layers[i].is_off = true;
    world_run(w, 5 * SECOND_US);
    for (unsigned i = 0; i < LAYERS; i++)
        w->layers[i].is_off = false;
    uint64_t before = w->video.bytes;
    world_run(w, SECOND_US);
    g_assert_cmpuint(w->video.bytes, >, before + 5000);
    g_assert_cmpuint(kbit_of(w, 3 * SECOND_US), >, 1300);
    assert_whole(w);
    world_free(w);
}

/* Another SSRC for each layer, as after replaceTrack() or a new encoder, told by MID and RID only;
 * and the same SSRC with other numbers. */
static void test_begins_anew(void)
{
    static const char *const rids[] = {"q", "h", "f"};
    World *w = start(false);
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < LAYERS; i++) {
            Source *source = &w->layers[i];
            if (round % 2 == 0)
                source->ssrc += 100;
            source->rid = rids[i];
            source->seq = (uint16_t)(source->seq + 20000);
            source->picture = (uint16_t)(source->picture * 7u + 5) & 0x7fff;
            source->tl0 = (uint8_t)(source->tl0 + 99);
            source->timestamp_base += 123456789u;
            source->wants_key = false;
        }
        sink_reset(&w->video);
        world_run(w, 3 * SECOND_US);
        g_assert_cmpint(w->video.longest_us, <, SECOND_US);
        g_assert_cmpuint(kbit_of(w, 2 * SECOND_US), >, 1300);
        assert_whole(w);
    }
    world_free(w);
}

/* ---- temporal layers ---- */

typedef struct {
    uint16_t seq;
    bool is_key;
    MnbVp8 vp8;
} Piece;

static MnbPacket packet_of(const Piece *piece)
{
    return (MnbPacket){.seq = piece->seq, .vp8 = piece->vp8, .is_key_start = piece->is_key};
}

static Piece make(uint16_t seq, uint16_t picture, uint8_t tid, bool is_sync, bool is_start)
{
    Piece piece = {.seq = seq};
    piece.vp8 = (MnbVp8){.has_picture_id = true,
                         .picture_id = picture & 0x7fff,
                         .has_tid = true,
                         .tid = tid,
                         .is_layer_sync = is_sync,
                         .is_partition_start = is_start};
    return piece;
}

/* Whatever is late: no number is given twice, and nothing that was left out comes through. */
static void test_temporal_late(void)
{
    static const uint8_t tids[] = {0, 2, 1, 2};
    g_autofree uint8_t *used = g_malloc0(1 << 16);
    GRand *random = g_rand_new_with_seed(42);
    MnbTemporal temporal = {.wanted = MNB_TEMPORAL_ALL};
    uint16_t seq_delta = 500, picture_delta = 9, seq = 65000;
    Piece late[64];
    unsigned n_late = 0, n_sent = 0, n_refused = 0;
    mnb_temporal_begin(&temporal);
    for (unsigned frame = 0; frame < 15000; frame++) {
        if (frame % 150 == 0)
            temporal.wanted = (uint8_t)g_rand_int_range(random, 0, 4);
        unsigned n = (unsigned)g_rand_int_range(random, 1, 5);
        for (unsigned i = 0; i < n; i++, seq++) {
            Piece piece = make(seq, (uint16_t)frame, tids[frame % 4],
                               frame % 4 == 1 || frame % 4 == 2, i == 0);
            if (n_late < G_N_ELEMENTS(late) && g_rand_int_range(random, 0, 20) == 0) {
                late[n_late++] = piece;
                continue;
            }
            for (bool is_now = true;; is_now = false) {
                Piece *one = is_now ? &piece : &late[--n_late];
                MnbPacket packet = packet_of(one);
                uint16_t seqs, pictures;
                if (mnb_temporal_takes(&temporal, &packet, &seq_delta, &picture_delta)) {
                    if (mnb_temporal_place(&temporal, &packet, &seqs, &pictures)) {
                        uint16_t out = (uint16_t)(packet.seq + seq_delta + seqs);
                        g_assert_cmpuint(used[out], ==, 0);
                        used[out] = 1;
                        used[(uint16_t)(out + 20000)] = 0; /* as numbers go round */
                        n_sent++;
                        g_assert_cmpuint(packet.vp8.tid, <=, temporal.now);
                    } else {
                        n_refused++;
                    }
                }
                if (n_late == 0 || g_rand_int_range(random, 0, 15) != 0)
                    break;
            }
        }
    }
    g_test_message("%u sent, %u refused", n_sent, n_refused);
    g_assert_cmpuint(n_sent, >, 10000);
    g_assert_cmpuint(n_refused * 50, <, n_sent);
    g_rand_free(random);
}

/* Fewer at once, more only where a decoder can follow. */
static void test_temporal_raise(void)
{
    MnbTemporal temporal = {.wanted = 0};
    uint16_t seq_delta = 0, picture_delta = 0, seq = 0;
    static const struct {
        uint8_t wanted, tid;
        bool is_sync, takes;
    } steps[] = {
        {0, 0, false, true},  {0, 2, true, false},  {0, 1, true, false},  {3, 0, false, true},
        {3, 2, true, false}, /* the layer between is missing */
        {3, 1, false, false}, {3, 1, true, true},   {3, 2, false, false}, {3, 2, true, true},
        {3, 2, false, true},  {1, 2, false, false}, {1, 1, false, true},
    };
    mnb_temporal_begin(&temporal);
    for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
        Piece piece = make(seq++, (uint16_t)i, steps[i].tid, steps[i].is_sync, true);
        MnbPacket packet = packet_of(&piece);
        temporal.wanted = steps[i].wanted;
        if (mnb_temporal_takes(&temporal, &packet, &seq_delta, &picture_delta) != steps[i].takes)
            g_error("step %u: taken is not %d", i, steps[i].takes);
    }
    /* a key frame brings all back */
    Piece key = make(seq++, 50, 0, false, true);
    key.is_key = true;
    MnbPacket packet = packet_of(&key);
    temporal.wanted = MNB_TEMPORAL_ALL;
    g_assert_true(mnb_temporal_takes(&temporal, &packet, &seq_delta, &picture_delta));
    g_assert_cmpuint(temporal.now, ==, MNB_TEMPORAL_ALL);
    g_assert_cmpuint((uint16_t)-seq_delta, ==, 6);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/layers/sixty-switches-leave-no-mark", GINT_TO_POINTER(0),
                         test_many_switches);
    g_test_add_data_func("/layers/sixty-switches-with-temporal-layers-leave-no-mark",
                         GINT_TO_POINTER(1), test_many_switches);
    g_test_add("/layers/h264-switches-at-its-key-frames", Fixture, NULL, set_up, test_h264_switches,
               tear_down);
    g_test_add_func("/layers/a-layer-that-is-dropped-gives-way-within-a-second", test_top_dropped);
    g_test_add_func("/layers/a-mute-and-its-end", test_mute);
    g_test_add_func("/layers/a-new-ssrc-and-a-restarted-encoder", test_begins_anew);
    g_test_add_func("/layers/late-packets-find-their-number-or-none", test_temporal_late);
    g_test_add_func("/layers/temporal-layers-come-back-where-a-decoder-can-follow",
                    test_temporal_raise);
    return g_test_run();
}
