/* What an operator is told when the front door cannot open, and that it leaves nothing behind. */
#include "server/base/error.h"
#include "server/http/front-door.h"
#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

typedef struct {
    char *state;
    MnbFrontDoorOptions options;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
    fixture->state = g_dir_make_tmp("manabi-door-XXXXXX", NULL);
    fixture->options = (MnbFrontDoorOptions){
        .state_dir = fixture->state, .listen_address = "127.0.0.1", .worker_processes = 1};
}

static void remove_tree(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *below = g_build_filename(path, name, NULL);
        remove_tree(below);
    }
    g_clear_pointer(&dir, g_dir_close);
    g_remove(path);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    remove_tree(fixture->state);
    g_free(fixture->state);
}

static void assert_refused(const MnbFrontDoorOptions *options, MnbErrorCode code, const char *words)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(mnb_front_door_new(options, &error));
    g_assert_error(error, MNB_ERROR, (int)code);
    if (strstr(error->message, words) == NULL)
        g_error("\"%s\" is not in \"%s\"", words, error->message);
}

static void test_port_in_use(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    MnbFrontDoor *door = mnb_front_door_new(&fixture->options, &error);
    g_assert_no_error(error);
    MnbFrontDoorOptions second = fixture->options;
    second.port = mnb_front_door_port(door);
    assert_refused(&second, MNB_ERROR_BUSY, "is in use by another program");
    mnb_front_door_free(door);
    door = mnb_front_door_new(&second, &error);
    g_assert_no_error(error);
    mnb_front_door_free(door);
}

static void test_missing(Fixture *fixture, gconstpointer data)
{
    MnbFrontDoorOptions options = fixture->options;
    options.nginx_path = "/nonexistent/nginx";
    assert_refused(&options, MNB_ERROR_MISSING, "apt-get install nginx");
    options = fixture->options;
    options.tls_certificate = "/nonexistent/cert.pem";
    assert_refused(&options, MNB_ERROR_INVALID, "both tls_certificate and tls_key");
    options.tls_key = "/nonexistent/key.pem";
    assert_refused(&options, MNB_ERROR_MISSING, "/nonexistent/cert.pem");
    options.tls_certificate = options.tls_key = "/dev/null";
    assert_refused(&options, MNB_ERROR_INVALID, "nginx does not take its configuration");
    options = fixture->options;
    options.listen_address = "example.org";
    assert_refused(&options, MNB_ERROR_INVALID, "example.org is not a numeric IP address");
    options.listen_address = "192.0.2.1"; /* documentation: no machine has it */
    assert_refused(&options, MNB_ERROR_FAILED, "cannot listen on 192.0.2.1");
}

static gboolean on_too_late(gpointer data)
{
    g_error("that took too long");
    return G_SOURCE_REMOVE;
}

static char *get(guint16 port)
{
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GSocketConnection) connection =
        g_socket_client_connect_to_host(client, "127.0.0.1", port, NULL, NULL);
    if (connection == NULL)
        return NULL;
    static const char request[] = "GET / HTTP/1.0\r\nHost: a\r\n\r\n";
    char buffer[4096] = "";
    g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection)), request,
                              strlen(request), NULL, NULL, NULL);
    gsize got = 0;
    g_input_stream_read_all(g_io_stream_get_input_stream(G_IO_STREAM(connection)), buffer,
                            sizeof buffer - 1, &got, NULL, NULL);
    return g_strdup(buffer);
}

static void wait_until_ended(MnbFrontDoor *door)
{
    guint timer = g_timeout_add_seconds(10, on_too_late, NULL);
    while (mnb_front_door_pid(door) != 0)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}

static void test_life(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    MnbFrontDoor *door = mnb_front_door_new(&fixture->options, &error);
    g_assert_no_error(error);
    g_assert_true(mnb_front_door_start(door, &error));
    GPid pid = mnb_front_door_pid(door);
    g_assert_cmpint(pid, >, 0);
    g_autofree char *answer = get(mnb_front_door_port(door));
    g_assert_true(g_str_has_prefix(answer, "HTTP/1.1 503 "));
    g_assert_nonnull(strstr(answer, "The web client is not built"));
    mnb_front_door_stop(door);
    wait_until_ended(door);
    g_assert_cmpint(kill(-pid, 0), ==, -1);
    g_assert_cmpint(errno, ==, ESRCH);
    g_assert_true(mnb_front_door_start(door, &error)); /* and again */
    pid = mnb_front_door_pid(door);
    g_autofree char *again = get(mnb_front_door_port(door));
    g_assert_true(g_str_has_prefix(again, "HTTP/1.1 503 "));
    MnbFrontDoorOptions next = fixture->options;
    next.port = mnb_front_door_port(door);
    mnb_front_door_free(door);
    /* The next one gets the port, though the killed nginx may take a moment to let go of it. */
    door = mnb_front_door_new(&next, &error);
    g_assert_no_error(error);
    mnb_front_door_free(door);
    g_assert_null(get(next.port));
}

/* Is a process of this group still alive? */
static gboolean lives(GPid group)
{
    g_autofree char *number = g_strdup_printf("%d", (int)group);
    const char *const argv[] = {"pgrep", "-g", number, "-r", "S,R,D", NULL};
    int status = -1;
    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL,
                               G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                               NULL, &status, NULL));
    return status == 0;
}

/* manabi and nginx's master are killed at once: the workers would stay and keep the port. */
static void test_orphans(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    MnbFrontDoor *killed = mnb_front_door_new(&fixture->options, &error);
    g_assert_no_error(error);
    g_assert_true(mnb_front_door_start(killed, &error));
    GPid pid = mnb_front_door_pid(killed);
    g_autofree char *answer = get(mnb_front_door_port(killed));
    g_assert_nonnull(answer);
    kill(pid, SIGKILL);
    g_usleep(50000);
    g_assert_true(lives(pid)); /* our main loop has not run: nobody cleaned up */
    MnbFrontDoor *next = mnb_front_door_new(&fixture->options, &error);
    g_assert_no_error(error);
    g_assert_false(lives(pid));
    mnb_front_door_free(next);
    mnb_front_door_free(killed);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* as main.c does: a pipe whose reader died is an errno */
    g_test_init(&argc, &argv, NULL);
    g_test_add("/http/front-door/says-that-the-port-is-in-use", Fixture, NULL, set_up,
               test_port_in_use, tear_down);
    g_test_add("/http/front-door/says-what-is-missing", Fixture, NULL, set_up, test_missing,
               tear_down);
    g_test_add("/http/front-door/starts-stops-and-leaves-nothing", Fixture, NULL, set_up, test_life,
               tear_down);
    g_test_add("/http/front-door/ends-the-workers-of-a-killed-run", Fixture, NULL, set_up,
               test_orphans, tear_down);
    return g_test_run();
}
