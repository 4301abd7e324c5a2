/* srtp.c - see srtp.h. */
#include "server/media/srtp.h"
#include "server/media/bytes.h"
#include "server/media/srtp-backend.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define PREFETCH_BYTES      1024 /* of a key: round keys and the powers of the hash key */
#define AUTH_KEY_BYTES      20
#define RTP_HEADER_BYTES    12
#define RTCP_HEADER_BYTES   8
#define RTCP_SENDERS        16
#define RTCP_WINDOW_BITS    128
#define RTCP_ENCRYPTED      0x80000000u
#define RTCP_INDEX_MAX      0x7fffffffu
#define INDEX_MAX           ((1ULL << 48) - 1)
#define WINDOW_WORD(index)  (((index) / 64) % (MNB_SRTP_WINDOW_BITS / 64))
#define WINDOW_MASK(number) (1ULL << ((number) % 64))

/* Replay window of one SSRC that sends us RTCP. Bit n of seen: index highest - n. */
typedef struct {
    uint64_t used_at; /* 0: free */
    uint64_t seen[2];
    uint32_t ssrc;
    uint32_t highest;
} RtcpSender;

struct MnbSrtp {
    const MnbSrtpBackend *backend;
    void *rtp_key;
    void *rtcp_key;
    MnbSrtpProfile profile;
    uint32_t tag_bytes;
    uint32_t rtcp_index; /* of the next packet we protect */
    uint8_t rtp_salt[MNB_SRTP_SALT_MAX];
    uint8_t rtcp_salt[MNB_SRTP_SALT_MAX];
    uint64_t rtcp_clock;
    RtcpSender rtcp_senders[RTCP_SENDERS];
};

size_t mnb_srtp_key_bytes(MnbSrtpProfile profile)
{
    switch (profile) {
    case MNB_SRTP_AES128_CM_SHA1_80:
    case MNB_SRTP_AEAD_AES_128_GCM:
        return 16;
    case MNB_SRTP_AEAD_AES_256_GCM:
        return 32;
    }
    return 0;
}

size_t mnb_srtp_salt_bytes(MnbSrtpProfile profile)
{
    if (mnb_srtp_key_bytes(profile) == 0)
        return 0;
    return profile == MNB_SRTP_AES128_CM_SHA1_80 ? 14 : 12;
}

size_t mnb_srtp_tag_bytes(MnbSrtpProfile profile)
{
    if (mnb_srtp_key_bytes(profile) == 0)
        return 0;
    return profile == MNB_SRTP_AES128_CM_SHA1_80 ? 10 : 16;
}

size_t mnb_srtp_export_bytes(MnbSrtpProfile profile)
{
    return 2 * (mnb_srtp_key_bytes(profile) + mnb_srtp_salt_bytes(profile));
}

int mnb_srtp_derive(const MnbSrtpBackend *backend, MnbSrtpProfile profile, const uint8_t *key,
                    const uint8_t *salt, MnbSrtpLabel label, uint8_t *out, size_t len)
{
    /* RFC 3711 4.3.1 with a key derivation rate of 0. The 96-bit salt of AES-GCM is filled up with
     * zeros on the right (RFC 7714 11). The last two bytes are the block counter. */
    uint8_t iv[16] = {0};
    memcpy(iv, salt, mnb_srtp_salt_bytes(profile));
    iv[7] ^= (uint8_t)label;
    return backend->key_stream(key, mnb_srtp_key_bytes(profile), iv, out, len);
}

#ifndef HAVE_IPSEC_MB
const MnbSrtpBackend *mnb_srtp_backend_ipsec_mb(void)
{
    return NULL;
}
#endif

const MnbSrtpBackend *mnb_srtp_backend_best(void)
{
    const MnbSrtpBackend *fast = mnb_srtp_backend_ipsec_mb();
    return fast != NULL ? fast : &mnb_srtp_backend_evp;
}

static MnbSrtp *allocate(const MnbSrtpBackend *backend, MnbSrtpProfile profile, int *error_out)
{
    if (mnb_srtp_key_bytes(profile) == 0) {
        *error_out = -EINVAL;
        return NULL;
    }
    MnbSrtp *srtp = calloc(1, sizeof *srtp);
    if (srtp == NULL) {
        *error_out = -ENOMEM;
        return NULL;
    }
    srtp->backend = backend != NULL ? backend : mnb_srtp_backend_best();
    srtp->profile = profile;
    srtp->tag_bytes = (uint32_t)mnb_srtp_tag_bytes(profile);
    return srtp;
}

