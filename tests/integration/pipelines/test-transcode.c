/* manabi-transcode and manabi-stills, on real films and on things that are none. */
#include "pipelines/common/leaks.h"
#include "tests/integration/pipelines/program-fixture.h"

#include <gst/gst.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

MNB_LEAKS_NOT_LOOKED_FOR;

#define S      G_USEC_PER_SEC
#define STREET "/usr/share/doc/opencv-doc/examples/data/vtest.avi"
#define BOX    "/usr/share/doc/opencv-doc/opencv4/html/box.mp4.gz"

static char *folder; /* of one test */

static char *in(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static json_t *transcode(const char *input, const char *name, int *code)
{
    g_autofree char *out = in(name);
    return test_job_run("manabi-transcode", json_pack("{s:s, s:s}", "input", input, "out_dir", out),
                        code);
}

/* Key frames are on the same multiples of 2 s in all renditions, and each segment begins with one.
 */
static void check_alignment(const char *media, json_t *done)
{
    gsize i;
    json_t *rendition;
    json_array_foreach(json_object_get(done, "renditions"), i, rendition)
    {
        if (strcmp(test_str(rendition, "kind"), "video") != 0)
            continue;
        g_autofree char *playlist = g_build_filename(media, test_str(rendition, "playlist"), NULL);
        g_autoptr(GArray) keys = test_packet_times(playlist, "v:0", TRUE);
        g_assert_cmpuint(keys->len, >=, (guint)test_int(rendition, "segments"));
        gint64 first_us = g_array_index(keys, gint64, 0);
        for (guint k = 0; k < keys->len; k++)
            g_assert_cmpint(ABS(g_array_index(keys, gint64, k) - first_us - 2 * S * k), <, 1000);
        g_autofree char *text = NULL;
        g_assert_true(g_file_get_contents(playlist, &text, NULL, NULL));
        g_assert_nonnull(strstr(text, "#EXTINF:2.000000,"));
        g_assert_nonnull(strstr(text, "#EXT-X-ENDLIST"));
    }
}

/* By the letter of RFC 8216. */
static void check_playlists(const char *media)
{
    const char *checker = g_getenv("MNB_TEST_HLS_CHECKER");
    if (checker == NULL)
        return;
    g_autofree char *said = test_shell("python3 '%s' '%s/master.m3u8' || true", checker, media);
    g_assert_cmpstr(said, ==, "");
}

static void check_files(const char *media, json_t *done)
{
    static const char *const fields[] = {"master",         "poster",     "download",
                                         "audio_download", "thumbnails", "waveform"};
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        const char *name = test_str(done, fields[i]);
        g_autofree char *path = g_build_filename(media, name, NULL);
        g_assert_true(*name == '\0' || g_file_test(path, G_FILE_TEST_IS_REGULAR));
    }
    g_autofree char *half = g_strconcat(media, ".tmp", NULL);
    g_assert_false(g_file_test(half, G_FILE_TEST_EXISTS));
    check_playlists(media);
    g_free(test_shell("ffprobe -v error '%s/master.m3u8'", media));
    /* Every byte range decodes without a word. */
    g_autofree char *said = test_shell(
        "for f in '%s'/*/index.m3u8; do ffmpeg -v error -i \"$f\" -f null - 2>&1; done", media);
    g_assert_cmpstr(said, ==, "");
}

/* The small pictures cover the film without holes, on sheets that are there. */
static void check_thumbnails(const char *media, json_t *done, guint n_wanted)
{
    g_autofree char *path = g_build_filename(media, "thumbnails.vtt", NULL);
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) cues = g_strsplit(g_strchomp(text), "\n\n", -1);
    g_assert_cmpuint(g_strv_length(cues), ==, n_wanted + 1);
    g_autofree char *end = g_strdup("00:00:00.000");
    for (guint i = 1; i <= n_wanted; i++) {
        g_auto(GStrv) lines = g_strsplit(cues[i], "\n", -1);
        g_auto(GStrv) times = g_strsplit(lines[0], " --> ", 2);
        g_assert_cmpstr(times[0], ==, end);
        g_free(end);
        end = g_strdup(times[1]);
        g_auto(GStrv) name = g_strsplit(lines[1], "#", 2);
        g_autofree char *sheet = g_build_filename(media, name[0], NULL);
        g_assert_true(g_file_test(sheet, G_FILE_TEST_IS_REGULAR));
    }
    int ms = (int)(test_int(done, "duration_us") / 1000);
    g_autofree char *whole =
        g_strdup_printf("00:%02d:%02d.%03d", ms / 60000, ms / 1000 % 60, ms % 1000);
    g_assert_cmpstr(end, ==, whole);
}

