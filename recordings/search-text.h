/* search-text.h - what the modules of this folder share about recordings and their search text. */
#pragma once

#include "recordings/recording.h"

/* Write. Inserts or replaces the searchable text of one recording, from its row and the names of
 * its place and area. */
gboolean mnb_search_text_put(MnbDb *db, const char *recording, GError **error);

/* Write. The same for all. */
gboolean mnb_search_text_put_all(MnbDb *db, GError **error);

/* Returns (owned): by the number that the index uses. */
MnbRecording *mnb_recording_find_by_num(MnbDb *db, gint64 num, GError **error);

/* Write. With all fields as given, times and state too: from a manifest. */
gboolean mnb_recording_insert_kept(MnbDb *db, const MnbRecording *recording, GError **error);
gboolean mnb_part_insert_kept(MnbDb *db, const char *recording, const MnbPart *part,
                              GError **error);
