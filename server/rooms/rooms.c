/* All sessions that are open: finding and loading them, events of the media workers, start and
 * stop. */
#include "recordings/recording.h"
#include "recordings/session.h"
#include "server/base/clock.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/rooms/feeds.h"
#include "server/rooms/line-checks.h"
#include "server/rooms/room-slides.h"
#include "server/rooms/room-tell.h"
#include "server/rooms/room.h"
#include <string.h>

#define TICK_MS         1000
#define STOP_LIMIT_S    9 /* a recorder has 8 s */
#define PEERS_DEFAULT   300
#define SPREAD_DEFAULT  600
#define AWAY_DEFAULT_MS 60000

/* ------------------------------------------------------------------------------ life of a room */

static void member_free(gpointer data)
{
    g_free(data);
}

static MnbRoom *room_new(MnbRooms *rooms, const MnbSession *session, MnbEvent *event)
{
    MnbRoom *room = g_new0(MnbRoom, 1);
    room->refs = 1;
    room->rooms = rooms;
    room->state = mnb_room_state_new(session->id);
    room->event = event;
    room->members = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, member_free);
    room->entering = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    room->receivers = g_ptr_array_new();
    room->branches = mnb_room_branches_new();
    room->tell = mnb_room_tell_new(room);
    room->countings = g_ptr_array_new_with_free_func(mnb_counting_free);
    return room;
}

MnbRoom *mnb_room_ref(MnbRoom *room)
{
    room->refs++;
    return room;
}

void mnb_room_unref(MnbRoom *room)
{
    if (--room->refs > 0)
        return;
    mnb_room_state_free(room->state);
    mnb_event_free(room->event);
    g_hash_table_unref(room->members);
    g_hash_table_unref(room->entering);
    g_ptr_array_unref(room->receivers);
    g_ptr_array_unref(room->countings);
    g_ptr_array_unref(room->branches);
    mnb_room_tell_free(room->tell);
    g_free(room);
}

static void close_room(MnbRooms *rooms, MnbRoom *room)
{
    mnb_room_record_free(room);
    mnb_room_forget_branches(room);
    g_clear_handle_id(&room->reassign, g_source_remove);
    g_clear_pointer(&room->tell, mnb_room_tell_free);
    g_ptr_array_set_size(room->countings, 0);
    if (room->media_room != 0)
        g_hash_table_remove(rooms->by_media_room, GUINT_TO_POINTER(room->media_room));
    room->rooms = NULL;
}

void mnb_rooms_drop(MnbRooms *rooms, MnbRoom *room)
{
    if (g_hash_table_lookup(rooms->by_session, room->state->session) != room)
        return;
    g_hash_table_steal(rooms->by_session, room->state->session);
    close_room(rooms, room);
    mnb_room_unref(room);
}

static gboolean on_entry(const MnbLogEntry *entry, gpointer data, GError **error)
{
    mnb_room_state_apply(data, entry);
    return TRUE;
}

static gboolean set_storage_error(GError **error, GError *cause)
{
    g_set_error(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_STORAGE, "%s", cause->message);
    g_error_free(cause);
    return FALSE;
}

static MnbRoom *load_room(MnbRooms *rooms, const MnbSession *session, GError **error)
{
    MnbDb *db = mnb_catalog_reader(rooms->catalog);
    GError *cause = NULL;
    MnbEvent *event = mnb_event_find(db, session->event, &cause);
    if (event == NULL) {
        set_storage_error(error, cause);
        return NULL;
    }
    MnbRoom *room = room_new(rooms, session, event);
    if (!mnb_session_log_read(db, session->id, 0, on_entry, room->state, &cause)) {
        set_storage_error(error, cause);
        mnb_room_unref(room);
        return NULL;
    }
    room->next_seq = room->state->seq + 1;
    g_hash_table_insert(rooms->by_session, room->state->session, room);
    MNB_LOG_INFO("session loaded", "session=%s entries=%" G_GINT64_FORMAT " peers=%u", session->id,
                 room->state->seq, mnb_room_state_count(room->state));
    mnb_room_reconcile(room);
    mnb_room_check_hand_overs(room);
    mnb_slides_resume(rooms->slides, room);
    mnb_room_follow_plan(room);
    return room;
}

