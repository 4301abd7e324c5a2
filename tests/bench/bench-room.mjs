// What a session of many costs the server: people sit in a room, some write, and the server's CPU is read from /proc.
//   node tests/bench/bench-room.mjs [people=300] [messages a second=20] [seconds=10]
import { readFileSync } from 'node:fs';
import { Server } from '../support/server.mjs';
import { SignalClient, tokenOf } from '../support/signal.mjs';

const [people, rate, seconds] = [300, 20, 10].map((value, i) => Number(process.argv[2 + i] ?? value));
const server = await Server.start();
const cpuMs = () => {
  const stat = readFileSync(`/proc/${server.find('manabi')}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
};
try {
  const token = tokenOf(server.link('participant'));
  const clients = [await SignalClient.join(server.url, tokenOf(server.link('facilitator')), 'Host')];
  await clients[0].ask('start-session');
  let heard = 0;
  while (clients.length < people) {
    const group = Array.from({ length: Math.min(20, people - clients.length) }, (_, i) => SignalClient.join(server.url, token, `Person ${clients.length + i}`));
    clients.push(...await Promise.all(group));
  }
  for (const client of clients) client.socket.on('message', (data) => { heard += data.includes('"type":"chat"') ? 1 : 0; });
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const [begun, before] = [performance.now(), cpuMs()];
  const delays = [];
  for (let sent = 0; sent < rate * seconds; sent++) {
    const wait = begun + (sent * 1000) / rate - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const asked = performance.now();
    clients[1 + (sent % (people - 1))].ask('chat', { text: `Message ${sent}`, key: `k${sent}` }).then(() => delays.push(performance.now() - asked));
  }
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const [wallMs, usedMs] = [performance.now() - begun, cpuMs() - before];
  delays.sort((a, b) => a - b);
  const expected = rate * seconds * people;
  console.log(`people ${people}, messages ${rate}/s for ${seconds} s: heard ${heard} of ${expected}; server ${(100 * usedMs / wallMs).toFixed(1)} % of a core, `
    + `${Math.round(heard / (usedMs / 1000))} messages per CPU second; confirmed after ${delays[delays.length >> 1].toFixed(1)} ms (median), ${delays.at(-1).toFixed(1)} ms (worst)`);
} finally {
  await server.stop();
}
process.exit(0);
