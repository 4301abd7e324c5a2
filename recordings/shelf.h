/* shelf.h - in memory, newest first, what a search filters and counts by: 24 bytes a recording.
 *
 * Counting 100,000 recordings by area and city takes SQL 30 to 50 ms for each page, walking this
 * array 0.3 ms. It belongs to a reading connection and brings itself up to date from
 * recording.revision at each use. On a writing connection, whose changes may be undone, it is made
 * anew each time. */
#pragma once

#include <glib.h>

#include "recordings/db.h"

typedef struct {
    gint64 num;        /* recording.num */
    gint64 key_us;     /* when published, else when recorded */
    guint16 area;      /* index in areas */
    guint16 city;      /* index in cities */
    guint16 languages; /* index in language_sets */
    guint8 state;
    guint8 audience;
} MnbShelfEntry;

typedef struct {
    GArray *entries;          /* MnbShelfEntry, newest first */
    gint64 num_max;           /* of any entry that was ever there */
    GPtrArray *areas;         /* codes */
    GPtrArray *cities;        /* codes */
    GPtrArray *language_sets; /* the JSON texts of recording.languages */
    /* Where words were found: expression -> guint8 by num, as search.c made them; for this state of
     * the catalogue. Asking the index takes 15 ms for a word that 35,000 recordings have, and
     * pages, filters and the next letter ask for the same again. */
    GHashTable *found; /* char * -> guint8 *, owned */
    GQueue *recent;    /* its keys, latest first */
    /* Private. */
    gint64 revision;
    GHashTable *area_indexes;
    GHashTable *city_indexes;
    GHashTable *language_indexes;
} MnbShelf;

/* Returns (borrowed until the next use of @db): up to date with the transaction that is open. */
const MnbShelf *mnb_shelf_get(MnbDb *db, GError **error);

/* What remember() was given for @expression in this state of the catalogue. Returns (borrowed until
 * the next remember or get): NULL when it is not kept. The least recently asked for goes first. */
guint8 *mnb_shelf_recall(const MnbShelf *shelf, const char *expression);

/* @tiers (taken over): num_max + 1 bytes. @expression is not kept yet. */
void mnb_shelf_remember(const MnbShelf *shelf, const char *expression, guint8 *tiers);

/* Index of a code in @codes, or -1. */
int mnb_shelf_find_code(const GPtrArray *codes, const char *code);

/* Is it published and for everyone? */
gboolean mnb_shelf_entry_is_public(const MnbShelfEntry *entry);
