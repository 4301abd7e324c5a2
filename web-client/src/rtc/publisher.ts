/**
 * Sends the own microphone and camera on one peer connection. Its two m-lines never change: a source is switched
 * on and off with replaceTrack, so nothing is negotiated again.
 */
import { watchConnection, type ConnectionState } from './connection';
import type { CameraQuality } from './devices';
import { preferVp8, withOpusErrorCorrection } from './sdp';

export type PublishedSource = 'microphone' | 'camera';

const AUDIO_MAX_BPS = 40_000;

export interface PublishOffer {
  sdp: string;
  tracks: { mid: string; source: PublishedSource }[];
}

export class Publisher {
  readonly connection: RTCPeerConnection;
  readonly #stop = new AbortController();
  readonly #senders: Readonly<Record<PublishedSource, RTCRtpTransceiver>>;

  constructor(
    iceServers: RTCIceServer[],
    camera: Pick<CameraQuality, 'maxBitrateBps' | 'frameRate'>,
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
      sendEncodings: [{ maxBitrate: camera.maxBitrateBps, maxFramerate: camera.frameRate }],
    });
    const codecs = RTCRtpSender.getCapabilities('video')?.codecs;
    if (codecs !== undefined) picture.setCodecPreferences?.(preferVp8(codecs));
    this.#senders = { microphone, camera: picture };
  }

  /** Offers once. @ask carries the offer to the server and returns its answer. */
  async publish(ask: (offer: PublishOffer) => Promise<string>): Promise<void> {
    await this.connection.setLocalDescription(await this.connection.createOffer());
    const sdp = this.connection.localDescription?.sdp ?? '';
    const tracks = (['microphone', 'camera'] as const).map((source) => ({
      mid: this.#senders[source].mid ?? '',
      source,
    }));
    const answer = await ask({ sdp, tracks });
    if (this.#stop.signal.aborted) return;
    await this.connection.setRemoteDescription({ type: 'answer', sdp: withOpusErrorCorrection(answer) });
  }

  /** null sends nothing on that m-line. */
  async setTrack(source: PublishedSource, track: MediaStreamTrack | null): Promise<void> {
    if (track !== null && source === 'camera') track.contentHint = 'motion';
    await this.#senders[source].sender.replaceTrack(track);
  }

  close(): void {
    this.#stop.abort();
    this.connection.close();
  }
}
