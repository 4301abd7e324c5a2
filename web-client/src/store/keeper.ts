/** Keeps one connection: opens it, and after a failure opens a new one, with growing delays. */
import { signal } from '@preact/signals';
import type { ConnectionState } from '../rtc/connection';
import { retryDelayMs } from './room-line';

export type KeeperState = 'off' | ConnectionState;

/** Opens a connection that closes itself when the signal is aborted. */
export type Opener = (signal: AbortSignal, onState: (state: ConnectionState) => void) => Promise<void>;

/** After so many tries in a row the state says `failed`; trying goes on. */
const TRIES_BEFORE_FAILED = 3;

export class Keeper {
  readonly state = signal<KeeperState>('off');
  readonly #open: Opener;
  readonly #random: () => number;
  #current: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;

  constructor(open: Opener, random: () => number = Math.random) {
    this.#open = open;
    this.#random = random;
  }

  get isWanted(): boolean {
    return this.#current !== null;
  }

  start(): void {
    if (this.#current === null) this.#try();
  }

  /** A fresh connection now; nothing when it is off. */
  restart(): void {
    if (this.#current === null) return;
    this.#failures = 0;
    this.#try();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#current?.abort();
    this.#current = null;
    this.#failures = 0;
    this.state.value = 'off';
  }

  #try(): void {
    clearTimeout(this.#timer);
    this.#current?.abort();
    const attempt = new AbortController();
    this.#current = attempt;
    this.state.value = this.#failures >= TRIES_BEFORE_FAILED ? 'failed' : 'connecting';
    const onState = (state: ConnectionState): void => {
      if (attempt.signal.aborted) return;
      if (state === 'failed') {
        this.#fail(attempt);
        return;
      }
      if (state === 'connected') this.#failures = 0;
      this.state.value = state;
    };
    this.#open(attempt.signal, onState).catch((error: unknown) => {
      if (attempt.signal.aborted) return;
      console.warn('media connection:', error instanceof Error ? error.message : error);
      this.#fail(attempt);
    });
  }

  #fail(attempt: AbortController): void {
    attempt.abort();
    this.#failures++;
    this.state.value = this.#failures >= TRIES_BEFORE_FAILED ? 'failed' : 'connecting';
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#current === attempt) this.#try();
    }, retryDelayMs(this.#failures - 1, this.#random));
  }
}
