/* The worker as a whole: real sockets on loopback, a DTLS client and SRTP peers, a clock of our
 * own. */
#include "server/media/bytes.h"
#include "tests/unit/media/worker-fixture.h"
#include <glib.h>
#include <string.h>
#include <unistd.h>

/* ---- forwarding ---- */

static void test_forward(Fixture *f, gconstpointer data)
{
    (void)data;
    g_assert_cmpuint(rig_state(f->rig, 1, NULL), ==, MNB_TRANSPORT_CONNECTED);
    g_assert_cmpuint(rig_state(f->rig, 2, NULL), ==, MNB_TRANSPORT_CONNECTED);
    bind_slot(f->rig, 20, 10);
    for (unsigned i = 0; i < 10; i++)
        send_frame(f, f->publisher, VIDEO_SSRC, 3, i == 0);
    g_assert_cmpuint(f->receiver->bad_packets, ==, 0);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 30);
    const PeerPacket *first = peer_packet(f->receiver, SLOT_SSRC, 0);
    for (unsigned i = 0; i < 30; i++) {
        const PeerPacket *packet = peer_packet(f->receiver, SLOT_SSRC, i);
        g_assert_cmpuint(packet->rtp.pt, ==, OUT_VP8);
        g_assert_cmpuint(packet->rtp.seq, ==, (uint16_t)(first->rtp.seq + i));
        g_assert_cmpuint(packet->rtp.timestamp, ==, first->rtp.timestamp + i / 3 * 3000);
        g_assert_cmpint(packet->rtp.marker, ==, i % 3 == 2);
        /* the payload behind the descriptor is what was sent */
        g_assert_cmpuint(packet->data[packet->rtp.header_bytes + 100], ==, (uint8_t)(65530 + i));
        g_assert_cmpuint(packet->rtp.payload_bytes, ==, 1000 + (i % 3 == 2));
        char mid[16];
        g_assert_true(mnb_rtp_read_text(&packet->rtp, packet->data, EXT_MID, mid, sizeof mid));
        g_assert_cmpstr(mid, ==, "v0");
    }
    const MnbWorkerStats *stats = mnb_worker_stats(f->rig->worker);
    g_assert_cmpuint(stats->packets_in, ==, 30);
    g_assert_cmpuint(stats->packets_out, ==, 30);
    g_assert_cmpuint(stats->handshakes, ==, 2);
}

static void test_starts_at_key_frame(Fixture *f, gconstpointer data)
{
    (void)data;
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    rig_advance(f->rig, 3000000); /* the key frame is too old for the cache */
    bind_slot(f->rig, 20, 10);
    peer_poll(f->publisher);
    g_assert_cmpuint(count_rtcp(f->publisher, MNB_RTCP_PSFB, MNB_PSFB_PLI), ==, 1);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, false);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 0);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 2);
    rig_advance(f->rig, 3000000);
    peer_poll(f->publisher);
    g_assert_cmpuint(count_rtcp(f->publisher, MNB_RTCP_PSFB, MNB_PSFB_PLI), ==, 1);
}

static void test_key_cache(Fixture *f, gconstpointer data)
{
    (void)data;
    send_frame(f, f->publisher, VIDEO_SSRC, 20, true);
    for (unsigned i = 0; i < 10; i++)
        send_frame(f, f->publisher, VIDEO_SSRC, 3, false);
    bind_slot(f->rig, 20, 10);
    for (unsigned i = 0; i < 10; i++)
        send_frame(f, f->publisher, VIDEO_SSRC, 3, false);
    g_assert_cmpuint(count_rtcp(f->publisher, MNB_RTCP_PSFB, MNB_PSFB_PLI), ==, 0);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 20 + 60);
    const PeerPacket *first = peer_packet(f->receiver, SLOT_SSRC, 0);
    for (unsigned i = 0; i < 80; i++)
        g_assert_cmpuint(peer_packet(f->receiver, SLOT_SSRC, i)->rtp.seq, ==,
                         (uint16_t)(first->rtp.seq + i));
}

