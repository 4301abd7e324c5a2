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

let hasColour: boolean | null = null;

/** A device without a font for them would draw empty boxes, which have no colour. */
export function drawsEmoji(): boolean {
  if (hasColour !== null) return hasColour;
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 32;
  const context = canvas.getContext('2d');
  // Where the canvas gives noise instead of pixels, or none, the font is likely there.
  if (context === null) return true;
  context.font = '24px "Apple Color Emoji", "Segoe UI Emoji", "Noto Color Emoji", sans-serif';
  context.fillText(reactionMarks.clap, 0, 26);
  const { data } = context.getImageData(0, 0, 32, 32);
  hasColour = false;
  for (let at = 0; at < data.length && !hasColour; at += 4) hasColour = data[at] !== data[at + 1] || data[at] !== data[at + 2];
  return hasColour;
}

/** What stands for it on this device. */
export function ReactionMark({ name }: { name: Reaction }): JSX.Element {
  return drawsEmoji() ? <span class="reaction-mark">{reactionMarks[name]}</span> : <b class="reaction-word">{t(`react.${name}`)}</b>;
}

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
          <li key={one.id}><ReactionMark name={one.name} />{' '}
            {one.count > 1 && <b>×{one.count}</b>} {names.join(', ')}</li>
        );
      })}
    </ul>
  );
}
