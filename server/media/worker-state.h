/* worker-state.h - the objects of a media worker as its own files see them. Nobody else includes
 * it.
 *
 * All belong to the one thread of the worker. Pointers between them are plain: whoever frees an
 * object unlinks it first (mnb_transport_free, mnb_track_free, mnb_slot_free). */
#pragma once
#include "server/media/bandwidth.h"
#include "server/media/control.h"
#include "server/media/dtls.h"
#include "server/media/id-map.h"
#include "server/media/nack.h"
#include "server/media/packet-ring.h"
#include "server/media/packet-slab.h"
#include "server/media/rtcp.h"
#include "server/media/rtp.h"
#include "server/media/srtp.h"
#include "server/media/temporal.h"
#include "server/media/twcc.h"
#include "server/media/tx.h"
#include "server/media/wheel.h"
#include "server/media/worker.h"

#define MNB_TUPLES_MAX     8   /* of a transport */
#define MNB_TRACKS_MAX     32  /* of a transport */
#define MNB_SLOTS_MAX      64  /* of a transport */
#define MNB_SSRCS_MAX      96  /* of a transport: tracks, their RTX, and some that came and went */
#define MNB_VIDEO_RING     512 /* packets kept of a video track; a power of two */
#define MNB_AUDIO_RING     128
#define MNB_PENDING_MAX    32 /* packets of a track that wait for their fan-out */
#define MNB_TRACK_TAPS_MAX 8
#define MNB_VIDEO_HISTORY  1024 /* packets a slot remembers having sent; a power of two */
#define MNB_SPEAKERS       3

#define MNB_SECOND_US INT64_C(1000000)

typedef struct MnbRoom MnbRoom;
typedef struct MnbTransport MnbTransport;
typedef struct MnbTrack MnbTrack;
typedef struct MnbSlot MnbSlot;
typedef struct MnbTap MnbTap;
typedef struct MnbFeed MnbFeed;

/* ---- addresses ---- */

/* What tells one flow from another. Zeroed before it is filled: it is hashed as bytes. */
typedef struct {
    uint8_t peer[16];
    uint8_t local[16];
    uint16_t port;
    uint16_t socket; /* index */
} MnbFlow;

/* One datagram as it came in. */
typedef struct {
    MnbFlow flow;
    uint64_t key; /* hash of flow */
    MnbRoute route;
    int64_t now_us;
} MnbArrival;

/* An address from which a transport's peer has proved itself. */
typedef struct {
    MnbRoute route;
    MnbFlow flow;
    uint64_t key;
    MnbTransport *transport;
    int64_t valid_us;     /* last packet that was authentic */
    int64_t nominated_us; /* last check with USE-CANDIDATE; 0: never */
    uint32_t priority;
} MnbTuple;

/* ---- transport ---- */

typedef struct {
    char ufrag[MNB_ICE_UFRAG_MAX];
    char pwd[MNB_ICE_PWD_MAX];
    uint64_t key;     /* hash of ufrag; 0: empty */
    int64_t until_us; /* INT64_MAX: no end */
} MnbCredentials;

typedef struct {
    MnbTrack *track; /* NULL: the track is gone; the stream keeps its rollover counter */
    uint32_t ssrc;
    bool is_rtx;
    MnbSrtpStream stream;
} MnbSsrc;

typedef enum {
    MNB_HANDSHAKE_NONE,
    MNB_HANDSHAKE_RUNNING,
    MNB_HANDSHAKE_DONE, /* keys are there; the fingerprint may still be missing */
} MnbHandshake;

struct MnbTransport {
    /* read for each packet that is sent */
    MnbSrtp *send_key;
    MnbTuple *selected;
    bool can_send; /* connected, and heard from lately */
    bool is_connected;
    uint16_t twcc_out;       /* next transport sequence number */
    MnbBandwidth *bandwidth; /* of receivers: how much their line takes; NULL: no slot yet */
    uint32_t flush_epoch;
    uint64_t bytes_out;
    uint64_t packets_out;