static void test_nack(Fixture *f, gconstpointer data)
{
    (void)data;
    uint8_t bytes[128];
    MnbRtcpWriter writer;
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 4, true);
    PeerPacket lost = *peer_packet(f->receiver, SLOT_SSRC, 2);
    mnb_rtcp_begin(&writer, bytes, sizeof bytes);
    mnb_rtcp_put_nack(&writer, 1, SLOT_SSRC, &lost.rtp.seq, 1);
    peer_send_rtcp(f->receiver, &writer);
    peer_poll(f->receiver);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_RTX), ==, 1);
    const PeerPacket *rtx = peer_packet(f->receiver, SLOT_RTX, 0);
    g_assert_cmpuint(rtx->rtp.pt, ==, OUT_RTX);
    g_assert_cmpuint(mnb_get_u16(rtx->data + rtx->rtp.header_bytes), ==, lost.rtp.seq);
    g_assert_cmpuint(rtx->rtp.timestamp, ==, lost.rtp.timestamp);
    g_assert_cmpmem(rtx->data + rtx->rtp.header_bytes + 2, rtx->rtp.payload_bytes - 2u,
                    lost.data + lost.rtp.header_bytes, lost.rtp.payload_bytes);
    /* asked again at once: refused, and three times in all */
    for (unsigned i = 0; i < 10; i++) {
        mnb_rtcp_begin(&writer, bytes, sizeof bytes);
        mnb_rtcp_put_nack(&writer, 1, SLOT_SSRC, &lost.rtp.seq, 1);
        peer_send_rtcp(f->receiver, &writer);
        if (i == 4)
            rig_advance(f->rig, 100000);
        if (i == 6)
            rig_advance(f->rig, 100000);
    }
    peer_poll(f->receiver);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_RTX), ==, 3);
}

/* Sound has no RTX: what is asked for comes again as the very same bytes, three times at most, and
 * not after the slot was given to somebody else. */
static void test_sound_again(Fixture *f, gconstpointer data)
{
    (void)data;
    MnbTrackAdd track = {.track = 70,
                         .transport = 1,
                         .codec = MNB_CODEC_OPUS,
                         .pt = PT_OPUS,
                         .clock_rate = 48000,
                         .ssrc = 7070,
                         .ext = {.audio_level = EXT_LEVEL}};
    MnbSlotAdd slot = {.slot = 71,
                       .transport = 2,
                       .ssrc = 7171,
                       .has_nack = 1,
                       .clock_rate = 48000,
                       .mid = "a",
                       .ext = {.mid = EXT_MID, .audio_level = 9, .twcc = 3}};
    slot.pt[MNB_CODEC_OPUS] = OUT_OPUS;
    uint8_t sealed[4][2048], copy[2048], bytes[200], payload[80] = {0x78, 1, 2, 3};
    ssize_t sizes[4];
    MnbRtcpWriter writer;
    rig_command(f->rig, MNB_MEDIA_TRACK_ADD, &track);
    rig_command(f->rig, MNB_MEDIA_SLOT_ADD, &slot);
    bind_slot(f->rig, 71, 70);
    for (uint16_t i = 0; i < 4; i++) { /* read off the socket as they are: none is opened */
        PeerRtp rtp = {.ssrc = 7070,
                       .seq = (uint16_t)(65534 + i),
                       .timestamp = 1000u + i * 960u,
                       .pt = PT_OPUS,
                       .payload = payload,
                       .payload_size = 60u + i * 5u,
                       .level_id = EXT_LEVEL,
                       .level = 0x80 | 30};
        peer_send(f->publisher, &rtp);
        rig_advance(f->rig, 20500);
        sizes[i] = recv(f->receiver->fd, sealed[i], sizeof sealed[i], MSG_DONTWAIT);
        g_assert_cmpint(sizes[i], >, 60);
    }
    for (unsigned i = 0; i < 4; i++) {
        memcpy(copy, sealed[i], sizeof copy);
        peer_open(f->receiver, copy, (size_t)sizes[i]);
    }
    g_assert_cmpuint(peer_count(f->receiver, 7171), ==, 4);
    uint16_t asked[] = {peer_packet(f->receiver, 7171, 1)->rtp.seq,
                        peer_packet(f->receiver, 7171, 3)->rtp.seq};
    unsigned again[4] = {0};
    for (unsigned round = 0; round < 8; round++) {
        uint8_t got[2048];
        ssize_t size;
        mnb_rtcp_begin(&writer, bytes, sizeof bytes - MNB_SRTCP_ADDED_MAX);
        mnb_rtcp_put_nack(&writer, 1, 7171, asked, 2);
        peer_send_rtcp(f->receiver, &writer);
        rig_advance(f->rig, 30000);
        while ((size = recv(f->receiver->fd, got, sizeof got, MSG_DONTWAIT)) > 0)
            for (unsigned i = 0; i < 4; i++)
                if (size == sizes[i] && memcmp(got, sealed[i], (size_t)size) == 0)
                    again[i]++;
                else if (size > 12 && got[1] == sealed[0][1] &&
                         memcmp(got + 2, sealed[i] + 2, 2) == 0)
                    g_error("another packet under number %u", i);
    }
    g_assert_cmpuint(again[0], ==, 0);
    g_assert_cmpuint(again[1], ==, 3);
    g_assert_cmpuint(again[2], ==, 0);
    g_assert_cmpuint(again[3], ==, 3);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->rtx_out, ==, 6);
}

