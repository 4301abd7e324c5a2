#include "server/rooms/hand-over.h"
#include <string.h>

static MnbHandOver *find(const MnbRoomState *state, const char *channel)
{
    for (guint i = 0; i < state->hand_overs->len; i++) {
        MnbHandOver *over = &g_array_index(state->hand_overs, MnbHandOver, i);
        if (strcmp(over->channel, channel) == 0)
            return over;
    }
    return NULL;
}

const MnbHandOver *mnb_hand_over_find(const MnbRoomState *state, const char *channel)
{
    return find(state, channel);
}

static void end(MnbRoomState *state, const MnbHandOver *over)
{
    g_array_remove_index(state->hand_overs,
                         (guint)(over - (const MnbHandOver *)(void *)state->hand_overs->data));
}

gboolean mnb_hand_over_apply(MnbRoomState *state, const MnbPeer *peer, const char *channel,
                             const char *step, gint64 at_us)
{
    MnbHandOver *over = find(state, channel);
    if (*channel == '\0' || strcmp(peer->booth, channel) != 0)
        return FALSE;
    if (strcmp(step, "ask") == 0) {
        if (over != NULL || !peer->is_on_air)
            return FALSE;
        MnbHandOver asked = {0};
        g_strlcpy(asked.channel, channel, sizeof asked.channel);
        g_strlcpy(asked.from, peer->id, sizeof asked.from);
        g_array_append_val(state->hand_overs, asked);
        return TRUE;
    }
    if (over == NULL)
        return FALSE;
    if (strcmp(step, "accept") == 0) {
        if (over->to[0] != '\0' || strcmp(over->from, peer->id) == 0)
            return FALSE;
        g_strlcpy(over->to, peer->id, sizeof over->to);
        over->counting_us = at_us;
        return TRUE;
    }
    if (strcmp(step, "cancel") != 0)
        return FALSE;
    end(state, over);
    return TRUE;
}

void mnb_hand_over_prune(MnbRoomState *state)
{
    for (guint i = state->hand_overs->len; i > 0; i--) {
        const MnbHandOver *over = &g_array_index(state->hand_overs, MnbHandOver, i - 1);
        const MnbPeer *on_air = mnb_room_state_on_air(state, over->channel);
        const MnbPeer *to = over->to[0] != '\0' ? mnb_room_state_peer(state, over->to) : NULL;
        if (on_air == NULL || strcmp(on_air->id, over->from) != 0 ||
            (over->to[0] != '\0' && (to == NULL || strcmp(to->booth, over->channel) != 0)))
            end(state, over);
    }
}

void mnb_hand_over_dump(const MnbRoomState *state, GString *out)
{
    for (guint i = 0; i < state->hand_overs->len; i++) {
        const MnbHandOver *over = &g_array_index(state->hand_overs, MnbHandOver, i);
        g_string_append_printf(out, "hand-over %s %s %s %" G_GINT64_FORMAT "\n", over->channel,
                               over->from, over->to, over->counting_us);
    }
}
