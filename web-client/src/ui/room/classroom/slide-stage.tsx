/** The page that is shown, with the pointer of who presents; who may, turns pages by buttons, number or arrow keys. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { c } from '../../../i18n/classroom';
import { announce } from '../../../store/announcer';
import { pageUrl, PageImages } from '../../../store/slides';
import { Icon } from '../../parts/icon';
import { roomIcons } from '../room-icons';
import { useRoom } from '../room-ui';

const POINTER_EVERY_MS = 80;

function usePage(url: string, next: string | null): { src: string | null; hasFailed: boolean } {
  const { store } = useRoom();
  const images = useRef<PageImages | null>(null);
  images.current ??= new PageImages(() => store.token);
  const [shown, setShown] = useState<{ url: string; src: string | null } | null>(null);
  useEffect(() => () => {
    images.current?.close();
    images.current = null;
  }, []);
  useEffect(() => {
    let isGone = false;
    images.current?.load(url).then(
      (src) => {
        if (isGone) return;
        setShown({ url, src });
        // The next page is there when it is turned.
        if (next !== null) images.current?.load(next).catch(() => undefined);
      },
      () => { if (!isGone) setShown({ url, src: null }); });
    return () => { isGone = true; };
  }, [url]);
  return { src: shown?.src ?? null, hasFailed: shown?.url === url && shown.src === null };
}

function Controls({ page, pages }: { page: number; pages: number }): JSX.Element {
  const { store } = useRoom();
  const turn = (to: number): void => {
    if (to >= 1 && to <= pages && to !== page) void store.request({ kind: 'page', page: to });
  };
  return (
    <div class="slide-controls" role="group" aria-label={c('slides.page', { page, pages })}>
      <button type="button" class="icon-button" aria-label={c('slides.previous')} aria-disabled={page <= 1}
        onClick={() => turn(page - 1)}><Icon path={roomIcons.previous} /></button>
      <input type="number" min={1} max={pages} value={page} aria-label={c('slides.go')}
        onChange={(event) => turn(Math.round(Number(event.currentTarget.value)))} />
      <span>/ {pages}</span>
      <button type="button" class="icon-button" aria-label={c('slides.next')} aria-disabled={page >= pages}
        onClick={() => turn(page + 1)}><Icon path={roomIcons.next} /></button>
    </div>
  );
}

export function SlideStage(): JSX.Element | null {
  const { store } = useRoom();
  const room = store.room.value;
  const deck = room?.slides.decks.find((one) => one.id === room.slides.deck);
  if (room === null || deck === undefined) return null;
  return <Slide session={room.session.id} deck={deck.id} name={deck.name} page={room.slides.page} pages={deck.pages} />;
}

function Slide({ session, deck, name, page, pages }: {
  session: string; deck: string; name: string; page: number; pages: number;
}): JSX.Element {
  const { store } = useRoom();
  const next = page < pages ? pageUrl(session, deck, page + 1, 'large') : null;
  const { src, hasFailed } = usePage(pageUrl(session, deck, page, 'large'), next);
  const mayPresent = store.may.value.has('present');
  const [ratio, setRatio] = useState(16 / 9);
  const pointed = useRef(0);
  const pointer = store.pointer.value;
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => announce(c('slides.page', { page, pages })), [deck, page]);
  // No style attribute in the markup: the Content-Security-Policy allows only what script sets.
  useEffect(() => {
    const mark = place.current?.querySelector<HTMLElement>('.slide-pointer');
    if (mark == null || pointer === null) return;
    mark.style.left = `${pointer.x / 10}%`;
    mark.style.top = `${pointer.y / 10}%`;
  }, [pointer]);
  const point = (event: PointerEvent, on: boolean): void => {
    const now = performance.now();
    if (!mayPresent || (on && now - pointed.current < POINTER_EVERY_MS)) return;
    pointed.current = now;
    const box = place.current?.getBoundingClientRect();
    if (box === undefined || box.width === 0 || box.height === 0) return;
    const permille = (value: number): number => Math.round(Math.min(1, Math.max(0, value)) * 1000);
    store.hint({
      kind: 'pointer', on, x: permille((event.clientX - box.left) / box.width), y: permille((event.clientY - box.top) / box.height),
    });
  };
  return (
    <div class="slide" data-page={page} data-loaded={src !== null ? 'yes' : 'no'}>
      <div class="slide-fit">
        <div ref={place} class="slide-page" style={{ '--ratio': ratio }} onPointerMove={(event) => point(event, true)} onPointerLeave={(event) => point(event, false)}>
          {src !== null && <img src={src} alt={c('slides.alt', { page, pages, name })} onLoad={(event) => {
            const { naturalWidth, naturalHeight } = event.currentTarget;
            if (naturalHeight > 0) setRatio(naturalWidth / naturalHeight);
          }} />}
          {hasFailed && <p role="alert">{c('slides.picture-failed')}</p>}
          {pointer !== null && <span class="slide-pointer" aria-hidden="true" />}
        </div>
      </div>
      {mayPresent ? <Controls page={page} pages={pages} /> : <p class="quiet slide-count">{c('slides.page', { page, pages })}</p>}
    </div>
  );
}
