/** The objects of the HTTP API (docs/protocol.md, section 3) and their decoders. */
import {
  boolean, knownItems, list, localUrl, nullable, number, object, oneOf, string, time, withDefault,
  type Decoder,
} from './decode';

export type Role = 'facilitator' | 'presenter' | 'interpreter' | 'participant' | 'observer';
export const ROLES: readonly Role[] = ['facilitator', 'presenter', 'interpreter', 'participant', 'observer'];
export type SessionState = 'planned' | 'live' | 'ended';
export type EventKind = 'virtual-session' | 'site-visit' | 'seminar' | 'peer-exchange';
export const EVENT_KINDS: readonly EventKind[] = ['virtual-session', 'site-visit', 'seminar', 'peer-exchange'];
export type RecordingPolicy = 'none' | 'review' | 'publish';
export type Audience = 'public' | 'link' | 'staff';
export type RecordingState = 'draft' | 'processing' | 'review' | 'published' | 'withdrawn';
export type JobState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';

const role: Decoder<Role> = oneOf(...ROLES);
const audience = oneOf('public', 'link', 'staff');
const sessionState = oneOf('planned', 'live', 'ended');

export interface User {
  id: string;
  name: string;
  is_admin: boolean;
  has_password: boolean;
}

export const decodeMe = object<{ user: User | null }>({
  user: nullable(object<User>({
    id: string, name: string, is_admin: boolean, has_password: boolean,
  })),
});

export interface Area {
  code: string;
  name_en: string;
  name_ja: string;
  recordings: number;
}

export const decodeAreas = object<{ items: Area[] }>({
  items: list(object<Area>({
    code: string, name_en: string, name_ja: string, recordings: withDefault(number, 0),
  })),
});

export interface City {
  code: string;
  name_en: string;
  name_ja: string;
  prefecture_en: string;
  prefecture_ja: string;
  country: string;
  recordings: number;
}

export const decodeCities = object<{ items: City[] }>({
  items: list(object<City>({
    code: string,
    name_en: string,
    name_ja: string,
    prefecture_en: withDefault(string, ''),
    prefecture_ja: withDefault(string, ''),
    country: withDefault(string, 'JP'),
    recordings: withDefault(number, 0),
  })),
});

export const ATTENDANCES = ['online', 'in-person', 'hybrid'] as const;
export type Attendance = (typeof ATTENDANCES)[number];

export interface AgendaItem {
  title_en: string;
  title_ja: string;
  speaker: string;
  duration_s: number;
}

const decodeAgendaItem = object<AgendaItem>({
  title_en: withDefault(string, ''),
  title_ja: withDefault(string, ''),
  speaker: withDefault(string, ''),
  duration_s: withDefault(number, 0),
});

/** What the plan says beyond titles and time. */
export interface EventPlan {
  attendance: Attendance;
  venue_en: string;
  venue_ja: string;
  learning_cities: string[];
  /** People in the room at once; 0: no limit. */
  capacity: number;
  has_lobby: boolean;
  agenda: AgendaItem[];
}

export interface LearningEvent extends EventPlan {
  id: string;
  kind: EventKind;
  title_en: string;
  title_ja: string;
  summary_en: string;
  summary_ja: string;
  area: string;
  city: string;
  starts_at: Date;
  duration_s: number;
  time_zone: string;
  languages: string[];
  is_public: boolean;
  recording_policy: RecordingPolicy;
  audience: Audience;
  state: SessionState;
  session: string | null;
  may: { edit: boolean; host: boolean };
}

export const decodeEvent = object<LearningEvent>({
  id: string,
  kind: oneOf(...EVENT_KINDS),
  title_en: withDefault(string, ''),
  title_ja: withDefault(string, ''),
  summary_en: withDefault(string, ''),
  summary_ja: withDefault(string, ''),
  area: string,
  city: string,
  starts_at: time,
  duration_s: number,
  time_zone: string,
  languages: withDefault(list(string), []),
  is_public: withDefault(boolean, false),
  recording_policy: withDefault(oneOf('none', 'review', 'publish'), 'review'),
  audience: withDefault(audience, 'staff'),
  attendance: withDefault(oneOf(...ATTENDANCES), 'online'),
  venue_en: withDefault(string, ''),
  venue_ja: withDefault(string, ''),
  learning_cities: withDefault(list(string), []),
  capacity: withDefault(number, 0),
  has_lobby: withDefault(boolean, false),
  agenda: withDefault(list(decodeAgendaItem), []),
  state: sessionState,
  session: nullable(string),
  may: withDefault(
    object({ edit: withDefault(boolean, false), host: withDefault(boolean, false) }),
    { edit: false, host: false }),
});

