/* job.h - work for the pipeline programs: the table `job`.
 *
 *     waiting --take--> running --finish--> done
 *        ^                 |---fail, attempts left--> waiting (not before: backoff)
 *        |                 |---fail, none left or not worth it--> failed --retry--> waiting
 *        +--lease over, recover--+
 *
 * A job that is to run `after` another waits until that one is done. A running job holds a lease,
 * renewed by progress; what is not renewed is taken again. */
#pragma once

#include <glib.h>

#include "recordings/db.h"

typedef enum {
    MNB_JOB_REPAIR,
    MNB_JOB_COMPOSE,
    MNB_JOB_TRANSCODE,
    MNB_JOB_STILLS,
    MNB_N_JOB_KINDS
} MnbJobKind;

typedef enum {
    MNB_JOB_WAITING,
    MNB_JOB_RUNNING,
    MNB_JOB_DONE,
    MNB_JOB_FAILED,
    MNB_JOB_CANCELLED,
} MnbJobState;

const char *mnb_job_kind_to_string(MnbJobKind kind);
const char *mnb_job_state_to_string(MnbJobState state);
gboolean mnb_job_kind_parse(const char *text, MnbJobKind *kind);
gboolean mnb_job_state_parse(const char *text, MnbJobState *state);

#define MNB_JOB_ATTEMPTS_MAX 4
#define MNB_JOB_LEASE_US     (60 * G_USEC_PER_SEC)
#define MNB_JOB_ALL_KINDS    ((1u << MNB_N_JOB_KINDS) - 1)

typedef struct {
    char *id;
    MnbJobKind kind;
    char *recording;
    char *after; /* id of the job that must be done first; NULL: none */
    MnbJobState state;
    char *spec;   /* JSON object */
    char *result; /* JSON object; NULL: none yet */
    int progress_permille;
    int eta_s; /* -1: unknown */
    int attempts;
    char *reason_code; /* of the last failure; NULL: none */
    char *reason;
    gint64 not_before_us;
    gint64 lease_us; /* until when; 0: not running */
    gint64 created_us;
    gint64 updated_us;
} MnbJob;

void mnb_job_free(MnbJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbJob, mnb_job_free)

MnbJob *mnb_job_find(MnbDb *db, const char *id, GError **error);

/* Newest first; @recording NULL: of all. Returns (owned): MnbJob elements. @total may be NULL. */
GPtrArray *mnb_job_list(MnbDb *db, const char *recording, guint offset, guint limit, guint *total,
                        GError **error);

/* Write. @spec: JSON object. @after: NULL or a job of the same recording. Returns (owned): id. */
char *mnb_job_insert(MnbDb *db, MnbJobKind kind, const char *recording, const char *spec,
                     const char *after, gint64 now_us, GError **error);

/* Write. The oldest job that may run now, of the kinds in the mask @kinds (1u << MNB_JOB_...); it
 * becomes running, attempts + 1, lease @lease_us from now. Jobs whose lease is over are taken too
 * (failed instead, with "lost", once they used up their attempts). Returns: TRUE with @job (owned),
 * NULL when there is nothing to do; FALSE with @error. */
gboolean mnb_job_take(MnbDb *db, guint kinds, gint64 lease_us, gint64 now_us, MnbJob **job,
                      GError **error);

/* When to call take again: the earliest not_before_us or lease_us, at least now; 0: nothing is
 * waiting or running; 0 with @error set if that cannot be read. */
gint64 mnb_job_next_time(MnbDb *db, gint64 now_us, GError **error);

/* Write. Of a running job; renews the lease. Errors: MNB_ERROR_CONFLICT if it is not running any
 * more (cancelled, or taken over: stop the work); MNB_ERROR_NOT_FOUND. */
gboolean mnb_job_set_progress(MnbDb *db, const char *id, int permille, int eta_s, gint64 lease_us,
                              gint64 now_us, GError **error);

/* Write. @result: JSON object or NULL. Errors as above. Finishing twice succeeds. */
gboolean mnb_job_finish(MnbDb *db, const char *id, const char *result, gint64 now_us,
                        GError **error);

/* Write. @code: for clients ("bad-media"); @reason: English. @may_retry: FALSE if another attempt
 * cannot help. Waits 10 s, 1 min, 10 min between attempts. @state: what it became, NULL allowed. */
gboolean mnb_job_fail(MnbDb *db, const char *id, const char *code, const char *reason,
                      gboolean may_retry, gint64 now_us, MnbJobState *state, GError **error);

/* Write. A person asks for it again: failed or cancelled -> waiting, attempts 0. Errors:
 * MNB_ERROR_CONFLICT in other states. */
gboolean mnb_job_retry(MnbDb *db, const char *id, gint64 now_us, GError **error);

/* Write. waiting or running -> cancelled. Errors: MNB_ERROR_CONFLICT if it is over already. */
gboolean mnb_job_cancel(MnbDb *db, const char *id, gint64 now_us, GError **error);

/* Write. At start, before any take: no job of an earlier process is running; all running ones wait
 * again, their attempt not counted. Returns: how many, or -1 with @error. */
int mnb_job_recover(MnbDb *db, gint64 now_us, GError **error);
