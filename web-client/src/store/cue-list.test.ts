import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addCue, cueAt, isSavable, mergeCue, problemOf, readDraft, removeCue, splitCue, toVtt } from './cue-list';
import type { EditedCue } from '../protocol/captions';

const CUES: readonly EditedCue[] = [
  { at_ms: 1000, to_ms: 3000, who: '', text: '防災訓練' },
  { at_ms: 4000, to_ms: 8000, who: 'Sato', text: 'one two three' },
];

test('a new cue goes where its time is, and ends where the next begins', () => {
  const between = addCue(CUES, 3000, 60_000);
  assert.equal(between.index, 1);
  assert.deepEqual(between.cues[1], { at_ms: 3000, to_ms: 4000, who: '', text: '' });
  const last = addCue(CUES, 59_000, 60_000);
  assert.deepEqual([last.index, last.cues[2]?.to_ms], [2, 60_000]);
  assert.equal(addCue([], 0, 0).cues[0]?.to_ms, 3000);
});

test('a split shares text and time, and a merge takes it back', () => {
  const split = splitCue(CUES, 1, 4, 0);
  assert.deepEqual(split.map((cue) => cue.text), ['防災訓練', 'one', 'two three']);
  assert.equal(split[1]?.to_ms, split[2]?.at_ms);
  assert.equal(splitCue(CUES, 1, 4, 5000)[1]?.to_ms, 5000);
  assert.deepEqual(mergeCue(split, 1)[1], { at_ms: 4000, to_ms: 8000, who: 'Sato', text: 'one\ntwo three' });
  assert.deepEqual(mergeCue(CUES, 1), CUES);
  assert.deepEqual(removeCue(CUES, 0), [CUES[1]]);
});

test('what is wrong with a cue is said', () => {
  const cues: EditedCue[] = [
    { at_ms: 0, to_ms: 5000, who: '', text: 'a' }, { at_ms: 4000, to_ms: 6000, who: '', text: 'b' },
    { at_ms: 7000, to_ms: 6500, who: '', text: 'c' }, { at_ms: Number.NaN, to_ms: 8000, who: '', text: 'd' },
    { at_ms: 9000, to_ms: 99_000, who: '', text: 'e' }, { at_ms: 100_000, to_ms: 101_000, who: '', text: ' ' },
  ];
  assert.deepEqual(cues.map((_, index) => problemOf(cues, index, 20_000)), [null, 'overlap', 'order', 'time', 'past-end', 'empty']);
  assert.equal(isSavable(cues), false);
  assert.equal(isSavable(CUES), true);
  assert.equal(cueAt(CUES, 4500), 1);
  assert.equal(cueAt(CUES, 3500), -1);
});

test('what is sent is WebVTT whose text is text', () => {
  assert.equal(toVtt([{ at_ms: 3_723_004, to_ms: 3_724_000, who: 'A <b>', text: '<script>\n\n x & y ' }, { at_ms: 0, to_ms: 900, who: '', text: ' ' }]),
    'WEBVTT\n\n01:02:03.004 --> 01:02:04.000\n<v A &lt;b&gt;>&lt;script&gt;\nx &amp; y\n');
});

test('a draft that is none is no draft', () => {
  assert.deepEqual(readDraft(JSON.stringify({ revision: 3, cues: CUES })), { revision: 3, cues: CUES });
  for (const bad of [null, '', 'x', 'null', '{}', '{"revision":1,"cues":[{"at_ms":"1"}]}']) assert.equal(readDraft(bad), null, String(bad));
});
