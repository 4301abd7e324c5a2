import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t as common } from '../../i18n/common';
import { t } from '../../i18n/captions';
import { pickText } from '../../i18n/bilingual';
import { languageName } from '../../i18n/format';
import { t as review } from '../../i18n/review';
import type { Player } from '../../player/player';
import { api } from '../../protocol/api';
import type { CaptionTrack, CaptionTrackFacts } from '../../protocol/captions';
import type { Recording, Timeline } from '../../protocol/objects';
import { heldLink, user } from '../../store/account';
import { announce } from '../../store/announcer';
import { cueAt, isSavable } from '../../store/cue-list';
import { toCaptured, toFilm } from '../../store/edit-list';
import { navigate, query, type Route } from '../../store/location';
import { Frame } from '../frame';
import { useAction, usePageTitle, useResource } from '../parts/hooks';
import { Icon, icons } from '../parts/icon';
import { ActionError, ConfirmDialog, Failed, Loading, OtherTitle, PageHeading, StateBox } from '../parts/parts';
import { SelectField } from '../staff/fields';
import { FilmPlayer } from '../watch/film-player';
import { CaptionFile } from './caption-file';
import { CueEditor, type Film } from './cue-editor';
import { forgetCueDraft, useCues } from './use-cues';

const LANGUAGES = ['ja', 'en', 'fr', 'es', 'pt', 'id', 'vi', 'th', 'zh', 'ko', 'ru', 'ar'] as const;

interface Loaded {
  recording: Recording;
  line: Timeline;
  tracks: CaptionTrackFacts[];
}

/** The player in the time of what was captured; what is listened to ends by itself. */
function useFilm(player: Player | null, line: Timeline): Film {
  const [until, setUntil] = useState<number | null>(null);
  const position = player?.position.value ?? 0;
  const at = (): number => toCaptured(line.made_ms, (player?.position.value ?? 0) * 1000);
  useEffect(() => {
    if (until === null || player === null || at() < until) return;
    setUntil(null);
    if (player.isPlaying.value) player.togglePlay();
  }, [position]);
  const seek = (ms: number): void => player?.seek(toFilm(line.made_ms, ms) / 1000);
  return {
    at, seek, length: line.source_ms,
    togglePlay: () => { setUntil(null); player?.togglePlay(); },
    listen: (from, to) => {
      seek(from);
      setUntil(to);
      if (player?.isPlaying.value === false) player.togglePlay();
    },
  };
}

function Track({ id, track, film, token, reload }: {
  id: string; track: CaptionTrack; film: Film; token: string | null; reload: () => void;
}): JSX.Element {
  const edited = useCues(id, track, token, reload);
  const [asked, setAsked] = useState<'remove' | 'discard' | null>(null);
  const removal = useAction();
  const playing = cueAt(edited.cues, film.at());
  const isRight = isSavable(edited.cues);
  const remove = async (): Promise<void> => {
    if (!await removal.run((signal) => api.removeCaptions(signal, id, track.language, token))) return;
    forgetCueDraft(id, track.language);
    announce(t('captions.removed'));
    reload();
  };
  return (
    <section class="panel" aria-labelledby="cues-heading">
      <h2 id="cues-heading">{languageName(track.language)}: {t.count('captions.count', edited.cues.length)}</h2>
      <p class="cue-now" lang={track.language} aria-hidden="true">{edited.cues[playing]?.text ?? ''}</p>
      <CueEditor cues={edited.cues} language={track.language} film={film} playing={playing} onChange={edited.change}
        onSave={() => void edited.save()} />
      {edited.isRestored && <p class="note" role="status"><Icon path={icons.info} size={20} />{t('captions.restored')}</p>}
      {edited.isUnsaved && <p class="note"><Icon path={icons.info} size={20} />{t('captions.unsaved')}</p>}
      {edited.isConflict && (
        <div class="note is-error" role="alert"><p>{t('captions.conflict')}</p>
          <button type="button" class="button" onClick={() => void edited.save(true)}>{t('captions.take-mine')}</button></div>
      )}
      {!isRight && <p class="field-error" role="alert">{t('captions.cannot-save')}</p>}
      <div class="row-actions">
        <button type="button" class="button is-primary" aria-disabled={edited.action.isBusy || !isRight} onClick={() => void edited.save()}>{t('captions.save')}</button>
        {edited.isUnsaved && <button type="button" class="button" onClick={() => setAsked('discard')}>{t('captions.discard')}</button>}
        {track.cues.length > 0 && (
          <>
            <a class="button" href={`/api/v1/recordings/${id}/captions.vtt?lang=${track.language}`} download={`${id}-${track.language}.vtt`}>{t('captions.download')}</a>
            <button type="button" class="button is-danger" onClick={() => setAsked('remove')}>{t('captions.remove')}</button>
          </>
        )}
      </div>
      <ActionError error={edited.action.error ?? removal.error} />
      <CaptionFile id={id} language={track.language} token={token} count={edited.cues.length} onTaken={reload} />
      {asked === 'discard' && (
        <ConfirmDialog title={t('captions.discard-title')} text={t('captions.discard-what')} action={t('captions.discard')} isDanger
          onClose={() => setAsked(null)} onConfirm={edited.discard} />
      )}
      {asked === 'remove' && (
        <ConfirmDialog title={t('captions.remove-title')} text={t('captions.remove-what')} action={t('captions.remove')} isDanger
          onClose={() => setAsked(null)} onConfirm={() => void remove()} />
      )}
    </section>
  );
}

