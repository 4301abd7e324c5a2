/* What people do to each other in a session, and that all of it is still there after a kill. */
#include "server/base/clock.h"
#include "server/rooms/hand-over.h"
#include "server/rooms/report.h"
#include "tests/unit/rooms/world.h"
#include <string.h>

typedef struct {
    World world;
    Socket host, ana, ben;
} Class;

static void open_class(Class *class)
{
    world_open(&class->world);
    g_free(world_join(&class->world, &class->host, MNB_ROLE_FACILITATOR, "Mika", NULL));
    g_free(world_join(&class->world, &class->ana, MNB_ROLE_PARTICIPANT, "Ana", NULL));
    g_free(world_join(&class->world, &class->ben, MNB_ROLE_PARTICIPANT, "Ben", NULL));
    socket_must(&class->host, "start-session", NULL);
}

static void close_class(Class *class)
{
    socket_close(&class->ben);
    socket_close(&class->ana);
    socket_close(&class->host);
    world_close(&class->world);
}

static void rejoin(World *world, Socket *socket, MnbRole role, const char *name)
{
    g_autofree char *resume = g_strdup(socket->resume);
    g_autofree char *peer = g_strdup(socket->peer);
    socket_close(socket);
    g_free(world_join(world, socket, role, name, resume));
    g_assert_cmpstr(socket->peer, ==, peer);
}

/* Everybody's socket is gone with the server; the state must be what it was. */
static void kill_server(Class *class)
{
    g_autofree char *before = mnb_room_state_dump(world_room(&class->world)->state);
    world_restart(&class->world);
    g_autofree char *after = mnb_room_state_dump(world_room(&class->world)->state);
    g_assert_cmpstr(after, ==, before);
    rejoin(&class->world, &class->host, MNB_ROLE_FACILITATOR, "Mika");
    rejoin(&class->world, &class->ana, MNB_ROLE_PARTICIPANT, "Ana");
    rejoin(&class->world, &class->ben, MNB_ROLE_PARTICIPANT, "Ben");
}

static gint64 number_in(const char *json, const char *name)
{
    json_t *root = json_loads(json, 0, NULL);
    gint64 value = json_integer_value(json_object_get(root, name));
    json_decref(root);
    return value;
}

/* --------------------------------------------------------------------------------- moderation */

static void test_roles(void)
{
    Class class;
    open_class(&class);
    socket_must_not(&class.host, "not-allowed", "set-role",
                    "\"peer\":\"%s\",\"role\":\"participant\"", class.host.peer);
    socket_must(&class.host, "set-role", "\"peer\":\"%s\",\"role\":\"facilitator\"",
                class.ana.peer);
    g_assert_nonnull(strstr(socket_wait(&class.ana, "\"kind\":\"you\""), "\"moderate\""));
    socket_wait(&class.ben, "\"type\":\"peer-role\"");
    socket_must(&class.ana, "lower-hands", NULL);
    kill_server(&class);
    /* The role that was given holds, though the link says participant. */
    socket_must(&class.ana, "set-role", "\"peer\":\"%s\",\"role\":\"observer\"", class.host.peer);
    socket_must_not(&class.host, "not-allowed", "lower-hands", NULL);
    socket_must_not(&class.host, "not-allowed", "chat", "\"text\":\"a\",\"key\":\"k\"");
    close_class(&class);
}

