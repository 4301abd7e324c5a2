/* ICE-TCP: the same worker, peers over connections. */
#include "server/media/tcp-frame.h"
#include "server/media/tcp.h"
#include "tests/unit/media/worker-fixture.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/un.h>
#include <unistd.h>

static void set_up_tcp(Fixture *f, gconstpointer data)
{
    (void)data;
    f->rig = rig_new();
    f->publisher = peer_new(f->rig, 1, 7, MNB_PUBLISH, false);
    f->receiver = peer_new(f->rig, 2, 7, MNB_RECEIVE, false);
    close(peer_use_tcp(f->publisher));
    close(peer_use_tcp(f->receiver));
    add_video_track(f->rig, 10, 1, VIDEO_SSRC);
    add_video_slot(f->rig, 20, 2, SLOT_SSRC);
    g_assert_true(peer_connect(f->publisher));
    g_assert_true(peer_connect(f->receiver));
    f->seq = 65530;
    f->timestamp = 4294960000u;
}

static unsigned count_tcp(Fixture *f)
{
    return mnb_worker_stats(f->rig->worker)->tcp;
}

/* What was sent by TCP arrives a moment later, also on loopback. */
#define AWAIT(f, condition)                                                                        \
    for (unsigned tries_ = 0; !(condition); tries_++) {                                            \
        g_assert_cmpuint(tries_, <, 3000);                                                         \
        rig_advance((f)->rig, 1000);                                                               \
        peer_poll((f)->receiver);                                                                  \
    }

static void test_forwards(Fixture *f, gconstpointer data)
{
    (void)data;
    g_assert_cmpuint(rig_state(f->rig, 1, NULL), ==, MNB_TRANSPORT_CONNECTED);
    g_assert_cmpuint(rig_state(f->rig, 2, NULL), ==, MNB_TRANSPORT_CONNECTED);
    g_assert_cmpuint(count_tcp(f), ==, 2);
    bind_slot(f->rig, 20, 10);
    for (unsigned i = 0; i < 50; i++)
        send_frame(f, f->publisher, VIDEO_SSRC, 3, i == 0);
    AWAIT(f, peer_count(f->receiver, SLOT_SSRC) >= 150);
    g_assert_cmpuint(f->receiver->bad_packets, ==, 0);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 150);
    g_assert_cmpuint(f->publisher->stun_mapped_port, !=, 0);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->dropped_malformed, ==, 0);
}

/* A receiver that does not read loses whole packets; the worker keeps none for it, and the stream
 * is in step when it reads again. */
static void test_drops_for_slow_readers(Fixture *f, gconstpointer data)
{
    (void)data;
    bind_slot(f->rig, 20, 10);
    for (unsigned i = 0; i < 400; i++) {
        uint8_t payload[1100];
        peer_vp8(payload, sizeof payload, true, i == 0, f->picture++, f->tl0++, 1);
        PeerRtp rtp = {.ssrc = VIDEO_SSRC,
                       .seq = f->seq++,
                       .timestamp = f->timestamp += 3000,
                       .pt = PT_VP8,
                       .marker = true,
                       .payload = payload,
                       .payload_size = sizeof payload,
                       .mid_id = EXT_MID,
                       .mid = "0"};
        for (unsigned k = 0; k < 3; k++) {
            peer_send(f->publisher, &rtp);
            rtp.seq = f->seq++;
        }
        rig_advance(f->rig, 5000);
        peer_poll(f->publisher);
    }
    for (unsigned i = 0; i < 50; i++) {
        rig_step(f->rig);
        peer_poll(f->receiver);
    }
    g_assert_false(f->receiver->has_ended);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), >, 50);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), <, 1200);
    g_assert_cmpuint(f->receiver->bad_packets, ==, 0);
    peer_forget(f->receiver);
    send_frame(f, f->publisher, VIDEO_SSRC, 3, true);
    AWAIT(f, peer_count(f->receiver, SLOT_SSRC) >= 3);
    g_assert_cmpuint(f->receiver->bad_packets, ==, 0);
}

