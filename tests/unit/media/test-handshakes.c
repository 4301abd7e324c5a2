/* Handshakes: the queue in front of OpenSSL, and who floods it. */
#include "server/media/handshakes.h"
#include "tests/unit/media/worker-fixture.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { STRANGERS = 32, HELLOS = 20000, A_FRAME = 200, A_JOIN = 2000 };

static void test_queue(void)
{
    MnbWorker *worker = g_new0(MnbWorker, 1);
    MnbArrival arrival = {0};
    static uint8_t data[MNB_HANDSHAKE_BYTES_MAX + 1];
    worker->handshakes = mnb_handshakes_new();
    g_assert_false(mnb_handshakes_wait(worker));
    mnb_handshakes_put(worker, &arrival, data, sizeof data);
    g_assert_cmpuint(worker->stats.dropped_malformed, ==, 1);
    g_assert_false(mnb_handshakes_wait(worker));
    for (unsigned round = 0; round < 3; round++) { /* the ring goes round */
        unsigned dropped = (unsigned)worker->stats.dropped_unknown;
        arrival.key = 1;
        for (unsigned i = 0; i < MNB_HANDSHAKES_OF_ONE + 5; i++)
            mnb_handshakes_put(worker, &arrival, data, MNB_HANDSHAKE_BYTES_MAX);
        g_assert_cmpuint(worker->stats.dropped_unknown, ==, dropped + 5);
        for (unsigned i = MNB_HANDSHAKES_OF_ONE; i < MNB_HANDSHAKES_WAITING; i++) {
            arrival.key++;
            mnb_handshakes_put(worker, &arrival, data, MNB_HANDSHAKE_BYTES_MAX);
        }
        g_assert_cmpuint(worker->stats.dropped_unknown, ==, dropped + 5);
        arrival.key++;
        mnb_handshakes_put(worker, &arrival, data, 1);
        g_assert_cmpuint(worker->stats.dropped_unknown, ==, dropped + 6);
        unsigned turns = 0;
        for (; mnb_handshakes_wait(worker); turns++)
            mnb_handshakes_run(worker); /* nobody has that address any more: let go */
        g_assert_cmpuint(turns, ==, MNB_HANDSHAKES_WAITING / MNB_HANDSHAKES_PER_TURN);
    }
    mnb_handshakes_run(worker);
    free(worker->handshakes);
    g_free(worker);
}

/* A ClientHello as a peer sends it. */
static size_t take_hello(Peer *peer, uint8_t *out, size_t cap)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in there = peer->address;
    socklen_t len = sizeof here;
    int sink = socket(AF_INET, SOCK_DGRAM, 0);
    g_assert_cmpint(bind(sink, (struct sockaddr *)&here, sizeof here), ==, 0);
    g_assert_cmpint(getsockname(sink, (struct sockaddr *)&here, &len), ==, 0);
    peer->address = here;
    peer_advance_dtls(peer);
    peer->address = there;
    ssize_t got = recv(sink, out, cap, 0);
    g_assert_cmpint(got, >, 50);
    g_assert_cmpuint(out[0], ==, 22);
    close(sink);
    return (size_t)got;
}

#if !defined(__SANITIZE_ADDRESS__)
static size_t resident_kib(void)
{
    unsigned long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    g_assert_nonnull(file);
    g_assert_cmpint(fscanf(file, "%lu %lu", &size, &resident), ==, 2);
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}
#else
static size_t resident_kib(void)
{
    return 0;
}
#endif

typedef struct {
    unsigned frames, got, joins, joined;
} Call;

static void go_on(Fixture *f, Call *call, unsigned i)
{
    if (i % A_FRAME == 0) {
        send_frame(f, f->publisher, VIDEO_SSRC, 3, call->frames++ % 100 == 0);
        call->got += peer_count(f->receiver, SLOT_SSRC);
        peer_forget(f->receiver);
        peer_forget(f->publisher);
        rig_forget_events(f->rig);
        peer_check(f->publisher, true);
        peer_check(f->receiver, true);
    }
    if (i % A_JOIN == 0) {
        Peer *peer = peer_new(f->rig, 1000 + i, 7, MNB_PUBLISH, false);
        call->joins++;
        call->joined += peer_connect(peer);
        peer_free(peer);
    }
}

