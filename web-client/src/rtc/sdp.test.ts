import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figuresOf } from './connection';
import { failureOf } from './devices';
import { levelOfSamples } from './level-meter';
import { preferVp8, setLocalDescription, withOpusErrorCorrection, withOpusRepair } from './sdp';

const head = 'v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=rtpmap:111 opus/48000/2\r\n';

test('Opus is asked for with error correction, once', () => {
  assert.match(withOpusErrorCorrection(`${head}a=fmtp:111 minptime=10\r\n`), /a=fmtp:111 minptime=10;useinbandfec=1\r\n/);
  assert.match(withOpusErrorCorrection(`${head}a=fmtp:111 useinbandfec=0;x=1\r\n`), /a=fmtp:111 useinbandfec=1;x=1\r\n/);
  const bare = withOpusErrorCorrection(head);
  assert.equal(bare.match(/useinbandfec=1/g)?.length, 1);
  assert.equal(withOpusErrorCorrection(bare), bare);
});

test('other codecs keep their parameters', () => {
  const video = 'm=video 9 X 96\r\na=rtpmap:96 VP8/90000\r\na=fmtp:96 x=1\r\n';
  assert.equal(withOpusErrorCorrection(video), video);
});

test('VP8 first, H.264 next, retransmission after the codecs', () => {
  const order = ['video/VP9', 'video/rtx', 'video/H264', 'video/VP8', 'video/red'].map((mimeType) => ({ mimeType }));
  assert.deepEqual(preferVp8(order).map((codec) => codec.mimeType),
    ['video/VP8', 'video/H264', 'video/VP9', 'video/rtx', 'video/red']);
});

test('why the browser gave no device', () => {
  const named = (name: string): Error => Object.assign(new Error(), { name });
  assert.equal(failureOf(named('NotAllowedError')), 'blocked');
  assert.equal(failureOf(named('NotFoundError')), 'none');
  assert.equal(failureOf(named('NotReadableError')), 'busy');
  assert.equal(failureOf('odd'), 'unknown');
});

test('the level follows the ear: silence is 0, full scale is 1', () => {
  assert.equal(levelOfSamples(new Float32Array(64)), 0);
  assert.equal(levelOfSamples(new Float32Array(64).fill(1)), 1);
  const middle = levelOfSamples(new Float32Array(64).fill(0.0316));
  assert.ok(middle > 0.45 && middle < 0.55, String(middle));
});

test('figures are summed over streams', () => {
  const figures = figuresOf([
    ['a', { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.18, bytesReceived: 10, bytesSent: 5 }],
    ['b', { type: 'inbound-rtp', packetsLost: 3, packetsReceived: 97 }],
    ['c', { type: 'inbound-rtp', packetsLost: -1, packetsReceived: 100 }],
  ]);
  assert.deepEqual(figures, { roundTripMs: 180, lost: 3, expected: 200, bytesReceived: 10, bytesSent: 5 });
});

test('asks for lost sound again, once for each Opus payload type', () => {
  const sdp = 'm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=rtpmap:0 PCMU/8000\r\n';
  const asked = withOpusRepair(sdp);
  assert.equal(asked.match(/a=rtcp-fb:\d+ nack\r\n/g)?.join(), 'a=rtcp-fb:111 nack\r\n');
  assert.equal(withOpusRepair(asked), asked);
  assert.equal(withOpusRepair('m=video 9 x 96\r\na=rtpmap:96 VP8/90000\r\n'), 'm=video 9 x 96\r\na=rtpmap:96 VP8/90000\r\n');
});

test('a browser that takes no changed description gets its own', async () => {
  const taken: (string | undefined)[] = [];
  const picky = {
    setLocalDescription: (description?: RTCLocalSessionDescriptionInit): Promise<void> => {
      if (description?.sdp?.includes('nack') === true) return Promise.reject(new Error('changed'));
      taken.push(description?.sdp);
      return Promise.resolve();
    },
  };
  await setLocalDescription(picky, { type: 'offer', sdp: 'a=rtpmap:111 opus/48000/2\r\n' });
  assert.deepEqual(taken, ['a=rtpmap:111 opus/48000/2\r\n']);
});
