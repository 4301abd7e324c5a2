import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../../protocol/api';
import { t } from '../../i18n/common';

export type Resource<T> =
  | { state: 'loading' }
  | { state: 'ready'; value: T; isStale: boolean }
  | { state: 'failed'; error: ApiError };

export interface UsedResource<T> {
  resource: Resource<T>;
  reload: () => void;
  setValue: (value: T) => void;
}

function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError('unknown', 0, String(error));
}

/**
 * Loads when `key` changes and when asked again. While a new value loads, the old one stays, marked stale.
 * `refreshMs` asks again after that time, quietly; null or absent: never.
 */
export function useResource<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  refreshMs?: (value: T) => number | null,
): UsedResource<T> {
  const [resource, setResource] = useState<Resource<T>>({ state: 'loading' });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async (isQuiet: boolean): Promise<void> => {
      try {
        const value = await load(stop.signal);
        if (stop.signal.aborted) return;
        setResource({ state: 'ready', value, isStale: false });
        const next = refreshMs?.(value) ?? null;
        if (next !== null) timer = setTimeout(() => void run(true), next);
      } catch (error) {
        if (stop.signal.aborted) return;
        if (!isQuiet) setResource({ state: 'failed', error: asApiError(error) });
        else timer = setTimeout(() => void run(true), 10_000);
      }
    };
    setResource((before) => (before.state === 'ready' ? { ...before, isStale: true } : { state: 'loading' }));
    void run(false);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [key, turn]);
  return {
    resource,
    reload: () => setTurn((before) => before + 1),
    setValue: (value) => setResource({ state: 'ready', value, isStale: false }),
  };
}

/** An AbortSignal that ends with the component. */
export function useOwnSignal(): AbortSignal {
  const ref = useRef<AbortController | null>(null);
  ref.current ??= new AbortController();
  useEffect(() => () => ref.current?.abort(), []);
  return ref.current.signal;
}

export interface Action {
  isBusy: boolean;
  error: ApiError | null;
  run: (work: (signal: AbortSignal) => Promise<void>) => Promise<boolean>;
  clear: () => void;
}

/**
 * One thing at a time that the user started: busy while it runs, and what went wrong. A second start while it is busy
 * does nothing, so its button needs only `aria-disabled`: a button that is really disabled loses the keyboard's focus.
 */
export function useAction(): Action {
  const signal = useOwnSignal();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const isRunning = useRef(false);
  return {
    isBusy,
    error,
    clear: () => setError(null),
    run: async (work) => {
      if (isRunning.current) return false;
      isRunning.current = true;
      setBusy(true);
      setError(null);
      try {
        await work(signal);
        return true;
      } catch (failure) {
        if (!signal.aborted) setError(asApiError(failure));
        return false;
      } finally {
        isRunning.current = false;
        if (!signal.aborted) setBusy(false);
      }
    },
  };
}

/** Names the page for history and screen readers. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = title === '' ? t('app.name') : t('app.title', { page: title });
  }, [title]);
}
