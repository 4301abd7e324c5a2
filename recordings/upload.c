#include "recordings/upload.h"

#include "recordings/fields.h"
#include "server/base/error.h"

#define DRAFT_MAX (64 * 1024) /* bytes */

#define COLUMNS                                                                                    \
    "id, staff, file_name, file_key, size, received, state, city, draft, is_submitted, recording," \
    " created_us, updated_us, expires_us"

static const char *const state_names[] = {"receiving", "received", "used"};
MNB_DEFINE_NAMES(MnbUploadState, mnb_upload_state, state_names)

void mnb_upload_free(MnbUpload *upload)
{
    if (upload == NULL)
        return;
    g_free(upload->id);
    g_free(upload->staff);
    g_free(upload->file_name);
    g_free(upload->file_key);
    g_free(upload->city);
    g_free(upload->draft);
    g_free(upload->recording);
    g_free(upload);
}

static void free_upload(gpointer data)
{
    mnb_upload_free(data);
}

static MnbUpload *read_row(MnbStmt *stmt)
{
    MnbUpload *upload = g_new0(MnbUpload, 1);
    upload->id = mnb_stmt_dup_text(stmt, 0);
    upload->staff = mnb_stmt_dup_text(stmt, 1);
    upload->file_name = mnb_stmt_dup_text(stmt, 2);
    upload->file_key = mnb_stmt_dup_text(stmt, 3);
    upload->size = mnb_stmt_int(stmt, 4);
    upload->received = mnb_stmt_int(stmt, 5);
    mnb_upload_state_parse(mnb_stmt_text(stmt, 6), &upload->state);
    upload->city = mnb_stmt_dup_text(stmt, 7);
    upload->draft = mnb_stmt_dup_text(stmt, 8);
    upload->is_submitted = mnb_stmt_int(stmt, 9) != 0;
    upload->recording = mnb_stmt_dup_text(stmt, 10);
    upload->created_us = mnb_stmt_int(stmt, 11);
    upload->updated_us = mnb_stmt_int(stmt, 12);
    upload->expires_us = mnb_stmt_int(stmt, 13);
    return upload;
}

MnbUpload *mnb_upload_find(MnbDb *db, const char *id, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "SELECT " COLUMNS " FROM upload WHERE id = ?1", error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, id);
    int result = mnb_stmt_step(stmt, error);
    if (result == 0)
        mnb_set_not_found(error, "upload", id);
    return result > 0 ? read_row(stmt) : NULL;
}

GPtrArray *mnb_upload_list_open(MnbDb *db, const char *staff, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT " COLUMNS " FROM upload WHERE state <> 'used' AND"
                       " (?1 IS NULL OR staff = ?1) ORDER BY created_us DESC, rowid DESC LIMIT 200",
                       error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, staff);
    g_autoptr(GPtrArray) uploads = g_ptr_array_new_with_free_func(free_upload);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        g_ptr_array_add(uploads, read_row(stmt));
    return result == 0 ? g_steal_pointer(&uploads) : NULL;
}

gboolean mnb_upload_sum(MnbDb *db, const char *staff, const char *city, const char *except,
                        MnbUploadSums *sums, GError **error)
{
    *sums = (MnbUploadSums){0};
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "SELECT coalesce(sum(state <> 'used' AND staff = ?1), 0), coalesce(sum(state <> 'used'), "
        "0),"
        " coalesce(sum(CASE WHEN city = ?2 AND (?3 IS NULL OR id <> ?3) THEN size ELSE 0 END), 0),"
        " coalesce(sum(CASE state WHEN 'receiving' THEN size - received ELSE 0 END), 0) FROM "
        "upload",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, staff);
    mnb_stmt_bind_text(stmt, 2, city);
    mnb_stmt_bind_text(stmt, 3, except);
    if (mnb_stmt_step(stmt, error) <= 0)
        return FALSE;
    sums->n_open = (int)mnb_stmt_int(stmt, 0);
    sums->n_open_all = (int)mnb_stmt_int(stmt, 1);
    sums->city_bytes = mnb_stmt_int(stmt, 2);
    sums->missing_bytes = mnb_stmt_int(stmt, 3);
    return TRUE;
}

