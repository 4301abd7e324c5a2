import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t as common } from '../../i18n/common';
import { pickText } from '../../i18n/bilingual';
import { formatBytes, formatClock, formatDate, formatDuration, languageName, viewerTimeZone } from '../../i18n/format';
import { t } from '../../i18n/watch';
import type { Player } from '../../player/player';
import { keepPlace, placeOf } from '../../player/resume';
import { api } from '../../protocol/api';
import type { Download, Recording, Visit } from '../../protocol/objects';
import { heldLink } from '../../store/account';
import { announce } from '../../store/announcer';
import { query, type Route } from '../../store/location';
import { areaName, cityName, loadTaxonomy } from '../../store/taxonomy';
import { Frame } from '../frame';
import { usePageTitle, useResource } from '../parts/hooks';
import { AreaIcon, Icon, icons } from '../parts/icon';
import {
  BilingualTitle, Failed, LanguageBadges, Loading, Marked, OtherTitle, PageHeading, PersonText, StateBox,
} from '../parts/parts';
import { RecordingCard } from '../parts/recording-card';
import { FilmPlayer } from './film-player';
import { FilmTexts } from './film-texts';
import { Products } from './products';
import { Questions } from './questions';
import { watchIcons } from './watch-icons';

const REFRESH_MS = 5000;
const RELATED = 4;

function startOf(search: string): number {
  const seconds = Number(new URLSearchParams(search).get('t') ?? '0');
  return Number.isFinite(seconds) && seconds > 0 ? seconds : 0;
}

function percentOf(recording: Recording): number {
  return Math.floor((recording.progress_permille ?? 0) / 10);
}

/** In place of the player while there is nothing to play. */
function NotPlayable({ recording }: { recording: Recording }): JSX.Element {
  if (recording.state === 'withdrawn') {
    return <StateBox icon={icons.info} title={t('watch.withdrawn')} text={t('watch.withdrawn-what')} />;
  }
  if (recording.reason !== null) {
    return <StateBox icon={icons.warning} title={t('watch.prepare-failed')} text={t('watch.prepare-failed-what')} />;
  }
  const isRunning = recording.state === 'processing';
  return (
    <StateBox icon={icons.clock} title={isRunning ? t('watch.processing') : t('watch.draft')} text={t('watch.processing-what')}>
      {isRunning && (
        <>
          <progress max={100} value={percentOf(recording)} aria-label={t('watch.processing')} />
          <p role="status">{t('watch.processing-percent', { percent: percentOf(recording) })}</p>
        </>
      )}
    </StateBox>
  );
}

function downloadName(download: Download): string {
  if (download.kind === 'video') return t('watch.download-video');
  if (download.kind === 'audio') return t('watch.download-audio');
  return t('watch.download-other', { name: download.name });
}

