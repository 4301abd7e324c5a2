#include "server/admin.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recordings/audit.h"
#include "recordings/link.h"
#include "recordings/recording.h"
#include "recordings/session.h"
#include "recordings/staff.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/import.h"

struct MnbAdmin {
    guint refs;         /* the owner's, and one of each call */
    gboolean is_closed; /* the owner is gone: late results are nobody's */
    MnbCatalog *catalog;
    char *public_url;
    char *path;
    void (*on_jobs_changed)(gpointer data);
    void (*on_link_revoked)(const char *link, gpointer data);
    gpointer data;
    GSocketService *service;
    MnbImporter *importer;
};

typedef struct Call Call;

typedef struct {
    const char *name;
    /* Reads the request. On the main thread. Either answers or fails at once, or starts something
     * that does so later. */
    void (*run)(Call *call);
} Command;

/* One request, from its connection to its answer. */
struct Call {
    MnbAdmin *admin;
    GSocketConnection *connection;
    GDataInputStream *input;
    json_t *request;
    char *text;      /* the answer's value: a URL or a token */
    const char *key; /* and its name */
};

static void admin_unref(MnbAdmin *admin)
{
    if (--admin->refs > 0)
        return;
    g_free(admin->path);
    g_free(admin->public_url);
    g_free(admin);
}

static void call_free(Call *call)
{
    admin_unref(call->admin);
    g_clear_object(&call->input);
    g_clear_object(&call->connection);
    json_decref(call->request);
    g_free(call->text);
    g_free(call);
}

static void on_closed(GObject *source, GAsyncResult *result, gpointer data)
{
    g_io_stream_close_finish(G_IO_STREAM(source), result, NULL);
    call_free(data);
}

static void on_written(GObject *source, GAsyncResult *result, gpointer data)
{
    Call *call = data;
    /* Whoever asked may be gone already: nothing to do about it. */
    g_output_stream_write_all_finish(G_OUTPUT_STREAM(source), result, NULL, NULL);
    g_io_stream_close_async(G_IO_STREAM(call->connection), G_PRIORITY_DEFAULT, NULL, on_closed,
                            call);
}

/* @answer: taken over. */
static void answer_json(Call *call, json_t *answer)
{
    char *text = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    g_autofree char *line = g_strconcat(text, "\n", NULL);
    free(text);
    GBytes *bytes = g_bytes_new_take(g_steal_pointer(&line), strlen(line));
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    GOutputStream *output = g_io_stream_get_output_stream(G_IO_STREAM(call->connection));
    g_object_set_data_full(G_OBJECT(call->connection), "answer", bytes,
                           (GDestroyNotify)g_bytes_unref);
    g_output_stream_write_all_async(output, data, size, G_PRIORITY_DEFAULT, NULL, on_written, call);
}

static void answer_error(Call *call, const GError *error)
{
    answer_json(call, json_pack("{s:b, s:s}", "ok", 0, "error", error->message));
}

static void answer_invalid(Call *call, const char *text)
{
    answer_json(call, json_pack("{s:b, s:s}", "ok", 0, "error", text));
}

static void on_text_made(const GError *error, gpointer data, gpointer user_data)
{
    Call *call = data;
    if (call->admin->is_closed)
        call_free(call);
    else if (error != NULL)
        answer_error(call, error);
    else
        answer_json(call, json_pack("{s:b, s:s}", "ok", 1, call->key, call->text));
}

static void write_and_answer(Call *call, MnbWriteFunc func)
{
    mnb_catalog_write(call->admin->catalog, func, call, NULL, on_text_made, NULL);
}

/* Whoever may use this socket is the machine's own administrator. */
static gboolean audit(MnbDb *db, gint64 now_us, const char *action, const char *what,
                      const char *id, GError **error)
{
    g_autofree char *object = g_strconcat(what, ":", id, NULL);
    return mnb_audit_append(db, now_us, "system", action, object, "{\"by\":\"command\"}", error);
}

/* ------------------------------------------------------------------ link */

static gboolean write_link(MnbDb *db, gpointer data, GError **error)
{
    Call *call = data;
    const char *event, *role_name, *label = "";
    json_int_t expires_s = 0;
    MnbRole role;
    if (json_unpack(call->request, "{s:s, s:s, s?s, s?I}", "event", &event, "role", &role_name,
                    "label", &label, "expires_s", &expires_s) != 0) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "a link needs an event and a role");
        return FALSE;
    }
    if (!mnb_role_parse(role_name, &role) || !mnb_role_is_for_links(role)) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "'%s' is no role for a link: facilitator, presenter, interpreter, participant, "
                    "observer",
                    role_name);
        return FALSE;
    }
    if (expires_s < 0 || expires_s > 10 * 366 * 86400) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "a link lives for 0 s to ten years");
        return FALSE;
    }
    gint64 now_us = g_get_real_time();
    char token[MNB_TOKEN_SIZE];
    g_autoptr(MnbLink) link = mnb_link_create(
        db, MNB_LINK_ROLE, event, NULL, role, label,
        expires_s > 0 ? now_us + expires_s * G_USEC_PER_SEC : 0, now_us, token, error);
    if (link == NULL || !audit(db, now_us, "link-create", "link", link->id, error))
        return FALSE;
    g_free(call->text);
    call->text = g_strdup_printf("%s/join#%s", call->admin->public_url, token);
    call->key = "url";
    return TRUE;
}

