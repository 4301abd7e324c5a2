#include "pipelines/record/track-clock.h"

#define MS 1000
#define S  G_USEC_PER_SEC

static guint64 ntp_of(gint64 us)
{
    guint64 all = 3900000000ull * S + (guint64)us;
    return all / S << 32 | (all % S << 32) / S;
}

/* Sound of 20 ms a packet from @from to @to; returns the last time that came out. */
static gint64 run(MnbTrackClock *clock, gint64 from_us, gint64 to_us, gint64 delay_us, guint32 base)
{
    gint64 at_us = 0;
    for (gint64 us = from_us; us < to_us; us += 20 * MS)
        at_us = mnb_track_clock_at(clock, base + (guint32)(us * 48 / MS), us + delay_us);
    return at_us;
}

static void near(gint64 value, gint64 wanted, gint64 tolerance)
{
    if (ABS(value - wanted) > tolerance)
        g_error("%" G_GINT64_FORMAT " is not near %" G_GINT64_FORMAT, value, wanted);
}

static void test_arrival(void)
{
    MnbPeerClock peer;
    MnbTrackClock clock;
    mnb_peer_clock_init(&peer);
    mnb_track_clock_init(&clock, &peer, 48000);
    near(run(&clock, 0, 10 * S, 30 * MS, 4294960000u), 10 * S - 20 * MS + 30 * MS, 100);
}

static void test_jitter(void)
{
    MnbPeerClock peer;
    MnbTrackClock clock;
    mnb_peer_clock_init(&peer);
    mnb_track_clock_init(&clock, &peer, 48000);
    gint64 before_us = 0;
    for (int i = 0; i < 1000; i++) {
        gint64 us = i * 20 * MS;
        gint64 at_us = mnb_track_clock_at(&clock, (guint32)(i * 960), us + (i * 37 % 60) * MS);
        if (i > 0) /* neighbours stay 20 ms apart whatever arrival does */
            near(at_us - before_us, 20 * MS, i < 60 ? 60 * MS : 2 * MS);
        before_us = at_us;
    }
}

static void test_reports(void)
{
    MnbPeerClock peer;
    MnbTrackClock sound, picture;
    mnb_peer_clock_init(&peer);
    mnb_track_clock_init(&sound, &peer, 48000);
    mnb_track_clock_init(&picture, &peer, 90000);
    /* The picture arrives after 20 ms, the sound after 420 ms. Reports come after 2 s. */
    for (gint64 us = 0; us < 10 * S; us += 20 * MS) {
        if (us == 2 * S) {
            mnb_track_clock_report(&sound, ntp_of(us), (guint32)(us * 48 / MS));
            mnb_track_clock_report(&picture, ntp_of(us), (guint32)(us * 90 / MS));
        }
        gint64 p = mnb_track_clock_at(&picture, (guint32)(us * 90 / MS), us + 20 * MS);
        gint64 s = mnb_track_clock_at(&sound, (guint32)(us * 48 / MS), us + 420 * MS);
        if (us < 2 * S)
            near(s - p, 400 * MS, 1 * MS);
        else if (us > 3 * S)
            near(s - p, 0, 1 * MS);
    }
}

static void test_stopped_clock(void)
{
    MnbPeerClock peer;
    MnbTrackClock clock;
    mnb_peer_clock_init(&peer);
    mnb_track_clock_init(&clock, &peer, 48000);
    run(&clock, 0, 2 * S, 20 * MS, 0);
    /* 8 s of mute that the RTP clock did not count. */
    gint64 at_us = mnb_track_clock_at(&clock, 2 * 48000, 10 * S + 20 * MS);
    near(at_us, 10 * S + 20 * MS, 1 * MS);
}

static void test_jump(void)
{
    MnbPeerClock peer;
    MnbTrackClock clock;
    mnb_peer_clock_init(&peer);
    mnb_track_clock_init(&clock, &peer, 90000);
    gint64 last_us = 0;
    const guint32 bases[] = {1000, 1000 + 3600u * 90000, 1000 - 600u * 90000};
    for (int part = 0; part < 3; part++) {
        for (int i = 0; i < 50; i++) {
            gint64 us = (part * 50 + i) * 40 * MS;
            gint64 at_us = mnb_track_clock_at(&clock, bases[part] + (guint32)(i * 3600), us);
            g_assert_cmpint(at_us, >, last_us - 1);
            near(at_us, us, 2 * MS);
            last_us = at_us;
        }
    }
}

static void test_drift(void)
{
    MnbPeerClock peer;
    MnbTrackClock clock;
    mnb_peer_clock_init(&peer);
    mnb_track_clock_init(&clock, &peer, 48000);
    gint64 at_us = 0, us = 0;
    for (int i = 0; i < 90000; i++) { /* half an hour, publisher slow by 500 ppm */
        us = (gint64)(i * 20.0 * MS * 1.0005);
        at_us = mnb_track_clock_at(&clock, (guint32)i * 960, us + 20 * MS);
    }
    near(at_us, us + 20 * MS, 20 * MS);
}

static void test_order(void)
{
    MnbPeerClock peer;
    MnbTrackClock clock;
    mnb_peer_clock_init(&peer);
    mnb_track_clock_init(&clock, &peer, 90000);
    gint64 a = mnb_track_clock_at(&clock, 90000, 1 * S);
    gint64 c = mnb_track_clock_at(&clock, 90000 + 7200, 1 * S + 80 * MS);
    gint64 b = mnb_track_clock_at(&clock, 90000 + 3600, 1 * S + 81 * MS); /* decoded later */
    near(b - a, 40 * MS, 2 * MS);
    near(c - a, 80 * MS, 2 * MS);
    g_assert_cmpint(mnb_track_clock_at(&clock, 90000 + 3600, 1 * S + 82 * MS), ==, b);
}

static void test_restart(void)
{
    MnbPeerClock peer;
    MnbTrackClock clock;
    mnb_peer_clock_init(&peer);
    mnb_track_clock_init(&clock, &peer, 48000);
    gint64 before_us = run(&clock, 0, 2 * S, 20 * MS, 0);
    mnb_track_clock_restart(&clock);
    gint64 at_us = mnb_track_clock_at(&clock, 3000000000u, 2 * S + 20 * MS);
    g_assert_cmpint(at_us, >, before_us);
    near(at_us, 2 * S + 20 * MS, 1 * MS);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pipelines/track-clock/goes-by-arrival-before-a-report", test_arrival);
    g_test_add_func("/pipelines/track-clock/is-not-moved-by-jitter", test_jitter);
    g_test_add_func("/pipelines/track-clock/lines-tracks-up-from-the-first-report", test_reports);
    g_test_add_func("/pipelines/track-clock/sees-a-clock-that-stood-still", test_stopped_clock);
    g_test_add_func("/pipelines/track-clock/goes-on-over-jumps-of-the-rtp-clock", test_jump);
    g_test_add_func("/pipelines/track-clock/follows-a-drift", test_drift);
    g_test_add_func("/pipelines/track-clock/lets-frames-be-sent-out-of-order", test_order);
    g_test_add_func("/pipelines/track-clock/begins-again-with-a-new-stream", test_restart);
    return g_test_run();
}
