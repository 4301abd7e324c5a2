/* label.h - text as a picture: names and titles, Latin and Japanese, in "Noto Sans CJK JP". */
#pragma once
#include "pipelines/compose/canvas.h"

typedef struct {
    GstBuffer *buffer; /* owned */
    GstVideoInfo info;
    int text_x, text_width; /* where letters are; a width of 0: there are none */
} MnbLabel;

/* @text: any UTF-8, one or more lines; what is too wide is shortened with an ellipsis.
 * @size_px: of the letters. @rect_width, @rect_height: of the picture, even.
 * Returns (owned): text in white, centred on @ground; NULL with @error set. */
MnbLabel *mnb_label_new(const char *text, int size_px, int width, int height, MnbColour ground,
                        GError **error);
void mnb_label_free(MnbLabel *label); /* NULL is fine */

/* How wide @text will be at most, in pixels. */
int mnb_label_width(const char *text, int size_px);

/* Draws it with its top left corner at @x, @y. */
void mnb_label_draw(const MnbLabel *label, MnbPicture *canvas, int x, int y);

/* Writes only its letters and @margin pixels on both sides, from @x on, over a darkened canvas.
 * For labels on black. */
void mnb_label_write(const MnbLabel *label, MnbPicture *canvas, int x, int y, int margin);