static void on_silent_film(void)
{
    if (!g_file_test(STREET, G_FILE_TEST_EXISTS)) {
        g_test_skip("opencv-doc is not installed");
        return;
    }
    int code;
    g_autofree char *media = in("media");
    json_t *done = transcode(STREET, "media", &code);
    g_assert_cmpint(code, ==, 0);
    g_assert_cmpint(ABS(test_int(done, "duration_us") - 79500000), <, 200000);
    g_assert_cmpint(test_int(done, "width"), ==, 768);
    g_assert_cmpint(test_int(done, "height"), ==, 576);
    g_assert_false(json_is_true(json_object_get(done, "has_audio")));
    json_t *renditions = json_object_get(done, "renditions");
    g_assert_cmpuint(json_array_size(renditions), ==, 3);
    g_assert_cmpstr(test_str(json_array_get(renditions, 0), "name"), ==, "576p");
    g_assert_cmpstr(test_str(json_array_get(renditions, 2), "name"), ==, "144p");
    g_assert_cmpint(test_int(json_array_get(renditions, 2), "bitrate_bps"), <, 150000);
    check_alignment(media, done);
    check_files(media, done);
    check_thumbnails(media, done, 40);
    g_assert_cmpuint(json_array_size(json_object_get(done, "posters")), ==, 3);
    g_assert_cmpstr(test_str(done, "waveform"), ==, "");
    g_autofree char *sizes =
        test_shell("for f in '%s'/poster-3.jpg '%s'/sprites-1.jpg; do ffprobe -v error "
                   "-show_entries stream=width,height -of csv=p=0 \"$f\"; done",
                   media, media);
    g_assert_cmpstr(g_strstrip(sizes), ==, "768,576\n1600,480");
    json_decref(done);
}

static void on_phone_film(void)
{
    if (!g_file_test(BOX, G_FILE_TEST_EXISTS)) {
        g_test_skip("opencv-doc is not installed");
        return;
    }
    int code;
    g_autofree char *film = in("box.mp4");
    g_autofree char *media = in("media");
    g_free(test_shell("gunzip -c " BOX " > '%s'", film));
    json_t *done = transcode(film, "media", &code);
    g_assert_cmpint(code, ==, 0);
    g_assert_true(json_is_true(json_object_get(done, "has_audio")));
    json_t *renditions = json_object_get(done, "renditions");
    g_assert_cmpint(test_int(json_array_get(renditions, 0), "fps_milli"), ==, 29970);
    g_assert_cmpuint(json_array_size(renditions), ==, 5);
    check_files(media, done);
    /* Picture and sound begin together, the low picture with the low sound fits 150 kbit/s. */
    g_autofree char *video = g_build_filename(media, "360p/index.m3u8", NULL);
    g_autofree char *audio = g_build_filename(media, "audio/index.m3u8", NULL);
    g_autoptr(GArray) pictures = test_packet_times(video, "v:0", FALSE);
    g_autoptr(GArray) sounds = test_packet_times(audio, "a:0", FALSE);
    g_assert_cmpint(pictures->len, >=, 440);
    g_assert_cmpint(g_array_index(sounds, gint64, 0), <, 1000);
    g_assert_cmpint(test_int(json_array_get(renditions, 2), "bitrate_bps"), <, 150000);
    json_decref(done);
}

/* Makes a film by gst-launch's language; MP4 unless the line muxes itself. */
static char *make(const char *name, const char *line)
{
    g_autofree char *path = in(name);
    g_autofree char *whole = g_strdup_printf("%s ! filesink location=%s", line, path);
    g_autoptr(GError) error = NULL;
    GstElement *pipeline = gst_parse_launch(whole, &error);
    g_assert_no_error(error);
    g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstMessage *message =
        gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    g_assert_nonnull(message);
    g_assert_cmpint(GST_MESSAGE_TYPE(message), ==, GST_MESSAGE_EOS);
    gst_message_unref(message);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
    return g_steal_pointer(&path);
}

