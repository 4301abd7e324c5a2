import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { t } from '../../i18n/room';
import { guessLanguage } from '../../i18n/bilingual';
import type { Peer } from '../../protocol/signalling';
import { isTrackOn } from '../../store/room-state';
import { Icon, icons } from '../parts/icon';
import { PersonText } from '../parts/parts';
import { StreamVideo } from './media-element';
import { roomIcons } from './room-icons';
import { useRoom } from './room-ui';

const segmenter = typeof Intl.Segmenter === 'function' ? new Intl.Segmenter() : null;

/** One Chinese character or kana, else the first letters of two words. */
export function initialsOf(name: string): string {
  const first = (word: string): string =>
    (segmenter !== null ? [...segmenter.segment(word)][0]?.segment : [...word][0]) ?? '';
  const words = name.trim().split(/[\s\u3000]+/).filter((word) => word !== '');
  const lead = first(words[0] ?? '?');
  if (guessLanguage(lead) === 'ja' || words.length < 2) return lead.toUpperCase();
  return (lead + first(words.at(-1) ?? '')).toUpperCase();
}

/** One of eight calm backgrounds, always the same for a person. */
function hueOf(id: string): number {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 4096;
  return sum % 8;
}

interface TileProps {
  peer: Peer;
  isLarge?: boolean;
}

function useTileStream(peer: Peer, isMe: boolean): MediaStream | null {
  const { store } = useRoom();
  const ownTrack = isMe && store.isOn.camera.value ? store.local.camera.track.value : null;
  const own = useMemo(() => (ownTrack === null ? null : new MediaStream([ownTrack])), [ownTrack]);
  if (isMe) return own;
  return isTrackOn(peer, 'camera') ? store.pictureOf(peer.id) : null;
}

export function Tile({ peer, isLarge = false }: TileProps): JSX.Element {
  const { store, ui } = useRoom();
  const isMe = peer.id === store.room.value?.me;
  const stream = useTileStream(peer, isMe);
  const held = isMe || stream === null ? null : store.heldOf(peer.id);
  const isSpeaking = store.speakers.value.includes(peer.id);
  const isMicrophoneOn = isMe ? store.isOn.microphone.value : isTrackOn(peer, 'microphone');
  const isPinned = ui.pinned.value === peer.id;
  const classes = ['tile', isLarge ? 'is-large' : '', isSpeaking ? 'is-speaking' : '', peer.is_here ? '' : 'is-away'];
  return (
    <article class={classes.filter(Boolean).join(' ')} data-peer={peer.id} data-picture={stream !== null ? 'on' : 'off'}
      data-held={held ?? undefined}>
      {stream !== null
        ? <StreamVideo stream={stream} isMirrored={isMe} label={peer.name} peer={peer.id} />
        : <span class="avatar" data-hue={hueOf(peer.id)} aria-hidden="true">{initialsOf(peer.name)}</span>}
      {!peer.is_here ? <p class="tile-away">{t('room.away')}</p> : held !== null && <p class="tile-away">{t(`room.held-${held}`)}</p>}
      <p class="tile-label">
        {peer.hand !== null && (
          <span class="tile-hand"><Icon path={roomIcons.hand} size={18} />{peer.hand}
            <span class="visually-hidden">{t('people.hand', { n: peer.hand })}</span></span>
        )}
        {!isMicrophoneOn && (
          <span class="tile-muted"><Icon path={roomIcons.microphoneOff} size={18} />
            <span class="visually-hidden">{t('room.mic-off')}</span></span>
        )}
        {isSpeaking && (
          <span class="tile-speaking"><Icon path={icons.audio} size={18} />
            <span class="visually-hidden">{t('room.speaking')}</span></span>
        )}
        <span class="tile-name">
          {isMe ? t('room.me', { name: peer.name }) : <PersonText text={peer.name} />}
        </span>
      </p>
      {!isMe && (
        <button type="button" class="tile-pin" aria-pressed={isPinned}
          aria-label={t(isPinned ? 'room.unpin' : 'room.pin', { name: peer.name })}
          onClick={() => {
            ui.pinned.value = isPinned ? null : peer.id;
            if (!isPinned) ui.setLayout('speaker');
          }}>
          <Icon path={roomIcons.pin} size={20} />
        </button>
      )}
    </article>
  );
}
