import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { t } from '../../i18n/upload';
import { addFiles, cityForNew, setCityForNew } from '../../store/uploads';
import { CitySelect } from '../staff/fields';

/** Opens the camera roll of a phone; the endings are of cameras whose files browsers know no type for. */
export const ACCEPTED = 'video/*,audio/*,.mkv,.mts,.m2ts,.ts,.mxf,.mov';

export function FilmChooser(): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  return (
    <div class={isOver ? 'panel upload-drop is-over' : 'panel upload-drop'}
      onDragOver={(event) => { event.preventDefault(); setOver(true); }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        addFiles([...(event.dataTransfer?.files ?? [])]);
      }}>
      <CitySelect id="city-new" label={t('upload.city-new')} value={cityForNew.value} onChoose={setCityForNew} />
      <p>{t('upload.drop')}</p>
      <input ref={input} id="films" type="file" multiple accept={ACCEPTED} hidden
        onChange={(event) => {
          addFiles([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = '';
        }} />
      <button type="button" class="button is-primary is-large" onClick={() => input.current?.click()}>{t('upload.choose')}</button>
    </div>
  );
}
