#include "server/http/http.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/http/http-internal.h"
#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG          1024
#define CONNECTIONS_STOP (2 * MNB_HTTP_CONNECTIONS_MAX) /* no more are accepted */
#define RATE_KEYS_MAX    20000

/* One accepted connection, which carries one request. It is known only to cut it when it is too
 * old: libsoup has no time limit of its own. */
typedef struct {
    MnbHttp *http;
    GSocketConnection *stream; /* watched, not held */
    gint64 accepted_us;
    GList *link; /* in http->connections */
} Connection;

static void update_acceptor(MnbHttp *http)
{
    if (http->is_closed)
        return;
    gboolean is_full = http->connections.length >= CONNECTIONS_STOP;
    if (is_full == !g_socket_service_is_active(http->acceptor))
        return;
    if (is_full)
        g_socket_service_stop(http->acceptor);
    else
        g_socket_service_start(http->acceptor);
}

static void on_connection_gone(gpointer data, GObject *stream)
{
    Connection *connection = data;
    g_queue_delete_link(&connection->http->connections, connection->link);
    update_acceptor(connection->http);
    g_free(connection);
}

static gboolean on_sweep(gpointer data)
{
    MnbHttp *http = data;
    gint64 now_us = g_get_monotonic_time();
    for (GList *l = http->connections.head; l != NULL; l = l->next) {
        Connection *connection = l->data;
        if (now_us - connection->accepted_us < MNB_HTTP_DEADLINE_US)
            break;
        GSocket *socket = g_socket_connection_get_socket(connection->stream);
        if (!g_socket_is_closed(socket) && g_socket_shutdown(socket, TRUE, TRUE, NULL))
            http->n_cut++;
    }
    return G_SOURCE_CONTINUE;
}

static gboolean on_incoming(GSocketService *acceptor, GSocketConnection *stream, GObject *source,
                            gpointer data)
{
    MnbHttp *http = data;
    g_autoptr(GError) error = NULL;
    Connection *connection = g_new0(Connection, 1);
    connection->http = http;
    connection->stream = stream;
    connection->accepted_us = g_get_monotonic_time();
    g_queue_push_tail(&http->connections, connection);
    connection->link = http->connections.tail;
    g_object_weak_ref(G_OBJECT(stream), on_connection_gone, connection);
    http->n_connections++;
    /* libsoup wants addresses of the internet kind; nobody looks at them. */
    if (!soup_server_accept_iostream(http->soup, G_IO_STREAM(stream), http->address, http->address,
                                     &error))
        MNB_LOG_WARNING("connection refused", "reason=%s", error->message);
    update_acceptor(http);
    return TRUE;
}

static Connection *find_connection(MnbHttp *http, SoupServerMessage *message)
{
    GSocket *socket = soup_server_message_get_socket(message);
    for (GList *l = http->connections.head; l != NULL; l = l->next) {
        Connection *connection = l->data;
        if (g_socket_connection_get_socket(connection->stream) == socket)
            return connection;
    }
    return NULL;
}

void mnb_http_touch(MnbHttp *http, SoupServerMessage *message)
{
    Connection *connection = find_connection(http, message);
    if (connection == NULL)
        return;
    connection->accepted_us = g_get_monotonic_time();
    g_queue_unlink(&http->connections, connection->link); /* the oldest stay in front */
    g_queue_push_tail_link(&http->connections, connection->link);
}

void mnb_http_cut(MnbHttp *http, SoupServerMessage *message)
{
    Connection *connection = find_connection(http, message);
    if (connection == NULL)
        return;
    GSocket *socket = g_socket_connection_get_socket(connection->stream);
    if (!g_socket_is_closed(socket) && g_socket_shutdown(socket, TRUE, TRUE, NULL))
        http->n_cut++;
}

static void on_request_started(SoupServer *soup, SoupServerMessage *message, gpointer data)
{
    soup_message_headers_replace(soup_server_message_get_response_headers(message), "Connection",
                                 "close");
}

static void on_headers(SoupServer *soup, SoupServerMessage *message, const char *path,
                       GHashTable *query, gpointer data)
{
    mnb_http_request_begin(data, message);
}

static void on_body(SoupServer *soup, SoupServerMessage *message, const char *path,
                    GHashTable *query, gpointer data)
{
    mnb_http_request_run(message);
}

/* Returns (owned): a listening socket at @path, in place of a stale one. */
static GSocket *bind_socket(const char *path, GError **error)
{
    struct sockaddr_un limit;
    if (strlen(path) >= sizeof limit.sun_path) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "the path of the socket is longer than %zu bytes: %s (choose a shorter state "
                    "directory)",
                    sizeof limit.sun_path - 1, path);
        return NULL;
    }
    struct stat old;
    if (lstat(path, &old) == 0 && S_ISSOCK(old.st_mode))
        unlink(path);
    g_autoptr(GSocket) socket =
        g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
    if (socket == NULL)
        return NULL;
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    g_socket_set_listen_backlog(socket, BACKLOG);
    if (!g_socket_bind(socket, address, FALSE, error) || !g_socket_listen(socket, error)) {
        g_prefix_error(error, "%s: ", path);
        return NULL;
    }
    if (chmod(path, 0600) != 0) {
        mnb_error_from_errno(error, -errno, "%s", path);
        return NULL;
    }
    return g_steal_pointer(&socket);
}

