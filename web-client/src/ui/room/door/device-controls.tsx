/** Choosing microphone, camera and speaker, in pre-join and in the room's settings. */
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { t } from '../../../i18n/room';
import { canChooseSpeaker, type DeviceChoice } from '../../../rtc/devices';
import type { PublishedSource } from '../../../rtc/publisher';
import { makeTestSound } from '../../../rtc/test-sound';
import type { LocalMedia } from '../../../store/local-media';
import { useOwnSignal } from '../../parts/hooks';
import { Icon, icons } from '../../parts/icon';
import { LevelBars } from './level-bars';
import { roomIcons } from '../room-icons';

interface SelectProps {
  id: string;
  label: string;
  choices: readonly DeviceChoice[];
  chosen: string | null;
  fallback?: string;
  onChoose: (id: string) => void;
}

function DeviceSelect({ id, label, choices, chosen, fallback, onChoose }: SelectProps): JSX.Element {
  const isKnown = choices.some((choice) => choice.id === chosen);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={isKnown ? chosen ?? '' : ''} disabled={choices.length === 0}
        onChange={(event) => onChoose(event.currentTarget.value)}>
        {(!isKnown || choices.length === 0) && <option value="">{fallback ?? '–'}</option>}
        {choices.map((choice) => <option key={choice.id} value={choice.id}>{choice.label}</option>)}
      </select>
    </div>
  );
}

export function DeviceFailureText({ media, source }: { media: LocalMedia; source: PublishedSource }): JSX.Element | null {
  const failure = media[source].failure.value;
  if (failure === null) return null;
  return (
    <p class="device-failure" role="alert">
      <Icon path={icons.warning} size={20} /><span>{t(`device.${source}.${failure}`)}</span>
    </p>
  );
}

type SinkElement = HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> };

function TestSoundButton({ media }: { media: LocalMedia }): JSX.Element {
  const signal = useOwnSignal();
  const ref = useRef<HTMLAudioElement>(null);
  const [isPlaying, setPlaying] = useState(false);
  const play = async (): Promise<void> => {
    const audio: SinkElement | null = ref.current;
    if (audio === null || isPlaying) return;
    setPlaying(true);
    const sound = makeTestSound(signal);
    audio.srcObject = sound.stream;
    try {
      if (media.speakerId.value !== null) await audio.setSinkId?.(media.speakerId.value);
    } catch {
      // that output is gone: the system's choice plays it
    }
    await audio.play().catch(() => undefined);
    await sound.ended;
    audio.srcObject = null;
    if (!signal.aborted) setPlaying(false);
  };
  return (
    <>
      <button type="button" class="button" aria-disabled={isPlaying} onClick={() => void play()}>
        <Icon path={roomIcons.speaker} size={20} />{isPlaying ? t('device.test-playing') : t('device.test-sound')}
      </button>
      <audio ref={ref} />
    </>
  );
}

interface ControlsProps {
  media: LocalMedia;
  idPrefix: string;
  onChoose: (source: PublishedSource, id: string) => void;
}

export function DeviceControls({ media, idPrefix, onChoose }: ControlsProps): JSX.Element {
  const { microphones, cameras, speakers } = media.devices.value;
  const microphone = media.microphone.track.value;
  const camera = media.camera.track.value;
  return (
    <div class="device-controls">
      <DeviceSelect id={`${idPrefix}-microphone`} label={t('device.microphone')} choices={microphones}
        chosen={microphone?.getSettings().deviceId ?? null} onChoose={(id) => onChoose('microphone', id)} />
      {microphone !== null && (
        <div class="level-line"><LevelBars track={microphone} /><span class="quiet">{t('device.level-hint')}</span></div>
      )}
      <DeviceFailureText media={media} source="microphone" />
      <DeviceSelect id={`${idPrefix}-camera`} label={t('device.camera')} choices={cameras}
        chosen={camera?.getSettings().deviceId ?? null} onChoose={(id) => onChoose('camera', id)} />
      <DeviceFailureText media={media} source="camera" />
      {canChooseSpeaker() && speakers.length > 0 && (
        <DeviceSelect id={`${idPrefix}-speaker`} label={t('device.speaker')} choices={speakers}
          chosen={media.speakerId.value} fallback={t('device.speaker-default')}
          onChoose={(id) => media.chooseSpeaker(id)} />
      )}
      <div><TestSoundButton media={media} /></div>
    </div>
  );
}
