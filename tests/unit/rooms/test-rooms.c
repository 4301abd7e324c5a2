/* Rooms over a real catalogue, without media: clients whose socket is an array. */
#include "recordings/link.h"
#include "recordings/session-log.h"
#include "server/base/clock.h"
#include "server/base/error.h"
#include "server/rooms/room.h"
#include "tests/unit/recordings/fixture.h"
#include <string.h>

#define LIMIT_US (10 * G_USEC_PER_SEC)

typedef struct {
    Fixture catalogue;
    MnbClock *clock;
    MnbRooms *rooms;
    MnbEvent *event;
    char host_token[MNB_TOKEN_SIZE];
    char guest_token[MNB_TOKEN_SIZE];
    char guest_link[MNB_ID_SIZE];
} World;

typedef struct {
    MnbClient *client;
    GPtrArray *heard; /* char *, JSON */
    guint close_code; /* 0: open */
} Socket;

static void on_send(gpointer line, const char *json, gsize len)
{
    g_ptr_array_add(((Socket *)line)->heard, g_strndup(json, len));
}

static void on_close(gpointer line, MnbCloseCode code, const char *reason)
{
    ((Socket *)line)->close_code = (guint)code;
}

static const MnbClientCalls calls = {.send = on_send, .close = on_close};

static gboolean write_event(MnbDb *db, gpointer data, GError **error)
{
    World *world = data;
    g_clear_pointer(&world->event, mnb_event_free);
    world->event = fixture_event(db, "Floods", "洪水");
    g_autoptr(MnbLink) host =
        mnb_link_create(db, MNB_LINK_ROLE, world->event->id, NULL, MNB_ROLE_FACILITATOR, "", 0,
                        NOW_US, world->host_token, error);
    g_autoptr(MnbLink) guest =
        mnb_link_create(db, MNB_LINK_ROLE, world->event->id, NULL, MNB_ROLE_PARTICIPANT, "", 0,
                        NOW_US, world->guest_token, error);
    if (guest != NULL)
        g_strlcpy(world->guest_link, guest->id, sizeof world->guest_link);
    return host != NULL && guest != NULL;
}

static void open_rooms(World *world, guint max_peers)
{
    g_autoptr(GError) error = NULL;
    MnbRoomsOptions options = {
        .catalog = world->catalogue.catalog,
        .clock = world->clock,
        .max_peers = max_peers,
        .away_ms = 20,
    };
    world->rooms = mnb_rooms_new(&options, &error);
    g_assert_no_error(error);
}

static void open_world(World *world, guint max_peers)
{
    g_autoptr(GError) error = NULL;
    *world = (World){0};
    fixture_open_catalog(&world->catalogue);
    mnb_catalog_write_sync(world->catalogue.catalog, write_event, world, &error);
    g_assert_no_error(error);
    world->clock = mnb_clock_new_fake(1000000, NOW_US);
    open_rooms(world, max_peers);
}

static void close_world(World *world)
{
    mnb_rooms_free(world->rooms);
    fixture_close(&world->catalogue);
    mnb_event_free(world->event);
    mnb_clock_free(world->clock);
}

static void socket_open(Socket *socket, MnbRooms *rooms)
{
    socket->heard = g_ptr_array_new_with_free_func(g_free);
    socket->close_code = 0;
    socket->client = mnb_client_new(rooms, &calls, socket);
}

static void socket_close(Socket *socket)
{
    mnb_client_free(socket->client);
    g_ptr_array_unref(socket->heard);
    *socket = (Socket){0};
}

static const char *heard(const Socket *socket, const char *part)
{
    for (guint i = 0; i < socket->heard->len; i++)
        if (strstr(g_ptr_array_index(socket->heard, i), part) != NULL)
            return g_ptr_array_index(socket->heard, i);
    return NULL;
}

static const char *wait_for(Socket *socket, const char *part)
{
    gint64 end = g_get_monotonic_time() + LIMIT_US;
    while (heard(socket, part) == NULL) {
        if (g_get_monotonic_time() > end)
            g_error("never heard %s", part);
        g_main_context_iteration(NULL, TRUE); /* the rooms tick, so this wakes up */
    }
    return heard(socket, part);
}

static char *field(const char *json, const char *name)
{
    json_t *root = json_loads(json, 0, NULL);
    char *text = g_strdup(json_string_value(json_object_get(root, name)));
    json_decref(root);
    return text;
}

static void say_hello(Socket *socket, const char *token, const char *name, const char *resume)
{
    MnbHello hello = {.id = 1,
                      .token = (char *)token,
                      .name = (char *)name,
                      .affiliation = (char *)"",
                      .language = (char *)"ja",
                      .resume = (char *)resume};
    mnb_client_hello(socket->client, &hello);
}

