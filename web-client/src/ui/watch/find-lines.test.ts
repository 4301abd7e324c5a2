import assert from 'node:assert/strict';
import test from 'node:test';
import { findLines } from './find-lines';

test('lines are found whatever the width, case and kind of kana', () => {
  const texts = ['The Levee was raised', '堤防をカサ上げ', 'ＬＥＶＥＥ', ''];
  assert.deepEqual(findLines(texts, 'levee'), [0, 2]);
  assert.deepEqual(findLines(texts, 'かさ上'), [1]);
  assert.deepEqual(findLines(texts, ' raised  LEVEE '), [0]);
  assert.deepEqual(findLines(texts, 'drought'), []);
  assert.deepEqual(findLines(texts, ' '), [0, 1, 2, 3]);
});
