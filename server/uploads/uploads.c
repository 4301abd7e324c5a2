#include "server/uploads/uploads.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/error.h"
#include "server/base/log.h"
#include "server/uploads/promote.h"

#define SWEEP_S 600

struct MnbUploads {
    MnbCatalog *catalog;
    MnbStore *store;
    gint64 max_bytes;
    gint64 city_quota_bytes;
    gint64 min_free_bytes;
    void (*on_jobs_added)(gpointer data);
    gpointer data;
    GHashTable *active;    /* id -> Active */
    GHashTable *promoting; /* ids */
    guint sweeper;
    /* Writes and threads that come back keep it alive; free() only cuts the line. */
    guint refs;
    gboolean is_freed;
    guint64 n_bytes;
    guint64 n_films;
    guint64 n_refused;
};

typedef struct {
    void (*idle)(gpointer data);
    gpointer data;
} Waiter;

/* One request that brings bytes. */
typedef struct {
    MnbUploads *uploads; /* held */
    char *id;
    gint64 size;
    MnbUploadStream *stream; /* freed with this, long after it closed: a request may hold it */
    const MnbUploadsCalls *calls;
    gpointer data;
    GArray *waiters;
    gint64 received;
    GError *error; /* of the stream */
} Active;

static MnbUploads *hold(MnbUploads *uploads)
{
    uploads->refs++;
    return uploads;
}

static void release(MnbUploads *uploads)
{
    if (--uploads->refs > 0)
        return;
    g_hash_table_unref(uploads->active);
    g_hash_table_unref(uploads->promoting);
    g_free(uploads);
}

static char *file_of(MnbUploads *uploads, const char *id)
{
    return g_build_filename(mnb_store_folder(uploads->store, MNB_STORE_UPLOADS), id, NULL);
}

gint64 mnb_uploads_max_bytes(const MnbUploads *uploads)
{
    return uploads->max_bytes;
}

/* ---- may it come in ---- */

static MnbUploadsVerdict judge(MnbUploads *uploads, const MnbUpload *upload, gboolean is_new,
                               gint64 *left, GError **error)
{
    MnbUploadSums sums;
    MnbDb *db = mnb_catalog_reader(uploads->catalog);
    *left = uploads->max_bytes;
    if (upload->size > uploads->max_bytes)
        return MNB_UPLOADS_TOO_LARGE;
    if (!mnb_upload_sum(db, upload->staff, upload->city, upload->id, &sums, error))
        return MNB_UPLOADS_FAILED;
    if (is_new && (sums.n_open >= MNB_UPLOADS_OPEN_MAX || sums.n_open_all >= MNB_UPLOADS_OPEN_ALL))
        return MNB_UPLOADS_TOO_MANY;
    *left = MAX(uploads->city_quota_bytes - sums.city_bytes, 0);
    if (uploads->city_quota_bytes > 0 && upload->city != NULL && upload->size > *left)
        return MNB_UPLOADS_QUOTA;
    gint64 free_bytes = mnb_store_free_bytes(uploads->store, error);
    if (free_bytes < 0)
        return MNB_UPLOADS_FAILED;
    /* What is promised to others, this film, and about as much again for what is made of it. */
    *left = MAX((free_bytes - uploads->min_free_bytes - sums.missing_bytes) / 2, 0);
    if (is_new && upload->size > *left)
        return MNB_UPLOADS_DISK;
    return MNB_UPLOADS_WELCOME;
}

MnbUploadsVerdict mnb_uploads_judge(MnbUploads *uploads, const MnbUpload *upload, gboolean is_new,
                                    gint64 *left_out, GError **error)
{
    gint64 left;
    MnbUploadsVerdict verdict = judge(uploads, upload, is_new, &left, error);
    if (verdict != MNB_UPLOADS_WELCOME)
        uploads->n_refused++;
    if (left_out != NULL)
        *left_out = left;
    return verdict;
}

/* ---- confirmed bytes ---- */

typedef struct {
    Active *active; /* of the last one; else NULL */
    char *id;
    gint64 received;
    gint64 now_us;
} Mark;

static void free_mark(gpointer data)
{
    Mark *mark = data;
    g_free(mark->id);
    g_free(mark);
}

