/* manabi-ingest, fed by real SRT senders, read at the other end of its ring. */
#include "pipelines/common/leaks.h"
#include "tests/integration/pipelines/ingest-fixture.h"

#include <signal.h>
#include <sys/wait.h>

MNB_LEAKS_NOT_LOOKED_FOR;

#define SAY_NO_AUDIO                                                                               \
    "videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=15/1 ! "               \
    "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! h264parse ! mux. "
#define SAY_NO_VIDEO "audiotestsrc is-live=true ! avenc_aac ! aacparse ! mux. "
static void test_camera(void)
{
    TestIngest *ingest = test_ingest_new(NULL);
    test_ingest_go_live(ingest);
    /* Before anybody sends: the slate, and silence. */
    test_ingest_until(ingest, ingest->pictures >= 2 && ingest->packets[1] >= 20, 30);
    g_assert_cmpuint(ingest->keys, >=, 1);
    g_assert_cmpuint(ingest->level, ==, 127);
    TestSender *sender = test_sender_srt(ingest->port, INGEST_KEY, INGEST_PASSPHRASE, TEST_CAMERA);
    test_ingest_until(ingest, test_ingest_is_connected(ingest), 30);
    test_ingest_until(ingest, ingest->pictures > 60 && ingest->level < 60, 60);
    /* The picture of the camera itself, and how long it takes. */
    for (guint i = 0; i < 3; i++) {
        test_sender_turn(sender, FALSE);
        test_ingest_until(ingest, ingest->bright < 60, 30);
        test_sender_turn(sender, TRUE);
        test_ingest_until(ingest, ingest->bright > 150, 30);
        gint64 delay_us = ingest->turned_us - sender->turned_us;
        g_test_message("delay %d ms with a latency of 500 ms", (int)(delay_us / 1000));
        g_assert_cmpint(delay_us, >, 300000); /* libsrt's buffer was at work */
        g_assert_cmpint(delay_us, <, 10 * G_USEC_PER_SEC);
    }
    /* A key frame when somebody asks. */
    guint keys = ingest->keys;
    test_program_say(ingest->program, "{\"do\":\"key-frame\"}");
    test_ingest_until(ingest, ingest->keys > keys, 10);
    g_assert_cmpuint(ingest->reports[0], >, 0);
    g_assert_cmpuint(ingest->reports[1], >, 0);
    test_ingest_until(ingest, test_int(test_ingest_arriving(ingest), "kbit") > 50, 20);
    json_t *video = json_object_get(test_ingest_arriving(ingest), "video");
    g_assert_cmpstr(test_str(video, "codec"), ==, "h264");
    g_assert_cmpint(test_int(video, "width"), ==, 640);
    g_assert_cmpstr(test_str(json_object_get(test_ingest_arriving(ingest), "audio"), "codec"), ==,
                    "aac");
    g_assert_cmpstr(test_ingest_trouble(ingest), ==, "");
    test_sender_stop(sender);
    test_ingest_free(ingest);
}

static void test_comes_back(void)
{
    TestIngest *ingest = test_ingest_new(NULL);
    test_ingest_go_live(ingest);
    for (guint i = 0; i < 3; i++) {
        TestSender *sender =
            test_sender_srt(ingest->port, INGEST_KEY, INGEST_PASSPHRASE, TEST_CAMERA);
        test_sender_turn(sender, TRUE);
        test_ingest_until(ingest, ingest->bright > 150 && ingest->level < 60, 60);
        test_sender_stop(sender);
        /* The slate is dark. */
        test_ingest_until(ingest, ingest->bright < 100 && ingest->level == 127, 60);
    }
    /* For the room it was one stream all the time. */
    g_assert_cmpuint(ingest->lost[0], ==, 0);
    g_assert_cmpuint(ingest->lost[1], ==, 0);
    g_assert_cmpuint(test_program_count(ingest->program, "gone"), >=, 3);
    test_ingest_free(ingest);
}

