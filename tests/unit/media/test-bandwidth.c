/* The estimator against a simulated line: a limit with a queue, jitter, loss, in simulated time. */
#include "server/media/bandwidth.h"
#include "server/media/rtcp.h"
#include <glib.h>
#include <string.h>

enum { KBIT = 1000, SECOND = 1000000, PACKETS = 1 << 16 };

typedef struct {
    int64_t rate_bps; /* of the line; 0: no limit */
    int64_t queue_us, delay_us, jitter_us;
    unsigned loss_permille;
    int64_t app_bps; /* the most that is sent */
    bool is_layered; /* sends the largest of three layers that fits, not the estimate itself */
    bool has_probes;

    MnbBandwidth bandwidth;
    GRand *random;
    int64_t now_us;
    uint16_t seq, told;
    int64_t free_us, last_us;
    int64_t *arrivals; /* at seq; 0: lost */
    double credit;
    double bps_sent; /* now */
    int64_t queue_now_us;
    unsigned switches;
} Line;

static const double layers[] = {150e3, 500e3, 1500e3};

static Line *line_new(void)
{
    Line *line = g_new0(Line, 1);
    line->delay_us = 40000;
    line->queue_us = 200000;
    line->app_bps = 2500 * KBIT;
    line->has_probes = true;
    line->now_us = 5 * SECOND;
    line->random = g_rand_new_with_seed(42);
    line->arrivals = g_new0(int64_t, PACKETS);
    line->seq = line->told = 65000;
    mnb_bandwidth_init(&line->bandwidth, line->now_us);
    return line;
}

static void line_free(Line *line)
{
    g_rand_free(line->random);
    g_free(line->arrivals);
    g_free(line);
}

static void send_one(Line *line, unsigned size)
{
    uint16_t seq = line->seq++;
    int64_t due_us = line->now_us;
    mnb_bandwidth_sent(&line->bandwidth, seq, size, line->now_us);
    line->arrivals[seq] = 0;
    if (g_rand_int_range(line->random, 0, 1000) < (int)line->loss_permille)
        return;
    if (line->rate_bps > 0) {
        if (line->free_us < line->now_us)
            line->free_us = line->now_us;
        line->queue_now_us = line->free_us - line->now_us;
        if (line->queue_now_us > line->queue_us)
            return;
        line->free_us += (int64_t)size * 8 * SECOND / line->rate_bps;
        due_us = line->free_us;
    }
    due_us += line->delay_us;
    if (line->jitter_us > 0)
        due_us += g_rand_int_range(line->random, 0, (gint32)line->jitter_us);
    if (due_us < line->last_us)
        due_us = line->last_us;
    line->last_us = due_us;
    line->arrivals[seq] = due_us;
}

/* What has arrived by now is told. */
static void send_feedback(Line *line)
{
    int32_t arrivals[1024];
    size_t n = 0;
    size_t last = 0;
    while ((uint16_t)(line->told + n) != line->seq && n < 1024) {
        int64_t at_us = line->arrivals[(uint16_t)(line->told + n)];
        if (at_us > line->now_us)
            break;
        n++;
        if (at_us != 0)
            last = n;
    }
    if (last == 0)
        return;
    int32_t reference = (int32_t)(line->now_us / 64000 - 20);
    for (size_t i = 0; i < last; i++) {
        int64_t at_us = line->arrivals[(uint16_t)(line->told + i)];
        arrivals[i] = at_us == 0 ? MNB_TWCC_LOST
                                 : (int32_t)((at_us - (int64_t)reference * 64000) / 250 * 250);
    }
    mnb_bandwidth_on_feedback(&line->bandwidth, line->told, reference & 0xffffff, arrivals, last,
                              (uint32_t)line->delay_us * 2, line->now_us);
    line->told = (uint16_t)(line->told + last);
}

static double rate_to_send(Line *line)
{
    double bps = mnb_bandwidth_bps(&line->bandwidth, line->now_us);
    if (!line->is_layered)
        return MIN(bps, (double)line->app_bps);
    double best = 40e3;
    for (unsigned i = 0; i < G_N_ELEMENTS(layers); i++)
        if (layers[i] <= (double)line->app_bps &&
            bps >= layers[i] * (layers[i] > line->bps_sent ? 1.15 : 1.0))
            best = layers[i];
    return best;
}

/* Frames of 30 a second and feedback every 80 ms, for @us. */
static void run(Line *line, int64_t us)
{
    for (int64_t end_us = line->now_us + us; line->now_us < end_us; line->now_us += 5000) {
        int64_t tick = line->now_us / 5000;
        bool has_more;
        if (tick % 7 == 0) {
            double bps = rate_to_send(line);
            line->switches += bps != line->bps_sent;
            line->bps_sent = bps;
            line->credit += bps * 0.035 / 8;
            while (line->credit > 0) {
                unsigned size = line->credit > 1100 ? 1100 : 200;
                send_one(line, size);
                line->credit -= size;
            }
        }
        if (line->has_probes)
            mnb_bandwidth_start_probe(&line->bandwidth, (uint32_t)line->app_bps, line->seq,
                                      line->now_us);
        uint32_t bytes = mnb_bandwidth_step_probe(&line->bandwidth, &has_more, line->now_us);
        for (uint32_t sent = 0; sent < bytes; sent += 280)
            send_one(line, 280);
        if (bytes > 0 && !has_more)
            mnb_bandwidth_end_probe(&line->bandwidth, (uint16_t)(line->seq - 1));
        if (tick % 16 == 0)
            send_feedback(line);
    }
}

