#include "server/rooms/room-json.h"
#include "server/rooms/room-state.h"
#include <string.h>

/* A log in memory: what session_event would hold. */
typedef struct {
    gint64 seq, at_us;
    char *type, *peer, *body;
} Row;

static void row_free(gpointer data)
{
    Row *row = data;
    g_free(row->type);
    g_free(row->peer);
    g_free(row->body);
    g_free(row);
}

static gboolean apply_row(MnbRoomState *state, const Row *row)
{
    MnbLogEntry entry = {row->seq, row->at_us, row->type, row->peer, row->body};
    return mnb_room_state_apply(state, &entry);
}

static gboolean add(GPtrArray *log, MnbRoomState *state, const char *type, const char *peer,
                    char *body)
{
    Row *row = g_new0(Row, 1);
    row->seq = log->len + 1;
    row->at_us = 1000000 * row->seq;
    row->type = g_strdup(type);
    row->peer = g_strdup(peer);
    row->body = body;
    g_ptr_array_add(log, row);
    return apply_row(state, row);
}

static GPtrArray *log_new(void)
{
    return g_ptr_array_new_with_free_func(row_free);
}

static char *joined(const char *name, const char *role)
{
    return g_strdup_printf(
        "{\"name\":\"%s\",\"affiliation\":\"\",\"language\":\"ja\",\"role\":\"%s\","
        "\"link\":\"link-%s\",\"kind\":\"browser\"}",
        name, role, role);
}

#define OBJECT(...) g_strdup_printf(__VA_ARGS__)

/* As add_random(), of the classroom. */
static void add_lesson(GPtrArray *log, MnbRoomState *state, GRand *rand)
{
    static const char *const peers[] = {"p0", "p1", "p2", "p3", "nobody", NULL};
    static const char *const roles[] = {"facilitator", "interpreter", "observer", "admin"};
    static const char *const states[] = {"open", "answered", "hidden", "closed", "x"};
    static const char *const decks[] = {"d0", "d1", ""};
    const char *peer = peers[g_rand_int_range(rand, 0, G_N_ELEMENTS(peers))];
    const char *other = peers[g_rand_int_range(rand, 0, 5)];
    int n = g_rand_int_range(rand, 0, 60);
    const char *yes = n % 2 ? "true" : "false";
    gint64 id = n < 30 ? (gint64)log->len - n : n;
    switch (g_rand_int_range(rand, 0, 21)) {
    case 0:
        add(log, state, "settings", peer, OBJECT("{\"lobby\":%s,\"may_chat\":%d}", yes, n));
        break;
    case 1:
        add(log, state, "phase", peer, OBJECT("{\"phase\":\"%s\"}", n % 2 ? "talk" : "nap"));
        break;
    case 2:
        add(log, state, "spotlight", peer, OBJECT("{\"of\":\"%s\",\"on\":%s}", other, yes));
        break;
    case 3:
        add(log, state, "floor", peer, OBJECT("{\"of\":\"%s\",\"limit_s\":%d}", other, n));
        break;
    case 4:
    case 5:
        add(log, state, "question-asked", peer, OBJECT("{\"text\":\"q\",\"key\":\"k%d\"}", n));
        break;
    case 6:
    case 7:
        add(log, state, "question-vote", peer,
            OBJECT("{\"question\":%" G_GINT64_FORMAT ",\"on\":%s}", id, yes));
        break;
    case 8:
        add(log, state, "question-state", peer,
            OBJECT("{\"question\":%" G_GINT64_FORMAT ",\"state\":\"%s\"}", id, states[n % 5]));
        break;
    case 9:
        add(log, state, "poll-made", peer,
            OBJECT("{\"text\":\"p\",\"options\":[\"a\",%s],\"is_multiple\":%s,\"key\":\"k%d\"}",
                   n % 5 ? "\"b\"" : "7", yes, n));
        break;
    case 10:
        add(log, state, "poll-state", peer,
            OBJECT("{\"poll\":%" G_GINT64_FORMAT ",\"state\":\"%s\"}", id, states[n % 5]));
        break;
    case 11:
    case 12:
        add(log, state, "poll-vote", n % 3 ? peer : NULL,
            OBJECT("{\"poll\":%" G_GINT64_FORMAT ",\"options\":[%d],\"voter\":\"v%d\"}", id,
                   n % 4 - 1, n % 7));
        break;
    case 13:
        add(log, state, "agenda", peer,
            OBJECT("{\"items\":[{\"title_en\":\"%d\"},%s]}", n, n % 4 ? "{}" : "1"));
        break;
    case 14:
        add(log, state, "agenda-item", peer, OBJECT("{\"item\":%d}", n % 5 - 2));
        break;
    case 15:
        add(log, state, "caption", peer,
            OBJECT("{\"language\":\"ja\",\"text\":\"c%d\",\"began_ms\":%d}", n, n * 2000));
        break;
    case 16:
        add(log, state, n % 3 ? "deck-added" : "deck-ready", peer,
            OBJECT("{\"deck\":\"%s\",\"name\":\"n\",\"pages\":%d}", decks[n % 3], n));
        break;
    case 17:
        add(log, state, n % 3 ? "deck-shown" : "page", peer,
            OBJECT("{\"deck\":\"%s\",\"page\":%d}", decks[n % 3], n));
        break;
    case 18:
        add(log, state, n % 2 ? "peer-role" : "peers-muted", peer,
            OBJECT("{\"of\":\"%s\",\"role\":\"%s\",\"source\":\"microphone\"}", other,
                   roles[n % 4]));
        break;
    case 19:
        if (n % 5 == 0)
            add(log, state, "hand-over", peer,
                OBJECT("{\"channel\":\"%s\",\"step\":\"%s\"}", n % 3 ? "ja" : "en",
                       n % 2   ? "ask"
                       : n % 4 ? "accept"
                               : "cancel"));
        else if (n % 5 == 1)
            add(log, state, "hear", peer,
                OBJECT("{\"channel\":\"%s\",\"with_floor\":%s}", n % 3 ? "ja" : "", yes));
        else
            add(log, state, n % 2 ? "booth" : "on-air", peer,
                OBJECT("{\"channel\":\"%s\",\"of\":\"%s\",\"on\":true}", n % 3 ? "ja" : "en",
                       other));
        break;
    default:
        add(log, state, n % 2 ? "lobby-admitted" : "peer-grant", peer,
            OBJECT("{\"of\":\"%s\",\"permission\":\"%s\",\"on\":%s}", other,
                   n % 3 ? "present" : "moderate", yes));
        break;
    }
}

