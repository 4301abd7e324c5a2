/** Content that carries both languages: which one to show, and how to mark it for readers and fonts. */
import { language, type Language } from './language';

export interface MarkedText {
  text: string;
  lang: Language;
}

/** The text in the interface's language, else the other one; null when both are empty. */
export function pickText(en: string, ja: string): MarkedText | null {
  const wanted = language.value;
  const first: MarkedText = wanted === 'ja' ? { text: ja, lang: 'ja' } : { text: en, lang: 'en' };
  if (first.text !== '') return first;
  const second: MarkedText = wanted === 'ja' ? { text: en, lang: 'en' } : { text: ja, lang: 'ja' };
  return second.text !== '' ? second : null;
}

/** The other language's text, when there is one and it says something else. */
export function otherText(en: string, ja: string): MarkedText | null {
  const shown = pickText(en, ja);
  if (shown === null) return null;
  const other: MarkedText = shown.lang === 'en' ? { text: ja, lang: 'ja' } : { text: en, lang: 'en' };
  return other.text !== '' && other.text !== shown.text ? other : null;
}

/** Text of people (names, chat), whose language nobody stated: marked when it shows kana or kanji, or none at all. */
export function guessLanguage(text: string): Language | undefined {
  if (/[\u3040-\u30ff]/.test(text)) return 'ja';
  if (/[\u3400-\u9fff]/.test(text)) return 'ja';
  if (/^[\p{Script=Latin}\p{N}\p{P}\p{S}\p{Z}]+$/u.test(text)) return 'en';
  return undefined;
}
