/* serve.c - the real HTTP side (MnbHttp, catalogue, nginx) for tests: everything but the rooms.
 *
 *     http-serve STATE_DIR [WEB_DIR [CERTIFICATE KEY]]
 *
 * Fills an empty catalogue with accounts, events, links and recordings, prints one line of JSON
 * with their ids and tokens, and serves until its standard input is told "quit" or ends. Other
 * lines: "drain", "kill-nginx". */
#include "recordings/catalog.h"
#include "recordings/event.h"
#include "recordings/job.h"
#include "recordings/link.h"
#include "recordings/recording.h"
#include "recordings/staff.h"
#include "server/access/passwords.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/http/front-door.h"
#include "server/http/http.h"
#include "server/rooms/rooms.h"
#include <gio/gio.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSWORD "correct horse battery"

typedef struct {
    MnbStore *store;
    MnbCatalog *catalog;
    MnbRooms *rooms;
    MnbClock *clock;
    MnbHttp *http;
    MnbFrontDoor *door;
    GMainLoop *loop;
    json_t *told;
    gint64 now_us;
} Server;

static void check(gboolean is_right, GError *error)
{
    if (!is_right)
        g_error("http-serve: %s", error != NULL ? error->message : "failed");
}

static void tell(Server *server, const char *name, const char *text)
{
    json_object_set_new(server->told, name, json_string(text));
}

/* ---- what is in the catalogue ---- */

static gboolean seed_staff(MnbDb *db, Server *server, GError **error)
{
    char token[MNB_TOKEN_SIZE];
    g_autofree char *hash = mnb_password_hash_sync(PASSWORD, error);
    g_autoptr(MnbStaff) admin = mnb_staff_create(db, "Admin", TRUE, server->now_us, error);
    g_autoptr(MnbStaff) gone = mnb_staff_create(db, "Gone", FALSE, server->now_us, error);
    if (hash == NULL || admin == NULL || gone == NULL ||
        !mnb_staff_set_password(db, admin->id, hash, NULL, error) ||
        !mnb_staff_set_password(db, gone->id, hash, NULL, error) ||
        !mnb_staff_set_disabled(db, gone->id, TRUE, server->now_us, error) ||
        !mnb_staff_token_create(db, admin->id, MNB_STAFF_TOKEN_SIGN_IN,
                                server->now_us + MNB_STAFF_LINK_US, server->now_us, token, error))
        return FALSE;
    tell(server, "sign_in", token);
    if (!mnb_staff_token_create(db, admin->id, MNB_STAFF_TOKEN_SIGN_IN, server->now_us - 1,
                                server->now_us - 10, token, error))
        return FALSE;
    tell(server, "sign_in_expired", token);
    return TRUE;
}

static gboolean seed_link(MnbDb *db, Server *server, const MnbEvent *event, MnbLinkKind kind,
                          MnbRole role, gint64 expires_us, const char *name, GError **error)
{
    char token[MNB_TOKEN_SIZE];
    g_autoptr(MnbLink) link =
        mnb_link_create(db, kind, event->id, kind == MNB_LINK_MEDIA ? event->session : NULL, role,
                        name, expires_us, server->now_us, token, error);
    if (link == NULL)
        return FALSE;
    tell(server, name, token);
    g_autofree char *id_name = g_strconcat(name, "_id", NULL);
    tell(server, id_name, link->id);
    return strcmp(name, "revoked") != 0 || mnb_link_revoke(db, link->id, server->now_us, error);
}

static MnbEvent *seed_event(MnbDb *db, Server *server, const char *name, gboolean is_public,
                            GError **error)
{
    MnbEvent *event = mnb_event_new();
    event->kind = MNB_EVENT_SITE_VISIT;
    event->title_en = g_strdup("Flood control");
    event->title_ja = g_strdup("洪水対策");
    event->summary_en = g_strdup("");
    event->summary_ja = g_strdup("");
    event->area = g_strdup("disaster-risk-management");
    event->city = g_strdup("40100");
    event->starts_us = server->now_us + G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC;
    event->duration_s = 5400;
    event->time_zone = g_strdup("Asia/Tokyo");
    event->languages = g_strsplit("en,ja", ",", 0);
    event->is_public = is_public;
    event->recording_policy = MNB_RECORDING_POLICY_PUBLISH;
    event->audience = MNB_AUDIENCE_PUBLIC;
    if (!mnb_event_insert(db, event, server->now_us, error)) {
        mnb_event_free(event);
        return NULL;
    }
    g_autofree char *session = g_strconcat(name, "_session", NULL);
    tell(server, name, event->id);
    tell(server, session, event->session);
    return event;
}

