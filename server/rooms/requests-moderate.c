/* Roles, lobby, settings, the floor (docs/protocol.md, 4.2.1). */
#include "server/rooms/asked.h"
#include <string.h>

/* ---------------------------------------------------------------------------- roles and grants */

static guint count_hosts(const MnbRoom *room)
{
    guint count = 0;
    for (guint i = 0; i < room->state->peers->len; i++) {
        const MnbPeer *peer = g_ptr_array_index(room->state->peers, i);
        count += peer->is_in && mnb_role_may(peer->role, MNB_MAY_HOST);
    }
    return count;
}

/* What the new role may not have is switched off in the log before the role changes. */
static void end_what_is_lost(MnbRoom *room, const MnbPeer *peer, MnbRole role)
{
    for (guint s = 0; s < MNB_N_SOURCES; s++) {
        MnbPermission needs = s == MNB_SOURCE_SCREEN ? MNB_MAY_SHARE : MNB_MAY_SPEAK;
        if (peer->tracks[s].is_on && !mnb_role_may(role, needs))
            mnb_room_append_simple(
                room, "track-off", peer->id,
                json_pack("{s:s}", "source", mnb_source_to_string((MnbSource)s)));
    }
    if (peer->hand_seq != 0 && !mnb_role_may(role, MNB_MAY_RAISE_HAND))
        mnb_room_append_simple(room, "hand", peer->id,
                               json_pack("{s:s, s:b}", "of", peer->id, "raised", FALSE));
}

static void on_set_role(const MnbAsked *asked)
{
    const MnbPeer *other = mnb_asked_other(asked, mnb_asked_text(asked, "peer"));
    const char *name = mnb_asked_text(asked, "role");
    MnbRole role;
    if (other == NULL)
        return;
    if (!mnb_role_parse(name, &role) || !mnb_role_is_for_links(role)) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_BAD_MESSAGE, "role is not what it may be");
        return;
    }
    if (mnb_role_may(other->role, MNB_MAY_HOST) && !mnb_role_may(role, MNB_MAY_HOST) &&
        count_hosts(asked->room) <= 1) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_ALLOWED,
                         "somebody has to lead the session: name another facilitator first");
        return;
    }
    end_what_is_lost(asked->room, other, role);
    mnb_asked_append(asked, "peer-role", json_pack("{s:s, s:s}", "of", other->id, "role", name));
}

static void on_grant(const MnbAsked *asked)
{
    const MnbPeer *other = mnb_asked_other(asked, mnb_asked_text(asked, "peer"));
    const char *permission = mnb_asked_text(asked, "permission");
    if (other == NULL)
        return;
    /* Who was granted something does not hand it on. */
    if (!mnb_asked_moderates(asked) &&
        (strcmp(permission, "present") != 0 || !mnb_role_may(asked->peer->role, MNB_MAY_PRESENT))) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_ALLOWED, "this role may not do that");
        return;
    }
    mnb_asked_append(asked, "peer-grant",
                     json_pack("{s:s, s:s, s:b}", "of", other->id, "permission", permission, "on",
                               mnb_asked_flag(asked, "on")));
}

static void on_settings(const MnbAsked *asked)
{
    if (json_object_size(asked->request->args) == 0) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_BAD_MESSAGE, "no setting is named");
        return;
    }
    mnb_asked_append(asked, "settings", json_incref(asked->request->args));
}

/* --------------------------------------------------------------------------------------- lobby */

static const MnbPeer *find_waiting(const MnbAsked *asked)
{
    const MnbPeer *peer = mnb_room_peer(asked->room, mnb_asked_text(asked, "peer"));
    if (peer != NULL && peer->is_waiting)
        return peer;
    mnb_asked_refuse(asked, MNB_ROOMS_ERROR_UNKNOWN_PEER, "nobody with that id waits");
    return NULL;
}

static void admit(const MnbAsked *asked, const MnbPeer *peer, gboolean is_last)
{
    MnbAppend what = {.type = "lobby-admitted",
                      .peer = asked->peer->id,
                      .body = json_pack("{s:s}", "of", peer->id)};
    mnb_room_append(asked->room, &what, is_last ? mnb_owed_on_appended : NULL,
                    is_last ? mnb_asked_owe(asked) : NULL);
}

