import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Arriving } from '../protocol/feeds';
import { gradeOf, verdictOf } from './feed-verdict';

const stream = { codec: 'h264', is_known: true, width: 1280, height: 720, rate: 0, channels: 0 };
const arriving = (fields: Partial<Arriving> = {}): Arriving => ({
  kbit: 2000, fps_tenths: 250, loss_permille: 0, rtt_ms: 40, connected_s: 60, video: stream, audio: stream, trouble: null, ...fields,
});
const verdict = (fields: Partial<Arriving>) => verdictOf({ state: 'arriving', arriving: arriving(fields), is_taken: true, source: 'srt' });

test('a good line is called good, in the room and before', () => {
  assert.equal(verdict({}), 'good');
  assert.equal(verdictOf({ state: 'live', arriving: arriving(), is_taken: true, source: 'srt' }), 'good');
  assert.equal(gradeOf('good'), 'good');
});

test('what is wrong comes before figures', () => {
  assert.equal(verdict({ trouble: 'no-video', loss_permille: 500 }), 'no-video');
  assert.equal(gradeOf('no-video'), 'bad');
  assert.equal(verdict({ trouble: 'no-audio' }), 'no-audio');
  assert.equal(gradeOf('no-audio'), 'weak');
  assert.equal(verdict({ trouble: 'a word of a newer server' }), 'good');
});

test('loss, few pictures and small ones are told apart', () => {
  assert.equal(verdict({ loss_permille: 30 }), 'loses');
  assert.equal(verdict({ loss_permille: 200 }), 'loses-much');
  assert.equal(verdict({ fps_tenths: 50 }), 'slow-pictures');
  assert.equal(verdict({ video: { ...stream, width: 320, height: 180 } }), 'small');
  assert.equal(verdict({ connected_s: 1 }), 'beginning');
  assert.equal(verdict({ loss_permille: null }), 'good');
});

test('without a sender the state says it', () => {
  const state = (one: 'off' | 'waiting' | 'lost' | 'live', source: 'srt' | 'camera' = 'srt') =>
    verdictOf({ state: one, arriving: null, is_taken: true, source });
  assert.deepEqual([state('off'), state('waiting'), state('lost'), state('live', 'camera'), state('off', 'camera')],
    ['off', 'waiting', 'lost', 'good', 'waiting']);
});
