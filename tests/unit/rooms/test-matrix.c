/* Every message of docs/protocol.md as every role: what the table of "who may ask what" says, and
 * nothing else. Sent raw, through the parser of signalling. */
#include "tests/unit/rooms/world.h"
#include <string.h>

#define DENIED "this role may not do that"

/* Columns: observer participant interpreter presenter facilitator. @answer: what those who may get:
 * "ok" or a code. $O: a bystander. */
typedef struct {
    const char *kind;
    const char *may;
    const char *answer;
    const char *fields; /* NULL: none */
} Row;

static const Row rows[] = {
    {"start-session", "- - - - x", "ok", NULL},
    {"record", "- - - - x", "ok", "\"on\":false"},
    {"chat", "- x x x x", "ok", "\"text\":\"a\",\"key\":\"$N\""},
    {"chat", "- x x x x", "ok", "\"text\":\"a\",\"key\":\"$N\",\"to\":\"facilitators\""},
    {"hand", "- x x x x", "ok", "\"raised\":true"},
    {"publish", "- x x x x", "bad-sdp",
     "\"sdp\":\"v=0\",\"tracks\":[{\"mid\":\"0\",\"source\":\"microphone\"}]"},
    {"track", "- x x x x", "bad-message", "\"source\":\"microphone\",\"is_on\":false"},
    {"unpublish", "- x x x x", "ok", NULL},
    {"subscribe", "x x x x x", "media-unavailable", "\"audio\":2,\"video\":2"},
    {"subscribed", "x x x x x", "bad-message", "\"sdp\":\"v=0\""},
    {"view", "x x x x x", "ok", "\"peers\":[],\"mode\":\"all\""},
    {"mute-peer", "- - - - x", "ok", "\"peer\":\"$O\",\"source\":\"camera\""},
    {"rename", "x x x x x", "ok", "\"name\":\"New\""},
    {"set-role", "- - - - x", "ok", "\"peer\":\"$O\",\"role\":\"participant\""},
    {"grant", "- - - x x", "ok", "\"peer\":\"$O\",\"permission\":\"present\",\"on\":false"},
    {"settings", "- - - - x", "ok", "\"may_chat\":true"},
    {"admit", "- - - - x", "ok", NULL},
    {"refuse", "- - - - x", "unknown-peer", "\"peer\":\"$O\",\"text\":\"\""},
    {"mute-all", "- - - - x", "ok", "\"source\":\"microphone\""},
    {"spotlight", "- - - - x", "ok", "\"peer\":\"$O\",\"on\":true"},
    {"lower-hands", "- - - - x", "ok", NULL},
    {"give-floor", "- - - - x", "ok", "\"peer\":\"$O\",\"limit_s\":60"},
    {"end-floor", "- x x x x", "ok", NULL},
    {"react", "- x x x x", "ok", "\"name\":\"clap\""},
    {"ask", "- x x x x", "ok", "\"text\":\"why?\",\"key\":\"$N\""},
    {"vote-question", "- x x x x", "not-found", "\"question\":99999,\"on\":true"},
    {"question", "- - - - x", "not-found", "\"question\":99999,\"state\":\"hidden\""},
    {"poll", "- - - - x", "ok",
     "\"text\":\"?\",\"options\":[\"a\",\"b\"],\"is_multiple\":false,\"is_anonymous\":true,"
     "\"results\":\"live\",\"key\":\"$N\""},
    {"poll-state", "- - - - x", "not-found", "\"poll\":99999,\"state\":\"open\""},
    {"vote", "- x x x x", "not-found", "\"poll\":99999,\"options\":[0]"},
    {"agenda", "- - - - x", "ok", "\"items\":[]"},
    {"agenda-item", "- - - - x", "ok", "\"item\":-1"},
    {"phase", "- - - - x", "ok", "\"phase\":\"talk\""},
    {"note", "- - - - x", "ok", "\"text_en\":\"a\",\"text_ja\":\"\""},
    {"caption", "- - x - x", "ok",
     "\"language\":\"ja\",\"text\":\"a\",\"is_final\":true,\"began_ms\":10"},
    {"hear", "x x x x x", "ok", "\"channel\":\"ja\""},
    {"slower", "x x x x x", "ok", NULL}, /* all of them hear a channel by now */
    {"booth", "- - x - -", "ok", "\"channel\":\"ja\""},
    {"on-air", "- - x - -", "ok", "\"on\":true"},
    {"hand-over", "- - x - -", "ok", "\"step\":\"cancel\""},
    {"upload-slides", "- - - x x", "*", "\"name\":\"Waste\""},
    {"show-slides", "- - - x x", "ok", "\"deck\":\"\""},
    {"page", "- - - x x", "not-found", "\"page\":1"},
    {"pointer", "- - - x x", "not-found", "\"x\":1,\"y\":1,\"on\":true"},
    {"remove-slides", "- - - x x", "not-found", "\"deck\":\"$O\""},
    {"remove-peer", "- - - - x", "unknown-peer", "\"peer\":\"00000000000000000000000000\""},
    {"consent", "x x x x x", "ok", "\"answer\":\"no\""},
    {"pause-recording", "- - - - x", "not-live", "\"on\":true"},
    {"marker", "- - - - x", "ok", "\"text\":\"a good moment\""},
    {"leave", "x x x x x", "ok", NULL},
    {"end-session", "- - - - x", "ok", NULL},
};

