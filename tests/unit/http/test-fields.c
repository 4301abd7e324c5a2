#include "server/http/fields.h"
#include "server/http/http.h"
#include <jansson.h>
#include <string.h>

static MnbFields *read_json(const char *text)
{
    MnbProblem *problem = NULL;
    MnbFields *fields = mnb_fields_new(text, strlen(text), &problem);
    if (fields == NULL) {
        g_assert_cmpuint(mnb_problem_status(problem), ==, 400);
        g_assert_cmpstr(mnb_problem_code(problem), ==, "bad-json");
        mnb_problem_free(problem);
    }
    return fields;
}

/* The codes in order, "field:code field:code". */
static char *finish(MnbFields *fields)
{
    g_autoptr(MnbProblem) problem = mnb_fields_finish(fields);
    GString *text = g_string_new(NULL);
    mnb_fields_free(fields);
    if (problem == NULL)
        return g_string_free(text, FALSE);
    g_autofree char *dumped = mnb_problem_to_json(problem);
    json_t *json = json_loads(dumped, 0, NULL);
    gsize i;
    json_t *item;
    json_array_foreach(json_object_get(json, "errors"), i, item) g_string_append_printf(
        text, "%s%s:%s", i > 0 ? " " : "", json_string_value(json_object_get(item, "field")),
        json_string_value(json_object_get(item, "code")));
    json_decref(json);
    return g_string_free(text, FALSE);
}

#define assert_finish(fields, wanted)                                                              \
    G_STMT_START                                                                                   \
    {                                                                                              \
        g_autofree char *found_ = finish(fields);                                                  \
        g_assert_cmpstr(found_, ==, wanted);                                                       \
    }                                                                                              \
    G_STMT_END

static void test_broken_json(void)
{
    const char *const broken[] = {"",         "[]",         "{",       "{\"a\":1,\"a\":2}", "\"x\"",
                                  "{\"a\":}", "{\"a\":1}x", "{'a':1}", "{\"a\":\"\xff\"}",  "null"};
    for (guint i = 0; i < G_N_ELEMENTS(broken); i++)
        g_assert_null(read_json(broken[i]));
}

static void test_depth(void)
{
    g_autofree char *deep = g_strnfill(60000, '[');
    g_autofree char *object = g_strconcat("{\"a\":", deep, NULL);
    g_assert_null(read_json(object));
    GString *fits = g_string_new("{\"a\":");
    for (int i = 0; i < MNB_HTTP_JSON_DEPTH_MAX - 1; i++)
        g_string_append_c(fits, '[');
    for (int i = 0; i < MNB_HTTP_JSON_DEPTH_MAX - 1; i++)
        g_string_append_c(fits, ']');
    g_string_append_c(fits, '}');
    MnbFields *fields = read_json(fits->str);
    g_assert_nonnull(fields);
    mnb_fields_free(fields);
    g_string_free(fits, TRUE);
}

static void test_texts(void)
{
    const char *text = NULL;
    MnbFields *fields =
        read_json("{\"a\":\"  \\u30ab\\u3099 \",\"long\":\"abcd\",\"lines\":\"a\\nb\","
                  "\"turned\":\"a\\u202eb\",\"number\":3,\"empty\":\" \"}");
    g_assert_true(mnb_fields_text(fields, "a", 1, 10, &text));
    g_assert_cmpstr(text, ==, "ガ"); /* NFC, blanks gone */
    g_assert_false(mnb_fields_text(fields, "long", 1, 3, &text));
    g_assert_false(mnb_fields_text(fields, "lines", 1, 10, &text));
    g_assert_true(mnb_fields_text(fields, "lines", 1, 1000, &text));
    g_assert_false(mnb_fields_text(fields, "turned", 1, 10, &text));
    g_assert_false(mnb_fields_text(fields, "number", 1, 10, &text));
    g_assert_false(mnb_fields_text(fields, "empty", 1, 10, &text));
    g_assert_false(mnb_fields_text(fields, "absent", 1, 10, &text));
    assert_finish(fields, "long:too-long lines:bad-characters turned:bad-characters "
                          "number:wrong-type empty:required");
}

