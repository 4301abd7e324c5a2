/* What anybody on the network, or a participant who means harm, may try with a worker. */
#include "server/media/bytes.h"
#include "tests/unit/media/worker-fixture.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* MANABI_DATAGRAMS=1000000 for the whole of it (script/bench abuse); fewer in an ordinary run. */
#define DATAGRAMS_DEFAULT 30000
#define STRANGERS         64
#define A_FRAME           200 /* datagrams between two frames of the call */

static uint32_t random_state = 12345;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

#if !defined(__SANITIZE_ADDRESS__)
static size_t resident_kib(void)
{
    unsigned long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    g_assert_nonnull(file);
    g_assert_cmpint(fscanf(file, "%lu %lu", &size, &resident), ==, 2);
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}
#endif

static int64_t cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

/* Something that looks like STUN, DTLS, RTP, RTCP or nothing, and is none of them. */
static size_t make_junk(Fixture *f, uint8_t *out, bool from_peer)
{
    size_t size = 1 + next_random() % 400;
    for (size_t i = 0; i < size; i += 4) {
        uint32_t word = next_random();
        memcpy(out + i, &word, 4);
    }
    switch (next_random() % 7) {
    case 0: { /* a check of somebody who knows the name, but not the password */
        char username[80];
        g_snprintf(username, sizeof username, "%s:them", f->receiver->ufrag);
        MnbStunRequest request = {.username = username, .role = MNB_ICE_CONTROLLING};
        int len =
            mnb_stun_write_request(out, 400, &request, "not-the-password-of-anybody-here", 32);
        size = (size_t)len;
        for (unsigned n = next_random() % 3; n > 0; n--)
            out[next_random() % size] ^= (uint8_t)(1 + next_random() % 255);
        break;
    }
    case 1: /* STUN with attributes that lie */
        out[0] = 0;
        out[1] = 1;
        mnb_put_u16(out + 2, (uint16_t)((size > 20 ? size - 20 : 0) & ~3u));
        mnb_put_u32(out + 4, 0x2112a442);
        break;
    case 2: /* a record of DTLS; from a connected peer no handshake, which would be its own affair
             */
        out[0] = from_peer ? 23 : 22;
        out[1] = 0xfe;
        out[2] = 0xfd;
        break;
    case 3: /* RTP of the call with a tag that is none */
        out[0] = 0x80 | (out[0] & 0x1f);
        out[1] = PT_VP8;
        mnb_put_u32(out + 8, VIDEO_SSRC);
        break;
    case 4:
        out[0] = 0x80;
        out[1] = (uint8_t)(200 + next_random() % 7);
        break;
    case 5:
        size = next_random() % 4;
        break;
    default:
        break;
    }
    return size;
}

