#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pipelines/manager/media-pool.h"
#include "pipelines/manager/media-worker-private.h"
#include "server/base/error.h"
#include "tests/unit/manager/fake-media.h"

typedef struct {
    MnbMediaPool *pool;
    guint listener;
    guint n_connected;
    guint n_tracks;
    guint n_gone;
    guint n_restarted;
    guint32 last_id;
} Fixture;

static void on_transport_state(MnbMediaWorker *worker, const MnbTransportState *state,
                               gpointer data)
{
    Fixture *fixture = data;
    fixture->n_connected += state->state == MNB_TRANSPORT_CONNECTED;
    fixture->last_id = state->transport;
}

static void on_track_state(MnbMediaWorker *worker, const MnbTrackState *state, gpointer data)
{
    ((Fixture *)data)->n_tracks++;
}

static void on_gone(MnbMediaWorker *worker, gpointer data)
{
    Fixture *fixture = data;
    fixture->n_gone++;
    g_assert_false(mnb_media_worker_is_ready(worker));
    g_assert_false(mnb_media_worker_key_frame(worker, 1));
}

static void on_restarted(MnbMediaWorker *worker, gpointer data)
{
    ((Fixture *)data)->n_restarted++;
}

static const MnbMediaEvents events = {.transport_state = on_transport_state,
                                      .track_state = on_track_state,
                                      .gone = on_gone,
                                      .restarted = on_restarted};

static gboolean on_too_long(gpointer data)
{
    g_error("it did not happen within 10 s");
    return G_SOURCE_REMOVE;
}

/* Runs the main loop until *value reaches @target. */
static void wait_until(const guint *value, guint target)
{
    guint timer = g_timeout_add_seconds(10, on_too_long, NULL);
    while (*value < target)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}

static void wait_ready(MnbMediaPool *pool)
{
    guint timer = g_timeout_add_seconds(10, on_too_long, NULL);
    while (mnb_media_pool_count_ready(pool) < mnb_media_pool_count(pool))
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}

static MnbMediaPoolOptions options(guint workers)
{
    return (MnbMediaPoolOptions){
        .program = g_getenv("MANABI_FAKE_MEDIA"), .workers = workers, .has_sandbox = TRUE};
}

static void set_up(Fixture *fixture, gconstpointer data)
{
    const MnbMediaPoolOptions wanted = options(2);
    g_autoptr(GError) error = NULL;
    fixture->pool = mnb_media_pool_new(&wanted, &error);
    g_assert_no_error(error);
    fixture->listener = mnb_media_pool_listen(fixture->pool, &events, fixture);
    g_assert_null(mnb_media_pool_pick(fixture->pool));
    g_assert_true(mnb_media_pool_start(fixture->pool, NULL));
    wait_ready(fixture->pool);
}

static void on_stopped(gpointer data)
{
    *(guint *)data = 1;
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    guint is_stopped = 0;
    mnb_media_pool_stop(fixture->pool, on_stopped, &is_stopped);
    wait_until(&is_stopped, 1);
    for (guint i = 0; i < mnb_media_pool_count(fixture->pool); i++)
        g_assert_cmpint(mnb_media_worker_pid(mnb_media_pool_get(fixture->pool, i)), ==, 0);
    mnb_media_pool_free(fixture->pool);
}

static void test_is_ready_with_address_and_fingerprint(Fixture *fixture, gconstpointer data)
{
    guint16 ports[2];
    for (guint i = 0; i < 2; i++) {
        MnbMediaWorker *worker = mnb_media_pool_get(fixture->pool, i);
        guint n;
        const MnbMediaAddress *addresses = mnb_media_worker_addresses(worker, &n);
        g_assert_cmpuint(n, >=, 1);
        g_assert_cmpstr(addresses[n - 1].address, ==, "127.0.0.1");
        ports[i] = addresses[0].port;
        g_assert_cmpuint(ports[i], >, 0);
        g_assert_cmpuint(strlen(mnb_media_worker_fingerprint(worker)), ==, 95);
        g_assert_true(g_str_has_prefix(mnb_media_worker_fingerprint(worker), "AB:AB:"));
    }
    g_assert_cmpuint(ports[0], !=, ports[1]);
}

static void test_carries_commands_and_events(Fixture *fixture, gconstpointer data)
{
    MnbMediaWorker *worker = mnb_media_pool_pick(fixture->pool);
    const MnbTransportOpen open = {.transport = mnb_media_worker_new_id(worker), .room = 1};
    g_assert_true(mnb_media_worker_transport_open(worker, &open));
    wait_until(&fixture->n_connected, 1);
    g_assert_cmpuint(fixture->last_id, ==, open.transport);
}

