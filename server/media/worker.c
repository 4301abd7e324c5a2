#include "server/media/worker.h"

#include "server/media/fanout.h"
#include "server/media/feed.h"
#include "server/media/handshakes.h"
#include "server/media/ice.h"
#include "server/media/line.h"
#include "server/media/priority.h"
#include "server/media/rx.h"
#include "server/media/slot.h"
#include "server/media/srtp-backend.h"
#include "server/media/tap.h"
#include "server/media/tcp.h"
#include "server/media/track.h"
#include "server/media/transport.h"
#include "server/media/worker-state.h"
#include <assert.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SMALL_SLAB_BYTES    ((size_t)32 << 20)
#define LARGE_SLAB_BYTES    ((size_t)256 << 20) /* reserved; touched as far as it is used */
#define SOCKET_BUFFER_BYTES (8 << 20)
#define CONTROL_BATCH       64
#define EVENTS_MAX          64
#define READ_ROUNDS         16 /* batches of one socket before timers get their turn */
#define OUTBOX_PLACES       2048
#define OUTBOX_BYTES        256

typedef struct MnbOutbox {
    unsigned first;
    unsigned n;
    bool is_watched;
    struct {
        MnbMediaType type;
        _Alignas(8) uint8_t body[OUTBOX_BYTES];
    } places[OUTBOX_PLACES];
} MnbOutbox;

_Static_assert(sizeof(MnbWorkerStats) <= OUTBOX_BYTES, "the largest event fits");

static void on_stats_timer(void *owner, int64_t now_us);

/* ---- small things ---- */

static int64_t read_clock(void *owner)
{
    struct timespec now;
    (void)owner;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * MNB_SECOND_US + now.tv_nsec / 1000;
}

static int64_t now_of(const MnbWorker *worker)
{
    return worker->config.now_us(worker->config.now_owner);
}

static void look_at_clock(MnbWorker *worker)
{
    worker->now_us = now_of(worker);
    mnb_tx_note_time(worker->tx, worker->now_us);
}

uint32_t mnb_worker_random(void)
{
    uint32_t value = 0;
    if (getrandom(&value, sizeof value, 0) != sizeof value)
        abort(); /* the kernel always has some */
    return value;
}

void mnb_worker_close_later(MnbWorker *worker, MnbTransport *transport)
{
    transport->is_closing = true;
    transport->next_closing = worker->closing;
    worker->closing = transport;
}

static void free_closing(MnbWorker *worker)
{
    while (worker->closing != NULL) {
        MnbTransport *transport = worker->closing;
        worker->closing = transport->next_closing;
        mnb_transport_free(transport);
    }
}

/* ---- events to manabi ---- */

static void watch_control(MnbWorker *worker, bool for_writing)
{
    struct epoll_event event = {.events = EPOLLIN | (for_writing ? EPOLLOUT : 0),
                                .data.u32 = UINT32_MAX};
    epoll_ctl(worker->epoll_fd, EPOLL_CTL_MOD, worker->config.control_fd, &event);
    worker->outbox->is_watched = for_writing;
}

void mnb_worker_tell(MnbWorker *worker, MnbMediaType type, const void *body)
{
    MnbOutbox *outbox = worker->outbox;
    bool is_statistics = type == MNB_MEDIA_WORKER_STATS || type == MNB_MEDIA_TRANSPORT_STATS;
    if (worker->has_ended)
        return;
    if (outbox->n == 0) {
        int error = mnb_control_send(worker->config.control_fd, type, body, NULL, 0);
        if (error != -EAGAIN) {
            worker->has_ended = error < 0;
            return;
        }
    }
    if (is_statistics)
        return; /* the next ones are newer */
    if (outbox->n == OUTBOX_PLACES) {
        worker->has_ended = true; /* manabi reads no more: it is dead, or will start us anew */
        return;
    }
    unsigned place = (outbox->first + outbox->n++) % OUTBOX_PLACES;
    outbox->places[place].type = type;
    memcpy(outbox->places[place].body, body, mnb_control_body_size(type));
    if (!outbox->is_watched)
        watch_control(worker, true);
}

