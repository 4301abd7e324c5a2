#include "server/access/rate.h"

#define SECOND G_USEC_PER_SEC

static void test_burst(void)
{
    MnbRate *rate = mnb_rate_new(3, 2000, 100);
    gint64 now = 100 * SECOND;
    for (int i = 0; i < 3; i++)
        g_assert_cmpuint(mnb_rate_take(rate, "a", now), ==, 0);
    g_assert_cmpuint(mnb_rate_wait(rate, "a", now), ==, 2);
    g_assert_cmpuint(mnb_rate_take(rate, "a", now), ==, 2);
    g_assert_cmpuint(mnb_rate_take(rate, "b", now), ==, 0);
    g_assert_cmpuint(mnb_rate_take(rate, "a", now + 2 * SECOND), ==, 0);
    g_assert_cmpuint(mnb_rate_take(rate, "a", now + 2 * SECOND), ==, 2);
    for (int i = 0; i < 3; i++)
        g_assert_cmpuint(mnb_rate_take(rate, "a", now + 60 * SECOND), ==, 0);
    g_assert_cmpuint(mnb_rate_take(rate, "a", now + 60 * SECOND), >, 0);
    mnb_rate_free(rate);
}

static void test_give_back(void)
{
    MnbRate *rate = mnb_rate_new(2, 1000, 100);
    gint64 now = SECOND;
    for (int i = 0; i < 50; i++) {
        g_assert_cmpuint(mnb_rate_take(rate, "a", now), ==, 0);
        mnb_rate_give_back(rate, "a", now);
    }
    mnb_rate_give_back(rate, "a", now); /* never fuller than full */
    g_assert_cmpuint(mnb_rate_take(rate, "a", now), ==, 0);
    g_assert_cmpuint(mnb_rate_take(rate, "a", now), ==, 0);
    g_assert_cmpuint(mnb_rate_take(rate, "a", now), ==, 1);
    mnb_rate_free(rate);
}

static void test_bounded(void)
{
    MnbRate *rate = mnb_rate_new(1, 1000000, 50);
    for (int i = 0; i < 1000; i++) {
        g_autofree char *key = g_strdup_printf("%d", i);
        g_assert_cmpuint(mnb_rate_take(rate, key, SECOND + i), ==, 0);
    }
    g_assert_cmpuint(mnb_rate_wait(rate, "999", SECOND + 1000), >, 0);
    g_assert_cmpuint(mnb_rate_wait(rate, "0", SECOND + 1000), ==, 0);
    mnb_rate_free(rate);
}

static void test_keys(void)
{
    const char *const same[][2] = {
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"local", "local"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(same); i++) {
        g_autofree char *a = mnb_rate_address_key(same[i][0]);
        g_autofree char *b = mnb_rate_address_key(same[i][1]);
        g_assert_cmpstr(a, ==, b);
    }
    g_autofree char *a = mnb_rate_address_key("2001:db8:1:2::1");
    g_autofree char *b = mnb_rate_address_key("2001:db8:1:3::1");
    g_assert_cmpstr(a, !=, b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/rate/allows-a-burst-and-then-one-at-a-time", test_burst);
    g_test_add_func("/http/rate/gives-back-what-was-right", test_give_back);
    g_test_add_func("/http/rate/keeps-only-so-many-keys", test_bounded);
    g_test_add_func("/http/rate/counts-a-v6-network-as-one", test_keys);
    return g_test_run();
}
