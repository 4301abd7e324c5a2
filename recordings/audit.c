#include "recordings/audit.h"

#include <string.h>

#include "recordings/fields.h"
#include "server/base/error.h"

#define HASH_BYTES 32
#define DETAIL_MAX (16 * 1024)

void mnb_audit_row_free(MnbAuditRow *row)
{
    if (row == NULL)
        return;
    g_free(row->actor);
    g_free(row->action);
    g_free(row->object);
    g_free(row->detail);
    g_free(row);
}

static void free_row(gpointer data)
{
    mnb_audit_row_free(data);
}

static void hash_int(GChecksum *sum, gint64 value)
{
    guint64 big = GUINT64_TO_BE((guint64)value);
    g_checksum_update(sum, (const guchar *)&big, sizeof big);
}

/* Length first, so that moving a letter from one field to the next gives another hash. */
static void hash_text(GChecksum *sum, const char *text)
{
    gsize length = strlen(text);
    hash_int(sum, (gint64)length);
    g_checksum_update(sum, (const guchar *)text, (gssize)length);
}

static void chain(const guint8 before[HASH_BYTES], const MnbAuditRow *row, guint8 out[HASH_BYTES])
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(sum, before, HASH_BYTES);
    hash_int(sum, row->seq);
    hash_int(sum, row->at_us);
    hash_text(sum, row->actor);
    hash_text(sum, row->action);
    hash_text(sum, row->object);
    hash_text(sum, row->detail);
    gsize size = HASH_BYTES;
    g_checksum_get_digest(sum, out, &size);
}

static gboolean find_last(MnbDb *db, gint64 *seq, guint8 hash[HASH_BYTES], GError **error)
{
    *seq = 0;
    memset(hash, 0, HASH_BYTES);
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", error);
    if (stmt == NULL)
        return FALSE;
    int result = mnb_stmt_step(stmt, error);
    if (result > 0) {
        gsize size;
        const void *last = mnb_stmt_blob(stmt, 1, &size);
        *seq = mnb_stmt_int(stmt, 0);
        memcpy(hash, last, MIN(size, HASH_BYTES));
    }
    return result >= 0;
}

gboolean mnb_audit_append(MnbDb *db, gint64 at_us, const char *actor, const char *action,
                          const char *object, const char *detail, GError **error)
{
    g_return_val_if_fail(actor != NULL && action != NULL && object != NULL, FALSE);
    detail = detail == NULL ? "{}" : detail;
    if (!mnb_field_object("audit detail", detail, DETAIL_MAX, error))
        return FALSE;
    guint8 before[HASH_BYTES];
    guint8 hash[HASH_BYTES];
    gint64 last;
    if (!find_last(db, &last, before, error))
        return FALSE;
    MnbAuditRow row = {last + 1,       at_us,          (char *)actor,
                       (char *)action, (char *)object, (char *)detail};
    chain(before, &row, hash);
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "INSERT INTO audit(seq, at_us, actor, action, object, detail, hash)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                       error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_int(stmt, 1, row.seq);
    mnb_stmt_bind_int(stmt, 2, at_us);
    mnb_stmt_bind_text(stmt, 3, actor);
    mnb_stmt_bind_text(stmt, 4, action);
    mnb_stmt_bind_text(stmt, 5, object);
    mnb_stmt_bind_text(stmt, 6, detail);
    mnb_stmt_bind_blob(stmt, 7, hash, sizeof hash);
    return mnb_stmt_run(stmt, error);
}

static MnbAuditRow *read_row(MnbStmt *stmt)
{
    MnbAuditRow *row = g_new0(MnbAuditRow, 1);
    row->seq = mnb_stmt_int(stmt, 0);
    row->at_us = mnb_stmt_int(stmt, 1);
    row->actor = mnb_stmt_dup_text(stmt, 2);
    row->action = mnb_stmt_dup_text(stmt, 3);
    row->object = mnb_stmt_dup_text(stmt, 4);
    row->detail = mnb_stmt_dup_text(stmt, 5);
    return row;
}

GPtrArray *mnb_audit_list(MnbDb *db, gint64 before_seq, guint limit, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT seq, at_us, actor, action, object, detail FROM audit"
                       " WHERE ?1 = 0 OR seq < ?1 ORDER BY seq DESC LIMIT ?2",
                       error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_int(stmt, 1, before_seq);
    mnb_stmt_bind_int(stmt, 2, limit);
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(free_row);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        g_ptr_array_add(rows, read_row(stmt));
    return result == 0 ? g_steal_pointer(&rows) : NULL;
}

gboolean mnb_audit_verify(MnbDb *db, gint64 *bad_seq, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db, "SELECT seq, at_us, actor, action, object, detail, hash FROM audit ORDER BY seq",
        error);
    if (stmt == NULL)
        return FALSE;
    guint8 before[HASH_BYTES] = {0};
    gint64 expected = 1;
    int result;
    *bad_seq = 0;
    while (*bad_seq == 0 && (result = mnb_stmt_step(stmt, error)) != 0) {
        if (result < 0)
            return FALSE;
        g_autoptr(MnbAuditRow) row = read_row(stmt);
        guint8 hash[HASH_BYTES];
        gsize size;
        const void *kept = mnb_stmt_blob(stmt, 6, &size);
        chain(before, row, hash);
        if (row->seq != expected || size != HASH_BYTES || memcmp(kept, hash, HASH_BYTES) != 0)
            *bad_seq = row->seq;
        memcpy(before, hash, HASH_BYTES);
        expected++;
    }
    return TRUE;
}
