#include "server/rooms/room-state.h"
#include "server/rooms/hand-over.h"
#include <jansson.h>
#include <string.h>

static void peer_free(gpointer data)
{
    MnbPeer *peer = data;
    g_free(peer->name);
    g_free(peer->affiliation);
    g_free(peer->language);
    g_free(peer);
}

static void chat_free(gpointer data)
{
    MnbChatLine *line = data;
    g_free(line->name);
    g_free(line->text);
    g_free(line->key);
    g_free(line->to);
    g_free(line);
}

MnbRoomState *mnb_room_state_new(const char *session)
{
    MnbRoomState *state = g_new0(MnbRoomState, 1);
    g_strlcpy(state->session, session, sizeof state->session);
    state->peers = g_ptr_array_new_with_free_func(peer_free);
    state->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    g_queue_init(&state->chat);
    state->hand_overs = g_array_new(FALSE, FALSE, sizeof(MnbHandOver));
    mnb_classroom_init(&state->room);
    return state;
}

void mnb_room_state_free(MnbRoomState *state)
{
    if (state == NULL)
        return;
    g_hash_table_unref(state->by_id);
    g_ptr_array_unref(state->peers);
    g_array_unref(state->hand_overs);
    g_queue_clear_full(&state->chat, chat_free);
    g_free(state->recording_code);
    g_free(state->recording_detail);
    mnb_classroom_clear(&state->room);
    g_free(state);
}

static const char *field(const json_t *body, const char *name)
{
    const char *text = json_string_value(json_object_get(body, name));
    return text != NULL ? text : "";
}