MnbRoom *mnb_rooms_open(MnbRooms *rooms, const char *id, GError **error)
{
    MnbRoom *room = g_hash_table_lookup(rooms->by_session, id);
    if (room != NULL)
        return room;
    g_autoptr(GError) cause = NULL;
    g_autoptr(MnbSession) session =
        mnb_session_find(mnb_catalog_reader(rooms->catalog), id, &cause);
    if (session == NULL) {
        g_set_error_literal(error, MNB_ROOMS_ERROR,
                            g_error_matches(cause, MNB_ERROR, MNB_ERROR_NOT_FOUND)
                                ? MNB_ROOMS_ERROR_NOT_FOUND
                                : MNB_ROOMS_ERROR_STORAGE,
                            cause->message);
        return NULL;
    }
    if (session->state == MNB_SESSION_ENDED) {
        g_set_error_literal(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_SESSION_OVER,
                            "this session is over");
        return NULL;
    }
    return load_room(rooms, session, error);
}

/* Rooms may go away while we go through them. */
static GPtrArray *all_rooms(MnbRooms *self)
{
    GPtrArray *rooms = g_ptr_array_new_with_free_func((GDestroyNotify)mnb_room_unref);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, self->by_session);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_add(rooms, mnb_room_ref(value));
    return rooms;
}

static gboolean on_tick(gpointer data)
{
    MnbRooms *self = data;
    g_autoptr(GPtrArray) rooms = all_rooms(self);
    for (guint i = 0; i < rooms->len; i++) {
        MnbRoom *room = g_ptr_array_index(rooms, i);
        if (room->rooms != NULL)
            mnb_room_tick(room);
    }
    mnb_feeds_tick(self->feeds);
    return G_SOURCE_CONTINUE;
}

/* --------------------------------------------------------------------------------- start, stop */

/* Writer thread. */
static gboolean mark_cut(MnbDb *db, gpointer data, GError **error)
{
    g_autoptr(GPtrArray) cut = mnb_part_mark_cut(db, error);
    return cut != NULL;
}

static gboolean load_live(MnbRooms *self, GError **error)
{
    GError *cause = NULL;
    if (!mnb_catalog_write_sync(self->catalog, mark_cut, NULL, &cause))
        return set_storage_error(error, cause);
    g_autoptr(GPtrArray) sessions =
        mnb_session_list(mnb_catalog_reader(self->catalog), MNB_SESSION_LIVE, &cause);
    if (sessions == NULL)
        return set_storage_error(error, cause);
    for (guint i = 0; i < sessions->len; i++) {
        const MnbSession *session = g_ptr_array_index(sessions, i);
        g_autoptr(GError) one = NULL;
        if (load_room(self, session, &one) == NULL)
            MNB_LOG_ERROR("session cannot be loaded", "session=%s reason=\"%s\"", session->id,
                          one->message);
    }
    return TRUE;
}