/* Any action of anybody, sensible or not: the room must take what a log can hold. */
static void add_random(GPtrArray *log, MnbRoomState *state, GRand *rand)
{
    static const char *const peers[] = {"p0", "p1", "p2", "p3", "p4", "nobody", NULL};
    static const char *const sources[] = {"microphone", "camera", "screen", "smell"};
    static const char *const reasons[] = {"left", "timeout", "removed", "link-revoked"};
    const char *peer = peers[g_rand_int_range(rand, 0, G_N_ELEMENTS(peers))];
    const char *other = peers[g_rand_int_range(rand, 0, 6)];
    const char *source = sources[g_rand_int_range(rand, 0, 4)];
    int number = g_rand_int_range(rand, 0, 40);
    switch (g_rand_int_range(rand, 0, 20)) {
    case 0:
    case 1:
        add(log, state, "peer-joined", peer,
            joined(number % 2 ? "田中" : "Ana \\\"A\\\"",
                   number % 3 ? "participant" : "facilitator"));
        break;
    case 2:
        add(log, state, "peer-away", peer, OBJECT("{}"));
        break;
    case 3:
        add(log, state, "peer-back", peer, OBJECT("{}"));
        break;
    case 4:
        if (number < 10)
            add(log, state, "peer-left", peer, OBJECT("{\"reason\":\"%s\"}", reasons[number % 4]));
        break;
    case 5:
        add(log, state, "peer-renamed", peer, OBJECT("{\"name\":\"n%d\"}", number));
        break;
    case 6:
    case 7:
        add(log, state, "hand", peer,
            OBJECT("{\"of\":\"%s\",\"raised\":%s}", other, number % 2 ? "true" : "false"));
        break;
    case 8:
    case 9:
        add(log, state, "chat", peer, OBJECT("{\"text\":\"t%d\",\"key\":\"k%d\"}", number, number));
        break;
    case 10:
    case 11:
        add(log, state, "track-on", peer,
            OBJECT("{\"track\":\"t%d\",\"source\":\"%s\"}", number, source));
        break;
    case 12:
        add(log, state, "track-off", peer, OBJECT("{\"source\":\"%s\"}", source));
        break;
    case 13:
        add(log, state, "recording-started", NULL, OBJECT("{\"recording\":\"r%d\"}", number % 2));
        break;
    case 14:
        add(log, state, number % 2 ? "recording-stopped" : "recording-failed", NULL,
            OBJECT("{\"code\":\"disk-full\",\"detail\":\"d\"}"));
        break;
    case 15:
        add(log, state, number == 7 ? "session-ended" : "session-started", peer, OBJECT("{}"));
        break;
    case 16:
        add(log, state, "peer-consent", peer,
            OBJECT("{\"answer\":\"%s\"}", number % 2 ? "yes" : "no"));
        break;
    case 17:
        add(log, state, number % 2 ? "recording-paused" : "recording-hole", NULL,
            OBJECT("{\"code\":\"ring-full\",\"part\":%d}", number));
        break;
    case 18:
        add(log, state, "marker", peer, OBJECT("{\"text\":\"m%d\"}", number));
        break;
    default: /* what a newer server may have written, and damage */
        add(log, state, number % 2 ? "poll" : "chat", peer, OBJECT("%s", number % 3 ? "[]" : "{"));
        break;
    }
}

