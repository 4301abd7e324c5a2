#include "recordings/manifest.h"

#include <jansson.h>
#include <string.h>

#include "recordings/fields.h"
#include "recordings/film-edit.h"
#include "recordings/recording-private.h"
#include "server/base/error.h"
#include "server/base/ids.h"

#define PARTS_MAX      10000
#define RENDITIONS_MAX 1000

void mnb_manifest_free(MnbManifest *manifest)
{
    if (manifest == NULL)
        return;
    mnb_recording_free(manifest->recording);
    g_clear_pointer(&manifest->parts, g_ptr_array_unref);
    g_clear_pointer(&manifest->renditions, g_ptr_array_unref);
    mnb_manifest_extras_clear(&manifest->extras);
    g_free(manifest);
}

/* ---- writing ---- */

static json_t *text_or_null(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

static json_t *time_or_null(gint64 value)
{
    return value == 0 ? json_null() : json_integer(value);
}

static json_t *languages_to_array(char *const *languages)
{
    json_t *array = json_array();
    for (guint i = 0; languages != NULL && languages[i] != NULL; i++)
        json_array_append_new(array, json_string(languages[i]));
    return array;
}

static json_t *list_or_empty(const char *text)
{
    json_t *list = text != NULL ? json_loads(text, 0, NULL) : NULL;
    if (json_is_array(list))
        return list;
    json_decref(list);
    return json_array();
}

static json_t *recording_to_json(const MnbRecording *recording)
{
    json_t *json = json_object();
    json_object_set_new(json, "format", json_integer(MNB_MANIFEST_FORMAT));
    json_object_set_new(json, "id", json_string(recording->id));
    json_object_set_new(json, "area", json_string(recording->area));
    json_object_set_new(json, "city", json_string(recording->city));
    json_object_set_new(json, "event", text_or_null(recording->event));
    json_object_set_new(json, "session", text_or_null(recording->session));
    json_object_set_new(json, "origin", json_string(mnb_origin_to_string(recording->origin)));
    json_object_set_new(json, "title_en", json_string(recording->title_en));
    json_object_set_new(json, "title_ja", json_string(recording->title_ja));
    json_object_set_new(json, "description_en", json_string(recording->description_en));
    json_object_set_new(json, "description_ja", json_string(recording->description_ja));
    json_object_set_new(json, "languages", languages_to_array(recording->languages));
    json_object_set_new(json, "more_areas", languages_to_array(recording->more_areas));
    json_object_set_new(json, "licence", json_string(recording->licence));
    json_object_set_new(json, "edit", list_or_empty(recording->edit));
    json_object_set_new(json, "edit_made", list_or_empty(recording->edit_made));
    json_object_set_new(json, "chapters", list_or_empty(recording->chapters));
    json_object_set_new(json, "source_us", time_or_null(recording->source_us));
    json_object_set_new(json, "audience", json_string(mnb_audience_to_string(recording->audience)));
    json_object_set_new(json, "state",
                        json_string(mnb_recording_state_to_string(recording->state)));
    json_object_set_new(json, "publish_when_ready", json_boolean(recording->publish_when_ready));
    json_object_set_new(json, "recorded_us", json_integer(recording->recorded_us));
    json_object_set_new(json, "published_us", time_or_null(recording->published_us));
    json_object_set_new(json, "duration_us", time_or_null(recording->duration_us));
    json_object_set_new(json, "width", time_or_null(recording->width));
    json_object_set_new(json, "height", time_or_null(recording->height));
    json_object_set_new(json, "folder", json_string(recording->folder));
    json_object_set_new(json, "created_us", json_integer(recording->created_us));
    json_object_set_new(json, "updated_us", json_integer(recording->updated_us));
    return json;
}

static json_t *parts_to_json(GPtrArray *parts)
{
    json_t *array = json_array();
    for (guint i = 0; i < parts->len; i++) {
        const MnbPart *part = parts->pdata[i];
        json_t *json = json_object();
        json_object_set_new(json, "part", json_integer(part->part));
        json_object_set_new(json, "started_us", json_integer(part->started_us));
        json_object_set_new(json, "ended_us", time_or_null(part->ended_us));
        json_object_set_new(json, "state", json_string(mnb_part_state_to_string(part->state)));
        json_object_set_new(json, "note", json_loads(part->note, 0, NULL));
        json_array_append_new(array, json);
    }
    return array;
}

static json_t *renditions_to_json(GPtrArray *renditions)
{
    json_t *array = json_array();
    for (guint i = 0; i < renditions->len; i++) {
        const MnbRendition *rendition = renditions->pdata[i];
        json_t *json = json_object();
        json_object_set_new(json, "name", json_string(rendition->name));
        json_object_set_new(json, "kind",
                            json_string(mnb_rendition_kind_to_string(rendition->kind)));
        json_object_set_new(json, "path", json_string(rendition->path));
        json_object_set_new(json, "width", time_or_null(rendition->width));
        json_object_set_new(json, "height", time_or_null(rendition->height));
        json_object_set_new(json, "bitrate_bps", time_or_null(rendition->bitrate_bps));
        json_object_set_new(json, "bytes", time_or_null(rendition->bytes));
        json_array_append_new(array, json);
    }
    return array;
}

char *mnb_manifest_build(MnbDb *db, const char *recording, GError **error)
{
    g_autoptr(MnbRecording) found = mnb_recording_find(db, recording, error);
    if (found == NULL)
        return NULL;
    g_autoptr(GPtrArray) parts = mnb_part_list(db, recording, error);
    if (parts == NULL)
        return NULL;
    g_autoptr(GPtrArray) renditions = mnb_rendition_list(db, recording, error);
    if (renditions == NULL)
        return NULL;
    json_t *json = recording_to_json(found);
    json_object_set_new(json, "parts", parts_to_json(parts));
    json_object_set_new(json, "renditions", renditions_to_json(renditions));
    if (!mnb_manifest_extras_build(db, recording, json, error)) {
        json_decref(json);
        return NULL;
    }
    char *text = json_dumps(json, JSON_INDENT(1));
    json_decref(json);
    char *copy = g_strconcat(text, "\n", NULL);
    free(text);
    return copy;
}

/* ---- reading ---- */

static gboolean refuse(GError **error, const char *what)
{
    g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "manifest: %s", what);
    return FALSE;
}

