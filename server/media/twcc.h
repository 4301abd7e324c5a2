/* twcc.h - remembers when packets arrived and writes transport-wide feedback about them
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01).
 *
 * One per publishing transport, owned by the media worker. Never allocates. Send what build()
 * writes as an RTCP packet of its own: Chromium ignores transport feedback inside a compound. */
#pragma once
#include "server/media/rtcp.h"

#define MNB_TWCC_WINDOW 1024 /* sequence numbers back; older arrivals are not told */

/* Zero it to begin. Fields are private. */
typedef struct {
    int64_t next;    /* unwrapped: all before have been told */
    int64_t highest; /* unwrapped: newest that arrived */
    bool is_started;
    bool has_news;
    uint8_t feedback_count;
    int64_t arrival_us[MNB_TWCC_WINDOW]; /* at number & 1023; 0: not arrived */
} MnbTwcc;

/* A packet with transport sequence number @seq arrived at @now_us (monotonic, above 0). */
void mnb_twcc_arrived(MnbTwcc *self, uint16_t seq, int64_t now_us);

/* Whether build() has something to tell. */
static inline bool mnb_twcc_has_news(const MnbTwcc *self)
{
    return self->has_news;
}

/* Appends one feedback message about what arrived since the last one, as much as fits and as the
 * format can hold (call again while mnb_twcc_has_news()).
 * @ssrc: ours; @media_ssrc: any SSRC of the publisher.
 * Returns 0, -ENODATA when there is nothing, -ENOSPC when @writer has less than 64 bytes left. */
int mnb_twcc_build(MnbTwcc *self, MnbRtcpWriter *writer, uint32_t ssrc, uint32_t media_ssrc);