static void test_lobby(void)
{
    Class class;
    Socket late, later;
    open_class(&class);
    World *world = &class.world;
    socket_must(&class.host, "settings", "\"lobby\":true");
    g_autofree char *welcome = world_join(world, &late, MNB_ROLE_PARTICIPANT, "Cleo", NULL);
    g_assert_nonnull(strstr(welcome, "\"is_waiting\":true"));
    g_assert_nonnull(strstr(welcome, "\"may\":[]"));
    g_assert_null(strstr(welcome, "\"peers\""));
    socket_wait(&class.host, "\"kind\":\"lobby\",\"lobby\":[{");
    g_free(world_join(world, &later, MNB_ROLE_PARTICIPANT, "Dan", NULL));
    g_assert_null(socket_heard(&class.ana, "\"kind\":\"lobby\""));
    g_assert_null(socket_heard(&class.ana, "Cleo"));
    socket_must(&class.ana, "chat", "\"text\":\"secret\",\"key\":\"k\"");
    g_assert_null(socket_heard(&late, "secret"));

    socket_must(&class.host, "refuse", "\"peer\":\"%s\",\"text\":\"Wrong day\"", later.peer);
    socket_wait(&later, "\"kind\":\"refused\",\"text\":\"Wrong day\"");
    g_assert_cmpuint(later.close_code, ==, MNB_CLOSE_REMOVED);
    socket_close(&later);
    g_autofree char *again = world_join(world, &later, MNB_ROLE_PARTICIPANT, "DAN", NULL);
    g_assert_nonnull(strstr(again, "\"code\":\"removed\""));
    socket_close(&later);

    kill_server(&class);
    rejoin(world, &late, MNB_ROLE_PARTICIPANT, "Cleo");
    g_assert_nonnull(socket_heard(&late, "\"is_waiting\":true"));
    socket_must(&class.host, "admit", NULL);
    g_assert_nonnull(strstr(socket_wait(&late, "\"kind\":\"admitted\""), "\"text\":\"secret\""));
    socket_wait(&class.ana, "\"type\":\"peer-joined\"");
    socket_must(&late, "hand", "\"raised\":true");
    /* Who was in once does not wait again. */
    rejoin(world, &late, MNB_ROLE_PARTICIPANT, "Cleo");
    g_assert_null(socket_heard(&late, "is_waiting"));

    socket_must(&class.host, "settings", "\"lobby\":false,\"is_locked\":true");
    g_autofree char *locked = world_join(world, &later, MNB_ROLE_PRESENTER, "Eve", NULL);
    g_assert_nonnull(strstr(locked, "\"code\":\"locked\""));
    socket_close(&later);
    rejoin(world, &late, MNB_ROLE_PARTICIPANT, "Cleo");
    g_assert_nonnull(socket_heard(&late, "\"ok\":true"));
    /* A goodbye gives the place away, and the room takes nobody new. */
    socket_must(&late, "leave", NULL);
    g_autofree char *resume = g_strdup(late.resume);
    socket_close(&late);
    g_autofree char *gone = world_join(world, &late, MNB_ROLE_PARTICIPANT, "Cleo", resume);
    g_assert_nonnull(strstr(gone, "\"code\":\"locked\""));
    socket_close(&late);
    close_class(&class);
}

static void test_removed(void)
{
    Class class;
    open_class(&class);
    socket_must(&class.host, "spotlight", "\"peer\":\"%s\",\"on\":true", class.ben.peer);
    socket_must(&class.host, "give-floor", "\"peer\":\"%s\",\"limit_s\":120", class.ben.peer);
    g_assert_nonnull(strstr(socket_wait(&class.ana, "\"type\":\"floor\""), "\"limit_s\":120"));
    socket_must(&class.host, "remove-peer", "\"peer\":\"%s\"", class.ben.peer);
    g_assert_cmpuint(class.ben.close_code, ==, MNB_CLOSE_REMOVED);
    const MnbClassroom *room = &world_room(&class.world)->state->room;
    g_assert_cmpstr(room->floor, ==, "");
    g_assert_cmpuint(room->spotlight_count, ==, 0);
    g_autofree char *resume = g_strdup(class.ben.resume);
    socket_close(&class.ben);
    g_autofree char *answer =
        world_join(&class.world, &class.ben, MNB_ROLE_PARTICIPANT, "Somebody else", resume);
    g_assert_nonnull(strstr(answer, "\"code\":\"removed\""));
    close_class(&class);
}

