#include "server/base/io.h"

#include <errno.h>
#include <unistd.h>

int mnb_io_write_all(int fd, const void *bytes, size_t size, off_t at)
{
    const char *next = bytes;
    while (size > 0) {
        ssize_t n = at == MNB_IO_HERE ? write(fd, next, size) : pwrite(fd, next, size, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        next += n;
        size -= (size_t)n;
        if (at != MNB_IO_HERE)
            at += n;
    }
    return 0;
}
