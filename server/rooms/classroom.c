#include "server/rooms/classroom.h"
#include "recordings/fields.h"
#include <string.h>

/* --------------------------------------------------------------------------------------- names */

static const char *const phases[MNB_N_PHASES] = {"opening", "talk", "questions", "break",
                                                 "closing"};
static const char *const question_states[MNB_N_QUESTION_STATES] = {"open", "answered", "hidden"};
static const char *const poll_states[MNB_N_POLL_STATES] = {"draft", "open", "closed"};
static const char *const deck_states[MNB_N_DECK_STATES] = {"converting", "ready", "failed"};

MNB_DEFINE_NAMES(MnbPhase, mnb_phase, phases)
MNB_DEFINE_NAMES(MnbQuestionState, mnb_question_state, question_states)
MNB_DEFINE_NAMES(MnbPollState, mnb_poll_state, poll_states)

const char *mnb_deck_state_to_string(MnbDeckState state)
{
    return (guint)state < MNB_N_DECK_STATES ? deck_states[state] : NULL;
}

/* ---------------------------------------------------------------------------------------- life */

static void question_free(gpointer data)
{
    MnbQuestion *question = data;
    g_free(question->name);
    g_free(question->text);
    g_free(question->key);
    g_hash_table_unref(question->voters);
    g_free(question);
}

static void poll_free(gpointer data)
{
    MnbPoll *poll = data;
    g_free(poll->text);
    g_free(poll->key);
    g_ptr_array_unref(poll->options);
    g_hash_table_unref(poll->votes);
    g_free(poll);
}

static void caption_free(gpointer data)
{
    MnbCaption *caption = data;
    g_free(caption->text);
    g_free(caption);
}

static void deck_free(gpointer data)
{
    MnbDeck *deck = data;
    g_free(deck->name);
    g_free(deck->reason);
    g_free(deck);
}

void mnb_classroom_init(MnbClassroom *room)
{
    *room = (MnbClassroom){
        .settings = {.may_unmute = TRUE, .may_chat = TRUE},
        .questions = g_ptr_array_new_with_free_func(question_free),
        .polls = g_ptr_array_new_with_free_func(poll_free),
        .agenda = json_array(),
        .plan_agenda = json_array(),
        .agenda_current = -1,
        .note_en = g_strdup(""),
        .note_ja = g_strdup(""),
        .decks = g_ptr_array_new_with_free_func(deck_free),
    };
    g_queue_init(&room->captions);
}

void mnb_classroom_clear(MnbClassroom *room)
{
    g_ptr_array_unref(room->questions);
    g_ptr_array_unref(room->polls);
    json_decref(room->agenda);
    json_decref(room->plan_agenda);
    g_free(room->note_en);
    g_free(room->note_ja);
    g_queue_clear_full(&room->captions, caption_free);
    g_ptr_array_unref(room->decks);
}

static gboolean remove_spotlight(MnbClassroom *room, const char *peer)
{
    guint place;
    if (!mnb_classroom_is_in_spotlight(room, peer, &place))
        return FALSE;
    for (guint i = place; i + 1 < room->spotlight_count; i++)
        memcpy(room->spotlight[i], room->spotlight[i + 1], MNB_ID_SIZE);
    room->spotlight_count--;
    return TRUE;
}

void mnb_classroom_forget(MnbClassroom *room, const char *peer)
{
    remove_spotlight(room, peer);
    if (strcmp(room->floor, peer) == 0) {
        room->floor[0] = '\0';
        room->floor_since_us = 0;
        room->floor_limit_s = 0;
    }
}

/* ----------------------------------------------------------------------------------- questions */

MnbQuestion *mnb_classroom_question(const MnbClassroom *room, gint64 id)
{
    for (guint i = 0; i < room->questions->len; i++) {
        MnbQuestion *question = g_ptr_array_index(room->questions, i);
        if (question->id == id)
            return question;
    }
    return NULL;
}

MnbPoll *mnb_classroom_poll(const MnbClassroom *room, gint64 id)
{
    for (guint i = 0; i < room->polls->len; i++) {
        MnbPoll *poll = g_ptr_array_index(room->polls, i);
        if (poll->id == id)
            return poll;
    }
    return NULL;
}

