/** The room's layout: header, stage, panel, controls, dialogs. */
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t as common } from '../../i18n/common';
import { pickText } from '../../i18n/bilingual';
import { t } from '../../i18n/room';
import type { JoinInfo } from '../../protocol/objects';
import type { LineEnd } from '../../store/room-line';
import { findPeer } from '../../store/room-state';
import { EventTime } from '../parts/event-time';
import { usePageTitle } from '../parts/hooks';
import { Icon, icons } from '../parts/icon';
import { ConfirmDialog, Loading } from '../parts/parts';
import { AudioOutlets } from './audio-outlets';
import { CaptionLine, FloorBanner, NoteBanner, PollBanner } from './banners';
import { LazyPart, loadParts } from './lazy-part';
import { Reactions } from './reactions';
import { HostBar, RoomBar } from './room-bar';
import { LineBanner, RoomHeader } from './room-header';
import { useRoomKeys } from './room-keys';
import { RoomContext, useRoom, type Panel, type RoomContextValue } from './room-ui';
import { Stage } from './stage';
import { useWakeLock } from './use-wake-lock';

function Waiting({ info }: { info: JoinInfo }): JSX.Element {
  const { store } = useRoom();
  const isHost = store.may.value.has('host');
  return (
    <section class="waiting" aria-labelledby="waiting-heading">
      <span class="state-icon"><Icon path={icons.clock} size={32} /></span>
      <h2 id="waiting-heading">{t('room.waiting-title')}</h2>
      <p><EventTime event={info.event} /></p>
      <p>{isHost ? t('room.waiting-host') : t('room.waiting-participant')}</p>
      {isHost && (
        <button type="button" class="button is-primary is-large" disabled={store.isSessionPending.value}
          onClick={() => void store.startSession()}>{t('room.start')}</button>
      )}
    </section>
  );
}

function LobbyView({ info }: { info: JoinInfo }): JSX.Element {
  return (
    <section class="waiting" aria-labelledby="waiting-heading" data-waiting="lobby">
      <span class="state-icon"><Icon path={icons.clock} size={32} /></span>
      <h2 id="waiting-heading">{t('room.lobby-title')}</h2>
      <p><EventTime event={info.event} /></p>
      <p>{t('room.lobby-what')}</p>
    </section>
  );
}

function PanelBody({ panel }: { panel: Panel }): JSX.Element | null {
  switch (panel) {
    case 'chat': return <LazyPart name="ChatPanel" />;
    case 'people': return <LazyPart name="PeoplePanel" />;
    case 'more': return <LazyPart name="MorePanel" />;
    case 'questions': return <LazyPart name="QuestionsPanel" />;
    case 'polls': return <LazyPart name="PollsPanel" />;
    case 'agenda': return <LazyPart name="AgendaPanel" />;
    case 'slides': return <LazyPart name="SlidesPanel" />;
    case 'listen': return <LazyPart name="ListenPanel" />;
    case 'captions': return <LazyPart name="CaptionsPanel" />;
    case 'host': return <LazyPart name="HostPanel" />;
  }
}

const NARROW = '(max-width: 48rem)';

/** On a phone a panel lies over the stage. */
function useIsNarrow(): boolean {
  const [isNarrow, setNarrow] = useState(() => matchMedia(NARROW).matches);
  useEffect(() => {
    const query = matchMedia(NARROW);
    const onChange = (): void => setNarrow(query.matches);
    query.addEventListener('change', onChange);
    return () => query.removeEventListener('change', onChange);
  }, []);
  return isNarrow;
}

function SidePanel(): JSX.Element | null {
  const { ui } = useRoom();
  const panel = ui.panel.value;
  // A panel that closes with the focus inside gives it back to its button.
  useLayoutEffect(() => {
    if (panel === null) return;
    return () => {
      // A panel that was reached through "More" has no button in a phone's bar.
      const shown = [`${panel}-button`, 'more-button']
        .map((id) => document.getElementById(id)).find((button) => button !== null && button.offsetParent !== null);
      if (hadFocus.current) {
        if (ui.panel.value === null) shown?.focus();
        else document.getElementById('panel-heading')?.focus();
      }
      hadFocus.current = false;
    };
  }, [panel]);
  const hadFocus = useRef(false);
  if (panel === null) return null;
  return (
    <aside class="side-panel" aria-labelledby="panel-heading"
      onFocusIn={() => { hadFocus.current = true; }}
      onFocusOut={(event) => {
        // A removed element loses the focus to nothing: that is not the user leaving the panel.
        const next = event.relatedTarget;
        if (next instanceof Node && !event.currentTarget.contains(next)) hadFocus.current = false;
      }}>
      <div class="side-panel-head">
        <h2 id="panel-heading" tabIndex={-1}>{t(`room.${panel}`)}</h2>
        <button type="button" class="icon-button" aria-label={t('room.close-panel')}
          onClick={() => { ui.panel.value = null; }}><Icon path={icons.close} /></button>
      </div>
      <PanelBody panel={panel} />
    </aside>
  );
}