static void test_replay(void)
{
    for (guint32 seed = 1; seed <= 40; seed++) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
        g_autoptr(GPtrArray) log = log_new();
        g_autoptr(MnbRoomState) live = mnb_room_state_new("s");
        for (guint i = 0; i < 800; i++)
            (i % 2 ? add_random : add_lesson)(log, live, rand);
        g_autoptr(MnbRoomState) replayed = mnb_room_state_new("s");
        for (guint i = 0; i < log->len; i++)
            apply_row(replayed, g_ptr_array_index(log, i));
        g_autofree char *before = mnb_room_state_dump(live);
        g_autofree char *after = mnb_room_state_dump(replayed);
        g_assert_cmpstr(before, ==, after);
        g_assert_cmpint(live->seq, ==, (gint64)log->len);
    }
}

/* A client that was told every event knows what a client that joins now is told. */
static void test_events_tell_all(void)
{
    g_autoptr(GPtrArray) log = log_new();
    g_autoptr(MnbRoomState) state = mnb_room_state_new("s");
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    for (guint i = 0; i < 600; i++) {
        guint before = log->len;
        gint64 seq = state->seq;
        (i % 2 ? add_random : add_lesson)(log, state, rand);
        if (log->len == before)
            continue;
        const Row *row = g_ptr_array_index(log, before);
        MnbLogEntry entry = {row->seq, row->at_us, row->type, row->peer, row->body};
        json_t *body = json_loads(row->body, 0, NULL);
        if (json_is_object(body)) {
            g_autofree char *text = mnb_room_json_event(state, &entry, TRUE);
            json_t *event = text != NULL ? json_loads(text, 0, NULL) : NULL;
            if (event != NULL) {
                g_assert_cmpstr(json_string_value(json_object_get(event, "kind")), ==, "event");
                g_assert_cmpint(json_integer_value(json_object_get(event, "seq")), ==, seq + 1);
            }
            json_decref(event);
        }
        json_decref(body);
    }
}

static void test_consent(void)
{
    g_autoptr(GPtrArray) log = log_new();
    g_autoptr(MnbRoomState) state = mnb_room_state_new("s");
    add(log, state, "peer-joined", "p0", joined("n", "participant"));
    add(log, state, "peer-joined", "p1",
        OBJECT("{\"name\":\"n\",\"role\":\"presenter\",\"kind\":\"encoder\"}"));
    add(log, state, "peer-joined", "p2",
        OBJECT("{\"name\":\"n\",\"role\":\"presenter\",\"kind\":\"browser\",\"consent\":\"no\"}"));
    g_assert_cmpint(mnb_room_state_peer(state, "p0")->consent, ==, MNB_CONSENT_UNASKED);
    g_assert_cmpint(mnb_room_state_peer(state, "p1")->consent, ==, MNB_CONSENT_YES);
    g_assert_cmpint(mnb_room_state_peer(state, "p2")->consent, ==, MNB_CONSENT_NO);
    g_assert_true(add(log, state, "peer-consent", "p0", OBJECT("{\"answer\":\"yes\"}")));
    g_assert_false(add(log, state, "peer-consent", "p0", OBJECT("{\"answer\":\"yes\"}")));
    g_assert_false(add(log, state, "peer-consent", "p0", OBJECT("{\"answer\":\"maybe\"}")));
    /* Gone and back without having been asked again: the answer stands. */
    add(log, state, "peer-left", "p0", OBJECT("{\"reason\":\"timeout\"}"));
    add(log, state, "peer-joined", "p0", joined("n", "participant"));
    g_assert_cmpint(mnb_room_state_peer(state, "p0")->consent, ==, MNB_CONSENT_YES);
}

