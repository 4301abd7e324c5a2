/* tus 1.0.0: core, creation, creation-with-upload, expiration, checksum, termination. */
#include "recordings/audit.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/http/api.h"
#include "server/http/upload-problem.h"
#include <string.h>

/* The bytes of one request: data of its stream. Both ends may go first. */
typedef struct {
    MnbHttpRequest *request; /* held */
    MnbUploadStream *stream; /* NULL once it closed */
    char *id;
    char *location;        /* of a creation; NULL: PATCH */
    gboolean is_row_there; /* the row of a creation is on disk */
    gboolean is_closed;
    gboolean has_ended; /* all bytes of the request have come */
    gboolean is_gone;   /* the client */
    gint64 received;
    GError *error;
} Bringing;

static MnbUploads *uploads_of(MnbHttpRequest *request)
{
    return mnb_http_request_services(request)->uploads;
}

static void set_number(MnbHttpRequest *request, const char *name, gint64 number)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, number);
    mnb_http_request_set_header(request, name, text);
}

static void set_expires(MnbHttpRequest *request, gint64 expires_us)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(expires_us / G_USEC_PER_SEC);
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    g_autofree char *text = g_strdup_printf(
        "%s, %02d %s %d %02d:%02d:%02d GMT", days[g_date_time_get_day_of_week(time) - 1],
        g_date_time_get_day_of_month(time), months[g_date_time_get_month(time) - 1],
        g_date_time_get_year(time), g_date_time_get_hour(time), g_date_time_get_minute(time),
        g_date_time_get_second(time));
    mnb_http_request_set_header(request, "Upload-Expires", text);
}

/* Returns (owned): the upload of the first parameter; NULL after a problem was answered. */
static MnbUpload *find_upload(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    MnbUpload *upload =
        mnb_upload_find(mnb_http_request_db(request), mnb_http_request_param(request, 0), &error);
    if (upload == NULL)
        mnb_http_request_answer_error(request, error);
    return upload;
}

/* ---- bytes ---- */

static void bringing_free(Bringing *bringing)
{
    g_clear_error(&bringing->error);
    g_free(bringing->id);
    g_free(bringing->location);
    mnb_http_request_unref(bringing->request);
    g_free(bringing);
}

/* When everything is known: bytes are confirmed, and the row is there. */
static void answer_bytes(Bringing *bringing)
{
    MnbHttpRequest *request = bringing->request;
    if (!bringing->is_closed || (bringing->location != NULL && !bringing->is_row_there) ||
        (!bringing->has_ended && bringing->error == NULL))
        return;
    if (bringing->error != NULL) {
        mnb_http_request_answer_problem(request, mnb_upload_problem_of_error(bringing->error));
        return;
    }
    if (bringing->location != NULL)
        mnb_http_request_set_header(request, "Location", bringing->location);
    set_number(request, "Upload-Offset", bringing->received);
    set_expires(request, mnb_http_request_wall_us(request) + MNB_UPLOADS_KEPT_US);
    mnb_http_request_answer_empty(request, bringing->location != NULL ? 201 : 204);
}

static void on_room(gpointer data)
{
    mnb_http_request_go_on(((Bringing *)data)->request);
}

static void on_closed(gint64 received, const GError *error, gpointer data)
{
    Bringing *bringing = data;
    bringing->stream = NULL;
    bringing->is_closed = TRUE;
    bringing->received = received;
    if (error != NULL && bringing->error == NULL)
        bringing->error = g_error_copy(error);
    if (bringing->is_gone) {
        bringing_free(bringing);
        return;
    }
    if (!bringing->has_ended && bringing->error == NULL) /* another request took over */
        bringing->error = g_error_new_literal(MNB_ERROR, MNB_ERROR_BUSY,
                                              "another request went on with this upload");
    answer_bytes(bringing); /* a failure is told before the rest has come */
    mnb_http_request_go_on(bringing->request);
}

static const MnbUploadsCalls uploads_calls = {on_room, on_closed};

static void on_chunk(MnbHttpRequest *request, const void *bytes, gsize len, gpointer data)
{
    Bringing *bringing = data;
    if (bringing->stream != NULL && !mnb_upload_stream_push(bringing->stream, bytes, len))
        mnb_http_request_hold(request);
}

static void on_gone(MnbHttpRequest *request, gpointer data)
{
    Bringing *bringing = data;
    bringing->is_gone = TRUE;
    if (bringing->stream != NULL)
        mnb_upload_stream_cut(bringing->stream);
    else
        bringing_free(bringing);
}

static const MnbHttpStreamCalls stream_calls = {on_chunk, on_gone};

