#include "server/app.h"

#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

#include "pipelines/manager/jobs.h"
#include "pipelines/manager/media-pool.h"
#include "pipelines/manager/programs.h"
#include "recordings/catalog.h"
#include "recordings/staff.h"
#include "server/admin.h"
#include "server/base/clock.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/demo.h"
#include "server/http/front-door.h"
#include "server/http/http.h"
#include "server/mail/compose.h"
#include "server/mail/mailer.h"
#include "server/notify.h"
#include "server/publisher.h"
#include "server/rooms/feed-url.h"
#include "server/rooms/feeds.h"
#include "server/rooms/rooms.h"
#include "server/signalling/signalling.h"
#include "server/uploads/uploads.h"

#define PRUNE_INTERVAL_S 86400
#define READY_WAIT_MS    5000 /* for media workers; later we serve without those that are missing */
#define READY_POLL_MS    10

struct MnbApp {
    const MnbConfig *config;
    GMainLoop *loop;
    MnbClock *clock;
    MnbStore *store;
    MnbCatalog *catalog;
    MnbFrontDoor *front_door; /* NULL: somebody else's proxy */
    char *media_socket;       /* STATE/run/media.sock: ICE-TCP from the front door */
    MnbMediaPool *pool;
    MnbWalls *walls;
    MnbJobs *jobs;
    MnbRooms *rooms;
    MnbUploads *uploads;
    MnbMailer *mailer; /* NULL: no relay */
    MnbHttp *http;
    MnbSignalling *signalling;
    MnbAdmin *admin;
    char *public_url;
    char *web_root; /* NULL: the web client is not built */
    gboolean prints_links;
    guint waited_ms; /* for the media workers, at start */
    guint sources[8];
    guint n_sources;
    int stopping; /* parts that have not said they are done; 0: not stopping */
    gboolean is_stopping;
    int exit_code;
};

/* ------------------------------------------------------------------ building */

static gboolean build_store(MnbApp *app, GError **error)
{
    app->store = mnb_store_new(app->config->server.state_dir, error);
    if (app->store == NULL)
        return FALSE;
    app->catalog = mnb_catalog_open(app->store, MNB_CATALOG_RESTORE, error);
    return app->catalog != NULL;
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

/* What people type: `localhost` is an origin that browsers give camera and microphone to. */
static char *make_public_url(MnbApp *app)
{
    const MnbConfig *config = app->config;
    if (config->server.public_url[0] != '\0')
        return g_strdup(config->server.public_url);
    const char *scheme = config->server.tls_certificate[0] != '\0' ? "https" : "http";
    guint port =
        app->front_door != NULL ? mnb_front_door_port(app->front_door) : (guint)config->server.port;
    const char *listen = config->server.listen;
    gboolean is_anywhere = strcmp(listen, "127.0.0.1") == 0 || strcmp(listen, "::1") == 0 ||
                           strcmp(listen, "0.0.0.0") == 0 || strcmp(listen, "::") == 0;
    const char *format =
        !is_anywhere && strchr(listen, ':') != NULL ? "%s://[%s]:%u" : "%s://%s:%u";
    char *url;
    /* The format is one of the two literals above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    url = g_strdup_printf(format, scheme, is_anywhere ? "localhost" : listen, port);
#pragma GCC diagnostic pop
    return url;
}

static gboolean build_front_door(MnbApp *app, GError **error)
{
    const MnbConfig *config = app->config;
    app->media_socket =
        g_build_filename(mnb_store_folder(app->store, MNB_STORE_RUN), "media.sock", NULL);
    app->web_root = config->server.web_root[0] != '\0' ? g_strdup(config->server.web_root)
                                                       : mnb_programs_find_web_root();
    if (config->server.front_door == MNB_FRONT_DOOR_NGINX) {
        app->front_door = mnb_front_door_new(
            &(MnbFrontDoorOptions){
                .state_dir = mnb_store_folder(app->store, MNB_STORE_ROOT),
                .web_client_dir = app->web_root,
                .listen_address = config->server.listen,
                .port = (guint16)config->server.port,
                .tls_certificate = or_null(config->server.tls_certificate),
                .tls_key = or_null(config->server.tls_key),
                .media_socket = config->media.tcp == MNB_SWITCH_ON ? app->media_socket : NULL,
                .nginx_path = or_null(config->server.nginx),
            },
            error);
        if (app->front_door == NULL)
            return FALSE;
    }
    app->public_url = make_public_url(app);
    return TRUE;
}

/* Returns FALSE with @error when a sandbox is required and there is none. */
static gboolean choose_sandbox(MnbSandbox wanted, gboolean *has_sandbox_out, GError **error)
{
    *has_sandbox_out = wanted != MNB_SANDBOX_OFF && mnb_media_pool_can_sandbox();
    if (*has_sandbox_out || wanted == MNB_SANDBOX_OFF)
        return TRUE;
    if (wanted == MNB_SANDBOX_REQUIRED) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_DENIED,
                    "[media] sandbox is required, but seccomp(2) is not allowed here");
        return FALSE;
    }
    MNB_LOG_WARNING("media workers run without a sandbox", "reason=seccomp(2) is not allowed here");
    return TRUE;
}

