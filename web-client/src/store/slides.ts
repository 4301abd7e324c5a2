/** Slides over HTTP: sending a PDF, and page images, which need the link's token and so cannot be plain `src` addresses. */
import { problemCode } from '../protocol/problem';

export function pageUrl(session: string, deck: string, page: number, size: 'large' | 'small'): string {
  return `/api/v1/sessions/${encodeURIComponent(session)}/slides/${encodeURIComponent(deck)}/${page}-${size}.jpg`;
}

const KEPT_PAGES = 12;

/** Page images as blob addresses; the oldest are let go. */
export class PageImages {
  readonly #token: () => string;
  readonly #kept = new Map<string, Promise<string>>();

  constructor(token: () => string) {
    this.#token = token;
  }

  load(url: string): Promise<string> {
    const known = this.#kept.get(url);
    if (known !== undefined) {
      this.#kept.delete(url);
      this.#kept.set(url, known);
      return known;
    }
    const image = this.#fetch(url);
    this.#kept.set(url, image);
    image.catch(() => this.#kept.delete(url));
    while (this.#kept.size > KEPT_PAGES) this.#drop(this.#kept.keys().next().value);
    return image;
  }

  async #fetch(url: string): Promise<string> {
    const response = await fetch(url, { headers: { Authorization: `Bearer ${this.#token()}` } });
    if (!response.ok) throw new Error(`page image: ${response.status}`);
    return URL.createObjectURL(await response.blob());
  }

  #drop(url: string | undefined): void {
    if (url === undefined) return;
    this.#kept.get(url)?.then((blob) => URL.revokeObjectURL(blob), () => undefined);
    this.#kept.delete(url);
  }

  close(): void {
    for (const url of [...this.#kept.keys()]) this.#drop(url);
  }
}

/** Sends the PDF; null when it was taken, else the error's code. XMLHttpRequest, because fetch tells no progress. */
export function sendSlides(
  file: Blob, ticket: { ticket: string; path: string }, token: string, onPercent: (percent: number) => void, signal: AbortSignal,
): Promise<string | null> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open('POST', ticket.path);
    request.setRequestHeader('Content-Type', 'application/pdf');
    request.setRequestHeader('Authorization', `Bearer ${token}`);
    request.setRequestHeader('Manabi-Ticket', ticket.ticket);
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable) onPercent(Math.floor((event.loaded / event.total) * 100));
    });
    request.addEventListener('load', () => resolve(request.status < 300 ? null : problemCode(request.responseText, request.status)));
    request.addEventListener('error', () => resolve('network'));
    request.addEventListener('abort', () => resolve('network'));
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(file);
  });
}