MnbRooms *mnb_rooms_new(const MnbRoomsOptions *options, GError **error)
{
    MnbRooms *self = g_new0(MnbRooms, 1);
    self->catalog = options->catalog;
    self->pool = options->pool;
    self->clock = options->clock;
    self->record_program = g_strdup(options->record_program);
    self->walls = options->walls;
    self->ring_bytes = options->ring_bytes;
    self->min_free_bytes = options->min_free_bytes;
    self->max_peers = options->max_peers != 0 ? options->max_peers : PEERS_DEFAULT;
    self->spread = options->spread != 0 ? options->spread : SPREAD_DEFAULT;
    self->away_us = (gint64)(options->away_ms != 0 ? options->away_ms : AWAY_DEFAULT_MS) *
                    G_TIME_SPAN_MILLISECOND;
    self->on_jobs_added = options->on_jobs_added;
    self->data = options->data;
    self->by_session = g_hash_table_new(g_str_hash, g_str_equal);
    self->by_media_room = g_hash_table_new(NULL, NULL);
    self->transports = g_hash_table_new(NULL, NULL);
    self->publications = g_hash_table_new(NULL, NULL);
    self->resources = g_hash_table_new(g_str_hash, g_str_equal);
    self->clients = g_ptr_array_new();
    self->slides = mnb_slides_new(self, options->slides_dir);
    self->feeds = mnb_feeds_new(self, options->ingest_program, options->feed_rules);
    if (self->pool != NULL) {
        self->listener = mnb_media_pool_listen(self->pool, &mnb_room_media_events, self);
        self->line_checks = mnb_line_checks_new(self->pool);
    }
    guint tick_ms = MIN(TICK_MS, MAX((guint)(self->away_us / 2000), 10));
    self->tick = g_timeout_add(tick_ms, on_tick, self);
    if (!load_live(self, error)) {
        mnb_rooms_free(self);
        return NULL;
    }
    return self;
}

static void finish_stop(MnbRooms *self)
{
    void (*done)(gpointer) = self->on_stopped;
    g_clear_handle_id(&self->stop_timeout, g_source_remove);
    self->on_stopped = NULL;
    if (done != NULL)
        done(self->stopped_data);
}

static gboolean on_stop_limit(gpointer data)
{
    MnbRooms *self = data;
    self->stop_timeout = 0;
    MNB_LOG_WARNING("recorders did not finish in time", "recorders=%u", self->recorders_stopping);
    finish_stop(self);
    return G_SOURCE_REMOVE;
}

static gboolean on_nothing_to_stop(gpointer data)
{
    MnbRooms *self = data;
    self->stop_timeout = 0;
    finish_stop(self);
    return G_SOURCE_REMOVE;
}

void mnb_rooms_recorder_stopped(MnbRooms *self)
{
    if (self->recorders_stopping > 0 && --self->recorders_stopping == 0)
        finish_stop(self);
}

void mnb_rooms_stop(MnbRooms *self, void (*done)(gpointer data), gpointer data)
{
    g_return_if_fail(!self->is_stopping);
    self->is_stopping = TRUE;
    self->on_stopped = done;
    self->stopped_data = data;
    g_autoptr(GPtrArray) rooms = all_rooms(self);
    /* All are counted before the first is told: one that is between two parts ends at once. */
    for (guint i = 0; i < rooms->len; i++)
        self->recorders_stopping += mnb_room_is_recording(g_ptr_array_index(rooms, i));
    self->stop_timeout = self->recorders_stopping > 0
                             ? g_timeout_add_seconds(STOP_LIMIT_S, on_stop_limit, self)
                             : g_idle_add(on_nothing_to_stop, self);
    for (guint i = 0; i < rooms->len; i++)
        mnb_room_record_shut_down(g_ptr_array_index(rooms, i));
}

void mnb_rooms_free(MnbRooms *self)
{
    if (self == NULL)
        return;
    self->is_stopping = TRUE;
    g_clear_handle_id(&self->tick, g_source_remove);
    g_clear_handle_id(&self->stop_timeout, g_source_remove);
    g_autoptr(GPtrArray) rooms = all_rooms(self);
    for (guint i = 0; i < rooms->len; i++) {
        MnbRoom *room = g_ptr_array_index(rooms, i);
        mnb_room_close_all(room, MNB_CLOSE_RESTART, "restart");
        mnb_rooms_drop(self, room);
    }
    for (guint i = 0; i < self->clients->len; i++)
        mnb_client_orphan(g_ptr_array_index(self->clients, i));
    if (self->listener != 0)
        mnb_media_pool_unlisten(self->pool, self->listener);
    mnb_feeds_free(self->feeds);
    mnb_line_checks_free(self->line_checks);
    mnb_slides_free(self->slides);
    g_ptr_array_unref(self->clients);
    g_hash_table_unref(self->by_session);
    g_hash_table_unref(self->by_media_room);
    g_hash_table_unref(self->transports);
    g_hash_table_unref(self->publications);
    g_hash_table_unref(self->resources);
    g_free(self->record_program);
    g_free(self);
}