static void test_second_is_refused(void)
{
    TestIngest *ingest = test_ingest_new(NULL);
    TestSender *first = test_sender_srt(ingest->port, INGEST_KEY, INGEST_PASSPHRASE, TEST_CAMERA);
    test_ingest_until(ingest, test_ingest_is_connected(ingest), 30);
    TestSender *second = test_sender_srt(ingest->port, INGEST_KEY, INGEST_PASSPHRASE, TEST_CAMERA);
    json_t *refused = test_program_expect(ingest->program, "refused", 30);
    g_assert_cmpstr(test_str(refused, "code"), ==, "in-use");
    test_sender_stop(second);
    g_assert_true(test_ingest_is_connected(ingest));
    g_assert_cmpuint(test_program_count(ingest->program, "gone"), ==, 0);
    test_sender_stop(first);
    test_ingest_free(ingest);
}

static void test_wrong_keys(void)
{
    TestIngest *ingest = test_ingest_new(NULL);
    TestSender *sender =
        test_sender_srt(ingest->port, "another-key", INGEST_PASSPHRASE, TEST_CAMERA);
    json_t *refused = test_program_expect(ingest->program, "refused", 30);
    g_assert_cmpstr(test_str(refused, "code"), ==, "wrong-key");
    test_sender_stop(sender);
    sender = test_sender_srt(ingest->port, INGEST_KEY, "quite another one", TEST_CAMERA);
    refused = test_program_expect(ingest->program, "refused", 30);
    g_assert_cmpstr(test_str(refused, "code"), ==, "wrong-passphrase");
    g_assert_false(test_ingest_is_connected(ingest));
    test_sender_stop(sender);
    /* And the right ones find the door open. */
    sender = test_sender_srt(ingest->port, INGEST_KEY, INGEST_PASSPHRASE, TEST_CAMERA);
    test_ingest_until(ingest, test_ingest_is_connected(ingest), 30);
    test_sender_stop(sender);
    test_ingest_free(ingest);
}

/* What is wrong with a feed is said by one word. */
static void check_trouble(const char *media, const char *expected)
{
    TestIngest *ingest = test_ingest_new(NULL);
    test_ingest_go_live(ingest);
    TestSender *sender = test_sender_srt(ingest->port, INGEST_KEY, INGEST_PASSPHRASE, media);
    test_ingest_until(ingest, g_str_equal(test_ingest_trouble(ingest), expected), 60);
    test_sender_stop(sender);
    test_ingest_free(ingest);
}

static void test_no_video(void)
{
    check_trouble(SAY_NO_VIDEO, "no-video");
}

static void test_no_audio(void)
{
    check_trouble(SAY_NO_AUDIO, "no-audio");
}

/* VC-2 has a place in MPEG-TS, and no decoder here. ffmpeg is another sender than GStreamer's. */
static void test_unknown_codec(void)
{
    TestIngest *ingest = test_ingest_new(NULL);
    g_autofree char *to = g_strdup_printf("srt://127.0.0.1:%d?streamid=" INGEST_KEY
                                          "&passphrase=" INGEST_PASSPHRASE "&pbkeylen=16",
                                          ingest->port);
    const char *argv[] = {
        "ffmpeg", "-v",  "error", "-re",    "-f", "lavfi", "-i", "testsrc=s=160x90:r=5",
        "-c:v",   "vc2", "-f",    "mpegts", to,   NULL};
    GPid pid;
    g_autoptr(GError) error = NULL;
    g_spawn_async(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL,
                  NULL, &pid, &error);
    g_assert_no_error(error);
    test_ingest_until(ingest, g_str_equal(test_ingest_trouble(ingest), "unknown-video"), 60);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    test_ingest_free(ingest);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    gst_init(&argc, &argv);
    g_test_add_func("/ingest/brings-a-camera-into-the-ring", test_camera);
    g_test_add_func("/ingest/comes-back-as-the-same-stream", test_comes_back);
    g_test_add_func("/ingest/refuses-a-second-encoder", test_second_is_refused);
    g_test_add_func("/ingest/refuses-a-wrong-key-and-passphrase", test_wrong_keys);
    g_test_add_func("/ingest/says-that-there-is-no-picture", test_no_video);
    g_test_add_func("/ingest/says-that-there-is-no-sound", test_no_audio);
    g_test_add_func("/ingest/says-that-nobody-decodes-it", test_unknown_codec);
    return g_test_run();
}
