/* Events: planning them, changing them, and their sessions. */
#include "recordings/audit.h"
#include "recordings/event.h"
#include "recordings/session.h"
#include "recordings/taxonomy.h"
#include "server/base/error.h"
#include "server/http/api.h"
#include "server/http/event-plan.h"
#include "server/http/objects.h"
#include <string.h>

#define DURATION_MIN_S 60
#define DURATION_MAX_S 604800

static const char *const kinds[] = {"virtual-session", "site-visit", "seminar", "peer-exchange",
                                    NULL};
static const char *const policies[] = {"none", "review", "publish", NULL};
static const char *const audiences[] = {"public", "link", "staff", NULL};

static void replace(char **text, const char *by)
{
    g_free(*text);
    *text = g_strdup(by);
}

static void apply_texts(MnbFields *fields, MnbEvent *event)
{
    const char *text;
    if (mnb_fields_text(fields, "title_en", 0, MNB_TITLE_MAX, &text))
        replace(&event->title_en, text);
    if (mnb_fields_text(fields, "title_ja", 0, MNB_TITLE_MAX, &text))
        replace(&event->title_ja, text);
    if (mnb_fields_text(fields, "summary_en", 0, MNB_DESCRIPTION_MAX, &text))
        replace(&event->summary_en, text);
    if (mnb_fields_text(fields, "summary_ja", 0, MNB_DESCRIPTION_MAX, &text))
        replace(&event->summary_ja, text);
    if (mnb_fields_text(fields, "area", 1, 100, &text))
        replace(&event->area, text);
    if (mnb_fields_text(fields, "city", 1, 100, &text))
        replace(&event->city, text);
    if (mnb_fields_time_zone(fields, "time_zone", &text))
        replace(&event->time_zone, text);
}

/* Puts the fields of the request into @event and notes what is wrong with them. It is called twice:
 * on the main thread to check, on the writer thread on the newest row. */
static void apply(MnbFields *fields, MnbEvent *event)
{
    const char *choice;
    gint64 number;
    char **tags;
    apply_texts(fields, event);
    if (mnb_fields_choice(fields, "kind", kinds, &choice))
        mnb_event_kind_parse(choice, &event->kind);
    if (mnb_fields_choice(fields, "recording_policy", policies, &choice))
        mnb_recording_policy_parse(choice, &event->recording_policy);
    if (mnb_fields_choice(fields, "audience", audiences, &choice))
        mnb_audience_parse(choice, &event->audience);
    mnb_fields_time(fields, "starts_at", FALSE, &event->starts_us);
    if (mnb_fields_number(fields, "duration_s", DURATION_MIN_S, DURATION_MAX_S, &number))
        event->duration_s = (int)number;
    mnb_fields_flag(fields, "is_public", &event->is_public);
    if (mnb_fields_languages(fields, "languages", 1, MNB_LANGUAGES_MAX, &tags)) {
        g_strfreev(event->languages);
        event->languages = tags;
    }
    mnb_event_plan_apply(fields, event);
}

static gboolean is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

/* What needs the catalogue or more than one field. */
static void check_whole(MnbFields *fields, MnbDb *db, const MnbEvent *event)
{
    if (event->area != NULL && mnb_fields_has(fields, "area")) {
        g_autoptr(MnbArea) area = mnb_area_find(db, event->area, NULL);
        if (area == NULL)
            mnb_fields_wrong(fields, "area", "unknown");
    }
    if (event->city != NULL && mnb_fields_has(fields, "city")) {
        g_autoptr(MnbCity) city = mnb_city_find(db, event->city, NULL);
        if (city == NULL)
            mnb_fields_wrong(fields, "city", "unknown");
    }
    mnb_event_plan_check(fields, db, event);
    if (is_empty(event->title_en) && is_empty(event->title_ja))
        mnb_fields_wrong(fields, "title_en", "required");
}

typedef struct {
    MnbEvent *event;
    MnbFields *fields; /* of a change */
    char *actor;
    gboolean may_publish;
    gint64 now_us;
} Change;

static void free_change(gpointer data)
{
    Change *change = data;
    mnb_event_free(change->event);
    mnb_fields_free(change->fields);
    g_free(change->actor);
    g_free(change);
}

