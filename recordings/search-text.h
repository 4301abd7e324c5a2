/* search-text.h - the searchable text of recordings: the table that FTS5 indexes.
 *
 * What was said (captions, chat, slides: moment.h) is one text, a moment a line, of those that are
 * in the film that is there. search_said.marks tells which moment a word of it is of. */
#pragma once

#include "recordings/db.h"

/* Write. Inserts or replaces the searchable text of one recording, from its row, the names of its
 * place and area, the titles of what belongs to it (product.h), and its moments. */
gboolean mnb_search_text_put(MnbDb *db, const char *recording, GError **error);

/* Write. The same for all, without their moments: when names of places changed. */
gboolean mnb_search_text_put_all(MnbDb *db, GError **error);

/* Write. At a start: takes up the moments of a catalogue from before they were searched. */
gboolean mnb_search_text_put_said_once(MnbDb *db, GError **error);

/* A moment in the text of what was said: 16 bytes, little endian, in order. */
typedef struct {
    guint32 token;   /* its first, counted as FTS5 counts them in that column */
    guint32 film_ms; /* when it is, in the film */
    gint64 num;      /* moment.num */
} MnbSaidMark;
