import type { JSX } from 'preact';
import { t } from '../../i18n/common';
import { language } from '../../i18n/language';
import { api } from '../../protocol/api';
import { useAction } from '../parts/hooks';
import { Icon, icons } from '../parts/icon';
import { ActionError } from '../parts/parts';

/** How long a browser may take to read the file after the press. */
const FILE_KEPT_MS = 60_000;

function offer(file: Blob, name: string): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), FILE_KEPT_MS);
}

/**
 * Without a role link the file is opened by its address, which phones hand to their calendar. With one it is asked for with the
 * link's token, which no address may carry, and holds that link.
 */
export function CalendarLink({ event, token }: { event: string; token: string | null }): JSX.Element {
  const save = useAction();
  const label = <><Icon path={icons.calendar} size={20} />{t('event.calendar')}</>;
  if (token === null) {
    return <p><a class="button" href={api.calendarPath(event, language.value)} download>{label}</a></p>;
  }
  const run = async (signal: AbortSignal): Promise<void> =>
    offer(await api.calendar(signal, event, language.value, token), `event-${event}.ics`);
  return (
    <>
      <p>
        <button type="button" class="button" aria-disabled={save.isBusy} onClick={() => void save.run(run)}>{label}</button>
      </p>
      <ActionError error={save.error} />
    </>
  );
}
