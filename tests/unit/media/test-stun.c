#include "server/media/bytes.h"
#include "server/media/stun.h"
#include "tests/unit/media/hex.h"
#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <netinet/in.h>
#ifdef HAVE_NICE
#include <stun/usages/ice.h>
#endif

/* RFC 5769 2.1 to 2.3 */
static const char vector_password[] = "VOkJxbRl1RmTxUk/WvJxBt";
static const char vector_request[] =
    "00010058 2112a442 b7e7a701 bc34d686 fa87dfae 80220010 5354554e 20746573 7420636c 69656e74"
    "00240004 6e0001ff 80290008 932ff9b1 51263b36 00060009 6576746a 3a683676 59202020"
    "00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2 80280004 e57a3bcf";
static const char vector_response4[] =
    "0101003c 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220"
    "00200008 0001a147 e112a643 00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7"
    "80280004 c07d4c96";
static const char vector_response6[] =
    "01010048 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220"
    "00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9"
    "00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41 80280004 c8fb0b4c";

static const char pwd[] = "0123456789abcdefghijkl";
static const MnbStunRequest plain_request = {
    .transaction_id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
    .username = "ours:theirs",
    .priority = 0x6e7f1eff,
    .role = MNB_ICE_CONTROLLING,
    .tie_breaker = 0x0102030405060708,
    .use_candidate = true,
};

static gsize write_request(guint8 *out, const MnbStunRequest *request)
{
    int len = mnb_stun_write_request(out, 512, request, pwd, strlen(pwd));
    g_assert_cmpint(len, >, 0);
    return (gsize)len;
}

static struct sockaddr_storage address(const char *text, guint16 port)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *ip4 = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *ip6 = (struct sockaddr_in6 *)&storage;
    if (inet_pton(AF_INET, text, &ip4->sin_addr) == 1) {
        ip4->sin_family = AF_INET;
        ip4->sin_port = htons(port);
    } else {
        g_assert_cmpint(inet_pton(AF_INET6, text, &ip6->sin6_addr), ==, 1);
        ip6->sin6_family = AF_INET6;
        ip6->sin6_port = htons(port);
    }
    return storage;
}

static void assert_mapped(const MnbStun *stun, const char *text, guint16 port)
{
    char got[INET6_ADDRSTRLEN] = "";
    g_assert_true(stun->has_mapped);
    if (stun->mapped.ss_family == AF_INET) {
        const struct sockaddr_in *ip4 = (const struct sockaddr_in *)&stun->mapped;
        inet_ntop(AF_INET, &ip4->sin_addr, got, sizeof got);
        g_assert_cmpint(ntohs(ip4->sin_port), ==, port);
    } else {
        const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)&stun->mapped;
        inet_ntop(AF_INET6, &ip6->sin6_addr, got, sizeof got);
        g_assert_cmpint(ntohs(ip6->sin6_port), ==, port);
    }
    g_assert_cmpstr(got, ==, text);
}

static void test_request_vector(void)
{
    guint8 data[256];
    MnbStun stun;
    gsize len = hex(data, vector_request);
    g_assert_cmpint(mnb_stun_parse(&stun, data, len), ==, 0);
    g_assert_cmpint(stun.type, ==, MNB_STUN_REQUEST);
    g_assert_cmpmem(stun.username, stun.username_len, "evtj:h6vY", 9);
    g_assert_cmpuint(stun.priority, ==, 0x6e0001ff);
    g_assert_cmpint(stun.role, ==, MNB_ICE_CONTROLLED);
    g_assert_cmpuint(stun.tie_breaker, ==, 0x932ff9b151263b36);
    g_assert_true(stun.has_fingerprint);
    g_assert_false(stun.use_candidate);
    g_assert_cmpint(mnb_stun_check_integrity(&stun, data, vector_password, strlen(vector_password)),
                    ==, 0);
    g_assert_cmpint(mnb_stun_check_integrity(&stun, data, "wrong", 5), ==, -EACCES);
}

