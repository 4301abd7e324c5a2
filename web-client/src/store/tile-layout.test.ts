import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestGrid, pageCount, pageOf } from './tile-layout';

test('tiles are as large as the room allows', () => {
  assert.equal(bestGrid(1, 1280, 720, 8).tileWidth, 1280);
  assert.deepEqual(bestGrid(4, 1280, 720, 8).columns, 2);
  assert.deepEqual(bestGrid(9, 1280, 720, 8).columns, 3);
  assert.equal(bestGrid(3, 320, 640, 8).columns, 1, 'a phone held upright stacks them');
  assert.equal(bestGrid(0, 0, 0, 8).columns, 1);
});

test('pages hold everyone once and do not run over', () => {
  const people = Array.from({ length: 11 }, (_, index) => index);
  assert.equal(pageCount(11, 9), 2);
  assert.deepEqual(pageOf(people, 1, 9), [9, 10]);
  assert.deepEqual(pageOf(people, 7, 9), [9, 10], 'a page that is gone shows the last one');
  assert.equal(pageCount(0, 9), 1);
});
