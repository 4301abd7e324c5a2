#include "server/media/rtp.h"
#include "server/media/rtx.h"
#include "server/media/seq.h"
#include "tests/unit/media/hex.h"
#include <errno.h>
#include <glib.h>

/* Parses a copy that ends exactly at @len, so that ASan sees a read behind it. */
static int parse(MnbRtp *rtp, const guint8 *data, gsize len)
{
    g_autofree guint8 *exact = g_memdup2(data, len);
    return mnb_rtp_parse(rtp, exact, len);
}

static void test_fixed_header(void)
{
    guint8 data[64];
    MnbRtp rtp;
    gsize len = hex(data, "80e0 1234 01020304 a1a2a3a4 55667788");
    g_assert_cmpint(parse(&rtp, data, len), ==, 0);
    g_assert_cmpint(rtp.pt, ==, 0x60);
    g_assert_true(rtp.marker);
    g_assert_cmpint(rtp.seq, ==, 0x1234);
    g_assert_cmpuint(rtp.timestamp, ==, 0x01020304);
    g_assert_cmpuint(rtp.ssrc, ==, 0xa1a2a3a4);
    g_assert_cmpint(rtp.header_bytes, ==, 12);
    g_assert_cmpint(rtp.payload_bytes, ==, 4);
    g_assert_cmpint(rtp.extensions_offset, ==, 0);
}

static void test_csrcs_and_padding(void)
{
    guint8 data[64];
    MnbRtp rtp;
    gsize len = hex(data, "a260 0001 00000000 00000001 00000002 00000003 aabbcc000003");
    g_assert_cmpint(parse(&rtp, data, len), ==, 0);
    g_assert_cmpint(rtp.n_csrc, ==, 2);
    g_assert_cmpint(rtp.header_bytes, ==, 20);
    g_assert_cmpint(rtp.payload_bytes, ==, 3);
    g_assert_cmpint(rtp.padding_bytes, ==, 3);
    data[len - 1] = 7; /* more than there is */
    g_assert_cmpint(parse(&rtp, data, len), ==, -EBADMSG);
    data[len - 1] = 0;
    g_assert_cmpint(parse(&rtp, data, len), ==, -EBADMSG);
    g_assert_cmpint(mnb_rtp_parse_header(&rtp, data, len), ==, 0);
    data[len - 1] = 6; /* nothing but padding, a bandwidth probe */
    g_assert_cmpint(parse(&rtp, data, len), ==, 0);
    g_assert_cmpint(rtp.payload_bytes, ==, 0);
}

static void test_refuses_short_packets(void)
{
    guint8 data[64];
    MnbRtp rtp;
    gsize len = hex(data, "9260 0001 00000000 00000001 00000002 00000003 bede0002 10aa2100"
                          "bb000000");
    g_assert_cmpint(parse(&rtp, data, len), ==, 0);
    for (gsize cut = 1; cut <= len; cut++)
        g_assert_cmpint(parse(&rtp, data, len - cut), ==, -EBADMSG);
    data[0] = 0x52;
    g_assert_cmpint(parse(&rtp, data, len), ==, -EBADMSG);
}

static void test_one_byte_extensions(void)
{
    guint8 data[64], level;
    guint16 u16;
    guint32 u24;
    bool is_voice;
    char text[8];
    MnbRtp rtp;
    gsize len = hex(data, "9060 0001 00000000 00000001 bede0004"
                          "1185ff 00 22010203 3161 6242 50a5 f0 77 ee");
    g_assert_cmpint(parse(&rtp, data, len), ==, 0);
    g_assert_cmpint(rtp.extensions_offset, ==, 16);
    g_assert_true(mnb_rtp_read_u16(&rtp, data, 1, &u16));
    g_assert_cmpint(u16, ==, 0x85ff);
    g_assert_true(mnb_rtp_read_u24(&rtp, data, 2, &u24));
    g_assert_cmpint(u24, ==, 0x010203);
    g_assert_false(mnb_rtp_read_u24(&rtp, data, 1, &u24));
    g_assert_true(mnb_rtp_read_text(&rtp, data, 3, text, sizeof text));
    g_assert_cmpstr(text, ==, "ab");
    g_assert_false(mnb_rtp_read_text(&rtp, data, 3, text, 2));
    g_assert_false(mnb_rtp_read_text(&rtp, data, 2, text, sizeof text));
    g_assert_true(mnb_rtp_read_audio_level(&rtp, data, 5, &level, &is_voice) == false);
    g_assert_false(mnb_rtp_read_u16(&rtp, data, 0, &u16));
    g_assert_false(mnb_rtp_read_u16(&rtp, data, 9, &u16));
}

