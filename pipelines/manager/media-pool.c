#include "pipelines/manager/media-pool.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "pipelines/manager/media-worker-private.h"
#include "server/base/error.h"
#include "server/base/log.h"

#define WORKERS_MAX  64
#define STOP_MS      2000
#define DOOR_BACKLOG 1024
#define CHECK_MS     250
#define POLL_MS      20 /* while the workers end */

typedef struct {
    guint id; /* 0: gone, to be taken out */
    const MnbMediaEvents *events;
    gpointer data;
} Listener;

struct MnbMediaPool {
    char *program;
    int door; /* -1: none */
    char *door_path;
    GPtrArray *workers; /* MnbMediaWorker */
    GArray *listeners;  /* Listener */
    guint telling;      /* depth of mnb_media_pool_tell() */
    guint last_listener;
    guint32 last_id;
    guint check_timer;
    guint stop_timer;
    gint64 stop_until_us;
    void (*on_stopped)(gpointer data);
    gpointer stopped_data;
};

static MnbMediaWorker *make_worker(MnbMediaPool *pool, const MnbMediaPoolOptions *options,
                                   guint index, GError **error)
{
    MnbMediaPorts ports;
    MnbMediaAddress addresses[MNB_MEDIA_ADDRESSES_MAX];
    guint wanted = options->port != 0 ? options->port + index : 0;
    guint16 port = 0;
    if (wanted > 65535) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "[media] port: the ports of the workers would end above 65535");
        return NULL;
    }
    if (!mnb_media_ports_bind((guint16)wanted, options->has_tcp, &ports, &port, error))
        return NULL;
    int n_addresses =
        mnb_udp_ports_addresses(options->announce, index, port, ports.n_udp > 1, addresses, error);
    if (n_addresses < 0) {
        mnb_media_ports_close(&ports);
        return NULL;
    }
    ports.door = pool->door;
    guint n =
        mnb_tcp_ports_addresses(addresses, (guint)n_addresses, options->has_tcp,
                                pool->door >= 0 ? options->door_port : 0, options->door_address);
    return mnb_media_worker_new(pool, index, pool->program, options->has_sandbox, &ports, addresses,
                                n);
}

/* The socket to which the front door brings what is not TLS. */
static gboolean open_door(MnbMediaPool *pool, const char *path, GError **error)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof name.sun_path) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "%s is too long for a socket", path);
        return FALSE;
    }
    g_strlcpy(name.sun_path, path, sizeof name.sun_path);
    unlink(path);
    pool->door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (pool->door < 0 || bind(pool->door, (struct sockaddr *)&name, sizeof name) < 0 ||
        chmod(path, 0600) < 0 || listen(pool->door, DOOR_BACKLOG) < 0)
        return mnb_error_from_errno(error, -errno, "%s", path);
    pool->door_path = g_strdup(path);
    return TRUE;
}

