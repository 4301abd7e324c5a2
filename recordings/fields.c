#include "recordings/fields.h"

#include <jansson.h>
#include <string.h>

#include "recordings/event.h"
#include "server/base/error.h"

static gboolean refuse(GError **error, const char *field, const char *what)
{
    g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "%s: %s", field, what);
    return FALSE;
}

gboolean mnb_field_text(const char *field, const char *text, glong max, GError **error)
{
    if (text == NULL)
        return TRUE;
    if (!g_utf8_validate(text, -1, NULL))
        return refuse(error, field, "is not valid UTF-8");
    glong n = 0;
    for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at), n++) {
        gunichar c = g_utf8_get_char(at);
        if ((c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0))
            return refuse(error, field, "has a control character");
        if (n == max) {
            g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "%s: is longer than %ld characters",
                        field, max);
            return FALSE;
        }
    }
    return TRUE;
}

gboolean mnb_field_titles(const char *title_en, const char *title_ja, GError **error)
{
    if (mnb_text(title_en)[0] == '\0' && mnb_text(title_ja)[0] == '\0')
        return refuse(error, "title_en", "a title is needed in at least one language");
    return mnb_field_text("title_en", title_en, MNB_TITLE_MAX, error) &&
           mnb_field_text("title_ja", title_ja, MNB_TITLE_MAX, error);
}

/* en, ja, pt-BR, zh-Hant-TW: subtags of 1 to 8 letters or digits, the first of 2 to 8 letters. */
static gboolean is_language_tag(const char *tag)
{
    guint subtag = 0;
    guint length = 0;
    for (const char *at = tag;; at++) {
        if (*at == '-' || *at == '\0') {
            if (length < (subtag == 0 ? 2 : 1) || length > 8)
                return FALSE;
            if (*at == '\0')
                return at - tag <= 35;
            subtag++;
            length = 0;
        } else if (g_ascii_isalpha(*at) || (subtag > 0 && g_ascii_isdigit(*at))) {
            length++;
        } else {
            return FALSE;
        }
    }
}

gboolean mnb_field_languages(char *const *languages, guint min, GError **error)
{
    guint n = 0;
    for (; languages != NULL && languages[n] != NULL; n++) {
        if (n == MNB_LANGUAGES_MAX)
            return refuse(error, "languages", "too many");
        if (!is_language_tag(languages[n]))
            return refuse(error, "languages", "not a BCP 47 language tag such as en or ja");
        for (guint i = 0; i < n; i++)
            if (g_ascii_strcasecmp(languages[i], languages[n]) == 0)
                return refuse(error, "languages", "one is there twice");
    }
    if (n < min)
        return refuse(error, "languages", "at least one is needed");
    return TRUE;
}

static gboolean field_json(const char *field, const char *text, gsize max, json_type type,
                           GError **error)
{
    if (strnlen(text, max + 1) > max)
        return refuse(error, field, "is too long");
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    gboolean is_right = json != NULL && json_typeof(json) == type;
    json_decref(json);
    if (is_right)
        return TRUE;
    return refuse(error, field,
                  type == JSON_OBJECT ? "is not a JSON object" : "is not a JSON array");
}

gboolean mnb_field_object(const char *field, const char *text, gsize max, GError **error)
{
    if (text == NULL)
        return refuse(error, field, "is missing");
    return field_json(field, text, max, JSON_OBJECT, error);
}

gboolean mnb_field_array(const char *field, const char *text, gsize max, GError **error)
{
    return text == NULL || field_json(field, text, max, JSON_ARRAY, error);
}

static gboolean field_code(MnbDb *db, const char *sql, const char *field, const char *code,
                           GError **error)
{
    if (mnb_text(code)[0] == '\0')
        return refuse(error, field, "is needed");
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, sql, error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, code);
    int result = mnb_stmt_step(stmt, error);
    if (result == 0)
        return refuse(error, field, "there is no such code");
    return result > 0;
}

gboolean mnb_field_area(MnbDb *db, const char *code, GError **error)
{
    return field_code(db, "SELECT 1 FROM area WHERE code = ?1", "area", code, error);
}

gboolean mnb_field_city(MnbDb *db, const char *code, GError **error)
{
    return field_code(db, "SELECT 1 FROM city WHERE code = ?1", "city", code, error);
}

char *mnb_languages_to_json(char *const *languages)
{
    GString *json = g_string_new("[");
    for (guint i = 0; languages != NULL && languages[i] != NULL; i++)
        g_string_append_printf(json, "%s\"%s\"", i > 0 ? "," : "", languages[i]);
    g_string_append_c(json, ']');
    return g_string_free(json, FALSE);
}

char **mnb_languages_from_json(const char *json)
{
    g_autoptr(GStrvBuilder) languages = g_strv_builder_new();
    json_t *array = json == NULL ? NULL : json_loads(json, 0, NULL);
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
    {
        if (json_is_string(item))
            g_strv_builder_add(languages, json_string_value(item));
    }
    json_decref(array);
    return g_strv_builder_end(languages);
}

int mnb_name_index(const char *const *names, guint n_names, const char *text)
{
    for (guint i = 0; text != NULL && i < n_names; i++)
        if (strcmp(names[i], text) == 0)
            return (int)i;
    return -1;
}

const char *mnb_text(const char *text)
{
    return text == NULL ? "" : text;
}

gboolean mnb_set_not_found(GError **error, const char *kind, const char *id)
{
    g_set_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND, "no %s %s", kind, id == NULL ? "" : id);
    return FALSE;
}
