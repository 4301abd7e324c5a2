/* rtp.h - the RTP header (RFC 3550 5.1) and its extensions (RFC 8285), read and written in place.
 *
 * Pure functions on the caller's buffer. Nothing is allocated, nothing is remembered.
 *
 *      0                   1                   2                   3
 *     |V=2|P|X|  CC   |M|     PT      |       sequence number         |   12 bytes
 *     |                           timestamp                           |
 *     |                             SSRC                              |
 *     |                    CSRC, CC times (0-15)                      |
 *     |   0xBEDE or 0x100x            |     length in 32-bit words    |   when X
 *     |   elements ...                                                |
 *     +---------------------------------------------------------------+   <- header_bytes
 *     |   payload                                     |    padding |n |   SRTP encrypts from here
 */
#pragma once
#include "server/media/bytes.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MNB_RTP_HEADER_BYTES     12
#define MNB_RTP_PACKET_MAX       2048 /* bytes of the largest packet that is handled anywhere */
#define MNB_RTP_EXTENSION_ID_MAX 14   /* ids of the one-byte form, which we negotiate: 1 to 14 */

/* What a datagram on a media port is, by its first bytes (RFC 7983, RFC 5761 4). */
typedef enum {
    MNB_DATAGRAM_UNKNOWN,
    MNB_DATAGRAM_STUN,
    MNB_DATAGRAM_DTLS,
    MNB_DATAGRAM_RTP,
    MNB_DATAGRAM_RTCP,
} MnbDatagramKind;

static inline MnbDatagramKind mnb_datagram_kind(const uint8_t *data, size_t len)
{
    if (len < 2)
        return MNB_DATAGRAM_UNKNOWN;
    if (data[0] >= 128 && data[0] < 192)
        return data[1] >= 192 && data[1] < 224 ? MNB_DATAGRAM_RTCP : MNB_DATAGRAM_RTP;
    if (data[0] < 4)
        return MNB_DATAGRAM_STUN;
    if (data[0] >= 20 && data[0] < 64)
        return MNB_DATAGRAM_DTLS;
    return MNB_DATAGRAM_UNKNOWN;
}

/* A parsed header. Offsets are from the start of the packet. */
typedef struct {
    uint32_t ssrc;
    uint32_t timestamp;
    uint16_t seq;
    uint16_t header_bytes;      /* fixed part, CSRCs and extensions */
    uint16_t payload_bytes;     /* without padding; mnb_rtp_parse() only */
    uint16_t extensions_offset; /* of the first element; 0: no extensions of a form known here */
    uint16_t extensions_bytes;
    uint8_t padding_bytes; /* mnb_rtp_parse() only */
    uint8_t pt;            /* 0-127 */
    uint8_t n_csrc;
    bool marker;
    bool has_padding;
    bool is_two_byte; /* form of the extensions */
} MnbRtp;

/* Parses header and extensions' borders of a packet that is still encrypted.
 * Returns 0, or -EBADMSG: not version 2, or shorter than its header says. */
int mnb_rtp_parse_header(MnbRtp *out, const uint8_t *packet, size_t len);

/* The same for a plain packet: looks at the padding too.
 * Returns 0, or -EBADMSG, also when padding is 0 or longer than what is there. */
int mnb_rtp_parse(MnbRtp *out, const uint8_t *packet, size_t len);

/* Finds the element @id (1-255).
 * Returns (borrowed): its data, @len_out bytes (1-16 in the one-byte form, 0-255 in the other);
 * NULL when it is not there. A malformed block ends the search. */
const uint8_t *mnb_rtp_find_extension(const MnbRtp *rtp, const uint8_t *packet, uint8_t id,
                                      size_t *len_out);

/* Known elements, read. @packet: whole packet. Each returns false when absent or of wrong size. */
bool mnb_rtp_read_audio_level(const MnbRtp *rtp, const uint8_t *packet, uint8_t id,
                              uint8_t *level_out, bool *is_voice_out); /* -dBov, 0-127, RFC 6464 */
bool mnb_rtp_read_u16(const MnbRtp *rtp, const uint8_t *packet, uint8_t id, uint16_t *value_out);
bool mnb_rtp_read_u24(const MnbRtp *rtp, const uint8_t *packet, uint8_t id, uint32_t *value_out);
/* mid, rid, repaired-rid: @text_out gets a terminated string. False also when it does not fit @cap
 * or has other characters than letters, digits, '-' and '_'. */
bool mnb_rtp_read_text(const MnbRtp *rtp, const uint8_t *packet, uint8_t id, char *text_out,
                       size_t cap);

/* Rewriting in place. */
static inline void mnb_rtp_set_seq(uint8_t *packet, uint16_t seq)
{
    mnb_put_u16(packet + 2, seq);
}

static inline void mnb_rtp_set_timestamp(uint8_t *packet, uint32_t timestamp)
{
    mnb_put_u32(packet + 4, timestamp);
}

static inline void mnb_rtp_set_ssrc(uint8_t *packet, uint32_t ssrc)
{
    mnb_put_u32(packet + 8, ssrc);
}

static inline void mnb_rtp_set_pt(uint8_t *packet, uint8_t pt, bool marker)
{
    packet[1] = (uint8_t)((marker ? 0x80 : 0) | (pt & 0x7f));
}

static inline void mnb_rtp_set_padding(uint8_t *packet, bool has_padding)
{
    packet[0] = (uint8_t)((packet[0] & ~0x20) | (has_padding ? 0x20 : 0));
}

/* Renames elements to the ids of another session: @map[id] is the new id (1-14), 0 erases it.
 * Ids above 14 are erased. Erased elements become padding, so the length stays.
 * Returns 0, or -EBADMSG when the block is malformed (then nothing was changed). */
int mnb_rtp_map_extensions(const MnbRtp *rtp, uint8_t *packet,
                           const uint8_t map[MNB_RTP_EXTENSION_ID_MAX + 1]);

/* Builds a header, typically once per receiving slot as a template; then only the setters above and
 * writes at remembered offsets are needed per packet.
 *
 *     MnbRtpBuilder b;
 *     mnb_rtp_build(&b, buffer, sizeof buffer, pt, ssrc);
 *     mnb_rtp_build_extension(&b, mid_id, mid, strlen(mid));
 *     int twcc_at = mnb_rtp_build_extension(&b, twcc_id, "\0\0", 2);
 *     int header_bytes = mnb_rtp_build_end(&b);
 */
typedef struct {
    uint8_t *data;
    size_t cap;
    size_t len;
    bool has_failed;
} MnbRtpBuilder;

/* Starts with sequence number, time stamp and marker 0. */
void mnb_rtp_build(MnbRtpBuilder *self, uint8_t *data, size_t cap, uint8_t pt, uint32_t ssrc);

/* Adds one element in the one-byte form. @id 0 adds nothing and returns 0.
 * Returns: offset of its data in the packet (above 0); -EINVAL for an id above 14 or a length
 * outside 1-16; -ENOSPC. An error sticks: build_end() returns it again. */
int mnb_rtp_build_extension(MnbRtpBuilder *self, uint8_t id, const void *data, size_t len);

/* Pads the elements and writes their length. Returns: header length, or -ENOSPC. */
int mnb_rtp_build_end(MnbRtpBuilder *self);

/* abs-send-time of a monotonic time: 6.18 fixed point seconds, 24 bits. */
static inline uint32_t mnb_rtp_abs_send_time(int64_t now_us)
{
    uint64_t seconds_18 = ((uint64_t)now_us << 18) / 1000000u;
    return (uint32_t)(seconds_18 & 0xffffff);
}
