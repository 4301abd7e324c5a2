import puppeteer from 'puppeteer-core';
import { readFileSync } from 'node:fs';
export const log = readFileSync('/tmp/web-serve.log', 'utf8');
export const base = /ready (\S+)/.exec(log)[1];
export const links = { fac: /facilitator\s+(\S+)/.exec(log)[1], part: /participants\s+(\S+)/.exec(log)[1], admin: /administrator\s+(\S+)/.exec(log)[1] };
export const chrome = (extra = []) => puppeteer.launch({ browser: 'chrome', executablePath: '/usr/bin/chromium', headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
    '--autoplay-policy=no-user-gesture-required', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--lang=en', ...extra] });
export const firefox = () => puppeteer.launch({ browser: 'firefox', executablePath: '/usr/bin/firefox-esr', headless: true,
  extraPrefsFirefox: { 'media.navigator.streams.fake': true, 'media.navigator.permission.disabled': true, 'media.autoplay.default': 0, 'media.cubeb.force_mock_context': true } });
export function watchPage(page, name) {
  page.on('console', (m) => { if (['error', 'warn', 'warning'].includes(m.type())) console.log(name, m.type(), m.text()); });
  page.on('pageerror', (e) => console.log(name, 'PAGEERROR', e.message));
  page.on('requestfailed', (r) => console.log(name, 'FAILED', r.url(), r.failure()?.errorText));
}
export async function press(page, name) {
  const l = page.locator(`::-p-aria([name="${name}"][role="button"])`).setTimeout(15000); await l.click();
}
export async function until(page, what, fn, ...args) {
  try { await page.waitForFunction(fn, { timeout: 20000, polling: 200 }, ...args); } catch (e) { console.log('TIMEOUT', what); await page.screenshot({ path: `/tmp/shots/timeout-${what.replace(/\W/g, '_')}.png` }); throw e; }
}
export const decoded = (page) => page.evaluate(() => [...document.querySelectorAll('.tile video')].map((v) => ({ peer: v.dataset.peer.slice(0, 6), w: v.videoWidth, frames: v.getVideoPlaybackQuality?.().totalVideoFrames, rs: v.readyState })));
