/* payload.c - see payload.h. */
#include "server/media/payload.h"
#include "server/media/bytes.h"
#include <errno.h>
#include <string.h>

/* Bytes with an end. Once something was missing, is_short stays true and every byte reads as 0. */
typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    bool is_short;
} Reader;

static uint8_t read_u8(Reader *reader)
{
    if (reader->at == reader->end) {
        reader->is_short = true;
        return 0;
    }
    return *reader->at++;
}

/* ---- VP8, RFC 7741 4.2 ----
 *
 *     |X|R|N|S|R| PID |      X: |I|L|T|K| RSV |   I: |M| PictureID (7 or 15 bits) |
 *     L: | TL0PICIDX |       T or K: |TID|Y| KEYIDX |
 */

static void read_vp8_extension(MnbVp8 *vp8, Reader *reader)
{
    uint8_t flags = read_u8(reader);
    if ((flags & 0x80) != 0) {
        uint8_t first = read_u8(reader);
        vp8->has_picture_id = true;
        vp8->picture_id = first & 0x7f;
        if ((first & 0x80) != 0) {
            vp8->is_picture_id_long = true;
            vp8->picture_id = (uint16_t)(vp8->picture_id << 8 | read_u8(reader));
        }
    }
    if ((flags & 0x40) != 0) {
        vp8->has_tl0 = true;
        vp8->tl0 = read_u8(reader);
    }
    if ((flags & 0x30) != 0) {
        uint8_t last = read_u8(reader);
        vp8->has_tid = (flags & 0x20) != 0;
        vp8->has_key_index = (flags & 0x10) != 0;
        vp8->tid = last >> 6;
        vp8->is_layer_sync = (last & 0x20) != 0;
        vp8->key_index = last & 0x1f;
    }
}

static int parse_vp8(MnbPayload *out, const uint8_t *payload, size_t len)
{
    MnbVp8 *vp8 = &out->vp8;
    Reader reader = {.at = payload, .end = payload + len};
    uint8_t first = read_u8(&reader);
    vp8->is_non_reference = (first & 0x20) != 0;
    vp8->is_partition_start = (first & 0x10) != 0;
    vp8->partition = first & 7;
    if ((first & 0x80) != 0)
        read_vp8_extension(vp8, &reader);
    if (reader.is_short || reader.at == reader.end)
        return -EBADMSG;
    vp8->descriptor_bytes = (uint8_t)(reader.at - payload);
    out->tid = vp8->has_tid ? vp8->tid : 0;
    out->is_frame_start = vp8->is_partition_start && vp8->partition == 0;
    if (!out->is_frame_start)
        return 0;

    /* Frame header, RFC 6386 9.1: P (0: key frame), version 3 bits, show, size 19 bits; a key frame
     * goes on with a start code and two 14-bit sizes. */
    size_t left = (size_t)(reader.end - reader.at);
    if ((reader.at[0] >> 1 & 7) > 3)
        return -EPROTONOSUPPORT;
    if ((reader.at[0] & 1) != 0)
        return 0;
    if (left < 10 || reader.at[3] != 0x9d || reader.at[4] != 0x01 || reader.at[5] != 0x2a)
        return -EBADMSG;
    out->width = (uint16_t)((reader.at[7] << 8 | reader.at[6]) & 0x3fff);
    out->height = (uint16_t)((reader.at[9] << 8 | reader.at[8]) & 0x3fff);
    if (out->width == 0 || out->height == 0)
        return -EPROTONOSUPPORT;
    out->is_key_frame = true;
    return 0;
}

size_t mnb_vp8_write_descriptor(uint8_t *out, const MnbVp8 *vp8, uint16_t picture_id, uint8_t tl0)
{
    bool has_last = vp8->has_tid || vp8->has_key_index;
    bool is_extended = vp8->has_picture_id || vp8->has_tl0 || has_last;
    size_t n = 0;
    out[n++] = (uint8_t)((is_extended ? 0x80 : 0) | (vp8->is_non_reference ? 0x20 : 0) |
                         (vp8->is_partition_start ? 0x10 : 0) | vp8->partition);
    if (!is_extended)
        return n;
    out[n++] = (uint8_t)((vp8->has_picture_id ? 0x80 : 0) | (vp8->has_tl0 ? 0x40 : 0) |
                         (vp8->has_tid ? 0x20 : 0) | (vp8->has_key_index ? 0x10 : 0));
    if (vp8->has_picture_id) {
        mnb_put_u16(out + n, (uint16_t)(0x8000 | (picture_id & 0x7fff)));
        n += 2;
    }
    if (vp8->has_tl0)
        out[n++] = tl0;
    if (has_last)
        out[n++] = (uint8_t)(vp8->tid << 6 | (vp8->is_layer_sync ? 0x20 : 0) | vp8->key_index);
    return n;
}

