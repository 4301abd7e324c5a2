#include "pipelines/compose/film-writer.h"

#include "pipelines/compose/sound.h"

#include <gst/app/app.h>
#include <string.h>

#define QUALITY 20 /* x264's constant rate factor */

struct MnbFilmWriter {
    GstElement *pipeline, *pictures;
    GPtrArray *sounds; /* GstElement, borrowed: appsrc of each */
    GstBus *bus;
};

static GstElement *add(MnbFilmWriter *writer, const char *factory, GError **error)
{
    GstElement *element = mnb_element_make(factory, NULL, error);
    if (element != NULL)
        gst_bin_add(GST_BIN(writer->pipeline), element);
    return element;
}

static gboolean link_to(GstElement *a, GstElement *b, const char *pad, GError **error)
{
    if (pad != NULL ? gst_element_link_pads(a, "src", b, pad) : gst_element_link(a, b))
        return TRUE;
    g_set_error(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "the film's encoders cannot be linked");
    return FALSE;
}

static gboolean build_pictures(MnbFilmWriter *writer, const GstVideoInfo *info, GstElement *muxer,
                               GError **error)
{
    GstElement *encoder, *parser, *queue;
    if ((writer->pictures = add(writer, "appsrc", error)) == NULL ||
        (encoder = add(writer, "x264enc", error)) == NULL ||
        (parser = add(writer, "h264parse", error)) == NULL ||
        (queue = add(writer, "queue", error)) == NULL)
        return FALSE;
    g_autoptr(GstCaps) caps = gst_video_info_to_caps((GstVideoInfo *)info);
    g_object_set(writer->pictures, "caps", caps, "format", GST_FORMAT_TIME, "block", TRUE,
                 "max-bytes", (guint64)(8 * GST_VIDEO_INFO_SIZE(info)), NULL);
    gst_util_set_object_arg(G_OBJECT(encoder), "speed-preset", "ultrafast");
    gst_util_set_object_arg(G_OBJECT(encoder), "pass", "qual");
    g_object_set(encoder, "quantizer", QUALITY, "key-int-max",
                 (guint)(2 * GST_VIDEO_INFO_FPS_N(info)), NULL);
    return link_to(writer->pictures, encoder, NULL, error) &&
           link_to(encoder, parser, NULL, error) && link_to(parser, queue, NULL, error) &&
           link_to(queue, muxer, "video_%u", error);
}

/* The muxer takes the track's language from a tag; a track without one is English by the rules of
 * Matroska. */
static gboolean add_language(MnbFilmWriter *writer, GstElement **last, const char *language,
                             GError **error)
{
    GstElement *tags = add(writer, "taginject", error);
    if (tags == NULL || !link_to(*last, tags, NULL, error))
        return FALSE;
    g_autofree char *primary = g_strndup(language, strcspn(language, "-"));
    g_autofree char *text = g_strdup_printf("language-code=%s", *primary != '\0' ? primary : "und");
    g_object_set(tags, "tags", text, NULL);
    *last = tags;
    return TRUE;
}

static gboolean build_sound(MnbFilmWriter *writer, const char *language, GstElement *muxer,
                            GError **error)
{
    GstElement *source, *convert, *encoder, *queue;
    if ((source = add(writer, "appsrc", error)) == NULL ||
        (convert = add(writer, "audioconvert", error)) == NULL ||
        (encoder = add(writer, "flacenc", error)) == NULL ||
        (queue = add(writer, "queue", error)) == NULL)
        return FALSE;
    g_autoptr(GstCaps) caps = gst_caps_new_simple(
        "audio/x-raw", "format", G_TYPE_STRING, "F32LE", "rate", G_TYPE_INT, MNB_SOUND_RATE,
        "channels", G_TYPE_INT, MNB_SOUND_CHANNELS, "layout", G_TYPE_STRING, "interleaved", NULL);
    g_autoptr(GstCaps) wanted =
        gst_caps_new_simple("audio/x-raw", "format", G_TYPE_STRING, "S16LE", NULL);
    /* Not bounded: it comes in step with the pictures, and those are. */
    g_ptr_array_add(writer->sounds, source);
    g_object_set(source, "caps", caps, "format", GST_FORMAT_TIME, "max-bytes", (guint64)0, NULL);
    gst_util_set_object_arg(G_OBJECT(encoder), "quality", "2");
    g_object_set(queue, "max-size-time", (guint64)0, "max-size-bytes", 0u, "max-size-buffers", 0u,
                 NULL);
    if (!link_to(source, convert, NULL, error))
        return FALSE;
    if (!gst_element_link_filtered(convert, encoder, wanted)) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "the film's sound cannot be linked");
        return FALSE;
    }
    GstElement *last = encoder;
    return add_language(writer, &last, language, error) && link_to(last, queue, NULL, error) &&
           link_to(queue, muxer, "audio_%u", error);
}

