import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { formatTime, languageName, viewerTimeZone } from '../../../i18n/format';
import { c } from '../../../i18n/classroom';
import { reasonText } from '../../../i18n/room';
import type { ChatMessage } from '../../../protocol/signalling';
import type { PendingChat } from '../../../store/room';
import { findPeer } from '../../../store/room-state';
import { isSendKey } from '../../parts/ime';
import { Icon } from '../../parts/icon';
import { LinkedText } from '../../parts/linked-text';
import { PersonText } from '../../parts/parts';
import { steady } from '../../parts/steady';
import { roomIcons } from '../room-icons';
import { useRoom } from '../room-ui';

const TEXT_MAX = 2000;
/** So near the end counts as reading the end: new messages then scroll into view. */
const NEAR_END_PX = 80;

function Pending({ message }: { message: PendingChat }): JSX.Element {
  const { store } = useRoom();
  return (
    <li class="message is-pending">
      <p class="message-text"><PersonText text={message.text} /></p>
      {message.failure === null
        ? <p class="quiet">{c('chat.sending')}</p>
        : (
          <p class="message-failure" role="alert">
            {c('chat.failed', { reason: reasonText(message.failure) })}{' '}
            <button type="button" class="text-button" onClick={() => store.retryChat(message.key)}>{c('chat.retry')}</button>{' '}
            <button type="button" class="text-button" onClick={() => store.dropChat(message.key)}>{c('chat.drop')}</button>
          </p>
        )}
    </li>
  );
}

/** Whom a message is for, where that is not everyone. */
function ChatScope({ to }: { to: string }): JSX.Element | null {
  const { store } = useRoom();
  const room = store.room.value;
  if (to === 'all' || room === null) return null;
  const text = to === 'facilitators' ? c('chat.for-facilitators')
    : to.startsWith('booth:') ? c('chat.for-booth')
    : to === room.me ? c('chat.for-me') : c('chat.for-person', { name: findPeer(room, to)?.name ?? '–' });
  return <p class="message-scope"><PersonText text={text} /></p>;
}

/** Whom I may write to: docs/protocol.md, 4.2.2. */
function useScopes(): { value: string; label: string }[] {
  const { store, ui } = useRoom();
  const room = store.room.value;
  if (room === null) return [];
  const isHost = store.may.value.has('moderate');
  const scopes: { value: string; label: string }[] = [];
  if (isHost || room.settings.may_chat || store.role.value !== 'participant') scopes.push({ value: 'all', label: c('chat.to-all') });
  scopes.push({ value: 'facilitators', label: c('chat.to-facilitators') });
  const mine = store.me.value?.booth ?? null;
  const booths = isHost ? room.channels.map((one) => one.channel).filter((one) => one !== 'floor') : mine === null ? [] : [mine];
  for (const one of booths) scopes.push({ value: `booth:${one}`, label: c('chat.to-booth', { language: languageName(one) }) });
  for (const peer of room.peers) {
    const isAllowed = room.settings.private_chat || isHost || peer.role === 'facilitator';
    if (peer.id !== room.me && isAllowed) scopes.push({ value: peer.id, label: c('chat.to-person', { name: peer.name }) });
  }
  if (!scopes.some((one) => one.value === ui.chatTo.value)) queueMicrotask(() => { ui.chatTo.value = scopes[0]?.value ?? 'all'; });
  return scopes;
}

const Message = steady(function Message({ message, isMine, zone }: {
  message: ChatMessage; isMine: boolean; zone: string;
}): JSX.Element {
  return (
    <li class={isMine ? 'message is-mine' : 'message'}>
      <p class="message-head">
        <span class="message-name"><PersonText text={message.name} /></span>
        <time class="quiet" dateTime={message.at.toISOString()}>{formatTime(message.at, zone)}</time>
      </p>
      {message.to !== 'all' && <ChatScope to={message.to} />}
      <p class="message-text"><LinkedText text={message.text} /></p>
    </li>
  );
});

function Messages(): JSX.Element {
  const { store } = useRoom();
  const ref = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const chat = store.room.value?.chat ?? [];
  const pending = store.pendingChat.value;
  const me = store.room.value?.me;
  useLayoutEffect(() => {
    const box = ref.current;
    if (box !== null && isAtEnd.current) box.scrollTop = box.scrollHeight;
  }, [chat.length, pending.length]);
  const zone = viewerTimeZone();
  return (
    <div ref={ref} class="messages" tabIndex={0} role="region" aria-label={c('chat.title')}
      onScroll={(event) => {
        const box = event.currentTarget;
        isAtEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX;
      }}>
      {chat.length === 0 && pending.length === 0 && <p class="quiet">{c('chat.empty')}</p>}
      <ol>
        {chat.map((message) => (
          <Message key={message.id} message={message} isMine={message.peer === me} zone={zone} />
        ))}
        {pending.map((message) => <Pending key={message.key} message={message} />)}
      </ol>
    </div>
  );
}

export function ChatPanel(): JSX.Element {
  const { store, ui } = useRoom();
  const input = useRef<HTMLTextAreaElement>(null);
  const scopes = useScopes();
  useEffect(() => input.current?.focus(), []);
  const send = (): void => {
    const text = ui.draft.value.trim();
    if (text === '') return;
    store.sendChat(text, ui.chatTo.value);
    ui.draft.value = '';
    input.current?.focus();
  };
  if (!store.may.value.has('chat')) {
    return <><Messages /><p class="quiet panel-note">{c('chat.off')}</p></>;
  }
  return (
    <>
      <Messages />
      <form class="chat-form" onSubmit={(event) => { event.preventDefault(); send(); }}>
        {scopes[0]?.value === 'facilitators' && <p class="quiet">{c('chat.only-facilitators')}</p>}
        <div class="chat-to">
          <label for="chat-to">{c('chat.to')}</label>
          <select id="chat-to" value={ui.chatTo} onChange={(event) => { ui.chatTo.value = event.currentTarget.value; }}>
            {scopes.map((one) => <option key={one.value} value={one.value}>{one.label}</option>)}
          </select>
        </div>
        <label for="chat-text">{c('chat.write')}</label>
        <div class="chat-line">
          <textarea ref={input} id="chat-text" rows={2} maxLength={TEXT_MAX} value={ui.draft} aria-describedby="chat-hint"
            enterkeyhint="send"
            onInput={(event) => { ui.draft.value = event.currentTarget.value; }}
            onKeyDown={(event) => {
              if (!isSendKey(event)) return;
              event.preventDefault();
              send();
            }} />
          <button type="submit" class="button is-primary" disabled={ui.draft.value.trim() === ''}>
            <Icon path={roomIcons.send} size={20} /><span>{c('chat.send')}</span>
          </button>
        </div>
        <p id="chat-hint" class="quiet chat-hint">{c('chat.hint')}</p>
      </form>
    </>
  );
}
