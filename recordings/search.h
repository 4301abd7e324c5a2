/* search.h - finding recordings in either language, with counts by area and city.
 *
 * What people type becomes words (see cjk2.h); all must be there, the last one may go on (disast
 * finds disaster). There is no query syntax: quotes and operators are only letters that match
 * nothing. Without words: newest first. With words: best first (bm25; titles count most). To keep a
 * broad word cheap, of more than MNB_SEARCH_RANKED hits the newest MNB_SEARCH_RANKED are ranked and
 * the others follow, newest first. */
#pragma once

#include <glib.h>

#include "recordings/db.h"
#include "recordings/recording.h"

#define MNB_SEARCH_TEXT_MAX  200 /* characters; the rest is not looked at */
#define MNB_SEARCH_WORDS_MAX 12
#define MNB_SEARCH_RANKED    1000
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

/* Main thread's reader (or any other connection). Returns (owned): never an error for whatever is
 * typed; MNB_ERROR_STORAGE if the file cannot be read. */
MnbSearchResult *mnb_search(MnbDb *db, const MnbSearchQuery *query, GError **error);
void mnb_search_result_free(MnbSearchResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbSearchResult, mnb_search_result_free)

/* Write. Makes the index anew from the recordings; after a change of the tokenizer. */
gboolean mnb_search_rebuild(MnbDb *db, GError **error);
