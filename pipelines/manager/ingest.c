#include "pipelines/manager/ingest.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pipelines/manager/child.h"
#include "server/base/error.h"
#include "server/base/json-depth.h"
#include "server/base/log.h"
#include "server/media/packet-ring.h"

#define RING_BYTES (1u << 20) /* some seconds: the media worker reads at once, or is dead */
#define STOP_MS    3000
#define WORD_MAX   32
#define DEPTH_MAX  8

struct MnbIngest {
    char *program;
    char *feed;
    char *start; /* the start command */
    const MnbWalls *walls;
    MnbChild *child;
    int memfd, eventfd;
    guint32 video, audio;
    gboolean is_up;
    json_t *arriving;
    gint64 heard_us;
    char refused[WORD_MAX];
    gint64 refused_us;
    char gone[WORD_MAX];
};

static void tell(MnbIngest *self, const char *line)
{
    if (mnb_child_pid(self->child) == 0)
        return; /* told anew when it starts */
    if (!mnb_child_write_line(self->child, line)) {
        MNB_LOG_ERROR("a feed's program does not read its commands and is killed", "feed=%s",
                      self->feed);
        mnb_child_kill(self->child);
    }
}

static void tell_tracks(MnbIngest *self)
{
    g_autofree char *line =
        g_strdup_printf("{\"do\":\"live\",\"on\":%s,\"video_track\":%" G_GUINT32_FORMAT
                        ",\"audio_track\":%" G_GUINT32_FORMAT "}",
                        self->video != 0 ? "true" : "false", self->video, self->audio);
    tell(self, line);
}

/* ---- what the process says ---- */

/* A machine word of its: [a-z-]. FALSE: something else. */
static gboolean take_word(const json_t *event, const char *key, char word[WORD_MAX])
{
    const char *text = json_string_value(json_object_get(event, key));
    if (text == NULL || strlen(text) >= WORD_MAX ||
        strspn(text, "abcdefghijklmnopqrstuvwxyz-") != strlen(text))
        return FALSE;
    g_strlcpy(word, text, WORD_MAX);
    return TRUE;
}

static void on_arriving(MnbIngest *self, json_t *event)
{
    json_decref(self->arriving);
    self->arriving = json_incref(event);
    if (json_is_true(json_object_get(event, "is_connected")))
        self->heard_us = g_get_monotonic_time();
}

static void on_event(MnbIngest *self, json_t *event)
{
    const char *name = json_string_value(json_object_get(event, "event"));
    if (name == NULL)
        return;
    if (strcmp(name, "arriving") == 0) {
        on_arriving(self, event);
    } else if (strcmp(name, "ready") == 0) {
        self->is_up = TRUE;
        MNB_LOG_INFO("feed is ready", "feed=%s", self->feed);
    } else if (strcmp(name, "refused") == 0 && take_word(event, "code", self->refused)) {
        self->refused_us = g_get_real_time();
        MNB_LOG_INFO("an encoder was refused", "feed=%s code=%s", self->feed, self->refused);
    } else if (strcmp(name, "gone") == 0 && take_word(event, "reason", self->gone)) {
        MNB_LOG_DEBUG("source of a feed ended", "feed=%s reason=%s", self->feed, self->gone);
    } else if (strcmp(name, "failed") == 0 || strcmp(name, "warning") == 0) {
        const char *reason = json_string_value(json_object_get(event, "reason"));
        MNB_LOG_WARNING("feed", "feed=%s event=%s reason=\"%s\"", self->feed, name,
                        reason != NULL ? reason : "");
    }
}

static void on_line(MnbChild *child, const char *line, gsize length, gpointer data)
{
    MnbIngest *self = data;
    json_t *event = mnb_json_depth(line, length) <= DEPTH_MAX
                        ? json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL)
                        : NULL;
    if (json_is_object(event))
        on_event(self, event);
    json_decref(event);
}

/* ---- the process ---- */

static gboolean prepare(MnbChild *child, MnbChildLaunch *launch, gpointer data, GError **error)
{
    MnbIngest *self = data;
    mnb_walls_launch_online(self->walls, launch, self->program, 0);
    mnb_child_launch_arg(launch, "--ring-fd");
    mnb_child_launch_arg_number(launch, mnb_child_launch_fd(launch, self->memfd));
    mnb_child_launch_arg(launch, "--event-fd");
    mnb_child_launch_arg_number(launch, mnb_child_launch_fd(launch, self->eventfd));
    return TRUE;
}

