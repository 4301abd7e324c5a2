#include "recordings/writer.h"

#include <string.h>

#include "server/base/error.h"
#include "server/base/log.h"

#define BATCH_MAX 512 /* changes in one commit */
#define RESERVE_RETRY_US                                                                           \
    (10 * G_USEC_PER_SEC) /* between two attempts to have the reserve again                        \
                           */

typedef struct {
    MnbWriteFunc func; /* NULL: the thread ends */
    gpointer data;
    GDestroyNotify destroy;
    MnbWriteDone done;
    gpointer user_data;
    GError *error;
    gboolean is_sync;  /* somebody waits in mnb_writer_run() */
    gboolean is_ready; /* under MnbWriter.lock: is_sync only */
} Change;

struct MnbWriter {
    MnbDb *db;
    MnbStore *store;
    GMainContext *context;
    GThread *thread;
    GAsyncQueue *queue; /* Change, main thread -> writer */
    gint is_full;       /* atomic */

    GMutex lock; /* of what follows */
    GCond ready; /* a sync change is ready */
    GQueue finished;
    GSource *answers; /* set while the main context has to look at finished */
    MnbManifestsDue manifests_due;
    gpointer manifests_data;
    MnbCatalogStats stats;

    struct { /* of the writer thread alone */
        gboolean has_manifests_due;
        gint64 reserve_tried_us;
    } thread_state;
};

/* ---- answers, in the main context ---- */

static void answer(Change *change)
{
    if (change->done != NULL)
        change->done(change->error, change->data, change->user_data);
    else if (change->error != NULL)
        MNB_LOG_ERROR("catalogue: a change was not made", "reason=%s", change->error->message);
    if (change->destroy != NULL)
        change->destroy(change->data);
    g_clear_error(&change->error);
    g_free(change);
}

static void answer_all(MnbWriter *self)
{
    GQueue finished = G_QUEUE_INIT;
    g_mutex_lock(&self->lock);
    GQueue taken = self->finished;
    self->finished = finished;
    g_clear_pointer(&self->answers, g_source_unref);
    g_mutex_unlock(&self->lock);
    Change *change;
    while ((change = g_queue_pop_head(&taken)) != NULL)
        answer(change);
}

static gboolean on_answers(gpointer data)
{
    answer_all(data);
    return G_SOURCE_REMOVE;
}

/* Lock held. */
static void call_main(MnbWriter *self)
{
    if (self->answers != NULL)
        return;
    self->answers = g_idle_source_new();
    g_source_set_priority(self->answers, G_PRIORITY_DEFAULT);
    g_source_set_callback(self->answers, on_answers, self, NULL);
    g_source_attach(self->answers, self->context);
}

/* ---- the thread ---- */

static gboolean run_change(MnbWriter *self, Change *change)
{
    g_clear_error(&change->error);
    if (!mnb_db_exec(self->db, "SAVEPOINT change", &change->error))
        return FALSE;
    if (change->func(self->db, change->data, &change->error))
        return mnb_db_exec(self->db, "RELEASE change", &change->error);
    if (change->error == NULL)
        g_set_error(&change->error, MNB_ERROR, MNB_ERROR_FAILED, "the change failed");
    /* A full disk or a broken file may have undone the whole transaction already. */
    if (sqlite3_get_autocommit(mnb_db_handle(self->db)))
        return FALSE;
    if (!mnb_db_exec(self->db, "ROLLBACK TO change; RELEASE change", NULL))
        return FALSE;
    return !g_error_matches(change->error, MNB_ERROR, MNB_ERROR_STORAGE_FULL);
}

/* Returns: FALSE with @error if nothing of the batch is on disk. */
static gboolean try_batch(MnbWriter *self, GPtrArray *batch, GError **error)
{
    self->thread_state.has_manifests_due = FALSE;
    if (!mnb_db_exec(self->db, "BEGIN IMMEDIATE", error))
        return FALSE;
    gboolean ok = TRUE;
    for (guint i = 0; ok && i < batch->len; i++) {
        Change *change = batch->pdata[i];
        ok = run_change(self, change);
        if (!ok)
            g_propagate_error(error, g_error_copy(change->error));
    }
    ok = ok && mnb_db_exec(self->db, "COMMIT", error);
    if (!ok && !sqlite3_get_autocommit(mnb_db_handle(self->db)))
        mnb_db_exec(self->db, "ROLLBACK", NULL);
    return ok;
}

