#include "server/rooms/feeds.h"

#include "pipelines/manager/ingest.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/rooms/feed-url.h"
#include "server/rooms/room.h"
#include <string.h>

#define READ_US         (2 * G_USEC_PER_SEC)
#define BEFORE_US       (24 * G_TIME_SPAN_HOUR) /* a crew tries its line the day before */
#define AFTER_US        (24 * G_TIME_SPAN_HOUR) /* of an event that never began */
#define LATENCY_MS      500
#define RTSP_LATENCY_MS 200
#define FEEDS_MAX       32 /* processes at once */

/* One feed that has a process. */
typedef struct {
    MnbFeeds *feeds;
    MnbFeed *row;
    MnbIngest *ingest;
    char peer[MNB_ID_SIZE]; /* as which it is, or was, in its session; "": never */
    guint32 transport;      /* whose tracks the process was told */
    gboolean is_entering;   /* an entry of ours is on its way to the disk */
    gboolean is_seen;       /* in the list that is being read */
} Feed;

struct MnbFeeds {
    MnbRooms *rooms;
    char *program;
    char *address;
    guint16 srt_port, rtmp_port;
    guint srt_places, height;
    GStrv camera_networks;
    gint64 patience_us;
    const MnbWalls *walls;
    GHashTable *by_link; /* id of the link -> Feed */
    gint64 read_us;      /* when the rows were read last; 0: read now */
};

static void feed_free(gpointer data)
{
    Feed *feed = data;
    mnb_ingest_free(feed->ingest);
    mnb_feed_row_free(feed->row);
    g_free(feed);
}

MnbFeeds *mnb_feeds_new(MnbRooms *rooms, const char *program, const MnbFeedRules *rules)
{
    if (program == NULL || rules == NULL)
        return NULL;
    MnbFeeds *self = g_new0(MnbFeeds, 1);
    self->rooms = rooms;
    self->program = g_strdup(program);
    self->address = g_strdup(rules->address);
    self->srt_port = rules->srt_port;
    self->srt_places = rules->srt_places;
    self->rtmp_port = rules->rtmp_port;
    self->height = rules->height;
    self->patience_us =
        (gint64)(rules->patience_s != 0 ? rules->patience_s : MNB_FEED_PATIENCE_S) * G_USEC_PER_SEC;
    self->walls = rules->walls;
    self->camera_networks = g_strdupv((GStrv)rules->camera_networks);
    self->by_link = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, feed_free);
    return self;
}

void mnb_feeds_free(MnbFeeds *self)
{
    if (self == NULL)
        return;
    g_hash_table_unref(self->by_link);
    g_strfreev(self->camera_networks);
    g_free(self->program);
    g_free(self->address);
    g_free(self);
}

/* ---------------------------------------------------------------------------- rows and processes
 */

static gint64 now_us(const MnbFeeds *self)
{
    return mnb_clock_now_us(self->rooms->clock);
}

static gboolean is_wanted(const MnbFeeds *self, const MnbFeed *row)
{
    gint64 wall_us = mnb_clock_wall_us(self->rooms->clock);
    if (row->session == NULL || !mnb_rooms_takes_feeds(self->rooms, row->source) ||
        row->source == MNB_FEED_CAMERA || (row->expires_us != 0 && row->expires_us <= wall_us))
        return FALSE;
    return row->is_live || (wall_us >= row->starts_us - BEFORE_US &&
                            wall_us < row->starts_us + row->duration_us + AFTER_US);
}

static guint bitrate_of(guint height)
{
    return height >= 720 ? 1800000 : height >= 480 ? 1000000 : 600000;
}

