#include "pipelines/manager/programs.h"

#include <sys/stat.h>
#include <unistd.h>

#include "server/base/error.h"

/* Relative to the folder of the running program in the build tree: build/server, build/tests/... */
static const char *const build_places[] = {"media",
                                           "pipelines",
                                           "pipelines/record",
                                           "pipelines/compose",
                                           "pipelines/transcode",
                                           "pipelines/stills",
                                           "server",
                                           "server/media"};

static gboolean is_program(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

/* Folder of the running program. Returns (owned). */
static char *own_folder(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    return self != NULL ? g_path_get_dirname(self) : g_strdup("/nonexistent");
}

/* Walks up from the program to the top of a build tree, at most five folders. */
static char *find_in_build_tree(const char *name)
{
    g_autofree char *folder = own_folder();
    for (int up = 0; up < 5; up++) {
        for (guint i = 0; i < G_N_ELEMENTS(build_places); i++) {
            g_autofree char *path = g_build_filename(folder, build_places[i], name, NULL);
            if (is_program(path))
                return g_steal_pointer(&path);
        }
        /* meson's own file says that this is a build tree's top: look no further up. */
        g_autofree char *mark = g_build_filename(folder, "build.ninja", NULL);
        char *parent = g_path_get_dirname(folder);
        g_free(folder);
        folder = parent;
        if (g_file_test(mark, G_FILE_TEST_EXISTS))
            break;
    }
    return NULL;
}

char *mnb_programs_find(const char *name, GError **error)
{
    const char *libexec = g_getenv("MANABI_LIBEXEC");
    if (libexec != NULL && libexec[0] == '/') {
        g_autofree char *path = g_build_filename(libexec, name, NULL);
        if (is_program(path))
            return g_steal_pointer(&path);
    }
    char *found = find_in_build_tree(name);
    if (found != NULL)
        return found;
    g_autofree char *folder = own_folder();
    g_autofree char *moved = g_build_filename(folder, "..", MNB_LIBEXEC_BELOW, name, NULL);
    if (is_program(moved))
        return g_canonicalize_filename(moved, NULL);
    g_autofree char *installed = g_build_filename(MNB_LIBEXEC_DIR, name, NULL);
    if (is_program(installed))
        return g_steal_pointer(&installed);
    g_set_error(error, MNB_ERROR, MNB_ERROR_MISSING,
                "the program %s is neither in the build tree around %s nor in %s: build or install "
                "the whole of Manabi, or set MANABI_LIBEXEC",
                name, folder, MNB_LIBEXEC_DIR);
    return NULL;
}

char *mnb_programs_find_system(const char *name, const char *package, GError **error)
{
    char *found = g_find_program_in_path(name);
    if (found != NULL)
        return found;
    static const char *const folders[] = {"/usr/sbin", "/sbin", "/usr/local/sbin"};
    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = g_build_filename(folders[i], name, NULL);
        if (is_program(path))
            return g_steal_pointer(&path);
    }
    g_set_error(error, MNB_ERROR, MNB_ERROR_MISSING,
                "the program %s is not installed: apt-get install %s", name, package);
    return NULL;
}

static char *web_root_at(const char *folder, const char *below)
{
    g_autofree char *root = g_build_filename(folder, below, NULL);
    g_autofree char *index = g_build_filename(root, "index.html", NULL);
    return g_file_test(index, G_FILE_TEST_IS_REGULAR) ? g_steal_pointer(&root) : NULL;
}

char *mnb_programs_find_web_root(void)
{
    const char *given = g_getenv("MANABI_WEB_ROOT");
    if (given != NULL && given[0] == '/')
        return web_root_at(given, "");
    g_autofree char *folder = own_folder();
    for (int up = 0; up < 5; up++) {
        static const char *const places[] = {"web-client/dist", "web-client/public", "web-client"};
        for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
            char *root = web_root_at(folder, places[i]);
            if (root != NULL)
                return root;
        }
        g_autofree char *mark = g_build_filename(folder, "build.ninja", NULL);
        char *parent = g_path_get_dirname(folder);
        g_free(folder);
        folder = parent;
        if (g_file_test(mark, G_FILE_TEST_EXISTS))
            break;
    }
    g_autofree char *program_folder = own_folder();
    g_autofree char *data = g_build_filename(program_folder, "..", MNB_DATA_BELOW, NULL);
    g_autofree char *moved = web_root_at(data, "web-client");
    return moved != NULL ? g_canonicalize_filename(moved, NULL)
                         : web_root_at(MNB_DATA_DIR, "web-client");
}
