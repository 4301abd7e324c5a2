/** Single keys of the room. Off while typing, composing, or in a dialog. */
import { useEffect } from 'preact/hooks';
import { isShortcut } from '../parts/ime';
import { mayShareScreen, toggleHand, toggleShare, toggleSource } from './room-bar';
import type { RoomContextValue } from './room-ui';

function isOnControl(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('button, a, select, input, summary, [tabindex="0"]') !== null;
}

function press(room: RoomContextValue, key: string): boolean {
  const { store, ui } = room;
  const maySpeak = store.may.value.has('speak') && store.room.value?.session.state === 'live';
  switch (key) {
    case 'm':
      if (maySpeak) void toggleSource(room, 'microphone');
      return true;
    case 'v':
      if (maySpeak) void toggleSource(room, 'camera');
      return true;
    case 'r':
      if (store.may.value.has('raise-hand')) toggleHand(room);
      return true;
    case 'c':
      ui.togglePanel('chat');
      return true;
    case 'p':
      ui.togglePanel('people');
      return true;
    case 'd':
      if (mayShareScreen(room)) toggleShare(room);
      return true;
    case 'q':
      ui.togglePanel('questions');
      return true;
    case 'i':
      if ((store.room.value?.session.languages.length ?? 0) > 0 && !store.may.value.has('interpret')) ui.togglePanel('listen');
      return true;
    case 'w':
      ui.nextLayout();
      return true;
    default:
      return false;
  }
}

/** Space held talks while the microphone is off; letting go switches it off again. */
function holdToTalk(room: RoomContextValue, signal: AbortSignal): void {
  let isHolding = false;
  const { store } = room;
  addEventListener('keydown', (event) => {
    if (event.key !== ' ' || event.repeat || isOnControl(event.target)) return;
    if (!isShortcut(event, event.target as HTMLElement | null) || room.ui.dialog.value !== null) return;
    if (!room.ui.hasSingleKeys.value || store.may.value.has('interpret')) return;
    if (store.isOn.microphone.value || !store.may.value.has('speak')) return;
    if (store.local.microphone.track.value === null) return;
    event.preventDefault();
    isHolding = true;
    void store.setSource('microphone', true);
  }, { signal });
  const release = (): void => {
    if (!isHolding) return;
    isHolding = false;
    void store.setSource('microphone', false);
  };
  addEventListener('keyup', (event) => { if (event.key === ' ') release(); }, { signal });
  addEventListener('blur', release, { signal });
}

export function useRoomKeys(room: RoomContextValue): void {
  useEffect(() => {
    const stop = new AbortController();
    addEventListener('keydown', (event) => {
      if (event.repeat || room.ui.dialog.value !== null || room.store.isWaiting.value) return;
      if (event.key === 'Escape' && room.ui.panel.value !== null && !event.isComposing) {
        room.ui.panel.value = null;
        return;
      }
      const target = event.target instanceof HTMLElement ? event.target : null;
      if (!isShortcut(event, target)) return;
      if (event.key === '?') {
        room.ui.dialog.value = 'keys';
        event.preventDefault();
        return;
      }
      if (!room.ui.hasSingleKeys.value) return;
      if (press(room, event.key.length === 1 ? event.key.toLowerCase() : event.key)) event.preventDefault();
    }, { signal: stop.signal });
    holdToTalk(room, stop.signal);
    return () => stop.abort();
  }, [room]);
}
