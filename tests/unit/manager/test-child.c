#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipelines/manager/child.h"
#include "server/base/error.h"

/* A child that is a small shell script, and what was heard of it. */
typedef struct {
    GMainLoop *loop;
    const char *script;
    int fd; /* handed over when not negative */
    GString *lines;
    guint n_started;
    guint n_ended;
    guint n_alarms;
    guint quit_after_ends;
    guint quit_after_lines;
    guint n_lines;
    int exit_code;
    int signal_number;
    gboolean will_restart;
    gboolean frees_itself;
} Heard;

static gboolean prepare(MnbChild *child, MnbChildLaunch *launch, gpointer data, GError **error)
{
    Heard *heard = data;
    if (heard->script == NULL) {
        mnb_child_launch_arg(launch, "/nonexistent/program");
        return TRUE;
    }
    mnb_child_launch_arg(launch, "/bin/sh");
    mnb_child_launch_arg(launch, "-c");
    mnb_child_launch_arg(launch, heard->script);
    mnb_child_launch_arg(launch, "sh");
    if (heard->fd >= 0)
        mnb_child_launch_arg_number(launch, mnb_child_launch_fd(launch, heard->fd));
    mnb_child_launch_env(launch, "TEST_WORD", "kaizen");
    return TRUE;
}

static void on_started(MnbChild *child, gpointer data)
{
    ((Heard *)data)->n_started++;
}

static void on_line(MnbChild *child, const char *line, gsize length, gpointer data)
{
    Heard *heard = data;
    g_assert_cmpuint(strlen(line), ==, length);
    g_string_append_printf(heard->lines, "%s|", line);
    if (++heard->n_lines == heard->quit_after_lines)
        g_main_loop_quit(heard->loop);
}

static void on_ended(MnbChild *child, int exit_code, int signal_number, gboolean will_restart,
                     gpointer data)
{
    Heard *heard = data;
    heard->n_ended++;
    heard->exit_code = exit_code;
    heard->signal_number = signal_number;
    heard->will_restart = will_restart;
    if (heard->n_ended == heard->quit_after_ends)
        g_main_loop_quit(heard->loop);
    if (heard->frees_itself)
        mnb_child_free(child);
}

static void on_alarm(MnbChild *child, gpointer data)
{
    Heard *heard = data;
    heard->n_alarms++;
    g_main_loop_quit(heard->loop);
}

static const MnbChildCalls calls = {prepare, on_started, on_line, on_ended, on_alarm};

static void heard_init(Heard *heard, const char *script)
{
    memset(heard, 0, sizeof *heard);
    heard->loop = g_main_loop_new(NULL, FALSE);
    heard->lines = g_string_new(NULL);
    heard->script = script;
    heard->fd = -1;
    heard->quit_after_ends = 1;
}

static void heard_clear(Heard *heard)
{
    g_main_loop_unref(heard->loop);
    g_string_free(heard->lines, TRUE);
}

static void test_tells_lines_and_exit_code(void)
{
    Heard heard;
    heard_init(&heard, "echo one; echo $TEST_WORD; printf 'no end'; echo log >&2; exit 3");
    MnbChild *child = mnb_child_new(&(MnbChildOptions){.name = "test"}, &calls, &heard);
    g_assert_true(mnb_child_start(child, NULL));
    g_assert_cmpint(mnb_child_pid(child), >, 0);
    g_main_loop_run(heard.loop);
    g_assert_cmpstr(heard.lines->str, ==, "one|kaizen|no end|");
    g_assert_cmpint(heard.exit_code, ==, 3);
    g_assert_false(heard.will_restart);
    g_assert_cmpint(mnb_child_pid(child), ==, 0);
    mnb_child_free(child);
    heard_clear(&heard);
}

static void test_passes_only_the_given_descriptors(void)
{
    Heard heard;
    int ends[2];
    g_assert_cmpint(pipe(ends), ==, 0); /* inheritable on purpose */
    heard_init(&heard, "echo word >&$1; ls /proc/self/fd | tr '\\n' ' '; echo");
    heard.fd = ends[1];
    MnbChild *child = mnb_child_new(&(MnbChildOptions){.name = "test"}, &calls, &heard);
    g_assert_true(mnb_child_start(child, NULL));
    g_main_loop_run(heard.loop);
    char word[8] = "";
    g_assert_cmpint(read(ends[0], word, sizeof word - 1), ==, 5);
    g_assert_cmpstr(word, ==, "word\n");
    /* 4 is the folder that ls reads. */
    g_assert_cmpstr(heard.lines->str, ==, "0 1 2 3 4 |");
    close(ends[0]);
    close(ends[1]);
    mnb_child_free(child);
    heard_clear(&heard);
}

