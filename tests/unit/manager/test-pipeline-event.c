#include <string.h>

#include "pipelines/manager/pipeline-event.h"
#include "server/base/error.h"

static MnbPipelineEvent *parse(const char *line, GError **error)
{
    return mnb_pipeline_event_parse(line, strlen(line), error);
}

static void test_reads_fields(void)
{
    g_autoptr(MnbPipelineEvent) progress =
        parse("{\"event\":\"progress\",\"permille\":430,\"eta_s\":12}", NULL);
    g_assert_cmpint(progress->kind, ==, MNB_PIPELINE_PROGRESS);
    g_assert_cmpint(progress->permille, ==, 430);
    g_assert_cmpint(progress->eta_s, ==, 12);
    g_autoptr(MnbPipelineEvent) failed =
        parse("{\"event\":\"failed\",\"code\":\"not-a-film\",\"reason\":\"no\\nfilm\"}", NULL);
    g_assert_cmpstr(failed->code, ==, "not-a-film");
    g_assert_cmpstr(failed->reason, ==, "no film");
    g_autoptr(MnbPipelineEvent) written =
        parse("{\"event\":\"written\",\"bytes\":5,\"lost_packets\":-1,\"gap_packets\":3.5}", NULL);
    g_assert_cmpuint(written->bytes, ==, 5);
    g_assert_cmpuint(written->lost_packets, ==, 0);
    g_assert_cmpuint(written->gap_packets, ==, 0);
}

static void test_ignores_what_it_does_not_know(void)
{
    g_autoptr(MnbPipelineEvent) event = parse("{\"event\":\"weather\",\"sun\":1}", NULL);
    g_assert_cmpint(event->kind, ==, MNB_PIPELINE_UNKNOWN);
    g_autoptr(MnbPipelineEvent) odd =
        parse("{\"event\":\"failed\",\"code\":\"No Such; Code\",\"permille\":9999}", NULL);
    g_assert_cmpstr(odd->code, ==, "");
    g_assert_cmpint(odd->permille, ==, 0);
}

static void test_refuses_nonsense(void)
{
    g_autoptr(GString) deep = g_string_new("{\"event\":\"ready\",\"x\":");
    for (int i = 0; i < 100000 / 8; i++)
        g_string_append_c(deep, '[');
    static const char *const bad[] = {"",
                                      "ready",
                                      "[]",
                                      "{}",
                                      "{\"event\":1}",
                                      "{\"event\":\"ready\"",
                                      "{\"event\":\"ready\"} x",
                                      "{\"event\":\"ready\",\"event\":\"done\"}"};
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(parse(bad[i], &error));
        g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
    }
    g_assert_null(parse(deep->str, NULL));
    g_autofree char *text = g_strnfill(70000, 'x');
    g_autofree char *huge = g_strdup_printf("{\"event\":\"ready\",\"x\":\"%s\"}", text);
    g_assert_null(parse(huge, NULL));
}

static void test_cuts_long_reasons_between_characters(void)
{
    g_autoptr(GString) line = g_string_new("{\"event\":\"failed\",\"reason\":\"");
    for (int i = 0; i < 400; i++)
        g_string_append(line, "災");
    g_string_append(line, "\"}");
    g_autoptr(MnbPipelineEvent) event = parse(line->str, NULL);
    g_assert_cmpuint(strlen(event->reason), <=, MNB_PIPELINE_REASON_MAX);
    g_assert_true(g_utf8_validate(event->reason, -1, NULL));
}

static void test_knows_what_is_worth_a_retry(void)
{
    g_assert_false(mnb_pipeline_may_retry("not-a-film"));
    g_assert_true(mnb_pipeline_may_retry("disk-full"));
    g_assert_true(mnb_pipeline_may_retry(""));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pipeline-event/reads-its-fields", test_reads_fields);
    g_test_add_func("/pipeline-event/ignores-what-it-does-not-know",
                    test_ignores_what_it_does_not_know);
    g_test_add_func("/pipeline-event/refuses-nonsense", test_refuses_nonsense);
    g_test_add_func("/pipeline-event/cuts-long-reasons-between-characters",
                    test_cuts_long_reasons_between_characters);
    g_test_add_func("/pipeline-event/knows-what-is-worth-another-attempt",
                    test_knows_what_is_worth_a_retry);
    return g_test_run();
}