static MnbIngest *start(MnbFeeds *self, const MnbFeed *row)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *url =
        row->source == MNB_FEED_RTMP
            ? g_strdup_printf("rtmp://127.0.0.1:%u/live/%s", self->rtmp_port, row->secret)
            : g_strdup(row->url);
    gboolean is_srt = row->source == MNB_FEED_SRT;
    MnbIngestOptions options = {
        .program = self->program,
        .feed = row->link,
        .source = mnb_feed_source_to_string(row->source),
        .latency_ms = is_srt ? LATENCY_MS : RTSP_LATENCY_MS,
        .address = is_srt ? self->address : NULL,
        .port = is_srt ? mnb_rooms_feed_port(self->rooms, row) : 0,
        .passphrase = is_srt ? row->secret : NULL,
        .key_sha256 = is_srt ? row->key_sha256 : NULL,
        .url = is_srt ? NULL : url,
        .name = row->name,
        .height = self->height,
        .width = self->height * 16 / 9 / 2 * 2,
        .bitrate_bps = bitrate_of(self->height),
        .walls = self->walls,
    };
    MnbIngest *ingest = mnb_ingest_new(&options, &error);
    if (ingest == NULL)
        MNB_LOG_ERROR("a feed cannot be taken", "feed=%s reason=\"%s\"", row->link, error->message);
    return ingest;
}

static void take_row(MnbFeeds *self, MnbFeed *row)
{
    Feed *feed = g_hash_table_lookup(self->by_link, row->link);
    if (feed == NULL && g_hash_table_size(self->by_link) < FEEDS_MAX) {
        MnbIngest *ingest = start(self, row);
        if (ingest != NULL) {
            feed = g_new0(Feed, 1);
            feed->feeds = self;
            feed->ingest = ingest;
            feed->row = row;
            feed->is_seen = TRUE;
            g_hash_table_insert(self->by_link, row->link, feed);
            return;
        }
    }
    if (feed != NULL) {
        feed->is_seen = TRUE;
        feed->row->is_live = row->is_live;
        if (g_strcmp0(feed->row->session, row->session) != 0) {
            g_free(feed->row->session);
            feed->row->session = g_strdup(row->session);
            feed->peer[0] = '\0';
        }
    }
    mnb_feed_row_free(row);
}

static void leave(Feed *feed)
{
    MnbRoom *room = feed->row->session != NULL
                        ? g_hash_table_lookup(feed->feeds->rooms->by_session, feed->row->session)
                        : NULL;
    const MnbPeer *peer =
        room != NULL && feed->peer[0] != '\0' ? mnb_room_peer(room, feed->peer) : NULL;
    mnb_ingest_set_tracks(feed->ingest, 0, 0);
    feed->transport = 0;
    if (peer != NULL && peer->is_in)
        mnb_room_leave(room, peer->id, "encoder-gone", NULL, NULL);
}

static gboolean is_over(gpointer key, gpointer value, gpointer data)
{
    Feed *feed = value;
    if (feed->is_seen || feed->is_entering)
        return FALSE;
    leave(feed);
    return TRUE;
}

static void read_rows(MnbFeeds *self)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) rows =
        mnb_feed_list(mnb_catalog_reader(self->rooms->catalog), NULL, &error);
    if (rows == NULL) {
        MNB_LOG_WARNING("feeds cannot be read", "reason=\"%s\"", error->message);
        return;
    }
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, self->by_link);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        ((Feed *)value)->is_seen = FALSE;
    g_ptr_array_set_free_func(rows, NULL);
    for (guint i = 0; i < rows->len; i++) {
        MnbFeed *row = g_ptr_array_index(rows, i);
        if (is_wanted(self, row))
            take_row(self, row);
        else
            mnb_feed_row_free(row);
    }
    g_hash_table_foreach_remove(self->by_link, is_over, NULL);
}

/* ------------------------------------------------------------------------------- in the session */

static Feed *find(MnbFeeds *self, const char *link)
{
    return self != NULL ? g_hash_table_lookup(self->by_link, link) : NULL;
}

/* What comes back later may find its feed gone. */
typedef struct {
    MnbRooms *rooms;
    char link[MNB_ID_SIZE];
} Entering;

static Feed *end_entering(MnbRoom *room, Entering *entering)
{
    Feed *feed = room->rooms != NULL ? find(room->rooms->feeds, entering->link) : NULL;
    if (feed != NULL)
        feed->is_entering = FALSE;
    g_free(entering);
    return feed;
}

static void on_published(MnbRoom *room, const GError *error, gpointer data)
{
    Feed *feed = end_entering(room, data);
    if (feed != NULL && error != NULL)
        MNB_LOG_WARNING("a feed cannot be shown", "feed=%s reason=\"%s\"", feed->row->link,
                        error->message);
}

