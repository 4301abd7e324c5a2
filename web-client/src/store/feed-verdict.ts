/** Whether what arrives of a feed is good enough, as one word; the words for people are in i18n/field.ts. */
import type { Arriving, Feed } from '../protocol/feeds';

export type Verdict =
  | 'off' | 'waiting' | 'lost' | 'good'
  | 'not-a-stream' | 'nothing-arrives' | 'no-video' | 'no-picture-yet' | 'no-audio' | 'unknown-video' | 'unknown-audio' | 'too-large'
  | 'loses-much' | 'loses' | 'slow-pictures' | 'small' | 'beginning';

const TROUBLES: readonly Verdict[] = [
  'not-a-stream', 'nothing-arrives', 'no-video', 'no-picture-yet', 'no-audio', 'unknown-video', 'unknown-audio', 'too-large',
];
/** It can be used, but somebody should look at it. */
const WEAK: readonly Verdict[] = ['no-audio', 'unknown-audio', 'loses', 'slow-pictures', 'small', 'beginning'];

const BEGINNING_S = 4;

function ofArriving(arriving: Arriving): Verdict {
  const trouble = TROUBLES.find((one) => one === arriving.trouble);
  if (trouble !== undefined) return trouble;
  if (arriving.connected_s < BEGINNING_S || arriving.video === null) return 'beginning';
  const loss = arriving.loss_permille ?? 0;
  if (loss >= 100) return 'loses-much';
  if (arriving.fps_tenths < 80) return 'slow-pictures';
  if (loss >= 20) return 'loses';
  return Math.min(arriving.video.width, arriving.video.height) < 300 ? 'small' : 'good';
}

export function verdictOf(feed: Pick<Feed, 'state' | 'arriving' | 'is_taken' | 'source'>): Verdict {
  if (feed.arriving !== null) return ofArriving(feed.arriving);
  if (feed.state === 'live') return 'good';
  if (feed.state === 'lost') return 'lost';
  return feed.state === 'waiting' || feed.source === 'camera' ? 'waiting' : 'off';
}

export function gradeOf(verdict: Verdict): 'good' | 'weak' | 'bad' | 'none' {
  if (verdict === 'good') return 'good';
  if (verdict === 'off' || verdict === 'waiting') return 'none';
  return WEAK.includes(verdict) ? 'weak' : 'bad';
}
