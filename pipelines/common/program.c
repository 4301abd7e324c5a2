#include "pipelines/common/program.h"

#include "pipelines/common/confine.h"
#include "pipelines/common/leaks.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

MNB_LEAKS_NOT_LOOKED_FOR;

#define STOP_DEADLINE_US (10 * G_USEC_PER_SEC)

/* ---- start ---------------------------------------------------------------------------------- */

static void clear_environment(void)
{
    g_auto(GStrv) names = g_listenv();
    for (char **name = names; *name != NULL; name++)
        if (g_str_has_prefix(*name, "GST_") && !g_str_has_prefix(*name, "GST_DEBUG"))
            g_unsetenv(*name);
    g_setenv("GST_REGISTRY_DISABLE", "yes", TRUE);
    g_setenv("GST_PLUGIN_SYSTEM_PATH_1_0", "", TRUE);
}

static void load_plugins(const MnbElementNeed *needs)
{
    const char *folder = g_getenv("MNB_GST_PLUGIN_DIR");
    if (folder == NULL || *folder == '\0')
        folder = MNB_GST_PLUGIN_DIR_DEFAULT;
    GstRegistry *registry = gst_registry_get();
    for (const MnbElementNeed *need = needs; need != NULL && need->element != NULL; need++) {
        g_autoptr(GstPlugin) known = gst_registry_find_plugin(registry, need->plugin);
        if (known != NULL)
            continue;
        g_autofree char *path = g_strdup_printf("%s/libgst%s.so", folder, need->plugin);
        g_autoptr(GError) error = NULL;
        g_autoptr(GstPlugin) plugin = gst_plugin_load_file(path, &error);
        if (plugin == NULL)
            g_printerr("plugin %s: %s\n", need->plugin, error->message);
    }
}

static int report_missing(const MnbElementNeed *needs, GString *names)
{
    int n_missing = 0;
    for (const MnbElementNeed *need = needs; need->element != NULL; need++) {
        g_autoptr(GstElementFactory) factory = gst_element_factory_find(need->element);
        if (factory != NULL)
            continue;
        mnb_lines_emit(json_pack("{s:s, s:s, s:s, s:s}", "event", "missing-plugin", "element",
                                 need->element, "plugin", need->plugin, "package", need->package));
        g_string_append_printf(names, "%s%s (%s)", n_missing > 0 ? ", " : "", need->element,
                               need->package);
        n_missing++;
    }
    return n_missing;
}