static void on_started(MnbChild *child, gpointer data)
{
    MnbIngest *self = data;
    tell(self, self->start);
    tell_tracks(self);
}

static void on_ended(MnbChild *child, int exit_code, int signal_number, gboolean will_restart,
                     gpointer data)
{
    MnbIngest *self = data;
    self->is_up = FALSE;
    g_clear_pointer(&self->arriving, json_decref);
    MNB_LOG_WARNING("program of a feed ended", "feed=%s exit=%d signal=%d again=%s", self->feed,
                    exit_code, signal_number, will_restart ? "yes" : "no");
}

static const MnbChildCalls calls = {
    .prepare = prepare,
    .on_started = on_started,
    .on_line = on_line,
    .on_ended = on_ended,
};

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL)
        json_object_set_new(object, key, json_string(text));
}

static char *make_start(const MnbIngestOptions *options)
{
    json_t *start =
        json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:s}", "do", "start", "source",
                  options->source, "port", options->port, "latency_ms", (int)options->latency_ms,
                  "width", (int)options->width, "height", (int)options->height, "bitrate_bps",
                  (int)options->bitrate_bps, "name", options->name);
    set_text(start, "address", options->address);
    set_text(start, "passphrase", options->passphrase);
    set_text(start, "key_sha256", options->key_sha256);
    set_text(start, "url", options->url);
    char *text = json_dumps(start, JSON_COMPACT);
    char *copy = g_strdup(text);
    free(text);
    json_decref(start);
    return copy;
}

static gboolean open_ring(MnbIngest *self, GError **error)
{
    self->memfd = mnb_ring_create(RING_BYTES);
    if (self->memfd < 0) {
        int negative_errno = self->memfd;
        self->memfd = -1;
        return mnb_error_from_errno(error, negative_errno, "packet ring of a feed");
    }
    self->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return self->eventfd >= 0 || mnb_error_from_errno(error, -errno, "packet ring of a feed");
}

MnbIngest *mnb_ingest_new(const MnbIngestOptions *options, GError **error)
{
    MnbIngest *self = g_new0(MnbIngest, 1);
    self->program = g_strdup(options->program);
    self->feed = g_strdup(options->feed);
    self->walls = options->walls;
    self->start = make_start(options);
    self->memfd = self->eventfd = -1;
    self->child = mnb_child_new(
        &(MnbChildOptions){
            .name = "ingest", .is_kept = TRUE, .has_stdin = TRUE, .stop_ms = STOP_MS},
        &calls, self);
    if (!open_ring(self, error) || !mnb_child_start(self->child, error)) {
        mnb_ingest_free(self);
        return NULL;
    }
    return self;
}

void mnb_ingest_free(MnbIngest *self)
{
    if (self == NULL)
        return;
    mnb_child_free(self->child);
    if (self->memfd >= 0)
        close(self->memfd);
    if (self->eventfd >= 0)
        close(self->eventfd);
    json_decref(self->arriving);
    g_free(self->start);
    g_free(self->program);
    g_free(self->feed);
    g_free(self);
}

int mnb_ingest_memfd(const MnbIngest *self)
{
    return self->memfd;
}

int mnb_ingest_eventfd(const MnbIngest *self)
{
    return self->eventfd;
}

void mnb_ingest_set_tracks(MnbIngest *self, guint32 video, guint32 audio)
{
    if (self->video == video && self->audio == audio)
        return;
    self->video = video;
    self->audio = audio;
    tell_tracks(self);
}

void mnb_ingest_key_frame(MnbIngest *self)
{
    tell(self, "{\"do\":\"key-frame\"}");
}

void mnb_ingest_status(const MnbIngest *self, MnbIngestStatus *out)
{
    *out = (MnbIngestStatus){
        .is_up = self->is_up,
        .is_connected = json_is_true(json_object_get(self->arriving, "is_connected")),
        .arriving = self->arriving,
        .refused = self->refused[0] != '\0' ? self->refused : NULL,
        .refused_us = self->refused_us,
        .gone = self->gone[0] != '\0' ? self->gone : NULL,
        .heard_us = self->heard_us,
    };
}

GPid mnb_ingest_pid(const MnbIngest *self)
{
    return mnb_child_pid(self->child);
}