static void on_sound_only(void)
{
    int code;
    g_autofree char *film = make("talk.ogg", "audiotestsrc num-buffers=200 ! opusenc ! oggmux");
    json_t *done = transcode(film, "media", &code);
    g_assert_cmpint(code, ==, 0);
    g_assert_false(json_is_true(json_object_get(done, "has_video")));
    g_assert_cmpstr(test_str(done, "poster"), ==, "");
    g_assert_cmpstr(test_str(done, "audio_download"), ==, "audio.m4a");
    g_assert_cmpstr(test_str(done, "thumbnails"), ==, "");
    g_assert_cmpstr(test_str(done, "waveform"), ==, "waveform.json");
    g_assert_cmpuint(json_array_size(json_object_get(done, "renditions")), ==, 2);
    g_autofree char *media = in("media");
    check_files(media, done);
    json_decref(done);
}

static void on_turned_film(void)
{
    int code;
    g_autofree char *lying =
        make("lying.mp4",
             "videotestsrc num-buffers=60 ! video/x-raw,width=640,height=360,framerate=30/1 "
             "! x264enc speed-preset=ultrafast ! mp4mux");
    g_autofree char *film =
        in("turned.mp4"); /* as phones write it: a rotation in the track's header */
    g_free(test_shell("ffmpeg -v error -i '%s' -c copy -metadata:s:v rotate=90 '%s'", lying, film));
    json_t *done = transcode(film, "media", &code);
    g_assert_cmpint(code, ==, 0);
    g_assert_cmpint(test_int(done, "width"), ==, 360);
    g_assert_cmpint(test_int(done, "height"), ==, 640);
    json_decref(done);
}

static void on_cut_film(void)
{
    int code;
    g_autofree char *film = make(
        "whole.mkv", "videotestsrc num-buffers=250 pattern=ball ! video/x-raw,width=320,height=180,"
                     "framerate=25/1 ! x264enc speed-preset=ultrafast ! matroskamux");
    g_autofree char *cut = in("cut.mkv");
    g_free(test_shell("head -c $(($(stat -c %%s '%s') / 2)) '%s' > '%s'", film, film, cut));
    json_t *done = transcode(cut, "media", &code);
    g_assert_cmpint(code, ==, 0);
    g_assert_cmpint(test_int(done, "duration_us"), >, 2 * S);
    g_assert_cmpint(test_int(done, "duration_us"), <, 8 * S);
    json_decref(done);
}

static void refuse(const char *name, const void *bytes, gsize size)
{
    int code;
    g_autofree char *film = in(name);
    g_assert_true(g_file_set_contents(film, bytes, (gssize)size, NULL));
    json_t *last = transcode(film, "media", &code);
    g_assert_cmpint(code, ==, 1);
    g_assert_cmpstr(test_str(last, "event"), ==, "failed");
    g_assert_cmpstr(test_str(last, "code"), ==, "not-a-film");
    g_assert_cmpuint(strlen(test_str(last, "reason")), >, 10);
    json_decref(last);
    g_autofree char *media = in("media");
    g_autofree char *half = in("media.tmp");
    g_assert_false(g_file_test(media, G_FILE_TEST_EXISTS));
    g_assert_false(g_file_test(half, G_FILE_TEST_EXISTS));
}

static void on_hostile(void)
{
    static const char playlist[] = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n"
                                   "http://127.0.0.1:9/secret.ts\n#EXT-X-ENDLIST\n";
    static const char manifest[] =
        "<?xml version=\"1.0\"?><MPD><BaseURL>file:///etc/</BaseURL></MPD>";
    guint8 noise[50000];
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    for (gsize i = 0; i < sizeof noise; i++)
        noise[i] = (guint8)g_rand_int_range(rand, 0, 256);
    refuse("playlist.mp4", playlist, strlen(playlist));
    refuse("manifest.mp4", manifest, strlen(manifest));
    refuse("empty.mp4", "", 0);
    refuse("noise.mp4", noise, sizeof noise);
    memcpy(noise,
           "\0\0\0\x20"
           "ftypisom",
           12);
    refuse("begins-well.mp4", noise, sizeof noise);
    memcpy(noise, "\x1a\x45\xdf\xa3", 4);
    refuse("begins-well.mkv", noise, sizeof noise);
    int code;
    json_t *last = transcode("/nonexistent", "media", &code);
    g_assert_cmpstr(test_str(last, "code"), ==, "io");
    json_decref(last);
}

