#include "recordings/manifest-extras.h"

#include <string.h>

#include "recordings/fields.h"
#include "server/base/error.h"

#define TIME_MAX_US (48 * 3600 * (gint64)G_USEC_PER_SEC)
#define WHO_MAX     200
#define UNCLEAR     "unclear"

static void free_moment(gpointer data)
{
    mnb_moment_free(data);
}

static void free_track(gpointer data)
{
    mnb_caption_track_free(data);
}

void mnb_manifest_extras_clear(MnbManifestExtras *extras)
{
    for (int kind = 0; kind < MNB_MOMENT_KINDS; kind++)
        g_clear_pointer(&extras->moments[kind], g_ptr_array_unref);
    g_clear_pointer(&extras->tracks, g_ptr_array_unref);
    g_clear_pointer(&extras->visit, mnb_visit_free);
}

/* ---- writing ---- */

static gboolean add_moments(MnbDb *db, const char *recording, json_t *list, GError **error)
{
    for (MnbMomentKind kind = 0; kind < MNB_MOMENT_KINDS; kind++) {
        g_autoptr(GPtrArray) moments = mnb_moment_list(db, recording, kind, NULL, error);
        if (moments == NULL)
            return FALSE;
        for (guint i = 0; i < moments->len; i++) {
            const MnbMoment *moment = moments->pdata[i];
            json_array_append_new(list,
                                  json_pack("[s, s, I, I, s, s]", mnb_moment_kind_to_string(kind),
                                            moment->language, (json_int_t)moment->at_us,
                                            (json_int_t)moment->end_us, moment->who, moment->text));
        }
    }
    return TRUE;
}

/* Also of languages whose cues were taken away: what was typed live must not come back. */
static gboolean add_tracks(MnbDb *db, const char *recording, json_t *list, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db, "SELECT language, revision, updated_us FROM caption_track WHERE recording = ?1", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "language", mnb_stmt_text(stmt, 0),
                                              "revision", (json_int_t)mnb_stmt_int(stmt, 1),
                                              "updated_us", (json_int_t)mnb_stmt_int(stmt, 2)));
    return result == 0;
}

static json_t *visit_to_json(const MnbVisit *visit)
{
    if (visit == NULL)
        return json_null();
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "place_en", visit->place_en, "place_ja",
                     visit->place_ja, "visited_on", visit->visited_on, "people", visit->people,
                     "series", visit->series);
}

gboolean mnb_manifest_extras_build(MnbDb *db, const char *recording, json_t *json, GError **error)
{
    g_autoptr(GError) local = NULL;
    json_t *moments = json_array(), *tracks = json_array();
    json_object_set_new(json, "moments", moments);
    json_object_set_new(json, "caption_tracks", tracks);
    g_autoptr(MnbVisit) visit = mnb_visit_find(db, recording, &local);
    if (visit == NULL && !g_error_matches(local, MNB_ERROR, MNB_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&local));
        return FALSE;
    }
    json_object_set_new(json, "visit", visit_to_json(visit));
    return add_moments(db, recording, moments, error) && add_tracks(db, recording, tracks, error);
}

/* ---- reading ---- */

