#include "server/base/json-depth.h"
#include <string.h>

static void test_depth(void)
{
    static const struct {
        const char *text;
        guint depth;
    } cases[] = {
        {"", 0},
        {"1", 0},
        {"{}", 1},
        {"[[],[]]", 2},
        {"{\"a\":[{\"b\":[]}]}", 4},
        {"{\"[[[[\":\"\\\"[[[\"}", 1},
        {"]]]][", 1},
        {"\"[[[[", 0},
        {"\"\\", 0},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpuint(mnb_json_depth(cases[i].text, strlen(cases[i].text)), ==, cases[i].depth);
}

static void test_length(void)
{
    const char bytes[] = {'[', '\0', '[', '[', '['};
    g_assert_cmpuint(mnb_json_depth(bytes, 3), ==, 2);
    g_assert_cmpuint(mnb_json_depth(NULL, 0), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/json-depth/counts-what-is-open-outside-of-strings", test_depth);
    g_test_add_func("/base/json-depth/reads-no-further-than-it-is-told", test_length);
    return g_test_run();
}
