/**
 * The WebSocket of a room, kept alive: says hello, matches replies to requests, comes back with `resume` after a
 * lost line, and says when there is no coming back. Knows nothing of what the messages mean.
 */
import { DecodeError, type Decoder } from '../protocol/decode';
import {
  CLOSE, decodeServerMessage, decodeWelcome,
  type ClientRequest, type ServerMessage, type Welcome,
} from '../protocol/signalling';

/** Why a request failed: the server's code, or `line-lost`, `timeout`. */
export class RequestError extends Error {
  constructor(readonly code: string, readonly detail = '') {
    super(`${code}: ${detail}`);
    this.name = 'RequestError';
  }
}

/** Why the line ended for good. `refused` carries the server's reason. */
export type LineEnd =
  | { why: 'left' | 'removed' | 'not-admitted' | 'no-session' | 'replaced' | 'over' | 'broken' }
  | { why: 'refused'; code: string };

export interface LineHandlers {
  onWelcome: (welcome: Welcome, isResumed: boolean) => void;
  onMessage: (message: Exclude<ServerMessage, { kind: 'reply' }>) => void;
  /** The line is lost; the next try is made after that delay. */
  onLost: (retryInMs: number) => void;
  onEnd: (end: LineEnd) => void;
}

export interface HelloFields {
  token: string;
  name: string;
  affiliation: string;
  language: string;
  consent?: 'yes' | 'no';
}

export interface LineOptions {
  hello: () => HelloFields;
  resume: string | null;
  handlers: LineHandlers;
  signal: AbortSignal;
  connect?: () => WebSocket;
  random?: () => number;
}

export const REQUEST_TIMEOUT_MS = 12_000;
/** The recorder says `on` only when it writes: that may take longer than an answer from memory. */
const SLOW_REQUEST_TIMEOUT_MS = 30_000;
/** After the device slept nobody wants to wait for an answer that will not come. */
export const WAKE_TIMEOUT_MS = 3_000;
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 10_000;

export function signalUrl(page: { protocol: string; host: string }): string {
  return `${page.protocol === 'https:' ? 'wss' : 'ws'}://${page.host}/signal`;
}

/** Doubles from 0.5 s to 10 s; spread over 50-100 % so that a room does not come back in one instant. */
export function retryDelayMs(attempt: number, random: () => number): number {
  const full = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** attempt);
  return Math.round(full * (0.5 + random() / 2));
}

/** Refusals of a hello that pass by themselves: the line tries again. */
const PASSING_REFUSALS: readonly string[] = [
  'line-lost', 'timeout', 'server-error', 'storage-failed', 'too-many', 'media-unavailable',
];

/** What a refused hello means for good. */
export function endOfRefusal(code: string): LineEnd {
  switch (code) {
    case 'removed': return { why: 'removed' };
    case 'session-over': return { why: 'over' };
    case 'not-found': return { why: 'no-session' };
    default: return { why: 'refused', code };
  }
}

/** What a close code means: an end, or null to try again. */
export function endOfClose(code: number, reason: string): LineEnd | null {
  switch (code) {
    case CLOSE.REFUSED: return PASSING_REFUSALS.includes(reason) ? null : endOfRefusal(reason);
    case CLOSE.REMOVED: return { why: 'removed' };
    case CLOSE.NO_SESSION: return { why: 'no-session' };
    case CLOSE.REPLACED: return { why: 'replaced' };
    case CLOSE.OVER: return { why: 'over' };
    case CLOSE.BROKEN_MESSAGE: return { why: 'broken' };
    default: return null;
  }
}

function patienceFor({ kind }: ClientRequest): number {
  return kind === 'record' || kind === 'pause-recording' || kind === 'end-session' ? SLOW_REQUEST_TIMEOUT_MS : REQUEST_TIMEOUT_MS;
}

interface Waiting {
  resolve: (body: unknown) => void;
  reject: (error: RequestError) => void;
  timer: ReturnType<typeof setTimeout>;
}

export class RoomLine {
  readonly #options: LineOptions;
  readonly #random: () => number;
  #socket: WebSocket | null = null;
  #resume: string | null;
  #nextId = 1;
  #waiting = new Map<number, Waiting>();
  #attempt = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #isOpen = false;
  #isEnded = false;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#resume = options.resume;
    this.#random = options.random ?? Math.random;
    options.signal.addEventListener('abort', () => this.#end({ why: 'left' }, false), { once: true });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  start(): void {
    this.#connect();
  }

