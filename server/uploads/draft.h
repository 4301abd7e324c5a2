/* draft.h - what somebody typed about a film, while it uploads and until it is a recording.
 *
 * A draft is a JSON object of these fields, each absent or of the right form: title_en, title_ja,
 * description_en, description_ja, place_en, place_ja, series (texts), area, city (codes),
 * visited_on
 * ("2026-11-24"), people, licence, audience (choices), languages (list), publish (boolean: without
 * a review). Pure functions; any thread. */
#pragma once
#include "recordings/recording.h"
#include "recordings/visit.h"
#include <jansson.h>

/* What of a whole draft is missing or does not go together: called with each field and code
 * ("required", "consent"). Returns: TRUE when it can become a recording. */
gboolean mnb_draft_check(const json_t *draft,
                         void (*wrong)(const char *field, const char *code, gpointer data),
                         gpointer data);

/* The recording (id and folder: @id; origin upload) and visit that a good draft describes. Both
 * owned by the caller. */
void mnb_draft_read(const json_t *draft, const char *id, gint64 now_us,
                    MnbRecording **recording_out, MnbVisit **visit_out);
