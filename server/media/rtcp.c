/* rtcp.c - see rtcp.h.
 *
 *     |V=2|P| count | type | length in words - 1 | body ... | padding |
 */
#include "server/media/rtcp.h"
#include "server/media/bytes.h"
#include "server/media/seq.h"
#include <errno.h>
#include <string.h>

#define HEAD_BYTES        4
#define REPORT_BYTES      24
#define SENDER_INFO_BYTES 24 /* SSRC included */
#define FEEDBACK_BYTES    8  /* SSRC of sender and of media */
#define REMB_NAME         0x52454d42u
#define COUNT_MAX         31
#define SDES_CNAME        1

/* ---- reading ---- */

void mnb_rtcp_start(MnbRtcpReader *reader, const uint8_t *data, size_t len)
{
    *reader = (MnbRtcpReader){.data = data, .len = len};
}

int mnb_rtcp_next(MnbRtcpReader *reader, MnbRtcpPacket *out)
{
    size_t left = reader->len - reader->at;
    const uint8_t *head = reader->data + reader->at;
    if (left == 0)
        return 0;
    reader->at = reader->len; /* should it be malformed, nothing follows */
    if (left < HEAD_BYTES || head[0] >> 6 != 2)
        return -EBADMSG;
    size_t size = ((size_t)mnb_get_u16(head + 2) + 1) * 4;
    if (size > left)
        return -EBADMSG;
    out->count = head[0] & 31;
    out->type = head[1];
    out->body = head + HEAD_BYTES;
    out->body_len = size - HEAD_BYTES;
    if ((head[0] & 0x20) != 0) {
        uint8_t padding = head[size - 1];
        if (padding == 0 || padding > out->body_len)
            return -EBADMSG;
        out->body_len -= padding;
    }
    reader->at = reader->len - left + size;
    return 1;
}

bool mnb_rtcp_read_ssrc(const MnbRtcpPacket *packet, uint32_t *ssrc_out)
{
    if (packet->body_len < 4)
        return false;
    *ssrc_out = mnb_get_u32(packet->body);
    return true;
}

bool mnb_rtcp_read_sr(const MnbRtcpPacket *packet, MnbRtcpSenderInfo *out)
{
    if (packet->type != MNB_RTCP_SR || packet->body_len < SENDER_INFO_BYTES)
        return false;
    out->ssrc = mnb_get_u32(packet->body);
    out->ntp = mnb_get_u64(packet->body + 4);
    out->rtp_time = mnb_get_u32(packet->body + 12);
    out->packets = mnb_get_u32(packet->body + 16);
    out->bytes = mnb_get_u32(packet->body + 20);
    return true;
}

bool mnb_rtcp_read_report(const MnbRtcpPacket *packet, size_t index, MnbRtcpReport *out)
{
    size_t first = packet->type == MNB_RTCP_SR ? SENDER_INFO_BYTES : 4;
    if ((packet->type != MNB_RTCP_SR && packet->type != MNB_RTCP_RR) || index >= packet->count ||
        first + (index + 1) * REPORT_BYTES > packet->body_len)
        return false;
    const uint8_t *at = packet->body + first + index * REPORT_BYTES;
    uint32_t lost = mnb_get_u24(at + 5);
    out->ssrc = mnb_get_u32(at);
    out->fraction_lost = at[4];
    out->lost = (int32_t)(lost ^ 0x800000) - 0x800000; /* 24 bits, signed */
    out->highest_seq = mnb_get_u32(at + 8);
    out->jitter = mnb_get_u32(at + 12);
    out->last_sr = mnb_get_u32(at + 16);
    out->delay = mnb_get_u32(at + 20);
    return true;
}

int64_t mnb_rtcp_round_trip_us(const MnbRtcpReport *report, uint64_t now_ntp)
{
    if (report->last_sr == 0)
        return -1;
    uint32_t now = (uint32_t)(now_ntp >> 16);
    int32_t trip = (int32_t)(now - report->last_sr - report->delay);
    return trip < 0 ? -1 : (int64_t)trip * 1000000 / 65536;
}

bool mnb_rtcp_read_bye(const MnbRtcpPacket *packet, size_t index, uint32_t *ssrc_out)
{
    if (packet->type != MNB_RTCP_BYE || index >= packet->count ||
        (index + 1) * 4 > packet->body_len)
        return false;
    *ssrc_out = mnb_get_u32(packet->body + index * 4);
    return true;
}