    MnbWorker *worker;
    MnbRoom *room;
    uint32_t id;
    MnbFeed *feed; /* its packets come from a ring (feed.c); NULL: from the network */
    MnbDirection direction;
    uint32_t rtcp_ssrc; /* ours, in what we send about a publisher */
    int64_t opened_us;
    int64_t valid_us; /* last authentic packet of any kind; 0: none yet */
    bool is_closing;  /* TRANSPORT_STATE closed was sent; freed at the end of the step */
    MnbTransport *next_closing;

    MnbCredentials credentials[2]; /* now, and before the last ICE restart */
    MnbTuple *tuples[MNB_TUPLES_MAX];
    unsigned n_tuples;

    MnbDtls *dtls;
    MnbTuple *dtls_tuple; /* where the last handshake datagram came from */
    MnbHandshake handshake;
    uint8_t handshake_failures;
    bool has_remote;
    uint8_t expected_fingerprint[MNB_FINGERPRINT_BYTES];
    uint8_t peer_fingerprint[MNB_FINGERPRINT_BYTES];
    int64_t handshake_us;     /* its start */
    int64_t suspect_until_us; /* an alert that cannot be read any more came; 0: none */
    MnbTimer dtls_timer;

    MnbSrtp *receive_key;
    MnbTimer tick_timer; /* each second */
    unsigned ticks;

    /* publishing */
    MnbTrack *tracks; /* linked by next_in_transport */
    unsigned n_tracks;
    MnbSsrc *ssrcs;
    unsigned n_ssrcs;
    MnbTwcc *twcc; /* made with the first packet that asks for it */
    uint32_t twcc_media_ssrc;
    MnbTimer twcc_timer;
    uint64_t bytes_in;

    /* receiving */
    MnbSlot *slots[MNB_SLOTS_MAX];
    unsigned n_slots;
    uint64_t rtx_bytes_tick; /* sent since the last tick */
    uint64_t rtx_budget;     /* for this tick */
    uint64_t bytes_out_tick; /* bytes_out at the last tick */
    uint32_t rtt_us;         /* 0: not known */
    uint8_t worst_fraction;  /* lost, of 256: worst report since the last statistics */

    /* sharing out the line (line.c) */
    uint32_t limit_bps; /* the receiver's own choice; 0: none */
    uint32_t used_bps, wanted_bps;
    uint64_t report_packets, report_lost; /* since the last tick; lost of 256 */
    int64_t up_us;                        /* first connected */
    int64_t shared_us;                    /* when it was shared out last */
    int64_t lowered_us, raised_us;
    int64_t raise_gap_us; /* least time from lowering to raising */
    uint16_t n_paused, n_reduced;
    MnbTimer probe_timer;

    uint64_t stats_bytes_in, stats_bytes_out; /* at the last statistics */
};

/* ---- room ---- */

struct MnbRoom {
    MnbWorker *worker;
    uint32_t id;
    unsigned n_transports;
    MnbTrack *audio_tracks;   /* linked by next_in_room */
    unsigned n_audio_flowing; /* of them */
    MnbTimer speaker_timer;
    uint32_t speakers[MNB_SPEAKERS];
    unsigned quiet_rounds;
};

/* ---- track ---- */

#define MNB_LEFT_OUT_MAX 32

struct MnbTrack {
    MnbWorker *worker;
    MnbTransport *transport;
    MnbTrack *next_in_transport;
    MnbTrack *next_in_room;
    MnbTrackAdd config;
    bool is_video;
    bool is_started;

    /* receiving */
    uint32_t ssrc; /* 0: not seen yet */
    uint32_t rtx_ssrc;
    uint16_t highest; /* sequence number of the publisher */
    uint32_t cycles;  /* << 16 */
    uint32_t base;    /* extended: first one */
    uint32_t received;
    uint32_t expected_prior, received_prior;
    uint8_t fraction_lost;
    int32_t lost;
    uint32_t jitter_16; /* RFC 3550 A.8, scaled by 16 */
    uint32_t last_transit;
    uint16_t left_out; /* packets left out so far: our numbers are that much behind */
    uint8_t n_left_out;
    uint16_t left_out_seqs[MNB_LEFT_OUT_MAX]; /* the last ones, for those who come late */
    MnbNack nack;
    MnbTimer nack_timer;