/* Derives the three session keys whose labels begin at @first, and makes the cipher state. */
static void *derive_key(MnbSrtp *srtp, const uint8_t *key, const uint8_t *salt, MnbSrtpLabel first,
                        uint8_t *salt_out)
{
    uint8_t session_key[MNB_SRTP_KEY_MAX];
    uint8_t auth_key[AUTH_KEY_BYTES];
    bool has_auth = srtp->profile == MNB_SRTP_AES128_CM_SHA1_80;
    void *state = NULL;
    if (mnb_srtp_derive(srtp->backend, srtp->profile, key, salt, first, session_key,
                        mnb_srtp_key_bytes(srtp->profile)) == 0 &&
        mnb_srtp_derive(srtp->backend, srtp->profile, key, salt, first + 1, auth_key,
                        sizeof auth_key) == 0 &&
        mnb_srtp_derive(srtp->backend, srtp->profile, key, salt, first + 2, salt_out,
                        mnb_srtp_salt_bytes(srtp->profile)) == 0)
        state = srtp->backend->key_new(srtp->profile, session_key, has_auth ? auth_key : NULL);
    OPENSSL_cleanse(session_key, sizeof session_key);
    OPENSSL_cleanse(auth_key, sizeof auth_key);
    return state;
}

MnbSrtp *mnb_srtp_new(const MnbSrtpBackend *backend, MnbSrtpProfile profile, const uint8_t *key,
                      const uint8_t *salt, int *error_out)
{
    MnbSrtp *srtp = allocate(backend, profile, error_out);
    if (srtp == NULL)
        return NULL;
    srtp->rtp_key = derive_key(srtp, key, salt, MNB_SRTP_LABEL_RTP_KEY, srtp->rtp_salt);
    srtp->rtcp_key = derive_key(srtp, key, salt, MNB_SRTP_LABEL_RTCP_KEY, srtp->rtcp_salt);
    if (srtp->rtp_key == NULL || srtp->rtcp_key == NULL) {
        mnb_srtp_free(srtp);
        *error_out = -ENOMEM;
        return NULL;
    }
    return srtp;
}

MnbSrtp *mnb_srtp_new_from_session(const MnbSrtpBackend *backend, MnbSrtpProfile profile,
                                   const uint8_t *key, const uint8_t *salt, const uint8_t *auth_key,
                                   int *error_out)
{
    MnbSrtp *srtp = allocate(backend, profile, error_out);
    if (srtp == NULL)
        return NULL;
    memcpy(srtp->rtp_salt, salt, mnb_srtp_salt_bytes(profile));
    memcpy(srtp->rtcp_salt, salt, mnb_srtp_salt_bytes(profile));
    srtp->rtp_key = srtp->backend->key_new(profile, key, auth_key);
    srtp->rtcp_key = srtp->backend->key_new(profile, key, auth_key);
    if (srtp->rtp_key == NULL || srtp->rtcp_key == NULL) {
        mnb_srtp_free(srtp);
        *error_out = -ENOMEM;
        return NULL;
    }
    return srtp;
}

MnbSrtp *mnb_srtp_new_from_export(const MnbSrtpBackend *backend, MnbSrtpProfile profile,
                                  const uint8_t *material, size_t len, bool is_client_write,
                                  int *error_out)
{
    size_t key_bytes = mnb_srtp_key_bytes(profile);
    size_t salt_bytes = mnb_srtp_salt_bytes(profile);
    if (key_bytes == 0 || len < 2 * (key_bytes + salt_bytes)) {
        *error_out = -EINVAL;
        return NULL;
    }
    const uint8_t *key = material + (is_client_write ? 0 : key_bytes);
    const uint8_t *salt = material + 2 * key_bytes + (is_client_write ? 0 : salt_bytes);
    return mnb_srtp_new(backend, profile, key, salt, error_out);
}

void mnb_srtp_free(MnbSrtp *srtp)
{
    if (srtp == NULL)
        return;
    srtp->backend->key_free(srtp->rtp_key);
    srtp->backend->key_free(srtp->rtcp_key);
    OPENSSL_cleanse(srtp, sizeof *srtp);
    free(srtp);
}

