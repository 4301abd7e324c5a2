/* follow-up.h - questions to the city, asked beside a film by whoever watches it: the table
 * `follow_up`. Staff answer; only what is answered and shown is seen by others. */
#pragma once

#include <glib.h>

#include "recordings/db.h"

#define MNB_FOLLOW_UP_TEXT_MAX   1000 /* characters */
#define MNB_FOLLOW_UP_ANSWER_MAX 4000
#define MNB_FOLLOW_UP_NAME_MAX   100
#define MNB_FOLLOW_UP_OPEN_MAX   200 /* unanswered ones of one film */

typedef enum { MNB_FOLLOW_UP_OPEN, MNB_FOLLOW_UP_SHOWN, MNB_FOLLOW_UP_HIDDEN } MnbFollowUpState;

const char *mnb_follow_up_state_to_string(MnbFollowUpState state);
gboolean mnb_follow_up_state_parse(const char *text, MnbFollowUpState *state);

typedef struct {
    char *id;
    char *recording;
    char *name; /* as the asker gave it; may be "" */
    char *text;
    gint64 asked_us;
    char *answer_en, *answer_ja;
    char *answered_by; /* actor */
    gint64 answered_us;
    MnbFollowUpState state;
} MnbFollowUp;

void mnb_follow_up_free(MnbFollowUp *question);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbFollowUp, mnb_follow_up_free)

/* Oldest first. @all: also what is open or hidden. Returns (owned): MnbFollowUp elements. */
GPtrArray *mnb_follow_up_list(MnbDb *db, const char *recording, gboolean all, GError **error);

/* Write. Sets id. Errors: MNB_ERROR_INVALID, MNB_ERROR_LIMIT (too many wait for an answer). */
gboolean mnb_follow_up_insert(MnbDb *db, MnbFollowUp *question, gint64 now_us, GError **error);

/* Write. The answers, by whom, and the state; NULL answers stay. Errors: MNB_ERROR_NOT_FOUND;
 * MNB_ERROR_INVALID (shown without an answer). */
gboolean mnb_follow_up_answer(MnbDb *db, const char *recording, const char *id,
                              const char *answer_en, const char *answer_ja, const char *state,
                              const char *actor, gint64 now_us, GError **error);
