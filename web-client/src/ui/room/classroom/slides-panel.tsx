import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { c } from '../../../i18n/classroom';
import { formatBytes } from '../../../i18n/format';
import { decodeTicket, type Deck } from '../../../protocol/classroom';
import { RequestError } from '../../../store/room-line';
import { sendSlides } from '../../../store/slides';
import { useOwnSignal } from '../../parts/hooks';
import { PersonText } from '../../parts/parts';
import { useRoom } from '../room-ui';

function reasonOf(code: string, maxBytes: number): string {
  const key = `slides.reason.${code}`;
  return c.has(key) ? c(key, { size: formatBytes(maxBytes) }) : c('slides.reason.failed');
}

function OneDeck({ deck, isShown, mayPresent }: { deck: Deck; isShown: boolean; mayPresent: boolean }): JSX.Element {
  const { store } = useRoom();
  return (
    <li class="person" data-deck-state={deck.state}>
      <p class="person-name"><PersonText text={deck.name} /></p>
      <p class="quiet">{deck.state === 'ready' ? c.count('slides.pages', deck.pages)
        : deck.state === 'converting' ? c('slides.converting')
        : c('slides.failed', { reason: reasonOf(deck.reason ?? 'failed', 0) })}</p>
      {mayPresent && (
        <div class="person-actions">
          {deck.state === 'ready' && (isShown
            ? <button type="button" class="small-button" onClick={() => void store.request({ kind: 'show-slides', deck: '' })}>{c('slides.hide')}</button>
            : (
              <button type="button" class="small-button" aria-label={c('slides.show-label', { name: deck.name })}
                onClick={() => void store.request({ kind: 'show-slides', deck: deck.id })}>{c('slides.show')}</button>
            ))}
          {!isShown && (
            <button type="button" class="small-button is-danger" aria-label={c('slides.remove-label', { name: deck.name })}
              onClick={() => void store.request({ kind: 'remove-slides', deck: deck.id })}>{c('slides.remove')}</button>
          )}
        </div>
      )}
    </li>
  );
}

function Upload(): JSX.Element {
  const { store } = useRoom();
  const signal = useOwnSignal();
  const input = useRef<HTMLInputElement>(null);
  const [percent, setPercent] = useState<number | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const send = async (file: File): Promise<void> => {
    setFailure(null);
    setPercent(0);
    try {
      const ticket = await store.line.ask(
        { kind: 'upload-slides', name: file.name.replace(/\.pdf$/i, '').slice(0, 200) || 'PDF' }, decodeTicket);
      if (file.size > ticket.max_bytes) setFailure(reasonOf('too-large', ticket.max_bytes));
      else {
        const code = await sendSlides(file, ticket, store.token, setPercent, signal);
        if (code !== null) setFailure(reasonOf(code, ticket.max_bytes));
      }
    } catch (error) {
      setFailure(reasonOf(error instanceof RequestError && error.code === 'too-many' ? 'too-many' : 'network', 0));
    }
    setPercent(null);
    if (input.current !== null) input.current.value = '';
  };
  return (
    <div class="field">
      <label for="slides-file">{c('slides.upload')}</label>
      <input ref={input} id="slides-file" type="file" accept="application/pdf,.pdf" disabled={percent !== null}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file !== undefined) void send(file);
        }} />
      <p role="status" class="quiet">{percent === null ? '' : c('slides.uploading', { percent })}</p>
      {failure !== null && <p class="field-error" role="alert">{c('slides.failed', { reason: failure })}</p>}
    </div>
  );
}

export function SlidesPanel(): JSX.Element | null {
  const { store } = useRoom();
  const room = store.room.value;
  if (room === null) return null;
  const mayPresent = store.may.value.has('present');
  return (
    <div class="panel-body" tabIndex={0} role="region" aria-labelledby="panel-heading">
      {mayPresent && <p class="quiet">{c('slides.not-shown')}</p>}
      {mayPresent && <Upload />}
      {room.slides.decks.length === 0 && <p class="quiet">{c('slides.empty')}</p>}
      <ul class="plain-list">
        {room.slides.decks.map((deck) => (
          <OneDeck key={deck.id} deck={deck} isShown={deck.id === room.slides.deck} mayPresent={mayPresent} />
        ))}
      </ul>
    </div>
  );
}