/* Where people's browsers find the front door: NAT may give it another port than its own. */
static guint16 public_port(const MnbApp *app)
{
    int port = -1;
    if (app->config->server.public_url[0] != '\0' &&
        g_uri_split_network(app->config->server.public_url, G_URI_FLAGS_NONE, NULL, NULL, &port,
                            NULL))
        return port > 0 ? (guint16)port : 443;
    return mnb_front_door_port(app->front_door);
}

/* Returns: the one address on which the front door is reached; NULL: all that are announced. */
static const char *door_address(const MnbConfig *config)
{
    const char *listen = config->server.listen;
    gboolean is_any = strcmp(listen, "0.0.0.0") == 0 || strcmp(listen, "::") == 0;
    return is_any || config->media.announce[0] != NULL ? NULL : listen;
}

static gboolean is_public(const char *text)
{
    g_autoptr(GInetAddress) ip = g_inet_address_new_from_string(text);
    return !g_inet_address_get_is_loopback(ip) && !g_inet_address_get_is_site_local(ip) &&
           !g_inet_address_get_is_link_local(ip);
}

/* Behind NAT pages are seen and media are not, and nothing else says why. */
static void warn_of_nat(const MnbApp *app)
{
    const MnbConfig *config = app->config;
    g_autoptr(GInetAddress) listen = g_inet_address_new_from_string(config->server.listen);
    gboolean is_local = listen != NULL && g_inet_address_get_is_loopback(listen);
    if (config->media.announce[0] != NULL || (is_local && config->server.public_url[0] == '\0'))
        return;
    guint n;
    const MnbMediaAddress *addresses =
        mnb_media_worker_addresses(mnb_media_pool_get(app->pool, 0), &n);
    for (guint i = 0; i < n; i++)
        if (is_public(addresses[i].address))
            return;
    MNB_LOG_WARNING("media have no address that can be reached from the internet: if people come "
                    "from outside, set [media] announce to the address that they see");
}

static gboolean build_media(MnbApp *app, GError **error)
{
    const MnbConfig *config = app->config;
    gboolean has_sandbox;
    if (!choose_sandbox(config->media.sandbox, &has_sandbox, error))
        return FALSE;
    g_autofree char *program = mnb_programs_find("manabi-media", error);
    if (program == NULL)
        return FALSE;
    gboolean has_door = app->front_door != NULL && mnb_front_door_has_media(app->front_door);
    app->pool = mnb_media_pool_new(
        &(MnbMediaPoolOptions){
            .program = program,
            .workers = (guint)config->media.workers,
            .port = (guint16)config->media.port,
            .announce = (const char *const *)config->media.announce,
            .has_sandbox = has_sandbox,
            .has_tcp = config->media.tcp == MNB_SWITCH_ON,
            .door_path = has_door ? app->media_socket : NULL,
            .door_port = has_door ? public_port(app) : 0,
            .door_address = door_address(config),
        },
        error);
    if (app->pool == NULL)
        return FALSE;
    warn_of_nat(app);
    return mnb_media_pool_start(app->pool, error);
}

static gboolean build_jobs(MnbApp *app, GError **error)
{
    const MnbConfig *config = app->config;
    app->walls = mnb_walls_new(config->jobs.sandbox, error);
    if (app->walls == NULL)
        return FALSE;
    app->jobs = mnb_jobs_new(
        &(MnbJobsOptions){
            .catalog = app->catalog,
            .walls = app->walls,
            .parallel = (guint)config->jobs.parallel,
            .memory_mb = (guint)config->jobs.memory_mb,
            .timeout_s = (guint)config->jobs.timeout_s,
        },
        NULL, NULL);
    return mnb_jobs_recover(app->jobs, error);
}

