/* stun.c - see stun.h.
 *
 *     | type 2 | length 2 | cookie 4 | transaction id 12 | attributes: type 2, length 2, value, pad
 * |
 */
#include "server/media/stun.h"
#include "server/media/bytes.h"
#include <errno.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define INTEGRITY_BYTES   20
#define FINGERPRINT_XOR   0x5354554eu
#define ATTRIBUTE_HEAD    4
#define FINGERPRINT_TOTAL 8
#define INTEGRITY_TOTAL   (ATTRIBUTE_HEAD + INTEGRITY_BYTES)
#define FAMILY_IPV4       1
#define FAMILY_IPV6       2
#define IS_REQUIRED(type) ((type) < 0x8000) /* comprehension-required, RFC 8489 14 */
#define PADDED(len)       (((len) + 3) & ~(size_t)3)
#define MESSAGE_BYTES_MAX UINT16_MAX

enum {
    ATTR_MAPPED_ADDRESS = 0x0001,
    ATTR_USERNAME = 0x0006,
    ATTR_MESSAGE_INTEGRITY = 0x0008,
    ATTR_ERROR_CODE = 0x0009,
    ATTR_UNKNOWN_ATTRIBUTES = 0x000a,
    ATTR_REALM = 0x0014,
    ATTR_NONCE = 0x0015,
    ATTR_MESSAGE_INTEGRITY_SHA256 = 0x001c,
    ATTR_PASSWORD_ALGORITHM = 0x001d,
    ATTR_USERHASH = 0x001e,
    ATTR_XOR_MAPPED_ADDRESS = 0x0020,
    ATTR_PRIORITY = 0x0024,
    ATTR_USE_CANDIDATE = 0x0025,
    ATTR_FINGERPRINT = 0x8028,
    ATTR_ICE_CONTROLLED = 0x8029,
    ATTR_ICE_CONTROLLING = 0x802a,
};

/* CRC-32 of ISO 3309, four bits at a time: the table is small and messages are short. */
static uint32_t crc32_of(const uint8_t *data, size_t len)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

/* HMAC-SHA1 of a message up to @len, with the length in its head as if it ended after
 * MESSAGE-INTEGRITY (RFC 8489 14.5). */
static bool integrity_of(const uint8_t *data, size_t len, const char *pwd, size_t pwd_len,
                         uint8_t digest[INTEGRITY_BYTES])
{
    uint8_t message[MNB_STUN_HEADER_BYTES + 1024];
    unsigned int n = 0;
    if (len > sizeof message || pwd_len > INT16_MAX)
        return false;
    memcpy(message, data, len);
    mnb_put_u16(message + 2, (uint16_t)(len - MNB_STUN_HEADER_BYTES + INTEGRITY_TOTAL));
    return HMAC(EVP_sha1(), pwd, (int)pwd_len, message, len, digest, &n) != NULL &&
           n == INTEGRITY_BYTES;
}

/* ---- reading ---- */

static bool read_address(MnbStun *out, const uint8_t *value, size_t len)
{
    uint16_t port = (uint16_t)(len >= 4 ? mnb_get_u16(value + 2) ^ (MNB_STUN_COOKIE >> 16) : 0);
    uint8_t mask[16];
    mnb_put_u32(mask, MNB_STUN_COOKIE);
    memcpy(mask + 4, out->transaction_id, 12);
    memset(&out->mapped, 0, sizeof out->mapped);
    if (len == 8 && value[1] == FAMILY_IPV4) {
        struct sockaddr_in *address = (struct sockaddr_in *)&out->mapped;
        address->sin_family = AF_INET;
        address->sin_port = htons(port);
        address->sin_addr.s_addr = htonl(mnb_get_u32(value + 4) ^ MNB_STUN_COOKIE);
        return true;
    }
    if (len == 20 && value[1] == FAMILY_IPV6) {
        struct sockaddr_in6 *address = (struct sockaddr_in6 *)&out->mapped;
        address->sin6_family = AF_INET6;
        address->sin6_port = htons(port);
        for (size_t i = 0; i < 16; i++)
            address->sin6_addr.s6_addr[i] = value[4 + i] ^ mask[i];
        return true;
    }
    return false;
}

