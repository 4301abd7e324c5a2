#include "server/http/qr-svg.h"
#include <glib.h>
#include <string.h>

static void test_draws(void)
{
    g_autofree char *svg =
        mnb_qr_svg("https://learning.example.org/join#AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    g_assert_true(g_str_has_prefix(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\""));
    g_assert_true(g_str_has_suffix(svg, "</svg>"));
    g_assert_null(strstr(svg, "style"));
    g_assert_null(strstr(svg, "script"));
    /* the finder pattern's first row: seven dark modules after the quiet zone */
    g_assert_nonnull(strstr(svg, "M4 4h7v1h-7z"));
    g_assert_cmpuint(strlen(svg), <, 20000);
}

static void test_bounded(void)
{
    g_autofree char *text = g_strnfill(1001, 'a');
    g_assert_null(mnb_qr_svg(text));
    text[1000] = '\0';
    g_autofree char *svg = mnb_qr_svg(text);
    g_assert_nonnull(svg);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/qr-svg/draws-a-code-without-script-or-style", test_draws);
    g_test_add_func("/http/qr-svg/refuses-what-does-not-fit", test_bounded);
    return g_test_run();
}