static void on_jobs_changed(gpointer data)
{
    MnbApp *app = data;
    mnb_jobs_kick(app->jobs);
}

/* Returns (owned): NULL when there are no live feeds here. */
static char *find_ingest(void)
{
    g_autoptr(GError) missing = NULL;
    char *program = mnb_programs_find("manabi-ingest", &missing);
    if (program == NULL)
        MNB_LOG_WARNING("no live feeds are taken", "reason=%s", missing->message);
    return program;
}

static gboolean build_rooms(MnbApp *app, GError **error)
{
    g_autoptr(GError) missing = NULL;
    g_autofree char *program = mnb_programs_find("manabi-record", &missing);
    if (program == NULL)
        MNB_LOG_WARNING("sessions cannot be recorded", "reason=%s", missing->message);
    g_autofree char *slides =
        g_build_filename(mnb_store_folder(app->store, MNB_STORE_ROOT), "slides", NULL);
    for (guint i = 0; app->config->ingest.camera_networks[i] != NULL; i++)
        if (!mnb_feed_network_check(app->config->ingest.camera_networks[i], error))
            return FALSE;
    g_autofree char *ingest = find_ingest();
    MnbFeedRules rules = {
        .address = strchr(app->config->server.listen, ':') != NULL ? "::" : "0.0.0.0",
        .srt_port = (guint16)app->config->ingest.srt_port,
        .srt_places = (guint)app->config->ingest.srt_ports,
        .rtmp_port = (guint16)app->config->ingest.rtmp_port,
        .height = (guint)app->config->ingest.picture_height / 2 * 2,
        .camera_networks = (const char *const *)app->config->ingest.camera_networks,
        .walls = app->walls,
    };
    app->rooms = mnb_rooms_new(
        &(MnbRoomsOptions){
            .catalog = app->catalog,
            .pool = app->pool,
            .clock = app->clock,
            .record_program = program,
            .walls = app->walls,
            .slides_dir = slides,
            .ingest_program = ingest,
            .feed_rules = &rules,
            .ring_bytes = (guint32)app->config->recording.ring_mb << 20,
            .min_free_bytes = app->config->recording.min_free_mb << 20,
            .max_peers = (guint)app->config->rooms.peers_max,
            .spread = (guint)app->config->media.spread,
            .away_ms = (guint)(app->config->rooms.away_s * 1000),
            .on_jobs_added = on_jobs_changed,
            .data = app,
        },
        error);
    return app->rooms != NULL;
}

static void write_pool_metrics(GString *text, gpointer data)
{
    mnb_media_pool_write_metrics(((MnbApp *)data)->pool, text);
}

static void write_rooms_metrics(GString *text, gpointer data)
{
    mnb_rooms_write_metrics(((MnbApp *)data)->rooms, text);
}

static void write_signalling_metrics(GString *text, gpointer data)
{
    mnb_signalling_write_metrics(((MnbApp *)data)->signalling, text);
}

static void write_jobs_metrics(GString *text, gpointer data)
{
    mnb_jobs_write_metrics(((MnbApp *)data)->jobs, text);
}

#define GIB (G_GINT64_CONSTANT(1) << 30)

static gboolean build_uploads(MnbApp *app, GError **error)
{
    const MnbConfig *config = app->config;
    app->uploads = mnb_uploads_new(&(MnbUploadsOptions){
        .catalog = app->catalog,
        .max_bytes = config->uploads.film_max_gb * GIB,
        .city_quota_bytes = config->uploads.city_quota_gb * GIB,
        .min_free_bytes = config->recording.min_free_mb << 20,
        .on_jobs_added = on_jobs_changed,
        .data = app,
    });
    return TRUE;
}

static void write_uploads_metrics(GString *text, gpointer data)
{
    mnb_uploads_write_metrics(((MnbApp *)data)->uploads, text);
}

static void on_link_revoked(const char *link, gpointer data)
{
    MnbApp *app = data;
    mnb_rooms_revoke_link(app->rooms, link);
}

static void write_mail_metrics(GString *text, gpointer data)
{
    mnb_mailer_write_metrics(((MnbApp *)data)->mailer, text);
}

