export interface LinkPiece {
  text: string;
  /** null: plain text. */
  href: string | null;
}

/** An address ends at white space, quotes, brackets, and Japanese punctuation or full-width forms. */
const ADDRESS = /https?:\/\/[^\s<>"'`\u3000-\u303f\uff00-\uffef\u3040-\u30ff\u3400-\u9fff]+/giu;
/** Marks at the end belong to the sentence. */
const SENTENCE_END = /[.,;:!?)\]}*_]+$/;

/**
 * Cuts a text at its web addresses. Whatever is not plainly http or https stays text, as does an address with a user
 * name in it (`https://bank.example@evil.example`), which shows one host and leads to another.
 */
export function splitLinks(text: string): LinkPiece[] {
  const pieces: LinkPiece[] = [];
  let from = 0;
  const plain = (until: number): void => {
    if (until > from) pieces.push({ text: text.slice(from, until), href: null });
  };
  for (const match of text.matchAll(ADDRESS)) {
    let address = match[0];
    const end = SENTENCE_END.exec(address)?.[0] ?? '';
    const isBalanced = end.startsWith(')') && address.includes('(');
    if (end !== '' && !isBalanced) address = address.slice(0, -end.length);
    const href = safeAddress(address);
    if (href === null) continue;
    plain(match.index);
    pieces.push({ text: address, href });
    from = match.index + address.length;
  }
  plain(text.length);
  return pieces;
}

function safeAddress(address: string): string | null {
  try {
    const url = new URL(address);
    const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
    return isWeb && url.username === '' && url.password === '' && url.hostname !== '' ? url.href : null;
  } catch {
    return null;
  }
}
