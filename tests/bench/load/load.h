/* load.h - manabi-load: many WebRTC publishers and subscribers in one thread, to load a media
 * server on this machine and measure it. Speaks WHIP and WHEP (RFC 9725), and the VideoRoom of
 * Janus, so that both are measured by the same clients.
 *
 * Every client has an address of its own in 127.0.0.0/8 on one of a few UDP sockets: the server
 * sees one 5-tuple a client, and one recvmmsg() drains many. The loop sleeps half a millisecond
 * between rounds instead of waiting in epoll, so that the server does not pay for waking it.
 *
 *   main.c      options, phases of a run       net.c       sockets, batches
 *   client.c    ICE, DTLS, what a datagram is  sdp.c       offers and answers
 *   publish.c   RTP of a publisher             receive.c   accounts and RTCP of a subscriber
 *   http.c      requests over libcurl          janus.c, whip.c, worker.c   ways to join
 *   report.c    /proc, percentiles, the line of JSON
 *
 * A packet's payload ends in a mark (24 bytes): magic, publisher and kind, number, wall clock,
 * check. The latency is the kernel's time stamp of arrival less that clock, so it leaves this
 * program's own slowness out. */
#pragma once
#include "server/media/control.h"
#include "server/media/rtcp.h"
#include "server/media/rtp.h"
#include "server/media/seq.h"
#include "server/media/srtp.h"
#include "server/media/twcc.h"
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_PACKET_MAX  2048
#define LOAD_STREAMS_MAX 48
#define LOAD_VOICES_MAX  8
#define LOAD_SOCKETS_MAX 16
#define LOAD_PIDS_MAX    16
#define LOAD_WORKERS_MAX 4
#define LOAD_MARK_BYTES  24
#define LOAD_KEPT        512 /* packets a publisher keeps for NACKs, a power of two */
#define LOAD_CNAME       "load"

typedef struct Load Load;
typedef struct LoadClient LoadClient;
typedef struct LoadSocket LoadSocket;
typedef struct LoadHttp LoadHttp;
typedef struct LoadSignalling LoadSignalling;

typedef struct {
    const char *scenario; /* a name for the report */
    const char *whip, *whep, *janus, *worker;
    const char *publish_token, *receive_token;
    const char *profile; /* "gcm", "cm" */
    unsigned publishers, subscribers;
    unsigned rooms;
    unsigned voices; /* audio of the loudest: so many slots a subscriber; 0: one a publisher */
    unsigned late;   /* the last subscribers: they join in the window, in one second */
    bool is_meeting; /* subscriber N is publisher N, and receives all others of her room */
    unsigned joins_per_s, joins_at_once;
    double warm_up_s, duration_s, limit_s, join_timeout_s;
    unsigned bitrate_bps, fps, packet_bytes, audio_bytes;
    unsigned sockets;
    bool is_spread;      /* packets of a frame evenly over its time, not back to back */
    bool has_no_sandbox; /* of --worker */
    double expected_pct; /* exit status 1 when less was delivered */
    bool has_gro;        /* as a network card that cuts GSO itself would make it for the server */
    int worker_cpu;      /* processor of --worker, -1: any */
    unsigned workers;    /* of --worker: publishers at the first, subscribers in turns */
    int pids[LOAD_PIDS_MAX];
    unsigned n_pids;
} LoadOptions;

typedef enum {
    LOAD_WAITING,
    LOAD_JOINING,  /* offer sent */
    LOAD_CHECKING, /* STUN */
    LOAD_SHAKING,  /* DTLS */
    LOAD_UP,
    LOAD_FAILED,
    LOAD_LEFT,
} LoadState;

typedef enum { LOAD_AUDIO, LOAD_VIDEO, LOAD_RTX, LOAD_OTHER } LoadKind;

/* What a subscriber receives under one SSRC. */
typedef struct {
    uint32_t ssrc;
    LoadKind kind;
    MnbSrtpStream srtp;
    MnbUnwrapper seq;
    int64_t first;
    int64_t nacked; /* all before have been asked for */
    uint64_t seen[1024 / 64];
    uint64_t unique, duplicates;
    uint64_t unique_then; /* at the start of the window */
    int64_t highest_then;
    int64_t reported_highest;
    uint64_t reported_unique;
    uint32_t last_sr;
    int64_t last_sr_us;
} LoadStream;