/* "" where it is missing or something else. */
static char *read_text(json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return g_strdup(text == NULL ? "" : text);
}

static char *read_id(json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return mnb_id_is_valid(text) ? g_strdup(text) : NULL;
}

static gint64 read_int(json_t *json, const char *name, gint64 max)
{
    json_int_t value = json_integer_value(json_object_get(json, name));
    return value < 0 || value > max ? 0 : (gint64)value;
}

static char **read_tags(json_t *json, const char *name)
{
    g_autoptr(GStrvBuilder) languages = g_strv_builder_new();
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(json, name), i, item)
    {
        if (json_is_string(item) && i < MNB_LANGUAGES_MAX)
            g_strv_builder_add(languages, json_string_value(item));
    }
    return g_strv_builder_end(languages);
}

static char *dump_list(const json_t *list)
{
    char *raw = json_dumps(list, JSON_COMPACT);
    char *text = g_strdup(raw != NULL ? raw : "[]");
    free(raw);
    return text;
}

static char *read_edit(json_t *json, const char *name)
{
    MnbFilmEdit edit;
    mnb_film_edit_parse(json_object_get(json, name), 1000, &edit);
    json_t *list = mnb_film_edit_to_json(&edit, 1000);
    char *text = dump_list(list);
    json_decref(list);
    return text;
}

static char *read_chapters(json_t *json)
{
    const json_t *list = json_object_get(json, "chapters");
    g_autofree char *text = json_is_array(list) ? dump_list(list) : g_strdup("[]");
    return mnb_chapters_check(text, NULL) ? g_steal_pointer(&text) : g_strdup("[]");
}

