#include "recordings/publishing.h"

#include <string.h>

#include "recordings/audit.h"
#include "recordings/db-private.h"
#include "recordings/fields.h"
#include "recordings/recording.h"
#include "server/base/error.h"

#define DUE_AT_ONCE 50
/* Only what can be watched: the rest is published when it is ready. */
#define DUE                                                                                        \
    " FROM publishing p JOIN recording r ON r.id = p.recording WHERE p.publish_us <= ?1"           \
    " AND r.state IN ('review', 'withdrawn') AND EXISTS (SELECT 1 FROM rendition n"                \
    " WHERE n.recording = r.id AND n.kind IN ('hls', 'download'))"

void mnb_publishing_free(MnbPublishing *publishing)
{
    if (publishing == NULL)
        return;
    g_free(publishing->submitted_by);
    g_free(publishing->time_zone);
    g_free(publishing->ordered_by);
    g_free(publishing);
}

MnbPublishing *mnb_publishing_find(MnbDb *db, const char *recording, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "SELECT submitted_by, submitted_us, coalesce(publish_us, 0), time_zone, ordered_by"
        " FROM publishing WHERE recording = ?1",
        error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, recording);
    int result = mnb_stmt_step(stmt, error);
    if (result < 0)
        return NULL;
    MnbPublishing *found = g_new0(MnbPublishing, 1);
    found->submitted_by = result > 0 ? mnb_stmt_dup_text(stmt, 0) : g_strdup("");
    found->submitted_us = result > 0 ? mnb_stmt_int(stmt, 1) : 0;
    found->publish_us = result > 0 ? mnb_stmt_int(stmt, 2) : 0;
    found->time_zone = result > 0 ? mnb_stmt_dup_text(stmt, 3) : g_strdup("");
    found->ordered_by = result > 0 ? mnb_stmt_dup_text(stmt, 4) : g_strdup("");
    return found;
}

gboolean mnb_publishing_set_second_person(MnbDb *db, gboolean is_needed, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db, "INSERT OR REPLACE INTO setting(name, value) VALUES ('second-person', ?1)", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_int(stmt, 1, is_needed ? 1 : 0);
    return mnb_stmt_run(stmt, error);
}

gboolean mnb_publishing_needs_second_person(MnbDb *db)
{
    gint64 value = 0;
    return mnb_db_int(db,
                      "SELECT coalesce(max(value), 0) FROM setting WHERE name = 'second-person'",
                      &value, NULL) &&
           value != 0;
}

gboolean mnb_publishing_check(MnbDb *db, const char *recording, const char *actor, GError **error)
{
    if (!mnb_publishing_needs_second_person(db))
        return TRUE;
    g_autoptr(MnbPublishing) publishing = mnb_publishing_find(db, recording, error);
    if (publishing == NULL)
        return FALSE;
    if (publishing->submitted_by[0] == '\0')
        g_set_error(error, MNB_ERROR, MNB_ERROR_CONFLICT,
                    "nobody has handed this film in for publication yet");
    else if (strcmp(publishing->submitted_by, actor) == 0)
        g_set_error(error, MNB_ERROR, MNB_ERROR_DENIED,
                    "a second person publishes what the first has handed in");
    else
        return TRUE;
    return FALSE;
}

/* Makes the row where it is missing. */
static gboolean run(MnbDb *db, const char *sql, const char *recording, gint64 at_us,
                    const char *text, const char *actor, GError **error)
{
    g_autoptr(MnbRecording) found = mnb_recording_find(db, recording, error);
    g_autoptr(MnbStmt) stmt = found != NULL ? mnb_db_prepare(db, sql, error) : NULL;
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_time(stmt, 2, at_us);
    mnb_stmt_bind_text(stmt, 3, text);
    mnb_stmt_bind_text(stmt, 4, actor);
    return mnb_stmt_run(stmt, error);
}

gboolean mnb_publishing_submit(MnbDb *db, const char *recording, const char *actor, gint64 now_us,
                               GError **error)
{
    return run(db,
               "INSERT INTO publishing(recording, submitted_us, submitted_by)"
               " VALUES (?1, ?2, ?3 || ?4) ON CONFLICT(recording) DO UPDATE"
               " SET submitted_us = excluded.submitted_us, submitted_by = excluded.submitted_by",
               recording, now_us, "", actor, error);
}

gboolean mnb_publishing_order(MnbDb *db, const char *recording, gint64 publish_us,
                              const char *time_zone, const char *actor, GError **error)
{
    return run(db,
               "INSERT INTO publishing(recording, publish_us, time_zone, ordered_by)"
               " VALUES (?1, ?2, ?3, ?4) ON CONFLICT(recording) DO UPDATE"
               " SET publish_us = excluded.publish_us, time_zone = excluded.time_zone,"
               " ordered_by = excluded.ordered_by",
               recording, publish_us, mnb_text(time_zone), actor, error);
}

gboolean mnb_publishing_is_due(MnbDb *db, gint64 now_us)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, "SELECT 1" DUE " LIMIT 1", NULL);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_int(stmt, 1, now_us);
    return mnb_stmt_step(stmt, NULL) > 0;
}

static GPtrArray *list_due(MnbDb *db, gint64 now_us, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "SELECT r.id" DUE " ORDER BY p.publish_us LIMIT ?2", error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_int(stmt, 1, now_us);
    mnb_stmt_bind_int(stmt, 2, DUE_AT_ONCE);
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        g_ptr_array_add(ids, mnb_stmt_dup_text(stmt, 0));
    return result == 0 ? g_steal_pointer(&ids) : NULL;
}

gboolean mnb_publishing_run_due(MnbDb *db, gint64 now_us, guint *n_out, GError **error)
{
    g_autoptr(GPtrArray) ids = list_due(db, now_us, error);
    if (ids == NULL)
        return FALSE;
    for (guint i = 0; i < ids->len; i++) {
        const char *id = ids->pdata[i];
        g_autofree char *object = g_strconcat("recording:", id, NULL);
        g_autoptr(MnbPublishing) order = mnb_publishing_find(db, id, error);
        if (order == NULL ||
            !mnb_recording_set_state(db, id, MNB_RECORDING_PUBLISHED, now_us, error) ||
            !mnb_publishing_order(db, id, 0, "", "", error) ||
            !mnb_audit_append(db, now_us, order->ordered_by, "recording-publish-ordered", object,
                              NULL, error))
            return FALSE;
    }
    if (n_out != NULL)
        *n_out = ids->len;
    return TRUE;
}
