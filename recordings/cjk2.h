/* cjk2.h - FTS5 tokenizer for Japanese and English in one index.
 *
 * Text is normalised (NFKC: full-width and half-width become one; case folded; hiragana and
 * katakana become one), then cut:
 *
 *     "The 防災計画 of ｶｺﾞｼﾏ"  ->  the 防災 災計 計画 画 of かご ごし しま ま
 *
 * - runs of letters and digits of other scripts are one word each;
 * - runs of Chinese characters and kana are overlapping pairs, and the last character once more by
 * itself, so that a single character is found as the beginning of a pair (画*). So 防災 is found in
 * the middle of a sentence, which unicode61 (whole run = one word) and trigram (three or more)
 * miss. Byte offsets given to FTS5 are those of the original text, so snippets mark the right
 * characters. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

#define MNB_CJK2_TOKEN_MAX 64 /* bytes of a normalised word; longer ones are cut */

/* Registers "cjk2" on a connection. Returns: an SQLite result code. */
int mnb_cjk2_register(sqlite3 *db);

/* @token (borrowed, not zero-terminated): normalised. @start, @end: bytes in the original text.
 * Returns: 0 to go on; anything else ends the tokenizing and is returned. */
typedef int (*MnbCjk2Func)(const char *token, int length, int start, int end, gpointer data);

typedef enum {
    MNB_CJK2_DOCUMENT, /* pairs and the last character by itself */
    MNB_CJK2_QUERY,    /* pairs; a run of one character is that character */
} MnbCjk2Mode;

/* Cuts @text of @length bytes; invalid UTF-8 separates words. Returns: 0, or what @func returned.
 */
int mnb_cjk2_tokenize(const char *text, int length, MnbCjk2Mode mode, MnbCjk2Func func,
                      gpointer data);

/* Turns what somebody typed into an FTS5 expression. Every word is quoted, so nothing in it is
 * syntax; pairs of one run form a phrase; a single CJK character and the last word are prefixes.
 * Returns (owned): NULL if there is no word in it. */
char *mnb_cjk2_query(const char *text, guint words_max);
