/* feed.h - live feeds from the field: table `feed`, one row beside a presenter's link (link.h).
 *
 * The link's token is the only secret that the crew holds. Stream key and passphrase are made of it
 * (HMAC-SHA256), so the crew's page can show them whenever it is opened, and the catalogue keeps
 * only what the other end of the line needs. */
#pragma once
#include <glib.h>

#include "recordings/link.h"

typedef enum {
    MNB_FEED_SRT,    /* an encoder calls us */
    MNB_FEED_RTMP,   /* an encoder pushes to nginx's rtmp module, we fetch it there */
    MNB_FEED_RTSP,   /* we call a camera */
    MNB_FEED_CAMERA, /* a phone's browser by WHIP: no process of ours */
} MnbFeedSource;

#define MNB_FEED_KEY_SIZE 25 /* bytes with the NUL: 24 hex digits, 96 bits */
#define MNB_FEED_URL_MAX  500

typedef struct {
    char *link; /* its id */
    char *event;
    char *session;    /* of the event: the one that is not over; NULL: none */
    gboolean is_live; /* that session is */
    char *name;       /* the link's label */
    MnbFeedSource source;
    int place; /* srt: index of its port */
    char *secret;
    char *key_sha256;
    char *url;
    char *area;
    char *city;
    char *affiliation; /* city and area in both languages, as the roster shows them */
    gint64 created_us;
    gint64 expires_us; /* 0: never */
    gint64 starts_us;  /* of the event */
    gint64 duration_us;
} MnbFeed;

void mnb_feed_row_free(MnbFeed *feed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbFeed, mnb_feed_row_free)

const char *mnb_feed_source_to_string(MnbFeedSource source);
gboolean mnb_feed_source_parse(const char *text, MnbFeedSource *source);

/* Key and passphrase of the holder of @token. Pure. */
void mnb_feed_key(const char *token, char key[MNB_FEED_KEY_SIZE]);
void mnb_feed_passphrase(const char *token, char passphrase[MNB_FEED_KEY_SIZE]);

typedef struct {
    const char *event;
    const char *name;
    MnbFeedSource source;
    const char *url; /* rtsp */
    const char *area;
    const char *city;
    int places; /* ports for srt that there are */
} MnbFeedNew;

/* Write. Makes the link and the feed. Returns (owned); @token is shown now or never. Errors:
 * MNB_ERROR_INVALID, MNB_ERROR_NOT_FOUND (event, area, city), MNB_ERROR_LIMIT (no port left). */
MnbFeed *mnb_feed_create(MnbDb *db, const MnbFeedNew *feed, gint64 now_us,
                         char token[MNB_TOKEN_SIZE], GError **error);

/* Errors: MNB_ERROR_NOT_FOUND, also for a link that is no feed or was revoked. */
MnbFeed *mnb_feed_find(MnbDb *db, const char *link, GError **error);

/* Not revoked ones, oldest first. @event NULL: of all events that are not over. Returns (owned):
 * MnbFeed elements that the array frees. */
GPtrArray *mnb_feed_list(MnbDb *db, const char *event, GError **error);
