#include "recordings/search.h"

#include <string.h>

#include "recordings/cjk2.h"
#include "recordings/recording-private.h"
#include "recordings/search-index.h"
#include "recordings/search-text.h"
#include "recordings/snippet.h"
#include "server/base/error.h"

typedef struct {
    const MnbSearchQuery *query;
    const MnbShelf *shelf;
    guint8 *tiers;          /* by recording.num; 0: no hit; NULL: no words, all are hits */
    guint8 *ok[MNB_FACETS]; /* by index of the value: passes the filter; NULL: all do */
    guint *counts[MNB_FACETS];
    GArray *found[MNB_TIERS]; /* guint32 positions on the shelf */
} Walk;

/* ---- the walk ---- */

static void prepare_filters(Walk *walk)
{
    for (int facet = 0; facet < MNB_FACETS; facet++) {
        guint n = walk->shelf->values[facet]->len;
        const char *wanted = walk->query->filters[facet];
        walk->counts[facet] = g_new0(guint, n + 1);
        if (wanted == NULL || wanted[0] == '\0')
            continue;
        walk->ok[facet] = g_malloc0(n + 1);
        for (guint i = 0; i < n; i++)
            walk->ok[facet][i] =
                mnb_shelf_value_has(walk->shelf, (MnbFacetKind)facet, i, wanted) ? 1 : 0;
    }
}

static gboolean is_shown(const Walk *walk, const MnbShelfEntry *entry)
{
    if (!walk->query->staff)
        return mnb_shelf_entry_is_public(entry);
    return !walk->query->has_state || entry->state == walk->query->state;
}

/* Counts an entry for each facet whose filter alone may leave it out. Returns: it passes all. */
static gboolean count_entry(Walk *walk, const MnbShelfEntry *entry)
{
    int n_refused = 0, refused = 0;
    for (int facet = 0; facet < MNB_FACETS; facet++) {
        if (walk->ok[facet] == NULL || walk->ok[facet][entry->value[facet]])
            continue;
        if (++n_refused > 1)
            return FALSE;
        refused = facet;
    }
    if (n_refused == 1) {
        walk->counts[refused][entry->value[refused]]++;
        return FALSE;
    }
    for (int facet = 0; facet < MNB_FACETS; facet++)
        walk->counts[facet][entry->value[facet]]++;
    return TRUE;
}

