/* jobs.h - runs what waits in the table `job`: each job is one program behind walls.
 *
 *   table: waiting --take--> running --> program --done--> result and `done` in one transaction
 *                                           |--failed--> waiting again, or failed with the reason
 *
 * repair -> compose -> transcode of one recording follow each other (`after`). When the last is
 * done the recording is published or waits for review, as it says itself. The table is the truth: a
 * job whose server was killed runs again. Paths in a spec count by their last step only and lie in
 * the recording's folder, so a state directory can be moved:
 *
 *   repair     {}                            manabi-record --repair
 *   compose    parts, names, width, height, fps, titles, trim_start_us, trim_end_us
 *   transcode  "input": "film.mkv" (default) or an imported "source"
 *   stills     "at_us"
 *
 * Main thread; nothing blocks but recover(). */
#pragma once
#include "pipelines/manager/walls.h"
#include "recordings/catalog.h"
#include "recordings/job.h"

typedef struct MnbJobs MnbJobs;

typedef struct {
    MnbCatalog *catalog;   /* borrowed, outlives the jobs */
    const MnbWalls *walls; /* borrowed, outlives the jobs; NULL: none */
    guint parallel;        /* programs at once; 0: nothing is run here */
    guint memory_mb;       /* private memory of a program; 0: its own limit */
    guint timeout_s;       /* without a word the program is killed; 0: 1800 */
    /* Absolute paths by MnbJobKind; NULL: found by programs.h when first needed. Copied. */
    const char *programs[MNB_N_JOB_KINDS];
} MnbJobsOptions;

/* Each may be NULL. @recording, @job: ids, borrowed for the call. */
typedef struct {
    /* It began, got on (at most once a second), ended or waits again: look at the row. */
    void (*on_job_changed)(const char *job, const char *recording, gpointer data);
    /* Its last job is done: published, or waiting for review. */
    void (*on_recording_ready)(const char *recording, gboolean is_published, gpointer data);
} MnbJobsCalls;

/* @calls: borrowed, static; NULL: none. Strings are copied. Returns (owned). */
MnbJobs *mnb_jobs_new(const MnbJobsOptions *options, const MnbJobsCalls *calls, gpointer data);

/* Kills what still runs: those jobs are taken again at the next start. NULL is fine. */
void mnb_jobs_free(MnbJobs *jobs);

/* At start, after the catalogue is open and before rooms: jobs of a dead server wait again; parts
 * that were being written are `cut`; recordings whose session is over get what they lack: repair,
 * compose, transcode. Recordings of sessions that go on are left to the rooms. Blocks. */
gboolean mnb_jobs_recover(MnbJobs *jobs, GError **error);

/* From now on jobs are taken. */
void mnb_jobs_start(MnbJobs *jobs);

/* A job was inserted, retried or cancelled. Without it the table is looked at every 2 s. */
void mnb_jobs_kick(MnbJobs *jobs);

/* Takes no more; running programs are asked to end and their jobs wait again, their attempt not
 * counted. @done is called once, at the latest after 3 s. */
void mnb_jobs_stop(MnbJobs *jobs, void (*done)(gpointer data), gpointer data);

/* Write. What a recording of a session needs to become a film: repair, compose, transcode; it
 * becomes `processing`. Harmless when it has jobs already. @now_us: wall clock. */
gboolean mnb_jobs_insert_chain(MnbDb *db, const char *recording, gint64 now_us, GError **error);

/* Write. Makes the film anew with the recording's `edit`, from what was captured or brought in;
 * what waits or runs for it is cancelled. Until it is done the film that is there stays. A
 * recording that is not published or withdrawn becomes `processing`, so that it is ready by
 * publish_when_ready. Errors: MNB_ERROR_CONFLICT when there is nothing to make it of. */
gboolean mnb_jobs_insert_render(MnbDb *db, const char *recording, gint64 now_us, GError **error);

/* Write. Cancels all that waits or runs for the recording (the programs end within a second or
 * two). One that has a film goes back to `review`. */
gboolean mnb_jobs_cancel_recording(MnbDb *db, const char *recording, gint64 now_us, GError **error);

guint mnb_jobs_count_running(const MnbJobs *jobs);

/* Appends Prometheus text: manabi_jobs_... */
void mnb_jobs_write_metrics(MnbJobs *jobs, GString *out);
