/** Finding words in what was said: width, case and kind of kana make no difference, as in the catalogue. */
function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/[\u30a1-\u30f6]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) - 0x60));
}

/** Indexes of the texts that have all the words; all of them when nothing was typed. */
export function findLines(texts: readonly string[], query: string): number[] {
  const words = fold(query).split(/\s+/).filter((word) => word !== '');
  return texts.flatMap((text, index) => {
    const folded = fold(text);
    return words.every((word) => folded.includes(word)) ? [index] : [];
  });
}