static void test_upstream_repair(Fixture *f, gconstpointer data)
{
    (void)data;
    uint8_t payload[1002];
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    uint16_t lost = f->seq++;
    send_frame(f, f->publisher, VIDEO_SSRC, 2, false);
    g_assert_cmpuint(count_rtcp(f->publisher, MNB_RTCP_RTPFB, MNB_RTPFB_NACK), ==, 1);
    payload[0] = (uint8_t)(lost >> 8);
    payload[1] = (uint8_t)lost;
    peer_vp8(payload + 2, 1000, false, false, 5, 5, 77);
    PeerRtp rtp = {.ssrc = VIDEO_RTX,
                   .seq = 4000,
                   .timestamp = f->timestamp,
                   .pt = PT_RTX,
                   .payload = payload,
                   .payload_size = sizeof payload};
    peer_send(f->publisher, &rtp);
    rig_advance(f->rig, 5000);
    peer_poll(f->receiver);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 5);
    g_assert_cmpuint(peer_packet(f->receiver, SLOT_SSRC, 4)->rtp.seq, ==,
                     (uint16_t)(peer_packet(f->receiver, SLOT_SSRC, 0)->rtp.seq + 2));
    rig_advance(f->rig, 1000000);
    peer_poll(f->publisher);
    g_assert_cmpuint(count_rtcp(f->publisher, MNB_RTCP_RTPFB, MNB_RTPFB_NACK), ==, 1);
}

/* The first packet of the key frame that a slot waits for comes last, as a repair. */
static void test_late_key_start(Fixture *f, gconstpointer data)
{
    (void)data;
    uint8_t payload[902];
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 1, false);
    uint16_t lost = f->seq++;
    for (unsigned i = 0; i < 2; i++) {
        peer_vp8(payload, 900, false, true, 6, 6, 1);
        PeerRtp rtp = {.ssrc = VIDEO_SSRC,
                       .seq = f->seq++,
                       .timestamp = f->timestamp,
                       .pt = PT_VP8,
                       .marker = i == 1,
                       .payload = payload,
                       .payload_size = 900};
        peer_send(f->publisher, &rtp);
    }
    rig_advance(f->rig, 15000);
    peer_poll(f->receiver);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 0);
    mnb_put_u16(payload, lost);
    peer_vp8(payload + 2, 900, true, true, 6, 6, 1);
    PeerRtp rtx = {.ssrc = VIDEO_RTX,
                   .seq = 1,
                   .timestamp = f->timestamp,
                   .pt = PT_RTX,
                   .payload = payload,
                   .payload_size = sizeof payload};
    peer_send(f->publisher, &rtx);
    rig_advance(f->rig, 20000);
    peer_poll(f->receiver);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 3);
    for (unsigned i = 0; i < 3; i++)
        g_assert_cmpuint(peer_packet(f->receiver, SLOT_SSRC, i)->rtp.seq, ==,
                         (uint16_t)(peer_packet(f->receiver, SLOT_SSRC, 0)->rtp.seq + i));
}

static void test_rtx_probe(Fixture *f, gconstpointer data)
{
    (void)data;
    PeerRtp rtp = {.ssrc = VIDEO_RTX, .seq = 1, .timestamp = 0, .pt = PT_RTX, .padding = 200};
    peer_send(f->publisher, &rtp);
    rig_step(f->rig);
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    rtp.seq = 2;
    peer_send(f->publisher, &rtp);
    rig_step(f->rig);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 2);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->dropped_unknown, ==, 0);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->dropped_malformed, ==, 0);
}

static void test_padding_left_out(Fixture *f, gconstpointer data)
{
    (void)data;
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    for (unsigned i = 0; i < 40; i++) {
        PeerRtp rtp = {.ssrc = VIDEO_SSRC,
                       .seq = f->seq++,
                       .timestamp = f->timestamp,
                       .pt = PT_VP8,
                       .padding = 100};
        peer_send(f->publisher, &rtp);
    }
    send_frame(f, f->publisher, VIDEO_SSRC, 2, false);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 4);
    for (unsigned i = 0; i < 4; i++)
        g_assert_cmpuint(peer_packet(f->receiver, SLOT_SSRC, i)->rtp.seq, ==,
                         (uint16_t)(peer_packet(f->receiver, SLOT_SSRC, 0)->rtp.seq + i));
}

static uint16_t picture_of(const PeerPacket *packet)
{
    return mnb_get_u16(packet->data + packet->rtp.header_bytes + 2) & 0x7fff;
}

