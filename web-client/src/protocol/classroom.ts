/** The classroom's part of the room (docs/protocol.md, 4.5): hands and floor, questions, polls, agenda, channels, slides. */
import {
  boolean, knownItems, list, nullable, number, object, oneOf, string, time, withDefault, type Decoder,
} from './decode';
import { ROLES, type Role } from './objects';

export type Phase = 'opening' | 'talk' | 'questions' | 'break' | 'closing';
export const PHASES: readonly Phase[] = ['opening', 'talk', 'questions', 'break', 'closing'];
export type Reaction = 'clap' | 'thumbs-up' | 'heart' | 'laugh' | 'surprise' | 'thinking';
export const REACTIONS: readonly Reaction[] = ['clap', 'thumbs-up', 'heart', 'laugh', 'surprise', 'thinking'];

export interface RoomSettings {
  lobby: boolean;
  is_locked: boolean;
  private_chat: boolean;
  may_unmute: boolean;
  may_chat: boolean;
  phase: Phase;
}

export interface Floor {
  peer: string;
  since: Date;
  /** 0: as long as it takes. */
  limit_s: number;
}

export interface Question {
  id: number;
  peer: string;
  name: string;
  text: string;
  at: Date;
  votes: number;
  state: 'open' | 'answered' | 'hidden';
}

export interface Poll {
  id: number;
  text: string;
  options: string[];
  is_multiple: boolean;
  is_anonymous: boolean;
  results: 'live' | 'after';
  state: 'draft' | 'open' | 'closed';
  voters: number;
  /** One count an option; null: not shown yet. */
  votes: number[] | null;
}

export interface AgendaItem {
  title_en: string;
  title_ja: string;
  speaker: string;
  duration_s: number;
}

export interface Agenda {
  items: AgendaItem[];
  /** Index of what runs now; -1: nothing. */
  current: number;
  since: Date | null;
}

export interface Note {
  text_en: string;
  text_ja: string;
}

export interface Channel {
  /** `floor` or a language. */
  channel: string;
  listeners: number;
  interpreters: string[];
  on_air: string | null;
}

export interface Caption {
  id: number;
  peer: string;
  language: string;
  text: string;
}

export interface Deck {
  id: string;
  name: string;
  state: 'converting' | 'ready' | 'failed';
  pages: number;
  reason: string | null;
}

export interface Slides {
  decks: Deck[];
  /** The one that is shown; empty: none. */
  deck: string;
  page: number;
}

export interface Waiting {
  id: string;
  name: string;
  affiliation: string;
  role: Role;
}

/** What only I know: my channel and my votes. */
export interface Mine {
  hear: string;
  with_floor: boolean;
  questions: number[];
  polls: Readonly<Record<string, number[]>>;
}

export interface Classroom {
  settings: RoomSettings;
  spotlight: string[];
  floor: Floor | null;
  questions: Question[];
  polls: Poll[];
  agenda: Agenda;
  note: Note | null;
  channels: Channel[];
  captions: Caption[];
  slides: Slides;
  lobby: Waiting[];
  mine: Mine;
}

export const PLAIN_CLASSROOM: Classroom = {
  settings: {
    lobby: false, is_locked: false, private_chat: false, may_unmute: true, may_chat: true, phase: 'opening',
  },
  spotlight: [],
  floor: null,
  questions: [],
  polls: [],
  agenda: { items: [], current: -1, since: null },
  note: null,
  channels: [],
  captions: [],
  slides: { decks: [], deck: '', page: 1 },
  lobby: [],
  mine: { hear: 'floor', with_floor: true, questions: [], polls: {} },
};

export const decodeSettings: Decoder<RoomSettings> = object<RoomSettings>({
  lobby: withDefault(boolean, false),
  is_locked: withDefault(boolean, false),
  private_chat: withDefault(boolean, false),
  may_unmute: withDefault(boolean, true),
  may_chat: withDefault(boolean, true),
  phase: withDefault(oneOf(...PHASES), 'opening'),
});

export const decodeFloor = nullable(object<Floor>({ peer: string, since: time, limit_s: withDefault(number, 0) }));

export const decodeQuestion = object<Question>({
  id: number, peer: string, name: string, text: string, at: time, votes: withDefault(number, 0),
  state: oneOf('open', 'answered', 'hidden'),
});

export const decodePoll = object<Poll>({
  id: number,
  text: string,
  options: list(string),
  is_multiple: withDefault(boolean, false),
  is_anonymous: withDefault(boolean, false),
  results: withDefault(oneOf('live', 'after'), 'live'),
  state: oneOf('draft', 'open', 'closed'),
  voters: withDefault(number, 0),
  votes: nullable(list(number)),
});

export const decodeAgenda = object<Agenda>({
  items: withDefault(list(object<AgendaItem>({
    title_en: withDefault(string, ''),
    title_ja: withDefault(string, ''),
    speaker: withDefault(string, ''),
    duration_s: withDefault(number, 0),
  })), []),
  current: withDefault(number, -1),
  since: nullable(time),
});