gboolean mnb_upload_insert(MnbDb *db, const MnbUpload *upload, gint64 now_us, GError **error)
{
    if (!mnb_field_text("file name", upload->file_name, MNB_UPLOAD_NAME_MAX, error) ||
        !mnb_field_text("file key", upload->file_key, MNB_UPLOAD_KEY_MAX, error) ||
        !mnb_field_object("draft", upload->draft, DRAFT_MAX, error) ||
        (upload->city != NULL && !mnb_field_city(db, upload->city, error)))
        return FALSE;
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "INSERT INTO upload(id, staff, file_name, file_key, size, city, draft, created_us,"
        " updated_us, expires_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9)",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, upload->id);
    mnb_stmt_bind_text(stmt, 2, upload->staff);
    mnb_stmt_bind_text(stmt, 3, mnb_text(upload->file_name));
    mnb_stmt_bind_text(stmt, 4, mnb_text(upload->file_key));
    mnb_stmt_bind_int(stmt, 5, upload->size);
    mnb_stmt_bind_text(stmt, 6, upload->city);
    mnb_stmt_bind_text(stmt, 7, upload->draft);
    mnb_stmt_bind_int(stmt, 8, now_us);
    mnb_stmt_bind_int(stmt, 9, upload->expires_us);
    return mnb_stmt_run(stmt, error);
}

/* Runs @stmt; what it should have changed is @id. */
static gboolean run_on(MnbDb *db, MnbStmt *stmt, const char *id, GError **error)
{
    if (!mnb_stmt_run(stmt, error))
        return FALSE;
    return mnb_db_changes(db) > 0 ? TRUE : mnb_set_not_found(error, "upload", id);
}

gboolean mnb_upload_set_received(MnbDb *db, const char *id, gint64 received, gint64 expires_us,
                                 gint64 now_us, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "UPDATE upload SET received = max(received, ?2),"
        " state = CASE WHEN state = 'receiving' AND ?2 = size THEN 'received' ELSE state END,"
        " expires_us = ?3, updated_us = ?4 WHERE id = ?1",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_int(stmt, 2, received);
    mnb_stmt_bind_int(stmt, 3, expires_us);
    mnb_stmt_bind_int(stmt, 4, now_us);
    return run_on(db, stmt, id, error);
}

gboolean mnb_upload_set_lost(MnbDb *db, const char *id, gint64 received, gint64 now_us,
                             GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "UPDATE upload SET received = ?2, state = 'receiving', updated_us = ?3"
                       " WHERE id = ?1 AND state <> 'used'",
                       error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_int(stmt, 2, received);
    mnb_stmt_bind_int(stmt, 3, now_us);
    return run_on(db, stmt, id, error);
}

gboolean mnb_upload_set_draft(MnbDb *db, const char *id, const char *draft, const char *city,
                              gint64 expires_us, gint64 now_us, GError **error)
{
    if (!mnb_field_object("draft", draft, DRAFT_MAX, error) ||
        (city != NULL && !mnb_field_city(db, city, error)))
        return FALSE;
    g_autoptr(MnbUpload) upload = mnb_upload_find(db, id, error);
    if (upload == NULL)
        return FALSE;
    if (upload->state == MNB_UPLOAD_USED) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_CONFLICT,
                    "this upload is a recording already; change the recording");
        return FALSE;
    }
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "UPDATE upload SET draft = ?2, city = ?3, expires_us = ?4, updated_us = ?5,"
                       " is_submitted = 0 WHERE id = ?1",
                       error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_text(stmt, 2, draft);
    mnb_stmt_bind_text(stmt, 3, city);
    mnb_stmt_bind_int(stmt, 4, expires_us);
    mnb_stmt_bind_int(stmt, 5, now_us);
    return run_on(db, stmt, id, error);
}

static gboolean change(MnbDb *db, const char *sql, const char *id, gint64 now_us, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, sql, error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    if (now_us != 0)
        mnb_stmt_bind_int(stmt, 2, now_us);
    return run_on(db, stmt, id, error);
}

gboolean mnb_upload_submit(MnbDb *db, const char *id, gint64 now_us, GError **error)
{
    return change(db, "UPDATE upload SET is_submitted = 1, updated_us = ?2 WHERE id = ?1", id,
                  now_us, error);
}

gboolean mnb_upload_set_used(MnbDb *db, const char *id, gint64 now_us, GError **error)
{
    return change(db,
                  "UPDATE upload SET state = 'used', recording = id, updated_us = ?2 WHERE id = ?1",
                  id, now_us, error);
}

gboolean mnb_upload_remove(MnbDb *db, const char *id, GError **error)
{
    return change(db, "DELETE FROM upload WHERE id = ?1 AND state <> 'used'", id, 0, error);
}

GPtrArray *mnb_upload_list_expired(MnbDb *db, gint64 now_us, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT id FROM upload WHERE state <> 'used' AND expires_us < ?1 AND NOT"
                       " (state = 'received' AND is_submitted = 1) LIMIT 100",
                       error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_int(stmt, 1, now_us);
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        g_ptr_array_add(ids, mnb_stmt_dup_text(stmt, 0));
    return result == 0 ? g_steal_pointer(&ids) : NULL;
}
