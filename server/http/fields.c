#include "server/http/fields.h"
#include "server/base/clock.h"
#include "server/base/json-depth.h"
#include "server/http/http.h"
#include <jansson.h>
#include <string.h>

#define WRONG_MAX    MNB_PROBLEM_FIELDS_MAX
#define LINES_ABOVE  500 /* a text that may be longer than this may have several lines */
#define YEAR_2200_US (G_GINT64_CONSTANT(7258118400) * G_USEC_PER_SEC)

struct MnbFields {
    json_t *object;
    GHashTable *read; /* names that a reader asked for; static strings */
    GPtrArray *kept;  /* strings lent to callers */
    MnbProblem *problem;
    MnbFields *parent; /* of an item of a list: told what is wrong; borrowed */
    char *prefix;      /* "agenda[2]." */
};

static MnbFields *new_fields(json_t *object)
{
    MnbFields *fields = g_new0(MnbFields, 1);
    fields->object = object;
    fields->read = g_hash_table_new(g_str_hash, g_str_equal);
    fields->kept = g_ptr_array_new_with_free_func(g_free);
    return fields;
}

MnbFields *mnb_fields_new(const char *body, gsize len, MnbProblem **problem_out)
{
    json_error_t wrong;
    if (mnb_json_depth(body, len) > MNB_HTTP_JSON_DEPTH_MAX) {
        *problem_out = mnb_problem_new(400, "bad-json", "the JSON is nested deeper than %d levels",
                                       MNB_HTTP_JSON_DEPTH_MAX);
        return NULL;
    }
    json_t *object = json_loadb(body, len, JSON_REJECT_DUPLICATES, &wrong);
    if (object == NULL) {
        *problem_out = mnb_problem_new(400, "bad-json", "the body is not JSON: line %d: %s",
                                       wrong.line, wrong.text);
        return NULL;
    }
    if (!json_is_object(object)) {
        json_decref(object);
        *problem_out = mnb_problem_new(400, "bad-json", "the body must be a JSON object");
        return NULL;
    }
    return new_fields(object);
}

void mnb_fields_free(MnbFields *fields)
{
    if (fields == NULL)
        return;
    json_decref(fields->object);
    g_hash_table_unref(fields->read);
    g_ptr_array_unref(fields->kept);
    mnb_problem_free(fields->problem);
    g_free(fields->prefix);
    g_free(fields);
}

static const char *keep(MnbFields *fields, char *text)
{
    g_ptr_array_add(fields->kept, text);
    return text;
}

void mnb_fields_wrong(MnbFields *fields, const char *name, const char *code)
{
    g_hash_table_add(fields->read, (gpointer)name);
    if (fields->parent != NULL) {
        char *path = g_strconcat(fields->prefix, name, NULL);
        mnb_fields_wrong(fields->parent, keep(fields->parent, path), code);
        return;
    }
    if (fields->problem == NULL)
        fields->problem = mnb_problem_new(
            422, "invalid", "some fields are missing or not right; \"errors\" names them");
    mnb_problem_add_field(fields->problem, name, code);
}

static json_t *find(MnbFields *fields, const char *name)
{
    g_hash_table_add(fields->read, (gpointer)name);
    return json_object_get(fields->object, name);
}

gboolean mnb_fields_has(MnbFields *fields, const char *name)
{
    return find(fields, name) != NULL;
}

void mnb_fields_require(MnbFields *fields, const char *name)
{
    if (!mnb_fields_has(fields, name))
        mnb_fields_wrong(fields, name, "required");
}

/* Returns (borrowed): the string of a field; NULL when absent or, noted, of another type. */
static const char *find_string(MnbFields *fields, const char *name)
{
    json_t *value = find(fields, name);
    if (value == NULL)
        return NULL;
    if (!json_is_string(value)) {
        mnb_fields_wrong(fields, name, "wrong-type");
        return NULL;
    }
    return json_string_value(value);
}

static gboolean has_control_characters(const char *text, gboolean may_have_lines)
{
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (c == '\n' && may_have_lines)
            continue;
        /* also the marks that turn the direction of what stands around a title */
        if (g_unichar_iscntrl(c) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
            return TRUE;
    }
    return FALSE;
}

gboolean mnb_fields_json(MnbFields *fields, const char *name, const json_t **value_out)
{
    const json_t *value = find(fields, name);
    if (value == NULL)
        return FALSE;
    *value_out = value;
    return TRUE;
}