MnbDeck *mnb_classroom_deck(const MnbClassroom *room, const char *id)
{
    for (guint i = 0; id != NULL && i < room->decks->len; i++) {
        MnbDeck *deck = g_ptr_array_index(room->decks, i);
        if (strcmp(deck->id, id) == 0)
            return deck;
    }
    return NULL;
}

MnbQuestion *mnb_classroom_question_by_key(const MnbClassroom *room, const char *peer,
                                           const char *key)
{
    for (guint i = 0; i < room->questions->len; i++) {
        MnbQuestion *question = g_ptr_array_index(room->questions, i);
        if (strcmp(question->peer, peer) == 0 && strcmp(question->key, key) == 0)
            return question;
    }
    return NULL;
}

MnbPoll *mnb_classroom_poll_by_key(const MnbClassroom *room, const char *key)
{
    for (guint i = 0; i < room->polls->len; i++) {
        MnbPoll *poll = g_ptr_array_index(room->polls, i);
        if (*key != '\0' && strcmp(poll->key, key) == 0)
            return poll;
    }
    return NULL;
}

guint mnb_classroom_count_questions(const MnbClassroom *room, const char *peer)
{
    guint count = 0;
    for (guint i = 0; i < room->questions->len; i++)
        count +=
            strcmp(((const MnbQuestion *)g_ptr_array_index(room->questions, i))->peer, peer) == 0;
    return count;
}

gboolean mnb_classroom_is_in_spotlight(const MnbClassroom *room, const char *peer, guint *place)
{
    for (guint i = 0; i < room->spotlight_count; i++) {
        if (strcmp(room->spotlight[i], peer) == 0) {
            *place = i;
            return TRUE;
        }
    }
    return FALSE;
}

void mnb_poll_pseudonym(const MnbPoll *poll, const char *resume, char out[MNB_ID_SIZE])
{
    g_autofree char *what = g_strdup_printf("poll %" G_GINT64_FORMAT " %s", poll->id, poll->key);
    g_autofree char *hex = g_compute_hmac_for_string(G_CHECKSUM_SHA256, (const guchar *)resume,
                                                     strlen(resume), what, -1);
    g_strlcpy(out, hex, MNB_ID_SIZE);
}

/* -------------------------------------------------------------------------------------- fields */

static const char *field(const json_t *body, const char *name)
{
    const char *text = json_string_value(json_object_get(body, name));
    return text != NULL ? text : "";
}

