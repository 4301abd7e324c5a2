/* rtcp.h - RTCP packets, read and written (RFC 3550 6, 4585, 5104, 5506, REMB, transport-cc).
 *
 * Reading: walk a compound packet with mnb_rtcp_next(), then ask for what its type holds. Every
 * reader checks its own lengths; nothing is copied or allocated. Reduced-size packets (RFC 5506)
 * are as good as full compounds. Writing: put packets one behind the other into the caller's
 * buffer.
 *
 *     MnbRtcpReader reader;
 *     MnbRtcpPacket packet;
 *     mnb_rtcp_start(&reader, data, len);
 *     while ((got = mnb_rtcp_next(&reader, &packet)) > 0)
 *         switch (packet.type) ...
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MNB_RTCP_BYTES_MAX 1200 /* of a compound we write */

typedef enum {
    MNB_RTCP_SR = 200,
    MNB_RTCP_RR = 201,
    MNB_RTCP_SDES = 202,
    MNB_RTCP_BYE = 203,
    MNB_RTCP_RTPFB = 205, /* transport feedback: MNB_RTPFB_... */
    MNB_RTCP_PSFB = 206,  /* payload feedback: MNB_PSFB_... */
    MNB_RTCP_XR = 207,
} MnbRtcpType;

enum { MNB_RTPFB_NACK = 1, MNB_RTPFB_TWCC = 15 };
enum { MNB_PSFB_PLI = 1, MNB_PSFB_FIR = 4, MNB_PSFB_AFB = 15 /* REMB and others */ };

/* ---- reading ---- */

typedef struct {
    const uint8_t *data;
    size_t len;
    size_t at;
} MnbRtcpReader;

/* One packet of a compound. Borrowed from the buffer. */
typedef struct {
    uint8_t type;        /* MnbRtcpType or any other 192-223 */
    uint8_t count;       /* report count, source count, or feedback message type: 0-31 */
    const uint8_t *body; /* behind the 4-byte head */
    size_t body_len;     /* without padding; a multiple of 4 unless padded oddly */
} MnbRtcpPacket;

void mnb_rtcp_start(MnbRtcpReader *reader, const uint8_t *data, size_t len);

/* Returns 1, 0 at the end, -EBADMSG when the rest is malformed (packets before it stand). */
int mnb_rtcp_next(MnbRtcpReader *reader, MnbRtcpPacket *out);

/* Sender SSRC: the first word of all types but SDES and BYE. False when too short. */
bool mnb_rtcp_read_ssrc(const MnbRtcpPacket *packet, uint32_t *ssrc_out);

typedef struct {
    uint32_t ssrc;
    uint64_t ntp; /* 32.32 fixed point seconds since 1900 */
    uint32_t rtp_time;
    uint32_t packets;
    uint32_t bytes; /* of payload */
} MnbRtcpSenderInfo;

bool mnb_rtcp_read_sr(const MnbRtcpPacket *packet, MnbRtcpSenderInfo *out);

typedef struct {
    uint32_t ssrc;         /* whom it is about */
    uint8_t fraction_lost; /* of 256, since the last report */
    int32_t lost;          /* 24 bits, signed */
    uint32_t highest_seq;  /* extended */
    uint32_t jitter;       /* RTP time units */
    uint32_t last_sr;      /* middle 32 bits of the NTP time of the last SR; 0: none */
    uint32_t delay;        /* since that SR, 1/65536 s */
} MnbRtcpReport;

/* Report block @index (0 to packet->count - 1) of an SR or RR. False when it is not there. */
bool mnb_rtcp_read_report(const MnbRtcpPacket *packet, size_t index, MnbRtcpReport *out);

/* Round trip in us from a report block; @now_ntp: of the clock our SRs were made of. -1: not known.
 */
int64_t mnb_rtcp_round_trip_us(const MnbRtcpReport *report, uint64_t now_ntp);