static void send_outbox(MnbWorker *worker)
{
    MnbOutbox *outbox = worker->outbox;
    while (outbox->n > 0) {
        int error = mnb_control_send(worker->config.control_fd, outbox->places[outbox->first].type,
                                     outbox->places[outbox->first].body, NULL, 0);
        if (error == -EAGAIN)
            return;
        if (error < 0) {
            worker->has_ended = true;
            return;
        }
        outbox->first = (outbox->first + 1) % OUTBOX_PLACES;
        outbox->n--;
    }
    watch_control(worker, false);
}

static void on_stats_timer(void *owner, int64_t now_us)
{
    MnbWorker *worker = owner;
    mnb_priority_tick(now_us);
    mnb_worker_tell(worker, MNB_MEDIA_WORKER_STATS, mnb_worker_stats(worker));
    mnb_wheel_arm(&worker->wheel, &worker->stats_timer, now_us + MNB_SECOND_US);
}

/* ---- commands ---- */

static MnbTransport *find_transport(MnbWorker *worker, uint32_t id)
{
    MnbTransport *transport = mnb_id_map_get(&worker->transports, id);
    return transport != NULL && transport->is_closing ? NULL : transport;
}

static int on_transport_open(MnbWorker *worker, const void *body, MnbControlMessage *message)
{
    (void)message;
    return mnb_transport_open(worker, body);
}

static int on_transport_remote(MnbWorker *worker, const void *body, MnbControlMessage *message)
{
    const MnbTransportRemote *remote = body;
    MnbTransport *transport = find_transport(worker, remote->transport);
    (void)message;
    if (transport != NULL)
        mnb_transport_set_remote(transport, remote);
    return 0;
}

static int on_transport_restart(MnbWorker *worker, const void *body, MnbControlMessage *message)
{
    const MnbTransportRestart *restart = body;
    MnbTransport *transport = find_transport(worker, restart->transport);
    (void)message;
    return transport == NULL ? 0 : mnb_transport_restart(transport, restart);
}

static int on_transport_close(MnbWorker *worker, const void *body, MnbControlMessage *message)
{
    MnbTransport *transport = find_transport(worker, ((const MnbMediaId *)body)->id);
    (void)message;
    if (transport != NULL)
        mnb_transport_close(transport);
    return 0;
}

static int on_track_add(MnbWorker *worker, const void *body, MnbControlMessage *message)
{
    (void)message;
    return mnb_track_add(worker, body);
}

static int on_track_remove(MnbWorker *worker, const void *body, MnbControlMessage *message)
{
    MnbTrack *track = mnb_id_map_get(&worker->tracks, ((const MnbMediaId *)body)->id);
    (void)message;
    if (track != NULL)
        mnb_track_free(track);
    return 0;
}

static int on_slot_add(MnbWorker *worker, const void *body, MnbControlMessage *message)
{
    (void)message;
    return mnb_slot_add(worker, body);
}

static int on_slot_bind(MnbWorker *worker, const void *body, MnbControlMessage *message)
{
    const MnbSlotBind *bind = body;
    MnbSlot *slot = mnb_id_map_get(&worker->slots, bind->slot);
    MnbTrack *track = bind->track == 0 ? NULL : mnb_id_map_get(&worker->tracks, bind->track);
    (void)message;
    return slot == NULL ? 0 : mnb_line_bind(slot, track, bind->rank, worker->now_us);
}

static int on_transport_limit(MnbWorker *worker, const void *body, MnbControlMessage *message)
{
    const MnbTransportLimit *limit = body;
    MnbTransport *transport = find_transport(worker, limit->transport);
    (void)message;
    if (transport != NULL)
        mnb_line_set_limit(transport, limit->limit_bps, worker->now_us);
    return 0;
}

