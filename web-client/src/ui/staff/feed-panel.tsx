/** Live feeds of an event: planned, handed to their crews, watched and withdrawn. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { t } from '../../i18n/field';
import { feedApi, type Feed, type FeedSource } from '../../protocol/feeds';
import type { LearningEvent } from '../../protocol/objects';
import { announce } from '../../store/announcer';
import { FeedFigures, FeedVerdict } from '../field/feed-state';
import { useAction, useResource } from '../parts/hooks';
import { ActionError, ConfirmDialog, Failed, Loading, PersonText } from '../parts/parts';
import { AreaSelect, CitySelect, SelectField, TextField } from './fields';

const REFRESH_MS = 3000;

function NewFeed({ feed }: { feed: Feed }): JSX.Element | null {
  if (feed.url === null) return null;
  const url = feed.url;
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(url);
      announce(t('feeds.copied'));
    } catch {
      prompt(t('feeds.copy'), url);
    }
  };
  return (
    <li class="new-link">
      <div class="new-link-text">
        <h3>{t('feeds.made', { name: '' })}<PersonText text={feed.name} /></h3>
        <input class="new-link-url" readOnly value={url} aria-label={t('feeds.crew-link', { name: feed.name })}
          onFocus={(focus) => focus.currentTarget.select()} />
        <div class="form-actions">
          <button type="button" class="button" onClick={() => void copy()}>{t('feeds.copy')}</button>
        </div>
      </div>
      {feed.qr_svg !== null && (
        <img class="qr" src={`data:image/svg+xml,${encodeURIComponent(feed.qr_svg)}`} alt={t('feeds.qr')} width={144} height={144} />
      )}
    </li>
  );
}

function PlannedFeed({ feed, token, onChanged }: { feed: Feed; token: string | null; onChanged: () => void }): JSX.Element {
  const action = useAction();
  const [isAsking, setAsking] = useState(false);
  const revoke = async (): Promise<void> => {
    if (await action.run((signal) => feedApi.revoke(signal, feed.id, token))) onChanged();
  };
  return (
    <li class="feed">
      <div class="feed-head">
        <span><strong><PersonText text={feed.name} /></strong> <span class="quiet">{t(`feeds.source.${feed.source}`)}</span></span>
        <button type="button" class="small-button is-danger" aria-disabled={action.isBusy}
          aria-label={t('feeds.revoke-label', { name: feed.name })} onClick={() => setAsking(true)}>{t('feeds.revoke')}</button>
      </div>
      <FeedVerdict feed={feed} />
      <FeedFigures feed={feed} />
      <ActionError error={action.error} />
      {isAsking && (
        <ConfirmDialog title={t('feeds.revoke-title')} text={t('feeds.revoke-what')} action={t('feeds.revoke')} isDanger
          onClose={() => setAsking(false)} onConfirm={() => void revoke()} />
      )}
    </li>
  );
}

function FeedForm({ event, token, sources, onMade }: {
  event: LearningEvent; token: string | null; sources: readonly FeedSource[]; onMade: (feed: Feed) => void;
}): JSX.Element {
  const action = useAction();
  const [source, setSource] = useState<FeedSource>(sources[0] ?? 'camera');
  const [name, setName] = useState('');
  const [area, setArea] = useState(event.area);
  const [city, setCity] = useState(event.city);
  const [url, setUrl] = useState('');
  const [isChecked, setChecked] = useState(false);
  const isUrlWrong = action.error?.fields.some(({ field }) => field === 'url') === true;
  const make = async (): Promise<void> => {
    setChecked(true);
    if (name.trim() === '') return;
    await action.run(async (signal) => {
      const feed = await feedApi.create(signal, event.id,
        { source, name: name.trim(), area, city, ...(source === 'rtsp' ? { url: url.trim() } : {}) }, token);
      setName('');
      setUrl('');
      setChecked(false);
      onMade(feed);
    });
  };
  return (
    <form class="feed-form" noValidate onSubmit={(submit) => { submit.preventDefault(); void make(); }}>
      <SelectField id="feed-source" label={t('feeds.source')} value={source} onChoose={setSource}
        options={sources.map((one) => ({ value: one, label: t(`feeds.source.${one}`) }))} />
      <TextField id="feed-name" label={t('feeds.name')} value={name} maxLength={100} onInput={setName}
        error={isChecked && name.trim() === '' ? t('feeds.name-missing') : null} />
      <CitySelect id="feed-city" value={city} onChoose={setCity} />
      <AreaSelect id="feed-area" value={area} onChoose={setArea} />
      {source === 'rtsp' && (
        <TextField id="feed-url" label={t('feeds.camera-url')} hint={t('feeds.camera-url-hint')} value={url} maxLength={500} onInput={setUrl}
          error={isUrlWrong ? t('feeds.camera-url-wrong') : null} />
      )}
      <div class="form-actions">
        <button type="submit" class="button is-primary" aria-disabled={action.isBusy}>{t('feeds.make')}</button>
      </div>
      {!isUrlWrong && <ActionError error={action.error} />}
    </form>
  );
}

export function FeedPanel({ event, token }: { event: LearningEvent; token: string | null }): JSX.Element {
  const [made, setMade] = useState<readonly Feed[]>([]);
  const { resource, reload } = useResource(`feeds ${event.id}`, (signal) => feedApi.list(signal, event.id, token),
    ({ items }) => (items.length > 0 ? REFRESH_MS : null));
  return (
    <section class="panel links" aria-labelledby="feeds-heading">
      <h2 id="feeds-heading">{t('feeds.title')}</h2>
      <p class="quiet">{t('feeds.what')}</p>
      {resource.state === 'loading' && <Loading />}
      {resource.state === 'failed' && <Failed error={resource.error} onRetry={reload} />}
      {resource.state === 'ready' && (
        <>
          <FeedForm event={event} token={token} sources={resource.value.sources} onMade={(feed) => {
            setMade((before) => [feed, ...before]);
            reload();
          }} />
          <ul class="new-links" aria-live="polite">{made.map((feed) => <NewFeed key={feed.id} feed={feed} />)}</ul>
          <h3>{t('feeds.existing')}</h3>
          {resource.value.items.length === 0
            ? <p class="quiet">{t('feeds.none')}</p>
            : <ul class="link-rows">{resource.value.items.map((feed) => (
              <PlannedFeed key={feed.id} feed={feed} token={token} onChanged={reload} />
            ))}</ul>}
        </>
      )}
    </section>
  );
}