static void test_response_vectors(void)
{
    guint8 data[256];
    MnbStun stun;
    gsize len = hex(data, vector_response4);
    g_assert_cmpint(mnb_stun_parse(&stun, data, len), ==, 0);
    g_assert_cmpint(stun.type, ==, MNB_STUN_SUCCESS);
    assert_mapped(&stun, "192.0.2.1", 32853);
    g_assert_cmpint(mnb_stun_check_integrity(&stun, data, vector_password, strlen(vector_password)),
                    ==, 0);
    len = hex(data, vector_response6);
    g_assert_cmpint(mnb_stun_parse(&stun, data, len), ==, 0);
    assert_mapped(&stun, "2001:db8:1234:5678:11:2233:4455:6677", 32853);
    g_assert_cmpint(mnb_stun_check_integrity(&stun, data, vector_password, strlen(vector_password)),
                    ==, 0);
}

static void test_reads_its_own_request(void)
{
    guint8 data[512];
    MnbStun stun;
    const char *ours, *theirs;
    gsize ours_len, theirs_len;
    gsize len = write_request(data, &plain_request);
    g_assert_cmpint(mnb_stun_parse(&stun, data, len), ==, 0);
    g_assert_true(stun.use_candidate && stun.has_priority && stun.has_fingerprint);
    g_assert_cmpint(stun.role, ==, MNB_ICE_CONTROLLING);
    g_assert_cmpuint(stun.tie_breaker, ==, plain_request.tie_breaker);
    g_assert_cmpuint(stun.priority, ==, plain_request.priority);
    g_assert_cmpmem(stun.transaction_id, 12, plain_request.transaction_id, 12);
    g_assert_cmpint(mnb_stun_split_username(&stun, &ours, &ours_len, &theirs, &theirs_len), ==, 0);
    g_assert_cmpmem(ours, ours_len, "ours", 4);
    g_assert_cmpmem(theirs, theirs_len, "theirs", 6);
    g_assert_cmpint(mnb_stun_check_request(&stun, data, pwd, strlen(pwd)), ==, 0);
}

static void test_answers_with_the_source_address(void)
{
    static const struct {
        const char *source, *mapped;
    } cases[] = {{"127.1.2.3", "127.1.2.3"},
                 {"2001:db8::7", "2001:db8::7"},
                 {"::ffff:192.0.2.9", "192.0.2.9"}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint8 data[512], reply[MNB_STUN_REPLY_MAX];
        MnbStun request, response;
        gsize len = write_request(data, &plain_request);
        g_assert_cmpint(mnb_stun_parse(&request, data, len), ==, 0);
        struct sockaddr_storage source = address(cases[i].source, 40000);
        int n = mnb_stun_write_success(reply, sizeof reply, &request, (struct sockaddr *)&source,
                                       pwd, strlen(pwd));
        g_assert_cmpint(n, >, 0);
        g_assert_cmpint(mnb_stun_parse(&response, reply, (gsize)n), ==, 0);
        g_assert_cmpint(response.type, ==, MNB_STUN_SUCCESS);
        g_assert_true(response.has_fingerprint);
        g_assert_cmpmem(response.transaction_id, 12, plain_request.transaction_id, 12);
        assert_mapped(&response, cases[i].mapped, 40000);
        g_assert_cmpint(mnb_stun_check_integrity(&response, reply, pwd, strlen(pwd)), ==, 0);
    }
    guint8 reply[MNB_STUN_REPLY_MAX];
    MnbStun request = {0};
    struct sockaddr local = {.sa_family = AF_UNIX};
    g_assert_cmpint(mnb_stun_write_success(reply, sizeof reply, &request, &local, pwd, 3), ==,
                    -EAFNOSUPPORT);
    g_assert_cmpint(mnb_stun_write_success(reply, 100, &request, &local, pwd, 3), ==, -ENOSPC);
}

