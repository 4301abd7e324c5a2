/* What is checked of a request before its body is read. */
#include "recordings/audit.h"
#include "recordings/recording.h"
#include "recordings/session.h"
#include "server/access/origin.h"
#include "server/base/error.h"
#include "server/http/asker.h"
#include "server/http/http-internal.h"
#include <string.h>

/* ---- may they ---- */

/* Returns (owned): the event that the route's first parameter belongs to; NULL when there is no
 * such thing (or no scope: then only staff passes). */
static char *find_scope(MnbHttpRequest *request)
{
    const char *id = request->match.params[0];
    switch (request->match.route->scope) {
    case MNB_SCOPE_EVENT:
        return g_strdup(id);
    case MNB_SCOPE_SESSION: {
        g_autoptr(MnbSession) session = mnb_session_find(mnb_http_request_db(request), id, NULL);
        return session != NULL ? g_strdup(session->event) : NULL;
    }
    case MNB_SCOPE_LINK: {
        g_autoptr(MnbLink) link = mnb_link_find(mnb_http_request_db(request), id, NULL);
        return link != NULL ? g_strdup(link->event) : NULL;
    }
    case MNB_SCOPE_RECORDING: {
        g_autoptr(MnbRecording) recording =
            mnb_recording_find(mnb_http_request_db(request), id, NULL);
        return recording != NULL ? g_strdup(recording->event) : NULL;
    }
    case MNB_SCOPE_NONE:
        break;
    }
    return NULL;
}

typedef struct {
    char *actor;
    char *object;
    gint64 at_us;
} Refusal;

static void free_refusal(gpointer data)
{
    Refusal *refusal = data;
    g_free(refusal->actor);
    g_free(refusal->object);
    g_free(refusal);
}

static gboolean write_refusal(MnbDb *db, gpointer data, GError **error)
{
    const Refusal *refusal = data;
    return mnb_audit_append(db, refusal->at_us, refusal->actor, "refused", refusal->object, NULL,
                            error);
}

/* Somebody whom we know tried what they may not: that belongs into the audit. */
static void note_refusal(MnbHttpRequest *request)
{
    const char *actor = request->asker.actor;
    if (mnb_rate_take(request->http->refusals, actor, mnb_http_request_now_us(request)) > 0)
        return;
    Refusal *refusal = g_new0(Refusal, 1);
    refusal->actor = g_strdup(actor);
    refusal->object = g_strdup_printf("%s %s %s", request->match.route->method,
                                      request->match.route->pattern, request->match.params[0]);
    refusal->at_us = mnb_http_request_wall_us(request);
    mnb_catalog_write(request->http->services.catalog, write_refusal, refusal, free_refusal, NULL,
                      NULL);
}

/* Returns (owned): NULL when who asks may use the route. */
static MnbProblem *check_permission(MnbHttpRequest *request)
{
    const MnbRoute *route = request->match.route;
    const MnbAsker *asker = &request->asker;
    if ((route->flags & MNB_ROUTE_ANYONE) != 0)
        return NULL;
    if ((route->flags & MNB_ROUTE_BEARER) != 0)
        mnb_staff_free(g_steal_pointer(&request->asker.staff));
    if (asker->staff == NULL && asker->link == NULL)
        return mnb_problem_new(401, "not-signed-in",
                               "this needs a link of the event or a signed-in member of the staff");
    g_autofree char *event = find_scope(request);
    const char *session = route->scope == MNB_SCOPE_SESSION ? request->match.params[0] : NULL;
    if (mnb_http_request_may(request, route->needs, event, session))
        return NULL;
    note_refusal(request);
    gboolean is_theirs = asker->link != NULL && event != NULL &&
                         strcmp(asker->link->event, event) == 0 &&
                         (session == NULL || asker->link->session == NULL ||
                          strcmp(asker->link->session, session) == 0);
    if (route->scope != MNB_SCOPE_NONE && !is_theirs && asker->staff == NULL)
        return mnb_problem_not_found();
    return mnb_problem_new(403, "not-allowed", "your role (%s) may not do this",
                           mnb_role_to_string(asker->staff != NULL ? mnb_staff_role(asker->staff)
                                                                   : asker->link->role));
}

static MnbProblem *read_query(MnbHttpRequest *request)
{
    const char *query = g_uri_get_query(soup_server_message_get_uri(request->message));
    if (query == NULL)
        return NULL;
    request->query = soup_form_decode(query);
    GHashTableIter iter;
    gpointer name, value;
    g_hash_table_iter_init(&iter, request->query);
    while (g_hash_table_iter_next(&iter, &name, &value))
        if (!g_utf8_validate(name, -1, NULL) || !g_utf8_validate(value, -1, NULL))
            return mnb_problem_new(400, "bad-query", "the query is not UTF-8");
    return NULL;
}

static MnbProblem *check_origin(MnbHttpRequest *request)
{
    const MnbRoute *route = request->match.route;
    const char *origin = mnb_http_request_header(request, "Origin");
    if (origin == NULL || strcmp(route->method, "GET") == 0 || (route->flags & MNB_ROUTE_CORS) != 0)
        return NULL;
    if (mnb_origin_is_ours(request->http->public_url, origin))
        return NULL;
    return mnb_problem_new(403, "foreign-origin",
                           "pages of other sites may not change anything here; open %s itself",
                           request->http->public_url);
}

