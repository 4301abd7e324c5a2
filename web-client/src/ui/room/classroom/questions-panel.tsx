import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { c } from '../../../i18n/classroom';
import { formatTime, viewerTimeZone } from '../../../i18n/format';
import type { Question } from '../../../protocol/classroom';
import { makeKey } from '../../../store/room';
import { questionsInOrder } from '../../../store/classroom-state';
import { isSendKey } from '../../parts/ime';
import { Icon, icons } from '../../parts/icon';
import { LinkedText } from '../../parts/linked-text';
import { PersonText } from '../../parts/parts';
import { useRoom } from '../room-ui';

const TEXT_MAX = 500;

function QuestionActions({ question }: { question: Question }): JSX.Element {
  const { store } = useRoom();
  const set = (state: Question['state']): void => {
    void store.request({ kind: 'question', question: question.id, state });
  };
  return (
    <div class="person-actions" role="group" aria-labelledby={`question-${question.id}`}>
      {question.state === 'open'
        ? <button type="button" class="small-button" onClick={() => set('answered')}>{c('questions.mark-answered')}</button>
        : <button type="button" class="small-button" onClick={() => set('open')}>{c('questions.reopen')}</button>}
      {question.state !== 'hidden'
        && <button type="button" class="small-button" onClick={() => set('hidden')}>{c('questions.hide')}</button>}
    </div>
  );
}

function OneQuestion({ question }: { question: Question }): JSX.Element {
  const { store } = useRoom();
  const room = store.room.value;
  const isVoted = room?.mine.questions.includes(question.id) ?? false;
  const canVote = question.state === 'open' && question.peer !== room?.me && store.may.value.has('take-part');
  return (
    <li class={`question is-${question.state}`} data-question={question.id}>
      <p id={`question-${question.id}`} class="message-text"><LinkedText text={question.text} /></p>
      <p class="quiet"><PersonText text={c('questions.by', { name: question.name, time: formatTime(question.at, viewerTimeZone()) })} />
        {question.state !== 'open' && <> · <b>{c(`questions.${question.state}`)}</b></>}</p>
      <p class="question-votes">
        {canVote
          ? (
            <button type="button" class="small-button" aria-pressed={isVoted} aria-describedby={`question-${question.id}`}
              onClick={() => void store.voteQuestion(question.id, !isVoted)}>
              <Icon path={icons.check} size={18} />{c('questions.vote')} · {c.count('questions.votes', question.votes)}
            </button>
          )
          : <span class="quiet">{c.count('questions.votes', question.votes)}</span>}
      </p>
      {store.may.value.has('moderate') && <QuestionActions question={question} />}
    </li>
  );
}

export function QuestionsPanel(): JSX.Element {
  const { store } = useRoom();
  const [text, setText] = useState('');
  const input = useRef<HTMLTextAreaElement>(null);
  const isSending = useRef(false);
  const questions = questionsInOrder(store.room.value?.questions ?? []);
  const ask = async (): Promise<void> => {
    if (text.trim() === '' || isSending.current) return;
    isSending.current = true;
    const isAsked = await store.request({ kind: 'ask', text: text.trim(), key: makeKey() });
    isSending.current = false;
    if (isAsked) setText('');
    input.current?.focus();
  };
  return (
    <>
      <div class="panel-body" tabIndex={0} role="region" aria-labelledby="panel-heading">
        {questions.length === 0 && <p class="quiet">{c('questions.empty')}</p>}
        <ol class="plain-list">{questions.map((one) => <OneQuestion key={one.id} question={one} />)}</ol>
      </div>
      {store.may.value.has('take-part') && (
        <form class="chat-form" onSubmit={(event) => { event.preventDefault(); void ask(); }}>
          <label for="question-text">{c('questions.write')}</label>
          <div class="chat-line">
            <textarea ref={input} id="question-text" rows={2} maxLength={TEXT_MAX} value={text} enterkeyhint="send"
              onInput={(event) => setText(event.currentTarget.value)}
              onKeyDown={(event) => {
                if (!isSendKey(event)) return;
                event.preventDefault();
                void ask();
              }} />
            <button type="submit" class="button is-primary" disabled={text.trim() === ''}>{c('questions.ask')}</button>
          </div>
        </form>
      )}
    </>
  );
}
