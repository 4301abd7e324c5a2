/* janus.c - joining a VideoRoom of Janus by its HTTP API: one Janus session for all clients, a
 * handle for each, events by one long poll. A publisher offers; to a subscriber Janus offers. */
#include "tests/bench/load/load.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM           7700 /* the first of --rooms */
#define EVENTS_AT_ONCE 20

typedef struct {
    uint64_t session, handle; /* of the one that makes the room */
    int is_ready;             /* 1, -1 failed */
    unsigned rooms;           /* made so far */
    bool is_closing;
} Janus;

/* Takes @message over. @path: behind the base URL. */
static void send_message(Load *load, json_t *message, uint64_t session, uint64_t handle,
                         LoadHttpDone done, void *data)
{
    char url[512];
    static unsigned transactions;
    char transaction[16];
    snprintf(transaction, sizeof transaction, "%u", ++transactions);
    json_object_set_new(message, "transaction", json_string(transaction));
    int n = snprintf(url, sizeof url, "%s", load->options.janus);
    if (session != 0)
        n += snprintf(url + n, sizeof url - (size_t)n, "/%llu", (unsigned long long)session);
    if (handle != 0)
        snprintf(url + n, sizeof url - (size_t)n, "/%llu", (unsigned long long)handle);
    char *text = json_dumps(message, JSON_COMPACT);
    load_http_send(load, "POST", url, NULL, "application/json", text, done, data);
    free(text);
    json_decref(message);
}

static uint64_t id_of(const char *body)
{
    json_t *answer = json_loads(body, 0, NULL);
    json_int_t id = json_integer_value(json_object_get(json_object_get(answer, "data"), "id"));
    json_decref(answer);
    return (uint64_t)id;
}

static LoadClient *client_of(Load *load, uint64_t handle)
{
    for (unsigned i = 0; i < load->n_clients; i++)
        if (load->clients[i].handle == handle && handle != 0)
            return &load->clients[i];
    return NULL;
}

static void on_done(Load *load, void *data, long status, const char *body, const char *location)
{
    LoadClient *client = data;
    (void)load, (void)location;
    if (client != NULL && client->state == LOAD_JOINING &&
        (status != 200 || strstr(body, "\"error\"") != NULL)) {
        fprintf(stderr, "manabi-load: Janus: HTTP %ld %.300s\n", status, body);
        load_client_fail(client, "Janus refused");
    }
}

static void send_plugin(LoadClient *client, json_t *body, json_t *jsep)
{
    Janus *janus = client->load->door;
    json_t *message = json_pack("{s:s, s:o}", "janus", "message", "body", body);
    if (jsep != NULL)
        json_object_set_new(message, "jsep", jsep);
    send_message(client->load, message, janus->session, client->handle, on_done, client);
}

static void take_description(LoadClient *client, json_t *jsep)
{
    const char *sdp = json_string_value(json_object_get(jsep, "sdp"));
    const char *type = json_string_value(json_object_get(jsep, "type"));
    if (sdp == NULL || type == NULL || client->state != LOAD_JOINING)
        return;
    if (strcmp(type, "offer") == 0) {
        char *answer = load_sdp_answer(client, sdp);
        send_plugin(client,
                    json_pack("{s:s, s:i}", "request", "start", "room", ROOM + (int)client->room),
                    json_pack("{s:s, s:s}", "type", "answer", "sdp", answer));
        free(answer);
    }
    if (load_sdp_apply(client, sdp) < 0)
        load_client_fail(client, "SDP without ICE, fingerprint or a loopback candidate");
    else
        load_client_check(client);
}

static void take_event(Load *load, json_t *event)
{
    LoadClient *client =
        client_of(load, (uint64_t)json_integer_value(json_object_get(event, "sender")));
    const char *kind = json_string_value(json_object_get(event, "janus"));
    json_t *data = json_object_get(json_object_get(event, "plugindata"), "data");
    if (client == NULL || kind == NULL)
        return;
    if (strcmp(kind, "hangup") == 0 && client->state != LOAD_LEFT)
        load_client_fail(client, "Janus hung up");
    if (json_object_get(data, "error") != NULL) {
        fprintf(stderr, "manabi-load: Janus: %s\n",
                json_string_value(json_object_get(data, "error")));
        load_client_fail(client, "Janus refused");
    }
    const char *what = json_string_value(json_object_get(data, "videoroom"));
    if (what != NULL && strcmp(what, "joined") == 0)
        client->feed = (uint64_t)json_integer_value(json_object_get(data, "id"));
    if (json_object_get(event, "jsep") != NULL)
        take_description(client, json_object_get(event, "jsep"));
}

static void poll_events(Load *load);

static void on_events(Load *load, void *data, long status, const char *body, const char *location)
{
    Janus *janus = load->door;
    (void)data, (void)location;
    if (janus->is_closing)
        return;
    if (status != 200) {
        fprintf(stderr, "manabi-load: Janus: HTTP %ld to the long poll\n", status);
        janus->is_ready = -1;
        return;
    }
    json_t *events = json_loads(body, 0, NULL);
    if (json_is_array(events)) {
        size_t i;
        json_t *event;
        json_array_foreach(events, i, event) take_event(load, event);
    } else {
        take_event(load, events);
    }
    json_decref(events);
    poll_events(load);
}

