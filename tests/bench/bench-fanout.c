/* bench-fanout.c - packets per CPU-second of manabi-media: one publisher, many receivers, loopback.
 *
 *     bench-fanout PROGRAM [--subscribers N] [--seconds S] [--spread] [--junk N] [--no-sandbox]
 *
 * The publisher sends VP8 of about 1.6 Mbit/s (30 frames a second of 6 packets, back to back as
 * Chromium does; --spread: evenly in time, the worst case for batching) and Opus. Receivers count
 * datagrams, say they are alive, and decrypt one packet in a hundred. The worker is a process of
 * its own; its CPU time is what it reports. --junk: N datagrams a second of broken STUN, RTP, RTCP,
 * DTLS and nonsense from 200 strangers meanwhile. Prints one line of JSON. */
#include "tests/support/media-peer.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SUBSCRIBERS_MAX = 3000, PACKETS_A_FRAME = 6, FRAMES_A_SECOND = 30 };
enum { STRANGERS = 200 };
enum { VIDEO_SSRC = 1111, AUDIO_SSRC = 2222, PT_VP8 = 96, PT_OPUS = 111 };

typedef struct {
    Rig *rig;
    pid_t pid;
    Peer *publisher;
    Peer *subscribers[SUBSCRIBERS_MAX];
    unsigned n;
    uint64_t received, sent, opened, failed;
    unsigned junk_per_s;
    int strangers[STRANGERS];
    uint64_t junk, answers;
    int64_t junk_start_us;
    uint16_t video_seq, audio_seq, picture;
    uint32_t video_time, audio_time;
} Bench;

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void start_worker(Bench *bench, const char *program, bool has_sandbox)
{
    bench->rig = rig_new_outside();
    bench->pid = fork();
    if (bench->pid < 0)
        abort();
    if (bench->pid == 0) {
        char control[16], udp[16];
        fcntl(bench->rig->udp_fd, F_SETFD, 0);
        fcntl(bench->rig->worker_control_fd, F_SETFD, 0);
        snprintf(control, sizeof control, "%d", bench->rig->worker_control_fd);
        snprintf(udp, sizeof udp, "%d", bench->rig->udp_fd);
        execl(program, program, "--control-fd", control, "--udp-fd", udp,
              has_sandbox ? NULL : "--no-sandbox", NULL);
        perror(program);
        _exit(127);
    }
}

static bool connect_peer(Peer *peer)
{
    peer_check(peer, true);
    for (unsigned i = 0; i < 400 && !peer->is_up; i++) {
        struct timespec wait = {0, 1000000};
        peer_poll(peer);
        if (peer->stun_answers > 0)
            peer_advance_dtls(peer);
        nanosleep(&wait, NULL);
    }
    return peer->is_up;
}

static void add_publisher(Bench *bench)
{
    bench->publisher = peer_new(bench->rig, 1, 1, MNB_PUBLISH, false);
    MnbTrackAdd video = {.track = 1,
                         .transport = 1,
                         .codec = MNB_CODEC_VP8,
                         .pt = PT_VP8,
                         .clock_rate = 90000,
                         .ssrc = VIDEO_SSRC,
                         .has_nack = 1,
                         .has_pli = 1};
    MnbTrackAdd audio = {.track = 2,
                         .transport = 1,
                         .codec = MNB_CODEC_OPUS,
                         .pt = PT_OPUS,
                         .clock_rate = 48000,
                         .ssrc = AUDIO_SSRC};
    rig_command(bench->rig, MNB_MEDIA_TRACK_ADD, &video);
    rig_command(bench->rig, MNB_MEDIA_TRACK_ADD, &audio);
    if (!connect_peer(bench->publisher))
        abort();
}

static void add_subscriber(Bench *bench)
{
    uint32_t id = 10 + bench->n;
    Peer *peer = peer_new(bench->rig, id, 1, MNB_RECEIVE, false);
    int on = 1, size = 1 << 20;
    setsockopt(peer->fd, SOL_UDP, UDP_GRO, &on, sizeof on);
    setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    MnbSlotAdd video = {.slot = id * 2,
                        .transport = id,
                        .ssrc = 100,
                        .rtx_ssrc = 101,
                        .is_video = 1,
                        .has_nack = 1,
                        .clock_rate = 90000,
                        .mid = "0",
                        .ext = {.mid = 4, .twcc = 3}};
    MnbSlotAdd audio = {.slot = id * 2 + 1,
                        .transport = id,
                        .ssrc = 200,
                        .clock_rate = 48000,
                        .mid = "1",
                        .ext = {.mid = 4, .twcc = 3, .audio_level = 1}};
    video.pt[MNB_CODEC_VP8] = PT_VP8;
    video.rtx_pt[MNB_CODEC_VP8] = 97;
    audio.pt[MNB_CODEC_OPUS] = PT_OPUS;
    MnbSlotBind binds[] = {{video.slot, 1}, {audio.slot, 2}};
    rig_command(bench->rig, MNB_MEDIA_SLOT_ADD, &video);
    rig_command(bench->rig, MNB_MEDIA_SLOT_ADD, &audio);
    rig_command(bench->rig, MNB_MEDIA_SLOT_BIND, &binds[0]);
    rig_command(bench->rig, MNB_MEDIA_SLOT_BIND, &binds[1]);
    if (!connect_peer(peer))
        abort();
    bench->subscribers[bench->n++] = peer;
}

