/* shelf.h - in memory, newest first, what a search filters and counts by: 32 bytes a recording.
 *
 * Counting 100,000 recordings by area and city takes SQL 30 to 50 ms for each page, walking this
 * array 1 ms. It belongs to a reading connection and brings itself up to date from
 * recording.revision at each use. On a writing connection, whose changes may be undone, it is made
 * anew each time. */
#pragma once

#include <glib.h>

#include "recordings/db.h"

/* What recordings are told apart by. */
typedef enum {
    MNB_FACET_AREA, /* codes; a recording may have several */
    MNB_FACET_CITY, /* code */
    MNB_FACET_COUNTRY,
    MNB_FACET_LANGUAGE, /* BCP 47; several */
    MNB_FACET_YEAR,     /* when it was recorded, in Japan */
    MNB_FACET_KIND,     /* of its event; "site-visit" or "video" without one */
    MNB_FACET_LENGTH,   /* "0-10", "10-30", "30-60" or "60-" minutes; "" while not known */
    MNB_FACETS
} MnbFacetKind;

typedef struct {
    gint64 num;                /* recording.num */
    gint64 key_us;             /* when published, else when recorded */
    guint16 value[MNB_FACETS]; /* index in the shelf's values */
    guint8 state;
    guint8 audience;
} MnbShelfEntry;

typedef struct {
    GArray *entries; /* MnbShelfEntry, newest first */
    gint64 num_max;  /* of any entry that was ever there */
    /* The values of each facet. Of those that a recording may have several of: the sets, as JSON.
     */
    GPtrArray *values[MNB_FACETS];
    /* Numbers of what was changed, added or removed since the catalogue was opened, in order. Who
     * keeps something by recording looks at what came after. */
    GArray *changes; /* gint64 */
    /* Private. */
    gint64 revision;
    GHashTable *indexes[MNB_FACETS];
    gpointer kept; /* of search-index.c */
    GDestroyNotify free_kept;
} MnbShelf;

/* Returns (borrowed until the next use of @db): up to date with the transaction that is open. */
MnbShelf *mnb_shelf_get(MnbDb *db, GError **error);

/* Is a value of @facet a set? */
gboolean mnb_shelf_is_set(MnbFacetKind facet);
/* Is @code the value that has this index, or in its set? */
gboolean mnb_shelf_value_has(const MnbShelf *shelf, MnbFacetKind facet, guint index,
                             const char *code);
/* @counts: by index in values[facet]. Returns (owned): code -> GUINT_TO_POINTER(count), with what
 * is in a set counted for each; those that have none are left out. */
GHashTable *mnb_shelf_count_codes(const MnbShelf *shelf, MnbFacetKind facet, const guint *counts);

/* Is it published and for everyone? */
gboolean mnb_shelf_entry_is_public(const MnbShelfEntry *entry);
