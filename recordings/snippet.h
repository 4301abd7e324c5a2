/* snippet.h - the part of a text around what was searched for, with the words marked. */
#pragma once

#include <glib.h>

#define MNB_SNIPPET_CHARS 160

/* @words: MnbCjk2Word elements. Returns (owned): HTML, everything escaped, the words in <mark>; "…"
 * where text was left out. NULL if none of the words is in @text. */
char *mnb_snippet(const char *text, GPtrArray *words);
