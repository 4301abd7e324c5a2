// A person's line: cameras in several sizes, what a small tile and a data limit do to them, and what the person is told.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { hasText, launchChromium, launchFirefox, missing, newPage, press, screenshot, seesVideos } from '../support/browser.mjs';
import { makeMedia } from '../support/media.mjs';
import { ROOT, Server, until } from '../support/server.mjs';
import { join, startRecording, startSession, stopRecording } from './steps.mjs';

const skip = missing() ?? false;
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 320, height: 640 };
let server, chromium, firefox, host, guest;

before(async () => {
  if (skip) return;
  const media = makeMedia(path(tmpdir(), 'manabi-media'));
  server = await Server.start();
  [chromium, firefox] = await Promise.all([
    launchChromium({ camera: media.street, microphone: media.tone440 }),
    launchFirefox({ hertz: 880 }),
  ]);
});

after(async () => {
  await Promise.all([chromium, firefox].map((browser) => browser?.close().catch(() => {})));
  await server?.stop();
});

/** A page that keeps its peer connections where a test finds them. */
async function open(browser, options) {
  const page = await newPage(browser, options);
  await page.evaluateOnNewDocument(() => {
    window.connections = [];
    const Original = window.RTCPeerConnection;
    window.RTCPeerConnection = class extends Original {
      constructor(...args) {
        super(...args);
        window.connections.push(this);
      }
    };
  });
  return page;
}

/** The camera's sizes that the page sends, by the browser's own statistics. */
const sentLayers = (page) => page.evaluate(async () => {
  const layers = [];
  for (const connection of window.connections.filter(({ connectionState }) => connectionState === 'connected'))
    for (const stat of (await connection.getStats()).values())
      if (stat.type === 'outbound-rtp' && stat.kind === 'video' && stat.framesEncoded > 0)
        layers.push({ rid: stat.rid, width: stat.frameWidth ?? 0, frames: stat.framesEncoded });
  return layers;
});

/** Pictures that the page receives: [{width, frames}], those that ever showed something. */
const receivedPictures = (page) => page.evaluate(async () => {
  const pictures = [];
  for (const connection of window.connections.filter(({ connectionState }) => connectionState === 'connected'))
    for (const stat of (await connection.getStats()).values())
      if (stat.type === 'inbound-rtp' && stat.kind === 'video' && stat.framesDecoded > 0)
        pictures.push({ width: stat.frameWidth ?? 0, frames: stat.framesDecoded });
  return pictures;
});

/** Waits until the only picture that is received has a width that fits, and moves. */
async function receives(page, what, fits) {
  let seen = [];
  let before = null;
  try {
    return await until(what, async () => {
      seen = await receivedPictures(page);
      const [picture] = seen;
      if (picture === undefined || !fits(picture.width)) return null;
      before ??= picture.frames;
      return picture.frames >= before + 5 ? picture : null;
    }, { deadlineMs: 40000 });
  } catch (error) {
    throw new Error(`${error.message}; received ${JSON.stringify(seen)}, slots say ${await told(page)}`);
  }
}

const told = (page) => page.evaluate(() => JSON.stringify([...document.querySelectorAll('[data-peer]')].map((tile) => ({ ...tile.dataset }))));

async function chooseLimit(page, kbit) {
  await press(page, 'button', 'Settings');
  await page.waitForSelector('#room-limit');
  await page.select('#room-limit', String(kbit));
  await page.keyboard.press('Escape');
  await until('the dialog to close', () => page.evaluate(() => document.querySelector('dialog[open]') === null));
}

/**
 * Waits until what is received is within 120 kbit/s, and either a picture is held, with the words for it, or those that
 * are shown are so small that they fit (a busy machine encodes little).
 */
async function keepsLimit(page, name, before) {
  let seen = null;
  try {
    await until(`the limit of ${name}`, async () => {
      seen = await page.evaluate(() => ({
        rate: Number(document.querySelector('.line-used')?.dataset.inKbit ?? NaN),
        held: document.querySelectorAll('[data-held="limit"]').length,
        says: document.body.innerText.includes('over your data limit'),
        shown: document.querySelectorAll('.tile[data-picture="on"] video:not(.is-mirrored)').length,
      }));
      return seen.rate <= 120 && seen.shown > 0 && seen.says === (seen.held > 0);
    }, { deadlineMs: 30000 });
  } catch (error) {
    throw new Error(`${error.message}; ${before} kbit/s before, now ${JSON.stringify(seen)}`);
  }
}

