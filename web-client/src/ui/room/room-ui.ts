/** What the room shows and where: panel, layout, dialogs, notices. The room itself is store/room.ts. */
import { signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { pickText } from '../../i18n/bilingual';
import { t as common } from '../../i18n/common';
import { reasonText, t } from '../../i18n/room';
import { language, type Language } from '../../i18n/language';
import { announce, BatchedAnnouncer } from '../../store/announcer';
import { readPreference, writePreference } from '../../store/preferences';
import type { RoomNotice, RoomStore } from '../../store/room';
import { findPeer, type RoomState } from '../../store/room-state';
import type { ClassroomMessage, Floor } from '../../protocol/classroom';
import type { RoomEvent } from '../../protocol/signalling';

export type Panel =
  | 'people' | 'chat' | 'questions' | 'polls' | 'agenda' | 'slides' | 'listen' | 'captions' | 'host' | 'more';
export type Layout = 'presentation' | 'speaker' | 'gallery';
export const LAYOUTS: readonly Layout[] = ['presentation', 'speaker', 'gallery'];
export type RoomDialog = 'settings' | 'keys' | 'leave' | 'end' | 'record-start' | 'record-stop' | { remove: string };

export interface Toast {
  id: number;
  text: string;
  /** The interface's language when it was said. */
  lang: Language;
  tone: 'info' | 'error' | 'record';
}

const FLOOR_LEVEL = 15;
const TOAST_MS = 7_000;
const ERROR_TOAST_MS = 15_000;

export class RoomUi {
  readonly panel = signal<Panel | null>(null);
  readonly layout = signal<Layout>(LAYOUTS.find((one) => one === readPreference('layout')) ?? 'presentation');
  /** Which of several shared things is large: a peer's id, or `slides`; null: the newest. */
  readonly shared = signal<string | null>(null);
  readonly pinned = signal<string | null>(null);
  readonly page = signal(0);
  readonly dialog = signal<RoomDialog | null>(null);
  readonly toasts = signal<readonly Toast[]>([]);
  readonly unread = signal(0);
  readonly needsPressToHear = signal(false);
  /** How loud the floor is under an interpretation, in percent. */
  readonly floorLevel = signal(rememberedLevel());
  /** The language of the captions under the stage; null: none. */
  readonly captions = signal<string | null>(readPreference('room-captions'));
  readonly hasSingleKeys = signal(readPreference('single-keys') !== 'no');
  readonly chatTo = signal('all');
  readonly newQuestions = signal(0);
  readonly announcesChat = signal(readPreference('announce-chat') !== 'no');
  /** The text being written: kept when the panel closes or the line is lost. */
  readonly draft = signal('');
  readonly #arrivals: BatchedAnnouncer;
  readonly #signal: AbortSignal;
  #nextToast = 1;
  #waiting = 0;

  constructor(stop: AbortSignal) {
    this.#signal = stop;
    this.#arrivals = new BatchedAnnouncer((kind, names) => {
      const text = t.count(kind === 'joined' ? 'notice.joined' : 'notice.left', names.length, {
        names: names.slice(0, 5).join(language.value === 'ja' ? '、' : ', '),
      });
      announce(text);
      this.toast(text, 'info');
    }, stop);
  }

  toast(text: string, tone: Toast['tone']): void {
    const id = this.#nextToast++;
    this.toasts.value = [...this.toasts.value.slice(-2), { id, text, lang: language.value, tone }];
    const timer = setTimeout(() => this.dropToast(id), tone === 'error' ? ERROR_TOAST_MS : TOAST_MS);
    this.#signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }

  dropToast(id: number): void {
    this.toasts.value = this.toasts.value.filter((toast) => toast.id !== id);
  }

  togglePanel(panel: Panel): void {
    this.panel.value = this.panel.value === panel ? null : panel;
    if (this.panel.value === 'chat') this.unread.value = 0;
    if (this.panel.value === 'questions') this.newQuestions.value = 0;
  }

  openPanel(panel: Panel): void {
    if (this.panel.value !== panel) this.togglePanel(panel);
  }

  nextLayout(): void {
    const index = LAYOUTS.indexOf(this.layout.value);
    const next = LAYOUTS[(index + 1) % LAYOUTS.length] ?? 'presentation';
    this.setLayout(next);
    announce(t(`settings.layout-${next}`));
  }

  setFloorLevel(percent: number): void {
    this.floorLevel.value = percent;
    writePreference('floor-level', String(percent));
  }

  setCaptions(language: string | null): void {
    this.captions.value = language;
    writePreference('room-captions', language);
  }

  setSingleKeys(on: boolean): void {
    this.hasSingleKeys.value = on;
    writePreference('single-keys', on ? null : 'no');
  }

  setLayout(layout: Layout): void {
    this.layout.value = layout;
    this.page.value = 0;
    writePreference('layout', layout);
  }

  setAnnouncesChat(on: boolean): void {
    this.announcesChat.value = on;
    writePreference('announce-chat', on ? null : 'no');
  }

  #say(text: string, tone: Toast['tone'], urgency: 'polite' | 'assertive'): void {
    announce(text, urgency);
    this.toast(text, tone);
  }

  readonly onNotice = (notice: RoomNotice): void => {
    switch (notice.kind) {
      case 'request-failed': {
        const key = `failed.${notice.request}`;
        const reason = reasonText(notice.code);
        this.#say(t(t.has(key) ? key : 'failed.other', { reason }), 'error', 'assertive');
        break;
      }
      case 'muted-by-host':
        this.#say(t(`notice.muted.${notice.source}`), 'info', 'assertive');
        break;
      case 'device-lost':
        this.#say(t(`device.lost.${notice.source}`), 'error', 'assertive');
        break;
      case 'device-failed':
        // The store's failure says why; the settings and the toast show the same text.
        this.onDeviceFailed(notice.source);
        break;
      case 'back':
        this.#say(
          notice.missedMessages > 0 ? t.count('line.back-missed', notice.missedMessages) : t('line.back'),
          'info', 'polite');
        break;
      case 'share-failed':
        this.#say(t(`share.${notice.failure === 'unsupported' ? 'unsupported' : 'failed'}`), 'error', 'assertive');
        break;
      case 'admitted':
        this.#say(t('notice.admitted'), 'info', 'assertive');
        break;
      case 'message':
        this.#onMessage(notice.message);
        break;
      case 'event':
        this.#onEvent(notice.event, notice.before);
        break;
    }
  };

  /** Set by the room's view: the name of a peer. */
  nameOf: (peer: string) => string = () => '';

  #onMessage(message: ClassroomMessage): void {
    switch (message.kind) {
      case 'you':
        this.#say(t('notice.role', { role: common(`role.${message.role}`) }), 'info', 'assertive');
        break;
      case 'slower':
        this.#say(t('notice.slower'), 'info', 'assertive');
        break;
      case 'lobby':
        if (message.lobby.length > this.#waiting) this.#say(t.count('notice.lobby', message.lobby.length), 'info', 'polite');
        this.#waiting = message.lobby.length;
        break;
      case 'hand-over':
        this.#say(t(`notice.hand-over-${message.step}`, { name: this.nameOf(message.from) }), 'info', 'assertive');
        break;
      default:
        break;
    }
  }

  /** Set by the room's view, which knows the store. */
  onDeviceFailed: (source: 'microphone' | 'camera') => void = () => undefined;

  sayDeviceFailure(store: RoomStore, source: 'microphone' | 'camera'): void {
    const failure = store.local[source].failure.value;
    if (failure !== null) this.#say(t(`device.${source}.${failure}`), 'error', 'assertive');
  }

  #onEvent(event: RoomEvent, before: RoomState): void {
    switch (event.type) {
      case 'peer-joined':
        if (event.peer.id !== before.me) this.#arrivals.add('joined', event.peer.name);
        break;
      case 'peer-left': {
        const peer = findPeer(before, event.peer);
        if (peer !== undefined && peer.id !== before.me) this.#arrivals.add('left', peer.name);
        if (this.pinned.value === event.peer) this.pinned.value = null;
        break;
      }
      case 'recording': {
        if (event.state === before.recording.state) break;
        const failed = event.state === 'failed';
        this.#say(t(`notice.recording-${event.state}`), failed ? 'error' : 'record', 'assertive');
        break;
      }
      case 'recording-hole':
        this.#say(t(event.code === 'slow-disk' ? 'notice.recording-slow' : 'notice.recording-hole'), 'error', 'polite');
        break;
      case 'marker':
        this.#say(t('notice.marker'), 'info', 'polite');
        break;
      case 'session':
        if (event.state === 'live') this.#say(t('notice.session-live'), 'info', 'assertive');
        break;
      case 'hand':
        this.#onHands(event.order, before);
        break;
      case 'chat':
        if (event.chat.peer === before.me) break;
        if (this.panel.value !== 'chat') this.unread.value++;
        if (event.chat.to.startsWith('booth:') || event.chat.to === before.me) {
          this.#say(t('chat.announce', { name: event.chat.name, text: event.chat.text }), 'info', 'polite');
        } else if (this.announcesChat.value) {
          announce(t('chat.announce', { name: event.chat.name, text: event.chat.text }));
        }
        break;
      case 'floor':
        this.#onFloor(event.floor, before);
        break;
      case 'question':
        if (!('text' in event.question) || event.question.peer === before.me) break;
        if (before.questions.some((one) => one.id === event.question.id)) break;
        if (this.panel.value !== 'questions') this.newQuestions.value++;
        announce(t('notice.question', { name: event.question.name }));
        break;
      case 'poll':
        if (event.poll.state === 'open' && before.polls.find((one) => one.id === event.poll.id)?.state !== 'open') {
          this.#say(t('notice.poll-open'), 'info', 'assertive');
        } else if (event.poll.state === 'closed') {
          announce(t('notice.poll-closed'));
        }
        break;
      case 'note':
        if (event.note !== null) announce(pickText(event.note.text_en, event.note.text_ja)?.text ?? '', 'assertive');
        break;
      case 'agenda': {
        const item = event.agenda.items[event.agenda.current];
        if (item === undefined || event.agenda.current === before.agenda.current) break;
        announce(t('notice.agenda', { title: pickText(item.title_en, item.title_ja)?.text ?? '' }));
        break;
      }
      case 'track-on': {
        const peer = findPeer(before, event.peer);
        if (event.source !== 'screen' || peer === undefined || peer.id === before.me) break;
        this.shared.value = peer.id;
        announce(t('notice.screen', { name: peer.name }));
        break;
      }
      case 'slides':
        if (event.slides.deck !== '' && event.slides.deck !== before.slides.deck) this.shared.value = 'slides';
        break;
      case 'settings':
        if (event.settings.phase !== before.settings.phase) {
          announce(t('notice.phase', { phase: t(`phase.${event.settings.phase}`) }));
        }
        break;
      default:
        break;
    }
  }

  #onFloor(floor: Floor | null, before: RoomState): void {
    if (floor?.peer === before.floor?.peer) return;
    if (floor?.peer === before.me) this.#say(t('notice.floor-mine'), 'info', 'assertive');
    else if (floor !== null) announce(t('notice.floor', { name: findPeer(before, floor.peer)?.name ?? '' }));
    else if (before.floor?.peer === before.me) this.#say(t('notice.floor-over'), 'info', 'assertive');
  }

  #onHands(order: readonly string[], before: RoomState): void {
    const myPlace = order.indexOf(before.me);
    const wasRaised = (findPeer(before, before.me)?.hand ?? null) !== null;
    if (myPlace >= 0 && !wasRaised) this.#say(t('notice.hand-mine', { n: myPlace + 1 }), 'info', 'polite');
    if (myPlace < 0 && wasRaised) this.#say(t('notice.hand-lowered'), 'info', 'polite');
    const newcomer = order.find((id) => id !== before.me && findPeer(before, id)?.hand === null);
    if (newcomer !== undefined) {
      this.#say(t('notice.hand-of', { name: findPeer(before, newcomer)?.name ?? '' }), 'info', 'polite');
    }
  }
}

function rememberedLevel(): number {
  const level = Number(readPreference('floor-level') ?? NaN);
  return level >= 0 && level <= 50 ? level : FLOOR_LEVEL;
}

export interface RoomContextValue {
  store: RoomStore;
  ui: RoomUi;
}

export const RoomContext = createContext<RoomContextValue | null>(null);

export function useRoom(): RoomContextValue {
  const value = useContext(RoomContext);
  if (value === null) throw new Error('outside of a room');
  return value;
}
