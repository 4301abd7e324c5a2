/* packet-slab.h - the memory of packets that are kept for resending: equal pieces of one mapping.
 *
 * The mapping is reserved at start and touched only as far as it was ever used; a piece that comes
 * back is the next to be handed out, so the working set stays in the cache. A worker has two slabs,
 * for audio and for video, since an Opus packet fills a twelfth of a video packet's piece.
 *
 *     MnbPacket | head room 16 | payload ............ | tail room
 *
 * The head room takes a 12-byte RTP header (for a tap) or the original sequence number of RTX; the
 * tail room takes RTP padding. Payload bytes that differ from one receiver to the next (VP8 picture
 * id) are written in place before each sealing: one thread, so nobody sees it half done. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MNB_PACKET_HEADROOM   16
#define MNB_PACKET_TAILROOM   64
#define MNB_PACKET_SIZE_SMALL 640
#define MNB_PACKET_SIZE_LARGE 1792

typedef struct MnbPacket MnbPacket;
struct MnbPacket {
    MnbPacket *next_free;
    int64_t arrival_us;
    uint32_t timestamp; /* RTP, of the publisher */
    uint16_t seq;       /* of the track: the publisher's, less the padding packets left out */
    uint16_t size;      /* bytes of payload, without RTP padding */
    uint16_t picture_id;
    uint8_t tl0;
    uint8_t picture_id_at; /* offset in the payload of a 15-bit picture id; 0: none */
    uint8_t tl0_at;        /* 0: none */
    uint8_t temporal_layer;
    uint8_t level; /* RFC 6464 byte: V bit and -dBov; MNB_LEVEL_NONE without the extension */
    bool has_marker;
    bool is_key_start; /* first packet of a key frame */
    bool is_key;       /* some packet of a key frame, as far as the payload tells */
    bool is_empty;     /* nothing but padding */
    bool is_late;      /* came out of order or as a repair */
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

/* @piece_size: MNB_PACKET_SIZE_SMALL or _LARGE. Returns 0 or -ENOMEM. */
int mnb_slab_init(MnbSlab *slab, size_t piece_size, size_t total_bytes);
void mnb_slab_clear(MnbSlab *slab); /* a zeroed slab is fine */

/* Returns (owned, give it back): NULL when all are in use. Contents are not zeroed. */
MnbPacket *mnb_slab_take(MnbSlab *slab);
void mnb_slab_give(MnbSlab *slab, MnbPacket *packet); /* NULL is fine */

/* Bytes of payload and tail room that fit. */
static inline size_t mnb_slab_room(const MnbSlab *slab)
{
    return slab->piece_size - sizeof(MnbPacket) - MNB_PACKET_HEADROOM;
}

static inline uint8_t *mnb_packet_payload(MnbPacket *packet)
{
    return packet->data + MNB_PACKET_HEADROOM;
}
