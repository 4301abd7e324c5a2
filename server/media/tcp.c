#include "server/media/tcp.h"

#include "server/media/ice.h"
#include "server/media/stun.h"
#include "server/media/tcp-frame.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define SEND_BUFFER_BYTES (128 << 10)
#define USER_TIMEOUT_MS   15000
#define READ_BYTES        16384
#define READ_ROUNDS       4  /* of a connection before the others get their turn */
#define ACCEPT_ROUNDS     32 /* connections */
#define UNKNOWN_FRAMES    8
#define FILES_KEPT        512 /* for taps and the rest */
#define PAUSE_US          100000
#define FLOW_SOCKET       0x8000 /* in MnbFlow: no index of a UDP socket has this bit */
#define LISTENERS         0      /* epoll data behind MNB_TCP_EVENTS: listeners, then connections */
#define CONNECTIONS       MNB_WORKER_SOCKETS_MAX

typedef struct {
    MnbSocket socket; /* first: its send() finds us by it */
    MnbTcp *tcp;
    unsigned index;
    bool is_shared; /* came through the front door: begins with a PROXY line, may be passed on */
    bool has_peer;
    bool is_known; /* somebody proved himself on it */
    bool is_broken;
    unsigned unknown_frames;
    int64_t opened_us;
    int64_t stuck_us; /* since when out waits; 0: it does not */
    MnbArrival arrival;
    size_t in_len;
    size_t out_at, out_len;
    uint8_t in[MNB_TCP_FRAME_HEAD + MNB_TCP_FRAME_MAX];
    uint8_t out[MNB_TCP_FRAME_HEAD + MNB_TX_SEGMENT_BYTES];
} Connection;

struct MnbTcp {
    MnbWorker *worker;
    MnbRxDatagram on_datagram;
    unsigned limit; /* of connections */
    unsigned n;
    unsigned n_unknown;
    uint32_t generation;
    bool is_paused; /* no descriptors left: nobody is accepted for a moment */
    bool is_shared[MNB_WORKER_SOCKETS_MAX];
    MnbTimer tick_timer;
    MnbTimer pause_timer;
    Connection *connections[MNB_TCP_CONNECTIONS_MAX];
    uint8_t read[READ_BYTES + MNB_TCP_FRAME_HEAD + MNB_TCP_FRAME_MAX];
};

/* ---- life of a connection ---- */

static void watch(Connection *connection, bool for_writing)
{
    struct epoll_event event = {.events = EPOLLIN | (for_writing ? EPOLLOUT : 0),
                                .data.u32 = MNB_TCP_EVENTS + CONNECTIONS + connection->index};
    epoll_ctl(connection->tcp->worker->epoll_fd, EPOLL_CTL_MOD, connection->socket.fd, &event);
}

static void end(Connection *connection)
{
    MnbTcp *tcp = connection->tcp;
    MnbWorker *worker = tcp->worker;
    mnb_tx_flush(worker->tx); /* messages point at its socket */
    if (connection->has_peer)
        mnb_ice_drop_flow(worker, connection->arrival.key);
    /* Not by close(): a descriptor that is on its way to another worker keeps the socket open. */
    epoll_ctl(worker->epoll_fd, EPOLL_CTL_DEL, connection->socket.fd, NULL);
    close(connection->socket.fd);
    tcp->connections[connection->index] = NULL;
    tcp->n--;
    tcp->n_unknown -= !connection->is_known;
    free(connection);
}

/* ---- out ---- */

static void wait_for_room(Connection *connection)
{
    if (connection->stuck_us != 0)
        return;
    connection->stuck_us = connection->tcp->worker->now_us;
    watch(connection, true);
}

static void keep_rest(Connection *connection, const uint8_t *data, size_t size, size_t done)
{
    uint8_t head[MNB_TCP_FRAME_HEAD];
    mnb_tcp_frame_head(head, size);
    memcpy(connection->out, head, sizeof head);
    memcpy(connection->out + sizeof head, data, size);
    connection->out_at = done;
    connection->out_len = sizeof head + size;
    wait_for_room(connection);
}

static ssize_t send_parts(int fd, struct iovec *parts, size_t n)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = n};
    ssize_t sent;
    do
        sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

