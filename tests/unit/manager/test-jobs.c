#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "pipelines/manager/job-plan.h"
#include "pipelines/manager/jobs.h"
#include "pipelines/manager/trees.h"
#include "recordings/event.h"
#include "recordings/recording.h"
#include "recordings/session-log.h"
#include "recordings/session.h"
#include "server/base/error.h"

typedef struct {
    char *state_dir;
    MnbStore *store;
    MnbCatalog *catalog;
    MnbJobs *jobs;
    guint n_changed;
    guint n_ready;
    gboolean is_published;
} Fixture;

static void on_job_changed(const char *job, const char *recording, gpointer data)
{
    ((Fixture *)data)->n_changed++;
}

static void on_recording_ready(const char *recording, gboolean is_published, gpointer data)
{
    Fixture *fixture = data;
    fixture->n_ready++;
    fixture->is_published = is_published;
}

static const MnbJobsCalls calls = {on_job_changed, on_recording_ready};

static void set_up(Fixture *fixture, gconstpointer data)
{
    const char *fake = g_getenv("MANABI_FAKE_JOB");
    g_autoptr(GError) error = NULL;
    fixture->state_dir = g_dir_make_tmp("manabi-test-XXXXXX", NULL);
    fixture->store = mnb_store_new(fixture->state_dir, &error);
    g_assert_no_error(error);
    fixture->catalog = mnb_catalog_open(fixture->store, MNB_CATALOG_NO_FLAGS, &error);
    g_assert_no_error(error);
    fixture->jobs = mnb_jobs_new(&(MnbJobsOptions){.catalog = fixture->catalog,
                                                   .parallel = 1,
                                                   .programs = {fake, fake, fake, fake}},
                                 &calls, fixture);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    mnb_jobs_free(fixture->jobs);
    mnb_catalog_close(fixture->catalog);
    mnb_store_free(fixture->store);
    g_assert_cmpint(mnb_tree_remove(fixture->state_dir), ==, 0);
    g_free(fixture->state_dir);
}

static gboolean on_too_long(gpointer data)
{
    g_error("it did not happen within 20 s");
    return G_SOURCE_REMOVE;
}

/* Until the job is in that state. Returns (owned): the row. */
static MnbJob *wait_job(Fixture *fixture, const char *id, MnbJobState state)
{
    guint timer = g_timeout_add_seconds(20, on_too_long, NULL);
    MnbJob *job = mnb_job_find(mnb_catalog_reader(fixture->catalog), id, NULL);
    while (job->state != state) {
        mnb_job_free(job);
        g_main_context_iteration(NULL, TRUE);
        job = mnb_job_find(mnb_catalog_reader(fixture->catalog), id, NULL);
    }
    g_source_remove(timer);
    return job;
}

static void wait_until(const guint *value, guint target)
{
    guint timer = g_timeout_add_seconds(20, on_too_long, NULL);
    while (*value < target)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}

typedef struct {
    const char *title;
    gboolean is_published; /* when ready */
    MnbOrigin origin;
    MnbJobKind kind; /* of the one job; MNB_N_JOB_KINDS: the chain of a session */
    char *recording;
    char *folder;
    char *job;
} Wanted;

static gboolean write_recording(MnbDb *db, gpointer data, GError **error)
{
    Wanted *wanted = data;
    gint64 now_us = g_get_real_time();
    const char *const languages[] = {"en", NULL};
    g_autoptr(MnbRecording) recording = mnb_recording_new();
    recording->area = g_strdup("disaster-risk-management");
    recording->city = g_strdup("40100");
    recording->title_en = g_strdup(wanted->title);
    recording->languages = g_strdupv((char **)languages);
    recording->origin = wanted->origin;
    recording->audience = MNB_AUDIENCE_PUBLIC;
    recording->publish_when_ready = wanted->is_published;
    recording->recorded_us = now_us;
    if (!mnb_recording_insert(db, recording, now_us, error))
        return FALSE;
    wanted->recording = g_strdup(recording->id);
    wanted->folder = g_strdup(recording->folder);
    if (wanted->kind == MNB_N_JOB_KINDS)
        return mnb_part_begin(db, recording->id, now_us, error) == 1;
    wanted->job = mnb_job_insert(db, wanted->kind, recording->id,
                                 "{\"input\":\"/elsewhere/source\"}", NULL, now_us, error);
    return wanted->job != NULL &&
           mnb_recording_set_state(db, recording->id, MNB_RECORDING_PROCESSING, now_us, error);
}

