/* room.h - one session in life: inside of server/rooms only.
 *
 *     MnbRooms --< MnbRoom --- MnbRoomState (what the log says: room-state.h)
 *                    |--< MnbMember        who is in the roster: connection, publication, receiver
 *                    |--< MnbTransport     each peer connection at the media worker, doors included
 *                    '--- MnbRoomRecorder  (room-record.c)
 *
 * The log is the truth, these structs are the facts of this process. mnb_room_reconcile() makes the
 * log follow the facts (a line that is gone, a track that nobody sends), so nothing has to be
 * undone when an append fails: it is tried again a second later.
 */
#pragma once
#include "pipelines/manager/media-pool.h"
#include "pipelines/manager/recorder.h"
#include "recordings/catalog.h"
#include "recordings/event.h"
#include "server/rooms/client.h"
#include "server/rooms/doors.h"
#include "server/rooms/room-json.h"
#include "server/rooms/room-state.h"
#include "server/rooms/rooms.h"
#include "server/rooms/slots.h"

#define MNB_ROOM_PLAYERS_MAX 1000 /* receivers by WHEP in one session at once */

typedef struct MnbRoom MnbRoom;
typedef struct MnbMember MnbMember;
typedef struct MnbTransport MnbTransport;
typedef struct MnbReceiver MnbReceiver;
typedef struct MnbRoomRecorder MnbRoomRecorder;
typedef struct MnbRoomTell MnbRoomTell;
typedef struct MnbCounting MnbCounting;
typedef struct MnbSlides MnbSlides;
typedef struct MnbFeeds MnbFeeds;

struct MnbRooms {
    MnbCatalog *catalog;
    MnbMediaPool *pool;
    const MnbClock *clock;
    char *record_program;
    const MnbWalls *walls;
    guint32 ring_bytes;
    gint64 min_free_bytes;
    guint max_peers;
    guint spread; /* receivers of a room at one media worker before the next is used */
    gint64 away_us;
    void (*on_jobs_added)(gpointer data);
    gpointer data;

    GHashTable *by_session;     /* id -> MnbRoom (a reference) */
    GHashTable *by_media_room;  /* guint32 -> MnbRoom */
    GHashTable *transports;     /* guint32 -> MnbTransport */
    GHashTable *publications;   /* guint32 of a layer -> MnbPublication */
    GHashTable *resources;      /* id -> MnbTransport, of the doors */
    MnbSlides *slides;          /* NULL: this server takes none */
    MnbLineChecks *line_checks; /* NULL: without media */
    MnbFeeds *feeds;            /* NULL: this server takes none */
    GPtrArray *clients;         /* MnbClient, all with a line */
    guint listener;
    guint tick;
    gboolean is_stopping;
    guint recorders_stopping;
    void (*on_stopped)(gpointer data);
    gpointer stopped_data;
    guint stop_timeout;

    guint64 joins, chats, appends_failed, recordings_started;
};

typedef struct MnbBranch MnbBranch; /* room-spread.c */

/* One layer of a published m-line: a track at the worker. */
typedef struct {
    guint32 track;
    gboolean is_flowing;
    gint64 flowing_us; /* since when */
} MnbLayer;

/* One published m-line. */
typedef struct {
    MnbMember *member;
    guint32 id;            /* the first layer's track: names the source for slots.h */
    char key[MNB_ID_SIZE]; /* its id for clients and the log */
    MnbSource source;
    MnbSdpMedia media;
    MnbCodec codec;
    MnbLayer layers[MNB_SDP_LAYERS_MAX];
    guint layer_count;
    guint32 recorded;                             /* the layer that the recorder has; 0: none */
    char recorded_channel[MNB_LANGUAGE_TAG_SIZE]; /* ... as the voice of; "": of the floor */
    gint64 off_us;                                /* since when it is switched off; 0: on */
    guint speaks;                                 /* as in MnbSlotSource */
    gint64 spoke_us;
} MnbPublication;

