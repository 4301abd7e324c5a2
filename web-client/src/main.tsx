/** Starts the client: the token out of the address first, then language, place and the first screen. */
import { render } from 'preact';
import { startLanguage } from './i18n/language';
import { FEED_TOKEN, JOIN_TOKEN } from './store/account';
import { startLocation, takeFragmentToken } from './store/location';
import { writeTabValue } from './store/preferences';
import { App } from './ui/app';
import { isComposing } from './ui/parts/ime';

const page = new AbortController();

function keepToken(): void {
  const token = takeFragmentToken();
  if (token === null) return;
  if (location.pathname === '/join') writeTabValue(JOIN_TOKEN, token);
  else if (location.pathname === '/feed' || location.pathname === '/camera') writeTabValue(FEED_TOKEN, token);
  else if (location.pathname === '/sign-in') writeTabValue('sign-in-token', token);
}

keepToken();
startLanguage();
startLocation(page.signal);

// A second invitation pasted into the same tab changes only the fragment: begin again with it.
addEventListener('hashchange', () => {
  if (!/^#[A-Za-z0-9_-]{20,}$/.test(location.hash)) return;
  keepToken();
  location.reload();
}, { signal: page.signal });

// In every form: the Enter that ends a conversion must not submit. Cancelling the key does not cancel the conversion.
addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && isComposing(event) && event.target instanceof HTMLInputElement) event.preventDefault();
}, { capture: true, signal: page.signal });

const root = document.getElementById('app');
// What the server wrote for whoever runs no script makes room.
root?.replaceChildren();
if (root !== null) render(<App />, root);
