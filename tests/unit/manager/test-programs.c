#include <glib/gstdio.h>
#include <string.h>

#include "pipelines/manager/programs.h"
#include "server/base/error.h"

static void test_takes_the_given_folder_first(void)
{
    g_autofree char *folder = g_dir_make_tmp("manabi-test-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "manabi-media", NULL);
    g_assert_true(
        g_file_set_contents_full(path, "#!/bin/sh\n", -1, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
    g_setenv("MANABI_LIBEXEC", folder, TRUE);
    g_autofree char *found = mnb_programs_find("manabi-media", NULL);
    g_assert_cmpstr(found, ==, path);
    g_unsetenv("MANABI_LIBEXEC");
    g_unlink(path);
    g_rmdir(folder);
}

static void test_names_what_is_missing(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(mnb_programs_find("manabi-no-such-program", &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_MISSING);
    g_assert_nonnull(strstr(error->message, "manabi-no-such-program"));
}

static void test_names_the_package_of_a_system_program(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *found = mnb_programs_find_system("sh", "dash", NULL);
    g_assert_nonnull(found);
    g_assert_null(mnb_programs_find_system("no-such-daemon", "no-such-package", &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_MISSING);
    g_assert_nonnull(strstr(error->message, "apt-get install no-such-package"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/programs/takes-the-given-folder-first", test_takes_the_given_folder_first);
    g_test_add_func("/programs/names-what-is-missing", test_names_what_is_missing);
    g_test_add_func("/programs/names-the-package-of-a-system-program",
                    test_names_the_package_of_a_system_program);
    return g_test_run();
}
