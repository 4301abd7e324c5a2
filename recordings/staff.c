#include "recordings/staff.h"

#include <string.h>

#include "recordings/fields.h"
#include "server/base/error.h"

#define COLUMNS  "s.id, s.name, s.password_hash, s.is_admin, s.created_us, s.disabled_us"
#define GRACE_US (G_GINT64_CONSTANT(24) * 3600 * G_USEC_PER_SEC) /* expired tokens are kept */

static const char *const kind_names[] = {"sign-in", "cookie"};

void mnb_staff_free(MnbStaff *staff)
{
    if (staff == NULL)
        return;
    g_free(staff->id);
    g_free(staff->name);
    g_free(staff->password_hash);
    g_free(staff);
}

static void free_staff(gpointer data)
{
    mnb_staff_free(data);
}

MnbRole mnb_staff_role(const MnbStaff *staff)
{
    if (staff == NULL || staff->disabled_us != 0)
        return MNB_ROLE_VISITOR;
    return staff->is_admin ? MNB_ROLE_ADMIN : MNB_ROLE_STAFF;
}

static MnbStaff *read_row(MnbStmt *stmt)
{
    MnbStaff *staff = g_new0(MnbStaff, 1);
    staff->id = mnb_stmt_dup_text(stmt, 0);
    staff->name = mnb_stmt_dup_text(stmt, 1);
    staff->password_hash = mnb_stmt_dup_text(stmt, 2);
    staff->is_admin = mnb_stmt_int(stmt, 3) != 0;
    staff->created_us = mnb_stmt_int(stmt, 4);
    staff->disabled_us = mnb_stmt_int(stmt, 5);
    return staff;
}

static MnbStaff *find(MnbDb *db, const char *sql, const char *key, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, sql, error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, key);
    int result = mnb_stmt_step(stmt, error);
    if (result == 0)
        mnb_set_not_found(error, "staff account", key);
    return result > 0 ? read_row(stmt) : NULL;
}

MnbStaff *mnb_staff_find(MnbDb *db, const char *id, GError **error)
{
    return find(db, "SELECT " COLUMNS " FROM staff s WHERE s.id = ?1", id, error);
}

MnbStaff *mnb_staff_find_by_name(MnbDb *db, const char *name, GError **error)
{
    return find(db, "SELECT " COLUMNS " FROM staff s WHERE s.name = ?1", name, error);
}

GPtrArray *mnb_staff_list(MnbDb *db, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "SELECT " COLUMNS " FROM staff s ORDER BY s.name", error);
    if (stmt == NULL)
        return NULL;
    g_autoptr(GPtrArray) staff = g_ptr_array_new_with_free_func(free_staff);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        g_ptr_array_add(staff, read_row(stmt));
    return result == 0 ? g_steal_pointer(&staff) : NULL;
}

MnbStaff *mnb_staff_create(MnbDb *db, const char *name, gboolean is_admin, gint64 now_us,
                           GError **error)
{
    if (mnb_text(name)[0] == '\0') {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "name: is needed");
        return NULL;
    }
    if (!mnb_field_text("name", name, MNB_STAFF_NAME_MAX, error))
        return NULL;
    g_autofree char *id = mnb_id_new();
    g_autoptr(GError) local = NULL;
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db, "INSERT INTO staff(id, name, is_admin, created_us) VALUES (?1, ?2, ?3, ?4)", error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_text(stmt, 2, name);
    mnb_stmt_bind_int(stmt, 3, is_admin ? 1 : 0);
    mnb_stmt_bind_int(stmt, 4, now_us);
    if (mnb_stmt_run(stmt, &local))
        return mnb_staff_find(db, id, error);
    if (g_error_matches(local, MNB_ERROR, MNB_ERROR_CONFLICT))
        g_set_error(error, MNB_ERROR, MNB_ERROR_CONFLICT, "name: is taken already");
    else
        g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

/* Ends every token of the account except the one with @keep_hash (NULL for none). */
static gboolean end_tokens(MnbDb *db, const char *staff, const guint8 *keep_hash, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "DELETE FROM staff_token WHERE staff = ?1 AND used_us IS NULL"
                       " AND (?2 IS NULL OR token_sha256 <> ?2)",
                       error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, staff);
    if (keep_hash != NULL)
        mnb_stmt_bind_blob(stmt, 2, keep_hash, MNB_TOKEN_HASH_BYTES);
    return mnb_stmt_run(stmt, error);
}

gboolean mnb_staff_set_password(MnbDb *db, const char *id, const char *hash,
                                const char *keep_cookie, GError **error)
{
    guint8 keep[MNB_TOKEN_HASH_BYTES];
    gboolean has_keep = mnb_token_digest(keep_cookie, keep);
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "UPDATE staff SET password_hash = ?2 WHERE id = ?1", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_text(stmt, 2, hash);
    if (!mnb_stmt_run(stmt, error))
        return FALSE;
    if (mnb_db_changes(db) == 0)
        return mnb_set_not_found(error, "staff account", id);
    return end_tokens(db, id, has_keep ? keep : NULL, error);
}

