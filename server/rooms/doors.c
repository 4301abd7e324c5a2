/* WHIP and WHEP resources. The ETag of an ICE session is our ufrag: new with each restart. */
#include "server/rooms/doors.h"
#include "recordings/feed.h"
#include "server/base/log.h"
#include "server/rooms/room.h"
#include <string.h>

#define ENCODER_NAME "Encoder" /* of a link without a label */

typedef struct {
    MnbRoom *room; /* a reference */
    char peer[MNB_ID_SIZE];
    char link[MNB_ID_SIZE];
    char *offer;
    gsize len;
    char *answer;
    MnbDoorDone done;
    gpointer data;
} Entering;

static void entering_free(Entering *entering)
{
    mnb_room_unref(entering->room);
    g_free(entering->offer);
    g_free(entering->answer);
    g_free(entering);
}

static void refuse(MnbDoorDone done, gpointer data, MnbRoomsError code, const char *text)
{
    g_autoptr(GError) error = g_error_new_literal(MNB_ROOMS_ERROR, (int)code, text);
    done(NULL, error, data);
}

static void name_resource(MnbTransport *transport, const char *link)
{
    mnb_id_make(transport->resource);
    g_strlcpy(transport->link, link, sizeof transport->link);
    g_hash_table_insert(transport->room->rooms->resources, transport->resource, transport);
}

void mnb_doors_forget(MnbTransport *transport)
{
    if (transport->resource[0] != '\0')
        g_hash_table_remove(transport->room->rooms->resources, transport->resource);
}

/* The live session that the asker may enter; refuses by itself. */
static MnbRoom *find_room(MnbRooms *self, const MnbDoorAsker *asker, MnbPermission permission,
                          MnbDoorDone done, gpointer data)
{
    MnbRole role;
    g_autoptr(GError) error = NULL;
    if (!mnb_role_parse(asker->role, &role) || !mnb_role_may(role, permission)) {
        refuse(done, data, MNB_ROOMS_ERROR_NOT_ALLOWED, "this token does not allow that");
        return NULL;
    }
    if (self->is_stopping) {
        refuse(done, data, MNB_ROOMS_ERROR_MEDIA_UNAVAILABLE, "the server is stopping");
        return NULL;
    }
    MnbRoom *room = mnb_rooms_open(self, asker->session, &error);
    if (room == NULL) {
        done(NULL, error, data);
        return NULL;
    }
    if (room->state->state != MNB_SESSION_LIVE) {
        refuse(done, data, MNB_ROOMS_ERROR_NOT_LIVE, "the session has not started");
        return NULL;
    }
    return room;
}

/* ---------------------------------------------------------------------------------------- WHIP */

static void on_published(MnbRoom *room, const GError *error, gpointer data)
{
    Entering *entering = data;
    const MnbMember *member = mnb_room_member(room, entering->peer);
    if (error != NULL) {
        entering->done(NULL, error, entering->data);
    } else if (room->rooms == NULL || member == NULL || member->publish == NULL) {
        refuse(entering->done, entering->data, MNB_ROOMS_ERROR_MEDIA_UNAVAILABLE,
               "the media worker went away; try again");
    } else {
        const MnbTransport *transport = member->publish;
        MnbDoorAnswer answer = {
            .resource = transport->resource, .sdp = entering->answer, .etag = transport->ufrag};
        entering->done(&answer, NULL, entering->data);
    }
    entering_free(entering);
}

static void publish(Entering *entering)
{
    MnbRoom *room = entering->room;
    MnbMember *member = mnb_room_add_member(room, entering->peer);
    g_autoptr(GError) error = NULL;
    /* A new POST is a new peer connection, whatever its certificate. */
    mnb_room_unpublish(member);
    if (mnb_room_publish(member, entering->offer, entering->len, NULL, 0, &entering->answer,
                         on_published, entering, &error)) {
        /* on_published() comes later: an encoder always has a track to write. */
        name_resource(member->publish, entering->link);
        return;
    }
    mnb_room_leave(room, entering->peer, "encoder-gone", NULL, NULL);
    entering->done(NULL, error, entering->data);
    entering_free(entering);
}