static Entering *begin_entering(Feed *feed)
{
    Entering *entering = g_new0(Entering, 1);
    g_strlcpy(entering->link, feed->row->link, sizeof entering->link);
    feed->is_entering = TRUE;
    return entering;
}

static void publish(Feed *feed, MnbRoom *room)
{
    g_autoptr(GError) error = NULL;
    MnbMember *member = mnb_room_add_member(room, feed->peer);
    Entering *entering = begin_entering(feed);
    if (!mnb_room_publish_feed(member, mnb_ingest_memfd(feed->ingest),
                               mnb_ingest_eventfd(feed->ingest), on_published, entering, &error)) {
        end_entering(room, entering);
        MNB_LOG_WARNING("a feed waits for a media worker", "feed=%s reason=\"%s\"", feed->row->link,
                        error->message);
        return;
    }
    feed->transport = member->publish->id;
    mnb_ingest_set_tracks(feed->ingest, member->publications[MNB_SOURCE_CAMERA]->id,
                          member->publications[MNB_SOURCE_MICROPHONE]->id);
}

static void on_joined(MnbRoom *room, const GError *error, gpointer data)
{
    Feed *feed = end_entering(room, data);
    const MnbPeer *peer = feed != NULL ? mnb_room_peer(room, feed->peer) : NULL;
    if (room->rooms != NULL)
        g_hash_table_remove(room->entering, feed != NULL ? feed->peer : "");
    if (error == NULL && peer != NULL && peer->is_in)
        publish(feed, room);
}

/* It comes back as itself, also after a restart of the server. */
static gboolean find_self(Feed *feed, MnbRoom *room)
{
    for (guint i = 0; i < room->state->peers->len; i++) {
        const MnbPeer *peer = g_ptr_array_index(room->state->peers, i);
        if (!peer->is_encoder || strcmp(peer->link, feed->row->link) != 0)
            continue;
        g_strlcpy(feed->peer, peer->id, sizeof feed->peer);
        return !peer->is_removed;
    }
    mnb_id_make(feed->peer);
    return TRUE;
}

static void join(Feed *feed, MnbRoom *room)
{
    MnbRooms *rooms = room->rooms;
    if (!find_self(feed, room)) /* a host has removed it */
        return;
    if (mnb_room_state_count(room->state) >= rooms->max_peers ||
        room->state->peers->len >= MNB_ROOM_PEERS_MAX)
        return;
    MnbAppend append = {
        .type = "peer-joined",
        .peer = feed->peer,
        .body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name", feed->row->name, "affiliation",
                          feed->row->affiliation, "language", "", "role", "presenter", "link",
                          feed->row->link, "kind", "encoder"),
    };
    rooms->joins++;
    g_hash_table_add(room->entering, g_strdup(feed->peer));
    mnb_room_append(room, &append, on_joined, begin_entering(feed));
}

/* Makes the room follow what arrives. */
static void follow(Feed *feed)
{
    MnbFeeds *self = feed->feeds;
    MnbIngestStatus status;
    MnbRoom *room = g_hash_table_lookup(self->rooms->by_session, feed->row->session);
    mnb_ingest_status(feed->ingest, &status);
    if (feed->is_entering || self->rooms->is_stopping)
        return;
    if (room == NULL || room->state->state != MNB_SESSION_LIVE || room->is_ending) {
        mnb_ingest_set_tracks(feed->ingest, 0, 0);
        return;
    }
    const MnbPeer *peer = feed->peer[0] != '\0' ? mnb_room_peer(room, feed->peer) : NULL;
    const MnbMember *member = peer != NULL && peer->is_in ? mnb_room_member(room, peer->id) : NULL;
    gboolean is_missing =
        status.heard_us == 0 || g_get_monotonic_time() - status.heard_us >= self->patience_us;
    if (is_missing) {
        if (member != NULL)
            leave(feed);
    } else if (member == NULL) {
        if (status.is_connected)
            join(feed, room);
    } else if (member->publish == NULL || member->publish->id != feed->transport) {
        publish(feed, room);
    }
}