export const decodeEvents = object<{ items: LearningEvent[] }>({ items: knownItems(decodeEvent) });

/** What POST and PATCH of an event send. */
export interface EventFields extends EventPlan {
  kind: EventKind;
  title_en: string;
  title_ja: string;
  summary_en: string;
  summary_ja: string;
  area: string;
  city: string;
  starts_at: string;
  duration_s: number;
  time_zone: string;
  languages: string[];
  is_public: boolean;
  recording_policy: RecordingPolicy;
  audience: Audience;
}

export interface Link {
  id: string;
  role: Role;
  label: string;
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
  uses: number;
  /** Only in the answer that made it. */
  url: string | null;
  qr_svg: string | null;
}

export const decodeLink = object<Link>({
  id: string,
  role,
  label: withDefault(string, ''),
  created_at: time,
  expires_at: nullable(time),
  revoked_at: nullable(time),
  uses: withDefault(number, 0),
  url: nullable(string),
  qr_svg: nullable(string),
});

export const decodeLinks = object<{ items: Link[] }>({ items: knownItems(decodeLink) });

export const MAIL_STATES = ['waiting', 'sent', 'failed', 'handed-out'] as const;
export type MailState = (typeof MAIL_STATES)[number];

export interface Invitation {
  id: string;
  link: string;
  name: string;
  address: string;
  role: Role;
  language: string;
  state: MailState;
  reason: { code: string; detail: string } | null;
  created_at: Date;
  sent_at: Date | null;
  /** Only in the answer that made it; the message only where the server sends none. */
  url: string | null;
  eml: string | null;
}

const decodeInvitation = object<Invitation>({
  id: string,
  link: string,
  name: string,
  address: string,
  role,
  language: string,
  state: oneOf(...MAIL_STATES),
  reason: nullable(object<{ code: string; detail: string }>({ code: string, detail: string })),
  created_at: time,
  sent_at: nullable(time),
  url: nullable(string),
  eml: nullable(string),
});

export interface Invitations {
  has_relay: boolean;
  items: Invitation[];
}

export const decodeInvitations = object<Invitations>({ has_relay: boolean, items: knownItems(decodeInvitation) });

export interface JoinInfo {
  event: LearningEvent;
  role: Role;
  label: string;
  /** Of a link that was made for one person; else empty. */
  name: string;
  session: { id: string; state: SessionState } | null;
}

export const decodeJoin = object<JoinInfo>({
  event: decodeEvent,
  role,
  label: withDefault(string, ''),
  name: withDefault(string, ''),
  session: nullable(object<{ id: string; state: SessionState }>({ id: string, state: sessionState })),
});

export interface LineOffers {
  publish: string;
  receive: string;
}

export const decodeLineOffers = object<LineOffers>({ publish: string, receive: string });

export interface Reason {
  code: string;
  detail: string;
}

const decodeReason = object<Reason>({ code: withDefault(string, ''), detail: withDefault(string, '') });

export interface Download {
  name: string;
  url: string;
  bytes: number;
  kind: string;
}

export interface Rendition {
  name: string;
  width: number | null;
  height: number | null;
  bitrate_bps: number | null;
}

export const LICENCES = ['', 'all-rights-reserved', 'cc-by-4.0', 'cc-by-sa-4.0', 'cc-by-nc-4.0', 'cc-by-nd-4.0', 'cc0-1.0'] as const;
export type Licence = (typeof LICENCES)[number];

export interface Chapter {
  at_ms: number;
  title_en: string;
  title_ja: string;
}

const decodeChapter = object<Chapter>({
  at_ms: number, title_en: withDefault(string, ''), title_ja: withDefault(string, ''),
});

export interface Span {
  peer: number;
  from_ms: number;
  to_ms: number;
}

