/* stills.h - one picture that stands for a film. */
#pragma once
#include "pipelines/common/film.h"

typedef struct {
    gint64 at_us; /* in the film */
    int width, height;
} MnbStill;

/* Writes a JPEG of the film @path to @out, by rename. @info: of mnb_film_probe(), with a picture.
 * @at_us: which moment (the key frame before it); 0: of some moments across the film the one with
 * the most detail that is neither black nor white. @width_max: pixels; never enlarged.
 * Returns: FALSE with @error set. */
gboolean mnb_stills_make(MnbProgram *program, const char *path, const MnbFilmInfo *info,
                         const char *out, gint64 at_us, int width_max, MnbStill *still_out,
                         GError **error);

/* Writes one raw picture as a JPEG, by rename. @quality: 1-100. Sets @error. */
gboolean mnb_stills_write_jpeg(GstBuffer *buffer, GstCaps *caps, int quality, const char *out,
                               GError **error);

/* How good a picture stands for a film: more is better. @luma: brightness, @stride bytes a row. */
double mnb_stills_score(const guint8 *luma, int width, int height, int stride);

/* Elements it needs besides those of films. */
#define MNB_STILLS_NEEDS                                                                           \
    {"videoconvertscale", "videoconvertscale", "gstreamer1.0-plugins-base"},                       \
    {                                                                                              \
        "jpegenc", "jpeg", "gstreamer1.0-plugins-good"                                             \
    }
