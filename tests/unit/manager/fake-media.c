/* fake-media.c - stands in for manabi-media in unit tests: speaks control.h, moves no media.
 *
 * A TRANSPORT_OPEN is answered by CONNECTED. A TAP_OPEN gets one byte into its eventfd. Key frames
 * of certain tracks are orders: */
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/media/control.h"
#include "tests/unit/manager/fake-media.h"

static int control_fd = -1;

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
    } else if (head.type == MNB_MEDIA_TAP_OPEN) {
        const struct cmsghdr *control = CMSG_FIRSTHDR(message);
        int fds[2];
        const uint64_t one = 1;
        if (control == NULL || control->cmsg_len != CMSG_LEN(sizeof fds))
            exit(1);
        memcpy(fds, CMSG_DATA(control), sizeof fds);
        if (write(fds[1], &one, sizeof one) != sizeof one)
            exit(1);
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
    for (;;) {
        if (poll(&poll_fd, 1, 200) > 0) {
            take_command();
            continue;
        }
        MnbWorkerStats stats = {.packets_in = 42, .transports = 1};
        tell(MNB_MEDIA_WORKER_STATS, &stats, sizeof stats);
    }
}
