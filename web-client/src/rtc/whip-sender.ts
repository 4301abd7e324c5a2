/**
 * Sends camera and microphone by WHIP (RFC 9725), and again whenever the line is lost, for as long as it takes. Knows
 * no DOM. A session that has not begun is waited for; one that is over ends it.
 */

export type SenderState = 'connecting' | 'waiting' | 'live' | 'weak' | 'lost' | 'over';

const RETRY_MS = 2000;
const WATCH_MS = 2000;
/** A connection that is only `disconnected` may come back by itself for that long. */
const PATIENCE_MS = 6000;
const WEAK_LOSS = 0.08;

interface RemoteInbound { type: string; fractionLost?: number }

export class WhipSender {
  #connection: RTCPeerConnection | null = null;
  #resource: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lostAt = 0;
  #wasLive = false;
  #state: SenderState | null = null;

  constructor(
    readonly path: string,
    readonly token: string,
    readonly tracks: readonly MediaStreamTrack[],
    readonly onState: (state: SenderState) => void,
    readonly signal: AbortSignal,
  ) {
    signal.addEventListener('abort', () => this.#end(), { once: true });
    void this.#connect();
  }

  /** Another camera takes the place of the one of its kind. */
  replace(track: MediaStreamTrack): void {
    for (const sender of this.#connection?.getSenders() ?? []) {
      if (sender.track?.kind === track.kind) void sender.replaceTrack(track);
    }
    const index = this.tracks.findIndex((one) => one.kind === track.kind);
    if (index >= 0) (this.tracks as MediaStreamTrack[])[index] = track;
  }

  #tell(state: SenderState): void {
    if (state === this.#state || this.signal.aborted) return;
    this.#state = state;
    this.onState(state);
  }

  #again(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.signal.aborted) this.#timer = setTimeout(() => void this.#connect(), ms);
  }

  #drop(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#drop();
    if (this.#resource !== null) {
      void fetch(this.#resource, { method: 'DELETE', headers: { Authorization: `Bearer ${this.token}` }, keepalive: true }).catch(() => undefined);
    }
  }

  async #connect(): Promise<void> {
    this.#drop();
    this.#tell(this.#wasLive ? 'lost' : this.#state === 'waiting' ? 'waiting' : 'connecting');
    const connection = new RTCPeerConnection();
    this.#connection = connection;
    try {
      for (const track of this.tracks) connection.addTransceiver(track, { direction: 'sendonly' });
      await connection.setLocalDescription();
      const response = await fetch(this.path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${this.token}` },
        body: connection.localDescription?.sdp ?? '',
        signal: this.signal,
      });
      if (!response.ok) {
        this.#refused(response.status);
        return;
      }
      this.#resource = response.headers.get('Location');
      await connection.setRemoteDescription({ type: 'answer', sdp: await response.text() });
      this.#lostAt = Date.now();
      this.#watch();
    } catch {
      this.#again(RETRY_MS);
    }
  }

  #refused(status: number): void {
    this.#drop();
    if (status === 401 || status === 403 || status === 404 || status === 410) {
      this.#tell('over');
      return;
    }
    if (status === 409) this.#tell('waiting');
    this.#again(RETRY_MS);
  }

  #watch(): void {
    clearTimeout(this.#timer);
    if (this.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#look(), this.#wasLive ? WATCH_MS : 200);
  }

  async #look(): Promise<void> {
    const connection = this.#connection;
    if (connection === null) return;
    if (connection.connectionState === 'connected') {
      this.#wasLive = true;
      this.#lostAt = Date.now();
      this.#tell(await this.#loses(connection) ? 'weak' : 'live');
    } else if (connection.connectionState === 'failed' || Date.now() - this.#lostAt > PATIENCE_MS) {
      this.#again(0);
      return;
    } else if (this.#wasLive) {
      this.#tell('lost');
    }
    this.#watch();
  }

  async #loses(connection: RTCPeerConnection): Promise<boolean> {
    let worst = 0;
    (await connection.getStats()).forEach((report: RemoteInbound) => {
      if (report.type === 'remote-inbound-rtp') worst = Math.max(worst, report.fractionLost ?? 0);
    });
    return worst > WEAK_LOSS;
  }
}
