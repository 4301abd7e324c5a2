/* The recording of a session.
 *
 *     record on --> row + folder (writer thread) --> manabi-record --ON--> log: recording-started
 * --> reply record off, end --> files closed --> log: recording-stopped --> reply
 *
 * One recording a session: off and on again, or a new start of the server, is the next part. The
 * log says what the facilitator wants; the recorder is the fact. A recorder that gave up leaves
 * FAILED in the log, and `record on` tries again. Pausing closes the part as stopping does; the log
 * says paused, and `record on` is the next part.
 *
 * Who has not agreed is not written: his tracks are never told to the recorder, so neither packet
 * nor name of his can be in a file. Who takes his yes back is taken off at once, and what was
 * written of him before is removed when the session has ended (the repair job's `forget`). */
#include "recordings/recording.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/rooms/room.h"
#include <string.h>

#define LAYER_STEADY_US                                                                            \
    (3 * G_USEC_PER_SEC)                  /* a larger layer flows so long before it is recorded */
#define OFF_LIMIT_US (3 * G_USEC_PER_SEC) /* a switched-off track that still flows is dropped */

typedef struct {
    MnbAppended done;
    gpointer data;
} Waiter;

struct MnbRoomRecorder {
    MnbRoom *room;
    MnbRecorder *recorder; /* NULL while the row is made */
    char id[MNB_ID_SIZE];
    gboolean is_told; /* recording-started is in the log, or on its way */
    gboolean is_stopping;
    gboolean is_pausing;   /* and the log is to say paused */
    gboolean is_silent;    /* shutting down: nothing goes into the log */
    gboolean is_cancelled; /* stop came before the row was made */
    GArray *starting;      /* Waiter: who asked for on */
    GArray *stopping;      /* Waiter: who asked for off */
};

static void settle(GArray *waiters, MnbRoom *room, const GError *error)
{
    g_autoptr(GArray) all = g_array_copy(waiters);
    g_array_set_size(waiters, 0);
    for (guint i = 0; i < all->len; i++) {
        const Waiter *waiter = &g_array_index(all, Waiter, i);
        if (waiter->done != NULL)
            waiter->done(room, error, waiter->data);
    }
}

static void recorder_free(MnbRoomRecorder *self)
{
    mnb_recorder_free(self->recorder);
    g_array_unref(self->starting);
    g_array_unref(self->stopping);
    g_free(self);
}

/* Takes it out of the room, and tells those who still wait. */
static void drop_recorder(MnbRoomRecorder *self, const GError *error)
{
    MnbRoom *room = mnb_room_ref(self->room);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, room->members);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        for (guint s = 0; s < MNB_N_SOURCES; s++)
            if (((MnbMember *)value)->publications[s] != NULL)
                ((MnbMember *)value)->publications[s]->recorded = 0;
    if (room->recorder == self)
        room->recorder = NULL;
    settle(self->starting, room, error);
    settle(self->stopping, room, NULL);
    recorder_free(self);
    mnb_room_unref(room);
}

/* --------------------------------------------------------------------------- tracks and layers */

static const char *role_of(MnbSource source)
{
    return mnb_source_to_string(source); /* the recorder uses the same words */
}

/* The layer to record: the largest that has flowed steadily, else the largest that flows. */
static guint32 layer_to_record(const MnbPublication *publication, gint64 now_us)
{
    gboolean has_current = FALSE;
    for (guint i = 0; i < publication->layer_count; i++)
        has_current = has_current || (publication->layers[i].track == publication->recorded &&
                                      publication->layers[i].is_flowing);
    for (guint i = publication->layer_count; i > 0; i--) {
        const MnbLayer *layer = &publication->layers[i - 1];
        if (!layer->is_flowing)
            continue;
        if (layer->track == publication->recorded || !has_current ||
            now_us - layer->flowing_us >= LAYER_STEADY_US)
            return layer->track;
    }
    return publication->recorded; /* nothing flows: as it is */
}