export const decodeNote = nullable(object<Note>({ text_en: withDefault(string, ''), text_ja: withDefault(string, '') }));

export const decodeChannels = knownItems(object<Channel>({
  channel: string,
  listeners: withDefault(number, 0),
  interpreters: withDefault(list(string), []),
  on_air: nullable(string),
}));

export const decodeCaption = object<Caption>({ id: withDefault(number, 0), peer: string, language: string, text: string });

export const decodeSlides = object<Slides>({
  decks: withDefault(knownItems(object<Deck>({
    id: string,
    name: withDefault(string, ''),
    state: oneOf('converting', 'ready', 'failed'),
    pages: withDefault(number, 0),
    reason: nullable(string),
  })), []),
  deck: withDefault(string, ''),
  page: withDefault(number, 1),
});

export const decodeLobby = knownItems(object<Waiting>({
  id: string, name: string, affiliation: withDefault(string, ''), role: oneOf(...ROLES),
}));

const choicesByPoll: Decoder<Record<string, number[]>> = (value, path) => {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).map(([poll, choices]) => [poll, list(number)(choices, `${path}.${poll}`)]));
};

const decodeMine = object<Mine>({
  hear: withDefault(string, 'floor'),
  with_floor: withDefault(boolean, true),
  questions: withDefault(list(number), []),
  polls: withDefault(choicesByPoll, {}),
});

/** The decoders of Classroom's fields: all may be absent. */
export const classroomFields = {
  settings: withDefault(decodeSettings, PLAIN_CLASSROOM.settings),
  spotlight: withDefault(list(string), []),
  floor: decodeFloor,
  questions: withDefault(knownItems(decodeQuestion), []),
  polls: withDefault(knownItems(decodePoll), []),
  agenda: withDefault(decodeAgenda, PLAIN_CLASSROOM.agenda),
  note: decodeNote,
  channels: withDefault(decodeChannels, []),
  captions: withDefault(knownItems(decodeCaption), []),
  slides: withDefault(decodeSlides, PLAIN_CLASSROOM.slides),
  lobby: withDefault(decodeLobby, []),
  mine: withDefault(decodeMine, PLAIN_CLASSROOM.mine),
};

export type ClassroomEvent =
  | { type: 'peer-role'; peer: string; role: Role; grants: string[]; booth: string | null }
  | { type: 'lobby'; lobby: Waiting[] }
  | { type: 'settings'; settings: RoomSettings }
  | { type: 'muted-all'; source: 'microphone' | 'camera' | 'screen'; peers: string[] }
  | { type: 'spotlight'; spotlight: string[] }
  | { type: 'floor'; floor: Floor | null }
  | { type: 'question'; question: Question | { id: number; state: 'hidden' } }
  | { type: 'poll'; poll: Poll }
  | { type: 'agenda'; agenda: Agenda }
  | { type: 'note'; note: Note | null }
  | { type: 'caption'; caption: Caption }
  | { type: 'slides'; slides: Slides }
  | { type: 'page'; deck: string; page: number };

const hiddenQuestion = object<{ id: number; state: 'hidden' }>({ id: number, state: oneOf('hidden') });
const anyQuestion: Decoder<Question | { id: number; state: 'hidden' }> = (value, path) =>
  (typeof value === 'object' && value !== null && 'text' in value ? decodeQuestion(value, path) : hiddenQuestion(value, path));

export const classroomEventDecoders: {
  readonly [Type in ClassroomEvent['type']]: Decoder<Extract<ClassroomEvent, { type: Type }>>
} = {
  'peer-role': object({
    type: oneOf('peer-role'), peer: string, role: oneOf(...ROLES), grants: withDefault(list(string), []), booth: nullable(string),
  }),
  'lobby': object({ type: oneOf('lobby'), lobby: decodeLobby }),
  'settings': object({ type: oneOf('settings'), settings: decodeSettings }),
  'muted-all': object({ type: oneOf('muted-all'), source: oneOf('microphone', 'camera', 'screen'), peers: list(string) }),
  'spotlight': object({ type: oneOf('spotlight'), spotlight: list(string) }),
  'floor': object({ type: oneOf('floor'), floor: decodeFloor }),
  'question': object({ type: oneOf('question'), question: anyQuestion }),
  'poll': object({ type: oneOf('poll'), poll: decodePoll }),
  'agenda': object({ type: oneOf('agenda'), agenda: decodeAgenda }),
  'note': object({ type: oneOf('note'), note: decodeNote }),
  'caption': object({ type: oneOf('caption'), caption: decodeCaption }),
  'slides': object({ type: oneOf('slides'), slides: decodeSlides }),
  'page': object({ type: oneOf('page'), deck: string, page: number }),
};

