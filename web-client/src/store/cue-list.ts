import type { EditedCue } from '../protocol/captions';

/** Captions of one language while they are edited. Pure; every change gives a new list. Times in ms. */
export type CueProblem = 'time' | 'order' | 'overlap' | 'past-end' | 'empty';

/** What a new cue lasts when nothing else says so. */
export const NEW_CUE_MS = 3000;
const SHORTEST_MS = 100;

/** Where a cue at this time belongs. */
function placeFor(cues: readonly EditedCue[], at: number): number {
  const found = cues.findIndex((cue) => cue.at_ms > at);
  return found < 0 ? cues.length : found;
}

/** A new cue at this time, up to the next one. Returns its place too. */
export function addCue(cues: readonly EditedCue[], at: number, length: number): { cues: EditedCue[]; index: number } {
  const index = placeFor(cues, at);
  const next = cues[index];
  const limit = Math.min(next?.at_ms ?? Infinity, length > at ? length : Infinity);
  const to_ms = Math.max(at + SHORTEST_MS, Math.min(at + NEW_CUE_MS, limit));
  return { cues: [...cues.slice(0, index), { at_ms: at, to_ms, who: '', text: '' }, ...cues.slice(index)], index };
}

export function changeCue(cues: readonly EditedCue[], index: number, change: Partial<EditedCue>): EditedCue[] {
  return cues.map((cue, place) => (place === index ? { ...cue, ...change } : cue));
}

export function removeCue(cues: readonly EditedCue[], index: number): EditedCue[] {
  return cues.filter((_, place) => place !== index);
}

/** With the one after it: from the first's beginning to the second's end. */
export function mergeCue(cues: readonly EditedCue[], index: number): EditedCue[] {
  const first = cues[index];
  const second = cues[index + 1];
  if (first === undefined || second === undefined) return [...cues];
  const text = [first.text, second.text].filter((one) => one.trim() !== '').join('\n');
  const whole = { ...first, to_ms: Math.max(first.to_ms, second.to_ms), who: first.who || second.who, text };
  return [...cues.slice(0, index), whole, ...cues.slice(index + 2)];
}

/** At this place of its text; the time is shared out by the letters. `at` (the film's time) wins when it lies inside. */
export function splitCue(cues: readonly EditedCue[], index: number, caret: number, at: number): EditedCue[] {
  const cue = cues[index];
  if (cue === undefined || cue.to_ms - cue.at_ms < 2 * SHORTEST_MS) return [...cues];
  const place = caret > 0 && caret < cue.text.length ? caret : Math.ceil(cue.text.length / 2);
  const share = cue.text.length === 0 ? 0.5 : place / cue.text.length;
  const isInside = at > cue.at_ms + SHORTEST_MS && at < cue.to_ms - SHORTEST_MS;
  const middle = isInside ? at : Math.round(cue.at_ms + (cue.to_ms - cue.at_ms) * Math.min(0.9, Math.max(0.1, share)));
  return [
    ...cues.slice(0, index),
    { ...cue, to_ms: middle, text: cue.text.slice(0, place).trimEnd() },
    { ...cue, at_ms: middle, text: cue.text.slice(place).trimStart() },
    ...cues.slice(index + 1),
  ];
}

/** What is wrong with the cue at this place; `time` and `order` cannot be saved. */
export function problemOf(cues: readonly EditedCue[], index: number, length: number): CueProblem | null {
  const cue = cues[index];
  if (cue === undefined) return null;
  if (Number.isNaN(cue.at_ms + cue.to_ms)) return 'time';
  if (cue.to_ms <= cue.at_ms) return 'order';
  if (cue.text.trim() === '') return 'empty';
  const before = cues[index - 1];
  if (before !== undefined && before.to_ms > cue.at_ms) return 'overlap';
  if (length > 0 && cue.to_ms > length + 1000) return 'past-end';
  return null;
}

export function isSavable(cues: readonly EditedCue[]): boolean {
  return cues.every((cue) => cue.to_ms > cue.at_ms);
}

export function sortCues(cues: readonly EditedCue[]): EditedCue[] {
  return [...cues].sort((a, b) => a.at_ms - b.at_ms || a.to_ms - b.to_ms);
}

/** The one that is shown at this time; -1: none. */
export function cueAt(cues: readonly EditedCue[], at: number): number {
  return cues.findIndex((cue) => cue.at_ms <= at && at < cue.to_ms);
}

function vttTime(ms: number): string {
  const pad = (value: number, width: number): string => String(Math.floor(value)).padStart(width, '0');
  return `${pad(ms / 3_600_000, 2)}:${pad((ms / 60_000) % 60, 2)}:${pad((ms / 1000) % 60, 2)}.${pad(ms % 1000, 3)}`;
}

const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

/** WebVTT, as it is sent. Cues without text are left out. */
export function toVtt(cues: readonly EditedCue[]): string {
  const blocks = sortCues(cues).filter((cue) => cue.text.trim() !== '').map((cue) => {
    const who = cue.who.trim() === '' ? '' : `<v ${escaped(cue.who.replace(/\s+/g, ' ').trim())}>`;
    const text = cue.text.split('\n').map((line) => line.trim()).filter((line) => line !== '').join('\n');
    return `${vttTime(Math.round(cue.at_ms))} --> ${vttTime(Math.round(cue.to_ms))}\n${who}${escaped(text)}\n`;
  });
  return `WEBVTT\n\n${blocks.join('\n')}`;
}

/** What is being typed, kept in the browser until it is saved: what it began from, and what it is now. */
export interface CueDraft {
  revision: number;
  cues: EditedCue[];
}

const isCue = (value: unknown): value is EditedCue => {
  const cue = value as Partial<EditedCue> | null;
  return typeof cue === 'object' && cue !== null && typeof cue.at_ms === 'number' && typeof cue.to_ms === 'number'
    && typeof cue.who === 'string' && typeof cue.text === 'string';
};

export function readDraft(text: string | null): CueDraft | null {
  if (text === null) return null;
  try {
    const draft = JSON.parse(text) as Partial<CueDraft> | null;
    if (typeof draft?.revision !== 'number' || !Array.isArray(draft.cues) || !draft.cues.every(isCue)) return null;
    return { revision: draft.revision, cues: draft.cues };
  } catch {
    return null;
  }
}
