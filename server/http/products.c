/* Documents and links that belong to a film. */
#include "recordings/audit.h"
#include "recordings/film-edit.h"
#include "recordings/product.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/base/log.h"
#include "server/http/api.h"
#include "server/http/objects.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* at_ms: in the film that is there; captured_ms: as it was given. */
static json_t *product_json(const MnbProduct *product, const MnbFilmEdit *edit)
{
    json_t *captured = json_loads(product->moments, 0, NULL);
    json_t *in_film = json_array();
    for (size_t i = 0; i < json_array_size(captured); i++) {
        gboolean is_cut_out;
        gint64 ms = json_integer_value(json_array_get(captured, i));
        gint64 film_us = mnb_film_edit_to_film(edit, ms * 1000, &is_cut_out);
        if (!is_cut_out)
            json_array_append_new(in_film, json_integer(film_us / 1000));
    }
    g_autofree char *url = product->kind == MNB_PRODUCT_PDF
                               ? g_strdup_printf("/api/v1/recordings/%s/products/%s/document.pdf",
                                                 product->recording, product->id)
                               : g_strdup(product->url);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:o}", "id", product->id, "kind",
                     mnb_product_kind_to_string(product->kind), "title_en", product->title_en,
                     "title_ja", product->title_ja, "url", url, "bytes", (json_int_t)product->bytes,
                     "at_ms", in_film, "captured_ms", captured);
}

static void answer_list(MnbHttpRequest *request, const MnbRecording *recording, guint status)
{
    g_autoptr(GError) error = NULL;
    MnbFilmEdit edit;
    mnb_film_edit_read(recording->edit_made, 1000, &edit);
    g_autoptr(GPtrArray) products =
        mnb_product_list(mnb_http_request_db(request), recording->id, &error);
    if (products == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *items = json_array();
    for (guint i = 0; i < products->len; i++)
        json_array_append_new(items, product_json(products->pdata[i], &edit));
    mnb_http_request_answer_json(request, status, json_pack("{s:o}", "items", items));
}

void mnb_api_products(MnbHttpRequest *request)
{
    g_autoptr(MnbRecording) recording = mnb_api_find_watchable(request);
    if (recording != NULL)
        answer_list(request, recording, 200);
}

static char *document_path(MnbStore *store, const char *folder, const char *id, GError **error)
{
    g_autofree char *name = g_strconcat("products/", id, ".pdf", NULL);
    return mnb_store_recording_path(store, folder, name, error);
}

/* ---- changing ---- */

typedef struct {
    MnbProduct *product;
    char *folder; /* of the recording */
    char *actor;
    MnbStore *store;
    GBytes *pdf; /* of a new document, until it is written */
    gboolean is_remove;
    gint64 now_us;
    MnbHttpRequest *request; /* held while the document is written */
} Change;

static void free_change(gpointer data)
{
    Change *change = data;
    mnb_product_free(change->product);
    g_free(change->folder);
    g_free(change->actor);
    g_clear_pointer(&change->pdf, g_bytes_unref);
    g_free(change);
}

static Change *change_new(MnbHttpRequest *request, const MnbRecording *recording)
{
    Change *change = g_new0(Change, 1);
    change->product = mnb_product_new();
    change->product->recording = g_strdup(recording->id);
    change->folder = g_strdup(recording->folder);
    change->actor = g_strdup(mnb_http_request_asker(request)->actor);
    change->store = mnb_catalog_store(mnb_http_request_services(request)->catalog);
    change->now_us = mnb_http_request_wall_us(request);
    return change;
}

static void remove_document(const Change *change)
{
    g_autofree char *path = document_path(change->store, change->folder, change->product->id, NULL);
    if (path != NULL && unlink(path) != 0)
        MNB_LOG_DEBUG("a document was not there any more", "product=%s", change->product->id);
}

static gboolean write_change(MnbDb *db, gpointer data, GError **error)
{
    const Change *change = data;
    MnbProduct *product = change->product;
    g_autofree char *object = g_strconcat("recording:", product->recording, NULL);
    gboolean ok = change->is_remove ? mnb_product_remove(db, product->recording, product->id,
                                                         change->now_us, error)
                                    : mnb_product_put(db, product, change->now_us, error);
    return ok && mnb_audit_append(db, change->now_us, change->actor,
                                  change->is_remove ? "product-remove" : "product-put", object,
                                  NULL, error);
}

static void on_changed(MnbHttpRequest *request, gpointer data)
{
    const Change *change = data;
    if (change->is_remove)
        remove_document(change);
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbRecording) recording =
        mnb_recording_find(mnb_http_request_db(request), change->product->recording, &error);
    if (recording == NULL)
        mnb_http_request_answer_error(request, error);
    else
        answer_list(request, recording, 200);
}

