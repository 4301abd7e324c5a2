/* A room: members, telling everybody, and making the log follow the facts. */
#include "server/rooms/room.h"
#include "recordings/link.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include <string.h>

gint64 mnb_room_wall_us(const MnbRoom *room)
{
    return mnb_clock_wall_us(room->rooms != NULL ? room->rooms->clock : NULL);
}

gint64 mnb_room_now_us(const MnbRoom *room)
{
    return mnb_clock_now_us(room->rooms != NULL ? room->rooms->clock : NULL);
}

MnbPeer *mnb_room_peer(MnbRoom *room, const char *peer)
{
    return mnb_room_state_peer(room->state, peer);
}

MnbMember *mnb_room_member(MnbRoom *room, const char *peer)
{
    return g_hash_table_lookup(room->members, peer);
}

MnbMember *mnb_room_add_member(MnbRoom *room, const char *peer)
{
    MnbMember *member = mnb_room_member(room, peer);
    if (member != NULL)
        return member;
    member = g_new0(MnbMember, 1);
    member->room = room;
    g_strlcpy(member->peer, peer, sizeof member->peer);
    member->lost_us = mnb_room_now_us(room);
    g_hash_table_insert(room->members, member->peer, member);
    return member;
}

void mnb_room_titles(const MnbRoom *room, MnbRoomTitles *titles)
{
    *titles = (MnbRoomTitles){
        .event = room->event->id,
        .title_en = room->event->title_en,
        .title_ja = room->event->title_ja,
        .area = room->event->area,
        .city = room->event->city,
    };
}

GError *mnb_room_link_error(const GError *cause)
{
    static const MnbRoomsError codes[] = {
        [MNB_LINK_ERROR_UNKNOWN] = MNB_ROOMS_ERROR_LINK_UNKNOWN,
        [MNB_LINK_ERROR_EXPIRED] = MNB_ROOMS_ERROR_LINK_EXPIRED,
        [MNB_LINK_ERROR_REVOKED] = MNB_ROOMS_ERROR_LINK_REVOKED,
        [MNB_LINK_ERROR_USED] = MNB_ROOMS_ERROR_LINK_UNKNOWN,
    };
    if (cause->domain == MNB_LINK_ERROR && (guint)cause->code < G_N_ELEMENTS(codes))
        return g_error_new_literal(MNB_ROOMS_ERROR, (int)codes[cause->code], cause->message);
    return g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_STORAGE, cause->message);
}

gboolean mnb_room_check_link(MnbRoom *room, const char *link, GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(MnbLink) found =
        mnb_link_find(mnb_catalog_reader(room->rooms->catalog), link, &cause);
    if (found != NULL && mnb_link_check(found, mnb_room_wall_us(room), &cause))
        return TRUE;
    g_propagate_error(error, mnb_room_link_error(cause));
    return FALSE;
}

guint mnb_room_count_players(const MnbRoom *room)
{
    guint n = 0;
    for (guint i = 0; i < room->receivers->len; i++) {
        const MnbReceiver *receiver = g_ptr_array_index(room->receivers, i);
        n += receiver->transport->member == NULL;
    }
    return n;
}

void mnb_room_broadcast_split(MnbRoom *room, MnbPermission permission, const char *for_some,
                              const char *for_all)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, room->members);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const MnbMember *member = value;
        const MnbPeer *peer = mnb_room_peer(room, member->peer);
        if (member->client == NULL || peer == NULL)
            continue;
        const char *text = mnb_role_may(peer->role, permission) ? for_some : for_all;
        if (text != NULL)
            mnb_client_tell(member->client, text);
    }
}

void mnb_room_broadcast(MnbRoom *room, const char *text)
{
    mnb_room_broadcast_split(room, MNB_MAY_ATTEND, text, text);
}

/* ---------------------------------------------------------------------- what an entry leads to */

