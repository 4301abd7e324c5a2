#include "tests/unit/rooms/world.h"
#include "recordings/link.h"
#include "server/base/clock.h"
#include "server/signalling/message.h"
#include <string.h>

#define LIMIT_US (20 * G_USEC_PER_SEC)

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
    static char *languages[] = {(char *)"en", (char *)"ja", NULL};
    world->event = fixture_event(db, "Floods", "洪水");
    g_strfreev(world->event->languages);
    world->event->languages = g_strdupv(languages);
    if (!mnb_event_update(db, world->event, NOW_US, error))
        return FALSE;
    for (MnbRole role = MNB_ROLE_OBSERVER; role <= MNB_ROLE_FACILITATOR; role++) {
        g_autoptr(MnbLink) link = mnb_link_create(db, MNB_LINK_ROLE, world->event->id, NULL, role,
                                                  "", 0, NOW_US, world->tokens[role], error);
        if (link == NULL)
            return FALSE;
    }
    return TRUE;
}

static void open_rooms(World *world)
{
    g_autoptr(GError) error = NULL;
    MnbRoomsOptions options = {
        .catalog = world->catalogue.catalog,
        .clock = world->clock,
        .walls = world->walls,
        .slides_dir = world->slides_dir,
        .max_peers = 400,
        .away_ms = 60000,
    };
    world->rooms = mnb_rooms_new(&options, &error);
    g_assert_no_error(error);
}

void world_open(World *world)
{
    g_autoptr(GError) error = NULL;
    *world = (World){0};
    fixture_open_catalog(&world->catalogue);
    mnb_catalog_write_sync(world->catalogue.catalog, write_event, world, &error);
    g_assert_no_error(error);
    world->clock = mnb_clock_new_fake(1000000, NOW_US);
    world->walls = mnb_walls_new(MNB_SANDBOX_AUTO, &error);
    world->slides_dir = g_build_filename(world->catalogue.dir, "slides", NULL);
    open_rooms(world);
}

void world_restart(World *world)
{
    mnb_rooms_free(world->rooms);
    open_rooms(world);
}

void world_close(World *world)
{
    mnb_rooms_free(world->rooms);
    fixture_close(&world->catalogue);
    mnb_walls_free(world->walls);
    g_free(world->slides_dir);
    mnb_event_free(world->event);
    mnb_clock_free(world->clock);
}

MnbRoom *world_room(World *world)
{
    g_autoptr(GError) error = NULL;
    MnbRoom *room = mnb_rooms_open(world->rooms, world->event->session, &error);
    g_assert_no_error(error);
    return room;
}

static void take(const json_t *root, const char *name, char *into, gsize size)
{
    const char *text = json_string_value(json_object_get(root, name));
    g_strlcpy(into, text != NULL ? text : "", size);
}

char *world_join(World *world, Socket *socket, MnbRole role, const char *name, const char *resume)
{
    MnbHello hello = {.id = 1,
                      .token = world->tokens[role],
                      .name = (char *)name,
                      .affiliation = (char *)"",
                      .language = (char *)"ja",
                      .resume = (char *)resume};
    g_autofree char *kept = g_strdup(resume);
    *socket = (Socket){.heard = g_ptr_array_new_with_free_func(g_free)};
    hello.resume = kept;
    socket->client = mnb_client_new(world->rooms, &calls, socket);
    mnb_client_hello(socket->client, &hello);
    char *answer = g_strdup(socket_wait(socket, "\"id\":1,"));
    json_t *root = json_loads(answer, 0, NULL);
    take(root, "peer", socket->peer, sizeof socket->peer);
    take(root, "resume", socket->resume, sizeof socket->resume);
    json_decref(root);
    return answer;
}

void socket_close(Socket *socket)
{
    mnb_client_free(socket->client);
    g_ptr_array_unref(socket->heard);
    *socket = (Socket){0};
}

const char *socket_heard(const Socket *socket, const char *part)
{
    for (guint i = 0; i < socket->heard->len; i++)
        if (strstr(g_ptr_array_index(socket->heard, i), part) != NULL)
            return g_ptr_array_index(socket->heard, i);
    return NULL;
}

const char *socket_wait(Socket *socket, const char *part)
{
    gint64 end = g_get_monotonic_time() + LIMIT_US;
    while (socket_heard(socket, part) == NULL) {
        if (g_get_monotonic_time() > end)
            g_error("never heard %s", part);
        g_main_context_iteration(NULL, TRUE); /* the rooms tick, so this wakes up */
    }
    return socket_heard(socket, part);
}

void socket_forget(Socket *socket)
{
    g_ptr_array_set_size(socket->heard, 0);
}

gboolean socket_send(Socket *socket, const char *json, GError **why)
{
    MnbMessage message;
    gint64 id;
    if (!mnb_message_parse(json, strlen(json), &message, &id, why))
        return FALSE;
    mnb_client_request(socket->client, message.request);
    mnb_message_clear(&message);
    return TRUE;
}

G_GNUC_PRINTF(3, 0)
static const char *ask(Socket *socket, const char *kind, const char *fields, va_list args)
{
    static gint64 last = 1000;
    g_autofree char *more = fields != NULL ? g_strdup_vprintf(fields, args) : g_strdup("");
    g_autofree char *text = g_strdup_printf("{\"kind\":\"%s\",\"id\":%" G_GINT64_FORMAT "%s%s}",
                                            kind, ++last, *more != '\0' ? "," : "", more);
    g_autofree char *part =
        g_strdup_printf("{\"kind\":\"reply\",\"id\":%" G_GINT64_FORMAT ",", last);
    g_autoptr(GError) error = NULL;
    if (!socket_send(socket, text, &error))
        g_error("%s: %s", text, error->message);
    return socket_wait(socket, part);
}

const char *socket_ask(Socket *socket, const char *kind, const char *fields, ...)
{
    va_list args;
    va_start(args, fields);
    const char *answer = ask(socket, kind, fields, args);
    va_end(args);
    return answer;
}

void socket_must(Socket *socket, const char *kind, const char *fields, ...)
{
    va_list args;
    va_start(args, fields);
    const char *answer = ask(socket, kind, fields, args);
    va_end(args);
    if (strstr(answer, "\"ok\":true") == NULL)
        g_error("%s: %s", kind, answer);
}

void socket_must_not(Socket *socket, const char *code, const char *kind, const char *fields, ...)
{
    va_list args;
    va_start(args, fields);
    const char *answer = ask(socket, kind, fields, args);
    va_end(args);
    g_autofree char *part = g_strdup_printf("\"ok\":false,\"code\":\"%s\"", code);
    if (strstr(answer, part) == NULL)
        g_error("%s: %s, not %s", kind, answer, code);
}