/* What is missing or unknown becomes what shows least. */
static MnbRecording *read_recording(json_t *json)
{
    MnbRecording *recording = mnb_recording_new();
    recording->id = read_id(json, "id");
    recording->area = read_text(json, "area");
    recording->city = read_text(json, "city");
    recording->event = read_id(json, "event");
    recording->session = read_id(json, "session");
    recording->title_en = read_text(json, "title_en");
    recording->title_ja = read_text(json, "title_ja");
    recording->description_en = read_text(json, "description_en");
    recording->description_ja = read_text(json, "description_ja");
    recording->languages = read_tags(json, "languages");
    recording->more_areas = read_tags(json, "more_areas");
    recording->licence = read_text(json, "licence");
    if (!g_strv_contains(mnb_licences, recording->licence))
        recording->licence[0] = '\0';
    recording->edit = read_edit(json, "edit");
    recording->edit_made = read_edit(json, "edit_made");
    recording->chapters = read_chapters(json);
    recording->source_us = read_int(json, "source_us", G_MAXINT64);
    recording->folder = read_text(json, "folder");
    g_autofree char *origin = read_text(json, "origin");
    g_autofree char *audience = read_text(json, "audience");
    g_autofree char *state = read_text(json, "state");
    if (!mnb_origin_parse(origin, &recording->origin))
        recording->origin = MNB_ORIGIN_IMPORT;
    if (!mnb_audience_parse(audience, &recording->audience))
        recording->audience = MNB_AUDIENCE_STAFF;
    if (!mnb_recording_state_parse(state, &recording->state))
        recording->state = MNB_RECORDING_REVIEW;
    recording->publish_when_ready = json_is_true(json_object_get(json, "publish_when_ready"));
    recording->recorded_us = read_int(json, "recorded_us", G_MAXINT64);
    recording->published_us = read_int(json, "published_us", G_MAXINT64);
    recording->duration_us = read_int(json, "duration_us", G_MAXINT64);
    recording->width = (int)read_int(json, "width", G_MAXINT);
    recording->height = (int)read_int(json, "height", G_MAXINT);
    recording->created_us = read_int(json, "created_us", G_MAXINT64);
    recording->updated_us = read_int(json, "updated_us", G_MAXINT64);
    if (recording->state == MNB_RECORDING_PUBLISHED && recording->published_us == 0)
        recording->state = MNB_RECORDING_REVIEW;
    return recording;
}

static void free_part(gpointer data)
{
    mnb_part_free(data);
}

static void free_rendition(gpointer data)
{
    mnb_rendition_free(data);
}

static GPtrArray *read_parts(json_t *array)
{
    GPtrArray *parts = g_ptr_array_new_with_free_func(free_part);
    size_t i;
    json_t *json;
    json_array_foreach(array, i, json)
    {
        MnbPart part = {.part = (int)read_int(json, "part", G_MAXINT)};
        g_autofree char *state = read_text(json, "state");
        if (i >= PARTS_MAX || part.part == 0 || !mnb_part_state_parse(state, &part.state))
            continue;
        part.started_us = read_int(json, "started_us", G_MAXINT64);
        part.ended_us = read_int(json, "ended_us", G_MAXINT64);
        json_t *note = json_object_get(json, "note");
        char *text = json_is_object(note) ? json_dumps(note, JSON_COMPACT) : NULL;
        part.note = g_strdup(text == NULL ? "{}" : text);
        free(text);
        g_ptr_array_add(parts, g_memdup2(&part, sizeof part));
    }
    return parts;
}

static GPtrArray *read_renditions(json_t *array)
{
    GPtrArray *renditions = g_ptr_array_new_with_free_func(free_rendition);
    size_t i;
    json_t *json;
    json_array_foreach(array, i, json)
    {
        MnbRendition rendition = {0};
        g_autofree char *kind = read_text(json, "kind");
        if (i >= RENDITIONS_MAX || !mnb_rendition_kind_parse(kind, &rendition.kind))
            continue;
        rendition.name = read_text(json, "name");
        rendition.path = read_text(json, "path");
        rendition.width = (int)read_int(json, "width", G_MAXINT);
        rendition.height = (int)read_int(json, "height", G_MAXINT);
        rendition.bitrate_bps = (int)read_int(json, "bitrate_bps", G_MAXINT);
        rendition.bytes = read_int(json, "bytes", G_MAXINT64);
        g_ptr_array_add(renditions, g_memdup2(&rendition, sizeof rendition));
    }
    return renditions;
}