static gboolean parse_hash(const char *hex, guint8 out[MNB_TOKEN_HASH_BYTES])
{
    if (strlen(hex) != 2 * MNB_TOKEN_HASH_BYTES)
        return FALSE;
    for (guint i = 0; i < MNB_TOKEN_HASH_BYTES; i++) {
        int high = g_ascii_xdigit_value(hex[2 * i]);
        int low = g_ascii_xdigit_value(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return FALSE;
        out[i] = (guint8)(high << 4 | low);
    }
    return TRUE;
}

static MnbPeer *add_peer(MnbRoomState *state, const char *id)
{
    if (state->peers->len >= MNB_ROOM_PEERS_MAX || strlen(id) >= MNB_ID_SIZE || *id == '\0')
        return NULL;
    MnbPeer *peer = g_new0(MnbPeer, 1);
    g_strlcpy(peer->id, id, sizeof peer->id);
    g_ptr_array_add(state->peers, peer);
    g_hash_table_insert(state->by_id, peer->id, peer);
    return peer;
}

static void replace_text(char **text, const char *with)
{
    g_free(*text);
    *text = g_strdup(with);
}

static void switch_off(MnbPeer *peer)
{
    for (guint i = 0; i < MNB_N_SOURCES; i++)
        peer->tracks[i].is_on = FALSE;
}

static void stand_up(MnbPeer *peer)
{
    peer->booth[0] = '\0';
    peer->is_on_air = FALSE;
}

/* ---------------------------------------------------------------------------- kinds of entries */

typedef gboolean (*ApplyFunc)(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                              const json_t *body);

static gboolean on_session_started(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                                   const json_t *body)
{
    if (state->state != MNB_SESSION_PLANNED)
        return FALSE;
    state->state = MNB_SESSION_LIVE;
    state->started_us = entry->at_us;
    return TRUE;
}

static gboolean on_session_ended(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                                 const json_t *body)
{
    if (state->state == MNB_SESSION_ENDED)
        return FALSE;
    state->state = MNB_SESSION_ENDED;
    for (guint i = 0; i < state->peers->len; i++) {
        MnbPeer *one = g_ptr_array_index(state->peers, i);
        one->hand_seq = 0;
        switch_off(one);
    }
    return TRUE;
}

static gboolean on_peer_joined(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                               const json_t *body)
{
    MnbRole role;
    if (entry->peer == NULL || !mnb_role_parse(field(body, "role"), &role))
        return FALSE;
    if (peer == NULL)
        peer = add_peer(state, entry->peer);
    if (peer == NULL || peer->is_removed)
        return FALSE;
    replace_text(&peer->name, field(body, "name"));
    replace_text(&peer->affiliation, field(body, "affiliation"));
    replace_text(&peer->language, field(body, "language"));
    g_strlcpy(peer->link, field(body, "link"), sizeof peer->link);
    peer->role = role;
    peer->is_encoder = strcmp(field(body, "kind"), "encoder") == 0;
    peer->has_resume = parse_hash(field(body, "resume"), peer->resume_hash);
    MnbConsent consent = peer->is_encoder ? MNB_CONSENT_YES : MNB_CONSENT_UNASKED;
    mnb_consent_parse(field(body, "consent"), &consent);
    if (consent != MNB_CONSENT_UNASKED) /* who comes again without one keeps the answer given */
        peer->consent = consent;
    peer->joined_us = entry->at_us;
    peer->is_here = TRUE;
    peer->is_waiting = json_is_true(json_object_get(body, "waiting"));
    peer->is_in = !peer->is_waiting;
    peer->was_admitted = peer->was_admitted || peer->is_in;
    peer->has_left = FALSE;
    peer->hand_seq = 0;
    stand_up(peer);
    switch_off(peer);
    return TRUE;
}

static gboolean on_lobby_admitted(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                                  const json_t *body)
{
    MnbPeer *of = mnb_room_state_peer(state, field(body, "of"));
    if (of == NULL || !of->is_waiting)
        return FALSE;
    of->is_waiting = FALSE;
    of->is_in = of->was_admitted = TRUE;
    of->joined_us = entry->at_us;
    return TRUE;
}

static gboolean on_peer_away(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                             const json_t *body)
{
    if ((!peer->is_in && !peer->is_waiting) || !peer->is_here)
        return FALSE;
    peer->is_here = FALSE;
    return TRUE;
}

static gboolean on_peer_back(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                             const json_t *body)
{
    if ((!peer->is_in && !peer->is_waiting) || peer->is_here)
        return FALSE;
    peer->is_here = TRUE;
    return TRUE;
}

static gboolean on_peer_left(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                             const json_t *body)
{
    const char *reason = field(body, "reason");
    if (strcmp(reason, "removed") == 0 || strcmp(reason, "refused") == 0 ||
        strcmp(reason, "link-revoked") == 0)
        peer->is_removed = TRUE;
    if (strcmp(reason, "left") == 0)
        peer->has_left = TRUE;
    if (!peer->is_in && !peer->is_waiting)
        return FALSE;
    peer->is_in = peer->is_here = peer->is_waiting = FALSE;
    peer->hand_seq = 0;
    stand_up(peer);
    mnb_classroom_forget(&state->room, peer->id);
    switch_off(peer);
    return TRUE;
}

static gboolean on_peer_renamed(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                                const json_t *body)
{
    const char *name = field(body, "name");
    if (*name == '\0' || strcmp(name, peer->name) == 0)
        return FALSE;
    replace_text(&peer->name, name);
    return TRUE;
}

static gboolean on_hand(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                        const json_t *body)
{
    MnbPeer *of = mnb_room_state_peer(state, field(body, "of"));
    gboolean is_raised = json_is_true(json_object_get(body, "raised"));
    if (of == NULL || !of->is_in || is_raised == (of->hand_seq != 0))
        return FALSE;
    of->hand_seq = is_raised ? entry->seq : 0;
    return TRUE;
}

static gboolean on_hands_lowered(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                                 const json_t *body)
{
    gboolean is_changed = FALSE;
    for (guint i = 0; i < state->peers->len; i++) {
        MnbPeer *one = g_ptr_array_index(state->peers, i);
        is_changed = is_changed || one->hand_seq != 0;
        one->hand_seq = 0;
    }
    return is_changed;
}

static gboolean on_peer_role(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                             const json_t *body)
{
    MnbPeer *of = mnb_room_state_peer(state, field(body, "of"));
    MnbRole role;
    if (of == NULL || !mnb_role_parse(field(body, "role"), &role) || !mnb_role_is_for_links(role) ||
        of->role == role)
        return FALSE;
    of->role = role;
    if (!mnb_role_may(role, MNB_MAY_INTERPRET))
        stand_up(of);
    return TRUE;
}

static gboolean on_peer_grant(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                              const json_t *body)
{
    MnbPeer *of = mnb_room_state_peer(state, field(body, "of"));
    MnbPermission permission;
    if (of == NULL || !mnb_permission_parse(field(body, "permission"), &permission) ||
        !mnb_permission_is_grantable(permission))
        return FALSE;
    guint64 before = of->grants;
    guint64 bit = G_GUINT64_CONSTANT(1) << permission;
    of->grants = json_is_true(json_object_get(body, "on")) ? before | bit : before & ~bit;
    return of->grants != before;
}

static gboolean on_booth(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                         const json_t *body)
{
    const char *channel = field(body, "channel");
    if (!peer->is_in || strcmp(peer->booth, channel) == 0 || strlen(channel) >= sizeof peer->booth)
        return FALSE;
    stand_up(peer);
    g_strlcpy(peer->booth, channel, sizeof peer->booth);
    return TRUE;
}

/* One step: who was on air is off by the same entry, so that nobody hears two, or none. */
static gboolean on_on_air(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                          const json_t *body)
{
    MnbPeer *of = mnb_room_state_peer(state, field(body, "of"));
    gboolean is_on = json_is_true(json_object_get(body, "on"));
    if (of == NULL || !of->is_in || of->booth[0] == '\0' || of->is_on_air == is_on)
        return FALSE;
    MnbPeer *other = is_on ? mnb_room_state_on_air(state, of->booth) : NULL;
    if (other != NULL)
        other->is_on_air = FALSE;
    of->is_on_air = is_on;
    return TRUE;
}

static gboolean on_hear(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                        const json_t *body)
{
    const char *channel = field(body, "channel");
    gboolean is_floor_off = json_is_false(json_object_get(body, "with_floor"));
    if (strlen(channel) >= sizeof peer->hear ||
        (strcmp(peer->hear, channel) == 0 && peer->is_floor_off == is_floor_off))
        return FALSE;
    g_strlcpy(peer->hear, channel, sizeof peer->hear);
    peer->is_floor_off = is_floor_off;
    return TRUE;
}

static gboolean on_hand_over(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                             const json_t *body)
{
    return mnb_hand_over_apply(state, peer, field(body, "channel"), field(body, "step"),
                               entry->at_us);
}

static gboolean on_peers_muted(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                               const json_t *body)
{
    MnbSource source;
    gboolean is_changed = FALSE;
    if (!mnb_source_parse(field(body, "source"), &source))
        return FALSE;
    for (guint i = 0; i < state->peers->len; i++) {
        MnbPeer *one = g_ptr_array_index(state->peers, i);
        if (!one->tracks[source].is_on || mnb_role_may(one->role, MNB_MAY_MODERATE) ||
            mnb_role_may(one->role, MNB_MAY_INTERPRET))
            continue;
        one->tracks[source].is_on = FALSE;
        is_changed = TRUE;
    }
    return is_changed;
}

static gboolean on_chat(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                        const json_t *body)
{
    const char *key = field(body, "key");
    if (*key != '\0' && mnb_room_state_has_chat_key(state, peer->id, key))
        return FALSE;
    MnbChatLine *line = g_new0(MnbChatLine, 1);
    line->id = entry->seq;
    g_strlcpy(line->peer, peer->id, sizeof line->peer);
    line->name = g_strdup(peer->name);
    line->text = g_strdup(field(body, "text"));
    line->key = g_strdup(key);
    line->to = g_strdup(field(body, "to"));
    line->at_us = entry->at_us;
    g_queue_push_tail(&state->chat, line);
    if (g_queue_get_length(&state->chat) > MNB_ROOM_CHAT_KEPT)
        chat_free(g_queue_pop_head(&state->chat));
    return TRUE;
}

static gboolean on_track_on(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                            const json_t *body)
{
    MnbSource source;
    if (!peer->is_in || !mnb_source_parse(field(body, "source"), &source))
        return FALSE;
    MnbPeerTrack *track = &peer->tracks[source];
    const char *id = field(body, "track");
    if (track->is_on && strcmp(track->id, id) == 0)
        return FALSE;
    g_strlcpy(track->id, id, sizeof track->id);
    track->is_on = TRUE;
    return TRUE;
}

static gboolean on_track_off(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                             const json_t *body)
{
    MnbSource source;
    if (!mnb_source_parse(field(body, "source"), &source) || !peer->tracks[source].is_on)
        return FALSE;
    peer->tracks[source].is_on = FALSE;
    return TRUE;
}

static gboolean on_peer_consent(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                                const json_t *body)
{
    MnbConsent answer;
    if (!mnb_consent_parse(field(body, "answer"), &answer) || answer == peer->consent)
        return FALSE;
    peer->consent = answer;
    return TRUE;
}

/* Nothing to remember: the log is where it is looked up. */
static gboolean on_told(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                        const json_t *body)
{
    return TRUE;
}

static void set_recording(MnbRoomState *state, const MnbLogEntry *entry, MnbRoomRecording to,
                          const json_t *body)
{
    if (to == MNB_RECORDING_ON) {
        g_strlcpy(state->recording_id, field(body, "recording"), sizeof state->recording_id);
        if (state->recording == MNB_RECORDING_OFF)
            state->recording_since_us = entry->at_us;
    }
    if (to == MNB_RECORDING_OFF)
        state->recording_since_us = 0;
    state->recording = to;
    g_clear_pointer(&state->recording_code, g_free);
    g_clear_pointer(&state->recording_detail, g_free);
    if (to == MNB_RECORDING_FAILED) {
        state->recording_code = g_strdup(field(body, "code"));
        state->recording_detail = g_strdup(field(body, "detail"));
    }
}

static gboolean on_recording_started(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                                     const json_t *body)
{
    gboolean is_same = state->recording == MNB_RECORDING_ON &&
                       strcmp(state->recording_id, field(body, "recording")) == 0;
    set_recording(state, entry, MNB_RECORDING_ON, body);
    return !is_same;
}

static gboolean on_recording_stopped(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                                     const json_t *body)
{
    gboolean is_same = state->recording == MNB_RECORDING_OFF;
    set_recording(state, entry, MNB_RECORDING_OFF, body);
    return !is_same;
}

static gboolean on_recording_paused(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                                    const json_t *body)
{
    gboolean is_same = state->recording == MNB_RECORDING_PAUSED;
    set_recording(state, entry, MNB_RECORDING_PAUSED, body);
    return !is_same;
}

static gboolean on_recording_failed(MnbRoomState *state, const MnbLogEntry *entry, MnbPeer *peer,
                                    const json_t *body)
{
    set_recording(state, entry, MNB_RECORDING_FAILED, body);
    return TRUE;
}

static const struct {
    const char *type;
    gboolean needs_peer; /* the column `peer` names somebody we know */
    ApplyFunc apply;
} types[] = {
    {"session-started", FALSE, on_session_started},
    {"session-ended", FALSE, on_session_ended},
    {"peer-joined", FALSE, on_peer_joined},
    {"lobby-admitted", FALSE, on_lobby_admitted},
    {"peer-role", FALSE, on_peer_role},
    {"peer-grant", FALSE, on_peer_grant},
    {"booth", TRUE, on_booth},
    {"on-air", FALSE, on_on_air},
    {"hear", TRUE, on_hear},
    {"hand-over", TRUE, on_hand_over},
    {"peers-muted", FALSE, on_peers_muted},
    {"hands-lowered", FALSE, on_hands_lowered},
    {"peer-away", TRUE, on_peer_away},
    {"peer-back", TRUE, on_peer_back},
    {"peer-left", TRUE, on_peer_left},
    {"peer-renamed", TRUE, on_peer_renamed},
    {"hand", FALSE, on_hand},
    {"chat", TRUE, on_chat},
    {"track-on", TRUE, on_track_on},
    {"track-off", TRUE, on_track_off},
    {"recording-started", FALSE, on_recording_started},
    {"recording-stopped", FALSE, on_recording_stopped},
    {"recording-failed", FALSE, on_recording_failed},
    {"recording-paused", FALSE, on_recording_paused},
    {"recording-hole", FALSE, on_told},
    {"peer-consent", TRUE, on_peer_consent},
    {"marker", TRUE, on_told},
};

static gboolean apply_to_classroom(MnbRoomState *state, const MnbLogEntry *entry)
{
    const MnbPeer *peer = mnb_room_state_peer(state, entry->peer);
    MnbClassroomEntry what = {
        .seq = entry->seq,
        .at_us = entry->at_us,
        .type = entry->type,
        .peer = entry->peer,
        .name = peer != NULL ? peer->name : "",
    };
    gboolean is_known = FALSE;
    json_t *body = json_loads(entry->body != NULL ? entry->body : "", 0, NULL);
    gboolean is_changed =
        json_is_object(body) && mnb_classroom_apply(&state->room, &what, body, &is_known);
    json_decref(body);
    return is_changed;
}

gboolean mnb_room_state_apply(MnbRoomState *state, const MnbLogEntry *entry)
{
    state->seq = entry->seq;
    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        if (g_strcmp0(types[i].type, entry->type) != 0)
            continue;
        MnbPeer *peer = mnb_room_state_peer(state, entry->peer);
        json_t *body = json_loads(entry->body != NULL ? entry->body : "", 0, NULL);
        gboolean is_changed = FALSE;
        if (json_is_object(body) && (peer != NULL || !types[i].needs_peer))
            is_changed = types[i].apply(state, entry, peer, body);
        json_decref(body);
        if (state->hand_overs->len > 0)
            mnb_hand_over_prune(state);
        return is_changed;
    }
    return apply_to_classroom(state, entry);
}