static void walk_shelf(Walk *walk)
{
    const GArray *entries = walk->shelf->entries;
    for (guint i = 0; i < entries->len; i++) {
        const MnbShelfEntry *entry = &g_array_index(entries, MnbShelfEntry, i);
        guint tier = walk->tiers == NULL ? MNB_TIER_ABOUT : walk->tiers[entry->num] & MNB_TIER_MASK;
        if (tier != 0 && is_shown(walk, entry) && count_entry(walk, entry))
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

static GPtrArray *list_facets(const Walk *walk, MnbFacetKind kind)
{
    g_autoptr(GHashTable) counts = mnb_shelf_count_codes(walk->shelf, kind, walk->counts[kind]);
    GPtrArray *facets = g_ptr_array_new_with_free_func(free_facet);
    GHashTableIter iter;
    gpointer code, count;
    g_hash_table_iter_init(&iter, counts);
    while (g_hash_table_iter_next(&iter, &code, &count)) {
        if (*(const char *)code == '\0')
            continue;
        MnbFacet *facet = g_new(MnbFacet, 1);
        *facet = (MnbFacet){g_strdup(code), GPOINTER_TO_UINT(count)};
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
    mnb_moment_free(hit->moment);
    g_free(hit->snippet_en);
    g_free(hit->snippet_ja);
    g_free(hit->moment_snippet);
    g_free(hit);
}

static char *find_snippet(const char *description, const char *title, GPtrArray *words)
{
    char *snippet = mnb_snippet(description, words);
    return snippet != NULL ? snippet : mnb_snippet(title, words);
}

static gboolean find_moment(MnbDb *db, gint64 num, GPtrArray *words, MnbSearchHit *hit,
                            GError **error)
{
    MnbSaidMoment said;
    if (!mnb_search_index_moment(db, num, words, &said, error))
        return FALSE;
    if (said.num == 0)
        return TRUE;
    hit->moment = mnb_moment_find(db, said.num, error);
    if (hit->moment == NULL)
        return FALSE;
    gint64 length_us = hit->moment->end_us - hit->moment->at_us;
    hit->moment->at_us = said.film_ms * 1000;
    hit->moment->end_us = hit->moment->at_us + length_us;
    hit->moment_snippet = mnb_snippet(hit->moment->text, words);
    return TRUE;
}

static gboolean add_hit(MnbDb *db, const Walk *walk, GPtrArray *hits, gint64 num, GPtrArray *words,
                        GError **error)
{
    MnbRecording *recording = mnb_recording_find_by_num(db, num, error);
    if (recording == NULL)
        return FALSE;
    MnbSearchHit *hit = g_new0(MnbSearchHit, 1);
    hit->recording = recording;
    hit->snippet_en = find_snippet(recording->description_en, recording->title_en, words);
    hit->snippet_ja = find_snippet(recording->description_ja, recording->title_ja, words);
    g_ptr_array_add(hits, hit);
    if (walk->tiers != NULL && (walk->tiers[num] & MNB_TIER_SAID_FLAG) != 0)
        return find_moment(db, num, words, hit, error);
    return TRUE;
}

static gboolean fill_page(MnbDb *db, const Walk *walk, GPtrArray *words, MnbSearchResult *result,
                          GError **error)
{
    guint skip = walk->query->offset;
    guint left = CLAMP(walk->query->limit, 1, MNB_SEARCH_PAGE_MAX);
    for (int tier = MNB_TIER_TITLE; tier < MNB_TIERS; tier++) {
        const GArray *found = walk->found[tier];
        for (guint i = skip; i < found->len && left > 0; i++, left--) {
            guint position = g_array_index(found, guint, i);
            gint64 num = g_array_index(walk->shelf->entries, MnbShelfEntry, position).num;
            if (!add_hit(db, walk, result->hits, num, words, error))
                return FALSE;
        }
        skip -= MIN(skip, found->len);
        result->total += found->len;
    }
    return TRUE;
}

static void clear_walk(Walk *walk)
{
    for (int tier = 0; tier < MNB_TIERS; tier++)
        g_array_unref(walk->found[tier]);
    g_free(walk->tiers);
    for (int facet = 0; facet < MNB_FACETS; facet++) {
        g_free(walk->ok[facet]);
        g_free(walk->counts[facet]);
    }
}

static MnbSearchResult *search(MnbDb *db, const MnbSearchQuery *query, GPtrArray *words,
                               GError **error)
{
    MnbShelf *shelf = mnb_shelf_get(db, error);
    if (shelf == NULL)
        return NULL;
    Walk walk = {.query = query, .shelf = shelf};
    for (int tier = 0; tier < MNB_TIERS; tier++)
        walk.found[tier] = g_array_new(FALSE, FALSE, sizeof(guint));
    g_autoptr(MnbSearchResult) result = g_new0(MnbSearchResult, 1);
    result->hits = g_ptr_array_new_with_free_func(free_hit);
    gboolean has_text = query->text != NULL && query->text[strspn(query->text, " \t\n")] != '\0';
    gboolean ok = TRUE;
    /* What was typed but has no word in it ("?!") finds nothing rather than everything. */
    if (words->len > 0)
        ok = (walk.tiers = mnb_search_index_find(db, shelf, words, error)) != NULL;
    else if (has_text)
        walk.tiers = g_malloc0((gsize)shelf->num_max + 1);
    if (ok) {
        prepare_filters(&walk);
        walk_shelf(&walk);
        for (int facet = 0; facet < MNB_FACETS; facet++)
            result->facets[facet] = list_facets(&walk, (MnbFacetKind)facet);
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
    for (int facet = 0; facet < MNB_FACETS; facet++)
        g_clear_pointer(&result->facets[facet], g_ptr_array_unref);
    g_free(result);
}

gboolean mnb_search_rebuild(MnbDb *db, GError **error)
{
    return mnb_search_text_put_all(db, error) &&
           mnb_db_exec(db, "INSERT INTO search(search) VALUES ('rebuild')", error);
}
