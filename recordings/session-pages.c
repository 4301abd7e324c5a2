#include "recordings/session-pages.h"

#include <string.h>

#include "recordings/fields.h"
#include "recordings/session-consent.h"

typedef struct {
    char *name, *owner; /* owned */
    guint page;
} Deck;

typedef struct {
    GHashTable *agreed; /* peer ids */
    GHashTable *decks;  /* id -> Deck, owned */
    GPtrArray *turns;   /* MnbPageTurn */
    char *shown;        /* owned: id of a deck; NULL: none */
} Reading;

static void deck_free(gpointer data)
{
    Deck *deck = data;
    g_free(deck->name);
    g_free(deck->owner);
    g_free(deck);
}

void mnb_page_turn_free(MnbPageTurn *turn)
{
    if (turn == NULL)
        return;
    g_free(turn->deck);
    g_free(turn->name);
    g_free(turn);
}

static void free_turn(gpointer data)
{
    mnb_page_turn_free(data);
}

static const char *text_of(const json_t *body, const char *key)
{
    return mnb_text(json_string_value(json_object_get(body, key)));
}

static void add_turn(Reading *reading, gint64 at_us)
{
    const Deck *deck =
        reading->shown != NULL ? g_hash_table_lookup(reading->decks, reading->shown) : NULL;
    if (reading->turns->len >= MNB_SESSION_PAGES_MAX)
        return;
    MnbPageTurn *turn = g_new0(MnbPageTurn, 1);
    turn->at_us = at_us;
    turn->deck = g_strdup(deck != NULL ? reading->shown : "");
    turn->name = g_strdup(deck != NULL ? deck->name : "");
    turn->page = deck != NULL ? deck->page : 0;
    g_ptr_array_add(reading->turns, turn);
}

static void on_deck(Reading *reading, const MnbLogEntry *entry, const json_t *body)
{
    const char *id = text_of(body, "deck");
    if (strcmp(entry->type, "deck-added") == 0) {
        Deck *deck = g_new0(Deck, 1);
        deck->name = g_strdup(text_of(body, "name"));
        deck->owner = g_strdup(entry->peer);
        deck->page = 1;
        g_hash_table_replace(reading->decks, g_strdup(id), deck);
    } else if (strcmp(entry->type, "deck-shown") == 0) {
        g_free(reading->shown);
        reading->shown = *id != '\0' ? g_strdup(id) : NULL;
        add_turn(reading, entry->at_us);
    } else if (strcmp(entry->type, "deck-removed") == 0 && g_strcmp0(reading->shown, id) == 0) {
        g_clear_pointer(&reading->shown, g_free);
        add_turn(reading, entry->at_us);
    }
}

static gboolean on_entry(const MnbLogEntry *entry, gpointer data, GError **error)
{
    Reading *reading = data;
    gboolean is_page = strcmp(entry->type, "page") == 0;
    if (!is_page && !g_str_has_prefix(entry->type, "deck-") &&
        !g_str_has_prefix(entry->type, "peer-"))
        return TRUE;
    json_t *body = json_loads(entry->body, JSON_REJECT_DUPLICATES, NULL);
    if (!is_page) {
        on_deck(reading, entry, body);
        mnb_session_note_consent(reading->agreed, entry, body);
    } else if (reading->shown != NULL) {
        Deck *deck = g_hash_table_lookup(reading->decks, reading->shown);
        json_int_t page = json_integer_value(json_object_get(body, "page"));
        if (deck != NULL && page > 0 && page < G_MAXINT) {
            deck->page = (guint)page;
            add_turn(reading, entry->at_us);
        }
    }
    json_decref(body);
    return TRUE;
}

/* Who has not agreed in the end has shown nothing. */
static void hide_not_agreed(Reading *reading)
{
    for (guint i = 0; i < reading->turns->len; i++) {
        MnbPageTurn *turn = reading->turns->pdata[i];
        const Deck *deck = g_hash_table_lookup(reading->decks, turn->deck);
        if (deck != NULL && deck->owner != NULL &&
            g_hash_table_contains(reading->agreed, deck->owner))
            continue;
        turn->deck[0] = turn->name[0] = '\0';
        turn->page = 0;
    }
}

GPtrArray *mnb_session_pages(MnbDb *db, const char *session, GError **error)
{
    Reading reading = {
        .agreed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .decks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, deck_free),
        .turns = g_ptr_array_new_with_free_func(free_turn),
    };
    gboolean ok = mnb_session_log_read(db, session, 0, on_entry, &reading, error);
    if (ok)
        hide_not_agreed(&reading);
    g_hash_table_unref(reading.agreed);
    g_hash_table_unref(reading.decks);
    g_free(reading.shown);
    if (!ok)
        g_clear_pointer(&reading.turns, g_ptr_array_unref);
    return reading.turns;
}
