#include "server/media/bandwidth.h"

#include "server/media/rtcp.h"
#include "server/media/seq.h"
#include <math.h>
#include <string.h>

#define DECREASE           0.85
#define INCREASE_A_SECOND  0.08
#define NEAR_CAPACITY      0.9
#define NEAR_INCREASE_BPS  40000.0 /* a second, near what once was too much */
#define QUEUE_LEAST_US     40000
#define STANDING_QUEUE_US  80000
#define STANDING_GAP_US    600000
#define STANDING_TRIES     4
#define ABOVE_ACKED        1.5
#define ABOVE_ACKED_BPS    100000.0
#define DECREASE_GAP_US    200000
#define ACKED_WINDOW_US    200000
#define ACKED_PAUSE_US     1000000
#define ACKED_WEIGHT       0.5
#define FEEDBACK_GONE_US   5000000
#define LOSS_WINDOW_US     500000
#define LOSS_PACKETS_MIN   20
#define LOSS_HIGH          0.12 /* a window of 90 packets is off by 3 % either way */
#define LOSS_WEIGHT        0.6
#define LOSS_LOW           0.02
#define TRIAL_US           1000000
#define TRIAL_END_US       8000000
#define TRIAL_LESS         0.75 /* of the traffic at its start: now it can be told */
#define TRIAL_SAME         0.75 /* of the loss at its start */
#define INHERENT_MAX       0.35
#define REPORT_GAP_US      900000
#define REPORT_INCREASE    1.05
#define REMB_US            10000000
#define PROBE_US           25000
#define PROBE_BYTES_MIN    1300 /* five packets of padding */
#define PROBE_BYTES_MAX    40000
#define PROBE_GAP_MIN_US   1500000
#define PROBE_GAP_MAX_US   6000000
#define PROBE_FIRST_US     100000
#define PROBE_WAIT_US      1500000
#define PROBE_AFTER_US     1500000 /* not sooner after a decrease */
#define PROBE_SQUEEZED_MAX 3.0     /* arrived so much faster than sent: it tells nothing */
#define PROBE_SLOWED       0.9
#define COUNTED_LOST       0x8000u /* in MnbSentSize.size */
#define LEAST_DECREASE     0.5     /* one alarm, true or false, takes no more than half */
#define MASK               (MNB_BANDWIDTH_HISTORY - 1)

void mnb_bandwidth_init(MnbBandwidth *self, int64_t now_us)
{
    memset(self, 0, sizeof *self);
    self->bps = MNB_BANDWIDTH_START_BPS;
    self->increase_us = now_us;
    self->probe_due_us = now_us + PROBE_FIRST_US;
    self->probe_gap_us = PROBE_GAP_MIN_US;
}

static uint32_t clip_bps(double bps)
{
    return (uint32_t)fmin(fmax(bps, MNB_BANDWIDTH_MIN_BPS), MNB_BANDWIDTH_MAX_BPS);
}

/* ---- what arrives ---- */

static void count_acked(MnbBandwidth *self, uint32_t size, int64_t arrival_us)
{
    int64_t gone_us = arrival_us - self->window_us;
    if (self->window_us == 0 || gone_us > ACKED_PAUSE_US || gone_us < -ACKED_PAUSE_US) {
        self->window_us = arrival_us;
        self->window_bytes = 0;
        return;
    }
    self->window_bytes += size;
    if (gone_us < ACKED_WINDOW_US)
        return;
    double bps = (double)self->window_bytes * 8e6 / (double)gone_us;
    self->acked_bps =
        self->acked_bps == 0 ? bps : self->acked_bps + ACKED_WEIGHT * (bps - self->acked_bps);
    self->window_us = arrival_us;
    self->window_bytes = 0;
}