/* The language that it is the voice of; "": it is of the floor. */
static const char *channel_of(MnbRoom *room, const MnbPublication *publication)
{
    const MnbPeer *peer = publication->source == MNB_SOURCE_MICROPHONE
                              ? mnb_room_peer(room, publication->member->peer)
                              : NULL;
    return peer != NULL ? peer->booth : "";
}

/* Who sits in a booth without being on air is heard by nobody, and not written. */
static gboolean is_silent_in_booth(MnbRoom *room, const MnbPublication *publication)
{
    const MnbPeer *peer = mnb_room_peer(room, publication->member->peer);
    return *channel_of(room, publication) != '\0' && !peer->is_on_air;
}

static void add_track(MnbRoomRecorder *self, MnbPublication *publication, guint32 track)
{
    const MnbMember *member = publication->member;
    const MnbPeer *peer = mnb_room_peer(self->room, member->peer);
    const MnbSdpCodec *agreed = &publication->media.codecs[publication->codec];
    const char *channel = channel_of(self->room, publication);
    const char *role = *channel != '\0' ? "interpretation" : role_of(publication->source);
    /* An interpreter goes on air many times: each time is a file of its own. */
    g_autofree char *turn = *channel != '\0'
                                ? g_strdup_printf("-%" G_GINT64_FORMAT, self->room->state->seq)
                                : g_strdup("");
    g_autofree char *file = g_strdup_printf("%s-%s-%u%s", member->peer, role, track, turn);
    g_autofree char *fmtp =
        publication->codec == MNB_CODEC_H264
            ? g_strdup_printf("packetization-mode=1;profile-level-id=%s",
                              agreed->profile[0] != '\0' ? agreed->profile : "42e01f")
            : NULL;
    MnbRecorderTrack add = {
        .track = track,
        .codec = publication->codec,
        .pt = agreed->pt,
        .clock_rate = publication->media.is_video ? 90000 : 48000,
        .fmtp = fmtp,
        .peer = member->peer,
        .name = peer != NULL ? peer->name : "",
        .role = role,
        .language = *channel != '\0' ? channel : NULL,
        .file = file,
    };
    g_autoptr(GError) error = NULL;
    if (!mnb_recorder_add_track(self->recorder, &add, &error)) {
        MNB_LOG_WARNING("track is not recorded", "session=%s track=%u reason=\"%s\"",
                        self->room->state->session, track, error->message);
        return;
    }
    publication->recorded = track;
    g_strlcpy(publication->recorded_channel, channel, sizeof publication->recorded_channel);
}

/* Only who agreed is written. Encoders are let in by who may record, and count as agreed. */
static gboolean may_write(const MnbRoom *room, const MnbMember *member)
{
    const MnbPeer *peer = mnb_room_peer((MnbRoom *)room, member->peer);
    return peer != NULL && peer->consent == MNB_CONSENT_YES && !member->is_excluded;
}

static void sync_publication(MnbRoomRecorder *self, MnbPublication *publication)
{
    gint64 now = mnb_room_now_us(self->room);
    if (!may_write(self->room, publication->member) ||
        is_silent_in_booth(self->room, publication)) {
        mnb_room_record_forget(self->room, publication);
        return;
    }
    if (publication->recorded != 0 &&
        strcmp(publication->recorded_channel, channel_of(self->room, publication)) != 0)
        mnb_room_record_forget(self->room, publication);
    gboolean is_flowing = FALSE;
    for (guint i = 0; i < publication->layer_count; i++)
        is_flowing = is_flowing || publication->layers[i].is_flowing;
    /* Switched off by its owner nothing flows; the file goes on when he comes back. What flows
     * though it was switched off (muted by the host) is not recorded. */
    if (!mnb_publication_is_on(publication)) {
        if (publication->recorded != 0 && is_flowing && publication->off_us != 0 &&
            now - publication->off_us >= OFF_LIMIT_US)
            mnb_room_record_forget(self->room, publication);
        return;
    }
    guint32 wanted = layer_to_record(publication, now);
    if (wanted == publication->recorded)
        return;
    if (publication->recorded != 0)
        mnb_recorder_remove_track(self->recorder, publication->recorded);
    publication->recorded = 0;
    add_track(self, publication, wanted);
}

