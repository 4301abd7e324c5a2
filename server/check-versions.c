#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "server/check.h"

/* The last upload to Debian 12 that closes a hole which somebody on the network can reach. From the
 * changelogs of the packages as of November 2026. */
static const struct {
    const char *package;
    const char *floor;
} floors[] = {
    {"libssl3", "3.0.22-1~deb12u2"},
    {"nginx", "1.22.1-9+deb12u11"},
    {"libsoup-3.0-0", "3.2.3-0+deb12u2"},
    {"libsqlite3-0", "3.40.1-2+deb12u2"},
    {"libgstreamer1.0-0", "1.22.0-2+deb12u1"},
    {"gstreamer1.0-plugins-base", "1.22.0-3+deb12u7"},
    {"gstreamer1.0-plugins-good", "1.22.0-5+deb12u4"},
    {"gstreamer1.0-plugins-bad", "1.22.0-4+deb12u8"},
    {"gstreamer1.0-plugins-ugly", "1.22.0-2+deb12u2"},
    {"libvpx7", "1.12.0-1+deb12u5"},
    {"libdav1d6", "1.0.0-2+deb12u1"},
};

/* Standard output of a program, or NULL when it could not be run. @is_success may be NULL. */
static char *output_of(char **argv, gboolean *is_success)
{
    g_autofree char *output = NULL;
    int status = 1;
    if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL,
                      NULL, &output, NULL, &status, NULL))
        return NULL;
    if (is_success != NULL)
        *is_success = g_spawn_check_wait_status(status, NULL);
    return g_steal_pointer(&output);
}

static gboolean is_at_least(const char *version, const char *floor)
{
    const char *argv[] = {"dpkg", "--compare-versions", version, "ge", floor, NULL};
    gboolean is_so = FALSE;
    g_free(output_of((char **)argv, &is_so));
    return is_so;
}

gboolean mnb_check_versions(void)
{
    gboolean is_good = TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(floors); i++) {
        const char *argv[] = {"dpkg-query", "--show", "--showformat=${Version}", floors[i].package,
                              NULL};
        g_autofree char *version = output_of((char **)argv, NULL);
        if (version == NULL) {
            mnb_check_note("versions", "there is no dpkg here: look yourself for security fixes");
            return is_good;
        }
        if (version[0] == '\0' || is_at_least(version, floors[i].floor))
            continue; /* not installed is told elsewhere */
        g_autofree char *detail = g_strdup_printf(
            "%s has known holes, %s or later does not: apt-get install --only-upgrade %s", version,
            floors[i].floor, floors[i].package);
        is_good = mnb_check_say(FALSE, floors[i].package, detail);
    }
    if (is_good)
        mnb_check_say(TRUE, "versions", "no package is older than its last security fix");
    return is_good;
}
