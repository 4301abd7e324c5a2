#include "server/base/clock.h"

static void test_fake_goes_on_when_told(void)
{
    MnbClock *clock = mnb_clock_new_fake(1000, 5000);
    g_assert_cmpint(mnb_clock_now_us(clock), ==, 1000);
    mnb_clock_advance(clock, 7);
    g_assert_cmpint(mnb_clock_now_us(clock), ==, 1007);
    g_assert_cmpint(mnb_clock_wall_us(clock), ==, 5007);
    mnb_clock_free(clock);
    mnb_clock_free(NULL);
    g_assert_cmpint(mnb_clock_wall_us(NULL), >, 0);
}

static void test_writes_times(void)
{
    g_autofree char *text = mnb_time_to_rfc3339(G_GINT64_CONSTANT(1795496400999999));
    g_assert_cmpstr(text, ==, "2026-11-24T05:00:00Z");
    g_autofree char *before = mnb_time_to_rfc3339(-1);
    g_assert_cmpstr(before, ==, "1969-12-31T23:59:59Z");
    g_assert_null(mnb_time_to_rfc3339(G_MAXINT64));
}

static void test_reads_times(void)
{
    static const struct {
        const char *text;
        gint64 wall_us;
    } good[] = {
        {"2026-11-24T05:00:00Z", 1795496400000000},
        {"2026-11-24T14:00:00+09:00", 1795496400000000},
        {"2026-11-24t05:00:00.5z", 1795496400500000},
        {"2026-11-24T05:00:00.1234567Z", 1795496400123456},
        {"2016-12-31T23:59:60Z", 1483228799000000},
        {"2024-02-29T00:00:00-00:00", 1709164800000000},
    };
    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        gint64 wall_us = 0;
        g_assert_true(mnb_time_from_rfc3339(good[i].text, &wall_us));
        g_assert_cmpint(wall_us, ==, good[i].wall_us);
    }
}

static void test_refuses_what_is_no_time(void)
{
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-11-24",
                                      "2026-11-24T05:00:00",
                                      "2026-11-24T05:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-02-29T00:00:00Z",
                                      "2026-11-24T25:00:00Z",
                                      "2026-11-24T05:00:00.Z",
                                      "2026-11-24T05:00:00+9:00",
                                      "2026-11-24T05:00:00Z ",
                                      "２026-11-24T05:00:00Z",
                                      "-026-11-24T05:00:00Z",
                                      "0000-11-24T05:00:00Z"};
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        gint64 wall_us = 42;
        g_assert_false(mnb_time_from_rfc3339(bad[i], &wall_us));
        g_assert_cmpint(wall_us, ==, 42);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/clock/fake-goes-on-when-told", test_fake_goes_on_when_told);
    g_test_add_func("/clock/writes-rfc3339", test_writes_times);
    g_test_add_func("/clock/reads-rfc3339-with-any-offset", test_reads_times);
    g_test_add_func("/clock/refuses-what-is-no-time", test_refuses_what_is_no_time);
    return g_test_run();
}
