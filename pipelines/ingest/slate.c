#include "pipelines/ingest/slate.h"

#include "pipelines/common/program.h"

#include <gst/app/app.h>

#define NAME_MAX_CHARS 40
#define PULL_MAX       (10 * GST_SECOND) /* a first look at the fonts of a slow disk */

/* Pango markup of two lines. Returns (owned). */
static char *text_of(const char *name)
{
    g_autofree char *valid = g_utf8_make_valid(name, -1);
    g_autofree char *shown = g_utf8_strlen(valid, -1) > NAME_MAX_CHARS
                                 ? g_utf8_substring(valid, 0, NAME_MAX_CHARS)
                                 : g_strdup(valid);
    for (char *at = shown; *at != '\0'; at++)
        if (g_ascii_iscntrl(*at))
            *at = ' ';
    g_autofree char *escaped = g_markup_escape_text(shown, -1);
    return g_strdup_printf("%s\n映像をお待ちください\nWaiting for the picture", escaped);
}

static GstElement *build(int width, int height, const char *text, GstElement **sink, GError **error)
{
    GstElement *pattern, *filter, *overlay;
    GstElement *pipeline = gst_pipeline_new("slate");
    if ((pattern = mnb_element_make("videotestsrc", NULL, error)) == NULL ||
        (filter = mnb_element_make("capsfilter", NULL, error)) == NULL ||
        (overlay = mnb_element_make("textoverlay", NULL, error)) == NULL ||
        (*sink = mnb_element_make("appsink", NULL, error)) == NULL) {
        gst_object_unref(pipeline);
        return NULL;
    }
    g_autoptr(GstCaps) caps = gst_caps_new_simple(
        "video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT, width, "height",
        G_TYPE_INT, height, "framerate", GST_TYPE_FRACTION, 1, 1, NULL);
    g_autofree char *font = g_strdup_printf("Noto Sans CJK JP Medium %dpx", MAX(height / 16, 12));
    gst_util_set_object_arg(G_OBJECT(pattern), "pattern", "solid-color");
    g_object_set(pattern, "foreground-color", 0xff16324fu, "num-buffers", 1, NULL);
    g_object_set(filter, "caps", caps, NULL);
    g_object_set(overlay, "text", text, "font-desc", font, "auto-resize", FALSE, NULL);
    gst_util_set_object_arg(G_OBJECT(overlay), "valignment", "center");
    gst_util_set_object_arg(G_OBJECT(overlay), "halignment", "center");
    gst_util_set_object_arg(G_OBJECT(overlay), "line-alignment", "center");
    g_object_set(*sink, "sync", FALSE, NULL);
    gst_bin_add_many(GST_BIN(pipeline), pattern, filter, overlay, *sink, NULL);
    if (!gst_element_link_many(pattern, filter, overlay, *sink, NULL)) {
        g_set_error_literal(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "the slate does not link");
        gst_object_unref(pipeline);
        return NULL;
    }
    return pipeline;
}

GstBuffer *mnb_slate_new(int width, int height, const char *name, GError **error)
{
    GstElement *sink = NULL;
    GstBuffer *buffer = NULL;
    g_autofree char *text = text_of(name);
    GstElement *pipeline = build(width, height, text, &sink, error);
    if (pipeline == NULL)
        return NULL;
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstSample *sample = gst_app_sink_try_pull_sample(GST_APP_SINK(sink), PULL_MAX);
    if (sample != NULL) {
        buffer = gst_buffer_copy_deep(gst_sample_get_buffer(sample));
        gst_sample_unref(sample);
    } else {
        g_set_error_literal(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "the slate cannot be drawn");
    }
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
    return buffer;
}
