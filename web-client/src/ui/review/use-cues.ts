import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../../i18n/captions';
import { api, ApiError } from '../../protocol/api';
import type { CaptionTrack, EditedCue } from '../../protocol/captions';
import { announce } from '../../store/announcer';
import { isSavable, readDraft, sortCues, toVtt } from '../../store/cue-list';
import { useAction, type Action } from '../parts/hooks';

export interface EditedCues {
  cues: readonly EditedCue[];
  isUnsaved: boolean;
  isRestored: boolean;
  /** Somebody else saved meanwhile. */
  isConflict: boolean;
  action: Action;
  change: (cues: readonly EditedCue[]) => void;
  save: (isOverTheirs?: boolean) => Promise<void>;
  discard: () => void;
}

const keyOf = (id: string, language: string): string => `manabi.captions.${id}.${language}`;

function keep(key: string, text: string | null): void {
  try {
    if (text === null) localStorage.removeItem(key);
    else localStorage.setItem(key, text);
  } catch {
    // A browser that keeps nothing: leaving the page asks first.
  }
}

function kept(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** One track while it is edited. Each change is kept in the browser at once, and is there again after a lost tab. */
export function useCues(id: string, track: CaptionTrack, token: string | null, reload: () => void): EditedCues {
  const key = keyOf(id, track.language);
  const [draft] = useState(() => readDraft(kept(key)));
  const [base, setBase] = useState(draft?.revision ?? track.revision);
  const [cues, setCues] = useState<readonly EditedCue[]>(draft?.cues ?? track.cues);
  // A key may save before the page was drawn with what was just typed.
  const latest = useRef(cues);
  const [isUnsaved, setUnsaved] = useState(draft !== null);
  const [isRestored, setRestored] = useState(draft !== null);
  const [isConflict, setConflict] = useState(draft !== null && draft.revision !== track.revision);
  const action = useAction();

  useEffect(() => {
    if (!isUnsaved) return;
    const stop = new AbortController();
    addEventListener('beforeunload', (event) => event.preventDefault(), { signal: stop.signal });
    return () => stop.abort();
  }, [isUnsaved]);

  return {
    cues, isUnsaved, isRestored, isConflict, action,
    change: (next) => {
      latest.current = next;
      setCues(next);
      setUnsaved(true);
      keep(key, JSON.stringify({ revision: base, cues: next }));
    },
    save: async (isOverTheirs = false) => {
      const typed = latest.current;
      const sent = sortCues(typed);
      if (!isSavable(sent)) return;
      await action.run(async (signal) => {
        const over = isOverTheirs ? (await api.captionTrack(signal, id, track.language, token)).revision : base;
        try {
          const taken = await api.putCaptions(signal, id, track.language, toVtt(sent), over, token);
          setBase(taken.revision);
          // What was typed while it was on its way is not saved yet.
          if (latest.current === typed) {
            latest.current = sent.filter((cue) => cue.text.trim() !== '');
            setCues(latest.current);
            setUnsaved(false);
            keep(key, null);
          } else {
            keep(key, JSON.stringify({ revision: taken.revision, cues: latest.current }));
          }
        } catch (error) {
          if (!(error instanceof ApiError) || error.code !== 'conflict') throw error;
          setConflict(true);
          return;
        }
        setRestored(false);
        setConflict(false);
        announce(t('captions.saved'));
      });
    },
    discard: () => {
      keep(key, null);
      reload();
    },
  };
}

/** A file takes the place of what was being edited. */
export function forgetCueDraft(id: string, language: string): void {
  keep(keyOf(id, language), null);
}
