#include "pipelines/stills/stills.h"

#include "pipelines/common/files.h"

#include <gst/app/app.h>
#include <gst/video/video.h>

#define QUALITY  85 /* of JPEG */
#define PATIENCE (20 * GST_SECOND)
#define DARK     40
#define BRIGHT   215

typedef struct {
    MnbProgram *program;
    GstElement *pipeline, *entry, *sink;
} Stills;

double mnb_stills_score(const guint8 *luma, int width, int height, int stride)
{
    double sum = 0, squares = 0, edges = 0;
    gint64 n = 0;
    for (int y = 0; y < height; y += 2, luma += 2 * stride) {
        for (int x = 2; x < width; x += 2, n++) {
            double value = luma[x], step = value - luma[x - 2];
            sum += value;
            squares += value * value;
            edges += step * step;
        }
    }
    if (n == 0)
        return 0;
    double mean = sum / (double)n;
    double spread = squares / (double)n - mean * mean;
    double score = spread + 4 * edges / (double)n;
    return mean < DARK || mean > BRIGHT ? score / 20 : score;
}

static GstPad *on_branch(int stream, gpointer owner)
{
    Stills *self = owner;
    return stream == 0 ? gst_element_get_static_pad(self->entry, "sink") : NULL;
}

static gboolean build(Stills *self, int width, int height, GError **error)
{
    GstElement *filter;
    if ((self->entry = mnb_element_make("videoconvertscale", NULL, error)) == NULL ||
        (filter = mnb_element_make("capsfilter", NULL, error)) == NULL ||
        (self->sink = mnb_element_make("appsink", NULL, error)) == NULL)
        return FALSE;
    g_autoptr(GstCaps) caps = gst_caps_new_simple(
        "video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT, width, "height",
        G_TYPE_INT, height, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, NULL);
    g_object_set(self->entry, "add-borders", FALSE, NULL);
    gst_util_set_object_arg(G_OBJECT(self->entry), "method", "bilinear2");
    g_object_set(filter, "caps", caps, NULL);
    g_object_set(self->sink, "sync", FALSE, "max-buffers", 1, NULL);
    gst_bin_add_many(GST_BIN(self->pipeline), self->entry, filter, self->sink, NULL);
    return gst_element_link_many(self->entry, filter, self->sink, NULL);
}

/* The picture that the pipeline waits with. Returns (owned): NULL when none came. */
static GstSample *take_picture(Stills *self)
{
    g_autoptr(GstBus) bus = gst_element_get_bus(self->pipeline);
    for (GstClockTime waited = 0; waited < PATIENCE; waited += GST_SECOND / 5) {
        GstSample *sample = gst_app_sink_try_pull_preroll(GST_APP_SINK(self->sink), GST_SECOND / 5);
        mnb_program_tick(self->program);
        if (sample != NULL)
            return sample;
        g_autoptr(GstMessage) message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
        if (message != NULL || gst_app_sink_is_eos(GST_APP_SINK(self->sink)))
            return NULL;
    }
    return NULL;
}

static double score_of(GstSample *sample)
{
    GstVideoInfo info;
    GstVideoFrame frame;
    if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) ||
        !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ))
        return 0;
    double score =
        mnb_stills_score(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0), GST_VIDEO_FRAME_WIDTH(&frame),
                         GST_VIDEO_FRAME_HEIGHT(&frame), GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0));
    gst_video_frame_unmap(&frame);
    return score;
}

static GstSample *seek(Stills *self, gint64 at_us)
{
    if (!gst_element_seek_simple(self->pipeline, GST_FORMAT_TIME,
                                 GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT, at_us * 1000))
        return NULL;
    return take_picture(self);
}

/* Returns (owned): NULL when nothing could be decoded. */
static GstSample *choose(Stills *self, gint64 duration_us, gint64 at_us)
{
    static const int permille[] = {100, 200, 330, 450, 600, 750, 880};
    GstSample *best = take_picture(self);
    if (best == NULL)
        return NULL;
    if (at_us > 0) {
        GstSample *wanted = seek(self, at_us);
        if (wanted == NULL)
            return best;
        gst_sample_unref(best);
        return wanted;
    }
    double best_score = score_of(best);
    for (gsize i = 0; i < G_N_ELEMENTS(permille) && duration_us > 0; i++) {
        GstSample *other = seek(self, duration_us * permille[i] / 1000);
        if (other == NULL || mnb_program_is_stopping(self->program, NULL))
            break;
        double score = score_of(other);
        if (score > best_score) {
            GstSample *worse = best;
            best = other;
            other = worse;
            best_score = score;
        }
        gst_sample_unref(other);
    }
    return best;
}

