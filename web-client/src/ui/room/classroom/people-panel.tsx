import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { t as common } from '../../../i18n/common';
import { languageName } from '../../../i18n/format';
import { c } from '../../../i18n/classroom';
import { t } from '../../../i18n/room';
import { ROLES } from '../../../protocol/objects';
import type { LineFigures, Peer } from '../../../protocol/signalling';
import { handsInOrder, isTrackOn } from '../../../store/room-state';
import { Icon } from '../../parts/icon';
import { PersonText } from '../../parts/parts';
import { steady } from '../../parts/steady';
import { roomIcons } from '../room-icons';
import { useRoom } from '../room-ui';

function PersonMarks({ peer }: { peer: Peer }): JSX.Element {
  return (
    <span class="person-marks">
      {isTrackOn(peer, 'microphone') && (
        <span><Icon path={roomIcons.microphone} size={20} /><span class="visually-hidden">{c('people.mic-on')}</span></span>
      )}
      {isTrackOn(peer, 'camera') && (
        <span><Icon path={roomIcons.camera} size={20} /><span class="visually-hidden">{c('people.camera-on')}</span></span>
      )}
      {peer.hand !== null && (
        <span class="person-hand"><Icon path={roomIcons.hand} size={20} />
          <span aria-hidden="true">{peer.hand}</span>
          <span class="visually-hidden">{t('people.hand', { n: peer.hand })}</span></span>
      )}
    </span>
  );
}

/** What the facilitator can do with a person; nothing for oneself. */
function PersonActions({ peer, isOpen, onToggle }: {
  peer: Peer; isOpen: boolean; onToggle: () => void;
}): JSX.Element {
  const { store, ui } = useRoom();
  const { name } = peer;
  return (
    <div class="person-actions">
      {peer.hand !== null && (
        <button type="button" class="small-button" aria-label={c('people.lower-label', { name })}
          onClick={() => void store.lowerHandOf(peer.id)}>{c('people.lower')}</button>
      )}
      {isTrackOn(peer, 'microphone') && (
        <button type="button" class="small-button" aria-label={c('people.mute-label', { name })}
          onClick={() => void store.mutePeer(peer.id, 'microphone')}>{c('people.mute')}</button>
      )}
      {isTrackOn(peer, 'camera') && (
        <button type="button" class="small-button" aria-label={c('people.stop-camera-label', { name })}
          onClick={() => void store.mutePeer(peer.id, 'camera')}>{c('people.stop-camera')}</button>
      )}
      {isTrackOn(peer, 'screen') && (
        <button type="button" class="small-button" aria-label={c('people.stop-screen-label', { name })}
          onClick={() => void store.mutePeer(peer.id, 'screen')}>{c('people.stop-screen')}</button>
      )}
      <button type="button" class="small-button is-danger" aria-label={c('people.remove-label', { name })}
        onClick={() => { ui.dialog.value = { remove: peer.id }; }}>{t('people.remove')}</button>
      <button type="button" class="small-button" aria-expanded={isOpen} aria-label={c('people.more-label', { name })}
        onClick={onToggle}>{c('people.more')}</button>
      {isOpen && <PersonSetup peer={peer} />}
    </div>
  );
}

/** Role, spotlight, and what this one person may do beside it. */
function PersonSetup({ peer }: { peer: Peer }): JSX.Element {
  const { store, ui } = useRoom();
  const isLit = store.room.value?.spotlight.includes(peer.id) ?? false;
  const id = `role-${peer.id}`;
  return (
    <div class="person-setup">
      <div class="field">
        <label for={id}>{c('people.role')}</label>
        <select id={id} value={peer.role} onChange={(event) => {
          const select = event.currentTarget;
          const role = ROLES.find((one) => one === select.value);
          if (role === undefined) return;
          void store.request({ kind: 'set-role', peer: peer.id, role })
            .then((isDone) => { if (!isDone) select.value = peer.role; });
        }}>
          {ROLES.map((one) => <option key={one} value={one}>{common(`role.${one}`)}</option>)}
        </select>
      </div>
      <label class="choice"><input type="checkbox" checked={isLit} onChange={(event) =>
        void store.request({ kind: 'spotlight', peer: peer.id, on: event.currentTarget.checked })} />{c('people.spotlight')}</label>
      {(['present', 'caption'] as const).map((permission) => (
        <label key={permission} class="choice"><input type="checkbox" checked={peer.grants.includes(permission)}
          onChange={(event) => void store.request({ kind: 'grant', peer: peer.id, permission, on: event.currentTarget.checked })} />
          {c(`people.may-${permission}`)}</label>
      ))}
      <button type="button" class="small-button" onClick={() => {
        ui.chatTo.value = peer.id;
        ui.openPanel('chat');
      }}>{c('people.write')}</button>
    </div>
  );
}

