#include "pipelines/compose/reader.h"

#include "pipelines/common/program.h"

#include <gst/app/app.h>
#include <string.h>

#define AHEAD_VIDEO 4
#define AHEAD_AUDIO 50
#define PATIENCE    (20 * GST_SECOND) /* a decoder that gives nothing for so long hangs */

struct MnbReader {
    GstElement *pipeline, *sink, *filter;
    char *path;
    gboolean has_ended;
};

static const struct {
    const char *codec;
    const char *elements[6]; /* decoder first, then what makes it fit */
} chains[] = {
    {"vp8", {"vp8dec", "videoconvertscale"}},
    {"vp9", {"vp9dec", "videoconvertscale"}},
    {"h264", {"h264parse", "avdec_h264", "videoconvertscale"}},
    {"opus", {"opusdec", "audioconvert", "audioresample"}},
};

static void on_pad(GstElement *demuxer, GstPad *pad, gpointer data)
{
    g_autoptr(GstPad) into = gst_element_get_static_pad(data, "sink");
    if (gst_pad_is_linked(into) || gst_pad_link(pad, into) != GST_PAD_LINK_OK)
        GST_ELEMENT_WARNING(demuxer, STREAM, WRONG_TYPE, ("a track is not what it should be"),
                            (NULL));
}

static const char *const *find_chain(const char *codec)
{
    for (gsize i = 0; i < G_N_ELEMENTS(chains); i++)
        if (strcmp(chains[i].codec, codec) == 0)
            return chains[i].elements;
    return NULL;
}

static gboolean add(MnbReader *reader, const char *factory, GstElement **last, GError **error)
{
    GstElement *element = mnb_element_make(factory, NULL, error);
    if (element == NULL)
        return FALSE;
    gst_bin_add(GST_BIN(reader->pipeline), element);
    if (*last != NULL && !gst_element_link(*last, element)) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "%s cannot be linked", factory);
        return FALSE;
    }
    *last = element;
    return TRUE;
}

static gboolean build(MnbReader *reader, const char *const *chain, GstCaps *caps, GError **error)
{
    GstElement *last = NULL, *first = NULL;
    if (!add(reader, "filesrc", &last, error))
        return FALSE;
    g_object_set(last, "location", reader->path, NULL);
    if (!add(reader, "matroskademux", &last, error))
        return FALSE;
    GstElement *demuxer = last;
    last = NULL;
    for (; *chain != NULL; chain++) {
        if (!add(reader, *chain, &last, error))
            return FALSE;
        first = first != NULL ? first : last;
    }
    if (!add(reader, "capsfilter", &last, error))
        return FALSE;
    reader->filter = last;
    if (!add(reader, "appsink", &last, error))
        return FALSE;
    reader->sink = last;
    gboolean is_video =
        strcmp(gst_structure_get_name(gst_caps_get_structure(caps, 0)), "video/x-raw") == 0;
    g_object_set(reader->filter, "caps", caps, NULL);
    g_object_set(reader->sink, "sync", FALSE, "max-buffers", is_video ? AHEAD_VIDEO : AHEAD_AUDIO,
                 NULL);
    g_signal_connect(demuxer, "pad-added", G_CALLBACK(on_pad), first);
    return TRUE;
}

MnbReader *mnb_reader_new(const char *path, const char *codec, GstCaps *caps, GError **error)
{
    const char *const *chain = find_chain(codec);
    if (chain == NULL) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_BAD_JOB, "codec %s is not known", codec);
        return NULL;
    }
    MnbReader *reader = g_new0(MnbReader, 1);
    reader->path = g_strdup(path);
    reader->pipeline = gst_object_ref_sink(gst_pipeline_new(NULL));
    if (!build(reader, chain, caps, error)) {
        mnb_reader_free(reader);
        return NULL;
    }
    gst_element_set_state(reader->pipeline, GST_STATE_PLAYING);
    return reader;
}

void mnb_reader_free(MnbReader *reader)
{
    if (reader == NULL)
        return;
    gst_element_set_state(reader->pipeline, GST_STATE_NULL);
    gst_object_unref(reader->pipeline);
    g_free(reader->path);
    g_free(reader);
}

/* @failed: what the pipeline posted; NULL: nothing, it hangs. */
static void end_early(MnbReader *reader, GstMessage *failed)
{
    g_autofree char *name = g_path_get_basename(reader->path);
    g_autoptr(GError) error = NULL;
    if (failed != NULL)
        mnb_job_error_set_message(&error, failed);
    mnb_lines_warn("damaged-track", "%s ends early: %s", name,
                   error != NULL ? error->message : "the decoder hangs");
    reader->has_ended = TRUE;
}

GstSample *mnb_reader_pull(MnbReader *reader)
{
    if (reader->has_ended)
        return NULL;
    GstAppSink *sink = GST_APP_SINK(reader->sink);
    g_autoptr(GstBus) bus = gst_element_get_bus(reader->pipeline);
    for (GstClockTime waited = 0; waited < PATIENCE; waited += GST_SECOND / 10) {
        GstSample *sample = gst_app_sink_try_pull_sample(sink, GST_SECOND / 10);
        if (sample != NULL)
            return sample;
        if (gst_app_sink_is_eos(sink)) {
            reader->has_ended = TRUE;
            return NULL;
        }
        g_autoptr(GstMessage) failed = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
        if (failed != NULL) {
            end_early(reader, failed);
            return NULL;
        }
    }
    end_early(reader, NULL);
    return NULL;
}

void mnb_reader_set_caps(MnbReader *reader, GstCaps *caps)
{
    g_object_set(reader->filter, "caps", caps, NULL);
}
