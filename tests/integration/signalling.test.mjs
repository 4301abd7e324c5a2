// The WebSocket door itself: who gets in, how long strangers may stay, what is cut, and what a stop says.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, Server, until } from '../support/server.mjs';
import { SignalClient, tokenOf } from '../support/signal.mjs';

const require = createRequire(join(ROOT, 'web-client/package.json'));
const WebSocket = require(require.resolve('ws', { paths: [require.resolve('puppeteer-core')] }));

let server;
let token;
before(async () => {
  server = await Server.start();
  token = tokenOf(server.link('participant'));
});
after(() => server?.stop());

const closed = (client) => until('the socket to close', () => client.closed, { deadlineMs: 12000, everyMs: 20 });
const metric = async (name) => Number((await (await server.fetch('/metrics')).text()).match(new RegExp(`^${name} (\\d+)`, 'm'))?.[1] ?? NaN);

test('only our subprotocol from our pages is a WebSocket', { timeout: 30000 }, async () => {
  await assert.rejects(SignalClient.connect(server.url, { protocol: 'chat.v9' }));
  await assert.rejects(SignalClient.connect(server.url, { protocol: [] }));
  await assert.rejects(SignalClient.connect(server.url, { origin: 'null' }), /403/);
  await assert.rejects(SignalClient.connect(server.url, { origin: `${server.url}.evil.example` }), /403/);
  const plain = await server.fetch('/signal');
  assert.ok(plain.status >= 400 && plain.status < 500, `a plain GET is answered ${plain.status}`);
  const client = await SignalClient.connect(server.url);
  assert.equal(client.socket.extensions, '', 'nothing is compressed');
  client.close();
});

test('without hello a socket lives five seconds', { timeout: 30000 }, async () => {
  const client = await SignalClient.connect(server.url);
  const begun = Date.now();
  assert.equal((await closed(client)).code, 4408);
  assert.ok(Date.now() - begun > 4000 && Date.now() - begun < 9000);
});

test('broken, binary and huge messages close that socket only', { timeout: 30000 }, async () => {
  const good = await SignalClient.join(server.url, token, 'Ana');
  for (const message of ['{"kind":', '[]', Buffer.from([1, 2, 3]), 'x'.repeat(70000), JSON.stringify({ kind: 'chat', id: 1, text: 'x', key: 'k' })]) {
    const client = await SignalClient.connect(server.url);
    client.socket.send(message);
    if (typeof message === 'string' && message.includes('chat')) {
      await until('the refusal', () => client.closed ?? client.socket.readyState === 1);
      client.close();
    } else {
      assert.equal((await closed(client)).code, 4400, String(message).slice(0, 20));
    }
  }
  // In pieces: what is too long together is cut before it is whole.
  const pieces = await SignalClient.connect(server.url);
  pieces.socket.send('{"kind":"hello","name":"', { fin: false });
  for (let i = 0; i < 20; i++) pieces.socket.send('y'.repeat(5000), { fin: false });
  assert.equal((await closed(pieces)).code, 4400);
  // A message in pieces that fits is read like any other.
  const text = JSON.stringify({ kind: 'chat', id: 900, text: 'piece by piece', key: 'pieces' });
  good.socket.send(text.slice(0, 11), { fin: false });
  good.socket.send(text.slice(11));
  await good.event('chat', ({ chat }) => chat.text === 'piece by piece');
  good.close();
});

test('an address has 64 sockets that have not said hello', { timeout: 40000 }, async () => {
  const member = await SignalClient.join(server.url, token, 'Bea');
  const strangers = [];
  for (let i = 0; i < 64; i++) strangers.push(await SignalClient.connect(server.url));
  await assert.rejects(SignalClient.connect(server.url), /429/);
  await member.ask('chat', { text: 'still here', key: 's1' });
  await Promise.all(strangers.map(closed));
  const next = await SignalClient.join(server.url, token, 'Cleo');
  for (const client of [member, next]) client.close();
  await until('all sockets to be gone', async () => (await metric('manabi_signalling_connections')) === 0);
});

test('who does not read is cut, and others do not wait for him', { timeout: 60000 }, async () => {
  // Past the front door, whose buffers would take megabytes.
  const lazy = new WebSocket(`ws+unix://${join(server.state, 'run/signal.sock')}:/signal`, 'manabi.v1', { origin: server.url });
  await new Promise((resolve, reject) => lazy.once('open', resolve).once('error', reject));
  lazy.send(JSON.stringify({ kind: 'hello', id: 1, token, name: 'Lazy' }));
  await new Promise((resolve) => lazy.once('message', resolve));
  lazy.pause();
  const people = [];
  for (let i = 0; i < 30; i++) people.push(await SignalClient.join(server.url, token, `P ${i}`));
  for (const [i, person] of people.entries())
    await Promise.all(Array.from({ length: 10 }, (_, n) => person.ask('chat', { text: '防'.repeat(2000), key: `${i}-${n}` })));
  assert.equal(await metric('manabi_signalling_closed_not_reading_total'), 1);
  await people[0].event('peer-away');
  lazy.terminate();
  for (const person of people) person.close();
});

test('a stop says when to come back', { timeout: 30000 }, async () => {
  const other = await Server.start();
  const client = await SignalClient.join(other.url, tokenOf(other.link('participant')), 'Ana');
  const ended = other.stop();
  assert.equal((await closed(client)).code, 1012);
  assert.equal((await ended).code, 0);
});
