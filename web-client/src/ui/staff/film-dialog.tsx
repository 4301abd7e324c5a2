import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { t as common } from '../../i18n/common';
import { t } from '../../i18n/staff';
import { api } from '../../protocol/api';
import type { Audience, Recording } from '../../protocol/objects';
import { useAction } from '../parts/hooks';
import { ActionError, Dialog } from '../parts/parts';
import { AreaSelect, AudienceSelect, CitySelect, TextField } from './fields';

export function FilmDialog({ film, onClose, onSaved }: {
  film: Recording; onClose: () => void; onSaved: () => void;
}): JSX.Element {
  const action = useAction();
  const [values, setValues] = useState({
    title_en: film.title_en,
    title_ja: film.title_ja,
    description_en: film.description_en,
    description_ja: film.description_ja,
    area: film.area,
    city: film.city,
    audience: film.audience,
  });
  const [isTitleMissing, setTitleMissing] = useState(false);
  const set = (change: Partial<typeof values>): void => setValues((before) => ({ ...before, ...change }));
  const save = async (): Promise<void> => {
    if (values.title_en.trim() === '' && values.title_ja.trim() === '') {
      setTitleMissing(true);
      return;
    }
    const done = await action.run(async (signal) => {
      await api.changeRecording(signal, film.id, values);
    });
    if (done) onSaved();
  };
  return (
    <Dialog title={t('film.edit')} onClose={onClose}>
      <form class="form" noValidate onSubmit={(event) => { event.preventDefault(); void save(); }}>
        <TextField id="film-title-en" lang="en" label={t('edit.title-en')} value={values.title_en}
          error={isTitleMissing ? t('edit.title-missing') : null} onInput={(title_en) => set({ title_en })} />
        <TextField id="film-title-ja" lang="ja" label={t('edit.title-ja')} value={values.title_ja}
          onInput={(title_ja) => set({ title_ja })} />
        <TextField id="film-description-en" lang="en" label={t('film.description-en')} value={values.description_en}
          isLong onInput={(description_en) => set({ description_en })} />
        <TextField id="film-description-ja" lang="ja" label={t('film.description-ja')} value={values.description_ja}
          isLong onInput={(description_ja) => set({ description_ja })} />
        <AreaSelect id="film-area" value={values.area} onChoose={(area) => set({ area })} />
        <CitySelect id="film-city" value={values.city} onChoose={(city) => set({ city })} />
        <AudienceSelect id="film-audience" value={values.audience} onChoose={(audience: Audience) => set({ audience })} />
        <ActionError error={action.error} />
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>{common('app.cancel')}</button>
          <button type="submit" class="button is-primary" aria-disabled={action.isBusy}>{t('edit.save')}</button>
        </div>
      </form>
    </Dialog>
  );
}
