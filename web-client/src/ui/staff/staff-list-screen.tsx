import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t as common } from '../../i18n/common';
import { pickText } from '../../i18n/bilingual';
import { t as publishing } from '../../i18n/publishing';
import { t } from '../../i18n/staff';
import { api } from '../../protocol/api';
import { user } from '../../store/account';
import { loadTaxonomy } from '../../store/taxonomy';
import { Frame } from '../frame';
import { usePageTitle, useResource, type UsedResource } from '../parts/hooks';
import { Icon, icons } from '../parts/icon';
import { EventState, EventTime } from '../parts/event-time';
import { Failed, Loading, Marked, PageHeading, StateBox } from '../parts/parts';
import type { LearningEvent } from '../../protocol/objects';
import { FilmTable } from './film-table';
import { JobTable } from './job-table';

const BUSY_REFRESH_MS = 3000;
const IDLE_REFRESH_MS = 15_000;
const PER_PAGE = 50;

export function titleOf(item: { title_en: string; title_ja: string }): string {
  return pickText(item.title_en, item.title_ja)?.text ?? '';
}

function EventTable({ events }: { events: readonly LearningEvent[] }): JSX.Element {
  if (events.length === 0) return <p class="quiet">{t('staff.events-none')}</p>;
  return (
    <div class="table-box" tabIndex={0} role="group" aria-labelledby="events-heading">
      <table role="table">
        <thead role="rowgroup"><tr role="row">
          <th role="columnheader" scope="col">{t('staff.event')}</th><th role="columnheader" scope="col">{t('staff.when')}</th>
          <th role="columnheader" scope="col">{t('staff.state')}</th><th role="columnheader" scope="col">{t('staff.actions')}</th>
        </tr></thead>
        <tbody role="rowgroup">
          {events.map((event) => {
            const title = pickText(event.title_en, event.title_ja);
            return (
              <tr role="row" key={event.id}>
                <th role="rowheader" scope="row"><a href={`/events/${event.id}`}>{title !== null && <Marked text={title} />}</a></th>
                <td role="cell"><EventTime event={event} /></td>
                <td role="cell"><EventState state={event.state} /></td>
                <td role="cell"><a class="small-button" href={`/staff/events/${event.id}`}
                  aria-label={t('staff.edit-label', { title: titleOf(event) })}>{t('staff.edit')}</a></td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Loaded<T>({ used, children }: { used: UsedResource<T>; children: (value: T) => JSX.Element }): JSX.Element {
  const { resource, reload } = used;
  if (resource.state === 'loading') return <Loading />;
  if (resource.state === 'failed') return <Failed error={resource.error} onRetry={reload} />;
  return children(resource.value);
}

function SignedIn(): JSX.Element {
  const [turn, setTurn] = useState(0);
  const events = useResource('staff events', (signal) => api.events(signal, 'all'));
  const films = useResource(
    `staff films ${turn}`, (signal) => api.recordings(signal, { per_page: PER_PAGE }),
    (value) => (value.items.some((film) => film.state === 'processing' || film.state === 'draft') ? BUSY_REFRESH_MS : IDLE_REFRESH_MS));
  const jobs = useResource(
    `staff jobs ${turn}`, (signal) => api.jobs(signal),
    (value) => (value.items.some((job) => job.state === 'running' || job.state === 'waiting') ? BUSY_REFRESH_MS : IDLE_REFRESH_MS));
  const changed = (): void => setTurn((before) => before + 1);
  const filmItems = films.resource.state === 'ready' ? films.resource.value.items : [];
  return (
    <>
      {user.value && !user.value.has_password && (
        <p class="note"><Icon path={icons.info} size={20} />
          <span>{t('staff.no-password')} <a href="/sign-in">{t('staff.set-password')}</a></span></p>
      )}
      <section class="section" aria-labelledby="events-heading">
        <div class="section-head">
          <h2 id="events-heading">{t('staff.events')}</h2>
          <a class="button is-primary" href="/staff/events/new">{t('staff.new-event')}</a>
        </div>
        <Loaded used={events}>{(value) => <EventTable events={value.items} />}</Loaded>
      </section>
      <section class="section" aria-labelledby="staff-films-heading">
        <div class="section-head">
          <h2 id="staff-films-heading">{t('staff.films')}</h2>
          <a class="button is-primary" href="/staff/upload">{t('staff.upload')}</a>
        </div>
        <Loaded used={films}>{(value) => <FilmTable films={value.items} onChanged={changed} />}</Loaded>
      </section>
      <section class="section" aria-labelledby="jobs-heading">
        <div class="section-head">
          <h2 id="jobs-heading">{t('staff.jobs')}</h2>
          {user.value?.is_admin === true && <a class="button" href="/staff/audit">{publishing('audit.title')}</a>}
        </div>
        <Loaded used={jobs}>{(value) => <JobTable jobs={value.items} films={filmItems} onChanged={changed} />}</Loaded>
      </section>
    </>
  );
}

export function StaffScreen(): JSX.Element {
  usePageTitle(t('staff.title'));
  useEffect(() => void loadTaxonomy().catch(() => undefined), []);
  const who = user.value;
  return (
    <Frame isWide>
      {who === undefined && <Loading />}
      {who === null && (
        <StateBox isPage title={t('staff.need-sign-in')}>
          <a class="button is-primary" href="/sign-in">{common('app.sign-in')}</a>
        </StateBox>
      )}
      {who !== undefined && who !== null && (
        <>
          <PageHeading>{t('staff.title')}</PageHeading>
          <SignedIn />
        </>
      )}
    </Frame>
  );
}
