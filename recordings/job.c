#include "recordings/job.h"

#include "recordings/fields.h"
#include "server/base/error.h"
#include "server/base/ids.h"

#define JSON_MAX   (256 * 1024) /* bytes of a spec or result */
#define REASON_MAX 2000         /* characters */

#define COLUMNS                                                                                    \
    "id, kind, recording, after, state, spec, result, progress_permille, eta_s, attempts,"         \
    " reason_code, reason, not_before_us, lease_us, created_us, updated_us"

/* Nothing that has to be done first is open. */
#define IS_FREE                                                                                    \
    "(after IS NULL OR (SELECT state FROM job first WHERE first.id = job.after) = 'done')"

static const char *const kind_names[MNB_N_JOB_KINDS] = {"repair", "compose", "transcode", "stills"};
static const char *const state_names[] = {"waiting", "running", "done", "failed", "cancelled"};
MNB_DEFINE_NAMES(MnbJobKind, mnb_job_kind, kind_names)
MNB_DEFINE_NAMES(MnbJobState, mnb_job_state, state_names)

void mnb_job_free(MnbJob *job)
{
    if (job == NULL)
        return;
    g_free(job->id);
    g_free(job->recording);
    g_free(job->after);
    g_free(job->spec);
    g_free(job->result);
    g_free(job->reason_code);
    g_free(job->reason);
    g_free(job);
}

static void free_job(gpointer data)
{
    mnb_job_free(data);
}

static MnbJob *read_row(MnbStmt *stmt)
{
    MnbJob *job = g_new0(MnbJob, 1);
    job->id = mnb_stmt_dup_text(stmt, 0);
    mnb_job_kind_parse(mnb_stmt_text(stmt, 1), &job->kind);
    job->recording = mnb_stmt_dup_text(stmt, 2);
    job->after = mnb_stmt_dup_text(stmt, 3);
    mnb_job_state_parse(mnb_stmt_text(stmt, 4), &job->state);
    job->spec = mnb_stmt_dup_text(stmt, 5);
    job->result = mnb_stmt_dup_text(stmt, 6);
    job->progress_permille = (int)mnb_stmt_int(stmt, 7);
    job->eta_s = mnb_stmt_is_null(stmt, 8) ? -1 : (int)mnb_stmt_int(stmt, 8);
    job->attempts = (int)mnb_stmt_int(stmt, 9);
    job->reason_code = mnb_stmt_dup_text(stmt, 10);
    job->reason = mnb_stmt_dup_text(stmt, 11);
    job->not_before_us = mnb_stmt_int(stmt, 12);
    job->lease_us = mnb_stmt_int(stmt, 13);
    job->created_us = mnb_stmt_int(stmt, 14);
    job->updated_us = mnb_stmt_int(stmt, 15);
    return job;
}

MnbJob *mnb_job_find(MnbDb *db, const char *id, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "SELECT " COLUMNS " FROM job WHERE id = ?1", error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, id);
    int result = mnb_stmt_step(stmt, error);
    if (result == 0)
        mnb_set_not_found(error, "job", id);
    return result > 0 ? read_row(stmt) : NULL;
}

static gboolean count(MnbDb *db, const char *recording, guint *total, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "SELECT count(*) FROM job WHERE ?1 IS NULL OR recording = ?1", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    if (mnb_stmt_step(stmt, error) < 0)
        return FALSE;
    *total = (guint)mnb_stmt_int(stmt, 0);
    return TRUE;
}

GPtrArray *mnb_job_list(MnbDb *db, const char *recording, guint offset, guint limit, guint *total,
                        GError **error)
{
    if (total != NULL && !count(db, recording, total, error))
        return NULL;
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT " COLUMNS " FROM job WHERE ?1 IS NULL OR recording = ?1"
                       " ORDER BY created_us DESC, rowid DESC LIMIT ?2 OFFSET ?3",
                       error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_int(stmt, 2, limit);
    mnb_stmt_bind_int(stmt, 3, offset);
    g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func(free_job);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        g_ptr_array_add(jobs, read_row(stmt));
    return result == 0 ? g_steal_pointer(&jobs) : NULL;
}

static gboolean check_after(MnbDb *db, const char *recording, const char *after, GError **error)
{
    if (after == NULL)
        return TRUE;
    g_autoptr(MnbJob) first = mnb_job_find(db, after, error);
    if (first == NULL)
        return FALSE;
    if (g_strcmp0(first->recording, recording) == 0)
        return TRUE;
    g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "job %s is of another recording", after);
    return FALSE;
}

