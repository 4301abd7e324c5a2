// A film is ordered for a time and published by a server that was killed meanwhile; a question to the city is asked, answered and shown;
// the administrator sees who did what.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { fill, hasText, launchChromium, missing, newPage, press } from '../support/browser.mjs';
import { checkScreen, complaints, loadTexts, reportRefusedContent } from '../support/screens.mjs';
import { Server, until } from '../support/server.mjs';

const skip = missing() ?? false;
const PASSWORD = 'learning between cities';
const NAMES = ['Flood drills', '洪水訓練', 'How deep is the <b>tank</b>?', 'Rahman', '25 metres.', '25メートルです。'];
let server, texts, chromium, work, film, page;

const ask = (address, options = {}) => page.evaluate(async (where, { method = 'GET', body }) => {
  const answer = await fetch(where, { method, ...(body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }) });
  return { status: answer.status, json: await answer.json().catch(() => null) };
}, address, options);
const recording = async () => (await ask(`/api/v1/recordings/${film}`)).json;

before(async () => {
  if (skip) return;
  work = mkdtempSync(path(tmpdir(), 'manabi-publishing-'));
  [texts, server] = await Promise.all([loadTexts(), Server.start()]);
  chromium = await launchChromium();
  const clip = path(work, 'clip.mkv');
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=4',
    '-f', 'lavfi', '-i', 'sine=frequency=300:duration=4', '-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'flac', clip]);
  const imported = await server.cli('import', clip, '--city', '40100', '--area', 'disaster-risk-management', '--title', 'Flood drills',
    '--title-ja', '洪水訓練', '--language', 'ja');
  [film] = imported.match(/[0-9a-hjkmnp-tv-z]{26}/);
  page = await newPage(chromium);
  await reportRefusedContent(page);
  await page.goto(server.link('administrator'));
  await fill(page, 'textbox', /^New password/, PASSWORD);
  await press(page, 'button', 'Save password');
  await hasText(page, 'Work on films');
  await until('the film', async () => { const now = await recording(); return now.playlist && !now.is_at_work; }, { deadlineMs: 90000 });
  await ask(`/api/v1/recordings/${film}`, { method: 'PATCH', body: { state: 'withdrawn' } });
});

after(async () => {
  await chromium?.close().catch(() => {});
  await server?.stop();
  if (work) rmSync(work, { recursive: true, force: true });
});

test('a time is set and taken back on the page', { skip, timeout: 120000 }, async () => {
  await page.goto(`${server.url}/review/${film}`);
  await hasText(page, 'Publish at a time');
  await page.evaluate(() => { document.querySelector('.publish-order details').open = true; });
  await page.waitForSelector('#publish-date');
  const set = (id, value) => page.evaluate((field, text) => {
    const input = document.querySelector(field);
    input.value = text;
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }, id, value);
  await set('#publish-date', '2020-01-01');
  await press(page, 'button', 'Publish then');
  await hasText(page, 'Choose a day and a time that is still to come');
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  await set('#publish-date', tomorrow);
  await set('#publish-time', '14:30');
  await page.select('#publish-zone', 'Asia/Tokyo');
  await press(page, 'button', 'Publish then');
  await hasText(page, 'It will be published by itself');
  const order = (await ask(`/api/v1/recordings/${film}/publishing`)).json;
  assert.deepEqual([order.publish_at, order.time_zone], [`${tomorrow}T05:30:00Z`, 'Asia/Tokyo']);
  await checkScreen(page, 'review-ordered', texts, { names: NAMES });
  await press(page, 'button', 'Do not publish it then');
  await until('the order is gone', async () => (await ask(`/api/v1/recordings/${film}/publishing`)).json.publish_at === null);
});

test('what is ordered is published on time, also when the server was killed meanwhile', { skip, timeout: 120000 }, async () => {
  const at = new Date(Date.now() + 6000).toISOString().replace(/\.\d+Z/, 'Z');
  const set = await ask(`/api/v1/recordings/${film}/publishing`, { method: 'POST', body: { publish_at: at, time_zone: 'Asia/Tokyo' } });
  assert.equal(set.status, 200, JSON.stringify(set.json));
  server.kill('manabi');
  await until('the film is published', async () => {
    const answer = await fetch(`${server.url}/api/v1/recordings/${film}`).catch(() => null);
    return answer?.status === 200;
  }, { deadlineMs: 60000 });
  assert.ok(Date.now() >= Date.parse(at), `not before ${at}`);
});