gboolean mnb_fields_text(MnbFields *fields, const char *name, guint min, guint max,
                         const char **text_out)
{
    const char *raw = find_string(fields, name);
    if (raw == NULL)
        return FALSE;
    char *text = g_utf8_normalize(raw, -1, G_NORMALIZE_DEFAULT_COMPOSE);
    if (text == NULL) {
        mnb_fields_wrong(fields, name, "bad-characters");
        return FALSE;
    }
    keep(fields, text);
    g_strstrip(text);
    glong characters = g_utf8_strlen(text, -1);
    if (characters < (glong)min)
        mnb_fields_wrong(fields, name, characters == 0 ? "required" : "too-short");
    else if (characters > (glong)max)
        mnb_fields_wrong(fields, name, "too-long");
    else if (has_control_characters(text, max > LINES_ABOVE))
        mnb_fields_wrong(fields, name, "bad-characters");
    else {
        *text_out = text;
        return TRUE;
    }
    return FALSE;
}

gboolean mnb_fields_secret(MnbFields *fields, const char *name, guint max, const char **text_out)
{
    const char *text = find_string(fields, name);
    if (text == NULL)
        return FALSE;
    if (strlen(text) > max) {
        mnb_fields_wrong(fields, name, "too-long");
        return FALSE;
    }
    *text_out = text;
    return TRUE;
}

gboolean mnb_fields_number(MnbFields *fields, const char *name, gint64 min, gint64 max,
                           gint64 *number_out)
{
    json_t *value = find(fields, name);
    if (value == NULL)
        return FALSE;
    if (!json_is_integer(value)) {
        mnb_fields_wrong(fields, name, "wrong-type");
        return FALSE;
    }
    gint64 number = json_integer_value(value);
    if (number < min || number > max) {
        mnb_fields_wrong(fields, name, "out-of-range");
        return FALSE;
    }
    *number_out = number;
    return TRUE;
}

gboolean mnb_fields_flag(MnbFields *fields, const char *name, gboolean *flag_out)
{
    json_t *value = find(fields, name);
    if (value == NULL)
        return FALSE;
    if (!json_is_boolean(value)) {
        mnb_fields_wrong(fields, name, "wrong-type");
        return FALSE;
    }
    *flag_out = json_is_true(value);
    return TRUE;
}

gboolean mnb_fields_choice(MnbFields *fields, const char *name, const char *const *choices,
                           const char **choice_out)
{
    const char *text = find_string(fields, name);
    if (text == NULL)
        return FALSE;
    for (guint i = 0; choices[i] != NULL; i++) {
        if (strcmp(choices[i], text) == 0) {
            *choice_out = choices[i];
            return TRUE;
        }
    }
    mnb_fields_wrong(fields, name, "unknown");
    return FALSE;
}

gboolean mnb_fields_time(MnbFields *fields, const char *name, gboolean may_be_null,
                         gint64 *wall_us_out)
{
    if (may_be_null && json_is_null(find(fields, name))) {
        *wall_us_out = 0;
        return TRUE;
    }
    const char *text = find_string(fields, name);
    if (text == NULL)
        return FALSE;
    gint64 wall_us;
    if (!mnb_time_from_rfc3339(text, &wall_us)) {
        mnb_fields_wrong(fields, name, "not-a-time");
        return FALSE;
    }
    if (wall_us <= 0 || wall_us >= YEAR_2200_US) {
        mnb_fields_wrong(fields, name, "out-of-range");
        return FALSE;
    }
    *wall_us_out = wall_us;
    return TRUE;
}

