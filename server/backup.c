#include "server/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recordings/catalog-file.h"
#include "server/base/error.h"

#define CATALOGUE  "catalogue.db"
#define CONFIG     "manabi.ini"
#define RECORDINGS "recordings"
#define DEPTH_MAX  16
#define UNFINISHED ".copying"

typedef struct {
    const char *from, *to; /* folders */
    MnbBackupCount *count;
    gboolean is_mirror; /* remove what @from no longer has */
} Copy;

/* Half-made things have these names everywhere (recordings/store.h, docs/pipelines.md). */
static gboolean is_half_made(const char *name)
{
    return g_str_has_suffix(name, ".tmp") || g_str_has_suffix(name, ".part") ||
           g_str_has_suffix(name, UNFINISHED);
}

static gboolean make_folder(const char *path, GError **error)
{
    return g_mkdir_with_parents(path, 0700) == 0 || mnb_error_from_errno(error, -errno, "%s", path);
}

static gboolean copy_file(const Copy *copy, const char *from, const char *to, GError **error)
{
    struct stat source, target;
    if (lstat(from, &source) != 0)
        return errno == ENOENT || mnb_error_from_errno(error, -errno, "%s", from); /* gone since */
    if (lstat(to, &target) == 0 && target.st_size == source.st_size &&
        target.st_mtim.tv_sec == source.st_mtim.tv_sec &&
        target.st_mtim.tv_nsec == source.st_mtim.tv_nsec) {
        copy->count->kept++;
        return TRUE;
    }
    g_autofree char *half = g_strconcat(to, UNFINISHED, NULL);
    g_autoptr(GFile) source_file = g_file_new_for_path(from);
    g_autoptr(GFile) half_file = g_file_new_for_path(half);
    g_autoptr(GError) cause = NULL;
    if (!g_file_copy(source_file, half_file,
                     G_FILE_COPY_OVERWRITE | G_FILE_COPY_NOFOLLOW_SYMLINKS |
                         G_FILE_COPY_TARGET_DEFAULT_PERMS,
                     NULL, NULL, NULL, &cause)) {
        g_unlink(half);
        if (g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
            return TRUE;
        g_set_error(error, MNB_ERROR,
                    g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_NO_SPACE) ? MNB_ERROR_STORAGE_FULL
                                                                            : MNB_ERROR_STORAGE,
                    "copying %s: %s", from, cause->message);
        return FALSE;
    }
    /* The time of before the copy: what was written meanwhile makes the next run copy it again. */
    const struct timespec times[] = {source.st_atim, source.st_mtim};
    if (chmod(half, 0600) != 0 || utimensat(AT_FDCWD, half, times, 0) != 0 ||
        g_rename(half, to) != 0)
        return mnb_error_from_errno(error, -errno, "%s", to);
    copy->count->files++;
    copy->count->bytes += (guint64)source.st_size;
    return TRUE;
}

static GPtrArray *list_names(const char *folder)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;)
        g_ptr_array_add(names, g_strdup(name));
    return names;
}

static gboolean is_folder(const char *path)
{
    return g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK);
}

static void remove_tree(const Copy *copy, const char *path, guint depth)
{
    if (is_folder(path) && depth < DEPTH_MAX) {
        g_autoptr(GPtrArray) names = list_names(path);
        for (guint i = 0; i < names->len; i++) {
            g_autofree char *below = g_build_filename(path, names->pdata[i], NULL);
            remove_tree(copy, below, depth + 1);
        }
    }
    if (g_remove(path) == 0)
        copy->count->removed++;
}

static gboolean copy_tree(const Copy *copy, guint depth, GError **error)
{
    if (depth > DEPTH_MAX)
        return mnb_error_from_errno(error, -ELOOP, "%s", copy->from);
    if (!make_folder(copy->to, error))
        return FALSE;
    g_autoptr(GPtrArray) names = list_names(copy->from);
    /* Files before folders: what describes the media lies above them. */
    for (guint pass = 0; pass < 2; pass++) {
        for (guint i = 0; i < names->len; i++) {
            const char *name = names->pdata[i];
            g_autofree char *from = g_build_filename(copy->from, name, NULL);
            g_autofree char *to = g_build_filename(copy->to, name, NULL);
            gboolean folder = is_folder(from);
            if (is_half_made(name) || folder != (pass == 1))
                continue;
            const Copy below = {from, to, copy->count, copy->is_mirror};
            if (folder ? !copy_tree(&below, depth + 1, error) : !copy_file(copy, from, to, error))
                return FALSE;
        }
    }
    if (!copy->is_mirror)
        return TRUE;
    g_autoptr(GPtrArray) theirs = list_names(copy->to);
    for (guint i = 0; i < theirs->len; i++) {
        g_autofree char *from = g_build_filename(copy->from, theirs->pdata[i], NULL);
        g_autofree char *to = g_build_filename(copy->to, theirs->pdata[i], NULL);
        if (!g_file_test(from, G_FILE_TEST_EXISTS))
            remove_tree(copy, to, depth + 1);
    }
    return TRUE;
}

