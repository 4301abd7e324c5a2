/** The own shared screen: asked for by a press, ended by a press here or by the browser's own "stop sharing". */
import { signal } from '@preact/signals';

export type ShareFailure = 'refused' | 'unsupported' | 'failed';

/** Text must stay sharp; it moves little. */
const FRAMES_PER_SECOND = 8;

export function canShareScreen(): boolean {
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  return typeof devices?.getDisplayMedia === 'function';
}

/** Chrome's hints beyond the standard ones: its dialog then offers other windows, and the sound of a tab. */
interface DisplayOptions extends DisplayMediaStreamOptions {
  selfBrowserSurface?: 'exclude' | 'include';
  surfaceSwitching?: 'exclude' | 'include';
}

export class ScreenShare {
  readonly track = signal<MediaStreamTrack | null>(null);
  /** The sound of what is shared, where the browser gives it. */
  readonly sound = signal<MediaStreamTrack | null>(null);
  #onEnded: () => void;

  constructor(onEnded: () => void) {
    this.#onEnded = onEnded;
  }

  /** Must be called from a press. Null when it works or the person changed their mind. */
  async open(): Promise<ShareFailure | null> {
    if (!canShareScreen()) return 'unsupported';
    const options: DisplayOptions = {
      video: { frameRate: { max: FRAMES_PER_SECOND } },
      audio: true,
      selfBrowserSurface: 'exclude',
      surfaceSwitching: 'include',
    };
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getDisplayMedia(options);
    } catch (error) {
      const name = error instanceof Error ? error.name : '';
      return name === 'NotAllowedError' || name === 'AbortError' ? 'refused' : 'failed';
    }
    this.close();
    const [picture] = stream.getVideoTracks();
    if (picture === undefined) return 'failed';
    picture.contentHint = 'detail';
    picture.addEventListener('ended', () => {
      if (this.track.value !== picture) return;
      this.close();
      this.#onEnded();
    });
    this.track.value = picture;
    this.sound.value = stream.getAudioTracks()[0] ?? null;
    return null;
  }

  close(): void {
    this.track.value?.stop();
    this.sound.value?.stop();
    this.track.value = null;
    this.sound.value = null;
  }
}
