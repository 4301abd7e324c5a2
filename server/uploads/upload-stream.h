/* upload-stream.h - the bytes of one request on their way into the file of an upload.
 *
 *     push --> filling --(256 KiB, or 2 s)--> a thread: write, checksum, sync --> on_durable
 *               4 MiB: full, stop reading            |
 *               on_room <----------------------------+
 *
 * The main thread never waits for the disk, and at most 8 MiB are held. What on_durable tells is
 * synced (fdatasync). With a checksum nothing is durable before all bytes have come and fit: else
 * the file is cut back to where the request began. Main thread. */
#pragma once
#include "server/uploads/tus-header.h"
#include <glib.h>

typedef struct MnbUploadStream MnbUploadStream;

typedef struct {
    /* After push() said FALSE: go on. */
    void (*on_room)(gpointer data);
    /* So many bytes of the file are durable, counted from its beginning. */
    void (*on_durable)(gint64 offset, gpointer data);
    /* Once, last; the stream may be freed from now on, in this call too. @error (borrowed): NULL,
     * or what failed: MNB_ERROR_DAMAGED (the checksum does not fit), MNB_ERROR_STORAGE_FULL,
     * MNB_ERROR_STORAGE, MNB_ERROR_LIMIT (more bytes than the upload has). @offset: what is durable
     * all the same. */
    void (*on_closed)(gint64 offset, const GError *error, gpointer data);
} MnbUploadStreamCalls;

/* Opens (or makes) @path, cuts it at @offset and appends. @size: of the whole upload. @checksum:
 * NULL: none (copied). @calls: static. Returns (owned), or NULL
 * with @error: MNB_ERROR_STORAGE, MNB_ERROR_STORAGE_FULL, MNB_ERROR_CONFLICT (the file is shorter
 * than @offset). */
MnbUploadStream *mnb_upload_stream_new(const char *path, gint64 offset, gint64 size,
                                       const MnbTusChecksum *checksum,
                                       const MnbUploadStreamCalls *calls, gpointer data,
                                       GError **error);

/* After on_closed, not before: a thread may be writing. */
void mnb_upload_stream_free(MnbUploadStream *stream);

/* Copies @bytes. Returns FALSE when the caller is to stop until on_room. Does nothing after
 * finish(), a failure or on_closed. */
gboolean mnb_upload_stream_push(MnbUploadStream *stream, const void *bytes, gsize len);

/* All bytes of the request were pushed: on_closed follows, once. */
void mnb_upload_stream_finish(MnbUploadStream *stream);

/* The request broke off: what came is kept, unless there is a checksum; on_closed follows. */
void mnb_upload_stream_cut(MnbUploadStream *stream);
