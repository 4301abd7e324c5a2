/** What publisher and receiver share: the state of a peer connection, in three words, and its figures. */

export type ConnectionState = 'connecting' | 'connected' | 'failed';

/** How long `disconnected` may last: a change of network heals in less, and ICE-lite will not heal by itself. */
const DISCONNECTED_LIMIT_MS = 6_000;
/** ICE and DTLS take four round trips; a line of 2 s round trip still gets through. */
const CONNECT_LIMIT_MS = 20_000;

export function watchConnection(
  connection: RTCPeerConnection,
  onState: (state: ConnectionState) => void,
  signal: AbortSignal,
): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const failAfter = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => onState('failed'), ms);
  };
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  failAfter(CONNECT_LIMIT_MS);
  connection.addEventListener('connectionstatechange', () => {
    switch (connection.connectionState) {
      case 'connected':
        clearTimeout(timer);
        onState('connected');
        break;
      case 'disconnected':
        onState('connecting');
        failAfter(DISCONNECTED_LIMIT_MS);
        break;
      case 'failed':
      case 'closed':
        clearTimeout(timer);
        onState('failed');
        break;
      case 'new':
      case 'connecting':
        break;
    }
  }, { signal });
}

export interface ConnectionFigures {
  roundTripMs: number | null;
  /** Packets lost of those expected since the connection began. */
  lost: number;
  expected: number;
  bytesReceived: number;
  bytesSent: number;
}

interface StatFields {
  type: string;
  nominated?: boolean;
  state?: string;
  currentRoundTripTime?: number;
  bytesReceived?: number;
  bytesSent?: number;
  packetsLost?: number;
  packetsReceived?: number;
  packetsSent?: number;
}

export function figuresOf(report: Iterable<[string, unknown]>): ConnectionFigures {
  const figures: ConnectionFigures = { roundTripMs: null, lost: 0, expected: 0, bytesReceived: 0, bytesSent: 0 };
  for (const [, value] of report) {
    const stat = value as StatFields;
    if (stat.type === 'candidate-pair' && (stat.nominated === true || stat.state === 'succeeded')) {
      if (stat.currentRoundTripTime !== undefined) figures.roundTripMs = stat.currentRoundTripTime * 1000;
      figures.bytesReceived += stat.bytesReceived ?? 0;
      figures.bytesSent += stat.bytesSent ?? 0;
    } else if (stat.type === 'inbound-rtp') {
      figures.lost += Math.max(0, stat.packetsLost ?? 0);
      figures.expected += (stat.packetsReceived ?? 0) + Math.max(0, stat.packetsLost ?? 0);
    } else if (stat.type === 'remote-inbound-rtp') {
      figures.lost += Math.max(0, stat.packetsLost ?? 0);
    } else if (stat.type === 'outbound-rtp') {
      figures.expected += stat.packetsSent ?? 0;
    }
  }
  return figures;
}
