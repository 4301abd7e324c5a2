#include "pipelines/compose/channels.h"

#include "pipelines/compose/sound.h"

#include <string.h>

#define OPEN_EARLY_US 300000
#define SPEAKS        1e-5f                 /* mean square: about -50 dB below full scale */
#define HOLD_US       (1500 * (gint64)1000) /* a breath does not bring the floor back */
#define FLOOR_BELOW   0.15f                 /* how loud it is under an interpreter */
#define FADE_S        0.3f

typedef struct {
    MnbSound *sound;
    const MnbPlanTrack *track;
} Voice;

struct MnbChannels {
    const MnbPlan *plan;
    MnbTimeline *timeline;
    guint next_track; /* of plan->tracks: not opened yet */
    GArray *voices;   /* Voice: files open now */
    struct {
        gint64 spoke_us; /* when an interpreter was last heard */
        gfloat floor_gain;
    } states[MNB_PLAN_CHANNELS_MAX];
};

static void voice_clear(gpointer data)
{
    mnb_sound_free(((Voice *)data)->sound);
}

MnbChannels *mnb_channels_new(const MnbPlan *plan, MnbTimeline *timeline)
{
    MnbChannels *self = g_new0(MnbChannels, 1);
    self->plan = plan;
    self->timeline = timeline;
    self->voices = g_array_new(FALSE, FALSE, sizeof(Voice));
    g_array_set_clear_func(self->voices, voice_clear);
    for (guint i = 0; i < MNB_PLAN_CHANNELS_MAX; i++) {
        self->states[i].spoke_us = -HOLD_US;
        self->states[i].floor_gain = 1;
    }
    return self;
}

void mnb_channels_free(MnbChannels *self)
{
    if (self == NULL)
        return;
    g_array_unref(self->voices);
    g_free(self);
}

static gboolean open_voices(MnbChannels *self, gint64 at_us, GError **error)
{
    for (; self->next_track < self->plan->tracks->len; self->next_track++) {
        const MnbPlanTrack *track = g_ptr_array_index(self->plan->tracks, self->next_track);
        if (track->start_us > at_us + OPEN_EARLY_US)
            break;
        if (track->is_video || track->end_us < at_us)
            continue;
        Voice voice = {mnb_sound_new(track, error), track};
        if (voice.sound == NULL)
            return FALSE;
        g_array_append_val(self->voices, voice);
    }
    return TRUE;
}

static void close_voices(MnbChannels *self, gint64 at_us)
{
    for (guint i = self->voices->len; i > 0; i--)
        if (g_array_index(self->voices, Voice, i - 1).track->end_us + (gint64)G_USEC_PER_SEC <
            at_us)
            g_array_remove_index(self->voices, i - 1);
}

/* Brings the floor in under the interpreter, or back, without a step. */
static void add_floor(MnbChannels *self, guint channel, gint64 at_us, const gfloat *floor,
                      gint n_samples, gfloat *out)
{
    gboolean is_on = at_us - self->states[channel].spoke_us < HOLD_US;
    gfloat to = is_on ? FLOOR_BELOW : 1;
    gfloat step = (1 - FLOOR_BELOW) / (FADE_S * MNB_SOUND_RATE);
    gfloat gain = self->states[channel].floor_gain;
    for (gint i = 0; i < n_samples; i++) {
        gain = gain < to ? MIN(gain + step, to) : MAX(gain - step, to);
        for (gint k = 0; k < MNB_SOUND_CHANNELS; k++)
            out[i * MNB_SOUND_CHANNELS + k] += gain * floor[i * MNB_SOUND_CHANNELS + k];
    }
    self->states[channel].floor_gain = gain;
}

gboolean mnb_channels_mix(MnbChannels *self, gint64 at_us, gint64 start, gint n_samples,
                          gfloat **out, GError **error)
{
    if (!open_voices(self, at_us, error))
        return FALSE;
    for (guint i = 0; i < self->voices->len; i++) {
        const Voice *voice = &g_array_index(self->voices, Voice, i);
        guint channel = voice->track->channel;
        gfloat level = mnb_sound_mix(voice->sound, start, n_samples, out[channel]);
        if (level < SPEAKS)
            continue;
        if (channel == 0)
            mnb_timeline_speaks(self->timeline, voice->track->peer, at_us);
        else
            self->states[channel].spoke_us = at_us;
    }
    for (guint i = 1; i < self->plan->channels->len; i++)
        add_floor(self, i, at_us, out[0], n_samples, out[i]);
    for (guint i = 0; i < self->plan->channels->len; i++)
        mnb_sound_limit(out[i], n_samples * MNB_SOUND_CHANNELS);
    close_voices(self, at_us);
    return TRUE;
}