static void test_switch(Fixture *f, gconstpointer data)
{
    (void)data;
    Peer *other = peer_new(f->rig, 3, 7, MNB_PUBLISH, false);
    add_video_track(f->rig, 11, 3, 5551);
    g_assert_true(peer_connect(other));
    bind_slot(f->rig, 20, 10);
    for (unsigned i = 0; i < 3; i++)
        send_frame(f, f->publisher, VIDEO_SSRC, 2, i == 0);
    bind_slot(f->rig, 20, 11);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, false); /* not shown any more */
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 6);
    f->seq = 100;
    f->timestamp = 77;
    f->picture = 3;
    f->tl0 = 9;
    send_frame(f, other, 5551, 2, false);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 6);
    send_frame(f, other, 5551, 2, true);
    send_frame(f, other, 5551, 2, false);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 10);
    for (unsigned i = 1; i < 10; i++) {
        const PeerPacket *before = peer_packet(f->receiver, SLOT_SSRC, i - 1);
        const PeerPacket *packet = peer_packet(f->receiver, SLOT_SSRC, i);
        g_assert_cmpuint(packet->rtp.seq, ==, (uint16_t)(before->rtp.seq + 1));
        if (i % 2 == 1) {
            g_assert_cmpuint(packet->rtp.timestamp, ==, before->rtp.timestamp);
            continue;
        }
        g_assert_cmpuint(picture_of(packet), ==, (picture_of(before) + 1) & 0x7fff);
        g_assert_cmpuint(packet->data[packet->rtp.header_bytes + 4], ==,
                         (uint8_t)(before->data[before->rtp.header_bytes + 4] + 1));
        uint32_t step = packet->rtp.timestamp - before->rtp.timestamp;
        g_assert_cmpuint(step, >=, 3000);
        g_assert_cmpuint(step, <, 3000 * 10);
    }
    peer_free(other);
}

static void test_reports(Fixture *f, gconstpointer data)
{
    (void)data;
    uint8_t bytes[128];
    MnbRtcpWriter writer;
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    MnbRtcpSenderInfo info = {
        .ssrc = VIDEO_SSRC, .ntp = 5ull << 32, .rtp_time = f->timestamp, .packets = 2};
    mnb_rtcp_begin(&writer, bytes, sizeof bytes);
    mnb_rtcp_put_sr(&writer, &info, NULL, 0);
    peer_send_rtcp(f->publisher, &writer);
    uint32_t delta = peer_packet(f->receiver, SLOT_SSRC, 0)->rtp.timestamp - (f->timestamp - 3000);
    rig_advance(f->rig, 2000000);
    peer_poll(f->receiver);
    peer_poll(f->publisher);
    g_assert_cmpuint(count_rtcp(f->publisher, MNB_RTCP_RR, 1), >=, 1);
    g_assert_cmpuint(count_rtcp(f->receiver, MNB_RTCP_SR, 0), >=, 1);
    MnbRtcpReader reader;
    MnbRtcpPacket packet;
    MnbRtcpSenderInfo got;
    mnb_rtcp_start(&reader, f->receiver->reports[0].data, f->receiver->reports[0].size);
    g_assert_cmpint(mnb_rtcp_next(&reader, &packet), ==, 1);
    g_assert_true(mnb_rtcp_read_sr(&packet, &got));
    g_assert_cmpuint(got.ssrc, ==, SLOT_SSRC);
    /* the pair lies on the publisher's line */
    double gone_s = (double)(got.ntp - info.ntp) / 4294967296.0;
    g_assert_cmpfloat(gone_s, >, 0.0);
    uint32_t expected = info.rtp_time + delta + (uint32_t)(gone_s * 90000.0);
    g_assert_cmpint(abs((int32_t)(got.rtp_time - expected)), <=, 1);
}

static void test_twcc(Fixture *f, gconstpointer data)
{
    (void)data;
    uint8_t payload[200];
    peer_vp8(payload, sizeof payload, true, true, 1, 1, 0);
    for (uint16_t i = 0; i < 20; i++) {
        PeerRtp rtp = {.ssrc = VIDEO_SSRC,
                       .seq = i,
                       .timestamp = 1,
                       .pt = PT_VP8,
                       .payload = payload,
                       .payload_size = sizeof payload,
                       .twcc_id = EXT_TWCC,
                       .twcc = (uint16_t)(65530 + i)};
        if (i != 7)
            peer_send(f->publisher, &rtp);
        rig_advance(f->rig, 1000);
    }
    rig_advance(f->rig, 100000);
    peer_poll(f->publisher);
    g_assert_cmpuint(count_rtcp(f->publisher, MNB_RTCP_RTPFB, MNB_RTPFB_TWCC), ==, 1);
    for (unsigned i = 0; i < f->publisher->n_reports; i++) {
        MnbRtcpReader reader;
        MnbRtcpPacket packet;
        MnbRtcpTwcc twcc;
        int32_t arrivals[64];
        mnb_rtcp_start(&reader, f->publisher->reports[i].data, f->publisher->reports[i].size);
        mnb_rtcp_next(&reader, &packet);
        if (packet.type != MNB_RTCP_RTPFB || packet.count != MNB_RTPFB_TWCC)
            continue;
        g_assert_cmpint(mnb_rtcp_read_twcc(&packet, &twcc, arrivals, 64), ==, 20);
        g_assert_cmpuint(twcc.base_seq, ==, 65530);
        g_assert_cmpint(arrivals[7], ==, MNB_TWCC_LOST);
        g_assert_cmpint(mnb_rtcp_next(&reader, &packet), ==, 0); /* alone */
    }
}

