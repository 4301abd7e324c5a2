#include "pipelines/record/recorder.h"

#include "pipelines/common/job-error.h"
#include "pipelines/common/lines.h"
#include "pipelines/record/command.h"
#include "pipelines/record/keeper.h"
#include "pipelines/record/part.h"
#include "pipelines/record/repair.h"
#include "pipelines/record/track.h"
#include "server/media/packet-ring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRACKS_MAX       256
#define BATCH            512 /* ring records between two looks at the rest */
#define POLL_MS          50
#define SECOND_US        G_USEC_PER_SEC
#define STOP_DEADLINE_US (8 * G_USEC_PER_SEC)
#define BACKLOG_MAX_US   (15 * G_USEC_PER_SEC)
#define RESERVE_BYTES    (48u << 20)
#define RESUME_BYTES     (96u << 20)

typedef struct {
    const MnbRecorderOptions *options;
    MnbRing *ring;
    MnbLineReader *commands;
    int signal_fd;
    MnbPart *part;
    MnbKeeper *keeper;
    GHashTable *tracks; /* id -> MnbTrack, owned */
    GHashTable *peers;  /* name -> MnbPeerClock, owned */
    gint64 start_us;    /* CLOCK_MONOTONIC of time 0 */
    gint64 told_us, polled_us;
    guint64 lost_before; /* packets lost by tracks that are gone */
    guint64 gap_packets, stray_packets;
    gboolean has_space, is_listening, is_stopping, is_part_dirty;
    gint64 part_told_us;
    gint64 full_us;       /* since when there is no space */
    guint64 full_packets; /* that came meanwhile */
    GThread *mender;      /* repairs the parts before this one */
    struct {              /* taken before there was a track: a packet that waited in the ring */
        gboolean is_held;
        MnbRingRecord record;
        guint8 payload[MNB_RING_PAYLOAD_MAX];
    } first;
} Recorder;

/* ---- what tracks ask for ------------------------------------------------------------------------
 */

static MnbTrackFile *on_open_file(MnbTrack *track, GstCaps *caps, gint64 at_us, gpointer owner)
{
    Recorder *self = owner;
    if (!self->has_space)
        return NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *name = NULL;
    MnbTrackFile *file = NULL;
    const MnbTrackConfig *config = mnb_track_config(track);
    for (int n = 1; n <= 1000 && file == NULL; n++) {
        g_autofree char *suffix = n > 1 ? g_strdup_printf("-%d", n) : g_strdup("");
        g_free(name);
        name = g_strdup_printf("tracks/p%d-%s%s.mkv", self->options->part, config->file, suffix);
        g_autofree char *path = g_build_filename(self->options->dir, name, NULL);
        if (g_file_test(path, G_FILE_TEST_EXISTS))
            continue;
        file = mnb_track_file_new(path, caps, &error);
        if (file == NULL) {
            mnb_lines_warn("track-file", "%s", error->message);
            return NULL;
        }
        mnb_part_add_file(self->part, config, name, at_us, file,
                          mnb_keeper_add(self->keeper, path, file));
    }
    self->is_part_dirty = TRUE;
    self->part_told_us = 0;
    mnb_lines_emit(json_pack("{s:s, s:I, s:s, s:I}", "event", "track-file", "track",
                             (json_int_t)config->id, "file", name, "offset_us", (json_int_t)at_us));
    return file;
}

static void on_written(MnbTrack *track, MnbTrackFile *file, gint64 at_us, gpointer owner)
{
    Recorder *self = owner;
    mnb_part_written(self->part, file, at_us, mnb_track_lost_packets(track));
}

static void on_need_key_frame(MnbTrack *track, gpointer owner)
{
    mnb_lines_emit(json_pack("{s:s, s:I}", "event", "need-key-frame", "track",
                             (json_int_t)mnb_track_config(track)->id));
}

static void on_bad_media(MnbTrack *track, const char *reason, gpointer owner)
{
    mnb_lines_emit(json_pack("{s:s, s:I, s:s}", "event", "bad-media", "track",
                             (json_int_t)mnb_track_config(track)->id, "reason", reason));
}

static const MnbTrackHooks hooks = {on_open_file, on_written, on_need_key_frame, on_bad_media};

/* ---- commands -----------------------------------------------------------------------------------
 */

static MnbPeerClock *peer_clock(Recorder *self, const char *name)
{
    MnbPeerClock *clock = g_hash_table_lookup(self->peers, name);
    if (clock == NULL) {
        clock = g_new(MnbPeerClock, 1);
        mnb_peer_clock_init(clock);
        g_hash_table_insert(self->peers, g_strdup(name), clock);
    }
    return clock;
}

