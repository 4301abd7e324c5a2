#include "pipelines/compose/page.h"

#include "pipelines/common/program.h"

#include <gst/app/app.h>

#define PATIENCE (20 * GST_SECOND)

struct MnbPage {
    GstSample *sample; /* owned */
    GstVideoInfo info;
};

static gboolean build(GstElement *pipeline, const char *path, int width, int height,
                      GstElement **sink, GError **error)
{
    static const char *const names[] = {"filesrc", "jpegdec", "videoconvertscale", "appsink"};
    GstElement *elements[G_N_ELEMENTS(names)];
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if ((elements[i] = mnb_element_make(names[i], NULL, error)) == NULL)
            return FALSE;
        gst_bin_add(GST_BIN(pipeline), elements[i]);
        if (i > 0 && !gst_element_link(elements[i - 1], elements[i])) {
            g_set_error(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "%s cannot be linked", names[i]);
            return FALSE;
        }
    }
    g_autoptr(GstCaps) caps =
        gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT,
                            width, "height", G_TYPE_INT, height, "pixel-aspect-ratio",
                            GST_TYPE_FRACTION, 1, 1, "colorimetry", G_TYPE_STRING, "bt601", NULL);
    g_object_set(elements[0], "location", path, NULL);
    gst_util_set_object_arg(G_OBJECT(elements[2]), "method", "lanczos");
    g_object_set(elements[2], "add-borders", TRUE, NULL);
    *sink = elements[3];
    g_object_set(*sink, "caps", caps, "sync", FALSE, NULL);
    return TRUE;
}

MnbPage *mnb_page_new(const char *path, int width, int height, GError **error)
{
    GstElement *pipeline = gst_object_ref_sink(gst_pipeline_new(NULL)), *sink;
    MnbPage *page = NULL;
    if (build(pipeline, path, width, height, &sink, error)) {
        gst_element_set_state(pipeline, GST_STATE_PLAYING);
        GstSample *sample = gst_app_sink_try_pull_sample(GST_APP_SINK(sink), PATIENCE);
        GstVideoInfo info;
        if (sample != NULL && gst_video_info_from_caps(&info, gst_sample_get_caps(sample))) {
            page = g_new0(MnbPage, 1);
            page->sample = g_steal_pointer(&sample);
            page->info = info;
        } else {
            g_set_error(error, MNB_JOB_ERROR, MNB_JOB_DAMAGED, "a page of slides cannot be read");
        }
        g_clear_pointer(&sample, gst_sample_unref);
    }
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
    return page;
}

void mnb_page_free(MnbPage *page)
{
    if (page == NULL)
        return;
    gst_sample_unref(page->sample);
    g_free(page);
}

void mnb_page_draw(const MnbPage *page, MnbPicture *canvas, int x, int y)
{
    GstVideoFrame frame;
    MnbPicture picture;
    if (!gst_video_frame_map(&frame, &page->info, gst_sample_get_buffer(page->sample),
                             GST_MAP_READ))
        return;
    mnb_picture_from_frame(&picture, &frame);
    mnb_canvas_draw(canvas, &(MnbRect){x & ~1, y & ~1, picture.width, picture.height}, &picture);
    gst_video_frame_unmap(&frame);
}