static gboolean seed_events(MnbDb *db, Server *server, char **event_out, GError **error)
{
    g_autoptr(MnbEvent) event = seed_event(db, server, "event", TRUE, error);
    g_autoptr(MnbEvent) closed = seed_event(db, server, "closed", FALSE, error);
    if (event == NULL || closed == NULL)
        return FALSE;
    *event_out = g_strdup(event->id);
    return seed_link(db, server, event, MNB_LINK_ROLE, MNB_ROLE_FACILITATOR, 0, "facilitator",
                     error) &&
           seed_link(db, server, event, MNB_LINK_ROLE, MNB_ROLE_PARTICIPANT, 0, "participant",
                     error) &&
           seed_link(db, server, event, MNB_LINK_ROLE, MNB_ROLE_PARTICIPANT, server->now_us - 1,
                     "expired", error) &&
           seed_link(db, server, event, MNB_LINK_ROLE, MNB_ROLE_PARTICIPANT, 0, "revoked", error) &&
           seed_link(db, server, event, MNB_LINK_ROLE, MNB_ROLE_PARTICIPANT, 0, "to_revoke",
                     error) &&
           seed_link(db, server, event, MNB_LINK_MEDIA, MNB_ROLE_PRESENTER, 0, "publish", error) &&
           seed_link(db, server, event, MNB_LINK_MEDIA, MNB_ROLE_OBSERVER, 0, "receive", error) &&
           seed_link(db, server, closed, MNB_LINK_ROLE, MNB_ROLE_FACILITATOR, 0, "other", error) &&
           seed_link(db, server, closed, MNB_LINK_MEDIA, MNB_ROLE_PRESENTER, 0, "other_publish",
                     error);
}