function Captions({ loaded, token, onChanged }: { loaded: Loaded; token: string | null; onChanged: () => void }): JSX.Element {
  const { recording, line, tracks } = loaded;
  const [player, setPlayer] = useState<Player | null>(null);
  const asked = new URLSearchParams(query.value).get('language');
  const language = asked ?? tracks[0]?.language ?? recording.languages[0] ?? 'ja';
  const film = useFilm(player, line);
  const title = pickText(recording.title_en, recording.title_ja);
  // After a file or a removal the same language is shown anew, also where its text is the same.
  const turns = useRef(0);
  const { resource, reload } = useResource(`captions ${recording.id} ${language}`, async (signal) => {
    const track = await api.captionTrack(signal, recording.id, language, token);
    turns.current += 1;
    return { track, turn: turns.current };
  });
  usePageTitle(`${t('captions.title')}: ${title?.text ?? ''}`);
  const offered = [...new Set<string>([language, ...tracks.map((track) => track.language), ...recording.languages, ...LANGUAGES])];
  const countOf = (tag: string): string => {
    const count = tracks.find((track) => track.language === tag)?.cues ?? 0;
    return count === 0 ? languageName(tag) : `${languageName(tag)} (${t.count('captions.count', count)})`;
  };
  return (
    <article class="review">
      <div class="review-head">
        <div>
          <PageHeading>{t('captions.title')}: <span lang={title?.lang}>{title?.text}</span></PageHeading>
          <OtherTitle en={recording.title_en} ja={recording.title_ja} />
        </div>
        <a class="button" href={`/review/${recording.id}`}>{t('captions.back')}</a>
      </div>
      <SelectField id="caption-language" label={t('captions.language')} value={language}
        onChoose={(chosen) => navigate(`/review/${recording.id}/captions?language=${chosen}`, { replace: true, keepScroll: true })}
        options={offered.map((value) => ({ value, label: countOf(value) }))} />
      {line.made_ms.length > 0 && <p class="note"><Icon path={icons.info} size={20} />{t('captions.time-what')}</p>}
      <div class="cue-columns">
        {recording.playlist !== null
          ? <div class="watch-player"><FilmPlayer recording={recording} playlist={recording.playlist} token={token} startAt={0} title={title?.text ?? ''} onPlayer={setPlayer} /></div>
          : <StateBox icon={icons.clock} title={review('review.none')} />}
        {resource.state === 'loading' && <Loading />}
        {resource.state === 'failed' && <Failed error={resource.error} onRetry={reload} />}
        {resource.state === 'ready' && resource.value.track.language === language && (
          <Track key={`${language} ${resource.value.turn}`} id={recording.id} track={resource.value.track} film={film} token={token}
            reload={() => { reload(); onChanged(); }} />
        )}
      </div>
    </article>
  );
}

export function CaptionsScreen({ route }: { route: Route }): JSX.Element {
  const id = route.screen === 'captions' ? route.recording : '';
  const token = user.value === null ? heldLink()?.token ?? null : null;
  const { resource, reload } = useResource(
    `captions of ${id} ${user.value === undefined} ${token}`,
    async (signal): Promise<Loaded> => {
      const [recording, line, { items }] = await Promise.all([
        api.recording(signal, id, token), api.timeline(signal, id, token), api.captionTracks(signal, id, token)]);
      return { recording, line, tracks: items };
    });
  const isRefused = resource.state === 'failed' && [401, 403, 404].includes(resource.error.status);
  return (
    <Frame isWide>
      {(resource.state === 'loading' || user.value === undefined) && <Loading />}
      {user.value !== undefined && isRefused && (
        <StateBox isPage title={review('review.need')}>
          <a class="button is-primary" href="/sign-in">{common('app.sign-in')}</a>
        </StateBox>
      )}
      {resource.state === 'failed' && !isRefused && <Failed isPage error={resource.error} onRetry={reload} />}
      {resource.state === 'ready' && <Captions key={id} loaded={resource.value} token={token} onChanged={reload} />}
    </Frame>
  );
}