static void remove_track(Recorder *self, guint32 id)
{
    MnbTrack *track = g_hash_table_lookup(self->tracks, GUINT_TO_POINTER(id));
    if (track == NULL)
        return;
    mnb_track_end_file(track);
    self->lost_before += mnb_track_lost_packets(track);
    g_hash_table_remove(self->tracks, GUINT_TO_POINTER(id));
    self->is_part_dirty = TRUE;
}

static void add_track(Recorder *self, MnbCommand *command)
{
    remove_track(self, command->track);
    if (g_hash_table_size(self->tracks) >= TRACKS_MAX ||
        g_hash_table_size(self->peers) >= 16 * TRACKS_MAX) {
        mnb_lines_warn("too-many", "there are %d tracks already", TRACKS_MAX);
        return;
    }
    g_autoptr(GError) error = NULL;
    MnbPeerClock *peer = peer_clock(self, command->config.peer);
    MnbTrack *track = mnb_track_new(&command->config, &hooks, self, peer, self->start_us, &error);
    if (track == NULL) {
        mnb_lines_warn("track", "%s", error->message);
        return;
    }
    g_hash_table_insert(self->tracks, GUINT_TO_POINTER(command->track), track);
    self->is_listening = TRUE;
}

static void on_command(Recorder *self, json_t *object)
{
    MnbCommand command;
    const char *reason;
    if (!mnb_command_parse(object, &command, &reason)) {
        mnb_lines_warn("bad-command", "%s", reason);
        mnb_command_clear(&command);
        return;
    }
    switch (command.kind) {
    case MNB_COMMAND_ADD_TRACK:
        add_track(self, &command);
        break;
    case MNB_COMMAND_REMOVE_TRACK:
        remove_track(self, command.track);
        break;
    case MNB_COMMAND_STOP:
        self->is_stopping = TRUE;
        break;
    }
    mnb_command_clear(&command);
}

static void read_commands(Recorder *self)
{
    char bytes[16384];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) { /* the manager is gone */
        self->is_stopping = TRUE;
        return;
    }
    mnb_line_reader_feed(self->commands, bytes, (gsize)n);
    for (;;) {
        json_t *object = NULL;
        const char *reason = NULL;
        int got = mnb_line_reader_take(self->commands, &object, &reason);
        if (got == 0)
            return;
        if (got < 0) {
            mnb_lines_warn("bad-command", "%s", reason);
            continue;
        }
        on_command(self, object);
        json_decref(object);
    }
}

/* ---- packets ------------------------------------------------------------------------------------
 */

static void on_gap(Recorder *self, const MnbRingRecord *record, gint64 now_us)
{
    gint64 at_us = MAX((record->arrival_us != 0 ? record->arrival_us : now_us) - self->start_us, 0);
    self->gap_packets += record->value;
    mnb_part_add_gap(self->part, "ring-full", at_us, 0, record->value);
    self->is_part_dirty = TRUE;
    mnb_lines_emit(json_pack("{s:s, s:I, s:I}", "event", "gap", "packets",
                             (json_int_t)record->value, "at_us", (json_int_t)at_us));
}

static void on_record(Recorder *self, const MnbRingRecord *record, const guint8 *payload,
                      gint64 now_us)
{
    if (record->kind == MNB_RING_GAP) {
        on_gap(self, record, now_us);
        return;
    }
    MnbTrack *track = g_hash_table_lookup(self->tracks, GUINT_TO_POINTER(record->track));
    if (track == NULL) {
        /* The manager adds a track before it taps it, so the command is there, if not yet read. */
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
        while (track == NULL && !self->is_stopping && poll(&input, 1, 0) > 0) {
            read_commands(self);
            track = g_hash_table_lookup(self->tracks, GUINT_TO_POINTER(record->track));
        }
    }
    if (track == NULL)
        self->stray_packets++;
    else if (!self->has_space && record->kind == MNB_RING_RTP)
        self->full_packets++;
    else if (record->kind == MNB_RING_RTP)
        mnb_track_put(track, payload, record->size, record->arrival_us, now_us);
    else if (record->kind == MNB_RING_SR)
        mnb_track_report(track, record->ntp, record->value);
}

/* Returns: records taken, or -EBADMSG. */
static int read_ring(Recorder *self)
{
    const MnbRingRecord *record;
    const uint8_t *payload;
    gint64 now_us = g_get_monotonic_time();
    int taken = 0, got = 0;
    if (self->first.is_held) {
        self->first.is_held = FALSE;
        on_record(self, &self->first.record, self->first.payload, now_us);
    }
    while (taken < BATCH && (got = mnb_ring_take(self->ring, &record, &payload)) > 0) {
        on_record(self, record, payload, now_us);
        taken++;
    }
    mnb_ring_release(self->ring);
    return got < 0 ? got : taken;
}

