#include "recordings/cjk2.h"

#include <glib.h>
#include <string.h>

static int join_token(const char *token, int length, int start, int end, gpointer data)
{
    GString *joined = data;
    if (joined->len > 0)
        g_string_append_c(joined, ' ');
    g_string_append_len(joined, token, length);
    return 0;
}

static void assert_cut(const char *text, MnbCjk2Mode mode, const char *expected)
{
    g_autoptr(GString) joined = g_string_new(NULL);
    g_assert_cmpint(mnb_cjk2_tokenize(text, (int)strlen(text), mode, join_token, joined), ==, 0);
    g_assert_cmpstr(joined->str, ==, expected);
}

static void test_words(void)
{
    assert_cut("The Flood-Control plan, 2026!", MNB_CJK2_DOCUMENT, "the flood control plan 2026");
    assert_cut("", MNB_CJK2_DOCUMENT, "");
    assert_cut(" ?!\"*() ", MNB_CJK2_DOCUMENT, "");
}

static void test_pairs(void)
{
    assert_cut("防災計画", MNB_CJK2_DOCUMENT, "防災 災計 計画 画");
    assert_cut("防災計画", MNB_CJK2_QUERY, "防災 災計 計画");
    assert_cut("水", MNB_CJK2_DOCUMENT, "水");
    assert_cut("水", MNB_CJK2_QUERY, "水");
    assert_cut("AIで防災、第3回", MNB_CJK2_DOCUMENT, "ai で防 防災 災 第 3 回");
}

static void test_folds(void)
{
    /* Hiragana, katakana, half width (the voiced mark is a character of its own there). */
    assert_cut("ひこね", MNB_CJK2_QUERY, "ひこ こね");
    assert_cut("ヒコネ", MNB_CJK2_QUERY, "ひこ こね");
    assert_cut("ﾋｺﾈ", MNB_CJK2_QUERY, "ひこ こね");
    assert_cut("ｶﾞｽ", MNB_CJK2_QUERY, "がす");
    assert_cut("ガス", MNB_CJK2_QUERY, "がす");
    assert_cut("カ\xe3\x82\x99ス", MNB_CJK2_QUERY, "がす"); /* U+3099 */
    assert_cut("ゴミゼロ・センター", MNB_CJK2_QUERY, "ごみ みぜ ぜろ せん んた たー");
    assert_cut("ＦＬＯＯＤ２０２６", MNB_CJK2_DOCUMENT, "flood2026");
    assert_cut("São Tomé STRASSE straße", MNB_CJK2_DOCUMENT, "sao tome strasse strasse");
    assert_cut("Sa\xcc\x83o", MNB_CJK2_DOCUMENT, "sao"); /* a + U+0303 */
    assert_cut("㍿", MNB_CJK2_QUERY, "株式 式会 会社");
}

static void test_other_scripts(void)
{
    assert_cut("สวัสดี", MNB_CJK2_QUERY, "สว วั ัส สด ดี");
    assert_cut("서울시", MNB_CJK2_QUERY, "서울 울시");
    assert_cut("Đà Nẵng", MNB_CJK2_DOCUMENT, "đa nang");
    assert_cut("नमस्ते दुनिया", MNB_CJK2_DOCUMENT, "नमस्ते दुनिया");
}

static int join_offsets(const char *token, int length, int start, int end, gpointer data)
{
    g_string_append_printf(data, "%.*s@%d-%d ", length, token, start, end);
    return 0;
}

static void assert_offsets(const char *text, const char *expected)
{
    g_autoptr(GString) joined = g_string_new(NULL);
    mnb_cjk2_tokenize(text, (int)strlen(text), MNB_CJK2_DOCUMENT, join_offsets, joined);
    g_assert_cmpstr(joined->str, ==, expected);
}

static void test_offsets(void)
{
    assert_offsets(">>> ガスカン ABC", "がす@4-10 すか@7-13 かん@10-16 ん@13-16 abc@17-20 ");
    /* The voiced mark belongs to its character though it has bytes of its own. */
    assert_offsets("ｶﾞｽ é.", "がす@0-9 す@6-9 e@10-12 ");
}

static void test_long_words(void)
{
    g_autofree char *word = g_strnfill(500, 'a');
    g_autofree char *cut = g_strnfill(MNB_CJK2_TOKEN_MAX, 'a');
    assert_cut(word, MNB_CJK2_DOCUMENT, cut);
    g_autoptr(GPtrArray) words = mnb_cjk2_words(word, 10);
    g_assert_cmpint(words->len, ==, 1);
    g_assert_cmpstr(((MnbCjk2Word *)words->pdata[0])->text, ==, cut);
}

static void test_invalid(void)
{
    assert_cut("ab\xff\xfe"
               "cd\xe9\x98",
               MNB_CJK2_DOCUMENT, "ab cd");
    assert_cut("防\xe7\x81災", MNB_CJK2_DOCUMENT, "防 災");
    g_autoptr(GString) joined = g_string_new(NULL);
    mnb_cjk2_tokenize("a\0b", 3, MNB_CJK2_DOCUMENT, join_token, joined);
    g_assert_cmpstr(joined->str, ==, "a b");
}

static int stop_at_once(const char *token, int length, int start, int end, gpointer data)
{
    ++*(int *)data;
    return 7;
}

static void test_stops(void)
{
    int calls = 0;
    g_assert_cmpint(mnb_cjk2_tokenize("a b 防災", 10, MNB_CJK2_DOCUMENT, stop_at_once, &calls), ==,
                    7);
    g_assert_cmpint(calls, ==, 1);
}

static void assert_query(const char *text, const char *expected)
{
    g_autoptr(GPtrArray) words = mnb_cjk2_words(text, 12);
    g_autofree char *expression = mnb_cjk2_expression(words);
    g_assert_cmpstr(expression, ==, expected);
}

static void test_query(void)
{
    assert_query("flood control", "\"flood\" AND \"control\" *");
    assert_query("flood control ", "\"flood\" AND \"control\"");
    assert_query("防災 Fukuoka ", "\"防災\" AND \"fukuoka\"");
    assert_query("水", "\"水\" *");
    assert_query("AI防災", "\"ai\" AND \"防災\"");
    assert_query("x", "\"x\""); /* one letter goes on to nearly everything */
    assert_query("", NULL);
    assert_query(NULL, NULL);
    assert_query("?! \"", NULL);
    assert_query("a\" OR b*) NEAR(c", "\"a\" AND \"or\" AND \"b\" AND \"near\" AND \"c\"");
    g_autoptr(GPtrArray) words = mnb_cjk2_words("a b c d e f", 3);
    g_assert_cmpint(words->len, ==, 3);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recordings/cjk2/cuts-latin-text-into-words", test_words);
    g_test_add_func("/recordings/cjk2/cuts-japanese-into-pairs-and-a-last-character", test_pairs);
    g_test_add_func("/recordings/cjk2/folds-kana-width-case-and-accents", test_folds);
    g_test_add_func("/recordings/cjk2/cuts-other-scripts-without-spaces", test_other_scripts);
    g_test_add_func("/recordings/cjk2/gives-offsets-in-the-original-text", test_offsets);
    g_test_add_func("/recordings/cjk2/cuts-long-words-alike-in-text-and-query", test_long_words);
    g_test_add_func("/recordings/cjk2/survives-broken-utf8", test_invalid);
    g_test_add_func("/recordings/cjk2/stops-when-told", test_stops);
    g_test_add_func("/recordings/cjk2/makes-queries-without-syntax", test_query);
    return g_test_run();
}
