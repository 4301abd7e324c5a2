#include "server/media/bytes.h"
#include "server/media/rtcp.h"
#include "server/media/twcc.h"
#include "tests/unit/media/hex.h"
#include <errno.h>
#include <glib.h>

static guint8 buffer[2048];
static MnbRtcpWriter writer;

static void begin(void)
{
    mnb_rtcp_begin(&writer, buffer, sizeof buffer);
}

/* The only packet of what was written. */
static MnbRtcpPacket only(void)
{
    MnbRtcpReader reader;
    MnbRtcpPacket packet, more;
    mnb_rtcp_start(&reader, buffer, writer.len);
    g_assert_cmpint(mnb_rtcp_next(&reader, &packet), ==, 1);
    g_assert_cmpint(mnb_rtcp_next(&reader, &more), ==, 0);
    return packet;
}

static void test_compound(void)
{
    const MnbRtcpSenderInfo info = {
        .ssrc = 1, .ntp = 0xe0000000800000ff, .rtp_time = 90000, .packets = 10, .bytes = 12000};
    const MnbRtcpReport reports[2] = {
        {.ssrc = 2,
         .fraction_lost = 25,
         .lost = -3,
         .highest_seq = 0x10005,
         .jitter = 7,
         .last_sr = 0x11112222,
         .delay = 65536},
        {.ssrc = 3, .lost = 0x7fffffff},
    };
    begin();
    g_assert_cmpint(mnb_rtcp_put_sr(&writer, &info, reports, 2), ==, 0);
    g_assert_cmpint(mnb_rtcp_put_cname(&writer, 1, "manabi"), ==, 0);
    g_assert_cmpint(mnb_rtcp_put_bye(&writer, (const uint32_t[]){1, 9}, 2), ==, 0);

    MnbRtcpReader reader;
    MnbRtcpPacket packet;
    MnbRtcpSenderInfo got;
    MnbRtcpReport report;
    uint32_t ssrc;
    const char *name;
    gsize len;
    mnb_rtcp_start(&reader, buffer, writer.len);
    g_assert_cmpint(mnb_rtcp_next(&reader, &packet), ==, 1);
    g_assert_true(mnb_rtcp_read_sr(&packet, &got));
    g_assert_true(mnb_rtcp_read_ssrc(&packet, &ssrc));
    g_assert_cmpuint(ssrc, ==, 1);
    g_assert_cmpuint(got.ntp, ==, info.ntp);
    g_assert_cmpuint(got.rtp_time, ==, info.rtp_time);
    g_assert_cmpuint(got.packets, ==, 10);
    g_assert_cmpuint(got.bytes, ==, 12000);
    g_assert_true(mnb_rtcp_read_report(&packet, 0, &report));
    g_assert_cmpuint(report.ssrc, ==, 2);
    g_assert_cmpint(report.fraction_lost, ==, 25);
    g_assert_cmpint(report.lost, ==, -3);
    g_assert_cmpuint(report.highest_seq, ==, 0x10005);
    g_assert_cmpuint(report.jitter, ==, 7);
    g_assert_cmpuint(report.last_sr, ==, 0x11112222);
    g_assert_cmpuint(report.delay, ==, 65536);
    g_assert_true(mnb_rtcp_read_report(&packet, 1, &report));
    g_assert_cmpint(report.lost, ==, 0x7fffff);
    g_assert_false(mnb_rtcp_read_report(&packet, 2, &report));

    g_assert_cmpint(mnb_rtcp_next(&reader, &packet), ==, 1);
    g_assert_true(mnb_rtcp_read_cname(&packet, &ssrc, &name, &len));
    g_assert_cmpmem(name, len, "manabi", 6);
    g_assert_false(mnb_rtcp_read_sr(&packet, &got));

    g_assert_cmpint(mnb_rtcp_next(&reader, &packet), ==, 1);
    g_assert_true(mnb_rtcp_read_bye(&packet, 1, &ssrc));
    g_assert_cmpuint(ssrc, ==, 9);
    g_assert_false(mnb_rtcp_read_bye(&packet, 2, &ssrc));
    g_assert_cmpint(mnb_rtcp_next(&reader, &packet), ==, 0);
}

