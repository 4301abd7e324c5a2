/* The edges of the parsers and writers: what is one byte too long, one too many, or not there. With
 * the other tests and the fuzz corpora they are kept at 95 % of their branches by script/coverage.
 */
#include "server/media/bytes.h"
#include "server/media/packet-ring.h"
#include "server/media/rtcp.h"
#include "server/media/rtp.h"
#include "server/media/rtx.h"
#include "server/media/stun.h"
#include "server/media/twcc.h"
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- STUN ---- */

static void test_stun(void)
{
    uint8_t bytes[2048] = {0};
    MnbStun stun;
    MnbStunRequest request = {.username = "ours:theirs", .role = MNB_ICE_ROLE_NONE};
    int len = mnb_stun_write_request(bytes, sizeof bytes, &request, "password", 8);
    g_assert_cmpint(len, >, 0);
    g_assert_cmpint(mnb_stun_parse(&stun, bytes, (size_t)len), ==, 0);
    g_assert_cmpint(mnb_stun_check_integrity(&stun, bytes, "password", 8), ==, 0);
    /* without integrity there is nothing to check; a password beyond all reason is none */
    MnbStun bare = stun;
    bare.integrity_offset = 0;
    g_assert_cmpint(mnb_stun_check_integrity(&bare, bytes, "password", 8), ==, -ENODATA);
    g_assert_cmpint(mnb_stun_check_integrity(&stun, bytes, "password", 40000), ==, -EACCES);
    g_assert_cmpint(mnb_stun_write_request(bytes, sizeof bytes, &request, "password", 40000), ==,
                    -EINVAL);
    /* longer than any message may be */
    mnb_put_u16(bytes + 2, 2028);
    g_assert_cmpint(mnb_stun_parse(&stun, bytes, 2048), ==, -EBADMSG);
    /* a name that is too long; an attribute's head that is cut off by a length of 22 */
    uint8_t name[20 + 4 + 600] = {0, 1, 604 >> 8, 604 & 255, 0x21, 0x12, 0xa4, 0x42};
    mnb_put_u16(name + 20, 6);
    mnb_put_u16(name + 22, 600);
    g_assert_cmpint(mnb_stun_parse(&stun, name, sizeof name), ==, -EBADMSG);
    /* replies need their room */
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(7)};
    six.sin6_addr.s6_addr[15] = 1;
    six.sin6_addr.s6_addr[0] = 0x20;
    g_assert_cmpint(mnb_stun_write_success(bytes, MNB_STUN_REPLY_MAX - 1, &stun,
                                           (struct sockaddr *)&six, "p", 1),
                    ==, -ENOSPC);
    for (unsigned i = 0; i < 16; i += 4) { /* addresses that are nearly mapped ones */
        six.sin6_addr = (struct in6_addr){0};
        six.sin6_addr.s6_addr[i] = 1;
        g_assert_cmpint(
            mnb_stun_write_success(bytes, sizeof bytes, &stun, (struct sockaddr *)&six, "p", 1), >,
            0);
    }
    struct sockaddr local = {.sa_family = AF_UNIX};
    g_assert_cmpint(mnb_stun_write_success(bytes, sizeof bytes, &stun, &local, "p", 1), ==,
                    -EAFNOSUPPORT);
}

/* ---- RTCP ---- */

