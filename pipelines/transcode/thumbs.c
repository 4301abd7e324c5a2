#include "pipelines/transcode/thumbs.h"

#include "pipelines/common/files.h"
#include "pipelines/common/job-error.h"
#include "pipelines/stills/stills.h"

#include <string.h>

#define QUALITY   75 /* of JPEG */
#define PER_SHEET (MNB_THUMBS_A_ROW * MNB_THUMBS_ROWS)

typedef struct {
    gint64 at_us;
    double score;
    guint8 *pixels; /* owned: I420 without gaps */
} Thumb;

struct MnbThumbs {
    int width, height; /* even */
    gint64 step_us, due_us;
    GArray *list; /* Thumb */
    GstVideoConverter *converter;
    GstVideoInfo from; /* what the converter takes */
    GstVideoInfo to;
};

static void clear_thumb(gpointer data)
{
    g_clear_pointer(&((Thumb *)data)->pixels, g_free);
}

static int even_side(int side, int longer)
{
    return MAX((int)((gint64)side * MNB_THUMBS_SIDE / MAX(longer, 1)) & ~1, 2);
}

MnbThumbs *mnb_thumbs_new(int width, int height)
{
    MnbThumbs *thumbs = g_new0(MnbThumbs, 1);
    thumbs->width = even_side(width, MAX(width, height));
    thumbs->height = even_side(height, MAX(width, height));
    thumbs->step_us = MNB_THUMBS_STEP_US;
    thumbs->list = g_array_new(FALSE, TRUE, sizeof(Thumb));
    g_array_set_clear_func(thumbs->list, clear_thumb);
    gst_video_info_set_format(&thumbs->to, GST_VIDEO_FORMAT_I420, (guint)thumbs->width,
                              (guint)thumbs->height);
    return thumbs;
}

void mnb_thumbs_free(MnbThumbs *thumbs)
{
    if (thumbs == NULL)
        return;
    g_array_unref(thumbs->list);
    g_clear_pointer(&thumbs->converter, gst_video_converter_free);
    g_free(thumbs);
}

gboolean mnb_thumbs_wants(const MnbThumbs *thumbs, gint64 at_us)
{
    return at_us >= thumbs->due_us;
}

/* The first one stays the first, at the film's beginning. */
static void drop_every_other(MnbThumbs *thumbs)
{
    guint kept = 0;
    for (guint i = 0; i < thumbs->list->len; i++) {
        Thumb *thumb = &g_array_index(thumbs->list, Thumb, i);
        if (i % 2 == 1) {
            clear_thumb(thumb);
            continue;
        }
        Thumb *to = &g_array_index(thumbs->list, Thumb, kept++);
        if (to == thumb)
            continue;
        *to = *thumb;
        thumb->pixels = NULL;
    }
    g_array_set_size(thumbs->list, kept);
    thumbs->step_us *= 2;
    gint64 last_us = g_array_index(thumbs->list, Thumb, kept - 1).at_us;
    thumbs->due_us = (last_us / thumbs->step_us + 1) * thumbs->step_us;
}

/* The colours stay as they are: JPEG has no word for them. */
static GstVideoConverter *converter_for(MnbThumbs *thumbs, const GstVideoFrame *frame)
{
    if (thumbs->converter != NULL && gst_video_info_is_equal(&frame->info, &thumbs->from))
        return thumbs->converter;
    g_clear_pointer(&thumbs->converter, gst_video_converter_free);
    thumbs->from = frame->info;
    thumbs->to.colorimetry = frame->info.colorimetry;
    thumbs->to.chroma_site = frame->info.chroma_site;
    thumbs->to.fps_n = frame->info.fps_n;
    thumbs->to.fps_d = frame->info.fps_d;
    thumbs->converter = gst_video_converter_new(&thumbs->from, &thumbs->to, NULL);
    return thumbs->converter;
}

static void copy_plane(guint8 *to, const GstVideoFrame *frame, guint plane)
{
    const guint8 *from = GST_VIDEO_FRAME_PLANE_DATA(frame, plane);
    gsize width = (gsize)GST_VIDEO_FRAME_COMP_WIDTH(frame, plane);
    for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(frame, plane); y++, to += width)
        memcpy(to, from + (gsize)y * (gsize)GST_VIDEO_FRAME_PLANE_STRIDE(frame, plane), width);
}

static gsize luma_bytes(const MnbThumbs *thumbs)
{
    return (gsize)thumbs->width * (gsize)thumbs->height;
}

void mnb_thumbs_add(MnbThumbs *thumbs, gint64 at_us, GstVideoFrame *frame)
{
    GstVideoFrame small;
    thumbs->due_us = (at_us / thumbs->step_us + 1) * thumbs->step_us;
    GstVideoConverter *converter = converter_for(thumbs, frame);
    g_autoptr(GstBuffer) buffer =
        gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(&thumbs->to), NULL);
    if (converter == NULL || buffer == NULL ||
        !gst_video_frame_map(&small, &thumbs->to, buffer, GST_MAP_READWRITE))
        return;
    gst_video_converter_frame(converter, frame, &small);
    gsize luma = luma_bytes(thumbs);
    Thumb thumb = {.at_us = at_us, .pixels = g_malloc(luma * 3 / 2)};
    copy_plane(thumb.pixels, &small, 0);
    copy_plane(thumb.pixels + luma, &small, 1);
    copy_plane(thumb.pixels + luma + luma / 4, &small, 2);
    gst_video_frame_unmap(&small);
    thumb.score = mnb_stills_score(thumb.pixels, thumbs->width, thumbs->height, thumbs->width);
    g_array_append_val(thumbs->list, thumb);
    if (thumbs->list->len >= MNB_THUMBS_MAX)
        drop_every_other(thumbs);
}

