import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSnippet } from './snippet';

test('marks become pieces, everything else stays text', () => {
  assert.deepEqual(parseSnippet('how <mark>flood</mark>s &amp; <mark>防災</mark>'), [
    { text: 'how ', isMatch: false }, { text: 'flood', isMatch: true }, { text: 's & ', isMatch: false },
    { text: '防災', isMatch: true },
  ]);
});

test('other tags are never tags', () => {
  assert.deepEqual(parseSnippet('<img src=x> &lt;mark&gt; &amp;lt;'), [{ text: '<img src=x> <mark> &lt;', isMatch: false }]);
});