static void test_hands_and_floor(void)
{
    Class class;
    open_class(&class);
    socket_must(&class.ben, "hand", "\"raised\":true");
    socket_must(&class.ana, "hand", "\"raised\":true");
    g_autofree char *order =
        g_strdup_printf("\"order\":[\"%s\",\"%s\"]", class.ben.peer, class.ana.peer);
    g_autofree char *rest = g_strdup_printf("\"order\":[\"%s\"]", class.ana.peer);
    socket_wait(&class.host, order);
    socket_wait(&class.ana, order);
    socket_wait(&class.ben, order);
    kill_server(&class);
    GPtrArray *hands = mnb_room_state_hands(world_room(&class.world)->state);
    g_assert_cmpuint(hands->len, ==, 2);
    g_ptr_array_unref(hands);
    socket_must(&class.host, "settings", "\"may_unmute\":false");
    socket_must(&class.host, "give-floor", "\"peer\":\"%s\",\"limit_s\":0", class.ben.peer);
    socket_wait(&class.ana, rest);
    socket_must_not(&class.ana, "not-allowed", "end-floor", NULL);
    socket_must(&class.ben, "end-floor", NULL);
    socket_must(&class.host, "lower-hands", NULL);
    socket_wait(&class.ana, "\"order\":[]");
    close_class(&class);
}

/* ---------------------------------------------------------------------------------------- talk */

static void test_private_chat(void)
{
    Class class;
    Socket boss;
    open_class(&class);
    g_free(world_join(&class.world, &boss, MNB_ROLE_FACILITATOR, "Rei", NULL));
    const char *ben = class.ben.peer;
    socket_must_not(&class.ana, "not-allowed", "chat", "\"text\":\"a\",\"key\":\"1\",\"to\":\"%s\"",
                    ben);
    socket_must(&class.host, "settings", "\"private_chat\":true");
    socket_must(&class.ana, "chat", "\"text\":\"between us\",\"key\":\"2\",\"to\":\"%s\"", ben);
    socket_must(&class.ana, "chat", "\"text\":\"help us\",\"key\":\"3\",\"to\":\"facilitators\"");
    socket_must_not(&class.ana, "not-allowed", "chat",
                    "\"text\":\"x\",\"key\":\"4\",\"to\":\"booth:ja\"");
    socket_wait(&class.ben, "between us");
    socket_wait(&boss, "help us");
    g_assert_null(socket_heard(&class.host, "between us"));
    g_assert_null(socket_heard(&class.ben, "help us"));
    kill_server(&class);
    g_assert_nonnull(socket_heard(&class.ben, "between us"));
    g_assert_nonnull(socket_heard(&class.ana, "between us"));
    g_assert_null(socket_heard(&class.host, "between us"));
    g_assert_null(socket_heard(&class.ben, "help us"));
    socket_must(&class.host, "settings", "\"may_chat\":false");
    socket_must_not(&class.ana, "not-allowed", "chat", "\"text\":\"a\",\"key\":\"5\"");
    socket_must(&class.ana, "chat", "\"text\":\"a\",\"key\":\"6\",\"to\":\"facilitators\"");
    socket_close(&boss);
    close_class(&class);
}