static void on_joined(MnbRoom *room, const GError *error, gpointer data)
{
    Entering *entering = data;
    const MnbPeer *peer = mnb_room_peer(room, entering->peer);
    g_autoptr(GError) revoked = NULL;
    g_hash_table_remove(room->entering, entering->peer);
    gboolean is_in = error == NULL && room->rooms != NULL && peer != NULL && peer->is_in;
    if (is_in && mnb_room_check_link(room, entering->link, &revoked)) {
        publish(entering);
        return;
    }
    if (revoked != NULL)
        mnb_room_leave(room, entering->peer, "link-revoked", NULL, NULL);
    if (error != NULL || revoked != NULL)
        entering->done(NULL, error != NULL ? error : revoked, entering->data);
    else
        refuse(entering->done, entering->data, MNB_ROOMS_ERROR_SESSION_OVER,
               "this session is over");
    entering_free(entering);
}

/* An encoder that was here by this link and is not sending now: it comes back as itself. */
static const MnbPeer *find_encoder(MnbRoom *room, const char *link)
{
    for (guint i = 0; i < room->state->peers->len; i++) {
        const MnbPeer *peer = g_ptr_array_index(room->state->peers, i);
        if (!peer->is_encoder || peer->is_removed || strcmp(peer->link, link) != 0)
            continue;
        /* Two that come back at once (a restarted server) are two, not one after the other. */
        if (g_hash_table_contains(room->entering, peer->id))
            continue;
        const MnbMember *member = mnb_room_member(room, peer->id);
        if (!peer->is_in || member == NULL || member->publish == NULL || member->publish->is_silent)
            return peer;
    }
    return NULL;
}

static gboolean was_removed(MnbRoom *room, const char *link)
{
    for (guint i = 0; i < room->state->peers->len; i++) {
        const MnbPeer *peer = g_ptr_array_index(room->state->peers, i);
        if (peer->is_encoder && peer->is_removed && strcmp(peer->link, link) == 0)
            return TRUE;
    }
    return FALSE;
}

void mnb_rooms_whip(MnbRooms *self, const MnbDoorAsker *asker, const char *offer, gsize len,
                    MnbDoorDone done, gpointer data)
{
    MnbRoom *room = find_room(self, asker, MNB_MAY_MEDIA_PUBLISH, done, data);
    if (room == NULL)
        return;
    /* A bad offer is told before anybody appears in the roster. */
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbSdp) sdp = mnb_sdp_parse(offer, len, MNB_SDP_OFFER, &error);
    if (sdp == NULL) {
        done(NULL, error, data);
        return;
    }
    if (was_removed(room, asker->link)) {
        refuse(done, data, MNB_ROOMS_ERROR_REMOVED, "removed from this session by its host");
        return;
    }
    const MnbPeer *before = find_encoder(room, asker->link);
    if (before == NULL && (mnb_room_state_count(room->state) >= self->max_peers ||
                           room->state->peers->len >= MNB_ROOM_PEERS_MAX)) {
        refuse(done, data, MNB_ROOMS_ERROR_ROOM_FULL, "the session has no place left");
        return;
    }
    Entering *entering = g_new0(Entering, 1);
    entering->room = mnb_room_ref(room);
    entering->offer = g_strndup(offer, len);
    entering->len = len;
    entering->done = done;
    entering->data = data;
    g_strlcpy(entering->link, asker->link, sizeof entering->link);
    if (before != NULL)
        g_strlcpy(entering->peer, before->id, sizeof entering->peer);
    else
        mnb_id_make(entering->peer);
    if (before != NULL && before->is_in) {
        publish(entering);
        return;
    }
    const char *name = asker->label != NULL && *asker->label != '\0' ? asker->label : ENCODER_NAME;
    /* A phone that is the camera of a feed stands for a city and an area. */
    g_autoptr(MnbFeed) feed = mnb_feed_find(mnb_catalog_reader(self->catalog), asker->link, NULL);
    MnbAppend append = {
        .type = "peer-joined",
        .peer = entering->peer,
        .body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name", name, "affiliation",
                          feed != NULL ? feed->affiliation : "", "language", "", "role",
                          asker->role, "link", asker->link, "kind", "encoder"),
    };
    self->joins++;
    g_hash_table_add(room->entering, g_strdup(entering->peer));
    mnb_room_append(room, &append, on_joined, entering);
}

/* ---------------------------------------------------------------------------------------- WHEP */

