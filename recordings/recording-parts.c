/* Parts, renditions and progress of a recording: the tables that hang on it. */
#include "recordings/fields.h"
#include "recordings/recording-private.h"
#include "server/base/error.h"

#define NOTE_MAX       (64 * 1024) /* bytes */
#define NAME_MAX_CHARS 100
#define PATH_MAX_CHARS 400

static const char *const part_names[] = {"writing", "closed", "cut", "repaired"};
static const char *const rendition_names[] = {"hls",       "download",   "poster",
                                              "candidate", "thumbnails", "waveform"};
MNB_DEFINE_NAMES(MnbPartState, mnb_part_state, part_names)
MNB_DEFINE_NAMES(MnbRenditionKind, mnb_rendition_kind, rendition_names)

/* ---- parts ---- */

void mnb_part_free(MnbPart *part)
{
    if (part == NULL)
        return;
    g_free(part->note);
    g_free(part);
}

static void free_part(gpointer data)
{
    mnb_part_free(data);
}

GPtrArray *mnb_part_list(MnbDb *db, const char *recording, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT part, started_us, ended_us, state, note FROM recording_part"
                       " WHERE recording = ?1 ORDER BY part",
                       error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, recording);
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(free_part);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0) {
        MnbPart *part = g_new0(MnbPart, 1);
        part->part = (int)mnb_stmt_int(stmt, 0);
        part->started_us = mnb_stmt_int(stmt, 1);
        part->ended_us = mnb_stmt_int(stmt, 2);
        mnb_part_state_parse(mnb_stmt_text(stmt, 3), &part->state);
        part->note = mnb_stmt_dup_text(stmt, 4);
        g_ptr_array_add(parts, part);
    }
    return result == 0 ? g_steal_pointer(&parts) : NULL;
}

int mnb_part_begin(MnbDb *db, const char *recording, gint64 now_us, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "INSERT INTO recording_part(recording, part, started_us, state) SELECT ?1,"
        " coalesce(max(part), 0) + 1, ?2, 'writing' FROM recording_part WHERE recording = ?1"
        " RETURNING part",
        error);
    if (stmt == NULL)
        return -1;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_int(stmt, 2, now_us);
    int part = mnb_stmt_step(stmt, &local) > 0 ? (int)mnb_stmt_int(stmt, 0) : -1;
    if (part > 0 && mnb_stmt_run(stmt, &local))
        return part;
    if (g_error_matches(local, MNB_ERROR, MNB_ERROR_INVALID))
        mnb_set_not_found(error, "recording", recording);
    else
        g_propagate_error(error, g_steal_pointer(&local));
    return -1;
}

gboolean mnb_part_set(MnbDb *db, const char *recording, int part, MnbPartState state,
                      gint64 ended_us, const char *note, GError **error)
{
    g_return_val_if_fail(mnb_part_state_to_string(state) != NULL, FALSE);
    if (note != NULL && !mnb_field_object("part note", note, NOTE_MAX, error))
        return FALSE;
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "UPDATE recording_part SET state = ?3, ended_us = coalesce(?4, ended_us),"
                       " note = coalesce(?5, note) WHERE recording = ?1 AND part = ?2",
                       error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_int(stmt, 2, part);
    mnb_stmt_bind_text(stmt, 3, mnb_part_state_to_string(state));
    mnb_stmt_bind_time(stmt, 4, ended_us);
    mnb_stmt_bind_text(stmt, 5, note);
    if (!mnb_stmt_run(stmt, error))
        return FALSE;
    return mnb_db_changes(db) > 0 ? TRUE : mnb_set_not_found(error, "part of", recording);
}

gboolean mnb_part_insert_kept(MnbDb *db, const char *recording, const MnbPart *part, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "INSERT OR REPLACE INTO recording_part(recording, part, started_us, ended_us, state, note)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_int(stmt, 2, part->part);
    mnb_stmt_bind_int(stmt, 3, part->started_us);
    mnb_stmt_bind_time(stmt, 4, part->ended_us);
    mnb_stmt_bind_text(stmt, 5, mnb_part_state_to_string(part->state));
    mnb_stmt_bind_text(stmt, 6, part->note);
    return mnb_stmt_run(stmt, error);
}

GPtrArray *mnb_part_mark_cut(MnbDb *db, GError **error)
{
    g_autoptr(GPtrArray) recordings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(MnbStmt) find = mnb_db_prepare(
        db, "SELECT DISTINCT recording FROM recording_part WHERE state = 'writing'", error);
    if (find == NULL)
        return NULL;
    int result;
    while ((result = mnb_stmt_step(find, error)) > 0)
        g_ptr_array_add(recordings, mnb_stmt_dup_text(find, 0));
    if (result < 0)
        return NULL;
    g_autoptr(MnbStmt) update = mnb_db_prepare(
        db, "UPDATE recording_part SET state = 'cut' WHERE state = 'writing'", error);
    if (update == NULL || !mnb_stmt_run(update, error))
        return NULL;
    return g_steal_pointer(&recordings);
}

/* ---- renditions ---- */

void mnb_rendition_free(MnbRendition *rendition)
{
    if (rendition == NULL)
        return;
    g_free(rendition->name);
    g_free(rendition->path);
    g_free(rendition);
}

static void free_rendition(gpointer data)
{
    mnb_rendition_free(data);
}

