// rehearsal.mjs - a whole event with real browsers, as its people live through it. Run it by script/rehearsal.
//   MANABI_MINUTES  the session lasts at least so long (default 0: as long as its steps take)
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { byRole, fill, hasText, launchChromium, launchFirefox, newPage, press, screenshot, seesVideos } from '../support/browser.mjs';
import { makeMedia } from '../support/media.mjs';
import { ROOT, Server, until } from '../support/server.mjs';
import { tokenOf } from '../support/signal.mjs';
import { endWatch, isWithoutTone, joinWithTone, playsTone, watchTones } from '../support/tones.mjs';
import { endSession, join, openPanel, reads, say, startRecording, startSession } from './steps.mjs';

const MINUTES = Number(process.env.MANABI_MINUTES ?? 0);
const SHOTS = path(ROOT, 'build/rehearsal');
const PHONE = { width: 390, height: 844 };
const HOST = '佐藤 美香';
const PRESENTER = '高橋 健';
const YAMAMOTO = '山本 直子';
const SUZUKI = 'K. Suzuki';
const HOA = 'Nguyễn Thị Hoa';
const RAHMAN = 'A. Rahman';
const DUMA = 'Thandi Duma';
const FLOOR = 440;
const VOICES = { [YAMAMOTO]: 880, [SUZUKI]: 660 };
const figures = {};
let server, token, session, links, host, presenter, yamamoto, suzuki, hoa, rahman, duma;

async function step(name, work) {
  const begun = performance.now();
  const told = (word) => console.log(`${word.padEnd(5)} ${((performance.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${name}`);
  try {
    const result = await work();
    told('ok');
    return result;
  } catch (error) {
    told('FAIL');
    throw error;
  }
}

const shot = (page, name) => screenshot(page, path(SHOTS, `${name}.png`));
const gone = (what, page, selector) => until(what, () => page.evaluate((one) => document.querySelector(one) === null, selector));
const everybody = () => ({ [HOST]: host, [PRESENTER]: presenter, [YAMAMOTO]: yamamoto, [SUZUKI]: suzuki, [HOA]: hoa, [RAHMAN]: rahman, [DUMA]: duma });

/** A page whose WebSockets can be cut from outside, as a lost line does. */
async function open(browser, size) {
  const page = await newPage(browser, size);
  await page.evaluateOnNewDocument(() => {
    const Real = window.WebSocket;
    window.testSockets = [];
    window.WebSocket = class extends Real {
      constructor(...args) {
        super(...args);
        window.testSockets.push(this);
      }
    };
  });
  return page;
}

