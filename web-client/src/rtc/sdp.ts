/** The few lines of SDP that the client touches. */

/**
 * Asks for Opus with in-band error correction on every Opus payload type of a description. A sender obeys the
 * parameters of the *remote* description, so this is applied to the answer that comes back for a publication.
 */
export function withOpusErrorCorrection(sdp: string): string {
  const newline = sdp.includes('\r\n') ? '\r\n' : '\n';
  const lines = sdp.split(/\r?\n/);
  const result: string[] = [];
  for (const line of lines) {
    const fmtp = /^a=fmtp:(\d+) (.*)$/.exec(line);
    if (fmtp !== null && isOpus(lines, fmtp[1] ?? '')) {
      result.push(line.includes('useinbandfec=') ? line.replace(/useinbandfec=\d/, 'useinbandfec=1') : `${line};useinbandfec=1`);
      continue;
    }
    result.push(line);
    const map = /^a=rtpmap:(\d+) opus\/48000/i.exec(line);
    if (map !== null && !lines.some((other) => other.startsWith(`a=fmtp:${map[1]} `))) {
      result.push(`a=fmtp:${map[1]} minptime=10;useinbandfec=1`);
    }
  }
  return result.join(newline);
}

/** Asks for lost sound to be sent again: no browser offers that by itself, though Chromium knows how. */
export function withOpusRepair(sdp: string): string {
  const newline = sdp.includes('\r\n') ? '\r\n' : '\n';
  const lines = sdp.split(/\r?\n/);
  const result: string[] = [];
  for (const line of lines) {
    result.push(line);
    const map = /^a=rtpmap:(\d+) opus\/48000/i.exec(line);
    const wish = `a=rtcp-fb:${map?.[1]} nack`;
    if (map !== null && !lines.includes(wish)) result.push(wish);
  }
  return result.join(newline);
}

/** Sets an offer or answer of ours, with repair of sound where the browser lets us ask for it. */
export async function setLocalDescription(
  connection: Pick<RTCPeerConnection, 'setLocalDescription'>,
  description: RTCSessionDescriptionInit,
): Promise<void> {
  try {
    await connection.setLocalDescription({ type: description.type, sdp: withOpusRepair(description.sdp ?? '') });
  } catch {
    await connection.setLocalDescription(description);
  }
}

function isOpus(lines: readonly string[], payloadType: string): boolean {
  return lines.some((line) => new RegExp(`^a=rtpmap:${payloadType} opus/48000`, 'i').test(line));
}

/** VP8 (and its retransmission) first: every browser sends it and the recorder writes it; then what else there is. */
export function preferVp8<T extends { mimeType: string }>(codecs: readonly T[]): T[] {
  const rank = (codec: T): number => {
    const name = codec.mimeType.toLowerCase();
    if (name === 'video/vp8') return 0;
    if (name === 'video/h264') return 1;
    if (name === 'video/rtx') return 3;
    if (name === 'video/red' || name === 'video/ulpfec' || name === 'video/flexfec-03') return 4;
    return 2;
  };
  return codecs
    .map((codec, index) => ({ codec, index }))
    .sort((a, b) => rank(a.codec) - rank(b.codec) || a.index - b.index)
    .map((entry) => entry.codec);
}
