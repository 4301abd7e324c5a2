#include "server/http/request.h"
#include "recordings/caption-file.h"
#include "recordings/product.h"
#include "server/base/log.h"
#include "server/http/asker.h"
#include "server/http/http-internal.h"
#include "server/http/routes.h"
#include <stdlib.h>
#include <string.h>

#define KEY      "mnb-request"
#define PAGE_MAX 100000
#define IGNORED_MAX                                                                                \
    (1024 * 1024) /* bytes of a refused body that are read before the line is cut                  \
                   */
#define TOUCH_US G_USEC_PER_SEC

MnbHttpRequest *mnb_http_request_ref(MnbHttpRequest *request)
{
    request->refs++;
    return request;
}

void mnb_http_request_unref(MnbHttpRequest *request)
{
    if (--request->refs > 0)
        return;
    mnb_asker_clear(&request->asker);
    g_clear_pointer(&request->query, g_hash_table_unref);
    g_byte_array_unref(request->body);
    mnb_slides_ticket_free(request->slides);
    mnb_http_unref(request->http);
    g_free(request);
}

/* ---- what is asked ---- */

const MnbServices *mnb_http_request_services(MnbHttpRequest *request)
{
    return &request->http->services;
}

MnbHttp *mnb_http_request_http(MnbHttpRequest *request)
{
    return request->http;
}

const MnbAsker *mnb_http_request_asker(MnbHttpRequest *request)
{
    return &request->asker;
}

MnbDb *mnb_http_request_db(MnbHttpRequest *request)
{
    return mnb_catalog_reader(request->http->services.catalog);
}

gint64 mnb_http_request_wall_us(MnbHttpRequest *request)
{
    return mnb_clock_wall_us(request->http->services.clock);
}

gint64 mnb_http_request_now_us(MnbHttpRequest *request)
{
    return mnb_clock_now_us(request->http->services.clock);
}

const char *mnb_http_request_param(MnbHttpRequest *request, guint i)
{
    g_return_val_if_fail(i < MNB_ROUTE_PARAMS_MAX, NULL);
    return request->match.params[i];
}

const char *mnb_http_request_rest(MnbHttpRequest *request)
{
    return request->match.rest;
}

const char *mnb_http_request_query(MnbHttpRequest *request, const char *name)
{
    return request->query != NULL ? g_hash_table_lookup(request->query, name) : NULL;
}

const char *mnb_http_request_header(MnbHttpRequest *request, const char *name)
{
    if (request->message == NULL)
        return NULL;
    return soup_message_headers_get_one(soup_server_message_get_request_headers(request->message),
                                        name);
}

const char *mnb_http_request_body(MnbHttpRequest *request, gsize *len_out)
{
    *len_out = request->body->len;
    return request->body->len > 0 ? (const char *)request->body->data : "";
}

const char *mnb_http_request_address(MnbHttpRequest *request)
{
    return request->address;
}

gboolean mnb_http_request_is_local(MnbHttpRequest *request)
{
    return strcmp(request->address, "local") == 0 || strcmp(request->address, "::1") == 0 ||
           g_str_has_prefix(request->address, "127.");
}

gboolean mnb_http_request_is_draining(MnbHttpRequest *request)
{
    return request->http->state == MNB_HTTP_DRAINING;
}

gboolean mnb_http_request_is_gone(MnbHttpRequest *request)
{
    return request->is_gone || request->http->is_closed;
}

gboolean mnb_http_request_is_closed(MnbHttpRequest *request)
{
    return request->http->is_closed;
}

static gboolean read_number(const char *text, guint max, guint *number_out)
{
    guint64 number;
    if (text == NULL)
        return TRUE;
    if (!g_ascii_string_to_unsigned(text, 10, 1, max, &number, NULL))
        return FALSE;
    *number_out = (guint)number;
    return TRUE;
}

gboolean mnb_http_request_page(MnbHttpRequest *request, guint *page_out, guint *per_page_out)
{
    *page_out = 1;
    *per_page_out = 24;
    MnbProblem *problem = NULL;
    if (!read_number(mnb_http_request_query(request, "page"), PAGE_MAX, page_out))
        problem = mnb_problem_new(422, "invalid", "page must be a number from 1 to %d", PAGE_MAX);
    else if (!read_number(mnb_http_request_query(request, "per_page"), 100, per_page_out))
        problem = mnb_problem_new(422, "invalid", "per_page must be a number from 1 to 100");
    if (problem == NULL)
        return TRUE;
    mnb_http_request_answer_problem(request, problem);
    return FALSE;
}

