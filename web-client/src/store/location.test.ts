import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterUrl, isFiltered, readFilter, toRequest } from './catalogue-query';
import { routeOf } from './location';

const id = '51p2q2d17dygst5preskxebg5c';

test('every page of the protocol has its route', () => {
  assert.deepEqual(routeOf('/'), { screen: 'home' });
  assert.deepEqual(routeOf(`/events/${id}`), { screen: 'event', event: id });
  assert.deepEqual(routeOf(`/events/${id}/edit`), { screen: 'edit-event', event: id, isStaffPage: false });
  assert.deepEqual(routeOf(`/watch/${id}`), { screen: 'watch', recording: id });
  assert.deepEqual(routeOf('/join'), { screen: 'join' });
  assert.deepEqual(routeOf('/sign-in'), { screen: 'sign-in' });
  assert.deepEqual(routeOf('/staff/'), { screen: 'staff' });
  assert.deepEqual(routeOf('/staff/events/new'), { screen: 'edit-event', event: null, isStaffPage: true });
  for (const path of ['/watch/short', '/nowhere', `/events/${id}/delete`]) assert.deepEqual(routeOf(path), { screen: 'missing' });
});

test('filters live in the address, and a changed filter starts at the first page', () => {
  const filter = readFilter('?q=%E9%98%B2%E7%81%BD&area=urban-planning&page=3');
  assert.deepEqual(filter, {
    q: '防災', area: 'urban-planning', city: '', country: '', language: '', year: '', kind: '', length: '', page: 3,
  });
  assert.equal(filterUrl(filter, { year: '2025', length: '10-30' }), '/?q=%E9%98%B2%E7%81%BD&area=urban-planning&year=2025&length=10-30');
  assert.equal(filterUrl(filter, { city: '40100' }), '/?q=%E9%98%B2%E7%81%BD&area=urban-planning&city=40100');
  assert.equal(filterUrl(filter, { page: 4 }), '/?q=%E9%98%B2%E7%81%BD&area=urban-planning&page=4');
  assert.equal(filterUrl(readFilter('')), '/');
  assert.equal(isFiltered(readFilter('?page=2')), false);
});

test('a page number that is none is the first', () => {
  for (const page of ['0', '-1', '1.5', 'x', '99999999']) assert.equal(readFilter(`?page=${page}`).page, 1);
});

test('full-width letters and half-width kana search like the usual ones', () => {
  assert.equal(toRequest(readFilter('?q=%EF%BC%A7%EF%BC%93%EF%BC%90%20')).q, 'G30');
  assert.equal(toRequest(readFilter(`?q=${encodeURIComponent('ｺﾞﾐ')}`)).q, 'ゴミ');
});