/* ----------------------------------------------------------------------------------- questions */

gboolean mnb_permission_is_grantable(MnbPermission permission)
{
    return permission == MNB_MAY_PRESENT || permission == MNB_MAY_CAPTION;
}

gboolean mnb_peer_may(const MnbPeer *peer, MnbPermission permission)
{
    return mnb_role_may(peer->role, permission) ||
           (mnb_permission_is_grantable(permission) &&
            (peer->grants & G_GUINT64_CONSTANT(1) << permission) != 0);
}

gboolean mnb_room_state_may_read(const MnbChatLine *line, const MnbPeer *peer)
{
    if (line->to[0] == '\0' || strcmp(line->peer, peer->id) == 0 || strcmp(line->to, peer->id) == 0)
        return TRUE;
    gboolean is_booth = g_str_has_prefix(line->to, "booth:");
    if (strcmp(line->to, "facilitators") == 0 || is_booth)
        return mnb_role_may(peer->role, MNB_MAY_MODERATE) ||
               (is_booth && strcmp(line->to + strlen("booth:"), peer->booth) == 0);
    return FALSE;
}

MnbPeer *mnb_room_state_on_air(const MnbRoomState *state, const char *channel)
{
    for (guint i = 0; *channel != '\0' && i < state->peers->len; i++) {
        MnbPeer *peer = g_ptr_array_index(state->peers, i);
        if (peer->is_on_air && strcmp(peer->booth, channel) == 0)
            return peer;
    }
    return NULL;
}