static unsigned on_send(MnbSocket *socket, const uint8_t *data, size_t size, size_t segment_size)
{
    Connection *connection = (Connection *)(void *)socket;
    uint8_t heads[MNB_TX_SEGMENTS_MAX][MNB_TCP_FRAME_HEAD];
    struct iovec parts[MNB_TX_SEGMENTS_MAX * 2];
    unsigned n = 0;
    for (size_t at = 0; at < size; at += segment_size, n++) {
        size_t len = size - at < segment_size ? size - at : segment_size;
        mnb_tcp_frame_head(heads[n], len);
        parts[n * 2] = (struct iovec){heads[n], MNB_TCP_FRAME_HEAD};
        parts[n * 2 + 1] = (struct iovec){(void *)(uintptr_t)(data + at), len};
    }
    if (connection->out_len > 0 || connection->is_broken)
        return n;
    ssize_t sent = send_parts(socket->fd, parts, n * 2);
    if (sent < 0) {
        if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
            wait_for_room(connection);
        else
            connection->is_broken = true; /* epoll tells, or the tick */
        return n;
    }
    size_t done = (size_t)sent;
    for (unsigned i = 0; i < n; i++) {
        size_t whole = MNB_TCP_FRAME_HEAD + parts[i * 2 + 1].iov_len;
        if (done >= whole) {
            done -= whole;
            continue;
        }
        if (done > 0) {
            keep_rest(connection, parts[i * 2 + 1].iov_base, parts[i * 2 + 1].iov_len, done);
            i++;
        }
        return n - i;
    }
    return 0;
}

static void send_rest(Connection *connection)
{
    struct iovec part = {connection->out + connection->out_at,
                         connection->out_len - connection->out_at};
    ssize_t sent = connection->out_len == 0 ? 0 : send_parts(connection->socket.fd, &part, 1);
    if (sent < 0) {
        connection->is_broken = errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM;
        return;
    }
    connection->out_at += (size_t)sent;
    if (connection->out_at < connection->out_len)
        return;
    connection->out_at = connection->out_len = 0;
    connection->stuck_us = 0;
    watch(connection, false);
}

/* ---- in ---- */

static void set_peer(Connection *connection, const struct sockaddr_in6 *peer)
{
    MnbTcp *tcp = connection->tcp;
    MnbArrival *arrival = &connection->arrival;
    memset(arrival, 0, sizeof *arrival);
    if (peer->sin6_family == AF_INET) {
        memcpy(&arrival->route.peer.v4, peer, sizeof arrival->route.peer.v4);
        arrival->route.peer_size = sizeof arrival->route.peer.v4;
        memcpy(arrival->flow.peer, &arrival->route.peer.v4.sin_addr, 4);
        arrival->flow.port = arrival->route.peer.v4.sin_port;
    } else {
        arrival->route.peer.v6 = *peer;
        arrival->route.peer_size = sizeof arrival->route.peer.v6;
        memcpy(arrival->flow.peer, &peer->sin6_addr, 16);
        arrival->flow.port = peer->sin6_port;
    }
    arrival->route.socket = &connection->socket;
    /* A place is used again; the flow of the one before is another one. */
    uint32_t generation = ++tcp->generation;
    memcpy(arrival->flow.local, &generation, sizeof generation);
    arrival->flow.socket = (uint16_t)(FLOW_SOCKET | connection->index);
    arrival->key = mnb_id_hash(tcp->worker->secret, &arrival->flow, sizeof arrival->flow);
    connection->has_peer = true;
}

static bool is_same_address(const Connection *a, const Connection *b)
{
    return memcmp(a->arrival.flow.peer, b->arrival.flow.peer, sizeof a->arrival.flow.peer) == 0;
}

/* Whether too many from its address have proved nothing yet. */
static bool is_crowded(const Connection *connection)
{
    const MnbTcp *tcp = connection->tcp;
    unsigned same = 0;
    for (unsigned i = 0, seen = 0; i < tcp->limit && seen < tcp->n; i++) {
        const Connection *other = tcp->connections[i];
        if (other == NULL)
            continue;
        seen++;
        same += !other->is_known && other->has_peer && is_same_address(other, connection);
    }
    return same > MNB_TCP_ADDRESS_MAX;
}

