/** What is known of an upload without the library that carries it. */
const SPEED_WINDOW_MS = 8000;

export function idOfUrl(url: string | null): string | null {
  return /\/uploads\/([0-9a-hjkmnp-tv-z]{26})$/.exec(url ?? '')?.[1] ?? null;
}

/** The same file, chosen again tomorrow on another machine, has the same key. */
export function keyOf(file: { name: string; size: number; lastModified: number }): string {
  return `${file.name.slice(-150)}|${file.size}|${file.lastModified}`;
}

/** What time and another try can cure. */
export function isWorthRetry(status: number): boolean {
  return status === 0 || status === 409 || status === 423 || status === 429 || status === 460
    || (status >= 500 && status !== 507);
}

/** Bytes a second over the last seconds. */
export class SpeedMeter {
  #samples: { at: number; sent: number }[] = [];

  add(sent: number, now: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && sent < last.sent) this.#samples = []; // went back to what the server had
    this.#samples.push({ at: now, sent });
    while (this.#samples.length > 2 && now - (this.#samples[0]?.at ?? now) > SPEED_WINDOW_MS) this.#samples.shift();
  }

  reset(): void {
    this.#samples = [];
  }

  /** Null until there is something to tell. */
  bytesPerSecond(): number | null {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < 1000) return null;
    return ((last.sent - first.sent) * 1000) / (last.at - first.at);
  }
}
