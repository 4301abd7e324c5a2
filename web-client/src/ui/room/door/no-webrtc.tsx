import type { JSX } from 'preact';
import { t as common } from '../../../i18n/common';
import { d } from '../../../i18n/door';
import { icons } from '../../parts/icon';
import { StateBox } from '../../parts/parts';

/** Instead of the door: this browser has nothing that carries sound and picture. */
export function NoWebRtc({ event }: { event: string }): JSX.Element {
  return (
    <div role="alert" data-over="no-webrtc">
      <StateBox isPage icon={icons.warning} title={d('no-webrtc.title')} text={d('no-webrtc.what')}>
        <a class="button" href={`/events/${event}`}>{d('over.event')}</a>
        <a class="button" href="/">{common('app.home')}</a>
      </StateBox>
    </div>
  );
}