static Change *new_change(MnbHttpRequest *request, MnbEvent *event, MnbFields *fields)
{
    Change *change = g_new0(Change, 1);
    change->event = event;
    change->fields = fields;
    change->actor = g_strdup(mnb_http_request_asker(request)->actor);
    change->may_publish = mnb_http_request_may(request, MNB_MAY_PUBLISH_RECORDING, NULL, NULL);
    change->now_us = mnb_http_request_wall_us(request);
    return change;
}

static gboolean audit(MnbDb *db, const Change *change, const char *action, GError **error)
{
    g_autofree char *object = g_strconcat("event:", change->event->id, NULL);
    return mnb_audit_append(db, change->now_us, change->actor, action, object, NULL, error);
}

/* Returns FALSE after a problem was answered. */
static gboolean finish(MnbHttpRequest *request, MnbFields *fields)
{
    MnbProblem *problem = mnb_fields_finish(fields);
    if (problem != NULL)
        mnb_http_request_answer_problem(request, problem);
    return problem == NULL;
}

static void answer_event(MnbHttpRequest *request, guint status, const char *id)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbEvent) event = mnb_event_find(mnb_http_request_db(request), id, &error);
    if (event == NULL)
        mnb_http_request_answer_error(request, error);
    else
        mnb_http_request_answer_json(request, status, mnb_json_event(request, event));
}

/* ---- making ---- */

static gboolean write_new(MnbDb *db, gpointer data, GError **error)
{
    Change *change = data;
    return mnb_event_insert(db, change->event, change->now_us, error) &&
           audit(db, change, "event-create", error);
}

static void on_made(MnbHttpRequest *request, gpointer data)
{
    const Change *change = data;
    g_autofree char *location = g_strconcat("/api/v1/events/", change->event->id, NULL);
    mnb_http_request_set_header(request, "Location", location);
    answer_event(request, 201, change->event->id);
}

void mnb_api_event_create(MnbHttpRequest *request)
{
    static const char *const required[] = {"area", "city", "starts_at", "duration_s", "time_zone"};
    g_autoptr(MnbFields) fields = mnb_http_request_fields(request);
    if (fields == NULL)
        return;
    g_autoptr(MnbEvent) event = mnb_event_new();
    event->is_public = TRUE;
    event->recording_policy = MNB_RECORDING_POLICY_PUBLISH;
    event->audience = MNB_AUDIENCE_PUBLIC;
    event->languages = g_strsplit("en", ",", 1);
    for (guint i = 0; i < G_N_ELEMENTS(required); i++)
        mnb_fields_require(fields, required[i]);
    apply(fields, event);
    check_whole(fields, mnb_http_request_db(request), event);
    if (!finish(request, fields))
        return;
    Change *change = new_change(request, g_steal_pointer(&event), NULL);
    mnb_http_request_write(request, write_new, change, free_change, on_made);
}

/* ---- changing ---- */

/* What staff keep back for review, or for themselves, a facilitator does not publish by way of the
 * event's plan. */
static gboolean check_publishing(const MnbEvent *before, const MnbEvent *after, GError **error)
{
    gboolean is_published = after->recording_policy == MNB_RECORDING_POLICY_PUBLISH &&
                            before->recording_policy != MNB_RECORDING_POLICY_PUBLISH;
    /* the enumeration goes from the widest audience to the narrowest */
    if (!is_published && after->audience >= before->audience)
        return TRUE;
    g_set_error_literal(error, MNB_ERROR, MNB_ERROR_DENIED,
                        "only staff opens an event's recordings to more people");
    return FALSE;
}

static gboolean write_change(MnbDb *db, gpointer data, GError **error)
{
    Change *change = data;
    g_autoptr(MnbEvent) before = mnb_event_find(db, change->event->id, error);
    g_autoptr(MnbEvent) event =
        before != NULL ? mnb_event_find(db, change->event->id, error) : NULL;
    if (event == NULL)
        return FALSE;
    apply(change->fields, event);
    if (!change->may_publish && !check_publishing(before, event, error))
        return FALSE;
    return mnb_event_update(db, event, change->now_us, error) &&
           audit(db, change, "event-update", error);
}

