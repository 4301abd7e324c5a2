/* From the packet ring to a film in the catalogue with the real programs behind real walls: the
 * recorder is killed in the middle, the job runner makes a film of what there is. Media come from
 * the stand-in of the unit tests, which says nothing in Opus, 50 packets a second. */
#include <glib/gstdio.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>

#include "pipelines/manager/jobs.h"
#include "pipelines/manager/media-pool.h"
#include "pipelines/manager/programs.h"
#include "pipelines/manager/recorder.h"
#include "pipelines/manager/trees.h"
#include "recordings/recording.h"

typedef struct {
    char *state_dir;
    MnbStore *store;
    MnbCatalog *catalog;
    MnbWalls *walls;
    MnbMediaPool *pool;
    MnbRecorder *recorder;
    char *recording;
    char *dir;
    guint n_parts;
    guint n_cut;
    guint n_closed;
    guint n_stopped;
    guint n_written;
    guint n_ready;
    guint n_failed;
    guint64 bytes;
} Fixture;

static void on_part(MnbRecorder *recorder, guint part, gint64 started_unix_us, gpointer data)
{
    Fixture *fixture = data;
    fixture->n_parts++;
    g_assert_cmpint(ABS(started_unix_us - g_get_real_time()), <, 10 * G_USEC_PER_SEC);
}

static void on_part_ended(MnbRecorder *recorder, guint part, gboolean is_closed, gpointer data)
{
    Fixture *fixture = data;
    fixture->n_closed += is_closed;
    fixture->n_cut += !is_closed;
}

static void on_written(MnbRecorder *recorder, guint64 bytes, guint64 lost_packets,
                       guint64 gap_packets, gpointer data)
{
    Fixture *fixture = data;
    fixture->n_written += bytes > fixture->bytes;
    fixture->bytes = bytes;
}

static void on_stopped(MnbRecorder *recorder, gpointer data)
{
    ((Fixture *)data)->n_stopped++;
}

static const MnbRecorderCalls recorder_calls = {.on_part = on_part,
                                                .on_part_ended = on_part_ended,
                                                .on_written = on_written,
                                                .on_stopped = on_stopped};

static void on_recording_ready(const char *recording, gboolean is_published, gpointer data)
{
    g_assert_true(is_published);
    ((Fixture *)data)->n_ready++;
}

static const MnbJobsCalls job_calls = {.on_recording_ready = on_recording_ready};

static gboolean on_too_long(gpointer data)
{
    g_error("it did not happen in time");
    return G_SOURCE_REMOVE;
}

static void wait_until(const guint *value, guint target, guint timeout_s)
{
    guint timer = g_timeout_add_seconds(timeout_s, on_too_long, NULL);
    while (*value < target)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}

static gboolean write_recording(MnbDb *db, gpointer data, GError **error)
{
    Fixture *fixture = data;
    gint64 now_us = g_get_real_time();
    g_autoptr(MnbRecording) recording = mnb_recording_new();
    recording->area = g_strdup("disaster-risk-management");
    recording->city = g_strdup("40100");
    recording->title_en = g_strdup("Silence in Kitakyushu");
    recording->title_ja = g_strdup("北九州市の静けさ");
    recording->origin = MNB_ORIGIN_SESSION;
    recording->audience = MNB_AUDIENCE_PUBLIC;
    recording->publish_when_ready = TRUE;
    recording->recorded_us = now_us;
    if (!mnb_recording_insert(db, recording, now_us, error))
        return FALSE;
    g_free(fixture->recording);
    fixture->recording = g_strdup(recording->id);
    fixture->dir = mnb_store_recording_path(fixture->store, recording->folder, NULL, NULL);
    return mnb_store_create_recording(fixture->store, recording->folder, error);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
    const MnbMediaPoolOptions media = {.program = g_getenv("MANABI_FAKE_MEDIA"), .workers = 1};
    g_autoptr(GError) error = NULL;
    fixture->state_dir = g_dir_make_tmp("manabi-test-XXXXXX", NULL);
    fixture->store = mnb_store_new(fixture->state_dir, &error);
    g_assert_no_error(error);
    fixture->catalog = mnb_catalog_open(fixture->store, MNB_CATALOG_NO_FLAGS, &error);
    g_assert_no_error(error);
    fixture->walls = mnb_walls_new(MNB_SANDBOX_AUTO, NULL);
    fixture->pool = mnb_media_pool_new(&media, &error);
    g_assert_no_error(error);
    g_assert_true(mnb_media_pool_start(fixture->pool, &error));
    guint timer = g_timeout_add_seconds(20, on_too_long, NULL);
    while (mnb_media_pool_count_ready(fixture->pool) < 1)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
    g_assert_true(mnb_catalog_write_sync(fixture->catalog, write_recording, fixture, &error));
    g_assert_no_error(error);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    mnb_recorder_free(fixture->recorder);
    mnb_media_pool_free(fixture->pool);
    mnb_catalog_close(fixture->catalog);
    mnb_store_free(fixture->store);
    mnb_walls_free(fixture->walls);
    g_assert_cmpint(mnb_tree_remove(fixture->state_dir), ==, 0);
    g_free(fixture->state_dir);
    g_free(fixture->recording);
    g_free(fixture->dir);
}

