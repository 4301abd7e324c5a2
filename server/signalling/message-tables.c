#include "server/signalling/message-tables.h"
#include "server/rooms/classroom.h"

#define END                                                                                        \
    {                                                                                              \
        .type = MNB_FIELD_END                                                                      \
    }
#define MAY .is_optional = TRUE
#define BIG G_GINT64_CONSTANT(9007199254740991)

#define PEER                                                                                       \
    {                                                                                              \
        "peer", MNB_FIELD_PEER                                                                     \
    }
#define FLAG(name)                                                                                 \
    {                                                                                              \
        name, MNB_FIELD_FLAG                                                                       \
    }
#define KEY                                                                                        \
    {                                                                                              \
        "key", MNB_FIELD_KEY                                                                       \
    }
#define NUMBER(name, low, high)                                                                    \
    {                                                                                              \
        name, MNB_FIELD_NUMBER, .min = (low), .max = (high)                                        \
    }
#define TEXT(name, low, high)                                                                      \
    {                                                                                              \
        name, MNB_FIELD_TEXT, .min = (low), .max = (high)                                          \
    }
#define LINES(name, low, high)                                                                     \
    {                                                                                              \
        name, MNB_FIELD_LINES, .min = (low), .max = (high)                                         \
    }
#define WORD(name, list)                                                                           \
    {                                                                                              \
        name, MNB_FIELD_WORD, .words = (list)                                                      \
    }

static const char *const roles[] = {"facilitator", "presenter", "interpreter",
                                    "participant", "observer",  NULL};
static const char *const grantable[] = {"present", "caption", NULL};
static const char *const sources[] = {"microphone", "camera", "screen", NULL};
static const char *const reactions[] = {"clap",     "thumbs-up", "heart", "laugh",
                                        "surprise", "thinking",  NULL};
static const char *const question_states[] = {"open", "answered", "hidden", NULL};
static const char *const poll_states[] = {"open", "closed", NULL};
static const char *const results[] = {"live", "after", NULL};
static const char *const phases[] = {"opening", "talk", "questions", "break", "closing", NULL};
static const char *const steps[] = {"ask", "accept", "cancel", NULL};

/* clang-format off */
static const MnbFieldSpec nothing[] = {END};
static const MnbFieldSpec set_role[] = {PEER, WORD("role", roles), END};
static const MnbFieldSpec grant[] = {PEER, WORD("permission", grantable), FLAG("on"), END};
static const MnbFieldSpec settings[] = {
    {"lobby", MNB_FIELD_FLAG, MAY}, {"is_locked", MNB_FIELD_FLAG, MAY}, {"private_chat", MNB_FIELD_FLAG, MAY},
    {"may_unmute", MNB_FIELD_FLAG, MAY}, {"may_chat", MNB_FIELD_FLAG, MAY}, END};
static const MnbFieldSpec admit[] = {{"peer", MNB_FIELD_PEER, MAY}, END};
static const MnbFieldSpec refuse[] = {PEER, LINES("text", 0, 500), END};
static const MnbFieldSpec mute_all[] = {WORD("source", sources), END};
static const MnbFieldSpec spotlight[] = {PEER, FLAG("on"), END};
static const MnbFieldSpec give_floor[] = {PEER, NUMBER("limit_s", 0, 3600), END};
static const MnbFieldSpec react[] = {WORD("name", reactions), END};
static const MnbFieldSpec ask[] = {LINES("text", 1, 500), KEY, END};
static const MnbFieldSpec vote_question[] = {NUMBER("question", 1, BIG), FLAG("on"), END};
static const MnbFieldSpec question[] = {NUMBER("question", 1, BIG), WORD("state", question_states), END};
static const MnbFieldSpec poll[] = {
    LINES("text", 1, 500), {"options", MNB_FIELD_TEXTS, .min = 2, .max = MNB_POLL_OPTIONS_MAX},
    FLAG("is_multiple"), FLAG("is_anonymous"), WORD("results", results), KEY, END};
static const MnbFieldSpec poll_state[] = {NUMBER("poll", 1, BIG), WORD("state", poll_states), END};
static const MnbFieldSpec vote[] = {
    NUMBER("poll", 1, BIG), {"options", MNB_FIELD_INDEXES, .max = MNB_POLL_OPTIONS_MAX}, END};