static gint64 number(const json_t *body, const char *name, gint64 otherwise)
{
    const json_t *value = json_object_get(body, name);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static gboolean flag(const json_t *body, const char *name)
{
    return json_is_true(json_object_get(body, name));
}

static gboolean set_flag(const json_t *body, const char *name, gboolean *value)
{
    const json_t *given = json_object_get(body, name);
    if (!json_is_boolean(given) || json_is_true(given) == *value)
        return FALSE;
    *value = json_is_true(given);
    return TRUE;
}

static void replace_text(char **text, const char *with)
{
    g_free(*text);
    *text = g_strdup(with);
}

static gboolean is_id(const char *text)
{
    return *text != '\0' && strlen(text) < MNB_ID_SIZE;
}

/* ---------------------------------------------------------------------------- kinds of entries */

typedef gboolean (*ApplyFunc)(MnbClassroom *room, const MnbClassroomEntry *entry,
                              const json_t *body);

static gboolean on_settings(MnbClassroom *room, const MnbClassroomEntry *entry, const json_t *body)
{
    MnbRoomSettings *settings = &room->settings;
    if (entry->peer == NULL)
        set_flag(body, "lobby", &room->plan_lobby);
    gboolean is_changed = set_flag(body, "lobby", &settings->has_lobby);
    is_changed |= set_flag(body, "is_locked", &settings->is_locked);
    is_changed |= set_flag(body, "private_chat", &settings->has_private_chat);
    is_changed |= set_flag(body, "may_unmute", &settings->may_unmute);
    is_changed |= set_flag(body, "may_chat", &settings->may_chat);
    return is_changed;
}

static gboolean on_phase(MnbClassroom *room, const MnbClassroomEntry *entry, const json_t *body)
{
    MnbPhase before = room->phase;
    return mnb_phase_parse(field(body, "phase"), &room->phase) && room->phase != before;
}

static gboolean on_spotlight(MnbClassroom *room, const MnbClassroomEntry *entry, const json_t *body)
{
    const char *of = field(body, "of");
    guint place;
    if (!flag(body, "on"))
        return remove_spotlight(room, of);
    if (!is_id(of) || room->spotlight_count >= MNB_SPOTLIGHT_MAX ||
        mnb_classroom_is_in_spotlight(room, of, &place))
        return FALSE;
    g_strlcpy(room->spotlight[room->spotlight_count++], of, MNB_ID_SIZE);
    return TRUE;
}

static gboolean on_floor(MnbClassroom *room, const MnbClassroomEntry *entry, const json_t *body)
{
    const char *of = field(body, "of");
    if (*of == '\0' && room->floor[0] == '\0')
        return FALSE;
    g_strlcpy(room->floor, of, sizeof room->floor);
    room->floor_since_us = *of != '\0' ? entry->at_us : 0;
    room->floor_limit_s = *of != '\0' ? (guint)CLAMP(number(body, "limit_s", 0), 0, 3600) : 0;
    return TRUE;
}

static gboolean on_question_asked(MnbClassroom *room, const MnbClassroomEntry *entry,
                                  const json_t *body)
{
    const char *key = field(body, "key");
    if (entry->peer == NULL || !is_id(entry->peer) || room->questions->len >= MNB_QUESTIONS_MAX ||
        (*key != '\0' && mnb_classroom_question_by_key(room, entry->peer, key) != NULL))
        return FALSE;
    MnbQuestion *question = g_new0(MnbQuestion, 1);
    question->id = entry->seq;
    g_strlcpy(question->peer, entry->peer, sizeof question->peer);
    question->name = g_strdup(entry->name);
    question->text = g_strdup(field(body, "text"));
    question->key = g_strdup(key);
    question->at_us = entry->at_us;
    question->voters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_ptr_array_add(room->questions, question);
    return TRUE;
}

static gboolean on_question_vote(MnbClassroom *room, const MnbClassroomEntry *entry,
                                 const json_t *body)
{
    MnbQuestion *question = mnb_classroom_question(room, number(body, "question", 0));
    if (question == NULL || entry->peer == NULL || question->state != MNB_QUESTION_OPEN ||
        strcmp(question->peer, entry->peer) == 0)
        return FALSE;
    if (!flag(body, "on"))
        return g_hash_table_remove(question->voters, entry->peer);
    return g_hash_table_add(question->voters, g_strdup(entry->peer));
}

static gboolean on_question_state(MnbClassroom *room, const MnbClassroomEntry *entry,
                                  const json_t *body)
{
    MnbQuestion *question = mnb_classroom_question(room, number(body, "question", 0));
    MnbQuestionState state;
    if (question == NULL || !mnb_question_state_parse(field(body, "state"), &state) ||
        question->state == state)
        return FALSE;
    question->state = state;
    return TRUE;
}

static gboolean on_poll_made(MnbClassroom *room, const MnbClassroomEntry *entry, const json_t *body)
{
    const json_t *options = json_object_get(body, "options");
    const char *key = field(body, "key");
    gsize count = json_array_size(options);
    if (count < 2 || count > MNB_POLL_OPTIONS_MAX || room->polls->len >= MNB_POLLS_MAX ||
        mnb_classroom_poll_by_key(room, key) != NULL)
        return FALSE;
    MnbPoll *poll = g_new0(MnbPoll, 1);
    poll->id = entry->seq;
    poll->text = g_strdup(field(body, "text"));
    poll->key = g_strdup(key);
    poll->options = g_ptr_array_new_with_free_func(g_free);
    for (gsize i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(options, i));
        g_ptr_array_add(poll->options, g_strdup(text != NULL ? text : ""));
    }
    poll->is_multiple = flag(body, "is_multiple");
    poll->is_anonymous = flag(body, "is_anonymous");
    poll->is_shown_after = strcmp(field(body, "results"), "after") == 0;
    poll->votes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_ptr_array_add(room->polls, poll);
    return TRUE;
}

