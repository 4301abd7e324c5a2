/** The facilitator's tools for the whole room: lobby, locks, everyone at once, phase, note, interpretation at a glance. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { c } from '../../../i18n/classroom';
import { t as common } from '../../../i18n/common';
import { languageName } from '../../../i18n/format';
import { t } from '../../../i18n/room';
import { PHASES, type RoomSettings } from '../../../protocol/classroom';
import { announce } from '../../../store/announcer';
import { findPeer, type RoomState } from '../../../store/room-state';
import { PersonText } from '../../parts/parts';
import { useRoom } from '../room-ui';

function Lobby({ room }: { room: RoomState }): JSX.Element {
  const { store } = useRoom();
  const [text, setText] = useState('');
  return (
    <section aria-labelledby="host-lobby">
      <h3 id="host-lobby">{c('host.lobby')}</h3>
      {room.lobby.length === 0 && <p class="quiet">{c('host.lobby-empty')}</p>}
      <ul class="plain-list">
        {room.lobby.map((one) => (
          <li key={one.id} class="person">
            <p class="person-name"><PersonText text={one.name} /></p>
            <p class="quiet">{common(`role.${one.role}`)}{one.affiliation !== '' && <> · <PersonText text={one.affiliation} /></>}</p>
            <div class="person-actions">
              <button type="button" class="small-button" aria-label={c('host.admit-label', { name: one.name })}
                onClick={() => void store.request({ kind: 'admit', peer: one.id })}>{c('host.admit')}</button>
              <button type="button" class="small-button is-danger" aria-label={c('host.refuse-label', { name: one.name })}
                onClick={() => void store.request({ kind: 'refuse', peer: one.id, text: text.trim() })}>{c('host.refuse')}</button>
            </div>
          </li>
        ))}
      </ul>
      {room.lobby.length > 0 && (
        <>
          <div class="field">
            <label for="refuse-text">{c('host.refuse-text')}</label>
            <input id="refuse-text" maxLength={500} value={text} autocomplete="off" onInput={(event) => setText(event.currentTarget.value)} />
          </div>
          {room.lobby.length > 1 && (
            <button type="button" class="button" onClick={() => void store.request({ kind: 'admit' })}>{c('host.admit-all')}</button>
          )}
        </>
      )}
    </section>
  );
}

const SWITCHES = [
  ['lobby', 'host.use-lobby'], ['is_locked', 'host.lock'], ['may_unmute', 'host.may-unmute'],
  ['may_chat', 'host.may-chat'], ['private_chat', 'host.private-chat'],
] as const satisfies readonly (readonly [keyof RoomSettings, string])[];

function Switches({ room }: { room: RoomState }): JSX.Element {
  const { store } = useRoom();
  return (
    <fieldset class="choices">
      <legend>{c('host.room')}</legend>
      {SWITCHES.map(([name, label]) => (
        <label key={name} class="choice">
          <input type="checkbox" checked={room.settings[name]} onChange={(event) => {
            const box = event.currentTarget;
            void store.request({ kind: 'settings', [name]: box.checked })
              .then((isDone) => { if (!isDone) box.checked = room.settings[name]; });
          }} />
          {c(label)}
        </label>
      ))}
    </fieldset>
  );
}

function NoteForm({ room }: { room: RoomState }): JSX.Element {
  const { store } = useRoom();
  const [en, setEn] = useState(room.note?.text_en ?? '');
  const [ja, setJa] = useState(room.note?.text_ja ?? '');
  const send = (textEn: string, textJa: string): void => {
    void store.request({ kind: 'note', text_en: textEn.trim(), text_ja: textJa.trim() });
  };
  return (
    <form class="poll-form" onSubmit={(event) => { event.preventDefault(); send(en, ja); }}>
      <h3>{c('host.note')}</h3>
      <div class="field">
        <label for="note-en">{c('host.note-en')}</label>
        <textarea id="note-en" rows={2} lang="en" maxLength={500} value={en} onInput={(event) => setEn(event.currentTarget.value)} />
      </div>
      <div class="field">
        <label for="note-ja">{c('host.note-ja')}</label>
        <textarea id="note-ja" rows={2} lang="ja" maxLength={500} value={ja} onInput={(event) => setJa(event.currentTarget.value)} />
      </div>
      <div class="person-actions">
        <button type="submit" class="button" disabled={en.trim() === '' && ja.trim() === ''}>{c('host.note-show')}</button>
        {room.note !== null && (
          <button type="button" class="button" onClick={() => { setEn(''); setJa(''); send('', ''); }}>{c('host.note-clear')}</button>
        )}
      </div>
    </form>
  );
}

function Interpretation({ room }: { room: RoomState }): JSX.Element | null {
  const channels = room.channels.filter((one) => one.channel !== 'floor');
  if (channels.length === 0) return null;
  return (
    <section>
      <h3>{c('host.interpretation')}</h3>
      <ul class="plain-list">
        {channels.map((one) => (
          <li key={one.channel}>
            {one.on_air !== null
              ? <PersonText text={c('host.channel-on-air', {
                language: languageName(one.channel), name: findPeer(room, one.on_air)?.name ?? '',
              })} />
              : <span>{c('host.channel-off-air', { language: languageName(one.channel) })}</span>}
            {' · '}<span class="quiet">{c.count('listen.listeners', one.listeners)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function HostPanel(): JSX.Element | null {
  const { store } = useRoom();
  const room = store.room.value;
  if (room === null || !store.may.value.has('moderate')) return null;
  const muteAll = async (source: 'microphone' | 'camera' | 'screen'): Promise<void> => {
    if (await store.request({ kind: 'mute-all', source }) && source === 'microphone') announce(c('host.muted'));
  };
  return (
    <div class="panel-body" tabIndex={0} role="region" aria-labelledby="panel-heading">
      {(room.settings.lobby || room.lobby.length > 0) && <Lobby room={room} />}
      <Switches room={room} />
      <section>
        <h3>{c('host.all')}</h3>
        <div class="person-actions">
          <button type="button" class="small-button" onClick={() => void muteAll('microphone')}>{c('host.mute-all')}</button>
          <button type="button" class="small-button" onClick={() => void muteAll('camera')}>{c('host.cameras-off')}</button>
          <button type="button" class="small-button" onClick={() => void muteAll('screen')}>{c('host.screens-off')}</button>
        </div>
      </section>
      <div class="field">
        <label for="phase">{c('host.phase')}</label>
        <select id="phase" value={room.settings.phase} onChange={(event) => {
          const phase = PHASES.find((one) => one === event.currentTarget.value);
          if (phase !== undefined) void store.request({ kind: 'phase', phase });
        }}>
          {PHASES.map((one) => <option key={one} value={one}>{t(`phase.${one}`)}</option>)}
        </select>
      </div>
      <Interpretation room={room} />
      <NoteForm room={room} />
    </div>
  );
}
