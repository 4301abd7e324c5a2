/** What the line will carry, in plain words with the figures behind them, and what to do where it is not enough. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { d } from '../../../i18n/door';
import { formatDuration } from '../../../i18n/format';
import { formatCount } from '../../../i18n/texts';
import { api } from '../../../protocol/api';
import { checkLine, isAtLeast, verdictOf, type LineCheck, type LineVerdict } from '../../../rtc/line-check';
import { signalUrl } from '../../../store/room-line';
import { useOwnSignal } from '../../parts/hooks';
import { Icon, icons } from '../../parts/icon';
import { roomIcons } from '../room-icons';

/** A clock that is less wrong misleads nobody. */
const CLOCK_LIMIT_MS = 120_000;

function rateText(kbit: number, isProbed: boolean): string {
  const rate = kbit >= 1000 ? d('check.mbit', { rate: (kbit / 1000).toFixed(1) }) : d('check.kbit', { rate: formatCount(kbit) });
  return isProbed && isAtLeast(kbit) ? d('check.at-least', { rate }) : rate;
}

function wayText({ media, passesTcp }: LineCheck): string | null {
  if (media === 'none') return null;
  if (media === null) return d('check.way-unknown');
  if (media === 'tcp') return d('check.way-tcp');
  return d(passesTcp === true ? 'check.way-udp-tcp' : 'check.way-udp');
}

function Figures({ check }: { check: LineCheck }): JSX.Element {
  const way = wayText(check);
  const isProbed = check.upKbit !== null;
  const figures = [d('check.round-trip', { ms: check.roundTripMs })];
  if (check.upKbit !== null) figures.push(d('check.up', { rate: rateText(check.upKbit, isProbed) }));
  if (check.downKbit !== null) figures.push(d('check.down', { rate: rateText(check.downKbit, isProbed) }));
  return (
    <>
      <p class="quiet" data-up-kbit={check.upKbit ?? ''} data-down-kbit={check.downKbit ?? ''}>{figures.join(' · ')}</p>
      {way !== null && <p class="quiet">{way}</p>}
      {Math.abs(check.clockAheadMs) > CLOCK_LIMIT_MS && (
        <p class="note" data-clock={check.clockAheadMs}><Icon path={icons.clock} size={20} />
          <span>{d('check.clock', { difference: formatDuration(Math.round(Math.abs(check.clockAheadMs) / 1000)) })}</span></p>
      )}
    </>
  );
}

function savesData(): boolean {
  return (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true;
}

export function LineResult({ token, onVerdict }: { token: string; onVerdict: (verdict: LineVerdict) => void }): JSX.Element {
  const signal = useOwnSignal();
  const [result, setResult] = useState<LineCheck | 'busy' | 'failed' | 'idle'>(savesData() ? 'idle' : 'busy');
  const run = (): void => {
    setResult('busy');
    checkLine(signalUrl(location), (offers) => api.checkLine(signal, token, offers), signal).then(
      (check) => {
        if (signal.aborted) return;
        setResult(check);
        onVerdict(verdictOf(check));
      },
      () => { if (!signal.aborted) setResult('failed'); });
  };
  useEffect(() => { if (result !== 'idle') run(); }, []);
  const isDone = typeof result === 'object';
  return (
    <div class="line-check" data-line={isDone ? verdictOf(result) : result} data-way={isDone ? result.media ?? 'unknown' : undefined}>
      <p role="status"><Icon path={roomIcons.bars} size={20} /> {isDone ? d(`check.${verdictOf(result)}`) : d(`check.${result}`)}</p>
      {isDone && <Figures check={result} />}
      {result !== 'busy' && (
        <button type="button" class="text-button" onClick={run}>{d(result === 'idle' ? 'check.start' : 'check.again')}</button>
      )}
    </div>
  );
}
