/* fields.h - reads the JSON object of a request, field by field, and says which fields are wrong.
 *
 *     MnbFields *fields = mnb_fields_new(body, len, &problem);
 *     mnb_fields_text(fields, "title_en", 0, 200, &title);
 *     mnb_fields_number(fields, "duration_s", 60, 604800, &duration_s);
 *     problem = mnb_fields_finish(fields);
 *
 * Each reader answers TRUE when the field is there and right, and only then writes its result. A
 * wrong field is noted; finish() turns all notes into one problem 422. A field that nobody read is
 * wrong too, so that a misspelt name does not pass in silence. One thread at a time.
 */
#pragma once
#include "server/http/problem.h"
#include <glib.h>
#include <jansson.h>

typedef struct MnbFields MnbFields;

/* Accepts one JSON object of at most MNB_HTTP_JSON_DEPTH_MAX levels, without double names.
 * Returns (owned): NULL with *problem_out (owned; 400 "bad-json") when it is not one. */
MnbFields *mnb_fields_new(const char *body, gsize len, MnbProblem **problem_out);
void mnb_fields_free(MnbFields *fields); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbFields, mnb_fields_free)

gboolean mnb_fields_has(MnbFields *fields, const char *name);

/* @min, @max: characters after blanks around it were taken off. The text is NFC and has no control
 * characters besides line feed (and that only when @max is above 500).
 * @text_out (borrowed until free). */
gboolean mnb_fields_text(MnbFields *fields, const char *name, guint min, guint max,
                         const char **text_out);
/* As it is, nothing taken off: passwords and tokens. @max: bytes. */
gboolean mnb_fields_secret(MnbFields *fields, const char *name, guint max, const char **text_out);
/* As it is: the caller looks at its type and at what is in it. @value_out (borrowed until free). */
gboolean mnb_fields_json(MnbFields *fields, const char *name, const json_t **value_out);
gboolean mnb_fields_number(MnbFields *fields, const char *name, gint64 min, gint64 max,
                           gint64 *number_out);
gboolean mnb_fields_flag(MnbFields *fields, const char *name, gboolean *flag_out);
/* @choices: NULL-terminated. @choice_out: one of them (static as they are). */
gboolean mnb_fields_choice(MnbFields *fields, const char *name, const char *const *choices,
                           const char **choice_out);
/* RFC 3339 between 1970 and 2200; microseconds since 1970 UTC. With @may_be_null, null gives 0. */
gboolean mnb_fields_time(MnbFields *fields, const char *name, gboolean may_be_null,
                         gint64 *wall_us_out);
/* An IANA name that this machine knows, e.g. "Asia/Tokyo". @zone_out (borrowed until free). */
gboolean mnb_fields_time_zone(MnbFields *fields, const char *name, const char **zone_out);
/* @min to @max different BCP 47 tags. @tags_out (owned; NULL-terminated). */
gboolean mnb_fields_languages(MnbFields *fields, const char *name, guint min, guint max,
                              char ***tags_out);

/* At most @max different strings. @codes_out (owned; NULL-terminated). */
gboolean mnb_fields_codes(MnbFields *fields, const char *name, guint max, char ***codes_out);
/* A list of at most @max objects. */
gboolean mnb_fields_list(MnbFields *fields, const char *name, guint max, guint *n_out);
/* Its object @i, read like a request of its own: what is wrong with it is noted in @fields, under
 * names as "agenda[2].title_en"; mnb_fields_finish() notes what nobody read, and returns NULL.
 * Returns (owned; @fields must live longer): NULL, noted, when it is no object. */
MnbFields *mnb_fields_item(MnbFields *fields, const char *name, guint i);

/* Notes @code ("required", "unknown", ...) for a field whose value was read but does not fit. */
void mnb_fields_wrong(MnbFields *fields, const char *name, const char *code);
/* Notes "required" when the field is absent. */
void mnb_fields_require(MnbFields *fields, const char *name);

/* Returns (owned): NULL when everything was right; else 422 "invalid" with every wrong field. */
MnbProblem *mnb_fields_finish(MnbFields *fields);

/* Language tags as RFC 5646 writes them, simply: 2-3 letters, then parts of 2-8 letters or digits.
 */
gboolean mnb_language_is_valid(const char *tag);
/* An identifier of the time zone database of this machine. */
gboolean mnb_time_zone_is_valid(const char *zone);
