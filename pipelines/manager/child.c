#include "pipelines/manager/child.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipelines/manager/spawn.h"
#include "server/base/error.h"
#include "server/base/log.h"

#define BACKOFF_MIN_MS  100
#define BACKOFF_MAX_MS  10000
#define STABLE_US       (10 * G_USEC_PER_SEC) /* ran so long: the next end is a new story */
#define READ_BYTES      16384
#define DRAIN_MAX_BYTES 1048576 /* read after the end, at most: a grandchild may write on */
#define LOG_LINE_MAX    1000    /* bytes of a line of stderr */
#define LOG_LINES_MAX   50      /* lines of stderr a second; the rest is counted */
#define STOP_DEFAULT_MS 5000

struct MnbChildLaunch {
    GPtrArray *arguments;
    GStrv environment;
    int fds[MNB_CHILD_FDS_MAX];
    guint n_fds;
};

typedef struct {
    int fd; /* -1: closed */
    guint source;
    GString *line;
    gsize line_max;
    gboolean is_skipping; /* the rest of a line that was too long */
} Reader;

struct MnbChild {
    char *name;
    const MnbChildCalls *calls;
    gpointer data;
    gboolean is_kept;
    gboolean has_stdin;
    gboolean ends_by_stdin;
    int death_signal;
    int stop_signal;
    guint stop_ms;

    GPid pid; /* 0: does not run */
    guint watch;
    int stdin_fd;
    guint stdin_source;
    GByteArray *stdin_queue;
    gboolean is_stdin_ending;
    Reader out;
    Reader err;
    guint log_lines; /* of this second */
    guint log_dropped;
    gint64 log_second;

    gboolean is_stopping;
    guint kill_timer;
    guint restart_timer;
    guint backoff_ms;
    gint64 started_us;
    gint64 ends_us[MNB_CHILD_ENDS_MAX]; /* ring of the last ends */
    guint n_ends;
    guint starts;

    guint in_callback; /* free() waits until it is 0 again */
    gboolean is_freed;
};

static gboolean on_stdin_writable(gint fd, GIOCondition condition, gpointer data);
static gboolean on_readable(gint fd, GIOCondition condition, gpointer data);

/* ---------------------------------------------------------------- launch */

void mnb_child_launch_arg(MnbChildLaunch *launch, const char *argument)
{
    g_ptr_array_add(launch->arguments, g_strdup(argument));
}

void mnb_child_launch_arg_number(MnbChildLaunch *launch, gint64 argument)
{
    g_ptr_array_add(launch->arguments, g_strdup_printf("%" G_GINT64_FORMAT, argument));
}

void mnb_child_launch_env(MnbChildLaunch *launch, const char *name, const char *value)
{
    launch->environment = value != NULL ? g_environ_setenv(launch->environment, name, value, TRUE)
                                        : g_environ_unsetenv(launch->environment, name);
}

int mnb_child_launch_fd(MnbChildLaunch *launch, int fd)
{
    g_return_val_if_fail(launch->n_fds < MNB_CHILD_FDS_MAX, -1);
    launch->fds[launch->n_fds++] = fd;
    return (int)launch->n_fds - 1;
}

/* ---------------------------------------------------------------- life of the struct */

static void free_now(MnbChild *child)
{
    g_string_free(child->out.line, TRUE);
    g_string_free(child->err.line, TRUE);
    g_byte_array_unref(child->stdin_queue);
    g_free(child->name);
    g_free(child);
}

/* Callbacks run between enter and leave, so that a child may be freed inside one.
 * leave returns FALSE when it is gone. */
static void enter(MnbChild *child)
{
    child->in_callback++;
}

static gboolean leave(MnbChild *child)
{
    if (--child->in_callback > 0 || !child->is_freed)
        return !child->is_freed;
    free_now(child);
    return FALSE;
}

