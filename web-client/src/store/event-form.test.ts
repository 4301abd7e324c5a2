import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyOfEvent, emptyAgendaRow, emptyEventForm, eventFormOf, toEventFields, wrongFields } from './event-form';

const now = new Date('2026-11-24T05:20:00Z');

test('an empty form proposes tomorrow at a full hour in Japan, and says what is missing', () => {
  const form = emptyEventForm(now);
  assert.deepEqual([form.date, form.time, form.time_zone], ['2026-11-25', '15:00', 'Asia/Tokyo']);
  assert.deepEqual(wrongFields(form), ['title', 'area', 'city']);
  assert.equal(toEventFields(form), null);
});

test('what is sent is UTC and seconds, and comes back the same', () => {
  const form = { ...emptyEventForm(now), title_ja: ' 洪水への備え ', area: 'disaster-risk-management', city: '40100' };
  const fields = toEventFields(form);
  assert.equal(fields?.starts_at, '2026-11-25T06:00:00Z');
  assert.equal(fields?.duration_s, 5400);
  assert.equal(fields?.title_ja, '洪水への備え');
  assert.ok(fields);
  const again = eventFormOf({
    ...fields, id: 'e', starts_at: new Date(fields.starts_at), state: 'planned', session: null, may: { edit: true, host: true },
  });
  assert.deepEqual({ ...again, title_ja: ' 洪水への備え ' }, form);
});

const planned = (change: object) => {
  const fields = toEventFields({ ...emptyEventForm(now), title_en: 'x', area: 'a', city: 'c', ...change });
  assert.ok(fields);
  return {
    ...fields, id: 'e', starts_at: new Date(fields.starts_at), state: 'planned' as const, session: null, may: { edit: true, host: true },
  };
};

test('empty lines of the agenda are left out, and one without a title or with a wrong length is refused', () => {
  const form = { ...emptyEventForm(now), title_en: 'x', area: 'a', city: 'c' };
  const row = (change: object) => ({ ...emptyAgendaRow(), ...change });
  const agenda = [row({}), row({ title_ja: '挨拶', speaker: ' 佐藤 ', minutes: '10' }), row({ title_en: 'Talk' })];
  assert.deepEqual(toEventFields({ ...form, agenda })?.agenda, [
    { title_en: '', title_ja: '挨拶', speaker: '佐藤', duration_s: 600 },
    { title_en: 'Talk', title_ja: '', speaker: '', duration_s: 0 },
  ]);
  for (const wrong of [{ speaker: 'Sato' }, { title_en: 'Talk', minutes: '1.5' }, { title_en: 'Talk', minutes: '1441' }]) {
    assert.deepEqual(wrongFields({ ...form, agenda: [row(wrong)] }), ['agenda']);
  }
});

test('an online event has no venue, and no limit of people is none', () => {
  assert.equal(planned({ venue_en: 'City hall' }).venue_en, '');
  assert.equal(planned({ venue_en: 'City hall', attendance: 'hybrid' }).venue_en, 'City hall');
  assert.equal(planned({ capacity: '' }).capacity, 0);
  assert.deepEqual(wrongFields({ ...emptyEventForm(now), title_en: 'x', area: 'a', city: 'c', capacity: '-1' }), ['capacity']);
});

test('a copy is at the same hour of the same day of the week, and still to come', () => {
  const event = planned({ date: '2026-11-04', time: '15:00' });
  const copy = copyOfEvent(event, now);
  assert.deepEqual([copy.date, copy.time, copy.title_en], ['2026-11-25', '15:00', 'x']);
  // Clocks go back between the two in Berlin: the hour on the wall stays.
  const autumn = copyOfEvent(planned({ date: '2027-10-28', time: '09:00', time_zone: 'Europe/Berlin' }), now);
  assert.deepEqual([autumn.date, autumn.time], ['2027-11-04', '09:00']);
});

test('lengths that make no sense are refused', () => {
  const form = { ...emptyEventForm(now), title_en: 'x', area: 'a', city: 'c' };
  for (const duration_min of ['', '0', '-5', '1.5', '10081', 'long']) {
    assert.deepEqual(wrongFields({ ...form, duration_min }), ['duration'], duration_min);
  }
});