static void test_audio_level(void)
{
    guint8 data[64], level = 0;
    bool is_voice = false;
    MnbRtp rtp;
    gsize len = hex(data, "9060 0001 00000000 00000001 bede0001 50a50000");
    g_assert_cmpint(parse(&rtp, data, len), ==, 0);
    g_assert_true(mnb_rtp_read_audio_level(&rtp, data, 5, &level, &is_voice));
    g_assert_cmpint(level, ==, 0x25);
    g_assert_true(is_voice);
}

static void test_fifteen_ends_the_block(void)
{
    guint8 data[64];
    guint16 u16;
    MnbRtp rtp;
    gsize len = hex(data, "9060 0001 00000000 00000001 bede0002 f1aabb00 11ccdd00");
    g_assert_cmpint(parse(&rtp, data, len), ==, 0);
    g_assert_false(mnb_rtp_read_u16(&rtp, data, 1, &u16));
}

static void test_two_byte_extensions(void)
{
    guint8 data[64];
    gsize n;
    MnbRtp rtp;
    gsize len = hex(data, "9060 0001 00000000 00000001 10000003 01020102 00 2003aabbcc 0300");
    len += hex(data + len, "00");
    g_assert_cmpint(parse(&rtp, data, len), ==, 0);
    g_assert_true(rtp.is_two_byte);
    g_assert_nonnull(mnb_rtp_find_extension(&rtp, data, 1, &n));
    g_assert_cmpuint(n, ==, 2);
    g_assert_nonnull(mnb_rtp_find_extension(&rtp, data, 32, &n));
    g_assert_cmpuint(n, ==, 3);
    g_assert_nonnull(mnb_rtp_find_extension(&rtp, data, 3, &n));
    g_assert_cmpuint(n, ==, 0);
}

static void test_element_that_runs_over(void)
{
    guint8 data[64];
    gsize n;
    MnbRtp rtp;
    gsize len = hex(data, "9060 0001 00000000 00000001 bede0001 10aa2f00 ffff");
    g_assert_cmpint(parse(&rtp, data, len), ==, 0);
    g_assert_nonnull(mnb_rtp_find_extension(&rtp, data, 1, &n));
    g_assert_null(mnb_rtp_find_extension(&rtp, data, 2, &n));
    const guint8 map[MNB_RTP_EXTENSION_ID_MAX + 1] = {[1] = 7};
    guint8 before[64];
    memcpy(before, data, sizeof before);
    g_assert_cmpint(mnb_rtp_map_extensions(&rtp, data, map), ==, -EBADMSG);
    g_assert_cmpmem(data, len, before, len);
}

static void test_renames_extensions(void)
{
    guint8 data[64];
    MnbRtp rtp;
    const guint8 map[MNB_RTP_EXTENSION_ID_MAX + 1] = {[1] = 7, [3] = 1};
    gsize len = hex(data, "9060 0001 00000000 00000001 bede0003 11aabb 22010203 3161620000");
    g_assert_cmpint(parse(&rtp, data, len), ==, 0);
    g_assert_cmpint(mnb_rtp_map_extensions(&rtp, data, map), ==, 0);
    assert_hex(data + 12, len - 12, "bede0003 71aabb 00000000 1161620000");
    len = hex(data, "9060 0001 00000000 00000001 10000002 0101aa 2001bb 0000");
    g_assert_cmpint(parse(&rtp, data, len), ==, 0);
    g_assert_cmpint(mnb_rtp_map_extensions(&rtp, data, map), ==, 0);
    assert_hex(data + 12, len - 12, "10000002 0701aa 000000 0000");
}

