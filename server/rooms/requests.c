/* What clients ask, one short function a request. The permission of each stands in the table of
 * request.c and is checked before the function runs. */
#include "recordings/session.h"
#include "server/base/log.h"
#include "server/rooms/asked.h"
#include <string.h>

#define owe        mnb_asked_owe
#define refuse     mnb_asked_refuse
#define accept_now mnb_asked_accept
#define append     mnb_asked_append

typedef MnbAsked Asked;

MnbOwed *mnb_asked_owe(const Asked *asked)
{
    return mnb_owed_new(asked->client, asked->request->id);
}

void mnb_asked_refuse(const Asked *asked, MnbRoomsError code, const char *detail)
{
    g_autoptr(GError) error = g_error_new_literal(MNB_ROOMS_ERROR, (int)code, detail);
    mnb_owed_refuse(owe(asked), error);
}

void mnb_asked_accept(const Asked *asked)
{
    mnb_owed_accept(owe(asked), NULL);
}

void mnb_asked_append(const Asked *asked, const char *type, json_t *body)
{
    MnbAppend what = {.type = type, .peer = asked->peer->id, .body = body};
    mnb_room_append(asked->room, &what, mnb_owed_on_appended, owe(asked));
}

const MnbPeer *mnb_asked_other(const Asked *asked, const char *peer)
{
    const MnbPeer *other = mnb_room_peer(asked->room, peer);
    if (other != NULL && other->is_in)
        return other;
    refuse(asked, MNB_ROOMS_ERROR_UNKNOWN_PEER, "nobody with that id is in the room");
    return NULL;
}

const char *mnb_asked_text(const Asked *asked, const char *name)
{
    const char *text = json_string_value(json_object_get(asked->request->args, name));
    return text != NULL ? text : "";
}

gint64 mnb_asked_number(const Asked *asked, const char *name)
{
    return json_integer_value(json_object_get(asked->request->args, name));
}

gboolean mnb_asked_flag(const Asked *asked, const char *name)
{
    return json_is_true(json_object_get(asked->request->args, name));
}

gboolean mnb_asked_moderates(const Asked *asked)
{
    return mnb_peer_may(asked->peer, MNB_MAY_MODERATE);
}

/* Somebody else in the roster; refuses by itself. */
static const MnbPeer *find_other(const Asked *asked)
{
    return mnb_asked_other(asked, asked->request->peer);
}

static gboolean is_live(const Asked *asked)
{
    if (asked->room->state->state == MNB_SESSION_LIVE)
        return TRUE;
    refuse(asked, MNB_ROOMS_ERROR_NOT_LIVE, "the session has not started");
    return FALSE;
}

/* ------------------------------------------------------------------------------------- session */

typedef struct {
    char session[MNB_ID_SIZE];
    gint64 now_us;
} Start;

/* Writer thread. */
static gboolean write_live(MnbDb *db, gpointer data, GError **error)
{
    const Start *start = data;
    return mnb_session_set_state(db, start->session, MNB_SESSION_LIVE, start->now_us, error);
}

static void on_start_session(const Asked *asked)
{
    MnbRoom *room = asked->room;
    if (room->state->state == MNB_SESSION_LIVE) {
        accept_now(asked);
        return;
    }
    Start *start = g_new0(Start, 1);
    g_strlcpy(start->session, room->state->session, sizeof start->session);
    start->now_us = mnb_room_wall_us(room);
    MnbAppend what = {
        .type = "session-started",
        .peer = asked->peer->id,
        .extra = write_live,
        .extra_data = start,
        .extra_destroy = g_free,
    };
    mnb_room_append(room, &what, mnb_owed_on_appended, owe(asked));
}

typedef struct {
    MnbOwed *owed;
    char peer[MNB_ID_SIZE];
} Ending;

static void on_end_written(MnbRoom *room, const GError *error, gpointer data)
{
    room->is_ending = FALSE;
    mnb_owed_on_appended(room, error, data);
}

