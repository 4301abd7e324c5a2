/* tcp.h - ICE-TCP, passive side (RFC 6544): for those whose network lets no UDP through.
 *
 * A connection is a flow like any other: its frames (tcp-frame.h) go the way of datagrams, and a
 * check with a right MESSAGE-INTEGRITY makes it a tuple of a transport. Its MnbSocket has a send()
 * of its own, so whoever sends to a tuple knows nothing of TCP.
 *
 * Nothing is queued: what does not fit into the socket's buffer (a fifth of a second of a good
 * picture) is dropped by whole packets, as a router would, and repaired or not as on UDP; only the
 * rest of a packet that the kernel took half of is kept. A connection ends
 *   - 5 s after it began when nobody has proved himself on it, or after 8 frames without that;
 *   - with a frame of more than MNB_TCP_FRAME_MAX bytes;
 *   - when its tuple is gone, or when it takes nothing for 10 s.
 * Unproved connections are bounded for each address and in all; the oldest makes room. */
#pragma once
#include "server/media/rx.h"
#include "server/media/worker-state.h"

#define MNB_TCP_CONNECTIONS_MAX 2048
#define MNB_TCP_UNKNOWN_MAX     512 /* connections on which nobody has proved himself yet */
#define MNB_TCP_ADDRESS_MAX     64  /* of these, from one address */
#define MNB_TCP_UNKNOWN_US      (5 * MNB_SECOND_US)
#define MNB_TCP_STUCK_US        (10 * MNB_SECOND_US)

typedef struct MnbTcp MnbTcp;

/* epoll data of our descriptors begin here. */
#define MNB_TCP_EVENTS 0x10000u

/* Watches config.tcp_fds. @on_datagram: where frames go. Owned; NULL with *error_out. */
MnbTcp *mnb_tcp_new(MnbWorker *worker, MnbRxDatagram on_datagram, int *error_out);
void mnb_tcp_free(MnbTcp *tcp); /* NULL is fine */

/* @data: of the epoll event, from MNB_TCP_EVENTS on. */
void mnb_tcp_on_event(MnbTcp *tcp, uint32_t data, uint32_t events);

/* A connection that another worker took. @fd: owned. Returns 0 or a negative errno. */
int mnb_tcp_take(MnbTcp *tcp, const MnbTcpPass *pass, int fd);

unsigned mnb_tcp_count(const MnbTcp *tcp);
