#include "pipelines/transcode/loudness.h"

#include <ebur128.h>
#include <math.h>

#define RATE     48000
#define CHANNELS 2
#define SILENCE  (-70.0) /* LUFS: the gate of R 128 */
#define WAIT_NS  (200 * GST_MSECOND)

typedef struct {
    const MnbFilmInfo *info;
    const MnbFilmEdit *edit;
    MnbProgram *program;
    GstElement *pipeline;
    GstElement *entry[MNB_FILM_STREAMS]; /* borrowed */
    ebur128_state *meter[MNB_FILM_STREAMS];
} Measure;

double mnb_loudness_gain(double lufs, double peak)
{
    if (!isfinite(lufs) || lufs < SILENCE || !isfinite(peak) || peak <= 0)
        return 1;
    double gain_db = fmin(MNB_LOUDNESS_TARGET_LUFS - lufs, MNB_LOUDNESS_GAIN_MAX_DB);
    double room_db = MNB_LOUDNESS_PEAK_DBTP - 20 * log10(peak);
    return pow(10, fmin(gain_db, room_db) / 20);
}

static int stream_of(const Measure *self, const GstElement *sink)
{
    for (int i = 0; i < MNB_FILM_STREAMS; i++)
        if (self->entry[i] != NULL && g_object_get_data(G_OBJECT(self->entry[i]), "sink") == sink)
            return i;
    return -1;
}

static GstPadProbeReturn on_buffer(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    Measure *self = data;
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    g_autoptr(GstElement) sink = gst_pad_get_parent_element(pad);
    int stream = stream_of(self, sink);
    gboolean is_cut_out = FALSE;
    GstMapInfo map;
    mnb_program_tick(self->program);
    if (stream < 0)
        return GST_PAD_PROBE_OK;
    if (self->edit->n > 0 && GST_BUFFER_PTS_IS_VALID(buffer))
        mnb_film_edit_to_film(self->edit, (gint64)(GST_BUFFER_PTS(buffer) / 1000), &is_cut_out);
    if (is_cut_out || !gst_buffer_map(buffer, &map, GST_MAP_READ))
        return GST_PAD_PROBE_OK;
    ebur128_add_frames_float(self->meter[stream], (const float *)(const void *)map.data,
                             map.size / (CHANNELS * sizeof(float)));
    gst_buffer_unmap(buffer, &map);
    return GST_PAD_PROBE_OK;
}

static GstPad *on_branch(int stream, gpointer owner)
{
    Measure *self = owner;
    return self->entry[stream] != NULL ? gst_element_get_static_pad(self->entry[stream], "sink")
                                       : NULL;
}

/* entry -> resampler -> caps -> sink, with a meter at its end. */
static gboolean build(Measure *self, int stream, GError **error)
{
    static const char *const names[] = {"audioconvert", "audioresample", "capsfilter", "fakesink"};
    GstElement *last = NULL;
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        GstElement *element = mnb_element_make(names[i], NULL, error);
        if (element == NULL)
            return FALSE;
        gst_bin_add(GST_BIN(self->pipeline), element);
        if (i == 0)
            self->entry[stream] = element;
        if (i == 2)
            gst_util_set_object_arg(G_OBJECT(element), "caps",
                                    "audio/x-raw, format=(string)F32LE, "
                                    "layout=(string)interleaved, rate=(int)48000, channels=(int)2, "
                                    "channel-mask=(bitmask)0x3");
        if (last != NULL && !gst_element_link(last, element)) {
            g_set_error(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "%s cannot be linked", names[i]);
            return FALSE;
        }
        last = element;
    }
    g_object_set(last, "async", FALSE, "sync", FALSE, NULL);
    g_object_set_data(G_OBJECT(self->entry[stream]), "sink", last);
    self->meter[stream] = ebur128_init(CHANNELS, RATE, EBUR128_MODE_I | EBUR128_MODE_TRUE_PEAK);
    g_autoptr(GstPad) pad = gst_element_get_static_pad(last, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, self, NULL);
    return self->meter[stream] != NULL;
}

static gboolean wait(Measure *self, GError **error)
{
    g_autoptr(GstBus) bus = gst_element_get_bus(self->pipeline);
    while (!mnb_program_is_stopping(self->program, error)) {
        g_autoptr(GstMessage) message =
            gst_bus_timed_pop_filtered(bus, WAIT_NS, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
        if (message != NULL) /* at an error what was heard so far counts */
            return TRUE;
    }
    return FALSE;
}

static void read_meters(const Measure *self, MnbLoudness *loudness)
{
    for (int i = 0; i < self->info->n_sounds; i++) {
        ebur128_state *meter = self->meter[self->info->sounds[i].stream];
        double lufs = -HUGE_VAL, peak = 0, one;
        if (ebur128_loudness_global(meter, &lufs) != EBUR128_SUCCESS)
            continue;
        for (unsigned channel = 0; channel < CHANNELS; channel++)
            if (ebur128_true_peak(meter, channel, &one) == EBUR128_SUCCESS)
                peak = fmax(peak, one);
        loudness->lufs[i] = lufs;
        loudness->gain[i] = mnb_loudness_gain(lufs, peak);
    }
}

gboolean mnb_loudness_measure(MnbProgram *program, const char *path, const MnbFilmInfo *info,
                              const MnbFilmEdit *edit, MnbLoudness *loudness_out, GError **error)
{
    Measure self = {.info = info, .edit = edit, .program = program};
    for (int i = 0; i < MNB_FILM_SOUNDS_MAX; i++) {
        loudness_out->gain[i] = 1;
        loudness_out->lufs[i] = -HUGE_VAL;
    }
    if (info->n_sounds == 0)
        return TRUE;
    self.pipeline = gst_object_ref_sink(gst_pipeline_new(NULL));
    gboolean ok = TRUE;
    for (int i = 0; ok && i < info->n_sounds; i++)
        ok = build(&self, info->sounds[i].stream, error);
    MnbFilm *film = ok ? mnb_film_new(path, self.pipeline, on_branch, &self, error) : NULL;
    ok = film != NULL;
    if (ok) {
        gst_element_set_state(self.pipeline, GST_STATE_PLAYING);
        ok = wait(&self, error);
        gst_element_set_state(self.pipeline, GST_STATE_NULL);
    }
    if (ok)
        read_meters(&self, loudness_out);
    mnb_film_free(film);
    gst_object_unref(self.pipeline);
    for (int i = 0; i < MNB_FILM_STREAMS; i++)
        if (self.meter[i] != NULL)
            ebur128_destroy(&self.meter[i]);
    return ok;
}
