#include "recordings/shelf.h"

#include <string.h>

#include "recordings/db-private.h"
#include "recordings/recording.h"

#define FOUND_BYTES_MAX (24 * 1024 * 1024)

static void free_shelf(gpointer data)
{
    MnbShelf *shelf = data;
    g_array_unref(shelf->entries);
    g_hash_table_unref(shelf->found);
    g_queue_free(shelf->recent);
    g_hash_table_unref(shelf->area_indexes);
    g_hash_table_unref(shelf->city_indexes);
    g_hash_table_unref(shelf->language_indexes);
    g_ptr_array_unref(shelf->areas);
    g_ptr_array_unref(shelf->cities);
    g_ptr_array_unref(shelf->language_sets);
    g_free(shelf);
}

static MnbShelf *new_shelf(void)
{
    MnbShelf *shelf = g_new0(MnbShelf, 1);
    shelf->found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    shelf->recent = g_queue_new();
    shelf->entries = g_array_new(FALSE, FALSE, sizeof(MnbShelfEntry));
    shelf->areas = g_ptr_array_new_with_free_func(g_free);
    shelf->cities = g_ptr_array_new_with_free_func(g_free);
    shelf->language_sets = g_ptr_array_new_with_free_func(g_free);
    shelf->area_indexes = g_hash_table_new(g_str_hash, g_str_equal);
    shelf->city_indexes = g_hash_table_new(g_str_hash, g_str_equal);
    shelf->language_indexes = g_hash_table_new(g_str_hash, g_str_equal);
    return shelf;
}

/* Past 65,535 different texts (which cannot happen to areas and cities) the last one is shared. */
static guint16 intern(GHashTable *indexes, GPtrArray *texts, const char *text)
{
    gpointer index;
    if (g_hash_table_lookup_extended(indexes, text, NULL, &index))
        return (guint16)GPOINTER_TO_UINT(index);
    if (texts->len == G_MAXUINT16)
        return G_MAXUINT16 - 1;
    g_ptr_array_add(texts, g_strdup(text));
    g_hash_table_insert(indexes, texts->pdata[texts->len - 1], GUINT_TO_POINTER(texts->len - 1));
    return (guint16)(texts->len - 1);
}

static int compare_entries(gconstpointer left, gconstpointer right)
{
    const MnbShelfEntry *a = left;
    const MnbShelfEntry *b = right;
    if (a->key_us != b->key_us)
        return a->key_us > b->key_us ? -1 : 1;
    return a->num > b->num ? -1 : a->num < b->num;
}

static gboolean read_changed(MnbDb *db, MnbShelf *shelf, GArray *changed, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT num, coalesce(published_us, recorded_us), area, city, languages,"
                       " state, audience FROM recording WHERE revision > ?1",
                       error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_int(stmt, 1, shelf->revision);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0) {
        MnbRecordingState state = MNB_RECORDING_DRAFT;
        MnbAudience audience = MNB_AUDIENCE_STAFF;
        mnb_recording_state_parse(mnb_stmt_text(stmt, 5), &state);
        mnb_audience_parse(mnb_stmt_text(stmt, 6), &audience);
        MnbShelfEntry entry = {
            .num = mnb_stmt_int(stmt, 0),
            .key_us = mnb_stmt_int(stmt, 1),
            .area = intern(shelf->area_indexes, shelf->areas, mnb_stmt_text(stmt, 2)),
            .city = intern(shelf->city_indexes, shelf->cities, mnb_stmt_text(stmt, 3)),
            .languages =
                intern(shelf->language_indexes, shelf->language_sets, mnb_stmt_text(stmt, 4)),
            .state = (guint8)state,
            .audience = (guint8)audience,
        };
        g_array_append_val(changed, entry);
        shelf->num_max = MAX(shelf->num_max, entry.num);
    }
    return result == 0;
}

/* Sets the bit of every recording that was removed since. */
static gboolean read_removed(MnbDb *db, MnbShelf *shelf, guint8 *gone, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "SELECT num FROM recording_removed WHERE revision > ?1", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_int(stmt, 1, shelf->revision);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0) {
        gint64 num = mnb_stmt_int(stmt, 0);
        if (num <= shelf->num_max)
            gone[num / 8] |= (guint8)(1u << (num % 8));
    }
    return result == 0;
}