static void on_admit(const MnbAsked *asked)
{
    MnbRoom *room = asked->room;
    guint count = mnb_room_state_count(room->state);
    g_autoptr(GPtrArray) waiting = g_ptr_array_new();
    if (json_object_get(asked->request->args, "peer") != NULL) {
        const MnbPeer *peer = find_waiting(asked);
        if (peer == NULL)
            return;
        g_ptr_array_add(waiting, (gpointer)peer);
    } else {
        for (guint i = 0; i < room->state->peers->len; i++) {
            MnbPeer *peer = g_ptr_array_index(room->state->peers, i);
            if (peer->is_waiting)
                g_ptr_array_add(waiting, peer);
        }
    }
    if (waiting->len == 0) {
        mnb_asked_accept(asked);
        return;
    }
    if (count + waiting->len > room->rooms->max_peers) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_ROOM_FULL, "the session has no place left");
        return;
    }
    for (guint i = 0; i < waiting->len; i++)
        admit(asked, g_ptr_array_index(waiting, i), i + 1 == waiting->len);
}

static void on_refuse(const MnbAsked *asked)
{
    const MnbPeer *peer = find_waiting(asked);
    if (peer == NULL)
        return;
    MnbAppend what = {.type = "peer-left",
                      .peer = peer->id,
                      .body = json_pack("{s:s, s:s, s:s}", "reason", "refused", "by",
                                        asked->peer->id, "text", mnb_asked_text(asked, "text"))};
    mnb_room_append(asked->room, &what, mnb_owed_on_appended, mnb_asked_owe(asked));
}

/* ------------------------------------------------------------------------------ who is heard */

static void on_mute_all(const MnbAsked *asked)
{
    mnb_asked_append(asked, "peers-muted",
                     json_pack("{s:s}", "source", mnb_asked_text(asked, "source")));
}

static void on_spotlight(const MnbAsked *asked)
{
    const MnbClassroom *room = &asked->room->state->room;
    const MnbPeer *other = mnb_asked_other(asked, mnb_asked_text(asked, "peer"));
    gboolean is_on = mnb_asked_flag(asked, "on");
    guint place;
    if (other == NULL)
        return;
    if (is_on && !mnb_classroom_is_in_spotlight(room, other->id, &place) &&
        room->spotlight_count >= MNB_SPOTLIGHT_MAX) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_TOO_MANY, "at most 4 people in the spotlight");
        return;
    }
    mnb_asked_append(asked, "spotlight", json_pack("{s:s, s:b}", "of", other->id, "on", is_on));
}

static void on_lower_hands(const MnbAsked *asked)
{
    mnb_asked_append(asked, "hands-lowered", NULL);
}

static void on_give_floor(const MnbAsked *asked)
{
    const MnbPeer *other = mnb_asked_other(asked, mnb_asked_text(asked, "peer"));
    if (other == NULL)
        return;
    if (!mnb_peer_may(other, MNB_MAY_SPEAK)) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_ALLOWED,
                         "an observer cannot speak: make them a participant first");
        return;
    }
    gboolean has_hand = other->hand_seq != 0;
    MnbAppend what = {.type = "floor",
                      .peer = asked->peer->id,
                      .body = json_pack("{s:s, s:I}", "of", other->id, "limit_s",
                                        (json_int_t)mnb_asked_number(asked, "limit_s"))};
    mnb_room_append(asked->room, &what, mnb_owed_on_appended, mnb_asked_owe(asked));
    if (has_hand)
        mnb_room_append_simple(asked->room, "hand", asked->peer->id,
                               json_pack("{s:s, s:b}", "of", other->id, "raised", FALSE));
}

static void on_end_floor(const MnbAsked *asked)
{
    const char *holder = asked->room->state->room.floor;
    if (*holder != '\0' && strcmp(holder, asked->peer->id) != 0 && !mnb_asked_moderates(asked)) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_ALLOWED, "the floor is somebody else's");
        return;
    }
    mnb_asked_append(asked, "floor", json_pack("{s:s}", "of", ""));
}

MnbRequestHandler mnb_requests_moderate(MnbRequestKind kind)
{
    static const MnbRequestHandler handlers[MNB_N_REQUESTS] = {
        [MNB_REQUEST_SET_ROLE] = on_set_role,     [MNB_REQUEST_GRANT] = on_grant,
        [MNB_REQUEST_SETTINGS] = on_settings,     [MNB_REQUEST_ADMIT] = on_admit,
        [MNB_REQUEST_REFUSE] = on_refuse,         [MNB_REQUEST_MUTE_ALL] = on_mute_all,
        [MNB_REQUEST_SPOTLIGHT] = on_spotlight,   [MNB_REQUEST_LOWER_HANDS] = on_lower_hands,
        [MNB_REQUEST_GIVE_FLOOR] = on_give_floor, [MNB_REQUEST_END_FLOOR] = on_end_floor,
    };
    return handlers[kind];
}
