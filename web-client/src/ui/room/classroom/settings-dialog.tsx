import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { t as common } from '../../../i18n/common';
import { c } from '../../../i18n/classroom';
import { formatBytes } from '../../../i18n/format';
import { t } from '../../../i18n/room';
import { formatCount } from '../../../i18n/texts';
import type { PictureMode } from '../../../protocol/signalling';
import { Dialog, LanguageSwitch } from '../../parts/parts';
import { DeviceControls } from '../door/device-controls';
import { LimitSelect } from '../door/limit-select';
import { LAYOUTS, useRoom, type Layout } from '../room-ui';

function Choices<T extends string>({ name, legend, values, value, label, onChoose }: {
  name: string; legend: string; values: readonly T[]; value: T; label: (value: T) => string; onChoose: (value: T) => void;
}): JSX.Element {
  return (
    <fieldset class="choices">
      <legend>{legend}</legend>
      {values.map((one) => (
        <label key={one} class="choice">
          <input type="radio" name={name} value={one} checked={value === one} onChange={() => onChoose(one)} />
          {label(one)}
        </label>
      ))}
    </fieldset>
  );
}

function Rename(): JSX.Element {
  const { store } = useRoom();
  const [name, setName] = useState(store.me.value?.name ?? '');
  return (
    <form class="field" onSubmit={(event) => {
      event.preventDefault();
      if (name.trim() !== '') void store.rename(name.trim());
    }}>
      <label for="rename">{c('settings.name')}</label>
      <div class="field-line">
        <input id="rename" maxLength={100} value={name} autocomplete="name"
          onInput={(event) => setName(event.currentTarget.value)} />
        <button type="submit" class="button" disabled={name.trim() === '' || name.trim() === store.me.value?.name}>
          {c('settings.rename')}
        </button>
      </div>
    </form>
  );
}

function Measured(): JSX.Element {
  const reading = useRoom().store.reading.value;
  return (
    <p class="quiet" data-measured>
      {reading === null ? c('settings.measuring') : c('settings.measured', {
        in: formatCount(reading.inKbit), out: formatCount(reading.outKbit), size: formatBytes(reading.bytes),
        rtt: reading.roundTripMs, loss: reading.lossPercent,
      })}
    </p>
  );
}

export function SettingsDialog(): JSX.Element {
  const { store, ui } = useRoom();
  const close = (): void => { ui.dialog.value = null; };
  return (
    <Dialog title={c('settings.title')} onClose={close}>
      <Choices<Layout> name="layout" legend={c('settings.layout')} values={LAYOUTS}
        value={ui.layout.value} label={(one) => t(`settings.layout-${one}`)} onChoose={(one) => ui.setLayout(one)} />
      <Choices<PictureMode> name="pictures" legend={c('settings.pictures')} values={['all', 'one', 'audio']}
        value={store.pictureMode.value} label={(one) => c(`settings.pictures-${one}`)}
        onChoose={(one) => store.setPictureMode(one)} />
      <LimitSelect id="room-limit" value={store.limitKbit.value} onChoose={(kbit) => store.setLimit(kbit)} />
      <Measured />
      {store.may.value.has('speak') && (
        <section>
          <h3>{c('settings.devices')}</h3>
          <DeviceControls media={store.local} idPrefix="room" onChoose={(source, id) => void store.chooseDevice(source, id)} />
        </section>
      )}
      <section class="settings-language"><h3>{c('settings.language')}</h3><LanguageSwitch /></section>
      <Rename />
      <label class="choice">
        <input type="checkbox" checked={ui.announcesChat.value}
          onChange={(event) => ui.setAnnouncesChat(event.currentTarget.checked)} />
        {c('settings.announce-chat')}
      </label>
      <div>
        <button type="button" class="button" onClick={() => { ui.dialog.value = 'keys'; }}>{c('settings.keys')}</button>
      </div>
      <div class="dialog-actions">
        <button type="button" class="button is-primary" onClick={close}>{common('app.close')}</button>
      </div>
    </Dialog>
  );
}