/* R19: ClientHellos from everywhere cost a look at their first byte; those who join do. */
static void test_flood(Fixture *f, gconstpointer data)
{
    (void)data;
    int strangers[STRANGERS];
    uint8_t hello[2048], byte;
    Call call = {0};
    Peer *model = peer_new(f->rig, 50, 7, MNB_PUBLISH, false);
    size_t size = take_hello(model, hello, sizeof hello);
    bind_slot(f->rig, 20, 10);
    for (unsigned i = 0; i < STRANGERS; i++) {
        strangers[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        g_assert_cmpint(
            connect(strangers[i], (struct sockaddr *)&f->rig->address, sizeof f->rig->address), ==,
            0);
    }
    go_on(f, &call, 0);
    size_t resident = resident_kib();
    for (unsigned i = 1; i <= HELLOS; i++) {
        g_assert_cmpint(send(strangers[i % STRANGERS], hello, size, 0), ==, size);
        if (i % 32 == 0)
            rig_step(f->rig);
        go_on(f, &call, i);
    }
    const MnbWorkerStats *stats = mnb_worker_stats(f->rig->worker);
    g_test_message("%u of %u packets, %u of %u joined, %u KiB more", call.got, call.frames * 3,
                   call.joined, call.joins, (unsigned)(resident_kib() - resident));
    g_assert_cmpuint(call.got, ==, call.frames * 3);
    g_assert_cmpuint(call.joined, ==, call.joins);
    g_assert_cmpuint(stats->handshakes, ==, 2 + call.joins);
    g_assert_cmpuint(stats->dropped_unknown, >=, HELLOS);
    g_assert_cmpuint(resident_kib(), <=, resident + 20 * 1024);
    for (unsigned i = 0; i < STRANGERS; i++) {
        g_assert_cmpint(recv(strangers[i], &byte, 1, 0), ==, -1);
        close(strangers[i]);
    }
    peer_free(model);
}

/* Who has proved his address and sends ClientHellos without end has one OpenSSL object, and its
 * answers go to him; the others connect and lose nothing. */
static void test_flood_of_a_member(Fixture *f, gconstpointer data)
{
    (void)data;
    uint8_t hello[2048];
    Call call = {0};
    Peer *bad = peer_new(f->rig, 50, 7, MNB_PUBLISH, false);
    size_t size = take_hello(bad, hello, sizeof hello);
    bind_slot(f->rig, 20, 10);
    go_on(f, &call, 0);
    size_t resident = resident_kib();
    for (unsigned i = 1; i <= HELLOS / 2; i++) {
        if (i % 500 == 1)
            peer_check(bad, true);
        hello[20 + i % (size - 20)] ^= (uint8_t)(i % 3 == 0 ? 1 : 0);
        peer_send_raw(bad, hello, size);
        if (i % 32 == 0) {
            rig_step(f->rig);
            peer_poll(bad);
        }
        go_on(f, &call, i);
    }
    g_test_message("%u of %u packets, %u of %u joined, %u KiB more", call.got, call.frames * 3,
                   call.joined, call.joins, (unsigned)(resident_kib() - resident));
    g_assert_cmpuint(call.got, ==, call.frames * 3);
    g_assert_cmpuint(call.joined, ==, call.joins);
    g_assert_cmpuint(resident_kib(), <=, resident + 20 * 1024);
    peer_free(bad);
}

/* Connections to the TCP port that say nothing, or begin a frame and never end it: none of them
 * lasts, and who means it gets in. */
static void test_flood_of_connections(Fixture *f, gconstpointer data)
{
    (void)data;
    enum { ROUNDS = 40, EACH = 20 };
    unsigned most = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int fds[EACH];
        for (unsigned i = 0; i < EACH; i++) {
            fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            int error = connect(fds[i], (struct sockaddr *)&f->rig->tcp_address,
                                sizeof f->rig->tcp_address);
            g_assert_true(error == 0 || errno == EINPROGRESS || errno == EAGAIN);
            if (i % 2 == 0 && send(fds[i], "\x01\xf4halfway", 9, MSG_NOSIGNAL) < 0)
                g_assert_true(errno == EAGAIN || errno == EPIPE || errno == ECONNRESET);
        }
        rig_step(f->rig);
        unsigned now = mnb_worker_stats(f->rig->worker)->tcp;
        most = now > most ? now : most;
        for (unsigned i = 0; i < EACH && round % 2 == 0; i++)
            close(fds[i]);
        rig_advance(f->rig, 400000);
        for (unsigned i = 0; i < EACH && round % 2 == 1; i++)
            close(fds[i]);
        if (round % 10 == 0) {
            peer_check(f->publisher, true);
            peer_check(f->receiver, true);
        }
    }
    Peer *peer = peer_new(f->rig, 77, 7, MNB_PUBLISH, false);
    rig_advance(f->rig, 6000000);
    close(peer_use_tcp(peer));
    g_assert_true(peer_connect(peer));
    g_test_message("at most %u connections at a time", most);
    g_assert_cmpuint(most, <=, 64);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->tcp, ==, 1);
    peer_free(peer);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/handshakes/wait-in-a-bounded-queue", test_queue);
    g_test_add("/handshakes/a-flood-of-hellos-is-not-looked-at", Fixture, NULL, set_up, test_flood,
               tear_down);
    g_test_add("/handshakes/a-flood-of-a-member-keeps-nobody-out", Fixture, NULL, set_up,
               test_flood_of_a_member, tear_down);
    g_test_add("/handshakes/a-flood-of-connections-keeps-nobody-out", Fixture, NULL, set_up,
               test_flood_of_connections, tear_down);
    return g_test_run();
}
