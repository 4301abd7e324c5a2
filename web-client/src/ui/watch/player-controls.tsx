import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { pickText } from '../../i18n/bilingual';
import { formatClock, languageName, megabytesPerHour } from '../../i18n/format';
import { t } from '../../i18n/watch';
import type { Player, QualityChoice } from '../../player/player';
import type { Chapter } from '../../protocol/objects';
import { SPEEDS } from '../../player/player-keys';
import { parseThumbnails, thumbnailAt, type Thumbnail } from '../../player/thumbnails';
import type { Quality } from '../../player/source';
import { Icon, icons } from '../parts/icon';
import { Marked } from '../parts/parts';
import { watchIcons } from './watch-icons';

/** Where on the bar the pointer is: its time, the chapter, and what the film looks like there. */
function Preview({ at, length, chapters, thumbnails }: {
  at: number; length: number; chapters: readonly Chapter[]; thumbnails: readonly Thumbnail[];
}): JSX.Element {
  const picture = thumbnailAt(thumbnails, at * 1000);
  const chapter = chapters.filter((one) => one.at_ms <= at * 1000).at(-1);
  const title = chapter === undefined ? null : pickText(chapter.title_en, chapter.title_ja);
  return (
    <div class="seek-preview" aria-hidden="true" style={{ '--at': `${Math.min(1, at / length)}` }}>
      {picture !== null && (
        <span class="seek-picture" style={{
          width: `${picture.width}px`, height: `${picture.height}px`,
          backgroundImage: `url("${picture.url}")`, backgroundPosition: `-${picture.x}px -${picture.y}px`,
        }} />
      )}
      {title !== null && <span class="seek-title"><Marked text={title} /></span>}
      <span>{formatClock(at)}</span>
    </div>
  );
}

/** The thumb is 20 px wide: at either end of the bar its middle is 10 px inside. */
function timeAt(input: HTMLInputElement, clientX: number, length: number): number {
  const box = input.getBoundingClientRect();
  const share = (clientX - box.left - 10) / Math.max(1, box.width - 20);
  return Math.min(1, Math.max(0, share)) * length;
}

function useThumbnails(url: string | null): readonly Thumbnail[] {
  const [list, setList] = useState<readonly Thumbnail[]>([]);
  useEffect(() => {
    setList([]);
    if (url === null) return;
    const stop = new AbortController();
    // Small pictures are a comfort: without them the bar works as it did.
    void fetch(url, { signal: stop.signal })
      .then(async (answer) => { if (answer.ok) setList(parseThumbnails(await answer.text(), url)); })
      .catch(() => undefined);
    return () => stop.abort();
  }, [url]);
  return list;
}

function SeekBar({ player, chapters, thumbnailsUrl }: {
  player: Player; chapters: readonly Chapter[]; thumbnailsUrl: string | null;
}): JSX.Element {
  const [pointed, setPointed] = useState<number | null>(null);
  const thumbnails = useThumbnails(thumbnailsUrl);
  const length = player.duration.value;
  const at = Math.min(player.position.value, length || player.position.value);
  const share = (value: number): string => (length > 0 ? `${Math.min(100, (value / length) * 100)}%` : '0%');
  return (
    <div class="seek" style={{ '--played': share(at), '--buffered': share(player.bufferedTo.value) }}>
      <input type="range" min={0} max={Math.max(1, Math.floor(length))} step={1} value={Math.floor(at)}
        disabled={length === 0} aria-label={t('watch.position')}
        aria-valuetext={t('watch.position-text', { at: formatClock(at), length: formatClock(length) })}
        onInput={(event) => player.seek(Number(event.currentTarget.value))}
        onPointerMove={(event) => setPointed(timeAt(event.currentTarget, event.clientX, length))}
        onPointerLeave={() => setPointed(null)} onPointerCancel={() => setPointed(null)} />
      {pointed !== null && length > 0 && <Preview at={pointed} length={length} chapters={chapters} thumbnails={thumbnails} />}
      {length > 0 && chapters.map((chapter) => (
        <span key={chapter.at_ms} class="seek-chapter" aria-hidden="true" style={{ '--chapter': `${Math.min(1, chapter.at_ms / 1000 / length)}` }} />
      ))}
      <span class="seek-time" aria-hidden="true">{formatClock(at)} / {formatClock(length)}</span>
    </div>
  );
}

function nameOf(quality: Quality): string {
  return `${quality.height}p`;
}

