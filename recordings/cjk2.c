#include "recordings/cjk2.h"

#include <string.h>

#define CLUSTER_CHARS_MAX 32 /* one character can become 18 (U+FDFA) */
#define CLUSTER_MARKS_MAX 8  /* marks that are read together with the character before them */
#define WORD_PREFIX_MIN   2  /* letters; a* would match nearly everything */

typedef enum {
    CLASS_SEPARATOR,
    CLASS_WORD,
    CLASS_MARK, /* goes on a word, begins none */
    CLASS_CJK,
} Class;

typedef struct {
    gunichar code;
    Class class;
    int start; /* bytes in the original text */
    int end;
} Char;

/* Reads the text one cluster (a character and the marks on it) after the other, since only
 * together they have a normal form: ｶ + ﾞ is が. */
typedef struct {
    const char *text;
    int length;
    int at;
    Char chars[CLUSTER_CHARS_MAX];
    int n_chars;
    int next;
} Scan;

static gboolean is_in(gunichar c, gunichar first, gunichar last)
{
    return c >= first && c <= last;
}

/* Characters that nobody sees: soft hyphen, joiners, variation selectors. */
static gboolean is_ignorable(gunichar c)
{
    return c == 0xad || is_in(c, 0x200b, 0x200d) || c == 0x2060 || c == 0xfeff ||
           is_in(c, 0xfe00, 0xfe0f) || is_in(c, 0xe0100, 0xe01ef);
}

/* Belongs to the character before it when the normal form is looked for. */
static gboolean is_extender(gunichar c)
{
    if (c < 0x300)
        return c == 0xad;
    return is_in(c, 0x300, 0x36f) || c == 0x3099 || c == 0x309a || c == 0xff9e || c == 0xff9f ||
           is_in(c, 0x1160, 0x11ff) || is_in(c, 0x1ab0, 0x1aff) || is_in(c, 0x1dc0, 0x1dff) ||
           is_in(c, 0x20d0, 0x20ff) || is_ignorable(c);
}

/* Scripts that are written without spaces between words. */
static gboolean is_cjk(gunichar c)
{
    if (c < 0xe00)
        return FALSE;
    return is_in(c, 0x4e00, 0x9fff) || (is_in(c, 0x3041, 0x30ff) && c != 0x30fb && c != 0x30a0) ||
           c == 0x3005 || c == 0x3006 || c == 0x3007 || is_in(c, 0x3400, 0x4dbf) ||
           is_in(c, 0xac00, 0xd7a3) || is_in(c, 0xf900, 0xfaff) || is_in(c, 0x20000, 0x3fffd) ||
           is_in(c, 0x3105, 0x312f) || is_in(c, 0x31f0, 0x31ff) || is_in(c, 0x0e01, 0x0e3a) ||
           is_in(c, 0x0e40, 0x0e4e) || is_in(c, 0x0e81, 0x0ece) || is_in(c, 0x1000, 0x103f) ||
           is_in(c, 0x1780, 0x17d3);
}

static Class class_of(gunichar c)
{
    if (c < 0x80)
        return g_ascii_isalnum((char)c) ? CLASS_WORD : CLASS_SEPARATOR;
    if (is_cjk(c))
        return CLASS_CJK;
    if (g_unichar_isalnum(c))
        return CLASS_WORD;
    return g_unichar_ismark(c) ? CLASS_MARK : CLASS_SEPARATOR;
}

static gunichar fold_kana(gunichar c)
{
    return is_in(c, 0x30a1, 0x30f6) || c == 0x30fd || c == 0x30fe ? c - 0x60 : c;
}

static void add_char(Scan *scan, gunichar code, int start, int end)
{
    if (scan->n_chars == CLUSTER_CHARS_MAX)
        return;
    code = fold_kana(code);
    scan->chars[scan->n_chars++] = (Char){code, class_of(code), start, end};
}

/* Decomposes, drops accents and what is invisible, composes, folds case. */
static void normalize_cluster(Scan *scan, int start, int end)
{
    g_autofree char *parts = g_utf8_normalize(scan->text + start, end - start, G_NORMALIZE_ALL);
    if (parts == NULL)
        return;
    g_autoptr(GString) plain = g_string_sized_new(32);
    for (const char *at = parts; *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if (!is_in(c, 0x300, 0x36f) && !is_ignorable(c))
            g_string_append_unichar(plain, c);
    }
    g_autofree char *composed = g_utf8_normalize(plain->str, -1, G_NORMALIZE_ALL_COMPOSE);
    if (composed == NULL)
        return;
    g_autofree char *folded = g_utf8_casefold(composed, -1);
    for (const char *at = folded; *at != '\0'; at = g_utf8_next_char(at))
        add_char(scan, g_utf8_get_char(at), start, end);
}

