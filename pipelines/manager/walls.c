#include "pipelines/manager/walls.h"

#include <string.h>

#include "pipelines/manager/programs.h"
#include "server/base/error.h"
#include "server/base/log.h"

struct MnbWalls {
    char *bwrap;   /* NULL: no walls */
    char *prlimit; /* NULL: no limit of memory */
    gboolean has_proc;
};

/* What every program behind the walls gets, whatever it does. */
static const char *const common[] = {"--unshare-all",
                                     "--die-with-parent",
                                     "--new-session",
                                     "--cap-drop",
                                     "ALL",
                                     "--clearenv",
                                     "--setenv",
                                     "PATH",
                                     "/usr/bin",
                                     "--setenv",
                                     "LANG",
                                     "C.UTF-8",
                                     "--setenv",
                                     "HOME",
                                     "/tmp",
                                     "--ro-bind",
                                     "/usr",
                                     "/usr",
                                     "--symlink",
                                     "usr/lib",
                                     "/lib",
                                     "--symlink",
                                     "usr/lib64",
                                     "/lib64",
                                     "--symlink",
                                     "usr/bin",
                                     "/bin",
                                     "--ro-bind-try",
                                     "/etc/ld.so.cache",
                                     "/etc/ld.so.cache",
                                     "--ro-bind-try",
                                     "/etc/alternatives",
                                     "/etc/alternatives",
                                     "--ro-bind-try",
                                     "/etc/fonts",
                                     "/etc/fonts",
                                     "--ro-bind-try",
                                     "/var/cache/fontconfig",
                                     "/var/cache/fontconfig",
                                     "--dev",
                                     "/dev",
                                     "--tmpfs",
                                     "/tmp"};

/* Variables that tests and sanitizers set for the programs. */
static const char *const passed_on[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS",
                                        "MNB_GST_PLUGIN_DIR"};

/* Runs `bwrap ... true` once. Returns NULL, or why it does not work (owned). */
static char *try_bwrap(const char *bwrap, gboolean has_proc)
{
    g_autoptr(GPtrArray) arguments = g_ptr_array_new();
    g_autofree char *said = NULL;
    int status = 0;
    g_ptr_array_add(arguments, (gpointer)bwrap);
    for (guint i = 0; i < G_N_ELEMENTS(common); i++)
        g_ptr_array_add(arguments, (gpointer)common[i]);
    if (has_proc) {
        g_ptr_array_add(arguments, (gpointer) "--proc");
        g_ptr_array_add(arguments, (gpointer) "/proc");
    }
    g_ptr_array_add(arguments, (gpointer) "--");
    g_ptr_array_add(arguments, (gpointer) "/usr/bin/true");
    g_ptr_array_add(arguments, NULL);
    g_autoptr(GError) error = NULL;
    if (!g_spawn_sync(NULL, (char **)arguments->pdata, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
                      NULL, &said, &status, &error))
        return g_strdup(error->message);
    if (g_spawn_check_wait_status(status, NULL))
        return NULL;
    g_strdelimit(g_strchomp(said), "\r\n", ' ');
    return said[0] != '\0' ? g_steal_pointer(&said) : g_strdup("bwrap fails");
}

MnbWalls *mnb_walls_new(MnbSandbox mode, GError **error)
{
    g_autoptr(GError) missing = NULL;
    g_autofree char *reason = NULL;
    MnbWalls *walls = g_new0(MnbWalls, 1);
    walls->prlimit = mnb_programs_find_system("prlimit", "util-linux", NULL);
    if (mode == MNB_SANDBOX_OFF)
        return walls;
    g_autofree char *bwrap = mnb_programs_find_system("bwrap", "bubblewrap", &missing);
    walls->has_proc = TRUE;
    reason = bwrap != NULL ? try_bwrap(bwrap, TRUE) : g_strdup(missing->message);
    if (reason != NULL && bwrap != NULL) {
        /* Where parts of /proc are masked, as in a container or under systemd's ProtectKernel...,
         * the kernel lets nobody mount a new one. The programs can do without. */
        g_autofree char *without = try_bwrap(bwrap, FALSE);
        if (without == NULL) {
            walls->has_proc = FALSE;
            g_clear_pointer(&reason, g_free);
        }
    }
    if (reason == NULL) {
        walls->bwrap = g_steal_pointer(&bwrap);
        return walls;
    }
    if (mode == MNB_SANDBOX_AUTO) {
        MNB_LOG_WARNING("films are opened without a sandbox", "reason=%s", reason);
        return walls;
    }
    g_set_error(
        error, MNB_ERROR, bwrap != NULL ? MNB_ERROR_DENIED : MNB_ERROR_MISSING,
        "[jobs] sandbox is required, but there is none: %s%s", reason,
        bwrap != NULL ? " (allow user namespaces: sysctl kernel.unprivileged_userns_clone=1)" : "");
    mnb_walls_free(walls);
    return NULL;
}