function QualityMenu({ player, hasAudio }: { player: Player; hasAudio: boolean }): JSX.Element | null {
  const qualities = player.qualities.value;
  if (qualities.length === 0 && !hasAudio) return null;
  const now = qualities.find((quality) => quality.level === player.qualityNow.value);
  const choose = (value: string): void => {
    const choice: QualityChoice = value === 'auto' || value === 'audio' ? value : Number(value);
    void player.setQuality(choice);
  };
  return (
    <label class="player-menu">
      <span>{t('watch.quality')}</span>
      <select value={String(player.quality.value)} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="auto">
          {now !== undefined ? t('watch.quality-auto-now', { now: nameOf(now) }) : t('watch.quality-auto')}
        </option>
        {qualities.map((quality) => (
          <option key={quality.level} value={quality.level}>
            {t('watch.per-hour', { name: nameOf(quality), n: megabytesPerHour(quality.bitrateBps) })}
          </option>
        ))}
        {hasAudio && <option value="audio">{t('watch.quality-audio')}</option>}
      </select>
    </label>
  );
}

function CaptionsMenu({ player }: { player: Player }): JSX.Element | null {
  const tracks = player.captions.value;
  if (tracks.length === 0) return null;
  return (
    <label class="player-menu">
      <span>{t('watch.captions')}</span>
      <select value={player.caption.value} onChange={(event) => player.setCaption(Number(event.currentTarget.value))}>
        <option value={-1}>{t('watch.captions-off')}</option>
        {tracks.map((track) => (
          <option key={track.index} value={track.index} lang={track.language}>
            {track.language !== '' ? languageName(track.language) : track.label}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The language that is heard. */
function SoundMenu({ player }: { player: Player }): JSX.Element | null {
  const sounds = player.sounds.value;
  if (sounds.length < 2 || player.quality.value === 'audio') return null;
  return (
    <label class="player-menu">
      <span>{t('watch.sound')}</span>
      <select value={player.sound.value} onChange={(event) => player.setSound(Number(event.currentTarget.value))}>
        {sounds.map((sound) => (
          <option key={sound.index} value={sound.index} lang={sound.language || undefined}>
            {sound.language !== '' ? languageName(sound.language) : t('watch.sound-original')}
          </option>
        ))}
      </select>
    </label>
  );
}

interface ControlsProps {
  player: Player;
  hasAudio: boolean;
  chapters: readonly Chapter[];
  thumbnailsUrl: string | null;
  onPicture: (() => void) | null;
  onFullScreen: () => void;
  onHelp: () => void;
}

export function PlayerControls({ player, hasAudio, chapters, thumbnailsUrl, onPicture, onFullScreen, onHelp }: ControlsProps): JSX.Element {
  const isPlaying = player.isPlaying.value;
  return (
    <div class="player-controls">
      <SeekBar player={player} chapters={chapters} thumbnailsUrl={thumbnailsUrl} />
      <div class="player-buttons">
        <button type="button" class="player-button is-play" aria-label={t(isPlaying ? 'watch.pause' : 'watch.play')}
          onClick={() => player.togglePlay()}>
          <Icon path={isPlaying ? watchIcons.pause : icons.play} size={28} fill={!isPlaying} />
        </button>
        <button type="button" class="player-button" aria-label={t('watch.back')} onClick={() => player.skip(-1)}>
          <Icon path={watchIcons.back} />
        </button>
        <button type="button" class="player-button" aria-label={t('watch.forward')} onClick={() => player.skip(1)}>
          <Icon path={watchIcons.forward} />
        </button>
        <button type="button" class="player-button" aria-label={t('watch.mute')} aria-pressed={player.isMuted.value}
          onClick={() => player.toggleMute()}>
          <Icon path={player.isMuted.value ? watchIcons.muted : watchIcons.volume} />
        </button>
        <input class="volume" type="range" min={0} max={100} step={5} aria-label={t('watch.volume')}
          value={player.isMuted.value ? 0 : Math.round(player.volume.value * 100)}
          onInput={(event) => player.setVolume(Number(event.currentTarget.value) / 100)} />
        <span class="player-menus">
          <SoundMenu player={player} />
          <CaptionsMenu player={player} />
          <label class="player-menu">
            <span>{t('watch.speed')}</span>
            <select value={player.speed.value} onChange={(event) => player.setSpeed(Number(event.currentTarget.value))}>
              {SPEEDS.map((speed) => <option key={speed} value={speed}>{speed}×</option>)}
            </select>
          </label>
          <QualityMenu player={player} hasAudio={hasAudio} />
        </span>
        <button type="button" class="player-button" aria-label={t('watch.keys')} aria-haspopup="dialog" onClick={onHelp}>
          <Icon path={watchIcons.help} />
        </button>
        {onPicture !== null && (
          <button type="button" class="player-button" aria-label={t('watch.picture')} onClick={onPicture}>
            <Icon path={watchIcons.picture} />
          </button>
        )}
        <button type="button" class="player-button" aria-label={t('watch.full-screen')} onClick={onFullScreen}>
          <Icon path={watchIcons.fullScreen} />
        </button>
      </div>
    </div>
  );
}
