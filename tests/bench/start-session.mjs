// start-session.mjs URL TOKEN - starts the session of a facilitator's link and prints its id.
// Speaks just enough of RFC 6455 for two short questions, so that script/bench needs no npm package.
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';

const [url, token] = process.argv.slice(2);

function open() {
  return new Promise((resolve, reject) => {
    const upgrade = request(`${url}/signal`, {
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        Origin: url,
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Protocol': 'manabi.v1',
        'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      },
    });
    upgrade.on('upgrade', (response, socket, head) => resolve({ socket, head }));
    upgrade.on('response', (response) => reject(new Error(`signalling answered ${response.statusCode}`)));
    upgrade.on('error', reject);
    upgrade.end();
  });
}

function send(socket, message) {
  const text = Buffer.from(JSON.stringify(message));
  const mask = randomBytes(4);
  const head = text.length < 126 ? Buffer.from([0x81, 0x80 | text.length]) : Buffer.from([0x81, 0xfe, text.length >> 8, text.length & 255]);
  socket.write(Buffer.concat([head, mask, text.map((byte, i) => byte ^ mask[i & 3])]));
}

// The text messages that come, one after the other.
async function* messages(socket, head) {
  let data = head;
  const fragments = [];
  for await (const chunk of socket) {
    data = Buffer.concat([data, chunk]);
    for (;;) {
      if (data.length < 2) break;
      const short = data[1] & 127;
      const start = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (data.length < start) break;
      const length = short === 126 ? data.readUInt16BE(2) : short === 127 ? Number(data.readBigUInt64BE(2)) : short;
      if (data.length < start + length) break;
      if ((data[0] & 15) < 3) fragments.push(data.subarray(start, start + length));
      if ((data[0] & 0x8f) < 0x83 && data[0] & 0x80) yield JSON.parse(Buffer.concat(fragments.splice(0)).toString());
      data = data.subarray(start + length);
    }
  }
}

const { socket, head } = await open();
let session;
send(socket, { kind: 'hello', id: 1, token, name: 'Bench', affiliation: '', language: 'en' });
for await (const message of messages(socket, head)) {
  if (message.kind !== 'reply') continue;
  if (!message.ok) throw new Error(`${message.code}: ${message.detail}`);
  session ??= message.state.session;
  if (message.id === 1 && session.state === 'planned') send(socket, { kind: 'start-session', id: 2 });
  else break;
}
console.log(session.id);
process.exit(0);