/* ---- H.264, RFC 6184 5.2 ---- */

enum { NAL_SLICE = 1, NAL_SLICE_A = 2, NAL_IDR = 5, NAL_SPS = 7, NAL_STAP_A = 24, NAL_FU_A = 28 };

static void note_nal(MnbPayload *out, uint8_t type)
{
    out->is_frame_start = true;
    if (type == NAL_SPS || type == NAL_IDR)
        out->is_key_frame = true;
}

static int parse_stap_a(MnbPayload *out, const uint8_t *payload, size_t len)
{
    size_t at = 1;
    if (len == 1)
        return -EBADMSG;
    while (at < len) {
        if (len - at < 2)
            return -EBADMSG;
        size_t size = mnb_get_u16(payload + at);
        at += 2;
        if (size == 0 || size > len - at)
            return -EBADMSG;
        uint8_t type = payload[at] & 0x1f;
        if (type == 0 || type >= NAL_STAP_A)
            return -EPROTONOSUPPORT; /* packets within packets */
        note_nal(out, type);
        at += size;
    }
    return 0;
}

static int parse_h264(MnbPayload *out, const uint8_t *payload, size_t len)
{
    uint8_t type = payload[0] & 0x1f;
    if ((payload[0] & 0x80) != 0)
        return -EBADMSG; /* forbidden_zero_bit */
    if (type == NAL_STAP_A)
        return parse_stap_a(out, payload, len);
    if (type == NAL_FU_A) {
        if (len < 3 || (payload[1] & 0xc0) == 0xc0)
            return -EBADMSG; /* nothing in it, or a start that is an end too */
        uint8_t inner = payload[1] & 0x1f;
        if (inner == 0 || inner >= NAL_STAP_A)
            return -EPROTONOSUPPORT;
        if ((payload[1] & 0x80) != 0)
            note_nal(out, inner);
        return 0;
    }
    if (type == 0 || type > NAL_STAP_A)
        return -EPROTONOSUPPORT;
    note_nal(out, type);
    return 0;
}

/* ---- VP9, RFC 9628 4.2 ----
 *
 *     |I|P|L|F|B|E|V|Z|   I: |M| PictureID |   L: |TID|U|SID|D| and, when F is 0, | TL0PICIDX |
 *     F and P: up to three | P_DIFF |N|        V: scalability structure
 */

static int parse_vp9(MnbPayload *out, const uint8_t *payload, size_t len)
{
    Reader reader = {.at = payload, .end = payload + len};
    uint8_t flags = read_u8(&reader);
    bool is_predicted = (flags & 0x40) != 0;
    bool is_flexible = (flags & 0x10) != 0;
    if ((flags & 0x80) != 0 && (read_u8(&reader) & 0x80) != 0)
        read_u8(&reader);
    if ((flags & 0x20) != 0) {
        uint8_t layer = read_u8(&reader);
        out->tid = layer >> 5;
        out->sid = layer >> 1 & 7;
        if (!is_flexible)
            read_u8(&reader);
    }
    if (is_flexible && is_predicted)
        for (int i = 0; i < 3 && (read_u8(&reader) & 1) != 0; i++)
            ;
    if (reader.is_short || reader.at == reader.end)
        return -EBADMSG;
    /* A picture begins with the lowest spatial layer; it is a key picture when that one is not
     * predicted from another picture. */
    out->is_frame_start = (flags & 0x08) != 0 && out->sid == 0;
    out->is_key_frame = out->is_frame_start && !is_predicted;
    return 0;
}

/* ---- AV1: aggregation header |Z|Y| W |N| 0 0 0 | ---- */

static int parse_av1(MnbPayload *out, const uint8_t *payload, size_t len)
{
    bool is_continued = (payload[0] & 0x80) != 0;
    bool is_new_sequence = (payload[0] & 0x08) != 0;
    if (len < 2 || (is_continued && is_new_sequence))
        return -EBADMSG;
    out->is_frame_start = !is_continued;
    out->is_key_frame = is_new_sequence;
    return 0;
}

int mnb_payload_parse(MnbPayload *out, MnbCodec codec, const uint8_t *payload, size_t len)
{
    memset(out, 0, sizeof *out);
    if (len == 0)
        return -EBADMSG;
    switch (codec) {
    case MNB_CODEC_VP8:
        return parse_vp8(out, payload, len);
    case MNB_CODEC_H264:
        return parse_h264(out, payload, len);
    case MNB_CODEC_VP9:
        return parse_vp9(out, payload, len);
    case MNB_CODEC_AV1:
        return parse_av1(out, payload, len);
    case MNB_CODEC_OPUS:
    case MNB_CODEC_NONE:
    case MNB_CODEC_COUNT:
        break;
    }
    out->is_frame_start = true;
    return 0;
}
