/* control.h - what manabi and a media worker say to each other.
 *
 * A SOCK_SEQPACKET unix socket joins the two; one message is one datagram: MnbMediaHead, then the
 * struct of its type. Both ends are of one build on one machine, so the structs travel as they lie
 * in memory, without padding surprises (every struct is checked by static assertion in control.c).
 * manabi binds the UDP sockets and hands them over at start, so a restarted worker keeps its port:
 *
 *     manabi-media --control-fd N --udp-fd N [--udp-fd N] [--tcp-fd N ...] [--index N]
 *                  [--no-sandbox]
 *
 * A --tcp-fd listens for ICE-TCP (RFC 6544). One that is a unix socket belongs to all workers: the
 * front door brings there what is not TLS on its port, each connection headed by a PROXY line. The
 * worker that takes it reads the first check; when the ufrag's tag names another worker, the
 * connection goes there by way of manabi (TCP_PASS, TCP_TAKE).
 *
 * Ids (room, transport, track, slot, tap) are chosen by manabi, are above 0 and are never used
 * twice in the life of a worker. A command about an id that is gone is a normal thing and is
 * ignored. Commands are carried out in order. The worker exits when the socket closes.
 *
 * Words: a *transport* is one peer connection (one ICE + DTLS association). A *track* is one audio
 * or video that a transport publishes. A *slot* is one m-line with a fixed SSRC on a receiving
 * transport; it shows one track at a time, or none. A *tap* copies tracks into a packet ring
 * (packet-ring.h).
 */
#pragma once
#include <stdint.h>

#define MNB_MEDIA_VERSION     3
#define MNB_MEDIA_MESSAGE_MAX 1024 /* bytes of one message, head included */
#define MNB_MID_MAX           16   /* bytes, NUL included, of a mid or rid */
#define MNB_ICE_UFRAG_MAX     33   /* bytes, NUL included; we make 16 characters */
#define MNB_ICE_PWD_MAX       65   /* bytes, NUL included; we make 32 characters */
#define MNB_FINGERPRINT_BYTES 32   /* SHA-256 of the certificate (RFC 8122) */

typedef enum {
    MNB_CODEC_NONE,
    MNB_CODEC_OPUS, /* RFC 7587 */
    MNB_CODEC_VP8,  /* RFC 7741 */
    MNB_CODEC_H264, /* RFC 6184, packetization-mode 1 */
    MNB_CODEC_VP9,  /* RFC 9628 */
    MNB_CODEC_AV1,  /* AOM's RTP payload format */
    MNB_CODEC_COUNT
} MnbCodec;

typedef enum {
    /* manabi -> worker */
    MNB_MEDIA_TRANSPORT_OPEN = 1, /* MnbTransportOpen */
    MNB_MEDIA_TRANSPORT_REMOTE,   /* MnbTransportRemote */
    MNB_MEDIA_TRANSPORT_RESTART,  /* MnbTransportRestart */
    MNB_MEDIA_TRANSPORT_CLOSE,    /* MnbMediaId; its tracks and slots go with it */
    MNB_MEDIA_TRACK_ADD,          /* MnbTrackAdd */
    MNB_MEDIA_TRACK_REMOVE,       /* MnbMediaId; slots that showed it show nothing */
    MNB_MEDIA_SLOT_ADD,           /* MnbSlotAdd */
    MNB_MEDIA_SLOT_BIND,          /* MnbSlotBind */
    MNB_MEDIA_KEY_FRAME,       /* MnbMediaId of a video track: ask its publisher for a key frame */
    MNB_MEDIA_TAP_OPEN,        /* MnbMediaId of the tap; two descriptors: memfd, eventfd */
    MNB_MEDIA_TAP_TRACK,       /* MnbTapTrack */
    MNB_MEDIA_TAP_CLOSE,       /* MnbMediaId */
    MNB_MEDIA_TRANSPORT_LIMIT, /* MnbTransportLimit */
    MNB_MEDIA_TRACK_ASIDE,     /* MnbTrackAside */
    MNB_MEDIA_FEED_OPEN = 20,  /* MnbFeedOpen; two descriptors: memfd, eventfd of a ring to read */
    MNB_MEDIA_TCP_TAKE = 40, /* MnbTcpPass; one descriptor: a connection that another worker took */

    /* worker -> manabi */
    MNB_MEDIA_READY = 100,     /* MnbMediaReady: first message; commands may be sent before it */
    MNB_MEDIA_TRANSPORT_STATE, /* MnbTransportState */
    MNB_MEDIA_TRACK_STATE,     /* MnbTrackState */
    MNB_MEDIA_SPEAKER,         /* MnbSpeaker */
    MNB_MEDIA_REFUSED,         /* MnbMediaRefused: a command that could not be carried out */
    MNB_MEDIA_WORKER_STATS,    /* MnbWorkerStats, once a second */
    MNB_MEDIA_TRANSPORT_STATS, /* MnbTransportStats, each connected transport every 2 s */
    MNB_MEDIA_SLOT_STATE,      /* MnbSlotState */
    MNB_MEDIA_FEED_KEY = 120,  /* MnbMediaId of a video track of a feed: a key frame is wanted */
    MNB_MEDIA_TCP_PASS = 140,  /* MnbTcpPass; one descriptor: for worker `worker` */
} MnbMediaType;

