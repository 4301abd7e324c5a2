import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t as common } from '../../i18n/common';
import { pickText } from '../../i18n/bilingual';
import { t } from '../../i18n/room';
import type { JoinInfo, Role } from '../../protocol/objects';
import type { PublishedSource } from '../../rtc/publisher';
import type { LocalMedia } from '../../store/local-media';
import { readPreference, writePreference } from '../../store/preferences';
import { areaName, cityName } from '../../store/taxonomy';
import { Frame } from '../frame';
import { EventState, EventTime } from '../parts/event-time';
import { usePageTitle } from '../parts/hooks';
import { AreaIcon, Icon, icons } from '../parts/icon';
import { BilingualTitle, Marked, OtherTitle, PageHeading } from '../parts/parts';
import { DoorPart } from './lazy-part';
import { StreamVideo } from './media-element';
import { roomIcons, sourceIcon } from './room-icons';

export interface JoinChoice {
  consent: 'yes' | 'no';
  name: string;
  affiliation: string;
  startWith: Record<PublishedSource, boolean>;
}

const NAME_MAX = 100;

/** Who leads or presents starts audible; everyone else is silent until they want to speak. */
function startsAudible(role: Role): boolean {
  return role === 'facilitator' || role === 'presenter';
}

function Preview({ media, startWith, onToggle }: {
  media: LocalMedia;
  startWith: Record<PublishedSource, boolean>;
  onToggle: (source: PublishedSource) => void;
}): JSX.Element {
  const camera = media.camera.track.value;
  const isPictureOn = camera !== null && startWith.camera;
  const stream = useRef<{ track: MediaStreamTrack; stream: MediaStream } | null>(null);
  if (camera !== null && stream.current?.track !== camera) {
    stream.current = { track: camera, stream: new MediaStream([camera]) };
  }
  return (
    <div class="preview">
      {isPictureOn && stream.current !== null
        ? <StreamVideo stream={stream.current.stream} isMirrored label={t('join.preview')} peer="me" />
        : <p class="preview-off"><Icon path={roomIcons.cameraOff} size={40} /><span>{t('join.camera-off')}</span></p>}
      <div class="preview-buttons">
        {(['microphone', 'camera'] as const).map((source) => {
          const isOn = startWith[source] && media[source].track.value !== null;
          return (
            <button key={source} type="button" class="round-button" aria-pressed={isOn}
              aria-disabled={media[source].isOpening.value} onClick={() => onToggle(source)}>
              <Icon path={sourceIcon(source, isOn)} />
              <span>{t(`device.${source}`)}</span>
            </button>
          );
        })}
      </div>
    </div>
  );
}

function DeviceSetup({ media, startWith, setStartWith, role }: {
  media: LocalMedia;
  startWith: Record<PublishedSource, boolean>;
  setStartWith: (next: Record<PublishedSource, boolean>) => void;
  role: Role;
}): JSX.Element {
  const [isSetUp, setSetUp] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  // "Try your devices" on the event's page leads here.
  useEffect(() => {
    if (new URLSearchParams(location.search).has('try')) heading.current?.focus();
  }, []);
  // The button that was pressed is gone: the focus goes to what came in its place.
  useEffect(() => {
    if (isSetUp) heading.current?.focus();
  }, [isSetUp]);
  /** One after the other: a refused camera must not take the microphone with it. */
  const setUp = async (): Promise<void> => {
    setBusy(true);
    const hasMicrophone = await media.open('microphone');
    const hasCamera = await media.open('camera');
    setStartWith({
      microphone: hasMicrophone && (readPreference('start-with-microphone') ?? (startsAudible(role) ? 'yes' : 'no')) === 'yes',
      camera: hasCamera && (readPreference('start-with-camera') ?? 'yes') === 'yes',
    });
    setBusy(false);
    setSetUp(true);
  };
  const toggle = async (source: PublishedSource): Promise<void> => {
    if (media[source].isOpening.value) return;
    const isOn = startWith[source] && media[source].track.value !== null;
    if (!isOn && !(await media.open(source))) return;
    setStartWith({ ...startWith, [source]: !isOn });
    writePreference(`start-with-${source}`, isOn ? 'no' : 'yes');
  };
  return (
    <section class="panel" aria-labelledby="devices-heading">
      <h2 id="devices-heading" ref={heading} tabIndex={-1}>{t('join.devices')}</h2>
      {!isSetUp
        ? (
          <>
            <p class="quiet">{t('join.set-up-what')}</p>
            <button type="button" class="button" disabled={isBusy} onClick={() => void setUp()}>
              <Icon path={roomIcons.camera} size={20} />{t('join.set-up')}
            </button>
          </>
        )
        : (
          <div class="device-setup">
            <div>
              <Preview media={media} startWith={startWith} onToggle={(source) => void toggle(source)} />
              <p class="quiet preview-hint">{t('join.on-entry')}</p>
            </div>
            <DoorPart name="DeviceControls" props={{ media, idPrefix: 'join', onChoose: (source, id) => void media.choose(source, id) }} />
          </div>
        )}
    </section>
  );
}

