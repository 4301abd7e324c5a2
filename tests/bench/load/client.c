/* client.c - one client's way up: ICE as the controlling side against a lite server, DTLS as
 * client, SRTP keys. Then what a datagram is goes to publish.c or receive.c. */
#include "server/media/stun.h"
#include "tests/bench/load/load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHECK_US     50000 /* between binding requests until one is answered */
#define CHECKS_MAX   60
#define CONSENT_US   4000000 /* RFC 7675 */
#define HANDSHAKE_US 50000   /* first DTLS retransmission, as in libwebrtc */
#define LINK_MTU     1228
#define HOST_PRIORITY                                                                              \
    0x7effffffu /* RFC 8445 5.1.2.1: host, local preference 65535, component 1                     \
                 */

int64_t load_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

uint64_t load_wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t load_wall_ntp(void)
{
    uint64_t ns = load_wall_ns();
    uint64_t seconds = ns / 1000000000u + 2208988800u; /* from 1900 to 1970 */
    return seconds << 32 | (ns % 1000000000u << 32) / 1000000000u;
}

void load_random(void *out, size_t len)
{
    if (RAND_bytes(out, (int)len) != 1)
        abort();
}

void load_random_text(char *out, size_t chars)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    load_random(out, chars);
    for (size_t i = 0; i < chars; i++)
        out[i] = alphabet[(uint8_t)out[i] & 63];
    out[chars] = '\0';
}

void load_client_fail(LoadClient *client, const char *why)
{
    if (client->state == LOAD_FAILED || client->state == LOAD_LEFT)
        return;
    fprintf(stderr, "manabi-load: %s %u: %s\n", client->is_publisher ? "publisher" : "subscriber",
            client->index, why);
    client->state = LOAD_FAILED;
    client->failure = why;
}

/* ---- DTLS ---- */

static int on_bio_write(BIO *bio, const char *data, int len)
{
    LoadClient *client = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (len > 0 && len <= LOAD_PACKET_MAX) {
        memcpy(load_net_buffer(client), data, (size_t)len);
        load_net_send(client, (size_t)len);
    }
    return len;
}

static int on_bio_read(BIO *bio, char *out, int cap)
{
    LoadClient *client = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (client->dtls_in == NULL) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t len = client->dtls_in_len < (size_t)cap ? client->dtls_in_len : (size_t)cap;
    memcpy(out, client->dtls_in, len);
    client->dtls_in = NULL;
    return (int)len;
}

static long on_bio_control(BIO *bio, int command, long value, void *data)
{
    (void)bio, (void)value, (void)data;
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
        return 28;
    default:
        return 0;
    }
}

static unsigned on_handshake_timer(SSL *ssl, unsigned before_us)
{
    (void)ssl;
    return before_us == 0 ? HANDSHAKE_US : before_us > 1500000 ? 3000000 : before_us * 2;
}

/* Certificates are self-signed; the fingerprint is compared after the handshake. */
static int on_verify(int is_ok, X509_STORE_CTX *store)
{
    (void)is_ok, (void)store;
    return 1;
}

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)LOAD_CNAME, -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    return certificate;
}

int load_client_init_tls(Load *load)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key);
    uint8_t *digest = load->certificate_hash;
    unsigned len = 0;
    X509_digest(certificate, EVP_sha256(), digest, &len);
    for (unsigned i = 0; i < len; i++)
        snprintf(load->fingerprint + i * 3, 4, i + 1 < len ? "%02X:" : "%02X", digest[i]);
    load->tls = SSL_CTX_new(DTLS_client_method());
    load->bio = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "load");
    BIO_meth_set_write(load->bio, on_bio_write);
    BIO_meth_set_read(load->bio, on_bio_read);
    BIO_meth_set_ctrl(load->bio, on_bio_control);
    SSL_CTX_set_verify(load->tls, SSL_VERIFY_PEER, on_verify);
    SSL_CTX_set_options(load->tls, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(load->tls, SSL_SESS_CACHE_OFF);
    const char *profile = strcmp(load->options.profile, "cm") == 0
                              ? "SRTP_AES128_CM_SHA1_80"
                              : "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";
    bool is_ready = SSL_CTX_use_certificate(load->tls, certificate) == 1 &&
                    SSL_CTX_use_PrivateKey(load->tls, key) == 1 &&
                    SSL_CTX_set_tlsext_use_srtp(load->tls, profile) == 0;
    X509_free(certificate);
    EVP_PKEY_free(key);
    return is_ready ? 0 : -EIO;
}