char *mnb_job_insert(MnbDb *db, MnbJobKind kind, const char *recording, const char *spec,
                     const char *after, gint64 now_us, GError **error)
{
    g_return_val_if_fail(kind < MNB_N_JOB_KINDS, NULL);
    if (!mnb_field_object("job spec", spec, JSON_MAX, error) ||
        !check_after(db, recording, after, error))
        return NULL;
    g_autoptr(GError) local = NULL;
    g_autofree char *id = mnb_id_new();
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "INSERT INTO job(id, kind, recording, spec, after, created_us, updated_us)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
                       error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_text(stmt, 2, kind_names[kind]);
    mnb_stmt_bind_text(stmt, 3, recording);
    mnb_stmt_bind_text(stmt, 4, spec);
    mnb_stmt_bind_text(stmt, 5, after);
    mnb_stmt_bind_int(stmt, 6, now_us);
    if (mnb_stmt_run(stmt, &local))
        return g_steal_pointer(&id);
    if (g_error_matches(local, MNB_ERROR, MNB_ERROR_INVALID))
        mnb_set_not_found(error, "recording", recording);
    else
        g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

/* ---- taking ---- */

/* Returns: 1 with @job, 0 if there is none, -1 with @error. */
static int find_next(MnbDb *db, guint kinds, gint64 now_us, MnbJob **job, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT " COLUMNS " FROM job"
                       " WHERE ((state = 'waiting' AND not_before_us <= ?1)"
                       "  OR (state = 'running' AND lease_us <= ?1))"
                       " AND (?2 >> CASE kind WHEN 'repair' THEN 0 WHEN 'compose' THEN 1"
                       "  WHEN 'transcode' THEN 2 ELSE 3 END) & 1 = 1 AND " IS_FREE
                       " ORDER BY created_us, rowid LIMIT 1",
                       error);
    if (stmt == NULL)
        return -1;
    mnb_stmt_bind_int(stmt, 1, now_us);
    mnb_stmt_bind_int(stmt, 2, kinds);
    int result = mnb_stmt_step(stmt, error);
    if (result > 0)
        *job = read_row(stmt);
    return result;
}

static gboolean start(MnbDb *db, MnbJob *job, gint64 lease_us, gint64 now_us, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "UPDATE job SET state = 'running', attempts = attempts + 1, progress_permille = 0,"
        " eta_s = NULL, lease_us = ?2, updated_us = ?3 WHERE id = ?1",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, job->id);
    mnb_stmt_bind_int(stmt, 2, now_us + lease_us);
    mnb_stmt_bind_int(stmt, 3, now_us);
    if (!mnb_stmt_run(stmt, error))
        return FALSE;
    job->state = MNB_JOB_RUNNING;
    job->attempts++;
    job->progress_permille = 0;
    job->eta_s = -1;
    job->lease_us = now_us + lease_us;
    job->updated_us = now_us;
    return TRUE;
}

gboolean mnb_job_take(MnbDb *db, guint kinds, gint64 lease_us, gint64 now_us, MnbJob **job,
                      GError **error)
{
    *job = NULL;
    for (;;) {
        g_autoptr(MnbJob) next = NULL;
        int found = find_next(db, kinds, now_us, &next, error);
        if (found <= 0)
            return found == 0;
        if (next->state != MNB_JOB_RUNNING || next->attempts < MNB_JOB_ATTEMPTS_MAX) {
            if (!start(db, next, lease_us, now_us, error))
                return FALSE;
            *job = g_steal_pointer(&next);
            return TRUE;
        }
        if (!mnb_job_fail(db, next->id, "lost", "the worker stopped answering", FALSE, now_us, NULL,
                          error))
            return FALSE;
    }
}

gint64 mnb_job_next_time(MnbDb *db, gint64 now_us, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "SELECT min(max(CASE state WHEN 'waiting' THEN not_before_us ELSE lease_us END, ?1))"
        " FROM job WHERE state IN ('waiting', 'running') AND " IS_FREE,
        error);
    if (stmt == NULL)
        return 0;
    mnb_stmt_bind_int(stmt, 1, now_us);
    return mnb_stmt_step(stmt, error) > 0 ? mnb_stmt_int(stmt, 0) : 0;
}

/* ---- a job under way ---- */

/* After an UPDATE that names a state: did it find the job in it? */
static gboolean check_changed(MnbDb *db, const char *id, GError **error)
{
    if (mnb_db_changes(db) > 0)
        return TRUE;
    g_autoptr(MnbJob) job = mnb_job_find(db, id, error);
    if (job != NULL)
        g_set_error(error, MNB_ERROR, MNB_ERROR_CONFLICT, "job %s is %s", id,
                    mnb_job_state_to_string(job->state));
    return FALSE;
}

