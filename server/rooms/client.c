/* Signalling connections: hello, replies that are owed, losing the line. */
#include "recordings/link.h"
#include "recordings/session.h"
#include "server/base/clock.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/rooms/room.h"
#include <string.h>

typedef enum { CLIENT_NEW, CLIENT_JOINING, CLIENT_IN, CLIENT_OVER } ClientState;

struct MnbClient {
    int refs;
    MnbRooms *rooms;
    const MnbClientCalls *calls;
    gpointer line; /* NULL: the socket is gone */
    ClientState state;
    MnbMember *member; /* of state IN */
};

struct MnbOwed {
    MnbClient *client;
    gint64 id;
};

static void client_unref(MnbClient *client)
{
    if (--client->refs == 0)
        g_free(client);
}

MnbClient *mnb_client_new(MnbRooms *rooms, const MnbClientCalls *calls, gpointer line)
{
    MnbClient *client = g_new0(MnbClient, 1);
    client->refs = 1;
    client->rooms = rooms;
    client->calls = calls;
    client->line = line;
    g_ptr_array_add(rooms->clients, client);
    return client;
}

void mnb_client_free(MnbClient *client)
{
    if (client == NULL)
        return;
    MnbMember *member = client->member;
    client->line = NULL;
    client->state = CLIENT_OVER;
    client->member = NULL;
    if (client->rooms != NULL)
        g_ptr_array_remove_fast(client->rooms->clients, client);
    if (member != NULL) {
        member->client = NULL;
        member->lost_us = mnb_room_now_us(member->room);
        if (!member->room->rooms->is_stopping)
            mnb_room_append_simple(member->room, "peer-away", member->peer, NULL);
    }
    client_unref(client);
}

void mnb_client_detach(MnbClient *client)
{
    if (client->member != NULL) {
        client->member->client = NULL;
        client->member->lost_us = mnb_room_now_us(client->member->room);
    }
    client->member = NULL;
    client->state = CLIENT_OVER;
}

void mnb_client_orphan(MnbClient *client)
{
    mnb_client_detach(client);
    client->rooms = NULL;
}

void mnb_client_tell(MnbClient *client, const char *text)
{
    if (client->line != NULL)
        client->calls->send(client->line, text, strlen(text));
}

void mnb_client_close(MnbClient *client, MnbCloseCode code, const char *reason)
{
    client->state = CLIENT_OVER;
    if (client->line != NULL)
        client->calls->close(client->line, code, reason);
}

gboolean mnb_client_is_in(const MnbClient *client)
{
    return client->state == CLIENT_IN;
}

gboolean mnb_client_may(const MnbClient *client, MnbPermission permission)
{
    const MnbPeer *peer =
        client->member != NULL ? mnb_room_peer(client->member->room, client->member->peer) : NULL;
    return peer != NULL && mnb_peer_may(peer, permission);
}

void mnb_client_refuse(MnbClient *client, gint64 id, const char *code, const char *detail)
{
    g_autofree char *text = mnb_room_json_refusal(id, code, detail);
    mnb_client_tell(client, text);
}

/* -------------------------------------------------------------------------------- owed replies */

MnbOwed *mnb_owed_new(MnbClient *client, gint64 id)
{
    MnbOwed *owed = g_new0(MnbOwed, 1);
    client->refs++;
    owed->client = client;
    owed->id = id;
    return owed;
}

static void owed_free(MnbOwed *owed)
{
    client_unref(owed->client);
    g_free(owed);
}

void mnb_owed_accept(MnbOwed *owed, json_t *fields)
{
    g_autofree char *text = mnb_room_json_reply(owed->id, fields);
    mnb_client_tell(owed->client, text);
    owed_free(owed);
}

void mnb_owed_refuse(MnbOwed *owed, const GError *error)
{
    mnb_client_refuse(owed->client, owed->id, mnb_rooms_error_code(error), error->message);
    owed_free(owed);
}

void mnb_owed_on_appended(MnbRoom *room, const GError *error, gpointer data)
{
    if (error != NULL)
        mnb_owed_refuse(data, error);
    else
        mnb_owed_accept(data, NULL);
}

/* --------------------------------------------------------------------------------------- hello */

typedef struct {
    MnbClient *client; /* a reference */
    MnbRoom *room;     /* a reference; NULL until it is known */
    gint64 id;
    char peer[MNB_ID_SIZE];
    char resume[MNB_TOKEN_SIZE];
    char link[MNB_ID_SIZE];
} Joining;

static void joining_free(Joining *joining)
{
    client_unref(joining->client);
    if (joining->room != NULL)
        mnb_room_unref(joining->room);
    g_free(joining);
}

