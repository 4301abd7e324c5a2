#include "recordings/link.h"

#include "recordings/fields.h"
#include "recordings/session.h"
#include "server/base/error.h"

#define COLUMNS "id, kind, event, session, role, label, created_us, expires_us, revoked_us, uses"

static const char *const kind_names[] = {"role", "media"};

void mnb_link_free(MnbLink *link)
{
    if (link == NULL)
        return;
    g_free(link->id);
    g_free(link->event);
    g_free(link->session);
    g_free(link->label);
    g_free(link);
}

static void free_link(gpointer data)
{
    mnb_link_free(data);
}

static MnbLink *read_row(MnbStmt *stmt)
{
    MnbLink *link = g_new0(MnbLink, 1);
    link->id = mnb_stmt_dup_text(stmt, 0);
    link->kind = mnb_name_index(kind_names, G_N_ELEMENTS(kind_names), mnb_stmt_text(stmt, 1)) == 1
                     ? MNB_LINK_MEDIA
                     : MNB_LINK_ROLE;
    link->event = mnb_stmt_dup_text(stmt, 2);
    link->session = mnb_stmt_dup_text(stmt, 3);
    if (!mnb_role_parse(mnb_stmt_text(stmt, 4), &link->role))
        link->role = MNB_ROLE_VISITOR;
    link->label = mnb_stmt_dup_text(stmt, 5);
    link->created_us = mnb_stmt_int(stmt, 6);
    link->expires_us = mnb_stmt_int(stmt, 7);
    link->revoked_us = mnb_stmt_int(stmt, 8);
    link->uses = (int)mnb_stmt_int(stmt, 9);
    return link;
}

MnbLink *mnb_link_find(MnbDb *db, const char *id, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "SELECT " COLUMNS " FROM link WHERE id = ?1", error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, id);
    int result = mnb_stmt_step(stmt, error);
    if (result == 0)
        mnb_set_not_found(error, "link", id);
    return result > 0 ? read_row(stmt) : NULL;
}

/* The answer of the database is the same for a session of another event and for none at all. */
static gboolean check_session(MnbDb *db, const char *event, const char *session, GError **error)
{
    g_autoptr(MnbSession) found = mnb_session_find(db, session, NULL);
    if (found != NULL && g_strcmp0(found->event, event) == 0)
        return TRUE;
    g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "session: not one of this event");
    return FALSE;
}

MnbLink *mnb_link_create(MnbDb *db, MnbLinkKind kind, const char *event, const char *session,
                         MnbRole role, const char *label, gint64 expires_us, gint64 now_us,
                         char token[MNB_TOKEN_SIZE], GError **error)
{
    g_return_val_if_fail((guint)kind < G_N_ELEMENTS(kind_names), NULL);
    if (!mnb_role_is_for_links(role)) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "role: not one that a link can carry");
        return NULL;
    }
    if (!mnb_field_text("label", label, MNB_LINK_LABEL_MAX, error) ||
        (session != NULL && !check_session(db, event, session, error)))
        return NULL;
    g_autofree char *id = mnb_id_new();
    guint8 hash[MNB_TOKEN_HASH_BYTES];
    mnb_token_make(token);
    mnb_token_hash(token, hash);
    g_autoptr(GError) local = NULL;
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "INSERT INTO link(id, token_sha256, kind, event, session, role, label,"
                       " created_us, expires_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                       error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_blob(stmt, 2, hash, sizeof hash);
    mnb_stmt_bind_text(stmt, 3, kind_names[kind]);
    mnb_stmt_bind_text(stmt, 4, event);
    mnb_stmt_bind_text(stmt, 5, session);
    mnb_stmt_bind_text(stmt, 6, mnb_role_to_string(role));
    mnb_stmt_bind_text(stmt, 7, mnb_text(label));
    mnb_stmt_bind_int(stmt, 8, now_us);
    mnb_stmt_bind_time(stmt, 9, expires_us);
    if (mnb_stmt_run(stmt, &local))
        return mnb_link_find(db, id, error);
    if (g_error_matches(local, MNB_ERROR, MNB_ERROR_INVALID))
        mnb_set_not_found(error, "event", event);
    else
        g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

