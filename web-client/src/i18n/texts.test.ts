import assert from 'node:assert/strict';
import { test } from 'node:test';
import { t as classroom } from './classroom';
import { t as common } from './common';
import { d as door } from './door';
import { t as field } from './field';
import { chooseLanguage, language } from './language';
import { t as room } from './room';
import { t as staff } from './staff';
import { defineTexts, fill } from './texts';
import { t as watch } from './watch';

const all = { classroom, common, door, field, room, staff, watch };

test('every text exists in both languages and is not empty', () => {
  for (const [name, texts] of Object.entries(all)) {
    const { en, ja } = texts.catalogues as Record<'en' | 'ja', Record<string, string>>;
    assert.deepEqual(Object.keys(ja).sort(), Object.keys(en).sort(), name);
    for (const [key, text] of Object.entries({ ...en })) assert.notEqual(text.trim(), '', `${name} en ${key}`);
    for (const [key, text] of Object.entries({ ...ja })) assert.notEqual(text.trim(), '', `${name} ja ${key}`);
  }
});

test('a text names the same parameters in both languages', () => {
  const parameters = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
  for (const [name, texts] of Object.entries(all)) {
    const { en, ja } = texts.catalogues as Record<'en' | 'ja', Record<string, string>>;
    for (const key of Object.keys(en)) {
      // A plural's "one" form may spell its number out.
      if (key.endsWith('.one')) continue;
      assert.deepEqual(parameters(ja[key] ?? ''), parameters(en[key] ?? ''), `${name} ${key}`);
    }
  }
});

test('Japanese texts are Japanese', () => {
  const exceptions = /^(app\.name|app\.title|edit\.zone-preview|watch\.download-other)$/;
  for (const [name, texts] of Object.entries(all)) {
    for (const [key, text] of Object.entries(texts.catalogues.ja as Record<string, string>)) {
      if (!exceptions.test(key)) assert.match(text, /[\u3040-\u30ff\u3400-\u9fff{]/, `${name} ${key}`);
    }
  }
});

test('parameters are put in, and an unknown one is left to be seen', () => {
  assert.equal(fill('{a} and {b}', { a: 'one' }), 'one and {b}');
  assert.equal(fill('{n} %', { n: 5 }), '5 %');
});

test('a count chooses its form by the language', () => {
  const texts = defineTexts({ 'x.one': '{n} film', 'x.other': '{n} films' }, { 'x.one': '映像{n}件', 'x.other': '映像{n}件' });
  language.value = 'en';
  assert.equal(texts.count('x', 1), '1 film');
  assert.equal(texts.count('x', 1200), '1,200 films');
  language.value = 'ja';
  assert.equal(texts.count('x', 1), '映像1件');
  language.value = 'en';
});

test('the address chooses the language, then memory, then the browser', () => {
  assert.equal(chooseLanguage('?lang=ja', 'en', ['en-GB']), 'ja');
  assert.equal(chooseLanguage('?lang=fr', 'ja', ['en-GB']), 'ja');
  assert.equal(chooseLanguage('', null, ['fr-FR', 'ja-JP', 'en']), 'ja');
  assert.equal(chooseLanguage('', null, ['fr-FR']), 'en');
});
