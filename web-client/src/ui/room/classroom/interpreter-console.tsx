/**
 * The interpreter's desk above the bar: what I hear, where I speak, on air or not, partner, cough key. The server keeps
 * who is on air; here the microphone is switched on first, so that no word goes into a closed line.
 */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { c } from '../../../i18n/classroom';
import { formatClock, languageName } from '../../../i18n/format';
import type { Channel } from '../../../protocol/classroom';
import { announce } from '../../../store/announcer';
import type { RoomStore } from '../../../store/room';
import { findPeer, type RoomState } from '../../../store/room-state';
import { Icon } from '../../parts/icon';
import { isShortcut } from '../../parts/ime';
import { PersonText } from '../../parts/parts';
import { LevelBars } from '../door/level-bars';
import { roomIcons } from '../room-icons';
import { useRoom } from '../room-ui';
import { useClock } from '../use-clock';

interface Desk {
  store: RoomStore;
  room: RoomState;
  booth: Channel | undefined;
  isOnAir: boolean;
  /** Others who sit here. */
  partners: readonly string[];
}

async function hasMicrophone({ store }: Desk): Promise<boolean> {
  if (!store.isOn.microphone.value) await store.setSource('microphone', true);
  return store.isOn.microphone.value;
}

async function switchAir(desk: Desk, on: boolean, take = false): Promise<void> {
  const { store } = desk;
  if (on && !await hasMicrophone(desk)) return;
  if (await store.request({ kind: 'on-air', on, take })) announce(c(on ? 'booth.said-on' : 'booth.said-off'), 'assertive');
}

async function stepHandOver(desk: Desk, step: 'ask' | 'accept' | 'cancel'): Promise<void> {
  if (step === 'accept' && !await hasMicrophone(desk)) return;
  await desk.store.request({ kind: 'hand-over', step });
}

function useDesk(): Desk | null {
  const { store } = useRoom();
  const room = store.room.value;
  const mine = store.me.value?.booth ?? null;
  if (room === null) return null;
  const booth = mine === null ? undefined : room.channels.find((one) => one.channel === mine);
  return {
    store, room, booth,
    isOnAir: booth !== undefined && booth.on_air === room.me,
    partners: booth?.interpreters.filter((one) => one !== room.me) ?? [],
  };
}

function Seat({ desk }: { desk: Desk }): JSX.Element {
  const { store, room } = desk;
  return (
    <div class="field">
      <label for="booth-seat">{c('booth.seat')}</label>
      <select id="booth-seat" value={store.me.value?.booth ?? 'floor'}
        onChange={(event) => void store.request({ kind: 'booth', channel: event.currentTarget.value })}>
        <option value="floor">{c('booth.no-seat')}</option>
        {room.session.languages.map((one) => <option key={one} value={one} lang={one}>{languageName(one)}</option>)}
      </select>
    </div>
  );
}

function Incoming({ desk }: { desk: Desk }): JSX.Element {
  const { store, room, booth } = desk;
  const relays = room.session.languages.filter((one) => one !== booth?.channel);
  return (
    <div class="field">
      <label for="booth-incoming">{c('booth.incoming')}</label>
      <select id="booth-incoming" value={room.mine.hear === booth?.channel ? 'floor' : room.mine.hear}
        onChange={(event) => void store.hear(event.currentTarget.value, event.currentTarget.value === 'floor')}>
        <option value="floor">{c('booth.floor')}</option>
        {relays.map((one) => <option key={one} value={one}>{c('booth.relay', { language: languageName(one) })}</option>)}
      </select>
    </div>
  );
}

/** Held by pointer or by key: the track is silent, the line stays. */
function useCough(desk: Desk): { isHeld: boolean; hold: (on: boolean) => void } {
  const [isHeld, setHeld] = useState(false);
  const track = desk.store.local.microphone.track.value;
  const hold = (on: boolean): void => {
    if (track !== null) track.enabled = !on;
    setHeld(on);
  };
  useEffect(() => () => { if (track !== null) track.enabled = true; }, [track]);
  return { isHeld, hold };
}

function Turn({ isOnAir }: { isOnAir: boolean }): JSX.Element | null {
  const since = useRef<number | null>(null);
  if (!isOnAir) since.current = null;
  else since.current ??= Date.now();
  const now = useClock(isOnAir);
  return since.current === null ? null
    : <span class="booth-turn">{c('booth.turn', { time: formatClock((now - since.current) / 1000) })}</span>;
}

