/* WebSockets on libwebsockets 4.1.6.
 *
 *     nginx --unix--> lws (GLib event plugin) --Line--> mnb_message_parse() --> MnbClient
 * (server/rooms)
 *
 * This version of the library has holes that are avoided here: LWS_CALLBACK_HTTP_CONFIRM_UPGRADE is
 * not handled (CVE-2025-11677), no extensions (compression) are offered, no HTTP/2, no files. */
#include "server/signalling/signalling.h"
#include "server/access/origin.h"
#include "server/access/rate.h"
#include "server/base/clock.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/rooms/client.h"
#include "server/signalling/message.h"
#include "server/signalling/request-limits.h"
#include <errno.h>
#include <glib-unix.h>
#include <libwebsockets.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define HELLO_LIMIT_S 5
#define QUEUE_MAX     (1024 * 1024) /* bytes waiting for one client */
/* A new place in a roster stays there for good, so nobody may take them without end. A hall full of
 * people behind one address still comes in at once. */
#define JOINS_BURST       600
#define JOINS_REFILL_MS   3000
#define JOINS_KEYS_MAX    4096
#define STRANGERS_MAX     64  /* sockets of one address without hello */
#define LINGER_MS         500 /* what a flooding client still sends is thrown away */
#define CLOSE_LIMIT_S     5   /* to answer our close */
#define HANDSHAKE_LIMIT_S 15
#define LISTEN_BACKLOG    4096
#define ACCEPT_PAUSE_MS   500 /* when there are no descriptors left */
#define ORIGIN_MAX        512
#define ADDRESS_MAX       64

#define MESSAGES_PER_S 30
#define MESSAGES_BURST 60

typedef struct {
    guint8 *data; /* LWS_PRE bytes, then the text */
    gsize len;
} Outgoing;

/* One WebSocket. */
typedef struct {
    MnbSignalling *owner;
    struct lws *wsi;
    MnbClient *client; /* NULL once the room has nothing to say to it any more */
    char address[ADDRESS_MAX];
    gboolean is_stranger; /* counts in strangers: has not said hello yet */
    GByteArray *incoming; /* fragments of a message */
    GQueue queue;         /* Outgoing */
    gsize queued;
    gboolean is_closing;
    gboolean is_lingering; /* closing, but not yet */
    guint16 close_code;
    char close_reason[64];
    MnbBucket messages;
    MnbLimits limits;
} Line;

typedef struct {
    Line *line;
} Session; /* what lws keeps for a socket */

struct MnbSignalling {
    int listener;        /* -1: none */
    guint accept_source; /* 0: none */
    guint accept_pause;  /* timer; 0: none */
    MnbRooms *rooms;
    GStrv origins;
    char *socket_path;
    GMainLoop *loop; /* never run: names the main context for lws */
    struct lws_context *context;
    struct lws_vhost *vhost;
    GPtrArray *lines;      /* Line */
    GHashTable *strangers; /* address -> number */
    MnbRate *joins;        /* by address: new places in rosters */
    gboolean is_draining;
    guint64 opened, refused_origin, refused_address, too_fast, broken, overflowed, messages;
};

/* ----------------------------------------------------------------------------------- strangers */

static gboolean may_take_place(gpointer data)
{
    const Line *line = data;
    g_autofree char *key = mnb_rate_address_key(line->address);
    return mnb_rate_take(line->owner->joins, key, g_get_monotonic_time()) == 0;
}

static guint stranger_count(MnbSignalling *self, const char *address)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(self->strangers, address));
}

static void add_stranger(Line *line)
{
    guint count = stranger_count(line->owner, line->address);
    g_hash_table_insert(line->owner->strangers, g_strdup(line->address),
                        GUINT_TO_POINTER(count + 1));
    line->is_stranger = TRUE;
}

static void remove_stranger(Line *line)
{
    guint count = stranger_count(line->owner, line->address);
    if (!line->is_stranger)
        return;
    line->is_stranger = FALSE;
    if (count <= 1)
        g_hash_table_remove(line->owner->strangers, line->address);
    else
        g_hash_table_insert(line->owner->strangers, g_strdup(line->address),
                            GUINT_TO_POINTER(count - 1));
}