  /** Now rather than at the end of the delay: the browser says that the network is back. */
  retryNow(): void {
    if (this.#isEnded || this.#socket !== null) return;
    clearTimeout(this.#retryTimer);
    this.#connect();
  }

  /** The device was asleep: a line that does not answer soon is dead, whatever TCP thinks of it. */
  wake(request: ClientRequest): void {
    if (this.#isOpen) this.#send(request, WAKE_TIMEOUT_MS).catch(() => undefined);
    else this.retryNow();
  }

  async ask<T>(request: ClientRequest, decode: Decoder<T>): Promise<T> {
    if (!this.#isOpen) throw new RequestError('line-lost');
    return decode(await this.#send(request), request.kind);
  }

  /** For requests whose reply says only yes or no. */
  async tell(request: ClientRequest): Promise<void> {
    await this.ask(request, () => undefined);
  }

  /** Says goodbye and ends; the place in the room is not kept. */
  async leave(): Promise<void> {
    if (this.#isOpen) {
      try {
        await Promise.race([this.#send({ kind: 'leave' }), new Promise((resolve) => setTimeout(resolve, 500))]);
      } catch {
        // the line was lost first: the server sees us go anyway
      }
    }
    this.#end({ why: 'left' }, true);
  }

  #connect(): void {
    const { signal } = this.#options;
    if (signal.aborted) return;
    const socket = this.#options.connect?.() ?? new WebSocket(signalUrl(location), 'manabi.v1');
    this.#socket = socket;
    socket.addEventListener('open', () => void this.#sayHello(socket), { signal });
    socket.addEventListener('message', (event) => this.#onMessage(socket, event.data), { signal });
    socket.addEventListener('close', (event) => this.#onClose(socket, event.code, event.reason), { signal });
  }

  async #sayHello(socket: WebSocket): Promise<void> {
    const resume = this.#resume;
    try {
      const body = await this.#send({
        kind: 'hello',
        ...this.#options.hello(),
        ...(resume !== null && { resume }),
      });
      const welcome = decodeWelcome(body, 'welcome');
      this.#resume = welcome.resume;
      this.#attempt = 0;
      this.#isOpen = true;
      this.#options.handlers.onWelcome(welcome, resume !== null);
    } catch (error) {
      if (socket !== this.#socket) return;
      const code = error instanceof RequestError ? error.code : 'bad-message';
      if (PASSING_REFUSALS.includes(code)) this.#drop(socket);
      else this.#end(endOfRefusal(code), true);
    }
  }

  #send(request: ClientRequest, patienceMs = patienceFor(request)): Promise<unknown> {
    const socket = this.#socket;
    if (socket === null || socket.readyState !== WebSocket.OPEN) {
      return Promise.reject(new RequestError('line-lost'));
    }
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new RequestError('timeout'));
        // No answer for so long: the line is dead, though TCP has not noticed.
        if (patienceMs <= REQUEST_TIMEOUT_MS && socket === this.#socket) this.#drop(socket);
      }, patienceMs);
      this.#waiting.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ ...request, id }));
    });
  }

  #onMessage(socket: WebSocket, data: unknown): void {
    if (socket !== this.#socket || typeof data !== 'string') return;
    let message: ServerMessage | null;
    try {
      message = decodeServerMessage(data);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      console.warn('a message of the server was not understood:', error.message);
      return;
    }
    if (message === null) return;
    if (message.kind !== 'reply') {
      this.#options.handlers.onMessage(message);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    this.#waiting.delete(message.id);
    clearTimeout(waiting.timer);
    if (message.ok) waiting.resolve(message.body);
    else waiting.reject(new RequestError(message.code, message.detail));
  }

  /** Gives the socket up at once: `close` events of a dead connection come only after a minute. */
  #drop(socket: WebSocket): void {
    socket.close();
    this.#onClose(socket, 1006, '');
  }

  #onClose(socket: WebSocket, code: number, reason: string): void {
    if (socket !== this.#socket || this.#isEnded) return;
    this.#socket = null;
    this.#isOpen = false;
    this.#failWaiting();
    const end = endOfClose(code, reason);
    if (end !== null) {
      this.#end(end, false);
      return;
    }
    const delay = code === CLOSE.RESTARTING
      ? 500 + Math.round(this.#random() * 1500)
      : retryDelayMs(this.#attempt, this.#random);
    this.#attempt++;
    this.#retryTimer = setTimeout(() => this.#connect(), delay);
    this.#options.handlers.onLost(delay);
  }

  #failWaiting(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of waiting) {
      clearTimeout(one.timer);
      one.reject(new RequestError('line-lost'));
    }
  }

  #end(end: LineEnd, isByUs: boolean): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#isOpen = false;
    clearTimeout(this.#retryTimer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
    this.#failWaiting();
    if (isByUs || !this.#options.signal.aborted) this.#options.handlers.onEnd(end);
  }
}
