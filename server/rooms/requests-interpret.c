/* Channels and booths (docs/protocol.md, 4.2.3). */
#include "server/rooms/asked.h"
#include "server/rooms/hand-over.h"
#include "server/rooms/room-tell.h"
#include <string.h>

#define SEATS_MAX 4

static void on_hear(const MnbAsked *asked)
{
    const char *channel = mnb_asked_text(asked, "channel");
    gboolean is_floor = strcmp(channel, "floor") == 0;
    const json_t *with_floor = json_object_get(asked->request->args, "with_floor");
    if (!is_floor && !mnb_room_has_channel(asked->room, channel)) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_FOUND,
                         "channel is neither floor nor one of the event's languages");
        return;
    }
    if (strcmp(asked->peer->hear, is_floor ? "" : channel) == 0 &&
        asked->peer->is_floor_off == json_is_false(with_floor)) {
        mnb_asked_accept(asked);
        return;
    }
    mnb_asked_append(asked, "hear",
                     json_pack("{s:s, s:b}", "channel", is_floor ? "" : channel, "with_floor",
                               !json_is_false(with_floor)));
}

static guint count_seats(const MnbRoom *room, const char *channel)
{
    guint count = 0;
    for (guint i = 0; i < room->state->peers->len; i++) {
        const MnbPeer *peer = g_ptr_array_index(room->state->peers, i);
        count += peer->is_in && strcmp(peer->booth, channel) == 0;
    }
    return count;
}

static void on_booth(const MnbAsked *asked)
{
    const char *channel = mnb_asked_text(asked, "channel");
    if (strcmp(channel, "floor") == 0) {
        mnb_asked_append(asked, "booth", json_pack("{s:s}", "channel", ""));
        return;
    }
    if (!mnb_room_has_channel(asked->room, channel)) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_FOUND,
                         "channel is neither floor nor one of the event's languages");
        return;
    }
    if (strcmp(asked->peer->booth, channel) != 0 &&
        count_seats(asked->room, channel) >= SEATS_MAX) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_TOO_MANY, "a booth has 4 seats");
        return;
    }
    mnb_asked_append(asked, "booth", json_pack("{s:s}", "channel", channel));
}

static gboolean is_seated(const MnbAsked *asked)
{
    if (asked->peer->booth[0] != '\0')
        return TRUE;
    mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_ALLOWED, "take a seat in a booth first");
    return FALSE;
}

static void on_on_air(const MnbAsked *asked)
{
    gboolean is_on = mnb_asked_flag(asked, "on");
    if (!is_seated(asked))
        return;
    const MnbPeer *other = mnb_room_state_on_air(asked->room->state, asked->peer->booth);
    if (is_on && other != NULL && other != asked->peer && !mnb_asked_flag(asked, "take")) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_ON_AIR_TAKEN, other->id);
        return;
    }
    mnb_asked_append(asked, "on-air", json_pack("{s:s, s:b}", "of", asked->peer->id, "on", is_on));
}

static void on_hand_over(const MnbAsked *asked)
{
    const char *step = mnb_asked_text(asked, "step");
    const MnbPeer *peer = asked->peer;
    if (!is_seated(asked))
        return;
    const MnbHandOver *over = mnb_hand_over_find(asked->room->state, peer->booth);
    if (strcmp(step, "ask") == 0 && !peer->is_on_air) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_ALLOWED, "only who is on air hands over");
        return;
    }
    if (strcmp(step, "accept") == 0 &&
        (over == NULL || over->to[0] != '\0' || strcmp(over->from, peer->id) == 0)) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_FOUND, "nobody asks to be taken over");
        return;
    }
    mnb_asked_append(asked, "hand-over",
                     json_pack("{s:s, s:s}", "channel", peer->booth, "step", step));
}

/* To who speaks on the floor, and facilitators. */
static void on_slower(const MnbAsked *asked)
{
    MnbRoom *room = asked->room;
    GHashTableIter iter;
    gpointer value;
    if (!mnb_peer_may(asked->peer, MNB_MAY_INTERPRET) && asked->peer->hear[0] == '\0') {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_ALLOWED,
                         "for interpreters, and who hears an interpretation");
        return;
    }
    g_autofree char *text =
        mnb_room_json_message("slower", json_pack("{s:s}", "from", asked->peer->id));
    g_hash_table_iter_init(&iter, room->members);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const MnbMember *member = value;
        const MnbPeer *peer = mnb_room_peer(room, member->peer);
        const MnbPublication *voice = member->publications[MNB_SOURCE_MICROPHONE];
        if (member->client == NULL || peer == NULL || !peer->is_in)
            continue;
        if ((voice != NULL && voice->speaks != 0) || mnb_peer_may(peer, MNB_MAY_MODERATE) ||
            strcmp(room->state->room.floor, peer->id) == 0)
            mnb_client_tell(member->client, text);
    }
    mnb_asked_accept(asked);
}

MnbRequestHandler mnb_requests_interpret(MnbRequestKind kind)
{
    switch (kind) {
    case MNB_REQUEST_HEAR:
        return on_hear;
    case MNB_REQUEST_BOOTH:
        return on_booth;
    case MNB_REQUEST_ON_AIR:
        return on_on_air;
    case MNB_REQUEST_HAND_OVER:
        return on_hand_over;
    case MNB_REQUEST_SLOWER:
        return on_slower;
    default:
        return NULL;
    }
}
