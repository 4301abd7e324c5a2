// Interpretation by ear: the floor is 440 Hz, the interpreters 880 and 660 Hz. What a listener plays, and how loud, tells the channel.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { byRole, hears, launchChromium, launchFirefox, missing, newPage, press, screenshot } from '../support/browser.mjs';
import { makeMedia } from '../support/media.mjs';
import { checkScreen, complaints, loadTexts, reportRefusedContent, WIDE } from '../support/screens.mjs';
import { ROOT, Server, until } from '../support/server.mjs';
import { tokenOf } from '../support/signal.mjs';
import { endWatch, isWithoutTone, joinWithTone, playsTone, watchTones } from '../support/tones.mjs';
import { join, startSession } from './steps.mjs';

const skip = missing() ?? false;
const HOST = '佐藤 美香';
const YAMAMOTO = '山本 直子';
const SUZUKI = 'K. Suzuki';
const LISTENER = 'Nguyễn Thị Hoa';
const names = [HOST, YAMAMOTO, SUZUKI, LISTENER].flatMap((name) => [name, `${name} (you)`, `${name}（自分）`]);
let server, texts, chromium, booth, firefox, host, yamamoto, suzuki, listener;

async function enter(browser, link, name, hertz) {
  const page = await newPage(browser);
  await reportRefusedContent(page);
  if (hertz === undefined) await join(page, link, name, { devices: null });
  else await joinWithTone(page, link, name, hertz);
  return page;
}

before(async () => {
  if (skip) return;
  const media = makeMedia(path(tmpdir(), 'manabi-media'));
  [texts, server] = await Promise.all([loadTexts(), Server.start()]);
  [chromium, booth, firefox] = await Promise.all([
    launchChromium({ camera: media.street }), launchChromium(), launchFirefox(),
  ]);
  const { event } = await server.json('/api/v1/join', { headers: { authorization: `Bearer ${tokenOf(server.link('facilitator'))}` } });
  const link = (await server.cli('link', event.id, '--role', 'interpreter')).match(/https?:\S+/)[0];
  host = await enter(chromium, server.link('facilitator'), HOST, 440);
  await startSession(host);
  yamamoto = await enter(booth, link, YAMAMOTO, 880);
  suzuki = await enter(booth, link, SUZUKI, 660);
  listener = await enter(firefox, server.link('participants'), LISTENER);
});

after(async () => {
  await Promise.all([chromium, booth, firefox].map((browser) => browser?.close().catch(() => {})));
  await server?.stop();
});

test('who picks a language hears the floor until somebody interprets', { skip, timeout: 90000 }, async () => {
  await press(listener, 'button', 'Hear');
  await (await byRole(listener, 'radio', /^日本語/)).click();
  await until('the state in words', () => listener.evaluate(() => document.querySelector('[data-heard="ja"]')?.innerText.startsWith('Nobody interprets into 日本語')));
  await playsTone(listener, 440, (volume) => volume === 1);
});

test('on air: the interpreter is heard in full, the floor low under it, and never the other way round', { skip, timeout: 120000 }, async () => {
  for (const page of [yamamoto, suzuki]) {
    await page.waitForSelector('#booth-seat');
    await page.select('#booth-seat', 'ja');
    await page.waitForSelector('.booth[data-booth="ja"]');
  }
  await press(yamamoto, 'button', 'On air');
  await yamamoto.waitForSelector('.booth[data-on-air="yes"]');
  await playsTone(listener, 880, (volume) => volume === 1);
  await playsTone(listener, 440, (volume) => Math.abs(volume - 0.15) < 0.01);
  await until('the interpreter by name', () => listener.evaluate(() => document.querySelector('.channel-on-air')?.innerText.includes('山本')));
  await hears(host, 880, { deadlineMs: 1500 }).then(() => assert.fail('the floor hears the booth'), () => undefined);
  await checkScreen(listener, 'listen-panel', texts, { names });
  await checkScreen(yamamoto, 'interpreter-desk', texts, { names });
});

test('the level of the floor is the listener’s, and it can be off', { skip, timeout: 60000 }, async () => {
  const slider = await byRole(listener, 'slider', /^Original under/);
  await slider.focus();
  for (let i = 0; i < 3; i++) await listener.keyboard.press('ArrowRight');
  await playsTone(listener, 440, (volume) => Math.abs(volume - 0.3) < 0.01);
  await (await byRole(listener, 'checkbox', /^Interpreter only/)).click();
  await isWithoutTone(listener, 440);
  await playsTone(listener, 880, (volume) => volume === 1);
  await (await byRole(listener, 'checkbox', /^Interpreter only/)).click();
  await playsTone(listener, 440);
});

test('the cough key is silent only while it is held', { skip, timeout: 60000 }, async () => {
  await yamamoto.focus('#main');
  await yamamoto.keyboard.down('k');
  await isWithoutTone(listener, 880);
  await yamamoto.keyboard.up('k');
  await playsTone(listener, 880, (volume) => volume === 1);
});

test('the partner takes over by agreement, without a gap', { skip, timeout: 90000 }, async () => {
  await watchTones(listener, [660, 880]);
  await press(yamamoto, 'button', 'Ask partner to take over');
  await press(suzuki, 'button', 'Take over in 3 seconds');
  await suzuki.waitForSelector('.booth[data-on-air="yes"]');
  await yamamoto.waitForSelector('.booth[data-on-air="no"]');
  await playsTone(listener, 660, (volume) => volume === 1);
  const gap = await endWatch(listener);
  console.log(JSON.stringify({ name: 'handover-gap', longest_ms: gap.longestMs, limit_ms: 200 }));
  assert.ok(gap.heardMs[660] > 0 && gap.heardMs[880] > 0, JSON.stringify(gap));
  assert.ok(gap.longestMs <= 200, JSON.stringify(gap));
  await isWithoutTone(listener, 880);
  await screenshot(suzuki, path(ROOT, 'build/screens/interpreter-desk-on-air.png'));
});

test('booth chat stays in the booth; the speaker is asked to slow down', { skip, timeout: 60000 }, async () => {
  await press(yamamoto, 'button', 'Booth chat');
  await until('the booth to be chosen', () => yamamoto.evaluate(() => document.querySelector('#chat-to')?.value === 'booth:ja'));
  await yamamoto.type('#chat-text', 'ハザードマップ = hazard map');
  await yamamoto.keyboard.press('Enter');
  await press(suzuki, 'button', /^Chat/);
  await until('the word', () => suzuki.evaluate(() => document.body.innerText.includes('hazard map')));
  await press(listener, 'button', /^Chat/);
  await listener.waitForSelector('#chat-text');
  assert.equal(await listener.evaluate(() => document.body.innerText.includes('hazard map')), false);
  await press(suzuki, 'button', 'Please slow down');
  await until('the speaker to be asked', () => host.evaluate(() => document.body.innerText.includes('please speak more slowly')));
});

test('off air: the listener hears the floor again, in full', { skip, timeout: 60000 }, async () => {
  await press(suzuki, 'button', 'On air');
  await suzuki.waitForSelector('.booth[data-on-air="no"]');
  await playsTone(listener, 440, (volume) => volume === 1);
  for (const page of [host, yamamoto, suzuki, listener]) assert.deepEqual(complaints(page), []);
});
