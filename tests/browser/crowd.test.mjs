// 300 people in one session: the page of one of them stays fluid while others come, raise hands, and write.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { byRole, hasText, launchChromium, missing, newPage } from '../support/browser.mjs';
import { Server, until } from '../support/server.mjs';
import { SignalClient, tokenOf } from '../support/signal.mjs';
import { join } from './steps.mjs';

const skip = missing() ?? false;
const PEOPLE = 298; // beside the facilitator and the page
const MESSAGES = 120;
const LONG_MS = 50; // what a browser calls a long task
let server, chromium, facilitator, page;
const crowd = [];

before(async () => {
  if (skip) return;
  [server, chromium] = await Promise.all([Server.start(), launchChromium()]);
  facilitator = await SignalClient.join(server.url, tokenOf(server.link('facilitator')), 'Mika Sato');
  await facilitator.ask('start-session');
  const token = tokenOf(server.link('participants'));
  for (let i = 0; i < PEOPLE; i += 20) {
    const some = Array.from({ length: Math.min(20, PEOPLE - i) }, (_, k) => SignalClient.join(server.url, token, i % 40 === 0 ? `田中 太郎 ${i + k}` : `Ana Lima ${i + k}`));
    crowd.push(...await Promise.all(some));
  }
});

after(async () => {
  for (const client of crowd) client.close();
  facilitator?.close();
  await chromium?.close().catch(() => {});
  await server?.stop();
});

/** The bar grows while the room arrives: a press where a button was a moment ago would hit its neighbour. */
async function openPanel(name, selector) {
  await (await byRole(page, 'button', name)).evaluate((button) => button.click());
  await page.waitForSelector(selector, { timeout: 20000 });
}

/** Begins to note the tasks that block the page's main thread. */
const watch = () => page.evaluate(() => {
  window.blocked = [];
  window.watcher ??= new PerformanceObserver((list) => window.blocked.push(...list.getEntries().map(({ duration }) => Math.round(duration))));
  window.watcher.observe({ entryTypes: ['longtask'] });
});
const blocked = () => page.evaluate(() => window.blocked);

/** Fewer than half: this machine has other things to do, too, and one of them may be just then. */
function assertFluid(t, what, updates, tasks) {
  t.diagnostic(JSON.stringify({ what, updates, long_tasks: tasks.length, longest_ms: Math.max(0, ...tasks) }));
  assert.ok(tasks.length < updates / 2, `${what}: ${tasks.length} of ${updates} updates blocked the page for more than ${LONG_MS} ms: ${tasks}`);
}

test('the roster of 300 is there, to its last name', { skip, timeout: 120000 }, async () => {
  page = await newPage(chromium);
  await join(page, server.link('participants'), 'Nguyễn Thị Hoa', { devices: null });
  await openPanel(/^People/, '.people');
  await hasText(page, '300 people');
  assert.equal(await page.evaluate(() => document.querySelectorAll('.person').length), 300);
  await until('the last one to be in sight', () => page.evaluate(() => {
    const box = document.querySelector('.people');
    box.scrollTop = box.scrollHeight;
    const last = [...document.querySelectorAll('.person-name')].at(-1);
    return last.innerText.includes('Hoa') && last.getBoundingClientRect().bottom <= innerHeight;
  }));
});

test('who is not concerned is not drawn again', { skip, timeout: 60000 }, async () => {
  const drawn = await page.evaluate(() => {
    window.changedRows = new Set();
    new MutationObserver((records) => {
      for (const { target } of records) {
        const row = (target instanceof Element ? target : target.parentElement)?.closest('.person');
        if (row) window.changedRows.add(row.dataset.peer);
      }
    }).observe(document.querySelector('.people'), { childList: true, subtree: true, characterData: true, attributes: true });
    return true;
  });
  assert.ok(drawn);
  await crowd[7].ask('hand', { raised: true });
  await until('the hand', () => page.evaluate(() => document.querySelectorAll('.hands li').length === 1));
  await until('the row', () => page.evaluate(() => window.changedRows.size > 0));
  assert.deepEqual(await page.evaluate(() => [...window.changedRows]), [crowd[7].welcome.peer]);
  await crowd[7].ask('hand', { raised: false });
  await until('no hand', () => page.evaluate(() => document.querySelectorAll('.hands li').length === 0));
});

test('hands and comings are drawn without blocking', { skip, timeout: 120000 }, async (t) => {
  await watch();
  const some = crowd.slice(0, 40);
  for (const one of some) await one.ask('hand', { raised: true });
  await until('40 hands', () => page.evaluate(() => document.querySelectorAll('.hands li').length === 40));
  assertFluid(t, 'hands', some.length, await blocked());
  await facilitator.ask('lower-hands');
  await until('no hands', () => page.evaluate(() => document.querySelectorAll('.hands li').length === 0));
  await watch();
  for (const one of crowd.slice(-30)) await one.ask('leave');
  await hasText(page, '270 people');
  assertFluid(t, 'leaving', 30, await blocked());
});

test('chat of many is drawn without blocking', { skip, timeout: 120000 }, async (t) => {
  await openPanel(/^Chat/, '.messages');
  await watch();
  for (let i = 0; i < MESSAGES; i++) await crowd[i % 200].ask('chat', { text: `Message ${i}: https://example.org/${i} 洪水の地図`, key: `m${i}` });
  await hasText(page, `Message ${MESSAGES - 1}:`);
  assertFluid(t, 'chat', MESSAGES, await blocked());
});