static gboolean parse_options(const MnbProgramSpec *spec, int *argc, char ***argv,
                              gboolean *is_check, gboolean *is_version)
{
    const GOptionEntry common[] = {
        {"check", 0, 0, G_OPTION_ARG_NONE, is_check, "Say which GStreamer elements are missing",
         NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, is_version, "Print the version", NULL},
        {NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_set_summary(context, "Speaks JSON lines with manabi: docs/pipelines.md");
    g_option_context_add_main_entries(context, common, NULL);
    if (spec->options != NULL)
        g_option_context_add_main_entries(context, spec->options, NULL);
    g_autoptr(GError) error = NULL;
    if (g_option_context_parse(context, argc, argv, &error) && *argc == 1)
        return TRUE;
    g_autoptr(GError) bad =
        g_error_new(MNB_JOB_ERROR, MNB_JOB_BAD_JOB, "%s",
                    error != NULL ? error->message : "there is an argument too many");
    mnb_program_fail(bad);
    return FALSE;
}

/* Stop signals are read by poll loops, never delivered: blocked here, before any thread exists. */
static void block_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

gboolean mnb_program_begin(const MnbProgramSpec *spec, int *argc, char ***argv, int *exit_code_out)
{
    gboolean is_check = FALSE, is_version = FALSE;
    *exit_code_out = 1;
    g_set_prgname(spec->name);
    block_signals();
    if (!parse_options(spec, argc, argv, &is_check, &is_version))
        return FALSE;
    if (is_version) {
        g_print("%s %s, %s\n", spec->name, MNB_VERSION, "GStreamer 1.22 or later");
        *exit_code_out = 0;
        return FALSE;
    }
    mnb_confine(&(MnbConfinement){spec->is_background, spec->has_network, spec->data_bytes});
    clear_environment();
    gst_registry_fork_set_enabled(FALSE);
    gst_init(NULL, NULL);
    load_plugins(spec->needs);
    load_plugins(spec->likes);

    g_autoptr(GString) names = g_string_new("missing GStreamer elements: ");
    if (report_missing(spec->needs, names) > 0) {
        g_autoptr(GError) error =
            g_error_new_literal(MNB_JOB_ERROR, MNB_JOB_MISSING_PLUGIN, names->str);
        mnb_program_fail(error);
        return FALSE;
    }
    if (is_check) {
        mnb_lines_emit(json_pack("{s:s}", "event", "ready"));
        *exit_code_out = 0;
        return FALSE;
    }
    return TRUE;
}

int mnb_program_fail(const GError *error)
{
    g_autofree char *reason = g_utf8_make_valid(error->message, -1);
    mnb_lines_emit(json_pack("{s:s, s:s, s:s}", "event", "failed", "code",
                             mnb_job_error_word(error), "reason", reason));
    return 1;
}

/* ---- a job ---------------------------------------------------------------------------------- */

static void end_now(MnbJobError code, const char *reason)
{
    g_autoptr(GError) error = g_error_new_literal(MNB_JOB_ERROR, (int)code, reason);
    mnb_program_fail(error);
    _exit(1);
}

static void stop(MnbProgram *program)
{
    g_atomic_int_set(&program->is_stopping, 1);
}

/* Beside the job: signals, the manager's end of standard input, and silence. */
static gpointer watch(gpointer data)
{
    MnbProgram *program = data;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    int input_fd = STDIN_FILENO;
    gint64 stopped_us = 0;
    for (;;) {
        struct pollfd fds[] = {{.fd = signal_fd, .events = POLLIN},
                               {.fd = input_fd, .events = POLLIN}};
        poll(fds, 2, 500);
        gint64 now_us = g_get_monotonic_time();
        struct signalfd_siginfo info;
        if (fds[0].revents != 0 && read(signal_fd, &info, sizeof info) > 0) {
            if (stopped_us != 0)
                end_now(MNB_JOB_STOPPED, "stopped at once");
            stopped_us = now_us;
            stop(program);
        }
        char ignored[512];
        if (fds[1].revents != 0 && read(STDIN_FILENO, ignored, sizeof ignored) <= 0) {
            input_fd = -1;
            if (stopped_us == 0)
                stopped_us = now_us;
            stop(program);
        }
        if (stopped_us != 0 && now_us - stopped_us > STOP_DEADLINE_US)
            end_now(MNB_JOB_STOPPED, "did not stop in time");
        gint64 ticked_us = __atomic_load_n(&program->ticked_us, __ATOMIC_RELAXED);
        if (now_us - ticked_us > MNB_STALL_S * (gint64)G_USEC_PER_SEC)
            end_now(MNB_JOB_STALLED, "no progress for a minute");
    }
    return NULL;
}

static json_t *read_job(GError **error)
{
    g_autoptr(MnbLineReader) reader = mnb_line_reader_new();
    for (;;) {
        json_t *job = NULL;
        const char *reason = NULL;
        int got = mnb_line_reader_take(reader, &job, &reason);
        if (got > 0)
            return job;
        if (got < 0) {
            g_set_error(error, MNB_JOB_ERROR, MNB_JOB_BAD_JOB, "job: %s", reason);
            return NULL;
        }
        char bytes[4096];
        ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
        if (n <= 0) {
            g_set_error(error, MNB_JOB_ERROR, MNB_JOB_STOPPED,
                        "standard input ended before there was a job");
            return NULL;
        }
        mnb_line_reader_feed(reader, bytes, (gsize)n);
    }
}

int mnb_program_run_job(MnbJobRun run)
{
    static MnbProgram program; /* outlives main(): the watching thread never ends */
    g_autoptr(GError) error = NULL;
    json_t *job = read_job(&error);
    json_t *done = NULL;
    if (job != NULL) {
        mnb_program_tick(&program);
        g_thread_unref(g_thread_new("watch", watch, &program));
        done = run(&program, job, &error);
        json_decref(job);
    }
    if (done == NULL)
        return mnb_program_fail(error);
    mnb_lines_emit(done);
    return 0;
}

void mnb_program_tick(MnbProgram *program)
{
    __atomic_store_n(&program->ticked_us, g_get_monotonic_time(), __ATOMIC_RELAXED);
}

void mnb_program_be_patient(MnbProgram *program, int seconds)
{
    gint64 until_us = g_get_monotonic_time() + seconds * (gint64)G_USEC_PER_SEC;
    __atomic_store_n(&program->ticked_us, until_us, __ATOMIC_RELAXED);
}

gboolean mnb_program_is_stopping(MnbProgram *program, GError **error)
{
    if (!g_atomic_int_get(&program->is_stopping))
        return FALSE;
    if (error != NULL && *error == NULL)
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_STOPPED, "stopped before the job was done");
    return TRUE;
}

GstElement *mnb_element_make(const char *factory, const char *name, GError **error)
{
    GstElement *element = gst_element_factory_make(factory, name);
    if (element == NULL)
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_MISSING_PLUGIN, "missing GStreamer element: %s",
                    factory);
    return element;
}

void mnb_progress_report(MnbProgress *progress, gint64 position_us, gint64 duration_us)
{
    gint64 now_us = g_get_monotonic_time();
    if (progress->began_us == 0)
        progress->began_us = progress->told_us = now_us;
    if (now_us - progress->told_us < G_USEC_PER_SEC || duration_us <= 0)
        return;
    int permille = (int)CLAMP(position_us * 1000 / duration_us, progress->permille, 999);
    gint64 left_us = permille > 0 ? (now_us - progress->began_us) * (1000 - permille) / permille
                                  : -G_USEC_PER_SEC;
    progress->told_us = now_us;
    progress->permille = permille;
    mnb_lines_emit(json_pack("{s:s, s:i, s:I}", "event", "progress", "permille", permille, "eta_s",
                             (json_int_t)(left_us / G_USEC_PER_SEC)));
}