static void test_pli_is_throttled(Fixture *f, gconstpointer data)
{
    (void)data;
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t bytes[64];
        MnbRtcpWriter writer;
        mnb_rtcp_begin(&writer, bytes, sizeof bytes);
        mnb_rtcp_put_pli(&writer, 1, SLOT_SSRC);
        peer_send_rtcp(f->receiver, &writer);
        rig_advance(f->rig, 2000);
    }
    peer_poll(f->publisher);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->plis_in, ==, 1000);
    g_assert_cmpuint(count_rtcp(f->publisher, MNB_RTCP_PSFB, MNB_PSFB_PLI), <=, 3);
    g_assert_cmpuint(count_rtcp(f->publisher, MNB_RTCP_PSFB, MNB_PSFB_PLI), >=, 2);
}

/* ---- refusals ---- */

static void test_refuses_packets(Fixture *f, gconstpointer data)
{
    (void)data;
    uint8_t payload[1000], out[1700];
    const MnbWorkerStats *stats = mnb_worker_stats(f->rig->worker);
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    peer_vp8(payload, sizeof payload, true, false, 1, 1, 0);
    PeerRtp rtp = {.ssrc = VIDEO_SSRC,
                   .seq = f->seq++,
                   .timestamp = f->timestamp,
                   .pt = PT_VP8,
                   .marker = true,
                   .payload = payload,
                   .payload_size = sizeof payload};
    size_t size = peer_seal(f->publisher, &rtp, out);
    /* a changed byte, in header or body */
    out[500] ^= 1;
    peer_send_raw(f->publisher, out, size);
    out[500] ^= 1;
    out[5] ^= 1;
    peer_send_raw(f->publisher, out, size);
    out[5] ^= 1;
    rig_step(f->rig);
    g_assert_cmpuint(stats->dropped_auth, ==, 2);
    /* from another address: nobody has proved it */
    int mine = peer_move(f->publisher);
    peer_send_raw(f->publisher, out, size);
    rig_step(f->rig);
    g_assert_cmpuint(stats->dropped_unknown, ==, 1);
    close(f->publisher->fd);
    f->publisher->fd = mine;
    /* itself, and a replay */
    peer_send_raw(f->publisher, out, size);
    peer_send_raw(f->publisher, out, size);
    rig_step(f->rig);
    g_assert_cmpuint(stats->dropped_replay, ==, 1);
    /* an SSRC nobody announced, and no MID */
    rtp.ssrc = 424242;
    peer_send(f->publisher, &rtp);
    rig_step(f->rig);
    g_assert_cmpuint(stats->dropped_unknown, ==, 2);
    /* plain RTP */
    memset(out, 0, 64);
    out[0] = 0x80;
    out[1] = PT_VP8;
    mnb_put_u32(out + 8, VIDEO_SSRC);
    peer_send_raw(f->publisher, out, 64);
    rig_step(f->rig);
    g_assert_cmpuint(stats->dropped_auth, ==, 3);
    peer_poll(f->receiver);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 3);
}

static void test_forged_tuple(Fixture *f, gconstpointer data)
{
    (void)data;
    const MnbWorkerStats *stats = mnb_worker_stats(f->rig->worker);
    bind_slot(f->rig, 20, 10);
    int mine = peer_move(f->receiver);
    peer_check_as(f->receiver, f->receiver->ufrag, "a-wrong-password-of-32-characters", true);
    peer_check_as(f->receiver, "nobodyhasthisname", f->receiver->pwd, true);
    g_assert_cmpuint(stats->stun_refused, ==, 2);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    g_assert_cmpuint(f->receiver->datagrams, ==, 0 + f->receiver->datagrams);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 0);
    g_assert_cmpuint(f->receiver->stun_answers, ==, 1); /* of its connecting */
    close(f->receiver->fd);
    f->receiver->fd = mine;
    peer_poll(f->receiver);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 2);
}

static void test_dtls_gate(Fixture *f, gconstpointer data)
{
    (void)data;
    Peer *stranger = peer_new(f->rig, 4, 7, MNB_PUBLISH, false);
    peer_advance_dtls(stranger);
    rig_step(f->rig);
    peer_poll(stranger);
    g_assert_cmpuint(stranger->datagrams, ==, 0);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->dropped_unknown, >=, 1);
    peer_free(stranger);
}

static void test_fingerprint_mismatch(Fixture *f, gconstpointer data)
{
    (void)data;
    unsigned reason;
    Peer *liar = peer_new(f->rig, 5, 7, MNB_PUBLISH, true);
    liar->fingerprint[3] ^= 1;
    peer_tell_remote(liar);
    peer_connect(liar);
    g_assert_cmpuint(rig_state(f->rig, 5, &reason), ==, MNB_TRANSPORT_CLOSED);
    g_assert_cmpuint(reason, ==, MNB_CLOSED_FINGERPRINT);
    peer_free(liar);
}