static void clear_source(guint *source)
{
    if (*source != 0)
        g_source_remove(*source);
    *source = 0;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_reader(Reader *reader)
{
    clear_source(&reader->source);
    close_fd(&reader->fd);
    g_string_truncate(reader->line, 0);
    reader->is_skipping = FALSE;
}

static void close_stdin(MnbChild *child)
{
    clear_source(&child->stdin_source);
    close_fd(&child->stdin_fd);
    g_byte_array_set_size(child->stdin_queue, 0);
    child->is_stdin_ending = FALSE;
}

MnbChild *mnb_child_new(const MnbChildOptions *options, const MnbChildCalls *calls, gpointer data)
{
    MnbChild *child = g_new0(MnbChild, 1);
    child->name = g_strdup(options->name);
    child->calls = calls;
    child->data = data;
    child->is_kept = options->is_kept;
    child->has_stdin = options->has_stdin;
    child->ends_by_stdin = options->has_stdin && options->ends_by_stdin;
    child->death_signal = options->death_signal != 0 ? options->death_signal : SIGKILL;
    child->stop_signal = options->stop_signal != 0 ? options->stop_signal : SIGTERM;
    child->stop_ms = options->stop_ms != 0 ? options->stop_ms : STOP_DEFAULT_MS;
    child->backoff_ms = BACKOFF_MIN_MS;
    child->stdin_fd = -1;
    child->stdin_queue = g_byte_array_new();
    child->out = (Reader){-1, 0, g_string_new(NULL), MNB_CHILD_LINE_MAX, FALSE};
    child->err = (Reader){-1, 0, g_string_new(NULL), LOG_LINE_MAX, FALSE};
    return child;
}

static void reap(GPid pid, gint status, gpointer data)
{
    g_spawn_close_pid(pid);
}

void mnb_child_free(MnbChild *child)
{
    if (child == NULL || child->is_freed)
        return;
    child->is_freed = TRUE;
    clear_source(&child->watch);
    clear_source(&child->kill_timer);
    clear_source(&child->restart_timer);
    if (child->pid != 0) {
        kill(child->pid, SIGKILL);
        if (waitpid(child->pid, NULL, WNOHANG) != child->pid)
            g_child_watch_add(child->pid, reap, NULL);
        child->pid = 0;
    }
    close_stdin(child);
    close_reader(&child->out);
    close_reader(&child->err);
    if (child->in_callback == 0)
        free_now(child);
}

/* ---------------------------------------------------------------- what it says */

static void log_line(MnbChild *child, const char *text)
{
    gint64 second = g_get_monotonic_time() / G_USEC_PER_SEC;
    if (second != child->log_second) {
        if (child->log_dropped > 0)
            MNB_LOG_WARNING("log lines of a child were dropped", "child=%s lines=%u", child->name,
                            child->log_dropped);
        child->log_second = second;
        child->log_lines = 0;
        child->log_dropped = 0;
    }
    if (++child->log_lines > LOG_LINES_MAX)
        child->log_dropped++;
    else if (text[0] != '\0')
        MNB_LOG_INFO("child says", "child=%s: %s", child->name, text);
}

/* Returns FALSE when the child was freed by its owner. */
static gboolean tell_line(MnbChild *child, Reader *reader)
{
    GString *line = reader->line;
    if (line->len > 0 && line->str[line->len - 1] == '\r')
        g_string_truncate(line, line->len - 1);
    if (reader == &child->err) {
        log_line(child, line->str);
        return TRUE;
    }
    if (memchr(line->str, '\0', line->len) != NULL ||
        !g_utf8_validate(line->str, (gssize)line->len, NULL)) {
        MNB_LOG_WARNING("a child sent a line that is no text", "child=%s", child->name);
        return TRUE;
    }
    if (child->calls->on_line == NULL)
        return TRUE;
    enter(child);
    child->calls->on_line(child, line->str, line->len, child->data);
    return leave(child);
}

/* Returns FALSE when the child was freed. */
static gboolean take_bytes(MnbChild *child, Reader *reader, const char *bytes, gsize size)
{
    while (size > 0) {
        const char *end = memchr(bytes, '\n', size);
        gsize length = end != NULL ? (gsize)(end - bytes) : size;
        if (!reader->is_skipping && reader->line->len + length > reader->line_max) {
            if (reader == &child->out)
                MNB_LOG_WARNING("a child sent a line that is too long", "child=%s", child->name);
            length = reader->line_max - reader->line->len;
            reader->is_skipping = TRUE;
            if (reader == &child->err)
                g_string_append_len(reader->line, bytes, (gssize)length);
        } else if (!reader->is_skipping) {
            g_string_append_len(reader->line, bytes, (gssize)length);
        }
        if (end == NULL)
            return TRUE;
        gboolean is_told = !reader->is_skipping || reader == &child->err;
        enter(child);
        if (is_told)
            tell_line(child, reader);
        if (!leave(child))
            return FALSE;
        g_string_truncate(reader->line, 0);
        reader->is_skipping = FALSE;
        size -= (gsize)(end - bytes) + 1;
        bytes = end + 1;
    }
    return TRUE;
}

/* Reads once. Returns bytes read, 0 at the end or when nothing is there, -1 when it was freed. */
static gssize read_some(MnbChild *child, Reader *reader)
{
    char bytes[READ_BYTES];
    if (reader->fd < 0)
        return 0;
    gssize got = read(reader->fd, bytes, sizeof bytes);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0) {
        clear_source(&reader->source);
        close_fd(&reader->fd);
        return 0;
    }
    return take_bytes(child, reader, bytes, (gsize)got) ? got : -1;
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer data)
{
    MnbChild *child = data;
    Reader *reader = fd == child->out.fd ? &child->out : &child->err;
    enter(child);
    read_some(child, reader);
    gboolean is_open = !child->is_freed && reader->fd >= 0;
    leave(child);
    /* read_some() removed the source when it closed the descriptor. */
    return is_open ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* What was written before the end must be told before on_ended. Returns FALSE when it was freed. */
static gboolean drain(MnbChild *child, Reader *reader)
{
    for (gsize total = 0; total < DRAIN_MAX_BYTES;) {
        gssize got = read_some(child, reader);
        if (got < 0)
            return FALSE;
        if (got == 0)
            break;
        total += (gsize)got;
    }
    gboolean is_alive = TRUE;
    if (reader->line->len > 0 && !reader->is_skipping) /* a last line without its end */
        is_alive = tell_line(child, reader);
    if (is_alive)
        close_reader(reader);
    return is_alive;
}

/* ---------------------------------------------------------------- what is said to it */

static void flush_stdin(MnbChild *child)
{
    GByteArray *queue = child->stdin_queue;
    while (queue->len > 0 && child->stdin_fd >= 0) {
        gssize sent = write(child->stdin_fd, queue->data, queue->len);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN) {
            if (child->stdin_source == 0)
                child->stdin_source =
                    g_unix_fd_add(child->stdin_fd, G_IO_OUT, on_stdin_writable, child);
            return;
        }
        if (sent < 0) { /* it closed its end; its exit will be told */
            close_stdin(child);
            return;
        }
        g_byte_array_remove_range(queue, 0, (guint)sent);
    }
    if (child->is_stdin_ending)
        close_stdin(child);
}

