import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from './decode';
import { decodeServerMessage, decodeWelcome } from './signalling';

const peer = {
  id: 'p1', name: '田中 太郎', affiliation: '', role: 'participant', joined_at: '2026-11-24T05:00:00Z', is_here: true,
  hand: null, tracks: [{ id: 't1', source: 'microphone', is_on: true }],
};
const state = {
  session: { id: 's', event: 'e', state: 'live', started_at: null, title_en: 'T', title_ja: '', area: 'a', city: 'c' },
  recording: { state: 'off', since: null, detail: null },
  peers: [peer], chat: [{ id: 17, peer: 'p1', name: 'x', text: 'hello', at: '2026-11-24T05:00:00Z' }], seq: 482,
};

function decode(value: unknown): ReturnType<typeof decodeServerMessage> {
  return decodeServerMessage(JSON.stringify(value));
}

test('a welcome holds the whole room', () => {
  const welcome = decodeWelcome(
    { peer: 'p1', resume: 'r', role: 'facilitator', may: ['host'], ice_servers: [{ urls: 'stun:x' }], state }, '');
  assert.equal(welcome.state.peers[0]?.name, '田中 太郎');
  assert.equal(welcome.state.chat[0]?.at.toISOString(), '2026-11-24T05:00:00.000Z');
  assert.deepEqual(welcome.ice_servers, [{ urls: 'stun:x' }]);
});

test('a peer of a role this client does not know does not break the room', () => {
  const welcome = decodeWelcome(
    { peer: 'p1', resume: 'r', role: 'participant', state: { ...state, peers: [peer, { ...peer, role: 'robot' }] } }, '');
  assert.equal(welcome.state.peers.length, 1);
});

test('replies are matched by id and carry the code of a refusal', () => {
  assert.deepEqual(decode({ kind: 'reply', id: 4, ok: false, code: 'not-allowed', detail: 'x' }),
    { kind: 'reply', id: 4, ok: false, code: 'not-allowed', detail: 'x' });
  const ok = decode({ kind: 'reply', id: 5, ok: true, sdp: 'v=0' });
  assert.equal(ok?.kind === 'reply' && ok.ok, true);
});

test('every event type of the protocol is understood', () => {
  const events = [
    { type: 'peer-joined', peer }, { type: 'peer-left', peer: 'p1', reason: 'left' }, { type: 'peer-away', peer: 'p1' },
    { type: 'peer-back', peer: 'p1' }, { type: 'peer-renamed', peer: 'p1', name: 'n' },
    { type: 'track-on', peer: 'p1', track: 't', source: 'camera' },
    { type: 'track-off', peer: 'p1', track: 't', source: 'screen' }, { type: 'hand', order: ['p1'] },
    { type: 'chat', chat: state.chat[0] }, { type: 'recording', state: 'on', since: '2026-11-24T05:00:00Z', detail: null },
    { type: 'session', state: 'ended', started_at: null },
  ];
  for (const event of events) {
    const message = decode({ kind: 'event', seq: 1, ...event });
    assert.equal(message?.kind === 'event' && message.event.type, event.type);
  }
});

test('what the server tells by itself', () => {
  assert.deepEqual(decode({ kind: 'slots', slots: [{ mid: '3', peer: 'p1', source: 'camera', channel: null, held: 'line' }, { mid: '4', peer: null }] }),
    { kind: 'slots', slots: [{ mid: '3', peer: 'p1', source: 'camera', channel: null, held: 'line' }, { mid: '4', peer: null, source: null, channel: null, held: null }] });
  assert.deepEqual(decode({ kind: 'speakers', peers: ['p1'] }), { kind: 'speakers', peers: ['p1'] });
  assert.deepEqual(decode({ kind: 'media-restart' }), { kind: 'media-restart' });
  assert.deepEqual(decode({ kind: 'muted-by-host', source: 'microphone' }), { kind: 'muted-by-host', source: 'microphone' });
  assert.equal(decode({ kind: 'line', peers: [{ peer: 'p1', loss_permille: 3, rtt_ms: 120, in_bps: 1, out_bps: 2 }] })?.kind, 'line');
});

test('unknown kinds and event types are left aside, broken messages are refused', () => {
  assert.equal(decode({ kind: 'poll', question: 'x' }), null);
  assert.equal(decode({ kind: 'event', seq: 1, type: 'breakout' }), null);
  assert.equal(decode({ kind: 'event', seq: 1, type: 'toString' }), null);
  for (const text of ['', '{', '[]', 'null', '{"kind":7}', '{"kind":"event","type":"chat"}', '{"kind":"slots","slots":{}}',
    '{"kind":"event","seq":1,"type":"chat","chat":{"id":"1"}}', '{"kind":"muted-by-host","source":"radio"}']) {
    assert.throws(() => decodeServerMessage(text), DecodeError, text);
  }
});
