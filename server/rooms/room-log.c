/* Appending to the log of a session: on disk first, then in memory, then to everybody. */
#include "pipelines/manager/jobs.h"
#include "recordings/recording.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/rooms/room.h"
#include <string.h>

typedef struct {
    MnbRoom *room;
    char session[MNB_ID_SIZE];
    MnbLogEntry entry;
    char *type, *peer, *body; /* owned, behind entry's */
    MnbWriteFunc extra;
    gpointer extra_data;
    GDestroyNotify extra_destroy;
    MnbAppended done;
    gpointer done_data;
} Append;

static void append_free(gpointer data)
{
    Append *append = data;
    if (append->extra_destroy != NULL)
        append->extra_destroy(append->extra_data);
    mnb_room_unref(append->room);
    g_free(append->type);
    g_free(append->peer);
    g_free(append->body);
    g_free(append);
}

/* Writer thread. */
static gboolean write_entry(MnbDb *db, gpointer data, GError **error)
{
    Append *append = data;
    if (append->extra != NULL && !append->extra(db, append->extra_data, error))
        return FALSE;
    return mnb_session_log_append(db, append->session, &append->entry, 1, error);
}

static GError *storage_error(const GError *cause)
{
    if (g_error_matches(cause, MNB_ERROR, MNB_ERROR_STORAGE_FULL))
        return g_error_new(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_STORAGE_FULL, "%s", cause->message);
    if (cause->domain == MNB_ROOMS_ERROR)
        return g_error_copy(cause);
    return g_error_new(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_STORAGE, "not saved: %s", cause->message);
}

/* Only to those who may read it. */
static void tell_chat(MnbRoom *room, const char *text)
{
    const MnbChatLine *line = g_queue_peek_tail(&room->state->chat);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, room->members);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const MnbMember *member = value;
        const MnbPeer *peer = mnb_room_peer(room, member->peer);
        if (member->client != NULL && peer != NULL && peer->is_in &&
            mnb_room_state_may_read(line, peer))
            mnb_client_tell(member->client, text);
    }
}

/* What moderators hear in other words than everybody. */
static gboolean is_split(const char *type)
{
    return g_str_has_prefix(type, "recording-") || g_str_has_prefix(type, "question-") ||
           g_str_has_prefix(type, "poll-") || strcmp(type, "marker") == 0;
}

static void tell(MnbRoom *room, const MnbLogEntry *entry)
{
    g_autofree char *text = mnb_room_json_event(room->state, entry, FALSE);
    if (is_split(entry->type)) {
        g_autofree char *detailed = mnb_room_json_event(room->state, entry, TRUE);
        mnb_room_broadcast_split(room, MNB_MAY_MODERATE, detailed, text);
    } else if (text != NULL && strcmp(entry->type, "chat") == 0) {
        tell_chat(room, text);
    } else if (text != NULL) {
        mnb_room_broadcast(room, text);
    }
}

static void on_failed(Append *append, const GError *cause)
{
    MnbRoom *room = append->room;
    g_autoptr(GError) error = storage_error(cause);
    if (room->rooms != NULL) {
        room->rooms->appends_failed++;
        if (!room->is_log_blocked)
            MNB_LOG_ERROR("session log not written", "session=%s type=%s reason=\"%s\"",
                          append->session, append->type, cause->message);
        room->is_log_blocked = TRUE;
    }
    if (append->done != NULL)
        append->done(room, error, append->done_data);
}

/* Main thread, after the commit. */
static void on_written(const GError *error, gpointer data, gpointer user_data)
{
    Append *append = data;
    MnbRoom *room = append->room;
    room->in_flight--;
    if (error != NULL) {
        on_failed(append, error);
    } else {
        gboolean is_news = mnb_room_state_apply(room->state, &append->entry);
        if (is_news && room->rooms != NULL)
            tell(room, &append->entry);
        /* The reply before what follows: a peer that leaves is answered, then closed. */
        if (append->done != NULL)
            append->done(room, NULL, append->done_data);
        if (is_news && room->rooms != NULL)
            mnb_room_follow(room, &append->entry);
    }
    /* The log takes numbers without gaps: those behind a failed one failed too, and the next one
     * continues from what is on disk. */
    if (room->in_flight == 0 && room->is_log_blocked) {
        room->is_log_blocked = FALSE;
        room->next_seq = room->state->seq + 1;
    }
}