static void run_link(Call *call)
{
    write_and_answer(call, write_link);
}

/* ------------------------------------------------------------------ token */

enum { TOKEN_S = 30 * 86400 }; /* how long a media token lives when nothing else is said */

static gboolean write_token(MnbDb *db, gpointer data, GError **error)
{
    Call *call = data;
    const char *id, *may, *label = "";
    json_int_t expires_s = TOKEN_S;
    if (json_unpack(call->request, "{s:s, s:s, s?s, s?I}", "session", &id, "may", &may, "label",
                    &label, "expires_s", &expires_s) != 0) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "a token needs a session and what it may");
        return FALSE;
    }
    if (expires_s < 0 || expires_s > 10 * 366 * 86400) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "a token lives for 0 s to ten years");
        return FALSE;
    }
    gboolean may_publish = strcmp(may, "publish") == 0;
    if (!may_publish && strcmp(may, "receive") != 0) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "a token may 'publish' or 'receive', not '%s'", may);
        return FALSE;
    }
    g_autoptr(MnbSession) session = mnb_session_find(db, id, error);
    if (session == NULL)
        return FALSE;
    gint64 now_us = g_get_real_time();
    char token[MNB_TOKEN_SIZE];
    g_autoptr(MnbLink) link = mnb_link_create(
        db, MNB_LINK_MEDIA, session->event, session->id,
        may_publish ? MNB_ROLE_PRESENTER : MNB_ROLE_OBSERVER,
        label[0] != '\0' ? label : (may_publish ? "Encoder" : "Player"),
        expires_s > 0 ? now_us + expires_s * G_USEC_PER_SEC : 0, now_us, token, error);
    if (link == NULL || !audit(db, now_us, "token-create", "link", link->id, error))
        return FALSE;
    g_free(call->text);
    call->text = g_strdup(token);
    call->key = "token";
    return TRUE;
}

static void run_token(Call *call)
{
    write_and_answer(call, write_token);
}

static json_t *time_json(gint64 time_us)
{
    return time_us == 0 ? json_null() : json_integer(time_us / G_USEC_PER_SEC);
}

static void run_tokens(Call *call)
{
    const char *id;
    if (json_unpack(call->request, "{s:s}", "session", &id) != 0) {
        answer_invalid(call, "of which session?");
        return;
    }
    MnbDb *db = mnb_catalog_reader(call->admin->catalog);
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbSession) session = mnb_session_find(db, id, &error);
    g_autoptr(GPtrArray) links = session != NULL ? mnb_link_list_media(db, id, &error) : NULL;
    if (links == NULL) {
        answer_error(call, error);
        return;
    }
    json_t *tokens = json_array();
    for (guint i = 0; i < links->len; i++) {
        const MnbLink *link = g_ptr_array_index(links, i);
        json_array_append_new(
            tokens, json_pack("{s:s, s:s, s:s, s:i, s:o, s:o, s:o}", "id", link->id, "may",
                              link->role == MNB_ROLE_PRESENTER ? "publish" : "receive", "label",
                              link->label, "uses", link->uses, "created_s",
                              time_json(link->created_us), "expires_s", time_json(link->expires_us),
                              "revoked_s", time_json(link->revoked_us)));
    }
    answer_json(call, json_pack("{s:b, s:o}", "ok", 1, "tokens", tokens));
}

static gboolean write_token_revoke(MnbDb *db, gpointer data, GError **error)
{
    Call *call = data;
    gint64 now_us = g_get_real_time();
    g_autoptr(MnbLink) link = mnb_link_find(db, call->text, NULL);
    if (link == NULL || link->kind != MNB_LINK_MEDIA) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND, "there is no token %s", call->text);
        return FALSE;
    }
    return mnb_link_revoke(db, link->id, now_us, error) &&
           audit(db, now_us, "link-revoke", "link", link->id, error);
}

/* Who came in by it goes out at once. */
static void on_token_revoked(const GError *error, gpointer data, gpointer user_data)
{
    Call *call = data;
    if (error == NULL && !call->admin->is_closed && call->admin->on_link_revoked != NULL)
        call->admin->on_link_revoked(call->text, call->admin->data);
    on_text_made(error, data, user_data);
}