/* Returns (owned): the welcome. */
static char *join(Socket *socket, World *world, const char *token, const char *name,
                  const char *resume)
{
    socket_open(socket, world->rooms);
    say_hello(socket, token, name, resume);
    return g_strdup(wait_for(socket, "\"id\":1,"));
}

static void ask(Socket *socket, MnbRequestKind kind, gint64 id, const char *text)
{
    MnbRequest request = {.kind = kind, .id = id, .text = (char *)text, .key = (char *)"key"};
    g_autofree char *key = g_strdup_printf("%" G_GINT64_FORMAT, id);
    request.key = key;
    mnb_client_request(socket->client, &request);
}

static gint64 logged(World *world)
{
    g_autoptr(GError) error = NULL;
    gint64 next = mnb_session_log_next_seq(mnb_catalog_reader(world->catalogue.catalog),
                                           world->event->session, &error);
    g_assert_no_error(error);
    return next - 1;
}

static MnbRoom *room_of(World *world)
{
    return mnb_rooms_open(world->rooms, world->event->session, NULL);
}

static void test_after_commit(void)
{
    World world;
    Socket host, guest;
    open_world(&world, 0);
    g_autofree char *welcome = join(&host, &world, world.host_token, "Mika", NULL);
    g_assert_nonnull(strstr(welcome, "\"ok\":true"));
    g_assert_cmpint(logged(&world), ==, 1);
    ask(&host, MNB_REQUEST_CHAT, 2, "hello");
    g_assert_null(heard(&host, "\"id\":2,")); /* not before it is on disk */
    wait_for(&host, "\"id\":2,");
    g_assert_cmpint(logged(&world), ==, 2);
    g_assert_nonnull(heard(&host, "\"type\":\"chat\""));
    g_autofree char *second = join(&guest, &world, world.guest_token, "田中", NULL);
    g_assert_nonnull(strstr(second, "\"text\":\"hello\""));
    wait_for(&host, "peer-joined");
    socket_close(&guest);
    wait_for(&host, "peer-away");
    socket_close(&host);
    close_world(&world);
}

static gboolean revoke_guest(MnbDb *db, gpointer data, GError **error)
{
    return mnb_link_revoke(db, ((World *)data)->guest_link, NOW_US, error);
}

/* The entry of the join is on its way to the disk when the link is revoked: whoever is told of the
 * revocation does not find the peer yet. */
static void test_revoked_on_the_way_in(void)
{
    World world;
    Socket guest;
    g_autoptr(GError) error = NULL;
    open_world(&world, 0);
    socket_open(&guest, world.rooms);
    say_hello(&guest, world.guest_token, "Ana", NULL);
    mnb_catalog_write_sync(world.catalogue.catalog, revoke_guest, &world, &error);
    g_assert_no_error(error);
    mnb_rooms_revoke_link(world.rooms, world.guest_link);
    wait_for(&guest, "\"code\":\"link-revoked\"");
    g_assert_cmpuint(guest.close_code, ==, MNB_CLOSE_HELLO_REFUSED);
    while (mnb_room_state_count(room_of(&world)->state) > 0)
        g_main_context_iteration(NULL, TRUE);
    socket_close(&guest);
    close_world(&world);
}

static void on_door(const MnbDoorAnswer *answer, const GError *error, gpointer data)
{
    g_assert_null(answer);
    *(GError **)data = g_error_copy(error);
}

static void test_players_are_counted(void)
{
    World world;
    Socket host;
    MnbTransport transport = {0};
    MnbReceiver player = {.transport = &transport};
    g_autoptr(GError) full = NULL;
    g_autoptr(GError) unready = NULL;
    open_world(&world, 0);
    g_free(join(&host, &world, world.host_token, "Mika", NULL));
    ask(&host, MNB_REQUEST_START_SESSION, 2, NULL);
    wait_for(&host, "\"id\":2,\"ok\":true");
    MnbDoorAsker asker = {.session = world.event->session,
                          .link = world.guest_link,
                          .role = "participant",
                          .label = ""};
    MnbRoom *room = room_of(&world);
    for (guint i = 0; i < MNB_ROOM_PLAYERS_MAX; i++)
        g_ptr_array_add(room->receivers, &player);
    mnb_rooms_whep(world.rooms, &asker, NULL, "v=0", 3, on_door, &full);
    g_assert_error(full, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_ROOM_FULL);
    g_ptr_array_set_size(room->receivers, MNB_ROOM_PLAYERS_MAX - 1);
    mnb_rooms_whep(world.rooms, &asker, NULL, "v=0", 3, on_door, &unready);
    g_assert_error(unready, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_BAD_SDP);
    g_ptr_array_set_size(room->receivers, 0);
    socket_close(&host);
    close_world(&world);
}

