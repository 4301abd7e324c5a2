/* The doors for encoders and players: WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep-03).
 *
 * Who asks was checked by the route: a bearer token with the permission, of this session's event.
 * What is said in SDP is the rooms' matter (server/rooms/doors.h); here is the HTTP of it. */
#include "server/http/api.h"
#include "server/rooms/doors.h"
#include <string.h>

/* One request on its way through the rooms. */
typedef struct {
    MnbHttpRequest *request;
    const char *door; /* "whip", "whep" */
    MnbDoorAsker asker;
} Call;

static Call *new_call(MnbHttpRequest *request, const char *door)
{
    const MnbLink *link = mnb_http_request_asker(request)->link;
    Call *call = g_new0(Call, 1);
    call->request = mnb_http_request_ref(request);
    call->door = door;
    call->asker = (MnbDoorAsker){
        .session = mnb_http_request_param(request, 0),
        .link = link->id,
        .role = mnb_role_to_string(link->role),
        .label = link->label != NULL ? link->label : "",
    };
    return call;
}

static void end_call(Call *call)
{
    mnb_http_request_unref(call->request);
    g_free(call);
}

static void set_etag(MnbHttpRequest *request, const char *etag)
{
    if (etag == NULL)
        return;
    g_autofree char *quoted = g_strconcat("\"", etag, "\"", NULL);
    mnb_http_request_set_header(request, "ETag", quoted);
}

static void on_opened(const MnbDoorAnswer *answer, const GError *error, gpointer data)
{
    Call *call = data;
    MnbHttpRequest *request = call->request;
    if (error != NULL) {
        mnb_http_request_answer_error(request, error);
    } else {
        g_autofree char *location = g_strdup_printf("/%s/%s/resource/%s", call->door,
                                                    call->asker.session, answer->resource);
        mnb_http_request_set_header(request, "Location", location);
        mnb_http_request_set_header(request, "Accept-Patch", "application/trickle-ice-sdpfrag");
        set_etag(request, answer->etag);
        mnb_http_request_answer_text(request, 201, "application/sdp", answer->sdp);
    }
    end_call(call);
}

gboolean mnb_http_takes_connection(MnbHttpRequest *request, MnbRate *rate)
{
    if (mnb_http_request_is_draining(request)) {
        MnbProblem *problem = mnb_problem_new(503, "draining", "the server is being restarted");
        mnb_problem_set_retry_after(problem, 5);
        mnb_http_request_answer_problem(request, problem);
        return FALSE;
    }
    if (mnb_http_request_is_local(request))
        return TRUE;
    g_autofree char *key = mnb_rate_address_key(mnb_http_request_address(request));
    guint wait_s = mnb_rate_take(rate, key, mnb_http_request_now_us(request));
    if (wait_s == 0)
        return TRUE;
    MnbProblem *problem = mnb_problem_new(
        429, "too-many", "too many new connections from this address; wait %u s", wait_s);
    mnb_problem_set_retry_after(problem, wait_s);
    mnb_http_request_answer_problem(request, problem);
    return FALSE;
}

static gboolean takes_new(MnbHttpRequest *request)
{
    return mnb_http_takes_connection(request, mnb_http_request_services(request)->posts);
}

void mnb_api_whip(MnbHttpRequest *request)
{
    if (!takes_new(request))
        return;
    gsize len;
    const char *offer = mnb_http_request_body(request, &len);
    Call *call = new_call(request, "whip");
    mnb_rooms_whip(mnb_http_request_services(request)->rooms, &call->asker, offer, len, on_opened,
                   call);
}

static void open_whep(MnbHttpRequest *request, const char *peer)
{
    if (!takes_new(request))
        return;
    gsize len;
    const char *offer = mnb_http_request_body(request, &len);
    Call *call = new_call(request, "whep");
    mnb_rooms_whep(mnb_http_request_services(request)->rooms, &call->asker, peer, offer, len,
                   on_opened, call);
}

void mnb_api_whep(MnbHttpRequest *request)
{
    open_whep(request, NULL);
}

void mnb_api_whep_peer(MnbHttpRequest *request)
{
    open_whep(request, mnb_http_request_param(request, 1));
}

static void on_patched(const MnbDoorAnswer *answer, const GError *error, gpointer data)
{
    Call *call = data;
    if (error != NULL) {
        mnb_http_request_answer_error(call->request, error);
    } else if (answer->sdp == NULL) {
        mnb_http_request_answer_empty(call->request, 204);
    } else {
        set_etag(call->request, answer->etag);
        mnb_http_request_answer_text(call->request, 200, "application/trickle-ice-sdpfrag",
                                     answer->sdp);
    }
    end_call(call);
}

/* "\"abc\"" -> "abc", "*" stays. Returns (owned): NULL for a weak tag, a list, or anything else:
 * RFC 9725 4.3.1 uses one strong entity tag. */
static char *unquote(const char *if_match)
{
    gsize len = strlen(if_match);
    if (strcmp(if_match, "*") == 0)
        return g_strdup(if_match);
    if (len < 3 || len > 200 || if_match[0] != '"' || if_match[len - 1] != '"')
        return NULL;
    char *tag = g_strndup(if_match + 1, len - 2);
    if (strchr(tag, '"') == NULL)
        return tag;
    g_free(tag);
    return NULL;
}

void mnb_api_resource_patch(MnbHttpRequest *request)
{
    gsize len;
    const char *fragment = mnb_http_request_body(request, &len);
    const char *if_match = mnb_http_request_header(request, "If-Match");
    if (if_match == NULL) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(428, "precondition-required",
                                     "a PATCH needs If-Match with the ETag of the answer, or * for "
                                     "an ICE restart"));
        return;
    }
    g_autofree char *tag = unquote(if_match);
    if (tag == NULL) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(412, "precondition-failed",
                                     "If-Match is not the ETag of this resource"));
        return;
    }
    Call *call = new_call(request, NULL);
    mnb_rooms_resource_patch(mnb_http_request_services(request)->rooms, &call->asker,
                             mnb_http_request_param(request, 1), tag, fragment, len, on_patched,
                             call);
}

static void on_deleted(const MnbDoorAnswer *answer, const GError *error, gpointer data)
{
    Call *call = data;
    if (error != NULL)
        mnb_http_request_answer_error(call->request, error);
    else
        mnb_http_request_answer_empty(call->request, 200);
    end_call(call);
}

void mnb_api_resource_delete(MnbHttpRequest *request)
{
    Call *call = new_call(request, NULL);
    mnb_rooms_resource_delete(mnb_http_request_services(request)->rooms, &call->asker,
                              mnb_http_request_param(request, 1), on_deleted, call);
}