/* ---- once in a while ----------------------------------------------------------------------------
 */

static void end_all_files(Recorder *self)
{
    GHashTableIter iter;
    gpointer track;
    g_hash_table_iter_init(&iter, self->tracks);
    while (g_hash_table_iter_next(&iter, NULL, &track))
        mnb_track_end_file(track);
}

/* Names the hole that a full disk made. */
static void mark_full(Recorder *self)
{
    mnb_part_add_gap(self->part, "disk-full", self->full_us - self->start_us,
                     g_get_monotonic_time() - self->full_us, self->full_packets);
    self->is_part_dirty = TRUE;
}

static void watch_space(Recorder *self, const MnbKeeperReport *report)
{
    gboolean is_short = report->is_full || report->free_bytes < RESERVE_BYTES;
    if (self->has_space && is_short) {
        self->has_space = FALSE;
        self->full_us = g_get_monotonic_time();
        self->full_packets = 0;
        end_all_files(self);
    } else if (!self->has_space && !is_short && report->free_bytes >= RESUME_BYTES) {
        self->has_space = TRUE;
        mark_full(self);
    } else {
        return;
    }
    mnb_lines_emit(json_pack("{s:s, s:I}", "event", self->has_space ? "disk-free" : "disk-full",
                             "free_bytes", (json_int_t)report->free_bytes));
}

static void tell_written(Recorder *self)
{
    MnbKeeperReport report = mnb_keeper_report(self->keeper);
    guint64 lost = self->lost_before;
    GHashTableIter iter;
    gpointer track;
    g_hash_table_iter_init(&iter, self->tracks);
    while (g_hash_table_iter_next(&iter, NULL, &track))
        lost += mnb_track_lost_packets(track);
    mnb_lines_emit(json_pack("{s:s, s:I, s:I, s:I, s:i}", "event", "written", "bytes",
                             (json_int_t)report.durable_bytes, "lost_packets", (json_int_t)lost,
                             "gap_packets", (json_int_t)self->gap_packets, "tracks",
                             (int)g_hash_table_size(self->tracks)));
    if (report.slow_ms > 0)
        mnb_lines_emit(json_pack("{s:s, s:i}", "event", "slow-disk", "ms", report.slow_ms));
    watch_space(self, &report);
}

static void write_part(Recorder *self, const char *state)
{
    gint64 duration_us = g_get_monotonic_time() - self->start_us;
    mnb_keeper_write_part(self->keeper, mnb_part_to_json(self->part, state, duration_us));
    self->is_part_dirty = FALSE;
    self->part_told_us = g_get_monotonic_time();
}

static void on_time(Recorder *self)
{
    gint64 now_us = g_get_monotonic_time();
    if (now_us - self->polled_us < POLL_MS * 1000)
        return;
    self->polled_us = now_us;
    GHashTableIter iter;
    gpointer track;
    g_hash_table_iter_init(&iter, self->tracks);
    while (g_hash_table_iter_next(&iter, NULL, &track))
        mnb_track_poll(track, now_us);
    if (mnb_part_tell_closed(self->part))
        self->is_part_dirty = TRUE;
    if (self->is_part_dirty && now_us - self->part_told_us > SECOND_US)
        write_part(self, "recording");
    if (now_us - self->told_us >= SECOND_US) {
        self->told_us = now_us;
        tell_written(self);
    }
}

/* ---- life ---------------------------------------------------------------------------------------
 */

static gboolean loop(Recorder *self, GError **error)
{
    int busy = 0;
    while (!self->is_stopping) {
        struct pollfd fds[] = {
            {.fd = STDIN_FILENO, .events = POLLIN},
            {.fd = self->signal_fd, .events = POLLIN},
            {.fd = self->is_listening ? mnb_ring_event_fd(self->ring) : -1, .events = POLLIN},
        };
        poll(fds, G_N_ELEMENTS(fds), busy == BATCH ? 0 : POLL_MS);
        if (fds[0].revents != 0)
            read_commands(self);
        if (fds[1].revents != 0)
            self->is_stopping = TRUE;
        if (fds[2].revents != 0)
            mnb_ring_drain(self->ring);
        if (self->is_listening && (busy = read_ring(self)) < 0) {
            g_set_error(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "the packet ring is damaged");
            return FALSE;
        }
        on_time(self);
    }
    while (self->is_listening && read_ring(self) > 0)
        continue;
    return TRUE;
}