static void test_ends_stuck(Fixture *f, gconstpointer data)
{
    (void)data;
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 1, true);
    for (unsigned i = 0; i < 1500 && count_tcp(f) == 2; i++) {
        uint8_t payload[1100];
        peer_vp8(payload, sizeof payload, true, i == 0, f->picture++, f->tl0++, 1);
        PeerRtp rtp = {.ssrc = VIDEO_SSRC,
                       .seq = f->seq++,
                       .timestamp = f->timestamp += 3000,
                       .pt = PT_VP8,
                       .marker = true,
                       .payload = payload,
                       .payload_size = sizeof payload,
                       .mid_id = EXT_MID,
                       .mid = "0"};
        peer_send(f->publisher, &rtp);
        rig_advance(f->rig, 15000);
        peer_poll(f->publisher);
    }
    g_assert_cmpuint(count_tcp(f), ==, 1);
}

static void test_tuple_goes_with_connection(Fixture *f, gconstpointer data)
{
    (void)data;
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 1, true);
    AWAIT(f, peer_count(f->receiver, SLOT_SSRC) == 1);
    unsigned before = peer_count(f->receiver, SLOT_SSRC);
    /* a second connection proves itself without being nominated, then the first one ends */
    int old = peer_use_tcp(f->receiver);
    unsigned answers = f->receiver->stun_answers;
    peer_check(f->receiver, false);
    AWAIT(f, f->receiver->stun_answers > answers);
    g_assert_cmpuint(count_tcp(f), ==, 3);
    close(old);
    AWAIT(f, count_tcp(f) == 2);
    send_frame(f, f->publisher, VIDEO_SSRC, 1, false);
    AWAIT(f, peer_count(f->receiver, SLOT_SSRC) == before + 1);
    /* the last one ends: nothing is sent until there is another address */
    close(f->receiver->fd);
    f->receiver->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    f->receiver->is_tcp = false;
    AWAIT(f, count_tcp(f) == 1);
    send_frame(f, f->publisher, VIDEO_SSRC, 1, false);
    g_assert_cmpuint(count_tcp(f), ==, 1);
    peer_check(f->receiver, true);
    send_frame(f, f->publisher, VIDEO_SSRC, 1, false);
    AWAIT(f, peer_count(f->receiver, SLOT_SSRC) >= before + 2);
}

static void test_moves_from_udp(Fixture *f, gconstpointer data)
{
    (void)data;
    Peer *peer = peer_new(f->rig, 3, 7, MNB_RECEIVE, false);
    add_video_slot(f->rig, 30, 3, SLOT_SSRC + 100);
    g_assert_true(peer_connect(peer));
    bind_slot(f->rig, 30, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    peer_poll(peer);
    AWAIT(f, (peer_poll(peer), peer_count(peer, SLOT_SSRC + 100) == 2));
    rig_advance(f->rig, 500000);
    int old = peer_use_tcp(peer);
    peer_check(peer, true);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, false);
    peer_poll(peer);
    AWAIT(f, (peer_poll(peer), peer_count(peer, SLOT_SSRC + 100) == 4));
    g_assert_cmpuint(peer->bad_packets, ==, 0);
    close(old);
    peer_free(peer);
}