static void test_reads_lines_from_stdin(void)
{
    Heard heard;
    heard_init(&heard, "while read -r line; do echo \"got $line\"; done");
    MnbChild *child =
        mnb_child_new(&(MnbChildOptions){.name = "test", .has_stdin = TRUE}, &calls, &heard);
    g_assert_false(mnb_child_write_line(child, "too early"));
    g_assert_true(mnb_child_start(child, NULL));
    g_assert_true(mnb_child_write_line(child, "a"));
    g_assert_true(mnb_child_write_line(child, "b"));
    mnb_child_close_stdin(child);
    g_assert_false(mnb_child_write_line(child, "c"));
    g_main_loop_run(heard.loop);
    g_assert_cmpstr(heard.lines->str, ==, "got a|got b|");
    g_assert_cmpint(heard.exit_code, ==, 0);
    mnb_child_free(child);
    heard_clear(&heard);
}

static void test_bounds_what_waits_for_stdin(void)
{
    Heard heard;
    heard_init(&heard, "exec sleep 60");
    MnbChild *child =
        mnb_child_new(&(MnbChildOptions){.name = "test", .has_stdin = TRUE}, &calls, &heard);
    g_assert_true(mnb_child_start(child, NULL));
    g_autofree char *line = g_strnfill(60000, 'x');
    guint n = 0;
    while (mnb_child_write_line(child, line))
        n++;
    g_assert_cmpuint(n, <=, (MNB_CHILD_STDIN_MAX + 65536) / 60000);
    mnb_child_kill(child);
    g_main_loop_run(heard.loop);
    g_assert_cmpint(heard.signal_number, ==, SIGKILL);
    mnb_child_free(child);
    heard_clear(&heard);
}

static void test_drops_lines_too_long_or_no_text(void)
{
    Heard heard;
    heard_init(&heard,
               "head -c 70000 /dev/zero | tr '\\0' y; echo; printf 'a\\0b\\n\\377\\n'; echo z");
    MnbChild *child = mnb_child_new(&(MnbChildOptions){.name = "test"}, &calls, &heard);
    g_assert_true(mnb_child_start(child, NULL));
    g_main_loop_run(heard.loop);
    g_assert_cmpstr(heard.lines->str, ==, "z|");
    mnb_child_free(child);
    heard_clear(&heard);
}

static void test_restarts_a_kept_child(void)
{
    Heard heard;
    heard_init(&heard, "echo up; exec sleep 60");
    heard.quit_after_ends = 0;
    heard.quit_after_lines = 1;
    MnbChild *child =
        mnb_child_new(&(MnbChildOptions){.name = "test", .is_kept = TRUE}, &calls, &heard);
    g_assert_true(mnb_child_start(child, NULL));
    g_main_loop_run(heard.loop);
    gint64 killed_us = g_get_monotonic_time();
    heard.quit_after_lines = 2;
    mnb_child_kill(child);
    g_main_loop_run(heard.loop);
    g_assert_cmpint(g_get_monotonic_time() - killed_us, <, G_USEC_PER_SEC);
    g_assert_cmpuint(heard.n_ended, ==, 1);
    g_assert_true(heard.will_restart);
    g_assert_cmpuint(mnb_child_starts(child), ==, 2);
    mnb_child_free(child);
    heard_clear(&heard);
}

static void test_gives_up_a_crash_loop(void)
{
    Heard heard;
    heard_init(&heard, "kill -SEGV $$");
    heard.quit_after_ends = 0;
    MnbChild *child =
        mnb_child_new(&(MnbChildOptions){.name = "test", .is_kept = TRUE}, &calls, &heard);
    g_assert_true(mnb_child_start(child, NULL));
    g_main_loop_run(heard.loop); /* 0.1 + 0.2 + 0.4 + 0.8 s */
    g_assert_cmpuint(heard.n_ended, ==, MNB_CHILD_ENDS_MAX);
    g_assert_cmpuint(heard.n_alarms, ==, 1);
    g_assert_cmpint(heard.signal_number, ==, SIGSEGV);
    g_assert_false(heard.will_restart);
    mnb_child_free(child);
    heard_clear(&heard);
}

