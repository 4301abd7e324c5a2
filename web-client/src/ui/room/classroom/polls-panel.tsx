import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { c } from '../../../i18n/classroom';
import { formatCount } from '../../../i18n/texts';
import type { Poll } from '../../../protocol/classroom';
import { announce } from '../../../store/announcer';
import { pollShares } from '../../../store/classroom-state';
import { makeKey } from '../../../store/room';
import { PersonText } from '../../parts/parts';
import { useRoom } from '../room-ui';

const OPTIONS_MAX = 10;

function Ballot({ poll, onDone }: { poll: Poll; onDone: () => void }): JSX.Element {
  const { store } = useRoom();
  const [chosen, setChosen] = useState<readonly number[]>(store.room.value?.mine.polls[poll.id] ?? []);
  const toggle = (index: number, on: boolean): void => {
    if (!poll.is_multiple) setChosen([index]);
    else setChosen(on ? [...chosen, index] : chosen.filter((one) => one !== index));
  };
  return (
    <form onSubmit={(event) => {
      event.preventDefault();
      if (chosen.length === 0) return;
      void store.vote(poll.id, [...chosen].sort((a, b) => a - b)).then((isCounted) => {
        if (!isCounted) return;
        announce(c('polls.voted'));
        onDone();
      });
    }}>
      <fieldset class="choices">
        <legend><PersonText text={poll.text} /></legend>
        {poll.options.map((option, index) => (
          <label key={index} class="choice">
            <input type={poll.is_multiple ? 'checkbox' : 'radio'} name={`poll-${poll.id}`} checked={chosen.includes(index)}
              onChange={(event) => toggle(index, event.currentTarget.checked)} />
            <PersonText text={option} />
          </label>
        ))}
      </fieldset>
      <button type="submit" class="button is-primary" disabled={chosen.length === 0}>{c('polls.vote')}</button>
    </form>
  );
}

function Result({ poll }: { poll: Poll }): JSX.Element {
  const shares = pollShares(poll);
  return (
    <>
      <p class="poll-text"><PersonText text={poll.text} /></p>
      <ul class="poll-result">
        {poll.options.map((option, index) => (
          <li key={index}>
            {shares === null
              ? <PersonText text={option} />
              : (
                <>
                  <span><PersonText text={c('polls.result', {
                    option, count: formatCount(poll.votes?.[index] ?? 0), percent: shares[index] ?? 0,
                  })} /></span>
                  <progress max={100} value={shares[index] ?? 0} aria-hidden="true" />
                </>
              )}
          </li>
        ))}
      </ul>
    </>
  );
}

function OnePoll({ poll }: { poll: Poll }): JSX.Element {
  const { store } = useRoom();
  const [isChanging, setChanging] = useState(false);
  const may = store.may.value;
  const isVoted = store.room.value?.mine.polls[poll.id] !== undefined;
  const isVoting = poll.state === 'open' && may.has('take-part') && (!isVoted || isChanging);
  const set = (state: 'open' | 'closed'): void => {
    void store.request({ kind: 'poll-state', poll: poll.id, state });
  };
  return (
    <li class="poll" data-poll={poll.id} data-poll-state={poll.state}>
      <p class="quiet">{c(`polls.${poll.state}`)}
        {poll.state !== 'draft' && <> · {c.count('polls.voters', poll.voters)}</>}
        {' · '}{c(poll.is_anonymous ? 'polls.is-anonymous' : 'polls.is-named')}</p>
      {isVoting && <Ballot poll={poll} onDone={() => setChanging(false)} />}
      {(!isVoting || (poll.votes !== null && may.has('moderate'))) && <Result poll={poll} />}
      {!isVoting && poll.votes === null && poll.state === 'open' && <p class="quiet">{c('polls.after')}</p>}
      {isVoted && !isVoting && poll.state === 'open' && (
        <p>{c('polls.voted')}{' '}
          <button type="button" class="text-button" onClick={() => setChanging(true)}>{c('polls.change')}</button></p>
      )}
      {may.has('moderate') && (
        <div class="person-actions">
          {poll.state === 'open'
            ? <button type="button" class="small-button" onClick={() => set('closed')}>{c('polls.close')}</button>
            : (
              <button type="button" class="small-button" onClick={() => set('open')}>
                {c(poll.state === 'draft' ? 'polls.start' : 'polls.reopen')}
              </button>
            )}
        </div>
      )}
    </li>
  );
}