struct MnbTransport {
    MnbRoom *room;
    MnbMediaWorker *worker; /* the room's, or of a branch (room-spread.c) */
    guint32 id;
    MnbDirection direction;
    MnbMember *member;     /* NULL: WHEP */
    MnbReceiver *receiver; /* of RECEIVE */
    char ufrag[MNB_ICE_UFRAG_MAX];
    char pwd[MNB_ICE_PWD_MAX];
    char remote_ufrag[MNB_ICE_UFRAG_MAX];
    guint8 remote_fingerprint[MNB_FINGERPRINT_BYTES];
    guint64 session; /* o= line */
    guint version;
    char resource[MNB_ID_SIZE]; /* of a door; "": of a browser */
    char link[MNB_ID_SIZE];
    gboolean is_silent;      /* nothing came from it for 10 s */
    MnbTransportStats stats; /* the last */
};

typedef struct {
    guint32 id; /* at the worker; 0: not added yet */
    MnbSdpSlot sdp;
    guint32 track;          /* what it is bound to */
    guint rank;             /* of its claim on the line */
    MnbSlotStateKind state; /* held back by the line or by choice */
    char peer[MNB_ID_SIZE]; /* whom it shows; "": nobody */
    MnbSource source;
    gboolean is_channel; /* the interpreter whom its owner hears */
} MnbSlot;

struct MnbReceiver {
    MnbTransport *transport;
    MnbSlot slots[MNB_SLOTS_MAX];
    MnbSlotPlace places[MNB_SLOTS_MAX];
    guint count;
    gboolean is_answered;        /* the worker has the slots */
    char only_peer[MNB_ID_SIZE]; /* WHEP of one peer; "": the room */
};

struct MnbMember {
    MnbRoom *room;
    char peer[MNB_ID_SIZE];
    MnbClient *client; /* borrowed; NULL: away, or an encoder */
    gint64 lost_us;    /* since when there is no client; 0: there is */
    MnbTransport *publish;
    MnbPublication *publications[MNB_N_SOURCES];
    MnbReceiver *receiver;
    gboolean is_excluded; /* said no to being recorded, and the log does not say it yet */
    MnbViewMode view;
    guint32 limit_bps; /* of what he receives, his own choice; 0: none */
    char wanted[MNB_VIEW_PEERS_MAX][MNB_ID_SIZE];
    guint wanted_count;
    gboolean has_large; /* he said what he shows large; else the number of pictures decides */
    guint large;        /* so many of `wanted`, from the first */
    char resume[MNB_TOKEN_SIZE]; /* said by the client; never logged */
};

struct MnbRoom {
    int refs;
    MnbRooms *rooms; /* NULL: closed; what is under way ends without effect */
    MnbRoomState *state;
    MnbEvent *event; /* row of the catalogue */
    gint64 next_seq;
    guint in_flight;         /* appends that are not on disk yet */
    gboolean is_log_blocked; /* one failed: the others behind it will too */
    gboolean is_ending;      /* end-session is under way */

    GHashTable *members;    /* peer id -> MnbMember */
    GHashTable *entering;   /* ids of encoders that are on their way back in (doors.c) */
    GPtrArray *receivers;   /* MnbReceiver, borrowed */
    GPtrArray *branches;    /* MnbBranch: at other workers */
    MnbMediaWorker *worker; /* NULL: no media yet */
    guint32 media_room;
    guint reassign; /* source id */
    MnbRoomRecorder *recorder;
    MnbRoomTell *tell;
    GPtrArray *countings; /* MnbCounting, of the hand-overs of the state */
};

/* ------------------------------------------------------------------------------------- rooms.c */

/* The room of a session, read from the catalogue when it is not in memory.
 * Returns (borrowed): NULL with @error: NOT_FOUND, SESSION_OVER, STORAGE. */
MnbRoom *mnb_rooms_open(MnbRooms *rooms, const char *session, GError **error);
MnbRoom *mnb_room_ref(MnbRoom *room);
void mnb_room_unref(MnbRoom *room);
/* Out of memory with it: the session has ended. */
void mnb_rooms_drop(MnbRooms *rooms, MnbRoom *room);