gboolean mnb_stills_write_jpeg(GstBuffer *buffer, GstCaps *caps, int quality, const char *out,
                               GError **error)
{
    GstElement *source, *encoder, *sink;
    if ((source = mnb_element_make("appsrc", NULL, error)) == NULL ||
        (encoder = mnb_element_make("jpegenc", NULL, error)) == NULL ||
        (sink = mnb_element_make("appsink", NULL, error)) == NULL)
        return FALSE;
    GstElement *pipeline = gst_object_ref_sink(gst_pipeline_new(NULL));
    g_object_set(source, "caps", caps, "format", GST_FORMAT_TIME, NULL);
    g_object_set(encoder, "quality", quality, NULL);
    g_object_set(sink, "sync", FALSE, NULL);
    gst_bin_add_many(GST_BIN(pipeline), source, encoder, sink, NULL);
    gst_element_link_many(source, encoder, sink, NULL);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    gst_app_src_push_buffer(GST_APP_SRC(source), gst_buffer_copy(buffer));
    gst_app_src_end_of_stream(GST_APP_SRC(source));
    GstSample *coded = gst_app_sink_try_pull_sample(GST_APP_SINK(sink), PATIENCE);
    gboolean ok = FALSE;
    GstMapInfo map;
    if (coded != NULL && gst_buffer_map(gst_sample_get_buffer(coded), &map, GST_MAP_READ)) {
        ok = mnb_files_write(out, (const char *)map.data, map.size, error);
        gst_buffer_unmap(gst_sample_get_buffer(coded), &map);
    } else {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "a still could not be encoded");
    }
    g_clear_pointer(&coded, gst_sample_unref);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
    return ok;
}

static gboolean finish(GstSample *sample, const char *out, MnbStill *still, GError **error)
{
    GstVideoInfo info;
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample))) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "the poster has no size");
        return FALSE;
    }
    guint64 at = gst_segment_to_stream_time(gst_sample_get_segment(sample), GST_FORMAT_TIME,
                                            GST_BUFFER_PTS(buffer));
    still->at_us = at != GST_CLOCK_TIME_NONE ? (gint64)(at / 1000) : 0;
    still->width = GST_VIDEO_INFO_WIDTH(&info);
    still->height = GST_VIDEO_INFO_HEIGHT(&info);
    return mnb_stills_write_jpeg(buffer, gst_sample_get_caps(sample), QUALITY, out, error);
}

gboolean mnb_stills_make(MnbProgram *program, const char *path, const MnbFilmInfo *info,
                         const char *out, gint64 at_us, int width_max, MnbStill *still_out,
                         GError **error)
{
    int width = MIN(info->width, width_max) & ~1;
    int height = MAX((int)((gint64)info->height * width / info->width) & ~1, 2);
    Stills self = {.program = program, .pipeline = gst_object_ref_sink(gst_pipeline_new(NULL))};
    GstSample *sample = NULL;
    MnbFilm *film = NULL;
    if (build(&self, width, height, error) &&
        (film = mnb_film_new(path, self.pipeline, on_branch, &self, error)) != NULL) {
        gst_element_set_state(self.pipeline, GST_STATE_PAUSED);
        sample = choose(&self, info->duration_us, at_us);
        gst_element_set_state(self.pipeline, GST_STATE_NULL);
        if (sample == NULL)
            g_set_error(error, MNB_JOB_ERROR, MNB_JOB_DAMAGED, "no picture could be decoded");
    }
    mnb_film_free(film);
    gst_object_unref(self.pipeline);
    gboolean ok = sample != NULL && finish(sample, out, still_out, error);
    g_clear_pointer(&sample, gst_sample_unref);
    return ok;
}