/* ------------------------------------------------------------------------------------- sending */

static void outgoing_free(gpointer data)
{
    Outgoing *outgoing = data;
    g_free(outgoing->data);
    g_free(outgoing);
}

static void begin_close(Line *line, guint16 code, const char *reason)
{
    if (line->is_closing)
        return;
    line->is_closing = TRUE;
    line->close_code = code;
    g_strlcpy(line->close_reason, reason, sizeof line->close_reason);
    lws_set_timeout(line->wsi, PENDING_TIMEOUT_USER_OK, CLOSE_LIMIT_S);
    lws_callback_on_writable(line->wsi);
}

/* For a client that is in full spate: closed at once, what it has under way would meet a closed
 * socket, and the reset would overtake the close frame with its code. */
static void linger_then_close(Line *line, guint16 code, const char *reason)
{
    if (line->is_closing)
        return;
    begin_close(line, code, reason);
    line->is_lingering = TRUE;
    lws_set_timer_usecs(line->wsi, LINGER_MS * LWS_US_PER_MS);
}

static void drop_queue(Line *line)
{
    g_queue_clear_full(&line->queue, outgoing_free);
    line->queued = 0;
}

/* The client does not read: it is cut, and comes back with its resume token for the whole state. */
static void on_overflow(Line *line)
{
    line->owner->overflowed++;
    drop_queue(line);
    line->is_closing = TRUE;
    lws_set_timeout(line->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

static void on_send(gpointer data, const char *json, gsize len)
{
    Line *line = data;
    if (line->is_closing)
        return;
    if (line->is_stranger && mnb_client_is_in(line->client)) {
        remove_stranger(line);
        lws_set_timer_usecs(line->wsi, LWS_SET_TIMER_USEC_CANCEL);
    }
    if (line->queued + len > QUEUE_MAX) {
        on_overflow(line);
        return;
    }
    Outgoing *outgoing = g_new(Outgoing, 1);
    outgoing->data = g_malloc(LWS_PRE + len);
    outgoing->len = len;
    memcpy(outgoing->data + LWS_PRE, json, len);
    g_queue_push_tail(&line->queue, outgoing);
    line->queued += len;
    lws_callback_on_writable(line->wsi);
}

static void on_close(gpointer data, MnbCloseCode code, const char *reason)
{
    begin_close(data, (guint16)code, reason);
}

static const MnbClientCalls client_calls = {
    .send = on_send, .close = on_close, .may_take_place = may_take_place};

/* Returns -1 when lws is to close the socket. */
static int on_writable(Line *line)
{
    Outgoing *outgoing = g_queue_pop_head(&line->queue);
    if (outgoing != NULL) {
        int written = lws_write(line->wsi, outgoing->data + LWS_PRE, outgoing->len, LWS_WRITE_TEXT);
        line->queued -= outgoing->len;
        outgoing_free(outgoing);
        if (written < 0)
            return -1;
        if (!g_queue_is_empty(&line->queue) || line->is_closing)
            lws_callback_on_writable(line->wsi);
        return 0;
    }
    if (!line->is_closing || line->is_lingering)
        return 0;
    lws_close_reason(line->wsi, line->close_code, (unsigned char *)line->close_reason,
                     strlen(line->close_reason));
    return -1;
}

/* ----------------------------------------------------------------------------------- receiving */

static void on_message(Line *line)
{
    MnbMessage message;
    gint64 id;
    g_autoptr(GError) error = NULL;
    const char *text = (const char *)line->incoming->data;
    MnbSignalling *self = line->owner;
    self->messages++;
    if (!mnb_message_parse(text, line->incoming->len, &message, &id, &error)) {
        self->broken++;
        if (id < 0 || !mnb_client_is_in(line->client)) {
            if (id >= 0)
                mnb_client_refuse(line->client, id, mnb_rooms_error_code(error), error->message);
            linger_then_close(line, MNB_CLOSE_BROKEN_MESSAGE, mnb_rooms_error_code(error));
            return;
        }
        mnb_client_refuse(line->client, id, mnb_rooms_error_code(error), error->message);
        return;
    }
    if (message.hello != NULL) {
        mnb_client_hello(line->client, message.hello);
    } else {
        const char *limit =
            mnb_limits_take(&line->limits, mnb_request_limit(message.request->kind),
                            mnb_client_may(line->client, MNB_MAY_MODERATE), mnb_clock_now_us(NULL));
        if (limit != NULL)
            mnb_client_refuse(line->client, id, "too-many", limit);
        else
            mnb_client_request(line->client, message.request);
    }
    mnb_message_clear(&message);
}

/* Returns -1 when lws is to close the socket. */
static int on_receive(Line *line, const guint8 *data, gsize len)
{
    if (line->is_closing)
        return 0;
    if (lws_is_first_fragment(line->wsi))
        g_byte_array_set_size(line->incoming, 0);
    if (lws_frame_is_binary(line->wsi) || line->incoming->len + len > MNB_MESSAGE_MAX) {
        line->owner->broken++;
        linger_then_close(line, MNB_CLOSE_BROKEN_MESSAGE, "bad-message");
        return 0;
    }
    g_byte_array_append(line->incoming, data, (guint)len);
    if (!lws_is_final_fragment(line->wsi) || lws_remaining_packet_payload(line->wsi) > 0)
        return 0;
    if (!mnb_bucket_take(&line->messages, mnb_clock_now_us(NULL))) {
        line->owner->too_fast++;
        linger_then_close(line, MNB_CLOSE_TOO_FAST, "too-many");
        return 0;
    }
    on_message(line);
    /* A long message does not keep its memory while the line idles. */
    if (line->incoming->len > 4096) {
        g_byte_array_unref(line->incoming);
        line->incoming = g_byte_array_new();
    } else {
        g_byte_array_set_size(line->incoming, 0);
    }
    return 0;
}

/* ------------------------------------------------------------------------- opening and closing */

static gboolean has_our_origin(MnbSignalling *self, struct lws *wsi)
{
    char origin[ORIGIN_MAX];
    int len = lws_hdr_copy(wsi, origin, sizeof origin, WSI_TOKEN_ORIGIN);
    for (guint i = 0; len > 0 && self->origins[i] != NULL; i++)
        if (mnb_origin_is_ours(self->origins[i], origin))
            return TRUE;
    return FALSE;
}

/* The last address in X-Forwarded-For is the one that our front door has seen itself. */
static void read_address(struct lws *wsi, char address[ADDRESS_MAX])
{
    char header[256];
    int len = lws_hdr_copy(wsi, header, sizeof header, WSI_TOKEN_X_FORWARDED_FOR);
    const char *last = len > 0 ? strrchr(header, ',') : NULL;
    g_strlcpy(address, len <= 0 ? "" : last != NULL ? last + 1 : header, ADDRESS_MAX);
    g_strstrip(address);
}

static int refuse_upgrade(struct lws *wsi, guint status)
{
    lws_return_http_status(wsi, status, NULL);
    return -1;
}

/* Before the upgrade: what is not ours is refused as plain HTTP. */
static int on_filter(MnbSignalling *self, struct lws *wsi)
{
    char address[ADDRESS_MAX];
    if (self->is_draining)
        return refuse_upgrade(wsi, HTTP_STATUS_SERVICE_UNAVAILABLE);
    if (!has_our_origin(self, wsi)) {
        self->refused_origin++;
        return refuse_upgrade(wsi, HTTP_STATUS_FORBIDDEN);
    }
    read_address(wsi, address);
    if (stranger_count(self, address) >= STRANGERS_MAX) {
        self->refused_address++;
        return refuse_upgrade(wsi, 429);
    }
    return 0;
}

static void on_established(MnbSignalling *self, struct lws *wsi, Session *session)
{
    Line *line = g_new0(Line, 1);
    session->line = line;
    line->owner = self;
    line->wsi = wsi;
    line->incoming = g_byte_array_new();
    g_queue_init(&line->queue);
    read_address(wsi, line->address);
    gint64 now = mnb_clock_now_us(NULL);
    mnb_bucket_init(&line->messages, MESSAGES_PER_S, MESSAGES_BURST, now);
    mnb_limits_init(&line->limits, now);
    line->client = mnb_client_new(self->rooms, &client_calls, line);
    g_ptr_array_add(self->lines, line);
    add_stranger(line);
    self->opened++;
    lws_set_timer_usecs(wsi, HELLO_LIMIT_S * LWS_USEC_PER_SEC);
}

static void on_closed(Session *session)
{
    Line *line = session->line;
    if (line == NULL)
        return;
    session->line = NULL;
    line->is_closing = TRUE; /* nothing is sent while the room says goodbye */
    mnb_client_free(line->client);
    remove_stranger(line);
    g_ptr_array_remove_fast(line->owner->lines, line);
    drop_queue(line);
    g_byte_array_unref(line->incoming);
    g_free(line);
}

static void on_timer(Line *line)
{
    if (line->is_lingering) {
        line->is_lingering = FALSE;
        lws_callback_on_writable(line->wsi);
    } else if (line->is_stranger) {
        begin_close(line, MNB_CLOSE_NO_HELLO, "no-hello");
    }
}

/* Protocol "manabi.v1". */
static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    MnbSignalling *self = lws_context_user(lws_get_context(wsi));
    Session *session = user;
    Line *line = session != NULL ? session->line : NULL;
    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return on_filter(self, wsi);
    case LWS_CALLBACK_ESTABLISHED:
        on_established(self, wsi, session);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return line != NULL ? on_receive(line, in, len) : -1;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return line != NULL ? on_writable(line) : -1;
    case LWS_CALLBACK_TIMER:
        if (line != NULL)
            on_timer(line);
        return 0;
    case LWS_CALLBACK_CLOSED:
        if (session != NULL)
            on_closed(session);
        return 0;
    default:
        return 0;
    }
}