static void test_hands_descriptors_over(Fixture *fixture, gconstpointer data)
{
    MnbMediaWorker *worker = mnb_media_pool_pick(fixture->pool);
    int memfd = memfd_create("test", MFD_CLOEXEC);
    int event = eventfd(0, EFD_CLOEXEC);
    g_assert_true(mnb_media_worker_tap_open(worker, 5, memfd, event));
    guint64 value;
    g_assert_cmpint(read(event, &value, sizeof value), ==, sizeof value);
    g_assert_cmpuint(value, ==, 1);
    close(memfd);
    close(event);
}

static void test_picks_workers_in_turn(Fixture *fixture, gconstpointer data)
{
    MnbMediaWorker *first = mnb_media_pool_pick(fixture->pool);
    g_assert_true(mnb_media_pool_pick(fixture->pool) != first);
}

static void test_is_back_after_a_crash(Fixture *fixture, gconstpointer data)
{
    MnbMediaWorker *worker = mnb_media_pool_get(fixture->pool, 0);
    guint n;
    guint16 port = mnb_media_worker_addresses(worker, &n)[0].port;
    guint32 id = mnb_media_worker_new_id(worker);
    gint64 start_us = g_get_monotonic_time();
    kill(mnb_media_worker_pid(worker), SIGKILL);
    wait_until(&fixture->n_gone, 1);
    g_assert_true(mnb_media_pool_pick(fixture->pool) != worker);
    wait_until(&fixture->n_restarted, 1);
    g_assert_cmpint(g_get_monotonic_time() - start_us, <, G_USEC_PER_SEC);
    g_assert_true(mnb_media_worker_is_ready(worker));
    g_assert_cmpuint(mnb_media_worker_addresses(worker, &n)[0].port, ==, port);
    g_assert_cmpuint(mnb_media_worker_new_id(worker), >, id);
    g_autoptr(GString) text = g_string_new(NULL);
    mnb_media_pool_write_metrics(fixture->pool, text);
    g_assert_nonnull(strstr(text->str, "manabi_media_restarts_total{worker=\"0\"} 1\n"));
    g_assert_nonnull(strstr(text->str, "manabi_media_up{worker=\"1\"} 1\n"));
}

static void test_kills_a_worker_that_talks_nonsense(Fixture *fixture, gconstpointer data)
{
    MnbMediaWorker *worker = mnb_media_pool_get(fixture->pool, 1);
    g_assert_true(mnb_media_worker_key_frame(worker, FAKE_ORDER_NONSENSE));
    wait_until(&fixture->n_restarted, 1);
}

static void test_kills_a_worker_that_does_not_read(Fixture *fixture, gconstpointer data)
{
    MnbMediaWorker *worker = mnb_media_pool_get(fixture->pool, 0);
    g_assert_true(mnb_media_worker_key_frame(worker, FAKE_ORDER_HANG));
    guint n = 0;
    while (mnb_media_worker_key_frame(worker, 1) && n < 10 * MNB_MEDIA_QUEUE_MAX)
        n++;
    g_assert_cmpuint(n, >=, MNB_MEDIA_QUEUE_MAX);
    g_assert_cmpuint(n, <, 2 * MNB_MEDIA_QUEUE_MAX);
    wait_until(&fixture->n_restarted, 1);
}

/* More than the socket holds: what does not fit waits, and nothing is lost or turned round. */
static void test_waits_while_the_socket_is_full(Fixture *fixture, gconstpointer data)
{
    MnbMediaWorker *worker = mnb_media_pool_get(fixture->pool, 0);
    for (guint i = 1; i <= 3000; i++)
        g_assert_true(mnb_media_worker_key_frame(worker, i));
    wait_until(&fixture->n_tracks, 3000);
}

static void test_stops_listening(Fixture *fixture, gconstpointer data)
{
    MnbMediaWorker *worker = mnb_media_pool_get(fixture->pool, 0);
    Fixture other = {0};
    mnb_media_pool_listen(fixture->pool, &events, &other);
    mnb_media_pool_unlisten(fixture->pool, fixture->listener);
    g_assert_true(mnb_media_worker_key_frame(worker, 7));
    wait_until(&other.n_tracks, 1);
    g_assert_cmpuint(fixture->n_tracks, ==, 0);
    mnb_media_pool_unlisten(fixture->pool, fixture->listener + 1);
}

