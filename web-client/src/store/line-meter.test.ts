import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionFigures } from '../rtc/connection';
import { LineMeter } from './line-meter';

const figures = (received: number, sent: number, lost = 0, expected = 0): ConnectionFigures =>
  ({ roundTripMs: 80, lost, expected, bytesReceived: received, bytesSent: sent });

test('both ways are told in kbit/s, and what was used in all', () => {
  const meter = new LineMeter();
  assert.equal(meter.read({}, 0), null);
  meter.read({ receive: figures(1000, 0), publish: figures(0, 500) }, 1000);
  const reading = meter.read({ receive: figures(101_000, 0), publish: figures(0, 25_500) }, 3000);
  assert.deepEqual(reading, { roundTripMs: 80, lossPercent: 0, inKbit: 400, outKbit: 100, bytes: 126_500 });
});

test('a new connection counts from zero, and what was used stays used', () => {
  const meter = new LineMeter();
  meter.read({ receive: figures(50_000, 10) }, 0);
  assert.equal(meter.read({}, 1000), null);
  assert.equal(meter.read({ receive: figures(20_000, 5) }, 2000)?.bytes, 70_015);
  assert.equal(meter.read({ receive: figures(30_000, 5) }, 3000)?.inKbit, 80);
});

test('loss is of the last seconds only', () => {
  const meter = new LineMeter();
  meter.read({ receive: figures(10, 10, 50, 100) }, 0);
  assert.equal(meter.read({ receive: figures(20, 20, 51, 300) }, 1000)?.lossPercent, 0.5);
});