/* R18: the call loses nothing, strangers get nothing, memory stays. */
static void test_malformed(Fixture *f, gconstpointer data)
{
    (void)data;
    const char *text = g_getenv("MANABI_DATAGRAMS");
    unsigned wanted = text != NULL ? (unsigned)atoi(text) : DATAGRAMS_DEFAULT;
    int strangers[STRANGERS];
    unsigned sent_frames = 0;
    for (unsigned i = 0; i < STRANGERS; i++) {
        strangers[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        g_assert_cmpint(
            connect(strangers[i], (struct sockaddr *)&f->rig->address, sizeof f->rig->address), ==,
            0);
    }
    bind_slot(f->rig, 20, 10);
    unsigned got = 0, nacks = 0;
#if !defined(__SANITIZE_ADDRESS__)
    size_t resident = 0;
#endif
    int64_t cpu = cpu_us();
    for (unsigned i = 0; i < wanted; i++) {
        uint8_t junk[512];
        bool from_peer = i % 8 == 0;
        size_t size = make_junk(f, junk, from_peer);
        if (from_peer)
            peer_send_raw(i % 16 == 0 ? f->publisher : f->receiver, junk, size);
        else
            g_assert_cmpint(send(strangers[i % STRANGERS], junk, size, 0), ==, size);
        if (i % 32 == 31)
            rig_step(f->rig);
        if (i % A_FRAME == A_FRAME - 1) {
            send_frame(f, f->publisher, VIDEO_SSRC, 3, sent_frames++ % 100 == 0);
            got += peer_count(f->receiver, SLOT_SSRC);
            nacks += count_rtcp(f->publisher, MNB_RTCP_RTPFB, MNB_RTPFB_NACK);
            peer_forget(f->receiver);
            peer_forget(f->publisher);
            rig_forget_events(f->rig);
            if (sent_frames % 50 == 0) {
                peer_check(f->publisher, true);
                peer_check(f->receiver, true);
            }
        }
#if !defined(__SANITIZE_ADDRESS__)
        if (i == wanted / 5)
            resident = resident_kib();
#endif
    }
    cpu = cpu_us() - cpu;
    rig_step(f->rig);
    peer_poll(f->receiver);
    got += peer_count(f->receiver, SLOT_SSRC);
    g_test_message("%u datagrams, %u of %u packets of the call, %.2f us of CPU each (both ends)",
                   wanted, got, sent_frames * 3, (double)cpu / wanted);
    g_assert_cmpuint(got, ==, sent_frames * 3);
    g_assert_cmpuint(nacks, ==, 0);
    g_assert_cmpuint(f->receiver->bad_packets, ==, 0);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->transports, ==, 2);
    g_assert_cmpuint(rig_state(f->rig, 1, NULL), !=, MNB_TRANSPORT_CLOSED);
    for (unsigned i = 0; i < STRANGERS; i++) {
        uint8_t byte;
        g_assert_cmpint(recv(strangers[i], &byte, 1, 0), ==, -1);
        g_assert_cmpint(errno, ==, EAGAIN);
        close(strangers[i]);
    }
#if !defined(__SANITIZE_ADDRESS__)
    g_assert_cmpuint(resident_kib(), <, resident + 5 * 1024);
#endif
}

/* Somebody else's packets from an address that proved nothing, though they are well sealed: never
 * forwarded, and the address of the receiver does not move. */
static void test_forged_source(Fixture *f, gconstpointer data)
{
    (void)data;
    uint8_t payload[1000], sealed[1700];
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    peer_vp8(payload, sizeof payload, true, false, f->picture, f->tl0, 1);
    PeerRtp rtp = {.ssrc = VIDEO_SSRC,
                   .seq = f->seq,
                   .timestamp = f->timestamp,
                   .pt = PT_VP8,
                   .marker = true,
                   .payload = payload,
                   .payload_size = sizeof payload,
                   .mid_id = EXT_MID,
                   .mid = "0"};
    size_t size = peer_seal(f->publisher, &rtp, sealed);
    int mine = peer_move(f->publisher);
    peer_send_raw(f->publisher, sealed, size);
    rig_advance(f->rig, 40000);
    peer_poll(f->receiver);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 2);
    close(f->publisher->fd);
    f->publisher->fd = mine;
    peer_send_raw(f->publisher, sealed, size); /* the same from the right one passes */
    rig_advance(f->rig, 40000);
    peer_poll(f->receiver);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 3);
    f->seq++;
    send_frame(f, f->publisher, VIDEO_SSRC, 2, false);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 5);
}

