#include "server/media/payload.h"
#include "tests/unit/media/hex.h"
#include <errno.h>
#include <glib.h>

static int parse(MnbPayload *out, MnbCodec codec, const char *text)
{
    guint8 data[256];
    gsize len = hex(data, text);
    g_autofree guint8 *exact = g_memdup2(data, len);
    return mnb_payload_parse(out, codec, exact, len);
}

typedef struct {
    const char *bytes;
    int result;
    gboolean is_start, is_key;
} Case;

static void check(MnbCodec codec, const Case *cases, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        MnbPayload payload;
        g_test_message("%s", cases[i].bytes);
        g_assert_cmpint(parse(&payload, codec, cases[i].bytes), ==, cases[i].result);
        if (cases[i].result < 0)
            continue;
        g_assert_cmpint(payload.is_frame_start, ==, cases[i].is_start);
        g_assert_cmpint(payload.is_key_frame, ==, cases[i].is_key);
    }
}

#define KEY_FRAME "10 02 00 9d012a 8002 e001" /* 640 x 480 */

static void test_vp8_frames(void)
{
    static const Case cases[] = {
        {"10" KEY_FRAME, 0, TRUE, TRUE},
        {"9080 8123" KEY_FRAME, 0, TRUE, TRUE},
        {"90f0 8123 05 61" KEY_FRAME, 0, TRUE, TRUE},
        {"90 80 11 31 02 00", 0, TRUE, FALSE},   /* P = 1: not a key frame */
        {"80 80 11 ffffff", 0, FALSE, FALSE},    /* goes on */
        {"91 80 11" KEY_FRAME, 0, FALSE, FALSE}, /* begins partition 1 */
        {"00 aa", 0, FALSE, FALSE},
        {"10 10 02 00 9d012a 8002 e0", -EBADMSG, 0, 0}, /* cut in its sizes */
        {"10 10 02 00 9d012b 8002 e001", -EBADMSG, 0, 0},
        {"10 10 02 00 9d012a 0000 e001", -EPROTONOSUPPORT, 0, 0},
        {"10 18 02 00 9d012a 8002 e001", -EPROTONOSUPPORT, 0, 0}, /* version 4 */
        {"10", -EBADMSG, 0, 0},
        {"90", -EBADMSG, 0, 0},
        {"9080", -EBADMSG, 0, 0},
        {"908081", -EBADMSG, 0, 0},
        {"90808123", -EBADMSG, 0, 0},
        {"90f0812305", -EBADMSG, 0, 0},
        {"90f081230561", -EBADMSG, 0, 0},
    };
    check(MNB_CODEC_VP8, cases, G_N_ELEMENTS(cases));
    MnbPayload payload;
    parse(&payload, MNB_CODEC_VP8, "10" KEY_FRAME);
    g_assert_cmpint(payload.width, ==, 640);
    g_assert_cmpint(payload.height, ==, 480);
}

static void test_vp8_descriptor(void)
{
    MnbPayload payload;
    g_assert_cmpint(parse(&payload, MNB_CODEC_VP8, "b0f0 8123 05 a7 01"), ==, 0);
    const MnbVp8 *vp8 = &payload.vp8;
    g_assert_cmpint(vp8->descriptor_bytes, ==, 6);
    g_assert_true(vp8->is_non_reference && vp8->is_partition_start && vp8->is_picture_id_long);
    g_assert_true(vp8->has_picture_id && vp8->has_tl0 && vp8->has_tid && vp8->has_key_index);
    g_assert_cmpint(vp8->picture_id, ==, 0x123);
    g_assert_cmpint(vp8->tl0, ==, 5);
    g_assert_cmpint(vp8->tid, ==, 2);
    g_assert_cmpint(payload.tid, ==, 2);
    g_assert_true(vp8->is_layer_sync);
    g_assert_cmpint(vp8->key_index, ==, 7);
}

static void test_vp8_descriptor_rewritten(void)
{
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"b0f0 8123 05 a7 01", "b0f0 fabc 44 a7"}, /* all fields; 15 bits of the picture id */
        {"90 80 11 01", "90 80 fabc"},             /* a short picture id grows */
        {"80 a0 11 40 01", "80 a0 fabc 40"},       /* temporal id without TL0PICIDX */
        {"00 aa", "00"},                           /* no extension: stays without */
        {"90 40 07 01", "90 40 44"},
        {"90 10 03 01", "90 10 03"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint8 out[MNB_VP8_DESCRIPTOR_MAX];
        MnbPayload payload;
        g_assert_cmpint(parse(&payload, MNB_CODEC_VP8, cases[i].from), ==, 0);
        gsize n = mnb_vp8_write_descriptor(out, &payload.vp8, 0x7abc, 0x44);
        assert_hex(out, n, cases[i].to);
    }
}