static void test_fingerprint_later(Fixture *f, gconstpointer data)
{
    (void)data;
    Peer *slow = peer_new(f->rig, 6, 7, MNB_PUBLISH, true);
    g_assert_true(peer_connect(slow));
    g_assert_cmpuint(rig_state(f->rig, 6, NULL), ==, MNB_TRANSPORT_CHECKED);
    peer_tell_remote(slow);
    g_assert_cmpuint(rig_state(f->rig, 6, NULL), ==, MNB_TRANSPORT_CONNECTED);
    peer_free(slow);
}

/* A handshake whose datagrams are lost now and then ends well by repetition. */
static void test_fragmented_hello(Fixture *f, gconstpointer data)
{
    (void)data;
    Peer *peer = peer_new(f->rig, 8, 7, MNB_PUBLISH, false);
    SSL_set_mtu(peer->ssl, 256);
    g_assert_true(peer_connect(peer));
    g_assert_cmpuint(rig_state(f->rig, 8, NULL), ==, MNB_TRANSPORT_CONNECTED);
    peer_free(peer);
}

static void test_close_notify(Fixture *f, gconstpointer data)
{
    (void)data;
    unsigned reason;
    peer_close_dtls(f->publisher);
    g_assert_cmpuint(rig_state(f->rig, 1, &reason), ==, MNB_TRANSPORT_CLOSED);
    g_assert_cmpuint(reason, ==, MNB_CLOSED_BY_PEER);
}

/* Ten seconds after the handshake nobody can read an alert any more: it only shortens the patience.
 */
static void test_late_close(Fixture *f, gconstpointer data)
{
    (void)data;
    unsigned reason;
    for (unsigned i = 0; i < 6; i++) {
        rig_advance(f->rig, 2000000);
        peer_check(f->publisher, true);
        peer_check(f->receiver, true);
    }
    peer_close_dtls(f->publisher);
    peer_close_dtls(f->receiver); /* as if forged: it lives on */
    for (unsigned i = 0; i < 5; i++) {
        rig_advance(f->rig, 2000000);
        peer_check(f->receiver, true);
    }
    g_assert_cmpuint(rig_state(f->rig, 1, &reason), ==, MNB_TRANSPORT_CLOSED);
    g_assert_cmpuint(reason, ==, MNB_CLOSED_BY_PEER);
    g_assert_cmpuint(rig_state(f->rig, 2, NULL), ==, MNB_TRANSPORT_CONNECTED);
}

static void test_role_conflict(Fixture *f, gconstpointer data)
{
    (void)data;
    uint8_t out[256];
    char username[64];
    g_snprintf(username, sizeof username, "%s:them", f->receiver->ufrag);
    MnbStunRequest request = {
        .username = username, .priority = 1, .role = MNB_ICE_CONTROLLED, .tie_breaker = 1};
    int len = mnb_stun_write_request(out, sizeof out, &request, f->receiver->pwd,
                                     strlen(f->receiver->pwd));
    peer_send_raw(f->receiver, out, (size_t)len);
    rig_step(f->rig);
    peer_poll(f->receiver);
    g_assert_cmpuint(f->receiver->stun_error, ==, MNB_STUN_ROLE_CONFLICT);
}

/* A stranger's ClientHello, from his own address or forged into the handshake, ends nothing. */
static void test_hello_race(Fixture *f, gconstpointer data)
{
    (void)data;
    for (uint32_t i = 0; i < 30; i++) {
        Peer *victim = peer_new(f->rig, 100 + i, 7, MNB_PUBLISH, false);
        Peer *attacker = peer_new(f->rig, 200 + i, 7, MNB_PUBLISH, false);
        uint8_t garbage[60] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 47, 1, 0xff};
        for (unsigned round = 0; round < 3; round++) {
            SSL_clear(attacker->ssl);
            SSL_set_connect_state(attacker->ssl);
            if (round == i % 3)
                peer_advance_dtls(attacker);
            if (round == 0)
                peer_check(victim, i % 2 == 0);
            if (round == 1)
                peer_send_raw(victim, garbage, sizeof garbage);
            peer_advance_dtls(victim);
            rig_step(f->rig);
            peer_poll(victim);
        }
        g_assert_true(peer_connect(victim));
        g_assert_cmpuint(rig_state(f->rig, 100 + i, NULL), ==, MNB_TRANSPORT_CONNECTED);
        peer_poll(attacker);
        g_assert_cmpuint(attacker->datagrams, ==, 0);
        peer_free(victim);
        peer_free(attacker);
    }
}

static void test_close_command(Fixture *f, gconstpointer data)
{
    (void)data;
    MnbMediaId id = {2, 0};
    rig_command(f->rig, MNB_MEDIA_TRANSPORT_CLOSE, &id);
    peer_poll(f->receiver);
    g_assert_true(f->receiver->has_closed);
}

