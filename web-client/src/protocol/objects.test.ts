import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from './decode';
import { decodeEvent, decodeLink, decodeRecording, decodeRecordings } from './objects';

const recording = {
  id: '0'.repeat(26), title_en: 'A', title_ja: '', area: 'urban-planning', city: '40100', languages: ['en'], event: null,
  recorded_at: '2026-11-24T05:00:00Z', published_at: null, duration_s: 61, state: 'processing', audience: 'public',
  progress_permille: 430, reason: null, poster: null, playlist: '/media/x/master.m3u8',
  downloads: [{ name: 'video.mp4', url: '/media/x/video.mp4', bytes: 123, kind: 'video' }],
  renditions: [{ name: '720p', width: 1280, height: 720, bitrate_bps: 2500000 }],
};

test('a recording is named field by field', () => {
  const decoded = decodeRecording(recording, '');
  assert.equal(decoded.duration_s, 61);
  assert.equal(decoded.downloads[0]?.kind, 'video');
  assert.equal(decoded.description_ja, '');
});

test('an address that leaves this server is refused', () => {
  for (const playlist of ['https://elsewhere.example/x.m3u8', '//elsewhere.example/x', 'javascript:alert(1)', '/\\elsewhere.example']) {
    assert.throws(() => decodeRecording({ ...recording, playlist }, ''), DecodeError, playlist);
  }
});

test('one recording that is not understood does not hide the others', () => {
  const page = decodeRecordings({ items: [recording, { ...recording, state: 'melted' }], total: 2 }, '');
  assert.equal(page.items.length, 1);
  assert.deepEqual(page.facets, { area: [], city: [], country: [], language: [], year: [], kind: [], length: [] });
});

test('an event without its rights gives none', () => {
  const event = decodeEvent({
    id: 'e', kind: 'seminar', title_en: '', title_ja: '題', area: 'a', city: 'c', starts_at: '2026-11-24T05:00:00Z',
    duration_s: 60, time_zone: 'Asia/Tokyo', state: 'planned',
  }, '');
  assert.deepEqual(event.may, { edit: false, host: false });
  assert.equal(event.session, null);
});

test('the error says which field did not fit', () => {
  assert.throws(() => decodeLink({ id: 'x', role: 'king', created_at: '2026-11-24T05:00:00Z' }, ''), /role: expected facilitator/);
});