guint mnb_room_state_count_waiting(const MnbRoomState *state)
{
    guint count = 0;
    for (guint i = 0; i < state->peers->len; i++)
        count += ((const MnbPeer *)g_ptr_array_index(state->peers, i))->is_waiting ? 1 : 0;
    return count;
}

MnbPeer *mnb_room_state_peer(MnbRoomState *state, const char *id)
{
    return id != NULL ? g_hash_table_lookup(state->by_id, id) : NULL;
}

MnbPeer *mnb_room_state_peer_by_resume(MnbRoomState *state, const char *token)
{
    guint8 hash[MNB_TOKEN_HASH_BYTES];
    if (!mnb_token_is_valid(token))
        return NULL;
    mnb_token_hash(token, hash);
    /* Whoever can choose what is compared here would have to invert SHA-256, so the time that
     * memcmp() takes tells nothing. */
    for (guint i = 0; i < state->peers->len; i++) {
        MnbPeer *peer = g_ptr_array_index(state->peers, i);
        if (peer->has_resume && memcmp(peer->resume_hash, hash, sizeof hash) == 0)
            return peer;
    }
    return NULL;
}

gboolean mnb_room_state_is_removed(MnbRoomState *state, const char *link, const char *name)
{
    g_autofree char *folded = g_utf8_casefold(name, -1);
    for (guint i = 0; i < state->peers->len; i++) {
        const MnbPeer *peer = g_ptr_array_index(state->peers, i);
        if (!peer->is_removed || strcmp(peer->link, link) != 0)
            continue;
        g_autofree char *other = g_utf8_casefold(peer->name, -1);
        if (strcmp(folded, other) == 0)
            return TRUE;
    }
    return FALSE;
}

