#include "recordings/search-index.h"

#include <string.h>

#include "recordings/db-private.h"
#include "recordings/search-text.h"

#define KEPT_BYTES_MAX (64 * 1024 * 1024)
#define KEPT_WORDS_MAX 1024
#define CHANGES_MAX    128   /* more since it was kept: asked anew */
#define LOG_MAX        65536 /* changes remembered by the shelf */
#define INSTANCES_MAX  2000  /* places of words that are looked at in one recording */

#define TITLE_COLUMNS ((1u << 0) | (1u << 1)) /* title_en, title_ja */
#define ABOUT_COLUMNS ((1u << 2) | (1u << 3))
#define PLACE_COLUMN  (1u << 4)
#define SAID          5

/* What is kept of one word. */
typedef struct {
    guint8 *tiers;
    gint64 n;        /* bytes */
    guint n_changes; /* of the shelf's, that are in it */
} Kept;

typedef struct {
    GHashTable *words; /* expression -> Kept */
    GQueue *recent;    /* its keys, latest first */
} Store;

/* ---- FTS5 ---- */

/* The tier of the current row for one word, and the flag. */
static int tier_of_row(const Fts5ExtensionApi *api, Fts5Context *context)
{
    Fts5PhraseIter iter;
    int column;
    guint columns = 0;
    if (api->xPhraseFirstColumn(context, 0, &iter, &column) == SQLITE_OK)
        for (; column >= 0; api->xPhraseNextColumn(context, &iter, &column))
            columns |= 1u << column;
    int tier = (columns & TITLE_COLUMNS) != 0   ? MNB_TIER_TITLE
               : (columns & PLACE_COLUMN) != 0  ? MNB_TIER_PLACE
               : (columns & ABOUT_COLUMNS) != 0 ? MNB_TIER_ABOUT
                                                : MNB_TIER_SAID;
    return (columns & (1u << SAID)) != 0 ? tier | MNB_TIER_SAID_FLAG : tier;
}

/* SQL function: of the current row. */
static void tier_function(const Fts5ExtensionApi *api, Fts5Context *context,
                          sqlite3_context *result, int n_values, sqlite3_value **values)
{
    sqlite3_result_int(result, tier_of_row(api, context));
}

typedef struct {
    guint8 *tiers;
    sqlite3_int64 n;
} Filling;

static int on_row(const Fts5ExtensionApi *api, Fts5Context *context, void *data)
{
    Filling *filling = data;
    sqlite3_int64 num = api->xRowid(context);
    if (num >= 0 && num < filling->n)
        filling->tiers[num] = (guint8)tier_of_row(api, context);
    return SQLITE_OK;
}

/* SQL function, asked on one row: of all rows that have the word, a byte each, by number. FTS5
 * walks them by itself, in half the time of a row of SQL for each. */
static void tiers_function(const Fts5ExtensionApi *api, Fts5Context *context,
                           sqlite3_context *result, int n_values, sqlite3_value **values)
{
    Filling filling = {NULL, n_values == 1 ? sqlite3_value_int64(values[0]) : 0};
    if (filling.n <= 0 || filling.n > G_MAXINT32) {
        sqlite3_result_error(result, "mnb_tiers: out of range", -1);
        return;
    }
    filling.tiers = g_malloc0((gsize)filling.n);
    int code = api->xQueryPhrase(context, 0, &filling, on_row);
    if (code == SQLITE_OK) {
        sqlite3_result_blob64(result, filling.tiers, (sqlite3_uint64)filling.n, g_free);
        return;
    }
    g_free(filling.tiers);
    sqlite3_result_error_code(result, code);
}

typedef struct {
    guint32 word;
    guint32 token; /* in the column `said` */
} Instance;

/* SQL function: places of the words in what was said: Instances as a blob. */
static void said_function(const Fts5ExtensionApi *api, Fts5Context *context,
                          sqlite3_context *result, int n_values, sqlite3_value **values)
{
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(Instance));
    int n = 0;
    if (api->xInstCount(context, &n) != SQLITE_OK)
        n = 0;
    for (int i = 0; i < n && found->len < INSTANCES_MAX; i++) {
        int phrase, column, offset;
        if (api->xInst(context, i, &phrase, &column, &offset) != SQLITE_OK)
            break;
        Instance instance = {(guint32)phrase, (guint32)offset};
        if (column == SAID)
            g_array_append_val(found, instance);
    }
    sqlite3_result_blob64(result, found->data, found->len * sizeof(Instance), SQLITE_TRANSIENT);
}