typedef struct {
    uint16_t type; /* MnbMediaType */
    uint16_t size; /* bytes of the whole message, this head included */
    uint32_t zero; /* reserved */
} MnbMediaHead;

typedef struct {
    uint32_t id;
    uint32_t zero;
} MnbMediaId;

typedef enum { MNB_PUBLISH = 1, MNB_RECEIVE = 2 } MnbDirection;

/* Announces a transport before its first packet. Until TRANSPORT_REMOTE has told the peer's
 * fingerprint, a handshake may run but no media goes in or out. */
typedef struct {
    uint32_t transport;
    uint32_t room;
    uint8_t direction; /* MnbDirection */
    uint8_t zero[3];
    char ufrag[MNB_ICE_UFRAG_MAX]; /* ours: the part of USERNAME before the colon (RFC 8445, 7.3) */
    char pwd[MNB_ICE_PWD_MAX];     /* ours: key of MESSAGE-INTEGRITY of checks that we receive */
} MnbTransportOpen;

typedef struct {
    uint32_t transport;
    char ufrag[MNB_ICE_UFRAG_MAX]; /* theirs: the part of USERNAME after the colon */
    uint8_t fingerprint[MNB_FINGERPRINT_BYTES];
} MnbTransportRemote;

/* A publishing transport without network: its packets are taken from a packet ring, whose records
 * name them by the ids of tracks that are added to it as usual (ssrc 0, no NACK). Closed as any
 * transport. */
typedef struct {
    uint32_t transport;
    uint32_t room;
} MnbFeedOpen;

/* ICE restart (RFC 8445, 9): keys and SRTP state stay; both credential pairs are good for 30 s. */
typedef struct {
    uint32_t transport;
    char ufrag[MNB_ICE_UFRAG_MAX];
    char pwd[MNB_ICE_PWD_MAX];
    char remote_ufrag[MNB_ICE_UFRAG_MAX];
} MnbTransportRestart;

/* Ids of RTP header extensions (RFC 8285), 0 = not negotiated. */
typedef struct {
    uint8_t mid;           /* urn:ietf:params:rtp-hdrext:sdes:mid */
    uint8_t rid;           /* urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id */
    uint8_t repaired_rid;  /* urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id */
    uint8_t audio_level;   /* urn:ietf:params:rtp-hdrext:ssrc-audio-level (RFC 6464) */
    uint8_t twcc;          /* transport-wide-cc-extensions-01 */
    uint8_t abs_send_time; /* webrtc.org abs-send-time */
    uint8_t zero[2];
} MnbExtensionIds;

/* A published track. Its packets are found by SSRC; when ssrc is 0, by MID (and RID), then learnt.
 */
typedef struct {
    uint32_t track;
    uint32_t transport;
    uint8_t codec; /* MnbCodec */
    uint8_t pt;
    uint8_t rtx_pt; /* 0: no RTX */
    uint8_t layer;  /* simulcast: 0 is the smallest. Tracks without simulcast: 0 */
    uint32_t clock_rate;
    uint32_t ssrc;     /* 0: learn it */
    uint32_t rtx_ssrc; /* 0: learn it */
    char mid[MNB_MID_MAX];
    char rid[MNB_MID_MAX]; /* "": no simulcast */
    MnbExtensionIds ext;
    uint8_t has_nack; /* receiver may send generic NACK */
    uint8_t has_pli;
    uint8_t has_twcc; /* receiver sends transport-wide feedback */
    uint8_t zero;
} MnbTrackAdd;

typedef struct {
    uint32_t slot;
    uint32_t transport;
    uint32_t ssrc;     /* constant for the life of the transport */
    uint32_t rtx_ssrc; /* 0: no RTX */
    uint8_t is_video;
    uint8_t has_nack;
    uint8_t zero[2];
    uint8_t pt[MNB_CODEC_COUNT];     /* 0: this receiver cannot play that codec */
    uint8_t rtx_pt[MNB_CODEC_COUNT]; /* 0: no RTX for it */
    uint32_t clock_rate;
    char mid[MNB_MID_MAX];
    MnbExtensionIds ext;
} MnbSlotAdd;

