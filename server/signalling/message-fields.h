/* message-fields.h - the fields of a request as a table: which there are, of what type, how long.
 *
 * Strict like message.h: a field that is not in the table, or out of its bounds, is refused with
 * its name. Pure functions, any thread. */
#pragma once
#include <glib.h>
#include <jansson.h>

typedef enum {
    MNB_FIELD_END,
    MNB_FIELD_PEER,    /* an id */
    MNB_FIELD_ID,      /* an id, or "" */
    MNB_FIELD_TEXT,    /* min..max characters, one line, trimmed */
    MNB_FIELD_LINES,   /* the same with newlines and tabs */
    MNB_FIELD_KEY,     /* 1..64 printable ASCII characters */
    MNB_FIELD_FLAG,    /* true, false */
    MNB_FIELD_NUMBER,  /* min..max */
    MNB_FIELD_WORD,    /* one of words */
    MNB_FIELD_CHANNEL, /* a language tag, or "floor" */
    MNB_FIELD_TEXTS,   /* min..max texts of 1..200 characters */
    MNB_FIELD_INDEXES, /* 0..max numbers below max, each once */
    MNB_FIELD_OBJECTS, /* 0..max objects with `fields` */
} MnbFieldType;

typedef struct MnbFieldSpec MnbFieldSpec;
struct MnbFieldSpec {
    const char *name;
    MnbFieldType type;
    gboolean is_optional;
    gint64 min, max;
    const char *const *words;   /* NULL-terminated */
    const MnbFieldSpec *fields; /* of OBJECTS */
};

/* @root: an object; `kind` and `id` are passed over. @fields: ends with MNB_FIELD_END.
 * Returns (owned): an object with what was named, texts trimmed; NULL with @error of
 * MNB_ROOMS_ERROR. */
json_t *mnb_message_fields(const json_t *root, const MnbFieldSpec *fields, GError **error);

/* Used by message.c too. @text: valid UTF-8. Returns (owned): without white space at both ends;
 * NULL with @error. */
char *mnb_message_take_text(const char *text, const char *field, glong min, glong max,
                            gboolean has_lines, GError **error);
gboolean mnb_message_is_key(const char *text);
gboolean mnb_message_is_language(const char *text);
