#include "server/rooms/room-json.h"
#include "server/base/clock.h"
#include "server/rooms/classroom-json.h"
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
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:o, s:o, s:o, s:o}", "id", peer->id, "name",
        peer->name, "affiliation", peer->affiliation, "role", mnb_role_to_string(peer->role),
        "kind", peer->is_encoder ? "encoder" : "browser", "consent",
        mnb_consent_to_string(peer->consent), "joined_at", time_or_null(peer->joined_us), "is_here",
        peer->is_here, "hand", hand > 0 ? json_integer(hand) : json_null(), "tracks", tracks,
        "booth", text_or_null(peer->booth), "grants", mnb_room_json_grants(peer));
}

json_t *mnb_room_json_grants(const MnbPeer *peer)
{
    json_t *names = json_array();
    for (guint i = 0; i < MNB_N_PERMISSIONS; i++)
        if ((peer->grants & G_GUINT64_CONSTANT(1) << i) != 0)
            json_array_append_new(names, json_string(mnb_permission_to_string((MnbPermission)i)));
    return names;
}

json_t *mnb_room_json_lobby(const MnbRoomState *state)
{
    json_t *lobby = json_array();
    for (guint i = 0; i < state->peers->len; i++) {
        const MnbPeer *peer = g_ptr_array_index(state->peers, i);
        if (peer->is_waiting)
            json_array_append_new(
                lobby,
                json_pack("{s:s, s:s, s:s, s:s, s:o, s:b}", "id", peer->id, "name", peer->name,
                          "affiliation", peer->affiliation, "role", mnb_role_to_string(peer->role),
                          "since", time_or_null(peer->joined_us), "is_here", peer->is_here));
    }
    return lobby;
}

static json_t *chat_json(const MnbChatLine *line)
{
    return json_pack("{s:I, s:s, s:s, s:s, s:o, s:s}", "id", (json_int_t)line->id, "peer",
                     line->peer, "name", line->name, "text", line->text, "at",
                     time_or_null(line->at_us), "to", line->to[0] != '\0' ? line->to : "all");
}

static const char *recording_name(MnbRoomRecording recording)
{
    static const char *const names[] = {"off", "on", "failed", "paused"};
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

static json_t *session_json(const MnbRoomState *state, const MnbRoomTitles *titles)
{
    json_t *languages = json_array();
    for (guint i = 0; titles->languages != NULL && titles->languages[i] != NULL; i++)
        json_array_append_new(languages, json_string(titles->languages[i]));
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:o}", "id", state->session, "event",
                     titles->event, "state", mnb_session_state_to_string(state->state),
                     "started_at", time_or_null(state->started_us), "title_en", titles->title_en,
                     "title_ja", titles->title_ja, "area", titles->area, "city", titles->city,
                     "languages", languages);
}

static json_t *roster_json(const MnbRoomState *state)
{
    json_t *peers = json_array();
    g_autoptr(GPtrArray) hands = mnb_room_state_hands(state);
    for (guint i = 0; i < state->peers->len; i++) {
        const MnbPeer *peer = g_ptr_array_index(state->peers, i);
        if (peer->is_in)
            json_array_append_new(peers, peer_json(peer, hand_of(hands, peer)));
    }
    return peers;
}