static void run_token_revoke(Call *call)
{
    const char *id;
    if (json_unpack(call->request, "{s:s}", "id", &id) != 0) {
        answer_invalid(call, "which token?");
        return;
    }
    call->text = g_strdup(id);
    call->key = "id";
    mnb_catalog_write(call->admin->catalog, write_token_revoke, call, NULL, on_token_revoked, NULL);
}

/* ------------------------------------------------------------------ user */

static gboolean write_user(MnbDb *db, gpointer data, GError **error)
{
    Call *call = data;
    const char *name;
    int is_admin = 0;
    if (json_unpack(call->request, "{s:s, s?b}", "name", &name, "is_admin", &is_admin) != 0) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "an account needs a name");
        return FALSE;
    }
    gint64 now_us = g_get_real_time();
    g_autoptr(MnbStaff) staff = mnb_staff_find_by_name(db, name, NULL);
    if (staff == NULL)
        staff = mnb_staff_create(db, name, is_admin, now_us, error);
    if (staff == NULL)
        return FALSE;
    if (staff->disabled_us != 0) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_CONFLICT,
                    "the account is disabled: manabi user enable NAME lets it in again");
        return FALSE;
    }
    char token[MNB_TOKEN_SIZE];
    if (!mnb_staff_token_create(db, staff->id, MNB_STAFF_TOKEN_SIGN_IN, now_us + MNB_STAFF_LINK_US,
                                now_us, token, error) ||
        !audit(db, now_us, "sign-in-link-create", "staff", staff->id, error))
        return FALSE;
    g_free(call->text);
    call->text = g_strdup_printf("%s/sign-in#%s", call->admin->public_url, token);
    call->key = "url";
    return TRUE;
}

static void run_user(Call *call)
{
    write_and_answer(call, write_user);
}

static gboolean set_disabled(MnbDb *db, Call *call, gboolean is_disabled, GError **error)
{
    const char *name;
    if (json_unpack(call->request, "{s:s}", "name", &name) != 0) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "which account?");
        return FALSE;
    }
    gint64 now_us = g_get_real_time();
    g_autoptr(MnbStaff) staff = mnb_staff_find_by_name(db, name, error);
    if (staff == NULL || !mnb_staff_set_disabled(db, staff->id, is_disabled, now_us, error) ||
        !audit(db, now_us, is_disabled ? "staff-disable" : "staff-enable", "staff", staff->id,
               error))
        return FALSE;
    g_free(call->text);
    call->text = g_strdup(staff->name);
    call->key = "name";
    return TRUE;
}

static gboolean write_user_disable(MnbDb *db, gpointer data, GError **error)
{
    return set_disabled(db, data, TRUE, error);
}

static gboolean write_user_enable(MnbDb *db, gpointer data, GError **error)
{
    return set_disabled(db, data, FALSE, error);
}

static void run_user_disable(Call *call)
{
    write_and_answer(call, write_user_disable);
}

static void run_user_enable(Call *call)
{
    write_and_answer(call, write_user_enable);
}

/* ------------------------------------------------------------------ import, recording */

static void on_imported(const char *recording, const GError *error, gpointer data)
{
    Call *call = data;
    if (call->admin->is_closed) {
        call_free(call);
        return;
    }
    if (error != NULL) {
        answer_error(call, error);
        return;
    }
    if (call->admin->on_jobs_changed != NULL)
        call->admin->on_jobs_changed(call->admin->data);
    answer_json(call, json_pack("{s:b, s:s}", "ok", 1, "recording", recording));
}

static void run_import(Call *call)
{
    MnbImport import = {.languages = {NULL}};
    json_t *languages = NULL;
    const char *audience = "public";
    import.title_en = import.title_ja = "";
    if (json_unpack(call->request, "{s:s, s:s, s:s, s?s, s?s, s?o, s?s}", "path", &import.path,
                    "city", &import.city, "area", &import.area, "title_en", &import.title_en,
                    "title_ja", &import.title_ja, "languages", &languages, "audience",
                    &audience) != 0) {
        answer_invalid(call, "an import needs a path, a city, an area and a title");
        return;
    }
    if (!mnb_audience_parse(audience, &import.audience)) {
        answer_invalid(call, "the audience is public, link or staff");
        return;
    }
    for (size_t i = 0; i < json_array_size(languages) && i < MNB_LANGUAGES_MAX; i++)
        import.languages[i] = json_string_value(json_array_get(languages, i));
    mnb_importer_add(call->admin->importer, &import, on_imported, call);
}

