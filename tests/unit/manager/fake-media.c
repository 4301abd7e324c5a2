/* fake-media.c - stands in for manabi-media in unit tests: speaks control.h, moves no media.
 *
 * A TRANSPORT_OPEN is answered by CONNECTED. A TAP_OPEN gets one byte into its eventfd. Each track
 * that is tapped says nothing in Opus, 50 packets a second, into the last tap's ring. Key frames of
 * certain tracks are orders, see fake-media.h. */
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/media/control.h"
#include "server/media/packet-ring.h"
#include "tests/unit/manager/fake-media.h"

#define TRACKS_MAX 16

static int control_fd = -1;
static MnbRing *ring;
static uint32_t tracks[TRACKS_MAX]; /* 0: none */
static uint16_t seq;

static void tell(MnbMediaType type, const void *body, size_t size)
{
    uint8_t bytes[MNB_MEDIA_MESSAGE_MAX];
    const MnbMediaHead head = {(uint16_t)type, (uint16_t)(sizeof head + size), 0};
    memcpy(bytes, &head, sizeof head);
    memcpy(bytes + sizeof head, body, size);
    if (send(control_fd, bytes, head.size, 0) < 0)
        exit(1);
}

static void on_order(uint32_t order)
{
    switch (order) {
    case FAKE_ORDER_CRASH:
        kill(getpid(), SIGKILL);
        break;
    case FAKE_ORDER_NONSENSE:
        if (send(control_fd, "nonsense", 8, 0) < 0)
            exit(1);
        break;
    case FAKE_ORDER_HANG:
        for (;;)
            pause();
    default: {
        const MnbTrackState state = {order, 1};
        tell(MNB_MEDIA_TRACK_STATE, &state, sizeof state);
    }
    }
}

static void tap_track(uint32_t track, uint32_t is_on)
{
    for (int i = 0; i < TRACKS_MAX; i++) {
        if (tracks[i] == (is_on ? 0 : track)) {
            tracks[i] = is_on ? track : 0;
            return;
        }
    }
}

/* A packet of 20 ms of silence for each tapped track. */
static void feed_ring(int64_t now_us)
{
    const uint32_t rtp_time = seq * 960u;
    const uint64_t ntp =
        ((uint64_t)(now_us / 1000000) << 32) + (uint64_t)(now_us % 1000000) * 4294967296 / 1000000;
    for (int i = 0; i < TRACKS_MAX && ring != NULL; i++) {
        if (tracks[i] == 0)
            continue;
        const MnbRingRecord report = {.kind = MNB_RING_SR,
                                      .track = tracks[i],
                                      .value = rtp_time,
                                      .arrival_us = now_us,
                                      .ntp = ntp};
        if (seq % 50 == 0)
            mnb_ring_put(ring, &report, NULL);
        const uint8_t packet[] = {0x80,
                                  111,
                                  (uint8_t)(seq >> 8),
                                  (uint8_t)seq,
                                  (uint8_t)(rtp_time >> 24),
                                  (uint8_t)(rtp_time >> 16),
                                  (uint8_t)(rtp_time >> 8),
                                  (uint8_t)rtp_time,
                                  0,
                                  0,
                                  0,
                                  (uint8_t)i,
                                  0xf8,
                                  0xff,
                                  0xfe};
        const MnbRingRecord record = {
            .size = sizeof packet, .kind = MNB_RING_RTP, .track = tracks[i], .arrival_us = now_us};
        mnb_ring_put(ring, &record, packet);
    }
    if (ring != NULL)
        mnb_ring_flush(ring);
    seq++;
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void on_command(const uint8_t *bytes, const struct msghdr *message)
{
    MnbMediaHead head;
    uint32_t id;
    memcpy(&head, bytes, sizeof head);
    memcpy(&id, bytes + sizeof head, sizeof id);
    if (head.type == MNB_MEDIA_TRANSPORT_OPEN) {
        const MnbTransportState state = {.transport = id, .state = MNB_TRANSPORT_CONNECTED};
        tell(MNB_MEDIA_TRANSPORT_STATE, &state, sizeof state);
    } else if (head.type == MNB_MEDIA_KEY_FRAME) {
        on_order(id);
    } else if (head.type == MNB_MEDIA_TAP_TRACK) {
        MnbTapTrack tap;
        memcpy(&tap, bytes + sizeof head, sizeof tap);
        tap_track(tap.track, tap.is_on);
    } else if (head.type == MNB_MEDIA_TAP_OPEN) {
        const struct cmsghdr *control = CMSG_FIRSTHDR(message);
        int fds[2];
        const uint64_t one = 1;
        if (control == NULL || control->cmsg_len != CMSG_LEN(sizeof fds))
            exit(1);
        memcpy(fds, CMSG_DATA(control), sizeof fds);
        if (write(fds[1], &one, sizeof one) != sizeof one)
            exit(1);
        int error;
        mnb_ring_close(ring);
        ring = mnb_ring_open_producer(fds[0], fds[1], &error); /* NULL: a test's own memfd */
        close(fds[0]);
        close(fds[1]);
    }
}

static void take_command(void)
{
    uint8_t bytes[MNB_MEDIA_MESSAGE_MAX];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * 2)];
    } control;
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    if (recvmsg(control_fd, &message, 0) <= 0)
        exit(0);
    on_command(bytes, &message);
}

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--control-fd") == 0)
            control_fd = atoi(argv[i + 1]);
    }
    MnbMediaReady ready = {.version = MNB_MEDIA_VERSION, .pid = (uint32_t)getpid()};
    memset(ready.fingerprint, 0xab, sizeof ready.fingerprint);
    tell(MNB_MEDIA_READY, &ready, sizeof ready);
    struct pollfd poll_fd = {.fd = control_fd, .events = POLLIN};
    int64_t next_us = now_us();
    for (;;) {
        int64_t wait_us = next_us - now_us();
        if (poll(&poll_fd, 1, wait_us > 0 ? (int)(wait_us / 1000) : 0) > 0) {
            take_command();
            continue;
        }
        if (now_us() < next_us)
            continue;
        next_us += 20000;
        feed_ring(now_us());
        if (seq % 10 == 0) {
            MnbWorkerStats stats = {.packets_in = 42, .transports = 1};
            tell(MNB_MEDIA_WORKER_STATS, &stats, sizeof stats);
        }
    }
}