guint mnb_room_state_count(const MnbRoomState *state)
{
    guint count = 0;
    for (guint i = 0; i < state->peers->len; i++)
        count += ((const MnbPeer *)g_ptr_array_index(state->peers, i))->is_in ? 1 : 0;
    return count;
}

static int compare_hands(gconstpointer a, gconstpointer b)
{
    const MnbPeer *left = *(MnbPeer *const *)a;
    const MnbPeer *right = *(MnbPeer *const *)b;
    return left->hand_seq < right->hand_seq ? -1 : left->hand_seq > right->hand_seq;
}

GPtrArray *mnb_room_state_hands(const MnbRoomState *state)
{
    GPtrArray *hands = g_ptr_array_new();
    for (guint i = 0; i < state->peers->len; i++) {
        MnbPeer *peer = g_ptr_array_index(state->peers, i);
        if (peer->is_in && peer->hand_seq != 0)
            g_ptr_array_add(hands, peer);
    }
    g_ptr_array_sort(hands, compare_hands);
    return hands;
}

gboolean mnb_room_state_has_chat_key(const MnbRoomState *state, const char *peer, const char *key)
{
    for (const GList *at = state->chat.tail; at != NULL; at = at->prev) {
        const MnbChatLine *line = at->data;
        if (strcmp(line->peer, peer) == 0 && strcmp(line->key, key) == 0)
            return TRUE;
    }
    return FALSE;
}

