/** Who is seen: one large with a strip of others, or everyone the same size. */
import type { JSX, RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../../i18n/room';
import type { Peer } from '../../protocol/signalling';
import { isTrackOn, tileOrder, type RoomState } from '../../store/room-state';
import { bestGrid, pageCount, pageOf } from '../../store/tile-layout';
import { Icon } from '../parts/icon';
import { roomIcons } from './room-icons';
import { useRoom } from './room-ui';
import { Tile } from './tile';

const GALLERY_TILES = 9;
const STRIP_TILES = 5;
const STRIP_TILES_NARROW = 2;
const GAP = 8;

interface Size {
  width: number;
  height: number;
}

function useSize(ref: RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const observer = new ResizeObserver(() =>
      setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return size;
}

function Pager({ pages }: { pages: number }): JSX.Element | null {
  const { ui } = useRoom();
  if (pages <= 1) return null;
  const page = Math.min(ui.page.value, pages - 1);
  return (
    <div class="pager">
      <button type="button" class="icon-button" disabled={page === 0} aria-label={t('room.previous-page')}
        onClick={() => { ui.page.value = page - 1; }}><Icon path={roomIcons.previous} /></button>
      <span>{t('room.page', { page: page + 1, pages })}</span>
      <button type="button" class="icon-button" disabled={page >= pages - 1} aria-label={t('room.next-page')}
        onClick={() => { ui.page.value = page + 1; }}><Icon path={roomIcons.next} /></button>
    </div>
  );
}

/** Pinned, else who speaks, else who leads with a picture, else anyone else. */
function leadOf(room: RoomState, order: readonly Peer[], pinned: string | null, speaker: string | null): Peer | null {
  const byId = (id: string | null): Peer | undefined => order.find((peer) => peer.id === id);
  return byId(pinned) ?? byId(speaker)
    ?? order.find((peer) => peer.id !== room.me && isTrackOn(peer, 'camera'))
    ?? order.find((peer) => peer.id !== room.me && peer.role === 'facilitator')
    ?? order[0] ?? null;
}

function Gallery({ order, onShown }: { order: readonly Peer[]; onShown: (peers: readonly Peer[]) => void }): JSX.Element {
  const { ui } = useRoom();
  const ref = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(ref);
  const shown = pageOf(order, ui.page.value, GALLERY_TILES);
  onShown(shown);
  const grid = bestGrid(shown.length, width, height, GAP);
  return (
    <>
      <div ref={ref} class="gallery">
        <ul class="gallery-tiles" style={{ '--columns': grid.columns, '--tile': `${grid.tileWidth}px` }}>
          {shown.map((peer) => <li key={peer.id}><Tile peer={peer} /></li>)}
        </ul>
      </div>
      <Pager pages={pageCount(order.length, GALLERY_TILES)} />
    </>
  );
}

function SpeakerView({ lead, others, isNarrow, onShown }: {
  lead: Peer; others: readonly Peer[]; isNarrow: boolean; onShown: (peers: readonly Peer[]) => void;
}): JSX.Element {
  const { ui } = useRoom();
  const ref = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(ref);
  const perPage = isNarrow ? STRIP_TILES_NARROW : STRIP_TILES;
  const shown = pageOf(others, ui.page.value, perPage);
  onShown([lead, ...shown]);
  const grid = bestGrid(1, width, height, 0);
  return (
    <>
      <div ref={ref} class="lead">
        <div class="lead-tile" style={{ '--tile': `${grid.tileWidth}px` }}><Tile peer={lead} isLarge /></div>
      </div>
      {others.length > 0 && (
        <ul class="strip">{shown.map((peer) => <li key={peer.id}><Tile peer={peer} /></li>)}</ul>
      )}
      <Pager pages={pageCount(others.length, perPage)} />
    </>
  );
}

export function Stage(): JSX.Element | null {
  const { store, ui } = useRoom();
  const ref = useRef<HTMLElement>(null);
  const { width } = useSize(ref);
  const room = store.room.value;
  const shownIds = useRef<readonly string[]>([]);
  useEffect(() => store.setViewed(shownIds.current));
  if (room === null) return null;
  const order = tileOrder(room, store.speakers.value);
  const lead = leadOf(room, order, ui.pinned.value, store.stage.value.peer);
  const onShown = (peers: readonly Peer[]): void => {
    shownIds.current = peers.filter((peer) => peer.id !== room.me).map((peer) => peer.id);
  };
  return (
    <section ref={ref} class="stage" aria-label={t('room.stage')}>
      {ui.layout.value === 'gallery' || lead === null
        ? <Gallery order={order} onShown={onShown} />
        : (
          <SpeakerView lead={lead} others={order.filter((peer) => peer !== lead)}
            isNarrow={width < 560} onShown={onShown} />
        )}
      {order.length === 1 && order[0]?.id === room.me && <p class="stage-note">{t('room.alone')}</p>}
    </section>
  );
}