/* Of a camera with several layers @track is the largest that may be shown: while the receiver's
 * line takes less, the worker shows a smaller one, or nothing (SLOT_STATE tells). */
typedef struct {
    uint32_t slot;
    uint32_t track; /* 0: show nothing */
    uint32_t rank;  /* of its claim on the line, among sounds and among pictures: 0 first, to 255 */
    uint32_t zero;
} MnbSlotBind;

/* What a receiver lets us send at most, sound and repairs included. Holds at once. */
typedef struct {
    uint32_t transport;
    uint32_t limit_bps; /* 0: no limit */
} MnbTransportLimit;

/* An audio track that is not of the floor (an interpreter's): it is forwarded as any other, and
 * never counts among those who speak. */
typedef struct {
    uint32_t track;
    uint32_t is_aside;
} MnbTrackAside;

typedef struct {
    uint32_t tap;
    uint32_t track;
    uint32_t is_on; /* 1: copy it, 0: no longer */
} MnbTapTrack;

typedef struct {
    uint32_t version; /* MNB_MEDIA_VERSION */
    uint32_t pid;
    uint8_t fingerprint[MNB_FINGERPRINT_BYTES]; /* of our certificate, for a=fingerprint */
} MnbMediaReady;

typedef enum {
    MNB_TRANSPORT_CHECKED = 1,  /* first authenticated STUN check */
    MNB_TRANSPORT_CONNECTED,    /* DTLS done, fingerprint right: media flows */
    MNB_TRANSPORT_DISCONNECTED, /* nothing valid for 10 s; CONNECTED follows when it is back */
    MNB_TRANSPORT_CLOSED,       /* gone: close_notify, 35 s of silence, or a failed handshake */
} MnbTransportStateKind;

typedef enum {
    MNB_CLOSED_BY_PEER = 1,
    MNB_CLOSED_TIMEOUT,
    MNB_CLOSED_HANDSHAKE,
    MNB_CLOSED_FINGERPRINT,
} MnbClosedReason;

typedef struct {
    uint32_t transport;
    uint8_t state;  /* MnbTransportStateKind */
    uint8_t reason; /* MnbClosedReason when CLOSED, else 0 */
    uint8_t zero[2];
} MnbTransportState;

typedef struct {
    uint32_t track;
    uint32_t is_flowing; /* 1: packets arrive; 0: none for 2 s (muted, or the line is dead) */
} MnbTrackState;

/* Who speaks in a room: sent when the order of the loudest three changes: every 200 ms,
 * and 60 ms after a voice began that was not among them. */
typedef struct {
    uint32_t room;
    uint32_t tracks[3]; /* loudest first; 0: nobody */
} MnbSpeaker;

typedef struct {
    uint32_t type; /* of the command */
    uint32_t id;   /* it was about */
    int32_t error; /* negative errno */
} MnbMediaRefused;

typedef enum {
    MNB_SLOT_IN_FULL = 0,  /* what it is bound to, or nothing is bound */
    MNB_SLOT_REDUCED,      /* a smaller layer than it is bound to */
    MNB_SLOT_PAUSED,       /* nothing: the line does not take it */
    MNB_SLOT_PAUSED_LIMIT, /* nothing: TRANSPORT_LIMIT does not allow it */
} MnbSlotStateKind;

/* Sent when it changes; after SLOT_BIND to another track it begins as MNB_SLOT_IN_FULL. */
typedef struct {
    uint32_t slot;
    uint32_t track; /* it was bound to when this was told */
    uint32_t state; /* MnbSlotStateKind */
    uint32_t transport;
} MnbSlotState;

/* Counters since the start of the worker. */
typedef struct {
    uint64_t packets_in, bytes_in;   /* RTP that was authenticated */
    uint64_t packets_out, bytes_out; /* RTP sent, repairs included */
    uint64_t sends;                  /* datagram messages handed to the kernel; GSO counts once */
    uint64_t dropped_auth;           /* SRTP/SRTCP with a bad tag */
    uint64_t dropped_replay;
    uint64_t dropped_unknown; /* no transport, or an SSRC nobody announced */
    uint64_t dropped_malformed;
    uint64_t dropped_send; /* the kernel would not take it */
    uint64_t nacks_in, nacks_out, rtx_in, rtx_out, plis_in, plis_out;
    uint64_t tap_packets, tap_dropped;
    uint64_t handshakes, handshakes_failed, stun_refused;
    uint64_t cpu_us; /* user + system of the process */
    uint32_t transports, tracks, slots, taps;
    uint32_t tcp;             /* connections */
    uint32_t slots_held_back; /* paused or reduced now */
    uint64_t probe_bytes;     /* of padding, to find out what lines take */
    uint64_t switches;        /* of layers, pauses included, for the sake of a line */
    uint64_t silent;          /* packets of silence that were not sent on */
    uint64_t stalled_us;      /* the machine kept us from running while packets were to be sent */
} MnbWorkerStats;

