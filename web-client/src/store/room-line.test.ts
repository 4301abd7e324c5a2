import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useFakeTimers } from '../test-support/fake-timers';
import { endOfClose, RequestError, retryDelayMs, RoomLine, signalUrl, WAKE_TIMEOUT_MS, type LineEnd } from './room-line';

const OPEN = 1;

class FakeSocket extends EventTarget {
  readyState = OPEN;
  readonly sent: Record<string, unknown>[] = [];
  isClosed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.isClosed = true;
  }

  open(): void {
    this.dispatchEvent(new Event('open'));
  }

  say(value: unknown): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify(value) }));
  }

  lose(code: number, reason = ''): void {
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason }));
  }
}

Object.assign(globalThis, { WebSocket: { OPEN } });

const welcome = {
  peer: 'p1', resume: 'resume-token', role: 'participant', may: ['attend', 'chat'], ice_servers: [],
  state: {
    session: { id: 's', event: 'e', state: 'live', started_at: null },
    recording: { state: 'off', since: null, detail: null }, peers: [], chat: [], seq: 1,
  },
};

interface Rig {
  line: RoomLine;
  sockets: FakeSocket[];
  welcomes: boolean[];
  lost: number[];
  ends: LineEnd[];
  stop: AbortController;
}

function rig(): Rig {
  const sockets: FakeSocket[] = [];
  const made: Omit<Rig, 'line'> = { sockets, welcomes: [], lost: [], ends: [], stop: new AbortController() };
  const line = new RoomLine({
    hello: () => ({ token: 'token', name: '田中', affiliation: '', language: 'ja' }),
    resume: null,
    signal: made.stop.signal,
    random: () => 1,
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    handlers: {
      onWelcome: (_welcome, isResumed) => made.welcomes.push(isResumed),
      onMessage: () => undefined,
      onLost: (ms) => made.lost.push(ms),
      onEnd: (end) => made.ends.push(end),
    },
  });
  return { line, ...made };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function join(made: Rig, index: number): Promise<FakeSocket> {
  const socket = made.sockets[index] as FakeSocket;
  socket.open();
  await turn();
  socket.say({ kind: 'reply', id: socket.sent[0]?.id, ok: true, ...welcome });
  await turn();
  return socket;
}

test('hello is the first message, and the welcome opens the line', async () => {
  const made = rig();
  made.line.start();
  const socket = await join(made, 0);
  assert.equal(socket.sent[0]?.kind, 'hello');
  assert.equal(socket.sent[0]?.name, '田中');
  assert.equal('resume' in (socket.sent[0] ?? {}), false);
  assert.deepEqual(made.welcomes, [false]);
  assert.equal(made.line.isOpen, true);
  made.stop.abort();
});

test('a lost line comes back with resume and fails what was waiting', async () => {
  const timers = useFakeTimers();
  try {
    const made = rig();
    made.line.start();
    const socket = await join(made, 0);
    const asked = made.line.tell({ kind: 'chat', text: 'hi', key: 'k' });
    socket.lose(1006);
    await assert.rejects(asked, (error) => error instanceof RequestError && error.code === 'line-lost');
    assert.deepEqual(made.lost, [500]);
    timers.tick(500);
    const second = await join(made, 1);
    assert.equal(second.sent[0]?.resume, 'resume-token');
    assert.deepEqual(made.welcomes, [false, true]);
    made.stop.abort();
  } finally {
    timers.restore();
  }
});

test('a request that gets no answer gives the line up', async () => {
  const timers = useFakeTimers();
  try {
    const made = rig();
    made.line.start();
    const socket = await join(made, 0);
    const asked = made.line.tell({ kind: 'view', peers: [], large: 0, mode: 'all', limit_kbit: 0 });
    timers.tick(12_000);
    await assert.rejects(asked, (error) => error instanceof RequestError && error.code === 'timeout');
    assert.equal(socket.isClosed, true);
    assert.equal(made.lost.length, 1);
    made.stop.abort();
  } finally {
    timers.restore();
  }
});

test('after the device slept a silent line is given up within seconds, and comes back', async () => {
  const timers = useFakeTimers();
  try {
    const made = rig();
    made.line.start();
    const first = await join(made, 0);
    made.line.wake({ kind: 'view', peers: [], large: 0, mode: 'all', limit_kbit: 0 });
    timers.tick(WAKE_TIMEOUT_MS);
    assert.equal(first.isClosed, true);
    assert.equal(made.lost.length, 1);
    // Woken again while it waits for its next try: it tries at once.
    made.line.wake({ kind: 'view', peers: [], large: 0, mode: 'all', limit_kbit: 0 });
    assert.equal(made.sockets.length, 2);
    const second = await join(made, 1);
    assert.equal(second.sent[0]?.resume, 'resume-token');
    made.stop.abort();
  } finally {
    timers.restore();
  }
});

test('the server’s codes that end a place are ends, others are tried again', () => {
  assert.deepEqual(endOfClose(4403, ''), { why: 'removed' });
  assert.deepEqual(endOfClose(4401, 'link-expired'), { why: 'refused', code: 'link-expired' });
  assert.deepEqual(endOfClose(4410, ''), { why: 'over' });
  for (const code of [1006, 1001, 1012, 4408, 4429]) assert.equal(endOfClose(code, ''), null);
});

test('being removed ends the line for good', async () => {
  const made = rig();
  made.line.start();
  const socket = await join(made, 0);
  socket.lose(4403);
  assert.deepEqual(made.ends, [{ why: 'removed' }]);
  made.line.retryNow();
  assert.equal(made.sockets.length, 1);
});

test('a refused hello says why', async () => {
  const made = rig();
  made.line.start();
  const socket = made.sockets[0] as FakeSocket;
  socket.open();
  await turn();
  socket.say({ kind: 'reply', id: socket.sent[0]?.id, ok: false, code: 'room-full', detail: '' });
  await turn();
  assert.deepEqual(made.ends, [{ why: 'refused', code: 'room-full' }]);
});

test('a hello refused for a passing reason is tried again, one refused for good says what it was', async () => {
  const made = rig();
  made.line.start();
  const socket = made.sockets[0] as FakeSocket;
  socket.open();
  await turn();
  socket.say({ kind: 'reply', id: socket.sent[0]?.id, ok: false, code: 'server-error', detail: '' });
  await turn();
  assert.deepEqual(made.ends, []);
  assert.equal(made.lost.length, 1);
  made.line.retryNow();
  const second = made.sockets[1] as FakeSocket;
  second.open();
  await turn();
  second.say({ kind: 'reply', id: second.sent[0]?.id, ok: false, code: 'session-over', detail: '' });
  await turn();
  assert.deepEqual(made.ends, [{ why: 'over' }]);
});

test('delays grow to a bound and are spread', () => {
  assert.equal(retryDelayMs(0, () => 1), 500);
  assert.equal(retryDelayMs(3, () => 1), 4000);
  assert.equal(retryDelayMs(30, () => 1), 10_000);
  assert.equal(retryDelayMs(3, () => 0), 2000);
});

test('the line is as secure as the page', () => {
  assert.equal(signalUrl({ protocol: 'https:', host: 'a.example' }), 'wss://a.example/signal');
  assert.equal(signalUrl({ protocol: 'http:', host: 'localhost:8080' }), 'ws://localhost:8080/signal');
});
