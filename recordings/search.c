#include "recordings/search.h"

#include <string.h>

#include "recordings/cjk2.h"
#include "recordings/fields.h"
#include "recordings/recording-private.h"
#include "recordings/search-text.h"
#include "recordings/shelf.h"
#include "recordings/snippet.h"
#include "server/base/error.h"

/* Where the words of a query were found decides the order: all in a title, all in titles and place
 * names, or anywhere. Within each, newest first. */
enum { TIER_TITLE = 1, TIER_PLACE, TIER_ANY, N_TIERS };

#define TITLE_COLUMNS ((1u << 0) | (1u << 1)) /* title_en, title_ja */
#define PLACE_COLUMN  (1u << 4)

typedef struct {
    const MnbSearchQuery *query;
    const MnbShelf *shelf;
    const guint8 *tiers; /* by recording.num; 0: no hit; NULL: no words, all are hits */
    guint8 *own_tiers;   /* what of it is ours to free */
    int area;            /* index on the shelf; -1: all; -2: none has it */
    int city;
    guint8 *languages_ok; /* by language set; NULL: all */
    guint *area_counts;
    guint *city_counts;
    GArray *found[N_TIERS]; /* guint32 positions on the shelf */
} Walk;

/* ---- the index ---- */

/* SQL function for FTS5: the tier of the current row. */
static void tier_function(const Fts5ExtensionApi *api, Fts5Context *context,
                          sqlite3_context *result, int n_values, sqlite3_value **values)
{
    gboolean all_in_title = TRUE;
    gboolean all_near = TRUE;
    for (int phrase = 0; phrase < api->xPhraseCount(context); phrase++) {
        Fts5PhraseIter iter;
        int column;
        guint columns = 0;
        if (api->xPhraseFirstColumn(context, phrase, &iter, &column) != SQLITE_OK)
            break;
        for (; column >= 0; api->xPhraseNextColumn(context, &iter, &column))
            columns |= 1u << column;
        all_in_title = all_in_title && (columns & TITLE_COLUMNS) != 0;
        all_near = all_near && (columns & (TITLE_COLUMNS | PLACE_COLUMN)) != 0;
    }
    sqlite3_result_int(result, all_in_title ? TIER_TITLE : all_near ? TIER_PLACE : TIER_ANY);
}

gboolean mnb_search_register(sqlite3 *db)
{
    fts5_api *api = NULL;
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &stmt, NULL) != SQLITE_OK)
        return FALSE;
    sqlite3_bind_pointer(stmt, 1, &api, "fts5_api_ptr", NULL);
    sqlite3_step(stmt);
    if (sqlite3_finalize(stmt) != SQLITE_OK || api == NULL)
        return FALSE;
    return api->xCreateFunction(api, "mnb_tier", NULL, tier_function, NULL) == SQLITE_OK;
}

/* Where one word is: remembered, or asked of the index. Returns (borrowed until the next one). */
static const guint8 *find_word(MnbDb *db, MnbCjk2Word *word, const MnbShelf *shelf, GError **error)
{
    g_autoptr(GPtrArray) alone = g_ptr_array_new();
    g_ptr_array_add(alone, word);
    g_autofree char *expression = mnb_cjk2_expression(alone);
    const guint8 *known = mnb_shelf_recall(shelf, expression);
    if (known != NULL)
        return known;
    g_autofree guint8 *tiers = g_malloc0((gsize)shelf->num_max + 1);
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db, "SELECT rowid, mnb_tier(search) FROM search WHERE search MATCH ?1", error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, expression);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0) {
        gint64 num = mnb_stmt_int(stmt, 0);
        if (num >= 0 && num <= shelf->num_max)
            tiers[num] = (guint8)mnb_stmt_int(stmt, 1);
    }
    if (result != 0)
        return NULL;
    known = tiers;
    mnb_shelf_remember(shelf, expression, g_steal_pointer(&tiers));
    return known;
}

/* All words must be there, and the worst place of any decides: so the tiers of several words are
 * made of those of each, which are remembered, by a walk over bytes. */