gboolean mnb_search_index_register(sqlite3 *db)
{
    fts5_api *api = NULL;
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &stmt, NULL) != SQLITE_OK)
        return FALSE;
    sqlite3_bind_pointer(stmt, 1, &api, "fts5_api_ptr", NULL);
    sqlite3_step(stmt);
    if (sqlite3_finalize(stmt) != SQLITE_OK || api == NULL)
        return FALSE;
    return api->xCreateFunction(api, "mnb_tier", NULL, tier_function, NULL) == SQLITE_OK &&
           api->xCreateFunction(api, "mnb_tiers", NULL, tiers_function, NULL) == SQLITE_OK &&
           api->xCreateFunction(api, "mnb_said", NULL, said_function, NULL) == SQLITE_OK;
}

/* ---- what is kept ---- */

static void free_kept(gpointer data)
{
    Kept *kept = data;
    g_free(kept->tiers);
    g_free(kept);
}

static void free_store(gpointer data)
{
    Store *store = data;
    g_hash_table_unref(store->words);
    g_queue_free(store->recent);
    g_free(store);
}

static Store *store_of(MnbShelf *shelf)
{
    if (shelf->kept == NULL) {
        Store *store = g_new0(Store, 1);
        store->words = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_kept);
        store->recent = g_queue_new();
        shelf->kept = store;
        shelf->free_kept = free_store;
    }
    Store *store = shelf->kept;
    if (shelf->changes->len > LOG_MAX) {
        g_queue_clear(store->recent);
        g_hash_table_remove_all(store->words);
        g_array_set_size(shelf->changes, 0);
    }
    return store;
}

static void drop(Store *store, gpointer key)
{
    g_queue_remove(store->recent, key);
    g_hash_table_remove(store->words, key);
}

static const guint8 *keep(Store *store, const MnbShelf *shelf, const char *expression, Kept *kept)
{
    guint n_max = (guint)CLAMP(KEPT_BYTES_MAX / (shelf->num_max + 1), 4, KEPT_WORDS_MAX);
    while (g_hash_table_size(store->words) >= n_max)
        g_hash_table_remove(store->words, g_queue_pop_tail(store->recent));
    char *key = g_strdup(expression);
    g_hash_table_insert(store->words, key, kept);
    g_queue_push_head(store->recent, key);
    return kept->tiers;
}

/* Asks again for the recordings that changed since. */
static gboolean catch_up(MnbDb *db, const MnbShelf *shelf, const char *expression, Kept *kept,
                         GError **error)
{
    gint64 n = shelf->num_max + 1;
    if (kept->n < n) {
        kept->tiers = g_realloc(kept->tiers, (gsize)n);
        memset(kept->tiers + kept->n, 0, (gsize)(n - kept->n));
        kept->n = n;
    }
    for (; kept->n_changes < shelf->changes->len; kept->n_changes++) {
        gint64 num = g_array_index(shelf->changes, gint64, kept->n_changes);
        g_autoptr(MnbStmt) stmt = mnb_db_prepare(
            db, "SELECT mnb_tier(search) FROM search WHERE search MATCH ?1 AND rowid = ?2", error);
        if (stmt == NULL)
            return FALSE;
        mnb_stmt_bind_text(stmt, 1, expression);
        mnb_stmt_bind_int(stmt, 2, num);
        int result = mnb_stmt_step(stmt, error);
        if (result < 0)
            return FALSE;
        kept->tiers[num] = result > 0 ? (guint8)mnb_stmt_int(stmt, 0) : 0;
    }
    return TRUE;
}

/* @is_failed: set when the answer is NULL because of @error. */
static const guint8 *recall(MnbDb *db, Store *store, const MnbShelf *shelf, const char *expression,
                            gboolean *is_failed, GError **error)
{
    gpointer key, found;
    *is_failed = FALSE;
    if (!g_hash_table_lookup_extended(store->words, expression, &key, &found))
        return NULL;
    Kept *kept = found;
    if (shelf->changes->len - kept->n_changes > CHANGES_MAX) {
        drop(store, key);
        return NULL;
    }
    if (!catch_up(db, shelf, expression, kept, error)) {
        drop(store, key);
        *is_failed = TRUE;
        return NULL;
    }
    g_queue_remove(store->recent, key);
    g_queue_push_head(store->recent, key);
    return kept->tiers;
}

/* ---- finding ---- */

static guint8 *ask(MnbDb *db, const MnbShelf *shelf, const char *expression, GError **error)
{
    gsize n = (gsize)shelf->num_max + 1, size;
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db, "SELECT mnb_tiers(search, ?2) FROM search WHERE search MATCH ?1 LIMIT 1", error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, expression);
    mnb_stmt_bind_int(stmt, 2, (gint64)n);
    int result = mnb_stmt_step(stmt, error);
    if (result < 0)
        return NULL;
    const void *tiers = result > 0 ? mnb_stmt_blob(stmt, 0, &size) : NULL;
    return tiers != NULL && size == n ? g_memdup2(tiers, n) : g_malloc0(n);
}