function NewPoll({ onDone }: { onDone: () => void }): JSX.Element {
  const { store } = useRoom();
  const [text, setText] = useState('');
  const [options, setOptions] = useState<readonly string[]>(['', '']);
  const [isMultiple, setMultiple] = useState(false);
  const [isAnonymous, setAnonymous] = useState(true);
  const [isLive, setLive] = useState(true);
  const [isIncomplete, setIncomplete] = useState(false);
  const save = async (): Promise<void> => {
    const written = options.map((one) => one.trim()).filter((one) => one !== '');
    if (text.trim() === '' || new Set(written).size < 2 || new Set(written).size !== written.length) {
      setIncomplete(true);
      return;
    }
    setIncomplete(false);
    const isSaved = await store.request({
      kind: 'poll', text: text.trim(), options: written, is_multiple: isMultiple, is_anonymous: isAnonymous,
      results: isLive ? 'live' : 'after', key: makeKey(),
    });
    if (isSaved) onDone();
  };
  return (
    <form class="poll-form" noValidate onSubmit={(event) => { event.preventDefault(); void save(); }}>
      <div class="field">
        <label for="poll-text">{c('polls.text')}</label>
        <input id="poll-text" maxLength={500} value={text} aria-invalid={isIncomplete} autocomplete="off"
          onInput={(event) => setText(event.currentTarget.value)} />
      </div>
      {options.map((option, index) => (
        <div key={index} class="field">
          <label for={`poll-option-${index}`}>{c('polls.option', { n: index + 1 })}</label>
          <input id={`poll-option-${index}`} maxLength={200} value={option} autocomplete="off"
            onInput={(event) => setOptions(options.map((one, at) => (at === index ? event.currentTarget.value : one)))} />
        </div>
      ))}
      {options.length < OPTIONS_MAX && (
        <button type="button" class="small-button" onClick={() => setOptions([...options, ''])}>{c('polls.add')}</button>
      )}
      <label class="choice"><input type="checkbox" checked={isMultiple}
        onChange={(event) => setMultiple(event.currentTarget.checked)} />{c('polls.multiple')}</label>
      <label class="choice"><input type="checkbox" checked={isAnonymous}
        onChange={(event) => setAnonymous(event.currentTarget.checked)} />{c('polls.anonymous')}</label>
      <label class="choice"><input type="checkbox" checked={isLive}
        onChange={(event) => setLive(event.currentTarget.checked)} />{c('polls.live')}</label>
      {isIncomplete && <p class="field-error" role="alert">{c('polls.incomplete')}</p>}
      <button type="submit" class="button is-primary">{c('polls.create')}</button>
    </form>
  );
}

export function PollsPanel(): JSX.Element {
  const { store } = useRoom();
  const [isMaking, setMaking] = useState(false);
  const polls = [...store.room.value?.polls ?? []].reverse();
  return (
    <div class="panel-body" tabIndex={0} role="region" aria-labelledby="panel-heading">
      {store.may.value.has('moderate') && (isMaking
        ? <NewPoll onDone={() => setMaking(false)} />
        : <button type="button" class="button" onClick={() => setMaking(true)}>{c('polls.new')}</button>)}
      {polls.length === 0 && !isMaking && <p class="quiet">{c('polls.empty')}</p>}
      <ol class="plain-list">{polls.map((poll) => <OnePoll key={poll.id} poll={poll} />)}</ol>
    </div>
  );
}
