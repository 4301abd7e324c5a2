/* page.h - a page of slides as a picture that fits a place, scaled once and well, so that it is
 * sharp. The file was made by our own programs from a stranger's PDF. */
#pragma once
#include "pipelines/compose/canvas.h"

typedef struct MnbPage MnbPage;

/* @width, @height: of the place, even; the page keeps its shape and leaves bars.
 * Returns (owned): NULL with @error set (MNB_JOB_ERROR). */
MnbPage *mnb_page_new(const char *path, int width, int height, GError **error);
void mnb_page_free(MnbPage *page); /* NULL is fine */

void mnb_page_draw(const MnbPage *page, MnbPicture *canvas, int x, int y);