static void count_delay(MnbBandwidth *self, int64_t sent_us, int64_t arrival_us)
{
    int64_t delay_us = arrival_us - sent_us;
    if (self->delay_us == 0 || delay_us < self->delay_min_us)
        self->delay_min_us = delay_us;
    else
        self->delay_min_us += (delay_us - self->delay_min_us) / 16384; /* clocks drift */
    self->delay_us =
        self->delay_us == 0 ? delay_us : self->delay_us + (delay_us - self->delay_us) / 8;
    if (self->delay_us == 0)
        self->delay_us = 1;
}

static void count_probe(MnbBandwidth *self, uint16_t seq, uint32_t size, int64_t sent_us,
                        int64_t arrival_us)
{
    MnbProbe *probe = &self->probe;
    if (!probe->is_running || mnb_seq_diff(seq, probe->first) < 0 ||
        (probe->has_ended && mnb_seq_diff(seq, probe->last) > 0))
        return;
    if (probe->n++ == 0) {
        probe->sent_first_us = probe->sent_last_us = sent_us;
        probe->arrival_first_us = probe->arrival_last_us = arrival_us;
        probe->first_size = size;
    }
    if (arrival_us < probe->arrival_first_us)
        probe->arrival_first_us = arrival_us;
    if (arrival_us > probe->arrival_last_us)
        probe->arrival_last_us = arrival_us;
    if (sent_us >= probe->sent_last_us) {
        probe->sent_last_us = sent_us;
        probe->last_size = size;
    }
    probe->bytes += size;
}

static void set_bps(MnbBandwidth *self, double bps, int64_t now_us)
{
    self->bps = clip_bps(bps);
    self->increase_us = now_us;
    self->is_limited = true;
}

/* All that will be told about the probe has been told. */
static void judge_probe(MnbBandwidth *self, int64_t now_us)
{
    MnbProbe *probe = &self->probe;
    int64_t send_us = probe->sent_last_us - probe->sent_first_us;
    int64_t receive_us = probe->arrival_last_us - probe->arrival_first_us;
    probe->is_running = false;
    self->probe_due_us = now_us + self->probe_gap_us;
    self->probe_gap_us = self->probe_gap_us * 3 / 2;
    if (self->probe_gap_us > PROBE_GAP_MAX_US)
        self->probe_gap_us = PROBE_GAP_MAX_US;
    if (probe->n < 4 || send_us < 2000 || self->trend.use == MNB_LINE_OVERUSED)
        return;
    double sent_bps = (double)(probe->bytes - probe->last_size) * 8e6 / (double)send_us;
    double received_bps =
        receive_us <= 0 ? sent_bps * 2
                        : (double)(probe->bytes - probe->first_size) * 8e6 / (double)receive_us;
    if (received_bps > sent_bps * PROBE_SQUEEZED_MAX)
        return;
    double bps =
        received_bps < PROBE_SLOWED * sent_bps ? received_bps * 0.95 : fmin(received_bps, sent_bps);
    if (bps <= self->bps)
        return;
    set_bps(self, bps, now_us);
    if (received_bps >= PROBE_SLOWED * sent_bps) { /* it went through: there may be more */
        self->capacity_bps = 0;
        self->probe_due_us = now_us;
        self->probe_gap_us = PROBE_GAP_MIN_US;
    }
}

/* ---- the estimate ---- */

static void decrease(MnbBandwidth *self, double bps, int64_t now_us)
{
    if (bps >= self->bps && self->is_limited)
        return;
    set_bps(self, bps, now_us);
    self->decrease_us = now_us;
    if (self->probe_due_us < now_us + PROBE_AFTER_US)
        self->probe_due_us = now_us + PROBE_AFTER_US;
}

/* A queue that neither grows nor empties: the trend does not see it. When slowing down several
 * times does not help it is no queue, but a way that has become longer. */