/* ------------------------------------------------------------------------ questions and orders */

MnbLineChecks *mnb_rooms_line_checks(MnbRooms *self)
{
    return self->is_stopping ? NULL : self->line_checks;
}

void mnb_rooms_event_changed(MnbRooms *self, const char *event)
{
    g_autoptr(GPtrArray) rooms = all_rooms(self);
    for (guint i = 0; i < rooms->len; i++) {
        MnbRoom *room = g_ptr_array_index(rooms, i);
        g_autoptr(GError) error = NULL;
        if (strcmp(room->event->id, event) != 0)
            continue;
        MnbEvent *fresh = mnb_event_find(mnb_catalog_reader(self->catalog), event, &error);
        if (fresh == NULL) {
            MNB_LOG_WARNING("event cannot be read again", "event=%s reason=\"%s\"", event,
                            error->message);
            continue;
        }
        mnb_event_free(room->event);
        room->event = fresh;
        mnb_room_follow_plan(room);
    }
}

void mnb_rooms_revoke_link(MnbRooms *self, const char *link)
{
    mnb_feeds_changed(self->feeds);
    g_autoptr(GPtrArray) rooms = all_rooms(self);
    for (guint i = 0; i < rooms->len; i++) {
        MnbRoom *room = g_ptr_array_index(rooms, i);
        for (guint p = 0; p < room->state->peers->len; p++) {
            const MnbPeer *peer = g_ptr_array_index(room->state->peers, p);
            if (strcmp(peer->link, link) != 0 || !peer->is_in)
                continue;
            /* Media stop now, whatever the disk does; the rest follows the entry. */
            MnbMember *member = mnb_room_member(room, peer->id);
            if (member != NULL && member->publish != NULL)
                mnb_transport_close(member->publish);
            if (member != NULL && member->receiver != NULL)
                mnb_transport_close(member->receiver->transport);
            if (member != NULL && member->client != NULL) {
                MnbClient *client = member->client;
                mnb_client_detach(client);
                mnb_client_close(client, MNB_CLOSE_REMOVED, "link-revoked");
            }
            mnb_room_leave(room, peer->id, "link-revoked", NULL, NULL);
        }
        for (guint r = room->receivers->len; r > 0; r--) {
            MnbReceiver *receiver = g_ptr_array_index(room->receivers, r - 1);
            if (strcmp(receiver->transport->link, link) == 0)
                mnb_transport_close(receiver->transport);
        }
    }
}

void mnb_rooms_write_metrics(MnbRooms *self, GString *out)
{
    guint peers = 0;
    guint live = 0;
    guint recording = 0;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, self->by_session);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const MnbRoom *room = value;
        peers += mnb_room_state_count(room->state);
        live += room->state->state == MNB_SESSION_LIVE;
        recording += room->state->recording == MNB_RECORDING_ON;
    }
    g_string_append_printf(
        out,
        "# TYPE manabi_rooms_sessions_live gauge\nmanabi_rooms_sessions_live %u\n"
        "# TYPE manabi_rooms_peers gauge\nmanabi_rooms_peers %u\n"
        "# TYPE manabi_rooms_recording gauge\nmanabi_rooms_recording %u\n"
        "# TYPE manabi_rooms_transports gauge\nmanabi_rooms_transports %u\n"
        "# TYPE manabi_rooms_joins_total counter\nmanabi_rooms_joins_total %" G_GUINT64_FORMAT "\n"
        "# TYPE manabi_rooms_chats_total counter\nmanabi_rooms_chats_total %" G_GUINT64_FORMAT "\n"
        "# TYPE manabi_rooms_log_failures_total counter\n"
        "manabi_rooms_log_failures_total %" G_GUINT64_FORMAT "\n",
        live, peers, recording, g_hash_table_size(self->transports), self->joins, self->chats,
        self->appends_failed);
    mnb_rooms_write_line_metrics(self, out);
}
