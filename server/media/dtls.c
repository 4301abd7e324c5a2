#include "server/media/dtls.h"

#include "server/media/bytes.h"
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define CERTIFICATE_SECONDS (365 * 24 * 3600) /* longer than a worker runs */
#define RECORD_HEAD_BYTES   13                /* DTLS 1.2: type, version, epoch, sequence, length */
#define FIRST_TIMEOUT_US    100000
#define TIMEOUT_MAX_US      3000000

struct MnbDtlsContext {
    SSL_CTX *ctx;
    uint8_t fingerprint[MNB_FINGERPRINT_BYTES];
};

struct MnbDtls {
    SSL *ssl;
    BIO *in;  /* owned by ssl */
    BIO *out; /* owned by ssl */
    MnbDtlsSend send;
    void *owner;
    bool is_finished;
};

/* Any certificate will do here: what counts is its fingerprint, and the SDP tells that. */
static int on_verify(int is_ok, X509_STORE_CTX *store)
{
    (void)is_ok;
    (void)store;
    return 1;
}

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    uint8_t serial[8];
    if (cert == NULL || RAND_bytes(serial, sizeof serial) != 1)
        goto fail;
    serial[0] &= 0x7f;
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    bool has_serial =
        number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    X509_NAME *name = X509_get_subject_name(cert);
    if (!has_serial || X509_set_version(cert, 2) != 1 ||
        X509_gmtime_adj(X509_getm_notBefore(cert), -24 * 3600) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(cert), CERTIFICATE_SECONDS) == NULL ||
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"manabi", -1,
                                   -1, 0) != 1 ||
        X509_set_issuer_name(cert, name) != 1 || X509_set_pubkey(cert, key) != 1 ||
        X509_sign(cert, key, EVP_sha256()) == 0)
        goto fail;
    return cert;
fail:
    X509_free(cert);
    return NULL;
}

static bool set_up(SSL_CTX *ctx, EVP_PKEY *key, X509 *cert)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(ctx, 1); /* a record may not be read in two halves of a datagram */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_verify);
    /* X25519 alone would break ECDSA P-256: the group list also limits the certificate. */
    return SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-"
                                        "SHA384:ECDHE-ECDSA-CHACHA20-POLY1305") == 1 &&
           SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1 &&
           SSL_CTX_set_tlsext_use_srtp(ctx, MNB_SRTP_DTLS_PROFILES) == 0 &&
           SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
}

MnbDtlsContext *mnb_dtls_context_new(void)
{
    MnbDtlsContext *context = calloc(1, sizeof *context);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key == NULL ? NULL : make_certificate(key);
    unsigned int size = sizeof context->fingerprint;
    if (context == NULL || cert == NULL)
        goto fail;
    context->ctx = SSL_CTX_new(DTLS_server_method());
    if (context->ctx == NULL || !set_up(context->ctx, key, cert) ||
        X509_digest(cert, EVP_sha256(), context->fingerprint, &size) != 1)
        goto fail;
    X509_free(cert);
    EVP_PKEY_free(key);
    return context;
fail:
    X509_free(cert);
    EVP_PKEY_free(key);
    mnb_dtls_context_free(context);
    ERR_clear_error();
    return NULL;
}

void mnb_dtls_context_free(MnbDtlsContext *context)
{
    if (context == NULL)
        return;
    SSL_CTX_free(context->ctx);
    free(context);
}

const uint8_t *mnb_dtls_context_fingerprint(const MnbDtlsContext *context)
{
    return context->fingerprint;
}

/* Browsers repeat after 50 ms; 1 s, OpenSSL's first time-out, would double the time of a join on a
 * lossy line. */
static unsigned int next_timeout_us(SSL *ssl, unsigned int last_us)
{
    (void)ssl;
    if (last_us == 0)
        return FIRST_TIMEOUT_US;
    return last_us * 2 > TIMEOUT_MAX_US ? TIMEOUT_MAX_US : last_us * 2;
}

MnbDtls *mnb_dtls_new(MnbDtlsContext *context, MnbDtlsSend send, void *owner)
{
    MnbDtls *dtls = calloc(1, sizeof *dtls);
    if (dtls == NULL)
        return NULL;
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    dtls->ssl = SSL_new(context->ctx);
    if (in == NULL || out == NULL || dtls->ssl == NULL) {
        BIO_free(in);
        BIO_free(out);
        SSL_free(dtls->ssl);
        free(dtls);
        return NULL;
    }
    BIO_set_mem_eof_return(in, -1);
    BIO_set_mem_eof_return(out, -1);
    SSL_set_bio(dtls->ssl, in, out);
    SSL_set_accept_state(dtls->ssl);
    SSL_set_mtu(dtls->ssl, MNB_DTLS_MTU);
    DTLS_set_timer_cb(dtls->ssl, next_timeout_us);
    dtls->in = in;
    dtls->out = out;
    dtls->send = send;
    dtls->owner = owner;
    return dtls;
}

void mnb_dtls_free(MnbDtls *dtls)
{
    if (dtls == NULL)
        return;
    SSL_free(dtls->ssl);
    free(dtls);
}

