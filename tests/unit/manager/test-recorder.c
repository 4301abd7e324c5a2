#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "pipelines/manager/media-pool.h"
#include "pipelines/manager/recorder.h"
#include "pipelines/manager/trees.h"
#include "server/base/error.h"

typedef struct {
    MnbMediaPool *pool;
    MnbMediaWorker *worker;
    MnbRecorder *recorder;
    char *dir;
    guint n_key_frames; /* heard by the worker */
    guint n_parts;
    guint n_cut;
    guint n_closed;
    guint n_stopped;
    guint n_failed;
    guint n_full;
    guint n_written;
    guint64 bytes;
    char *code;
} Fixture;

static void on_track_state(MnbMediaWorker *worker, const MnbTrackState *state, gpointer data)
{
    ((Fixture *)data)->n_key_frames++; /* the stand-in answers a key frame by this */
}

static const MnbMediaEvents media_events = {.track_state = on_track_state};

static void on_part(MnbRecorder *recorder, guint part, gint64 started_unix_us, gpointer data)
{
    Fixture *fixture = data;
    g_assert_cmpint(started_unix_us, ==, 1000);
    g_assert_cmpuint(part, ==, mnb_recorder_part(recorder));
    fixture->n_parts++;
}

static void on_part_ended(MnbRecorder *recorder, guint part, gboolean is_closed, gpointer data)
{
    Fixture *fixture = data;
    fixture->n_closed += is_closed;
    fixture->n_cut += !is_closed;
}

static void on_state(MnbRecorder *recorder, MnbRecorderState state, const char *code,
                     const char *detail, gpointer data)
{
    Fixture *fixture = data;
    fixture->n_failed += state == MNB_RECORDER_FAILED;
    fixture->n_full += state == MNB_RECORDER_DISK_FULL;
    g_free(fixture->code);
    fixture->code = g_strdup(code);
}

static void on_written(MnbRecorder *recorder, guint64 bytes, guint64 lost_packets,
                       guint64 gap_packets, gpointer data)
{
    Fixture *fixture = data;
    fixture->n_written++;
    fixture->bytes = bytes;
    g_assert_cmpuint(lost_packets, ==, bytes / 50);
}

static void on_stopped(MnbRecorder *recorder, gpointer data)
{
    Fixture *fixture = data;
    fixture->n_stopped++;
    mnb_recorder_free(recorder);
    fixture->recorder = NULL;
}

static const MnbRecorderCalls calls = {.on_part = on_part,
                                       .on_part_ended = on_part_ended,
                                       .on_state = on_state,
                                       .on_written = on_written,
                                       .on_stopped = on_stopped};

static gboolean on_too_long(gpointer data)
{
    g_error("it did not happen within 15 s");
    return G_SOURCE_REMOVE;
}

static void wait_until(const guint *value, guint target)
{
    guint timer = g_timeout_add_seconds(15, on_too_long, NULL);
    while (*value < target)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
    const MnbMediaPoolOptions media = {.program = g_getenv("MANABI_FAKE_MEDIA"), .workers = 1};
    fixture->dir = g_dir_make_tmp("manabi-test-XXXXXX", NULL);
    fixture->pool = mnb_media_pool_new(&media, NULL);
    mnb_media_pool_listen(fixture->pool, &media_events, fixture);
    g_assert_true(mnb_media_pool_start(fixture->pool, NULL));
    fixture->worker = mnb_media_pool_get(fixture->pool, 0);
    guint timer = g_timeout_add_seconds(15, on_too_long, NULL);
    while (!mnb_media_worker_is_ready(fixture->worker))
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}

static void start(Fixture *fixture, guint first_part)
{
    const MnbRecorderOptions options = {.program = g_getenv("MANABI_FAKE_RECORD"),
                                        .dir = fixture->dir,
                                        .recording = "0123456789abcdefghjkmnpqrs",
                                        .first_part = first_part,
                                        .ring_bytes = 65536,
                                        .worker = fixture->worker};
    g_autoptr(GError) error = NULL;
    fixture->recorder = mnb_recorder_new(&options, &calls, fixture, &error);
    g_assert_no_error(error);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    mnb_recorder_free(fixture->recorder);
    mnb_media_pool_free(fixture->pool);
    g_assert_cmpint(mnb_tree_remove(fixture->dir), ==, 0);
    g_free(fixture->dir);
    g_free(fixture->code);
}

