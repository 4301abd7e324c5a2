#include "server/media/control.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Both ends see the structs as they lie in memory. A change of one of these numbers is a change of
 * MNB_MEDIA_VERSION. */
_Static_assert(sizeof(MnbMediaHead) == 8, "head");
_Static_assert(sizeof(MnbMediaId) == 8, "id");
_Static_assert(sizeof(MnbTransportOpen) == 112, "transport open");
_Static_assert(sizeof(MnbFeedOpen) == 8, "feed open");
_Static_assert(sizeof(MnbTransportRemote) == 72, "transport remote");
_Static_assert(sizeof(MnbTransportRestart) == 136, "transport restart");
_Static_assert(sizeof(MnbExtensionIds) == 8, "extension ids");
_Static_assert(sizeof(MnbTrackAdd) == 68, "track add");
_Static_assert(sizeof(MnbSlotAdd) == 60, "slot add");
_Static_assert(sizeof(MnbSlotBind) == 16, "slot bind");
_Static_assert(sizeof(MnbTransportLimit) == 8, "transport limit");
_Static_assert(sizeof(MnbSlotState) == 16, "slot state");
_Static_assert(sizeof(MnbTapTrack) == 12, "tap track");
_Static_assert(sizeof(MnbMediaReady) == 40, "ready");
_Static_assert(sizeof(MnbTransportState) == 8, "transport state");
_Static_assert(sizeof(MnbTrackState) == 8, "track state");
_Static_assert(sizeof(MnbTrackAside) == 8, "track aside");
_Static_assert(sizeof(MnbSpeaker) == 16, "speaker");
_Static_assert(sizeof(MnbMediaRefused) == 12, "refused");
_Static_assert(sizeof(MnbWorkerStats) == 232, "worker stats");
_Static_assert(sizeof(MnbTcpPass) == 668, "tcp pass");
_Static_assert(sizeof(MnbTransportStats) == 40, "transport stats");

uint16_t mnb_control_body_size(MnbMediaType type)
{
    switch (type) {
    case MNB_MEDIA_TRANSPORT_OPEN:
        return sizeof(MnbTransportOpen);
    case MNB_MEDIA_TRANSPORT_REMOTE:
        return sizeof(MnbTransportRemote);
    case MNB_MEDIA_TRANSPORT_RESTART:
        return sizeof(MnbTransportRestart);
    case MNB_MEDIA_TRANSPORT_CLOSE:
    case MNB_MEDIA_TRACK_REMOVE:
    case MNB_MEDIA_KEY_FRAME:
    case MNB_MEDIA_TAP_OPEN:
    case MNB_MEDIA_TAP_CLOSE:
    case MNB_MEDIA_FEED_KEY:
        return sizeof(MnbMediaId);
    case MNB_MEDIA_FEED_OPEN:
        return sizeof(MnbFeedOpen);
    case MNB_MEDIA_TRACK_ADD:
        return sizeof(MnbTrackAdd);
    case MNB_MEDIA_SLOT_ADD:
        return sizeof(MnbSlotAdd);
    case MNB_MEDIA_SLOT_BIND:
        return sizeof(MnbSlotBind);
    case MNB_MEDIA_TRACK_ASIDE:
        return sizeof(MnbTrackAside);
    case MNB_MEDIA_TAP_TRACK:
        return sizeof(MnbTapTrack);
    case MNB_MEDIA_TRANSPORT_LIMIT:
        return sizeof(MnbTransportLimit);
    case MNB_MEDIA_SLOT_STATE:
        return sizeof(MnbSlotState);
    case MNB_MEDIA_READY:
        return sizeof(MnbMediaReady);
    case MNB_MEDIA_TRANSPORT_STATE:
        return sizeof(MnbTransportState);
    case MNB_MEDIA_TRACK_STATE:
        return sizeof(MnbTrackState);
    case MNB_MEDIA_SPEAKER:
        return sizeof(MnbSpeaker);
    case MNB_MEDIA_REFUSED:
        return sizeof(MnbMediaRefused);
    case MNB_MEDIA_WORKER_STATS:
        return sizeof(MnbWorkerStats);
    case MNB_MEDIA_TRANSPORT_STATS:
        return sizeof(MnbTransportStats);
    case MNB_MEDIA_TCP_TAKE:
    case MNB_MEDIA_TCP_PASS:
        return sizeof(MnbTcpPass);
    }
    return 0;
}

