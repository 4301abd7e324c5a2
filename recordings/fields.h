/* fields.h - checks and small conversions that the tables of the catalogue share. Any thread. */
#pragma once

#include <glib.h>

#include "recordings/db.h"

/* All give MNB_ERROR_INVALID with a text that begins with @field. */

/* Valid UTF-8 of at most @max characters without control characters other than line feed and tab.
 * NULL is "". */
gboolean mnb_field_text(const char *field, const char *text, glong max, GError **error);

/* Two titles, at least one of them not empty. */
gboolean mnb_field_titles(const char *title_en, const char *title_ja, GError **error);

/* @min to MNB_LANGUAGES_MAX language tags (BCP 47), none twice. NULL is an empty list. */
gboolean mnb_field_languages(char *const *languages, guint min, GError **error);

/* A JSON object of at most @max bytes. */
gboolean mnb_field_object(const char *field, const char *text, gsize max, GError **error);

/* A JSON array of at most @max bytes; NULL is an empty one. */
gboolean mnb_field_array(const char *field, const char *text, gsize max, GError **error);

/* MNB_ERROR_INVALID if the catalogue has no such area or city. */
gboolean mnb_field_area(MnbDb *db, const char *code, GError **error);
gboolean mnb_field_city(MnbDb *db, const char *code, GError **error);

/* ["en","ja"] <-> list, of checked language tags or codes of cities: nothing is escaped. Return
 * (owned). What is no list of texts gives an empty one. */
char *mnb_languages_to_json(char *const *languages);
char **mnb_languages_from_json(const char *json);

/* Position of @text among @n_names names, or -1. NULL gives -1. */
int mnb_name_index(const char *const *names, guint n_names, const char *text);

/* "" for NULL. */
const char *mnb_text(const char *text);

/* Sets MNB_ERROR_NOT_FOUND, "no KIND ID"; FALSE always. */
gboolean mnb_set_not_found(GError **error, const char *kind, const char *id);

/* Defines NAME_to_string() and NAME_parse() over a static array of names. */
#define MNB_DEFINE_NAMES(Type, name, names)                                                        \
    const char *name##_to_string(Type value)                                                       \
    {                                                                                              \
        return (guint)value < G_N_ELEMENTS(names) ? names[value] : NULL;                           \
    }                                                                                              \
    gboolean name##_parse(const char *text, Type *value)                                           \
    {                                                                                              \
        int index = mnb_name_index(names, G_N_ELEMENTS(names), text);                              \
        if (index < 0)                                                                             \
            return FALSE;                                                                          \
        *value = (Type)index;                                                                      \
        return TRUE;                                                                               \
    }