static int on_key_frame(MnbWorker *worker, const void *body, MnbControlMessage *message)
{
    MnbTrack *track = mnb_id_map_get(&worker->tracks, ((const MnbMediaId *)body)->id);
    (void)message;
    if (track != NULL)
        mnb_track_request_key(track, worker->now_us);
    return 0;
}

static int on_track_aside(MnbWorker *worker, const void *body, MnbControlMessage *message)
{
    const MnbTrackAside *aside = body;
    MnbTrack *track = mnb_id_map_get(&worker->tracks, aside->track);
    (void)message;
    if (track != NULL)
        track->is_aside = aside->is_aside != 0;
    return 0;
}

static int on_tap_open(MnbWorker *worker, const void *body, MnbControlMessage *message)
{
    if (message->n_fds != 2)
        return -EINVAL;
    return mnb_tap_open(worker, ((const MnbMediaId *)body)->id, message->fds[0], message->fds[1]);
}

static int on_tap_track(MnbWorker *worker, const void *body, MnbControlMessage *message)
{
    const MnbTapTrack *command = body;
    MnbTap *tap = mnb_id_map_get(&worker->taps, command->tap);
    MnbTrack *track = mnb_id_map_get(&worker->tracks, command->track);
    (void)message;
    return tap == NULL || track == NULL ? 0 : mnb_tap_set_track(tap, track, command->is_on != 0);
}

static int on_tap_close(MnbWorker *worker, const void *body, MnbControlMessage *message)
{
    MnbTap *tap = mnb_id_map_get(&worker->taps, ((const MnbMediaId *)body)->id);
    (void)message;
    if (tap != NULL)
        mnb_tap_free(tap);
    return 0;
}

static int on_feed_open(MnbWorker *worker, const void *body, MnbControlMessage *message)
{
    if (message->n_fds != 2)
        return -EINVAL;
    return mnb_feed_open(worker, body, message->fds[0], message->fds[1]);
}

static int on_tcp_take(MnbWorker *worker, const void *body, MnbControlMessage *message)
{
    if (message->n_fds != 1)
        return -EINVAL;
    message->n_fds = 0;
    return mnb_tcp_take(worker->tcp, body, message->fds[0]);
}

/* Every command's struct begins with the id it is about. */
static int (*const commands[])(MnbWorker *worker, const void *body, MnbControlMessage *message) = {
    [MNB_MEDIA_TRANSPORT_OPEN] = on_transport_open,
    [MNB_MEDIA_TRANSPORT_REMOTE] = on_transport_remote,
    [MNB_MEDIA_TRANSPORT_RESTART] = on_transport_restart,
    [MNB_MEDIA_TRANSPORT_CLOSE] = on_transport_close,
    [MNB_MEDIA_TRACK_ADD] = on_track_add,
    [MNB_MEDIA_TRACK_REMOVE] = on_track_remove,
    [MNB_MEDIA_SLOT_ADD] = on_slot_add,
    [MNB_MEDIA_SLOT_BIND] = on_slot_bind,
    [MNB_MEDIA_KEY_FRAME] = on_key_frame,
    [MNB_MEDIA_TRACK_ASIDE] = on_track_aside,
    [MNB_MEDIA_TAP_OPEN] = on_tap_open,
    [MNB_MEDIA_TAP_TRACK] = on_tap_track,
    [MNB_MEDIA_TAP_CLOSE] = on_tap_close,
    [MNB_MEDIA_FEED_OPEN] = on_feed_open,
    [MNB_MEDIA_TCP_TAKE] = on_tcp_take,
    [MNB_MEDIA_TRANSPORT_LIMIT] = on_transport_limit,
};

static void refuse(MnbWorker *worker, const MnbControlMessage *message, int error)
{
    MnbMediaRefused body = {.type = message->type, .error = error};
    memcpy(&body.id, mnb_control_body(message), sizeof body.id);
    mnb_worker_tell(worker, MNB_MEDIA_REFUSED, &body);
}

