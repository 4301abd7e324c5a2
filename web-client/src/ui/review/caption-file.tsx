import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { errorText } from '../../i18n/common';
import { t } from '../../i18n/captions';
import { api, type ApiError } from '../../protocol/api';
import type { CaptionsTaken } from '../../protocol/captions';
import { announce } from '../../store/announcer';
import { useAction } from '../parts/hooks';
import { ConfirmDialog } from '../parts/parts';
import { forgetCueDraft } from './use-cues';

const LINES_SHOWN = 20;

interface NamedLine {
  line: number;
  code: string;
}

function Lines({ lines, total }: { lines: readonly NamedLine[]; total: number }): JSX.Element {
  const shown = lines.slice(0, LINES_SHOWN);
  return (
    <ul>
      {shown.map(({ line, code }, index) => {
        const key = `captions.code-${code}`;
        return <li key={index}>{t('captions.line', { line, what: t.has(key) ? t(key) : code })}</li>;
      })}
      {total > shown.length && <li>{t('captions.more-lines', { n: total - shown.length })}</li>}
    </ul>
  );
}

function linesOf(error: ApiError): NamedLine[] {
  return error.fields.flatMap(({ field, code }) => {
    const line = /^line-(\d+)$/.exec(field)?.[1];
    return line === undefined ? [] : [{ line: Number(line), code }];
  });
}

function Refusal({ error }: { error: ApiError }): JSX.Element {
  const lines = linesOf(error);
  const key = `captions.error-${error.code}`;
  return (
    <div class="note is-error" role="alert">
      {lines.length > 0
        ? <div><p>{t('captions.refused')}</p><Lines lines={lines} total={lines.length} /></div>
        : <p>{t.has(key) ? t(key) : errorText(error.code)}</p>}
    </div>
  );
}

/** Brings a file of captions in place of what is there. */
export function CaptionFile({ id, language, token, count, onTaken }: {
  id: string; language: string; token: string | null; count: number; onTaken: () => void;
}): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const action = useAction();
  const [asked, setAsked] = useState<File | null>(null);
  const [taken, setTaken] = useState<CaptionsTaken | null>(null);
  const bring = async (file: File): Promise<void> => {
    setTaken(null);
    const isTaken = await action.run(async (signal) => {
      const answer = await api.putCaptions(signal, id, language, file, null, token);
      setTaken(answer);
      announce(t('captions.taken', { n: answer.cues, encoding: answer.encoding }));
    });
    if (!isTaken) return;
    forgetCueDraft(id, language);
    onTaken();
  };
  return (
    <div class="field">
      <label for="caption-file">{t('captions.file')}</label>
      <p id="caption-file-hint" class="quiet">{t('captions.file-what')}</p>
      <input id="caption-file" ref={input} type="file" accept=".vtt,.srt,.txt,text/vtt" aria-describedby="caption-file-hint" disabled={action.isBusy}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          event.currentTarget.value = '';
          if (file === undefined) return;
          if (count > 0) setAsked(file);
          else void bring(file);
        }} />
      {action.error !== null && <Refusal error={action.error} />}
      {taken !== null && (
        <div class="note" role="status">
          <div>
            <p>{t('captions.taken', { n: taken.cues, encoding: taken.encoding })}</p>
            {taken.notes.length > 0 && <><p>{t('captions.look')}</p><Lines lines={taken.notes} total={taken.notes_total} /></>}
          </div>
        </div>
      )}
      {asked !== null && (
        <ConfirmDialog title={t('captions.replace-title')} text={t('captions.replace-what', { n: count })} action={t('captions.replace')} isDanger
          onClose={() => setAsked(null)} onConfirm={() => void bring(asked)} />
      )}
    </div>
  );
}