char *mnb_room_state_dump(const MnbRoomState *state)
{
    GString *out = g_string_new(NULL);
    g_string_append_printf(out,
                           "session %s state %d started %" G_GINT64_FORMAT " seq %" G_GINT64_FORMAT
                           "\nrecording %d %s since %" G_GINT64_FORMAT " %s %s\n",
                           state->session, state->state, state->started_us, state->seq,
                           state->recording, state->recording_id, state->recording_since_us,
                           state->recording_code != NULL ? state->recording_code : "-",
                           state->recording_detail != NULL ? state->recording_detail : "-");
    for (guint i = 0; i < state->peers->len; i++) {
        const MnbPeer *peer = g_ptr_array_index(state->peers, i);
        g_string_append_printf(
            out,
            "peer %s \"%s\" \"%s\" %s role %d link %s encoder %d resume %d joined %" G_GINT64_FORMAT
            " in %d here %d waiting %d admitted %d removed %d left %d consent %d hand "
            "%" G_GINT64_FORMAT " grants %" G_GUINT64_FORMAT " booth %s %d hear %s %d",
            peer->id, peer->name, peer->affiliation, peer->language, peer->role, peer->link,
            peer->is_encoder, peer->has_resume, peer->joined_us, peer->is_in, peer->is_here,
            peer->is_waiting, peer->was_admitted, peer->is_removed, peer->has_left, peer->consent,
            peer->hand_seq, peer->grants, peer->booth, peer->is_on_air, peer->hear,
            peer->is_floor_off);
        for (guint s = 0; s < MNB_N_SOURCES; s++)
            g_string_append_printf(out, " %s:%s:%d", mnb_source_to_string((MnbSource)s),
                                   peer->tracks[s].id, peer->tracks[s].is_on);
        g_string_append_c(out, '\n');
    }
    for (const GList *at = state->chat.head; at != NULL; at = at->next) {
        const MnbChatLine *line = at->data;
        g_string_append_printf(
            out, "chat %" G_GINT64_FORMAT " %s \"%s\" \"%s\" %s to \"%s\" %" G_GINT64_FORMAT "\n",
            line->id, line->peer, line->name, line->text, line->key, line->to, line->at_us);
    }
    mnb_hand_over_dump(state, out);
    mnb_classroom_dump(&state->room, out);
    return g_string_free(out, FALSE);
}
