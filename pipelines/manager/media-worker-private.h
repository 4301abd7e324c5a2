/* media-worker-private.h - what media-pool.c does with a worker that others may not. */
#pragma once
#include "pipelines/manager/media-pool.h"

#define MNB_MEDIA_UDP_MAX           2 /* sockets of a worker: IPv4, IPv6 */
#define MNB_MEDIA_UDP_ADDRESSES_MAX 16

/* Pool: calls every listener. Each function is a member of MnbMediaEvents. */
typedef void (*MnbMediaTell)(const MnbMediaEvents *events, MnbMediaWorker *worker,
                             const void *message, gpointer data);
void mnb_media_pool_tell(MnbMediaPool *pool, MnbMediaTell tell, MnbMediaWorker *worker,
                         const void *message);
guint32 mnb_media_pool_new_id(MnbMediaPool *pool);

/* Descriptors that a worker is given at each start. */
typedef struct {
    int udp[MNB_MEDIA_UDP_MAX];
    guint n_udp;
    int tcp[MNB_MEDIA_UDP_MAX]; /* they listen */
    guint n_tcp;
    int door; /* the front door's, of all workers; borrowed; -1: none */
} MnbMediaPorts;

void mnb_media_ports_close(MnbMediaPorts *ports); /* all but the door's */

/* A connection that @from took and that is for another worker (MNB_MEDIA_TCP_PASS). @fd: borrowed.
 */
void mnb_media_pool_pass(MnbMediaPool *pool, const MnbTcpPass *pass, int fd);
void mnb_media_worker_take(MnbMediaWorker *worker, const MnbTcpPass *pass, int fd);

/* @ports: owned by the worker from now on. @program: borrowed, lives as long as the worker. */
MnbMediaWorker *mnb_media_worker_new(MnbMediaPool *pool, guint index, const char *program,
                                     gboolean has_sandbox, const MnbMediaPorts *ports,
                                     const MnbMediaAddress *addresses, guint n_addresses);
void mnb_media_worker_free(MnbMediaWorker *worker);
gboolean mnb_media_worker_start(MnbMediaWorker *worker, GError **error);

/* Closes the control socket and asks it to end. */
void mnb_media_worker_stop(MnbMediaWorker *worker);

/* Four times a second: kills a worker that has said nothing for two seconds. */
void mnb_media_worker_check(MnbMediaWorker *worker, gint64 now_us);

/* What pick() compares: smaller is better. */
guint64 mnb_media_worker_load(const MnbMediaWorker *worker);
void mnb_media_worker_count_pick(MnbMediaWorker *worker);
guint mnb_media_worker_restarts(const MnbMediaWorker *worker);

/* udp-ports.c: sockets and addresses of workers. */

/* Binds one port on IPv4 and, where there is IPv6, the same on IPv6, for UDP and, with @has_tcp,
 * for TCP. @port 0: a free one. Returns FALSE with MNB_ERROR_BUSY or another. */
gboolean mnb_media_ports_bind(guint16 port, gboolean has_tcp, MnbMediaPorts *out, guint16 *port_out,
                              GError **error);

/* @announce: as in MnbMediaPoolOptions. @index, @port: of the worker. @has_ipv6: it has such a
 * socket. Returns: number of addresses in out (UDP), at least 1, at most
 * MNB_MEDIA_UDP_ADDRESSES_MAX; or -1 with MNB_ERROR_INVALID. */
int mnb_udp_ports_addresses(const char *const *announce, guint index, guint16 port,
                            gboolean has_ipv6, MnbMediaAddress out[MNB_MEDIA_ADDRESSES_MAX],
                            GError **error);

/* Adds the TCP candidates to @n UDP ones. @door_port: 0: no front door. @door_address: NULL: at
 * every address of the list. Returns: how many there are now. */
guint mnb_tcp_ports_addresses(MnbMediaAddress addresses[MNB_MEDIA_ADDRESSES_MAX], guint n,
                              gboolean has_tcp, guint16 door_port, const char *door_address);