gboolean mnb_media_pool_can_sandbox(void)
{
    /* What libseccomp asks before it makes the worker's filter. */
    guint32 action = SECCOMP_RET_KILL_PROCESS;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

MnbMediaPool *mnb_media_pool_new(const MnbMediaPoolOptions *options, GError **error)
{
    guint n = options->workers != 0 ? options->workers : g_get_num_processors();
    MnbMediaPool *pool = g_new0(MnbMediaPool, 1);
    pool->program = g_strdup(options->program);
    pool->workers = g_ptr_array_new_with_free_func((GDestroyNotify)mnb_media_worker_free);
    pool->listeners = g_array_new(FALSE, TRUE, sizeof(Listener));
    pool->door = -1;
    if (options->door_path != NULL && !open_door(pool, options->door_path, error)) {
        mnb_media_pool_free(pool);
        return NULL;
    }
    for (guint i = 0; i < MIN(n, WORKERS_MAX); i++) {
        MnbMediaWorker *worker = make_worker(pool, options, i, error);
        if (worker == NULL) {
            mnb_media_pool_free(pool);
            return NULL;
        }
        g_ptr_array_add(pool->workers, worker);
    }
    return pool;
}

static gboolean on_check(gpointer data)
{
    MnbMediaPool *pool = data;
    gint64 now_us = g_get_monotonic_time();
    for (guint i = 0; i < pool->workers->len; i++)
        mnb_media_worker_check(pool->workers->pdata[i], now_us);
    return G_SOURCE_CONTINUE;
}

gboolean mnb_media_pool_start(MnbMediaPool *pool, GError **error)
{
    for (guint i = 0; i < pool->workers->len; i++) {
        if (mnb_media_worker_start(pool->workers->pdata[i], error))
            continue;
        for (guint j = 0; j <= i; j++)
            mnb_media_worker_stop(pool->workers->pdata[j]);
        return FALSE;
    }
    pool->check_timer = g_timeout_add(CHECK_MS, on_check, pool);
    return TRUE;
}

static gboolean on_stop_poll(gpointer data)
{
    MnbMediaPool *pool = data;
    guint n_running = 0;
    for (guint i = 0; i < pool->workers->len; i++)
        n_running += mnb_media_worker_pid(pool->workers->pdata[i]) != 0;
    if (n_running > 0 && g_get_monotonic_time() < pool->stop_until_us)
        return G_SOURCE_CONTINUE;
    pool->stop_timer = 0;
    pool->on_stopped(pool->stopped_data);
    return G_SOURCE_REMOVE;
}

void mnb_media_pool_stop(MnbMediaPool *pool, void (*done)(gpointer data), gpointer data)
{
    g_return_if_fail(pool->stop_timer == 0);
    for (guint i = 0; i < pool->workers->len; i++)
        mnb_media_worker_stop(pool->workers->pdata[i]);
    pool->on_stopped = done;
    pool->stopped_data = data;
    pool->stop_until_us = g_get_monotonic_time() + STOP_MS * 1000;
    pool->stop_timer = g_timeout_add(POLL_MS, on_stop_poll, pool);
}

void mnb_media_pool_free(MnbMediaPool *pool)
{
    if (pool == NULL)
        return;
    if (pool->check_timer != 0)
        g_source_remove(pool->check_timer);
    if (pool->stop_timer != 0)
        g_source_remove(pool->stop_timer);
    g_ptr_array_unref(pool->workers);
    g_array_unref(pool->listeners);
    if (pool->door >= 0)
        close(pool->door);
    if (pool->door_path != NULL)
        unlink(pool->door_path);
    g_free(pool->door_path);
    g_free(pool->program);
    g_free(pool);
}

guint mnb_media_pool_listen(MnbMediaPool *pool, const MnbMediaEvents *events, gpointer data)
{
    const Listener listener = {++pool->last_listener, events, data};
    g_array_append_val(pool->listeners, listener);
    return listener.id;
}

static void take_out_gone(MnbMediaPool *pool)
{
    for (guint i = pool->listeners->len; i > 0; i--) {
        if (g_array_index(pool->listeners, Listener, i - 1).id == 0)
            g_array_remove_index(pool->listeners, i - 1);
    }
}

void mnb_media_pool_unlisten(MnbMediaPool *pool, guint listener)
{
    for (guint i = 0; i < pool->listeners->len; i++) {
        Listener *each = &g_array_index(pool->listeners, Listener, i);
        if (each->id == listener)
            each->id = 0;
    }
    if (pool->telling == 0)
        take_out_gone(pool);
}

void mnb_media_pool_tell(MnbMediaPool *pool, MnbMediaTell tell, MnbMediaWorker *worker,
                         const void *message)
{
    pool->telling++;
    guint n = pool->listeners->len; /* who comes meanwhile has nothing to hear of this */
    for (guint i = 0; i < n; i++) {
        /* By value: a callback may add a listener, which moves the array. */
        Listener each = g_array_index(pool->listeners, Listener, i);
        if (each.id != 0)
            tell(each.events, worker, message, each.data);
    }
    if (--pool->telling == 0)
        take_out_gone(pool);
}

void mnb_media_pool_pass(MnbMediaPool *pool, const MnbTcpPass *pass, int fd)
{
    /* For nobody, or for one that restarts: the peer will try again. */
    if (pass->worker < pool->workers->len)
        mnb_media_worker_take(pool->workers->pdata[pass->worker], pass, fd);
}

guint32 mnb_media_pool_new_id(MnbMediaPool *pool)
{
    if (++pool->last_id == 0) /* after four thousand million; 0 is nobody */
        ++pool->last_id;
    return pool->last_id;
}

MnbMediaWorker *mnb_media_pool_pick(MnbMediaPool *pool)
{
    MnbMediaWorker *best = NULL;
    for (guint i = 0; i < pool->workers->len; i++) {
        MnbMediaWorker *worker = pool->workers->pdata[i];
        if (mnb_media_worker_is_ready(worker) &&
            (best == NULL || mnb_media_worker_load(worker) < mnb_media_worker_load(best)))
            best = worker;
    }
    if (best != NULL)
        mnb_media_worker_count_pick(best);
    return best;
}

guint mnb_media_pool_count(const MnbMediaPool *pool)
{
    return pool->workers->len;
}

guint mnb_media_pool_count_ready(const MnbMediaPool *pool)
{
    guint n = 0;
    for (guint i = 0; i < pool->workers->len; i++)
        n += mnb_media_worker_is_ready(pool->workers->pdata[i]);
    return n;
}

MnbMediaWorker *mnb_media_pool_get(MnbMediaPool *pool, guint index)
{
    g_return_val_if_fail(index < pool->workers->len, NULL);
    return pool->workers->pdata[index];
}

/* Counters and gauges of MnbWorkerStats as Prometheus has them. */
static const struct {
    const char *name;
    const char *type;
    const char *help;
    gsize at;
    gboolean is_32_bit;
} metrics[] = {
#define COUNTER(name, field, help)                                                                 \
    {                                                                                              \
        "manabi_media_" name "_total", "counter", help, G_STRUCT_OFFSET(MnbWorkerStats, field),    \
            FALSE                                                                                  \
    }
#define GAUGE(name, field, help)                                                                   \
    {                                                                                              \
        "manabi_media_" name, "gauge", help, G_STRUCT_OFFSET(MnbWorkerStats, field), TRUE          \
    }
    COUNTER("packets_in", packets_in, "RTP packets that were authenticated"),
    COUNTER("bytes_in", bytes_in, "Bytes of them"),
    COUNTER("packets_out", packets_out, "RTP packets sent, repairs included"),
    COUNTER("bytes_out", bytes_out, "Bytes of them"),
    COUNTER("sends", sends, "Datagram messages handed to the kernel"),
    COUNTER("dropped_auth", dropped_auth, "Packets with a wrong authentication tag"),
    COUNTER("dropped_replay", dropped_replay, "Packets that came twice"),
    COUNTER("dropped_unknown", dropped_unknown, "Packets of nobody we know"),
    COUNTER("dropped_malformed", dropped_malformed, "Packets that are malformed"),
    COUNTER("dropped_send", dropped_send, "Packets the kernel would not take"),
    COUNTER("probe_bytes", probe_bytes, "Bytes of padding sent to find out what lines take"),
    COUNTER("layer_switches", switches, "Changes of layer and pauses for the sake of a line"),
    COUNTER("stalled_microseconds", stalled_us,
            "Time the machine kept the worker from running while it had packets to send"),
    GAUGE("slots_held_back", slots_held_back, "Pictures paused or made smaller now"),
    COUNTER("nacks_in", nacks_in, "Repair requests received"),
    COUNTER("nacks_out", nacks_out, "Repair requests sent"),
    COUNTER("rtx_in", rtx_in, "Repairs received"),
    COUNTER("rtx_out", rtx_out, "Repairs sent"),
    COUNTER("plis_in", plis_in, "Key frame requests received"),
    COUNTER("plis_out", plis_out, "Key frame requests sent"),
    COUNTER("tap_packets", tap_packets, "Packets copied for recorders"),
    COUNTER("tap_dropped", tap_dropped, "Packets a recorder had no room for"),
    COUNTER("handshakes", handshakes, "DTLS handshakes that succeeded"),
    COUNTER("handshakes_failed", handshakes_failed, "DTLS handshakes that failed"),
    COUNTER("stun_refused", stun_refused, "STUN requests refused"),
    COUNTER("cpu_microseconds", cpu_us, "Processor time"),
    GAUGE("transports", transports, "Peer connections"),
    GAUGE("tracks", tracks, "Published tracks"),
    GAUGE("slots", slots, "Slots of receivers"),
    GAUGE("taps", taps, "Taps of recorders"),
    GAUGE("tcp_connections", tcp, "ICE-TCP connections"),
};

void mnb_media_pool_write_metrics(MnbMediaPool *pool, GString *out)
{
    for (guint m = 0; m < G_N_ELEMENTS(metrics); m++) {
        g_string_append_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metrics[m].name,
                               metrics[m].help, metrics[m].name, metrics[m].type);
        for (guint i = 0; i < pool->workers->len; i++) {
            const MnbWorkerStats *stats = mnb_media_worker_stats(pool->workers->pdata[i]);
            guint64 value = metrics[m].is_32_bit ? G_STRUCT_MEMBER(guint32, stats, metrics[m].at)
                                                 : G_STRUCT_MEMBER(guint64, stats, metrics[m].at);
            g_string_append_printf(out, "%s{worker=\"%u\"} %" G_GUINT64_FORMAT "\n",
                                   metrics[m].name, i, value);
        }
    }
    g_string_append(out, "# HELP manabi_media_up 1 while the worker is ready\n"
                         "# TYPE manabi_media_up gauge\n");
    for (guint i = 0; i < pool->workers->len; i++)
        g_string_append_printf(out, "manabi_media_up{worker=\"%u\"} %d\n", i,
                               mnb_media_worker_is_ready(pool->workers->pdata[i]));
    g_string_append(out, "# HELP manabi_media_restarts_total Times the worker had to be replaced\n"
                         "# TYPE manabi_media_restarts_total counter\n");
    for (guint i = 0; i < pool->workers->len; i++)
        g_string_append_printf(out, "manabi_media_restarts_total{worker=\"%u\"} %u\n", i,
                               mnb_media_worker_restarts(pool->workers->pdata[i]));
}
