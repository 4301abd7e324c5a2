#include "tests/support/media-peer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STEPS_MAX 200

/* ---- rig ---- */

static int64_t rig_clock(void *owner)
{
    return ((Rig *)owner)->now_us;
}

static int bind_udp(struct sockaddr_in *address_out)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof any;
    if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any) < 0 ||
        getsockname(fd, (struct sockaddr *)&any, &size) < 0)
        abort();
    *address_out = any;
    return fd;
}

/* Bound to no address, as manabi does it. */
static int bind_udp6(struct sockaddr_in6 *address_out)
{
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    socklen_t size = sizeof any;
    if (fd >= 0 && (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0 ||
                    bind(fd, (struct sockaddr *)&any, sizeof any) < 0 ||
                    getsockname(fd, (struct sockaddr *)&any, &size) < 0)) {
        close(fd);
        fd = -1;
    }
    any.sin6_addr = in6addr_loopback;
    *address_out = any;
    return fd;
}

static int listen_tcp(struct sockaddr_in *address_out)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof any;
    if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any) < 0 || listen(fd, 256) < 0 ||
        getsockname(fd, (struct sockaddr *)&any, &size) < 0)
        abort();
    *address_out = any;
    return fd;
}

Rig *rig_new_outside(void)
{
    Rig *rig = calloc(1, sizeof *rig);
    int pair[2];
    if (rig == NULL ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        abort();
    rig->control_fd = pair[0];
    rig->worker_control_fd = pair[1];
    rig->udp_fd = bind_udp(&rig->address);
    rig->tcp_fd = listen_tcp(&rig->tcp_address);
    rig->udp6_fd = bind_udp6(&rig->address6);
    rig->now_us = 1000000000;
    return rig;
}

Rig *rig_new(void)
{
    Rig *rig = rig_new_outside();
    MnbWorkerConfig config = {.control_fd = rig->worker_control_fd,
                              .udp_fds = {rig->udp_fd, rig->udp6_fd},
                              .n_udp_fds = rig->udp6_fd >= 0 ? 2 : 1,
                              .tcp_fds = {rig->tcp_fd},
                              .n_tcp_fds = 1,
                              .now_us = rig_clock,
                              .now_owner = rig};
    int error = 0;
    rig->worker = mnb_worker_new(&config, &error);
    if (rig->worker == NULL)
        abort();
    rig_step(rig);
    return rig;
}

void rig_free(Rig *rig)
{
    mnb_worker_free(rig->worker);
    if (rig->control_fd >= 0)
        close(rig->control_fd);
    close(rig->worker_control_fd);
    close(rig->udp_fd);
    close(rig->tcp_fd);
    if (rig->udp6_fd >= 0)
        close(rig->udp6_fd);
    free(rig);
}

static void read_events(Rig *rig)
{
    MnbControlMessage message;
    while (mnb_control_receive(rig->control_fd, &message) > 0) {
        if (message.type == MNB_MEDIA_READY)
            memcpy(&rig->ready, mnb_control_body(&message), sizeof rig->ready);
        if (rig->n_events == RIG_EVENTS_MAX)
            rig->n_events = 0;
        RigEvent *event = &rig->events[rig->n_events++];
        event->type = message.type;
        memcpy(event->body, mnb_control_body(&message), mnb_control_body_size(message.type));
    }
}

void rig_step(Rig *rig)
{
    /* Loopback is synchronous: two rounds see all that was sent before. */
    for (unsigned i = 0; rig->worker != NULL && i < 2 && !rig->has_ended; i++) {
        rig->end = mnb_worker_step(rig->worker, 0);
        rig->has_ended = rig->end <= 0;
    }
    if (rig->control_fd >= 0)
        read_events(rig);
}

void rig_advance(Rig *rig, int64_t us)
{
    while (us > 0 && !rig->has_ended) {
        int64_t step = us < 5000 ? us : 5000;
        rig->now_us += step;
        us -= step;
        rig_step(rig);
    }
}

void rig_command(Rig *rig, MnbMediaType type, const void *body)
{
    if (mnb_control_send(rig->control_fd, type, body, NULL, 0) < 0)
        abort();
    rig_step(rig);
}

unsigned rig_count(const Rig *rig, MnbMediaType type)
{
    unsigned n = 0;
    for (unsigned i = 0; i < rig->n_events; i++)
        n += rig->events[i].type == type;
    return n;
}

const void *rig_last(const Rig *rig, MnbMediaType type)
{
    for (unsigned i = rig->n_events; i-- > 0;)
        if (rig->events[i].type == type)
            return rig->events[i].body;
    return NULL;
}

unsigned rig_state(const Rig *rig, uint32_t transport, unsigned *reason_out)
{
    for (unsigned i = rig->n_events; i-- > 0;) {
        const MnbTransportState *state = (const void *)rig->events[i].body;
        if (rig->events[i].type != MNB_MEDIA_TRANSPORT_STATE || state->transport != transport)
            continue;
        if (reason_out != NULL)
            *reason_out = state->reason;
        return state->state;
    }
    return 0;
}

void rig_forget_events(Rig *rig)
{
    rig->n_events = 0;
}

/* ---- peer ---- */

static EVP_PKEY *peer_key;
static X509 *peer_cert;
static uint8_t peer_fingerprint[MNB_FINGERPRINT_BYTES];

static int on_verify(int is_ok, X509_STORE_CTX *store)
{
    (void)is_ok;
    (void)store;
    return 1;
}

/* One certificate for all peers of a process. */
static void make_certificate(void)
{
    if (peer_cert != NULL)
        return;
    unsigned int size = sizeof peer_fingerprint;
    peer_key = EVP_EC_gen("P-256");
    peer_cert = X509_new();
    X509_set_version(peer_cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(peer_cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(peer_cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(peer_cert), 3600);
    X509_set_pubkey(peer_cert, peer_key);
    X509_sign(peer_cert, peer_key, EVP_sha256());
    X509_digest(peer_cert, EVP_sha256(), peer_fingerprint, &size);
}

static SSL_CTX *make_context(void)
{
    static SSL_CTX *shared;
    make_certificate();
    if (shared == NULL) {
        shared = SSL_CTX_new(DTLS_client_method());
        SSL_CTX_set_min_proto_version(shared, DTLS1_2_VERSION);
        SSL_CTX_use_certificate(shared, peer_cert);
        SSL_CTX_use_PrivateKey(shared, peer_key);
        SSL_CTX_set_verify(shared, SSL_VERIFY_PEER, on_verify);
        SSL_CTX_set_tlsext_use_srtp(shared, "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM");
        SSL_CTX_set_options(shared, SSL_OP_NO_QUERY_MTU);
    }
    SSL_CTX_up_ref(shared);
    return shared;
}

static unsigned int repeat_soon(SSL *ssl, unsigned int last_us)
{
    (void)ssl;
    return last_us == 0 ? 20000 : last_us * 2;
}

static void make_ssl(Peer *peer)
{
    peer->ssl = SSL_new(peer->ctx);
    peer->in = BIO_new(BIO_s_mem());
    peer->out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(peer->in, -1);
    BIO_set_mem_eof_return(peer->out, -1);
    SSL_set_bio(peer->ssl, peer->in, peer->out);
    SSL_set_connect_state(peer->ssl);
    SSL_set_mtu(peer->ssl, 1200);
    DTLS_set_timer_cb(peer->ssl, repeat_soon);
}

Peer *peer_new(Rig *rig, uint32_t transport, uint32_t room, MnbDirection direction, bool is_mute)
{
    Peer *peer = calloc(1, sizeof *peer);
    struct sockaddr_in ignored;
    if (peer == NULL)
        abort();
    peer->rig = rig;
    peer->address = rig->address;
    peer->fd = bind_udp(&ignored);
    peer->transport = transport;
    peer->packets = calloc(PEER_PACKETS_MAX, sizeof *peer->packets);
    peer->reports = calloc(PEER_PACKETS_MAX, sizeof *peer->reports);
    peer->ctx = make_context();
    memcpy(peer->fingerprint, peer_fingerprint, sizeof peer->fingerprint);
    make_ssl(peer);
    MnbTransportOpen open = {.transport = transport, .room = room, .direction = (uint8_t)direction};
    uint8_t random[8];
    RAND_bytes(random, sizeof random);
    for (unsigned i = 0; i < 16; i++)
        peer->ufrag[i] = (char)('a' + (random[i % 8] >> (i / 8 * 4) & 15));
    memcpy(peer->pwd, "pwd-of-thirty-two-characters----", 32);
    memcpy(open.ufrag, peer->ufrag, sizeof open.ufrag);
    memcpy(open.pwd, peer->pwd, sizeof open.pwd);
    rig_command(rig, MNB_MEDIA_TRANSPORT_OPEN, &open);
    if (!is_mute)
        peer_tell_remote(peer);
    return peer;
}

void peer_tell_remote(Peer *peer)
{
    MnbTransportRemote remote = {.transport = peer->transport, .ufrag = "them"};
    memcpy(remote.fingerprint, peer->fingerprint, sizeof remote.fingerprint);
    rig_command(peer->rig, MNB_MEDIA_TRANSPORT_REMOTE, &remote);
}

void peer_free(Peer *peer)
{
    if (peer == NULL)
        return;
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->ctx);
    mnb_srtp_free(peer->send_key);
    mnb_srtp_free(peer->receive_key);
    close(peer->fd);
    free(peer->packets);
    free(peer->reports);
    free(peer);
}

int peer_move(Peer *peer)
{
    struct sockaddr_in ignored;
    int old = peer->fd;
    peer->fd = bind_udp(&ignored);
    return old;
}

int peer_use_tcp(Peer *peer)
{
    int old = peer->fd;
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (peer->fd < 0 || connect(peer->fd, (struct sockaddr *)&peer->rig->tcp_address,
                                sizeof peer->rig->tcp_address) < 0)
        abort();
    fcntl(peer->fd, F_SETFL, O_NONBLOCK);
    peer->is_tcp = true;
    peer->has_ended = false;
    peer->stream_len = 0;
    return old;
}

int peer_use_v6(Peer *peer)
{
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || peer->rig->udp6_fd < 0 ||
        connect(fd, (struct sockaddr *)&peer->rig->address6, sizeof peer->rig->address6) < 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    int old = peer->fd;
    peer->fd = fd;
    peer->is_v6 = true;
    return old;
}

static bool is_lost(Peer *peer)
{
    peer->loss_seed = peer->loss_seed * 1664525 + 1013904223;
    return (peer->loss_seed >> 8) % 100 < peer->loss_percent;
}

static void send_frame(Peer *peer, const void *data, size_t size)
{
    uint8_t frame[2100] = {(uint8_t)(size >> 8), (uint8_t)size};
    assert(size <= sizeof frame - 2);
    memcpy(frame + 2, data, size);
    /* what does not fit is lost: the worker is told to read first */
    if (send(peer->fd, frame, size + 2, MSG_NOSIGNAL) != (ssize_t)size + 2)
        peer->has_ended = true;
}

void peer_send_raw(Peer *peer, const void *data, size_t size)
{
    if (is_lost(peer))
        return;
    if (peer->is_v6) {
        if (send(peer->fd, data, size, 0) < 0)
            abort();
        return;
    }
    if (peer->is_tcp) {
        send_frame(peer, data, size);
        return;
    }
    if (sendto(peer->fd, data, size, 0, (struct sockaddr *)&peer->address, sizeof peer->address) <
        0)
        abort();
}

void peer_check_as(Peer *peer, const char *ufrag, const char *pwd, bool use_candidate)
{
    char username[80];
    uint8_t out[256];
    snprintf(username, sizeof username, "%s:them", ufrag);
    MnbStunRequest request = {.username = username,
                              .priority = 1000,
                              .role = MNB_ICE_CONTROLLING,
                              .tie_breaker = 7,
                              .use_candidate = use_candidate};
    RAND_bytes(request.transaction_id, sizeof request.transaction_id);
    int len = mnb_stun_write_request(out, sizeof out, &request, pwd, strlen(pwd));
    assert(len > 0);
    peer_send_raw(peer, out, (size_t)len);
    rig_step(peer->rig);
}

void peer_check(Peer *peer, bool use_candidate)
{
    peer_check_as(peer, peer->ufrag, peer->pwd, use_candidate);
}

/* ---- DTLS ---- */

static void take_keys(Peer *peer)
{
    const SRTP_PROTECTION_PROFILE *chosen = SSL_get_selected_srtp_profile(peer->ssl);
    uint8_t material[MNB_SRTP_EXPORT_MAX];
    int error;
    if (chosen == NULL)
        return;
    MnbSrtpProfile profile = (MnbSrtpProfile)chosen->id;
    size_t len = mnb_srtp_export_bytes(profile);
    SSL_export_keying_material(peer->ssl, material, len, MNB_SRTP_DTLS_LABEL,
                               strlen(MNB_SRTP_DTLS_LABEL), NULL, 0, 0);
    peer->send_key = mnb_srtp_new_from_export(NULL, profile, material, len, true, &error);
    peer->receive_key = mnb_srtp_new_from_export(NULL, profile, material, len, false, &error);
    peer->is_up = true;
}

static void send_dtls(Peer *peer)
{
    char *bytes;
    long total = BIO_get_mem_data(peer->out, &bytes);
    long at = 0;
    while (total - at >= 13) {
        size_t record = 13 + (size_t)((uint8_t)bytes[at + 11] << 8 | (uint8_t)bytes[at + 12]);
        peer_send_raw(peer, bytes + at, record);
        at += (long)record;
    }
    (void)BIO_reset(peer->out);
}

void peer_advance_dtls(Peer *peer)
{
    uint8_t ignored[2048];
    ERR_clear_error();
    if (!peer->is_up && SSL_do_handshake(peer->ssl) == 1)
        take_keys(peer);
    int got = SSL_read(peer->ssl, ignored, sizeof ignored);
    if (got <= 0 && SSL_get_error(peer->ssl, got) == SSL_ERROR_ZERO_RETURN)
        peer->has_closed = true;
    send_dtls(peer);
}

void peer_repeat_dtls(Peer *peer)
{
    ERR_clear_error();
    DTLSv1_handle_timeout(peer->ssl);
    send_dtls(peer);
}

void peer_offer_profiles(Peer *peer, const char *profiles, bool has_certificate)
{
    SSL_CTX *ctx = SSL_CTX_new(DTLS_client_method());
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
    SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU);
    if (has_certificate) {
        SSL_CTX_use_certificate(ctx, peer_cert);
        SSL_CTX_use_PrivateKey(ctx, peer_key);
    }
    if (profiles != NULL)
        SSL_CTX_set_tlsext_use_srtp(ctx, profiles);
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->ctx);
    peer->ctx = ctx;
    make_ssl(peer);
}