static gboolean on_stdin_writable(gint fd, GIOCondition condition, gpointer data)
{
    MnbChild *child = data;
    child->stdin_source = 0; /* flush makes a new one if the pipe is still full */
    flush_stdin(child);
    return G_SOURCE_REMOVE;
}

gboolean mnb_child_write_line(MnbChild *child, const char *line)
{
    gsize length = strlen(line);
    if (child->stdin_fd < 0 || child->is_stdin_ending ||
        child->stdin_queue->len + length + 1 > MNB_CHILD_STDIN_MAX)
        return FALSE;
    g_byte_array_append(child->stdin_queue, (const guint8 *)line, (guint)length);
    g_byte_array_append(child->stdin_queue, (const guint8 *)"\n", 1);
    if (child->stdin_source == 0)
        flush_stdin(child);
    return TRUE;
}

void mnb_child_close_stdin(MnbChild *child)
{
    child->is_stdin_ending = TRUE;
    if (child->stdin_source == 0)
        flush_stdin(child);
}

/* ---------------------------------------------------------------- start and end */

static gboolean on_restart(gpointer data)
{
    MnbChild *child = data;
    child->restart_timer = 0;
    mnb_child_start(child, NULL); /* a failure is an end: logged and counted there */
    return G_SOURCE_REMOVE;
}