static void start_soup(MnbHttp *http)
{
    http->soup = soup_server_new("server-header", NULL, NULL);
    http->address = g_inet_socket_address_new_from_string("127.0.0.1", 80);
    g_signal_connect(http->soup, "request-started", G_CALLBACK(on_request_started), http);
    soup_server_add_early_handler(http->soup, NULL, on_headers, http, NULL);
    soup_server_add_handler(http->soup, NULL, on_body, http, NULL);
}

MnbHttp *mnb_http_new(const MnbHttpOptions *options, GError **error)
{
    g_autoptr(GSocket) socket = bind_socket(options->socket_path, error);
    if (socket == NULL)
        return NULL;
    GSocketService *acceptor = g_socket_service_new();
    if (!g_socket_listener_add_socket(G_SOCKET_LISTENER(acceptor), socket, NULL, error)) {
        g_object_unref(acceptor);
        return NULL;
    }
    MnbHttp *http = g_new0(MnbHttp, 1);
    http->refs = 1;
    http->socket_path = g_strdup(options->socket_path);
    http->public_url = g_strdup(options->public_url);
    http->version = g_strdup(options->version);
    http->on_jobs_changed = options->on_jobs_changed;
    http->data = options->data;
    http->acceptor = acceptor;
    http->metrics = g_array_new(FALSE, FALSE, sizeof(MnbMetricsPart));
    http->refusals = mnb_rate_new(10, 60000, 1000);
    http->shell = mnb_page_shell_new(options->web_client_dir);
    http->services = (MnbServices){
        .catalog = options->catalog,
        .rooms = options->rooms,
        .uploads = options->uploads,
        .mailer = options->mailer,
        .clock = options->clock,
        .passwords = mnb_passwords_new(),
        .posts = mnb_rate_new(30, 1000, RATE_KEYS_MAX),
        .checks = mnb_rate_new(20, 5000, RATE_KEYS_MAX),
        .sign_ins = mnb_rate_new(10, 6000, RATE_KEYS_MAX),
        .guesses = mnb_rate_new(30, 2000, RATE_KEYS_MAX),
        .questions = mnb_rate_new(5, 60000, RATE_KEYS_MAX),
        .public_url = http->public_url,
        .version = http->version,
        .is_secure = g_str_has_prefix(http->public_url, "https:"),
    };
    g_queue_init(&http->connections);
    start_soup(http);
    g_signal_connect(acceptor, "incoming", G_CALLBACK(on_incoming), http);
    http->sweeper = g_timeout_add_seconds(1, on_sweep, http);
    return http;
}

/* Streams may outlive us in a paused message: forget them. */
static void forget_connections(MnbHttp *http)
{
    Connection *connection;
    while ((connection = g_queue_pop_head(&http->connections)) != NULL) {
        g_object_weak_unref(G_OBJECT(connection->stream), on_connection_gone, connection);
        g_free(connection);
    }
}

void mnb_http_free(MnbHttp *http)
{
    if (http == NULL)
        return;
    g_source_remove(http->sweeper);
    g_signal_handlers_disconnect_by_data(http->acceptor, http);
    g_socket_service_stop(http->acceptor);
    g_socket_listener_close(G_SOCKET_LISTENER(http->acceptor));
    unlink(http->socket_path);
    http->is_closed = TRUE; /* from here on requests are gone: their late answers do nothing */
    forget_connections(http);
    soup_server_disconnect(http->soup);
    g_clear_object(&http->soup);
    g_clear_object(&http->address);
    g_clear_object(&http->acceptor);
    g_clear_pointer(&http->services.passwords, mnb_passwords_free);
    mnb_http_unref(http);
}

MnbHttp *mnb_http_ref(MnbHttp *http)
{
    http->refs++;
    return http;
}

void mnb_http_unref(MnbHttp *http)
{
    if (--http->refs > 0)
        return;
    mnb_rate_free(http->refusals);
    mnb_page_shell_free(http->shell);
    mnb_rate_free(http->services.posts);
    mnb_rate_free(http->services.checks);
    mnb_rate_free(http->services.sign_ins);
    mnb_rate_free(http->services.guesses);
    mnb_rate_free(http->services.questions);
    g_array_unref(http->metrics);
    g_free(http->socket_path);
    g_free(http->public_url);
    g_free(http->version);
    g_free(http);
}

void mnb_http_set_state(MnbHttp *http, MnbHttpState state)
{
    http->state = state;
}

void mnb_http_add_metrics(MnbHttp *http, void (*write)(GString *text, gpointer data), gpointer data)
{
    MnbMetricsPart part = {write, data};
    g_array_append_val(http->metrics, part);
}
