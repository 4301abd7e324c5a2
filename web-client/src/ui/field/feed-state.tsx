/** What arrives of a feed, in words and figures: the crew's page and staff's panel show the same. */
import type { JSX } from 'preact';
import { formatTime, viewerTimeZone } from '../../i18n/format';
import { t } from '../../i18n/field';
import { formatCount } from '../../i18n/texts';
import type { Feed } from '../../protocol/feeds';
import { gradeOf, verdictOf } from '../../store/feed-verdict';
import { Icon, icons } from '../parts/icon';

const REFUSED_SHOWN_MS = 10 * 60_000;

export function FeedVerdict({ feed }: { feed: Feed }): JSX.Element {
  const verdict = verdictOf(feed);
  const grade = gradeOf(verdict);
  const icon = grade === 'good' ? icons.check : grade === 'none' ? icons.clock : icons.warning;
  const refused = feed.refused !== null && Date.now() - feed.refused.at.getTime() < REFUSED_SHOWN_MS
    ? `refused.${feed.refused.code}` : '';
  return (
    <div class="feed-verdict">
      <p class={`feed-grade is-${grade}`} data-verdict={verdict}>
        <Icon path={icon} size={24} />
        <span>{(feed.state === 'live' || feed.state === 'lost') && <strong>{t('feeds.in-session')}. </strong>}{t(`verdict.${verdict}`)}</span>
      </p>
      {t.has(refused) && feed.refused !== null && (
        <p class="feed-refused"><Icon path={icons.warning} size={20} />
          <span>{t(refused, { time: formatTime(feed.refused.at, viewerTimeZone()) })}</span></p>
      )}
      {feed.gone === 'unreachable' && <p class="quiet">{t('gone.unreachable')}</p>}
    </div>
  );
}

export function FeedFigures({ feed }: { feed: Feed }): JSX.Element | null {
  const now = feed.arriving;
  if (now === null) return null;
  const codec = (name: string): string => name.toUpperCase().replace('H264', 'H.264').replace('H265', 'H.265');
  const rows: [string, string][] = [
    [t('crew.video'), now.video === null ? t('crew.none') : `${codec(now.video.codec)} ${now.video.width > 0 ? `${now.video.width}×${now.video.height}` : ''}`],
    [t('crew.audio'), now.audio === null ? t('crew.none') : `${codec(now.audio.codec)} ${now.audio.channels > 0 ? t.count('crew.channels', now.audio.channels) : ''}`],
    [t('crew.kbit'), t('crew.rate', { rate: formatCount(now.kbit) })],
    [t('crew.fps'), formatCount(Math.round(now.fps_tenths / 10))],
  ];
  if (now.loss_permille !== null) rows.push([t('crew.loss'), `${formatCount(now.loss_permille / 10)} %`]);
  if (now.rtt_ms !== null) rows.push([t('crew.rtt'), `${formatCount(now.rtt_ms)} ms`]);
  return <dl class="feed-figures">{rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}
