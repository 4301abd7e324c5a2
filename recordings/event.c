#include "recordings/event.h"

#include <string.h>

#include "recordings/fields.h"
#include "server/base/error.h"
#include "server/base/ids.h"

static const char *const kind_names[] = {"virtual-session", "site-visit", "seminar",
                                         "peer-exchange"};
static const char *const policy_names[] = {"none", "review", "publish"};
static const char *const audience_names[] = {"public", "link", "staff"};
static const char *const attendance_names[] = {"online", "in-person", "hybrid"};
MNB_DEFINE_NAMES(MnbEventKind, mnb_event_kind, kind_names)
MNB_DEFINE_NAMES(MnbAttendance, mnb_attendance, attendance_names)
MNB_DEFINE_NAMES(MnbRecordingPolicy, mnb_recording_policy, policy_names)
MNB_DEFINE_NAMES(MnbAudience, mnb_audience, audience_names)

#define EVENT_MIN_S   60
#define EVENT_MAX_S   604800
#define TIME_ZONE_MAX 64 /* bytes */

/* An event and its current session: the open one, else the newest. */
#define SELECT                                                                                     \
    "SELECT e.id, e.kind, e.title_en, e.title_ja, e.summary_en, e.summary_ja, e.area, e.city,"     \
    " e.starts_us, e.duration_s, e.time_zone, e.languages, e.is_public, e.recording_policy,"       \
    " e.audience, e.created_us, e.updated_us, s.id, s.state, e.attendance, e.venue_en, "           \
    "e.venue_ja,"                                                                                  \
    " e.learning_cities, e.capacity, e.has_lobby, e.agenda FROM event e"                           \
    " LEFT JOIN session s ON s.id = (SELECT id FROM session WHERE event = e.id"                    \
    "  ORDER BY state = 'ended', created_us DESC, rowid DESC LIMIT 1)"
#define WHERE                                                                                      \
    " WHERE (?1 = 0 OR e.is_public = 1) AND (?2 = 0 OR s.state = 'live'"                           \
    "  OR (s.state = 'planned' AND e.starts_us + e.duration_s * 1000000 > ?3))"

MnbEvent *mnb_event_new(void)
{
    return g_new0(MnbEvent, 1);
}

void mnb_event_free(MnbEvent *event)
{
    if (event == NULL)
        return;
    g_free(event->id);
    g_free(event->title_en);
    g_free(event->title_ja);
    g_free(event->summary_en);
    g_free(event->summary_ja);
    g_free(event->area);
    g_free(event->city);
    g_free(event->time_zone);
    g_strfreev(event->languages);
    g_free(event->venue_en);
    g_free(event->venue_ja);
    g_strfreev(event->learning_cities);
    g_free(event->agenda);
    g_free(event->session);
    g_free(event);
}

static void free_event(gpointer data)
{
    mnb_event_free(data);
}

static MnbEvent *read_row(MnbStmt *stmt)
{
    MnbEvent *event = mnb_event_new();
    event->id = mnb_stmt_dup_text(stmt, 0);
    mnb_event_kind_parse(mnb_stmt_text(stmt, 1), &event->kind);
    event->title_en = mnb_stmt_dup_text(stmt, 2);
    event->title_ja = mnb_stmt_dup_text(stmt, 3);
    event->summary_en = mnb_stmt_dup_text(stmt, 4);
    event->summary_ja = mnb_stmt_dup_text(stmt, 5);
    event->area = mnb_stmt_dup_text(stmt, 6);
    event->city = mnb_stmt_dup_text(stmt, 7);
    event->starts_us = mnb_stmt_int(stmt, 8);
    event->duration_s = (int)mnb_stmt_int(stmt, 9);
    event->time_zone = mnb_stmt_dup_text(stmt, 10);
    event->languages = mnb_languages_from_json(mnb_stmt_text(stmt, 11));
    event->is_public = mnb_stmt_int(stmt, 12) != 0;
    mnb_recording_policy_parse(mnb_stmt_text(stmt, 13), &event->recording_policy);
    mnb_audience_parse(mnb_stmt_text(stmt, 14), &event->audience);
    event->created_us = mnb_stmt_int(stmt, 15);
    event->updated_us = mnb_stmt_int(stmt, 16);
    event->session = mnb_stmt_dup_text(stmt, 17);
    if (event->session != NULL)
        mnb_session_state_parse(mnb_stmt_text(stmt, 18), &event->session_state);
    mnb_attendance_parse(mnb_stmt_text(stmt, 19), &event->attendance);
    event->venue_en = mnb_stmt_dup_text(stmt, 20);
    event->venue_ja = mnb_stmt_dup_text(stmt, 21);
    event->learning_cities = mnb_languages_from_json(mnb_stmt_text(stmt, 22));
    event->capacity = (int)mnb_stmt_int(stmt, 23);
    event->has_lobby = mnb_stmt_int(stmt, 24) != 0;
    event->agenda = mnb_stmt_dup_text(stmt, 25);
    return event;
}

