// Every screen in both languages and two widths, by keyboard alone, with refused and missing devices.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { byRole, fill, hasText, launchChromium, launchFirefox, missing, newPage, press, screenshot, seesVideos } from '../support/browser.mjs';
import { makeMedia } from '../support/media.mjs';
import { checkScreen, complaints, loadTexts, reportRefusedContent, NARROW } from '../support/screens.mjs';
import { ROOT, Server, until } from '../support/server.mjs';
import { tokenOf } from '../support/signal.mjs';
import { endSession, join, say, startSession } from './steps.mjs';

const skip = missing() ?? false;
const HOST = '佐藤 美香';
const GUEST = 'Nguyễn Thị Hoa';
const PASSWORD = 'learning between cities';
let server, media, texts, chromium, firefox, host, session, film, work;

async function open(browser, url, options) {
  const page = await newPage(browser, options);
  await reportRefusedContent(page);
  await page.goto(url);
  return page;
}

const close = (page) => page.browserContext().close();
const quiet = (page, expected) => assert.deepEqual(complaints(page, expected), []);

before(async () => {
  if (skip) return;
  work = mkdtempSync(path(tmpdir(), 'manabi-screens-'));
  [texts, server] = await Promise.all([loadTexts(), Server.start()]);
  media = makeMedia(path(tmpdir(), 'manabi-media'));
  chromium = await launchChromium({ camera: media.street, microphone: media.tone440 });
  const answer = await server.json('/api/v1/join', { headers: { authorization: `Bearer ${tokenOf(server.link('facilitator'))}` } });
  session = answer.session.id;
});

after(async () => {
  await Promise.all([chromium, firefox].map((browser) => browser?.close().catch(() => {})));
  await server?.stop();
  if (work) rmSync(work, { recursive: true, force: true });
});

test('the first screens of an empty server', { skip, timeout: 120000 }, async () => {
  const page = await open(chromium, server.url);
  await hasText(page, 'No films are published yet');
  await hasText(page, 'Live now and next');
  await checkScreen(page, 'home-empty', texts);
  await page.goto(`${server.url}/sign-in`);
  await byRole(page, 'button', 'Sign in');
  await checkScreen(page, 'sign-in', texts);
  await page.goto(`${server.url}/join`);
  await hasText(page, 'Open your invitation link');
  await checkScreen(page, 'no-link', texts);
  quiet(page);
  await page.goto(`${server.url}/nowhere`);
  await hasText(page, 'Page not found');
  await checkScreen(page, 'not-found', texts);
  await page.goto(`${server.url}/join#${'x'.repeat(43)}`);
  await hasText(page, 'This link cannot be used');
  await checkScreen(page, 'bad-link', texts);
  quiet(page, [/Failed to load resource.*(401|403|404|410)/]);
  await close(page);
});

