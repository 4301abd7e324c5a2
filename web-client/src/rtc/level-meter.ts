/** How loud a microphone is, about 15 times a second, as 0..1 on a scale that follows the ear. */

const INTERVAL_MS = 66;
const FLOOR_DB = -60;
const FALL_PER_TICK = 0.08;

/** -60 dB and below is 0, full scale is 1. */
export function levelOfSamples(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  const db = rms > 0 ? 20 * Math.log10(rms) : FLOOR_DB;
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}

export function meterLevel(
  track: MediaStreamTrack,
  onLevel: (level: number) => void,
  signal: AbortSignal,
): void {
  if (signal.aborted) return;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let shown = 0;
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    shown = Math.max(levelOfSamples(samples), shown - FALL_PER_TICK);
    onLevel(shown);
  }, INTERVAL_MS);
  // A context made before any press of a button may wait for one.
  if (context.state === 'suspended') void context.resume().catch(() => undefined);
  signal.addEventListener('abort', () => {
    clearInterval(timer);
    void context.close();
  }, { once: true });
}
