#include "pipelines/compose/tile.h"

#include "pipelines/compose/reader.h"

#define SILENCE_US (3 * (gint64)G_USEC_PER_SEC) /* a picture older than this is not shown */

struct MnbTile {
    const MnbPlanTrack *track;
    MnbReader *reader;
    GstSample *now, *next; /* owned; NULL: none */
    gint64 now_us;
    guint64 picture; /* number of now */
    int width, height;
};

static guint64 n_pictures; /* of all tiles; they belong to one thread */

static GstCaps *tile_caps(int width, int height)
{
    return gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT,
                               width, "height", G_TYPE_INT, height, "pixel-aspect-ratio",
                               GST_TYPE_FRACTION, 1, 1, NULL);
}

MnbTile *mnb_tile_new(const MnbPlanTrack *track, int width, int height, GError **error)
{
    g_autoptr(GstCaps) caps = tile_caps(width, height);
    MnbReader *reader = mnb_reader_new(track->path, track->codec, caps, error);
    if (reader == NULL)
        return NULL;
    MnbTile *tile = g_new0(MnbTile, 1);
    tile->track = track;
    tile->reader = reader;
    tile->width = width;
    tile->height = height;
    return tile;
}

void mnb_tile_free(MnbTile *tile)
{
    if (tile == NULL)
        return;
    g_clear_pointer(&tile->now, gst_sample_unref);
    g_clear_pointer(&tile->next, gst_sample_unref);
    mnb_reader_free(tile->reader);
    g_free(tile);
}

const MnbPlanTrack *mnb_tile_track(const MnbTile *tile)
{
    return tile->track;
}

void mnb_tile_resize(MnbTile *tile, int width, int height)
{
    if (tile->width == width && tile->height == height)
        return;
    tile->width = width;
    tile->height = height;
    g_autoptr(GstCaps) caps = tile_caps(width, height);
    mnb_reader_set_caps(tile->reader, caps);
}

static gint64 time_of(const MnbTile *tile, GstSample *sample)
{
    return (gint64)(GST_BUFFER_PTS(gst_sample_get_buffer(sample)) / 1000) + tile->track->shift_us;
}

gboolean mnb_tile_seek(MnbTile *tile, gint64 at_us)
{
    for (;;) {
        if (tile->next == NULL)
            tile->next = mnb_reader_pull(tile->reader);
        if (tile->next == NULL || time_of(tile, tile->next) > at_us)
            break;
        g_clear_pointer(&tile->now, gst_sample_unref);
        tile->now = g_steal_pointer(&tile->next);
        tile->now_us = time_of(tile, tile->now);
        tile->picture = ++n_pictures;
    }
    return tile->now != NULL && at_us - tile->now_us < SILENCE_US;
}

void mnb_tile_draw(MnbTile *tile, MnbPicture *canvas, const MnbRect *rect)
{
    GstVideoInfo info;
    GstVideoFrame frame;
    MnbPicture picture;
    if (tile->now == NULL || !gst_video_info_from_caps(&info, gst_sample_get_caps(tile->now)) ||
        GST_VIDEO_INFO_FORMAT(&info) != GST_VIDEO_FORMAT_I420 ||
        !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(tile->now), GST_MAP_READ))
        return;
    mnb_picture_from_frame(&picture, &frame);
    mnb_canvas_draw(canvas, rect, &picture);
    gst_video_frame_unmap(&frame);
}

guint64 mnb_tile_picture(const MnbTile *tile)
{
    return tile->picture;
}
