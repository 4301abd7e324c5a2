#include "pipelines/manager/jobs.h"

#include <string.h>

#include "pipelines/manager/job-plan.h"
#include "pipelines/manager/pipeline-event.h"
#include "pipelines/manager/programs.h"
#include "recordings/session.h"
#include "server/base/error.h"
#include "server/base/log.h"

#define LOOK_S            2                     /* at the table without being told */
#define TELL_US           G_USEC_PER_SEC        /* progress into the table at most so often */
#define RENEW_US          (15 * G_USEC_PER_SEC) /* the lease, when there is no progress */
#define STOP_MS           2500                  /* for a program to clean up */
#define STOP_POLL_MS      20
#define STOP_MAX_US       (3 * G_USEC_PER_SEC)
#define TIMEOUT_DEFAULT_S 1800

struct MnbJobs {
    MnbCatalog *catalog;
    const MnbWalls *walls;
    guint parallel;
    guint memory_mb;
    gint64 timeout_us;
    char *programs[MNB_N_JOB_KINDS];
    const MnbJobsCalls *calls;
    gpointer data;

    GPtrArray *running; /* Running */
    gboolean is_taking;
    gboolean is_kicked; /* while taking: look again */
    gboolean is_stopping;
    guint look_timer;
    guint stop_timer;
    gint64 stop_until_us;
    void (*on_stopped)(gpointer data);
    gpointer stopped_data;
    /* Writes whose done() is to come keep it alive; free() only cuts the line. */
    guint refs;
    gboolean is_freed;
    guint64 n_done[MNB_N_JOB_KINDS];
    guint64 n_failed[MNB_N_JOB_KINDS];
};

/* One program at work. */
typedef struct {
    MnbJobs *jobs;
    MnbJob *job;
    MnbJobPlan *plan;
    char *program;
    MnbChild *child;
    gint64 heard_us;
    gint64 told_us;
    int permille;
    int eta_s;
    gboolean is_changed; /* since it was told */
    gboolean is_dropped; /* cancelled or taken over: its end means nothing */
    gboolean is_stalled; /* killed because it was silent */
    json_t *done;
    char code[MNB_PIPELINE_CODE_MAX];
    char *reason;
} Running;

static void look(MnbJobs *jobs);

static void unref(MnbJobs *jobs)
{
    if (--jobs->refs > 0)
        return;
    for (guint i = 0; i < MNB_N_JOB_KINDS; i++)
        g_free(jobs->programs[i]);
    g_free(jobs);
}

static void free_running(gpointer data)
{
    Running *running = data;
    mnb_child_free(running->child);
    mnb_job_free(running->job);
    mnb_job_plan_free(running->plan);
    g_free(running->program);
    g_free(running->reason);
    json_decref(running->done);
    g_free(running);
}

static void tell_changed(MnbJobs *jobs, const char *job, const char *recording)
{
    if (!jobs->is_freed && jobs->calls != NULL && jobs->calls->on_job_changed != NULL)
        jobs->calls->on_job_changed(job, recording, jobs->data);
}

/* ---------------------------------------------------------------- a job that failed */

typedef struct {
    MnbJobs *jobs;
    char *job;
    char *recording;
    MnbJobKind kind;
    char code[MNB_PIPELINE_CODE_MAX];
    char *reason;
    gboolean may_retry;
    gint64 now_us;
    MnbJobState state; /* result */
} Failure;

static void free_failure(gpointer data)
{
    Failure *failure = data;
    unref(failure->jobs);
    g_free(failure->job);
    g_free(failure->recording);
    g_free(failure->reason);
    g_free(failure);
}

static gboolean write_failure(MnbDb *db, gpointer data, GError **error)
{
    Failure *failure = data;
    return mnb_job_fail(db, failure->job, failure->code, failure->reason, failure->may_retry,
                        failure->now_us, &failure->state, error);
}

static void on_failure_written(const GError *error, gpointer data, gpointer user_data)
{
    Failure *failure = data;
    if (error != NULL) {
        /* Its lease runs out, then it is taken again. */
        MNB_LOG_ERROR("a failed job could not be written down", "job=%s: %s", failure->job,
                      error->message);
        return;
    }
    if (failure->state == MNB_JOB_FAILED)
        failure->jobs->n_failed[failure->kind]++;
    tell_changed(failure->jobs, failure->job, failure->recording);
    if (!failure->jobs->is_freed)
        look(failure->jobs);
}