static gboolean write_mark(MnbDb *db, gpointer data, GError **error)
{
    const Mark *mark = data;
    return mnb_upload_set_received(db, mark->id, mark->received, mark->now_us + MNB_UPLOADS_KEPT_US,
                                   mark->now_us, error);
}

static Mark *mark_new(const char *id, gint64 received)
{
    Mark *mark = g_new0(Mark, 1);
    mark->id = g_strdup(id);
    mark->received = received;
    mark->now_us = g_get_real_time();
    return mark;
}

static void on_durable(gint64 offset, gpointer data)
{
    Active *active = data;
    MnbUploads *uploads = active->uploads;
    if (uploads->is_freed)
        return;
    uploads->n_bytes += (guint64)(offset - active->received);
    active->received = offset;
    /* The last one is written by on_stream_closed(), which wants to know when it is on disk. */
    mnb_catalog_write(uploads->catalog, write_mark, mark_new(active->id, offset), free_mark, NULL,
                      NULL);
}

static void on_room(gpointer data)
{
    Active *active = data;
    if (active->calls->on_room != NULL && !active->uploads->is_freed)
        active->calls->on_room(active->data);
}

static void active_free(Active *active)
{
    mnb_upload_stream_free(active->stream);
    release(active->uploads);
    g_array_unref(active->waiters);
    g_clear_error(&active->error);
    g_free(active->id);
    g_free(active);
}

static void on_last_mark(const GError *error, gpointer data, gpointer user_data)
{
    const Mark *mark = data;
    Active *active = mark->active;
    MnbUploads *uploads = active->uploads;
    g_hash_table_remove(uploads->active, active->id);
    active->calls->on_closed(mark->received, active->error != NULL ? active->error : error,
                             active->data);
    if (!uploads->is_freed) {
        if (g_error_matches(error, MNB_ERROR, MNB_ERROR_NOT_FOUND)) /* its row was refused */
            mnb_uploads_forget_file(uploads, active->id);
        for (guint i = 0; i < active->waiters->len; i++) {
            Waiter waiter = g_array_index(active->waiters, Waiter, i);
            waiter.idle(waiter.data);
        }
        if (error == NULL && mark->received == active->size) {
            uploads->n_films++;
            mnb_uploads_promote(uploads, active->id);
        }
    }
    active_free(active);
}

static void on_stream_closed(gint64 offset, const GError *error, gpointer data)
{
    Active *active = data;
    active->error = error != NULL ? g_error_copy(error) : NULL;
    if (active->uploads->is_freed) {
        active->calls->on_closed(offset, error, active->data);
        active_free(active);
        return;
    }
    Mark *mark = mark_new(active->id, offset);
    mark->active = active;
    mnb_catalog_write(active->uploads->catalog, write_mark, mark, free_mark, on_last_mark, NULL);
}

static const MnbUploadStreamCalls stream_calls = {on_room, on_durable, on_stream_closed};

MnbUploadStream *mnb_uploads_open(MnbUploads *uploads, const MnbUpload *upload,
                                  const MnbTusChecksum *checksum, const MnbUploadsCalls *calls,
                                  gpointer data, GError **error)
{
    Active *other = g_hash_table_lookup(uploads->active, upload->id);
    if (other != NULL) {
        mnb_upload_stream_cut(other->stream);
        g_set_error(error, MNB_ERROR, MNB_ERROR_BUSY,
                    "another request was bringing bytes for this upload; ask for the offset again");
        return NULL;
    }
    if (g_hash_table_size(uploads->active) >= MNB_UPLOADS_STREAMS_MAX) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_LIMIT, "%d films are coming in at the same time",
                    MNB_UPLOADS_STREAMS_MAX);
        return NULL;
    }
    gint64 free_bytes = mnb_store_free_bytes(uploads->store, error);
    if (free_bytes < 0)
        return NULL;
    if (free_bytes < uploads->min_free_bytes) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_STORAGE_FULL, "the disk is full");
        return NULL;
    }
    g_autofree char *path = file_of(uploads, upload->id);
    Active *active = g_new0(Active, 1);
    active->uploads = hold(uploads);
    active->id = g_strdup(upload->id);
    active->size = upload->size;
    active->calls = calls;
    active->data = data;
    active->received = upload->received;
    active->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
    active->stream = mnb_upload_stream_new(path, upload->received, upload->size, checksum,
                                           &stream_calls, active, error);
    if (active->stream == NULL) {
        active_free(active);
        return NULL;
    }
    g_hash_table_insert(uploads->active, active->id, active);
    return active->stream;
}