static void test_receiver_report(void)
{
    const MnbRtcpReport report = {.ssrc = 5, .highest_seq = 99};
    MnbRtcpReport got;
    uint32_t ssrc;
    begin();
    g_assert_cmpint(mnb_rtcp_put_rr(&writer, 4, &report, 1), ==, 0);
    MnbRtcpPacket packet = only();
    g_assert_cmpint(packet.type, ==, MNB_RTCP_RR);
    g_assert_true(mnb_rtcp_read_ssrc(&packet, &ssrc));
    g_assert_cmpuint(ssrc, ==, 4);
    g_assert_true(mnb_rtcp_read_report(&packet, 0, &got));
    g_assert_cmpuint(got.highest_seq, ==, 99);
    packet.count = 31; /* a count that lies */
    g_assert_false(mnb_rtcp_read_report(&packet, 1, &got));
}

static void test_round_trip(void)
{
    MnbRtcpReport report = {.last_sr = 0x00010000, .delay = 0x8000};
    g_assert_cmpint(mnb_rtcp_round_trip_us(&report, 0x000000028000ULL << 16), ==, 1000000);
    g_assert_cmpint(mnb_rtcp_round_trip_us(&report, 0x000000010000ULL << 16), ==, -1);
    report.last_sr = 0;
    g_assert_cmpint(mnb_rtcp_round_trip_us(&report, 0x28000ULL << 16), ==, -1);
}

static void test_nack(void)
{
    const uint16_t lost[] = {65534, 65535, 0, 14, 15, 100, 117, 116};
    uint16_t got[32];
    uint32_t media;
    begin();
    g_assert_cmpint(mnb_rtcp_put_nack(&writer, 1, 2, lost, G_N_ELEMENTS(lost)), ==, 0);
    MnbRtcpPacket packet = only();
    /* 65534 takes all up to 14; 15; 100 takes 116 not, as it is behind 117 */
    assert_hex(packet.body, packet.body_len,
               "00000001 00000002 fffe8003 000f0000 00640000"
               "00750000 00740000");
    g_assert_cmpuint(mnb_rtcp_read_nack(&packet, &media, got, G_N_ELEMENTS(got)), ==, 8);
    g_assert_cmpuint(media, ==, 2);
    g_assert_cmpmem(got, sizeof lost, lost, sizeof lost);
    g_assert_cmpuint(mnb_rtcp_read_nack(&packet, &media, got, 3), ==, 3);
    mnb_rtcp_begin(&writer, buffer, 20);
    g_assert_cmpint(mnb_rtcp_put_nack(&writer, 1, 2, lost, G_N_ELEMENTS(lost)), ==, -ENOSPC);
    g_assert_cmpuint(writer.len, ==, 0);
    g_assert_cmpint(mnb_rtcp_put_nack(&writer, 1, 2, lost, 0), ==, -ENOSPC);
}

static void test_pictures(void)
{
    uint32_t media = 0;
    uint8_t seq = 0;
    begin();
    g_assert_cmpint(mnb_rtcp_put_pli(&writer, 1, 0xabcd), ==, 0);
    MnbRtcpPacket packet = only();
    g_assert_true(mnb_rtcp_read_pli(&packet, &media));
    g_assert_cmpuint(media, ==, 0xabcd);
    g_assert_false(mnb_rtcp_read_fir(&packet, 0, &media, &seq));
    begin();
    g_assert_cmpint(mnb_rtcp_put_fir(&writer, 1, 0xabce, 77), ==, 0);
    packet = only();
    g_assert_true(mnb_rtcp_read_fir(&packet, 0, &media, &seq));
    g_assert_cmpuint(media, ==, 0xabce);
    g_assert_cmpint(seq, ==, 77);
    g_assert_false(mnb_rtcp_read_fir(&packet, 1, &media, &seq));
    g_assert_false(mnb_rtcp_read_pli(&packet, &media));
}

