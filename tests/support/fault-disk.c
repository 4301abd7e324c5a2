/* fault-disk.c - a bad disk, for LD_PRELOAD into the server and its programs.
 *
 *   MNB_FAULT_ROOT      state directory: only files below it are touched
 *   MNB_FAULT_CONTROL   file of six 32-bit numbers, mapped: what the disk does now (struct Control)
 *   MNB_FAULT_DURABLE   folder that takes what is durable (for a power cut), or unset
 *
 * For a power cut the worst is assumed that POSIX allows: nothing is on disk but what was synced. A
 * file is as it was at its last fsync, and it is there only if its folder was synced since it got
 * its name:
 *
 *   MNB_FAULT_DURABLE/i<inode>    the bytes of a file
 *   MNB_FAULT_DURABLE/d<inode>    "name NUL inode NUL ..." of a folder
 *
 * tests/support/faults.py builds the directory that a machine would find after the cut. SQLite,
 * GLib and our own code all come through here, since their calls of libc are by symbol. */
#undef _FILE_OFFSET_BITS /* both names of each call are ours */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct Control {
    volatile int32_t write_ms;    /* each write into recordings/ takes so long */
    volatile int32_t sync_ms;     /* each sync of a file there */
    volatile int32_t failed_sync; /* so many syncs there still fail with EIO */
    volatile int32_t is_full;     /* writes there fail with ENOSPC, and nothing is free */
    volatile int32_t eio_permille;
    volatile int32_t is_journaling;
};

static struct Control *control;
static char root[PATH_MAX], recordings[PATH_MAX], durable[PATH_MAX];
static size_t root_len, recordings_len;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int), (*real_fdatasync)(int), (*real_syncfs)(int);
static int (*real_statvfs)(const char *, struct statvfs *);

__attribute__((constructor)) static void begin(void)
{
    const char *where = getenv("MNB_FAULT_ROOT");
    const char *file = getenv("MNB_FAULT_CONTROL");
    const char *keep = getenv("MNB_FAULT_DURABLE");
    real_write = REAL(write);
    real_writev = REAL(writev);
    real_pwrite = REAL(pwrite);
    real_fsync = REAL(fsync);
    real_fdatasync = REAL(fdatasync);
    real_syncfs = REAL(syncfs);
    real_statvfs = REAL(statvfs);
    if (where == NULL || file == NULL)
        return;
    root_len = (size_t)snprintf(root, sizeof root, "%s/", where);
    recordings_len = (size_t)snprintf(recordings, sizeof recordings, "%s/recordings/", where);
    if (keep != NULL)
        snprintf(durable, sizeof durable, "%s", keep);
    int fd = open(file, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    control = map != MAP_FAILED ? map : NULL;
}

static int is_below(int fd, const char *folder, size_t len)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0)
        return 0;
    path[n] = '\0';
    return strncmp(path, folder, len) == 0 || strncmp(path, folder, len - 1) == 0;
}

static int is_recording(int fd)
{
    return is_below(fd, recordings, recordings_len);
}

static void wait_ms(int ms)
{
    struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
    while (nanosleep(&time, &time) != 0 && errno == EINTR)
        continue;
}

/* 0, or the errno with which a write fails. */
static int judge_write(int fd)
{
    if (control == NULL ||
        (control->write_ms == 0 && !control->is_full && control->eio_permille == 0) ||
        !is_recording(fd))
        return 0;
    if (control->write_ms > 0)
        wait_ms(control->write_ms);
    if (control->is_full)
        return ENOSPC;
    return control->eio_permille > random() % 1000 ? EIO : 0;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    int failure = judge_write(fd);
    if (failure == 0)
        return real_write(fd, bytes, size);
    errno = failure;
    return -1;
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
    int failure = judge_write(fd);
    if (failure == 0)
        return real_writev(fd, parts, n);
    errno = failure;
    return -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    int failure = judge_write(fd);
    if (failure == 0)
        return real_pwrite(fd, bytes, size, at);
    errno = failure;
    return -1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at)
{
    return pwrite(fd, bytes, size, at);
}

int statvfs(const char *path, struct statvfs *info)
{
    int result = real_statvfs(path, info);
    if (result == 0 && control != NULL && control->is_full &&
        strncmp(path, recordings, recordings_len - 1) == 0)
        info->f_bavail = info->f_bfree = 0;
    return result;
}

int statvfs64(const char *path, struct statvfs64 *info)
{
    return statvfs(path, (struct statvfs *)info); /* the same on 64-bit machines */
}

/* ---- what is durable --------------------------------------------------------------------------
 */

static void keep_bytes(int to, int from)
{
    static _Thread_local char buffer[1 << 16];
    off_t at = 0;
    for (ssize_t n; (n = pread(from, buffer, sizeof buffer, at)) > 0; at += n)
        if (real_write(to, buffer, (size_t)n) != n)
            return;
}

static void keep_names(int to, int from)
{
    DIR *dir = fdopendir(from);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char line[320];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int n = snprintf(line, sizeof line, "%s%c%llu%c", entry->d_name, 0,
                         (unsigned long long)entry->d_ino, 0);
        if (real_write(to, line, (size_t)n) != n)
            break;
    }
    closedir(dir);
}

/* A file or folder as it is now is durable. */
static void keep(int fd)
{
    struct stat info;
    char half[PATH_MAX + 64], whole[PATH_MAX + 32], self[64];
    if (fstat(fd, &info) != 0 || !(S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)))
        return;
    snprintf(whole, sizeof whole, "%s/%c%llu", durable, S_ISDIR(info.st_mode) ? 'd' : 'i',
             (unsigned long long)info.st_ino);
    snprintf(half, sizeof half, "%s.%ld", whole, syscall(SYS_gettid));
    /* The descriptor may be for writing only. */
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    int from = open(self, O_RDONLY | O_CLOEXEC);
    int to = open(half, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (from >= 0 && to >= 0) {
        if (S_ISDIR(info.st_mode)) {
            keep_names(to, from); /* closes it */
            from = -1;
        } else {
            keep_bytes(to, from);
        }
        rename(half, whole);
    }
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
}

static int synced(int fd, int (*real)(int))
{
    if (control == NULL)
        return real(fd);
    if ((control->sync_ms > 0 || control->failed_sync > 0) && is_recording(fd)) {
        if (control->sync_ms > 0)
            wait_ms(control->sync_ms);
        if (control->failed_sync > 0) {
            control->failed_sync--;
            errno = EIO;
            return -1;
        }
    }
    int result = real(fd);
    if (result == 0 && durable[0] != '\0' && control->is_journaling &&
        is_below(fd, root, root_len)) {
        int before = errno;
        keep(fd);
        errno = before;
    }
    return result;
}

int fsync(int fd)
{
    return synced(fd, real_fsync);
}

int fdatasync(int fd)
{
    return synced(fd, real_fdatasync);
}

/* The whole file system: more than the tests need to know of; the folder itself is enough for what
 * is renamed after it. */
int syncfs(int fd)
{
    return synced(fd, real_syncfs);
}
