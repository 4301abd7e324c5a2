#include "pipelines/manager/recorder.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pipelines/manager/child.h"
#include "pipelines/manager/pipeline-event.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/media/packet-ring.h"

#define STOP_MS       8000
#define CHECK_MS      500
#define SILENCE_US    (3 * G_USEC_PER_SEC)  /* `written` comes every second */
#define READY_US      (10 * G_USEC_PER_SEC) /* from start to `ready` */
#define HOLE_LEAST_US (5 * G_USEC_PER_SEC)
#define FILE_NAME_MAX 100
#define TRACKS_MAX    2000

typedef enum { HOLE_RESTART, HOLE_RING, HOLE_DISK, HOLE_SYNC, N_HOLES } Hole;

typedef struct {
    guint32 id;
    gboolean is_video;
    char *add_line; /* the add-track command, to be told again to the next part */
} Track;

struct MnbRecorder {
    const MnbRecorderCalls *calls;
    gpointer data;
    char *program;
    char *dir;
    char *recording;
    guint32 ring_bytes;
    const MnbWalls *walls;
    MnbMediaWorker *worker;
    MnbChild *child;
    GPtrArray *tracks; /* Track, in the order they came */

    guint next_part;
    guint part;
    int memfd; /* of this part; -1: none */
    int eventfd;
    guint32 tap; /* 0: none is open */
    gboolean is_ready;
    gboolean is_final; /* the process said `stopped` */
    gboolean is_suspect;
    gint64 heard_us;
    guint check_timer;

    MnbRecorderState state;
    gboolean is_stopping;
    char code[MNB_PIPELINE_CODE_MAX]; /* of the last `failed` */
    char *reason;
    guint64 written[3];      /* bytes, lost, gap of this part */
    guint64 before[3];       /* of the parts before it */
    gint64 hole_us[N_HOLES]; /* last told */
    guint64 untold_packets;
};

/* ---------------------------------------------------------------- telling the owner */

static void set_state(MnbRecorder *recorder, MnbRecorderState state, const char *code,
                      const char *detail)
{
    if (recorder->state == state && state != MNB_RECORDER_FAILED)
        return;
    recorder->state = state;
    if (recorder->calls->on_state != NULL)
        recorder->calls->on_state(recorder, state, code, detail, recorder->data);
}

static void tell_written(MnbRecorder *recorder, const MnbPipelineEvent *event)
{
    recorder->written[0] = event->bytes;
    recorder->written[1] = event->lost_packets;
    recorder->written[2] = event->gap_packets;
    if (recorder->calls->on_written != NULL)
        recorder->calls->on_written(recorder, recorder->before[0] + event->bytes,
                                    recorder->before[1] + event->lost_packets,
                                    recorder->before[2] + event->gap_packets, recorder->data);
}

static void tell_hole(MnbRecorder *recorder, Hole hole, guint64 packets)
{
    static const char *const codes[] = {"recorder-restarted", "ring-full", "slow-disk",
                                        "failed-sync"};
    gint64 now_us = g_get_monotonic_time();
    recorder->untold_packets += packets;
    if (recorder->hole_us[hole] != 0 && now_us - recorder->hole_us[hole] < HOLE_LEAST_US)
        return;
    recorder->hole_us[hole] = now_us;
    if (recorder->calls->on_hole != NULL)
        recorder->calls->on_hole(recorder, codes[hole], recorder->part,
                                 hole == HOLE_RING ? recorder->untold_packets : 0, recorder->data);
    if (hole == HOLE_RING)
        recorder->untold_packets = 0;
}

/* ---------------------------------------------------------------- ring and tap */

static void close_tap(MnbRecorder *recorder)
{
    if (recorder->tap != 0 && recorder->worker != NULL)
        mnb_media_worker_tap_close(recorder->worker, recorder->tap);
    recorder->tap = 0;
}