static gboolean has_flowing(MnbRoom *room)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, room->rooms->publications);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const MnbPublication *publication = value;
        for (guint i = 0; publication->member->room == room && i < publication->layer_count; i++)
            if (publication->layers[i].is_flowing)
                return TRUE;
    }
    return FALSE;
}

/* The facilitator wants it, says the log: on, or only held up by a full disk. */
static gboolean is_wanted(const MnbRoom *room)
{
    return room->state->recording == MNB_RECORDING_ON ||
           (room->state->recording == MNB_RECORDING_FAILED &&
            g_strcmp0(room->state->recording_code, "disk-full") == 0);
}

void mnb_room_record_sync(MnbRoom *room)
{
    MnbRoomRecorder *self = room->recorder;
    if (self == NULL) {
        /* A restarted server goes on as soon as there is something to record. Not while entries
         * are on their way to the disk: one of them may be the stop. */
        if (room->rooms != NULL && room->in_flight == 0 && !room->is_ending && is_wanted(room) &&
            room->state->state == MNB_SESSION_LIVE && has_flowing(room))
            mnb_room_record_resume(room);
        return;
    }
    if (self->recorder == NULL || self->is_stopping)
        return;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, room->members);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        for (guint s = 0; s < MNB_N_SOURCES; s++)
            if (((MnbMember *)value)->publications[s] != NULL)
                sync_publication(self, ((MnbMember *)value)->publications[s]);
}

void mnb_room_record_forget(MnbRoom *room, MnbPublication *publication)
{
    if (room->recorder != NULL && room->recorder->recorder != NULL && publication->recorded != 0)
        mnb_recorder_remove_track(room->recorder->recorder, publication->recorded);
    publication->recorded = 0;
}

void mnb_room_record_exclude(MnbRoom *room, const char *peer)
{
    MnbMember *member = mnb_room_member(room, peer);
    if (member == NULL)
        return;
    member->is_excluded = TRUE;
    for (guint s = 0; s < MNB_N_SOURCES; s++)
        if (member->publications[s] != NULL)
            mnb_room_record_forget(room, member->publications[s]);
}

void mnb_room_record_moved(MnbRoom *room)
{
    if (room->recorder != NULL && room->recorder->recorder != NULL)
        mnb_recorder_move(room->recorder->recorder, room->worker);
}

/* ----------------------------------------------------------------------- rows of the catalogue */

typedef struct {
    char recording[MNB_ID_SIZE];
    int part;
    gint64 time_us;
    MnbPartState state;
} PartWrite;

/* Writer thread. */
static gboolean write_part_begin(MnbDb *db, gpointer data, GError **error)
{
    PartWrite *write = data;
    int part = mnb_part_begin(db, write->recording, write->time_us, error);
    if (part >= 0 && part != write->part) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_CONFLICT, "part %d of recording %s is taken",
                    write->part, write->recording);
        return FALSE;
    }
    return part >= 0;
}