/* The protocol of whoever asks for none, or for something that is not a WebSocket. */
static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t len)
{
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return refuse_upgrade(wsi, HTTP_STATUS_NOT_FOUND);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return refuse_upgrade(wsi, HTTP_STATUS_BAD_REQUEST);
    default:
        return 0;
    }
}

/* --------------------------------------------------------------------------------- start, stop */

static const struct lws_protocols protocols[] = {
    {"http", on_http, 0, 0, 0, NULL, 0},
    {"manabi.v1", on_event, sizeof(Session), 4096, 0, NULL, 0},
    {NULL, NULL, 0, 0, 0, NULL, 0},
};

/* A ping after 20 s of silence, hung up 20 s later. */
static const lws_retry_bo_t pings = {
    .secs_since_valid_ping = 20,
    .secs_since_valid_hangup = 40,
};

static void on_log(int level, const char *line)
{
    g_autofree char *text = g_strchomp(g_strdup(line));
    if (level & LLL_ERR)
        MNB_LOG_WARNING("libwebsockets", "text=\"%s\"", text);
    else
        MNB_LOG_DEBUG("libwebsockets", "text=\"%s\"", text);
}

/* Signals are main.c's. */
static void on_signal(void *handle, int signal_number)
{
}

static gboolean make_vhost(MnbSignalling *self, GError **error)
{
    static void *loops[1];
    loops[0] = self->loop;
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
        .user = self,
        .options = LWS_SERVER_OPTION_GLIB | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
        .signal_cb = on_signal,
        .timeout_secs = HANDSHAKE_LIMIT_S,
        .retry_and_idle_policy = &pings,
        .vhost_name = "signal",
    };
    self->context = lws_create_context(&info);
    if (self->context != NULL)
        self->vhost = lws_create_vhost(self->context, &info);
    if (self->vhost == NULL) {
        g_set_error_literal(error, MNB_ERROR, MNB_ERROR_MISSING,
                            "libwebsockets cannot start with its GLib plugin: install "
                            "libwebsockets-evlib-glib");
        return FALSE;
    }
    return TRUE;
}

