#include "server/media/tx.h"

#include <assert.h>
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define CONTROL_BYTES  (MNB_TX_CONTROL_BYTES + CMSG_SPACE(sizeof(uint16_t)))
#define FULL_WAITS_MAX 5 /* of 1 ms, for a socket buffer to drain */

typedef struct {
    MnbRoute *route;
    uint16_t segment_size;
    uint8_t n_segments;
    bool is_closed; /* its last segment is shorter: nothing can follow */
    _Alignas(8) uint8_t control[CONTROL_BYTES];
} Message;

struct MnbTx {
    uint8_t *arena;
    size_t used;
    unsigned n;
    int refuse_error;
    int64_t sent_us;
    int64_t (*now_us)(void *owner); /* NULL: no clock */
    void *now_owner;
    MnbTxCounters counters;
    struct mmsghdr headers[MNB_TX_MESSAGES];
    struct iovec iovs[MNB_TX_MESSAGES];
    Message messages[MNB_TX_MESSAGES];
};

MnbTx *mnb_tx_new(void)
{
    MnbTx *tx = calloc(1, sizeof *tx);
    if (tx == NULL)
        return NULL;
    tx->arena = malloc(MNB_TX_ARENA_BYTES);
    if (tx->arena == NULL) {
        free(tx);
        return NULL;
    }
    return tx;
}

void mnb_tx_free(MnbTx *tx)
{
    if (tx == NULL)
        return;
    free(tx->arena);
    free(tx);
}

const MnbTxCounters *mnb_tx_counters(const MnbTx *tx)
{
    return &tx->counters;
}

void mnb_tx_refuse_gso(MnbTx *tx, int error)
{
    tx->refuse_error = error;
}

uint8_t *mnb_tx_room(MnbTx *tx, size_t need)
{
    assert(need <= MNB_TX_SEGMENT_BYTES);
    if (tx->used + need > MNB_TX_ARENA_BYTES)
        mnb_tx_flush(tx);
    return tx->arena + tx->used;
}

void mnb_tx_add(MnbTx *tx, MnbRoute *route, size_t size)
{
    uint8_t *bytes = tx->arena + tx->used;
    if (tx->n > 0) {
        Message *last = &tx->messages[tx->n - 1];
        if (last->route == route && !last->is_closed && size <= last->segment_size &&
            last->n_segments < MNB_TX_SEGMENTS_MAX && !route->is_gso_off &&
            !route->socket->is_gso_off) {
            last->n_segments++;
            last->is_closed = size < last->segment_size;
            tx->iovs[tx->n - 1].iov_len += size;
            tx->used += size;
            return;
        }
    }
    if (tx->n == MNB_TX_MESSAGES) {
        /* The arena starts again, so the packet moves to its beginning. */
        size_t at = tx->used;
        mnb_tx_flush(tx);
        memmove(tx->arena, tx->arena + at, size);
        bytes = tx->arena;
    }
    Message *message = &tx->messages[tx->n];
    message->route = route;
    message->segment_size = (uint16_t)size;
    message->n_segments = 1;
    message->is_closed = false;
    tx->iovs[tx->n] = (struct iovec){bytes, size};
    tx->n++;
    tx->used += size;
}

static void fill_header(MnbTx *tx, unsigned i)
{
    Message *message = &tx->messages[i];
    MnbRoute *route = message->route;
    struct msghdr *header = &tx->headers[i].msg_hdr;
    size_t control_size = route->control_size;
    if (control_size > 0)
        memcpy(message->control, route->control, control_size);
    if (message->n_segments > 1) {
        struct cmsghdr *cmsg = (struct cmsghdr *)(void *)(message->control + control_size);
        cmsg->cmsg_level = SOL_UDP;
        cmsg->cmsg_type = UDP_SEGMENT;
        cmsg->cmsg_len = CMSG_LEN(sizeof(uint16_t));
        memcpy(CMSG_DATA(cmsg), &message->segment_size, sizeof(uint16_t));
        control_size += CMSG_SPACE(sizeof(uint16_t));
    }
    header->msg_name = &route->peer;
    header->msg_namelen = route->peer_size;
    header->msg_iov = &tx->iovs[i];
    header->msg_iovlen = 1;
    header->msg_control = control_size > 0 ? message->control : NULL;
    header->msg_controllen = control_size;
    header->msg_flags = 0;
}

/* Waits a little for room in the socket's buffer. The kernel is the bottleneck then: waiting is
 * what paces us. Returns false when it takes too long. */
static bool wait_for_room(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    for (int i = 0; i < FULL_WAITS_MAX; i++)
        if (poll(&wait, 1, 1) > 0)
            return true;
    return false;
}

/* The path is narrower than the packet: from now on the kernel may cut what this socket sends. The
 * worker forbids it at first, since that costs less. Returns whether that is news. */
static bool let_fragment(MnbSocket *socket)
{
    int discover = IP_PMTUDISC_WANT;
    if (socket->may_fragment)
        return false;
    socket->may_fragment = true;
    return setsockopt(socket->fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof discover) == 0;
}

