#include "server/media/bytes.h"
#include "server/media/srtp-backend.h"
#include "server/media/srtp.h"
#include "tests/unit/media/hex.h"
#include <errno.h>
#include <glib.h>
#ifdef HAVE_SRTP2
#include <srtp2/srtp.h>
#endif

#define HEADER_BYTES 12
#define BUFFER_BYTES 2048

static const MnbSrtpProfile profiles[] = {MNB_SRTP_AES128_CM_SHA1_80, MNB_SRTP_AEAD_AES_128_GCM,
                                          MNB_SRTP_AEAD_AES_256_GCM};

static const guint8 master_key[MNB_SRTP_KEY_MAX] = {0xe1, 0xf9, 0x7a, 0x0d, 0x3e, 0x01, 0x8b, 0xe0,
                                                    0xd6, 0x4f, 0xa3, 0x2c, 0x06, 0xde, 0x41, 0x39,
                                                    1,    2,    3,    4,    5,    6,    7,    8};
static const guint8 master_salt[MNB_SRTP_SALT_MAX] = {0x0e, 0xc6, 0x75, 0xad, 0x49, 0x8a, 0xfe,
                                                      0xeb, 0xb6, 0x96, 0x0b, 0x3a, 0xab, 0xe6};

/* Every test runs with each backend of this build. */
static const MnbSrtpBackend *backend;

static MnbSrtp *new_keys(MnbSrtpProfile profile)
{
    int error = 0;
    MnbSrtp *srtp = mnb_srtp_new(backend, profile, master_key, master_salt, &error);
    g_assert_nonnull(srtp);
    return srtp;
}

static void write_header(guint8 *out, guint16 seq, guint32 ssrc)
{
    out[0] = 0x80;
    out[1] = 96;
    mnb_put_u16(out + 2, seq);
    mnb_put_u32(out + 4, 0xdecafbad);
    mnb_put_u32(out + 8, ssrc);
}

/* Protects a packet of @len payload bytes, each the low byte of its number. */
static int protect(MnbSrtp *srtp, MnbSrtpStream *stream, guint8 *out, guint16 seq, guint32 ssrc,
                   gsize len)
{
    guint8 payload[BUFFER_BYTES];
    for (gsize i = 0; i < len; i++)
        payload[i] = (guint8)i;
    write_header(out, seq, ssrc);
    MnbSrtpPacket packet = {
        .header_len = HEADER_BYTES, .payload = payload, .payload_len = (guint16)len};
    return mnb_srtp_protect(srtp, stream, out, BUFFER_BYTES, &packet);
}

/* RFC 3711 B.2 */
static void test_aes_counter_mode(void)
{
    guint8 key[16], iv[16], out[48];
    hex(key, "2B7E151628AED2A6ABF7158809CF4F3C");
    hex(iv, "F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000");
    g_assert_cmpint(backend->key_stream(key, 16, iv, out, sizeof out), ==, 0);
    assert_hex(out, sizeof out,
               "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB"
               "41E95B3BB0A2E8DD477901E4FCA894C0");
}

/* RFC 3711 B.3 */
static void test_key_derivation(void)
{
    guint8 out[32];
    MnbSrtpProfile cm = MNB_SRTP_AES128_CM_SHA1_80;
    g_assert_cmpint(
        mnb_srtp_derive(backend, cm, master_key, master_salt, MNB_SRTP_LABEL_RTP_KEY, out, 16), ==,
        0);
    assert_hex(out, 16, "C61E7A93744F39EE10734AFE3FF7A087");
    g_assert_cmpint(
        mnb_srtp_derive(backend, cm, master_key, master_salt, MNB_SRTP_LABEL_RTP_SALT, out, 14), ==,
        0);
    assert_hex(out, 14, "30CBBC08863D8C85D49DB34A9AE1");
    g_assert_cmpint(
        mnb_srtp_derive(backend, cm, master_key, master_salt, MNB_SRTP_LABEL_RTP_AUTH, out, 20), ==,
        0);
    assert_hex(out, 20, "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4");
}

typedef struct {
    MnbSrtpProfile profile;
    const char *key;
    const char *rtp;  /* cipher text and tag */
    const char *rtcp; /* SSRC on: cipher text, tag, index */
} GcmVector;

static const char rtp_header[] = "8040f17b 8041f8d3 5501a0b2";
static const char rtp_plain[] = "47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070"
                                "61727465 73207472 6573";
static const char rtcp_plain[] = "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930"
                                 "4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef";