/* ---------------------------------------------------------------------------------- room-log.c */

/* @error: NULL when the entry is on disk and applied; else of MNB_ROOMS_ERROR. */
typedef void (*MnbAppended)(MnbRoom *room, const GError *error, gpointer data);

typedef struct {
    const char *type;
    const char *peer;   /* NULL: the server */
    json_t *body;       /* stolen; NULL: {} */
    MnbWriteFunc extra; /* in the same transaction, before the entry; may be NULL */
    gpointer extra_data;
    GDestroyNotify extra_destroy;
} MnbAppend;

/* Puts an entry on disk, applies it, tells the clients, then calls @done (NULL: nobody asks). */
void mnb_room_append(MnbRoom *room, const MnbAppend *append, MnbAppended done, gpointer data);
void mnb_room_append_simple(MnbRoom *room, const char *type, const char *peer, json_t *body);

/* The end of a session: the log entry, the row, and the jobs of its recording, in one transaction.
 */
void mnb_room_append_end(MnbRoom *room, const char *peer, MnbAppended done, gpointer data);

/* -------------------------------------------------------------------------------- room-plan.c */

/* After loading and when the event changed: what the plan says differently from what it said when
 * the log last heard of it goes into the log. What was changed in the room since, and the plan does
 * not touch, stays. */
void mnb_room_follow_plan(MnbRoom *room);
/* The lobby is on, or about to be. */
gboolean mnb_room_has_lobby(const MnbRoom *room);
/* No place for one more in that role: the plan's capacity is of participants and observers, in the
 * room or its lobby. */
gboolean mnb_room_is_at_capacity(const MnbRoom *room, MnbRole role);

/* -------------------------------------------------------------------------------------- room.c */

gint64 mnb_room_wall_us(const MnbRoom *room);
gint64 mnb_room_now_us(const MnbRoom *room);
MnbPeer *mnb_room_peer(MnbRoom *room, const char *peer);
MnbMember *mnb_room_member(MnbRoom *room, const char *peer); /* borrowed; NULL: none */
MnbMember *mnb_room_add_member(MnbRoom *room, const char *peer);
void mnb_room_titles(const MnbRoom *room, MnbRoomTitles *titles);
/* STATE as the member may see it. Returns (owned). */
json_t *mnb_room_state_for(MnbRoom *room, const MnbMember *member);

/* Asked again when an entry is on disk: a link may have been revoked while its owner was on the
 * way in, when mnb_rooms_revoke_link() did not find him yet. FALSE with @error of MNB_ROOMS_ERROR.
 */
gboolean mnb_room_check_link(MnbRoom *room, const char *link, GError **error);
/* What the catalogue says against a link, as a new error of MNB_ROOMS_ERROR. */
GError *mnb_room_link_error(const GError *cause);

/* Receivers that came by WHEP. */
guint mnb_room_count_players(const MnbRoom *room);

/* To every client of the room; texts are borrowed. */
void mnb_room_broadcast(MnbRoom *room, const char *text);
/* @for_some goes to those who have @permission, @for_all to the others. */
void mnb_room_broadcast_split(MnbRoom *room, MnbPermission permission, const char *for_some,
                              const char *for_all);

/* After an entry was applied: what it means for the facts of this process. */
void mnb_room_follow(MnbRoom *room, const MnbLogEntry *entry);
void mnb_room_reconcile(MnbRoom *room);
void mnb_room_tick(MnbRoom *room);

/* Appends peer-left. */
void mnb_room_leave(MnbRoom *room, const char *peer, const char *reason, MnbAppended done,
                    gpointer data);
/* Transports, clients (closed with @code), doors; no entries. */
void mnb_room_close_all(MnbRoom *room, MnbCloseCode code, const char *reason);

/* -------------------------------------------------------------------------------- room-media.c */

typedef struct {
    char mid[MNB_MID_MAX];
    MnbSource source;
    gboolean is_on;
} MnbPublishTrack;