bool mnb_rtcp_read_cname(const MnbRtcpPacket *packet, uint32_t *ssrc_out, const char **name_out,
                         size_t *len_out)
{
    if (packet->type != MNB_RTCP_SDES || packet->count == 0 || packet->body_len < 4)
        return false;
    *ssrc_out = mnb_get_u32(packet->body);
    size_t at = 4;
    while (packet->body_len - at >= 2 && packet->body[at] != 0) {
        size_t len = packet->body[at + 1];
        if (len > packet->body_len - at - 2)
            return false;
        if (packet->body[at] == SDES_CNAME) {
            *name_out = (const char *)packet->body + at + 2;
            *len_out = len;
            return true;
        }
        at += 2 + len;
    }
    return false;
}

static bool is_feedback(const MnbRtcpPacket *packet, uint8_t type, uint8_t format, size_t least)
{
    return packet->type == type && packet->count == format && packet->body_len >= least;
}

size_t mnb_rtcp_read_nack(const MnbRtcpPacket *packet, uint32_t *media_ssrc_out, uint16_t *seqs,
                          size_t cap)
{
    if (!is_feedback(packet, MNB_RTCP_RTPFB, MNB_RTPFB_NACK, FEEDBACK_BYTES + 4))
        return 0;
    *media_ssrc_out = mnb_get_u32(packet->body + 4);
    size_t n = 0;
    for (size_t at = FEEDBACK_BYTES; at + 4 <= packet->body_len; at += 4) {
        uint16_t first = mnb_get_u16(packet->body + at);
        uint16_t bits = mnb_get_u16(packet->body + at + 2);
        if (n < cap)
            seqs[n++] = first;
        for (unsigned bit = 0; bit < 16; bit++)
            if ((bits >> bit & 1) != 0 && n < cap)
                seqs[n++] = (uint16_t)(first + 1 + bit);
    }
    return n;
}

bool mnb_rtcp_read_pli(const MnbRtcpPacket *packet, uint32_t *media_ssrc_out)
{
    if (!is_feedback(packet, MNB_RTCP_PSFB, MNB_PSFB_PLI, FEEDBACK_BYTES))
        return false;
    *media_ssrc_out = mnb_get_u32(packet->body + 4);
    return true;
}

bool mnb_rtcp_read_fir(const MnbRtcpPacket *packet, size_t index, uint32_t *media_ssrc_out,
                       uint8_t *seq_out)
{
    if (!is_feedback(packet, MNB_RTCP_PSFB, MNB_PSFB_FIR, FEEDBACK_BYTES) ||
        index >= (packet->body_len - FEEDBACK_BYTES) / 8)
        return false;
    const uint8_t *at = packet->body + FEEDBACK_BYTES + index * 8;
    *media_ssrc_out = mnb_get_u32(at);
    *seq_out = at[4];
    return true;
}

bool mnb_rtcp_read_remb(const MnbRtcpPacket *packet, uint64_t *bps_out)
{
    if (!is_feedback(packet, MNB_RTCP_PSFB, MNB_PSFB_AFB, FEEDBACK_BYTES + 8) ||
        mnb_get_u32(packet->body + 8) != REMB_NAME)
        return false;
    uint32_t word = mnb_get_u24(packet->body + 13);
    uint32_t exponent = word >> 18;
    uint64_t mantissa = word & 0x3ffff;
    uint64_t most = 1ULL << 53;
    *bps_out = mantissa > most >> exponent ? most : mantissa << exponent;
    return true;
}

/* Packet status symbols, spread out of run length and vector chunks. */
typedef struct {
    const uint8_t *body;
    size_t at;
    size_t end;
    uint16_t chunk;
    unsigned left; /* symbols left in the chunk */
} Symbols;

enum { SYMBOL_LOST, SYMBOL_SMALL, SYMBOL_LARGE, SYMBOL_RESERVED };

/* Returns: the symbol, or -1 when the chunks end too early. */
static int next_symbol(Symbols *self)
{
    if (self->left == 0) {
        if (self->end - self->at < 2)
            return -1;
        self->chunk = mnb_get_u16(self->body + self->at);
        self->at += 2;
        if ((self->chunk & 0x8000) == 0)
            self->left = self->chunk & 0x1fff;
        else
            self->left = (self->chunk & 0x4000) != 0 ? 7 : 14;
        if (self->left == 0)
            return -1;
    }
    self->left--;
    if ((self->chunk & 0x8000) == 0)
        return self->chunk >> 13 & 3;
    if ((self->chunk & 0x4000) != 0)
        return self->chunk >> (2 * self->left) & 3;
    return self->chunk >> self->left & 1;
}