/* A receiver that asks for everything again and again gets at most half of what it is sent. */
static void test_nack_storm(Fixture *f, gconstpointer data)
{
    (void)data;
    uint8_t bytes[1200];
    uint64_t media = 0, repairs = 0;
    uint16_t seqs[60];
    bind_slot(f->rig, 20, 10);
    for (unsigned frame = 0; frame < 90; frame++) { /* three seconds */
        send_frame(f, f->publisher, VIDEO_SSRC, 3, frame == 0);
        unsigned n = 0;
        for (unsigned i = 0; i < f->receiver->n_packets; i++) {
            const PeerPacket *packet = &f->receiver->packets[i];
            if (packet->rtp.ssrc == SLOT_SSRC) {
                media += packet->size;
                seqs[n++ % 60] = packet->rtp.seq;
            } else {
                repairs += packet->size;
            }
        }
        peer_forget(f->receiver);
        for (unsigned k = 0; k < 50 && n > 0; k++) {
            MnbRtcpWriter writer;
            mnb_rtcp_begin(&writer, bytes, sizeof bytes - MNB_SRTCP_ADDED_MAX);
            mnb_rtcp_put_nack(&writer, 1, SLOT_SSRC, seqs, n < 60 ? n : 60);
            peer_send_rtcp(f->receiver, &writer);
        }
    }
    g_test_message("%u bytes of media, %u of repairs", (unsigned)media, (unsigned)repairs);
    g_assert_cmpuint(repairs, <=, media);
    g_assert_cmpuint(media, >, 90 * 3 * 900);
}

/* ---- handshakes ---- */

/* Every third datagram is lost, both ways: repetition brings all handshakes to their end. */
static void test_lossy_handshakes(Fixture *f, gconstpointer data)
{
    (void)data;
    enum { N = 8 };
    Peer *peers[N];
    unsigned up = 0;
    gint64 start_us = g_get_monotonic_time(), last_us = start_us;
    for (unsigned i = 0; i < N; i++) {
        peers[i] = peer_new(f->rig, 100 + i, 7, MNB_PUBLISH, false);
        peers[i]->loss_percent = 30;
        peers[i]->loss_seed = i * 7919 + 1;
        peer_check(peers[i], true);
        peer_advance_dtls(peers[i]);
    }
    while (up < N) {
        gint64 now_us = g_get_monotonic_time();
        g_assert_cmpint(now_us - start_us, <, 20 * G_USEC_PER_SEC);
        rig_advance(f->rig, now_us - last_us);
        last_us = now_us;
        up = 0;
        for (unsigned i = 0; i < N; i++) {
            if (rig_state(f->rig, 100 + i, NULL) == 0)
                peer_check(peers[i], true);
            peer_poll(peers[i]);
            peer_repeat_dtls(peers[i]);
            up += rig_state(f->rig, 100 + i, NULL) == MNB_TRANSPORT_CONNECTED && peers[i]->is_up;
        }
        g_usleep(2000); /* OpenSSL's timers run by the real clock */
    }
    g_test_message("%u handshakes with 30 %% loss each way took %d ms", N,
                   (int)((g_get_monotonic_time() - start_us) / 1000));
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->handshakes_failed, ==, 0);
    for (unsigned i = 0; i < N; i++)
        peer_free(peers[i]);
}

static void assert_no_handshake(Fixture *f, uint32_t id, const char *profiles, bool has_certificate)
{
    Peer *peer = peer_new(f->rig, id, 7, MNB_PUBLISH, false);
    unsigned before = (unsigned)mnb_worker_stats(f->rig->worker)->handshakes;
    peer_offer_profiles(peer, profiles, has_certificate);
    peer_connect(peer);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->handshakes, ==, before);
    g_assert_cmpuint(rig_state(f->rig, id, NULL), !=, MNB_TRANSPORT_CONNECTED);
    peer_free(peer);
}

static void test_profiles(Fixture *f, gconstpointer data)
{
    (void)data;
    assert_no_handshake(f, 50, NULL, true);
    assert_no_handshake(f, 51, "SRTP_AES128_CM_SHA1_32", true);
    assert_no_handshake(f, 52, "SRTP_AEAD_AES_128_GCM", false);
    Peer *peer = peer_new(f->rig, 53, 7, MNB_PUBLISH, false);
    peer_offer_profiles(peer, "SRTP_AES128_CM_SHA1_80", true);
    g_assert_true(peer_connect(peer));
    g_assert_cmpuint(rig_state(f->rig, 53, NULL), ==, MNB_TRANSPORT_CONNECTED);
    peer_free(peer);
}

/* ---- addresses ---- */

