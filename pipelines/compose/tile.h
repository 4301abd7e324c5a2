/* tile.h - one video file as the picture that is to be seen at a moment of the film. */
#pragma once
#include "pipelines/compose/canvas.h"
#include "pipelines/compose/plan.h"

typedef struct MnbTile MnbTile;

/* @track: borrowed, outlives the tile. @width, @height: wanted size of the picture.
 * Returns (owned): NULL with @error set. */
MnbTile *mnb_tile_new(const MnbPlanTrack *track, int width, int height, GError **error);
void mnb_tile_free(MnbTile *tile); /* NULL is fine */
const MnbPlanTrack *mnb_tile_track(const MnbTile *tile);

/* The layout changed: pictures of this size from soon on. */
void mnb_tile_resize(MnbTile *tile, int width, int height);

/* Goes on to the picture of @at_us; never back. Returns: whether there is one to be seen: not
 * before the first, not after the end, and not when the camera has been silent for 3 s. */
gboolean mnb_tile_seek(MnbTile *tile, gint64 at_us);

/* A number that no other picture of any tile has, for the picture of the last seek: the same number
 * means that nothing has to be drawn anew. */
guint64 mnb_tile_picture(const MnbTile *tile);

/* Draws the picture of the last seek into @rect. */
void mnb_tile_draw(MnbTile *tile, MnbPicture *canvas, const MnbRect *rect);