MnbFields *mnb_http_request_fields(MnbHttpRequest *request)
{
    MnbProblem *problem = NULL;
    gsize len;
    const char *body = mnb_http_request_body(request, &len);
    MnbFields *fields = mnb_fields_new(body, len, &problem);
    if (fields == NULL)
        mnb_http_request_answer_problem(request, problem);
    return fields;
}

/* ---- answers ---- */

void mnb_http_request_set_header(MnbHttpRequest *request, const char *name, const char *value)
{
    if (request->message == NULL || request->is_answered)
        return;
    soup_message_headers_replace(soup_server_message_get_response_headers(request->message), name,
                                 value);
}

static void set_common_headers(MnbHttpRequest *request)
{
    SoupMessageHeaders *headers = soup_server_message_get_response_headers(request->message);
    if (soup_message_headers_get_one(headers, "Cache-Control") == NULL)
        soup_message_headers_replace(headers, "Cache-Control", "no-store");
    if ((request->match.flags & MNB_ROUTE_CORS) != 0) {
        soup_message_headers_replace(headers, "Access-Control-Allow-Origin", "*");
        soup_message_headers_replace(
            headers, "Access-Control-Expose-Headers",
            "Location, ETag, Link, Accept-Post, Accept-Patch, Retry-After");
    }
}

static void answer(MnbHttpRequest *request, guint status, const char *type, const char *body,
                   gsize len)
{
    if (request->is_answered)
        return;
    request->http->n_answers[MIN(status, 599)]++;
    if (mnb_http_request_is_gone(request) || request->message == NULL) {
        request->is_answered = TRUE;
        return;
    }
    set_common_headers(request);
    request->is_answered = TRUE;
    soup_server_message_set_status(request->message, status, mnb_http_status_phrase(status));
    if (type != NULL)
        soup_server_message_set_response(request->message, type, SOUP_MEMORY_COPY, body, len);
    if (request->is_paused) {
        request->is_paused = FALSE;
        soup_server_message_unpause(request->message);
    }
}

void mnb_http_request_answer_json(MnbHttpRequest *request, guint status, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text == NULL) { /* not enough memory, or invalid UTF-8 in the catalogue */
        mnb_http_request_answer_error(request, NULL);
        return;
    }
    answer(request, status, "application/json", text, strlen(text));
    free(text);
}

void mnb_http_request_answer_text(MnbHttpRequest *request, guint status, const char *type,
                                  const char *text)
{
    answer(request, status, type, text, strlen(text));
}

void mnb_http_request_answer_empty(MnbHttpRequest *request, guint status)
{
    answer(request, status, NULL, NULL, 0);
}

void mnb_http_request_answer_problem(MnbHttpRequest *request, MnbProblem *problem)
{
    g_autofree char *text = mnb_problem_to_json(problem);
    guint status = mnb_problem_status(problem);
    guint retry_after_s = mnb_problem_retry_after(problem);
    if (retry_after_s > 0) {
        g_autofree char *seconds = g_strdup_printf("%u", retry_after_s);
        mnb_http_request_set_header(request, "Retry-After", seconds);
    }
    if (status == 401)
        mnb_http_request_set_header(request, "WWW-Authenticate", "Bearer");
    mnb_http_request_set_header(request, "Cache-Control", "no-store");
    mnb_problem_free(problem);
    answer(request, status, "application/problem+json", text, strlen(text));
}

void mnb_http_request_answer_not_found(MnbHttpRequest *request)
{
    mnb_http_request_answer_problem(request, mnb_problem_not_found());
}

void mnb_http_request_answer_error(MnbHttpRequest *request, const GError *error)
{
    MnbProblem *problem = mnb_problem_from_error(error);
    if (mnb_problem_status(problem) >= 500)
        MNB_LOG_WARNING("request failed", "route=%s status=%u reason=%s",
                        request->match.route != NULL ? request->match.route->pattern : "-",
                        mnb_problem_status(problem),
                        error != NULL ? error->message : "the answer could not be written");
    mnb_http_request_answer_problem(request, problem);
}

/* ---- writing ---- */

typedef struct {
    MnbHttpRequest *request;
    MnbWriteFunc func;
    gpointer data;
    GDestroyNotify destroy;
    void (*then)(MnbHttpRequest *request, gpointer data);
} Write;

static gboolean run_write(MnbDb *db, gpointer data, GError **error)
{
    Write *write = data;
    return write->func(db, write->data, error);
}

static void on_written(const GError *error, gpointer data, gpointer user_data)
{
    Write *write = data;
    if (write->request->http->is_closed)
        return;
    if (error != NULL)
        mnb_http_request_answer_error(write->request, error);
    else
        write->then(write->request, write->data);
}

