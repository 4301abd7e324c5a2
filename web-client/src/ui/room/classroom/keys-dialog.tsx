import type { JSX } from 'preact';
import { t as common } from '../../../i18n/common';
import { c } from '../../../i18n/classroom';
import { Dialog } from '../../parts/parts';
import { useRoom } from '../room-ui';

const KEYS = ['m', 'v', 'd', 'r', 'c', 'p', 'q', 'i', 'w', 'space', 'help'] as const;
const INTERPRETER_KEYS = ['space-on-air', 'cough', 'hand-over'] as const;

/** The list that `?` opens. */
export function KeysDialog(): JSX.Element {
  const { store, ui } = useRoom();
  const close = (): void => { ui.dialog.value = null; };
  const isInterpreter = store.may.value.has('interpret');
  const keys = isInterpreter ? [...KEYS.filter((key) => key !== 'space'), ...INTERPRETER_KEYS] : KEYS;
  return (
    <Dialog title={c('settings.keys')} onClose={close}>
      <ul class="keys">{keys.map((key) => <li key={key}>{c(`settings.keys-${key}`)}</li>)}</ul>
      <label class="choice">
        <input type="checkbox" checked={ui.hasSingleKeys.value}
          onChange={(event) => ui.setSingleKeys(event.currentTarget.checked)} />
        {c('settings.keys-single')}
      </label>
      <div class="dialog-actions">
        <button type="button" class="button is-primary" onClick={close}>{common('app.close')}</button>
      </div>
    </Dialog>
  );
}
