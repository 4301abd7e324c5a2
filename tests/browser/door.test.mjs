// Before the room: what the line will carry, tried for real in both browsers, by UDP, by TCP, and where nothing gets through.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { byRole, hasText, launchChromium, launchFirefox, missing, newPage, press } from '../support/browser.mjs';
import { makeMedia } from '../support/media.mjs';
import { checkScreen, loadTexts } from '../support/screens.mjs';
import { Server, until } from '../support/server.mjs';
import { tokenOf } from '../support/signal.mjs';

const skip = missing() ?? false;
let server, texts, chromium, firefox;

before(async () => {
  if (skip) return;
  const media = makeMedia(path(tmpdir(), 'manabi-media'));
  [texts, server] = await Promise.all([loadTexts(), Server.start()]);
  [chromium, firefox] = await Promise.all([launchChromium({ camera: media.street, microphone: media.tone440 }), launchFirefox()]);
});

after(async () => {
  await Promise.all([chromium, firefox].map((browser) => browser?.close().catch(() => {})));
  await server?.stop();
});

/** A page whose network lets only candidates through whose line matches. */
async function behind(browser, lets, options) {
  const page = await newPage(browser, options);
  await page.evaluateOnNewDocument((pattern) => {
    const wanted = new RegExp(pattern);
    const original = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = function (description) {
      const lines = description.sdp.split('\r\n').filter((line) => !line.startsWith('a=candidate:') || wanted.test(line));
      return original.call(this, { type: description.type, sdp: lines.join('\r\n') });
    };
  }, lets);
  return page;
}

/** What the check says when it is done. */
async function verdict(page) {
  let seen = null;
  try {
    return await until('the verdict about the line', async () => {
      seen = await page.evaluate(() => {
        const check = document.querySelector('.line-check');
        return check && { ...check.dataset, ...check.querySelector('[data-up-kbit]')?.dataset, text: check.innerText };
      });
      return seen !== null && seen.line !== 'busy' ? seen : null;
    }, { deadlineMs: 60000 });
  } catch (error) {
    throw new Error(`${error.message}; it shows ${JSON.stringify(seen)}`);
  }
}

for (const [name, browser] of [['Chromium', () => chromium], ['Firefox', () => firefox]]) {
  test(`${name} tries the line by UDP, days before the session`, { skip, timeout: 120000 }, async () => {
    const page = await newPage(browser());
    await page.goto(server.link('participants'));
    const found = await verdict(page);
    assert.equal(found.way, 'udp', JSON.stringify(found));
    // On a busy machine the picture is encoded slowly: what matters is that bytes went there and came back.
    assert.ok(Number(found.upKbit) > 60 && Number(found.downKbit) > 60, JSON.stringify(found));
    assert.ok(['good', 'fair', 'weak'].includes(found.line), JSON.stringify(found));
    assert.match(found.text, /Round trip \d+ ms · up .+ · down /);
    assert.match(found.text, /by UDP/);
    await page.browserContext().close();
  });

  test(`${name} gets through by TCP where UDP is blocked`, { skip, timeout: 120000 }, async () => {
    const page = await behind(browser(), ' tcp ');
    await page.goto(server.link('participants'));
    const found = await verdict(page);
    assert.equal(found.way, 'tcp', JSON.stringify(found));
    assert.ok(Number(found.upKbit) > 60, JSON.stringify(found));
    assert.match(found.text, /by TCP only/);
    await page.browserContext().close();
  });
}

test('where nothing gets through it says what to do', { skip, timeout: 120000 }, async () => {
  const page = await behind(chromium, ' none ');
  await page.goto(server.link('participants'));
  const found = await verdict(page);
  assert.equal(found.line, 'no-media', JSON.stringify(found));
  await page.$eval('.line-check', (check) => check.scrollIntoView({ block: 'center' }));
  await checkScreen(page, 'line-blocked', texts);
  await page.browserContext().close();
});

test('the event’s page leads to the trial, and the choices are kept', { skip, timeout: 60000 }, async () => {
  const page = await newPage(chromium);
  await page.goto(server.link('participants'));
  await byRole(page, 'button', 'Join');
  const { event } = await server.json('/api/v1/join', { headers: { authorization: `Bearer ${tokenOf(server.link('participants'))}` } });
  await page.goto(`${server.url}/events/${event.id}`);
  await press(page, 'link', 'Try your devices and connection');
  await until('the focus on the devices', () => page.evaluate(() => document.activeElement?.id === 'devices-heading'));
  await page.waitForSelector('#join-limit');
  await page.select('#join-limit', '500');
  await page.reload();
  await page.waitForSelector('#join-limit');
  assert.equal(await page.$eval('#join-limit', (select) => select.value), '500');
  await page.browserContext().close();
});

test('a browser without WebRTC is told which one to take', { skip, timeout: 60000 }, async () => {
  const page = await newPage(chromium);
  await page.evaluateOnNewDocument(() => { delete window.RTCPeerConnection; });
  await page.goto(server.link('participants'));
  await hasText(page, 'This browser cannot take part');
  await checkScreen(page, 'no-webrtc', texts);
  await page.browserContext().close();
});

test('a clock that is hours wrong is noticed', { skip, timeout: 90000 }, async () => {
  const page = await newPage(chromium);
  await page.evaluateOnNewDocument(() => {
    const real = Date.now;
    Date.now = () => real() + 9 * 3600 * 1000;
  });
  await page.goto(server.link('participants'));
  const found = await verdict(page);
  assert.match(found.text, /clock of this device is .* wrong/, JSON.stringify(found));
  await page.$eval('.line-check', (check) => check.scrollIntoView({ block: 'center' }));
  await checkScreen(page, 'wrong-clock', texts);
  await page.browserContext().close();
});