static gboolean find_hits(MnbDb *db, GPtrArray *words, Walk *walk, GError **error)
{
    gsize n = (gsize)walk->shelf->num_max + 1;
    walk->tiers = walk->own_tiers = g_malloc0(n);
    for (guint i = 0; i < words->len; i++) {
        const guint8 *word = find_word(db, words->pdata[i], walk->shelf, error);
        guint8 *all = walk->own_tiers;
        if (word == NULL)
            return FALSE;
        for (gsize num = 0; num < n; num++) {
            guint8 worse = MAX(all[num], word[num]);
            all[num] = word[num] == 0 || (i > 0 && all[num] == 0) ? 0 : worse;
        }
    }
    return TRUE;
}

/* ---- the walk ---- */

static int find_code(const GPtrArray *codes, const char *code)
{
    if (code == NULL || code[0] == '\0')
        return -1;
    int index = mnb_shelf_find_code(codes, code);
    return index < 0 ? -2 : index;
}

static void prepare_languages(Walk *walk)
{
    const char *language = walk->query->language;
    if (language == NULL || language[0] == '\0')
        return;
    const GPtrArray *sets = walk->shelf->language_sets;
    walk->languages_ok = g_malloc0(sets->len + 1);
    for (guint i = 0; i < sets->len; i++) {
        g_auto(GStrv) languages = mnb_languages_from_json(sets->pdata[i]);
        walk->languages_ok[i] = g_strv_contains((const char *const *)languages, language);
    }
}

static gboolean is_shown(const Walk *walk, const MnbShelfEntry *entry)
{
    if (!walk->query->staff)
        return mnb_shelf_entry_is_public(entry);
    return !walk->query->has_state || entry->state == walk->query->state;
}

static void walk_shelf(Walk *walk)
{
    const GArray *entries = walk->shelf->entries;
    for (guint i = 0; i < entries->len; i++) {
        const MnbShelfEntry *entry = &g_array_index(entries, MnbShelfEntry, i);
        guint tier = walk->tiers == NULL ? TIER_ANY : walk->tiers[entry->num];
        if (tier == 0 || !is_shown(walk, entry) ||
            (walk->languages_ok != NULL && !walk->languages_ok[entry->languages]))
            continue;
        gboolean is_area = walk->area == -1 || walk->area == entry->area;
        gboolean is_city = walk->city == -1 || walk->city == entry->city;
        if (is_city)
            walk->area_counts[entry->area]++;
        if (is_area)
            walk->city_counts[entry->city]++;
        if (is_area && is_city)
            g_array_append_val(walk->found[tier], i);
    }
}

static void free_facet(gpointer data)
{
    MnbFacet *facet = data;
    g_free(facet->code);
    g_free(facet);
}

static int compare_facets(gconstpointer left, gconstpointer right)
{
    const MnbFacet *a = *(const MnbFacet *const *)left;
    const MnbFacet *b = *(const MnbFacet *const *)right;
    return a->count != b->count ? (a->count > b->count ? -1 : 1) : strcmp(a->code, b->code);
}

static GPtrArray *list_facets(const GPtrArray *codes, const guint *counts)
{
    GPtrArray *facets = g_ptr_array_new_with_free_func(free_facet);
    for (guint i = 0; i < codes->len; i++) {
        if (counts[i] == 0)
            continue;
        MnbFacet *facet = g_new(MnbFacet, 1);
        *facet = (MnbFacet){g_strdup(codes->pdata[i]), counts[i]};
        g_ptr_array_add(facets, facet);
    }
    g_ptr_array_sort(facets, compare_facets);
    return facets;
}

/* ---- the page ---- */

static void free_hit(gpointer data)
{
    MnbSearchHit *hit = data;
    mnb_recording_free(hit->recording);
    g_free(hit->snippet_en);
    g_free(hit->snippet_ja);
    g_free(hit);
}

static char *find_snippet(const char *description, const char *title, GPtrArray *words)
{
    char *snippet = mnb_snippet(description, words);
    return snippet != NULL ? snippet : mnb_snippet(title, words);
}

static gboolean add_hit(MnbDb *db, GPtrArray *hits, gint64 num, GPtrArray *words, GError **error)
{
    MnbRecording *recording = mnb_recording_find_by_num(db, num, error);
    if (recording == NULL)
        return FALSE;
    MnbSearchHit *hit = g_new0(MnbSearchHit, 1);
    hit->recording = recording;
    hit->snippet_en = find_snippet(recording->description_en, recording->title_en, words);
    hit->snippet_ja = find_snippet(recording->description_ja, recording->title_ja, words);
    g_ptr_array_add(hits, hit);
    return TRUE;
}