gboolean mnb_time_zone_is_valid(const char *zone)
{
    gsize len = strlen(zone);
    if (len == 0 || len > 64 || !g_ascii_isalpha(zone[0]) || strstr(zone, "..") != NULL ||
        strstr(zone, "//") != NULL || zone[len - 1] == '/' ||
        strspn(zone, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") != len)
        return FALSE;
    if (strcmp(zone, "UTC") == 0)
        return TRUE;
    /* GLib also takes POSIX rules such as "JST-9", which no browser understands */
    if (strchr(zone, '/') == NULL)
        return FALSE;
    GTimeZone *found = g_time_zone_new_identifier(zone);
    if (found == NULL)
        return FALSE;
    gboolean is_same = strcmp(g_time_zone_get_identifier(found), zone) == 0;
    g_time_zone_unref(found);
    return is_same;
}

gboolean mnb_fields_time_zone(MnbFields *fields, const char *name, const char **zone_out)
{
    const char *zone = find_string(fields, name);
    if (zone == NULL)
        return FALSE;
    if (!mnb_time_zone_is_valid(zone)) {
        mnb_fields_wrong(fields, name, "unknown");
        return FALSE;
    }
    *zone_out = zone;
    return TRUE;
}

gboolean mnb_language_is_valid(const char *tag)
{
    if (strlen(tag) > 35)
        return FALSE;
    g_auto(GStrv) parts = g_strsplit(tag, "-", 8);
    for (guint i = 0; parts[i] != NULL; i++) {
        gsize len = strlen(parts[i]);
        if (i == 0 ? len < 2 || len > 3 : len < 2 || len > 8)
            return FALSE;
        for (const char *p = parts[i]; *p != '\0'; p++)
            if (i == 0 ? !g_ascii_isalpha(*p) : !g_ascii_isalnum(*p))
                return FALSE;
    }
    return parts[0] != NULL;
}

static const char *wrong_with_languages(json_t *list, guint min, guint max)
{
    if (!json_is_array(list))
        return "wrong-type";
    if (json_array_size(list) < min)
        return "required";
    if (json_array_size(list) > max)
        return "too-many";
    for (gsize i = 0; i < json_array_size(list); i++) {
        const char *tag = json_string_value(json_array_get(list, i));
        if (tag == NULL)
            return "wrong-type";
        if (!mnb_language_is_valid(tag))
            return "unknown";
        for (gsize k = 0; k < i; k++)
            if (g_ascii_strcasecmp(tag, json_string_value(json_array_get(list, k))) == 0)
                return "twice";
    }
    return NULL;
}

gboolean mnb_fields_languages(MnbFields *fields, const char *name, guint min, guint max,
                              char ***tags_out)
{
    json_t *list = find(fields, name);
    if (list == NULL)
        return FALSE;
    const char *wrong = wrong_with_languages(list, min, max);
    if (wrong != NULL) {
        mnb_fields_wrong(fields, name, wrong);
        return FALSE;
    }
    gsize n = json_array_size(list);
    char **tags = g_new0(char *, n + 1);
    for (gsize i = 0; i < n; i++)
        tags[i] = g_strdup(json_string_value(json_array_get(list, i)));
    *tags_out = tags;
    return TRUE;
}

gboolean mnb_fields_codes(MnbFields *fields, const char *name, guint max, char ***codes_out)
{
    json_t *list = find(fields, name);
    if (list == NULL)
        return FALSE;
    gsize n = json_array_size(list);
    if (!json_is_array(list) || n > max) {
        mnb_fields_wrong(fields, name, json_is_array(list) ? "too-many" : "wrong-type");
        return FALSE;
    }
    g_autoptr(GStrvBuilder) codes = g_strv_builder_new();
    for (gsize i = 0; i < n; i++) {
        const char *code = json_string_value(json_array_get(list, i));
        const char *wrong = code == NULL ? "wrong-type" : NULL;
        for (gsize k = 0; wrong == NULL && k < i; k++)
            if (strcmp(code, json_string_value(json_array_get(list, k))) == 0)
                wrong = "twice";
        if (wrong != NULL) {
            mnb_fields_wrong(fields, name, wrong);
            return FALSE;
        }
        g_strv_builder_add(codes, code);
    }
    *codes_out = g_strv_builder_end(codes);
    return TRUE;
}

gboolean mnb_fields_list(MnbFields *fields, const char *name, guint max, guint *n_out)
{
    json_t *list = find(fields, name);
    if (list == NULL)
        return FALSE;
    if (!json_is_array(list) || json_array_size(list) > max) {
        mnb_fields_wrong(fields, name, json_is_array(list) ? "too-many" : "wrong-type");
        return FALSE;
    }
    *n_out = (guint)json_array_size(list);
    return TRUE;
}

MnbFields *mnb_fields_item(MnbFields *fields, const char *name, guint i)
{
    json_t *object = json_array_get(find(fields, name), i);
    if (!json_is_object(object)) {
        mnb_fields_wrong(fields, name, "wrong-type");
        return NULL;
    }
    MnbFields *item = new_fields(json_incref(object));
    item->parent = fields;
    item->prefix = g_strdup_printf("%s[%u].", name, i);
    return item;
}

MnbProblem *mnb_fields_finish(MnbFields *fields)
{
    const char *name;
    json_t *value;
    json_object_foreach(fields->object, name, value)
    {
        if (g_hash_table_contains(fields->read, name))
            continue;
        g_autofree char *shown = g_strndup(name, 64);
        g_autofree char *valid = g_utf8_make_valid(shown, -1);
        g_hash_table_add(fields->read, (gpointer)keep(fields, g_strdup(name)));
        mnb_fields_wrong(fields, keep(fields, g_strdup(valid)), "unknown-field");
    }
    return g_steal_pointer(&fields->problem);
}