static void send_video(Bench *bench, unsigned i, bool is_key)
{
    uint8_t payload[1200];
    size_t size = i < PACKETS_A_FRAME / 2 ? 1097 : 1098; /* Chromium's sizes differ by one */
    peer_vp8(payload, size, i == 0, is_key, bench->picture, 0, 0);
    PeerRtp rtp = {.ssrc = VIDEO_SSRC,
                   .seq = bench->video_seq++,
                   .timestamp = bench->video_time,
                   .pt = PT_VP8,
                   .marker = i + 1 == PACKETS_A_FRAME,
                   .payload = payload,
                   .payload_size = size};
    peer_send(bench->publisher, &rtp);
    bench->sent++;
}

static void send_audio(Bench *bench)
{
    uint8_t payload[80] = {0xfc};
    PeerRtp rtp = {.ssrc = AUDIO_SSRC,
                   .seq = bench->audio_seq++,
                   .timestamp = bench->audio_time,
                   .pt = PT_OPUS,
                   .payload = payload,
                   .payload_size = sizeof payload};
    bench->audio_time += 960;
    peer_send(bench->publisher, &rtp);
    bench->sent++;
}

/* Counts what arrived at @peer; opens the first RTP packet of each hundredth datagram. */
static void drain(Bench *bench, Peer *peer)
{
    static uint8_t data[65536];
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    for (;;) {
        struct iovec iov = {data, sizeof data};
        struct msghdr msg = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control};
        ssize_t got = recvmsg(peer->fd, &msg, MSG_DONTWAIT);
        if (got <= 0)
            return;
        size_t piece = (size_t)got;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c))
            if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
                int size;
                memcpy(&size, CMSG_DATA(c), sizeof size);
                piece = (size_t)size;
            }
        if (mnb_datagram_kind(data, (size_t)got) != MNB_DATAGRAM_RTP)
            continue;
        bench->received += ((size_t)got + piece - 1) / piece;
        if (bench->received % 100 != 0)
            continue;
        MnbRtp rtp;
        MnbSrtpStream stream = {0};
        if (mnb_rtp_parse_header(&rtp, data, piece) == 0 &&
            mnb_srtp_unprotect(peer->receive_key, &stream, data, piece, rtp.header_bytes) > 0)
            bench->opened++;
        else
            bench->failed++;
    }
}

static MnbWorkerStats stats_of(Bench *bench)
{
    MnbWorkerStats stats = {0};
    rig_forget_events(bench->rig);
    for (unsigned i = 0; i < 3000 && rig_count(bench->rig, MNB_MEDIA_WORKER_STATS) == 0; i++) {
        struct timespec wait = {0, 1000000};
        nanosleep(&wait, NULL);
        rig_step(bench->rig);
    }
    const void *last = rig_last(bench->rig, MNB_MEDIA_WORKER_STATS);
    if (last != NULL)
        memcpy(&stats, last, sizeof stats);
    return stats;
}

static void send_junk(Bench *bench)
{
    static const uint8_t firsts[] = {0, 0, 1, 22, 0x80, 0x80, 0x90, 0xff};
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)random();
    bytes[0] = firsts[bench->junk % sizeof firsts];
    if (bytes[0] == 0) { /* well-formed enough to be looked at */
        bytes[1] = 1;
        bytes[2] = 0;
        bytes[3] = 100;
        memcpy(bytes + 4, "\x21\x12\xa4\x42", 4);
    }
    size_t size = bytes[0] == 0 ? 120 : 1 + (size_t)random() % sizeof bytes;
    int fd = bench->strangers[bench->junk++ % STRANGERS];
    sendto(fd, bytes, size, 0, (struct sockaddr *)&bench->rig->address, sizeof bench->rig->address);
    while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        bench->answers++;
}