/* Appends an attribute and makes the length right; integrity and fingerprint are not. */
static gsize append(guint8 *data, gsize len, guint16 type, const void *value, guint16 size)
{
    mnb_put_u16(data + len, type);
    mnb_put_u16(data + len + 2, size);
    memset(data + len + 4, 0, (size + 3u) & ~3u);
    memcpy(data + len + 4, value, size);
    len += 4 + ((size + 3u) & ~3u);
    mnb_put_u16(data + 2, (guint16)(len - 20));
    return len;
}

static gsize bare_request(guint8 *data)
{
    memset(data, 0, 20);
    mnb_put_u16(data, MNB_STUN_REQUEST);
    mnb_put_u32(data + 4, MNB_STUN_COOKIE);
    return 20;
}

static void assert_error_reply(const MnbStun *request, int code, const char *with_pwd)
{
    guint8 reply[MNB_STUN_REPLY_MAX];
    MnbStun response;
    int n = mnb_stun_write_error(reply, sizeof reply, request, (MnbStunCode)code, with_pwd,
                                 with_pwd != NULL ? strlen(with_pwd) : 0);
    g_assert_cmpint(n, >, 0);
    g_assert_cmpint(mnb_stun_parse(&response, reply, (gsize)n), ==, 0);
    g_assert_cmpint(response.type, ==, MNB_STUN_ERROR);
    g_assert_cmpint(response.error_code, ==, code);
    if (with_pwd != NULL)
        g_assert_cmpint(mnb_stun_check_integrity(&response, reply, with_pwd, strlen(with_pwd)), ==,
                        0);
    else
        g_assert_cmpint(n, <=, request->len);
}

static void test_refuses_what_is_not_authentic(void)
{
    guint8 data[512];
    MnbStun stun;
    /* no USERNAME and no MESSAGE-INTEGRITY */
    gsize len = bare_request(data);
    len = append(data, len, 0x0024, "\0\0\0\1", 4);
    len = append(data, len, 0x8022, "some software", 13);
    g_assert_cmpint(mnb_stun_parse(&stun, data, len), ==, 0);
    g_assert_cmpint(mnb_stun_check_request(&stun, data, pwd, strlen(pwd)), ==, 400);
    assert_error_reply(&stun, 400, NULL);
    /* nobody by that name, or another password */
    len = write_request(data, &plain_request);
    g_assert_cmpint(mnb_stun_parse(&stun, data, len), ==, 0);
    g_assert_cmpint(mnb_stun_check_request(&stun, data, NULL, 0), ==, 401);
    g_assert_cmpint(mnb_stun_check_request(&stun, data, "other", 5), ==, 401);
    assert_error_reply(&stun, 401, NULL);
}

static void test_answers_420_and_487(void)
{
    guint8 data[512], reply[MNB_STUN_REPLY_MAX];
    MnbStun stun;
    MnbStunRequest request = plain_request;
    request.role = MNB_ICE_CONTROLLED;
    gsize len = write_request(data, &request);
    g_assert_cmpint(mnb_stun_parse(&stun, data, len), ==, 0);
    g_assert_cmpint(mnb_stun_check_request(&stun, data, pwd, strlen(pwd)), ==, 487);
    assert_error_reply(&stun, 487, pwd);

    stun.role = MNB_ICE_CONTROLLING;
    stun.n_unknown = 3;
    stun.unknown[0] = 0x7001;
    stun.unknown[1] = 0x7002;
    stun.unknown[2] = 0x7003;
    g_assert_cmpint(mnb_stun_check_request(&stun, data, pwd, strlen(pwd)), ==, 420);
    assert_error_reply(&stun, 420, pwd);
    mnb_stun_write_error(reply, sizeof reply, &stun, MNB_STUN_UNKNOWN_ATTRIBUTE, pwd, strlen(pwd));
    assert_hex(reply + 28, 12, "000a0006 7001 7002 7003 0000");
}

