/* What the media workers tell, and what becomes of a room whose worker dies. */
#include "server/base/log.h"
#include "server/rooms/feeds.h"
#include "server/rooms/room.h"

/* A copy of a publisher at another worker has failed. */
static void on_copy_closed(MnbRooms *rooms, const MnbMediaWorker *worker, guint32 transport)
{
    GHashTableIter iter;
    gpointer value;
    MnbRoom *found = NULL;
    g_hash_table_iter_init(&iter, rooms->by_session);
    while (found == NULL && g_hash_table_iter_next(&iter, NULL, &value))
        if (mnb_room_owns_copy(value, worker, transport))
            found = value;
    if (found != NULL)
        mnb_room_drop_branch(found, worker);
}

static void on_transport_state(MnbMediaWorker *worker, const MnbTransportState *state,
                               gpointer data)
{
    MnbRooms *rooms = data;
    MnbTransport *transport =
        g_hash_table_lookup(rooms->transports, GUINT_TO_POINTER(state->transport));
    if (transport == NULL) {
        if (state->state == MNB_TRANSPORT_CLOSED)
            on_copy_closed(rooms, worker, state->transport);
        return;
    }
    MNB_LOG_DEBUG("transport", "id=%u state=%u reason=%u", state->transport, state->state,
                  state->reason);
    transport->is_silent = state->state == MNB_TRANSPORT_DISCONNECTED;
    if (state->state != MNB_TRANSPORT_CLOSED)
        return;
    MnbRoom *room = transport->room;
    mnb_transport_forget(transport);
    mnb_room_reconcile(room);
}

static void on_track_state(MnbMediaWorker *worker, const MnbTrackState *state, gpointer data)
{
    MnbRooms *rooms = data;
    MnbPublication *publication = mnb_rooms_find_publication(rooms, state->track);
    if (publication == NULL || publication->member->room->worker != worker)
        return; /* a branch says it too */
    MnbRoom *room = publication->member->room;
    for (guint i = 0; i < publication->layer_count; i++) {
        MnbLayer *layer = &publication->layers[i];
        if (layer->track != state->track)
            continue;
        layer->is_flowing = state->is_flowing != 0;
        layer->flowing_us = layer->is_flowing ? mnb_room_now_us(room) : 0;
    }
    mnb_room_record_sync(room);
    if (publication->layer_count > 1)
        mnb_room_reassign(room);
}

static void on_speaker(MnbMediaWorker *worker, const MnbSpeaker *speaker, gpointer data)
{
    MnbRooms *rooms = data;
    MnbRoom *room = g_hash_table_lookup(rooms->by_media_room, GUINT_TO_POINTER(speaker->room));
    if (room == NULL || room->rooms == NULL)
        return;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, room->members);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        MnbPublication *microphone = ((MnbMember *)value)->publications[MNB_SOURCE_MICROPHONE];
        if (microphone != NULL)
            microphone->speaks = 0;
    }
    json_t *peers = json_array();
    for (guint i = 0; i < G_N_ELEMENTS(speaker->tracks); i++) {
        MnbPublication *publication = mnb_rooms_find_publication(rooms, speaker->tracks[i]);
        if (publication == NULL || publication->member->room != room ||
            !mnb_publication_is_on(publication))
            continue;
        /* An interpreter does not speak on the floor. */
        const MnbPeer *peer = mnb_room_peer(room, publication->member->peer);
        if (peer == NULL || peer->booth[0] != '\0')
            continue;
        publication->speaks = i + 1;
        publication->spoke_us = mnb_room_now_us(room);
        json_array_append_new(peers, json_string(publication->member->peer));
    }
    g_autofree char *text = mnb_room_json_message("speakers", json_pack("{s:o}", "peers", peers));
    mnb_room_broadcast(room, text);
    mnb_room_reassign(room);
}

static void on_refused(MnbMediaWorker *worker, const MnbMediaRefused *refused, gpointer data)
{
    MNB_LOG_WARNING("media worker refused a command", "worker=%u type=%u id=%u error=%d",
                    mnb_media_worker_index(worker), refused->type, refused->id, refused->error);
}

