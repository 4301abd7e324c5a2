/** The form of an event: its values as typed, what is wrong with them, and what is sent. */
import { zonedInputs, zonedTime } from '../i18n/format';
import type { AgendaItem, Attendance, Audience, EventFields, EventKind, LearningEvent, RecordingPolicy } from '../protocol/objects';

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
  attendance: Attendance;
  venue_en: string;
  venue_ja: string;
  learning_cities: string[];
  /** As typed; empty: no limit. */
  capacity: string;
  has_lobby: boolean;
  agenda: AgendaRow[];
}

/** One item of the agenda as typed. `key` only tells rows apart while they are moved. */
export interface AgendaRow {
  key: number;
  title_en: string;
  title_ja: string;
  speaker: string;
  minutes: string;
}

export type EventFormField = 'title' | 'area' | 'city' | 'time' | 'duration' | 'capacity' | 'agenda';
export const AGENDA_MAX = 40;
export const LEARNING_CITIES_MAX = 30;
const CAPACITY_MAX = 100_000;
const DAY_MIN = 1440;

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
    attendance: 'online',
    venue_en: '',
    venue_ja: '',
    learning_cities: [],
    capacity: '',
    has_lobby: false,
    agenda: [],
  };
}

let lastKey = 0;

export function emptyAgendaRow(): AgendaRow {
  lastKey += 1;
  return { key: lastKey, title_en: '', title_ja: '', speaker: '', minutes: '' };
}

function agendaRowOf(item: AgendaItem): AgendaRow {
  const minutes = item.duration_s > 0 ? String(Math.round(item.duration_s / 60)) : '';
  return { ...emptyAgendaRow(), title_en: item.title_en, title_ja: item.title_ja, speaker: item.speaker, minutes };
}

const isEmptyRow = (row: AgendaRow): boolean => [row.title_en, row.title_ja, row.speaker, row.minutes].every((text) => text.trim() === '');

export function isWrongRow(row: AgendaRow): boolean {
  if (isEmptyRow(row)) return false;
  const minutes = row.minutes.trim() === '' ? 0 : Number(row.minutes);
  return (row.title_en.trim() === '' && row.title_ja.trim() === '') || !Number.isInteger(minutes) || minutes < 0 || minutes > DAY_MIN;
}

const capacityOf = (text: string): number => (text.trim() === '' ? 0 : Number(text));
const isWrongCapacity = (text: string): boolean => {
  const capacity = capacityOf(text);
  return !Number.isInteger(capacity) || capacity < 0 || capacity > CAPACITY_MAX;
};

const WEEK_MS = 7 * 24 * HOUR_MS;

/** A copy of an event for its next time: at the same hour of the same day of the week, the first one that is still to come. */
export function copyOfEvent(event: LearningEvent, now: Date): EventFormValues {
  const form = eventFormOf(event);
  const weeks = Math.max(1, Math.ceil((now.getTime() - event.starts_at.getTime()) / WEEK_MS));
  const { date } = zonedInputs(new Date(event.starts_at.getTime() + weeks * WEEK_MS), event.time_zone);
  return { ...form, date };
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
    attendance: event.attendance,
    venue_en: event.venue_en,
    venue_ja: event.venue_ja,
    learning_cities: event.learning_cities,
    capacity: event.capacity > 0 ? String(event.capacity) : '',
    has_lobby: event.has_lobby,
    agenda: event.agenda.map(agendaRowOf),
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
  if (isWrongCapacity(values.capacity)) wrong.push('capacity');
  if (values.agenda.some(isWrongRow)) wrong.push('agenda');
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
    attendance: values.attendance,
    venue_en: values.attendance === 'online' ? '' : values.venue_en.trim(),
    venue_ja: values.attendance === 'online' ? '' : values.venue_ja.trim(),
    learning_cities: values.learning_cities,
    capacity: capacityOf(values.capacity),
    has_lobby: values.has_lobby,
    agenda: values.agenda.filter((row) => !isEmptyRow(row)).map((row) => ({
      title_en: row.title_en.trim(),
      title_ja: row.title_ja.trim(),
      speaker: row.speaker.trim(),
      duration_s: Number(row.minutes) * 60,
    })),
  };
}
