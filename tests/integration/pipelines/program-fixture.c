#include "tests/integration/pipelines/program-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestProgram *test_program_start(const char *const *argv, const int *fds)
{
    int to[2], from[2];
    const char *folder = g_getenv("MNB_TEST_PROGRAMS");
    g_assert_nonnull(folder);
    g_autofree char *path = g_build_filename(folder, argv[0], NULL);
    g_assert_cmpint(pipe2(to, O_CLOEXEC), ==, 0);
    g_assert_cmpint(pipe2(from, O_CLOEXEC), ==, 0);
    pid_t pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        for (const int *fd = fds; fd != NULL && *fd >= 0; fd++)
            fcntl(*fd, F_SETFD, 0);
        execv(path, (char *const *)argv);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    TestProgram *program = g_new0(TestProgram, 1);
    program->pid = pid;
    program->input = to[1];
    program->output = from[0];
    program->pending = g_string_new(NULL);
    program->events = g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);
    signal(SIGPIPE, SIG_IGN);
    return program;
}

void test_program_say(TestProgram *program, const char *line)
{
    g_autofree char *whole = g_strconcat(line, "\n", NULL);
    gsize size = strlen(whole);
    g_assert_cmpint(write(program->input, whole, size), ==, (gssize)size);
}

/* Returns: FALSE at the end of output, or when nothing came for @timeout_ms. */
static gboolean read_more(TestProgram *program, int timeout_ms)
{
    struct pollfd fd = {.fd = program->output, .events = POLLIN};
    char bytes[65536];
    if (program->output < 0 || poll(&fd, 1, timeout_ms) <= 0)
        return FALSE;
    ssize_t n = read(program->output, bytes, sizeof bytes);
    if (n <= 0) {
        close(program->output);
        program->output = -1;
        return FALSE;
    }
    g_string_append_len(program->pending, bytes, n);
    for (char *newline; (newline = strchr(program->pending->str, '\n')) != NULL;) {
        gsize length = (gsize)(newline - program->pending->str);
        json_error_t error;
        json_t *event = json_loadb(program->pending->str, length, 0, &error);
        if (event == NULL)
            g_error("not JSON: %s", program->pending->str);
        if (g_test_verbose())
            g_test_message("%.*s", (int)length, program->pending->str);
        g_ptr_array_add(program->events, event);
        g_string_erase(program->pending, 0, (gssize)length + 1);
    }
    return TRUE;
}

json_t *test_program_expect(TestProgram *program, const char *event, int seconds)
{
    gint64 deadline_us = g_get_monotonic_time() + seconds * (gint64)G_USEC_PER_SEC;
    for (;;) {
        for (guint i = 0; i < program->events->len; i++) {
            json_t *seen = g_ptr_array_index(program->events, i);
            if (strcmp(test_str(seen, "event"), event) == 0 &&
                json_object_get(seen, "(seen)") == NULL) {
                json_object_set_new(seen, "(seen)", json_true());
                return seen;
            }
        }
        int left_ms = (int)((deadline_us - g_get_monotonic_time()) / 1000);
        if (left_ms <= 0 || (!read_more(program, left_ms) && program->output < 0)) {
            for (guint i = 0; i < program->events->len; i++) {
                char *text = json_dumps(g_ptr_array_index(program->events, i), 0);
                g_printerr("saw %s\n", text);
                free(text);
            }
            g_error("no event %s", event);
        }
    }
}

guint test_program_count(TestProgram *program, const char *event)
{
    guint n = 0;
    while (read_more(program, 0))
        continue;
    for (guint i = 0; i < program->events->len; i++)
        n += strcmp(test_str(g_ptr_array_index(program->events, i), "event"), event) == 0;
    return n;
}

int test_program_wait(TestProgram *program)
{
    while (read_more(program, 60000))
        continue;
    g_assert_cmpint(waitpid(program->pid, &program->status, 0), ==, program->pid);
    program->pid = 0;
    return WIFEXITED(program->status) ? WEXITSTATUS(program->status) : -WTERMSIG(program->status);
}

void test_program_kill(TestProgram *program, int signal)
{
    kill(program->pid, signal);
}

void test_program_free(TestProgram *program)
{
    if (program->pid > 0) {
        kill(program->pid, SIGKILL);
        waitpid(program->pid, NULL, 0);
    }
    if (program->input >= 0)
        close(program->input);
    if (program->output >= 0)
        close(program->output);
    g_string_free(program->pending, TRUE);
    g_ptr_array_unref(program->events);
    g_free(program);
}

json_t *test_job_run(const char *name, json_t *job, int *exit_code_out)
{
    const char *argv[] = {name, NULL};
    TestProgram *program = test_program_start(argv, NULL);
    char *line = json_dumps(job, JSON_COMPACT);
    test_program_say(program, line);
    free(line);
    json_decref(job);
    int code = test_program_wait(program);
    if (exit_code_out != NULL)
        *exit_code_out = code;
    g_assert_cmpuint(program->events->len, >, 0);
    json_t *last = json_incref(g_ptr_array_index(program->events, program->events->len - 1));
    if (strcmp(test_str(last, "event"), "failed") == 0)
        g_test_message("%s: %s", test_str(last, "code"), test_str(last, "reason"));
    test_program_free(program);
    return last;
}

json_int_t test_int(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        g_error("no number %s", key);
    return json_integer_value(value);
}

const char *test_str(json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    if (value == NULL)
        g_error("no text %s", key);
    return value;
}

char *test_shell(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *command = g_strdup_vprintf(format, args);
    va_end(args);
    const char *argv[] = {"sh", "-c", command, NULL};
    g_autoptr(GError) error = NULL;
    char *output = NULL;
    int status = 0;
    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, NULL, &status,
                 &error);
    g_assert_no_error(error);
    if (status != 0)
        g_error("%s: status %d", command, status);
    return output;
}

GArray *test_packet_times(const char *path, const char *stream, gboolean keys_only)
{
    g_autofree char *text = test_shell(
        "ffprobe -v error -select_streams %s -show_entries packet=pts_time,flags -of csv=p=0 '%s'",
        stream, path);
    GArray *times = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        gint64 at_us = (gint64)(g_ascii_strtod(*line, NULL) * 1e6 + 0.5);
        if (g_ascii_isdigit(**line) && (!keys_only || strchr(*line, 'K') != NULL))
            g_array_append_val(times, at_us);
    }
    return times;
}