/* Writer thread. */
static gboolean write_part_end(MnbDb *db, gpointer data, GError **error)
{
    PartWrite *write = data;
    g_autoptr(GError) cause = NULL;
    if (mnb_part_set(db, write->recording, write->part, write->state, write->time_us, NULL, &cause))
        return TRUE;
    /* Its beginning could not be written (a full disk): a recording without parts would be taken
     * for an empty one. */
    if (!g_error_matches(cause, MNB_ERROR, MNB_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return FALSE;
    }
    return write_part_begin(db, data, error) &&
           mnb_part_set(db, write->recording, write->part, write->state, write->time_us, NULL,
                        error);
}

static void write_part(MnbRoomRecorder *self, MnbWriteFunc func, guint part, gint64 time_us,
                       MnbPartState state)
{
    if (self->room->rooms == NULL)
        return;
    PartWrite *write = g_new0(PartWrite, 1);
    g_strlcpy(write->recording, self->id, sizeof write->recording);
    write->part = (int)part;
    write->time_us = time_us;
    write->state = state;
    mnb_catalog_write(self->room->rooms->catalog, func, write, g_free, NULL, NULL);
}

static void on_part(MnbRecorder *recorder, guint part, gint64 started_unix_us, gpointer data)
{
    write_part(data, write_part_begin, part, started_unix_us, MNB_PART_WRITING);
}

static void on_part_ended(MnbRecorder *recorder, guint part, gboolean is_closed, gpointer data)
{
    MnbRoomRecorder *self = data;
    if (!is_closed)
        MNB_LOG_WARNING("part of a recording was cut off", "recording=%s part=%u", self->id, part);
    write_part(self, write_part_end, part, mnb_room_wall_us(self->room),
               is_closed ? MNB_PART_CLOSED : MNB_PART_CUT);
}

/* ------------------------------------------------------------------------------- what it tells */

static void on_started_written(MnbRoom *room, const GError *error, gpointer data)
{
    if (room->recorder != NULL)
        settle(room->recorder->starting, room, error);
}

static void tell_started(MnbRoomRecorder *self)
{
    MnbAppend append = {.type = "recording-started",
                        .body = json_pack("{s:s}", "recording", self->id)};
    self->is_told = TRUE;
    mnb_room_append(self->room, &append, on_started_written, NULL);
}

/* Something is missing and the recording goes on: named in the log, told to who records. */
static void tell_hole(MnbRoomRecorder *self, const char *code, guint part, guint64 packets)
{
    if (self->is_silent || self->room->rooms == NULL)
        return;
    mnb_room_append_simple(self->room, "recording-hole", NULL,
                           json_pack("{s:s, s:I, s:I}", "code", code, "part", (json_int_t)part,
                                     "packets", (json_int_t)packets));
}

static void on_hole(MnbRecorder *recorder, const char *code, guint part, guint64 packets,
                    gpointer data)
{
    tell_hole(data, code, part, packets);
}

static void tell_failed(MnbRoomRecorder *self, const char *code, const char *detail)
{
    mnb_room_append_simple(self->room, "recording-failed", NULL,
                           json_pack("{s:s, s:s}", "code", code != NULL ? code : "recorder-failed",
                                     "detail", detail != NULL ? detail : ""));
}

static void on_stopped_written(MnbRoom *room, const GError *error, gpointer data)
{
    g_autoptr(GArray) waiters = data;
    settle(waiters, room, error);
}

static void on_stopped(MnbRecorder *recorder, gpointer data)
{
    MnbRoomRecorder *self = data;
    MnbRoom *room = self->room;
    MnbRooms *rooms = room->rooms;
    gboolean is_silent = self->is_silent;
    /* Off that was asked for just before the server stops is off after its restart, too. */
    if (!is_silent || self->stopping->len > 0) {
        MNB_LOG_INFO("recording stopped", "session=%s recording=%s", room->state->session,
                     self->id);
        GArray *waiters = g_array_copy(self->stopping);
        g_array_set_size(self->stopping, 0);
        MnbAppend append = {.type = self->is_pausing ? "recording-paused" : "recording-stopped"};
        mnb_room_append(room, &append, on_stopped_written, waiters);
    }
    drop_recorder(self, NULL);
    if (is_silent && rooms != NULL)
        mnb_rooms_recorder_stopped(rooms);
}

static void on_gave_up(MnbRoomRecorder *self, const char *code, const char *detail)
{
    MnbRoom *room = self->room;
    MNB_LOG_ERROR("recording failed", "session=%s recording=%s code=%s detail=\"%s\"",
                  room->state->session, self->id, code != NULL ? code : "-",
                  detail != NULL ? detail : "");
    if (self->is_stopping) {
        /* Off was asked for, and off it is; what was written stays. */
        on_stopped(self->recorder, self);
        return;
    }
    g_autoptr(GError) error =
        g_error_new(MNB_ROOMS_ERROR,
                    g_strcmp0(code, "disk-full") == 0 ? MNB_ROOMS_ERROR_STORAGE_FULL
                                                      : MNB_ROOMS_ERROR_RECORDER_FAILED,
                    "%s", detail != NULL ? detail : "the recorder could not be kept running");
    /* After a restart the log says on before this process has told anything. */
    if (self->is_told || is_wanted(room))
        tell_failed(self, code, detail);
    drop_recorder(self, error);
}

static void on_state(MnbRecorder *recorder, MnbRecorderState state, const char *code,
                     const char *detail, gpointer data)
{
    MnbRoomRecorder *self = data;
    switch (state) {
    case MNB_RECORDER_ON:
        mnb_room_record_sync(self->room);
        if (!self->is_silent && !self->is_stopping &&
            (!self->is_told || self->room->state->recording != MNB_RECORDING_ON))
            tell_started(self);
        break;
    case MNB_RECORDER_DISK_FULL:
        if (!self->is_silent && !self->is_stopping)
            tell_failed(self, "disk-full",
                        detail != NULL ? detail
                                       : "the disk is full; recording goes on when there is space");
        break;
    case MNB_RECORDER_FAILED:
        on_gave_up(self, code, detail);
        break;
    case MNB_RECORDER_STARTING:
    case MNB_RECORDER_STOPPED:
        break;
    }
}

static const MnbRecorderCalls recorder_calls = {
    .on_part = on_part,
    .on_part_ended = on_part_ended,
    .on_state = on_state,
    .on_hole = on_hole,
    .on_stopped = on_stopped,
};

/* --------------------------------------------------------------------------------------- start */

typedef struct {
    MnbRoom *room; /* a reference */
    char session[MNB_ID_SIZE];
    MnbStore *store;
    gint64 now_us;
    /* results */
    char id[MNB_ID_SIZE];
    char *dir;
    guint first_part;
} Begin;

static void begin_free(gpointer data)
{
    Begin *begin = data;
    mnb_room_unref(begin->room);
    g_free(begin->dir);
    g_free(begin);
}

static MnbRecording *find_or_insert(MnbDb *db, Begin *begin, GError **error)
{
    g_autoptr(GPtrArray) all = mnb_recording_list_for_session(db, begin->session, error);
    if (all == NULL)
        return NULL;
    for (guint i = 0; i < all->len; i++) {
        const MnbRecording *recording = g_ptr_array_index(all, i);
        if (recording->state == MNB_RECORDING_DRAFT)
            return mnb_recording_find(db, recording->id, error);
    }
    return mnb_recording_insert_for_session(db, begin->session, begin->now_us, error);
}

/* Writer thread. May run twice, so the results are set anew. */
static gboolean write_begin(MnbDb *db, gpointer data, GError **error)
{
    Begin *begin = data;
    g_clear_pointer(&begin->dir, g_free);
    g_autoptr(MnbRecording) recording = find_or_insert(db, begin, error);
    if (recording == NULL)
        return FALSE;
    g_autoptr(GPtrArray) parts = mnb_part_list(db, recording->id, error);
    if (parts == NULL || !mnb_store_create_recording(begin->store, recording->folder, error))
        return FALSE;
    begin->first_part = 1;
    for (guint i = 0; i < parts->len; i++)
        begin->first_part =
            MAX(begin->first_part, (guint)((const MnbPart *)g_ptr_array_index(parts, i))->part + 1);
    g_strlcpy(begin->id, recording->id, sizeof begin->id);
    begin->dir = mnb_store_recording_path(begin->store, recording->folder, NULL, error);
    return begin->dir != NULL;
}

static GError *start_error(const GError *cause)
{
    gboolean is_full = g_error_matches(cause, MNB_ERROR, MNB_ERROR_STORAGE_FULL);
    return g_error_new(MNB_ROOMS_ERROR,
                       is_full ? MNB_ROOMS_ERROR_STORAGE_FULL : MNB_ROOMS_ERROR_RECORDER_FAILED,
                       "%s", cause->message);
}

static void give_up_start(MnbRoomRecorder *self, const GError *cause)
{
    MnbRoom *room = self->room;
    g_autoptr(GError) error = start_error(cause);
    MNB_LOG_ERROR("recording cannot start", "session=%s reason=\"%s\"", room->state->session,
                  cause->message);
    gboolean is_silent = self->is_silent;
    /* Only a recording that the log already calls on (a restart) has to be called off there. */
    if (room->rooms != NULL && !is_silent && is_wanted(room))
        tell_failed(self, mnb_rooms_error_code(error), cause->message);
    drop_recorder(self, error);
    if (is_silent && room->rooms != NULL)
        mnb_rooms_recorder_stopped(room->rooms);
}

static void on_row(const GError *error, gpointer data, gpointer user_data)
{
    const Begin *begin = data;
    MnbRoom *room = begin->room;
    MnbRoomRecorder *self = room->recorder;
    g_autoptr(GError) cause = NULL;
    if (room->rooms == NULL || self == NULL)
        return;
    if (error != NULL) {
        give_up_start(self, error);
        return;
    }
    if (self->is_cancelled || room->rooms->is_stopping) {
        on_stopped(NULL, self);
        return;
    }
    MnbRecorderOptions options = {
        .program = room->rooms->record_program,
        .dir = begin->dir,
        .recording = begin->id,
        .first_part = begin->first_part,
        .ring_bytes = room->rooms->ring_bytes,
        .walls = room->rooms->walls,
        .worker = room->worker,
    };
    g_strlcpy(self->id, begin->id, sizeof self->id);
    self->recorder = mnb_recorder_new(&options, &recorder_calls, self, &cause);
    if (self->recorder == NULL) {
        give_up_start(self, cause);
        return;
    }
    room->rooms->recordings_started++;
    /* What was said between the end of the other process and this one is in no part. */
    if (begin->first_part > 1 && is_wanted(room))
        tell_hole(self, "server-restarted", begin->first_part - 1, 0);
    MNB_LOG_INFO("recording starts", "session=%s recording=%s part=%u", room->state->session,
                 self->id, begin->first_part);
    mnb_room_record_sync(room);
}

static void begin_recorder(MnbRoom *room)
{
    MnbRoomRecorder *self = g_new0(MnbRoomRecorder, 1);
    self->room = room;
    self->starting = g_array_new(FALSE, FALSE, sizeof(Waiter));
    self->stopping = g_array_new(FALSE, FALSE, sizeof(Waiter));
    room->recorder = self;
    Begin *begin = g_new0(Begin, 1);
    begin->room = mnb_room_ref(room);
    g_strlcpy(begin->session, room->state->session, sizeof begin->session);
    begin->store = mnb_catalog_store(room->rooms->catalog);
    begin->now_us = mnb_room_wall_us(room);
    mnb_catalog_write(room->rooms->catalog, write_begin, begin, begin_free, on_row, NULL);
}

static GError *why_not(MnbRoom *room)
{
    MnbRooms *rooms = room->rooms;
    GError *cause = NULL;
    if (room->state->state != MNB_SESSION_LIVE)
        return g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_NOT_LIVE,
                                   "the session has not started");
    if (room->event->recording_policy == MNB_RECORDING_POLICY_NONE)
        return g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_NOT_ALLOWED,
                                   "this event is not to be recorded; change it in its plan");
    if (rooms->record_program == NULL)
        return g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_RECORDER_FAILED,
                                   "manabi-record is not installed");
    if (!mnb_store_check_space(mnb_catalog_store(rooms->catalog), rooms->min_free_bytes, &cause)) {
        GError *error = start_error(cause);
        g_error_free(cause);
        return error;
    }
    if (!mnb_room_pick_worker(room))
        return g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_MEDIA_UNAVAILABLE,
                                   "no media worker is ready; try again in a second");
    return NULL;
}

