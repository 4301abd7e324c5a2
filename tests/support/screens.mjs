// screens.mjs - what every screen owes its readers, checked in both languages: axe-core finds nothing, nothing is wider than
// 320 pixels, the language is marked, no text of the catalogues (web-client/src/i18n) is left untranslated.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { axe, byRole, screenshot } from './browser.mjs';
import { ROOT, until } from './server.mjs';

const require = createRequire(join(ROOT, 'web-client/package.json'));
const SHOTS = join(ROOT, 'build/screens');
export const WIDE = { width: 1280, height: 800 };
export const NARROW = { width: 320, height: 640 };

/** The client's own texts: { en: [text], ja: [text] } in the same order, and the keys. */
export async function loadTexts() {
  const { build } = require('esbuild');
  const names = ['captions', 'products', 'publishing', 'questions', 'classroom', 'common', 'door', 'field', 'room', 'staff', 'upload', 'watch'];
  const bundled = await build({
    stdin: {
      contents: names.map((name) => `export { t as ${name} } from './${name}';`).join('\n'),
      resolveDir: join(ROOT, 'web-client/src/i18n'),
      loader: 'ts',
    },
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'silent',
  });
  const module = await import(`data:text/javascript;base64,${Buffer.from(bundled.outputFiles[0].contents).toString('base64')}`);
  const keys = [];
  const en = [];
  const ja = [];
  for (const name of names) {
    const { catalogues } = module[name];
    for (const key of Object.keys(catalogues.en)) {
      keys.push(key);
      en.push(catalogues.en[key]);
      ja.push(catalogues.ja[key]);
    }
  }
  return { keys, en, ja };
}

// Every piece of text that a person sees or hears on the page, with the language it is marked with.
const piecesOf = (page) =>
  page.evaluate(() => {
    const pieces = [];
    const languageOf = (element) => element.closest('[lang]')?.lang ?? '';
    const isShown = (element) => element.checkVisibility?.({ visibilityProperty: true }) ?? true;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      const text = node.data.trim();
      // What devices call themselves is theirs.
      if (text && !element.closest('script,style,select[id$="-microphone"],select[id$="-camera"],select[id$="-speaker"]') && isShown(element)) {
        pieces.push({ text, lang: languageOf(element) });
      }
    }
    for (const element of document.querySelectorAll('[aria-label],[placeholder],[title],[alt]')) {
      for (const name of ['aria-label', 'placeholder', 'title', 'alt']) {
        const text = element.getAttribute(name)?.trim();
        if (text) pieces.push({ text, lang: languageOf(element) });
      }
    }
    return { pieces, title: document.title, lang: document.documentElement.lang };
  });

const asPattern = (text) => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\\\{\w+\\\}/g, '.+')}$`, 's');

/** What is wrong with the page's words when it should be in this language. */
export async function wrongWords(page, language, texts, names = []) {
  const { pieces, title, lang } = await piecesOf(page);
  const wrong = [];
  if (lang !== language) wrong.push(`<html lang> is "${lang}", not "${language}"`);
  const keys = new Set(texts.keys);
  const other = language === 'ja' ? 'en' : 'ja';
  // Texts that say nothing by themselves, as "{time}", match everything.
  const foreign = texts[other].filter((text, index) => text !== texts[language][index] && /\p{L}/u.test(text.replace(/\{\w+\}/g, '')));
  const exact = new Set(foreign.filter((text) => !text.includes('{')));
  const patterns = foreign.filter((text) => text.includes('{') && text.replace(/\{\w+\}/g, '').trim().length >= 6).map(asPattern);
  for (const { text, lang: marked } of [...pieces, { text: title, lang }]) {
    if (keys.has(text) || /\{\w+\}/.test(text)) wrong.push(`a key or a gap is shown: "${text}"`);
    if (marked !== language || names.includes(text)) continue;
    if (exact.has(text) || patterns.some((pattern) => pattern.test(text))) wrong.push(`not in ${language}: "${text}"`);
    else if (language === 'en' && /[\u3040-\u30ff]/.test(text)) wrong.push(`kana without lang="ja": "${text}"`);
    else if (language === 'ja' && !/[\u3040-\u9fff]/.test(text) && /[A-Za-z]{3,} [A-Za-z]{2,}/.test(text)) wrong.push(`English without lang="en": "${text}"`);
  }
  return wrong;
}

/** Elements that reach beyond the right edge of a page that can be scrolled sideways. */
export const tooWide = (page) =>
  page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width && document.body.scrollWidth <= width) return [];
    const found = [...document.querySelectorAll('body *')].filter((element) => element.getBoundingClientRect().right > width + 0.5);
    return [`${document.documentElement.scrollWidth} px`, ...found.slice(0, 4).map((element) => `${element.tagName.toLowerCase()}.${element.className}`)];
  });

const drawn = (page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(true)))));

/**
 * Checks the screen that is open, in both languages by its own switch, and leaves screenshots in build/screens.
 * @param options names: what people typed, right in any language
 */
export async function checkScreen(page, name, texts, { names = [] } = {}) {
  const found = [];
  for (const language of ['en', 'ja']) {
    const button = await byRole(page, 'button', language === 'en' ? 'English' : '日本語');
    await button.evaluate((element) => element.click());
    await until(`the screen in "${language}"`, () => page.evaluate((wanted) => document.documentElement.lang === wanted, language));
    await drawn(page);
    const note = (what, list) => list.forEach((text) => found.push(`${name}, ${language}, ${what}: ${text}`));
    note('words', await wrongWords(page, language, texts, names));
    note('axe', await axe(page));
    await screenshot(page, join(SHOTS, `${name}-${language}-1280.png`));
    await page.setViewport(NARROW);
    await drawn(page);
    note('wider than 320 px', await tooWide(page));
    note('axe at 320 px', await axe(page));
    await screenshot(page, join(SHOTS, `${name}-${language}-320.png`));
    await page.setViewport(WIDE);
    await drawn(page);
  }
  await (await byRole(page, 'button', 'English')).evaluate((element) => element.click());
  assert.deepEqual(found, [], `${name}:\n${found.join('\n')}`);
}

/** Tells the console of refused content, in both browsers: newPage() collects what the console says. */
export const reportRefusedContent = (page) =>
  page.evaluateOnNewDocument(() => {
    addEventListener('securitypolicyviolation', (event) => console.error(`refused by ${event.effectiveDirective}: ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`));
  });

/** What the page complained about; answers that a screen expects ("401 when nobody is signed in") are named by it. */
export const complaints = (page, expected = []) => page.problems.filter((problem) => !expected.some((pattern) => pattern.test(problem)));