static void start_recorder(Fixture *fixture)
{
    g_autofree char *program = mnb_programs_find("manabi-record", NULL);
    g_assert_nonnull(program);
    const MnbRecorderOptions options = {.program = program,
                                        .dir = fixture->dir,
                                        .recording = fixture->recording,
                                        .first_part = 1,
                                        .walls = fixture->walls,
                                        .worker = mnb_media_pool_get(fixture->pool, 0)};
    g_autoptr(GError) error = NULL;
    fixture->recorder = mnb_recorder_new(&options, &recorder_calls, fixture, &error);
    g_assert_no_error(error);
    wait_until(&fixture->n_parts, 1, 20);
}

static void add_track(Fixture *fixture, guint32 id, const char *peer, const char *file)
{
    const MnbRecorderTrack track = {.track = id,
                                    .codec = MNB_CODEC_OPUS,
                                    .pt = 111,
                                    .clock_rate = 48000,
                                    .peer = peer,
                                    .name = "鈴木 / Suzuki",
                                    .file = file};
    g_assert_true(mnb_recorder_add_track(fixture->recorder, &track, NULL));
}

/* Part @part as manabi-record wrote it down: its state, and the length of all its files together.
 */
static char *read_part(Fixture *fixture, guint part, gint64 *duration_us_out)
{
    g_autofree char *path = g_strdup_printf("%s/part-%u.json", fixture->dir, part);
    json_t *object = json_load_file(path, 0, NULL);
    g_assert_true(json_is_object(object));
    json_t *tracks = json_object_get(object, "tracks");
    *duration_us_out = 0;
    for (size_t i = 0; i < json_array_size(tracks); i++)
        *duration_us_out +=
            json_integer_value(json_object_get(json_array_get(tracks, i), "duration_us"));
    char *state = g_strdup(json_string_value(json_object_get(object, "state")));
    json_decref(object);
    return state;
}

static void test_closes_its_files(Fixture *fixture, gconstpointer data)
{
    gint64 duration_us;
    start_recorder(fixture);
    add_track(fixture, 7, "b3f0", "b3f0-audio-1");
    wait_until(&fixture->n_written, 2, 20);
    gint64 start_us = g_get_monotonic_time();
    mnb_recorder_stop(fixture->recorder);
    wait_until(&fixture->n_stopped, 1, 20);
    g_test_message("stopped after %d ms", (int)((g_get_monotonic_time() - start_us) / 1000));
    g_assert_cmpuint(fixture->n_closed, ==, 1);
    g_autofree char *state = read_part(fixture, 1, &duration_us);
    g_assert_cmpstr(state, ==, "complete");
    g_assert_cmpint(duration_us, >, G_USEC_PER_SEC);
}

