/** The six areas and the cities: fetched once a page load, then read everywhere. */
import { computed, signal } from '@preact/signals';
import { language } from '../i18n/language';
import { pickText, type MarkedText } from '../i18n/bilingual';
import { api } from '../protocol/api';
import type { Area, City } from '../protocol/objects';

export const areas = signal<readonly Area[]>([]);
export const cities = signal<readonly City[]>([]);

const areaByCode = computed(() => new Map(areas.value.map((area) => [area.code, area])));
const cityByCode = computed(() => new Map(cities.value.map((city) => [city.code, city])));

let loading: Promise<void> | null = null;

/** Safe to call from every screen; a failed load is tried again by the next call. */
export function loadTaxonomy(): Promise<void> {
  loading ??= (async () => {
    const forever = new AbortController().signal;
    try {
      const [areaList, cityList] = await Promise.all([api.areas(forever), api.cities(forever)]);
      areas.value = areaList.items;
      cities.value = cityList.items;
    } catch (error) {
      loading = null;
      throw error;
    }
  })();
  return loading;
}

/** The code itself until the list is there, or when it is not in the list. */
export function areaName(code: string): MarkedText {
  const area = areaByCode.value.get(code);
  return (area !== undefined ? pickText(area.name_en, area.name_ja) : null) ?? { text: code, lang: 'en' };
}

export function cityName(code: string): MarkedText {
  const city = cityByCode.value.get(code);
  return (city !== undefined ? pickText(city.name_en, city.name_ja) : null) ?? { text: code, lang: 'en' };
}

/** A-Z in English; in Japanese from north to south, the order of the municipal codes, as official lists have it. */
export function sortCities<T extends Pick<City, 'code' | 'name_en'>>(list: readonly T[]): T[] {
  return language.value === 'ja'
    ? [...list].sort((a, b) => a.code.localeCompare(b.code, 'en'))
    : [...list].sort((a, b) => a.name_en.localeCompare(b.name_en, 'en'));
}
