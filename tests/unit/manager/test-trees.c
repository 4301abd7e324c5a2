#include <errno.h>
#include <glib/gstdio.h>

#include "pipelines/manager/trees.h"

typedef struct {
    char *folder;
    char *next, *path, *old;
} Places;

static void make(const char *folder, const char *text)
{
    g_autofree char *file = g_build_filename(folder, "file", NULL);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_true(g_file_set_contents(file, text, -1, NULL));
}

static char *read_of(const char *folder)
{
    g_autofree char *file = g_build_filename(folder, "file", NULL);
    char *text = NULL;
    g_file_get_contents(file, &text, NULL, NULL);
    return text;
}

static void open_places(Places *places)
{
    places->folder = g_dir_make_tmp("manabi-trees-XXXXXX", NULL);
    places->next = g_build_filename(places->folder, "media.next", NULL);
    places->path = g_build_filename(places->folder, "media", NULL);
    places->old = g_build_filename(places->folder, "media.old", NULL);
}

static void close_places(Places *places)
{
    g_assert_cmpint(mnb_tree_remove(places->folder), ==, 0);
    g_assert_false(g_file_test(places->folder, G_FILE_TEST_EXISTS));
    g_free(places->folder);
    g_free(places->next);
    g_free(places->path);
    g_free(places->old);
}

static void test_replace(void)
{
    Places places;
    open_places(&places);
    for (int i = 0; i < 3; i++) {
        g_autofree char *text = g_strdup_printf("film %d", i);
        g_autofree char *before = g_strdup_printf("film %d", i - 1);
        make(places.next, text);
        g_assert_cmpint(mnb_tree_replace(places.next, places.path, places.old), ==, 0);
        g_autofree char *now = read_of(places.path);
        g_autofree char *old = read_of(places.old);
        g_assert_cmpstr(now, ==, text);
        g_assert_cmpstr(old, ==, i > 0 ? before : NULL);
        g_assert_false(g_file_test(places.next, G_FILE_TEST_EXISTS));
    }
    close_places(&places);
}

static void test_nothing_to_put(void)
{
    Places places;
    open_places(&places);
    make(places.path, "film");
    g_assert_cmpint(mnb_tree_replace(places.next, places.path, places.old), ==, -ENOENT);
    g_autofree char *now = read_of(places.path);
    g_assert_cmpstr(now, ==, "film");
    close_places(&places);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/manager/trees/puts-a-tree-in-the-place-of-another", test_replace);
    g_test_add_func("/manager/trees/keeps-what-is-there-when-nothing-comes", test_nothing_to_put);
    return g_test_run();
}