function Toasts(): JSX.Element {
  const { ui } = useRoom();
  return (
    <div class="toasts">
      {ui.toasts.value.map((toast) => (
        <div key={toast.id} class={`toast is-${toast.tone}`}>
          <p lang={toast.lang}>{toast.text}</p>
          <button type="button" class="icon-button" aria-label={common('app.close')}
            onClick={() => {
              ui.dropToast(toast.id);
              document.getElementById('main')?.focus();
            }}><Icon path={icons.close} size={20} /></button>
        </div>
      ))}
    </div>
  );
}

function RoomDialogs(): JSX.Element | null {
  const { store, ui } = useRoom();
  const dialog = ui.dialog.value;
  const close = (): void => { ui.dialog.value = null; };
  if (dialog === null) return null;
  if (typeof dialog === 'object') {
    const peer = store.room.value === null ? undefined : findPeer(store.room.value, dialog.remove);
    return (
      <ConfirmDialog title={t('people.remove-title', { name: peer?.name ?? '' })} text={t('people.remove-what')}
        action={t('people.remove')} isDanger onClose={close} onConfirm={() => void store.removePeer(dialog.remove)} />
    );
  }
  switch (dialog) {
    case 'settings':
      return <LazyPart name="SettingsDialog" isQuiet />;
    case 'keys':
      return <LazyPart name="KeysDialog" isQuiet />;
    case 'leave':
      return (
        <ConfirmDialog title={t('room.leave-title')} text={t('room.leave-what')} action={t('room.leave')} isDanger
          onClose={close} onConfirm={() => void store.leave()} />
      );
    case 'end':
      return (
        <ConfirmDialog title={t('room.end-title')} text={t('room.end-what')} action={t('room.end')} isDanger
          onClose={close} onConfirm={() => void store.endSession()} />
      );
    case 'record-start':
      return (
        <ConfirmDialog title={t('room.record-start-title')} text={t('room.record-start-what')}
          action={t('room.record-start')} onClose={close} onConfirm={() => void store.setRecording(true)} />
      );
    case 'record-stop':
      return (
        <ConfirmDialog title={t('room.record-stop-title')} text={t('room.record-stop-what')}
          action={t('room.record-stop')} onClose={close} onConfirm={() => void store.setRecording(false)} />
      );
  }
}

export function RoomView({ room, info, onOver }: {
  room: RoomContextValue; info: JoinInfo; onOver: (end: LineEnd) => void;
}): JSX.Element {
  const { store, ui } = room;
  useRoomKeys(room);
  useWakeLock(store.phase.value !== 'over');
  useEffect(loadParts, []);
  const isNarrow = useIsNarrow();
  usePageTitle(pickText(info.event.title_en, info.event.title_ja)?.text ?? '');
  useEffect(() => store.end.subscribe((end) => {
    if (end !== null) queueMicrotask(() => onOver(end));
  }), [store]);
  // The room is dark whatever the system says; the theme must reach dialogs too, so it is set on the root.
  useEffect(() => {
    document.documentElement.classList.add('theme-dark');
    return () => document.documentElement.classList.remove('theme-dark');
  }, []);
  const isLive = store.room.value?.session.state === 'live';
  const isCovered = isNarrow && ui.panel.value !== null;
  const isWaiting = store.isWaiting.value;
  return (
    <RoomContext.Provider value={room}>
      <div class={ui.panel.value === null ? 'room' : 'room has-panel'} data-phase={store.phase.value}>
        <a class="skip-link" href="#room-controls">{t('room.controls')}</a>
        <RoomHeader />
        <div class="room-notices">
          <LineBanner />
          <Toasts />
        </div>
        <main class="room-main" id="main" tabIndex={-1}>
          <div class="room-stage" inert={isCovered}>
            <NoteBanner />
            <FloorBanner />
            <PollBanner />
            {store.room.value === null ? <div class="waiting"><Loading /></div>
              : isWaiting ? <LobbyView info={info} /> : isLive ? <Stage /> : <Waiting info={info} />}
            <CaptionLine />
            <Reactions />
          </div>
          <AudioOutlets />
        </main>
        {!isWaiting && <SidePanel />}
        <footer class="room-foot" id="room-controls" tabIndex={-1}>
          {!isWaiting && store.may.value.has('interpret') && isLive && <LazyPart name="InterpreterConsole" isQuiet />}
          {!isWaiting && <RoomBar />}
          <HostBar />
        </footer>
        <RoomDialogs />
      </div>
    </RoomContext.Provider>
  );
}
