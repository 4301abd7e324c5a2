/** How good the connection is, in a word, with the figures behind it and what it has used. */
import type { JSX } from 'preact';
import { formatBytes } from '../../i18n/format';
import { formatCount } from '../../i18n/texts';
import { t } from '../../i18n/room';
import { Icon } from '../parts/icon';
import { gradeOf } from './line-grade';
import { roomIcons } from './room-icons';
import { useRoom } from './room-ui';

export function LineQuality(): JSX.Element {
  const { store } = useRoom();
  const reading = store.reading.value;
  const isConnected = store.phase.value === 'here' && store.media.receiveState.value === 'connected';
  const grade = reading !== null && isConnected ? gradeOf(reading.roundTripMs, reading.lossPercent) : null;
  const detail = reading === null ? '' : t('line.detail', { rtt: reading.roundTripMs, loss: reading.lossPercent });
  return (
    <span class="line-quality" data-grade={grade ?? 'none'} data-receive={store.media.receiveState.value}
      data-publish={store.media.publishState.value} title={detail}>
      <Icon path={roomIcons.bars} size={20} />
      <span class="line-word">{grade === null ? t('line.unknown') : t(`line.${grade}`)}</span>
      {reading !== null && (
        <span class="line-used" data-in-kbit={reading.inKbit} data-bytes={reading.bytes}>
          {t('line.used', { rate: formatCount(reading.inKbit + reading.outKbit), size: formatBytes(reading.bytes) })}
        </span>
      )}
    </span>
  );
}