/* Which worker a first frame is for; -1: it does not say. */
static int worker_of(uint8_t *frame, size_t size)
{
    MnbStun stun;
    const char *ours, *theirs;
    size_t ours_len, theirs_len;
    if (mnb_datagram_kind(frame, size) != MNB_DATAGRAM_STUN ||
        mnb_stun_parse(&stun, frame, size) < 0 || stun.type != MNB_STUN_REQUEST ||
        mnb_stun_split_username(&stun, &ours, &ours_len, &theirs, &theirs_len) < 0)
        return -1;
    return mnb_ufrag_worker(ours, (unsigned)ours_len);
}

/* Hands it to the worker it is for, with all that was read. */
static void pass_on(Connection *connection, unsigned worker, const uint8_t *data, size_t len)
{
    MnbTcpPass pass = {.worker = worker,
                       .port = connection->arrival.flow.port,
                       .family = connection->arrival.route.peer.any.sa_family,
                       .size = (uint32_t)len};
    memcpy(pass.address, connection->arrival.flow.peer, sizeof pass.address);
    if (len <= sizeof pass.bytes) {
        memcpy(pass.bytes, data, len);
        /* When manabi's socket is full the peer tries again: better than to wait for it. */
        mnb_control_send(connection->tcp->worker->config.control_fd, MNB_MEDIA_TCP_PASS, &pass,
                         &connection->socket.fd, 1);
    }
    end(connection);
}

/* Returns false when the connection has ended. @rest: from this frame on. */
static bool on_frame(Connection *connection, uint8_t *frame, size_t size, const uint8_t *rest,
                     size_t rest_len)
{
    MnbTcp *tcp = connection->tcp;
    MnbWorker *worker = tcp->worker;
    if (connection->is_shared && connection->unknown_frames == 0) {
        int wanted = worker_of(frame, size);
        if (wanted >= 0 && (unsigned)wanted != worker->config.index) {
            pass_on(connection, (unsigned)wanted, rest, rest_len);
            return false;
        }
    }
    if (size > 0) {
        connection->arrival.now_us = worker->now_us;
        tcp->on_datagram(worker, &connection->arrival, frame, size);
    }
    if (connection->is_known)
        return true;
    if (mnb_ice_find_tuple(worker, &connection->arrival) != NULL) {
        connection->is_known = true;
        tcp->n_unknown--;
    } else if (++connection->unknown_frames == UNKNOWN_FRAMES) {
        end(connection);
        return false;
    }
    return true;
}

/* Takes @len bytes apart, which begin with what was left over before. Returns false when the
 * connection has ended. */
static bool on_bytes(Connection *connection, uint8_t *data, size_t len)
{
    size_t at = 0;
    if (!connection->has_peer) {
        struct sockaddr_in6 peer;
        int line = mnb_tcp_proxy_line(data, len, &peer);
        if (line > 0) {
            set_peer(connection, &peer);
            at = (size_t)line;
        }
        if (line < 0 || (line > 0 && is_crowded(connection))) {
            end(connection);
            return false;
        }
    }
    while (connection->has_peer) {
        const uint8_t *frame;
        size_t size;
        int got = mnb_tcp_frame_take(data + at, len - at, &frame, &size);
        if (got < 0) {
            connection->tcp->worker->stats.dropped_malformed++;
            end(connection);
            return false;
        }
        if (got == 0)
            break;
        if (!on_frame(connection, data + at + MNB_TCP_FRAME_HEAD, size, data + at, len - at))
            return false;
        at += MNB_TCP_FRAME_HEAD + size;
    }
    connection->in_len = len - at; /* less than a frame */
    memcpy(connection->in, data + at, connection->in_len);
    return true;
}

static void read_some(Connection *connection)
{
    MnbTcp *tcp = connection->tcp;
    for (unsigned round = 0; round < READ_ROUNDS; round++) {
        size_t before = connection->in_len;
        struct iovec part = {tcp->read + before, READ_BYTES};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        memcpy(tcp->read, connection->in, before);
        ssize_t got = recvmsg(connection->socket.fd, &message, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            end(connection);
            return;
        }
        if (!on_bytes(connection, tcp->read, before + (size_t)got) || got < READ_BYTES)
            return;
    }
}

/* ---- coming in ---- */

