#include "pipelines/manager/media-worker.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pipelines/manager/child.h"
#include "pipelines/manager/media-worker-private.h"
#include "server/base/error.h"
#include "server/base/log.h"

#define SILENCE_US        (2 * G_USEC_PER_SEC)  /* statistics come every second */
#define READY_US          (10 * G_USEC_PER_SEC) /* from start to READY */
#define MESSAGES_A_TURN   64                    /* then the other sources have theirs */
#define RETRY_S           60                    /* after it ended too often */
#define TAP_FDS           2
#define STATS_INTERVAL_US G_USEC_PER_SEC

/* A command that waits for room in the socket. */
typedef struct {
    guint8 bytes[MNB_MEDIA_MESSAGE_MAX];
    guint16 size;
    guint8 n_fds;
    int fds[TAP_FDS]; /* owned */
} Waiting;

struct MnbMediaWorker {
    MnbMediaPool *pool;
    guint index;
    const char *program;
    gboolean has_sandbox;
    MnbMediaPorts ports;
    MnbMediaAddress addresses[MNB_MEDIA_ADDRESSES_MAX];
    guint n_addresses;

    MnbChild *child;
    int control_fd; /* our end; -1 while it is down */
    int their_fd;   /* the worker's end, until it has it */
    guint in_source;
    guint out_source;
    GQueue *queue; /* Waiting */
    int passed_fd; /* came with the message that is being taken; -1: none did */
    gboolean is_ready;
    gboolean was_ready; /* once: the next READY is a restart */
    gboolean is_stopping;
    gboolean is_suspect; /* silent at the last check */
    gint64 started_us;
    gint64 heard_us;
    guint retry_timer;
    guint restarts;
    guint picks;
    guint cpu_permille; /* of the last second */
    MnbWorkerStats stats;
    char fingerprint[MNB_FINGERPRINT_TEXT_MAX];
};

/* ---------------------------------------------------------------- commands */

static void free_waiting(gpointer data)
{
    Waiting *waiting = data;
    for (guint i = 0; i < waiting->n_fds; i++)
        close(waiting->fds[i]);
    g_free(waiting);
}

static void close_control(MnbMediaWorker *worker)
{
    if (worker->in_source != 0)
        g_source_remove(worker->in_source);
    if (worker->out_source != 0)
        g_source_remove(worker->out_source);
    worker->in_source = worker->out_source = 0;
    if (worker->control_fd >= 0)
        close(worker->control_fd);
    if (worker->their_fd >= 0)
        close(worker->their_fd);
    worker->control_fd = worker->their_fd = -1;
    g_queue_clear_full(worker->queue, free_waiting);
    worker->is_ready = FALSE;
}

