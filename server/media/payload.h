/* payload.h - as much of a codec's RTP payload format as forwarding needs: where frames and key
 * frames begin, and what must not be passed on. No codec data is decoded.
 *
 * Opus RFC 7587, VP8 RFC 7741, H.264 RFC 6184, VP9 RFC 9628, AV1 RTP payload format 1.0.
 * Everything is checked against the packet's end; parsers are fuzzed. */
#pragma once
#include "server/media/control.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MNB_VP8_DESCRIPTOR_MAX 6 /* bytes; what mnb_vp8_write_descriptor() may write */

/* VP8 payload descriptor. */
typedef struct {
    uint8_t descriptor_bytes; /* of it in the packet */
    uint8_t partition;        /* index of the partition (PID of the first byte) */
    bool is_partition_start;  /* S */
    bool is_non_reference;    /* N */
    bool has_picture_id;
    bool is_picture_id_long; /* 15 bits, else 7 */
    bool has_tl0;
    bool has_tid;
    bool is_layer_sync; /* Y */
    bool has_key_index;
    uint16_t picture_id;
    uint8_t tl0; /* TL0PICIDX */
    uint8_t tid;
    uint8_t key_index;
} MnbVp8;

typedef struct {
    bool is_frame_start; /* first packet of a picture, as far as the format tells */
    bool is_key_frame;   /* with is_frame_start: a decoder can begin here */
    uint8_t tid;         /* temporal layer, 0 when not told */
    uint8_t sid;         /* spatial layer (VP9), 0 when not told */
    uint16_t width;      /* of a VP8 key frame; else 0 */
    uint16_t height;
    MnbVp8 vp8; /* with MNB_CODEC_VP8 only */
} MnbPayload;

/* @payload: plain, without padding.
 * H.264: the key frame begins with the packet that holds an SPS, or an IDR slice's first piece.
 * Returns 0;
 * -EBADMSG: shorter than its own fields say, empty: drop;
 * -EPROTONOSUPPORT: nothing of a decoder's may see it: H.264 other than single NAL units, STAP-A
 *   and FU-A (MTAP stops GStreamer's depayloader and is CVE-2026-119610), VP8 of reserved versions
 * or pictures without pixels: drop, count. */
int mnb_payload_parse(MnbPayload *out, MnbCodec codec, const uint8_t *payload, size_t len);

/* Writes @vp8's descriptor with another picture id (15 bits, always the long form) and TL0PICIDX,
 * so that both go on without a gap for a receiver whose source was switched. A descriptor without
 * picture id is written without one.
 * @out: MNB_VP8_DESCRIPTOR_MAX bytes. Returns: bytes written. The rest of the payload begins at
 * vp8->descriptor_bytes of the source. */
size_t mnb_vp8_write_descriptor(uint8_t *out, const MnbVp8 *vp8, uint16_t picture_id, uint8_t tl0);