test('a question to the city is asked, answered, and shown', { skip, timeout: 120000 }, async () => {
  const context = await chromium.createBrowserContext();
  const visitor = await newPage(chromium);
  await visitor.goto(`${server.url}/watch/${film}`);
  await hasText(visitor, 'Questions to the city');
  await press(visitor, 'button', 'Send the question');
  await hasText(visitor, 'Write your question first.');
  await fill(visitor, 'textbox', 'Your question', 'How deep is the <b>tank</b>?');
  await fill(visitor, 'textbox', /^Name/, 'Rahman');
  await press(visitor, 'button', 'Send the question');
  await hasText(visitor, 'Your question has been passed on');
  await page.goto(`${server.url}/review/${film}`);
  await hasText(page, 'How deep is the <b>tank</b>?');
  await press(page, 'button', 'Save the answer and show it');
  await hasText(page, 'A question is shown with its answer only.');
  await fill(page, 'textbox', 'Answer in English', '25 metres.');
  await fill(page, 'textbox', 'Answer in Japanese', '25メートルです。');
  await press(page, 'button', 'Save the answer and show it');
  await until('it is shown', async () => (await (await fetch(`${server.url}/api/v1/recordings/${film}/questions`)).json()).items.length === 1);
  await visitor.reload();
  await hasText(visitor, '25 metres.');
  await checkScreen(visitor, 'watch-questions', texts, { names: NAMES });
  await visitor.browserContext().close();
});

test('the administrator sees who did what', { skip, timeout: 60000 }, async () => {
  await page.goto(`${server.url}/staff/audit`);
  await hasText(page, 'Published at the time ordered');
  await hasText(page, 'Question answered');
  await checkScreen(page, 'audit', texts, { names: [...NAMES, 'administrator', 'admin', 'import', 'sign-in', 'password'] });
  const outside = await fetch(`${server.url}/api/v1/audit`);
  assert.equal(outside.status, 401);
  assert.deepEqual(complaints(page).filter((line) => !/ERR_CONNECTION|502|503|422|401|404/.test(line)), []);
});

test('a document and a link belong to the film, and jump to their moment', { skip, timeout: 90000 }, async () => {
  const file = path(work, '手引き.pdf');
  writeFileSync(file, '%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n');
  await page.goto(`${server.url}/review/${film}`);
  const input = await page.waitForSelector('#product-file');
  await input.uploadFile(file);
  await hasText(page, '手引き');
  await page.evaluate(() => { document.querySelector('video').currentTime = 2; });
  await until('the film moved', () => page.evaluate(() => document.querySelector('video').currentTime > 1.9 && !document.querySelector('video').seeking));
  await until('a moment', async () => {
    const { json } = await ask(`/api/v1/recordings/${film}/products`);
    if (json.items[0]?.at_ms.length > 0) return true;
    await press(page, 'button', 'Belongs to this moment of the film');
    return false;
  });
  await page.evaluate(() => { [...document.querySelectorAll('summary')].find((one) => one.textContent === 'Add a link').parentElement.open = true; });
  await fill(page, 'textbox', /^Address/, 'javascript:alert(1)');
  await press(page, 'button', 'Add');
  await hasText(page, 'A link needs an address that begins with https://');
  await fill(page, 'textbox', /^Address/, 'https://example.org/guide');
  await page.type('#link-en', 'Field guide');
  await press(page, 'button', 'Add');
  await until('the link', async () => (await ask(`/api/v1/recordings/${film}/products`)).json.items.length === 2);
  await checkScreen(page, 'review-products', texts, { names: [...NAMES, '手引き', 'Field guide', 'example.org'] });
  await page.goto(`${server.url}/watch/${film}`);
  await hasText(page, 'Field guide');
  await press(page, 'button', /^Go to 0:0[12]/);
  await until('the moment', () => page.evaluate(() => document.querySelector('video').currentTime > 1.5));
  await checkScreen(page, 'watch-products', texts, { names: [...NAMES, '手引き', 'Field guide', 'example.org'] });
});