static void read_commands(MnbWorker *worker)
{
    MnbControlMessage message;
    for (unsigned i = 0; i < CONTROL_BATCH && !worker->has_ended; i++) {
        int got = mnb_control_receive(worker->config.control_fd, &message);
        if (got == -EAGAIN)
            return;
        if (got == -EBADMSG)
            continue;
        if (got <= 0) {
            worker->has_ended = true;
            return;
        }
        size_t type = message.type;
        int error = -EINVAL;
        if (type < sizeof commands / sizeof commands[0] && commands[type] != NULL)
            error = commands[type](worker, mnb_control_body(&message), &message);
        /* About something that is gone: its end crossed the command on the way. */
        if (error < 0 && error != -ENOENT)
            refuse(worker, &message, error);
        for (unsigned j = 0; j < message.n_fds; j++)
            close(message.fds[j]);
    }
}

/* ---- datagrams ---- */

static void on_datagram(MnbWorker *worker, MnbArrival *arrival, uint8_t *data, size_t size)
{
    MnbDatagramKind kind = mnb_datagram_kind(data, size);
    if (kind == MNB_DATAGRAM_STUN) {
        mnb_ice_on_stun(worker, arrival, data, size);
        return;
    }
    MnbTuple *tuple = mnb_ice_find_tuple(worker, arrival);
    if (tuple == NULL || tuple->transport->is_closing) {
        worker->stats.dropped_unknown++;
        return;
    }
    switch (kind) {
    case MNB_DATAGRAM_RTP:
        mnb_transport_on_rtp(tuple, data, size, arrival->now_us);
        break;
    case MNB_DATAGRAM_RTCP:
        mnb_transport_on_rtcp(tuple, data, size, arrival->now_us);
        break;
    case MNB_DATAGRAM_DTLS:
        mnb_handshakes_put(worker, arrival, data, size);
        break;
    default:
        worker->stats.dropped_malformed++;
    }
}

static void read_socket(MnbWorker *worker, unsigned index)
{
    for (unsigned round = 0; round < READ_ROUNDS; round++) {
        int n = mnb_rx_read(worker, index, on_datagram);
        if (n == 0)
            return;
        mnb_tap_flush_all(worker); /* first: another worker may have receivers of it */
        mnb_fanout_run(worker, worker->now_us);
        mnb_tx_flush(worker->tx);
        if (n < MNB_RX_BATCH)
            return;
        look_at_clock(worker);
    }
}

/* ---- life ---- */

static void set_buffer(int fd, int force, int plain)
{
    int size = SOCKET_BUFFER_BYTES;
    if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof size) < 0)
        setsockopt(fd, SOL_SOCKET, plain, &size, sizeof size);
}

/* Returns whether the kernel gives UDP_GRO, or a negative errno. */
static int set_up_socket(MnbWorker *worker, unsigned index)
{
    int fd = worker->config.udp_fds[index];
    int on = 1;
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &size) < 0)
        return -errno;
    worker->sockets[index].fd = fd;
    if (name.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&name;
        worker->is_any[index] = v4->sin_addr.s_addr == INADDR_ANY;
        if (worker->is_any[index] && setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) < 0)
            return -errno;
    } else if (name.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&name;
        worker->is_any[index] = IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
        if (worker->is_any[index] &&
            setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) < 0)
            return -errno;
    } else {
        return -EAFNOSUPPORT;
    }
    if (name.ss_family == AF_INET) {
        /* "Do not fragment" spares the kernel a number for each packet. tx.c takes it back when a
         * path is too narrow. */
        int discover = IP_PMTUDISC_DO;
        setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof discover);
    }
    set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
    set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
    if (epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return -errno;
    return setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on) == 0;
}

