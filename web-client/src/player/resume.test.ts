import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePlaces, putPlace } from './resume';

test('the place in a film is kept, but not at its beginning or end', () => {
  assert.deepEqual(putPlace([], 'a', 100.7, 600), [['a', 100]]);
  assert.deepEqual(putPlace([['a', 100]], 'a', 5, 600), []);
  assert.deepEqual(putPlace([['a', 100]], 'b', 595, 600), [['a', 100]]);
  assert.deepEqual(putPlace([['a', 100], ['b', 50]], 'b', 60, 600), [['b', 60], ['a', 100]]);
});

test('what is broken in the browser is no place', () => {
  assert.deepEqual(parsePlaces('[["a",1],["b"],3]'), [['a', 1]]);
  assert.deepEqual(parsePlaces('{'), []);
  assert.deepEqual(parsePlaces(null), []);
});
