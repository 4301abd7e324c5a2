/**
 * Brings a film into a video element: HLS through hls.js where Media Source Extensions exist (it has a quality menu
 * and says what goes wrong), by the browser itself elsewhere; or one audio file.
 */
import type Hls from 'hls.js';

export interface Quality {
  /** Index of the level in the playlist. */
  level: number;
  height: number;
  bitrateBps: number;
}

export interface CaptionTrack {
  index: number;
  label: string;
  language: string;
}

/** A language that the film can be heard in. */
export interface Sound {
  index: number;
  name: string;
  /** BCP 47; empty: what was spoken in the room. */
  language: string;
}

export type SourceEvent =
  | { kind: 'qualities'; qualities: Quality[] }
  | { kind: 'quality-now'; level: number }
  | { kind: 'captions'; tracks: CaptionTrack[] }
  | { kind: 'sounds'; sounds: Sound[] }
  | { kind: 'network-lost' }
  | { kind: 'network-back' }
  | { kind: 'failed' };

export interface FilmSource {
  /** -1: automatic. */
  setQuality: (level: number) => void;
  setSound: (index: number) => void;
  /** -1: none. */
  setCaptions: (index: number) => void;
  /** Tries again after the network was lost. */
  retry: () => void;
  close: () => void;
}

interface AttachOptions {
  video: HTMLVideoElement;
  playlist: string;
  token: string | null;
  startAt: number;
  onEvent: (event: SourceEvent) => void;
}

const RETRY_MS = 3000;

function hasMediaSource(): boolean {
  return 'MediaSource' in globalThis || 'ManagedMediaSource' in globalThis;
}

export async function attachFilm(options: AttachOptions, signal: AbortSignal): Promise<FilmSource> {
  if (!hasMediaSource()) return attachNative(options, signal);
  const { default: HlsPlayer } = await import('hls.js');
  if (signal.aborted || !HlsPlayer.isSupported()) return attachNative(options, signal);
  return attachHls(HlsPlayer, options, signal);
}

function attachNative({ video, playlist, startAt, onEvent }: AttachOptions, signal: AbortSignal): FilmSource {
  video.addEventListener('error', () => onEvent({ kind: 'failed' }), { signal });
  video.src = playlist;
  if (startAt > 0) {
    video.addEventListener('loadedmetadata', () => { video.currentTime = startAt; }, { once: true, signal });
  }
  return {
    setQuality: () => undefined,
    setSound: () => undefined,
    setCaptions: (index) => showTextTrack(video, index),
    retry: () => video.load(),
    close: () => unload(video),
  };
}

export function attachAudio(video: HTMLVideoElement, url: string, startAt: number, signal: AbortSignal,
  onEvent: (event: SourceEvent) => void): FilmSource {
  video.addEventListener('error', () => onEvent({ kind: 'failed' }), { signal });
  video.src = url;
  video.addEventListener('loadedmetadata', () => { video.currentTime = startAt; }, { once: true, signal });
  return {
    setQuality: () => undefined, setSound: () => undefined, setCaptions: () => undefined, retry: () => video.load(), close: () => unload(video),
  };
}

function unload(video: HTMLVideoElement): void {
  video.removeAttribute('src');
  video.load();
}

function showTextTrack(video: HTMLVideoElement, index: number): void {
  Array.from(video.textTracks).forEach((track, position) => {
    track.mode = position === index ? 'showing' : 'disabled';
  });
}

function attachHls(HlsPlayer: typeof Hls, options: AttachOptions, signal: AbortSignal): FilmSource {
  const { video, playlist, token, startAt, onEvent } = options;
  const hls = new HlsPlayer({
    startPosition: startAt > 0 ? startAt : -1,
    capLevelToPlayerSize: true,
    maxBufferLength: 30,
    backBufferLength: 60,
    ...(token !== null && {
      xhrSetup: (request: XMLHttpRequest) => request.setRequestHeader('Authorization', `Bearer ${token}`),
    }),
  });
  let hasRecovered = false;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  const { Events, ErrorTypes } = HlsPlayer;
  hls.on(Events.MANIFEST_PARSED, () => {
    onEvent({
      kind: 'qualities',
      qualities: hls.levels
        .map((level, index) => ({ level: index, height: level.height, bitrateBps: level.bitrate }))
        .filter((quality) => quality.height > 0)
        .sort((a, b) => b.height - a.height),
    });
  });
  hls.on(Events.LEVEL_SWITCHED, (_event, data) => onEvent({ kind: 'quality-now', level: data.level }));
  hls.on(Events.SUBTITLE_TRACKS_UPDATED, (_event, data) => onEvent({
    kind: 'captions',
    tracks: data.subtitleTracks.map((track, index) => ({ index, label: track.name, language: track.lang ?? '' })),
  }));
  hls.on(Events.AUDIO_TRACKS_UPDATED, (_event, data) => onEvent({
    kind: 'sounds',
    sounds: data.audioTracks.map((track, index) => ({ index, name: track.name, language: track.lang ?? '' })),
  }));
  hls.on(Events.FRAG_LOADED, () => onEvent({ kind: 'network-back' }));
  hls.on(Events.ERROR, (_event, data) => {
    if (!data.fatal) return;
    if (data.type === ErrorTypes.NETWORK_ERROR && data.response?.code !== 404 && data.response?.code !== 403) {
      onEvent({ kind: 'network-lost' });
      clearTimeout(retryTimer);
      retryTimer = setTimeout(retry, RETRY_MS);
    } else if (data.type === ErrorTypes.MEDIA_ERROR && !hasRecovered) {
      hasRecovered = true;
      hls.recoverMediaError();
    } else {
      onEvent({ kind: 'failed' });
    }
  });
  function retry(): void {
    clearTimeout(retryTimer);
    if (hls.levels.length === 0) hls.loadSource(playlist);
    else hls.startLoad();
  }
  addEventListener('online', retry, { signal });
  hls.loadSource(playlist);
  hls.attachMedia(video);
  return {
    setQuality: (level) => { hls.nextLevel = level; },
    setSound: (index) => { hls.audioTrack = index; },
    setCaptions: (index) => {
      hls.subtitleDisplay = index >= 0;
      hls.subtitleTrack = index;
    },
    retry,
    close: () => {
      clearTimeout(retryTimer);
      hls.destroy();
    },
  };
}
