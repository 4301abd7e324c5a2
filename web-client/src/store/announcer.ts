/** What screen readers are told. Two live regions stand in the page from the start; this fills them. */
import { signal } from '@preact/signals';

export const politeMessage = signal('');
export const assertiveMessage = signal('');

/** The same text twice in a row must be read twice: the second one differs by an invisible space. */
function distinct(text: string, before: string): string {
  return text === before ? `${text}\u00a0` : text;
}

export function announce(text: string, urgency: 'polite' | 'assertive' = 'polite'): void {
  const target = urgency === 'assertive' ? assertiveMessage : politeMessage;
  target.value = distinct(text, target.value);
}

/** When the language of the page changes: what was said in the other one is said, and must not stay in the page. */
export function clearAnnouncements(): void {
  politeMessage.value = '';
  assertiveMessage.value = '';
}

/** Gathers lines and says them together every `intervalMs`: thirty people joining are one sentence. */
export class BatchedAnnouncer {
  #names = new Map<string, string[]>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly say: (kind: string, names: readonly string[]) => void,
    signal: AbortSignal,
    private readonly intervalMs = 5000,
  ) {
    signal.addEventListener('abort', () => clearTimeout(this.#timer), { once: true });
  }

  add(kind: string, name: string): void {
    const names = this.#names.get(kind) ?? [];
    names.push(name);
    this.#names.set(kind, names);
    this.#timer ??= setTimeout(() => this.#flush(), this.intervalMs);
  }

  #flush(): void {
    this.#timer = undefined;
    const all = this.#names;
    this.#names = new Map();
    for (const [kind, names] of all) this.say(kind, names);
  }
}
