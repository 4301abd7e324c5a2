/* The real manabi-media under the pool: it starts behind its own sandbox, and is back on the same
 * ports when it is killed or stands still. */
#include <signal.h>
#include <string.h>

#include "pipelines/manager/media-pool.h"
#include "pipelines/manager/programs.h"

typedef struct {
    MnbMediaPool *pool;
    guint n_gone;
    guint n_restarted;
} Fixture;

static void on_gone(MnbMediaWorker *worker, gpointer data)
{
    ((Fixture *)data)->n_gone++;
}

static void on_restarted(MnbMediaWorker *worker, gpointer data)
{
    ((Fixture *)data)->n_restarted++;
}

static const MnbMediaEvents events = {.gone = on_gone, .restarted = on_restarted};

static gboolean on_too_long(gpointer data)
{
    g_error("it did not happen within 20 s");
    return G_SOURCE_REMOVE;
}

static void wait_until(const guint *value, guint target)
{
    guint timer = g_timeout_add_seconds(20, on_too_long, NULL);
    while (*value < target)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
    g_autofree char *program = mnb_programs_find("manabi-media", NULL);
    g_assert_nonnull(program);
    const MnbMediaPoolOptions options = {.program = program, .workers = 2, .has_sandbox = TRUE};
    g_autoptr(GError) error = NULL;
    fixture->pool = mnb_media_pool_new(&options, &error);
    g_assert_no_error(error);
    mnb_media_pool_listen(fixture->pool, &events, fixture);
    g_assert_true(mnb_media_pool_start(fixture->pool, &error));
    guint timer = g_timeout_add_seconds(20, on_too_long, NULL);
    while (mnb_media_pool_count_ready(fixture->pool) < 2)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
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
    for (guint i = 0; i < 2; i++)
        g_assert_cmpint(mnb_media_worker_pid(mnb_media_pool_get(fixture->pool, i)), ==, 0);
    mnb_media_pool_free(fixture->pool);
}

static void test_carries_a_room(Fixture *fixture, gconstpointer data)
{
    MnbMediaWorker *worker = mnb_media_pool_pick(fixture->pool);
    MnbTransportOpen open = {.transport = mnb_media_worker_new_id(worker),
                             .room = mnb_media_worker_new_id(worker),
                             .direction = MNB_PUBLISH};
    g_strlcpy(open.ufrag, "0123456789abcdef", sizeof open.ufrag);
    g_strlcpy(open.pwd, "0123456789abcdef0123456789abcdef", sizeof open.pwd);
    g_assert_true(mnb_media_worker_transport_open(worker, &open));
    guint timer = g_timeout_add_seconds(20, on_too_long, NULL);
    while (mnb_media_worker_stats(worker)->transports != 1)
        g_main_context_iteration(NULL, TRUE);
    g_assert_true(mnb_media_worker_transport_close(worker, open.transport));
    while (mnb_media_worker_stats(worker)->transports != 0)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}

static void test_is_back_after_a_kill(Fixture *fixture, gconstpointer data)
{
    MnbMediaWorker *worker = mnb_media_pool_get(fixture->pool, 0);
    g_autofree char *fingerprint = g_strdup(mnb_media_worker_fingerprint(worker));
    gint64 start_us = g_get_monotonic_time();
    kill(mnb_media_worker_pid(worker), SIGKILL);
    wait_until(&fixture->n_restarted, 1);
    gint64 took_us = g_get_monotonic_time() - start_us;
    g_test_message("back after %d ms", (int)(took_us / 1000));
    g_assert_cmpint(took_us, <, G_USEC_PER_SEC);
    g_assert_cmpstr(mnb_media_worker_fingerprint(worker), !=, fingerprint);
}

static void test_is_replaced_when_it_stands_still(Fixture *fixture, gconstpointer data)
{
    MnbMediaWorker *worker = mnb_media_pool_get(fixture->pool, 1);
    gint64 start_us = g_get_monotonic_time();
    kill(mnb_media_worker_pid(worker), SIGSTOP);
    wait_until(&fixture->n_restarted, 1);
    gint64 took_us = g_get_monotonic_time() - start_us;
    g_test_message("back after %d ms", (int)(took_us / 1000));
    g_assert_cmpint(took_us, <, 4 * G_USEC_PER_SEC);
    g_assert_cmpuint(fixture->n_gone, ==, 1);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* as main.c does: a pipe whose reader died is an errno */
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function) g_test_add(name, Fixture, NULL, set_up, function, tear_down)
    ADD("/manager/media/carries-a-room", test_carries_a_room);
    ADD("/manager/media/is-back-within-a-second-after-a-kill", test_is_back_after_a_kill);
    ADD("/manager/media/is-replaced-when-it-stands-still", test_is_replaced_when_it_stands_still);
    return g_test_run();
}