/* The body of @request goes into @upload. Returns: FALSE after a problem was answered. */
static Bringing *bring(MnbHttpRequest *request, const MnbUpload *upload)
{
    g_autoptr(GError) error = NULL;
    MnbTusChecksum checksum;
    const char *line = mnb_http_request_header(request, "Upload-Checksum");
    MnbTusResult result = line != NULL ? mnb_tus_parse_checksum(line, &checksum) : MNB_TUS_GOOD;
    if (result != MNB_TUS_GOOD) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(400, "bad-checksum",
                                     "Upload-Checksum must be one of " MNB_TUS_ALGORITHMS
                                     ", a blank, and the digest in base64"));
        return NULL;
    }
    Bringing *bringing = g_new0(Bringing, 1);
    bringing->request = mnb_http_request_ref(request);
    bringing->id = g_strdup(upload->id);
    bringing->stream =
        mnb_uploads_open(uploads_of(request), upload, line != NULL ? &checksum : NULL,
                         &uploads_calls, bringing, &error);
    if (bringing->stream == NULL) {
        mnb_http_request_answer_problem(request, mnb_upload_problem_of_error(error));
        bringing_free(bringing);
        return NULL;
    }
    mnb_http_request_stream(request, &stream_calls, bringing);
    return bringing;
}

/* After the last byte of the body. */
static void end_bytes(MnbHttpRequest *request)
{
    Bringing *bringing = mnb_http_request_stream_data(request);
    if (bringing == NULL)
        return;
    bringing->has_ended = TRUE;
    if (bringing->stream != NULL)
        mnb_upload_stream_finish(bringing->stream);
    else
        answer_bytes(bringing);
}

void mnb_api_upload_bytes(MnbHttpRequest *request)
{
    gint64 offset;
    if (!mnb_tus_parse_number(mnb_http_request_header(request, "Upload-Offset"), &offset)) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(400, "bad-offset", "Upload-Offset must be a number of bytes"));
        return;
    }
    g_autoptr(MnbUpload) upload = find_upload(request);
    if (upload == NULL)
        return;
    set_number(request, "Upload-Offset", upload->received);
    if (offset != upload->received) {
        mnb_http_request_answer_problem(
            request,
            mnb_problem_new(409, "wrong-offset",
                            "%" G_GINT64_FORMAT " bytes of this upload are here; go on there",
                            upload->received));
        return;
    }
    gint64 length;
    const char *text = mnb_http_request_header(request, "Content-Length");
    if (text != NULL && (!mnb_tus_parse_number(text, &length) || length > upload->size - offset)) {
        mnb_http_request_answer_problem(
            request,
            mnb_problem_new(413, "too-large", "this is more than Upload-Length said at first"));
        return;
    }
    if (upload->state != MNB_UPLOAD_RECEIVING) { /* nothing is missing: an empty PATCH is fine */
        mnb_http_request_answer_empty(request, 204);
        return;
    }
    bring(request, upload);
}

void mnb_api_upload_bytes_end(MnbHttpRequest *request)
{
    end_bytes(request);
}

/* ---- creation ---- */

static gboolean write_creation(MnbDb *db, gpointer data, GError **error)
{
    const MnbUpload *upload = data;
    MnbUploadSums sums;
    if (!mnb_upload_sum(db, upload->staff, NULL, NULL, &sums, error))
        return FALSE;
    if (sums.n_open >= MNB_UPLOADS_OPEN_MAX) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_LIMIT,
                    "you have %d unfinished uploads; finish or end some", sums.n_open);
        return FALSE;
    }
    return mnb_upload_insert(db, upload, upload->created_us, error);
}

static void answer_created(MnbHttpRequest *request, const MnbUpload *upload)
{
    g_autofree char *location = g_strconcat("/uploads/", upload->id, NULL);
    mnb_http_request_set_header(request, "Location", location);
    set_number(request, "Upload-Offset", 0);
    set_expires(request, upload->expires_us);
    mnb_http_request_answer_empty(request, 201);
}

static void on_created(MnbHttpRequest *request, gpointer data)
{
    Bringing *bringing = mnb_http_request_stream_data(request);
    if (bringing == NULL) {
        answer_created(request, data);
        return;
    }
    bringing->is_row_there = TRUE;
    answer_bytes(bringing);
}

static void free_upload(gpointer data)
{
    mnb_upload_free(data);
}

/* Fills in what the metadata says. Returns: FALSE after a problem was answered. */
static gboolean read_metadata(MnbHttpRequest *request, MnbUpload *upload)
{
    g_autoptr(GHashTable) pairs =
        mnb_tus_parse_metadata(mnb_http_request_header(request, "Upload-Metadata"));
    if (pairs == NULL) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(400, "bad-metadata",
                                     "Upload-Metadata must be names with values in base64, at most "
                                     "%d bytes",
                                     MNB_TUS_METADATA_MAX));
        return FALSE;
    }
    const char *name = g_hash_table_lookup(pairs, "filename");
    const char *key = g_hash_table_lookup(pairs, "key");
    const char *city = g_hash_table_lookup(pairs, "city");
    upload->file_name =
        g_utf8_substring(name != NULL ? name : "", 0,
                         MIN(name != NULL ? g_utf8_strlen(name, -1) : 0, MNB_UPLOAD_NAME_MAX));
    upload->file_key =
        g_strdup(key != NULL && g_utf8_strlen(key, -1) <= MNB_UPLOAD_KEY_MAX ? key : "");
    upload->city = city != NULL && city[0] != '\0' ? g_strdup(city) : NULL;
    return TRUE;
}

