/* srtp.h - SRTP and SRTCP: RFC 3711 (AES-CM, HMAC-SHA1-80, key derivation) and RFC 7714 (AES-GCM).
 *
 * MnbSrtp holds the session keys of one direction of one DTLS association, ready to use: only the
 * IV is set per packet. MnbSrtpStream is the state of one SSRC in it (rollover counter and replay
 * window); the caller keeps it beside the rest of what it knows of that SSRC, so nothing is looked
 * up per packet. Both belong to one thread. Only new() allocates.
 *
 * Sending writes ciphertext straight from the shared packet into the buffer that goes to the
 * kernel:
 *
 *     out:  | header, written by caller | prefix, by caller | payload | padding | tag |
 *             authenticated               encrypted in place  encrypted from a const source
 *
 * The prefix is what differs between receivers at the start of the payload: a rewritten VP8
 * descriptor, or the original sequence number of RTX.
 *
 * Under AES-GCM two different packets under one (key, SSRC, index) give the key away, so protect()
 * refuses an index that was used before: a repair goes out as RTX under its own SSRC. Where there
 * is no RTX (sound), protect_again() makes the very same bytes once more, or nothing.
 *
 * Not here: MKI, key derivation rate, header encryption (RFC 6904), 32-bit tags. WebRTC has none.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MNB_SRTP_WINDOW_BITS 1024 /* packets back that replay protection remembers */
#define MNB_SRTP_TAG_MAX     16   /* bytes that protect() adds at most */
#define MNB_SRTCP_ADDED_MAX  20   /* bytes that protect_rtcp() adds at most: tag and index */
#define MNB_SRTP_KEY_MAX     32
#define MNB_SRTP_SALT_MAX    14
#define MNB_SRTP_EXPORT_MAX  (2 * (MNB_SRTP_KEY_MAX + MNB_SRTP_SALT_MAX))

/* Our order of choice, for SSL_CTX_set_tlsext_use_srtp(): the server picks. */
#define MNB_SRTP_DTLS_PROFILES "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80"
#define MNB_SRTP_DTLS_LABEL    "EXTRACTOR-dtls_srtp" /* for SSL_export_keying_material() */

/* Values: protection profile numbers of DTLS-SRTP (IANA), as in SRTP_PROTECTION_PROFILE.id. */
typedef enum {
    MNB_SRTP_AES128_CM_SHA1_80 = 0x0001,
    MNB_SRTP_AEAD_AES_128_GCM = 0x0007,
    MNB_SRTP_AEAD_AES_256_GCM = 0x0008,
} MnbSrtpProfile;

/* Returns: bytes, or 0 for a profile that is not one of the above. */
size_t mnb_srtp_key_bytes(MnbSrtpProfile profile);
size_t mnb_srtp_salt_bytes(MnbSrtpProfile profile);
size_t mnb_srtp_tag_bytes(MnbSrtpProfile profile);
size_t mnb_srtp_export_bytes(MnbSrtpProfile profile); /* to ask of the DTLS exporter, both sides */

typedef struct MnbSrtp MnbSrtp;
typedef struct MnbSrtpBackend MnbSrtpBackend; /* srtp-backend.h */

/* @backend: NULL takes the best one of this build. @key, @salt: master key and salt, of the lengths
 * above; copied, not kept. Returns (owned): NULL with *error_out -EINVAL (profile) or -ENOMEM. */
MnbSrtp *mnb_srtp_new(const MnbSrtpBackend *backend, MnbSrtpProfile profile, const uint8_t *key,
                      const uint8_t *salt, int *error_out);

/* The same from the DTLS exporter's output (RFC 5764 4.2: client key, server key, client salt,
 * server salt). @is_client_write: true for what the DTLS client sends. */
MnbSrtp *mnb_srtp_new_from_export(const MnbSrtpBackend *backend, MnbSrtpProfile profile,
                                  const uint8_t *material, size_t len, bool is_client_write,
                                  int *error_out);

