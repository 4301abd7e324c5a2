/* encode-private.h - what the two halves of encode.h share: building the pipeline, and running it.
 */
#pragma once
#include "pipelines/transcode/encode.h"

typedef struct {
    GstElement *pipeline;
    const MnbFilmInfo *info;
    const MnbLadder *ladder;
    const char *folder;
    MnbProgram *program;
    const MnbFilmEdit *edit;
    const MnbLoudness *loudness;
    GstElement *entry[MNB_FILM_STREAMS];  /* borrowed: where a stream comes in; NULL: not wanted */
    GstElement *download;                 /* muxer of video.mp4; NULL: no picture */
    gint64 position_us[MNB_FILM_STREAMS]; /* atomic: of what was captured */
    gint has_dropped;                     /* atomic: buffers with impossible time stamps */
    gint64 measured_us;
    guint64 folder_bytes;
    gboolean failed; /* a build step did not work; error is set */
    GError **error;
    MnbThumbs *thumbs;     /* owned by the result; NULL: no picture */
    MnbWaveform *waveform; /* owned by the result; NULL: no sound */
} MnbEncode;

/* Both set self->failed and *self->error when something cannot be built. */
void mnb_encode_build_picture(MnbEncode *self);
void mnb_encode_build_sound(MnbEncode *self, int sound);
