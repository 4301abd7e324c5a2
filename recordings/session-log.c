#include "recordings/session-log.h"

#include "recordings/fields.h"
#include "server/base/error.h"

gint64 mnb_session_log_next_seq(MnbDb *db, const char *session, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "SELECT max(seq) FROM session_event WHERE session = ?1", error);
    if (stmt == NULL)
        return -1;
    mnb_stmt_bind_text(stmt, 1, session);
    return mnb_stmt_step(stmt, error) < 0 ? -1 : mnb_stmt_int(stmt, 0) + 1;
}

static gboolean insert_entry(MnbDb *db, const char *session, const MnbLogEntry *entry,
                             GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "INSERT INTO session_event(session, seq, at_us, type, peer, body)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                       error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, session);
    mnb_stmt_bind_int(stmt, 2, entry->seq);
    mnb_stmt_bind_int(stmt, 3, entry->at_us);
    mnb_stmt_bind_text(stmt, 4, entry->type);
    mnb_stmt_bind_text(stmt, 5, entry->peer);
    mnb_stmt_bind_text(stmt, 6, entry->body);
    if (mnb_stmt_run(stmt, &local))
        return TRUE;
    /* What is left to be refused after the checks below is the foreign key. */
    if (g_error_matches(local, MNB_ERROR, MNB_ERROR_INVALID))
        return mnb_set_not_found(error, "session", session);
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

gboolean mnb_session_log_append(MnbDb *db, const char *session, const MnbLogEntry *entries,
                                gsize n_entries, GError **error)
{
    gint64 next = mnb_session_log_next_seq(db, session, error);
    if (next < 0)
        return FALSE;
    for (gsize i = 0; i < n_entries; i++) {
        const MnbLogEntry *entry = &entries[i];
        if (entry->seq != next + (gint64)i) {
            g_set_error(error, MNB_ERROR, MNB_ERROR_CONFLICT,
                        "log of session %s goes on with %" G_GINT64_FORMAT
                        ", not %" G_GINT64_FORMAT,
                        session, next + (gint64)i, entry->seq);
            return FALSE;
        }
        if (entry->type == NULL || entry->type[0] == '\0') {
            g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "log entry without a type");
            return FALSE;
        }
        if (!mnb_field_object("log entry", entry->body, MNB_LOG_BODY_MAX, error) ||
            !insert_entry(db, session, entry, error))
            return FALSE;
    }
    return TRUE;
}

gboolean mnb_session_log_read(MnbDb *db, const char *session, gint64 after_seq, MnbLogFunc func,
                              gpointer data, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT seq, at_us, type, peer, body FROM session_event"
                       " WHERE session = ?1 AND seq > ?2 ORDER BY seq",
                       error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, session);
    mnb_stmt_bind_int(stmt, 2, after_seq);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0) {
        MnbLogEntry entry = {mnb_stmt_int(stmt, 0), mnb_stmt_int(stmt, 1), mnb_stmt_text(stmt, 2),
                             mnb_stmt_text(stmt, 3), mnb_stmt_text(stmt, 4)};
        if (!func(&entry, data, error))
            return FALSE;
    }
    return result == 0;
}
