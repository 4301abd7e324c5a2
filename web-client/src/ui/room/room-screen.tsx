/** /join: from the invitation link to pre-join, the room, and the page after it. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t as common } from '../../i18n/common';
import { language } from '../../i18n/language';
import { t } from '../../i18n/room';
import { api } from '../../protocol/api';
import type { JoinInfo } from '../../protocol/objects';
import { GUEST_CAMERA, LEAD_CAMERA } from '../../rtc/devices';
import { holdLink, heldLink, JOIN_TOKEN } from '../../store/account';
import { LocalMedia } from '../../store/local-media';
import { readTabValue } from '../../store/preferences';
import { RoomStore } from '../../store/room';
import type { LineEnd } from '../../store/room-line';
import { findPeer } from '../../store/room-state';
import { loadTaxonomy } from '../../store/taxonomy';
import { Frame } from '../frame';
import { usePageTitle, useResource } from '../parts/hooks';
import { icons } from '../parts/icon';
import { Failed, Loading, StateBox, PageHeading } from '../parts/parts';
import { DoorPart } from './lazy-part';
import { PreJoin, type JoinChoice } from './pre-join';
import { RoomUi, type RoomContextValue } from './room-ui';
import { RoomView } from './room-view';
import { exposeTestHook } from './test-hook';

function currentToken(): string | null {
  return readTabValue(JOIN_TOKEN) ?? heldLink()?.token ?? null;
}

interface Entered extends RoomContextValue {
  stop: AbortController;
}

function enterRoom(token: string, info: JoinInfo, media: LocalMedia, choice: JoinChoice): Entered {
  const stop = new AbortController();
  const ui = new RoomUi(stop.signal);
  const store = new RoomStore({
    hello: () => ({
      token, name: choice.name, affiliation: choice.affiliation, language: language.value, consent: choice.consent,
    }),
    place: info.event.id,
    media,
    startWith: choice.startWith,
    onNotice: ui.onNotice,
  });
  ui.nameOf = (peer) => (store.room.value === null ? '' : findPeer(store.room.value, peer)?.name ?? '');
  ui.onDeviceFailed = (source) => ui.sayDeviceFailure(store, source);
  stop.signal.addEventListener('abort', () => store.dispose(), { once: true });
  if (IS_TEST_BUILD) exposeTestHook(store);
  store.start();
  return { store, ui, stop };
}

type Stage =
  | { at: 'door' }
  | { at: 'room'; entered: Entered }
  | { at: 'over'; end: LineEnd; refusal: string };

function Invitation({ token, info, onReload }: { token: string; info: JoinInfo; onReload: () => void }): JSX.Element {
  const [stage, setStage] = useState<Stage>(
    (info.session?.state ?? info.event.state) === 'ended' ? { at: 'over', end: { why: 'over' }, refusal: '' } : { at: 'door' });
  const media = useRef<{ local: LocalMedia; stop: AbortController } | null>(null);
  const localMedia = (): LocalMedia => {
    if (media.current === null) {
      const stop = new AbortController();
      const isLead = info.role === 'facilitator' || info.role === 'presenter';
      const quality = isLead ? LEAD_CAMERA : GUEST_CAMERA;
      media.current = { local: new LocalMedia(quality, stop.signal), stop };
    }
    return media.current.local;
  };
  const entered = useRef<Entered | null>(null);
  useEffect(() => () => {
    entered.current?.stop.abort();
    media.current?.stop.abort();
  }, []);

  const join = (choice: JoinChoice): void => {
    const room = enterRoom(token, info, localMedia(), choice);
    entered.current = room;
    setStage({ at: 'room', entered: room });
  };
  const over = (end: LineEnd): void => {
    const refusal = entered.current?.store.refusal.value ?? '';
    entered.current?.stop.abort();
    entered.current = null;
    setStage({ at: 'over', end, refusal });
  };
  switch (stage.at) {
    case 'door':
      // Here and not with line-check.ts, which comes a moment later.
      if (typeof RTCPeerConnection !== 'function') return <Frame><DoorPart name="NoWebRtc" props={{ event: info.event.id }} /></Frame>;
      return <PreJoin info={info} token={token} media={localMedia()} onJoin={join} />;
    case 'room':
      return <RoomView room={stage.entered} info={info} onOver={over} />;
    case 'over':
      return <DoorPart name="OverView" props={{ end: stage.end, refusal: stage.refusal, info, token, onRejoin: onReload }} />;
  }
}

export function RoomScreen(): JSX.Element {
  const token = currentToken();
  const [turn, setTurn] = useState(0);
  useEffect(() => void loadTaxonomy().catch(() => undefined), []);
  const { resource, reload } = useResource<JoinInfo | null>(`join ${turn}`, async (signal) => {
    if (token === null) return null;
    const info = await api.join(signal, token);
    holdLink({ token, event: info.event.id, role: info.role });
    return info;
  });
  usePageTitle(t('room.title'));
  if (token === null) {
    return (
      <Frame>
        <div class="state is-page">
          <PageHeading>{t('join.no-link')}</PageHeading>
          <p>{t('join.no-link-what')}</p>
          <a class="button" href="/">{common('missing.home')}</a>
        </div>
      </Frame>
    );
  }
  if (resource.state === 'failed') {
    const isLink = resource.error.code.startsWith('link-');
    return (
      <Frame>
        {isLink
          ? (
            <div role="alert">
              <StateBox isPage icon={icons.warning} title={t('join.refused')}
                text={common(resource.error.code === 'link-expired' ? 'error.link-expired'
                  : resource.error.code === 'link-revoked' ? 'error.link-revoked' : 'error.link-unknown')}>
                <a class="button" href="/">{common('missing.home')}</a>
              </StateBox>
            </div>
          )
          : <Failed isPage error={resource.error} onRetry={reload} />}
      </Frame>
    );
  }
  if (resource.state === 'loading' || resource.isStale || resource.value === null) {
    return <Frame><Loading /></Frame>;
  }
  return (
    <Invitation key={turn} token={token} info={resource.value} onReload={() => setTurn((before) => before + 1)} />
  );
}