static void test_questions(void)
{
    Class class;
    open_class(&class);
    gint64 id =
        number_in(socket_ask(&class.ana, "ask", "\"text\":\"Why?\",\"key\":\"q1\""), "question");
    g_assert_cmpint(id, >, 0);
    g_assert_cmpint(
        number_in(socket_ask(&class.ana, "ask", "\"text\":\"Why?\",\"key\":\"q1\""), "question"),
        ==, id);
    socket_wait(&class.ben, "\"text\":\"Why?\"");
    socket_must_not(&class.ana, "not-allowed", "vote-question",
                    "\"question\":%" G_GINT64_FORMAT ",\"on\":true", id);
    socket_must(&class.ben, "vote-question", "\"question\":%" G_GINT64_FORMAT ",\"on\":true", id);
    socket_must(&class.ben, "vote-question", "\"question\":%" G_GINT64_FORMAT ",\"on\":true", id);
    g_assert_nonnull(strstr(socket_wait(&class.ana, "\"kind\":\"votes\""), "\"votes\":1"));
    kill_server(&class);
    g_autofree char *mine = g_strdup_printf("\"questions\":[%" G_GINT64_FORMAT "]", id);
    g_assert_nonnull(socket_heard(&class.ben, mine));
    socket_forget(&class.ben);
    socket_must(&class.host, "question", "\"question\":%" G_GINT64_FORMAT ",\"state\":\"hidden\"",
                id);
    g_assert_null(strstr(socket_wait(&class.ben, "\"type\":\"question\""), "Why?"));
    socket_must_not(&class.ben, "not-found", "vote-question",
                    "\"question\":%" G_GINT64_FORMAT ",\"on\":false", id);
    for (guint i = 0; i < MNB_QUESTIONS_EACH - 1; i++)
        socket_must(&class.ana, "ask", "\"text\":\"And?\",\"key\":\"m%u\"", i);
    socket_must_not(&class.ana, "too-many", "ask", "\"text\":\"And?\",\"key\":\"last\"");
    close_class(&class);
}

static gint64 make_poll(Socket *host, const char *more)
{
    const char *answer =
        socket_ask(host, "poll", "\"text\":\"Which?\",\"options\":[\"a\",\"b\",\"c\"],%s", more);
    g_assert_cmpint(number_in(answer, "poll"), >, 0);
    return number_in(answer, "poll");
}

static void test_polls(void)
{
    Class class;
    open_class(&class);
    gint64 id = make_poll(&class.host, "\"is_multiple\":false,\"is_anonymous\":true,"
                                       "\"results\":\"after\",\"key\":\"p1\"");
    /* A draft is the facilitators'. */
    socket_must_not(&class.ana, "not-found", "vote",
                    "\"poll\":%" G_GINT64_FORMAT ",\"options\":[0]", id);
    g_assert_null(socket_heard(&class.ana, "Which?"));
    socket_must(&class.host, "poll-state", "\"poll\":%" G_GINT64_FORMAT ",\"state\":\"open\"", id);
    g_assert_nonnull(strstr(socket_wait(&class.ana, "\"type\":\"poll\""), "\"votes\":null"));
    socket_must_not(&class.ana, "bad-message", "vote",
                    "\"poll\":%" G_GINT64_FORMAT ",\"options\":[0,1]", id);
    socket_must_not(&class.ana, "bad-message", "vote",
                    "\"poll\":%" G_GINT64_FORMAT ",\"options\":[3]", id);
    socket_must(&class.ana, "vote", "\"poll\":%" G_GINT64_FORMAT ",\"options\":[0]", id);
    socket_must(&class.ana, "vote", "\"poll\":%" G_GINT64_FORMAT ",\"options\":[1]", id);
    socket_must(&class.ben, "vote", "\"poll\":%" G_GINT64_FORMAT ",\"options\":[1]", id);
    socket_wait(&class.host, "\"voters\":2,\"votes\":[0,2,0]");
    g_assert_null(socket_heard(&class.ana, "\"votes\":[0,2,0]"));
    /* The log does not say who. */
    const MnbPoll *poll = mnb_classroom_poll(&world_room(&class.world)->state->room, id);
    g_assert_false(g_hash_table_contains(poll->votes, class.ana.peer));
    kill_server(&class);
    /* And still he is the same voter, and sees what he chose. */
    g_autofree char *mine = g_strdup_printf("\"polls\":{\"%" G_GINT64_FORMAT "\":[1]}", id);
    g_assert_nonnull(socket_heard(&class.ana, mine));
    socket_must(&class.ana, "vote", "\"poll\":%" G_GINT64_FORMAT ",\"options\":[]", id);
    socket_must(&class.host, "poll-state", "\"poll\":%" G_GINT64_FORMAT ",\"state\":\"closed\"",
                id);
    socket_wait(&class.ben, "\"voters\":1,\"votes\":[0,1,0]");
    socket_must_not(&class.ana, "not-allowed", "vote",
                    "\"poll\":%" G_GINT64_FORMAT ",\"options\":[0]", id);
    close_class(&class);
}

