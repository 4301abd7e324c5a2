/* A room: members, telling everybody, and making the log follow the facts. */
#include "server/rooms/room.h"
#include "recordings/link.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/rooms/room-slides.h"
#include "server/rooms/room-tell.h"
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

json_t *mnb_room_state_for(MnbRoom *room, const MnbMember *member)
{
    const MnbPeer *peer = mnb_room_peer(room, member->peer);
    MnbRoomTitles titles;
    mnb_room_titles(room, &titles);
    json_t *state = mnb_room_json_state(room->state, &titles, peer, member->resume);
    json_t *mine = json_object_get(state, "mine");
    if (mine == NULL)
        return state;
    json_object_set_new(state, "channels", mnb_room_channels_json(room));
    json_object_set_new(mine, "hear", json_string(peer->hear[0] != '\0' ? peer->hear : "floor"));
    json_object_set_new(mine, "with_floor", json_boolean(!peer->is_floor_off));
    return state;
}

void mnb_room_titles(const MnbRoom *room, MnbRoomTitles *titles)
{
    *titles = (MnbRoomTitles){
        .event = room->event->id,
        .title_en = room->event->title_en,
        .title_ja = room->event->title_ja,
        .area = room->event->area,
        .city = room->event->city,
        .languages = (const char *const *)room->event->languages,
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
        if (member->client == NULL || peer == NULL || peer->is_waiting)
            continue;
        const char *text = mnb_peer_may(peer, permission) ? for_some : for_all;
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
    MNB_LOG_INFO("peer joined", "session=%s peer=%s role=%s kind=%s waiting=%s",
                 room->state->session, peer->id, mnb_role_to_string(peer->role),
                 peer->is_encoder ? "encoder" : "browser", peer->is_waiting ? "yes" : "no");
    if (peer->is_waiting)
        mnb_tell_lobby(room);
    else
        mnb_tell_channels(room);
}

/* Away, back or renamed. */
static void follow_changed(MnbRoom *room, const MnbLogEntry *entry)
{
    const MnbPeer *peer = mnb_room_peer(room, entry->peer);
    if (peer != NULL && peer->is_waiting)
        mnb_tell_lobby(room);
    else if (strcmp(entry->type, "peer-renamed") != 0)
        mnb_tell_channels(room);
}

static const char *text_of(const json_t *body, const char *name)
{
    const char *text = json_string_value(json_object_get(body, name));
    return text != NULL ? text : "";
}

static void follow_left(MnbRoom *room, const MnbLogEntry *entry)
{
    const MnbPeer *peer = mnb_room_peer(room, entry->peer);
    if (peer == NULL)
        return;
    json_t *body = json_loads(entry->body, 0, NULL);
    const char *why = text_of(body, "reason");
    gboolean is_refused = strcmp(why, "refused") == 0;
    const MnbMember *member = mnb_room_member(room, peer->id);
    MNB_LOG_INFO("peer left", "session=%s peer=%s why=%s", room->state->session, peer->id, why);
    if (is_refused && member != NULL && member->client != NULL) {
        g_autofree char *text =
            mnb_room_json_message("refused", json_pack("{s:s}", "text", text_of(body, "text")));
        mnb_client_tell(member->client, text);
    }
    json_decref(body);
    drop_member(room, peer->id, peer->is_removed ? MNB_CLOSE_REMOVED : MNB_CLOSE_NORMAL,
                is_refused         ? "refused"
                : peer->is_removed ? "removed"
                                   : "");
    mnb_room_check_hand_overs(room);
    mnb_tell_channels(room);
    if (!peer->was_admitted)
        mnb_tell_lobby(room);
}

static const MnbPeer *peer_of(MnbRoom *room, const MnbLogEntry *entry)
{
    json_t *body = json_loads(entry->body, 0, NULL);
    const MnbPeer *peer = mnb_room_peer(room, text_of(body, "of"));
    json_decref(body);
    return peer;
}

static void follow_admitted(MnbRoom *room, const MnbLogEntry *entry)
{
    const MnbPeer *peer = peer_of(room, entry);
    const MnbMember *member = peer != NULL ? mnb_room_member(room, peer->id) : NULL;
    mnb_tell_lobby(room);
    mnb_tell_channels(room);
    if (member == NULL || member->client == NULL)
        return;
    g_autofree char *text = mnb_room_json_message(
        "admitted",
        json_pack("{s:s, s:o, s:o}", "role", mnb_role_to_string(peer->role), "may",
                  mnb_room_json_permissions(peer), "state", mnb_room_state_for(room, member)));
    mnb_client_tell(member->client, text);
}

/* What he may do has changed. */
static void follow_role(MnbRoom *room, const MnbLogEntry *entry)
{
    const MnbPeer *peer = peer_of(room, entry);
    MnbMember *member = peer != NULL ? mnb_room_member(room, peer->id) : NULL;
    if (member == NULL)
        return;
    if (!mnb_peer_may(peer, MNB_MAY_SPEAK))
        mnb_room_unpublish(member);
    mnb_room_set_aside(member);
    mnb_room_record_sync(room);
    mnb_room_check_hand_overs(room);
    mnb_tell_channels(room);
    mnb_room_reassign(room);
    if (member->client == NULL || peer->is_waiting)
        return;
    g_autofree char *text = mnb_room_json_message(
        "you", json_pack("{s:s, s:o, s:o}", "role", mnb_role_to_string(peer->role), "may",
                         mnb_room_json_permissions(peer), "grants", mnb_room_json_grants(peer)));
    mnb_client_tell(member->client, text);
    if (mnb_peer_may(peer, MNB_MAY_MODERATE))
        mnb_tell_lobby(room);
}

/* Who interprets has changed: other people are to be heard. */
static void follow_booth(MnbRoom *room, const MnbLogEntry *entry)
{
    const MnbMember *member = entry->peer != NULL ? mnb_room_member(room, entry->peer) : NULL;
    if (member != NULL)
        mnb_room_set_aside(member);
    mnb_room_check_hand_overs(room);
    mnb_tell_channels(room);
    mnb_room_reassign(room);
    mnb_room_record_sync(room);
}

/* He is to hear somebody else. */
static void follow_hear(MnbRoom *room, const MnbLogEntry *entry)
{
    mnb_tell_channels(room);
    mnb_room_reassign(room);
}

static void follow_hand_over(MnbRoom *room, const MnbLogEntry *entry)
{
    mnb_room_check_hand_overs(room);
}

static void follow_spotlight(MnbRoom *room, const MnbLogEntry *entry)
{
    mnb_room_reassign(room);
}

static void follow_deck_removed(MnbRoom *room, const MnbLogEntry *entry)
{
    json_t *body = json_loads(entry->body, 0, NULL);
    mnb_slides_remove(room->rooms->slides, room->state->session, text_of(body, "deck"));
    json_decref(body);
}

static void follow_vote(MnbRoom *room, const MnbLogEntry *entry)
{
    json_t *body = json_loads(entry->body, 0, NULL);
    if (strcmp(entry->type, "poll-vote") == 0)
        mnb_tell_poll(room, json_integer_value(json_object_get(body, "poll")));
    else
        mnb_tell_question(room, json_integer_value(json_object_get(body, "question")));
    json_decref(body);
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

static void note_switched(const MnbMember *member)
{
    for (guint i = 0; i < MNB_N_SOURCES; i++) {
        MnbPublication *publication = member->publications[i];
        if (publication != NULL)
            publication->off_us =
                mnb_publication_is_on(publication) ? 0 : mnb_room_now_us(member->room);
    }
}

static void follow_track(MnbRoom *room, const MnbLogEntry *entry)
{
    const MnbMember *member = mnb_room_member(room, entry->peer);
    if (member != NULL)
        note_switched(member);
    mnb_room_reassign(room);
    mnb_room_record_sync(room);
}

static void follow_muted_all(MnbRoom *room, const MnbLogEntry *entry)
{
    json_t *body = json_loads(entry->body, 0, NULL);
    const char *source = text_of(body, "source");
    g_autofree char *text =
        mnb_room_json_message("muted-by-host", json_pack("{s:s}", "source", source));
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, room->members);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const MnbMember *member = value;
        const MnbPeer *peer = mnb_room_peer(room, member->peer);
        if (peer == NULL || !peer->is_in || mnb_role_may(peer->role, MNB_MAY_MODERATE) ||
            mnb_role_may(peer->role, MNB_MAY_INTERPRET))
            continue;
        note_switched(member);
        if (member->client != NULL)
            mnb_client_tell(member->client, text);
    }
    json_decref(body);
    mnb_room_reassign(room);
    mnb_room_record_sync(room);
}

