#include "server/rooms/room-tell.h"
#include "server/rooms/classroom-json.h"
#include <string.h>

#define REACTIONS_MS   250
#define CHANGES_MS     500
#define SOON_MS        20
#define REACTION_PEERS 8

typedef struct {
    char *name;
    guint count;
    char peers[REACTION_PEERS][MNB_ID_SIZE];
    guint peer_count;
} Reaction;

struct MnbRoomTell {
    MnbRoom *room;
    GPtrArray *reactions; /* Reaction, in the order of coming */
    guint reactions_timer;
    GArray *questions; /* gint64 */
    GArray *polls;     /* gint64 */
    gboolean has_channels, has_lobby;
    guint changes_timer;
    gint64 changes_us; /* when the last were told */
};

static void reaction_free(gpointer data)
{
    g_free(((Reaction *)data)->name);
    g_free(data);
}

MnbRoomTell *mnb_room_tell_new(MnbRoom *room)
{
    MnbRoomTell *tell = g_new0(MnbRoomTell, 1);
    tell->room = room;
    tell->reactions = g_ptr_array_new_with_free_func(reaction_free);
    tell->questions = g_array_new(FALSE, FALSE, sizeof(gint64));
    tell->polls = g_array_new(FALSE, FALSE, sizeof(gint64));
    return tell;
}

void mnb_room_tell_free(MnbRoomTell *tell)
{
    if (tell == NULL)
        return;
    g_clear_handle_id(&tell->reactions_timer, g_source_remove);
    g_clear_handle_id(&tell->changes_timer, g_source_remove);
    g_ptr_array_unref(tell->reactions);
    g_array_unref(tell->questions);
    g_array_unref(tell->polls);
    g_free(tell);
}

/* ----------------------------------------------------------------------------------- reactions */

static gboolean on_reactions(gpointer data)
{
    MnbRoomTell *tell = data;
    json_t *items = json_array();
    tell->reactions_timer = 0;
    for (guint i = 0; i < tell->reactions->len; i++) {
        const Reaction *reaction = g_ptr_array_index(tell->reactions, i);
        json_t *peers = json_array();
        for (guint p = 0; p < reaction->peer_count; p++)
            json_array_append_new(peers, json_string(reaction->peers[p]));
        json_array_append_new(items, json_pack("{s:s, s:i, s:o}", "name", reaction->name, "count",
                                               (int)reaction->count, "peers", peers));
    }
    g_ptr_array_set_size(tell->reactions, 0);
    g_autofree char *text = mnb_room_json_message("reactions", json_pack("{s:o}", "items", items));
    mnb_room_broadcast(tell->room, text);
    return G_SOURCE_REMOVE;
}

static Reaction *find_reaction(MnbRoomTell *tell, const char *name)
{
    for (guint i = 0; i < tell->reactions->len; i++) {
        Reaction *reaction = g_ptr_array_index(tell->reactions, i);
        if (strcmp(reaction->name, name) == 0)
            return reaction;
    }
    Reaction *reaction = g_new0(Reaction, 1);
    reaction->name = g_strdup(name);
    g_ptr_array_add(tell->reactions, reaction);
    return reaction;
}

void mnb_tell_reaction(MnbRoom *room, const char *peer, const char *name)
{
    MnbRoomTell *tell = room->tell;
    Reaction *reaction = find_reaction(tell, name);
    reaction->count++;
    if (reaction->peer_count < REACTION_PEERS)
        g_strlcpy(reaction->peers[reaction->peer_count++], peer, MNB_ID_SIZE);
    if (tell->reactions_timer == 0)
        tell->reactions_timer = g_timeout_add(REACTIONS_MS, on_reactions, tell);
}

/* ------------------------------------------------------------------------------------- changes */

static char *votes_text(const MnbRoomTell *tell, gboolean moderates)
{
    const MnbClassroom *room = &tell->room->state->room;
    json_t *questions = json_array();
    json_t *polls = json_array();
    for (guint i = 0; i < tell->questions->len; i++) {
        const MnbQuestion *question =
            mnb_classroom_question(room, g_array_index(tell->questions, gint64, i));
        if (question != NULL)
            json_array_append_new(questions, mnb_classroom_json_question_votes(question));
    }
    for (guint i = 0; i < tell->polls->len; i++) {
        const MnbPoll *poll = mnb_classroom_poll(room, g_array_index(tell->polls, gint64, i));
        if (poll != NULL)
            json_array_append_new(polls, mnb_classroom_json_poll_votes(poll, moderates));
    }
    return mnb_room_json_message("votes",
                                 json_pack("{s:o, s:o}", "questions", questions, "polls", polls));
}

static gboolean on_changes(gpointer data)
{
    MnbRoomTell *tell = data;
    MnbRoom *room = tell->room;
    tell->changes_timer = 0;
    tell->changes_us = g_get_monotonic_time();
    if (tell->questions->len + tell->polls->len > 0) {
        g_autofree char *some = votes_text(tell, TRUE);
        g_autofree char *all = votes_text(tell, FALSE);
        mnb_room_broadcast_split(room, MNB_MAY_MODERATE, some, all);
    }
    if (tell->has_channels) {
        g_autofree char *text = mnb_room_json_message(
            "channels", json_pack("{s:o}", "channels", mnb_room_channels_json(room)));
        mnb_room_broadcast(room, text);
    }
    if (tell->has_lobby) {
        g_autofree char *text = mnb_room_json_message(
            "lobby", json_pack("{s:o}", "lobby", mnb_room_json_lobby(room->state)));
        mnb_room_broadcast_split(room, MNB_MAY_MODERATE, text, NULL);
    }
    g_array_set_size(tell->questions, 0);
    g_array_set_size(tell->polls, 0);
    tell->has_channels = tell->has_lobby = FALSE;
    return G_SOURCE_REMOVE;
}

/* The first after a quiet while is told at once, what follows waits. */
static void schedule(MnbRoomTell *tell)
{
    if (tell->changes_timer != 0)
        return;
    gint64 since_ms = (g_get_monotonic_time() - tell->changes_us) / G_TIME_SPAN_MILLISECOND;
    guint wait_ms = since_ms >= CHANGES_MS ? SOON_MS : (guint)(CHANGES_MS - since_ms);
    tell->changes_timer = g_timeout_add(wait_ms, on_changes, tell);
}

static void add_once(GArray *ids, gint64 id)
{
    for (guint i = 0; i < ids->len; i++)
        if (g_array_index(ids, gint64, i) == id)
            return;
    g_array_append_val(ids, id);
}

void mnb_tell_question(MnbRoom *room, gint64 question)
{
    add_once(room->tell->questions, question);
    schedule(room->tell);
}

void mnb_tell_poll(MnbRoom *room, gint64 poll)
{
    add_once(room->tell->polls, poll);
    schedule(room->tell);
}

void mnb_tell_channels(MnbRoom *room)
{
    room->tell->has_channels = TRUE;
    schedule(room->tell);
}

void mnb_tell_lobby(MnbRoom *room)
{
    room->tell->has_lobby = TRUE;
    schedule(room->tell);
}
