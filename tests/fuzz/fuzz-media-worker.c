/* A media worker with a publisher and a receiver that are connected; the input is what then comes.
 *
 *     record: kind, length (two bytes, big-endian), bytes
 *     kind 0-2: a datagram as it is, from the publisher, the receiver, a stranger
 *          3:   an RTP packet, sealed with the publisher's keys
 *          4-5: an RTCP packet, sealed with the publisher's, the receiver's keys
 *          6:   time passes: length in ms
 *          7:   the slot shows track 10, 11, or nothing
 *
 * The worker lives through many inputs (a handshake costs 2 ms) and is made anew when a peer is
 * gone. */
#include "server/media/bytes.h"
#include "tests/support/media-peer.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Rig *rig;
static struct {
    uint32_t ssrc;
    MnbSrtpStream stream;
} streams[8];
static Peer *publisher, *receiver, *stranger;
static uint16_t seq_base; /* moves on with each input, else all but the first would be replays */

static void add_track(uint32_t track, MnbCodec codec, uint8_t pt, uint32_t ssrc)
{
    MnbTrackAdd add = {.track = track,
                       .transport = 1,
                       .codec = (uint8_t)codec,
                       .pt = pt,
                       .rtx_pt = (uint8_t)(pt + 1),
                       .clock_rate = 90000,
                       .ssrc = ssrc,
                       .mid = "0",
                       .ext = {.mid = 1, .rid = 4, .repaired_rid = 5, .audio_level = 2, .twcc = 3},
                       .has_nack = 1,
                       .has_pli = 1};
    rig_command(rig, MNB_MEDIA_TRACK_ADD, &add);
}

static void set_up(void)
{
    if (rig != NULL) {
        peer_free(publisher);
        peer_free(receiver);
        peer_free(stranger);
        rig_free(rig);
    }
    memset(streams, 0, sizeof streams);
    rig = rig_new();
    publisher = peer_new(rig, 1, 7, MNB_PUBLISH, false);
    receiver = peer_new(rig, 2, 7, MNB_RECEIVE, false);
    stranger = peer_new(rig, 3, 7, MNB_PUBLISH, false);
    add_track(10, MNB_CODEC_VP8, 96, 0);
    add_track(11, MNB_CODEC_H264, 98, 1111);
    add_track(12, MNB_CODEC_OPUS, 111, 1212);
    MnbSlotAdd slot = {.slot = 20,
                       .transport = 2,
                       .ssrc = 9001,
                       .rtx_ssrc = 9002,
                       .is_video = 1,
                       .has_nack = 1,
                       .clock_rate = 90000,
                       .mid = "v",
                       .ext = {.mid = 1, .twcc = 3}};
    memset(slot.pt, 100, sizeof slot.pt);
    memset(slot.rtx_pt, 101, sizeof slot.rtx_pt);
    rig_command(rig, MNB_MEDIA_SLOT_ADD, &slot);
    if (!peer_connect(publisher) || !peer_connect(receiver))
        abort();
}

static void send_rtp(const uint8_t *data, size_t size)
{
    MnbRtp rtp;
    uint8_t out[1700];
    if (size > 1500 || mnb_rtp_parse_header(&rtp, data, size) < 0)
        return;
    memcpy(out, data, rtp.header_bytes);
    MnbSrtpPacket packet = {.header_len = rtp.header_bytes,
                            .payload_len = (uint16_t)(size - rtp.header_bytes),
                            .payload = data + rtp.header_bytes};
    mnb_rtp_set_seq(out, (uint16_t)(rtp.seq + seq_base));
    if (streams[rtp.ssrc % 8].ssrc != rtp.ssrc) {
        memset(&streams[rtp.ssrc % 8], 0, sizeof streams[0]);
        streams[rtp.ssrc % 8].ssrc = rtp.ssrc;
    }
    int len = mnb_srtp_protect(publisher->send_key, &streams[rtp.ssrc % 8].stream, out, sizeof out,
                               &packet);
    if (len > 0)
        peer_send_raw(publisher, out, (size_t)len);
}

static void send_rtcp(Peer *peer, const uint8_t *data, size_t size)
{
    uint8_t out[1700];
    if (size > 1500 || size < 8)
        return;
    memcpy(out, data, size);
    int len = mnb_srtp_protect_rtcp(peer->send_key, out, size, sizeof out);
    if (len > 0)
        peer_send_raw(peer, out, (size_t)len);
}

static void play(uint8_t kind, const uint8_t *data, size_t size)
{
    static const uint32_t shown[] = {10, 11, 0};
    Peer *peers[] = {publisher, receiver, stranger};
    MnbSlotBind bind = {20, shown[size % 3]};
    switch (kind % 8) {
    case 0:
    case 1:
    case 2:
        if (size > 0)
            peer_send_raw(peers[kind % 8], data, size);
        break;
    case 3:
        send_rtp(data, size);
        break;
    case 4:
        send_rtcp(publisher, data, size);
        break;
    case 5:
        send_rtcp(receiver, data, size);
        break;
    case 6:
        rig_advance(rig, (int64_t)(size % 2000) * 1000);
        break;
    default:
        rig_command(rig, MNB_MEDIA_SLOT_BIND, &bind);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (rig == NULL || rig_state(rig, 1, NULL) != MNB_TRANSPORT_CONNECTED ||
        rig_state(rig, 2, NULL) != MNB_TRANSPORT_CONNECTED)
        set_up();
    while (size >= 3) {
        uint8_t kind = data[0];
        size_t length = mnb_get_u16(data + 1);
        bool has_bytes = kind % 8 < 6;
        data += 3;
        size -= 3;
        if (has_bytes && length > size)
            length = size;
        play(kind, data, length);
        if (has_bytes) {
            data += length;
            size -= length;
        }
    }
    seq_base = (uint16_t)(seq_base + 4000);
    rig_advance(rig, 20000);
    peer_poll(publisher);
    peer_poll(receiver);
    peer_poll(stranger);
    peer_forget(publisher);
    peer_forget(receiver);
    if (rig->has_ended || receiver->bad_packets > 0)
        abort(); /* what the worker sends always opens */
    peer_check(publisher, true);
    peer_check(receiver, true);
    if (rig->n_events > RIG_EVENTS_MAX / 2)
        set_up();
    return 0;
}
