import type { JSX } from 'preact';
import { t } from '../../i18n/common';
import { formatTimeSpan } from '../../i18n/format';
import type { LearningEvent, SessionState } from '../../protocol/objects';

/** The event's own time first, then the viewer's where it differs. */
export function EventTime({ event }: { event: LearningEvent }): JSX.Element {
  const span = formatTimeSpan(event.starts_at, event.duration_s, event.time_zone);
  return (
    <span class="event-time">
      <time dateTime={event.starts_at.toISOString()}>{span.main}</time>
      {span.viewer !== null && (
        <span class="event-time-viewer">{t('event.your-time', { time: span.viewer })}</span>
      )}
    </span>
  );
}

export function EventState({ state }: { state: SessionState }): JSX.Element {
  return <span class={`event-state is-${state}`}>{t(`event.${state}`)}</span>;
}
