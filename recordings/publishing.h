/* publishing.h - who handed a film in, and when it is to be published: the table `publishing`.
 *
 * With two pairs of eyes ([publishing] second_person) a film is handed in by one person and
 * published by another, now or at a time. An order survives a restart: run_due() is asked every few
 * seconds and publishes what is due and ready. */
#pragma once

#include <glib.h>

#include "recordings/db.h"

typedef struct {
    char *submitted_by; /* actor; "": nobody */
    gint64 submitted_us;
    gint64 publish_us; /* 0: no order */
    char *time_zone;
    char *ordered_by;
} MnbPublishing;

void mnb_publishing_free(MnbPublishing *publishing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbPublishing, mnb_publishing_free)

/* Returns (owned): an empty one where nothing was decided; NULL with @error. */
MnbPublishing *mnb_publishing_find(MnbDb *db, const char *recording, GError **error);

/* Write, at start. */
gboolean mnb_publishing_set_second_person(MnbDb *db, gboolean is_needed, GError **error);
/* FALSE also when it cannot be read. */
gboolean mnb_publishing_needs_second_person(MnbDb *db);

/* May @actor publish it? Errors: MNB_ERROR_CONFLICT (nobody has handed it in), MNB_ERROR_DENIED
 * (he did so himself). */
gboolean mnb_publishing_check(MnbDb *db, const char *recording, const char *actor, GError **error);

/* Write. @actor asks for its publication; whoever did so before no longer counts. */
gboolean mnb_publishing_submit(MnbDb *db, const char *recording, const char *actor, gint64 now_us,
                               GError **error);

/* Write. @publish_us: 0 takes the order back. Errors: MNB_ERROR_NOT_FOUND. */
gboolean mnb_publishing_order(MnbDb *db, const char *recording, gint64 publish_us,
                              const char *time_zone, const char *actor, GError **error);

/* Is anything due? Asked on a reader, so that the writer is not woken for nothing. */
gboolean mnb_publishing_is_due(MnbDb *db, gint64 now_us);

/* Write. Publishes what is due and ready, and notes it in the audit. What is not ready yet (still
 * being prepared) stays due. @n_out: how many; NULL allowed. */
gboolean mnb_publishing_run_due(MnbDb *db, gint64 now_us, guint *n_out, GError **error);
