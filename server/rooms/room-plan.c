/* What an event's plan says of its room, put into the session's log: the lobby and the agenda. */
#include "server/rooms/room.h"

static json_t *planned_agenda(const MnbEvent *event)
{
    json_t *agenda = event->agenda == NULL ? NULL : json_loads(event->agenda, 0, NULL);
    return agenda != NULL ? agenda : json_array();
}

void mnb_room_follow_plan(MnbRoom *room)
{
    const MnbClassroom *classroom = &room->state->room;
    if (room->event->has_lobby != classroom->plan_lobby)
        mnb_room_append_simple(room, "settings", NULL,
                               json_pack("{s:b}", "lobby", room->event->has_lobby));
    json_t *agenda = planned_agenda(room->event);
    if (!json_equal(agenda, classroom->plan_agenda))
        mnb_room_append_simple(room, "agenda", NULL, json_pack("{s:O}", "items", agenda));
    json_decref(agenda);
}

gboolean mnb_room_has_lobby(const MnbRoom *room)
{
    const MnbClassroom *classroom = &room->state->room;
    gboolean is_on_its_way = room->event->has_lobby && !classroom->plan_lobby;
    return classroom->settings.has_lobby || is_on_its_way;
}

static gboolean takes_a_place(MnbRole role)
{
    return role == MNB_ROLE_PARTICIPANT || role == MNB_ROLE_OBSERVER;
}

gboolean mnb_room_is_at_capacity(const MnbRoom *room, MnbRole role)
{
    if (room->event->capacity == 0 || !takes_a_place(role))
        return FALSE;
    int taken = 0;
    for (guint i = 0; i < room->state->peers->len; i++) {
        const MnbPeer *peer = g_ptr_array_index(room->state->peers, i);
        taken += (peer->is_in || peer->is_waiting) && takes_a_place(peer->role);
    }
    return taken >= room->event->capacity;
}