void mnb_feeds_tick(MnbFeeds *self)
{
    if (self == NULL || self->rooms->is_stopping)
        return;
    gint64 now = now_us(self);
    if (self->read_us == 0 || now - self->read_us >= READ_US) {
        read_rows(self);
        self->read_us = now;
    }
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, self->by_link);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        follow(value);
}

void mnb_feeds_changed(MnbFeeds *self)
{
    if (self != NULL)
        self->read_us = 0;
}

void mnb_feeds_key_frame(MnbFeeds *self, const char *peer)
{
    GHashTableIter iter;
    gpointer value;
    if (self == NULL)
        return;
    g_hash_table_iter_init(&iter, self->by_link);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Feed *feed = value;
        if (strcmp(feed->peer, peer) == 0)
            mnb_ingest_key_frame(feed->ingest);
    }
}

/* ------------------------------------------------------------------------------------ for http */

gboolean mnb_rooms_takes_feeds(MnbRooms *rooms, MnbFeedSource source)
{
    const MnbFeeds *self = rooms->feeds;
    switch (source) {
    case MNB_FEED_CAMERA:
        return TRUE;
    case MNB_FEED_SRT:
        return self != NULL && self->srt_port != 0;
    case MNB_FEED_RTMP:
        return self != NULL && self->rtmp_port != 0;
    case MNB_FEED_RTSP:
        return self != NULL;
    }
    return FALSE;
}

guint16 mnb_rooms_feed_port(MnbRooms *rooms, const MnbFeed *feed)
{
    const MnbFeeds *self = rooms->feeds;
    if (self == NULL || feed->source == MNB_FEED_RTSP || feed->source == MNB_FEED_CAMERA)
        return 0;
    if (feed->source == MNB_FEED_RTMP)
        return self->rtmp_port;
    return self->srt_port != 0 && feed->place >= 0 ? (guint16)(self->srt_port + feed->place) : 0;
}

int mnb_rooms_feed_places(MnbRooms *rooms)
{
    return rooms->feeds != NULL ? (int)rooms->feeds->srt_places : 0;
}

gboolean mnb_rooms_may_call(MnbRooms *rooms, const char *url, GError **error)
{
    const MnbFeeds *self = rooms->feeds;
    return mnb_feed_url_check(url, self != NULL ? (const char *const *)self->camera_networks : NULL,
                              error);
}

void mnb_rooms_feeds_changed(MnbRooms *rooms)
{
    mnb_feeds_changed(rooms->feeds);
}

/* A phone's browser has no process of ours: it is in the room or it is not. */
static gboolean is_in_room(MnbRooms *rooms, const MnbFeed *row)
{
    MnbRoom *room =
        row->session != NULL ? g_hash_table_lookup(rooms->by_session, row->session) : NULL;
    for (guint i = 0; room != NULL && i < room->state->peers->len; i++) {
        const MnbPeer *peer = g_ptr_array_index(room->state->peers, i);
        if (peer->is_encoder && peer->is_in && strcmp(peer->link, row->link) == 0)
            return TRUE;
    }
    return FALSE;
}

json_t *mnb_rooms_feed_status(MnbRooms *rooms, const MnbFeed *row)
{
    Feed *feed = find(rooms->feeds, row->link);
    MnbIngestStatus status = {0};
    json_t *arriving = NULL, *refused = NULL;
    if (feed != NULL)
        mnb_ingest_status(feed->ingest, &status);
    if (status.is_connected) {
        arriving = json_copy((json_t *)status.arriving);
        json_object_del(arriving, "event");
        json_object_del(arriving, "is_connected");
    }
    if (status.refused != NULL)
        refused =
            json_pack("{s:s, s:I}", "code", status.refused, "at_us", (json_int_t)status.refused_us);
    gboolean is_in = is_in_room(rooms, row);
    const char *state = is_in && (status.is_connected || row->source == MNB_FEED_CAMERA) ? "live"
                        : is_in                                                          ? "lost"
                        : status.is_connected ? "arriving"
                        : status.is_up        ? "waiting"
                                              : "off";
    return json_pack("{s:s, s:o, s:o, s:s?}", "state", state, "arriving",
                     arriving != NULL ? arriving : json_null(), "refused",
                     refused != NULL ? refused : json_null(), "gone",
                     status.is_connected ? NULL : status.gone);
}
