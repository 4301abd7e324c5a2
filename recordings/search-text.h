/* search-text.h - the searchable text of recordings: the table that FTS5 indexes. */
#pragma once

#include "recordings/db.h"

/* Write. Inserts or replaces the searchable text of one recording, from its row and the names of
 * its place and area. */
gboolean mnb_search_text_put(MnbDb *db, const char *recording, GError **error);

/* Write. The same for all. */
gboolean mnb_search_text_put_all(MnbDb *db, GError **error);