/* Returns 0, or a negative errno; -EAGAIN: the socket is full. */
static int send_now(MnbMediaWorker *worker, const void *bytes, gsize size, const int *fds,
                    guint n_fds)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * TAP_FDS)];
    } control;
    struct iovec part = {(void *)bytes, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (n_fds > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(CMSG_DATA(head), fds, sizeof(int) * n_fds);
    }
    ssize_t sent;
    do {
        sent = sendmsg(worker->control_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return 0;
    return errno == EWOULDBLOCK || errno == ENOBUFS ? -EAGAIN : -errno;
}

static gboolean on_control_writable(gint fd, GIOCondition condition, gpointer data)
{
    MnbMediaWorker *worker = data;
    Waiting *waiting;
    while ((waiting = g_queue_peek_head(worker->queue)) != NULL) {
        int error = send_now(worker, waiting->bytes, waiting->size, waiting->fds, waiting->n_fds);
        if (error == -EAGAIN)
            return G_SOURCE_CONTINUE;
        free_waiting(
            g_queue_pop_head(worker->queue)); /* other errors: it is dying, on_ended tells */
    }
    worker->out_source = 0;
    return G_SOURCE_REMOVE;
}

static gboolean enqueue(MnbMediaWorker *worker, const void *bytes, gsize size, const int *fds,
                        guint n_fds)
{
    if (g_queue_get_length(worker->queue) >= MNB_MEDIA_QUEUE_MAX) {
        MNB_LOG_ERROR("a media worker does not read its commands and is killed", "worker=%u",
                      worker->index);
        close_control(worker);
        mnb_child_kill(worker->child);
        return FALSE;
    }
    Waiting *waiting = g_new0(Waiting, 1);
    memcpy(waiting->bytes, bytes, size);
    waiting->size = (guint16)size;
    for (guint i = 0; i < n_fds; i++) {
        int copy = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
        if (copy < 0) {
            free_waiting(waiting);
            return FALSE;
        }
        waiting->fds[waiting->n_fds++] = copy;
    }
    g_queue_push_tail(worker->queue, waiting);
    if (worker->out_source == 0)
        worker->out_source =
            g_unix_fd_add(worker->control_fd, G_IO_OUT, on_control_writable, worker);
    return TRUE;
}

static gboolean send_command(MnbMediaWorker *worker, MnbMediaType type, const void *body,
                             gsize body_size, const int *fds, guint n_fds)
{
    guint8 bytes[MNB_MEDIA_MESSAGE_MAX];
    const MnbMediaHead head = {(guint16)type, (guint16)(sizeof head + body_size), 0};
    g_return_val_if_fail(head.size <= sizeof bytes, FALSE);
    if (!worker->is_ready)
        return FALSE;
    memcpy(bytes, &head, sizeof head);
    memcpy(bytes + sizeof head, body, body_size);
    if (g_queue_is_empty(worker->queue)) {
        int error = send_now(worker, bytes, head.size, fds, n_fds);
        if (error != -EAGAIN)
            return error == 0;
    }
    return enqueue(worker, bytes, head.size, fds, n_fds);
}

static gboolean send_id(MnbMediaWorker *worker, MnbMediaType type, guint32 id)
{
    const MnbMediaId body = {id, 0};
    return send_command(worker, type, &body, sizeof body, NULL, 0);
}

gboolean mnb_media_worker_transport_open(MnbMediaWorker *worker, const MnbTransportOpen *open)
{
    return send_command(worker, MNB_MEDIA_TRANSPORT_OPEN, open, sizeof *open, NULL, 0);
}

gboolean mnb_media_worker_transport_remote(MnbMediaWorker *worker, const MnbTransportRemote *remote)
{
    return send_command(worker, MNB_MEDIA_TRANSPORT_REMOTE, remote, sizeof *remote, NULL, 0);
}

gboolean mnb_media_worker_transport_restart(MnbMediaWorker *worker,
                                            const MnbTransportRestart *restart)
{
    return send_command(worker, MNB_MEDIA_TRANSPORT_RESTART, restart, sizeof *restart, NULL, 0);
}

gboolean mnb_media_worker_transport_close(MnbMediaWorker *worker, guint32 transport)
{
    return send_id(worker, MNB_MEDIA_TRANSPORT_CLOSE, transport);
}

gboolean mnb_media_worker_track_add(MnbMediaWorker *worker, const MnbTrackAdd *track)
{
    return send_command(worker, MNB_MEDIA_TRACK_ADD, track, sizeof *track, NULL, 0);
}

gboolean mnb_media_worker_track_remove(MnbMediaWorker *worker, guint32 track)
{
    return send_id(worker, MNB_MEDIA_TRACK_REMOVE, track);
}

gboolean mnb_media_worker_slot_add(MnbMediaWorker *worker, const MnbSlotAdd *slot)
{
    return send_command(worker, MNB_MEDIA_SLOT_ADD, slot, sizeof *slot, NULL, 0);
}

gboolean mnb_media_worker_slot_bind(MnbMediaWorker *worker, guint32 slot, guint32 track, guint rank)
{
    const MnbSlotBind body = {.slot = slot, .track = track, .rank = rank};
    return send_command(worker, MNB_MEDIA_SLOT_BIND, &body, sizeof body, NULL, 0);
}

gboolean mnb_media_worker_transport_limit(MnbMediaWorker *worker, guint32 transport,
                                          guint32 limit_bps)
{
    const MnbTransportLimit body = {transport, limit_bps};
    return send_command(worker, MNB_MEDIA_TRANSPORT_LIMIT, &body, sizeof body, NULL, 0);
}

gboolean mnb_media_worker_track_aside(MnbMediaWorker *worker, guint32 track, gboolean is_aside)
{
    const MnbTrackAside body = {track, is_aside ? 1 : 0};
    return send_command(worker, MNB_MEDIA_TRACK_ASIDE, &body, sizeof body, NULL, 0);
}

gboolean mnb_media_worker_key_frame(MnbMediaWorker *worker, guint32 track)
{
    return send_id(worker, MNB_MEDIA_KEY_FRAME, track);
}

gboolean mnb_media_worker_tap_open(MnbMediaWorker *worker, guint32 tap, int memfd, int eventfd)
{
    const MnbMediaId body = {tap, 0};
    const int fds[TAP_FDS] = {memfd, eventfd};
    return send_command(worker, MNB_MEDIA_TAP_OPEN, &body, sizeof body, fds, TAP_FDS);
}

gboolean mnb_media_worker_feed_open(MnbMediaWorker *worker, const MnbFeedOpen *feed, int memfd,
                                    int eventfd)
{
    const int fds[TAP_FDS] = {memfd, eventfd};
    return send_command(worker, MNB_MEDIA_FEED_OPEN, feed, sizeof *feed, fds, TAP_FDS);
}

gboolean mnb_media_worker_tap_track(MnbMediaWorker *worker, guint32 tap, guint32 track,
                                    gboolean is_on)
{
    const MnbTapTrack body = {tap, track, is_on ? 1 : 0};
    return send_command(worker, MNB_MEDIA_TAP_TRACK, &body, sizeof body, NULL, 0);
}

gboolean mnb_media_worker_tap_close(MnbMediaWorker *worker, guint32 tap)
{
    return send_id(worker, MNB_MEDIA_TAP_CLOSE, tap);
}

void mnb_media_worker_take(MnbMediaWorker *worker, const MnbTcpPass *pass, int fd)
{
    send_command(worker, MNB_MEDIA_TCP_TAKE, pass, sizeof *pass, &fd, 1);
}

/* ---------------------------------------------------------------- events */

static void tell_transport_state(const MnbMediaEvents *events, MnbMediaWorker *worker,
                                 const void *message, gpointer data)
{
    if (events->transport_state != NULL)
        events->transport_state(worker, message, data);
}

static void tell_track_state(const MnbMediaEvents *events, MnbMediaWorker *worker,
                             const void *message, gpointer data)
{
    if (events->track_state != NULL)
        events->track_state(worker, message, data);
}

static void tell_speaker(const MnbMediaEvents *events, MnbMediaWorker *worker, const void *message,
                         gpointer data)
{
    if (events->speaker != NULL)
        events->speaker(worker, message, data);
}

static void tell_refused(const MnbMediaEvents *events, MnbMediaWorker *worker, const void *message,
                         gpointer data)
{
    if (events->refused != NULL)
        events->refused(worker, message, data);
}

static void tell_transport_stats(const MnbMediaEvents *events, MnbMediaWorker *worker,
                                 const void *message, gpointer data)
{
    if (events->transport_stats != NULL)
        events->transport_stats(worker, message, data);
}

static void tell_slot_state(const MnbMediaEvents *events, MnbMediaWorker *worker,
                            const void *message, gpointer data)
{
    if (events->slot_state != NULL)
        events->slot_state(worker, message, data);
}

static void tell_feed_key(const MnbMediaEvents *events, MnbMediaWorker *worker, const void *message,
                          gpointer data)
{
    if (events->feed_key != NULL)
        events->feed_key(worker, message, data);
}

static void tell_gone(const MnbMediaEvents *events, MnbMediaWorker *worker, const void *message,
                      gpointer data)
{
    if (events->gone != NULL)
        events->gone(worker, data);
}

static void tell_restarted(const MnbMediaEvents *events, MnbMediaWorker *worker,
                           const void *message, gpointer data)
{
    if (events->restarted != NULL)
        events->restarted(worker, data);
}

static void write_fingerprint(char text[MNB_FINGERPRINT_TEXT_MAX],
                              const guint8 bytes[MNB_FINGERPRINT_BYTES])
{
    for (guint i = 0; i < MNB_FINGERPRINT_BYTES; i++)
        g_snprintf(text + i * 3, 4, "%02X%s", bytes[i], i + 1 < MNB_FINGERPRINT_BYTES ? ":" : "");
}

static void on_ready(MnbMediaWorker *worker, const void *message)
{
    const MnbMediaReady *ready = message;
    if (ready->version != MNB_MEDIA_VERSION) {
        MNB_LOG_ERROR("manabi-media is of another version: install both from one build",
                      "worker=%u theirs=%u ours=%u", worker->index, ready->version,
                      MNB_MEDIA_VERSION);
        mnb_child_kill(worker->child);
        return;
    }
    gboolean is_restart = worker->was_ready;
    write_fingerprint(worker->fingerprint, ready->fingerprint);
    worker->is_ready = worker->was_ready = TRUE;
    MNB_LOG_INFO("media worker ready", "worker=%u pid=%d port=%u start_ms=%d", worker->index,
                 mnb_child_pid(worker->child), worker->addresses[0].port,
                 (int)((g_get_monotonic_time() - worker->started_us) / 1000));
    if (is_restart) {
        worker->restarts++;
        mnb_media_pool_tell(worker->pool, tell_restarted, worker, NULL);
    }
}

static void on_worker_stats(MnbMediaWorker *worker, const void *message)
{
    const MnbWorkerStats *stats = message;
    if (stats->cpu_us >= worker->stats.cpu_us)
        worker->cpu_permille =
            (guint)((stats->cpu_us - worker->stats.cpu_us) * 1000 / STATS_INTERVAL_US);
    worker->stats = *stats;
}

static void on_pass(MnbMediaWorker *worker, const void *message)
{
    if (worker->passed_fd >= 0)
        mnb_media_pool_pass(worker->pool, message, worker->passed_fd);
}

static const struct {
    guint16 type;
    guint16 size; /* of the body */
    void (*take)(MnbMediaWorker *worker, const void *message);
    MnbMediaTell tell;
} events_table[] = {
    {MNB_MEDIA_READY, sizeof(MnbMediaReady), on_ready, NULL},
    {MNB_MEDIA_TRANSPORT_STATE, sizeof(MnbTransportState), NULL, tell_transport_state},
    {MNB_MEDIA_TRACK_STATE, sizeof(MnbTrackState), NULL, tell_track_state},
    {MNB_MEDIA_SPEAKER, sizeof(MnbSpeaker), NULL, tell_speaker},
    {MNB_MEDIA_REFUSED, sizeof(MnbMediaRefused), NULL, tell_refused},
    {MNB_MEDIA_WORKER_STATS, sizeof(MnbWorkerStats), on_worker_stats, NULL},
    {MNB_MEDIA_TRANSPORT_STATS, sizeof(MnbTransportStats), NULL, tell_transport_stats},
    {MNB_MEDIA_SLOT_STATE, sizeof(MnbSlotState), NULL, tell_slot_state},
    {MNB_MEDIA_FEED_KEY, sizeof(MnbMediaId), NULL, tell_feed_key},
    {MNB_MEDIA_TCP_PASS, sizeof(MnbTcpPass), on_pass, NULL},
};

/* Returns FALSE for a message that no worker of ours sends. */
static gboolean take_message(MnbMediaWorker *worker, const guint8 *bytes, gsize size)
{
    /* A copy that is aligned for every struct of control.h. */
    union {
        guint64 align;
        guint8 bytes[MNB_MEDIA_MESSAGE_MAX];
    } body;
    MnbMediaHead head;
    if (size < sizeof head)
        return FALSE;
    memcpy(&head, bytes, sizeof head);
    if (head.size != size)
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(events_table); i++) {
        if (events_table[i].type != head.type)
            continue;
        if (events_table[i].size != size - sizeof head)
            return FALSE;
        memcpy(body.bytes, bytes + sizeof head, size - sizeof head);
        worker->heard_us = g_get_monotonic_time();
        worker->is_suspect = FALSE;
        if (events_table[i].take != NULL)
            events_table[i].take(worker, body.bytes);
        else if (worker->is_ready)
            mnb_media_pool_tell(worker->pool, events_table[i].tell, worker, body.bytes);
        return TRUE;
    }
    return FALSE;
}

/* As recv(). @fd_out: a descriptor that came with it (owned), else -1; there is at most one. */
static ssize_t receive(int fd, void *bytes, gsize size, int *fd_out)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {bytes, size};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
    struct cmsghdr *head = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (head != NULL && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len >= CMSG_LEN(sizeof(int)))
        memcpy(fd_out, CMSG_DATA(head), sizeof *fd_out);
    return got;
}

