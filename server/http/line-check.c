/* Trying the line before a session: a picture goes to a media worker and comes back. */
#include "server/http/api.h"
#include "server/rooms/line-checks.h"
#include "server/rooms/sdp.h"

static void answer_error(MnbHttpRequest *request, const GError *error)
{
    MnbProblem *problem = mnb_problem_new(mnb_rooms_error_status(error),
                                          mnb_rooms_error_code(error), "%s", error->message);
    if (g_error_matches(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_TOO_MANY))
        mnb_problem_set_retry_after(problem, MNB_LINE_CHECK_S);
    mnb_http_request_answer_problem(request, problem);
}

static void check(MnbHttpRequest *request, const char *publish, const char *receive)
{
    MnbLineChecks *checks = mnb_rooms_line_checks(mnb_http_request_services(request)->rooms);
    g_autofree char *publish_answer = NULL;
    g_autofree char *receive_answer = NULL;
    g_autoptr(GError) error = NULL;
    if (checks == NULL) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(503, "media-unavailable", "there is no media worker"));
        return;
    }
    if (!mnb_line_checks_begin(checks, publish, receive, &publish_answer, &receive_answer,
                               &error)) {
        answer_error(request, error);
        return;
    }
    mnb_http_request_answer_json(request, 201,
                                 json_pack("{s:s, s:s, s:i}", "publish", publish_answer, "receive",
                                           receive_answer, "seconds", MNB_LINE_CHECK_S));
}

void mnb_api_line_check(MnbHttpRequest *request)
{
    gsize len;
    const char *body = mnb_http_request_body(request, &len);
    const MnbLink *link = mnb_http_request_asker(request)->link;
    MnbProblem *problem = NULL;
    const char *publish = NULL;
    const char *receive = NULL;
    if (link == NULL || link->kind != MNB_LINK_ROLE) {
        mnb_http_request_answer_problem(
            request,
            mnb_problem_new(401, "link-unknown", "trying the line needs the link of an event"));
        return;
    }
    g_autoptr(MnbFields) fields = mnb_fields_new(body, len, &problem);
    if (fields != NULL) {
        mnb_fields_require(fields, "publish");
        mnb_fields_require(fields, "receive");
        mnb_fields_secret(fields, "publish", MNB_SDP_MAX, &publish);
        mnb_fields_secret(fields, "receive", MNB_SDP_MAX, &receive);
        problem = mnb_fields_finish(fields);
    }
    if (problem != NULL)
        mnb_http_request_answer_problem(request, problem);
    else if (mnb_http_takes_connection(request, mnb_http_request_services(request)->checks))
        check(request, publish, receive);
}
