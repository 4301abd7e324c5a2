/* Recordings: listing and finding, showing, changing and publishing, and the files behind them. */
#include "recordings/audit.h"
#include "recordings/event.h"
#include "recordings/fields.h"
#include "recordings/film-edit.h"
#include "recordings/publishing.h"
#include "recordings/recording.h"
#include "recordings/search.h"
#include "recordings/taxonomy.h"
#include "server/base/error.h"
#include "server/http/api.h"
#include "server/http/objects.h"
#include <string.h>

#define MORE_AREAS_MAX 5

static const char *const audiences[] = {"public", "link", "staff", NULL};
const char *const mnb_api_filter_names[MNB_FACETS] = {
    [MNB_FACET_AREA] = "area",         [MNB_FACET_CITY] = "city", [MNB_FACET_COUNTRY] = "country",
    [MNB_FACET_LANGUAGE] = "language", [MNB_FACET_YEAR] = "year", [MNB_FACET_KIND] = "kind",
    [MNB_FACET_LENGTH] = "length"};
static const char *const states[] = {"review", "published", "withdrawn", NULL};

static gboolean is_staff(MnbHttpRequest *request)
{
    return mnb_http_request_may(request, MNB_MAY_SEE_STAFF, NULL, NULL);
}

gboolean mnb_api_may_review(MnbHttpRequest *request, const MnbRecording *recording)
{
    if (is_staff(request))
        return TRUE;
    return recording->audience != MNB_AUDIENCE_STAFF &&
           mnb_http_request_may(request, MNB_MAY_EDIT_EVENT, recording->event, NULL);
}

static gboolean may_watch(MnbHttpRequest *request, const MnbRecording *recording)
{
    return mnb_recording_may_watch(recording, mnb_api_may_review(request, recording));
}

/* Returns (owned): the recording of the first parameter when who asks may watch it; NULL after the
 * problem was answered. */
MnbRecording *mnb_api_find_watchable(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbRecording) recording = mnb_recording_find(
        mnb_http_request_db(request), mnb_http_request_param(request, 0), &error);
    if (recording != NULL && may_watch(request, recording))
        return g_steal_pointer(&recording);
    if (recording == NULL)
        mnb_http_request_answer_error(request, error);
    else
        mnb_http_request_answer_not_found(request);
    return NULL;
}

MnbRecording *mnb_api_find_reviewable(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbRecording) recording = mnb_recording_find(
        mnb_http_request_db(request), mnb_http_request_param(request, 0), &error);
    if (recording != NULL && mnb_api_may_review(request, recording))
        return g_steal_pointer(&recording);
    if (recording == NULL)
        mnb_http_request_answer_error(request, error);
    else
        mnb_http_request_answer_not_found(request);
    return NULL;
}

/* ---- finding ---- */

static json_t *facets(GPtrArray *list)
{
    json_t *json = json_array();
    for (guint i = 0; i < list->len; i++) {
        const MnbFacet *facet = g_ptr_array_index(list, i);
        json_array_append_new(
            json, json_pack("{s:s, s:i}", "code", facet->code, "count", (int)facet->count));
    }
    return json;
}

static json_t *moment(const MnbSearchHit *hit)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:s}", "kind",
                     mnb_moment_kind_to_string(hit->moment->kind), "language",
                     hit->moment->language, "at_ms", (json_int_t)(hit->moment->at_us / 1000), "who",
                     hit->moment->who, "snippet", mnb_text(hit->moment_snippet));
}

static json_t *all_facets(const MnbSearchResult *result)
{
    json_t *json = json_object();
    for (int i = 0; i < MNB_FACETS; i++)
        json_object_set_new(json, mnb_api_filter_names[i], facets(result->facets[i]));
    return json;
}

static json_t *hits(MnbDb *db, GPtrArray *list, GError **error)
{
    json_t *items = json_array();
    for (guint i = 0; i < list->len; i++) {
        const MnbSearchHit *hit = g_ptr_array_index(list, i);
        json_t *item = mnb_json_recording(db, hit->recording, error);
        if (item == NULL) {
            json_decref(items);
            return NULL;
        }
        if (hit->snippet_en != NULL)
            json_object_set_new(item, "snippet_en", json_string(hit->snippet_en));
        if (hit->snippet_ja != NULL)
            json_object_set_new(item, "snippet_ja", json_string(hit->snippet_ja));
        if (hit->moment != NULL)
            json_object_set_new(item, "moment", moment(hit));
        json_array_append_new(items, item);
    }
    return items;
}

