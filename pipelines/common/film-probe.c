/* film-probe.c - what is in a film: see film.h. The first picture and the first sound are decoded
 * into sinks that keep them; their caps say more than those of the demuxer, and that they decode at
 * all tells a film from something that only begins like one. */
#include "pipelines/common/film.h"

#include <gst/video/video.h>
#include <string.h>

#define PATIENCE_US (30 * (gint64)G_USEC_PER_SEC)
#define PADS_WAIT_US                                                                               \
    (5 * (gint64)G_USEC_PER_SEC) /* demuxers that do not say when all pads are there */

#define STREAM_WAIT_US (10 * (gint64)G_USEC_PER_SEC) /* for the first stream to be found */
#define RATE_WAIT_MS   300

typedef struct {
    GstElement *pipeline;
    GstElement *sinks[MNB_FILM_STREAMS]; /* NULL: there is none. Set from streaming threads */
    gint has_ended[MNB_FILM_STREAMS]; /* atomic: the stream is over; the pipeline says so only when
                                         it plays */
    GMutex lock;
} Probe;

static GstPadProbeReturn on_event(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS)
        g_atomic_int_set((gint *)data, 1);
    return GST_PAD_PROBE_OK;
}

static GstPad *on_branch(int stream, gpointer owner)
{
    Probe *probe = owner;
    g_autofree char *name = g_strdup_printf("probe-%d", stream);
    GstElement *sink = gst_element_factory_make("fakesink", name);
    g_object_set(sink, "sync", FALSE, "enable-last-sample", TRUE, NULL);
    gst_bin_add(GST_BIN(probe->pipeline), sink);
    gst_element_sync_state_with_parent(sink);
    g_mutex_lock(&probe->lock);
    probe->sinks[stream] = sink;
    g_mutex_unlock(&probe->lock);
    GstPad *pad = gst_element_get_static_pad(sink, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_event, &probe->has_ended[stream],
                      NULL);
    return pad;
}

static GstCaps *sink_caps(Probe *probe, int stream)
{
    g_mutex_lock(&probe->lock);
    GstElement *sink = probe->sinks[stream];
    g_mutex_unlock(&probe->lock);
    GstSample *sample = NULL;
    if (sink != NULL)
        g_object_get(sink, "last-sample", &sample, NULL);
    if (sample == NULL)
        return NULL;
    GstCaps *caps = gst_caps_ref(gst_sample_get_caps(sample));
    gst_sample_unref(sample);
    return caps;
}

static gboolean has_stream(Probe *probe, int stream)
{
    g_mutex_lock(&probe->lock);
    gboolean has = probe->sinks[stream] != NULL;
    g_mutex_unlock(&probe->lock);
    return has;
}

/* Whether every stream that was found has shown something, or ended without. */
static gboolean is_settled(Probe *probe)
{
    gboolean has_any = FALSE;
    for (int stream = 0; stream < MNB_FILM_STREAMS; stream++) {
        if (!has_stream(probe, stream))
            continue;
        gboolean has_ended = g_atomic_int_get(&probe->has_ended[stream]) != 0;
        g_autoptr(GstCaps) caps = sink_caps(probe, stream);
        if (caps == NULL && !has_ended)
            return FALSE;
        has_any = TRUE;
    }
    return has_any;
}

static gboolean is_known(Probe *probe)
{
    g_autoptr(GstCaps) picture = sink_caps(probe, 0);
    gboolean has_sound = FALSE;
    for (int stream = 1; stream < MNB_FILM_STREAMS && !has_sound; stream++) {
        g_autoptr(GstCaps) sound = sink_caps(probe, stream);
        has_sound = sound != NULL;
    }
    return is_settled(probe) && (picture != NULL || has_sound);
}

static gboolean set_not_a_film(GError **error, const char *reason)
{
    g_set_error(error, MNB_JOB_ERROR, MNB_JOB_NOT_A_FILM, "%s", reason);
    return FALSE;
}

static gboolean refuse(GstMessage *message, GError **error)
{
    g_autoptr(GError) posted = NULL;
    mnb_job_error_set_message(&posted, message);
    if (posted->code == MNB_JOB_IO || posted->code == MNB_JOB_MISSING_PLUGIN) {
        g_propagate_error(error, g_steal_pointer(&posted));
        return FALSE;
    }
    g_autofree char *reason = g_strdup_printf("the film cannot be read: %s", posted->message);
    return set_not_a_film(error, reason);
}