function Downloads({ recording }: { recording: Recording }): JSX.Element | null {
  if (recording.downloads.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="download-heading">
      <h2 id="download-heading">{t('watch.download')}</h2>
      <ul class="downloads">
        {recording.downloads.map((download) => (
          <li key={download.name}>
            <a class="button" href={download.url} download={download.name}>
              <Icon path={watchIcons.download} size={20} />{downloadName(download)}
              {download.bytes > 0 && <span class="quiet">{formatBytes(download.bytes)}</span>}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function ShareButton({ player }: { player: Player }): JSX.Element {
  const seconds = Math.floor(player.position.value);
  const copy = async (): Promise<void> => {
    const url = `${location.origin}${location.pathname}${seconds > 0 ? `?t=${seconds}` : ''}`;
    try {
      await navigator.clipboard.writeText(url);
      announce(t('watch.copied'));
    } catch {
      prompt(t('watch.copy-at', { time: formatClock(seconds) }), url);
    }
  };
  return (
    <button type="button" class="button" onClick={() => void copy()}>
      <Icon path={watchIcons.link} size={20} />{t('watch.copy-at', { time: formatClock(seconds) })}
    </button>
  );
}

/** Copies the HTML that shows the film in a page of another site. */
function EmbedButton({ recording, title }: { recording: Recording; title: string }): JSX.Element | null {
  if (recording.state !== 'published' || recording.audience !== 'public') return null;
  const copy = async (): Promise<void> => {
    const frame = document.createElement('iframe');
    frame.setAttribute('src', `${location.origin}/embed/${recording.id}`);
    frame.setAttribute('width', '640');
    frame.setAttribute('height', '400');
    frame.setAttribute('title', title);
    frame.setAttribute('allowfullscreen', '');
    try {
      await navigator.clipboard.writeText(frame.outerHTML);
      announce(t('watch.embed-copied'));
    } catch {
      prompt(t('watch.embed'), frame.outerHTML);
    }
  };
  return <button type="button" class="button" onClick={() => void copy()}><Icon path={watchIcons.link} size={20} />{t('watch.embed')}</button>;
}

function VisitFacts({ visit }: { visit: Visit }): JSX.Element {
  const place = pickText(visit.place_en, visit.place_ja);
  return (
    <>
      {place !== null && (
        <div><dt><Icon path={icons.place} size={20} />{t('watch.place')}</dt><dd><Marked text={place} /></dd></div>
      )}
      {visit.series !== '' && (
        <div><dt><Icon path={icons.info} size={20} />{t('watch.series')}</dt><dd><PersonText text={visit.series} /></dd></div>
      )}
    </>
  );
}

function Facts({ recording }: { recording: Recording }): JSX.Element {
  return (
    <dl class="facts">
      <div><dt><Icon path={icons.place} size={20} />{t('watch.city')}</dt>
        <dd><a href={`/?city=${recording.city}`}><Marked text={cityName(recording.city)} /></a></dd></div>
      <div><dt><AreaIcon code={recording.area} size={20} />{t('watch.area')}</dt>
        <dd><a href={`/?area=${recording.area}`}><Marked text={areaName(recording.area)} /></a></dd></div>
      <div><dt><Icon path={icons.calendar} size={20} />
        {recording.visit !== null && recording.visit.visited_on !== '' ? t('watch.visited') : t('watch.recorded')}</dt>
        <dd><time dateTime={recording.recorded_at.toISOString()}>{formatDate(recording.recorded_at, viewerTimeZone())}</time></dd></div>
      {recording.duration_s !== null && (
        <div><dt><Icon path={icons.clock} size={20} />{t('watch.length')}</dt><dd>{formatDuration(recording.duration_s)}</dd></div>
      )}
      {recording.languages.length > 0 && (
        <div><dt><Icon path={icons.language} size={20} />{t('watch.languages')}</dt>
          <dd><LanguageBadges tags={recording.languages} /></dd></div>
      )}
      {recording.visit !== null && <VisitFacts visit={recording.visit} />}
      {recording.licence !== '' && (
        <div><dt><Icon path={icons.info} size={20} />{t('watch.licence')}</dt><dd>{t(`watch.licence-${recording.licence}`)}</dd></div>
      )}
      {recording.event !== null && (
        <div><dt><Icon path={icons.info} size={20} />{t('watch.session')}</dt>
          <dd><a href={`/events/${recording.event}`}>{t('watch.session-link')}</a></dd></div>
      )}
    </dl>
  );
}

function Related({ recording, by }: { recording: Recording; by: 'city' | 'area' }): JSX.Element | null {
  const { resource } = useResource(`related ${by} ${recording[by]}`, (signal) =>
    api.recordings(signal, { [by]: recording[by], per_page: RELATED + 1, state: 'published' }));
  if (resource.state !== 'ready') return null;
  const others = resource.value.items.filter((one) => one.id !== recording.id).slice(0, RELATED);
  if (others.length === 0) return null;
  const heading = by === 'city'
    ? t('watch.related-city', { city: cityName(recording.city).text })
    : t('watch.related-area', { area: areaName(recording.area).text });
  return (
    <section class="section" aria-label={heading}>
      <h2>{heading}</h2>
      <ul class="cards">{others.map((one) => <li key={one.id}><RecordingCard recording={one} /></li>)}</ul>
    </section>
  );
}

function Film({ recording, token }: { recording: Recording; token: string | null }): JSX.Element {
  const [player, setPlayer] = useState<Player | null>(null);
  const [startAt] = useState(() => startOf(query.value) || placeOf(recording.id));
  const { resource: moments } = useResource(`moments ${recording.id}`, (signal) => api.moments(signal, recording.id, token));
  const title = pickText(recording.title_en, recording.title_ja);
  const description = pickText(recording.description_en, recording.description_ja);
  usePageTitle(title?.text ?? t('watch.title'));
  useEffect(() => {
    if (player === null || moments.state !== 'ready') return;
    player.addCaptions(moments.value.captions.map((track) => ({ ...track, label: languageName(track.language) })));
  }, [player, moments.state]);
  const tenSeconds = Math.floor((player?.position.value ?? 0) / 10);
  useEffect(() => {
    if (player !== null && tenSeconds > 0) keepPlace(recording.id, player.position.value, player.duration.value);
  }, [tenSeconds]);
  const isPlayable = recording.playlist !== null && recording.state !== 'withdrawn';
  return (
    <article class="watch">
      <div class="watch-player">
        {isPlayable && recording.playlist !== null
          ? (
            <FilmPlayer recording={recording} playlist={recording.playlist} token={token} startAt={startAt}
              title={title?.text ?? t('watch.title')} onPlayer={setPlayer} />
          )
          : <div class="player is-empty"><NotPlayable recording={recording} /></div>}
        {isPlayable && recording.state === 'processing' && (
          <p class="note" role="status"><Icon path={icons.clock} size={20} />{t('watch.processing-more', { percent: percentOf(recording) })}</p>
        )}
        {recording.state === 'review' && <p class="note"><Icon path={icons.info} size={20} />{t('watch.review')}</p>}
      </div>
      <div class="watch-head">
        <div>
          <PageHeading><BilingualTitle en={recording.title_en} ja={recording.title_ja} /></PageHeading>
          <OtherTitle en={recording.title_en} ja={recording.title_ja} />
        </div>
        <div class="row-actions">
          {player !== null && <ShareButton player={player} />}
          <EmbedButton recording={recording} title={title?.text ?? t('watch.title')} />
        </div>
      </div>
      {player !== null && moments.state === 'ready' && <FilmTexts recording={recording} moments={moments.value} player={player} />}
      <Facts recording={recording} />
      {description !== null && (
        <section aria-labelledby="about-heading">
          <h2 id="about-heading">{t('watch.about')}</h2>
          <p class="prose" lang={description.lang}>{description.text}</p>
        </section>
      )}
      <Downloads recording={recording} />
      <Products recording={recording.id} token={token} player={player} />
      {recording.state !== 'withdrawn' && <Questions recording={recording.id} token={token} />}
      <Related recording={recording} by="city" />
      <Related recording={recording} by="area" />
    </article>
  );
}

export function WatchScreen({ route }: { route: Route }): JSX.Element {
  const id = route.screen === 'watch' ? route.recording : '';
  const token = heldLink()?.token ?? null;
  useEffect(() => void loadTaxonomy().catch(() => undefined), []);
  const { resource, reload } = useResource(
    `recording ${id}`,
    async (signal) => {
      // The public answer first: a token is shown only where it is needed.
      try {
        return { recording: await api.recording(signal, id), token: null };
      } catch (error) {
        if (token === null || signal.aborted) throw error;
        return { recording: await api.recording(signal, id, token), token };
      }
    },
    ({ recording }) => (recording.state === 'processing' || recording.state === 'draft' ? REFRESH_MS : null));
  const isMissing = resource.state === 'failed' && (resource.error.status === 404 || resource.error.status === 403);
  return (
    <Frame isWide>
      {resource.state === 'loading' && <Loading />}
      {isMissing && (
        <div role="alert">
          <StateBox isPage icon={icons.info} title={t('watch.private')} text={t('watch.private-what')}>
            <a class="button" href="/">{common('missing.home')}</a>
          </StateBox>
        </div>
      )}
      {resource.state === 'failed' && !isMissing && <Failed isPage error={resource.error} onRetry={reload} />}
      {resource.state === 'ready' && <Film recording={resource.value.recording} token={resource.value.token} />}
    </Frame>
  );
}