MnbSrtpProfile mnb_srtp_profile(const MnbSrtp *srtp)
{
    return srtp->profile;
}

/* The 48-bit index that @seq most likely stands for (RFC 3711 3.3.1), checked against the window.
 */
static int find_index(const MnbSrtpStream *stream, uint16_t seq, uint64_t *index_out)
{
    if (!stream->is_started) {
        *index_out = seq;
        return 0;
    }
    int64_t index = (int64_t)stream->highest + (int16_t)(uint16_t)(seq - stream->highest);
    if (index < 0)
        return -ESTALE; /* from before the rollover counter began */
    if (index > (int64_t)INDEX_MAX)
        return -ESTALE; /* the keys are used up */
    *index_out = (uint64_t)index;
    if (*index_out > stream->highest)
        return 0;
    if (stream->highest - *index_out >= MNB_SRTP_WINDOW_BITS)
        return -ESTALE;
    return stream->window[WINDOW_WORD(*index_out)] & WINDOW_MASK(*index_out) ? -EALREADY : 0;
}

static void commit_index(MnbSrtpStream *stream, uint64_t index)
{
    if (!stream->is_started) {
        stream->is_started = true;
        stream->highest = index;
    } else if (index > stream->highest + MNB_SRTP_WINDOW_BITS) {
        memset(stream->window, 0, sizeof stream->window);
        stream->highest = index;
    } else {
        while (stream->highest < index) {
            stream->highest++;
            stream->window[WINDOW_WORD(stream->highest)] &= ~WINDOW_MASK(stream->highest);
        }
    }
    stream->window[WINDOW_WORD(index)] |= WINDOW_MASK(index);
}

static void set_rtp_iv(const MnbSrtp *srtp, MnbSrtpJob *job, const uint8_t *header, uint64_t index)
{
    if (srtp->profile == MNB_SRTP_AES128_CM_SHA1_80) {
        /* salt * 2^16 XOR ssrc * 2^64 XOR index * 2^16; the last two bytes count blocks */
        memcpy(job->iv, srtp->rtp_salt, 14);
        job->iv[14] = job->iv[15] = 0;
        for (size_t i = 0; i < 4; i++)
            job->iv[4 + i] ^= header[8 + i];
        for (size_t i = 0; i < 6; i++)
            job->iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));
        mnb_put_u32(job->tail, (uint32_t)(index >> 16));
        job->tail_len = 4;
    } else {
        /* 0 0 | ssrc | rollover counter | sequence number, XOR salt */
        memcpy(job->iv, srtp->rtp_salt, 12);
        for (size_t i = 0; i < 4; i++)
            job->iv[2 + i] ^= header[8 + i];
        for (size_t i = 0; i < 6; i++)
            job->iv[6 + i] ^= (uint8_t)(index >> (40 - 8 * i));
        job->tail_len = 0;
    }
}

void mnb_srtp_prefetch(const MnbSrtp *srtp)
{
    const char *key = srtp->rtp_key;
    for (size_t at = 0; at < PREFETCH_BYTES; at += 64)
        __builtin_prefetch(key + at);
}

/* Seals what lies in @out under @index. */
static int seal(MnbSrtp *srtp, uint8_t *out, size_t len, const MnbSrtpPacket *packet,
                uint64_t index)
{
    MnbSrtpJob job;
    job.data = out;
    job.payload = packet->payload;
    job.tag = out + len;
    job.aad_len = packet->header_len;
    job.prefix_len = packet->prefix_len;
    job.payload_len = packet->payload_len;
    job.padding_len = packet->padding_len;
    if (packet->padding_len > 0) {
        memset(out + len - packet->padding_len, 0, packet->padding_len);
        out[len - 1] = packet->padding_len;
    }
    set_rtp_iv(srtp, &job, out, index);
    int result = srtp->backend->seal(srtp->rtp_key, &job);
    return result < 0 ? result : (int)(len + srtp->tag_bytes);
}

/* Bytes of the plain packet, or why it cannot be protected. */
static int check_size(const MnbSrtp *srtp, const MnbSrtpPacket *packet, size_t cap)
{
    size_t len =
        (size_t)packet->header_len + packet->prefix_len + packet->payload_len + packet->padding_len;
    if (packet->header_len < RTP_HEADER_BYTES)
        return -EINVAL;
    return len + srtp->tag_bytes > cap ? -ENOSPC : (int)len;
}

