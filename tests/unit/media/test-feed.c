/* Feeds: packets that come out of a ring are forwarded as anybody's, and key frames are asked for.
 */
#include "server/media/packet-ring.h"
#include "server/media/worker.h"
#include "tests/unit/media/worker-fixture.h"
#include <sys/eventfd.h>
#include <unistd.h>

enum { FEED = 30, FEED_TRACK = 31, FEED_SSRC = 77 };

typedef struct {
    Fixture f;
    MnbRing *ring;
    int memfd;
} FeedFixture;

static void put_packet(FeedFixture *ff, uint32_t track, uint16_t seq, bool is_key)
{
    uint8_t packet[MNB_RTP_HEADER_BYTES + 500] = {0x80};
    mnb_rtp_set_pt(packet, PT_VP8, true);
    mnb_rtp_set_seq(packet, seq);
    mnb_rtp_set_timestamp(packet, seq * 3000u);
    mnb_rtp_set_ssrc(packet, FEED_SSRC);
    peer_vp8(packet + MNB_RTP_HEADER_BYTES, 500, true, is_key, seq, (uint8_t)seq, (uint8_t)seq);
    MnbRingRecord record = {.size = sizeof packet, .kind = MNB_RING_RTP, .track = track};
    g_assert_cmpint(mnb_ring_put(ff->ring, &record, packet), ==, 0);
    mnb_ring_flush(ff->ring);
    rig_step(ff->f.rig);
    rig_advance(ff->f.rig, 33000);
    peer_poll(ff->f.receiver);
}

static void set_up_feed(FeedFixture *ff, gconstpointer data)
{
    int error = 0;
    set_up(&ff->f, data);
    ff->memfd = mnb_ring_create(1u << 16);
    int bell = eventfd(0, EFD_NONBLOCK);
    int fds[2] = {ff->memfd, bell};
    MnbFeedOpen open = {FEED, 7};
    g_assert_cmpint(mnb_control_send(ff->f.rig->control_fd, MNB_MEDIA_FEED_OPEN, &open, fds, 2), ==,
                    0);
    rig_step(ff->f.rig);
    ff->ring = mnb_ring_open_producer(ff->memfd, bell, &error);
    g_assert_cmpint(error, ==, 0);
    close(bell);
    MnbTrackAdd add = {.track = FEED_TRACK,
                       .transport = FEED,
                       .codec = MNB_CODEC_VP8,
                       .pt = PT_VP8,
                       .clock_rate = 90000,
                       .mid = "v"};
    rig_command(ff->f.rig, MNB_MEDIA_TRACK_ADD, &add);
    bind_slot(ff->f.rig, 20, FEED_TRACK);
}

static void tear_down_feed(FeedFixture *ff, gconstpointer data)
{
    mnb_ring_close(ff->ring);
    close(ff->memfd);
    tear_down(&ff->f, data);
}

static void test_forwards(FeedFixture *ff, gconstpointer data)
{
    (void)data;
    /* Binding asked for a key frame. */
    g_assert_cmpuint(rig_count(ff->f.rig, MNB_MEDIA_FEED_KEY), >=, 1);
    const MnbMediaId *asked = rig_last(ff->f.rig, MNB_MEDIA_FEED_KEY);
    g_assert_cmpuint(asked->id, ==, FEED_TRACK);
    put_packet(ff, FEED_TRACK, 1, true);
    for (uint16_t seq = 2; seq < 20; seq++)
        put_packet(ff, FEED_TRACK, seq, false);
    g_assert_cmpuint(peer_count(ff->f.receiver, SLOT_SSRC), ==, 19);
    /* A track that is not of this feed, also when it exists. */
    uint64_t unknown = mnb_worker_stats(ff->f.rig->worker)->dropped_unknown;
    put_packet(ff, 10, 20, true);
    g_assert_cmpuint(mnb_worker_stats(ff->f.rig->worker)->dropped_unknown, ==, unknown + 1);
}

static void test_lives_in_silence(FeedFixture *ff, gconstpointer data)
{
    (void)data;
    put_packet(ff, FEED_TRACK, 1, true);
    rig_advance(ff->f.rig, 60 * G_USEC_PER_SEC);
    g_assert_cmpuint(rig_state(ff->f.rig, FEED, NULL), ==, 0);
    rig_forget_events(ff->f.rig);
    put_packet(ff, FEED_TRACK, 2, false);
    /* The track flows again: told, and kept under its id. */
    const MnbTrackState *state = rig_last(ff->f.rig, MNB_MEDIA_TRACK_STATE);
    g_assert_nonnull(state);
    g_assert_cmpuint(state->track, ==, FEED_TRACK);
    g_assert_cmpuint(state->is_flowing, ==, 1);
}

static void test_ends(FeedFixture *ff, gconstpointer data)
{
    (void)data;
    MnbMediaId close_it = {FEED, 0};
    uint32_t transports = mnb_worker_stats(ff->f.rig->worker)->transports;
    rig_command(ff->f.rig, MNB_MEDIA_TRANSPORT_CLOSE, &close_it);
    g_assert_cmpuint(mnb_worker_stats(ff->f.rig->worker)->transports, ==, transports - 1);
    put_packet(ff, FEED_TRACK, 1, true); /* into a ring that nobody reads */
    g_assert_cmpuint(peer_count(ff->f.receiver, SLOT_SSRC), ==, 0);
}

static void test_bad_ring(FeedFixture *ff, gconstpointer data)
{
    (void)data;
    /* A write position that is not of this ring. */
    static const uint8_t nonsense[256] = {[0 ... 255] = 0xa5};
    put_packet(ff, FEED_TRACK, 1, true);
    g_assert_cmpint(pwrite(ff->memfd, nonsense, sizeof nonsense, 64), ==, sizeof nonsense);
    uint64_t one = 1;
    g_assert_cmpint(write(mnb_ring_event_fd(ff->ring), &one, sizeof one), ==, sizeof one);
    rig_step(ff->f.rig);
    rig_advance(ff->f.rig, 10000);
    g_assert_cmpuint(rig_state(ff->f.rig, FEED, NULL), ==, MNB_TRANSPORT_CLOSED);
    g_assert_false(ff->f.rig->has_ended);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    static const struct {
        const char *path;
        void (*run)(FeedFixture *ff, gconstpointer data);
    } tests[] = {
        {"/feed/is-forwarded-from-its-ring", test_forwards},
        {"/feed/is-not-ended-by-silence", test_lives_in_silence},
        {"/feed/ends-when-it-is-told", test_ends},
        {"/feed/ends-when-its-ring-lies", test_bad_ring},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, FeedFixture, NULL, set_up_feed, tests[i].run, tear_down_feed);
    return g_test_run();
}