typedef struct {
    uint16_t seq;
    uint16_t len; /* of payload; 0: empty */
    uint32_t timestamp;
    bool marker;
    uint8_t payload[1300];
} LoadKept;

/* What a publisher sends under one SSRC. */
typedef struct {
    uint32_t ssrc, rtx_ssrc;
    uint16_t seq, rtx_seq;
    uint32_t timestamp;
    uint8_t pt, rtx_pt;
    uint8_t mid_id, twcc_id, level_id; /* header extensions, 0: none */
    char mid[17];
    MnbSrtpStream srtp, rtx_srtp;
    uint8_t header[64]; /* template */
    int header_bytes;
    int twcc_at, level_at; /* offsets in the header, 0: none */
    uint32_t number;
    uint32_t number_then, number_end; /* at the start and end of the window */
    uint64_t sent, bytes;
    LoadKept *kept; /* LOAD_KEPT of them; video only */
} LoadTrack;

typedef struct {
    LoadTrack audio, video;
    int64_t next_audio_us, next_frame_us, next_report_us, key_us;
    bool wants_key;
    unsigned frames;
    unsigned parts, part, frame_bytes; /* of the frame being sent */
    bool is_key;
    int64_t part_us, part_gap_us;
    uint16_t picture_id, twcc_seq;
    unsigned key_frames, plis, nacks, repairs;
    unsigned plis_then; /* at the start of the window */
} LoadPublisher;

struct LoadClient {
    Load *load;
    unsigned index;
    bool is_publisher;
    bool is_late; /* joins in the window */
    unsigned room;
    LoadState state;
    LoadSocket *socket;
    struct in_addr address; /* ours */
    struct sockaddr_in server;
    char ufrag[20], pwd[40];
    char server_ufrag[260], server_pwd[260];
    uint8_t server_fingerprint[32];
    bool is_offered; /* the server made the offer */
    uint8_t transaction[12];
    int64_t check_us; /* when the next binding request is due */
    unsigned checks;
    SSL *ssl;
    const uint8_t *dtls_in;
    size_t dtls_in_len;
    MnbSrtp *sends, *receives;
    uint32_t ssrc;      /* of our RTCP */
    uint8_t kinds[128]; /* LoadKind of a payload type */
    uint8_t twcc_id;
    MnbTwcc *twcc;
    unsigned n_streams;
    LoadStream streams[LOAD_STREAMS_MAX];
    int64_t report_us, twcc_us, pli_us;
    LoadPublisher *publisher;
    int64_t asked_us, answered_us, checked_us, shaken_us, media_us,
        key_us;            /* monotonic, 0: not yet */
    char *location;        /* WHIP, WHEP: the resource */
    uint64_t handle, feed; /* Janus */
    const char *failure;   /* NULL: none */
};

typedef struct {
    uint64_t received, received_bytes, authenticated;
    uint64_t bad_tag, bad_mark, unknown;
    uint64_t in_window; /* authenticated packets that arrived in the window */
    uint64_t marked;    /* of those that were published in the window */
    uint64_t nacked, recovered, plis, feedbacks, reports, checks;
} LoadCounters;

#define LOAD_BUCKETS 2048
typedef struct {
    uint64_t n, max_us;
    uint32_t buckets[LOAD_BUCKETS]; /* 32 for each power of two */
} LoadHistogram;

typedef struct {
    int64_t at_us;
    double cpu_s, own_cpu_s;
    double cpu_each_s[LOAD_PIDS_MAX];
    double waited_s, own_waited_s; /* ready to run, and another had the processor */
    uint64_t rss_kib, drops;
} LoadSample;

struct Load {
    LoadOptions options;
    SSL_CTX *tls;
    BIO_METHOD *bio;
    char fingerprint[96]; /* of our certificate, as SDP writes it */
    uint8_t certificate_hash[32];
    LoadSocket *sockets[LOAD_SOCKETS_MAX];
    LoadClient *clients; /* publishers first */
    unsigned n_clients;
    const LoadSignalling *signalling;
    LoadHttp *http;
    void *door; /* of the signalling */
    LoadCounters counters;
    LoadHistogram latency;
    bool is_in_window;
    LoadSample idle, published, begin, end;
    int64_t round_us;   /* start of the last round */
    int64_t longest_us; /* from one round to the next, in the window */
    bool has_stats;     /* --worker: what it told last before the window, and last of all */
    MnbWorkerStats stats_then, stats;
};