static void test_agenda_note_captions(void)
{
    Class class;
    open_class(&class);
    socket_must(&class.host, "agenda",
                "\"items\":[{\"title_en\":\"Welcome\",\"title_ja\":\"開会\",\"speaker\":\"\","
                "\"duration_s\":300}]");
    socket_must_not(&class.host, "bad-message", "agenda",
                    "\"items\":[{\"title_en\":\" \",\"title_ja\":\"\",\"speaker\":\"\","
                    "\"duration_s\":0}]");
    socket_must(&class.host, "agenda-item", "\"item\":0");
    socket_must_not(&class.host, "not-found", "agenda-item", "\"item\":1");
    socket_must(&class.host, "phase", "\"phase\":\"questions\"");
    socket_must(&class.host, "note", "\"text_en\":\"Lunch at 12\",\"text_ja\":\"12時に昼食\"");
    socket_must_not(&class.host, "bad-message", "caption",
                    "\"language\":\"fr\",\"text\":\"a\",\"is_final\":true,\"began_ms\":0");
    socket_must(&class.host, "caption",
                "\"language\":\"ja\",\"text\":\"おはよ\",\"is_final\":false,\"began_ms\":0");
    socket_wait(&class.ana, "\"kind\":\"caption\"");
    socket_must(&class.host, "caption",
                "\"language\":\"ja\",\"text\":\"おはよう\",\"is_final\":true,\"began_ms\":2000");
    socket_wait(&class.ana, "\"type\":\"caption\"");
    kill_server(&class);
    g_assert_nonnull(socket_heard(&class.ana, "\"title_ja\":\"開会\""));
    g_assert_nonnull(socket_heard(&class.ana, "\"current\":0"));
    g_assert_nonnull(socket_heard(&class.ana, "\"phase\":\"questions\""));
    g_assert_nonnull(socket_heard(&class.ana, "12時に昼食"));
    g_assert_nonnull(socket_heard(&class.ana, "おはよう"));
    const MnbCaption *caption = g_queue_peek_head(&world_room(&class.world)->state->room.captions);
    g_assert_cmpint(caption->to_us - caption->from_us, ==, 2000000);
    close_class(&class);
}

static void test_reactions(void)
{
    Class class;
    open_class(&class);
    gint64 seq = world_room(&class.world)->state->seq;
    for (guint i = 0; i < 3; i++)
        socket_must(&class.ana, "react", "\"name\":\"clap\"");
    socket_must(&class.ben, "react", "\"name\":\"clap\"");
    g_assert_nonnull(
        strstr(socket_wait(&class.host, "\"kind\":\"reactions\""), "\"name\":\"clap\""));
    g_assert_cmpint(world_room(&class.world)->state->seq, ==, seq);
    close_class(&class);
}

/* ------------------------------------------------------------------------------ interpretation */

