/* search-index.h - which recordings have the words of a query, and where: the full-text index with
 * what was asked of it before.
 *
 * For each word: a byte a recording, by recording.num. The index takes 3 to 15 ms for a word that
 * 35,000 recordings have, and pages, filters and the next letter ask for the same again, so the
 * last few hundred are kept; a recording that changed since is asked for alone. */
#pragma once

#include "recordings/cjk2.h"
#include "recordings/shelf.h"

/* Where all words are: the best place decides the order. */
enum { MNB_TIER_NONE, MNB_TIER_TITLE, MNB_TIER_PLACE, MNB_TIER_ABOUT, MNB_TIER_SAID, MNB_TIERS };
#define MNB_TIER_MASK 0x07
#define MNB_TIER_SAID_FLAG                                                                         \
    0x80 /* one of the words is in what was said, too; see mnb_search_moment() */

/* Registers what the search needs of FTS5 on a connection. */
gboolean mnb_search_index_register(sqlite3 *db);

/* @words: MnbCjk2Word, at least one. @shelf: of @db.
 * Returns (owned): shelf->num_max + 1 bytes, a tier and the flag; NULL with MNB_ERROR_STORAGE. */
guint8 *mnb_search_index_find(MnbDb *db, MnbShelf *shelf, GPtrArray *words, GError **error);

typedef struct {
    gint64 num; /* of the moment */
    gint64 film_ms;
} MnbSaidMoment;

/* The moment of the recording that has most of @words, the earliest of those.
 * @out: num is 0 when none has any. */
gboolean mnb_search_index_moment(MnbDb *db, gint64 num, GPtrArray *words, MnbSaidMoment *out,
                                 GError **error);