static MnbCloseCode close_code_of(const GError *error)
{
    if (error->domain != MNB_ROOMS_ERROR)
        return MNB_CLOSE_HELLO_REFUSED;
    switch (error->code) {
    case MNB_ROOMS_ERROR_SESSION_OVER:
        return MNB_CLOSE_SESSION_OVER;
    case MNB_ROOMS_ERROR_NOT_FOUND:
        return MNB_CLOSE_NO_SESSION;
    case MNB_ROOMS_ERROR_REMOVED:
        return MNB_CLOSE_REMOVED;
    case MNB_ROOMS_ERROR_TOO_MANY:
        return MNB_CLOSE_TOO_FAST; /* he may come again */
    default:
        return MNB_CLOSE_HELLO_REFUSED;
    }
}

static void refuse_hello(MnbClient *client, gint64 id, const GError *error)
{
    const char *code = mnb_rooms_error_code(error);
    mnb_client_refuse(client, id, code, error->message);
    mnb_client_close(client, close_code_of(error), code);
}

/* Connects the line with its place in the room, and says what the room is. */
static void attach(Joining *joining)
{
    MnbRoom *room = joining->room;
    MnbClient *client = joining->client;
    const MnbPeer *peer = mnb_room_peer(room, joining->peer);
    MnbMember *member = mnb_room_add_member(room, joining->peer);
    if (member->client != NULL) {
        MnbClient *old = member->client;
        mnb_client_detach(old);
        mnb_client_close(old, MNB_CLOSE_REPLACED, "replaced");
    }
    member->client = client;
    member->lost_us = 0;
    client->member = member;
    client->state = CLIENT_IN;
    client->rooms->joins++;
    g_strlcpy(member->resume, joining->resume, sizeof member->resume);
    json_t *welcome =
        json_pack("{s:s, s:s, s:s, s:o, s:[], s:o}", "peer", peer->id, "resume", joining->resume,
                  "role", mnb_role_to_string(peer->role), "may", mnb_room_json_permissions(peer),
                  "ice_servers", "state", mnb_room_state_for(room, member));
    if (peer->is_waiting)
        json_object_set_new(welcome, "is_waiting", json_true());
    g_autofree char *text = mnb_room_json_reply(joining->id, welcome);
    mnb_client_tell(client, text);
    if (member->receiver != NULL && member->receiver->is_answered)
        mnb_receiver_tell(member->receiver);
    mnb_room_retell_hand_overs(member);
}

static void on_joined(MnbRoom *room, const GError *error, gpointer data)
{
    Joining *joining = data;
    MnbClient *client = joining->client;
    const MnbPeer *peer = mnb_room_peer(room, joining->peer);
    g_autoptr(GError) revoked = NULL;
    if (client->state != CLIENT_JOINING || client->line == NULL) {
        /* The line was lost meanwhile: reconcile() sees a peer that is here without a line. */
    } else if (error != NULL) {
        refuse_hello(client, joining->id, error);
    } else if (room->rooms != NULL && !mnb_room_check_link(room, joining->link, &revoked)) {
        mnb_room_leave(room, joining->peer, "link-revoked", NULL, NULL);
        refuse_hello(client, joining->id, revoked);
    } else if (room->rooms == NULL || peer == NULL || (!peer->is_in && !peer->is_waiting)) {
        g_autoptr(GError) over = g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_SESSION_OVER,
                                                     "this session is over");
        refuse_hello(client, joining->id, over);
    } else {
        attach(joining);
    }
    joining_free(joining);
}

/* Writer thread. */
static gboolean count_use(MnbDb *db, gpointer data, GError **error)
{
    return mnb_link_count_use(db, data, error);
}

/* Who comes for the first time waits in the lobby; who leads, presents or interprets does not. */
static gboolean has_to_wait(const MnbRoom *room, const MnbPeer *peer, MnbRole role)
{
    return mnb_room_has_lobby(room) && (peer == NULL || !peer->was_admitted) &&
           (role == MNB_ROLE_PARTICIPANT || role == MNB_ROLE_OBSERVER);
}

