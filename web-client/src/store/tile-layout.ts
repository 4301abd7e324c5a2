/** How many tiles go on a page and how they are laid out: sums, no DOM. */

export const TILE_RATIO = 16 / 9;

export interface Grid {
  columns: number;
  rows: number;
  tileWidth: number;
}

/** The grid of `count` 16:9 tiles in which each tile is as large as can be. */
export function bestGrid(count: number, width: number, height: number, gap: number): Grid {
  let best: Grid = { columns: 1, rows: Math.max(1, count), tileWidth: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const rows = Math.ceil(count / columns);
    const byWidth = (width - gap * (columns - 1)) / columns;
    const byHeight = ((height - gap * (rows - 1)) / rows) * TILE_RATIO;
    const tileWidth = Math.floor(Math.max(0, Math.min(byWidth, byHeight)));
    if (tileWidth > best.tileWidth) best = { columns, rows, tileWidth };
  }
  return best;
}

export function pageCount(count: number, perPage: number): number {
  return Math.max(1, Math.ceil(count / perPage));
}

export function pageOf<T>(items: readonly T[], page: number, perPage: number): readonly T[] {
  const last = pageCount(items.length, perPage) - 1;
  const index = Math.min(Math.max(0, page), last);
  return items.slice(index * perPage, (index + 1) * perPage);
}
