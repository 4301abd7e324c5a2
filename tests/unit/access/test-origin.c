#include "server/access/origin.h"

static void test_ours(void)
{
    g_assert_true(mnb_origin_is_ours("https://learn.example.org", "https://learn.example.org"));
    g_assert_true(mnb_origin_is_ours("https://learn.example.org", "https://LEARN.example.org:443"));
    g_assert_true(mnb_origin_is_ours("http://127.0.0.1:8080", "http://localhost:8080"));
    g_assert_true(mnb_origin_is_ours("http://127.0.0.1:8080", "http://[::1]:8080"));
    g_assert_true(mnb_origin_is_ours("http://[2001:db8::1]:81", "http://[2001:db8::1]:81"));
}

static void test_foreign(void)
{
    const char *const foreign[] = {"",
                                   "null",
                                   "http://learn.example.org",
                                   "https://learn.example.org:8443",
                                   "https://learn.example.org.evil.test",
                                   "https://evil.test",
                                   "https://evil.test/https://learn.example.org",
                                   "https://learn.example.org@evil.test",
                                   "https://a@learn.example.org",
                                   "https://learn.example.org/",
                                   "https://learn.example.org?x",
                                   "https://localhost",
                                   "learn.example.org",
                                   "file://",
                                   "https://learn.example.org:443x"};
    for (guint i = 0; i < G_N_ELEMENTS(foreign); i++)
        g_assert_false(mnb_origin_is_ours("https://learn.example.org", foreign[i]));
    g_assert_false(mnb_origin_is_ours("https://learn.example.org", NULL));
    g_assert_false(mnb_origin_is_ours("http://127.0.0.1:8080", "http://localhost:8081"));
    g_assert_false(mnb_origin_is_ours("http://192.0.2.1:8080", "http://localhost:8080"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/access/origin/knows-our-own-by-any-of-its-names", test_ours);
    g_test_add_func("/access/origin/refuses-everything-else", test_foreign);
    return g_test_run();
}
