import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PLAIN_CLASSROOM } from '../protocol/classroom';
import type { Peer, RoomEvent } from '../protocol/signalling';
import {
  applyRoomEvent, handsInOrder, HOLD_MS, isTrackOn, nextStageSpeaker, NO_SPEAKER, RISE_MS, roomStateOf, slotOf, tileOrder,
  type RoomState,
} from './room-state';

function peer(id: string, more: Partial<Peer> = {}): Peer {
  return { id, name: id, affiliation: '', role: 'participant', joined_at: null, is_here: true, hand: null, tracks: [], consent: 'yes', booth: null, grants: [], ...more };
}

function room(...peers: Peer[]): RoomState {
  return roomStateOf({
    session: { id: 's', event: 'e', state: 'planned', started_at: null, title_en: '', title_ja: '', area: '', city: '', languages: ['en', 'ja'] },
    recording: { state: 'off', since: null, detail: null }, peers, chat: [], seq: 10, ...PLAIN_CLASSROOM,
  }, 'me');
}

function after(state: RoomState, ...events: RoomEvent[]): RoomState {
  return events.reduce((now, event) => applyRoomEvent(now, now.seq + 1, event), state);
}

test('people come, go away, come back and leave', () => {
  let state = after(room(peer('me')), { type: 'peer-joined', peer: peer('a') });
  assert.deepEqual(state.peers.map((one) => one.id), ['me', 'a']);
  state = after(state, { type: 'peer-away', peer: 'a' });
  assert.equal(state.peers[1]?.is_here, false);
  state = after(state, { type: 'peer-back', peer: 'a' }, { type: 'peer-renamed', peer: 'a', name: 'Aoki' });
  assert.equal(state.peers[1]?.is_here, true);
  assert.equal(state.peers[1]?.name, 'Aoki');
  state = after(state, { type: 'peer-left', peer: 'a', reason: 'left' });
  assert.deepEqual(state.peers.map((one) => one.id), ['me']);
});

test('an event that the snapshot holds already is not applied again', () => {
  const state = room(peer('me'));
  assert.equal(applyRoomEvent(state, 10, { type: 'peer-joined', peer: peer('a') }), state);
  assert.equal(applyRoomEvent(state, 9, { type: 'hand', order: ['me'] }), state);
});

test('a second publication replaces the track of the first', () => {
  const state = after(room(peer('a')),
    { type: 'track-on', peer: 'a', track: 't1', source: 'camera' },
    { type: 'track-on', peer: 'a', track: 't2', source: 'camera' });
  assert.deepEqual(state.peers[0]?.tracks, [{ id: 't2', source: 'camera', is_on: true }]);
  const off = after(state, { type: 'track-off', peer: 'a', track: 't2', source: 'camera' });
  assert.equal(isTrackOn(off.peers[0] as Peer, 'camera'), false);
});

test('hands keep the order the server gives', () => {
  const state = after(room(peer('a'), peer('b'), peer('c')), { type: 'hand', order: ['c', 'a'] });
  assert.deepEqual(handsInOrder(state).map((one) => [one.id, one.hand]), [['c', 1], ['a', 2]]);
  assert.deepEqual(handsInOrder(after(state, { type: 'hand', order: [] })), []);
});

test('recording and session follow what is told', () => {
  const at = new Date();
  const state = after(room(),
    { type: 'session', state: 'live', started_at: at },
    { type: 'recording', state: 'on', since: at, detail: null },
    { type: 'session', state: 'ended', started_at: null });
  assert.equal(state.session.state, 'ended');
  assert.equal(state.session.started_at, at);
  assert.equal(state.recording.state, 'on');
});

test('slots are found by peer and source', () => {
  const slots = [{ mid: '1', peer: 'a', source: 'microphone' as const, channel: null, held: null }, { mid: '5', peer: 'a', source: 'camera' as const, channel: null, held: null }];
  assert.equal(slotOf(slots, 'a', 'camera'), '5');
  assert.equal(slotOf(slots, 'b', 'camera'), null);
});

test('those with a picture are shown first, oneself late, and lost lines last', () => {
  const camera = [{ id: 't', source: 'camera' as const, is_on: true }];
  const state = room(peer('me', { tracks: camera }), peer('quiet'), peer('gone', { is_here: false, tracks: camera }),
    peer('seen', { tracks: camera }), peer('host', { role: 'facilitator' }), peer('watcher', { role: 'observer' }));
  assert.deepEqual(tileOrder(state, []).map((one) => one.id), ['seen', 'host', 'quiet', 'me', 'gone']);
  assert.deepEqual(tileOrder(state, ['quiet']).map((one) => one.id), ['seen', 'quiet', 'host', 'me', 'gone']);
});

test('a cough does not take the stage, a speaker does, and keeps it for a while', () => {
  let stage = nextStageSpeaker(NO_SPEAKER, 'a', 1000);
  assert.equal(stage.peer, null);
  stage = nextStageSpeaker(stage, 'a', 1000 + RISE_MS);
  assert.equal(stage.peer, 'a');
  const cough = nextStageSpeaker(nextStageSpeaker(stage, 'b', 5000), 'a', 5100);
  assert.equal(cough.peer, 'a');
  assert.equal(cough.candidate, null);
  let change = nextStageSpeaker(stage, 'b', 1500);
  change = nextStageSpeaker(change, 'b', 1500 + RISE_MS);
  assert.equal(change.peer, 'a', 'the first speaker has not had the hold time yet');
  change = nextStageSpeaker(change, 'b', 1000 + RISE_MS + HOLD_MS);
  assert.equal(change.peer, 'b');
  assert.equal(nextStageSpeaker(stage, null, 9000).peer, 'a', 'silence changes nothing');
});