static void test_remb(void)
{
    static const uint64_t rates[] = {0, 1, 262143, 262144, 2500000, 1ULL << 40};
    uint64_t bps;
    for (gsize i = 0; i < G_N_ELEMENTS(rates); i++) {
        begin();
        g_assert_cmpint(mnb_rtcp_put_remb(&writer, 1, rates[i], (const uint32_t[]){7}, 1), ==, 0);
        MnbRtcpPacket packet = only();
        g_assert_true(mnb_rtcp_read_remb(&packet, &bps));
        g_assert_cmpuint(bps, <=, rates[i]);
        g_assert_cmpuint(rates[i] - bps, <=, rates[i] >> 17);
        buffer[17] = 0xff; /* exponent 63 */
        buffer[18] = 0xff;
        g_assert_true(mnb_rtcp_read_remb(&packet, &bps));
        g_assert_cmpuint(bps, ==, 1ULL << 53);
        buffer[12] = 'X';
        g_assert_false(mnb_rtcp_read_remb(&packet, &bps));
    }
}

static void test_malformed(void)
{
    static const struct {
        const char *bytes;
        int packets;
    } cases[] = {
        {"80c9", 0},                                /* cut head */
        {"40c90000", 0},                            /* version 1 */
        {"80c90001", 0},                            /* longer than there is */
        {"80c90001 00000001 80ca0005 00000001", 1}, /* the second one lies */
        {"a0c90001 00000000", 0},                   /* padding 0 */
        {"a0c90001 00000008", 0},                   /* padding takes the head too */
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        MnbRtcpReader reader;
        MnbRtcpPacket packet;
        gsize len = hex(buffer, cases[i].bytes);
        g_autofree guint8 *exact = g_memdup2(buffer, len);
        mnb_rtcp_start(&reader, exact, len);
        for (int n = 0; n < cases[i].packets; n++)
            g_assert_cmpint(mnb_rtcp_next(&reader, &packet), ==, 1);
        g_assert_cmpint(mnb_rtcp_next(&reader, &packet), ==, -EBADMSG);
        g_assert_cmpint(mnb_rtcp_next(&reader, &packet), ==, 0);
    }
}

static void test_writer_keeps_its_end(void)
{
    const MnbRtcpSenderInfo info = {.ssrc = 1};
    static char name[300];
    memset(name, 'n', sizeof name - 1);
    mnb_rtcp_begin(&writer, buffer, 8);
    g_assert_cmpint(mnb_rtcp_put_sr(&writer, &info, NULL, 0), ==, -ENOSPC);
    g_assert_cmpint(mnb_rtcp_put_pli(&writer, 1, 2), ==, -ENOSPC);
    g_assert_cmpint(mnb_rtcp_put_fir(&writer, 1, 2, 3), ==, -ENOSPC);
    g_assert_cmpint(mnb_rtcp_put_remb(&writer, 1, 2, NULL, 0), ==, -ENOSPC);
    g_assert_cmpint(mnb_rtcp_put_cname(&writer, 1, name), ==, -ENOSPC);
    g_assert_cmpint(mnb_rtcp_put_bye(&writer, NULL, 0), ==, -ENOSPC);
    g_assert_cmpint(mnb_rtcp_put_rr(&writer, 1, NULL, 32), ==, -ENOSPC);
    g_assert_cmpint(mnb_rtcp_put_rr(&writer, 1, NULL, 0), ==, 0);
    g_assert_cmpuint(writer.len, ==, 8);
}

/* ---- transport-wide feedback ---- */

static MnbTwcc twcc;
static int32_t arrivals[MNB_TWCC_WINDOW];

/* Builds and reads one message back; asserts what came, relative to the first that arrived. */
static MnbRtcpTwcc feedback(int *n_out)
{
    MnbRtcpTwcc message;
    begin();
    g_assert_cmpint(mnb_twcc_build(&twcc, &writer, 1, 2), ==, 0);
    g_assert_cmpuint(writer.len % 4, ==, 0);
    MnbRtcpPacket packet = only();
    *n_out = mnb_rtcp_read_twcc(&packet, &message, arrivals, G_N_ELEMENTS(arrivals));
    g_assert_cmpint(*n_out, ==, message.count);
    return message;
}

