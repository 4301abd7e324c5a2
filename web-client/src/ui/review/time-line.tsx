import type { JSX } from 'preact';
import { t } from '../../i18n/review';
import type { Chapter, Timeline } from '../../protocol/objects';
import { clockText, lengthOf, type Range } from '../../store/edit-list';
import { pickText } from '../../i18n/bilingual';

const SPEAKERS_SHOWN = 12;
const SPANS_SHOWN = 300;

function share(value: number, length: number): string {
  return `${Math.min(100, Math.max(0, (value / Math.max(1, length)) * 100)).toFixed(3)}%`;
}

function Bar({ from, to, length, kind }: { from: number; to: number; length: number; kind: string }): JSX.Element {
  return <span class={`line-bar is-${kind}`} style={{ left: share(from, length), width: share(to - from, length) }} />;
}

interface TimeLineProps {
  line: Timeline;
  keep: readonly Range[];
  chapters: readonly Chapter[];
  at: number;
  onSeek: (captured: number) => void;
}

/** One row for the pieces that are kept, one for each speaker, one for chapters and chat. The rows show; the slider moves. */
export function TimeLine({ line, keep, chapters, at, onSeek }: TimeLineProps): JSX.Element {
  const length = line.source_ms;
  const kept: readonly Range[] = keep.length === 0 ? [[0, length]] : keep;
  const speakers = line.peers.map((name, peer) => ({ name, spans: line.spoke.filter((span) => span.peer === peer) }))
    .filter((speaker) => speaker.spans.length > 0).slice(0, SPEAKERS_SHOWN);
  return (
    <section class="panel review-line" aria-labelledby="line-heading">
      <h2 id="line-heading">{t('review.timeline')}</h2>
      <p>{t('review.timeline-what', { length: clockText(length), kept: clockText(lengthOf(keep, length)) })}</p>
      <div class="line-rows" style={{ '--at': share(at, length) }}>
        <div class="line-row is-kept" aria-hidden="true">
          {kept.map(([from, to]) => <Bar key={from} from={from} to={to} length={length} kind="kept" />)}
          {chapters.map((chapter, index) => (
            <span key={index} class="line-tick" style={{ left: share(chapter.at_ms, length) }} />
          ))}
        </div>
        <input type="range" class="line-slider" min={0} max={Math.max(1, length)} step={100} value={Math.round(at)}
          aria-label={t('review.timeline')} aria-valuetext={t('review.at', { time: clockText(at) })}
          onInput={(event) => onSeek(Number(event.currentTarget.value))} />
        {speakers.map((speaker, index) => (
          <div key={index} class="line-row">
            <span class="line-name">{speaker.name}</span>
            <span class="line-track" aria-hidden="true">
              {speaker.spans.slice(0, SPANS_SHOWN).map((span) => (
                <Bar key={span.from_ms} from={span.from_ms} to={span.to_ms} length={length} kind="spoke" />
              ))}
            </span>
          </div>
        ))}
      </div>
      {(line.spoke.length > 0 || line.chat.length > 0 || chapters.length > 0) && (
        <details class="line-list">
          <summary>{t('review.speakers')} · {t('review.chat')}</summary>
          <ol tabIndex={0} aria-label={t('review.timeline')}>
            {moments(line, chapters).map((moment, index) => (
              <li key={index}>
                <button type="button" class="link-button" onClick={() => onSeek(moment.at)}>{moment.text}</button>
              </li>
            ))}
          </ol>
        </details>
      )}
    </section>
  );
}

function moments(line: Timeline, chapters: readonly Chapter[]): { at: number; text: string }[] {
  const all = [
    ...line.spoke.map((span) => ({
      at: span.from_ms, text: t('review.jump', { time: clockText(span.from_ms), name: line.peers[span.peer] ?? '' }),
    })),
    ...line.chat.map((one) => ({
      at: one.at_ms, text: t('review.jump-chat', { time: clockText(one.at_ms), name: one.who, text: one.text }),
    })),
    ...chapters.map((one) => ({
      at: one.at_ms,
      text: t('review.jump-chapter', { time: clockText(one.at_ms), title: pickText(one.title_en, one.title_ja)?.text ?? '' }),
    })),
  ];
  return all.sort((a, b) => a.at - b.at).slice(0, SPANS_SHOWN);
}
