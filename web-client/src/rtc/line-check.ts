/**
 * What the line can carry, before joining: a round trip, whether WebSockets pass, and a rough rate from one of our own
 * files. Whether UDP or only TCP gets through shows when sound and picture connect.
 */

export interface LineCheck {
  roundTripMs: number;
  /** null: too short to tell. */
  kbitPerSecond: number | null;
  passesWebSocket: boolean;
}

export type LineVerdict = 'good' | 'fair' | 'weak' | 'blocked';

const ROUNDS = 3;
const SOCKET_LIMIT_MS = 8_000;

export function verdictOf(check: LineCheck): LineVerdict {
  if (!check.passesWebSocket) return 'blocked';
  const rate = check.kbitPerSecond ?? Infinity;
  if (rate < 300 || check.roundTripMs > 800) return 'weak';
  if (rate < 1500 || check.roundTripMs > 400) return 'fair';
  return 'good';
}

export async function checkLine(socketUrl: string, signal: AbortSignal): Promise<LineCheck> {
  let roundTripMs = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const begun = performance.now();
    await (await fetch('/api/v1/me', { cache: 'no-store', signal })).arrayBuffer();
    // The first one may have opened the connection: the quickest counts.
    roundTripMs = Math.min(roundTripMs, performance.now() - begun);
  }
  const [kbitPerSecond, passesWebSocket] = [await measureRate(roundTripMs, signal), await opensSocket(socketUrl, signal)];
  return { roundTripMs: Math.round(roundTripMs), kbitPerSecond, passesWebSocket };
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
