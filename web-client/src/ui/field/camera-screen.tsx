/** A phone as the camera of a site visit: /camera#TOKEN. Sends by WHIP, and records on the phone beside it. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { formatBytes, formatDuration, formatTime, viewerTimeZone } from '../../i18n/format';
import { t } from '../../i18n/field';
import { feedApi, type CrewFeed } from '../../protocol/feeds';
import { DeviceError, failureOf, type DeviceFailure } from '../../rtc/devices';
import { meterLevel } from '../../rtc/level-meter';
import { recordLocally } from '../../rtc/local-recorder';
import { WhipSender, type SenderState } from '../../rtc/whip-sender';
import { FEED_TOKEN } from '../../store/account';
import { deleteFilm, keptFilms, readFilm, type KeptFilm } from '../../store/kept-films';
import { readTabValue } from '../../store/preferences';
import { Frame } from '../frame';
import { usePageTitle, useResource } from '../parts/hooks';
import { Icon, icons } from '../parts/icon';
import { ConfirmDialog, Failed, Loading, PageHeading, StateBox } from '../parts/parts';
import { useWakeLock } from '../room/use-wake-lock';

type Facing = 'environment' | 'user';
/** Not in TypeScript's DOM yet: the lamp beside a phone's back camera. */
type TorchCapabilities = MediaTrackCapabilities & { torch?: boolean };

async function openCamera(facing: Facing, withSound: boolean): Promise<MediaStream> {
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices?.getUserMedia === undefined) throw new DeviceError('insecure');
  try {
    return await devices.getUserMedia({
      video: { facingMode: { ideal: facing }, width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } },
      audio: withSound,
    });
  } catch (error) {
    throw new DeviceError(failureOf(error));
  }
}

interface Running {
  stop: AbortController;
  sender: WhipSender;
  stream: MediaStream;
  facing: Facing;
}

function LevelMeter({ track }: { track: MediaStreamTrack }): JSX.Element {
  const ref = useRef<HTMLMeterElement>(null);
  useEffect(() => {
    const stop = new AbortController();
    meterLevel(track, (level) => { if (ref.current !== null) ref.current.value = level; }, stop.signal);
    return () => stop.abort();
  }, [track]);
  return <meter ref={ref} class="camera-level" min={0} max={1} aria-label={t('camera.level')} />;
}

