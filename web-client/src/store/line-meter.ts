/** What the two connections carry now and have carried since the person joined, from figures that begin anew with each connection. */
import type { ConnectionFigures } from '../rtc/connection';

export type Direction = 'receive' | 'publish';
/** Of the connections that stand. */
export type LineFigures = Partial<Record<Direction, ConnectionFigures>>;

export interface LineReading {
  roundTripMs: number;
  /** Since the last reading. */
  lossPercent: number;
  inKbit: number;
  outKbit: number;
  /** Both ways, since joining. */
  bytes: number;
}

const DIRECTIONS: readonly Direction[] = ['receive', 'publish'];

interface Gone {
  received: number;
  sent: number;
  lost: number;
  expected: number;
}

export class LineMeter {
  #before: LineFigures = {};
  #beforeMs: number | null = null;
  #bytes = 0;

  /** @nowMs: monotonic. Null: nothing is connected. */
  read(now: LineFigures, nowMs: number): LineReading | null {
    const gone: Gone = { received: 0, sent: 0, lost: 0, expected: 0 };
    let roundTripMs: number | null = null;
    for (const direction of DIRECTIONS) {
      const figures = now[direction];
      if (figures === undefined) continue;
      addDifference(gone, this.#before[direction], figures);
      roundTripMs = figures.roundTripMs ?? roundTripMs;
    }
    const seconds = this.#beforeMs === null ? 0 : (nowMs - this.#beforeMs) / 1000;
    this.#bytes += gone.received + gone.sent;
    // A connection that is away for a moment goes on where it was.
    this.#before = { ...this.#before, ...now };
    this.#beforeMs = nowMs;
    if (now.receive === undefined && now.publish === undefined) return null;
    const kbit = (bytes: number): number => (seconds > 0 ? Math.round((bytes * 8) / seconds / 1000) : 0);
    return {
      roundTripMs: Math.round(roundTripMs ?? 0),
      lossPercent: gone.expected > 0 ? Math.min(100, Math.round((gone.lost / gone.expected) * 1000) / 10) : 0,
      inKbit: kbit(gone.received),
      outKbit: kbit(gone.sent),
      bytes: this.#bytes,
    };
  }
}

/** Counters that fell are of a new connection, and count from zero. */
function addDifference(gone: Gone, before: ConnectionFigures | undefined, now: ConnectionFigures): void {
  const isSame = before !== undefined && now.bytesReceived >= before.bytesReceived && now.bytesSent >= before.bytesSent;
  gone.received += now.bytesReceived - (isSame ? before.bytesReceived : 0);
  gone.sent += now.bytesSent - (isSame ? before.bytesSent : 0);
  gone.lost += Math.max(0, now.lost - (isSame ? before.lost : 0));
  gone.expected += Math.max(0, now.expected - (isSame ? before.expected : 0));
}