gboolean mnb_staff_set_disabled(MnbDb *db, const char *id, gboolean is_disabled, gint64 now_us,
                                GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "UPDATE staff SET disabled_us = ?2 WHERE id = ?1", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_time(stmt, 2, is_disabled ? now_us : 0);
    if (!mnb_stmt_run(stmt, error))
        return FALSE;
    if (mnb_db_changes(db) == 0)
        return mnb_set_not_found(error, "staff account", id);
    return is_disabled ? end_tokens(db, id, NULL, error) : TRUE;
}

gboolean mnb_staff_token_create(MnbDb *db, const char *staff, MnbStaffTokenKind kind,
                                gint64 expires_us, gint64 now_us, char token[MNB_TOKEN_SIZE],
                                GError **error)
{
    g_return_val_if_fail((guint)kind < G_N_ELEMENTS(kind_names), FALSE);
    guint8 hash[MNB_TOKEN_HASH_BYTES];
    mnb_token_make(token);
    mnb_token_hash(token, hash);
    g_autoptr(GError) local = NULL;
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "INSERT INTO staff_token(token_sha256, staff, kind, created_us, expires_us)"
                       " VALUES (?1, ?2, ?3, ?4, ?5)",
                       error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_blob(stmt, 1, hash, sizeof hash);
    mnb_stmt_bind_text(stmt, 2, staff);
    mnb_stmt_bind_text(stmt, 3, kind_names[kind]);
    mnb_stmt_bind_int(stmt, 4, now_us);
    mnb_stmt_bind_int(stmt, 5, expires_us);
    if (mnb_stmt_run(stmt, &local))
        return TRUE;
    if (g_error_matches(local, MNB_ERROR, MNB_ERROR_INVALID))
        return mnb_set_not_found(error, "staff account", staff);
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

static gboolean mark_used(MnbDb *db, const guint8 hash[MNB_TOKEN_HASH_BYTES], gint64 now_us,
                          GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "UPDATE staff_token SET used_us = ?2 WHERE token_sha256 = ?1", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_blob(stmt, 1, hash, MNB_TOKEN_HASH_BYTES);
    mnb_stmt_bind_int(stmt, 2, now_us);
    return mnb_stmt_run(stmt, error);
}

MnbStaff *mnb_staff_use_sign_in_link(MnbDb *db, const char *token, gint64 now_us, GError **error)
{
    guint8 hash[MNB_TOKEN_HASH_BYTES];
    memset(hash, 0, sizeof hash);
    gboolean is_token = mnb_token_digest(token, hash);
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT " COLUMNS ", t.expires_us, t.used_us FROM staff_token t"
                       " JOIN staff s ON s.id = t.staff"
                       " WHERE t.token_sha256 = ?1 AND t.kind = 'sign-in'",
                       error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_blob(stmt, 1, hash, sizeof hash);
    int result = is_token ? mnb_stmt_step(stmt, error) : 0;
    if (result < 0)
        return NULL;
    g_autoptr(MnbStaff) staff = result > 0 ? read_row(stmt) : NULL;
    if (mnb_staff_role(staff) == MNB_ROLE_VISITOR)
        g_set_error(error, MNB_LINK_ERROR, MNB_LINK_ERROR_UNKNOWN, "no such sign-in link");
    else if (!mnb_stmt_is_null(stmt, 7))
        g_set_error(error, MNB_LINK_ERROR, MNB_LINK_ERROR_USED, "this link was used already");
    else if (mnb_stmt_int(stmt, 6) <= now_us)
        g_set_error(error, MNB_LINK_ERROR, MNB_LINK_ERROR_EXPIRED, "this link has expired");
    else if (mark_used(db, hash, now_us, error))
        return g_steal_pointer(&staff);
    return NULL;
}

MnbStaff *mnb_staff_find_by_cookie(MnbDb *db, const char *token, gint64 now_us, GError **error)
{
    guint8 hash[MNB_TOKEN_HASH_BYTES];
    if (!mnb_token_digest(token, hash)) {
        mnb_set_not_found(error, "staff session", "");
        return NULL;
    }
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT " COLUMNS " FROM staff_token t JOIN staff s ON s.id = t.staff"
                       " WHERE t.token_sha256 = ?1 AND t.kind = 'cookie' AND t.expires_us > ?2"
                       " AND s.disabled_us IS NULL",
                       error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_blob(stmt, 1, hash, sizeof hash);
    mnb_stmt_bind_int(stmt, 2, now_us);
    int result = mnb_stmt_step(stmt, error);
    if (result == 0)
        mnb_set_not_found(error, "staff session", "");
    return result > 0 ? read_row(stmt) : NULL;
}

gboolean mnb_staff_end_cookie(MnbDb *db, const char *token, GError **error)
{
    guint8 hash[MNB_TOKEN_HASH_BYTES];
    if (!mnb_token_digest(token, hash))
        return TRUE;
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db, "DELETE FROM staff_token WHERE token_sha256 = ?1 AND kind = 'cookie'", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_blob(stmt, 1, hash, sizeof hash);
    return mnb_stmt_run(stmt, error);
}

gboolean mnb_staff_prune_tokens(MnbDb *db, gint64 now_us, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "DELETE FROM staff_token WHERE expires_us < ?1", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_int(stmt, 1, now_us - GRACE_US);
    return mnb_stmt_run(stmt, error);
}
