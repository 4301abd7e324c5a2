import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../i18n/common';
import { language } from '../i18n/language';
import { loadUser } from '../store/account';
import { assertiveMessage, clearAnnouncements, politeMessage } from '../store/announcer';
import { path, routeOf, type Route } from '../store/location';
import { EventScreen } from './home/event-screen';
import { HomeScreen } from './home/home-screen';
import { MissingScreen } from './home/missing-screen';
import { Frame } from './frame';
import { icons } from './parts/icon';
import { Loading, StateBox } from './parts/parts';
import { useOwnSignal } from './parts/hooks';
import { withStyle } from './parts/style';

type Screen = ComponentType<{ route: Route }>;

/** Screens that come with their own code and style sheet, loaded when first opened. */
const onDemand: Partial<Record<Route['screen'], () => Promise<Screen>>> = {
  'watch': () => withStyle('watch', import('./watch/watch-screen').then((module) => module.WatchScreen)),
  'review': () => withStyle('watch', withStyle('staff', withStyle('review', import('./review/review-screen').then((module) => module.ReviewScreen)))),
  'captions': () => withStyle('watch', withStyle('staff', withStyle('review', import('./review/captions-screen').then((module) => module.CaptionsScreen)))),
  'join': () => withStyle('room', import('./room/room-screen').then((module) => module.RoomScreen)),
  'feed': () => withStyle('field', import('./field/feed-screen').then((module) => module.FeedScreen)),
  'camera': () => withStyle('field', import('./field/camera-screen').then((module) => module.CameraScreen)),
  'sign-in': () => withStyle('staff', import('./staff/staff-screen').then((module) => module.SignInScreen)),
  'staff': () => withStyle('staff', import('./staff/staff-screen').then((module) => module.StaffScreen)),
  'audit': () => withStyle('staff', import('./staff/staff-screen').then((module) => module.AuditScreen)),
  'upload': () => withStyle('staff', import('./upload/upload-screen').then((module) => module.UploadScreen)),
  'edit-event': () => withStyle('staff', import('./staff/staff-screen').then((module) => module.EditEventScreen)),
};

const loaded = new Map<Route['screen'], Screen>();

function OnDemand({ route, load }: { route: Route; load: () => Promise<Screen> }): JSX.Element {
  const [failed, setFailed] = useState(false);
  const [, setTurn] = useState(0);
  const Ready = loaded.get(route.screen);
  useEffect(() => {
    if (loaded.has(route.screen)) return;
    let isGone = false;
    load().then(
      (screen) => {
        loaded.set(route.screen, screen);
        if (!isGone) setTurn((before) => before + 1);
      },
      () => { if (!isGone) setFailed(true); });
    return () => { isGone = true; };
  }, [route.screen]);
  if (Ready !== undefined) return <Ready route={route} />;
  if (failed) {
    return (
      <Frame>
        <div role="alert">
          <StateBox isPage icon={icons.offline} title={t('app.screen-failed')} text={t('app.screen-failed-what')}>
            <button type="button" class="button" onClick={() => location.reload()}>{t('app.reload')}</button>
          </StateBox>
        </div>
      </Frame>
    );
  }
  return <Frame><Loading /></Frame>;
}

function CurrentScreen(): JSX.Element {
  const route = routeOf(path.value);
  const load = onDemand[route.screen];
  if (load !== undefined) {
    return <OnDemand key={path.value} route={route} load={load} />;
  }
  switch (route.screen) {
    case 'home':
      return <HomeScreen />;
    case 'event':
      return <EventScreen key={route.event} event={route.event} />;
    default:
      return <MissingScreen />;
  }
}

export function App(): JSX.Element {
  const signal = useOwnSignal();
  useEffect(() => void loadUser(signal), []);
  useEffect(() => clearAnnouncements(), [language.value]);
  return (
    <>
      <CurrentScreen />
      <div class="visually-hidden" aria-live="polite" id="announce-polite">{politeMessage}</div>
      <div class="visually-hidden" aria-live="assertive" id="announce-assertive">{assertiveMessage}</div>
    </>
  );
}
