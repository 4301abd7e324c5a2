#include "pipelines/compose/canvas.h"

#include <string.h>

#define BLACK  16  /* luma of video */
#define WHITE  235 /* of 255: the rest is head room */
#define DARKEN 90  /* of 256: how much of the picture is left behind a text */

void mnb_picture_from_frame(MnbPicture *picture, GstVideoFrame *frame)
{
    picture->width = GST_VIDEO_FRAME_WIDTH(frame);
    picture->height = GST_VIDEO_FRAME_HEIGHT(frame);
    for (guint i = 0; i < 3; i++) {
        picture->plane[i] = GST_VIDEO_FRAME_PLANE_DATA(frame, i);
        picture->stride[i] = GST_VIDEO_FRAME_PLANE_STRIDE(frame, i);
    }
}

static MnbRect clip(const MnbPicture *canvas, const MnbRect *rect)
{
    MnbRect clipped = *rect;
    clipped.x = CLAMP(rect->x, 0, canvas->width) & ~1;
    clipped.y = CLAMP(rect->y, 0, canvas->height) & ~1;
    clipped.width = CLAMP(rect->width, 0, canvas->width - clipped.x) & ~1;
    clipped.height = CLAMP(rect->height, 0, canvas->height - clipped.y) & ~1;
    return clipped;
}

void mnb_canvas_fill(MnbPicture *canvas, const MnbRect *rect, MnbColour colour)
{
    MnbRect to = clip(canvas, rect);
    const guint8 values[3] = {colour.y, colour.u, colour.v};
    for (int i = 0; i < 3; i++) {
        int half = i > 0;
        guint8 *row = canvas->plane[i] + (to.y >> half) * canvas->stride[i] + (to.x >> half);
        for (int y = 0; y < to.height >> half; y++, row += canvas->stride[i])
            memset(row, values[i], (gsize)(to.width >> half));
    }
}

static void draw_plane(guint8 *to, int to_stride, int width, int height, const guint8 *from,
                       int from_stride, int from_width, int from_height)
{
    for (int y = 0; y < height; y++, to += to_stride) {
        const guint8 *row = from + (gint64)y * from_height / height * from_stride;
        if (from_width == width) {
            memcpy(to, row, (gsize)width);
            continue;
        }
        for (int x = 0; x < width; x++)
            to[x] = row[(gint64)x * from_width / width];
    }
}

void mnb_canvas_draw(MnbPicture *canvas, const MnbRect *rect, const MnbPicture *picture)
{
    MnbRect to = clip(canvas, rect);
    if (to.width < 2 || to.height < 2 || picture->width < 2 || picture->height < 2)
        return;
    for (int i = 0; i < 3; i++) {
        int half = i > 0;
        draw_plane(canvas->plane[i] + (to.y >> half) * canvas->stride[i] + (to.x >> half),
                   canvas->stride[i], to.width >> half, to.height >> half, picture->plane[i],
                   picture->stride[i], picture->width >> half, picture->height >> half);
    }
}

/* @mark: what is written, at its full strength; a plane's sample is @neutral where nothing is. */
static void write_plane(guint8 *to, int to_stride, int width, int height, const guint8 *luma,
                        int luma_stride, int step, int neutral, int mark)
{
    for (int y = 0; y < height; y++, to += to_stride) {
        const guint8 *row = luma + (gint64)y * step * luma_stride;
        for (int x = 0; x < width; x++) {
            int ink = CLAMP(row[x * step] - BLACK, 0, WHITE - BLACK);
            int behind = neutral + (to[x] - neutral) * DARKEN / 256;
            to[x] = (guint8)(behind + (mark - behind) * ink / (WHITE - BLACK));
        }
    }
}

void mnb_canvas_write(MnbPicture *canvas, const MnbRect *rect, const MnbPicture *text, int from_x)
{
    MnbRect to = clip(canvas, rect);
    to.width = MIN(to.width, text->width - from_x) & ~1;
    to.height = MIN(to.height, text->height) & ~1;
    if (to.width < 2 || to.height < 2)
        return;
    for (int i = 0; i < 3; i++) {
        int half = i > 0;
        write_plane(canvas->plane[i] + (to.y >> half) * canvas->stride[i] + (to.x >> half),
                    canvas->stride[i], to.width >> half, to.height >> half, text->plane[0] + from_x,
                    text->stride[0], 1 << half, i > 0 ? 128 : BLACK, i > 0 ? 128 : WHITE);
    }
}
