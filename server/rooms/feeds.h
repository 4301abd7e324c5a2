/* feeds.h - cameras in the field that come by SRT, RTMP or RTSP: from the catalogue's rows to peers
 * of a session.
 *
 *     feed row --> manabi-ingest (from a day before the event to its end)
 *                       | somebody sends, and the session is live
 *                       v
 *                  peer of kind encoder, by the feed's link, until nothing came for ten minutes
 *
 * A feed whose line drops stays in the roster, showing its slate, and comes back as the same peer
 * in the same recording; after ten minutes it leaves, and still comes back as itself. The rows are
 * read again every two seconds and when somebody says so. Main thread. */
#pragma once
#include "recordings/feed.h"
#include "server/rooms/rooms.h"
#include <jansson.h>

#define MNB_FEED_PATIENCE_S 600 /* without a sender a feed stays in the room so long */

typedef struct MnbFeeds MnbFeeds;

/* What an operator sets ([ingest] of manabi.ini); strings are copied. */
struct MnbFeedRules {
    const char *address;                /* to listen on */
    guint16 srt_port;                   /* of the first feed; 0: no SRT */
    guint srt_places;                   /* ports from there on */
    guint16 rtmp_port;                  /* of nginx's rtmp module, on loopback for us; 0: no RTMP */
    guint height;                       /* of pictures; width follows, 16:9 */
    const char *const *camera_networks; /* where cameras may be besides public addresses:
                                           feed-url.h; NULL-terminated; NULL: nowhere */
    guint patience_s;                   /* 0: MNB_FEED_PATIENCE_S */
    const MnbWalls *walls;              /* borrowed; NULL: none */
};

/* Returns (owned): NULL when @program or @rules is NULL; all functions take NULL. */
MnbFeeds *mnb_feeds_new(MnbRooms *rooms, const char *program, const MnbFeedRules *rules);
void mnb_feeds_free(MnbFeeds *feeds);

void mnb_feeds_tick(MnbFeeds *feeds);
/* A row was made or a link revoked. */
void mnb_feeds_changed(MnbFeeds *feeds);
/* The worker wants a key frame of that peer, if it is a feed. */
void mnb_feeds_key_frame(MnbFeeds *feeds, const char *peer);

/* ------------------------------------------------------------------------------------ for http */

/* Whether feeds of this kind are taken here. */
gboolean mnb_rooms_takes_feeds(MnbRooms *rooms, MnbFeedSource source);
/* Port on which the feed's encoder calls; 0: none. */
guint16 mnb_rooms_feed_port(MnbRooms *rooms, const MnbFeed *feed);
int mnb_rooms_feed_places(MnbRooms *rooms);
/* Whether a camera at @url may be called: feed-url.h. */
gboolean mnb_rooms_may_call(MnbRooms *rooms, const char *url, GError **error);
/* Rows have changed. */
void mnb_rooms_feeds_changed(MnbRooms *rooms);

/* "state", "arriving", "refused" and "gone" of docs/protocol.md, 3. Returns (owned). */
json_t *mnb_rooms_feed_status(MnbRooms *rooms, const MnbFeed *feed);
