/* io.h - bytes into a file, all of them.
 *
 * write(2) may take a part of what it was given, or be interrupted. Any thread. */
#pragma once
#include <stddef.h>
#include <sys/types.h>

#define MNB_IO_HERE ((off_t)-1) /* at the file's position, which moves on */

/* Writes @size bytes at @at (bytes from the file's beginning, or MNB_IO_HERE). Nothing is synced.
 * Returns 0, or negative errno; a part may have been written then. */
int mnb_io_write_all(int fd, const void *bytes, size_t size, off_t at);