gboolean mnb_job_set_progress(MnbDb *db, const char *id, int permille, int eta_s, gint64 lease_us,
                              gint64 now_us, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "UPDATE job SET progress_permille = ?2, eta_s = ?3, lease_us = ?4,"
                       " updated_us = ?5 WHERE id = ?1 AND state = 'running'",
                       error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_int(stmt, 2, CLAMP(permille, 0, 1000));
    if (eta_s >= 0)
        mnb_stmt_bind_int(stmt, 3, eta_s);
    mnb_stmt_bind_int(stmt, 4, now_us + lease_us);
    mnb_stmt_bind_int(stmt, 5, now_us);
    return mnb_stmt_run(stmt, error) && check_changed(db, id, error);
}

gboolean mnb_job_finish(MnbDb *db, const char *id, const char *result, gint64 now_us,
                        GError **error)
{
    if (result != NULL && !mnb_field_object("job result", result, JSON_MAX, error))
        return FALSE;
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "UPDATE job SET state = 'done', result = ?2, progress_permille = 1000, eta_s = 0,"
        " lease_us = NULL, reason_code = NULL, reason = NULL, updated_us = ?3"
        " WHERE id = ?1 AND state IN ('running', 'done')",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_text(stmt, 2, result);
    mnb_stmt_bind_int(stmt, 3, now_us);
    return mnb_stmt_run(stmt, error) && check_changed(db, id, error);
}

static gint64 backoff_us(int attempts)
{
    static const int seconds[] = {10, 60, 600};
    int index = CLAMP(attempts - 1, 0, (int)G_N_ELEMENTS(seconds) - 1);
    return (gint64)seconds[index] * G_USEC_PER_SEC;
}

gboolean mnb_job_fail(MnbDb *db, const char *id, const char *code, const char *reason,
                      gboolean may_retry, gint64 now_us, MnbJobState *state, GError **error)
{
    g_autoptr(MnbJob) job = mnb_job_find(db, id, error);
    if (job == NULL)
        return FALSE;
    gboolean again = may_retry && job->attempts < MNB_JOB_ATTEMPTS_MAX;
    /* The reason may quote what a program said of an untrusted file. */
    g_autofree char *valid = g_utf8_make_valid(mnb_text(reason), -1);
    g_autofree char *text = g_utf8_substring(valid, 0, MIN(g_utf8_strlen(valid, -1), REASON_MAX));
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "UPDATE job SET state = ?2, reason_code = ?3, reason = ?4, not_before_us = ?5,"
        " lease_us = NULL, eta_s = NULL, updated_us = ?6 WHERE id = ?1 AND state = 'running'",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_text(stmt, 2, again ? "waiting" : "failed");
    mnb_stmt_bind_text(stmt, 3, code == NULL ? "failed" : code);
    mnb_stmt_bind_text(stmt, 4, text);
    mnb_stmt_bind_int(stmt, 5, again ? now_us + backoff_us(job->attempts) : 0);
    mnb_stmt_bind_int(stmt, 6, now_us);
    if (state != NULL)
        *state = again ? MNB_JOB_WAITING : MNB_JOB_FAILED;
    return mnb_stmt_run(stmt, error) && check_changed(db, id, error);
}

gboolean mnb_job_retry(MnbDb *db, const char *id, gint64 now_us, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "UPDATE job SET state = 'waiting', attempts = 0, not_before_us = 0, lease_us = NULL,"
        " progress_permille = 0, reason_code = NULL, reason = NULL, updated_us = ?2"
        " WHERE id = ?1 AND state IN ('failed', 'cancelled')",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_int(stmt, 2, now_us);
    return mnb_stmt_run(stmt, error) && check_changed(db, id, error);
}

gboolean mnb_job_cancel(MnbDb *db, const char *id, gint64 now_us, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "UPDATE job SET state = 'cancelled', lease_us = NULL, eta_s = NULL, updated_us = ?2"
        " WHERE id = ?1 AND state IN ('waiting', 'running')",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_int(stmt, 2, now_us);
    return mnb_stmt_run(stmt, error) && check_changed(db, id, error);
}

int mnb_job_recover(MnbDb *db, gint64 now_us, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "UPDATE job SET state = 'waiting', attempts = max(attempts - 1, 0), not_before_us = 0,"
        " lease_us = NULL, eta_s = NULL, updated_us = ?1 WHERE state = 'running'",
        error);
    if (stmt == NULL)
        return -1;
    mnb_stmt_bind_int(stmt, 1, now_us);
    return mnb_stmt_run(stmt, error) ? mnb_db_changes(db) : -1;
}
