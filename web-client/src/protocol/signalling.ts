/** Messages of the WebSocket (docs/protocol.md, section 4): decoders for what the server says, types for what we ask. */
import {
  boolean, knownItems, list, nullable, number, object, oneOf, string, time, withDefault,
  DecodeError, type Decoder,
} from './decode';
import {
  classroomEventDecoders, classroomFields, classroomMessageDecoders,
  type Classroom, type ClassroomEvent, type ClassroomMessage, type ClassroomRequest,
} from './classroom';
import { ROLES, type Role, type SessionState } from './objects';

export type Source = 'microphone' | 'camera' | 'screen';
export type RecordingStatus = 'off' | 'on' | 'failed' | 'paused';
/** Only who said yes is written into a recording. */
export type Consent = 'unasked' | 'yes' | 'no';
export type PictureMode = 'all' | 'one' | 'audio';

export interface Track {
  id: string;
  source: Source;
  is_on: boolean;
}

export interface Peer {
  id: string;
  name: string;
  affiliation: string;
  role: Role;
  joined_at: Date | null;
  is_here: boolean;
  /** Place in the queue of raised hands, from 1; null: not raised. */
  hand: number | null;
  tracks: Track[];
  consent: Consent;
  /** An interpreter's seat: the channel's language. */
  booth: string | null;
  /** Permissions of this person beside those of the role. */
  grants: string[];
}

export interface ChatMessage {
  id: number;
  peer: string;
  name: string;
  text: string;
  at: Date;
  /** `all`, `facilitators`, a peer's id, or `booth:` and a language. */
  to: string;
}

export interface RecordingInfo {
  state: RecordingStatus;
  since: Date | null;
  detail: string | null;
}

export interface RoomSession {
  id: string;
  event: string;
  state: SessionState;
  started_at: Date | null;
  title_en: string;
  title_ja: string;
  area: string;
  city: string;
  /** The event's: each has a channel beside the floor. */
  languages: string[];
}

export interface RoomSnapshot extends Classroom {
  session: RoomSession;
  recording: RecordingInfo;
  peers: Peer[];
  chat: ChatMessage[];
  seq: number;
}

const source = oneOf('microphone', 'camera', 'screen');
const sessionState = oneOf('planned', 'live', 'ended');

const decodePeer = object<Peer>({
  id: string,
  name: string,
  affiliation: withDefault(string, ''),
  role: oneOf(...ROLES),
  joined_at: nullable(time),
  is_here: withDefault(boolean, true),
  hand: nullable(number),
  tracks: withDefault(knownItems(object<Track>({ id: string, source, is_on: withDefault(boolean, true) })), []),
  consent: withDefault(oneOf('unasked', 'yes', 'no'), 'yes'),
  booth: nullable(string),
  grants: withDefault(list(string), []),
});

const decodeChat = object<ChatMessage>({
  id: number, peer: withDefault(string, ''), name: string, text: string, at: time, to: withDefault(string, 'all'),
});

const recordingFields = {
  state: oneOf('off', 'on', 'failed', 'paused'),
  since: nullable(time),
  detail: nullable(string),
};

export const decodeSnapshot = object<RoomSnapshot>({
  session: object<RoomSession>({
    id: string,
    event: string,
    state: sessionState,
    started_at: nullable(time),
    title_en: withDefault(string, ''),
    title_ja: withDefault(string, ''),
    area: withDefault(string, ''),
    city: withDefault(string, ''),
    languages: withDefault(list(string), []),
  }),
  // A place in the lobby is told only the session.
  recording: withDefault(object<RecordingInfo>(recordingFields), { state: 'off', since: null, detail: null }),
  peers: withDefault(knownItems(decodePeer), []),
  chat: withDefault(knownItems(decodeChat), []),
  seq: withDefault(number, 0),
  ...classroomFields,
});

export interface Welcome {
  peer: string;
  resume: string;
  role: Role;
  may: string[];
  /** In the lobby: nothing is told or allowed before `admitted`. */
  is_waiting: boolean;
  ice_servers: RTCIceServer[];
  state: RoomSnapshot;
}

/** One address or several; only the schemes that a peer connection takes. */
const iceUrls: Decoder<string | string[]> = (value, path) =>
  (Array.isArray(value) ? list(string)(value, path) : string(value, path));