static bool read_role(MnbStun *out, MnbIceRole role, const uint8_t *value, size_t len)
{
    if (len != 8)
        return false;
    out->role = role;
    out->tie_breaker = mnb_get_u64(value);
    return true;
}

/* False: the attribute is malformed. */
static bool read_attribute(MnbStun *out, uint16_t type, const uint8_t *value, size_t len)
{
    switch (type) {
    case ATTR_USERNAME:
        if (len > MNB_STUN_USERNAME_MAX)
            return false;
        if (out->username == NULL) { /* of repeated attributes the first counts, RFC 8489 14 */
            out->username = value;
            out->username_len = (uint16_t)len;
        }
        return true;
    case ATTR_MESSAGE_INTEGRITY:
        if (len != INTEGRITY_BYTES)
            return false;
        return true;
    case ATTR_ERROR_CODE:
        if (len < 4 || (value[2] & 7) < 3 || (value[2] & 7) > 6 || value[3] > 99)
            return false;
        out->error_code = (uint16_t)((value[2] & 7) * 100 + value[3]);
        return true;
    case ATTR_XOR_MAPPED_ADDRESS:
        out->has_mapped = read_address(out, value, len);
        return out->has_mapped;
    case ATTR_PRIORITY:
        if (len != 4)
            return false;
        out->has_priority = true;
        out->priority = mnb_get_u32(value);
        return true;
    case ATTR_USE_CANDIDATE:
        out->use_candidate = true;
        return len == 0;
    case ATTR_ICE_CONTROLLING:
        return read_role(out, MNB_ICE_CONTROLLING, value, len);
    case ATTR_ICE_CONTROLLED:
        return read_role(out, MNB_ICE_CONTROLLED, value, len);
    case ATTR_MAPPED_ADDRESS: /* known, and of no use here */
    case ATTR_UNKNOWN_ATTRIBUTES:
    case ATTR_REALM:
    case ATTR_NONCE:
    case ATTR_MESSAGE_INTEGRITY_SHA256:
    case ATTR_PASSWORD_ALGORITHM:
    case ATTR_USERHASH:
        return true;
    default:
        if (IS_REQUIRED(type) && out->n_unknown < MNB_STUN_UNKNOWN_MAX)
            out->unknown[out->n_unknown++] = type;
        return true;
    }
}

static bool check_fingerprint(const uint8_t *data, size_t at, size_t len)
{
    /* It must be the last attribute, so the length in the head covers it already. */
    return at + FINGERPRINT_TOTAL == len && mnb_get_u16(data + at + 2) == 4 &&
           mnb_get_u32(data + at + 4) == (crc32_of(data, at) ^ FINGERPRINT_XOR);
}

static int read_attributes(MnbStun *out, const uint8_t *data, size_t len)
{
    size_t at = MNB_STUN_HEADER_BYTES;
    while (at < len) {
        if (len - at < ATTRIBUTE_HEAD)
            return -EBADMSG;
        uint16_t type = mnb_get_u16(data + at);
        size_t size = mnb_get_u16(data + at + 2);
        if (PADDED(size) > len - at - ATTRIBUTE_HEAD)
            return -EBADMSG;
        if (type == ATTR_FINGERPRINT) {
            if (!check_fingerprint(data, at, len))
                return -EBADMSG;
            out->has_fingerprint = true;
        } else if (out->integrity_offset == 0) {
            if (!read_attribute(out, type, data + at + ATTRIBUTE_HEAD, size))
                return -EBADMSG;
            if (type == ATTR_MESSAGE_INTEGRITY)
                out->integrity_offset = (uint16_t)at;
        }
        at += ATTRIBUTE_HEAD + PADDED(size);
    }
    return 0;
}

