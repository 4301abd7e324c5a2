/* room-state.h - what the log of a session says, in memory.
 *
 * Pure: no clock, no network, no files. mnb_room_state_apply() is the only way to change it, at
 * start (replay) as in life; the same entries in the same order give the same state, byte for byte
 * (mnb_room_state_dump()). Applying is forgiving: an entry that has nothing to change, or that a
 * newer server wrote, changes nothing.
 *
 * Types of entries, who is in the column `peer`, and their bodies:
 *
 *     session-started, session-ended     peer or NULL   {}
 *     peer-joined       the peer     {name, affiliation, language, role, link, kind, resume, ...
 *                                    ... waiting, consent}
 *                                    kind: browser | encoder; resume: SHA-256 of the token, hex;
 *                                    waiting true: in the lobby, not in the roster
 *     lobby-admitted    who did it   {of}
 *     peer-role         who did it   {of, role}
 *     peer-grant        who did it   {of, permission, on}
 *     booth             the peer     {channel}           "": stands up
 *     on-air            who did it   {of, on}            of speaks to the channel of his booth
 *     hear              the peer     {channel, with_floor}   "": the floor
 *     hand-over         the peer     {channel, step}     ask, accept, cancel (hand-over.h)
 *     peer-away, peer-back           the peer       {}
 *     peer-left         the peer     {reason, by, text}: left, timeout, removed or refused (by
 *                                    whom), link-revoked, encoder-gone
 *     peer-renamed      the peer     {name}
 *     hand              who did it   {of, raised}
 *     hands-lowered     who did it   {}
 *     chat              the peer     {text, key, to}     to: absent (all), facilitators, a peer,
 *                                    booth:CHANNEL
 *     track-on          the peer     {track, source}
 *     track-off         the peer     {source}
 *     peer-muted        who did it   {of, source}
 *     peers-muted       who did it   {source}            all but facilitators and interpreters
 *     recording-started NULL         {recording}
 *     recording-stopped, recording-paused    NULL   {}
 *     recording-hole    NULL         {code, part, packets}   something is missing; it goes on
 *     recording-failed  NULL         {code, detail}
 *     peer-consent      the peer     {answer}: yes | no; unasked until then (an encoder: yes)
 *     marker            the peer     {text}              a good moment
 *     and those of classroom.h
 */
#pragma once
#include "recordings/session-log.h"
#include "recordings/session.h"
#include "server/access/permissions.h"
#include "server/base/ids.h"
#include "server/rooms/classroom.h"
#include "server/rooms/request.h"
#include <glib.h>

#define MNB_ROOM_CHAT_KEPT 200  /* lines in memory; the log has all */
#define MNB_ROOM_PEERS_MAX 5000 /* who ever came, in one session */

typedef enum {
    MNB_RECORDING_OFF,
    MNB_RECORDING_ON,
    MNB_RECORDING_FAILED,
    MNB_RECORDING_PAUSED,
} MnbRoomRecording;

typedef struct {
    char id[MNB_ID_SIZE]; /* "": never published */
    gboolean is_on;
} MnbPeerTrack;

typedef struct {
    char id[MNB_ID_SIZE];
    char *name;
    char *affiliation;
    char *language;
    MnbRole role;
    char link[MNB_ID_SIZE];
    gboolean is_encoder;
    gboolean has_resume;
    guint8 resume_hash[MNB_TOKEN_HASH_BYTES];
    gint64 joined_us;
    gboolean is_in;        /* in the roster: here, or away with the place kept */
    gboolean is_here;      /* its connection is up */
    gboolean is_waiting;   /* in the lobby; then not is_in */
    gboolean was_admitted; /* was in the roster once: needs no admission again */
    gboolean is_removed;   /* may not come back */
    gboolean has_left;     /* said goodbye: its resume token is void */
    MnbConsent consent;    /* only who said yes is recorded */
    gint64 hand_seq;       /* of the entry that raised it; 0: down */
    guint64 grants;        /* mask of permissions given to him besides those of his role */
    char booth[MNB_LANGUAGE_TAG_SIZE]; /* where he interprets; "": no seat */
    gboolean is_on_air;                /* one of a booth */
    char hear[MNB_LANGUAGE_TAG_SIZE];  /* the channel he listens to; "": the floor */
    gboolean is_floor_off;             /* ... and the interpreter only */
    MnbPeerTrack tracks[MNB_N_SOURCES];
} MnbPeer;

typedef struct {
    gint64 id; /* seq of its entry */
    char peer[MNB_ID_SIZE];
    char *name; /* as it was then */
    char *text;
    char *key;
    char *to; /* "": all; "facilitators"; a peer; "booth:ja" */
    gint64 at_us;
} MnbChatLine;

typedef struct {
    char session[MNB_ID_SIZE];
    MnbSessionState state;
    gint64 started_us; /* 0: not yet */
    gint64 seq;        /* of the last entry */
    GPtrArray *peers;  /* MnbPeer, who ever came, in the order of their first joining */
    GHashTable *by_id; /* id -> MnbPeer */
    GQueue chat;       /* MnbChatLine, oldest first */
    MnbRoomRecording recording;
    char recording_id[MNB_ID_SIZE]; /* the latest; "": none yet */
    gint64 recording_since_us;
    char *recording_code; /* of FAILED, else NULL */
    char *recording_detail;
    GArray *hand_overs; /* MnbHandOver (hand-over.h), at most one a channel */
    MnbClassroom room;
} MnbRoomState;

MnbRoomState *mnb_room_state_new(const char *session); /* owned */
void mnb_room_state_free(MnbRoomState *state);         /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbRoomState, mnb_room_state_free)

/* Returns TRUE when something changed that clients should hear of (mnb_room_json_event()).
 * A body that is no JSON object, or lacks a field, changes nothing but seq. */
gboolean mnb_room_state_apply(MnbRoomState *state, const MnbLogEntry *entry);

/* Returns (borrowed): NULL when there is none. */
MnbPeer *mnb_room_state_peer(MnbRoomState *state, const char *id);
MnbPeer *mnb_room_state_peer_by_resume(MnbRoomState *state, const char *token);
/* By his role, or because he was granted it. */
gboolean mnb_peer_may(const MnbPeer *peer, MnbPermission permission);
/* What a facilitator can grant: present, caption. */
gboolean mnb_permission_is_grantable(MnbPermission permission);
/* @peer may read a line of the chat. */
gboolean mnb_room_state_may_read(const MnbChatLine *line, const MnbPeer *peer);
/* Who speaks to a channel. Returns (borrowed): NULL when nobody does. */
MnbPeer *mnb_room_state_on_air(const MnbRoomState *state, const char *channel);
/* Somebody of this name, who came by this link, was removed. */
gboolean mnb_room_state_is_removed(MnbRoomState *state, const char *link, const char *name);
/* Who is in the roster now; who is in the lobby. */
guint mnb_room_state_count(const MnbRoomState *state);
guint mnb_room_state_count_waiting(const MnbRoomState *state);
/* Raised hands, first raised first. Returns (owned): array of borrowed MnbPeer. */
GPtrArray *mnb_room_state_hands(const MnbRoomState *state);
gboolean mnb_room_state_has_chat_key(const MnbRoomState *state, const char *peer, const char *key);

/* Everything, as text in a fixed order: two equal states give equal texts. Returns (owned). */
char *mnb_room_state_dump(const MnbRoomState *state);