const decodeIceServer: Decoder<RTCIceServer> = (value, path) => {
  const server = object<{ urls: string | string[]; username: string | null; credential: string | null }>({
    urls: iceUrls, username: nullable(string), credential: nullable(string),
  })(value, path);
  return {
    urls: server.urls,
    ...(server.username !== null && { username: server.username }),
    ...(server.credential !== null && { credential: server.credential }),
  };
};

export const decodeWelcome = object<Welcome>({
  peer: string,
  resume: string,
  role: oneOf(...ROLES),
  may: withDefault(list(string), []),
  is_waiting: withDefault(boolean, false),
  ice_servers: withDefault(list(decodeIceServer), []),
  state: decodeSnapshot,
});

export const decodeSdpReply = object<{ sdp: string }>({ sdp: string });

export type RoomEvent =
  | { type: 'peer-joined'; peer: Peer }
  | { type: 'peer-left'; peer: string; reason: string }
  | { type: 'peer-away'; peer: string }
  | { type: 'peer-back'; peer: string }
  | { type: 'peer-renamed'; peer: string; name: string }
  | { type: 'track-on'; peer: string; track: string; source: Source }
  | { type: 'track-off'; peer: string; track: string; source: Source }
  | { type: 'hand'; order: string[] }
  | { type: 'chat'; chat: ChatMessage }
  | { type: 'peer-consent'; peer: string; consent: Consent }
  | { type: 'recording-hole'; code: string }
  | { type: 'marker'; peer: string; text: string; at: Date }
  | ({ type: 'recording' } & RecordingInfo)
  | { type: 'session'; state: SessionState; started_at: Date | null }
  | ClassroomEvent;

const trackFields = { peer: string, track: string, source };

const eventDecoders: { readonly [Type in RoomEvent['type']]: Decoder<Extract<RoomEvent, { type: Type }>> } = {
  'peer-joined': object({ type: oneOf('peer-joined'), peer: decodePeer }),
  'peer-left': object({ type: oneOf('peer-left'), peer: string, reason: withDefault(string, '') }),
  'peer-away': object({ type: oneOf('peer-away'), peer: string }),
  'peer-back': object({ type: oneOf('peer-back'), peer: string }),
  'peer-renamed': object({ type: oneOf('peer-renamed'), peer: string, name: string }),
  'track-on': object({ type: oneOf('track-on'), ...trackFields }),
  'track-off': object({ type: oneOf('track-off'), ...trackFields }),
  'hand': object({ type: oneOf('hand'), order: list(string) }),
  'chat': object({ type: oneOf('chat'), chat: decodeChat }),
  'peer-consent': object({ type: oneOf('peer-consent'), peer: string, consent: oneOf('unasked', 'yes', 'no') }),
  'recording-hole': object({ type: oneOf('recording-hole'), code: string }),
  'marker': object({ type: oneOf('marker'), peer: string, text: withDefault(string, ''), at: time }),
  'recording': object({ type: oneOf('recording'), ...recordingFields }),
  'session': object({ type: oneOf('session'), state: sessionState, started_at: nullable(time) }),
  ...classroomEventDecoders,
};

export interface Slot {
  mid: string;
  peer: string | null;
  source: Source | null;
  /** Of the slot that carries the interpreter of the channel I hear. */
  channel: string | null;
  /** Why it shows less than all: a smaller picture; paused for the line; paused by my own limit. */
  held: 'small' | 'line' | 'limit' | null;
}

export interface LineFigures {
  peer: string;
  loss_permille: number;
  rtt_ms: number;
  in_bps: number;
  out_bps: number;
}

export type Reply =
  | { kind: 'reply'; id: number; ok: true; body: unknown }
  | { kind: 'reply'; id: number; ok: false; code: string; detail: string };

export type ServerMessage =
  | Reply
  | { kind: 'event'; seq: number; event: RoomEvent }
  | { kind: 'slots'; slots: Slot[] }
  | { kind: 'speakers'; peers: string[] }
  | { kind: 'media-restart' }
  | { kind: 'muted-by-host'; source: Source }
  | { kind: 'line'; peers: LineFigures[] }
  | Admitted
  | ClassroomMessage;

/** Out of the lobby and into the room. */
export interface Admitted {
  kind: 'admitted';
  role: Role;
  may: string[];
  state: RoomSnapshot;
}

