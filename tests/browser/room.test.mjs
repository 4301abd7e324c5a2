// A room in both browsers: decoded frames and heard tones, whoever publishes by whatever door.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hasText, hears, hearsSound, launchChromium, launchFirefox, missing, newPage, seesVideos, videoFrames } from '../support/browser.mjs';
import { makeMedia } from '../support/media.mjs';
import { Server, until } from '../support/server.mjs';
import { tokenOf } from '../support/signal.mjs';
import * as whip from '../support/whip.mjs';
import { endSession, join, reads, say, startRecording, startSession, stopRecording } from './steps.mjs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';

const skip = missing() ?? false;
let server, chromium, firefox, encoder, host, guest, session;

before(async () => {
  if (skip) return;
  const media = makeMedia(path(tmpdir(), 'manabi-media'));
  server = await Server.start();
  [chromium, firefox, encoder] = await Promise.all([
    launchChromium({ camera: media.street, microphone: media.tone440 }),
    launchFirefox({ hertz: 880 }),
    launchChromium({ camera: media.field, microphone: media.tone660 }),
  ]);
  const answer = await server.json('/api/v1/join', { headers: { authorization: `Bearer ${tokenOf(server.link('facilitator'))}` } });
  session = answer.session.id;
});

after(async () => {
  await Promise.all([chromium, firefox, encoder].map((browser) => browser?.close().catch(() => {})));
  await server?.stop();
});

test('Chromium and Firefox see and hear each other', { skip, timeout: 120000 }, async () => {
  host = await newPage(chromium);
  await join(host, server.link('facilitator'), '佐藤 美香');
  await startSession(host);
  guest = await newPage(firefox);
  await join(guest, server.link('participant'), 'Nguyễn Thị Hoa');
  await Promise.all([seesVideos(host, 1, { deadlineMs: 30000 }), seesVideos(guest, 1, { deadlineMs: 30000 })]);
  // Noise suppression eats a steady tone within seconds: hear it soon.
  await hears(host, 880);
});

test('an encoder joins over WHIP and both see it', { skip, timeout: 60000 }, async () => {
  const page = await newPage(encoder);
  const token = await server.cli('token', '--session', session, '--may', 'publish', '--label', 'Site camera');
  const resource = await whip.publish(page, server.url, session, token);
  await Promise.all([seesVideos(host, 2, { deadlineMs: 30000 }), seesVideos(guest, 2, { deadlineMs: 30000 })]);
  await Promise.all([hears(host, 660), hears(guest, 660)]);
  await hasText(guest, 'Site camera');

  const player = await newPage(encoder);
  const watch = await server.cli('token', '--session', session, '--may', 'receive');
  await whip.play(player, server.url, session, watch);
  await Promise.all([seesVideos(player, 1), hearsSound(player)]);
  const peer = await guest.evaluate(() => document.querySelector('video[aria-label="Site camera"]').dataset.peer);
  await whip.play(player, server.url, session, watch, peer);
  await Promise.all([seesVideos(player, 1), hears(player, 660)]);
  await player.browserContext().close();

  assert.equal(await whip.end(page, resource, token), 200);
  await page.browserContext().close();
  await until('its tile to go', async () => !(await guest.evaluate(() => document.body.innerText.includes('Site camera'))));
});

test('a participant may join listening only, in Japanese, at 320 pixels', { skip, timeout: 60000 }, async () => {
  const page = await newPage(chromium, { width: 320, height: 640, language: 'ja' });
  await page.goto(server.link('participant'));
  await page.waitForSelector('#name');
  await page.type('#name', '田中 太郎');
  await page.evaluate(() => [...document.querySelectorAll('button')].find((button) => button.innerText.includes('視聴のみ') || button.innerText.includes('聞くだけ') || button.innerText.includes('視聴')).click());
  await seesVideos(page, 1, { deadlineMs: 30000 });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `the room is ${overflow} px wider than the screen`);
  await page.browserContext().close();
});

test('chat and the recording sign reach everyone', { skip, timeout: 60000 }, async () => {
  await say(guest, '防災マップはありますか');
  await reads(host, '防災マップはありますか');
  await say(host, '<img src=x onerror=alert(1)> is shown as text');
  await reads(guest, '<img src=x onerror=alert(1)> is shown as text');
  await startRecording(host);
  await hasText(guest, 'REC');
  await new Promise((resolve) => setTimeout(resolve, 4000));
  await stopRecording(host);
});

test('the end of the session reaches everyone, and its film is published', { skip, timeout: 120000 }, async () => {
  await endSession(host);
  await hasText(guest, 'The session is over');
  await until('the film to be ready', async () => {
    const { items } = await server.json('/api/v1/recordings');
    return items.length === 1;
  }, { deadlineMs: 100000 });
});