/* Wipes the keys. NULL is fine. */
void mnb_srtp_free(MnbSrtp *srtp);

MnbSrtpProfile mnb_srtp_profile(const MnbSrtp *srtp);

/* A hint: protect() with these keys comes soon. The keys of a thousand receivers are not in the
 * cache, and the packets of the receiver before them take as long as memory does. */
void mnb_srtp_prefetch(const MnbSrtp *srtp);

/* One SSRC, one direction. Zero it to begin (rollover counter 0). Keep it as long as the keys live,
 * also while the SSRC is silent: with it the rollover counter would be lost. 144 bytes. */
typedef struct {
    uint64_t highest; /* 48-bit index: rollover counter << 16 | sequence number */
    bool is_started;
    uint8_t zero[7];
    uint64_t window[MNB_SRTP_WINDOW_BITS / 64]; /* bit index & 1023: that index was seen */
} MnbSrtpStream;

/* A packet to protect; its beginning lies in the output buffer already. */
typedef struct {
    uint16_t header_len;    /* RTP header with CSRCs and extensions */
    uint16_t prefix_len;    /* plain bytes behind it */
    uint16_t payload_len;   /* of payload */
    uint8_t padding_len;    /* RTP padding to add (the P bit of the header must say so), 0: none */
    const uint8_t *payload; /* not modified; must not overlap the output */
} MnbSrtpPacket;

/* Returns: length of the SRTP packet in @out;
 * -ENOSPC when it would not fit @cap; -EINVAL header_len below 12;
 * -EALREADY this index was sent before; -ESTALE older than the window (do not send it). */
int mnb_srtp_protect(MnbSrtp *srtp, MnbSrtpStream *stream, uint8_t *out, size_t cap,
                     const MnbSrtpPacket *packet);

/* The last bytes of a protected packet, to be kept for: */
static inline uint32_t mnb_srtp_end(const uint8_t *packet, int len)
{
    const uint8_t *end = packet + len - 4;
    return (uint32_t)end[0] << 24 | (uint32_t)end[1] << 16 | (uint32_t)end[2] << 8 | end[3];
}

/* Makes a packet that was protected within the window again, for a receiver that lost it. @packet
 * must be as it was, header and padding included; @end: mnb_srtp_end() of then. What would not be
 * the same packet is not let out, since its nonce is used up.
 * Returns: length; -ENOENT never sent or too old; -EPERM it would be another packet (@out is
 * wiped); -ENOSPC, -EINVAL as above. */
int mnb_srtp_protect_again(MnbSrtp *srtp, const MnbSrtpStream *stream, uint8_t *out, size_t cap,
                           const MnbSrtpPacket *packet, uint32_t end);

/* Decrypts in place. @header_len: MnbRtp.header_bytes of the packet.
 * The stream moves only when the tag is right.
 * Returns: length of the plain packet; -EBADMSG too short; -EALREADY a replay; -ESTALE older than
 * the window; -EACCES the tag is wrong. After -EACCES the bytes behind the header are undefined. */
int mnb_srtp_unprotect(MnbSrtp *srtp, MnbSrtpStream *stream, uint8_t *packet, size_t len,
                       size_t header_len);

/* Protects a compound RTCP packet in place (encrypted, E = 1). The index is counted inside.
 * Returns: new length; -ENOSPC when @cap is short of MNB_SRTCP_ADDED_MAX more bytes; -EINVAL @len
 * below 8; -EOVERFLOW after 2^31 packets. */
int mnb_srtp_protect_rtcp(MnbSrtp *srtp, uint8_t *packet, size_t len, size_t cap);

/* Decrypts in place. The replay windows (128 packets) of the last 16 sender SSRCs are kept inside.
 * Accepts E = 0 (authenticated only).
 * Returns: length of the plain packet, or the errors of mnb_srtp_unprotect(). */
int mnb_srtp_unprotect_rtcp(MnbSrtp *srtp, uint8_t *packet, size_t len);
