/**
 * Japanese input: the Enter that ends a conversion must not send or submit. Some browsers report it as composing,
 * others only by key code 229, and Safari sends it after `compositionend`, with code 229.
 */
export interface KeyFacts {
  key: string;
  isComposing: boolean;
  keyCode: number;
}

export function isComposing(event: KeyFacts): boolean {
  return event.isComposing || event.keyCode === 229;
}

/** Enter that means "send": not composing, and no Shift (which makes a new line). */
export function isSendKey(event: KeyFacts & { shiftKey: boolean }): boolean {
  return event.key === 'Enter' && !event.shiftKey && !isComposing(event);
}

/** Single-key shortcuts are off while composing, with a modifier, and where text is typed or a control uses the key. */
export function isShortcut(
  event: KeyFacts & { ctrlKey: boolean; metaKey: boolean; altKey: boolean; defaultPrevented: boolean },
  target: { tagName: string; isContentEditable: boolean; type?: string } | null,
): boolean {
  if (event.defaultPrevented || isComposing(event)) return false;
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (target === null) return true;
  if (target.isContentEditable) return false;
  const tag = target.tagName.toUpperCase();
  if (tag === 'TEXTAREA' || tag === 'SELECT') return false;
  if (tag !== 'INPUT') return true;
  return ['button', 'checkbox', 'radio', 'range'].includes(target.type ?? 'text');
}
