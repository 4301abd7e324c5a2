#include "recordings/product.h"

#include <jansson.h>
#include <string.h>

#include "recordings/fields.h"
#include "recordings/film-edit.h"
#include "recordings/recording.h"
#include "server/base/error.h"
#include "server/base/ids.h"

#define PDF_BEGIN_BYTES 1024 /* within which a PDF says that it is one, and that it ends */

static const char *const kind_names[] = {"link", "pdf"};
MNB_DEFINE_NAMES(MnbProductKind, mnb_product_kind, kind_names)

MnbProduct *mnb_product_new(void)
{
    return g_new0(MnbProduct, 1);
}

void mnb_product_free(MnbProduct *product)
{
    if (product == NULL)
        return;
    g_free(product->id);
    g_free(product->recording);
    g_free(product->title_en);
    g_free(product->title_ja);
    g_free(product->url);
    g_free(product->moments);
    g_free(product);
}

static void free_product(gpointer data)
{
    mnb_product_free(data);
}

#define COLUMNS "id, recording, kind, title_en, title_ja, url, bytes, moments"

static MnbProduct *read_row(MnbStmt *stmt)
{
    MnbProduct *product = mnb_product_new();
    product->id = mnb_stmt_dup_text(stmt, 0);
    product->recording = mnb_stmt_dup_text(stmt, 1);
    mnb_product_kind_parse(mnb_stmt_text(stmt, 2), &product->kind);
    product->title_en = mnb_stmt_dup_text(stmt, 3);
    product->title_ja = mnb_stmt_dup_text(stmt, 4);
    product->url = mnb_stmt_dup_text(stmt, 5);
    product->bytes = mnb_stmt_int(stmt, 6);
    product->moments = mnb_stmt_dup_text(stmt, 7);
    return product;
}

GPtrArray *mnb_product_list(MnbDb *db, const char *recording, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db, "SELECT " COLUMNS " FROM product WHERE recording = ?1 ORDER BY created_us, id", error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, recording);
    g_autoptr(GPtrArray) products = g_ptr_array_new_with_free_func(free_product);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        g_ptr_array_add(products, read_row(stmt));
    return result == 0 ? g_steal_pointer(&products) : NULL;
}

MnbProduct *mnb_product_find(MnbDb *db, const char *recording, const char *id, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db, "SELECT " COLUMNS " FROM product WHERE recording = ?1 AND id = ?2", error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_text(stmt, 2, id);
    int result = mnb_stmt_step(stmt, error);
    if (result == 0)
        mnb_set_not_found(error, "product", id);
    return result > 0 ? read_row(stmt) : NULL;
}

gboolean mnb_product_url_is_good(const char *url)
{
    if (url == NULL || strlen(url) > MNB_PRODUCT_URL_MAX || !g_str_is_ascii(url))
        return FALSE;
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    if (uri == NULL || g_uri_get_host(uri) == NULL || g_uri_get_host(uri)[0] == '\0' ||
        g_uri_get_userinfo(uri) != NULL)
        return FALSE;
    return strcmp(g_uri_get_scheme(uri), "https") == 0 ||
           strcmp(g_uri_get_scheme(uri), "http") == 0;
}

gboolean mnb_product_is_pdf(const void *bytes, gsize len)
{
    const char *begin = bytes;
    gsize edge = MIN(len, PDF_BEGIN_BYTES);
    return memmem(begin, edge, "%PDF-", 5) != NULL &&
           memmem(begin + len - edge, edge, "%%EOF", 5) != NULL;
}

gboolean mnb_product_moments_are_good(const char *json)
{
    json_t *list = json_loads(mnb_text(json), JSON_REJECT_DUPLICATES, NULL);
    gboolean is_good = json_is_array(list) && json_array_size(list) <= MNB_PRODUCT_MOMENTS_MAX;
    json_int_t before = -1;
    for (size_t i = 0; is_good && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        json_int_t ms = json_integer_value(item);
        is_good = json_is_integer(item) && ms > before && ms <= MNB_FILM_TIME_MAX_US / 1000;
        before = ms;
    }
    json_decref(list);
    return is_good;
}

static gboolean refuse(GError **error, const char *what)
{
    g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "%s", what);
    return FALSE;
}

static gboolean check(MnbDb *db, const MnbProduct *product, GError **error)
{
    if (!mnb_field_titles(product->title_en, product->title_ja, error))
        return FALSE;
    if (product->kind == MNB_PRODUCT_LINK && !mnb_product_url_is_good(product->url))
        return refuse(error, "url: not an address of the web");
    if (!mnb_product_moments_are_good(product->moments))
        return refuse(error, "at_ms: not a list of moments in order");
    g_autoptr(GPtrArray) others = mnb_product_list(db, product->recording, error);
    if (others == NULL)
        return FALSE;
    for (guint i = 0; i < others->len; i++)
        if (g_strcmp0(((MnbProduct *)others->pdata[i])->id, product->id) == 0)
            return TRUE;
    if (others->len < MNB_PRODUCTS_MAX)
        return TRUE;
    g_set_error(error, MNB_ERROR, MNB_ERROR_LIMIT, "a film has at most %d documents and links",
                MNB_PRODUCTS_MAX);
    return FALSE;
}

/* The recording's own update takes the titles into the search. */
static gboolean touch(MnbDb *db, const char *id, gint64 now_us, GError **error)
{
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, id, error);
    return recording != NULL && mnb_recording_update(db, recording, now_us, error);
}

gboolean mnb_product_put(MnbDb *db, MnbProduct *product, gint64 now_us, GError **error)
{
    if (!check(db, product, error))
        return FALSE;
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "INSERT INTO product(" COLUMNS ", created_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        " ON CONFLICT(id) DO UPDATE SET title_en = excluded.title_en, title_ja = excluded.title_ja,"
        " url = excluded.url, moments = excluded.moments",
        error);
    if (stmt == NULL)
        return FALSE;
    if (product->id == NULL)
        product->id = mnb_id_new();
    mnb_stmt_bind_text(stmt, 1, product->id);
    mnb_stmt_bind_text(stmt, 2, product->recording);
    mnb_stmt_bind_text(stmt, 3, mnb_product_kind_to_string(product->kind));
    mnb_stmt_bind_text(stmt, 4, mnb_text(product->title_en));
    mnb_stmt_bind_text(stmt, 5, mnb_text(product->title_ja));
    mnb_stmt_bind_text(stmt, 6, mnb_text(product->url));
    mnb_stmt_bind_int(stmt, 7, product->bytes);
    mnb_stmt_bind_text(stmt, 8, product->moments);
    mnb_stmt_bind_int(stmt, 9, now_us);
    return mnb_stmt_run(stmt, error) && touch(db, product->recording, now_us, error);
}

gboolean mnb_product_remove(MnbDb *db, const char *recording, const char *id, gint64 now_us,
                            GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "DELETE FROM product WHERE recording = ?1 AND id = ?2", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_text(stmt, 2, id);
    if (!mnb_stmt_run(stmt, error))
        return FALSE;
    if (mnb_db_changes(db) == 0)
        return mnb_set_not_found(error, "product", id);
    return touch(db, recording, now_us, error);
}
