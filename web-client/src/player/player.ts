/** The state of the watch page's player as signals, and what can be done with it. The controls draw it. */
import { signal } from '@preact/signals';
import { readPreference, writePreference } from '../store/preferences';
import { stepSpeed } from './player-keys';
import { attachAudio, attachFilm, type CaptionTrack, type FilmSource, type Quality, type Sound, type SourceEvent } from './source';

export type QualityChoice = 'auto' | 'audio' | number;

export interface FilmOptions {
  playlist: string;
  audioUrl: string | null;
  token: string | null;
  startAt: number;
}

const SKIP_S = 10;
const VOLUME_STEP = 0.1;

export class Player {
  readonly isPlaying = signal(false);
  readonly isWaiting = signal(true);
  readonly position = signal(0);
  readonly duration = signal(0);
  readonly bufferedTo = signal(0);
  readonly volume = signal(1);
  readonly isMuted = signal(false);
  readonly speed = signal(1);
  readonly qualities = signal<readonly Quality[]>([]);
  readonly quality = signal<QualityChoice>('auto');
  readonly qualityNow = signal<number>(-1);
  readonly captions = signal<readonly CaptionTrack[]>([]);
  readonly caption = signal(-1);
  readonly sounds = signal<readonly Sound[]>([]);
  readonly sound = signal(0);
  readonly isNetworkLost = signal(false);
  readonly hasFailed = signal(false);

  readonly #video: HTMLVideoElement;
  readonly #film: FilmOptions;
  readonly #stop = new AbortController();
  #ownTracks: TextTrack[] = [];
  #sourceStop = new AbortController();
  #source: FilmSource | null = null;

  constructor(video: HTMLVideoElement, film: FilmOptions) {
    this.#video = video;
    this.#film = film;
    this.#listen();
    const volume = Number(readPreference('volume') ?? '1');
    video.volume = volume >= 0 && volume <= 1 ? volume : 1;
    this.setSpeed(Number(readPreference('speed') ?? '1') || 1);
    const wantsAudio = readPreference('quality') === 'audio' && film.audioUrl !== null;
    void this.#open(wantsAudio ? 'audio' : 'auto', film.startAt);
  }

  close(): void {
    this.#stop.abort();
    this.#sourceStop.abort();
    this.#source?.close();
    this.#source = null;
  }

