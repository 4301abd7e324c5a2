/* manabi-compose, on recordings that the real manabi-record made. */
#include "pipelines/common/leaks.h"
#include "tests/integration/pipelines/record-fixture.h"

#include <gst/gst.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

MNB_LEAKS_NOT_LOOKED_FOR;

#define S G_USEC_PER_SEC

static double probe_number(const char *path, const char *entries, const char *stream)
{
    g_autofree char *text =
        test_shell("ffprobe -v error -select_streams %s -show_entries %s -of csv=p=0 '%s'", stream,
                   entries, path);
    return g_ascii_strtod(text, NULL);
}

static json_t *compose_job(TestRecord *record, const char *out)
{
    return json_pack("{s:s, s:s, s:i, s:i, s:s, s:s}", "dir", record->dir, "out", out, "width", 640,
                     "height", 360, "title_en", "Waste <reduction> & more", "title_ja", "ごみ減量");
}

/* Mean brightness of a rectangle in the film at a moment. */
static double brightness(const char *film, double at_s, const char *crop)
{
    g_autofree char *text = test_shell("ffmpeg -v error -ss %f -i '%s' -frames:v 1 -vf "
                                       "'crop=%s,scale=1:1,format=gray' -f rawvideo - "
                                       "| od -An -tu1",
                                       at_s, film, crop);
    return g_ascii_strtod(text, NULL);
}

/* Two peers: the first for 6 s, the second from 2 s to 4 s; both with sound. */
static void on_two_peers(void)
{
    TestRecord *record = test_record_new();
    g_autoptr(GArray) video1 = test_rtp_vp8(6, 320, 180, 2, 1);
    g_autoptr(GArray) audio1 = test_rtp_opus(6, 2);
    g_autoptr(GArray) video2 = test_rtp_h264(2, 320, 240, 2, 3);
    g_autoptr(GArray) audio2 = test_rtp_opus(2, 4);
    test_record_start(record, 1);
    test_record_add(record, 1, "vp8", 96, "p1");
    test_record_add(record, 2, "opus", 111, "p1");
    test_record_add(record, 3, "h264", 102, "p2");
    test_record_add(record, 4, "opus", 111, "p2");
    test_record_put_all(record, 2, (guint32[]){1, 2}, (GArray *[]){video1, audio1},
                        (gint64[]){0, 0}, 0);
    test_record_put_all(record, 2, (guint32[]){3, 4}, (GArray *[]){video2, audio2},
                        (gint64[]){0, 0}, 2 * S);
    test_record_stop(record);
    int code;
    g_autofree char *film = test_record_path(record, "film.mkv");
    json_t *done = test_job_run("manabi-compose", compose_job(record, film), &code);
    g_assert_cmpint(code, ==, 0);
    g_assert_cmpstr(test_str(done, "event"), ==, "done");
    g_assert_cmpint(test_int(done, "peers"), ==, 2);
    g_assert_cmpint(ABS(test_int(done, "duration_us") - 6 * S), <, 100000);
    json_decref(done);
    double picture = probe_number(film, "format=duration", "v:0");
    g_assert_cmpfloat(picture, >, 5.8);
    g_assert_cmpfloat(picture, <, 6.2);
    g_assert_cmpfloat(probe_number(film, "stream=width", "v:0"), ==, 640);
    g_assert_cmpfloat(probe_number(film, "stream=sample_rate", "a:0"), ==, 48000);
    /* Alone, the first fills the middle; beside the second, the middle is the gap between the two
     * and the upper edge is ground. The ball's ground is black (16), ours is not (24). */
    g_assert_cmpfloat(brightness(film, 1, "40:10:300:30"), <=, 18);
    g_assert_cmpfloat(brightness(film, 3, "40:10:300:30"), >, 5);
    g_assert_cmpfloat(brightness(film, 3, "40:10:300:30"), !=, brightness(film, 1, "40:10:300:30"));
    g_autofree char *half = g_strconcat(film, ".tmp", NULL);
    g_assert_false(g_file_test(half, G_FILE_TEST_EXISTS));
    test_record_free(record);
}

