/** Captions of a film as they are brought and edited (docs/protocol.md, 2.7). */
import { list, number, object, string, withDefault } from './decode';

/** Times in ms, of what was captured. */
export interface EditedCue {
  at_ms: number;
  to_ms: number;
  who: string;
  text: string;
}

export interface CaptionTrackFacts {
  language: string;
  cues: number;
  revision: number;
}

export interface CaptionTrack {
  language: string;
  revision: number;
  cues: EditedCue[];
}

export interface CaptionNote {
  line: number;
  code: string;
}

export interface CaptionsTaken {
  language: string;
  revision: number;
  cues: number;
  encoding: string;
  notes_total: number;
  notes: CaptionNote[];
}

export const decodeCaptionTracks = object<{ items: CaptionTrackFacts[] }>({
  items: list(object<CaptionTrackFacts>({ language: string, cues: number, revision: number })),
});

export const decodeCaptionTrack = object<CaptionTrack>({
  language: string,
  revision: number,
  cues: list(object<EditedCue>({ at_ms: number, to_ms: number, who: withDefault(string, ''), text: string })),
});

export const decodeCaptionsTaken = object<CaptionsTaken>({
  language: string,
  revision: number,
  cues: number,
  encoding: withDefault(string, ''),
  notes_total: withDefault(number, 0),
  notes: withDefault(list(object<CaptionNote>({ line: number, code: string })), []),
});