static gboolean read_length(MnbHttpRequest *request, MnbUpload *upload)
{
    const char *line = mnb_http_request_header(request, "Upload-Length");
    if (mnb_tus_parse_number(line, &upload->size) && upload->size > 0)
        return TRUE;
    mnb_http_request_answer_problem(
        request, line != NULL && upload->size == 0 && strcmp(line, "0") == 0
                     ? mnb_problem_new(422, "empty", "the file is empty")
                     : mnb_problem_new(400, "bad-length",
                                       "Upload-Length must be the number of bytes of the file"));
    return FALSE;
}

void mnb_api_upload_create(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbUpload) upload = g_new0(MnbUpload, 1);
    if (!read_length(request, upload) || !read_metadata(request, upload))
        return;
    gint64 left;
    upload->id = mnb_id_new();
    upload->staff = g_strdup(mnb_http_request_asker(request)->staff->id);
    upload->draft =
        upload->city != NULL ? g_strdup_printf("{\"city\":\"%s\"}", upload->city) : g_strdup("{}");
    if (upload->city != NULL &&
        strspn(upload->city, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(upload->city)) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(422, "unknown-city", "no city has this code"));
        return;
    }
    upload->created_us = mnb_http_request_wall_us(request);
    upload->expires_us = upload->created_us + MNB_UPLOADS_KEPT_US;
    MnbUploadsVerdict verdict = mnb_uploads_judge(uploads_of(request), upload, TRUE, &left, &error);
    if (verdict != MNB_UPLOADS_WELCOME) {
        mnb_http_request_answer_problem(
            request, mnb_upload_problem_of_verdict(verdict, upload->size, left, error));
        return;
    }
    /* The row is queued first, so that what its bytes write comes after it. */
    MnbUpload *row = upload;
    if (mnb_http_request_has_body(request)) {
        Bringing *bringing = bring(request, upload);
        if (bringing == NULL)
            return;
        bringing->location = g_strconcat("/uploads/", upload->id, NULL);
    }
    upload = NULL;
    mnb_http_request_write(request, write_creation, row, free_upload, on_created);
}

void mnb_api_upload_create_end(MnbHttpRequest *request)
{
    end_bytes(request);
}

/* ---- offset, termination ---- */

static void on_idle_offset(gpointer data)
{
    MnbHttpRequest *request = data;
    if (!mnb_http_request_is_closed(request)) {
        g_autoptr(MnbUpload) upload = find_upload(request);
        if (upload != NULL) {
            set_number(request, "Upload-Offset", upload->received);
            set_number(request, "Upload-Length", upload->size);
            set_expires(request, upload->expires_us);
            mnb_http_request_answer_empty(request, 200);
        }
    }
    mnb_http_request_unref(request);
}

/* Whoever asks for the offset wants to go on: a request whose line is dead is ended for it. */
void mnb_api_upload_offset(MnbHttpRequest *request)
{
    g_autoptr(MnbUpload) upload = find_upload(request);
    if (upload != NULL)
        mnb_uploads_when_idle(uploads_of(request), upload->id, on_idle_offset,
                              mnb_http_request_ref(request));
}

typedef struct {
    char *id;
    char *actor;
    gint64 now_us;
} Removal;

static void free_removal(gpointer data)
{
    Removal *removal = data;
    g_free(removal->id);
    g_free(removal->actor);
    g_free(removal);
}

static gboolean write_removal(MnbDb *db, gpointer data, GError **error)
{
    const Removal *removal = data;
    g_autofree char *object = g_strconcat("upload:", removal->id, NULL);
    return mnb_upload_remove(db, removal->id, error) &&
           mnb_audit_append(db, removal->now_us, removal->actor, "upload-end", object, NULL, error);
}

static void on_removed(MnbHttpRequest *request, gpointer data)
{
    mnb_uploads_forget_file(uploads_of(request), ((const Removal *)data)->id);
    mnb_http_request_answer_empty(request, 204);
}

static void on_idle_end(gpointer data)
{
    MnbHttpRequest *request = data;
    if (!mnb_http_request_is_closed(request)) {
        Removal *removal = g_new0(Removal, 1);
        removal->id = g_strdup(mnb_http_request_param(request, 0));
        removal->actor = g_strdup(mnb_http_request_asker(request)->actor);
        removal->now_us = mnb_http_request_wall_us(request);
        mnb_http_request_write(request, write_removal, removal, free_removal, on_removed);
    }
    mnb_http_request_unref(request);
}

void mnb_api_upload_end(MnbHttpRequest *request)
{
    g_autoptr(MnbUpload) upload = find_upload(request);
    if (upload == NULL)
        return;
    if (upload->state == MNB_UPLOAD_USED) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(409, "conflict",
                                     "this upload is a recording already; withdraw the recording"));
        return;
    }
    mnb_uploads_when_idle(uploads_of(request), upload->id, on_idle_end,
                          mnb_http_request_ref(request));
}