json_t *mnb_room_json_state(const MnbRoomState *state, const MnbRoomTitles *titles,
                            const MnbPeer *viewer, const char *resume)
{
    json_t *root = json_pack("{s:o, s:I}", "session", session_json(state, titles), "seq",
                             (json_int_t)state->seq);
    if (viewer->is_waiting) {
        json_object_set_new(root, "settings", mnb_classroom_json_settings(&state->room));
        return root;
    }
    gboolean moderates = mnb_peer_may(viewer, MNB_MAY_MODERATE);
    json_t *chat = json_array();
    for (const GList *at = state->chat.head; at != NULL; at = at->next)
        if (mnb_room_state_may_read(at->data, viewer))
            json_array_append_new(chat, chat_json(at->data));
    json_object_set_new(root, "recording",
                        recording_json(state, mnb_peer_may(viewer, MNB_MAY_RECORD)));
    json_object_set_new(root, "peers", roster_json(state));
    json_object_set_new(root, "chat", chat);
    mnb_classroom_json_add(&state->room, moderates, root);
    json_object_set_new(root, "mine", mnb_classroom_json_mine(&state->room, viewer->id, resume));
    if (moderates)
        json_object_set_new(root, "lobby", mnb_room_json_lobby(state));
    return root;
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

static json_t *hole_event(const MnbLogEntry *entry, const json_t *body)
{
    const char *code = json_string_value(json_object_get(body, "code"));
    return json_pack("{s:s, s:s, s:I, s:o}", "type", entry->type, "code", code != NULL ? code : "",
                     "part", json_integer_value(json_object_get(body, "part")), "at",
                     time_or_null(entry->at_us));
}

static json_t *marker_event(const MnbLogEntry *entry, const json_t *body)
{
    const char *text = json_string_value(json_object_get(body, "text"));
    return json_pack("{s:s, s:s, s:s, s:o}", "type", entry->type, "peer", entry->peer, "text",
                     text != NULL ? text : "", "at", time_or_null(entry->at_us));
}

/* Not who was heard before: those whose track is off now, and who were meant. */
static json_t *muted_all_event(MnbRoomState *state, const json_t *body)
{
    const char *name = json_string_value(json_object_get(body, "source"));
    json_t *peers = json_array();
    MnbSource source;
    for (guint i = 0; mnb_source_parse(name, &source) && i < state->peers->len; i++) {
        const MnbPeer *peer = g_ptr_array_index(state->peers, i);
        if (peer->is_in && peer->tracks[source].id[0] != '\0' && !peer->tracks[source].is_on &&
            !mnb_role_may(peer->role, MNB_MAY_MODERATE) &&
            !mnb_role_may(peer->role, MNB_MAY_INTERPRET))
            json_array_append_new(peers, json_string(peer->id));
    }
    return json_pack("{s:s, s:s*, s:o}", "type", "muted-all", "source", name, "peers", peers);
}

static json_t *role_event(MnbRoomState *state, const char *of)
{
    const MnbPeer *peer = mnb_room_state_peer(state, of);
    if (peer == NULL)
        return NULL;
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "type", "peer-role", "peer", peer->id, "role",
                     mnb_role_to_string(peer->role), "grants", mnb_room_json_grants(peer), "booth",
                     text_or_null(peer->booth));
}

static json_t *wrap(const char *type, const char *name, json_t *value)
{
    return json_pack("{s:s, s:o}", "type", type, name, value);
}

static json_int_t number_of(const json_t *body, const char *name)
{
    return json_integer_value(json_object_get(body, name));
}

static json_t *question_event(const MnbClassroom *room, gint64 id, gboolean moderates)
{
    const MnbQuestion *question = mnb_classroom_question(room, id);
    return question != NULL
               ? wrap("question", "question", mnb_classroom_json_question(question, moderates))
               : NULL;
}

static json_t *poll_event(const MnbClassroom *room, gint64 id, gboolean moderates)
{
    const MnbPoll *poll = mnb_classroom_poll(room, id);
    if (poll == NULL || (poll->state == MNB_POLL_DRAFT && !moderates))
        return NULL;
    return wrap("poll", "poll", mnb_classroom_json_poll(poll, moderates));
}

static json_t *page_event(const MnbClassroom *room)
{
    const MnbDeck *deck = mnb_classroom_deck(room, room->deck);
    return deck != NULL ? json_pack("{s:s, s:s, s:i}", "type", "page", "deck", deck->id, "page",
                                    (int)deck->page)
                        : NULL;
}

/* Votes, seats and who is on air are told together, at most twice a second (room-tell.c). */
static json_t *classroom_event(MnbRoomState *state, const MnbLogEntry *entry, const json_t *body,
                               gboolean moderates)
{
    const MnbClassroom *room = &state->room;
    const char *type = entry->type;
    if (strcmp(type, "settings") == 0 || strcmp(type, "phase") == 0)
        return wrap("settings", "settings", mnb_classroom_json_settings(room));
    if (strcmp(type, "spotlight") == 0)
        return wrap(type, "spotlight", mnb_classroom_json_spotlight(room));
    if (strcmp(type, "floor") == 0)
        return wrap(type, "floor", mnb_classroom_json_floor(room));
    if (strcmp(type, "question-asked") == 0)
        return question_event(room, entry->seq, moderates);
    if (strcmp(type, "question-state") == 0)
        return question_event(room, number_of(body, "question"), moderates);
    if (strcmp(type, "poll-made") == 0)
        return poll_event(room, entry->seq, moderates);
    if (strcmp(type, "poll-state") == 0)
        return poll_event(room, number_of(body, "poll"), moderates);
    if (strcmp(type, "agenda") == 0 || strcmp(type, "agenda-item") == 0)
        return wrap("agenda", "agenda", mnb_classroom_json_agenda(room));
    if (strcmp(type, "note") == 0)
        return wrap(type, "note", mnb_classroom_json_note(room));
    if (strcmp(type, "caption") == 0 && !g_queue_is_empty((GQueue *)&room->captions))
        return wrap(type, "caption",
                    mnb_classroom_json_caption(g_queue_peek_tail((GQueue *)&room->captions)));
    if (g_str_has_prefix(type, "deck-"))
        return wrap("slides", "slides", mnb_classroom_json_slides(room));
    if (strcmp(type, "page") == 0)
        return page_event(room);
    return NULL;
}