static void test_ipv6(Fixture *f, gconstpointer data)
{
    (void)data;
    Peer *peer = peer_new(f->rig, 60, 7, MNB_RECEIVE, false);
    int old = peer_use_v6(peer);
    if (old < 0) {
        g_test_skip("no IPv6 here");
        peer_free(peer);
        return;
    }
    add_video_slot(f->rig, 61, 60, 7777);
    g_assert_true(peer_connect(peer));
    g_assert_cmpint(peer->stun_mapped_family, ==, AF_INET6);
    bind_slot(f->rig, 61, 10);
    for (unsigned i = 0; i < 5; i++)
        send_frame(f, f->publisher, VIDEO_SSRC, 3, i == 0);
    peer_poll(peer);
    g_assert_cmpuint(peer_count(peer, 7777), ==, 15);
    g_assert_cmpuint(peer->bad_packets, ==, 0);
    /* and back to IPv4, as a phone that changes its network does */
    close(peer->fd);
    peer->fd = old;
    peer->is_v6 = false;
    rig_advance(f->rig, 300000);
    peer_check(peer, true);
    send_frame(f, f->publisher, VIDEO_SSRC, 3, false);
    peer_poll(peer);
    g_assert_cmpuint(peer_count(peer, 7777), ==, 18);
    peer_free(peer);
}

/* A NAT gives the same peer another port in the middle of the call: no check is nominated anew, the
 * consent checks alone bring media back within two seconds of silence. */
static void test_rebinding(Fixture *f, gconstpointer data)
{
    (void)data;
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 3, true);
    close(peer_move(f->receiver));
    unsigned before = peer_count(f->receiver, SLOT_SSRC);
    for (unsigned i = 0; i < 120 && peer_count(f->receiver, SLOT_SSRC) == before; i++) {
        if (i % 30 == 0)
            peer_check(f->receiver, false);
        send_frame(f, f->publisher, VIDEO_SSRC, 3, false);
        g_assert_cmpuint(i, <, 95); /* of 33 ms: 3 s, a check a second */
    }
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), >, before);
}

static void test_transports_are_bounded(Fixture *f, gconstpointer data)
{
    (void)data;
    MnbTransportOpen open = {
        .room = 9, .direction = MNB_RECEIVE, .pwd = "0123456789012345678901234"};
    for (uint32_t i = 0; i < MNB_TRANSPORTS_MAX - 2; i++) {
        open.transport = 1000 + i;
        g_snprintf(open.ufrag, sizeof open.ufrag, "many%u", i);
        rig_command(f->rig, MNB_MEDIA_TRANSPORT_OPEN, &open);
    }
    g_assert_cmpuint(rig_count(f->rig, MNB_MEDIA_REFUSED), ==, 0);
    open.transport = 999999;
    g_strlcpy(open.ufrag, "onemore", sizeof open.ufrag);
    rig_command(f->rig, MNB_MEDIA_TRANSPORT_OPEN, &open);
    const MnbMediaRefused *refused = rig_last(f->rig, MNB_MEDIA_REFUSED);
    g_assert_nonnull(refused);
    g_assert_cmpint(refused->error, ==, -ENOSPC);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(Fixture *f, gconstpointer data);
    } tests[] = {
        {"/abuse/a-call-goes-on-under-malformed-datagrams", test_malformed},
        {"/abuse/refuses-sealed-packets-from-a-forged-source", test_forged_source},
        {"/abuse/a-storm-of-nacks-gets-no-more-than-the-media", test_nack_storm},
        {"/abuse/handshakes-end-well-on-a-lossy-line", test_lossy_handshakes},
        {"/abuse/refuses-weak-profiles-and-no-certificate", test_profiles},
        {"/abuse/goes-over-ipv6", test_ipv6},
        {"/abuse/follows-a-nat-that-rebinds", test_rebinding},
        {"/abuse/bounds-the-transports-of-a-worker", test_transports_are_bounded},
    };
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, Fixture, NULL, set_up, tests[i].run, tear_down);
    return g_test_run();
}
