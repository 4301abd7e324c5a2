// A media worker that stands still: its rooms are back within four seconds, other rooms notice nothing.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, Server, processTree, until } from '../support/server.mjs';
import { SignalClient, tokenOf } from '../support/signal.mjs';

const OFFER = readFileSync(join(ROOT, 'tests/fixtures/sdp/chromium-publish.sdp'), 'utf8');
const TRACKS = [{ mid: '0', source: 'microphone' }, { mid: '1', source: 'camera' }];

let server, dir;
before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'manabi-hang-'));
  writeFileSync(join(dir, 'manabi.ini'), '[media]\nworkers = 2\n');
  server = await Server.start({ args: ['--config', join(dir, 'manabi.ini')] });
});
after(async () => {
  await server?.stop();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

/** The facilitator's token of a second event. */
async function secondEvent() {
  const json = { 'content-type': 'application/json', origin: server.url };
  const signedIn = await server.fetch('/api/v1/sign-in', { method: 'POST', headers: json, body: JSON.stringify({ token: tokenOf(server.link('administrator')) }) });
  assert.equal(signedIn.status, 200);
  const headers = { ...json, cookie: signedIn.headers.get('set-cookie').split(';')[0] };
  const event = await server.json('/api/v1/events', {
    method: 'POST', headers,
    body: JSON.stringify({ kind: 'virtual-session', title_en: 'Another one', area: 'disaster-risk-management', city: '40100', starts_at: new Date(Date.now() + 60000).toISOString(), duration_s: 3600, time_zone: 'Asia/Tokyo', languages: ['en'] }),
  });
  const link = await server.json(`/api/v1/events/${event.id}/links`, { method: 'POST', headers, body: JSON.stringify({ role: 'facilitator', label: '' }) });
  return tokenOf(link.url);
}

const gauge = async (name) => {
  const text = await (await server.fetch('/metrics')).text();
  return Object.fromEntries([...text.matchAll(new RegExp(`^manabi_media_${name}\\{worker="(\\d+)"\\} (\\d+)$`, 'gm'))].map(([, worker, value]) => [worker, Number(value)]));
};

test('a worker that stands still is replaced, and rooms of others go on', { timeout: 60000 }, async () => {
  const first = await SignalClient.join(server.url, tokenOf(server.link('facilitator')), 'Mika Sato');
  await first.ask('start-session');
  await first.ask('publish', { sdp: OFFER, tracks: TRACKS });
  const worker = await until('the transport in the metrics', async () => Object.entries(await gauge('transports')).find(([, n]) => n > 0)?.[0]);
  const second = await SignalClient.join(server.url, await secondEvent(), 'Ana Lima');
  await second.ask('start-session');
  await second.ask('publish', { sdp: OFFER, tracks: TRACKS });
  await until('both workers to have one', async () => Object.values(await gauge('transports')).every((n) => n === 1));

  const stopped = processTree(server.child.pid).find(({ args }) => args[0]?.endsWith('manabi-media') && args[args.indexOf('--index') + 1] === worker);
  const begun = performance.now();
  process.kill(stopped.pid, 'SIGSTOP');
  await first.hears('media-restart', ({ kind }) => kind === 'media-restart', { deadlineMs: 10000 });
  const { sdp } = await first.ask('publish', { sdp: OFFER, tracks: TRACKS });
  const took = performance.now() - begun;
  assert.match(sdp, /a=ice-lite/);
  console.log(`# back after ${Math.round(took)} ms`);
  assert.ok(took < 4000, `${Math.round(took)} ms`);
  assert.ok(!second.told.some(({ kind }) => kind === 'media-restart'));
  await second.ask('publish', { sdp: OFFER, tracks: TRACKS });
  await until('the worker to be there again', async () => (await gauge('restarts_total'))[worker] === 1 && (await gauge('up'))[worker] === 1);
  first.close();
  second.close();
});
