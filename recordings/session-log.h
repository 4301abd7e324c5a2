/* session-log.h - what happened in a session, in order: the table `session_event`.
 *
 * The room gives the numbers: 1, 2, 3 ... without gaps. An append that does not continue exactly is
 * refused, so after a failed append all that is queued behind it fails too: the log stays whole. */
#pragma once

#include <glib.h>

#include "recordings/db.h"

#define MNB_LOG_BODY_MAX (64 * 1024) /* bytes */

typedef struct {
    gint64 seq;
    gint64 at_us;
    const char *type; /* "peer-joined", "chat", ... */
    const char *peer; /* who did it; NULL: the server */
    const char *body; /* a JSON object as text */
} MnbLogEntry;

/* Write. All or none. Errors: MNB_ERROR_CONFLICT if entries[0].seq is not the next one or the
 * others do not follow; MNB_ERROR_INVALID for a body that is not JSON or too long;
 * MNB_ERROR_NOT_FOUND. */
gboolean mnb_session_log_append(MnbDb *db, const char *session, const MnbLogEntry *entries,
                                gsize n_entries, GError **error);

/* @entry (borrowed): for the call only. FALSE with @error set stops the reading. */
typedef gboolean (*MnbLogFunc)(const MnbLogEntry *entry, gpointer data, GError **error);

/* Calls @func for every entry with seq > @after_seq, in order. Do not write to the session
 * meanwhile. */
gboolean mnb_session_log_read(MnbDb *db, const char *session, gint64 after_seq, MnbLogFunc func,
                              gpointer data, GError **error);

/* Returns: the number that the next entry must have (1 for an empty log), or -1 with @error. */
gint64 mnb_session_log_next_seq(MnbDb *db, const char *session, GError **error);