static void follow_consent(MnbRoom *room, const MnbLogEntry *entry)
{
    const MnbPeer *peer = mnb_room_peer(room, entry->peer);
    MnbMember *member = mnb_room_member(room, entry->peer);
    MNB_LOG_INFO("consent to be recorded", "session=%s peer=%s answer=%s", room->state->session,
                 entry->peer, mnb_consent_to_string(peer->consent));
    if (member != NULL)
        member->is_excluded = FALSE; /* the log says it now */
    mnb_room_record_sync(room);
}

static const struct {
    const char *type;
    void (*follow)(MnbRoom *room, const MnbLogEntry *entry);
} followers[] = {
    {"booth", follow_booth},
    {"deck-removed", follow_deck_removed},
    {"hand-over", follow_hand_over},
    {"hear", follow_hear},
    {"lobby-admitted", follow_admitted},
    {"on-air", follow_booth},
    {"peer-away", follow_changed},
    {"peer-back", follow_changed},
    {"peer-consent", follow_consent},
    {"peer-grant", follow_role},
    {"peer-joined", follow_joined},
    {"peer-left", follow_left},
    {"peer-renamed", follow_changed},
    {"peer-role", follow_role},
    {"peers-muted", follow_muted_all},
    {"poll-vote", follow_vote},
    {"question-vote", follow_vote},
    {"session-ended", follow_end},
    {"session-started", follow_start},
    {"spotlight", follow_spotlight},
    {"track-off", follow_track},
    {"track-on", follow_track},
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
        if (peer->is_in || peer->is_waiting)
            reconcile_peer(room, peer);
    }
}

void mnb_room_tick(MnbRoom *room)
{
    mnb_room_reconcile(room);
    mnb_room_record_sync(room);
    /* Each transport's figures come every 2 s. */
    if (mnb_room_now_us(room) / G_USEC_PER_SEC % 2 == 0)
        mnb_room_tell_lines(room);
}
