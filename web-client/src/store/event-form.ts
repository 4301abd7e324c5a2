/** The form of an event: its values as typed, what is wrong with them, and what is sent. */
import { zonedInputs, zonedTime } from '../i18n/format';
import type { Audience, EventFields, EventKind, LearningEvent, RecordingPolicy } from '../protocol/objects';

export interface EventFormValues {
  kind: EventKind;
  title_en: string;
  title_ja: string;
  summary_en: string;
  summary_ja: string;
  area: string;
  city: string;
  date: string;
  time: string;
  time_zone: string;
  duration_min: string;
  languages: string[];
  is_public: boolean;
  recording_policy: RecordingPolicy;
  audience: Audience;
}

export type EventFormField = 'title' | 'area' | 'city' | 'time' | 'duration';

const HOUR_MS = 3_600_000;
const DURATION_MAX_MIN = 10_080;

/** Tomorrow at the next full hour, in Japan. */
export function emptyEventForm(now: Date): EventFormValues {
  const tomorrow = new Date(Math.ceil(now.getTime() / HOUR_MS) * HOUR_MS + 24 * HOUR_MS);
  const { date, time } = zonedInputs(tomorrow, 'Asia/Tokyo');
  return {
    kind: 'virtual-session',
    title_en: '',
    title_ja: '',
    summary_en: '',
    summary_ja: '',
    area: '',
    city: '',
    date,
    time,
    time_zone: 'Asia/Tokyo',
    duration_min: '90',
    languages: ['en', 'ja'],
    is_public: true,
    recording_policy: 'publish',
    audience: 'public',
  };
}

export function eventFormOf(event: LearningEvent): EventFormValues {
  const { date, time } = zonedInputs(event.starts_at, event.time_zone);
  return {
    kind: event.kind,
    title_en: event.title_en,
    title_ja: event.title_ja,
    summary_en: event.summary_en,
    summary_ja: event.summary_ja,
    area: event.area,
    city: event.city,
    date,
    time,
    time_zone: event.time_zone,
    duration_min: String(Math.round(event.duration_s / 60)),
    languages: event.languages,
    is_public: event.is_public,
    recording_policy: event.recording_policy,
    audience: event.audience,
  };
}

export function wrongFields(values: EventFormValues): EventFormField[] {
  const wrong: EventFormField[] = [];
  if (values.title_en.trim() === '' && values.title_ja.trim() === '') wrong.push('title');
  if (values.area === '') wrong.push('area');
  if (values.city === '') wrong.push('city');
  if (zonedTime(values.date, values.time, values.time_zone) === null) wrong.push('time');
  const minutes = Number(values.duration_min);
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > DURATION_MAX_MIN) wrong.push('duration');
  return wrong;
}

/** Null while something is wrong. */
export function toEventFields(values: EventFormValues): EventFields | null {
  const startsAt = zonedTime(values.date, values.time, values.time_zone);
  if (startsAt === null || wrongFields(values).length > 0) return null;
  return {
    kind: values.kind,
    title_en: values.title_en.trim(),
    title_ja: values.title_ja.trim(),
    summary_en: values.summary_en.trim(),
    summary_ja: values.summary_ja.trim(),
    area: values.area,
    city: values.city,
    starts_at: startsAt.toISOString().replace('.000Z', 'Z'),
    duration_s: Number(values.duration_min) * 60,
    time_zone: values.time_zone,
    languages: values.languages,
    is_public: values.is_public,
    recording_policy: values.recording_policy,
    audience: values.audience,
  };
}
