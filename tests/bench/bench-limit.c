/* bench-limit.c - the floor of this machine: what sealing a packet and giving it to the kernel
 * costs when nothing else is done. Prints one JSON line. script/bench limit, script/bench media.
 *
 *     bench-limit [--segments N] [--size BYTES] [--receivers N] [--seconds S]
 *
 * One thread writes a header and seals N packets of a size for each of many receivers (a key and an
 * address each), as one message that the kernel cuts (UDP_SEGMENT), 64 messages a sendmmsg(). The
 * other side takes them coalesced (UDP_GRO), as the load tool does with --gro, and throws them
 * away. The figure is CPU time of the sending thread a packet, with OpenSSL and with libipsec-mb.
 */
#include "server/media/bytes.h"
#include "server/media/srtp-backend.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RECEIVERS_MAX  4096
#define SEGMENTS_MAX   8
#define MESSAGES       64
#define PACKET_MAX     1400
#define HEADER_LEN     20
#define FRAME_US       33000 /* all receivers get a message, then a pause: as it is with pictures */
#define RECEIVE_BUFFER (64 << 20)
#define SEND_BUFFER    (8 << 20)
#define FIRST_ADDRESS  0x7f200001u /* 127.32.0.1 */

typedef struct {
    MnbSrtp *srtp;
    MnbSrtpStream stream;
    uint16_t seq;
    struct sockaddr_in to;
} Receiver;

static Receiver receivers[RECEIVERS_MAX];
static uint8_t payload[PACKET_MAX];
static uint8_t arena[MESSAGES][SEGMENTS_MAX * (PACKET_MAX + MNB_SRTP_TAG_MAX)];
static struct mmsghdr headers[MESSAGES];
static struct iovec iovs[MESSAGES];
static union {
    struct cmsghdr align;
    uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
} controls[MESSAGES];
static atomic_bool is_over;
static unsigned segments = 6, size = 1180, n_receivers = 300;
static double seconds = 2;

static double thread_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double wall_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void use_cpu(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)cpu, &set);
    if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
        pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

/* Polls, as the load tool does: the sender must not pay for waking anybody. */
static void *drain(void *data)
{
    static uint8_t buffers[64][65536];
    static struct mmsghdr in[64];
    static struct iovec parts[64];
    int fd = *(int *)data;
    const struct timespec pause = {.tv_nsec = 500000};
    use_cpu(1);
    for (int i = 0; i < 64; i++) {
        parts[i] = (struct iovec){buffers[i], sizeof buffers[i]};
        in[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    while (!atomic_load(&is_over))
        if (recvmmsg(fd, in, 64, MSG_DONTWAIT, NULL) < 64)
            nanosleep(&pause, NULL);
    return NULL;
}

static int open_socket(in_addr_t address, int option, int bytes, struct sockaddr_in *name)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof *name;
    *name = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    int force = option == SO_RCVBUF ? SO_RCVBUFFORCE : SO_SNDBUFFORCE;
    if (setsockopt(fd, SOL_SOCKET, force, &bytes, sizeof bytes) < 0)
        setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes);
    if (fd < 0 || bind(fd, (struct sockaddr *)name, len) < 0 ||
        getsockname(fd, (struct sockaddr *)name, &len) < 0) {
        perror("bench-limit: UDP socket");
        exit(1);
    }
    return fd;
}

static void make_receivers(const MnbSrtpBackend *backend, in_port_t port)
{
    uint8_t material[MNB_SRTP_EXPORT_MAX];
    int error;
    for (unsigned r = 0; r < n_receivers; r++) {
        for (size_t i = 0; i < sizeof material; i++)
            material[i] = (uint8_t)(i * 7 + r * 13 + (r >> 8));
        mnb_srtp_free(receivers[r].srtp);
        receivers[r] =
            (Receiver){.srtp = mnb_srtp_new_from_export(backend, MNB_SRTP_AEAD_AES_128_GCM,
                                                        material, sizeof material, false, &error),
                       .to = {.sin_family = AF_INET,
                              .sin_port = port,
                              .sin_addr.s_addr = htonl(FIRST_ADDRESS + r / 250 * 256 + r % 250)}};
        if (receivers[r].srtp == NULL)
            abort();
    }
}

