/* track.h - one track of the recording: RTP in, frames into files.
 *
 *   ring record -> check -> reorder -> time stamp -> depayloader (-> parser) -> on_frame -> file
 *
 * All of it runs in the thread that reads the ring: the depayloader's pads are pushed to directly,
 * there is no queue before the file's own (track-file.h). A picture format that its container file
 * cannot change to (H.264, VP9) ends the file and begins the next at the same frame. */
#pragma once
#include "pipelines/record/track-clock.h"
#include "pipelines/record/track-file.h"

typedef enum { MNB_TRACK_OPUS, MNB_TRACK_VP8, MNB_TRACK_VP9, MNB_TRACK_H264 } MnbTrackCodec;

typedef struct {
    guint32 id;
    MnbTrackCodec codec;
    gboolean is_video;
    guint32 clock_rate;
    guint payload_type;
    guint channels;                             /* Opus: 1 or 2 */
    char *peer, *name, *role, *language, *file; /* owned; name, role, language may be "" */
    GstStructure *fmtp;                         /* owned; NULL: none. String fields */
} MnbTrackConfig;

void mnb_track_config_clear(MnbTrackConfig *config);

/* "opus", "vp8", "vp9", "h264". Returns: FALSE when @name is none of them. */
gboolean mnb_track_codec_from_name(const char *name, MnbTrackCodec *codec_out);
const char *mnb_track_codec_name(MnbTrackCodec codec);

typedef struct MnbTrack MnbTrack;

/* What a track asks of its owner, from within put(), poll() and end(). */
typedef struct {
    /* Returns (owned by the track): a new file for frames of @caps whose first is at @at_us of the
     * part; NULL when there is no space or it failed: what comes until the next key frame is
     * dropped. */
    MnbTrackFile *(*open_file)(MnbTrack *track, GstCaps *caps, gint64 at_us, gpointer owner);
    /* A frame was queued for @file. Called before open_file() of the next one. */
    void (*on_written)(MnbTrack *track, MnbTrackFile *file, gint64 at_us, gpointer owner);
    void (*on_need_key_frame)(MnbTrack *track, gpointer owner);
    void (*on_bad_media)(MnbTrack *track, const char *reason, gpointer owner);
} MnbTrackHooks;

/* @config: copied out of, cleared. @hooks: static. @peer: borrowed, outlives the track.
 * @start_us: CLOCK_MONOTONIC of the part's time 0. Returns (owned): NULL with @error set. */
MnbTrack *mnb_track_new(MnbTrackConfig *config, const MnbTrackHooks *hooks, gpointer owner,
                        MnbPeerClock *peer, gint64 start_us, GError **error);

/* Finishes the file that is open and lets go of it; drops what waits for missing packets. */
void mnb_track_free(MnbTrack *track); /* NULL is fine */

/* @packet: one RTP packet, copied. */
void mnb_track_put(MnbTrack *track, const guint8 *packet, gsize size, gint64 arrival_us,
                   gint64 now_us);
void mnb_track_report(MnbTrack *track, guint64 ntp, guint32 rtp_time);

/* Every 50 ms or so: gives up on packets that did not come. */
void mnb_track_poll(MnbTrack *track, gint64 now_us);

/* Writes what is held and finishes the file. The track may go on afterwards, in a new file. */
void mnb_track_end_file(MnbTrack *track);

const MnbTrackConfig *mnb_track_config(const MnbTrack *track);
guint64 mnb_track_lost_packets(const MnbTrack *track);
