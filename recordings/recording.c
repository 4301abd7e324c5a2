#include "recordings/recording.h"

#include <string.h>

#include "recordings/fields.h"
#include "recordings/film-edit.h"
#include "recordings/publishing.h"
#include "recordings/recording-private.h"
#include "recordings/search-text.h"
#include "server/base/error.h"
#include "server/base/ids.h"

#define FOLDER_MAX 100 /* bytes */

#define COLUMNS                                                                                    \
    "id, area, city, event, session, origin, title_en, title_ja, description_en, description_ja,"  \
    " languages, audience, state, publish_when_ready, recorded_us, published_us, duration_us,"     \
    " width, height, folder, created_us, updated_us, more_areas, licence, edit, edit_made,"        \
    " chapters, source_us"

static const char *const origin_names[] = {"session", "import", "upload", "feed"};
static const char *const state_names[] = {"draft", "processing", "review", "published",
                                          "withdrawn"};
MNB_DEFINE_NAMES(MnbOrigin, mnb_origin, origin_names)
MNB_DEFINE_NAMES(MnbRecordingState, mnb_recording_state, state_names)

const char *const mnb_licences[] = {"all-rights-reserved",
                                    "cc-by-4.0",
                                    "cc-by-sa-4.0",
                                    "cc-by-nc-4.0",
                                    "cc-by-nd-4.0",
                                    "cc0-1.0",
                                    NULL};

static gboolean check_chapter(const json_t *chapter, json_int_t *after_ms, GError **error)
{
    const json_t *at = json_object_get(chapter, "at_ms");
    const char *title_en = json_string_value(json_object_get(chapter, "title_en"));
    const char *title_ja = json_string_value(json_object_get(chapter, "title_ja"));
    if (!json_is_integer(at) || json_integer_value(at) < *after_ms ||
        json_integer_value(at) > MNB_FILM_TIME_MAX_US / 1000) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "chapters: not in order of time");
        return FALSE;
    }
    *after_ms = json_integer_value(at);
    return mnb_field_titles(mnb_text(title_en), mnb_text(title_ja), error);
}

gboolean mnb_chapters_check(const char *text, GError **error)
{
    if (mnb_text(text)[0] == '\0')
        return TRUE;
    json_t *list = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    json_int_t after_ms = 0;
    gboolean is_good = json_is_array(list) && json_array_size(list) <= MNB_CHAPTERS_MAX;
    if (!is_good)
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "chapters: not a list of at most %d",
                    MNB_CHAPTERS_MAX);
    for (size_t i = 0; is_good && i < json_array_size(list); i++)
        is_good = check_chapter(json_array_get(list, i), &after_ms, error);
    json_decref(list);
    return is_good;
}

MnbRecording *mnb_recording_new(void)
{
    return g_new0(MnbRecording, 1);
}

void mnb_recording_free(MnbRecording *recording)
{
    if (recording == NULL)
        return;
    g_free(recording->id);
    g_free(recording->area);
    g_free(recording->city);
    g_free(recording->event);
    g_free(recording->session);
    g_free(recording->title_en);
    g_free(recording->title_ja);
    g_free(recording->description_en);
    g_free(recording->description_ja);
    g_strfreev(recording->languages);
    g_strfreev(recording->more_areas);
    g_free(recording->licence);
    g_free(recording->edit);
    g_free(recording->edit_made);
    g_free(recording->chapters);
    g_free(recording->folder);
    g_free(recording);
}

static void free_recording(gpointer data)
{
    mnb_recording_free(data);
}

