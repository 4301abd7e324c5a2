/** What I hear: the floor, or an interpreter with the floor low under it. Says in words what is heard now. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { c } from '../../../i18n/classroom';
import { languageName } from '../../../i18n/format';
import type { Channel } from '../../../protocol/classroom';
import { isInterpreted } from '../../../store/classroom-state';
import { findPeer } from '../../../store/room-state';
import { writePreference } from '../../../store/preferences';
import { PersonText } from '../../parts/parts';
import { useRoom } from '../room-ui';

const LEVEL_MAX = 50;
const LEVEL_STEP = 5;

function ChannelState({ channel }: { channel: Channel | undefined }): JSX.Element {
  const { store } = useRoom();
  const room = store.room.value;
  if (channel?.on_air != null) {
    const name = room === null ? '' : findPeer(room, channel.on_air)?.name ?? '';
    return <span class="channel-on-air"><PersonText text={c('listen.on-air', { name })} /></span>;
  }
  return <span class="quiet">{c((channel?.interpreters.length ?? 0) > 0 ? 'listen.ready' : 'listen.nobody')}</span>;
}

export function ListenPanel(): JSX.Element | null {
  const { store, ui } = useRoom();
  const [isAsked, setAsked] = useState(false);
  const room = store.room.value;
  if (room === null) return null;
  const { hear, with_floor: withFloor } = room.mine;
  const channelOf = (name: string): Channel | undefined => room.channels.find((one) => one.channel === name);
  const choose = (channel: string): void => {
    writePreference('hear', channel);
    void store.hear(channel, withFloor);
  };
  const now = hear === 'floor' ? c('listen.now-floor')
    : isInterpreted(room, hear) ? c('listen.now-interpreter') : c('listen.now-fallback', { language: languageName(hear) });
  return (
    <div class="panel-body" tabIndex={0} role="region" aria-labelledby="panel-heading">
      <p class="quiet">{c('listen.what')}</p>
      <fieldset class="choices">
        <legend>{c('listen.channel')}</legend>
        {['floor', ...room.session.languages].map((name) => (
          <label key={name} class="choice channel-choice">
            <input type="radio" name="channel" value={name} checked={hear === name} onChange={() => choose(name)} />
            <span>
              <b lang={name === 'floor' ? undefined : name}>{name === 'floor' ? c('listen.floor') : languageName(name)}</b>
              <span class="channel-facts">
                {name !== 'floor' && <ChannelState channel={channelOf(name)} />}
                <span class="quiet">{c.count('listen.listeners', channelOf(name)?.listeners ?? 0)}</span>
              </span>
            </span>
          </label>
        ))}
      </fieldset>
      <p role="status" class="note" data-heard={hear}>{now}</p>
      {hear !== 'floor' && (
        <>
          <div class="field">
            <label for="floor-level">{c('listen.level', { percent: ui.floorLevel.value })}</label>
            <input id="floor-level" type="range" min={0} max={LEVEL_MAX} step={LEVEL_STEP} value={ui.floorLevel.value}
              disabled={!withFloor} onInput={(event) => ui.setFloorLevel(Number(event.currentTarget.value))} />
          </div>
          <label class="choice">
            <input type="checkbox" checked={!withFloor}
              onChange={(event) => void store.hear(hear, !event.currentTarget.checked)} />
            {c('listen.only')}
          </label>
          <button type="button" class="button" aria-disabled={isAsked} onClick={() => {
            if (isAsked) return;
            setAsked(true);
            setTimeout(() => setAsked(false), 5000);
            void store.request({ kind: 'slower' });
          }}>{c('listen.slower')}</button>
          <p role="status" class="quiet">{isAsked ? c('listen.slower-sent') : ''}</p>
        </>
      )}
      <CaptionChoice />
    </div>
  );
}

export function CaptionChoice(): JSX.Element | null {
  const { store, ui } = useRoom();
  const languages = store.room.value?.session.languages ?? [];
  if (languages.length === 0) return null;
  const chosen = languages.includes(ui.captions.value ?? '') ? ui.captions.value ?? '' : '';
  return (
    <div class="field">
      <label for="captions-shown">{c('listen.captions')}</label>
      <select id="captions-shown" value={chosen}
        onChange={(event) => ui.setCaptions(event.currentTarget.value === '' ? null : event.currentTarget.value)}>
        <option value="">{c('listen.captions-off')}</option>
        {languages.map((one) => <option key={one} value={one} lang={one}>{languageName(one)}</option>)}
      </select>
    </div>
  );
}
