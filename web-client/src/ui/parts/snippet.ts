/** Search snippets: text with `<mark>` marks, everything else escaped. Read as text, never put in as HTML. */

export interface SnippetPiece {
  text: string;
  isMatch: boolean;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<', '&gt;': '>', '&amp;': '&', '&quot;': '"', '&#39;': "'", '&apos;': "'",
};

function unescape(text: string): string {
  return text.replace(/&(?:lt|gt|amp|quot|#39|apos);/g, (entity) => ENTITIES[entity] ?? entity);
}

export function parseSnippet(snippet: string): SnippetPiece[] {
  const pieces: SnippetPiece[] = [];
  let isMatch = false;
  for (const part of snippet.split(/(<\/?mark>)/)) {
    if (part === '<mark>') isMatch = true;
    else if (part === '</mark>') isMatch = false;
    else if (part !== '') pieces.push({ text: unescape(part), isMatch });
  }
  return pieces;
}