/* ---- ICE ---- */

static void test_moves(Fixture *f, gconstpointer data)
{
    (void)data;
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    peer_forget(f->receiver);
    int old = peer_move(f->receiver);
    peer_check(f->receiver, true);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, false);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 2);
    /* a check without USE-CANDIDATE moves only when the old address is silent */
    int second = peer_move(f->receiver);
    peer_check(f->receiver, false);
    peer_forget(f->receiver);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, false);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 0);
    rig_advance(f->rig, 2500000);
    peer_check(f->receiver, false);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, false);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 2);
    close(old);
    close(second);
}

static void test_many_tuples(Fixture *f, gconstpointer data)
{
    (void)data;
    bind_slot(f->rig, 20, 10);
    for (unsigned i = 0; i < 30; i++) {
        close(peer_move(f->receiver));
        rig_advance(f->rig, 300000);
        peer_check(f->receiver, true);
    }
    peer_forget(f->receiver);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 2);
}

static void test_restart(Fixture *f, gconstpointer data)
{
    (void)data;
    MnbTransportRestart restart = {.transport = 2,
                                   .ufrag = "freshfragment",
                                   .pwd = "fresh-password-of-32-characters-",
                                   .remote_ufrag = "them"};
    bind_slot(f->rig, 20, 10);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, true);
    rig_command(f->rig, MNB_MEDIA_TRANSPORT_RESTART, &restart);
    unsigned answers = f->receiver->stun_answers;
    peer_check(f->receiver, true); /* old ones are good yet */
    int old = peer_move(f->receiver);
    peer_forget(f->receiver);
    rig_advance(f->rig, 300000);
    peer_check_as(f->receiver, restart.ufrag, restart.pwd, true);
    send_frame(f, f->publisher, VIDEO_SSRC, 2, false);
    g_assert_cmpuint(peer_count(f->receiver, SLOT_SSRC), ==, 2);
    g_assert_cmpuint(f->receiver->bad_packets, ==, 0);
    for (unsigned i = 0; i < 31; i++) {
        rig_advance(f->rig, 1000000);
        peer_check_as(f->receiver, restart.ufrag, restart.pwd, true);
    }
    peer_poll(f->receiver);
    answers = f->receiver->stun_answers;
    peer_check(f->receiver, true); /* and now no more */
    peer_poll(f->receiver);
    g_assert_cmpuint(f->receiver->stun_answers, ==, answers);
    close(old);
}

static void test_timeouts(Fixture *f, gconstpointer data)
{
    (void)data;
    unsigned reason;
    rig_advance(f->rig, 9000000);
    g_assert_cmpuint(rig_state(f->rig, 2, NULL), ==, MNB_TRANSPORT_CONNECTED);
    rig_advance(f->rig, 3000000);
    g_assert_cmpuint(rig_state(f->rig, 2, NULL), ==, MNB_TRANSPORT_DISCONNECTED);
    peer_check(f->receiver, false);
    g_assert_cmpuint(rig_state(f->rig, 2, NULL), ==, MNB_TRANSPORT_CONNECTED);
    rig_advance(f->rig, 25000000);
    g_assert_cmpuint(rig_state(f->rig, 1, &reason), ==, MNB_TRANSPORT_CLOSED);
    g_assert_cmpuint(reason, ==, MNB_CLOSED_TIMEOUT);
    g_assert_cmpuint(rig_state(f->rig, 2, NULL), ==, MNB_TRANSPORT_DISCONNECTED);
    g_assert_cmpuint(mnb_worker_stats(f->rig->worker)->transports, ==, 1);
}

/* A socket bound to no address: the answer must come from the address that was asked, also over
 * IPv6, else the peer's check fails. A connected socket sees only such answers. */
