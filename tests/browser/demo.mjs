// demo.mjs - the whole job with real browsers: plan, host, record, publish, find, watch, import. Prints each step's time,
// leaves a screenshot of every screen in both languages, exits non-zero when a step fails. Run it by script/demo.
//   MANABI_DEMO_SECONDS  length of the recorded session (default 60)
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { byRole, fill, hasText, hearsSound, launchChromium, launchFirefox, newPage, press, screenshot, seesVideos } from '../support/browser.mjs';
import { makeMedia } from '../support/media.mjs';
import { ROOT, Server, until } from '../support/server.mjs';
import { tokenOf } from '../support/signal.mjs';
import * as whip from '../support/whip.mjs';
import { endSession, firstPicture, join, plays, reads, say, startRecording, startSession, stopRecording } from './steps.mjs';

const SECONDS = Number(process.env.MANABI_DEMO_SECONDS ?? 60);
const SHOTS = path(ROOT, 'build/demo');
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 320, height: 640 };
const TITLE = { en: 'Flood drills with the neighbours', ja: '住民とつくる洪水ハザードマップ' };

const figures = {};
const timings = [];
async function step(name, work) {
  const begun = performance.now();
  try {
    const result = await work();
    const seconds = (performance.now() - begun) / 1000;
    timings.push({ name, seconds });
    console.log(`ok    ${seconds.toFixed(1).padStart(6)} s  ${name}`);
    return result;
  } catch (error) {
    console.log(`FAIL  ${((performance.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${name}`);
    throw error;
  }
}