static void test_stops_with_term_then_kill(void)
{
    Heard heard;
    heard_init(&heard, "trap '' TERM; echo up; while :; do sleep 0.05; done");
    heard.quit_after_lines = 1;
    MnbChild *child = mnb_child_new(
        &(MnbChildOptions){.name = "test", .is_kept = TRUE, .stop_ms = 100}, &calls, &heard);
    g_assert_true(mnb_child_start(child, NULL));
    g_main_loop_run(heard.loop);
    mnb_child_stop(child);
    mnb_child_stop(child); /* once more is nothing */
    g_main_loop_run(heard.loop);
    g_assert_cmpint(heard.signal_number, ==, SIGKILL);
    g_assert_false(heard.will_restart);
    mnb_child_free(child);
    heard_clear(&heard);
}

static void test_stop_closes_stdin(void)
{
    Heard heard;
    heard_init(&heard, "trap '' TERM; echo up; cat >/dev/null; exit 7");
    heard.quit_after_lines = 1;
    MnbChild *child =
        mnb_child_new(&(MnbChildOptions){.name = "test", .has_stdin = TRUE}, &calls, &heard);
    g_assert_true(mnb_child_start(child, NULL));
    g_main_loop_run(heard.loop);
    mnb_child_stop(child);
    g_main_loop_run(heard.loop);
    g_assert_cmpint(heard.exit_code, ==, 7);
    mnb_child_free(child);
    heard_clear(&heard);
}

static void test_says_that_a_program_is_missing(void)
{
    Heard heard;
    heard_init(&heard, NULL);
    MnbChild *child = mnb_child_new(&(MnbChildOptions){.name = "test"}, &calls, &heard);
    g_autoptr(GError) error = NULL;
    g_assert_false(mnb_child_start(child, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_MISSING);
    g_assert_nonnull(strstr(error->message, "/nonexistent/program"));
    mnb_child_free(child);
    heard_clear(&heard);
}

static void test_may_be_freed_when_it_ends(void)
{
    Heard heard;
    heard_init(&heard, "echo bye");
    heard.frees_itself = TRUE;
    MnbChild *child = mnb_child_new(&(MnbChildOptions){.name = "test"}, &calls, &heard);
    g_assert_true(mnb_child_start(child, NULL));
    g_main_loop_run(heard.loop);
    g_assert_cmpstr(heard.lines->str, ==, "bye|");
    heard_clear(&heard);
}

static gboolean on_give_up(gpointer data)
{
    g_error("the grandchild did not die with its parent");
    return G_SOURCE_REMOVE;
}

/* A process of its own starts a child and is killed; the child holds the write end of a pipe, whose
 * end of file shows that it is gone. */
static void test_dies_with_its_parent(void)
{
    int alive[2];
    g_assert_cmpint(pipe(alive), ==, 0);
    pid_t parent = fork();
    if (parent == 0) {
        Heard heard;
        heard_init(&heard, "echo up; while :; do sleep 1; done");
        heard.quit_after_lines = 1;
        heard.fd = alive[1];
        MnbChild *child = mnb_child_new(&(MnbChildOptions){.name = "test"}, &calls, &heard);
        if (!mnb_child_start(child, NULL))
            _exit(1);
        g_main_loop_run(heard.loop);
        kill(getpid(), SIGKILL);
    }
    close(alive[1]);
    g_assert_cmpint(waitpid(parent, NULL, 0), ==, parent);
    guint timer = g_timeout_add_seconds(10, on_give_up, NULL);
    char byte;
    g_assert_cmpint(read(alive[0], &byte, 1), ==, 0);
    g_source_remove(timer);
    close(alive[0]);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* as main.c does: a pipe whose reader died is an errno */
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/child/tells-its-lines-and-exit-code", test_tells_lines_and_exit_code);
    g_test_add_func("/child/gets-only-the-given-descriptors",
                    test_passes_only_the_given_descriptors);
    g_test_add_func("/child/reads-lines-from-stdin", test_reads_lines_from_stdin);
    g_test_add_func("/child/bounds-what-waits-for-stdin", test_bounds_what_waits_for_stdin);
    g_test_add_func("/child/drops-lines-that-are-too-long-or-no-text",
                    test_drops_lines_too_long_or_no_text);
    g_test_add_func("/child/is-back-within-a-second", test_restarts_a_kept_child);
    g_test_add_func("/child/stays-down-after-five-ends-in-a-minute", test_gives_up_a_crash_loop);
    g_test_add_func("/child/is-killed-when-it-does-not-stop", test_stops_with_term_then_kill);
    g_test_add_func("/child/sees-the-end-of-stdin-when-stopped", test_stop_closes_stdin);
    g_test_add_func("/child/says-that-a-program-is-missing", test_says_that_a_program_is_missing);
    g_test_add_func("/child/may-be-freed-when-it-ends", test_may_be_freed_when_it_ends);
    g_test_add_func("/child/dies-with-its-parent", test_dies_with_its_parent);
    return g_test_run();
}
