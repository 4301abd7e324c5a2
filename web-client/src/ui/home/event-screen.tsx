import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { t } from '../../i18n/common';
import { pickText } from '../../i18n/bilingual';
import { formatDuration, formatTime } from '../../i18n/format';
import { api } from '../../protocol/api';
import type { LearningEvent } from '../../protocol/objects';
import { heldLink, tokenFor, user } from '../../store/account';
import { areaName, cityName, loadTaxonomy } from '../../store/taxonomy';
import { Frame } from '../frame';
import { usePageTitle, useResource } from '../parts/hooks';
import { EventState, EventTime } from '../parts/event-time';
import { AreaIcon, Icon, icons } from '../parts/icon';
import {
  BilingualTitle, Failed, LanguageBadges, Loading, Marked, OtherTitle, PageHeading, PersonText,
} from '../parts/parts';
import { RecordingCard } from '../parts/recording-card';
import { CalendarLink } from './calendar-link';

const REFRESH_MS = 30_000;
const FILMS_SHOWN = 3;

function EventFacts({ event }: { event: LearningEvent }): JSX.Element {
  return (
    <dl class="facts">
      <div><dt><Icon path={icons.clock} size={20} />{t('event.when')}</dt><dd><EventTime event={event} /></dd></div>
      <div><dt><Icon path={icons.place} size={20} />{t('event.host-city')}</dt><dd><a href={`/?city=${event.city}`}><Marked text={cityName(event.city)} /></a></dd></div>
      <div><dt><AreaIcon code={event.area} size={20} />{t('event.area')}</dt><dd><a href={`/?area=${event.area}`}><Marked text={areaName(event.area)} /></a></dd></div>
      {event.attendance !== 'online' && (
        <div><dt><Icon path={icons.place} size={20} />{t('event.attendance')}</dt>
          <dd>{t(`event.attendance-${event.attendance}`)}<Venue event={event} /></dd></div>
      )}
      {event.learning_cities.length > 0 && (
        <div><dt><Icon path={icons.place} size={20} />{t('event.learning-cities')}</dt>
          <dd><ul class="inline-list">
            {event.learning_cities.map((code) => <li key={code}><a href={`/?city=${code}`}><Marked text={cityName(code)} /></a></li>)}
          </ul></dd></div>
      )}
      {event.languages.length > 0 && (
        <div><dt><Icon path={icons.language} size={20} />{t('event.languages')}</dt><dd><LanguageBadges tags={event.languages} /></dd></div>
      )}
    </dl>
  );
}

function Venue({ event }: { event: LearningEvent }): JSX.Element | null {
  const text = pickText(event.venue_en, event.venue_ja);
  return text === null ? null : <><br /><Marked text={text} /></>;
}

/** Each item with its time on the event's own clock, counted from the start. */
function Agenda({ event }: { event: LearningEvent }): JSX.Element | null {
  if (event.agenda.length === 0) return null;
  let offset = 0;
  const items = event.agenda.map((item) => {
    const starts = new Date(event.starts_at.getTime() + offset * 1000);
    offset += item.duration_s;
    return { item, starts };
  });
  // Without lengths there are no times to tell apart.
  const hasTimes = offset > 0;
  return (
    <section class="section" aria-labelledby="agenda-heading">
      <h2 id="agenda-heading">{t('event.agenda')}</h2>
      <ol class="agenda">
        {items.map(({ item, starts }, index) => (
          <li key={index}>
            {hasTimes && <time dateTime={starts.toISOString()}>{formatTime(starts, event.time_zone)}</time>}
            <div>
              <strong><BilingualTitle en={item.title_en} ja={item.title_ja} /></strong>
              {item.speaker !== '' && <p class="quiet"><PersonText text={item.speaker} /></p>}
            </div>
            {item.duration_s > 0 && <span class="quiet">{formatDuration(item.duration_s)}</span>}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Summary({ event }: { event: LearningEvent }): JSX.Element | null {
  const text = pickText(event.summary_en, event.summary_ja);
  if (text === null) return null;
  return <p class="prose" lang={text.lang}>{text.text}</p>;
}

/** Films of the session itself where they are published, else of its area. */
function Films({ event }: { event: LearningEvent }): JSX.Element | null {
  const { resource } = useResource(`films ${event.id}`, (signal) =>
    api.recordings(signal, { area: event.area, per_page: 24, state: 'published' }));
  if (resource.state !== 'ready') return null;
  const own = resource.value.items.filter((recording) => recording.event === event.id);
  const shown = own.length > 0 ? own : resource.value.items.slice(0, FILMS_SHOWN);
  if (shown.length === 0) return null;
  return (
    <section class="section" aria-labelledby="films-heading">
      <h2 id="films-heading">{own.length > 0 ? t('event.film') : t('event.films')}</h2>
      <ul class="cards">
        {shown.map((recording) => <li key={recording.id}><RecordingCard recording={recording} /></li>)}
      </ul>
    </section>
  );
}

const policyTexts = {
  none: 'event.not-recorded', review: 'event.recorded', publish: 'event.recorded-publish',
} as const;

function HowToJoin({ event }: { event: LearningEvent }): JSX.Element | null {
  const link = heldLink();
  const holdsLink = link !== null && link.event === event.id;
  if (event.state === 'ended') return null;
  return (
    <section class="panel" aria-labelledby="join-heading">
      <h2 id="join-heading">{t('event.how-to-join')}</h2>
      {holdsLink
        ? (
          <p class="button-row">
            <a class="button is-primary" href="/join"><Icon path={icons.arrow} size={20} />{t('event.join')}</a>
            {/* The door does both: what is tried there is remembered for the day. */}
            {event.state === 'planned' && <a class="button" href="/join?try=1">{t('event.try')}</a>}
          </p>
        )
        : <p>{t('event.how-to-join-what')}</p>}
      <CalendarLink event={event.id} token={holdsLink ? link.token : null} />
      <p class="quiet">{t(policyTexts[event.recording_policy])}</p>
    </section>
  );
}

export function EventScreen({ event: id }: { event: string }): JSX.Element {
  useEffect(() => void loadTaxonomy().catch(() => undefined), []);
  const { resource, reload } = useResource(
    `event ${id}`, (signal) => api.event(signal, id, tokenFor(id)),
    (event) => (event.state === 'ended' ? null : REFRESH_MS));
  const event = resource.state === 'ready' ? resource.value : null;
  usePageTitle(event === null ? '' : pickText(event.title_en, event.title_ja)?.text ?? '');
  const editUrl = user.value ? `/staff/events/${id}` : `/events/${id}/edit`;
  return (
    <Frame>
      {resource.state === 'loading' && <Loading />}
      {resource.state === 'failed' && <Failed isPage error={resource.error} onRetry={reload} />}
      {event !== null && (
        <article class="event-page">
          <p class="event-card-top">
            <EventState state={event.state} />
            <span class="event-card-kind">{t(`event.kind.${event.kind}`)}</span>
          </p>
          <PageHeading><BilingualTitle en={event.title_en} ja={event.title_ja} /></PageHeading>
          <OtherTitle en={event.title_en} ja={event.title_ja} />
          <EventFacts event={event} />
          <Summary event={event} />
          <HowToJoin event={event} />
          <Agenda event={event} />
          {event.may.edit && <p><a class="button" href={editUrl}>{t('event.edit')}</a></p>}
          <Films event={event} />
        </article>
      )}
    </Frame>
  );
}
