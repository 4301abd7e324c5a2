/** Before joining: what to hear, how much data to use, and what the line will carry, in plain words. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { languageName } from '../../../i18n/format';
import { d } from '../../../i18n/door';
import type { PictureMode } from '../../../protocol/signalling';
import type { LineVerdict } from '../../../rtc/line-check';
import { readPreference, writePreference } from '../../../store/preferences';
import { rememberedLimit } from '../../../store/room';
import { LimitSelect } from './limit-select';
import { LineResult } from './line-result';

const MODES: readonly PictureMode[] = ['all', 'one', 'audio'];
const MODE_FOR: Readonly<Record<LineVerdict, PictureMode>> = {
  'good': 'all', 'fair': 'one', 'weak': 'audio', 'poor': 'audio', 'no-media': 'all', 'blocked': 'all',
};

export function JoinOptions({ languages, token }: { languages: readonly string[]; token: string }): JSX.Element {
  const remembered = readPreference('hear') ?? 'floor';
  const [hear, setHear] = useState(languages.includes(remembered) ? remembered : 'floor');
  const [mode, setMode] = useState<PictureMode>(MODES.find((one) => one === readPreference('picture-mode')) ?? 'all');
  const [limit, setLimit] = useState(rememberedLimit);
  const chooseMode = (next: PictureMode): void => {
    setMode(next);
    writePreference('picture-mode', next);
  };
  return (
    <section class="panel" aria-labelledby="line-heading">
      <h2 id="line-heading">{d('check.title')}</h2>
      {/* The person's own choice stands; only where there is none the line decides. */}
      <LineResult token={token} onVerdict={(verdict) => {
        if (readPreference('picture-mode') === null && verdict !== 'good') chooseMode(MODE_FOR[verdict]);
      }} />
      <div class="device-setup">
        <fieldset class="choices">
          <legend>{d('check.data')}</legend>
          {MODES.map((one) => (
            <label key={one} class="choice">
              <input type="radio" name="join-data" checked={mode === one} onChange={() => chooseMode(one)} />
              {d(`check.data-${one}`)}
            </label>
          ))}
          <LimitSelect id="join-limit" value={limit} onChoose={(kbit) => {
            setLimit(kbit);
            writePreference('limit-kbit', kbit === 0 ? null : String(kbit));
          }} />
        </fieldset>
        {languages.length > 0 && (
          <fieldset class="choices">
            <legend>{d('check.hear')}</legend>
            {['floor', ...languages].map((one) => (
              <label key={one} class="choice">
                <input type="radio" name="join-hear" checked={hear === one} onChange={() => {
                  setHear(one);
                  writePreference('hear', one);
                }} />
                {one === 'floor' ? d('check.hear-floor') : <span lang={one}>{languageName(one)}</span>}
              </label>
            ))}
          </fieldset>
        )}
      </div>
    </section>
  );
}