static void test_remembers_unknown_required_attributes(void)
{
    guint8 data[512];
    MnbStun stun;
    gsize len = bare_request(data);
    for (guint16 type = 0x7000; type < 0x7000 + 12; type++)
        len = append(data, len, type, "x", 1);
    len = append(data, len, 0xc001, "optional", 8);
    g_assert_cmpint(mnb_stun_parse(&stun, data, len), ==, 0);
    g_assert_cmpint(stun.n_unknown, ==, MNB_STUN_UNKNOWN_MAX);
    g_assert_cmpint(stun.unknown[7], ==, 0x7007);
}

static void test_ignores_what_follows_integrity(void)
{
    guint8 data[512];
    MnbStun stun;
    MnbStunRequest request = plain_request;
    request.use_candidate = false;
    gsize len = write_request(data, &request) - 8; /* without FINGERPRINT */
    len = append(data, len, 0x0025, "", 0);        /* USE-CANDIDATE, added by somebody on the way */
    g_assert_cmpint(mnb_stun_parse(&stun, data, len), ==, 0);
    g_assert_false(stun.use_candidate);
    /* The length in the head is not what it was when the HMAC was made, as the RFC wants. */
    g_assert_cmpint(mnb_stun_check_request(&stun, data, pwd, strlen(pwd)), ==, 0);
}

static void test_never_amplifies(void)
{
    guint8 data[512], reply[MNB_STUN_REPLY_MAX];
    MnbStun stun;
    gsize len = bare_request(data);
    g_assert_cmpint(mnb_stun_parse(&stun, data, len), ==, 0);
    g_assert_cmpint(mnb_stun_write_error(reply, sizeof reply, &stun, MNB_STUN_BAD_REQUEST, NULL, 0),
                    ==, -EMSGSIZE);
    len = append(data, len, 0x0024, "\0\0\0\1", 4);
    len = append(data, len, 0x0025, "", 0);
    g_assert_cmpint(mnb_stun_parse(&stun, data, len), ==, 0);
    g_assert_cmpint(mnb_stun_write_error(reply, sizeof reply, &stun, MNB_STUN_BAD_REQUEST, NULL, 0),
                    ==, -EMSGSIZE);
    len = append(data, len, 0x8022, "", 0);
    g_assert_cmpint(mnb_stun_parse(&stun, data, len), ==, 0);
    g_assert_cmpint(mnb_stun_write_error(reply, sizeof reply, &stun, MNB_STUN_BAD_REQUEST, NULL, 0),
                    ==, 36);
}

static void test_refuses_malformed_messages(void)
{
    guint8 good[512], bad[512];
    MnbStun stun;
    gsize len = write_request(good, &plain_request);
    for (gsize cut = 1; cut <= len; cut++)
        g_assert_cmpint(mnb_stun_parse(&stun, good, len - cut), ==, -EBADMSG);
    /* Any flipped bit breaks FINGERPRINT, or hides it: then the integrity is wrong, or for bits of
     * the head the message is not taken at all. */
    for (gsize i = 0; i < len * 8; i++) {
        memcpy(bad, good, len);
        bad[i / 8] ^= (guint8)(1 << i % 8);
        g_assert_true(mnb_stun_parse(&stun, bad, len) < 0 ||
                      mnb_stun_check_request(&stun, bad, pwd, strlen(pwd)) != 0 ||
                      !stun.has_fingerprint);
    }
    static const struct {
        guint16 type, size;
    } wrong[] = {{0x0008, 19}, {0x0008, 24}, {0x0024, 3},  {0x0025, 4}, {0x802a, 4},
                 {0x8029, 12}, {0x0020, 7},  {0x0020, 12}, {0x0009, 3}, {0x0006, 300}};
    guint8 zeros[512] = {0};
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        len = bare_request(bad);
        len = append(bad, len, wrong[i].type, zeros, wrong[i].size);
        int result = mnb_stun_parse(&stun, bad, len);
        g_assert_cmpint(result, ==, wrong[i].type == 0x0006 ? 0 : -EBADMSG);
    }
    mnb_put_u16(bad, 0x0003); /* TURN allocate */
    g_assert_cmpint(mnb_stun_parse(&stun, bad, len), ==, -EBADMSG);
}

