/* audit.h - who did what: the table `audit`, append only, each row hashed with the one before.
 *
 * hash = SHA-256(previous hash || seq || at_us || each text with its length before it). Who changes
 * or removes a row in the middle breaks every hash after it. */
#pragma once

#include <glib.h>

#include "recordings/db.h"

typedef struct {
    gint64 seq;
    gint64 at_us;
    char *actor;  /* "staff:<id>", "link:<id>", "peer:<id>", "system" */
    char *action; /* "link-create", "recording-publish", "refused" */
    char *object; /* "event:<id>", ... */
    char *detail; /* JSON object */
} MnbAuditRow;

void mnb_audit_row_free(MnbAuditRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbAuditRow, mnb_audit_row_free)

/* Write. @detail: JSON object, NULL for {}. No tokens, addresses or participants' names in it. */
gboolean mnb_audit_append(MnbDb *db, gint64 at_us, const char *actor, const char *action,
                          const char *object, const char *detail, GError **error);

/* Newest first. Returns (owned): MnbAuditRow elements. @before_seq: 0 for the newest. */
GPtrArray *mnb_audit_list(MnbDb *db, gint64 before_seq, guint limit, GError **error);

/* Checks the whole chain. Returns: TRUE if it could be read; then @bad_seq is the first row that
 * does not fit, or 0. */
gboolean mnb_audit_verify(MnbDb *db, gint64 *bad_seq, GError **error);
