/** The catalogue's filters, kept in the address so that a search can be shared and the back button undoes it. */
import type { RecordingQuery } from '../protocol/api';

export interface CatalogueFilter {
  q: string;
  area: string;
  city: string;
  page: number;
}

export const PER_PAGE = 24;
const QUERY_MAX = 200;

export function readFilter(query: string): CatalogueFilter {
  const parameters = new URLSearchParams(query);
  const page = Number(parameters.get('page') ?? '1');
  return {
    q: (parameters.get('q') ?? '').slice(0, QUERY_MAX),
    area: parameters.get('area') ?? '',
    city: parameters.get('city') ?? '',
    page: Number.isInteger(page) && page > 0 && page < 10_000 ? page : 1,
  };
}

/** The address of the catalogue with that filter; a changed filter begins at its first page. */
export function filterUrl(filter: CatalogueFilter, change: Partial<CatalogueFilter> = {}): string {
  const next = { ...filter, page: 1, ...change };
  const parameters = new URLSearchParams();
  if (next.q !== '') parameters.set('q', next.q);
  if (next.area !== '') parameters.set('area', next.area);
  if (next.city !== '') parameters.set('city', next.city);
  if (next.page !== 1) parameters.set('page', String(next.page));
  const text = parameters.toString();
  return text === '' ? '/' : `/?${text}`;
}

export function isFiltered(filter: CatalogueFilter): boolean {
  return filter.q !== '' || filter.area !== '' || filter.city !== '';
}

/** Full-width letters and half-width kana are folded, as people type both. */
export function toRequest(filter: CatalogueFilter): RecordingQuery {
  return {
    q: filter.q.normalize('NFKC').trim(),
    area: filter.area,
    city: filter.city,
    page: filter.page,
    per_page: PER_PAGE,
    // Staff would see drafts too; the catalogue is the same for everyone.
    state: 'published',
  };
}
