import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../../i18n/common';
import { language } from '../../i18n/language';
import { api } from '../../protocol/api';
import { FACETS, type RecordingPage } from '../../protocol/objects';
import { announce } from '../../store/announcer';
import { filterUrl, isFiltered, readFilter, toRequest, type CatalogueFilter } from '../../store/catalogue-query';
import { navigate, query } from '../../store/location';
import { areas, areaName, loadTaxonomy } from '../../store/taxonomy';
import { Frame } from '../frame';
import { usePageTitle, useResource } from '../parts/hooks';
import { AreaIcon, Icon, icons } from '../parts/icon';
import { Failed, Loading, Marked, PageHeading, StateBox } from '../parts/parts';
import { RecordingCard } from '../parts/recording-card';
import { EventCard } from './event-card';
import { facetName, Facets } from './facets';

const EVENTS_SHOWN = 3;
const EVENTS_REFRESH_MS = 60_000;

export function SearchForm({ filter }: { filter: CatalogueFilter }): JSX.Element {
  const [text, setText] = useState(filter.q);
  useEffect(() => setText(filter.q), [filter.q]);
  return (
    <form class="search" role="search" onSubmit={(event) => {
      event.preventDefault();
      navigate(filterUrl(filter, { q: text.trim() }), { keepScroll: true });
    }}>
      <label class="visually-hidden" for="search">{t('home.search')}</label>
      <input id="search" type="search" name="q" autocomplete="off" enterkeyhint="search" maxLength={200}
        placeholder={t('home.search-hint')} value={text}
        onInput={(event) => setText(event.currentTarget.value)} />
      <button type="submit" class="button is-primary">
        <Icon path={icons.search} size={20} />{t('home.search-button')}
      </button>
    </form>
  );
}

function EventList(): JSX.Element {
  const { resource, reload } = useResource(
    'events', (signal) => api.events(signal, 'upcoming'), () => EVENTS_REFRESH_MS);
  return (
    <section class="section" aria-labelledby="events-heading">
      <h2 id="events-heading">{t('home.now')}</h2>
      {resource.state === 'loading' && <Loading />}
      {resource.state === 'failed' && <Failed error={resource.error} onRetry={reload} />}
      {resource.state === 'ready' && (resource.value.items.length === 0
        ? <p class="quiet">{t('home.no-events')}</p>
        : (
          <ul class="event-cards">
            {resource.value.items.slice(0, EVENTS_SHOWN * 3).map((event) => (
              <li key={event.id}><EventCard event={event} /></li>
            ))}
          </ul>
        ))}
    </section>
  );
}

