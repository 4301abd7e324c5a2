import type { JSX } from 'preact';
import { t } from '../../i18n/review';
import type { Chapter } from '../../protocol/objects';
import type { Cuts, Range } from '../../store/edit-list';
import { TimeField } from './time-field';

const NEW_CUT_MS = 10_000;

export function CutForm({ cuts, length, at, isWrong, onChange }: {
  cuts: Cuts; length: number; at: number; isWrong: boolean; onChange: (cuts: Cuts) => void;
}): JSX.Element {
  const put = (index: number, range: Range): void =>
    onChange({ ...cuts, cuts: cuts.cuts.map((one, position) => (position === index ? range : one)) });
  return (
    <div class="form">
      <div class="review-pair">
        <TimeField id="cut-start" label={t('review.start')} value={cuts.start} onInput={(start) => onChange({ ...cuts, start })} />
        <button type="button" class="button" onClick={() => onChange({ ...cuts, start: at })}>{t('review.start-here')}</button>
        <TimeField id="cut-end" label={t('review.end')} value={cuts.end} onInput={(end) => onChange({ ...cuts, end })} />
        <button type="button" class="button" onClick={() => onChange({ ...cuts, end: at })}>{t('review.end-here')}</button>
      </div>
      <h3>{t('review.cuts')}</h3>
      {cuts.cuts.length === 0 && <p class="quiet">{t('review.cuts-none')}</p>}
      {cuts.cuts.map(([from, to], index) => (
        <div key={index} class="review-pair">
          <TimeField id={`cut-${index}-from`} label={t('review.cut-from', { n: index + 1 })} value={from}
            onInput={(value) => put(index, [value, to])} />
          <TimeField id={`cut-${index}-to`} label={t('review.cut-to', { n: index + 1 })} value={to}
            onInput={(value) => put(index, [from, value])} />
          <button type="button" class="button" aria-label={t('review.cut-remove', { n: index + 1 })}
            onClick={() => onChange({ ...cuts, cuts: cuts.cuts.filter((_, position) => position !== index) })}>×</button>
        </div>
      ))}
      <div>
        <button type="button" class="button"
          onClick={() => onChange({ ...cuts, cuts: [...cuts.cuts, [at, Math.min(at + NEW_CUT_MS, length)]] })}>{t('review.cut-add')}</button>
      </div>
      {isWrong && <p class="field-error" role="alert">{t('review.bad-time')}</p>}
    </div>
  );
}

export function ChapterForm({ chapters, at, isWrong, onChange }: {
  chapters: readonly Chapter[]; at: number; isWrong: boolean; onChange: (chapters: Chapter[]) => void;
}): JSX.Element {
  const put = (index: number, change: Partial<Chapter>): void =>
    onChange(chapters.map((one, position) => (position === index ? { ...one, ...change } : one)));
  return (
    <div class="form">
      {chapters.length === 0 && <p class="quiet">{t('review.chapters-none')}</p>}
      {chapters.map((chapter, index) => (
        <div key={index} class="review-chapter">
          <TimeField id={`chapter-${index}`} label={t('review.chapter-at', { n: index + 1 })} value={chapter.at_ms}
            onInput={(at_ms) => put(index, { at_ms })} />
          <div class="field">
            <label for={`chapter-${index}-en`}>{t('review.chapter-en', { n: index + 1 })}</label>
            <input id={`chapter-${index}-en`} type="text" lang="en" maxLength={200} value={chapter.title_en}
              onInput={(event) => put(index, { title_en: event.currentTarget.value })} />
          </div>
          <div class="field">
            <label for={`chapter-${index}-ja`}>{t('review.chapter-ja', { n: index + 1 })}</label>
            <input id={`chapter-${index}-ja`} type="text" lang="ja" maxLength={200} value={chapter.title_ja}
              onInput={(event) => put(index, { title_ja: event.currentTarget.value })} />
          </div>
          <button type="button" class="button" aria-label={t('review.chapter-remove', { n: index + 1 })}
            onClick={() => onChange(chapters.filter((_, position) => position !== index))}>×</button>
        </div>
      ))}
      <div>
        <button type="button" class="button"
          onClick={() => onChange([...chapters, { at_ms: Math.round(at), title_en: '', title_ja: '' }].sort((a, b) => a.at_ms - b.at_ms))}>
          {t('review.chapter-add')}</button>
      </div>
      {isWrong && <p class="field-error" role="alert">{t('review.chapter-bad')}</p>}
    </div>
  );
}