void mnb_uploads_when_idle(MnbUploads *uploads, const char *id, void (*idle)(gpointer data),
                           gpointer data)
{
    Active *active = g_hash_table_lookup(uploads->active, id);
    if (active == NULL) {
        idle(data);
        return;
    }
    Waiter waiter = {idle, data};
    g_array_append_val(active->waiters, waiter);
    mnb_upload_stream_cut(active->stream);
}

void mnb_uploads_forget_file(MnbUploads *uploads, const char *id)
{
    g_autofree char *path = file_of(uploads, id);
    if (unlink(path) < 0 && errno != ENOENT)
        MNB_LOG_WARNING("the file of an upload stays on the disk", "upload=%s reason=%s", id,
                        g_strerror(errno));
}

/* ---- becoming a recording ---- */

typedef struct {
    MnbUploads *uploads;
    char *id;
} Promotion;

static void on_promoted(const GError *error, gpointer data)
{
    Promotion *promotion = data;
    MnbUploads *uploads = promotion->uploads;
    g_hash_table_remove(uploads->promoting, promotion->id);
    if (error != NULL)
        MNB_LOG_ERROR("an upload could not become a recording", "upload=%s reason=%s",
                      promotion->id, error->message);
    else
        MNB_LOG_INFO("upload is a recording", "recording=%s", promotion->id);
    if (error == NULL && !uploads->is_freed && uploads->on_jobs_added != NULL)
        uploads->on_jobs_added(uploads->data);
    release(uploads);
    g_free(promotion->id);
    g_free(promotion);
}

void mnb_uploads_promote(MnbUploads *uploads, const char *id)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbUpload) upload = mnb_upload_find(mnb_catalog_reader(uploads->catalog), id, &error);
    if (upload == NULL || upload->state != MNB_UPLOAD_RECEIVED || !upload->is_submitted ||
        g_hash_table_contains(uploads->promoting, id))
        return;
    Promotion *promotion = g_new0(Promotion, 1);
    promotion->uploads = hold(uploads);
    promotion->id = g_strdup(id);
    g_hash_table_add(uploads->promoting, g_strdup(id));
    mnb_promote(uploads->catalog, upload, on_promoted, promotion);
}

/* ---- what is left behind ---- */

typedef struct {
    MnbUploads *uploads;
    char *id;
} Removal;

static gboolean write_expiry(MnbDb *db, gpointer data, GError **error)
{
    return mnb_upload_remove(db, ((Removal *)data)->id, error);
}

static void on_expired(const GError *error, gpointer data, gpointer user_data)
{
    Removal *removal = data;
    if (error != NULL || removal->uploads->is_freed)
        return;
    MNB_LOG_INFO("upload expired", "upload=%s", removal->id);
    mnb_uploads_forget_file(removal->uploads, removal->id);
}

static void free_removal(gpointer data)
{
    Removal *removal = data;
    release(removal->uploads);
    g_free(removal->id);
    g_free(removal);
}

/* Files without a row: of uploads that were ended while the machine went down. */
static void remove_strays(MnbUploads *uploads)
{
    MnbDb *db = mnb_catalog_reader(uploads->catalog);
    g_autoptr(GDir) dir = g_dir_open(mnb_store_folder(uploads->store, MNB_STORE_UPLOADS), 0, NULL);
    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
        g_autoptr(GError) error = NULL;
        MnbUpload *upload = mnb_upload_find(db, name, &error);
        mnb_upload_free(upload);
        if (g_error_matches(error, MNB_ERROR, MNB_ERROR_NOT_FOUND))
            mnb_uploads_forget_file(uploads, name);
    }
}