static void close_ring(MnbRecorder *recorder)
{
    if (recorder->memfd >= 0)
        close(recorder->memfd);
    if (recorder->eventfd >= 0)
        close(recorder->eventfd);
    recorder->memfd = recorder->eventfd = -1;
}

/* A new ring for each part: what the dead process had not read may be what it died of. */
static gboolean open_ring(MnbRecorder *recorder, GError **error)
{
    close_ring(recorder);
    recorder->memfd = mnb_ring_create(recorder->ring_bytes);
    if (recorder->memfd < 0) {
        int negative_errno = recorder->memfd;
        recorder->memfd = -1;
        return mnb_error_from_errno(error, negative_errno, "packet ring of a recording");
    }
    recorder->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (recorder->eventfd < 0)
        return mnb_error_from_errno(error, -errno, "packet ring of a recording");
    return TRUE;
}

static void tap_track(MnbRecorder *recorder, const Track *track)
{
    if (recorder->tap == 0)
        return;
    mnb_media_worker_tap_track(recorder->worker, recorder->tap, track->id, TRUE);
    if (track->is_video) /* a film begins with a key frame: ask before the recorder can */
        mnb_media_worker_key_frame(recorder->worker, track->id);
}

static void open_tap(MnbRecorder *recorder)
{
    if (recorder->worker == NULL || !mnb_media_worker_is_ready(recorder->worker))
        return;
    guint32 tap = mnb_media_worker_new_id(recorder->worker);
    if (!mnb_media_worker_tap_open(recorder->worker, tap, recorder->memfd, recorder->eventfd))
        return; /* it is dying: move() follows */
    recorder->tap = tap;
    for (guint i = 0; i < recorder->tracks->len; i++)
        tap_track(recorder, recorder->tracks->pdata[i]);
}

/* ---------------------------------------------------------------- tracks */

static void free_track(gpointer data)
{
    Track *track = data;
    g_free(track->add_line);
    g_free(track);
}

static guint find_track(MnbRecorder *recorder, guint32 id)
{
    for (guint i = 0; i < recorder->tracks->len; i++) {
        if (((Track *)recorder->tracks->pdata[i])->id == id)
            return i;
    }
    return G_MAXUINT;
}

static void tell(MnbRecorder *recorder, const char *line)
{
    if (mnb_child_pid(recorder->child) == 0)
        return; /* the next part is told everything anew */
    if (!mnb_child_write_line(recorder->child, line)) {
        MNB_LOG_ERROR("a recorder does not read its commands and is killed", "recording=%s",
                      recorder->recording);
        mnb_child_kill(recorder->child);
    }
}

static void tell_remove(MnbRecorder *recorder, guint32 track)
{
    g_autofree char *line =
        g_strdup_printf("{\"do\":\"remove-track\",\"track\":%" G_GUINT32_FORMAT "}", track);
    tell(recorder, line);
}

static const char *codec_name(MnbCodec codec)
{
    switch (codec) {
    case MNB_CODEC_OPUS:
        return "opus";
    case MNB_CODEC_VP8:
        return "vp8";
    case MNB_CODEC_VP9:
        return "vp9";
    case MNB_CODEC_H264:
        return "h264";
    case MNB_CODEC_NONE:
    case MNB_CODEC_AV1:
    case MNB_CODEC_COUNT:
        break;
    }
    return NULL;
}

/* "a=b;c=d" as an object. What has no value gets "". */
static json_t *fmtp_object(const char *fmtp)
{
    json_t *object = json_object();
    g_auto(GStrv) parts = g_strsplit(fmtp != NULL ? fmtp : "", ";", 32);
    for (guint i = 0; parts[i] != NULL; i++) {
        char *equals = strchr(parts[i], '=');
        if (equals != NULL)
            *equals = '\0';
        const char *key = g_strstrip(parts[i]);
        if (key[0] != '\0')
            json_object_set_new(object, key,
                                json_string(equals != NULL ? g_strstrip(equals + 1) : ""));
    }
    return object;
}

