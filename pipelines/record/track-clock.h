/* track-clock.h - from RTP time stamps to one time line for all tracks of a part.
 *
 * A sender report says which RTP time stamp belongs to which moment of the publisher's clock, so
 * sound and picture of one peer can be lined up exactly (RFC 3550, 6.4.1). How that clock stands to
 * ours only arrival can tell: the least delay seen in the last 10 to 20 s, over all tracks of the
 * peer, is taken for the true distance, as delay only ever adds to it. Before the first report a
 * track goes by the arrival of its own packets in the same way.
 *
 *   RTP time --(report)--> publisher's clock --(MnbPeerClock, least delay)--> CLOCK_MONOTONIC
 *
 * Small corrections are slewed by 5 ms a second, which is not heard; large ones (first report, a
 * clock that stood still during mute, a jump) are made at once. Time stamps of later packets never
 * come out before those of earlier ones. Pure arithmetic: no thread, no clock of its own. */
#pragma once
#include <glib.h>

typedef struct {
    gint64 now_us, before_us; /* least of this and the window before; G_MAXINT64: none */
    gint64 since_us;          /* when this window began */
} MnbLeast;

typedef struct {
    MnbLeast delay_us; /* arrival minus publisher's clock */
} MnbPeerClock;

typedef struct {
    MnbPeerClock *peer; /* borrowed */
    guint32 rate;
    gboolean has_base; /* rtp and rtp_raw are set, by a packet or a report */
    gboolean has_packet;
    gboolean has_report; /* report_us is good */
    gboolean is_settled; /* map_us goes by a report */
    gboolean wants_jump; /* the next packet sets map_us at once */
    gint64 rtp;          /* last time stamp, unwrapped; the first is 0 */
    guint32 rtp_raw;
    gint64 rtp_max;
    gint64 map_us; /* what is added to RTP time now */
    gint64 out_us, out_max_us;
    gint64 arrival_us; /* last packet's */
    gint64 report_us;  /* publisher's clock minus RTP time, by the last report */
    MnbLeast delay_us; /* arrival minus RTP time, of this track alone */
} MnbTrackClock;

void mnb_peer_clock_init(MnbPeerClock *peer);

/* @peer: borrowed, shared by the tracks of one peer. @rate: RTP clock rate, above 0. */
void mnb_track_clock_init(MnbTrackClock *clock, MnbPeerClock *peer, guint32 rate);

/* A sender report. @ntp: 32.32 fixed point seconds since 1900. @rtp_time: of the same moment.
 * May come before the first packet. */
void mnb_track_clock_report(MnbTrackClock *clock, guint64 ntp, guint32 rtp_time);

/* The next packet in order of sequence numbers. @arrival_us: CLOCK_MONOTONIC.
 * Returns: when it was captured, on CLOCK_MONOTONIC, late by the least network delay. */
gint64 mnb_track_clock_at(MnbTrackClock *clock, guint32 rtp_time, gint64 arrival_us);

/* The stream began anew (another SSRC): time stamps have nothing to do with those before. */
void mnb_track_clock_restart(MnbTrackClock *clock);