/* main.c */
/* Whether a subscriber is to receive a publisher. */
bool load_hears(const LoadClient *client, unsigned publisher);

/* clock */
int64_t load_now_us(void); /* monotonic */
uint64_t load_wall_ns(void);
uint64_t load_wall_ntp(void);
void load_random(void *out, size_t len);
void load_random_text(char *out, size_t chars); /* of ICE's alphabet, terminated */

/* net.c */
int load_net_open(Load *load); /* 0, or -errno after it said what is wrong */
void load_net_assign(LoadClient *client);
uint16_t load_net_port(const LoadClient *client);
uint8_t *load_net_buffer(LoadClient *client); /* LOAD_PACKET_MAX bytes to fill, then send */
void load_net_send(LoadClient *client, size_t len);
void load_net_flush(Load *load);
void load_net_receive(Load *load);
uint64_t load_net_drops(const Load *load);
void load_net_close(Load *load);

/* client.c */
int load_client_init_tls(Load *load);
void load_client_check(LoadClient *client); /* the server's description is known: begin ICE */
void load_client_datagram(LoadClient *client, uint8_t *data, size_t len,
                          const struct sockaddr_in *from, uint64_t arrival_ns);
void load_client_tick(LoadClient *client, int64_t now_us);
void load_client_fail(LoadClient *client, const char *why); /* @why: static */
void load_client_close(LoadClient *client);

/* publish.c */
void load_publish_init(LoadClient *client);
void load_publish_start(LoadClient *client, int64_t now_us);
void load_publish_run(LoadClient *client, int64_t now_us);
void load_publish_rtcp(LoadClient *client, const MnbRtcpPacket *packet);
void load_publish_free(LoadClient *client);
/* Reads a mark. False when it is none. */
bool load_mark_read(const uint8_t *payload, size_t len, unsigned *publisher_out, LoadKind *kind_out,
                    uint32_t *number_out, uint64_t *sent_ns_out);

/* receive.c */
void load_receive_rtp(LoadClient *client, uint8_t *data, size_t len, uint64_t arrival_ns);
void load_receive_rtcp(LoadClient *client, const MnbRtcpPacket *packet, int64_t now_us);
void load_receive_tick(LoadClient *client, int64_t now_us);
void load_rtcp_send(LoadClient *client, uint8_t *packet, size_t len);

/* sdp.c */
char *load_sdp_offer(LoadClient *client); /* owned, free() */
char *load_sdp_answer(LoadClient *client, const char *offer);
int load_sdp_apply(LoadClient *client, const char *sdp); /* 0 or -EBADMSG */

/* http.c */
typedef void (*LoadHttpDone)(Load *load, void *data, long status, const char *body,
                             const char *location);
int load_http_open(Load *load);
/* @body, @token, @type may be NULL. @done is called once, with status 0 when nothing came. */
void load_http_send(Load *load, const char *method, const char *url, const char *token,
                    const char *type, const char *body, LoadHttpDone done, void *data);
void load_http_poll(Load *load);
bool load_http_is_idle(const Load *load);
void load_http_close(Load *load);

struct LoadSignalling {
    int (*open)(Load *load);
    int (*is_ready)(Load *load); /* 1, 0, -1 failed */
    void (*join)(LoadClient *client);
    void (*leave)(LoadClient *client);
    void (*poll)(Load *load); /* NULL: nothing to do */
    void (*close)(Load *load);
};
extern const LoadSignalling load_janus, load_whip, load_worker;

/* report.c */
void load_histogram_add(LoadHistogram *histogram, uint64_t us);
uint64_t load_histogram_at(const LoadHistogram *histogram, double quantile);
void load_sample(const Load *load, LoadSample *out);
/* Prints the line. Returns whether enough was delivered and nothing was broken. */
bool load_report(const Load *load);
