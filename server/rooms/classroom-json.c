#include "server/rooms/classroom-json.h"
#include "server/base/clock.h"
#include <string.h>

static json_t *time_or_null(gint64 time_us)
{
    if (time_us == 0)
        return json_null();
    g_autofree char *text = mnb_time_to_rfc3339(time_us);
    return text != NULL ? json_string(text) : json_null();
}

json_t *mnb_classroom_json_settings(const MnbClassroom *room)
{
    const MnbRoomSettings *settings = &room->settings;
    return json_pack("{s:b, s:b, s:b, s:b, s:b, s:s}", "lobby", settings->has_lobby, "is_locked",
                     settings->is_locked, "private_chat", settings->has_private_chat, "may_unmute",
                     settings->may_unmute, "may_chat", settings->may_chat, "phase",
                     mnb_phase_to_string(room->phase));
}

json_t *mnb_classroom_json_spotlight(const MnbClassroom *room)
{
    json_t *peers = json_array();
    for (guint i = 0; i < room->spotlight_count; i++)
        json_array_append_new(peers, json_string(room->spotlight[i]));
    return peers;
}

json_t *mnb_classroom_json_floor(const MnbClassroom *room)
{
    if (room->floor[0] == '\0')
        return json_null();
    return json_pack("{s:s, s:o, s:i}", "peer", room->floor, "since",
                     time_or_null(room->floor_since_us), "limit_s", (int)room->floor_limit_s);
}

json_t *mnb_classroom_json_question(const MnbQuestion *question, gboolean moderates)
{
    const char *state = mnb_question_state_to_string(question->state);
    if (question->state == MNB_QUESTION_HIDDEN && !moderates)
        return json_pack("{s:I, s:s}", "id", (json_int_t)question->id, "state", state);
    return json_pack("{s:I, s:s, s:s, s:s, s:o, s:i, s:s}", "id", (json_int_t)question->id, "peer",
                     question->peer, "name", question->name, "text", question->text, "at",
                     time_or_null(question->at_us), "votes",
                     (int)g_hash_table_size(question->voters), "state", state);
}

static json_t *poll_counts(const MnbPoll *poll, gboolean moderates)
{
    if (poll->is_shown_after && poll->state != MNB_POLL_CLOSED && !moderates)
        return json_null();
    json_t *counts = json_array();
    for (guint i = 0; i < poll->options->len; i++)
        json_array_append_new(counts, json_integer(poll->counts[i]));
    return counts;
}

json_t *mnb_classroom_json_poll(const MnbPoll *poll, gboolean moderates)
{
    json_t *options = json_array();
    for (guint i = 0; i < poll->options->len; i++)
        json_array_append_new(options, json_string(g_ptr_array_index(poll->options, i)));
    return json_pack("{s:I, s:s, s:o, s:b, s:b, s:s, s:s, s:i, s:o}", "id", (json_int_t)poll->id,
                     "text", poll->text, "options", options, "is_multiple", poll->is_multiple,
                     "is_anonymous", poll->is_anonymous, "results",
                     poll->is_shown_after ? "after" : "live", "state",
                     mnb_poll_state_to_string(poll->state), "voters",
                     (int)g_hash_table_size(poll->votes), "votes", poll_counts(poll, moderates));
}

json_t *mnb_classroom_json_agenda(const MnbClassroom *room)
{
    return json_pack("{s:O, s:i, s:o}", "items", room->agenda, "current", room->agenda_current,
                     "since", time_or_null(room->agenda_since_us));
}

json_t *mnb_classroom_json_note(const MnbClassroom *room)
{
    if (room->note_en[0] == '\0' && room->note_ja[0] == '\0')
        return json_null();
    return json_pack("{s:s, s:s, s:o}", "text_en", room->note_en, "text_ja", room->note_ja, "at",
                     time_or_null(room->note_us));
}

json_t *mnb_classroom_json_caption(const MnbCaption *caption)
{
    return json_pack("{s:I, s:s, s:s, s:s, s:o, s:o}", "id", (json_int_t)caption->id, "peer",
                     caption->peer, "language", caption->language, "text", caption->text, "from",
                     time_or_null(caption->from_us), "to", time_or_null(caption->to_us));
}

