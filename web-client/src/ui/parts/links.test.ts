import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitLinks } from './links';

const links = (text: string): (string | null)[] => splitLinks(text).filter((one) => one.href !== null).map((one) => one.href);

test('an address becomes a link and the rest stays', () => {
  assert.deepEqual(splitLinks('See https://example.org/map, please.'), [
    { text: 'See ', href: null }, { text: 'https://example.org/map', href: 'https://example.org/map' }, { text: ', please.', href: null },
  ]);
  assert.deepEqual(splitLinks('no link'), [{ text: 'no link', href: null }]);
});

test('Japanese text beside an address is not part of it', () => {
  assert.deepEqual(links('資料はhttps://example.org/資料です。'), ['https://example.org/']);
  assert.deepEqual(links('https://example.org/a）をご覧ください'), ['https://example.org/a']);
  assert.deepEqual(links('https://example.org/a。次'), ['https://example.org/a']);
});

test('brackets that belong to an address stay in it', () => {
  assert.deepEqual(links('https://example.org/wiki/Flood_(disaster)'), ['https://example.org/wiki/Flood_(disaster)']);
  assert.deepEqual(links('(https://example.org/a)'), ['https://example.org/a']);
});

test('only the web, and no address that hides its host', () => {
  for (const text of ['javascript:alert(1)', 'data:text/html,x', 'ftp://example.org', 'https://bank.example@evil.example/',
    'https://', '<script src=//x>', 'vbscript:x']) {
    assert.deepEqual(links(text), [], text);
  }
  assert.equal(splitLinks('"><img src=x onerror=alert(1)> https://a.example').map((one) => one.text).join(''),
    '"><img src=x onerror=alert(1)> https://a.example');
});
