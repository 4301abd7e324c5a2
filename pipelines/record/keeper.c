#include "pipelines/record/keeper.h"

#include "pipelines/common/files.h"
#include "pipelines/common/lines.h"
#include "pipelines/record/repair.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define TICK_US (100 * 1000)
#define SYNC_US G_USEC_PER_SEC
#define SLOW_US G_USEC_PER_SEC

struct MnbKeeper {
    char *dir, *part_path;
    GThread *thread;
    GMutex lock; /* for all below */
    GCond wake;
    GPtrArray *kept; /* MnbKept, owned */
    char *part_json; /* owned; NULL: nothing to write */
    gboolean is_ending, is_writing_part;
    gboolean has_new_name; /* tracks/ holds a name that is not durable yet */
    MnbKeeperReport report;
};

static void kept_free(gpointer data)
{
    MnbKept *kept = data;
    mnb_track_file_unref(kept->file);
    g_free(kept->path);
    g_free(kept);
}

/* What a broken muxer left is worth repairing at once. */
static MnbKeptState outcome(MnbKept *kept, MnbFileState state)
{
    if (state == MNB_FILE_CLOSED)
        return MNB_KEPT_COMPLETE;
    if (state == MNB_FILE_DOUBTFUL)
        return MNB_KEPT_DOUBTFUL;
    MnbRepair repair;
    g_autoptr(GError) error = NULL;
    if (mnb_repair_file(kept->path, &repair, &error))
        return MNB_KEPT_REPAIRED;
    mnb_lines_warn("repair", "%s", error->message);
    return MNB_KEPT_LOST;
}

/* Returns: whether its file is still open. */
static gboolean keep(MnbKeeper *keeper, MnbKept *kept, gboolean wants_sync)
{
    MnbFileState state = mnb_track_file_keep(kept->file, g_get_monotonic_time(), wants_sync);
    gboolean is_full = mnb_track_file_is_out_of_space(kept->file);
    gboolean is_open = state == MNB_FILE_OPEN || state == MNB_FILE_FINISHING;
    if (!is_open) {
        struct stat info;
        MnbKeptState result = outcome(kept, state);
        kept->bytes = stat(kept->path, &info) == 0 ? (guint64)info.st_size : 0;
        g_mutex_lock(&keeper->lock);
        g_clear_pointer(&kept->file, mnb_track_file_unref);
        g_mutex_unlock(&keeper->lock);
        g_atomic_int_set(&kept->state, (gint)result);
    }
    if (is_full) {
        g_mutex_lock(&keeper->lock);
        keeper->report.is_full = TRUE;
        g_mutex_unlock(&keeper->lock);
    }
    return is_open;
}

static void keep_all(MnbKeeper *keeper, gboolean wants_sync)
{
    g_mutex_lock(&keeper->lock);
    guint n = keeper->kept->len;
    g_mutex_unlock(&keeper->lock);
    for (guint i = 0; i < n; i++) {
        g_mutex_lock(&keeper->lock);
        MnbKept *kept = g_ptr_array_index(keeper->kept, i);
        gboolean is_open = kept->file != NULL;
        g_mutex_unlock(&keeper->lock);
        if (is_open)
            keep(keeper, kept, wants_sync);
    }
}

/* A file whose name is lost in a power cut is lost, however durable its bytes are. */
static void sync_names(MnbKeeper *keeper)
{
    g_mutex_lock(&keeper->lock);
    gboolean has_new_name = keeper->has_new_name;
    keeper->has_new_name = FALSE;
    g_mutex_unlock(&keeper->lock);
    if (!has_new_name)
        return;
    g_autofree char *tracks = g_build_filename(keeper->dir, "tracks", NULL);
    int fd = open(tracks, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && fsync(fd) == 0) {
        close(fd);
        return;
    }
    g_printerr("fsync of tracks/: %s\n", g_strerror(errno));
    if (fd >= 0)
        close(fd);
    g_mutex_lock(&keeper->lock);
    keeper->has_new_name = TRUE;
    g_mutex_unlock(&keeper->lock);
}

static void write_part(MnbKeeper *keeper)
{
    g_mutex_lock(&keeper->lock);
    g_autofree char *json = g_steal_pointer(&keeper->part_json);
    keeper->is_writing_part = json != NULL;
    g_mutex_unlock(&keeper->lock);
    if (json == NULL)
        return;
    g_autoptr(GError) error = NULL;
    gboolean ok = mnb_files_write(keeper->part_path, json, strlen(json), &error);
    if (!ok)
        g_printerr("%s\n", error->message);
    g_mutex_lock(&keeper->lock);
    keeper->is_writing_part = FALSE;
    keeper->report.has_failed = !ok;
    /* Try again at the next tick, unless there is a newer one by now. */
    if (!ok && keeper->part_json == NULL)
        keeper->part_json = g_steal_pointer(&json);
    g_mutex_unlock(&keeper->lock);
}

