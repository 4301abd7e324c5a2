/* Reactions, questions, polls, agenda, note, captions (docs/protocol.md, 4.2.2). */
#include "server/rooms/asked.h"
#include "server/rooms/classroom-json.h"
#include "server/rooms/room-tell.h"
#include <string.h>

static MnbClassroom *classroom(const MnbAsked *asked)
{
    return &asked->room->state->room;
}

static void on_react(const MnbAsked *asked)
{
    mnb_tell_reaction(asked->room, asked->peer->id, mnb_asked_text(asked, "name"));
    mnb_asked_accept(asked);
}

/* An answer that names what was made: its id is the seq of its entry. */
typedef struct {
    MnbOwed *owed;
    const char *field;
    char peer[MNB_ID_SIZE];
    char *key;
} Made;

static void on_made(MnbRoom *room, const GError *error, gpointer data)
{
    Made *made = data;
    const MnbClassroom *what = &room->state->room;
    gint64 id = 0;
    if (strcmp(made->field, "question") == 0) {
        const MnbQuestion *question = mnb_classroom_question_by_key(what, made->peer, made->key);
        id = question != NULL ? question->id : 0;
    } else {
        const MnbPoll *poll = mnb_classroom_poll_by_key(what, made->key);
        id = poll != NULL ? poll->id : 0;
    }
    if (error != NULL)
        mnb_owed_refuse(made->owed, error);
    else
        mnb_owed_accept(made->owed, json_pack("{s:I}", made->field, (json_int_t)id));
    g_free(made->key);
    g_free(made);
}

static void make(const MnbAsked *asked, const char *type, const char *field, json_t *body)
{
    Made *made = g_new0(Made, 1);
    made->owed = mnb_asked_owe(asked);
    made->field = field;
    g_strlcpy(made->peer, asked->peer->id, sizeof made->peer);
    made->key = g_strdup(mnb_asked_text(asked, "key"));
    MnbAppend what = {.type = type, .peer = asked->peer->id, .body = body};
    mnb_room_append(asked->room, &what, on_made, made);
}

/* ----------------------------------------------------------------------------------- questions */

static void on_ask(const MnbAsked *asked)
{
    const MnbClassroom *room = classroom(asked);
    const MnbQuestion *before =
        mnb_classroom_question_by_key(room, asked->peer->id, mnb_asked_text(asked, "key"));
    if (before != NULL) {
        mnb_owed_accept(mnb_asked_owe(asked),
                        json_pack("{s:I}", "question", (json_int_t)before->id));
        return;
    }
    if (mnb_classroom_count_questions(room, asked->peer->id) >= MNB_QUESTIONS_EACH) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_TOO_MANY, "at most 20 questions of one person");
        return;
    }
    if (room->questions->len >= MNB_QUESTIONS_MAX) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_TOO_MANY, "at most 500 questions in a session");
        return;
    }
    make(asked, "question-asked", "question", json_incref(asked->request->args));
}

static MnbQuestion *find_question(const MnbAsked *asked)
{
    MnbQuestion *question =
        mnb_classroom_question(classroom(asked), mnb_asked_number(asked, "question"));
    /* A hidden one is not there for who cannot see it. */
    if (question != NULL && (question->state != MNB_QUESTION_HIDDEN || mnb_asked_moderates(asked)))
        return question;
    mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_FOUND, "there is no such question");
    return NULL;
}

static void on_vote_question(const MnbAsked *asked)
{
    const MnbQuestion *question = find_question(asked);
    if (question == NULL)
        return;
    if (question->state != MNB_QUESTION_OPEN || strcmp(question->peer, asked->peer->id) == 0) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_ALLOWED,
                         question->state != MNB_QUESTION_OPEN ? "the question is not open"
                                                              : "it is your own question");
        return;
    }
    mnb_asked_append(asked, "question-vote", json_incref(asked->request->args));
}

static void on_question(const MnbAsked *asked)
{
    if (find_question(asked) != NULL)
        mnb_asked_append(asked, "question-state", json_incref(asked->request->args));
}

/* --------------------------------------------------------------------------------------- polls */

static void on_poll(const MnbAsked *asked)
{
    const MnbClassroom *room = classroom(asked);
    const MnbPoll *before = mnb_classroom_poll_by_key(room, mnb_asked_text(asked, "key"));
    if (before != NULL) {
        mnb_owed_accept(mnb_asked_owe(asked), json_pack("{s:I}", "poll", (json_int_t)before->id));
        return;
    }
    if (room->polls->len >= MNB_POLLS_MAX) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_TOO_MANY, "at most 50 polls in a session");
        return;
    }
    make(asked, "poll-made", "poll", json_incref(asked->request->args));
}

