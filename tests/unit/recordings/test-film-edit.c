#include "recordings/film-edit.h"

#define S ((gint64)G_USEC_PER_SEC)

static MnbFilmEdit read_edit(const char *text)
{
    MnbFilmEdit edit;
    mnb_film_edit_read(text, 1000, &edit);
    return edit;
}

static void test_bad_lists(void)
{
    static const char *const bad[] = {"[[5000,1000]]",
                                      "[[0,50]]",
                                      "[[0,5000],[4000,9000]]",
                                      "[[0,1,2]]",
                                      "{}",
                                      "[[0,172800001]]",
                                      "[[-5,1000]]",
                                      "[[0.5,1000]]",
                                      "[[0,1000]",
                                      "\"x\"",
                                      "[[0,1000],\"x\"]",
                                      "[[1000,0],[2000,3000]]"};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        json_t *list = json_loads(bad[i], JSON_DECODE_ANY, NULL);
        MnbFilmEdit edit = {.n = 7};
        if (list != NULL)
            g_assert_false(mnb_film_edit_parse(list, 1000, &edit));
        json_decref(list);
        edit = read_edit(bad[i]);
        g_assert_cmpuint(edit.n, ==, 0); /* everything is kept */
    }
}

static void test_most_pieces(void)
{
    json_t *list = json_array();
    MnbFilmEdit edit;
    for (int i = 0; i < MNB_FILM_RANGES_MAX; i++)
        json_array_append_new(list, json_pack("[i, i]", i * 1000, i * 1000 + 500));
    g_assert_true(mnb_film_edit_parse(list, 1000, &edit));
    g_assert_cmpuint(edit.n, ==, MNB_FILM_RANGES_MAX);
    g_assert_cmpint(mnb_film_edit_length_us(&edit, 1000 * S), ==, 50 * S);
    json_t *again = mnb_film_edit_to_json(&edit, 1000);
    g_assert_true(json_equal(list, again));
    json_array_append_new(list, json_pack("[i, i]", 200000, 300000));
    g_assert_false(mnb_film_edit_parse(list, 1000, &edit));
    json_decref(list);
    json_decref(again);
}

/* captured  0--[2====4)----[6.5====10)--12   film  [0==2)[2====5.5) */
static void test_both_ways(void)
{
    static const struct {
        double captured_s, film_s;
        gboolean is_cut_out;
    } moments[] = {{0, 0, TRUE},      {2, 0, FALSE},   {3.5, 1.5, FALSE}, {4, 2, TRUE},
                   {6.4999, 2, TRUE}, {6.5, 2, FALSE}, {9.9, 5.4, FALSE}, {10, 5.5, TRUE}};
    MnbFilmEdit edit = read_edit("[[2000,4000],[6500,10000]]");
    for (gsize i = 0; i < G_N_ELEMENTS(moments); i++) {
        gboolean is_cut_out;
        gint64 captured_us = (gint64)(moments[i].captured_s * 1e6 + 0.5);
        gint64 film_us = mnb_film_edit_to_film(&edit, captured_us, &is_cut_out);
        g_assert_cmpint(film_us, ==, (gint64)(moments[i].film_s * 1e6 + 0.5));
        g_assert_cmpint(is_cut_out, ==, moments[i].is_cut_out);
        if (!is_cut_out)
            g_assert_cmpint(mnb_film_edit_to_captured(&edit, film_us), ==, captured_us);
    }
    g_assert_cmpint(mnb_film_edit_to_captured(&edit, 7 * S), ==, 11500000);
    g_assert_cmpint(mnb_film_edit_length_us(&edit, 12 * S), ==, 5500000);
    g_assert_cmpint(mnb_film_edit_length_us(&edit, 7 * S), ==, 2500000); /* it broke off */
}

static void test_everything(void)
{
    gboolean is_cut_out = TRUE;
    MnbFilmEdit edit = read_edit(NULL);
    g_assert_cmpint(mnb_film_edit_to_film(&edit, 5 * S, &is_cut_out), ==, 5 * S);
    g_assert_false(is_cut_out);
    g_assert_cmpint(mnb_film_edit_to_captured(&edit, 5 * S), ==, 5 * S);
    g_assert_cmpint(mnb_film_edit_length_us(&edit, 5 * S), ==, 5 * S);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recordings/film-edit/bad-lists-keep-everything", test_bad_lists);
    g_test_add_func("/recordings/film-edit/has-at-most-a-hundred-pieces", test_most_pieces);
    g_test_add_func("/recordings/film-edit/finds-a-moment-both-ways", test_both_ways);
    g_test_add_func("/recordings/film-edit/nothing-said-keeps-everything", test_everything);
    return g_test_run();
}