/* RFC 7714 16 and 17 */
static const GcmVector gcm_vectors[] = {
    {MNB_SRTP_AEAD_AES_128_GCM, "000102030405060708090a0b0c0d0e0f",
     "f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d"
     "7f27beb1 6a9152cf 765ee439 0cce",
     "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda"
     "4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4"},
    {MNB_SRTP_AEAD_AES_256_GCM, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3"
     "db36dfff d6b0f9bb 7878d7a7 6c13",
     "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be"
     "8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4"},
};

static void test_gcm_vectors(gconstpointer data)
{
    const GcmVector *vector = data;
    guint8 key[32], salt[12], packet[256], expected[256], plain[256];
    int error = 0;
    hex(key, vector->key);
    hex(salt, "51756964 2070726f 2071756f");
    MnbSrtp *srtp = mnb_srtp_new_from_session(backend, vector->profile, key, salt, NULL, &error);
    MnbSrtp *peer = mnb_srtp_new_from_session(backend, vector->profile, key, salt, NULL, &error);
    g_assert_nonnull(srtp);
    MnbSrtpStream stream = {0}, peer_stream = {0};

    gsize header_len = hex(packet, rtp_header);
    gsize plain_len = hex(plain, rtp_plain);
    MnbSrtpPacket parts = {
        .header_len = (guint16)header_len, .payload = plain, .payload_len = (guint16)plain_len};
    int len = mnb_srtp_protect(srtp, &stream, packet, sizeof packet, &parts);
    gsize expected_len = hex(expected, rtp_header);
    expected_len += hex(expected + expected_len, vector->rtp);
    g_assert_cmpmem(packet, (gsize)len, expected, expected_len);
    g_assert_cmpint(mnb_srtp_unprotect(peer, &peer_stream, packet, (gsize)len, header_len), ==,
                    (int)(header_len + plain_len));
    g_assert_cmpmem(packet + header_len, plain_len, plain, plain_len);

    /* The vector's index is 0x5d4: count up to it. */
    for (int i = 0; i < 0x5d4; i++) {
        hex(packet, rtcp_plain);
        g_assert_cmpint(mnb_srtp_protect_rtcp(srtp, packet, 8, sizeof packet), >, 0);
    }
    plain_len = hex(packet, rtcp_plain);
    len = mnb_srtp_protect_rtcp(srtp, packet, plain_len, sizeof packet);
    assert_hex(packet, (gsize)len, vector->rtcp);
    g_assert_cmpint(mnb_srtp_unprotect_rtcp(peer, packet, (gsize)len), ==, (int)plain_len);
    assert_hex(packet, plain_len, rtcp_plain);
    mnb_srtp_free(srtp);
    mnb_srtp_free(peer);
}

static void test_every_profile_there_and_back(void)
{
    for (gsize p = 0; p < G_N_ELEMENTS(profiles); p++) {
        MnbSrtp *sender = new_keys(profiles[p]), *receiver = new_keys(profiles[p]);
        MnbSrtpStream out_stream = {0}, in_stream = {0};
        for (guint16 len = 0; len < 1300; len = (guint16)(len < 70 ? len + 1 : len + 53)) {
            guint8 packet[BUFFER_BYTES];
            int n = protect(sender, &out_stream, packet, len, 0x1234, len);
            g_assert_cmpint(n, ==, HEADER_BYTES + len + (int)mnb_srtp_tag_bytes(profiles[p]));
            n = mnb_srtp_unprotect(receiver, &in_stream, packet, (gsize)n, HEADER_BYTES);
            g_assert_cmpint(n, ==, HEADER_BYTES + len);
            for (gsize i = 0; i < len; i++)
                g_assert_cmpint(packet[HEADER_BYTES + i], ==, (guint8)i);
        }
        mnb_srtp_free(sender);
        mnb_srtp_free(receiver);
    }
}

