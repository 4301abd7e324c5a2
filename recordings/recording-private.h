/* recording-private.h - what only the modules of this folder need of recordings. */
#pragma once

#include "recordings/recording.h"

/* Returns (owned): by the number that the search index uses; NULL with MNB_ERROR_NOT_FOUND. */
MnbRecording *mnb_recording_find_by_num(MnbDb *db, gint64 num, GError **error);

/* Write. With all fields as given, times and state too: from a manifest. */
gboolean mnb_recording_insert_kept(MnbDb *db, const MnbRecording *recording, GError **error);
gboolean mnb_part_insert_kept(MnbDb *db, const char *recording, const MnbPart *part,
                              GError **error);

/* Write. Something that belongs to it was changed in another table: it gets a new revision, and its
 * search text is made anew. Errors: MNB_ERROR_NOT_FOUND. */
gboolean mnb_recording_touch(MnbDb *db, const char *id, GError **error);
