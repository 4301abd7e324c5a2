/* waveform.h - the outline of a sound: the lowest and the highest sample of each piece.
 *
 * Pieces begin at 50 ms; when there are many, two become one, so that a film of any length has at
 * most MNB_WAVEFORM_MAX. One thread at a time. */
#pragma once
#include <glib.h>

#define MNB_WAVEFORM_MAX    8000
#define MNB_WAVEFORM_FRAMES 2400 /* of the first pieces: 50 ms at 48 kHz */

typedef struct MnbWaveform MnbWaveform;

/* @rate: frames a second. Returns (owned). */
MnbWaveform *mnb_waveform_new(int rate, int channels);
void mnb_waveform_free(MnbWaveform *waveform); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbWaveform, mnb_waveform_free)

/* @samples: interleaved, 1.0 is full scale; @frames of all channels. */
void mnb_waveform_add(MnbWaveform *waveform, const float *samples, gsize frames);

guint mnb_waveform_count(const MnbWaveform *waveform); /* whole pieces */

/* In the form of audiowaveform's version 2, one channel, 8 bits. Returns (owned). */
char *mnb_waveform_to_json(const MnbWaveform *waveform);