test('staff screens', { skip, timeout: 180000 }, async () => {
  const clip = path(work, 'clip.mp4');
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-t', '4', '-i', media.cup, '-i', media.speechEn, '-map', '0:v', '-map', '1:a', '-shortest', '-c:v', 'copy', '-c:a', 'aac', clip]);
  const imported = await server.cli('import', clip, '--city', '40100', '--area', 'disaster-risk-management', '--title', 'Flood drills with the neighbours',
    '--title-ja', '住民とつくる洪水ハザードマップ', '--language', 'en', '--language', 'ja');
  [film] = imported.match(/[0-9a-hjkmnp-tv-z]{26}/);
  const page = await open(chromium, server.link('administrator'));
  await hasText(page, 'Choose a password');
  await checkScreen(page, 'choose-password', texts);
  await fill(page, 'textbox', /^New password/, PASSWORD);
  await press(page, 'button', 'Save password');
  await hasText(page, 'Work on films');
  await checkScreen(page, 'staff', texts);
  await press(page, 'link', 'Plan an event');
  await byRole(page, 'button', 'Save and make links');
  await checkScreen(page, 'plan-event', texts);
  await press(page, 'button', 'Save and make links');
  await hasText(page, 'Give a title in at least one language.');
  await checkScreen(page, 'plan-event-corrections', texts);
  await page.goto(`${server.url}/staff`);
  await press(page, 'link', /^Edit “/);
  await hasText(page, 'Invitation links');
  await press(page, 'button', 'Make a link');
  await byRole(page, 'button', 'Copy link');
  await fill(page, 'textbox', /^People, one a line/, 'Tanaka');
  await press(page, 'button', 'Make the messages');
  await hasText(page, 'There is no mail address in this line: Tanaka');
  await fill(page, 'textbox', /^People, one a line/, '田中 太郎 <tanaka@example.org>');
  await press(page, 'button', 'Make the messages');
  await byRole(page, 'button', 'Download the message for 田中 太郎');
  await page.click('input[name="attendance"][value="hybrid"]');
  await fill(page, 'textbox', 'Place in English', 'City hall, Kitakyushu');
  await page.select('#learning-city', '34100');
  await press(page, 'button', 'Add an item');
  await until('the focus in the new item', () => page.evaluate(() => document.activeElement.id.startsWith('agenda-')));
  await page.keyboard.type('How the drill is planned');
  await checkScreen(page, 'edit-event', texts, { names: ['How the drill is planned', 'City hall, Kitakyushu', '田中 太郎', 'Download the message for 田中 太郎', 'Withdraw the link: Participant 田中 太郎'] });
  await press(page, 'button', 'Save');
  await hasText(page, 'Saved.');
  await press(page, 'link', 'Plan it again');
  await byRole(page, 'button', 'Save and make links');
  await until('the copied agenda', () => page.evaluate(() => document.querySelectorAll('.agenda-row').length === 1));
  quiet(page);
  await close(page);
});

test('catalogue, event and film', { skip, timeout: 180000 }, async () => {
  await until('the film to be published', async () => (await server.json('/api/v1/recordings')).items[0]?.downloads?.length > 0, { deadlineMs: 90000, everyMs: 1000 });
  const page = await open(chromium, server.url);
  await hasText(page, 'Flood drills with the neighbours');
  await checkScreen(page, 'home', texts);
  await fill(page, 'searchbox', 'Search the catalogue', 'ハザード');
  await page.keyboard.press('Enter');
  await hasText(page, 'Search results');
  await hasText(page, 'Flood drills with the neighbours');
  await checkScreen(page, 'search', texts, { names: ['“ハザード”', 'Remove filter: “ハザード”'] });
  await page.goto(`${server.url}/?q=zzzz`);
  await hasText(page, 'No films match');
  await checkScreen(page, 'search-none', texts);
  await page.goto(server.url);
  await (await page.waitForSelector('.event-card a')).click();
  await hasText(page, 'How to join');
  await checkScreen(page, 'event', texts, { names: ['How the drill is planned', 'City hall, Kitakyushu'] });
  await page.goto(`${server.url}/watch/${film}`);
  await byRole(page, 'button', 'Play');
  await until('the qualities', () => page.evaluate(() => document.querySelectorAll('.player-menu option').length > 4));
  await checkScreen(page, 'watch', texts);
  quiet(page);
  await close(page);
});

test('reduced motion and dark colours', { skip, timeout: 60000 }, async () => {
  const page = await newPage(chromium);
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }, { name: 'prefers-reduced-motion', value: 'reduce' }]);
  await page.goto(server.url);
  await hasText(page, 'Flood drills with the neighbours');
  await checkScreen(page, 'home-dark', texts);
  const moving = await page.evaluate(() =>
    [...document.querySelectorAll('*')].filter((element) => parseFloat(getComputedStyle(element).transitionDuration) > 0).length);
  assert.equal(moving, 0, 'something still moves');
  await page.goto(`${server.url}/watch/${film}`);
  await byRole(page, 'button', 'Play');
  await checkScreen(page, 'watch-dark', texts);
  await close(page);
});

