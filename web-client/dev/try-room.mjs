import { base, links, chrome, firefox, watchPage, press, until, decoded } from './try.mjs';
const cr = await chrome(); const ff = process.argv[2] === 'ff' ? await firefox() : cr;
try {
  const a = await (await cr.createBrowserContext()).newPage(); watchPage(a, 'A'); await a.setViewport({ width: 1280, height: 800 });
  const b = await (await ff.createBrowserContext()).newPage(); watchPage(b, 'B'); await b.setViewport({ width: 1280, height: 800 });
  await a.goto(links.fac); await a.waitForSelector('#name'); console.log('url', a.url());
  await a.type('#name', '佐藤 花子'); await press(a, 'Set up camera and microphone'); await a.waitForSelector('.preview video');
  await new Promise((r) => setTimeout(r, 800)); await a.screenshot({ path: '/tmp/shots/prejoin-fac.png', fullPage: true });
  await press(a, 'Join'); await a.waitForSelector('.waiting, .stage', { timeout: 10000 }); await new Promise((r) => setTimeout(r, 500)); await a.screenshot({ path: '/tmp/shots/waiting-fac.png' });
  await b.goto(links.part); await b.waitForSelector('#name'); await b.type('#name', 'A. Rahman'); await b.type('#affiliation', 'Dhaka');
  await press(b, 'Set up camera and microphone'); await b.waitForSelector('.preview video', { timeout: 10000 }); await press(b, 'Join');
  await b.waitForSelector('.waiting, .stage', { timeout: 10000 }); await b.screenshot({ path: '/tmp/shots/waiting-part.png' });
  if (await a.$('.waiting')) await press(a, 'Start session'); await a.waitForSelector('.stage'); const t0 = Date.now();
  await until(b, 'B sees A', () => [...document.querySelectorAll('.tile video')].some((v) => v.videoWidth > 0 && v.dataset.peer && v.getVideoPlaybackQuality().totalVideoFrames > 3 && !v.classList.contains('is-mirrored')));
  console.log('B sees A after', Date.now() - t0, await decoded(b));
  await until(a, 'A sees B', () => [...document.querySelectorAll('.tile video')].some((v) => v.videoWidth > 0 && !v.classList.contains('is-mirrored')));
  console.log('A', await decoded(a));
  await press(b, 'Microphone'); await press(b, 'Hand'); await new Promise((r) => setTimeout(r, 1000));
  await press(a, 'People'); await new Promise((r) => setTimeout(r, 3000)); await a.screenshot({ path: '/tmp/shots/room-people.png' });
  await b.locator('::-p-aria([name="Chat"][role="button"])').click().catch((e) => console.log(e.message)); await b.waitForSelector('#chat-text'); await b.type('#chat-text', 'Hello from Dhaka'); await b.keyboard.press('Enter');
  await new Promise((r) => setTimeout(r, 600)); await b.screenshot({ path: '/tmp/shots/room-chat.png' });
  await press(a, 'Record'); await press(a, 'Start recording'); await until(b, 'B rec', () => document.querySelector('[data-recording="on"]'));
  await new Promise((r) => setTimeout(r, 5000)); await b.screenshot({ path: '/tmp/shots/room-rec.png' });
  await press(a, 'Record'); await press(a, 'Stop recording'); await until(b, 'B rec off', () => !document.querySelector('[data-recording="on"]'));
  await a.screenshot({ path: '/tmp/shots/room-after.png' });
  await press(a, 'End session'); await new Promise((r) => setTimeout(r, 300)); await a.screenshot({ path: '/tmp/shots/room-enddialog.png' });
  await a.evaluate(() => [...document.querySelectorAll('dialog .button.is-danger')][0].click());
  await until(b, 'B over', () => document.querySelector('[data-over="over"]')); await new Promise((r) => setTimeout(r, 3000)); await a.screenshot({ path: '/tmp/shots/over-fac.png', fullPage: true }); await b.screenshot({ path: '/tmp/shots/over-part.png', fullPage: true });
} catch (e) { console.log('ERR', e.message); } finally { await cr.close(); if (ff !== cr) await ff.close(); }