static void test_builds_a_header(void)
{
    guint8 data[64];
    guint16 twcc;
    char mid[8];
    MnbRtp rtp;
    MnbRtpBuilder builder;
    mnb_rtp_build(&builder, data, sizeof data, 96, 0xcafe);
    g_assert_cmpint(mnb_rtp_build_extension(&builder, 4, "v0", 2), ==, 17);
    g_assert_cmpint(mnb_rtp_build_extension(&builder, 0, "ignored", 7), ==, 0);
    int at = mnb_rtp_build_extension(&builder, 5, "\0\0", 2);
    int len = mnb_rtp_build_end(&builder);
    g_assert_cmpint(len, ==, 24);
    mnb_put_u16(data + at, 777);
    mnb_rtp_set_seq(data, 5);
    mnb_rtp_set_timestamp(data, 6);
    mnb_rtp_set_ssrc(data, 8);
    mnb_rtp_set_pt(data, 97, true);
    g_assert_cmpint(parse(&rtp, data, (gsize)len), ==, 0);
    g_assert_true(rtp.marker && rtp.pt == 97 && rtp.seq == 5 && rtp.timestamp == 6 &&
                  rtp.ssrc == 8);
    g_assert_cmpint(rtp.header_bytes, ==, 24);
    g_assert_true(mnb_rtp_read_u16(&rtp, data, 5, &twcc));
    g_assert_cmpint(twcc, ==, 777);
    g_assert_true(mnb_rtp_read_text(&rtp, data, 4, mid, sizeof mid));
    g_assert_cmpstr(mid, ==, "v0");
    mnb_rtp_build(&builder, data, sizeof data, 111, 1);
    g_assert_cmpint(mnb_rtp_build_end(&builder), ==, 12);
}

static void test_builder_says_what_does_not_fit(void)
{
    guint8 data[64];
    MnbRtpBuilder builder;
    mnb_rtp_build(&builder, data, 20, 96, 1);
    g_assert_cmpint(mnb_rtp_build_extension(&builder, 1, "abcdef", 6), ==, -ENOSPC);
    g_assert_cmpint(mnb_rtp_build_end(&builder), ==, -ENOSPC);
    mnb_rtp_build(&builder, data, 8, 96, 1);
    g_assert_cmpint(mnb_rtp_build_end(&builder), ==, -ENOSPC);
    mnb_rtp_build(&builder, data, sizeof data, 96, 1);
    g_assert_cmpint(mnb_rtp_build_extension(&builder, 15, "a", 1), ==, -EINVAL);
    g_assert_cmpint(mnb_rtp_build_end(&builder), ==, -ENOSPC);
}

static void test_abs_send_time(void)
{
    g_assert_cmpuint(mnb_rtp_abs_send_time(0), ==, 0);
    g_assert_cmpuint(mnb_rtp_abs_send_time(1500000), ==, (1u << 18) + (1u << 17));
    g_assert_cmpuint(mnb_rtp_abs_send_time(64000000), ==, 0);
}

static void test_tells_datagrams_apart(void)
{
    static const struct {
        guint8 first, second;
        MnbDatagramKind kind;
    } cases[] = {{0, 1, MNB_DATAGRAM_STUN},      {3, 0, MNB_DATAGRAM_STUN},
                 {4, 0, MNB_DATAGRAM_UNKNOWN},   {20, 254, MNB_DATAGRAM_DTLS},
                 {63, 0, MNB_DATAGRAM_DTLS},     {64, 0, MNB_DATAGRAM_UNKNOWN},
                 {127, 0, MNB_DATAGRAM_UNKNOWN}, {128, 96, MNB_DATAGRAM_RTP},
                 {144, 0xe0, MNB_DATAGRAM_RTP},  {128, 200, MNB_DATAGRAM_RTCP},
                 {129, 223, MNB_DATAGRAM_RTCP},  {191, 191, MNB_DATAGRAM_RTP},
                 {192, 96, MNB_DATAGRAM_UNKNOWN}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint8 data[2] = {cases[i].first, cases[i].second};
        g_assert_cmpint(mnb_datagram_kind(data, 2), ==, cases[i].kind);
        g_assert_cmpint(mnb_datagram_kind(data, 1), ==, MNB_DATAGRAM_UNKNOWN);
    }
}