static void test_pause(void)
{
    g_autoptr(GPtrArray) log = log_new();
    g_autoptr(MnbRoomState) state = mnb_room_state_new("s");
    add(log, state, "recording-started", NULL, OBJECT("{\"recording\":\"r\"}"));
    gint64 since = state->recording_since_us;
    g_assert_true(add(log, state, "recording-paused", NULL, OBJECT("{}")));
    g_assert_false(add(log, state, "recording-paused", NULL, OBJECT("{}")));
    g_assert_cmpint(state->recording, ==, MNB_RECORDING_PAUSED);
    g_assert_true(
        add(log, state, "recording-hole", NULL, OBJECT("{\"code\":\"slow-disk\",\"part\":1}")));
    g_assert_cmpint(state->recording, ==, MNB_RECORDING_PAUSED);
    add(log, state, "recording-started", NULL, OBJECT("{\"recording\":\"r\"}"));
    g_assert_cmpint(state->recording, ==, MNB_RECORDING_ON);
    g_assert_cmpint(state->recording_since_us, ==, since);
}

static void test_hands(void)
{
    g_autoptr(GPtrArray) log = log_new();
    g_autoptr(MnbRoomState) state = mnb_room_state_new("s");
    for (guint i = 0; i < 3; i++) {
        g_autofree char *id = g_strdup_printf("p%u", i);
        add(log, state, "peer-joined", id, joined("n", "participant"));
    }
    g_assert_true(add(log, state, "hand", "p2", OBJECT("{\"of\":\"p2\",\"raised\":true}")));
    g_assert_true(add(log, state, "hand", "p0", OBJECT("{\"of\":\"p0\",\"raised\":true}")));
    /* Raised twice keeps the place. */
    g_assert_false(add(log, state, "hand", "p2", OBJECT("{\"of\":\"p2\",\"raised\":true}")));
    g_autoptr(GPtrArray) hands = mnb_room_state_hands(state);
    g_assert_cmpuint(hands->len, ==, 2);
    g_assert_cmpstr(((MnbPeer *)hands->pdata[0])->id, ==, "p2");
    g_assert_cmpstr(((MnbPeer *)hands->pdata[1])->id, ==, "p0");
    /* Away keeps it, leaving does not. */
    add(log, state, "peer-away", "p2", OBJECT("{}"));
    add(log, state, "peer-left", "p0", OBJECT("{\"reason\":\"timeout\"}"));
    g_autoptr(GPtrArray) later = mnb_room_state_hands(state);
    g_assert_cmpuint(later->len, ==, 1);
    g_assert_cmpstr(((MnbPeer *)later->pdata[0])->id, ==, "p2");
    /* The host lowers it. */
    g_assert_true(add(log, state, "hand", "p1", OBJECT("{\"of\":\"p2\",\"raised\":false}")));
    g_autoptr(GPtrArray) none = mnb_room_state_hands(state);
    g_assert_cmpuint(none->len, ==, 0);
}

static void test_chat(void)
{
    g_autoptr(GPtrArray) log = log_new();
    g_autoptr(MnbRoomState) state = mnb_room_state_new("s");
    add(log, state, "peer-joined", "p0", joined("田中", "participant"));
    add(log, state, "peer-joined", "p1", joined("Ana", "participant"));
    g_assert_true(add(log, state, "chat", "p0", OBJECT("{\"text\":\"a\",\"key\":\"1\"}")));
    g_assert_false(add(log, state, "chat", "p0", OBJECT("{\"text\":\"a\",\"key\":\"1\"}")));
    g_assert_true(add(log, state, "chat", "p1", OBJECT("{\"text\":\"a\",\"key\":\"1\"}")));
    add(log, state, "peer-renamed", "p0", OBJECT("{\"name\":\"鈴木\"}"));
    const MnbChatLine *line = g_queue_peek_head(&state->chat);
    g_assert_cmpstr(line->name, ==, "田中"); /* who he was when he said it */
    for (guint i = 0; i < 250; i++)
        add(log, state, "chat", "p1", OBJECT("{\"text\":\"x\",\"key\":\"n%u\"}", i));
    g_assert_cmpuint(g_queue_get_length(&state->chat), ==, MNB_ROOM_CHAT_KEPT);
}

