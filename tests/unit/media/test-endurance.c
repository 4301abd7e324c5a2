/* The worker over many peers, commands in any order, and datagrams of any content. */
#include "server/media/bytes.h"
#include "tests/unit/media/worker-fixture.h"
#include <malloc.h>

/* ---- endurance ---- */

static size_t heap_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void churn(Fixture *f, uint32_t from, unsigned n, bool with_handshake)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t id = from + i;
        bool is_receiver = i % 2 == 0;
        Peer *peer = peer_new(f->rig, id, id, is_receiver ? MNB_RECEIVE : MNB_PUBLISH, false);
        if (is_receiver)
            add_video_slot(f->rig, id, id, 100);
        else
            add_video_track(f->rig, id, id, 200);
        if (is_receiver)
            bind_slot(f->rig, id, 10);
        if (with_handshake)
            g_assert_true(peer_connect(peer));
        else
            peer_check(peer, true);
        if (with_handshake && is_receiver)
            send_frame(f, f->publisher, VIDEO_SSRC, 2, i % 8 == 0);
        peer_free(peer);
        if (i % 3 != 0) {
            MnbMediaId close = {id, 0};
            rig_command(f->rig, MNB_MEDIA_TRANSPORT_CLOSE, &close);
        }
        if (i % 100 == 99) { /* the others time out */
            for (unsigned s = 0; s < 8; s++) {
                rig_advance(f->rig, 5000000);
                peer_check(f->publisher, true);
                peer_check(f->receiver, true);
            }
            rig_forget_events(f->rig);
        }
    }
}

static void test_churn(Fixture *f, gconstpointer data)
{
    (void)data;
    churn(f, 1000, 100, true);
    churn(f, 5000, 200, false);
    size_t before = heap_in_use();
    churn(f, 10000, 100, true);
    churn(f, 20000, 2000, false);
    size_t after = heap_in_use();
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->transports, ==, 2);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->tracks, ==, 1);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->slots, ==, 1);
    if (after > before)
        g_assert_cmpuint(after - before, <, 64 * 1024);
    bind_slot(f->rig, 20, 10);
    peer_forget(f->receiver);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 2);
}

/* Commands in any order about anything, and datagrams of any content: nothing breaks. */
static void test_random_commands(Fixture *f, gconstpointer data)
{
    (void)data;
    GRand *rand = g_rand_new_with_seed(4711);
    for (unsigned i = 0; i < 8000; i++) {
        uint64_t body[MNB_MEDIA_MESSAGE_MAX / 8] = {0};
        uint32_t *words = (uint32_t *)body;
        MnbMediaType type =
            (MnbMediaType)g_rand_int_range(rand, MNB_MEDIA_TRANSPORT_OPEN, MNB_MEDIA_TAP_CLOSE + 1);
        for (unsigned w = 0; w < 40; w++)
            words[w] = (uint32_t)g_rand_int_range(rand, 0, 12);
        if (type == MNB_MEDIA_TRACK_ADD) {
            MnbTrackAdd *add = (MnbTrackAdd *)body;
            add->codec = (uint8_t)g_rand_int_range(rand, 0, 8);
            add->pt = (uint8_t)g_rand_int_range(rand, 90, 100);
            add->clock_rate = 90000;
            memset(add->mid, 0, sizeof add->mid + sizeof add->rid);
        } else if (type == MNB_MEDIA_SLOT_ADD) {
            MnbSlotAdd *add = (MnbSlotAdd *)body;
            memset(add->pt, 100, sizeof add->pt);
            memset(add->rtx_pt, 101, sizeof add->rtx_pt);
            add->clock_rate = 90000;
            memset(add->mid, 0, sizeof add->mid);
            add->is_video = (uint8_t)g_rand_int_range(rand, 0, 2);
        } else if (type == MNB_MEDIA_TRANSPORT_OPEN || type == MNB_MEDIA_TRANSPORT_RESTART) {
            memset(words + (type == MNB_MEDIA_TRANSPORT_OPEN ? 3 : 1), 'a' + (int)(i % 20), 98);
        } else if (type == MNB_MEDIA_TRANSPORT_CLOSE && g_rand_int_range(rand, 0, 20) != 0) {
            continue;
        }
        rig_command(f->rig, type, body);
        if (i % 16 == 0)
            send_frame(f, f->publisher, VIDEO_SSRC, 2, i % 64 == 0);
        if (i % 200 == 0) {
            peer_check(f->publisher, true);
            peer_check(f->receiver, true);
            rig_forget_events(f->rig);
            peer_forget(f->receiver);
            peer_forget(f->publisher);
        }
    }
    g_rand_free(rand);
    g_assert_false(f->rig->has_ended);
}

static void test_random_datagrams(Fixture *f, gconstpointer data)
{
    (void)data;
    GRand *rand = g_rand_new_with_seed(815);
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    for (unsigned i = 0; i < 8000; i++) {
        uint8_t bytes[1700], sealed[1700];
        const uint8_t *datagram = bytes;
        static const uint8_t firsts[] = {0, 1, 20, 22, 23, 63, 0x80, 0x90, 0xbf, 0xff};
        size_t size = (size_t)g_rand_int_range(rand, 1, 200);
        for (size_t b = 0; b < size; b++)
            bytes[b] = (uint8_t)g_rand_int(rand);
        bytes[0] = firsts[g_rand_int_range(rand, 0, G_N_ELEMENTS(firsts))];
        /* signed by the peer itself, every other time: then the body is looked at */
        if (i % 4 == 1) {
            PeerRtp rtp = {.ssrc = VIDEO_SSRC + (uint32_t)g_rand_int_range(rand, 0, 2),
                           .seq = f->seq++,
                           .timestamp = g_rand_int(rand),
                           .pt = (uint8_t)g_rand_int_range(rand, 94, 99),
                           .payload = bytes,
                           .payload_size = size,
                           .padding = (uint8_t)g_rand_int_range(rand, 0, 255)};
            size = peer_seal(f->publisher, &rtp, sealed);
            datagram = sealed;
        } else if (i % 4 == 3 && size >= 8) {
            bytes[0] = 0x80 | (bytes[0] & 0x1f);
            bytes[1] = (uint8_t)g_rand_int_range(rand, 199, 208);
            mnb_put_u16(bytes + 2, (uint16_t)(size / 4 - 1));
            int len = mnb_srtp_protect_rtcp(f->publisher->send_key, bytes, size & ~(size_t)3,
                                            sizeof bytes);
            g_assert_cmpint(len, >, 0);
            size = (size_t)len;
        }
        peer_send_raw(f->publisher, datagram, size);
        if (i % 32 == 0) {
            rig_advance(f->rig, 1000);
            peer_poll(f->publisher);
            peer_poll(f->receiver);
            peer_forget(f->publisher);
            peer_forget(f->receiver);
        }
        if (i % 2000 == 0) {
            peer_check(f->publisher, true);
            peer_check(f->receiver, true);
        }
    }
    g_rand_free(rand);
    g_assert_cmpuint(rig_state(f->rig, 1, NULL), ==, MNB_TRANSPORT_CONNECTED);
    rig_advance(f->rig, 1000000);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    peer_forget(f->receiver);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, false);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    static const struct {
        const char *name;
        void (*run)(Fixture *f, gconstpointer data);
    } tests[] = {
        {"/endurance/keeps-its-memory-flat-while-peers-come-and-go", test_churn},
        {"/endurance/survives-commands-in-any-order", test_random_commands},
        {"/endurance/survives-datagrams-of-any-content", test_random_datagrams},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, Fixture, NULL, set_up, tests[i].run, tear_down);
    return g_test_run();
}
