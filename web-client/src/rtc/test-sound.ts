/** Three rising notes as a stream: the caller's audio element plays it, so that it comes from the chosen speaker. */

const NOTES_HZ = [523.25, 659.25, 783.99];
const NOTE_S = 0.22;

export interface TestSound {
  stream: MediaStream;
  /** Resolves when the last note has ended. */
  ended: Promise<void>;
}

export function makeTestSound(signal: AbortSignal): TestSound {
  const context = new AudioContext();
  const output = context.createMediaStreamDestination();
  const begin = context.currentTime + 0.1;
  NOTES_HZ.forEach((frequency, index) => {
    const oscillator = context.createOscillator();
    const envelope = context.createGain();
    oscillator.frequency.value = frequency;
    const at = begin + index * NOTE_S;
    envelope.gain.setValueAtTime(0, at);
    envelope.gain.linearRampToValueAtTime(0.25, at + 0.02);
    envelope.gain.exponentialRampToValueAtTime(0.001, at + NOTE_S * 1.6);
    oscillator.connect(envelope).connect(output);
    oscillator.start(at);
    oscillator.stop(at + NOTE_S * 1.6);
  });
  const lengthMs = (0.1 + NOTES_HZ.length * NOTE_S + NOTE_S) * 1000;
  const ended = new Promise<void>((resolve) => {
    const timer = setTimeout(finish, lengthMs);
    signal.addEventListener('abort', finish, { once: true });
    function finish(): void {
      clearTimeout(timer);
      void context.close().catch(() => undefined);
      resolve();
    }
  });
  return { stream: output.stream, ended };
}