static void fail(MnbJobs *jobs, const MnbJob *job, const char *code, const char *reason,
                 gboolean may_retry)
{
    Failure *failure = g_new0(Failure, 1);
    jobs->refs++;
    failure->jobs = jobs;
    failure->job = g_strdup(job->id);
    failure->recording = g_strdup(job->recording);
    failure->kind = job->kind;
    g_strlcpy(failure->code, code, sizeof failure->code);
    failure->reason = g_strdup(reason);
    failure->may_retry = may_retry;
    failure->now_us = g_get_real_time();
    MNB_LOG_WARNING("job failed", "job=%s kind=%s recording=%s attempt=%d code=%s retry=%s: %s",
                    job->id, mnb_job_kind_to_string(job->kind), job->recording, job->attempts, code,
                    may_retry ? "yes" : "no", reason);
    mnb_catalog_write(jobs->catalog, write_failure, failure, free_failure, on_failure_written,
                      NULL);
}

/* ---------------------------------------------------------------- a job that is done */

typedef struct {
    MnbJobs *jobs;
    MnbJob *job;
    MnbJobPlan *plan;
    MnbJobResult *result;
} Ending;

static void free_ending(gpointer data)
{
    Ending *ending = data;
    unref(ending->jobs);
    mnb_job_free(ending->job);
    mnb_job_plan_free(ending->plan);
    mnb_job_result_free(ending->result);
    g_free(ending);
}

static gboolean write_ending(MnbDb *db, gpointer data, GError **error)
{
    return mnb_job_result_write(db, ((Ending *)data)->result, error);
}

static void on_ending_written(const GError *error, gpointer data, gpointer user_data)
{
    Ending *ending = data;
    MnbJobs *jobs = ending->jobs;
    const MnbJobResult *result = ending->result;
    if (g_error_matches(error, MNB_ERROR, MNB_ERROR_CONFLICT) ||
        g_error_matches(error, MNB_ERROR, MNB_ERROR_NOT_FOUND)) {
        MNB_LOG_INFO("a job's result is not wanted any more", "job=%s: %s", result->job,
                     error->message);
        return;
    }
    if (error != NULL) {
        fail(jobs, ending->job, mnb_error_name(error), error->message, TRUE);
        return;
    }
    jobs->n_done[result->kind]++;
    MNB_LOG_INFO("job done", "job=%s kind=%s recording=%s", result->job,
                 mnb_job_kind_to_string(result->kind), result->recording);
    mnb_job_result_tidy(ending->plan, result->kind);
    tell_changed(jobs, result->job, result->recording);
    if (result->is_recording_ready) {
        gboolean is_published = result->state == MNB_RECORDING_PUBLISHED;
        MNB_LOG_INFO("recording ready", "recording=%s published=%s", result->recording,
                     is_published ? "yes" : "no");
        if (!jobs->is_freed && jobs->calls != NULL && jobs->calls->on_recording_ready != NULL)
            jobs->calls->on_recording_ready(result->recording, is_published, jobs->data);
    }
    if (!jobs->is_freed)
        look(jobs); /* what came after it */
}

static void complete(Running *running)
{
    MnbJobs *jobs = running->jobs;
    g_autoptr(GError) error = NULL;
    MnbJobResult *result =
        mnb_job_result_new(running->plan, running->job, running->done, g_get_real_time(), &error);
    if (result == NULL) {
        fail(jobs, running->job, mnb_error_name(error), error->message, TRUE);
        return;
    }
    Ending *ending = g_new0(Ending, 1);
    jobs->refs++;
    ending->jobs = jobs;
    ending->job = g_steal_pointer(&running->job);
    ending->plan = g_steal_pointer(&running->plan);
    ending->result = result;
    mnb_catalog_write(jobs->catalog, write_ending, ending, free_ending, on_ending_written, NULL);
}

/* ---------------------------------------------------------------- progress */

typedef struct {
    MnbJobs *jobs;
    char *job;
    char *recording;
    int permille;
    int eta_s;
    gint64 now_us;
} Progress;