static void drop_member(MnbRoom *room, const char *peer, MnbCloseCode code, const char *reason)
{
    MnbMember *member = mnb_room_member(room, peer);
    if (member == NULL)
        return;
    MnbClient *client = member->client;
    if (client != NULL) {
        mnb_client_detach(client);
        mnb_client_close(client, code, reason);
    }
    if (member->publish != NULL)
        mnb_transport_close(member->publish);
    if (member->receiver != NULL)
        mnb_transport_close(member->receiver->transport);
    g_hash_table_remove(room->members, peer); /* frees it */
    mnb_room_reassign(room);
}

static void follow_joined(MnbRoom *room, const MnbLogEntry *entry)
{
    const MnbPeer *peer = mnb_room_peer(room, entry->peer);
    MNB_LOG_INFO("peer joined", "session=%s peer=%s role=%s kind=%s", room->state->session,
                 peer->id, mnb_role_to_string(peer->role),
                 peer->is_encoder ? "encoder" : "browser");
}

static void follow_left(MnbRoom *room, const MnbLogEntry *entry)
{
    const MnbPeer *peer = mnb_room_peer(room, entry->peer);
    if (peer == NULL)
        return;
    MNB_LOG_INFO("peer left", "session=%s peer=%s why=%s", room->state->session, peer->id,
                 entry->body);
    drop_member(room, peer->id, peer->is_removed ? MNB_CLOSE_REMOVED : MNB_CLOSE_NORMAL,
                peer->is_removed ? "removed" : "");
}

static void follow_start(MnbRoom *room, const MnbLogEntry *entry)
{
    MNB_LOG_INFO("session started", "session=%s", room->state->session);
}

static gboolean on_over(gpointer data)
{
    MnbRoom *room = data;
    if (room->rooms != NULL) {
        mnb_room_close_all(room, MNB_CLOSE_SESSION_OVER, "session-over");
        mnb_rooms_drop(room->rooms, room);
    }
    mnb_room_unref(room);
    return G_SOURCE_REMOVE;
}

static void follow_end(MnbRoom *room, const MnbLogEntry *entry)
{
    MNB_LOG_INFO("session ended", "session=%s", room->state->session);
    if (room->rooms->on_jobs_added != NULL)
        room->rooms->on_jobs_added(room->rooms->data);
    /* Not from inside of a callback of something that goes away with it. */
    g_idle_add(on_over, mnb_room_ref(room));
}

static void follow_track(MnbRoom *room, const MnbLogEntry *entry)
{
    const MnbMember *member = mnb_room_member(room, entry->peer);
    for (guint i = 0; member != NULL && i < MNB_N_SOURCES; i++) {
        MnbPublication *publication = member->publications[i];
        if (publication != NULL)
            publication->off_us = mnb_publication_is_on(publication) ? 0 : mnb_room_now_us(room);
    }
    mnb_room_reassign(room);
    mnb_room_record_sync(room);
}

static const struct {
    const char *type;
    void (*follow)(MnbRoom *room, const MnbLogEntry *entry);
} followers[] = {
    {"peer-joined", follow_joined},    {"peer-left", follow_left},  {"session-ended", follow_end},
    {"session-started", follow_start}, {"track-off", follow_track}, {"track-on", follow_track},
};

void mnb_room_follow(MnbRoom *room, const MnbLogEntry *entry)
{
    for (guint i = 0; i < G_N_ELEMENTS(followers); i++)
        if (strcmp(followers[i].type, entry->type) == 0)
            followers[i].follow(room, entry);
}

void mnb_room_leave(MnbRoom *room, const char *peer, const char *reason, MnbAppended done,
                    gpointer data)
{
    MnbAppend append = {
        .type = "peer-left", .peer = peer, .body = json_pack("{s:s}", "reason", reason)};
    mnb_room_append(room, &append, done, data);
}

void mnb_room_close_all(MnbRoom *room, MnbCloseCode code, const char *reason)
{
    g_autoptr(GPtrArray) peers = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) receivers = g_ptr_array_new();
    GHashTableIter iter;
    gpointer key;
    g_hash_table_iter_init(&iter, room->members);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        g_ptr_array_add(peers, g_strdup(key));
    for (guint i = 0; i < peers->len; i++)
        drop_member(room, g_ptr_array_index(peers, i), code, reason);
    for (guint i = 0; i < room->receivers->len; i++)
        g_ptr_array_add(receivers, g_ptr_array_index(room->receivers, i));
    for (guint i = 0; i < receivers->len; i++) {
        MnbReceiver *receiver = g_ptr_array_index(receivers, i);
        mnb_transport_close(receiver->transport);
    }
}