MnbEvent *mnb_event_find(MnbDb *db, const char *id, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, SELECT " WHERE e.id = ?1", error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, id);
    int result = mnb_stmt_step(stmt, error);
    if (result == 0)
        mnb_set_not_found(error, "event", id);
    return result > 0 ? read_row(stmt) : NULL;
}

static void bind_filter(MnbStmt *stmt, const MnbEventFilter *filter)
{
    mnb_stmt_bind_int(stmt, 1, filter->public_only ? 1 : 0);
    mnb_stmt_bind_int(stmt, 2, filter->upcoming_only ? 1 : 0);
    mnb_stmt_bind_int(stmt, 3, filter->now_us);
}

static gboolean count(MnbDb *db, const MnbEventFilter *filter, guint *total, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, "SELECT count(*) FROM (" SELECT WHERE ")", error);
    if (stmt == NULL)
        return FALSE;
    bind_filter(stmt, filter);
    if (mnb_stmt_step(stmt, error) < 0)
        return FALSE;
    *total = (guint)mnb_stmt_int(stmt, 0);
    return TRUE;
}

GPtrArray *mnb_event_list(MnbDb *db, const MnbEventFilter *filter, guint *total, GError **error)
{
    if (total != NULL && !count(db, filter, total, error))
        return NULL;
    const char *sql = filter->upcoming_only
                          ? SELECT WHERE " ORDER BY s.state = 'live' DESC, e.starts_us, e.id"
                                         " LIMIT ?4 OFFSET ?5"
                          : SELECT WHERE " ORDER BY e.starts_us DESC, e.id LIMIT ?4 OFFSET ?5";
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, sql, error);
    if (stmt == NULL)
        return NULL;
    bind_filter(stmt, filter);
    mnb_stmt_bind_int(stmt, 4, CLAMP(filter->limit, 1, 100));
    mnb_stmt_bind_int(stmt, 5, filter->offset);
    g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func(free_event);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        g_ptr_array_add(events, read_row(stmt));
    return result == 0 ? g_steal_pointer(&events) : NULL;
}

static gboolean check_time_zone(const char *name, GError **error)
{
    /* A name is looked up as a file, so it must not lead elsewhere. */
    gboolean is_name = name != NULL && strlen(name) <= TIME_ZONE_MAX && g_ascii_isalpha(name[0]) &&
                       strstr(name, "..") == NULL;
    GTimeZone *zone = is_name ? g_time_zone_new_identifier(name) : NULL;
    if (zone == NULL) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "time_zone: not an IANA time zone such as Asia/Tokyo");
        return FALSE;
    }
    g_time_zone_unref(zone);
    return TRUE;
}

/* What people plan who come in person, and how. */
static gboolean check_plan(MnbDb *db, const MnbEvent *event, GError **error)
{
    if (!mnb_field_text("venue_en", event->venue_en, MNB_VENUE_MAX, error) ||
        !mnb_field_text("venue_ja", event->venue_ja, MNB_VENUE_MAX, error) ||
        !mnb_field_array("agenda", event->agenda, MNB_AGENDA_BYTES_MAX, error))
        return FALSE;
    char *const *cities = event->learning_cities;
    for (guint i = 0; cities != NULL && cities[i] != NULL; i++) {
        if (i == MNB_LEARNING_CITIES_MAX) {
            g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "learning_cities: at most %d",
                        MNB_LEARNING_CITIES_MAX);
            return FALSE;
        }
        if (!mnb_field_city(db, cities[i], error)) {
            g_prefix_error(error, "learning_cities: ");
            return FALSE;
        }
    }
    if (event->capacity < 0 || event->capacity > MNB_CAPACITY_MAX) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "capacity: must be 0 to %d",
                    MNB_CAPACITY_MAX);
        return FALSE;
    }
    return TRUE;
}

static gboolean check(MnbDb *db, const MnbEvent *event, GError **error)
{
    if (!mnb_field_titles(event->title_en, event->title_ja, error) ||
        !mnb_field_text("summary_en", event->summary_en, MNB_DESCRIPTION_MAX, error) ||
        !mnb_field_text("summary_ja", event->summary_ja, MNB_DESCRIPTION_MAX, error) ||
        !mnb_field_area(db, event->area, error) || !mnb_field_city(db, event->city, error) ||
        !mnb_field_languages(event->languages, 1, error) ||
        !check_time_zone(event->time_zone, error) || !check_plan(db, event, error))
        return FALSE;
    if (event->duration_s < EVENT_MIN_S || event->duration_s > EVENT_MAX_S) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "duration_s: must be %d to %d seconds",
                    EVENT_MIN_S, EVENT_MAX_S);
        return FALSE;
    }
    if (mnb_event_kind_to_string(event->kind) == NULL ||
        mnb_attendance_to_string(event->attendance) == NULL ||
        mnb_recording_policy_to_string(event->recording_policy) == NULL ||
        mnb_audience_to_string(event->audience) == NULL) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "kind: out of range");
        return FALSE;
    }
    return TRUE;
}

