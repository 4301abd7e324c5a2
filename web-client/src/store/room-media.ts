/** The two peer connections of a room, kept alive, and what they carry. */
import { computed, signal } from '@preact/signals';
import { decodeSdpReply, type Slot } from '../protocol/signalling';
import { figuresOf, type ConnectionFigures } from '../rtc/connection';
import type { CameraQuality } from '../rtc/devices';
import { Publisher, type SentSource } from '../rtc/publisher';
import { Receiver, type ReceivedTrack } from '../rtc/receiver';
import { Keeper } from './keeper';
import type { LineFigures } from './line-meter';
import type { RoomLine } from './room-line';

export const AUDIO_SLOTS = 4;
export const VIDEO_SLOTS = 9;
const SOURCES: readonly SentSource[] = ['microphone', 'camera', 'screen'];

export type SourceTracks = (source: SentSource) => MediaStreamTrack | null;

export class RoomMedia {
  readonly tracks = signal<readonly ReceivedTrack[]>([]);
  readonly slots = signal<readonly Slot[]>([]);
  readonly #line: RoomLine;
  readonly #sourceTracks: SourceTracks;
  readonly #receiving: Keeper;
  readonly #publishing: Keeper;
  #iceServers: RTCIceServer[] = [];
  #publisher: Publisher | null = null;
  #receiver: Receiver | null = null;

  /** @sourceTracks: what each source sends now; null for a source that is off. */
  constructor(line: RoomLine, camera: CameraQuality, sourceTracks: SourceTracks) {
    this.#line = line;
    this.#sourceTracks = sourceTracks;
    this.#receiving = new Keeper((abort, onState) => {
      this.slots.value = [];
      this.tracks.value = [];
      const receiver = new Receiver(this.#iceServers, onState, (tracks) => {
        this.tracks.value = tracks;
      });
      this.#receiver = receiver;
      abort.addEventListener('abort', () => receiver.close(), { once: true });
      return receiver.subscribe(
        async () => (await line.ask(
          { kind: 'subscribe', audio: AUDIO_SLOTS, video: VIDEO_SLOTS }, decodeSdpReply)).sdp,
        (sdp) => line.tell({ kind: 'subscribed', sdp }));
    });
    this.#publishing = new Keeper(async (abort, onState) => {
      const publisher = new Publisher(this.#iceServers, camera, onState);
      this.#publisher = publisher;
      abort.addEventListener('abort', () => publisher.close(), { once: true });
      await Promise.all(SOURCES.map((source) => this.#fillSource(source)));
      await this.#offer(publisher);
      if (abort.aborted) return;
      await this.#tellAll();
    });
  }

  async #offer(publisher: Publisher): Promise<void> {
    await publisher.publish(async (offer) =>
      (await this.#line.ask({ kind: 'publish', ...offer }, decodeSdpReply)).sdp);
  }

  async #tellAll(): Promise<void> {
    // A screen that is not shared has no m-line to speak of.
    const told = SOURCES.filter((source) => source !== 'screen' || this.#sourceTracks('screen') !== null);
    await Promise.all(told.map((source) => this.#tellSource(source)));
  }

  readonly receiveState = computed(() => this.#receiving.state.value);
  readonly publishState = computed(() => this.#publishing.state.value);

  start(iceServers: RTCIceServer[], isPublishing: boolean): void {
    this.#iceServers = iceServers;
    this.#receiving.start();
    if (isPublishing) this.#publishing.start();
  }

  startPublishing(): void {
    this.#publishing.start();
  }

  stop(): void {
    this.#receiving.stop();
    this.#publishing.stop();
    this.slots.value = [];
    this.tracks.value = [];
  }

  /** The media worker was replaced: both connections are dead. */
  restart(): void {
    this.#receiving.restart();
    this.#publishing.restart();
  }

  /** The line came back: connections that still work are left alone. */
  restartBroken(): void {
    if (this.#receiving.state.value !== 'connected') this.#receiving.restart();
    if (this.#publishing.state.value !== 'connected') this.#publishing.restart();
  }

  /** A source was switched, or its device changed. */
  async sourceChanged(source: SentSource): Promise<void> {
    if (this.#publishing.state.value === 'off') return;
    const publisher = this.#publisher;
    const isNew = await this.#fillSource(source);
    try {
      if (isNew && publisher !== null && publisher === this.#publisher) await this.#offer(publisher);
    } catch (error) {
      console.warn('publishing again:', error instanceof Error ? error.message : error);
      this.#publishing.restart();
      return;
    }
    await this.#tellSource(source);
  }

  /** True: publish again. */
  async #fillSource(source: SentSource): Promise<boolean> {
    try {
      return await this.#publisher?.setTrack(source, this.#sourceTracks(source)) ?? false;
    } catch (error) {
      console.warn(`switching the ${source}:`, error instanceof Error ? error.message : error);
      return false;
    }
  }

  /** Not told while the line is down: publishing again, or the next welcome, tells it. */
  async #tellSource(source: SentSource): Promise<void> {
    const isOn = this.#sourceTracks(source) !== null;
    await this.#line.tell({ kind: 'track', source, is_on: isOn }).catch(() => undefined);
  }

  async tellSources(): Promise<void> {
    if (this.#publishing.state.value !== 'connected') return;
    await this.#tellAll();
  }

  streamOf(mid: string | null): MediaStream | null {
    if (mid === null) return null;
    return this.tracks.value.find((track) => track.mid === mid)?.stream ?? null;
  }

  /** Of the connections that stand. */
  async figures(): Promise<LineFigures> {
    const of = async (connection: RTCPeerConnection | undefined): Promise<ConnectionFigures | undefined> =>
      (connection?.connectionState === 'connected' ? figuresOf(await connection.getStats() as unknown as Map<string, unknown>) : undefined);
    const [receive, publish] = await Promise.all([of(this.#receiver?.connection), of(this.#publisher?.connection)]);
    return { ...(receive !== undefined && { receive }), ...(publish !== undefined && { publish }) };
  }

  /** For the test hook only. */
  connections(): { publish: RTCPeerConnection | null; receive: RTCPeerConnection | null } {
    return { publish: this.#publisher?.connection ?? null, receive: this.#receiver?.connection ?? null };
  }
}