// A screen in both languages, wide and narrow, in one browser page of its own language.
async function shots(browser, name, url, ready) {
  for (const language of ['en', 'ja']) {
    for (const [label, size] of [['wide', WIDE], ['320', NARROW]]) {
      const page = await newPage(browser, { ...size });
      const [before, fragment] = url.split('#');
      await page.goto(`${before}${before.includes('?') ? '&' : '?'}lang=${language}${fragment ? `#${fragment}` : ''}`);
      await ready(page, language);
      await screenshot(page, path(SHOTS, `${name}-${language}-${label}.png`));
      await page.browserContext().close();
    }
  }
}

// The page that is open, in its two languages and sizes, by the language switch of the screen itself where it has one.
async function shotHere(page, name) {
  for (const [label, size] of [['wide', WIDE], ['320', NARROW]]) {
    await page.setViewport(size);
    await new Promise((resolve) => setTimeout(resolve, 400));
    await screenshot(page, path(SHOTS, `${name}-${label}.png`));
  }
  await page.setViewport(WIDE);
}

const heading = (page) =>
  until('the screen', () => page.evaluate(() => document.querySelector('h1')?.innerText && !document.querySelector('[class*="loading"]')), { deadlineMs: 20000 });

async function run() {
  const work = mkdtempSync(path(tmpdir(), 'manabi-demo-'));
  rmSync(SHOTS, { recursive: true, force: true });
  mkdirSync(SHOTS, { recursive: true });
  const media = await step('make camera film and speech', () => makeMedia(path(tmpdir(), 'manabi-media')));
  const closing = [];
  let server;
  try {
    server = await step('start the server for the first time', () => Server.start({ state: path(work, 'state') }));
    await server.stop();
    await step('start it the second time', () => server.restart());
    figures.second_start_s = +(server.startMs / 1000).toFixed(2);
    assert.ok(server.startMs < 2000, `the second start took ${server.startMs} ms`);

    const [chromium, firefox, encoder] = await step('launch Chromium twice and Firefox', () =>
      Promise.all([
        launchChromium({ camera: media.street, microphone: media.speechEn }),
        launchFirefox({ hertz: 880 }),
        launchChromium({ camera: media.field, microphone: media.speechJa }),
      ]));
    closing.push(chromium, firefox, encoder);

    // ---- plan
    const staff = await newPage(chromium, WIDE);
    await step('sign in by the administrator link', async () => {
      await staff.goto(server.link('administrator'));
      await hasText(staff, 'Choose a password');
      await shotHere(staff, 'set-password-en');
      await fill(staff, 'textbox', /^New password/, 'learning between cities');
      await press(staff, 'button', 'Save password');
      await byRole(staff, 'link', /^Staff pages/);
    });
    const planned = await step('plan an event and make its links', () => planEvent(staff, server));
    const session = await step('open the facilitator link of the planned event', async () => {
      const answer = await server.json('/api/v1/join', { headers: { authorization: `Bearer ${tokenOf(planned.facilitator)}` } });
      assert.equal(answer.role, 'facilitator');
      return answer.session.id;
    });

    // ---- host
    const host = await newPage(chromium, WIDE);
    await step('the facilitator checks devices and joins (Chromium)', () =>
      join(host, planned.facilitator, '佐藤 美香', { onPreJoin: (page) => shotHere(page, 'pre-join-en') }));
    await step('the facilitator starts the session', () => startSession(host));
    const guest = await newPage(firefox, WIDE);
    await step('a participant joins (Firefox) and has a picture', async () => {
      const pressedAt = await join(guest, planned.participants, 'Nguyễn Thị Hoa');
      figures.firefox_join_to_picture_ms = Math.round(await firstPicture(guest, pressedAt));
    });
    await step('Firefox sees Chromium', () => seesVideos(guest, 1));
    await step('Firefox hears Chromium', () => hearsSound(guest));
    await step('Chromium sees Firefox', () => seesVideos(host, 1));
    await step('Chromium hears Firefox', () => hearsSound(host));

    const camera = await newPage(encoder, WIDE);
    const token = await server.cli('token', '--session', session, '--may', 'publish', '--label', 'Site camera');
    const resource = await step('a site camera joins over WHIP', () => whip.publish(camera, server.url, session, token));
    await step('both see two others', () => Promise.all([seesVideos(host, 2), seesVideos(guest, 2)]));
    const player = await newPage(encoder, WIDE);
    const watchToken = await server.cli('token', '--session', session, '--may', 'receive');
    await step('a player receives the room over WHEP', async () => {
      const begun = performance.now();
      await whip.play(player, server.url, session, watchToken);
      figures.whep_to_picture_ms = Math.round(await firstPicture(player, begun));
      await seesVideos(player, 1);
    });
    await player.close();
    const listener = await newPage(encoder, WIDE);
    await step('somebody joins listening only (Chromium) and has a picture', async () => {
      const pressedAt = await join(listener, planned.participants, 'A. Rahman', { devices: null });
      figures.chromium_join_to_picture_ms = Math.round(await firstPicture(listener, pressedAt));
    });
    await listener.browserContext().close();

    // ---- record
    await step('the facilitator presses Record, everyone sees it', async () => {
      await startRecording(host);
      await hasText(guest, 'REC');
    });
    const recordedFrom = Date.now();
    await step('chat works in both scripts', async () => {
      await say(guest, '防災マップはどのように更新しますか');
      await reads(host, '防災マップはどのように更新しますか');
      await say(host, 'Every year, together with the neighbourhood associations.');
      await reads(guest, 'Every year, together with the neighbourhood associations.');
    });
    await step('screens of the room', async () => {
      await shotHere(host, 'room-facilitator-en');
      await shotHere(guest, 'room-participant-en');
      const japanese = await newPage(chromium, WIDE);
      await japanese.goto(planned.participants.replace('/join#', '/join?lang=ja#'));
      await japanese.waitForSelector('#name');
      await japanese.type('#name', '田中 太郎');
      await press(japanese, 'button', '視聴のみで参加する');
      await seesVideos(japanese, 3);
      await shotHere(japanese, 'room-participant-ja');
      await japanese.browserContext().close();
    });
    await step(`record until ${SECONDS} s are there`, () => until('the time to pass', () => Date.now() - recordedFrom >= SECONDS * 1000, { deadlineMs: SECONDS * 1000 + 5000 }));
    await step('the recording stops and the session ends', async () => {
      await stopRecording(host);
      await whip.end(camera, resource, token);
      await endSession(host);
      await until('the guest to be told', () => guest.evaluate(() => !document.body.innerText.includes('Leave')));
    });
    const endedAt = Date.now();
    await shotHere(guest, 'session-over-en');

    // ---- publish, find, watch
    const film = await step('the film is published within a minute', () =>
      until('the film in the catalogue', async () => {
        const { items } = await server.json(`/api/v1/recordings?q=${encodeURIComponent('ハザード')}`);
        return items.find((item) => item.title_ja === TITLE.ja);
      }, { deadlineMs: 60000, everyMs: 500 }));
    figures.end_to_published_s = +((Date.now() - endedAt) / 1000).toFixed(1);
    assert.equal(film.area, 'disaster-risk-management');
    assert.equal(film.city, '40100');
    assert.ok(Math.abs(film.duration_s - SECONDS) < 15, `the film is ${film.duration_s} s long`);
    const imported = await step('staff import a site visit from the command line', () =>
      server.cli('import', media.cup, '--city', '14100', '--area', 'urban-services', '--title', 'Site visit: reusable cups', '--title-ja', '現地視察:繰り返し使えるカップ', '--language', 'en', '--wait'));
    await step('it is found by words of either language', async () => {
      for (const [word, id] of [['neighbours', film.id], ['洪水', film.id], ['マップ', film.id], ['視察', imported], ['cups', imported]]) {
        const { items } = await server.json(`/api/v1/recordings?q=${encodeURIComponent(word)}`);
        assert.ok(items.some((item) => item.id === id), `'${word}' finds it`);
      }
    });
    for (const [name, browser] of [['Chromium', chromium], ['Firefox', firefox]]) {
      const viewer = await newPage(browser, WIDE);
      await step(`${name} finds the film on the home page and plays it`, async () => {
        await viewer.goto(server.url);
        await press(viewer, 'link', new RegExp(TITLE.en));
        const playing = await plays(viewer);
        assert.ok(playing.width > 0 && Math.abs(playing.duration - film.duration_s) < 2, JSON.stringify(playing));
      });
      await step(`${name} seeks`, async () => {
        const target = film.duration_s / 2;
        await viewer.evaluate((time) => {
          document.querySelector('video').currentTime = time;
        }, target);
        const after = await plays(viewer);
        assert.ok(after.currentTime >= target, `${after.currentTime} s after seeking to ${target} s`);
      });
      await step(`${name} changes the quality`, () => changeQuality(viewer));
      if (viewer.problems.length > 0) console.log(`      (${name} said: ${[...new Set(viewer.problems)].slice(0, 3).join(' | ')})`);
      await viewer.browserContext().close();
    }

    // ---- look
    await step('screens of the catalogue', async () => {
      await shots(chromium, 'home', `${server.url}/`, async (page) => {
        await heading(page);
        await until('a poster', () => page.evaluate(() => [...document.images].some((image) => image.complete && image.naturalWidth > 0)));
      });
      await shots(chromium, 'search', `${server.url}/?q=${encodeURIComponent('洪水')}&city=40100`, heading);
      await shots(chromium, 'watch', `${server.url}/watch/${film.id}`, async (page) => {
        await heading(page);
        await until('the film', () => page.evaluate(() => document.querySelector('video')?.readyState >= 2), { deadlineMs: 20000 });
      });
      await shots(chromium, 'event', `${server.url}/events/${planned.event}`, heading);
      await shots(chromium, 'pre-join', server.link('participant'), heading);
      await shots(chromium, 'sign-in', `${server.url}/sign-in`, heading);
      await shots(chromium, 'not-found', `${server.url}/nothing-here`, heading);
    });
    await step('screens of the staff', async () => {
      for (const [name, where] of [['staff', '/staff'], ['event-form', `/staff/events/${planned.event}`]]) {
        for (const language of ['en', 'ja']) {
          await staff.goto(`${server.url}${where}?lang=${language}`);
          await heading(staff);
          await shotHere(staff, `${name}-${language}`);
        }
      }
    });
  } catch (error) {
    let number = 0;
    for (const browser of closing)
      for (const page of await browser.pages().catch(() => []))
        await screenshot(page, path(SHOTS, `failed-${number++}.png`)).catch(() => {});
    if (server) console.log(server.logTail(40));
    throw error;
  } finally {
    for (const browser of closing) await browser.close().catch(() => {});
    if (server) {
      await server.stop().catch((error) => console.log(error.message));
    }
    if (process.env.MANABI_KEEP !== '1') rmSync(work, { recursive: true, force: true });
    else console.log(`kept: ${work}`);
  }
}

/** Fills in the form of a new event as staff do, and makes its links; the facilitator's and the participants' link. */
async function planEvent(page, server) {
  await page.goto(`${server.url}/staff/events/new`);
  await fill(page, 'textbox', /^Title in English/, TITLE.en);
  await fill(page, 'textbox', /^Title in Japanese/, TITLE.ja);
  await fill(page, 'textbox', /^Summary in English/, 'How a district plans its evacuation routes, house by house.');
  await fill(page, 'textbox', /^Summary in Japanese/, '地区の避難経路を一軒ずつ考える取り組みを紹介します。');
  await (await byRole(page, 'combobox', /^Thematic area/)).select('disaster-risk-management');
  await (await byRole(page, 'combobox', /^Host city/)).select('40100');
  await shotHere(page, 'plan-event-en');
  await press(page, 'button', 'Save and make links');
  const event = await until('the planned event', async () =>
    (await page.evaluate(() => location.pathname)).match(/\/staff\/events\/([0-9a-z]{26})/)?.[1]);
  const make = async (role, name) => {
    await (await byRole(page, 'combobox', /^Role/)).select(role);
    await press(page, 'button', 'Make a link');
    const url = await byRole(page, 'textbox', new RegExp(`^Link: ${name}`));
    return url.evaluate((el) => el.value);
  };
  const facilitator = await make('facilitator', 'Facilitator');
  const participants = await make('participant', 'Participant');
  await shotHere(page, 'event-links-en');
  return { event, facilitator, participants };
}

async function changeQuality(page) {
  const before = await page.evaluate(() => document.querySelector('video').videoHeight);
  const control = await byRole(page, 'combobox', /Quality/);
  const options = await control.evaluate((el) => [...el.options].map(({ value, text }) => ({ value, text })));
  const other = options.find(({ text }) => /\d{3}p/.test(text) && !text.includes(`${before}p`));
  assert.ok(other, `another quality than ${before}p among ${options.map(({ text }) => text).join(', ')}`);
  await control.select(other.value);
  await until(`the picture to change from ${before} lines`, () => page.evaluate((height) => document.querySelector('video').videoHeight !== height, before), { deadlineMs: 20000 });
  await plays(page);
}

try {
  await run();
  writeFileSync(path(SHOTS, 'figures.json'), JSON.stringify(figures, null, 2));
  console.log(`\n${JSON.stringify({ demo: 'ok', ...figures })}`);
  console.log(`screenshots: build/demo/ (${timings.length} steps passed)`);
} catch (error) {
  console.error(`\n${error.stack}`);
  process.exitCode = 1;
}
