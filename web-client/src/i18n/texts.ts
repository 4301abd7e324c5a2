/**
 * Texts in two languages. Each screen has a catalogue (`common.ts`, `room.ts`, ...) so that nobody loads the
 * words of a screen they do not open. English defines the keys: a missing Japanese text does not compile.
 */
import { language, type Language } from './language';

export type TextParameters = Readonly<Record<string, string | number>>;

export interface Texts<Key extends string> {
  (key: Key, parameters?: TextParameters): string;
  /** `count` chooses between `KEY.one` and `KEY.other` and is the parameter {n}. */
  count: (key: CountKey<Key>, count: number, parameters?: TextParameters) => string;
  /** The text in a given language: for `lang`-marked pieces and for texts to copy. */
  in: (language: Language, key: Key, parameters?: TextParameters) => string;
  has: (key: string) => key is Key;
  readonly catalogues: Readonly<Record<Language, Readonly<Record<Key, string>>>>;
}

type CountKey<Key extends string> = Key extends `${infer Base}.one` ? Base : never;

export function fill(text: string, parameters?: TextParameters): string {
  if (parameters === undefined) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = parameters[name];
    return value === undefined ? whole : String(value);
  });
}

export function defineTexts<Key extends string>(
  en: Readonly<Record<Key, string>>,
  ja: Readonly<Record<NoInfer<Key>, string>>,
): Texts<Key> {
  const catalogues = { en, ja };
  const texts = (key: Key, parameters?: TextParameters): string =>
    fill(catalogues[language.value][key], parameters);
  return Object.assign(texts, {
    catalogues,
    in: (which: Language, key: Key, parameters?: TextParameters) =>
      fill(catalogues[which][key], parameters),
    has: (key: string): key is Key => Object.hasOwn(en, key),
    count: (key: CountKey<Key>, count: number, parameters?: TextParameters) => {
      const rule = new Intl.PluralRules(language.value).select(count);
      const form = (rule === 'one' ? `${key}.one` : `${key}.other`) as Key;
      return texts(form, { n: formatCount(count), ...parameters });
    },
  });
}

export function formatCount(value: number): string {
  return new Intl.NumberFormat(language.value).format(value);
}
