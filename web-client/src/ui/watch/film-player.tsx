import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t as common } from '../../i18n/common';
import { t } from '../../i18n/watch';
import { Player } from '../../player/player';
import { commandOfKey, type PlayerCommand } from '../../player/player-keys';
import type { Chapter, Recording } from '../../protocol/objects';
import { Icon, icons } from '../parts/icon';
import { isShortcut } from '../parts/ime';
import { Dialog } from '../parts/parts';
import { PlayerControls } from './player-controls';

const KEYS = ['play', 'seek', 'volume', 'mute', 'captions', 'full', 'speed', 'chapter', 'help'] as const;

/** To the chapter before or after; a chapter that has just begun counts as the one before. */
function toChapter(player: Player, chapters: readonly Chapter[], step: -1 | 1): void {
  const at = player.position.value * 1000;
  const target = step > 0 ? chapters.find((one) => one.at_ms > at + 100) : chapters.filter((one) => one.at_ms < at - 3000).at(-1);
  if (target !== undefined) player.seek(target.at_ms / 1000);
  else if (step < 0) player.seek(0);
}

function run(player: Player, command: PlayerCommand, chapters: readonly Chapter[], fullScreen: () => void, help: () => void): void {
  switch (command) {
    case 'play': return player.togglePlay();
    case 'back': return player.skip(-1);
    case 'forward': return player.skip(1);
    case 'louder': return player.stepVolume(1);
    case 'quieter': return player.stepVolume(-1);
    case 'mute': return player.toggleMute();
    case 'captions': return player.toggleCaptions();
    case 'slower': return player.stepSpeed(-1);
    case 'faster': return player.stepSpeed(1);
    case 'full-screen': return fullScreen();
    case 'chapter-before': return toChapter(player, chapters, -1);
    case 'chapter-after': return toChapter(player, chapters, 1);
    case 'help': return help();
  }
}

/** Space on a button presses it, arrows on a slider move it: such keys stay theirs. */
function belongsToControl(key: string, target: HTMLElement | null): boolean {
  if (target === null) return false;
  if (key === ' ') return target.closest('button, a, summary, select') !== null;
  if (key.startsWith('Arrow')) {
    return target.closest('input, select, [role="slider"]') !== null;
  }
  return false;
}

function KeysDialog({ onClose }: { onClose: () => void }): JSX.Element {
  return (
    <Dialog title={t('watch.keys')} onClose={onClose}>
      <ul class="keys">{KEYS.map((key) => <li key={key}>{t(`watch.keys-${key}`)}</li>)}</ul>
      <div class="dialog-actions">
        <button type="button" class="button is-primary" onClick={onClose}>{common('app.close')}</button>
      </div>
    </Dialog>
  );
}

interface FilmPlayerProps {
  recording: Recording;
  playlist: string;
  token: string | null;
  startAt: number;
  title: string;
  onPlayer: (player: Player | null) => void;
}

export function FilmPlayer({ recording, playlist, token, startAt, title, onPlayer }: FilmPlayerProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const [player, setPlayer] = useState<Player | null>(null);
  const [isHelpOpen, setHelpOpen] = useState(false);
  const audioUrl = recording.downloads.find((download) => download.kind === 'audio')?.url ?? null;

  const fullScreen = (): void => {
    if (document.fullscreenElement !== null) void document.exitFullscreen();
    else if (box.current?.requestFullscreen !== undefined) void box.current.requestFullscreen().catch(() => undefined);
    else (video.current as (HTMLVideoElement & { webkitEnterFullscreen?: () => void }) | null)?.webkitEnterFullscreen?.();
  };

  const inPicture = document.pictureInPictureEnabled === true ? (): void => {
    if (document.pictureInPictureElement !== null) void document.exitPictureInPicture();
    else void video.current?.requestPictureInPicture().catch(() => undefined);
  } : null;

  useEffect(() => {
    if (video.current === null) return;
    const made = new Player(video.current, { playlist, audioUrl, token, startAt });
    setPlayer(made);
    onPlayer(made);
    return () => {
      made.close();
      onPlayer(null);
    };
  }, [playlist]);

  useEffect(() => {
    if (player === null) return;
    const stop = new AbortController();
    addEventListener('keydown', (event) => {
      const target = event.target instanceof HTMLElement ? event.target : null;
      if (document.querySelector('dialog[open]') !== null) return;
      if (!isShortcut(event, target) || belongsToControl(event.key, target)) return;
      const command = commandOfKey(event.key);
      if (command === null) return;
      event.preventDefault();
      run(player, command, recording.chapters, fullScreen, () => setHelpOpen(true));
    }, { signal: stop.signal });
    return () => stop.abort();
  }, [player]);

  const isAudio = player?.quality.value === 'audio';
  const secondsLeft = player === null ? 0 : Math.max(0, Math.round(player.bufferedTo.value - player.position.value));
  return (
    <section ref={box} class="player" aria-label={t('watch.player')} data-quality={player?.quality.value}
      data-network={player?.isNetworkLost.value === true ? 'lost' : 'ok'}>
      <div class="player-picture">
        <video ref={video} class={isAudio ? 'is-hidden' : undefined} playsInline preload="metadata" aria-label={title}
          poster={recording.poster ?? undefined} onClick={() => player?.togglePlay()} />
        {isAudio && (
          <div class="player-audio">
            {recording.poster !== null && <img src={recording.poster} alt="" />}
            <p><Icon path={icons.audio} />{t('watch.audio-mode')}</p>
          </div>
        )}
        {player !== null && !player.isPlaying.value && !player.hasFailed.value && (
          <span class="player-big"><Icon path={icons.play} size={44} fill /></span>
        )}
        {player?.isPlaying.value === true && player.isWaiting.value && !player.isNetworkLost.value && (
          <span class="player-waiting"><span class="spinner" role="img" aria-label={t('watch.loading')} /></span>
        )}
      </div>
      {player?.isNetworkLost.value === true && !player.hasFailed.value && (
        <p class="player-note" role="alert"><Icon path={icons.offline} size={20} />{t('watch.network-lost', { s: secondsLeft })}</p>
      )}
      {player?.hasFailed.value === true && (
        <div class="player-note is-error" role="alert">
          <Icon path={icons.warning} size={20} />
          <p><strong>{t('watch.failed')}</strong> {t('watch.failed-what')}</p>
          <button type="button" class="button" onClick={() => player.retry()}>{common('app.retry')}</button>
        </div>
      )}
      {player !== null && (
        <PlayerControls player={player} hasAudio={audioUrl !== null} chapters={recording.chapters}
          thumbnailsUrl={token === null ? recording.thumbnails : null} onPicture={inPicture} onFullScreen={fullScreen}
          onHelp={() => setHelpOpen(true)} />
      )}
      {isHelpOpen && <KeysDialog onClose={() => setHelpOpen(false)} />}
    </section>
  );
}
