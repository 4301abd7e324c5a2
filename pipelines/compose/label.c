#include "pipelines/compose/label.h"

#include "pipelines/common/program.h"

#include <gst/app/app.h>

#define TEXT_MAX 200 /* characters of a line that are looked at */

/* Wide letters take their size, the others a bit more than half of it in this font. */
static int letter_width(gunichar letter, int size_px)
{
    return g_unichar_iswide(letter) ? size_px : size_px * 62 / 100;
}

int mnb_label_width(const char *text, int size_px)
{
    int width = 0;
    for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at))
        width += letter_width(g_utf8_get_char(at), size_px);
    return width;
}

/* Returns (owned): at most @width pixels of one line, escaped: textoverlay reads Pango markup. */
static char *fit_line(const char *line, int size_px, int width)
{
    g_autoptr(GString) fitting = g_string_new(NULL);
    int used = 0, n = 0;
    gboolean is_short = mnb_label_width(line, size_px) <= width;
    for (const char *at = line; *at != '\0' && n < TEXT_MAX; at = g_utf8_next_char(at), n++) {
        gunichar letter = g_utf8_get_char(at);
        int next = letter_width(letter, size_px);
        if (!is_short && used + next + size_px > width)
            break;
        used += next;
        g_string_append_unichar(fitting, g_unichar_iscntrl(letter) ? ' ' : letter);
    }
    if (!is_short)
        g_string_append(fitting, "…");
    return g_markup_escape_text(fitting->str, -1);
}

static char *fit(const char *text, int size_px, int width)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_auto(GStrv) lines = g_strsplit(valid, "\n", 8);
    for (char **line = lines; *line != NULL; line++) {
        char *fitting = fit_line(*line, size_px, width);
        g_free(*line);
        *line = fitting;
    }
    return g_strjoinv("\n", lines);
}

static GstElement *build(const char *text, int size_px, GstCaps *caps, GstElement **source,
                         GstElement **sink, GError **error)
{
    GstElement *overlay;
    if ((*source = mnb_element_make("appsrc", NULL, error)) == NULL ||
        (overlay = mnb_element_make("textoverlay", NULL, error)) == NULL ||
        (*sink = mnb_element_make("appsink", NULL, error)) == NULL)
        return NULL;
    g_autofree char *font = g_strdup_printf("Noto Sans CJK JP %dpx", size_px);
    g_object_set(*source, "caps", caps, "format", GST_FORMAT_TIME, NULL);
    g_object_set(overlay, "text", text, "font-desc", font, "auto-resize", FALSE, "draw-shadow",
                 FALSE, "draw-outline", FALSE, "wrap-mode", -1, NULL);
    gst_util_set_object_arg(G_OBJECT(overlay), "halignment", "center");
    gst_util_set_object_arg(G_OBJECT(overlay), "valignment", "center");
    gst_util_set_object_arg(G_OBJECT(overlay), "line-alignment", "center");
    g_object_set(*sink, "sync", FALSE, NULL);
    GstElement *pipeline = gst_object_ref_sink(gst_pipeline_new(NULL));
    gst_bin_add_many(GST_BIN(pipeline), *source, overlay, *sink, NULL);
    if (!gst_element_link_pads(*source, "src", overlay, "video_sink") ||
        !gst_element_link(overlay, *sink)) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "textoverlay cannot be linked");
        gst_clear_object(&pipeline);
    }
    return pipeline;
}

static GstBuffer *make_ground(const GstVideoInfo *info, MnbColour ground)
{
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(info), NULL);
    GstVideoFrame frame;
    MnbPicture picture;
    gst_video_frame_map(&frame, info, buffer, GST_MAP_WRITE);
    mnb_picture_from_frame(&picture, &frame);
    mnb_canvas_fill(&picture, &(MnbRect){0, 0, picture.width, picture.height}, ground);
    gst_video_frame_unmap(&frame);
    GST_BUFFER_PTS(buffer) = 0;
    GST_BUFFER_DURATION(buffer) = GST_SECOND;
    return buffer;
}