static void set_text(char **text, const char *by)
{
    g_free(*text);
    *text = g_strdup(by);
}

/* What a link and a document have in common. Returns: FALSE after a problem was answered. */
static gboolean read_fields(MnbHttpRequest *request, MnbProduct *product)
{
    const char *text;
    const json_t *moments;
    g_autoptr(MnbFields) fields = mnb_http_request_fields(request);
    if (fields == NULL)
        return FALSE;
    if (mnb_fields_text(fields, "title_en", 0, MNB_TITLE_MAX, &text))
        set_text(&product->title_en, text);
    if (mnb_fields_text(fields, "title_ja", 0, MNB_TITLE_MAX, &text))
        set_text(&product->title_ja, text);
    if (product->kind == MNB_PRODUCT_LINK &&
        mnb_fields_text(fields, "url", 1, MNB_PRODUCT_URL_MAX, &text)) {
        set_text(&product->url, text);
        if (!mnb_product_url_is_good(text))
            mnb_fields_wrong(fields, "url", "not-an-address");
    }
    if (mnb_fields_json(fields, "at_ms", &moments)) {
        char *list = json_dumps(moments, JSON_COMPACT | JSON_ENCODE_ANY);
        set_text(&product->moments, list != NULL ? list : "");
        free(list);
        if (!mnb_product_moments_are_good(product->moments))
            mnb_fields_wrong(fields, "at_ms", "out-of-range");
    }
    if (product->kind == MNB_PRODUCT_LINK && product->url == NULL)
        mnb_fields_require(fields, "url");
    if (product->title_en[0] == '\0' && product->title_ja[0] == '\0')
        mnb_fields_wrong(fields, "title_en", "required");
    MnbProblem *problem = mnb_fields_finish(fields);
    if (problem != NULL)
        mnb_http_request_answer_problem(request, problem);
    return problem == NULL;
}

void mnb_api_product_add_link(MnbHttpRequest *request)
{
    g_autoptr(MnbRecording) recording = mnb_api_find_reviewable(request);
    if (recording == NULL)
        return;
    Change *change = change_new(request, recording);
    set_text(&change->product->title_en, "");
    set_text(&change->product->title_ja, "");
    set_text(&change->product->moments, "[]");
    if (read_fields(request, change->product))
        mnb_http_request_write(request, write_change, change, free_change, on_changed);
    else
        free_change(change);
}

/* Returns (owned): a change of the product of the path; NULL after the problem was answered. */
static Change *change_of_product(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbRecording) recording = mnb_api_find_reviewable(request);
    if (recording == NULL)
        return NULL;
    MnbProduct *product = mnb_product_find(mnb_http_request_db(request), recording->id,
                                           mnb_http_request_param(request, 1), &error);
    if (product == NULL) {
        mnb_http_request_answer_error(request, error);
        return NULL;
    }
    Change *change = change_new(request, recording);
    mnb_product_free(change->product);
    change->product = product;
    return change;
}

void mnb_api_product_change(MnbHttpRequest *request)
{
    Change *change = change_of_product(request);
    if (change == NULL)
        return;
    if (read_fields(request, change->product))
        mnb_http_request_write(request, write_change, change, free_change, on_changed);
    else
        free_change(change);
}

