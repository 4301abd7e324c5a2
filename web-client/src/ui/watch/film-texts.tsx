import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { pickText } from '../../i18n/bilingual';
import { formatClock, languageName } from '../../i18n/format';
import { language as pageLanguage } from '../../i18n/language';
import { t } from '../../i18n/watch';
import type { Player } from '../../player/player';
import type { Cue, FilmMoments, Recording } from '../../protocol/objects';
import { Marked, PersonText } from '../parts/parts';
import { findLines } from './find-lines';

type Tab = 'chapters' | 'transcript' | 'chat';

interface Line {
  at_ms: number;
  /** What is searched. */
  text: string;
  content: JSX.Element;
}

/** The last line that has begun; -1: none. */
export function currentLine(lines: readonly { at_ms: number }[], ms: number): number {
  let found = -1;
  lines.forEach((line, index) => { if (line.at_ms <= ms + 200) found = index; });
  return found;
}

/** Keeps the line that plays in view, unless the reader turned that off or is at work in the list. */
function useFollow(list: { readonly current: HTMLElement | null }, now: number, isOn: boolean): void {
  useEffect(() => {
    const box = list.current;
    const line = box?.querySelector<HTMLElement>('[aria-current]');
    if (!isOn || !box || !line || box.contains(document.activeElement)) return;
    box.scrollTop = line.offsetTop - box.offsetTop - box.clientHeight / 3;
  }, [now, isOn]);
}

function Lines({ lines, label, player, follows = false }: {
  lines: readonly Line[]; label: string; player: Player; follows?: boolean;
}): JSX.Element {
  const list = useRef<HTMLOListElement>(null);
  const now = currentLine(lines, player.position.value * 1000);
  useFollow(list, now, follows);
  return (
    <ol ref={list} class="film-lines" tabIndex={0} aria-label={label}>
      {lines.map((line, index) => (
        <li key={index} aria-current={index === now ? 'true' : undefined}>
          <button type="button" class="film-time" onClick={() => player.seek(line.at_ms / 1000)}
            aria-label={t('watch.jump', { time: formatClock(line.at_ms / 1000) })}>{formatClock(line.at_ms / 1000)}</button>
          <span>{line.content}</span>
        </li>
      ))}
    </ol>
  );
}

const said = (cue: Cue): Line => ({
  at_ms: cue.at_ms,
  text: `${cue.who} ${cue.text}`,
  content: <>{cue.who !== '' && <strong><PersonText text={cue.who} /> </strong>}<PersonText text={cue.text} /></>,
});

/** Many lines: with a field to search in them, and a choice whether the list goes with the film. */
function SearchedLines({ cues, label, player }: { cues: readonly Cue[]; label: string; player: Player }): JSX.Element {
  const [query, setQuery] = useState('');
  const [follows, setFollows] = useState(true);
  const lines = useMemo(() => cues.map(said), [cues]);
  const found = useMemo(() => findLines(lines.map((line) => line.text), query), [lines, query]);
  return (
    <>
      <div class="film-search">
        <label class="field">{t('watch.find')}
          <input type="search" autocomplete="off" maxLength={200} value={query} onInput={(event) => setQuery(event.currentTarget.value)} />
        </label>
        <label class="check"><input type="checkbox" checked={follows} onChange={(event) => setFollows(event.currentTarget.checked)} />{t('watch.follow')}</label>
      </div>
      <p class="quiet" role="status">{query.trim() !== '' && t.count('watch.found', found.length)}</p>
      <Lines label={label} player={player} follows={follows && query.trim() === ''} lines={found.map((index) => lines[index]).filter((line) => line !== undefined)} />
    </>
  );
}

/** The transcript that is shown first: in the language of the page, if there is one. */
function firstTrack(moments: FilmMoments): FilmMoments['captions'][number] | undefined {
  return moments.captions.find((one) => one.language === pageLanguage.value) ?? moments.captions[0];
}

/** Chapters, transcript and chat beside the film: each line with its time, the one that plays is marked, and jumps. */
export function FilmTexts({ recording, moments, player }: {
  recording: Recording; moments: FilmMoments; player: Player;
}): JSX.Element | null {
  const tabs: Tab[] = [];
  if (recording.chapters.length > 0) tabs.push('chapters');
  if (moments.captions.length > 0) tabs.push('transcript');
  if (moments.chat.length > 0) tabs.push('chat');
  const [chosen, setChosen] = useState<Tab | null>(null);
  const [language, setLanguage] = useState('');
  const tab = chosen ?? tabs[0];
  if (tab === undefined) return null;
  const track = moments.captions.find((one) => one.language === language) ?? firstTrack(moments);
  return (
    <section class="panel film-texts" aria-labelledby="film-texts-heading">
      <h2 id="film-texts-heading">{t('watch.texts')}</h2>
      <div class="row-actions" role="group" aria-labelledby="film-texts-heading">
        {tabs.map((one) => (
          <button key={one} type="button" class="button" aria-pressed={one === tab} onClick={() => setChosen(one)}>{t(`watch.tab-${one}`)}</button>
        ))}
      </div>
      {tab === 'transcript' && moments.captions.length > 1 && (
        <div class="field"><label for="transcript-language">{t('watch.languages')}</label>
          <select id="transcript-language" value={track?.language} onChange={(event) => setLanguage(event.currentTarget.value)}>
            {moments.captions.map((one) => <option key={one.language} value={one.language}>{languageName(one.language)}</option>)}
          </select></div>
      )}
      {tab === 'chapters' && (
        <Lines label={t('watch.tab-chapters')} player={player} lines={recording.chapters.map((chapter) => {
          const title = pickText(chapter.title_en, chapter.title_ja);
          return { at_ms: chapter.at_ms, text: '', content: <>{title !== null && <Marked text={title} />}</> };
        })} />
      )}
      {tab === 'transcript' && track !== undefined && (
        <>
          <SearchedLines key={track.language} label={t('watch.tab-transcript')} player={player} cues={track.cues} />
          <p><a href={`/api/v1/recordings/${recording.id}/captions.vtt?lang=${track.language}`} download={`${recording.id}-${track.language}.vtt`}>WebVTT</a></p>
        </>
      )}
      {tab === 'chat' && <SearchedLines label={t('watch.tab-chat')} player={player} cues={moments.chat} />}
    </section>
  );
}
