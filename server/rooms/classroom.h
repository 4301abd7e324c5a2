/* classroom.h - what a session holds besides people and media: settings, floor, questions, polls,
 * agenda, note, captions, slides.
 *
 * A part of MnbRoomState (room-state.h), under the same rules: pure, changed by applying entries of
 * the log only, forgiving, the same entries give the same state. Everything is bounded; what comes
 * above a bound changes nothing.
 *
 * Types of entries, who is in the column `peer`, and their bodies:
 *
 *     settings          who did it   {lobby, is_locked, private_chat, may_unmute, may_chat}: some;
 *                       NULL         {lobby}: the event's plan changed
 *     phase             who did it   {phase}
 *     spotlight         who did it   {of, on}
 *     floor             who did it   {of, limit_s}       of "": nobody
 *     question-asked    the peer     {text, key}         its id is the entry's seq
 *     question-vote     the peer     {question, on}
 *     question-state    who did it   {question, state}
 *     poll-made         who did it   {text, options, is_multiple, is_anonymous, results, key}
 *     poll-state        who did it   {poll, state}
 *     poll-vote         the peer     {poll, options}; NULL {poll, options, voter} of an anonymous
 *                                    poll: voter is a pseudonym (mnb_poll_pseudonym())
 *     agenda            who did it   {items}             NULL: the event's plan changed
 *     agenda-item       who did it   {item}              -1: none
 *     note              who did it   {text_en, text_ja}
 *     caption           the peer     {language, text, began_ms}
 *     deck-added        the peer     {deck, name}
 *     deck-ready        NULL         {deck, pages}
 *     deck-failed       NULL         {deck, reason}
 *     deck-removed      who did it   {deck}
 *     deck-shown        who did it   {deck}              "": none
 *     page              who did it   {page}              of the deck shown
 */
#pragma once
#include "server/base/ids.h"
#include <glib.h>
#include <jansson.h>

#define MNB_QUESTIONS_MAX     500
#define MNB_QUESTIONS_EACH    20
#define MNB_POLLS_MAX         50
#define MNB_POLL_OPTIONS_MAX  10
#define MNB_AGENDA_MAX        40
#define MNB_SPOTLIGHT_MAX     4
#define MNB_CAPTIONS_KEPT     50 /* in memory; the log has all */
#define MNB_DECKS_MAX         20
#define MNB_DECK_PAGES_MAX    500
#define MNB_LANGUAGE_TAG_SIZE 36 /* bytes, NUL included */

typedef enum {
    MNB_PHASE_OPENING,
    MNB_PHASE_TALK,
    MNB_PHASE_QUESTIONS,
    MNB_PHASE_BREAK,
    MNB_PHASE_CLOSING,
    MNB_N_PHASES,
} MnbPhase;

typedef enum {
    MNB_QUESTION_OPEN,
    MNB_QUESTION_ANSWERED,
    MNB_QUESTION_HIDDEN,
    MNB_N_QUESTION_STATES,
} MnbQuestionState;

typedef enum {
    MNB_POLL_DRAFT,
    MNB_POLL_OPEN,
    MNB_POLL_CLOSED,
    MNB_N_POLL_STATES,
} MnbPollState;

typedef enum {
    MNB_DECK_CONVERTING,
    MNB_DECK_READY,
    MNB_DECK_FAILED,
    MNB_N_DECK_STATES,
} MnbDeckState;

typedef struct {
    gboolean has_lobby;
    gboolean is_locked;
    gboolean has_private_chat;
    gboolean may_unmute;
    gboolean may_chat;
} MnbRoomSettings;

typedef struct {
    gint64 id;
    char peer[MNB_ID_SIZE];
    char *name; /* as it was then */
    char *text;
    char *key;
    gint64 at_us;
    MnbQuestionState state;
    GHashTable *voters; /* set of peer ids */
} MnbQuestion;

