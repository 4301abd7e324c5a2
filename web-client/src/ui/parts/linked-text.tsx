/** What a person wrote, with its web addresses as links. The text stays text: only http and https become links. */
import type { JSX } from 'preact';
import { language } from '../../i18n/language';
import { guessLanguage } from '../../i18n/bilingual';
import { splitLinks } from './links';

export function LinkedText({ text }: { text: string }): JSX.Element {
  const lang = guessLanguage(text);
  const pieces = splitLinks(text).map((piece, index) => (piece.href === null
    ? <span key={index}>{piece.text}</span>
    : <a key={index} href={piece.href} target="_blank" rel="noopener noreferrer nofollow">{piece.text}</a>));
  return lang === undefined || lang === language.value ? <>{pieces}</> : <span lang={lang}>{pieces}</span>;
}
