/** Pieces that a film keeps of what was captured, as staff see them: a start, an end, and cuts in between. Times in ms. */
export type Range = readonly [from: number, to: number];

export interface Cuts {
  start: number;
  end: number;
  cuts: readonly Range[];
}

const SHORTEST = 100;

export function cutsOf(keep: readonly Range[], length: number): Cuts {
  const first = keep[0];
  const last = keep[keep.length - 1];
  if (first === undefined || last === undefined) return { start: 0, end: length, cuts: [] };
  const cuts: Range[] = [];
  for (let index = 1; index < keep.length; index++) {
    const before = keep[index - 1];
    const after = keep[index];
    if (before !== undefined && after !== undefined) cuts.push([before[1], after[0]]);
  }
  return { start: first[0], end: Math.min(last[1], length), cuts };
}

/** What is left, in order; null when nothing is. Everything is an empty list. */
export function keepOf({ start, end, cuts }: Cuts, length: number): Range[] | null {
  let pieces: Range[] = [[Math.max(0, start), Math.min(end, length)]];
  for (const [from, to] of cuts) {
    pieces = pieces.flatMap(([a, b]): Range[] => (to <= a || from >= b || to <= from
      ? [[a, b]] : [[a, Math.min(from, b)], [Math.max(to, a), b]]));
  }
  const kept = pieces.filter(([from, to]) => to - from >= SHORTEST)
    .map(([from, to]): Range => [Math.round(from), Math.round(to)]).sort((a, b) => a[0] - b[0]);
  if (kept.length === 0) return null;
  const only = kept.length === 1 ? kept[0] : undefined;
  return only !== undefined && only[0] === 0 && only[1] >= Math.round(length) ? [] : kept;
}

/** Where a captured moment is in a film with these pieces; in a cut: where the film goes on. */
export function toFilm(keep: readonly Range[], captured: number): number {
  if (keep.length === 0) return captured;
  let film = 0;
  for (const [from, to] of keep) {
    if (captured < from) break;
    if (captured < to) return film + captured - from;
    film += to - from;
  }
  return film;
}

/** Where a moment of such a film was captured. */
export function toCaptured(keep: readonly Range[], film: number): number {
  let left = film;
  for (const [from, to] of keep) {
    if (left < to - from) return from + left;
    left -= to - from;
  }
  const last = keep[keep.length - 1];
  return last === undefined ? film : last[1];
}

/** The first moment from here on that is kept; null: none. */
export function nextKept(keep: readonly Range[], captured: number): number | null {
  if (keep.length === 0) return captured;
  for (const [from, to] of keep) if (captured < to) return Math.max(captured, from);
  return null;
}

export function lengthOf(keep: readonly Range[], length: number): number {
  return keep.length === 0 ? length : keep.reduce((sum, [from, to]) => sum + to - from, 0);
}

/** "1:02:03.5", "2:03", "75": in ms; null: not a time. */
export function parseClock(text: string): number | null {
  const match = /^(?:(?:(\d{1,2}):)?(\d{1,3}):)?(\d{1,5}(?:[.,]\d{1,3})?)$/.exec(text.normalize('NFKC').trim());
  if (match === null) return null;
  const [, hours = '0', minutes = '0', seconds = '0'] = match;
  return Math.round((Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds.replace(',', '.'))) * 1000);
}

/** "1:02:03.5" */
export function clockText(ms: number): string {
  const tenths = Math.round(ms / 100);
  const seconds = Math.floor(tenths / 10);
  const pad = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const head = hours > 0 ? `${hours}:${pad(minutes)}` : String(minutes);
  return `${head}:${pad(seconds % 60)}${tenths % 10 > 0 ? `.${tenths % 10}` : ''}`;
}
