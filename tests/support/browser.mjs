// browser.mjs - Chromium and Firefox ESR of Debian, driven by puppeteer-core, with cameras and microphones made of files.
import { createRequire } from 'node:module';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT, until } from './server.mjs';

const CHROMIUM = '/usr/bin/chromium';
const FIREFOX = '/usr/bin/firefox-esr';
// The packages come from the web client's lock file: one list for the whole tree.
const require = createRequire(join(ROOT, 'web-client/package.json'));

/** Why browser tests cannot run here, or null. */
export function missing() {
  for (const path of [CHROMIUM, FIREFOX]) if (!existsSync(path)) return `${path} is not installed`;
  try {
    require.resolve('puppeteer-core');
  } catch {
    return 'puppeteer-core is not installed (npm ci in web-client)';
  }
  return null;
}

async function puppeteer() {
  const module = await import(require.resolve('puppeteer-core'));
  return module.default ?? module;
}

/**
 * @param camera, microphone: files (MJPEG or Y4M, WAV); without them the browser's own fake devices
 * @param isAllowed: false refuses camera and microphone, as a person does who presses "Block"
 */
export async function launchChromium({ camera, microphone, language = 'en', isAllowed = true, args = [], env = {} } = {}) {
  const flags = [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--autoplay-policy=no-user-gesture-required',
    '--use-fake-device-for-media-stream', '--allow-loopback-in-peer-connection', `--lang=${language}`, ...args,
  ];
  if (isAllowed) flags.push('--use-fake-ui-for-media-stream');
  if (camera) flags.push(`--use-file-for-fake-video-capture=${camera}`);
  if (microphone) flags.push(`--use-file-for-fake-audio-capture=${microphone}`);
  return (await puppeteer()).launch({ browser: 'chrome', executablePath: CHROMIUM, headless: true, args: flags, env: { ...process.env, LANGUAGE: language, ...env } });
}

/** @param hertz: pitch of the fake microphone; prefs: more settings, which win */
export async function launchFirefox({ hertz = 880, language = 'en', prefs = {}, acceptInsecureCerts = false } = {}) {
  return (await puppeteer()).launch({
    acceptInsecureCerts,
    browser: 'firefox',
    executablePath: FIREFOX,
    headless: true,
    extraPrefsFirefox: {
      'media.navigator.streams.fake': true,
      'media.navigator.permission.disabled': true,
      'media.autoplay.default': 0,
      'media.cubeb.force_mock_context': true,
      'media.navigator.audio.fake_frequency': hertz,
      'intl.accept_languages': language === 'ja' ? 'ja,en' : 'en,ja',
      ...prefs,
    },
  });
}

export async function newPage(browser, { width = 1280, height = 800, language } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport({ width, height });
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') page.problems.push(message.text());
  });
  if (language) await page.evaluateOnNewDocument((value) => localStorage.setItem('manabi.language', value), language);
  return page;
}

/** One element by what a screen reader calls it, e.g. byRole(page, 'button', 'Join'); name may be a regular expression. */
export async function byRole(page, role, name, options) {
  const handle = await until(`${role} "${name}"`, async () => {
    const found = await page.evaluateHandle(
      ({ role, source, flags }) => {
        const wanted = new RegExp(source, flags);
        const implied = { BUTTON: 'button', A: 'link', SELECT: 'combobox', TEXTAREA: 'textbox', DIALOG: 'dialog', SUMMARY: 'button' };
        const inputRole = (el) => ({ checkbox: 'checkbox', radio: 'radio', search: 'searchbox', range: 'slider', submit: 'button', button: 'button' })[el.type] ?? 'textbox';
        const roleOf = (el) => el.getAttribute('role') ?? (el.tagName === 'INPUT' ? inputRole(el) : /^H[1-6]$/.test(el.tagName) ? 'heading' : implied[el.tagName]);
        const text = (el) => (el?.innerText ?? el?.textContent ?? '').replace(/\s+/g, ' ').trim();
        const nameOf = (el) =>
          el.getAttribute('aria-label') ??
          (el.getAttribute('aria-labelledby') ? el.getAttribute('aria-labelledby').split(' ').map((id) => text(document.getElementById(id))).join(' ') : null) ??
          (el.labels?.length ? text(el.labels[0]) : null) ??
          (text(el) || el.title || el.placeholder || '');
        const isShown = (el) => el.checkVisibility ? el.checkVisibility({ checkOpacity: false }) : el.offsetParent !== null;
        return [...document.querySelectorAll('a,button,input,select,textarea,dialog,summary,h1,h2,h3,h4,[role]')]
          .find((el) => roleOf(el) === role && isShown(el) && wanted.test(nameOf(el))) ?? null;
      },
      name instanceof RegExp ? { role, source: name.source, flags: name.flags } : { role, source: `^\\s*${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\s*$`, flags: '' },
    );
    const element = found.asElement();
    if (!element) await found.dispose();
    return element;
  }, options);
  return handle;
}

