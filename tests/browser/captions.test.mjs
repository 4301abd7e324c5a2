// Captions of a film: a file in Shift_JIS is brought, corrected by keyboard beside the film, kept over a lost tab, and shown to watchers.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { byRole, fill, hasText, launchChromium, missing, newPage, press } from '../support/browser.mjs';
import { checkScreen, complaints, loadTexts, reportRefusedContent } from '../support/screens.mjs';
import { Server, until } from '../support/server.mjs';

const skip = missing() ?? false;
const PASSWORD = 'learning between cities';
const NAMES = { names: ['Flood drills', '洪水訓練'] };
const asked = [];
let server, texts, chromium, work, film, page;

const SRT = '1\r\n00:00:01,000 --> 00:00:03,000\r\n防災訓練を始めます。\r\n\r\n2\r\n00:00:04,000 --> 00:00:06,000\r\n<script>alert(1)</script>\r\n';

const vtt = () => page.evaluate(async (id) => (await fetch(`/api/v1/recordings/${id}/captions.vtt?lang=ja`)).text(), film);
const draftOf = () => page.evaluate((id) => localStorage.getItem(`manabi.captions.${id}.ja`), film);

before(async () => {
  if (skip) return;
  work = mkdtempSync(path(tmpdir(), 'manabi-captions-'));
  [texts, server] = await Promise.all([loadTexts(), Server.start()]);
  chromium = await launchChromium();
  const clip = path(work, 'clip.mkv');
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=12',
    '-f', 'lavfi', '-i', 'sine=frequency=300:duration=12', '-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'flac', clip]);
  const imported = await server.cli('import', clip, '--city', '40100', '--area', 'disaster-risk-management', '--title', 'Flood drills',
    '--title-ja', '洪水訓練', '--language', 'ja');
  [film] = imported.match(/[0-9a-hjkmnp-tv-z]{26}/);
  page = await newPage(chromium);
  page.on('dialog', (dialog) => { asked.push(dialog.type()); void dialog.accept(); });
  await reportRefusedContent(page);
  await page.goto(server.link('administrator'));
  await fill(page, 'textbox', /^New password/, PASSWORD);
  await press(page, 'button', 'Save password');
  await hasText(page, 'Work on films');
  await until('the film', () => page.evaluate(async (id) => {
    const now = await (await fetch(`/api/v1/recordings/${id}`)).json();
    return now.playlist && !now.is_at_work;
  }, film), { deadlineMs: 90000 });
});

after(async () => {
  await chromium?.close().catch(() => {});
  await server?.stop();
  if (work) rmSync(work, { recursive: true, force: true });
});

async function bring(name, bytes) {
  const file = path(work, name);
  writeFileSync(file, bytes);
  const input = await page.waitForSelector('#caption-file');
  await input.uploadFile(file);
}

test('a file in Shift_JIS is brought, one with wrong times is refused by line', { skip, timeout: 120000 }, async () => {
  await page.goto(`${server.url}/review/${film}`);
  await press(page, 'link', 'Edit captions');
  await hasText(page, 'No captions in this language yet');
  await checkScreen(page, 'captions-empty', texts, NAMES);
  await bring('wrong.srt', '1\n00:00:05,000 --> 00:00:04,000\nx\n');
  await hasText(page, 'Line 2: it ends before it begins');
  const shiftJis = execFileSync('iconv', ['-f', 'UTF-8', '-t', 'CP932'], { input: SRT });
  await bring('captions.srt', shiftJis);
  await hasText(page, '防災訓練を始めます。');
  assert.equal(await vtt(), 'WEBVTT\n\n00:00:01.000 --> 00:00:03.000\n防災訓練を始めます。\n\n'
    + '00:00:04.000 --> 00:00:06.000\n&lt;script&gt;alert(1)&lt;/script&gt;\n\n');
});