static gboolean hide_log(MnbDb *db, gpointer data, GError **error)
{
    return mnb_db_exec(db, "ALTER TABLE session_event RENAME TO hidden", error);
}

static gboolean show_log(MnbDb *db, gpointer data, GError **error)
{
    return mnb_db_exec(db, "ALTER TABLE hidden RENAME TO session_event", error);
}

static void test_failed_append(void)
{
    World world;
    Socket host, guest;
    g_autoptr(GError) error = NULL;
    open_world(&world, 0);
    g_free(join(&host, &world, world.host_token, "Mika", NULL));
    g_free(join(&guest, &world, world.guest_token, "Ana", NULL));
    mnb_catalog_write_sync(world.catalogue.catalog, hide_log, NULL, &error);
    g_assert_no_error(error);
    ask(&host, MNB_REQUEST_CHAT, 2, "lost");
    ask(&host, MNB_REQUEST_CHAT, 3, "lost too");
    socket_close(&guest); /* that he is away cannot be written either */
    wait_for(&host, "\"id\":2,\"ok\":false,\"code\":\"storage");
    wait_for(&host, "\"id\":3,\"ok\":false,\"code\":\"storage");
    g_assert_null(heard(&host, "\"type\":\"chat\"")); /* nobody heard what is not on disk */
    mnb_catalog_write_sync(world.catalogue.catalog, show_log, NULL, &error);
    g_assert_no_error(error);
    /* The numbers go on without a gap, and the log is put right by itself. */
    wait_for(&host, "peer-away");
    ask(&host, MNB_REQUEST_CHAT, 4, "kept");
    wait_for(&host, "\"id\":4,\"ok\":true");
    g_assert_cmpint(logged(&world), ==, room_of(&world)->state->seq);
    socket_close(&host);
    close_world(&world);
}

static void test_timeout(void)
{
    World world;
    Socket host, guest;
    open_world(&world, 0);
    g_free(join(&host, &world, world.host_token, "Mika", NULL));
    g_autofree char *second = join(&guest, &world, world.guest_token, "Ana", NULL);
    g_autofree char *resume = field(second, "resume");
    g_autofree char *peer = field(second, "peer");
    socket_close(&guest);
    wait_for(&host, "peer-away");
    g_assert_null(heard(&host, "peer-left"));
    mnb_clock_advance(world.clock, 25000);
    g_assert_nonnull(strstr(wait_for(&host, "peer-left"), "\"reason\":\"timeout\""));
    /* Late, but the same person. */
    g_autofree char *third = join(&guest, &world, world.guest_token, "Ana", resume);
    g_autofree char *again = field(third, "peer");
    g_assert_cmpstr(again, ==, peer);
    socket_close(&guest);
    socket_close(&host);
    close_world(&world);
}

static void test_restart(void)
{
    World world;
    Socket host, guest;
    open_world(&world, 0);
    g_free(join(&host, &world, world.host_token, "Mika", NULL));
    g_autofree char *second = join(&guest, &world, world.guest_token, "Ana", NULL);
    g_autofree char *resume = field(second, "resume");
    ask(&host, MNB_REQUEST_START_SESSION, 2, NULL);
    wait_for(&host, "\"id\":2,");
    ask(&guest, MNB_REQUEST_CHAT, 3, "before");
    wait_for(&guest, "\"id\":3,");
    g_autofree char *before = mnb_room_state_dump(room_of(&world)->state);
    /* The server dies: nothing is written any more. */
    mnb_rooms_free(world.rooms);
    socket_close(&host);
    socket_close(&guest);
    open_rooms(&world, 0);
    g_autofree char *after = mnb_room_state_dump(room_of(&world)->state);
    g_assert_cmpstr(after, ==, before);
    /* Nobody is connected: the log says so next, and those who come back are themselves. */
    g_autofree char *third = join(&guest, &world, world.guest_token, "Ana", resume);
    g_assert_nonnull(strstr(third, "\"state\":\"live\""));
    g_assert_nonnull(strstr(third, "\"text\":\"before\""));
    g_assert_nonnull(strstr(third, "\"is_here\":false"));
    socket_close(&guest);
    close_world(&world);
}

