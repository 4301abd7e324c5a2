// A session over signalling, WHIP and WHEP without a browser: the offers and answers are what browsers sent (tests/fixtures/sdp).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, Server, until } from '../support/server.mjs';
import { SignalClient, tokenOf } from '../support/signal.mjs';

const fixture = (name) => readFileSync(join(ROOT, 'tests/fixtures/sdp', name), 'utf8');
const OFFER = fixture('chromium-publish.sdp');
const TRACKS = [{ mid: '0', source: 'microphone' }, { mid: '1', source: 'camera' }];

let server;
let hostToken;
let guestToken;
before(async () => {
  server = await Server.start();
  hostToken = tokenOf(server.link('facilitator'));
  guestToken = tokenOf(server.link('participant'));
});
after(() => server?.stop());

const codeOf = (promise) => promise.then(() => 'ok', (error) => error.code ?? error.message);
const host = (options) => SignalClient.join(server.url, hostToken, 'Mika Sato', options);
const guest = (name, options) => SignalClient.join(server.url, guestToken, name, options);

test('before the start people wait, chat and raise hands, and nobody publishes', { timeout: 30000 }, async () => {
  const person = await guest('田中 太郎');
  assert.equal(person.welcome.state.session.state, 'planned');
  await person.ask('chat', { text: 'こんにちは', key: '1' });
  await person.ask('hand', { raised: true });
  assert.equal(await codeOf(person.ask('publish', { sdp: OFFER, tracks: TRACKS })), 'not-live');
  assert.equal(await codeOf(person.ask('start-session')), 'not-allowed');
  const facilitator = await host();
  assert.equal(await codeOf(facilitator.ask('record', { on: true })), 'not-live');
  const me = facilitator.welcome.state.peers.find(({ id }) => id === person.welcome.peer);
  assert.deepEqual({ name: me.name, hand: me.hand, is_here: me.is_here }, { name: '田中 太郎', hand: 1, is_here: true });
  await facilitator.ask('hand', { raised: false, peer: person.welcome.peer });
  await person.event('hand', ({ order }) => order.length === 0);
  await facilitator.ask('start-session');
  await person.event('session', ({ state }) => state === 'live');
  await Promise.all([person.ask('leave'), facilitator.ask('leave')]);
  await until('the goodbye', () => person.closed);
  assert.equal(person.closed.code, 1000);
});

test('who publishes is shown to who subscribes', { timeout: 30000 }, async () => {
  const speaker = await guest('Ana');
  const viewer = await guest('Bea');
  const { sdp } = await speaker.ask('publish', { sdp: OFFER, tracks: TRACKS });
  for (const line of ['a=ice-lite', 'a=setup:passive', 'a=group:BUNDLE 0 1', 'm=video 9 UDP/TLS/RTP/SAVPF 96 97', 'a=recvonly'])
    assert.ok(sdp.includes(`${line}\r\n`), `the answer has ${line}`);
  assert.match(sdp, /a=candidate:1 1 udp \d+ [\d.]+ \d+ typ host\r\n/);
  await viewer.event('track-on', ({ peer, source }) => peer === speaker.welcome.peer && source === 'camera');

  const offer = (await viewer.ask('subscribe', { audio: 2, video: 2 })).sdp;
  assert.equal(offer.match(/^m=audio/gm).length, 2);
  assert.equal(offer.match(/a=sendonly/g).length, 4);
  assert.equal(await codeOf(viewer.ask('subscribed', { sdp: fixture('firefox-whep.sdp') })), 'bad-sdp');
  await viewer.ask('subscribed', { sdp: fixture('firefox-answer.sdp') });
  const shown = (told) => told.slots.filter(({ peer }) => peer === speaker.welcome.peer).map(({ mid, source }) => `${mid} ${source}`);
  await viewer.hears('two slots', (told) => told.kind === 'slots' && shown(told).join() === '0 microphone,2 camera');

  await speaker.ask('track', { source: 'camera', is_on: false });
  await viewer.event('track-off', ({ source }) => source === 'camera');
  await viewer.hears('one slot', (told) => told.kind === 'slots' && shown(told).join() === '0 microphone');
  await speaker.ask('track', { source: 'camera', is_on: true });
  await viewer.ask('view', { peers: [], mode: 'audio' });
  await speaker.ask('unpublish');
  assert.equal(await codeOf(speaker.ask('track', { source: 'camera', is_on: true })), 'bad-message');
  speaker.close();
  viewer.close();
});