/* kill -9 of the process; of bwrap, where it stands behind walls. */
static void test_goes_on_after_a_kill(Fixture *fixture, gconstpointer data)
{
    start_recorder(fixture);
    add_track(fixture, 7, "b3f0", "b3f0-audio-1");
    wait_until(&fixture->n_written, 3, 20);
    gint64 start_us = g_get_monotonic_time();
    kill(mnb_recorder_pid(fixture->recorder), SIGKILL);
    wait_until(&fixture->n_parts, 2, 20);
    g_test_message("next part after %d ms", (int)((g_get_monotonic_time() - start_us) / 1000));
    g_assert_cmpint(g_get_monotonic_time() - start_us, <, 1500000);
    g_assert_cmpuint(fixture->n_cut, ==, 1);
    wait_until(&fixture->n_written, 5, 20);
    mnb_recorder_stop(fixture->recorder);
    wait_until(&fixture->n_stopped, 1, 20);
    g_assert_cmpuint(fixture->n_closed, ==, 1);
}

static gboolean write_parts(MnbDb *db, gpointer data, GError **error)
{
    Fixture *fixture = data;
    gint64 now_us = g_get_real_time();
    return mnb_part_begin(db, fixture->recording, now_us, error) == 1 &&
           mnb_part_set(db, fixture->recording, 1, MNB_PART_CUT, now_us, NULL, error) &&
           mnb_part_begin(db, fixture->recording, now_us, error) == 2 &&
           mnb_part_set(db, fixture->recording, 2, MNB_PART_CLOSED, now_us, NULL, error) &&
           mnb_jobs_insert_chain(db, fixture->recording, now_us, error);
}

static gboolean has_failed(Fixture *fixture)
{
    g_autoptr(GPtrArray) jobs =
        mnb_job_list(mnb_catalog_reader(fixture->catalog), fixture->recording, 0, 10, NULL, NULL);
    for (guint i = 0; i < jobs->len; i++) {
        const MnbJob *job = jobs->pdata[i];
        if (job->reason_code != NULL) {
            g_test_message("%s: %s: %s", mnb_job_kind_to_string(job->kind), job->reason_code,
                           job->reason);
            return TRUE;
        }
    }
    return FALSE;
}

static void test_makes_a_film_after_a_kill(Fixture *fixture, gconstpointer data)
{
    static const char *const needed[] = {"manabi-compose", "manabi-transcode"};
    for (guint i = 0; i < G_N_ELEMENTS(needed); i++) {
        g_autofree char *program = mnb_programs_find(needed[i], NULL);
        if (program == NULL) {
            g_test_skip("the programs that make the film are not built");
            return;
        }
    }
    test_goes_on_after_a_kill(fixture, data);
    MnbJobs *jobs = mnb_jobs_new(
        &(MnbJobsOptions){.catalog = fixture->catalog, .walls = fixture->walls, .parallel = 1},
        &job_calls, fixture);
    g_assert_true(mnb_catalog_write_sync(fixture->catalog, write_parts, fixture, NULL));
    gint64 start_us = g_get_monotonic_time();
    mnb_jobs_start(jobs);
    guint timer = g_timeout_add_seconds(120, on_too_long, NULL);
    while (fixture->n_ready == 0 && !has_failed(fixture))
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
    g_assert_cmpuint(fixture->n_ready, ==, 1);
    g_test_message("film after %d ms", (int)((g_get_monotonic_time() - start_us) / 1000));
    gint64 duration_us;
    g_autofree char *state = read_part(fixture, 1, &duration_us);
    g_assert_cmpstr(state, ==, "repaired");
    g_autoptr(MnbRecording) recording =
        mnb_recording_find(mnb_catalog_reader(fixture->catalog), fixture->recording, NULL);
    g_assert_cmpint(recording->state, ==, MNB_RECORDING_PUBLISHED);
    g_assert_cmpint(recording->duration_us, >, 3 * G_USEC_PER_SEC);
    mnb_jobs_free(jobs);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* as main.c does: a pipe whose reader died is an errno */
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function) g_test_add(name, Fixture, NULL, set_up, function, tear_down)
    ADD("/manager/recording/closes-its-files", test_closes_its_files);
    ADD("/manager/recording/goes-on-with-the-next-part-after-a-kill", test_goes_on_after_a_kill);
    ADD("/manager/recording/becomes-a-film-although-the-recorder-was-killed",
        test_makes_a_film_after_a_kill);
    return g_test_run();
}