static json_t *peer_event(MnbRoomState *state, const MnbLogEntry *entry, const MnbPeer *peer)
{
    const char *type = entry->type;
    if (strcmp(type, "peer-joined") == 0)
        return json_pack("{s:s, s:o}", "type", type, "peer", peer_json(peer, 0));
    if (strcmp(type, "peer-left") == 0)
        return peer->was_admitted ? left_event(entry) : NULL;
    if (strcmp(type, "peer-away") == 0 || strcmp(type, "peer-back") == 0)
        return json_pack("{s:s, s:s}", "type", type, "peer", peer->id);
    if (strcmp(type, "peer-renamed") == 0)
        return json_pack("{s:s, s:s, s:s}", "type", type, "peer", peer->id, "name", peer->name);
    if (strcmp(type, "chat") == 0 && !g_queue_is_empty(&state->chat))
        return json_pack("{s:s, s:o}", "type", type, "chat",
                         chat_json(g_queue_peek_tail(&state->chat)));
    if (strcmp(type, "peer-consent") == 0)
        return json_pack("{s:s, s:s, s:s}", "type", type, "peer", peer->id, "consent",
                         mnb_consent_to_string(peer->consent));
    if (strcmp(type, "track-on") == 0 || strcmp(type, "track-off") == 0)
        return track_event(state, entry);
    return NULL;
}

static json_t *event_json(MnbRoomState *state, const MnbLogEntry *entry, const json_t *body,
                          gboolean moderates)
{
    const char *type = entry->type;
    const char *of = json_string_value(json_object_get(body, "of"));
    const MnbPeer *peer = mnb_room_state_peer(state, entry->peer);
    if (g_str_has_prefix(type, "session-"))
        return json_pack("{s:s, s:s, s:o}", "type", "session", "state",
                         mnb_session_state_to_string(state->state), "started_at",
                         time_or_null(state->started_us));
    /* Of these only who may record hears. */
    if (strcmp(type, "recording-hole") == 0)
        return moderates ? hole_event(entry, body) : NULL;
    if (strcmp(type, "marker") == 0)
        return moderates && entry->peer != NULL ? marker_event(entry, body) : NULL;
    if (g_str_has_prefix(type, "recording-")) {
        json_t *event = recording_json(state, moderates);
        json_object_set_new(event, "type", json_string("recording"));
        return event;
    }
    if (strcmp(type, "hand") == 0 || strcmp(type, "hands-lowered") == 0)
        return wrap("hand", "order", hand_order(state));
    if (strcmp(type, "peers-muted") == 0)
        return muted_all_event(state, body);
    if (strcmp(type, "peer-role") == 0 || strcmp(type, "peer-grant") == 0)
        return role_event(state, of);
    if (strcmp(type, "booth") == 0)
        return role_event(state, entry->peer);
    if (strcmp(type, "lobby-admitted") == 0) {
        const MnbPeer *admitted = mnb_room_state_peer(state, of);
        return admitted != NULL ? wrap("peer-joined", "peer", peer_json(admitted, 0)) : NULL;
    }
    json_t *event = classroom_event(state, entry, body, moderates);
    /* Who waits is not in the roster, and nobody hears that he comes or goes. */
    if (event == NULL && peer != NULL && !peer->is_waiting)
        event = peer_event(state, entry, peer);
    return event;
}

char *mnb_room_json_event(MnbRoomState *state, const MnbLogEntry *entry, gboolean moderates)
{
    json_t *body = json_loads(entry->body != NULL ? entry->body : "", 0, NULL);
    json_t *event = event_json(state, entry, body, moderates);
    json_decref(body);
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

json_t *mnb_room_json_permissions(const MnbPeer *peer)
{
    json_t *names = json_array();
    for (guint i = 0; !peer->is_waiting && i < MNB_N_PERMISSIONS; i++)
        if (mnb_peer_may(peer, (MnbPermission)i))
            json_array_append_new(names, json_string(mnb_permission_to_string((MnbPermission)i)));
    return names;
}
