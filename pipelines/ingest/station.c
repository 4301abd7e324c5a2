#include "pipelines/ingest/station.h"

#include "pipelines/common/program.h"
#include "pipelines/ingest/command.h"

#include <glib-unix.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TICK_MS      100
#define TICKS_REPORT 10
#define RETRY_MS     200  /* an SRT listener is open again at once */
#define RETRY_MAX_MS 5000 /* a camera that is not there is asked less and less often */

typedef struct {
    MnbRing *ring;
    MnbLineReader *commands;
    GMainLoop *loop;
    json_t *start; /* the start command: strings of the source are borrowed from it */
    MnbIngestCommand config;
    MnbOutlet *outlet;
    MnbSource *source;
    MnbSource *ended; /* freed in the next turn: it is calling us */
    guint retry, retry_ms;
    guint ticks;
    GError *error;
} Station;

static void end(Station *self, GError *error)
{
    if (error != NULL && self->error == NULL)
        self->error = error;
    else if (error != NULL)
        g_error_free(error);
    g_main_loop_quit(self->loop);
}

static void on_source_ended(MnbSource *source, const char *reason, const char *detail,
                            gpointer data);

static gboolean on_retry(gpointer data)
{
    Station *self = data;
    GError *error = NULL;
    self->retry = 0;
    mnb_source_free(g_steal_pointer(&self->ended));
    self->source =
        mnb_source_new(&self->config.source, self->outlet, on_source_ended, self, &error);
    if (self->source == NULL)
        end(self, error);
    return G_SOURCE_REMOVE;
}

static void on_source_ended(MnbSource *source, const char *reason, const char *detail,
                            gpointer data)
{
    Station *self = data;
    gboolean was_connected = mnb_source_is_connected(source);
    gboolean is_listener = self->config.source.kind == MNB_SOURCE_SRT;
    g_autofree char *words = g_utf8_make_valid(detail, -1);
    mnb_lines_emit(
        json_pack("{s:s, s:s, s:s}", "event", "gone", "reason", reason, "detail", words));
    self->ended = source;
    self->source = NULL;
    self->retry_ms = was_connected || is_listener
                         ? RETRY_MS
                         : MIN(MAX(self->retry_ms, RETRY_MS) * 2, RETRY_MAX_MS);
    self->retry = g_timeout_add(self->retry_ms, on_retry, self);
}

static void start(Station *self, json_t *object, const MnbIngestCommand *command)
{
    GError *error = NULL;
    if (self->outlet != NULL) {
        mnb_lines_warn("bad-command", "started twice");
        return;
    }
    self->start = json_incref(object);
    self->config = *command;
    self->outlet = mnb_outlet_new(&self->config.outlet, self->ring, &error);
    if (self->outlet == NULL) {
        end(self, error);
        return;
    }
    mnb_lines_emit(json_pack("{s:s}", "event", "ready"));
    on_retry(self);
}

static void run(Station *self, json_t *object)
{
    MnbIngestCommand command;
    const char *reason = NULL;
    if (!mnb_ingest_command_parse(object, &command, &reason)) {
        mnb_lines_warn("bad-command", "%s", reason);
        return;
    }
    if (command.what == MNB_INGEST_START)
        start(self, object, &command);
    else if (command.what == MNB_INGEST_STOP)
        end(self, NULL);
    else if (self->outlet == NULL)
        mnb_lines_warn("bad-command", "not started");
    else if (command.what == MNB_INGEST_LIVE)
        mnb_outlet_set_live(self->outlet, command.is_live, command.video, command.audio);
    else
        mnb_outlet_key_frame(self->outlet);
}

static gboolean on_input(gint fd, GIOCondition condition, gpointer data)
{
    Station *self = data;
    char bytes[4096];
    ssize_t n = read(fd, bytes, sizeof bytes);
    (void)condition;
    if (n <= 0) {
        end(self, NULL);
        return G_SOURCE_REMOVE;
    }
    mnb_line_reader_feed(self->commands, bytes, (gsize)n);
    for (;;) {
        json_t *object = NULL;
        const char *reason = NULL;
        int got = mnb_line_reader_take(self->commands, &object, &reason);
        if (got == 0)
            return G_SOURCE_CONTINUE;
        if (got < 0)
            mnb_lines_warn("bad-command", "%s", reason);
        else
            run(self, object);
        json_decref(object);
    }
}

static gboolean on_signal(gint fd, GIOCondition condition, gpointer data)
{
    (void)fd;
    (void)condition;
    end(data, NULL);
    return G_SOURCE_REMOVE;
}

static gboolean on_tick(gpointer data)
{
    Station *self = data;
    GError *error = NULL;
    if (self->outlet == NULL)
        return G_SOURCE_CONTINUE;
    if (!mnb_outlet_tick(self->outlet, &error)) {
        end(self, error);
        return G_SOURCE_CONTINUE;
    }
    if (++self->ticks % TICKS_REPORT == 0)
        mnb_lines_emit(self->source != NULL
                           ? mnb_source_report(self->source)
                           : json_pack("{s:s, s:b}", "event", "arriving", "is_connected", 0));
    return G_SOURCE_CONTINUE;
}

static void clear(Station *self)
{
    if (self->retry != 0)
        g_source_remove(self->retry);
    mnb_source_free(self->source);
    mnb_source_free(self->ended);
    mnb_outlet_free(self->outlet);
    mnb_line_reader_free(self->commands);
    json_decref(self->start);
    mnb_ring_close(self->ring);
    g_main_loop_unref(self->loop);
}

gboolean mnb_station_run(const MnbStationOptions *options, GError **error)
{
    int ring_error = 0;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    Station self = {
        .ring = mnb_ring_open_producer(options->ring_fd, options->event_fd, &ring_error),
        .commands = mnb_line_reader_new(),
        .loop = g_main_loop_new(NULL, FALSE),
    };
    if (self.ring == NULL) {
        g_set_error(&self.error, MNB_JOB_ERROR, MNB_JOB_BAD_JOB,
                    "the packet ring cannot be opened: %s", g_strerror(-ring_error));
    } else {
        guint sources[] = {g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP, on_input, &self),
                           g_unix_fd_add(signal_fd, G_IO_IN, on_signal, &self),
                           g_timeout_add(TICK_MS, on_tick, &self)};
        (void)sources; /* they end with the process */
        g_main_loop_run(self.loop);
    }
    clear(&self);
    if (signal_fd >= 0)
        close(signal_fd);
    if (self.error != NULL) {
        g_propagate_error(error, self.error);
        return FALSE;
    }
    mnb_lines_emit(json_pack("{s:s}", "event", "stopped"));
    return TRUE;
}
