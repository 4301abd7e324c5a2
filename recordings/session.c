#include "recordings/session.h"

#include "recordings/fields.h"
#include "server/base/error.h"
#include "server/base/ids.h"

#define COLUMNS "id, event, state, started_us, ended_us, created_us"

static const char *const state_names[] = {"planned", "live", "ended"};
MNB_DEFINE_NAMES(MnbSessionState, mnb_session_state, state_names)

void mnb_session_free(MnbSession *session)
{
    if (session == NULL)
        return;
    g_free(session->id);
    g_free(session->event);
    g_free(session);
}

static void free_session(gpointer data)
{
    mnb_session_free(data);
}

static MnbSession *read_row(MnbStmt *stmt)
{
    MnbSession *session = g_new0(MnbSession, 1);
    session->id = mnb_stmt_dup_text(stmt, 0);
    session->event = mnb_stmt_dup_text(stmt, 1);
    mnb_session_state_parse(mnb_stmt_text(stmt, 2), &session->state);
    session->started_us = mnb_stmt_int(stmt, 3);
    session->ended_us = mnb_stmt_int(stmt, 4);
    session->created_us = mnb_stmt_int(stmt, 5);
    return session;
}

static MnbSession *find(MnbDb *db, const char *sql, const char *kind, const char *id,
                        GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, sql, error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, id);
    int result = mnb_stmt_step(stmt, error);
    if (result == 0)
        mnb_set_not_found(error, kind, id);
    return result > 0 ? read_row(stmt) : NULL;
}

MnbSession *mnb_session_find(MnbDb *db, const char *id, GError **error)
{
    return find(db, "SELECT " COLUMNS " FROM session WHERE id = ?1", "session", id, error);
}

MnbSession *mnb_session_find_for_event(MnbDb *db, const char *event, GError **error)
{
    return find(db,
                "SELECT " COLUMNS " FROM session WHERE event = ?1"
                " ORDER BY state = 'ended', created_us DESC, rowid DESC LIMIT 1",
                "session of event", event, error);
}

GPtrArray *mnb_session_list(MnbDb *db, MnbSessionState state, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db, "SELECT " COLUMNS " FROM session WHERE state = ?1 ORDER BY created_us, id", error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, mnb_session_state_to_string(state));
    g_autoptr(GPtrArray) sessions = g_ptr_array_new_with_free_func(free_session);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        g_ptr_array_add(sessions, read_row(stmt));
    return result == 0 ? g_steal_pointer(&sessions) : NULL;
}

MnbSession *mnb_session_create(MnbDb *db, const char *event, gint64 now_us, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autofree char *id = mnb_id_new();
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "INSERT INTO session(id, event, created_us) VALUES (?1, ?2, ?3)", error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_text(stmt, 2, event);
    mnb_stmt_bind_int(stmt, 3, now_us);
    if (mnb_stmt_run(stmt, &local))
        return mnb_session_find(db, id, error);
    if (g_error_matches(local, MNB_ERROR, MNB_ERROR_CONFLICT))
        g_set_error(error, MNB_ERROR, MNB_ERROR_CONFLICT,
                    "event %s has a session that has not ended", event);
    else if (g_error_matches(local, MNB_ERROR, MNB_ERROR_INVALID))
        mnb_set_not_found(error, "event", event);
    else
        g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

gboolean mnb_session_set_state(MnbDb *db, const char *id, MnbSessionState state, gint64 now_us,
                               GError **error)
{
    g_autoptr(MnbSession) session = mnb_session_find(db, id, error);
    if (session == NULL)
        return FALSE;
    if (session->state == state)
        return TRUE;
    if (session->state > state) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_CONFLICT, "session %s is %s already", id,
                    mnb_session_state_to_string(session->state));
        return FALSE;
    }
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "UPDATE session SET state = ?2,"
                       " started_us = CASE ?2 WHEN 'live' THEN ?3 ELSE started_us END,"
                       " ended_us = CASE ?2 WHEN 'ended' THEN ?3 ELSE ended_us END WHERE id = ?1",
                       error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_text(stmt, 2, mnb_session_state_to_string(state));
    mnb_stmt_bind_int(stmt, 3, now_us);
    return mnb_stmt_run(stmt, error);
}
