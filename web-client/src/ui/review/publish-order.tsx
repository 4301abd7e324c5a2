import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { formatDate, formatTime, formatZone, viewerTimeZone, zonedInputs, zonedTime } from '../../i18n/format';
import { t } from '../../i18n/publishing';
import { api } from '../../protocol/api';
import type { Publishing } from '../../protocol/publishing';
import { announce } from '../../store/announcer';
import { useAction, useResource } from '../parts/hooks';
import { Icon, icons } from '../parts/icon';
import { ActionError } from '../parts/parts';
import { SelectField } from '../staff/fields';
import { timeZones } from '../staff/time-zones';

const YEAR_MS = 366 * 86_400_000;
const REFRESH_MS = 10_000;

function whenText(at: Date, zone: string): string {
  return `${formatDate(at, zone)} ${formatTime(at, zone)} (${formatZone(at, zone)})`;
}

function Ordered({ at, zone }: { at: Date; zone: string }): JSX.Element {
  const here = viewerTimeZone();
  return (
    <p class="note" role="status"><Icon path={icons.clock} size={20} />
      <span>{t('publishing.ordered', { when: whenText(at, zone || here) })}
        {zone !== here && zone !== '' && <> {t('publishing.ordered-here', { when: whenText(at, here) })}</>}</span></p>
  );
}

function Order({ value, isBusy, onSet }: { value: Publishing; isBusy: boolean; onSet: (at: Date, zone: string) => void }): JSX.Element {
  const [zone, setZone] = useState(value.time_zone || viewerTimeZone());
  const [inputs, setInputs] = useState(() => zonedInputs(value.publish_at ?? new Date(Date.now() + 86_400_000), zone));
  const [isWrong, setWrong] = useState(false);
  const set = (): void => {
    const at = zonedTime(inputs.date, inputs.time, zone);
    const ahead = at === null ? -1 : at.getTime() - Date.now();
    setWrong(ahead <= 0 || ahead > YEAR_MS);
    if (at !== null && ahead > 0 && ahead <= YEAR_MS) onSet(at, zone);
  };
  const describedBy = isWrong ? 'publish-error' : undefined;
  return (
    <div class="form">
      <div class="field-row">
        <div class="field"><label for="publish-date">{t('publishing.date')}</label>
          <input id="publish-date" type="date" value={inputs.date} aria-invalid={isWrong} aria-describedby={describedBy}
            onInput={(event) => setInputs({ ...inputs, date: event.currentTarget.value })} /></div>
        <div class="field"><label for="publish-time">{t('publishing.time')}</label>
          <input id="publish-time" type="time" value={inputs.time} aria-invalid={isWrong} aria-describedby={describedBy}
            onInput={(event) => setInputs({ ...inputs, time: event.currentTarget.value })} /></div>
        <SelectField id="publish-zone" label={t('publishing.zone')} value={zone} onChoose={setZone}
          options={timeZones(zone).map((one) => ({ value: one, label: one.replaceAll('_', ' ') }))} />
      </div>
      {isWrong && <p id="publish-error" class="field-error" role="alert">{t('publishing.bad-time')}</p>}
      <div><button type="button" class="button" aria-disabled={isBusy} onClick={set}>{t('publishing.set')}</button></div>
    </div>
  );
}

/** Handing in and publishing at a time. `onChanged`: what is known of the film may have changed. */
export function PublishOrder({ recording, state, token, onChanged }: {
  recording: string; state: string; token: string | null; onChanged: () => void;
}): JSX.Element | null {
  const action = useAction();
  const { resource, setValue } = useResource(`publishing ${recording} ${state}`, async (signal) => {
    const value = await api.publishing(signal, recording, token);
    // The film is published at that moment by the server.
    if (value.publish_at !== null && value.publish_at.getTime() < Date.now()) onChanged();
    return value;
  }, (value) => (value.publish_at !== null ? REFRESH_MS : null));
  if (resource.state !== 'ready') return null;
  const value = resource.value;
  const change = async (body: object, said: string): Promise<void> => {
    await action.run(async (signal) => {
      setValue(await api.changePublishing(signal, recording, body, token));
      announce(said);
      onChanged();
    });
  };
  return (
    <div class="publish-order">
      {value.needs_second_person && <p class="note"><Icon path={icons.info} size={20} />{t('publishing.second')}</p>}
      {value.submitted !== null && value.needs_second_person && (
        <p>{value.submitted.is_you ? t('publishing.submitted-you')
          : t('publishing.submitted', { name: value.submitted.by, date: formatDate(value.submitted.at, viewerTimeZone()) })}</p>
      )}
      {value.needs_second_person && value.submitted?.is_you !== true && state !== 'published' && (
        <div><button type="button" class="button" aria-disabled={action.isBusy}
          onClick={() => void change({ submit: true }, t('publishing.submit-done'))}>{t('publishing.submit')}</button></div>
      )}
      {state !== 'published' && value.publish_at !== null && (
        <>
          <Ordered at={value.publish_at} zone={value.time_zone} />
          <div><button type="button" class="button" aria-disabled={action.isBusy}
            onClick={() => void change({ publish_at: null }, t('publishing.taken-back'))}>{t('publishing.take-back')}</button></div>
        </>
      )}
      {state !== 'published' && value.publish_at === null && value.may_publish && (
        <details><summary>{t('publishing.order')}</summary>
          <Order value={value} isBusy={action.isBusy}
            onSet={(at, zone) => void change({ publish_at: at.toISOString(), time_zone: zone }, t('publishing.set-done'))} />
        </details>
      )}
      <ActionError error={action.error} />
    </div>
  );
}