    /* last sender report */
    uint64_t sr_ntp; /* 0: none yet */
    uint32_t sr_rtp;
    int64_t sr_us;

    /* what is kept */
    MnbPacket **ring; /* at seq & ring_mask */
    uint16_t ring_mask;
    uint16_t head; /* highest of our numbers */
    bool has_key;
    uint16_t key_seq; /* first packet of the last key frame */
    uint32_t key_timestamp;
    int64_t key_us;

    /* asking for a key frame */
    bool wants_key;
    uint8_t key_tries;
    int64_t pli_us; /* last request; 0: never */
    MnbTimer pli_timer;

    /* fan-out */
    MnbPacket *pending[MNB_PENDING_MAX];
    uint8_t padding[MNB_PENDING_MAX]; /* to be added to each, set by the fan-out */
    unsigned n_pending;
    int64_t pending_us; /* arrival of the first one */
    int64_t apart_us;   /* smoothed: from one packet of a frame to the next, on arrival */
    int64_t added_us;   /* when the last one was added, and of which frame it was */
    uint32_t added_timestamp;
    bool is_dirty; /* in the worker's list */
    bool is_flushing;
    MnbTrack *next_dirty;
    MnbSlot **subs; /* slots that show it */
    unsigned n_subs, subs_cap;
    MnbSlot **waiting; /* slots that will, from the next key frame on */
    unsigned n_waiting, waiting_cap;

    MnbTap *taps[MNB_TRACK_TAPS_MAX];
    unsigned n_taps;

    /* flow and speech */
    int64_t packet_us; /* last one */
    bool is_flowing;
    uint64_t bytes_in, bytes_in_tick;
    int64_t tick_us; /* last tick, or the beginning of the stream; and its time stamp */
    uint32_t tick_timestamp;
    uint32_t bps;
    uint32_t tid_bytes[MNB_TEMPORAL_ALL + 1]; /* since the last tick, by temporal layer */
    uint8_t tid_percent[MNB_TEMPORAL_ALL];    /* of the bits, up to that layer; 0: no layers */
    uint8_t frames_missed; /* simulcast: frames of a smaller layer since the last packet */
    uint32_t cost_bps;     /* follows bps, down slowly: what a line needs for it; 0: not known */
    uint32_t level_sum, level_count; /* since the last round; level as loudness, 0-127 */
    float loudness;                  /* smoothed, 0-127 */
    uint16_t n_silent;               /* packets in a row as quiet as a muted microphone */
    bool is_aside;                   /* not of the floor: never among the speakers */
    int64_t spoke_us;                /* last round in which it was above the threshold */
    int64_t voice_us;                /* when the last beginning of speech came; 0: never */
    int64_t voiced_us;               /* last packet of speech */
    uint32_t voice_sum, voice_count; /* loudness of its first packets */
    uint16_t voice_seq;              /* of the beginning */
};

/* ---- slot ---- */

typedef struct {
    uint32_t sent_ms;
    uint16_t out_seq;
    uint16_t seq; /* of the track */
    uint16_t twcc;
    uint8_t epoch;       /* of the slot when it was sent; 0: empty */
    uint8_t tries : 2;   /* resends */
    uint8_t padding : 6; /* of sound */
} MnbSent;
#define MNB_SENT_PADDING_MAX 63u
_Static_assert(sizeof(MnbSent) == 12, "a history of 1024 is 12 KiB");

#define MNB_SLOT_HEADER_MAX 56