static void free_progress(gpointer data)
{
    Progress *progress = data;
    unref(progress->jobs);
    g_free(progress->job);
    g_free(progress->recording);
    g_free(progress);
}

static gboolean write_progress(MnbDb *db, gpointer data, GError **error)
{
    Progress *progress = data;
    return mnb_job_set_progress(db, progress->job, progress->permille, progress->eta_s,
                                MNB_JOB_LEASE_US, progress->now_us, error);
}

static Running *find_running(MnbJobs *jobs, const char *job)
{
    for (guint i = 0; i < jobs->running->len; i++) {
        Running *running = jobs->running->pdata[i];
        if (running->job != NULL && strcmp(running->job->id, job) == 0)
            return running;
    }
    return NULL;
}

static void on_progress_written(const GError *error, gpointer data, gpointer user_data)
{
    Progress *progress = data;
    MnbJobs *jobs = progress->jobs;
    if (error == NULL) {
        tell_changed(jobs, progress->job, progress->recording);
        return;
    }
    Running *running = jobs->is_freed ? NULL : find_running(jobs, progress->job);
    gboolean is_over = g_error_matches(error, MNB_ERROR, MNB_ERROR_CONFLICT) ||
                       g_error_matches(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    if (running == NULL || !is_over) /* a disk that is full now: the next one will do */
        return;
    MNB_LOG_INFO("job is not wanted any more", "job=%s", progress->job);
    running->is_dropped = TRUE;
    mnb_child_stop(running->child);
}

static void tell_progress(Running *running, gint64 now_us)
{
    Progress *progress = g_new0(Progress, 1);
    running->jobs->refs++;
    progress->jobs = running->jobs;
    progress->job = g_strdup(running->job->id);
    progress->recording = g_strdup(running->job->recording);
    progress->permille = running->permille;
    progress->eta_s = running->eta_s;
    progress->now_us = g_get_real_time();
    running->told_us = now_us;
    running->is_changed = FALSE;
    mnb_catalog_write(running->jobs->catalog, write_progress, progress, free_progress,
                      on_progress_written, NULL);
}

/* ---------------------------------------------------------------- the program */

static gboolean prepare(MnbChild *child, MnbChildLaunch *launch, gpointer data, GError **error)
{
    Running *running = data;
    const MnbJobPlan *plan = running->plan;
    mnb_walls_launch(running->jobs->walls, launch, running->program,
                     (const char *const *)plan->reads, (const char *const *)plan->writes,
                     running->jobs->memory_mb);
    for (char **argument = plan->arguments; argument != NULL && *argument != NULL; argument++)
        mnb_child_launch_arg(launch, *argument);
    return TRUE;
}

static void on_failed_event(Running *running, const MnbPipelineEvent *event)
{
    g_strlcpy(running->code, event->code, sizeof running->code);
    g_free(running->reason);
    running->reason = g_strdup(event->reason);
}

static void on_missing_plugin(Running *running, const MnbPipelineEvent *event)
{
    MNB_LOG_ERROR("a pipeline program lacks a GStreamer element", "job=%s element=%s package=%s",
                  running->job->id, event->element, event->package);
}

static void on_line(MnbChild *child, const char *line, gsize length, gpointer data)
{
    Running *running = data;
    gint64 now_us = g_get_monotonic_time();
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbPipelineEvent) event = mnb_pipeline_event_parse(line, length, &error);
    if (event == NULL) {
        MNB_LOG_WARNING("a job's program sent nonsense", "job=%s: %s", running->job->id,
                        error->message);
        return;
    }
    running->heard_us = now_us;
    switch (event->kind) {
    case MNB_PIPELINE_PROGRESS:
        running->is_changed |= event->permille != running->permille;
        running->permille = event->permille;
        running->eta_s = event->eta_s;
        if (running->is_changed && now_us - running->told_us >= TELL_US && !running->is_dropped)
            tell_progress(running, now_us);
        break;
    case MNB_PIPELINE_DONE:
        json_decref(running->done);
        running->done = json_incref(event->object);
        break;
    case MNB_PIPELINE_FAILED:
        on_failed_event(running, event);
        break;
    case MNB_PIPELINE_MISSING_PLUGIN:
        on_missing_plugin(running, event);
        break;
    case MNB_PIPELINE_WARNING:
        MNB_LOG_WARNING("a job's program warns", "job=%s code=%s: %s", running->job->id,
                        event->code, event->reason);
        break;
    default:
        break;
    }
}