static void test_booth(void)
{
    Class class;
    Socket yama, suzu;
    open_class(&class);
    World *world = &class.world;
    g_free(world_join(world, &yama, MNB_ROLE_INTERPRETER, "山本", NULL));
    g_free(world_join(world, &suzu, MNB_ROLE_INTERPRETER, "鈴木", NULL));
    socket_must_not(&yama, "not-allowed", "on-air", "\"on\":true");
    socket_must_not(&yama, "not-found", "booth", "\"channel\":\"fr\"");
    socket_must(&yama, "booth", "\"channel\":\"ja\"");
    socket_must(&suzu, "booth", "\"channel\":\"ja\"");
    socket_must(&yama, "on-air", "\"on\":true");
    socket_must_not(&suzu, "on-air-taken", "on-air", "\"on\":true");
    socket_must(&class.ana, "hear", "\"channel\":\"ja\"");
    g_autofree char *on_air = g_strdup_printf("\"on_air\":\"%s\"", yama.peer);
    socket_wait(&class.host, on_air);
    socket_wait(&class.host, "\"channel\":\"ja\",\"listeners\":1");
    /* The booth talks among itself. */
    socket_must(&yama, "chat", "\"text\":\"numbers!\",\"key\":\"b\",\"to\":\"booth:ja\"");
    socket_wait(&suzu, "numbers!");
    socket_wait(&class.host, "numbers!");
    g_assert_null(socket_heard(&class.ana, "numbers!"));
    socket_must(&yama, "slower", NULL);
    socket_wait(&class.host, "\"kind\":\"slower\"");
    socket_must_not(&class.ben, "not-allowed", "slower", NULL);
    /* Handing over. */
    socket_must_not(&suzu, "not-allowed", "hand-over", "\"step\":\"ask\"");
    socket_must(&yama, "hand-over", "\"step\":\"ask\"");
    socket_wait(&suzu, "\"step\":\"asked\"");
    socket_must_not(&yama, "not-found", "hand-over", "\"step\":\"accept\"");
    socket_must(&suzu, "hand-over", "\"step\":\"accept\"");
    socket_wait(&yama, "\"step\":\"counting\"");
    g_autofree char *after = g_strdup_printf("\"on_air\":\"%s\"", suzu.peer);
    socket_wait(&class.host, after);
    g_assert_false(mnb_room_peer(world_room(world), yama.peer)->is_on_air);
    kill_server(&class);
    rejoin(world, &yama, MNB_ROLE_INTERPRETER, "山本");
    rejoin(world, &suzu, MNB_ROLE_INTERPRETER, "鈴木");
    g_assert_nonnull(socket_heard(&suzu, after));
    /* One that is counted when the server dies is done by the next; so is what somebody hears. */
    g_autofree char *ana = g_strdup(class.ana.resume);
    socket_close(&class.ana);
    g_autofree char *welcome = world_join(world, &class.ana, MNB_ROLE_PARTICIPANT, "Ana", ana);
    g_assert_nonnull(strstr(welcome, "\"hear\":\"ja\""));
    socket_must(&suzu, "hand-over", "\"step\":\"ask\"");
    socket_must(&yama, "hand-over", "\"step\":\"accept\"");
    kill_server(&class);
    rejoin(world, &suzu, MNB_ROLE_INTERPRETER, "鈴木");
    g_assert_nonnull(socket_heard(&suzu, "\"step\":\"counting\""));
    rejoin(world, &yama, MNB_ROLE_INTERPRETER, "山本");
    socket_wait(&yama, on_air);
    g_assert_null(mnb_hand_over_find(world_room(world)->state, "ja"));
    socket_must(&suzu, "on-air", "\"on\":true,\"take\":true");
    /* Without asking; and who stands up is off the air. */
    socket_must(&yama, "on-air", "\"on\":true,\"take\":true");
    g_assert_false(mnb_room_peer(world_room(world), suzu.peer)->is_on_air);
    socket_must(&yama, "booth", "\"channel\":\"floor\"");
    g_assert_null(mnb_room_state_on_air(world_room(world)->state, "ja"));
    socket_close(&suzu);
    socket_close(&yama);
    close_class(&class);
}

/* A microphone that is on, without a media worker. @id: above 0. */
static void give_voice(World *world, const char *peer, guint32 id, MnbPublication *voice)
{
    MnbRoom *room = world_room(world);
    MnbMember *member = mnb_room_member(room, peer);
    *voice = (MnbPublication){
        .member = member,
        .id = id,
        .source = MNB_SOURCE_MICROPHONE,
        .codec = MNB_CODEC_OPUS,
        .layers = {{.track = id}},
        .layer_count = 1,
    };
    g_strlcpy(voice->key, peer, sizeof voice->key);
    member->publications[MNB_SOURCE_MICROPHONE] = voice;
    g_hash_table_insert(world->rooms->publications, GUINT_TO_POINTER(id), voice);
    mnb_room_append_simple(room, "track-on", peer,
                           json_pack("{s:s, s:s}", "source", "microphone", "track", peer));
}

