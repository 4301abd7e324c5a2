#include "server/signalling/message-fields.h"
#include "server/base/ids.h"
#include "server/rooms/request.h"
#include "server/rooms/rooms.h"
#include <string.h>

#define LANGUAGE_MAX  35 /* BCP 47, RFC 5646 4.4.1 */
#define LIST_TEXT_MAX 200
#define INDEXES_MAX   32

static gboolean fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean fail(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_BAD_MESSAGE, text);
    return FALSE;
}

/* Control characters, line separators and what turns the direction of writing for what follows:
 * a name may not break out of its place. */
static gboolean is_allowed(gunichar c, gboolean has_lines)
{
    if (has_lines && (c == '\n' || c == '\t'))
        return TRUE;
    if (g_unichar_iscntrl(c) || c == 0x2028 || c == 0x2029)
        return FALSE;
    return has_lines || !((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069));
}

char *mnb_message_take_text(const char *text, const char *field, glong min, glong max,
                            gboolean has_lines, GError **error)
{
    glong length = g_utf8_strlen(text, -1);
    if (length > max) {
        fail(error, "%s is longer than %ld characters", field, max);
        return NULL;
    }
    for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at)) {
        if (!is_allowed(g_utf8_get_char(at), has_lines)) {
            fail(error, "%s has a control character", field);
            return NULL;
        }
    }
    char *copy = g_strdup(text);
    g_strstrip(copy);
    if (g_utf8_strlen(copy, -1) < min) {
        fail(error, "%s is empty", field);
        g_free(copy);
        return NULL;
    }
    return copy;
}

gboolean mnb_message_is_key(const char *text)
{
    gsize len = strlen(text);
    if (len == 0 || len > MNB_CHAT_KEY_MAX)
        return FALSE;
    for (const char *c = text; *c != '\0'; c++)
        if (!g_ascii_isprint(*c))
            return FALSE;
    return TRUE;
}

gboolean mnb_message_is_language(const char *text)
{
    if (strlen(text) > LANGUAGE_MAX)
        return FALSE;
    for (const char *c = text; *c != '\0'; c++)
        if (!g_ascii_isalnum(*c) && *c != '-')
            return FALSE;
    return TRUE;
}

static json_t *take_string(const json_t *value, const MnbFieldSpec *spec, GError **error)
{
    const char *text = json_string_value(value);
    if (text == NULL) {
        fail(error, "%s is not a text", spec->name);
        return NULL;
    }
    if (spec->type == MNB_FIELD_TEXT || spec->type == MNB_FIELD_LINES) {
        g_autofree char *taken =
            mnb_message_take_text(text, spec->name, (glong)spec->min, (glong)spec->max,
                                  spec->type == MNB_FIELD_LINES, error);
        return taken != NULL ? json_string(taken) : NULL;
    }
    gboolean is_good = FALSE;
    if (spec->type == MNB_FIELD_PEER)
        is_good = mnb_id_is_valid(text);
    else if (spec->type == MNB_FIELD_ID)
        is_good = *text == '\0' || mnb_id_is_valid(text);
    else if (spec->type == MNB_FIELD_KEY)
        is_good = mnb_message_is_key(text);
    else if (spec->type == MNB_FIELD_CHANNEL)
        is_good = *text != '\0' && mnb_message_is_language(text);
    else if (spec->type == MNB_FIELD_WORD)
        is_good = g_strv_contains(spec->words, text);
    if (is_good)
        return json_string(text);
    fail(error, "%s is not what it may be", spec->name);
    return NULL;
}

static json_t *take_number(const json_t *value, const MnbFieldSpec *spec, GError **error)
{
    if (json_is_integer(value) && json_integer_value(value) >= spec->min &&
        json_integer_value(value) <= spec->max)
        return json_integer(json_integer_value(value));
    fail(error, "%s is not a number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, spec->name,
         spec->min, spec->max);
    return NULL;
}