/* Enters an end into the ring. TRUE: too many of them lately. */
static gboolean is_looping(MnbChild *child, gint64 now_us)
{
    child->ends_us[child->n_ends++ % MNB_CHILD_ENDS_MAX] = now_us;
    if (child->n_ends < MNB_CHILD_ENDS_MAX)
        return FALSE;
    gint64 oldest_us = child->ends_us[child->n_ends % MNB_CHILD_ENDS_MAX];
    return now_us - oldest_us < MNB_CHILD_ENDS_US;
}

static void finish(MnbChild *child, int exit_code, int signal_number)
{
    gint64 now_us = g_get_monotonic_time();
    gboolean is_wanted = child->is_kept && !child->is_stopping;
    gboolean is_alarm = is_wanted && is_looping(child, now_us);
    gboolean will_restart = is_wanted && !is_alarm;
    if (child->started_us != 0 && now_us - child->started_us >= STABLE_US)
        child->backoff_ms = BACKOFF_MIN_MS;
    if (will_restart) {
        child->restart_timer = g_timeout_add(child->backoff_ms, on_restart, child);
        child->backoff_ms = MIN(child->backoff_ms * 2, BACKOFF_MAX_MS);
    }
    if (is_wanted)
        MNB_LOG_WARNING("a child ended", "child=%s exit=%d signal=%d again=%s", child->name,
                        exit_code, signal_number, will_restart ? "yes" : "no");
    child->is_stopping = FALSE;
    enter(child);
    if (child->calls->on_ended != NULL)
        child->calls->on_ended(child, exit_code, signal_number, will_restart, child->data);
    if (is_alarm && !child->is_freed) {
        MNB_LOG_ERROR("a child ends again and again, it stays down", "child=%s ends=%d",
                      child->name, MNB_CHILD_ENDS_MAX);
        child->n_ends = 0;
        child->backoff_ms = BACKOFF_MIN_MS;
        if (child->calls->on_alarm != NULL)
            child->calls->on_alarm(child, child->data);
    }
    leave(child);
}

static void on_exited(GPid pid, gint status, gpointer data)
{
    MnbChild *child = data;
    child->watch = 0;
    child->pid = 0;
    clear_source(&child->kill_timer);
    close_stdin(child);
    enter(child);
    if (drain(child, &child->out) && drain(child, &child->err)) {
        if (WIFSIGNALED(status))
            finish(child, -1, WTERMSIG(status));
        else
            finish(child, WEXITSTATUS(status), 0);
    }
    leave(child);
}

/* Pipes for the three standard streams. child_fds: theirs; our_fds: ours, -1 where there is none.
 */
static gboolean make_pipes(MnbChild *child, int child_fds[3], int our_fds[3])
{
    for (int i = 0; i < 3; i++)
        child_fds[i] = our_fds[i] = -1;
    for (int i = 0; i < 3; i++) {
        int ends[2];
        if (i == 0 && !child->has_stdin) {
            child_fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
            if (child_fds[0] < 0)
                return FALSE;
            continue;
        }
        if (pipe2(ends, O_CLOEXEC) < 0)
            return FALSE;
        child_fds[i] = ends[i == 0 ? 0 : 1];
        our_fds[i] = ends[i == 0 ? 1 : 0];
        g_unix_set_fd_nonblocking(our_fds[i], TRUE, NULL);
    }
    return TRUE;
}

