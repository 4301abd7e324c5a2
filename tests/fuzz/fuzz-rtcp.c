/* Walks the compound and asks every reader about every packet; what a NACK says is written again
 * and must say the same. */
#include "server/media/rtcp.h"
#include <stdlib.h>
#include <string.h>

#define SEQS 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_nack(const uint16_t *seqs, size_t n)
{
    static uint8_t buffer[4 * SEQS + 64];
    uint16_t again[SEQS];
    uint32_t media;
    MnbRtcpWriter writer;
    MnbRtcpReader reader;
    MnbRtcpPacket packet;
    mnb_rtcp_begin(&writer, buffer, sizeof buffer);
    if (mnb_rtcp_put_nack(&writer, 1, 2, seqs, n) < 0)
        abort();
    mnb_rtcp_start(&reader, buffer, writer.len);
    if (mnb_rtcp_next(&reader, &packet) != 1)
        abort();
    size_t m = mnb_rtcp_read_nack(&packet, &media, again, SEQS);
    /* Numbers of one bitmap come out in order and once: only the set is the same. */
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;
        while (j < m && again[j] != seqs[i])
            j++;
        if (j == m)
            abort();
    }
}

static volatile uint8_t sum; /* so that the bytes are really read */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int32_t arrivals[2048];
    MnbRtcpReader reader;
    MnbRtcpPacket packet;
    MnbRtcpSenderInfo info;
    MnbRtcpReport report;
    MnbRtcpTwcc twcc;
    uint32_t ssrc;
    uint8_t seq;
    uint64_t bps;
    uint16_t seqs[SEQS];
    const char *name;
    size_t len;
    mnb_rtcp_start(&reader, data, size);
    while (mnb_rtcp_next(&reader, &packet) > 0) {
        mnb_rtcp_read_ssrc(&packet, &ssrc);
        mnb_rtcp_read_sr(&packet, &info);
        for (size_t i = 0; i < 32; i++) {
            if (mnb_rtcp_read_report(&packet, i, &report))
                mnb_rtcp_round_trip_us(&report, 0x1234567800000000);
            mnb_rtcp_read_bye(&packet, i, &ssrc);
            mnb_rtcp_read_fir(&packet, i, &ssrc, &seq);
        }
        if (mnb_rtcp_read_cname(&packet, &ssrc, &name, &len))
            for (size_t i = 0; i < len; i++)
                sum ^= (uint8_t)name[i];
        mnb_rtcp_read_pli(&packet, &ssrc);
        mnb_rtcp_read_remb(&packet, &bps);
        size_t n = mnb_rtcp_read_nack(&packet, &ssrc, seqs, SEQS);
        if (n > 0)
            check_nack(seqs, n);
        mnb_rtcp_read_twcc(&packet, &twcc, arrivals, sizeof arrivals / sizeof arrivals[0]);
    }
    return 0;
}
