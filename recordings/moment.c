#include "recordings/moment.h"

#include <jansson.h>
#include <string.h>

#include "recordings/fields.h"
#include "recordings/film-edit.h"
#include "recordings/recording-private.h"
#include "recordings/session-consent.h"
#include "recordings/session-pages.h"
#include "server/base/error.h"

static const char *const kind_names[] = {"caption", "chat", "slide"};
MNB_DEFINE_NAMES(MnbMomentKind, mnb_moment_kind, kind_names)

void mnb_moment_free(MnbMoment *moment)
{
    if (moment == NULL)
        return;
    g_free(moment->language);
    g_free(moment->who);
    g_free(moment->text);
    g_free(moment);
}

static void free_moment(gpointer data)
{
    mnb_moment_free(data);
}

/* Columns: language, at_us, end_us, who, text. */
static MnbMoment *read_row(MnbStmt *stmt, MnbMomentKind kind)
{
    MnbMoment *moment = g_new0(MnbMoment, 1);
    moment->kind = kind;
    moment->language = mnb_stmt_dup_text(stmt, 0);
    moment->at_us = mnb_stmt_int(stmt, 1);
    moment->end_us = mnb_stmt_int(stmt, 2);
    moment->who = mnb_stmt_dup_text(stmt, 3);
    moment->text = mnb_stmt_dup_text(stmt, 4);
    return moment;
}

GPtrArray *mnb_moment_list(MnbDb *db, const char *recording, MnbMomentKind kind,
                           const char *language, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "SELECT language, at_us, end_us, who, text FROM moment WHERE recording = ?1 AND kind = ?2"
        " AND (?3 IS NULL OR language = ?3) ORDER BY at_us, num",
        error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_text(stmt, 2, mnb_moment_kind_to_string(kind));
    mnb_stmt_bind_text(stmt, 3, language);
    g_autoptr(GPtrArray) moments = g_ptr_array_new_with_free_func(free_moment);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        g_ptr_array_add(moments, read_row(stmt, kind));
    return result == 0 ? g_steal_pointer(&moments) : NULL;
}

MnbMoment *mnb_moment_find(MnbDb *db, gint64 num, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db, "SELECT language, at_us, end_us, who, text, kind FROM moment WHERE num = ?1", error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_int(stmt, 1, num);
    int result = mnb_stmt_step(stmt, error);
    MnbMomentKind kind = MNB_MOMENT_CAPTION;
    if (result > 0 && mnb_moment_kind_parse(mnb_stmt_text(stmt, 5), &kind))
        return read_row(stmt, kind);
    if (result == 0)
        g_set_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND, "no such moment");
    return NULL;
}

GPtrArray *mnb_moment_languages(MnbDb *db, const char *recording, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "SELECT DISTINCT language FROM moment WHERE recording = ?1 AND kind = 'caption'"
        " ORDER BY language",
        error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, recording);
    g_autoptr(GPtrArray) languages = g_ptr_array_new_with_free_func(g_free);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        g_ptr_array_add(languages, mnb_stmt_dup_text(stmt, 0));
    return result == 0 ? g_steal_pointer(&languages) : NULL;
}

static gboolean insert(MnbDb *db, const char *recording, const MnbMoment *moment, GError **error)
{
    if (!mnb_field_text("text", moment->text, MNB_MOMENT_TEXT_MAX, error) ||
        !mnb_field_text("who", moment->who, 200, error))
        return FALSE;
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "INSERT INTO moment(recording, kind, language, at_us, end_us, who, text)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                       error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_text(stmt, 2, mnb_moment_kind_to_string(moment->kind));
    mnb_stmt_bind_text(stmt, 3, mnb_text(moment->language));
    mnb_stmt_bind_int(stmt, 4, MAX(moment->at_us, 0));
    mnb_stmt_bind_int(stmt, 5, MAX(moment->end_us, MAX(moment->at_us, 0)));
    mnb_stmt_bind_text(stmt, 6, mnb_text(moment->who));
    mnb_stmt_bind_text(stmt, 7, moment->text);
    return mnb_stmt_run(stmt, error);
}

gboolean mnb_moment_replace(MnbDb *db, const char *recording, MnbMomentKind kind,
                            const char *language, GPtrArray *moments, GError **error)
{
    if (moments->len > MNB_MOMENTS_MAX) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "moments: more than %d", MNB_MOMENTS_MAX);
        return FALSE;
    }
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "DELETE FROM moment WHERE recording = ?1 AND kind = ?2 AND (?3 IS NULL OR language = ?3)",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_text(stmt, 2, mnb_moment_kind_to_string(kind));
    mnb_stmt_bind_text(stmt, 3, language);
    if (!mnb_stmt_run(stmt, error))
        return FALSE;
    for (guint i = 0; i < moments->len; i++)
        if (!insert(db, recording, moments->pdata[i], error))
            return FALSE;
    return mnb_recording_touch(db, recording, error);
}

