/**
 * What is not needed for the first picture comes with code of its own, loaded once the screen stands: the room's panels
 * (with their style sheet), and the parts around the room: the line's check, devices, the page after it.
 */
import { signal, type Signal } from '@preact/signals';
import type { ComponentType, JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { t as common } from '../../i18n/common';
import { t } from '../../i18n/room';
import { Loading } from '../parts/parts';
import { withStyle } from '../parts/style';

type Parts = typeof import('./classroom/parts');
type DoorParts = typeof import('./door/parts');

interface Lazy<Loaded> {
  readonly parts: Signal<Loaded | null>;
  readonly hasFailed: Signal<boolean>;
  readonly load: () => void;
}

function lazily<Loaded>(fetch: () => Promise<Loaded>): Lazy<Loaded> {
  const parts = signal<Loaded | null>(null);
  const hasFailed = signal(false);
  let isLoading = false;
  const load = (): void => {
    if (isLoading || parts.value !== null) return;
    isLoading = true;
    hasFailed.value = false;
    fetch().then(
      (loaded) => { parts.value = loaded; },
      () => { hasFailed.value = true; },
    ).finally(() => { isLoading = false; });
  };
  return { parts, hasFailed, load };
}

const classroom = lazily<Parts>(() => withStyle('classroom', import('./classroom/parts')));
const door = lazily<DoorParts>(() => import('./door/parts'));

export const loadParts = classroom.load;

interface Waiting<Loaded> {
  from: Lazy<Loaded>;
  isQuiet: boolean;
}

function NotThere<Loaded>({ from, isQuiet }: Waiting<Loaded>): JSX.Element | null {
  useEffect(from.load, []);
  if (isQuiet) return null;
  if (!from.hasFailed.value) return <Loading />;
  return (
    <div class="panel-body" role="alert">
      <p>{t('room.part-failed')}</p>
      <button type="button" class="button" onClick={from.load}>{common('app.retry')}</button>
    </div>
  );
}

/** @isQuiet: shows nothing until it is there. */
export function LazyPart({ name, isQuiet = false }: { name: keyof Parts; isQuiet?: boolean }): JSX.Element {
  const loaded = classroom.parts.value;
  if (loaded === null) return <NotThere from={classroom} isQuiet={isQuiet} />;
  const Part: ComponentType = loaded[name];
  return <Part />;
}

type PropsOf<Name extends keyof DoorParts> = Parameters<DoorParts[Name]>[0];

export function DoorPart<Name extends keyof DoorParts>({ name, props }: { name: Name; props: PropsOf<Name> }): JSX.Element {
  const loaded = door.parts.value;
  if (loaded === null) return <NotThere from={door} isQuiet={false} />;
  const Part = loaded[name] as ComponentType<PropsOf<Name>>;
  return <Part {...props} />;
}
