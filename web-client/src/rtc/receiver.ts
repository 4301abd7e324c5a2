/**
 * Receives the room on one peer connection: the server offers a pool of slots once, and says over signalling who
 * is in which. The tracks stay the same for as long as the connection lives.
 */
import { watchConnection, type ConnectionState } from './connection';
import { setLocalDescription } from './sdp';

export interface ReceivedTrack {
  mid: string;
  kind: 'audio' | 'video';
  stream: MediaStream;
}

export class Receiver {
  readonly connection: RTCPeerConnection;
  readonly #stop = new AbortController();
  readonly #onTracks: (tracks: readonly ReceivedTrack[]) => void;
  #tracks: ReceivedTrack[] = [];

  constructor(
    iceServers: RTCIceServer[],
    onState: (state: ConnectionState) => void,
    onTracks: (tracks: readonly ReceivedTrack[]) => void,
  ) {
    this.#onTracks = onTracks;
    this.connection = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
    watchConnection(this.connection, onState, this.#stop.signal);
    this.connection.addEventListener('track', (event) => this.#onTrack(event), { signal: this.#stop.signal });
  }

  async subscribe(
    ask: () => Promise<string>,
    answer: (sdp: string) => Promise<void>,
  ): Promise<void> {
    const sdp = await ask();
    if (this.#stop.signal.aborted) return;
    await this.connection.setRemoteDescription({ type: 'offer', sdp });
    await setLocalDescription(this.connection, await this.connection.createAnswer());
    if (this.#stop.signal.aborted) return;
    await answer(this.connection.localDescription?.sdp ?? '');
  }

  #onTrack(event: RTCTrackEvent): void {
    const { transceiver, track } = event;
    const mid = transceiver.mid;
    if (mid === null) return;
    // A stream of its own: the server's msid may put several slots in one, and each is shown by itself.
    const received: ReceivedTrack = {
      mid,
      kind: track.kind === 'audio' ? 'audio' : 'video',
      stream: new MediaStream([track]),
    };
    this.#tracks = [...this.#tracks.filter((other) => other.mid !== mid), received];
    this.#onTracks(this.#tracks);
  }

  close(): void {
    this.#stop.abort();
    this.connection.close();
  }
}