static const MnbFieldSpec agenda_fields[] = {
    TEXT("title_en", 0, 200), TEXT("title_ja", 0, 200), TEXT("speaker", 0, 100), NUMBER("duration_s", 0, 86400), END};
static const MnbFieldSpec agenda[] = {
    {"items", MNB_FIELD_OBJECTS, .max = MNB_AGENDA_MAX, .fields = agenda_fields}, END};
static const MnbFieldSpec agenda_item[] = {NUMBER("item", -1, MNB_AGENDA_MAX - 1), END};
static const MnbFieldSpec phase[] = {WORD("phase", phases), END};
static const MnbFieldSpec note[] = {LINES("text_en", 0, 500), LINES("text_ja", 0, 500), END};
static const MnbFieldSpec caption[] = {
    {"language", MNB_FIELD_CHANNEL}, TEXT("text", 1, 300), FLAG("is_final"), NUMBER("began_ms", 0, 60000), END};
static const MnbFieldSpec hear[] = {{"channel", MNB_FIELD_CHANNEL}, {"with_floor", MNB_FIELD_FLAG, MAY}, END};
static const MnbFieldSpec booth[] = {{"channel", MNB_FIELD_CHANNEL}, END};
static const MnbFieldSpec on_air[] = {FLAG("on"), {"take", MNB_FIELD_FLAG, MAY}, END};
static const MnbFieldSpec hand_over[] = {WORD("step", steps), END};
static const MnbFieldSpec upload_slides[] = {TEXT("name", 1, 200), END};
static const MnbFieldSpec show_slides[] = {{"deck", MNB_FIELD_ID}, END};
static const MnbFieldSpec page[] = {NUMBER("page", 1, MNB_DECK_PAGES_MAX), END};
static const MnbFieldSpec pointer[] = {NUMBER("x", 0, 1000), NUMBER("y", 0, 1000), FLAG("on"), END};
static const MnbFieldSpec remove_slides[] = {{"deck", MNB_FIELD_PEER}, END};
/* clang-format on */

static const MnbFieldSpec *const tables[MNB_N_REQUESTS] = {
    [MNB_REQUEST_SET_ROLE] = set_role,
    [MNB_REQUEST_GRANT] = grant,
    [MNB_REQUEST_SETTINGS] = settings,
    [MNB_REQUEST_ADMIT] = admit,
    [MNB_REQUEST_REFUSE] = refuse,
    [MNB_REQUEST_MUTE_ALL] = mute_all,
    [MNB_REQUEST_SPOTLIGHT] = spotlight,
    [MNB_REQUEST_LOWER_HANDS] = nothing,
    [MNB_REQUEST_GIVE_FLOOR] = give_floor,
    [MNB_REQUEST_END_FLOOR] = nothing,
    [MNB_REQUEST_REACT] = react,
    [MNB_REQUEST_ASK] = ask,
    [MNB_REQUEST_VOTE_QUESTION] = vote_question,
    [MNB_REQUEST_QUESTION] = question,
    [MNB_REQUEST_POLL] = poll,
    [MNB_REQUEST_POLL_STATE] = poll_state,
    [MNB_REQUEST_VOTE] = vote,
    [MNB_REQUEST_AGENDA] = agenda,
    [MNB_REQUEST_AGENDA_ITEM] = agenda_item,
    [MNB_REQUEST_PHASE] = phase,
    [MNB_REQUEST_NOTE] = note,
    [MNB_REQUEST_CAPTION] = caption,
    [MNB_REQUEST_HEAR] = hear,
    [MNB_REQUEST_BOOTH] = booth,
    [MNB_REQUEST_ON_AIR] = on_air,
    [MNB_REQUEST_HAND_OVER] = hand_over,
    [MNB_REQUEST_SLOWER] = nothing,
    [MNB_REQUEST_UPLOAD_SLIDES] = upload_slides,
    [MNB_REQUEST_SHOW_SLIDES] = show_slides,
    [MNB_REQUEST_PAGE] = page,
    [MNB_REQUEST_POINTER] = pointer,
    [MNB_REQUEST_REMOVE_SLIDES] = remove_slides,
};

const MnbFieldSpec *mnb_message_table(MnbRequestKind kind)
{
    return tables[kind] != NULL ? tables[kind] : nothing;
}
