#include "server/import.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recordings/job.h"
#include "recordings/recording.h"
#include "recordings/taxonomy.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/base/io.h"
#include "server/base/log.h"

#define UNFINISHED "source.tmp" /* what is not all there yet */

struct MnbImporter {
    MnbCatalog *catalog;
    GCancellable *cancellable;
};

typedef struct {
    MnbImporter *importer;
    MnbStore *store;
    MnbRecording *recording;
    char *path;
    MnbImportDone done;
    gpointer data;
} Work;

static void work_free(Work *work)
{
    mnb_recording_free(work->recording);
    g_free(work->path);
    g_free(work);
}

/* Writes all of @bytes. Returns 0 or a negative errno. */
/* Goes on from where both files are: between file systems of different kinds (a film in a tmpfs)
 * the kernel does not copy. */
static gboolean copy_by_hand(int from, int to, GCancellable *cancellable, const char *name,
                             GError **error)
{
    const gsize size = 1 << 20;
    g_autofree guint8 *buffer = g_malloc(size);
    for (;;) {
        ssize_t n = read(from, buffer, size);
        if (n == 0)
            return TRUE;
        if (n < 0 && errno == EINTR)
            continue;
        int result = n < 0 ? -errno : mnb_io_write_all(to, buffer, (gsize)n, MNB_IO_HERE);
        if (result < 0)
            return mnb_error_from_errno(error, result, "copying %s", name);
        if (g_cancellable_set_error_if_cancelled(cancellable, error))
            return FALSE;
    }
}

/* Copies what is there, by the kernel. Returns FALSE with @error. */
static gboolean copy_bytes(int from, int to, GCancellable *cancellable, const char *name,
                           GError **error)
{
    if (ioctl(to, FICLONE, from) == 0)
        return TRUE;
    for (;;) {
        ssize_t n = copy_file_range(from, NULL, to, NULL, 16 << 20, 0);
        if (n == 0)
            return TRUE;
        if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP))
            return copy_by_hand(from, to, cancellable, name, error);
        if (n < 0 && errno != EINTR)
            return mnb_error_from_errno(error, -errno, "copying %s", name);
        if (g_cancellable_set_error_if_cancelled(cancellable, error))
            return FALSE;
    }
}

static gboolean copy_film(Work *work, GCancellable *cancellable, GError **error)
{
    const char *folder = work->recording->folder;
    if (!mnb_store_create_recording(work->store, folder, error))
        return FALSE;
    g_autofree char *path = mnb_store_recording_path(work->store, folder, "source", error);
    if (path == NULL)
        return FALSE;
    g_autofree char *temporary = mnb_store_recording_path(work->store, folder, UNFINISHED, error);
    if (temporary == NULL)
        return FALSE;
    int from = open(work->path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return mnb_error_from_errno(error, -errno, "%s", work->path);
    int to = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    gboolean is_copied = to >= 0 ? copy_bytes(from, to, cancellable, work->path, error)
                                 : mnb_error_from_errno(error, -errno, "%s", temporary);
    close(from);
    if (to >= 0 && close(to) != 0 && is_copied)
        is_copied = mnb_error_from_errno(error, -errno, "%s", temporary);
    return is_copied && mnb_store_publish(temporary, path, error);
}

static void run_copy(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    GError *error = NULL;
    if (copy_film(data, cancellable, &error))
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
}

static gboolean write_import(MnbDb *db, gpointer data, GError **error)
{
    Work *work = data;
    gint64 now_us = g_get_real_time();
    if (!mnb_recording_insert(db, work->recording, now_us, error))
        return FALSE;
    g_autofree char *job = mnb_job_insert(db, MNB_JOB_TRANSCODE, work->recording->id,
                                          "{\"input\":\"source\"}", NULL, now_us, error);
    return job != NULL && mnb_recording_set_state(db, work->recording->id, MNB_RECORDING_PROCESSING,
                                                  now_us, error);
}

static void give_up(Work *work, const GError *error)
{
    g_autoptr(GError) ignored = NULL;
    if (!mnb_store_remove_recording(work->store, work->recording->folder, &ignored))
        MNB_LOG_WARNING("what an import left stays on the disk", "folder=%s reason=%s",
                        work->recording->folder, ignored->message);
    work->done(NULL, error, work->data);
}

static void on_import_written(const GError *error, gpointer data, gpointer user_data)
{
    Work *work = data;
    if (error != NULL)
        give_up(work, error);
    else
        work->done(work->recording->id, NULL, work->data);
}

static void on_copied(GObject *source, GAsyncResult *result, gpointer data)
{
    Work *work = data;
    g_autoptr(GError) error = NULL;
    if (g_task_propagate_boolean(G_TASK(result), &error)) {
        mnb_catalog_write(work->importer->catalog, write_import, work, (GDestroyNotify)work_free,
                          on_import_written, NULL);
        return;
    }
    if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        give_up(work, error);
    work_free(work);
}

static gboolean check(MnbCatalog *catalog, const MnbImport *import, GError **error)
{
    MnbDb *db = mnb_catalog_reader(catalog);
    struct stat file;
    if (!g_path_is_absolute(import->path) || stat(import->path, &file) != 0 ||
        !S_ISREG(file.st_mode) || access(import->path, R_OK) != 0) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "%s is not a file that the server can read", import->path);
        return FALSE;
    }
    g_autoptr(MnbCity) city = mnb_city_find(db, import->city, NULL);
    if (city == NULL) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "no city has the code %s", import->city);
        return FALSE;
    }
    g_autoptr(MnbArea) area = mnb_area_find(db, import->area, NULL);
    if (area == NULL) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "no thematic area has the code %s",
                    import->area);
        return FALSE;
    }
    /* The film, and about as much again for what is made of it. */
    return mnb_store_check_space(mnb_catalog_store(catalog), 2 * (gint64)file.st_size, error);
}

