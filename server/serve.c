#include "server/serve.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/app.h"
#include "server/base/config.h"
#include "server/base/error.h"
#include "server/base/log.h"

#define FILES_MAX          65536 /* lws keeps a table of so many */
#define BUSY_WAIT_US       (1 * G_USEC_PER_SEC)
#define BUSY_WAIT_AGAIN_US (10 * G_USEC_PER_SEC) /* after a kill */
#define BUSY_PAUSE_US      100000

typedef struct {
    char *config;
    char *state;
    int port; /* -1: as the configuration says */
    gboolean prints_links;
    gboolean is_supervised;
} Options;

static gboolean parse_options(int argc, char **argv, Options *options)
{
    const GOptionEntry entries[] = {
        {"config", 0, 0, G_OPTION_ARG_FILENAME, &options->config,
         "configuration (default: manabi.ini in the state directory, if there is one)", "FILE"},
        {"state", 0, 0, G_OPTION_ARG_FILENAME, &options->state, "state directory", "DIR"},
        {"port", 0, 0, G_OPTION_ARG_INT, &options->port, "TCP port of the front door", "N"},
        {"print-links", 0, 0, G_OPTION_ARG_NONE, &options->prints_links,
         "make a demonstration event if there is no event, and print links to it", NULL},
        {"supervise", 0, 0, G_OPTION_ARG_NONE, &options->is_supervised,
         "start the server again when it is killed", NULL},
        {NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("- run the server");
    g_option_context_add_main_entries(context, entries, NULL);
    g_autoptr(GError) error = NULL;
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "manabi serve: %s\n", error->message);
        return FALSE;
    }
    if (argc > 1 || options->port > 65535 || options->port < -1) {
        fprintf(stderr, "manabi serve: '%s' is not understood; see manabi serve --help\n",
                argc > 1 ? argv[1] : "--port");
        return FALSE;
    }
    return TRUE;
}

static MnbConfig *load_config(const Options *options, GError **error)
{
    g_autoptr(MnbConfig) config = NULL;
    g_autofree char *in_state =
        options->state != NULL ? g_build_filename(options->state, "manabi.ini", NULL) : NULL;
    if (options->config != NULL)
        config = mnb_config_load(options->config, options->state, error);
    else if (in_state != NULL && g_file_test(in_state, G_FILE_TEST_EXISTS))
        config = mnb_config_load(in_state, options->state, error);
    else if (options->state != NULL)
        config = mnb_config_new(options->state);
    else
        config = mnb_config_parse("", 0, "defaults", error);
    if (config == NULL)
        return NULL;
    g_autofree char *port = g_strdup_printf("%d", options->port);
    if (options->port >= 0 && !mnb_config_set(config, "server", "port", port, error))
        return NULL;
    return g_steal_pointer(&config);
}

static gboolean on_stop_signal(gpointer app)
{
    mnb_app_stop(app);
    return G_SOURCE_CONTINUE;
}

/* What held our ports and the catalogue may just be dying: nginx and the workers of a server that
 * was killed need some milliseconds to go. */
static MnbApp *build_app(const MnbConfig *config, gboolean prints_links, gboolean is_first_start,
                         GError **error)
{
    gint64 until_us = g_get_monotonic_time() + (is_first_start ? BUSY_WAIT_US : BUSY_WAIT_AGAIN_US);
    for (;;) {
        g_autoptr(GError) problem = NULL;
        MnbApp *app = mnb_app_new(config, prints_links, &problem);
        if (app != NULL)
            return app;
        if (!g_error_matches(problem, MNB_ERROR, MNB_ERROR_BUSY) ||
            g_get_monotonic_time() > until_us) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return NULL;
        }
        g_usleep(BUSY_PAUSE_US);
    }
}

/* A WebSocket is a descriptor; the 1024 of a login shell are a large event's. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= FILES_MAX)
        return;
    limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? FILES_MAX : MIN(limit.rlim_max, FILES_MAX);
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int run(const Options *options, gboolean is_first_start)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbConfig) config = load_config(options, &error);
    if (config == NULL) {
        fprintf(stderr, "manabi: %s\n", error->message);
        return 1;
    }
    mnb_log_set_level(config->server.log_level);
    raise_file_limit();
    MnbApp *app =
        build_app(config, options->prints_links && is_first_start, is_first_start, &error);
    if (app == NULL) {
        fprintf(stderr, "manabi: %s\n", error->message);
        return 1;
    }
    guint term = g_unix_signal_add(SIGTERM, on_stop_signal, app);
    /* Ctrl-C reaches the whole process group: behind a parent it is the parent's, who passes it on.
     * Two signals would mean "at once". */
    guint interrupt = options->is_supervised ? 0 : g_unix_signal_add(SIGINT, on_stop_signal, app);
    int code = mnb_app_run(app);
    g_source_remove(term);
    if (interrupt != 0)
        g_source_remove(interrupt);
    mnb_app_free(app);
    return code;
}

/* ---------------------------------------------------------------- the parent of --supervise */

static volatile sig_atomic_t stop_signal;
static volatile pid_t server_pid;

static void on_parent_signal(int number)
{
    stop_signal = number;
    if (server_pid > 0)
        kill(server_pid, SIGTERM);
}

/* Waits until the server ended. Returns its wait status. */
static int wait_for_server(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

/* The parent holds nothing but the child's process id: what it does not have cannot break. */
static int supervise(const Options *options)
{
    struct sigaction action = {.sa_handler = on_parent_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    useconds_t pause_us = 100000;
    /* Blocked around fork(), so that no stop falls between two processes. */
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    for (gboolean is_first = TRUE;; is_first = FALSE) {
        pid_t parent = getpid();
        sigprocmask(SIG_BLOCK, &stops, NULL);
        gint64 started_us = g_get_monotonic_time();
        pid_t pid = fork();
        if (pid < 0) {
            fprintf(stderr, "manabi: cannot start a process: %s\n", g_strerror(errno));
            return 1;
        }
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            if (getppid() != parent)
                _exit(1);
            signal(SIGTERM, SIG_DFL);
            signal(SIGINT, SIG_IGN);
            sigprocmask(SIG_UNBLOCK, &stops, NULL);
            exit(run(options, is_first));
        }
        server_pid = pid;
        if (stop_signal != 0)
            kill(pid, SIGTERM);
        sigprocmask(SIG_UNBLOCK, &stops, NULL);
        int status = wait_for_server(pid);
        server_pid = 0;
        if (stop_signal != 0 || WIFEXITED(status))
            return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
        if (g_get_monotonic_time() - started_us > 10 * G_USEC_PER_SEC)
            pause_us = 100000;
        MNB_LOG_ERROR("the server was killed and is started again", "signal=%d pause_ms=%u",
                      WTERMSIG(status), (unsigned)pause_us / 1000);
        usleep(pause_us);
        pause_us = MIN(pause_us * 2, 5000000);
    }
}

int mnb_serve(int argc, char **argv)
{
    Options options = {.port = -1};
    int code = 2;
    if (parse_options(argc, argv, &options))
        code = options.is_supervised ? supervise(&options) : run(&options, TRUE);
    g_free(options.config);
    g_free(options.state);
    return code;
}