/* Returns: the character at @at and its length, or a separator of one byte where UTF-8 is broken.
 */
static gunichar decode(const Scan *scan, int at, int *length)
{
    guchar first = (guchar)scan->text[at];
    *length = 1;
    if (first < 0x80)
        return first;
    gunichar c = g_utf8_get_char_validated(scan->text + at, scan->length - at);
    if (c == (gunichar)-1 || c == (gunichar)-2)
        return 0;
    *length = g_unichar_to_utf8(c, NULL);
    return c;
}

static void read_cluster(Scan *scan)
{
    int start = scan->at;
    int length;
    gunichar base = decode(scan, start, &length);
    int end = start + length;
    gboolean is_extended = FALSE;
    for (int marks = 0; base != 0 && end < scan->length && marks < CLUSTER_MARKS_MAX; marks++) {
        if ((guchar)scan->text[end] < 0x80 || !is_extender(decode(scan, end, &length)))
            break;
        end += length;
        is_extended = TRUE;
    }
    scan->at = end;
    scan->next = 0;
    scan->n_chars = 0;
    /* Nearly all text is of these kinds, which are their own normal form. */
    if (!is_extended && base < 0x80)
        add_char(scan, (gunichar)g_ascii_tolower((char)base), start, end);
    else if (!is_extended && (is_in(base, 0x4e00, 0x9fff) || is_in(base, 0x3041, 0x3096) ||
                              is_in(base, 0x30a1, 0x30fc)))
        add_char(scan, base, start, end);
    else
        normalize_cluster(scan, start, end);
}

static const Char *next_char(Scan *scan)
{
    while (scan->next == scan->n_chars) {
        if (scan->at >= scan->length)
            return NULL;
        read_cluster(scan);
    }
    return &scan->chars[scan->next++];
}

typedef struct {
    MnbCjk2Mode mode;
    MnbCjk2Func func;
    gpointer data;
    char word[MNB_CJK2_TOKEN_MAX]; /* being read; empty: none */
    int word_length;
    int word_start;
    int word_end;
    Char last; /* of the CJK run being read */
    int run_length;
} Cutter;

static int end_word(Cutter *cutter)
{
    if (cutter->word_length == 0)
        return 0;
    int length = cutter->word_length;
    cutter->word_length = 0;
    return cutter->func(cutter->word, length, cutter->word_start, cutter->word_end, cutter->data);
}

static int end_run(Cutter *cutter)
{
    int run_length = cutter->run_length;
    cutter->run_length = 0;
    if (run_length == 0 || (run_length > 1 && cutter->mode == MNB_CJK2_QUERY))
        return 0;
    char token[6];
    int length = g_unichar_to_utf8(cutter->last.code, token);
    return cutter->func(token, length, cutter->last.start, cutter->last.end, cutter->data);
}

static int take_cjk(Cutter *cutter, const Char *c)
{
    int result = 0;
    if (cutter->run_length > 0) {
        char token[12];
        int length = g_unichar_to_utf8(cutter->last.code, token);
        length += g_unichar_to_utf8(c->code, token + length);
        result = cutter->func(token, length, cutter->last.start, c->end, cutter->data);
    }
    cutter->last = *c;
    cutter->run_length++;
    return result;
}

static void take_letter(Cutter *cutter, const Char *c)
{
    char bytes[6];
    int length = g_unichar_to_utf8(c->code, bytes);
    if (cutter->word_length == 0)
        cutter->word_start = c->start;
    cutter->word_end = c->end;
    if (cutter->word_length + length > MNB_CJK2_TOKEN_MAX)
        return;
    memcpy(cutter->word + cutter->word_length, bytes, (size_t)length);
    cutter->word_length += length;
}

int mnb_cjk2_tokenize(const char *text, int length, MnbCjk2Mode mode, MnbCjk2Func func,
                      gpointer data)
{
    Scan scan = {.text = text, .length = length};
    Cutter cutter = {.mode = mode, .func = func, .data = data};
    int result = 0;
    for (const Char *c; result == 0 && (c = next_char(&scan)) != NULL;) {
        gboolean is_letter =
            c->class == CLASS_WORD || (c->class == CLASS_MARK && cutter.word_length > 0);
        if (c->class != CLASS_CJK)
            result = end_run(&cutter);
        if (result == 0 && !is_letter)
            result = end_word(&cutter);
        if (result == 0 && c->class == CLASS_CJK)
            result = take_cjk(&cutter, c);
        if (is_letter)
            take_letter(&cutter, c);
    }
    if (result == 0)
        result = end_run(&cutter);
    return result == 0 ? end_word(&cutter) : result;
}