static gboolean on_poll_state(MnbClassroom *room, const MnbClassroomEntry *entry,
                              const json_t *body)
{
    MnbPoll *poll = mnb_classroom_poll(room, number(body, "poll", 0));
    MnbPollState state;
    if (poll == NULL || !mnb_poll_state_parse(field(body, "state"), &state) ||
        state == MNB_POLL_DRAFT || poll->state == state)
        return FALSE;
    poll->state = state;
    return TRUE;
}

static void count_vote(MnbPoll *poll, guint mask, int by)
{
    for (guint i = 0; i < poll->options->len; i++)
        if (mask & 1u << i)
            poll->counts[i] = (guint)((int)poll->counts[i] + by);
}

static gboolean on_poll_vote(MnbClassroom *room, const MnbClassroomEntry *entry, const json_t *body)
{
    MnbPoll *poll = mnb_classroom_poll(room, number(body, "poll", 0));
    const json_t *options = json_object_get(body, "options");
    const char *voter = entry->peer != NULL ? entry->peer : field(body, "voter");
    guint mask = 0;
    if (poll == NULL || poll->state != MNB_POLL_OPEN || !is_id(voter) || !json_is_array(options))
        return FALSE;
    for (gsize i = 0; i < json_array_size(options); i++) {
        json_int_t option = json_integer_value(json_array_get(options, i));
        if (option < 0 || option >= (json_int_t)poll->options->len)
            return FALSE;
        mask |= 1u << option;
    }
    if (!poll->is_multiple && (mask & (mask - 1)) != 0)
        return FALSE;
    guint before = GPOINTER_TO_UINT(g_hash_table_lookup(poll->votes, voter));
    if (before == mask)
        return FALSE;
    count_vote(poll, before, -1);
    count_vote(poll, mask, +1);
    if (mask == 0)
        g_hash_table_remove(poll->votes, voter);
    else
        g_hash_table_insert(poll->votes, g_strdup(voter), GUINT_TO_POINTER(mask));
    return TRUE;
}

static gboolean on_agenda(MnbClassroom *room, const MnbClassroomEntry *entry, const json_t *body)
{
    json_t *items = json_object_get(body, "items");
    if (!json_is_array(items) || json_array_size(items) > MNB_AGENDA_MAX)
        return FALSE;
    for (gsize i = 0; i < json_array_size(items); i++)
        if (!json_is_object(json_array_get(items, i)))
            return FALSE;
    json_decref(room->agenda);
    room->agenda = json_deep_copy(items);
    if (entry->peer == NULL) {
        json_decref(room->plan_agenda);
        room->plan_agenda = json_deep_copy(items);
    }
    room->agenda_current = -1;
    room->agenda_since_us = 0;
    return TRUE;
}

static gboolean on_agenda_item(MnbClassroom *room, const MnbClassroomEntry *entry,
                               const json_t *body)
{
    gint64 item = number(body, "item", -2);
    if (item < -1 || item >= (gint64)json_array_size(room->agenda) || item == room->agenda_current)
        return FALSE;
    room->agenda_current = (int)item;
    room->agenda_since_us = item >= 0 ? entry->at_us : 0;
    return TRUE;
}

static gboolean on_note(MnbClassroom *room, const MnbClassroomEntry *entry, const json_t *body)
{
    const char *en = field(body, "text_en");
    const char *ja = field(body, "text_ja");
    if (strcmp(en, room->note_en) == 0 && strcmp(ja, room->note_ja) == 0)
        return FALSE;
    replace_text(&room->note_en, en);
    replace_text(&room->note_ja, ja);
    room->note_us = entry->at_us;
    return TRUE;
}

static gboolean on_caption(MnbClassroom *room, const MnbClassroomEntry *entry, const json_t *body)
{
    if (entry->peer == NULL || *field(body, "text") == '\0')
        return FALSE;
    MnbCaption *caption = g_new0(MnbCaption, 1);
    caption->id = entry->seq;
    g_strlcpy(caption->peer, entry->peer, sizeof caption->peer);
    g_strlcpy(caption->language, field(body, "language"), sizeof caption->language);
    caption->text = g_strdup(field(body, "text"));
    caption->to_us = entry->at_us;
    caption->from_us = entry->at_us - 1000 * CLAMP(number(body, "began_ms", 0), 0, 60000);
    g_queue_push_tail(&room->captions, caption);
    if (g_queue_get_length(&room->captions) > MNB_CAPTIONS_KEPT)
        caption_free(g_queue_pop_head(&room->captions));
    return TRUE;
}

