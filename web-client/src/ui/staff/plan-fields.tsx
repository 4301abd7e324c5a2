/** The part of an event's form that says where and with whom, how many fit, and the agenda. */
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { formatDuration } from '../../i18n/format';
import { t } from '../../i18n/staff';
import { ATTENDANCES } from '../../protocol/objects';
import { announce } from '../../store/announcer';
import { AGENDA_MAX, emptyAgendaRow, isWrongRow, LEARNING_CITIES_MAX, type AgendaRow } from '../../store/event-form';
import { cityName } from '../../store/taxonomy';
import { Icon, icons } from '../parts/icon';
import { Marked } from '../parts/parts';
import type { EventFormProps } from './event-form';
import { CitySelect, TextField } from './fields';

function LearningCities({ values, onChange }: Omit<EventFormProps, 'wrong'>): JSX.Element {
  const chosen = values.learning_cities;
  const add = (code: string): void => {
    if (code !== '' && !chosen.includes(code)) onChange({ learning_cities: [...chosen, code] });
  };
  return (
    <fieldset class="choices">
      <legend>{t('plan.learning-cities')}</legend>
      {chosen.length > 0 && (
        <ul class="chips">
          {chosen.map((code) => (
            <li key={code}>
              <button type="button" class="chip" aria-label={t('plan.remove-city', { city: cityName(code).text })}
                onClick={() => onChange({ learning_cities: chosen.filter((one) => one !== code) })}>
                <Marked text={cityName(code)} /><Icon path={icons.close} size={16} />
              </button>
            </li>
          ))}
        </ul>
      )}
      {chosen.length < LEARNING_CITIES_MAX && (
        <CitySelect id="learning-city" label={t('plan.add-city')} value="" without={[values.city, ...chosen]} onChoose={add} />
      )}
    </fieldset>
  );
}

function AgendaFields({ row, number, isLast, isWrong, onChange, onMove, onRemove }: {
  row: AgendaRow; number: number; isLast: boolean; isWrong: boolean;
  onChange: (change: Partial<AgendaRow>) => void; onMove: (by: -1 | 1) => void; onRemove: () => void;
}): JSX.Element {
  const id = `agenda-${row.key}`;
  const error = isWrong ? t('plan.agenda-wrong') : null;
  return (
    <li class="agenda-row">
      <fieldset>
        <legend>{t('plan.agenda-item', { number })}</legend>
        <div class="field-row">
          <TextField id={`${id}-en`} lang="en" label={t('edit.title-en')} value={row.title_en} error={error}
            onInput={(title_en) => onChange({ title_en })} />
          <TextField id={`${id}-ja`} lang="ja" label={t('edit.title-ja')} value={row.title_ja}
            onInput={(title_ja) => onChange({ title_ja })} />
        </div>
        <div class="field-row">
          <TextField id={`${id}-speaker`} label={t('plan.speaker')} value={row.speaker} maxLength={100}
            onInput={(speaker) => onChange({ speaker })} />
          <div class="field is-short">
            <label for={`${id}-minutes`}>{t('plan.minutes')}</label>
            <input id={`${id}-minutes`} type="number" inputMode="numeric" min={0} max={1440} step={1} value={row.minutes}
              onInput={(event) => onChange({ minutes: event.currentTarget.value })} />
          </div>
        </div>
        <p class="form-actions">
          <button type="button" class="small-button" disabled={number === 1} onClick={() => onMove(-1)}>{t('plan.earlier')}</button>
          <button type="button" class="small-button" disabled={isLast} onClick={() => onMove(1)}>{t('plan.later')}</button>
          <button type="button" class="small-button" onClick={onRemove}>{t('plan.remove-item', { number })}</button>
        </p>
      </fieldset>
    </li>
  );
}

function Agenda({ values, wrong, onChange }: EventFormProps): JSX.Element {
  const list = useRef<HTMLOListElement>(null);
  const rows = values.agenda;
  const total = rows.reduce((sum, row) => sum + (Number(row.minutes) || 0), 0);
  const set = (agenda: AgendaRow[]): void => onChange({ agenda });
  const move = (from: number, by: -1 | 1): void => {
    const agenda = [...rows];
    const [row] = agenda.splice(from, 1);
    if (row === undefined) return;
    agenda.splice(from + by, 0, row);
    set(agenda);
    announce(t('plan.moved', { number: from + by + 1 }));
  };
  const add = (): void => {
    set([...rows, emptyAgendaRow()]);
    requestAnimationFrame(() => list.current?.lastElementChild?.querySelector('input')?.focus());
  };
  return (
    <fieldset class="panel">
      <legend>{t('plan.agenda')}</legend>
      {rows.length > 0 && (
        <ol class="agenda-rows" ref={list}>
          {rows.map((row, index) => (
            <AgendaFields key={row.key} row={row} number={index + 1} isLast={index === rows.length - 1}
              isWrong={wrong.includes('agenda') && isWrongRow(row)}
              onChange={(change) => set(rows.map((one) => (one === row ? { ...one, ...change } : one)))}
              onMove={(by) => move(index, by)} onRemove={() => set(rows.filter((one) => one !== row))} />
          ))}
        </ol>
      )}
      {total > 0 && <p class="quiet">{t('plan.agenda-total', { time: formatDuration(total * 60) })}</p>}
      {rows.length < AGENDA_MAX && <p><button type="button" class="button" onClick={add}>{t('plan.add-item')}</button></p>}
    </fieldset>
  );
}

export function PlanFields({ values, wrong, onChange }: EventFormProps): JSX.Element {
  return (
    <>
      <fieldset class="panel">
        <legend>{t('plan.people')}</legend>
        {ATTENDANCES.map((one) => (
          <label key={one} class="choice">
            <input type="radio" name="attendance" value={one} checked={values.attendance === one}
              onChange={() => onChange({ attendance: one })} />
            {t(`plan.attendance-${one}`)}
          </label>
        ))}
        {values.attendance !== 'online' && (
          <div class="field-row">
            <TextField id="venue-en" lang="en" label={t('plan.venue-en')} value={values.venue_en} onInput={(venue_en) => onChange({ venue_en })} />
            <TextField id="venue-ja" lang="ja" label={t('plan.venue-ja')} value={values.venue_ja} onInput={(venue_ja) => onChange({ venue_ja })} />
          </div>
        )}
        <LearningCities values={values} onChange={onChange} />
        <div class="field is-short">
          <label for="capacity">{t('plan.capacity')}</label>
          <input id="capacity" type="number" inputMode="numeric" min={1} max={100000} step={1} value={values.capacity}
            aria-invalid={wrong.includes('capacity')} aria-describedby={wrong.includes('capacity') ? 'capacity-error' : 'capacity-hint'}
            onInput={(event) => onChange({ capacity: event.currentTarget.value })} />
          <p id="capacity-hint" class="quiet">{t('plan.capacity-hint')}</p>
          {wrong.includes('capacity') && <p id="capacity-error" class="field-error">{t('plan.capacity-wrong')}</p>}
        </div>
        <label class="choice">
          <input type="checkbox" checked={values.has_lobby} onChange={(event) => onChange({ has_lobby: event.currentTarget.checked })} />
          {t('plan.lobby')}
        </label>
      </fieldset>
      <Agenda values={values} wrong={wrong} onChange={onChange} />
    </>
  );
}