static void append_joined(Joining *joining, const MnbHello *hello, MnbRole role, gboolean waits)
{
    guint8 hash[MNB_TOKEN_HASH_BYTES];
    char hex[2 * MNB_TOKEN_HASH_BYTES + 1];
    mnb_token_hash(joining->resume, hash);
    for (guint i = 0; i < sizeof hash; i++)
        g_snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    MnbAppend append = {
        .type = "peer-joined",
        .peer = joining->peer,
        .body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "name", hello->name,
                          "affiliation", hello->affiliation, "language", hello->language, "role",
                          mnb_role_to_string(role), "link", joining->link, "kind", "browser",
                          "resume", hex, "consent", mnb_consent_to_string(hello->consent)),
        .extra = count_use,
        .extra_data = g_strdup(joining->link),
        .extra_destroy = g_free,
    };
    if (waits)
        json_object_set_new(append.body, "waiting", json_true());
    mnb_room_append(joining->room, &append, on_joined, joining);
}

/* Returns (owned): NULL when there is room for him. */
static GError *find_obstacle(const Joining *joining, const MnbPeer *peer, const MnbHello *hello,
                             MnbRole role)
{
    MnbRoom *room = joining->room;
    const MnbRoomState *state = room->state;
    guint max = joining->client->rooms->max_peers;
    if ((peer != NULL && peer->is_removed) ||
        mnb_room_state_is_removed(room->state, joining->link, hello->name))
        return g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_REMOVED,
                                   "removed from this session by its host");
    /* A place that is kept; who said goodbye, or comes by another link, takes a new one. */
    if (peer != NULL && !peer->has_left && strcmp(peer->link, joining->link) == 0)
        return NULL;
    if (state->room.settings.is_locked && !mnb_role_may(role, MNB_MAY_HOST))
        return g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_LOCKED,
                                   "the session is locked: it takes nobody new just now");
    if (mnb_room_state_count(state) >= max || mnb_room_state_count_waiting(state) >= max ||
        state->peers->len >= MNB_ROOM_PEERS_MAX || mnb_room_is_at_capacity(room, role))
        return g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_ROOM_FULL,
                                   "the session has no place left");
    return NULL;
}

/* @joining: given away. */
static void join_room(Joining *joining, MnbRoom *room, const MnbHello *hello, MnbRole role)
{
    MnbClient *client = joining->client;
    g_autoptr(GError) error = NULL;
    MnbPeer *peer =
        hello->resume != NULL ? mnb_room_state_peer_by_resume(room->state, hello->resume) : NULL;
    joining->room = mnb_room_ref(room);
    error = find_obstacle(joining, peer, hello, role);
    if (error != NULL) {
        refuse_hello(client, joining->id, error);
        joining_free(joining);
        return;
    }
    /* Of another link, or after a goodbye: a new place. */
    if (peer != NULL && (strcmp(peer->link, joining->link) != 0 || peer->has_left))
        peer = NULL;
    if (peer == NULL && client->line != NULL && client->calls->may_take_place != NULL &&
        !client->calls->may_take_place(client->line)) {
        error = g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_TOO_MANY,
                                    "too many people came from this address; wait a few seconds");
        refuse_hello(client, joining->id, error);
        joining_free(joining);
        return;
    }
    if (peer != NULL) {
        g_strlcpy(joining->peer, peer->id, sizeof joining->peer);
        g_strlcpy(joining->resume, hello->resume, sizeof joining->resume);
    } else {
        mnb_id_make(joining->peer);
        mnb_token_make(joining->resume);
    }
    /* A role that was given here is kept by who comes late. */
    if (peer != NULL && peer->was_admitted)
        role = peer->role;
    if (peer == NULL || (!peer->is_in && !peer->is_waiting)) {
        append_joined(joining, hello, role, has_to_wait(room, peer, role));
        return;
    }
    MnbAppend append = {.type = "peer-back", .peer = joining->peer};
    mnb_room_append(room, &append, on_joined, joining);
}

/* A host comes again to an event whose session is over: a new session. */

typedef struct {
    Joining *joining;
    MnbHello hello; /* texts owned */
    MnbRole role;
    char *event;
    gint64 now_us;
    char session[MNB_ID_SIZE]; /* result */
} Renewal;

static void renewal_free(gpointer data)
{
    Renewal *renewal = data;
    g_free(renewal->hello.name);
    g_free(renewal->hello.affiliation);
    g_free(renewal->hello.language);
    g_free(renewal->event);
    g_free(renewal);
}

/* Writer thread. */
static gboolean write_session(MnbDb *db, gpointer data, GError **error)
{
    Renewal *renewal = data;
    g_autoptr(MnbSession) open = mnb_session_find_for_event(db, renewal->event, NULL);
    if (open != NULL && open->state != MNB_SESSION_ENDED) {
        g_strlcpy(renewal->session, open->id, sizeof renewal->session);
        return TRUE;
    }
    g_autoptr(MnbSession) session = mnb_session_create(db, renewal->event, renewal->now_us, error);
    if (session != NULL)
        g_strlcpy(renewal->session, session->id, sizeof renewal->session);
    return session != NULL;
}

