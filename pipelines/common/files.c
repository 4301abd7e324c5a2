#include "pipelines/common/files.h"

#include "pipelines/common/job-error.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_FOLDERS 16

static gboolean sync_path(const char *path, gboolean whole_file_system, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return mnb_job_error_set_errno(error, errno, path);
    gboolean ok = (whole_file_system ? syncfs(fd) : fsync(fd)) == 0;
    if (!ok)
        mnb_job_error_set_errno(error, errno, path);
    close(fd);
    return ok;
}

gboolean mnb_files_publish(const char *from, const char *to, GError **error)
{
    struct stat info;
    if (stat(from, &info) != 0)
        return mnb_job_error_set_errno(error, errno, from);
    if (!sync_path(from, S_ISDIR(info.st_mode), error))
        return FALSE;
    if (rename(from, to) != 0)
        return mnb_job_error_set_errno(error, errno, to);
    g_autofree char *folder = g_path_get_dirname(to);
    return sync_path(folder, FALSE, error);
}

gboolean mnb_files_write(const char *path, const char *text, gsize size, GError **error)
{
    g_autofree char *half = g_strconcat(path, ".tmp", NULL);
    int fd = open(half, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return mnb_job_error_set_errno(error, errno, half);
    for (gsize done = 0; done < size;) {
        ssize_t n = write(fd, text + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            mnb_job_error_set_errno(error, n < 0 ? errno : EIO, half);
            close(fd);
            unlink(half);
            return FALSE;
        }
        done += (gsize)n;
    }
    close(fd);
    return mnb_files_publish(half, path, error);
}

gboolean mnb_files_write_json(const char *path, const json_t *object, GError **error)
{
    char *text = json_dumps(object, JSON_INDENT(1));
    if (text == NULL) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "%s cannot be written as JSON", path);
        return FALSE;
    }
    gboolean ok = mnb_files_write(path, text, strlen(text), error);
    free(text);
    return ok;
}

static int on_remove(const char *path, const struct stat *info, int type, struct FTW *place)
{
    return remove(path);
}

gboolean mnb_files_remove(const char *path, GError **error)
{
    if (nftw(path, on_remove, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
        return TRUE;
    return mnb_job_error_set_errno(error, errno, path);
}

guint64 mnb_files_total_bytes(const char *path)
{
    guint64 total = 0;
    GDir *folder = g_dir_open(path, 0, NULL);
    struct stat info;
    if (folder == NULL)
        return lstat(path, &info) == 0 && S_ISREG(info.st_mode) ? (guint64)info.st_size : 0;
    for (const char *name; (name = g_dir_read_name(folder)) != NULL;) {
        g_autofree char *inside = g_build_filename(path, name, NULL);
        if (lstat(inside, &info) == 0 && !S_ISLNK(info.st_mode))
            total += S_ISDIR(info.st_mode) ? mnb_files_total_bytes(inside) : (guint64)info.st_size;
    }
    g_dir_close(folder);
    return total;
}