static json_t *take_item(const json_t *item, const MnbFieldSpec *spec, guint32 *seen,
                         GError **error)
{
    if (spec->type == MNB_FIELD_TEXTS) {
        MnbFieldSpec text = {spec->name, MNB_FIELD_TEXT, .min = 1, .max = LIST_TEXT_MAX};
        return take_string(item, &text, error);
    }
    if (spec->type == MNB_FIELD_OBJECTS)
        return json_is_object(item) ? mnb_message_fields(item, spec->fields, error)
                                    : (fail(error, "%s has no object", spec->name), NULL);
    MnbFieldSpec index = {spec->name, MNB_FIELD_NUMBER, .min = 0,
                          .max = MIN(spec->max, INDEXES_MAX) - 1};
    json_t *number = take_number(item, &index, error);
    guint32 bit = number != NULL ? 1u << json_integer_value(number) : 0;
    if (number != NULL && (*seen & bit) != 0) {
        json_decref(number);
        fail(error, "%s has a number twice", spec->name);
        return NULL;
    }
    *seen |= bit;
    return number;
}

static json_t *take_list(const json_t *value, const MnbFieldSpec *spec, GError **error)
{
    guint32 seen = 0;
    if (!json_is_array(value)) {
        fail(error, "%s is not an array", spec->name);
        return NULL;
    }
    if ((gint64)json_array_size(value) > spec->max) {
        g_set_error(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_TOO_MANY,
                    "%s: at most %" G_GINT64_FORMAT, spec->name, spec->max);
        return NULL;
    }
    if ((gint64)json_array_size(value) < spec->min) {
        fail(error, "%s: at least %" G_GINT64_FORMAT, spec->name, spec->min);
        return NULL;
    }
    json_t *list = json_array();
    for (gsize i = 0; i < json_array_size(value); i++) {
        json_t *item = take_item(json_array_get(value, i), spec, &seen, error);
        if (item == NULL) {
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *take_field(const json_t *value, const MnbFieldSpec *spec, GError **error)
{
    switch (spec->type) {
    case MNB_FIELD_FLAG:
        if (json_is_boolean(value))
            return json_boolean(json_is_true(value));
        fail(error, "%s is neither true nor false", spec->name);
        return NULL;
    case MNB_FIELD_NUMBER:
        return take_number(value, spec, error);
    case MNB_FIELD_TEXTS:
    case MNB_FIELD_INDEXES:
    case MNB_FIELD_OBJECTS:
        return take_list(value, spec, error);
    default:
        return take_string(value, spec, error);
    }
}

static const MnbFieldSpec *find_spec(const MnbFieldSpec *fields, const char *name)
{
    for (; fields->type != MNB_FIELD_END; fields++)
        if (strcmp(fields->name, name) == 0)
            return fields;
    return NULL;
}

static gboolean has_only(const json_t *root, const MnbFieldSpec *fields, GError **error)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)root, name, value)
    {
        if (strcmp(name, "kind") == 0 || strcmp(name, "id") == 0 || find_spec(fields, name) != NULL)
            continue;
        g_autofree char *printable = g_utf8_make_valid(name, (gssize)strnlen(name, 40));
        return fail(error, "there is no field %s", printable);
    }
    return TRUE;
}

json_t *mnb_message_fields(const json_t *root, const MnbFieldSpec *fields, GError **error)
{
    if (!has_only(root, fields, error))
        return NULL;
    json_t *taken = json_object();
    for (const MnbFieldSpec *spec = fields; spec->type != MNB_FIELD_END; spec++) {
        const json_t *value = json_object_get(root, spec->name);
        if (value == NULL && spec->is_optional)
            continue;
        json_t *one = value != NULL ? take_field(value, spec, error) : NULL;
        if (value == NULL)
            fail(error, "%s is missing", spec->name);
        if (one == NULL) {
            json_decref(taken);
            return NULL;
        }
        json_object_set_new(taken, spec->name, one);
    }
    return taken;
}
