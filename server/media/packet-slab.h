/* packet-slab.h - the memory of packets that are kept for resending: equal pieces of one mapping.
 *
 * The mapping is reserved at start and touched only as far as it was ever used; a piece that comes
 * back is the next to be handed out, so the working set stays in the cache. A worker has two slabs,
 * for audio and for video, since an Opus packet fills a twelfth of a video packet's piece.
 *
 *     MnbPacket | RTP header, 12 bytes, as the tap wants it | payload
 *
 * A packet is not changed once it is stored: what differs between receivers goes in front of or
 * behind the payload while it is sealed (MnbSrtpPacket). */
#pragma once
#include "server/media/payload.h"
#include "server/media/rtp.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MNB_PACKET_PIECE_SMALL 512
#define MNB_PACKET_PIECE_LARGE 1664

typedef struct MnbPacket MnbPacket;
struct MnbPacket {
    MnbPacket *next_free;
    int64_t arrival_us;
    uint32_t timestamp; /* RTP, of the publisher */
    uint16_t seq;       /* of the track: the publisher's, less the packets that were left out */
    uint16_t size;      /* bytes of payload, without RTP padding */
    MnbVp8 vp8;         /* VP8 only */
    uint8_t slab;       /* index of the slab it came from, set by its user */
    uint8_t level;      /* RFC 6464 byte: V bit and -dBov; MNB_LEVEL_NONE without the extension */
    bool has_marker;
    bool is_key_start; /* first packet of a key frame */
    bool is_repair;    /* came out of order or as RTX */
    uint8_t data[];
};

#define MNB_LEVEL_NONE 0xff

typedef struct {
    uint8_t *base;
    size_t piece_size;
    size_t capacity; /* pieces */
    size_t touched;  /* pieces handed out at least once */
    size_t in_use;
    MnbPacket *free;
} MnbSlab;

/* @piece_size: MNB_PACKET_PIECE_SMALL or _LARGE. Returns 0 or -ENOMEM. */
int mnb_slab_init(MnbSlab *slab, size_t piece_size, size_t total_bytes);
void mnb_slab_clear(MnbSlab *slab); /* a zeroed slab is fine */

/* Returns (owned, give it back): NULL when all are in use. Contents are not zeroed. */
MnbPacket *mnb_slab_take(MnbSlab *slab);
void mnb_slab_give(MnbSlab *slab, MnbPacket *packet); /* NULL is fine */

/* Bytes of payload that fit. */
static inline size_t mnb_slab_room(const MnbSlab *slab)
{
    return slab->piece_size - sizeof(MnbPacket) - MNB_RTP_HEADER_BYTES;
}

static inline uint8_t *mnb_packet_payload(MnbPacket *packet)
{
    return packet->data + MNB_RTP_HEADER_BYTES;
}