int mnb_rtcp_read_twcc(const MnbRtcpPacket *packet, MnbRtcpTwcc *out, int32_t *arrivals_us,
                       size_t cap)
{
    if (!is_feedback(packet, MNB_RTCP_RTPFB, MNB_RTPFB_TWCC, FEEDBACK_BYTES + 8))
        return -EBADMSG;
    const uint8_t *body = packet->body;
    out->base_seq = mnb_get_u16(body + 8);
    out->count = mnb_get_u16(body + 10);
    out->reference_time_64 = (int32_t)(mnb_get_u24(body + 12) ^ 0x800000) - 0x800000;
    out->feedback_count = body[15];

    /* Two walks over the chunks: the deltas begin where the chunks end. */
    Symbols symbols = {.body = body, .at = 16, .end = packet->body_len};
    for (unsigned i = 0; i < out->count; i++)
        if (next_symbol(&symbols) < 0)
            return -EBADMSG;
    size_t delta_at = symbols.at;
    symbols = (Symbols){.body = body, .at = 16, .end = packet->body_len};
    int32_t arrival_us = 0;
    size_t n = 0;
    for (unsigned i = 0; i < out->count && n < cap; i++) {
        int symbol = next_symbol(&symbols);
        size_t size = symbol == SYMBOL_SMALL ? 1 : symbol == SYMBOL_LARGE ? 2 : 0;
        if (symbol == SYMBOL_RESERVED || size > packet->body_len - delta_at)
            return -EBADMSG;
        if (size == 1)
            arrival_us += body[delta_at] * 250;
        else if (size == 2)
            arrival_us += (int16_t)mnb_get_u16(body + delta_at) * 250;
        delta_at += size;
        /* 65535 packets, each at most 8.2 s after the one before: bounded, so that a lying peer
         * cannot make it overflow. */
        if (arrival_us > INT32_MAX / 2 || arrival_us < INT32_MIN / 2)
            return -EBADMSG;
        arrivals_us[n++] = size == 0 ? MNB_TWCC_LOST : arrival_us;
    }
    return (int)n;
}

/* ---- writing ---- */

void mnb_rtcp_begin(MnbRtcpWriter *writer, uint8_t *data, size_t cap)
{
    *writer = (MnbRtcpWriter){.data = data, .cap = cap};
}

/* Appends the head of a packet with @body_len bytes (a multiple of 4). Returns (borrowed): the
 * body, zeroed; NULL when it does not fit. */
static uint8_t *add(MnbRtcpWriter *writer, uint8_t type, size_t count, size_t body_len)
{
    size_t size = HEAD_BYTES + body_len;
    if (size > writer->cap - writer->len || count > COUNT_MAX || size / 4 - 1 > UINT16_MAX)
        return NULL;
    uint8_t *at = writer->data + writer->len;
    at[0] = (uint8_t)(0x80 | count);
    at[1] = type;
    mnb_put_u16(at + 2, (uint16_t)(size / 4 - 1));
    memset(at + HEAD_BYTES, 0, body_len);
    writer->len += size;
    return at + HEAD_BYTES;
}

static void write_reports(uint8_t *at, const MnbRtcpReport *reports, size_t n)
{
    for (size_t i = 0; i < n; i++, at += REPORT_BYTES) {
        int32_t lost = reports[i].lost;
        lost = lost > 0x7fffff ? 0x7fffff : lost < -0x800000 ? -0x800000 : lost;
        mnb_put_u32(at, reports[i].ssrc);
        at[4] = reports[i].fraction_lost;
        mnb_put_u24(at + 5, (uint32_t)lost & 0xffffff);
        mnb_put_u32(at + 8, reports[i].highest_seq);
        mnb_put_u32(at + 12, reports[i].jitter);
        mnb_put_u32(at + 16, reports[i].last_sr);
        mnb_put_u32(at + 20, reports[i].delay);
    }
}

int mnb_rtcp_put_sr(MnbRtcpWriter *writer, const MnbRtcpSenderInfo *info,
                    const MnbRtcpReport *reports, size_t n_reports)
{
    if (n_reports > COUNT_MAX)
        return -ENOSPC;
    uint8_t *body =
        add(writer, MNB_RTCP_SR, n_reports, SENDER_INFO_BYTES + n_reports * REPORT_BYTES);
    if (body == NULL)
        return -ENOSPC;
    mnb_put_u32(body, info->ssrc);
    mnb_put_u64(body + 4, info->ntp);
    mnb_put_u32(body + 12, info->rtp_time);
    mnb_put_u32(body + 16, info->packets);
    mnb_put_u32(body + 20, info->bytes);
    write_reports(body + SENDER_INFO_BYTES, reports, n_reports);
    return 0;
}

int mnb_rtcp_put_rr(MnbRtcpWriter *writer, uint32_t ssrc, const MnbRtcpReport *reports,
                    size_t n_reports)
{
    if (n_reports > COUNT_MAX)
        return -ENOSPC;
    uint8_t *body = add(writer, MNB_RTCP_RR, n_reports, 4 + n_reports * REPORT_BYTES);
    if (body == NULL)
        return -ENOSPC;
    mnb_put_u32(body, ssrc);
    write_reports(body + 4, reports, n_reports);
    return 0;
}

