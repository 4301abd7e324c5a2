/* srtp-ipsec-mb.c - AES-GCM of SRTP by Intel's libipsec-mb, a quarter of EVP's time for a packet of
 * 1200 bytes with VAES, half of it with AVX2. AES-CM, key derivation and whatever GCM case is rare
 * go to the EVP backend; both give the same bytes (tests/unit/media/test-srtp-backends.c).
 *
 * The library's manager is a table of functions for this CPU; it holds no key. It is made by the
 * first call, and the media worker makes that call before it gives up what it does not need. */
#include "server/media/srtp-backend.h"
#include <errno.h>
#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define GCM_TAG_BYTES 16
#define AAD_MAX       2048 /* header and tail of a packet that has both */

typedef struct {
    struct gcm_key_data expanded; /* must be aligned to 64 */
    void *evp;                    /* AES-CM: the key of the EVP backend; else NULL */
    bool is_256;
} Key;

static IMB_MGR *manager;

static void mb_key_free(void *data)
{
    Key *key = data;
    if (key == NULL)
        return;
    mnb_srtp_backend_evp.key_free(key->evp);
    OPENSSL_cleanse(key, sizeof *key);
    free(key);
}

static void *mb_key_new(MnbSrtpProfile profile, const uint8_t *key_bytes, const uint8_t *auth_key)
{
    Key *key = aligned_alloc(64, (sizeof *key + 63) & ~(size_t)63);
    if (key == NULL)
        return NULL;
    memset(key, 0, sizeof *key);
    if (profile == MNB_SRTP_AES128_CM_SHA1_80) {
        key->evp = mnb_srtp_backend_evp.key_new(profile, key_bytes, auth_key);
        if (key->evp == NULL) {
            free(key);
            return NULL;
        }
        return key;
    }
    key->is_256 = profile == MNB_SRTP_AEAD_AES_256_GCM;
    if (key->is_256)
        IMB_AES256_GCM_PRE(manager, key_bytes, &key->expanded);
    else
        IMB_AES128_GCM_PRE(manager, key_bytes, &key->expanded);
    return key;
}

/* The authenticated bytes in one piece: what is before the body, or that and the tail. NULL: too
 * long. */
static const uint8_t *gather_aad(const MnbSrtpJob *job, size_t len, uint8_t *buffer)
{
    if (job->tail_len == 0)
        return job->data;
    if (len + job->tail_len > AAD_MAX)
        return NULL;
    memcpy(buffer, job->data, len);
    memcpy(buffer + len, job->tail, job->tail_len);
    return buffer;
}

static int mb_seal(void *data, const MnbSrtpJob *job)
{
    Key *key = data;
    struct gcm_context_data context;
    uint8_t buffer[AAD_MAX];
    if (key->evp != NULL)
        return mnb_srtp_backend_evp.seal(key->evp, job);
    uint8_t *body = job->data + job->aad_len;
    const uint8_t *source = body;
    if (job->payload_len > 0 && (job->prefix_len > 0 || job->padding_len > 0))
        memcpy(body + job->prefix_len, job->payload, job->payload_len);
    else if (job->payload_len > 0)
        source = job->payload;
    uint64_t len = (uint64_t)job->prefix_len + job->payload_len + job->padding_len;
    const uint8_t *aad = gather_aad(job, job->aad_len, buffer);
    if (aad == NULL)
        return -EIO;
    uint64_t aad_len = (uint64_t)job->aad_len + job->tail_len;
    if (key->is_256)
        IMB_AES256_GCM_ENC(manager, &key->expanded, &context, body, source, len, job->iv, aad,
                           aad_len, job->tag, GCM_TAG_BYTES);
    else
        IMB_AES128_GCM_ENC(manager, &key->expanded, &context, body, source, len, job->iv, aad,
                           aad_len, job->tag, GCM_TAG_BYTES);
    return 0;
}

static int mb_open(void *data, const MnbSrtpJob *job, bool is_encrypted)
{
    Key *key = data;
    struct gcm_context_data context;
    uint8_t buffer[AAD_MAX];
    uint8_t tag[GCM_TAG_BYTES];
    if (key->evp != NULL)
        return mnb_srtp_backend_evp.open(key->evp, job, is_encrypted);
    uint8_t *body = job->data + job->aad_len;
    size_t aad_len = job->aad_len;
    uint64_t len = job->prefix_len;
    if (!is_encrypted) { /* everything is only authenticated */
        aad_len += job->prefix_len;
        len = 0;
    }
    const uint8_t *aad = gather_aad(job, aad_len, buffer);
    if (aad == NULL)
        return -EACCES;
    aad_len += job->tail_len;
    if (key->is_256)
        IMB_AES256_GCM_DEC(manager, &key->expanded, &context, body, body, len, job->iv, aad,
                           aad_len, tag, GCM_TAG_BYTES);
    else
        IMB_AES128_GCM_DEC(manager, &key->expanded, &context, body, body, len, job->iv, aad,
                           aad_len, tag, GCM_TAG_BYTES);
    return CRYPTO_memcmp(tag, job->tag, GCM_TAG_BYTES) == 0 ? 0 : -EACCES;
}

static int mb_key_stream(const uint8_t *key, size_t key_len, const uint8_t iv[16], uint8_t *out,
                         size_t len)
{
    return mnb_srtp_backend_evp.key_stream(key, key_len, iv, out, len);
}

static const MnbSrtpBackend backend_ipsec_mb = {
    .name = "ipsec-mb",
    .key_new = mb_key_new,
    .key_free = mb_key_free,
    .seal = mb_seal,
    .open = mb_open,
    .key_stream = mb_key_stream,
};

const MnbSrtpBackend *mnb_srtp_backend_ipsec_mb(void)
{
    if (manager == NULL) {
        manager = alloc_mb_mgr(0);
        if (manager == NULL)
            return NULL;
        IMB_ARCH arch = IMB_ARCH_NONE;
        init_mb_mgr_auto(manager, &arch);
        if (arch == IMB_ARCH_NONE || arch == IMB_ARCH_NOAESNI || imb_get_errno(manager) != 0) {
            free_mb_mgr(manager);
            manager = NULL;
        }
    }
    return manager == NULL ? NULL : &backend_ipsec_mb;
}
