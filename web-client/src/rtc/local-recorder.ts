/** Records camera and microphone on the device, piece by piece. Knows no DOM. */
import { keepPiece, type KeptFilm } from '../store/kept-films';

const PIECE_MS = 2000;
const TYPES = ['video/mp4;codecs=avc1.42E01E,mp4a.40.2', 'video/webm;codecs=vp8,opus', 'video/webm', 'video/mp4'];
const BITRATE_BPS = 2_500_000;

function typeHere(): string | null {
  const recorder = globalThis.MediaRecorder as typeof MediaRecorder | undefined;
  return recorder === undefined ? null : TYPES.find((type) => recorder.isTypeSupported(type)) ?? null;
}

/** Returns the film that grows, or null where nothing can be recorded. Ends with the signal. */
export function recordLocally(
  tracks: readonly MediaStreamTrack[], onGrown: (film: KeptFilm) => void, onFailed: () => void, signal: AbortSignal,
): KeptFilm | null {
  const type = typeHere();
  if (type === null) return null;
  const recorder = new MediaRecorder(new MediaStream([...tracks]), { mimeType: type, videoBitsPerSecond: BITRATE_BPS });
  const film: KeptFilm = { id: crypto.randomUUID(), startedAt: Date.now(), type: type.split(';')[0] ?? type, bytes: 0, ms: 0 };
  let n = 0;
  let kept = Promise.resolve();
  recorder.ondataavailable = ({ data }) => {
    if (data.size === 0) return;
    film.bytes += data.size;
    film.ms = Date.now() - film.startedAt;
    const piece = n++;
    const now = { ...film };
    kept = kept.then(() => keepPiece(now, piece, data)).then(() => onGrown(now), onFailed);
  };
  recorder.onerror = onFailed;
  recorder.start(PIECE_MS);
  signal.addEventListener('abort', () => { if (recorder.state !== 'inactive') recorder.stop(); }, { once: true });
  return film;
}
