#include "server/access/permissions.h"

#include <glib.h>

/* The whole matrix once more, by hand and in the order of the enums: a change of the table has to
 * be made twice, on purpose. Columns: attend speak share chat raise-hand take-part present
 * interpret caption moderate record host edit-event manage-links plan-event see-staff
 * publish-recording import admin media-publish media-receive. */
static const char *const matrix[MNB_N_ROLES] = {
    [MNB_ROLE_VISITOR] = "- - - - - - - - - - - - - - - - - - - - -",
    [MNB_ROLE_OBSERVER] = "x - - - - - - - - - - - - - - - - - - - x",
    [MNB_ROLE_PARTICIPANT] = "x x - x x x - - - - - - - - - - - - - - x",
    [MNB_ROLE_INTERPRETER] = "x x - x x x - x x - - - - - - - - - - - x",
    [MNB_ROLE_PRESENTER] = "x x x x x x x - - - - - - - - - - - - x x",
    [MNB_ROLE_FACILITATOR] = "x x x x x x x - x x x x x x - - - - - x x",
    [MNB_ROLE_STAFF] = "- - - - - - - - - - - x x x x x x x - - -",
    [MNB_ROLE_ADMIN] = "- - - - - - - - - - - x x x x x x x x - -",
};

static void test_matrix(void)
{
    for (int role = 0; role < MNB_N_ROLES; role++) {
        g_auto(GStrv) cells = g_strsplit(matrix[role], " ", -1);
        g_assert_cmpint(g_strv_length(cells), ==, MNB_N_PERMISSIONS);
        for (int permission = 0; permission < MNB_N_PERMISSIONS; permission++) {
            gboolean expected = cells[permission][0] == 'x';
            if (mnb_role_may((MnbRole)role, (MnbPermission)permission) != expected)
                g_error("%s, %s: expected %d", mnb_role_to_string((MnbRole)role),
                        mnb_permission_to_string((MnbPermission)permission), expected);
        }
    }
}

static void test_denied_by_default(void)
{
    static const int odd[] = {-1, MNB_N_ROLES, MNB_N_ROLES + 1, 64, 1000, G_MAXINT, G_MININT};
    for (guint i = 0; i < G_N_ELEMENTS(odd); i++)
        for (int permission = 0; permission < MNB_N_PERMISSIONS; permission++)
            g_assert_false(mnb_role_may((MnbRole)odd[i], (MnbPermission)permission));
    for (int role = 0; role < MNB_N_ROLES; role++) {
        g_assert_false(mnb_role_may((MnbRole)role, MNB_N_PERMISSIONS));
        g_assert_false(mnb_role_may((MnbRole)role, (MnbPermission)-1));
        g_assert_false(mnb_role_may((MnbRole)role, (MnbPermission)63));
        g_assert_false(mnb_role_may((MnbRole)role, (MnbPermission)64));
    }
}

static void test_names(void)
{
    for (int i = 0; i < MNB_N_ROLES; i++) {
        MnbRole role = MNB_ROLE_VISITOR;
        g_assert_true(mnb_role_parse(mnb_role_to_string((MnbRole)i), &role));
        g_assert_cmpint(role, ==, i);
        g_assert_cmpint(mnb_role_is_for_links(role), ==,
                        i >= MNB_ROLE_OBSERVER && i <= MNB_ROLE_FACILITATOR);
    }
    for (int i = 0; i < MNB_N_PERMISSIONS; i++)
        g_assert_nonnull(mnb_permission_to_string((MnbPermission)i));
    MnbRole role = MNB_ROLE_OBSERVER;
    g_assert_false(mnb_role_parse("Admin", &role));
    g_assert_false(mnb_role_parse("", &role));
    g_assert_false(mnb_role_parse(NULL, &role));
    g_assert_cmpint(role, ==, MNB_ROLE_OBSERVER);
    g_assert_null(mnb_role_to_string(MNB_N_ROLES));
    g_assert_null(mnb_permission_to_string((MnbPermission)-1));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/access/permissions/are-exactly-this-matrix", test_matrix);
    g_test_add_func("/access/permissions/deny-what-is-not-in-the-table", test_denied_by_default);
    g_test_add_func("/access/permissions/have-names", test_names);
    return g_test_run();
}
