import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePeople } from './invite-list';

test('people are read in the forms in which they are pasted', () => {
  const { people, wrong } = parsePeople('山本 直子 <yamamoto@example.org>\n"Suzuki, K." <suzuki@example.org>\r\nNguyễn Thị Hoa, hoa@example.org\n\nrahman@example.org\n');
  assert.deepEqual(wrong, []);
  assert.deepEqual(people, [
    { name: '山本 直子', address: 'yamamoto@example.org' },
    { name: 'Suzuki, K.', address: 'suzuki@example.org' },
    { name: 'Nguyễn Thị Hoa', address: 'hoa@example.org' },
    { name: 'rahman', address: 'rahman@example.org' },
  ]);
});

test('a line without an address is named, and nobody is invited twice', () => {
  const { people, wrong } = parsePeople('Tanaka\nA <a@example.org>\nB <A@example.org>\nx@y');
  assert.deepEqual(wrong, ['Tanaka', 'x@y']);
  assert.deepEqual(people, [{ name: 'A', address: 'a@example.org' }]);
});
