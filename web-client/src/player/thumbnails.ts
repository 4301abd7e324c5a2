/** The small pictures along the seek bar: WebVTT whose cues name a part of a sheet beside it. */

export interface Thumbnail {
  from_ms: number;
  to_ms: number;
  /** Address of the sheet. */
  url: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

const CUES_MAX = 5000;
const TIME = /^(?:(\d{1,3}):)?(\d{2}):(\d{2})\.(\d{3})$/;

function milliseconds(text: string): number {
  const [, hours, minutes, seconds, rest] = TIME.exec(text) ?? [];
  return seconds === undefined ? NaN : ((Number(hours ?? 0) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + Number(rest);
}

/** What cannot be read is left out. `base`: the address that the text came from, an absolute path. */
export function parseThumbnails(text: string, base: string): Thumbnail[] {
  const found: Thumbnail[] = [];
  const lines = text.split(/\r\n|\r|\n/);
  const folder = base.slice(0, base.lastIndexOf('/') + 1);
  for (let index = 0; index + 1 < lines.length && found.length < CUES_MAX; index++) {
    const [from, arrow, to] = (lines[index] ?? '').split(/\s+/);
    if (arrow !== '-->') continue;
    const part = /^([\w-]+\.jpg)#xywh=(\d{1,5}),(\d{1,5}),(\d{1,4}),(\d{1,4})$/.exec(lines[index + 1] ?? '');
    const from_ms = milliseconds(from ?? '');
    const to_ms = milliseconds(to ?? '');
    if (part === null || !(to_ms > from_ms)) continue;
    const [x, y, width, height] = part.slice(2).map(Number) as [number, number, number, number];
    if (width > 0 && height > 0) found.push({ from_ms, to_ms, url: folder + part[1], x, y, width, height });
  }
  return found;
}

/** The picture of a moment; the list is in order of time. */
export function thumbnailAt(list: readonly Thumbnail[], ms: number): Thumbnail | null {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle]?.from_ms ?? 0) <= ms) low = middle + 1;
    else high = middle;
  }
  return list[low - 1] ?? null;
}
