import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { pickText } from '../../../i18n/bilingual';
import { c } from '../../../i18n/classroom';
import { t as common } from '../../../i18n/common';
import { formatClock } from '../../../i18n/format';
import type { AgendaItem } from '../../../protocol/classroom';
import { Icon, icons } from '../../parts/icon';
import { Marked, OtherTitle, PersonText } from '../../parts/parts';
import { useRoom } from '../room-ui';
import { useClock } from '../use-clock';

const ITEMS_MAX = 40;

function TimeLeft({ item, since }: { item: AgendaItem; since: Date }): JSX.Element | null {
  const now = useClock();
  if (item.duration_s === 0) return null;
  const left = item.duration_s - (now - since.getTime()) / 1000;
  return <b class={left < 0 ? 'floor-time is-over' : 'floor-time'}>
    {left >= 0 ? c('agenda.left', { time: formatClock(left) }) : c('agenda.over', { time: formatClock(-left) })}</b>;
}

function Line({ item, index, isCurrent, since }: {
  item: AgendaItem; index: number; isCurrent: boolean; since: Date | null;
}): JSX.Element {
  const { store } = useRoom();
  const title = pickText(item.title_en, item.title_ja);
  return (
    <li class={isCurrent ? 'agenda-item is-current' : 'agenda-item'} aria-current={isCurrent ? 'step' : undefined}>
      <p><b>{title !== null && <Marked text={title} />}</b></p>
      <OtherTitle en={item.title_en} ja={item.title_ja} />
      <p class="quiet">
        {item.speaker !== '' && <PersonText text={item.speaker} />}{item.speaker !== '' && item.duration_s > 0 && ' · '}
        {item.duration_s > 0 && c.count('agenda.minutes', Math.round(item.duration_s / 60))}
      </p>
      {isCurrent && <p>{c('agenda.now')}{since !== null && <> · <TimeLeft item={item} since={since} /></>}</p>}
      {store.may.value.has('moderate') && !isCurrent && (
        <button type="button" class="small-button" aria-label={c('agenda.start-label', { title: title?.text ?? '' })}
          onClick={() => void store.request({ kind: 'agenda-item', item: index })}>{c('agenda.start')}</button>
      )}
    </li>
  );
}

const NEW_ITEM: AgendaItem = { title_en: '', title_ja: '', speaker: '', duration_s: 600 };

function Editor({ onDone }: { onDone: () => void }): JSX.Element {
  const { store } = useRoom();
  const before = store.room.value?.agenda.items ?? [];
  const [items, setItems] = useState<readonly AgendaItem[]>(before.length > 0 ? before : [NEW_ITEM]);
  const [isIncomplete, setIncomplete] = useState(false);
  const change = (index: number, part: Partial<AgendaItem>): void =>
    setItems(items.map((item, at) => (at === index ? { ...item, ...part } : item)));
  const moveUp = (index: number): void => {
    const next = [...items];
    const [item] = next.splice(index, 1);
    if (item !== undefined) next.splice(index - 1, 0, item);
    setItems(next);
  };
  const save = async (): Promise<void> => {
    const wrong = items.some((item) => item.title_en.trim() === '' && item.title_ja.trim() === '');
    setIncomplete(wrong);
    if (!wrong && await store.request({ kind: 'agenda', items: [...items] })) onDone();
  };
  const text = (index: number, name: 'title_en' | 'title_ja' | 'speaker', label: string, maxLength: number): JSX.Element => (
    <div class="field">
      <label for={`agenda-${index}-${name}`}>{label}</label>
      <input id={`agenda-${index}-${name}`} maxLength={maxLength} value={items[index]?.[name] ?? ''} autocomplete="off"
        onInput={(event) => change(index, { [name]: event.currentTarget.value })} />
    </div>
  );
  return (
    <form class="poll-form" noValidate onSubmit={(event) => { event.preventDefault(); void save(); }}>
      {items.map((item, index) => (
        <fieldset key={index} class="agenda-edit">
          <legend>{c('agenda.item', { n: index + 1 })}</legend>
          {text(index, 'title_en', c('agenda.title-en'), 200)}
          {text(index, 'title_ja', c('agenda.title-ja'), 200)}
          {text(index, 'speaker', c('agenda.speaker'), 100)}
          <div class="field">
            <label for={`agenda-${index}-length`}>{c('agenda.length')}</label>
            <input id={`agenda-${index}-length`} type="number" min={0} max={1440} value={Math.round(item.duration_s / 60)}
              onInput={(event) => change(index, { duration_s: Math.min(1440, Math.max(0, Math.round(Number(event.currentTarget.value) || 0))) * 60 })} />
          </div>
          <div class="person-actions">
            {index > 0 && (
              <button type="button" class="icon-button" aria-label={c('agenda.up', { n: index + 1 })}
                onClick={() => moveUp(index)}><span aria-hidden="true">↑</span></button>
            )}
            <button type="button" class="icon-button" aria-label={c('agenda.remove', { n: index + 1 })}
              onClick={() => setItems(items.filter((_, at) => at !== index))}><Icon path={icons.close} size={20} /></button>
          </div>
        </fieldset>
      ))}
      {items.length < ITEMS_MAX && (
        <button type="button" class="small-button" onClick={() => setItems([...items, NEW_ITEM])}>{c('agenda.add')}</button>
      )}
      {isIncomplete && <p class="field-error" role="alert">{c('agenda.incomplete')}</p>}
      <div class="person-actions">
        <button type="button" class="button" onClick={onDone}>{common('app.cancel')}</button>
        <button type="submit" class="button is-primary">{c('agenda.save')}</button>
      </div>
    </form>
  );
}

export function AgendaPanel(): JSX.Element {
  const { store } = useRoom();
  const [isEditing, setEditing] = useState(false);
  const agenda = store.room.value?.agenda;
  const mayEdit = store.may.value.has('moderate');
  return (
    <div class="panel-body" tabIndex={0} role="region" aria-labelledby="panel-heading">
      {isEditing ? <Editor onDone={() => setEditing(false)} /> : (
        <>
          {agenda === undefined || agenda.items.length === 0 ? <p class="quiet">{c('agenda.empty')}</p> : (
            <ol class="plain-list">
              {agenda.items.map((item, index) => (
                <Line key={index} item={item} index={index} isCurrent={index === agenda.current} since={agenda.since} />
              ))}
            </ol>
          )}
          {mayEdit && (
            <div class="person-actions">
              {agenda !== undefined && agenda.current >= 0 && (
                <button type="button" class="small-button" onClick={() => void store.request({ kind: 'agenda-item', item: -1 })}>
                  {c('agenda.stop')}
                </button>
              )}
              <button type="button" class="small-button" onClick={() => setEditing(true)}>{c('agenda.edit')}</button>
            </div>
          )}
        </>
      )}
    </div>
  );
}