static int connect_raw(Fixture *f)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(
        connect(fd, (struct sockaddr *)&f->rig->tcp_address, sizeof f->rig->tcp_address), ==, 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static bool is_closed(int fd)
{
    uint8_t bytes[64];
    ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

static void test_refuses_strangers(Fixture *f, gconstpointer data)
{
    (void)data;
    int silent = connect_raw(f);
    int http = connect_raw(f);
    int chatty = connect_raw(f);
    AWAIT(f, count_tcp(f) == 5);
    g_assert_cmpint(send(http, "GET / HTTP/1.1\r\n\r\n", 18, 0), ==, 18);
    uint8_t frames[8 * 6] = {0};
    for (unsigned i = 0; i < 8; i++)
        frames[i * 6 + 1] = 4;
    g_assert_cmpint(send(chatty, frames, sizeof frames, 0), ==, sizeof frames);
    AWAIT(f, is_closed(http));
    AWAIT(f, is_closed(chatty));
    g_assert_false(is_closed(silent));
    rig_advance(f->rig, 7000000);
    AWAIT(f, is_closed(silent));
    g_assert_cmpuint(count_tcp(f), ==, 2);
    close(silent);
    close(http);
    close(chatty);
}

static void test_bounds_strangers(Fixture *f, gconstpointer data)
{
    (void)data;
    enum { N = MNB_TCP_ADDRESS_MAX + 20 };
    int fds[N];
    for (unsigned i = 0; i < N; i++) {
        fds[i] = connect_raw(f);
        rig_step(f->rig);
    }
    g_assert_cmpuint(count_tcp(f), <=, 2 + MNB_TCP_ADDRESS_MAX);
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 3, true);
    AWAIT(f, peer_count(f->receiver, SLOT_SSRC) == 3);
    for (unsigned i = 0; i < N; i++)
        close(fds[i]);
    AWAIT(f, count_tcp(f) == 2);
}

/* A transport that is closed takes its connections with it. */
static void test_ends_with_transport(Fixture *f, gconstpointer data)
{
    (void)data;
    MnbMediaId id = {.id = 2};
    rig_command(f->rig, MNB_MEDIA_TRANSPORT_CLOSE, &id);
    rig_advance(f->rig, 1500000);
    AWAIT(f, f->receiver->has_ended);
    g_assert_cmpuint(count_tcp(f), ==, 1);
}

/* Bytes come as the network likes: one by one here. */
static void test_takes_any_pieces(Fixture *f, gconstpointer data)
{
    (void)data;
    uint8_t frame[300];
    MnbStunRequest request = {.username = "", .priority = 1, .role = MNB_ICE_CONTROLLING};
    char username[80];
    g_snprintf(username, sizeof username, "%s:them", f->receiver->ufrag);
    request.username = username;
    int len = mnb_stun_write_request(frame + 2, sizeof frame - 2, &request, f->receiver->pwd,
                                     strlen(f->receiver->pwd));
    g_assert_cmpint(len, >, 0);
    frame[0] = 0;
    frame[1] = (uint8_t)len;
    int fd = connect_raw(f);
    for (int i = 0; i < len + 2; i++) {
        g_assert_cmpint(send(fd, frame + i, 1, 0), ==, 1);
        rig_step(f->rig);
    }
    uint8_t answer[300];
    ssize_t got = 0;
    AWAIT(f, (got = recv(fd, answer, sizeof answer, 0)) > 0);
    g_assert_cmpint(got, >, 20);
    g_assert_cmpint((answer[0] << 8 | answer[1]) + 2, ==, got);
    g_assert_cmpuint(answer[2], ==, 1); /* binding success */
    close(fd);
}

/* ---- through the front door ---- */

typedef struct {
    Rig *rig;
    int listener;
    struct sockaddr_un name;
} Door;

static Door *door_new(unsigned index)
{
    Door *door = g_new0(Door, 1);
    door->rig = rig_new_outside();
    door->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    door->name.sun_family = AF_UNIX;
    socklen_t size = sizeof(sa_family_t); /* the kernel chooses an abstract name */
    g_assert_cmpint(bind(door->listener, (struct sockaddr *)&door->name, size), ==, 0);
    g_assert_cmpint(listen(door->listener, 16), ==, 0);
    MnbWorkerConfig config = {.control_fd = door->rig->worker_control_fd,
                              .udp_fds = {door->rig->udp_fd},
                              .n_udp_fds = 1,
                              .tcp_fds = {door->listener},
                              .n_tcp_fds = 1,
                              .index = index};
    int error = 0;
    door->rig->worker = mnb_worker_new(&config, &error);
    g_assert_nonnull(door->rig->worker);
    rig_step(door->rig);
    return door;
}

static void door_free(Door *door)
{
    rig_free(door->rig);
    close(door->listener);
    g_free(door);
}

static int door_connect(Door *door, const char *line)
{
    struct sockaddr_un name;
    socklen_t size = sizeof name;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(getsockname(door->listener, (struct sockaddr *)&name, &size), ==, 0);
    g_assert_cmpint(connect(fd, (struct sockaddr *)&name, size), ==, 0);
    g_assert_cmpint(send(fd, line, strlen(line), 0), ==, strlen(line));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void test_front_door(void)
{
    Door *door = door_new(3);
    Peer *peer = peer_new(door->rig, 1, 7, MNB_PUBLISH, false);
    close(peer->fd);
    peer->is_tcp = true;
    peer->fd = door_connect(door, "PROXY TCP4 192.0.2.7 198.51.100.1 40001 443\r\n");
    MnbTransportRestart restart = {.transport = 1, .remote_ufrag = "them"};
    g_strlcpy(restart.ufrag, peer->ufrag, sizeof restart.ufrag);
    mnb_ufrag_tag(restart.ufrag, 3);
    g_strlcpy(restart.pwd, peer->pwd, sizeof restart.pwd);
    g_strlcpy(peer->ufrag, restart.ufrag, sizeof peer->ufrag);
    rig_command(door->rig, MNB_MEDIA_TRANSPORT_RESTART, &restart);
    g_assert_true(peer_connect(peer));
    g_assert_cmpuint(rig_state(door->rig, 1, NULL), ==, MNB_TRANSPORT_CONNECTED);
    g_assert_cmpuint(peer->stun_mapped_port, ==, 40001);
    int bad = door_connect(door, "GET / HTTP/1.1\r\n");
    rig_step(door->rig);
    g_assert_true(is_closed(bad));
    close(bad);
    peer_free(peer);
    door_free(door);
}

/* Worker 3 takes a connection of worker 5's: manabi gets it and gives it on. */
static void test_passes_on(void)
{
    Door *third = door_new(3), *fifth = door_new(5);
    Peer *peer = peer_new(fifth->rig, 1, 7, MNB_PUBLISH, false);
    MnbTransportRestart restart = {.transport = 1, .remote_ufrag = "them"};
    g_strlcpy(restart.ufrag, peer->ufrag, sizeof restart.ufrag);
    mnb_ufrag_tag(restart.ufrag, 5);
    g_strlcpy(restart.pwd, peer->pwd, sizeof restart.pwd);
    g_strlcpy(peer->ufrag, restart.ufrag, sizeof peer->ufrag);
    rig_command(fifth->rig, MNB_MEDIA_TRANSPORT_RESTART, &restart);
    close(peer->fd);
    peer->is_tcp = true;
    peer->fd = door_connect(third, "PROXY TCP6 2001:db8::7 2001:db8::1 40002 443\r\n");
    peer_check(peer, true);
    MnbControlMessage message;
    do
        g_assert_cmpint(mnb_worker_step(third->rig->worker, 100), ==, 1);
    while (mnb_control_receive(third->rig->control_fd, &message) <= 0 ||
           message.type != MNB_MEDIA_TCP_PASS);
    g_assert_cmpuint(message.n_fds, ==, 1);
    const MnbTcpPass *pass = mnb_control_body(&message);
    g_assert_cmpuint(pass->worker, ==, 5);
    g_assert_cmpuint(mnb_worker_stats(third->rig->worker)->tcp, ==, 0);
    g_assert_cmpint(
        mnb_control_send(fifth->rig->control_fd, MNB_MEDIA_TCP_TAKE, pass, message.fds, 1), ==, 0);
    close(message.fds[0]);
    g_assert_true(peer_connect(peer));
    g_assert_cmpuint(rig_state(fifth->rig, 1, NULL), ==, MNB_TRANSPORT_CONNECTED);
    g_assert_cmpuint(peer->stun_mapped_port, ==, 40002);
    peer_free(peer);
    door_free(third);
    door_free(fifth);
}

/* ---- the parsers ---- */

static void test_proxy_lines(void)
{
    static const char *const wrong[] = {
        "GET / HTTP/1.1\r\n",
        "PROXY UNKNOWN\r\n",
        "PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 0 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
        "PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY TCP6 1.2.3.4 ::1 1 2\r\n",
        "PROXY TCP4\r\n",
    };
    static const char good[] = "PROXY TCP6 ::1 ::2 65535 443\r\nrest";
    struct sockaddr_in6 peer;
    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_cmpint(mnb_tcp_proxy_line((const uint8_t *)wrong[i], strlen(wrong[i]), &peer), ==,
                        -EBADMSG);
    for (size_t len = 0; len < 30; len++)
        g_assert_cmpint(mnb_tcp_proxy_line((const uint8_t *)good, len, &peer), ==, 0);
    g_assert_cmpint(mnb_tcp_proxy_line((const uint8_t *)good, sizeof good - 1, &peer), ==, 30);
    g_assert_cmpuint(ntohs(peer.sin6_port), ==, 65535);
    char endless[200];
    memset(endless, 'x', sizeof endless);
    memcpy(endless, "PROXY TCP4 ", 11);
    g_assert_cmpint(mnb_tcp_proxy_line((const uint8_t *)endless, sizeof endless, &peer), ==,
                    -EBADMSG);
}

static void test_frames(void)
{
    static const uint8_t bytes[] = {0, 3, 'a', 'b', 'c', 0, 0, 8, 1};
    const uint8_t *frame;
    size_t size;
    for (size_t len = 0; len < 5; len++)
        g_assert_cmpint(mnb_tcp_frame_take(bytes, len, &frame, &size), ==, 0);
    g_assert_cmpint(mnb_tcp_frame_take(bytes, 5, &frame, &size), ==, 1);
    g_assert_cmpmem(frame, size, "abc", 3);
    g_assert_cmpint(mnb_tcp_frame_take(bytes + 5, 4, &frame, &size), ==, 1);
    g_assert_cmpuint(size, ==, 0);
    g_assert_cmpint(mnb_tcp_frame_take(bytes + 7, 2, &frame, &size), ==, -EMSGSIZE);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(Fixture *f, gconstpointer data);
    } tests[] = {
        {"/tcp/forwards-over-connections", test_forwards},
        {"/tcp/drops-whole-packets-for-a-slow-reader", test_drops_for_slow_readers},
        {"/tcp/ends-a-connection-that-takes-nothing", test_ends_stuck},
        {"/tcp/a-connection-takes-its-address-with-it", test_tuple_goes_with_connection},
        {"/tcp/a-peer-moves-from-udp", test_moves_from_udp},
        {"/tcp/refuses-strangers", test_refuses_strangers},
        {"/tcp/bounds-strangers-of-one-address", test_bounds_strangers},
        {"/tcp/ends-with-its-transport", test_ends_with_transport},
        {"/tcp/takes-frames-in-any-pieces", test_takes_any_pieces},
    };
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, Fixture, NULL, set_up_tcp, tests[i].run, tear_down);
    g_test_add_func("/tcp/takes-connections-of-the-front-door", test_front_door);
    g_test_add_func("/tcp/passes-a-connection-on-to-the-worker-it-is-for", test_passes_on);
    g_test_add_func("/tcp/reads-proxy-lines", test_proxy_lines);
    g_test_add_func("/tcp/takes-frames-apart", test_frames);
    return g_test_run();
}
