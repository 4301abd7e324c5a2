// A room of more receivers than one media worker is to have: the others get it from a second worker, and either may die.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, Server, processTree, until } from '../support/server.mjs';
import { SignalClient, tokenOf } from '../support/signal.mjs';

const fixture = (name) => readFileSync(join(ROOT, 'tests/fixtures/sdp', name), 'utf8');
const LOAD = join(ROOT, 'build/tests/bench/load/manabi-load');
const TRACKS = [{ mid: '0', source: 'microphone' }, { mid: '1', source: 'camera' }];
const SPREAD = 3;

let server, dir, host;
before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'manabi-spread-'));
  writeFileSync(join(dir, 'manabi.ini'), `[media]\nworkers = 2\nspread = ${SPREAD}\n`);
  server = await Server.start({ args: ['--config', join(dir, 'manabi.ini')] });
  host = await SignalClient.join(server.url, tokenOf(server.link('facilitator')), 'Mika Sato');
  await host.ask('start-session');
});
after(async () => {
  host?.close();
  await server?.stop();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

const gauge = async (name) => {
  const text = await (await server.fetch('/metrics')).text();
  return Object.fromEntries([...text.matchAll(new RegExp(`^manabi_media_${name}\\{worker="(\\d+)"\\} (\\d+)$`, 'gm'))].map(([, worker, value]) => [worker, Number(value)]));
};
const workerPid = (index) => processTree(server.child.pid).find(({ args }) => args[0]?.endsWith('manabi-media') && args[args.indexOf('--index') + 1] === index).pid;
const restarts = (client) => client.told.filter(({ kind }) => kind === 'media-restart').length;

/** What manabi-load printed: real peers over WHIP and WHEP. */
async function load(...args) {
  const token = (may) => execFileSync(join(ROOT, 'build/server/manabi'), ['token', '--session', host.welcome.state.session.id, '--may', may, '--state', server.state], { encoding: 'utf8' }).trim();
  const session = host.welcome.state.session.id;
  const child = spawn(LOAD, ['--whip', `${server.url}/whip/${session}`, '--whep', `${server.url}/whep/${session}`, '--publish-token', token('publish'), '--receive-token', token('receive'), '--expect', '0', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (data) => {
    out += data;
  });
  await new Promise((resolve) => child.on('close', resolve));
  return JSON.parse(out);
}

test('receivers of both workers get every packet', { timeout: 90000, skip: existsSync(LOAD) ? false : 'manabi-load is not built (script/install bench)' }, async () => {
  const before = await gauge('packets_out_total');
  const line = await load('--subscribers', '10', '--bitrate', '400000', '--duration', '2', '--warm-up', '1');
  assert.deepEqual({ connected: line.connected, with_media: line.with_media, failed: line.failed, bad_tags: line.bad_tags, bad_marks: line.bad_marks }, { connected: 10, with_media: 10, failed: 0, bad_tags: 0, bad_marks: 0 }, JSON.stringify(line));
  assert.equal(line.lost.not_sent + line.lost.on_the_way, 0, JSON.stringify(line));
  await until('both workers to have sent', async () => {
    const now = await gauge('packets_out_total');
    return Object.keys(now).length === 2 && Object.entries(now).every(([worker, n]) => n > (before[worker] ?? 0) + 100);
  });
  await until('the feeds and receivers to be gone', async () => Object.values(await gauge('transports')).every((n) => n === 0));
  await until('the taps to be gone', async () => Object.values(await gauge('taps')).every((n) => n === 0));
});

test('either worker may die: who was there begins anew, the others only when it was the first', { timeout: 90000 }, async () => {
  await host.ask('publish', { sdp: fixture('chromium-publish.sdp'), tracks: TRACKS });
  const home = await until('the publisher in the metrics', async () => Object.entries(await gauge('transports')).find(([, n]) => n === 1)?.[0]);
  const other = home === '0' ? '1' : '0';
  const guests = [];
  const subscribe = async (guest) => {
    await guest.ask('subscribe', { audio: 2, video: 2 });
    await guest.ask('subscribed', { sdp: fixture('firefox-answer.sdp') });
  };
  for (let i = 0; i < 2 * SPREAD; i++) {
    guests.push(await SignalClient.join(server.url, tokenOf(server.link('participant')), `Guest ${i}`));
    await subscribe(guests[i]);
  }
  // The publisher and three receivers here; her copy and three receivers there.
  await until('both workers to have theirs', async () => {
    const n = await gauge('transports');
    return n[home] === 1 + SPREAD && n[other] === 1 + SPREAD;
  });
  await until('one tap', async () => (await gauge('taps'))[home] === 1);
  assert.equal((await gauge('tracks'))[other], 2);

  process.kill(workerPid(other), 'SIGKILL');
  await until('three guests to begin anew', () => guests.filter((guest) => restarts(guest) === 1).length === SPREAD, { deadlineMs: 10000 });
  assert.deepEqual(guests.slice(0, SPREAD).map(restarts), [0, 0, 0]);
  assert.equal(restarts(host), 0);
  await until('the worker to be there again', async () => (await gauge('up'))[other] === 1);
  for (const guest of guests.slice(SPREAD)) await subscribe(guest);
  await until('the branch to be there again', async () => (await gauge('transports'))[other] === 1 + SPREAD && (await gauge('tracks'))[other] === 2);

  process.kill(workerPid(home), 'SIGKILL');
  await until('everybody to begin anew', () => [host, ...guests].every((client, i) => restarts(client) === (i > SPREAD ? 2 : 1)), { deadlineMs: 10000 });
  await until('nothing to be left', async () => (await gauge('up'))[home] === 1 && Object.values(await gauge('transports')).every((n) => n === 0));
  await host.ask('publish', { sdp: fixture('chromium-publish.sdp'), tracks: TRACKS });
  for (const guest of guests) await subscribe(guest);
  await until('both workers to have theirs again', async () => Object.values(await gauge('transports')).every((n) => n === 1 + SPREAD));
  for (const guest of guests) guest.close();
});
