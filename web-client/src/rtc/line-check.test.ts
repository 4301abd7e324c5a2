import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verdictOf } from './line-check';

test('a line is judged by what people will notice', () => {
  const line = { roundTripMs: 180, kbitPerSecond: 8000, passesWebSocket: true };
  assert.equal(verdictOf(line), 'good');
  assert.equal(verdictOf({ ...line, kbitPerSecond: null }), 'good', 'too quick to measure is no weakness');
  assert.equal(verdictOf({ ...line, roundTripMs: 500 }), 'fair');
  assert.equal(verdictOf({ ...line, kbitPerSecond: 800 }), 'fair');
  assert.equal(verdictOf({ ...line, kbitPerSecond: 150 }), 'weak');
  assert.equal(verdictOf({ ...line, roundTripMs: 1200 }), 'weak');
  assert.equal(verdictOf({ ...line, passesWebSocket: false }), 'blocked');
});