/* ---- what people type ---- */

static void free_word(gpointer data)
{
    MnbCjk2Word *word = data;
    g_free(word->text);
    g_free(word);
}

static void add_word(GPtrArray *words, GString *text, Class class, gboolean is_last,
                     guint words_max)
{
    if (text->len == 0 || words->len >= words_max) {
        g_string_truncate(text, 0);
        return;
    }
    MnbCjk2Word *word = g_new0(MnbCjk2Word, 1);
    word->text = g_strndup(text->str, text->len);
    glong n_chars = g_utf8_strlen(word->text, -1);
    word->is_prefix = class == CLASS_CJK ? n_chars == 1 : is_last && n_chars >= WORD_PREFIX_MIN;
    g_ptr_array_add(words, word);
    g_string_truncate(text, 0);
}

GPtrArray *mnb_cjk2_words(const char *text, guint words_max)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(free_word);
    if (text == NULL)
        return words;
    gsize length = strlen(text);
    Scan scan = {.text = text, .length = (int)MIN(length, (gsize)G_MAXINT)};
    g_autoptr(GString) run = g_string_new(NULL);
    Class run_class = CLASS_SEPARATOR;
    for (const Char *c; (c = next_char(&scan)) != NULL;) {
        Class class = c->class;
        if (class == CLASS_MARK)
            class = run_class == CLASS_WORD ? CLASS_WORD : CLASS_SEPARATOR;
        if (class != run_class)
            add_word(words, run, run_class, FALSE, words_max);
        run_class = class;
        gsize end = run->len + (gsize)g_unichar_to_utf8(c->code, NULL);
        if (class == CLASS_CJK || (class == CLASS_WORD && end <= MNB_CJK2_TOKEN_MAX))
            g_string_append_unichar(run, c->code);
    }
    add_word(words, run, run_class, TRUE, words_max);
    return words;
}

char *mnb_cjk2_expression(GPtrArray *words)
{
    if (words->len == 0)
        return NULL;
    GString *expression = g_string_new(NULL);
    for (guint i = 0; i < words->len; i++) {
        const MnbCjk2Word *word = words->pdata[i];
        g_string_append_printf(expression, "%s\"%s\"%s", i > 0 ? " AND " : "", word->text,
                               word->is_prefix ? " *" : "");
    }
    return g_string_free(expression, FALSE);
}

/* ---- FTS5 ---- */

typedef struct {
    void *context;
    int (*emit)(void *context, int flags, const char *token, int length, int start, int end);
} Emitter;

static int emit_token(const char *token, int length, int start, int end, gpointer data)
{
    const Emitter *emitter = data;
    return emitter->emit(emitter->context, 0, token, length, start, end);
}

static int on_create(void *context, const char **arguments, int n_arguments, Fts5Tokenizer **out)
{
    static int nothing;
    *out = (Fts5Tokenizer *)&nothing; /* no state, but NULL would mean out of memory */
    return SQLITE_OK;
}

static void on_delete(Fts5Tokenizer *tokenizer)
{
}

static int on_tokenize(Fts5Tokenizer *tokenizer, void *context, int flags, const char *text,
                       int length, int (*emit)(void *, int, const char *, int, int, int))
{
    Emitter emitter = {context, emit};
    MnbCjk2Mode mode = (flags & FTS5_TOKENIZE_QUERY) != 0 ? MNB_CJK2_QUERY : MNB_CJK2_DOCUMENT;
    return mnb_cjk2_tokenize(text, length, mode, emit_token, &emitter);
}

int mnb_cjk2_register(sqlite3 *db)
{
    fts5_api *api = NULL;
    sqlite3_stmt *stmt = NULL;
    int result = sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &stmt, NULL);
    if (result != SQLITE_OK)
        return result;
    sqlite3_bind_pointer(stmt, 1, &api, "fts5_api_ptr", NULL);
    sqlite3_step(stmt);
    result = sqlite3_finalize(stmt);
    if (result != SQLITE_OK)
        return result;
    if (api == NULL || api->iVersion < 2)
        return SQLITE_ERROR;
    fts5_tokenizer tokenizer = {on_create, on_delete, on_tokenize};
    return api->xCreateTokenizer(api, "cjk2", NULL, &tokenizer, NULL);
}
