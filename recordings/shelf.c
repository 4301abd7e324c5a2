#include "recordings/shelf.h"

#include <string.h>

#include "recordings/db-private.h"
#include "recordings/fields.h"
#include "recordings/recording.h"

#define JAPAN_US (9 * 3600 * (gint64)G_USEC_PER_SEC)

static void free_shelf(gpointer data)
{
    MnbShelf *shelf = data;
    if (shelf->kept != NULL)
        shelf->free_kept(shelf->kept);
    g_array_unref(shelf->entries);
    g_array_unref(shelf->changes);
    for (int facet = 0; facet < MNB_FACETS; facet++) {
        g_hash_table_unref(shelf->indexes[facet]);
        g_ptr_array_unref(shelf->values[facet]);
    }
    g_free(shelf);
}

static MnbShelf *new_shelf(void)
{
    MnbShelf *shelf = g_new0(MnbShelf, 1);
    shelf->entries = g_array_new(FALSE, FALSE, sizeof(MnbShelfEntry));
    shelf->changes = g_array_new(FALSE, FALSE, sizeof(gint64));
    for (int facet = 0; facet < MNB_FACETS; facet++) {
        shelf->values[facet] = g_ptr_array_new_with_free_func(g_free);
        shelf->indexes[facet] = g_hash_table_new(g_str_hash, g_str_equal);
    }
    return shelf;
}

/* Past 65,535 different values (sets at most can be so many) the last one is shared. */
static guint16 intern(MnbShelf *shelf, MnbFacetKind facet, const char *text)
{
    GHashTable *indexes = shelf->indexes[facet];
    GPtrArray *texts = shelf->values[facet];
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

/* The area first, then the others it has. */
static char *set_of_areas(const char *area, const char *more)
{
    g_auto(GStrv) others = mnb_languages_from_json(more);
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    g_ptr_array_add(all, (gpointer)area);
    for (guint i = 0; others[i] != NULL; i++)
        if (strcmp(others[i], area) != 0)
            g_ptr_array_add(all, others[i]);
    g_ptr_array_add(all, NULL);
    return mnb_languages_to_json((char **)all->pdata);
}

static const char *length_of(gint64 duration_us)
{
    gint64 minutes = duration_us / (60 * (gint64)G_USEC_PER_SEC);
    if (duration_us <= 0)
        return "";
    return minutes < 10 ? "0-10" : minutes < 30 ? "10-30" : minutes < 60 ? "30-60" : "60-";
}

static void read_values(MnbShelf *shelf, MnbStmt *stmt, MnbShelfEntry *entry)
{
    g_autofree char *areas = set_of_areas(mnb_stmt_text(stmt, 2), mnb_stmt_text(stmt, 3));
    g_autoptr(GDateTime) recorded =
        g_date_time_new_from_unix_utc((mnb_stmt_int(stmt, 9) + JAPAN_US) / G_USEC_PER_SEC);
    g_autofree char *year =
        recorded == NULL ? g_strdup("") : g_strdup_printf("%d", g_date_time_get_year(recorded));
    const char *values[MNB_FACETS] = {
        [MNB_FACET_AREA] = areas,
        [MNB_FACET_CITY] = mnb_stmt_text(stmt, 4),
        [MNB_FACET_COUNTRY] = mnb_stmt_text(stmt, 5),
        [MNB_FACET_LANGUAGE] = mnb_stmt_text(stmt, 6),
        [MNB_FACET_YEAR] = year,
        [MNB_FACET_KIND] = mnb_stmt_text(stmt, 11),
        [MNB_FACET_LENGTH] = length_of(mnb_stmt_int(stmt, 10)),
    };
    for (int facet = 0; facet < MNB_FACETS; facet++)
        entry->value[facet] = intern(shelf, (MnbFacetKind)facet, values[facet]);
}

static gboolean read_changed(MnbDb *db, MnbShelf *shelf, GArray *changed, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "SELECT r.num, coalesce(r.published_us, r.recorded_us), r.area, r.more_areas, r.city,"
        " c.country, r.languages, r.state, r.audience, r.recorded_us, r.duration_us,"
        " coalesce(e.kind, CASE WHEN v.recording IS NULL THEN 'video' ELSE 'site-visit' END)"
        " FROM recording r JOIN city c ON c.code = r.city LEFT JOIN event e ON e.id = r.event"
        " LEFT JOIN visit v ON v.recording = r.id WHERE r.revision > ?1",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_int(stmt, 1, shelf->revision);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0) {
        MnbRecordingState state = MNB_RECORDING_DRAFT;
        MnbAudience audience = MNB_AUDIENCE_STAFF;
        mnb_recording_state_parse(mnb_stmt_text(stmt, 7), &state);
        mnb_audience_parse(mnb_stmt_text(stmt, 8), &audience);
        MnbShelfEntry entry = {
            .num = mnb_stmt_int(stmt, 0),
            .key_us = mnb_stmt_int(stmt, 1),
            .state = (guint8)state,
            .audience = (guint8)audience,
        };
        read_values(shelf, stmt, &entry);
        g_array_append_val(changed, entry);
        if (shelf->revision > 0)
            g_array_append_val(shelf->changes, entry.num);
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
        if (num > shelf->num_max)
            continue;
        gone[num / 8] |= (guint8)(1u << (num % 8));
        g_array_append_val(shelf->changes, num);
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
    shelf->revision = revision;
    return TRUE;
}

MnbShelf *mnb_shelf_get(MnbDb *db, GError **error)
{
    MnbShelf *shelf = mnb_db_attachment(db);
    if (shelf == NULL || mnb_db_mode(db) == MNB_DB_WRITER) {
        shelf = new_shelf();
        mnb_db_attach(db, shelf, free_shelf);
    }
    return refresh(db, shelf, error) ? shelf : NULL;
}

gboolean mnb_shelf_is_set(MnbFacetKind facet)
{
    return facet == MNB_FACET_AREA || facet == MNB_FACET_LANGUAGE;
}

gboolean mnb_shelf_value_has(const MnbShelf *shelf, MnbFacetKind facet, guint index,
                             const char *code)
{
    const char *value = shelf->values[facet]->pdata[index];
    if (!mnb_shelf_is_set(facet))
        return strcmp(value, code) == 0;
    g_auto(GStrv) codes = mnb_languages_from_json(value);
    return g_strv_contains((const char *const *)codes, code);
}

static void add_count(GHashTable *table, const char *code, guint count)
{
    guint before = GPOINTER_TO_UINT(g_hash_table_lookup(table, code));
    g_hash_table_insert(table, g_strdup(code), GUINT_TO_POINTER(before + count));
}

GHashTable *mnb_shelf_count_codes(const MnbShelf *shelf, MnbFacetKind facet, const guint *counts)
{
    GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const GPtrArray *values = shelf->values[facet];
    for (guint i = 0; i < values->len; i++) {
        if (counts[i] == 0)
            continue;
        if (!mnb_shelf_is_set(facet)) {
            add_count(table, values->pdata[i], counts[i]);
            continue;
        }
        g_auto(GStrv) codes = mnb_languages_from_json(values->pdata[i]);
        for (guint k = 0; codes[k] != NULL; k++)
            add_count(table, codes[k], counts[i]);
    }
    return table;
}

gboolean mnb_shelf_entry_is_public(const MnbShelfEntry *entry)
{
    return entry->state == MNB_RECORDING_PUBLISHED && entry->audience == MNB_AUDIENCE_PUBLIC;
}
