#include "recordings/store.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "server/base/error.h"
#include "server/base/io.h"

#define RESERVE_NAME "reserve"
#define N_FOLDERS    (MNB_STORE_LOGS + 1)
#define DEPTH_MAX    32 /* directories open at once when a tree is walked */

struct MnbStore {
    char *folders[N_FOLDERS];
};

static const char *const folder_names[N_FOLDERS] = {
    [MNB_STORE_ROOT] = ".",
    [MNB_STORE_BACKUPS] = "backups",
    [MNB_STORE_RECORDINGS] = "recordings",
    [MNB_STORE_UPLOADS] = "uploads",
    [MNB_STORE_RUN] = "run",
    [MNB_STORE_NGINX] = "nginx",
    [MNB_STORE_LOGS] = "logs",
};

static gboolean make_folder(const char *path, GError **error)
{
    if (g_mkdir_with_parents(path, 0700) == 0 && g_access(path, R_OK | W_OK | X_OK) == 0)
        return TRUE;
    int code = errno;
    g_set_error(error, MNB_ERROR, code == ENOSPC ? MNB_ERROR_STORAGE_FULL : MNB_ERROR_STORAGE,
                "%s: %s; it must be a directory that this user may write in", path,
                g_strerror(code));
    return FALSE;
}

MnbStore *mnb_store_new(const char *state_dir, GError **error)
{
    g_autoptr(MnbStore) self = g_new0(MnbStore, 1);
    for (int i = 0; i < N_FOLDERS; i++) {
        self->folders[i] = i == MNB_STORE_ROOT
                               ? g_canonicalize_filename(state_dir, NULL)
                               : g_build_filename(self->folders[0], folder_names[i], NULL);
        if (!make_folder(self->folders[i], error))
            return NULL;
    }
    return g_steal_pointer(&self);
}

void mnb_store_free(MnbStore *self)
{
    if (self == NULL)
        return;
    for (int i = 0; i < N_FOLDERS; i++)
        g_free(self->folders[i]);
    g_free(self);
}

const char *mnb_store_folder(MnbStore *self, MnbStoreFolder folder)
{
    g_return_val_if_fail((guint)folder < N_FOLDERS, NULL);
    return self->folders[folder];
}

/* ---- paths ---- */

static gboolean is_step(const char *step, gsize length)
{
    return length > 0 && !(length == 1 && step[0] == '.') &&
           !(length == 2 && step[0] == '.' && step[1] == '.');
}

static gboolean is_safe(const char *path)
{
    const char *step = path;
    for (const char *at = path;; at++) {
        if (*at == '/' || *at == '\0') {
            if (!is_step(step, (gsize)(at - step)))
                return FALSE;
            if (*at == '\0')
                return TRUE;
            step = at + 1;
        } else if ((guchar)*at < 0x20 || *at == '\\' || *at == 0x7f) {
            return FALSE;
        }
    }
}

char *mnb_store_recording_path(MnbStore *self, const char *folder, const char *name, GError **error)
{
    if (folder == NULL || !is_safe(folder) || (name != NULL && !is_safe(name))) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "not a path inside a recording");
        return NULL;
    }
    return g_build_filename(self->folders[MNB_STORE_RECORDINGS], folder, name, NULL);
}

static gboolean sync_directory(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return mnb_error_from_errno(error, -errno, "%s", path);
    int result = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return result < 0 ? mnb_error_from_errno(error, result, "%s", path) : TRUE;
}

static gboolean sync_parent(const char *path, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(path);
    return sync_directory(parent, error);
}

gboolean mnb_store_create_recording(MnbStore *self, const char *folder, GError **error)
{
    static const char *const inner[] = {"tracks", "media"};
    for (guint i = 0; i < G_N_ELEMENTS(inner); i++) {
        g_autofree char *path = mnb_store_recording_path(self, folder, inner[i], error);
        if (path == NULL || !make_folder(path, error))
            return FALSE;
    }
    g_autofree char *path = mnb_store_recording_path(self, folder, NULL, error);
    return path != NULL && sync_directory(path, error) && sync_parent(path, error);
}