static void test_pieces_make_one_packet(void)
{
    for (gsize p = 0; p < G_N_ELEMENTS(profiles); p++) {
        for (guint prefix = 0; prefix < 20; prefix++) {
            MnbSrtp *a = new_keys(profiles[p]), *b = new_keys(profiles[p]);
            MnbSrtpStream a_stream = {0}, b_stream = {0};
            guint8 whole[BUFFER_BYTES], pieces[BUFFER_BYTES], payload[400];
            for (gsize i = 0; i < sizeof payload; i++)
                payload[i] = (guint8)(i * 7);
            guint8 padding = (guint8)(prefix * 3);
            guint8 padded[BUFFER_BYTES] = {0};
            memcpy(padded, payload, sizeof payload);
            if (padding > 0)
                padded[sizeof payload + padding - 1] = padding;

            write_header(whole, 7, 9);
            write_header(pieces, 7, 9);
            memcpy(pieces + HEADER_BYTES, payload, prefix);
            MnbSrtpPacket one = {.header_len = HEADER_BYTES,
                                 .payload = padded,
                                 .payload_len = (guint16)(sizeof payload + padding)};
            MnbSrtpPacket three = {.header_len = HEADER_BYTES,
                                   .prefix_len = (guint16)prefix,
                                   .payload = payload + prefix,
                                   .payload_len = (guint16)(sizeof payload - prefix),
                                   .padding_len = padding};
            int n = mnb_srtp_protect(a, &a_stream, whole, sizeof whole, &one);
            int m = mnb_srtp_protect(b, &b_stream, pieces, sizeof pieces, &three);
            g_assert_cmpmem(whole, (gsize)n, pieces, (gsize)m);
            mnb_srtp_free(a);
            mnb_srtp_free(b);
        }
    }
}

static void test_refuses_a_replayed_packet(void)
{
    MnbSrtp *sender = new_keys(MNB_SRTP_AEAD_AES_128_GCM),
            *receiver = new_keys(MNB_SRTP_AEAD_AES_128_GCM);
    MnbSrtpStream out_stream = {0}, in_stream = {0};
    guint8 kept[1200][64];
    int n = 0;
    for (guint16 i = 0; i < 1200; i++) {
        guint8 packet[BUFFER_BYTES];
        n = protect(sender, &out_stream, packet, (guint16)(65000 + i), 1, 10);
        memcpy(kept[i], packet, (gsize)n);
    }
    guint8 packet[64];
#define OPEN(i)                                                                                    \
    (memcpy(packet, kept[i], 64),                                                                  \
     mnb_srtp_unprotect(receiver, &in_stream, packet, (gsize)n, HEADER_BYTES))
    g_assert_cmpint(OPEN(0), ==, HEADER_BYTES + 10);
    g_assert_cmpint(OPEN(0), ==, -EALREADY);
    for (guint16 i = 1; i < 1200; i++)
        if (i % 100 != 50)
            g_assert_cmpint(OPEN(i), ==, HEADER_BYTES + 10);
    for (guint16 i = 0; i < 1200; i++) {
        int expected = i < 1200 - MNB_SRTP_WINDOW_BITS ? -ESTALE
                       : i % 100 == 50                 ? HEADER_BYTES + 10
                                                       : -EALREADY;
        g_assert_cmpint(OPEN(i), ==, expected);
    }
    for (guint16 i = 0; i < 1200; i++)
        g_assert_cmpint(OPEN(i), <, 0);
#undef OPEN
    mnb_srtp_free(sender);
    mnb_srtp_free(receiver);
}

static void test_a_long_jump_clears_the_window(void)
{
    MnbSrtp *sender = new_keys(MNB_SRTP_AEAD_AES_128_GCM),
            *receiver = new_keys(MNB_SRTP_AEAD_AES_128_GCM);
    MnbSrtpStream out_stream = {0}, in_stream = {0};
    static const guint16 seqs[] = {5, 5 + 1024, 6, 5 + 1024 + 1025, 5 + 1024 + 2, 30000, 29000};
    for (gsize i = 0; i < G_N_ELEMENTS(seqs); i++) {
        guint8 packet[BUFFER_BYTES];
        int n = protect(sender, &out_stream, packet, seqs[i], 1, 10);
        g_assert_cmpint(n, >, 0);
        g_assert_cmpint(mnb_srtp_unprotect(receiver, &in_stream, packet, (gsize)n, HEADER_BYTES), >,
                        0);
    }
    mnb_srtp_free(sender);
    mnb_srtp_free(receiver);
}

