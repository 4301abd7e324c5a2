/** Where we are: the path and query as signals, and moving between screens without loading the page again. */
import { signal } from '@preact/signals';

export type Route =
  | { screen: 'home' }
  | { screen: 'event'; event: string }
  | { screen: 'edit-event'; event: string | null; isStaffPage: boolean }
  | { screen: 'watch'; recording: string }
  | { screen: 'review'; recording: string }
  | { screen: 'captions'; recording: string }
  | { screen: 'join' }
  | { screen: 'feed' }
  | { screen: 'camera' }
  | { screen: 'sign-in' }
  | { screen: 'staff' }
  | { screen: 'upload' }
  | { screen: 'audit' }
  | { screen: 'missing' };

const ID = '[0-9a-hjkmnp-tv-z]{26}';

const table: readonly [RegExp, (id: string) => Route][] = [
  [/^\/$/, () => ({ screen: 'home' })],
  [new RegExp(`^/events/(${ID})$`), (event) => ({ screen: 'event', event })],
  [new RegExp(`^/events/(${ID})/edit$`), (event) => ({ screen: 'edit-event', event, isStaffPage: false })],
  [new RegExp(`^/watch/(${ID})$`), (recording) => ({ screen: 'watch', recording })],
  [new RegExp(`^/review/(${ID})$`), (recording) => ({ screen: 'review', recording })],
  [new RegExp(`^/review/(${ID})/captions$`), (recording) => ({ screen: 'captions', recording })],
  [/^\/join$/, () => ({ screen: 'join' })],
  [/^\/feed$/, () => ({ screen: 'feed' })],
  [/^\/camera$/, () => ({ screen: 'camera' })],
  [/^\/sign-in$/, () => ({ screen: 'sign-in' })],
  [/^\/staff$/, () => ({ screen: 'staff' })],
  [/^\/staff\/audit$/, () => ({ screen: 'audit' })],
  [/^\/staff\/upload$/, () => ({ screen: 'upload' })],
  [/^\/staff\/events\/new$/, () => ({ screen: 'edit-event', event: null, isStaffPage: true })],
  [new RegExp(`^/staff/events/(${ID})$`), (event) => ({ screen: 'edit-event', event, isStaffPage: true })],
];

export function routeOf(path: string): Route {
  const trimmed = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  for (const [pattern, make] of table) {
    const match = pattern.exec(trimmed);
    if (match !== null) return make(match[1] ?? '');
  }
  return { screen: 'missing' };
}

export const path = signal('/');
export const query = signal('');

function read(): void {
  path.value = location.pathname;
  query.value = location.search;
}

export interface NavigateOptions {
  replace?: boolean;
  /** Filters change the address but not the place on the page. */
  keepScroll?: boolean;
}

export function navigate(to: string, options: NavigateOptions = {}): void {
  const before = location.pathname;
  if (options.replace === true) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  read();
  if (options.keepScroll !== true && location.pathname !== before) scrollTo(0, 0);
}

/** Follows links of this site inside the page; modified clicks, downloads and other targets stay the browser's. */
function onClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (link === null || link.target !== '' || link.hasAttribute('download')) return;
  if (link.origin !== location.origin || link.hash !== '') return;
  if (routeOf(link.pathname).screen === 'missing') return;
  event.preventDefault();
  navigate(link.pathname + link.search, { keepScroll: link.dataset.keepScroll !== undefined });
}

export function startLocation(signalOfPage: AbortSignal): void {
  read();
  addEventListener('popstate', read, { signal: signalOfPage });
  addEventListener('click', onClick, { signal: signalOfPage });
}

const TOKEN = /^#([A-Za-z0-9_-]{20,128})$/;

/**
 * A token in the address bar would end in screenshots and shared screens: takes it out of the address, leaves the
 * rest, and returns it.
 */
export function takeFragmentToken(): string | null {
  const match = TOKEN.exec(location.hash);
  if (match === null) return null;
  history.replaceState(null, '', location.pathname + location.search);
  return match[1] ?? null;
}