static void send_one_by_one(MnbTx *tx, unsigned i)
{
    Message *message = &tx->messages[i];
    MnbRoute *route = message->route;
    uint8_t *at = tx->iovs[i].iov_base;
    size_t left = tx->iovs[i].iov_len;
    while (left > 0) {
        size_t size = left < message->segment_size ? left : message->segment_size;
        struct iovec iov = {at, size};
        struct msghdr header = {.msg_name = &route->peer,
                                .msg_namelen = route->peer_size,
                                .msg_iov = &iov,
                                .msg_iovlen = 1,
                                .msg_control = route->control_size > 0 ? route->control : NULL,
                                .msg_controllen = route->control_size};
        ssize_t sent = sendmsg(route->socket->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS) && wait_for_room(route->socket->fd))
            continue;
        if (sent < 0 && errno == EMSGSIZE && let_fragment(route->socket))
            continue;
        tx->counters.sends++;
        if (sent < 0)
            tx->counters.dropped++;
        at += size;
        left -= size;
    }
}

static void on_gso_refused(MnbTx *tx, unsigned i)
{
    MnbRoute *route = tx->messages[i].route;
    route->is_gso_off = true;
    if (++route->socket->gso_refused >= MNB_TX_GSO_GIVE_UP)
        route->socket->is_gso_off = true;
    send_one_by_one(tx, i);
}

/* Sends messages @from to @to, all of one socket. */
static void send_range(MnbTx *tx, unsigned from, unsigned to)
{
    MnbSocket *socket = tx->messages[from].route->socket;
    int fd = socket->fd;
    bool has_waited = false;
    for (; socket->send != NULL && from < to; from++) {
        tx->counters.sends++;
        tx->counters.dropped +=
            socket->send(socket, tx->iovs[from].iov_base, tx->iovs[from].iov_len,
                         tx->messages[from].segment_size);
    }
    while (from < to) {
        int error = 0;
        int sent = 0;
        if (tx->refuse_error != 0 && tx->messages[from].n_segments > 1)
            error = tx->refuse_error;
        else
            sent = sendmmsg(fd, tx->headers + from, tx->refuse_error != 0 ? 1 : to - from,
                            MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            tx->counters.sends += (unsigned)sent;
            from += (unsigned)sent;
            has_waited = false;
            continue;
        }
        if (error == 0)
            error = errno;
        if (error == EINTR)
            continue;
        if ((error == EAGAIN || error == ENOBUFS) && !has_waited) {
            has_waited = wait_for_room(fd);
            if (has_waited)
                continue;
        }
        if (error == EMSGSIZE && let_fragment(socket))
            continue;
        if ((error == EIO || error == EINVAL || error == EMSGSIZE) &&
            tx->messages[from].n_segments > 1)
            on_gso_refused(tx, from);
        else
            tx->counters.dropped += tx->messages[from].n_segments;
        from++;
    }
}

static void read_time(MnbTx *tx)
{
    if (tx->now_us == NULL)
        return;
    int64_t now_us = tx->now_us(tx->now_owner);
    if (now_us - tx->sent_us >= MNB_TX_STALL_US)
        tx->counters.stalled_us += (uint64_t)(now_us - tx->sent_us);
    tx->sent_us = now_us;
}

void mnb_tx_flush(MnbTx *tx)
{
    unsigned from = 0;
    for (unsigned i = 0; i < tx->n; i++) {
        fill_header(tx, i);
        if (tx->messages[i].route->socket != tx->messages[from].route->socket) {
            send_range(tx, from, i);
            from = i;
        }
    }
    if (tx->n > 0) {
        send_range(tx, from, tx->n);
        read_time(tx);
    }
    tx->n = 0;
    tx->used = 0;
}

int64_t mnb_tx_sent_us(const MnbTx *tx)
{
    return tx->sent_us;
}

void mnb_tx_note_time(MnbTx *tx, int64_t now_us)
{
    tx->sent_us = now_us;
}

void mnb_tx_set_clock(MnbTx *tx, int64_t (*now_us)(void *owner), void *owner)
{
    tx->now_us = now_us;
    tx->now_owner = owner;
    tx->sent_us = now_us(owner);
}

void mnb_route_set_source_v4(MnbRoute *route, struct in_addr local)
{
    struct in_pktinfo info = {.ipi_spec_dst = local};
    struct cmsghdr *cmsg = (struct cmsghdr *)(void *)route->control;
    cmsg->cmsg_level = IPPROTO_IP;
    cmsg->cmsg_type = IP_PKTINFO;
    cmsg->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(cmsg), &info, sizeof info);
    route->control_size = CMSG_SPACE(sizeof info);
}

void mnb_route_set_source_v6(MnbRoute *route, const struct in6_addr *local, unsigned interface)
{
    struct in6_pktinfo info = {.ipi6_addr = *local, .ipi6_ifindex = interface};
    struct cmsghdr *cmsg = (struct cmsghdr *)(void *)route->control;
    cmsg->cmsg_level = IPPROTO_IPV6;
    cmsg->cmsg_type = IPV6_PKTINFO;
    cmsg->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(cmsg), &info, sizeof info);
    route->control_size = CMSG_SPACE(sizeof info);
}
_Static_assert(CMSG_SPACE(sizeof(struct in6_pktinfo)) <= MNB_TX_CONTROL_BYTES, "control");