static gboolean copy_recordings(const char *from, const char *to, MnbBackupCount *count,
                                gboolean is_mirror, GError **error)
{
    g_autofree char *source = g_build_filename(from, RECORDINGS, NULL);
    g_autofree char *target = g_build_filename(to, RECORDINGS, NULL);
    if (!make_folder(target, error))
        return FALSE;
    g_autoptr(GPtrArray) names = list_names(source);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *one = g_build_filename(source, names->pdata[i], NULL);
        g_autofree char *its = g_build_filename(target, names->pdata[i], NULL);
        const Copy copy = {one, its, count, is_mirror};
        if (is_folder(one) && !copy_tree(&copy, 0, error))
            return FALSE;
    }
    return TRUE;
}

/* Bytes, names and all: nothing is reported done that a power cut could undo. */
static gboolean make_durable(const char *folder, GError **error)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || syncfs(fd) != 0) {
        int code = -errno;
        if (fd >= 0)
            close(fd);
        return mnb_error_from_errno(error, code, "%s", folder);
    }
    close(fd);
    return TRUE;
}

static gboolean copy_config(const char *from, const char *to, MnbBackupCount *count, GError **error)
{
    g_autofree char *source = g_build_filename(from, CONFIG, NULL);
    g_autofree char *target = g_build_filename(to, CONFIG, NULL);
    const Copy copy = {from, to, count, FALSE};
    return copy_file(&copy, source, target, error);
}

gboolean mnb_backup_take(const char *state, const char *to, MnbBackupCount *count, GError **error)
{
    g_autofree char *catalogue = g_build_filename(state, CATALOGUE, NULL);
    g_autofree char *target = g_build_filename(to, CATALOGUE, NULL);
    *count = (MnbBackupCount){0};
    if (!g_file_test(catalogue, G_FILE_TEST_EXISTS)) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_MISSING, "there is no catalogue in %s", state);
        return FALSE;
    }
    return make_folder(to, error) && mnb_catalog_file_copy(catalogue, target, error) &&
           copy_config(state, to, count, error) && copy_recordings(state, to, count, TRUE, error) &&
           make_durable(to, error);
}

/* The server's own opening: checks, migrates, and lists again what only manifests know. */
static gboolean take_over(const char *state, guint *recordings, GError **error)
{
    g_autoptr(MnbStore) store = mnb_store_new(state, error);
    if (store == NULL)
        return FALSE;
    g_autoptr(MnbCatalog) catalog = mnb_catalog_open(store, MNB_CATALOG_NO_FLAGS, error);
    gboolean is_good = catalog != NULL && mnb_catalog_rebuild(catalog, recordings, error);
    mnb_catalog_close(g_steal_pointer(&catalog));
    return is_good;
}

gboolean mnb_backup_restore(const char *from, const char *state, MnbBackupCount *count,
                            guint *recordings, GError **error)
{
    g_autofree char *source = g_build_filename(from, CATALOGUE, NULL);
    g_autofree char *target = g_build_filename(state, CATALOGUE, NULL);
    *count = (MnbBackupCount){0};
    if (!g_file_test(source, G_FILE_TEST_EXISTS)) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_MISSING, "%s is no backup: there is no %s in it",
                    from, CATALOGUE);
        return FALSE;
    }
    if (g_file_test(target, G_FILE_TEST_EXISTS)) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_CONFLICT,
                    "%s has a catalogue already: restore into an empty directory", state);
        return FALSE;
    }
    const Copy copy = {from, state, count, FALSE};
    return make_folder(state, error) && copy_recordings(from, state, count, FALSE, error) &&
           copy_config(from, state, count, error) && copy_file(&copy, source, target, error) &&
           make_durable(state, error) && take_over(state, recordings, error);
}