struct MnbSlot {
    /* read for each packet */
    MnbTransport *transport;
    MnbTrack *source;      /* what it shows; NULL: nothing */
    MnbSent *history;      /* NULL: nothing is sent again */
    MnbTemporal *temporal; /* NULL: no temporal layer was ever left out */
    uint32_t *ends; /* beside history, of sound: mnb_srtp_end() of each; NULL: repaired by RTX */
    uint16_t history_mask;
    uint16_t seq_delta; /* out = track's + delta */
    uint16_t first_seq; /* of the track: nothing before it is sent */
    uint16_t catch_seq; /* while catching up: next packet of the ring to send */
    uint32_t timestamp_delta;
    uint16_t picture_delta;
    uint8_t tl0_delta;
    uint8_t epoch; /* of source, 1 to 255 */
    bool is_catching;
    bool is_vp8;
    bool has_sent;
    bool last_marker; /* of the highest out_seq */
    uint8_t pt;
    uint8_t header_size;
    uint8_t twcc_at, abs_time_at, level_at; /* offsets in header; 0: not there */
    uint16_t out_seq;                       /* highest sent */
    uint16_t out_picture;                   /* belongs to out_seq */
    uint8_t out_tl0;
    uint32_t out_timestamp;  /* belongs to out_seq */
    int64_t sent_us;         /* when out_seq was sent */
    uint64_t packets, bytes; /* payload */
    uint8_t header[MNB_SLOT_HEADER_MAX];
    MnbSrtpStream stream;

    uint32_t id;
    MnbSlotAdd config;
    uint32_t wanted; /* id of the track it is bound to, the largest layer; 0: none */
    uint8_t rank;
    uint8_t state;             /* MnbSlotStateKind, as told */
    uint64_t packets_reported; /* packets at the last receiver report */
    bool is_same_camera;       /* target is a layer of the camera that was shown last */
    unsigned index;            /* in source->subs */
    MnbTrack *target;          /* waits for a key frame of it; NULL: no switch under way */
    unsigned waiting_index;    /* in target->waiting */
    uint64_t last_capture_ntp; /* of out_seq, on the clock of: */
    uint32_t last_publisher;   /* transport id of the source before; 0: its clock is not known */

    uint16_t rtx_seq;
    uint8_t rtx_pt;
    MnbSrtpStream rtx_stream;

    MnbSlot *next_catching, **back_catching;
    double catch_credit; /* bytes */

    uint32_t sr_mid[2]; /* middle words of the last two SRs, and when they went */
    int64_t sr_sent_us[2];
    uint8_t pli_tokens;
    int64_t pli_refill_us;
};

/* ---- tap ---- */

struct MnbTap {
    MnbWorker *worker;
    uint32_t id;
    MnbRing *ring;
    bool is_dirty;
    MnbTap *next_dirty;
};

/* ---- worker ---- */

struct MnbWorker {
    MnbWorkerConfig config;
    int epoll_fd;
    bool has_ended;
    int64_t now_us;
    uint64_t secret[2];
    MnbSocket sockets[MNB_WORKER_SOCKETS_MAX];
    bool is_v6[MNB_WORKER_SOCKETS_MAX];
    bool is_any[MNB_WORKER_SOCKETS_MAX]; /* bound to no address: answers carry theirs */
    struct MnbRx *rx;
    struct MnbHandshakes *handshakes;
    struct MnbTcp *tcp;
    MnbTx *tx;
    MnbWheel wheel;
    MnbSlab slabs[2]; /* small pieces, large pieces */
    MnbDtlsContext *dtls_context;

    MnbIdMap rooms, transports, tracks, slots, taps;
    MnbFeed *feeds[256];   /* MNB_FEEDS_MAX */
    MnbIdMap ufrags;       /* hash of ufrag -> transport */
    MnbIdMap flows;        /* hash of flow -> tuple */
    MnbTransport *closing; /* freed at the end of the step */

    MnbTrack *dirty_tracks;
    MnbTap *dirty_taps;
    MnbSlot *catching;
    MnbTimer catch_timer;
    int64_t catch_us;
    uint32_t flush_epoch;

    struct MnbOutbox *outbox;
    MnbTimer stats_timer;
    MnbWorkerStats stats;
};

/* worker.c */
void mnb_worker_tell(MnbWorker *worker, MnbMediaType type, const void *body);
void mnb_worker_close_later(MnbWorker *worker, MnbTransport *transport);

/* Any number that nobody can guess. */
uint32_t mnb_worker_random(void);
