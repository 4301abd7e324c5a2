/* hls.h - playlists (RFC 8216) for the renditions in a folder. */
#pragma once
#include "pipelines/transcode/ladder.h"

typedef struct {
    char name[16]; /* folder: "720p", "audio" */
    gboolean is_video;
    const MnbRung *rung; /* borrowed; NULL: sound */
    int sound;           /* of sound: 0 is the first */
    gboolean is_low;     /* of sound: for slow lines */
    char language[36];   /* of sound: BCP 47; "": not known */
    char codec[32];
    gint64 duration_us;
    gint64 peak_bps, average_bps;
    guint64 bytes;
    int n_segments;
} MnbRendition;

/* Reads FOLDER/NAME/stream.mp4, writes init.mp4 and index.m3u8 beside it.
 * @rendition: name, is_video and rung are set; the rest is filled in. Sets @error. */
gboolean mnb_hls_index(const char *folder, MnbRendition *rendition, GError **error);

/* Writes FOLDER/master.m3u8. @renditions: pictures best first, then the sounds, each followed by
 * its one for slow lines. Each language is a choice in both audio groups.
 * Sets the bit rates of pictures to those of the variant, sound included. */
gboolean mnb_hls_master(const char *folder, MnbRendition *renditions, int n, GError **error);