function AreaTiles({ filter }: { filter: CatalogueFilter }): JSX.Element {
  return (
    <section class="section" aria-labelledby="areas-heading">
      <h2 id="areas-heading">{t('home.areas')}</h2>
      <ul class="area-tiles">
        {areas.value.map((area) => (
          <li key={area.code}>
            <a class="area-tile" data-area={area.code} data-keep-scroll="" href={filterUrl(filter, { area: area.code })}>
              <span class="area-tile-icon"><AreaIcon code={area.code} size={30} /></span>
              <span class="area-tile-text">
                <span class="area-tile-name"><Marked text={areaName(area.code)} /></span>
                <span class="area-tile-count">{t.count('home.area-count', area.recordings)}</span>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function ActiveFilters({ filter }: { filter: CatalogueFilter }): JSX.Element | null {
  if (!isFiltered(filter)) return null;
  const chips = [
    ...(filter.q !== '' ? [{ name: `“${filter.q}”`, without: filterUrl(filter, { q: '' }) }] : []),
    ...FACETS.filter((facet) => filter[facet] !== '').map((facet) => (
      { name: facetName(facet, filter[facet]).text, without: filterUrl(filter, { [facet]: '' }) })),
  ];
  return (
    <ul class="chips">
      {chips.map((chip) => (
        <li key={chip.without}>
          <a class="chip" data-keep-scroll="" href={chip.without} aria-label={t('home.remove-filter', { name: chip.name })}>
            {chip.name}<Icon path={icons.close} size={18} />
          </a>
        </li>
      ))}
      <li><a class="chip is-plain" data-keep-scroll="" href="/">{t('home.clear')}</a></li>
    </ul>
  );
}

function Pages({ filter, page }: { filter: CatalogueFilter; page: RecordingPage }): JSX.Element | null {
  const pages = Math.ceil(page.total / page.per_page);
  if (pages <= 1) return null;
  return (
    <nav class="pages" aria-label={t('home.pages')}>
      {page.page > 1 && (
        <a class="button" href={filterUrl(filter, { page: page.page - 1 })}>{t('home.previous')}</a>
      )}
      <span>{t('home.page', { page: page.page, pages })}</span>
      {page.page < pages && (
        <a class="button" href={filterUrl(filter, { page: page.page + 1 })}>{t('home.next')}</a>
      )}
    </nav>
  );
}

function Results({ filter, page, isStale }: {
  filter: CatalogueFilter; page: RecordingPage; isStale: boolean;
}): JSX.Element {
  if (page.items.length === 0) {
    return isFiltered(filter)
      ? (
        <StateBox icon={icons.search} title={t('home.none')} text={t('home.none-what')}>
          <a class="button" data-keep-scroll="" href="/">{t('home.clear')}</a>
        </StateBox>
      )
      : <StateBox icon={icons.play} title={t('home.empty')} text={t('home.empty-what')} />;
  }
  return (
    <>
      <ul class={isStale ? 'cards is-stale' : 'cards'} aria-busy={isStale}>
        {page.items.map((recording) => (
          <li key={recording.id}><RecordingCard recording={recording} /></li>
        ))}
      </ul>
      <Pages filter={filter} page={page} />
    </>
  );
}

/** The RSS feed of what is shown: of an area or a city, if one is chosen. */
function feedUrl(filter: CatalogueFilter): string {
  const parameters = new URLSearchParams({ language: language.value });
  if (filter.area !== '') parameters.set('area', filter.area);
  if (filter.city !== '') parameters.set('city', filter.city);
  return `/feed.xml?${parameters.toString()}`;
}

export function HomeScreen(): JSX.Element {
  const filter = readFilter(query.value);
  const filtered = isFiltered(filter);
  useEffect(() => void loadTaxonomy().catch(() => undefined), []);
  const { resource, reload } = useResource(
    filterUrl(filter, { page: filter.page }), (signal) => api.recordings(signal, toRequest(filter)));
  usePageTitle(filtered ? t('home.results') : t('home.title'));

  const isFirst = useRef(true);
  const total = resource.state === 'ready' && !resource.isStale ? resource.value.total : null;
  useEffect(() => {
    if (total === null) return;
    if (!isFirst.current) announce(t.count('home.count', total));
    isFirst.current = false;
  }, [total, query.value]);

  return (
    <Frame isWide>
      <div class={filtered ? 'hero is-small' : 'hero'}>
        <PageHeading isQuiet>{t('home.title')}</PageHeading>
        {!filtered && <p class="hero-intro">{t('home.intro')}</p>}
        <SearchForm filter={filter} />
      </div>
      {!filtered && <EventList />}
      {!filtered && <AreaTiles filter={filter} />}
      <section class="section" aria-labelledby="results-heading">
        <div class="section-head">
          <h2 id="results-heading">{filtered ? t('home.results') : t('home.newest')}</h2>
          {resource.state === 'ready' && (
            <p class="quiet">{t.count('home.count', resource.value.total)}</p>
          )}
        </div>
        <ActiveFilters filter={filter} />
        <p class="feed-link"><a href={feedUrl(filter)}>{t('home.feed')}</a></p>
        <div class="catalogue">
          {resource.state === 'ready' && <Facets filter={filter} page={resource.value} />}
          <div class="catalogue-results">
            {resource.state === 'loading' && <Loading />}
            {resource.state === 'failed' && <Failed error={resource.error} onRetry={reload} />}
            {resource.state === 'ready' && (
              <Results filter={filter} page={resource.value} isStale={resource.isStale} />
            )}
          </div>
        </div>
      </section>
    </Frame>
  );
}
