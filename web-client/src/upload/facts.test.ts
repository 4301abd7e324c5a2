import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idOfUrl, isWorthRetry, keyOf, SpeedMeter } from './facts';

test('the id of an upload is read from its address only', () => {
  assert.equal(idOfUrl('http://localhost:1/uploads/0123456789abcdefghjkmnpqrs'), '0123456789abcdefghjkmnpqrs');
  assert.equal(idOfUrl('/uploads/short'), null);
  assert.equal(idOfUrl(null), null);
});

test('a file that was changed has another key', () => {
  const file = { name: '視察.mp4', size: 5, lastModified: 7 };
  assert.equal(keyOf(file), keyOf({ ...file }));
  assert.notEqual(keyOf(file), keyOf({ ...file, lastModified: 8 }));
  assert.ok(keyOf({ ...file, name: 'x'.repeat(500) }).length < 255);
});

test('what another try cannot cure is told at once', () => {
  assert.deepEqual([0, 409, 423, 503].map(isWorthRetry), [true, true, true, true]);
  assert.deepEqual([401, 404, 413, 507].map(isWorthRetry), [false, false, false, false]);
});

test('the speed is that of the last seconds, and begins anew after going back', () => {
  const meter = new SpeedMeter();
  assert.equal(meter.bytesPerSecond(), null);
  for (let second = 0; second <= 20; second++) meter.add(second < 10 ? 0 : (second - 10) * 1000, second * 1000);
  assert.equal(meter.bytesPerSecond(), 1000);
  meter.add(0, 21_000);
  assert.equal(meter.bytesPerSecond(), null);
});