async function plan() {
  const signedIn = await server.fetch('/api/v1/sign-in', {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token: tokenOf(server.link('administrator')) }),
  });
  assert.equal(signedIn.status, 200, await signedIn.text());
  const cookie = signedIn.headers.getSetCookie()[0].split(';')[0];
  const ask = (method, where, body) => server.json(where, { method, headers: { cookie, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const event = await ask('POST', '/api/v1/events', {
    kind: 'peer-exchange', title_en: 'Flood drills with the neighbours', title_ja: '住民とつくる洪水ハザードマップ',
    area: 'disaster-risk-management', city: '40100', starts_at: new Date(Date.now() + 60000).toISOString().replace(/\.\d+Z/, 'Z'),
    duration_s: 3600, time_zone: 'Asia/Tokyo', languages: ['en', 'ja'], is_public: true, recording_policy: 'review', audience: 'link',
    has_lobby: true,
    agenda: [{ title_en: 'Opening words', title_ja: '開会のことば', speaker: HOST, duration_s: 300 },
      { title_en: 'How the map is made', title_ja: '地図のつくり方', speaker: PRESENTER, duration_s: 900 }],
  });
  const made = {};
  for (const role of ['facilitator', 'presenter', 'interpreter', 'participant'])
    made[role] = (await ask('POST', `/api/v1/events/${event.id}/links`, { role, label: '' })).url;
  return made;
}

/** A slide deck in both languages, as an office program writes it. */
async function makeDeck(browser, file) {
  const page = await newPage(browser);
  const slide = (big, small) => `<section><h1>${big}</h1><p>${small}</p></section>`;
  await page.setContent(`<html lang="ja"><style>@page{size:16cm 9cm;margin:0}section{height:6cm;padding:1cm;page-break-after:always;font-family:'Noto Sans CJK JP'}</style>${
    slide('洪水ハザードマップ', 'Flood hazard map of Kitakyushu')}${slide('避難経路', 'Evacuation routes')}${slide('ありがとうございました', 'Thank you')}</html>`);
  await page.pdf({ path: file, preferCSSPageSize: true });
  await page.browserContext().close();
}

async function enterAsGuest(browser, name, size) {
  const page = await open(browser, size);
  await page.goto(links.participant);
  await fill(page, 'textbox', /^Your name/, name);
  await press(page, 'button', 'Join listening only');
  return page;
}

async function comeIn(chromium, booth, firefox) {
  await step('the facilitator joins and starts the session', async () => {
    host = await open(chromium);
    await join(host, links.facilitator, HOST, { devices: { microphone: false, camera: true } });
    await startSession(host);
  });
  await step('the interpreters and the presenter join', async () => {
    [yamamoto, suzuki, presenter] = [await open(booth), await open(booth), await open(chromium)];
    await joinWithTone(yamamoto, links.interpreter, YAMAMOTO, VOICES[YAMAMOTO]);
    await joinWithTone(suzuki, links.interpreter, SUZUKI, VOICES[SUZUKI]);
    await joinWithTone(presenter, links.presenter, PRESENTER, FLOOR);
  });
  await step('three participants wait in the lobby, one on a phone', async () => {
    hoa = await enterAsGuest(firefox, HOA);
    rahman = await enterAsGuest(chromium, RAHMAN);
    duma = await enterAsGuest(booth, DUMA, PHONE);
    for (const page of [hoa, rahman, duma]) await page.waitForSelector('[data-waiting="lobby"]', { timeout: 20000 });
    await shot(duma, 'lobby-phone');
  });
  await step('one is let in by name, then everyone', async () => {
    await openPanel(host, 'Facilitate');
    await press(host, 'button', `Let in: ${HOA}`);
    await byRole(hoa, 'button', 'Leave', { deadlineMs: 20000 });
    await shot(host, 'lobby-facilitator');
    await press(host, 'button', 'Let everyone in');
    for (const page of [rahman, duma]) await byRole(page, 'button', 'Leave', { deadlineMs: 20000 });
  });
  await step('the facilitator is seen by all', () => Promise.all([hoa, rahman, duma].map((page) => seesVideos(page, 1, { deadlineMs: 90000 }))));
  await step('the room is locked: who comes late reads why', async () => {
    await (await byRole(host, 'checkbox', /^Lock the room/)).click();
    const late = await enterAsGuest(booth, 'Late');
    await hasText(late, 'The facilitator has locked the room', { deadlineMs: 20000 });
    await late.browserContext().close();
    await (await byRole(host, 'checkbox', /^Lock the room/)).click();
  });
  await step('the recording starts, everyone is told', async () => {
    await startRecording(host);
    await Promise.all([hoa, duma].map((page) => hasText(page, 'REC', { deadlineMs: 20000 })));
  });
}

async function talk(deck) {
  await step('the agenda: everyone sees the current item', async () => {
    await openPanel(host, 'Agenda');
    await press(host, 'button', 'Start: Opening words');
    await openPanel(rahman, 'Agenda');
    await rahman.waitForSelector('.agenda-item.is-current', { timeout: 20000 });
  });
  await step('slides with Japanese words: uploaded, shown, turned', async () => {
    await openPanel(presenter, 'Slides');
    await (await presenter.waitForSelector('#slides-file')).uploadFile(deck);
    await press(presenter, 'button', 'Show: deck', { deadlineMs: 60000 });
    const shows = (page, number) => until(`page ${number}`, () => page.evaluate((wanted) => {
      const image = document.querySelector(`.slide[data-page="${wanted}"] img`);
      return image !== null && image.complete && image.naturalWidth > 0;
    }, number), { deadlineMs: 30000 });
    await Promise.all([hoa, rahman, duma, host].map((page) => shows(page, 1)));
    await shot(hoa, 'slides-participant');
    await shot(duma, 'slides-phone');
    await press(presenter, 'button', 'Next page');
    await Promise.all([hoa, duma].map((page) => shows(page, 2)));
  });
  await step('hands: the same order on three screens, the floor is given', async () => {
    const order = (page) => page.evaluate(() => [...document.querySelectorAll('.hands li')].map((one) => one.innerText.replace(/\s*Give floor/, '').replace(/^\d+\s*/, '').trim()));
    for (const page of [host, hoa, rahman]) await press(page, 'button', /^People/);
    const wanted = [RAHMAN, DUMA, HOA];
    for (const [name, count] of [[RAHMAN, 1], [DUMA, 2], [HOA, 3]]) {
      await press(everybody()[name], 'button', 'Hand');
      await until(`${count} hands`, async () => (await order(host)).length === count);
    }
    for (const page of [host, hoa, rahman]) {
      const seen = await until('the order of hands', async () => {
        const now = await order(page);
        if (now.length === 3) return now;
        throw new Error(JSON.stringify(now));
      });
      assert.deepEqual(seen, wanted);
    }
    await shot(host, 'hands-facilitator');
    await press(host, 'button', `Give floor: ${RAHMAN}`);
    await hasText(rahman, 'You have the floor');
    await press(rahman, 'button', 'I am done');
  });
  await step('a question, a vote for it, an answer', async () => {
    await press(hoa, 'button', /^Questions/);
    await fill(hoa, 'textbox', 'Your question', 'How often is the map revised?');
    await hoa.keyboard.press('Enter');
    await press(rahman, 'button', /^Questions/);
    await rahman.waitForSelector('.question', { timeout: 20000 });
    await press(rahman, 'button', /^I want to know too/);
    await until('the vote', () => hoa.evaluate(() => document.querySelector('.question')?.innerText.includes('1 vote')));
    await press(host, 'button', /^Questions/);
    await press(host, 'button', 'Mark as answered');
    await hoa.waitForSelector('.question.is-answered', { timeout: 20000 });
  });
  await step('a poll from draft to result', async () => {
    await openPanel(host, 'Polls');
    await press(host, 'button', 'New poll');
    await fill(host, 'textbox', 'Question', 'Which drill helps most?');
    await fill(host, 'textbox', 'Answer 1', 'At school');
    await fill(host, 'textbox', 'Answer 2', '夜間の訓練');
    await press(host, 'button', 'Save poll');
    await press(host, 'button', 'Start voting');
    for (const [page, answer] of [[hoa, '夜間の訓練'], [rahman, 'At school'], [duma, '夜間の訓練']]) {
      await openPanel(page, 'Polls');
      await (await byRole(page, 'radio', answer)).click();
      await press(page, 'button', 'Vote');
      await hasText(page, 'Your vote is counted');
    }
    await shot(duma, 'poll-phone');
    await until('the result', () => host.evaluate(() => document.querySelector('.poll')?.innerText.includes('夜間の訓練: 2 (67 %)')));
    await press(host, 'button', 'Close voting');
  });
  await step('captions, typed live', async () => {
    await openPanel(hoa, 'Captions');
    await (await byRole(hoa, 'combobox', 'Captions under the stage')).select('en');
    await openPanel(host, 'Captions');
    await fill(host, 'textbox', 'Caption', 'Every district draws its own map');
    await host.keyboard.press('Enter');
    await until('the line', () => hoa.evaluate(() => document.querySelector('.captions')?.innerText.includes('Every district draws its own map')));
  });
}

async function interpret() {
  const listeners = { [HOA]: hoa, [DUMA]: duma };
  await step('the floor is heard by all', () => Promise.all(Object.values(listeners).map((page) => playsTone(page, FLOOR))));
  await step('two listeners choose Japanese, and hear the floor until somebody interprets', async () => {
    for (const page of Object.values(listeners)) {
      await openPanel(page, 'Hear').catch(() => press(page, 'button', 'Hear'));
      await (await byRole(page, 'radio', /^日本語/)).click();
      await playsTone(page, FLOOR, (volume) => volume === 1);
    }
  });
  await step('on air: the channel in full, the floor low under it', async () => {
    for (const page of [yamamoto, suzuki]) {
      await page.waitForSelector('#booth-seat');
      await page.select('#booth-seat', 'ja');
      await page.waitForSelector('.booth[data-booth="ja"]');
    }
    await press(yamamoto, 'button', 'On air');
    await yamamoto.waitForSelector('.booth[data-on-air="yes"]');
    for (const page of Object.values(listeners)) {
      await playsTone(page, VOICES[YAMAMOTO], (volume) => volume === 1);
      await playsTone(page, FLOOR, (volume) => volume < 0.5);
    }
    await shot(yamamoto, 'interpreter');
    await isWithoutTone(rahman, VOICES[YAMAMOTO]);
    await playsTone(rahman, FLOOR, (volume) => volume === 1);
  });
  await step('the partner takes over: at most 200 ms of silence', async () => {
    for (const page of Object.values(listeners)) await watchTones(page, Object.values(VOICES));
    await press(yamamoto, 'button', 'Ask partner to take over');
    await press(suzuki, 'button', 'Take over in 3 seconds');
    await suzuki.waitForSelector('.booth[data-on-air="yes"]');
    for (const page of Object.values(listeners)) await playsTone(page, VOICES[SUZUKI], (volume) => volume === 1);
    figures.handover_gap_ms = {};
    for (const [name, page] of Object.entries(listeners)) {
      const gap = await endWatch(page);
      assert.ok(gap.heardMs[880] > 0 && gap.heardMs[660] > 0, `${name}: ${JSON.stringify(gap)}`);
      assert.ok(gap.longestMs <= 200, `${name}: ${JSON.stringify(gap)}`);
      figures.handover_gap_ms[name] = gap.longestMs;
    }
  });
  await step('the speaker is asked to slow down', async () => {
    await press(suzuki, 'button', 'Please slow down');
    await Promise.all([presenter, host].map((page) => hasText(page, 'please speak more slowly')));
    await shot(presenter, 'slower');
  });
}

async function share() {
  await step('the presenter shares the screen', async () => {
    await press(presenter, 'button', 'Share screen');
    for (const page of [hoa, duma]) {
      await until('the screen', () => page.evaluate(() => {
        const video = document.querySelector('video[data-source="screen"]');
        return video !== null && video.videoWidth > 0 && video.readyState >= 2;
      }), { deadlineMs: 40000 });
    }
    await shot(hoa, 'screen-participant');
    await press(presenter, 'button', 'Share screen');
    await gone('the screen to go', hoa, 'video[data-source="screen"]');
  });
}

/** After whatever was lost: chat both ways, the channel of the listener, the floor of the other. */
async function isWhole(word) {
  await say(hoa, `hoa ${word}`);
  await reads(host, `hoa ${word}`, { deadlineMs: 40000 });
  await playsTone(hoa, VOICES[SUZUKI], (volume) => volume === 1, { deadlineMs: 40000 });
  await playsTone(rahman, FLOOR, (volume) => volume === 1, { deadlineMs: 40000 });
  await seesVideos(rahman, 1, { deadlineMs: 40000 });
}

async function losses() {
  await step('a socket is cut: the same person comes back', async () => {
    const before = await hoa.evaluate(() => window.testSockets.length);
    await hoa.evaluate(() => window.testSockets.forEach((one) => one.close()));
    await until('another socket', () => hoa.evaluate((count) => window.testSockets.length > count && window.testSockets.at(-1).readyState === 1, before), { deadlineMs: 20000 });
    await isWhole('after the cut');
  });
  await step('the media workers are killed: sound and pictures come back', async () => {
    const seen = new Set();
    for (let pid = server.find('manabi-media'); pid !== null && !seen.has(pid); pid = server.find('manabi-media')) {
      seen.add(server.kill('manabi-media'));
      await until('another worker', () => ![null, ...seen].includes(server.find('manabi-media')), { deadlineMs: 10000 });
      if (seen.size >= 2) break;
    }
    await isWhole('after the worker');
  });
  await step('the server is killed: the session goes on, channel and all', async () => {
    server.kill('manabi');
    await until('the server to answer', async () => (await server.fetch('/healthz')).ok, { deadlineMs: 30000 });
    await isWhole('after the server');
    await hasText(hoa, 'REC', { deadlineMs: 30000 });
    await reads(rahman, 'hoa after the cut');
  });
}

async function goOn(since) {
  for (let round = 0; Date.now() - since < MINUTES * 60000; round++) {
    await step(`minute ${Math.floor((Date.now() - since) / 60000)}: the talk goes on in both channels`, async () => {
      await press(presenter, 'button', round % 2 === 0 ? 'Next page' : 'Previous page').catch(() => undefined);
      await isWhole(`round ${round}`);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, Math.min(25000, MINUTES * 60000 - (Date.now() - since)))));
    });
  }
}