static gboolean build_mailer(MnbApp *app, GError **error)
{
    const MnbConfig *config = app->config;
    mnb_compose_init(); /* invitations are written without a relay, too */
    if (config->mail.relay[0] == '\0')
        return TRUE;
    app->mailer = mnb_mailer_new(
        &(MnbMailerOptions){
            .catalog = app->catalog,
            .clock = app->clock,
            .relay = config->mail.relay,
            .from = config->mail.from,
            .user = config->mail.user,
            .password_file = config->mail.password_file,
            .needs_tls = config->mail.needs_tls == MNB_SWITCH_ON,
        },
        error);
    return app->mailer != NULL;
}

static gboolean build_doors(MnbApp *app, GError **error)
{
    const char *run = mnb_store_folder(app->store, MNB_STORE_RUN);
    g_autofree char *api = g_build_filename(run, "api.sock", NULL);
    g_autofree char *signal = g_build_filename(run, "signal.sock", NULL);
    app->http = mnb_http_new(
        &(MnbHttpOptions){
            .socket_path = api,
            .public_url = app->public_url,
            .version = MNB_VERSION,
            .web_client_dir = app->web_root,
            .catalog = app->catalog,
            .rooms = app->rooms,
            .uploads = app->uploads,
            .mailer = app->mailer,
            .clock = app->clock,
            .on_jobs_changed = on_jobs_changed,
            .data = app,
        },
        error);
    if (app->http == NULL)
        return FALSE;
    const char *origins[] = {app->public_url, NULL};
    app->signalling = mnb_signalling_new(
        &(MnbSignallingOptions){
            .socket_path = signal,
            .origins = origins,
            .rooms = app->rooms,
        },
        error);
    if (app->signalling == NULL)
        return FALSE;
    mnb_http_add_metrics(app->http, write_pool_metrics, app);
    mnb_http_add_metrics(app->http, write_rooms_metrics, app);
    mnb_http_add_metrics(app->http, write_jobs_metrics, app);
    mnb_http_add_metrics(app->http, write_signalling_metrics, app);
    mnb_http_add_metrics(app->http, write_uploads_metrics, app);
    if (app->mailer != NULL)
        mnb_http_add_metrics(app->http, write_mail_metrics, app);
    app->admin = mnb_admin_new(
        &(MnbAdminOptions){
            .catalog = app->catalog,
            .public_url = app->public_url,
            .on_jobs_changed = on_jobs_changed,
            .on_link_revoked = on_link_revoked,
            .data = app,
        },
        error);
    if (app->admin == NULL)
        return FALSE;
    return app->front_door == NULL || mnb_front_door_start(app->front_door, error);
}

/* ------------------------------------------------------------------ running */

static void serve(MnbApp *app)
{
    mnb_jobs_start(app->jobs);
    mnb_http_set_state(app->http, MNB_HTTP_SERVING);
    g_autoptr(GError) error = NULL;
    if (app->prints_links && !mnb_demo_print(app->catalog, app->public_url, &error))
        MNB_LOG_ERROR("no demonstration event", "reason=%s", error->message);
    printf("ready %s\n", app->public_url);
    fflush(stdout);
    mnb_notify("READY=1");
    MNB_LOG_INFO("serving", "version=%s media_workers=%u", MNB_VERSION,
                 mnb_media_pool_count_ready(app->pool));
}

static gboolean on_ready_poll(gpointer data)
{
    MnbApp *app = data;
    app->waited_ms += READY_POLL_MS;
    if (app->is_stopping)
        return G_SOURCE_REMOVE;
    guint ready = mnb_media_pool_count_ready(app->pool);
    if (ready < mnb_media_pool_count(app->pool) && app->waited_ms < READY_WAIT_MS)
        return G_SOURCE_CONTINUE;
    if (ready == 0)
        MNB_LOG_ERROR("no media worker is ready: sessions have no sound and picture yet");
    serve(app);
    return G_SOURCE_REMOVE;
}

static gboolean on_backup(gpointer data)
{
    mnb_catalog_backup(((MnbApp *)data)->catalog);
    return G_SOURCE_CONTINUE;
}

static gboolean write_prune(MnbDb *db, gpointer data, GError **error)
{
    return mnb_staff_prune_tokens(db, g_get_real_time(), error);
}

