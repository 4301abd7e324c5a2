/* Every cipher backend gives the bytes of OpenSSL's, and opens what that one sealed. */
#include "server/media/rtp.h"
#include "server/media/srtp-backend.h"
#include <errno.h>
#include <glib.h>
#include <string.h>

static const MnbSrtpProfile profiles[] = {MNB_SRTP_AEAD_AES_128_GCM, MNB_SRTP_AEAD_AES_256_GCM,
                                          MNB_SRTP_AES128_CM_SHA1_80};

typedef struct {
    MnbSrtp *evp, *other;
    MnbSrtp *evp_back, *other_back;
} Pair;

static Pair make_pair(const MnbSrtpBackend *other, MnbSrtpProfile profile)
{
    uint8_t key[MNB_SRTP_KEY_MAX], salt[MNB_SRTP_SALT_MAX];
    int error;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i * 7 + 1);
    for (size_t i = 0; i < sizeof salt; i++)
        salt[i] = (uint8_t)(i * 5 + 3);
    Pair pair = {
        mnb_srtp_new(&mnb_srtp_backend_evp, profile, key, salt, &error),
        mnb_srtp_new(other, profile, key, salt, &error),
        mnb_srtp_new(&mnb_srtp_backend_evp, profile, key, salt, &error),
        mnb_srtp_new(other, profile, key, salt, &error),
    };
    g_assert_true(pair.evp && pair.other && pair.evp_back && pair.other_back);
    return pair;
}

static void clear_pair(Pair *pair)
{
    mnb_srtp_free(pair->evp);
    mnb_srtp_free(pair->other);
    mnb_srtp_free(pair->evp_back);
    mnb_srtp_free(pair->other_back);
}

static size_t write_header(uint8_t *out, uint16_t seq, size_t n_extension)
{
    static const uint8_t bytes[16] = {1, 2, 3, 4};
    MnbRtpBuilder builder;
    mnb_rtp_build(&builder, out, 64, 96, 0x12345678);
    if (n_extension > 0)
        mnb_rtp_build_extension(&builder, 3, bytes, n_extension);
    int len = mnb_rtp_build_end(&builder);
    g_assert_cmpint(len, >=, 12);
    mnb_rtp_set_seq(out, seq);
    return (size_t)len;
}

static void test_rtp(void)
{
    const MnbSrtpBackend *other = mnb_srtp_backend_ipsec_mb();
    static uint8_t payload[1400];
    if (other == NULL) {
        g_test_skip("no libipsec-mb in this build");
        return;
    }
    g_assert_true(mnb_srtp_backend_best() == other);
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 13);
    for (size_t p = 0; p < G_N_ELEMENTS(profiles); p++) {
        Pair pair = make_pair(other, profiles[p]);
        MnbSrtpStream streams[4] = {0};
        uint16_t seq = 65000; /* over a wrap */
        for (size_t size = 0; size <= sizeof payload; size += size < 70 ? 1 : 37) {
            uint8_t a[1600] = {0}, b[1600] = {0};
            size_t prefix = size % 7;
            MnbSrtpPacket packet = {.header_len = (uint16_t)write_header(a, seq, size % 5),
                                    .prefix_len = (uint16_t)prefix,
                                    .payload_len = (uint16_t)size,
                                    .padding_len = (uint8_t)(size % 3 == 0 ? size % 11 : 0),
                                    .payload = payload};
            memset(a + packet.header_len, 0xee, prefix);
            memcpy(b, a, sizeof a);
            int la = mnb_srtp_protect(pair.evp, &streams[0], a, sizeof a, &packet);
            int lb = mnb_srtp_protect(pair.other, &streams[1], b, sizeof b, &packet);
            g_assert_cmpint(la, >, 0);
            g_assert_cmpmem(a, (size_t)la, b, (size_t)lb);
            /* each opens the other's; a changed byte is refused by both */
            b[lb - 3] ^= 1;
            g_assert_cmpint(
                mnb_srtp_unprotect(pair.other_back, &streams[2], b, (size_t)lb, packet.header_len),
                ==, -EACCES);
            memcpy(b, a, (size_t)la);
            int pa =
                mnb_srtp_unprotect(pair.other_back, &streams[2], a, (size_t)la, packet.header_len);
            int pb =
                mnb_srtp_unprotect(pair.evp_back, &streams[3], b, (size_t)la, packet.header_len);
            g_assert_cmpint(pa, >, 0);
            g_assert_cmpmem(a, (size_t)pa, b, (size_t)pb);
            g_assert_cmpmem(a + packet.header_len + prefix, size, payload, size);
            seq += 17;
        }
        clear_pair(&pair);
    }
}

static void test_rtcp(void)
{
    const MnbSrtpBackend *other = mnb_srtp_backend_ipsec_mb();
    if (other == NULL) {
        g_test_skip("no libipsec-mb in this build");
        return;
    }
    for (size_t p = 0; p < G_N_ELEMENTS(profiles); p++) {
        Pair pair = make_pair(other, profiles[p]);
        for (size_t size = 8; size <= 1200; size += 4) {
            uint8_t a[1300], b[1300];
            memset(a, (int)size, sizeof a);
            a[0] = 0x80;
            a[1] = 200;
            memcpy(b, a, sizeof a);
            int la = mnb_srtp_protect_rtcp(pair.evp, a, size, sizeof a);
            int lb = mnb_srtp_protect_rtcp(pair.other, b, size, sizeof b);
            g_assert_cmpint(la, >, 0);
            g_assert_cmpmem(a, (size_t)la, b, (size_t)lb);
            g_assert_cmpint(mnb_srtp_unprotect_rtcp(pair.other_back, a, (size_t)la), ==, (int)size);
            g_assert_cmpint(mnb_srtp_unprotect_rtcp(pair.evp_back, b, (size_t)lb), ==, (int)size);
            g_assert_cmpmem(a, size, b, size);
        }
        clear_pair(&pair);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/srtp-backends/seal-and-open-rtp-alike", test_rtp);
    g_test_add_func("/srtp-backends/seal-and-open-rtcp-alike", test_rtcp);
    return g_test_run();
}
