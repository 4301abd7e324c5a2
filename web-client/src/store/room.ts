/**
 * A room from one person's side. Components ask it; it asks the server, waits for the fact, and components draw the
 * signals. Made when the person presses Join, ended by `leave()` or by the server.
 */
import { computed, signal } from '@preact/signals';
import type { ClassroomMessage, ClassroomRequest, Reaction } from '../protocol/classroom';
import type { Role } from '../protocol/objects';
import type {
  Admitted, ClientRequest, LineFigures, PictureMode, RoomEvent, ServerMessage, Source, Welcome,
} from '../protocol/signalling';
import type { PublishedSource, SentSource } from '../rtc/publisher';
import { mixSound, type SoundMix } from '../rtc/sound-mix';
import { applyClassroomMessage } from './classroom-state';
import { LineMeter, type LineReading } from './line-meter';
import type { LocalMedia } from './local-media';
import { readPreference, readTabValue, writePreference, writeTabValue } from './preferences';
import { RequestError, RoomLine, type HelloFields, type LineEnd } from './room-line';
import { RoomMedia } from './room-media';
import {
  applyRoomEvent, findPeer, nextStageSpeaker, NO_SPEAKER, roomStateOf, slotOf,
  type RoomState, type StageSpeaker,
} from './room-state';
import { ScreenShare, type ShareFailure } from './screen-share';

export type RoomPhase = 'connecting' | 'here' | 'reconnecting' | 'over';

export interface PendingChat {
  key: string;
  text: string;
  to: string;
  /** The server's code when it was refused; null: on its way. */
  failure: string | null;
}

/** What the interface should tell the person, once. */
export type RoomNotice =
  | { kind: 'request-failed'; request: string; code: string }
  | { kind: 'muted-by-host'; source: Source }
  | { kind: 'device-lost'; source: PublishedSource }
  | { kind: 'device-failed'; source: PublishedSource }
  | { kind: 'share-failed'; failure: ShareFailure }
  | { kind: 'message'; message: ClassroomMessage }
  | { kind: 'admitted' }
  | { kind: 'event'; event: RoomEvent; before: RoomState }
  | { kind: 'back'; missedMessages: number };

export interface RoomOptions {
  hello: () => HelloFields;
  /** Names the tab's stored resume token: the event's id. */
  place: string;
  media: LocalMedia;
  startWith: Readonly<Record<PublishedSource, boolean>>;
  onNotice: (notice: RoomNotice) => void;
}

export interface ShownReaction {
  id: number;
  name: Reaction;
  count: number;
  peers: readonly string[];
}

export interface LiveCaption {
  peer: string;
  text: string;
}

export type Pointer = Extract<ClassroomMessage, { kind: 'pointer' }>;
export type HandOver = Extract<ClassroomMessage, { kind: 'hand-over' }>;

const REACTION_SHOWN_MS = 4_000;
const HEARTBEAT_MS = 15_000;
const STAGE_TICK_MS = 500;
const SLOTS_AFTER_WELCOME_MS = 700;
const METER_MS = 2_000;
/** So long without a tick: the device slept. */
const SLEPT_MS = 5_000;
const PICTURE_MODES: readonly PictureMode[] = ['all', 'one', 'audio'];

export class RoomStore {
  readonly phase = signal<RoomPhase>('connecting');
  readonly end = signal<LineEnd | null>(null);
  readonly room = signal<RoomState | null>(null);
  readonly role = signal<Role>('participant');
  readonly may = signal<ReadonlySet<string>>(new Set());
  readonly retryAt = signal<number | null>(null);
  readonly speakers = signal<readonly string[]>([]);
  readonly stage = signal<StageSpeaker>(NO_SPEAKER);
  readonly lines = signal<ReadonlyMap<string, LineFigures>>(new Map());
  readonly pendingChat = signal<readonly PendingChat[]>([]);
  readonly isOn = { microphone: signal(false), camera: signal(false) } as const;
  readonly isHandPending = signal(false);
  readonly isRecordPending = signal(false);
  readonly isSessionPending = signal(false);
  readonly pictureMode = signal<PictureMode>(rememberedPictureMode());
  /** What all that is received may take, the person's own choice; 0: no limit. */
  readonly limitKbit = signal(rememberedLimit());
  /** What the line carries; null: nothing stands. */
  readonly reading = signal<LineReading | null>(null);
  /** In the lobby. */
  readonly isWaiting = signal(false);
  /** What a facilitator said when not letting us in. */
  readonly refusal = signal<string | null>(null);
  readonly reactions = signal<readonly ShownReaction[]>([]);
  readonly pointer = signal<Pointer | null>(null);
  readonly handOver = signal<HandOver | null>(null);
  /** Words that are not final yet, by language. */
  readonly liveCaptions = signal<ReadonlyMap<string, LiveCaption>>(new Map());
  readonly me = computed(() => {
    const room = this.room.value;
    return room === null ? null : findPeer(room, room.me) ?? null;
  });