/* Returns (borrowed until the next one). */
static const guint8 *find_word(MnbDb *db, MnbShelf *shelf, MnbCjk2Word *word, GError **error)
{
    g_autoptr(GPtrArray) alone = g_ptr_array_new();
    g_ptr_array_add(alone, word);
    g_autofree char *expression = mnb_cjk2_expression(alone);
    Store *store = store_of(shelf);
    gboolean is_failed;
    const guint8 *known = recall(db, store, shelf, expression, &is_failed, error);
    if (known != NULL || is_failed)
        return known;
    guint8 *tiers = ask(db, shelf, expression, error);
    if (tiers == NULL)
        return NULL;
    Kept *kept = g_new(Kept, 1);
    *kept = (Kept){tiers, shelf->num_max + 1, shelf->changes->len};
    return keep(store, shelf, expression, kept);
}

/* All words must be there, and the worst place of any decides: so the tiers of several words are
 * made of those of each by a walk over bytes. */
guint8 *mnb_search_index_find(MnbDb *db, MnbShelf *shelf, GPtrArray *words, GError **error)
{
    gsize n = (gsize)shelf->num_max + 1;
    g_autofree guint8 *all = g_malloc0(n);
    for (guint i = 0; i < words->len; i++) {
        const guint8 *word = find_word(db, shelf, words->pdata[i], error);
        if (word == NULL)
            return NULL;
        if (i == 0) {
            memcpy(all, word, n);
            continue;
        }
        for (gsize num = 0; num < n; num++) {
            guint8 tier = MAX(all[num] & MNB_TIER_MASK, word[num] & MNB_TIER_MASK);
            guint8 flag = (all[num] | word[num]) & MNB_TIER_SAID_FLAG;
            all[num] = all[num] == 0 || word[num] == 0 ? 0 : tier | flag;
        }
    }
    return g_steal_pointer(&all);
}

/* ---- which moment ---- */

/* The mark that the token is under: the last that begins at or before it. */
static gssize mark_of(const MnbSaidMark *marks, gsize n, guint32 token)
{
    gsize low = 0, high = n;
    while (low < high) {
        gsize middle = low + (high - low) / 2;
        if (GUINT32_FROM_LE(marks[middle].token) <= token)
            low = middle + 1;
        else
            high = middle;
    }
    return (gssize)low - 1;
}

static void choose(const Instance *found, gsize n_found, const MnbSaidMark *marks, gsize n_marks,
                   MnbSaidMoment *out)
{
    g_autofree guint32 *has = g_new0(guint32, n_marks); /* which words each moment has */
    gssize best = -1;
    for (gsize i = 0; i < n_found; i++) {
        gssize at = mark_of(marks, n_marks, found[i].token);
        if (at >= 0 && found[i].word < 32)
            has[at] |= 1u << found[i].word;
    }
    for (gsize i = 0; i < n_marks; i++) {
        if (has[i] == 0)
            continue;
        int better =
            best < 0 ? 1 : __builtin_popcount(has[i]) - __builtin_popcount(has[(gsize)best]);
        if (better > 0 || (better == 0 && GUINT32_FROM_LE(marks[i].film_ms) <
                                              GUINT32_FROM_LE(marks[(gsize)best].film_ms)))
            best = (gssize)i;
    }
    if (best >= 0) {
        out->num = GINT64_FROM_LE(marks[best].num);
        out->film_ms = GUINT32_FROM_LE(marks[best].film_ms);
    }
}

gboolean mnb_search_index_moment(MnbDb *db, gint64 num, GPtrArray *words, MnbSaidMoment *out,
                                 GError **error)
{
    *out = (MnbSaidMoment){0, 0};
    g_autofree char *expression = mnb_cjk2_expression(words);
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT mnb_said(search), (SELECT marks FROM search_said WHERE num = ?2)"
                       " FROM search WHERE search MATCH ?1 AND rowid = ?2",
                       error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, expression);
    mnb_stmt_bind_int(stmt, 2, num);
    int result = mnb_stmt_step(stmt, error);
    if (result <= 0)
        return result == 0;
    gsize n_found, n_marks;
    const void *blob = mnb_stmt_blob(stmt, 0, &n_found);
    g_autofree Instance *found = g_memdup2(blob, n_found); /* SQLite's lie at any address */
    blob = mnb_stmt_blob(stmt, 1, &n_marks);
    g_autofree MnbSaidMark *marks = g_memdup2(blob, n_marks);
    if (found != NULL && marks != NULL)
        choose(found, n_found / sizeof(Instance), marks, n_marks / sizeof(MnbSaidMark), out);
    return TRUE;
}
