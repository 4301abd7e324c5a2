#include "server/http/problem.h"
#include "server/access/tokens.h"
#include "server/base/error.h"
#include "server/rooms/rooms.h"
#include <jansson.h>
#include <libsoup/soup.h>
#include <stdarg.h>

typedef struct {
    char *field;
    char *code;
} Field;

struct MnbProblem {
    guint status;
    guint retry_after_s;
    const char *code;
    char *detail;
    guint n_fields;
    Field fields[MNB_PROBLEM_FIELDS_MAX];
};

MnbProblem *mnb_problem_new(guint status, const char *code, const char *detail, ...)
{
    g_return_val_if_fail(status >= 400 && status < 600, NULL);
    MnbProblem *problem = g_new0(MnbProblem, 1);
    va_list args;
    va_start(args, detail);
    problem->detail = g_strdup_vprintf(detail, args);
    va_end(args);
    problem->status = status;
    problem->code = code;
    return problem;
}

void mnb_problem_free(MnbProblem *problem)
{
    if (problem == NULL)
        return;
    for (guint i = 0; i < problem->n_fields; i++) {
        g_free(problem->fields[i].field);
        g_free(problem->fields[i].code);
    }
    g_free(problem->detail);
    g_free(problem);
}

MnbProblem *mnb_problem_not_found(void)
{
    return mnb_problem_new(404, "not-found",
                           "there is nothing here, or it is not open to you; check the address or "
                           "sign in");
}

static MnbProblem *problem_of_base_error(const GError *error)
{
    switch ((MnbErrorCode)error->code) {
    case MNB_ERROR_INVALID:
        return mnb_problem_new(422, "invalid", "%s", error->message);
    case MNB_ERROR_NOT_FOUND:
        return mnb_problem_not_found();
    case MNB_ERROR_DENIED:
        return mnb_problem_new(403, "not-allowed", "%s", error->message);
    case MNB_ERROR_CONFLICT:
        return mnb_problem_new(409, "conflict", "%s", error->message);
    case MNB_ERROR_STORAGE_FULL:
        return mnb_problem_new(507, "storage-full",
                               "the disk of the server is full, nothing was changed; tell whoever "
                               "runs it");
    case MNB_ERROR_LIMIT:
        return mnb_problem_new(429, "too-many", "%s", error->message);
    case MNB_ERROR_UNAVAILABLE:
    case MNB_ERROR_TIMEOUT:
    case MNB_ERROR_BUSY:
    case MNB_ERROR_MISSING: {
        MnbProblem *problem = mnb_problem_new(
            503, "unavailable", "a part of the server is not ready; try again in a moment");
        mnb_problem_set_retry_after(problem, 2);
        return problem;
    }
    case MNB_ERROR_STORAGE:
    case MNB_ERROR_DAMAGED:
    case MNB_ERROR_FAILED:
        break;
    }
    return NULL;
}

MnbProblem *mnb_problem_from_error(const GError *error)
{
    MnbProblem *problem = NULL;
    if (error != NULL && error->domain == MNB_ERROR)
        problem = problem_of_base_error(error);
    if (error != NULL && error->domain == MNB_LINK_ERROR)
        problem = mnb_problem_new(401, mnb_link_error_name(error), "%s", error->message);
    if (error != NULL && error->domain == MNB_ROOMS_ERROR) {
        guint status = mnb_rooms_error_status(error);
        if (status == 404)
            return mnb_problem_not_found();
        if (status != 500)
            problem = mnb_problem_new(status, mnb_rooms_error_code(error), "%s", error->message);
        if (status == 429 || status == 503)
            mnb_problem_set_retry_after(problem, 2);
    }
    if (problem == NULL)
        problem = mnb_problem_new(500, "server-error",
                                  "the server failed to do this and has noted why; nothing was "
                                  "changed");
    return problem;
}

void mnb_problem_add_field(MnbProblem *problem, const char *field, const char *code)
{
    if (problem->n_fields == MNB_PROBLEM_FIELDS_MAX)
        return;
    problem->fields[problem->n_fields++] = (Field){g_strdup(field), g_strdup(code)};
}

void mnb_problem_set_retry_after(MnbProblem *problem, guint seconds)
{
    problem->retry_after_s = seconds;
}

guint mnb_problem_status(const MnbProblem *problem)
{
    return problem->status;
}

const char *mnb_problem_code(const MnbProblem *problem)
{
    return problem->code;
}

guint mnb_problem_retry_after(const MnbProblem *problem)
{
    return problem->retry_after_s;
}

char *mnb_problem_to_json(const MnbProblem *problem)
{
    g_autofree char *type = g_strconcat("/problems/", problem->code, NULL);
    g_autofree char *detail = g_utf8_make_valid(problem->detail, -1);
    json_t *json = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", type, "title",
                             mnb_http_status_phrase(problem->status), "status",
                             (int)problem->status, "detail", detail, "code", problem->code);
    if (problem->n_fields > 0) {
        json_t *errors = json_array();
        for (guint i = 0; i < problem->n_fields; i++)
            json_array_append_new(errors, json_pack("{s:s, s:s}", "field", problem->fields[i].field,
                                                    "code", problem->fields[i].code));
        json_object_set_new(json, "errors", errors);
    }
    char *made = json_dumps(json, JSON_COMPACT);
    char *text = g_strdup(made);
    free(made);
    json_decref(json);
    return text;
}

const char *mnb_http_status_phrase(guint status)
{
    switch (status) { /* what libsoup 3.2 calls otherwise than RFC 9110, or does not know */
    case 413:
        return "Content Too Large";
    case 422:
        return "Unprocessable Content";
    case 428:
        return "Precondition Required";
    case 429:
        return "Too Many Requests";
    case 460: /* tus */
        return "Checksum Mismatch";
    case 507:
        return "Insufficient Storage";
    default:
        return soup_status_get_phrase(status);
    }
}