static void on_transport_stats(MnbMediaWorker *worker, const MnbTransportStats *stats,
                               gpointer data)
{
    MnbRooms *rooms = data;
    MnbTransport *transport =
        g_hash_table_lookup(rooms->transports, GUINT_TO_POINTER(stats->transport));
    if (transport != NULL)
        transport->stats = *stats;
}

static void on_slot_state(MnbMediaWorker *worker, const MnbSlotState *state, gpointer data)
{
    MnbRooms *rooms = data;
    if (state->state > MNB_SLOT_PAUSED_LIMIT)
        return;
    MnbTransport *transport =
        g_hash_table_lookup(rooms->transports, GUINT_TO_POINTER(state->transport));
    if (transport != NULL && transport->receiver != NULL)
        mnb_receiver_on_slot_state(transport->receiver, state);
}

static void on_feed_key(MnbMediaWorker *worker, const MnbMediaId *track, gpointer data)
{
    MnbRooms *rooms = data;
    const MnbPublication *publication = mnb_rooms_find_publication(rooms, track->id);
    const MnbRoom *room = publication != NULL ? publication->member->room : NULL;
    if (room != NULL &&
        room->worker != worker) /* a branch, whose tracks have the ids of the real ones */
        mnb_media_worker_key_frame(room->worker, track->id);
    else if (publication != NULL)
        mnb_feeds_key_frame(rooms->feeds, publication->member->peer);
}

static GPtrArray *rooms_of(MnbRooms *rooms, const MnbMediaWorker *worker)
{
    GPtrArray *found = g_ptr_array_new_with_free_func((GDestroyNotify)mnb_room_unref);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, rooms->by_session);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        MnbRoom *room = value;
        if (room->worker == worker)
            g_ptr_array_add(found, mnb_room_ref(room));
    }
    return found;
}

/* The room begins anew at @worker: everybody publishes and subscribes again. */
static void move_room(MnbRoom *room, MnbMediaWorker *worker)
{
    g_autofree char *text = mnb_room_json_message("media-restart", NULL);
    mnb_room_set_worker(room, worker);
    mnb_room_record_moved(room);
    mnb_room_broadcast(room, text);
}

/* @gone: the room's worker; those of branches are closed. */
static guint forget_transports(MnbRoom *room, const MnbMediaWorker *gone)
{
    g_autoptr(GPtrArray) transports = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, room->rooms->transports);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((MnbTransport *)value)->room == room)
            g_ptr_array_add(transports, value);
    for (guint i = 0; i < transports->len; i++) {
        MnbTransport *transport = g_ptr_array_index(transports, i);
        if (transport->worker == gone)
            mnb_transport_forget(transport);
        else
            mnb_transport_close(transport);
    }
    return transports->len;
}

static void drop_branches(MnbRooms *rooms, const MnbMediaWorker *worker)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, rooms->by_session);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        mnb_room_drop_branch(value, worker);
}

/* All that it knew is void. Another worker takes the room at once; where there is none, the same
 * one when it is back. */
static void on_gone(MnbMediaWorker *worker, gpointer data)
{
    MnbRooms *self = data;
    g_autoptr(GPtrArray) rooms = rooms_of(self, worker);
    drop_branches(self, worker);
    for (guint i = 0; i < rooms->len; i++) {
        MnbRoom *room = g_ptr_array_index(rooms, i);
        guint transports = forget_transports(room, worker);
        MnbMediaWorker *other = mnb_media_pool_pick(self->pool);
        MNB_LOG_WARNING("media of a session are gone", "session=%s transports=%u moved=%s",
                        room->state->session, transports, other != NULL ? "yes" : "no");
        mnb_room_reconcile(room);
        if (other != NULL && other != worker)
            move_room(room, other);
    }
}

static void on_restarted(MnbMediaWorker *worker, gpointer data)
{
    MnbRooms *self = data;
    g_autoptr(GPtrArray) rooms = rooms_of(self, worker);
    for (guint i = 0; i < rooms->len; i++)
        move_room(g_ptr_array_index(rooms, i), worker);
}

const MnbMediaEvents mnb_room_media_events = {
    .transport_state = on_transport_state,
    .track_state = on_track_state,
    .speaker = on_speaker,
    .refused = on_refused,
    .transport_stats = on_transport_stats,
    .slot_state = on_slot_state,
    .feed_key = on_feed_key,
    .gone = on_gone,
    .restarted = on_restarted,
};
