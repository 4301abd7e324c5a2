// A film as visitors find it: without scripts, by words that were said in it, in both browsers, and in a frame of another site.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { axe, byRole, fill, hasText, launchChromium, launchFirefox, missing, newPage, press, screenshot } from '../support/browser.mjs';
import { checkScreen, complaints, loadTexts, reportRefusedContent, tooWide, NARROW } from '../support/screens.mjs';
import { ROOT, Server, until } from '../support/server.mjs';

const skip = missing() ?? false;
const PASSWORD = 'learning between cities';
const TITLE = 'Raising the <b>levee</b>';
const NAMES = { names: [TITLE, '堤防のかさ上げ', 'The levee was raised.', 'Pumps run day and night.', '堤防をかさ上げしました。'] };
const VTT = 'WEBVTT\n\n00:01.000 --> 00:03.000\nPumps run day and night.\n\n00:08.000 --> 00:10.000\nThe levee was raised.\n';
const VTT_JA = 'WEBVTT\n\n00:08.000 --> 00:10.000\n堤防をかさ上げしました。\n';
let server, texts, chromium, firefox, work, film;

const shot = (page, name) => screenshot(page, path(ROOT, 'build/screens', `${name}.png`));
const videoAt = (page) => page.evaluate(() => document.querySelector('video')?.currentTime ?? -1);
const close = (page) => page.browserContext().close();

/** Publishes the film with captions, as staff does, through a page's own session. */
async function publish(page) {
  await page.goto(server.link('administrator'));
  await fill(page, 'textbox', /^New password/, PASSWORD);
  await press(page, 'button', 'Save password');
  await hasText(page, 'Work on films');
  await until('the film', () => page.evaluate(async (id) => {
    const now = await (await fetch(`/api/v1/recordings/${id}`)).json();
    return now.playlist && !now.is_at_work;
  }, film), { deadlineMs: 120000 });
  const statuses = await page.evaluate(async (id, tracks) => {
    const answers = [];
    for (const [language, text] of tracks) {
      const put = await fetch(`/api/v1/recordings/${id}/captions/${language}`, {
        method: 'PUT', body: new TextEncoder().encode(text), headers: { 'Content-Type': 'application/octet-stream' },
      });
      answers.push(put.status);
    }
    const changed = await fetch(`/api/v1/recordings/${id}`, {
      method: 'PATCH', headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ audience: 'public', state: 'published', chapters: [{ at_ms: 0, title_en: 'Pumps', title_ja: 'ポンプ' }, { at_ms: 7000, title_en: 'Levee', title_ja: '堤防' }] }),
    });
    return [...answers, changed.status];
  }, film, [['en', VTT], ['ja', VTT_JA]]);
  assert.deepEqual(statuses, [200, 200, 200]);
}

before(async () => {
  if (skip) return;
  work = mkdtempSync(path(tmpdir(), 'manabi-watch-'));
  [texts, server] = await Promise.all([loadTexts(), Server.start()]);
  chromium = await launchChromium();
  const clip = path(work, 'clip.mkv');
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=14',
    '-f', 'lavfi', '-i', 'sine=frequency=300:duration=14', '-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'flac', clip]);
  const imported = await server.cli('import', clip, '--city', '40100', '--area', 'disaster-risk-management', '--title', TITLE,
    '--title-ja', '堤防のかさ上げ', '--language', 'en');
  [film] = imported.match(/[0-9a-hjkmnp-tv-z]{26}/);
  const page = await newPage(chromium);
  await publish(page);
  await close(page);
});

after(async () => {
  await Promise.all([chromium, firefox].map((browser) => browser?.close().catch(() => {})));
  await server?.stop();
  if (work) rmSync(work, { recursive: true, force: true });
});

test('without scripts the film plays, with its texts, and titles stay text', { skip, timeout: 120000 }, async () => {
  const page = await newPage(chromium);
  await page.setJavaScriptEnabled(false);
  for (const language of ['en', 'ja']) {
    await page.setViewport({ width: 1280, height: 800 });
    await page.goto(`${server.url}/watch/${film}?t=7&lang=${language}`);
    const seen = await page.evaluate(() => ({
      heading: document.querySelector('h1')?.textContent, bold: document.querySelectorAll('h1 b').length, lang: document.documentElement.lang,
      video: document.querySelector('video')?.getAttribute('src'), tracks: document.querySelectorAll('video track').length,
      lines: [...document.querySelectorAll('.plain-lines a')].map((link) => link.getAttribute('href')), title: document.title,
    }));
    const title = language === 'en' ? TITLE : '堤防のかさ上げ';
    assert.deepEqual(seen, {
      heading: title, bold: 0, lang: language, video: `/media/${film}/video.mp4#t=7`, tracks: 3, title,
      lines: [0, 7, 1, 8, 8].map((second) => `/watch/${film}?t=${second}`),
    });
    await shot(page, `plain-watch-${language}-1280`);
    await page.setViewport(NARROW);
    assert.deepEqual(await tooWide(page), []);
    await shot(page, `plain-watch-${language}-320`);
  }
  await page.goto(`${server.url}/?q=levee&lang=en`);
  assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll('.plain li a')].map((link) => [link.getAttribute('href'), link.textContent])),
    [[`/watch/${film}`, TITLE]]);
  await shot(page, 'plain-search-320');
  await close(page);
});

