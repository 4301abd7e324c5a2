/* rtp.c - see rtp.h. */
#include "server/media/rtp.h"
#include <errno.h>
#include <string.h>

#define PROFILE_ONE_BYTE      0xBEDE
#define PROFILE_TWO_BYTE      0x1000 /* the low four bits are free for use */
#define PROFILE_TWO_BYTE_MASK 0xFFF0
#define ONE_BYTE_STOP         15 /* this id ends the block, RFC 8285 4.2 */

int mnb_rtp_parse_header(MnbRtp *out, const uint8_t *packet, size_t len)
{
    memset(out, 0, sizeof *out);
    if (len < MNB_RTP_HEADER_BYTES || len > UINT16_MAX || packet[0] >> 6 != 2)
        return -EBADMSG;
    out->n_csrc = packet[0] & 15;
    out->has_padding = (packet[0] & 0x20) != 0;
    out->marker = (packet[1] & 0x80) != 0;
    out->pt = packet[1] & 0x7f;
    out->seq = mnb_get_u16(packet + 2);
    out->timestamp = mnb_get_u32(packet + 4);
    out->ssrc = mnb_get_u32(packet + 8);
    size_t at = MNB_RTP_HEADER_BYTES + 4 * (size_t)out->n_csrc;
    if ((packet[0] & 0x10) != 0) {
        if (at + 4 > len)
            return -EBADMSG;
        uint16_t profile = mnb_get_u16(packet + at);
        size_t size = 4 * (size_t)mnb_get_u16(packet + at + 2);
        at += 4;
        if (size > len - at)
            return -EBADMSG;
        out->is_two_byte = (profile & PROFILE_TWO_BYTE_MASK) == PROFILE_TWO_BYTE;
        if (profile == PROFILE_ONE_BYTE || out->is_two_byte) {
            out->extensions_offset = (uint16_t)at;
            out->extensions_bytes = (uint16_t)size;
        }
        at += size;
    }
    if (at > len)
        return -EBADMSG;
    out->header_bytes = (uint16_t)at;
    return 0;
}

int mnb_rtp_parse(MnbRtp *out, const uint8_t *packet, size_t len)
{
    int result = mnb_rtp_parse_header(out, packet, len);
    if (result < 0)
        return result;
    size_t body = len - out->header_bytes;
    if (out->has_padding) {
        out->padding_bytes = packet[len - 1];
        if (body == 0 || out->padding_bytes == 0 || out->padding_bytes > body)
            return -EBADMSG;
    }
    out->payload_bytes = (uint16_t)(body - out->padding_bytes);
    return 0;
}

/* Walks the elements. */
typedef struct {
    size_t at;
    size_t end;
    bool is_two_byte;
    uint8_t id;
    size_t data_at;
    size_t data_len;
} Elements;

static Elements elements_of(const MnbRtp *rtp)
{
    return (Elements){.at = rtp->extensions_offset,
                      .end = (size_t)rtp->extensions_offset + rtp->extensions_bytes,
                      .is_two_byte = rtp->is_two_byte};
}

/* Returns 1 with the next element, 0 at the end, -EBADMSG when it runs past the end. */
static int next_element(Elements *self, const uint8_t *packet)
{
    while (self->at < self->end && packet[self->at] == 0)
        self->at++; /* padding */
    if (self->at >= self->end)
        return 0;
    if (self->is_two_byte) {
        if (self->end - self->at < 2)
            return -EBADMSG;
        self->id = packet[self->at];
        self->data_len = packet[self->at + 1];
        self->data_at = self->at + 2;
    } else {
        self->id = packet[self->at] >> 4;
        if (self->id == ONE_BYTE_STOP)
            return 0;
        self->data_len = (size_t)(packet[self->at] & 15) + 1;
        self->data_at = self->at + 1;
    }
    if (self->data_len > self->end - self->data_at)
        return -EBADMSG;
    self->at = self->data_at + self->data_len;
    return 1;
}

const uint8_t *mnb_rtp_find_extension(const MnbRtp *rtp, const uint8_t *packet, uint8_t id,
                                      size_t *len_out)
{
    if (rtp->extensions_offset == 0 || id == 0)
        return NULL;
    Elements elements = elements_of(rtp);
    while (next_element(&elements, packet) > 0)
        if (elements.id == id) {
            *len_out = elements.data_len;
            return packet + elements.data_at;
        }
    return NULL;
}

bool mnb_rtp_read_audio_level(const MnbRtp *rtp, const uint8_t *packet, uint8_t id,
                              uint8_t *level_out, bool *is_voice_out)
{
    size_t len;
    const uint8_t *data = mnb_rtp_find_extension(rtp, packet, id, &len);
    if (data == NULL || len < 1)
        return false;
    *level_out = data[0] & 0x7f;
    *is_voice_out = (data[0] & 0x80) != 0;
    return true;
}

