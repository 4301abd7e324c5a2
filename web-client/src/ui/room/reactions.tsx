/** Reactions rise over the stage for a few seconds; who asked for less motion sees them stand. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../../i18n/room';
import type { Reaction } from '../../protocol/classroom';
import { announce } from '../../store/announcer';
import { findPeer } from '../../store/room-state';
import { useRoom } from './room-ui';

export const reactionMarks: Readonly<Record<Reaction, string>> = {
  'clap': '👏', 'thumbs-up': '👍', 'heart': '❤️', 'laugh': '😄', 'surprise': '😮', 'thinking': '🤔',
};

export function Reactions(): JSX.Element {
  const { store } = useRoom();
  const shown = store.reactions.value;
  const said = useRef(0);
  useEffect(() => {
    const newest = shown.at(-1);
    if (newest === undefined || newest.id <= said.current) return;
    said.current = newest.id;
    announce(t('react.by', { name: t(`react.${newest.name}`), count: newest.count }));
  }, [shown]);
  const room = store.room.value;
  return (
    <ul class="reactions" aria-hidden="true">
      {shown.map((one) => {
        const names = one.peers.slice(0, 2).flatMap((id) => {
          const peer = room === null ? undefined : findPeer(room, id);
          return peer === undefined ? [] : [peer.name];
        });
        return (
          <li key={one.id}><span class="reaction-mark">{reactionMarks[one.name]}</span>
            {one.count > 1 && <b>×{one.count}</b>} {names.join(', ')}</li>
        );
      })}
    </ul>
  );
}
