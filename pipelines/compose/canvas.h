/* canvas.h - painting on an I420 picture: colours, pictures, nothing else. */
#pragma once
#include "pipelines/compose/layout.h"

#include <gst/video/video.h>

typedef struct {
    guint8 y, u, v;
} MnbColour;

#define MNB_COLOUR_GROUND ((MnbColour){24, 130, 126}) /* behind everything */
#define MNB_COLOUR_CARD   ((MnbColour){52, 134, 122}) /* where somebody without picture is */

/* A picture and where it is; planes are borrowed. */
typedef struct {
    int width, height;
    guint8 *plane[3];
    int stride[3];
} MnbPicture;

/* @buffer: I420 of @info, mapped for @frame. */
void mnb_picture_from_frame(MnbPicture *picture, GstVideoFrame *frame);

/* @rect: even, clipped to the picture. */
void mnb_canvas_fill(MnbPicture *canvas, const MnbRect *rect, MnbColour colour);

/* Copies @picture into @rect; one of another size is scaled to it, nearest pixel. */
void mnb_canvas_draw(MnbPicture *canvas, const MnbRect *rect, const MnbPicture *picture);

/* Writes @text (white on black, grey between) over what @rect shows, which shines through darkened.
 * @rect: even; as much of @text as it is wide and high, from column @from_x (even) on. */
void mnb_canvas_write(MnbPicture *canvas, const MnbRect *rect, const MnbPicture *text, int from_x);