function KeptFilms({ turn }: { turn: number }): JSX.Element | null {
  const [films, setFilms] = useState<readonly KeptFilm[]>([]);
  const [asking, setAsking] = useState<KeptFilm | null>(null);
  useEffect(() => void keptFilms().then(setFilms), [turn]);
  if (films.length === 0) return null;
  const timeOf = (film: KeptFilm): string => formatTime(new Date(film.startedAt), viewerTimeZone());
  const save = async (film: KeptFilm): Promise<void> => {
    const url = URL.createObjectURL(await readFilm(film));
    const link = document.createElement('a');
    link.href = url;
    link.download = `manabi-${new Date(film.startedAt).toISOString().replace(/[:.]/g, '-')}.${film.type.includes('mp4') ? 'mp4' : 'webm'}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };
  const remove = async (film: KeptFilm): Promise<void> => {
    await deleteFilm(film).catch(() => undefined);
    setFilms(await keptFilms());
  };
  return (
    <section class="panel" aria-labelledby="camera-kept">
      <h2 id="camera-kept">{t('camera.kept')}</h2>
      <p class="quiet">{t('camera.kept-what')}</p>
      <ul class="camera-kept">
        {films.map((film) => (
          <li key={film.id}>
            <span>{timeOf(film)} · {formatDuration(film.ms / 1000)} · {formatBytes(film.bytes)}</span>
            <span class="row-actions">
              <button type="button" class="button" aria-label={t('camera.save-label', { time: timeOf(film) })} onClick={() => void save(film)}>{t('camera.save')}</button>
              <button type="button" class="button" aria-label={t('camera.delete-label', { time: timeOf(film) })} onClick={() => setAsking(film)}>{t('camera.delete')}</button>
            </span>
          </li>
        ))}
      </ul>
      {asking !== null && (
        <ConfirmDialog title={t('camera.delete-title')} text={t('camera.delete-what')} action={t('camera.delete')} isDanger
          onClose={() => setAsking(null)} onConfirm={() => void remove(asking)} />
      )}
    </section>
  );
}

function Lamp({ track }: { track: MediaStreamTrack }): JSX.Element | null {
  const [isOn, setOn] = useState(false);
  // Firefox has no getCapabilities on some systems.
  const capabilities = (track.getCapabilities as (() => TorchCapabilities) | undefined)?.call(track);
  if (capabilities?.torch !== true) return null;
  const turn = async (): Promise<void> => {
    try {
      await track.applyConstraints({ advanced: [{ torch: !isOn } as MediaTrackConstraintSet] });
      setOn(!isOn);
    } catch {
      // the lamp is too hot, or the battery too low: it stays as it is
    }
  };
  return <button type="button" class="button" aria-pressed={isOn} onClick={() => void turn()}>{t('camera.torch')}</button>;
}

function useCamera(feed: CrewFeed, token: string) {
  const [running, setRunning] = useState<Running | null>(null);
  const [state, setState] = useState<SenderState>('connecting');
  const [film, setFilm] = useState<KeptFilm | null>(null);
  const [canRecord, setCanRecord] = useState(true);
  const [failure, setFailure] = useState<DeviceFailure | null>(null);
  const current = useRef<Running | null>(null);
  current.current = running;
  const end = (): void => {
    const now = current.current;
    if (now === null) return;
    now.stop.abort();
    for (const track of now.stream.getTracks()) track.stop();
    current.current = null;
    setRunning(null);
  };
  useEffect(() => end, []);
  const start = async (): Promise<void> => {
    setFailure(null);
    try {
      const stream = await openCamera('environment', true);
      const stop = new AbortController();
      setFilm(null);
      setCanRecord(recordLocally(stream.getTracks(), setFilm, () => setCanRecord(false), stop.signal) !== null);
      const path = `/whip/${encodeURIComponent(feed.event.session ?? '')}`;
      const sender = new WhipSender(path, token, stream.getTracks(), setState, stop.signal);
      setRunning({ stop, sender, stream, facing: 'environment' });
    } catch (error) {
      setFailure(error instanceof DeviceError ? error.failure : 'unknown');
    }
  };
  const turn = async (): Promise<void> => {
    if (running === null) return;
    const facing = running.facing === 'environment' ? 'user' : 'environment';
    const old = running.stream.getVideoTracks()[0];
    try {
      const track = (await openCamera(facing, false)).getVideoTracks()[0];
      if (track === undefined) return;
      running.sender.replace(track);
      const stream = new MediaStream([track, ...running.stream.getAudioTracks()]);
      old?.stop();
      setRunning({ ...running, stream, facing });
    } catch {
      // there is only one
    }
  };
  return { running, state, film, canRecord, failure, start, end, turn };
}

function Camera({ feed, token }: { feed: CrewFeed; token: string }): JSX.Element {
  const { running, state, film, canRecord, failure, start, end, turn } = useCamera(feed, token);
  const [isAsking, setAsking] = useState(false);
  const [isMuted, setMuted] = useState(false);
  const video = useRef<HTMLVideoElement>(null);
  useWakeLock(running !== null);
  useEffect(() => { if (video.current !== null) video.current.srcObject = running?.stream ?? null; }, [running?.stream]);
  const microphone = running?.stream.getAudioTracks()[0];
  const camera = running?.stream.getVideoTracks()[0];
  const shown = running === null ? 'idle' : state;
  const isLive = shown === 'live' || shown === 'weak';
  const mute = (): void => {
    if (microphone === undefined) return;
    microphone.enabled = isMuted;
    setMuted(!isMuted);
  };
  return (
    <>
      <PageHeading>{t('camera.title', { name: feed.name })}</PageHeading>
      <div class="camera-view">
        <p class={`camera-state ${isLive ? 'is-live' : shown === 'lost' ? 'is-lost' : ''}`} role="status" data-state={shown}>{t(`camera.state.${shown}`)}</p>
        {running === null && <p>{t('camera.what')}</p>}
        {failure !== null && <p class="field-error" role="alert"><Icon path={icons.warning} size={20} /> {t(`camera.failed.${failure}`)}</p>}
        {running !== null && <video ref={video} class="camera-picture" autoplay muted playsInline />}
        {microphone !== undefined && <LevelMeter track={microphone} />}
        <div class="camera-buttons">
          {running === null
            ? <button type="button" class="button is-primary is-large" onClick={() => void start()}>{t('camera.start')}</button>
            : (
              <>
                <button type="button" class="button" aria-pressed={!isMuted} onClick={mute}>{t('camera.mute')}</button>
                <button type="button" class="button" onClick={() => void turn()}>{t('camera.turn')}</button>
                {camera !== undefined && <Lamp key={camera.id} track={camera} />}
                <button type="button" class="button is-danger" onClick={() => setAsking(true)}>{t('camera.stop')}</button>
              </>
            )}
        </div>
        {running !== null && !canRecord && <p class="quiet">{t('camera.no-recorder')}</p>}
        {film !== null && <p class="quiet" data-kept={film.bytes}>{t('camera.recorded', { size: formatBytes(film.bytes), duration: formatDuration(film.ms / 1000) })}</p>}
      </div>
      {running === null && <KeptFilms turn={film?.bytes ?? 0} />}
      {isAsking && (
        <ConfirmDialog title={t('camera.stop')} text={t('camera.stop-what')} action={t('camera.stop')} isDanger
          onClose={() => setAsking(false)} onConfirm={end} />
      )}
    </>
  );
}

export function CameraScreen(): JSX.Element {
  const token = readTabValue(FEED_TOKEN) ?? '';
  const { resource, reload } = useResource('camera', (signal) => feedApi.mine(signal, token));
  usePageTitle(resource.state === 'ready' ? t('camera.title', { name: resource.value.name }) : t('feeds.title'));
  return (
    <Frame>
      {resource.state === 'loading' && <Loading />}
      {resource.state === 'failed' && (resource.error.status === 401
        ? <StateBox isPage icon={icons.warning} title={t('crew.bad-link')} text={t('crew.bad-link-what')} />
        : <Failed isPage error={resource.error} onRetry={reload} />)}
      {resource.state === 'ready' && <Camera feed={resource.value} token={token} />}
    </Frame>
  );
}