test('the same certificate negotiates again, another one replaces', { timeout: 30000 }, async () => {
  const speaker = await guest('Ana');
  const ufragOf = (sdp) => sdp.match(/a=ice-ufrag:(\S+)/)[1];
  const trackOf = () => speaker.told.filter(({ type, peer, source }) => type === 'track-on' && peer === speaker.welcome.peer && source === 'microphone').at(-1).track;
  const first = (await speaker.ask('publish', { sdp: OFFER, tracks: TRACKS })).sdp;
  const track = trackOf();
  const again = (await speaker.ask('publish', { sdp: OFFER, tracks: TRACKS })).sdp;
  assert.equal(ufragOf(again), ufragOf(first));
  const restarted = (await speaker.ask('publish', { sdp: OFFER.replace(/a=ice-ufrag:.*/g, 'a=ice-ufrag:NEWu'), tracks: TRACKS })).sdp;
  assert.notEqual(ufragOf(restarted), ufragOf(first));
  assert.equal(trackOf(), track, 'tracks go on over an ICE restart');
  await speaker.ask('publish', { sdp: fixture('firefox-publish.sdp'), tracks: TRACKS });
  assert.notEqual(trackOf(), track);
  speaker.close();
});

test('bad offers are named and change nothing', { timeout: 30000 }, async () => {
  const speaker = await guest('Ana');
  const publish = (sdp, tracks = TRACKS) => codeOf(speaker.ask('publish', { sdp, tracks }));
  assert.equal(await publish('v=0'), 'bad-sdp');
  assert.equal(await publish(OFFER.replace(/a=fingerprint.*\r\n/g, '')), 'bad-sdp');
  assert.equal(await publish(OFFER, [{ mid: '7', source: 'camera' }]), 'bad-sdp');
  assert.equal(await publish(OFFER, [{ mid: '0', source: 'camera' }]), 'bad-sdp');
  assert.equal(await publish(OFFER, [{ mid: '1', source: 'screen' }]), 'not-allowed');
  assert.equal(await publish(fixture('chromium-audio-only.sdp').replace(/opus\/48000\/2/g, 'L16/48000/2'), [TRACKS[0]]), 'no-common-codec');
  assert.equal(speaker.told.filter(({ type }) => type === 'track-on').length, 0);
  speaker.close();
});

test('a lost line keeps the place, a second connection replaces the first', { timeout: 30000 }, async () => {
  const watcher = await guest('Watcher');
  const person = await guest('Ana');
  const { peer, resume } = person.welcome;
  await person.ask('hand', { raised: true });
  person.socket.terminate();
  await watcher.event('peer-away', (event) => event.peer === peer);
  const back = await guest('Somebody else', { resume });
  assert.equal(back.welcome.peer, peer);
  assert.equal(back.welcome.resume, resume);
  assert.equal(back.welcome.state.peers.find(({ id }) => id === peer).name, 'Ana');
  assert.ok(back.welcome.state.peers.find(({ id }) => id === peer).hand > 0);
  await watcher.event('peer-back', (event) => event.peer === peer);
  const second = await guest('Ana', { resume });
  await until('the first to be replaced', () => back.closed);
  assert.equal(back.closed.code, 4409);
  assert.equal(watcher.told.filter(({ type, peer: who }) => type === 'peer-joined' && who.id === peer).length, 1);
  await second.ask('leave');
  const anew = await guest('Ana', { resume });
  assert.notEqual(anew.welcome.peer, peer, 'a goodbye gives the place up');
  watcher.close();
  anew.close();
});

test('the host mutes, and sees the lines of others only as host', { timeout: 30000 }, async () => {
  const facilitator = await host();
  const speaker = await guest('Ana');
  await speaker.ask('publish', { sdp: OFFER, tracks: TRACKS });
  assert.equal(await codeOf(speaker.ask('mute-peer', { peer: facilitator.welcome.peer, source: 'microphone' })), 'not-allowed');
  await facilitator.ask('mute-peer', { peer: speaker.welcome.peer, source: 'microphone' });
  await speaker.hears('muted-by-host', ({ kind, source }) => kind === 'muted-by-host' && source === 'microphone');
  await facilitator.event('track-off', ({ peer, source }) => peer === speaker.welcome.peer && source === 'microphone');
  assert.equal(await codeOf(facilitator.ask('mute-peer', { peer: 'a'.repeat(26), source: 'camera' })), 'unknown-peer');
  facilitator.close();
  speaker.close();
});

test('chat has a pace', { timeout: 30000 }, async () => {
  const person = await guest('Chatty');
  const codes = await Promise.all(Array.from({ length: 30 }, (_, i) => codeOf(person.ask('chat', { text: `line ${i}`, key: `p${i}` }))));
  assert.deepEqual(codes.slice(0, 10), Array(10).fill('ok'));
  assert.ok(codes.filter((code) => code === 'too-many').length >= 10, codes.join(' ')); // a slow machine gets some more in
  for (let i = 0; i < 80; i++) person.ask('view', { peers: [], mode: 'all' }).catch(() => {});
  await until('the flood to be cut', () => person.closed);
  assert.equal(person.closed.code, 4429);
});