static gboolean run(MnbChild *child, MnbChildLaunch *launch, GError **error)
{
    int ours[3];
    g_ptr_array_add(launch->arguments, NULL);
    if (!make_pipes(child, launch->fds, ours)) {
        mnb_error_from_errno(error, -errno, "pipes of %s", child->name);
        goto fail;
    }
    const MnbSpawn spawn = {(char *const *)launch->arguments->pdata, launch->environment,
                            launch->fds, launch->n_fds, child->death_signal};
    int pid = mnb_spawn(&spawn);
    if (pid == -ENOENT || pid == -EACCES) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_MISSING, "program %s: %s", spawn.argv[0],
                    g_strerror(-pid));
        goto fail;
    }
    if (pid < 0) {
        mnb_error_from_errno(error, pid, "starting %s", child->name);
        goto fail;
    }
    for (int i = 0; i < 3; i++)
        close_fd(&launch->fds[i]);
    child->pid = pid;
    child->stdin_fd = ours[0];
    child->out.fd = ours[1];
    child->err.fd = ours[2];
    child->out.source = g_unix_fd_add(ours[1], G_IO_IN | G_IO_HUP, on_readable, child);
    child->err.source = g_unix_fd_add(ours[2], G_IO_IN | G_IO_HUP, on_readable, child);
    child->watch = g_child_watch_add(pid, on_exited, child);
    return TRUE;
fail:
    for (int i = 0; i < 3; i++) {
        close_fd(&launch->fds[i]);
        close_fd(&ours[i]);
    }
    return FALSE;
}

gboolean mnb_child_start(MnbChild *child, GError **error)
{
    g_return_val_if_fail(child->pid == 0 && !child->is_freed, FALSE);
    MnbChildLaunch launch = {.arguments = g_ptr_array_new_with_free_func(g_free),
                             .environment = g_get_environ(),
                             .fds = {-1, -1, -1},
                             .n_fds = 3};
    g_autoptr(GError) problem = NULL;
    clear_source(&child->restart_timer);
    /* Ours, not theirs: a child that told systemd it is ready would speak for the server. */
    mnb_child_launch_env(&launch, "NOTIFY_SOCKET", NULL);
    mnb_child_launch_env(&launch, "WATCHDOG_USEC", NULL);
    mnb_child_launch_env(&launch, "WATCHDOG_PID", NULL);
    gboolean is_started = child->calls->prepare(child, &launch, child->data, &problem) &&
                          run(child, &launch, &problem);
    g_ptr_array_unref(launch.arguments);
    g_strfreev(launch.environment);
    if (!is_started) {
        child->started_us = 0;
        MNB_LOG_WARNING("a child could not be started", "child=%s reason=%s", child->name,
                        problem != NULL ? problem->message : "");
        if (child->is_kept) {
            enter(child);
            finish(child, -1, 0);
            leave(child);
        }
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    child->starts++;
    child->started_us = g_get_monotonic_time();
    MNB_LOG_DEBUG("a child runs", "child=%s pid=%d", child->name, child->pid);
    enter(child);
    if (child->calls->on_started != NULL)
        child->calls->on_started(child, child->data);
    leave(child);
    return TRUE;
}

static gboolean on_kill(gpointer data)
{
    MnbChild *child = data;
    child->kill_timer = 0;
    MNB_LOG_WARNING("a child did not stop in time and is killed", "child=%s", child->name);
    kill(child->pid, SIGKILL);
    return G_SOURCE_REMOVE;
}

void mnb_child_stop(MnbChild *child)
{
    clear_source(&child->restart_timer);
    if (child->pid == 0 || child->is_stopping)
        return;
    child->is_stopping = TRUE;
    mnb_child_close_stdin(child);
    if (!child->ends_by_stdin)
        kill(child->pid, child->stop_signal);
    child->kill_timer = g_timeout_add(child->stop_ms, on_kill, child);
}

void mnb_child_kill(MnbChild *child)
{
    if (child->pid != 0)
        kill(child->pid, SIGKILL);
}

GPid mnb_child_pid(const MnbChild *child)
{
    return child->pid;
}

guint mnb_child_starts(const MnbChild *child)
{
    return child->starts;
}
