import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { pickText } from '../../i18n/bilingual';
import { formatClock, languageName } from '../../i18n/format';
import { t } from '../../i18n/watch';
import type { Player } from '../../player/player';
import type { Cue, FilmMoments, Recording } from '../../protocol/objects';
import { Marked, PersonText } from '../parts/parts';

type Tab = 'chapters' | 'transcript' | 'chat';

interface Line {
  at_ms: number;
  content: JSX.Element;
}

/** The last line that has begun; -1: none. */
export function currentLine(lines: readonly { at_ms: number }[], ms: number): number {
  let found = -1;
  lines.forEach((line, index) => { if (line.at_ms <= ms + 200) found = index; });
  return found;
}

function Lines({ lines, label, player }: { lines: readonly Line[]; label: string; player: Player }): JSX.Element {
  const now = currentLine(lines, player.position.value * 1000);
  return (
    <ol class="film-lines" tabIndex={0} aria-label={label}>
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
  content: <>{cue.who !== '' && <strong><PersonText text={cue.who} /> </strong>}<PersonText text={cue.text} /></>,
});

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
  const track = moments.captions.find((one) => one.language === language) ?? moments.captions[0];
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
          return { at_ms: chapter.at_ms, content: <>{title !== null && <Marked text={title} />}</> };
        })} />
      )}
      {tab === 'transcript' && track !== undefined && (
        <>
          <Lines label={t('watch.tab-transcript')} player={player} lines={track.cues.map(said)} />
          <p><a href={`/api/v1/recordings/${recording.id}/captions.vtt?lang=${track.language}`} download={`${recording.id}-${track.language}.vtt`}>WebVTT</a></p>
        </>
      )}
      {tab === 'chat' && <Lines label={t('watch.tab-chat')} player={player} lines={moments.chat.map(said)} />}
    </section>
  );
}