/* OpenSSL writes the records of a flight one behind the other. They are sent as many to a datagram
 * as fit, and never cut. */
static void send_output(MnbDtls *dtls)
{
    char *bytes;
    long total = BIO_get_mem_data(dtls->out, &bytes);
    const uint8_t *start = (const uint8_t *)bytes;
    size_t left = total > 0 ? (size_t)total : 0;
    size_t size = 0;
    while (left - size >= RECORD_HEAD_BYTES) {
        size_t record = RECORD_HEAD_BYTES + (size_t)mnb_get_u16(start + size + 11);
        if (record > left - size)
            break;
        if (size > 0 && size + record > MNB_DTLS_MTU) {
            dtls->send(dtls->owner, start, size);
            start += size;
            left -= size;
            size = 0;
        }
        size += record;
    }
    if (size > 0)
        dtls->send(dtls->owner, start, size);
    (void)BIO_reset(dtls->out);
}

/* Drives the state machine as far as the input allows. Application data is not expected (no data
 * channels) and is read only to find alerts. */
static MnbDtlsResult advance(MnbDtls *dtls)
{
    bool was_finished = dtls->is_finished;
    MnbDtlsResult result = MNB_DTLS_WAITING;
    ERR_clear_error();
    if (!dtls->is_finished) {
        int done = SSL_do_handshake(dtls->ssl);
        if (done == 1) {
            dtls->is_finished = true;
        } else {
            int error = SSL_get_error(dtls->ssl, done);
            /* An alert before the end is not authentic: the handshake failed, no more. */
            if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
                result = MNB_DTLS_FAILED;
        }
    }
    if (dtls->is_finished) {
        uint8_t ignored[2048];
        int got;
        while ((got = SSL_read(dtls->ssl, ignored, sizeof ignored)) > 0)
            ;
        int error = SSL_get_error(dtls->ssl, got);
        if (error == SSL_ERROR_ZERO_RETURN || error == SSL_ERROR_SSL)
            result = MNB_DTLS_CLOSED;
    }
    send_output(dtls);
    ERR_clear_error();
    if (result == MNB_DTLS_WAITING && dtls->is_finished && !was_finished)
        return MNB_DTLS_FINISHED;
    return result;
}

MnbDtlsResult mnb_dtls_receive(MnbDtls *dtls, const uint8_t *data, size_t size)
{
    if (size == 0 || size > 65535)
        return MNB_DTLS_WAITING;
    (void)BIO_reset(dtls->in); /* one datagram at a time: no rest of an old one may lead it */
    if (BIO_write(dtls->in, data, (int)size) != (int)size)
        return MNB_DTLS_WAITING;
    return advance(dtls);
}

int64_t mnb_dtls_wait_us(MnbDtls *dtls)
{
    struct timeval left;
    if (DTLSv1_get_timeout(dtls->ssl, &left) != 1)
        return -1;
    return (int64_t)left.tv_sec * 1000000 + left.tv_usec;
}

MnbDtlsResult mnb_dtls_on_wait_over(MnbDtls *dtls)
{
    ERR_clear_error();
    long handled = DTLSv1_handle_timeout(dtls->ssl);
    send_output(dtls);
    ERR_clear_error();
    return handled < 0 ? MNB_DTLS_FAILED : MNB_DTLS_WAITING;
}

void mnb_dtls_close(MnbDtls *dtls)
{
    ERR_clear_error();
    if (dtls->is_finished)
        SSL_shutdown(dtls->ssl);
    send_output(dtls);
    ERR_clear_error();
}

int mnb_dtls_take_keys(MnbDtls *dtls, MnbSrtp **receive_out, MnbSrtp **send_out,
                       uint8_t fingerprint_out[MNB_FINGERPRINT_BYTES])
{
    const SRTP_PROTECTION_PROFILE *chosen = SSL_get_selected_srtp_profile(dtls->ssl);
    X509 *cert = SSL_get0_peer_certificate(dtls->ssl);
    unsigned int size = MNB_FINGERPRINT_BYTES;
    if (chosen == NULL || cert == NULL ||
        X509_digest(cert, EVP_sha256(), fingerprint_out, &size) != 1)
        return -EPROTO;
    MnbSrtpProfile profile = (MnbSrtpProfile)chosen->id;
    size_t len = mnb_srtp_export_bytes(profile);
    uint8_t material[MNB_SRTP_EXPORT_MAX];
    if (len == 0 || SSL_export_keying_material(dtls->ssl, material, len, MNB_SRTP_DTLS_LABEL,
                                               strlen(MNB_SRTP_DTLS_LABEL), NULL, 0, 0) != 1)
        return -EPROTO;
    int error = 0;
    *receive_out = mnb_srtp_new_from_export(NULL, profile, material, len, true, &error);
    *send_out = *receive_out == NULL
                    ? NULL
                    : mnb_srtp_new_from_export(NULL, profile, material, len, false, &error);
    OPENSSL_cleanse(material, sizeof material);
    if (*send_out != NULL)
        return 0;
    mnb_srtp_free(*receive_out);
    *receive_out = NULL;
    return error < 0 ? error : -ENOMEM;
}