static void on_recording_closed(MnbRoom *room, const GError *error, gpointer data)
{
    Ending *ending = data;
    if (error != NULL || room->rooms == NULL) {
        room->is_ending = FALSE;
        mnb_owed_on_appended(room, error, ending->owed);
    } else {
        mnb_room_append_end(room, ending->peer, on_end_written, ending->owed);
    }
    g_free(ending);
}

static void on_end_session(const Asked *asked)
{
    if (asked->room->is_ending) {
        refuse(asked, MNB_ROOMS_ERROR_TOO_MANY, "the session is being ended already");
        return;
    }
    Ending *ending = g_new0(Ending, 1);
    ending->owed = owe(asked);
    g_strlcpy(ending->peer, asked->peer->id, sizeof ending->peer);
    asked->room->is_ending = TRUE;
    mnb_room_record_stop(asked->room, on_recording_closed, ending);
}

static void on_record(const Asked *asked)
{
    if (asked->room->is_ending)
        refuse(asked, MNB_ROOMS_ERROR_NOT_LIVE, "the session is being ended");
    else if (asked->request->is_on)
        mnb_room_record_start(asked->room, mnb_owed_on_appended, owe(asked));
    else
        mnb_room_record_stop(asked->room, mnb_owed_on_appended, owe(asked));
}

static void on_pause_recording(const Asked *asked)
{
    if (asked->room->is_ending)
        refuse(asked, MNB_ROOMS_ERROR_NOT_LIVE, "the session is being ended");
    else if (asked->request->is_on)
        mnb_room_record_pause(asked->room, mnb_owed_on_appended, owe(asked));
    else
        mnb_room_record_start(asked->room, mnb_owed_on_appended, owe(asked));
}

/* A no takes effect before it is answered: nothing that is said from here on is written. */
static void on_consent(const Asked *asked)
{
    MnbConsent answer = asked->request->consent;
    if (answer == asked->peer->consent) {
        accept_now(asked);
        return;
    }
    if (answer == MNB_CONSENT_NO)
        mnb_room_record_exclude(asked->room, asked->peer->id);
    append(asked, "peer-consent", json_pack("{s:s}", "answer", mnb_consent_to_string(answer)));
}

static void on_marker(const Asked *asked)
{
    if (is_live(asked))
        append(asked, "marker", json_pack("{s:s}", "text", asked->request->text));
}

/* --------------------------------------------------------------------------------- chat, hands */

/* Somebody who may be written to: everybody may write to facilitators, they to everybody. */
static gboolean may_write_to(const Asked *asked, const char *to)
{
    const MnbClassroom *room = &asked->room->state->room;
    gboolean moderates = mnb_asked_moderates(asked);
    if (to == NULL) {
        if (room->settings.may_chat || moderates || mnb_peer_may(asked->peer, MNB_MAY_PRESENT) ||
            mnb_peer_may(asked->peer, MNB_MAY_INTERPRET))
            return TRUE;
        refuse(asked, MNB_ROOMS_ERROR_NOT_ALLOWED,
               "the chat is closed just now; write to the facilitators");
        return FALSE;
    }
    if (strcmp(to, "facilitators") == 0)
        return TRUE;
    if (g_str_has_prefix(to, "booth:")) {
        if (strcmp(asked->peer->booth, to + strlen("booth:")) == 0 ||
            (moderates && mnb_room_has_channel(asked->room, to + strlen("booth:"))))
            return TRUE;
        refuse(asked, MNB_ROOMS_ERROR_NOT_ALLOWED,
               "a booth's chat is for who sits in it, and facilitators");
        return FALSE;
    }
    const MnbPeer *other = mnb_asked_other(asked, to);
    if (other == NULL)
        return FALSE;
    if (room->settings.has_private_chat || moderates || mnb_peer_may(other, MNB_MAY_MODERATE))
        return TRUE;
    refuse(asked, MNB_ROOMS_ERROR_NOT_ALLOWED, "private messages are switched off in this session");
    return FALSE;
}

