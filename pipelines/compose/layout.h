/* layout.h - where the tiles of a gallery go. Pure. */
#pragma once
#include <glib.h>

#define MNB_TILES_MAX 49

typedef struct {
    int x, y, width, height; /* even, inside the canvas */
} MnbRect;

/* The largest equal tiles of 16:9 that fit, in rows, the last row centred.
 * @n_tiles: 1 to MNB_TILES_MAX. @rects_out: room for @n_tiles. */
void mnb_layout_gallery(int width, int height, int n_tiles, MnbRect *rects_out);

/* One tile large on the left, the others in a column beside it. rects_out[0] is the large one.
 * @n_tiles: 2 to MNB_TILES_MAX; more than 5 others get two columns. */
void mnb_layout_stage(int width, int height, int n_tiles, MnbRect *rects_out);
