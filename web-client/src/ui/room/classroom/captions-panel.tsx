/** Live captions: reading what was said, and the captioner's line. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { c } from '../../../i18n/classroom';
import { languageName } from '../../../i18n/format';
import { language as pageLanguage } from '../../../i18n/language';
import { isComposing, isSendKey } from '../../parts/ime';
import { useRoom } from '../room-ui';
import { CaptionChoice } from './listen-panel';

const TEXT_MAX = 300;
const HINT_EVERY_MS = 400;
const BEGAN_MAX_MS = 60_000;

function CaptionInput({ languages }: { languages: readonly string[] }): JSX.Element {
  const { store, ui } = useRoom();
  const [language, setLanguage] = useState(languages.find((one) => one === pageLanguage.value) ?? languages[0] ?? '');
  const [text, setText] = useState('');
  const began = useRef(0);
  const hinted = useRef(0);
  // Who types wants to see the line as everybody does.
  useEffect(() => { if (ui.captions.value === null) ui.setCaptions(language); }, []);
  const type = (next: string, isConverting: boolean): void => {
    if (text === '' && next !== '') began.current = performance.now();
    setText(next);
    const now = performance.now();
    if (isConverting || next.trim() === '' || now - hinted.current < HINT_EVERY_MS) return;
    hinted.current = now;
    store.hint({ kind: 'caption', language, text: next.trim(), is_final: false, began_ms: 0 });
  };
  const finish = async (): Promise<void> => {
    const line = text.trim();
    if (line === '') return;
    const beganMs = Math.min(BEGAN_MAX_MS, Math.round(performance.now() - began.current));
    setText('');
    if (!(await store.request({ kind: 'caption', language, text: line, is_final: true, began_ms: beganMs }))) setText(line);
  };
  return (
    <form class="chat-form" onSubmit={(event) => { event.preventDefault(); void finish(); }}>
      <p class="quiet">{c('captions.what')}</p>
      <div class="field">
        <label for="caption-language">{c('captions.language')}</label>
        <select id="caption-language" value={language} onChange={(event) => setLanguage(event.currentTarget.value)}>
          {languages.map((one) => <option key={one} value={one} lang={one}>{languageName(one)}</option>)}
        </select>
      </div>
      <label for="caption-text">{c('captions.text')}</label>
      <div class="chat-line">
        <textarea id="caption-text" rows={2} maxLength={TEXT_MAX} value={text} lang={language}
          onInput={(event) => type(event.currentTarget.value, event.isComposing)}
          onKeyDown={(event) => {
            if (isComposing(event) || !isSendKey(event)) return;
            event.preventDefault();
            void finish();
          }} />
        <button type="submit" class="button is-primary" disabled={text.trim() === ''}>{c('captions.send')}</button>
      </div>
    </form>
  );
}

export function CaptionsPanel(): JSX.Element | null {
  const { store, ui } = useRoom();
  const room = store.room.value;
  if (room === null) return null;
  const shown = ui.captions.value;
  const lines = room.captions.filter((one) => shown === null || one.language === shown);
  return (
    <>
      <div class="panel-body" tabIndex={0} role="region" aria-labelledby="panel-heading">
        <CaptionChoice />
        <h3>{c('captions.log')}</h3>
        {lines.length === 0 && <p class="quiet">{c('captions.empty')}</p>}
        <ol class="plain-list">{lines.map((one) => <li key={one.id} lang={one.language}>{one.text}</li>)}</ol>
      </div>
      {store.may.value.has('caption') && room.session.languages.length > 0 && <CaptionInput languages={room.session.languages} />}
    </>
  );
}
