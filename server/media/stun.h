/* stun.h - STUN binding requests and responses (RFC 8489) with the attributes of ICE (RFC 8445).
 *
 * Stateless: parses a datagram, proves it, writes an answer into the caller's buffer. It keeps no
 * memory between calls, opens no socket and knows nothing of candidates. Used by the media worker
 * (ICE-lite: it only answers) and by the load tool (which asks).
 *
 * The way of a request through the worker:
 *
 *     mnb_stun_parse()          -> malformed: drop, count
 *     find the transport by the first half of username -> unknown: 401 without integrity, or
 * nothing mnb_stun_check_request()  -> 0, or the error code to answer mnb_stun_write_success() /
 * mnb_stun_write_error()
 *
 * An answer to a request that was not authenticated is never longer than the request, so that a
 * forged source address gains nothing (security finding: replies <= requests).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define MNB_STUN_HEADER_BYTES 20
#define MNB_STUN_COOKIE       0x2112A442u
#define MNB_STUN_USERNAME_MAX 513 /* bytes, RFC 8489 14.3 */
#define MNB_STUN_UNKNOWN_MAX  8   /* unknown attributes that are remembered for a 420 */
#define MNB_STUN_REPLY_MAX    128 /* bytes: enough for every answer that is written here */

typedef enum {
    MNB_STUN_REQUEST = 0x0001,
    MNB_STUN_INDICATION = 0x0011, /* ICE keepalive: nothing to answer */
    MNB_STUN_SUCCESS = 0x0101,
    MNB_STUN_ERROR = 0x0111,
} MnbStunType;

typedef enum {
    MNB_STUN_BAD_REQUEST = 400,
    MNB_STUN_UNAUTHENTICATED = 401,
    MNB_STUN_UNKNOWN_ATTRIBUTE = 420,
    MNB_STUN_ROLE_CONFLICT = 487,
} MnbStunCode;

typedef enum {
    MNB_ICE_ROLE_NONE, /* neither attribute was there */
    MNB_ICE_CONTROLLING,
    MNB_ICE_CONTROLLED,
} MnbIceRole;

/* A parsed message. Pointers are borrowed from the datagram. */
typedef struct {
    MnbStunType type;
    uint8_t transaction_id[12];
    const uint8_t *username; /* NULL: absent. Not terminated; any bytes */
    uint16_t username_len;
    uint16_t len;              /* of the whole message */
    uint16_t integrity_offset; /* of the MESSAGE-INTEGRITY attribute; 0: absent */
    uint16_t error_code;       /* of an error response; 0: absent */
    bool has_fingerprint;      /* present, and right: a wrong one is -EBADMSG */
    bool has_priority;
    bool use_candidate;
    bool has_mapped;
    uint32_t priority;
    MnbIceRole role;
    uint64_t tie_breaker;           /* with role */
    struct sockaddr_storage mapped; /* XOR-MAPPED-ADDRESS, AF_INET or AF_INET6 */
    uint8_t n_unknown;              /* comprehension-required attributes not known here */
    uint16_t unknown[MNB_STUN_UNKNOWN_MAX];
} MnbStun;

/* Parses a binding request, indication or response and checks its FINGERPRINT if there is one.
 * Attributes after MESSAGE-INTEGRITY are ignored but FINGERPRINT (RFC 8489 14.5).
 * Returns 0, or -EBADMSG: not STUN, another method, a length that lies, a bad FINGERPRINT. */
int mnb_stun_parse(MnbStun *out, const uint8_t *data, size_t len);

/* Checks MESSAGE-INTEGRITY with the short-term password @pwd (for a request: ours; for a response:
 * of the peer that answers). @data: the datagram @stun was parsed from.
 * Returns 0, -ENODATA when the attribute is absent, -EACCES when it is wrong. */
int mnb_stun_check_integrity(const MnbStun *stun, const uint8_t *data, const char *pwd,
                             size_t pwd_len);

/* Splits USERNAME ("ours:theirs" in a request that we receive). Either length may come out 0.
 * Returns 0, or -ENODATA when it is absent or has no colon. */
int mnb_stun_split_username(const MnbStun *stun, const char **ours_out, size_t *ours_len_out,
                            const char **theirs_out, size_t *theirs_len_out);

/* Judges a binding request for an agent that is ICE-lite, thus always controlled.
 * @pwd: password of the transport that USERNAME names; NULL when none is known by that name.
 * Returns 0 when it is authentic and right, else the MnbStunCode to answer:
 * 400 no USERNAME or MESSAGE-INTEGRITY; 401 unknown name or wrong integrity; 420 unknown required
 * attributes; 487 the peer wants to be controlled too. Up to 401 the sender is not authenticated.
 */
int mnb_stun_check_request(const MnbStun *stun, const uint8_t *data, const char *pwd,
                           size_t pwd_len);

/* Writes the success response: XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY, FINGERPRINT.
 * @mapped: source of the request; an IPv4 address mapped into IPv6 is written as IPv4.
 * Returns: length; -ENOSPC when @cap is below MNB_STUN_REPLY_MAX; -EAFNOSUPPORT. */
int mnb_stun_write_success(uint8_t *out, size_t cap, const MnbStun *request,
                           const struct sockaddr *mapped, const char *pwd, size_t pwd_len);

/* Writes an error response: ERROR-CODE (no reason phrase: it is for people, and costs bytes),
 * UNKNOWN-ATTRIBUTES with 420, MESSAGE-INTEGRITY when @pwd is not NULL, FINGERPRINT.
 * @pwd: give it only for a request that was authenticated (420, 487).
 * Returns: length; -EMSGSIZE when @pwd is NULL and the answer would be longer than the request:
 * then nothing may be sent; -ENOSPC as above. */
int mnb_stun_write_error(uint8_t *out, size_t cap, const MnbStun *request, MnbStunCode code,
                         const char *pwd, size_t pwd_len);

/* A binding request, for the asking side. */
typedef struct {
    uint8_t transaction_id[12];
    const char *username; /* "theirs:ours" */
    uint32_t priority;
    MnbIceRole role;
    uint64_t tie_breaker;
    bool use_candidate;
} MnbStunRequest;

/* @pwd: password of the peer that will answer.
 * Returns: length; -ENOSPC; -EINVAL when username is longer than MNB_STUN_USERNAME_MAX. */
int mnb_stun_write_request(uint8_t *out, size_t cap, const MnbStunRequest *request, const char *pwd,
                           size_t pwd_len);