static bool is_fingerprint_right(LoadClient *client)
{
    uint8_t digest[32];
    unsigned len = 0;
    X509 *certificate = SSL_get1_peer_certificate(client->ssl);
    bool is_right = certificate != NULL &&
                    X509_digest(certificate, EVP_sha256(), digest, &len) == 1 &&
                    memcmp(digest, client->server_fingerprint, sizeof digest) == 0;
    X509_free(certificate);
    return is_right;
}

static int take_keys(LoadClient *client)
{
    uint8_t material[MNB_SRTP_EXPORT_MAX];
    int error = 0;
    SRTP_PROTECTION_PROFILE *chosen = SSL_get_selected_srtp_profile(client->ssl);
    if (chosen == NULL)
        return -EPROTO;
    MnbSrtpProfile profile = (MnbSrtpProfile)chosen->id;
    size_t len = mnb_srtp_export_bytes(profile);
    if (len == 0 || SSL_export_keying_material(client->ssl, material, len, MNB_SRTP_DTLS_LABEL,
                                               strlen(MNB_SRTP_DTLS_LABEL), NULL, 0, 0) != 1)
        return -EPROTO;
    client->sends = mnb_srtp_new_from_export(NULL, profile, material, len, true, &error);
    client->receives = mnb_srtp_new_from_export(NULL, profile, material, len, false, &error);
    return client->sends != NULL && client->receives != NULL ? 0 : -ENOMEM;
}

static void go_up(LoadClient *client)
{
    if (!is_fingerprint_right(client)) {
        load_client_fail(client, "the server's certificate is not the one in its SDP");
        return;
    }
    if (take_keys(client) < 0) {
        load_client_fail(client, "no SRTP keys");
        return;
    }
    int64_t now_us = load_now_us();
    client->state = LOAD_UP;
    client->shaken_us = now_us;
    client->report_us = now_us + 300000 + client->index % 100 * 10000;
    client->twcc_us = now_us + client->index % 100 * 1000;
    client->pli_us = now_us + 500000;
    if (client->is_publisher)
        load_publish_start(client, now_us);
}

static void shake_hands(LoadClient *client)
{
    ERR_clear_error();
    int result = SSL_do_handshake(client->ssl);
    if (result == 1) {
        go_up(client);
    } else {
        int error = SSL_get_error(client->ssl, result);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
            load_client_fail(client, "DTLS handshake failed");
    }
}

static void start_handshake(LoadClient *client)
{
    BIO *bio = BIO_new(client->load->bio);
    client->state = LOAD_SHAKING;
    client->checked_us = load_now_us();
    client->ssl = SSL_new(client->load->tls);
    BIO_set_data(bio, client);
    BIO_set_init(bio, 1);
    SSL_set_bio(client->ssl, bio, bio);
    DTLS_set_timer_cb(client->ssl, on_handshake_timer);
    DTLS_set_link_mtu(client->ssl, LINK_MTU);
    SSL_set_connect_state(client->ssl);
    shake_hands(client);
}

static void take_dtls(LoadClient *client, const uint8_t *data, size_t len)
{
    uint8_t ignored[LOAD_PACKET_MAX];
    if (client->ssl == NULL)
        return;
    client->dtls_in = data;
    client->dtls_in_len = len;
    if (client->state == LOAD_SHAKING) {
        shake_hands(client);
    } else if (SSL_read(client->ssl, ignored, sizeof ignored) <= 0 &&
               (SSL_get_shutdown(client->ssl) & SSL_RECEIVED_SHUTDOWN) != 0) {
        load_client_fail(client, "the server closed the connection");
    }
    client->dtls_in = NULL;
}

/* ---- ICE ---- */

static void send_check(LoadClient *client, int64_t now_us)
{
    char username[600];
    snprintf(username, sizeof username, "%s:%s", client->server_ufrag, client->ufrag);
    MnbStunRequest request = {
        .username = username,
        .priority = HOST_PRIORITY,
        .role = MNB_ICE_CONTROLLING,
        .tie_breaker = client->index + 1,
        .use_candidate = true,
    };
    if (client->state != LOAD_CHECKING || client->checks == 0)
        load_random(client->transaction, sizeof client->transaction);
    memcpy(request.transaction_id, client->transaction, sizeof request.transaction_id);
    int len = mnb_stun_write_request(load_net_buffer(client), LOAD_PACKET_MAX, &request,
                                     client->server_pwd, strlen(client->server_pwd));
    if (len > 0)
        load_net_send(client, (size_t)len);
    client->load->counters.checks++;
    client->checks++;
    client->check_us = now_us + (client->state == LOAD_CHECKING ? CHECK_US : CONSENT_US);
}

