import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isComposing, isSendKey, isShortcut } from './ime';

const enter = { key: 'Enter', isComposing: false, keyCode: 13, shiftKey: false };

test('the Enter that ends a conversion does not send', () => {
  assert.equal(isSendKey({ ...enter, isComposing: true }), false);
  assert.equal(isSendKey({ ...enter, keyCode: 229 }), false, 'Safari: after compositionend, told only by its code');
  assert.equal(isComposing({ key: 'Process', isComposing: false, keyCode: 229 }), true);
});

test('Enter sends, Shift+Enter makes a line', () => {
  assert.equal(isSendKey(enter), true);
  assert.equal(isSendKey({ ...enter, shiftKey: true }), false);
  assert.equal(isSendKey({ ...enter, key: 'a', keyCode: 65 }), false);
});

test('single keys are off where text is typed, while composing and with modifiers', () => {
  const m = { key: 'm', isComposing: false, keyCode: 77, ctrlKey: false, metaKey: false, altKey: false, defaultPrevented: false };
  const on = (tagName: string, type?: string): Parameters<typeof isShortcut>[1] =>
    ({ tagName, isContentEditable: false, ...(type !== undefined && { type }) });
  assert.equal(isShortcut(m, on('BODY')), true);
  assert.equal(isShortcut(m, on('BUTTON')), true);
  assert.equal(isShortcut(m, on('INPUT', 'range')), true);
  assert.equal(isShortcut(m, on('INPUT', 'text')), false);
  assert.equal(isShortcut(m, on('INPUT')), false);
  assert.equal(isShortcut(m, on('TEXTAREA')), false);
  assert.equal(isShortcut({ ...m, ctrlKey: true }, on('BODY')), false);
  assert.equal(isShortcut({ ...m, keyCode: 229 }, on('BODY')), false);
});
