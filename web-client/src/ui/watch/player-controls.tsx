import type { JSX } from 'preact';
import { formatClock, languageName, megabytesPerHour } from '../../i18n/format';
import { t } from '../../i18n/watch';
import type { Player, QualityChoice } from '../../player/player';
import type { Chapter } from '../../protocol/objects';
import { SPEEDS } from '../../player/player-keys';
import type { Quality } from '../../player/source';
import { Icon, icons } from '../parts/icon';
import { watchIcons } from './watch-icons';

function SeekBar({ player, chapters }: { player: Player; chapters: readonly Chapter[] }): JSX.Element {
  const length = player.duration.value;
  const at = Math.min(player.position.value, length || player.position.value);
  const share = (value: number): string => (length > 0 ? `${Math.min(100, (value / length) * 100)}%` : '0%');
  return (
    <div class="seek" style={{ '--played': share(at), '--buffered': share(player.bufferedTo.value) }}>
      <input type="range" min={0} max={Math.max(1, Math.floor(length))} step={1} value={Math.floor(at)}
        disabled={length === 0} aria-label={t('watch.position')}
        aria-valuetext={t('watch.position-text', { at: formatClock(at), length: formatClock(length) })}
        onInput={(event) => player.seek(Number(event.currentTarget.value))} />
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
  onPicture: (() => void) | null;
  onFullScreen: () => void;
  onHelp: () => void;
}

export function PlayerControls({ player, hasAudio, chapters, onPicture, onFullScreen, onHelp }: ControlsProps): JSX.Element {
  const isPlaying = player.isPlaying.value;
  return (
    <div class="player-controls">
      <SeekBar player={player} chapters={chapters} />
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
