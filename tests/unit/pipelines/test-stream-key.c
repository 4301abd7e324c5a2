/* The stream id of an SRT encoder, and what manabi-ingest is told. */
#include "pipelines/ingest/command.h"
#include "pipelines/ingest/stream-key.h"
#include <string.h>

static void test_forms(void)
{
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "abc123", -1);
    const char *right[] = {"abc123", "#!::r=abc123,m=publish", "#!::m=publish,r=abc123",
                           "#!::u=abc123"};
    const char *wrong[] = {"",
                           "abc124",
                           "abc1234",
                           "abc12",
                           "#!::m=publish",
                           "#!::",
                           "#!::r=",
                           "#!::r=abc12",
                           "abc123 ",
                           "#!::x=abc123",
                           "ABC123",
                           "#!::r=abc1234,m=publish"};
    for (guint i = 0; i < G_N_ELEMENTS(right); i++)
        g_assert_true(mnb_stream_key_is(right[i], hash));
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_false(mnb_stream_key_is(wrong[i], hash));
    g_assert_false(mnb_stream_key_is(NULL, hash));
    g_assert_false(mnb_stream_key_is("abc123", NULL));
    g_assert_false(mnb_stream_key_is("abc123", ""));
    g_autofree char *long_id = g_strnfill(MNB_STREAM_ID_MAX + 1, 'a');
    g_assert_false(mnb_stream_key_is(long_id, hash));
}

#define SRT                                                                                        \
    "\"do\":\"start\",\"source\":\"srt\",\"address\":\"0.0.0.0\",\"port\":9710,\"width\":640,"     \
    "\"height\":360,\"bitrate_bps\":600000,\"name\":\"x\",\"passphrase\":\"0123456789\","          \
    "\"key_sha256\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""

static gboolean is_command(const char *text)
{
    MnbIngestCommand command;
    const char *reason = NULL;
    json_t *object = json_loads(text, 0, NULL);
    g_assert_nonnull(object);
    gboolean ok = mnb_ingest_command_parse(object, &command, &reason);
    g_assert_true(ok || reason != NULL);
    json_decref(object);
    return ok;
}

static void test_commands(void)
{
    g_assert_true(is_command("{" SRT "}"));
    g_assert_true(is_command("{\"do\":\"live\",\"on\":true,\"video_track\":1,\"audio_track\":2}"));
    g_assert_true(is_command("{\"do\":\"live\",\"on\":false}"));
    g_assert_true(is_command("{\"do\":\"key-frame\"}"));
    g_assert_true(is_command(
        "{\"do\":\"start\",\"source\":\"rtsp\",\"url\":\"rtsp://10.0.0.1/a\",\"width\":640,"
        "\"height\":360,\"bitrate_bps\":600000,\"name\":\"x\"}"));
    /* A file is no camera. */
    g_assert_false(is_command(
        "{\"do\":\"start\",\"source\":\"rtsp\",\"url\":\"file:///etc/passwd\",\"width\":640,"
        "\"height\":360,\"bitrate_bps\":600000,\"name\":\"x\"}"));
    g_assert_false(is_command("{\"do\":\"start\",\"source\":\"rtsp\",\"width\":640,\"height\":360,"
                              "\"bitrate_bps\":600000,\"name\":\"x\"}"));
    g_assert_false(is_command("{\"do\":\"live\",\"on\":true}"));
    g_assert_false(is_command("{\"do\":\"dance\"}"));
    g_assert_false(is_command("{\"do\":\"start\",\"source\":\"srt\"}"));
    g_assert_false(is_command("{}"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ingest/knows-a-stream-key-in-every-form", test_forms);
    g_test_add_func("/ingest/takes-commands-within-their-limits", test_commands);
    return g_test_run();
}
