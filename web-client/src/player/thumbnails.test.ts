import assert from 'node:assert/strict';
import test from 'node:test';
import { parseThumbnails, thumbnailAt } from './thumbnails';

const TEXT = [
  'WEBVTT', '', '00:00.000 --> 00:05.000', 'sprites-1.jpg#xywh=0,0,160,90', '',
  '00:00:05.000 --> 00:00:10.000', 'sprites-1.jpg#xywh=160,0,160,90', '',
  '00:00:10.000 --> 00:00:15.000', 'https://elsewhere.example/x.jpg#xywh=0,0,160,90', '',
  '00:00:20.000 --> 00:00:15.000', 'sprites-1.jpg#xywh=0,0,160,90', '',
  '01:00:00.000 --> 01:00:05.000', 'sprites-2.jpg#xywh=320,90,160,90',
].join('\n');

test('thumbnails lie beside their list, and what is not one is left out', () => {
  const list = parseThumbnails(TEXT, '/media/abc/thumbnails.vtt');
  assert.deepEqual(list.map(({ from_ms, url, x, y }) => [from_ms, url, x, y]), [
    [0, '/media/abc/sprites-1.jpg', 0, 0], [5000, '/media/abc/sprites-1.jpg', 160, 0], [3_600_000, '/media/abc/sprites-2.jpg', 320, 90],
  ]);
  assert.deepEqual(parseThumbnails('', '/x'), []);
  assert.deepEqual(parseThumbnails('00:00.000 --> 00:05.000', '/x'), []);
});

test('a moment has the last picture that began', () => {
  const list = parseThumbnails(TEXT, '/media/abc/thumbnails.vtt');
  assert.equal(thumbnailAt(list, 4999)?.x, 0);
  assert.equal(thumbnailAt(list, 5000)?.x, 160);
  assert.equal(thumbnailAt(list, 9_999_999)?.x, 320);
  assert.equal(thumbnailAt([], 10), null);
});
