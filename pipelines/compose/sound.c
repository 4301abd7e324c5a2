#include "pipelines/compose/sound.h"

#include "pipelines/compose/reader.h"

#include <math.h>

#define TOLERANCE (MNB_SOUND_RATE * 40 / 1000) /* samples: a smaller difference is only jitter */
#define KNEE      0.8f

struct MnbSound {
    MnbReader *reader;
    gint64 shift_us;
    GstSample *sample; /* owned; NULL: none */
    GstMapInfo map;
    gint64 at;   /* film sample of the first one in map */
    gint64 next; /* where the next buffer belongs if it continues this one; -1: anywhere */
    gint n_samples;
    gboolean has_ended;
};

MnbSound *mnb_sound_new(const MnbPlanTrack *track, GError **error)
{
    g_autoptr(GstCaps) caps = gst_caps_new_simple(
        "audio/x-raw", "format", G_TYPE_STRING, "F32LE", "rate", G_TYPE_INT, MNB_SOUND_RATE,
        "channels", G_TYPE_INT, MNB_SOUND_CHANNELS, "layout", G_TYPE_STRING, "interleaved", NULL);
    MnbReader *reader = mnb_reader_new(track->path, track->codec, caps, error);
    if (reader == NULL)
        return NULL;
    MnbSound *sound = g_new0(MnbSound, 1);
    sound->reader = reader;
    sound->shift_us = track->shift_us;
    sound->next = -1;
    return sound;
}

static void drop_sample(MnbSound *sound)
{
    if (sound->sample == NULL)
        return;
    gst_buffer_unmap(gst_sample_get_buffer(sound->sample), &sound->map);
    g_clear_pointer(&sound->sample, gst_sample_unref);
}

void mnb_sound_free(MnbSound *sound)
{
    if (sound == NULL)
        return;
    drop_sample(sound);
    mnb_reader_free(sound->reader);
    g_free(sound);
}

static void pull(MnbSound *sound)
{
    drop_sample(sound);
    GstSample *sample = mnb_reader_pull(sound->reader);
    if (sample == NULL) {
        sound->has_ended = TRUE;
        return;
    }
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    if (!GST_BUFFER_PTS_IS_VALID(buffer) || !gst_buffer_map(buffer, &sound->map, GST_MAP_READ)) {
        gst_sample_unref(sample);
        return;
    }
    gint64 at_us = (gint64)(GST_BUFFER_PTS(buffer) / 1000) + sound->shift_us;
    sound->sample = sample;
    sound->n_samples = (gint)(sound->map.size / (sizeof(gfloat) * MNB_SOUND_CHANNELS));
    sound->at = at_us * MNB_SOUND_RATE / G_USEC_PER_SEC;
    if (sound->next >= 0 && ABS(sound->at - sound->next) < TOLERANCE)
        sound->at = sound->next;
    sound->next = sound->at + sound->n_samples;
}

gfloat mnb_sound_mix(MnbSound *sound, gint64 start, gint n_samples, gfloat *out)
{
    gint64 end = start + n_samples;
    gfloat sum = 0;
    while (!sound->has_ended) {
        if (sound->sample == NULL || sound->at + sound->n_samples <= start) {
            pull(sound);
            continue;
        }
        if (sound->at >= end)
            break;
        gint64 from = MAX(start, sound->at), to = MIN(end, sound->at + sound->n_samples);
        const gfloat *in =
            (const gfloat *)sound->map.data + (from - sound->at) * MNB_SOUND_CHANNELS;
        gfloat *place = out + (from - start) * MNB_SOUND_CHANNELS;
        for (gint64 i = 0; i < (to - from) * MNB_SOUND_CHANNELS; i++)
            place[i] += in[i];
        for (gint64 i = 0; i < (to - from) * MNB_SOUND_CHANNELS; i += MNB_SOUND_CHANNELS)
            sum += in[i] * in[i];
        if (sound->at + sound->n_samples > end)
            break;
        pull(sound);
    }
    return n_samples > 0 ? sum / (gfloat)n_samples : 0;
}

void mnb_sound_limit(gfloat *samples, gint n_values)
{
    for (gint i = 0; i < n_values; i++) {
        gfloat value = samples[i], size = fabsf(value);
        if (size > KNEE)
            samples[i] = copysignf(KNEE + (1 - KNEE) * tanhf((size - KNEE) / (1 - KNEE)), value);
    }
}