/* Sound without picture; the recorder was killed and went on as a second part. */
static void on_two_parts(void)
{
    TestRecord *record = test_record_new();
    g_autoptr(GArray) audio = test_rtp_opus(3, 2);
    test_record_start(record, 1);
    test_record_add(record, 2, "opus", 111, "p1");
    test_record_put_all(record, 1, (guint32[]){2}, &audio, (gint64[]){0}, 0);
    test_record_drain(record);
    test_program_kill(record->program, SIGKILL);
    test_program_wait(record->program);
    test_program_free(g_steal_pointer(&record->program));
    g_autofree char *dir = g_strdup_printf("--dir=%s", record->dir);
    const char *argv[] = {"manabi-record", "--repair", dir, NULL};
    TestProgram *repair = test_program_start(argv, NULL);
    g_assert_cmpint(test_program_wait(repair), ==, 0);
    test_program_free(repair);
    test_record_start(record, 2);
    test_record_add(record, 2, "opus", 111, "p1");
    test_record_put_all(record, 1, (guint32[]){2}, &audio, (gint64[]){0}, 0);
    test_record_stop(record);
    g_autofree char *film = test_record_path(record, "film.mkv");
    json_t *done = test_job_run("manabi-compose", compose_job(record, film), NULL);
    g_assert_cmpstr(test_str(done, "event"), ==, "done");
    /* The kill cost real time: less than the shortest hole that is cut out. */
    g_assert_cmpint(test_int(done, "duration_us"), >=, 6 * S - 100000);
    g_assert_cmpint(test_int(done, "duration_us"), <=, 9 * S);
    json_decref(done);
    /* Nothing moves: two pictures a second, and not the 25 of a moving film. */
    double n_pictures = probe_number(film, "stream=nb_read_packets -count_packets", "v:0");
    g_assert_cmpfloat(n_pictures, >=, 12);
    g_assert_cmpfloat(n_pictures, <=, 30);
    /* A name card, drawn in both scripts, is not one colour. */
    g_autofree char *text =
        test_shell("ffmpeg -v error -ss 1 -i '%s' -frames:v 1 -vf 'format=gray,signalstats,"
                   "metadata=print:key=lavfi.signalstats.YMAX:file=-' -f null -",
                   film);
    const char *bright = strstr(text, "YMAX=");
    g_assert_nonnull(bright);
    g_assert_cmpfloat(g_ascii_strtod(bright + 5, NULL), >, 180);
    test_record_free(record);
}

static void add_interpreter(TestRecord *record, guint32 track, const char *language)
{
    g_autofree char *line = g_strdup_printf(
        "{\"do\":\"add-track\",\"track\":%u,\"kind\":\"audio\",\"codec\":\"opus\","
        "\"clock_rate\":48000,\"payload_type\":111,\"peer\":\"i1\",\"name\":\"山本\","
        "\"role\":\"interpretation\",\"language\":\"%s\",\"file\":\"i1-audio\"}",
        track, language);
    test_program_say(record->program, line);
}

static double mean_volume(const char *film, int sound, double from_s, double to_s)
{
    g_autofree char *text =
        test_shell("ffmpeg -v info -i '%s' -map 0:a:%d -af 'atrim=%f:%f,volumedetect' -f null - "
                   "2>&1",
                   film, sound, from_s, to_s);
    const char *found = strstr(text, "mean_volume: ");
    g_assert_nonnull(found);
    return g_ascii_strtod(found + strlen("mean_volume: "), NULL);
}

/* The floor speaks for 6 s; from 2 s to 4 s somebody interprets into Japanese, unseen. */
static void on_two_languages(void)
{
    TestRecord *record = test_record_new();
    g_autoptr(GArray) video = test_rtp_vp8(6, 320, 180, 2, 1);
    g_autoptr(GArray) floor_sound = test_rtp_opus(6, 2);
    g_autoptr(GArray) voice = test_rtp_opus(2, 4);
    test_record_start(record, 1);
    test_record_add(record, 1, "vp8", 96, "p1");
    test_record_add(record, 2, "opus", 111, "p1");
    add_interpreter(record, 3, "ja");
    test_record_put_all(record, 2, (guint32[]){1, 2}, (GArray *[]){video, floor_sound},
                        (gint64[]){0, 0}, 0);
    test_record_put_all(record, 1, (guint32[]){3}, &voice, (gint64[]){0}, 2 * S);
    test_record_stop(record);
    g_autofree char *film = test_record_path(record, "film.mkv");
    json_t *done = test_job_run("manabi-compose", compose_job(record, film), NULL);
    g_assert_cmpstr(test_str(done, "event"), ==, "done");
    g_assert_cmpint(test_int(done, "peers"), ==, 1);
    g_assert_cmpint(test_int(done, "channels"), ==, 2);
    json_decref(done);
    g_autofree char *tags = test_shell("ffprobe -v error -select_streams a -show_entries "
                                       "stream_tags=language -of csv=p=0 '%s'",
                                       film);
    g_assert_nonnull(strstr(tags, "jpn"));
    g_assert_null(strstr(tags, "eng"));
    /* Alone, the floor is heard in both as it is; under the interpreter it is quieter than that. */
    g_assert_cmpfloat(ABS(mean_volume(film, 0, 0.2, 1.8) - mean_volume(film, 1, 0.2, 1.8)), <, 1);
    g_autofree char *path = test_record_path(record, "timeline.json");
    json_t *timeline = json_load_file(path, 0, NULL);
    g_assert_cmpint(ABS(test_int(timeline, "duration_us") - 6 * S), <, 100000);
    g_assert_cmpuint(json_array_size(json_object_get(timeline, "peers")), ==, 1);
    g_assert_cmpuint(json_array_size(json_object_get(timeline, "parts")), ==, 1);
    g_assert_cmpuint(json_array_size(json_object_get(timeline, "spoke")), >=, 1);
    json_decref(timeline);
    test_record_free(record);
}