static void on_changed(MnbHttpRequest *request, gpointer data)
{
    const Change *change = data;
    mnb_rooms_event_changed(mnb_http_request_services(request)->rooms, change->event->id);
    answer_event(request, 200, change->event->id);
}

void mnb_api_event_change(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    MnbDb *db = mnb_http_request_db(request);
    g_autoptr(MnbEvent) event = mnb_event_find(db, mnb_http_request_param(request, 0), &error);
    if (event == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    g_autoptr(MnbFields) fields = mnb_http_request_fields(request);
    if (fields == NULL)
        return;
    apply(fields, event);
    check_whole(fields, db, event);
    if (!finish(request, fields))
        return;
    Change *change = new_change(request, g_steal_pointer(&event), g_steal_pointer(&fields));
    mnb_http_request_write(request, write_change, change, free_change, on_changed);
}

/* ---- reading ---- */

gboolean mnb_api_event_is_open(MnbHttpRequest *request, const MnbEvent *event)
{
    const MnbLink *link = mnb_http_request_asker(request)->link;
    return event->is_public || (link != NULL && strcmp(link->event, event->id) == 0) ||
           mnb_http_request_may(request, MNB_MAY_SEE_STAFF, NULL, NULL);
}

void mnb_api_event(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbEvent) event =
        mnb_event_find(mnb_http_request_db(request), mnb_http_request_param(request, 0), &error);
    if (event == NULL)
        mnb_http_request_answer_error(request, error);
    else if (!mnb_api_event_is_open(request, event))
        mnb_http_request_answer_not_found(request);
    else
        mnb_http_request_answer_json(request, 200, mnb_json_event(request, event));
}

void mnb_api_events(MnbHttpRequest *request)
{
    guint page, per_page, total = 0;
    const char *when = mnb_http_request_query(request, "when");
    gboolean is_all = g_strcmp0(when, "all") == 0;
    if (when != NULL && !is_all && strcmp(when, "upcoming") != 0) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(422, "invalid", "when must be \"upcoming\" or \"all\""));
        return;
    }
    if (is_all && !mnb_http_request_may(request, MNB_MAY_SEE_STAFF, NULL, NULL)) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(401, "not-signed-in", "only staff sees all events"));
        return;
    }
    if (!mnb_http_request_page(request, &page, &per_page))
        return;
    MnbEventFilter filter = {
        .public_only = !is_all,
        .upcoming_only = !is_all,
        .now_us = mnb_http_request_wall_us(request),
        .offset = (page - 1) * per_page,
        .limit = per_page,
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) events =
        mnb_event_list(mnb_http_request_db(request), &filter, &total, &error);
    if (events == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *items = json_array();
    for (guint i = 0; i < events->len; i++)
        json_array_append_new(items, mnb_json_event(request, g_ptr_array_index(events, i)));
    mnb_http_request_answer_json(request, 200, mnb_json_list(items, total, page, per_page));
}

/* ---- sessions ---- */

json_t *mnb_json_session(MnbDb *db, const MnbSession *session, GError **error)
{
    g_autoptr(GPtrArray) recordings = mnb_recording_list_for_session(db, session->id, error);
    if (recordings == NULL)
        return NULL;
    json_t *items = json_array();
    for (guint i = 0; i < recordings->len; i++) {
        json_t *item = mnb_json_recording(db, g_ptr_array_index(recordings, i), error);
        if (item == NULL) {
            json_decref(items);
            return NULL;
        }
        json_array_append_new(items, item);
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "id", session->id, "event", session->event,
                     "state", mnb_session_state_to_string(session->state), "started_at",
                     mnb_json_time(session->started_us), "ended_at",
                     mnb_json_time(session->ended_us), "recordings", items);
}

void mnb_api_session(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    MnbDb *db = mnb_http_request_db(request);
    g_autoptr(MnbSession) session =
        mnb_session_find(db, mnb_http_request_param(request, 0), &error);
    json_t *json = session != NULL ? mnb_json_session(db, session, &error) : NULL;
    if (json != NULL)
        mnb_http_request_answer_json(request, 200, json);
    else
        mnb_http_request_answer_error(request, error);
}
