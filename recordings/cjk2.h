/* cjk2.h - FTS5 tokenizer for Japanese and English in one index.
 *
 * Text is normalised (NFKC: full width and half width become one; case folded; accents of Latin,
 * Greek and Cyrillic letters dropped; katakana becomes hiragana), then cut:
 *
 *     "The 防災計画 of ｶｺﾞｼﾏ"  ->  the 防災 災計 計画 画 of かご ごし しま ま
 *
 * - Runs of letters and digits are one word each.
 * - Scripts written without spaces (Chinese characters, kana, hangul, Thai, Lao, Khmer, Myanmar)
 *   give overlapping pairs, and the last character once more by itself, so that a single character
 *   is found as the beginning of a pair (画*).
 *
 * So 防災 is found in the middle of a sentence, which unicode61 (a whole run is one word) and
 * trigram (three characters or more) miss. Offsets are bytes of the original text. Any thread. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

#define MNB_CJK2_TOKEN_MAX 64 /* bytes of a normalised word; longer ones are cut */

/* Registers "cjk2" on a connection. Returns: an SQLite result code. */
int mnb_cjk2_register(sqlite3 *db);

/* @token (borrowed, not zero-terminated): normalised. @start, @end: bytes in the original text.
 * Returns: 0 to go on; anything else ends the cutting and is returned. */
typedef int (*MnbCjk2Func)(const char *token, int length, int start, int end, gpointer data);

typedef enum {
    MNB_CJK2_DOCUMENT, /* pairs, and the last character by itself */
    MNB_CJK2_QUERY,    /* pairs; a run of one character is that character */
} MnbCjk2Mode;

/* Cuts @text of @length bytes. Broken UTF-8 separates words. Returns: 0, or what @func did. */
int mnb_cjk2_tokenize(const char *text, int length, MnbCjk2Mode mode, MnbCjk2Func func,
                      gpointer data);

/* What somebody typed: a run of letters, or of characters that must all stand together. */
typedef struct {
    char *text;         /* normalised: letters and digits only */
    gboolean is_prefix; /* may go on: a single CJK character, the word at the very end */
} MnbCjk2Word;

/* Returns (owned): at most @words_max MnbCjk2Word elements, which the array frees. */
GPtrArray *mnb_cjk2_words(const char *text, guint words_max);

/* Returns (owned): an FTS5 expression that asks for all @words. Every word is quoted, so nothing in
 * it is syntax. NULL if there is none. */
char *mnb_cjk2_expression(GPtrArray *words);
