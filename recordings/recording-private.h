/* recording-private.h - what only the modules of this folder need of recordings. */
#pragma once

#include "recordings/recording.h"

/* Returns (owned): by the number that the search index uses; NULL with MNB_ERROR_NOT_FOUND. */
MnbRecording *mnb_recording_find_by_num(MnbDb *db, gint64 num, GError **error);

/* Write. With all fields as given, times and state too: from a manifest. */
gboolean mnb_recording_insert_kept(MnbDb *db, const MnbRecording *recording, GError **error);
gboolean mnb_part_insert_kept(MnbDb *db, const char *recording, const MnbPart *part,
                              GError **error);
