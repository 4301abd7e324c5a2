/* channels.h - what is heard in each language at a moment: the floor, and beside it one channel for
 * every language of interpretation.
 *
 *     microphones ------------------------------------> floor
 *                   +--(quiet while somebody speaks)--> + --> ja
 *     interpreters of ja -----------------------------> +
 *
 * While nobody interprets, a channel carries the floor as it is; so it can be listened to from
 * beginning to end. */
#pragma once
#include "pipelines/compose/plan.h"
#include "pipelines/compose/timeline.h"

typedef struct MnbChannels MnbChannels;

/* @plan, @timeline: borrowed, outlive it. Returns (owned). */
MnbChannels *mnb_channels_new(const MnbPlan *plan, MnbTimeline *timeline);
void mnb_channels_free(MnbChannels *self); /* NULL is fine */

/* Mixes samples @start to @start + @n_samples of what was captured (MNB_SOUND_RATE), at @at_us.
 * @out: for each channel of the plan room for @n_samples, zeroed. Calls come in order of time.
 * Returns: FALSE with @error set. */
gboolean mnb_channels_mix(MnbChannels *self, gint64 at_us, gint64 start, gint n_samples,
                          gfloat **out, GError **error);