/** What the server tells of the classroom outside of the log. */
export type ClassroomMessage =
  | { kind: 'you'; role: Role; may: string[]; grants: string[] }
  | { kind: 'refused'; text: string }
  | { kind: 'lobby'; lobby: Waiting[] }
  | { kind: 'reactions'; items: { name: Reaction; count: number; peers: string[] }[] }
  | { kind: 'votes'; questions: { id: number; votes: number }[]; polls: { id: number; voters: number; votes: number[] | null }[] }
  | { kind: 'caption'; peer: string; language: string; text: string }
  | { kind: 'channels'; channels: Channel[] }
  | { kind: 'hand-over'; channel: string; step: 'asked' | 'counting' | 'cancelled'; from: string; to: string | null; in_ms: number }
  | { kind: 'slower'; from: string }
  | { kind: 'pointer'; peer: string; x: number; y: number; on: boolean };

export const classroomMessageDecoders: {
  readonly [Kind in ClassroomMessage['kind']]: Decoder<Extract<ClassroomMessage, { kind: Kind }>>
} = {
  'you': object({
    kind: oneOf('you'), role: oneOf(...ROLES), may: list(string), grants: withDefault(list(string), []),
  }),
  'refused': object({ kind: oneOf('refused'), text: withDefault(string, '') }),
  'lobby': object({ kind: oneOf('lobby'), lobby: decodeLobby }),
  'reactions': object({
    kind: oneOf('reactions'),
    items: knownItems(object({
      name: oneOf(...REACTIONS), count: withDefault(number, 1), peers: withDefault(list(string), []),
    })),
  }),
  'votes': object({
    kind: oneOf('votes'),
    questions: withDefault(knownItems(object({ id: number, votes: number })), []),
    polls: withDefault(knownItems(object({ id: number, voters: number, votes: nullable(list(number)) })), []),
  }),
  'caption': object({ kind: oneOf('caption'), peer: string, language: string, text: string }),
  'channels': object({ kind: oneOf('channels'), channels: decodeChannels }),
  'hand-over': object({
    kind: oneOf('hand-over'), channel: string, step: oneOf('asked', 'counting', 'cancelled'),
    from: withDefault(string, ''), to: nullable(string), in_ms: withDefault(number, 0),
  }),
  'slower': object({ kind: oneOf('slower'), from: withDefault(string, '') }),
  'pointer': object({
    kind: oneOf('pointer'), peer: string, x: withDefault(number, 0), y: withDefault(number, 0), on: withDefault(boolean, true),
  }),
};

/** What a client may ask of the classroom; answered yes or no. */
export type ClassroomRequest =
  | { kind: 'set-role'; peer: string; role: Role }
  | { kind: 'grant'; peer: string; permission: 'present' | 'caption'; on: boolean }
  | ({ kind: 'settings' } & Partial<Omit<RoomSettings, 'phase'>>)
  | { kind: 'admit'; peer?: string }
  | { kind: 'refuse'; peer: string; text: string }
  | { kind: 'mute-all'; source: 'microphone' | 'camera' | 'screen' }
  | { kind: 'spotlight'; peer: string; on: boolean }
  | { kind: 'lower-hands' }
  | { kind: 'give-floor'; peer: string; limit_s: number }
  | { kind: 'end-floor' }
  | { kind: 'react'; name: Reaction }
  | { kind: 'ask'; text: string; key: string }
  | { kind: 'vote-question'; question: number; on: boolean }
  | { kind: 'question'; question: number; state: Question['state'] }
  | {
    kind: 'poll'; text: string; options: string[]; is_multiple: boolean; is_anonymous: boolean;
    results: 'live' | 'after'; key: string;
  }
  | { kind: 'poll-state'; poll: number; state: 'open' | 'closed' }
  | { kind: 'vote'; poll: number; options: number[] }
  | { kind: 'agenda'; items: AgendaItem[] }
  | { kind: 'agenda-item'; item: number }
  | { kind: 'phase'; phase: Phase }
  | { kind: 'note'; text_en: string; text_ja: string }
  | { kind: 'caption'; language: string; text: string; is_final: boolean; began_ms: number }
  | { kind: 'hear'; channel: string; with_floor: boolean }
  | { kind: 'booth'; channel: string }
  | { kind: 'on-air'; on: boolean; take?: boolean }
  | { kind: 'hand-over'; step: 'ask' | 'accept' | 'cancel' }
  | { kind: 'slower' }
  | { kind: 'upload-slides'; name: string }
  | { kind: 'show-slides'; deck: string }
  | { kind: 'page'; page: number }
  | { kind: 'pointer'; x: number; y: number; on: boolean }
  | { kind: 'remove-slides'; deck: string };

export const decodeTicket = object<{ ticket: string; path: string; max_bytes: number }>({
  ticket: string, path: string, max_bytes: withDefault(number, 32 * 1024 * 1024),
});
