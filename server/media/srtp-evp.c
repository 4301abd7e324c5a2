/* srtp-evp.c - ciphers of SRTP by OpenSSL's EVP: one context per key, made once; a packet sets the
 * IV only. Libraries that fetch the algorithm or expand the key per packet cost twice as much. */
#include "server/media/srtp-backend.h"
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

#define AUTH_KEY_BYTES 20
#define SHA1_BYTES     20
#define CM_TAG_BYTES   10
#define GCM_TAG_BYTES  16

typedef struct {
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac; /* NULL: AES-GCM */
} Key;

static void evp_key_free(void *data)
{
    Key *key = data;
    if (key == NULL)
        return;
    EVP_CIPHER_CTX_free(key->cipher);
    EVP_MAC_CTX_free(key->mac);
    free(key);
}

static EVP_MAC_CTX *hmac_new(const uint8_t *auth_key)
{
    static char digest[] = "SHA1";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    if (mac != NULL && EVP_MAC_init(mac, auth_key, AUTH_KEY_BYTES, params) != 1) {
        EVP_MAC_CTX_free(mac);
        return NULL;
    }
    return mac;
}

static void *evp_key_new(MnbSrtpProfile profile, const uint8_t *key_bytes, const uint8_t *auth_key)
{
    const EVP_CIPHER *type = EVP_aes_128_ctr();
    if (profile == MNB_SRTP_AEAD_AES_128_GCM)
        type = EVP_aes_128_gcm();
    else if (profile == MNB_SRTP_AEAD_AES_256_GCM)
        type = EVP_aes_256_gcm();
    Key *key = calloc(1, sizeof *key);
    if (key == NULL)
        return NULL;
    key->cipher = EVP_CIPHER_CTX_new();
    if (key->cipher == NULL || EVP_EncryptInit_ex(key->cipher, type, NULL, key_bytes, NULL) != 1)
        goto fail;
    if (auth_key != NULL) {
        key->mac = hmac_new(auth_key);
        if (key->mac == NULL)
            goto fail;
    }
    return key;

fail:
    evp_key_free(key);
    return NULL;
}

/* Runs the body through the cipher: prefix in place, payload from its source, padding in place. */
static bool update_body(EVP_CIPHER_CTX *cipher, const MnbSrtpJob *job)
{
    uint8_t *at = job->data + job->aad_len;
    int n;
    if (job->prefix_len > 0 && EVP_CipherUpdate(cipher, at, &n, at, (int)job->prefix_len) != 1)
        return false;
    at += job->prefix_len;
    if (job->payload_len > 0 &&
        EVP_CipherUpdate(cipher, at, &n, job->payload, (int)job->payload_len) != 1)
        return false;
    at += job->payload_len;
    return job->padding_len == 0 ||
           EVP_CipherUpdate(cipher, at, &n, at, (int)job->padding_len) == 1;
}

static bool gcm_begin(EVP_CIPHER_CTX *cipher, const MnbSrtpJob *job, int is_encrypting)
{
    int n;
    return EVP_CipherInit_ex(cipher, NULL, NULL, NULL, job->iv, is_encrypting) == 1 &&
           EVP_CipherUpdate(cipher, NULL, &n, job->data, (int)job->aad_len) == 1;
}

static bool gcm_add_tail(EVP_CIPHER_CTX *cipher, const MnbSrtpJob *job)
{
    int n;
    return job->tail_len == 0 ||
           EVP_CipherUpdate(cipher, NULL, &n, job->tail, (int)job->tail_len) == 1;
}

static int gcm_seal(Key *key, const MnbSrtpJob *job)
{
    int n;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, job->tag, GCM_TAG_BYTES),
        OSSL_PARAM_construct_end(),
    };
    if (!gcm_begin(key->cipher, job, 1) || !gcm_add_tail(key->cipher, job) ||
        !update_body(key->cipher, job) ||
        EVP_EncryptFinal_ex(key->cipher, job->data + job->aad_len, &n) != 1 ||
        EVP_CIPHER_CTX_get_params(key->cipher, params) != 1)
        return -EIO;
    return 0;
}

static int gcm_open(Key *key, const MnbSrtpJob *job, bool is_encrypted)
{
    int n;
    uint8_t *body = job->data + job->aad_len;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, job->tag, GCM_TAG_BYTES),
        OSSL_PARAM_construct_end(),
    };
    if (!gcm_begin(key->cipher, job, 0))
        return -EACCES;
    if (!is_encrypted && job->prefix_len > 0 &&
        EVP_CipherUpdate(key->cipher, NULL, &n, body, (int)job->prefix_len) != 1)
        return -EACCES;
    if (!gcm_add_tail(key->cipher, job) || (is_encrypted && !update_body(key->cipher, job)) ||
        EVP_CIPHER_CTX_set_params(key->cipher, params) != 1 ||
        EVP_DecryptFinal_ex(key->cipher, body, &n) != 1)
        return -EACCES;
    return 0;
}

static bool cm_crypt(Key *key, const MnbSrtpJob *job)
{
    return EVP_EncryptInit_ex(key->cipher, NULL, NULL, NULL, job->iv) == 1 &&
           update_body(key->cipher, job);
}

static bool cm_authenticate(Key *key, const MnbSrtpJob *job, uint8_t digest[SHA1_BYTES])
{
    size_t len = (size_t)job->aad_len + job->prefix_len + job->payload_len + job->padding_len;
    size_t n;
    return EVP_MAC_init(key->mac, NULL, 0, NULL) == 1 &&
           EVP_MAC_update(key->mac, job->data, len) == 1 &&
           EVP_MAC_update(key->mac, job->tail, job->tail_len) == 1 &&
           EVP_MAC_final(key->mac, digest, &n, SHA1_BYTES) == 1;
}

static int evp_seal(void *data, const MnbSrtpJob *job)
{
    Key *key = data;
    if (key->mac == NULL)
        return gcm_seal(key, job);
    uint8_t digest[SHA1_BYTES];
    if (!cm_crypt(key, job) || !cm_authenticate(key, job, digest))
        return -EIO;
    for (size_t i = 0; i < CM_TAG_BYTES; i++)
        job->tag[i] = digest[i];
    return 0;
}

static int evp_open(void *data, const MnbSrtpJob *job, bool is_encrypted)
{
    Key *key = data;
    if (key->mac == NULL)
        return gcm_open(key, job, is_encrypted);
    uint8_t digest[SHA1_BYTES];
    if (!cm_authenticate(key, job, digest) || CRYPTO_memcmp(digest, job->tag, CM_TAG_BYTES) != 0)
        return -EACCES;
    return !is_encrypted || cm_crypt(key, job) ? 0 : -EIO;
}

static int evp_key_stream(const uint8_t *key, size_t key_len, const uint8_t iv[16], uint8_t *out,
                          size_t len)
{
    int n;
    int result = -EIO;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    for (size_t i = 0; i < len; i++)
        out[i] = 0;
    if (cipher != NULL &&
        EVP_EncryptInit_ex(cipher, key_len == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), NULL, key,
                           iv) == 1 &&
        EVP_EncryptUpdate(cipher, out, &n, out, (int)len) == 1)
        result = 0;
    EVP_CIPHER_CTX_free(cipher);
    return result;
}

const MnbSrtpBackend mnb_srtp_backend_evp = {
    .name = "openssl",
    .key_new = evp_key_new,
    .key_free = evp_key_free,
    .seal = evp_seal,
    .open = evp_open,
    .key_stream = evp_key_stream,
};
