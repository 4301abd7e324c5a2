/**
 * What the line can carry, before joining: whether WebSockets pass, how media get through (UDP, else TCP), the round
 * trip, and a rate each way. Where the server has no room for a probe, a file of ours gives a rough rate.
 */
import { PROBE_MAX_KBIT, probe, type Exchange, type ProbeResult, type Way } from './line-probe';

export interface LineCheck {
  passesWebSocket: boolean;
  /** How media get through; `none`: not at all; null: could not be tried. */
  media: Way | 'none' | null;
  /** Media also get through by TCP. */
  passesTcp: boolean | null;
  roundTripMs: number;
  /** null: not measured. */
  upKbit: number | null;
  downKbit: number | null;
  /** How far the device's clock is ahead of the server's. */
  clockAheadMs: number;
}

export type LineVerdict = 'good' | 'fair' | 'weak' | 'poor' | 'no-media' | 'blocked';

const ROUNDS = 3;
const SOCKET_LIMIT_MS = 8_000;
/** Sound both ways with what is around it. */
const SOUND_KBIT = 60;
const ONE_PICTURE_KBIT = 300;
const ALL_PICTURES_KBIT = 1_200;

export function verdictOf(check: LineCheck): LineVerdict {
  if (!check.passesWebSocket) return 'blocked';
  if (check.media === 'none') return 'no-media';
  const down = check.downKbit ?? Infinity;
  // A picture of one's own is a wish, the voice is not.
  const up = check.upKbit ?? Infinity;
  if (down < SOUND_KBIT || up < SOUND_KBIT) return 'poor';
  if (down < ONE_PICTURE_KBIT || check.roundTripMs > 800) return 'weak';
  if (down < ALL_PICTURES_KBIT || check.roundTripMs > 400) return 'fair';
  return 'good';
}

/** A probe fills the line up to here: there may be more. */
export function isAtLeast(kbit: number): boolean {
  return kbit >= PROBE_MAX_KBIT * 0.85;
}

export async function checkLine(socketUrl: string, exchange: Exchange, signal: AbortSignal): Promise<LineCheck> {
  let webMs = Infinity;
  let clockAheadMs = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const begun = performance.now();
    const response = await fetch('/api/v1/me', { cache: 'no-store', signal });
    const told = Date.parse(response.headers.get('Date') ?? '');
    await response.arrayBuffer();
    // The first one may have opened the connection: the quickest counts.
    webMs = Math.min(webMs, performance.now() - begun);
    if (Number.isFinite(told)) clockAheadMs = Date.now() - told;
  }
  const fileKbit = await measureRate(webMs, signal);
  const passesWebSocket = await opensSocket(socketUrl, signal);
  const tried = await tryMedia(exchange, signal);
  // What comes back is no more than what went out: where that is slow, a file tells more about the way down.
  const downKbit = tried.result === null ? fileKbit : Math.max(tried.result.downKbit, Math.min(fileKbit ?? 0, PROBE_MAX_KBIT));
  return {
    passesWebSocket,
    media: tried.media,
    passesTcp: tried.passesTcp,
    roundTripMs: Math.round(tried.result?.roundTripMs ?? webMs),
    upKbit: tried.result?.upKbit ?? null,
    downKbit: tried.media === 'none' ? null : downKbit,
    clockAheadMs,
  };
}

interface Tried {
  media: LineCheck['media'];
  passesTcp: boolean | null;
  result: ProbeResult | null;
}

async function tryMedia(exchange: Exchange, signal: AbortSignal): Promise<Tried> {
  try {
    const udp = await probe('udp', true, exchange, signal);
    const tcp = signal.aborted ? null : await probe('tcp', udp === null, exchange, signal);
    return {
      media: udp !== null ? 'udp' : tcp !== null ? 'tcp' : 'none',
      passesTcp: tcp !== null,
      result: udp ?? tcp,
    };
  } catch {
    // Many try just now, or no worker is ready: that says nothing about the line.
    return { media: null, passesTcp: null, result: null };
  }
}

async function measureRate(roundTripMs: number, signal: AbortSignal): Promise<number | null> {
  const largest = performance.getEntriesByType('resource')
    .filter((entry): entry is PerformanceResourceTiming => entry instanceof PerformanceResourceTiming && entry.name.includes('/assets/'))
    .sort((a, b) => b.encodedBodySize - a.encodedBodySize)[0];
  if (largest === undefined || largest.encodedBodySize === 0) return null;
  const begun = performance.now();
  await (await fetch(largest.name, { cache: 'no-store', signal })).arrayBuffer();
  const spentMs = performance.now() - begun - roundTripMs;
  return spentMs < 5 ? null : Math.round((largest.encodedBodySize * 8) / spentMs);
}

function opensSocket(url: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, 'manabi.v1');
    const finish = (isOpen: boolean): void => {
      clearTimeout(timer);
      resolve(isOpen);
      socket.close();
    };
    const timer = setTimeout(() => finish(false), SOCKET_LIMIT_MS);
    socket.addEventListener('open', () => finish(true), { once: true });
    socket.addEventListener('error', () => finish(false), { once: true });
    signal.addEventListener('abort', () => finish(false), { once: true });
  });
}