static void test_resume(void)
{
    char token[MNB_TOKEN_SIZE];
    guint8 hash[MNB_TOKEN_HASH_BYTES];
    g_autoptr(GString) hex = g_string_new(NULL);
    g_autoptr(GPtrArray) log = log_new();
    g_autoptr(MnbRoomState) state = mnb_room_state_new("s");
    mnb_token_make(token);
    mnb_token_hash(token, hash);
    for (guint i = 0; i < sizeof hash; i++)
        g_string_append_printf(hex, "%02x", hash[i]);
    add(log, state, "peer-joined", "p0",
        OBJECT("{\"name\":\"Ana\",\"role\":\"participant\",\"link\":\"l\",\"resume\":\"%s\"}",
               hex->str));
    g_assert_cmpstr(mnb_room_state_peer_by_resume(state, token)->id, ==, "p0");
    g_assert_null(mnb_room_state_peer_by_resume(state, "short"));
    token[0] = token[0] == 'A' ? 'B' : 'A';
    g_assert_null(mnb_room_state_peer_by_resume(state, token));
    /* The log is kept for long: the token itself must not be in it. */
    g_autofree char *dump = mnb_room_state_dump(state);
    g_assert_null(strstr(dump, token + 1));
}

static void test_removed(void)
{
    g_autoptr(GPtrArray) log = log_new();
    g_autoptr(MnbRoomState) state = mnb_room_state_new("s");
    add(log, state, "peer-joined", "p0", joined("Ana", "participant"));
    add(log, state, "peer-left", "p0", OBJECT("{\"reason\":\"removed\"}"));
    g_assert_true(mnb_room_state_is_removed(state, "link-participant", "ANA"));
    g_assert_false(mnb_room_state_is_removed(state, "link-participant", "Bea"));
    g_assert_false(mnb_room_state_is_removed(state, "link-facilitator", "Ana"));
    g_assert_false(add(log, state, "peer-joined", "p0", joined("Ana", "participant")));
    g_assert_cmpuint(mnb_room_state_count(state), ==, 0);
}

static void test_state_json(void)
{
    g_autoptr(GPtrArray) log = log_new();
    g_autoptr(MnbRoomState) state = mnb_room_state_new("s");
    MnbRoomTitles titles = {"e", "Waste", "ごみ", "area", "40100"};
    add(log, state, "peer-joined", "p0", joined("田中", "facilitator"));
    add(log, state, "session-started", "p0", OBJECT("{}"));
    add(log, state, "track-on", "p0", OBJECT("{\"track\":\"t1\",\"source\":\"camera\"}"));
    add(log, state, "recording-failed", NULL, OBJECT("{\"code\":\"x\",\"detail\":\"why\"}"));
    add(log, state, "peer-joined", "p1", joined("Ana", "participant"));
    json_t *all = mnb_room_json_state(state, &titles, mnb_room_state_peer(state, "p0"), NULL);
    json_t *some = mnb_room_json_state(state, &titles, mnb_room_state_peer(state, "p1"), NULL);
    g_autofree char *text = json_dumps(all, JSON_COMPACT);
    g_assert_nonnull(strstr(text, "\"state\":\"live\",\"started_at\":\"1970-01-01T00:00:02Z\""));
    g_assert_nonnull(strstr(text, "\"source\":\"camera\",\"is_on\":true"));
    g_assert_nonnull(strstr(text, "\"detail\":\"why\""));
    g_assert_nonnull(strstr(text, "\"hand\":null"));
    g_assert_true(json_is_null(json_object_get(json_object_get(some, "recording"), "detail")));
    json_decref(all);
    json_decref(some);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rooms/state/only-a-yes-or-an-encoder-agrees-to-be-recorded", test_consent);
    g_test_add_func("/rooms/state/a-pause-keeps-the-beginning-of-the-recording", test_pause);
    g_test_add_func("/rooms/state/replay-gives-the-same-state", test_replay);
    g_test_add_func("/rooms/state/every-entry-makes-one-event-at-most", test_events_tell_all);
    g_test_add_func("/rooms/state/hands-keep-their-order", test_hands);
    g_test_add_func("/rooms/state/chat-is-said-once", test_chat);
    g_test_add_func("/rooms/state/resume-finds-the-peer", test_resume);
    g_test_add_func("/rooms/state/who-was-removed-stays-out", test_removed);
    g_test_add_func("/rooms/state/tells-the-whole-room", test_state_json);
    return g_test_run();
}