static gboolean on_accept(gint fd, GIOCondition condition, gpointer data);

static gboolean on_pause_over(gpointer data)
{
    MnbSignalling *self = data;
    self->accept_pause = 0;
    self->accept_source = g_unix_fd_add(self->listener, G_IO_IN, on_accept, self);
    return G_SOURCE_REMOVE;
}

/* We listen and accept ourselves: this version of the library takes the path of a unix socket for
 * the name of a network interface. */
static gboolean on_accept(gint fd, GIOCondition condition, gpointer data)
{
    MnbSignalling *self = data;
    int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted >= 0) {
        lws_adopt_socket_vhost(self->vhost, accepted); /* closes it when it fails */
        return G_SOURCE_CONTINUE;
    }
    if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
        return G_SOURCE_CONTINUE;
    /* Who waits keeps waiting, and the listener stays readable: without a pause we would do nothing
     * but fail. */
    MNB_LOG_WARNING("no descriptor left for another WebSocket");
    self->accept_source = 0;
    self->accept_pause = g_timeout_add(ACCEPT_PAUSE_MS, on_pause_over, self);
    return G_SOURCE_REMOVE;
}

static gboolean listen_at(MnbSignalling *self, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, self->socket_path, sizeof address.sun_path);
    self->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(self->socket_path);
    mode_t mask = umask(0177);
    gboolean is_bound = self->listener >= 0 &&
                        bind(self->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
                        listen(self->listener, LISTEN_BACKLOG) == 0;
    int why = errno;
    umask(mask);
    if (!is_bound)
        return mnb_error_from_errno(error, -why, "%s", self->socket_path);
    self->accept_source = g_unix_fd_add(self->listener, G_IO_IN, on_accept, self);
    return TRUE;
}