export async function press(page, role, name, options) {
  // A screen may be drawn anew between finding and clicking: find again.
  await until(`press ${role} "${name}"`, async () => {
    const element = await byRole(page, role, name, { deadlineMs: 2000 });
    await element.evaluate((el) => {
      if (el.disabled) throw new Error('it is disabled');
      el.scrollIntoView({ block: 'center' });
    });
    await element.click();
    return true;
  }, options);
}

export async function fill(page, role, name, text) {
  const element = await byRole(page, role, name);
  await element.evaluate((el) => {
    el.focus();
    el.select?.();
  });
  await page.keyboard.press('Backspace');
  await element.type(text);
}

export const hasText = (page, text, options) =>
  until(`text "${text}"`, () => page.evaluate((wanted) => document.body.innerText.includes(wanted), text), options);

export async function screenshot(page, path) {
  mkdirSync(dirname(path), { recursive: true });
  await page.screenshot({ path });
}

/** Counts the frames that the page's videos show: [{name, self, frames, width, height}]. Firefox counts none by itself. */
export const videoFrames = (page) =>
  page.evaluate(() => {
    const counts = (window.testFrames ??= new WeakMap());
    return [...document.querySelectorAll('video')].map((video) => {
      if (!counts.has(video)) {
        counts.set(video, 0);
        const count = () => {
          counts.set(video, counts.get(video) + 1);
          video.requestVideoFrameCallback(count);
        };
        video.requestVideoFrameCallback(count);
      }
      return {
        name: video.dataset.peer ?? '',
        self: video.classList.contains('is-mirrored'),
        frames: counts.get(video),
        width: video.videoWidth,
        height: video.videoHeight,
      };
    });
  });

/** Waits until at least count videos of other people decode frames: each grows by 5. */
export async function seesVideos(page, count, options) {
  const start = new Map();
  return until(`${count} videos that move`, async () => {
    const now = (await videoFrames(page)).map((video, index) => ({ ...video, key: `${video.name}/${index}` }));
    for (const video of now) if (!start.has(video.key) || video.frames < start.get(video.key)) start.set(video.key, video.frames);
    const moving = now.filter((video) => !video.self && video.width > 0 && video.frames >= start.get(video.key) + 5);
    return moving.length >= count ? moving : null;
  }, options);
}

/** The loudest frequency of each remote audio stream on the page, in hertz with decibels, and the volume at which it is played. */
export const heardTones = (page) =>
  page.evaluate(async () => {
    const audio = (window.testAudio ??= new AudioContext());
    await audio.resume();
    const taps = (window.testTaps ??= new Map());
    const heard = new Map();
    for (const element of document.querySelectorAll('audio,video')) {
      const stream = element.srcObject;
      if (!stream || element.muted) continue;
      for (const track of stream.getAudioTracks()) {
        heard.set(track, element);
        if (taps.has(track)) continue; // ids come again after a reconnection
        const analyser = new AnalyserNode(audio, { fftSize: 4096, smoothingTimeConstant: 0 });
        audio.createMediaStreamSource(new MediaStream([track])).connect(analyser);
        taps.set(track, analyser);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    return [...heard].map(([track, element]) => {
      const analyser = taps.get(track);
      const bins = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(bins);
      const best = bins.indexOf(Math.max(...bins));
      return { hertz: Math.round((best * audio.sampleRate) / analyser.fftSize), decibels: Math.round(bins[best]), volume: element.volume };
    });
  });

/** Waits until the page plays something near this pitch: silence is -inf dB, and noise suppression leaves little of a steady tone. */
export const hears = (page, hertz, options) =>
  until(`a tone of ${hertz} Hz`, async () => {
    const tones = await heardTones(page);
    if (!tones.some(({ decibels }) => decibels !== null)) throw new Error('all is silent');
    return tones.some((tone) => Math.abs(tone.hertz - hertz) <= 24 && tone.decibels > -75);
  }, { everyMs: 200, ...options });

/** Waits until the page plays any sound louder than -50 dB (speech). */
export const hearsSound = (page, options) =>
  until('sound', async () => (await heardTones(page)).some((tone) => tone.decibels > -50), { everyMs: 200, ...options });

/** axe-core's violations of the page as it is. */
export async function axe(page) {
  const source = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(source);
  return page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).slice(0, 3).join(', ')}`);
  });
}
