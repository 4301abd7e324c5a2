/** The own microphone and camera: opened only when the user asks, remembered, and lost politely when unplugged. */
import { signal, type Signal } from '@preact/signals';
import {
  DeviceError, listDevices, openCamera, openMicrophone,
  type CameraQuality, type DeviceFailure, type DeviceLists,
} from '../rtc/devices';
import type { PublishedSource } from '../rtc/publisher';
import { readPreference, writePreference } from './preferences';

interface SourceState {
  readonly track: Signal<MediaStreamTrack | null>;
  readonly failure: Signal<DeviceFailure | null>;
  readonly isOpening: Signal<boolean>;
}

function sourceState(): SourceState {
  return { track: signal(null), failure: signal(null), isOpening: signal(false) };
}

export class LocalMedia {
  readonly microphone = sourceState();
  readonly camera = sourceState();
  readonly devices = signal<DeviceLists>({ microphones: [], cameras: [], speakers: [] });
  readonly speakerId = signal<string | null>(readPreference('speaker'));
  readonly #signal: AbortSignal;
  #onLost: ((source: PublishedSource) => void) | null = null;

  constructor(readonly cameraQuality: CameraQuality, abortSignal: AbortSignal) {
    this.#signal = abortSignal;
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    devices?.addEventListener?.('devicechange', () => void this.refresh(), { signal: abortSignal });
    abortSignal.addEventListener('abort', () => this.closeAll(), { once: true });
  }

  /** Told when a device went away by itself. */
  set onLost(handler: ((source: PublishedSource) => void) | null) {
    this.#onLost = handler;
  }

  async refresh(): Promise<void> {
    try {
      this.devices.value = await listDevices();
    } catch {
      // a browser that refuses the list: the menus stay as they are
    }
  }

  /** Opens the device if it is not open. Returns false, with the failure set, when it cannot. */
  async open(source: PublishedSource): Promise<boolean> {
    const state = this[source];
    if (state.track.value !== null) return true;
    if (state.isOpening.value) return false;
    state.isOpening.value = true;
    state.failure.value = null;
    try {
      const remembered = readPreference(source);
      const track = source === 'microphone' ? await openMicrophone(remembered)
        : await openCamera(remembered, this.cameraQuality);
      if (this.#signal.aborted) {
        track.stop();
        return false;
      }
      track.addEventListener('ended', () => this.#lost(source, track), { signal: this.#signal });
      state.track.value = track;
      return true;
    } catch (error) {
      state.failure.value = error instanceof DeviceError ? error.failure : 'unknown';
      return false;
    } finally {
      state.isOpening.value = false;
      void this.refresh();
    }
  }

  close(source: PublishedSource): void {
    this[source].track.value?.stop();
    this[source].track.value = null;
  }

  closeAll(): void {
    this.close('microphone');
    this.close('camera');
  }

  /** Remembers the device, and changes over to it when the source is open. */
  async choose(source: PublishedSource, deviceId: string): Promise<boolean> {
    writePreference(source, deviceId);
    if (this[source].track.value === null) return true;
    // Some phones have one camera at a time: close before opening.
    this.close(source);
    return this.open(source);
  }

  chooseSpeaker(deviceId: string): void {
    writePreference('speaker', deviceId);
    this.speakerId.value = deviceId;
  }

  #lost(source: PublishedSource, track: MediaStreamTrack): void {
    const state = this[source];
    if (state.track.value !== track) return;
    state.track.value = null;
    state.failure.value = 'none';
    this.#onLost?.(source);
  }
}