test('pre-join and the room of a facilitator', { skip, timeout: 180000 }, async () => {
  host = await open(chromium, server.link('facilitator'));
  await byRole(host, 'button', 'Join');
  await checkScreen(host, 'pre-join', texts);
  await press(host, 'button', 'Set up camera and microphone');
  await until('the camera preview', () => host.evaluate(() => document.querySelector('video')?.videoWidth > 0), { deadlineMs: 20000 });
  await checkScreen(host, 'pre-join-devices', texts);
  await fill(host, 'textbox', /^Your name/, HOST);
  await press(host, 'button', 'Join');
  await byRole(host, 'button', 'Start session', { deadlineMs: 20000 });
  await checkScreen(host, 'room-waiting', texts, { names: [HOST] });
  await startSession(host);
  await press(host, 'button', 'Chat');
  await say(host, 'Welcome. Questions may be asked in English or Japanese.');
  await until('the message', () => host.evaluate(() => document.querySelectorAll('.message:not(.is-pending)').length > 0));
  await checkScreen(host, 'room-facilitator-chat', texts, { names: [HOST] });
  quiet(host);
});

test('by keyboard alone from the link to the farewell', { skip, timeout: 150000 }, async () => {
  const page = await open(chromium, server.link('participants'));
  await byRole(page, 'button', 'Join');
  await tabTo(page, /^Your name/);
  await page.keyboard.type(GUEST);
  await tabTo(page, /^Set up camera/);
  await page.keyboard.press('Enter');
  await until('the camera preview', () => page.evaluate(() => document.querySelector('video')?.videoWidth > 0), { deadlineMs: 20000 });
  await tabTo(page, /^Join$/);
  await page.keyboard.press('Enter');
  await byRole(page, 'button', 'Leave', { deadlineMs: 20000 });
  await seesVideos(page, 1, { deadlineMs: 30000 });

  for (const wanted of ['true', 'false']) {
    await tabTo(page, /^Microphone$/);
    await page.keyboard.press('Enter');
    await until(`the microphone pressed=${wanted}`, () => page.evaluate((value) => document.activeElement.getAttribute('aria-pressed') === value, wanted));
  }
  await tabTo(page, /^Chat$/);
  await page.keyboard.press('Enter');
  if (!(await page.evaluate(() => document.activeElement?.id === 'chat-text'))) await tabTo(page, /^Your message/);
  await page.keyboard.type('How often is the map revised?');
  await page.keyboard.press('Enter');
  await hasText(host, 'How often is the map revised?');
  await conversionDoesNotSend(page);
  await tabTo(page, /^Hand$/);
  await page.keyboard.press('Space');
  await until('the hand up', () => page.evaluate(() => document.activeElement.getAttribute('aria-pressed') === 'true'));

  await tabTo(page, /^Settings$/);
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog[open]');
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press('Tab');
    const isInside = await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest('dialog[open]') !== null);
    assert.ok(isInside, 'the focus left the dialog');
  }
  await page.keyboard.press('Escape');
  await until('the dialog to close', () => page.evaluate(() => document.querySelector('dialog[open]') === null));
  await until('the focus to be back on Settings', () => page.evaluate(() => document.activeElement.innerText.trim() === 'Settings'));

  await checkScreen(page, 'room-participant', texts, { names: [HOST, GUEST] });
  await tabTo(page, /^Leave$/);
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog[open]');
  await tabTo(page, /^Leave/);
  await page.keyboard.press('Enter');
  await hasText(page, 'You have left');
  await checkScreen(page, 'left', texts);
  quiet(page);
  await close(page);
});

test('people, a removed guest, and the end', { skip, timeout: 180000 }, async () => {
  const { event } = await server.json('/api/v1/join', { headers: { authorization: `Bearer ${tokenOf(server.link('facilitator'))}` } });
  const link = (await server.cli('link', event.id, '--role', 'participant')).match(/https?:\S+/)[0];
  const guest = await newPage(chromium);
  await join(guest, link, GUEST, { devices: null });
  await press(host, 'button', /^People/);
  await byRole(host, 'button', `Remove: ${GUEST}`);
  await checkScreen(host, 'room-facilitator-people', texts, { names: [HOST, GUEST] });
  await press(host, 'button', `Remove: ${GUEST}`);
  await host.waitForSelector('dialog[open]');
  await (await host.$$('dialog[open] button')).at(-1).click();
  await guest.waitForSelector('[data-over="removed"]');
  await checkScreen(guest, 'removed', texts);
  await close(guest);
  quiet(host);
});

