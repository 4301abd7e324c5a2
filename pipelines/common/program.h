/* program.h - what all pipeline programs have in common: how they start, are watched, and end.
 *
 * begin() reads the options, lowers priority and limits, and starts GStreamer without any registry:
 * it loads the plugin files of the spec and nothing else. What is not on the list does not exist in
 * the process, which is the point for films from strangers, and a cold start costs what a warm one
 * does (a registry scan of all plugins takes 0.8 s and 134 MB).
 *
 * A job program then calls run_job(). A thread of its own listens to SIGTERM and to standard input
 * and watches for silence: a job that does not tick for a minute hangs in some element, and nothing
 * but the end of the process helps then. */
#pragma once
#include "pipelines/common/job-error.h"
#include "pipelines/common/lines.h"

#define MNB_STALL_S         60   /* a job that does not tick for so long is ended */
#define MNB_SYNC_PATIENCE_S 3600 /* for making a long film durable on a slow disk */

typedef struct {
    const char *element; /* NULL ends the list */
    const char *plugin;  /* the file is libgst<plugin>.so */
    const char *package; /* Debian's */
} MnbElementNeed;

typedef struct {
    const char *name; /* such as "manabi-transcode" */
    const MnbElementNeed *needs;
    const MnbElementNeed *likes; /* loaded when there, never missed; NULL: none */
    gboolean is_background;      /* nice 10, SCHED_IDLE, idle I/O */
    gboolean has_network;        /* may make sockets: live feeds only */
    guint64 data_bytes;          /* RLIMIT_DATA; 0: not limited */
    const GOptionEntry *options; /* of this program besides --check and --version; NULL: none */
} MnbProgramSpec;

typedef struct {
    gint is_stopping; /* atomic: SIGTERM, or the end of standard input */
    gint64 ticked_us; /* atomic: last sign of life */
} MnbProgram;

/* @spec: static. Returns TRUE when there is work to do; FALSE when the program should end with
 * *@exit_code_out: bad options, --version, --check, or an element is missing (said on stdout). */
gboolean mnb_program_begin(const MnbProgramSpec *spec, int *argc, char ***argv, int *exit_code_out);

/* Prints the last line of a failed program. @error: borrowed. Returns: the exit code, 1. */
int mnb_program_fail(const GError *error);

/* @job: borrowed. Returns the done event (owned), or NULL with @error set. */
typedef json_t *(*MnbJobRun)(MnbProgram *program, const json_t *job, GError **error);

/* Reads the job from standard input, runs it in this thread, prints how it ended.
 * Returns: the exit code. */
int mnb_program_run_job(MnbJobRun run);

/* To be called by the job at least every few seconds while it gets on. Any thread. */
void mnb_program_tick(MnbProgram *program);

/* Before something long that cannot tick, such as making gigabytes durable. The next tick ends it.
 */
void mnb_program_be_patient(MnbProgram *program, int seconds);

/* TRUE with @error set to STOPPED when the job should clean up and return. Any thread. */
gboolean mnb_program_is_stopping(MnbProgram *program, GError **error);

/* Makes an element, or sets @error to MISSING_PLUGIN. Returns (floating). */
GstElement *mnb_element_make(const char *factory, const char *name, GError **error);

/* Reports progress at most once a second, never going back. @position_us of @duration_us. */
typedef struct {
    gint64 began_us;
    gint64 told_us;
    int permille;
} MnbProgress;
void mnb_progress_report(MnbProgress *progress, gint64 position_us, gint64 duration_us);