static void test_h264(void)
{
    static const Case cases[] = {
        {"67 42e01f", 0, TRUE, TRUE}, /* SPS */
        {"68 ce", 0, TRUE, FALSE},    /* PPS */
        {"65 88", 0, TRUE, TRUE},     /* IDR */
        {"61 e0", 0, TRUE, FALSE},    /* slice */
        {"78 0002 6742 0001 68", 0, TRUE, TRUE},
        {"78 0002 41aa 0001 06", 0, TRUE, FALSE},
        {"7c 85 88", 0, TRUE, TRUE},   /* FU-A: IDR begins */
        {"7c 05 88", 0, FALSE, FALSE}, /* goes on */
        {"7c 45 88", 0, FALSE, FALSE}, /* ends */
        {"7c 81 e0", 0, TRUE, FALSE},
        {"7a 0000 00", -EPROTONOSUPPORT, 0, 0}, /* MTAP16 */
        {"7b 0000 00", -EPROTONOSUPPORT, 0, 0}, /* MTAP24 */
        {"79 0000 00", -EPROTONOSUPPORT, 0, 0}, /* STAP-B */
        {"7d 85 0000", -EPROTONOSUPPORT, 0, 0}, /* FU-B */
        {"7e 00", -EPROTONOSUPPORT, 0, 0},
        {"7f 00", -EPROTONOSUPPORT, 0, 0},
        {"60 00", -EPROTONOSUPPORT, 0, 0},
        {"78 0002 7a00", -EPROTONOSUPPORT, 0, 0}, /* MTAP in a STAP-A */
        {"7c 9a 00", -EPROTONOSUPPORT, 0, 0},     /* MTAP in an FU-A */
        {"e5 88", -EBADMSG, 0, 0},
        {"78", -EBADMSG, 0, 0},
        {"78 00", -EBADMSG, 0, 0},
        {"78 0000", -EBADMSG, 0, 0},
        {"78 0003 6742", -EBADMSG, 0, 0},
        {"78 0002 6742 00", -EBADMSG, 0, 0},
        {"7c 85", -EBADMSG, 0, 0},
        {"7c c5 88", -EBADMSG, 0, 0},
    };
    check(MNB_CODEC_H264, cases, G_N_ELEMENTS(cases));
}

static void test_vp9(void)
{
    static const Case cases[] = {
        {"88 81 23 aa", 0, TRUE, TRUE},   /* I B, not predicted */
        {"c8 81 23 aa", 0, TRUE, FALSE},  /* predicted */
        {"80 81 23 aa", 0, FALSE, FALSE}, /* in mid-frame */
        {"a8 11 00 05 aa", 0, TRUE, TRUE},
        {"a8 11 02 05 aa", 0, FALSE, FALSE}, /* upper spatial layer */
        {"f8 11 20 03 02 aa", 0, TRUE, FALSE},
        {"88 81", -EBADMSG, 0, 0},
        {"88 81 23", -EBADMSG, 0, 0},
        {"a8 11 00 05", -EBADMSG, 0, 0},
    };
    check(MNB_CODEC_VP9, cases, G_N_ELEMENTS(cases));
    MnbPayload payload;
    g_assert_cmpint(parse(&payload, MNB_CODEC_VP9, "a8 11 42 05 aa"), ==, 0);
    g_assert_cmpint(payload.tid, ==, 2);
    g_assert_cmpint(payload.sid, ==, 1);
}

static void test_av1(void)
{
    static const Case cases[] = {
        {"18 0a0b", 0, TRUE, TRUE},   {"10 320b", 0, TRUE, FALSE},
        {"90 aabb", 0, FALSE, FALSE}, {"98 aabb", -EBADMSG, 0, 0}, /* goes on and is new at once */
        {"18", -EBADMSG, 0, 0},
    };
    check(MNB_CODEC_AV1, cases, G_N_ELEMENTS(cases));
}

static void test_opus(void)
{
    MnbPayload payload;
    g_assert_cmpint(parse(&payload, MNB_CODEC_OPUS, "78"), ==, 0);
    g_assert_false(payload.is_key_frame);
    for (int codec = 0; codec < MNB_CODEC_COUNT; codec++)
        g_assert_cmpint(mnb_payload_parse(&payload, (MnbCodec)codec, NULL, 0), ==, -EBADMSG);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/payload/vp8-frames-and-key-frames", test_vp8_frames);
    g_test_add_func("/payload/vp8-reads-every-descriptor-field", test_vp8_descriptor);
    g_test_add_func("/payload/vp8-rewrites-the-descriptor", test_vp8_descriptor_rewritten);
    g_test_add_func("/payload/h264-takes-only-what-mode-1-allows", test_h264);
    g_test_add_func("/payload/vp9-frames-and-key-frames", test_vp9);
    g_test_add_func("/payload/av1-frames-and-key-frames", test_av1);
    g_test_add_func("/payload/opus-has-no-key-frames", test_opus);
    return g_test_run();
}
