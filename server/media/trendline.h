/* trendline.h - tells from arrival times whether a queue grows on the way: the delay detector of
 * Google's congestion control (draft-ietf-rmcat-gcc-02, section 5, with a least-squares slope in
 * place of the Kalman filter, as browsers have it).
 *
 * Packets sent within 5 ms are one group. What counts is how much further apart two groups arrive
 * than they were sent; the slope of the sum over the last 20 groups is the trend. Above a threshold
 * that follows ordinary jitter it is overuse. Pure; never allocates. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define MNB_TREND_POINTS 20

typedef enum { MNB_LINE_NORMAL, MNB_LINE_OVERUSED, MNB_LINE_UNDERUSED } MnbLineUse;

/* Zero it to begin. Fields are private. */
typedef struct {
    bool has_group, has_before;
    int64_t first_sent_us, last_sent_us, last_arrival_us;       /* of the group under way */
    int64_t before_sent_us, before_arrival_us;                  /* of the one before */
    double sum_ms, smooth_ms;                                   /* of the extra delay */
    double at_ms[MNB_TREND_POINTS], value_ms[MNB_TREND_POINTS]; /* ring */
    int64_t start_us;
    unsigned n, next;
    unsigned n_deltas;
    double trend;
    double threshold_ms; /* 0: not set yet */
    int64_t threshold_us;
    double over_ms; /* how long the trend has been above it */
    unsigned over_count;
    MnbLineUse use;
} MnbTrendline;

/* A packet sent at @sent_us (our clock) arrived at @arrival_us (theirs). In the order of sending;
 * those out of order are passed over. */
void mnb_trendline_add(MnbTrendline *self, int64_t sent_us, int64_t arrival_us);

static inline MnbLineUse mnb_trendline_use(const MnbTrendline *self)
{
    return self->use;
}
