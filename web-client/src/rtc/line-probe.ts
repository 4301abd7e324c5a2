/**
 * A picture of noise goes to a media worker and comes back, on two short peer connections like those of a session:
 * whether media get through by UDP or by TCP, how long the way is, and how much it takes each way.
 */
import type { LineOffers } from '../protocol/objects';

export type Way = 'udp' | 'tcp';

/** Brings both offers to the server and back come its answers. */
export type Exchange = (offers: LineOffers) => Promise<LineOffers>;

export interface ProbeResult {
  /** null: the browser does not tell. */
  roundTripMs: number | null;
  /** Best second. What comes back is never more than what was sent. */
  upKbit: number;
  downKbit: number;
}

const CONNECT_LIMIT_MS = 7_000;
const MEASURE_MS = 5_000;
const SAMPLE_MS = 250;
const SAMPLES_A_SECOND = 4;
/** More than any session sends: from here on nothing is gained by more. */
export const PROBE_MAX_KBIT = 2_500;
const WIDTH = 640;
const HEIGHT = 360;
const FRAMES_PER_SECOND = 15;

/** Only the candidates of that protocol are left, so the browser has no other way. */
export function withOnly(sdp: string, way: Way): string {
  return sdp.split(/\r?\n/)
    .filter((line) => !line.startsWith('a=candidate:') || line.split(' ')[2]?.toLowerCase() === way)
    .join('\r\n');
}

export function hasCandidate(sdp: string, way: Way): boolean {
  return /^a=candidate:/m.test(withOnly(sdp, way));
}

/** Bytes at even times -> the best second in kbit/s. */
export function bestKbit(samples: readonly number[]): number {
  let best = 0;
  for (let i = SAMPLES_A_SECOND; i < samples.length; i++) {
    best = Math.max(best, (samples[i] ?? 0) - (samples[i - SAMPLES_A_SECOND] ?? 0));
  }
  return Math.round((best * 8) / 1000);
}

/** Noise cannot be compressed, so the picture takes as much as the line gives. */
function noise(signal: AbortSignal): MediaStreamTrack | null {
  const canvas = document.createElement('canvas');
  const tile = document.createElement('canvas');
  canvas.width = tile.width = WIDTH;
  canvas.height = tile.height = HEIGHT;
  const grain = tile.getContext('2d');
  const context = canvas.getContext('2d');
  if (grain === null || context === null) return null;
  const pixels = grain.createImageData(WIDTH, HEIGHT);
  const values = new Uint32Array(pixels.data.buffer);
  for (let at = 0; at < values.length; at += 16_384) crypto.getRandomValues(values.subarray(at, at + 16_384));
  for (let at = 3; at < pixels.data.length; at += 4) pixels.data[at] = 255;
  grain.putImageData(pixels, 0, 0);
  const draw = (): void => {
    const x = Math.floor(Math.random() * WIDTH);
    const y = Math.floor(Math.random() * HEIGHT);
    for (const [dx, dy] of [[0, 0], [WIDTH, 0], [0, HEIGHT], [WIDTH, HEIGHT]] as const) context.drawImage(tile, dx - x, dy - y);
  };
  draw();
  const track = canvas.captureStream(FRAMES_PER_SECOND).getVideoTracks()[0] ?? null;
  const timer = setInterval(draw, 1000 / FRAMES_PER_SECOND);
  signal.addEventListener('abort', () => {
    clearInterval(timer);
    track?.stop();
  }, { once: true });
  return track;
}

function connected(connection: RTCPeerConnection, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (is: boolean): void => {
      clearTimeout(timer);
      resolve(is);
    };
    const timer = setTimeout(() => finish(false), CONNECT_LIMIT_MS);
    const look = (): void => {
      if (connection.connectionState === 'connected') finish(true);
      else if (connection.connectionState === 'failed') finish(false);
    };
    connection.addEventListener('connectionstatechange', look, { signal });
    signal.addEventListener('abort', () => finish(false), { once: true });
    look();
  });
}