static char *fill(const char *fields, const Socket *other, guint number)
{
    g_autoptr(GString) text = g_string_new(fields != NULL ? fields : "");
    g_autofree char *key = g_strdup_printf("n%u", number);
    g_string_replace(text, "$O", other->peer, 0);
    g_string_replace(text, "$N", key, 0);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void check(const Row *row, MnbRole role, const char *answer)
{
    gboolean may = row->may[2 * (role - MNB_ROLE_OBSERVER)] == 'x';
    gboolean is_denied = strstr(answer, DENIED) != NULL;
    g_autofree char *code = g_strdup_printf("\"code\":\"%s\"", row->answer);
    if (is_denied == may)
        g_error("%s as %s: %s", row->kind, mnb_role_to_string(role), answer);
    if (!may && strstr(answer, "\"ok\":false,\"code\":\"not-allowed\"") == NULL)
        g_error("%s as %s: %s", row->kind, mnb_role_to_string(role), answer);
    if (may && strcmp(row->answer, "*") != 0 &&
        strstr(answer, strcmp(row->answer, "ok") == 0 ? "\"ok\":true" : code) == NULL)
        g_error("%s as %s: %s, not %s", row->kind, mnb_role_to_string(role), answer, row->answer);
}

static void test_matrix(void)
{
    guint number = 0;
    gboolean is_seen[MNB_N_REQUESTS] = {FALSE};
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        MnbRequestKind kind;
        g_assert_true(mnb_request_kind_parse(rows[i].kind, &kind));
        is_seen[kind] = TRUE;
    }
    for (guint i = 0; i < MNB_N_REQUESTS; i++)
        if (!is_seen[i])
            g_error("%s is not tried", mnb_request_kind_to_string((MnbRequestKind)i));
    for (MnbRole role = MNB_ROLE_OBSERVER; role <= MNB_ROLE_FACILITATOR; role++) {
        World world;
        Socket host, other, one;
        world_open(&world);
        g_free(world_join(&world, &host, MNB_ROLE_FACILITATOR, "Mika", NULL));
        g_free(world_join(&world, &other, MNB_ROLE_PARTICIPANT, "Ana", NULL));
        g_free(world_join(&world, &one, role, "Ben", NULL));
        socket_must(&host, "start-session", NULL);
        for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
            const Row *row = &rows[i];
            if (strcmp(row->kind, "leave") == 0 || strcmp(row->kind, "end-session") == 0) {
                socket_close(&one);
                g_free(world_join(&world, &one, role, "Ben", NULL));
            }
            g_autofree char *fields = fill(row->fields, &other, ++number);
            check(row, role, socket_ask(&one, row->kind, "%s", fields));
        }
        socket_close(&one);
        socket_close(&other);
        socket_close(&host);
        world_close(&world);
    }
}

/* Who waits in the lobby, and who is given one permission more. */
static void test_lobby_and_grants(void)
{
    World world;
    Socket host, guest, late;
    guint number = 0;
    world_open(&world);
    g_free(world_join(&world, &host, MNB_ROLE_FACILITATOR, "Mika", NULL));
    g_free(world_join(&world, &guest, MNB_ROLE_PARTICIPANT, "Ana", NULL));
    socket_must(&host, "settings", "\"lobby\":true");
    g_free(world_join(&world, &late, MNB_ROLE_PARTICIPANT, "Ben", NULL));
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *fields = fill(rows[i].fields, &guest, ++number);
        if (strcmp(rows[i].kind, "rename") == 0)
            socket_must(&late, "rename", "\"name\":\"Ben\"");
        else if (strcmp(rows[i].kind, "leave") != 0)
            socket_must_not(&late, "waiting", rows[i].kind, "%s", fields);
    }
    socket_must_not(&guest, "not-allowed", "show-slides", "\"deck\":\"\"");
    socket_must(&host, "grant", "\"peer\":\"%s\",\"permission\":\"present\",\"on\":true",
                guest.peer);
    socket_wait(&guest, "\"kind\":\"you\"");
    socket_must(&guest, "show-slides", "\"deck\":\"\"");
    /* What was granted is not handed on. */
    socket_must_not(&guest, "not-allowed", "grant",
                    "\"peer\":\"%s\",\"permission\":\"present\",\"on\":true", host.peer);
    socket_must(&host, "grant", "\"peer\":\"%s\",\"permission\":\"present\",\"on\":false",
                guest.peer);
    socket_must_not(&guest, "not-allowed", "show-slides", "\"deck\":\"\"");
    socket_close(&late);
    socket_close(&guest);
    socket_close(&host);
    world_close(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rooms/matrix/every-message-as-every-role", test_matrix);
    g_test_add_func("/rooms/matrix/waiting-and-granted", test_lobby_and_grants);
    return g_test_run();
}