static Connection *oldest_unknown(MnbTcp *tcp)
{
    Connection *oldest = NULL;
    for (unsigned i = 0; i < tcp->limit; i++) {
        Connection *each = tcp->connections[i];
        if (each != NULL && !each->is_known &&
            (oldest == NULL || each->opened_us < oldest->opened_us))
            oldest = each;
    }
    return oldest;
}

/* @fd: owned; closed when NULL is returned. */
static Connection *add(MnbTcp *tcp, int fd, bool is_shared)
{
    if (tcp->n_unknown >= MNB_TCP_UNKNOWN_MAX || (tcp->n == tcp->limit && tcp->n_unknown > 0))
        end(oldest_unknown(tcp));
    unsigned index = 0;
    while (index < tcp->limit && tcp->connections[index] != NULL)
        index++;
    Connection *connection = index == tcp->limit ? NULL : calloc(1, sizeof *connection);
    struct epoll_event event = {.events = EPOLLIN,
                                .data.u32 = MNB_TCP_EVENTS + CONNECTIONS + index};
    if (connection == NULL || epoll_ctl(tcp->worker->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        free(connection);
        close(fd);
        return NULL;
    }
    connection->socket.fd = fd;
    connection->socket.send = on_send;
    connection->tcp = tcp;
    connection->index = index;
    connection->is_shared = is_shared;
    connection->opened_us = tcp->worker->now_us;
    tcp->connections[index] = connection;
    tcp->n++;
    tcp->n_unknown++;
    if (!mnb_timer_is_armed(&tcp->tick_timer))
        mnb_wheel_arm(&tcp->worker->wheel, &tcp->tick_timer, tcp->worker->now_us + MNB_SECOND_US);
    return connection;
}

static void watch_listener(MnbTcp *tcp, unsigned i, bool is_on)
{
    struct epoll_event event = {.events = EPOLLIN | (tcp->is_shared[i] ? EPOLLEXCLUSIVE : 0),
                                .data.u32 = MNB_TCP_EVENTS + LISTENERS + i};
    epoll_ctl(tcp->worker->epoll_fd, is_on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL,
              tcp->worker->config.tcp_fds[i], &event);
}

static void on_pause_over(void *owner, int64_t now_us)
{
    MnbTcp *tcp = owner;
    (void)now_us;
    tcp->is_paused = false;
    for (unsigned i = 0; i < tcp->worker->config.n_tcp_fds; i++)
        watch_listener(tcp, i, true);
}

/* A listener that is always ready but cannot be served would keep the loop busy. */
static void pause_listeners(MnbTcp *tcp)
{
    if (tcp->is_paused)
        return;
    tcp->is_paused = true;
    for (unsigned i = 0; i < tcp->worker->config.n_tcp_fds; i++)
        watch_listener(tcp, i, false);
    mnb_wheel_arm(&tcp->worker->wheel, &tcp->pause_timer, tcp->worker->now_us + PAUSE_US);
}

static void accept_some(MnbTcp *tcp, unsigned listener)
{
    for (unsigned i = 0; i < ACCEPT_ROUNDS && !tcp->is_paused; i++) {
        union {
            struct sockaddr any;
            struct sockaddr_in6 v6;
            struct sockaddr_storage room;
        } peer = {0};
        socklen_t size = sizeof peer;
        int fd = accept4(tcp->worker->config.tcp_fds[listener], &peer.any, &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                pause_listeners(tcp);
            if (errno == ECONNABORTED || errno == EINTR)
                continue;
            return;
        }
        Connection *connection = add(tcp, fd, tcp->is_shared[listener]);
        if (connection == NULL || connection->is_shared)
            continue;
        set_peer(connection, &peer.v6);
        if (is_crowded(connection))
            end(connection);
    }
}

int mnb_tcp_take(MnbTcp *tcp, const MnbTcpPass *pass, int fd)
{
    struct sockaddr_in6 peer = {0};
    if (pass->size > sizeof pass->bytes || (pass->family != AF_INET && pass->family != AF_INET6)) {
        close(fd);
        return -EINVAL;
    }
    if (pass->family == AF_INET) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = pass->port};
        memcpy(&v4.sin_addr, pass->address, 4);
        memcpy(&peer, &v4, sizeof v4);
    } else {
        peer.sin6_family = AF_INET6;
        peer.sin6_port = pass->port;
        memcpy(&peer.sin6_addr, pass->address, 16);
    }
    Connection *connection = add(tcp, fd, false);
    if (connection == NULL)
        return -ENOSPC;
    set_peer(connection, &peer);
    memcpy(tcp->read, pass->bytes, pass->size);
    if (is_crowded(connection))
        end(connection);
    else
        on_bytes(connection, tcp->read, pass->size);
    return 0;
}