const LIMITS_MIN = [0, 1, 2, 3, 5, 10] as const;

const RaisedHand = steady(function RaisedHand({ peer, isHost, minutes }: {
  peer: Peer; isHost: boolean; minutes: number;
}): JSX.Element {
  const { store } = useRoom();
  return (
    <li data-hand={peer.hand}><span class="hand-place">{peer.hand}</span><PersonText text={peer.name} />
      {peer.affiliation !== '' && <span class="quiet"> (<PersonText text={peer.affiliation} />)</span>}
      {isHost && (
        <button type="button" class="small-button hand-give" aria-label={c('hands.give-label', { name: peer.name })}
          onClick={() => void store.request({ kind: 'give-floor', peer: peer.id, limit_s: minutes * 60 })}>{c('hands.give')}</button>
      )}
    </li>
  );
});

/** The queue, the same for everyone; who moderates gives the floor from it. */
function Hands({ hands }: { hands: readonly Peer[] }): JSX.Element {
  const { store } = useRoom();
  const [minutes, setMinutes] = useState(0);
  const isHost = store.may.value.has('moderate');
  return (
    <>
      <h3>{c('people.hands')}</h3>
      {isHost && (
        <div class="chat-to">
          <label for="floor-limit">{c('hands.limit')}</label>
          <select id="floor-limit" value={String(minutes)} onChange={(event) => setMinutes(Number(event.currentTarget.value))}>
            {LIMITS_MIN.map((one) => (
              <option key={one} value={String(one)}>{one === 0 ? c('hands.no-limit') : c.count('hands.minutes', one)}</option>
            ))}
          </select>
        </div>
      )}
      <ol class="hands">
        {hands.map((peer) => <RaisedHand key={peer.id} peer={peer} isHost={isHost} minutes={minutes} />)}
      </ol>
      {isHost && (
        <button type="button" class="small-button" onClick={() => void store.request({ kind: 'lower-hands' })}>{c('hands.lower-all')}</button>
      )}
    </>
  );
}

/** @warning: about the line; "": none. */
const Person = steady(function Person({ peer, isMe, mayModerate, warning }: {
  peer: Peer; isMe: boolean; mayModerate: boolean; warning: string;
}): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  return (
    <li class={peer.is_here ? 'person' : 'person is-away'} data-peer={peer.id}>
      <div class="person-line">
        <div class="person-text">
          <p class="person-name">{isMe ? t('room.me', { name: peer.name }) : <PersonText text={peer.name} />}</p>
          <p class="quiet">
            {common(`role.${peer.role}`)}
            {peer.booth !== null && <> → <span lang={peer.booth}>{languageName(peer.booth)}</span></>}
            {peer.affiliation !== '' && <> · <PersonText text={peer.affiliation} /></>}
            {!peer.is_here && <> · {t('room.away')}</>}
          </p>
          {warning !== '' && <p class="person-warning">{warning}</p>}
        </div>
        <PersonMarks peer={peer} />
      </div>
      {mayModerate && !isMe && <PersonActions peer={peer} isOpen={isOpen} onToggle={() => setOpen(!isOpen)} />}
    </li>
  );
});

function warningOf(line: LineFigures | undefined): string {
  if (line === undefined || (line.loss_permille <= 20 && line.rtt_ms <= 400)) return '';
  return c('people.line', { rtt: line.rtt_ms, loss: line.loss_permille / 10 });
}

export function PeoplePanel(): JSX.Element | null {
  const { store } = useRoom();
  const room = store.room.value;
  if (room === null) return null;
  const hands = handsInOrder(room);
  const mayModerate = store.may.value.has('moderate');
  const lines = store.lines.value;
  return (
    <div class="people" tabIndex={0} role="region" aria-label={c('people.title')}>
      {hands.length > 0 && <Hands hands={hands} />}
      <h3>{c('people.here')} <span class="quiet">{t.count('people.count', room.peers.length)}</span></h3>
      <ul>
        {room.peers.map((peer) => (
          <Person key={peer.id} peer={peer} isMe={peer.id === room.me} mayModerate={mayModerate}
            warning={warningOf(lines.get(peer.id))} />
        ))}
      </ul>
    </div>
  );
}
