import type { JSX } from 'preact';
import { t } from '../../i18n/common';
import { otherText, pickText } from '../../i18n/bilingual';
import type { LearningEvent } from '../../protocol/objects';
import { areaName, cityName } from '../../store/taxonomy';
import { EventState, EventTime } from '../parts/event-time';
import { AreaIcon, Icon, icons } from '../parts/icon';
import { LanguageBadges, Marked } from '../parts/parts';

export function EventCard({ event }: { event: LearningEvent }): JSX.Element {
  const title = pickText(event.title_en, event.title_ja);
  const other = otherText(event.title_en, event.title_ja);
  return (
    <article class={`event-card is-${event.state}`}>
      <p class="event-card-top">
        <EventState state={event.state} />
        <span class="event-card-kind">{t(`event.kind.${event.kind}`)}</span>
      </p>
      <h3 class="card-title">
        <a href={`/events/${event.id}`}>{title !== null && <Marked text={title} />}</a>
      </h3>
      {other !== null && <p class="other-title" lang={other.lang}>{other.text}</p>}
      <p class="event-card-time"><Icon path={icons.clock} size={20} /><EventTime event={event} /></p>
      <p class="card-meta">
        <span><Icon path={icons.place} size={18} /><Marked text={cityName(event.city)} /></span>
        <span><AreaIcon code={event.area} size={18} /><Marked text={areaName(event.area)} /></span>
        <LanguageBadges tags={event.languages} />
      </p>
    </article>
  );
}