static void test_writes_only_what_fits(void)
{
    guint8 data[700];
    g_autofree char *name = g_strnfill(MNB_STUN_USERNAME_MAX, 'u');
    g_autofree char *longer = g_strnfill(MNB_STUN_USERNAME_MAX + 1, 'u');
    MnbStunRequest request = plain_request;
    g_assert_cmpint(mnb_stun_write_request(data, 80, &request, pwd, 4), ==, -ENOSPC);
    request.username = name;
    int len = mnb_stun_write_request(data, sizeof data, &request, pwd, 4);
    g_assert_cmpint(len, >, MNB_STUN_USERNAME_MAX);
    MnbStun stun;
    g_assert_cmpint(mnb_stun_parse(&stun, data, (gsize)len), ==, 0);
    g_assert_cmpint(mnb_stun_check_request(&stun, data, pwd, 4), ==, 0);
    g_assert_cmpint(mnb_stun_check_request(&stun, data, pwd, 5), ==, 401);
    request.username = longer;
    g_assert_cmpint(mnb_stun_write_request(data, sizeof data, &request, pwd, 4), ==, -EINVAL);
}

#ifdef HAVE_NICE
/* libnice as judge */
static const uint16_t nice_known[] = {
    STUN_ATTRIBUTE_USERNAME,       STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
    STUN_ATTRIBUTE_ERROR_CODE,     STUN_ATTRIBUTE_PRIORITY,
    STUN_ATTRIBUTE_USE_CANDIDATE,  STUN_ATTRIBUTE_ICE_CONTROLLING,
    STUN_ATTRIBUTE_ICE_CONTROLLED, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
    STUN_ATTRIBUTE_FINGERPRINT,    0};