static void poll_events(Load *load)
{
    Janus *janus = load->door;
    char url[512];
    snprintf(url, sizeof url, "%s/%llu?maxev=%d", load->options.janus,
             (unsigned long long)janus->session, EVENTS_AT_ONCE);
    load_http_send(load, "GET", url, NULL, NULL, NULL, on_events, NULL);
}

/* ---- session, handle and room, one after the other ---- */

static void make_room(Load *load);

static void on_room(Load *load, void *data, long status, const char *body, const char *location)
{
    Janus *janus = load->door;
    (void)data, (void)location;
    bool is_made = status == 200 && strstr(body, "\"created\"") != NULL;
    if (!is_made)
        fprintf(stderr, "manabi-load: Janus made no room: HTTP %ld %.300s\n", status, body);
    if (!is_made || ++janus->rooms == load->options.rooms)
        janus->is_ready = is_made ? 1 : -1;
    else
        make_room(load);
}

static void make_room(Load *load)
{
    Janus *janus = load->door;
    json_t *room =
        json_pack("{s:s, s:i, s:i, s:b, s:i, s:s, s:s, s:b, s:b, s:b}", "request", "create", "room",
                  ROOM + (int)janus->rooms, "publishers", (int)load->options.publishers + 1,
                  "permanent", 0, "bitrate", 0, "videocodec", "vp8", "audiocodec", "opus",
                  "notify_joining", 0, "audiolevel_event", 0, "transport_wide_cc_ext", 1);
    send_message(load, json_pack("{s:s, s:o}", "janus", "message", "body", room), janus->session,
                 janus->handle, on_room, NULL);
}

static void on_handle(Load *load, void *data, long status, const char *body, const char *location)
{
    Janus *janus = load->door;
    (void)data, (void)status, (void)location;
    janus->handle = id_of(body);
    make_room(load);
}

static void on_session(Load *load, void *data, long status, const char *body, const char *location)
{
    Janus *janus = load->door;
    (void)data, (void)location;
    janus->session = id_of(body);
    if (status != 200 || janus->session == 0) {
        fprintf(stderr, "manabi-load: Janus gave no session: HTTP %ld\n", status);
        janus->is_ready = -1;
        return;
    }
    poll_events(load);
    send_message(load,
                 json_pack("{s:s, s:s}", "janus", "attach", "plugin", "janus.plugin.videoroom"),
                 janus->session, 0, on_handle, NULL);
}

static int open_janus(Load *load)
{
    load->door = calloc(1, sizeof(Janus));
    if (load->door == NULL)
        return -1;
    send_message(load, json_pack("{s:s}", "janus", "create"), 0, 0, on_session, NULL);
    return 0;
}

static int is_ready(Load *load)
{
    return ((Janus *)load->door)->is_ready;
}

/* ---- clients ---- */

static void publish(LoadClient *client)
{
    char *offer = load_sdp_offer(client);
    send_plugin(client,
                json_pack("{s:s, s:s, s:i}", "request", "joinandconfigure", "ptype", "publisher",
                          "room", ROOM + (int)client->room),
                json_pack("{s:s, s:s}", "type", "offer", "sdp", offer));
    free(offer);
}

static void subscribe(LoadClient *client)
{
    Load *load = client->load;
    json_t *streams = json_array();
    for (unsigned i = 0; i < load->options.publishers; i++)
        if (load_hears(client, i))
            json_array_append_new(streams,
                                  json_pack("{s:I}", "feed", (json_int_t)load->clients[i].feed));
    send_plugin(client,
                json_pack("{s:s, s:s, s:i, s:o}", "request", "join", "ptype", "subscriber", "room",
                          ROOM + (int)client->room, "streams", streams),
                NULL);
}

static void on_attached(Load *load, void *data, long status, const char *body, const char *location)
{
    LoadClient *client = data;
    (void)load, (void)location;
    client->handle = id_of(body);
    if (status != 200 || client->handle == 0)
        load_client_fail(client, "Janus gave no handle");
    else if (client->is_publisher)
        publish(client);
    else
        subscribe(client);
}

static void join(LoadClient *client)
{
    Janus *janus = client->load->door;
    send_message(client->load,
                 json_pack("{s:s, s:s}", "janus", "attach", "plugin", "janus.plugin.videoroom"),
                 janus->session, 0, on_attached, client);
}

static void leave(LoadClient *client)
{
    Janus *janus = client->load->door;
    janus->is_closing = true;
    if (client->handle != 0)
        send_message(client->load, json_pack("{s:s}", "janus", "detach"), janus->session,
                     client->handle, on_done, NULL);
}

static void close_janus(Load *load)
{
    Janus *janus = load->door;
    janus->is_closing = true;
    if (janus->session != 0)
        send_message(load, json_pack("{s:s}", "janus", "destroy"), janus->session, 0, on_done,
                     NULL);
}

const LoadSignalling load_janus = {open_janus, is_ready, join, leave, NULL, close_janus};