void mnb_room_record_start(MnbRoom *room, MnbAppended done, gpointer data)
{
    Waiter waiter = {done, data};
    g_autoptr(GError) error = why_not(room);
    if (error == NULL && room->recorder != NULL && room->recorder->is_stopping)
        error = g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_RECORDER_FAILED,
                                    "the recording is just being stopped; try again");
    if (error != NULL) {
        done(room, error, data);
        return;
    }
    if (room->recorder != NULL && room->recorder->starting->len == 0 && room->recorder->is_told) {
        done(room, NULL, data); /* it is on */
        return;
    }
    if (room->recorder == NULL)
        begin_recorder(room);
    g_array_append_val(room->recorder->starting, waiter);
}

void mnb_room_record_resume(MnbRoom *room)
{
    g_autoptr(GError) error = why_not(room);
    if (error != NULL || room->rooms->is_stopping)
        return; /* the tick comes back to it */
    begin_recorder(room);
}

/* ---------------------------------------------------------------------------------------- stop */

/* May end, and free, @self at once. */
static void stop(MnbRoomRecorder *self)
{
    if (self->is_stopping)
        return;
    self->is_stopping = TRUE;
    if (self->recorder != NULL)
        mnb_recorder_stop(self->recorder);
    else
        self->is_cancelled = TRUE; /* on_row() ends it */
}