static void on_still(void)
{
    /* Black at the beginning: the choice falls on something else. */
    g_autofree char *film = make("film.mp4", "videotestsrc num-buffers=50 pattern=black ! "
                                             "video/x-raw,width=320,height=180,framerate=25/1 "
                                             "! c. videotestsrc num-buffers=200 pattern=smpte ! "
                                             "video/x-raw,width=320,height=180,framerate=25/1 ! c. "
                                             "concat name=c ! x264enc key-int-max=25 "
                                             "speed-preset=ultrafast ! mp4mux");
    g_autofree char *poster = in("poster.jpg");
    json_t *done =
        test_job_run("manabi-stills", json_pack("{s:s, s:s}", "input", film, "out", poster), NULL);
    g_assert_cmpstr(test_str(done, "event"), ==, "done");
    g_assert_cmpint(test_int(done, "at_us"), >=, 2 * S);
    g_assert_cmpint(test_int(done, "width"), ==, 320);
    json_decref(done);
    g_autofree char *size = test_shell(
        "ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 '%s'", poster);
    g_assert_cmpstr(g_strstrip(size), ==, "mjpeg,320,180");
}

static void on_missing_plugin(void)
{
    const char *argv[] = {"manabi-transcode", "--check", NULL};
    g_setenv("MNB_GST_PLUGIN_DIR", folder, TRUE); /* an empty one */
    TestProgram *program = test_program_start(argv, NULL);
    json_t *missing = test_program_expect(program, "missing-plugin", 10);
    g_assert_cmpuint(strlen(test_str(missing, "package")), >, 0);
    json_t *failed = test_program_expect(program, "failed", 10);
    g_assert_cmpstr(test_str(failed, "code"), ==, "missing-plugin");
    g_assert_cmpint(test_program_wait(program), ==, 1);
    test_program_free(program);
    g_unsetenv("MNB_GST_PLUGIN_DIR");
}

static double mean_volume(const char *path, double from_s, double to_s)
{
    g_autofree char *text =
        test_shell("ffmpeg -v info -i '%s' -af 'atrim=%f:%f,volumedetect' -vn -f null - 2>&1", path,
                   from_s, to_s);
    const char *found = strstr(text, "mean_volume: ");
    g_assert_nonnull(found);
    return g_ascii_strtod(found + strlen("mean_volume: "), NULL);
}

/* Below 450 Hz: of two_languages() the first has its tone there, the second above. */
static double low_volume(const char *path)
{
    g_autofree char *text = test_shell(
        "ffmpeg -v info -i '%s' -af 'lowpass=450,lowpass=450,volumedetect' -vn -f null - 2>&1",
        path);
    const char *found = strstr(text, "mean_volume: ");
    g_assert_nonnull(found);
    return g_ascii_strtod(found + strlen("mean_volume: "), NULL);
}

static char *two_languages(void)
{
    return make("two.mkv",
                "videotestsrc num-buffers=150 pattern=ball ! video/x-raw,width=640,height=360,"
                "framerate=25/1 ! x264enc speed-preset=ultrafast ! m. "
                "audiotestsrc num-buffers=282 freq=300 ! audio/x-raw,rate=48000 ! flacenc ! "
                "taginject tags=language-code=en ! m. "
                "audiotestsrc num-buffers=282 freq=900 volume=0.1 ! audio/x-raw,rate=48000 ! "
                "flacenc ! taginject tags=language-code=ja ! m. "
                "audiotestsrc num-buffers=282 freq=50 ! audio/x-raw,rate=48000 ! flacenc ! "
                "taginject tags=language-code=ja ! m. matroskamux name=m");
}

/* Each language is a choice of its own, everywhere; a second microphone is not. */
static void on_two_languages(void)
{
    int code;
    g_autofree char *film = two_languages();
    g_autofree char *media = in("media");
    json_t *done = transcode(film, "media", &code);
    g_assert_cmpint(code, ==, 0);
    g_assert_cmpuint(json_array_size(json_object_get(done, "renditions")), ==, 2 + 4);
    check_files(media, done);
    g_autofree char *master = g_build_filename(media, "master.m3u8", NULL);
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(master, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, "GROUP-ID=\"audio\",NAME=\"English / 英語\",LANGUAGE=\"en\","
                                  "DEFAULT=YES"));
    g_assert_nonnull(strstr(text, "GROUP-ID=\"audio-low\",NAME=\"Japanese / 日本語\","
                                  "LANGUAGE=\"ja\",DEFAULT=NO"));
    g_autofree char *first = g_build_filename(media, "audio.m4a", NULL);
    g_autofree char *second = g_build_filename(media, "audio-2.m4a", NULL);
    /* Equally loud, and each its own tone. */
    g_assert_cmpfloat(ABS(mean_volume(first, 1, 4) - mean_volume(second, 1, 4)), <, 3);
    g_assert_cmpfloat(low_volume(first), >, low_volume(second) + 10);
    g_autofree char *tags = test_shell("ffprobe -v error -select_streams a -show_entries "
                                       "stream_tags=language -of csv=p=0 '%s/video.mp4'",
                                       media);
    g_assert_cmpstr(tags, ==, "eng\njpn\n");
    json_decref(done);
}

