/** Header, main and footer around every screen but the room. */
import { useEffect, useState } from 'preact/hooks';
import type { ComponentChildren, JSX } from 'preact';
import { t } from '../i18n/common';
import { language } from '../i18n/language';
import { signOut, user } from '../store/account';
import { navigate, path } from '../store/location';
import { useAction } from './parts/hooks';
import { Icon, icons } from './parts/icon';
import { LanguageSwitch } from './parts/parts';

export function Brand(): JSX.Element {
  return (
    <a class="brand" href="/">
      <svg viewBox="0 0 32 32" width="36" height="36" aria-hidden="true" focusable="false">
        <rect width="32" height="32" rx="7" class="brand-field" />
        <path d="M6 10.500c3.600-1.400 7-1 10 1.200 3-2.200 6.400-2.600 10-1.200V23c-3.600-1.300-7-.9-10 1.300-3-2.200-6.400-2.600-10-1.300z" fill="#fff" />
        <path d="M16 12v12" class="brand-spine" />
        <circle cx="16" cy="6.500" r="2" fill="#ffd43b" />
      </svg>
      <span class="brand-text">
        <span class="brand-name">{t('app.name')}{language.value === 'ja' && <span class="brand-kanji"> 学び</span>}</span>
        <span class="brand-tagline">{t('app.tagline')}</span>
      </span>
    </a>
  );
}

function AccountLinks(): JSX.Element | null {
  const action = useAction();
  const who = user.value;
  if (who === undefined) return null;
  if (who === null) {
    return <a class="header-link" href="/sign-in" aria-current={path.value === '/sign-in' ? 'page' : undefined}>{t('app.sign-in')}</a>;
  }
  const leave = async (): Promise<void> => {
    if (await action.run(signOut)) navigate('/');
  };
  return (
    <>
      <a class="header-link" href="/staff" aria-current={path.value === '/staff' ? 'page' : undefined}>{t('app.staff')}</a>
      <button type="button" class="header-link" aria-disabled={action.isBusy} onClick={() => void leave()}>
        {t('app.sign-out')}<span class="visually-hidden"> ({t('app.signed-in-as', { name: who.name })})</span>
      </button>
    </>
  );
}

function useIsOnline(): boolean {
  const [isOnline, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const stop = new AbortController();
    addEventListener('online', () => setOnline(true), { signal: stop.signal });
    addEventListener('offline', () => setOnline(false), { signal: stop.signal });
    return () => stop.abort();
  }, []);
  return isOnline;
}

export function Frame({ children, isWide = false }: { children: ComponentChildren; isWide?: boolean }): JSX.Element {
  const isOnline = useIsOnline();
  return (
    <div class="frame">
      <a class="skip-link" href="#main">{t('app.skip')}</a>
      <header class="header">
        <div class="header-inner">
          <Brand />
          <nav class="header-nav" aria-label={t('app.navigation')}>
            <a class="header-link" href="/" aria-current={path.value === '/' ? 'page' : undefined}>{t('app.home')}</a>
            <AccountLinks />
          </nav>
          <LanguageSwitch />
        </div>
      </header>
      <div role="status">
        {!isOnline && <p class="banner"><Icon path={icons.offline} size={20} />{t('app.offline')}</p>}
      </div>
      <main id="main" tabIndex={-1} class={isWide ? 'main is-wide' : 'main'}>{children}</main>
      <footer class="footer">
        <p>{t('app.footer')}</p>
      </footer>
    </div>
  );
}