export function PreJoin({ info, token, media, onJoin }: {
  info: JoinInfo; token: string; media: LocalMedia; onJoin: (choice: JoinChoice) => void;
}): JSX.Element {
  const { event, role } = info;
  const [name, setName] = useState(readPreference('name') ?? info.name);
  const [affiliation, setAffiliation] = useState(readPreference('affiliation') ?? '');
  const [isNameMissing, setNameMissing] = useState(false);
  const [startWith, setStartWith] = useState<Record<PublishedSource, boolean>>({ microphone: false, camera: false });
  const [consent, setConsent] = useState<'yes' | 'no'>(readPreference('consent') === 'no' ? 'no' : 'yes');
  const nameInput = useRef<HTMLInputElement>(null);
  usePageTitle(pickText(event.title_en, event.title_ja)?.text ?? '');
  const state = info.session?.state ?? event.state;
  const canPublish = role !== 'observer';

  const join = (isListeningOnly: boolean): void => {
    const typed = name.trim();
    if (typed === '') {
      setNameMissing(true);
      nameInput.current?.focus();
      return;
    }
    writePreference('name', typed);
    writePreference('affiliation', affiliation.trim());
    writePreference('consent', consent);
    if (isListeningOnly) media.closeAll();
    onJoin({
      name: typed,
      affiliation: affiliation.trim(),
      consent,
      startWith: isListeningOnly ? { microphone: false, camera: false } : startWith,
    });
  };

  return (
    <Frame>
      <form class="pre-join" noValidate onSubmit={(submit) => { submit.preventDefault(); join(false); }}>
        <header class="pre-join-head">
          <p class="event-card-top"><EventState state={state} /><span>{t('join.as', { role: common(`role.${role}`) })}</span></p>
          <PageHeading><BilingualTitle en={event.title_en} ja={event.title_ja} /></PageHeading>
          <OtherTitle en={event.title_en} ja={event.title_ja} />
          <p class="event-card-time"><Icon path={icons.clock} size={20} /><EventTime event={event} /></p>
          <p class="card-meta">
            <span><Icon path={icons.place} size={18} /><Marked text={cityName(event.city)} /></span>
            <span><AreaIcon code={event.area} size={18} /><Marked text={areaName(event.area)} /></span>
          </p>
          <p>{state === 'live' ? t('join.is-live') : t('join.not-started')}</p>
          {event.recording_policy !== 'none' && (
            <p class="note"><Icon path={icons.info} size={20} /><span>{t('join.recorded')}</span></p>
          )}
          {event.may.edit && <p><a href={`/events/${event.id}/edit`}>{t('join.edit')}</a></p>}
        </header>
        <section class="panel" aria-labelledby="about-heading">
          <h2 id="about-heading">{t('join.about-you')}</h2>
          <div class="field">
            <label for="name">{t('join.name')}</label>
            <p id="name-hint" class="quiet">{t('join.name-hint')}</p>
            <input ref={nameInput} id="name" name="name" autocomplete="name" maxLength={NAME_MAX} required value={name}
              aria-describedby={isNameMissing ? 'name-error' : 'name-hint'} aria-invalid={isNameMissing}
              onInput={(input) => { setName(input.currentTarget.value); setNameMissing(false); }} />
            {isNameMissing && <p id="name-error" class="field-error" role="alert">{t('join.name-missing')}</p>}
          </div>
          <div class="field">
            <label for="affiliation">{t('join.affiliation')}</label>
            <input id="affiliation" name="organization" autocomplete="organization" maxLength={NAME_MAX}
              value={affiliation} onInput={(input) => setAffiliation(input.currentTarget.value)} />
          </div>
        </section>
        {event.recording_policy !== 'none' && (
          <fieldset class="panel consent">
            <legend>{t('join.consent')}</legend>
            <p id="consent-what" class="quiet">{t('join.consent-what')}</p>
            {(['yes', 'no'] as const).map((answer) => (
              <label key={answer} class="check">
                <input type="radio" name="consent" value={answer} checked={consent === answer} aria-describedby="consent-what"
                  onChange={() => setConsent(answer)} />
                <span>{t(`join.consent-${answer}`)}</span>
              </label>
            ))}
          </fieldset>
        )}
        {canPublish && <DeviceSetup media={media} startWith={startWith} setStartWith={setStartWith} role={role} />}
        <DoorPart name="JoinOptions" props={{ languages: event.languages, token }} />
        <div class="pre-join-actions">
          {canPublish && <button type="submit" class="button is-primary is-large">{t('join.join')}</button>}
          <div class="pre-join-listen">
            <button type={canPublish ? 'button' : 'submit'} class={canPublish ? 'button is-large' : 'button is-primary is-large'}
              aria-describedby="listen-what"
              onClick={canPublish ? () => join(true) : undefined}>{t('join.listen')}</button>
            <p id="listen-what" class="quiet">{t('join.listen-what')}</p>
          </div>
        </div>
      </form>
    </Frame>
  );
}