static MnbRecording *read_row(MnbStmt *stmt)
{
    MnbRecording *recording = mnb_recording_new();
    recording->id = mnb_stmt_dup_text(stmt, 0);
    recording->area = mnb_stmt_dup_text(stmt, 1);
    recording->city = mnb_stmt_dup_text(stmt, 2);
    recording->event = mnb_stmt_dup_text(stmt, 3);
    recording->session = mnb_stmt_dup_text(stmt, 4);
    mnb_origin_parse(mnb_stmt_text(stmt, 5), &recording->origin);
    recording->title_en = mnb_stmt_dup_text(stmt, 6);
    recording->title_ja = mnb_stmt_dup_text(stmt, 7);
    recording->description_en = mnb_stmt_dup_text(stmt, 8);
    recording->description_ja = mnb_stmt_dup_text(stmt, 9);
    recording->languages = mnb_languages_from_json(mnb_stmt_text(stmt, 10));
    mnb_audience_parse(mnb_stmt_text(stmt, 11), &recording->audience);
    mnb_recording_state_parse(mnb_stmt_text(stmt, 12), &recording->state);
    recording->publish_when_ready = mnb_stmt_int(stmt, 13) != 0;
    recording->recorded_us = mnb_stmt_int(stmt, 14);
    recording->published_us = mnb_stmt_int(stmt, 15);
    recording->duration_us = mnb_stmt_int(stmt, 16);
    recording->width = (int)mnb_stmt_int(stmt, 17);
    recording->height = (int)mnb_stmt_int(stmt, 18);
    recording->folder = mnb_stmt_dup_text(stmt, 19);
    recording->created_us = mnb_stmt_int(stmt, 20);
    recording->updated_us = mnb_stmt_int(stmt, 21);
    recording->more_areas = mnb_languages_from_json(mnb_stmt_text(stmt, 22));
    recording->licence = mnb_stmt_dup_text(stmt, 23);
    recording->edit = mnb_stmt_dup_text(stmt, 24);
    recording->edit_made = mnb_stmt_dup_text(stmt, 25);
    recording->chapters = mnb_stmt_dup_text(stmt, 26);
    recording->source_us = mnb_stmt_int(stmt, 27);
    return recording;
}

static MnbRecording *find(MnbDb *db, const char *sql, const char *key, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, sql, error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, key);
    int result = mnb_stmt_step(stmt, error);
    if (result == 0)
        mnb_set_not_found(error, "recording", key);
    return result > 0 ? read_row(stmt) : NULL;
}

MnbRecording *mnb_recording_find(MnbDb *db, const char *id, GError **error)
{
    return find(db, "SELECT " COLUMNS " FROM recording WHERE id = ?1", id, error);
}

MnbRecording *mnb_recording_find_by_folder(MnbDb *db, const char *folder, GError **error)
{
    return find(db, "SELECT " COLUMNS " FROM recording WHERE folder = ?1", folder, error);
}

MnbRecording *mnb_recording_find_by_num(MnbDb *db, gint64 num, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "SELECT " COLUMNS " FROM recording WHERE num = ?1", error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_int(stmt, 1, num);
    int result = mnb_stmt_step(stmt, error);
    if (result == 0)
        mnb_set_not_found(error, "recording", "of that number");
    return result > 0 ? read_row(stmt) : NULL;
}

static GPtrArray *list(MnbDb *db, const char *sql, const char *key, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, sql, error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, key);
    g_autoptr(GPtrArray) recordings = g_ptr_array_new_with_free_func(free_recording);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        g_ptr_array_add(recordings, read_row(stmt));
    return result == 0 ? g_steal_pointer(&recordings) : NULL;
}

GPtrArray *mnb_recording_list_for_session(MnbDb *db, const char *session, GError **error)
{
    return list(db, "SELECT " COLUMNS " FROM recording WHERE session = ?1 ORDER BY num", session,
                error);
}

GPtrArray *mnb_recording_list_in_state(MnbDb *db, MnbRecordingState state, GError **error)
{
    return list(db, "SELECT " COLUMNS " FROM recording WHERE state = ?1 ORDER BY num",
                mnb_recording_state_to_string(state), error);
}

static void free_public(gpointer data)
{
    MnbPublicFilm *film = data;
    g_free(film->id);
    g_free(film);
}

GPtrArray *mnb_recording_list_public(MnbDb *db, guint offset, guint limit, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT id, updated_us FROM recording WHERE state = 'published'"
                       " AND audience = 'public' ORDER BY num LIMIT ?2 OFFSET ?1",
                       error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_int(stmt, 1, offset);
    mnb_stmt_bind_int(stmt, 2, limit);
    g_autoptr(GPtrArray) films = g_ptr_array_new_with_free_func(free_public);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0) {
        MnbPublicFilm *film = g_new(MnbPublicFilm, 1);
        *film = (MnbPublicFilm){mnb_stmt_dup_text(stmt, 0), mnb_stmt_int(stmt, 1)};
        g_ptr_array_add(films, film);
    }
    return result == 0 ? g_steal_pointer(&films) : NULL;
}

/* ---- writing ---- */

static gint64 next_revision(MnbDb *db, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db, "UPDATE counter SET value = value + 1 WHERE name = 'revision' RETURNING value", error);
    if (stmt == NULL || mnb_stmt_step(stmt, error) <= 0)
        return -1;
    gint64 revision = mnb_stmt_int(stmt, 0);
    return mnb_stmt_run(stmt, error) ? revision : -1;
}