static void test_rtx_undone(void)
{
    guint8 data[64];
    MnbRtp rtx, rtp;
    gsize len = hex(data, "b0e1 1111 01020304 0000aaaa bede0001 31616200 2222 c0ffee 0002");
    g_assert_cmpint(mnb_rtp_parse(&rtx, data, len), ==, 0);
    int n = mnb_rtx_undo(data, len, &rtx, 0xbbbb, 96);
    assert_hex(data, (gsize)n, "90e0 2222 01020304 0000bbbb bede0001 31616200 c0ffee");
    g_assert_cmpint(mnb_rtp_parse(&rtp, data, (gsize)n), ==, 0);
    /* a probe: padding alone */
    len = hex(data, "a061 1111 01020304 0000aaaa 000003");
    g_assert_cmpint(mnb_rtp_parse(&rtx, data, len), ==, 0);
    g_assert_cmpint(mnb_rtx_undo(data, len, &rtx, 0xbbbb, 96), ==, -ENODATA);
    len = hex(data, "8061 1111 01020304 0000aaaa 01");
    g_assert_cmpint(mnb_rtp_parse(&rtx, data, len), ==, 0);
    g_assert_cmpint(mnb_rtx_undo(data, len, &rtx, 0xbbbb, 96), ==, -EBADMSG);
    /* the original had no payload */
    len = hex(data, "8061 1111 01020304 0000aaaa 0102");
    g_assert_cmpint(mnb_rtp_parse(&rtx, data, len), ==, 0);
    g_assert_cmpint(mnb_rtx_undo(data, len, &rtx, 0xbbbb, 96), ==, 12);
}

static void test_unwraps(void)
{
    MnbUnwrapper self = {0};
    g_assert_cmpint(mnb_seq_unwrap(&self, 65530), ==, 65530);
    g_assert_cmpint(mnb_seq_unwrap(&self, 4), ==, 65540);
    g_assert_cmpint(mnb_seq_unwrap(&self, 65535), ==, 65535);
    g_assert_cmpint(mnb_seq_unwrap(&self, 5), ==, 65541);
    g_assert_cmpint(self.highest, ==, 65541);
    for (int i = 0; i < 20; i++)
        mnb_seq_unwrap(&self, (guint16)(5 + i * 30000));
    g_assert_cmpint(self.highest, ==, 65541 + 19 * 30000);
    MnbUnwrapper early = {0};
    g_assert_cmpint(mnb_seq_unwrap(&early, 2), ==, 2);
    g_assert_cmpint(mnb_seq_unwrap(&early, 65534), ==, -2);
    MnbUnwrapper stamps = {0};
    g_assert_cmpint(mnb_timestamp_unwrap(&stamps, 0xfffffff0), ==, 0xfffffff0);
    g_assert_cmpint(mnb_timestamp_unwrap(&stamps, 16), ==, 0x100000010);
    g_assert_true(mnb_seq_is_newer(2, 65535));
    g_assert_false(mnb_seq_is_newer(7, 7));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rtp/reads-the-fixed-header", test_fixed_header);
    g_test_add_func("/rtp/reads-csrcs-and-padding", test_csrcs_and_padding);
    g_test_add_func("/rtp/refuses-short-packets", test_refuses_short_packets);
    g_test_add_func("/rtp/finds-one-byte-extensions", test_one_byte_extensions);
    g_test_add_func("/rtp/reads-the-audio-level", test_audio_level);
    g_test_add_func("/rtp/id-fifteen-ends-the-block", test_fifteen_ends_the_block);
    g_test_add_func("/rtp/finds-two-byte-extensions", test_two_byte_extensions);
    g_test_add_func("/rtp/an-element-that-runs-over-ends-the-search", test_element_that_runs_over);
    g_test_add_func("/rtp/renames-and-erases-extensions-in-place", test_renames_extensions);
    g_test_add_func("/rtp/builds-a-header-that-it-reads", test_builds_a_header);
    g_test_add_func("/rtp/builder-says-what-does-not-fit", test_builder_says_what_does_not_fit);
    g_test_add_func("/rtp/abs-send-time-wraps-at-64-s", test_abs_send_time);
    g_test_add_func("/rtp/tells-datagrams-apart", test_tells_datagrams_apart);
    g_test_add_func("/rtx/gives-the-original-packet-back", test_rtx_undone);
    g_test_add_func("/seq/unwraps", test_unwraps);
    return g_test_run();
}