/* Runs @stmt with the fields of @event as ?1 to ?23. */
static gboolean store(MnbStmt *stmt, const MnbEvent *event, gint64 now_us, GError **error)
{
    g_autofree char *languages = mnb_languages_to_json(event->languages);
    g_autofree char *cities = mnb_languages_to_json(event->learning_cities);
    mnb_stmt_bind_text(stmt, 1, event->id);
    mnb_stmt_bind_text(stmt, 2, mnb_event_kind_to_string(event->kind));
    mnb_stmt_bind_text(stmt, 3, mnb_text(event->title_en));
    mnb_stmt_bind_text(stmt, 4, mnb_text(event->title_ja));
    mnb_stmt_bind_text(stmt, 5, mnb_text(event->summary_en));
    mnb_stmt_bind_text(stmt, 6, mnb_text(event->summary_ja));
    mnb_stmt_bind_text(stmt, 7, event->area);
    mnb_stmt_bind_text(stmt, 8, event->city);
    mnb_stmt_bind_int(stmt, 9, event->starts_us);
    mnb_stmt_bind_int(stmt, 10, event->duration_s);
    mnb_stmt_bind_text(stmt, 11, event->time_zone);
    mnb_stmt_bind_text(stmt, 12, languages);
    mnb_stmt_bind_int(stmt, 13, event->is_public ? 1 : 0);
    mnb_stmt_bind_text(stmt, 14, mnb_recording_policy_to_string(event->recording_policy));
    mnb_stmt_bind_text(stmt, 15, mnb_audience_to_string(event->audience));
    mnb_stmt_bind_int(stmt, 16, now_us);
    mnb_stmt_bind_text(stmt, 17, mnb_attendance_to_string(event->attendance));
    mnb_stmt_bind_text(stmt, 18, mnb_text(event->venue_en));
    mnb_stmt_bind_text(stmt, 19, mnb_text(event->venue_ja));
    mnb_stmt_bind_text(stmt, 20, cities);
    mnb_stmt_bind_int(stmt, 21, event->capacity);
    mnb_stmt_bind_int(stmt, 22, event->has_lobby ? 1 : 0);
    mnb_stmt_bind_text(stmt, 23, event->agenda != NULL ? event->agenda : "[]");
    return mnb_stmt_run(stmt, error);
}

gboolean mnb_event_insert(MnbDb *db, MnbEvent *event, gint64 now_us, GError **error)
{
    if (!check(db, event, error))
        return FALSE;
    if (event->id == NULL)
        event->id = mnb_id_new();
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "INSERT INTO event(id, kind, title_en, title_ja, summary_en, summary_ja, area, city,"
        " starts_us, duration_s, time_zone, languages, is_public, recording_policy, audience,"
        " created_us, updated_us, attendance, venue_en, venue_ja, learning_cities, capacity,"
        " has_lobby, agenda) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
        " ?14, ?15, ?16, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)",
        error);
    if (stmt == NULL || !store(stmt, event, now_us, error))
        return FALSE;
    g_autoptr(MnbSession) session = mnb_session_create(db, event->id, now_us, error);
    if (session == NULL)
        return FALSE;
    g_free(event->session);
    event->session = g_steal_pointer(&session->id);
    event->session_state = MNB_SESSION_PLANNED;
    event->created_us = now_us;
    event->updated_us = now_us;
    return TRUE;
}

gboolean mnb_event_update(MnbDb *db, const MnbEvent *event, gint64 now_us, GError **error)
{
    if (!check(db, event, error))
        return FALSE;
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "UPDATE event SET kind = ?2, title_en = ?3, title_ja = ?4, summary_en = ?5,"
                       " summary_ja = ?6, area = ?7, city = ?8, starts_us = ?9, duration_s = ?10,"
                       " time_zone = ?11, languages = ?12, is_public = ?13, recording_policy = ?14,"
                       " audience = ?15, updated_us = ?16, attendance = ?17, venue_en = ?18,"
                       " venue_ja = ?19, learning_cities = ?20, capacity = ?21, has_lobby = ?22,"
                       " agenda = ?23 WHERE id = ?1",
                       error);
    if (stmt == NULL || !store(stmt, event, now_us, error))
        return FALSE;
    return mnb_db_changes(db) > 0 ? TRUE : mnb_set_not_found(error, "event", event->id);
}