static gboolean on_deck_added(MnbClassroom *room, const MnbClassroomEntry *entry,
                              const json_t *body)
{
    const char *id = field(body, "deck");
    if (!is_id(id) || room->decks->len >= MNB_DECKS_MAX || mnb_classroom_deck(room, id) != NULL)
        return FALSE;
    MnbDeck *deck = g_new0(MnbDeck, 1);
    g_strlcpy(deck->id, id, sizeof deck->id);
    deck->name = g_strdup(field(body, "name"));
    deck->page = 1;
    g_ptr_array_add(room->decks, deck);
    return TRUE;
}

static gboolean on_deck_ready(MnbClassroom *room, const MnbClassroomEntry *entry,
                              const json_t *body)
{
    MnbDeck *deck = mnb_classroom_deck(room, field(body, "deck"));
    gint64 pages = number(body, "pages", 0);
    if (deck == NULL || deck->state == MNB_DECK_READY || pages < 1 || pages > MNB_DECK_PAGES_MAX)
        return FALSE;
    deck->state = MNB_DECK_READY;
    deck->pages = (guint)pages;
    return TRUE;
}

static gboolean on_deck_failed(MnbClassroom *room, const MnbClassroomEntry *entry,
                               const json_t *body)
{
    MnbDeck *deck = mnb_classroom_deck(room, field(body, "deck"));
    if (deck == NULL || deck->state != MNB_DECK_CONVERTING)
        return FALSE;
    deck->state = MNB_DECK_FAILED;
    replace_text(&deck->reason, field(body, "reason"));
    return TRUE;
}

static gboolean on_deck_removed(MnbClassroom *room, const MnbClassroomEntry *entry,
                                const json_t *body)
{
    MnbDeck *deck = mnb_classroom_deck(room, field(body, "deck"));
    if (deck == NULL)
        return FALSE;
    if (strcmp(room->deck, deck->id) == 0)
        room->deck[0] = '\0';
    return g_ptr_array_remove(room->decks, deck);
}

static gboolean on_deck_shown(MnbClassroom *room, const MnbClassroomEntry *entry,
                              const json_t *body)
{
    const char *id = field(body, "deck");
    const MnbDeck *deck = mnb_classroom_deck(room, id);
    if (strcmp(room->deck, id) == 0 ||
        (*id != '\0' && (deck == NULL || deck->state != MNB_DECK_READY)))
        return FALSE;
    g_strlcpy(room->deck, id, sizeof room->deck);
    return TRUE;
}

static gboolean on_page(MnbClassroom *room, const MnbClassroomEntry *entry, const json_t *body)
{
    MnbDeck *deck = mnb_classroom_deck(room, room->deck);
    gint64 page = number(body, "page", 0);
    if (deck == NULL || page < 1 || page > deck->pages || page == deck->page)
        return FALSE;
    deck->page = (guint)page;
    return TRUE;
}

static const struct {
    const char *type;
    ApplyFunc apply;
} types[] = {
    {"settings", on_settings},
    {"phase", on_phase},
    {"spotlight", on_spotlight},
    {"floor", on_floor},
    {"question-asked", on_question_asked},
    {"question-vote", on_question_vote},
    {"question-state", on_question_state},
    {"poll-made", on_poll_made},
    {"poll-state", on_poll_state},
    {"poll-vote", on_poll_vote},
    {"agenda", on_agenda},
    {"agenda-item", on_agenda_item},
    {"note", on_note},
    {"caption", on_caption},
    {"deck-added", on_deck_added},
    {"deck-ready", on_deck_ready},
    {"deck-failed", on_deck_failed},
    {"deck-removed", on_deck_removed},
    {"deck-shown", on_deck_shown},
    {"page", on_page},
};

gboolean mnb_classroom_apply(MnbClassroom *room, const MnbClassroomEntry *entry, const json_t *body,
                             gboolean *is_known_out)
{
    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        if (strcmp(types[i].type, entry->type) == 0) {
            *is_known_out = TRUE;
            return types[i].apply(room, entry, body);
        }
    }
    *is_known_out = FALSE;
    return FALSE;
}

