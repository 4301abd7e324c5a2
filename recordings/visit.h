/* visit.h - what is known of a site visit beyond any recording: table `visit`. */
#pragma once

#include <glib.h>

#include "recordings/db.h"

#define MNB_VISIT_PLACE_MAX  300 /* characters */
#define MNB_VISIT_SERIES_MAX 200

/* NULL-terminated; what the schema knows. */
extern const char *const mnb_visit_people[]; /* "none", "consent", "unclear" */

/* Texts are owned by the struct and never NULL after a find; NULL is "" for put. */
typedef struct {
    char *place_en;
    char *place_ja;
    char *visited_on; /* "2026-11-24" or "" */
    char *people;
    char *series;
} MnbVisit;

void mnb_visit_free(MnbVisit *visit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbVisit, mnb_visit_free)

/* Returns (owned): or NULL with MNB_ERROR_NOT_FOUND. */
MnbVisit *mnb_visit_find(MnbDb *db, const char *recording, GError **error);

/* Write. Inserts or replaces. Errors: MNB_ERROR_INVALID. */
gboolean mnb_visit_put(MnbDb *db, const char *recording, const MnbVisit *visit, GError **error);
