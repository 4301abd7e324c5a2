#include "pipelines/common/lines.h"

#include <errno.h>
#include <string.h>

static void feed(MnbLineReader *reader, const char *text)
{
    mnb_line_reader_feed(reader, text, strlen(text));
}

static void expect(MnbLineReader *reader, int result)
{
    json_t *object = NULL;
    const char *reason = NULL;
    g_assert_cmpint(mnb_line_reader_take(reader, &object, &reason), ==, result);
    g_assert_true((result == 1) == (object != NULL));
    g_assert_true((result < 0) == (reason != NULL));
    json_decref(object);
}

static void test_pieces(void)
{
    g_autoptr(MnbLineReader) reader = mnb_line_reader_new();
    feed(reader, "{\"do\":");
    expect(reader, 0);
    feed(reader, "\"stop\"}\n\n{\"a\":1}\n{");
    expect(reader, 1);
    expect(reader, 1);
    expect(reader, 0);
}

static void test_bad_line(void)
{
    g_autoptr(MnbLineReader) reader = mnb_line_reader_new();
    feed(reader, "nonsense\n[1]\n{\"a\":1,\"a\":2}\n{\"a\":\"\xff\"}\n{\"ok\":true}\n");
    for (int i = 0; i < 4; i++)
        expect(reader, -EBADMSG);
    expect(reader, 1);
}

static void test_long_line(void)
{
    g_autoptr(MnbLineReader) reader = mnb_line_reader_new();
    g_autofree char *much = g_strnfill(MNB_LINE_MAX / 2, 'x');
    feed(reader, much);
    expect(reader, 0);
    feed(reader, much);
    expect(reader, -EBADMSG);
    feed(reader, much); /* still the same line */
    expect(reader, 0);
    feed(reader, "\n{\"ok\":true}\n");
    expect(reader, 1);
    expect(reader, 0);
}

static void test_depth(void)
{
    const char *reason = NULL;
    g_autoptr(GString) deep = g_string_new("{\"a\":");
    for (int i = 0; i < MNB_LINE_DEPTH_MAX; i++)
        g_string_append_c(deep, '[');
    for (int i = 0; i < MNB_LINE_DEPTH_MAX; i++)
        g_string_append_c(deep, ']');
    g_string_append_c(deep, '}');
    g_assert_null(mnb_line_parse(deep->str, deep->len, &reason));
    g_assert_nonnull(reason);
    const char quoted[] = "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[ \\\" {{{{{{{{{{{{{{\"}";
    json_t *object = mnb_line_parse(quoted, strlen(quoted), &reason);
    g_assert_nonnull(object);
    json_decref(object);
}

static void test_text(void)
{
    g_assert_true(mnb_line_is_text("鈴木 / Suzuki", 100));
    g_assert_true(mnb_line_is_text("", 0));
    g_assert_false(mnb_line_is_text(NULL, 100));
    g_assert_false(mnb_line_is_text("two\nlines", 100));
    g_assert_false(mnb_line_is_text("\xff", 100));
    g_assert_false(mnb_line_is_text("longer", 5));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pipelines/lines/puts-pieces-together", test_pieces);
    g_test_add_func("/pipelines/lines/goes-on-after-a-bad-line", test_bad_line);
    g_test_add_func("/pipelines/lines/skips-a-line-that-is-too-long", test_long_line);
    g_test_add_func("/pipelines/lines/counts-depth-outside-of-strings", test_depth);
    g_test_add_func("/pipelines/lines/knows-text-from-bytes", test_text);
    return g_test_run();
}