test('by keyboard alone a caption is corrected, timed, split and added; nothing typed is lost', { skip, timeout: 120000 }, async () => {
  await page.focus('.cue-row');
  await page.keyboard.press('Enter');
  await until('the text has the focus', () => page.evaluate(() => document.activeElement?.id === 'cue-text'));
  await checkScreen(page, 'captions', texts, { names: [...NAMES.names, '防災訓練を始めます。', '<script>alert(1)</script>', '日本語'] });
  await page.focus('#cue-text');
  await page.keyboard.press('End');
  await page.keyboard.type(' よろしく');
  // A tab that is lost: what was typed is there again.
  await until('the draft', async () => (await draftOf())?.includes('よろしく'));
  await page.goto('about:blank');
  await page.goto(`${server.url}/review/${film}/captions?language=ja`);
  assert.deepEqual(asked, ['beforeunload']);
  await hasText(page, 'Changes that you had not saved were brought back.');
  await hasText(page, '防災訓練を始めます。 よろしく');
  // To the second one, whose end is set where the film stands; then a new one after it.
  await page.focus('.cue-row');
  await page.keyboard.press('Enter');
  await page.keyboard.down('Alt');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.up('Alt');
  await until('the second', () => page.evaluate(() => document.querySelector('#cue-text')?.value.startsWith('<script>')));
  await until('the film is there', () => page.evaluate(() => Math.abs(document.querySelector('video').currentTime - 4) < 0.3));
  await page.evaluate(() => { document.querySelector('video').currentTime = 7.5; });
  await until('the film moved', () => page.evaluate(() => document.querySelector('video').currentTime > 7.3 && !document.querySelector('video').seeking));
  await until('its end', async () => {
    await page.keyboard.press('F9');
    return page.evaluate(() => document.querySelector('#cue-to').value.startsWith('0:07'));
  });
  await page.keyboard.down('Control');
  await page.keyboard.press('Enter');
  await page.keyboard.up('Control');
  await until('the new one', () => page.evaluate(() => document.querySelector('#cue-text')?.value === '' && document.activeElement?.id === 'cue-text'));
  await page.keyboard.type('おわり');
  await page.keyboard.down('Control');
  await page.keyboard.press('s');
  await page.keyboard.up('Control');
  await until('saved', async () => /おわり/.test(await vtt()), { deadlineMs: 10000 });
  const saved = await vtt();
  assert.match(saved, /^WEBVTT\n\n00:00:01\.000 --> 00:00:03\.000\n防災訓練を始めます。 よろしく\n\n00:00:04\.000 --> 00:00:07\.\d{3}\n&lt;script&gt;/, saved);
  await until('no draft is left', async () => (await draftOf()) === null);
});

test('who saves over somebody else is told, and decides', { skip, timeout: 120000 }, async () => {
  await page.reload();
  await page.waitForSelector('.cue-row');
  await page.focus('.cue-row');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#cue-text');
  await page.keyboard.type('!');
  const answer = await page.evaluate(async (id) => (await fetch(`/api/v1/recordings/${id}/captions/ja`, {
    method: 'PUT', headers: { 'Content-Type': 'application/octet-stream' }, body: 'WEBVTT\n\n00:01.000 --> 00:02.000\ntheirs\n',
  })).status, film);
  assert.equal(answer, 200);
  await press(page, 'button', 'Save captions');
  await hasText(page, 'Somebody else saved captions in this language meanwhile.');
  assert.match(await vtt(), /theirs/);
  await press(page, 'button', 'Save mine over theirs');
  await until('mine', async () => /おわり/.test(await vtt()));
  await page.goto(`${server.url}/watch/${film}`);
  await press(page, 'button', 'Transcript');
  await hasText(page, 'おわり');
  await byRole(page, 'combobox', /^Captions/);
  const refused = complaints(page).filter((line) => !/409|422/.test(line));
  assert.deepEqual(refused, []);
});

test('captions are removed after a question', { skip, timeout: 60000 }, async () => {
  await page.goto(`${server.url}/review/${film}/captions?language=ja`);
  await press(page, 'button', 'Remove all in this language');
  await hasText(page, 'Remove the captions in this language?');
  await page.evaluate(() => [...document.querySelectorAll('dialog .button')].at(-1).click());
  await until('gone', async () => await vtt() === 'WEBVTT\n\n');
  await hasText(page, 'No captions in this language yet');
});