static gboolean is_file_name(const char *name)
{
    static const char allowed[] = G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-";
    gsize length = name != NULL ? strlen(name) : 0;
    return length > 0 && length <= FILE_NAME_MAX && name[0] != '.' &&
           strspn(name, allowed) == length;
}

/* Returns (owned), or NULL with @error. */
static char *add_line(const MnbRecorderTrack *track, GError **error)
{
    const char *codec = codec_name(track->codec);
    if (track->track == 0 || codec == NULL || !is_file_name(track->file) || track->peer == NULL) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "track %" G_GUINT32_FORMAT " cannot be recorded: %s", track->track,
                    codec == NULL ? "its codec cannot be written"
                                  : "its description is incomplete");
        return NULL;
    }
    gboolean is_audio = track->codec == MNB_CODEC_OPUS;
    const char *role = track->role;
    if (role == NULL)
        role = is_audio ? "microphone" : "camera";
    json_t *object =
        json_pack("{s:s, s:I, s:s, s:s, s:I, s:i, s:o, s:s, s:s, s:s, s:s}", "do", "add-track",
                  "track", (json_int_t)track->track, "kind", is_audio ? "audio" : "video", "codec",
                  codec, "clock_rate", (json_int_t)track->clock_rate, "payload_type",
                  (int)track->pt, "fmtp", fmtp_object(track->fmtp), "peer", track->peer, "name",
                  track->name != NULL ? track->name : "", "role", role, "file", track->file);
    if (object == NULL) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "track %" G_GUINT32_FORMAT " cannot be recorded: its texts are not UTF-8",
                    track->track);
        return NULL;
    }
    if (track->language != NULL)
        json_object_set_new(object, "language", json_string(track->language));
    g_autofree char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return g_steal_pointer(&text);
}

gboolean mnb_recorder_add_track(MnbRecorder *recorder, const MnbRecorderTrack *track,
                                GError **error)
{
    g_autofree char *line = add_line(track, error);
    if (line == NULL)
        return FALSE;
    guint known = find_track(recorder, track->track);
    if (known != G_MAXUINT)
        g_ptr_array_remove_index(recorder->tracks, known);
    if (recorder->tracks->len >= TRACKS_MAX) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_LIMIT, "more than %d tracks in a recording",
                    TRACKS_MAX);
        return FALSE;
    }
    Track *added = g_new0(Track, 1);
    added->id = track->track;
    added->is_video = track->codec != MNB_CODEC_OPUS;
    added->add_line = g_steal_pointer(&line);
    g_ptr_array_add(recorder->tracks, added);
    tell(recorder, added->add_line);
    if (recorder->is_ready)
        tap_track(recorder, added);
    return TRUE;
}

void mnb_recorder_remove_track(MnbRecorder *recorder, guint32 track)
{
    guint known = find_track(recorder, track);
    if (known == G_MAXUINT)
        return;
    g_ptr_array_remove_index(recorder->tracks, known);
    if (recorder->tap != 0)
        mnb_media_worker_tap_track(recorder->worker, recorder->tap, track, FALSE);
    tell_remove(recorder, track);
}

void mnb_recorder_move(MnbRecorder *recorder, MnbMediaWorker *worker)
{
    if (recorder->worker != worker)
        close_tap(recorder);
    recorder->tap = 0; /* the same worker, restarted, has forgotten it */
    recorder->worker = worker;
    for (guint i = 0; i < recorder->tracks->len; i++)
        tell_remove(recorder, ((Track *)recorder->tracks->pdata[i])->id);
    g_ptr_array_set_size(recorder->tracks, 0);
    if (recorder->is_ready && !recorder->is_stopping)
        open_tap(recorder);
}

/* ---------------------------------------------------------------- what the process says */