static void test_refuses_a_port_in_use(void)
{
    MnbMediaPoolOptions wanted = options(1);
    MnbMediaPool *first = mnb_media_pool_new(&wanted, NULL);
    guint n;
    wanted.port = mnb_media_worker_addresses(mnb_media_pool_get(first, 0), &n)[0].port;
    g_autoptr(GError) error = NULL;
    g_assert_null(mnb_media_pool_new(&wanted, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_BUSY);
    g_autofree char *port = g_strdup_printf("%u", wanted.port);
    g_assert_nonnull(strstr(error->message, port));
    mnb_media_pool_free(first);
}

static void test_announces_what_it_is_told(void)
{
    static const char *const told[] = {"192.0.2.1", "192.0.2.1:5000", "2001:db8::1",
                                       "[2001:db8::2]:6000", NULL};
    MnbMediaAddress out[MNB_MEDIA_ADDRESSES_MAX];
    g_assert_cmpint(mnb_udp_ports_addresses(told, 3, 40003, TRUE, out, NULL), ==, 4);
    g_assert_cmpuint(out[0].port, ==, 40003);
    g_assert_cmpuint(out[1].port, ==, 5003);
    g_assert_cmpstr(out[1].address, ==, "192.0.2.1");
    g_assert_cmpstr(out[2].address, ==, "2001:db8::1");
    g_assert_cmpuint(out[2].port, ==, 40003);
    g_assert_cmpstr(out[3].address, ==, "2001:db8::2");
    g_assert_cmpuint(out[3].port, ==, 6003);
}

static void test_refuses_addresses_that_are_none(void)
{
    static const char *const bad[] = {"example.org",
                                      "192.0.2.1:0",
                                      "192.0.2.1:70000",
                                      "192.0.2",
                                      "[2001:db8::1]3000",
                                      "[2001:db8::1",
                                      "",
                                      "192.0.2.1:",
                                      "0.0.0.0",
                                      "[::]:4000",
                                      "224.0.0.1",
                                      "255.255.255.255",
                                      "fe80::1",
                                      "169.254.3.4"};
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        const char *const told[] = {bad[i], NULL};
        MnbMediaAddress out[MNB_MEDIA_ADDRESSES_MAX];
        g_autoptr(GError) error = NULL;
        g_assert_cmpint(mnb_udp_ports_addresses(told, 0, 40000, TRUE, out, &error), ==, -1);
        g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
    }
}

static void test_tells_tcp_candidates(void)
{
    static const char *const told[] = {"192.0.2.1", "192.0.2.1:5000", "2001:db8::1", NULL};
    MnbMediaAddress out[MNB_MEDIA_ADDRESSES_MAX];
    int n = mnb_udp_ports_addresses(told, 0, 40000, TRUE, out, NULL);
    g_assert_cmpint(n, ==, 3);
    g_assert_cmpuint(mnb_tcp_ports_addresses(out, 3, FALSE, 0, NULL), ==, 3);
    g_assert_cmpuint(mnb_tcp_ports_addresses(out, 3, TRUE, 443, NULL), ==, 8);
    g_assert_false(out[2].is_tcp);
    g_assert_true(out[3].is_tcp);
    g_assert_cmpuint(out[3].port, ==, 40000);
    g_assert_cmpuint(out[4].port, ==, 5000);
    g_assert_cmpuint(out[6].port, ==, 443); /* each address once */
    g_assert_cmpstr(out[6].address, ==, "192.0.2.1");
    g_assert_cmpstr(out[7].address, ==, "2001:db8::1");
    g_assert_cmpuint(mnb_tcp_ports_addresses(out, 3, TRUE, 443, "2001:db8::1"), ==, 7);
    g_assert_cmpstr(out[6].address, ==, "2001:db8::1");
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* as main.c does: a pipe whose reader died is an errno */
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function) g_test_add(name, Fixture, NULL, set_up, function, tear_down)
    ADD("/media-pool/is-ready-with-address-and-fingerprint",
        test_is_ready_with_address_and_fingerprint);
    ADD("/media-pool/carries-commands-and-events", test_carries_commands_and_events);
    ADD("/media-pool/hands-descriptors-over", test_hands_descriptors_over);
    ADD("/media-pool/picks-workers-in-turn", test_picks_workers_in_turn);
    ADD("/media-pool/is-back-within-a-second-on-the-same-port", test_is_back_after_a_crash);
    ADD("/media-pool/kills-a-worker-that-talks-nonsense", test_kills_a_worker_that_talks_nonsense);
    ADD("/media-pool/kills-a-worker-that-does-not-read", test_kills_a_worker_that_does_not_read);
    ADD("/media-pool/waits-while-the-socket-is-full", test_waits_while_the_socket_is_full);
    ADD("/media-pool/stops-listening", test_stops_listening);
    g_test_add_func("/media-pool/refuses-a-port-in-use", test_refuses_a_port_in_use);
    g_test_add_func("/media-pool/tells-tcp-candidates", test_tells_tcp_candidates);
    g_test_add_func("/media-pool/announces-what-it-is-told", test_announces_what_it_is_told);
    g_test_add_func("/media-pool/refuses-addresses-that-are-none",
                    test_refuses_addresses_that_are_none);
    return g_test_run();
}