static gboolean check_edit(const char *field, const char *text, GError **error)
{
    MnbFilmEdit edit;
    json_t *list = text == NULL ? json_array() : json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    gboolean is_good = json_is_array(list) && mnb_film_edit_parse(list, 1000, &edit);
    json_decref(list);
    if (!is_good)
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "%s: not a list of ranges in order",
                    field);
    return is_good;
}

static gboolean check_areas(MnbDb *db, const MnbRecording *recording, GError **error)
{
    char *const *areas = recording->more_areas;
    for (guint i = 0; areas != NULL && areas[i] != NULL; i++)
        if (!mnb_field_area(db, areas[i], error))
            return FALSE;
    return TRUE;
}

static gboolean check_licence(const char *licence, GError **error)
{
    if (mnb_text(licence)[0] == '\0' || g_strv_contains(mnb_licences, licence))
        return TRUE;
    g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "licence: there is no such licence");
    return FALSE;
}

static gboolean check(MnbDb *db, const MnbRecording *recording, GError **error)
{
    if (!mnb_field_titles(recording->title_en, recording->title_ja, error) ||
        !mnb_field_text("description_en", recording->description_en, MNB_DESCRIPTION_MAX, error) ||
        !mnb_field_text("description_ja", recording->description_ja, MNB_DESCRIPTION_MAX, error) ||
        !mnb_field_area(db, recording->area, error) ||
        !mnb_field_city(db, recording->city, error) ||
        !mnb_field_languages(recording->languages, 0, error) ||
        !check_areas(db, recording, error) || !check_licence(recording->licence, error) ||
        !check_edit("edit", recording->edit, error) ||
        !check_edit("edit_made", recording->edit_made, error) ||
        !mnb_chapters_check(recording->chapters, error))
        return FALSE;
    if (mnb_audience_to_string(recording->audience) == NULL ||
        mnb_recording_state_to_string(recording->state) == NULL ||
        mnb_origin_to_string(recording->origin) == NULL || recording->duration_us < 0 ||
        recording->width < 0 || recording->height < 0 || recording->source_us < 0) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "recording: a field is out of range");
        return FALSE;
    }
    return TRUE;
}

static const char *list_text(const char *text)
{
    return mnb_text(text)[0] == '\0' ? "[]" : text;
}

/* ?1 to ?20: what insert and update share. */
static void bind_shared(MnbStmt *stmt, const MnbRecording *recording, const char *languages,
                        const char *more_areas)
{
    mnb_stmt_bind_text(stmt, 1, recording->id);
    mnb_stmt_bind_text(stmt, 2, recording->area);
    mnb_stmt_bind_text(stmt, 3, recording->city);
    mnb_stmt_bind_text(stmt, 4, mnb_text(recording->title_en));
    mnb_stmt_bind_text(stmt, 5, mnb_text(recording->title_ja));
    mnb_stmt_bind_text(stmt, 6, mnb_text(recording->description_en));
    mnb_stmt_bind_text(stmt, 7, mnb_text(recording->description_ja));
    mnb_stmt_bind_text(stmt, 8, languages);
    mnb_stmt_bind_text(stmt, 9, mnb_audience_to_string(recording->audience));
    mnb_stmt_bind_int(stmt, 10, recording->publish_when_ready ? 1 : 0);
    mnb_stmt_bind_int(stmt, 11, recording->recorded_us);
    mnb_stmt_bind_time(stmt, 12, recording->duration_us);
    mnb_stmt_bind_time(stmt, 13, recording->width);
    mnb_stmt_bind_time(stmt, 14, recording->height);
    mnb_stmt_bind_text(stmt, 15, more_areas);
    mnb_stmt_bind_text(stmt, 16, mnb_text(recording->licence));
    mnb_stmt_bind_text(stmt, 17, list_text(recording->edit));
    mnb_stmt_bind_text(stmt, 18, list_text(recording->edit_made));
    mnb_stmt_bind_text(stmt, 19, list_text(recording->chapters));
    mnb_stmt_bind_time(stmt, 20, recording->source_us);
}

/* One directory name, which also stands in addresses: letters, digits, '-', '_' and '.'. */
static gboolean check_folder(const char *folder, GError **error)
{
    gsize length = strspn(folder, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.");
    if (length > 0 && length <= FOLDER_MAX && folder[length] == '\0' && folder[0] != '.')
        return TRUE;
    g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "folder: not a plain directory name");
    return FALSE;
}

