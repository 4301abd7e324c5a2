/* event.h - planned learning activities. Rows of the table `event`, with their current session. */
#pragma once

#include <glib.h>

#include "recordings/db.h"
#include "recordings/session.h"

typedef enum {
    MNB_EVENT_VIRTUAL_SESSION,
    MNB_EVENT_SITE_VISIT,
    MNB_EVENT_SEMINAR,
    MNB_EVENT_PEER_EXCHANGE,
} MnbEventKind;

typedef enum {
    MNB_ATTENDANCE_ONLINE,
    MNB_ATTENDANCE_IN_PERSON,
    MNB_ATTENDANCE_HYBRID, /* some in a hall, some online */
} MnbAttendance;

/* What happens to a recording of the event when it is ready. */
typedef enum {
    MNB_RECORDING_POLICY_NONE,
    MNB_RECORDING_POLICY_REVIEW,
    MNB_RECORDING_POLICY_PUBLISH,
} MnbRecordingPolicy;

typedef enum {
    MNB_AUDIENCE_PUBLIC,
    MNB_AUDIENCE_LINK, /* whoever was given the address; not listed */
    MNB_AUDIENCE_STAFF,
} MnbAudience;

/* Names as in docs/protocol.md; to_string: static, NULL out of range; parse: FALSE for NULL or
 * unknown. */
const char *mnb_event_kind_to_string(MnbEventKind kind);
const char *mnb_attendance_to_string(MnbAttendance attendance);
const char *mnb_recording_policy_to_string(MnbRecordingPolicy policy);
const char *mnb_audience_to_string(MnbAudience audience);
gboolean mnb_event_kind_parse(const char *text, MnbEventKind *kind);
gboolean mnb_attendance_parse(const char *text, MnbAttendance *attendance);
gboolean mnb_recording_policy_parse(const char *text, MnbRecordingPolicy *policy);
gboolean mnb_audience_parse(const char *text, MnbAudience *audience);

#define MNB_TITLE_MAX           300  /* characters, each language */
#define MNB_DESCRIPTION_MAX     8000 /* characters, each language; also event summaries */
#define MNB_LANGUAGES_MAX       8
#define MNB_VENUE_MAX           300 /* characters, each language */
#define MNB_LEARNING_CITIES_MAX 30
#define MNB_CAPACITY_MAX        100000
#define MNB_AGENDA_BYTES_MAX    65536

/* Texts are owned by the struct; never NULL after a find; NULL is "" in insert and update. */
typedef struct {
    char *id; /* mnb_event_insert() makes one where NULL */
    MnbEventKind kind;
    char *title_en;
    char *title_ja; /* at least one title is not empty */
    char *summary_en;
    char *summary_ja;
    char *area;       /* code; required */
    char *city;       /* code of the host city; required */
    gint64 starts_us; /* since 1970, UTC */
    int duration_s;   /* 60 to 604800 */
    char *time_zone;  /* IANA name */
    char **languages; /* BCP 47, at least one */
    gboolean is_public;
    MnbRecordingPolicy recording_policy;
    MnbAudience audience;
    MnbAttendance attendance;
    char *venue_en; /* where people meet who come in person; may be empty */
    char *venue_ja;
    char **learning_cities; /* codes; may be empty */
    int capacity;           /* participants and observers at once; 0: no limit of its own */
    gboolean has_lobby;     /* of a session that starts */
    char *agenda;           /* JSON array, docs/protocol.md section 3; NULL is "[]" */
    gint64 created_us;
    gint64 updated_us;
    /* Of its current session (the open one, else the newest); read only. */
    char *session;
    MnbSessionState session_state;
} MnbEvent;

MnbEvent *mnb_event_new(void); /* owned; zeroed */
void mnb_event_free(MnbEvent *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbEvent, mnb_event_free)

/* Returns (owned): or NULL with MNB_ERROR_NOT_FOUND. */
MnbEvent *mnb_event_find(MnbDb *db, const char *id, GError **error);

typedef struct {
    gboolean public_only;
    gboolean upcoming_only; /* live, or planned and not over at @now_us */
    gint64 now_us;
    guint offset;
    guint limit; /* 1 to 100 */
} MnbEventFilter;

/* Upcoming: live ones first, then soonest; else latest start first. Returns (owned): MnbEvent
 * elements that the array frees.
 * @total: all that match; NULL if not wanted. */
GPtrArray *mnb_event_list(MnbDb *db, const MnbEventFilter *filter, guint *total, GError **error);

/* Write. Inserts the event and its first session (planned). Sets @event's id where NULL, its
 * session, created_us and updated_us. Errors: MNB_ERROR_INVALID with a text that names the field
 * (titles, area, city, duration, zone, languages). */
gboolean mnb_event_insert(MnbDb *db, MnbEvent *event, gint64 now_us, GError **error);

/* Write. Replaces every field of the row with @event's id. Errors: MNB_ERROR_NOT_FOUND,
 * MNB_ERROR_INVALID. */
gboolean mnb_event_update(MnbDb *db, const MnbEvent *event, gint64 now_us, GError **error);
