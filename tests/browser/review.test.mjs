// From a film that came in to one that is cut, published, watched in another language, and withdrawn.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { byRole, fill, hasText, launchChromium, launchFirefox, missing, newPage, press } from '../support/browser.mjs';
import { makeMedia } from '../support/media.mjs';
import { checkScreen, complaints, loadTexts, reportRefusedContent } from '../support/screens.mjs';
import { Server, until } from '../support/server.mjs';

const skip = missing() ?? false;
const PASSWORD = 'learning between cities';
let server, media, texts, chromium, firefox, work, film, page;

const recording = async () => page.evaluate(async (id) => (await fetch(`/api/v1/recordings/${id}`)).json(), film);

before(async () => {
  if (skip) return;
  work = mkdtempSync(path(tmpdir(), 'manabi-review-'));
  [texts, server] = await Promise.all([loadTexts(), Server.start()]);
  media = makeMedia(path(tmpdir(), 'manabi-media'));
  chromium = await launchChromium({ camera: media.street, microphone: media.tone440 });
  const clip = path(work, 'clip.mkv');
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25:duration=12',
    '-f', 'lavfi', '-i', 'sine=frequency=300:duration=12', '-f', 'lavfi', '-i', 'sine=frequency=900:duration=12', '-map', '0', '-map', '1',
    '-map', '2', '-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'flac', '-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=jpn', clip]);
  const imported = await server.cli('import', clip, '--city', '40100', '--area', 'disaster-risk-management', '--title', 'Flood drills',
    '--title-ja', '洪水訓練', '--language', 'en', '--language', 'ja');
  [film] = imported.match(/[0-9a-hjkmnp-tv-z]{26}/);
  page = await newPage(chromium);
  await reportRefusedContent(page);
  await page.goto(server.link('administrator'));
  await fill(page, 'textbox', /^New password/, PASSWORD);
  await press(page, 'button', 'Save password');
  await hasText(page, 'Work on films');
});

after(async () => {
  await chromium?.close().catch(() => {});
  await firefox?.close().catch(() => {});
  await server?.stop();
  if (work) rmSync(work, { recursive: true, force: true });
});

test('a film is cut, gets chapters, and is made anew', { skip, timeout: 240000 }, async () => {
  await until('the film', async () => { const now = await recording(); return now.playlist !== undefined && now.playlist !== null && !now.is_at_work; }, { deadlineMs: 90000 });
  await page.goto(`${server.url}/review/${film}`);
  await hasText(page, 'Time line');
  await checkScreen(page, 'review', texts, { names: ['Flood drills', '洪水訓練'] });
  await fill(page, 'textbox', 'Film begins at', '2');
  await fill(page, 'textbox', 'Film ends at', '0:10');
  await press(page, 'button', 'Leave out 10 s from here');
  await fill(page, 'textbox', 'Cut 1: from', '4');
  await fill(page, 'textbox', 'Cut 1: to', '6.5');
  await press(page, 'button', 'Chapter here');
  await fill(page, 'textbox', 'Chapter 1: at', '7');
  await fill(page, 'textbox', 'Chapter 1: title in English', 'Drill');
  await fill(page, 'textbox', 'Chapter 1: title in Japanese', '訓練');
  await hasText(page, 'The film will be 0:05.5 long');
  await checkScreen(page, 'review-cut', texts, { names: ['Flood drills', '洪水訓練', 'Drill', '訓練'] });
  await press(page, 'button', 'Make the film with these cuts');
  await until('the cut film', async () => { const now = await recording(); return !now.is_at_work && now.duration_s < 8; }, { deadlineMs: 90000 });
  const now = await recording();
  assert.equal(now.duration_s, 6);
  assert.deepEqual(now.chapters, [{ at_ms: 2500, title_en: 'Drill', title_ja: '訓練' }]);
  assert.deepEqual(complaints(page), []);
});