function HandOverControls({ desk }: { desk: Desk }): JSX.Element {
  const { store, room, booth, isOnAir, partners } = desk;
  const handOver = store.handOver.value;
  const [endsAt, setEndsAt] = useState<number | null>(null);
  const now = useClock(endsAt !== null);
  useEffect(() => {
    setEndsAt(handOver?.step === 'counting' ? Date.now() + handOver.in_ms : null);
  }, [handOver]);
  // The swap shows in the channel: the handover is over.
  useEffect(() => {
    if (handOver !== null && booth !== undefined && booth.on_air !== handOver.from) store.handOver.value = null;
  }, [booth?.on_air]);
  const step = (name: 'ask' | 'accept' | 'cancel'): void => { void stepHandOver(desk, name); };
  const nameOf = (peer: string): string => findPeer(room, peer)?.name ?? '';
  const isMine = handOver?.channel === booth?.channel;
  if (handOver !== null && isMine) {
    return (
      <div class="booth-handover" data-hand-over={handOver.step}>
        {handOver.step === 'counting'
          ? <b>{c('booth.counting', { s: Math.max(0, Math.ceil(((endsAt ?? now) - now) / 1000)) })}</b>
          : handOver.from === room.me ? <span>{c('booth.asked')}</span>
          : <button type="button" class="button is-primary" onClick={() => step('accept')}>{c('booth.accept')}</button>}
        <button type="button" class="button" onClick={() => step('cancel')}>{c('booth.cancel')}</button>
      </div>
    );
  }
  const onAir = booth?.on_air ?? null;
  return (
    <div class="booth-handover">
      {onAir !== null && !isOnAir && (
        <>
          <PersonText text={c('booth.taken', { name: nameOf(onAir) })} />
          <button type="button" class="button" onClick={() => void switchAir(desk, true, true)}>{c('booth.take')}</button>
        </>
      )}
      {partners.length === 0 && <span class="quiet">{c('booth.alone')}</span>}
      {isOnAir && partners.length > 0 && (
        <>
          <PersonText text={c('booth.partner-ready', { name: partners.map(nameOf).join(', ') })} />
          <button type="button" class="button" onClick={() => step('ask')}>{c('booth.ask')}</button>
        </>
      )}
    </div>
  );
}

/** Space: on and off air. K held: cough. H: ask the partner, or accept. */
function useBoothKeys(desk: Desk | null, hold: (on: boolean) => void): void {
  const { ui } = useRoom();
  const current = useRef({ desk, hold });
  current.current = { desk, hold };
  useEffect(() => {
    const stop = new AbortController();
    addEventListener('keydown', (event) => {
      const { desk: now, hold: holdNow } = current.current;
      const target = event.target instanceof HTMLElement ? event.target : null;
      if (now?.booth === undefined || event.repeat || ui.dialog.value !== null || !ui.hasSingleKeys.value) return;
      if (!isShortcut(event, target)) return;
      if (event.key === ' ') {
        if (target?.closest('button, a, select, input, summary') != null) return;
        event.preventDefault();
        void switchAir(now, !now.isOnAir);
      } else if (event.key.toLowerCase() === 'k') {
        holdNow(true);
      } else if (event.key.toLowerCase() === 'h') {
        const asked = now.store.handOver.value;
        const isForMe = asked?.step === 'asked' && asked.from !== now.room.me;
        void stepHandOver(now, isForMe ? 'accept' : 'ask');
      }
    }, { signal: stop.signal });
    const release = (): void => current.current.hold(false);
    addEventListener('keyup', (event) => { if (event.key.toLowerCase() === 'k') release(); }, { signal: stop.signal });
    addEventListener('blur', release, { signal: stop.signal });
    return () => stop.abort();
  }, []);
}

export function InterpreterConsole(): JSX.Element | null {
  const { ui } = useRoom();
  const desk = useDesk();
  if (desk === null) return null;
  return <Console desk={desk} openChat={(channel) => {
    ui.chatTo.value = `booth:${channel}`;
    ui.openPanel('chat');
  }} />;
}

function Console({ desk, openChat }: { desk: Desk; openChat: (channel: string) => void }): JSX.Element {
  const { store, booth, isOnAir } = desk;
  const { isHeld, hold } = useCough(desk);
  useBoothKeys(desk, hold);
  const microphone = store.local.microphone.track.value;
  const onAirByOther = booth !== undefined && booth.on_air !== null && !isOnAir;
  return (
    <section class="booth" aria-label={c('booth.title')} data-booth={booth?.channel ?? ''} data-on-air={isOnAir ? 'yes' : 'no'}>
      <Seat desk={desk} />
      <Incoming desk={desk} />
      {booth !== undefined && (
        <>
          <div class="booth-air">
            <button type="button" class={isOnAir ? 'booth-button is-on' : 'booth-button'} aria-pressed={isOnAir} aria-disabled={onAirByOther}
              onClick={() => { if (!onAirByOther) void switchAir(desk, !isOnAir); }}>
              {c('booth.go-on-air')}
            </button>
            <span class="booth-facts">
              <b>{c(isOnAir ? 'booth.on-air' : 'booth.off-air')}</b>
              <span lang={booth.channel}>→ {languageName(booth.channel)}</span>
              <span class="quiet">{c.count('booth.listeners', booth.listeners)}</span>
              <Turn isOnAir={isOnAir} />
            </span>
          </div>
          <div class="booth-level" role="group" aria-label={c('booth.level')}>
            {microphone !== null && store.isOn.microphone.value && <LevelBars track={microphone} />}
            <button type="button" class={isHeld ? 'button is-held' : 'button'} aria-pressed={isHeld}
              onPointerDown={(event) => { event.currentTarget.setPointerCapture(event.pointerId); hold(true); }}
              onPointerUp={() => hold(false)} onPointerCancel={() => hold(false)}
              onKeyDown={(event) => { if ((event.key === ' ' || event.key === 'Enter') && !event.repeat) hold(true); }}
              onKeyUp={(event) => { if (event.key === ' ' || event.key === 'Enter') hold(false); }}
              onBlur={() => hold(false)}>
              {c(isHeld ? 'booth.coughing' : 'booth.cough')}
            </button>
          </div>
          <HandOverControls desk={desk} />
          <div class="booth-handover">
            <button type="button" class="button" onClick={() => void store.request({ kind: 'slower' })}>{c('booth.slower')}</button>
            <button type="button" class="button" onClick={() => openChat(booth.channel)}>
              <Icon path={roomIcons.chat} size={20} />{c('booth.chat')}
            </button>
          </div>
        </>
      )}
    </section>
  );
}
