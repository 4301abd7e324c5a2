// Doors that do not open and rooms that end: each says in the reader's language what happened and what to do next.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { byRole, fill, hasText, launchChromium, missing, newPage, press, screenshot } from '../support/browser.mjs';
import { makeMedia } from '../support/media.mjs';
import { checkScreen, loadTexts } from '../support/screens.mjs';
import { ROOT, Server, until } from '../support/server.mjs';
import { SignalClient, tokenOf } from '../support/signal.mjs';
import { join } from './steps.mjs';

const skip = missing() ?? false;
const GUEST = 'Nguyễn Thị Hoa';
let server, texts, chromium, facilitator, event, hostToken;

before(async () => {
  if (skip) return;
  const media = makeMedia(path(tmpdir(), 'manabi-media'));
  [texts, server] = await Promise.all([loadTexts(), Server.start()]);
  chromium = await launchChromium({ camera: media.street, microphone: media.tone440 });
  hostToken = tokenOf(server.link('facilitator'));
  facilitator = await SignalClient.join(server.url, hostToken, 'Mika Sato');
  await facilitator.ask('start-session');
  event = (await server.json('/api/v1/join', { headers: asHost() })).event.id;
});

after(async () => {
  facilitator?.close();
  await chromium?.close().catch(() => {});
  await server?.stop();
});

const asHost = () => ({ authorization: `Bearer ${hostToken}`, 'content-type': 'application/json' });
const close = (page) => page.browserContext().close();

async function makeLink(fields) {
  return server.json(`/api/v1/events/${event}/links`, { method: 'POST', headers: asHost(), body: JSON.stringify({ role: 'participant', ...fields }) });
}

/** From the door into whatever comes; the page then shows what `selector` names. */
async function enter(page, link, name, selector) {
  await page.goto(link);
  await fill(page, 'textbox', /^Your name/, name);
  await press(page, 'button', 'Join listening only');
  await page.waitForSelector(selector, { timeout: 20000 });
}

test('a second tab takes the place, and the first one says so', { skip, timeout: 90000 }, async () => {
  const first = await newPage(chromium);
  await join(first, server.link('participants'), GUEST, { devices: null });
  // A tab that the browser makes of another one holds the same place.
  const held = await until('the place to be kept', () => first.evaluate(() =>
    Object.keys(sessionStorage).some((key) => key.includes('resume')) && Object.entries(sessionStorage)));
  const second = await first.browserContext().newPage();
  await second.evaluateOnNewDocument((entries) => entries.forEach(([key, value]) => sessionStorage.setItem(key, value)), held);
  await second.goto(`${server.url}/join`);
  await press(second, 'button', 'Join listening only', { deadlineMs: 20000 });
  await byRole(second, 'button', 'Leave', { deadlineMs: 20000 });
  await first.bringToFront();
  await first.waitForSelector('[data-over="replaced"]', { timeout: 20000 });
  await checkScreen(first, 'over-replaced', texts, { names: [GUEST] });
  await byRole(first, 'button', 'Join again');
  assert.equal(facilitator.told.filter(({ type, peer }) => type === 'peer-joined' && peer?.name === GUEST).length, 1, 'it is the same person');
  await close(first);
});

test('in the lobby one waits, and who is not let in reads why', { skip, timeout: 90000 }, async () => {
  await facilitator.ask('settings', { lobby: true });
  const page = await newPage(chromium);
  await enter(page, server.link('participants'), 'Rosa Mendes', '[data-waiting="lobby"]');
  await checkScreen(page, 'lobby', texts, { names: ['Rosa Mendes'] });
  const { lobby } = await facilitator.hears('who waits', (told) => told.kind === 'lobby' && told.lobby.some(({ name, is_here }) => name === 'Rosa Mendes' && is_here));
  await facilitator.ask('refuse', { peer: lobby.find(({ name }) => name === 'Rosa Mendes').id, text: 'This seminar is for city officials.' });
  await page.waitForSelector('[data-over="not-admitted"]', { timeout: 20000 });
  await hasText(page, 'This seminar is for city officials.');
  await checkScreen(page, 'over-not-admitted', texts, { names: ['This seminar is for city officials.'] });
  await facilitator.ask('settings', { lobby: false });
  await close(page);
});