async function bothDirections(name, viewer, sender) {
  const layers = await until(`several sizes from ${name}`, async () => {
    const all = await sentLayers(sender());
    return all.length >= 2 && all.every(({ width }) => width > 0) ? all : null;
  }, { deadlineMs: 40000 });
  const widths = layers.map(({ width }) => width).sort((a, b) => a - b);
  assert.ok(widths[0] * 2 <= widths.at(-1), `sizes ${JSON.stringify(layers)}`);
  const page = viewer();
  await page.setViewport(WIDE);
  const large = await receives(page, `the large picture of ${name}`, (width) => width > widths[0]);
  await page.setViewport(NARROW);
  const small = await receives(page, `the small picture of ${name}`, (width) => width < large.width);
  assert.equal(small.width, widths[0]);
  await page.setViewport(WIDE);
  await receives(page, `the large picture of ${name} again`, (width) => width > widths[0]);
}

test('a camera is sent in several sizes, and a small tile gets the smallest: Chromium to Firefox', { skip, timeout: 180000 }, async () => {
  host = await open(chromium);
  await join(host, server.link('facilitator'), '佐藤 美香');
  await startSession(host);
  guest = await open(firefox);
  await join(guest, server.link('participant'), 'Nguyễn Thị Hoa');
  await Promise.all([seesVideos(host, 1, { deadlineMs: 30000 }), seesVideos(guest, 1, { deadlineMs: 30000 })]);
  await bothDirections('Chromium', () => guest, () => host);
});

test('the same from Firefox to Chromium', { skip, timeout: 180000 }, async () => {
  await bothDirections('Firefox', () => host, () => guest);
});

test('a data limit binds at once, says so, and is lifted', { skip, timeout: 240000 }, async () => {
  for (const [name, page] of [['Firefox', guest], ['Chromium', host]]) {
    const before = await until('the measured rate', () => page.evaluate(() => Number(document.querySelector('.line-used')?.dataset.inKbit) || null), { deadlineMs: 20000 });
    await chooseLimit(page, 120);
    await keepsLimit(page, name, before);
    await screenshot(page, path(ROOT, `build/screens/held-by-limit-${name.toLowerCase()}.png`));
    await chooseLimit(page, 0);
    await seesVideos(page, 1, { deadlineMs: 40000 });
    await until('no picture to be held', () => page.evaluate(() => document.querySelector('[data-held]') === null));
  }
});

test('a limit chosen before joining holds from the first second', { skip, timeout: 90000 }, async () => {
  const page = await open(chromium);
  await join(page, server.link('participant'), 'Ana Lima', {
    devices: null,
    onPreJoin: async () => {
      await page.waitForSelector('#join-limit');
      await page.select('#join-limit', '120');
    },
  });
  await keepsLimit(page, 'a newcomer', 0);
  await press(page, 'button', 'Settings');
  await hasText(page, 'used since you joined');
  await page.browserContext().close();
});

test('the header of a facilitator who records keeps its way out in the first line', { skip, timeout: 90000 }, async () => {
  await startRecording(host);
  for (const width of [1280, 1024, 800]) {
    await host.setViewport({ width, height: 800 });
    for (const language of ['日本語', 'English']) {
      await press(host, 'button', language);
      const places = await host.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => {
        const of = (selector) => document.querySelector(selector).getBoundingClientRect();
        const [head, leave] = [of('.room-header'), of('.room-header .is-leave')];
        resolve({ head: head.height, right: head.right - leave.right, middle: Math.abs((head.top + head.bottom) / 2 - (leave.top + leave.bottom) / 2) });
      }))));
      assert.ok(places.middle <= 4 && places.right >= 0 && places.right < 40 && places.head < 130, `${width} px, ${language}: ${JSON.stringify(places)}`);
      await screenshot(host, path(ROOT, `build/screens/header-recording-${language === 'English' ? 'en' : 'ja'}-${width}.png`));
    }
  }
  await host.setViewport(WIDE);
  await stopRecording(host);
});