static int on_remove(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    return remove(path);
}

gboolean mnb_store_remove_recording(MnbStore *self, const char *folder, GError **error)
{
    g_autofree char *path = mnb_store_recording_path(self, folder, NULL, error);
    if (path == NULL)
        return FALSE;
    if (nftw(path, on_remove, DEPTH_MAX, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
        return TRUE;
    return mnb_error_from_errno(error, -errno, "%s", path);
}

/* ---- files ---- */

gboolean mnb_store_write_file(const char *path, const void *data, gsize size, GError **error)
{
    g_autofree char *temporary = g_strconcat(path, ".XXXXXX", NULL);
    int fd = g_mkstemp_full(temporary, O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return mnb_error_from_errno(error, -errno, "%s", path);
    int result = mnb_io_write_all(fd, data, size, MNB_IO_HERE);
    if (result == 0 && fsync(fd) < 0)
        result = -errno;
    if (close(fd) < 0 && result == 0)
        result = -errno;
    if (result == 0 && rename(temporary, path) < 0)
        result = -errno;
    if (result < 0) {
        unlink(temporary);
        return mnb_error_from_errno(error, result, "%s", path);
    }
    return sync_parent(path, error);
}

static int on_sync(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    if (kind != FTW_F && kind != FTW_DP)
        return kind == FTW_SL ? 0 : EACCES;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int result = fsync(fd) < 0 ? errno : 0;
    close(fd);
    return result;
}

gboolean mnb_store_publish(const char *temporary, const char *path, GError **error)
{
    int result = nftw(temporary, on_sync, DEPTH_MAX, FTW_DEPTH | FTW_PHYS);
    if (result != 0)
        return mnb_error_from_errno(error, result < 0 ? -errno : -result, "%s", temporary);
    if (rename(temporary, path) < 0)
        return mnb_error_from_errno(error, -errno, "%s", path);
    return sync_parent(path, error) && sync_parent(temporary, error);
}

/* ---- space ---- */

gint64 mnb_store_free_bytes(MnbStore *self, GError **error)
{
    struct statvfs info;
    if (statvfs(self->folders[MNB_STORE_ROOT], &info) < 0) {
        mnb_error_from_errno(error, -errno, "%s", self->folders[MNB_STORE_ROOT]);
        return -1;
    }
    return (gint64)info.f_bavail * (gint64)info.f_frsize;
}

gboolean mnb_store_check_space(MnbStore *self, gint64 bytes, GError **error)
{
    gint64 free_bytes = mnb_store_free_bytes(self, error);
    if (free_bytes < 0)
        return FALSE;
    if (free_bytes - MNB_STORE_MARGIN >= bytes)
        return TRUE;
    g_set_error(error, MNB_ERROR, MNB_ERROR_STORAGE_FULL,
                "%" G_GINT64_FORMAT " MB are free and %" G_GINT64_FORMAT " MB are needed",
                free_bytes / 1000000, bytes / 1000000 + MNB_STORE_MARGIN / 1000000);
    return FALSE;
}

gboolean mnb_store_keep_reserve(MnbStore *self)
{
    g_autofree char *path = g_build_filename(self->folders[MNB_STORE_ROOT], RESERVE_NAME, NULL);
    struct stat info;
    if (stat(path, &info) == 0 && info.st_size == MNB_STORE_RESERVE)
        return TRUE;
    /* Not the last bytes: others on this disk need some too. */
    if (mnb_store_free_bytes(self, NULL) < 2 * (gint64)MNB_STORE_RESERVE)
        return FALSE;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return FALSE;
    gboolean is_kept = posix_fallocate(fd, 0, MNB_STORE_RESERVE) == 0 && fsync(fd) == 0;
    close(fd);
    if (!is_kept)
        unlink(path);
    return is_kept;
}

gboolean mnb_store_release_reserve(MnbStore *self)
{
    g_autofree char *path = g_build_filename(self->folders[MNB_STORE_ROOT], RESERVE_NAME, NULL);
    return unlink(path) == 0;
}
