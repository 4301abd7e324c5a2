/* request.h - what a client may ask, as a parsed struct (docs/protocol.md, 4.1 and 4.2).
 *
 * server/signalling makes them from JSON and has checked lengths, ranges and characters; rooms
 * check permissions and meaning. Texts are owned by the struct. Main thread. */
#pragma once
#include "server/access/permissions.h"
#include "server/media/control.h"
#include "server/rooms/sdp.h"
#include <jansson.h>

#define MNB_NAME_MAX        100  /* characters */
#define MNB_AFFILIATION_MAX 200  /* characters */
#define MNB_CHAT_MAX        2000 /* characters */
#define MNB_MARKER_MAX      200  /* characters */
#define MNB_CHAT_KEY_MAX    64   /* bytes, printable ASCII */
#define MNB_AUDIO_SLOTS_MAX 8
#define MNB_VIDEO_SLOTS_MAX 16
#define MNB_VIEW_PEERS_MAX  32

typedef enum {
    MNB_SOURCE_MICROPHONE,
    MNB_SOURCE_CAMERA,
    MNB_SOURCE_SCREEN,
    MNB_N_SOURCES,
} MnbSource;

/* Whether a peer may be written into a recording: only after a yes. */
typedef enum {
    MNB_CONSENT_UNASKED,
    MNB_CONSENT_YES,
    MNB_CONSENT_NO,
} MnbConsent;

typedef enum {
    MNB_VIEW_ALL, /* as many pictures as there are slots, those of `peers` first */
    MNB_VIEW_ONE, /* one picture: the first of `peers` that has one, else screen, else who speaks */
    MNB_VIEW_AUDIO, /* none */
} MnbViewMode;

typedef enum {
    MNB_REQUEST_START_SESSION,
    MNB_REQUEST_END_SESSION,
    MNB_REQUEST_RECORD,
    MNB_REQUEST_CHAT,
    MNB_REQUEST_HAND,
    MNB_REQUEST_PUBLISH,
    MNB_REQUEST_TRACK,
    MNB_REQUEST_UNPUBLISH,
    MNB_REQUEST_SUBSCRIBE,
    MNB_REQUEST_SUBSCRIBED,
    MNB_REQUEST_VIEW,
    MNB_REQUEST_MUTE_PEER,
    MNB_REQUEST_REMOVE_PEER,
    MNB_REQUEST_RENAME,
    MNB_REQUEST_LEAVE,
    /* recording (4.2.5) */
    MNB_REQUEST_CONSENT,
    MNB_REQUEST_PAUSE_RECORDING,
    MNB_REQUEST_MARKER,
    /* moderation (4.2.1) */
    MNB_REQUEST_SET_ROLE,
    MNB_REQUEST_GRANT,
    MNB_REQUEST_SETTINGS,
    MNB_REQUEST_ADMIT,
    MNB_REQUEST_REFUSE,
    MNB_REQUEST_MUTE_ALL,
    MNB_REQUEST_SPOTLIGHT,
    MNB_REQUEST_LOWER_HANDS,
    MNB_REQUEST_GIVE_FLOOR,
    MNB_REQUEST_END_FLOOR,
    /* talking (4.2.2) */
    MNB_REQUEST_REACT,
    MNB_REQUEST_ASK,
    MNB_REQUEST_VOTE_QUESTION,
    MNB_REQUEST_QUESTION,
    MNB_REQUEST_POLL,
    MNB_REQUEST_POLL_STATE,
    MNB_REQUEST_VOTE,
    MNB_REQUEST_AGENDA,
    MNB_REQUEST_AGENDA_ITEM,
    MNB_REQUEST_PHASE,
    MNB_REQUEST_NOTE,
    MNB_REQUEST_CAPTION,
    /* interpretation (4.2.3) */
    MNB_REQUEST_HEAR,
    MNB_REQUEST_BOOTH,
    MNB_REQUEST_ON_AIR,
    MNB_REQUEST_HAND_OVER,
    MNB_REQUEST_SLOWER,
    /* slides (4.2.4) */
    MNB_REQUEST_UPLOAD_SLIDES,
    MNB_REQUEST_SHOW_SLIDES,
    MNB_REQUEST_PAGE,
    MNB_REQUEST_POINTER,
    MNB_REQUEST_REMOVE_SLIDES,
    MNB_N_REQUESTS,
} MnbRequestKind;

typedef struct {
    char mid[MNB_MID_MAX];
    MnbSource source;
    gboolean is_on; /* FALSE: published, but switched off for now */
} MnbRequestTrack;

/* Which fields are set depends on the kind; the others are zero. */
typedef struct {
    MnbRequestKind kind;
    gint64 id;      /* the client's own number */
    gboolean is_on; /* record, pause-recording: on. hand: raised. track: is_on */
    char *peer;     /* hand (NULL: the own), mute-peer, remove-peer */
    char *text;     /* chat, marker: text. publish, subscribed: sdp. rename: name */
    char *key;      /* chat */
    char *to;       /* chat; NULL: all */
    MnbSource source;
    MnbConsent consent;                        /* consent: yes or no */
    MnbRequestTrack tracks[MNB_SDP_MEDIA_MAX]; /* publish */
    guint track_count;
    guint audio, video; /* subscribe */
    MnbViewMode mode;   /* view */
    gboolean has_limit, has_large;
    guint large; /* so many of peers, from the first, are shown large */
    guint32 limit_bps;
    char peers[MNB_VIEW_PEERS_MAX][32];
    guint peer_count;
    /* From MNB_REQUEST_SET_ROLE on: the message's own fields, by their names; checked, and nothing
     * else in it. */
    json_t *args;
} MnbRequest;

typedef struct {
    gint64 id;
    char *token;
    char *name; /* may be "" */
    char *affiliation;
    char *language; /* BCP 47, may be "" */
    char *resume;   /* NULL: none */
    MnbConsent consent;
} MnbHello;

MnbRequest *mnb_request_new(void);          /* owned, zeroed */
void mnb_request_free(MnbRequest *request); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbRequest, mnb_request_free)
void mnb_hello_free(MnbHello *hello); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbHello, mnb_hello_free)

/* "start-session"; static. parse: FALSE for unknown names. */
const char *mnb_request_kind_to_string(MnbRequestKind kind);
gboolean mnb_request_kind_parse(const char *name, MnbRequestKind *kind);
const char *mnb_source_to_string(MnbSource source); /* "microphone" */
gboolean mnb_source_parse(const char *name, MnbSource *source);
/* "unasked", "yes", "no". */
const char *mnb_consent_to_string(MnbConsent consent);
gboolean mnb_consent_parse(const char *name, MnbConsent *consent);
gboolean mnb_view_mode_parse(const char *name, MnbViewMode *mode);

/* How often it may come from one connection (docs/protocol.md, 4.2). */
typedef enum {
    MNB_LIMIT_NONE, /* only the one on all messages */
    MNB_LIMIT_CHAT,
    MNB_LIMIT_REACTION,
    MNB_LIMIT_CAPTION,
    MNB_LIMIT_POINTER,
    MNB_LIMIT_SLOWER,
    MNB_LIMIT_LOGGED,
    MNB_N_LIMITS,
} MnbRequestLimit;

MnbRequestLimit mnb_request_limit(MnbRequestKind kind);

/* The permission that a request needs; some need more (requests.c): a hand of somebody else needs
 * MNB_MAY_MODERATE, a screen MNB_MAY_SHARE. */
MnbPermission mnb_request_permission(MnbRequestKind kind);
