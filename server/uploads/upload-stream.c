#include "server/uploads/upload-stream.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/error.h"
#include "server/base/io.h"

#define BATCH_BYTES (256 * 1024)
#define FULL_BYTES  (4 * 1024 * 1024)
#define SYNC_BYTES  (64 * 1024 * 1024)
#define SYNC_US     (2 * G_USEC_PER_SEC)

struct MnbUploadStream {
    const MnbUploadStreamCalls *calls;
    gpointer data;
    int fd;
    gint64 begin; /* offset of the request's first byte */
    gint64 size;
    gint64 pushed; /* end of what was pushed */
    gint64 durable;
    gint64 synced_us;
    GByteArray *filling;
    gboolean is_busy;
    gboolean is_waiting; /* for room */
    gboolean is_finishing;
    gboolean is_cut;
    GError *error;
    gboolean has_checksum;
    MnbTusChecksum wanted;
    /* Of the thread while is_busy. */
    struct {
        GByteArray *bytes;
        GChecksum *checksum;
        gint64 at;
        gint64 synced_to;
        gboolean does_sync;
        gboolean is_last;
        gboolean is_discarded; /* the last one: cut back to begin */
    } worker;
};

/* ---- in the thread ---- */

static gboolean discard(MnbUploadStream *stream, GError **error)
{
    if (ftruncate(stream->fd, stream->begin) < 0 || fdatasync(stream->fd) < 0)
        return mnb_error_from_errno(error, -errno, "an upload");
    stream->worker.at = stream->begin;
    return TRUE;
}

static gboolean check_sum(MnbUploadStream *stream, GError **error)
{
    guint8 digest[MNB_TUS_DIGEST_MAX];
    gsize len = sizeof digest;
    g_checksum_get_digest(stream->worker.checksum, digest, &len);
    if (len == stream->wanted.len && memcmp(digest, stream->wanted.digest, len) == 0)
        return TRUE;
    if (discard(stream, error))
        g_set_error(error, MNB_ERROR, MNB_ERROR_DAMAGED,
                    "the bytes do not fit their checksum; none of them was kept");
    return FALSE;
}

static gboolean write_batch(MnbUploadStream *stream, GError **error)
{
    GByteArray *bytes = stream->worker.bytes;
    if (stream->worker.is_discarded)
        return discard(stream, error);
    int result = mnb_io_write_all(stream->fd, bytes->data, bytes->len, stream->worker.at);
    if (result < 0)
        return mnb_error_from_errno(error, result, "an upload");
    if (stream->worker.checksum != NULL)
        g_checksum_update(stream->worker.checksum, bytes->data, bytes->len);
    /* The disk begins at once, so that there is little left to wait for at the sync. */
    sync_file_range(stream->fd, stream->worker.at, bytes->len, SYNC_FILE_RANGE_WRITE);
    stream->worker.at += bytes->len;
    if (stream->worker.is_last && stream->has_checksum && !check_sum(stream, error))
        return FALSE;
    if (!stream->worker.does_sync)
        return TRUE;
    if (fdatasync(stream->fd) < 0)
        return mnb_error_from_errno(error, -errno, "an upload");
    stream->worker.synced_to = stream->worker.at;
    return TRUE;
}

static void run_batch(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    GError *error = NULL;
    if (write_batch(data, &error))
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
}

/* ---- in the main thread ---- */

void mnb_upload_stream_free(MnbUploadStream *stream)
{
    if (stream == NULL)
        return;
    close(stream->fd);
    g_byte_array_unref(stream->filling);
    g_byte_array_unref(stream->worker.bytes);
    g_clear_pointer(&stream->worker.checksum, g_checksum_free);
    g_clear_error(&stream->error);
    g_free(stream);
}

static void on_batch(GObject *source, GAsyncResult *result, gpointer data);

static void start_batch(MnbUploadStream *stream)
{
    GByteArray *empty = stream->worker.bytes;
    stream->worker.bytes = stream->filling;
    stream->filling = empty;
    g_byte_array_set_size(empty, 0);
    gint64 now_us = g_get_monotonic_time();
    stream->worker.is_last = stream->is_finishing;
    stream->worker.is_discarded =
        stream->is_finishing && stream->has_checksum && (stream->is_cut || stream->error != NULL);
    stream->worker.does_sync =
        stream->is_finishing ||
        (!stream->has_checksum && (now_us - stream->synced_us >= SYNC_US ||
                                   stream->worker.at - stream->durable >= SYNC_BYTES));
    stream->is_busy = TRUE;
    g_autoptr(GTask) task = g_task_new(NULL, NULL, on_batch, NULL);
    g_task_set_task_data(task, stream, NULL);
    g_task_run_in_thread(task, run_batch);
}

