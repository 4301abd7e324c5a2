#include "server/access/tokens.h"
#include "server/base/error.h"
#include "server/http/problem.h"
#include "server/rooms/rooms.h"
#include <jansson.h>
#include <string.h>

static json_t *to_json(const MnbProblem *problem)
{
    g_autofree char *text = mnb_problem_to_json(problem);
    json_t *json = json_loads(text, 0, NULL);
    g_assert_nonnull(json);
    return json;
}

static const char *text_of(json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static void test_names_fields(void)
{
    g_autoptr(MnbProblem) problem = mnb_problem_new(422, "invalid", "two are %s", "wrong");
    mnb_problem_add_field(problem, "title_en", "too-long");
    mnb_problem_add_field(problem, "city", "unknown");
    json_t *json = to_json(problem);
    g_assert_cmpstr(text_of(json, "type"), ==, "/problems/invalid");
    g_assert_cmpstr(text_of(json, "title"), ==, "Unprocessable Content");
    g_assert_cmpstr(text_of(json, "detail"), ==, "two are wrong");
    g_assert_cmpstr(text_of(json, "code"), ==, "invalid");
    g_assert_cmpint(json_integer_value(json_object_get(json, "status")), ==, 422);
    json_t *second = json_array_get(json_object_get(json, "errors"), 1);
    g_assert_cmpstr(text_of(second, "field"), ==, "city");
    g_assert_cmpstr(text_of(second, "code"), ==, "unknown");
    json_decref(json);
}

static void test_many_fields(void)
{
    g_autoptr(MnbProblem) problem = mnb_problem_new(422, "invalid", "all");
    for (int i = 0; i < 1000; i++)
        mnb_problem_add_field(problem, "x", "unknown-field");
    json_t *json = to_json(problem);
    g_assert_cmpuint(json_array_size(json_object_get(json, "errors")), ==, MNB_PROBLEM_FIELDS_MAX);
    json_decref(json);
}

static void test_broken_text(void)
{
    g_autoptr(MnbProblem) problem = mnb_problem_new(400, "bad-json", "%s", "\xff\xfe \"\\");
    json_t *json = to_json(problem);
    g_assert_true(g_utf8_validate(text_of(json, "detail"), -1, NULL));
    json_decref(json);
}

static void test_errors(void)
{
    const struct {
        GQuark domain;
        int code;
        guint status;
        const char *name;
    } cases[] = {
        {MNB_ERROR, MNB_ERROR_INVALID, 422, "invalid"},
        {MNB_ERROR, MNB_ERROR_NOT_FOUND, 404, "not-found"},
        {MNB_ERROR, MNB_ERROR_DENIED, 403, "not-allowed"},
        {MNB_ERROR, MNB_ERROR_CONFLICT, 409, "conflict"},
        {MNB_ERROR, MNB_ERROR_STORAGE_FULL, 507, "storage-full"},
        {MNB_ERROR, MNB_ERROR_STORAGE, 500, "server-error"},
        {MNB_ERROR, MNB_ERROR_BUSY, 503, "unavailable"},
        {MNB_LINK_ERROR, MNB_LINK_ERROR_UNKNOWN, 401, "link-unknown"},
        {MNB_LINK_ERROR, MNB_LINK_ERROR_EXPIRED, 401, "link-expired"},
        {MNB_LINK_ERROR, MNB_LINK_ERROR_REVOKED, 401, "link-revoked"},
        {MNB_LINK_ERROR, MNB_LINK_ERROR_USED, 401, "link-used"},
        {MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_NOT_LIVE, 409, "not-live"},
        {MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_BAD_SDP, 400, "bad-sdp"},
        {MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_NOT_FOUND, 404, "not-found"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = g_error_new(cases[i].domain, cases[i].code, "the secret inside");
        g_autoptr(MnbProblem) problem = mnb_problem_from_error(error);
        g_assert_cmpuint(mnb_problem_status(problem), ==, cases[i].status);
        g_assert_cmpstr(mnb_problem_code(problem), ==, cases[i].name);
        g_autofree char *text = mnb_problem_to_json(problem);
        if (cases[i].status >= 500)
            g_assert_null(strstr(text, "secret"));
        g_assert_cmpuint(mnb_problem_retry_after(problem) > 0, ==, cases[i].status == 503);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/problem/names-every-wrong-field", test_names_fields);
    g_test_add_func("/http/problem/lists-only-so-many-fields", test_many_fields);
    g_test_add_func("/http/problem/is-json-whatever-it-tells", test_broken_text);
    g_test_add_func("/http/problem/fits-each-error-and-keeps-failures-inside", test_errors);
    return g_test_run();
}
