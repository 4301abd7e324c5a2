#include "recordings/taxonomy.h"

#include <gio/gio.h>
#include <string.h>

#include "recordings/fields.h"
#include "recordings/schema-resource.h"
#include "recordings/search-text.h"
#include "recordings/shelf.h"
#include "server/base/error.h"

#define FIELDS_MAX 8

void mnb_area_free(MnbArea *area)
{
    if (area == NULL)
        return;
    g_free(area->code);
    g_free(area->name_en);
    g_free(area->name_ja);
    g_free(area);
}

void mnb_city_free(MnbCity *city)
{
    if (city == NULL)
        return;
    g_free(city->code);
    g_free(city->kind);
    g_free(city->name_en);
    g_free(city->name_ja);
    g_free(city->prefecture_en);
    g_free(city->prefecture_ja);
    g_free(city->country);
    g_free(city);
}

static void free_area(gpointer data)
{
    mnb_area_free(data);
}

static void free_city(gpointer data)
{
    mnb_city_free(data);
}

static MnbArea *read_area(MnbStmt *stmt)
{
    MnbArea *area = g_new0(MnbArea, 1);
    area->code = mnb_stmt_dup_text(stmt, 0);
    area->name_en = mnb_stmt_dup_text(stmt, 1);
    area->name_ja = mnb_stmt_dup_text(stmt, 2);
    return area;
}

static MnbCity *read_city(MnbStmt *stmt)
{
    MnbCity *city = g_new0(MnbCity, 1);
    city->code = mnb_stmt_dup_text(stmt, 0);
    city->kind = mnb_stmt_dup_text(stmt, 1);
    city->name_en = mnb_stmt_dup_text(stmt, 2);
    city->name_ja = mnb_stmt_dup_text(stmt, 3);
    city->prefecture_en = mnb_stmt_dup_text(stmt, 4);
    city->prefecture_ja = mnb_stmt_dup_text(stmt, 5);
    city->country = mnb_stmt_dup_text(stmt, 6);
    return city;
}

/* Published and public recordings of each area (or city) code -> count. */
static GHashTable *count_public(MnbDb *db, gboolean by_city, GError **error)
{
    const MnbShelf *shelf = mnb_shelf_get(db, error);
    if (shelf == NULL)
        return NULL;
    MnbFacetKind facet = by_city ? MNB_FACET_CITY : MNB_FACET_AREA;
    const GPtrArray *values = shelf->values[facet];
    g_autofree guint *counts = g_new0(guint, values->len + 1);
    for (guint i = 0; i < shelf->entries->len; i++) {
        const MnbShelfEntry *entry = &g_array_index(shelf->entries, MnbShelfEntry, i);
        if (mnb_shelf_entry_is_public(entry))
            counts[entry->value[facet]]++;
    }
    return mnb_shelf_count_codes(shelf, facet, counts);
}

GPtrArray *mnb_area_list(MnbDb *db, GError **error)
{
    g_autoptr(GHashTable) counts = count_public(db, FALSE, error);
    if (counts == NULL)
        return NULL;
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "SELECT code, name_en, name_ja FROM area ORDER BY position", error);
    if (stmt == NULL)
        return NULL;
    g_autoptr(GPtrArray) areas = g_ptr_array_new_with_free_func(free_area);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0) {
        MnbArea *area = read_area(stmt);
        area->n_recordings = GPOINTER_TO_INT(g_hash_table_lookup(counts, area->code));
        g_ptr_array_add(areas, area);
    }
    return result == 0 ? g_steal_pointer(&areas) : NULL;
}

GPtrArray *mnb_city_list(MnbDb *db, GError **error)
{
    g_autoptr(GHashTable) counts = count_public(db, TRUE, error);
    if (counts == NULL)
        return NULL;
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "SELECT code, class, name_en, name_ja, prefecture_en, prefecture_ja, country FROM city"
        " ORDER BY country <> 'JP', code",
        error);
    if (stmt == NULL)
        return NULL;
    g_autoptr(GPtrArray) cities = g_ptr_array_new_with_free_func(free_city);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0) {
        MnbCity *city = read_city(stmt);
        city->n_recordings = GPOINTER_TO_INT(g_hash_table_lookup(counts, city->code));
        g_ptr_array_add(cities, city);
    }
    return result == 0 ? g_steal_pointer(&cities) : NULL;
}

