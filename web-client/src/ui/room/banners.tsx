/** Lines above and below the stage: the facilitator's note, who has the floor, an open poll, captions. */
import type { JSX } from 'preact';
import { formatClock } from '../../i18n/format';
import { otherText, pickText } from '../../i18n/bilingual';
import { t } from '../../i18n/room';
import { findPeer } from '../../store/room-state';
import { LinkedText } from '../parts/linked-text';
import { PersonText } from '../parts/parts';
import { toggleSource } from './room-bar';
import { useRoom } from './room-ui';
import { useClock } from './use-clock';

/** In both languages, the reader's first. */
export function NoteBanner(): JSX.Element | null {
  const { store } = useRoom();
  const note = store.room.value?.note ?? null;
  if (note === null) return null;
  const text = pickText(note.text_en, note.text_ja);
  const other = otherText(note.text_en, note.text_ja);
  if (text === null) return null;
  return (
    <div class="room-banner note-banner">
      <p lang={text.lang}><LinkedText text={text.text} /></p>
      {other !== null && <p lang={other.lang} class="quiet"><LinkedText text={other.text} /></p>}
    </div>
  );
}

export function FloorBanner(): JSX.Element | null {
  const room = useRoom();
  const { store } = room;
  const state = store.room.value;
  const floor = state?.floor ?? null;
  const now = useClock(floor !== null);
  if (state === null || floor === null) return null;
  const name = findPeer(state, floor.peer)?.name ?? '';
  const spoken = Math.max(0, (now - floor.since.getTime()) / 1000);
  const left = floor.limit_s - spoken;
  const isMine = floor.peer === state.me;
  const time = floor.limit_s === 0 ? t('room.floor-spoken', { time: formatClock(spoken) })
    : left > 0 ? t('room.floor-time', { time: formatClock(left) }) : t('room.floor-over');
  return (
    <div class={isMine ? 'room-banner floor-banner is-mine' : 'room-banner floor-banner'} data-floor={floor.peer}>
      <p><b>{isMine ? t('room.floor-mine') : <PersonText text={t('room.floor-of', { name })} />}</b>{' '}
        <span class={floor.limit_s > 0 && left <= 0 ? 'floor-time is-over' : 'floor-time'}>{time}</span></p>
      {isMine && !store.isOn.microphone.value && (
        <button type="button" class="button is-primary" onClick={() => void toggleSource(room, 'microphone')}>{t('room.unmute')}</button>
      )}
      {(isMine || store.may.value.has('moderate')) && (
        <button type="button" class="button" onClick={() => void store.request({ kind: 'end-floor' })}>
          {isMine ? t('room.floor-done') : t('room.floor-end')}
        </button>
      )}
    </div>
  );
}

/** A poll that is open and that I have not answered. */
export function PollBanner(): JSX.Element | null {
  const { store, ui } = useRoom();
  const room = store.room.value;
  if (room === null || !store.may.value.has('take-part') || ui.panel.value === 'polls') return null;
  const poll = room.polls.find((one) => one.state === 'open' && room.mine.polls[one.id] === undefined);
  if (poll === undefined || store.may.value.has('moderate')) return null;
  return (
    <div class="room-banner" data-poll={poll.id}>
      <p><PersonText text={t('room.poll-open', { text: poll.text })} /></p>
      <button type="button" class="button is-primary" onClick={() => ui.openPanel('polls')}>{t('room.vote')}</button>
    </div>
  );
}

const CAPTION_LINES = 2;

export function CaptionLine(): JSX.Element | null {
  const { store, ui } = useRoom();
  const language = ui.captions.value;
  const room = store.room.value;
  if (room === null || language === null) return null;
  const live = store.liveCaptions.value.get(language);
  const final = room.captions.filter((one) => one.language === language);
  const shown = [...final, ...(live === undefined ? [] : [live])].slice(-CAPTION_LINES);
  if (shown.length === 0) return null;
  return (
    <div class="captions" role="region" aria-label={t('room.captions-label')} lang={language}>
      {shown.map((one, index) => <p key={index}>{one.text}</p>)}
    </div>
  );
}
