/** Form fields that staff screens share. */
import type { JSX } from 'preact';
import { language, type Language } from '../../i18n/language';
import { pickText } from '../../i18n/bilingual';
import { t } from '../../i18n/staff';
import type { Audience } from '../../protocol/objects';
import { areas, areaName, cities, sortCities } from '../../store/taxonomy';

interface TextFieldProps {
  id: string;
  label: string;
  value: string;
  lang?: Language;
  hint?: string;
  error?: string | null;
  isLong?: boolean;
  maxLength?: number;
  onInput: (value: string) => void;
}

export function TextField({
  id, label, value, lang, hint, error = null, isLong = false, maxLength, onInput,
}: TextFieldProps): JSX.Element {
  const describedBy = [hint !== undefined ? `${id}-hint` : '', error !== null ? `${id}-error` : ''].filter(Boolean).join(' ');
  const shared = {
    id,
    value,
    lang,
    maxLength: maxLength ?? (isLong ? 4000 : 200),
    'aria-invalid': error !== null,
    'aria-describedby': describedBy === '' ? undefined : describedBy,
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint !== undefined && <p id={`${id}-hint`} class="quiet">{hint}</p>}
      {isLong
        ? <textarea {...shared} rows={3} onInput={(event) => onInput(event.currentTarget.value)} />
        : <input {...shared} type="text" onInput={(event) => onInput(event.currentTarget.value)} />}
      {error !== null && <p id={`${id}-error`} class="field-error">{error}</p>}
    </div>
  );
}

interface SelectProps<T extends string> {
  id: string;
  label: string;
  value: T;
  error?: string | null;
  onChoose: (value: T) => void;
  options: readonly { value: T; label: string; lang?: Language }[];
}

export function SelectField<T extends string>({ id, label, value, error = null, onChoose, options }: SelectProps<T>): JSX.Element {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} aria-invalid={error !== null} aria-describedby={error !== null ? `${id}-error` : undefined}
        onChange={(event) => {
          const chosen = options.find((option) => option.value === event.currentTarget.value);
          if (chosen !== undefined) onChoose(chosen.value);
        }}>
        {options.map((option) => <option key={option.value} value={option.value} lang={option.lang}>{option.label}</option>)}
      </select>
      {error !== null && <p id={`${id}-error`} class="field-error">{error}</p>}
    </div>
  );
}

interface CodeSelectProps {
  id: string;
  label?: string;
  /** Codes that are not offered. */
  without?: readonly string[];
  value: string;
  error?: string | null;
  onChoose: (code: string) => void;
}

export function AreaSelect({ id, value, error = null, onChoose }: CodeSelectProps): JSX.Element {
  const options = areas.value.map((area) => ({ value: area.code, label: areaName(area.code).text }));
  return (
    <SelectField id={id} label={t('edit.area')} value={value} error={error} onChoose={onChoose}
      options={[{ value: '', label: t('edit.choose') }, ...options]} />
  );
}

/** The prefecture beside the name: several cities share a name's reading, and none of us knows all of them. */
export function CitySelect({ id, label, value, without = [], error = null, onChoose }: CodeSelectProps): JSX.Element {
  const offered = cities.value.filter((city) => !without.includes(city.code));
  const options = sortCities(offered).map((city) => {
    const name = pickText(city.name_en, city.name_ja)?.text ?? city.code;
    const prefecture = pickText(city.prefecture_en, city.prefecture_ja)?.text ?? '';
    if (prefecture === '') return { value: city.code, label: name };
    return { value: city.code, label: language.value === 'ja' ? `${name}（${prefecture}）` : `${name} (${prefecture})` };
  });
  return (
    <SelectField id={id} label={label ?? t('edit.city')} value={value} error={error} onChoose={onChoose}
      options={[{ value: '', label: t('edit.choose') }, ...options]} />
  );
}

const AUDIENCES: readonly Audience[] = ['public', 'link', 'staff'];

export function AudienceSelect({ id, value, onChoose }: {
  id: string; value: Audience; onChoose: (value: Audience) => void;
}): JSX.Element {
  return (
    <SelectField id={id} label={t('edit.audience')} value={value} onChoose={onChoose}
      options={AUDIENCES.map((one) => ({ value: one, label: t(`audience.${one}`) }))} />
  );
}