void peer_close_dtls(Peer *peer)
{
    SSL_shutdown(peer->ssl);
    send_dtls(peer);
    rig_step(peer->rig);
}

bool peer_connect(Peer *peer)
{
    peer_check(peer, true);
    for (unsigned i = 0; i < STEPS_MAX && !peer->is_up; i++) {
        peer_advance_dtls(peer);
        rig_step(peer->rig);
        peer_poll(peer);
    }
    rig_step(peer->rig);
    peer_poll(peer);
    return peer->is_up;
}

/* ---- media ---- */

static MnbSrtpStream *stream_of(Peer *peer, uint32_t ssrc, bool is_send)
{
    unsigned *n = is_send ? &peer->n_sends : &peer->n_receives;
    for (unsigned i = 0; i < *n; i++) {
        if (is_send && peer->sends[i].ssrc == ssrc)
            return &peer->sends[i].stream;
        if (!is_send && peer->receives[i].ssrc == ssrc)
            return &peer->receives[i].stream;
    }
    if (*n == PEER_SSRCS_MAX)
        abort();
    unsigned i = (*n)++;
    if (is_send) {
        peer->sends[i].ssrc = ssrc;
        return &peer->sends[i].stream;
    }
    peer->receives[i].ssrc = ssrc;
    return &peer->receives[i].stream;
}

