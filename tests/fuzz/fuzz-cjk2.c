/* The tokenizer, the query that is made of what people type, and snippets, with any bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "recordings/cjk2.h"
#include "recordings/snippet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    int size;
    int last_start;
} Check;

static int check_token(const char *token, int length, int start, int end, gpointer data)
{
    Check *check = data;
    if (length <= 0 || length > MNB_CJK2_TOKEN_MAX || !g_utf8_validate(token, length, NULL) ||
        start < check->last_start || start >= end || end > check->size)
        abort();
    check->last_start = start;
    return 0;
}

static int find_token(const char *token, int length, int start, int end, gpointer data)
{
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    for (int mode = MNB_CJK2_DOCUMENT; mode <= MNB_CJK2_QUERY; mode++) {
        Check check = {.size = (int)size};
        mnb_cjk2_tokenize(text, (int)size, (MnbCjk2Mode)mode, check_token, &check);
    }
    /* The first half is searched for in the second. */
    g_autofree char *typed = g_strndup(text, size / 2);
    g_autofree char *rest = g_strndup(text + size / 2, size - size / 2);
    g_autofree char *document = g_utf8_make_valid(rest, -1);
    g_autoptr(GPtrArray) words = mnb_cjk2_words(typed, 12);
    if (words->len > 12)
        abort();
    for (guint i = 0; i < words->len; i++) {
        const MnbCjk2Word *word = words->pdata[i];
        if (strpbrk(word->text, "\"*() ") != NULL || !g_utf8_validate(word->text, -1, NULL))
            abort();
        /* What is a word once stays one. */
        if (mnb_cjk2_tokenize(word->text, (int)strlen(word->text), MNB_CJK2_QUERY, find_token,
                              NULL) != 1)
            abort();
    }
    g_autofree char *expression = mnb_cjk2_expression(words);
    if ((expression == NULL) != (words->len == 0))
        abort();
    g_autofree char *snippet = mnb_snippet(document, words);
    if (snippet != NULL &&
        (!g_utf8_validate(snippet, -1, NULL) || strstr(snippet, "<mark>") == NULL))
        abort();
    return 0;
}