static void free_write(gpointer data)
{
    Write *write = data;
    if (write->destroy != NULL)
        write->destroy(write->data);
    mnb_http_request_unref(write->request);
    g_free(write);
}

void mnb_http_request_write(MnbHttpRequest *request, MnbWriteFunc func, gpointer data,
                            GDestroyNotify destroy,
                            void (*then)(MnbHttpRequest *request, gpointer data))
{
    Write *write = g_new0(Write, 1);
    *write = (Write){mnb_http_request_ref(request), func, data, destroy, then};
    mnb_catalog_write(request->http->services.catalog, run_write, write, free_write, on_written,
                      NULL);
}

/* ---- may they ---- */

gboolean mnb_http_request_may(MnbHttpRequest *request, MnbPermission permission, const char *event,
                              const char *session)
{
    const MnbAsker *asker = &request->asker;
    if (mnb_role_may(mnb_staff_role(asker->staff), permission))
        return TRUE;
    const MnbLink *link = asker->link;
    if (link == NULL || event == NULL || strcmp(link->event, event) != 0)
        return FALSE;
    if (link->session != NULL && session != NULL && strcmp(link->session, session) != 0)
        return FALSE;
    return mnb_link_may(link, permission);
}

/* ---- bodies that are taken as they come ---- */

void mnb_http_request_stream(MnbHttpRequest *request, const MnbHttpStreamCalls *calls,
                             gpointer data)
{
    request->stream_calls = calls;
    request->stream_data = data;
    request->touched_us = g_get_monotonic_time();
}

gpointer mnb_http_request_stream_data(MnbHttpRequest *request)
{
    return request->stream_calls != NULL ? request->stream_data : NULL;
}

void mnb_http_request_hold(MnbHttpRequest *request)
{
    if (request->message == NULL || request->is_held)
        return;
    request->is_held = TRUE;
    soup_server_message_pause(request->message);
}

void mnb_http_request_go_on(MnbHttpRequest *request)
{
    if (!request->is_held)
        return;
    request->is_held = FALSE;
    if (request->message != NULL && !mnb_http_request_is_gone(request))
        soup_server_message_unpause(request->message);
}

gboolean mnb_http_request_has_body(MnbHttpRequest *request)
{
    SoupMessageHeaders *headers = soup_server_message_get_request_headers(request->message);
    SoupEncoding encoding = soup_message_headers_get_encoding(headers);
    return encoding == SOUP_ENCODING_CHUNKED ||
           (encoding == SOUP_ENCODING_CONTENT_LENGTH &&
            soup_message_headers_get_content_length(headers) > 0);
}

/* ---- from the headers to the handler ---- */

static void read_address(MnbHttpRequest *request)
{
    struct in6_addr parsed;
    const char *address = mnb_http_request_header(request, "X-Forwarded-For");
    gboolean is_address = address != NULL && (inet_pton(AF_INET, address, &parsed) == 1 ||
                                              inet_pton(AF_INET6, address, &parsed) == 1);
    g_strlcpy(request->address, is_address ? address : "local", sizeof request->address);
}

guint mnb_http_body_max(const MnbRoute *route)
{
    switch (route->body) {
    case MNB_BODY_PDF:
        return MNB_SLIDES_BYTES_MAX;
    case MNB_BODY_CAPTIONS:
        return MNB_CAPTION_FILE_MAX;
    case MNB_BODY_DOCUMENT:
        return MNB_PRODUCT_DOCUMENT_MAX;
    default:
        return MNB_HTTP_BODY_MAX;
    }
}

static void on_chunk(SoupServerMessage *message, GBytes *chunk, gpointer data)
{
    MnbHttpRequest *request = data;
    gsize len;
    const guint8 *bytes = g_bytes_get_data(chunk, &len);
    if (request->is_answered || request->is_too_large) {
        request->n_ignored += len;
        if (request->n_ignored > IGNORED_MAX)
            mnb_http_cut(request->http, message);
        return;
    }
    if (request->stream_calls != NULL) {
        gint64 now_us = g_get_monotonic_time();
        if (now_us - request->touched_us >= TOUCH_US) {
            request->touched_us = now_us;
            mnb_http_touch(request->http, message);
        }
        request->stream_calls->chunk(request, bytes, len, request->stream_data);
        return;
    }
    if (request->match.route == NULL ||
        request->body->len + len > mnb_http_body_max(request->match.route)) {
        request->is_too_large = TRUE;
        g_byte_array_set_size(request->body, 0);
        return;
    }
    g_byte_array_append(request->body, bytes, (guint)len);
}