static void run_recording(Call *call)
{
    const char *id;
    if (json_unpack(call->request, "{s:s}", "recording", &id) != 0) {
        answer_invalid(call, "which recording?");
        return;
    }
    MnbDb *db = mnb_catalog_reader(call->admin->catalog);
    g_autoptr(GError) error = NULL;
    MnbProgress progress = {0};
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, id, &error);
    if (recording == NULL || !mnb_recording_progress(db, id, &progress, &error)) {
        answer_error(call, error);
        return;
    }
    answer_json(call, json_pack("{s:b, s:s, s:i, s:s?, s:s?}", "ok", 1, "state",
                                mnb_recording_state_to_string(recording->state), "permille",
                                progress.permille, "code", progress.reason_code, "reason",
                                progress.reason));
    mnb_progress_clear(&progress);
}

/* ------------------------------------------------------------------ connections */

static const Command commands[] = {
    {"link", run_link},
    {"token", run_token},
    {"tokens", run_tokens},
    {"token-revoke", run_token_revoke},
    {"user", run_user},
    {"user-disable", run_user_disable},
    {"user-enable", run_user_enable},
    {"import", run_import},
    {"recording", run_recording},
};

static void on_line(GObject *source, GAsyncResult *result, gpointer data)
{
    Call *call = data;
    gsize length = 0;
    g_autofree char *line =
        g_data_input_stream_read_line_finish(G_DATA_INPUT_STREAM(source), result, &length, NULL);
    json_error_t where;
    if (line != NULL && length <= MNB_ADMIN_LINE_MAX)
        call->request = json_loadb(line, length, JSON_REJECT_DUPLICATES, &where);
    const char *name = json_string_value(json_object_get(call->request, "do"));
    for (size_t i = 0; name != NULL && i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            commands[i].run(call);
            return;
        }
    }
    answer_invalid(call, "the request is not understood: are server and command of one version?");
}

static gboolean is_ours(GSocketConnection *connection)
{
    g_autoptr(GCredentials) peer =
        g_socket_get_credentials(g_socket_connection_get_socket(connection), NULL);
    uid_t uid = peer != NULL ? g_credentials_get_unix_user(peer, NULL) : (uid_t)-1;
    return uid == geteuid() || uid == 0;
}

static gboolean on_incoming(GSocketService *service, GSocketConnection *connection, GObject *source,
                            gpointer data)
{
    if (!is_ours(connection)) {
        MNB_LOG_WARNING("another user asked on the admin socket");
        return TRUE;
    }
    Call *call = g_new0(Call, 1);
    call->admin = data;
    call->admin->refs++;
    call->connection = g_object_ref(connection);
    g_socket_set_timeout(g_socket_connection_get_socket(connection), 60);
    call->input = g_data_input_stream_new(g_io_stream_get_input_stream(G_IO_STREAM(connection)));
    g_buffered_input_stream_set_buffer_size(G_BUFFERED_INPUT_STREAM(call->input),
                                            MNB_ADMIN_LINE_MAX);
    g_data_input_stream_read_line_async(call->input, G_PRIORITY_DEFAULT, NULL, on_line, call);
    return TRUE;
}

MnbAdmin *mnb_admin_new(const MnbAdminOptions *options, GError **error)
{
    MnbAdmin *admin = g_new0(MnbAdmin, 1);
    admin->refs = 1;
    MnbStore *store = mnb_catalog_store(options->catalog);
    admin->catalog = options->catalog;
    admin->public_url = g_strdup(options->public_url);
    admin->on_jobs_changed = options->on_jobs_changed;
    admin->on_link_revoked = options->on_link_revoked;
    admin->data = options->data;
    admin->path = g_build_filename(mnb_store_folder(store, MNB_STORE_RUN), "admin.sock", NULL);
    admin->service = g_socket_service_new();
    admin->importer = mnb_importer_new(options->catalog);
    unlink(admin->path);
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(admin->path);
    mode_t mask = umask(0177);
    gboolean is_bound = g_socket_listener_add_address(G_SOCKET_LISTENER(admin->service), address,
                                                      G_SOCKET_TYPE_STREAM,
                                                      G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, error);
    umask(mask);
    if (!is_bound) {
        g_prefix_error(error, "%s: ", admin->path);
        mnb_admin_free(admin);
        return NULL;
    }
    g_signal_connect(admin->service, "incoming", G_CALLBACK(on_incoming), admin);
    return admin;
}

void mnb_admin_free(MnbAdmin *admin)
{
    if (admin == NULL)
        return;
    g_socket_service_stop(admin->service);
    g_socket_listener_close(G_SOCKET_LISTENER(admin->service));
    g_object_unref(admin->service);
    mnb_importer_free(admin->importer);
    unlink(admin->path);
    admin->is_closed = TRUE;
    admin_unref(admin);
}
