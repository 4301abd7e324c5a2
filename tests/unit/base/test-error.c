#include <errno.h>
#include <gio/gio.h>
#include <string.h>

#include "server/base/error.h"

static void test_names_the_object(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(mnb_error_from_errno(&error, -ENOSPC, "writing %s", "film"));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_STORAGE_FULL);
    g_assert_cmpstr(error->message, ==, "writing film: No space left on device");
    g_assert_false(mnb_error_from_errno(NULL, -EIO, "nobody asks"));
}

static void test_has_a_word_for_every_code(void)
{
    g_assert_cmpstr(mnb_error_name(NULL), ==, "failed");
    for (int code = 0; code <= MNB_ERROR_FAILED; code++) {
        g_autoptr(GError) error = g_error_new(MNB_ERROR, code, "text");
        g_assert_cmpuint(strlen(mnb_error_name(error)), >, 2);
    }
    g_autoptr(GError) full = g_error_new(G_IO_ERROR, G_IO_ERROR_NO_SPACE, "text");
    g_assert_cmpstr(mnb_error_name(full), ==, "storage-full");
    g_autoptr(GError) other = g_error_new(G_MARKUP_ERROR, 0, "text");
    g_assert_cmpstr(mnb_error_name(other), ==, "failed");
    g_autoptr(GError) odd = g_error_new(MNB_ERROR, 4711, "text");
    g_assert_cmpstr(mnb_error_name(odd), ==, "failed");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/error/names-the-object-and-the-reason", test_names_the_object);
    g_test_add_func("/error/has-a-word-for-every-code", test_has_a_word_for_every_code);
    return g_test_run();
}
