import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../../../i18n/room';
import { meterLevel } from '../../../rtc/level-meter';

const BARS = 10;

/** The microphone's level as bars; for screen readers in steps of a tenth. */
export function LevelBars({ track }: { track: MediaStreamTrack }): JSX.Element {
  const [lit, setLit] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    meterLevel(track, (level) => setLit(Math.round(level * BARS)), stop.signal);
    return () => stop.abort();
  }, [track]);
  return (
    <div class="level" role="meter" aria-label={t('device.level')} aria-valuemin={0} aria-valuemax={BARS} aria-valuenow={lit}>
      {Array.from({ length: BARS }, (_, index) => (
        <span key={index} class={index < lit ? 'level-bar is-lit' : 'level-bar'} />
      ))}
    </div>
  );
}
