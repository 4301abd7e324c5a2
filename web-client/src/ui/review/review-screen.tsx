import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t as common } from '../../i18n/common';
import { pickText } from '../../i18n/bilingual';
import { formatDuration } from '../../i18n/format';
import { t as captions } from '../../i18n/captions';
import { t } from '../../i18n/review';
import { reasonText, t as staff } from '../../i18n/staff';
import type { Player } from '../../player/player';
import { api } from '../../protocol/api';
import type { Chapter, Recording, Timeline } from '../../protocol/objects';
import { heldLink, user } from '../../store/account';
import { announce } from '../../store/announcer';
import { cutsOf, keepOf, nextKept, toCaptured, toFilm, type Cuts, type Range } from '../../store/edit-list';
import type { Route } from '../../store/location';
import { loadTaxonomy } from '../../store/taxonomy';
import { Frame } from '../frame';
import { useAction, usePageTitle, useResource } from '../parts/hooks';
import { Icon, icons } from '../parts/icon';
import { ActionError, BilingualTitle, ConfirmDialog, Failed, Loading, OtherTitle, PageHeading, StateBox } from '../parts/parts';
import { FilmPlayer } from '../watch/film-player';
import { AboutForm, type About } from './about-form';
import { Answers } from './answers';
import { ChapterForm, CutForm } from './cut-form';
import { ProductList } from './product-list';
import { PublishOrder } from './publish-order';
import { PosterChoices } from './poster-choice';
import { TimeLine } from './time-line';

const BUSY_MS = 2000;

interface Loaded {
  recording: Recording;
  line: Timeline;
}

function aboutOf(recording: Recording): About {
  const { title_en, title_ja, description_en, description_ja, area, more_areas, city, languages, licence, audience } = recording;
  return { title_en, title_ja, description_en, description_ja, area, more_areas, city, languages, licence, audience };
}

function Work({ film, isBusy, onStop, onMake }: {
  film: Recording; isBusy: boolean; onStop: () => void; onMake: () => void;
}): JSX.Element | null {
  if (film.is_at_work) {
    const percent = Math.floor((film.progress_permille ?? 0) / 10);
    return (
      <div class="review-work">
        <p role="status">{t('review.working', { percent })}{film.eta_s !== null && <> · {t('review.left', { duration: formatDuration(film.eta_s) })}</>}</p>
        <progress max={100} value={percent} aria-label={staff('staff.progress')} />
        <button type="button" class="button" aria-disabled={isBusy} onClick={onStop}>{t('review.stop')}</button>
      </div>
    );
  }
  if (film.reason === null && film.state !== 'processing') return null;
  return (
    <div class="review-work">
      {film.reason !== null && <p class="reason">{t('review.failed', { reason: reasonText(film.reason) })}</p>}
      <button type="button" class="button" aria-disabled={isBusy} onClick={onMake}>{t('review.retry')}</button>
    </div>
  );
}

/** While it plays, what will be left out is left out already. */
function useSkipping(player: Player | null, made: readonly Range[], keep: readonly Range[] | null, isOn: boolean): void {
  const position = player?.position.value ?? 0;
  useEffect(() => {
    if (player === null || keep === null || !isOn || !player.isPlaying.value) return;
    const captured = toCaptured(made, position * 1000);
    const next = nextKept(keep, captured);
    if (next === null) player.togglePlay();
    else if (next > captured + 50) player.seek(toFilm(made, next) / 1000);
  }, [position, isOn]);
}

