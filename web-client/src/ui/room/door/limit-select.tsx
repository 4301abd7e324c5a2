/** The data saver: what all that is received may take. */
import type { JSX } from 'preact';
import { formatCount } from '../../../i18n/texts';
import { d } from '../../../i18n/door';
import { megabytesPerHour } from '../../../i18n/format';
import { LIMITS_KBIT } from '../../../store/room';

export function LimitSelect({ id, value, onChoose }: {
  id: string; value: number; onChoose: (kbit: number) => void;
}): JSX.Element {
  return (
    <div class="field">
      <label for={id}>{d('limit.title')}</label>
      <select id={id} value={String(value)} aria-describedby={`${id}-what`}
        onChange={(event) => onChoose(Number(event.currentTarget.value))}>
        {LIMITS_KBIT.map((one) => (
          <option key={one} value={String(one)}>
            {one === 0 ? d('limit.none')
              : d('limit.kbit', { rate: formatCount(one), size: formatCount(megabytesPerHour(one * 1000)) })}
          </option>
        ))}
      </select>
      <p id={`${id}-what`} class="quiet">{d('limit.what')}</p>
    </div>
  );
}
