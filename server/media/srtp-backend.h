/* srtp-backend.h - the seam between SRTP's packet format (srtp.c) and the ciphers.
 *
 * srtp.c derives session keys, makes IVs, keeps indexes and replay windows. A backend seals and
 * opens one buffer under a ready key. srtp-evp.c (OpenSSL) is always there; another one is another
 * struct of functions, chosen in mnb_srtp_new(). All backends must give the same bytes. */
#pragma once
#include "server/media/srtp.h"

/* One packet. In @data lie, in this order: @aad_len bytes that are only authenticated, then the
 * body. seal() encrypts prefix and padding where they are and fills the middle from @payload;
 * open() takes the whole body as prefix (payload NULL).
 * @tail: authenticated after the rest in AES-CM (RTP: rollover counter; RTCP: E and index), after
 * the header in AES-GCM (RTCP only). */
typedef struct {
    uint8_t *data;
    const uint8_t *payload;
    uint8_t *tag; /* seal: written; open: compared in constant time */
    uint32_t aad_len;
    uint32_t prefix_len;
    uint32_t payload_len;
    uint32_t padding_len;
    uint32_t tail_len; /* 0 or 4 */
    uint8_t tail[4];
    uint8_t iv[16]; /* AES-GCM: 12 bytes; AES-CM: 16 bytes, the block counter 0 */
} MnbSrtpJob;

struct MnbSrtpBackend {
    const char *name;
    /* @key: session encryption key; @auth_key: 20 bytes, NULL for AES-GCM. NULL: out of memory. */
    void *(*key_new)(MnbSrtpProfile profile, const uint8_t *key, const uint8_t *auth_key);
    void (*key_free)(void *key);
    /* 0, or -EIO when the library refuses. */
    int (*seal)(void *key, const MnbSrtpJob *job);
    /* 0, or -EACCES when the tag is wrong. With @is_encrypted false only the tag is checked
     * (SRTCP with E = 0): everything is authenticated, nothing decrypted. */
    int (*open)(void *key, const MnbSrtpJob *job, bool is_encrypted);
    /* AES in counter mode for key derivation: @len bytes of key stream into @out. @key_len 16, 32.
     */
    int (*key_stream)(const uint8_t *key, size_t key_len, const uint8_t iv[16], uint8_t *out,
                      size_t len);
};

extern const MnbSrtpBackend mnb_srtp_backend_evp;

/* Labels of RFC 3711 4.3.2. */
typedef enum {
    MNB_SRTP_LABEL_RTP_KEY,
    MNB_SRTP_LABEL_RTP_AUTH,
    MNB_SRTP_LABEL_RTP_SALT,
    MNB_SRTP_LABEL_RTCP_KEY,
    MNB_SRTP_LABEL_RTCP_AUTH,
    MNB_SRTP_LABEL_RTCP_SALT,
} MnbSrtpLabel;

/* Session key of one label from master key and salt. Returns 0 or -EIO. */
int mnb_srtp_derive(const MnbSrtpBackend *backend, MnbSrtpProfile profile, const uint8_t *key,
                    const uint8_t *salt, MnbSrtpLabel label, uint8_t *out, size_t len);

/* For the vectors of RFC 7714, which begin at session keys: one key and salt for RTP and RTCP.
 * @auth_key: 20 bytes, NULL for AES-GCM. Errors as mnb_srtp_new(). */
MnbSrtp *mnb_srtp_new_from_session(const MnbSrtpBackend *backend, MnbSrtpProfile profile,
                                   const uint8_t *key, const uint8_t *salt, const uint8_t *auth_key,
                                   int *error_out);

/* NULL: this build, or this CPU, has none. Not for several threads at once on the first call. */
const MnbSrtpBackend *mnb_srtp_backend_ipsec_mb(void);

/* The fastest one there is: what NULL means in mnb_srtp_new(). */
const MnbSrtpBackend *mnb_srtp_backend_best(void);
