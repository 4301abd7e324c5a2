#include "pipelines/compose/layout.h"

#define GAP 8 /* pixels between tiles and to the edge; even */

static int even(int value)
{
    return value & ~1;
}

/* The largest 16:9 tile for a grid in an area, without gaps. */
static int tile_width(int width, int height, int columns, int rows)
{
    int by_width = (width - GAP * (columns + 1)) / columns;
    int by_height = (height - GAP * (rows + 1)) / rows * 16 / 9;
    return MIN(by_width, by_height);
}

static void fill_grid(const MnbRect *area, int n_tiles, int columns, MnbRect *rects)
{
    int rows = (n_tiles + columns - 1) / columns;
    int width = MAX(even(tile_width(area->width, area->height, columns, rows)), 16);
    int height = MAX(even(width * 9 / 16), 8);
    int top = area->y + (area->height - rows * height - (rows - 1) * GAP) / 2;
    for (int i = 0; i < n_tiles; i++) {
        int row = i / columns;
        int in_row = MIN(columns, n_tiles - row * columns);
        int left = area->x + (area->width - in_row * width - (in_row - 1) * GAP) / 2;
        rects[i] = (MnbRect){even(left + i % columns * (width + GAP)),
                             even(top + row * (height + GAP)), width, height};
    }
}

void mnb_layout_gallery(int width, int height, int n_tiles, MnbRect *rects_out)
{
    int best_columns = 1, best_width = 0;
    for (int columns = 1; columns <= n_tiles; columns++) {
        int rows = (n_tiles + columns - 1) / columns;
        int tile = tile_width(width, height, columns, rows);
        if (tile > best_width) {
            best_width = tile;
            best_columns = columns;
        }
    }
    fill_grid(&(MnbRect){0, 0, width, height}, n_tiles, best_columns, rects_out);
}

void mnb_layout_stage(int width, int height, int n_tiles, MnbRect *rects_out)
{
    int stage = even(width * 3 / 4);
    int n_others = n_tiles - 1;
    fill_grid(&(MnbRect){0, 0, stage, height}, 1, 1, rects_out);
    fill_grid(&(MnbRect){stage, 0, width - stage, height}, n_others, n_others > 5 ? 2 : 1,
              rects_out + 1);
}
