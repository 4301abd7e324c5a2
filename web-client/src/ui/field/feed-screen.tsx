/** The crew's page: how to send, and what arrives. Comes with the feed's link: /feed#TOKEN. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { t } from '../../i18n/field';
import { feedApi, type CrewFeed } from '../../protocol/feeds';
import { FEED_TOKEN } from '../../store/account';
import { readTabValue } from '../../store/preferences';
import { EventTime } from '../parts/event-time';
import { Frame } from '../frame';
import { usePageTitle, useResource } from '../parts/hooks';
import { Icon, icons } from '../parts/icon';
import { BilingualTitle, Failed, Loading, PageHeading, PersonText, StateBox } from '../parts/parts';
import { FeedFigures, FeedVerdict } from './feed-state';

const REFRESH_MS = 1500;

function CopyLine({ id, label, value }: { id: string; label: string; value: string }): JSX.Element {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(value);
      setCopied(true);
    } catch {
      document.getElementById(id)?.focus();
    }
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="copy-line">
        <input id={id} class="new-link-url" readOnly value={value} onFocus={(focus) => focus.currentTarget.select()} />
        <button type="button" class="button" aria-label={`${t('crew.copy')}: ${label}`} onClick={() => void copy()} onBlur={() => setCopied(false)}>
          {isCopied ? <><Icon path={icons.check} size={20} />{t('feeds.copied')}</> : t('crew.copy')}
        </button>
      </div>
    </div>
  );
}

function testCommand(feed: CrewFeed): string | null {
  if (feed.publish_url === null) return null;
  const media = '-re -f lavfi -i testsrc2=s=1280x720:r=25 -f lavfi -i sine=f=440 -c:v libx264 -preset veryfast -tune zerolatency -g 50 -b:v 1500k -c:a aac';
  return `ffmpeg ${media} -f ${feed.source === 'rtmp' ? 'flv' : 'mpegts'} "${feed.publish_url}"`;
}

function HowToSend({ feed }: { feed: CrewFeed }): JSX.Element {
  const command = testCommand(feed);
  if (feed.source === 'rtsp') return <p>{t('crew.rtsp')}</p>;
  if (feed.source === 'camera') {
    return <p>{t('crew.camera')} <a class="button is-primary" href="/camera">{t('feeds.source.camera')}</a></p>;
  }
  return (
    <div class="feed-how">
      <div class="feed-lines">
        {feed.address !== null && <CopyLine id="feed-address" label={t('crew.address')} value={feed.address} />}
        {feed.key !== null && <CopyLine id="feed-key" label={feed.source === 'rtmp' ? t('crew.key-rtmp') : t('crew.key')} value={feed.key} />}
        {feed.passphrase !== null && <CopyLine id="feed-passphrase" label={t('crew.passphrase')} value={feed.passphrase} />}
        {feed.publish_url !== null && <CopyLine id="feed-all" label={t('crew.all')} value={feed.publish_url} />}
        {feed.source === 'srt' && <p class="quiet">{t('crew.settings')}</p>}
        <p class="quiet">{t('crew.keep')}</p>
        {command !== null && (
          <details class="feed-test">
            <summary>ffmpeg</summary>
            <p>{t('crew.test')}</p>
            <pre tabIndex={0}>{command}</pre>
          </details>
        )}
      </div>
      {feed.publish_qr_svg !== null && (
        <img class="qr" src={`data:image/svg+xml,${encodeURIComponent(feed.publish_qr_svg)}`} alt={t('crew.qr')} width={200} height={200} />
      )}
    </div>
  );
}

function Crew({ feed }: { feed: CrewFeed }): JSX.Element {
  return (
    <>
      <PageHeading>{t('crew.title', { name: feed.name })}</PageHeading>
      <p class="lead-text"><BilingualTitle en={feed.event.title_en} ja={feed.event.title_ja} /></p>
      <EventTime event={feed.event} />
      <section class="panel" aria-labelledby="feed-arrives">
        <h2 id="feed-arrives">{t('crew.arrives')}</h2>
        <div aria-live="polite"><FeedVerdict feed={feed} /></div>
        <FeedFigures feed={feed} />
      </section>
      <section class="panel" aria-labelledby="feed-how">
        <h2 id="feed-how">{t('crew.how')} · <PersonText text={feed.name} /></h2>
        <HowToSend feed={feed} />
      </section>
    </>
  );
}

export function FeedScreen(): JSX.Element {
  const token = readTabValue(FEED_TOKEN) ?? '';
  const { resource, reload } = useResource('feed', (signal) => feedApi.mine(signal, token), () => REFRESH_MS);
  usePageTitle(resource.state === 'ready' ? t('crew.title', { name: resource.value.name }) : t('feeds.title'));
  return (
    <Frame>
      {resource.state === 'loading' && <Loading />}
      {resource.state === 'failed' && (resource.error.status === 401
        ? <StateBox isPage icon={icons.warning} title={t('crew.bad-link')} text={t('crew.bad-link-what')} />
        : <Failed isPage error={resource.error} onRetry={reload} />)}
      {resource.state === 'ready' && <Crew feed={resource.value} />}
    </Frame>
  );
}
