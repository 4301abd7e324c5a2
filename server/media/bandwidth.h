/* bandwidth.h - how many bits a second a receiver's line takes.
 *
 * One per receiving transport, owned by the media worker. It learns from three sources:
 *
 *     transport-wide feedback   delay (trendline.h), loss, and what probes arrived as
 *     receiver reports          loss; only while there is no transport-wide feedback
 *     REMB                      an upper limit, also only then
 *
 * Overuse brings the estimate to 0.85 of what arrives. Loss above 12 % lowers it, too, unless less
 * traffic turned out to lose as much: then the line loses by itself, and slowing down helps nobody.
 * The estimate grows by 8 % a second while it is used, or by a probe: a short run of padding above
 * it, sent when more is wanted. Pure but for the memory it lies in; never allocates. Times are of
 * one monotonic clock, in us, above 0. */
#pragma once
#include "server/media/trendline.h"
#include <stddef.h>
#include <stdint.h>

#define MNB_BANDWIDTH_START_BPS 2000000 /* until the first feedback says more */
#define MNB_BANDWIDTH_MIN_BPS   50000
#define MNB_BANDWIDTH_MAX_BPS   100000000
#define MNB_BANDWIDTH_UNKNOWN   UINT32_MAX /* nothing speaks against any rate */
#define MNB_BANDWIDTH_HISTORY   1024       /* packets remembered; a power of two */

typedef struct {
    uint32_t sent_us; /* low half */
    uint16_t seq;
    uint16_t size; /* 0: empty, or told already */
} MnbSentSize;

typedef struct {
    bool is_running; /* from start to the feedback about it */
    bool has_ended;  /* all is sent */
    uint16_t first, last;
    uint32_t bps;
    int64_t start_us;
    uint32_t bytes_left;
    double credit;
    int64_t credit_us;
    /* what arrived of it */
    unsigned n;
    uint32_t bytes, last_size, first_size;
    int64_t sent_first_us, sent_last_us, arrival_first_us, arrival_last_us;
} MnbProbe;

/* Fields are private, but for the tests. */
typedef struct {
    MnbSentSize sent[MNB_BANDWIDTH_HISTORY]; /* at number & mask; first: one store a packet */
    bool has_feedback;                       /* transport-wide, within the last seconds */
    bool is_limited;                         /* some evidence has set the estimate */
    uint32_t bps;
    int64_t feedback_us; /* last transport-wide one; 0: never */

    MnbTrendline trend;
    int64_t decrease_us, increase_us;
    double capacity_bps;  /* of the line, when it was last full; 0: not known */
    int64_t reference_us; /* unwrapped time of the peer's clock */
    int32_t reference_64;
    bool has_reference;

    /* what arrives: windows of the peer's clock */
    int64_t window_us;
    uint32_t window_bytes;
    double acked_bps;               /* 0: not known */
    int64_t delay_min_us, delay_us; /* one way, with an unknown offset; smoothed */

    int64_t standing_us; /* since when the queue stands; 0: it does not */
    unsigned n_standing;

    /* loss: windows of our clock */
    int64_t loss_us;
    uint32_t loss_sent, loss_lost;
    double loss; /* of the last window, 0 to 1 */
    double inherent;
    bool is_trial;
    int64_t trial_us;
    int64_t restored_us; /* when lowering turned out to have been for nothing */
    double trial_loss, trial_acked_bps;
    uint32_t trial_bps;

    uint32_t remb_bps; /* 0: none */
    int64_t remb_us;
    int64_t report_us;

    MnbProbe probe;
    int64_t probe_due_us;
    int64_t probe_gap_us;
} MnbBandwidth;

void mnb_bandwidth_init(MnbBandwidth *self, int64_t now_us);

/* A packet of @size bytes goes out as transport sequence number @seq. */
static inline void mnb_bandwidth_sent(MnbBandwidth *self, uint16_t seq, size_t size, int64_t now_us)
{
    self->sent[seq & (MNB_BANDWIDTH_HISTORY - 1)] =
        (MnbSentSize){(uint32_t)now_us, seq, (uint16_t)size};
}

/* The packet was lost and goes out once more as it was: it counts as lost, and its late arrival
 * says nothing. */
void mnb_bandwidth_forget(MnbBandwidth *self, uint16_t seq);

/* Transport-wide feedback, as mnb_rtcp_read_twcc() read it. @reference_64: its time, 64 ms units.
 */
void mnb_bandwidth_on_feedback(MnbBandwidth *self, uint16_t base_seq, int32_t reference_64,
                               const int32_t *arrivals_us, size_t n, uint32_t rtt_us,
                               int64_t now_us);

/* A receiver report about one stream, and what is sent to that receiver in all. */
void mnb_bandwidth_on_report(MnbBandwidth *self, uint8_t fraction_lost, uint32_t sent_bps,
                             int64_t now_us);
void mnb_bandwidth_on_remb(MnbBandwidth *self, uint64_t bps, int64_t now_us);

/* The estimate, or MNB_BANDWIDTH_UNKNOWN. */
uint32_t mnb_bandwidth_bps(const MnbBandwidth *self, int64_t now_us);

/* How long packets wait on the way now, above the least ever seen; 0 without feedback. */
uint32_t mnb_bandwidth_queue_us(const MnbBandwidth *self);
/* Permille of packets lost on the way in the last window. */
unsigned mnb_bandwidth_loss_permille(const MnbBandwidth *self);

/* Probing. start: whether one is to begin, as @wanted_bps do not fit; then step() at every 5 ms
 * until it returns 0. @next_seq: transport number of the next packet that will be sent. */
bool mnb_bandwidth_start_probe(MnbBandwidth *self, uint32_t wanted_bps, uint16_t next_seq,
                               int64_t now_us);
/* Returns: bytes of padding to send now; sets *@has_more. */
uint32_t mnb_bandwidth_step_probe(MnbBandwidth *self, bool *has_more, int64_t now_us);
void mnb_bandwidth_end_probe(MnbBandwidth *self, uint16_t last_seq);