test('an encoder comes by WHIP and its pictures go out by WHEP', { timeout: 30000 }, async () => {
  const facilitator = await host();
  const { session } = facilitator.welcome.state;
  const publish = await server.cli('token', '--session', session.id, '--may', 'publish');
  const receive = await server.cli('token', '--session', session.id, '--may', 'receive');
  const post = (path, token, body, type = 'application/sdp') => server.fetch(path, { method: 'POST', body, headers: { Authorization: `Bearer ${token}`, 'Content-Type': type } });

  assert.equal((await post(`/whip/${session.id}`, receive, OFFER)).status, 403);
  assert.equal((await post(`/whip/${session.id}`, publish, 'v=0')).status, 400);
  const made = await post(`/whip/${session.id}`, publish, OFFER);
  assert.equal(made.status, 201);
  const location = made.headers.get('location');
  const etag = made.headers.get('etag');
  assert.match(await made.text(), /a=setup:passive/);
  const joined = await facilitator.event('peer-joined', ({ peer }) => peer.kind === 'encoder');
  await facilitator.event('track-on', ({ peer, source }) => peer === joined.peer.id && source === 'camera');

  const watched = await post(`/whep/${session.id}/${joined.peer.id}`, receive, fixture('firefox-whep.sdp'));
  assert.equal(watched.status, 201);
  assert.match(await watched.text(), /a=msid:peer .*\r\n[^]*a=sendonly|a=sendonly[^]*a=msid:peer /);
  assert.equal((await post(`/whep/${session.id}/${'a'.repeat(26)}`, receive, fixture('firefox-whep.sdp'))).status, 404);

  const patch = (body, match) => server.fetch(new URL(location, server.url).pathname, {
    method: 'PATCH', body, headers: { Authorization: `Bearer ${publish}`, 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': match },
  });
  const ufrag = OFFER.match(/a=ice-ufrag:(\S+)/)[1];
  assert.equal((await patch(`a=ice-ufrag:${ufrag}\r\na=ice-pwd:0123456789012345678901\r\na=candidate:1 1 udp 1 192.0.2.9 9 typ host\r\n`, etag)).status, 204);
  const restarted = await patch('a=ice-ufrag:fresh\r\na=ice-pwd:0123456789012345678901\r\n', '"*"');
  const fresh = restarted.status === 200 ? restarted : await patch('a=ice-ufrag:fresh\r\na=ice-pwd:0123456789012345678901\r\n', '*');
  assert.equal(fresh.status, 200);
  assert.match(await fresh.text(), /a=ice-ufrag:/);
  assert.notEqual(fresh.headers.get('etag'), etag);
  assert.equal((await patch('a=mid:0\r\n', etag)).status, 412);

  const ended = await server.fetch(new URL(location, server.url).pathname, { method: 'DELETE', headers: { Authorization: `Bearer ${publish}` } });
  assert.equal(ended.status, 200);
  await facilitator.event('peer-left', ({ peer }) => peer === joined.peer.id);
  facilitator.close();
});

test('a revoked link closes what came by it within two seconds', { timeout: 30000 }, async () => {
  const facilitator = await host();
  const { event } = facilitator.welcome.state.session;
  const headers = { Authorization: `Bearer ${hostToken}`, 'Content-Type': 'application/json' };
  const link = await server.json(`/api/v1/events/${event}/links`, { method: 'POST', headers, body: JSON.stringify({ role: 'presenter', label: 'Field' }) });
  const presenter = await SignalClient.join(server.url, tokenOf(link.url), 'Presenter');
  await presenter.ask('publish', { sdp: OFFER, tracks: TRACKS });
  const begun = Date.now();
  await server.fetch(`/api/v1/links/${link.id}`, { method: 'DELETE', headers });
  await until('the presenter to be closed', () => presenter.closed);
  assert.ok(Date.now() - begun < 2000);
  assert.equal(presenter.closed.code, 4403);
  await facilitator.event('peer-left', ({ peer }) => peer === presenter.welcome.peer);
  assert.equal(await codeOf(SignalClient.join(server.url, tokenOf(link.url), 'Presenter')), 'link-revoked');
  facilitator.close();
});

test('the end is told to all, and only a host begins anew', { timeout: 30000 }, async () => {
  const facilitator = await host();
  const person = await guest('Ana');
  await facilitator.ask('end-session');
  await person.event('session', ({ state }) => state === 'ended');
  await until('all to be closed', () => person.closed && facilitator.closed);
  assert.equal(person.closed.code, 4410);
  assert.equal(await codeOf(guest('Ana', { resume: person.welcome.resume })), 'session-over');
  assert.equal(await codeOf(host({ resume: facilitator.welcome.resume })), 'session-over');
  assert.equal(await codeOf(guest('Bea')), 'session-over');
  const again = await host();
  assert.equal(again.welcome.state.session.state, 'planned');
  assert.notEqual(again.welcome.state.session.id, facilitator.welcome.state.session.id);
  assert.equal(again.welcome.state.chat.length, 0);
  again.close();
});