static void test_refuses_changed_bytes(void)
{
    for (gsize p = 0; p < G_N_ELEMENTS(profiles); p++) {
        MnbSrtp *sender = new_keys(profiles[p]), *receiver = new_keys(profiles[p]);
        MnbSrtpStream out_stream = {0}, in_stream = {0};
        guint8 good[BUFFER_BYTES], bad[BUFFER_BYTES];
        int n = protect(sender, &out_stream, good, 100, 77, 40);
        for (int i = 0; i < n * 8; i++) {
            memcpy(bad, good, (gsize)n);
            bad[i / 8] ^= (guint8)(1 << i % 8);
            g_assert_cmpint(mnb_srtp_unprotect(receiver, &in_stream, bad, (gsize)n, HEADER_BYTES),
                            ==, -EACCES);
        }
        for (int cut = 1; cut < n; cut++) {
            memcpy(bad, good, (gsize)n);
            int result =
                mnb_srtp_unprotect(receiver, &in_stream, bad, (gsize)(n - cut), HEADER_BYTES);
            g_assert_true(result == -EACCES || result == -EBADMSG);
        }
        /* None of it has moved the stream: the next good packet passes. */
        g_assert_false(in_stream.is_started);
        g_assert_cmpint(mnb_srtp_unprotect(receiver, &in_stream, good, (gsize)n, HEADER_BYTES), ==,
                        HEADER_BYTES + 40);
        mnb_srtp_free(sender);
        mnb_srtp_free(receiver);
    }
}

static void test_never_seals_an_index_twice(void)
{
    MnbSrtp *sender = new_keys(MNB_SRTP_AEAD_AES_128_GCM);
    MnbSrtpStream stream = {0};
    guint8 packet[BUFFER_BYTES];
    g_assert_cmpint(protect(sender, &stream, packet, 2000, 1, 10), >, 0);
    g_assert_cmpint(protect(sender, &stream, packet, 2000, 1, 11), ==, -EALREADY);
    g_assert_cmpint(protect(sender, &stream, packet, 1990, 1, 10), >, 0);
    g_assert_cmpint(protect(sender, &stream, packet, 1990, 1, 10), ==, -EALREADY);
    g_assert_cmpint(protect(sender, &stream, packet, 900, 1, 10), ==, -ESTALE);
    mnb_srtp_free(sender);
}

/* A repair without RTX: the same bytes, or none. */
static void test_makes_a_packet_again(void)
{
    for (gsize p = 0; p < G_N_ELEMENTS(profiles); p++) {
        MnbSrtp *sender = new_keys(profiles[p]);
        MnbSrtpStream stream = {0};
        guint8 first[BUFFER_BYTES], again[BUFFER_BYTES], payload[60] = {1, 2, 3};
        MnbSrtpPacket packet = {.header_len = HEADER_BYTES,
                                .payload = payload,
                                .payload_len = sizeof payload,
                                .padding_len = 5};
        write_header(again, 65530, 7);
        g_assert_cmpint(mnb_srtp_protect_again(sender, &stream, again, sizeof again, &packet, 1),
                        ==, -ENOENT);
        write_header(first, 65530, 7);
        int len = mnb_srtp_protect(sender, &stream, first, sizeof first, &packet);
        g_assert_cmpint(len, >, 0);
        guint32 end = mnb_srtp_end(first, len);
        /* across a wrap of the sequence number */
        for (guint i = 1; i < 500; i++)
            if (i != 250)
                g_assert_cmpint(protect(sender, &stream, again, (guint16)(65530 + i), 7, 20), >, 0);
        write_header(again, 65530, 7);
        g_assert_cmpint(mnb_srtp_protect_again(sender, &stream, again, sizeof again, &packet, end),
                        ==, len);
        g_assert_cmpmem(again, len, first, len);
        /* another payload, padding or header: nothing comes out */
        payload[30] ^= 1;
        for (guint i = 0; i < 3; i++) {
            write_header(again, 65530, 7);
            if (i == 1)
                payload[30] ^= 1, packet.padding_len = 6;
            if (i == 2)
                packet.padding_len = 5, again[4] ^= 1;
            g_assert_cmpint(
                mnb_srtp_protect_again(sender, &stream, again, sizeof again, &packet, end), ==,
                -EPERM);
            for (int j = 0; j < len; j++)
                g_assert_cmpuint(again[j], ==, 0);
        }
        /* a number that was never sent, one that is to come, one that is too old */
        const guint16 others[] = {(guint16)(65530 + 250), (guint16)(65530 + 500),
                                  (guint16)(65530 - 900)};
        for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
            write_header(again, others[i], 7);
            g_assert_cmpint(
                mnb_srtp_protect_again(sender, &stream, again, sizeof again, &packet, end), ==,
                -ENOENT);
        }
        g_assert_cmpint(mnb_srtp_protect_again(sender, &stream, again, 20, &packet, end), ==,
                        -ENOSPC);
        packet.header_len = 8;
        g_assert_cmpint(mnb_srtp_protect_again(sender, &stream, again, sizeof again, &packet, end),
                        ==, -EINVAL);
        mnb_srtp_free(sender);
    }
}

