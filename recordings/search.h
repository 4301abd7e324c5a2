/* search.h - finding recordings in either language, with counts by area and city.
 *
 * What people type becomes words (cjk2.h); all must be there, the last one may go on (disast finds
 * disaster). There is no query syntax: quotes and operators are only characters between words.
 *
 * Order: recordings with all the words in their titles, then those with all in titles and names of
 * place and area, then the others; within each, newest first. Without words: newest first. (bm25
 * was left out: as all words must match, it weighs only how often they do, needs statistics of
 * every hit, 30 to 45 ms for 35,000, and mixes pages up when only the first is ranked.) */
#pragma once

#include <glib.h>

#include "recordings/db.h"
#include "recordings/recording.h"

#define MNB_SEARCH_TEXT_MAX  200 /* characters; the rest is not looked at */
#define MNB_SEARCH_WORDS_MAX 12
#define MNB_SEARCH_PAGE_MAX  100

typedef struct {
    const char *text;     /* NULL or "": everything */
    const char *area;     /* code; NULL: all */
    const char *city;     /* code; NULL: all */
    const char *language; /* BCP 47 as in recording.languages; NULL: all */
    gboolean staff;       /* FALSE: only published and public ones */
    gboolean has_state;   /* staff only: only those in @state */
    MnbRecordingState state;
    guint offset;
    guint limit; /* 1 to MNB_SEARCH_PAGE_MAX */
} MnbSearchQuery;

typedef struct {
    MnbRecording *recording;
    char *snippet_en; /* HTML: escaped text with <mark>; NULL: nothing to show */
    char *snippet_ja;
} MnbSearchHit;

typedef struct {
    char *code;
    guint count;
} MnbFacet;

typedef struct {
    GPtrArray *hits; /* MnbSearchHit: the page */
    GPtrArray
        *areas; /* MnbFacet: counts with the area filter left out, the others on; most first */
    GPtrArray *cities; /* MnbFacet: counts with the city filter left out */
    guint total;       /* all hits */
} MnbSearchResult;

/* Any connection. Never fails for what is typed; what has no word in it ("?!") finds nothing.
 * Returns (owned), or NULL with MNB_ERROR_STORAGE. */
MnbSearchResult *mnb_search(MnbDb *db, const MnbSearchQuery *query, GError **error);
void mnb_search_result_free(MnbSearchResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbSearchResult, mnb_search_result_free)

/* Write. Makes the index anew from the recordings; after a change of the tokenizer. */
gboolean mnb_search_rebuild(MnbDb *db, GError **error);

/* Registers what the search needs of FTS5 on a connection; mnb_db_open() does it. */
gboolean mnb_search_register(sqlite3 *db);