int mnb_control_send(int fd, MnbMediaType type, const void *body, const int *fds, unsigned n_fds)
{
    uint16_t body_size = mnb_control_body_size(type);
    if (body_size == 0 || n_fds > MNB_CONTROL_FDS_MAX)
        return -EINVAL;
    MnbMediaHead head = {(uint16_t)type, (uint16_t)(sizeof head + body_size), 0};
    struct iovec iov[2] = {{&head, sizeof head}, {(void *)(uintptr_t)body, body_size}};
    union {
        char bytes[CMSG_SPACE(MNB_CONTROL_FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
    if (n_fds > 0) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(cmsg), fds, n_fds * sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(fd, &msg, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

static void take_fds(MnbControlMessage *out, struct msghdr *msg)
{
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL; cmsg = CMSG_NXTHDR(msg, cmsg)) {
        if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof fd, sizeof fd);
            if (out->n_fds < MNB_CONTROL_FDS_MAX)
                out->fds[out->n_fds++] = fd;
            else
                close(fd);
        }
    }
}

/* Texts of a message end inside their fields, so whoever reads them may use them as strings. */
static void terminate_texts(MnbControlMessage *message)
{
    uint8_t *body = message->data.bytes + sizeof(MnbMediaHead);
#define TERMINATE(type, field) body[offsetof(type, field) + sizeof(((type *)0)->field) - 1] = 0
    switch (message->type) {
    case MNB_MEDIA_TRANSPORT_OPEN:
        TERMINATE(MnbTransportOpen, ufrag);
        TERMINATE(MnbTransportOpen, pwd);
        break;
    case MNB_MEDIA_TRANSPORT_REMOTE:
        TERMINATE(MnbTransportRemote, ufrag);
        break;
    case MNB_MEDIA_TRANSPORT_RESTART:
        TERMINATE(MnbTransportRestart, ufrag);
        TERMINATE(MnbTransportRestart, pwd);
        TERMINATE(MnbTransportRestart, remote_ufrag);
        break;
    case MNB_MEDIA_TRACK_ADD:
        TERMINATE(MnbTrackAdd, mid);
        TERMINATE(MnbTrackAdd, rid);
        break;
    case MNB_MEDIA_SLOT_ADD:
        TERMINATE(MnbSlotAdd, mid);
        break;
    default:
        break;
    }
#undef TERMINATE
}

int mnb_control_receive(int fd, MnbControlMessage *out)
{
    struct iovec iov = {out->data.bytes, sizeof out->data.bytes};
    union {
        char bytes[CMSG_SPACE(MNB_CONTROL_FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof control.bytes};
    ssize_t got;
    do
        got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    out->n_fds = 0;
    if (got == 0 || (got < 0 && (errno == ECONNRESET || errno == EPIPE)))
        return 0;
    if (got < 0)
        return -errno;
    take_fds(out, &msg);
    out->type = (MnbMediaType)out->data.head.type;
    uint16_t body_size = mnb_control_body_size(out->type);
    if ((size_t)got < sizeof(MnbMediaHead) || out->data.head.size != got || body_size == 0 ||
        (size_t)got != sizeof(MnbMediaHead) + body_size || (msg.msg_flags & MSG_TRUNC) != 0) {
        for (unsigned i = 0; i < out->n_fds; i++)
            close(out->fds[i]);
        out->n_fds = 0;
        return -EBADMSG;
    }
    terminate_texts(out);
    return 1;
}
