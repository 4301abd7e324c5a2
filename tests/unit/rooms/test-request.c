#include "server/rooms/request.h"
#include <string.h>

/* Every kind of message and every role: the table as docs/protocol.md and the roles say. */
static const struct {
    const char *kind;
    const char *roles; /* initials of observer, participant, interpreter, presenter, facilitator */
} table[] = {
    {"start-session", "f"},   {"end-session", "f"},
    {"record", "f"},          {"chat", "pirf"},
    {"hand", "pirf"},         {"publish", "pirf"},
    {"track", "pirf"},        {"unpublish", "pirf"},
    {"subscribe", "opirf"},   {"subscribed", "opirf"},
    {"view", "opirf"},        {"mute-peer", "f"},
    {"remove-peer", "f"},     {"rename", "opirf"},
    {"leave", "opirf"},       {"set-role", "f"},
    {"grant", "rf"},          {"settings", "f"},
    {"admit", "f"},           {"refuse", "f"},
    {"mute-all", "f"},        {"spotlight", "f"},
    {"lower-hands", "f"},     {"give-floor", "f"},
    {"end-floor", "pirf"},    {"react", "pirf"},
    {"ask", "pirf"},          {"vote-question", "pirf"},
    {"question", "f"},        {"poll", "f"},
    {"poll-state", "f"},      {"vote", "pirf"},
    {"agenda", "f"},          {"agenda-item", "f"},
    {"phase", "f"},           {"note", "f"},
    {"caption", "if"},        {"hear", "opirf"},
    {"booth", "i"},           {"on-air", "i"},
    {"hand-over", "i"},       {"slower", "opirf"},
    {"upload-slides", "rf"},  {"show-slides", "rf"},
    {"page", "rf"},           {"pointer", "rf"},
    {"remove-slides", "rf"},  {"consent", "opirf"},
    {"pause-recording", "f"}, {"marker", "f"},
};

static const struct {
    MnbRole role;
    char initial;
} roles[] = {
    {MNB_ROLE_OBSERVER, 'o'},  {MNB_ROLE_PARTICIPANT, 'p'}, {MNB_ROLE_INTERPRETER, 'i'},
    {MNB_ROLE_PRESENTER, 'r'}, {MNB_ROLE_FACILITATOR, 'f'},
};

static void test_permissions(void)
{
    g_assert_cmpuint(G_N_ELEMENTS(table), ==, MNB_N_REQUESTS);
    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        MnbRequestKind kind;
        g_assert_true(mnb_request_kind_parse(table[i].kind, &kind));
        g_assert_cmpstr(mnb_request_kind_to_string(kind), ==, table[i].kind);
        for (guint r = 0; r < G_N_ELEMENTS(roles); r++) {
            gboolean may = mnb_role_may(roles[r].role, mnb_request_permission(kind));
            gboolean should = strchr(table[i].roles, roles[r].initial) != NULL;
            if (may != should)
                g_error("%s by %s: %d, should be %d", table[i].kind,
                        mnb_role_to_string(roles[r].role), may, should);
        }
        g_assert_false(mnb_role_may(MNB_ROLE_VISITOR, mnb_request_permission(kind)));
    }
}

static void test_names(void)
{
    MnbRequestKind kind;
    MnbSource source;
    MnbViewMode mode;
    g_assert_false(mnb_request_kind_parse("hello", &kind));
    g_assert_false(mnb_request_kind_parse(NULL, &kind));
    g_assert_true(mnb_source_parse("screen", &source));
    g_assert_cmpint(source, ==, MNB_SOURCE_SCREEN);
    g_assert_false(mnb_source_parse("Screen", &source));
    g_assert_true(mnb_view_mode_parse("audio", &mode));
    g_assert_cmpint(mode, ==, MNB_VIEW_AUDIO);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rooms/request/each-kind-has-its-roles", test_permissions);
    g_test_add_func("/rooms/request/knows-its-words", test_names);
    return g_test_run();
}