static void on_part_ready(MnbRecorder *recorder, const MnbPipelineEvent *event)
{
    MNB_LOG_INFO("recording part begins", "recording=%s part=%u", recorder->recording,
                 recorder->part);
    recorder->is_ready = TRUE;
    if (recorder->is_stopping)
        return;
    open_tap(recorder);
    if (recorder->calls->on_part != NULL)
        recorder->calls->on_part(recorder, recorder->part, event->started_unix_us, recorder->data);
    set_state(recorder, MNB_RECORDER_ON, NULL, NULL);
}

static void on_failed(MnbRecorder *recorder, const MnbPipelineEvent *event)
{
    g_strlcpy(recorder->code, event->code, sizeof recorder->code);
    g_free(recorder->reason);
    recorder->reason = g_strdup(event->reason);
}

static void on_event(MnbRecorder *recorder, const MnbPipelineEvent *event)
{
    switch (event->kind) {
    case MNB_PIPELINE_READY:
        on_part_ready(recorder, event);
        break;
    case MNB_PIPELINE_WRITTEN:
        tell_written(recorder, event);
        break;
    case MNB_PIPELINE_NEED_KEY_FRAME:
        if (recorder->worker != NULL && find_track(recorder, event->track) != G_MAXUINT)
            mnb_media_worker_key_frame(recorder->worker, event->track);
        break;
    case MNB_PIPELINE_DISK_FULL:
        MNB_LOG_ERROR("the disk is full, a recording loses what arrives", "recording=%s",
                      recorder->recording);
        set_state(recorder, MNB_RECORDER_DISK_FULL, "disk-full",
                  "the disk is full: what is said now is not recorded");
        break;
    case MNB_PIPELINE_DISK_FREE:
        MNB_LOG_INFO("a recording goes on, there is space again", "recording=%s",
                     recorder->recording);
        set_state(recorder, MNB_RECORDER_ON, NULL, NULL);
        break;
    case MNB_PIPELINE_GAP:
        MNB_LOG_WARNING("a recorder was too slow, packets are lost", "recording=%s packets=%u",
                        recorder->recording, (guint)event->packets);
        tell_hole(recorder, HOLE_RING, event->packets);
        break;
    case MNB_PIPELINE_SLOW_DISK:
        MNB_LOG_WARNING("the disk of a recording is slow", "recording=%s", recorder->recording);
        tell_hole(recorder, HOLE_DISK, 0);
        break;
    case MNB_PIPELINE_WARNING:
        if (strcmp(event->code, "failed-sync") == 0)
            tell_hole(recorder, HOLE_SYNC, 0);
        G_GNUC_FALLTHROUGH;
    case MNB_PIPELINE_BAD_MEDIA:
        MNB_LOG_WARNING("a recorder warns", "recording=%s track=%u code=%s: %s",
                        recorder->recording, event->track, event->code, event->reason);
        break;
    case MNB_PIPELINE_MISSING_PLUGIN:
        MNB_LOG_ERROR("a recorder lacks a GStreamer element", "element=%s package=%s",
                      event->element, event->package);
        break;
    case MNB_PIPELINE_FAILED:
        on_failed(recorder, event);
        break;
    case MNB_PIPELINE_STOPPED:
        recorder->is_final = TRUE;
        break;
    default:
        break;
    }
}

static void on_line(MnbChild *child, const char *line, gsize length, gpointer data)
{
    MnbRecorder *recorder = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbPipelineEvent) event = mnb_pipeline_event_parse(line, length, &error);
    if (event == NULL) {
        MNB_LOG_WARNING("a recorder sent nonsense", "recording=%s: %s", recorder->recording,
                        error->message);
        return;
    }
    recorder->heard_us = g_get_monotonic_time();
    recorder->is_suspect = FALSE;
    on_event(recorder, event);
}

/* ---------------------------------------------------------------- the process */

