// signal.mjs - a client of the signalling protocol (docs/protocol.md, section 4) without a browser.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROOT, until } from './server.mjs';

const require = createRequire(join(ROOT, 'web-client/package.json'));
const WebSocket = require('ws');

export const tokenOf = (link) => link.slice(link.indexOf('#') + 1);

export class SignalClient {
  #nextId = 1;
  #waiting = new Map();
  told = []; // everything that came without being asked for
  closed = null; // { code, reason } when the socket is gone

  static async connect(url, { origin = url, protocol = 'manabi.v1' } = {}) {
    const client = new SignalClient();
    client.socket = new WebSocket(`${url.replace(/^http/, 'ws')}/signal`, protocol, { origin });
    client.listen();
    await new Promise((resolve, reject) => {
      client.socket.once('open', resolve);
      client.socket.once('error', reject);
      client.socket.once('unexpected-response', (request, response) => reject(new Error(`answered ${response.statusCode}`)));
    });
    return client;
  }

  /** Connects and says hello; the welcome is in .welcome. @param resume: from an earlier welcome */
  static async join(url, token, name, { resume, language = 'en' } = {}) {
    const client = await SignalClient.connect(url);
    client.welcome = await client.ask('hello', { token, name, affiliation: '', language, ...(resume ? { resume } : {}) });
    return client;
  }

  /** To .socket, which somebody else has opened. */
  listen() {
    this.socket.on('message', (data) => this.#receive(JSON.parse(data)));
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) };
      for (const { reject } of this.#waiting.values()) reject(new Error(`the socket closed with ${code} ${reason}`));
      this.#waiting.clear();
    });
  }

  #receive(message) {
    if (message.kind === 'reply') {
      const { resolve, reject } = this.#waiting.get(message.id) ?? {};
      this.#waiting.delete(message.id);
      if (message.ok) resolve?.(message);
      else reject?.(Object.assign(new Error(`${message.code}: ${message.detail ?? ''}`), { code: message.code }));
    } else {
      this.told.push(message);
    }
  }

  ask(kind, fields = {}) {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.socket.send(JSON.stringify({ kind, id, ...fields }));
    });
  }

  /** The first told message for which match() is true, now or later. */
  hears(what, match, options) {
    return until(`"${what}" over signalling`, () => this.told.find(match), options);
  }

  event(type, match = () => true, options) {
    return this.hears(`event ${type}`, (message) => message.kind === 'event' && message.type === type && match(message), options);
  }

  close() {
    this.socket.close();
  }
}