static void on_chat(const Asked *asked)
{
    const MnbRequest *request = asked->request;
    if (mnb_room_state_has_chat_key(asked->room->state, asked->peer->id, request->key)) {
        accept_now(asked); /* said before the line was lost */
        return;
    }
    if (!may_write_to(asked, request->to))
        return;
    json_t *body = json_pack("{s:s, s:s}", "text", request->text, "key", request->key);
    if (request->to != NULL)
        json_object_set_new(body, "to", json_string(request->to));
    asked->room->rooms->chats++;
    append(asked, "chat", body);
}

static void on_hand(const Asked *asked)
{
    const MnbRequest *request = asked->request;
    const MnbPeer *of = asked->peer;
    if (request->peer != NULL && strcmp(request->peer, asked->peer->id) != 0) {
        if (!mnb_peer_may(asked->peer, MNB_MAY_MODERATE) || request->is_on) {
            refuse(asked, MNB_ROOMS_ERROR_NOT_ALLOWED,
                   request->is_on ? "a hand is raised by its owner"
                                  : "only a moderator lowers somebody's hand");
            return;
        }
        of = find_other(asked);
        if (of == NULL)
            return;
    }
    append(asked, "hand", json_pack("{s:s, s:b}", "of", of->id, "raised", request->is_on));
}

static void on_rename(const Asked *asked)
{
    append(asked, "peer-renamed", json_pack("{s:s}", "name", asked->request->text));
}

/* --------------------------------------------------------------------------------------- media */

typedef struct {
    MnbOwed *owed;
    char *answer;
} Publishing;

static void on_published(MnbRoom *room, const GError *error, gpointer data)
{
    Publishing *publishing = data;
    if (error != NULL)
        mnb_owed_refuse(publishing->owed, error);
    else
        mnb_owed_accept(publishing->owed, json_pack("{s:s}", "sdp", publishing->answer));
    g_free(publishing->answer);
    g_free(publishing);
}

/* Where participants may not switch their microphones on, who has the floor may, and who presents
 * or interprets. */
static gboolean may_switch_on(const Asked *asked, MnbSource source)
{
    const MnbClassroom *room = &asked->room->state->room;
    return source != MNB_SOURCE_MICROPHONE || room->settings.may_unmute ||
           mnb_peer_may(asked->peer, MNB_MAY_PRESENT) ||
           mnb_peer_may(asked->peer, MNB_MAY_INTERPRET) ||
           strcmp(room->floor, asked->peer->id) == 0;
}

static void on_publish(const Asked *asked)
{
    const MnbRequest *request = asked->request;
    MnbPublishTrack tracks[MNB_SDP_MEDIA_MAX];
    g_autoptr(GError) error = NULL;
    if (!is_live(asked))
        return;
    for (guint i = 0; i < request->track_count; i++) {
        g_strlcpy(tracks[i].mid, request->tracks[i].mid, sizeof tracks[i].mid);
        tracks[i].source = request->tracks[i].source;
        tracks[i].is_on =
            request->tracks[i].is_on && may_switch_on(asked, request->tracks[i].source);
        if (tracks[i].source == MNB_SOURCE_SCREEN && !mnb_peer_may(asked->peer, MNB_MAY_SHARE)) {
            refuse(asked, MNB_ROOMS_ERROR_NOT_ALLOWED, "this role may not share a screen");
            return;
        }
    }
    Publishing *publishing = g_new0(Publishing, 1);
    publishing->owed = owe(asked);
    if (!mnb_room_publish(asked->member, request->text, strlen(request->text), tracks,
                          request->track_count, &publishing->answer, on_published, publishing,
                          &error)) {
        mnb_owed_refuse(publishing->owed, error);
        g_free(publishing);
    }
}