static void report_failure(Running *running, int exit_code, int signal_number)
{
    if (exit_code > 128) /* bwrap says so when the program behind it died of a signal */
        signal_number = exit_code - 128;
    if (running->is_stalled) {
        fail(running->jobs, running->job, "stalled", "the program got no further", TRUE);
    } else if (running->code[0] != '\0') {
        fail(running->jobs, running->job, running->code,
             running->reason != NULL ? running->reason : "", mnb_pipeline_may_retry(running->code));
    } else {
        g_autofree char *reason =
            signal_number > 0
                ? g_strdup_printf("the program crashed (signal %d)", signal_number)
                : g_strdup_printf("the program ended without a reason (exit code %d)", exit_code);
        fail(running->jobs, running->job, "crashed", reason, TRUE);
    }
}

static void on_ended(MnbChild *child, int exit_code, int signal_number, gboolean will_restart,
                     gpointer data)
{
    Running *running = data;
    MnbJobs *jobs = running->jobs;
    if (running->is_dropped || jobs->is_stopping)
        MNB_LOG_INFO("job left", "job=%s", running->job->id);
    else if (exit_code == 0 && running->done != NULL)
        complete(running);
    else
        report_failure(running, exit_code, signal_number);
    g_ptr_array_remove_fast(jobs->running, running); /* frees the child as well */
    look(jobs);
}

static const MnbChildCalls child_calls = {
    .prepare = prepare, .on_line = on_line, .on_ended = on_ended};

static const char *find_program(MnbJobs *jobs, MnbJobKind kind, GError **error)
{
    if (jobs->programs[kind] == NULL)
        jobs->programs[kind] = mnb_programs_find(mnb_job_program(kind), error);
    return jobs->programs[kind];
}

/* Returns FALSE with @error: the job is to be failed. */
static gboolean run(MnbJobs *jobs, Running *running, GError **error)
{
    MnbDb *db = mnb_catalog_reader(jobs->catalog);
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, running->job->recording, error);
    if (recording == NULL)
        return FALSE;
    running->plan =
        mnb_job_plan_new(db, mnb_catalog_store(jobs->catalog), recording, running->job, error);
    if (running->plan == NULL)
        return FALSE;
    const char *program = find_program(jobs, running->job->kind, error);
    if (program == NULL)
        return FALSE;
    g_autofree char *name =
        g_strdup_printf("%s-%.8s", mnb_job_kind_to_string(running->job->kind), running->job->id);
    running->program = g_strdup(program);
    running->child = mnb_child_new(
        &(MnbChildOptions){
            .name = name, .has_stdin = TRUE, .ends_by_stdin = TRUE, .stop_ms = STOP_MS},
        &child_calls, running);
    if (!mnb_child_start(running->child, error))
        return FALSE;
    running->heard_us = running->told_us = g_get_monotonic_time();
    return running->plan->line == NULL || mnb_child_write_line(running->child, running->plan->line);
}