void mnb_api_product_remove(MnbHttpRequest *request)
{
    Change *change = change_of_product(request);
    if (change == NULL)
        return;
    change->is_remove = TRUE;
    mnb_http_request_write(request, write_change, change, free_change, on_changed);
}

/* ---- documents ---- */

static void run_store(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    const Change *change = data;
    GError *error = NULL;
    gsize len;
    const void *bytes = g_bytes_get_data(change->pdf, &len);
    g_autofree char *path =
        document_path(change->store, change->folder, change->product->id, &error);
    g_autofree char *folder = path != NULL ? g_path_get_dirname(path) : NULL;
    if (path == NULL || !mnb_store_check_space(change->store, (gint64)len, &error)) {
        g_task_return_error(task, error);
        return;
    }
    g_mkdir_with_parents(folder, 0700);
    if (mnb_store_write_file(path, bytes, len, &error))
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
}

static void on_stored(GObject *source, GAsyncResult *result, gpointer data)
{
    Change *change = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbHttpRequest) request = g_steal_pointer(&change->request);
    gboolean ok = g_task_propagate_boolean(G_TASK(result), &error);
    if (mnb_http_request_is_closed(request)) {
        free_change(change);
    } else if (!ok) {
        mnb_http_request_answer_error(request, error);
        free_change(change);
    } else {
        g_clear_pointer(&change->pdf, g_bytes_unref);
        mnb_http_request_write(request, write_change, change, free_change, on_changed);
    }
}

/* Its name without ".pdf" is its title until somebody gives it another. */
static void take_name(MnbProduct *product, const char *name)
{
    g_autofree char *title = g_strdup(name != NULL ? name : "");
    g_strstrip(title);
    if (strlen(title) > 4 && g_ascii_strcasecmp(title + strlen(title) - 4, ".pdf") == 0)
        title[strlen(title) - 4] = '\0';
    gboolean is_ascii = g_str_is_ascii(title);
    gboolean is_good = title[0] != '\0' && g_utf8_strlen(title, -1) <= MNB_TITLE_MAX;
    product->title_en = g_strdup(!is_good ? "Document" : is_ascii ? title : "");
    product->title_ja = g_strdup(!is_good ? "資料" : is_ascii ? "" : title);
}

void mnb_api_product_add_document(MnbHttpRequest *request)
{
    gsize len;
    const char *body = mnb_http_request_body(request, &len);
    g_autoptr(MnbRecording) recording = mnb_api_find_reviewable(request);
    if (recording == NULL)
        return;
    if (!mnb_product_is_pdf(body, len)) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(422, "not-a-pdf", "this is not a whole PDF"));
        return;
    }
    Change *change = change_new(request, recording);
    change->product->id = mnb_id_new();
    change->product->kind = MNB_PRODUCT_PDF;
    change->product->bytes = (gint64)len;
    change->product->moments = g_strdup("[]");
    take_name(change->product, mnb_http_request_query(request, "name"));
    change->pdf = g_bytes_new(body, len);
    change->request = mnb_http_request_ref(request);
    g_autoptr(GTask) task = g_task_new(NULL, NULL, on_stored, change);
    g_task_set_task_data(task, change, NULL);
    g_task_run_in_thread(task, run_store);
}

/* Says yes or no; nginx sends the file. */
void mnb_api_product_document(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbRecording) recording = mnb_api_find_watchable(request);
    if (recording == NULL)
        return;
    g_autoptr(MnbProduct) product = mnb_product_find(mnb_http_request_db(request), recording->id,
                                                     mnb_http_request_param(request, 1), &error);
    if (product == NULL || product->kind != MNB_PRODUCT_PDF) {
        mnb_http_request_answer_not_found(request);
        return;
    }
    g_autofree char *folder = g_uri_escape_string(recording->folder, NULL, FALSE);
    g_autofree char *file =
        g_strdup_printf("/-/recordings/%s/products/%s.pdf", folder, product->id);
    mnb_http_request_set_header(request, "X-Accel-Redirect", file);
    mnb_http_request_set_header(request, "Cache-Control", "private, no-cache");
    mnb_http_request_answer_text(request, 200, "application/pdf", "");
}