static gboolean build_sounds(MnbFilmWriter *writer, const GPtrArray *languages, GstElement *muxer,
                             GError **error)
{
    for (guint i = 0; languages != NULL && i < languages->len; i++)
        if (!build_sound(writer, g_ptr_array_index(languages, i), muxer, error))
            return FALSE;
    return TRUE;
}

MnbFilmWriter *mnb_film_writer_new(const char *path, const GstVideoInfo *info,
                                   const GPtrArray *languages, GError **error)
{
    MnbFilmWriter *writer = g_new0(MnbFilmWriter, 1);
    writer->pipeline = gst_object_ref_sink(gst_pipeline_new(NULL));
    writer->sounds = g_ptr_array_new();
    writer->bus = gst_element_get_bus(writer->pipeline);
    GstElement *muxer = add(writer, "matroskamux", error);
    GstElement *sink = muxer != NULL ? add(writer, "filesink", error) : NULL;
    if (sink == NULL || !build_pictures(writer, info, muxer, error) ||
        !build_sounds(writer, languages, muxer, error) || !link_to(muxer, sink, NULL, error)) {
        mnb_film_writer_free(writer);
        return NULL;
    }
    g_object_set(muxer, "writing-app", "manabi", NULL);
    g_object_set(sink, "location", path, "async", FALSE, NULL);
    gst_element_set_state(writer->pipeline, GST_STATE_PLAYING);
    return writer;
}

void mnb_film_writer_free(MnbFilmWriter *writer)
{
    if (writer == NULL)
        return;
    gst_element_set_state(writer->pipeline, GST_STATE_NULL);
    gst_object_unref(writer->bus);
    g_ptr_array_unref(writer->sounds);
    gst_object_unref(writer->pipeline);
    g_free(writer);
}

static gboolean has_failed(MnbFilmWriter *writer, GError **error)
{
    g_autoptr(GstMessage) message = gst_bus_pop_filtered(writer->bus, GST_MESSAGE_ERROR);
    if (message == NULL)
        return FALSE;
    mnb_job_error_set_message(error, message);
    return TRUE;
}

static gboolean put(MnbFilmWriter *writer, GstElement *source, GstBuffer *buffer, GError **error)
{
    GstFlowReturn flow = gst_app_src_push_buffer(GST_APP_SRC(source), buffer);
    if (has_failed(writer, error))
        return FALSE;
    if (flow == GST_FLOW_OK)
        return TRUE;
    g_set_error(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "the film's encoder stopped: %s",
                gst_flow_get_name(flow));
    return FALSE;
}

gboolean mnb_film_writer_put_picture(MnbFilmWriter *writer, GstBuffer *buffer, GError **error)
{
    return put(writer, writer->pictures, buffer, error);
}

gboolean mnb_film_writer_put_sound(MnbFilmWriter *writer, guint sound, GstBuffer *buffer,
                                   GError **error)
{
    return put(writer, g_ptr_array_index(writer->sounds, sound), buffer, error);
}

gboolean mnb_film_writer_finish(MnbFilmWriter *writer, MnbProgram *program, GError **error)
{
    gst_app_src_end_of_stream(GST_APP_SRC(writer->pictures));
    for (guint i = 0; i < writer->sounds->len; i++)
        gst_app_src_end_of_stream(GST_APP_SRC(g_ptr_array_index(writer->sounds, i)));
    while (!mnb_program_is_stopping(program, error)) {
        g_autoptr(GstMessage) message = gst_bus_timed_pop_filtered(
            writer->bus, GST_SECOND / 10, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
        if (message == NULL)
            continue;
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS)
            return TRUE;
        mnb_job_error_set_message(error, message);
        return FALSE;
    }
    return FALSE;
}