void mnb_importer_add(MnbImporter *importer, const MnbImport *import, MnbImportDone done,
                      gpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!check(importer->catalog, import, &error)) {
        done(NULL, error, data);
        return;
    }
    Work *work = g_new0(Work, 1);
    work->importer = importer;
    work->store = mnb_catalog_store(importer->catalog);
    work->path = g_strdup(import->path);
    work->done = done;
    work->data = data;
    MnbRecording *recording = work->recording = mnb_recording_new();
    recording->id = mnb_id_new();
    recording->folder = g_strdup(recording->id);
    recording->origin = MNB_ORIGIN_IMPORT;
    recording->area = g_strdup(import->area);
    recording->city = g_strdup(import->city);
    recording->title_en = g_strdup(import->title_en);
    recording->title_ja = g_strdup(import->title_ja);
    recording->languages = g_strdupv((char **)import->languages);
    recording->audience = import->audience;
    recording->publish_when_ready = TRUE;
    recording->recorded_us = g_get_real_time();
    g_autoptr(GTask) task = g_task_new(NULL, importer->cancellable, on_copied, work);
    g_task_set_task_data(task, work, NULL);
    g_task_run_in_thread(task, run_copy);
}

/* A copy that was cut off by a kill has no row and helps nobody; it may be as large as a film. */
static void remove_unfinished(MnbCatalog *catalog)
{
    MnbStore *store = mnb_catalog_store(catalog);
    g_autoptr(GDir) dir = g_dir_open(mnb_store_folder(store, MNB_STORE_RECORDINGS), 0, NULL);
    for (const char *folder; dir != NULL && (folder = g_dir_read_name(dir)) != NULL;) {
        g_autoptr(GError) error = NULL;
        g_autofree char *path = mnb_store_recording_path(store, folder, UNFINISHED, NULL);
        if (path == NULL || access(path, F_OK) != 0)
            continue;
        mnb_recording_free(
            mnb_recording_find_by_folder(mnb_catalog_reader(catalog), folder, &error));
        if (!g_error_matches(error, MNB_ERROR, MNB_ERROR_NOT_FOUND))
            continue;
        MNB_LOG_INFO("what an import left is removed", "folder=%s", folder);
        g_clear_error(&error);
        if (!mnb_store_remove_recording(store, folder, &error))
            MNB_LOG_WARNING("what an import left stays on the disk", "folder=%s reason=%s", folder,
                            error->message);
    }
}

MnbImporter *mnb_importer_new(MnbCatalog *catalog)
{
    remove_unfinished(catalog);
    MnbImporter *importer = g_new0(MnbImporter, 1);
    importer->catalog = catalog;
    importer->cancellable = g_cancellable_new();
    return importer;
}

void mnb_importer_free(MnbImporter *importer)
{
    if (importer == NULL)
        return;
    g_cancellable_cancel(importer->cancellable);
    g_object_unref(importer->cancellable);
    g_free(importer);
}