static void test_rollover_counter_counts_wraps(void)
{
    for (gsize p = 0; p < G_N_ELEMENTS(profiles); p++) {
        MnbSrtp *sender = new_keys(profiles[p]), *receiver = new_keys(profiles[p]);
        MnbSrtpStream out_stream = {0}, in_stream = {0};
        for (guint i = 0; i < 200; i++) {
            guint8 packet[BUFFER_BYTES], late[BUFFER_BYTES];
            guint16 seq = (guint16)(i * 3001);
            int n = protect(sender, &out_stream, packet, seq, 5, 20);
            int m = i == 0 ? 0 : protect(sender, &out_stream, late, (guint16)(seq - 3), 5, 20);
            g_assert_cmpint(
                mnb_srtp_unprotect(receiver, &in_stream, packet, (gsize)n, HEADER_BYTES), >, 0);
            if (i > 0)
                g_assert_cmpint(
                    mnb_srtp_unprotect(receiver, &in_stream, late, (gsize)m, HEADER_BYTES), >, 0);
        }
        g_assert_cmpuint(in_stream.highest, ==, 199 * 3001);
        g_assert_cmpuint(out_stream.highest, ==, 199 * 3001);
        mnb_srtp_free(sender);
        mnb_srtp_free(receiver);
    }
}

static void test_first_packets_around_zero(void)
{
    MnbSrtp *sender = new_keys(MNB_SRTP_AEAD_AES_128_GCM);
    MnbSrtpStream stream = {0};
    guint8 packet[BUFFER_BYTES];
    g_assert_cmpint(protect(sender, &stream, packet, 2, 1, 10), >, 0);
    /* Would need a rollover counter of -1. */
    g_assert_cmpint(protect(sender, &stream, packet, 65535, 1, 10), ==, -ESTALE);
    g_assert_cmpint(protect(sender, &stream, packet, 0, 1, 10), >, 0);
    stream = (MnbSrtpStream){.is_started = true, .highest = (1ULL << 48) - 1};
    g_assert_cmpint(protect(sender, &stream, packet, 0, 1, 10), ==, -ESTALE);
    mnb_srtp_free(sender);
}

static void test_says_what_does_not_fit(void)
{
    int error = 0;
    MnbSrtp *sender = new_keys(MNB_SRTP_AEAD_AES_128_GCM);
    MnbSrtpStream stream = {0};
    guint8 packet[64], payload[30] = {0};
    write_header(packet, 1, 1);
    MnbSrtpPacket parts = {.header_len = HEADER_BYTES, .payload = payload, .payload_len = 30};
    g_assert_cmpint(mnb_srtp_protect(sender, &stream, packet, 57, &parts), ==, -ENOSPC);
    g_assert_cmpint(mnb_srtp_protect(sender, &stream, packet, 58, &parts), ==, 58);
    parts.header_len = 11;
    g_assert_cmpint(mnb_srtp_protect(sender, &stream, packet, 64, &parts), ==, -EINVAL);
    g_assert_cmpint(mnb_srtp_unprotect(sender, &stream, packet, 20, 12), ==, -EBADMSG);
    g_assert_cmpint(mnb_srtp_unprotect(sender, &stream, packet, 64, 60), ==, -EBADMSG);
    g_assert_cmpint(mnb_srtp_protect_rtcp(sender, packet, 28, 47), ==, -ENOSPC);
    g_assert_cmpint(mnb_srtp_protect_rtcp(sender, packet, 4, 64), ==, -EINVAL);
    g_assert_cmpint(mnb_srtp_unprotect_rtcp(sender, packet, 27), ==, -EBADMSG);
    g_assert_null(mnb_srtp_new(backend, (MnbSrtpProfile)2, master_key, master_salt, &error));
    g_assert_cmpint(error, ==, -EINVAL);
    g_assert_null(
        mnb_srtp_new_from_export(backend, MNB_SRTP_AEAD_AES_128_GCM, payload, 30, true, &error));
    mnb_srtp_free(sender);
    mnb_srtp_free(NULL);
}