static void fill(unsigned m, Receiver *to)
{
    size_t used = 0;
    uint16_t segment = 0;
    for (unsigned s = 0; s < segments; s++) {
        uint8_t *out = arena[m] + used;
        memset(out, 0, HEADER_LEN);
        out[0] = 0x80;
        mnb_put_u16(out + 2, to->seq++);
        MnbSrtpPacket packet = {.header_len = HEADER_LEN,
                                .payload = payload,
                                .payload_len = (uint16_t)(size - HEADER_LEN)};
        int len = mnb_srtp_protect(to->srtp, &to->stream, out, sizeof arena[m] - used, &packet);
        if (len < 0)
            abort();
        segment = (uint16_t)len;
        used += segment;
    }
    iovs[m] = (struct iovec){arena[m], used};
    headers[m].msg_hdr = (struct msghdr){
        .msg_name = &to->to, .msg_namelen = sizeof to->to, .msg_iov = &iovs[m], .msg_iovlen = 1};
    if (segments == 1)
        return;
    headers[m].msg_hdr.msg_control = controls[m].bytes;
    headers[m].msg_hdr.msg_controllen = sizeof controls[m].bytes;
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&headers[m].msg_hdr);
    cmsg->cmsg_level = SOL_UDP;
    cmsg->cmsg_type = UDP_SEGMENT;
    cmsg->cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(cmsg), &segment, sizeof segment);
}

static void send_frame(int fd)
{
    for (unsigned r = 0; r < n_receivers;) {
        unsigned n = 0;
        for (; n < MESSAGES && r < n_receivers; n++)
            fill(n, &receivers[r++]);
        for (unsigned sent = 0; sent < n;) {
            int now = sendmmsg(fd, headers + sent, n - sent, 0);
            if (now < 0 && errno != EINTR) {
                perror("bench-limit: sendmmsg");
                exit(1);
            }
            sent += now > 0 ? (unsigned)now : 0;
        }
    }
}

static double measure(int fd)
{
    double end = wall_s() + seconds, next = wall_s();
    double used = 0;
    uint64_t packets = 0;
    send_frame(fd); /* what is done once is not the floor */
    while (wall_s() < end) {
        double start = thread_s();
        send_frame(fd);
        used += thread_s() - start;
        packets += (uint64_t)n_receivers * segments;
        next += FRAME_US / 1e6;
        double wait = next - wall_s();
        if (wait > 0)
            nanosleep(&(struct timespec){.tv_nsec = (long)(wait * 1e9)}, NULL);
        else
            next = wall_s();
    }
    return used * 1e6 / (double)packets;
}

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--segments") == 0)
            segments = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--size") == 0)
            size = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--receivers") == 0)
            n_receivers = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            seconds = strtod(argv[i + 1], NULL);
    }
    if (segments < 1 || segments > SEGMENTS_MAX || size < 64 || size > PACKET_MAX ||
        n_receivers < 1 || n_receivers > RECEIVERS_MAX) {
        fprintf(stderr,
                "usage: bench-limit [--segments 1-%d] [--size 64-%d] [--receivers 1-%d] "
                "[--seconds S]\n",
                SEGMENTS_MAX, PACKET_MAX, RECEIVERS_MAX);
        return 2;
    }
    struct sockaddr_in from, to;
    int on = 1;
    int in = open_socket(INADDR_ANY, SO_RCVBUF, RECEIVE_BUFFER, &to);
    int out = open_socket(INADDR_LOOPBACK, SO_SNDBUF, SEND_BUFFER, &from);
    pthread_t drainer;
    setsockopt(in, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
    if (pthread_create(&drainer, NULL, drain, &in) != 0)
        return 1;
    use_cpu(0);
    printf("{\"scenario\":\"limit\",\"segments\":%u,\"size\":%u,\"receivers\":%u", segments, size,
           n_receivers);
    make_receivers(&mnb_srtp_backend_evp, to.sin_port);
    printf(",\"evp_us_per_packet\":%.3f", measure(out));
    if (mnb_srtp_backend_ipsec_mb() != NULL) {
        make_receivers(mnb_srtp_backend_ipsec_mb(), to.sin_port);
        printf(",\"ipsec_mb_us_per_packet\":%.3f", measure(out));
    }
    printf("}\n");
    atomic_store(&is_over, true);
    pthread_join(drainer, NULL);
    for (unsigned r = 0; r < n_receivers; r++)
        mnb_srtp_free(receivers[r].srtp);
    return 0;
}
