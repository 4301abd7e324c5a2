/* search.h - finding recordings in either language, with counts by what they are told apart by.
 *
 * What people type becomes words (cjk2.h); all must be there, the last one may go on (disast finds
 * disaster), each in any text: titles, descriptions, names of place and area, or what was said or
 * shown at a moment (captions, chat, slides), which is then told with its time. There is no query
 * syntax: quotes and operators are only characters between words.
 *
 * Order: recordings with all the words in their titles, then those with all in titles and names of
 * place and area, then in descriptions too, then the others; within each, newest first. Without
 * words: newest first. (bm25 was left out: as all words must match, it weighs only how often they
 * do, needs statistics of every hit, 30 to 45 ms for 35,000, and mixes pages up when only the first
 * is ranked.) */
#pragma once

#include <glib.h>

#include "recordings/db.h"
#include "recordings/moment.h"
#include "recordings/recording.h"
#include "recordings/shelf.h"

#define MNB_SEARCH_TEXT_MAX  200 /* characters; the rest is not looked at */
#define MNB_SEARCH_WORDS_MAX 12
#define MNB_SEARCH_PAGE_MAX  100

typedef struct {
    const char *text;                /* NULL or "": everything */
    const char *filters[MNB_FACETS]; /* a value of each (shelf.h); NULL or "": all */
    gboolean staff;                  /* FALSE: only published and public ones */
    gboolean has_state;              /* staff only: only those in @state */
    MnbRecordingState state;
    guint offset;
    guint limit; /* 1 to MNB_SEARCH_PAGE_MAX */
} MnbSearchQuery;

typedef struct {
    MnbRecording *recording;
    char *snippet_en; /* HTML: escaped text with <mark>; NULL: nothing to show */
    char *snippet_ja;
    MnbMoment *moment; /* that was found; NULL: none. at_us is in the film */
    char *moment_snippet;
} MnbSearchHit;

typedef struct {
    char *code;
    guint count;
} MnbFacet;

typedef struct {
    GPtrArray *hits; /* MnbSearchHit: the page */
    /* MnbFacet: counts with this facet's own filter left out, the others on; most first. */
    GPtrArray *facets[MNB_FACETS];
    guint total; /* all hits */
} MnbSearchResult;

/* Any connection. Never fails for what is typed; what has no word in it ("?!") finds nothing.
 * Returns (owned), or NULL with MNB_ERROR_STORAGE. */
MnbSearchResult *mnb_search(MnbDb *db, const MnbSearchQuery *query, GError **error);
void mnb_search_result_free(MnbSearchResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbSearchResult, mnb_search_result_free)

/* Write. Makes the index anew from the recordings; after a change of the tokenizer. */
gboolean mnb_search_rebuild(MnbDb *db, GError **error);
