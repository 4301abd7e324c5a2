import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { formatDate, viewerTimeZone } from '../../i18n/format';
import { t } from '../../i18n/questions';
import { api } from '../../protocol/api';
import type { CityQuestion, QuestionState } from '../../protocol/publishing';
import { announce } from '../../store/announcer';
import { useAction, useResource } from '../parts/hooks';
import { ActionError, Failed, Loading, PersonText } from '../parts/parts';
import { TextField } from '../staff/fields';

const REFRESH_MS = 30_000;

function Answer({ recording, question, token, onChanged }: {
  recording: string; question: CityQuestion; token: string | null; onChanged: (items: CityQuestion[]) => void;
}): JSX.Element {
  const [en, setEn] = useState(question.answer_en);
  const [ja, setJa] = useState(question.answer_ja);
  const [isMissing, setMissing] = useState(false);
  const action = useAction();
  const date = formatDate(question.asked_at, viewerTimeZone());
  const save = async (state: QuestionState | null): Promise<void> => {
    const isEmpty = en.trim() === '' && ja.trim() === '';
    setMissing(state === 'shown' && isEmpty);
    if (state === 'shown' && isEmpty) return;
    await action.run(async (signal) => {
      const { items } = await api.answerQuestion(signal, recording, question.id,
        { answer_en: en.trim(), answer_ja: ja.trim(), ...(state !== null && { state }) }, token);
      announce(t('questions.saved'));
      onChanged(items);
    });
  };
  return (
    <li class="form">
      <p class="quiet">{t('questions.asked', { name: question.name || t('questions.somebody'), date })} {t(`questions.state-${question.state}`)}</p>
      <p class="prose"><PersonText text={question.text} /></p>
      <TextField id={`answer-en-${question.id}`} lang="en" label={t('questions.answer-en')} value={en} isLong onInput={setEn}
        error={isMissing ? t('questions.need-answer') : null} />
      <TextField id={`answer-ja-${question.id}`} lang="ja" label={t('questions.answer-ja')} value={ja} isLong onInput={setJa} />
      <div class="row-actions">
        <button type="button" class="button is-primary" aria-disabled={action.isBusy} onClick={() => void save('shown')}>{t('questions.show')}</button>
        <button type="button" class="button" aria-disabled={action.isBusy} onClick={() => void save(null)}>{t('questions.keep')}</button>
        {question.state !== 'hidden' && (
          <button type="button" class="button" aria-disabled={action.isBusy} onClick={() => void save('hidden')}>{t('questions.hide')}</button>
        )}
      </div>
      <ActionError error={action.error} />
    </li>
  );
}

/** Where staff and facilitators answer what was asked about a film. */
export function Answers({ recording, token }: { recording: string; token: string | null }): JSX.Element {
  const { resource, reload, setValue } = useResource(`answers ${recording}`,
    (signal) => api.questions(signal, recording, token), () => REFRESH_MS);
  return (
    <section class="panel" aria-labelledby="answers-heading">
      <h2 id="answers-heading">{t('questions.manage')}</h2>
      {resource.state === 'loading' && <Loading />}
      {resource.state === 'failed' && <Failed error={resource.error} onRetry={reload} />}
      {resource.state === 'ready' && resource.value.items.length === 0 && <p class="quiet">{t('questions.manage-none')}</p>}
      {resource.state === 'ready' && resource.value.items.length > 0 && (
        <ol class="city-questions">
          {resource.value.items.map((one) => (
            <Answer key={one.id} recording={recording} question={one} token={token} onChanged={(items) => setValue({ items })} />
          ))}
        </ol>
      )}
    </section>
  );
}