static void test_exported_keys_are_told_apart(void)
{
    guint8 material[MNB_SRTP_EXPORT_MAX], packet[BUFFER_BYTES];
    int error = 0;
    for (gsize i = 0; i < sizeof material; i++)
        material[i] = (guint8)i;
    for (gsize p = 0; p < G_N_ELEMENTS(profiles); p++) {
        gsize key = mnb_srtp_key_bytes(profiles[p]), salt = mnb_srtp_salt_bytes(profiles[p]);
        gsize len = mnb_srtp_export_bytes(profiles[p]);
        g_assert_cmpuint(len, ==, 2 * (key + salt));
        MnbSrtp *client =
            mnb_srtp_new_from_export(backend, profiles[p], material, len, true, &error);
        MnbSrtp *server =
            mnb_srtp_new_from_export(backend, profiles[p], material, len, false, &error);
        MnbSrtp *direct =
            mnb_srtp_new(backend, profiles[p], material + key, material + 2 * key + salt, &error);
        MnbSrtpStream a = {0}, b = {0}, c = {0};
        int n = protect(server, &a, packet, 1, 1, 50);
        guint8 copy[BUFFER_BYTES];
        memcpy(copy, packet, (gsize)n);
        g_assert_cmpint(mnb_srtp_unprotect(client, &b, copy, (gsize)n, HEADER_BYTES), ==, -EACCES);
        g_assert_cmpint(mnb_srtp_unprotect(direct, &c, packet, (gsize)n, HEADER_BYTES), ==, 62);
        mnb_srtp_free(client);
        mnb_srtp_free(server);
        mnb_srtp_free(direct);
    }
}

static int protect_rtcp(MnbSrtp *srtp, guint8 *packet, guint32 ssrc)
{
    memset(packet, 0, 32);
    packet[0] = 0x80;
    packet[1] = 201;
    mnb_put_u16(packet + 2, 7);
    mnb_put_u32(packet + 4, ssrc);
    return mnb_srtp_protect_rtcp(srtp, packet, 32, BUFFER_BYTES);
}

static void test_rtcp_replay_and_tampering(void)
{
    for (gsize p = 0; p < G_N_ELEMENTS(profiles); p++) {
        MnbSrtp *sender = new_keys(profiles[p]), *receiver = new_keys(profiles[p]);
        guint8 kept[300][64], packet[BUFFER_BYTES];
        int n = 0;
        for (int i = 0; i < 300; i++) {
            n = protect_rtcp(sender, packet, 42);
            g_assert_cmpint(n, ==, 32 + 4 + (int)mnb_srtp_tag_bytes(profiles[p]));
            memcpy(kept[i], packet, (gsize)n);
        }
        for (int i = 0; i < n * 8; i++) {
            memcpy(packet, kept[0], (gsize)n);
            packet[i / 8] ^= (guint8)(1 << i % 8);
            g_assert_cmpint(mnb_srtp_unprotect_rtcp(receiver, packet, (gsize)n), ==, -EACCES);
        }
        static const struct {
            int index, result;
        } steps[] = {{0, 32},        {0, -EALREADY}, {2, 32},        {1, 32},
                     {1, -EALREADY}, {70, 32},       {2, -EALREADY}, {3, 32},
                     {140, 32},      {12, -ESTALE},  {13, 32},       {70, -EALREADY},
                     {299, 32},      {140, -ESTALE}, {200, 32},      {299, -EALREADY}};
        for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
            memcpy(packet, kept[steps[i].index], (gsize)n);
            g_assert_cmpint(mnb_srtp_unprotect_rtcp(receiver, packet, (gsize)n), ==,
                            steps[i].result);
        }
        mnb_srtp_free(sender);
        mnb_srtp_free(receiver);
    }
}

static void test_rtcp_of_many_senders(void)
{
    MnbSrtp *sender = new_keys(MNB_SRTP_AEAD_AES_128_GCM),
            *receiver = new_keys(MNB_SRTP_AEAD_AES_128_GCM);
    guint8 first[16][64], packet[BUFFER_BYTES];
    int n = 0;
    for (guint32 ssrc = 0; ssrc < 16; ssrc++) {
        n = protect_rtcp(sender, packet, ssrc);
        memcpy(first[ssrc], packet, (gsize)n);
        g_assert_cmpint(mnb_srtp_unprotect_rtcp(receiver, packet, (gsize)n), ==, 32);
    }
    for (guint32 ssrc = 0; ssrc < 16; ssrc++) {
        memcpy(packet, first[ssrc], (gsize)n);
        g_assert_cmpint(mnb_srtp_unprotect_rtcp(receiver, packet, (gsize)n), ==, -EALREADY);
    }
    /* The seventeenth takes the place of the one that was silent longest. */
    n = protect_rtcp(sender, packet, 99);
    g_assert_cmpint(mnb_srtp_unprotect_rtcp(receiver, packet, (gsize)n), ==, 32);
    memcpy(packet, first[15], (gsize)n);
    g_assert_cmpint(mnb_srtp_unprotect_rtcp(receiver, packet, (gsize)n), ==, -EALREADY);
    mnb_srtp_free(sender);
    mnb_srtp_free(receiver);
}

