// server.mjs - runs the real server for tests and the demonstration: script/server on a free port and a fresh state directory.
import { spawn, execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
// A sanitized or installed build is tested by naming it.
const MANABI = process.env.MANABI_PROGRAM ?? join(ROOT, 'build/server/manabi');

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until check() is truthy; its value, or an error that names what was waited for. */
export async function until(what, check, { deadlineMs = 15000, everyMs = 100 } = {}) {
  const end = Date.now() + deadlineMs;
  let last;
  for (;;) {
    try {
      const value = await check();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`waited ${deadlineMs} ms in vain for: ${what}${last ? ` (${last.message})` : ''}`);
    await sleep(everyMs);
  }
}

// The processes below pid, itself first.
export function processTree(pid) {
  const children = new Map();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // it ended meanwhile
    }
  }
  const list = [pid];
  for (let i = 0; i < list.length; i++) list.push(...(children.get(list[i]) ?? []));
  return list.map((id) => {
    try {
      return { pid: id, args: readFileSync(`/proc/${id}/cmdline`, 'utf8').split('\0').filter(Boolean) };
    } catch {
      return { pid: id, args: [] };
    }
  });
}

export class Server {
  /** @param options state: directory (default: a fresh one that stop() removes), port, args: more options for script/server */
  static async start(options = {}) {
    const server = new Server();
    server.ownsState = options.state === undefined;
    server.state = options.state ?? mkdtempSync(join(tmpdir(), 'manabi-test-'));
    mkdirSync(server.state, { recursive: true });
    server.port = options.port ?? (await freePort());
    server.args = options.args ?? [];
    await server.#spawn();
    return server;
  }

  async #spawn() {
    const begun = performance.now();
    this.output = '';
    this.log = createWriteStream(join(this.state, 'server.log'), { flags: 'a' });
    this.child = spawn(join(ROOT, 'script/server'), ['--state', this.state, '--port', String(this.port), '--no-build', ...this.args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.child.stderr.on('data', (data) => {
      this.log.write(data);
    });
    this.exited = new Promise((resolve) => this.child.on('exit', (code, signal) => resolve({ code, signal })));
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no 'ready' in 20 s; it said:\n${this.output}\n${this.logTail()}`)), 20000);
      this.child.stdout.on('data', (data) => {
        this.log.write(data);
        this.output += data;
        const ready = this.output.match(/^ready (\S+)$/m);
        if (ready) {
          clearTimeout(timer);
          this.url = ready[1].replace(/\/$/, '');
          resolve();
        }
      });
      this.exited.then(({ code, signal }) => {
        clearTimeout(timer);
        reject(new Error(`the server ended (${code ?? signal}) before it was ready:\n${this.output}\n${this.logTail()}`));
      });
    });
    this.startMs = performance.now() - begun;
  }

  logTail(lines = 40) {
    try {
      return readFileSync(join(this.state, 'server.log'), 'utf8').split('\n').slice(-lines).join('\n');
    } catch {
      return '';
    }
  }

  /** The link that the first screen of the server printed for 'administrator', 'facilitator' or 'participants'. */
  link(who) {
    const line = this.output.split('\n').find((text) => text.toLowerCase().includes(who) && text.includes('http'));
    if (!line) throw new Error(`the server printed no link for ${who}:\n${this.output}`);
    return line.match(/https?:\/\/\S+/)[0];
  }

  /** Runs `manabi ...` against this server; its standard output. */
  async cli(command, ...args) {
    const { stdout } = await promisify(execFile)(MANABI, [command, ...args, '--state', this.state]);
    return stdout.trim();
  }

  async fetch(path, options = {}) {
    return fetch(`${this.url}${path}`, options);
  }

  async json(path, options = {}) {
    const response = await this.fetch(path, options);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** The running process whose program is called name ('manabi', 'manabi-media', 'manabi-record'); the deepest one. */
  find(name) {
    const found = processTree(this.child.pid).filter(({ args }) => args[0]?.split('/').pop() === name);
    return found.length > 0 ? found[found.length - 1].pid : null;
  }

  kill(name, signal = 'SIGKILL') {
    const pid = this.find(name);
    if (pid === null) throw new Error(`no ${name} runs`);
    process.kill(pid, signal);
    return pid;
  }

  async restart() {
    await this.#spawn();
  }

  /** Ends everything as a power cut of the process group would. */
  async killGroup() {
    // Parents first: else nginx's master starts a new worker before it is killed itself, and that one stays.
    for (const { pid } of processTree(this.child.pid)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // gone with its parent
      }
    }
    await this.exited;
  }

  async stop() {
    this.child.kill('SIGTERM');
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve(null), 15000);
    });
    const ended = await Promise.race([this.exited, late]);
    clearTimeout(timer);
    if (ended === null) await this.killGroup();
    this.log.end();
    if (this.ownsState && process.env.MANABI_KEEP !== '1') rmSync(this.state, { recursive: true, force: true });
    if (ended === null) throw new Error('the server did not stop within 15 s of SIGTERM');
    return ended;
  }
}
