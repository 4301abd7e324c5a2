import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import {
  formatBytes, formatClock, formatDuration, formatTimeSpan, formatZone, megabytesPerHour, zonedInputs, zonedTime,
} from './format';
import { language } from './language';

beforeEach(() => { language.value = 'en'; });

test('a time of an event is shown in its zone and in the viewer’s', () => {
  const start = new Date('2026-11-24T05:00:00Z');
  const shown = formatTimeSpan(start, 5400, 'Asia/Tokyo', 'Asia/Dhaka');
  assert.equal(shown.main, '24 Nov 2026, 14:00–15:30 JST');
  assert.equal(shown.viewer, '11:00–12:30 UTC+6');
  language.value = 'ja';
  assert.equal(formatTimeSpan(start, 5400, 'Asia/Tokyo', 'Asia/Tokyo').main, '2026年11月24日(火) 14:00–15:30 JST');
});

test('the viewer’s date is shown where it is another day', () => {
  const shown = formatTimeSpan(new Date('2026-11-24T00:30:00Z'), 3600, 'Asia/Tokyo', 'America/Lima');
  assert.equal(shown.viewer, '23 Nov 2026, 19:30–20:30 UTC−5');
});

test('nobody is shown the same time twice', () => {
  assert.equal(formatTimeSpan(new Date('2026-11-24T05:00:00Z'), 60, 'Asia/Tokyo', 'Asia/Seoul').viewer, null);
});

test('zones with odd offsets have their minutes', () => {
  assert.equal(formatZone(new Date('2026-01-01T00:00:00Z'), 'Asia/Kathmandu'), 'UTC+5:45');
  assert.equal(formatZone(new Date('2026-01-01T00:00:00Z'), 'UTC'), 'UTC');
});

test('a typed date and time become a moment and back', () => {
  const at = zonedTime('2026-11-24', '14:00', 'Asia/Tokyo');
  assert.equal(at?.toISOString(), '2026-11-24T05:00:00.000Z');
  assert.deepEqual(zonedInputs(new Date('2026-11-24T05:00:00Z'), 'Asia/Tokyo'), { date: '2026-11-24', time: '14:00' });
});

test('summer time: the skipped hour moves on, the repeated hour is its first pass', () => {
  // Berlin, 29 March 2026: 02:00 becomes 03:00. 25 October 2026: 03:00 becomes 02:00.
  assert.equal(zonedTime('2026-03-29', '02:30', 'Europe/Berlin')?.toISOString(), '2026-03-29T01:30:00.000Z');
  assert.equal(zonedTime('2026-10-25', '02:30', 'Europe/Berlin')?.toISOString(), '2026-10-25T00:30:00.000Z');
  assert.equal(zonedTime('2026-07-01', '12:00', 'Europe/Berlin')?.toISOString(), '2026-07-01T10:00:00.000Z');
});

test('what is not a date is refused', () => {
  for (const [date, time] of [['', '14:00'], ['2026-02-30', '14:00'], ['2026-11-24', ''], ['2026-11-24', '25:00'], ['x', 'y']]) {
    assert.equal(zonedTime(date ?? '', time ?? '', 'Asia/Tokyo'), null);
  }
});

test('lengths as players and as people write them', () => {
  assert.equal(formatClock(0), '0:00');
  assert.equal(formatClock(3723.9), '1:02:03');
  assert.equal(formatDuration(3720), '1 hour 2 minutes');
  assert.equal(formatDuration(15), '15 seconds');
  language.value = 'ja';
  assert.equal(formatDuration(3720), '1時間2分');
});

test('sizes and rates do not look more exact than they are', () => {
  assert.equal(formatBytes(24_300_000), '24 MB');
  assert.equal(formatBytes(183_000), '183 KB');
  assert.equal(formatBytes(1_440_000_000), '1.4 GB');
  assert.equal(megabytesPerHour(1_500_000), 675);
  assert.equal(megabytesPerHour(150_000), 70);
});