/* A recording with its folder, an imported film in it, and its job. */
static void make_recording(Fixture *fixture, Wanted *wanted)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(mnb_catalog_write_sync(fixture->catalog, write_recording, wanted, &error));
    g_assert_no_error(error);
    g_assert_true(mnb_store_create_recording(fixture->store, wanted->folder, &error));
    g_autofree char *path =
        mnb_store_recording_path(fixture->store, wanted->folder, "source", NULL);
    g_assert_true(g_file_set_contents(path, "film", -1, NULL));
}

static void clear(Wanted *wanted)
{
    g_free(wanted->recording);
    g_free(wanted->folder);
    g_free(wanted->job);
}

static char *read_file(Fixture *fixture, const Wanted *wanted, const char *name)
{
    char *text = NULL;
    g_autofree char *path = mnb_store_recording_path(fixture->store, wanted->folder, name, NULL);
    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

static gboolean exists(Fixture *fixture, const Wanted *wanted, const char *name)
{
    g_autofree char *path = mnb_store_recording_path(fixture->store, wanted->folder, name, NULL);
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static MnbRecordingState state_of(Fixture *fixture, const Wanted *wanted)
{
    g_autoptr(MnbRecording) recording =
        mnb_recording_find(mnb_catalog_reader(fixture->catalog), wanted->recording, NULL);
    return recording->state;
}

static void test_publishes_an_import(Fixture *fixture, gconstpointer data)
{
    Wanted wanted = {"Landslide walls", TRUE, MNB_ORIGIN_IMPORT, MNB_JOB_TRANSCODE};
    make_recording(fixture, &wanted);
    mnb_jobs_start(fixture->jobs);
    wait_until(&fixture->n_ready, 1);
    g_assert_true(fixture->is_published);
    g_assert_cmpint(state_of(fixture, &wanted), ==, MNB_RECORDING_PUBLISHED);
    MnbDb *db = mnb_catalog_reader(fixture->catalog);
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, wanted.recording, NULL);
    g_assert_cmpint(recording->duration_us, ==, 61000000);
    g_assert_cmpint(recording->height, ==, 720);
    g_autoptr(GPtrArray) renditions = mnb_rendition_list(db, wanted.recording, NULL);
    g_assert_cmpuint(renditions->len, ==, 4); /* master, 720p, video.mp4, poster */
    g_assert_true(exists(fixture, &wanted, "media/master.m3u8"));
    g_assert_false(exists(fixture, &wanted, "media.next"));
    g_assert_true(exists(fixture, &wanted, "source"));
    g_autofree char *told = read_file(fixture, &wanted, "told");
    g_autofree char *input =
        mnb_store_recording_path(fixture->store, wanted.folder, "source", NULL);
    g_assert_nonnull(strstr(told, input)); /* not /elsewhere */
    clear(&wanted);
}

static gboolean write_end_of_session(MnbDb *db, gpointer data, GError **error)
{
    return mnb_jobs_insert_chain(db, data, g_get_real_time(), error) &&
           mnb_jobs_insert_chain(db, data, g_get_real_time(), error); /* once more is nothing */
}

static void test_makes_a_film_of_a_session(Fixture *fixture, gconstpointer data)
{
    Wanted wanted = {"Town walk", FALSE, MNB_ORIGIN_SESSION, MNB_N_JOB_KINDS};
    make_recording(fixture, &wanted);
    g_assert_true(
        mnb_catalog_write_sync(fixture->catalog, write_end_of_session, wanted.recording, NULL));
    mnb_jobs_start(fixture->jobs);
    wait_until(&fixture->n_ready, 1);
    g_assert_false(fixture->is_published);
    g_assert_cmpint(state_of(fixture, &wanted), ==, MNB_RECORDING_REVIEW);
    g_autofree char *steps = read_file(fixture, &wanted, "steps");
    g_assert_cmpstr(steps, ==, "repair\ncompose\ntranscode\n");
    clear(&wanted);
}

/* What a killed server leaves: a part that is being written, of a session that is over. */
static void test_recovers_a_recording_left_behind(Fixture *fixture, gconstpointer data)
{
    Wanted wanted = {"Town walk", TRUE, MNB_ORIGIN_SESSION, MNB_N_JOB_KINDS};
    g_autoptr(GError) error = NULL;
    make_recording(fixture, &wanted);
    g_assert_true(mnb_jobs_recover(fixture->jobs, &error));
    g_assert_no_error(error);
    g_assert_cmpint(state_of(fixture, &wanted), ==, MNB_RECORDING_PROCESSING);
    mnb_jobs_start(fixture->jobs);
    wait_until(&fixture->n_ready, 1);
    g_autoptr(GPtrArray) parts =
        mnb_part_list(mnb_catalog_reader(fixture->catalog), wanted.recording, NULL);
    g_assert_cmpint(((MnbPart *)parts->pdata[0])->state, ==, MNB_PART_REPAIRED);
    clear(&wanted);
}

/* Aya agreed and took it back, Ben agreed, Chi was never asked. */
static gboolean write_session(MnbDb *db, gpointer data, GError **error)
{
    Wanted *wanted = data;
    gint64 now_us = g_get_real_time();
    g_autoptr(MnbEvent) event = mnb_event_new();
    event->kind = MNB_EVENT_SITE_VISIT;
    event->title_en = g_strdup(wanted->title);
    event->area = g_strdup("disaster-risk-management");
    event->city = g_strdup("40100");
    event->starts_us = now_us;
    event->duration_s = 600;
    event->time_zone = g_strdup("Asia/Tokyo");
    event->languages = g_strsplit("en", ",", 0);
    const MnbLogEntry entries[] = {
        {1, now_us, "peer-joined", "aya", "{\"name\":\"Aya\",\"consent\":\"yes\"}"},
        {2, now_us, "peer-joined", "ben", "{\"name\":\"Ben\"}"},
        {3, now_us, "peer-joined", "chi", "{\"name\":\"Chi\"}"},
        {4, now_us, "peer-consent", "ben", "{\"answer\":\"yes\"}"},
        {5, now_us, "peer-renamed", "ben", "{\"name\":\"Ben of Kobe\"}"},
        {6, now_us, "peer-consent", "aya", "{\"answer\":\"no\"}"},
    };
    if (!mnb_event_insert(db, event, now_us, error) ||
        !mnb_session_log_append(db, event->session, entries, G_N_ELEMENTS(entries), error))
        return FALSE;
    g_autoptr(MnbRecording) recording =
        mnb_recording_insert_for_session(db, event->session, now_us, error);
    if (recording == NULL || mnb_part_begin(db, recording->id, now_us, error) != 1)
        return FALSE;
    wanted->recording = g_strdup(recording->id);
    wanted->folder = g_strdup(recording->folder);
    return mnb_session_set_state(db, event->session, MNB_SESSION_ENDED, now_us, error);
}

static json_t *spec_of(Fixture *fixture, const char *recording, MnbJobKind kind)
{
    g_autoptr(GPtrArray) jobs =
        mnb_job_list(mnb_catalog_reader(fixture->catalog), recording, 0, 10, NULL, NULL);
    for (guint i = 0; i < jobs->len; i++)
        if (((MnbJob *)jobs->pdata[i])->kind == kind)
            return json_loads(((MnbJob *)jobs->pdata[i])->spec, 0, NULL);
    g_error("there is no job of kind %d among %u", kind, jobs->len);
}

static void test_forgets_who_did_not_agree(Fixture *fixture, gconstpointer data)
{
    Wanted wanted = {.title = "Town walk"};
    g_autoptr(GError) error = NULL;
    g_assert_true(mnb_catalog_write_sync(fixture->catalog, write_session, &wanted, &error));
    g_assert_no_error(error);
    g_assert_true(mnb_jobs_recover(fixture->jobs, &error));
    g_assert_no_error(error);
    json_t *repair = spec_of(fixture, wanted.recording, MNB_JOB_REPAIR);
    json_t *compose = spec_of(fixture, wanted.recording, MNB_JOB_COMPOSE);
    json_t *names = json_pack("{s:{s:s}}", "names", "ben", "Ben of Kobe");
    g_autofree char *told = json_dumps(repair, JSON_COMPACT);
    g_assert_cmpuint(json_array_size(json_object_get(repair, "forget")), ==, 2);
    g_assert_nonnull(strstr(told, "\"aya\""));
    g_assert_nonnull(strstr(told, "\"chi\""));
    g_assert_true(json_equal(compose, names));
    json_decref(repair);
    json_decref(compose);
    json_decref(names);
    clear(&wanted);
}

static void test_gives_a_film_that_is_none_no_second_try(Fixture *fixture, gconstpointer data)
{
    Wanted wanted = {"not a film", TRUE, MNB_ORIGIN_IMPORT, MNB_JOB_TRANSCODE};
    make_recording(fixture, &wanted);
    mnb_jobs_start(fixture->jobs);
    g_autoptr(MnbJob) job = wait_job(fixture, wanted.job, MNB_JOB_FAILED);
    g_assert_cmpint(job->attempts, ==, 1);
    g_assert_cmpstr(job->reason_code, ==, "not-a-film");
    g_assert_cmpstr(job->reason, ==, "the bytes are no film");
    g_assert_cmpint(state_of(fixture, &wanted), ==, MNB_RECORDING_PROCESSING);
    clear(&wanted);
}

static void test_tries_again_after_a_crash(Fixture *fixture, gconstpointer data)
{
    Wanted wanted = {"crash once", TRUE, MNB_ORIGIN_IMPORT, MNB_JOB_TRANSCODE};
    make_recording(fixture, &wanted);
    mnb_jobs_start(fixture->jobs);
    wait_until(&fixture->n_changed, 2); /* began, waits again */
    g_autoptr(MnbJob) job = wait_job(fixture, wanted.job, MNB_JOB_WAITING);
    g_assert_cmpstr(job->reason_code, ==, "crashed");
    g_assert_nonnull(strstr(job->reason, "signal 11"));
    g_assert_cmpint(job->not_before_us, >, g_get_real_time());
    clear(&wanted);
}

static void test_believes_no_file_that_is_not_there(Fixture *fixture, gconstpointer data)
{
    Wanted wanted = {"liar", TRUE, MNB_ORIGIN_IMPORT, MNB_JOB_TRANSCODE};
    make_recording(fixture, &wanted);
    mnb_jobs_start(fixture->jobs);
    wait_until(&fixture->n_changed, 2);
    g_autoptr(MnbJob) job = wait_job(fixture, wanted.job, MNB_JOB_WAITING);
    g_assert_cmpstr(job->reason_code, ==, "invalid");
    g_assert_cmpint(state_of(fixture, &wanted), ==, MNB_RECORDING_PROCESSING);
    clear(&wanted);
}

static void test_says_that_the_film_is_gone(Fixture *fixture, gconstpointer data)
{
    Wanted wanted = {"gone", TRUE, MNB_ORIGIN_IMPORT, MNB_JOB_TRANSCODE};
    make_recording(fixture, &wanted);
    g_autofree char *path = mnb_store_recording_path(fixture->store, wanted.folder, "source", NULL);
    g_assert_cmpint(g_unlink(path), ==, 0);
    mnb_jobs_start(fixture->jobs);
    g_autoptr(MnbJob) job = wait_job(fixture, wanted.job, MNB_JOB_FAILED);
    g_assert_cmpstr(job->reason_code, ==, "not-found");
    clear(&wanted);
}

static gboolean write_cancel(MnbDb *db, gpointer data, GError **error)
{
    return mnb_job_cancel(db, data, g_get_real_time(), error);
}

static void test_stops_a_cancelled_job(Fixture *fixture, gconstpointer data)
{
    Wanted wanted = {"wait", TRUE, MNB_ORIGIN_IMPORT, MNB_JOB_TRANSCODE};
    make_recording(fixture, &wanted);
    mnb_jobs_start(fixture->jobs);
    wait_until(&fixture->n_changed, 1);
    g_assert_cmpuint(mnb_jobs_count_running(fixture->jobs), ==, 1);
    g_assert_true(mnb_catalog_write_sync(fixture->catalog, write_cancel, wanted.job, NULL));
    guint timer = g_timeout_add_seconds(20, on_too_long, NULL);
    while (mnb_jobs_count_running(fixture->jobs) > 0)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
    g_autoptr(MnbJob) job = wait_job(fixture, wanted.job, MNB_JOB_CANCELLED);
    g_assert_null(job->reason_code);
    clear(&wanted);
}

static void on_stopped(gpointer data)
{
    *(guint *)data = 1;
}

static void test_leaves_its_job_to_the_next_start(Fixture *fixture, gconstpointer data)
{
    Wanted wanted = {"wait", TRUE, MNB_ORIGIN_IMPORT, MNB_JOB_TRANSCODE};
    guint is_stopped = 0;
    make_recording(fixture, &wanted);
    mnb_jobs_start(fixture->jobs);
    wait_until(&fixture->n_changed, 1);
    mnb_jobs_stop(fixture->jobs, on_stopped, &is_stopped);
    wait_until(&is_stopped, 1);
    g_assert_cmpuint(mnb_jobs_count_running(fixture->jobs), ==, 0);
    g_assert_true(mnb_jobs_recover(fixture->jobs, NULL));
    g_autoptr(MnbJob) job = wait_job(fixture, wanted.job, MNB_JOB_WAITING);
    g_assert_cmpint(job->attempts, ==, 0);
    clear(&wanted);
}

static void test_runs_nothing_where_parallel_is_0(Fixture *fixture, gconstpointer data)
{
    Wanted wanted = {"nothing", TRUE, MNB_ORIGIN_IMPORT, MNB_JOB_TRANSCODE};
    make_recording(fixture, &wanted);
    MnbJobs *none = mnb_jobs_new(&(MnbJobsOptions){.catalog = fixture->catalog}, &calls, fixture);
    mnb_jobs_start(none);
    mnb_jobs_kick(none);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    g_autoptr(MnbJob) job = wait_job(fixture, wanted.job, MNB_JOB_WAITING);
    g_assert_cmpint(job->attempts, ==, 0);
    mnb_jobs_free(none);
    clear(&wanted);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* as main.c does: a pipe whose reader died is an errno */
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function) g_test_add(name, Fixture, NULL, set_up, function, tear_down)
    ADD("/jobs/publishes-an-import", test_publishes_an_import);
    ADD("/jobs/makes-a-film-of-a-session", test_makes_a_film_of_a_session);
    ADD("/jobs/recovers-a-recording-left-behind", test_recovers_a_recording_left_behind);
    ADD("/jobs/forgets-who-did-not-agree-after-a-crash-too", test_forgets_who_did_not_agree);
    ADD("/jobs/gives-a-film-that-is-none-no-second-try",
        test_gives_a_film_that_is_none_no_second_try);
    ADD("/jobs/tries-again-after-a-crash", test_tries_again_after_a_crash);
    ADD("/jobs/believes-in-no-file-that-is-not-there", test_believes_no_file_that_is_not_there);
    ADD("/jobs/says-that-the-film-is-gone", test_says_that_the_film_is_gone);
    ADD("/jobs/stops-a-cancelled-job", test_stops_a_cancelled_job);
    ADD("/jobs/leaves-its-job-to-the-next-start", test_leaves_its_job_to_the_next_start);
    ADD("/jobs/runs-nothing-where-parallel-is-0", test_runs_nothing_where_parallel_is_0);
    return g_test_run();
}
