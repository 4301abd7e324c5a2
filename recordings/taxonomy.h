/* taxonomy.h - thematic areas and cities.
 *
 * Both come from the CSV files of recordings/taxonomy, built into the program, and are written into
 * the catalogue at every start (new ones inserted, changed names updated, none removed). */
#pragma once

#include <glib.h>

#include "recordings/db.h"

typedef struct {
    char *code;
    char *name_en;
    char *name_ja;
    int n_recordings; /* published and public */
} MnbArea;

typedef struct {
    char *code; /* JIS X 0402 ("40100"), or UN/LOCODE abroad */
    char *kind; /* designated, core, abroad */
    char *name_en;
    char *name_ja;
    char *prefecture_en;
    char *prefecture_ja;
    char *country;    /* ISO 3166-1 */
    int n_recordings; /* published and public */
} MnbCity;

void mnb_area_free(MnbArea *area);
void mnb_city_free(MnbCity *city);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbArea, mnb_area_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbCity, mnb_city_free)

/* Return (owned): arrays that free their elements; areas in programme order, cities by code. */
GPtrArray *mnb_area_list(MnbDb *db, GError **error);
GPtrArray *mnb_city_list(MnbDb *db, GError **error);

/* MNB_ERROR_NOT_FOUND if there is no such code. */
MnbArea *mnb_area_find(MnbDb *db, const char *code, GError **error);
MnbCity *mnb_city_find(MnbDb *db, const char *code, GError **error);

/* Write. Idempotent. */
gboolean mnb_taxonomy_seed(MnbDb *db, GError **error);