static gboolean prepare(MnbChild *child, MnbChildLaunch *launch, gpointer data, GError **error)
{
    MnbRecorder *recorder = data;
    const char *const writes[] = {recorder->dir, NULL};
    if (!open_ring(recorder, error))
        return FALSE;
    recorder->part = recorder->next_part++;
    mnb_walls_launch(recorder->walls, launch, recorder->program, NULL, writes, 0);
    mnb_child_launch_arg(launch, "--ring-fd");
    mnb_child_launch_arg_number(launch, mnb_child_launch_fd(launch, recorder->memfd));
    mnb_child_launch_arg(launch, "--event-fd");
    mnb_child_launch_arg_number(launch, mnb_child_launch_fd(launch, recorder->eventfd));
    mnb_child_launch_arg(launch, "--dir");
    mnb_child_launch_arg(launch, recorder->dir);
    mnb_child_launch_arg(launch, "--part");
    mnb_child_launch_arg_number(launch, recorder->part);
    return TRUE;
}

static void on_started(MnbChild *child, gpointer data)
{
    MnbRecorder *recorder = data;
    recorder->is_ready = recorder->is_final = recorder->is_suspect = FALSE;
    recorder->code[0] = '\0'; /* of the part before */
    recorder->heard_us = g_get_monotonic_time();
    for (guint i = 0; i < recorder->tracks->len; i++)
        tell(recorder, ((Track *)recorder->tracks->pdata[i])->add_line);
}

static void end_part(MnbRecorder *recorder, gboolean is_closed)
{
    gboolean had_begun = recorder->is_ready;
    close_tap(recorder);
    recorder->is_ready = FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(recorder->written); i++) {
        recorder->before[i] += recorder->written[i];
        recorder->written[i] = 0;
    }
    if (had_begun && recorder->calls->on_part_ended != NULL)
        recorder->calls->on_part_ended(recorder, recorder->part, is_closed, recorder->data);
}

static void fail(MnbRecorder *recorder)
{
    const char *code = recorder->code[0] != '\0' ? recorder->code : "recorder-failed";
    g_autofree char *detail =
        g_strdup(recorder->reason != NULL && recorder->reason[0] != '\0'
                     ? recorder->reason
                     : "the recorder ended again and again: see the server's log");
    MNB_LOG_ERROR("a recording has failed", "recording=%s code=%s: %s", recorder->recording, code,
                  detail);
    set_state(recorder, MNB_RECORDER_FAILED, code, detail); /* may free the recorder */
}

static void on_ended(MnbChild *child, int exit_code, int signal_number, gboolean will_restart,
                     gpointer data)
{
    MnbRecorder *recorder = data;
    gboolean is_closed = recorder->is_final && exit_code == 0;
    gboolean is_hopeless = !mnb_pipeline_may_retry(recorder->code);
    if (recorder->is_stopping) {
        MNB_LOG_INFO("recording stopped", "recording=%s part=%u closed=%s", recorder->recording,
                     recorder->part, is_closed ? "yes" : "no");
        end_part(recorder, is_closed);
        set_state(recorder, MNB_RECORDER_STOPPED, NULL, NULL);
        if (recorder->calls->on_stopped != NULL)
            recorder->calls->on_stopped(recorder, recorder->data); /* may free the recorder */
        return;
    }
    MNB_LOG_WARNING("recording part ended by itself",
                    "recording=%s part=%u exit=%d signal=%d code=%s", recorder->recording,
                    recorder->part, exit_code, signal_number, recorder->code);
    end_part(recorder, is_closed);
    if (will_restart && is_hopeless) {
        mnb_child_stop(child);
        fail(recorder);
    } else if (will_restart) {
        tell_hole(recorder, HOLE_RESTART, 0);
        set_state(recorder, MNB_RECORDER_STARTING, "recorder-restarts",
                  "the recorder ended and is started again");
    }
}

static void on_alarm(MnbChild *child, gpointer data)
{
    fail(data);
}

static const MnbChildCalls child_calls = {.prepare = prepare,
                                          .on_started = on_started,
                                          .on_line = on_line,
                                          .on_ended = on_ended,
                                          .on_alarm = on_alarm};