static void measure(MnbKeeper *keeper, gint64 took_us)
{
    struct statvfs info;
    guint64 free_bytes = G_MAXUINT64;
    if (statvfs(keeper->dir, &info) == 0)
        free_bytes = (guint64)info.f_bavail * info.f_frsize;
    g_mutex_lock(&keeper->lock);
    keeper->report.free_bytes = free_bytes;
    if (took_us > SLOW_US)
        keeper->report.slow_ms = MAX(keeper->report.slow_ms, (gint)(took_us / 1000));
    g_mutex_unlock(&keeper->lock);
}

static gpointer run(gpointer data)
{
    MnbKeeper *keeper = data;
    gint64 synced_us = 0;
    gboolean is_ending = FALSE;
    while (!is_ending) {
        gint64 began_us = g_get_monotonic_time();
        gboolean wants_sync = began_us - synced_us >= SYNC_US;
        if (wants_sync)
            synced_us = began_us;
        write_part(keeper);
        keep_all(keeper, wants_sync);
        sync_names(keeper);
        if (wants_sync)
            measure(keeper, g_get_monotonic_time() - began_us);
        g_mutex_lock(&keeper->lock);
        if (!keeper->is_ending)
            g_cond_wait_until(&keeper->wake, &keeper->lock, began_us + TICK_US);
        is_ending = keeper->is_ending;
        g_mutex_unlock(&keeper->lock);
    }
    return NULL;
}

MnbKeeper *mnb_keeper_new(const char *dir, const char *part_path)
{
    MnbKeeper *keeper = g_new0(MnbKeeper, 1);
    keeper->dir = g_strdup(dir);
    keeper->part_path = g_strdup(part_path);
    keeper->kept = g_ptr_array_new_with_free_func(kept_free);
    keeper->report.free_bytes = G_MAXUINT64;
    g_mutex_init(&keeper->lock);
    g_cond_init(&keeper->wake);
    measure(keeper, 0);
    keeper->thread = g_thread_new("keeper", run, keeper);
    return keeper;
}

void mnb_keeper_free(MnbKeeper *keeper)
{
    if (keeper == NULL)
        return;
    g_mutex_lock(&keeper->lock);
    keeper->is_ending = TRUE;
    g_cond_signal(&keeper->wake);
    g_mutex_unlock(&keeper->lock);
    g_thread_join(keeper->thread);
    g_ptr_array_unref(keeper->kept);
    g_mutex_clear(&keeper->lock);
    g_cond_clear(&keeper->wake);
    g_free(keeper->part_json);
    g_free(keeper->part_path);
    g_free(keeper->dir);
    g_free(keeper);
}

MnbKept *mnb_keeper_add(MnbKeeper *keeper, const char *path, MnbTrackFile *file)
{
    MnbKept *kept = g_new0(MnbKept, 1);
    kept->path = g_strdup(path);
    kept->file = mnb_track_file_ref(file);
    g_mutex_lock(&keeper->lock);
    g_ptr_array_add(keeper->kept, kept);
    keeper->has_new_name = TRUE;
    g_mutex_unlock(&keeper->lock);
    return kept;
}

void mnb_keeper_write_part(MnbKeeper *keeper, char *json)
{
    g_mutex_lock(&keeper->lock);
    g_free(keeper->part_json);
    keeper->part_json = json;
    g_cond_signal(&keeper->wake);
    g_mutex_unlock(&keeper->lock);
}

gboolean mnb_keeper_is_idle(MnbKeeper *keeper)
{
    g_mutex_lock(&keeper->lock);
    gboolean is_idle = keeper->part_json == NULL && !keeper->is_writing_part;
    for (guint i = 0; is_idle && i < keeper->kept->len; i++) {
        MnbKept *kept = g_ptr_array_index(keeper->kept, i);
        is_idle = g_atomic_int_get(&kept->state) != MNB_KEPT_WRITING;
    }
    g_mutex_unlock(&keeper->lock);
    return is_idle;
}

MnbKeeperReport mnb_keeper_report(MnbKeeper *keeper)
{
    g_mutex_lock(&keeper->lock);
    MnbKeeperReport report = keeper->report;
    report.durable_bytes = 0;
    for (guint i = 0; i < keeper->kept->len; i++) {
        MnbKept *kept = g_ptr_array_index(keeper->kept, i);
        report.durable_bytes +=
            kept->file != NULL ? mnb_track_file_durable_bytes(kept->file) : kept->bytes;
    }
    keeper->report.slow_ms = 0;
    keeper->report.is_full = FALSE;
    g_mutex_unlock(&keeper->lock);
    return report;
}