static gboolean wait_until_known(MnbProgram *program, Probe *probe, MnbFilm *film, GError **error)
{
    g_autoptr(GstBus) bus = gst_element_get_bus(probe->pipeline);
    gint64 began_us = g_get_monotonic_time();
    while (!mnb_program_is_stopping(program, error)) {
        gint64 passed_us = g_get_monotonic_time() - began_us;
        gboolean has_all = mnb_film_has_all_streams(film) || passed_us > PADS_WAIT_US;
        gboolean is_over = has_stream(probe, 0) || has_stream(probe, 1)
                               ? passed_us > PATIENCE_US
                               : passed_us > STREAM_WAIT_US;
        if ((has_all && is_settled(probe)) || is_over)
            return is_known(probe) || set_not_a_film(error, "nothing in it can be decoded");
        mnb_program_tick(program);
        g_autoptr(GstMessage) message =
            gst_bus_timed_pop_filtered(bus, 20 * GST_MSECOND, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
        if (message == NULL)
            continue;
        /* A film that is shorter than what the sinks wait for, or broken behind its first frames.
         */
        if (is_known(probe))
            return TRUE;
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
            return refuse(message, error);
        return set_not_a_film(error, "there is no picture and no sound in it");
    }
    return FALSE;
}

static gboolean read_picture(GstCaps *caps, MnbFilmInfo *info, GError **error)
{
    GstVideoInfo video;
    if (!gst_video_info_from_caps(&video, caps))
        return set_not_a_film(error, "the picture has no size");
    int width = GST_VIDEO_INFO_WIDTH(&video), height = GST_VIDEO_INFO_HEIGHT(&video);
    int par_n = GST_VIDEO_INFO_PAR_N(&video), par_d = GST_VIDEO_INFO_PAR_D(&video);
    if (width > MNB_FILM_SIDE_MAX || height > MNB_FILM_SIDE_MAX ||
        (gint64)width * height > MNB_FILM_PIXELS_MAX) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_TOO_LARGE, "the picture is too large: %dx%d",
                    width, height);
        return FALSE;
    }
    if (par_n > 0 && par_d > 0 && par_n != par_d && par_n < par_d * 8 && par_d < par_n * 8)
        width = (int)((gint64)width * par_n / par_d);
    info->width = MAX(width & ~1, 2);
    info->height = MAX(height & ~1, 2);
    info->fps_n = GST_VIDEO_INFO_FPS_N(&video);
    info->fps_d = GST_VIDEO_INFO_FPS_D(&video);
    /* Anything but the two usual matrices (HDR, RGB) is converted to that of HD. */
    gboolean is_sd = GST_VIDEO_INFO_COLORIMETRY(&video).matrix == GST_VIDEO_COLOR_MATRIX_BT601;
    g_strlcpy(info->colorimetry, is_sd ? "bt601" : "bt709", sizeof info->colorimetry);
    return TRUE;
}

/* The demuxer goes on filling the queue while the decoder waits with its first picture. */
static void read_rate(MnbFilm *film, MnbFilmInfo *info)
{
    int n = 0, d = 1;
    for (int i = 0; i < RATE_WAIT_MS / 10; i++) {
        if (mnb_film_container_rate(film, &n, &d) >= MNB_FILM_RATE_PICTURES)
            break;
        g_usleep(10000);
    }
    if (n > 0) {
        info->fps_n = n;
        info->fps_d = d;
    }
}

static gboolean has_language(const MnbFilmInfo *info, const char *language)
{
    for (int i = 0; i < info->n_sounds; i++)
        if (g_ascii_strcasecmp(info->sounds[i].language, language) == 0)
            return TRUE;
    return FALSE;
}

/* The first sound, and others in other languages. A camera's second microphone is none of them. */
static void read_sounds(Probe *probe, MnbFilm *film, MnbFilmInfo *info)
{
    for (int i = 0; i < MNB_FILM_SOUNDS_MAX; i++) {
        char language[36];
        g_autoptr(GstCaps) caps = sink_caps(probe, 1 + i);
        if (caps == NULL)
            continue;
        mnb_film_language(film, i, language, sizeof language);
        if (info->n_sounds > 0 && (language[0] == '\0' || has_language(info, language)))
            continue;
        info->sounds[info->n_sounds].stream = 1 + i;
        g_strlcpy(info->sounds[info->n_sounds].language, language, sizeof language);
        info->n_sounds++;
    }
    info->has_audio = info->n_sounds > 0;
}

static gboolean read_info(Probe *probe, MnbFilm *film, MnbFilmInfo *info, GError **error)
{
    gint64 duration_ns = 0;
    g_autoptr(GstCaps) picture = sink_caps(probe, 0);
    info->kind = mnb_film_kind(film);
    if (mnb_film_count_tracks(film) > MNB_FILM_TRACKS_MAX) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_TOO_LARGE, "the film has more than %d tracks",
                    MNB_FILM_TRACKS_MAX);
        return FALSE;
    }
    if (picture == NULL && has_stream(probe, 0))
        return set_not_a_film(error, "the picture cannot be decoded");
    info->has_video = picture != NULL;
    read_sounds(probe, film, info);
    if (gst_element_query_duration(probe->pipeline, GST_FORMAT_TIME, &duration_ns) &&
        duration_ns > 0)
        info->duration_us = duration_ns / 1000;
    mnb_film_codecs(film, info->video_codec, info->audio_codec, sizeof info->video_codec);
    const char *refused = mnb_film_refused_stream(film);
    if (!info->has_video && refused != NULL &&
        (g_str_has_prefix(refused, "video/") || !info->has_audio)) {
        g_autofree char *reason = g_strdup_printf("the film's format %s is not accepted", refused);
        return set_not_a_film(error, reason);
    }
    if (info->duration_us > MNB_FILM_DURATION_MAX_US) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_TOO_LARGE, "the film is longer than 12 hours");
        return FALSE;
    }
    if (picture != NULL && !read_picture(picture, info, error))
        return FALSE;
    read_rate(film, info);
    return TRUE;
}

gboolean mnb_film_probe(MnbProgram *program, const char *path, MnbFilmInfo *info_out,
                        GError **error)
{
    Probe probe = {.pipeline = gst_object_ref_sink(gst_pipeline_new(NULL))};
    *info_out = (MnbFilmInfo){.fps_d = 1};
    g_mutex_init(&probe.lock);
    MnbFilm *film = mnb_film_new(path, probe.pipeline, on_branch, &probe, error);
    gboolean ok = FALSE;
    if (film != NULL) {
        gst_element_set_state(probe.pipeline, GST_STATE_PAUSED);
        ok = wait_until_known(program, &probe, film, error) &&
             read_info(&probe, film, info_out, error);
        gst_element_set_state(probe.pipeline, GST_STATE_NULL);
    }
    mnb_film_free(film);
    gst_object_unref(probe.pipeline);
    g_mutex_clear(&probe.lock);
    return ok;
}