const decodeSlot = object<Slot>({ mid: string, peer: nullable(string), source: nullable(source), channel: nullable(string), held: nullable(oneOf('small', 'line', 'limit')) });
const decodeLine = object<LineFigures>({
  peer: string,
  loss_permille: withDefault(number, 0),
  rtt_ms: withDefault(number, 0),
  in_bps: withDefault(number, 0),
  out_bps: withDefault(number, 0),
});

const decodeReplyHead = object<{ id: number; ok: boolean; code: string; detail: string }>({
  id: number, ok: boolean, code: withDefault(string, ''), detail: withDefault(string, ''),
});

const decodeAdmitted = object<Admitted>({
  kind: oneOf('admitted'), role: oneOf(...ROLES), may: withDefault(list(string), []), state: decodeSnapshot,
});

function decodeEventMessage(value: unknown): ServerMessage | null {
  const head = object<{ seq: number; type: string }>({ seq: number, type: string })(value, '');
  if (!Object.hasOwn(eventDecoders, head.type)) return null;
  const decode: Decoder<RoomEvent> = eventDecoders[head.type as RoomEvent['type']];
  return { kind: 'event', seq: head.seq, event: decode(value, '') };
}

/** One message, or null for a kind or event type this client does not know. Throws DecodeError when it is broken. */
export function decodeServerMessage(text: string): ServerMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DecodeError('', 'JSON');
  }
  const { kind } = object<{ kind: string }>({ kind: string })(value, '');
  switch (kind) {
    case 'reply': {
      const head = decodeReplyHead(value, '');
      return head.ok
        ? { kind, id: head.id, ok: true, body: value }
        : { kind, id: head.id, ok: false, code: head.code, detail: head.detail };
    }
    case 'event':
      return decodeEventMessage(value);
    case 'slots':
      return { kind, ...object<{ slots: Slot[] }>({ slots: knownItems(decodeSlot) })(value, '') };
    case 'speakers':
      return { kind, ...object<{ peers: string[] }>({ peers: list(string) })(value, '') };
    case 'media-restart':
      return { kind };
    case 'muted-by-host':
      return { kind, ...object<{ source: Source }>({ source })(value, '') };
    case 'line':
      return { kind, ...object<{ peers: LineFigures[] }>({ peers: knownItems(decodeLine) })(value, '') };
    case 'admitted':
      return decodeAdmitted(value, '');
    default: {
      if (!Object.hasOwn(classroomMessageDecoders, kind)) return null;
      const decode: Decoder<ClassroomMessage> = classroomMessageDecoders[kind as ClassroomMessage['kind']];
      return decode(value, '');
    }
  }
}

/** What the client asks. `id` is added when it is sent. */
export type ClientRequest =
  | { kind: 'hello'; token: string; name: string; affiliation: string; language: string; consent?: 'yes' | 'no'; resume?: string }
  | { kind: 'start-session' }
  | { kind: 'end-session' }
  | { kind: 'record'; on: boolean }
  | { kind: 'pause-recording'; on: boolean }
  | { kind: 'consent'; answer: 'yes' | 'no' }
  | { kind: 'marker'; text: string }
  | { kind: 'chat'; text: string; key: string; to?: string }
  | { kind: 'hand'; raised: boolean; peer?: string }
  | { kind: 'publish'; sdp: string; tracks: { mid: string; source: Source; is_on?: boolean }[] }
  | { kind: 'track'; source: Source; is_on: boolean }
  | { kind: 'unpublish' }
  | { kind: 'subscribe'; audio: number; video: number }
  | { kind: 'subscribed'; sdp: string }
  | { kind: 'view'; peers: string[]; large: number; mode: PictureMode; limit_kbit: number }
  | { kind: 'mute-peer'; peer: string; source: Source }
  | { kind: 'remove-peer'; peer: string }
  | { kind: 'rename'; name: string }
  | { kind: 'leave' }
  | ClassroomRequest;

export const CLOSE = {
  BROKEN_MESSAGE: 4400,
  REFUSED: 4401,
  REMOVED: 4403,
  NO_SESSION: 4404,
  NO_HELLO: 4408,
  REPLACED: 4409,
  OVER: 4410,
  TOO_FAST: 4429,
  RESTARTING: 1012,
} as const;
