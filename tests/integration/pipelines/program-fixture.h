/* program-fixture.h - a pipeline program under test: started, spoken to, listened to, killed. */
#pragma once
#include <glib.h>
#include <jansson.h>

typedef struct {
    GPid pid;
    int input, output; /* -1: closed */
    GString *pending;
    GPtrArray *events; /* json_t, owned: all so far */
    int status;        /* of waitpid */
} TestProgram;

/* @argv: NULL-terminated, argv[0] is a name such as "manabi-record", found beside the tests.
 * @fds: descriptors handed down under the same numbers; ends with -1. */
TestProgram *test_program_start(const char *const *argv, const int *fds);
void test_program_say(TestProgram *program, const char *line);

/* Waits for an event of this name that was not returned before. Fails the test after @seconds or at
 * the end of output. Returns (borrowed). */
json_t *test_program_expect(TestProgram *program, const char *event, int seconds);

/* Counts events of this name up to now. */
guint test_program_count(TestProgram *program, const char *event);

/* Waits for its end and reads what is left. Returns: the exit code, or minus the signal. */
int test_program_wait(TestProgram *program);
void test_program_kill(TestProgram *program, int signal);
void test_program_free(TestProgram *program);

/* Runs a job program to its end. Returns (owned): its last event. @exit_code_out: may be NULL. */
json_t *test_job_run(const char *name, json_t *job, int *exit_code_out);

json_int_t test_int(json_t *object, const char *key);
const char *test_str(json_t *object, const char *key);

/* Standard output of a command line, run by sh. Fails the test when the command fails. */
char *test_shell(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* Time stamps of the first stream's packets, in microseconds, by ffprobe. @keys_only: key frames.
 * Returns (owned): array of gint64. */
GArray *test_packet_times(const char *path, const char *stream, gboolean keys_only);