  togglePlay(): void {
    if (this.#video.paused) void this.#video.play().catch(() => undefined);
    else this.#video.pause();
  }

  seek(to: number): void {
    const end = this.duration.value || to;
    this.#video.currentTime = Math.min(Math.max(0, to), end);
    this.position.value = this.#video.currentTime;
  }

  skip(direction: -1 | 1): void {
    this.seek(this.#video.currentTime + direction * SKIP_S);
  }

  setVolume(volume: number): void {
    this.#video.volume = Math.min(1, Math.max(0, volume));
    this.#video.muted = this.#video.volume === 0;
    writePreference('volume', this.#video.volume.toFixed(2));
  }

  stepVolume(direction: -1 | 1): void {
    this.setVolume(this.#video.volume + direction * VOLUME_STEP);
  }

  toggleMute(): void {
    this.#video.muted = !this.#video.muted;
    if (!this.#video.muted && this.#video.volume === 0) this.setVolume(0.5);
  }

  setSpeed(speed: number): void {
    this.#video.defaultPlaybackRate = speed;
    this.#video.playbackRate = speed;
    writePreference('speed', String(speed));
  }

  stepSpeed(direction: -1 | 1): void {
    this.setSpeed(stepSpeed(this.#video.playbackRate, direction));
  }

  async setQuality(choice: QualityChoice): Promise<void> {
    const before = this.quality.value;
    if (choice === before) return;
    writePreference('quality', choice === 'audio' ? 'audio' : null);
    if (choice === 'audio' || before === 'audio') {
      await this.#open(choice, this.#video.currentTime);
      return;
    }
    this.quality.value = choice;
    this.#source?.setQuality(choice === 'auto' ? -1 : choice);
  }

  /** Captions that are there in every way of watching, also with sound only: they take the place of the stream's own. */
  addCaptions(tracks: readonly { language: string; label: string; cues: readonly { at_ms: number; to_ms: number; text: string }[] }[]): void {
    if (this.#ownTracks.length > 0 || tracks.length === 0) return;
    this.#source?.setCaptions(-1);
    this.#ownTracks = tracks.map((track) => {
      const made = this.#video.addTextTrack('captions', track.label, track.language);
      made.mode = 'disabled';
      for (const cue of track.cues) made.addCue(new VTTCue(cue.at_ms / 1000, Math.max(cue.to_ms, cue.at_ms + 500) / 1000, cue.text));
      return made;
    });
    this.#listCaptions(tracks.map((track, index) => ({ index, label: track.label, language: track.language })));
  }

  #listCaptions(tracks: CaptionTrack[]): void {
    this.captions.value = tracks;
    const wanted = readPreference('captions');
    const track = wanted === null ? undefined : tracks.find((one) => one.language === wanted);
    if (track !== undefined) this.setCaption(track.index);
  }

  setSound(index: number): void {
    this.sound.value = index;
    this.#source?.setSound(index);
    const chosen = this.sounds.value.find((sound) => sound.index === index);
    writePreference('sound', chosen === undefined ? null : chosen.language || 'original');
  }

  setCaption(index: number): void {
    this.caption.value = index;
    if (this.#ownTracks.length > 0) this.#ownTracks.forEach((track, position) => { track.mode = position === index ? 'showing' : 'disabled'; });
    else this.#source?.setCaptions(index);
    writePreference('captions', this.captions.value.find((track) => track.index === index)?.language ?? null);
  }

  toggleCaptions(): void {
    if (this.captions.value.length === 0) return;
    this.setCaption(this.caption.value >= 0 ? -1 : this.captions.value[0]?.index ?? -1);
  }

  retry(): void {
    this.hasFailed.value = false;
    void this.#open(this.quality.value, this.position.value);
  }

  async #open(choice: QualityChoice, startAt: number): Promise<void> {
    const video = this.#video;
    const wasPlaying = !video.paused;
    this.#sourceStop.abort();
    this.#source?.close();
    const stop = new AbortController();
    this.#sourceStop = stop;
    this.quality.value = choice;
    const onEvent = (event: SourceEvent): void => {
      if (!stop.signal.aborted) this.#onSource(event);
    };
    if (choice === 'audio' && this.#film.audioUrl !== null) {
      this.#source = attachAudio(video, this.#film.audioUrl, startAt, stop.signal, onEvent);
    } else {
      try {
        const source = await attachFilm(
          { video, playlist: this.#film.playlist, token: this.#film.token, startAt, onEvent }, stop.signal);
        if (stop.signal.aborted) {
          source.close();
          return;
        }
        this.#source = source;
        if (this.sounds.value.length > 1) source.setSound(this.sound.value);
        if (typeof choice === 'number') source.setQuality(choice);
      } catch {
        // the player's own code did not load
        this.hasFailed.value = true;
        return;
      }
    }
    video.playbackRate = this.speed.value;
    if (wasPlaying) void video.play().catch(() => undefined);
  }

  #onSource(event: SourceEvent): void {
    switch (event.kind) {
      case 'qualities':
        this.qualities.value = event.qualities;
        break;
      case 'quality-now':
        this.qualityNow.value = event.level;
        break;
      case 'sounds': {
        this.sounds.value = event.sounds;
        const wanted = readPreference('sound');
        const sound = event.sounds.find((one) => (one.language || 'original') === wanted);
        this.sound.value = sound?.index ?? 0;
        if (sound !== undefined) this.#source?.setSound(sound.index);
        break;
      }
      case 'captions':
        if (this.#ownTracks.length === 0) this.#listCaptions(event.tracks);
        break;
      case 'network-lost':
        this.isNetworkLost.value = true;
        break;
      case 'network-back':
        this.isNetworkLost.value = false;
        break;
      case 'failed':
        this.hasFailed.value = true;
        break;
    }
  }

  #listen(): void {
    const video = this.#video;
    const on = (type: keyof HTMLVideoElementEventMap, act: () => void): void =>
      video.addEventListener(type, act, { signal: this.#stop.signal });
    on('play', () => { this.isPlaying.value = true; });
    on('pause', () => { this.isPlaying.value = false; });
    on('waiting', () => { this.isWaiting.value = true; });
    for (const type of ['playing', 'canplay', 'seeked'] as const) on(type, () => { this.isWaiting.value = false; });
    on('timeupdate', () => { this.position.value = video.currentTime; });
    on('progress', () => { this.bufferedTo.value = this.#bufferEnd(); });
    on('durationchange', () => {
      if (Number.isFinite(video.duration)) this.duration.value = video.duration;
    });
    on('volumechange', () => {
      this.volume.value = video.volume;
      this.isMuted.value = video.muted;
    });
    on('ratechange', () => { this.speed.value = video.playbackRate; });
  }

  #bufferEnd(): number {
    const { buffered, currentTime } = this.#video;
    for (let index = 0; index < buffered.length; index++) {
      if (buffered.start(index) <= currentTime + 0.5 && buffered.end(index) >= currentTime) return buffered.end(index);
    }
    return currentTime;
  }
}
