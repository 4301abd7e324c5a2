/** The screen stays on while the room is in front; a browser without wake locks goes on without. */
import { useEffect } from 'preact/hooks';

export function useWakeLock(isWanted: boolean): void {
  useEffect(() => {
    // Absent on pages that are not secure and in older browsers.
    const locks = navigator.wakeLock as WakeLock | undefined;
    if (!isWanted || locks === undefined) return;
    const stop = new AbortController();
    let lock: WakeLockSentinel | null = null;
    const take = async (): Promise<void> => {
      if (document.visibilityState !== 'visible' || (lock !== null && !lock.released)) return;
      try {
        const taken = await locks.request('screen');
        if (stop.signal.aborted) void taken.release();
        else lock = taken;
      } catch {
        // refused while the battery is low: the screen may go dark, the room goes on
      }
    };
    // The browser gives it back whenever the page is hidden.
    document.addEventListener('visibilitychange', () => void take(), { signal: stop.signal });
    void take();
    return () => {
      stop.abort();
      void lock?.release();
    };
  }, [isWanted]);
}