void mnb_rooms_whep(MnbRooms *self, const MnbDoorAsker *asker, const char *peer, const char *offer,
                    gsize len, MnbDoorDone done, gpointer data)
{
    MnbTransport *transport = NULL;
    g_autoptr(GError) error = NULL;
    MnbRoom *room = find_room(self, asker, MNB_MAY_MEDIA_RECEIVE, done, data);
    if (room == NULL)
        return;
    if (mnb_room_count_players(room) >= MNB_ROOM_PLAYERS_MAX) {
        refuse(done, data, MNB_ROOMS_ERROR_ROOM_FULL, "the session has no place left for players");
        return;
    }
    const MnbPeer *one = peer != NULL ? mnb_room_peer(room, peer) : NULL;
    if (peer != NULL && (one == NULL || !one->is_in)) {
        refuse(done, data, MNB_ROOMS_ERROR_UNKNOWN_PEER, "nobody with that id is in the session");
        return;
    }
    g_autofree char *sdp =
        mnb_room_receive(room, one != NULL ? one->id : NULL, offer, len, &transport, &error);
    if (sdp == NULL) {
        done(NULL, error, data);
        return;
    }
    name_resource(transport, asker->link);
    MnbDoorAnswer answer = {.resource = transport->resource, .sdp = sdp, .etag = transport->ufrag};
    done(&answer, NULL, data);
}

/* ----------------------------------------------------------------------------------- resources */

static MnbTransport *find_resource(MnbRooms *self, const MnbDoorAsker *asker, const char *resource,
                                   MnbDoorDone done, gpointer data)
{
    MnbTransport *transport = g_hash_table_lookup(self->resources, resource);
    if (transport != NULL && strcmp(transport->link, asker->link) == 0 &&
        strcmp(transport->room->state->session, asker->session) == 0)
        return transport;
    refuse(done, data, MNB_ROOMS_ERROR_NOT_FOUND, "no such resource");
    return NULL;
}

void mnb_rooms_resource_patch(MnbRooms *self, const MnbDoorAsker *asker, const char *resource,
                              const char *if_match, const char *fragment, gsize len,
                              MnbDoorDone done, gpointer data)
{
    char ufrag[MNB_ICE_UFRAG_MAX], pwd[MNB_ICE_PWD_MAX];
    g_autofree char *answer_sdp = NULL;
    g_autoptr(GError) error = NULL;
    MnbDoorAnswer answer = {0};
    MnbTransport *transport = find_resource(self, asker, resource, done, data);
    if (transport == NULL)
        return;
    if (!mnb_sdp_parse_fragment(fragment, len, ufrag, pwd, &error)) {
        done(NULL, error, data);
        return;
    }
    gboolean is_any = if_match == NULL || strcmp(if_match, "*") == 0;
    if (!is_any && strcmp(if_match, transport->ufrag) != 0) {
        refuse(done, data, MNB_ROOMS_ERROR_BAD_PRECONDITION,
               "this is the ETag of an earlier ICE session");
        return;
    }
    /* Trickle repeats the ufrag it belongs to; another one is a restart (RFC 9725, 4.3.2
     * and 4.3.3). */
    if (*ufrag != '\0' && strcmp(ufrag, transport->remote_ufrag) != 0) {
        if (!mnb_transport_restart(transport, ufrag, &answer_sdp, &error)) {
            done(NULL, error, data);
            return;
        }
        answer.sdp = answer_sdp;
        answer.etag = transport->ufrag;
    }
    answer.resource = transport->resource;
    done(&answer, NULL, data);
}

typedef struct {
    MnbDoorDone done;
    gpointer data;
} Deleting;

static void on_deleted(MnbRoom *room, const GError *error, gpointer data)
{
    Deleting *deleting = data;
    MnbDoorAnswer answer = {0};
    /* The media have ended in any case. */
    deleting->done(&answer, NULL, deleting->data);
    g_free(deleting);
}

void mnb_rooms_resource_delete(MnbRooms *self, const MnbDoorAsker *asker, const char *resource,
                               MnbDoorDone done, gpointer data)
{
    MnbDoorAnswer answer = {0};
    MnbTransport *transport = find_resource(self, asker, resource, done, data);
    if (transport == NULL)
        return;
    MnbRoom *room = transport->room;
    if (transport->member == NULL) {
        mnb_transport_close(transport);
        done(&answer, NULL, data);
        return;
    }
    char peer[MNB_ID_SIZE];
    g_strlcpy(peer, transport->member->peer, sizeof peer);
    mnb_transport_close(transport);
    Deleting *deleting = g_new0(Deleting, 1);
    deleting->done = done;
    deleting->data = data;
    mnb_room_leave(room, peer, "encoder-gone", on_deleted, deleting);
}