static gboolean on_blocked(gpointer data)
{
    Append *append = data;
    g_autoptr(GError) error =
        g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_STORAGE,
                            "not saved: the session's log cannot be written just now");
    if (append->done != NULL)
        append->done(append->room, error, append->done_data);
    append_free(append);
    return G_SOURCE_REMOVE;
}

void mnb_room_append(MnbRoom *room, const MnbAppend *what, MnbAppended done, gpointer data)
{
    Append *append = g_new0(Append, 1);
    char *raw = what->body != NULL ? json_dumps(what->body, JSON_COMPACT) : NULL;
    append->room = mnb_room_ref(room);
    g_strlcpy(append->session, room->state->session, sizeof append->session);
    append->type = g_strdup(what->type);
    append->peer = g_strdup(what->peer);
    append->body = g_strdup(raw != NULL ? raw : "{}");
    free(raw);
    json_decref(what->body);
    append->extra = what->extra;
    append->extra_data = what->extra_data;
    append->extra_destroy = what->extra_destroy;
    append->done = done;
    append->done_data = data;
    if (room->rooms == NULL || room->is_log_blocked) {
        g_idle_add(on_blocked, append);
        return;
    }
    append->entry = (MnbLogEntry){
        .seq = room->next_seq++,
        .at_us = mnb_room_wall_us(room),
        .type = append->type,
        .peer = append->peer,
        .body = append->body,
    };
    room->in_flight++;
    mnb_catalog_write(room->rooms->catalog, write_entry, append, append_free, on_written, NULL);
}

void mnb_room_append_simple(MnbRoom *room, const char *type, const char *peer, json_t *body)
{
    MnbAppend append = {.type = type, .peer = peer, .body = body};
    mnb_room_append(room, &append, NULL, NULL);
}

/* ------------------------------------------------------------------------ the end of a session */

typedef struct {
    char session[MNB_ID_SIZE];
    gint64 now_us;
} End;

/* Writer thread. */
static gboolean write_end(MnbDb *db, gpointer data, GError **error)
{
    End *end = data;
    if (!mnb_session_set_state(db, end->session, MNB_SESSION_ENDED, end->now_us, error))
        return FALSE;
    g_autoptr(GPtrArray) recordings = mnb_recording_list_for_session(db, end->session, error);
    if (recordings == NULL)
        return FALSE;
    for (guint i = 0; i < recordings->len; i++) {
        const MnbRecording *recording = g_ptr_array_index(recordings, i);
        if (recording->state != MNB_RECORDING_DRAFT)
            continue;
        g_autoptr(GPtrArray) parts = mnb_part_list(db, recording->id, error);
        if (parts == NULL)
            return FALSE;
        if (parts->len == 0) {
            /* The recorder never began: there is nothing to keep. */
            if (!mnb_recording_remove(db, recording->id, error))
                return FALSE;
            continue;
        }
        if (!mnb_jobs_insert_chain(db, recording->id, end->now_us, error))
            return FALSE;
    }
    return TRUE;
}

void mnb_room_append_end(MnbRoom *room, const char *peer, MnbAppended done, gpointer data)
{
    End *end = g_new0(End, 1);
    g_strlcpy(end->session, room->state->session, sizeof end->session);
    end->now_us = mnb_room_wall_us(room);
    MnbAppend append = {
        .type = "session-ended",
        .peer = peer,
        .extra = write_end,
        .extra_data = end,
        .extra_destroy = g_free,
    };
    mnb_room_append(room, &append, done, data);
}