bool mnb_rtp_read_u16(const MnbRtp *rtp, const uint8_t *packet, uint8_t id, uint16_t *value_out)
{
    size_t len;
    const uint8_t *data = mnb_rtp_find_extension(rtp, packet, id, &len);
    if (data == NULL || len != 2)
        return false;
    *value_out = mnb_get_u16(data);
    return true;
}

bool mnb_rtp_read_u24(const MnbRtp *rtp, const uint8_t *packet, uint8_t id, uint32_t *value_out)
{
    size_t len;
    const uint8_t *data = mnb_rtp_find_extension(rtp, packet, id, &len);
    if (data == NULL || len != 3)
        return false;
    *value_out = mnb_get_u24(data);
    return true;
}

static bool is_name_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

bool mnb_rtp_read_text(const MnbRtp *rtp, const uint8_t *packet, uint8_t id, char *text_out,
                       size_t cap)
{
    size_t len;
    const uint8_t *data = mnb_rtp_find_extension(rtp, packet, id, &len);
    if (data == NULL || len == 0 || len >= cap)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_name_char(data[i]))
            return false;
        text_out[i] = (char)data[i];
    }
    text_out[len] = '\0';
    return true;
}

int mnb_rtp_map_extensions(const MnbRtp *rtp, uint8_t *packet,
                           const uint8_t map[MNB_RTP_EXTENSION_ID_MAX + 1])
{
    if (rtp->extensions_offset == 0)
        return 0;
    Elements elements = elements_of(rtp);
    int got;
    while ((got = next_element(&elements, packet)) > 0)
        ;
    if (got < 0)
        return got;
    elements = elements_of(rtp);
    size_t head = rtp->is_two_byte ? 2 : 1;
    while (next_element(&elements, packet) > 0) {
        uint8_t id = elements.id <= MNB_RTP_EXTENSION_ID_MAX ? map[elements.id] : 0;
        uint8_t *element = packet + elements.data_at - head;
        if (id == 0)
            memset(element, 0, head + elements.data_len);
        else if (rtp->is_two_byte)
            element[0] = id;
        else
            element[0] = (uint8_t)(id << 4 | (element[0] & 15));
    }
    return 0;
}

void mnb_rtp_build(MnbRtpBuilder *self, uint8_t *data, size_t cap, uint8_t pt, uint32_t ssrc)
{
    *self = (MnbRtpBuilder){.data = data, .cap = cap, .len = MNB_RTP_HEADER_BYTES};
    if (cap < MNB_RTP_HEADER_BYTES) {
        self->has_failed = true;
        return;
    }
    memset(data, 0, MNB_RTP_HEADER_BYTES);
    data[0] = 0x80;
    mnb_rtp_set_pt(data, pt, false);
    mnb_rtp_set_ssrc(data, ssrc);
}

int mnb_rtp_build_extension(MnbRtpBuilder *self, uint8_t id, const void *data, size_t len)
{
    if (id == 0)
        return 0;
    if (id > MNB_RTP_EXTENSION_ID_MAX || len == 0 || len > 16) {
        self->has_failed = true;
        return -EINVAL;
    }
    bool is_first = self->len == MNB_RTP_HEADER_BYTES;
    /* What is added, and the bytes that build_end() may need to fill up a word. */
    if (self->has_failed || self->len + (is_first ? 4 : 0) + 1 + len + 3 > self->cap) {
        self->has_failed = true;
        return -ENOSPC;
    }
    if (is_first) {
        self->data[0] |= 0x10;
        mnb_put_u16(self->data + self->len, PROFILE_ONE_BYTE);
        mnb_put_u16(self->data + self->len + 2, 0);
        self->len += 4;
    }
    self->data[self->len++] = (uint8_t)((unsigned)id << 4 | (unsigned)(len - 1));
    memcpy(self->data + self->len, data, len);
    self->len += len;
    return (int)(self->len - len);
}

int mnb_rtp_build_end(MnbRtpBuilder *self)
{
    if (self->has_failed)
        return -ENOSPC;
    if (self->len == MNB_RTP_HEADER_BYTES)
        return (int)self->len;
    while (self->len % 4 != 0)
        self->data[self->len++] = 0;
    size_t words = (self->len - MNB_RTP_HEADER_BYTES - 4) / 4;
    mnb_put_u16(self->data + MNB_RTP_HEADER_BYTES + 2, (uint16_t)words);
    return (int)self->len;
}