static gpointer find_by_code(GPtrArray *list, const char *kind, const char *code, GError **error)
{
    if (list == NULL)
        return NULL;
    for (guint i = 0; i < list->len; i++) {
        /* Both structs begin with the code. */
        char *const *first = list->pdata[i];
        if (g_strcmp0(*first, code) == 0)
            return g_ptr_array_steal_index(list, i);
    }
    mnb_set_not_found(error, kind, code);
    return NULL;
}

MnbArea *mnb_area_find(MnbDb *db, const char *code, GError **error)
{
    g_autoptr(GPtrArray) areas = mnb_area_list(db, error);
    return find_by_code(areas, "area", code, error);
}

MnbCity *mnb_city_find(MnbDb *db, const char *code, GError **error)
{
    g_autoptr(GPtrArray) cities = mnb_city_list(db, error);
    return find_by_code(cities, "city", code, error);
}

/* ---- seeding ---- */

typedef gboolean (*LineFunc)(MnbDb *db, char **fields, guint number, GError **error);

static gboolean seed_area(MnbDb *db, char **fields, guint number, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "INSERT INTO area(code, name_en, name_ja, position) VALUES (?1, ?2, ?3, ?4)"
                       " ON CONFLICT(code) DO UPDATE SET name_en = ?2, name_ja = ?3, position = ?4"
                       " WHERE (name_en, name_ja, position) <> (?2, ?3, ?4)",
                       error);
    if (stmt == NULL)
        return FALSE;
    for (int i = 0; i < 3; i++)
        mnb_stmt_bind_text(stmt, i + 1, fields[i]);
    mnb_stmt_bind_int(stmt, 4, number);
    return mnb_stmt_run(stmt, error);
}

static gboolean seed_city(MnbDb *db, char **fields, guint number, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "INSERT INTO city(code, class, name_en, name_ja, prefecture_en, prefecture_ja)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        " ON CONFLICT(code) DO UPDATE SET class = ?2, name_en = ?3, name_ja = ?4,"
        "  prefecture_en = ?5, prefecture_ja = ?6"
        " WHERE (class, name_en, name_ja, prefecture_en, prefecture_ja) <> (?2, ?3, ?4, ?5, ?6)",
        error);
    if (stmt == NULL)
        return FALSE;
    for (int i = 0; i < 6; i++)
        mnb_stmt_bind_text(stmt, i + 1, fields[i]);
    return mnb_stmt_run(stmt, error);
}

/* Our own files: no quotes, no empty fields, one header line. */
static gboolean seed(MnbDb *db, const char *path, guint n_fields, LineFunc func, GError **error)
{
    g_autoptr(GBytes) bytes = g_resource_lookup_data(mnb_schema_get_resource(), path,
                                                     G_RESOURCE_LOOKUP_FLAGS_NONE, error);
    if (bytes == NULL)
        return FALSE;
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    g_autofree char *text = g_strndup(data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 1; lines[i] != NULL && lines[i][0] != '\0'; i++) {
        g_auto(GStrv) fields = g_strsplit(g_strchomp(lines[i]), ",", FIELDS_MAX);
        if (g_strv_length(fields) != n_fields || strchr(lines[i], '"') != NULL) {
            g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "%s: line %u is malformed", path,
                        i + 1);
            return FALSE;
        }
        if (!func(db, fields, i, error))
            return FALSE;
    }
    return TRUE;
}

gboolean mnb_taxonomy_seed(MnbDb *db, GError **error)
{
    int before = sqlite3_total_changes(mnb_db_handle(db));
    if (!seed(db, "/manabi/taxonomy/thematic-areas.csv", 3, seed_area, error) ||
        !seed(db, "/manabi/taxonomy/cities.csv", 6, seed_city, error))
        return FALSE;
    /* The names are part of the searchable text. */
    gboolean is_changed = sqlite3_total_changes(mnb_db_handle(db)) != before;
    return (!is_changed || mnb_search_text_put_all(db, error)) &&
           mnb_search_text_put_said_once(db, error);
}