/* Pieces of an imported film, with picture and sound in step. The original stays as it was. */
static void on_cuts(void)
{
    int code;
    g_autofree char *film = two_languages();
    g_autofree char *media = in("media");
    json_t *job = json_pack("{s:s, s:s, s:[[i,i],[i,i]]}", "input", film, "out_dir", media,
                            "keep_us", 1 * (int)S, 2 * (int)S, 4 * (int)S, 5500000);
    json_t *done = test_job_run("manabi-transcode", job, &code);
    g_assert_cmpint(code, ==, 0);
    g_assert_cmpint(ABS(test_int(done, "duration_us") - 2500000), <, 100000);
    g_assert_cmpint(ABS(test_int(done, "source_us") - 6 * S), <, 100000);
    check_files(media, done);
    g_autofree char *lengths = test_shell("ffprobe -v error -show_entries stream=duration -of "
                                          "csv=p=0 '%s/video.mp4'",
                                          media);
    g_auto(GStrv) each = g_strsplit(g_strstrip(lengths), "\n", -1);
    g_assert_cmpuint(g_strv_length(each), ==, 3);
    for (guint i = 0; i < 3; i++)
        g_assert_cmpfloat(ABS(g_ascii_strtod(each[i], NULL) - 2.5), <, 0.1);
    json_decref(done);
}

/* The manager ends: so does the job, within seconds and without leaving anything. */
static void on_gone_manager(void)
{
    g_autofree char *film = make(
        "long.mp4", "videotestsrc num-buffers=1500 pattern=snow ! video/x-raw,width=320,height=180,"
                    "framerate=25/1 ! x264enc speed-preset=ultrafast ! mp4mux");
    g_autofree char *half = in("media.tmp");
    g_autofree char *line =
        g_strdup_printf("{\"input\":\"%s\",\"out_dir\":\"%s/media\"}", film, folder);
    const char *argv[] = {"manabi-transcode", NULL};
    TestProgram *program = test_program_start(argv, NULL);
    test_program_say(program, line);
    for (int i = 0; i < 1000 && !g_file_test(half, G_FILE_TEST_EXISTS); i++)
        g_usleep(10000);
    close(program->input);
    program->input = -1;
    json_t *failed = test_program_expect(program, "failed", 15);
    g_assert_cmpstr(test_str(failed, "code"), ==, "stopped");
    g_assert_cmpint(test_program_wait(program), ==, 1);
    g_assert_false(g_file_test(half, G_FILE_TEST_EXISTS));
    test_program_free(program);
}

/* Each test gets an empty folder. */
static void in_folder(gconstpointer test)
{
    folder = g_dir_make_tmp("manabi-transcode-XXXXXX", NULL);
    ((void (*)(void))test)();
    if (g_getenv("MNB_TEST_KEEP") == NULL)
        g_free(test_shell("rm -rf '%s'", folder));
    g_clear_pointer(&folder, g_free);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    gst_init(NULL, NULL);
    const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
        {"makes-an-aligned-ladder-of-a-silent-film", on_silent_film},
        {"takes-the-rate-of-a-phone-film-and-lines-up-its-sound", on_phone_film},
        {"accepts-sound-without-picture", on_sound_only},
        {"turns-a-film-upright", on_turned_film},
        {"publishes-a-film-that-breaks-off-as-far-as-it-goes", on_cut_film},
        {"refuses-what-is-no-film", on_hostile},
        {"chooses-a-still-that-is-not-black", on_still},
        {"offers-every-language-of-a-film", on_two_languages},
        {"leaves-out-what-was-cut", on_cuts},
        {"names-a-missing-plugin", on_missing_plugin},
        {"stops-when-its-manager-is-gone", on_gone_manager},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/pipelines/transcode/", tests[i].name, NULL);
        g_test_add_data_func(path, (gconstpointer)tests[i].run, in_folder);
    }
    return g_test_run();
}
