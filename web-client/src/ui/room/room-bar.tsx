/**
 * The buttons along the bottom: one's own, and the facilitator's. A button keeps one name; counts describe it. While
 * its request is on the way it is only `aria-disabled`: a disabled button would lose the keyboard's focus.
 */
import type { JSX } from 'preact';
import { t } from '../../i18n/room';
import type { PublishedSource } from '../../rtc/publisher';
import { announce } from '../../store/announcer';
import { canShareScreen } from '../../store/screen-share';
import { Icon } from '../parts/icon';
import { roomIcons, sourceIcon } from './room-icons';
import { useRoom, type Panel, type RoomContextValue } from './room-ui';

/** Also used by the keys. */
export async function toggleSource({ store }: RoomContextValue, source: PublishedSource): Promise<void> {
  if (store.local[source].isOpening.value) return;
  const wanted = !store.isOn[source].value;
  await store.setSource(source, wanted);
  if (store.isOn[source].value !== wanted) return;
  const short = source === 'microphone' ? 'mic' : 'camera';
  announce(t(`notice.${short}-${wanted ? 'on' : 'off'}`));
}

export function toggleHand({ store }: RoomContextValue): void {
  if (store.isHandPending.value) return;
  void store.setHand((store.me.value?.hand ?? null) === null);
}

function SourceButton({ source }: { source: PublishedSource }): JSX.Element {
  const room = useRoom();
  const isOn = room.store.isOn[source].value;
  return (
    <button type="button" class={isOn ? 'bar-button' : 'bar-button is-off'} aria-pressed={isOn}
      aria-disabled={room.store.local[source].isOpening.value} onClick={() => void toggleSource(room, source)}>
      <Icon path={sourceIcon(source, isOn)} /><span>{t(`room.${source}`)}</span>
    </button>
  );
}

function HandButton(): JSX.Element {
  const room = useRoom();
  const place = room.store.me.value?.hand ?? null;
  return (
    <button type="button" class={place === null ? 'bar-button' : 'bar-button is-raised'} aria-pressed={place !== null}
      aria-label={t('room.hand')} aria-describedby={place !== null ? 'hand-place' : undefined}
      aria-disabled={room.store.isHandPending.value} onClick={() => toggleHand(room)}>
      <Icon path={roomIcons.hand} /><span>{t('room.hand')}</span>
      {place !== null && (
        <>
          <span class="bar-count" data-count={place} />
          <span id="hand-place" hidden>{t('room.hand-place', { n: place })}</span>
        </>
      )}
    </button>
  );
}

function PanelButton({ panel, icon, count = 0, countText = '', isNew = false, isWideOnly = false }: {
  panel: Panel; icon: string; count?: number; countText?: string; isNew?: boolean; isWideOnly?: boolean;
}): JSX.Element {
  const { ui } = useRoom();
  return (
    <button type="button" id={`${panel}-button`} class={isWideOnly ? 'bar-button is-wide-only' : 'bar-button'} aria-pressed={ui.panel.value === panel} aria-label={t(`room.${panel}`)}
      aria-describedby={count > 0 ? `${panel}-count` : undefined}
      onClick={() => ui.togglePanel(panel)}>
      <Icon path={icon} /><span>{t(`room.${panel}`)}</span>
      {count > 0 && (
        <>
          <span class={isNew ? 'bar-count is-new' : 'bar-count'} data-count={count} />
          <span id={`${panel}-count`} hidden>{countText}</span>
        </>
      )}
    </button>
  );
}

export function toggleShare({ store }: RoomContextValue): void {
  void (store.screen.track.value === null ? store.shareScreen() : store.stopScreen());
}

function ShareButton(): JSX.Element {
  const room = useRoom();
  const isOn = room.store.screen.track.value !== null;
  return (
    <button type="button" class="bar-button is-wide-only" aria-pressed={isOn} onClick={() => toggleShare(room)}>
      <Icon path={roomIcons.screen} /><span>{t('room.share')}</span>
    </button>
  );
}

/** Whether this person may share a screen now, in a browser that can. */
export function mayShareScreen({ store }: RoomContextValue): boolean {
  return store.may.value.has('share') && store.room.value?.session.state === 'live' && canShareScreen();
}

export function RoomBar(): JSX.Element {
  const room = useRoom();
  const { store, ui } = room;
  const may = store.may.value;
  const people = store.room.value?.peers.length ?? 0;
  const isLive = store.room.value?.session.state === 'live';
  const unread = ui.unread.value;
  const questions = ui.newQuestions.value;
  const hasChannels = (store.room.value?.session.languages.length ?? 0) > 0;
  return (
    <div class="room-bar" role="group" aria-label={t('room.controls')}>
      {may.has('speak') && isLive && <SourceButton source="microphone" />}
      {may.has('speak') && isLive && <SourceButton source="camera" />}
      {may.has('raise-hand') && <HandButton />}
      {mayShareScreen(room) && <ShareButton />}
      {hasChannels && isLive && !may.has('interpret') && <PanelButton panel="listen" icon={roomIcons.listen} />}
      <PanelButton panel="people" icon={roomIcons.people} count={people} countText={t.count('people.count', people)} isWideOnly />
      <PanelButton panel="chat" icon={roomIcons.chat} count={unread} countText={t.count('room.unread', unread)} isNew />
      <PanelButton panel="questions" icon={roomIcons.question} count={questions} isWideOnly isNew
        countText={t.count('room.new-questions', questions)} />
      <PanelButton panel="more" icon={roomIcons.more} />
      <button type="button" class="bar-button is-wide-only" aria-haspopup="dialog"
        onClick={() => { ui.dialog.value = 'settings'; }}>
        <Icon path={roomIcons.settings} /><span>{t('room.settings')}</span>
      </button>
    </div>
  );
}

export function HostBar(): JSX.Element | null {
  const { store, ui } = useRoom();
  const may = store.may.value;
  const room = store.room.value;
  // Before the start the stage has the one button that matters.
  if (room === null || room.session.state !== 'live' || (!may.has('host') && !may.has('record'))) return null;
  const isRecording = room.recording.state === 'on';
  const isPaused = room.recording.state === 'paused';
  return (
    <div class="host-bar" role="group" aria-label={t('room.host-controls')}>
      {may.has('record') && (
        <button type="button" class="button is-record" aria-pressed={isRecording} aria-disabled={store.isRecordPending.value}
          onClick={() => { if (!store.isRecordPending.value) ui.dialog.value = isRecording ? 'record-stop' : 'record-start'; }}>
          <Icon path={isRecording ? roomIcons.stop : roomIcons.record} size={20} fill />{t('room.record')}
        </button>
      )}
      {may.has('record') && (isRecording || isPaused) && (
        <button type="button" class="button" aria-disabled={store.isRecordPending.value}
          onClick={() => { if (!store.isRecordPending.value) void store.pauseRecording(isRecording); }}>
          <Icon path={isRecording ? roomIcons.pause : roomIcons.record} size={20} fill />
          {isRecording ? t('room.record-pause') : t('room.record-go-on')}
        </button>
      )}
      {may.has('record') && isRecording && (
        <button type="button" class="button" title={t('room.marker-what')} onClick={() => void store.markMoment()}>
          <Icon path={roomIcons.marker} size={20} />{t('room.marker')}
        </button>
      )}
      {may.has('host') && (
        <button type="button" class="button" aria-disabled={store.isSessionPending.value}
          onClick={() => { if (!store.isSessionPending.value) ui.dialog.value = 'end'; }}>{t('room.end')}</button>
      )}
    </div>
  );
}