  readonly line: RoomLine;
  readonly media: RoomMedia;
  readonly local: LocalMedia;
  readonly #options: RoomOptions;
  readonly #stop = new AbortController();
  #iceServers: RTCIceServer[] = [];
  readonly #meter = new LineMeter();
  #viewed: readonly string[] = [];
  #large = 0;
  #wantedHand: boolean | null = null;
  #lastChatId = 0;
  #nextReaction = 1;
  #mix: SoundMix | null = null;
  readonly screen = new ScreenShare(() => void this.#screenChanged());

  constructor(options: RoomOptions) {
    this.#options = options;
    this.local = options.media;
    this.isOn.microphone.value = options.startWith.microphone && options.media.microphone.track.value !== null;
    this.isOn.camera.value = options.startWith.camera && options.media.camera.track.value !== null;
    this.line = new RoomLine({
      hello: options.hello,
      resume: readTabValue(`resume.${options.place}`),
      signal: this.#stop.signal,
      handlers: {
        onWelcome: (welcome, isResumed) => this.#onWelcome(welcome, isResumed),
        onMessage: (message) => this.#onMessage(message),
        onLost: (retryInMs) => this.#onLost(retryInMs),
        onEnd: (end) => this.#onEnd(end),
      },
    });
    this.media = new RoomMedia(this.line, options.media.cameraQuality, (source) => this.#sentTrack(source));
    this.local.onLost = (source) => this.#onDeviceLost(source);
    this.#keepTime();
  }

  start(): void {
    this.line.start();
  }

  /** The link's, for what goes over HTTP: slides. */
  get token(): string {
    return this.#options.hello().token;
  }

  async leave(): Promise<void> {
    this.#forgetPlace();
    await this.line.leave();
  }

  /** Lets go of everything without a goodbye: the page is going away and may come back. */
  dispose(): void {
    this.media.stop();
    this.screen.close();
    this.#mixShared();
    this.local.onLost = null;
    this.#stop.abort();
  }

  // ---- what the person asks

  async setSource(source: PublishedSource, wanted: boolean): Promise<void> {
    if (wanted && !(await this.local.open(source))) {
      if (this.local[source].failure.value !== null) this.#options.onNotice({ kind: 'device-failed', source });
      return;
    }
    this.isOn[source].value = wanted;
    if (wanted && this.#isLive) this.media.startPublishing();
    if (source === 'microphone') this.#mix?.setMicrophone(wanted ? this.local.microphone.track.value : null);
    await this.media.sourceChanged(source);
    // The camera's light goes out; the microphone stays open so that unmuting is instant.
    if (!wanted && source === 'camera') this.local.close('camera');
  }

  /** Must be called from a press: the browser asks what to share. */
  async shareScreen(): Promise<void> {
    const failure = await this.screen.open();
    if (failure !== null) {
      if (failure !== 'refused') this.#options.onNotice({ kind: 'share-failed', failure });
      return;
    }
    await this.#screenChanged();
  }

  async stopScreen(): Promise<void> {
    this.screen.close();
    await this.#screenChanged();
  }

  async #screenChanged(): Promise<void> {
    const hadSound = this.#mix !== null;
    this.#mixShared();
    if (this.screen.track.value !== null && this.#isLive) this.media.startPublishing();
    await this.media.sourceChanged('screen');
    if (hadSound || this.#mix !== null) await this.media.sourceChanged('microphone');
  }

  #mixShared(): void {
    this.#mix?.close();
    this.#mix = null;
    const sound = this.screen.sound.value;
    if (sound === null) return;
    this.#mix = mixSound(sound);
    this.#mix.setMicrophone(this.isOn.microphone.value ? this.local.microphone.track.value : null);
  }

  /** The sound of a shared screen goes out on the microphone's track, whether the microphone is on or not. */
  #sentTrack(source: SentSource): MediaStreamTrack | null {
    if (source === 'screen') return this.screen.track.value;
    if (source === 'microphone' && this.#mix !== null) return this.#mix.track;
    return this.isOn[source].value ? this.local[source].track.value : null;
  }

  /** Asks for what is answered yes or no; what went wrong is said by a notice. */
  async request(request: ClassroomRequest): Promise<boolean> {
    try {
      await this.line.tell(request);
      return true;
    } catch (error) {
      this.#report(request.kind, error);
      return false;
    }
  }

  /** For what is said often and need not arrive: pointers, words that are not final. */
  hint(request: ClassroomRequest): void {
    if (this.line.isOpen) this.line.tell(request).catch(() => undefined);
  }

  /** Which channel to hear. Shown at once; the server keeps it for this place. */
  async hear(channel: string, withFloor: boolean): Promise<void> {
    if (!(await this.request({ kind: 'hear', channel, with_floor: withFloor }))) return;
    this.#changeMine({ hear: channel, with_floor: withFloor });
  }

  async voteQuestion(question: number, on: boolean): Promise<void> {
    if (!(await this.request({ kind: 'vote-question', question, on }))) return;
    const others = (this.room.value?.mine.questions ?? []).filter((id) => id !== question);
    this.#changeMine({ questions: on ? [...others, question] : others });
  }

  async vote(poll: number, options: number[]): Promise<boolean> {
    if (!(await this.request({ kind: 'vote', poll, options }))) return false;
    this.#changeMine({ polls: { ...this.room.value?.mine.polls, [poll]: options } });
    return true;
  }

  #changeMine(change: Partial<RoomState['mine']>): void {
    const room = this.room.value;
    if (room !== null) this.room.value = { ...room, mine: { ...room.mine, ...change } };
  }

  async setHand(raised: boolean): Promise<void> {
    this.#wantedHand = raised;
    await this.#flushHand();
  }

  async lowerHandOf(peer: string): Promise<void> {
    await this.#try('hand', () => this.line.tell({ kind: 'hand', raised: false, peer }));
  }

  sendChat(text: string, to = 'all'): void {
    const key = makeKey();
    this.pendingChat.value = [...this.pendingChat.value, { key, text, to, failure: null }];
    void this.#flushChat(key);
  }

  retryChat(key: string): void {
    this.#changePending(key, null);
    void this.#flushChat(key);
  }

  dropChat(key: string): void {
    this.pendingChat.value = this.pendingChat.value.filter((message) => message.key !== key);
  }

  async startSession(): Promise<void> {
    this.isSessionPending.value = true;
    await this.#try('start-session', () => this.line.tell({ kind: 'start-session' }));
    this.isSessionPending.value = false;
  }

  async endSession(): Promise<void> {
    this.isSessionPending.value = true;
    await this.#try('end-session', () => this.line.tell({ kind: 'end-session' }));
    this.isSessionPending.value = false;
  }

  async setRecording(on: boolean): Promise<void> {
    this.isRecordPending.value = true;
    await this.#try('record', () => this.line.tell({ kind: 'record', on }));
    this.isRecordPending.value = false;
  }

  /** The part ends; going on begins the next one of the same recording. */
  async pauseRecording(on: boolean): Promise<void> {
    this.isRecordPending.value = true;
    await this.#try('record', () => this.line.tell({ kind: 'pause-recording', on }));
    this.isRecordPending.value = false;
  }

  async setConsent(answer: 'yes' | 'no'): Promise<void> {
    await this.#try('consent', () => this.line.tell({ kind: 'consent', answer }));
  }

  async markMoment(): Promise<void> {
    await this.#try('marker', () => this.line.tell({ kind: 'marker', text: '' }));
  }

  async mutePeer(peer: string, source: Source): Promise<void> {
    await this.#try('mute-peer', () => this.line.tell({ kind: 'mute-peer', peer, source }));
  }

  async removePeer(peer: string): Promise<void> {
    await this.#try('remove-peer', () => this.line.tell({ kind: 'remove-peer', peer }));
  }

  async rename(name: string): Promise<void> {
    await this.#try('rename', () => this.line.tell({ kind: 'rename', name }));
  }

  async chooseDevice(source: PublishedSource, deviceId: string): Promise<void> {
    const opened = await this.local.choose(source, deviceId);
    if (!opened) {
      this.isOn[source].value = false;
      this.#options.onNotice({ kind: 'device-failed', source });
    }
    await this.media.sourceChanged(source);
  }

  setPictureMode(mode: PictureMode): void {
    this.pictureMode.value = mode;
    writePreference('picture-mode', mode);
    this.#sendView();
  }

  setLimit(kbit: number): void {
    this.limitKbit.value = kbit;
    writePreference('limit-kbit', kbit === 0 ? null : String(kbit));
    this.#sendView();
  }

  /** Whose pictures are on screen, most wanted first; the first @large of them are shown large. */
  setViewed(peers: readonly string[], large: number): void {
    const isSame = peers.length === this.#viewed.length && peers.every((peer, index) => peer === this.#viewed[index]);
    if (isSame && large === this.#large) return;
    this.#viewed = [...peers];
    this.#large = large;
    this.#sendView();
  }

  pictureOf(peer: string, source: 'camera' | 'screen' = 'camera'): MediaStream | null {
    if (this.pictureMode.value === 'audio') return null;
    return this.media.streamOf(slotOf(this.media.slots.value, peer, source));
  }

  /** Why that picture stands still. */
  heldOf(peer: string, source: 'camera' | 'screen' = 'camera'): 'line' | 'limit' | null {
    const held = this.media.slots.value.find((slot) => slot.peer === peer && slot.source === source)?.held ?? null;
    return held === 'small' ? null : held;
  }

  // ---- what the line tells

  get #isLive(): boolean {
    return this.room.value?.session.state === 'live';
  }

  #onWelcome(welcome: Welcome, isResumed: boolean): void {
    const wasReconnecting = this.phase.value === 'reconnecting';
    writeTabValue(`resume.${this.#options.place}`, welcome.resume);
    this.#iceServers = welcome.ice_servers;
    this.role.value = welcome.role;
    this.may.value = new Set(welcome.may);
    this.isWaiting.value = welcome.is_waiting;
    this.room.value = roomStateOf(welcome.state, welcome.peer);
    this.phase.value = 'here';
    this.retryAt.value = null;
    const chat = welcome.state.chat;
    const missed = chat.filter((message) => message.id > this.#lastChatId).length;
    this.#lastChatId = chat.at(-1)?.id ?? this.#lastChatId;
    if (wasReconnecting) this.#options.onNotice({ kind: 'back', missedMessages: missed });
    if (welcome.state.session.state === 'ended') {
      this.#onEnd({ why: 'over' });
      return;
    }
    if (welcome.is_waiting) return;
    // Before anything is received: the limit binds from the first packet.
    this.#sendView();
    if (this.#isLive) {
      this.#startMedia();
      if (isResumed && wasReconnecting) this.#checkMedia();
    }
    if (!wasReconnecting) this.#hearRemembered();
    for (const message of this.pendingChat.value) void this.#flushChat(message.key);
    void this.#flushHand();
  }

  #onMessage(message: Exclude<ServerMessage, { kind: 'reply' }>): void {
    switch (message.kind) {
      case 'event':
        this.#onEvent(message.seq, message.event);
        break;
      case 'slots':
        this.media.slots.value = message.slots;
        break;
      case 'speakers':
        this.speakers.value = message.peers;
        this.#updateStage();
        break;
      case 'media-restart':
        this.media.restart();
        break;
      case 'muted-by-host':
        this.#onMutedByHost(message.source);
        break;
      case 'line':
        this.lines.value = new Map(message.peers.map((figures) => [figures.peer, figures]));
        break;
      case 'admitted':
        this.#onAdmitted(message);
        break;
      default:
        this.#onClassroom(message);
    }
  }

  #onAdmitted(message: Admitted): void {
    const me = this.room.value?.me;
    if (me === undefined) return;
    this.isWaiting.value = false;
    this.role.value = message.role;
    this.may.value = new Set(message.may);
    this.room.value = roomStateOf(message.state, me);
    this.#lastChatId = message.state.chat.at(-1)?.id ?? this.#lastChatId;
    this.#sendView();
    if (this.#isLive) this.#startMedia();
    this.#hearRemembered();
    this.#options.onNotice({ kind: 'admitted' });
  }

  /** The language chosen before joining, or the last time. Interpreters choose at their desk. */
  #hearRemembered(): void {
    const wanted = readPreference('hear');
    const room = this.room.value;
    if (wanted === null || room === null || this.may.value.has('interpret') || wanted === room.mine.hear) return;
    if (wanted === 'floor' || room.session.languages.includes(wanted)) void this.hear(wanted, room.mine.with_floor);
  }