static void test_values(void)
{
    static const char *const choices[] = {"on", "off", NULL};
    gint64 number = 0;
    gboolean flag = FALSE;
    const char *choice = NULL;
    MnbFields *fields =
        read_json("{\"n\":60,\"big\":61,\"real\":1.5,\"f\":true,\"c\":\"off\",\"d\":\"maybe\"}");
    g_assert_true(mnb_fields_number(fields, "n", 0, 60, &number));
    g_assert_cmpint(number, ==, 60);
    g_assert_false(mnb_fields_number(fields, "big", 0, 60, &number));
    g_assert_false(mnb_fields_number(fields, "real", 0, 60, &number));
    g_assert_true(mnb_fields_flag(fields, "f", &flag));
    g_assert_true(flag);
    g_assert_false(mnb_fields_flag(fields, "n", &flag));
    g_assert_true(mnb_fields_choice(fields, "c", choices, &choice));
    g_assert_true(choice == choices[1]);
    g_assert_false(mnb_fields_choice(fields, "d", choices, &choice));
    assert_finish(fields, "big:out-of-range real:wrong-type n:wrong-type d:unknown");
}

static void test_times(void)
{
    gint64 at = 0;
    MnbFields *fields = read_json("{\"a\":\"2026-11-24T14:00:00+09:00\",\"none\":null,"
                                  "\"bad\":\"tomorrow\",\"old\":\"1850-01-01T00:00:00Z\"}");
    g_assert_true(mnb_fields_time(fields, "a", FALSE, &at));
    g_assert_cmpint(at, ==, G_GINT64_CONSTANT(1795496400) * G_USEC_PER_SEC);
    g_assert_true(mnb_fields_time(fields, "none", TRUE, &at));
    g_assert_cmpint(at, ==, 0);
    g_assert_false(mnb_fields_time(fields, "none", FALSE, &at));
    g_assert_false(mnb_fields_time(fields, "bad", FALSE, &at));
    g_assert_false(mnb_fields_time(fields, "old", FALSE, &at));
    assert_finish(fields, "none:wrong-type bad:not-a-time old:out-of-range");
}

static void test_zones(void)
{
    const char *const good[] = {"Asia/Tokyo", "UTC", "America/Argentina/Ushuaia", "Etc/GMT+5"};
    const char *const bad[] = {"",           "Asia/Nowhere",    "JST-9",      "../etc/passwd",
                               "asia tokyo", "/usr/share/zone", "+09:00",     "Asia/../Asia/Tokyo",
                               "Asia/",      "Asia/Tokyo ",     "Asia//Tokyo"};
    for (guint i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(mnb_time_zone_is_valid(good[i]));
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(mnb_time_zone_is_valid(bad[i]));
}

static void test_languages(void)
{
    char **tags = NULL;
    MnbFields *fields = read_json("{\"a\":[\"en\",\"ja\",\"zh-Hant-TW\"],\"b\":[\"en\",\"EN\"],"
                                  "\"c\":[\"english language\"],\"d\":[],\"e\":\"en\",\"f\":[1]}");
    g_assert_true(mnb_fields_languages(fields, "a", 1, 8, &tags));
    g_assert_cmpuint(g_strv_length(tags), ==, 3);
    g_assert_cmpstr(tags[2], ==, "zh-Hant-TW");
    g_strfreev(tags);
    g_assert_false(mnb_fields_languages(fields, "b", 1, 8, &tags));
    g_assert_false(mnb_fields_languages(fields, "c", 1, 8, &tags));
    g_assert_false(mnb_fields_languages(fields, "d", 1, 8, &tags));
    g_assert_false(mnb_fields_languages(fields, "e", 1, 8, &tags));
    g_assert_false(mnb_fields_languages(fields, "f", 1, 8, &tags));
    assert_finish(fields, "b:twice c:unknown d:required e:wrong-type f:wrong-type");
    const char *const bad[] = {"", "e", "-en", "en-", "en--US", "日本", "toolong", "en-x"};
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(mnb_language_is_valid(bad[i]));
}

static void test_unknown(void)
{
    MnbFields *fields = read_json("{\"titel_en\":\"x\"}");
    mnb_fields_require(fields, "title_en");
    assert_finish(fields, "title_en:required titel_en:unknown-field");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/fields/refuses-what-is-not-one-object", test_broken_json);
    g_test_add_func("/http/fields/refuses-deep-nesting-before-parsing", test_depth);
    g_test_add_func("/http/fields/reads-texts-in-characters-and-normal-form", test_texts);
    g_test_add_func("/http/fields/checks-numbers-flags-and-choices", test_values);
    g_test_add_func("/http/fields/reads-times-with-their-offset", test_times);
    g_test_add_func("/http/fields/knows-time-zones-by-their-names", test_zones);
    g_test_add_func("/http/fields/takes-language-tags-once-each", test_languages);
    g_test_add_func("/http/fields/tells-misspelt-and-missing-names", test_unknown);
    return g_test_run();
}
