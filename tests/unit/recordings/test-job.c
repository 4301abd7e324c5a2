#include "recordings/job.h"

#include "recordings/recording.h"
#include "server/base/error.h"
#include "tests/unit/recordings/fixture.h"

#define SECOND_US G_GINT64_CONSTANT(1000000)

typedef struct {
    Fixture base;
    MnbDb *db;
    char *recording;
} Jobs;

static void open_jobs(Jobs *jobs)
{
    g_autoptr(GError) error = NULL;
    fixture_open_db(&jobs->base);
    jobs->db = jobs->base.db;
    g_autoptr(MnbRecording) recording = fixture_recording("Title", "");
    mnb_recording_insert(jobs->db, recording, NOW_US, &error);
    g_assert_no_error(error);
    jobs->recording = g_strdup(recording->id);
}

static void close_jobs(Jobs *jobs)
{
    g_free(jobs->recording);
    fixture_close(&jobs->base);
}

static char *add(Jobs *jobs, MnbJobKind kind, const char *after, gint64 now_us)
{
    g_autoptr(GError) error = NULL;
    char *id =
        mnb_job_insert(jobs->db, kind, jobs->recording, "{\"height\":720}", after, now_us, &error);
    g_assert_no_error(error);
    return id;
}

static MnbJob *take(Jobs *jobs, guint kinds, gint64 now_us)
{
    g_autoptr(GError) error = NULL;
    MnbJob *job;
    g_assert_true(mnb_job_take(jobs->db, kinds, 60 * SECOND_US, now_us, &job, &error));
    g_assert_no_error(error);
    return job;
}

static MnbJobState state_of(Jobs *jobs, const char *id)
{
    g_autoptr(MnbJob) job = mnb_job_find(jobs->db, id, NULL);
    return job->state;
}

static void test_runs(void)
{
    g_autoptr(GError) error = NULL;
    Jobs jobs;
    open_jobs(&jobs);
    g_autofree char *first = add(&jobs, MNB_JOB_COMPOSE, NULL, NOW_US);
    g_autofree char *second = add(&jobs, MNB_JOB_STILLS, NULL, NOW_US);
    g_autoptr(MnbJob) job = take(&jobs, MNB_JOB_ALL_KINDS, NOW_US + 2);
    g_assert_cmpstr(job->id, ==, first);
    g_assert_cmpint(job->state, ==, MNB_JOB_RUNNING);
    g_assert_cmpint(job->attempts, ==, 1);
    g_assert_cmpstr(job->spec, ==, "{\"height\":720}");
    g_assert_true(
        mnb_job_set_progress(jobs.db, first, 430, 12, 60 * SECOND_US, NOW_US + 3, &error));
    g_autoptr(MnbJob) other = take(&jobs, MNB_JOB_ALL_KINDS, NOW_US + 4);
    g_assert_cmpstr(other->id, ==, second);
    g_autoptr(MnbJob) none = take(&jobs, MNB_JOB_ALL_KINDS, NOW_US + 4);
    g_assert_null(none);
    MnbProgress progress;
    g_assert_true(mnb_recording_progress(jobs.db, jobs.recording, &progress, &error));
    g_assert_cmpint(progress.n_jobs, ==, 2);
    g_assert_cmpint(progress.n_open, ==, 2);
    g_assert_cmpint(progress.permille, ==, 215);
    g_assert_cmpint(progress.eta_s, ==, 12);
    g_assert_true(mnb_job_finish(jobs.db, first, "{\"duration_us\":1}", NOW_US + 5, &error));
    g_assert_true(mnb_job_finish(jobs.db, first, "{\"duration_us\":1}", NOW_US + 6, &error));
    g_autoptr(MnbJob) done = mnb_job_find(jobs.db, first, &error);
    g_assert_cmpint(done->state, ==, MNB_JOB_DONE);
    g_assert_cmpint(done->progress_permille, ==, 1000);
    g_assert_cmpstr(done->result, ==, "{\"duration_us\":1}");
    guint total;
    g_autoptr(GPtrArray) list = mnb_job_list(jobs.db, NULL, 0, 10, &total, &error);
    g_assert_cmpint(total, ==, 2);
    g_assert_cmpstr(((MnbJob *)list->pdata[0])->id, ==, second);
    close_jobs(&jobs);
}

