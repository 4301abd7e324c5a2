/* walls.h - bubblewrap around the programs that open what strangers made.
 *
 * Behind the walls a program sees /usr, its own folder, the files that it was given and a private
 * /tmp; it has no network, no capabilities and processes of its own. Whether the kernel lets us
 * build them is tried once, at start. Main thread only. */
#pragma once
#include "pipelines/manager/child.h"
#include "server/base/config.h"

typedef struct MnbWalls MnbWalls;

/* @mode: AUTO: without walls, and a warning, where they cannot be built. REQUIRED: then NULL with
 * MNB_ERROR_MISSING (bwrap is not installed) or MNB_ERROR_DENIED (the kernel does not allow user
 * namespaces; the text says what to do). OFF: no walls. Blocks some 20 ms. Returns (owned). */
MnbWalls *mnb_walls_new(MnbSandbox mode, GError **error);
void mnb_walls_free(MnbWalls *walls); /* NULL is fine */

gboolean mnb_walls_stand(const MnbWalls *walls); /* FALSE: programs run without */

/* Begins the command line: bwrap and its arguments, then the program; the caller adds the program's
 * arguments after. Descriptors pass through as they are.
 * @walls: NULL means none. @program: absolute path. @reads, @writes: NULL-terminated absolute paths
 * that exist; a path in both is writable. Either may be NULL. @memory_mb: limit of its private
 * memory (RLIMIT_DATA), 0: none. */
void mnb_walls_launch(const MnbWalls *walls, MnbChildLaunch *launch, const char *program,
                      const char *const *reads, const char *const *writes, guint memory_mb);

/* The same for a program that needs the network and no file: live feeds. */
void mnb_walls_launch_online(const MnbWalls *walls, MnbChildLaunch *launch, const char *program,
                             guint memory_mb);
