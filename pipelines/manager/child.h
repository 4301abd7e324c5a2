/* child.h - one child process, watched: started, logged, restarted, stopped.
 *
 *   stdin   a pipe for lines, or /dev/null
 *   stdout  a pipe whose lines go to on_line
 *   stderr  a pipe whose lines go to our log with the child's name
 *   3, 4..  the descriptors that prepare() handed over; nothing else is inherited
 *
 * A child that is to be kept running starts again when it ends: after 0.1 s, doubling to 10 s, back
 * to 0.1 s once it has run for 10 s. After five ends within a minute it stays down and on_alarm is
 * called. The child is told to die with us (PR_SET_PDEATHSIG), so a killed manabi leaves nothing.
 * The process must ignore SIGPIPE. Main thread only. No call blocks. */
#pragma once
#include <glib.h>

#define MNB_CHILD_LINE_MAX  65536   /* bytes of a line of stdout; a longer one is dropped, logged */
#define MNB_CHILD_STDIN_MAX 1048576 /* bytes waiting to be read by the child */
#define MNB_CHILD_FDS_MAX   16
#define MNB_CHILD_ENDS_MAX  5 /* within MNB_CHILD_ENDS_US: on_alarm */
#define MNB_CHILD_ENDS_US   (60 * G_USEC_PER_SEC)

typedef struct MnbChild MnbChild;

/* The command line of one start, filled by prepare(). */
typedef struct MnbChildLaunch MnbChildLaunch;
void mnb_child_launch_arg(MnbChildLaunch *launch, const char *argument);
void mnb_child_launch_arg_number(MnbChildLaunch *launch, gint64 argument);
/* NAME=VALUE is set for the child; a NULL @value takes the variable away. */
void mnb_child_launch_env(MnbChildLaunch *launch, const char *name, const char *value);
/* @fd: borrowed until the next turn of the main loop; the child gets a copy.
 * Returns the number the child will know it by. */
int mnb_child_launch_fd(MnbChildLaunch *launch, int fd);

typedef struct {
    /* Before each start: adds the program (absolute path, first) and its arguments.
     * Returns FALSE with @error when it cannot be started now; counts as an end. */
    gboolean (*prepare)(MnbChild *child, MnbChildLaunch *launch, gpointer data, GError **error);
    /* It runs (which does not say that it is ready). May be NULL. */
    void (*on_started)(MnbChild *child, gpointer data);
    /* One line of stdout, without its end and with no NUL inside; valid UTF-8. May be NULL. */
    void (*on_line)(MnbChild *child, const char *line, gsize length, gpointer data);
    /* It ended, and all its lines have been told. @exit_code: -1 if it died by signal (then
     * @signal_number is above 0) or could not be started (0). @will_restart: it starts again by
     * itself. The child may be freed here. May be NULL. */
    void (*on_ended)(MnbChild *child, int exit_code, int signal_number, gboolean will_restart,
                     gpointer data);
    /* It ended five times within a minute and stays down; start() tries again. May be NULL. */
    void (*on_alarm)(MnbChild *child, gpointer data);
} MnbChildCalls;

typedef struct {
    const char *name;       /* in the log: "media-0"; copied */
    gboolean is_kept;       /* TRUE: start again when it ends; FALSE: runs once */
    gboolean has_stdin;     /* TRUE: a pipe, for write_line(); FALSE: /dev/null */
    int death_signal;       /* sent by the kernel when we die; 0: SIGKILL */
    gboolean ends_by_stdin; /* stop() closes stdin and sends no SIGTERM before the SIGKILL */
    int stop_signal;        /* what stop() sends; 0: SIGTERM */
    guint stop_ms;          /* from that to SIGKILL; 0: 5000 */
} MnbChildOptions;

/* @calls: borrowed, static. Returns (owned): not started. */
MnbChild *mnb_child_new(const MnbChildOptions *options, const MnbChildCalls *calls, gpointer data);

/* Kills at once if it runs; no callback comes after this. NULL is fine. */
void mnb_child_free(MnbChild *child);

/* Returns FALSE with @error when it cannot be started (MNB_ERROR_MISSING: no such program). A kept
 * child is then tried again by itself. */
gboolean mnb_child_start(MnbChild *child, GError **error);

/* Closes stdin after what is queued, sends SIGTERM, after stop_ms SIGKILL. on_ended comes when it
 * is gone; nothing comes when it does not run. It is not started again. */
void mnb_child_stop(MnbChild *child);

/* SIGKILL. A kept child starts again. */
void mnb_child_kill(MnbChild *child);

/* Queues one line (a newline is added) for stdin. Returns FALSE when it does not run, or the queue
 * would exceed MNB_CHILD_STDIN_MAX: a child that does not read is to be killed. */
gboolean mnb_child_write_line(MnbChild *child, const char *line);

/* End of stdin, after what is queued. */
void mnb_child_close_stdin(MnbChild *child);

/* 0 while it does not run. */
GPid mnb_child_pid(const MnbChild *child);
/* How many times it was started. */
guint mnb_child_starts(const MnbChild *child);
