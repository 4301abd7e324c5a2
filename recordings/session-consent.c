#include "recordings/session-consent.h"

#include <string.h>

#include "recordings/fields.h"

typedef struct {
    GHashTable *agreed;
    GHashTable *names; /* id -> name, of everybody; owned */
} Reading;

static const char *text_of(const json_t *body, const char *key)
{
    return mnb_text(json_string_value(json_object_get(body, key)));
}

static void set_consent(GHashTable *agreed, const char *peer, const char *answer)
{
    if (strcmp(answer, "yes") == 0)
        g_hash_table_add(agreed, g_strdup(peer));
    else if (strcmp(answer, "no") == 0)
        g_hash_table_remove(agreed, peer);
}

void mnb_session_note_consent(GHashTable *agreed, const MnbLogEntry *entry, const json_t *body)
{
    if (entry->peer == NULL)
        return;
    if (strcmp(entry->type, "peer-consent") == 0) {
        set_consent(agreed, entry->peer, text_of(body, "answer"));
    } else if (strcmp(entry->type, "peer-joined") == 0) {
        if (strcmp(text_of(body, "kind"), "encoder") == 0)
            set_consent(agreed, entry->peer, "yes");
        set_consent(agreed, entry->peer, text_of(body, "consent"));
    }
}

static gboolean on_entry(const MnbLogEntry *entry, gpointer data, GError **error)
{
    Reading *reading = data;
    if (entry->peer == NULL || !g_str_has_prefix(entry->type, "peer-"))
        return TRUE;
    json_t *body = json_loads(entry->body, JSON_REJECT_DUPLICATES, NULL);
    mnb_session_note_consent(reading->agreed, entry, body);
    if (strcmp(entry->type, "peer-joined") == 0 || strcmp(entry->type, "peer-renamed") == 0)
        g_hash_table_replace(reading->names, g_strdup(entry->peer),
                             g_strdup(text_of(body, "name")));
    json_decref(body);
    return TRUE;
}

gboolean mnb_session_consent(MnbDb *db, const char *session, json_t **names_out,
                             json_t **forget_out, GError **error)
{
    Reading reading = {
        .agreed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
    };
    gboolean ok = mnb_session_log_read(db, session, 0, on_entry, &reading, error);
    if (ok) {
        GHashTableIter iter;
        gpointer id, name;
        *names_out = json_object();
        *forget_out = json_array();
        g_hash_table_iter_init(&iter, reading.names);
        while (g_hash_table_iter_next(&iter, &id, &name)) {
            if (g_hash_table_contains(reading.agreed, id))
                json_object_set_new(*names_out, id, json_string(name));
            else
                json_array_append_new(*forget_out, json_string(id));
        }
    }
    g_hash_table_unref(reading.agreed);
    g_hash_table_unref(reading.names);
    return ok;
}