/* The estimate of letters' widths is a generous one: what they really take is seen in the picture.
 */
static void find_text(MnbLabel *label, guint8 ground)
{
    GstVideoFrame frame;
    if (!gst_video_frame_map(&frame, &label->info, label->buffer, GST_MAP_READ))
        return;
    const guint8 *row = GST_VIDEO_FRAME_PLANE_DATA(&frame, 0);
    int width = GST_VIDEO_FRAME_WIDTH(&frame), first = width, last = -1;
    for (int y = 0; y < GST_VIDEO_FRAME_HEIGHT(&frame);
         y++, row += GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0))
        for (int x = 0; x < width; x++) {
            if (row[x] <= ground + 32)
                continue;
            first = MIN(first, x);
            last = MAX(last, x);
        }
    gst_video_frame_unmap(&frame);
    if (last >= first) {
        label->text_x = first;
        label->text_width = last - first + 1;
    }
}

MnbLabel *mnb_label_new(const char *text, int size_px, int width, int height, MnbColour ground,
                        GError **error)
{
    GstVideoInfo info;
    GstElement *source, *sink;
    gst_video_info_set_format(&info, GST_VIDEO_FORMAT_I420, (guint)width, (guint)height);
    GST_VIDEO_INFO_FPS_N(&info) = 1;
    GST_VIDEO_INFO_FPS_D(&info) = 1;
    g_autoptr(GstCaps) caps = gst_video_info_to_caps(&info);
    g_autofree char *fitting = fit(text, size_px, width);
    GstElement *pipeline = build(fitting, size_px, caps, &source, &sink, error);
    if (pipeline == NULL)
        return NULL;
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    gst_app_src_push_buffer(GST_APP_SRC(source), make_ground(&info, ground));
    gst_app_src_end_of_stream(GST_APP_SRC(source));
    g_autoptr(GstSample) sample = gst_app_sink_try_pull_sample(GST_APP_SINK(sink), 20 * GST_SECOND);
    MnbLabel *label = NULL;
    if (sample != NULL) {
        label = g_new0(MnbLabel, 1);
        label->buffer = gst_buffer_ref(gst_sample_get_buffer(sample));
        gst_video_info_from_caps(&label->info, gst_sample_get_caps(sample));
        find_text(label, ground.y);
    } else {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "text could not be drawn");
    }
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
    return label;
}

void mnb_label_free(MnbLabel *label)
{
    if (label == NULL)
        return;
    gst_buffer_unref(label->buffer);
    g_free(label);
}

void mnb_label_draw(const MnbLabel *label, MnbPicture *canvas, int x, int y)
{
    GstVideoFrame frame;
    MnbPicture picture;
    if (!gst_video_frame_map(&frame, &label->info, label->buffer, GST_MAP_READ))
        return;
    mnb_picture_from_frame(&picture, &frame);
    mnb_canvas_draw(canvas, &(MnbRect){x & ~1, y & ~1, picture.width, picture.height}, &picture);
    gst_video_frame_unmap(&frame);
}

void mnb_label_write(const MnbLabel *label, MnbPicture *canvas, int x, int y, int margin)
{
    GstVideoFrame frame;
    MnbPicture picture;
    if (label->text_width == 0 ||
        !gst_video_frame_map(&frame, &label->info, label->buffer, GST_MAP_READ))
        return;
    mnb_picture_from_frame(&picture, &frame);
    int from = MAX(label->text_x - margin, 0) & ~1;
    int to = MIN(label->text_x + label->text_width + margin, picture.width);
    mnb_canvas_write(canvas, &(MnbRect){x & ~1, y & ~1, (to - from + 1) & ~1, picture.height},
                     &picture, from);
    gst_video_frame_unmap(&frame);
}
