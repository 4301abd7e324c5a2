/** How good the connection is, in a word, with the figures behind it and what it has used. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { formatBytes } from '../../i18n/format';
import { t } from '../../i18n/room';
import type { ConnectionFigures } from '../../rtc/connection';
import { Icon } from '../parts/icon';
import { gradeOf, type LineGrade } from './line-grade';
import { roomIcons } from './room-icons';
import { useRoom } from './room-ui';

const INTERVAL_MS = 3000;

interface Shown {
  grade: LineGrade;
  roundTripMs: number;
  lossPercent: number;
  bytes: number;
}

function compare(before: ConnectionFigures | null, now: ConnectionFigures): Shown {
  const isContinued = before !== null && now.expected >= before.expected;
  const expected = now.expected - (isContinued ? before.expected : 0);
  const lost = now.lost - (isContinued ? before.lost : 0);
  const lossPercent = expected > 0 ? Math.min(100, Math.max(0, (lost / expected) * 100)) : 0;
  const roundTripMs = now.roundTripMs ?? 0;
  return {
    grade: gradeOf(roundTripMs, lossPercent),
    roundTripMs: Math.round(roundTripMs),
    lossPercent: Math.round(lossPercent * 10) / 10,
    bytes: now.bytesReceived + now.bytesSent,
  };
}

export function LineQuality(): JSX.Element {
  const { store } = useRoom();
  const [shown, setShown] = useState<Shown | null>(null);
  useEffect(() => {
    let before: ConnectionFigures | null = null;
    let isGone = false;
    const timer = setInterval(() => {
      void store.media.figures().then((now) => {
        if (isGone) return;
        setShown(now === null ? null : compare(before, now));
        before = now;
      }, () => undefined);
    }, INTERVAL_MS);
    return () => {
      isGone = true;
      clearInterval(timer);
    };
  }, []);
  const isConnected = store.phase.value === 'here' && store.media.receiveState.value === 'connected';
  const grade = shown !== null && isConnected ? shown.grade : null;
  const detail = shown === null ? '' : t('line.detail', { rtt: shown.roundTripMs, loss: shown.lossPercent });
  return (
    <span class="line-quality" data-grade={grade ?? 'none'} data-receive={store.media.receiveState.value}
      data-publish={store.media.publishState.value} title={detail}>
      <Icon path={roomIcons.bars} size={20} />
      <span class="line-word">{grade === null ? t('line.unknown') : t(`line.${grade}`)}</span>
      {shown !== null && <span class="line-used">{t('line.used', { size: formatBytes(shown.bytes) })}</span>}
    </span>
  );
}