function Reviewed({ loaded, token, reload }: { loaded: Loaded; token: string | null; reload: () => void }): JSX.Element {
  const { recording, line } = loaded;
  const [player, setPlayer] = useState<Player | null>(null);
  const [about, setAbout] = useState(() => aboutOf(recording));
  const [cuts, setCuts] = useState<Cuts>(() => cutsOf(line.keep_ms, line.source_ms));
  const [chapters, setChapters] = useState<readonly Chapter[]>(line.chapters);
  const [isPreview, setPreview] = useState(true);
  const [isTouched, setTouched] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const [isChecked, setChecked] = useState(false);
  const action = useAction();
  const title = pickText(recording.title_en, recording.title_ja)?.text ?? '';
  usePageTitle(`${t('review.title')}: ${title}`);
  // What came in meanwhile (the length, chapters of the agenda) is taken while nobody has begun to edit.
  useEffect(() => {
    if (isTouched) return;
    setCuts(cutsOf(line.keep_ms, line.source_ms));
    setChapters(line.chapters);
    setAbout(aboutOf(recording));
  }, [loaded]);
  const keep = Number.isNaN(cuts.start + cuts.end) || cuts.cuts.some(([from, to]) => Number.isNaN(from + to) || to <= from)
    ? null : keepOf(cuts, line.source_ms);
  const areChaptersWrong = chapters.some((one) => Number.isNaN(one.at_ms) || (one.title_en.trim() === '' && one.title_ja.trim() === ''));
  const isTitleMissing = about.title_en.trim() === '' && about.title_ja.trim() === '';
  useSkipping(player, line.made_ms, keep, isPreview);
  const at = toCaptured(line.made_ms, (player?.position.value ?? 0) * 1000);
  const touch = <T,>(set: (value: T) => void) => (value: T): void => { setTouched(true); set(value); };
  const isOther = JSON.stringify(keep ?? []) !== JSON.stringify(line.made_ms);
  const hasFilm = recording.playlist !== null;

  const save = async (signal: AbortSignal, state?: string): Promise<void> => {
    await api.changeRecording(signal, recording.id, {
      ...about, keep_ms: keep, chapters: [...chapters].sort((a, b) => a.at_ms - b.at_ms), ...(state !== undefined && { state }),
    }, token);
  };
  const act = async (work: (signal: AbortSignal) => Promise<void>, said: string): Promise<void> => {
    setChecked(true);
    if (keep === null || areChaptersWrong || isTitleMissing) return;
    if (!await action.run(work)) return;
    setTouched(false);
    announce(said);
    reload();
  };
  const make = (publish: boolean): Promise<void> => act(async (signal) => {
    await save(signal);
    await api.renderRecording(signal, recording.id, publish, token);
  }, t('review.saved'));
  const choosePoster = async (poster: number): Promise<void> => {
    if (!await action.run((signal) => api.choosePoster(signal, recording.id, poster, token).then(() => undefined))) return;
    announce(t('review.poster-done'));
    reload();
  };
  const seek = (captured: number): void => player?.seek(toFilm(line.made_ms, captured) / 1000);
  return (
    <article class="review">
      <div class="review-head">
        <div>
          <PageHeading><BilingualTitle en={recording.title_en} ja={recording.title_ja} /></PageHeading>
          <OtherTitle en={recording.title_en} ja={recording.title_ja} />
        </div>
        <span class={`film-state is-${recording.state}`} data-state={recording.state}>{staff(`state.${recording.state}`)}</span>
        {hasFilm && <a class="button" href={`/watch/${recording.id}`}>{t('review.watch')}</a>}
        {hasFilm && <a class="button" href={`/review/${recording.id}/captions`}>{captions('captions.open')}</a>}
      </div>
      <Work film={recording} isBusy={action.isBusy} onMake={() => void make(false)}
        onStop={() => void action.run((signal) => api.cancelRecording(signal, recording.id, token).then(() => undefined)).then(reload)} />
      {recording.playlist !== null
        ? <div class="watch-player"><FilmPlayer recording={recording} playlist={recording.playlist} token={token} startAt={0} title={title} onPlayer={setPlayer} /></div>
        : <StateBox icon={icons.clock} title={t('review.none')} />}
      {line.source_ms > 0 && (
        <>
          <TimeLine line={line} keep={keep ?? []} chapters={chapters.filter((one) => !Number.isNaN(one.at_ms))} at={at} onSeek={seek} />
          <section class="panel" aria-labelledby="cut-heading">
            <h2 id="cut-heading">{t('review.cuts')}</h2>
            <label class="review-check"><input type="checkbox" checked={isPreview}
              onChange={(event) => setPreview(event.currentTarget.checked)} />{t('review.preview')}</label>
            <p class="quiet">{t('review.preview-what')}</p>
            <CutForm cuts={cuts} length={line.source_ms} at={Math.round(at / 100) * 100} isWrong={keep === null} onChange={touch(setCuts)} />
          </section>
          <section class="panel" aria-labelledby="chapters-heading">
            <h2 id="chapters-heading">{t('review.chapters')}</h2>
            <ChapterForm chapters={chapters} at={at} isWrong={isChecked && areChaptersWrong} onChange={touch<readonly Chapter[]>(setChapters)} />
          </section>
        </>
      )}
      <section class="panel" aria-labelledby="about-heading">
        <h2 id="about-heading">{t('review.about')}</h2>
        <AboutForm values={about} isTitleMissing={isTitleMissing} onChange={(change) => { setTouched(true); setAbout({ ...about, ...change }); }} />
      </section>
      <PosterChoices posters={recording.posters} isBusy={action.isBusy} onChoose={(poster) => void choosePoster(poster.number)} />
      <section class="panel review-publish" aria-labelledby="publish-heading">
        <h2 id="publish-heading">{t('review.publishing')}</h2>
        {isTouched && <p class="note"><Icon path={icons.info} size={20} />{t('review.unsaved')}</p>}
        {isOther && hasFilm && <p class="note"><Icon path={icons.info} size={20} />{t('review.make-what')}</p>}
        {recording.state === 'withdrawn' && <p>{t('review.withdrawn-what')}</p>}
        {recording.state === 'published' && <p>{t('review.published-what')}</p>}
        <div class="row-actions">
          <button type="button" class="button" aria-disabled={action.isBusy}
            onClick={() => void act((signal) => save(signal), t('review.saved'))}>{t('review.save')}</button>
          {isOther && hasFilm && (
            <button type="button" class="button is-primary" aria-disabled={action.isBusy} onClick={() => void make(false)}>{t('review.make')}</button>
          )}
          {isOther && hasFilm && recording.state !== 'published' && recording.state !== 'withdrawn' && (
            <button type="button" class="button" aria-disabled={action.isBusy} onClick={() => void make(true)}>{t('review.make-publish')}</button>
          )}
          {!isOther && hasFilm && recording.state !== 'published' && (
            <button type="button" class="button is-primary" aria-disabled={action.isBusy}
              onClick={() => void act((signal) => save(signal, 'published'), t('review.published-what'))}>{t('review.publish')}</button>
          )}
          {recording.state === 'published' && (
            <button type="button" class="button is-danger" aria-disabled={action.isBusy} onClick={() => setAsking(true)}>{t('review.withdraw')}</button>
          )}
        </div>
        <ActionError error={action.error} />
        <PublishOrder recording={recording.id} state={recording.state} token={token} onChanged={reload} />
      </section>
      <ProductList recording={recording.id} token={token} at={at} />
      <Answers recording={recording.id} token={token} />
      {isAsking && (
        <ConfirmDialog title={t('review.withdraw-title')} text={t('review.withdraw-what')} action={t('review.withdraw')} isDanger
          onClose={() => setAsking(false)}
          onConfirm={() => void act((signal) => save(signal, 'withdrawn'), t('review.withdrawn-what'))} />
      )}
    </article>
  );
}