/* ---------------------------------------------------------------------------------------- dump */

static void dump_votes(GHashTable *votes, GString *out)
{
    g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(votes), (GCompareFunc)strcmp);
    for (const GList *at = keys; at != NULL; at = at->next)
        g_string_append_printf(out, " %s:%u", (const char *)at->data,
                               GPOINTER_TO_UINT(g_hash_table_lookup(votes, at->data)) & 0xffffu);
    g_string_append_c(out, '\n');
}

static void dump_questions(const MnbClassroom *room, GString *out)
{
    for (guint i = 0; i < room->questions->len; i++) {
        const MnbQuestion *question = g_ptr_array_index(room->questions, i);
        g_autoptr(GList) voters =
            g_list_sort(g_hash_table_get_keys(question->voters), (GCompareFunc)strcmp);
        g_string_append_printf(
            out, "question %" G_GINT64_FORMAT " %s \"%s\" \"%s\" %s %" G_GINT64_FORMAT " %s",
            question->id, question->peer, question->name, question->text, question->key,
            question->at_us, question_states[question->state]);
        for (const GList *at = voters; at != NULL; at = at->next)
            g_string_append_printf(out, " %s", (const char *)at->data);
        g_string_append_c(out, '\n');
    }
}

static void dump_polls(const MnbClassroom *room, GString *out)
{
    for (guint i = 0; i < room->polls->len; i++) {
        const MnbPoll *poll = g_ptr_array_index(room->polls, i);
        g_string_append_printf(out,
                               "poll %" G_GINT64_FORMAT " \"%s\" %s multiple %d anonymous %d "
                               "after %d %s",
                               poll->id, poll->text, poll->key, poll->is_multiple,
                               poll->is_anonymous, poll->is_shown_after, poll_states[poll->state]);
        for (guint o = 0; o < poll->options->len; o++)
            g_string_append_printf(out, " \"%s\"=%u",
                                   (const char *)g_ptr_array_index(poll->options, o),
                                   poll->counts[o]);
        dump_votes(poll->votes, out);
    }
}

void mnb_classroom_dump(const MnbClassroom *room, GString *out)
{
    const MnbRoomSettings *settings = &room->settings;
    char *agenda = json_dumps(room->agenda, JSON_COMPACT | JSON_SORT_KEYS);
    g_string_append_printf(out,
                           "settings %d %d %d %d %d phase %s\nfloor %s since %" G_GINT64_FORMAT
                           " limit %u\nagenda %s current %d since %" G_GINT64_FORMAT
                           "\nnote \"%s\" \"%s\" %" G_GINT64_FORMAT "\nspotlight",
                           settings->has_lobby, settings->is_locked, settings->has_private_chat,
                           settings->may_unmute, settings->may_chat, phases[room->phase],
                           room->floor, room->floor_since_us, room->floor_limit_s, agenda,
                           room->agenda_current, room->agenda_since_us, room->note_en,
                           room->note_ja, room->note_us);
    free(agenda);
    for (guint i = 0; i < room->spotlight_count; i++)
        g_string_append_printf(out, " %s", room->spotlight[i]);
    g_string_append_c(out, '\n');
    dump_questions(room, out);
    dump_polls(room, out);
    for (const GList *at = room->captions.head; at != NULL; at = at->next) {
        const MnbCaption *caption = at->data;
        g_string_append_printf(out,
                               "caption %" G_GINT64_FORMAT " %s %s \"%s\" %" G_GINT64_FORMAT
                               " %" G_GINT64_FORMAT "\n",
                               caption->id, caption->peer, caption->language, caption->text,
                               caption->from_us, caption->to_us);
    }
    for (guint i = 0; i < room->decks->len; i++) {
        const MnbDeck *deck = g_ptr_array_index(room->decks, i);
        g_string_append_printf(out, "deck %s \"%s\" %s pages %u page %u %s\n", deck->id, deck->name,
                               deck_states[deck->state], deck->pages, deck->page,
                               deck->reason != NULL ? deck->reason : "-");
    }
    g_string_append_printf(out, "shown %s\n", room->deck);
}
