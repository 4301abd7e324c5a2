/* worker-fixture.h - a worker with one publisher of video and one receiver with a slot, connected.
 * For the tests of the worker only. */
#pragma once
#include "tests/support/media-peer.h"
#include <glib.h>
#include <string.h>

enum { VIDEO_SSRC = 1111, VIDEO_RTX = 1112, SLOT_SSRC = 9001, SLOT_RTX = 9002 };
enum { PT_VP8 = 96, PT_RTX = 97, PT_OPUS = 111, OUT_VP8 = 100, OUT_RTX = 101, OUT_OPUS = 109 };
enum { EXT_MID = 1, EXT_LEVEL = 2, EXT_TWCC = 3, EXT_RID = 4 };

typedef struct {
    Rig *rig;
    Peer *publisher, *receiver;
    uint16_t seq, picture;
    uint8_t tl0;
    uint32_t timestamp;
} Fixture;

static inline void add_video_track(Rig *rig, uint32_t track, uint32_t transport, uint32_t ssrc)
{
    MnbTrackAdd add = {.track = track,
                       .transport = transport,
                       .codec = MNB_CODEC_VP8,
                       .pt = PT_VP8,
                       .rtx_pt = PT_RTX,
                       .clock_rate = 90000,
                       .ssrc = ssrc,
                       .rtx_ssrc = ssrc == 0 ? 0 : ssrc + 1,
                       .mid = "0",
                       .ext = {.mid = EXT_MID, .twcc = EXT_TWCC},
                       .has_nack = 1,
                       .has_pli = 1,
                       .has_twcc = 1};
    rig_command(rig, MNB_MEDIA_TRACK_ADD, &add);
}

static inline void add_video_slot(Rig *rig, uint32_t slot, uint32_t transport, uint32_t ssrc)
{
    MnbSlotAdd add = {.slot = slot,
                      .transport = transport,
                      .ssrc = ssrc,
                      .rtx_ssrc = ssrc + 1,
                      .is_video = 1,
                      .has_nack = 1,
                      .clock_rate = 90000,
                      .mid = "v0",
                      .ext = {.mid = EXT_MID}};
    add.pt[MNB_CODEC_VP8] = OUT_VP8;
    add.rtx_pt[MNB_CODEC_VP8] = OUT_RTX;
    rig_command(rig, MNB_MEDIA_SLOT_ADD, &add);
}

static inline void bind_slot(Rig *rig, uint32_t slot, uint32_t track)
{
    MnbSlotBind bind = {slot, track};
    rig_command(rig, MNB_MEDIA_SLOT_BIND, &bind);
}

static inline void set_up(Fixture *f, gconstpointer data)
{
    (void)data;
    f->rig = rig_new();
    f->publisher = peer_new(f->rig, 1, 7, MNB_PUBLISH, false);
    f->receiver = peer_new(f->rig, 2, 7, MNB_RECEIVE, false);
    add_video_track(f->rig, 10, 1, VIDEO_SSRC);
    add_video_slot(f->rig, 20, 2, SLOT_SSRC);
    g_assert_true(peer_connect(f->publisher));
    g_assert_true(peer_connect(f->receiver));
    f->seq = 65530;
    f->timestamp = 4294960000u;
    f->picture = 0x7ffe;
    f->tl0 = 254;
}

static inline void tear_down(Fixture *f, gconstpointer data)
{
    (void)data;
    peer_free(f->publisher);
    peer_free(f->receiver);
    rig_free(f->rig);
}

/* Sends one frame of @n packets from @peer and lets it through. */
static inline void send_frame(Fixture *f, Peer *peer, uint32_t ssrc, unsigned n, bool is_key)
{
    uint8_t payload[1100];
    for (unsigned i = 0; i < n; i++) {
        size_t size = 1000 + (i + 1 == n ? 1 : 0);
        peer_vp8(payload, size, i == 0, is_key, f->picture, f->tl0, (uint8_t)f->seq);
        PeerRtp rtp = {.ssrc = ssrc,
                       .seq = f->seq++,
                       .timestamp = f->timestamp,
                       .pt = PT_VP8,
                       .marker = i + 1 == n,
                       .payload = payload,
                       .payload_size = size,
                       .mid_id = EXT_MID,
                       .mid = "0"};
        peer_send(peer, &rtp);
    }
    f->timestamp += 3000;
    f->picture = (f->picture + 1) & 0x7fff;
    f->tl0++;
    rig_advance(f->rig, 33000);
    peer_poll(f->receiver);
    peer_poll(f->publisher);
}

static inline unsigned count_rtcp(const Peer *peer, uint8_t type, uint8_t count)
{
    unsigned n = 0;
    for (unsigned i = 0; i < peer->n_reports; i++) {
        MnbRtcpReader reader;
        MnbRtcpPacket packet;
        mnb_rtcp_start(&reader, peer->reports[i].data, peer->reports[i].size);
        while (mnb_rtcp_next(&reader, &packet) > 0)
            n += packet.type == type && packet.count == count;
    }
    return n;
}