static bool has_standing_queue(MnbBandwidth *self, int64_t now_us)
{
    if (mnb_bandwidth_queue_us(self) < STANDING_QUEUE_US) {
        self->standing_us = 0;
        self->n_standing = 0;
        return false;
    }
    if (self->standing_us == 0)
        self->standing_us = now_us;
    if (now_us - self->standing_us < STANDING_GAP_US ||
        now_us - self->decrease_us < STANDING_GAP_US)
        return false;
    self->standing_us = now_us;
    if (++self->n_standing <= STANDING_TRIES)
        return true;
    self->delay_min_us = self->delay_us;
    self->n_standing = 0;
    return false;
}

static void follow_delay(MnbBandwidth *self, uint32_t rtt_us, int64_t now_us)
{
    if (self->acked_bps == 0)
        return;
    /* A trend without a queue is jitter that has just begun. */
    if (self->trend.use == MNB_LINE_OVERUSED && mnb_bandwidth_queue_us(self) > QUEUE_LEAST_US) {
        int64_t gap_us = rtt_us > DECREASE_GAP_US ? rtt_us : DECREASE_GAP_US;
        if (now_us - self->decrease_us < gap_us && self->acked_bps > self->bps * 0.5)
            return;
        self->capacity_bps = self->acked_bps;
        self->probe_gap_us =
            self->probe_gap_us < 2 * PROBE_GAP_MIN_US ? 2 * PROBE_GAP_MIN_US : self->probe_gap_us;
        decrease(self, fmax(self->acked_bps * DECREASE, self->bps * LEAST_DECREASE), now_us);
        return;
    }
    if (has_standing_queue(self, now_us)) {
        decrease(self, self->acked_bps * DECREASE, now_us);
        return;
    }
    double gone_s = (double)(now_us - self->increase_us) / 1e6;
    self->increase_us = now_us;
    if (self->trend.use == MNB_LINE_UNDERUSED || gone_s <= 0) /* a queue empties: wait for it */
        return;
    gone_s = fmin(gone_s, 1);
    /* Growth must have been used: an estimate of what nobody tried is worth nothing. */
    double most = self->acked_bps * ABOVE_ACKED + ABOVE_ACKED_BPS;
    bool is_near = self->capacity_bps > 0 && self->bps > self->capacity_bps * NEAR_CAPACITY &&
                   self->bps < self->capacity_bps * 1.2;
    double bps = is_near ? self->bps + NEAR_INCREASE_BPS * gone_s
                         : self->bps * (1 + INCREASE_A_SECOND * gone_s);
    if (bps > most)
        bps = fmax(most, self->bps);
    /* What arrives without a queue and without loss, the line takes. */
    if (bps < self->acked_bps && self->trend.use == MNB_LINE_NORMAL && self->loss < LOSS_LOW &&
        mnb_bandwidth_queue_us(self) < QUEUE_LEAST_US)
        bps = self->acked_bps;
    self->bps = clip_bps(bps);
}

/* The loss did not fall though the traffic did: it is the line's own. */
static void judge_trial(MnbBandwidth *self, double carried_bps, int64_t now_us)
{
    if (now_us - self->trial_us < TRIAL_US)
        return;
    if (carried_bps < self->trial_acked_bps * TRIAL_LESS) {
        self->is_trial = false;
        if (self->loss > self->trial_loss * TRIAL_SAME && self->loss < INHERENT_MAX) {
            self->inherent = self->loss;
            if (self->trial_bps > self->bps)
                set_bps(self, self->trial_bps, now_us);
            self->restored_us = now_us;
        }
    } else if (now_us - self->trial_us > TRIAL_END_US) {
        self->is_trial = false;
    }
}

/* @carried_bps: what arrives. */
static void follow_loss(MnbBandwidth *self, double carried_bps, int64_t now_us)
{
    if (self->is_trial)
        judge_trial(self, carried_bps, now_us);
    if (self->loss < self->inherent)
        self->inherent += (self->loss - self->inherent) / 8;
    double excess = self->loss - self->inherent;
    if (excess <= LOSS_HIGH)
        return;
    if (!self->is_trial) {
        self->is_trial = true;
        self->trial_us = now_us;
        self->trial_loss = self->loss;
        self->trial_acked_bps = carried_bps;
        self->trial_bps = self->bps;
    }
    double from = self->is_limited ? self->bps : carried_bps;
    if (carried_bps > 0 && from > carried_bps * ABOVE_ACKED)
        from = carried_bps * ABOVE_ACKED;
    decrease(self, from * (1 - excess / 2), now_us);
}

