/* media-pool.h - the media workers of this machine, and their UDP ports.
 *
 * manabi binds the sockets, one port a worker (IPv4, and the same port on IPv6 where there is one),
 * and hands them to each worker at each start: a restarted worker is where the browsers still send.
 * Main thread only. */
#pragma once
#include "pipelines/manager/media-worker.h"

typedef struct MnbMediaPool MnbMediaPool;

typedef struct {
    const char *program;         /* absolute path of manabi-media; copied */
    guint workers;               /* 0: one a processor, at most 64 */
    guint16 port;                /* of the first worker, counting up; 0: free ones */
    const char *const *announce; /* NULL-terminated "ADDRESS" or "ADDRESS:PORT" ("[v6]:PORT");
                                    NULL or empty: 127.0.0.1 and the machine's own addresses.
                                    A PORT counts up with the workers as `port` does */
    gboolean has_sandbox;        /* FALSE: --no-sandbox */
    gboolean has_tcp;            /* ICE-TCP as well, on the numbers of the UDP ports */
    const char *door_path;    /* unix socket to which the front door brings what is not TLS; NULL:
                                 none.    Copied; what lies there is removed */
    guint16 door_port;        /* of the front door as people see it: TCP candidates name it */
    const char *door_address; /* NULL: the addresses of `announce`; else this one only */
} MnbMediaPoolOptions;

/* Whether the kernel (or what confines us) lets a worker enter its sandbox. */
gboolean mnb_media_pool_can_sandbox(void);

/* Binds the ports. Returns (owned): NULL with MNB_ERROR_BUSY (the port is in use),
 * MNB_ERROR_INVALID (an announced address is none). */
MnbMediaPool *mnb_media_pool_new(const MnbMediaPoolOptions *options, GError **error);

/* Starts every worker; they become ready some 10 ms later. Returns FALSE with @error when a process
 * cannot be started (what was started is stopped). */
gboolean mnb_media_pool_start(MnbMediaPool *pool, GError **error);

/* Ends the workers; @done is called once, at the latest after 2 s. */
void mnb_media_pool_stop(MnbMediaPool *pool, void (*done)(gpointer data), gpointer data);
void mnb_media_pool_free(MnbMediaPool *pool); /* NULL is fine; kills what still runs */

/* @events: borrowed, static. Listeners are called in the order they came. Returns an id above 0 for
 * unlisten(), which may be called inside a callback. */
guint mnb_media_pool_listen(MnbMediaPool *pool, const MnbMediaEvents *events, gpointer data);
void mnb_media_pool_unlisten(MnbMediaPool *pool, guint listener);

/* The ready worker with the least to do (borrowed; lives as long as the pool). NULL: none is ready.
 */
MnbMediaWorker *mnb_media_pool_pick(MnbMediaPool *pool);

guint mnb_media_pool_count(const MnbMediaPool *pool);
guint mnb_media_pool_count_ready(const MnbMediaPool *pool);
MnbMediaWorker *mnb_media_pool_get(MnbMediaPool *pool, guint index); /* borrowed */

/* Appends Prometheus text: manabi_media_... per worker. */
void mnb_media_pool_write_metrics(MnbMediaPool *pool, GString *out);