static void on_track(const Asked *asked)
{
    const MnbRequest *request = asked->request;
    const MnbPublication *publication = asked->member->publications[request->source];
    if (publication == NULL) {
        refuse(asked, MNB_ROOMS_ERROR_BAD_MESSAGE, "that source is not published");
        return;
    }
    if (request->is_on && !may_switch_on(asked, request->source)) {
        refuse(asked, MNB_ROOMS_ERROR_NOT_ALLOWED,
               "microphones are switched on by who has the floor only; raise your hand");
        return;
    }
    json_t *body = json_pack("{s:s}", "source", mnb_source_to_string(request->source));
    if (request->is_on)
        json_object_set_new(body, "track", json_string(publication->key));
    append(asked, request->is_on ? "track-on" : "track-off", body);
}

static void on_unpublish(const Asked *asked)
{
    const MnbPeer *peer = asked->peer;
    int last = -1;
    mnb_room_unpublish(asked->member);
    for (guint s = 0; s < MNB_N_SOURCES; s++)
        if (peer->tracks[s].is_on)
            last = (int)s;
    if (last < 0) {
        accept_now(asked);
        return;
    }
    for (int s = 0; s <= last; s++) {
        if (!peer->tracks[s].is_on)
            continue;
        MnbAppend what = {.type = "track-off",
                          .peer = peer->id,
                          .body = json_pack("{s:s}", "source", mnb_source_to_string((MnbSource)s))};
        mnb_room_append(asked->room, &what, s == last ? mnb_owed_on_appended : NULL,
                        s == last ? owe(asked) : NULL);
    }
}

static void on_subscribe(const Asked *asked)
{
    const MnbRequest *request = asked->request;
    g_autoptr(GError) error = NULL;
    g_autofree char *offer =
        mnb_room_subscribe(asked->member, request->audio, request->video, &error);
    if (offer == NULL)
        mnb_owed_refuse(owe(asked), error);
    else
        mnb_owed_accept(owe(asked), json_pack("{s:s}", "sdp", offer));
}

static void on_subscribed(const Asked *asked)
{
    const char *answer = asked->request->text;
    g_autoptr(GError) error = NULL;
    if (mnb_room_subscribed(asked->member, answer, strlen(answer), &error))
        accept_now(asked);
    else
        mnb_owed_refuse(owe(asked), error);
}

static void on_view(const Asked *asked)
{
    const MnbRequest *request = asked->request;
    MnbMember *member = asked->member;
    member->view = request->mode;
    if (request->has_limit && member->limit_bps != request->limit_bps) {
        member->limit_bps = request->limit_bps;
        if (member->receiver != NULL)
            mnb_receiver_send_limit(member->receiver);
    }
    member->wanted_count = request->peer_count;
    member->has_large = request->has_large;
    member->large = request->large;
    for (guint i = 0; i < request->peer_count; i++)
        g_strlcpy(member->wanted[i], request->peers[i], sizeof member->wanted[i]);
    accept_now(asked);
    mnb_room_reassign(asked->room);
}

/* ---------------------------------------------------------------------------------- moderation */

static void on_mute_peer(const Asked *asked)
{
    const MnbPeer *other = find_other(asked);
    if (other == NULL)
        return;
    MnbSource source = asked->request->source;
    const MnbMember *member = mnb_room_member(asked->room, other->id);
    mnb_room_append_simple(
        asked->room, "peer-muted", asked->peer->id,
        json_pack("{s:s, s:s}", "of", other->id, "source", mnb_source_to_string(source)));
    if (member != NULL && member->client != NULL) {
        g_autofree char *text = mnb_room_json_message(
            "muted-by-host", json_pack("{s:s}", "source", mnb_source_to_string(source)));
        mnb_client_tell(member->client, text);
    }
    /* Off at once for everybody, whatever that client does. */
    MnbAppend what = {.type = "track-off",
                      .peer = other->id,
                      .body = json_pack("{s:s}", "source", mnb_source_to_string(source))};
    mnb_room_append(asked->room, &what, mnb_owed_on_appended, owe(asked));
}