static gboolean on_control_readable(gint fd, GIOCondition condition, gpointer data)
{
    MnbMediaWorker *worker = data;
    guint8 bytes[MNB_MEDIA_MESSAGE_MAX];
    for (int i = 0; i < MESSAGES_A_TURN; i++) {
        int passed = -1;
        ssize_t got = receive(fd, bytes, sizeof bytes, &passed);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return G_SOURCE_CONTINUE;
        if (got <= 0) { /* it closed the socket: it ends, and on_ended comes */
            worker->in_source = 0;
            return G_SOURCE_REMOVE;
        }
        worker->passed_fd = passed;
        gboolean is_good = (gsize)got <= sizeof bytes && take_message(worker, bytes, (gsize)got);
        worker->passed_fd = -1;
        if (passed >= 0)
            close(passed);
        if (!is_good) {
            MNB_LOG_ERROR("a media worker sent nonsense and is killed", "worker=%u bytes=%zd",
                          worker->index, got);
            worker->in_source = 0;
            mnb_child_kill(worker->child);
            return G_SOURCE_REMOVE;
        }
        if (worker->in_source == 0) /* a callback closed it */
            return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

/* ---------------------------------------------------------------- the process */

static void launch_fd(MnbChildLaunch *launch, const char *option, int fd)
{
    mnb_child_launch_arg(launch, option);
    mnb_child_launch_arg_number(launch, mnb_child_launch_fd(launch, fd));
}

static gboolean prepare(MnbChild *child, MnbChildLaunch *launch, gpointer data, GError **error)
{
    MnbMediaWorker *worker = data;
    int ends[2];
    close_control(worker);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return mnb_error_from_errno(error, -errno, "control socket of media worker %u",
                                    worker->index);
    worker->control_fd = ends[0];
    worker->their_fd = ends[1];
    mnb_child_launch_arg(launch, worker->program);
    mnb_child_launch_arg(launch, "--control-fd");
    mnb_child_launch_arg_number(launch, mnb_child_launch_fd(launch, ends[1]));
    for (guint i = 0; i < worker->ports.n_udp; i++)
        launch_fd(launch, "--udp-fd", worker->ports.udp[i]);
    for (guint i = 0; i < worker->ports.n_tcp; i++)
        launch_fd(launch, "--tcp-fd", worker->ports.tcp[i]);
    if (worker->ports.door >= 0)
        launch_fd(launch, "--tcp-fd", worker->ports.door);
    mnb_child_launch_arg(launch, "--index");
    mnb_child_launch_arg_number(launch, (int)worker->index);
    if (!worker->has_sandbox)
        mnb_child_launch_arg(launch, "--no-sandbox");
    return TRUE;
}

static void on_started(MnbChild *child, gpointer data)
{
    MnbMediaWorker *worker = data;
    close(worker->their_fd); /* so that we read its end when it dies */
    worker->their_fd = -1;
    worker->started_us = worker->heard_us = g_get_monotonic_time();
    worker->is_suspect = FALSE;
    worker->in_source =
        g_unix_fd_add(worker->control_fd, G_IO_IN | G_IO_HUP, on_control_readable, worker);
}

static void on_ended(MnbChild *child, int exit_code, int signal_number, gboolean will_restart,
                     gpointer data)
{
    MnbMediaWorker *worker = data;
    gboolean was_up = worker->is_ready;
    close_control(worker);
    memset(&worker->stats, 0, sizeof worker->stats);
    worker->cpu_permille = 0;
    if (was_up && !worker->is_stopping)
        mnb_media_pool_tell(worker->pool, tell_gone, worker, NULL);
}

static gboolean on_retry(gpointer data)
{
    MnbMediaWorker *worker = data;
    worker->retry_timer = 0;
    mnb_child_start(worker->child, NULL);
    return G_SOURCE_REMOVE;
}

static void on_alarm(MnbChild *child, gpointer data)
{
    MnbMediaWorker *worker = data;
    MNB_LOG_ERROR("a media worker is down: sessions use the others, or have no media",
                  "worker=%u retry_s=%d", worker->index, RETRY_S);
    worker->retry_timer = g_timeout_add_seconds(RETRY_S, on_retry, worker);
}

static const MnbChildCalls child_calls = {
    .prepare = prepare, .on_started = on_started, .on_ended = on_ended, .on_alarm = on_alarm};

MnbMediaWorker *mnb_media_worker_new(MnbMediaPool *pool, guint index, const char *program,
                                     gboolean has_sandbox, const MnbMediaPorts *ports,
                                     const MnbMediaAddress *addresses, guint n_addresses)
{
    MnbMediaWorker *worker = g_new0(MnbMediaWorker, 1);
    g_autofree char *name = g_strdup_printf("media-%u", index);
    worker->pool = pool;
    worker->index = index;
    worker->program = program;
    worker->has_sandbox = has_sandbox;
    worker->ports = *ports;
    memcpy(worker->addresses, addresses, sizeof *addresses * n_addresses);
    worker->n_addresses = n_addresses;
    worker->control_fd = worker->their_fd = worker->passed_fd = -1;
    worker->queue = g_queue_new();
    worker->child = mnb_child_new(
        &(MnbChildOptions){.name = name, .is_kept = TRUE, .stop_ms = 1500}, &child_calls, worker);
    return worker;
}

void mnb_media_worker_free(MnbMediaWorker *worker)
{
    if (worker == NULL)
        return;
    mnb_child_free(worker->child);
    close_control(worker);
    g_queue_free(worker->queue);
    if (worker->retry_timer != 0)
        g_source_remove(worker->retry_timer);
    mnb_media_ports_close(&worker->ports);
    g_free(worker);
}

gboolean mnb_media_worker_start(MnbMediaWorker *worker, GError **error)
{
    return mnb_child_start(worker->child, error);
}

void mnb_media_worker_stop(MnbMediaWorker *worker)
{
    worker->is_stopping = TRUE;
    close_control(worker);
    mnb_child_stop(worker->child);
}

/* Two checks in a row, so that a turn of our own loop that took long is not held against it. */
void mnb_media_worker_check(MnbMediaWorker *worker, gint64 now_us)
{
    if (mnb_child_pid(worker->child) == 0 || worker->is_stopping)
        return;
    gint64 limit_us = worker->is_ready ? SILENCE_US : READY_US;
    gboolean is_silent = now_us - worker->heard_us > limit_us;
    if (is_silent && worker->is_suspect) {
        MNB_LOG_ERROR("a media worker says nothing and is killed", "worker=%u silent_ms=%d",
                      worker->index, (int)((now_us - worker->heard_us) / 1000));
        mnb_child_kill(worker->child);
    }
    worker->is_suspect = is_silent;
}

guint64 mnb_media_worker_load(const MnbMediaWorker *worker)
{
    /* Processor time in steps of 5 %, so that noise does not decide; then connections; then turns.
     */
    guint64 cpu = MIN(worker->cpu_permille / 50, 255u);
    guint64 transports = MIN(worker->stats.transports, 0xffffffu);
    return cpu << 56 | transports << 32 | worker->picks;
}

void mnb_media_worker_count_pick(MnbMediaWorker *worker)
{
    worker->picks++;
}

guint mnb_media_worker_restarts(const MnbMediaWorker *worker)
{
    return worker->restarts;
}

guint mnb_media_worker_cpu_permille(const MnbMediaWorker *worker)
{
    return worker->cpu_permille;
}

gboolean mnb_media_worker_is_ready(const MnbMediaWorker *worker)
{
    return worker->is_ready;
}

guint mnb_media_worker_index(const MnbMediaWorker *worker)
{
    return worker->index;
}

GPid mnb_media_worker_pid(const MnbMediaWorker *worker)
{
    return mnb_child_pid(worker->child);
}

const char *mnb_media_worker_fingerprint(const MnbMediaWorker *worker)
{
    return worker->is_ready ? worker->fingerprint : NULL;
}

const MnbMediaAddress *mnb_media_worker_addresses(const MnbMediaWorker *worker, guint *n_out)
{
    *n_out = worker->n_addresses;
    return worker->addresses;
}

void mnb_media_worker_tag(const MnbMediaWorker *worker, char *ufrag)
{
    mnb_ufrag_tag(ufrag, worker->index);
}

const MnbWorkerStats *mnb_media_worker_stats(const MnbMediaWorker *worker)
{
    return &worker->stats;
}

guint32 mnb_media_worker_new_id(MnbMediaWorker *worker)
{
    return mnb_media_pool_new_id(worker->pool);
}