/* ---- out of the session's log ---- */

typedef struct {
    const MnbCaptureTimeline *timeline;
    GHashTable *names;    /* peer id -> name, owned */
    GHashTable *agreed;   /* peer ids whose last answer about being recorded is yes */
    json_t *agenda;       /* owned; the items */
    json_t *chapters;     /* owned */
    GPtrArray *chat;      /* MnbMoment, owned by the array */
    GPtrArray *chat_from; /* char *, owned: peer of each */
    GPtrArray *captions;
    GPtrArray *captions_from;
    gboolean is_paused; /* the recording, by whoever may */
} Reading;

static const char *text_of(const json_t *body, const char *key)
{
    return mnb_text(json_string_value(json_object_get(body, key)));
}

static gint64 length_of_reading_us(const char *text)
{
    return CLAMP(g_utf8_strlen(text, -1) * 80000, 1500000, 7000000);
}

static void add(Reading *reading, MnbMomentKind kind, const MnbLogEntry *entry, const json_t *body)
{
    gint64 end_us = mnb_capture_timeline_at(reading->timeline, entry->at_us);
    const char *text = text_of(body, "text");
    if (end_us < 0 || reading->is_paused || entry->peer == NULL || *text == '\0')
        return;
    gboolean is_caption = kind == MNB_MOMENT_CAPTION;
    MnbMoment *moment = g_new0(MnbMoment, 1);
    moment->kind = kind;
    moment->language = g_strdup(text_of(body, "language"));
    moment->at_us = moment->end_us = end_us;
    if (is_caption) {
        json_int_t began_ms = json_integer_value(json_object_get(body, "began_ms"));
        moment->at_us = MAX(end_us - 1000 * CLAMP(began_ms, 0, 60000), 0);
        moment->end_us = MAX(end_us, moment->at_us + length_of_reading_us(text));
    }
    moment->who = g_strdup(mnb_text(g_hash_table_lookup(reading->names, entry->peer)));
    moment->text = g_strdup(text);
    g_ptr_array_add(is_caption ? reading->captions : reading->chat, moment);
    g_ptr_array_add(is_caption ? reading->captions_from : reading->chat_from,
                    g_strdup(entry->peer));
}

static void add_chapter(Reading *reading, gint64 wall_us, const char *en, const char *ja)
{
    gint64 at_us = mnb_capture_timeline_at(reading->timeline, wall_us);
    if (at_us < 0 || (*en == '\0' && *ja == '\0') || json_array_size(reading->chapters) >= 200)
        return;
    json_array_append_new(reading->chapters,
                          json_pack("{s:I, s:s, s:s}", "at_ms", (json_int_t)(at_us / 1000),
                                    "title_en", en, "title_ja", ja));
}

static void on_peer(Reading *reading, const MnbLogEntry *entry, const json_t *body)
{
    mnb_session_note_consent(reading->agreed, entry, body);
    if (entry->peer != NULL && strcmp(entry->type, "peer-consent") != 0)
        g_hash_table_replace(reading->names, g_strdup(entry->peer),
                             g_strdup(text_of(body, "name")));
}

static gboolean on_entry(const MnbLogEntry *entry, gpointer data, GError **error)
{
    Reading *reading = data;
    json_t *body = json_loads(entry->body, JSON_REJECT_DUPLICATES, NULL);
    const char *to = text_of(body, "to");
    if (strcmp(entry->type, "peer-joined") == 0 || strcmp(entry->type, "peer-renamed") == 0 ||
        strcmp(entry->type, "peer-consent") == 0) {
        on_peer(reading, entry, body);
    } else if (strcmp(entry->type, "chat") == 0 && (*to == '\0' || strcmp(to, "all") == 0)) {
        add(reading, MNB_MOMENT_CHAT, entry, body);
    } else if (strcmp(entry->type, "caption") == 0) {
        add(reading, MNB_MOMENT_CAPTION, entry, body);
    } else if (g_str_has_prefix(entry->type, "recording-")) {
        reading->is_paused = strcmp(entry->type, "recording-paused") == 0;
    } else if (strcmp(entry->type, "agenda") == 0) {
        json_decref(reading->agenda);
        reading->agenda = json_incref(json_object_get(body, "items"));
    } else if (strcmp(entry->type, "agenda-item") == 0) {
        json_int_t item = json_integer_value(json_object_get(body, "item"));
        const json_t *found = item >= 0 ? json_array_get(reading->agenda, (size_t)item) : NULL;
        add_chapter(reading, entry->at_us, text_of(found, "title_en"), text_of(found, "title_ja"));
    } else if (strcmp(entry->type, "marker") == 0) {
        const char *text = text_of(body, "text");
        add_chapter(reading, entry->at_us, *text != '\0' ? text : "Good moment",
                    *text != '\0' ? text : "よい場面");
    }
    json_decref(body);
    return TRUE;
}

