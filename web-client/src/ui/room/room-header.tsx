import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { formatClock } from '../../i18n/format';
import { t } from '../../i18n/room';
import { Icon, icons } from '../parts/icon';
import { BilingualTitle, LanguageSwitch, PageHeading } from '../parts/parts';
import { findPeer } from '../../store/room-state';
import { LineQuality } from './line-quality';
import { roomIcons } from './room-icons';
import { useRoom } from './room-ui';
import { useClock } from './use-clock';

export function RecordingMark(): JSX.Element | null {
  const { store } = useRoom();
  const recording = store.room.value?.recording;
  const isOn = recording?.state === 'on';
  const now = useClock(isOn);
  if (recording === undefined || recording.state === 'off') return null;
  if (recording.state === 'failed') {
    return <p class="rec is-failed"><Icon path={icons.warning} size={20} />{t('room.recording-failed')}</p>;
  }
  if (recording.state === 'paused') {
    return (
      <>
        <p class="rec is-paused" data-recording="paused"><Icon path={roomIcons.pause} size={20} />{t('room.recording-paused')}</p>
        <ConsentButton />
      </>
    );
  }
  const since = recording.since?.getTime() ?? now;
  const time = formatClock((now - since) / 1000);
  return (
    <>
      <p class="rec" data-recording="on">
        <span class="rec-dot" aria-hidden="true" />
        <span aria-hidden="true">{t('room.recording')} <span class="rec-time">{time}</span></span>
        <span class="visually-hidden">{t('room.recording-label', { time })}</span>
      </p>
      <ConsentButton />
    </>
  );
}

/** Whether I am in the recording; a press changes it at once. */
function ConsentButton(): JSX.Element | null {
  const { store } = useRoom();
  const room = store.room.value;
  const me = room === null ? undefined : findPeer(room, room.me);
  if (me === undefined) return null;
  const agrees = me.consent === 'yes';
  return (
    <button type="button" class="button is-small" aria-pressed={agrees} data-consent={me.consent}
      title={t('room.consent-what')} onClick={() => void store.setConsent(agrees ? 'no' : 'yes')}>
      {agrees ? t('room.consent-yes') : t('room.consent-no')}
    </button>
  );
}

function SessionClock(): JSX.Element | null {
  const { store } = useRoom();
  const session = store.room.value?.session;
  const isLive = session?.state === 'live';
  const now = useClock(isLive);
  if (session === undefined) return null;
  return (
    <p class={isLive ? 'session-state is-live' : 'session-state'} data-session-state={session.state}>
      {isLive ? t('room.live') : t('room.waiting')}
      {isLive && session.started_at !== null && (
        <span class="session-clock">{formatClock((now - session.started_at.getTime()) / 1000)}</span>
      )}
    </p>
  );
}

function PhaseMark(): JSX.Element | null {
  const { store } = useRoom();
  const room = store.room.value;
  if (room === null || room.session.state !== 'live') return null;
  return (
    <>
      {room.settings.phase !== 'opening' && <p class="phase">{t(`phase.${room.settings.phase}`)}</p>}
      {room.settings.is_locked && <p class="phase"><Icon path={roomIcons.lock} size={18} />{t('room.locked')}</p>}
    </>
  );
}

export function RoomHeader(): JSX.Element {
  const { store, ui } = useRoom();
  const session = store.room.value?.session;
  return (
    <header class="room-header">
      <PageHeading>
        {session !== undefined ? <BilingualTitle en={session.title_en} ja={session.title_ja} /> : t('room.title')}
      </PageHeading>
      <div class="room-facts">
        <SessionClock />
        <PhaseMark />
        <RecordingMark />
        <LineQuality />
      </div>
      <LanguageSwitch />
      <button type="button" class="bar-button is-leave" onClick={() => { ui.dialog.value = 'leave'; }}>
        <Icon path={roomIcons.leave} /><span>{t('room.leave')}</span>
      </button>
    </header>
  );
}

/** A lost line or missing media, across the top of the room: what happens, and what the person can do. */
export function LineBanner(): JSX.Element {
  const { store } = useRoom();
  const isLost = store.phase.value !== 'here' && store.retryAt.value !== null;
  const now = useClock(isLost);
  const retryAt = store.retryAt.value;
  const seconds = retryAt === null ? 0 : Math.ceil((retryAt - now) / 1000);
  const media = store.media.receiveState.value;
  const spoken = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (spoken.current !== null) spoken.current.textContent = isLost ? t('line.trying') : '';
  }, [isLost]);
  return (
    <>
      <div ref={spoken} class="visually-hidden" role="alert" />
      {isLost && (
        <div class="room-banner is-warning">
          <p>{seconds > 0 ? t('line.lost', { s: seconds }) : t('line.trying')}</p>
          <button type="button" class="button" onClick={() => store.line.retryNow()}>{t('line.retry')}</button>
        </div>
      )}
      {!isLost && media === 'connecting' && <p class="room-banner">{t('line.media-connecting')}</p>}
      {!isLost && media === 'failed' && <p class="room-banner is-warning" role="alert">{t('line.media-failed')}</p>}
    </>
  );
}
