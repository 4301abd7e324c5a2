/** Bringing in films of site visits: choosing, sending, and the form about each. */
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { t as common } from '../../i18n/common';
import { t as staff } from '../../i18n/staff';
import { t } from '../../i18n/upload';
import { user } from '../../store/account';
import { loadTaxonomy } from '../../store/taxonomy';
import { films, isSendingAny, loadFilms, saveBeforeLeaving } from '../../store/uploads';
import { Frame } from '../frame';
import { usePageTitle, useResource } from '../parts/hooks';
import { Failed, Loading, PageHeading, StateBox } from '../parts/parts';
import { FilmCard } from './film-card';
import { FilmChooser } from './film-chooser';

/** A phone whose screen goes dark sends nothing: it stays on while a film is on its way. */
function useWakefulScreen(isNeeded: boolean): void {
  useEffect(() => {
    if (!isNeeded || !('wakeLock' in navigator)) return;
    let lock: WakeLockSentinel | null = null;
    let isOver = false;
    const take = (): void => {
      if (document.visibilityState !== 'visible') return;
      navigator.wakeLock.request('screen').then(
        (taken) => {
          if (isOver) void taken.release();
          else lock = taken;
        },
        () => undefined, // low battery: sending goes on as long as the screen is on
      );
    };
    take();
    document.addEventListener('visibilitychange', take);
    return () => {
      isOver = true;
      document.removeEventListener('visibilitychange', take);
      void lock?.release();
    };
  }, [isNeeded]);
}

function SignedIn(): JSX.Element {
  const { resource, reload } = useResource('uploads', loadFilms);
  const isSending = isSendingAny();
  useWakefulScreen(isSending);
  useEffect(() => {
    const stop = new AbortController();
    addEventListener('pagehide', saveBeforeLeaving, { signal: stop.signal });
    addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden') saveBeforeLeaving();
    }, { signal: stop.signal });
    return () => stop.abort();
  }, []);
  useEffect(() => {
    if (!isSending) return;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [isSending]);
  return (
    <>
      <p class="lead-text">{t('upload.intro')}</p>
      <FilmChooser />
      <section class="section" aria-labelledby="uploads-heading">
        <h2 id="uploads-heading">{t('upload.list')}</h2>
        {resource.state === 'loading' && <Loading />}
        {resource.state === 'failed' && <Failed error={resource.error} onRetry={reload} />}
        {resource.state === 'ready' && films.value.length === 0 && <p class="quiet">{t('upload.none')}</p>}
        <ul class="upload-list">
          {films.value.map((film, index) => <FilmCard key={film.key} film={film} number={films.value.length - index} />)}
        </ul>
      </section>
    </>
  );
}

export function UploadScreen(): JSX.Element {
  usePageTitle(t('upload.title'));
  useEffect(() => void loadTaxonomy().catch(() => undefined), []);
  const who = user.value;
  return (
    <Frame>
      {who === undefined && <Loading />}
      {who === null && (
        <StateBox isPage title={staff('staff.need-sign-in')}>
          <a class="button is-primary" href="/sign-in">{common('app.sign-in')}</a>
        </StateBox>
      )}
      {who !== undefined && who !== null && (
        <>
          <PageHeading>{t('upload.title')}</PageHeading>
          <SignedIn />
        </>
      )}
    </Frame>
  );
}