/* The worker of the room is chosen when the first medium comes. FALSE: none is ready. */
gboolean mnb_room_pick_worker(MnbRoom *room);
void mnb_room_set_worker(MnbRoom *room, MnbMediaWorker *worker);

/* Publishes, or changes what is published. @tracks NULL: chosen by kind, in the order of the offer
 * (WHIP). Sets *@answer_out (owned) before anything else happens; @done comes when the log has it.
 * FALSE with @error: nothing was changed, and @done is not called. */
gboolean mnb_room_publish(MnbMember *member, const char *offer, gsize len,
                          const MnbPublishTrack *tracks, guint track_count, char **answer_out,
                          MnbAppended done, gpointer data, GError **error);
void mnb_room_unpublish(MnbMember *member);

/* The same for a feed whose packets come out of a ring (descriptors borrowed): VP8 as its camera,
 * Opus as its microphone. FALSE with @error: nothing was changed, and @done is not called. */
gboolean mnb_room_publish_feed(MnbMember *member, int memfd, int eventfd, MnbAppended done,
                               gpointer data, GError **error);

/* The offer of a new receiver with slots. Returns (owned). */
char *mnb_room_subscribe(MnbMember *member, guint audio, guint video, GError **error);
gboolean mnb_room_subscribed(MnbMember *member, const char *answer, gsize len, GError **error);

/* WHEP. Returns (owned): the answer. */
char *mnb_room_receive(MnbRoom *room, const char *only_peer, const char *offer, gsize len,
                       MnbTransport **transport, GError **error);

/* ICE restart: new credentials of ours; @sdp_fragment_out (owned). */
gboolean mnb_transport_restart(MnbTransport *transport, const char *remote_ufrag,
                               char **sdp_fragment_out, GError **error);
/* Closes it at the worker too, with what hangs on it. No log entries: reconcile makes them. */
void mnb_transport_close(MnbTransport *transport);

/* As close, when the worker has forgotten it already. */
void mnb_transport_forget(MnbTransport *transport);

/* The publication is on, says the log. */
gboolean mnb_publication_is_on(const MnbPublication *publication);

/* ------------------------------------------------------------------------------- room-spread.c */

GPtrArray *mnb_room_branches_new(void);
/* The room's id at @worker: its own one, or a branch's. */
guint32 mnb_room_id_at(const MnbRoom *room, const MnbMediaWorker *worker);
/* The worker for one more receiver; opens a branch when those that there are have enough. The room
 * has a worker. */
MnbMediaWorker *mnb_room_place_receiver(MnbRoom *room);
/* After a receiver at @worker was forgotten. */
void mnb_room_receiver_gone(MnbRoom *room, const MnbMediaWorker *worker);
/* Tell the branches what is published, and what no longer. @publisher: a transport. */
void mnb_room_spread_publication(const MnbPublication *publication);
void mnb_room_unspread_track(const MnbRoom *room, guint32 track);
void mnb_room_unspread_publisher(const MnbRoom *room, guint32 publisher);
/* The worker of a branch is gone, or its copy failed: its receivers begin anew. */
void mnb_room_drop_branch(MnbRoom *room, const MnbMediaWorker *worker);
/* All branches are void: the room begins anew, or closes. Its receivers are forgotten by others. */
void mnb_room_forget_branches(MnbRoom *room);
gboolean mnb_room_owns_copy(const MnbRoom *room, const MnbMediaWorker *worker, guint32 transport);

/* -------------------------------------------------------------------------------- room-slots.c */

/* @track: id of any layer; 0 and unknown ones give NULL. */
MnbPublication *mnb_rooms_find_publication(MnbRooms *rooms, guint32 track);

/* The member's limit to the worker, when he receives. */
void mnb_receiver_send_limit(const MnbReceiver *receiver);

/* Slots are assigned anew soon (once, however often it is called). */
void mnb_room_reassign(MnbRoom *room);
/* What the worker says about a slot of @receiver. */
void mnb_receiver_on_slot_state(MnbReceiver *receiver, const MnbSlotState *state);
/* Sends the `slots` message of a member's receiver. */
void mnb_receiver_tell(MnbReceiver *receiver);