static void test_order(void)
{
    g_autoptr(GError) error = NULL;
    Jobs jobs;
    open_jobs(&jobs);
    g_autofree char *compose = add(&jobs, MNB_JOB_COMPOSE, NULL, NOW_US);
    g_autofree char *transcode = add(&jobs, MNB_JOB_TRANSCODE, compose, NOW_US);
    g_assert_null(
        mnb_job_insert(jobs.db, MNB_JOB_STILLS, jobs.recording, "{}", "none", NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_autoptr(MnbJob) blocked = take(&jobs, 1u << MNB_JOB_TRANSCODE, NOW_US);
    g_assert_null(blocked);
    g_autoptr(MnbJob) first = take(&jobs, MNB_JOB_ALL_KINDS, NOW_US);
    g_assert_cmpstr(first->id, ==, compose);
    g_autoptr(MnbJob) still_blocked = take(&jobs, MNB_JOB_ALL_KINDS, NOW_US);
    g_assert_null(still_blocked);
    g_assert_true(mnb_job_finish(jobs.db, compose, NULL, NOW_US, &error));
    g_autoptr(MnbJob) second = take(&jobs, MNB_JOB_ALL_KINDS, NOW_US);
    g_assert_cmpstr(second->id, ==, transcode);
    close_jobs(&jobs);
}

static void test_lease(void)
{
    g_autoptr(GError) error = NULL;
    Jobs jobs;
    open_jobs(&jobs);
    g_autofree char *id = add(&jobs, MNB_JOB_COMPOSE, NULL, NOW_US);
    gint64 now_us = NOW_US;
    g_assert_cmpint(mnb_job_next_time(jobs.db, now_us, &error), ==, now_us);
    for (int attempt = 1; attempt <= MNB_JOB_ATTEMPTS_MAX; attempt++) {
        g_autoptr(MnbJob) job = take(&jobs, MNB_JOB_ALL_KINDS, now_us);
        g_assert_cmpint(job->attempts, ==, attempt);
        g_autoptr(MnbJob) none = take(&jobs, MNB_JOB_ALL_KINDS, now_us + 59 * SECOND_US);
        g_assert_null(none);
        g_assert_cmpint(mnb_job_next_time(jobs.db, now_us, &error), ==, now_us + 60 * SECOND_US);
        now_us += 60 * SECOND_US;
    }
    g_autoptr(MnbJob) none = take(&jobs, MNB_JOB_ALL_KINDS, now_us);
    g_assert_null(none);
    g_autoptr(MnbJob) lost = mnb_job_find(jobs.db, id, &error);
    g_assert_cmpint(lost->state, ==, MNB_JOB_FAILED);
    g_assert_cmpstr(lost->reason_code, ==, "lost");
    g_assert_cmpint(mnb_job_next_time(jobs.db, now_us, &error), ==, 0);
    close_jobs(&jobs);
}

static void test_renewed_lease(void)
{
    g_autoptr(GError) error = NULL;
    Jobs jobs;
    open_jobs(&jobs);
    g_autofree char *id = add(&jobs, MNB_JOB_COMPOSE, NULL, NOW_US);
    mnb_job_free(take(&jobs, MNB_JOB_ALL_KINDS, NOW_US));
    g_assert_true(mnb_job_set_progress(jobs.db, id, 5000, -1, 60 * SECOND_US,
                                       NOW_US + 50 * SECOND_US, &error));
    g_autoptr(MnbJob) none = take(&jobs, MNB_JOB_ALL_KINDS, NOW_US + 100 * SECOND_US);
    g_assert_null(none);
    g_autoptr(MnbJob) found = mnb_job_find(jobs.db, id, &error);
    g_assert_cmpint(found->progress_permille, ==, 1000);
    g_assert_cmpint(found->eta_s, ==, -1);
    close_jobs(&jobs);
}

static void test_fails(void)
{
    static const gint64 waits[] = {10, 60, 600};
    g_autoptr(GError) error = NULL;
    Jobs jobs;
    open_jobs(&jobs);
    g_autofree char *id = add(&jobs, MNB_JOB_TRANSCODE, NULL, NOW_US);
    gint64 now_us = NOW_US;
    MnbJobState state;
    for (guint i = 0; i < G_N_ELEMENTS(waits); i++) {
        g_autoptr(MnbJob) job = take(&jobs, MNB_JOB_ALL_KINDS, now_us);
        g_assert_nonnull(job);
        g_assert_true(
            mnb_job_fail(jobs.db, id, "crashed", "signal 11 \xff", TRUE, now_us, &state, &error));
        g_assert_cmpint(state, ==, MNB_JOB_WAITING);
        g_autoptr(MnbJob) early = take(&jobs, MNB_JOB_ALL_KINDS, now_us + waits[i] * SECOND_US - 1);
        g_assert_null(early);
        now_us += waits[i] * SECOND_US;
    }
    g_autoptr(MnbJob) last = take(&jobs, MNB_JOB_ALL_KINDS, now_us);
    g_assert_cmpint(last->attempts, ==, MNB_JOB_ATTEMPTS_MAX);
    g_assert_true(mnb_job_fail(jobs.db, id, "crashed", NULL, TRUE, now_us, &state, &error));
    g_assert_cmpint(state, ==, MNB_JOB_FAILED);
    MnbProgress progress;
    g_assert_true(mnb_recording_progress(jobs.db, jobs.recording, &progress, &error));
    g_assert_cmpstr(progress.reason_code, ==, "crashed");
    g_assert_cmpint(progress.n_open, ==, 0);
    mnb_progress_clear(&progress);
    g_assert_true(mnb_job_retry(jobs.db, id, now_us, &error));
    g_assert_false(mnb_job_retry(jobs.db, id, now_us, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_CONFLICT);
    g_clear_error(&error);
    g_autoptr(MnbJob) again = take(&jobs, MNB_JOB_ALL_KINDS, now_us);
    g_assert_cmpint(again->attempts, ==, 1);
    g_assert_true(
        mnb_job_fail(jobs.db, id, "bad-media", "not a film", FALSE, now_us, &state, &error));
    g_assert_cmpint(state, ==, MNB_JOB_FAILED);
    close_jobs(&jobs);
}

static void test_cancel(void)
{
    g_autoptr(GError) error = NULL;
    Jobs jobs;
    open_jobs(&jobs);
    g_autofree char *id = add(&jobs, MNB_JOB_COMPOSE, NULL, NOW_US);
    mnb_job_free(take(&jobs, MNB_JOB_ALL_KINDS, NOW_US));
    g_assert_true(mnb_job_cancel(jobs.db, id, NOW_US, &error));
    g_assert_false(mnb_job_set_progress(jobs.db, id, 1, 1, SECOND_US, NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_CONFLICT);
    g_clear_error(&error);
    g_assert_false(mnb_job_finish(jobs.db, id, NULL, NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_CONFLICT);
    g_clear_error(&error);
    g_assert_false(mnb_job_cancel(jobs.db, id, NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_CONFLICT);
    g_clear_error(&error);
    g_assert_false(mnb_job_finish(jobs.db, "none", NULL, NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    g_assert_cmpint(state_of(&jobs, id), ==, MNB_JOB_CANCELLED);
    close_jobs(&jobs);
}

static void test_recover(void)
{
    g_autoptr(GError) error = NULL;
    Jobs jobs;
    open_jobs(&jobs);
    g_autofree char *running = add(&jobs, MNB_JOB_COMPOSE, NULL, NOW_US);
    g_autofree char *waiting = add(&jobs, MNB_JOB_STILLS, NULL, NOW_US);
    mnb_job_free(take(&jobs, 1u << MNB_JOB_COMPOSE, NOW_US));
    g_assert_cmpint(mnb_job_recover(jobs.db, NOW_US + 1, &error), ==, 1);
    g_assert_cmpint(state_of(&jobs, running), ==, MNB_JOB_WAITING);
    g_assert_cmpint(state_of(&jobs, waiting), ==, MNB_JOB_WAITING);
    g_autoptr(MnbJob) again = take(&jobs, 1u << MNB_JOB_COMPOSE, NOW_US + 1);
    g_assert_cmpint(again->attempts, ==, 1); /* the server stopped, not the job failed */
    close_jobs(&jobs);
}

static void test_refuses(void)
{
    g_autoptr(GError) error = NULL;
    Jobs jobs;
    open_jobs(&jobs);
    g_assert_null(
        mnb_job_insert(jobs.db, MNB_JOB_REPAIR, jobs.recording, "[]", NULL, NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_null(mnb_job_insert(jobs.db, MNB_JOB_REPAIR, "none", "{}", NULL, NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    close_jobs(&jobs);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recordings/job/runs-oldest-first-and-finishes-once", test_runs);
    g_test_add_func("/recordings/job/waits-for-the-one-before", test_order);
    g_test_add_func("/recordings/job/is-taken-again-when-its-lease-is-over", test_lease);
    g_test_add_func("/recordings/job/keeps-its-lease-while-it-makes-progress", test_renewed_lease);
    g_test_add_func("/recordings/job/waits-longer-after-each-failure", test_fails);
    g_test_add_func("/recordings/job/stops-when-cancelled", test_cancel);
    g_test_add_func("/recordings/job/starts-again-after-a-restart", test_recover);
    g_test_add_func("/recordings/job/refuses-bad-specs", test_refuses);
    return g_test_run();
}
