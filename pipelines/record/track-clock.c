#include "pipelines/record/track-clock.h"

#define WINDOW_US          (10 * G_USEC_PER_SEC)
#define JUMP_US            100000  /* above it, a correction is made at once */
#define FIRST_JUMP_US      15000   /* the same for the first report */
#define SLEW_DIVISOR       200     /* 5 ms a second */
#define STALL_US           5000000 /* packets this late belong to another clock */
#define STALL_AFTER_GAP_US 1000000
#define EARLY_US           1000000 /* a packet cannot arrive before it was made */
#define GAP_US             1000000
#define STEP_US            1000 /* least distance of two time stamps */

static void least_init(MnbLeast *least)
{
    least->now_us = least->before_us = G_MAXINT64;
    least->since_us = 0;
}

static void least_add(MnbLeast *least, gint64 value_us, gint64 at_us)
{
    if (least->now_us == G_MAXINT64) {
        least->since_us = at_us;
    } else if (at_us - least->since_us > WINDOW_US) {
        least->before_us = least->now_us;
        least->now_us = G_MAXINT64;
        least->since_us = at_us;
    }
    least->now_us = MIN(least->now_us, value_us);
}

static gint64 least_get(const MnbLeast *least)
{
    return MIN(least->now_us, least->before_us);
}

void mnb_peer_clock_init(MnbPeerClock *peer)
{
    least_init(&peer->delay_us);
}

void mnb_track_clock_init(MnbTrackClock *clock, MnbPeerClock *peer, guint32 rate)
{
    *clock = (MnbTrackClock){.peer = peer, .rate = rate};
    least_init(&clock->delay_us);
}

static gint64 rtp_us(const MnbTrackClock *clock, gint64 rtp)
{
    return rtp * (gint64)G_USEC_PER_SEC / clock->rate;
}

/* The low 32 bits wrap every 13 h of video or 25 h of sound. */
static gint64 unwrap(const MnbTrackClock *clock, guint32 rtp_time)
{
    return clock->rtp + (gint32)(rtp_time - clock->rtp_raw);
}

/* The first time stamp seen is 0 of the unwrapped ones. */
static void set_base(MnbTrackClock *clock, guint32 rtp_time)
{
    if (clock->has_base)
        return;
    clock->has_base = TRUE;
    clock->rtp_raw = rtp_time;
}

void mnb_track_clock_report(MnbTrackClock *clock, guint64 ntp, guint32 rtp_time)
{
    if (ntp == 0)
        return;
    set_base(clock, rtp_time);
    /* Seconds since 1900 times a million fit in 52 bits. */
    gint64 ntp_us =
        (gint64)((ntp >> 32) * G_USEC_PER_SEC + (((ntp & 0xffffffff) * G_USEC_PER_SEC) >> 32));
    gint64 report_us = ntp_us - rtp_us(clock, unwrap(clock, rtp_time));
    /* The publisher set its clock: what was learnt about its distance is void. */
    if (clock->has_report && ABS(report_us - clock->report_us) > G_USEC_PER_SEC)
        least_init(&clock->peer->delay_us);
    clock->report_us = report_us;
    clock->has_report = TRUE;
}

/* Where the map should be. Feeds the least delays with this packet first. */
static gint64 target(MnbTrackClock *clock, gint64 at_us, gint64 arrival_us)
{
    least_add(&clock->delay_us, arrival_us - at_us, arrival_us);
    if (!clock->has_report)
        return least_get(&clock->delay_us);
    least_add(&clock->peer->delay_us, arrival_us - at_us - clock->report_us, arrival_us);
    return clock->report_us + least_get(&clock->peer->delay_us);
}

/* A clock that stood still during mute, or jumped. */
static gboolean is_another_clock(const MnbTrackClock *clock, gint64 at_us, gint64 arrival_us)
{
    gint64 late_us = arrival_us - at_us - clock->map_us;
    gint64 silence_us = arrival_us - clock->arrival_us;
    return late_us > STALL_US || late_us < -EARLY_US ||
           (silence_us > GAP_US && late_us > STALL_AFTER_GAP_US);
}

static void begin_again(MnbTrackClock *clock)
{
    least_init(&clock->delay_us);
    clock->has_report = FALSE;
    clock->is_settled = FALSE;
    clock->wants_jump = TRUE;
    clock->rtp_max = G_MININT64;
}

void mnb_track_clock_restart(MnbTrackClock *clock)
{
    begin_again(clock);
    clock->has_base = FALSE;
}

static void correct(MnbTrackClock *clock, gint64 wanted_us, gint64 passed_us)
{
    gint64 error_us = wanted_us - clock->map_us;
    gboolean is_first_report = clock->has_report && !clock->is_settled;
    if (!clock->has_packet || clock->wants_jump ||
        ABS(error_us) > (is_first_report ? FIRST_JUMP_US : JUMP_US)) {
        clock->map_us = wanted_us;
    } else {
        gint64 step_us = MAX(passed_us, 0) / SLEW_DIVISOR;
        clock->map_us += CLAMP(error_us, -step_us, step_us);
    }
    clock->is_settled = clock->has_report;
    clock->wants_jump = FALSE;
}

gint64 mnb_track_clock_at(MnbTrackClock *clock, guint32 rtp_time, gint64 arrival_us)
{
    set_base(clock, rtp_time);
    if (clock->has_packet && !clock->wants_jump && rtp_time == clock->rtp_raw)
        return clock->out_us; /* another packet of the same frame */
    gint64 rtp = unwrap(clock, rtp_time);
    gint64 at_us = rtp_us(clock, rtp);
    if (clock->has_packet && !clock->wants_jump && is_another_clock(clock, at_us, arrival_us))
        begin_again(clock);
    correct(clock, target(clock, at_us, arrival_us), arrival_us - clock->arrival_us);

    gint64 out_us = at_us + clock->map_us;
    if (!clock->has_packet || rtp > clock->rtp_max) {
        if (clock->has_packet)
            out_us = MAX(out_us, clock->out_max_us + STEP_US);
        clock->rtp_max = rtp;
        clock->out_max_us = out_us;
    }
    clock->has_packet = TRUE;
    clock->rtp = rtp;
    clock->rtp_raw = rtp_time;
    clock->arrival_us = arrival_us;
    clock->out_us = out_us;
    return out_us;
}