static void finish(Recorder *self)
{
    gint64 deadline_us = g_get_monotonic_time() + STOP_DEADLINE_US;
    if (!self->has_space)
        mark_full(self);
    end_all_files(self);
    gint64 duration_us = g_get_monotonic_time() - self->start_us;
    while (!mnb_keeper_is_idle(self->keeper) && g_get_monotonic_time() < deadline_us)
        g_usleep(10000);
    mnb_part_tell_closed(self->part);
    write_part(self, "complete");
    while (!mnb_keeper_is_idle(self->keeper) && g_get_monotonic_time() < deadline_us)
        g_usleep(10000);
    json_t *tracks = mnb_part_tracks(self->part);
    mnb_lines_emit(json_pack("{s:s, s:I, s:o}", "event", "stopped", "duration_us",
                             (json_int_t)duration_us, "tracks", tracks));
}

static void hold_first(Recorder *self)
{
    const MnbRingRecord *record;
    const uint8_t *payload;
    if (mnb_ring_take(self->ring, &record, &payload) <= 0 || record->size > MNB_RING_PAYLOAD_MAX)
        return;
    self->first.is_held = TRUE;
    self->first.record = *record;
    memcpy(self->first.payload, payload, record->size);
    mnb_ring_release(self->ring);
}

/* Time 0 is now, or the first packet that already waits in a ring taken over from a dead recorder.
 */
static gboolean begin_part(Recorder *self, GError **error)
{
    const MnbRecorderOptions *options = self->options;
    g_autofree char *path = g_strdup_printf("%s/part-%d.json", options->dir, options->part);
    g_autofree char *tracks = g_build_filename(options->dir, "tracks", NULL);
    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_BAD_JOB, "%s is there already", path);
        return FALSE;
    }
    if (mkdir(tracks, 0750) != 0 && errno != EEXIST)
        return mnb_job_error_set_errno(error, errno, tracks);
    gint64 now_us = g_get_monotonic_time(), unix_us = g_get_real_time();
    self->start_us = now_us;
    hold_first(self);
    if (self->first.is_held && self->first.record.arrival_us != 0)
        self->start_us = CLAMP(self->first.record.arrival_us, now_us - BACKLOG_MAX_US, now_us);
    unix_us -= now_us - self->start_us;
    self->part = mnb_part_new(options->part, unix_us, self->start_us);
    self->keeper = mnb_keeper_new(options->dir, path);
    write_part(self, "recording");
    mnb_lines_emit(json_pack("{s:s, s:i, s:I, s:I}", "event", "ready", "part", options->part,
                             "started_unix_us", (json_int_t)unix_us, "started_mono_us",
                             (json_int_t)self->start_us));
    return TRUE;
}

/* What a part before this one left cut off (a crash, a power cut) is made whole while this one is
 * recorded. Nothing waits for it, and what it does not finish the repair job does. */
static gpointer mend(gpointer data)
{
    const MnbRecorderOptions *options = data;
    g_autoptr(GError) error = NULL;
    const MnbRepairPlan plan = {.below_part = (guint)options->part};
    setpriority(PRIO_PROCESS, (id_t)gettid(), 10);
    if (!mnb_repair_dir(options->dir, &plan, &error))
        mnb_lines_warn("repair", "%s", error->message);
    return NULL;
}

static void clear(Recorder *self)
{
    if (self->mender != NULL)
        g_thread_unref(self->mender); /* it may still be at it: the end of the process ends it */
    g_hash_table_unref(self->tracks);
    mnb_keeper_free(self->keeper);
    mnb_part_free(self->part);
    g_hash_table_unref(self->peers);
    mnb_line_reader_free(self->commands);
    mnb_ring_close(self->ring);
    if (self->signal_fd >= 0)
        close(self->signal_fd);
}

gboolean mnb_recorder_run(const MnbRecorderOptions *options, GError **error)
{
    int ring_error = 0;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    Recorder self = {
        .options = options,
        .ring = mnb_ring_open_consumer(options->ring_fd, options->event_fd, &ring_error),
        .commands = mnb_line_reader_new(),
        .signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK),
        .tracks = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)mnb_track_free),
        .peers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        .has_space = TRUE,
    };
    gboolean ok;
    if (self.ring == NULL) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_BAD_JOB, "the packet ring cannot be opened: %s",
                    g_strerror(-ring_error));
        ok = FALSE;
    } else {
        ok = begin_part(&self, error);
        if (ok && options->part > 1)
            self.mender = g_thread_new("mender", mend, (gpointer)options);
        ok = ok && loop(&self, error);
        if (self.part != NULL)
            finish(&self);
    }
    clear(&self);
    return ok;
}