#ifdef HAVE_SRTP2
/* libsrtp2 as judge: what it seals we open, and the other way round. */
static srtp_t judge_new(MnbSrtpProfile profile, gboolean is_sender)
{
    static guint8 key[MNB_SRTP_KEY_MAX + MNB_SRTP_SALT_MAX];
    gsize key_bytes = mnb_srtp_key_bytes(profile);
    memcpy(key, master_key, key_bytes);
    memcpy(key + key_bytes, master_salt, mnb_srtp_salt_bytes(profile));
    srtp_policy_t policy = {0};
    if (profile == MNB_SRTP_AES128_CM_SHA1_80) {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    } else if (profile == MNB_SRTP_AEAD_AES_128_GCM) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
    }
    policy.ssrc.type = is_sender ? ssrc_any_outbound : ssrc_any_inbound;
    policy.key = key;
    policy.window_size = 1024;
    srtp_t judge;
    g_assert_cmpint(srtp_create(&judge, &policy), ==, srtp_err_status_ok);
    return judge;
}

static void test_judge_opens_ours(gconstpointer data)
{
    MnbSrtpProfile profile = *(const MnbSrtpProfile *)data;
    MnbSrtp *sender = new_keys(profile);
    MnbSrtpStream stream = {0};
    srtp_t judge = judge_new(profile, FALSE);
    guint16 seq = 30000; /* the steps below wrap it more than once */
    for (int round = 0; round < 60; round++) {
        for (gsize len = (gsize)round % 3; len < 1300; len += 67) {
            guint8 packet[BUFFER_BYTES];
            int n = protect(sender, &stream, packet, seq, 0xabcd, len);
            seq = (guint16)(seq + 151);
            g_assert_cmpint(srtp_unprotect(judge, packet, &n), ==, srtp_err_status_ok);
            g_assert_cmpint(n, ==, HEADER_BYTES + (int)len);
            for (gsize i = 0; i < len; i++)
                g_assert_cmpint(packet[HEADER_BYTES + i], ==, (guint8)i);
        }
        guint8 packet[BUFFER_BYTES];
        int n = protect_rtcp(sender, packet, 0xabcd);
        g_assert_cmpint(srtp_unprotect_rtcp(judge, packet, &n), ==, srtp_err_status_ok);
        g_assert_cmpint(n, ==, 32);
    }
    g_assert_cmpuint(stream.highest, >, 2 << 16);
    srtp_dealloc(judge);
    mnb_srtp_free(sender);
}

static void test_we_open_the_judges(gconstpointer data)
{
    MnbSrtpProfile profile = *(const MnbSrtpProfile *)data;
    MnbSrtp *receiver = new_keys(profile);
    MnbSrtpStream stream = {0};
    srtp_t judge = judge_new(profile, TRUE);
    guint16 seq = 30000;
    for (int round = 0; round < 60; round++) {
        for (gsize len = (gsize)round % 3; len < 1300; len += 67) {
            guint8 packet[BUFFER_BYTES];
            write_header(packet, seq, 0xabcd);
            /* CSRC list and an extension, so that the header is not just 12 bytes */
            packet[0] |= 0x12;
            memset(packet + 12, 3, 8);
            mnb_put_u32(packet + 20, 0xbede0001);
            mnb_put_u32(packet + 24, 0x10ff0000);
            memset(packet + 28, 0x5a, len);
            seq = (guint16)(seq + 151);
            int n = 28 + (int)len;
            g_assert_cmpint(srtp_protect(judge, packet, &n), ==, srtp_err_status_ok);
            n = mnb_srtp_unprotect(receiver, &stream, packet, (gsize)n, 28);
            g_assert_cmpint(n, ==, 28 + (int)len);
            for (gsize i = 0; i < len; i++)
                g_assert_cmpint(packet[28 + i], ==, 0x5a);
        }
        guint8 packet[BUFFER_BYTES] = {0x80, 201, 0, 7, 0, 0, 0xab, 0xcd};
        int n = 32;
        g_assert_cmpint(srtp_protect_rtcp(judge, packet, &n), ==, srtp_err_status_ok);
        g_assert_cmpint(mnb_srtp_unprotect_rtcp(receiver, packet, (gsize)n), ==, 32);
    }
    srtp_dealloc(judge);
    mnb_srtp_free(receiver);
}
#endif