static void keep(PeerPacket *list, unsigned *n, const uint8_t *data, size_t size)
{
    if (*n == PEER_PACKETS_MAX)
        *n = 0;
    PeerPacket *packet = &list[(*n)++];
    memcpy(packet->data, data, size);
    packet->size = size;
}

static void on_media(Peer *peer, uint8_t *data, size_t size, bool is_rtcp)
{
    MnbRtp rtp;
    int len;
    if (peer->receive_key == NULL)
        return;
    if (is_rtcp) {
        len = mnb_srtp_unprotect_rtcp(peer->receive_key, data, size);
        if (len < 0)
            peer->bad_packets++;
        else
            keep(peer->reports, &peer->n_reports, data, (size_t)len);
        return;
    }
    if (mnb_rtp_parse_header(&rtp, data, size) < 0) {
        peer->bad_packets++;
        return;
    }
    len = mnb_srtp_unprotect(peer->receive_key, stream_of(peer, rtp.ssrc, false), data, size,
                             rtp.header_bytes);
    if (len < 0 || mnb_rtp_parse(&rtp, data, (size_t)len) < 0) {
        peer->bad_packets++;
        return;
    }
    keep(peer->packets, &peer->n_packets, data, (size_t)len);
    peer->packets[peer->n_packets - 1].rtp = rtp;
}

