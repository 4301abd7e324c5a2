import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionState } from '../rtc/connection';
import { useFakeTimers } from '../test-support/fake-timers';
import { Keeper } from './keeper';

interface Opened {
  signal: AbortSignal;
  onState: (state: ConnectionState) => void;
}

function rig(): { keeper: Keeper; opened: Opened[] } {
  const opened: Opened[] = [];
  const keeper = new Keeper(async (signal, onState) => { opened.push({ signal, onState }); }, () => 1);
  return { keeper, opened };
}

test('a failed connection is closed and opened again after a delay', () => {
  const timers = useFakeTimers();
  try {
    const { keeper, opened } = rig();
    keeper.start();
    opened[0]?.onState('connected');
    assert.equal(keeper.state.value, 'connected');
    opened[0]?.onState('failed');
    assert.equal(opened[0]?.signal.aborted, true);
    assert.equal(keeper.state.value, 'connecting');
    timers.tick(499);
    assert.equal(opened.length, 1);
    timers.tick(1);
    assert.equal(opened.length, 2);
    keeper.stop();
  } finally {
    timers.restore();
  }
});

test('after three failures in a row the state says so, and trying goes on', () => {
  const timers = useFakeTimers();
  try {
    const { keeper, opened } = rig();
    keeper.start();
    for (let index = 0; index < 3; index++) {
      opened[index]?.onState('failed');
      timers.tick(4000);
    }
    assert.equal(keeper.state.value, 'failed');
    assert.equal(opened.length, 4);
    opened[3]?.onState('connected');
    assert.equal(keeper.state.value, 'connected');
    keeper.stop();
    assert.equal(keeper.state.value, 'off');
  } finally {
    timers.restore();
  }
});

test('a restart replaces the connection at once; an old one’s news are not heard', () => {
  const { keeper, opened } = rig();
  keeper.restart();
  assert.equal(opened.length, 0, 'nothing to restart while off');
  keeper.start();
  keeper.restart();
  assert.equal(opened.length, 2);
  assert.equal(opened[0]?.signal.aborted, true);
  opened[0]?.onState('connected');
  assert.equal(keeper.state.value, 'connecting');
  keeper.stop();
});