int mnb_rtcp_put_cname(MnbRtcpWriter *writer, uint32_t ssrc, const char *cname)
{
    size_t len = strlen(cname);
    if (len == 0 || len > 255)
        return -ENOSPC;
    /* SSRC, item head, name, and at least one zero that ends the chunk, filled up to a word */
    uint8_t *body = add(writer, MNB_RTCP_SDES, 1, (4 + 2 + len + 1 + 3) & ~(size_t)3);
    if (body == NULL)
        return -ENOSPC;
    mnb_put_u32(body, ssrc);
    body[4] = SDES_CNAME;
    body[5] = (uint8_t)len;
    memcpy(body + 6, cname, len);
    return 0;
}

int mnb_rtcp_put_bye(MnbRtcpWriter *writer, const uint32_t *ssrcs, size_t n)
{
    if (n == 0 || n > COUNT_MAX)
        return -ENOSPC;
    uint8_t *body = add(writer, MNB_RTCP_BYE, n, n * 4);
    if (body == NULL)
        return -ENOSPC;
    for (size_t i = 0; i < n; i++)
        mnb_put_u32(body + i * 4, ssrcs[i]);
    return 0;
}

static uint8_t *add_feedback(MnbRtcpWriter *writer, uint8_t type, uint8_t format, uint32_t ssrc,
                             uint32_t media_ssrc, size_t more)
{
    uint8_t *body = add(writer, type, format, FEEDBACK_BYTES + more);
    if (body == NULL)
        return NULL;
    mnb_put_u32(body, ssrc);
    mnb_put_u32(body + 4, media_ssrc);
    return body + FEEDBACK_BYTES;
}

/* Takes from @seqs what fits one entry. Returns: how many. */
static size_t pack_nack(const uint16_t *seqs, size_t n, uint16_t *bits_out)
{
    size_t used = 1;
    *bits_out = 0;
    while (used < n) {
        int32_t ahead = mnb_seq_diff(seqs[used], seqs[0]);
        if (ahead < 1 || ahead > 16)
            break;
        *bits_out |= (uint16_t)(1u << (ahead - 1));
        used++;
    }
    return used;
}

int mnb_rtcp_put_nack(MnbRtcpWriter *writer, uint32_t ssrc, uint32_t media_ssrc,
                      const uint16_t *seqs, size_t n)
{
    uint16_t bits;
    size_t entries = 0;
    if (n == 0)
        return -ENOSPC;
    for (size_t i = 0; i < n; entries++)
        i += pack_nack(seqs + i, n - i, &bits);
    uint8_t *at =
        add_feedback(writer, MNB_RTCP_RTPFB, MNB_RTPFB_NACK, ssrc, media_ssrc, entries * 4);
    if (at == NULL)
        return -ENOSPC;
    for (size_t i = 0; i < n; at += 4) {
        mnb_put_u16(at, seqs[i]);
        i += pack_nack(seqs + i, n - i, &bits);
        mnb_put_u16(at + 2, bits);
    }
    return 0;
}

int mnb_rtcp_put_pli(MnbRtcpWriter *writer, uint32_t ssrc, uint32_t media_ssrc)
{
    return add_feedback(writer, MNB_RTCP_PSFB, MNB_PSFB_PLI, ssrc, media_ssrc, 0) == NULL ? -ENOSPC
                                                                                          : 0;
}

int mnb_rtcp_put_fir(MnbRtcpWriter *writer, uint32_t ssrc, uint32_t media_ssrc, uint8_t seq)
{
    /* The media SSRC of the common part is 0 (RFC 5104 4.3.1.2); the entry names it. */
    uint8_t *at = add_feedback(writer, MNB_RTCP_PSFB, MNB_PSFB_FIR, ssrc, 0, 8);
    if (at == NULL)
        return -ENOSPC;
    mnb_put_u32(at, media_ssrc);
    at[4] = seq;
    return 0;
}

int mnb_rtcp_put_remb(MnbRtcpWriter *writer, uint32_t ssrc, uint64_t bps,
                      const uint32_t *media_ssrcs, size_t n)
{
    if (n > 255)
        return -ENOSPC;
    uint8_t *at = add_feedback(writer, MNB_RTCP_PSFB, MNB_PSFB_AFB, ssrc, 0, 8 + n * 4);
    if (at == NULL)
        return -ENOSPC;
    uint32_t exponent = 0;
    while (bps >> exponent > 0x3ffff)
        exponent++;
    mnb_put_u32(at, REMB_NAME);
    at[4] = (uint8_t)n;
    mnb_put_u24(at + 5, exponent << 18 | (uint32_t)(bps >> exponent));
    for (size_t i = 0; i < n; i++)
        mnb_put_u32(at + 8 + i * 4, media_ssrcs[i]);
    return 0;
}
