/* job-plan.h - what a job's row means: the program, what it is told, what it may see, and what its
 * result means for the catalogue. The half of jobs.h that knows the kinds of jobs. */
#pragma once
#include <jansson.h>

#include "recordings/job.h"
#include "recordings/moment.h"
#include "recordings/recording.h"
#include "recordings/store.h"

typedef struct {
    const char *program; /* name, static: "manabi-compose" */
    char *line;          /* the job as one line of JSON; NULL: it reads none */
    GStrv arguments;     /* after the program */
    GStrv reads;         /* absolute paths for walls.h */
    GStrv writes;
    char *dir;        /* the recording's folder, absolute */
    char *input_name; /* below dir; NULL: none */
} MnbJobPlan;

/* The name of the program for a kind of job; static. */
const char *mnb_job_program(MnbJobKind kind);

/* @db: for reading the session's log. Also removes what an earlier attempt left in the way. Returns
 * (owned), or NULL with MNB_ERROR_INVALID (the spec makes no sense: never try again),
 * MNB_ERROR_NOT_FOUND (the input is gone), MNB_ERROR_STORAGE. */
MnbJobPlan *mnb_job_plan_new(MnbDb *db, MnbStore *store, const MnbRecording *recording,
                             const MnbJob *job, GError **error);
void mnb_job_plan_free(MnbJobPlan *plan); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbJobPlan, mnb_job_plan_free)

/* What a finished program found out, checked. */
typedef struct {
    MnbJobKind kind;
    char *job;
    char *recording;
    char *text;                   /* the result as JSON, for the row */
    gint64 duration_us;           /* 0: not told */
    gint64 source_us;             /* length before cuts; 0: not told */
    MnbCaptureTimeline *timeline; /* compose; NULL: none */
    char *edit; /* what the film was made with, as in MnbRecording; NULL: no new film */
    int width;  /* 0: not told */
    int height;
    GPtrArray *renditions; /* MnbRendition; transcode and stills */
    gint64 now_us;         /* wall clock */
    /* After writing: */
    gboolean is_recording_ready; /* its last job is done */
    MnbRecordingState state;
} MnbJobResult;

/* Puts what the program made in its place (media.next becomes media) and reads its `done` event.
 * Returns (owned), or NULL with @error: MNB_ERROR_INVALID when the files are not as it says. */
MnbJobResult *mnb_job_result_new(const MnbJobPlan *plan, const MnbJob *job, const json_t *done,
                                 gint64 now_us, GError **error);
void mnb_job_result_free(MnbJobResult *result); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbJobResult, mnb_job_result_free)

/* Write (an MnbWriteFunc with a MnbJobResult): everything in one transaction. MNB_ERROR_CONFLICT:
 * the job was cancelled or taken over. */
gboolean mnb_job_result_write(MnbDb *db, gpointer result, GError **error);

/* Removes what is not needed once the result is on disk (the intermediate film, the media before).
 * By a thread of its own. */
void mnb_job_result_tidy(const MnbJobPlan *plan, MnbJobKind kind);