static void on_session(const GError *cause, gpointer data, gpointer user_data)
{
    Renewal *renewal = data;
    Joining *joining = renewal->joining;
    MnbClient *client = joining->client;
    g_autoptr(GError) error = NULL;
    MnbRoom *room = NULL;
    if (client->state != CLIENT_JOINING || client->line == NULL || client->rooms == NULL) {
        joining_free(joining);
        return;
    }
    if (cause != NULL)
        error = g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_STORAGE, cause->message);
    else
        room = mnb_rooms_open(client->rooms, renewal->session, &error);
    if (room == NULL) {
        refuse_hello(client, joining->id, error);
        joining_free(joining);
        return;
    }
    join_room(joining, room, &renewal->hello, renewal->role);
}

static void begin_session(Joining *joining, const MnbHello *hello, const MnbLink *link)
{
    MnbRooms *rooms = joining->client->rooms;
    Renewal *renewal = g_new0(Renewal, 1);
    renewal->joining = joining;
    renewal->hello.name = g_strdup(hello->name);
    renewal->hello.affiliation = g_strdup(hello->affiliation);
    renewal->hello.language = g_strdup(hello->language);
    renewal->hello.consent = hello->consent;
    renewal->role = link->role;
    renewal->event = g_strdup(link->event);
    renewal->now_us = mnb_clock_wall_us(rooms->clock);
    mnb_catalog_write(rooms->catalog, write_session, renewal, renewal_free, on_session, NULL);
}

/* NULL without @error: the session is over, and this is a host who comes anew. */
static MnbRoom *find_room(MnbRooms *rooms, const MnbLink *link, const MnbHello *hello,
                          GError **error)
{
    g_autoptr(MnbSession) session =
        mnb_session_find_for_event(mnb_catalog_reader(rooms->catalog), link->event, NULL);
    if (session != NULL && session->state != MNB_SESSION_ENDED)
        return mnb_rooms_open(rooms, session->id, error);
    if (mnb_role_may(link->role, MNB_MAY_HOST) && hello->resume == NULL)
        return NULL;
    g_set_error_literal(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_SESSION_OVER,
                        "this session is over");
    return NULL;
}

static MnbLink *find_link(MnbRooms *rooms, const MnbHello *hello, GError **error)
{
    g_autoptr(GError) cause = NULL;
    MnbLink *link = mnb_link_find_by_token(mnb_catalog_reader(rooms->catalog), hello->token,
                                           mnb_clock_wall_us(rooms->clock), &cause);
    if (link == NULL) {
        g_propagate_error(error, mnb_room_link_error(cause));
        return NULL;
    }
    if (!mnb_link_may(link, MNB_MAY_ATTEND)) {
        g_set_error_literal(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_NOT_ALLOWED,
                            "this link is for encoders and players (WHIP, WHEP) only");
        g_clear_pointer(&link, mnb_link_free);
        return NULL;
    }
    if (*hello->name == '\0') {
        g_set_error_literal(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_NAME_REQUIRED,
                            "a name is needed to join");
        g_clear_pointer(&link, mnb_link_free);
    }
    return link;
}

void mnb_client_hello(MnbClient *client, const MnbHello *hello)
{
    MnbRooms *rooms = client->rooms;
    g_autoptr(GError) error = NULL;
    if (client->state != CLIENT_NEW || rooms == NULL || rooms->is_stopping) {
        mnb_client_refuse(client, hello->id, "bad-message", "hello is the first message, once");
        return;
    }
    g_autoptr(MnbLink) link = find_link(rooms, hello, &error);
    MnbRoom *room = link != NULL ? find_room(rooms, link, hello, &error) : NULL;
    if (error != NULL) {
        refuse_hello(client, hello->id, error);
        return;
    }
    Joining *joining = g_new0(Joining, 1);
    client->refs++;
    client->state = CLIENT_JOINING;
    joining->client = client;
    joining->id = hello->id;
    g_strlcpy(joining->link, link->id, sizeof joining->link);
    if (room != NULL)
        join_room(joining, room, hello, link->role);
    else
        begin_session(joining, hello, link);
}

/* ------------------------------------------------------------------------------------ requests */

void mnb_client_request(MnbClient *client, const MnbRequest *request)
{
    if (client->state != CLIENT_IN || client->member == NULL) {
        mnb_client_refuse(client, request->id, "bad-message",
                          "hello must be accepted before anything else is asked");
        return;
    }
    mnb_requests_run(client, client->member, request);
}