static void fail_batch(GPtrArray *batch, const GError *error)
{
    for (guint i = 0; i < batch->len; i++) {
        Change *change = batch->pdata[i];
        g_clear_error(&change->error);
        change->error = g_error_copy(error);
    }
}

static void finish_batch(MnbWriter *self, GPtrArray *batch, gint64 took_us)
{
    g_mutex_lock(&self->lock);
    self->stats.commit_us_max = MAX(self->stats.commit_us_max, took_us);
    for (guint i = 0; i < batch->len; i++) {
        Change *change = batch->pdata[i];
        if (change->error == NULL)
            self->stats.writes++;
        else
            self->stats.failures++;
        if (change->is_sync)
            change->is_ready = TRUE;
        else
            g_queue_push_tail(&self->finished, change);
    }
    if (!g_queue_is_empty(&self->finished))
        call_main(self);
    g_cond_broadcast(&self->ready);
    if (self->thread_state.has_manifests_due && self->manifests_due != NULL)
        self->manifests_due(self->manifests_data);
    g_mutex_unlock(&self->lock);
}

static void run_batch(MnbWriter *self, GPtrArray *batch)
{
    g_autoptr(GError) error = NULL;
    gint64 started_us = g_get_monotonic_time();
    gboolean ok = try_batch(self, batch, &error);
    if (!ok && g_error_matches(error, MNB_ERROR, MNB_ERROR_STORAGE_FULL)) {
        gboolean is_new = g_atomic_int_compare_and_exchange(&self->is_full, 0, 1);
        if (is_new)
            MNB_LOG_ERROR("the disk is full: free some space", "reason=%s", error->message);
        if (mnb_store_release_reserve(self->store)) {
            g_clear_error(&error);
            ok = try_batch(self, batch, &error);
        }
    }
    if (ok) {
        g_mutex_lock(&self->lock);
        self->stats.commits++;
        g_mutex_unlock(&self->lock);
    } else {
        fail_batch(batch, error);
    }
    finish_batch(self, batch, g_get_monotonic_time() - started_us);
}

static void try_reserve(MnbWriter *self)
{
    gint64 now_us = g_get_monotonic_time();
    if (!g_atomic_int_get(&self->is_full) ||
        now_us - self->thread_state.reserve_tried_us < RESERVE_RETRY_US)
        return;
    self->thread_state.reserve_tried_us = now_us;
    if (mnb_store_keep_reserve(self->store)) {
        g_atomic_int_set(&self->is_full, 0);
        MNB_LOG_INFO("there is space on the disk again");
    }
}

/* The first change is waited for; what came meanwhile goes into the same commit. While one commit
 * is being written the next batch gathers by itself, so nobody waits for a timer. */
static gboolean take_batch(MnbWriter *self, GPtrArray *batch)
{
    Change *change = g_atomic_int_get(&self->is_full)
                         ? g_async_queue_timeout_pop(self->queue, RESERVE_RETRY_US)
                         : g_async_queue_pop(self->queue);
    while (change != NULL && change->func != NULL) {
        g_ptr_array_add(batch, change);
        if (batch->len == BATCH_MAX)
            return TRUE;
        change = g_async_queue_try_pop(self->queue);
    }
    if (change == NULL)
        return TRUE;
    g_free(change);
    return FALSE;
}

static gpointer run_thread(gpointer data)
{
    MnbWriter *self = data;
    gboolean goes_on = TRUE;
    while (goes_on) {
        g_autoptr(GPtrArray) batch = g_ptr_array_new();
        goes_on = take_batch(self, batch);
        if (batch->len > 0)
            run_batch(self, batch);
        try_reserve(self);
    }
    return NULL;
}

