import type { JSX } from 'preact';
import { errorText } from '../../i18n/common';
import { t } from '../../i18n/upload';
import type { ApiError } from '../../protocol/api';
import { Icon, icons } from '../parts/icon';

/** What the errors of the API mean for a film on its way. */
export function UploadError({ error }: { error: ApiError | null }): JSX.Element {
  const key = `error.${error?.code ?? ''}`;
  return (
    <div role="alert" class={error === null ? 'action-error is-empty' : 'action-error'}>
      {error !== null && (
        <><Icon path={icons.warning} size={20} /><span>{t.has(key) ? t(key) : errorText(error.code)}</span></>
      )}
    </div>
  );
}