typedef struct {
    gint64 id;
    char *text;
    char *key;
    GPtrArray *options; /* char * */
    gboolean is_multiple;
    gboolean is_anonymous;
    gboolean is_shown_after; /* results: after */
    MnbPollState state;
    GHashTable *votes; /* voter -> mask of options (GUINT_TO_POINTER) */
    guint counts[MNB_POLL_OPTIONS_MAX];
} MnbPoll;

typedef struct {
    gint64 id;
    char peer[MNB_ID_SIZE];
    char language[MNB_LANGUAGE_TAG_SIZE];
    char *text;
    gint64 from_us, to_us;
} MnbCaption;

typedef struct {
    char id[MNB_ID_SIZE];
    char *name;
    char *reason; /* of FAILED, else NULL */
    MnbDeckState state;
    guint pages;
    guint page; /* where it was left, from 1 */
} MnbDeck;

typedef struct {
    MnbRoomSettings settings;
    MnbPhase phase;
    char spotlight[MNB_SPOTLIGHT_MAX][MNB_ID_SIZE];
    guint spotlight_count;
    char floor[MNB_ID_SIZE]; /* "": nobody */
    gint64 floor_since_us;
    guint floor_limit_s;
    GPtrArray *questions; /* MnbQuestion */
    GPtrArray *polls;     /* MnbPoll */
    json_t *agenda;       /* array of items */
    int agenda_current;   /* -1: none */
    gint64 agenda_since_us;
    gboolean plan_lobby; /* as the plan last said, whatever was changed in the room since */
    json_t *plan_agenda;
    char *note_en, *note_ja; /* both "": none */
    gint64 note_us;
    GQueue captions;  /* MnbCaption, oldest first */
    GPtrArray *decks; /* MnbDeck */
    char deck[MNB_ID_SIZE];
} MnbClassroom;

void mnb_classroom_init(MnbClassroom *room);
void mnb_classroom_clear(MnbClassroom *room);

/* Somebody left: no spotlight on him, and the floor is free. */
void mnb_classroom_forget(MnbClassroom *room, const char *peer);

typedef struct {
    gint64 seq, at_us;
    const char *type;
    const char *peer; /* NULL: the server */
    const char *name; /* of the peer, as it is now; "" */
} MnbClassroomEntry;

/* @is_known_out: the type is one of those above. Returns TRUE when something changed. */
gboolean mnb_classroom_apply(MnbClassroom *room, const MnbClassroomEntry *entry, const json_t *body,
                             gboolean *is_known_out);

/* Borrowed; NULL: there is none. */
MnbQuestion *mnb_classroom_question(const MnbClassroom *room, gint64 id);
MnbPoll *mnb_classroom_poll(const MnbClassroom *room, gint64 id);
MnbDeck *mnb_classroom_deck(const MnbClassroom *room, const char *id);
MnbQuestion *mnb_classroom_question_by_key(const MnbClassroom *room, const char *peer,
                                           const char *key);
MnbPoll *mnb_classroom_poll_by_key(const MnbClassroom *room, const char *key);
guint mnb_classroom_count_questions(const MnbClassroom *room, const char *peer);
gboolean mnb_classroom_is_in_spotlight(const MnbClassroom *room, const char *peer, guint *place);

/* Who votes in an anonymous poll: HMAC-SHA256 of the poll under the voter's resume token, which
 * only the voter has. The same person is the same voter, and the log does not say who. */
void mnb_poll_pseudonym(const MnbPoll *poll, const char *resume, char out[MNB_ID_SIZE]);

/* Names as in docs/protocol.md; static. parse: FALSE for unknown names. */
const char *mnb_phase_to_string(MnbPhase phase);
gboolean mnb_phase_parse(const char *name, MnbPhase *phase);
const char *mnb_question_state_to_string(MnbQuestionState state);
gboolean mnb_question_state_parse(const char *name, MnbQuestionState *state);
const char *mnb_poll_state_to_string(MnbPollState state);
gboolean mnb_poll_state_parse(const char *name, MnbPollState *state);
const char *mnb_deck_state_to_string(MnbDeckState state);

/* All of it, in a fixed order (mnb_room_state_dump()). */
void mnb_classroom_dump(const MnbClassroom *room, GString *out);