static void on_row(void *data, int operation, const char *database, const char *table,
                   sqlite3_int64 row)
{
    MnbWriter *self = data;
    if (operation != SQLITE_DELETE && strcmp(table, "manifest_due") == 0)
        self->thread_state.has_manifests_due = TRUE;
}

/* ---- called by others ---- */

MnbWriter *mnb_writer_new(MnbDb *db, MnbStore *store, GMainContext *context)
{
    MnbWriter *self = g_new0(MnbWriter, 1);
    self->db = db;
    self->store = store;
    self->context = g_main_context_ref(context);
    self->queue = g_async_queue_new();
    g_mutex_init(&self->lock);
    g_cond_init(&self->ready);
    g_queue_init(&self->finished);
    if (!mnb_store_keep_reserve(store)) {
        self->is_full = 1;
        MNB_LOG_WARNING("the disk is nearly full: no room for the reserve");
    }
    sqlite3_update_hook(mnb_db_handle(db), on_row, self);
    self->thread = g_thread_new("catalogue", run_thread, self);
    return self;
}

void mnb_writer_on_manifests_due(MnbWriter *self, MnbManifestsDue callback, gpointer data)
{
    g_mutex_lock(&self->lock);
    self->manifests_due = callback;
    self->manifests_data = data;
    g_mutex_unlock(&self->lock);
}

void mnb_writer_stop(MnbWriter *self)
{
    if (self == NULL || self->thread == NULL)
        return;
    g_async_queue_push(self->queue, g_new0(Change, 1));
    g_thread_join(self->thread);
    self->thread = NULL;
    while (!g_queue_is_empty(&self->finished)) {
        if (self->answers != NULL)
            g_source_destroy(self->answers);
        answer_all(self);
    }
}

void mnb_writer_free(MnbWriter *self)
{
    if (self == NULL)
        return;
    mnb_writer_stop(self);
    mnb_db_close(self->db);
    g_async_queue_unref(self->queue);
    g_main_context_unref(self->context);
    g_mutex_clear(&self->lock);
    g_cond_clear(&self->ready);
    g_free(self);
}

void mnb_writer_push(MnbWriter *self, MnbWriteFunc func, gpointer data, GDestroyNotify destroy,
                     MnbWriteDone done, gpointer user_data)
{
    g_return_if_fail(func != NULL);
    Change *change = g_new0(Change, 1);
    *change = (Change){
        .func = func, .data = data, .destroy = destroy, .done = done, .user_data = user_data};
    if (self->thread == NULL) {
        g_set_error(&change->error, MNB_ERROR, MNB_ERROR_UNAVAILABLE, "the catalogue is closing");
    } else if (g_async_queue_length(self->queue) >= MNB_CATALOG_QUEUE_MAX) {
        g_set_error(&change->error, MNB_ERROR, MNB_ERROR_LIMIT,
                    "too many changes wait for the disk; try again");
    } else {
        g_async_queue_push(self->queue, change);
        return;
    }
    g_mutex_lock(&self->lock);
    self->stats.failures++;
    g_queue_push_tail(&self->finished, change);
    call_main(self);
    g_mutex_unlock(&self->lock);
}

gboolean mnb_writer_run(MnbWriter *self, MnbWriteFunc func, gpointer data, GError **error)
{
    g_return_val_if_fail(func != NULL && g_thread_self() != self->thread, FALSE);
    Change change = {.func = func, .data = data, .is_sync = TRUE};
    g_async_queue_push(self->queue, &change);
    g_mutex_lock(&self->lock);
    while (!change.is_ready)
        g_cond_wait(&self->ready, &self->lock);
    g_mutex_unlock(&self->lock);
    if (change.error == NULL)
        return TRUE;
    g_propagate_error(error, change.error);
    return FALSE;
}

gboolean mnb_writer_is_full(MnbWriter *self)
{
    return g_atomic_int_get(&self->is_full) != 0;
}

void mnb_writer_get_stats(MnbWriter *self, MnbCatalogStats *stats)
{
    g_mutex_lock(&self->lock);
    *stats = self->stats;
    self->stats.commit_us_max = 0;
    g_mutex_unlock(&self->lock);
    stats->waiting = (guint)MAX(g_async_queue_length(self->queue), 0);
}