async function end() {
  await step('somebody is removed, and cannot come back', async () => {
    await press(host, 'button', /^People/);
    await press(host, 'button', `Remove: ${DUMA}`);
    await until('the removal to be confirmed', async () => {
      for (const button of await host.$$('dialog[open] button'))
        if (/^Remove/.test(await button.evaluate((el) => el.innerText.trim()))) return button.click().then(() => true);
      return false;
    });
    await hasText(duma, 'You were removed from the session', { deadlineMs: 20000 });
    await shot(duma, 'removed-phone');
  });
  await step('the facilitator ends the session for all', async () => {
    await endSession(host);
    await Promise.all([hoa, rahman, presenter, yamamoto, suzuki].map((page) => hasText(page, 'The session is over', { deadlineMs: 30000 })));
    await hasText(host, 'This session in numbers', { deadlineMs: 20000 });
    await shot(host, 'summary');
  });
  await step('attendance, chat, questions, polls, captions, and the recording', async () => {
    const get = async (name) => {
      const answer = await server.fetch(`/api/v1/sessions/${session}/files/${name}`, { headers: { authorization: `Bearer ${token}` } });
      assert.equal(answer.status, 200, name);
      return answer.text();
    };
    const attendance = await get('attendance.csv');
    for (const name of [HOST, PRESENTER, YAMAMOTO, SUZUKI, HOA, RAHMAN, DUMA]) assert.ok(attendance.includes(name), `${name} is in ${attendance}`);
    assert.ok((await get('chat.csv')).includes('hoa after the server'));
    assert.ok((await get('questions.csv')).includes('How often is the map revised?'));
    assert.ok((await get('polls.csv')).includes('夜間の訓練'));
    assert.ok((await get('captions-en.vtt')).includes('Every district draws its own map'));
    const summary = await server.json(`/api/v1/sessions/${session}/summary`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(summary.recordings.length, 1, JSON.stringify(summary));
    figures.people = summary.people;
  });
}

async function run() {
  const work = mkdtempSync(path(tmpdir(), 'manabi-rehearsal-'));
  rmSync(SHOTS, { recursive: true, force: true });
  mkdirSync(SHOTS, { recursive: true });
  const browsers = [];
  let hasFailed = true;
  try {
    const media = makeMedia(path(tmpdir(), 'manabi-media'));
    server = await step('start the server', () => Server.start({ state: path(work, 'state') }));
    browsers.push(...await step('launch Chromium twice and Firefox', () => Promise.all([
      launchChromium({ camera: media.street }),
      launchChromium(), launchFirefox(),
    ])));
    const [chromium, booth, firefox] = browsers;
    links = await step('plan the event and make its links', plan);
    token = tokenOf(links.facilitator);
    session = (await server.json('/api/v1/join', { headers: { authorization: `Bearer ${token}` } })).session.id;
    const deck = path(work, 'deck.pdf');
    await makeDeck(chromium, deck);
    const since = Date.now();
    await comeIn(chromium, booth, firefox);
    await talk(deck);
    await interpret();
    await share();
    await losses();
    await goOn(since);
    await end();
    figures.minutes = +((Date.now() - since) / 60000).toFixed(1);
    hasFailed = false;
  } finally {
    if (hasFailed) {
      for (const [name, page] of Object.entries(everybody())) if (page) await shot(page, `failed-${name}`).catch(() => {});
      for (const [name, page] of Object.entries(everybody())) if (page?.problems.length > 0) console.log(`${name}: ${[...new Set(page.problems)].slice(0, 3).join(' | ')}`);
      if (server) console.log(server.logTail(30));
    }
    for (const browser of browsers) await browser.close().catch(() => {});
    await server?.stop().catch((error) => console.log(error.message));
    if (process.env.MANABI_KEEP !== '1') rmSync(work, { recursive: true, force: true });
  }
}

const begun = performance.now();
try {
  await run();
  console.log(JSON.stringify({ name: 'rehearsal', ...figures, total_s: Math.round((performance.now() - begun) / 1000) }));
  process.exit(0);
} catch (error) {
  console.log(error.stack);
  process.exit(1);
}
