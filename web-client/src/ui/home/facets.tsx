/** Filters by area and city with their counts: links, so each is an address of its own. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../../i18n/common';
import type { MarkedText } from '../../i18n/bilingual';
import { languageName } from '../../i18n/format';
import { language } from '../../i18n/language';
import { formatCount } from '../../i18n/texts';
import type { FacetCount, FacetName, RecordingPage } from '../../protocol/objects';
import { filterUrl, type CatalogueFilter } from '../../store/catalogue-query';
import { areas, areaName, cities, cityName, sortCities } from '../../store/taxonomy';
import { Marked } from '../parts/parts';

const CITIES_SHOWN = 8;

interface FacetListProps {
  heading: string;
  allUrl: string;
  isAll: boolean;
  items: readonly { code: string; name: MarkedText; count: number; url: string; isChosen: boolean }[];
  shown?: number;
}

function FacetList({ heading, allUrl, isAll, items, shown = Infinity }: FacetListProps): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const visible = isOpen ? items : items.filter((item, index) => index < shown || item.isChosen);
  return (
    <div class="facet">
      <h3>{heading}</h3>
      <ul>
        <li>
          <a data-keep-scroll="" href={allUrl} aria-current={isAll ? 'true' : undefined}>{t('home.all')}</a>
        </li>
        {visible.map((item) => (
          <li key={item.code}>
            <a data-keep-scroll="" href={item.url} aria-current={item.isChosen ? 'true' : undefined}>
              <Marked text={item.name} /><span class="facet-count">{formatCount(item.count)}</span>
            </a>
          </li>
        ))}
      </ul>
      {visible.length < items.length && (
        <button type="button" class="text-button" onClick={() => setOpen(true)}>{t('home.more-values')}</button>
      )}
    </div>
  );
}

/** The name of a value of any facet, in the page's language. */
export function facetName(facet: FacetName, code: string): MarkedText {
  const text = (words: string): MarkedText => ({ text: words, lang: language.value });
  switch (facet) {
    case 'area': return areaName(code);
    case 'city': return cityName(code);
    case 'language': return text(languageName(code));
    case 'country': return text(new Intl.DisplayNames(language.value, { type: 'region', fallback: 'code' }).of(code) ?? code);
    case 'year': return text(language.value === 'ja' ? `${code}年` : code);
    case 'kind':
    case 'length': {
      const key = `home.${facet}-${code}`;
      return text(t.has(key) ? t(key) : code);
    }
  }
}

/** The smaller filters: only what tells some of the films apart, or is chosen. */
function MoreFacets({ filter, facets }: { filter: CatalogueFilter; facets: RecordingPage['facets'] }): JSX.Element {
  return (
    <>
      {(['language', 'year', 'kind', 'length', 'country'] as const).map((facet) => {
        const codes = facets[facet].map(({ code }) => code);
        if (filter[facet] === '' && codes.length < 2) return null;
        const chosen = filter[facet] !== '' && !codes.includes(filter[facet]) ? [{ code: filter[facet], count: 0 }] : [];
        const items = [...facets[facet], ...chosen].map(({ code, count }) => ({
          code, count, name: facetName(facet, code), url: filterUrl(filter, { [facet]: code }), isChosen: filter[facet] === code,
        }));
        if (facet === 'year') items.sort((a, b) => b.code.localeCompare(a.code, 'en'));
        if (facet === 'length') items.sort((a, b) => parseInt(a.code, 10) - parseInt(b.code, 10));
        return (
          <FacetList key={facet} heading={t(`home.filter-${facet}`)} allUrl={filterUrl(filter, { [facet]: '' })}
            isAll={filter[facet] === ''} items={items} shown={CITIES_SHOWN} />
        );
      })}
    </>
  );
}

function countOf(facet: readonly FacetCount[], code: string): number {
  return facet.find((item) => item.code === code)?.count ?? 0;
}

/** Beside the results where there is room; folded away on a phone. */
function useIsWide(): boolean {
  const [isWide, setWide] = useState(() => matchMedia('(min-width: 60rem)').matches);
  useEffect(() => {
    const media = matchMedia('(min-width: 60rem)');
    const stop = new AbortController();
    media.addEventListener('change', () => setWide(media.matches), { signal: stop.signal });
    return () => stop.abort();
  }, []);
  return isWide;
}

export function Facets({ filter, page }: { filter: CatalogueFilter; page: RecordingPage }): JSX.Element | null {
  const isWide = useIsWide();
  const { facets } = page;
  const areaItems = areas.value
    .map(({ code }) => ({
      code,
      name: areaName(code),
      count: countOf(facets.area, code),
      url: filterUrl(filter, { area: code }),
      isChosen: filter.area === code,
    }))
    .filter((item) => item.count > 0 || item.isChosen);
  const cityItems = sortCities(cities.value)
    .map(({ code }) => ({
      code,
      name: cityName(code),
      count: countOf(facets.city, code),
      url: filterUrl(filter, { city: code }),
      isChosen: filter.city === code,
    }))
    .filter((item) => item.count > 0 || item.isChosen);
  if (areaItems.length === 0 && cityItems.length === 0) return null;
  const lists = (
    <>
      <FacetList heading={t('home.filter-area')} allUrl={filterUrl(filter, { area: '' })}
        isAll={filter.area === ''} items={areaItems} />
      <FacetList heading={t('home.filter-city')} allUrl={filterUrl(filter, { city: '' })}
        isAll={filter.city === ''} items={cityItems} shown={CITIES_SHOWN} />
      <MoreFacets filter={filter} facets={facets} />
    </>
  );
  return (
    <nav class="facets" aria-label={t('home.filters')}>
      {isWide ? lists : <details><summary>{t('home.filters')}</summary>{lists}</details>}
    </nav>
  );
}