static void go_on(MnbUploadStream *stream)
{
    if (stream->is_busy)
        return;
    gsize len = stream->filling->len;
    if (stream->is_finishing || len >= BATCH_BYTES ||
        (len > 0 && g_get_monotonic_time() - stream->synced_us >= SYNC_US))
        start_batch(stream);
}

static void on_batch(GObject *source, GAsyncResult *result, gpointer data)
{
    MnbUploadStream *stream = g_task_get_task_data(G_TASK(result));
    g_autoptr(GError) error = NULL;
    gboolean is_good = g_task_propagate_boolean(G_TASK(result), &error);
    gboolean was_last = stream->worker.is_last;
    stream->is_busy = FALSE;
    if (!is_good && stream->error == NULL)
        stream->error = g_steal_pointer(&error);
    if (stream->worker.does_sync && stream->worker.synced_to > stream->durable) {
        stream->durable = stream->worker.synced_to;
        stream->synced_us = g_get_monotonic_time();
        stream->calls->on_durable(stream->durable, stream->data);
    }
    if (was_last) {
        stream->calls->on_closed(stream->durable, stream->error, stream->data);
        return;
    }
    if (stream->error != NULL) { /* one more, without bytes, to put in order what is there */
        g_byte_array_set_size(stream->filling, 0);
        stream->is_finishing = TRUE;
    }
    go_on(stream);
    if (stream->is_waiting) {
        stream->is_waiting = FALSE;
        stream->calls->on_room(stream->data);
    }
}

MnbUploadStream *mnb_upload_stream_new(const char *path, gint64 offset, gint64 size,
                                       const MnbTusChecksum *checksum,
                                       const MnbUploadStreamCalls *calls, gpointer data,
                                       GError **error)
{
    struct stat info;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fstat(fd, &info) < 0 || (info.st_size > offset && ftruncate(fd, offset) < 0)) {
        mnb_error_from_errno(error, -errno, "the file of an upload");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (info.st_size < offset) {
        close(fd);
        g_set_error(error, MNB_ERROR, MNB_ERROR_CONFLICT,
                    "the disk has lost bytes of this upload; begin it anew");
        return NULL;
    }
    MnbUploadStream *stream = g_new0(MnbUploadStream, 1);
    stream->calls = calls;
    stream->data = data;
    stream->fd = fd;
    stream->begin = stream->pushed = stream->durable = offset;
    stream->worker.at = stream->worker.synced_to = offset;
    stream->size = size;
    stream->synced_us = g_get_monotonic_time();
    stream->filling = g_byte_array_sized_new(BATCH_BYTES);
    stream->worker.bytes = g_byte_array_sized_new(BATCH_BYTES);
    if (checksum != NULL) {
        stream->has_checksum = TRUE;
        stream->wanted = *checksum;
        stream->worker.checksum = g_checksum_new(checksum->type);
    }
    return stream;
}

gboolean mnb_upload_stream_push(MnbUploadStream *stream, const void *bytes, gsize len)
{
    if (stream->is_finishing || stream->error != NULL)
        return TRUE;
    if ((guint64)len > (guint64)(stream->size - stream->pushed)) {
        g_set_error(&stream->error, MNB_ERROR, MNB_ERROR_LIMIT,
                    "more bytes came than Upload-Length said");
        return TRUE;
    }
    g_byte_array_append(stream->filling, bytes, (guint)len);
    stream->pushed += (gint64)len;
    go_on(stream);
    stream->is_waiting = stream->filling->len >= FULL_BYTES;
    return !stream->is_waiting;
}

void mnb_upload_stream_finish(MnbUploadStream *stream)
{
    if (stream->is_finishing)
        return;
    stream->is_finishing = TRUE;
    go_on(stream);
}

void mnb_upload_stream_cut(MnbUploadStream *stream)
{
    stream->is_cut = TRUE;
    mnb_upload_stream_finish(stream);
}