static void take_voice(World *world, MnbPublication *voice)
{
    voice->member->publications[MNB_SOURCE_MICROPHONE] = NULL;
    g_hash_table_remove(world->rooms->publications, GUINT_TO_POINTER(voice->id));
}

static gboolean hears(const MnbReceiver *receiver, guint32 id)
{
    for (guint i = 0; i < receiver->count; i++)
        if (receiver->places[i].shown == id)
            return TRUE;
    return FALSE;
}

/* What each listener hears: 1 speaks on the floor, 2 and 3 interpret. */
static void test_what_is_heard(void)
{
    Class class;
    Socket yama, suzu;
    MnbPublication voices[3];
    open_class(&class);
    World *world = &class.world;
    g_free(world_join(world, &yama, MNB_ROLE_INTERPRETER, "山本", NULL));
    g_free(world_join(world, &suzu, MNB_ROLE_INTERPRETER, "鈴木", NULL));
    MnbRoom *room = world_room(world);
    MnbTransport lines[2] = {{.room = room, .member = mnb_room_member(room, class.ana.peer)},
                             {.room = room, .member = mnb_room_member(room, class.ben.peer)}};
    MnbReceiver ears[2];
    for (guint i = 0; i < 2; i++) {
        ears[i] = (MnbReceiver){.transport = &lines[i], .count = 3, .is_answered = TRUE};
        for (guint p = 0; p < 3; p++)
            ears[i].places[p].codecs = 1u << MNB_CODEC_OPUS;
        g_ptr_array_add(room->receivers, &ears[i]);
    }
    give_voice(world, class.host.peer, 1, &voices[0]);
    give_voice(world, yama.peer, 2, &voices[1]);
    give_voice(world, suzu.peer, 3, &voices[2]);
    socket_must(&yama, "booth", "\"channel\":\"ja\"");
    socket_must(&suzu, "booth", "\"channel\":\"ja\"");
    socket_must(&class.ana, "hear", "\"channel\":\"ja\"");
    socket_must(&class.ana, "rename", "\"name\":\"Anna\"");
    /* Nobody interprets yet: the floor, and no booth on it. */
    g_assert_true(hears(&ears[0], 1) && !hears(&ears[0], 2) && !hears(&ears[0], 3));
    socket_must(&yama, "on-air", "\"on\":true");
    socket_must(&class.ana, "rename", "\"name\":\"Ana\"");
    g_assert_true(hears(&ears[0], 1) && hears(&ears[0], 2) && !hears(&ears[0], 3));
    g_assert_true(hears(&ears[1], 1) && !hears(&ears[1], 2)); /* Ben: the floor */
    /* A pause is not the end of interpretation. */
    mnb_room_append_simple(room, "track-off", yama.peer,
                           json_pack("{s:s}", "source", "microphone"));
    socket_must(&class.ana, "hear", "\"channel\":\"ja\",\"with_floor\":false");
    socket_must(&class.ana, "rename", "\"name\":\"Anna\"");
    g_assert_true(!hears(&ears[0], 1) && hears(&ears[0], 2));
    /* Handing over is one step. */
    socket_must(&suzu, "on-air", "\"on\":true,\"take\":true");
    socket_must(&class.ana, "rename", "\"name\":\"Ana\"");
    g_assert_true(!hears(&ears[0], 2) && hears(&ears[0], 3));
    socket_must(&suzu, "on-air", "\"on\":false");
    socket_must(&class.ana, "rename", "\"name\":\"Anna\"");
    g_assert_true(hears(&ears[0], 1) && !hears(&ears[0], 3)); /* back on the floor */
    g_ptr_array_set_size(room->receivers, 0);
    for (guint i = 0; i < 3; i++)
        take_voice(world, &voices[i]);
    socket_close(&suzu);
    socket_close(&yama);
    close_class(&class);
}

/* ------------------------------------------------------------------------------ what is left */

