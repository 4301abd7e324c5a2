import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandOfKey, stepSpeed } from './player-keys';

test('keys of the watch page', () => {
  assert.equal(commandOfKey(' '), 'play');
  assert.equal(commandOfKey('K'), 'play');
  assert.equal(commandOfKey('ArrowLeft'), 'back');
  assert.equal(commandOfKey('l'), 'forward');
  assert.equal(commandOfKey('?'), 'help');
  assert.equal(commandOfKey('Enter'), null);
  assert.equal(commandOfKey('x'), null);
});

test('speed goes up and down the list and stays in it', () => {
  assert.equal(stepSpeed(1, 1), 1.25);
  assert.equal(stepSpeed(1, -1), 0.75);
  assert.equal(stepSpeed(2, 1), 2);
  assert.equal(stepSpeed(0.5, -1), 0.5);
  assert.equal(stepSpeed(1.1, -1), 1);
});