static void test_rtcp_writer(void)
{
    static uint8_t bytes[4096];
    MnbRtcpWriter writer;
    MnbRtcpReport reports[40] = {{0}};
    MnbRtcpSenderInfo info = {.ssrc = 1};
    uint32_t ssrcs[300] = {0};
    char name[300];
    memset(name, 'x', sizeof name - 1);
    name[299] = '\0';
    mnb_rtcp_begin(&writer, bytes, sizeof bytes);
    g_assert_cmpint(mnb_rtcp_put_sr(&writer, &info, reports, 32), ==, -ENOSPC);
    g_assert_cmpint(mnb_rtcp_put_rr(&writer, 1, reports, 32), ==, -ENOSPC);
    g_assert_cmpint(mnb_rtcp_put_cname(&writer, 1, ""), ==, -ENOSPC);
    g_assert_cmpint(mnb_rtcp_put_cname(&writer, 1, name), ==, -ENOSPC);
    g_assert_cmpint(mnb_rtcp_put_bye(&writer, ssrcs, 0), ==, -ENOSPC);
    g_assert_cmpint(mnb_rtcp_put_bye(&writer, ssrcs, 32), ==, -ENOSPC);
    g_assert_cmpint(mnb_rtcp_put_remb(&writer, 1, 5, ssrcs, 256), ==, -ENOSPC);
    g_assert_cmpuint(writer.len, ==, 0);
    for (size_t cap = 0; cap < 12; cap += 4) { /* no room for any of them */
        mnb_rtcp_begin(&writer, bytes, cap);
        uint16_t seq = 5;
        if (cap < 8) {
            g_assert_cmpint(mnb_rtcp_put_rr(&writer, 1, NULL, 0), ==, -ENOSPC);
            g_assert_cmpint(mnb_rtcp_put_bye(&writer, ssrcs, 1), ==, -ENOSPC);
        }
        g_assert_cmpint(mnb_rtcp_put_sr(&writer, &info, NULL, 0), ==, -ENOSPC);
        g_assert_cmpint(mnb_rtcp_put_cname(&writer, 1, "a"), ==, -ENOSPC);
        g_assert_cmpint(mnb_rtcp_put_nack(&writer, 1, 2, &seq, 1), ==, -ENOSPC);
        g_assert_cmpint(mnb_rtcp_put_pli(&writer, 1, 2), ==, -ENOSPC);
        g_assert_cmpint(mnb_rtcp_put_fir(&writer, 1, 2, 3), ==, -ENOSPC);
        g_assert_cmpint(mnb_rtcp_put_remb(&writer, 1, 5, ssrcs, 1), ==, -ENOSPC);
    }
}

/* Steps of 8.19 s in one direction until no clock could be right: refused before it overflows. */
static void test_twcc_of_a_liar(gconstpointer data)
{
    enum { N = 200 };
    uint8_t body[16 + (N / 7 + 1) * 2 + N * 2 + 4] = {0};
    int32_t arrivals[1024];
    MnbRtcpTwcc twcc;
    unsigned chunks = (N + 6) / 7;
    mnb_put_u16(body + 8, 100);
    mnb_put_u16(body + 10, N);
    for (unsigned i = 0; i < chunks; i++)
        mnb_put_u16(body + 16 + i * 2, 0xc000 | 0x2aaa); /* seven large deltas */
    for (unsigned i = 0; i < N; i++)
        mnb_put_u16(body + 16 + chunks * 2 + i * 2,
                    (uint16_t)(GPOINTER_TO_INT(data) < 0 ? INT16_MIN : INT16_MAX));
    size_t size = (16 + chunks * 2 + N * 2 + 3) & ~(size_t)3;
    MnbRtcpPacket packet = {
        .type = MNB_RTCP_RTPFB, .count = MNB_RTPFB_TWCC, .body = body, .body_len = size};
    g_assert_cmpint(mnb_rtcp_read_twcc(&packet, &twcc, arrivals, 1024), ==, -EBADMSG);
    mnb_put_u16(body + 10, 20);
    g_assert_cmpint(mnb_rtcp_read_twcc(&packet, &twcc, arrivals, 1024), ==, 20);
}

/* Packets that came further apart than a delta can say, forward and back. */
static void test_twcc_far_apart(void)
{
    static const int64_t times[] = {1000000, 1001000, 30000000, 30001000, 2000000, 2001000};
    MnbTwcc *twcc = g_new0(MnbTwcc, 1);
    uint8_t bytes[1200];
    MnbRtcpWriter writer;
    unsigned messages = 0, told = 0;
    for (uint16_t i = 0; i < G_N_ELEMENTS(times); i++)
        mnb_twcc_arrived(twcc, (uint16_t)(10 + i), times[i]);
    while (mnb_twcc_has_news(twcc) && messages < 10) {
        MnbRtcpReader reader;
        MnbRtcpPacket packet;
        MnbRtcpTwcc read;
        int32_t arrivals[64];
        mnb_rtcp_begin(&writer, bytes, sizeof bytes);
        g_assert_cmpint(mnb_twcc_build(twcc, &writer, 1, 2), >=, 0);
        messages++;
        mnb_rtcp_start(&reader, bytes, writer.len);
        g_assert_cmpint(mnb_rtcp_next(&reader, &packet), ==, 1);
        int n = mnb_rtcp_read_twcc(&packet, &read, arrivals, 64);
        for (int i = 0; i < n; i++)
            told += arrivals[i] != MNB_TWCC_LOST;
    }
    g_assert_cmpuint(told, ==, G_N_ELEMENTS(times));
    g_assert_cmpuint(messages, ==, 3);
    g_free(twcc);
}