GPtrArray *mnb_rendition_list(MnbDb *db, const char *recording, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT name, kind, path, width, height, bitrate_bps, bytes FROM rendition"
                       " WHERE recording = ?1 ORDER BY height DESC, bitrate_bps DESC, name",
                       error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, recording);
    g_autoptr(GPtrArray) renditions = g_ptr_array_new_with_free_func(free_rendition);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0) {
        MnbRendition *rendition = g_new0(MnbRendition, 1);
        rendition->name = mnb_stmt_dup_text(stmt, 0);
        mnb_rendition_kind_parse(mnb_stmt_text(stmt, 1), &rendition->kind);
        rendition->path = mnb_stmt_dup_text(stmt, 2);
        rendition->width = (int)mnb_stmt_int(stmt, 3);
        rendition->height = (int)mnb_stmt_int(stmt, 4);
        rendition->bitrate_bps = (int)mnb_stmt_int(stmt, 5);
        rendition->bytes = mnb_stmt_int(stmt, 6);
        g_ptr_array_add(renditions, rendition);
    }
    return result == 0 ? g_steal_pointer(&renditions) : NULL;
}

gboolean mnb_rendition_put(MnbDb *db, const char *recording, const MnbRendition *rendition,
                           GError **error)
{
    if (mnb_text(rendition->name)[0] == '\0' || mnb_text(rendition->path)[0] == '\0' ||
        mnb_rendition_kind_to_string(rendition->kind) == NULL) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "rendition: needs a name and a path");
        return FALSE;
    }
    if (!mnb_field_text("rendition name", rendition->name, NAME_MAX_CHARS, error) ||
        !mnb_field_text("rendition path", rendition->path, PATH_MAX_CHARS, error))
        return FALSE;
    g_autoptr(GError) local = NULL;
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "INSERT OR REPLACE INTO rendition(recording, name, kind, path, width, height, bitrate_bps,"
        " bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_text(stmt, 2, rendition->name);
    mnb_stmt_bind_text(stmt, 3, mnb_rendition_kind_to_string(rendition->kind));
    mnb_stmt_bind_text(stmt, 4, rendition->path);
    mnb_stmt_bind_time(stmt, 5, rendition->width);
    mnb_stmt_bind_time(stmt, 6, rendition->height);
    mnb_stmt_bind_time(stmt, 7, rendition->bitrate_bps);
    mnb_stmt_bind_time(stmt, 8, rendition->bytes);
    if (mnb_stmt_run(stmt, &local))
        return TRUE;
    if (g_error_matches(local, MNB_ERROR, MNB_ERROR_INVALID))
        return mnb_set_not_found(error, "recording", recording);
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

gboolean mnb_rendition_remove_all(MnbDb *db, const char *recording, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "DELETE FROM rendition WHERE recording = ?1", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    return mnb_stmt_run(stmt, error);
}

gboolean mnb_rendition_choose_poster(MnbDb *db, const char *recording, int number, GError **error)
{
    g_autofree char *name = g_strdup_printf(MNB_POSTER_NAME "-%d", number);
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "INSERT OR REPLACE INTO rendition(recording, name, kind, path, width, height, bitrate_bps,"
        " bytes) SELECT recording, '" MNB_POSTER_NAME "', 'poster', path, width, height,"
        " bitrate_bps, bytes FROM rendition WHERE recording = ?1 AND name = ?2"
        " AND kind = 'candidate'",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_text(stmt, 2, name);
    if (!mnb_stmt_run(stmt, error))
        return FALSE;
    return mnb_db_changes(db) > 0 || mnb_set_not_found(error, "poster", name);
}

/* ---- progress ---- */

gboolean mnb_recording_progress(MnbDb *db, const char *recording, MnbProgress *progress,
                                GError **error)
{
    *progress = (MnbProgress){.eta_s = -1};
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT state, progress_permille, eta_s, reason_code, reason FROM job"
                       " WHERE recording = ?1 AND state <> 'cancelled' AND created_us ="
                       " (SELECT max(created_us) FROM job WHERE recording = ?1)"
                       " ORDER BY created_us, rowid",
                       error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    int sum = 0;
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0) {
        const char *state = mnb_stmt_text(stmt, 0);
        progress->n_jobs++;
        sum += (int)mnb_stmt_int(stmt, 1);
        if (g_str_equal(state, "waiting") || g_str_equal(state, "running"))
            progress->n_open++;
        if (g_str_equal(state, "running") && !mnb_stmt_is_null(stmt, 2))
            progress->eta_s = MAX(progress->eta_s, 0) + (int)mnb_stmt_int(stmt, 2);
        if (g_str_equal(state, "failed") && progress->reason_code == NULL) {
            progress->reason_code = mnb_stmt_dup_text(stmt, 3);
            progress->reason = mnb_stmt_dup_text(stmt, 4);
        }
    }
    if (progress->n_jobs > 0)
        progress->permille = sum / progress->n_jobs;
    if (result == 0)
        return TRUE;
    mnb_progress_clear(progress);
    return FALSE;
}

void mnb_progress_clear(MnbProgress *progress)
{
    if (progress == NULL)
        return;
    g_clear_pointer(&progress->reason_code, g_free);
    g_clear_pointer(&progress->reason, g_free);
}