/* ----------------------------------------------------------------------- log against the facts */

static void reconcile_tracks(MnbRoom *room, const MnbPeer *peer, const MnbMember *member)
{
    for (guint i = 0; i < MNB_N_SOURCES; i++) {
        const MnbPublication *publication = member->publications[i];
        if (!peer->tracks[i].is_on ||
            (publication != NULL && strcmp(publication->key, peer->tracks[i].id) == 0))
            continue;
        mnb_room_append_simple(room, "track-off", peer->id,
                               json_pack("{s:s}", "source", mnb_source_to_string((MnbSource)i)));
    }
}

static void reconcile_peer(MnbRoom *room, const MnbPeer *peer)
{
    MnbMember *member = mnb_room_add_member(room, peer->id);
    reconcile_tracks(room, peer, member);
    if (peer->is_encoder) {
        if (member->publish == NULL)
            mnb_room_leave(room, peer->id, "encoder-gone", NULL, NULL);
        return;
    }
    if (member->client != NULL) {
        if (!peer->is_here)
            mnb_room_append_simple(room, "peer-back", peer->id, NULL);
        return;
    }
    if (peer->is_here)
        mnb_room_append_simple(room, "peer-away", peer->id, NULL);
    else if (mnb_room_now_us(room) - member->lost_us >= room->rooms->away_us)
        mnb_room_leave(room, peer->id, "timeout", NULL, NULL);
}

void mnb_room_reconcile(MnbRoom *room)
{
    /* What is under way may be what we would add. */
    if (room->rooms == NULL || room->rooms->is_stopping || room->in_flight > 0 ||
        room->state->state == MNB_SESSION_ENDED)
        return;
    for (guint i = 0; i < room->state->peers->len; i++) {
        const MnbPeer *peer = g_ptr_array_index(room->state->peers, i);
        if (peer->is_in)
            reconcile_peer(room, peer);
    }
}

/* -------------------------------------------------------------------------- the lines of peers */

static json_t *line_json(const MnbMember *member)
{
    const MnbTransportStats *up = member->publish != NULL ? &member->publish->stats : NULL;
    const MnbTransportStats *down =
        member->receiver != NULL ? &member->receiver->transport->stats : NULL;
    if (up == NULL && down == NULL)
        return NULL;
    guint loss = MAX(up != NULL ? up->loss_permille : 0, down != NULL ? down->loss_permille : 0);
    guint rtt = MAX(up != NULL ? up->rtt_ms : 0, down != NULL ? down->rtt_ms : 0);
    /* As the worker counts, in is what the peer sends. */
    guint in = (up != NULL ? up->in_bps : 0) + (down != NULL ? down->in_bps : 0);
    guint out = (up != NULL ? up->out_bps : 0) + (down != NULL ? down->out_bps : 0);
    return json_pack("{s:s, s:i, s:i, s:I, s:I}", "peer", member->peer, "loss_permille", (int)loss,
                     "rtt_ms", (int)rtt, "in_bps", (json_int_t)in, "out_bps", (json_int_t)out);
}

static void tell_lines(MnbRoom *room)
{
    json_t *peers = json_array();
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, room->members);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        json_t *line = line_json(value);
        if (line != NULL)
            json_array_append_new(peers, line);
    }
    if (json_array_size(peers) == 0) {
        json_decref(peers);
        return;
    }
    g_autofree char *text = mnb_room_json_message("line", json_pack("{s:o}", "peers", peers));
    mnb_room_broadcast_split(room, MNB_MAY_MODERATE, text, NULL);
}

void mnb_room_tick(MnbRoom *room)
{
    mnb_room_reconcile(room);
    mnb_room_record_sync(room);
    /* Each transport's figures come every 2 s. */
    if (mnb_room_now_us(room) / G_USEC_PER_SEC % 2 == 0)
        tell_lines(room);
}
