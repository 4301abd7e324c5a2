import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { guessLanguage, otherText, pickText } from './bilingual';
import { language } from './language';

beforeEach(() => { language.value = 'en'; });

test('the interface’s language comes first, the other one is marked', () => {
  assert.deepEqual(pickText('Flood', '洪水'), { text: 'Flood', lang: 'en' });
  assert.deepEqual(otherText('Flood', '洪水'), { text: '洪水', lang: 'ja' });
  assert.deepEqual(pickText('', '洪水'), { text: '洪水', lang: 'ja' });
  assert.equal(otherText('', '洪水'), null);
  assert.equal(pickText('', ''), null);
});

test('a title that is the same in both is shown once', () => {
  assert.equal(otherText('G30', 'G30'), null);
});

test('what people type is marked by its letters', () => {
  assert.equal(guessLanguage('佐藤 花子'), 'ja');
  assert.equal(guessLanguage('ひらがな abc'), 'ja');
  assert.equal(guessLanguage('A. Rahman'), 'en');
  assert.equal(guessLanguage('Ажмаа'), undefined);
});