static void test_refusals(void)
{
    World world;
    Socket one, two, three;
    open_world(&world, 1);
    g_autofree char *nobody = join(&one, &world, "x", "Ana", NULL);
    g_assert_nonnull(strstr(nobody, "\"code\":\"link-unknown\""));
    g_assert_cmpuint(one.close_code, ==, MNB_CLOSE_HELLO_REFUSED);
    socket_close(&one);
    g_autofree char *nameless = join(&one, &world, world.guest_token, "", NULL);
    g_assert_nonnull(strstr(nameless, "\"code\":\"name-required\""));
    socket_close(&one);
    socket_open(&one, world.rooms);
    ask(&one, MNB_REQUEST_CHAT, 5, "early");
    g_assert_nonnull(heard(&one, "\"id\":5,\"ok\":false,\"code\":\"bad-message\""));
    socket_close(&one);
    g_autofree char *in = join(&two, &world, world.guest_token, "Ana", NULL);
    g_assert_nonnull(strstr(in, "\"ok\":true"));
    g_autofree char *full = join(&three, &world, world.host_token, "Mika", NULL);
    g_assert_nonnull(strstr(full, "\"code\":\"room-full\""));
    ask(&two, MNB_REQUEST_END_SESSION, 6, NULL);
    g_assert_nonnull(heard(&two, "\"code\":\"not-allowed\""));
    ask(&two, MNB_REQUEST_SUBSCRIBED, 7, "v=0");
    g_assert_nonnull(heard(&two, "\"id\":7,\"ok\":false"));
    socket_close(&two);
    socket_close(&three);
    close_world(&world);
}

static guint places_left;

static gboolean may_take_place(gpointer line)
{
    return places_left > 0 && places_left-- > 0;
}

/* An address may bring so many new people and no more; who has a place already comes back to it. */
static void test_joins_are_limited(void)
{
    static const MnbClientCalls limited = {
        .send = on_send, .close = on_close, .may_take_place = may_take_place};
    World world;
    Socket sockets[4];
    g_autofree char *resume = NULL;
    open_world(&world, 0);
    places_left = 2;
    for (guint i = 0; i < 4; i++) {
        Socket *socket = &sockets[i];
        socket->heard = g_ptr_array_new_with_free_func(g_free);
        socket->close_code = 0;
        socket->client = mnb_client_new(world.rooms, &limited, socket);
        if (i == 3) /* the first one is back */
            socket_close(&sockets[0]);
        say_hello(socket, world.guest_token, "Ana", i == 3 ? resume : NULL);
        const char *answer = wait_for(socket, "\"id\":1,");
        gboolean is_in = strstr(answer, "\"ok\":true") != NULL;
        if (is_in != (i != 2))
            g_error("join %u: %s", i, answer);
        if (i == 0)
            resume = field(answer, "resume");
        if (i == 2) {
            g_assert_nonnull(strstr(answer, "\"code\":\"too-many\""));
            g_assert_cmpuint(socket->close_code, ==, MNB_CLOSE_TOO_FAST);
        }
    }
    for (guint i = 1; i < 4; i++)
        socket_close(&sockets[i]);
    close_world(&world);
}

/* A socket that goes away while it joins leaves nobody behind. */
static void test_lost_while_joining(void)
{
    World world;
    Socket host, guest;
    open_world(&world, 0);
    g_free(join(&host, &world, world.host_token, "Mika", NULL));
    socket_open(&guest, world.rooms);
    say_hello(&guest, world.guest_token, "Ana", NULL);
    socket_close(&guest);
    wait_for(&host, "peer-joined");
    wait_for(&host, "peer-away");
    mnb_clock_advance(world.clock, 25000);
    wait_for(&host, "peer-left");
    socket_close(&host);
    close_world(&world);
}

static gboolean is_stopped;

static void on_stopped(gpointer data)
{
    is_stopped = TRUE;
}

static void test_stop(void)
{
    World world;
    Socket host, late;
    open_world(&world, 0);
    g_free(join(&host, &world, world.host_token, "Mika", NULL));
    is_stopped = FALSE;
    mnb_rooms_stop(world.rooms, on_stopped, NULL);
    socket_open(&late, world.rooms);
    say_hello(&late, world.guest_token, "Ana", NULL);
    g_assert_nonnull(heard(&late, "\"ok\":false"));
    while (!is_stopped)
        g_main_context_iteration(NULL, TRUE);
    socket_close(&late);
    socket_close(&host);
    close_world(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rooms/rooms/answers-after-the-commit", test_after_commit);
    g_test_add_func("/rooms/rooms/goes-on-after-a-failed-append", test_failed_append);
    g_test_add_func("/rooms/rooms/keeps-a-place-for-a-while", test_timeout);
    g_test_add_func("/rooms/rooms/comes-back-as-it-was", test_restart);
    g_test_add_func("/rooms/rooms/says-why-not", test_refusals);
    g_test_add_func("/rooms/rooms/takes-so-many-new-people-of-an-address", test_joins_are_limited);
    g_test_add_func("/rooms/rooms/forgets-who-was-lost-while-joining", test_lost_while_joining);
    g_test_add_func("/rooms/rooms/turns-away-whose-link-was-revoked-on-the-way-in",
                    test_revoked_on_the_way_in);
    g_test_add_func("/rooms/rooms/takes-a-bounded-number-of-players", test_players_are_counted);
    g_test_add_func("/rooms/rooms/stops-without-recorders-at-once", test_stop);
    return g_test_run();
}