/** What was captured, on its own time line, before cuts. */
export interface Timeline {
  source_ms: number;
  keep_ms: (readonly [number, number])[];
  made_ms: (readonly [number, number])[];
  chapters: Chapter[];
  peers: string[];
  spoke: Span[];
  seen: Span[];
  chat: { at_ms: number; who: string; text: string }[];
}

const decodeRange: Decoder<readonly [number, number]> = (value, path) => {
  const pair = list(number)(value, path);
  return [pair[0] ?? 0, pair[1] ?? 0];
};

const decodeSpans = withDefault(list(object<Span>({ peer: number, from_ms: number, to_ms: number })), []);

export const decodeTimeline = object<Timeline>({
  source_ms: number,
  keep_ms: list(decodeRange),
  made_ms: list(decodeRange),
  chapters: withDefault(list(decodeChapter), []),
  peers: withDefault(list(string), []),
  spoke: decodeSpans,
  seen: decodeSpans,
  chat: withDefault(list(object<Timeline['chat'][number]>({ at_ms: number, who: string, text: string })), []),
});

export interface Cue {
  at_ms: number;
  to_ms: number;
  who: string;
  text: string;
}

/** What is read beside a film, in its own time. */
export interface FilmMoments {
  captions: { language: string; cues: Cue[] }[];
  chat: Cue[];
}

const decodeCues = withDefault(list(object<Cue>({ at_ms: number, to_ms: number, who: string, text: string })), []);

export const decodeMoments = object<FilmMoments>({
  captions: withDefault(list(object<FilmMoments['captions'][number]>({ language: string, cues: decodeCues })), []),
  chat: decodeCues,
});

/** What is known of a site visit. `visited_on` is a day, not a moment: "2026-11-24", or empty. */
export interface Visit {
  place_en: string;
  place_ja: string;
  visited_on: string;
  series: string;
}

/** A picture that may stand for the film. */
export interface PosterChoice {
  number: number;
  url: string;
  is_chosen: boolean;
}

/** What was said or shown in a film that a search found, and when. */
export interface FoundMoment {
  kind: 'caption' | 'chat' | 'slide';
  language: string;
  at_ms: number;
  who: string;
  /** Text with `<mark>`, everything else escaped. */
  snippet: string;
}

export interface Recording {
  visit: Visit | null;
  id: string;
  title_en: string;
  title_ja: string;
  description_en: string;
  description_ja: string;
  area: string;
  city: string;
  languages: string[];
  event: string | null;
  recorded_at: Date;
  published_at: Date | null;
  duration_s: number | null;
  state: RecordingState;
  audience: Audience;
  progress_permille: number | null;
  reason: Reason | null;
  poster: string | null;
  playlist: string | null;
  downloads: Download[];
  renditions: Rendition[];
  thumbnails: string | null;
  waveform: string | null;
  posters: PosterChoice[];
  more_areas: string[];
  licence: Licence;
  chapters: Chapter[];
  eta_s: number | null;
  is_at_work: boolean;
  snippet_en: string | null;
  snippet_ja: string | null;
  moment: FoundMoment | null;
}

export const decodeRecording = object<Recording>({
  visit: nullable(object<Visit>({
    place_en: withDefault(string, ''), place_ja: withDefault(string, ''), visited_on: withDefault(string, ''),
    series: withDefault(string, ''),
  })),
  id: string,
  title_en: withDefault(string, ''),
  title_ja: withDefault(string, ''),
  description_en: withDefault(string, ''),
  description_ja: withDefault(string, ''),
  area: string,
  city: string,
  languages: withDefault(list(string), []),
  event: nullable(string),
  recorded_at: time,
  published_at: nullable(time),
  duration_s: nullable(number),
  state: oneOf('draft', 'processing', 'review', 'published', 'withdrawn'),
  audience: withDefault(audience, 'staff'),
  progress_permille: nullable(number),
  reason: nullable(decodeReason),
  poster: nullable(localUrl),
  playlist: nullable(localUrl),
  downloads: withDefault(knownItems(object<Download>({
    name: string, url: localUrl, bytes: withDefault(number, 0), kind: withDefault(string, ''),
  })), []),
  renditions: withDefault(knownItems(object<Rendition>({
    name: string, width: nullable(number), height: nullable(number), bitrate_bps: nullable(number),
  })), []),
  thumbnails: nullable(localUrl),
  waveform: nullable(localUrl),
  posters: withDefault(knownItems(object<PosterChoice>({
    number, url: localUrl, is_chosen: withDefault(boolean, false),
  })), []),
  more_areas: withDefault(list(string), []),
  licence: withDefault(oneOf(...LICENCES), ''),
  chapters: withDefault(list(decodeChapter), []),
  eta_s: nullable(number),
  is_at_work: withDefault(boolean, false),
  snippet_en: nullable(string),
  snippet_ja: nullable(string),
  moment: nullable(object<FoundMoment>({
    kind: oneOf('caption', 'chat', 'slide'), language: string, at_ms: number, who: string, snippet: string,
  })),
});

