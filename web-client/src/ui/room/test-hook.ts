/** For browser tests, in builds made with MANABI_TEST=1 only: the room's connections and what its slots show. */
import type { RoomStore } from '../../store/room';

interface TestHook {
  connections: () => { publish: RTCPeerConnection | null; receive: RTCPeerConnection | null };
  slots: () => unknown;
  room: () => unknown;
}

export function exposeTestHook(store: RoomStore): void {
  const hook: TestHook = {
    connections: () => store.media.connections(),
    slots: () => store.media.slots.value,
    room: () => store.room.value,
  };
  Object.assign(globalThis, { manabiTest: hook });
}