static int set_up(MnbWorker *worker)
{
    bool has_gro = false;
    worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (worker->epoll_fd < 0)
        return -errno;
    for (unsigned i = 0; i < worker->config.n_udp_fds; i++) {
        int got = set_up_socket(worker, i);
        if (got < 0)
            return got;
        has_gro |= got > 0;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    if (epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, worker->config.control_fd, &event) < 0)
        return -errno;
    if (getrandom(worker->secret, sizeof worker->secret, 0) != sizeof worker->secret)
        return -EIO;
    worker->rx = mnb_rx_new(has_gro);
    worker->tx = mnb_tx_new();
    worker->handshakes = mnb_handshakes_new();
    worker->outbox = calloc(1, sizeof *worker->outbox);
    worker->dtls_context = mnb_dtls_context_new();
    mnb_srtp_backend_best(); /* looks at the CPU: before the sandbox */
    if (worker->rx == NULL || worker->handshakes == NULL || worker->tx == NULL ||
        worker->outbox == NULL || worker->dtls_context == NULL)
        return -ENOMEM;
    mnb_tx_set_clock(worker->tx, worker->config.now_us, worker->config.now_owner);
    int error = mnb_slab_init(&worker->slabs[0], MNB_PACKET_PIECE_SMALL, SMALL_SLAB_BYTES);
    if (error == 0)
        error = mnb_slab_init(&worker->slabs[1], MNB_PACKET_PIECE_LARGE, LARGE_SLAB_BYTES);
    if (error == 0)
        worker->tcp = mnb_tcp_new(worker, on_datagram, &error);
    return error;
}

MnbWorker *mnb_worker_new(const MnbWorkerConfig *config, int *error_out)
{
    assert(config->n_udp_fds >= 1 && config->n_udp_fds <= MNB_WORKER_SOCKETS_MAX);
    MnbWorker *worker = calloc(1, sizeof *worker);
    if (worker == NULL) {
        *error_out = -ENOMEM;
        return NULL;
    }
    worker->config = *config;
    worker->epoll_fd = -1;
    if (worker->config.now_us == NULL)
        worker->config.now_us = read_clock;
    worker->now_us = now_of(worker);
    mnb_wheel_init(&worker->wheel, worker->now_us);
    worker->stats_timer.on_due = on_stats_timer;
    worker->catch_timer.on_due = mnb_slot_on_catch_timer;
    worker->stats_timer.owner = worker->catch_timer.owner = worker;
    int error = set_up(worker);
    if (error < 0) {
        mnb_worker_free(worker);
        *error_out = error;
        return NULL;
    }
    MnbMediaReady ready = {.version = MNB_MEDIA_VERSION, .pid = (uint32_t)getpid()};
    memcpy(ready.fingerprint, mnb_dtls_context_fingerprint(worker->dtls_context),
           sizeof ready.fingerprint);
    mnb_worker_tell(worker, MNB_MEDIA_READY, &ready);
    mnb_wheel_arm(&worker->wheel, &worker->stats_timer, worker->now_us + MNB_SECOND_US);
    return worker;
}

void mnb_worker_free(MnbWorker *worker)
{
    if (worker == NULL)
        return;
    size_t place = 0;
    void *item;
    while ((item = mnb_id_map_next(&worker->taps, &place)) != NULL) {
        mnb_tap_free(item);
        place = 0;
    }
    place = 0;
    while ((item = mnb_id_map_next(&worker->transports, &place)) != NULL) {
        mnb_transport_free(item);
        place = 0;
    }
    mnb_tcp_free(worker->tcp);
    MnbIdMap *maps[] = {&worker->rooms, &worker->transports, &worker->tracks, &worker->slots,
                        &worker->taps,  &worker->ufrags,     &worker->flows};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
        mnb_id_map_clear(maps[i]);
    mnb_dtls_context_free(worker->dtls_context);
    mnb_slab_clear(&worker->slabs[0]);
    mnb_slab_clear(&worker->slabs[1]);
    mnb_rx_free(worker->rx);
    free(worker->handshakes);
    mnb_tx_free(worker->tx);
    free(worker->outbox);
    if (worker->epoll_fd >= 0)
        close(worker->epoll_fd);
    free(worker);
}