/* Twice in a row, so that a turn of our own loop that took long is not held against it. */
static gboolean on_check(gpointer data)
{
    MnbRecorder *recorder = data;
    if (mnb_child_pid(recorder->child) == 0 || recorder->is_stopping)
        return G_SOURCE_CONTINUE;
    gint64 silent_us = g_get_monotonic_time() - recorder->heard_us;
    gboolean is_silent = silent_us > (recorder->is_ready ? SILENCE_US : READY_US);
    if (is_silent && recorder->is_suspect) {
        MNB_LOG_ERROR("a recorder says nothing and is killed", "recording=%s silent_ms=%d",
                      recorder->recording, (int)(silent_us / 1000));
        mnb_child_kill(recorder->child);
    }
    recorder->is_suspect = is_silent;
    return G_SOURCE_CONTINUE;
}

MnbRecorder *mnb_recorder_new(const MnbRecorderOptions *options, const MnbRecorderCalls *calls,
                              gpointer data, GError **error)
{
    if (!mnb_media_worker_is_ready(options->worker)) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_UNAVAILABLE,
                    "the media worker of the session is not ready");
        return NULL;
    }
    g_autofree char *name = g_strdup_printf("record-%.8s", options->recording);
    MnbRecorder *recorder = g_new0(MnbRecorder, 1);
    recorder->calls = calls;
    recorder->data = data;
    recorder->program = g_strdup(options->program);
    recorder->dir = g_strdup(options->dir);
    recorder->recording = g_strdup(options->recording);
    recorder->ring_bytes = options->ring_bytes != 0 ? options->ring_bytes : MNB_RING_DEFAULT_BYTES;
    recorder->walls = options->walls;
    recorder->worker = options->worker;
    recorder->next_part = MAX(options->first_part, 1);
    recorder->memfd = recorder->eventfd = -1;
    recorder->tracks = g_ptr_array_new_with_free_func(free_track);
    recorder->child = mnb_child_new(&(MnbChildOptions){.name = name,
                                                       .is_kept = TRUE,
                                                       .has_stdin = TRUE,
                                                       .ends_by_stdin = TRUE,
                                                       .death_signal = SIGTERM,
                                                       .stop_ms = STOP_MS},
                                    &child_calls, recorder);
    if (!mnb_child_start(recorder->child, error)) {
        mnb_recorder_free(recorder);
        return NULL;
    }
    recorder->check_timer = g_timeout_add(CHECK_MS, on_check, recorder);
    return recorder;
}

void mnb_recorder_free(MnbRecorder *recorder)
{
    if (recorder == NULL)
        return;
    if (recorder->check_timer != 0)
        g_source_remove(recorder->check_timer);
    close_tap(recorder);
    mnb_child_free(recorder->child);
    close_ring(recorder);
    g_ptr_array_unref(recorder->tracks);
    g_free(recorder->program);
    g_free(recorder->dir);
    g_free(recorder->recording);
    g_free(recorder->reason);
    g_free(recorder);
}

void mnb_recorder_stop(MnbRecorder *recorder)
{
    if (recorder->is_stopping)
        return;
    recorder->is_stopping = TRUE;
    close_tap(recorder); /* before the order, so that the ring can run empty */
    if (mnb_child_pid(recorder->child) == 0) {
        mnb_child_stop(recorder->child); /* no restart */
        set_state(recorder, MNB_RECORDER_STOPPED, NULL, NULL);
        if (recorder->calls->on_stopped != NULL)
            recorder->calls->on_stopped(recorder, recorder->data);
        return;
    }
    mnb_child_write_line(recorder->child, "{\"do\":\"stop\"}");
    mnb_child_stop(recorder->child);
}

MnbRecorderState mnb_recorder_state(const MnbRecorder *recorder)
{
    return recorder->state;
}

guint mnb_recorder_part(const MnbRecorder *recorder)
{
    return recorder->part;
}

GPid mnb_recorder_pid(const MnbRecorder *recorder)
{
    return mnb_child_pid(recorder->child);
}
