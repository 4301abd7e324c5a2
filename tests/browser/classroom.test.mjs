// What a live session needs beyond sound and picture: lobby, floor, questions, polls, agenda, captions, shared screens, phones.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { byRole, fill, hasText, launchChromium, launchFirefox, missing, newPage, press, screenshot, seesVideos } from '../support/browser.mjs';
import { makeMedia } from '../support/media.mjs';
import { checkScreen, complaints, loadTexts, reportRefusedContent, NARROW, tooWide, WIDE } from '../support/screens.mjs';
import { ROOT, Server, until } from '../support/server.mjs';
import { SignalClient, tokenOf } from '../support/signal.mjs';
import { endSession, join, openPanel as panel, startSession } from './steps.mjs';

const skip = missing() ?? false;
const HOST = '佐藤 美香';
const GUEST = 'Nguyễn Thị Hoa';
const FIRST = 'A. Rahman';
const SECOND = '田中 太郎';
const names = [HOST, GUEST, FIRST, SECOND, `${GUEST} (you)`, `${HOST} (you)`, `${GUEST}（自分）`, `${HOST}（自分）`];
let work, server, texts, chromium, firefox, host, guest, first, second;

async function open(browser, link, options) {
  const page = await newPage(browser, options);
  await reportRefusedContent(page);
  await page.goto(link);
  return page;
}

const until$ = (what, page, selector) => until(what, () => page.evaluate((one) => document.querySelector(one) !== null, selector));

before(async () => {
  if (skip) return;
  work = mkdtempSync(path(tmpdir(), 'manabi-classroom-'));
  const media = makeMedia(path(tmpdir(), 'manabi-media'));
  [texts, server] = await Promise.all([loadTexts(), Server.start()]);
  [chromium, firefox] = await Promise.all([launchChromium({ camera: media.street, microphone: media.tone440 }), launchFirefox()]);
});

after(async () => {
  await Promise.all([chromium, firefox].map((browser) => browser?.close().catch(() => {})));
  first?.close();
  second?.close();
  await server?.stop();
  if (work) rmSync(work, { recursive: true, force: true });
});

