/**
 * Sends the own microphone, camera and screen on one peer connection, the camera in several sizes (simulcast). A source is switched on and off with
 * replaceTrack, so nothing is negotiated again; only the first shared screen adds an m-line.
 */
import { watchConnection, type ConnectionState } from './connection';
import type { CameraQuality } from './devices';
import { preferVp8, setLocalDescription, withOpusErrorCorrection } from './sdp';

export type PublishedSource = 'microphone' | 'camera';
export type SentSource = PublishedSource | 'screen';
const SENT_SOURCES: readonly SentSource[] = ['microphone', 'camera', 'screen'];

const SCREEN_MAX_BPS = 1_500_000;
const SCREEN_FRAMES_PER_SECOND = 8;

const AUDIO_MAX_BPS = 40_000;

export interface PublishOffer {
  sdp: string;
  tracks: { mid: string; source: SentSource; is_on: boolean }[];
}

export class Publisher {
  readonly connection: RTCPeerConnection;
  readonly #stop = new AbortController();
  readonly #senders: Record<PublishedSource, RTCRtpTransceiver> & { screen?: RTCRtpTransceiver };

  constructor(
    iceServers: RTCIceServer[],
    camera: Pick<CameraQuality, 'layers' | 'frameRate'>,
    onState: (state: ConnectionState) => void,
  ) {
    this.connection = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
    watchConnection(this.connection, onState, this.#stop.signal);
    const microphone = this.connection.addTransceiver('audio', {
      direction: 'sendonly',
      sendEncodings: [{ maxBitrate: AUDIO_MAX_BPS, priority: 'high', networkPriority: 'high' }],
    });
    const picture = this.connection.addTransceiver('video', {
      direction: 'sendonly',
      sendEncodings: camera.layers.map(({ rid, divisor, maxBitrateBps }) => ({
        rid, scaleResolutionDownBy: divisor, maxBitrate: maxBitrateBps, maxFramerate: camera.frameRate,
      })),
    });
    const codecs = RTCRtpSender.getCapabilities('video')?.codecs;
    if (codecs !== undefined) picture.setCodecPreferences?.(preferVp8(codecs));
    this.#senders = { microphone, camera: picture };
  }

  /** Offers; again after a screen was added. @ask carries the offer to the server and returns its answer. */
  async publish(ask: (offer: PublishOffer) => Promise<string>): Promise<void> {
    await setLocalDescription(this.connection, await this.connection.createOffer());
    const sdp = this.connection.localDescription?.sdp ?? '';
    const tracks = SENT_SOURCES.flatMap((source) => {
      const sender = this.#senders[source];
      return sender === undefined ? [] : [{ mid: sender.mid ?? '', source, is_on: sender.sender.track !== null }];
    });
    const answer = await ask({ sdp, tracks });
    if (this.#stop.signal.aborted) return;
    await this.connection.setRemoteDescription({ type: 'answer', sdp: withOpusErrorCorrection(answer) });
  }

  /** null sends nothing on that m-line. True: there is a new m-line, publish again. */
  async setTrack(source: SentSource, track: MediaStreamTrack | null): Promise<boolean> {
    if (track !== null && source === 'camera') track.contentHint = 'motion';
    const sender = this.#senders[source];
    if (sender !== undefined) {
      await sender.sender.replaceTrack(track);
      return false;
    }
    if (track === null) return false;
    this.#senders.screen = this.#addScreen(track);
    return true;
  }

  #addScreen(track: MediaStreamTrack): RTCRtpTransceiver {
    const screen = this.connection.addTransceiver(track, {
      direction: 'sendonly',
      sendEncodings: [{ maxBitrate: SCREEN_MAX_BPS, maxFramerate: SCREEN_FRAMES_PER_SECOND }],
    });
    const codecs = RTCRtpSender.getCapabilities('video')?.codecs;
    if (codecs !== undefined) screen.setCodecPreferences?.(preferVp8(codecs));
    return screen;
  }

  close(): void {
    this.#stop.abort();
    this.connection.close();
  }
}
