// Live feeds from the field in real browsers: staff plans one, its crew sees what arrives, people in the session see the picture;
// and a phone's browser as the camera, which also records on the phone.
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { byRole, fill, launchChromium, launchFirefox, missing, newPage, press, videoFrames } from '../support/browser.mjs';
import { canSend, Encoder } from '../support/encoder.mjs';
import { checkScreen, complaints, loadTexts, reportRefusedContent } from '../support/screens.mjs';
import { Server, until } from '../support/server.mjs';
import { SignalClient, tokenOf } from '../support/signal.mjs';
import { play } from '../support/whip.mjs';

const skip = missing() ?? false;
const LONG = { deadlineMs: 60000 };
let server, texts, host, hostToken, event, session, chromium, firefox, encoder;

before(async () => {
  if (skip) return;
  const state = mkdtempSync(join(tmpdir(), 'manabi-test-'));
  writeFileSync(join(state, 'manabi.ini'), `[media]\nworkers = 1\n[ingest]\nsrt_port = ${20000 + Math.floor(Math.random() * 30000)}\npicture_height = 360\n`);
  [texts, server] = await Promise.all([loadTexts(), Server.start({ state })]);
  server.ownsState = true;
  hostToken = tokenOf(server.link('facilitator'));
  host = await SignalClient.join(server.url, hostToken, 'Mika Sato');
  session = host.welcome.state.session.id;
  event = (await server.json('/api/v1/join', { headers: { authorization: `Bearer ${hostToken}` } })).event.id;
  chromium = await launchChromium();
});
after(async () => {
  await encoder?.stop();
  await Promise.allSettled([chromium?.close(), firefox?.close()]);
  host?.close();
  await server?.stop();
});

const makeFeed = async (source, name) => {
  const response = await server.fetch(`/api/v1/events/${event}/feeds`, {
    method: 'POST',
    headers: { authorization: `Bearer ${hostToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ source, name }),
  });
  assert.equal(response.status, 201);
  return response.json();
};
const verdict = (page, wanted) => until(`the verdict "${wanted}"`, async () => {
  const shown = await page.evaluate(() => document.querySelector('[data-verdict]')?.dataset.verdict ?? document.body.innerText.slice(0, 300));
  if (shown === wanted) return true;
  throw new Error(`it is "${shown}"; the encoder said: ${encoder?.said ?? ''}`);
}, LONG);

test('staff plans a feed on the event\'s page, and its crew is told whether what arrives is good', { skip, timeout: 200000 }, async () => {
  const staff = await newPage(chromium);
  await reportRefusedContent(staff);
  await staff.goto(await server.cli('user', 'add', 'hanako'));
  await until('signed in', () => staff.evaluate(() => location.pathname !== '/sign-in' || document.body.innerText.includes('Choose a password')));
  await staff.goto(`${server.url}/staff/events/${event}`);
  await byRole(staff, 'heading', 'Live feeds from the field', LONG);
  await fill(staff, 'textbox', 'Name in the session', '北九州 Kitakyushu');
  await press(staff, 'button', 'Plan a feed');
  const url = await until('the crew\'s link', () => staff.evaluate(() => [...document.querySelectorAll('input')].find(({ value }) => value.includes('/feed#'))?.value), LONG);
  assert.match(url, /\/feed#[A-Za-z0-9_-]{43}$/);

  const crew = await newPage(chromium);
  await reportRefusedContent(crew);
  await crew.goto(url);
  await byRole(crew, 'heading', 'How to send · 北九州 Kitakyushu', LONG);
  assert.equal(await crew.evaluate(() => location.hash), '', 'the token is not in the address bar');
  await verdict(crew, 'waiting');
  const publish = await crew.evaluate(() => document.querySelector('#feed-all').value);
  await checkScreen(crew, 'feed-crew', texts, { names: ['北九州 Kitakyushu'] });
  encoder = Encoder.start(publish);
  await verdict(crew, 'good');
  await checkScreen(crew, 'feed-crew-arriving', texts, { names: ['北九州 Kitakyushu'] });
  await verdict(staff, 'good');
  assert.deepEqual(complaints(crew), []);
});

test('people in the session see the picture, from the camera and from the slate', { skip: skip || (canSend('srt') ? false : 'no SRT'), timeout: 200000 }, async () => {
  await host.ask('start-session');
  const joined = await host.event('peer-joined', ({ peer }) => peer.kind === 'encoder', LONG);
  const viewer = await newPage(chromium);
  const receive = await server.cli('token', '--session', session, '--may', 'receive');
  await play(viewer, server.url, session, receive, joined.peer.id);
  const frames = async () => Math.max(0, ...(await videoFrames(viewer)).map((video) => video.frames));
  const moves = async (what) => {
    const from = await frames();
    await until(what, async () => (await frames()) > from + 5, LONG);
  };
  await moves('pictures of the feed are decoded');
  await encoder.stop();
  await moves('the slate is decoded');
  await viewer.close();
});

for (const name of ['chromium', 'firefox']) {
  test(`a phone's browser is the camera, and records itself: ${name}`, { skip, timeout: 200000 }, async () => {
    const browser = name === 'chromium' ? chromium : (firefox = await launchFirefox());
    const feed = await makeFeed('camera', `電話 ${name}`);
    assert.match(feed.url, /\/camera#/);
    const page = await newPage(browser, { width: 360, height: 640 });
    await reportRefusedContent(page);
    await page.goto(feed.url);
    await byRole(page, 'button', 'Start the camera', LONG);
    if (name === 'chromium') await checkScreen(page, 'camera', texts, { names: [`電話 ${name}`] });
    await press(page, 'button', 'Start the camera');
    const state = (wanted) => until(`the camera is ${wanted}`, () => page.evaluate((one) => document.querySelector('[data-state]')?.dataset.state === one, wanted), LONG);
    await state('live');
    const joined = await host.event('peer-joined', ({ peer }) => peer.name === `電話 ${name}`, LONG);
    assert.match(joined.peer.affiliation, /\//, 'its city and area stand beside it');
    await until('it records on the phone', () => page.evaluate(() => Number(document.querySelector('[data-kept]')?.dataset.kept ?? 0) > 10000), LONG);
    if (name === 'chromium') await checkScreen(page, 'camera-live', texts, { names: [`電話 ${name}`] });
    // The line is cut: it says so, goes on recording, and comes back by itself as the same peer.
    const told = host.told.length;
    server.kill('manabi-media');
    await until('it is back', () => host.told.slice(told).some(({ type, peer, source }) => type === 'track-on' && peer === joined.peer.id && source === 'camera'), LONG);
    await state('live');
    await press(page, 'button', 'Stop');
    await until('it asks first', () => page.evaluate(() => {
      const sure = document.querySelector('dialog button.is-danger');
      sure?.click();
      return sure !== null;
    }));
    await byRole(page, 'button', /^Save the recording/, LONG);
    const film = await page.evaluate(() => new Promise((resolve) => {
      const open = indexedDB.open('manabi-camera');
      open.onsuccess = () => {
        const all = open.result.transaction('pieces').objectStore('pieces').getAll();
        all.onsuccess = () => resolve(all.result.reduce((sum, { content }) => sum + content.size, 0));
      };
    }));
    assert.ok(film > 10000, `${film} bytes are kept`);
    assert.deepEqual(complaints(page, [/503|Failed to load resource/]), []);
    await page.close();
  });
}