void load_client_check(LoadClient *client)
{
    client->state = LOAD_CHECKING;
    client->answered_us = load_now_us();
    client->checks = 0;
    send_check(client, client->answered_us);
}

static void take_stun(LoadClient *client, const uint8_t *data, size_t len,
                      const struct sockaddr_in *from)
{
    MnbStun stun;
    if (mnb_stun_parse(&stun, data, len) < 0)
        return;
    if (stun.type == MNB_STUN_REQUEST) { /* a server that is not lite checks us too */
        if (mnb_stun_check_integrity(&stun, data, client->pwd, strlen(client->pwd)) < 0)
            return;
        int reply_len =
            mnb_stun_write_success(load_net_buffer(client), LOAD_PACKET_MAX, &stun,
                                   (const struct sockaddr *)from, client->pwd, strlen(client->pwd));
        if (reply_len > 0)
            load_net_send(client, (size_t)reply_len);
    } else if (stun.type == MNB_STUN_SUCCESS && client->state == LOAD_CHECKING &&
               memcmp(stun.transaction_id, client->transaction, 12) == 0 &&
               mnb_stun_check_integrity(&stun, data, client->server_pwd,
                                        strlen(client->server_pwd)) == 0) {
        client->check_us = load_now_us() + CONSENT_US;
        start_handshake(client);
    } else if (stun.type == MNB_STUN_ERROR && client->state == LOAD_CHECKING) {
        fprintf(stderr, "manabi-load: STUN error %u\n", stun.error_code);
    }
}

/* ---- all kinds ---- */

static void take_rtcp(LoadClient *client, uint8_t *data, size_t len)
{
    MnbRtcpReader reader;
    MnbRtcpPacket packet;
    int plain = mnb_srtp_unprotect_rtcp(client->receives, data, len);
    if (plain < 0) {
        if (plain == -EACCES)
            client->load->counters.bad_tag++;
        return;
    }
    int64_t now_us = load_now_us();
    mnb_rtcp_start(&reader, data, (size_t)plain);
    while (mnb_rtcp_next(&reader, &packet) > 0) {
        if (client->is_publisher)
            load_publish_rtcp(client, &packet);
        else
            load_receive_rtcp(client, &packet, now_us);
    }
}

void load_client_datagram(LoadClient *client, uint8_t *data, size_t len,
                          const struct sockaddr_in *from, uint64_t arrival_ns)
{
    if (client->state == LOAD_FAILED || client->state == LOAD_LEFT)
        return;
    switch (mnb_datagram_kind(data, len)) {
    case MNB_DATAGRAM_RTP:
        if (client->state == LOAD_UP && !client->is_publisher)
            load_receive_rtp(client, data, len, arrival_ns);
        break;
    case MNB_DATAGRAM_RTCP:
        if (client->state == LOAD_UP)
            take_rtcp(client, data, len);
        break;
    case MNB_DATAGRAM_STUN:
        take_stun(client, data, len, from);
        break;
    case MNB_DATAGRAM_DTLS:
        take_dtls(client, data, len);
        break;
    case MNB_DATAGRAM_UNKNOWN:
        client->load->counters.unknown++;
        break;
    }
}

void load_client_tick(LoadClient *client, int64_t now_us)
{
    struct timeval left;
    if (client->state < LOAD_CHECKING || client->state > LOAD_UP)
        return;
    if (client->state == LOAD_CHECKING && client->checks >= CHECKS_MAX) {
        load_client_fail(client, "no answer to STUN");
        return;
    }
    if (now_us >= client->check_us)
        send_check(client, now_us);
    if (client->state == LOAD_SHAKING && DTLSv1_get_timeout(client->ssl, &left) == 1 &&
        left.tv_sec == 0 && left.tv_usec == 0)
        DTLSv1_handle_timeout(client->ssl);
    if (client->state == LOAD_UP && !client->is_publisher)
        load_receive_tick(client, now_us);
}

void load_client_close(LoadClient *client)
{
    if (client->ssl != NULL) {
        if (client->state == LOAD_UP)
            SSL_shutdown(client->ssl);
        SSL_free(client->ssl);
        client->ssl = NULL;
    }
    if (client->state != LOAD_FAILED)
        client->state = LOAD_LEFT;
    mnb_srtp_free(client->sends);
    mnb_srtp_free(client->receives);
    client->sends = client->receives = NULL;
}