int mnb_stun_parse(MnbStun *out, const uint8_t *data, size_t len)
{
    memset(out, 0, sizeof *out);
    if (len < MNB_STUN_HEADER_BYTES || len > MESSAGE_BYTES_MAX || (len & 3) != 0 ||
        mnb_get_u16(data + 2) != len - MNB_STUN_HEADER_BYTES ||
        mnb_get_u32(data + 4) != MNB_STUN_COOKIE)
        return -EBADMSG;
    switch (mnb_get_u16(data)) {
    case MNB_STUN_REQUEST:
    case MNB_STUN_INDICATION:
    case MNB_STUN_SUCCESS:
    case MNB_STUN_ERROR:
        break;
    default:
        return -EBADMSG;
    }
    out->type = (MnbStunType)mnb_get_u16(data);
    out->len = (uint16_t)len;
    memcpy(out->transaction_id, data + 8, sizeof out->transaction_id);
    return read_attributes(out, data, len);
}

int mnb_stun_check_integrity(const MnbStun *stun, const uint8_t *data, const char *pwd,
                             size_t pwd_len)
{
    uint8_t digest[INTEGRITY_BYTES];
    if (stun->integrity_offset == 0)
        return -ENODATA;
    if (!integrity_of(data, stun->integrity_offset, pwd, pwd_len, digest) ||
        CRYPTO_memcmp(digest, data + stun->integrity_offset + ATTRIBUTE_HEAD, sizeof digest) != 0)
        return -EACCES;
    return 0;
}

int mnb_stun_split_username(const MnbStun *stun, const char **ours_out, size_t *ours_len_out,
                            const char **theirs_out, size_t *theirs_len_out)
{
    if (stun->username == NULL)
        return -ENODATA;
    const uint8_t *colon = memchr(stun->username, ':', stun->username_len);
    if (colon == NULL)
        return -ENODATA;
    *ours_out = (const char *)stun->username;
    *ours_len_out = (size_t)(colon - stun->username);
    *theirs_out = (const char *)colon + 1;
    *theirs_len_out = stun->username_len - *ours_len_out - 1;
    return 0;
}

int mnb_stun_check_request(const MnbStun *stun, const uint8_t *data, const char *pwd,
                           size_t pwd_len)
{
    if (stun->username == NULL || stun->integrity_offset == 0)
        return MNB_STUN_BAD_REQUEST;
    if (pwd == NULL || mnb_stun_check_integrity(stun, data, pwd, pwd_len) < 0)
        return MNB_STUN_UNAUTHENTICATED;
    if (stun->n_unknown > 0)
        return MNB_STUN_UNKNOWN_ATTRIBUTE;
    if (stun->role == MNB_ICE_CONTROLLED)
        return MNB_STUN_ROLE_CONFLICT;
    return 0;
}

/* ---- writing ---- */

typedef struct {
    uint8_t *data;
    size_t len;
} Writer;

/* Room has been checked by the caller: every message written here has a known greatest length. */
static uint8_t *add(Writer *writer, uint16_t type, size_t size)
{
    uint8_t *at = writer->data + writer->len;
    mnb_put_u16(at, type);
    mnb_put_u16(at + 2, (uint16_t)size);
    memset(at + ATTRIBUTE_HEAD, 0, PADDED(size));
    writer->len += ATTRIBUTE_HEAD + PADDED(size);
    return at + ATTRIBUTE_HEAD;
}

static Writer begin(uint8_t *out, MnbStunType type, const uint8_t transaction_id[12])
{
    mnb_put_u16(out, (uint16_t)type);
    mnb_put_u32(out + 4, MNB_STUN_COOKIE);
    memcpy(out + 8, transaction_id, 12);
    return (Writer){out, MNB_STUN_HEADER_BYTES};
}

static int finish(Writer *writer, const char *pwd, size_t pwd_len)
{
    if (pwd != NULL) {
        size_t len = writer->len;
        uint8_t digest[INTEGRITY_BYTES];
        if (!integrity_of(writer->data, len, pwd, pwd_len, digest))
            return -EINVAL;
        memcpy(add(writer, ATTR_MESSAGE_INTEGRITY, INTEGRITY_BYTES), digest, sizeof digest);
    }
    size_t len = writer->len;
    mnb_put_u16(writer->data + 2, (uint16_t)(len + FINGERPRINT_TOTAL - MNB_STUN_HEADER_BYTES));
    uint32_t crc = crc32_of(writer->data, len);
    mnb_put_u32(add(writer, ATTR_FINGERPRINT, 4), crc ^ FINGERPRINT_XOR);
    return (int)writer->len;
}

