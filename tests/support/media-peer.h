/* media-peer.h - a small WebRTC peer for tests and benches of the media worker: asks STUN checks,
 * is the DTLS client, seals and opens SRTP. One UDP socket on loopback; never blocks; one thread.
 *
 * Rig holds the worker's side: sockets, the control socket, a clock that only moves when told, and
 * what the worker said. With rig_new() the worker lives in this process and is stepped by hand. */
#pragma once
#include "server/media/control.h"
#include "server/media/rtcp.h"
#include "server/media/rtp.h"
#include "server/media/srtp.h"
#include "server/media/stun.h"
#include "server/media/tx.h"
#include "server/media/worker.h"
#include <netinet/in.h>
#include <openssl/ssl.h>

#define RIG_EVENTS_MAX   4096
#define PEER_PACKETS_MAX 2048
#define PEER_SSRCS_MAX   32

typedef struct {
    MnbMediaType type;
    uint64_t body[MNB_MEDIA_MESSAGE_MAX / 8];
} RigEvent;

typedef struct {
    MnbWorker *worker; /* NULL: in another process */
    int control_fd;    /* ours */
    int worker_control_fd;
    int udp_fd;
    struct sockaddr_in address;
    int tcp_fd; /* listens */
    struct sockaddr_in tcp_address;
    int udp6_fd; /* -1: no IPv6 here */
    struct sockaddr_in6 address6;
    int64_t now_us;
    MnbMediaReady ready;
    RigEvent events[RIG_EVENTS_MAX];
    unsigned n_events;
    bool has_ended;
    int end;
} Rig;

Rig *rig_new(void);
void rig_free(Rig *rig);

/* Sockets only, for a worker elsewhere. */
Rig *rig_new_outside(void);

/* Lets the worker work until nothing is left to read. */
void rig_step(Rig *rig);
/* Moves the clock in steps of at most 5 ms and works in between. */
void rig_advance(Rig *rig, int64_t us);
void rig_command(Rig *rig, MnbMediaType type, const void *body);
/* Events of @type; the last one of them into @body_out if not NULL. */
unsigned rig_count(const Rig *rig, MnbMediaType type);
const void *rig_last(const Rig *rig, MnbMediaType type);
/* The last state of a transport, 0: none told. */
unsigned rig_state(const Rig *rig, uint32_t transport, unsigned *reason_out);
void rig_forget_events(Rig *rig);

typedef struct {
    uint8_t data[1700];
    size_t size;
    MnbRtp rtp;
} PeerPacket;

typedef struct {
    Rig *rig;
    int fd;
    struct sockaddr_in address; /* where it sends to: the worker's, or that of a line before it */
    bool is_v6;                 /* fd is connected to the worker's IPv6 socket */
    unsigned loss_percent;      /* of datagrams either way; 0: none */
    uint32_t loss_seed;
    bool is_tcp;    /* fd is a connection; frames of RFC 4571 */
    bool has_ended; /* the worker closed it */
    uint8_t stream[70000];
    size_t stream_len;
    uint32_t transport;
    char ufrag[MNB_ICE_UFRAG_MAX]; /* of the worker's side */
    char pwd[MNB_ICE_PWD_MAX];
    uint8_t fingerprint[MNB_FINGERPRINT_BYTES];

    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out;
    bool is_up; /* keys are there */
    bool has_closed;
    MnbSrtp *send_key, *receive_key;
    struct {
        uint32_t ssrc;
        MnbSrtpStream stream;
    } sends[PEER_SSRCS_MAX], receives[PEER_SSRCS_MAX];
    unsigned n_sends, n_receives;

    unsigned stun_answers;
    uint16_t stun_error;
    uint16_t stun_mapped_port;
    int stun_mapped_family;
    unsigned bad_packets; /* that did not open */
    unsigned datagrams;   /* received */
    PeerPacket *packets;  /* RTP, in order of arrival */
    unsigned n_packets;
    PeerPacket *reports; /* RTCP */
    unsigned n_reports;
} Peer;

/* Opens a transport and tells the worker our fingerprint unless @is_mute. */
Peer *peer_new(Rig *rig, uint32_t transport, uint32_t room, MnbDirection direction, bool is_mute);
void peer_free(Peer *peer);
void peer_tell_remote(Peer *peer);

/* Another source port. The old socket is returned (owned). */
int peer_move(Peer *peer);

/* From now on by TCP. The UDP socket is returned (owned). */
int peer_use_tcp(Peer *peer);

/* From now on by IPv6. Returns the old socket (owned), or -1 where there is no IPv6. */
int peer_use_v6(Peer *peer);

void peer_check(Peer *peer, bool use_candidate);
void peer_check_as(Peer *peer, const char *ufrag, const char *pwd, bool use_candidate);

/* Sends a ClientHello and what follows from it, until both are up or nothing moves any more. */
bool peer_connect(Peer *peer);

/* One step of the handshake: sends what OpenSSL wants to send, in datagrams of at most @mtu. */
void peer_advance_dtls(Peer *peer);
/* Repeats the last flight when the client's timer says so. */
void peer_repeat_dtls(Peer *peer);
/* Begins anew with these SRTP profiles (NULL: none) and with or without a certificate. */
void peer_offer_profiles(Peer *peer, const char *profiles, bool has_certificate);
void peer_close_dtls(Peer *peer);

/* Reads the socket. */
void peer_poll(Peer *peer);
/* A datagram that was read by the caller. */
void peer_open(Peer *peer, uint8_t *data, size_t size);
void peer_forget(Peer *peer);

typedef struct {
    uint32_t ssrc;
    uint16_t seq;
    uint32_t timestamp;
    uint8_t pt;
    bool marker;
    const uint8_t *payload;
    size_t payload_size;
    uint8_t padding;
    /* extensions: id and text or number; id 0: not there */
    uint8_t mid_id, rid_id, level_id, twcc_id;
    const char *mid, *rid;
    uint8_t level;
    uint16_t twcc;
} PeerRtp;

/* Returns the size of the SRTP packet; it is also left in @copy_out (1700 bytes) if not NULL. */
size_t peer_seal(Peer *peer, const PeerRtp *rtp, uint8_t *out);
void peer_send(Peer *peer, const PeerRtp *rtp);
void peer_send_raw(Peer *peer, const void *data, size_t size);
void peer_send_rtcp(Peer *peer,
                    MnbRtcpWriter *writer); /* at least MNB_SRTCP_ADDED_MAX room behind */

/* VP8 payload: descriptor with 15-bit picture id and TL0, then @size - 6 bytes that tell @frame. A
 * key frame has a start code and a size of 640x480. Returns bytes written. */
size_t peer_vp8(uint8_t *out, size_t size, bool is_start, bool is_key, uint16_t picture,
                uint8_t tl0, uint8_t fill);

/* Packets of @ssrc among those received; @i: index of the i-th, or NULL. */
unsigned peer_count(const Peer *peer, uint32_t ssrc);
const PeerPacket *peer_packet(const Peer *peer, uint32_t ssrc, unsigned i);
