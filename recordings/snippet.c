#include "recordings/snippet.h"

#include <string.h>

#include "recordings/cjk2.h"

#define CHARS_BEFORE 40 /* shown before the first word that was found */

typedef struct {
    guint text; /* offset in Tokens.text */
    int length;
    int start; /* bytes in the original */
    int end;
} Token;

typedef struct {
    GString *text;
    GArray *tokens;
} Tokens;

typedef struct {
    int start;
    int end;
} Range;

static int add_token(const char *token, int length, int start, int end, gpointer data)
{
    Tokens *tokens = data;
    Token entry = {(guint)tokens->text->len, length, start, end};
    g_string_append_len(tokens->text, token, length);
    g_array_append_val(tokens->tokens, entry);
    return 0;
}

static void cut(Tokens *tokens, const char *text, MnbCjk2Mode mode)
{
    tokens->text = g_string_new(NULL);
    tokens->tokens = g_array_new(FALSE, FALSE, sizeof(Token));
    mnb_cjk2_tokenize(text, (int)strlen(text), mode, add_token, tokens);
}

static void clear(Tokens *tokens)
{
    g_string_free(tokens->text, TRUE);
    g_array_unref(tokens->tokens);
}

static gboolean is_same(const Tokens *a, const Token *left, const Tokens *b, const Token *right,
                        gboolean is_prefix)
{
    if (is_prefix ? right->length < left->length : right->length != left->length)
        return FALSE;
    return memcmp(a->text->str + left->text, b->text->str + right->text, (gsize)left->length) == 0;
}

/* Adds the place of every occurrence of the phrase. */
static void find_phrase(const Tokens *text, const Tokens *phrase, gboolean is_prefix,
                        GArray *ranges)
{
    guint n = phrase->tokens->len;
    for (guint i = 0; n > 0 && i + n <= text->tokens->len; i++) {
        guint k = 0;
        while (k < n &&
               is_same(phrase, &g_array_index(phrase->tokens, Token, k), text,
                       &g_array_index(text->tokens, Token, i + k), is_prefix && k + 1 == n))
            k++;
        if (k < n)
            continue;
        Range range = {g_array_index(text->tokens, Token, i).start,
                       g_array_index(text->tokens, Token, i + n - 1).end};
        /* A single character stands as the beginning of a pair: mark it alone. */
        if (is_prefix && n == 1 && range.end > range.start) {
            const Token *token = &g_array_index(phrase->tokens, Token, 0);
            const char *first = phrase->text->str + token->text;
            if (g_utf8_get_char(first) >= 0xe00 && g_utf8_strlen(first, token->length) == 1)
                range.end = -1;
        }
        g_array_append_val(ranges, range);
    }
}

static int compare_ranges(gconstpointer left, gconstpointer right)
{
    const Range *a = left;
    const Range *b = right;
    return a->start != b->start ? (a->start < b->start ? -1 : 1) : a->end - b->end;
}

/* Sorts, and joins what overlaps. */
static void tidy(const char *text, GArray *ranges)
{
    for (guint i = 0; i < ranges->len; i++) {
        Range *range = &g_array_index(ranges, Range, i);
        if (range->end < 0)
            range->end = (int)(g_utf8_next_char(text + range->start) - text);
    }
    g_array_sort(ranges, compare_ranges);
    guint kept = 0;
    for (guint i = 0; i < ranges->len; i++) {
        Range range = g_array_index(ranges, Range, i);
        Range *last = kept > 0 ? &g_array_index(ranges, Range, kept - 1) : NULL;
        if (last != NULL && range.start < last->end)
            last->end = MAX(last->end, range.end);
        else
            g_array_index(ranges, Range, kept++) = range;
    }
    g_array_set_size(ranges, kept);
}

static void append_escaped(GString *html, const char *text, int start, int end)
{
    for (int i = start; i < end; i++) {
        switch (text[i]) {
        case '&':
            g_string_append(html, "&amp;");
            break;
        case '<':
            g_string_append(html, "&lt;");
            break;
        case '>':
            g_string_append(html, "&gt;");
            break;
        case '"':
            g_string_append(html, "&quot;");
            break;
        case '\'':
            g_string_append(html, "&#39;");
            break;
        case '\n':
        case '\t':
            g_string_append_c(html, ' ');
            break;
        default:
            g_string_append_c(html, text[i]);
        }
    }
}

static int step(const char *text, int at, int length, int n_chars)
{
    for (; n_chars > 0 && at < length; n_chars--)
        at = (int)(g_utf8_next_char(text + at) - text);
    return MIN(at, length);
}

static int step_back(const char *text, int at, int n_chars)
{
    for (; n_chars > 0 && at > 0; n_chars--)
        at = (int)(g_utf8_prev_char(text + at) - text);
    return at;
}

/* Where to begin: some characters before @first, not in the middle of a word. */
static int find_start(const char *text, int first)
{
    int start = step_back(text, first, CHARS_BEFORE);
    for (int at = start; start > 0 && at < first; at++)
        if (text[at] == ' ')
            return at + 1;
    return start;
}

static char *draw(const char *text, GArray *ranges)
{
    int length = (int)strlen(text);
    int start = find_start(text, g_array_index(ranges, Range, 0).start);
    int end = step(text, start, length, MNB_SNIPPET_CHARS);
    GString *html = g_string_new(start > 0 ? "…" : "");
    int at = start;
    for (guint i = 0; i < ranges->len; i++) {
        Range range = g_array_index(ranges, Range, i);
        if (range.start >= end)
            break;
        range.end = MIN(range.end, end);
        append_escaped(html, text, at, range.start);
        g_string_append(html, "<mark>");
        append_escaped(html, text, range.start, range.end);
        g_string_append(html, "</mark>");
        at = range.end;
    }
    append_escaped(html, text, at, end);
    if (end < length)
        g_string_append(html, "…");
    return g_string_free(html, FALSE);
}

char *mnb_snippet(const char *text, GPtrArray *words)
{
    if (text == NULL || text[0] == '\0' || words->len == 0)
        return NULL;
    Tokens tokens;
    cut(&tokens, text, MNB_CJK2_DOCUMENT);
    g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(Range));
    for (guint i = 0; i < words->len; i++) {
        const MnbCjk2Word *word = words->pdata[i];
        Tokens phrase;
        cut(&phrase, word->text, MNB_CJK2_QUERY);
        find_phrase(&tokens, &phrase, word->is_prefix, ranges);
        clear(&phrase);
    }
    clear(&tokens);
    if (ranges->len == 0)
        return NULL;
    tidy(text, ranges);
    return draw(text, ranges);
}