static void test_rtx(void)
{
    uint8_t packet[40] = {0x80, 97};
    MnbRtp rtp;
    g_assert_cmpint(mnb_rtp_parse(&rtp, packet, sizeof packet), ==, 0);
    g_assert_cmpint(mnb_rtx_undo(packet, 20, &rtp, 5, 96), ==, -EBADMSG); /* it was cut since */
    rtp.payload_bytes = 1;
    g_assert_cmpint(mnb_rtx_undo(packet, 40, &rtp, 5, 96), ==, -EBADMSG);
    rtp.payload_bytes = 0;
    g_assert_cmpint(mnb_rtx_undo(packet, 40, &rtp, 5, 96), ==, -ENODATA);
}

/* ---- the packet ring ---- */

static int open_error(int memfd, int event_fd, bool is_producer)
{
    int error = 0;
    MnbRing *ring = is_producer ? mnb_ring_open_producer(memfd, event_fd, &error)
                                : mnb_ring_open_consumer(memfd, event_fd, &error);
    g_assert_null(ring);
    return error;
}

/* A file made by somebody else: @size bytes, sealed or not. */
static int make_file(off_t size, bool is_sealed)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    g_assert_cmpint(ftruncate(fd, size), ==, 0);
    if (is_sealed)
        g_assert_cmpint(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), ==, 0);
    return fd;
}

static void test_ring_files(void)
{
    int event_fd = eventfd(0, EFD_NONBLOCK);
    g_assert_cmpint(mnb_ring_create(100000), ==, -EINVAL);
    g_assert_cmpint(mnb_ring_create(16), ==, -EINVAL);
    g_assert_cmpint(open_error(-1, event_fd, false), ==, -EBADF);
    int good = mnb_ring_create(1u << 16);
    g_assert_cmpint(good, >=, 0);
    off_t whole = lseek(good, 0, SEEK_END);
    off_t head = whole - (1 << 16);
    g_assert_cmpint(open_error(good, -1, true), ==, -EBADF);
    const struct {
        off_t size;
        bool is_sealed;
        int error;
    } files[] = {
        {whole, false, -EINVAL},       /* it might shrink under our feet */
        {head + 16, true, -EINVAL},    /* too small */
        {whole + 4096, true, -EINVAL}, /* no power of two */
        {whole, true, -EBADMSG},       /* not a ring */
        {head + (INT64_C(1) << 40), true, -EINVAL},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
        int fd = make_file(files[i].size, files[i].is_sealed);
        g_assert_cmpint(open_error(fd, event_fd, i % 2 == 0), ==, files[i].error);
        close(fd);
    }
    int pipe_fds[2];
    g_assert_cmpint(pipe(pipe_fds), ==, 0); /* has no seals at all */
    g_assert_cmpint(open_error(pipe_fds[0], event_fd, false), ==, -EINVAL);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    close(good);
    close(event_fd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/edges/stun", test_stun);
    g_test_add_func("/edges/rtcp-that-does-not-fit", test_rtcp_writer);
    g_test_add_data_func("/edges/transport-feedback-of-a-liar-forward", GINT_TO_POINTER(1),
                         test_twcc_of_a_liar);
    g_test_add_data_func("/edges/transport-feedback-of-a-liar-back", GINT_TO_POINTER(-1),
                         test_twcc_of_a_liar);
    g_test_add_func("/edges/arrivals-far-apart", test_twcc_far_apart);
    g_test_add_func("/edges/rtx", test_rtx);
    g_test_add_func("/edges/files-that-are-no-ring", test_ring_files);
    return g_test_run();
}