/* ---- all of them ---- */

void mnb_tcp_on_event(MnbTcp *tcp, uint32_t data, uint32_t events)
{
    unsigned index = data - MNB_TCP_EVENTS;
    if (index < CONNECTIONS) {
        if (index < tcp->worker->config.n_tcp_fds)
            accept_some(tcp, index);
        return;
    }
    index -= CONNECTIONS;
    Connection *connection = index < tcp->limit ? tcp->connections[index] : NULL;
    if (connection == NULL)
        return;
    if ((events & EPOLLOUT) != 0)
        send_rest(connection);
    if (connection->is_broken)
        end(connection);
    else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        read_some(connection);
}

static bool is_over(const Connection *connection, int64_t now_us)
{
    if (connection->is_broken)
        return true;
    if (connection->stuck_us != 0 && now_us - connection->stuck_us >= MNB_TCP_STUCK_US)
        return true;
    if (!connection->is_known)
        return now_us - connection->opened_us >= MNB_TCP_UNKNOWN_US;
    return mnb_ice_find_tuple(connection->tcp->worker, &connection->arrival) == NULL;
}

static void on_tick(void *owner, int64_t now_us)
{
    MnbTcp *tcp = owner;
    for (unsigned i = 0; i < tcp->limit; i++)
        if (tcp->connections[i] != NULL && is_over(tcp->connections[i], now_us))
            end(tcp->connections[i]);
    if (tcp->n > 0)
        mnb_wheel_arm(&tcp->worker->wheel, &tcp->tick_timer, now_us + MNB_SECOND_US);
}

unsigned mnb_tcp_count(const MnbTcp *tcp)
{
    return tcp == NULL ? 0 : tcp->n;
}

/* Connections inherit what is set here: later the sandbox refuses setsockopt(). */
static int set_up_listener(MnbTcp *tcp, unsigned i)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES},
    };
    int fd = tcp->worker->config.tcp_fds[i];
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &size) < 0)
        return -errno;
    tcp->is_shared[i] = name.ss_family == AF_UNIX;
    for (size_t k = 0; k < sizeof options / sizeof options[0]; k++) {
        if (tcp->is_shared[i] && options[k].level == IPPROTO_TCP)
            continue;
        if (setsockopt(fd, options[k].level, options[k].name, &options[k].value,
                       sizeof options[k].value) < 0)
            return -errno;
    }
    watch_listener(tcp, i, true);
    return 0;
}

MnbTcp *mnb_tcp_new(MnbWorker *worker, MnbRxDatagram on_datagram, int *error_out)
{
    MnbTcp *tcp = calloc(1, sizeof *tcp);
    struct rlimit files = {0};
    *error_out = -ENOMEM;
    if (tcp == NULL)
        return NULL;
    tcp->worker = worker;
    tcp->on_datagram = on_datagram;
    tcp->tick_timer = (MnbTimer){.on_due = on_tick, .owner = tcp};
    tcp->pause_timer = (MnbTimer){.on_due = on_pause_over, .owner = tcp};
    tcp->limit = MNB_TCP_CONNECTIONS_MAX;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES_KEPT + tcp->limit)
        tcp->limit = files.rlim_cur > 2 * FILES_KEPT ? (unsigned)files.rlim_cur - FILES_KEPT
                                                     : (unsigned)files.rlim_cur / 2;
    for (unsigned i = 0; i < worker->config.n_tcp_fds; i++) {
        *error_out = set_up_listener(tcp, i);
        if (*error_out < 0) {
            mnb_tcp_free(tcp);
            return NULL;
        }
    }
    *error_out = 0;
    return tcp;
}

void mnb_tcp_free(MnbTcp *tcp)
{
    if (tcp == NULL)
        return;
    for (unsigned i = 0; i < tcp->limit; i++)
        if (tcp->connections[i] != NULL)
            end(tcp->connections[i]);
    mnb_timer_cancel(&tcp->tick_timer);
    mnb_timer_cancel(&tcp->pause_timer);
    free(tcp);
}
