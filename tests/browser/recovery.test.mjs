// What is killed in mid-session comes back by itself: sound, picture, chat and recording go on.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { after, before, test } from 'node:test';
import { hasText, hears, launchChromium, launchFirefox, missing, newPage, seesVideos } from '../support/browser.mjs';
import { makeMedia } from '../support/media.mjs';
import { Server, until } from '../support/server.mjs';
import { endSession, join, reads, say, startRecording, startSession, stopRecording } from './steps.mjs';

const skip = missing() ?? false;
let server, chromium, firefox, host, guest;

before(async () => {
  if (skip) return;
  const media = makeMedia(path(tmpdir(), 'manabi-media'));
  server = await Server.start();
  [chromium, firefox] = await Promise.all([
    launchChromium({ camera: media.street, microphone: media.speechEn }),
    launchFirefox({ hertz: 880 }),
  ]);
  host = await newPage(chromium);
  await join(host, server.link('facilitator'), 'Host');
  await startSession(host);
  guest = await newPage(firefox);
  await join(guest, server.link('participant'), 'Guest');
  await Promise.all([seesVideos(host, 1, { deadlineMs: 30000 }), seesVideos(guest, 1, { deadlineMs: 30000 })]);
  await say(guest, 'before the crash');
  await reads(host, 'before the crash');
  await startRecording(host);
});

after(async () => {
  await Promise.all([chromium, firefox].map((browser) => browser?.close().catch(() => {})));
  await server?.stop();
});

const isRecording = () => server.find('manabi-record') !== null;
const parts = () => {
  const root = path(server.state, 'recordings');
  return readdirSync(root).flatMap((folder) =>
    readdirSync(path(root, folder)).filter((name) => /^part-\d+\.json$/.test(name)).map((name) => path(root, folder, name)));
};

test('a killed recorder is replaced and the room does not notice', { skip, timeout: 60000 }, async () => {
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const killed = server.kill('manabi-record');
  await until('another recorder', () => isRecording() && server.find('manabi-record') !== killed, { deadlineMs: 5000 });
  await until('its part', () => parts().length === 2, { deadlineMs: 10000 });
  await Promise.all([seesVideos(host, 1), seesVideos(guest, 1)]);
  await hasText(guest, 'REC');
});

test('a killed media worker is replaced and pictures come back', { skip, timeout: 60000 }, async () => {
  // Which of the workers carries the room is not told: kill both, one after the other.
  const seen = new Set();
  for (let i = 0; i < 2; i++) {
    const pid = server.find('manabi-media');
    assert.ok(!seen.has(pid));
    seen.add(server.kill('manabi-media'));
    await until('another worker', () => server.find('manabi-media') !== pid, { deadlineMs: 5000 });
  }
  await Promise.all([seesVideos(host, 1, { deadlineMs: 20000 }), seesVideos(guest, 1, { deadlineMs: 20000 })]);
  await hears(host, 880);
});

test('a killed server is replaced: session, chat and recording go on', { skip, timeout: 90000 }, async () => {
  const before = parts().length;
  server.kill('manabi');
  await until('the server to answer', async () => (await server.fetch('/healthz')).ok, { deadlineMs: 20000 });
  await Promise.all([seesVideos(host, 1, { deadlineMs: 30000 }), seesVideos(guest, 1, { deadlineMs: 30000 })]);
  await say(guest, 'after the crash');
  await reads(host, 'after the crash');
  await reads(host, 'before the crash');
  await hasText(guest, 'REC', { deadlineMs: 20000 });
  await until('a recorder', isRecording, { deadlineMs: 20000 });
  await until('its part', () => parts().length > before, { deadlineMs: 20000 });
  await new Promise((resolve) => setTimeout(resolve, 4000));
});

test('what was recorded becomes one film of all parts', { skip, timeout: 150000 }, async () => {
  await stopRecording(host);
  await endSession(host);
  const [film] = await until('the film', async () => {
    const { items } = await server.json('/api/v1/recordings');
    return items.length > 0 ? items : null;
  }, { deadlineMs: 120000, everyMs: 500 });
  assert.ok(film.duration_s >= 10, `the film is ${film.duration_s} s long`);
  for (const part of parts()) {
    const { tracks } = JSON.parse(readFileSync(part, 'utf8'));
    for (const track of tracks.filter(({ state }) => state !== 'lost')) {
      const file = path(part, '..', track.file);
      const packets = execFileSync('ffprobe', ['-v', 'error', '-count_packets', '-show_entries', 'stream=nb_read_packets', '-of', 'csv=p=0', file], { encoding: 'utf8' });
      assert.ok(parseInt(packets, 10) > 0, `${track.file} holds packets`);
    }
  }
});