test('refused and missing devices: each its own words, and listening works', { skip, timeout: 240000 }, async () => {
  const ways = [
    ['Chromium refuses', () => launchChromium({ isAllowed: false }), ['does not allow the microphone', 'does not allow the camera']],
    ['Chromium has no devices', () => launchChromium({ args: ['--use-fake-device-for-media-stream=device-count=0'] }), ['No camera was found']],
    ['Firefox refuses', () => launchFirefox({ prefs: { 'media.navigator.permission.disabled': false, 'permissions.default.camera': 2, 'permissions.default.microphone': 2 } }),
      ['does not allow the microphone', 'does not allow the camera']],
  ];
  for (const [name, launch, said] of ways) {
    const browser = await launch();
    try {
      const page = await open(browser, server.link('participants'));
      await fill(page, 'textbox', /^Your name/, name);
      await press(page, 'button', 'Set up camera and microphone');
      for (const text of said) await hasText(page, text);
      await screenshot(page, path(ROOT, `build/screens/devices-${name.toLowerCase().replaceAll(' ', '-')}.png`));
      await press(page, 'button', 'Join listening only');
      await byRole(page, 'button', 'Leave', { deadlineMs: 20000 });
      await seesVideos(page, 1, { deadlineMs: 30000 });
      quiet(page);
    } finally {
      await browser.close();
    }
  }
});

test('Firefox refuses nothing of ours', { skip, timeout: 120000 }, async () => {
  firefox = await launchFirefox();
  const page = await open(firefox, server.url, NARROW);
  await hasText(page, 'Flood drills with the neighbours');
  await page.goto(`${server.url}/watch/${film}`);
  await until('the film', () => page.evaluate(() => document.querySelector('video')?.readyState >= 1), { deadlineMs: 30000 });
  await page.goto(`${server.url}/sign-in`);
  await byRole(page, 'button', 'Sign in');
  await join(page, server.link('participants'), GUEST);
  await seesVideos(page, 1, { deadlineMs: 30000 });
  quiet(page);
  await close(page);
});

test('the session is over', { skip, timeout: 90000 }, async () => {
  await endSession(host);
  await hasText(host, 'The session is over');
  await checkScreen(host, 'over', texts, { names: [HOST] });
  quiet(host);
});

// ---- the keyboard

/** Presses Tab until the focus is on what has this name, and demands that the focus can be seen at every stop. */
async function tabTo(page, name, stops = 60) {
  const passed = [];
  for (let i = 0; i < stops; i++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const element = document.activeElement;
      if (element === null || element === document.body) return null;
      const style = getComputedStyle(element);
      const label = element.getAttribute('aria-label') ?? element.labels?.[0]?.innerText ?? element.innerText ?? '';
      return { label: label.trim(), outline: style.outlineStyle, width: parseFloat(style.outlineWidth), tag: element.tagName };
    });
    if (at === null) continue;
    assert.ok(at.outline !== 'none' && at.width >= 2, `the focus cannot be seen on ${at.tag} "${at.label}"`);
    passed.push(at.label);
    if (name.test(at.label)) return;
  }
  assert.fail(`Tab never reached ${name}; it passed ${passed.join(' | ')}`);
}

/** In the chat's text: the Enter that ends a conversion keeps the text, the next one sends it. */
async function conversionDoesNotSend(page) {
  const keyboard = await page.createCDPSession();
  await page.focus('#chat-text');
  await keyboard.send('Input.imeSetComposition', { text: 'ぼうさい', selectionStart: 4, selectionEnd: 4 });
  const before = await page.evaluate(() => document.querySelectorAll('.message').length);
  for (const type of ['rawKeyDown', 'keyUp']) {
    await keyboard.send('Input.dispatchKeyEvent', { type, key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 229, nativeVirtualKeyCode: 229 });
  }
  await keyboard.send('Input.insertText', { text: '防災' });
  // Safari ends the composition before the key: only its code 229 tells.
  await page.evaluate(() => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true })));
  await page.evaluate(() => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true, cancelable: true })));
  assert.equal(await page.evaluate(() => document.activeElement.value), '防災');
  assert.equal(await page.evaluate(() => document.querySelectorAll('.message').length), before);
  await page.keyboard.press('Enter');
  await until('the text to be sent', () => page.evaluate(() => document.querySelector('#chat-text').value === ''));
  await keyboard.detach();
}