json_t *mnb_classroom_json_slides(const MnbClassroom *room)
{
    json_t *decks = json_array();
    const MnbDeck *shown = mnb_classroom_deck(room, room->deck);
    for (guint i = 0; i < room->decks->len; i++) {
        const MnbDeck *deck = g_ptr_array_index(room->decks, i);
        json_array_append_new(
            decks,
            json_pack("{s:s, s:s, s:s, s:i, s:o, s:i}", "id", deck->id, "name", deck->name, "state",
                      mnb_deck_state_to_string(deck->state), "pages", (int)deck->pages, "reason",
                      deck->reason != NULL ? json_string(deck->reason) : json_null(), "page",
                      (int)deck->page));
    }
    return json_pack("{s:o, s:o, s:i}", "decks", decks, "deck",
                     shown != NULL ? json_string(shown->id) : json_null(), "page",
                     shown != NULL ? (int)shown->page : 0);
}

void mnb_classroom_json_add(const MnbClassroom *room, gboolean moderates, json_t *state)
{
    json_t *questions = json_array();
    json_t *polls = json_array();
    json_t *captions = json_array();
    for (guint i = 0; i < room->questions->len; i++) {
        const MnbQuestion *question = g_ptr_array_index(room->questions, i);
        if (question->state != MNB_QUESTION_HIDDEN || moderates)
            json_array_append_new(questions, mnb_classroom_json_question(question, moderates));
    }
    for (guint i = 0; i < room->polls->len; i++) {
        const MnbPoll *poll = g_ptr_array_index(room->polls, i);
        if (poll->state != MNB_POLL_DRAFT || moderates)
            json_array_append_new(polls, mnb_classroom_json_poll(poll, moderates));
    }
    for (const GList *at = room->captions.head; at != NULL; at = at->next)
        json_array_append_new(captions, mnb_classroom_json_caption(at->data));
    json_object_set_new(state, "settings", mnb_classroom_json_settings(room));
    json_object_set_new(state, "spotlight", mnb_classroom_json_spotlight(room));
    json_object_set_new(state, "floor", mnb_classroom_json_floor(room));
    json_object_set_new(state, "questions", questions);
    json_object_set_new(state, "polls", polls);
    json_object_set_new(state, "agenda", mnb_classroom_json_agenda(room));
    json_object_set_new(state, "note", mnb_classroom_json_note(room));
    json_object_set_new(state, "captions", captions);
    json_object_set_new(state, "slides", mnb_classroom_json_slides(room));
}

static void add_my_vote(const MnbPoll *poll, const char *peer, const char *resume, json_t *polls)
{
    char voter[MNB_ID_SIZE];
    char id[24];
    if (poll->is_anonymous && resume == NULL)
        return;
    if (poll->is_anonymous)
        mnb_poll_pseudonym(poll, resume, voter);
    else
        g_strlcpy(voter, peer, sizeof voter);
    guint mask = GPOINTER_TO_UINT(g_hash_table_lookup(poll->votes, voter));
    if (mask == 0)
        return;
    json_t *options = json_array();
    for (guint i = 0; i < poll->options->len; i++)
        if (mask & 1u << i)
            json_array_append_new(options, json_integer(i));
    g_snprintf(id, sizeof id, "%" G_GINT64_FORMAT, poll->id);
    json_object_set_new(polls, id, options);
}

json_t *mnb_classroom_json_mine(const MnbClassroom *room, const char *peer, const char *resume)
{
    json_t *questions = json_array();
    json_t *polls = json_object();
    for (guint i = 0; i < room->questions->len; i++) {
        const MnbQuestion *question = g_ptr_array_index(room->questions, i);
        if (g_hash_table_contains(question->voters, peer))
            json_array_append_new(questions, json_integer((json_int_t)question->id));
    }
    for (guint i = 0; i < room->polls->len; i++)
        add_my_vote(g_ptr_array_index(room->polls, i), peer, resume, polls);
    return json_pack("{s:o, s:o}", "questions", questions, "polls", polls);
}

json_t *mnb_classroom_json_question_votes(const MnbQuestion *question)
{
    return json_pack("{s:I, s:i}", "id", (json_int_t)question->id, "votes",
                     (int)g_hash_table_size(question->voters));
}

json_t *mnb_classroom_json_poll_votes(const MnbPoll *poll, gboolean moderates)
{
    return json_pack("{s:I, s:i, s:o}", "id", (json_int_t)poll->id, "voters",
                     (int)g_hash_table_size(poll->votes), "votes", poll_counts(poll, moderates));
}