static gboolean insert_row(MnbDb *db, const MnbRecording *recording, GError **error)
{
    if (!check_folder(recording->folder, error))
        return FALSE;
    gint64 revision = next_revision(db, error);
    if (revision < 0)
        return FALSE;
    g_autofree char *languages = mnb_languages_to_json(recording->languages);
    g_autofree char *more_areas = mnb_languages_to_json(recording->more_areas);
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "INSERT INTO recording(id, area, city, title_en, title_ja, description_en,"
        " description_ja, languages, audience, publish_when_ready, recorded_us, duration_us,"
        " width, height, more_areas, licence, edit, edit_made, chapters, source_us, event, session,"
        " origin, state, published_us, folder, created_us, updated_us, revision)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
        " ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29)",
        error);
    if (stmt == NULL)
        return FALSE;
    bind_shared(stmt, recording, languages, more_areas);
    mnb_stmt_bind_text(stmt, 21, recording->event);
    mnb_stmt_bind_text(stmt, 22, recording->session);
    mnb_stmt_bind_text(stmt, 23, mnb_origin_to_string(recording->origin));
    mnb_stmt_bind_text(stmt, 24, mnb_recording_state_to_string(recording->state));
    mnb_stmt_bind_time(stmt, 25, recording->published_us);
    mnb_stmt_bind_text(stmt, 26, recording->folder);
    mnb_stmt_bind_int(stmt, 27, recording->created_us);
    mnb_stmt_bind_int(stmt, 28, recording->updated_us);
    mnb_stmt_bind_int(stmt, 29, revision);
    return mnb_stmt_run(stmt, error) && mnb_search_text_put(db, recording->id, error);
}

gboolean mnb_recording_insert(MnbDb *db, MnbRecording *recording, gint64 now_us, GError **error)
{
    if (!check(db, recording, error))
        return FALSE;
    if (recording->id == NULL)
        recording->id = mnb_id_new();
    if (recording->folder == NULL)
        recording->folder = g_strdup(recording->id);
    recording->created_us = now_us;
    recording->updated_us = now_us;
    if (recording->state == MNB_RECORDING_PUBLISHED && recording->published_us == 0)
        recording->published_us = now_us;
    return insert_row(db, recording, error);
}

gboolean mnb_recording_insert_kept(MnbDb *db, const MnbRecording *recording, GError **error)
{
    return check(db, recording, error) && insert_row(db, recording, error);
}

MnbRecording *mnb_recording_insert_for_session(MnbDb *db, const char *session, gint64 now_us,
                                               GError **error)
{
    g_autoptr(MnbSession) found = mnb_session_find(db, session, error);
    if (found == NULL)
        return NULL;
    g_autoptr(MnbEvent) event = mnb_event_find(db, found->event, error);
    if (event == NULL)
        return NULL;
    g_autoptr(MnbRecording) recording = mnb_recording_new();
    recording->area = g_steal_pointer(&event->area);
    recording->city = g_steal_pointer(&event->city);
    recording->event = g_strdup(event->id);
    recording->session = g_strdup(session);
    recording->origin = MNB_ORIGIN_SESSION;
    recording->title_en = g_steal_pointer(&event->title_en);
    recording->title_ja = g_steal_pointer(&event->title_ja);
    recording->description_en = g_steal_pointer(&event->summary_en);
    recording->description_ja = g_steal_pointer(&event->summary_ja);
    recording->languages = g_steal_pointer(&event->languages);
    recording->audience = event->audience;
    recording->state = MNB_RECORDING_DRAFT;
    recording->publish_when_ready = event->recording_policy == MNB_RECORDING_POLICY_PUBLISH;
    recording->recorded_us = now_us;
    if (!mnb_recording_insert(db, recording, now_us, error))
        return NULL;
    return g_steal_pointer(&recording);
}

