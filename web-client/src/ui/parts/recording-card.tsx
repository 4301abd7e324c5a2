import type { JSX } from 'preact';
import { t } from '../../i18n/common';
import { formatBytes, formatClock, formatDate, formatDuration, viewerTimeZone } from '../../i18n/format';
import { language } from '../../i18n/language';
import { otherText, pickText } from '../../i18n/bilingual';
import type { Recording } from '../../protocol/objects';
import { areaName, cityName } from '../../store/taxonomy';
import { AreaIcon, Icon, icons } from './icon';
import { LanguageBadges, Marked } from './parts';
import { parseSnippet } from './snippet';

/** The film's picture, or a quiet field with its area's drawing while there is none. */
export function Poster({ recording }: { recording: Recording }): JSX.Element {
  return (
    <span class="poster" data-area={recording.area}>
      {recording.poster !== null
        ? <img src={recording.poster} alt="" width={640} height={360} loading="lazy" decoding="async" />
        : <AreaIcon code={recording.area} size={56} />}
      {recording.duration_s !== null && (
        <span class="poster-duration">
          <span aria-hidden="true">{formatClock(recording.duration_s)}</span>
          <span class="visually-hidden">{t('home.duration', { duration: formatDuration(recording.duration_s) })}</span>
        </span>
      )}
    </span>
  );
}

function Snippet({ recording }: { recording: Recording }): JSX.Element | null {
  const inEnglish = recording.snippet_en;
  const inJapanese = recording.snippet_ja;
  const first = language.value === 'ja' ? inJapanese ?? inEnglish : inEnglish ?? inJapanese;
  if (first === null || first === '') return null;
  const text = parseSnippet(first).map((piece) => piece.text).join('');
  // The title says it already.
  if (text === recording.title_en || text === recording.title_ja) return null;
  return (
    <p class="card-snippet" lang={first === inJapanese ? 'ja' : 'en'}>
      <MarkedPieces snippet={first} />
    </p>
  );
}

function MarkedPieces({ snippet }: { snippet: string }): JSX.Element {
  return (
    <>
      {parseSnippet(snippet).map((piece, index) => (piece.isMatch
        ? <mark key={index}>{piece.text}</mark> : <span key={index}>{piece.text}</span>))}
    </>
  );
}

/** The moment that a search found: its words, and the way there. */
function Moment({ recording }: { recording: Recording }): JSX.Element | null {
  const { moment } = recording;
  if (moment === null) return null;
  const seconds = Math.floor(moment.at_ms / 1000);
  return (
    <p class="card-snippet">
      <a class="card-moment" href={`/watch/${recording.id}?t=${seconds}`}>{t('home.moment', { time: formatClock(seconds) })}</a>
      {' '}<span lang={moment.language || undefined}><MarkedPieces snippet={moment.snippet} /></span>
    </p>
  );
}

export function RecordingCard({ recording }: { recording: Recording }): JSX.Element {
  const title = pickText(recording.title_en, recording.title_ja);
  const other = otherText(recording.title_en, recording.title_ja);
  const audio = recording.downloads.find((download) => download.kind === 'audio');
  return (
    <article class="card">
      <Poster recording={recording} />
      <div class="card-body">
        <h3 class="card-title">
          <a href={`/watch/${recording.id}`}>{title !== null && <Marked text={title} />}</a>
        </h3>
        {other !== null && <p class="other-title" lang={other.lang}>{other.text}</p>}
        <Snippet recording={recording} />
        <Moment recording={recording} />
        <p class="card-meta">
          <span><Icon path={icons.place} size={18} /><Marked text={cityName(recording.city)} /></span>
          <span><AreaIcon code={recording.area} size={18} /><Marked text={areaName(recording.area)} /></span>
        </p>
        <p class="card-meta">
          <time dateTime={recording.recorded_at.toISOString()}>
            {formatDate(recording.recorded_at, viewerTimeZone())}
          </time>
          {audio !== undefined && audio.bytes > 0 && (
            <span>{t('home.audio-size', { size: formatBytes(audio.bytes) })}</span>
          )}
          <LanguageBadges tags={recording.languages} />
        </p>
      </div>
    </article>
  );
}