static void nice_agent(StunAgent *agent)
{
    stun_agent_init(agent, nice_known, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
}

static void test_nice_takes_our_request(void)
{
    StunAgent agent;
    StunMessage message;
    guint8 data[512];
    uint8_t user[] = "ours:theirs", password[] = "0123456789abcdefghijkl";
    StunDefaultValidaterData known[] = {{user, 11, password, 22}, {NULL, 0, NULL, 0}};
    for (int nominates = 0; nominates < 2; nominates++) {
        MnbStunRequest request = plain_request;
        request.use_candidate = nominates == 1;
        gsize len = write_request(data, &request);
        nice_agent(&agent);
        g_assert_cmpint(
            stun_agent_validate(&agent, &message, data, len, stun_agent_default_validater, known),
            ==, STUN_VALIDATION_SUCCESS);
        g_assert_cmpuint(stun_usage_ice_conncheck_priority(&message), ==, request.priority);
        g_assert_cmpint(stun_usage_ice_conncheck_use_candidate(&message), ==, nominates);
        /* ... and we take its answer. */
        guint8 reply[512];
        StunMessage response;
        MnbStun stun;
        gsize reply_len = sizeof reply;
        struct sockaddr_storage source = address("127.9.8.7", 12345);
        bool controls = false;
        g_assert_cmpint(
            stun_usage_ice_conncheck_create_reply(&agent, &message, &response, reply, &reply_len,
                                                  &source, sizeof(struct sockaddr_in), &controls, 7,
                                                  STUN_USAGE_ICE_COMPATIBILITY_RFC5245),
            ==, STUN_USAGE_ICE_RETURN_SUCCESS);
        g_assert_cmpint(mnb_stun_parse(&stun, reply, reply_len), ==, 0);
        g_assert_cmpint(stun.type, ==, MNB_STUN_SUCCESS);
        assert_mapped(&stun, "127.9.8.7", 12345);
        g_assert_cmpint(mnb_stun_check_integrity(&stun, reply, pwd, strlen(pwd)), ==, 0);
    }
}

/* @reply: what we answer to libnice's check. Returns its verdict. */
static StunUsageIceReturn nice_hears(const char *source, int code, struct sockaddr_storage *mapped)
{
    StunAgent agent;
    StunMessage request, response;
    guint8 data[512], reply[MNB_STUN_REPLY_MAX];
    MnbStun stun;
    nice_agent(&agent);
    gsize len = stun_usage_ice_conncheck_create(&agent, &request, data, sizeof data,
                                                (const uint8_t *)"ours:theirs", 11,
                                                (const uint8_t *)pwd, strlen(pwd), TRUE, TRUE, 1234,
                                                99, NULL, STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
    g_assert_cmpuint(len, >, 0);
    g_assert_cmpint(mnb_stun_parse(&stun, data, len), ==, 0);
    g_assert_cmpint(mnb_stun_check_request(&stun, data, pwd, strlen(pwd)), ==, 0);
    g_assert_true(stun.use_candidate);
    g_assert_cmpuint(stun.priority, ==, 1234);
    g_assert_cmpint(stun.role, ==, MNB_ICE_CONTROLLING);
    g_assert_cmpuint(stun.tie_breaker, ==, 99);
    struct sockaddr_storage from = address(source, 5000);
    int n = code == 0 ? mnb_stun_write_success(reply, sizeof reply, &stun, (struct sockaddr *)&from,
                                               pwd, strlen(pwd))
                      : mnb_stun_write_error(reply, sizeof reply, &stun, (MnbStunCode)code, pwd,
                                             strlen(pwd));
    g_assert_cmpint(n, >, 0);
    StunValidationStatus status =
        stun_agent_validate(&agent, &response, reply, (gsize)n, stun_agent_default_validater, NULL);
    g_assert_cmpint(status, ==, STUN_VALIDATION_SUCCESS);
    socklen_t mapped_len = sizeof *mapped;
    return stun_usage_ice_conncheck_process(&response, mapped, &mapped_len,
                                            STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
}

static void test_nice_takes_our_answers(void)
{
    static const char *const sources[] = {"127.9.8.7", "2001:db8::5"};
    for (gsize i = 0; i < G_N_ELEMENTS(sources); i++) {
        MnbStun stun = {.has_mapped = true};
        g_assert_cmpint(nice_hears(sources[i], 0, &stun.mapped), ==, STUN_USAGE_ICE_RETURN_SUCCESS);
        assert_mapped(&stun, sources[i], 5000);
    }
    struct sockaddr_storage mapped;
    g_assert_cmpint(nice_hears("127.0.0.1", 487, &mapped), ==, STUN_USAGE_ICE_RETURN_ROLE_CONFLICT);
}
#endif

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stun/reads-the-request-of-rfc-5769", test_request_vector);
    g_test_add_func("/stun/reads-the-responses-of-rfc-5769", test_response_vectors);
    g_test_add_func("/stun/reads-its-own-request", test_reads_its_own_request);
    g_test_add_func("/stun/answers-with-the-source-address", test_answers_with_the_source_address);
    g_test_add_func("/stun/refuses-what-is-not-authentic", test_refuses_what_is_not_authentic);
    g_test_add_func("/stun/answers-420-and-487", test_answers_420_and_487);
    g_test_add_func("/stun/remembers-unknown-required-attributes",
                    test_remembers_unknown_required_attributes);
    g_test_add_func("/stun/ignores-what-follows-integrity", test_ignores_what_follows_integrity);
    g_test_add_func("/stun/an-unauthenticated-answer-never-exceeds-the-request",
                    test_never_amplifies);
    g_test_add_func("/stun/refuses-malformed-messages", test_refuses_malformed_messages);
    g_test_add_func("/stun/writes-only-what-fits", test_writes_only_what_fits);
#ifdef HAVE_NICE
    g_test_add_func("/stun/libnice-takes-our-request-and-we-its-answer",
                    test_nice_takes_our_request);
    g_test_add_func("/stun/libnice-takes-our-answers", test_nice_takes_our_answers);
#endif
    return g_test_run();
}