static double estimate(const Line *line)
{
    return mnb_bandwidth_bps(&line->bandwidth, line->now_us);
}

static void test_finds_limit(void)
{
    static const int rates[] = {300, 600, 1200, 2000};
    for (unsigned i = 0; i < G_N_ELEMENTS(rates); i++) {
        Line *line = line_new();
        line->rate_bps = rates[i] * KBIT;
        run(line, 5 * SECOND);
        double sum = 0;
        int64_t queue_us = 0;
        for (unsigned round = 0; round < 200; round++) {
            run(line, SECOND / 10);
            sum += estimate(line) / 200;
            queue_us += line->queue_now_us / 200;
        }
        g_test_message("line %d kbit/s: estimate %.0f, queue %" G_GINT64_FORMAT " ms", rates[i],
                       sum / KBIT, queue_us / 1000);
        g_assert_cmpfloat(sum, >, 0.65 * rates[i] * KBIT);
        g_assert_cmpfloat(sum, <, 1.1 * rates[i] * KBIT);
        g_assert_cmpint(queue_us, <, 100000);
        line_free(line);
    }
}

static void test_follows_change(void)
{
    Line *line = line_new();
    line->is_layered = true;
    line->rate_bps = 3000 * KBIT;
    run(line, 20 * SECOND);
    g_assert_cmpfloat(line->bps_sent, ==, 1500 * KBIT);
    line->rate_bps = 600 * KBIT;
    int64_t start_us = line->now_us;
    while (line->bps_sent > 600 * KBIT && line->now_us < start_us + 10 * SECOND)
        run(line, SECOND / 20);
    g_test_message("down after %" G_GINT64_FORMAT " ms", (line->now_us - start_us) / 1000);
    g_assert_cmpint(line->now_us - start_us, <, 2 * SECOND);
    while (line->queue_now_us > 100000 && line->now_us < start_us + 10 * SECOND)
        run(line, SECOND / 20);
    g_assert_cmpint(line->now_us - start_us, <, 3 * SECOND);
    line->switches = 0;
    run(line, start_us + 30 * SECOND - line->now_us);
    g_test_message("%u switches in the narrow 30 s", line->switches);
    g_assert_cmpuint(line->switches, <=, 3);
    line->rate_bps = 3000 * KBIT;
    start_us = line->now_us;
    while (line->bps_sent < 1500 * KBIT && line->now_us < start_us + 30 * SECOND)
        run(line, SECOND / 20);
    g_test_message("up after %" G_GINT64_FORMAT " ms", (line->now_us - start_us) / 1000);
    g_assert_cmpint(line->now_us - start_us, <, 8 * SECOND);
    line_free(line);
}

static void test_random_loss(void)
{
    static const unsigned losses[] = {10, 50, 100, 200};
    for (unsigned i = 0; i < G_N_ELEMENTS(losses); i++) {
        Line *line = line_new();
        line->is_layered = true;
        line->app_bps = 1500 * KBIT;
        line->loss_permille = losses[i];
        run(line, 12 * SECOND);
        unsigned full = 0;
        for (unsigned round = 0; round < 100; round++) {
            run(line, SECOND / 10);
            full += line->bps_sent == 1500 * KBIT;
        }
        g_test_message("loss %u permille: in full %u %% of the time", losses[i], full);
        g_assert_cmpuint(full, >=, 95);
        line_free(line);
    }
}

static void test_jitter(void)
{
    Line *line = line_new();
    line->is_layered = true;
    line->app_bps = 1500 * KBIT;
    line->jitter_us = 30000;
    run(line, 5 * SECOND);
    line->switches = 0;
    run(line, 30 * SECOND);
    g_test_message("jitter: %u switches, estimate %.0f", line->switches, estimate(line) / KBIT);
    g_assert_cmpfloat(line->bps_sent, ==, 1500 * KBIT);
    g_assert_cmpuint(line->switches, ==, 0);
    line_free(line);
}

/* A limit that drops at once and shows no delay. */
static void test_policer(void)
{
    Line *line = line_new();
    line->is_layered = true;
    line->app_bps = 1500 * KBIT;
    line->rate_bps = 700 * KBIT;
    line->queue_us = 30000; /* room for a frame */
    run(line, 10 * SECOND);
    unsigned fitting = 0;
    for (unsigned round = 0; round < 200; round++) {
        run(line, SECOND / 10);
        fitting += line->bps_sent <= 700 * KBIT;
    }
    g_test_message("policer: fits %u of 200", fitting);
    g_assert_cmpuint(fitting, >=, 180);
    line_free(line);
}

