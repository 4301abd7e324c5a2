import type { JSX } from 'preact';
import { t as common } from '../../i18n/common';
import { t } from '../../i18n/room';
import type { Peer } from '../../protocol/signalling';
import { handsInOrder, isTrackOn } from '../../store/room-state';
import { Icon } from '../parts/icon';
import { PersonText } from '../parts/parts';
import { roomIcons } from './room-icons';
import { useRoom } from './room-ui';

function PersonMarks({ peer }: { peer: Peer }): JSX.Element {
  return (
    <span class="person-marks">
      {isTrackOn(peer, 'microphone') && (
        <span><Icon path={roomIcons.microphone} size={20} /><span class="visually-hidden">{t('people.mic-on')}</span></span>
      )}
      {isTrackOn(peer, 'camera') && (
        <span><Icon path={roomIcons.camera} size={20} /><span class="visually-hidden">{t('people.camera-on')}</span></span>
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
function PersonActions({ peer }: { peer: Peer }): JSX.Element | null {
  const { store, ui } = useRoom();
  if (!store.may.value.has('moderate') || peer.id === store.room.value?.me) return null;
  const { name } = peer;
  return (
    <div class="person-actions">
      {peer.hand !== null && (
        <button type="button" class="small-button" aria-label={t('people.lower-label', { name })}
          onClick={() => void store.lowerHandOf(peer.id)}>{t('people.lower')}</button>
      )}
      {isTrackOn(peer, 'microphone') && (
        <button type="button" class="small-button" aria-label={t('people.mute-label', { name })}
          onClick={() => void store.mutePeer(peer.id, 'microphone')}>{t('people.mute')}</button>
      )}
      {isTrackOn(peer, 'camera') && (
        <button type="button" class="small-button" aria-label={t('people.stop-camera-label', { name })}
          onClick={() => void store.mutePeer(peer.id, 'camera')}>{t('people.stop-camera')}</button>
      )}
      <button type="button" class="small-button is-danger" aria-label={t('people.remove-label', { name })}
        onClick={() => { ui.dialog.value = { remove: peer.id }; }}>{t('people.remove')}</button>
    </div>
  );
}

function Person({ peer }: { peer: Peer }): JSX.Element {
  const { store } = useRoom();
  const isMe = peer.id === store.room.value?.me;
  const line = store.lines.value.get(peer.id);
  return (
    <li class={peer.is_here ? 'person' : 'person is-away'} data-peer={peer.id}>
      <div class="person-line">
        <div class="person-text">
          <p class="person-name">{isMe ? t('room.me', { name: peer.name }) : <PersonText text={peer.name} />}</p>
          <p class="quiet">
            {common(`role.${peer.role}`)}
            {peer.affiliation !== '' && <> · <PersonText text={peer.affiliation} /></>}
            {!peer.is_here && <> · {t('room.away')}</>}
          </p>
          {line !== undefined && (line.loss_permille > 20 || line.rtt_ms > 400) && (
            <p class="person-warning">{t('people.line', { rtt: line.rtt_ms, loss: line.loss_permille / 10 })}</p>
          )}
        </div>
        <PersonMarks peer={peer} />
      </div>
      <PersonActions peer={peer} />
    </li>
  );
}

export function PeoplePanel(): JSX.Element | null {
  const { store } = useRoom();
  const room = store.room.value;
  if (room === null) return null;
  const hands = handsInOrder(room);
  return (
    <div class="people" tabIndex={0} role="region" aria-label={t('people.title')}>
      {hands.length > 0 && (
        <>
          <h3>{t('people.hands')}</h3>
          <ol class="hands">
            {hands.map((peer) => (
              <li key={peer.id}><span class="hand-place">{peer.hand}</span><PersonText text={peer.name} />
                {peer.affiliation !== '' && <span class="quiet"> (<PersonText text={peer.affiliation} />)</span>}</li>
            ))}
          </ol>
        </>
      )}
      <h3>{t('people.here')} <span class="quiet">{t.count('people.count', room.peers.length)}</span></h3>
      <ul>{room.peers.map((peer) => <Person key={peer.id} peer={peer} />)}</ul>
    </div>
  );
}
