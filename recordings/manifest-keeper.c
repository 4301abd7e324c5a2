#include "recordings/manifest-keeper.h"

#include <string.h>

#include "recordings/manifest.h"
#include "server/base/log.h"

#define MANIFEST_NAME "manifest.json"
#define GATHER_US     (100 * 1000)          /* changes come in groups: write once for all */
#define RETRY_US      (60 * G_USEC_PER_SEC) /* after a failure */
#define LAST_PASS_US  (2 * G_USEC_PER_SEC)  /* when closing */
#define PAGE          256

struct MnbManifestKeeper {
    MnbDb *db; /* reader of the thread */
    MnbStore *store;
    MnbWriter *writer;
    GThread *thread;
    GMutex lock;
    GCond wake;
    gboolean is_due;
    gboolean is_ending;
};

typedef struct {
    char *recording;
    gint64 generation;
    char *folder;
} Due;

static void free_due(gpointer data)
{
    Due *due = data;
    g_free(due->recording);
    g_free(due->folder);
    g_free(due);
}

static GPtrArray *list_due(MnbDb *db, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT d.recording, d.generation, r.folder FROM manifest_due d"
                       " JOIN recording r ON r.id = d.recording ORDER BY d.num LIMIT ?1",
                       error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_int(stmt, 1, PAGE);
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_due);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0) {
        Due *due = g_new0(Due, 1);
        *due = (Due){mnb_stmt_dup_text(stmt, 0), mnb_stmt_int(stmt, 1), mnb_stmt_dup_text(stmt, 2)};
        g_ptr_array_add(list, due);
    }
    return result == 0 ? g_steal_pointer(&list) : NULL;
}

static gboolean write_manifest(MnbManifestKeeper *self, const Due *due, GError **error)
{
    g_autofree char *text = mnb_manifest_build(self->db, due->recording, error);
    if (text == NULL)
        return FALSE;
    g_autofree char *path =
        mnb_store_recording_path(self->store, due->folder, MANIFEST_NAME, error);
    return path != NULL && mnb_store_create_recording(self->store, due->folder, error) &&
           mnb_store_write_file(path, text, strlen(text), error);
}

/* Write. What changed again since it was read stays due. */
static gboolean forget_due(MnbDb *db, gpointer data, GError **error)
{
    const GPtrArray *written = data;
    for (guint i = 0; i < written->len; i++) {
        const Due *due = written->pdata[i];
        g_autoptr(MnbStmt) stmt = mnb_db_prepare(
            db, "DELETE FROM manifest_due WHERE recording = ?1 AND generation = ?2", error);
        if (stmt == NULL)
            return FALSE;
        mnb_stmt_bind_text(stmt, 1, due->recording);
        mnb_stmt_bind_int(stmt, 2, due->generation);
        if (!mnb_stmt_run(stmt, error))
            return FALSE;
    }
    return TRUE;
}

/* Returns: how many were written; -1 if something failed and should be tried later. */
static int write_page(MnbManifestKeeper *self)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) list = list_due(self->db, &error);
    g_autoptr(GPtrArray) written = g_ptr_array_new();
    gboolean ok = list != NULL;
    for (guint i = 0; ok && i < list->len; i++) {
        g_autoptr(GError) failure = NULL;
        if (write_manifest(self, list->pdata[i], &failure)) {
            g_ptr_array_add(written, list->pdata[i]);
        } else if (!mnb_recording_find(self->db, ((Due *)list->pdata[i])->recording, NULL)) {
            continue; /* removed meanwhile */
        } else {
            error = g_steal_pointer(&failure);
            ok = FALSE;
        }
    }
    if (written->len > 0 && error == NULL)
        ok = mnb_writer_run(self->writer, forget_due, written, &error) && ok;
    if (error != NULL)
        MNB_LOG_WARNING("a manifest could not be written; it will be tried again", "reason=%s",
                        error->message);
    return ok ? (int)written->len : -1;
}

static void wait_until(MnbManifestKeeper *self, gint64 end_us)
{
    while (!self->is_ending && g_cond_wait_until(&self->wake, &self->lock, end_us))
        ;
}

static gpointer run_thread(gpointer data)
{
    MnbManifestKeeper *self = data;
    gboolean is_ending = FALSE;
    while (!is_ending) {
        g_mutex_lock(&self->lock);
        while (!self->is_due && !self->is_ending)
            g_cond_wait(&self->wake, &self->lock);
        wait_until(self, g_get_monotonic_time() + GATHER_US);
        self->is_due = FALSE;
        is_ending = self->is_ending;
        g_mutex_unlock(&self->lock);
        gint64 end_us = g_get_monotonic_time() + LAST_PASS_US;
        int written;
        while ((written = write_page(self)) == PAGE)
            if (is_ending && g_get_monotonic_time() > end_us)
                break;
        if (written < 0 && !is_ending) {
            g_mutex_lock(&self->lock);
            self->is_due = TRUE;
            wait_until(self, g_get_monotonic_time() + RETRY_US);
            g_mutex_unlock(&self->lock);
        }
    }
    return NULL;
}