void mnb_room_record_stop(MnbRoom *room, MnbAppended done, gpointer data)
{
    MnbRoomRecorder *self = room->recorder;
    Waiter waiter = {done, data};
    if (self == NULL) {
        if (room->state->recording == MNB_RECORDING_OFF) {
            done(room, NULL, data);
            return;
        }
        MnbAppend append = {.type = "recording-stopped"};
        mnb_room_append(room, &append, done, data);
        return;
    }
    self->is_pausing = FALSE;
    g_array_append_val(self->stopping, waiter);
    stop(self);
}

void mnb_room_record_pause(MnbRoom *room, MnbAppended done, gpointer data)
{
    MnbRoomRecorder *self = room->recorder;
    Waiter waiter = {done, data};
    if (self != NULL) {
        if (!self->is_stopping)
            self->is_pausing = TRUE;
        g_array_append_val(self->stopping, waiter);
        stop(self);
        return;
    }
    if (!is_wanted(room)) {
        g_autoptr(GError) error = NULL;
        if (room->state->recording != MNB_RECORDING_PAUSED)
            error = g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_NOT_LIVE,
                                        "nothing is being recorded");
        done(room, error, data);
        return;
    }
    MnbAppend append = {.type = "recording-paused"};
    mnb_room_append(room, &append, done, data);
}

gboolean mnb_room_is_recording(const MnbRoom *room)
{
    return room->recorder != NULL;
}

void mnb_room_record_shut_down(MnbRoom *room)
{
    MnbRoomRecorder *self = room->recorder;
    if (self == NULL)
        return;
    self->is_silent = TRUE;
    stop(self);
}

void mnb_room_record_free(MnbRoom *room)
{
    if (room->recorder == NULL)
        return;
    g_autoptr(GError) error =
        g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_SESSION_OVER, "the session is over");
    drop_recorder(room->recorder, error);
}