static const char *filter(MnbHttpRequest *request, const char *name)
{
    const char *value = mnb_http_request_query(request, name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

void mnb_api_recordings(MnbHttpRequest *request)
{
    guint page, per_page;
    MnbSearchQuery query = {
        .text = mnb_http_request_query(request, "q"),
        .staff = is_staff(request),
    };
    for (int i = 0; i < MNB_FACETS; i++)
        query.filters[i] = filter(request, mnb_api_filter_names[i]);
    const char *state = filter(request, "state");
    if (!mnb_http_request_page(request, &page, &per_page))
        return;
    if (state != NULL && !mnb_recording_state_parse(state, &query.state)) {
        mnb_http_request_answer_problem(request,
                                        mnb_problem_new(422, "invalid", "there is no such state"));
        return;
    }
    if (state != NULL && !query.staff && query.state != MNB_RECORDING_PUBLISHED) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(401, "not-signed-in", "only staff may ask by state"));
        return;
    }
    query.has_state = state != NULL && query.staff;
    query.offset = (page - 1) * per_page;
    query.limit = per_page;
    g_autoptr(GError) error = NULL;
    MnbDb *db = mnb_http_request_db(request);
    g_autoptr(MnbSearchResult) result = mnb_search(db, &query, &error);
    json_t *items = result != NULL ? hits(db, result->hits, &error) : NULL;
    if (items == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *json = mnb_json_list(items, result->total, page, per_page);
    json_object_set_new(json, "facets", all_facets(result));
    mnb_http_request_answer_json(request, 200, json);
}

static void answer_recording(MnbHttpRequest *request, const MnbRecording *recording)
{
    g_autoptr(GError) error = NULL;
    json_t *json = mnb_json_recording(mnb_http_request_db(request), recording, &error);
    if (json == NULL)
        mnb_http_request_answer_error(request, error);
    else
        mnb_http_request_answer_json(request, 200, json);
}

void mnb_api_recording(MnbHttpRequest *request)
{
    g_autoptr(MnbRecording) recording = mnb_api_find_watchable(request);
    if (recording != NULL)
        answer_recording(request, recording);
}

/* ---- changing ---- */

static void replace(char **text, const char *by)
{
    g_free(*text);
    *text = g_strdup(by);
}

/* [[from,to],...] in milliseconds. */
static void apply_edit(MnbFields *fields, MnbRecording *recording)
{
    MnbFilmEdit edit;
    const json_t *keep;
    if (!mnb_fields_json(fields, "keep_ms", &keep))
        return;
    if (!json_is_array(keep) || !mnb_film_edit_parse(keep, 1000, &edit)) {
        mnb_fields_wrong(fields, "keep_ms", "out-of-range");
        return;
    }
    json_t *list = mnb_film_edit_to_json(&edit, 1000);
    char *text = json_dumps(list, JSON_COMPACT);
    replace(&recording->edit, text);
    free(text);
    json_decref(list);
}

static void apply_chapters(MnbFields *fields, MnbRecording *recording)
{
    const json_t *chapters;
    if (!mnb_fields_json(fields, "chapters", &chapters))
        return;
    char *text = json_dumps(chapters, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text == NULL || !mnb_chapters_check(text, NULL))
        mnb_fields_wrong(fields, "chapters", "out-of-range");
    else
        replace(&recording->chapters, text);
    free(text);
}

static void apply_more_areas(MnbFields *fields, MnbRecording *recording)
{
    const json_t *areas;
    if (!mnb_fields_json(fields, "more_areas", &areas))
        return;
    if (!json_is_array(areas) || json_array_size(areas) > MORE_AREAS_MAX) {
        mnb_fields_wrong(fields, "more_areas", "wrong-type");
        return;
    }
    g_autoptr(GStrvBuilder) list = g_strv_builder_new();
    for (size_t i = 0; i < json_array_size(areas); i++) {
        const char *area = json_string_value(json_array_get(areas, i));
        if (area == NULL) {
            mnb_fields_wrong(fields, "more_areas", "wrong-type");
            return;
        }
        g_strv_builder_add(list, area);
    }
    g_strfreev(recording->more_areas);
    recording->more_areas = g_strv_builder_end(list);
}

static void apply_licence(MnbFields *fields, MnbRecording *recording)
{
    const char *licence;
    if (!mnb_fields_text(fields, "licence", 0, 100, &licence))
        return;
    if (licence[0] != '\0' && !g_strv_contains(mnb_licences, licence))
        mnb_fields_wrong(fields, "licence", "unknown");
    else
        replace(&recording->licence, licence);
}

/* As in events.c: once to check, once on the newest row. */
static void apply(MnbFields *fields, MnbRecording *recording, const char **state_out)
{
    const char *text;
    char **tags;
    if (mnb_fields_text(fields, "title_en", 0, MNB_TITLE_MAX, &text))
        replace(&recording->title_en, text);
    if (mnb_fields_text(fields, "title_ja", 0, MNB_TITLE_MAX, &text))
        replace(&recording->title_ja, text);
    if (mnb_fields_text(fields, "description_en", 0, MNB_DESCRIPTION_MAX, &text))
        replace(&recording->description_en, text);
    if (mnb_fields_text(fields, "description_ja", 0, MNB_DESCRIPTION_MAX, &text))
        replace(&recording->description_ja, text);
    if (mnb_fields_text(fields, "area", 1, 100, &text))
        replace(&recording->area, text);
    if (mnb_fields_text(fields, "city", 1, 100, &text))
        replace(&recording->city, text);
    if (mnb_fields_choice(fields, "audience", audiences, &text))
        mnb_audience_parse(text, &recording->audience);
    if (mnb_fields_languages(fields, "languages", 0, MNB_LANGUAGES_MAX, &tags)) {
        g_strfreev(recording->languages);
        recording->languages = tags;
    }
    apply_edit(fields, recording);
    apply_chapters(fields, recording);
    apply_more_areas(fields, recording);
    apply_licence(fields, recording);
    mnb_fields_choice(fields, "state", states, state_out);
}

static void check_whole(MnbFields *fields, MnbDb *db, const MnbRecording *recording)
{
    if (mnb_fields_has(fields, "area")) {
        g_autoptr(MnbArea) area = mnb_area_find(db, recording->area, NULL);
        if (area == NULL)
            mnb_fields_wrong(fields, "area", "unknown");
    }
    if (mnb_fields_has(fields, "city")) {
        g_autoptr(MnbCity) city = mnb_city_find(db, recording->city, NULL);
        if (city == NULL)
            mnb_fields_wrong(fields, "city", "unknown");
    }
    for (guint i = 0; recording->more_areas != NULL && recording->more_areas[i] != NULL; i++) {
        g_autoptr(MnbArea) area = mnb_area_find(db, recording->more_areas[i], NULL);
        if (area == NULL)
            mnb_fields_wrong(fields, "more_areas", "unknown");
    }
    if (recording->title_en[0] == '\0' && recording->title_ja[0] == '\0')
        mnb_fields_wrong(fields, "title_en", "required");
}

typedef struct {
    char *id;
    char *actor;
    MnbFields *fields;
    gint64 now_us;
} Change;

static void free_change(gpointer data)
{
    Change *change = data;
    g_free(change->id);
    g_free(change->actor);
    mnb_fields_free(change->fields);
    g_free(change);
}

static gboolean write_change(MnbDb *db, gpointer data, GError **error)
{
    const Change *change = data;
    const char *state = NULL;
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, change->id, error);
    if (recording == NULL)
        return FALSE;
    apply(change->fields, recording, &state);
    if (!mnb_recording_update(db, recording, change->now_us, error))
        return FALSE;
    const char *action = "recording-update";
    MnbRecordingState to;
    if (state != NULL && mnb_recording_state_parse(state, &to)) {
        action = to == MNB_RECORDING_PUBLISHED   ? "recording-publish"
                 : to == MNB_RECORDING_WITHDRAWN ? "recording-withdraw"
                                                 : "recording-review";
        /* What a person decides now takes the place of an order for later. */
        if ((to == MNB_RECORDING_PUBLISHED &&
             !mnb_publishing_check(db, change->id, change->actor, error)) ||
            !mnb_recording_set_state(db, change->id, to, change->now_us, error) ||
            !mnb_publishing_order(db, change->id, 0, "", "", error))
            return FALSE;
    }
    g_autofree char *object = g_strconcat("recording:", change->id, NULL);
    return mnb_audit_append(db, change->now_us, change->actor, action, object, NULL, error);
}

