#include "server/media/trendline.h"

#include <math.h>
#include <string.h>

#define GROUP_US         5000
#define SMOOTHING        0.9
#define GAIN             4.0
#define DELTAS_MAX       60 /* the trend counts fully after so many groups */
#define THRESHOLD_MS     12.5
#define THRESHOLD_MIN_MS 6.0
#define THRESHOLD_MAX_MS 600.0
#define THRESHOLD_UP     0.0087 /* of the distance, a millisecond */
#define THRESHOLD_DOWN   0.039
#define FAR_MS           15.0 /* a spike further above does not move the threshold */
#define OVER_MS          10.0
#define PAUSE_US         3000000 /* after so long a silence all begins anew */

static double slope(const MnbTrendline *self)
{
    double x = 0;
    double y = 0;
    for (unsigned i = 0; i < MNB_TREND_POINTS; i++) {
        x += self->at_ms[i];
        y += self->value_ms[i];
    }
    x /= MNB_TREND_POINTS;
    y /= MNB_TREND_POINTS;
    double top = 0;
    double bottom = 0;
    for (unsigned i = 0; i < MNB_TREND_POINTS; i++) {
        top += (self->at_ms[i] - x) * (self->value_ms[i] - y);
        bottom += (self->at_ms[i] - x) * (self->at_ms[i] - x);
    }
    return bottom == 0 ? self->trend : top / bottom;
}

static void move_threshold(MnbTrendline *self, double size_ms, int64_t now_us)
{
    double gone_ms = (double)(now_us - self->threshold_us) / 1000;
    self->threshold_us = now_us;
    if (size_ms > self->threshold_ms + FAR_MS)
        return;
    if (gone_ms > 100 || gone_ms < 0)
        gone_ms = 100;
    double gain = size_ms < self->threshold_ms ? THRESHOLD_DOWN : THRESHOLD_UP;
    self->threshold_ms += gain * (size_ms - self->threshold_ms) * gone_ms;
    self->threshold_ms = fmin(fmax(self->threshold_ms, THRESHOLD_MIN_MS), THRESHOLD_MAX_MS);
}

static void judge(MnbTrendline *self, double trend, double apart_ms, int64_t now_us)
{
    if (self->threshold_ms == 0) {
        self->threshold_ms = THRESHOLD_MS;
        self->threshold_us = now_us;
    }
    unsigned count = self->n_deltas < DELTAS_MAX ? self->n_deltas : DELTAS_MAX;
    double strength = count * trend * GAIN;
    if (strength > self->threshold_ms) {
        self->over_ms += self->over_count == 0 ? apart_ms / 2 : apart_ms;
        self->over_count++;
        if (self->over_ms > OVER_MS && self->over_count > 1 && trend >= self->trend) {
            self->over_ms = 0;
            self->over_count = 0;
            self->use = MNB_LINE_OVERUSED;
        }
    } else {
        self->over_ms = 0;
        self->over_count = 0;
        self->use = strength < -self->threshold_ms ? MNB_LINE_UNDERUSED : MNB_LINE_NORMAL;
    }
    self->trend = trend;
    move_threshold(self, fabs(strength), now_us);
}

static void close_group(MnbTrendline *self)
{
    if (self->has_before) {
        double sent_ms = (double)(self->last_sent_us - self->before_sent_us) / 1000;
        double arrival_ms = (double)(self->last_arrival_us - self->before_arrival_us) / 1000;
        if (self->n == 0)
            self->start_us = self->last_arrival_us;
        if (self->n_deltas < 1000)
            self->n_deltas++;
        self->sum_ms += arrival_ms - sent_ms;
        self->smooth_ms = SMOOTHING * self->smooth_ms + (1 - SMOOTHING) * self->sum_ms;
        self->at_ms[self->next] = (double)(self->last_arrival_us - self->start_us) / 1000;
        self->value_ms[self->next] = self->smooth_ms;
        self->next = (self->next + 1) % MNB_TREND_POINTS;
        if (self->n < MNB_TREND_POINTS)
            self->n++;
        double trend = self->n == MNB_TREND_POINTS ? slope(self) : self->trend;
        judge(self, trend, sent_ms, self->last_arrival_us);
    }
    self->has_before = true;
    self->before_sent_us = self->last_sent_us;
    self->before_arrival_us = self->last_arrival_us;
}

static void open_group(MnbTrendline *self, int64_t sent_us, int64_t arrival_us)
{
    self->has_group = true;
    self->first_sent_us = self->last_sent_us = sent_us;
    self->last_arrival_us = arrival_us;
}

void mnb_trendline_add(MnbTrendline *self, int64_t sent_us, int64_t arrival_us)
{
    if (!self->has_group) {
        open_group(self, sent_us, arrival_us);
        return;
    }
    if (sent_us < self->first_sent_us)
        return;
    if (sent_us - self->last_sent_us > PAUSE_US || arrival_us < self->last_arrival_us - PAUSE_US) {
        memset(self, 0, sizeof *self);
        open_group(self, sent_us, arrival_us);
        return;
    }
    int64_t apart_us = arrival_us - self->last_arrival_us;
    bool is_burst = apart_us <= GROUP_US && apart_us < sent_us - self->last_sent_us &&
                    arrival_us - self->before_arrival_us < 100000 && self->has_before;
    if (sent_us - self->first_sent_us <= GROUP_US || is_burst) {
        self->last_sent_us = sent_us;
        if (arrival_us > self->last_arrival_us)
            self->last_arrival_us = arrival_us;
        return;
    }
    close_group(self);
    open_group(self, sent_us, arrival_us);
}