static void add_track(Fixture *fixture, guint32 id, MnbCodec codec, const char *file)
{
    const MnbRecorderTrack track = {.track = id,
                                    .codec = codec,
                                    .pt = 96,
                                    .clock_rate = codec == MNB_CODEC_OPUS ? 48000 : 90000,
                                    .fmtp = "profile-level-id=42e01f; packetization-mode=1",
                                    .peer = "b3f0",
                                    .name = "鈴木 \"Suzuki\"",
                                    .file = file};
    g_autoptr(GError) error = NULL;
    g_assert_true(mnb_recorder_add_track(fixture->recorder, &track, &error));
    g_assert_no_error(error);
}

static char *commands(Fixture *fixture, guint part)
{
    g_autofree char *path = g_strdup_printf("%s/commands-%u", fixture->dir, part);
    char *text = NULL;
    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

static void test_writes_parts(Fixture *fixture, gconstpointer data)
{
    start(fixture, 3);
    wait_until(&fixture->n_parts, 1);
    g_assert_cmpint(mnb_recorder_state(fixture->recorder), ==, MNB_RECORDER_ON);
    add_track(fixture, 7, MNB_CODEC_H264, "b3f0-video-1");
    wait_until(&fixture->n_written, 1);
    wait_until(&fixture->n_key_frames, 2); /* asked by us, then by the recorder */
    mnb_recorder_remove_track(fixture->recorder, 7);
    mnb_recorder_remove_track(fixture->recorder, 4711);
    mnb_recorder_stop(fixture->recorder);
    wait_until(&fixture->n_stopped, 1);
    g_assert_cmpuint(fixture->n_closed, ==, 1);
    g_autofree char *text = commands(fixture, 3);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_assert_nonnull(strstr(lines[0], "\"do\":\"add-track\",\"track\":7,\"kind\":\"video\""));
    g_assert_nonnull(strstr(lines[0], "\"fmtp\":{\"profile-level-id\":\"42e01f\","
                                      "\"packetization-mode\":\"1\"}"));
    g_assert_nonnull(strstr(lines[0], "\"name\":\"鈴木 \\\"Suzuki\\\"\",\"role\":\"camera\""));
    g_assert_cmpstr(lines[1], ==, "{\"do\":\"remove-track\",\"track\":7}");
    g_assert_cmpstr(lines[2], ==, "{\"do\":\"stop\"}");
}

static void test_goes_on_after_a_crash(Fixture *fixture, gconstpointer data)
{
    start(fixture, 1);
    wait_until(&fixture->n_parts, 1);
    add_track(fixture, 7, MNB_CODEC_OPUS, "b3f0-audio-1");
    wait_until(&fixture->n_written, 1);
    gint64 start_us = g_get_monotonic_time();
    add_track(fixture, 8, MNB_CODEC_VP8, "crash");
    wait_until(&fixture->n_parts, 2);
    g_assert_cmpint(g_get_monotonic_time() - start_us, <, G_USEC_PER_SEC);
    g_assert_cmpuint(fixture->n_cut, ==, 1);
    wait_until(&fixture->n_written, 3);
    g_autofree char *text = commands(fixture, 2);
    g_assert_nonnull(strstr(text, "b3f0-audio-1"));
    g_assert_nonnull(strstr(text, "crash"));
    g_assert_cmpuint(fixture->bytes, ==, 200); /* both parts */
    g_assert_cmpuint(mnb_recorder_part(fixture->recorder), ==, 2);
}

static void test_replaces_one_that_hangs(Fixture *fixture, gconstpointer data)
{
    start(fixture, 1);
    wait_until(&fixture->n_parts, 1);
    gint64 start_us = g_get_monotonic_time();
    add_track(fixture, 8, MNB_CODEC_VP8, "hang");
    wait_until(&fixture->n_parts, 2);
    g_assert_cmpint(g_get_monotonic_time() - start_us, <, 6 * G_USEC_PER_SEC);
    g_assert_cmpuint(fixture->n_cut, ==, 1);
}

static void test_tells_a_full_disk(Fixture *fixture, gconstpointer data)
{
    start(fixture, 1);
    wait_until(&fixture->n_parts, 1);
    add_track(fixture, 8, MNB_CODEC_VP8, "full");
    wait_until(&fixture->n_full, 1);
    wait_until(&fixture->n_written, 1);
    g_assert_cmpint(mnb_recorder_state(fixture->recorder), ==, MNB_RECORDER_ON);
}

static void test_fails_when_it_is_hopeless(Fixture *fixture, gconstpointer data)
{
    g_autofree char *mark = g_build_filename(fixture->dir, "refuse", NULL);
    g_assert_true(g_file_set_contents(mark, "", 0, NULL));
    start(fixture, 1);
    wait_until(&fixture->n_failed, 1);
    g_assert_cmpstr(fixture->code, ==, "missing-plugin");
    g_assert_cmpint(mnb_recorder_pid(fixture->recorder), ==, 0);
    mnb_recorder_stop(fixture->recorder);
    g_assert_cmpuint(fixture->n_stopped, ==, 1);
}

static void test_survives_a_media_worker(Fixture *fixture, gconstpointer data)
{
    start(fixture, 1);
    wait_until(&fixture->n_parts, 1);
    add_track(fixture, 7, MNB_CODEC_VP8, "b3f0-video-1");
    wait_until(&fixture->n_written, 1);
    kill(mnb_media_worker_pid(fixture->worker), SIGKILL);
    guint timer = g_timeout_add_seconds(15, on_too_long, NULL);
    while (mnb_media_worker_is_ready(fixture->worker))
        g_main_context_iteration(NULL, TRUE);
    while (!mnb_media_worker_is_ready(fixture->worker))
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
    mnb_recorder_move(fixture->recorder, fixture->worker);
    add_track(fixture, 9, MNB_CODEC_VP8, "b3f0-video-2");
    wait_until(&fixture->n_written, 3);
    g_assert_cmpuint(fixture->n_parts, ==, 1);
    g_autofree char *text = commands(fixture, 1);
    g_assert_nonnull(strstr(text, "{\"do\":\"remove-track\",\"track\":7}"));
    g_assert_nonnull(strstr(text, "b3f0-video-2"));
}

static void test_refuses_what_cannot_be_recorded(Fixture *fixture, gconstpointer data)
{
    static const MnbRecorderTrack bad[] = {
        {.track = 0, .codec = MNB_CODEC_VP8, .peer = "p", .file = "f"},
        {.track = 1, .codec = MNB_CODEC_AV1, .peer = "p", .file = "f"},
        {.track = 1, .codec = MNB_CODEC_NONE, .peer = "p", .file = "f"},
        {.track = 1, .codec = MNB_CODEC_VP8, .file = "f"},
        {.track = 1, .codec = MNB_CODEC_VP8, .peer = "p"},
        {.track = 1, .codec = MNB_CODEC_VP8, .peer = "p", .file = "../f"},
        {.track = 1, .codec = MNB_CODEC_VP8, .peer = "p", .file = ".f"},
        {.track = 1, .codec = MNB_CODEC_VP8, .peer = "\xff", .file = "f"},
    };
    start(fixture, 1);
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(mnb_recorder_add_track(fixture->recorder, &bad[i], &error));
        g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
    }
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* as main.c does: a pipe whose reader died is an errno */
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function) g_test_add(name, Fixture, NULL, set_up, function, tear_down)
    ADD("/recorder/tells-tracks-and-stops-in-good-order", test_writes_parts);
    ADD("/recorder/goes-on-with-the-next-part-within-a-second", test_goes_on_after_a_crash);
    ADD("/recorder/is-replaced-when-it-hangs", test_replaces_one_that_hangs);
    ADD("/recorder/tells-a-full-disk-and-goes-on", test_tells_a_full_disk);
    ADD("/recorder/fails-at-once-when-it-is-hopeless", test_fails_when_it_is_hopeless);
    ADD("/recorder/survives-a-media-worker", test_survives_a_media_worker);
    ADD("/recorder/refuses-what-cannot-be-recorded", test_refuses_what_cannot_be_recorded);
    return g_test_run();
}
