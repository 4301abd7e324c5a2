/** The room as the server told it: a plain value and the function that applies one event of the session log to it. */
import type { Classroom } from '../protocol/classroom';
import type {
  ChatMessage, Peer, RecordingInfo, RoomEvent, RoomSession, RoomSnapshot, Slot, Source,
} from '../protocol/signalling';
import { applyClassroomEvent } from './classroom-state';

export const CHAT_KEPT = 500;

export interface RoomState extends Classroom {
  session: RoomSession;
  recording: RecordingInfo;
  /** In order of arrival. */
  peers: readonly Peer[];
  chat: readonly ChatMessage[];
  seq: number;
  me: string;
}

export function roomStateOf(snapshot: RoomSnapshot, me: string): RoomState {
  return { ...snapshot, me };
}

export function applyRoomEvent(state: RoomState, seq: number, event: RoomEvent): RoomState {
  // The snapshot of a resume already holds what was sent just before it.
  if (seq <= state.seq) return state;
  return { ...apply(state, event), seq };
}

function apply(state: RoomState, event: RoomEvent): RoomState {
  switch (event.type) {
    case 'peer-joined':
      return { ...state, peers: [...state.peers.filter((peer) => peer.id !== event.peer.id), event.peer] };
    case 'peer-left':
      return { ...state, peers: state.peers.filter((peer) => peer.id !== event.peer) };
    case 'peer-away':
      return changePeer(state, event.peer, (peer) => ({ ...peer, is_here: false }));
    case 'peer-back':
      return changePeer(state, event.peer, (peer) => ({ ...peer, is_here: true }));
    case 'peer-renamed':
      return changePeer(state, event.peer, (peer) => ({ ...peer, name: event.name }));
    case 'track-on':
    case 'track-off':
      return changePeer(state, event.peer, (peer) =>
        switchTrack(peer, event.track, event.source, event.type === 'track-on'));
    case 'hand':
      return {
        ...state,
        peers: state.peers.map((peer) => {
          const place = event.order.indexOf(peer.id);
          const hand = place < 0 ? null : place + 1;
          return hand === peer.hand ? peer : { ...peer, hand };
        }),
      };
    case 'chat':
      return { ...state, chat: [...state.chat, event.chat].slice(-CHAT_KEPT) };
    case 'peer-consent':
      return changePeer(state, event.peer, (peer) => ({ ...peer, consent: event.consent }));
    case 'recording-hole':
    case 'marker':
      return state;
    case 'recording':
      return { ...state, recording: { state: event.state, since: event.since, detail: event.detail } };
    case 'session':
      return {
        ...state,
        session: { ...state.session, state: event.state, started_at: event.started_at ?? state.session.started_at },
      };
    case 'peer-role':
      return changePeer(state, event.peer, (peer) =>
        ({ ...peer, role: event.role, grants: event.grants, booth: event.booth }));
    case 'muted-all':
      return {
        ...state,
        peers: state.peers.map((peer) => (event.peers.includes(peer.id)
          ? { ...peer, tracks: peer.tracks.map((track) => (track.source === event.source ? { ...track, is_on: false } : track)) }
          : peer)),
      };
    default:
      return { ...state, ...applyClassroomEvent(state, event) };
  }
}

function changePeer(state: RoomState, id: string, change: (peer: Peer) => Peer): RoomState {
  return { ...state, peers: state.peers.map((peer) => (peer.id === id ? change(peer) : peer)) };
}

/** One track a source: a new publication replaces the one before. */
function switchTrack(peer: Peer, id: string, source: Source, isOn: boolean): Peer {
  const others = peer.tracks.filter((track) => track.id !== id && track.source !== source);
  return { ...peer, tracks: [...others, { id, source, is_on: isOn }] };
}

export function findPeer(state: RoomState, id: string): Peer | undefined {
  return state.peers.find((peer) => peer.id === id);
}

export function isTrackOn(peer: Peer, source: Source): boolean {
  return peer.tracks.some((track) => track.source === source && track.is_on);
}

/** Who has a hand up, first come first. */
export function handsInOrder(state: RoomState): Peer[] {
  return state.peers
    .filter((peer) => peer.hand !== null)
    .sort((a, b) => (a.hand ?? 0) - (b.hand ?? 0));
}

/** The mid whose pictures are that peer's, or null. */
export function slotOf(slots: readonly Slot[], peer: string, source: Source): string | null {
  return slots.find((slot) => slot.peer === peer && slot.source === source)?.mid ?? null;
}

/**
 * Who holds the stage. A cough must not take it: somebody must stay loudest for RISE_MS, and the one before keeps
 * it for HOLD_MS. Times are the caller's monotonic milliseconds.
 */
export interface StageSpeaker {
  peer: string | null;
  sinceMs: number;
  candidate: string | null;
  candidateSinceMs: number;
}

export const RISE_MS = 400;
export const HOLD_MS = 2000;
export const NO_SPEAKER: StageSpeaker = { peer: null, sinceMs: 0, candidate: null, candidateSinceMs: 0 };

export function nextStageSpeaker(
  stage: StageSpeaker,
  loudest: string | null,
  nowMs: number,
): StageSpeaker {
  if (loudest === null || loudest === stage.peer) {
    return stage.candidate === null ? stage : { ...stage, candidate: null };
  }
  if (loudest !== stage.candidate) return { ...stage, candidate: loudest, candidateSinceMs: nowMs };
  const hasRisen = nowMs - stage.candidateSinceMs >= RISE_MS;
  const isFree = stage.peer === null || nowMs - stage.sinceMs >= HOLD_MS;
  if (!hasRisen || !isFree) return stage;
  return { peer: loudest, sinceMs: nowMs, candidate: null, candidateSinceMs: 0 };
}

/** In the spotlight first, then others (those with pictures, then those who speak or came first), then myself, then whose line is lost. */
export function tileOrder(state: RoomState, speakers: readonly string[]): Peer[] {
  const rank = (peer: Peer): number => {
    const lit = state.spotlight.indexOf(peer.id);
    if (lit >= 0 && peer.is_here) return lit - 10;
    if (peer.id === state.me) return 3;
    if (!peer.is_here) return 4;
    if (isTrackOn(peer, 'camera')) return 0;
    if (peer.role === 'facilitator' || peer.role === 'presenter') return 1;
    return speakers.includes(peer.id) ? 1 : 2;
  };
  return state.peers
    .filter((peer) => (peer.role !== 'interpreter' && peer.role !== 'observer') || state.spotlight.includes(peer.id))
    .map((peer, index) => ({ peer, index, rank: rank(peer) }))
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .map((entry) => entry.peer);
}

/** Who shares a screen, in order of arrival; oneself too. */
export function screensOf(state: RoomState): Peer[] {
  return state.peers.filter((peer) => isTrackOn(peer, 'screen'));
}