/* Plays @seconds; what is due at a moment is sent, then the sockets are emptied. */
static void play(Bench *bench, double seconds, bool is_spread)
{
    int64_t start = now_us();
    int64_t next_video = start, next_audio = start, next_check = start, next_drain = start;
    int64_t gap = 1000000 / FRAMES_A_SECOND / (is_spread ? PACKETS_A_FRAME : 1);
    unsigned in_frame = 0, checked = 0;
    while (now_us() - start < (int64_t)(seconds * 1e6)) {
        int64_t now = now_us();
        if (now >= next_video) {
            next_video += gap;
            unsigned n = is_spread ? 1 : PACKETS_A_FRAME;
            for (unsigned i = 0; i < n; i++)
                send_video(bench, in_frame + i, bench->picture % 300 == 0);
            in_frame += n;
            if (in_frame == PACKETS_A_FRAME) {
                in_frame = 0;
                bench->video_time += 3000;
                bench->picture = (bench->picture + 1) & 0x7fff;
            }
        }
        if (now >= next_audio) {
            next_audio += 20000;
            send_audio(bench);
        }
        if (now >= next_check) { /* each peer every four seconds */
            next_check += 4000000 / (bench->n + 1);
            Peer *peer = checked == 0 ? bench->publisher : bench->subscribers[checked - 1];
            peer_check(peer, true);
            checked = (checked + 1) % (bench->n + 1);
        }
        if (now >= next_drain) {
            next_drain = now + 15000;
            for (unsigned i = 0; i < bench->n; i++)
                drain(bench, bench->subscribers[i]);
            peer_poll(bench->publisher);
            peer_forget(bench->publisher);
            rig_step(bench->rig);
        }
        while (bench->junk_per_s > 0 &&
               bench->junk < (uint64_t)(now - bench->junk_start_us) * bench->junk_per_s / 1000000)
            send_junk(bench);
        struct timespec wait = {0, 200000};
        nanosleep(&wait, NULL);
    }
}

static long read_rss_kb(pid_t pid)
{
    char path[64], line[256];
    long rss = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmRSS: %ld", &rss) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return rss;
}

int main(int argc, char **argv)
{
    alarm(600);
    static Bench bench = {.video_seq = 1000, .audio_seq = 1000};
    unsigned subscribers = 100;
    double seconds = 5;
    bool is_spread = false, has_sandbox = true;
    if (argc < 2)
        return fprintf(stderr, "usage: bench-fanout PROGRAM [--subscribers N] [--seconds S] "
                               "[--spread] [--junk N] [--no-sandbox]\n"),
               2;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--subscribers") == 0 && i + 1 < argc)
            subscribers = (unsigned)atoi(argv[++i]);
        else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
            seconds = atof(argv[++i]);
        else if (strcmp(argv[i], "--junk") == 0 && i + 1 < argc)
            bench.junk_per_s = (unsigned)atoi(argv[++i]);
        else if (strcmp(argv[i], "--spread") == 0)
            is_spread = true;
        else if (strcmp(argv[i], "--no-sandbox") == 0)
            has_sandbox = false;
    }
    if (subscribers == 0 || subscribers > SUBSCRIBERS_MAX)
        return 2;
    struct rlimit files = {8192, 8192};
    setrlimit(RLIMIT_NOFILE, &files);
    start_worker(&bench, argv[1], has_sandbox);
    add_publisher(&bench);
    long rss_before = read_rss_kb(bench.pid);
    int64_t joins_us = now_us();
    for (unsigned i = 0; i < subscribers; i++)
        add_subscriber(&bench);
    joins_us = now_us() - joins_us;
    for (unsigned i = 0; bench.junk_per_s > 0 && i < STRANGERS; i++)
        bench.strangers[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bench.junk_start_us = now_us();
    play(&bench, 1, is_spread);
    MnbWorkerStats before = stats_of(&bench);
    bench.received = 0;
    play(&bench, seconds, is_spread);
    MnbWorkerStats after = stats_of(&bench);
    long rss_after = read_rss_kb(bench.pid);
    uint64_t packets = after.packets_out - before.packets_out;
    double cpu_us = (double)(after.cpu_us - before.cpu_us);
    printf(
        "{\"scenario\": \"fanout%s\", \"subscribers\": %u, \"seconds\": %.1f, \"packets\": %llu, "
        "\"received\": %llu, \"opened\": %llu, \"failed\": %llu, \"cpu_us_per_packet\": %.3f, "
        "\"packets_per_cpu_s\": %.0f, \"packets_per_send\": %.2f, \"dropped_send\": %llu, "
        "\"junk\": %llu, \"answers_to_junk\": %llu, \"kb_per_subscriber\": %.1f, \"join_ms\": "
        "%.2f}\n",
        is_spread ? "-spread" : "", subscribers, seconds, (unsigned long long)packets,
        (unsigned long long)bench.received, (unsigned long long)bench.opened,
        (unsigned long long)bench.failed, cpu_us / (double)packets, (double)packets / cpu_us * 1e6,
        (double)packets / (double)(after.sends - before.sends),
        (unsigned long long)after.dropped_send, (unsigned long long)bench.junk,
        (unsigned long long)bench.answers, (double)(rss_after - rss_before) / subscribers,
        (double)joins_us / 1e3 / subscribers);
    close(bench.rig->control_fd);
    int status = 0;
    waitpid(bench.pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "the worker ended badly: %d\n", status);
        return 1;
    }
    return bench.failed == 0 ? 0 : 1;
}
