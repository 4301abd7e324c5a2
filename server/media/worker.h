/* worker.h - one media worker: sockets in, sockets out, and a control socket (control.h).
 *
 * One thread, one epoll loop, no locks. A packet's way: recvmmsg -> transport (ICE, DTLS, SRTP) ->
 * track (order, repair, ring) -> fan-out -> slot (rewriting) -> tx (sendmmsg of GSO messages). From
 * the first to the last nothing is allocated, locked, logged, and no clock is read but once a
 * batch.
 *
 *     transport (publish) --has--> track <--shows-- slot <--has-- transport (receive)
 *                                    |
 *                                    +--> tap (packet ring)
 */
#pragma once
#include "server/media/control.h"
#include <stdbool.h>
#include <stdint.h>

#define MNB_WORKER_SOCKETS_MAX 4

typedef struct {
    int control_fd;                      /* SOCK_SEQPACKET; borrowed */
    int udp_fds[MNB_WORKER_SOCKETS_MAX]; /* bound; borrowed */
    unsigned n_udp_fds;                  /* at least 1 */
    int tcp_fds[MNB_WORKER_SOCKETS_MAX]; /* they listen; borrowed */
    unsigned n_tcp_fds;                  /* 0: no ICE-TCP */
    unsigned index;                      /* among the workers: the tag of our ufrags */
    /* Monotonic microseconds, above 0; NULL: CLOCK_MONOTONIC. Tests pass their own. */
    int64_t (*now_us)(void *owner);
    void *now_owner;
} MnbWorkerConfig;

typedef struct MnbWorker MnbWorker;

/* Sets the sockets up, makes the certificate, sends MNB_MEDIA_READY.
 * Returns (owned): NULL with *error_out a negative errno. */
MnbWorker *mnb_worker_new(const MnbWorkerConfig *config, int *error_out);
void mnb_worker_free(MnbWorker *worker); /* NULL is fine */

/* Waits at most @wait_ms (-1: as long as nothing is due) and does what there is to do.
 * Returns 1; 0 when the control socket has closed; a negative errno when the worker cannot go on.
 */
int mnb_worker_step(MnbWorker *worker, int wait_ms);

/* Steps until it ends. Returns 0 or a negative errno. */
int mnb_worker_run(MnbWorker *worker);

/* For tests and benches. */
const MnbWorkerStats *mnb_worker_stats(MnbWorker *worker);
struct MnbTx *mnb_worker_tx(MnbWorker *worker);