static void begin(MnbJobs *jobs, MnbJob *job)
{
    g_autoptr(GError) error = NULL;
    Running *running = g_new0(Running, 1);
    running->jobs = jobs;
    running->job = job;
    running->eta_s = -1;
    MNB_LOG_INFO("job begins", "job=%s kind=%s recording=%s attempt=%d", job->id,
                 mnb_job_kind_to_string(job->kind), job->recording, job->attempts);
    if (run(jobs, running, &error)) {
        g_ptr_array_add(jobs->running, running);
        tell_changed(jobs, job->id, job->recording);
        return;
    }
    gboolean may_retry = !g_error_matches(error, MNB_ERROR, MNB_ERROR_INVALID) &&
                         !g_error_matches(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    fail(jobs, job, mnb_error_name(error),
         error != NULL ? error->message : "the program could not be told its job", may_retry);
    free_running(running);
}

/* ---------------------------------------------------------------- taking from the table */

typedef struct {
    MnbJobs *jobs;
    MnbJob *job; /* result */
} Take;

static void free_take(gpointer data)
{
    Take *take = data;
    mnb_job_free(take->job);
    unref(take->jobs);
    g_free(take);
}

static gboolean write_take(MnbDb *db, gpointer data, GError **error)
{
    Take *take = data;
    g_clear_pointer(&take->job, mnb_job_free); /* of a batch that could not be committed */
    return mnb_job_take(db, MNB_JOB_ALL_KINDS, MNB_JOB_LEASE_US, g_get_real_time(), &take->job,
                        error);
}

static void on_taken(const GError *error, gpointer data, gpointer user_data)
{
    Take *take = data;
    MnbJobs *jobs = take->jobs;
    jobs->is_taking = FALSE;
    if (jobs->is_freed || jobs->is_stopping) /* it stays `running`: the next start takes it again */
        return;
    if (error != NULL) {
        MNB_LOG_WARNING("no job could be taken", "reason=%s", error->message);
        return; /* the timer looks again */
    }
    gboolean is_found = take->job != NULL;
    if (is_found)
        begin(jobs, g_steal_pointer(&take->job));
    if (is_found || jobs->is_kicked)
        look(jobs);
}

static void look(MnbJobs *jobs)
{
    if (jobs->is_taking) {
        jobs->is_kicked = TRUE;
        return;
    }
    if (jobs->look_timer == 0 || jobs->is_stopping || jobs->running->len >= jobs->parallel)
        return;
    Take *take = g_new0(Take, 1);
    jobs->refs++;
    take->jobs = jobs;
    jobs->is_taking = TRUE;
    jobs->is_kicked = FALSE;
    mnb_catalog_write(jobs->catalog, write_take, take, free_take, on_taken, NULL);
}

static gboolean on_look(gpointer data)
{
    MnbJobs *jobs = data;
    gint64 now_us = g_get_monotonic_time();
    for (guint i = 0; i < jobs->running->len; i++) {
        Running *running = jobs->running->pdata[i];
        if (running->is_dropped)
            continue;
        if (now_us - running->heard_us > jobs->timeout_us && !running->is_stalled) {
            running->is_stalled = TRUE;
            mnb_child_kill(running->child);
        } else if (running->is_changed || now_us - running->told_us > RENEW_US) {
            tell_progress(running, now_us);
        }
    }
    look(jobs);
    return G_SOURCE_CONTINUE;
}

/* ---------------------------------------------------------------- recovery */

/* A recording left behind: its session is over (or gone), but nothing was made of it. */
static gboolean adopt(MnbDb *db, const MnbRecording *recording, gint64 now_us, GError **error)
{
    if (recording->origin != MNB_ORIGIN_SESSION)
        return TRUE;
    if (recording->session != NULL) {
        g_autoptr(MnbSession) session = mnb_session_find(db, recording->session, NULL);
        if (session != NULL && session->state != MNB_SESSION_ENDED)
            return TRUE; /* the room goes on with it */
    }
    g_autoptr(GPtrArray) parts = mnb_part_list(db, recording->id, error);
    if (parts == NULL)
        return FALSE;
    if (parts->len == 0)
        return TRUE; /* nothing was captured */
    MNB_LOG_INFO("recording recovered", "recording=%s parts=%u", recording->id, parts->len);
    return mnb_jobs_insert_chain(db, recording->id, now_us, error);
}

static gboolean write_recovery(MnbDb *db, gpointer data, GError **error)
{
    gint64 now_us = g_get_real_time();
    int n_again = mnb_job_recover(db, now_us, error);
    if (n_again < 0)
        return FALSE;
    if (n_again > 0)
        MNB_LOG_INFO("jobs of an earlier run wait again", "jobs=%d", n_again);
    g_autoptr(GPtrArray) cut = mnb_part_mark_cut(db, error);
    if (cut == NULL)
        return FALSE;
    if (cut->len > 0)
        MNB_LOG_WARNING("recordings were cut off", "parts=%u", cut->len);
    g_autoptr(GPtrArray) drafts = mnb_recording_list_in_state(db, MNB_RECORDING_DRAFT, error);
    if (drafts == NULL)
        return FALSE;
    for (guint i = 0; i < drafts->len; i++) {
        if (!adopt(db, drafts->pdata[i], now_us, error))
            return FALSE;
    }
    return TRUE;
}

gboolean mnb_jobs_recover(MnbJobs *jobs, GError **error)
{
    return mnb_catalog_write_sync(jobs->catalog, write_recovery, jobs, error);
}

/* ---------------------------------------------------------------- life */

MnbJobs *mnb_jobs_new(const MnbJobsOptions *options, const MnbJobsCalls *calls, gpointer data)
{
    MnbJobs *jobs = g_new0(MnbJobs, 1);
    jobs->refs = 1;
    jobs->catalog = options->catalog;
    jobs->walls = options->walls;
    jobs->parallel = options->parallel;
    jobs->memory_mb = options->memory_mb;
    jobs->timeout_us =
        (options->timeout_s != 0 ? options->timeout_s : TIMEOUT_DEFAULT_S) * G_USEC_PER_SEC;
    for (guint i = 0; i < MNB_N_JOB_KINDS; i++)
        jobs->programs[i] = g_strdup(options->programs[i]);
    jobs->calls = calls;
    jobs->data = data;
    jobs->running = g_ptr_array_new_with_free_func(free_running);
    return jobs;
}

void mnb_jobs_free(MnbJobs *jobs)
{
    if (jobs == NULL)
        return;
    jobs->is_freed = TRUE;
    if (jobs->look_timer != 0)
        g_source_remove(jobs->look_timer);
    if (jobs->stop_timer != 0)
        g_source_remove(jobs->stop_timer);
    g_ptr_array_unref(jobs->running);
    unref(jobs);
}

void mnb_jobs_start(MnbJobs *jobs)
{
    g_return_if_fail(jobs->look_timer == 0);
    jobs->look_timer = g_timeout_add_seconds(LOOK_S, on_look, jobs);
    look(jobs);
}

void mnb_jobs_kick(MnbJobs *jobs)
{
    look(jobs);
}

static gboolean on_stop_poll(gpointer data)
{
    MnbJobs *jobs = data;
    if (jobs->running->len > 0 && g_get_monotonic_time() < jobs->stop_until_us)
        return G_SOURCE_CONTINUE;
    jobs->stop_timer = 0;
    jobs->on_stopped(jobs->stopped_data);
    return G_SOURCE_REMOVE;
}

void mnb_jobs_stop(MnbJobs *jobs, void (*done)(gpointer data), gpointer data)
{
    g_return_if_fail(!jobs->is_stopping);
    jobs->is_stopping = TRUE;
    if (jobs->look_timer != 0)
        g_source_remove(jobs->look_timer);
    jobs->look_timer = 0;
    for (guint i = 0; i < jobs->running->len; i++)
        mnb_child_stop(((Running *)jobs->running->pdata[i])->child);
    jobs->on_stopped = done;
    jobs->stopped_data = data;
    jobs->stop_until_us = g_get_monotonic_time() + STOP_MAX_US;
    jobs->stop_timer = g_timeout_add(STOP_POLL_MS, on_stop_poll, jobs);
}

guint mnb_jobs_count_running(const MnbJobs *jobs)
{
    return jobs->running->len;
}

void mnb_jobs_write_metrics(MnbJobs *jobs, GString *out)
{
    g_string_append_printf(out,
                           "# HELP manabi_jobs_running Pipeline programs at work\n"
                           "# TYPE manabi_jobs_running gauge\n"
                           "manabi_jobs_running %u\n",
                           jobs->running->len);
    g_string_append(out, "# HELP manabi_jobs_done_total Jobs that succeeded\n"
                         "# TYPE manabi_jobs_done_total counter\n");
    for (guint i = 0; i < MNB_N_JOB_KINDS; i++)
        g_string_append_printf(out, "manabi_jobs_done_total{kind=\"%s\"} %" G_GUINT64_FORMAT "\n",
                               mnb_job_kind_to_string(i), jobs->n_done[i]);
    g_string_append(out, "# HELP manabi_jobs_failed_total Jobs that were given up\n"
                         "# TYPE manabi_jobs_failed_total counter\n");
    for (guint i = 0; i < MNB_N_JOB_KINDS; i++)
        g_string_append_printf(out, "manabi_jobs_failed_total{kind=\"%s\"} %" G_GUINT64_FORMAT "\n",
                               mnb_job_kind_to_string(i), jobs->n_failed[i]);
}
