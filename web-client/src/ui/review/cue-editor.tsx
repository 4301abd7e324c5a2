import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../../i18n/captions';
import type { EditedCue } from '../../protocol/captions';
import { addCue, changeCue, mergeCue, problemOf, removeCue, sortCues, splitCue } from '../../store/cue-list';
import { clockText } from '../../store/edit-list';
import { isComposing } from '../parts/ime';
import { PersonText } from '../parts/parts';
import { TimeField } from './time-field';

const KEYS = ['play', 'begin', 'end', 'new', 'step', 'save'] as const;

/** The film beside the captions, in the time of what was captured. */
export interface Film {
  at: () => number;
  length: number;
  seek: (ms: number) => void;
  togglePlay: () => void;
  listen: (from: number, to: number) => void;
}

interface CueEditorProps {
  cues: readonly EditedCue[];
  language: string;
  film: Film;
  /** Of the cue that is shown now; -1: none. */
  playing: number;
  onChange: (cues: readonly EditedCue[]) => void;
  onSave: () => void;
}

function Problem({ cues, index, length }: { cues: readonly EditedCue[]; index: number; length: number }): JSX.Element | null {
  const problem = problemOf(cues, index, length);
  return problem === null ? null : <span class="cue-problem">{t(`captions.problem-${problem}`)}</span>;
}

export function CueEditor({ cues, language, film, playing, onChange, onSave }: CueEditorProps): JSX.Element {
  const [selected, setSelected] = useState(-1);
  const [turn, setTurn] = useState(0);
  const text = useRef<HTMLTextAreaElement>(null);
  const cue = cues[selected];

  useEffect(() => {
    if (turn > 0) text.current?.focus();
    text.current?.closest('li')?.scrollIntoView({ block: 'nearest' });
  }, [turn]);

  /** Puts the list in order, and goes to this one of it. */
  const select = (list: readonly EditedCue[], index: number, isSeeking: boolean): void => {
    const wanted = list[index];
    const sorted = sortCues(list);
    if (sorted.some((one, place) => one !== list[place])) onChange(sorted);
    else if (list !== cues) onChange(list);
    setSelected(wanted === undefined ? -1 : sorted.indexOf(wanted));
    setTurn((before) => before + 1);
    if (isSeeking && wanted !== undefined && !Number.isNaN(wanted.at_ms)) film.seek(wanted.at_ms);
  };
  const step = (by: -1 | 1): void => {
    const next = selected < 0 ? Math.max(0, playing) : selected + by;
    if (next >= 0 && next < cues.length) select(cues, next, true);
  };
  const put = (change: Partial<EditedCue>): void => onChange(changeCue(cues, selected, change));
  const add = (): void => {
    const added = addCue(sortCues(cues), Math.round(film.at()), film.length);
    select(added.cues, added.index, false);
  };
  const remove = (): void => {
    const left = removeCue(cues, selected);
    select(left, Math.min(selected, left.length - 1), false);
  };
  const split = (): void => select(splitCue(cues, selected, text.current?.selectionStart ?? 0, Math.round(film.at())), selected, false);

  useLayoutEffect(() => {
    const stop = new AbortController();
    addEventListener('keydown', (event) => {
      if (event.defaultPrevented || isComposing(event) || document.querySelector('dialog[open]') !== null) return;
      const name = `${event.ctrlKey || event.metaKey ? 'Ctrl+' : ''}${event.altKey ? 'Alt+' : ''}${event.key}`;
      const keys: Record<string, (() => void) | undefined> = {
        'F2': film.togglePlay,
        'F8': cue && ((): void => put({ at_ms: Math.round(film.at()) })),
        'F9': cue && ((): void => put({ to_ms: Math.round(film.at()) })),
        'Ctrl+Enter': add,
        'Alt+ArrowUp': () => step(-1),
        'Alt+ArrowDown': () => step(1),
        'Ctrl+s': onSave,
      };
      const run = keys[name];
      if (run === undefined) return;
      event.preventDefault();
      run();
    }, { signal: stop.signal });
    return () => stop.abort();
  });

  return (
    <div class="cue-editor">
      <div class="row-actions">
        <button type="button" class="button" onClick={add}>{t('captions.new')}</button>
        <button type="button" class="button" onClick={film.togglePlay}>{t('captions.play')}</button>
      </div>
      <details class="cue-keys">
        <summary>{t('captions.keys')}</summary>
        <ul>{KEYS.map((key) => <li key={key}>{t(`captions.keys-${key}`)}</li>)}</ul>
      </details>
      {cues.length === 0 && <p class="quiet">{t('captions.none')}</p>}
      <ol class="cue-list" tabIndex={0} aria-label={t('captions.list')}>
        {cues.map((one, index) => (
          <li key={index} class={index === playing ? 'is-playing' : undefined} aria-current={index === selected ? 'true' : undefined}>
            {index !== selected
              ? (
                <button type="button" class="cue-row" onClick={() => select(cues, index, true)}>
                  <span class="cue-time">{clockText(one.at_ms)}</span>
                  <span class="cue-text">{one.who !== '' && <strong><PersonText text={one.who} />: </strong>}<span lang={language}>{one.text}</span></span>
                  <Problem cues={cues} index={index} length={film.length} />
                </button>
              )
              : (
                <div class="cue-form">
                  <div class="review-pair">
                    <TimeField id="cue-from" label={t('captions.from')} value={one.at_ms} onInput={(at_ms) => put({ at_ms })} />
                    <button type="button" class="button" onClick={() => put({ at_ms: Math.round(film.at()) })}>{t('captions.begin-here')}</button>
                    <TimeField id="cue-to" label={t('captions.to')} value={one.to_ms} onInput={(to_ms) => put({ to_ms })} />
                    <button type="button" class="button" onClick={() => put({ to_ms: Math.round(film.at()) })}>{t('captions.end-here')}</button>
                  </div>
                  <Problem cues={cues} index={index} length={film.length} />
                  <div class="field">
                    <label for="cue-text">{t('captions.text')}</label>
                    <textarea id="cue-text" ref={text} rows={2} maxLength={2000} lang={language} value={one.text}
                      onInput={(event) => put({ text: event.currentTarget.value })} />
                  </div>
                  <div class="field">
                    <label for="cue-who">{t('captions.who')}</label>
                    <input id="cue-who" type="text" maxLength={200} value={one.who} onInput={(event) => put({ who: event.currentTarget.value })} />
                  </div>
                  <div class="row-actions">
                    <button type="button" class="button" onClick={() => film.listen(one.at_ms, one.to_ms)}>{t('captions.listen')}</button>
                    <button type="button" class="button" onClick={split}>{t('captions.split')}</button>
                    <button type="button" class="button" aria-disabled={index + 1 === cues.length}
                      onClick={() => select(mergeCue(cues, index), index, false)}>{t('captions.merge')}</button>
                    <button type="button" class="button" onClick={remove}>{t('captions.delete')}</button>
                  </div>
                </div>
              )}
          </li>
        ))}
      </ol>
    </div>
  );
}