gboolean mnb_link_check(const MnbLink *link, gint64 now_us, GError **error)
{
    if (link->revoked_us != 0) {
        g_set_error(error, MNB_LINK_ERROR, MNB_LINK_ERROR_REVOKED, "this link was revoked");
        return FALSE;
    }
    if (link->expires_us != 0 && link->expires_us <= now_us) {
        g_set_error(error, MNB_LINK_ERROR, MNB_LINK_ERROR_EXPIRED, "this link has expired");
        return FALSE;
    }
    return TRUE;
}

/* The row is looked up by the hash, whose comparison tells nothing about the token. */
MnbLink *mnb_link_find_by_token(MnbDb *db, const char *token, gint64 now_us, GError **error)
{
    guint8 hash[MNB_TOKEN_HASH_BYTES];
    if (!mnb_token_digest(token, hash)) {
        g_set_error(error, MNB_LINK_ERROR, MNB_LINK_ERROR_UNKNOWN, "no such link");
        return NULL;
    }
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "SELECT " COLUMNS " FROM link WHERE token_sha256 = ?1", error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_blob(stmt, 1, hash, sizeof hash);
    int result = mnb_stmt_step(stmt, error);
    if (result < 0)
        return NULL;
    if (result == 0) {
        g_set_error(error, MNB_LINK_ERROR, MNB_LINK_ERROR_UNKNOWN, "no such link");
        return NULL;
    }
    g_autoptr(MnbLink) link = read_row(stmt);
    return mnb_link_check(link, now_us, error) ? g_steal_pointer(&link) : NULL;
}

static GPtrArray *list(MnbDb *db, const char *sql, const char *of, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, sql, error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, of);
    g_autoptr(GPtrArray) links = g_ptr_array_new_with_free_func(free_link);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        g_ptr_array_add(links, read_row(stmt));
    return result == 0 ? g_steal_pointer(&links) : NULL;
}

GPtrArray *mnb_link_list(MnbDb *db, const char *event, GError **error)
{
    return list(db,
                "SELECT " COLUMNS " FROM link WHERE event = ?1 AND kind = 'role'"
                " ORDER BY created_us, rowid",
                event, error);
}

GPtrArray *mnb_link_list_media(MnbDb *db, const char *session, GError **error)
{
    return list(db,
                "SELECT " COLUMNS " FROM link WHERE session = ?1 AND kind = 'media'"
                " ORDER BY created_us, rowid",
                session, error);
}

gboolean mnb_link_may(const MnbLink *link, MnbPermission permission)
{
    if (link->kind == MNB_LINK_MEDIA && permission != MNB_MAY_MEDIA_PUBLISH &&
        permission != MNB_MAY_MEDIA_RECEIVE)
        return FALSE;
    return mnb_role_may(link->role, permission);
}

static gboolean change(MnbDb *db, const char *sql, const char *id, gint64 now_us, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, sql, error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    if (now_us != 0)
        mnb_stmt_bind_int(stmt, 2, now_us);
    if (!mnb_stmt_run(stmt, error))
        return FALSE;
    return mnb_db_changes(db) > 0 ? TRUE : mnb_set_not_found(error, "link", id);
}

gboolean mnb_link_revoke(MnbDb *db, const char *id, gint64 now_us, GError **error)
{
    return change(db, "UPDATE link SET revoked_us = coalesce(revoked_us, ?2) WHERE id = ?1", id,
                  now_us, error);
}

gboolean mnb_link_count_use(MnbDb *db, const char *id, GError **error)
{
    return change(db, "UPDATE link SET uses = uses + 1 WHERE id = ?1", id, 0, error);
}