/* Sound alone says nothing about the line; a probe does, within a moment. */
static void test_probe(void)
{
    Line *line = line_new();
    line->app_bps = 6000 * KBIT;
    line->is_layered = true; /* 1500 at most */
    run(line, 3 * SECOND);
    g_assert_cmpfloat(estimate(line), >, 4000 * KBIT);
    line_free(line);
    line = line_new();
    line->has_probes = false;
    line->app_bps = 40 * KBIT;
    run(line, 20 * SECOND);
    g_assert_cmpfloat(estimate(line), <=, MNB_BANDWIDTH_START_BPS);
    line_free(line);
}

static void test_reports(void)
{
    MnbBandwidth *self = g_new(MnbBandwidth, 1);
    int64_t now_us = SECOND;
    mnb_bandwidth_init(self, now_us);
    g_assert_cmpuint(mnb_bandwidth_bps(self, now_us), ==, MNB_BANDWIDTH_UNKNOWN);
    mnb_bandwidth_on_report(self, 0, 1000 * KBIT, now_us += SECOND);
    g_assert_cmpuint(mnb_bandwidth_bps(self, now_us), ==, MNB_BANDWIDTH_UNKNOWN);
    mnb_bandwidth_on_report(self, 128, 1000 * KBIT, now_us += SECOND);
    uint32_t bps = mnb_bandwidth_bps(self, now_us);
    g_assert_cmpuint(bps, <, 800 * KBIT);
    /* reports come as often as the peer likes, but count once a second */
    for (unsigned i = 0; i < 100; i++)
        mnb_bandwidth_on_report(self, 255, 1000 * KBIT, now_us);
    g_assert_cmpuint(mnb_bandwidth_bps(self, now_us), ==, bps);
    for (unsigned i = 0; i < 30; i++)
        mnb_bandwidth_on_report(self, 0, 1000 * KBIT, now_us += SECOND);
    g_assert_cmpuint(mnb_bandwidth_bps(self, now_us), >, 1000 * KBIT);
    mnb_bandwidth_on_remb(self, 0, now_us);
    g_assert_cmpuint(mnb_bandwidth_bps(self, now_us), ==, MNB_BANDWIDTH_MIN_BPS);
    g_assert_cmpuint(mnb_bandwidth_bps(self, now_us + 11 * SECOND), >, 1000 * KBIT);
    g_free(self);
}

/* Nothing that a peer may claim breaks it. */
static void test_lies(void)
{
    MnbBandwidth *self = g_new(MnbBandwidth, 1);
    GRand *random = g_rand_new_with_seed(3);
    int64_t now_us = SECOND;
    uint16_t seq = 0;
    mnb_bandwidth_init(self, now_us);
    for (unsigned round = 0; round < 20000; round++) {
        int32_t arrivals[64];
        now_us += g_rand_int_range(random, 1, 40000);
        for (unsigned i = 0; i < 8; i++)
            mnb_bandwidth_sent(self, seq++, (size_t)g_rand_int_range(random, 20, 1400), now_us);
        for (unsigned i = 0; i < G_N_ELEMENTS(arrivals); i++)
            arrivals[i] = g_rand_int_range(random, 0, 3) == 0
                              ? MNB_TWCC_LOST
                              : g_rand_int_range(random, INT32_MIN / 2, INT32_MAX / 2);
        mnb_bandwidth_on_feedback(self, (uint16_t)(seq - g_rand_int_range(random, 0, 100)),
                                  g_rand_int_range(random, -0x800000, 0x800000), arrivals,
                                  G_N_ELEMENTS(arrivals), g_rand_int(random), now_us);
        if (mnb_bandwidth_start_probe(self, UINT32_MAX, seq, now_us)) {
            bool has_more;
            mnb_bandwidth_step_probe(self, &has_more, now_us);
            mnb_bandwidth_end_probe(self, seq);
        }
        g_assert_cmpuint(mnb_bandwidth_bps(self, now_us), >=, MNB_BANDWIDTH_MIN_BPS);
        g_assert_cmpuint(mnb_bandwidth_bps(self, now_us), <=, MNB_BANDWIDTH_MAX_BPS);
        g_assert_cmpuint(mnb_bandwidth_queue_us(self), <, 60 * SECOND);
    }
    g_rand_free(random);
    g_free(self);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bandwidth/finds-the-limit-of-a-line", test_finds_limit);
    g_test_add_func("/bandwidth/goes-down-in-two-seconds-and-up-in-eight", test_follows_change);
    g_test_add_func("/bandwidth/does-not-slow-down-for-loss-of-the-lines-own", test_random_loss);
    g_test_add_func("/bandwidth/is-not-fooled-by-jitter", test_jitter);
    g_test_add_func("/bandwidth/sees-a-limit-without-a-queue-by-its-loss", test_policer);
    g_test_add_func("/bandwidth/learns-by-probes-what-sound-alone-cannot-tell", test_probe);
    g_test_add_func("/bandwidth/uses-reports-and-remb-where-there-is-nothing-better", test_reports);
    g_test_add_func("/bandwidth/survives-any-feedback", test_lies);
    return g_test_run();
}