static void add_address(Writer *writer, uint8_t family, uint16_t port, const uint8_t *address,
                        size_t len)
{
    uint8_t *value = add(writer, ATTR_XOR_MAPPED_ADDRESS, 4 + len);
    value[1] = family;
    mnb_put_u16(value + 2, (uint16_t)(port ^ (MNB_STUN_COOKIE >> 16)));
    for (size_t i = 0; i < len; i++) /* cookie and transaction id lie together in the head */
        value[4 + i] = address[i] ^ writer->data[4 + i];
}

int mnb_stun_write_success(uint8_t *out, size_t cap, const MnbStun *request,
                           const struct sockaddr *mapped, const char *pwd, size_t pwd_len)
{
    if (cap < MNB_STUN_REPLY_MAX)
        return -ENOSPC;
    Writer writer = begin(out, MNB_STUN_SUCCESS, request->transaction_id);
    if (mapped->sa_family == AF_INET) {
        const struct sockaddr_in *ip4 = (const struct sockaddr_in *)mapped;
        add_address(&writer, FAMILY_IPV4, ntohs(ip4->sin_port), (const uint8_t *)&ip4->sin_addr, 4);
    } else if (mapped->sa_family == AF_INET6) {
        const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)mapped;
        const uint8_t *address = ip6->sin6_addr.s6_addr;
        if (IN6_IS_ADDR_V4MAPPED(&ip6->sin6_addr))
            add_address(&writer, FAMILY_IPV4, ntohs(ip6->sin6_port), address + 12, 4);
        else
            add_address(&writer, FAMILY_IPV6, ntohs(ip6->sin6_port), address, 16);
    } else {
        return -EAFNOSUPPORT;
    }
    return finish(&writer, pwd, pwd_len);
}

int mnb_stun_write_error(uint8_t *out, size_t cap, const MnbStun *request, MnbStunCode code,
                         const char *pwd, size_t pwd_len)
{
    if (cap < MNB_STUN_REPLY_MAX)
        return -ENOSPC;
    Writer writer = begin(out, MNB_STUN_ERROR, request->transaction_id);
    uint8_t *value = add(&writer, ATTR_ERROR_CODE, 4);
    value[2] = (uint8_t)(code / 100);
    value[3] = (uint8_t)(code % 100);
    if (code == MNB_STUN_UNKNOWN_ATTRIBUTE) {
        value = add(&writer, ATTR_UNKNOWN_ATTRIBUTES, (size_t)request->n_unknown * 2);
        for (size_t i = 0; i < request->n_unknown; i++)
            mnb_put_u16(value + 2 * i, request->unknown[i]);
    }
    int len = finish(&writer, pwd, pwd_len);
    if (pwd == NULL && len > request->len)
        return -EMSGSIZE;
    return len;
}

int mnb_stun_write_request(uint8_t *out, size_t cap, const MnbStunRequest *request, const char *pwd,
                           size_t pwd_len)
{
    size_t username_len = strlen(request->username);
    size_t most = MNB_STUN_HEADER_BYTES + 8 + 12 + 4 + ATTRIBUTE_HEAD + PADDED(username_len) +
                  INTEGRITY_TOTAL + FINGERPRINT_TOTAL;
    if (username_len > MNB_STUN_USERNAME_MAX)
        return -EINVAL;
    if (cap < most)
        return -ENOSPC;
    Writer writer = begin(out, MNB_STUN_REQUEST, request->transaction_id);
    memcpy(add(&writer, ATTR_USERNAME, username_len), request->username, username_len);
    mnb_put_u32(add(&writer, ATTR_PRIORITY, 4), request->priority);
    if (request->role == MNB_ICE_CONTROLLING)
        mnb_put_u64(add(&writer, ATTR_ICE_CONTROLLING, 8), request->tie_breaker);
    else if (request->role == MNB_ICE_CONTROLLED)
        mnb_put_u64(add(&writer, ATTR_ICE_CONTROLLED, 8), request->tie_breaker);
    if (request->use_candidate)
        add(&writer, ATTR_USE_CANDIDATE, 0);
    return finish(&writer, pwd, pwd_len);
}