export function ReviewScreen({ route }: { route: Route }): JSX.Element {
  const id = route.screen === 'review' ? route.recording : '';
  const token = user.value === null ? heldLink()?.token ?? null : null;
  useEffect(() => void loadTaxonomy().catch(() => undefined), []);
  const { resource, reload } = useResource(
    `review ${id} ${user.value === undefined} ${token}`,
    async (signal): Promise<Loaded> => ({
      recording: await api.recording(signal, id, token), line: await api.timeline(signal, id, token),
    }),
    ({ recording }) => (recording.is_at_work || recording.state === 'draft' ? BUSY_MS : null));
  const isRefused = resource.state === 'failed' && [401, 403, 404].includes(resource.error.status);
  return (
    <Frame isWide>
      {(resource.state === 'loading' || user.value === undefined) && <Loading />}
      {user.value !== undefined && isRefused && (
        <StateBox isPage title={t('review.need')}>
          <a class="button is-primary" href="/sign-in">{common('app.sign-in')}</a>
        </StateBox>
      )}
      {resource.state === 'failed' && !isRefused && <Failed isPage error={resource.error} onRetry={reload} />}
      {resource.state === 'ready' && <Reviewed key={id} loaded={resource.value} token={token} reload={reload} />}
    </Frame>
  );
}