static gboolean on_prune(gpointer data)
{
    mnb_catalog_write(((MnbApp *)data)->catalog, write_prune, NULL, NULL, NULL, NULL);
    return G_SOURCE_CONTINUE;
}

static gboolean on_watchdog(gpointer data)
{
    mnb_notify("WATCHDOG=1");
    return G_SOURCE_CONTINUE;
}

static void keep_source(MnbApp *app, guint source)
{
    g_assert(app->n_sources < G_N_ELEMENTS(app->sources));
    app->sources[app->n_sources++] = source;
}

MnbApp *mnb_app_new(const MnbConfig *config, gboolean prints_links, GError **error)
{
    MnbApp *app = g_new0(MnbApp, 1);
    app->config = config;
    app->prints_links = prints_links;
    app->loop = g_main_loop_new(NULL, FALSE);
    app->clock = mnb_clock_new();
    static gboolean (*const steps[])(MnbApp *, GError **) = {
        build_store, build_front_door, build_media,  build_jobs,
        build_rooms, build_uploads,    build_mailer, build_doors,
    };
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        if (!steps[i](app, error)) {
            mnb_app_free(app);
            return NULL;
        }
    }
    keep_source(app, g_timeout_add_seconds(MNB_CATALOG_BACKUP_S, on_backup, app));
    keep_source(app, g_timeout_add_seconds(PRUNE_INTERVAL_S, on_prune, app));
    gboolean second_person = config->publishing.second_person == MNB_SWITCH_ON;
    keep_source(app, mnb_publisher_start(app->catalog, second_person));
    guint64 watchdog_us = mnb_notify_watchdog_us();
    if (watchdog_us > 0)
        keep_source(app, g_timeout_add((guint)(watchdog_us / 1000), on_watchdog, app));
    return app;
}

int mnb_app_run(MnbApp *app)
{
    g_timeout_add(READY_POLL_MS, on_ready_poll, app);
    g_main_loop_run(app->loop);
    return app->exit_code;
}

/* ------------------------------------------------------------------ stopping */

/* Recorders and jobs first, while the workers still run; then the workers; then the loop. */
static void on_pool_stopped(gpointer data)
{
    g_main_loop_quit(((MnbApp *)data)->loop);
}

static void on_part_stopped(gpointer data)
{
    MnbApp *app = data;
    if (--app->stopping > 0)
        return;
    if (app->front_door != NULL)
        mnb_front_door_stop(app->front_door);
    mnb_media_pool_stop(app->pool, on_pool_stopped, app);
}

static gboolean on_stop_deadline(gpointer data)
{
    MnbApp *app = data;
    MNB_LOG_ERROR("not everything ended in time and is cut off");
    app->exit_code = 1;
    g_main_loop_quit(app->loop);
    return G_SOURCE_REMOVE;
}

void mnb_app_stop(MnbApp *app)
{
    if (app->is_stopping) {
        g_main_loop_quit(app->loop);
        return;
    }
    app->is_stopping = TRUE;
    MNB_LOG_INFO("stopping");
    mnb_notify("STOPPING=1");
    mnb_http_set_state(app->http, MNB_HTTP_DRAINING);
    mnb_signalling_drain(app->signalling);
    g_timeout_add_seconds((guint)app->config->server.stop_timeout_s, on_stop_deadline, app);
    app->stopping = 2;
    mnb_rooms_stop(app->rooms, on_part_stopped, app);
    mnb_jobs_stop(app->jobs, on_part_stopped, app);
}

void mnb_app_free(MnbApp *app)
{
    if (app == NULL)
        return;
    for (guint i = 0; i < app->n_sources; i++)
        g_source_remove(app->sources[i]);
    mnb_front_door_free(app->front_door);
    g_free(app->media_socket);
    mnb_admin_free(app->admin);
    mnb_signalling_free(app->signalling);
    mnb_http_free(app->http);
    mnb_mailer_free(app->mailer);
    mnb_uploads_free(app->uploads);
    mnb_rooms_free(app->rooms);
    mnb_jobs_free(app->jobs);
    mnb_walls_free(app->walls);
    mnb_media_pool_free(app->pool);
    mnb_catalog_close(app->catalog);
    mnb_store_free(app->store);
    mnb_clock_free(app->clock);
    g_main_loop_unref(app->loop);
    g_free(app->public_url);
    g_free(app->web_root);
    g_free(app);
}