MnbSignalling *mnb_signalling_new(const MnbSignallingOptions *options, GError **error)
{
    struct sockaddr_un address;
    if (strlen(options->socket_path) >= sizeof address.sun_path) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "%s: the path of a socket has at most %zu characters; use a shorter state "
                    "directory",
                    options->socket_path, sizeof address.sun_path - 1);
        return NULL;
    }
    MnbSignalling *self = g_new0(MnbSignalling, 1);
    self->rooms = options->rooms;
    self->origins = g_strdupv((char **)options->origins);
    self->socket_path = g_strdup(options->socket_path);
    self->loop = g_main_loop_new(NULL, FALSE);
    self->lines = g_ptr_array_new();
    self->joins = mnb_rate_new(JOINS_BURST, JOINS_REFILL_MS, JOINS_KEYS_MAX);
    self->strangers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    lws_set_log_level(LLL_ERR | LLL_WARN, on_log);
    self->listener = -1;
    if (!make_vhost(self, error) || !listen_at(self, error)) {
        mnb_signalling_free(self);
        return NULL;
    }
    return self;
}

void mnb_signalling_drain(MnbSignalling *self)
{
    self->is_draining = TRUE;
    for (guint i = 0; i < self->lines->len; i++)
        begin_close(g_ptr_array_index(self->lines, i), MNB_CLOSE_RESTART, "restart");
}

void mnb_signalling_free(MnbSignalling *self)
{
    if (self == NULL)
        return;
    self->is_draining = TRUE;
    g_clear_handle_id(&self->accept_source, g_source_remove);
    g_clear_handle_id(&self->accept_pause, g_source_remove);
    if (self->listener >= 0) {
        close(self->listener);
        unlink(self->socket_path);
    }
    if (self->context != NULL)
        lws_context_destroy(self->context);
    g_main_loop_unref(self->loop);
    g_ptr_array_unref(self->lines);
    g_hash_table_unref(self->strangers);
    mnb_rate_free(self->joins);
    g_strfreev(self->origins);
    g_free(self->socket_path);
    g_free(self);
}

void mnb_signalling_write_metrics(MnbSignalling *self, GString *out)
{
    const struct {
        const char *name, *type;
        guint64 value;
    } rows[] = {
        {"connections", "gauge", self->lines->len},
        {"opened_total", "counter", self->opened},
        {"messages_total", "counter", self->messages},
        {"broken_messages_total", "counter", self->broken},
        {"refused_origin_total", "counter", self->refused_origin},
        {"refused_address_total", "counter", self->refused_address},
        {"closed_too_fast_total", "counter", self->too_fast},
        {"closed_not_reading_total", "counter", self->overflowed},
    };
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        g_string_append_printf(out,
                               "# TYPE manabi_signalling_%s %s\n"
                               "manabi_signalling_%s %" G_GUINT64_FORMAT "\n",
                               rows[i].name, rows[i].type, rows[i].name, rows[i].value);
}
