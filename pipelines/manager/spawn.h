/* spawn.h - fork and exec with an exact set of descriptors; the low half of child.h.
 *
 * GSubprocess is not used because it starts by posix_spawn or with a child setup that runs after
 * its descriptor juggling, and cannot say why exec failed before the caller goes on. */
#pragma once
#include <glib.h>

typedef struct {
    char *const *argv; /* argv[0]: absolute path */
    char *const *envp;
    const int *fds;   /* become 0, 1, 2, 3 ... in the child; borrowed */
    guint n_fds;      /* at least 3 */
    int death_signal; /* when our main thread ends */
} MnbSpawn;

/* The child leads a process group of its own (a Ctrl-C in our terminal is for us alone), has
 * default signal actions, an empty signal mask, and no descriptor but @fds. Returns: the process
 * id, or a negative errno (-ENOENT: no such program, and whatever execve says). Waits for the exec,
 * some 0.2 ms. Main thread only. */
int mnb_spawn(const MnbSpawn *spawn);
