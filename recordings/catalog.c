#include "recordings/catalog.h"

#include <unistd.h>

#include "recordings/catalog-file.h"
#include "recordings/manifest-keeper.h"
#include "recordings/taxonomy.h"
#include "recordings/writer.h"
#include "server/base/log.h"

struct MnbCatalog {
    MnbStore *store;
    int lock_fd;
    MnbDb *reader;
    MnbWriter *writer;
    MnbManifestKeeper *keeper;
    GThread *backup;        /* NULL: none was started, or the last one was joined */
    gint is_backup_running; /* atomic */
};

static gboolean seed(MnbDb *db, gpointer data, GError **error)
{
    return mnb_taxonomy_seed(db, error);
}

static gboolean open_all(MnbCatalog *self, MnbCatalogFlags flags, GError **error)
{
    self->lock_fd = mnb_catalog_file_lock(self->store, error);
    if (self->lock_fd < 0)
        return FALSE;
    g_autofree char *path = mnb_catalog_file_path(self->store);
    gboolean is_new = !g_file_test(path, G_FILE_TEST_EXISTS);
    gboolean was_restored;
    MnbDb *db = mnb_catalog_file_open(self->store, flags, &was_restored, error);
    if (db == NULL)
        return FALSE;
    g_autoptr(GMainContext) context = g_main_context_ref_thread_default();
    self->writer = mnb_writer_new(db, self->store, context);
    if (!mnb_writer_run(self->writer, seed, NULL, error))
        return FALSE;
    guint n_restored = 0;
    if (was_restored && !mnb_catalog_rebuild(self, &n_restored, error))
        return FALSE;
    if (was_restored)
        MNB_LOG_WARNING("recordings were restored from manifests", "recordings=%u", n_restored);
    self->reader = mnb_db_open(path, MNB_DB_READER, error);
    if (self->reader == NULL)
        return FALSE;
    self->keeper = mnb_manifest_keeper_new(path, self->store, self->writer, error);
    if (self->keeper == NULL)
        return FALSE;
    /* A server that is often started again must not wait for its first quarter of an hour. */
    if (!is_new &&
        mnb_catalog_file_backup_age_us(self->store) > MNB_CATALOG_BACKUP_S * (gint64)G_USEC_PER_SEC)
        mnb_catalog_backup(self);
    return TRUE;
}

MnbCatalog *mnb_catalog_open(MnbStore *store, MnbCatalogFlags flags, GError **error)
{
    g_return_val_if_fail(store != NULL, NULL);
    g_autoptr(MnbCatalog) self = g_new0(MnbCatalog, 1);
    self->store = store;
    self->lock_fd = -1;
    return open_all(self, flags, error) ? g_steal_pointer(&self) : NULL;
}

void mnb_catalog_close(MnbCatalog *self)
{
    if (self == NULL)
        return;
    if (self->backup != NULL)
        g_thread_join(self->backup);
    mnb_manifest_keeper_free(self->keeper);
    /* Its last done() calls may read. Its connection is closed last, since that checkpoints. */
    mnb_writer_stop(self->writer);
    mnb_db_close(self->reader);
    mnb_writer_free(self->writer);
    if (self->lock_fd >= 0)
        close(self->lock_fd);
    g_free(self);
}

MnbDb *mnb_catalog_reader(MnbCatalog *self)
{
    return self->reader;
}

MnbStore *mnb_catalog_store(MnbCatalog *self)
{
    return self->store;
}

void mnb_catalog_write(MnbCatalog *self, MnbWriteFunc func, gpointer data, GDestroyNotify destroy,
                       MnbWriteDone done, gpointer user_data)
{
    mnb_writer_push(self->writer, func, data, destroy, done, user_data);
}

gboolean mnb_catalog_write_sync(MnbCatalog *self, MnbWriteFunc func, gpointer data, GError **error)
{
    return mnb_writer_run(self->writer, func, data, error);
}

gboolean mnb_catalog_is_full(MnbCatalog *self)
{
    return mnb_writer_is_full(self->writer);
}

void mnb_catalog_get_stats(MnbCatalog *self, MnbCatalogStats *stats)
{
    mnb_writer_get_stats(self->writer, stats);
}

gboolean mnb_catalog_rebuild(MnbCatalog *self, guint *n_restored, GError **error)
{
    return mnb_manifest_rebuild(self->store, self->writer, n_restored, error);
}

static gpointer run_backup(gpointer data)
{
    MnbCatalog *self = data;
    g_autoptr(GError) error = NULL;
    gint64 started_us = g_get_monotonic_time();
    if (mnb_catalog_file_back_up(self->store, &error))
        MNB_LOG_INFO("catalogue backed up", "ms=%d",
                     (int)((g_get_monotonic_time() - started_us) / 1000));
    else
        MNB_LOG_ERROR("the catalogue could not be backed up", "reason=%s", error->message);
    g_atomic_int_set(&self->is_backup_running, 0);
    return NULL;
}

void mnb_catalog_backup(MnbCatalog *self)
{
    if (!g_atomic_int_compare_and_exchange(&self->is_backup_running, 0, 1))
        return;
    if (self->backup != NULL)
        g_thread_join(self->backup);
    self->backup = g_thread_new("backup", run_backup, self);
}