/* ---- the loop ---- */

static int64_t earlier(int64_t a_us, int64_t b_us)
{
    if (a_us < 0 || b_us < 0)
        return a_us < 0 ? b_us : a_us;
    return a_us < b_us ? a_us : b_us;
}

static int wait_for_events(MnbWorker *worker, struct epoll_event *events, int cap, int wait_ms)
{
    int64_t now_us = now_of(worker);
    int wheel_ms = mnb_wheel_wait_ms(&worker->wheel, now_us);
    int64_t wait_us = wait_ms < 0 ? -1 : (int64_t)wait_ms * 1000;
    if (wheel_ms >= 0)
        wait_us = earlier(wait_us, wheel_ms == 0 ? 0 : (int64_t)wheel_ms * 1000 - now_us % 1000);
    wait_us = earlier(wait_us, mnb_fanout_wait_us(worker, now_us));
    if (mnb_handshakes_wait(worker))
        wait_us = 0;
    struct timespec wait = {wait_us / MNB_SECOND_US, wait_us % MNB_SECOND_US * 1000};
    int n = epoll_pwait2(worker->epoll_fd, events, cap, wait_us < 0 ? NULL : &wait, NULL);
    if (n < 0 && errno == ENOSYS)
        n = epoll_wait(worker->epoll_fd, events, cap,
                       wait_us < 0 ? -1 : (int)((wait_us + 999) / 1000));
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    return n;
}

int mnb_worker_step(MnbWorker *worker, int wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int n = wait_for_events(worker, events, EVENTS_MAX, wait_ms);
    if (n < 0)
        return n;
    look_at_clock(worker);
    for (int i = 0; i < n; i++) {
        if (events[i].data.u32 != UINT32_MAX)
            continue;
        if ((events[i].events & EPOLLOUT) != 0)
            send_outbox(worker);
        if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
            read_commands(worker);
    }
    for (int i = 0; i < n; i++)
        if (events[i].data.u32 < worker->config.n_udp_fds)
            read_socket(worker, events[i].data.u32);
    for (int i = 0; i < n; i++)
        if (events[i].data.u32 >= MNB_FEED_EVENTS && events[i].data.u32 < MNB_TCP_EVENTS)
            mnb_feed_on_event(worker, events[i].data.u32);
    for (int i = 0; i < n; i++)
        if (events[i].data.u32 >= MNB_TCP_EVENTS && events[i].data.u32 != UINT32_MAX)
            mnb_tcp_on_event(worker->tcp, events[i].data.u32, events[i].events);
    mnb_wheel_advance(&worker->wheel, worker->now_us);
    mnb_fanout_run(worker, worker->now_us);
    mnb_tap_flush_all(worker);
    if (mnb_handshakes_wait(worker)) {
        mnb_tx_flush(worker->tx); /* media first */
        mnb_handshakes_run(worker);
    }
    free_closing(worker);
    mnb_tx_flush(worker->tx);
    return worker->has_ended ? 0 : 1;
}

int mnb_worker_run(MnbWorker *worker)
{
    int going;
    while ((going = mnb_worker_step(worker, -1)) > 0)
        ;
    return going;
}

const MnbWorkerStats *mnb_worker_stats(MnbWorker *worker)
{
    struct rusage usage;
    const MnbTxCounters *sent = mnb_tx_counters(worker->tx);
    worker->stats.sends = sent->sends;
    worker->stats.stalled_us = sent->stalled_us;
    worker->stats.tcp = mnb_tcp_count(worker->tcp);
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        worker->stats.cpu_us =
            (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
            (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    return &worker->stats;
}

MnbTx *mnb_worker_tx(MnbWorker *worker)
{
    return worker->tx;
}