static MnbPoll *find_poll(const MnbAsked *asked)
{
    MnbPoll *poll = mnb_classroom_poll(classroom(asked), mnb_asked_number(asked, "poll"));
    if (poll != NULL && (poll->state != MNB_POLL_DRAFT || mnb_asked_moderates(asked)))
        return poll;
    mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_FOUND, "there is no such poll");
    return NULL;
}

static void on_poll_state(const MnbAsked *asked)
{
    if (find_poll(asked) != NULL)
        mnb_asked_append(asked, "poll-state", json_incref(asked->request->args));
}

static gboolean is_choice(const MnbPoll *poll, const json_t *options)
{
    if (!poll->is_multiple && json_array_size(options) > 1)
        return FALSE;
    for (gsize i = 0; i < json_array_size(options); i++)
        if (json_integer_value(json_array_get(options, i)) >= (json_int_t)poll->options->len)
            return FALSE;
    return TRUE;
}

static void on_vote(const MnbAsked *asked)
{
    const MnbPoll *poll = find_poll(asked);
    json_t *options = json_object_get(asked->request->args, "options");
    char voter[MNB_ID_SIZE];
    if (poll == NULL)
        return;
    if (poll->state != MNB_POLL_OPEN) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_ALLOWED, "the poll is not open");
        return;
    }
    if (!is_choice(poll, options)) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_BAD_MESSAGE,
                         poll->is_multiple ? "options has one that the poll has not"
                                           : "options: one of the poll's, or none");
        return;
    }
    json_t *body = json_pack("{s:I, s:O}", "poll", (json_int_t)poll->id, "options", options);
    MnbAppend what = {.type = "poll-vote", .peer = asked->peer->id, .body = body};
    if (poll->is_anonymous) {
        mnb_poll_pseudonym(poll, asked->member->resume, voter);
        json_object_set_new(body, "voter", json_string(voter));
        what.peer = NULL;
    }
    mnb_room_append(asked->room, &what, mnb_owed_on_appended, mnb_asked_owe(asked));
}

/* ------------------------------------------------------------------------------ agenda and note */

static void on_agenda(const MnbAsked *asked)
{
    const json_t *items = json_object_get(asked->request->args, "items");
    for (gsize i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        if (*json_string_value(json_object_get(item, "title_en")) == '\0' &&
            *json_string_value(json_object_get(item, "title_ja")) == '\0') {
            mnb_asked_refuse(asked, MNB_ROOMS_ERROR_BAD_MESSAGE, "items has one without a title");
            return;
        }
    }
    mnb_asked_append(asked, "agenda", json_incref(asked->request->args));
}

static void on_agenda_item(const MnbAsked *asked)
{
    if (mnb_asked_number(asked, "item") >= (gint64)json_array_size(classroom(asked)->agenda)) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_FOUND, "the agenda has no such item");
        return;
    }
    mnb_asked_append(asked, "agenda-item", json_incref(asked->request->args));
}

static void on_phase(const MnbAsked *asked)
{
    mnb_asked_append(asked, "phase", json_incref(asked->request->args));
}

static void on_note(const MnbAsked *asked)
{
    mnb_asked_append(asked, "note", json_incref(asked->request->args));
}

static void on_caption(const MnbAsked *asked)
{
    const char *language = mnb_asked_text(asked, "language");
    if (!mnb_room_has_channel(asked->room, language)) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_BAD_MESSAGE,
                         "language is not one of the event's languages");
        return;
    }
    if (mnb_asked_flag(asked, "is_final")) {
        mnb_asked_append(asked, "caption",
                         json_pack("{s:s, s:s, s:I}", "language", language, "text",
                                   mnb_asked_text(asked, "text"), "began_ms",
                                   (json_int_t)mnb_asked_number(asked, "began_ms")));
        return;
    }
    g_autofree char *text = mnb_room_json_message(
        "caption", json_pack("{s:s, s:s, s:s}", "peer", asked->peer->id, "language", language,
                             "text", mnb_asked_text(asked, "text")));
    mnb_room_broadcast(asked->room, text);
    mnb_asked_accept(asked);
}

MnbRequestHandler mnb_requests_talk(MnbRequestKind kind)
{
    static const MnbRequestHandler handlers[MNB_N_REQUESTS] = {
        [MNB_REQUEST_REACT] = on_react,
        [MNB_REQUEST_ASK] = on_ask,
        [MNB_REQUEST_VOTE_QUESTION] = on_vote_question,
        [MNB_REQUEST_QUESTION] = on_question,
        [MNB_REQUEST_POLL] = on_poll,
        [MNB_REQUEST_POLL_STATE] = on_poll_state,
        [MNB_REQUEST_VOTE] = on_vote,
        [MNB_REQUEST_AGENDA] = on_agenda,
        [MNB_REQUEST_AGENDA_ITEM] = on_agenda_item,
        [MNB_REQUEST_PHASE] = on_phase,
        [MNB_REQUEST_NOTE] = on_note,
        [MNB_REQUEST_CAPTION] = on_caption,
    };
    return handlers[kind];
}