static gboolean is_language(const char *text)
{
    return strlen(text) <= 35 &&
           strspn(text, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-") == strlen(text);
}

static void read_moment(const json_t *item, MnbManifestExtras *extras)
{
    const char *name, *language, *who, *text;
    json_int_t at_us, end_us;
    MnbMomentKind kind;
    if (json_unpack((json_t *)item, "[s, s, I, I, s, s!]", &name, &language, &at_us, &end_us, &who,
                    &text) != 0 ||
        !mnb_moment_kind_parse(name, &kind) || !is_language(language) || at_us < 0 ||
        end_us < at_us || end_us > TIME_MAX_US || *text == '\0' ||
        extras->moments[kind]->len >= MNB_MOMENTS_MAX ||
        !mnb_field_text("text", text, MNB_MOMENT_TEXT_MAX, NULL) ||
        !mnb_field_text("who", who, WHO_MAX, NULL))
        return;
    MnbMoment *moment = g_new0(MnbMoment, 1);
    moment->kind = kind;
    moment->language = g_strdup(language);
    moment->at_us = at_us;
    moment->end_us = end_us;
    moment->who = g_strdup(who);
    moment->text = g_strdup(text);
    g_ptr_array_add(extras->moments[kind], moment);
}

static gboolean has_track(const GPtrArray *tracks, const char *language)
{
    for (guint i = 0; i < tracks->len; i++)
        if (strcmp(((MnbCaptionTrack *)tracks->pdata[i])->language, language) == 0)
            return TRUE;
    return FALSE;
}

static void read_track(const json_t *item, GPtrArray *tracks)
{
    const char *language;
    json_int_t revision, updated_us;
    if (json_unpack((json_t *)item, "{s:s, s:I, s:I}", "language", &language, "revision", &revision,
                    "updated_us", &updated_us) != 0 ||
        !is_language(language) || revision < 1 || updated_us < 0 || has_track(tracks, language) ||
        tracks->len >= MNB_CAPTION_LANGUAGES_MAX * 4)
        return;
    MnbCaptionTrack *track = g_new0(MnbCaptionTrack, 1);
    track->language = g_strdup(language);
    track->revision = revision;
    track->updated_us = updated_us;
    g_ptr_array_add(tracks, track);
}

/* "2026-11-24" or "". */
static gboolean is_day(const char *text)
{
    if (*text == '\0')
        return TRUE;
    if (strlen(text) != 10)
        return FALSE;
    for (int i = 0; i < 10; i++)
        if (i == 4 || i == 7 ? text[i] != '-' : !g_ascii_isdigit(text[i]))
            return FALSE;
    return TRUE;
}

/* What people said of those who are shown counts only when it can be read. */
static MnbVisit *read_visit(const json_t *json)
{
    const char *place_en = "", *place_ja = "", *visited_on = "", *people = UNCLEAR, *series = "";
    if (!json_is_object(json) ||
        json_unpack((json_t *)json, "{s?s, s?s, s?s, s?s, s?s}", "place_en", &place_en, "place_ja",
                    &place_ja, "visited_on", &visited_on, "people", &people, "series",
                    &series) != 0 ||
        !mnb_field_text("place_en", place_en, MNB_VISIT_PLACE_MAX, NULL) ||
        !mnb_field_text("place_ja", place_ja, MNB_VISIT_PLACE_MAX, NULL) ||
        !mnb_field_text("series", series, MNB_VISIT_SERIES_MAX, NULL))
        return NULL;
    MnbVisit *visit = g_new0(MnbVisit, 1);
    visit->place_en = g_strdup(place_en);
    visit->place_ja = g_strdup(place_ja);
    visit->visited_on = g_strdup(is_day(visited_on) ? visited_on : "");
    visit->people = g_strdup(g_strv_contains(mnb_visit_people, people) ? people : UNCLEAR);
    visit->series = g_strdup(series);
    return visit;
}

void mnb_manifest_extras_parse(const json_t *json, MnbManifestExtras *extras)
{
    size_t i;
    const json_t *item;
    for (int kind = 0; kind < MNB_MOMENT_KINDS; kind++)
        extras->moments[kind] = g_ptr_array_new_with_free_func(free_moment);
    extras->tracks = g_ptr_array_new_with_free_func(free_track);
    json_array_foreach(json_object_get(json, "moments"), i, item) read_moment(item, extras);
    json_array_foreach(json_object_get(json, "caption_tracks"), i, item)
        read_track(item, extras->tracks);
    extras->visit = read_visit(json_object_get(json, "visit"));
}

/* ---- restoring ---- */

gboolean mnb_manifest_extras_has_all(MnbDb *db, const char *recording,
                                     const MnbManifestExtras *extras)
{
    for (MnbMomentKind kind = 0; kind < MNB_MOMENT_KINDS; kind++) {
        g_autoptr(GPtrArray) moments = mnb_moment_list(db, recording, kind, NULL, NULL);
        if (moments == NULL || moments->len < extras->moments[kind]->len)
            return FALSE;
    }
    g_autoptr(MnbVisit) visit = mnb_visit_find(db, recording, NULL);
    return visit != NULL || extras->visit == NULL;
}

static gboolean put_track(MnbDb *db, const char *recording, const MnbCaptionTrack *track,
                          GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "INSERT INTO caption_track(recording, language, revision, updated_us) VALUES (?1, ?2, ?3,"
        " ?4) ON CONFLICT(recording, language) DO UPDATE SET revision = max(revision, ?3)",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_text(stmt, 2, track->language);
    mnb_stmt_bind_int(stmt, 3, track->revision);
    mnb_stmt_bind_int(stmt, 4, track->updated_us);
    return mnb_stmt_run(stmt, error);
}

static gboolean put_visit(MnbDb *db, const char *recording, const MnbVisit *visit, GError **error)
{
    g_autoptr(MnbVisit) kept = mnb_visit_find(db, recording, NULL);
    MnbVisit merged = *visit;
    if (kept != NULL && strcmp(kept->people, UNCLEAR) == 0)
        merged.people = kept->people;
    return mnb_visit_put(db, recording, &merged, error);
}

gboolean mnb_manifest_extras_restore(MnbDb *db, const char *recording,
                                     const MnbManifestExtras *extras, GError **error)
{
    for (MnbMomentKind kind = 0; kind < MNB_MOMENT_KINDS; kind++)
        if (!mnb_moment_replace(db, recording, kind, NULL, extras->moments[kind], error))
            return FALSE;
    for (guint i = 0; i < extras->tracks->len; i++)
        if (!put_track(db, recording, extras->tracks->pdata[i], error))
            return FALSE;
    return extras->visit == NULL || put_visit(db, recording, extras->visit, error);
}
