import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAtLeast, verdictOf, type LineCheck } from './line-check';
import { bestKbit, hasCandidate, withOnly } from './line-probe';

test('a line is judged by what people will notice', () => {
  const line: LineCheck = { passesWebSocket: true, media: 'udp', passesTcp: true, roundTripMs: 180, upKbit: 2400, downKbit: 2400, clockAheadMs: 0 };
  assert.equal(verdictOf(line), 'good');
  assert.equal(verdictOf({ ...line, media: null, upKbit: null, downKbit: null }), 'good', 'what could not be tried is no weakness');
  assert.equal(verdictOf({ ...line, roundTripMs: 500 }), 'fair');
  assert.equal(verdictOf({ ...line, downKbit: 800 }), 'fair');
  assert.equal(verdictOf({ ...line, downKbit: 150 }), 'weak');
  assert.equal(verdictOf({ ...line, roundTripMs: 1200 }), 'weak');
  assert.equal(verdictOf({ ...line, upKbit: 200 }), 'good', 'who listens needs little of the way up');
  assert.equal(verdictOf({ ...line, upKbit: 40 }), 'poor');
  assert.equal(verdictOf({ ...line, downKbit: 30 }), 'poor');
  assert.equal(verdictOf({ ...line, media: 'none', downKbit: null }), 'no-media');
  assert.equal(verdictOf({ ...line, passesWebSocket: false }), 'blocked');
});

test('a probe that fills its limit says "at least"', () => {
  assert.equal(isAtLeast(2400), true);
  assert.equal(isAtLeast(1800), false);
});

test('the best second counts', () => {
  assert.equal(bestKbit([]), 0);
  assert.equal(bestKbit([0, 10_000, 20_000, 30_000]), 0, 'less than a second');
  assert.equal(bestKbit([0, 0, 0, 0, 25_000, 50_000, 75_000, 100_000, 100_000]), 800);
});

const ANSWER = ['v=0', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host',
  'a=candidate:2 1 tcp 2105458943 192.0.2.1 5000 typ host tcptype passive', 'a=mid:0', ''].join('\r\n');

test('one way is left of an answer', () => {
  assert.match(withOnly(ANSWER, 'udp'), / udp /);
  assert.doesNotMatch(withOnly(ANSWER, 'udp'), / tcp /);
  assert.doesNotMatch(withOnly(ANSWER, 'tcp'), / udp /);
  assert.match(withOnly(ANSWER, 'tcp'), /a=mid:0\r\n$/);
  assert.equal(hasCandidate(ANSWER, 'tcp'), true);
  assert.equal(hasCandidate(withOnly(ANSWER, 'udp'), 'tcp'), false);
});
