/* moment.h - what was said or shown at a moment of a recording: the table `moment`. Captions, chat
 * and slides; they are listed beside the film, shown as WebVTT, and searched (search.h).
 *
 * Times are on the time line of all that was captured; mnb_film_edit_to_film() gives those of the
 * film. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "recordings/capture-timeline.h"
#include "recordings/db.h"

typedef enum { MNB_MOMENT_CAPTION, MNB_MOMENT_CHAT, MNB_MOMENT_SLIDE } MnbMomentKind;

const char *mnb_moment_kind_to_string(MnbMomentKind kind);
gboolean mnb_moment_kind_parse(const char *text, MnbMomentKind *kind);

#define MNB_MOMENTS_MAX     20000 /* of one recording and kind */
#define MNB_MOMENT_TEXT_MAX 2000  /* characters */

typedef struct {
    MnbMomentKind kind;
    char *language; /* BCP 47; "": not known */
    gint64 at_us, end_us;
    char *who; /* as it was shown; may be "" */
    char *text;
} MnbMoment;

void mnb_moment_free(MnbMoment *moment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbMoment, mnb_moment_free)

/* In order of time. Returns (owned): MnbMoment elements. */
GPtrArray *mnb_moment_list(MnbDb *db, const char *recording, MnbMomentKind kind,
                           const char *language, GError **error);

/* Returns (owned): by moment.num; NULL with MNB_ERROR_NOT_FOUND. */
MnbMoment *mnb_moment_find(MnbDb *db, gint64 num, GError **error);

/* Languages of its captions, in order. Returns (owned): char * elements. */
GPtrArray *mnb_moment_languages(MnbDb *db, const char *recording, GError **error);

/* Write. Puts @moments (MnbMoment) in place of all of that kind and, of captions, language;
 * they are found from now on.
 * Errors: MNB_ERROR_INVALID: a text that is none, or more than MNB_MOMENTS_MAX. */
gboolean mnb_moment_replace(MnbDb *db, const char *recording, MnbMomentKind kind,
                            const char *language, GPtrArray *moments, GError **error);

/* The pages of @turns (MnbPageTurn, session-pages.h) as moments, each for as long as it was shown.
 * Adds a chapter to @chapters (as in MnbRecording, and put in order) where slides begin and none is
 * near. Returns (owned): MnbMoment elements. Pure. */
GPtrArray *mnb_moment_slides(const GPtrArray *turns, const MnbCaptureTimeline *timeline,
                             json_t *chapters);

/* Write. Takes the chat to all, final captions and the pages of slides out of the session's log.
 * Left out: what was written while nothing was recorded or in a pause, what went to somebody in
 * particular, and everything of a peer whose last answer about being recorded is not yes. Captions
 * of a language that a person has brought or edited (captions.h) stay as they are. */
gboolean mnb_moments_from_session(MnbDb *db, const char *recording, const char *session,
                                  const MnbCaptureTimeline *timeline, GError **error);
