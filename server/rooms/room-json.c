#include "server/rooms/room-json.h"
#include "server/base/clock.h"
#include <string.h>

/* jansson's buffer comes from malloc(); everybody else here frees with g_free(). */
static char *dump(json_t *root)
{
    char *raw = json_dumps(root, JSON_COMPACT);
    char *text = g_strdup(raw != NULL ? raw : "{}");
    free(raw);
    json_decref(root);
    return text;
}

static json_t *time_or_null(gint64 time_us)
{
    if (time_us == 0)
        return json_null();
    g_autofree char *text = mnb_time_to_rfc3339(time_us);
    return text != NULL ? json_string(text) : json_null();
}

static json_t *text_or_null(const char *text)
{
    return text != NULL && *text != '\0' ? json_string(text) : json_null();
}

static json_t *peer_json(const MnbPeer *peer, guint hand)
{
    json_t *tracks = json_array();
    for (guint i = 0; i < MNB_N_SOURCES; i++) {
        const MnbPeerTrack *track = &peer->tracks[i];
        if (track->id[0] != '\0')
            json_array_append_new(tracks, json_pack("{s:s, s:s, s:b}", "id", track->id, "source",
                                                    mnb_source_to_string((MnbSource)i), "is_on",
                                                    track->is_on));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:o, s:o}", "id", peer->id, "name",
                     peer->name, "affiliation", peer->affiliation, "role",
                     mnb_role_to_string(peer->role), "kind",
                     peer->is_encoder ? "encoder" : "browser", "joined_at",
                     time_or_null(peer->joined_us), "is_here", peer->is_here, "hand",
                     hand > 0 ? json_integer(hand) : json_null(), "tracks", tracks);
}

static json_t *chat_json(const MnbChatLine *line)
{
    return json_pack("{s:I, s:s, s:s, s:s, s:o}", "id", (json_int_t)line->id, "peer", line->peer,
                     "name", line->name, "text", line->text, "at", time_or_null(line->at_us));
}

static const char *recording_name(MnbRoomRecording recording)
{
    static const char *const names[] = {"off", "on", "failed"};
    return names[recording];
}

static json_t *recording_json(const MnbRoomState *state, gboolean sees_detail)
{
    return json_pack("{s:s, s:o, s:o}", "state", recording_name(state->recording), "since",
                     time_or_null(state->recording_since_us), "detail",
                     sees_detail ? text_or_null(state->recording_detail) : json_null());
}

static guint hand_of(GPtrArray *hands, const MnbPeer *peer)
{
    guint index;
    return g_ptr_array_find(hands, peer, &index) ? index + 1 : 0;
}

json_t *mnb_room_json_state(const MnbRoomState *state, const MnbRoomTitles *titles,
                            gboolean sees_detail)
{
    json_t *peers = json_array();
    json_t *chat = json_array();
    g_autoptr(GPtrArray) hands = mnb_room_state_hands(state);
    for (guint i = 0; i < state->peers->len; i++) {
        const MnbPeer *peer = g_ptr_array_index(state->peers, i);
        if (peer->is_in)
            json_array_append_new(peers, peer_json(peer, hand_of(hands, peer)));
    }
    for (const GList *at = state->chat.head; at != NULL; at = at->next)
        json_array_append_new(chat, chat_json(at->data));
    json_t *session =
        json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s}", "id", state->session, "event",
                  titles->event, "state", mnb_session_state_to_string(state->state), "started_at",
                  time_or_null(state->started_us), "title_en", titles->title_en, "title_ja",
                  titles->title_ja, "area", titles->area, "city", titles->city);
    return json_pack("{s:o, s:o, s:o, s:o, s:I}", "session", session, "recording",
                     recording_json(state, sees_detail), "peers", peers, "chat", chat, "seq",
                     (json_int_t)state->seq);
}

/* -------------------------------------------------------------------------------------- events */

static json_t *hand_order(const MnbRoomState *state)
{
    json_t *order = json_array();
    g_autoptr(GPtrArray) hands = mnb_room_state_hands(state);
    for (guint i = 0; i < hands->len; i++) {
        const MnbPeer *peer = g_ptr_array_index(hands, i);
        json_array_append_new(order, json_string(peer->id));
    }
    return order;
}

