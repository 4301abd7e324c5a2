/* tx.h - datagrams on their way to the kernel.
 *
 * Packets are written one behind the other into one arena. Neighbours of one size for one address
 * become one message that the kernel cuts (UDP_SEGMENT): with 8 segments a packet costs a quarter
 * of what it costs alone. Only the last segment of a message may be shorter. A message of one
 * segment carries no UDP_SEGMENT. When the kernel refuses to cut (EIO: no checksum offload,
 * EINVAL), the segments are sent one by one and the address is remembered.
 *
 *     uint8_t *room = mnb_tx_room(tx, need);   write a packet of size <= need
 *     mnb_tx_add(tx, tuple, size);
 *     ... mnb_tx_flush(tx) at the end of the batch
 *
 * Nothing is queued across batches: when the socket's buffer stays full for a few milliseconds, the
 * packet is dropped and counted. One thread, no allocation after init. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define MNB_TX_ARENA_BYTES   (64u << 10) /* a dozen messages: the first need not wait for many */
#define MNB_TX_MESSAGES      64
#define MNB_TX_SEGMENTS_MAX  8 /* of a message: longer bursts hurt Wi-Fi */
#define MNB_TX_CONTROL_BYTES 40
#define MNB_TX_SEGMENT_BYTES 1792 /* largest packet */
#define MNB_TX_STALL_US      10000
#define MNB_TX_GSO_GIVE_UP   16 /* refusals until a socket is not tried any more */

typedef struct MnbSocket MnbSocket;

struct MnbSocket {
    int fd;
    bool is_gso_off;
    uint8_t gso_refused;
    bool may_fragment; /* a packet was too long for its path: the kernel cuts from now on */
    /* A stream: takes a message of packets of @segment_size bytes, the last may be shorter. Returns
     * how many of them were dropped. NULL: a datagram socket. */
    unsigned (*send)(MnbSocket *socket, const uint8_t *data, size_t size, size_t segment_size);
};

/* Where a packet goes: peer's address, and ours when the socket is bound to none. */
typedef struct {
    MnbSocket *socket; /* borrowed */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } peer;
    socklen_t peer_size;
    uint8_t control_size; /* 0, or of the IP_PKTINFO message in @control */
    bool is_gso_off;
    _Alignas(8) uint8_t control[MNB_TX_CONTROL_BYTES];
} MnbRoute;

typedef struct {
    uint64_t sends;      /* messages handed to the kernel */
    uint64_t dropped;    /* packets that it would not take */
    uint64_t stalled_us; /* from a batch's beginning, or the flush before, to the end of its flush,
                            where that took more than MNB_TX_STALL_US: we were not let run */
} MnbTxCounters;

typedef struct MnbTx MnbTx;

MnbTx *mnb_tx_new(void); /* owned; NULL when out of memory */
void mnb_tx_free(MnbTx *tx);
const MnbTxCounters *mnb_tx_counters(const MnbTx *tx);

/* Returns: @need bytes (at most MNB_TX_SEGMENT_BYTES) to write the next packet into. Flushes when
 * the arena is full. */
uint8_t *mnb_tx_room(MnbTx *tx, size_t need);

/* What was written to the room is a packet of @size bytes for @route, which must live until the
 * next flush. */
void mnb_tx_add(MnbTx *tx, MnbRoute *route, size_t size);

void mnb_tx_flush(MnbTx *tx);

/* When what is written now leaves, as well as it is known: the last note_time(), or the end of the
 * last flush since. A batch for thousands takes 10 ms and more, so its beginning will not do. */
int64_t mnb_tx_sent_us(const MnbTx *tx);
void mnb_tx_note_time(MnbTx *tx, int64_t now_us);
/* @now_us: read at the end of each flush. Without a clock only note_time() counts. */
void mnb_tx_set_clock(MnbTx *tx, int64_t (*now_us)(void *owner), void *owner);

/* For tests: pretends that the kernel refuses to cut. */
void mnb_tx_refuse_gso(MnbTx *tx, int error);

/* Fills the route's source address. @local: the address that the peer's packet came to. */
void mnb_route_set_source_v4(MnbRoute *route, struct in_addr local);
void mnb_route_set_source_v6(MnbRoute *route, const struct in6_addr *local, unsigned interface);
