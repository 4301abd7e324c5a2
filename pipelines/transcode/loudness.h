/* loudness.h - how loud the sounds of a film are (EBU R 128), and what makes them right.
 *
 * A pass of its own before the film is encoded: the sound is decoded and heard through, pictures
 * are passed over. The target is -23 LUFS; a true peak above -1 dBTP is never made, so a film with
 * a single bang in it stays softer. */
#pragma once
#include "pipelines/common/film.h"
#include "recordings/film-edit.h"

#define MNB_LOUDNESS_TARGET_LUFS (-23.0)
#define MNB_LOUDNESS_PEAK_DBTP   (-1.0)
#define MNB_LOUDNESS_GAIN_MAX_DB 24.0 /* noise is not made into a programme */

typedef struct {
    double gain[MNB_FILM_SOUNDS_MAX]; /* linear factor for each of info->sounds; 1: leave it */
    double lufs[MNB_FILM_SOUNDS_MAX]; /* as it was; -HUGE_VAL: silence */
} MnbLoudness;

/* The factor for a sound of @lufs with a true peak of @peak (linear). Pure. */
double mnb_loudness_gain(double lufs, double peak);

/* Hears what @edit keeps. A film that breaks off is judged by what there is of it.
 * Returns: FALSE with @error when the work is stopping or it cannot be read at all; then all
 * factors are 1. */
gboolean mnb_loudness_measure(MnbProgram *program, const char *path, const MnbFilmInfo *info,
                              const MnbFilmEdit *edit, MnbLoudness *loudness_out, GError **error);