int mnb_srtp_protect(MnbSrtp *srtp, MnbSrtpStream *stream, uint8_t *out, size_t cap,
                     const MnbSrtpPacket *packet)
{
    int len = check_size(srtp, packet, cap);
    if (len < 0)
        return len;
    uint64_t index;
    int result = find_index(stream, mnb_get_u16(out + 2), &index);
    if (result < 0)
        return result;
    /* Before sealing: whatever happens to this packet, its nonce counts as used. */
    commit_index(stream, index);
    return seal(srtp, out, (size_t)len, packet, index);
}

int mnb_srtp_protect_again(MnbSrtp *srtp, const MnbSrtpStream *stream, uint8_t *out, size_t cap,
                           const MnbSrtpPacket *packet, uint32_t end)
{
    int len = check_size(srtp, packet, cap);
    if (len < 0)
        return len;
    if (!stream->is_started)
        return -ENOENT;
    int64_t index = (int64_t)stream->highest +
                    (int16_t)(uint16_t)(mnb_get_u16(out + 2) - (uint16_t)stream->highest);
    if (index < 0 || (uint64_t)index > stream->highest ||
        stream->highest - (uint64_t)index >= MNB_SRTP_WINDOW_BITS ||
        (stream->window[WINDOW_WORD(index)] & WINDOW_MASK(index)) == 0)
        return -ENOENT;
    int sealed = seal(srtp, out, (size_t)len, packet, (uint64_t)index);
    if (sealed < 0 || mnb_srtp_end(out, sealed) != end) {
        OPENSSL_cleanse(out, (size_t)len + srtp->tag_bytes);
        return -EPERM;
    }
    return sealed;
}

int mnb_srtp_unprotect(MnbSrtp *srtp, MnbSrtpStream *stream, uint8_t *packet, size_t len,
                       size_t header_len)
{
    if (header_len < RTP_HEADER_BYTES || len < header_len + srtp->tag_bytes || len > UINT16_MAX)
        return -EBADMSG;
    uint64_t index;
    int result = find_index(stream, mnb_get_u16(packet + 2), &index);
    if (result < 0)
        return result;
    size_t plain_len = len - srtp->tag_bytes;
    MnbSrtpJob job;
    job.data = packet;
    job.payload = NULL;
    job.tag = packet + plain_len;
    job.aad_len = (uint32_t)header_len;
    job.prefix_len = (uint32_t)(plain_len - header_len);
    job.payload_len = 0;
    job.padding_len = 0;
    set_rtp_iv(srtp, &job, packet, index);
    result = srtp->backend->open(srtp->rtp_key, &job, true);
    if (result < 0)
        return result;
    commit_index(stream, index);
    return (int)plain_len;
}

static void set_rtcp_iv(const MnbSrtp *srtp, MnbSrtpJob *job, const uint8_t *packet, uint32_t word)
{
    uint8_t index[4];
    mnb_put_u32(index, word & RTCP_INDEX_MAX);
    mnb_put_u32(job->tail, word);
    job->tail_len = 4;
    if (srtp->profile == MNB_SRTP_AES128_CM_SHA1_80) {
        memcpy(job->iv, srtp->rtcp_salt, 14);
        job->iv[14] = job->iv[15] = 0;
        for (size_t i = 0; i < 4; i++) {
            job->iv[4 + i] ^= packet[4 + i];
            job->iv[10 + i] ^= index[i];
        }
    } else {
        memcpy(job->iv, srtp->rtcp_salt, 12);
        for (size_t i = 0; i < 4; i++) {
            job->iv[2 + i] ^= packet[4 + i];
            job->iv[8 + i] ^= index[i];
        }
    }
}

/* AES-CM: | packet | E, index | tag |      AES-GCM: | packet | tag | E, index | */
static void place_rtcp(const MnbSrtp *srtp, MnbSrtpJob *job, uint8_t *packet, size_t plain_len,
                       uint8_t **word_out)
{
    bool is_cm = srtp->profile == MNB_SRTP_AES128_CM_SHA1_80;
    job->data = packet;
    job->payload = NULL;
    job->tag = packet + plain_len + (is_cm ? 4 : 0);
    *word_out = packet + plain_len + (is_cm ? 0 : srtp->tag_bytes);
    job->aad_len = RTCP_HEADER_BYTES;
    job->prefix_len = (uint32_t)(plain_len - RTCP_HEADER_BYTES);
    job->payload_len = 0;
    job->padding_len = 0;
}

