import type { JSX } from 'preact';
import { languageName } from '../../i18n/format';
import { t } from '../../i18n/review';
import { t as staff } from '../../i18n/staff';
import { LICENCES, type Audience, type Licence, type Recording } from '../../protocol/objects';
import { areaName, areas } from '../../store/taxonomy';
import { AreaSelect, AudienceSelect, CitySelect, SelectField, TextField } from '../staff/fields';

export type About = Pick<Recording, 'title_en' | 'title_ja' | 'description_en' | 'description_ja' | 'area' | 'more_areas'
  | 'city' | 'languages' | 'licence' | 'audience'>;

const LANGUAGES = ['ja', 'en', 'fr', 'es', 'pt', 'id', 'vi', 'th', 'zh', 'ko', 'ru', 'ar'] as const;

function Checks({ legend, values, chosen, nameOf, onChange }: {
  legend: string; values: readonly string[]; chosen: readonly string[];
  nameOf: (value: string) => string; onChange: (chosen: string[]) => void;
}): JSX.Element {
  return (
    <fieldset class="review-checks">
      <legend>{legend}</legend>
      {values.map((value) => (
        <label key={value}>
          <input type="checkbox" checked={chosen.includes(value)}
            onChange={(event) => onChange(event.currentTarget.checked
              ? [...chosen, value] : chosen.filter((one) => one !== value))} />
          {nameOf(value)}
        </label>
      ))}
    </fieldset>
  );
}

/** What is known of a film, to be edited: shared by everything that publishes. */
export function AboutForm({ values, isTitleMissing, onChange }: {
  values: About; isTitleMissing: boolean; onChange: (change: Partial<About>) => void;
}): JSX.Element {
  const tags = [...new Set([...LANGUAGES, ...values.languages])];
  return (
    <div class="form">
      <TextField id="film-title-en" lang="en" label={staff('edit.title-en')} value={values.title_en}
        error={isTitleMissing ? staff('edit.title-missing') : null} onInput={(title_en) => onChange({ title_en })} />
      <TextField id="film-title-ja" lang="ja" label={staff('edit.title-ja')} value={values.title_ja}
        onInput={(title_ja) => onChange({ title_ja })} />
      <TextField id="film-description-en" lang="en" label={staff('film.description-en')} value={values.description_en}
        isLong onInput={(description_en) => onChange({ description_en })} />
      <TextField id="film-description-ja" lang="ja" label={staff('film.description-ja')} value={values.description_ja}
        isLong onInput={(description_ja) => onChange({ description_ja })} />
      <AreaSelect id="film-area" value={values.area} onChoose={(area) => onChange({ area })} />
      <Checks legend={t('review.more-areas')} values={areas.value.map((area) => area.code).filter((code) => code !== values.area)}
        chosen={values.more_areas} nameOf={(code) => areaName(code).text} onChange={(more_areas) => onChange({ more_areas })} />
      <CitySelect id="film-city" value={values.city} onChoose={(city) => onChange({ city })} />
      <Checks legend={t('review.languages')} values={tags} chosen={values.languages} nameOf={languageName}
        onChange={(languages) => onChange({ languages })} />
      <SelectField<Licence> id="film-licence" label={t('review.licence')} value={values.licence}
        onChoose={(licence) => onChange({ licence })}
        options={LICENCES.map((licence) => ({ value: licence, label: t(`review.licence-${licence === '' ? 'none' : licence}`) }))} />
      <AudienceSelect id="film-audience" value={values.audience} onChoose={(audience: Audience) => onChange({ audience })} />
    </div>
  );
}