void mnb_walls_free(MnbWalls *walls)
{
    if (walls == NULL)
        return;
    g_free(walls->bwrap);
    g_free(walls->prlimit);
    g_free(walls);
}

gboolean mnb_walls_stand(const MnbWalls *walls)
{
    return walls != NULL && walls->bwrap != NULL;
}

static void bind(MnbChildLaunch *launch, const char *how, const char *path)
{
    mnb_child_launch_arg(launch, how);
    mnb_child_launch_arg(launch, path);
    mnb_child_launch_arg(launch, path);
}

static void build(const MnbWalls *walls, MnbChildLaunch *launch, const char *program,
                  const char *const *reads, const char *const *writes, gboolean is_online)
{
    g_autofree char *folder = g_path_get_dirname(program);
    mnb_child_launch_arg(launch, walls->bwrap);
    for (guint i = 0; i < G_N_ELEMENTS(common); i++)
        mnb_child_launch_arg(launch, common[i]);
    if (is_online)
        mnb_child_launch_arg(launch, "--share-net");
    for (guint i = 0; i < G_N_ELEMENTS(passed_on); i++) {
        const char *value = g_getenv(passed_on[i]);
        if (value == NULL)
            continue;
        mnb_child_launch_arg(launch, "--setenv");
        mnb_child_launch_arg(launch, passed_on[i]);
        mnb_child_launch_arg(launch, value);
    }
    if (walls->has_proc) {
        mnb_child_launch_arg(launch, "--proc");
        mnb_child_launch_arg(launch, "/proc");
    }
    bind(launch, "--ro-bind", folder);
    for (; reads != NULL && *reads != NULL; reads++)
        bind(launch, "--ro-bind", *reads);
    for (; writes != NULL && *writes != NULL; writes++)
        bind(launch, "--bind", *writes);
    mnb_child_launch_arg(launch, "--chdir");
    mnb_child_launch_arg(launch, "/tmp");
    mnb_child_launch_arg(launch, "--");
}

static void launch_program(const MnbWalls *walls, MnbChildLaunch *launch, const char *program,
                           const char *const *reads, const char *const *writes, guint memory_mb,
                           gboolean is_online)
{
    if (memory_mb != 0 && walls != NULL && walls->prlimit != NULL) {
        g_autofree char *limit =
            g_strdup_printf("--data=%" G_GUINT64_FORMAT, (guint64)memory_mb * 1024 * 1024);
        mnb_child_launch_arg(launch, walls->prlimit);
        mnb_child_launch_arg(launch, limit);
        mnb_child_launch_arg(launch, "--");
    }
    if (mnb_walls_stand(walls))
        build(walls, launch, program, reads, writes, is_online);
    mnb_child_launch_arg(launch, program);
}

void mnb_walls_launch(const MnbWalls *walls, MnbChildLaunch *launch, const char *program,
                      const char *const *reads, const char *const *writes, guint memory_mb)
{
    launch_program(walls, launch, program, reads, writes, memory_mb, FALSE);
}

void mnb_walls_launch_online(const MnbWalls *walls, MnbChildLaunch *launch, const char *program,
                             guint memory_mb)
{
    launch_program(walls, launch, program, NULL, NULL, memory_mb, TRUE);
}
