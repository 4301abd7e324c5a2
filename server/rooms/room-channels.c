/* Interpretation: which channels a room has, who speaks to them and who hears them, and handing
 * over within a booth (the log's part is hand-over.h; the three seconds are counted here). */
#include "server/rooms/hand-over.h"
#include "server/rooms/room-tell.h"
#include "server/rooms/room.h"
#include <string.h>

#define COUNTING_MS 3000

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
                 strcmp(peer->hear, channel) == 0;
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

/* What this process does about one of the log's. */
struct MnbCounting {
    MnbRoom *room;
    char channel[MNB_LANGUAGE_TAG_SIZE];
    MnbHandOver over; /* as it was told last */
    guint timer;      /* while counting */
};

static char *hand_over_text(const MnbHandOver *over, const char *step, gint64 in_ms)
{
    json_t *fields =
        json_pack("{s:s, s:s, s:s, s:o}", "channel", over->channel, "step", step, "from",
                  over->from, "to", over->to[0] != '\0' ? json_string(over->to) : json_null());
    if (strcmp(step, "counting") == 0)
        json_object_set_new(fields, "in_ms", json_integer(in_ms));
    return mnb_room_json_message("hand-over", fields);
}

static gboolean is_concerned(const MnbPeer *peer, const char *channel)
{
    return peer != NULL && peer->is_in &&
           (strcmp(peer->booth, channel) == 0 || mnb_peer_may(peer, MNB_MAY_MODERATE));
}

static void tell_hand_over(MnbRoom *room, const MnbHandOver *over, const char *step)
{
    g_autofree char *text = hand_over_text(over, step, COUNTING_MS);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, room->members);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const MnbMember *member = value;
        if (member->client != NULL &&
            is_concerned(mnb_room_peer(room, member->peer), over->channel))
            mnb_client_tell(member->client, text);
    }
}

void mnb_counting_free(gpointer data)
{
    MnbCounting *counting = data;
    g_clear_handle_id(&counting->timer, g_source_remove);
    g_free(counting);
}

static MnbCounting *find_counting(const MnbRoom *room, const char *channel)
{
    for (guint i = 0; i < room->countings->len; i++) {
        MnbCounting *counting = g_ptr_array_index(room->countings, i);
        if (strcmp(counting->channel, channel) == 0)
            return counting;
    }
    return NULL;
}

static gboolean is_heard(const MnbMember *member)
{
    return member != NULL && member->publications[MNB_SOURCE_MICROPHONE] != NULL;
}

/* Who takes over must be here, and not silent where the other is heard: after a restart, or a lost
 * line, he comes back some seconds later. */
static gboolean on_counted(gpointer data)
{
    MnbCounting *counting = data;
    MnbRoom *room = counting->room;
    const MnbMember *to = mnb_room_member(room, counting->over.to);
    gboolean would_be_silent =
        is_heard(mnb_room_member(room, counting->over.from)) && !is_heard(to);
    if (to == NULL || to->client == NULL || would_be_silent)
        return G_SOURCE_CONTINUE;
    counting->timer = 0;
    mnb_room_append_simple(room, "on-air", counting->over.to,
                           json_pack("{s:s, s:b}", "of", counting->over.to, "on", TRUE));
    return G_SOURCE_REMOVE;
}

/* Those of the log that are new, or were accepted meanwhile. */
static void follow_hand_over(MnbRoom *room, const MnbHandOver *over)
{
    MnbCounting *counting = find_counting(room, over->channel);
    if (counting != NULL && strcmp(counting->over.to, over->to) == 0)
        return;
    if (counting == NULL) {
        counting = g_new0(MnbCounting, 1);
        counting->room = room;
        g_strlcpy(counting->channel, over->channel, sizeof counting->channel);
        g_ptr_array_add(room->countings, counting);
    }
    counting->over = *over;
    if (over->to[0] != '\0' && counting->timer == 0)
        counting->timer = g_timeout_add(COUNTING_MS, on_counted, counting);
    tell_hand_over(room, over, over->to[0] != '\0' ? "counting" : "asked");
}

void mnb_room_check_hand_overs(MnbRoom *room)
{
    for (guint i = room->countings->len; i > 0; i--) {
        MnbCounting *counting = g_ptr_array_index(room->countings, i - 1);
        const MnbPeer *on_air = mnb_room_state_on_air(room->state, counting->channel);
        if (mnb_hand_over_find(room->state, counting->channel) != NULL)
            continue;
        /* Done is seen in the channel; all else is told. */
        if (on_air == NULL || strcmp(on_air->id, counting->over.to) != 0)
            tell_hand_over(room, &counting->over, "cancelled");
        g_ptr_array_remove_index(room->countings, i - 1);
    }
    for (guint i = 0; i < room->state->hand_overs->len; i++)
        follow_hand_over(room, &g_array_index(room->state->hand_overs, MnbHandOver, i));
}

void mnb_room_retell_hand_overs(const MnbMember *member)
{
    const MnbRoom *room = member->room;
    for (guint i = 0; i < room->state->hand_overs->len; i++) {
        const MnbHandOver *over = &g_array_index(room->state->hand_overs, MnbHandOver, i);
        gboolean is_counting = over->to[0] != '\0';
        if (!is_concerned(mnb_room_state_peer(room->state, member->peer), over->channel))
            continue;
        gint64 since_ms = (mnb_room_wall_us(room) - over->counting_us) / 1000;
        g_autofree char *text = hand_over_text(over, is_counting ? "counting" : "asked",
                                               CLAMP(COUNTING_MS - since_ms, 0, COUNTING_MS));
        mnb_client_tell(member->client, text);
    }
}