static json_t *track_event(MnbRoomState *state, const MnbLogEntry *entry)
{
    json_t *body = json_loads(entry->body, 0, NULL);
    const char *name = json_string_value(json_object_get(body, "source"));
    const MnbPeer *peer = mnb_room_state_peer(state, entry->peer);
    json_t *event = NULL;
    MnbSource source;
    if (peer != NULL && mnb_source_parse(name, &source))
        event = json_pack("{s:s, s:s, s:s, s:s}", "type", entry->type, "peer", peer->id, "track",
                          peer->tracks[source].id, "source", name);
    json_decref(body);
    return event;
}

static json_t *left_event(const MnbLogEntry *entry)
{
    json_t *body = json_loads(entry->body, 0, NULL);
    const char *reason = json_string_value(json_object_get(body, "reason"));
    json_t *event = json_pack("{s:s, s:s, s:s}", "type", entry->type, "peer", entry->peer, "reason",
                              reason != NULL ? reason : "");
    json_decref(body);
    return event;
}

static json_t *event_json(MnbRoomState *state, const MnbLogEntry *entry, gboolean with_detail)
{
    const char *type = entry->type;
    const MnbPeer *peer = mnb_room_state_peer(state, entry->peer);
    if (g_str_has_prefix(type, "session-"))
        return json_pack("{s:s, s:s, s:o}", "type", "session", "state",
                         mnb_session_state_to_string(state->state), "started_at",
                         time_or_null(state->started_us));
    if (g_str_has_prefix(type, "recording-")) {
        json_t *event = recording_json(state, with_detail);
        json_object_set_new(event, "type", json_string("recording"));
        return event;
    }
    if (strcmp(type, "hand") == 0)
        return json_pack("{s:s, s:o}", "type", type, "order", hand_order(state));
    if (peer == NULL)
        return NULL;
    if (strcmp(type, "peer-joined") == 0)
        return json_pack("{s:s, s:o}", "type", type, "peer", peer_json(peer, 0));
    if (strcmp(type, "peer-left") == 0)
        return left_event(entry);
    if (strcmp(type, "peer-away") == 0 || strcmp(type, "peer-back") == 0)
        return json_pack("{s:s, s:s}", "type", type, "peer", peer->id);
    if (strcmp(type, "peer-renamed") == 0)
        return json_pack("{s:s, s:s, s:s}", "type", type, "peer", peer->id, "name", peer->name);
    if (strcmp(type, "chat") == 0 && !g_queue_is_empty(&state->chat))
        return json_pack("{s:s, s:o}", "type", type, "chat",
                         chat_json(g_queue_peek_tail(&state->chat)));
    if (strcmp(type, "track-on") == 0 || strcmp(type, "track-off") == 0)
        return track_event(state, entry);
    return NULL;
}

char *mnb_room_json_event(MnbRoomState *state, const MnbLogEntry *entry, gboolean with_detail)
{
    json_t *event = event_json(state, entry, with_detail);
    if (event == NULL)
        return NULL;
    json_object_set_new(event, "kind", json_string("event"));
    json_object_set_new(event, "seq", json_integer((json_int_t)entry->seq));
    return dump(event);
}

/* -------------------------------------------------------------------------- replies and others */

char *mnb_room_json_reply(gint64 id, json_t *fields)
{
    json_t *reply = json_pack("{s:s, s:I, s:b}", "kind", "reply", "id", (json_int_t)id, "ok", TRUE);
    if (fields != NULL)
        json_object_update(reply, fields);
    json_decref(fields);
    return dump(reply);
}

char *mnb_room_json_refusal(gint64 id, const char *code, const char *detail)
{
    return dump(json_pack("{s:s, s:I, s:b, s:s, s:s}", "kind", "reply", "id", (json_int_t)id, "ok",
                          FALSE, "code", code, "detail", detail));
}

char *mnb_room_json_message(const char *kind, json_t *fields)
{
    json_t *message = json_pack("{s:s}", "kind", kind);
    if (fields != NULL)
        json_object_update(message, fields);
    json_decref(fields);
    return dump(message);
}

json_t *mnb_room_json_permissions(MnbRole role)
{
    json_t *names = json_array();
    for (guint i = 0; i < MNB_N_PERMISSIONS; i++)
        if (mnb_role_may(role, (MnbPermission)i))
            json_array_append_new(names, json_string(mnb_permission_to_string((MnbPermission)i)));
    return names;
}