typedef struct {
    const char *name;
    void (*run)(void);
    void (*run_with)(gconstpointer data);
    gconstpointer data;
} Test;

static const Test tests[] = {
    {"/srtp/counter-mode-is-that-of-rfc-3711-b2", test_aes_counter_mode, NULL, NULL},
    {"/srtp/key-derivation-is-that-of-rfc-3711-b3", test_key_derivation, NULL, NULL},
    {"/srtp/opens-what-it-sealed-at-every-size", test_every_profile_there_and_back, NULL, NULL},
    {"/srtp/prefix-payload-and-padding-make-one-packet", test_pieces_make_one_packet, NULL, NULL},
    {"/srtp/refuses-a-replayed-packet", test_refuses_a_replayed_packet, NULL, NULL},
    {"/srtp/a-long-jump-clears-the-window", test_a_long_jump_clears_the_window, NULL, NULL},
    {"/srtp/refuses-any-flipped-bit-and-any-cut", test_refuses_changed_bytes, NULL, NULL},
    {"/srtp/makes-a-packet-again-bit-by-bit-or-not-at-all", test_makes_a_packet_again, NULL, NULL},
    {"/srtp/never-seals-an-index-twice", test_never_seals_an_index_twice, NULL, NULL},
    {"/srtp/rollover-counter-counts-wraps", test_rollover_counter_counts_wraps, NULL, NULL},
    {"/srtp/refuses-indexes-before-the-first-and-after-the-last", test_first_packets_around_zero,
     NULL, NULL},
    {"/srtp/says-what-does-not-fit", test_says_what_does_not_fit, NULL, NULL},
    {"/srtp/tells-exported-keys-apart", test_exported_keys_are_told_apart, NULL, NULL},
    {"/srtcp/refuses-replays-and-flipped-bits", test_rtcp_replay_and_tampering, NULL, NULL},
    {"/srtcp/keeps-a-window-for-each-sender", test_rtcp_of_many_senders, NULL, NULL},
    {"/srtp/gcm-128-is-that-of-rfc-7714", NULL, test_gcm_vectors, &gcm_vectors[0]},
    {"/srtp/gcm-256-is-that-of-rfc-7714", NULL, test_gcm_vectors, &gcm_vectors[1]},
#ifdef HAVE_SRTP2
    {"/srtp/libsrtp2-opens-ours-cm-sha1", NULL, test_judge_opens_ours, &profiles[0]},
    {"/srtp/libsrtp2-opens-ours-gcm-128", NULL, test_judge_opens_ours, &profiles[1]},
    {"/srtp/libsrtp2-opens-ours-gcm-256", NULL, test_judge_opens_ours, &profiles[2]},
    {"/srtp/we-open-libsrtp2s-cm-sha1", NULL, test_we_open_the_judges, &profiles[0]},
    {"/srtp/we-open-libsrtp2s-gcm-128", NULL, test_we_open_the_judges, &profiles[1]},
    {"/srtp/we-open-libsrtp2s-gcm-256", NULL, test_we_open_the_judges, &profiles[2]},
#endif
};

static void run_openssl(gconstpointer data)
{
    const Test *test = data;
    backend = &mnb_srtp_backend_evp;
    if (test->run != NULL)
        test->run();
    else
        test->run_with(test->data);
}

static void run_ipsec_mb(gconstpointer data)
{
    const Test *test = data;
    backend = mnb_srtp_backend_ipsec_mb();
    if (test->run != NULL)
        test->run();
    else
        test->run_with(test->data);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#ifdef HAVE_SRTP2
    g_assert_cmpint(srtp_init(), ==, srtp_err_status_ok);
#endif
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *openssl = g_strconcat("/openssl", tests[i].name, NULL);
        g_autofree char *ipsec_mb = g_strconcat("/ipsec-mb", tests[i].name, NULL);
        g_test_add_data_func(openssl, &tests[i], run_openssl);
        if (mnb_srtp_backend_ipsec_mb() != NULL)
            g_test_add_data_func(ipsec_mb, &tests[i], run_ipsec_mb);
    }
    return g_test_run();
}