interface Stat {
  type: string;
  kind?: string;
  currentRoundTripTime?: number;
  roundTripTime?: number;
  bytesSent?: number;
  bytesReceived?: number;
}

interface Sample {
  bytes: number;
  roundTripMs: number | null;
}

async function sample(connection: RTCPeerConnection, field: 'bytesSent' | 'bytesReceived', of: string): Promise<Sample> {
  const found: Sample = { bytes: 0, roundTripMs: null };
  for (const [, value] of await connection.getStats() as unknown as Map<string, Stat>) {
    if (value.type === of && value.kind === 'video') found.bytes += value[field] ?? 0;
    const seconds = value.type === 'candidate-pair' ? value.currentRoundTripTime
      : value.type === 'remote-inbound-rtp' ? value.roundTripTime : undefined;
    if (seconds !== undefined && seconds > 0) found.roundTripMs = Math.min(found.roundTripMs ?? Infinity, seconds * 1000);
  }
  return found;
}

const pause = (ms: number, signal: AbortSignal): Promise<void> => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    resolve();
  }, { once: true });
});

async function measure(publish: RTCPeerConnection, receive: RTCPeerConnection, signal: AbortSignal): Promise<ProbeResult> {
  const sent: number[] = [];
  const received: number[] = [];
  let roundTripMs: number | null = null;
  const end = performance.now() + MEASURE_MS;
  while (performance.now() < end && !signal.aborted) {
    const [up, down] = await Promise.all([sample(publish, 'bytesSent', 'outbound-rtp'), sample(receive, 'bytesReceived', 'inbound-rtp')]);
    sent.push(up.bytes);
    received.push(down.bytes);
    for (const one of [up.roundTripMs, down.roundTripMs]) if (one !== null) roundTripMs = Math.min(roundTripMs ?? Infinity, one);
    await pause(SAMPLE_MS, signal);
  }
  const downKbit = bestKbit(received);
  // The queue of a slow line takes more for a moment than the line carries.
  const upKbit = Math.max(downKbit, Math.round(bestKbit(sent.slice(SAMPLES_A_SECOND))));
  return { roundTripMs: roundTripMs === null ? null : Math.round(roundTripMs), upKbit, downKbit };
}

/** @isLong: also measures; else only whether it gets through. Null: it does not. Throws what @exchange throws. */
export async function probe(way: Way, isLong: boolean, exchange: Exchange, outer: AbortSignal): Promise<ProbeResult | null> {
  const stop = new AbortController();
  const { signal } = stop;
  outer.addEventListener('abort', () => stop.abort(), { once: true, signal });
  const publish = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const receive = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  try {
    const track = noise(signal);
    publish.addTransceiver(track ?? 'video', { direction: 'sendonly', sendEncodings: [{ maxBitrate: PROBE_MAX_KBIT * 1000 }] });
    receive.addTransceiver('video', { direction: 'recvonly' });
    await publish.setLocalDescription(await publish.createOffer());
    await receive.setLocalDescription(await receive.createOffer());
    const answers = await exchange({ publish: publish.localDescription?.sdp ?? '', receive: receive.localDescription?.sdp ?? '' });
    if (signal.aborted || !hasCandidate(answers.receive, way)) return null;
    await Promise.all([
      publish.setRemoteDescription({ type: 'answer', sdp: withOnly(answers.publish, way) }),
      receive.setRemoteDescription({ type: 'answer', sdp: withOnly(answers.receive, way) }),
    ]);
    const both = await Promise.all([connected(publish, signal), connected(receive, signal)]);
    if (!both.every(Boolean)) return null;
    return isLong ? await measure(publish, receive, signal) : { roundTripMs: null, upKbit: 0, downKbit: 0 };
  } finally {
    stop.abort();
    publish.close();
    receive.close();
  }
}