static char *file_of(World *world, const char *name)
{
    g_autoptr(GError) error = NULL;
    const char *type;
    g_autoptr(MnbReport) report = mnb_report_read(mnb_catalog_reader(world->catalogue.catalog),
                                                  world->event->session, "Asia/Tokyo", &error);
    g_assert_no_error(error);
    return mnb_report_file(report, name, &type);
}

static void test_report(void)
{
    Class class;
    open_class(&class);
    World *world = &class.world;
    socket_must(&class.ana, "rename", "\"name\":\"=1+2,\\\"x\\\"\"");
    socket_must(&class.host, "settings", "\"private_chat\":true");
    socket_must(&class.ana, "chat", "\"text\":\"line 1\\nline 2\",\"key\":\"1\"");
    socket_must(&class.ana, "chat", "\"text\":\"for Ben\",\"key\":\"2\",\"to\":\"%s\"",
                class.ben.peer);
    socket_must(&class.ana, "ask", "\"text\":\"Why?\",\"key\":\"3\"");
    gint64 id = make_poll(&class.host, "\"is_multiple\":true,\"is_anonymous\":false,"
                                       "\"results\":\"live\",\"key\":\"p\"");
    socket_must(&class.host, "poll-state", "\"poll\":%" G_GINT64_FORMAT ",\"state\":\"open\"", id);
    socket_must(&class.ben, "vote", "\"poll\":%" G_GINT64_FORMAT ",\"options\":[0,2]", id);
    socket_must(&class.host, "caption",
                "\"language\":\"ja\",\"text\":\"a < b\",\"is_final\":true,\"began_ms\":0");
    mnb_clock_advance(world->clock, 10 * 60 * G_USEC_PER_SEC);
    socket_must(&class.ben, "leave", NULL);
    g_autofree char *attendance = file_of(world, "attendance.csv");
    g_autofree char *chat = file_of(world, "chat.csv");
    g_autofree char *polls = file_of(world, "polls.csv");
    g_autofree char *captions = file_of(world, "captions-ja.vtt");
    g_assert_nonnull(strstr(attendance, "Ben,,participant,2025-11-25 "));
    g_assert_nonnull(strstr(attendance, "+09:00,10,left,floor 10\r\n"));
    g_assert_nonnull(strstr(attendance, "\"'=1+2,\"\"x\"\"\",")); /* no formula */
    g_assert_nonnull(strstr(chat, "\"line 1\nline 2\"\r\n"));
    g_assert_null(strstr(chat, "for Ben"));
    g_assert_nonnull(strstr(polls, "Which?,a,1,1,no,open,Ben\r\n"));
    g_assert_nonnull(strstr(polls, "Which?,b,0,1,no,open,\r\n"));
    g_assert_nonnull(strstr(captions, "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na &lt; b\n"));
    g_assert_null(file_of(world, "captions-en.vtt"));
    g_assert_null(file_of(world, "../catalogue.db"));
    close_class(&class);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rooms/classroom/a-role-that-was-given-holds", test_roles);
    g_test_add_func("/rooms/classroom/lets-in-from-the-lobby", test_lobby);
    g_test_add_func("/rooms/classroom/who-was-removed-stays-out", test_removed);
    g_test_add_func("/rooms/classroom/hands-and-floor-are-the-same-for-all", test_hands_and_floor);
    g_test_add_func("/rooms/classroom/only-those-concerned-read-a-private-line", test_private_chat);
    g_test_add_func("/rooms/classroom/questions-are-asked-voted-and-hidden", test_questions);
    g_test_add_func("/rooms/classroom/an-anonymous-poll-knows-no-names", test_polls);
    g_test_add_func("/rooms/classroom/keeps-agenda-note-and-captions", test_agenda_note_captions);
    g_test_add_func("/rooms/classroom/reactions-come-together-and-are-not-kept", test_reactions);
    g_test_add_func("/rooms/classroom/one-interpreter-is-on-air", test_booth);
    g_test_add_func("/rooms/classroom/a-listener-hears-the-channel", test_what_is_heard);
    g_test_add_func("/rooms/classroom/leaves-files-behind", test_report);
    return g_test_run();
}