static void close_loss_window(MnbBandwidth *self, int64_t now_us)
{
    if (self->loss_us == 0)
        self->loss_us = now_us;
    if (now_us - self->loss_us < LOSS_WINDOW_US || self->loss_sent < LOSS_PACKETS_MIN)
        return;
    self->loss += LOSS_WEIGHT * ((double)self->loss_lost / self->loss_sent - self->loss);
    self->loss_us = now_us;
    self->loss_sent = self->loss_lost = 0;
    follow_loss(self, self->acked_bps, now_us);
}

void mnb_bandwidth_forget(MnbBandwidth *self, uint16_t seq)
{
    MnbSentSize *sent = &self->sent[seq & MASK];
    if (sent->seq != seq || sent->size == 0)
        return;
    if ((sent->size & COUNTED_LOST) == 0) {
        self->loss_sent++;
        self->loss_lost++;
    }
    sent->size = 0;
}

/* 24 bits of the peer's clock, made to go on. */
static int64_t unwrap_reference(MnbBandwidth *self, int32_t reference_64)
{
    if (!self->has_reference) {
        self->has_reference = true;
        self->reference_us = INT64_C(1) << 40; /* far from 0 */
    } else {
        uint32_t step = ((uint32_t)reference_64 - (uint32_t)self->reference_64) & 0xffffff;
        int32_t apart = step < 0x800000 ? (int32_t)step : (int32_t)step - 0x1000000;
        self->reference_us += (int64_t)apart * 64000;
    }
    self->reference_64 = reference_64;
    return self->reference_us;
}

void mnb_bandwidth_on_feedback(MnbBandwidth *self, uint16_t base_seq, int32_t reference_64,
                               const int32_t *arrivals_us, size_t n, uint32_t rtt_us,
                               int64_t now_us)
{
    int64_t reference_us = unwrap_reference(self, reference_64);
    bool is_past_probe = false;
    if (self->feedback_us == 0 || now_us - self->feedback_us > FEEDBACK_GONE_US)
        self->increase_us = now_us;
    self->feedback_us = now_us;
    self->has_feedback = true;
    self->is_limited = true;
    for (size_t i = 0; i < n; i++) {
        uint16_t seq = (uint16_t)(base_seq + i);
        MnbSentSize *sent = &self->sent[seq & MASK];
        if (sent->seq != seq || sent->size == 0)
            continue; /* told before, too old, or never sent */
        bool is_counted = (sent->size & COUNTED_LOST) != 0;
        if (!is_counted)
            self->loss_sent++;
        if (arrivals_us[i] == MNB_TWCC_LOST) {
            self->loss_lost += !is_counted;
            sent->size |= COUNTED_LOST; /* kept: it may only be late */
            continue;
        }
        if (is_counted && self->loss_lost > 0)
            self->loss_lost--;
        int64_t arrival_us = reference_us + arrivals_us[i];
        int64_t sent_us = now_us - (int64_t)((uint32_t)now_us - sent->sent_us);
        uint32_t size = sent->size & (COUNTED_LOST - 1u);
        sent->size = 0;
        mnb_trendline_add(&self->trend, sent_us, arrival_us);
        count_acked(self, size, arrival_us);
        count_delay(self, sent_us, arrival_us);
        count_probe(self, seq, size, sent_us, arrival_us);
        is_past_probe |= self->probe.has_ended && mnb_seq_diff(seq, self->probe.last) >= 0;
    }
    close_loss_window(self, now_us);
    if (self->probe.is_running && (is_past_probe || now_us - self->probe.start_us > PROBE_WAIT_US))
        judge_probe(self, now_us);
    follow_delay(self, rtt_us, now_us);
}