/* Who has not agreed in the end is nowhere, also with what came before. */
static void keep_agreed(const Reading *reading, GPtrArray *moments, GPtrArray *from)
{
    for (guint i = moments->len; i > 0; i--) {
        if (g_hash_table_contains(reading->agreed, g_ptr_array_index(from, i - 1)) &&
            i <= MNB_MOMENTS_MAX)
            continue;
        g_ptr_array_remove_index(moments, i - 1);
        g_ptr_array_remove_index(from, i - 1);
    }
}

/* Of a language that a person has touched, what was typed live does not come back. */
static gboolean put_captions(MnbDb *db, const char *recording, GPtrArray *captions, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "SELECT language FROM caption_track WHERE recording = ?1", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    g_autoptr(GHashTable) touched = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        g_hash_table_add(touched, mnb_stmt_dup_text(stmt, 0));
    if (result < 0)
        return FALSE;
    g_autoptr(MnbStmt) forget = mnb_db_prepare(
        db,
        "DELETE FROM moment WHERE recording = ?1 AND kind = 'caption' AND language NOT IN"
        " (SELECT language FROM caption_track WHERE recording = ?1)",
        error);
    if (forget == NULL)
        return FALSE;
    mnb_stmt_bind_text(forget, 1, recording);
    if (!mnb_stmt_run(forget, error))
        return FALSE;
    for (guint i = 0; i < captions->len; i++) {
        const MnbMoment *caption = captions->pdata[i];
        if (!g_hash_table_contains(touched, caption->language) &&
            !insert(db, recording, caption, error))
            return FALSE;
    }
    return TRUE;
}

/* Chapters that a person wrote stay. */
static gboolean put_chapters(MnbDb *db, const char *id, const json_t *chapters, GError **error)
{
    char *text = json_dumps(chapters, JSON_COMPACT);
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db, "UPDATE recording SET chapters = ?2 WHERE id = ?1 AND chapters = '[]'", error);
    gboolean ok = stmt != NULL;
    if (ok) {
        mnb_stmt_bind_text(stmt, 1, id);
        mnb_stmt_bind_text(stmt, 2, text);
        ok = mnb_stmt_run(stmt, error);
    }
    free(text);
    return ok;
}

static gboolean put_slides(MnbDb *db, const char *recording, const char *session, Reading *reading,
                           GError **error)
{
    g_autoptr(GPtrArray) turns = mnb_session_pages(db, session, error);
    if (turns == NULL)
        return FALSE;
    g_autoptr(GPtrArray) slides = mnb_moment_slides(turns, reading->timeline, reading->chapters);
    return mnb_moment_replace(db, recording, MNB_MOMENT_SLIDE, NULL, slides, error);
}

gboolean mnb_moments_from_session(MnbDb *db, const char *recording, const char *session,
                                  const MnbCaptureTimeline *timeline, GError **error)
{
    Reading reading = {
        .timeline = timeline,
        .names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        .agreed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .chapters = json_array(),
        .chat = g_ptr_array_new_with_free_func(free_moment),
        .chat_from = g_ptr_array_new_with_free_func(g_free),
        .captions = g_ptr_array_new_with_free_func(free_moment),
        .captions_from = g_ptr_array_new_with_free_func(g_free),
    };
    gboolean ok = mnb_session_log_read(db, session, 0, on_entry, &reading, error);
    if (ok) {
        keep_agreed(&reading, reading.chat, reading.chat_from);
        keep_agreed(&reading, reading.captions, reading.captions_from);
        ok = mnb_moment_replace(db, recording, MNB_MOMENT_CHAT, NULL, reading.chat, error) &&
             put_captions(db, recording, reading.captions, error) &&
             put_slides(db, recording, session, &reading, error) &&
             put_chapters(db, recording, reading.chapters, error);
    }
    g_hash_table_unref(reading.names);
    g_hash_table_unref(reading.agreed);
    json_decref(reading.agenda);
    json_decref(reading.chapters);
    g_ptr_array_unref(reading.chat);
    g_ptr_array_unref(reading.chat_from);
    g_ptr_array_unref(reading.captions);
    g_ptr_array_unref(reading.captions_from);
    return ok;
}