/* Two pieces of the whole; and a second time from the same originals, whole again. */
static void on_cuts(void)
{
    TestRecord *record = test_record_new();
    g_autoptr(GArray) video = test_rtp_vp8(6, 320, 180, 2, 1);
    g_autoptr(GArray) audio = test_rtp_opus(6, 2);
    test_record_start(record, 1);
    test_record_add(record, 1, "vp8", 96, "p1");
    test_record_add(record, 2, "opus", 111, "p1");
    test_record_put_all(record, 2, (guint32[]){1, 2}, (GArray *[]){video, audio}, (gint64[]){0, 0},
                        0);
    test_record_stop(record);
    g_autofree char *film = test_record_path(record, "film.mkv");
    json_t *job = compose_job(record, film);
    json_object_set_new(
        job, "keep_us",
        json_pack("[[i,i],[i,i]]", 1 * (int)S, 2 * (int)S, 4 * (int)S, 60 * (int)S));
    json_t *done = test_job_run("manabi-compose", job, NULL);
    g_assert_cmpint(ABS(test_int(done, "duration_us") - 3 * S), <, 100000);
    g_assert_cmpint(ABS(test_int(done, "source_us") - 6 * S), <, 100000);
    json_decref(done);
    g_assert_cmpfloat(ABS(probe_number(film, "format=duration", "a:0") - 3), <, 0.15);
    done = test_job_run("manabi-compose", compose_job(record, film), NULL);
    g_assert_cmpint(ABS(test_int(done, "duration_us") - 6 * S), <, 100000);
    json_decref(done);
    test_record_free(record);
}

static gint64 part_began(TestRecord *record)
{
    g_autofree char *path = test_record_path(record, "part-1.json");
    json_t *part = json_load_file(path, 0, NULL);
    gint64 began_us = test_int(part, "started_unix_us");
    json_decref(part);
    g_assert_cmpint(began_us, >, 0);
    return began_us;
}

/* A page stands on the stage from 2 s to 4 s; then one that cannot be read, which changes nothing.
 */
static void on_slides(void)
{
    TestRecord *record = test_record_new();
    g_autoptr(GArray) video = test_rtp_vp8(6, 320, 180, 2, 1);
    test_record_start(record, 1);
    test_record_add(record, 1, "vp8", 96, "p1");
    test_record_put_all(record, 1, (guint32[]){1}, (GArray *[]){video}, (gint64[]){0}, 0);
    test_record_stop(record);
    int code;
    g_autofree char *film = test_record_path(record, "film.mkv");
    g_autofree char *slides = test_record_path(record, "slides");
    g_free(test_shell("mkdir -p '%s/d' && ffmpeg -v error -f lavfi -i color=white:size=1600x900 "
                      "-frames:v 1 '%s/d/1-large.jpg' && echo damaged > '%s/d/2-large.jpg'",
                      slides, slides, slides));
    gint64 began_us = part_began(record);
    json_t *job = compose_job(record, film);
    json_object_set_new(job, "slides", json_string(slides));
    json_object_set_new(job, "pages",
                        json_pack("[[I, s], [I, s], [I, s]]", (json_int_t)(began_us + 2 * S),
                                  "d/1-large.jpg", (json_int_t)(began_us + 4 * S), "",
                                  (json_int_t)(began_us + 9 * S / 2), "d/2-large.jpg"));
    json_t *done = test_job_run("manabi-compose", job, &code);
    g_assert_cmpstr(test_str(done, "event"), ==, "done");
    json_decref(done);
    static const struct {
        double at_s;
        gboolean is_white;
    } moments[] = {{1, FALSE}, {3, TRUE}, {4.3, FALSE}, {5.5, FALSE}};
    for (gsize i = 0; i < G_N_ELEMENTS(moments); i++) {
        double seen = brightness(film, moments[i].at_s, "60:10:40:60");
        g_test_message("%.1f s: %.0f", moments[i].at_s, seen);
        g_assert_cmpint(seen > 200, ==, moments[i].is_white);
    }
    test_record_free(record);
}