int mnb_srtp_protect_rtcp(MnbSrtp *srtp, uint8_t *packet, size_t len, size_t cap)
{
    if (len < RTCP_HEADER_BYTES || len > UINT16_MAX)
        return -EINVAL;
    if (len + srtp->tag_bytes + 4 > cap)
        return -ENOSPC;
    if (srtp->rtcp_index > RTCP_INDEX_MAX)
        return -EOVERFLOW;
    MnbSrtpJob job;
    uint8_t *word;
    place_rtcp(srtp, &job, packet, len, &word);
    set_rtcp_iv(srtp, &job, packet, RTCP_ENCRYPTED | srtp->rtcp_index++);
    int result = srtp->backend->seal(srtp->rtcp_key, &job);
    if (result < 0)
        return result;
    memcpy(word, job.tail, 4);
    return (int)(len + srtp->tag_bytes + 4);
}

static RtcpSender *find_sender(MnbSrtp *srtp, uint32_t ssrc)
{
    for (size_t i = 0; i < RTCP_SENDERS; i++)
        if (srtp->rtcp_senders[i].used_at != 0 && srtp->rtcp_senders[i].ssrc == ssrc)
            return &srtp->rtcp_senders[i];
    return NULL;
}

static int check_rtcp_replay(const RtcpSender *sender, uint32_t index)
{
    if (sender == NULL || index > sender->highest)
        return 0;
    uint32_t age = sender->highest - index;
    if (age >= RTCP_WINDOW_BITS)
        return -ESTALE;
    return sender->seen[age / 64] & WINDOW_MASK(age) ? -EALREADY : 0;
}

/* A peer that uses more than 16 SSRCs pushes the one out that was silent longest. */
static RtcpSender *add_sender(MnbSrtp *srtp, uint32_t ssrc, uint32_t index)
{
    RtcpSender *sender = &srtp->rtcp_senders[0];
    for (size_t i = 1; i < RTCP_SENDERS; i++)
        if (srtp->rtcp_senders[i].used_at < sender->used_at)
            sender = &srtp->rtcp_senders[i];
    *sender = (RtcpSender){.ssrc = ssrc, .highest = index};
    return sender;
}

static void commit_rtcp(MnbSrtp *srtp, RtcpSender *sender, uint32_t index)
{
    if (index > sender->highest) {
        uint32_t shift = index - sender->highest;
        if (shift >= RTCP_WINDOW_BITS) {
            sender->seen[0] = sender->seen[1] = 0;
        } else if (shift >= 64) {
            sender->seen[1] = sender->seen[0] << (shift - 64);
            sender->seen[0] = 0;
        } else {
            sender->seen[1] = sender->seen[1] << shift | sender->seen[0] >> (64 - shift);
            sender->seen[0] <<= shift;
        }
        sender->highest = index;
    }
    uint32_t age = sender->highest - index;
    sender->seen[age / 64] |= WINDOW_MASK(age);
    sender->used_at = ++srtp->rtcp_clock;
}

int mnb_srtp_unprotect_rtcp(MnbSrtp *srtp, uint8_t *packet, size_t len)
{
    if (len < RTCP_HEADER_BYTES + srtp->tag_bytes + 4 || len > UINT16_MAX)
        return -EBADMSG;
    size_t plain_len = len - srtp->tag_bytes - 4;
    MnbSrtpJob job;
    uint8_t *word_at;
    place_rtcp(srtp, &job, packet, plain_len, &word_at);
    uint32_t word = mnb_get_u32(word_at);
    uint32_t index = word & RTCP_INDEX_MAX;
    uint32_t ssrc = mnb_get_u32(packet + 4);
    RtcpSender *sender = find_sender(srtp, ssrc);
    int result = check_rtcp_replay(sender, index);
    if (result < 0)
        return result;
    set_rtcp_iv(srtp, &job, packet, word);
    result = srtp->backend->open(srtp->rtcp_key, &job, (word & RTCP_ENCRYPTED) != 0);
    if (result < 0)
        return result;
    commit_rtcp(srtp, sender != NULL ? sender : add_sender(srtp, ssrc, index), index);
    return (int)plain_len;
}
