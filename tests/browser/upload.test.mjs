// Films of site visits brought in with real browsers: the tab is killed on the way, the film is whole and published all the same.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { byRole, fill, hasText, launchChromium, launchFirefox, missing, newPage, press } from '../support/browser.mjs';
import { makeMedia } from '../support/media.mjs';
import { checkScreen, complaints, loadTexts, reportRefusedContent } from '../support/screens.mjs';
import { Server, until } from '../support/server.mjs';

const skip = missing() ?? false;
let server, texts, work, phone, large;

before(async () => {
  if (skip) return;
  work = mkdtempSync(path(tmpdir(), 'manabi-upload-'));
  [texts, server] = await Promise.all([loadTexts(), Server.start()]);
  const media = makeMedia(path(tmpdir(), 'manabi-media'));
  phone = path(work, 'phone.mp4');
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-t', '3', '-i', media.cup, '-i', media.speechEn, '-map', '0:v', '-map', '1:a', '-shortest', '-c:v', 'copy', '-c:a', 'aac', phone]);
  large = path(work, 'large.mp4'); // the same film, then bytes that no player minds: a 'free' box
  const film = readFileSync(phone);
  const free = Buffer.alloc(48 << 20, 7);
  free.writeUInt32BE(free.length, 0);
  free.write('free', 4, 'latin1');
  writeFileSync(large, Buffer.concat([film, free]));
});

after(async () => {
  await server?.stop();
  if (work) rmSync(work, { recursive: true, force: true });
});

async function signIn(browser, who) {
  const link = await server.cli('user', 'add', who);
  const page = await newPage(browser);
  await reportRefusedContent(page);
  await page.goto(link);
  await hasText(page, 'Choose a password');
  await page.goto(`${server.url}/staff/upload`);
  await hasText(page, 'Films on their way');
  return page;
}

async function choose(page, ...files) {
  const input = await page.waitForSelector('input#films');
  await input.uploadFile(...files);
}

const states = (page) => page.evaluate(() => [...document.querySelectorAll('.upload-card')].map((card) => card.dataset.state));
const outcome = (page, wanted) => until(`the outcome "${wanted}"`, () =>
  page.evaluate((name) => document.querySelector(`[data-outcome="${name}"]`) !== null, wanted), { deadlineMs: 120000, everyMs: 500 });
const select = (page, label, value) => byRole(page, 'combobox', label).then((element) => element.select(value));

async function describe(page, title) {
  await fill(page, 'textbox', /^Title in English/, title);
  await select(page, 'Thematic area', 'disaster-risk-management');
  await select(page, 'Host city', '40100');
  await fill(page, 'textbox', 'Place visited, in Japanese', '日明浄化センター');
  await select(page, 'People in the film', 'none');
}

for (const [name, launch] of [['Chromium', launchChromium], ['Firefox', launchFirefox]]) {
  test(`a film whose tab is killed is whole and published in ${name}`, { skip, timeout: 240000 }, async () => {
    const browser = await launch();
    try {
      let page = await signIn(browser, `Crew ${name}`);
      await hasText(page, 'No film is on its way.');
      if (name === 'Chromium') await checkScreen(page, 'upload-empty', texts);
      await page.evaluate(() => { // a slow line: what is sent at once is held back
        const send = XMLHttpRequest.prototype.send;
        let sent = 0;
        XMLHttpRequest.prototype.send = function (body) {
          if (body instanceof Blob && ++sent > 1) return; // the second piece never leaves
          send.call(this, body);
        };
      });
      await choose(page, large);
      await byRole(page, 'textbox', /^Title in English/);
      await describe(page, `Compost of ${name}`);
      await hasText(page, 'Kept on the server');
      await until('a part of it to be safe', async () => {
        const cookies = (await page.cookies()).map((one) => `${one.name}=${one.value}`).join('; ');
        const { items } = await server.json('/api/v1/uploads', { headers: { cookie: cookies } });
        return items[0]?.received > 0 && items[0].received < items[0].size && items[0].draft.place_ja === '日明浄化センター';
      }, { deadlineMs: 60000 });
      if (name === 'Chromium') await checkScreen(page, 'upload-sending', texts, { names: ['large.mp4', 'Compost of Chromium', '日明浄化センター'] });
      const context = page.browserContext();
      await page.close();
      page = await context.newPage();
      page.problems = [];
      await page.setViewport({ width: 1280, height: 800 });
      await page.goto(`${server.url}/staff/upload`);
      await hasText(page, 'Begun earlier.');
      assert.deepEqual(await states(page), ['needs-file']);
      assert.equal(await (await byRole(page, 'textbox', /^Title in English/)).evaluate((el) => el.value), `Compost of ${name}`);
      await choose(page, large);
      await until('all of it', async () => (await states(page))[0] === 'received', { deadlineMs: 60000 });
      await select(page, 'Host city', '');
      await press(page, 'button', /^Hand in /);
      await hasText(page, 'Nothing is published without area and city.');
      await select(page, 'Host city', '40100');
      await (await byRole(page, 'radio', 'Publish it at once')).click();
      await press(page, 'button', /^Hand in /);
      await outcome(page, 'done.published');
      await press(page, 'link', 'Open the film');
      await byRole(page, 'button', 'Play');
      await hasText(page, `Compost of ${name}`);
      const id = new URL(page.url()).pathname.split('/').pop();
      const source = readFileSync(path(server.state, 'recordings', id, 'source'));
      assert.equal(createHash('sha256').update(source).digest('hex'), createHash('sha256').update(readFileSync(large)).digest('hex'));
      assert.deepEqual(complaints(page), []);
    } finally {
      await browser.close();
    }
  });
}

test('what is no film is refused in words of both languages', { skip, timeout: 180000 }, async () => {
  const browser = await launchChromium();
  try {
    const page = await signIn(browser, 'Crew words');
    const empty = path(work, 'empty.mp4');
    writeFileSync(empty, '');
    await choose(page, empty);
    await hasText(page, 'This file is empty.');
    await press(page, 'button', /^Remove /);
    await press(page, 'button', 'Remove');
    await hasText(page, 'No film is on its way.');
    const text = path(work, 'notes.mp4');
    writeFileSync(text, '#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n');
    await choose(page, text);
    await byRole(page, 'textbox', /^Title in English/);
    await describe(page, 'No film at all');
    await press(page, 'button', /^Hand in /);
    await outcome(page, 'done.failed');
    await hasText(page, 'The file is not a film in a format that can be read.');
    await checkScreen(page, 'upload-refused', texts, { names: ['notes.mp4'] });
    assert.deepEqual(complaints(page, [/422/]), []);
  } finally {
    await browser.close();
  }
});
