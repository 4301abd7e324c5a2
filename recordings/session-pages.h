/* session-pages.h - which page of which slides was shown when in a session: read from its log. */
#pragma once
#include "recordings/session-log.h"

#define MNB_SESSION_PAGES_MAX 5000

typedef struct {
    gint64 at_us; /* wall clock */
    char *deck;   /* id; "": nothing is shown from here on */
    char *name;   /* of the deck, as the file was called */
    guint page;   /* from 1 */
} MnbPageTurn;

void mnb_page_turn_free(MnbPageTurn *turn);

/* In order of time. Slides of a peer whose last answer about being recorded is not yes are as if
 * nothing were shown. Returns (owned): MnbPageTurn elements, NULL with @error. */
GPtrArray *mnb_session_pages(MnbDb *db, const char *session, GError **error);