test('it is heard in the language that was chosen, also the next time, and its chapters are jumped to', { skip, timeout: 120000 }, async () => {
  const lists = [];
  page.on('request', (request) => { if (/index\.m3u8/.test(request.url())) lists.push(new URL(request.url()).pathname); });
  await page.goto(`${server.url}/watch/${film}`);
  const hear = await byRole(page, 'combobox', /^Hear/);
  assert.equal(await hear.evaluate((menu) => menu.options.length), 2);
  await checkScreen(page, 'watch-languages', texts, { names: ['Flood drills', '洪水訓練', 'Drill', '訓練'] });
  assert.ok(!lists.some((one) => one.includes('audio-2/') || one.includes('audio-low-2/')), lists.join());
  await hear.select('1');
  await until('the Japanese sound', async () => lists.some((one) => /audio(-low)?-2\//.test(one)));
  await press(page, 'button', 'Go to 0:02');
  await until('the chapter', () => page.evaluate(() => Math.abs(document.querySelector('video').currentTime - 2.5) < 0.2));
  lists.length = 0;
  await page.reload();
  await until('the Japanese sound again', async () => lists.some((one) => /audio(-low)?-2\//.test(one)));
  assert.equal(await (await byRole(page, 'combobox', /^Hear/)).evaluate((menu) => menu.value), '1');
  const chapters = await page.evaluate(async (id) => (await fetch(`/api/v1/recordings/${id}/chapters.vtt?lang=ja`)).text(), film);
  assert.match(chapters, /^WEBVTT\n\n00:00:02\.500 --> 00:00:05\.[56]\d\d\n訓練\n\n$/);
  await page.goto(`${server.url}/review/${film}`);
});

test('captions and chapters are in the playlist, by the letter of RFC 8216, and shown by hls.js', { skip, timeout: 120000 }, async () => {
  const vtt = 'WEBVTT\n\n00:02.500 --> 00:04.000\nA siren <sounds>\n\n00:05.000 --> 00:06.000\n(cut out)\n';
  const put = await page.evaluate(async (id, body) => (await fetch(`/api/v1/recordings/${id}/captions/en?time=captured`, {
    method: 'PUT', headers: { 'Content-Type': 'application/octet-stream' }, body })).status, film, vtt);
  assert.equal(put, 200);
  // The whole tree as a player without our page gets it.
  const tree = path(work, 'tree');
  const get = async (name) => {
    const bytes = Buffer.from(await page.evaluate(async (address) => {
      const answer = await fetch(address);
      if (answer.status !== 200) throw new Error(`${answer.status} for ${address}`);
      return [...new Uint8Array(await answer.arrayBuffer())];
    }, `/media/${film}/${name}`));
    mkdirSync(path(tree, name, '..'), { recursive: true });
    writeFileSync(path(tree, name), bytes);
    return bytes.toString();
  };
  const named = (text) => [...text.matchAll(/^([^#\s].*)$|URI="([^"]+)"/gm)].map((found) => found[1] ?? found[2]);
  const master = await get('master.m3u8');
  assert.match(master, /TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="English [^"]*",LANGUAGE="en",DEFAULT=NO/);
  for (const name of new Set(named(master))) {
    const text = await get(name);
    if (!name.endsWith('.m3u8')) continue;
    for (const piece of new Set(named(text))) await get(`${name.split('/')[0]}/${piece}`);
  }
  assert.equal(execFileSync('python3', [new URL('../support/rfc8216.py', import.meta.url).pathname, path(tree, 'master.m3u8')]).toString(), '');
  assert.match(readFileSync(path(tree, 'subtitles-en/0.vtt'), 'utf8'),
    /^WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n00:00:00\.500 --> 00:00:02\.000\nA siren &lt;sounds&gt;\n\n$/);
  assert.deepEqual(JSON.parse(readFileSync(path(tree, 'chapters.json'), 'utf8'))[0].titles,
    [{ language: 'en', title: 'Drill' }, { language: 'ja', title: '訓練' }]);
  if ((await recording()).state !== 'published') {
    const published = await page.evaluate(async (id) => (await fetch(`/api/v1/recordings/${id}`, { method: 'PATCH',
      headers: { 'Content-Type': 'application/json' }, body: '{"state":"published"}' })).status, film);
    assert.equal(published, 200);
  }
  firefox = await launchFirefox({});
  for (const browser of [chromium, firefox]) {
    const tab = await newPage(browser);
    await tab.goto(`${server.url}/watch/${film}`);
    await until('the captions of the stream', () => tab.evaluate(() => {
      const track = [...(document.querySelector('video')?.textTracks ?? [])].find((one) => one.kind === 'subtitles');
      if (track !== undefined && track.mode === 'disabled') track.mode = 'showing';
      return [...(track?.cues ?? [])].some((cue) => Math.abs(cue.startTime - 0.5) < 0.05 && cue.text.includes('A siren'));
    }), { deadlineMs: 60000 });
    await tab.close();
  }
});

test('a withdrawal holds at once for every address, and is taken back', { skip, timeout: 120000 }, async () => {
  const seen = async (address) => (await fetch(`${server.url}${address}`)).status;
  const now = await recording();
  const addresses = [`/api/v1/recordings/${film}`, now.playlist, now.poster, `/media/${film}/360p/index.m3u8`, `/media/${film}/360p/stream.mp4`, `/media/${film}/video.mp4`,
    `/media/${film}/subtitles-en/index.m3u8`, `/media/${film}/subtitles-en/0.vtt`, `/media/${film}/chapters.json`, `/media/${film}/master.m3u8`];
  if (now.state !== 'published') {
    await page.reload();
    await press(page, 'button', 'Publish');
    await until('published', async () => (await recording()).state === 'published');
  }
  for (const address of addresses) assert.equal(await seen(address), 200, address);
  await page.reload();
  await press(page, 'button', 'Withdraw');
  await page.keyboard.press('Tab');
  await page.evaluate(() => [...document.querySelectorAll('dialog .button')].at(-1).click());
  await until('withdrawn', async () => (await recording()).state === 'withdrawn');
  for (const address of addresses) assert.equal(await seen(address), 404, address);
  await hasText(page, 'Nobody but staff can see it.');
  await press(page, 'button', 'Publish');
  await until('published again', async () => (await recording()).state === 'published');
  for (const address of addresses) assert.equal(await seen(address), 200, address);
});
