/** Who is seen: what is shared large, one person large with a strip of others, or everyone the same size. */
import type { JSX, RefObject } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { t } from '../../i18n/room';
import type { Peer } from '../../protocol/signalling';
import { isTrackOn, screensOf, tileOrder, type RoomState } from '../../store/room-state';
import { bestGrid, pageCount, pageOf } from '../../store/tile-layout';
import { Icon } from '../parts/icon';
import { LazyPart } from './lazy-part';
import { StreamVideo } from './media-element';
import { roomIcons } from './room-icons';
import { useRoom } from './room-ui';
import { Tile } from './tile';

const GALLERY_TILES = 9;
const STRIP_TILES = 5;
const STRIP_TILES_NARROW = 2;
const GAP = 8;
/** In pixels of the style sheet: a tile up to here is served by the smallest picture of a camera. */
const SMALL_TILE = 340;

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

/** Pinned, else in the spotlight, else who speaks, else who leads with a picture, else anyone else. */
function leadOf(room: RoomState, order: readonly Peer[], pinned: string | null, speaker: string | null): Peer | null {
  const byId = (id: string | null): Peer | undefined => order.find((peer) => peer.id === id);
  return byId(pinned) ?? byId(room.spotlight[0] ?? null) ?? byId(speaker)
    ?? order.find((peer) => peer.id !== room.me && isTrackOn(peer, 'camera'))
    ?? order.find((peer) => peer.id !== room.me && peer.role === 'facilitator')
    ?? order[0] ?? null;
}

/** @large: so many of them, from the first, are shown large. */
type OnShown = (peers: readonly Peer[], large: number) => void;

function Gallery({ order, onShown }: { order: readonly Peer[]; onShown: OnShown }): JSX.Element {
  const { ui } = useRoom();
  const ref = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(ref);
  const shown = pageOf(order, ui.page.value, GALLERY_TILES);
  const grid = bestGrid(shown.length, width, height, GAP);
  onShown(shown, grid.tileWidth > SMALL_TILE ? shown.length : 0);
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
  lead: Peer; others: readonly Peer[]; isNarrow: boolean; onShown: OnShown;
}): JSX.Element {
  const { ui } = useRoom();
  const ref = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(ref);
  const perPage = isNarrow ? STRIP_TILES_NARROW : STRIP_TILES;
  const shown = pageOf(others, ui.page.value, perPage);
  const grid = bestGrid(1, width, height, 0);
  onShown([lead, ...shown], grid.tileWidth > SMALL_TILE ? 1 : 0);
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

/** A shared screen, whole: nothing of it is cut off. */
function SharedScreen({ peer }: { peer: Peer }): JSX.Element {
  const { store } = useRoom();
  const isMe = peer.id === store.room.value?.me;
  const ownTrack = isMe ? store.screen.track.value : null;
  const own = useMemo(() => (ownTrack === null ? null : new MediaStream([ownTrack])), [ownTrack]);
  const stream = isMe ? own : store.pictureOf(peer.id, 'screen');
  const held = isMe ? null : store.heldOf(peer.id, 'screen');
  const label = t('room.screen-of', { name: peer.name });
  return (
    <div class="shared-screen" data-peer={peer.id}>
      {stream !== null ? <StreamVideo stream={stream} label={label} peer={peer.id} source="screen" />
        : <span class="avatar"><Icon path={roomIcons.screen} size={40} /></span>}
      {held !== null && <p class="tile-away">{t(`room.held-${held}`)}</p>}
      <p class="tile-label"><span class="tile-name">{label}</span></p>
      {isMe && (
        <button type="button" class="button is-danger shared-stop" onClick={() => void store.stopScreen()}>{t('room.stop-sharing')}</button>
      )}
    </div>
  );
}

const SLIDES = 'slides';

/** What may be large: slides, and every screen. */
function sharedOf(room: RoomState, isAudioOnly: boolean): string[] {
  const screens = isAudioOnly ? [] : screensOf(room).map((peer) => peer.id);
  return room.slides.deck === '' ? screens : [SLIDES, ...screens];
}

function Presentation({ room, shared, others, isNarrow, onShown }: {
  room: RoomState; shared: readonly string[]; others: readonly Peer[]; isNarrow: boolean;
  onShown: OnShown;
}): JSX.Element {
  const { ui } = useRoom();
  const chosen = shared.find((one) => one === ui.shared.value) ?? shared.at(-1);
  const sharer = room.peers.find((peer) => peer.id === chosen);
  const perPage = isNarrow ? STRIP_TILES_NARROW : STRIP_TILES;
  const shown = pageOf(others, ui.page.value, perPage);
  onShown(sharer === undefined ? shown : [sharer, ...shown], 0);
  return (
    <>
      {shared.length > 1 && (
        <div class="shared-choice" role="group" aria-label={t('room.shared')}>
          {shared.map((one) => (
            <button key={one} type="button" class="small-button" aria-pressed={one === chosen} onClick={() => { ui.shared.value = one; }}>
              {one === SLIDES ? t('room.shared-slides')
                : t('room.screen-of', { name: room.peers.find((peer) => peer.id === one)?.name ?? '' })}
            </button>
          ))}
        </div>
      )}
      <div class="lead">{sharer === undefined ? <LazyPart name="SlideStage" /> : <SharedScreen peer={sharer} />}</div>
      {others.length > 0 && (
        <ul class="strip is-small">{shown.map((peer) => <li key={peer.id}><Tile peer={peer} /></li>)}</ul>
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
  const shownNow = useRef<{ ids: readonly string[]; large: number }>({ ids: [], large: 0 });
  useEffect(() => store.setViewed(shownNow.current.ids, shownNow.current.large));
  if (room === null) return null;
  const order = tileOrder(room, store.speakers.value);
  const lead = leadOf(room, order, ui.pinned.value, store.stage.value.peer);
  const onShown: OnShown = (peers, large) => {
    const idsOf = (some: readonly Peer[]): string[] => some.filter((peer) => peer.id !== room.me).map((peer) => peer.id);
    shownNow.current = { ids: idsOf(peers), large: idsOf(peers.slice(0, large)).length };
  };
  const shared = ui.layout.value === 'presentation' ? sharedOf(room, store.pictureMode.value === 'audio') : [];
  return (
    <section ref={ref} class="stage" aria-label={t('room.stage')}>
      {shared.length > 0
        ? <Presentation room={room} shared={shared} others={order} isNarrow={width < 560} onShown={onShown} />
        : ui.layout.value === 'gallery' || lead === null
        ? <Gallery order={order} onShown={onShown} />
        : (
          <SpeakerView lead={lead} others={order.filter((peer) => peer !== lead)}
            isNarrow={width < 560} onShown={onShown} />
        )}
      {shared.length === 0 && order.length === 1 && order[0]?.id === room.me && <p class="stage-note">{t('room.alone')}</p>}
    </section>
  );
}