void peer_open(Peer *peer, uint8_t *data, size_t size)
{
    MnbStun stun;
    peer->datagrams++;
    switch (mnb_datagram_kind(data, size)) {
    case MNB_DATAGRAM_STUN:
        if (mnb_stun_parse(&stun, data, size) == 0) {
            peer->stun_answers++;
            peer->stun_error = stun.error_code;
            if (stun.has_mapped)
                peer->stun_mapped_family = stun.mapped.ss_family;
            if (stun.has_mapped)
                peer->stun_mapped_port = ntohs(((struct sockaddr_in *)&stun.mapped)->sin_port);
        }
        break;
    case MNB_DATAGRAM_DTLS:
        BIO_write(peer->in, data, (int)size);
        peer_advance_dtls(peer);
        break;
    case MNB_DATAGRAM_RTP:
    case MNB_DATAGRAM_RTCP:
        on_media(peer, data, size, mnb_datagram_kind(data, size) == MNB_DATAGRAM_RTCP);
        break;
    default:
        peer->bad_packets++;
    }
}

static void poll_stream(Peer *peer)
{
    /* Unlike a datagram on loopback, it may still be under way. */
    struct pollfd wait = {.fd = peer->fd, .events = POLLIN};
    poll(&wait, 1, 1);
    for (;;) {
        ssize_t got = recv(peer->fd, peer->stream + peer->stream_len,
                           sizeof peer->stream - peer->stream_len, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            peer->has_ended = true;
        if (got <= 0)
            return;
        peer->stream_len += (size_t)got;
        size_t at = 0;
        while (peer->stream_len - at >= 2) {
            size_t size = (size_t)peer->stream[at] << 8 | peer->stream[at + 1];
            if (peer->stream_len - at - 2 < size)
                break;
            peer_open(peer, peer->stream + at + 2, size);
            at += 2 + size;
        }
        peer->stream_len -= at;
        memmove(peer->stream, peer->stream + at, peer->stream_len);
    }
}

void peer_poll(Peer *peer)
{
    uint8_t data[2048];
    ssize_t got;
    if (peer->is_tcp) {
        poll_stream(peer);
        return;
    }
    while ((got = recv(peer->fd, data, sizeof data, 0)) > 0)
        if (!is_lost(peer))
            peer_open(peer, data, (size_t)got);
}

void peer_forget(Peer *peer)
{
    peer->n_packets = 0;
    peer->n_reports = 0;
    peer->datagrams = 0;
}

size_t peer_seal(Peer *peer, const PeerRtp *rtp, uint8_t *out)
{
    MnbRtpBuilder builder;
    mnb_rtp_build(&builder, out, 200, rtp->pt, rtp->ssrc);
    uint8_t twcc[2] = {(uint8_t)(rtp->twcc >> 8), (uint8_t)rtp->twcc};
    if (rtp->mid_id != 0)
        mnb_rtp_build_extension(&builder, rtp->mid_id, rtp->mid, strlen(rtp->mid));
    if (rtp->rid_id != 0)
        mnb_rtp_build_extension(&builder, rtp->rid_id, rtp->rid, strlen(rtp->rid));
    if (rtp->level_id != 0)
        mnb_rtp_build_extension(&builder, rtp->level_id, &rtp->level, 1);
    if (rtp->twcc_id != 0)
        mnb_rtp_build_extension(&builder, rtp->twcc_id, twcc, 2);
    int header = mnb_rtp_build_end(&builder);
    assert(header > 0);
    mnb_rtp_set_pt(out, rtp->pt, rtp->marker);
    mnb_rtp_set_seq(out, rtp->seq);
    mnb_rtp_set_timestamp(out, rtp->timestamp);
    mnb_rtp_set_padding(out, rtp->padding > 0);
    static const uint8_t nothing[1];
    MnbSrtpPacket packet = {
        .header_len = (uint16_t)header,
        .payload_len = (uint16_t)rtp->payload_size,
        .padding_len = rtp->padding,
        .payload = rtp->payload == NULL ? nothing : rtp->payload,
    };
    int len =
        mnb_srtp_protect(peer->send_key, stream_of(peer, rtp->ssrc, true), out, 1700, &packet);
    assert(len > 0);
    return (size_t)len;
}

void peer_send(Peer *peer, const PeerRtp *rtp)
{
    uint8_t out[1700];
    peer_send_raw(peer, out, peer_seal(peer, rtp, out));
}

void peer_send_rtcp(Peer *peer, MnbRtcpWriter *writer)
{
    int len = mnb_srtp_protect_rtcp(peer->send_key, writer->data, writer->len,
                                    writer->len + MNB_SRTCP_ADDED_MAX);
    assert(len > 0);
    peer_send_raw(peer, writer->data, (size_t)len);
    rig_step(peer->rig);
}

size_t peer_vp8(uint8_t *out, size_t size, bool is_start, bool is_key, uint16_t picture,
                uint8_t tl0, uint8_t fill)
{
    memset(out, fill, size);
    out[0] = (uint8_t)(0x80 | (is_start ? 0x10 : 0));
    out[1] = 0xe0; /* picture id, TL0, TID */
    out[2] = (uint8_t)(0x80 | picture >> 8);
    out[3] = (uint8_t)picture;
    out[4] = tl0;
    out[5] = 0;
    if (is_start) {
        out[6] = (uint8_t)(0x10 | (is_key ? 0 : 1));
        if (is_key) {
            static const uint8_t start[] = {0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01};
            memcpy(out + 9, start, sizeof start);
        }
    }
    return size;
}

unsigned peer_count(const Peer *peer, uint32_t ssrc)
{
    unsigned n = 0;
    for (unsigned i = 0; i < peer->n_packets; i++)
        n += peer->packets[i].rtp.ssrc == ssrc;
    return n;
}

const PeerPacket *peer_packet(const Peer *peer, uint32_t ssrc, unsigned index)
{
    for (unsigned i = 0; i < peer->n_packets; i++)
        if (peer->packets[i].rtp.ssrc == ssrc && index-- == 0)
            return &peer->packets[i];
    return NULL;
}
