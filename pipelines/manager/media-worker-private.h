/* media-worker-private.h - what media-pool.c does with a worker that others may not. */
#pragma once
#include "pipelines/manager/media-pool.h"

#define MNB_MEDIA_UDP_MAX 2 /* sockets of a worker: IPv4, IPv6 */

/* Pool: calls every listener. Each function is a member of MnbMediaEvents. */
typedef void (*MnbMediaTell)(const MnbMediaEvents *events, MnbMediaWorker *worker,
                             const void *message, gpointer data);
void mnb_media_pool_tell(MnbMediaPool *pool, MnbMediaTell tell, MnbMediaWorker *worker,
                         const void *message);
guint32 mnb_media_pool_new_id(MnbMediaPool *pool);

/* @udp_fds: owned by the worker from now on. @program: borrowed, lives as long as the worker. */
MnbMediaWorker *mnb_media_worker_new(MnbMediaPool *pool, guint index, const char *program,
                                     gboolean has_sandbox, const int *udp_fds, guint n_udp_fds,
                                     const MnbMediaAddress *addresses, guint n_addresses);
void mnb_media_worker_free(MnbMediaWorker *worker);
gboolean mnb_media_worker_start(MnbMediaWorker *worker, GError **error);

/* Closes the control socket and asks it to end. */
void mnb_media_worker_stop(MnbMediaWorker *worker);

/* Once a second: kills a worker that has said nothing for too long. */
void mnb_media_worker_check(MnbMediaWorker *worker, gint64 now_us);

/* What pick() compares: smaller is better. */
guint64 mnb_media_worker_load(const MnbMediaWorker *worker);
void mnb_media_worker_count_pick(MnbMediaWorker *worker);
guint mnb_media_worker_restarts(const MnbMediaWorker *worker);

/* udp-ports.c: sockets and addresses of workers. */

/* Binds one port on IPv4 and, where there is IPv6, the same on IPv6. @port 0: a free one.
 * Returns: number of sockets in fds_out, or -1 with MNB_ERROR_BUSY or another. */
int mnb_udp_ports_bind(guint16 port, int fds_out[MNB_MEDIA_UDP_MAX], guint16 *port_out,
                       GError **error);

/* @announce: as in MnbMediaPoolOptions. @index, @port: of the worker. @has_ipv6: it has such a
 * socket. Returns: number of addresses in out, at least 1; or -1 with MNB_ERROR_INVALID. */
int mnb_udp_ports_addresses(const char *const *announce, guint index, guint16 port,
                            gboolean has_ipv6, MnbMediaAddress out[MNB_MEDIA_ADDRESSES_MAX],
                            GError **error);