static void on_remove_peer(const Asked *asked)
{
    const MnbPeer *other = find_other(asked);
    if (other == NULL)
        return;
    if (other == asked->peer) {
        refuse(asked, MNB_ROOMS_ERROR_NOT_ALLOWED, "leave instead");
        return;
    }
    MnbAppend what = {.type = "peer-left",
                      .peer = other->id,
                      .body = json_pack("{s:s, s:s}", "reason", "removed", "by", asked->peer->id)};
    mnb_room_append(asked->room, &what, mnb_owed_on_appended, owe(asked));
}

static void on_leave(const Asked *asked)
{
    mnb_room_leave(asked->room, asked->peer->id, "left", mnb_owed_on_appended, owe(asked));
}

static void (*const handlers[MNB_N_REQUESTS])(const Asked *asked) = {
    [MNB_REQUEST_START_SESSION] = on_start_session,
    [MNB_REQUEST_END_SESSION] = on_end_session,
    [MNB_REQUEST_RECORD] = on_record,
    [MNB_REQUEST_PAUSE_RECORDING] = on_pause_recording,
    [MNB_REQUEST_CONSENT] = on_consent,
    [MNB_REQUEST_MARKER] = on_marker,
    [MNB_REQUEST_CHAT] = on_chat,
    [MNB_REQUEST_HAND] = on_hand,
    [MNB_REQUEST_PUBLISH] = on_publish,
    [MNB_REQUEST_TRACK] = on_track,
    [MNB_REQUEST_UNPUBLISH] = on_unpublish,
    [MNB_REQUEST_SUBSCRIBE] = on_subscribe,
    [MNB_REQUEST_SUBSCRIBED] = on_subscribed,
    [MNB_REQUEST_VIEW] = on_view,
    [MNB_REQUEST_MUTE_PEER] = on_mute_peer,
    [MNB_REQUEST_REMOVE_PEER] = on_remove_peer,
    [MNB_REQUEST_RENAME] = on_rename,
    [MNB_REQUEST_LEAVE] = on_leave,
};

static void (*handler_of(MnbRequestKind kind))(const Asked *asked)
{
    if (handlers[kind] != NULL)
        return handlers[kind];
    void (*found)(const Asked *) = mnb_requests_moderate(kind);
    if (found == NULL)
        found = mnb_requests_talk(kind);
    if (found == NULL)
        found = mnb_requests_interpret(kind);
    return found != NULL ? found : mnb_requests_slides(kind);
}

/* From the lobby. */
static gboolean is_for_waiting(MnbRequestKind kind)
{
    return kind == MNB_REQUEST_RENAME || kind == MNB_REQUEST_LEAVE;
}

void mnb_requests_run(MnbClient *client, MnbMember *member, const MnbRequest *request)
{
    MnbRoom *room = member->room;
    Asked asked = {
        .client = client,
        .member = member,
        .room = room,
        .peer = mnb_room_peer(room, member->peer),
        .request = request,
    };
    g_return_if_fail((guint)request->kind < MNB_N_REQUESTS);
    if (asked.peer != NULL && asked.peer->is_waiting && !is_for_waiting(request->kind)) {
        refuse(&asked, MNB_ROOMS_ERROR_WAITING, "the facilitator has not let you in yet");
        return;
    }
    if (asked.peer == NULL || !mnb_peer_may(asked.peer, mnb_request_permission(request->kind))) {
        refuse(&asked, MNB_ROOMS_ERROR_NOT_ALLOWED, "this role may not do that");
        return;
    }
    if (room->state->state == MNB_SESSION_ENDED) {
        refuse(&asked, MNB_ROOMS_ERROR_SESSION_OVER, "this session is over");
        return;
    }
    handler_of(request->kind)(&asked);
}
