/* Interpretation: which channels a room has, who speaks to them and who hears them, and handing
 * over within a booth.
 *
 *     booth --ask--> asked --accept--> counting (3 s) --> on-air entry: one out, the other in
 *                      '----cancel--------'
 */
#include "server/rooms/room-tell.h"
#include "server/rooms/room.h"
#include <string.h>

#define COUNTING_MS 3000

struct MnbHandOver {
    MnbRoom *room;
    char channel[MNB_LANGUAGE_TAG_SIZE];
    char from[MNB_ID_SIZE];
    char to[MNB_ID_SIZE]; /* "": nobody has accepted yet */
    guint timer;          /* while counting */
};

gboolean mnb_room_has_channel(const MnbRoom *room, const char *channel)
{
    return room->event->languages != NULL && strlen(channel) < MNB_LANGUAGE_TAG_SIZE &&
           g_strv_contains((const char *const *)room->event->languages, channel);
}

void mnb_room_set_aside(const MnbMember *member)
{
    MnbRoom *room = member->room;
    const MnbPeer *peer = mnb_room_peer(room, member->peer);
    const MnbPublication *voice = member->publications[MNB_SOURCE_MICROPHONE];
    if (peer == NULL || voice == NULL || room->worker == NULL)
        return;
    for (guint i = 0; i < voice->layer_count; i++)
        mnb_media_worker_track_aside(room->worker, voice->layers[i].track, peer->booth[0] != '\0');
}

static json_t *seats_json(const MnbRoom *room, const char *channel)
{
    json_t *seats = json_array();
    for (guint i = 0; i < room->state->peers->len; i++) {
        const MnbPeer *peer = g_ptr_array_index(room->state->peers, i);
        if (peer->is_in && strcmp(peer->booth, channel) == 0)
            json_array_append_new(seats, json_string(peer->id));
    }
    return seats;
}

/* Who has a line, or still gets sound. */
static guint count_listeners(const MnbRoom *room, const char *channel)
{
    guint count = 0;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, room->members);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const MnbMember *member = value;
        const MnbPeer *peer = mnb_room_state_peer(room->state, member->peer);
        count += peer != NULL && peer->is_in && !peer->is_encoder &&
                 (member->client != NULL || member->receiver != NULL) &&
                 strcmp(member->hear, channel) == 0;
    }
    return count;
}

json_t *mnb_room_channels_json(const MnbRoom *room)
{
    json_t *channels = json_array();
    json_array_append_new(channels, json_pack("{s:s, s:i}", "channel", "floor", "listeners",
                                              (int)count_listeners(room, "")));
    for (guint i = 0; room->event->languages != NULL && room->event->languages[i] != NULL; i++) {
        const char *channel = room->event->languages[i];
        const MnbPeer *on_air = mnb_room_state_on_air(room->state, channel);
        json_array_append_new(channels,
                              json_pack("{s:s, s:i, s:o, s:o}", "channel", channel, "listeners",
                                        (int)count_listeners(room, channel), "interpreters",
                                        seats_json(room, channel), "on_air",
                                        on_air != NULL ? json_string(on_air->id) : json_null()));
    }
    return channels;
}

/* --------------------------------------------------------------------------------- handing over */

static void tell_hand_over(const MnbHandOver *over, const char *step)
{
    MnbRoom *room = over->room;
    json_t *fields =
        json_pack("{s:s, s:s, s:s, s:o}", "channel", over->channel, "step", step, "from",
                  over->from, "to", over->to[0] != '\0' ? json_string(over->to) : json_null());
    if (strcmp(step, "counting") == 0)
        json_object_set_new(fields, "in_ms", json_integer(COUNTING_MS));
    g_autofree char *text = mnb_room_json_message("hand-over", fields);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, room->members);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const MnbMember *member = value;
        const MnbPeer *peer = mnb_room_peer(room, member->peer);
        if (member->client != NULL && peer != NULL && peer->is_in &&
            (strcmp(peer->booth, over->channel) == 0 || mnb_peer_may(peer, MNB_MAY_MODERATE)))
            mnb_client_tell(member->client, text);
    }
}

void mnb_hand_over_free(gpointer data)
{
    MnbHandOver *over = data;
    g_clear_handle_id(&over->timer, g_source_remove);
    g_free(over);
}

MnbHandOver *mnb_room_find_hand_over(MnbRoom *room, const char *channel)
{
    for (guint i = 0; i < room->hand_overs->len; i++) {
        MnbHandOver *over = g_ptr_array_index(room->hand_overs, i);
        if (strcmp(over->channel, channel) == 0)
            return over;
    }
    return NULL;
}

void mnb_room_ask_hand_over(MnbRoom *room, const MnbPeer *from)
{
    if (mnb_room_find_hand_over(room, from->booth) != NULL)
        return; /* asked already */
    MnbHandOver *over = g_new0(MnbHandOver, 1);
    over->room = room;
    g_strlcpy(over->channel, from->booth, sizeof over->channel);
    g_strlcpy(over->from, from->id, sizeof over->from);
    g_ptr_array_add(room->hand_overs, over);
    tell_hand_over(over, "asked");
}

static gboolean on_counted(gpointer data)
{
    MnbHandOver *over = data;
    MnbRoom *room = over->room;
    over->timer = 0;
    mnb_room_append_simple(room, "on-air", over->to,
                           json_pack("{s:s, s:b}", "of", over->to, "on", TRUE));
    g_ptr_array_remove(room->hand_overs, over);
    return G_SOURCE_REMOVE;
}

gboolean mnb_room_accept_hand_over(MnbRoom *room, const MnbPeer *to)
{
    MnbHandOver *over = mnb_room_find_hand_over(room, to->booth);
    if (over == NULL || over->to[0] != '\0' || strcmp(over->from, to->id) == 0)
        return FALSE;
    g_strlcpy(over->to, to->id, sizeof over->to);
    over->timer = g_timeout_add(COUNTING_MS, on_counted, over);
    tell_hand_over(over, "counting");
    return TRUE;
}

void mnb_room_cancel_hand_over(MnbRoom *room, const char *channel)
{
    MnbHandOver *over = mnb_room_find_hand_over(room, channel);
    if (over == NULL)
        return;
    tell_hand_over(over, "cancelled");
    g_ptr_array_remove(room->hand_overs, over);
}

/* Somebody of it stood up, left, or took the channel without waiting. */
void mnb_room_check_hand_overs(MnbRoom *room)
{
    for (guint i = room->hand_overs->len; i > 0; i--) {
        MnbHandOver *over = g_ptr_array_index(room->hand_overs, i - 1);
        const MnbPeer *on_air = mnb_room_state_on_air(room->state, over->channel);
        const MnbPeer *to = mnb_room_peer(room, over->to);
        gboolean is_from_there = on_air != NULL && strcmp(on_air->id, over->from) == 0;
        gboolean is_to_there =
            over->to[0] == '\0' || (to != NULL && strcmp(to->booth, over->channel) == 0);
        if (!is_from_there || !is_to_there)
            mnb_room_cancel_hand_over(room, over->channel);
    }
}