static void on_changed(MnbHttpRequest *request, gpointer data)
{
    const Change *change = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbRecording) recording =
        mnb_recording_find(mnb_http_request_db(request), change->id, &error);
    if (recording == NULL)
        mnb_http_request_answer_error(request, error);
    else
        answer_recording(request, recording);
}

/* A facilitator keeps within what staff set for the event. */
static gboolean is_wider(MnbHttpRequest *request, const MnbRecording *recording)
{
    g_autoptr(MnbEvent) event =
        recording->event != NULL
            ? mnb_event_find(mnb_http_request_db(request), recording->event, NULL)
            : NULL;
    return event == NULL || recording->audience < event->audience;
}

void mnb_api_recording_change(MnbHttpRequest *request)
{
    const char *state = NULL;
    g_autoptr(MnbRecording) recording = mnb_api_find_watchable(request);
    if (recording == NULL)
        return;
    g_autoptr(MnbFields) fields = mnb_http_request_fields(request);
    if (fields == NULL)
        return;
    if (!mnb_api_may_review(request, recording)) {
        mnb_http_request_answer_not_found(request);
        return;
    }
    MnbAudience before = recording->audience;
    apply(fields, recording, &state);
    if (!is_staff(request) && recording->audience != before && is_wider(request, recording)) {
        mnb_http_request_answer_problem(
            request,
            mnb_problem_new(403, "not-allowed", "only staff shows a film to more than its event"));
        return;
    }
    check_whole(fields, mnb_http_request_db(request), recording);
    MnbProblem *problem = mnb_fields_finish(fields);
    if (problem != NULL) {
        mnb_http_request_answer_problem(request, problem);
        return;
    }
    Change *change = g_new0(Change, 1);
    change->id = g_strdup(recording->id);
    change->actor = g_strdup(mnb_http_request_asker(request)->actor);
    change->fields = g_steal_pointer(&fields);
    change->now_us = mnb_http_request_wall_us(request);
    mnb_http_request_write(request, write_change, change, free_change, on_changed);
}
