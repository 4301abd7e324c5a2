// What signalling costs the server, as lines of JSON: a room of many that talk, or many sockets that idle in small rooms
// while one small room talks. CPU and memory of the process `manabi` are read from /proc.
//   node tests/bench/bench-room.mjs room [people=300] [messages a second=20] [seconds=10]
//   node tests/bench/bench-room.mjs idle [sockets=5000] [people of a room=50] [messages a second=100] [seconds=10]
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROOT, Server, until } from '../support/server.mjs';
import { SignalClient, tokenOf } from '../support/signal.mjs';

const WebSocket = createRequire(join(ROOT, 'web-client/package.json'))('ws');
const [scenario = 'room', ...rest] = process.argv.slice(2);
const numbers = (...fallbacks) => fallbacks.map((value, i) => Number(rest[i] ?? value));
const server = await Server.start();
const cpuMs = () => {
  const stat = readFileSync(`/proc/${server.find('manabi')}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
};
const residentKb = () => Number(readFileSync(`/proc/${server.find('manabi')}/status`, 'latin1').match(/VmRSS:\s+(\d+)/)[1]);
const load = () => Number(readFileSync('/proc/loadavg', 'latin1').split(' ')[0]);

/** Chat of everybody in turn, rate a second; each message is confirmed on disk. */
async function talk(clients, rate, seconds) {
  let heard = 0;
  for (const client of clients) client.socket.on('message', (data) => { heard += data.includes('"type":"chat"') ? 1 : 0; });
  const [begun, before] = [performance.now(), cpuMs()];
  const delays = [];
  let refused = 0;
  const asked = [];
  for (let sent = 0; sent < rate * seconds; sent++) {
    const wait = begun + (sent * 1000) / rate - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const at = performance.now();
    asked.push(clients[sent % clients.length].ask('chat', { text: `Message ${sent}`, key: `k${sent}` })
      .then(() => delays.push(performance.now() - at), () => { refused++; }));
  }
  await Promise.all(asked);
  const expected = delays.length * clients.length;
  await until('the last messages', () => heard >= expected, { deadlineMs: 30000 });
  const [wallMs, usedMs] = [performance.now() - begun, cpuMs() - before];
  delays.sort((a, b) => a - b);
  return {
    messages_per_s: rate, heard, expected, refused, cpu_percent: +(100 * usedMs / wallMs).toFixed(1),
    deliveries_per_cpu_s: Math.round(heard / (usedMs / 1000)),
    confirmed_ms_p50: +delays[delays.length >> 1].toFixed(1), confirmed_ms_max: +delays.at(-1).toFixed(1),
  };
}

/** By the unix socket, as the front door comes, from an address of its own: limits are by address. */
async function connect(number, token, name) {
  const client = new SignalClient();
  const address = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
  client.socket = new WebSocket(`ws+unix:${join(server.state, 'run/signal.sock')}:/signal`, 'manabi.v1', {
    origin: server.url, headers: { 'X-Forwarded-For': address }, perMessageDeflate: false,
  });
  await new Promise((resolve, reject) => {
    client.socket.once('open', resolve);
    client.socket.once('error', reject);
  });
  client.listen();
  await client.ask('hello', { token, name, affiliation: '', language: 'en' });
  return client;
}

async function room() {
  const [people, rate, seconds] = numbers(300, 20, 10);
  const token = tokenOf(server.link('participant'));
  const clients = [await SignalClient.join(server.url, tokenOf(server.link('facilitator')), 'Host')];
  await clients[0].ask('start-session');
  while (clients.length < people) {
    const group = Array.from({ length: Math.min(20, people - clients.length) }, (_, i) => SignalClient.join(server.url, token, `Person ${clients.length + i}`));
    clients.push(...await Promise.all(group));
  }
  await new Promise((resolve) => setTimeout(resolve, 3000)); // what joining leads to
  return { people, ...await talk(clients, rate, seconds) };
}

/** The link of the participants of a new event. */
async function newRoom(cookie, number) {
  const ask = (where, body) => server.json(where, { method: 'POST', headers: { cookie, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const event = await ask('/api/v1/events', {
    kind: 'seminar', title_en: `Room ${number}`, title_ja: '', area: 'disaster-risk-management', city: '40100',
    starts_at: '2030-01-01T00:00:00Z', duration_s: 3600, time_zone: 'UTC', languages: ['en'], is_public: false, recording_policy: 'none', audience: 'link',
  });
  return tokenOf((await ask(`/api/v1/events/${event.id}/links`, { role: 'participant', label: '' })).url);
}

async function idle() {
  const [sockets, size, rate, seconds] = numbers(5000, 50, 100, 10);
  const signedIn = await server.fetch('/api/v1/sign-in', {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token: tokenOf(server.link('administrator')) }),
  });
  const cookie = signedIn.headers.getSetCookie()[0].split(';')[0];
  const before = residentKb();
  let last = [];
  for (let joined = 0; joined < sockets; joined += size) {
    const token = await newRoom(cookie, joined / size);
    last = await Promise.all(Array.from({ length: size }, (_, i) => connect(joined + i, token, `Person ${joined + i}`)));
  }
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const begun = [performance.now(), cpuMs()];
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const idlePercent = +(100 * (cpuMs() - begun[1]) / (performance.now() - begun[0])).toFixed(1);
  const kb = (residentKb() - before) / sockets;
  return { sockets, people: size, kb_each: +kb.toFixed(1), idle_cpu_percent: idlePercent, ...await talk(last, rate, seconds) };
}

try {
  const result = scenario === 'idle' ? await idle() : await room();
  console.log(JSON.stringify({ scenario: `signalling-${scenario}`, ...result, load: load(), date: new Date().toISOString() }));
} finally {
  await server.stop();
}
process.exit(0);
