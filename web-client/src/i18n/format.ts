/** Dates, times, durations and sizes in the interface's language. A time is never shown without its zone. */
import { language } from './language';
import { formatCount } from './texts';

const localeOf = { en: 'en-GB', ja: 'ja-JP' } as const;

export function viewerTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

function dateFormat(timeZone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(localeOf[language.value], { timeZone, ...options });
}

/** `23 Mar 2016` or `2016年3月23日(水)`. */
export function formatDate(at: Date, timeZone: string): string {
  return language.value === 'ja'
    ? dateFormat(timeZone, { year: 'numeric', month: 'long', day: 'numeric', weekday: 'short' }).format(at)
    : dateFormat(timeZone, { year: 'numeric', month: 'short', day: 'numeric' }).format(at);
}

/** `14:00`, always of 24 hours. */
export function formatTime(at: Date, timeZone: string): string {
  return dateFormat(timeZone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);
}

/** `JST` where the zone has a name people use, else `UTC+6`, `UTC+5:45`. */
export function formatZone(at: Date, timeZone: string): string {
  if (timeZone === 'Asia/Tokyo') return 'JST';
  const minutes = zoneOffsetMinutes(at, timeZone);
  if (minutes === 0) return 'UTC';
  const sign = minutes < 0 ? '−' : '+';
  const rest = Math.abs(minutes) % 60;
  const hours = Math.floor(Math.abs(minutes) / 60);
  return `UTC${sign}${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`;
}

/** Minutes east of UTC that the zone's clocks show at that moment. */
export function zoneOffsetMinutes(at: Date, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(at);
  const value = (type: Intl.DateTimeFormatPartTypes): number =>
    Number(parts.find((part) => part.type === type)?.value ?? 0);
  const shown = Date.UTC(
    value('year'), value('month') - 1, value('day'), value('hour'), value('minute'), value('second'));
  return Math.round((shown - Math.floor(at.getTime() / 1000) * 1000) / 60000);
}

/**
 * The moment when clocks in the zone show `date` (`2026-11-24`) and `time` (`14:00`). In the hour that a change
 * to summer time skips, the moment after the change; in the repeated hour, its first pass. Null: not a date.
 */
export function zonedTime(date: string, time: string, timeZone: string): Date | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})$/.exec(`${date}T${time}`);
  if (match === null) return null;
  const [year, month, day, hour, minute] = match.slice(1).map(Number) as [number, number, number, number, number];
  const asUtc = Date.UTC(year, month - 1, day, hour, minute);
  if (Number.isNaN(asUtc) || new Date(asUtc).getUTCDate() !== day || hour > 23 || minute > 59) return null;
  const dayMs = 86_400_000;
  const before = zoneOffsetMinutes(new Date(asUtc - dayMs), timeZone);
  const after = zoneOffsetMinutes(new Date(asUtc + dayMs), timeZone);
  for (const offset of [before, after]) {
    const at = new Date(asUtc - offset * 60000);
    if (zoneOffsetMinutes(at, timeZone) === offset) return at;
  }
  return new Date(asUtc - before * 60000);
}

/** The values for `<input type=date>` and `<input type=time>` that show the moment in the zone. */
export function zonedInputs(at: Date, timeZone: string): { date: string; time: string } {
  const shown = new Date(at.getTime() + zoneOffsetMinutes(at, timeZone) * 60000).toISOString();
  return { date: shown.slice(0, 10), time: shown.slice(11, 16) };
}

export interface TimeSpanText {
  /** `24 Nov 2026, 14:00–15:30 JST` */
  main: string;
  /** The same in the viewer's zone; null when it shows the same clock. */
  viewer: string | null;
}

function span(start: Date, end: Date, timeZone: string, withDate: boolean): string {
  const times = `${formatTime(start, timeZone)}–${formatTime(end, timeZone)} ${formatZone(start, timeZone)}`;
  if (!withDate) return times;
  const separator = language.value === 'ja' ? ' ' : ', ';
  return `${formatDate(start, timeZone)}${separator}${times}`;
}

export function formatTimeSpan(
  start: Date,
  durationS: number,
  timeZone: string,
  viewerZone: string = viewerTimeZone(),
): TimeSpanText {
  const end = new Date(start.getTime() + durationS * 1000);
  const main = span(start, end, timeZone, true);
  if (zoneOffsetMinutes(start, timeZone) === zoneOffsetMinutes(start, viewerZone)) {
    return { main, viewer: null };
  }
  const sameDay = formatDate(start, timeZone) === formatDate(start, viewerZone);
  return { main, viewer: span(start, end, viewerZone, !sameDay) };
}

/** `1:02:03` or `4:05`: as players write it, the same in both languages. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  const tail = String(whole % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
}

/** The same length for screen readers and texts: `1 hour 2 minutes`, `1時間2分`. */
export function formatDuration(seconds: number): string {
  const unit = (value: number, name: 'hour' | 'minute' | 'second'): string =>
    new Intl.NumberFormat(localeOf[language.value], {
      style: 'unit',
      unit: name,
      unitDisplay: 'long',
    }).format(value).replace(language.value === 'ja' ? /\s/g : /$^/, '');
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const parts: string[] = [];
  if (hours > 0) parts.push(unit(hours, 'hour'));
  if (minutes > 0) parts.push(unit(minutes, 'minute'));
  if (parts.length === 0) parts.push(unit(whole, 'second'));
  return parts.join(language.value === 'ja' ? '' : ' ');
}

/** `24 MB`, `900 KB`; decimal units, as data plans count. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000_000) return `${formatCount(Math.max(1, Math.round(bytes / 1000)))} KB`;
  if (bytes < 1_000_000_000) return `${formatCount(Math.round(bytes / 1_000_000))} MB`;
  return `${formatCount(Math.round(bytes / 100_000_000) / 10)} GB`;
}

/** MB for an hour at that rate, rounded so that it does not look more exact than it is. */
export function megabytesPerHour(bitrateBps: number): number {
  const megabytes = (bitrateBps * 3600) / 8 / 1_000_000;
  return megabytes < 100 ? Math.max(5, Math.round(megabytes / 5) * 5) : Math.round(megabytes / 25) * 25;
}

/** Names of languages as people read them: `English`, `日本語`. */
export function languageName(tag: string): string {
  if (tag === 'en') return 'English';
  if (tag === 'ja') return '日本語';
  try {
    return new Intl.DisplayNames([localeOf[language.value]], { type: 'language' }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}