static void test_twcc_tells_arrivals(void)
{
    int n;
    memset(&twcc, 0, sizeof twcc);
    begin();
    g_assert_cmpint(mnb_twcc_build(&twcc, &writer, 1, 2), ==, -ENODATA);
    for (int i = 0; i < 20; i++)
        mnb_twcc_arrived(&twcc, (uint16_t)(65530 + i), 10000000 + i * 1000);
    MnbRtcpTwcc message = feedback(&n);
    g_assert_cmpint(message.base_seq, ==, 65530);
    g_assert_cmpint(message.feedback_count, ==, 0);
    g_assert_cmpint(n, ==, 20);
    int64_t reference_us = (int64_t)message.reference_time_64 * 64000;
    for (int i = 0; i < 20; i++)
        g_assert_cmpint(reference_us + arrivals[i], ==, 10000000 + i * 1000);
    g_assert_false(mnb_twcc_has_news(&twcc));

    /* losses, reordering, a duplicate, a long silence */
    mnb_twcc_arrived(&twcc, 16, 11000000);
    mnb_twcc_arrived(&twcc, 15, 11000500);
    mnb_twcc_arrived(&twcc, 15, 11900000);
    mnb_twcc_arrived(&twcc, 40, 13000000);
    message = feedback(&n);
    g_assert_cmpint(message.feedback_count, ==, 1);
    g_assert_cmpint(message.base_seq, ==, 14);
    g_assert_cmpint(n, ==, 27);
    reference_us = (int64_t)message.reference_time_64 * 64000;
    g_assert_cmpint(arrivals[0], ==, MNB_TWCC_LOST);
    g_assert_cmpint(reference_us + arrivals[1], ==, 11000500);
    g_assert_cmpint(reference_us + arrivals[2], ==, 11000000);
    for (int i = 3; i < 26; i++)
        g_assert_cmpint(arrivals[i], ==, MNB_TWCC_LOST);
    g_assert_cmpint(reference_us + arrivals[26], ==, 13000000);

    /* one that was told lost comes late: told again from there */
    mnb_twcc_arrived(&twcc, 30, 13100000);
    message = feedback(&n);
    g_assert_cmpint(message.base_seq, ==, 30);
    g_assert_cmpint(n, ==, 11);
}

static void test_twcc_splits(void)
{
    int n, told = 0;
    memset(&twcc, 0, sizeof twcc);
    /* More than one message holds, with half of it lost and every delta a long one. */
    for (int i = 0; i < 900; i += 2)
        mnb_twcc_arrived(&twcc, (uint16_t)i, 1000000 + i * 100000);
    uint16_t expected = 0;
    while (mnb_twcc_has_news(&twcc)) {
        MnbRtcpTwcc message;
        mnb_rtcp_begin(&writer, buffer, 300);
        g_assert_cmpint(mnb_twcc_build(&twcc, &writer, 1, 2), ==, 0);
        g_assert_cmpuint(writer.len, <=, 300);
        MnbRtcpPacket packet = only();
        n = mnb_rtcp_read_twcc(&packet, &message, arrivals, G_N_ELEMENTS(arrivals));
        g_assert_cmpint(message.base_seq, ==, expected);
        g_assert_cmpint(n, >, 0);
        for (int i = 0; i < n; i++) {
            uint16_t seq = (uint16_t)(message.base_seq + i);
            if (seq % 2 != 0)
                g_assert_cmpint(arrivals[i], ==, MNB_TWCC_LOST);
            else
                g_assert_cmpint((int64_t)message.reference_time_64 * 64000 + arrivals[i], ==,
                                1000000 + seq * 100000);
        }
        told += n;
        expected = (uint16_t)(message.base_seq + n);
    }
    g_assert_cmpint(told, ==, 899);
    mnb_twcc_arrived(&twcc, 2000, 100000000);
    mnb_rtcp_begin(&writer, buffer, 60);
    g_assert_cmpint(mnb_twcc_build(&twcc, &writer, 1, 2), ==, -ENOSPC);
    /* 1100 lost in a row do not fit 64 bytes: they are left out */
    mnb_rtcp_begin(&writer, buffer, 64);
    g_assert_cmpint(mnb_twcc_build(&twcc, &writer, 1, 2), ==, 0);
    MnbRtcpTwcc message;
    MnbRtcpPacket packet = only();
    g_assert_cmpint(mnb_rtcp_read_twcc(&packet, &message, arrivals, 10), ==, 1);
    g_assert_cmpint(message.base_seq, ==, 2000);
}

