/* captions.h - captions that people brought or edited: the table `caption_track` beside the cues in
 * `moment` (moment.h). What was typed live is a track without a row, of revision 0; once a person
 * has touched a language, captions out of the session's log never come back over it. */
#pragma once

#include "recordings/moment.h"

#define MNB_CAPTION_LANGUAGES_MAX 12 /* of one recording */

typedef struct {
    char *language;
    gint64 revision; /* 0: as typed live */
    gint64 updated_us;
    guint n_cues;
} MnbCaptionTrack;

void mnb_caption_track_free(MnbCaptionTrack *track);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbCaptionTrack, mnb_caption_track_free)

/* Those with cues, by language. Returns (owned): MnbCaptionTrack elements. */
GPtrArray *mnb_caption_track_list(MnbDb *db, const char *recording, GError **error);

/* 0: nobody touched it. Returns -1 with @error. */
gint64 mnb_caption_track_revision(MnbDb *db, const char *recording, const char *language,
                                  GError **error);

/* Write. Puts @cues (MnbMoment, on the time line of what was captured; their languages do not
 * count) in place of that language's; an empty list takes them away. @if_revision: what the
 * writer had before him, -1 for whatever is there. @revision_out: the new one; NULL allowed.
 * Errors: MNB_ERROR_CONFLICT (another revision is there), MNB_ERROR_INVALID, MNB_ERROR_LIMIT (too
 * many languages). */
gboolean mnb_caption_track_put(MnbDb *db, const char *recording, const char *language,
                               GPtrArray *cues, gint64 if_revision, gint64 now_us,
                               gint64 *revision_out, GError **error);