  #onClassroom(message: ClassroomMessage): void {
    const room = this.room.value;
    if (room === null) return;
    switch (message.kind) {
      case 'you':
        this.#onMyRole(message.role, message.may);
        break;
      case 'refused':
        this.refusal.value = message.text;
        break;
      case 'reactions':
        for (const item of message.items) this.#showReaction(item);
        break;
      case 'pointer':
        this.pointer.value = message.on ? message : null;
        break;
      case 'hand-over':
        this.handOver.value = message.step === 'cancelled' ? null : message;
        break;
      case 'caption':
        this.liveCaptions.value = new Map(this.liveCaptions.value).set(message.language, message);
        break;
      default:
        this.room.value = { ...room, ...applyClassroomMessage(room, message) };
    }
    this.#options.onNotice({ kind: 'message', message });
  }

  /** A permission that is gone ends what it allowed. */
  #onMyRole(role: Role, may: readonly string[]): void {
    this.role.value = role;
    this.may.value = new Set(may);
    if (!this.may.value.has('share') && this.screen.track.value !== null) void this.stopScreen();
    if (this.may.value.has('speak')) return;
    if (this.isOn.microphone.value) void this.setSource('microphone', false);
    if (this.isOn.camera.value) void this.setSource('camera', false);
  }

  #showReaction(item: { name: Reaction; count: number; peers: string[] }): void {
    const id = this.#nextReaction++;
    this.reactions.value = [...this.reactions.value.slice(-11), { id, ...item }];
    const timer = setTimeout(() => {
      this.reactions.value = this.reactions.value.filter((one) => one.id !== id);
    }, REACTION_SHOWN_MS);
    this.#stop.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }


  #onMutedByHost(source: Source): void {
    const wasOn = source === 'screen' ? this.screen.track.value !== null : this.isOn[source].value;
    if (source === 'screen') void this.stopScreen();
    else void this.setSource(source, false);
    if (wasOn) this.#options.onNotice({ kind: 'muted-by-host', source });
  }

  #onEvent(seq: number, event: RoomEvent): void {
    const before = this.room.value;
    if (before === null) return;
    const after = applyRoomEvent(before, seq, event);
    if (after === before) return;
    this.room.value = after;
    if (event.type === 'chat') this.#lastChatId = event.chat.id;
    if (event.type === 'caption') {
      const live = new Map(this.liveCaptions.value);
      live.delete(event.caption.language);
      this.liveCaptions.value = live;
    }
    if (event.type === 'muted-all' && event.peers.includes(before.me)) this.#onMutedByHost(event.source);
    if (event.type === 'slides' || event.type === 'page') this.pointer.value = null;
    if (event.type === 'session' && event.state === 'live') this.#startMedia();
    if (event.type === 'session' && event.state === 'ended') {
      this.#onEnd({ why: 'over' });
      return;
    }
    this.#options.onNotice({ kind: 'event', event, before });
  }

  #onLost(retryInMs: number): void {
    if (this.phase.value === 'here') this.phase.value = 'reconnecting';
    this.retryAt.value = Date.now() + retryInMs;
  }

  #onEnd(end: LineEnd): void {
    if (this.phase.value === 'over') return;
    if (end.why === 'refused' || end.why === 'removed' || end.why === 'over') this.#forgetPlace();
    this.end.value = this.refusal.value !== null && end.why === 'removed' ? { why: 'not-admitted' } : end;
    this.phase.value = 'over';
    this.media.stop();
    this.screen.close();
    this.#mixShared();
    this.local.onLost = null;
    this.local.closeAll();
    this.isOn.microphone.value = false;
    this.isOn.camera.value = false;
    this.#stop.abort();
  }

  #onDeviceLost(source: PublishedSource): void {
    this.isOn[source].value = false;
    void this.media.sourceChanged(source);
    this.#options.onNotice({ kind: 'device-lost', source });
  }

  // ---- own works

  /**
   * A server that still has our connections says `slots` right after the welcome. One that was restarted does not,
   * and our side would notice only when ICE gives up, a quarter of a minute later.
   */
  #checkMedia(): void {
    let isKnown = false;
    const stopListening = this.media.slots.subscribe(() => { isKnown = true; });
    isKnown = false;
    const timer = setTimeout(() => {
      stopListening();
      if (!isKnown) {
        this.media.restart();
        return;
      }
      this.media.restartBroken();
      void this.media.tellSources();
    }, SLOTS_AFTER_WELCOME_MS);
    this.#stop.signal.addEventListener('abort', () => {
      stopListening();
      clearTimeout(timer);
    }, { once: true });
  }

  #startMedia(): void {
    const hasSource = this.isOn.microphone.value || this.isOn.camera.value || this.screen.track.value !== null;
    this.media.start(this.#iceServers, hasSource && this.may.value.has('speak'));
  }

  #keepTime(): void {
    const { signal: stopped } = this.#stop;
    const heartbeat = setInterval(() => this.#sendView(), HEARTBEAT_MS);
    let tickedMs = Date.now();
    const stage = setInterval(() => {
      // The wall's clock goes on while the laptop is closed; the timers do not.
      if (Date.now() - tickedMs > SLEPT_MS) this.line.wake(this.#viewRequest());
      tickedMs = Date.now();
      this.#updateStage();
    }, STAGE_TICK_MS);
    const meter = setInterval(() => void this.#readMeter(), METER_MS);
    stopped.addEventListener('abort', () => {
      clearInterval(heartbeat);
      clearInterval(stage);
      clearInterval(meter);
    }, { once: true });
    globalThis.addEventListener?.('online', () => this.line.retryNow(), { signal: stopped });
  }

  async #readMeter(): Promise<void> {
    const figures = await this.media.figures().catch(() => ({}));
    if (!this.#stop.signal.aborted) this.reading.value = this.#meter.read(figures, performance.now());
  }

  #updateStage(): void {
    const me = this.room.value?.me;
    const loudest = this.speakers.value.find((peer) => peer !== me) ?? null;
    const next = nextStageSpeaker(this.stage.value, loudest, performance.now());
    if (next !== this.stage.value) this.stage.value = next;
  }

  /** Also the heartbeat: a dead line shows by the missing reply. */
  #sendView(): void {
    if (this.line.isOpen) this.line.tell(this.#viewRequest()).catch(() => undefined);
  }

  #viewRequest(): ClientRequest {
    return {
      kind: 'view',
      peers: this.#viewed.slice(0, 16),
      large: this.#large,
      mode: this.pictureMode.value,
      limit_kbit: this.limitKbit.value,
    };
  }

  async #flushHand(): Promise<void> {
    const raised = this.#wantedHand;
    if (raised === null || !this.line.isOpen) return;
    this.isHandPending.value = true;
    try {
      await this.line.tell({ kind: 'hand', raised });
      if (this.#wantedHand === raised) this.#wantedHand = null;
    } catch (error) {
      if (isLineLost(error)) return;
      this.#wantedHand = null;
      this.#report('hand', error);
    } finally {
      this.isHandPending.value = false;
    }
  }

  async #flushChat(key: string): Promise<void> {
    const message = this.pendingChat.value.find((one) => one.key === key);
    if (message === undefined || message.failure !== null || !this.line.isOpen) return;
    try {
      await this.line.tell({ kind: 'chat', text: message.text, key, ...(message.to !== 'all' && { to: message.to }) });
      this.dropChat(key);
    } catch (error) {
      if (isLineLost(error)) return;
      this.#changePending(key, error instanceof RequestError ? error.code : 'bad-message');
    }
  }

  #changePending(key: string, failure: string | null): void {
    this.pendingChat.value = this.pendingChat.value.map((message) =>
      (message.key === key ? { ...message, failure } : message));
  }

  async #try(request: string, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.#report(request, error);
    }
  }

  #report(request: string, error: unknown): void {
    // The room is over: that the request for its end found no line any more is no failure.
    if (this.#stop.signal.aborted) return;
    const code = error instanceof RequestError ? error.code : 'bad-message';
    this.#options.onNotice({ kind: 'request-failed', request, code });
  }

  #forgetPlace(): void {
    writeTabValue(`resume.${this.#options.place}`, null);
  }
}

function isLineLost(error: unknown): boolean {
  return error instanceof RequestError && (error.code === 'line-lost' || error.code === 'timeout');
}

export function makeKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Choices of the data saver, in kbit/s; 0: no limit. */
export const LIMITS_KBIT: readonly number[] = [0, 2000, 1000, 500, 250, 120];

export function rememberedLimit(): number {
  const remembered = Number(readPreference('limit-kbit') ?? 0);
  return LIMITS_KBIT.includes(remembered) ? remembered : 0;
}

function rememberedPictureMode(): PictureMode {
  const remembered = readPreference('picture-mode');
  return PICTURE_MODES.find((mode) => mode === remembered) ?? 'all';
}
