#include "pipelines/manager/trees.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 16

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    return remove(path) < 0 && errno != ENOENT ? -errno : 0;
}

int mnb_tree_remove(const char *path)
{
    if (nftw(path, remove_one, DESCRIPTORS_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0)
        return 0;
    return errno == ENOENT ? 0 : -errno;
}

/* By exchange, so that @path is there at every moment; step by step where the file system cannot.
 */
static int put_in_place(const char *next, const char *path, const char *old)
{
    if (renameat2(AT_FDCWD, next, AT_FDCWD, path, RENAME_EXCHANGE) == 0)
        return rename(next, old) < 0 ? -errno : 0;
    if (errno != ENOENT && rename(path, old) < 0 && errno != ENOENT)
        return -errno;
    return rename(next, path) < 0 ? -errno : 0;
}

int mnb_tree_replace(const char *next, const char *path, const char *old)
{
    int error = mnb_tree_remove(old);
    if (error == 0)
        error = put_in_place(next, path, old);
    if (error < 0)
        return error;
    g_autofree char *folder = g_path_get_dirname(path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    error = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return error;
}