static MnbProblem *check_body_headers(MnbHttpRequest *request)
{
    static const char *const types[] = {
        [MNB_BODY_JSON] = "application/json",
        [MNB_BODY_SDP] = "application/sdp",
        [MNB_BODY_SDP_FRAGMENT] = "application/trickle-ice-sdpfrag",
        [MNB_BODY_PDF] = "application/pdf",
        [MNB_BODY_CAPTIONS] = "application/octet-stream",
        [MNB_BODY_DOCUMENT] = "application/pdf",
        [MNB_BODY_STREAM] = "application/offset+octet-stream",
    };
    gboolean is_stream = request->match.route->body == MNB_BODY_STREAM;
    if (is_stream && strcmp(request->match.route->method, "POST") == 0 &&
        !mnb_http_request_has_body(request))
        return NULL; /* tus: created without bytes */
    guint body_max = mnb_http_body_max(request->match.route);
    SoupMessageHeaders *headers = soup_server_message_get_request_headers(request->message);
    if (!is_stream && soup_message_headers_get_encoding(headers) == SOUP_ENCODING_CONTENT_LENGTH &&
        (guint64)soup_message_headers_get_content_length(headers) > body_max)
        return mnb_problem_new(413, "too-large", "the body is larger than %u bytes", body_max);
    const char *wanted = types[request->match.route->body];
    if (wanted == NULL)
        return NULL;
    const char *type = soup_message_headers_get_content_type(headers, NULL);
    if (type != NULL && g_ascii_strcasecmp(type, wanted) == 0)
        return NULL;
    if (strcmp(request->match.route->method, "POST") == 0)
        mnb_http_request_set_header(request, "Accept-Post", wanted);
    else if (strcmp(request->match.route->method, "PATCH") == 0)
        mnb_http_request_set_header(request, "Accept-Patch", wanted);
    return mnb_problem_new(415, "wrong-type", "the body must have Content-Type: %s", wanted);
}

/* Only tokens that open nothing are counted: who has a right one is let in also from an address
 * where somebody else is guessing. */
static MnbProblem *find_asker(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    if (mnb_asker_find(mnb_http_request_db(request), mnb_http_request_header(request, "Cookie"),
                       mnb_http_request_header(request, "Authorization"),
                       mnb_http_request_wall_us(request), &request->asker, &error))
        return NULL;
    if (!g_error_matches(error, MNB_LINK_ERROR, MNB_LINK_ERROR_UNKNOWN))
        return mnb_problem_from_error(error);
    g_autofree char *key = mnb_rate_address_key(request->address);
    guint wait_s =
        mnb_rate_take(request->http->services.guesses, key, mnb_http_request_now_us(request));
    if (wait_s == 0)
        return mnb_problem_from_error(error);
    MnbProblem *problem = mnb_problem_new(
        429, "too-many", "too many wrong links from this address; wait %u s", wait_s);
    mnb_problem_set_retry_after(problem, wait_s);
    return problem;
}

static MnbProblem *check_route(MnbHttpRequest *request)
{
    const MnbRouteMatch *match = &request->match;
    if (match->allow[0] == '\0')
        return mnb_problem_not_found();
    if (match->route == NULL) {
        g_autofree char *allow = g_strconcat(match->allow, ", OPTIONS", NULL);
        mnb_http_request_set_header(request, "Allow", allow);
        return mnb_problem_new(405, "method-not-allowed", "this address takes %s", allow);
    }
    if ((match->route->flags & MNB_ROUTE_LOOPBACK) != 0 && !mnb_http_request_is_local(request))
        return mnb_problem_not_found();
    return NULL;
}

static MnbProblem *check_tus(MnbHttpRequest *request)
{
    if ((request->match.flags & MNB_ROUTE_TUS) == 0)
        return NULL;
    if (request->http->services.uploads == NULL)
        return mnb_problem_new(503, "unavailable", "no uploads are taken here");
    if (g_strcmp0(mnb_http_request_header(request, "Tus-Resumable"), "1.0.0") == 0)
        return NULL;
    mnb_http_request_set_header(request, "Tus-Version", "1.0.0");
    return mnb_problem_new(412, "wrong-version",
                           "uploads speak tus 1.0.0: send Tus-Resumable: 1.0.0");
}

/* A large body is read only from who was given a ticket for it, once. */
static MnbProblem *take_ticket(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    if (request->match.route->body != MNB_BODY_PDF)
        return NULL;
    request->slides =
        mnb_rooms_slides_take(request->http->services.rooms, request->match.params[0],
                              mnb_http_request_header(request, "Manabi-Ticket"), &error);
    if (request->slides != NULL)
        return NULL;
    if (g_error_matches(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_NOT_ALLOWED))
        return mnb_problem_new(403, "bad-ticket", "%s", error->message);
    MnbProblem *problem = mnb_problem_new(mnb_rooms_error_status(error),
                                          mnb_rooms_error_code(error), "%s", error->message);
    if (g_error_matches(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_TOO_MANY))
        mnb_problem_set_retry_after(problem, 60);
    return problem;
}

MnbProblem *mnb_http_gate_check(MnbHttpRequest *request)
{
    MnbProblem *problem = check_route(request);
    if (problem == NULL)
        problem = check_tus(request);
    if (problem == NULL && request->http->connections.length > MNB_HTTP_CONNECTIONS_MAX) {
        problem = mnb_problem_new(503, "busy", "too many requests at once; try again in a moment");
        mnb_problem_set_retry_after(problem, 1);
    }
    if (problem == NULL)
        problem = check_origin(request);
    if (problem == NULL)
        problem = read_query(request);
    if (problem == NULL)
        problem = find_asker(request);
    if (problem == NULL)
        problem = check_permission(request);
    if (problem == NULL)
        problem = check_body_headers(request);
    if (problem == NULL)
        problem = take_ticket(request);
    return problem;
}