export interface FacetCount {
  code: string;
  count: number;
}

export interface RecordingPage {
  items: Recording[];
  total: number;
  page: number;
  per_page: number;
  facets: Facets;
}

export const FACETS = ['area', 'city', 'country', 'language', 'year', 'kind', 'length'] as const;
export type FacetName = (typeof FACETS)[number];
export type Facets = Record<FacetName, FacetCount[]>;

const facet = withDefault(list(object<FacetCount>({ code: string, count: number })), []);

export const decodeRecordings = object<RecordingPage>({
  items: knownItems(decodeRecording),
  total: number,
  page: withDefault(number, 1),
  per_page: withDefault(number, 24),
  facets: withDefault(
    object<Facets>({ area: facet, city: facet, country: facet, language: facet, year: facet, kind: facet, length: facet }),
    { area: [], city: [], country: [], language: [], year: [], kind: [], length: [] }),
});

export const PEOPLE = ['', 'none', 'consent', 'unclear'] as const;
export type People = (typeof PEOPLE)[number];

/** What was typed about a film while it comes in: any part of it may be missing. */
export interface UploadDraft {
  title_en: string;
  title_ja: string;
  description_en: string;
  description_ja: string;
  place_en: string;
  place_ja: string;
  series: string;
  area: string;
  city: string;
  visited_on: string;
  people: People;
  licence: string;
  audience: Audience;
  languages: string[];
  publish: boolean;
}

export interface Upload {
  id: string;
  file_name: string;
  file_key: string;
  size: number;
  received: number;
  state: 'receiving' | 'received' | 'used';
  is_submitted: boolean;
  draft: UploadDraft;
  recording: string | null;
}

const text = withDefault(string, '');

export const decodeUpload = object<Upload>({
  id: string,
  file_name: text,
  file_key: text,
  size: number,
  received: number,
  state: oneOf('receiving', 'received', 'used'),
  is_submitted: boolean,
  draft: object<UploadDraft>({
    title_en: text, title_ja: text, description_en: text, description_ja: text, place_en: text, place_ja: text,
    series: text, area: text, city: text, visited_on: text, licence: text,
    people: withDefault(oneOf(...PEOPLE), ''),
    audience: withDefault(audience, 'public'),
    languages: withDefault(list(string), []),
    publish: withDefault(boolean, false),
  }),
  recording: nullable(string),
});

export const decodeUploads = object<{ items: Upload[] }>({ items: knownItems(decodeUpload) });

export interface Job {
  id: string;
  kind: string;
  recording: string;
  state: JobState;
  progress_permille: number;
  eta_s: number | null;
  attempts: number;
  reason: Reason | null;
  created_at: Date;
  updated_at: Date;
}

export const decodeJobs = object<{ items: Job[] }>({
  items: knownItems(object<Job>({
    id: string,
    kind: string,
    recording: string,
    state: oneOf('waiting', 'running', 'done', 'failed', 'cancelled'),
    progress_permille: withDefault(number, 0),
    eta_s: nullable(number),
    attempts: withDefault(number, 0),
    reason: nullable(decodeReason),
    created_at: time,
    updated_at: time,
  })),
});

export interface SessionInfo {
  id: string;
  event: string;
  state: SessionState;
  started_at: Date | null;
  ended_at: Date | null;
  recordings: Recording[];
}

export const decodeSession = object<SessionInfo>({
  id: string,
  event: string,
  state: sessionState,
  started_at: nullable(time),
  ended_at: nullable(time),
  recordings: withDefault(knownItems(decodeRecording), []),
});
