// Networks that let no UDP through: media by TCP, to a worker's port and through the port of the front door.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // the certificate of this test is its own
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { after, before, test } from 'node:test';
import { launchChromium, launchFirefox, missing, newPage, seesVideos } from '../support/browser.mjs';
import { makeMedia } from '../support/media.mjs';
import { Server, freePort, until } from '../support/server.mjs';
import { join, startSession } from './steps.mjs';

const skip = missing() ?? false;
let server, chromium, firefox, dir;

before(async () => {
  if (skip) return;
  const media = makeMedia(path(tmpdir(), 'manabi-media'));
  dir = mkdtempSync(path(tmpdir(), 'manabi-tcp-'));
  const [certificate, key, config] = ['cert.pem', 'key.pem', 'manabi.ini'].map((name) => path(dir, name));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  const port = await freePort();
  // Two workers: the front door does not know whose a connection is.
  writeFileSync(config, `[server]\nlisten = 0.0.0.0\npublic_url = https://localhost:${port}\ntls_certificate = ${certificate}\ntls_key = ${key}\n[media]\nworkers = 2\n`);
  server = await Server.start({ port, args: ['--config', config] });
  [chromium, firefox] = await Promise.all([
    launchChromium({ camera: media.street, microphone: media.tone440, args: ['--ignore-certificate-errors'] }),
    launchFirefox({ acceptInsecureCerts: true }),
  ]);
});

after(async () => {
  await Promise.all([chromium, firefox].map((browser) => browser?.close().catch(() => {})));
  await server?.stop();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

/** A page that hears only of candidates whose line matches. */
async function pageThatReaches(browser, source) {
  const page = await newPage(browser);
  await page.evaluateOnNewDocument((pattern) => {
    const wanted = new RegExp(pattern);
    const original = RTCPeerConnection.prototype.setRemoteDescription;
    window.connections = [];
    RTCPeerConnection.prototype.setRemoteDescription = function (description) {
      window.connections.push(this);
      const lines = description.sdp.split('\r\n').filter((line) => !line.startsWith('a=candidate:') || wanted.test(line));
      return original.call(this, { type: description.type, sdp: lines.join('\r\n') });
    };
  }, source);
  return page;
}

/** "protocol port" of the remote ends that the page's connections use. */
const remoteEnds = (page) => page.evaluate(async () => {
  const ends = [];
  for (const connection of window.connections.filter(({ connectionState }) => connectionState === 'connected')) {
    const report = await connection.getStats();
    for (const pair of report.values())
      if (pair.type === 'candidate-pair' && pair.state === 'succeeded' && (pair.nominated || pair.selected)) {
        const remote = report.get(pair.remoteCandidateId);
        ends.push(`${remote.protocol} ${remote.port}`);
      }
  }
  return ends;
});

test('Chromium reaches a worker by TCP, Firefox by the port of the front door', { skip, timeout: 120000 }, async () => {
  assert.ok(server.url.startsWith('https://'), server.url);
  const host = await pageThatReaches(chromium, ` tcp .* (?!${server.port} )\\d+ typ host tcptype passive`);
  await join(host, server.link('facilitator'), '佐藤 美香');
  await startSession(host);
  const guest = await pageThatReaches(firefox, ` tcp .* ${server.port} typ host tcptype passive`);
  await join(guest, server.link('participant'), 'Nguyễn Thị Hoa');
  await Promise.all([seesVideos(host, 1, { deadlineMs: 40000 }), seesVideos(guest, 1, { deadlineMs: 40000 })]);
  const atHost = await until('the pairs of Chromium', async () => ((await remoteEnds(host)).length >= 2 ? remoteEnds(host) : null));
  for (const end of atHost) {
    assert.match(end, /^tcp /);
    assert.notEqual(end, `tcp ${server.port}`);
  }
  await host.browserContext().close();
  await guest.browserContext().close();
});

test('Chromium and Firefox meet through the port of the front door alone', { skip, timeout: 120000 }, async () => {
  const only = ` tcp .* ${server.port} typ host tcptype passive`;
  const host = await pageThatReaches(chromium, only);
  await join(host, server.link('facilitator'), '佐藤 美香');
  const guest = await pageThatReaches(firefox, only);
  await join(guest, server.link('participant'), 'Ana Lima');
  await Promise.all([seesVideos(host, 1, { deadlineMs: 40000 }), seesVideos(guest, 1, { deadlineMs: 40000 })]);
  const ends = await remoteEnds(host);
  assert.ok(ends.length >= 2 && ends.every((end) => end === `tcp ${server.port}`), ends.join());
  const metrics = await (await server.fetch('/metrics')).text();
  const connections = [...metrics.matchAll(/^manabi_media_tcp_connections\{.*\} (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
  assert.ok(connections >= 4, `${connections} connections`);
});