gboolean mnb_recording_update(MnbDb *db, const MnbRecording *recording, gint64 now_us,
                              GError **error)
{
    if (!check(db, recording, error))
        return FALSE;
    gint64 revision = next_revision(db, error);
    if (revision < 0)
        return FALSE;
    g_autofree char *languages = mnb_languages_to_json(recording->languages);
    g_autofree char *more_areas = mnb_languages_to_json(recording->more_areas);
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "UPDATE recording SET area = ?2, city = ?3, title_en = ?4, title_ja = ?5,"
        " description_en = ?6, description_ja = ?7, languages = ?8, audience = ?9,"
        " publish_when_ready = ?10, recorded_us = ?11, duration_us = ?12, width = ?13,"
        " height = ?14, more_areas = ?15, licence = ?16, edit = ?17, edit_made = ?18,"
        " chapters = ?19, source_us = ?20, updated_us = ?21, revision = ?22 WHERE id = ?1",
        error);
    if (stmt == NULL)
        return FALSE;
    bind_shared(stmt, recording, languages, more_areas);
    mnb_stmt_bind_int(stmt, 21, now_us);
    mnb_stmt_bind_int(stmt, 22, revision);
    if (!mnb_stmt_run(stmt, error))
        return FALSE;
    if (mnb_db_changes(db) == 0)
        return mnb_set_not_found(error, "recording", recording->id);
    return mnb_search_text_put(db, recording->id, error);
}

gboolean mnb_recording_touch(MnbDb *db, const char *id, GError **error)
{
    gint64 revision = next_revision(db, error);
    g_autoptr(MnbStmt) stmt =
        revision < 0
            ? NULL
            : mnb_db_prepare(db, "UPDATE recording SET revision = ?2 WHERE id = ?1", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_int(stmt, 2, revision);
    if (!mnb_stmt_run(stmt, error))
        return FALSE;
    if (mnb_db_changes(db) == 0)
        return mnb_set_not_found(error, "recording", id);
    return mnb_search_text_put(db, id, error);
}

static gboolean can_be_watched(MnbDb *db, const char *id, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db, "SELECT 1 FROM rendition WHERE recording = ?1 AND kind IN ('hls', 'download')", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    int result = mnb_stmt_step(stmt, error);
    if (result == 0)
        g_set_error(error, MNB_ERROR, MNB_ERROR_CONFLICT,
                    "recording %s has nothing to play yet and cannot be published", id);
    return result > 0;
}

gboolean mnb_recording_set_state(MnbDb *db, const char *id, MnbRecordingState state, gint64 now_us,
                                 GError **error)
{
    g_return_val_if_fail(mnb_recording_state_to_string(state) != NULL, FALSE);
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, id, error);
    if (recording == NULL)
        return FALSE;
    if (recording->state == state)
        return TRUE;
    if (state == MNB_RECORDING_PUBLISHED && !can_be_watched(db, id, error))
        return FALSE;
    gint64 revision = next_revision(db, error);
    if (revision < 0)
        return FALSE;
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "UPDATE recording SET state = ?2, updated_us = ?3, revision = ?4, published_us ="
        " CASE ?2 WHEN 'published' THEN coalesce(published_us, ?3) ELSE published_us END"
        " WHERE id = ?1",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_text(stmt, 2, mnb_recording_state_to_string(state));
    mnb_stmt_bind_int(stmt, 3, now_us);
    mnb_stmt_bind_int(stmt, 4, revision);
    return mnb_stmt_run(stmt, error);
}

gboolean mnb_recording_set_ready(MnbDb *db, const char *id, gint64 now_us, MnbRecordingState *state,
                                 GError **error)
{
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, id, error);
    if (recording == NULL)
        return FALSE;
    MnbRecordingState ready = recording->state;
    /* A person may have published or withdrawn it meanwhile: that stands. */
    if (ready == MNB_RECORDING_DRAFT || ready == MNB_RECORDING_PROCESSING)
        ready = recording->publish_when_ready && !mnb_publishing_needs_second_person(db)
                    ? MNB_RECORDING_PUBLISHED
                    : MNB_RECORDING_REVIEW;
    if (state != NULL)
        *state = ready;
    return mnb_recording_set_state(db, id, ready, now_us, error);
}

gboolean mnb_recording_remove(MnbDb *db, const char *id, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, "DELETE FROM recording WHERE id = ?1", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    if (!mnb_stmt_run(stmt, error))
        return FALSE;
    return mnb_db_changes(db) > 0 ? TRUE : mnb_set_not_found(error, "recording", id);
}

gboolean mnb_recording_may_watch(const MnbRecording *recording, gboolean is_staff)
{
    if (is_staff)
        return TRUE;
    if (recording->state != MNB_RECORDING_PUBLISHED)
        return FALSE;
    return recording->audience == MNB_AUDIENCE_PUBLIC || recording->audience == MNB_AUDIENCE_LINK;
}
