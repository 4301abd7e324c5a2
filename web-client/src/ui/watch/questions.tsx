import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { pickText } from '../../i18n/bilingual';
import { formatDate, viewerTimeZone } from '../../i18n/format';
import { t } from '../../i18n/questions';
import { api } from '../../protocol/api';
import type { CityQuestion } from '../../protocol/publishing';
import { announce } from '../../store/announcer';
import { useAction, useResource } from '../parts/hooks';
import { ActionError, Marked, PersonText } from '../parts/parts';

function Shown({ question }: { question: CityQuestion }): JSX.Element {
  const answer = pickText(question.answer_en, question.answer_ja);
  const date = formatDate(question.asked_at, viewerTimeZone());
  return (
    <li>
      <p class="quiet">{t('questions.asked', { name: question.name || t('questions.somebody'), date })}</p>
      <p class="prose"><PersonText text={question.text} /></p>
      {answer !== null && <p class="prose"><strong>{t('questions.answer')}: </strong><Marked text={answer} /></p>}
    </li>
  );
}

function AskForm({ recording, token }: { recording: string; token: string | null }): JSX.Element {
  const [text, setText] = useState('');
  const [name, setName] = useState('');
  const [isMissing, setMissing] = useState(false);
  const [isSent, setSent] = useState(false);
  const action = useAction();
  const send = async (): Promise<void> => {
    setMissing(text.trim().length < 3);
    if (text.trim().length < 3) return;
    if (!await action.run((signal) => api.askQuestion(signal, recording, text.trim(), name.trim(), token))) return;
    setText('');
    setSent(true);
    announce(t('questions.sent'));
  };
  return (
    <form class="form" onSubmit={(event) => { event.preventDefault(); void send(); }}>
      <div class="field">
        <label for="question-text">{t('questions.text')}</label>
        <textarea id="question-text" rows={3} maxLength={1000} value={text} aria-invalid={isMissing}
          aria-describedby={isMissing ? 'question-error' : undefined} onInput={(event) => { setText(event.currentTarget.value); setSent(false); }} />
        {isMissing && <p id="question-error" class="field-error" role="alert">{t('questions.too-short')}</p>}
      </div>
      <div class="field">
        <label for="question-name">{t('questions.name')}</label>
        <input id="question-name" type="text" maxLength={100} autoComplete="name" value={name} onInput={(event) => setName(event.currentTarget.value)} />
      </div>
      <div><button type="submit" class="button" aria-disabled={action.isBusy}>{t('questions.send')}</button></div>
      {isSent && <p class="note" role="status">{t('questions.sent')}</p>}
      <ActionError error={action.error} />
    </form>
  );
}

/** What was asked and answered about a film, and a form to ask. As the audience sees it, also for staff. */
export function Questions({ recording, token }: { recording: string; token: string | null }): JSX.Element {
  const { resource } = useResource(`questions ${recording}`, (signal) => api.questions(signal, recording, token));
  const shown = resource.state === 'ready' ? resource.value.items.filter((one) => one.state === 'shown') : [];
  return (
    <section class="panel" aria-labelledby="questions-heading">
      <h2 id="questions-heading">{t('questions.title')}</h2>
      {shown.length > 0 && <ol class="city-questions">{shown.map((one) => <Shown key={one.id} question={one} />)}</ol>}
      <p>{t('questions.what')}</p>
      <AskForm recording={recording} token={token} />
    </section>
  );
}