/* SSRC @index of a BYE. False when it is not there. */
bool mnb_rtcp_read_bye(const MnbRtcpPacket *packet, size_t index, uint32_t *ssrc_out);

/* CNAME of the first chunk of an SDES. Borrowed, not terminated. False when there is none. */
bool mnb_rtcp_read_cname(const MnbRtcpPacket *packet, uint32_t *ssrc_out, const char **name_out,
                         size_t *len_out);

/* Generic NACK, bitmaps spread out into sequence numbers.
 * Returns: how many were written to @seqs (at most @cap, the rest is dropped), 0 when it is no NACK
 * or malformed. */
size_t mnb_rtcp_read_nack(const MnbRtcpPacket *packet, uint32_t *media_ssrc_out, uint16_t *seqs,
                          size_t cap);

bool mnb_rtcp_read_pli(const MnbRtcpPacket *packet, uint32_t *media_ssrc_out);

/* Entry @index of a FIR (RFC 5104 4.3.1). A repeated @seq_out means the same request again. */
bool mnb_rtcp_read_fir(const MnbRtcpPacket *packet, size_t index, uint32_t *media_ssrc_out,
                       uint8_t *seq_out);

/* Receiver estimated maximum bit rate. @bps_out is clipped to 2^53. */
bool mnb_rtcp_read_remb(const MnbRtcpPacket *packet, uint64_t *bps_out);

/* Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01). */
typedef struct {
    uint16_t base_seq;
    uint16_t count;            /* packets it tells about, from base_seq on */
    int32_t reference_time_64; /* 24 bits, signed; units of 64 ms */
    uint8_t feedback_count;
} MnbRtcpTwcc;

#define MNB_TWCC_LOST INT32_MIN

/* @arrivals_us: entry i gets the arrival of base_seq + i, in us from the reference time, or
 * MNB_TWCC_LOST. Returns: entries written (count of the message, at most @cap), or -EBADMSG. */
int mnb_rtcp_read_twcc(const MnbRtcpPacket *packet, MnbRtcpTwcc *out, int32_t *arrivals_us,
                       size_t cap);

/* ---- writing ---- */

typedef struct {
    uint8_t *data;
    size_t cap;
    size_t len; /* what has been written; send this much */
} MnbRtcpWriter;

/* Each put appends one packet, or returns -ENOSPC and leaves the writer as it was. */
void mnb_rtcp_begin(MnbRtcpWriter *writer, uint8_t *data, size_t cap);
int mnb_rtcp_put_sr(MnbRtcpWriter *writer, const MnbRtcpSenderInfo *info,
                    const MnbRtcpReport *reports, size_t n_reports); /* n_reports <= 31 */
int mnb_rtcp_put_rr(MnbRtcpWriter *writer, uint32_t ssrc, const MnbRtcpReport *reports,
                    size_t n_reports);
int mnb_rtcp_put_cname(MnbRtcpWriter *writer, uint32_t ssrc, const char *cname); /* 1-255 bytes */
int mnb_rtcp_put_bye(MnbRtcpWriter *writer, const uint32_t *ssrcs, size_t n);    /* n: 1-31 */

/* @seqs: ascending in the sense of mnb_seq_diff() packs best; any order is right. n above 0.
 * Returns 0, or -ENOSPC when not all fit (then nothing is written: ask for fewer). */
int mnb_rtcp_put_nack(MnbRtcpWriter *writer, uint32_t ssrc, uint32_t media_ssrc,
                      const uint16_t *seqs, size_t n);
int mnb_rtcp_put_pli(MnbRtcpWriter *writer, uint32_t ssrc, uint32_t media_ssrc);
int mnb_rtcp_put_fir(MnbRtcpWriter *writer, uint32_t ssrc, uint32_t media_ssrc, uint8_t seq);
int mnb_rtcp_put_remb(MnbRtcpWriter *writer, uint32_t ssrc, uint64_t bps,
                      const uint32_t *media_ssrcs, size_t n); /* n <= 255 */