for (const name of ['chromium', 'firefox']) {
  test(`in ${name} a search finds what was said, and leads to its moment`, { skip, timeout: 180000 }, async () => {
    const browser = name === 'chromium' ? chromium : (firefox = await launchFirefox());
    const page = await newPage(browser, { language: 'en' });
    await reportRefusedContent(page);
    await page.goto(`${server.url}/`);
    await hasText(page, TITLE);
    await fill(page, 'searchbox', /^Search/, 'raised');
    await page.keyboard.press('Enter');
    await hasText(page, 'At 0:08');
    if (name === 'chromium') await checkScreen(page, 'search-moment', texts, NAMES);
    await press(page, 'button', 'English');
    await press(page, 'link', 'At 0:08');
    await until('the player at the moment', async () => {
      const at = await videoAt(page);
      return at >= 7.5 && at < 11 ? at : null;
    }, { deadlineMs: 30000 });
    await press(page, 'button', 'Transcript');
    await fill(page, 'searchbox', 'Find in the text', 'ＰＵＭＰＳ');
    await hasText(page, '1 line');
    const lines = await page.evaluate(() => [...document.querySelectorAll('.film-lines li')].map((line) => line.innerText.replace(/\s+/g, ' ')));
    assert.deepEqual(lines, ['0:01 Pumps run day and night.']);
    await press(page, 'button', 'Go to 0:01');
    await until('the player at the line', async () => Math.abs(await videoAt(page) - 1) < 0.6);
    // The pointer on the bar shows what is there.
    const slider = await byRole(page, 'slider', 'Position');
    const preview = await until('the preview', async () => {
      await slider.evaluate((element) => element.scrollIntoView({ block: 'center' }));
      const bar = await slider.boundingBox();
      await page.mouse.move(bar.x + bar.width * 0.7, bar.y + bar.height / 2);
      await page.mouse.move(bar.x + bar.width * 0.75, bar.y + bar.height / 2);
      return page.evaluate(() => {
        const box = document.querySelector('.seek-preview');
        const picture = box?.querySelector('.seek-picture');
        return picture ? { text: box.innerText.replace(/\s+/g, ' '), picture: getComputedStyle(picture).backgroundImage } : null;
      });
    });
    assert.match(preview.text, /^Levee 0:(09|1[01])$/, JSON.stringify(preview));
    assert.match(preview.picture, new RegExp(`/media/${film}/sprites-1\\.jpg`), JSON.stringify(preview));
    await shot(page, `watch-preview-${name}`);
    if (name === 'chromium') await checkScreen(page, 'watch-texts', texts, NAMES);
    if (name === 'chromium') assert.deepEqual(complaints(page), []);
    await close(page);
  });

  test(`in ${name} a page of another site shows the film in a frame, and no other page of ours`, { skip, timeout: 120000 }, async () => {
    const browser = name === 'chromium' ? chromium : firefox;
    const site = createServer((request, answer) => {
      answer.setHeader('Content-Type', 'text/html');
      answer.end(`<!doctype html><title>Other</title><iframe id="film" src="${server.url}/embed/${film}?t=3" width="640" height="400" title="film"></iframe>`
        + `<iframe id="watch" src="${server.url}/watch/${film}" title="watch"></iframe>`);
    });
    await new Promise((resolve) => { site.listen(0, '127.0.0.1', resolve); });
    const page = await newPage(browser);
    try {
      await page.goto(`http://127.0.0.1:${site.address().port}/`);
      const frame = await until('the frame', () => page.frames().find((one) => one.url().includes('/embed/')));
      const inside = await until('the player', () => frame.evaluate(() => {
        const video = document.querySelector('video');
        if (video === null) return null;
        if (video.readyState === 0) video.load();
        video.preload = 'metadata';
        return video.readyState > 0 ? { width: video.videoWidth, length: Math.round(video.duration), at: Math.round(video.currentTime), link: document.querySelector('a')?.textContent } : null;
      }), { deadlineMs: 30000, everyMs: 500 });
      assert.deepEqual(inside, { width: 320, length: 14, at: 3, link: `${TITLE} · Manabi` });
      const other = page.frames().find((one) => one !== page.mainFrame() && one !== frame);
      const text = await other?.evaluate(() => document.body?.innerText ?? '').catch(() => '') ?? '';
      assert.ok(!text.includes('levee'), `the watch page shows in a frame: ${text.slice(0, 200)}`);
      await shot(page, `embed-${name}`);
    } finally {
      await close(page);
      site.close();
    }
  });
}

test('the player for other sites has nothing that axe finds', { skip, timeout: 60000 }, async () => {
  const page = await newPage(chromium, NARROW);
  await page.goto(`${server.url}/embed/${film}`);
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(await tooWide(page), []);
  await close(page);
});