MnbManifest *mnb_manifest_parse(const char *text, gsize length, GError **error)
{
    if (length > MNB_MANIFEST_MAX)
        return refuse(error, "too long"), NULL;
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    g_autoptr(MnbManifest) manifest = g_new0(MnbManifest, 1);
    if (json_is_object(json)) {
        manifest->recording = read_recording(json);
        manifest->parts = read_parts(json_object_get(json, "parts"));
        manifest->renditions = read_renditions(json_object_get(json, "renditions"));
        mnb_manifest_extras_parse(json, &manifest->extras);
    }
    json_decref(json);
    const MnbRecording *recording = manifest->recording;
    if (recording == NULL)
        return refuse(error, "not a JSON object"), NULL;
    if (recording->id == NULL || recording->area[0] == '\0' || recording->city[0] == '\0')
        return refuse(error, "id, area and city are needed"), NULL;
    if (recording->title_en[0] == '\0' && recording->title_ja[0] == '\0')
        return refuse(error, "a title is needed"), NULL;
    return g_steal_pointer(&manifest);
}

/* ---- restoring ---- */

static gboolean restore_rest(MnbDb *db, const MnbManifest *manifest, GError **error)
{
    const char *id = manifest->recording->id;
    for (guint i = 0; i < manifest->parts->len; i++)
        if (!mnb_part_insert_kept(db, id, manifest->parts->pdata[i], error))
            return FALSE;
    for (guint i = 0; i < manifest->renditions->len; i++)
        if (!mnb_rendition_put(db, id, manifest->renditions->pdata[i], error))
            return FALSE;
    return mnb_manifest_extras_restore(db, id, &manifest->extras, error);
}

/* Events and sessions have no manifests: what an older catalogue does not have cannot be pointed
 * at. */
static void drop_unknown(MnbDb *db, MnbRecording *recording)
{
    g_autoptr(MnbSession) session =
        recording->session == NULL ? NULL : mnb_session_find(db, recording->session, NULL);
    g_autoptr(MnbEvent) event =
        recording->event == NULL ? NULL : mnb_event_find(db, recording->event, NULL);
    if (session == NULL)
        g_clear_pointer(&recording->session, g_free);
    if (event == NULL)
        g_clear_pointer(&recording->event, g_free);
}

static gboolean has_all(MnbDb *db, const MnbManifest *manifest)
{
    g_autoptr(GPtrArray) parts = mnb_part_list(db, manifest->recording->id, NULL);
    g_autoptr(GPtrArray) renditions = mnb_rendition_list(db, manifest->recording->id, NULL);
    return parts != NULL && renditions != NULL && parts->len >= manifest->parts->len &&
           renditions->len >= manifest->renditions->len &&
           mnb_manifest_extras_has_all(db, manifest->recording->id, &manifest->extras);
}

/* The stricter of the two: a privacy flag is never relaxed by a file that lay about. */
static MnbRecordingState stricter_state(MnbRecordingState kept, MnbRecordingState given)
{
    if (kept == MNB_RECORDING_WITHDRAWN || given == MNB_RECORDING_WITHDRAWN)
        return MNB_RECORDING_WITHDRAWN;
    return given;
}

static gboolean take_over(MnbDb *db, const MnbManifest *manifest, const MnbRecording *kept,
                          GError **error)
{
    MnbRecording merged = *manifest->recording;
    merged.audience = MAX(kept->audience, merged.audience);
    merged.state = stricter_state(kept->state, merged.state);
    return mnb_recording_update(db, &merged, merged.updated_us, error) &&
           restore_rest(db, manifest, error) &&
           mnb_recording_set_state(db, merged.id, merged.state, merged.updated_us, error);
}

gboolean mnb_manifest_restore(MnbDb *db, const MnbManifest *manifest, gboolean *changed,
                              GError **error)
{
    gboolean unused;
    changed = changed == NULL ? &unused : changed;
    *changed = FALSE;
    MnbRecording *recording = manifest->recording;
    g_autoptr(MnbRecording) kept = mnb_recording_find(db, recording->id, NULL);
    if (kept == NULL) {
        drop_unknown(db, recording);
        *changed = TRUE;
        return mnb_recording_insert_kept(db, recording, error) && restore_rest(db, manifest, error);
    }
    if (recording->updated_us < kept->updated_us)
        return TRUE;
    if (recording->updated_us > kept->updated_us) {
        *changed = TRUE;
        return take_over(db, manifest, kept, error);
    }
    if (has_all(db, manifest))
        return TRUE;
    *changed = TRUE;
    return restore_rest(db, manifest, error);
}
