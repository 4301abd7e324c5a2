// steps.mjs - what people do in the web client, in the words of its English screens.
import { byRole, fill, press, hasText } from '../support/browser.mjs';
import { until } from '../support/server.mjs';

/** Opens a role link, fills in the name, switches devices on, and joins. devices: null joins listening only. @returns when Join was pressed */
export async function join(page, link, name, { devices = { microphone: true, camera: true }, onPreJoin } = {}) {
  await page.goto(link);
  await fill(page, 'textbox', /^Your name/, name);
  let pressedAt;
  if (devices === null) {
    await onPreJoin?.(page);
    pressedAt = performance.now();
    await press(page, 'button', 'Join listening only');
  } else {
    await press(page, 'button', 'Set up camera and microphone');
    await until('the camera preview', () => page.evaluate(() => document.querySelector('video')?.videoWidth > 0), { deadlineMs: 20000 });
    for (const [label, wanted] of [['Microphone', devices.microphone], ['Camera', devices.camera]]) {
      const button = await byRole(page, 'button', label);
      const isOn = await button.evaluate((el) => el.getAttribute('aria-pressed') === 'true');
      if (isOn !== wanted) await button.click();
    }
    await onPreJoin?.(page);
    pressedAt = performance.now();
    await press(page, 'button', 'Join');
  }
  await byRole(page, 'button', 'Leave', { deadlineMs: 20000 });
  return pressedAt;
}

/** Milliseconds from a press until the page has a decoded picture of somebody else. */
export async function firstPicture(page, pressedAt) {
  await until('the first picture', () => page.evaluate(() =>
    [...document.querySelectorAll('video:not(.is-mirrored)')].some((video) => video.videoWidth > 0 && video.readyState >= 2)),
  { deadlineMs: 20000, everyMs: 10 });
  return performance.now() - pressedAt;
}

export async function startSession(page) {
  await press(page, 'button', 'Start session');
  await byRole(page, 'button', 'End session');
}

export async function say(page, text) {
  if (!(await page.$('#chat-text'))) await press(page, 'button', /^Chat/);
  await page.waitForSelector('#chat-text');
  await page.type('#chat-text', text);
  await page.keyboard.press('Enter');
}

export const reads = async (page, text, options) => {
  if (!(await page.$('#chat-text'))) await press(page, 'button', /^Chat/);
  return hasText(page, text, options);
};

/** Opens a panel by "More", which has all of them. */
export async function openPanel(page, name) {
  if (!(await page.$('#more-button[aria-pressed="true"]'))) await page.click('#more-button');
  await page.waitForSelector('.more-list');
  await press(page, 'button', new RegExp(`^${name}`));
  await until(`the panel ${name}`, () => page.evaluate((wanted) => document.querySelector('#panel-heading')?.innerText === wanted, name));
}

export async function startRecording(page) {
  await press(page, 'button', 'Record');
  await press(page, 'button', 'Start recording');
  await hasText(page, 'REC', { deadlineMs: 20000 });
}

export async function stopRecording(page) {
  await press(page, 'button', 'Record');
  await press(page, 'button', 'Stop recording');
  await until('the recording to be off', () => page.evaluate(() => !document.body.innerText.includes('REC')), { deadlineMs: 20000 });
}

export async function endSession(page) {
  await press(page, 'button', 'End session');
  await until('the end to be confirmed', async () => {
    const buttons = await page.$$('dialog[open] button');
    for (const button of buttons) if (/^End session/.test(await button.evaluate((el) => el.innerText.trim()))) return button.click().then(() => true);
    return false;
  });
}

/** Waits until the page's film plays: its time moves and it has a picture. @returns {currentTime, duration, width, height} */
export async function plays(page, { seconds = 1, deadlineMs = 30000 } = {}) {
  let first = null;
  return until('the film to play', async () => {
    const now = await page.evaluate(async () => {
      const video = document.querySelector('video');
      if (!video) return null;
      if (video.paused) await video.play().catch(() => {});
      return { currentTime: video.currentTime, duration: video.duration, width: video.videoWidth, height: video.videoHeight, error: video.error?.message ?? null };
    });
    if (!now) return null;
    if (now.error) throw new Error(now.error);
    if (now.width === 0) return null;
    first ??= now;
    if (now.currentTime < first.currentTime) first = now;
    return now.currentTime >= first.currentTime + seconds ? now : null;
  }, { deadlineMs });
}