/** A PDF with one line of text a page. */
function pdfOf(lines) {
  const kids = lines.map((_, index) => `${4 + 2 * index} 0 R`).join(' ');
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>', `<< /Type /Pages /Kids [${kids}] /Count ${lines.length} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  for (const [index, line] of lines.entries()) {
    const drawing = `BT /F1 48 Tf 60 250 Td (${line}) Tj ET`;
    objects.push(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 640 360] /Resources << /Font << /F1 3 0 R >> >> /Contents ${5 + 2 * index} 0 R >>`);
    objects.push(`<< /Length ${drawing.length} >>\nstream\n${drawing}\nendstream`);
  }
  let body = '%PDF-1.4\n';
  const offsets = objects.map((object, index) => {
    const at = body.length;
    body += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return at;
  });
  const table = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('');
  return `${body}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}trailer << /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${body.length}\n%%EOF\n`;
}

test('people wait in the lobby until the facilitator lets them in', { skip, timeout: 120000 }, async () => {
  host = await open(chromium, server.link('facilitator'));
  await join(host, server.link('facilitator'), HOST);
  await startSession(host);
  await panel(host, 'Facilitate');
  await (await byRole(host, 'checkbox', /^Lobby/)).click();
  guest = await open(firefox, server.link('participants'));
  await fill(guest, 'textbox', /^Your name/, GUEST);
  await press(guest, 'button', 'Join listening only');
  await until$('the lobby', guest, '[data-waiting="lobby"]');
  await checkScreen(guest, 'lobby', texts);
  await byRole(host, 'button', `Let in: ${GUEST}`);
  await checkScreen(host, 'host-panel', texts, { names });
  await press(host, 'button', `Let in: ${GUEST}`);
  await seesVideos(guest, 1, { deadlineMs: 30000 });
  await (await byRole(host, 'checkbox', /^Lobby/)).click();
  assert.deepEqual(complaints(guest), []);
});

test('hands stand in the same order for everyone, and the floor has a timer', { skip, timeout: 90000 }, async () => {
  const token = tokenOf(server.link('participants'));
  first = await SignalClient.join(server.url, token, FIRST);
  second = await SignalClient.join(server.url, token, SECOND);
  await second.ask('hand', { raised: true });
  await press(guest, 'button', 'Hand');
  await until$('my place', guest, '.bar-count[data-count="2"]');
  await first.ask('hand', { raised: true });
  await press(host, 'button', /^People/);
  await press(guest, 'button', /^People/);
  const order = (page) => page.evaluate(() => [...document.querySelectorAll('.hands li')].map((one) => one.innerText.replace(/\s*Give floor/, '').replace(/^\d+\s*/, '').trim()));
  for (const page of [host, guest]) await until('three hands', async () => (await order(page)).length === 3);
  assert.deepEqual(await order(host), [SECOND, GUEST, FIRST]);
  assert.deepEqual(await order(guest), [SECOND, GUEST, FIRST]);
  await (await byRole(host, 'combobox', 'Time to speak')).select('2');
  await press(host, 'button', `Give floor: ${GUEST}`);
  await hasText(guest, 'You have the floor');
  await hasText(guest, 'left');
  await hasText(host, `${GUEST} has the floor`);
  assert.equal(await host.evaluate(() => document.querySelectorAll('.hands li').length), 2);
  await press(host, 'button', `More: ${GUEST}`);
  await checkScreen(host, 'people-panel', texts, { names });
  await press(guest, 'button', 'I am done');
  await until('the floor to be free', () => host.evaluate(() => document.querySelector('[data-floor]') === null));
});

test('a role changes while the session runs', { skip, timeout: 60000 }, async () => {
  const role = await byRole(host, 'combobox', 'Role');
  await role.select('presenter');
  await hasText(guest, 'Your role is now: Presenter');
  await role.select('participant');
  await hasText(guest, 'Your role is now: Participant');
});

test('questions, votes, answers', { skip, timeout: 90000 }, async () => {
  await press(guest, 'button', /^Questions/);
  await fill(guest, 'textbox', 'Your question', 'How often is the map revised? https://example.org/map');
  await guest.keyboard.press('Enter');
  await until$('the question', guest, '.question');
  const { question } = await first.event('question');
  await second.ask('ask', { text: '訓練は年に何回ですか。', key: 'q1' });
  await first.ask('vote-question', { question: question.id, on: true });
  await until('the vote', () => guest.evaluate(() => document.querySelector('.question')?.innerText.includes('1 vote')));
  const link = await guest.evaluate(() => { const a = document.querySelector('.question a'); return { href: a.href, rel: a.rel, target: a.target }; });
  assert.deepEqual(link, { href: 'https://example.org/map', rel: 'noopener noreferrer nofollow', target: '_blank' });
  await press(host, 'button', /^Questions/);
  await until('both questions', () => host.evaluate(() => document.querySelectorAll('.question').length === 2));
  await checkScreen(host, 'questions-panel', texts, { names });
  await press(host, 'button', 'Mark as answered');
  await until$('it is answered', guest, '.question.is-answered');
  await press(host, 'button', 'Hide');
});

test('a poll from draft to result', { skip, timeout: 90000 }, async () => {
  await panel(host, 'Polls');
  await press(host, 'button', 'New poll');
  await press(host, 'button', 'Save poll');
  await hasText(host, 'at least two different answers');
  await fill(host, 'textbox', 'Question', 'Which drill helps most?');
  await fill(host, 'textbox', 'Answer 1', 'At school');
  await fill(host, 'textbox', 'Answer 2', '夜間の訓練');
  await checkScreen(host, 'poll-form', texts, { names });
  await press(host, 'button', 'Save poll');
  await press(host, 'button', 'Start voting');
  await press(guest, 'button', 'Vote');
  await (await byRole(guest, 'radio', '夜間の訓練')).click();
  await checkScreen(guest, 'poll-vote', texts, { names });
  await press(guest, 'button', 'Vote');
  await hasText(guest, 'Your vote is counted');
  await until('the result', () => host.evaluate(() => document.querySelector('.poll')?.innerText.includes('夜間の訓練: 1 (100 %)')));
  await press(host, 'button', 'Close voting');
  await until$('it is closed', guest, '[data-poll-state="closed"]');
});

test('agenda, note and captions', { skip, timeout: 90000 }, async () => {
  await panel(host, 'Agenda');
  await press(host, 'button', 'Edit agenda');
  await fill(host, 'textbox', 'Title in English', 'Opening words');
  await fill(host, 'textbox', 'Title in Japanese', '開会のことば');
  await press(host, 'button', 'Save agenda');
  await press(host, 'button', 'Start: Opening words');
  await panel(guest, 'Agenda');
  await until$('the current item', guest, '.agenda-item.is-current');
  await checkScreen(guest, 'agenda-panel', texts, { names });
  await panel(host, 'Facilitate');
  await fill(host, 'textbox', 'In English', 'Back at 15:00.');
  await fill(host, 'textbox', 'In Japanese', '15時に再開します。');
  await press(host, 'button', 'Show note');
  await hasText(guest, 'Back at 15:00.');
  await hasText(guest, '15時に再開します。');
  await press(host, 'button', 'Take note away');
  await until('the note to go', () => guest.evaluate(() => document.querySelector('.note-banner') === null));

  await panel(guest, 'Captions');
  await (await byRole(guest, 'combobox', 'Captions under the stage')).select('en');
  await panel(host, 'Captions');
  await fill(host, 'textbox', 'Caption', 'Welcome to the session');
  await until('words while they are typed', () => guest.evaluate(() => document.querySelector('.captions')?.innerText.startsWith('W')));
  await host.keyboard.press('Enter');
  await until('the line', () => guest.evaluate(() => document.querySelector('.captions')?.innerText.includes('Welcome to the session')));
  await checkScreen(host, 'captions-panel', texts, { names: [...names, 'Welcome to the session'] });
});

test('chat to the facilitators stays with them', { skip, timeout: 60000 }, async () => {
  await press(guest, 'button', /^Chat/);
  await guest.waitForSelector('#chat-to');
  await guest.select('#chat-to', 'facilitators');
  await guest.type('#chat-text', 'I cannot hear the speaker');
  await guest.keyboard.press('Enter');
  await press(host, 'button', /^Chat/);
  await hasText(host, 'I cannot hear the speaker');
  await hasText(host, 'to facilitators');
  assert.equal(first.told.some((message) => message.type === 'chat'), false, 'a participant got a message for the facilitators');
});

test('a shared screen is large, and stops', { skip, timeout: 90000 }, async () => {
  await press(host, 'button', 'Share screen');
  const shows = (page) => page.evaluate(() => {
    const video = document.querySelector('video[data-source="screen"]');
    return video !== null && video.videoWidth > 0 && video.readyState >= 2;
  });
  await until('the screen in Firefox', () => shows(guest), { deadlineMs: 30000 });
  await screenshot(guest, path(ROOT, 'build/screens/shared-screen.png'));
  await panel(host, 'Facilitate');
  await press(host, 'button', 'Stop all screens').catch(() => undefined);
  await press(host, 'button', 'Stop sharing');
  await until('it to go', () => guest.evaluate(() => document.querySelector('video[data-source="screen"]') === null));
  await seesVideos(guest, 1, { deadlineMs: 30000 });
});

test('slides from a PDF: the facilitator turns pages, everyone sees them', { skip, timeout: 120000 }, async () => {
  const file = path(work, 'hazard map.pdf');
  writeFileSync(file, pdfOf(['Hazard map 2016', 'Evacuation routes', 'Thank you']));
  await panel(host, 'Slides');
  await (await host.waitForSelector('#slides-file')).uploadFile(file);
  await press(host, 'button', 'Show: hazard map', { deadlineMs: 60000 });
  const shows = (page, number) => until(`page ${number}`, () => page.evaluate((wanted) => {
    const image = document.querySelector(`.slide[data-page="${wanted}"] img`);
    return image !== null && image.complete && image.naturalWidth > 0;
  }, number), { deadlineMs: 30000 });
  await Promise.all([shows(host, 1), shows(guest, 1)]);
  await press(host, 'button', 'Next page');
  await shows(guest, 2);
  const box = await (await host.$('.slide-page')).boundingBox();
  await host.mouse.move(box.x + box.width / 4, box.y + box.height / 2);
  await host.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await until$('the pointer', guest, '.slide-pointer');
  await checkScreen(host, 'slides', texts, { names: [...names, 'hazard map', 'Show: hazard map', 'Remove: hazard map'] });
  await press(host, 'button', 'Stop showing');
  await until('the slides to go', () => guest.evaluate(() => document.querySelector('.slide') === null));
  const broken = path(work, 'letter.pdf');
  writeFileSync(broken, 'Dear organisers');
  await (await host.waitForSelector('#slides-file')).uploadFile(broken);
  await hasText(host, 'it is not a PDF');
  host.problems = host.problems.filter((problem) => !/status of 422/.test(problem));
});

test('a list of keys, and layouts by key', { skip, timeout: 60000 }, async () => {
  await guest.focus('#main');
  await guest.keyboard.press('?');
  await until$('the list of keys', guest, 'dialog[open]');
  await hasText(guest, 'Q: questions');
  await guest.keyboard.press('Escape');
  await until('it to close', () => guest.evaluate(() => document.querySelector('dialog[open]') === null));
  await guest.focus('#main');
  await guest.keyboard.press('w');
  await guest.keyboard.press('w');
  await until$('the gallery', guest, '.gallery');
  await guest.keyboard.press('w');
  await until$('one large', guest, '.lead');
});

test('on a phone, upright and on its side, the bar stays free', { skip, timeout: 90000 }, async () => {
  for (const [name, size] of [['upright', NARROW], ['side', { width: 640, height: 320 }], ['side-wide', { width: 844, height: 390 }]]) {
    await host.setViewport(size);
    if (await host.$('.side-panel')) await host.click('.side-panel-head .icon-button');
    await until('the panel to close', () => host.evaluate(() => document.querySelector('.side-panel') === null));
    await screenshot(host, path(ROOT, `build/screens/phone-${name}.png`));
    assert.deepEqual(await tooWide(host), [], name);
    await host.click('#chat-button');
    await host.waitForSelector('#chat-text');
    const hidden = await host.evaluate(() => [...document.querySelectorAll('.room-bar button, .side-panel-head button, #chat-text')].filter((one) => {
      const box = one.getBoundingClientRect();
      if (box.width === 0) return false;
      const at = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
      return !one.contains(at) || box.bottom > innerHeight + 1;
    }).map((one) => `${one.id || one.ariaLabel} under ${document.elementFromPoint(one.getBoundingClientRect().left + 9, one.getBoundingClientRect().top + 9)?.className}`));
    assert.deepEqual(hidden, [], name);
    assert.deepEqual(await tooWide(host), [], name);
    await screenshot(host, path(ROOT, `build/screens/phone-${name}-chat.png`));
    await host.click('#more-button');
    await host.waitForSelector('.more-list');
    await screenshot(host, path(ROOT, `build/screens/phone-${name}-more.png`));
  }
  await host.setViewport(WIDE);
  await checkScreen(host, 'more-panel', texts, { names });
  assert.deepEqual(complaints(host), []);
  assert.deepEqual(complaints(guest), []);
});

test('what is left of the session: numbers, polls, and files', { skip, timeout: 90000 }, async () => {
  await endSession(host);
  await hasText(host, 'This session in numbers');
  await hasText(host, '夜間の訓練: 1 (100 %)');
  await checkScreen(host, 'summary', texts, { names: [...names, ...['attendance', 'chat', 'questions', 'polls'].map((name) => `${name}.csv`), 'captions-en.vtt'] });
  const folder = path(work, 'downloads');
  const client = await host.createCDPSession();
  await client.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: folder, browserContextId: host.browserContext().id });
  await press(host, 'button', 'attendance.csv');
  const text = await until('the file', () => existsSync(path(folder, 'attendance.csv')) && readFileSync(path(folder, 'attendance.csv'), 'utf8'));
  assert.ok(text.includes(GUEST) && text.includes(SECOND), text);
  assert.deepEqual(complaints(host), []);
});
