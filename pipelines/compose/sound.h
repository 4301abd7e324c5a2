/* sound.h - one sound file as samples on the film's time line. */
#pragma once
#include "pipelines/compose/plan.h"

#include <glib.h>

#define MNB_SOUND_RATE     48000
#define MNB_SOUND_CHANNELS 2

typedef struct MnbSound MnbSound;

/* @track: borrowed. Returns (owned): NULL with @error set. */
MnbSound *mnb_sound_new(const MnbPlanTrack *track, GError **error);
void mnb_sound_free(MnbSound *sound); /* NULL is fine */

/* Adds what is in the file from sample @start of the film on to @out, @n_samples of interleaved
 * channels. Holes add nothing; what lies before @start is skipped. Calls come in order of time.
 * Returns: how loud that was, as the mean square. */
gfloat mnb_sound_mix(MnbSound *sound, gint64 start, gint n_samples, gfloat *out);

/* A sum of voices back into -1 to 1, bent gently instead of cut. */
void mnb_sound_limit(gfloat *samples, gint n_values);
