#include "recordings/captions.h"

#include "recordings/fields.h"
#include "recordings/recording.h"
#include "server/base/error.h"

void mnb_caption_track_free(MnbCaptionTrack *track)
{
    if (track == NULL)
        return;
    g_free(track->language);
    g_free(track);
}

static void free_track(gpointer data)
{
    mnb_caption_track_free(data);
}

GPtrArray *mnb_caption_track_list(MnbDb *db, const char *recording, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "SELECT m.language, count(*), coalesce(t.revision, 0), coalesce(t.updated_us, 0)"
        " FROM moment m LEFT JOIN caption_track t"
        " ON t.recording = m.recording AND t.language = m.language"
        " WHERE m.recording = ?1 AND m.kind = 'caption' GROUP BY m.language ORDER BY m.language",
        error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, recording);
    g_autoptr(GPtrArray) tracks = g_ptr_array_new_with_free_func(free_track);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0) {
        MnbCaptionTrack *track = g_new0(MnbCaptionTrack, 1);
        track->language = mnb_stmt_dup_text(stmt, 0);
        track->n_cues = (guint)mnb_stmt_int(stmt, 1);
        track->revision = mnb_stmt_int(stmt, 2);
        track->updated_us = mnb_stmt_int(stmt, 3);
        g_ptr_array_add(tracks, track);
    }
    return result == 0 ? g_steal_pointer(&tracks) : NULL;
}

gint64 mnb_caption_track_revision(MnbDb *db, const char *recording, const char *language,
                                  GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db, "SELECT revision FROM caption_track WHERE recording = ?1 AND language = ?2", error);
    if (stmt == NULL)
        return -1;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_text(stmt, 2, language);
    int result = mnb_stmt_step(stmt, error);
    return result < 0 ? -1 : result > 0 ? mnb_stmt_int(stmt, 0) : 0;
}

static gboolean put_row(MnbDb *db, const char *recording, const char *language, gint64 revision,
                        gint64 now_us, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "INSERT INTO caption_track(recording, language, revision, updated_us)"
        " VALUES (?1, ?2, ?3, ?4) ON CONFLICT(recording, language)"
        " DO UPDATE SET revision = excluded.revision, updated_us = excluded.updated_us",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_text(stmt, 2, language);
    mnb_stmt_bind_int(stmt, 3, revision);
    mnb_stmt_bind_int(stmt, 4, now_us);
    return mnb_stmt_run(stmt, error);
}

static gboolean check_room(MnbDb *db, const char *recording, const char *language, GError **error)
{
    g_autoptr(GPtrArray) languages = mnb_moment_languages(db, recording, error);
    if (languages == NULL)
        return FALSE;
    for (guint i = 0; i < languages->len; i++)
        if (g_str_equal(languages->pdata[i], language))
            return TRUE;
    if (languages->len < MNB_CAPTION_LANGUAGES_MAX)
        return TRUE;
    g_set_error(error, MNB_ERROR, MNB_ERROR_LIMIT, "captions: more than %d languages",
                MNB_CAPTION_LANGUAGES_MAX);
    return FALSE;
}

/* The recording's own update gives it a new revision: what was found in its old captions is no
 * longer remembered by a reader. */
static gboolean touch(MnbDb *db, const char *id, gint64 now_us, GError **error)
{
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, id, error);
    return recording != NULL && mnb_recording_update(db, recording, now_us, error);
}

gboolean mnb_caption_track_put(MnbDb *db, const char *recording, const char *language,
                               GPtrArray *cues, gint64 if_revision, gint64 now_us,
                               gint64 *revision_out, GError **error)
{
    char *const tags[] = {(char *)language, NULL};
    if (!mnb_field_languages(tags, 1, error) || !check_room(db, recording, language, error))
        return FALSE;
    gint64 revision = mnb_caption_track_revision(db, recording, language, error);
    if (revision < 0)
        return FALSE;
    if (if_revision >= 0 && if_revision != revision) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_CONFLICT,
                    "captions in %s were changed by somebody else meanwhile", language);
        return FALSE;
    }
    for (guint i = 0; i < cues->len; i++) {
        MnbMoment *cue = cues->pdata[i];
        g_free(cue->language);
        cue->language = g_strdup(language);
    }
    if (revision_out != NULL)
        *revision_out = revision + 1;
    return mnb_moment_replace(db, recording, MNB_MOMENT_CAPTION, language, cues, error) &&
           put_row(db, recording, language, revision + 1, now_us, error) &&
           touch(db, recording, now_us, error);
}