/* The last of a message, answered or not. */
static void on_finished(SoupServerMessage *message, gpointer data)
{
    MnbHttpRequest *request = data;
    request->is_gone = TRUE;
    const MnbHttpStreamCalls *calls = g_steal_pointer(&request->stream_calls);
    if (calls != NULL)
        calls->gone(request, request->stream_data);
    g_clear_object(&request->message);
}

static void set_tus_headers(MnbHttpRequest *request, gboolean is_options)
{
    if ((request->match.flags & MNB_ROUTE_TUS) == 0)
        return;
    mnb_http_request_set_header(request, "Tus-Resumable", "1.0.0");
    MnbUploads *uploads = request->http->services.uploads;
    if (!is_options || uploads == NULL)
        return;
    g_autofree char *max = g_strdup_printf("%" G_GINT64_FORMAT, mnb_uploads_max_bytes(uploads));
    mnb_http_request_set_header(request, "Tus-Version", "1.0.0");
    mnb_http_request_set_header(request, "Tus-Max-Size", max);
    mnb_http_request_set_header(request, "Tus-Extension",
                                "creation,creation-with-upload,expiration,checksum,termination");
    mnb_http_request_set_header(request, "Tus-Checksum-Algorithm", MNB_TUS_ALGORITHMS);
}

static void answer_options(MnbHttpRequest *request)
{
    set_tus_headers(request, TRUE);
    g_autofree char *allow = g_strconcat(request->match.allow, ", OPTIONS", NULL);
    mnb_http_request_set_header(request, "Allow", allow);
    if ((request->match.flags & MNB_ROUTE_CORS) != 0) {
        mnb_http_request_set_header(request, "Access-Control-Allow-Methods", allow);
        mnb_http_request_set_header(request, "Access-Control-Allow-Headers",
                                    "Authorization, Content-Type, If-Match");
        mnb_http_request_set_header(request, "Access-Control-Max-Age", "86400");
        if (strstr(allow, "POST") != NULL)
            mnb_http_request_set_header(request, "Accept-Post", "application/sdp");
        if (strstr(allow, "PATCH") != NULL)
            mnb_http_request_set_header(request, "Accept-Patch", "application/trickle-ice-sdpfrag");
    }
    mnb_http_request_answer_empty(request, 204);
}

void mnb_http_request_begin(MnbHttp *http, SoupServerMessage *message)
{
    gsize n_routes;
    const MnbRoute *routes = mnb_routes(&n_routes);
    const char *method = soup_server_message_get_method(message);
    const char *path = g_uri_get_path(soup_server_message_get_uri(message));
    MnbHttpRequest *request = g_new0(MnbHttpRequest, 1);
    request->refs = 1;
    request->http = mnb_http_ref(http);
    request->message = g_object_ref(message);
    request->body = g_byte_array_new();
    g_strlcpy(request->asker.actor, "visitor", sizeof request->asker.actor);
    g_object_set_data_full(G_OBJECT(message), KEY, request, (GDestroyNotify)mnb_http_request_unref);
    soup_message_body_set_accumulate(soup_server_message_get_request_body(message), FALSE);
    /* libsoup would cut our answer into ranges, a thousand of them if asked (CVE-2025-32907). */
    soup_message_headers_remove(soup_server_message_get_request_headers(message), "Range");
    g_signal_connect(message, "got-chunk", G_CALLBACK(on_chunk), request);
    g_signal_connect(message, "finished", G_CALLBACK(on_finished), request);
    read_address(request);
    /* tus: for clients that cannot say PATCH or DELETE. */
    const char *instead = mnb_http_request_header(request, "X-HTTP-Method-Override");
    if (instead != NULL && strcmp(method, "POST") == 0 && g_str_has_prefix(path, "/uploads/"))
        method = instead;
    mnb_router_match(routes, n_routes, method, path, &request->match);
    if (strcmp(method, "OPTIONS") == 0 && request->match.allow[0] != '\0') {
        answer_options(request);
        return;
    }
    set_tus_headers(request, FALSE);
    MnbProblem *problem = mnb_http_gate_check(request);
    if (problem != NULL)
        mnb_http_request_answer_problem(request, problem);
    else if (request->match.route->begin != NULL)
        request->match.route->begin(request);
}

void mnb_http_request_run(SoupServerMessage *message)
{
    MnbHttpRequest *request = g_object_get_data(G_OBJECT(message), KEY);
    if (request == NULL || request->is_answered)
        return;
    if (request->is_too_large) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(413, "too-large", "the body is larger than %u bytes",
                                     mnb_http_body_max(request->match.route)));
        return;
    }
    mnb_http_request_ref(request);
    request->match.route->run(request);
    if (!request->is_answered && request->message != NULL) {
        request->is_paused = TRUE;
        soup_server_message_pause(request->message);
    }
    mnb_http_request_unref(request);
}
