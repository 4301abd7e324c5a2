// A live feed from the field into a session: real encoders (ffmpeg) over SRT, seen over signalling and in the recording.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { canSend, Encoder } from '../support/encoder.mjs';
import { Server, until } from '../support/server.mjs';
import { SignalClient, tokenOf } from '../support/signal.mjs';

const skip = canSend('srt') ? false : 'this ffmpeg does not speak SRT';
const SLOW = { timeout: 150000 };
const LONG = { deadlineMs: 60000 };
let server, host, hostToken, event, feed, encoder;

before(async () => {
  const state = mkdtempSync(join(tmpdir(), 'manabi-test-'));
  writeFileSync(join(state, 'manabi.ini'), `[media]\nworkers = 1\n[ingest]\nsrt_port = ${20000 + Math.floor(Math.random() * 30000)}\npicture_height = 360\n`);
  server = await Server.start({ state });
  server.ownsState = true;
  hostToken = tokenOf(server.link('facilitator'));
  host = await SignalClient.join(server.url, hostToken, 'Mika Sato');
  event = (await as(hostToken, 'GET', '/api/v1/join')).event.id;
});
after(async () => {
  await encoder?.stop();
  host?.close();
  await server?.stop();
});

async function as(token, method, path, body) {
  const response = await server.fetch(path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.status === 204 ? null : response.json();
}
const crewToken = () => tokenOf(feed.url);
const status = () => as(crewToken(), 'GET', '/api/v1/feed');
const sees = (what, match) => until(what, async () => {
  const now = await status();
  if (match(now)) return now;
  throw new Error(`the crew is told ${JSON.stringify({ ...now, publish_qr_svg: '', qr_svg: '', event: '' })}; encoder: ${encoder?.said}`);
}, LONG);

test('before the session the crew can try its line', { skip, ...SLOW }, async () => {
  feed = await as(hostToken, 'POST', `/api/v1/events/${event}/feeds`, { source: 'srt', name: '北九州 Kitakyushu plant', city: '40100' });
  assert.match(feed.address, /^srt:\/\/localhost:\d+$/);
  await sees('the listener is up', ({ state }) => state === 'waiting');
  encoder = Encoder.start(feed.publish_url);
  const seen = await sees('what arrives', ({ state, arriving }) => state === 'arriving' && arriving?.kbit > 50 && arriving.fps_tenths > 50);
  assert.deepEqual([seen.arriving.video.codec, seen.arriving.video.width, seen.arriving.audio.codec], ['h264', 640, 'aac']);
  assert.equal(seen.arriving.trouble, undefined);
});

test('a wrong key, a wrong passphrase and a second encoder are refused, and the first goes on', { skip, ...SLOW }, async () => {
  for (const [url, code] of [
    [feed.publish_url.replace(feed.key, '0'.repeat(24)), 'wrong-key'],
    [feed.publish_url, 'in-use'],
  ]) {
    const other = Encoder.start(url);
    await sees(`refused: ${code}`, ({ refused }) => refused?.code === code);
    await other.ended;
    assert.equal((await status()).state, 'arriving');
  }
});

test('in the session it is a presenter with its name, city and area, and is recorded', { skip, ...SLOW }, async () => {
  await host.ask('start-session');
  const joined = await host.event('peer-joined', ({ peer }) => peer.name === '北九州 Kitakyushu plant', LONG);
  assert.equal(joined.peer.kind, 'encoder');
  assert.equal(joined.peer.role, 'presenter');
  assert.match(joined.peer.affiliation, /Kitakyushu/);
  assert.match(joined.peer.affiliation, /北九州市/);
  for (const source of ['microphone', 'camera'])
    await host.event('track-on', (told) => told.peer === joined.peer.id && told.source === source, LONG);
  await sees('it is live', ({ state }) => state === 'live');
  await host.ask('record', { on: true });
  await until('its tracks are written', () => recorded().length >= 2, LONG);
  // Its tone is heard: it is among the speakers.
  await host.hears('the feed speaks', ({ kind, peers }) => kind === 'speakers' && peers.includes(joined.peer.id), LONG);
});

const recordings = () => join(server.state, 'recordings');
function recorded() {
  if (!existsSync(recordings())) return [];
  return readdirSync(recordings(), { recursive: true }).map(String).filter((name) => name.endsWith('.mkv'));
}

test('it drops, a slate is shown, and it comes back into the same peer and recording', { skip, ...SLOW }, async () => {
  const before = recorded();
  const told = host.told.length;
  await encoder.stop();
  await sees('it is missed', ({ state }) => state === 'lost');
  encoder = Encoder.start(feed.publish_url);
  await sees('it is back', ({ state }) => state === 'live');
  const events = host.told.slice(told).filter(({ kind }) => kind === 'event');
  assert.deepEqual(events.filter(({ type }) => ['peer-joined', 'peer-left', 'track-on', 'track-off', 'recording'].includes(type)), []);
  assert.deepEqual(recorded(), before, 'no new file: the same tracks go on');
});

test('its program, the media worker and the server may die: it comes back as the same peer', { skip, ...SLOW }, async () => {
  const id = host.told.find(({ type, peer }) => type === 'peer-joined' && peer.kind === 'encoder').peer.id;
  server.kill('manabi-ingest');
  await until('it runs again', () => server.find('manabi-ingest'), LONG);
  await encoder.stop();
  encoder = Encoder.start(feed.publish_url);
  await sees('it is back after its program died', ({ state }) => state === 'live');
  let told = host.told.length;
  server.kill('manabi-media');
  await until('it is published again', () => host.told.slice(told).some(({ type, peer, source }) => type === 'track-on' && peer === id && source === 'camera'), LONG);
  host.close();
  server.kill('manabi');
  await until('the server answers again', () => server.json('/healthz'), LONG);
  await encoder.stop();
  host = await SignalClient.join(server.url, hostToken, 'Mika Sato');
  encoder = Encoder.start(feed.publish_url);
  await sees('it is back after the server died', ({ state }) => state === 'live');
  const again = await SignalClient.join(server.url, hostToken, 'Ken');
  const peers = again.welcome.state.peers.filter(({ kind }) => kind === 'encoder');
  assert.deepEqual(peers.map((peer) => peer.id), [id]);
  again.close();
});

test('a revoked feed leaves, and its key opens nothing', { skip, ...SLOW }, async () => {
  await as(hostToken, 'DELETE', `/api/v1/links/${feed.id}`);
  await host.event('peer-left', ({ reason }) => reason === 'link-revoked', LONG);
  assert.equal((await server.fetch('/api/v1/feed', { headers: { authorization: `Bearer ${crewToken()}` } })).status, 401);
  await until('its program ends', () => server.find('manabi-ingest') === null, LONG);
  await encoder.ended;
});

test('neither keys nor names are in the log', { skip }, () => {
  const log = readFileSync(join(server.state, 'server.log'), 'utf8');
  for (const secret of [feed.key, feed.passphrase, crewToken(), 'Kitakyushu plant']) assert.ok(!log.includes(secret), secret);
});
