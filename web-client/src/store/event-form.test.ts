import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyEventForm, eventFormOf, toEventFields, wrongFields } from './event-form';

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

test('lengths that make no sense are refused', () => {
  const form = { ...emptyEventForm(now), title_en: 'x', area: 'a', city: 'c' };
  for (const duration_min of ['', '0', '-5', '1.5', '10081', 'long']) {
    assert.deepEqual(wrongFields({ ...form, duration_min }), ['duration'], duration_min);
  }
});