guint mnb_thumbs_count(const MnbThumbs *thumbs)
{
    return thumbs->list->len;
}

gint64 mnb_thumbs_step_us(const MnbThumbs *thumbs)
{
    return thumbs->step_us;
}

/* ---- posters ---- */

static int by_score(gconstpointer left, gconstpointer right)
{
    const Thumb *a = left, *b = right;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return a->at_us < b->at_us ? -1 : 1;
}

guint mnb_thumbs_posters(const MnbThumbs *thumbs, gint64 at_us_out[MNB_THUMBS_POSTERS])
{
    Thumb best[MNB_THUMBS_POSTERS] = {0};
    guint n = 0, all = thumbs->list->len;
    for (guint third = 0; third < MNB_THUMBS_POSTERS; third++) {
        guint from = third * all / MNB_THUMBS_POSTERS, to = (third + 1) * all / MNB_THUMBS_POSTERS;
        for (guint i = from; i < to; i++) {
            const Thumb *thumb = &g_array_index(thumbs->list, Thumb, i);
            if (i == from)
                best[n] = *thumb;
            else if (thumb->score > best[n].score)
                best[n] = *thumb;
        }
        n += to > from;
    }
    qsort(best, n, sizeof best[0], by_score);
    for (guint i = 0; i < n; i++)
        at_us_out[i] = best[i].at_us;
    return n;
}

/* ---- writing ---- */

static void draw(const MnbThumbs *thumbs, const Thumb *thumb, guint place, GstVideoFrame *sheet)
{
    const guint8 *from = thumb->pixels;
    guint column = place % MNB_THUMBS_A_ROW, row = place / MNB_THUMBS_A_ROW;
    for (guint plane = 0; plane < 3; plane++) {
        gsize width = (gsize)thumbs->width >> (plane > 0),
              height = (gsize)thumbs->height >> (plane > 0);
        gsize stride = (gsize)GST_VIDEO_FRAME_PLANE_STRIDE(sheet, plane);
        guint8 *to = (guint8 *)GST_VIDEO_FRAME_PLANE_DATA(sheet, plane) + row * height * stride +
                     column * width;
        for (gsize y = 0; y < height; y++, from += width)
            memcpy(to + y * stride, from, width);
    }
}

static gboolean write_sheet(const MnbThumbs *thumbs, const char *folder, guint sheet,
                            GError **error)
{
    guint first = sheet * PER_SHEET, n = MIN(thumbs->list->len - first, PER_SHEET);
    guint columns = MIN(n, MNB_THUMBS_A_ROW);
    guint rows = (n + MNB_THUMBS_A_ROW - 1) / MNB_THUMBS_A_ROW;
    GstVideoInfo info;
    GstVideoFrame frame;
    gst_video_info_set_format(&info, GST_VIDEO_FORMAT_I420, columns * (guint)thumbs->width,
                              rows * (guint)thumbs->height);
    g_autoptr(GstBuffer) buffer = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(&info), NULL);
    gst_buffer_memset(buffer, 0, 128, GST_VIDEO_INFO_SIZE(&info)); /* grey where there is none */
    if (!gst_video_frame_map(&frame, &info, buffer, GST_MAP_WRITE)) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "no memory for the small pictures");
        return FALSE;
    }
    for (guint i = 0; i < n; i++)
        draw(thumbs, &g_array_index(thumbs->list, Thumb, first + i), i, &frame);
    gst_video_frame_unmap(&frame);
    g_autofree char *name = g_strdup_printf("sprites-%u.jpg", sheet + 1);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autoptr(GstCaps) caps = gst_video_info_to_caps(&info);
    return mnb_stills_write_jpeg(buffer, caps, QUALITY, path, error);
}

static void append_time(GString *text, gint64 us)
{
    gint64 ms = us / 1000;
    g_string_append_printf(text, "%02d:%02d:%02d.%03d", (int)(ms / 3600000), (int)(ms / 60000 % 60),
                           (int)(ms / 1000 % 60), (int)(ms % 1000));
}

static void append_cue(const MnbThumbs *thumbs, GString *text, guint i, gint64 duration_us)
{
    gint64 from_us = i == 0 ? 0 : g_array_index(thumbs->list, Thumb, i).at_us;
    gboolean is_last = i + 1 == thumbs->list->len;
    gint64 to_us = is_last ? MAX(duration_us, from_us + G_USEC_PER_SEC / 1000)
                           : g_array_index(thumbs->list, Thumb, i + 1).at_us;
    guint place = i % PER_SHEET;
    append_time(text, from_us);
    g_string_append(text, " --> ");
    append_time(text, to_us);
    g_string_append_printf(text, "\nsprites-%u.jpg#xywh=%d,%d,%d,%d\n\n", i / PER_SHEET + 1,
                           (int)(place % MNB_THUMBS_A_ROW) * thumbs->width,
                           (int)(place / MNB_THUMBS_A_ROW) * thumbs->height, thumbs->width,
                           thumbs->height);
}

gboolean mnb_thumbs_write(MnbThumbs *thumbs, const char *folder, gint64 duration_us, GError **error)
{
    if (thumbs->list->len == 0) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_DAMAGED, "there are no pictures");
        return FALSE;
    }
    for (guint sheet = 0; sheet * PER_SHEET < thumbs->list->len; sheet++)
        if (!write_sheet(thumbs, folder, sheet, error))
            return FALSE;
    g_autoptr(GString) text = g_string_new("WEBVTT\n\n");
    for (guint i = 0; i < thumbs->list->len; i++)
        append_cue(thumbs, text, i, duration_us);
    g_autofree char *path = g_build_filename(folder, "thumbnails.vtt", NULL);
    return mnb_files_write(path, text->str, text->len, error);
}
