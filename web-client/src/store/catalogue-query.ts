/** The catalogue's filters, kept in the address so that a search can be shared and the back button undoes it. */
import type { RecordingQuery } from '../protocol/api';
import { FACETS, type FacetName } from '../protocol/objects';

export interface CatalogueFilter extends Record<FacetName, string> {
  q: string;
  page: number;
}

export const PER_PAGE = 24;
const QUERY_MAX = 200;

export function readFilter(query: string): CatalogueFilter {
  const parameters = new URLSearchParams(query);
  const page = Number(parameters.get('page') ?? '1');
  const value = (name: FacetName): string => parameters.get(name) ?? '';
  return {
    q: (parameters.get('q') ?? '').slice(0, QUERY_MAX),
    area: value('area'),
    city: value('city'),
    country: value('country'),
    language: value('language'),
    year: value('year'),
    kind: value('kind'),
    length: value('length'),
    page: Number.isInteger(page) && page > 0 && page < 10_000 ? page : 1,
  };
}

/** The address of the catalogue with that filter; a changed filter begins at its first page. */
export function filterUrl(filter: CatalogueFilter, change: Partial<CatalogueFilter> = {}): string {
  const next = { ...filter, page: 1, ...change };
  const parameters = new URLSearchParams();
  for (const name of ['q', ...FACETS] as const) if (next[name] !== '') parameters.set(name, next[name]);
  if (next.page !== 1) parameters.set('page', String(next.page));
  const text = parameters.toString();
  return text === '' ? '/' : `/?${text}`;
}

export function isFiltered(filter: CatalogueFilter): boolean {
  return filter.q !== '' || FACETS.some((name) => filter[name] !== '');
}

/** Full-width letters and half-width kana are folded, as people type both. */
export function toRequest(filter: CatalogueFilter): RecordingQuery {
  return {
    ...filter,
    q: filter.q.normalize('NFKC').trim(),
    per_page: PER_PAGE,
    // Staff would see drafts too; the catalogue is the same for everyone.
    state: 'published',
  };
}