static void expect_failure(json_t *job, const char *word)
{
    int code;
    json_t *last = test_job_run("manabi-compose", job, &code);
    g_assert_cmpint(code, ==, 1);
    g_assert_cmpstr(test_str(last, "event"), ==, "failed");
    g_assert_cmpstr(test_str(last, "code"), ==, word);
    json_decref(last);
}

static void on_bad_jobs(void)
{
    g_autofree char *dir = g_dir_make_tmp("manabi-compose-XXXXXX", NULL);
    expect_failure(json_pack("{s:s}", "dir", dir), "bad-job");
    expect_failure(json_pack("{s:s, s:s, s:i}", "dir", dir, "out", "/tmp/x.mkv", "width", 7),
                   "bad-job");
    expect_failure(json_pack("{s:s, s:s}", "dir", dir, "out", "/tmp/x.mkv"), "no-tracks");
    g_autofree char *part = g_build_filename(dir, "part-1.json", NULL);
    g_file_set_contents(
        part,
        "{\"version\":1,\"started_unix_us\":1,\"started_mono_us\":1,\"duration_us\":9,\"boot_id\":"
        "\"\",\"tracks\":[{\"peer\":\"x\",\"kind\":\"audio\",\"codec\":\"opus\",\"file\":"
        "\"../../etc/passwd\",\"state\":\"complete\",\"offset_us\":0,\"duration_us\":9}]}",
        -1, NULL);
    expect_failure(json_pack("{s:s, s:s}", "dir", dir, "out", "/tmp/x.mkv"), "bad-job");
    g_free(test_shell("rm -rf '%s'", dir));
}

static void on_stop(void)
{
    TestRecord *record = test_record_new();
    g_autoptr(GArray) audio = test_rtp_opus(60, 2);
    test_record_start(record, 1);
    test_record_add(record, 2, "opus", 111, "p1");
    test_record_put_all(record, 1, (guint32[]){2}, &audio, (gint64[]){0}, 0);
    test_record_stop(record);
    g_autofree char *film = test_record_path(record, "film.mkv");
    g_autofree char *half = g_strconcat(film, ".tmp", NULL);
    const char *argv[] = {"manabi-compose", NULL};
    TestProgram *program = test_program_start(argv, NULL);
    json_t *job = compose_job(record, film);
    char *line = json_dumps(job, JSON_COMPACT);
    test_program_say(program, line);
    free(line);
    json_decref(job);
    for (int i = 0; i < 500 && !g_file_test(half, G_FILE_TEST_EXISTS); i++)
        g_usleep(10000);
    test_program_kill(program, SIGTERM);
    json_t *failed = test_program_expect(program, "failed", 20);
    g_assert_cmpstr(test_str(failed, "code"), ==, "stopped");
    g_assert_cmpint(test_program_wait(program), ==, 1);
    g_assert_false(g_file_test(half, G_FILE_TEST_EXISTS));
    test_program_free(program);
    test_record_free(record);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    gst_init(NULL, NULL);
    g_test_add_func("/pipelines/compose/shows-who-is-there-and-mixes-all-voices", on_two_peers);
    g_test_add_func("/pipelines/compose/joins-parts-and-draws-a-card-for-a-voice", on_two_parts);
    g_test_add_func("/pipelines/compose/has-a-sound-for-every-language", on_two_languages);
    g_test_add_func("/pipelines/compose/leaves-out-what-was-cut", on_cuts);
    g_test_add_func("/pipelines/compose/shows-slides-while-they-were-shown", on_slides);
    g_test_add_func("/pipelines/compose/says-what-is-wrong-with-a-job", on_bad_jobs);
    g_test_add_func("/pipelines/compose/leaves-nothing-behind-when-it-is-stopped", on_stop);
    return g_test_run();
}
