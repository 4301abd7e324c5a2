/** What staff know of a film, typed while it is sent. Kept on the server as it is typed. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { languageName } from '../../i18n/format';
import { t as staff } from '../../i18n/staff';
import { t } from '../../i18n/upload';
import { PEOPLE, type UploadDraft } from '../../protocol/objects';
import { keepTyped, submit, type IncomingFilm } from '../../store/uploads';
import { announce } from '../../store/announcer';
import { useAction } from '../parts/hooks';
import { Icon, icons } from '../parts/icon';
import { AreaSelect, AudienceSelect, CitySelect, SelectField, TextField } from '../staff/fields';
import { UploadError } from './upload-error';

const LANGUAGES = ['en', 'ja'] as const;
const LICENCES = ['all-rights-reserved', 'cc-by-4.0', 'cc-by-sa-4.0', 'cc-by-nc-4.0', 'cc-by-nd-4.0', 'cc0-1.0'] as const;

type Wrong = readonly { field: string; code: string }[];

interface FieldsProps {
  prefix: string;
  draft: UploadDraft;
  wrong: Wrong;
  onChange: (change: Partial<UploadDraft>) => void;
}

function Texts({ prefix, draft, wrong, onChange }: FieldsProps): JSX.Element {
  const titleError = wrong.some((one) => one.field.startsWith('title')) ? staff('edit.title-missing') : null;
  return (
    <>
      <TextField id={`${prefix}-title-en`} lang="en" label={staff('edit.title-en')} hint={staff('edit.title-hint')}
        value={draft.title_en} error={titleError} onInput={(title_en) => onChange({ title_en })} />
      <TextField id={`${prefix}-title-ja`} lang="ja" label={staff('edit.title-ja')} value={draft.title_ja}
        error={titleError} onInput={(title_ja) => onChange({ title_ja })} />
      <div class="field-row">
        <AreaSelect id={`${prefix}-area`} value={draft.area} onChoose={(area) => onChange({ area })}
          error={wrong.some((one) => one.field === 'area') ? staff('edit.area-missing') : null} />
        <CitySelect id={`${prefix}-city`} value={draft.city} onChoose={(city) => onChange({ city })}
          error={wrong.some((one) => one.field === 'city') ? staff('edit.city-missing') : null} />
      </div>
      <div class="field-row">
        <TextField id={`${prefix}-place-en`} lang="en" label={t('draft.place-en')} value={draft.place_en}
          onInput={(place_en) => onChange({ place_en })} />
        <TextField id={`${prefix}-place-ja`} lang="ja" label={t('draft.place-ja')} value={draft.place_ja}
          onInput={(place_ja) => onChange({ place_ja })} />
        <div class="field">
          <label for={`${prefix}-visited`}>{t('draft.visited-on')}</label>
          <input id={`${prefix}-visited`} type="date" value={draft.visited_on}
            onInput={(event) => onChange({ visited_on: event.currentTarget.value })} />
        </div>
      </div>
      <TextField id={`${prefix}-description-en`} lang="en" label={staff('film.description-en')} isLong
        value={draft.description_en} onInput={(description_en) => onChange({ description_en })} />
      <TextField id={`${prefix}-description-ja`} lang="ja" label={staff('film.description-ja')} isLong
        value={draft.description_ja} onInput={(description_ja) => onChange({ description_ja })} />
    </>
  );
}

function peopleError(wrong: Wrong): string | null {
  const found = wrong.find((one) => one.field === 'people');
  if (found === undefined) return null;
  return found.code === 'consent' ? t('draft.people-consent') : t('draft.people-missing');
}

function Rights({ prefix, draft, wrong, onChange }: FieldsProps): JSX.Element {
  return (
    <>
      <SelectField id={`${prefix}-people`} label={t('draft.people')} value={draft.people} error={peopleError(wrong)}
        onChoose={(people) => onChange({ people })}
        options={PEOPLE.map((value) => ({ value, label: value === '' ? staff('edit.choose') : t(`draft.people.${value}`) }))} />
      <div class="field-row">
        <SelectField id={`${prefix}-licence`} label={t('draft.licence')} value={draft.licence}
          onChoose={(licence) => onChange({ licence })}
          options={[{ value: '', label: t('draft.licence-none') },
            ...LICENCES.map((value) => ({ value: value as string, label: t(`draft.licence.${value}`) }))]} />
        <AudienceSelect id={`${prefix}-audience`} value={draft.audience} onChoose={(audience) => onChange({ audience })} />
      </div>
      <fieldset class="choices">
        <legend>{t('draft.languages')}</legend>
        {LANGUAGES.map((tag) => (
          <label key={tag} class="choice" lang={tag}>
            <input type="checkbox" checked={draft.languages.includes(tag)}
              onChange={(event) => onChange({
                languages: event.currentTarget.checked
                  ? [...draft.languages, tag] : draft.languages.filter((one) => one !== tag),
              })} />
            {languageName(tag)}
          </label>
        ))}
      </fieldset>
      <TextField id={`${prefix}-series`} label={t('draft.series')} hint={t('draft.series-hint')} value={draft.series}
        onInput={(series) => onChange({ series })} />
      <fieldset class="choices">
        <legend>{t('draft.then')}</legend>
        {([false, true] as const).map((publish) => (
          <label key={String(publish)} class="choice">
            <input type="radio" name={`${prefix}-then`} checked={draft.publish === publish}
              onChange={() => onChange({ publish })} />
            {publish ? t('draft.then-publish') : t('draft.then-review')}
          </label>
        ))}
      </fieldset>
    </>
  );
}

export function DraftForm({ film, prefix }: { film: IncomingFilm; prefix: string }): JSX.Element {
  const action = useAction();
  const [wrong, setWrong] = useState<Wrong>([]);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (wrong.length > 0) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [wrong]);
  const handIn = async (): Promise<void> => {
    await action.run(async (signal) => {
      const found = await submit(film.key, signal);
      setWrong(found);
      announce(found.length > 0 ? t('draft.wrong') : t('draft.submitted'), found.length > 0 ? 'assertive' : 'polite');
    });
  };
  const shared = {
    prefix, draft: film.draft, wrong, onChange: (change: Partial<UploadDraft>) => keepTyped(film.key, change),
  };
  return (
    <form ref={form} class="form" noValidate onSubmit={(event) => { event.preventDefault(); void handIn(); }}>
      <Texts {...shared} />
      <Rights {...shared} />
      {wrong.length > 0 && <p class="field-error" role="alert">{t('draft.wrong')}</p>}
      <UploadError error={action.error ?? film.draftError} />
      <div class="form-actions">
        <button type="submit" class="button is-primary" aria-disabled={action.isBusy || film.id === null}
          aria-label={t('draft.submit-label', { name: film.name })}>{t('draft.submit')}</button>
        <span class={film.draftState === 'saved' ? 'saved' : 'quiet'}>
          {film.draftState === 'saved' && <Icon path={icons.check} size={20} />}{t(`draft.${film.draftState}`)}
        </span>
      </div>
      {film.isSubmitted && film.recording === null && <p class="note">{t('draft.submitted')}</p>}
    </form>
  );
}