static gboolean on_sweep(gpointer data)
{
    MnbUploads *uploads = data;
    g_autoptr(GError) error = NULL;
    MnbDb *db = mnb_catalog_reader(uploads->catalog);
    g_autoptr(GPtrArray) ids = mnb_upload_list_expired(db, g_get_real_time(), &error);
    for (guint i = 0; ids != NULL && i < ids->len; i++) {
        if (g_hash_table_contains(uploads->active, ids->pdata[i]))
            continue;
        Removal *removal = g_new0(Removal, 1);
        removal->uploads = hold(uploads);
        removal->id = g_strdup(ids->pdata[i]);
        mnb_catalog_write(uploads->catalog, write_expiry, removal, free_removal, on_expired, NULL);
    }
    return G_SOURCE_CONTINUE;
}

typedef struct {
    const char *id;
    gint64 received;
} Loss;

static gboolean write_loss(MnbDb *db, gpointer data, GError **error)
{
    const Loss *loss = data;
    return mnb_upload_set_lost(db, loss->id, loss->received, g_get_real_time(), error);
}

/* At start: what the disk has lost is said, what is whole and submitted is gone on with. */
static void recover(MnbUploads *uploads)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) open =
        mnb_upload_list_open(mnb_catalog_reader(uploads->catalog), NULL, &error);
    for (guint i = 0; open != NULL && i < open->len; i++) {
        const MnbUpload *upload = open->pdata[i];
        struct stat info = {0};
        g_autofree char *path = file_of(uploads, upload->id);
        gboolean is_there = stat(path, &info) == 0;
        if (upload->state == MNB_UPLOAD_RECEIVED && upload->is_submitted) {
            mnb_uploads_promote(uploads, upload->id); /* it may have moved already */
        } else if ((is_there || errno == ENOENT) && info.st_size < upload->received) {
            Loss loss = {upload->id, info.st_size};
            MNB_LOG_ERROR("the disk has lost bytes of an upload", "upload=%s", upload->id);
            mnb_catalog_write_sync(uploads->catalog, write_loss, &loss, NULL);
        }
    }
}

MnbUploads *mnb_uploads_new(const MnbUploadsOptions *options)
{
    MnbUploads *uploads = g_new0(MnbUploads, 1);
    uploads->refs = 1;
    uploads->catalog = options->catalog;
    uploads->store = mnb_catalog_store(options->catalog);
    uploads->max_bytes = options->max_bytes;
    uploads->city_quota_bytes = options->city_quota_bytes;
    uploads->min_free_bytes = options->min_free_bytes;
    uploads->on_jobs_added = options->on_jobs_added;
    uploads->data = options->data;
    uploads->active = g_hash_table_new(g_str_hash, g_str_equal);
    uploads->promoting = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    uploads->sweeper = g_timeout_add_seconds(SWEEP_S, on_sweep, uploads);
    remove_strays(uploads);
    recover(uploads);
    on_sweep(uploads);
    return uploads;
}

void mnb_uploads_free(MnbUploads *uploads)
{
    if (uploads == NULL)
        return;
    g_source_remove(uploads->sweeper);
    uploads->is_freed = TRUE;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, uploads->active);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        mnb_upload_stream_cut(((Active *)value)->stream);
    release(uploads);
}

void mnb_uploads_write_metrics(MnbUploads *uploads, GString *out)
{
    g_string_append_printf(
        out,
        "# HELP manabi_uploads_bytes_total Bytes of uploads that became durable.\n"
        "# TYPE manabi_uploads_bytes_total counter\n"
        "manabi_uploads_bytes_total %" G_GUINT64_FORMAT "\n"
        "# HELP manabi_uploads_films_total Uploads that came in whole.\n"
        "# TYPE manabi_uploads_films_total counter\n"
        "manabi_uploads_films_total %" G_GUINT64_FORMAT "\n"
        "# HELP manabi_uploads_refused_total Uploads refused before a byte was taken.\n"
        "# TYPE manabi_uploads_refused_total counter\n"
        "manabi_uploads_refused_total %" G_GUINT64_FORMAT "\n"
        "# HELP manabi_uploads_active Requests that bring bytes now.\n"
        "# TYPE manabi_uploads_active gauge\n"
        "manabi_uploads_active %u\n",
        uploads->n_bytes, uploads->n_films, uploads->n_refused, g_hash_table_size(uploads->active));
}
