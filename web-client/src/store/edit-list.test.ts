import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockText, cutsOf, keepOf, lengthOf, nextKept, parseClock, toCaptured, toFilm, type Range } from './edit-list';

const KEEP: readonly Range[] = [[1000, 5000], [9000, 20000]];

test('start, end and cuts make pieces and come back from them', () => {
  assert.deepEqual(cutsOf(KEEP, 30000), { start: 1000, end: 20000, cuts: [[5000, 9000]] });
  assert.deepEqual(keepOf(cutsOf(KEEP, 30000), 30000), KEEP);
  assert.deepEqual(keepOf(cutsOf([], 30000), 30000), []);
});

test('cuts may overlap, touch the ends, and leave nothing', () => {
  assert.deepEqual(keepOf({ start: 0, end: 10000, cuts: [[2000, 4000], [3000, 6000]] }, 10000), [[0, 2000], [6000, 10000]]);
  assert.deepEqual(keepOf({ start: 0, end: 10000, cuts: [[0, 4000], [9950, 10000]] }, 10000), [[4000, 9950]]);
  assert.equal(keepOf({ start: 0, end: 10000, cuts: [[0, 10000]] }, 10000), null);
  assert.deepEqual(keepOf({ start: 0, end: 10000, cuts: [[5000, 4000]] }, 10000), []);
});

test('a moment is found in the film and back', () => {
  assert.equal(toFilm(KEEP, 9500), 4500);
  assert.equal(toFilm(KEEP, 7000), 4000);
  assert.equal(toCaptured(KEEP, 4500), 9500);
  assert.equal(toCaptured([], 4500), 4500);
  assert.equal(nextKept(KEEP, 6000), 9000);
  assert.equal(nextKept(KEEP, 20000), null);
  assert.equal(lengthOf(KEEP, 30000), 15000);
});

test('times are read as people write them', () => {
  assert.equal(parseClock('1:02:03.5'), 3723500);
  assert.equal(parseClock('２：０３'), 123000);
  assert.equal(parseClock('75'), 75000);
  assert.equal(parseClock('a'), null);
  assert.equal(clockText(3723500), '1:02:03.5');
  assert.equal(clockText(123000), '2:03');
});