static void test_source_address(Fixture *f, gconstpointer data)
{
    (void)data;
    (void)f;
    int pair[2], on = 1, error = 0;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    socklen_t size = sizeof v4;
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), ==, 0);
    MnbWorkerConfig config = {.control_fd = pair[1]};
    config.udp_fds[0] = socket(AF_INET, SOCK_DGRAM, 0);
    g_assert_cmpint(bind(config.udp_fds[0], (struct sockaddr *)&v4, sizeof v4), ==, 0);
    getsockname(config.udp_fds[0], (struct sockaddr *)&v4, &size);
    config.n_udp_fds = 1;
    int six = socket(AF_INET6, SOCK_DGRAM, 0);
    setsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    v6.sin6_port = v4.sin_port;
    bool has_v6 = six >= 0 && bind(six, (struct sockaddr *)&v6, sizeof v6) == 0;
    if (has_v6)
        config.udp_fds[config.n_udp_fds++] = six;
    MnbWorker *worker = mnb_worker_new(&config, &error);
    g_assert_nonnull(worker);
    MnbTransportOpen open = {.transport = 1, .room = 1, .direction = MNB_PUBLISH};
    g_strlcpy(open.ufrag, "ourfragment", sizeof open.ufrag);
    g_strlcpy(open.pwd, "our-password-of-many-characters", sizeof open.pwd);
    mnb_control_send(pair[0], MNB_MEDIA_TRANSPORT_OPEN, &open, NULL, 0);
    mnb_worker_step(worker, 0);
    uint8_t out[256];
    MnbStunRequest request = {
        .username = "ourfragment:them", .role = MNB_ICE_CONTROLLING, .use_candidate = true};
    int len = mnb_stun_write_request(out, sizeof out, &request, open.pwd, strlen(open.pwd));
    for (unsigned i = 0; i < (has_v6 ? 2 : 1); i++) {
        int client = socket(i == 0 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 4); /* 127.0.0.5 */
        v6.sin6_addr = in6addr_loopback;
        int connected = i == 0 ? connect(client, (struct sockaddr *)&v4, sizeof v4)
                               : connect(client, (struct sockaddr *)&v6, sizeof v6);
        if (connected == 0) {
            MnbStun stun;
            g_assert_cmpint(send(client, out, (size_t)len, 0), ==, len);
            mnb_worker_step(worker, 0);
            ssize_t got = recv(client, out, sizeof out, 0);
            g_assert_cmpint(got, >, 0);
            g_assert_cmpint(mnb_stun_parse(&stun, out, (size_t)got), ==, 0);
            g_assert_cmpint(stun.type, ==, MNB_STUN_SUCCESS);
            g_assert_cmpint(stun.mapped.ss_family, ==, i == 0 ? AF_INET : AF_INET6);
            len = mnb_stun_write_request(out, sizeof out, &request, open.pwd, strlen(open.pwd));
        }
        close(client);
    }
    mnb_worker_free(worker);
    close(config.udp_fds[0]);
    close(six);
    close(pair[0]);
    close(pair[1]);
}

static void test_control_close(Fixture *f, gconstpointer data)
{
    (void)data;
    close(f->rig->control_fd);
    f->rig->control_fd = -1;
    rig_step(f->rig);
    g_assert_true(f->rig->has_ended);
    g_assert_cmpint(f->rig->end, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    static const struct {
        const char *name;
        void (*run)(Fixture *f, gconstpointer data);
    } tests[] = {
        {"/worker/forwards-what-was-published", test_forward},
        {"/worker/shows-video-from-a-key-frame-on", test_starts_at_key_frame},
        {"/worker/starts-a-joiner-from-the-key-frame-it-kept", test_key_cache},
        {"/worker/answers-a-nack-by-rtx-three-times-at-most", test_nack},
        {"/worker/sends-sound-again-bit-by-bit", test_sound_again},
        {"/worker/asks-the-publisher-for-what-is-missing", test_upstream_repair},
        {"/worker/starts-at-a-key-frame-whose-first-packet-came-last", test_late_key_start},
        {"/worker/takes-rtx-probes-before-any-media", test_rtx_probe},
        {"/worker/leaves-padding-out-without-a-gap", test_padding_left_out},
        {"/worker/goes-on-without-a-break-across-a-switch", test_switch},
        {"/worker/maps-sender-reports-of-the-publisher", test_reports},
        {"/worker/tells-the-publisher-when-packets-arrived", test_twcc},
        {"/worker/throttles-key-frame-requests", test_pli_is_throttled},
        {"/worker/refuses-forged-replayed-and-unannounced-packets", test_refuses_packets},
        {"/worker/ignores-checks-that-prove-nothing", test_forged_tuple},
        {"/worker/hears-no-dtls-before-a-check", test_dtls_gate},
        {"/worker/closes-on-a-wrong-fingerprint", test_fingerprint_mismatch},
        {"/worker/waits-for-a-fingerprint-that-comes-later", test_fingerprint_later},
        {"/worker/puts-a-fragmented-client-hello-together", test_fragmented_hello},
        {"/worker/hears-close-notify", test_close_notify},
        {"/worker/gives-a-peer-up-soon-after-an-alert-it-cannot-read", test_late_close},
        {"/worker/answers-487-to-a-peer-that-wants-to-be-controlled", test_role_conflict},
        {"/worker/connects-whatever-strangers-send-meanwhile", test_hello_race},
        {"/worker/says-close-notify", test_close_command},
        {"/worker/follows-a-peer-to-a-new-address", test_moves},
        {"/worker/keeps-eight-addresses-of-a-peer", test_many_tuples},
        {"/worker/accepts-both-credentials-across-an-ice-restart", test_restart},
        {"/worker/answers-from-the-address-that-was-asked", test_source_address},
        {"/worker/notices-silence", test_timeouts},
        {"/worker/ends-when-the-control-socket-closes", test_control_close},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, Fixture, NULL, set_up, tests[i].run, tear_down);
    return g_test_run();
}