/* On the writer thread. */
static void on_manifests_due(gpointer data)
{
    MnbManifestKeeper *self = data;
    g_mutex_lock(&self->lock);
    self->is_due = TRUE;
    g_cond_signal(&self->wake);
    g_mutex_unlock(&self->lock);
}

MnbManifestKeeper *mnb_manifest_keeper_new(const char *path, MnbStore *store, MnbWriter *writer,
                                           GError **error)
{
    MnbDb *db = mnb_db_open(path, MNB_DB_READER, error);
    if (db == NULL)
        return NULL;
    MnbManifestKeeper *self = g_new0(MnbManifestKeeper, 1);
    self->db = db;
    self->store = store;
    self->writer = writer;
    self->is_due = TRUE; /* from the last run */
    g_mutex_init(&self->lock);
    g_cond_init(&self->wake);
    mnb_writer_on_manifests_due(writer, on_manifests_due, self);
    self->thread = g_thread_new("manifests", run_thread, self);
    return self;
}

void mnb_manifest_keeper_free(MnbManifestKeeper *self)
{
    if (self == NULL)
        return;
    g_mutex_lock(&self->lock);
    self->is_ending = TRUE;
    g_cond_signal(&self->wake);
    g_mutex_unlock(&self->lock);
    g_thread_join(self->thread);
    mnb_writer_on_manifests_due(self->writer, NULL, NULL);
    mnb_db_close(self->db);
    g_mutex_clear(&self->lock);
    g_cond_clear(&self->wake);
    g_free(self);
}

/* ---- rebuilding ---- */

static MnbManifest *read_manifest(MnbStore *store, const char *folder)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = mnb_store_recording_path(store, folder, MANIFEST_NAME, NULL);
    g_autofree char *text = NULL;
    gsize length = 0;
    if (path == NULL || !g_file_test(path, G_FILE_TEST_IS_REGULAR))
        return NULL;
    g_autoptr(MnbManifest) manifest = g_file_get_contents(path, &text, &length, &error)
                                          ? mnb_manifest_parse(text, length, &error)
                                          : NULL;
    if (manifest == NULL) {
        MNB_LOG_WARNING("a manifest was passed over", "folder=%s reason=%s", folder,
                        error->message);
        return NULL;
    }
    /* Where it lies counts, not what it says. */
    g_free(manifest->recording->folder);
    manifest->recording->folder = g_strdup(folder);
    return g_steal_pointer(&manifest);
}

typedef struct {
    MnbManifest *manifest;
    gboolean is_changed;
} Restoring;

static gboolean restore_one(MnbDb *db, gpointer data, GError **error)
{
    Restoring *restoring = data;
    return mnb_manifest_restore(db, restoring->manifest, &restoring->is_changed, error);
}

gboolean mnb_manifest_rebuild(MnbStore *store, MnbWriter *writer, guint *n_restored, GError **error)
{
    const char *root = mnb_store_folder(store, MNB_STORE_RECORDINGS);
    g_autoptr(GDir) dir = g_dir_open(root, 0, error);
    guint n = 0;
    if (dir == NULL)
        return FALSE;
    for (const char *folder; (folder = g_dir_read_name(dir)) != NULL;) {
        g_autoptr(MnbManifest) manifest = read_manifest(store, folder);
        if (manifest == NULL)
            continue;
        g_autoptr(GError) failure = NULL;
        Restoring restoring = {.manifest = manifest};
        if (!mnb_writer_run(writer, restore_one, &restoring, &failure))
            MNB_LOG_WARNING("a recording could not be restored from its manifest",
                            "folder=%s reason=%s", folder, failure->message);
        else if (restoring.is_changed)
            n++;
    }
    if (n_restored != NULL)
        *n_restored = n;
    return TRUE;
}

gboolean mnb_manifest_any(MnbStore *store)
{
    g_autoptr(GDir) dir = g_dir_open(mnb_store_folder(store, MNB_STORE_RECORDINGS), 0, NULL);
    for (const char *folder; dir != NULL && (folder = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *path = mnb_store_recording_path(store, folder, MANIFEST_NAME, NULL);
        if (path != NULL && g_file_test(path, G_FILE_TEST_IS_REGULAR))
            return TRUE;
    }
    return FALSE;
}