static gboolean seed_recording(MnbDb *db, Server *server, const char *event, const char *name,
                               MnbAudience audience, MnbRecordingState state, GError **error)
{
    static const MnbRendition renditions[] = {
        {(char *)"master", MNB_RENDITION_HLS, (char *)"media/master.m3u8", 0, 0, 0, 0},
        {(char *)"720p", MNB_RENDITION_HLS, (char *)"media/720p/index.m3u8", 1280, 720, 2500000, 0},
        {(char *)"video.mp4", MNB_RENDITION_DOWNLOAD, (char *)"media/video.mp4", 1280, 720, 0,
         1000000},
        {(char *)"audio.m4a", MNB_RENDITION_DOWNLOAD, (char *)"media/audio.m4a", 0, 0, 0, 1000},
        {(char *)"poster", MNB_RENDITION_POSTER, (char *)"media/poster.jpg", 1280, 720, 0, 0},
        {(char *)"poster-1", MNB_RENDITION_CANDIDATE, (char *)"media/poster-1.jpg", 0, 0, 0, 0},
        {(char *)"poster-2", MNB_RENDITION_CANDIDATE, (char *)"media/poster-2.jpg", 0, 0, 0, 0},
        {(char *)"thumbnails", MNB_RENDITION_THUMBNAILS, (char *)"media/thumbnails.vtt", 0, 0, 0,
         0},
    };
    g_autoptr(MnbRecording) recording = mnb_recording_new();
    recording->area = g_strdup("disaster-risk-management");
    recording->city = g_strdup("40100");
    recording->event = g_strdup(event);
    recording->origin = MNB_ORIGIN_IMPORT;
    recording->title_en = g_strdup_printf("Levees of %s", name);
    recording->title_ja = g_strdup("堤防の防災計画について");
    recording->description_en = g_strdup("");
    recording->description_ja = g_strdup("");
    recording->languages = g_strsplit("ja", ",", 0);
    recording->audience = audience;
    recording->recorded_us = server->now_us;
    recording->duration_us = 61400000;
    if (!mnb_recording_insert(db, recording, server->now_us, error) ||
        !mnb_store_create_recording(server->store, recording->folder, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(renditions) && state != MNB_RECORDING_DRAFT; i++)
        if (!mnb_rendition_put(db, recording->id, &renditions[i], error))
            return FALSE;
    g_autofree char *folder = g_strconcat(name, "_folder", NULL);
    tell(server, name, recording->id);
    tell(server, folder, recording->folder);
    return mnb_recording_set_state(db, recording->id, state, server->now_us, error);
}

static gboolean seed_job(MnbDb *db, Server *server, GError **error)
{
    MnbJob *job = NULL;
    const char *recording = json_string_value(json_object_get(server->told, "draft"));
    g_autofree char *id =
        mnb_job_insert(db, MNB_JOB_TRANSCODE, recording, "{}", NULL, server->now_us, error);
    if (id == NULL ||
        !mnb_job_take(db, MNB_JOB_ALL_KINDS, MNB_JOB_LEASE_US, server->now_us, &job, error))
        return FALSE;
    mnb_job_free(job);
    tell(server, "job", id);
    return mnb_job_fail(db, id, "bad-media", "the film is not one", FALSE, server->now_us, NULL,
                        error);
}

static gboolean seed(MnbDb *db, gpointer data, GError **error)
{
    Server *server = data;
    g_autofree char *event = NULL;
    return seed_staff(db, server, error) && seed_events(db, server, &event, error) &&
           seed_recording(db, server, NULL, "open", MNB_AUDIENCE_PUBLIC, MNB_RECORDING_PUBLISHED,
                          error) &&
           seed_recording(db, server, event, "by_link", MNB_AUDIENCE_LINK, MNB_RECORDING_PUBLISHED,
                          error) &&
           seed_recording(db, server, event, "inside", MNB_AUDIENCE_STAFF, MNB_RECORDING_PUBLISHED,
                          error) &&
           seed_recording(db, server, event, "review", MNB_AUDIENCE_PUBLIC, MNB_RECORDING_REVIEW,
                          error) &&
           seed_recording(db, server, event, "draft", MNB_AUDIENCE_PUBLIC, MNB_RECORDING_DRAFT,
                          error) &&
           seed_job(db, server, error);
}

/* ---- running ---- */

static gboolean on_line(GIOChannel *channel, GIOCondition condition, gpointer data)
{
    Server *server = data;
    g_autofree char *line = NULL;
    if (g_io_channel_read_line(channel, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL ||
        g_str_has_prefix(line, "quit")) {
        g_main_loop_quit(server->loop);
        return G_SOURCE_REMOVE;
    }
    if (g_str_has_prefix(line, "drain"))
        mnb_http_set_state(server->http, MNB_HTTP_DRAINING);
    if (g_str_has_prefix(line, "serve"))
        mnb_http_set_state(server->http, MNB_HTTP_SERVING);
    if (g_str_has_prefix(line, "kill-nginx"))
        kill(mnb_front_door_pid(server->door), SIGKILL);
    printf("done %s", line);
    fflush(stdout);
    return G_SOURCE_CONTINUE;
}

static void on_jobs_changed(gpointer data)
{
    printf("jobs-changed\n");
    fflush(stdout);
}

static void write_metrics(GString *text, gpointer data)
{
    mnb_rooms_write_metrics(((Server *)data)->rooms, text);
}

static void start_http(Server *server, const char *state_dir, const char *web_dir,
                       const char *scheme)
{
    GError *error = NULL;
    g_autofree char *socket = g_build_filename(state_dir, "run", "api.sock", NULL);
    g_autofree char *url =
        g_strdup_printf("%s://127.0.0.1:%u", scheme, mnb_front_door_port(server->door));
    MnbHttpOptions options = {
        .socket_path = socket,
        .public_url = url,
        .version = "0.0-test",
        .web_client_dir = web_dir,
        .catalog = server->catalog,
        .rooms = server->rooms,
        .clock = server->clock,
        .on_jobs_changed = on_jobs_changed,
    };
    server->http = mnb_http_new(&options, &error);
    check(server->http != NULL, error);
    mnb_http_add_metrics(server->http, write_metrics, server);
    tell(server, "url", url);
    tell(server, "socket", socket);
}

int main(int argc, char **argv)
{
    GError *error = NULL;
    Server server = {.told = json_object()};
    g_assert(argc >= 2);
    mnb_log_start();
    signal(SIGPIPE, SIG_IGN);
    server.clock = mnb_clock_new();
    server.now_us = mnb_clock_wall_us(server.clock);
    server.loop = g_main_loop_new(NULL, FALSE);
    server.store = mnb_store_new(argv[1], &error);
    check(server.store != NULL, error);
    server.catalog = mnb_catalog_open(server.store, MNB_CATALOG_NO_FLAGS, &error);
    check(server.catalog != NULL, error);
    check(mnb_catalog_write_sync(server.catalog, seed, &server, &error), error);
    MnbRoomsOptions rooms = {.catalog = server.catalog};
    server.rooms = mnb_rooms_new(&rooms, &error);

    MnbFrontDoorOptions door = {
        .state_dir = argv[1],
        .web_client_dir = argc > 2 ? argv[2] : NULL,
        .listen_address = "127.0.0.1",
        .worker_processes = 1,
        .tls_certificate = argc > 4 ? argv[3] : NULL,
        .tls_key = argc > 4 ? argv[4] : NULL,
    };
    server.door = mnb_front_door_new(&door, &error);
    check(server.door != NULL, error);
    start_http(&server, argv[1], argc > 2 ? argv[2] : NULL, argc > 4 ? "https" : "http");
    check(mnb_front_door_start(server.door, &error), error);
    mnb_http_set_state(server.http, MNB_HTTP_SERVING);
    json_object_set_new(server.told, "nginx", json_integer(mnb_front_door_pid(server.door)));
    char *told = json_dumps(server.told, JSON_COMPACT);
    printf("%s\n", told);
    fflush(stdout);
    free(told);
    json_decref(server.told);

    GIOChannel *input = g_io_channel_unix_new(0);
    g_io_add_watch(input, G_IO_IN | G_IO_HUP, on_line, &server);
    g_main_loop_run(server.loop);
    g_io_channel_unref(input);

    mnb_front_door_free(server.door);
    mnb_http_free(server.http);
    mnb_catalog_close(server.catalog);
    mnb_rooms_free(server.rooms);
    mnb_store_free(server.store);
    mnb_clock_free(server.clock);
    g_main_loop_unref(server.loop);
    return 0;
}
