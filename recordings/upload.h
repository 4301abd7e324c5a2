/* upload.h - films on their way in: table `upload`.
 *
 *     receiving --last byte durable--> received --and submitted--> used (recording of the same id)
 *         |                               |
 *         +------- expires, ended --------+--> gone
 *
 * `draft` holds what somebody typed about the film, as a JSON object; it may be incomplete until it
 * is submitted. The bytes are the business of server/uploads. */
#pragma once

#include <glib.h>

#include "recordings/db.h"

#define MNB_UPLOAD_NAME_MAX 255 /* characters of a file's name */
#define MNB_UPLOAD_KEY_MAX  255 /* characters of a client's mark */

typedef enum {
    MNB_UPLOAD_RECEIVING,
    MNB_UPLOAD_RECEIVED,
    MNB_UPLOAD_USED,
} MnbUploadState;

const char *mnb_upload_state_to_string(MnbUploadState state);
gboolean mnb_upload_state_parse(const char *text, MnbUploadState *state);

typedef struct {
    char *id;
    char *staff;
    char *file_name;
    char *file_key;
    gint64 size;     /* bytes of the whole film */
    gint64 received; /* bytes that are durable */
    MnbUploadState state;
    char *city;  /* NULL: not known yet */
    char *draft; /* JSON object */
    gboolean is_submitted;
    char *recording; /* NULL until used */
    gint64 created_us;
    gint64 updated_us;
    gint64 expires_us; /* used ones do not expire */
} MnbUpload;

void mnb_upload_free(MnbUpload *upload);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbUpload, mnb_upload_free)

/* Returns (owned): or NULL with MNB_ERROR_NOT_FOUND. */
MnbUpload *mnb_upload_find(MnbDb *db, const char *id, GError **error);

/* What is not used yet, newest first, at most 200. @staff NULL: everybody's. Returns (owned):
 * MnbUpload elements. */
GPtrArray *mnb_upload_list_open(MnbDb *db, const char *staff, GError **error);

/* Sums for quota and disk; any pointer may be NULL. */
typedef struct {
    int n_open;           /* not used yet, of this member of the staff */
    int n_open_all;       /* of everybody */
    gint64 city_bytes;    /* of films of the city, used ones included, without @except */
    gint64 missing_bytes; /* that all open uploads may still bring */
} MnbUploadSums;

/* @city, @except: NULL: none. */
gboolean mnb_upload_sum(MnbDb *db, const char *staff, const char *city, const char *except,
                        MnbUploadSums *sums, GError **error);

/* Write. Of @upload: id, staff, file_name, file_key, size, city, draft, expires_us. Errors:
 * MNB_ERROR_INVALID, MNB_ERROR_CONFLICT (the id is taken). */
gboolean mnb_upload_insert(MnbDb *db, const MnbUpload *upload, gint64 now_us, GError **error);

/* Write. @received bytes are durable; never fewer than before. With the last one it becomes
 * `received`. Errors: MNB_ERROR_NOT_FOUND (ended meanwhile). */
gboolean mnb_upload_set_received(MnbDb *db, const char *id, gint64 received, gint64 expires_us,
                                 gint64 now_us, GError **error);

/* Write. At start only: fewer bytes are there than were confirmed (the disk lost them). */
gboolean mnb_upload_set_lost(MnbDb *db, const char *id, gint64 received, gint64 now_us,
                             GError **error);

/* Write. @city: NULL clears it. Errors: MNB_ERROR_NOT_FOUND, MNB_ERROR_CONFLICT when it was used or
 * submitted meanwhile, MNB_ERROR_INVALID. */
gboolean mnb_upload_set_draft(MnbDb *db, const char *id, const char *draft, const char *city,
                              gint64 expires_us, gint64 now_us, GError **error);

/* Write. The form is complete. */
gboolean mnb_upload_submit(MnbDb *db, const char *id, gint64 now_us, GError **error);

/* Write. It became the recording of the same id, which is there already. */
gboolean mnb_upload_set_used(MnbDb *db, const char *id, gint64 now_us, GError **error);

/* Write. Removes the row; of `used` ones nothing. Errors: MNB_ERROR_NOT_FOUND. */
gboolean mnb_upload_remove(MnbDb *db, const char *id, GError **error);

/* Open ones that expired before @now_us and were not submitted. Returns (owned): ids (char *). */
GPtrArray *mnb_upload_list_expired(MnbDb *db, gint64 now_us, GError **error);
