/** Plays every voice slot; the browser mixes them. Under an interpretation the floor is as low as the listener likes. */
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
  const slots = store.media.slots.value;
  const interpreter = slots.find((slot) => slot.channel !== null && slot.peer !== null)?.mid ?? null;
  const floorVolume = interpreter === null ? 1 : ui.floorLevel.value / 100;
  return (
    <>
      <div hidden>
        {voices.map((voice) => (
          <StreamAudio key={voice.mid} volume={voice.mid === interpreter ? 1 : floorVolume} stream={voice.stream} mid={voice.mid} unblocked={unblocked}
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
