/* packet-ring.h - RTP on its way between a media worker and a pipeline, without SRTP.
 *
 * One producer, one consumer, in different processes: a memfd that both map, and an eventfd that
 * the producer writes once per batch. manabi makes both and passes them to the two sides; it never
 * maps the ring itself. Nothing here blocks, locks or allocates after open. A full ring refuses the
 * packet, counts it, and puts a MNB_RING_GAP record in front of the next packet that fits.
 *
 *   +----------------------+---------------------------------------------------+
 *   | MnbRingHead, 4096 B  | data: size bytes, a power of two; records in order |
 *   +----------------------+---------------------------------------------------+
 *   record: MnbRingRecord (32 B), then its payload, padded to 8. A record never wraps: what is left
 *   before the end is filled by a MNB_RING_PAD record, or left out when it is less than 32 bytes.
 *
 * A producer that dies leaves nothing half-visible: the write position is published after the
 * bytes. Its successor opens the same memfd and goes on. The consumer trusts no length in the ring:
 * each is checked against the positions, and a ring that lies ends the consumer with -EBADMSG. The
 * producer trusts nothing that the consumer can write: a wrong read position makes the ring look
 * full. The consumer maps the data read-only. A restarted consumer begins at the oldest record that
 * was not released.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define MNB_RING_PAYLOAD_MAX   2048
#define MNB_RING_DEFAULT_BYTES (8u << 20) /* about 10 s of 4 tracks at 1.5 Mbit/s */

typedef enum {
    MNB_RING_PAD, /* never seen by a reader */
    MNB_RING_RTP, /* payload: one RTP packet, header included, repaired (RTX already undone) */
    MNB_RING_SR,  /* a sender report: ntp and rtp_time belong together on the publisher's clock */
    MNB_RING_GAP, /* value: packets of any track that did not fit before this point */
} MnbRingKind;

typedef struct {
    uint32_t size; /* bytes of payload */
    uint16_t kind; /* MnbRingKind */
    uint16_t zero;
    uint32_t track;     /* MnbTrackAdd.track; 0 for GAP */
    uint32_t value;     /* SR: rtp_time; GAP: packets lost; RTP: 0 */
    int64_t arrival_us; /* CLOCK_MONOTONIC at the worker */
    uint64_t ntp;       /* SR: 32.32 fixed point seconds since 1900 (RFC 3550, 4); else 0 */
} MnbRingRecord;

typedef struct MnbRing MnbRing;

/* Makes the shared memory. @size_bytes: of data, a power of two, 64 KiB to 256 MiB.
 * Returns: a descriptor (owned) with seals against shrinking and growing, or a negative errno. */
int mnb_ring_create(uint32_t size_bytes);

/* @memfd, @eventfd: borrowed, duplicated inside. The size is read from the file and must match the
 * head. Returns (owned): NULL with *error_out a negative errno. */
MnbRing *mnb_ring_open_producer(int memfd, int eventfd, int *error_out);
MnbRing *mnb_ring_open_consumer(int memfd, int eventfd, int *error_out);
void mnb_ring_close(MnbRing *ring); /* NULL is fine */

/* Producer. Copies one record in; visible after the next flush.
 * Returns 0, -ENOBUFS when full (counted), -EMSGSIZE above MNB_RING_PAYLOAD_MAX. */
int mnb_ring_put(MnbRing *ring, const MnbRingRecord *record, const void *payload);

/* Producer. Publishes what was put and wakes the consumer; no system call when nothing was put. */
void mnb_ring_flush(MnbRing *ring);

/* Producer. Packets refused since the ring was made. */
uint64_t mnb_ring_dropped(const MnbRing *ring);

/* Consumer. @record_out, @payload_out: borrowed until the next take or release.
 * Returns 1, 0 when empty, or -EBADMSG. */
int mnb_ring_take(MnbRing *ring, const MnbRingRecord **record_out, const uint8_t **payload_out);

/* Consumer. Gives the space of everything taken back to the producer. */
void mnb_ring_release(MnbRing *ring);

/* Consumer. Poll this for reading; drain() before taking. */
int mnb_ring_event_fd(const MnbRing *ring);
void mnb_ring_drain(MnbRing *ring);
