/** Plays every voice slot; the browser mixes them. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { t } from '../../i18n/room';
import { Icon } from '../parts/icon';
import { StreamAudio } from './media-element';
import { roomIcons } from './room-icons';
import { useRoom } from './room-ui';

export function AudioOutlets(): JSX.Element {
  const { store, ui } = useRoom();
  const [unblocked, setUnblocked] = useState(0);
  const voices = store.media.tracks.value.filter((track) => track.kind === 'audio');
  return (
    <>
      <div hidden>
        {voices.map((voice) => (
          <StreamAudio key={voice.mid} stream={voice.stream} mid={voice.mid} unblocked={unblocked}
            speakerId={store.local.speakerId.value}
            onBlocked={() => { ui.needsPressToHear.value = true; }} />
        ))}
      </div>
      {ui.needsPressToHear.value && (
        <div class="room-banner" role="alert">
          <p>{t('room.hear-what')}</p>
          <button type="button" class="button is-primary" onClick={() => {
            ui.needsPressToHear.value = false;
            setUnblocked((before) => before + 1);
          }}>
            <Icon path={roomIcons.speaker} size={20} />{t('room.hear')}
          </button>
        </div>
      )}
    </>
  );
}