test('a locked room and a full one say when to come back', { skip, timeout: 90000 }, async () => {
  const page = await newPage(chromium);
  await facilitator.ask('settings', { is_locked: true });
  await enter(page, server.link('participants'), '田中 太郎', '[data-over="refused"]');
  await hasText(page, 'locked the room');
  await checkScreen(page, 'over-locked', texts);
  await facilitator.ask('settings', { is_locked: false });

  const someone = await SignalClient.join(server.url, tokenOf(server.link('participants')), 'Ana Lima');
  await server.json(`/api/v1/events/${event}`, { method: 'PATCH', headers: asHost(), body: JSON.stringify({ capacity: 1 }) });
  await press(page, 'button', 'Join again');
  await press(page, 'button', 'Join listening only', { deadlineMs: 20000 });
  await hasText(page, 'The room is full', { deadlineMs: 20000 });
  await checkScreen(page, 'over-full', texts);
  await server.json(`/api/v1/events/${event}`, { method: 'PATCH', headers: asHost(), body: JSON.stringify({ capacity: 0 }) });
  await press(page, 'button', 'Join again');
  await press(page, 'button', 'Join listening only', { deadlineMs: 20000 });
  await byRole(page, 'button', 'Leave', { deadlineMs: 20000 });
  someone.close();
  await close(page);
});

test('a link that is over, and one that was taken back', { skip, timeout: 90000 }, async () => {
  const expired = await makeLink({ expires_at: new Date(Date.now() + 3000).toISOString().replace(/\.\d+Z$/, 'Z') });
  const revoked = await makeLink({});
  await server.fetch(`/api/v1/links/${revoked.id}`, { method: 'DELETE', headers: asHost() });
  const opens = async (link) => (await server.fetch('/api/v1/join', { headers: { authorization: `Bearer ${tokenOf(link.url)}` } })).status;
  await until('the link to expire', async () => (await opens(expired)) === 401, { deadlineMs: 30000 });
  for (const [name, link, said] of [['expired', expired, /expired|no longer|over/i], ['revoked', revoked, /withdrawn|revoked|taken back|no longer|cancelled/i]]) {
    const page = await newPage(chromium);
    await page.goto(link.url);
    await hasText(page, 'This link cannot be used', { deadlineMs: 20000 });
    const text = await page.evaluate(() => document.querySelector('main')?.innerText ?? document.body.innerText);
    assert.match(text, said);
    await checkScreen(page, `link-${name}`, texts);
    await close(page);
  }
});

test('reactions are seen, as words where the device has no font for them, and are said', { skip, timeout: 60000 }, async () => {
  const page = await newPage(chromium);
  await join(page, server.link('participants'), 'Samir Haddad', { devices: null });
  await page.evaluate(() => {
    window.seen = [];
    new MutationObserver(() => {
      for (const item of document.querySelectorAll('.reactions li')) window.seen.push({ text: item.textContent, width: item.getBoundingClientRect().width });
    }).observe(document.querySelector('.reactions'), { childList: true, subtree: true });
  });
  await facilitator.ask('react', { name: 'clap' });
  // A device without such a font shows the word.
  const seen = await until('the applause', () => page.evaluate(() => window.seen.find(({ text }) => /👏|Applause/.test(text) && text.includes('Mika Sato'))));
  assert.ok(seen.width > 20, JSON.stringify(seen));
  await screenshot(page, path(ROOT, 'build/screens/reactions.png'));
  await until('the words for who does not see it', () => page.evaluate(() => /Applause|Clap|clap/.test(document.getElementById('announce-polite').textContent)));
  await press(page, 'button', 'More');
  const row = await until('the row of reactions', () => page.evaluate(() => {
    const buttons = [...document.querySelectorAll('.reaction-row button')];
    return buttons.length > 0 && buttons.map((button) => ({ label: button.getAttribute('aria-label'), text: button.textContent, right: button.getBoundingClientRect().right }));
  }));
  const hasFont = await page.evaluate(() => document.querySelector('[data-emoji]').dataset.emoji === 'yes');
  for (const { label, text, right } of row) {
    assert.ok(right <= 1280 && (hasFont || text === label), JSON.stringify({ hasFont, row }));
  }
  await checkScreen(page, 'reactions-row', texts, { names: ['Mika Sato', 'Samir Haddad'] });
  await until('it to go again', () => page.evaluate(() => document.querySelectorAll('.reactions li').length === 0));
  await close(page);
});