static void test_twcc_jump(void)
{
    int n;
    memset(&twcc, 0, sizeof twcc);
    for (int i = 0; i < 70000; i += 3) {
        mnb_twcc_arrived(&twcc, (uint16_t)i, 1000000 + i * 10);
        if (i % 999 == 0)
            while (mnb_twcc_has_news(&twcc))
                feedback(&n);
    }
    mnb_twcc_arrived(&twcc, 10000, 2000000);        /* a jump ahead, further than the window */
    mnb_twcc_arrived(&twcc, 10000 - 1023, 2000001); /* the oldest it can hold */
    mnb_twcc_arrived(&twcc, 10000 - 1024, 2000002); /* too old */
    MnbRtcpTwcc message = feedback(&n);
    g_assert_cmpint(message.base_seq, ==, 10000 - 1023);
    g_assert_cmpint(n, ==, 1024);
}

/* Chunks: a run of 3 small, a one-bit vector of one that arrived and 13 lost, a two-bit vector. */
static int read_chunks(const char *text)
{
    MnbRtcpTwcc message;
    MnbRtcpReader reader;
    MnbRtcpPacket packet;
    gsize len = hex(buffer, "8fcd0000 00000001 00000002 0064 0018 fffffe 07 2003 a000");
    len += hex(buffer + len, text);
    g_assert_cmpuint(len % 4, ==, 0);
    mnb_put_u16(buffer + 2, (uint16_t)(len / 4 - 1));
    g_autofree guint8 *exact = g_memdup2(buffer, len);
    mnb_rtcp_start(&reader, exact, len);
    g_assert_cmpint(mnb_rtcp_next(&reader, &packet), ==, 1);
    int n = mnb_rtcp_read_twcc(&packet, &message, arrivals, G_N_ELEMENTS(arrivals));
    g_assert_cmpint(message.reference_time_64, ==, -2);
    g_assert_cmpint(message.base_seq, ==, 100);
    g_assert_cmpint(message.feedback_count, ==, 7);
    return n;
}

static void test_twcc_reads_every_chunk(void)
{
    /* small, large, five lost */
    g_assert_cmpint(read_chunks("d800 04040408 01 fffc 000000"), ==, 24);
    static const struct {
        int at, us;
    } expected[] = {{0, 1000}, {2, 3000}, {3, 5000}, {17, 5250}, {18, 4250}};
    for (gsize i = 0; i < G_N_ELEMENTS(expected); i++)
        g_assert_cmpint(arrivals[expected[i].at], ==, expected[i].us);
    g_assert_cmpint(arrivals[4], ==, MNB_TWCC_LOST);
    g_assert_cmpint(arrivals[16], ==, MNB_TWCC_LOST);
    g_assert_cmpint(arrivals[19], ==, MNB_TWCC_LOST);

    g_assert_cmpint(read_chunks("d800 04040408 01 ff"), ==, -EBADMSG); /* half a delta */
    g_assert_cmpint(read_chunks("f000 04040408 01 fffc 000000"), ==,
                    -EBADMSG); /* reserved symbol */
    g_assert_cmpint(read_chunks("0000 04040408 01 fffc 000000"), ==, -EBADMSG); /* an empty run */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rtcp/reads-the-compound-it-wrote", test_compound);
    g_test_add_func("/rtcp/reads-a-receiver-report", test_receiver_report);
    g_test_add_func("/rtcp/round-trip-from-a-report", test_round_trip);
    g_test_add_func("/rtcp/nack-bitmaps-there-and-back", test_nack);
    g_test_add_func("/rtcp/pli-and-fir", test_pictures);
    g_test_add_func("/rtcp/remb-keeps-17-bits", test_remb);
    g_test_add_func("/rtcp/a-malformed-rest-ends-the-walk", test_malformed);
    g_test_add_func("/rtcp/writer-keeps-its-end", test_writer_keeps_its_end);
    g_test_add_func("/twcc/tells-arrivals-losses-and-late-ones", test_twcc_tells_arrivals);
    g_test_add_func("/twcc/splits-what-does-not-fit", test_twcc_splits);
    g_test_add_func("/twcc/survives-jumps", test_twcc_jump);
    g_test_add_func("/twcc/reads-every-kind-of-chunk", test_twcc_reads_every_chunk);
    return g_test_run();
}