/* One pass over both sorted lists; entries whose bit is set are old versions. */
static void merge(MnbShelf *shelf, GArray *changed, const guint8 *gone)
{
    g_array_sort(changed, compare_entries);
    GArray *merged =
        g_array_sized_new(FALSE, FALSE, sizeof(MnbShelfEntry), shelf->entries->len + changed->len);
    guint next = 0;
    for (guint i = 0; i < shelf->entries->len; i++) {
        const MnbShelfEntry *entry = &g_array_index(shelf->entries, MnbShelfEntry, i);
        if ((gone[entry->num / 8] >> (entry->num % 8)) & 1)
            continue;
        for (; next < changed->len; next++) {
            const MnbShelfEntry *newer = &g_array_index(changed, MnbShelfEntry, next);
            if (compare_entries(newer, entry) > 0)
                break;
            g_array_append_vals(merged, newer, 1);
        }
        g_array_append_vals(merged, entry, 1);
    }
    if (next < changed->len)
        g_array_append_vals(merged, &g_array_index(changed, MnbShelfEntry, next),
                            changed->len - next);
    g_array_unref(shelf->entries);
    shelf->entries = merged;
}

static gboolean refresh(MnbDb *db, MnbShelf *shelf, GError **error)
{
    gint64 revision;
    if (!mnb_db_int(db, "SELECT value FROM counter WHERE name = 'revision'", &revision, error))
        return FALSE;
    if (revision == shelf->revision)
        return TRUE;
    g_autoptr(GArray) changed = g_array_new(FALSE, FALSE, sizeof(MnbShelfEntry));
    if (!read_changed(db, shelf, changed, error))
        return FALSE;
    g_autofree guint8 *gone = g_malloc0((gsize)shelf->num_max / 8 + 1);
    if (!read_removed(db, shelf, gone, error))
        return FALSE;
    for (guint i = 0; i < changed->len; i++) {
        gint64 num = g_array_index(changed, MnbShelfEntry, i).num;
        gone[num / 8] |= (guint8)(1u << (num % 8));
    }
    merge(shelf, changed, gone);
    g_hash_table_remove_all(shelf->found);
    g_queue_clear(shelf->recent);
    shelf->revision = revision;
    return TRUE;
}

const MnbShelf *mnb_shelf_get(MnbDb *db, GError **error)
{
    MnbShelf *shelf = mnb_db_attachment(db);
    if (shelf == NULL || mnb_db_mode(db) == MNB_DB_WRITER) {
        shelf = new_shelf();
        mnb_db_attach(db, shelf, free_shelf);
    }
    return refresh(db, shelf, error) ? shelf : NULL;
}

guint8 *mnb_shelf_recall(const MnbShelf *shelf, const char *expression)
{
    gpointer key, found;
    if (!g_hash_table_lookup_extended(shelf->found, expression, &key, &found))
        return NULL;
    g_queue_remove(shelf->recent, key);
    g_queue_push_head(shelf->recent, key);
    return found;
}

void mnb_shelf_remember(const MnbShelf *shelf, const char *expression, guint8 *tiers)
{
    guint n_max = (guint)CLAMP(FOUND_BYTES_MAX / (shelf->num_max + 1), 4, 512);
    while (g_hash_table_size(shelf->found) >= n_max)
        g_hash_table_remove(shelf->found, g_queue_pop_tail(shelf->recent));
    char *key = g_strdup(expression);
    g_hash_table_insert(shelf->found, key, tiers);
    g_queue_push_head(shelf->recent, key);
}

int mnb_shelf_find_code(const GPtrArray *codes, const char *code)
{
    for (guint i = 0; i < codes->len; i++)
        if (strcmp(codes->pdata[i], code) == 0)
            return (int)i;
    return -1;
}

gboolean mnb_shelf_entry_is_public(const MnbShelfEntry *entry)
{
    return entry->state == MNB_RECORDING_PUBLISHED && entry->audience == MNB_AUDIENCE_PUBLIC;
}