/* ---- without transport-wide feedback ---- */

static bool has_fresh_feedback(const MnbBandwidth *self, int64_t now_us)
{
    return self->has_feedback && now_us - self->feedback_us < FEEDBACK_GONE_US;
}

void mnb_bandwidth_on_report(MnbBandwidth *self, uint8_t fraction_lost, uint32_t sent_bps,
                             int64_t now_us)
{
    if (has_fresh_feedback(self, now_us) || now_us - self->report_us < REPORT_GAP_US)
        return;
    self->report_us = now_us;
    self->loss = fraction_lost / 256.0;
    if (self->loss - self->inherent < LOSS_LOW) {
        if (self->is_limited)
            self->bps = clip_bps(self->bps * REPORT_INCREASE);
        if (self->bps == MNB_BANDWIDTH_MAX_BPS)
            self->is_limited = false;
    }
    follow_loss(self, sent_bps * (1 - self->loss), now_us);
}

void mnb_bandwidth_on_remb(MnbBandwidth *self, uint64_t bps, int64_t now_us)
{
    self->remb_us = now_us;
    self->remb_bps = clip_bps((double)bps);
}

uint32_t mnb_bandwidth_bps(const MnbBandwidth *self, int64_t now_us)
{
    if (has_fresh_feedback(self, now_us))
        return self->bps;
    uint32_t bps = self->is_limited ? self->bps : MNB_BANDWIDTH_UNKNOWN;
    if (self->remb_bps != 0 && now_us - self->remb_us < REMB_US && self->remb_bps < bps)
        bps = self->remb_bps;
    return bps;
}

uint32_t mnb_bandwidth_queue_us(const MnbBandwidth *self)
{
    int64_t queue_us = self->delay_us - self->delay_min_us;
    return queue_us > 0 && queue_us < 60000000 ? (uint32_t)queue_us : 0;
}

unsigned mnb_bandwidth_loss_permille(const MnbBandwidth *self)
{
    return (unsigned)(self->loss * 1000);
}

/* ---- probing ---- */

bool mnb_bandwidth_start_probe(MnbBandwidth *self, uint32_t wanted_bps, uint16_t next_seq,
                               int64_t now_us)
{
    MnbProbe *probe = &self->probe;
    if (probe->is_running && now_us - probe->start_us > PROBE_WAIT_US * 2)
        probe->is_running = false; /* nothing was told about it */
    if (probe->is_running || !has_fresh_feedback(self, now_us) || now_us < self->probe_due_us ||
        self->trend.use != MNB_LINE_NORMAL || wanted_bps <= self->bps)
        return false;
    double bps = fmin(self->bps * 2.0, wanted_bps * 1.25);
    double bytes = fmin(fmax(bps * PROBE_US / 8e6, PROBE_BYTES_MIN), PROBE_BYTES_MAX);
    *probe = (MnbProbe){.is_running = true,
                        .first = next_seq,
                        .bps = clip_bps(bps),
                        .start_us = now_us,
                        .bytes_left = (uint32_t)bytes,
                        .credit_us = now_us};
    return true;
}

uint32_t mnb_bandwidth_step_probe(MnbBandwidth *self, bool *has_more, int64_t now_us)
{
    MnbProbe *probe = &self->probe;
    *has_more = false;
    if (!probe->is_running || probe->has_ended)
        return 0;
    probe->credit += (double)(now_us - probe->credit_us) * probe->bps / 8e6;
    probe->credit_us = now_us;
    uint32_t bytes = (uint32_t)fmin(fmax(probe->credit, 1), probe->bytes_left);
    probe->credit -= bytes;
    probe->bytes_left -= bytes;
    *has_more = probe->bytes_left > 0;
    return bytes;
}

void mnb_bandwidth_end_probe(MnbBandwidth *self, uint16_t last_seq)
{
    self->probe.has_ended = true;
    self->probe.last = last_seq;
}
