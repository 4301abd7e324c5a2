/** The language of the interface: a signal, so whatever draws a text is drawn again when it changes. */
import { effect, signal } from '@preact/signals';
import { readPreference, writePreference } from '../store/preferences';

export type Language = 'en' | 'ja';
export const LANGUAGES: readonly Language[] = ['en', 'ja'];

export function isLanguage(value: unknown): value is Language {
  return value === 'en' || value === 'ja';
}

/** `?lang=`, then the remembered choice, then the browser's order of languages; English last. */
export function chooseLanguage(
  query: string,
  remembered: string | null,
  browser: readonly string[],
): Language {
  const asked = new URLSearchParams(query).get('lang');
  if (isLanguage(asked)) return asked;
  if (isLanguage(remembered)) return remembered;
  for (const tag of browser) {
    const primary = tag.toLowerCase().split('-')[0];
    if (isLanguage(primary)) return primary;
  }
  return 'en';
}

export const language = signal<Language>('en');

export function setLanguage(next: Language): void {
  language.value = next;
  writePreference('language', next);
}

/** Once, at start: chooses the language and keeps `<html lang>` in step with it. */
export function startLanguage(): void {
  language.value = chooseLanguage(
    location.search,
    readPreference('language'),
    navigator.languages ?? [],
  );
  effect(() => {
    document.documentElement.lang = language.value;
  });
}
