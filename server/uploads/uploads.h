/* uploads.h - films on their way in: files in STATE/uploads, rows in the catalogue, and the step
 * from a whole film with a whole form to a recording whose work waits.
 *
 *     POST --> row + empty file --> PATCH, PATCH ... --> received --+
 *     form, kept on the server at each change --> submitted --------+--> recordings/<id>/source,
 *                                                                        recording, transcode job
 *
 * What a client is told to be received is synced and committed before. After a kill the file is cut
 * at the confirmed byte at its next use; what was whole and submitted becomes a recording at the
 * next start. Main thread; the disk is waited for in threads. */
#pragma once
#include "recordings/catalog.h"
#include "recordings/upload.h"
#include "server/uploads/upload-stream.h"

#define MNB_UPLOADS_STREAMS_MAX 16  /* requests with bytes at the same time */
#define MNB_UPLOADS_OPEN_MAX    50  /* unfinished ones of one member of the staff */
#define MNB_UPLOADS_OPEN_ALL    500 /* of everybody */
#define MNB_UPLOADS_KEPT_US                                                                        \
    (G_GINT64_CONSTANT(7) * 86400 * G_USEC_PER_SEC) /* since the last byte */

typedef struct MnbUploads MnbUploads;

typedef struct {
    MnbCatalog *catalog;                  /* borrowed, outlives us */
    gint64 max_bytes;                     /* of one film */
    gint64 city_quota_bytes;              /* of all films that a city uploaded; 0: none */
    gint64 min_free_bytes;                /* that stay free on the disk */
    void (*on_jobs_added)(gpointer data); /* NULL: nobody wants to know */
    gpointer data;
} MnbUploadsOptions;

/* Returns (owned). What was left by an earlier run is gone on with. */
MnbUploads *mnb_uploads_new(const MnbUploadsOptions *options);
void mnb_uploads_free(MnbUploads *uploads); /* NULL is fine */

gint64 mnb_uploads_max_bytes(const MnbUploads *uploads);

/* Why a film may not come in; what is asked before any byte is taken, and again when a draft gets
 * another city. */
typedef enum {
    MNB_UPLOADS_WELCOME,
    MNB_UPLOADS_TOO_LARGE, /* above max_bytes */
    MNB_UPLOADS_QUOTA,     /* the city has no room left */
    MNB_UPLOADS_DISK,      /* the disk has none */
    MNB_UPLOADS_TOO_MANY,  /* unfinished ones */
    MNB_UPLOADS_FAILED,    /* the catalogue cannot be read: @error */
} MnbUploadsVerdict;

/* @upload: id, staff, size, received, city. @is_new: not in the table yet. @left_out (may be
 * NULL): bytes that there still is room for. */
MnbUploadsVerdict mnb_uploads_judge(MnbUploads *uploads, const MnbUpload *upload, gboolean is_new,
                                    gint64 *left_out, GError **error);

typedef struct {
    void (*on_room)(gpointer data);
    /* Once, last. @received: confirmed bytes, in the catalogue. @error as of upload-stream.h. */
    void (*on_closed)(gint64 received, const GError *error, gpointer data);
} MnbUploadsCalls;

/* Bytes for @upload from its confirmed offset on. Push, finish and cut as in upload-stream.h.
 * @calls: static. Returns (borrowed until the end of on_closed); errors: those of
 * mnb_upload_stream_new(), MNB_ERROR_BUSY (another request is
 * bringing bytes for it; that one is cut off now), MNB_ERROR_LIMIT (too many streams). */
MnbUploadStream *mnb_uploads_open(MnbUploads *uploads, const MnbUpload *upload,
                                  const MnbTusChecksum *checksum, const MnbUploadsCalls *calls,
                                  gpointer data, GError **error);

/* Calls @idle when nobody brings bytes for it: at once, or after the stream, which is cut off now,
 * has put in order what it had. Not called when the uploads are freed first. */
void mnb_uploads_when_idle(MnbUploads *uploads, const char *id, void (*idle)(gpointer data),
                           gpointer data);

/* Removes the file of an upload whose row is gone. */
void mnb_uploads_forget_file(MnbUploads *uploads, const char *id);

/* Its form was submitted, or its last byte came: makes a recording of it when it has both. */
void mnb_uploads_promote(MnbUploads *uploads, const char *id);

/* Appends Prometheus text: manabi_uploads_... */
void mnb_uploads_write_metrics(MnbUploads *uploads, GString *out);