static gboolean fill_page(MnbDb *db, const Walk *walk, GPtrArray *words, MnbSearchResult *result,
                          GError **error)
{
    guint skip = walk->query->offset;
    guint left = CLAMP(walk->query->limit, 1, MNB_SEARCH_PAGE_MAX);
    for (int tier = TIER_TITLE; tier < N_TIERS; tier++) {
        const GArray *found = walk->found[tier];
        for (guint i = skip; i < found->len && left > 0; i++, left--) {
            guint position = g_array_index(found, guint, i);
            gint64 num = g_array_index(walk->shelf->entries, MnbShelfEntry, position).num;
            if (!add_hit(db, result->hits, num, words, error))
                return FALSE;
        }
        skip -= MIN(skip, found->len);
        result->total += found->len;
    }
    return TRUE;
}

static void clear_walk(Walk *walk)
{
    for (int tier = 0; tier < N_TIERS; tier++)
        g_array_unref(walk->found[tier]);
    g_free(walk->own_tiers);
    g_free(walk->languages_ok);
    g_free(walk->area_counts);
    g_free(walk->city_counts);
}

static MnbSearchResult *search(MnbDb *db, const MnbSearchQuery *query, GPtrArray *words,
                               GError **error)
{
    const MnbShelf *shelf = mnb_shelf_get(db, error);
    if (shelf == NULL)
        return NULL;
    Walk walk = {.query = query, .shelf = shelf};
    walk.area = find_code(shelf->areas, query->area);
    walk.city = find_code(shelf->cities, query->city);
    walk.area_counts = g_new0(guint, shelf->areas->len + 1);
    walk.city_counts = g_new0(guint, shelf->cities->len + 1);
    for (int tier = 0; tier < N_TIERS; tier++)
        walk.found[tier] = g_array_new(FALSE, FALSE, sizeof(guint));
    g_autoptr(MnbSearchResult) result = g_new0(MnbSearchResult, 1);
    result->hits = g_ptr_array_new_with_free_func(free_hit);
    gboolean has_text = query->text != NULL && query->text[strspn(query->text, " \t\n")] != '\0';
    gboolean ok = TRUE;
    /* What was typed but has no word in it ("?!") finds nothing rather than everything. */
    if (words->len > 0)
        ok = find_hits(db, words, &walk, error);
    else if (has_text)
        walk.tiers = walk.own_tiers = g_malloc0((gsize)shelf->num_max + 1);
    if (ok) {
        prepare_languages(&walk);
        walk_shelf(&walk);
        result->areas = list_facets(shelf->areas, walk.area_counts);
        result->cities = list_facets(shelf->cities, walk.city_counts);
        ok = fill_page(db, &walk, words, result, error);
    }
    clear_walk(&walk);
    return ok ? g_steal_pointer(&result) : NULL;
}

MnbSearchResult *mnb_search(MnbDb *db, const MnbSearchQuery *query, GError **error)
{
    g_autofree char *text = query->text == NULL ? NULL : g_utf8_make_valid(query->text, -1);
    if (text != NULL && g_utf8_strlen(text, -1) > MNB_SEARCH_TEXT_MAX)
        *g_utf8_offset_to_pointer(text, MNB_SEARCH_TEXT_MAX) = '\0';
    g_autoptr(GPtrArray) words = mnb_cjk2_words(text, MNB_SEARCH_WORDS_MAX);
    /* One state of the file for the index, the shelf and the rows. */
    gboolean is_outermost = sqlite3_get_autocommit(mnb_db_handle(db)) != 0;
    if (is_outermost && !mnb_db_exec(db, "BEGIN", error))
        return NULL;
    MnbSearchResult *result = search(db, query, words, error);
    if (is_outermost)
        mnb_db_exec(db, "COMMIT", NULL);
    return result;
}

void mnb_search_result_free(MnbSearchResult *result)
{
    if (result == NULL)
        return;
    g_clear_pointer(&result->hits, g_ptr_array_unref);
    g_clear_pointer(&result->areas, g_ptr_array_unref);
    g_clear_pointer(&result->cities, g_ptr_array_unref);
    g_free(result);
}

gboolean mnb_search_rebuild(MnbDb *db, GError **error)
{
    return mnb_search_text_put_all(db, error) &&
           mnb_db_exec(db, "INSERT INTO search(search) VALUES ('rebuild')", error);
}
