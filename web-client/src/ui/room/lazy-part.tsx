/** Panels that few people open come with their own code and style sheet, loaded once the room stands. */
import { signal } from '@preact/signals';
import type { ComponentType, JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { t as common } from '../../i18n/common';
import { t } from '../../i18n/room';
import { Loading } from '../parts/parts';
import { withStyle } from '../parts/style';

type Parts = typeof import('./classroom/parts');

const parts = signal<Parts | null>(null);
const hasFailed = signal(false);
let isLoading = false;

export function loadParts(): void {
  if (isLoading || parts.value !== null) return;
  isLoading = true;
  hasFailed.value = false;
  withStyle('classroom', import('./classroom/parts')).then(
    (loaded) => { parts.value = loaded; },
    () => { hasFailed.value = true; },
  ).finally(() => { isLoading = false; });
}

/** @isQuiet: shows nothing until it is there. */
export function LazyPart({ name, isQuiet = false }: { name: keyof Parts; isQuiet?: boolean }): JSX.Element | null {
  const loaded = parts.value;
  useEffect(loadParts, []);
  if (loaded !== null) {
    const Part: ComponentType = loaded[name];
    return <Part />;
  }
  if (isQuiet) return null;
  if (!hasFailed.value) return <Loading />;
  return (
    <div class="panel-body" role="alert">
      <p>{t('room.part-failed')}</p>
      <button type="button" class="button" onClick={loadParts}>{common('app.retry')}</button>
    </div>
  );
}