typedef enum {
    MNB_LINE_UNKNOWN = 0, /* nothing is known yet */
    MNB_LINE_GOOD,
    MNB_LINE_WEAK,    /* it shows: loss from 3 %, 300 ms of delay, or something is held back */
    MNB_LINE_FAILING, /* sound suffers: loss from 12 %, 800 ms, or only sound gets through */
} MnbLineQuality;

typedef struct {
    uint32_t transport;
    uint32_t rtt_ms;          /* 0: not known */
    uint32_t in_bps, out_bps; /* over the last 2 s */
    uint32_t loss_permille;   /* worst of what the peer reports (receive) or we see (publish) */
    uint32_t estimate_bps;    /* receive: what its line takes; 0: not known, or publish */
    uint32_t queue_ms;        /* receive: what packets wait on the way, beyond the least ever */
    uint32_t quality;         /* MnbLineQuality */
    uint16_t paused, reduced; /* receive: slots held back by the line */
    uint32_t zero;
} MnbTransportStats;

#define MNB_TRANSPORTS_MAX 8192 /* of one worker; TRANSPORT_OPEN beyond it is refused: -ENOSPC */

#define MNB_TCP_FIRST_MAX 640

/* A TCP connection on its way to the worker it is for, and what was read of it. */
typedef struct {
    uint32_t worker;
    uint16_t port;   /* of the peer */
    uint16_t family; /* AF_INET, AF_INET6 */
    uint8_t address[16];
    uint32_t size; /* of bytes */
    uint8_t bytes[MNB_TCP_FIRST_MAX];
} MnbTcpPass;

/* The tag of a worker: the first two characters of every ufrag of its transports, so that a TCP
 * connection finds it. */
#define MNB_UFRAG_TAG     2
#define MNB_UFRAG_TAG_MAX 256 /* workers */

static inline void mnb_ufrag_tag(char *ufrag, unsigned index)
{
    ufrag[0] = (char)('a' + (index >> 4 & 15));
    ufrag[1] = (char)('a' + (index & 15));
}

/* Returns: the worker's index, or -1. */
static inline int mnb_ufrag_worker(const char *ufrag, unsigned len)
{
    if (len < MNB_UFRAG_TAG || ufrag[0] < 'a' || ufrag[0] > 'p' || ufrag[1] < 'a' || ufrag[1] > 'p')
        return -1;
    return (ufrag[0] - 'a') << 4 | (ufrag[1] - 'a');
}

/* ---- the socket side, the same for both ends (control.c) ---- */

#define MNB_CONTROL_FDS_MAX 2

/* A message that arrived: whole, of a known type, of exactly its size, its texts terminated. */
typedef struct {
    MnbMediaType type;
    unsigned n_fds;
    int fds[MNB_CONTROL_FDS_MAX]; /* owned: close what is not taken */
    union {
        MnbMediaHead head;
        uint8_t bytes[MNB_MEDIA_MESSAGE_MAX];
        uint64_t align;
    } data;
} MnbControlMessage;

/* The struct behind the head: MnbTransportOpen and so on, as the type says. */
static inline const void *mnb_control_body(const MnbControlMessage *message)
{
    return message->data.bytes + sizeof(MnbMediaHead);
}

/* Bytes of the struct that follows the head of a message of @type; 0 for a type that is not known.
 */
uint16_t mnb_control_body_size(MnbMediaType type);

/* Sends one message. @body: the struct of @type, at least mnb_control_body_size() bytes. @fds:
 * borrowed, at most MNB_CONTROL_FDS_MAX; the other end gets copies. Returns 0; -EAGAIN when the
 * socket is non-blocking and full; -EPIPE and others when it is gone. */
int mnb_control_send(int fd, MnbMediaType type, const void *body, const int *fds, unsigned n_fds);

/* Takes one message from the socket.
 * Returns 1; 0 when the other end has closed; -EAGAIN when there is none (non-blocking);
 * -EBADMSG for a message that is not well formed (it is gone, its descriptors are closed). */
int mnb_control_receive(int fd, MnbControlMessage *out);
