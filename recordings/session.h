/* session.h - live runs of events: the table `session`. An event has at most one that has not
 * ended. */
#pragma once

#include <glib.h>

#include "recordings/db.h"

typedef enum {
    MNB_SESSION_PLANNED,
    MNB_SESSION_LIVE,
    MNB_SESSION_ENDED,
} MnbSessionState;

const char *mnb_session_state_to_string(MnbSessionState state);
gboolean mnb_session_state_parse(const char *text, MnbSessionState *state);

typedef struct {
    char *id;
    char *event;
    MnbSessionState state;
    gint64 started_us; /* 0: not yet */
    gint64 ended_us;   /* 0: not yet */
    gint64 created_us;
} MnbSession;

void mnb_session_free(MnbSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbSession, mnb_session_free)

/* Return (owned): or NULL with MNB_ERROR_NOT_FOUND. */
MnbSession *mnb_session_find(MnbDb *db, const char *id, GError **error);

/* The open session of an event, else the newest one. */
MnbSession *mnb_session_find_for_event(MnbDb *db, const char *event, GError **error);

/* All sessions in @state, oldest first. At start: the live ones are replayed. */
GPtrArray *mnb_session_list(MnbDb *db, MnbSessionState state, GError **error);

/* Write. A new planned session. Errors: MNB_ERROR_CONFLICT if the event has one that is open. */
MnbSession *mnb_session_create(MnbDb *db, const char *event, gint64 now_us, GError **error);

/* Write. planned -> live -> ended, or planned -> ended; sets started_us and ended_us. Setting the
 * state it has changes nothing and succeeds. Errors: MNB_ERROR_CONFLICT for a step back;
 * MNB_ERROR_NOT_FOUND. */
gboolean mnb_session_set_state(MnbDb *db, const char *id, MnbSessionState state, gint64 now_us,
                               GError **error);
