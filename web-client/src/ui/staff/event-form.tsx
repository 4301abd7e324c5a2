import type { JSX } from 'preact';
import { t as common } from '../../i18n/common';
import { formatTimeSpan, languageName, zonedTime } from '../../i18n/format';
import { t } from '../../i18n/staff';
import { EVENT_KINDS, type RecordingPolicy } from '../../protocol/objects';
import type { EventFormField, EventFormValues } from '../../store/event-form';
import { PlanFields } from './plan-fields';
import { timeZones } from './time-zones';
import { AreaSelect, AudienceSelect, CitySelect, SelectField, TextField } from './fields';

const LANGUAGES = ['en', 'ja'] as const;
const POLICIES: readonly RecordingPolicy[] = ['publish', 'review', 'none'];

function TimeFields({ values, wrong, onChange }: EventFormProps): JSX.Element {
  const startsAt = zonedTime(values.date, values.time, values.time_zone);
  const minutes = Number(values.duration_min);
  const span = startsAt !== null && minutes > 0 && minutes <= 10_080
    ? formatTimeSpan(startsAt, minutes * 60, values.time_zone) : null;
  const isTimeWrong = wrong.includes('time');
  const isDurationWrong = wrong.includes('duration');
  return (
    <fieldset class="panel">
      <legend>{t('edit.time')}</legend>
      <div class="field-row">
        <div class="field">
          <label for="date">{t('edit.date')}</label>
          <input id="date" type="date" value={values.date} aria-invalid={isTimeWrong}
            aria-describedby={isTimeWrong ? 'time-error' : undefined}
            onInput={(event) => onChange({ date: event.currentTarget.value })} />
        </div>
        <div class="field">
          <label for="time">{t('edit.start')}</label>
          <input id="time" type="time" value={values.time} aria-invalid={isTimeWrong}
            aria-describedby={isTimeWrong ? 'time-error' : undefined}
            onInput={(event) => onChange({ time: event.currentTarget.value })} />
        </div>
        <div class="field">
          <label for="duration">{t('edit.duration')}</label>
          <input id="duration" type="number" inputMode="numeric" min={1} max={10080} step={1} value={values.duration_min}
            aria-invalid={isDurationWrong} aria-describedby={isDurationWrong ? 'duration-error' : undefined}
            onInput={(event) => onChange({ duration_min: event.currentTarget.value })} />
        </div>
      </div>
      {isTimeWrong && <p id="time-error" class="field-error">{t('edit.time-missing')}</p>}
      {isDurationWrong && <p id="duration-error" class="field-error">{t('edit.duration-wrong')}</p>}
      <SelectField id="zone" label={t('edit.zone')} value={values.time_zone}
        onChoose={(time_zone) => onChange({ time_zone })}
        options={timeZones(values.time_zone).map((zone) => ({ value: zone, label: zone.replaceAll('_', ' ') }))} />
      {span !== null && (
        <p class="quiet">
          {span.main}{span.viewer !== null && <><br />{common('event.your-time', { time: span.viewer })}</>}
        </p>
      )}
    </fieldset>
  );
}

export interface EventFormProps {
  values: EventFormValues;
  wrong: readonly EventFormField[];
  onChange: (change: Partial<EventFormValues>) => void;
}

function LanguageChoices({ values, onChange }: Omit<EventFormProps, 'wrong'>): JSX.Element {
  return (
    <fieldset class="choices">
      <legend>{t('edit.languages')}</legend>
      {LANGUAGES.map((tag) => (
        <label key={tag} class="choice" lang={tag}>
          <input type="checkbox" checked={values.languages.includes(tag)}
            onChange={(event) => onChange({
              languages: event.currentTarget.checked
                ? [...values.languages, tag] : values.languages.filter((one) => one !== tag),
            })} />
          {languageName(tag)}
        </label>
      ))}
    </fieldset>
  );
}

export function EventForm({ values, wrong, onChange }: EventFormProps): JSX.Element {
  const titleError = wrong.includes('title') ? t('edit.title-missing') : null;
  return (
    <>
      <fieldset class="panel">
        <legend>{t('edit.text')}</legend>
        <TextField id="title-en" lang="en" label={t('edit.title-en')} hint={t('edit.title-hint')} value={values.title_en}
          error={titleError} onInput={(title_en) => onChange({ title_en })} />
        <TextField id="title-ja" lang="ja" label={t('edit.title-ja')} value={values.title_ja}
          error={titleError} onInput={(title_ja) => onChange({ title_ja })} />
        <TextField id="summary-en" lang="en" label={t('edit.summary-en')} value={values.summary_en} isLong
          onInput={(summary_en) => onChange({ summary_en })} />
        <TextField id="summary-ja" lang="ja" label={t('edit.summary-ja')} value={values.summary_ja} isLong
          onInput={(summary_ja) => onChange({ summary_ja })} />
        <div class="field-row">
          <AreaSelect id="area" value={values.area} error={wrong.includes('area') ? t('edit.area-missing') : null}
            onChoose={(area) => onChange({ area })} />
          <CitySelect id="city" value={values.city} error={wrong.includes('city') ? t('edit.city-missing') : null}
            onChoose={(city) => onChange({ city })} />
        </div>
        <SelectField id="kind" label={t('edit.kind')} value={values.kind} onChoose={(kind) => onChange({ kind })}
          options={EVENT_KINDS.map((kind) => ({ value: kind, label: common(`event.kind.${kind}`) }))} />
        <LanguageChoices values={values} onChange={onChange} />
      </fieldset>
      <TimeFields values={values} wrong={wrong} onChange={onChange} />
      <PlanFields values={values} wrong={wrong} onChange={onChange} />
      <fieldset class="panel">
        <legend>{t('edit.policy')}</legend>
        {POLICIES.map((policy) => (
          <label key={policy} class="choice">
            <input type="radio" name="policy" value={policy} checked={values.recording_policy === policy}
              onChange={() => onChange({ recording_policy: policy })} />
            {t(`edit.policy-${policy}`)}
          </label>
        ))}
        {values.recording_policy !== 'none' && (
          <AudienceSelect id="audience" value={values.audience} onChoose={(audience) => onChange({ audience })} />
        )}
        <label class="choice">
          <input type="checkbox" checked={values.is_public}
            onChange={(event) => onChange({ is_public: event.currentTarget.checked })} />
          {t('edit.public')}
        </label>
      </fieldset>
    </>
  );
}