/* ------------------------------------------------------------------------------ room-workers.c */

extern const MnbMediaEvents mnb_room_media_events;

/* ------------------------------------------------------------------------------ room-channels.c */

/* Tells the media worker whether the member is heard on the floor. */
void mnb_room_set_aside(const MnbMember *member);

/* One of the event's languages. */
gboolean mnb_room_has_channel(const MnbRoom *room, const char *channel);
/* "channels" of docs/protocol.md. Returns (owned). */
json_t *mnb_room_channels_json(const MnbRoom *room);

/* Makes this process follow what the log says of handing over: tells who is concerned, counts, and
 * three seconds after one was accepted swaps the two (later, while the one is away). */
void mnb_room_check_hand_overs(MnbRoom *room);
/* To somebody who has come back: what he is asked, or how far the counting is. */
void mnb_room_retell_hand_overs(const MnbMember *member);
void mnb_counting_free(gpointer counting);

/* -------------------------------------------------------------------------------- room-lines.c */

MnbLineQuality mnb_member_line_quality(const MnbMember *member);
/* The `line` message to those who may moderate. */
void mnb_room_tell_lines(MnbRoom *room);
void mnb_rooms_write_line_metrics(MnbRooms *rooms, GString *out);

/* ------------------------------------------------------------------------------- room-record.c */

/* @done: once the recorder writes (the entry is on disk), or with an error. */
void mnb_room_record_start(MnbRoom *room, MnbAppended done, gpointer data);
/* @done: once the files are closed and the entry is on disk. */
void mnb_room_record_stop(MnbRoom *room, MnbAppended done, gpointer data);
/* The same as stop, but the log says paused. Starting again is the next part. */
void mnb_room_record_pause(MnbRoom *room, MnbAppended done, gpointer data);
/* From now on nothing of this peer is written, until the log says that he agreed again. */
void mnb_room_record_exclude(MnbRoom *room, const char *peer);
/* After a restart of the server: the log says on, and there is no recorder. */
void mnb_room_record_resume(MnbRoom *room);
gboolean mnb_room_is_recording(const MnbRoom *room); /* a recorder is at work, or starting */

/* What flows has changed: tell the recorder. */
void mnb_room_record_sync(MnbRoom *room);
/* A publication is going away. */
void mnb_room_record_forget(MnbRoom *room, MnbPublication *publication);
/* The worker is back, with new ids. */
void mnb_room_record_moved(MnbRoom *room);
/* For mnb_rooms_stop(): finish files, no entry. A room that is recording calls
 * mnb_rooms_recorder_stopped() once, perhaps before this returns. */
void mnb_room_record_shut_down(MnbRoom *room);
void mnb_rooms_recorder_stopped(MnbRooms *rooms); /* rooms.c */
void mnb_room_record_free(MnbRoom *room);         /* kills what still runs */

/* ------------------------------------------------------------------------------------ client.c */

void mnb_client_tell(MnbClient *client, const char *text);
void mnb_client_close(MnbClient *client, MnbCloseCode code, const char *reason);
/* Its member is gone, or another connection took its place. */
void mnb_client_detach(MnbClient *client);

/* The rooms go away before it does. */
void mnb_client_orphan(MnbClient *client);

/* A reply that is owed: keeps the client's struct alive. done() is an MnbAppended. */
typedef struct MnbOwed MnbOwed;
MnbOwed *mnb_owed_new(MnbClient *client, gint64 id);
/* Answers and frees. @fields: stolen, may be NULL. */
void mnb_owed_accept(MnbOwed *owed, json_t *fields);
void mnb_owed_refuse(MnbOwed *owed, const GError *error);
void mnb_owed_on_appended(MnbRoom *room, const GError *error, gpointer owed);

/* requests.c: the dispatcher. */
void mnb_requests_run(MnbClient *client, MnbMember *member, const MnbRequest *request);

/* ------------------------------------------------------------------------------------- doors.c */

/* The transport of a door's resource is gone. */
void mnb_doors_forget(MnbTransport *transport);
