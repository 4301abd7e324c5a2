#include "server/http/asker.h"

static void test_cookies(void)
{
    const char *const cases[][2] = {
        {"manabi_session=abc", "abc"},
        {"a=b; manabi_session=abc; c=d", "abc"},
        {"a=b;manabi_session=abc", "abc"},
        {"xmanabi_session=no", NULL},
        {"manabi_sessionx=no", NULL},
        {"manabi_session", NULL},
        {"", NULL},
        {"manabi_session=", ""},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *value = mnb_asker_cookie(cases[i][0], MNB_COOKIE_NAME);
        g_assert_cmpstr(value, ==, cases[i][1]);
    }
}

static void test_bearer(void)
{
    const char *const cases[][2] = {
        {"Bearer abc", "abc"},
        {"bearer  abc ", "abc"},
        {"Basic abc", NULL},
        {"Bearer", NULL},
        {"", NULL},
        {"Bearerabc", NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *token = mnb_asker_bearer(cases[i][0]);
        g_assert_cmpstr(token, ==, cases[i][1]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/asker/finds-its-cookie-among-others", test_cookies);
    g_test_add_func("/http/asker/takes-bearer-tokens-only", test_bearer);
    return g_test_run();
}
