/* rooms.h - every session that is planned or live, in memory.
 *
 * A session is its log: what happens is appended to session_event first, and applied to the room
 * when the row is on disk, by the same function that replays the log at start. So a server that was
 * killed comes back with the same roster, hands, chat and recording. Nothing is confirmed to a
 * client, and no client hears of a fact, before it is on disk.
 *
 *     signalling, http --request--> room --append--> session_event --committed--> apply --> all
 * clients
 *
 * Runs in the main thread (the default main context). It parses SDP (sdp.h), but no JSON of clients
 * (server/signalling does) and no media (the workers do).
 */
#pragma once
#include <glib.h>

typedef struct MnbCatalog MnbCatalog;
typedef struct MnbClock MnbClock;
typedef struct MnbMediaPool MnbMediaPool;
typedef struct MnbWalls MnbWalls; /* pipelines/manager/walls.h */
typedef struct MnbRooms MnbRooms;
typedef struct MnbLineChecks MnbLineChecks; /* line-checks.h */
typedef struct MnbFeedRules MnbFeedRules;   /* server/rooms/feeds.h */

typedef enum {
    MNB_ROOMS_ERROR_BAD_MESSAGE, /* "bad-message", 400 */
    MNB_ROOMS_ERROR_NOT_ALLOWED, /* "not-allowed", 403 */
    MNB_ROOMS_ERROR_NOT_FOUND, /* "not-found", 404: no such session or resource, or not the asker's
                                */
    MNB_ROOMS_ERROR_NOT_LIVE,  /* "not-live", 409: the session has not started */
    MNB_ROOMS_ERROR_SESSION_OVER,      /* "session-over", 410 */
    MNB_ROOMS_ERROR_UNKNOWN_PEER,      /* "unknown-peer", 404 */
    MNB_ROOMS_ERROR_TOO_MANY,          /* "too-many", 429 */
    MNB_ROOMS_ERROR_ROOM_FULL,         /* "room-full", 503 */
    MNB_ROOMS_ERROR_BAD_SDP,           /* "bad-sdp", 400: the message says what is wrong with it */
    MNB_ROOMS_ERROR_NO_COMMON_CODEC,   /* "no-common-codec", 406 */
    MNB_ROOMS_ERROR_MEDIA_UNAVAILABLE, /* "media-unavailable", 503 */
    MNB_ROOMS_ERROR_STORAGE_FULL,      /* "storage-full", 507 */
    MNB_ROOMS_ERROR_STORAGE,           /* "storage-failed", 500 */
    MNB_ROOMS_ERROR_RECORDER_FAILED,   /* "recorder-failed", 503 */
    MNB_ROOMS_ERROR_NAME_REQUIRED,     /* "name-required", 422 */
    MNB_ROOMS_ERROR_LINK_UNKNOWN,      /* "link-unknown", 401 */
    MNB_ROOMS_ERROR_LINK_EXPIRED,      /* "link-expired", 401 */
    MNB_ROOMS_ERROR_LINK_REVOKED,      /* "link-revoked", 401 */
    MNB_ROOMS_ERROR_REMOVED,           /* "removed", 403 */
    MNB_ROOMS_ERROR_BAD_PRECONDITION,  /* "precondition-failed", 412: If-Match of an older ICE
                                          session */
    MNB_ROOMS_ERROR_WAITING,           /* "waiting", 403: asked from the lobby */
    MNB_ROOMS_ERROR_LOCKED,            /* "locked", 403: the room takes nobody new */
    MNB_ROOMS_ERROR_ON_AIR_TAKEN,      /* "on-air-taken", 409: another interpreter speaks */
} MnbRoomsError;

#define MNB_ROOMS_ERROR (mnb_rooms_error_quark())
GQuark mnb_rooms_error_quark(void);

/* @error: any error of this module, or another (then "server-error", 500).
 * Returns (static): the code that clients translate; the HTTP status that fits. */
const char *mnb_rooms_error_code(const GError *error);
unsigned mnb_rooms_error_status(const GError *error);

/* Borrowed objects outlive the rooms; strings are copied. */
typedef struct {
    MnbCatalog *catalog;
    MnbMediaPool *pool;             /* NULL: sessions without media (tests) */
    const MnbClock *clock;          /* NULL: the machine's own */
    const char *record_program;     /* absolute path of manabi-record; NULL: recording is refused */
    const MnbWalls *walls;          /* around recorders and slides; NULL: they run without */
    const char *slides_dir;         /* STATE/slides; NULL: no slides */
    const char *ingest_program;     /* absolute path of manabi-ingest; NULL: no live feeds */
    const MnbFeedRules *feed_rules; /* borrowed; NULL: no live feeds */
    guint32 ring_bytes;             /* of a recorder; 0: its default */
    gint64 min_free_bytes;          /* below this on the disk no recording starts */
    guint max_peers;                /* in one session; 0: 300 */
    guint spread;                   /* receivers of one session at one media worker; 0: 600 */
    guint away_ms;                  /* a lost peer's place is kept so long; 0: 60000 */
    void (*on_jobs_added)(
        gpointer data); /* work for the pipelines was put into the job table; may be NULL */
    gpointer data;      /* for on_jobs_added */
} MnbRoomsOptions;

/* Reads all sessions that have not ended and replays their logs. Parts that a dead server left
 * `writing` are marked cut here, so open the rooms before anything else touches recordings.
 * Returns (owned): NULL with @error when the catalogue cannot be read. */
MnbRooms *mnb_rooms_new(const MnbRoomsOptions *options, GError **error);

/* Recorders are asked to finish their files; the log still says that recording is on, so the next
 * start goes on with the next part. @done is called once, at most 8 s later; then free. */
void mnb_rooms_stop(MnbRooms *self, void (*done)(gpointer data), gpointer data);
void mnb_rooms_free(MnbRooms *self); /* NULL is fine */

/* ---------------------------------------------------------------- questions and orders of http */

/* Borrowed; NULL without media, and while the server is stopping. */
MnbLineChecks *mnb_rooms_line_checks(MnbRooms *self);

/* The row of this event was changed (titles, area, policy ...): who comes from now on is told the
 * new one, and the new policy holds for the next recording. */
void mnb_rooms_event_changed(MnbRooms *self, const char *event);

/* Call after the revocation is on disk: connections and media that came by this link end at once.
 */
void mnb_rooms_revoke_link(MnbRooms *self, const char *link);

/* Appends Prometheus text: manabi_rooms_..., gauges and counters. */
void mnb_rooms_write_metrics(MnbRooms *self, GString *out);
