/* publish.c - what a publisher sends: VP8 frames cut into packets that lie back to back as Chromium
 * sends them (sizes differ by a byte at most), Opus every 20 ms, sender reports, and repairs by RTX
 * (RFC 4588). The pictures are random bytes behind a right descriptor and frame header. */
#include "server/media/rtx.h"
#include "tests/bench/load/load.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC          0x4d4e4231u
#define AUDIO_US       20000
#define AUDIO_STEP     960 /* of the 48 kHz clock */
#define VIDEO_CLOCK    90000
#define REPORT_US      1000000
#define KEY_FACTOR     4      /* a key frame is so many mean frames */
#define KEY_GAP_US     500000 /* least time between two of them */
#define LATE_US        1000000
#define OPUS_TOC       0xfc /* CELT, 20 ms, stereo, one frame */
#define WIDTH          1280
#define HEIGHT         720
#define DESCRIPTOR_LEN 4
#define FILLER_BYTES   4096
#define TURN_US        1000000 /* --voices: so often another one begins to speak */
#define SPEAKERS       3
#define SPEECH         0x9e /* RFC 6464: voice, -30 dBov */
#define SILENCE        0x7f

static uint8_t filler[FILLER_BYTES];

static void init_track(LoadTrack *track)
{
    load_random(&track->ssrc, sizeof track->ssrc);
    load_random(&track->rtx_ssrc, sizeof track->rtx_ssrc);
    load_random(&track->seq, sizeof track->seq);
    load_random(&track->timestamp, sizeof track->timestamp);
    track->seq &= 0x3fff; /* far from a wrap before the first packet has arrived */
}

void load_publish_init(LoadClient *client)
{
    LoadPublisher *publisher = calloc(1, sizeof *publisher);
    if (publisher == NULL)
        abort();
    client->publisher = publisher;
    init_track(&publisher->audio);
    init_track(&publisher->video);
    publisher->video.kept = calloc(LOAD_KEPT, sizeof(LoadKept));
    if (publisher->video.kept == NULL)
        abort();
    load_random(&publisher->picture_id, sizeof publisher->picture_id);
    load_random(filler, sizeof filler);
}

void load_publish_free(LoadClient *client)
{
    if (client->publisher == NULL)
        return;
    free(client->publisher->video.kept);
    free(client->publisher);
    client->publisher = NULL;
}

static void build_header(LoadTrack *track)
{
    MnbRtpBuilder builder;
    mnb_rtp_build(&builder, track->header, sizeof track->header, track->pt, track->ssrc);
    if (track->mid[0] != '\0')
        mnb_rtp_build_extension(&builder, track->mid_id, track->mid, strlen(track->mid));
    int at = mnb_rtp_build_extension(&builder, track->level_id, "\x9e", 1);
    track->level_at = at > 0 ? at : 0;
    track->twcc_at = mnb_rtp_build_extension(&builder, track->twcc_id, "\0\0", 2);
    track->header_bytes = mnb_rtp_build_end(&builder);
    if (track->header_bytes < 0)
        abort();
}

void load_publish_start(LoadClient *client, int64_t now_us)
{
    LoadPublisher *publisher = client->publisher;
    build_header(&publisher->audio);
    build_header(&publisher->video);
    publisher->next_audio_us = now_us + client->index * 1700 % AUDIO_US;
    publisher->next_frame_us = now_us + client->index * 3100 % 33000;
    publisher->next_report_us = now_us + 100000;
    publisher->key_us = now_us - KEY_GAP_US;
    publisher->wants_key = true;
}

static void write_mark(uint8_t *at, const LoadClient *client, LoadKind kind, uint32_t number)
{
    uint64_t now_ns = load_wall_ns();
    uint32_t source = client->index << 8 | (uint32_t)kind;
    mnb_put_u32(at, MAGIC);
    mnb_put_u32(at + 4, source);
    mnb_put_u32(at + 8, number);
    mnb_put_u64(at + 12, now_ns);
    mnb_put_u32(at + 20, MAGIC ^ source ^ number ^ (uint32_t)now_ns ^ (uint32_t)(now_ns >> 32));
}

bool load_mark_read(const uint8_t *payload, size_t len, unsigned *publisher_out, LoadKind *kind_out,
                    uint32_t *number_out, uint64_t *sent_ns_out)
{
    if (len < LOAD_MARK_BYTES)
        return false;
    const uint8_t *at = payload + len - LOAD_MARK_BYTES;
    uint32_t source = mnb_get_u32(at + 4);
    *publisher_out = source >> 8;
    *kind_out = (source & 255) == LOAD_AUDIO ? LOAD_AUDIO : LOAD_VIDEO;
    *number_out = mnb_get_u32(at + 8);
    *sent_ns_out = mnb_get_u64(at + 12);
    return mnb_get_u32(at) == MAGIC &&
           mnb_get_u32(at + 20) == (MAGIC ^ source ^ *number_out ^ (uint32_t)*sent_ns_out ^
                                    (uint32_t)(*sent_ns_out >> 32));
}

/* Seals and sends. @prefix: behind the header, may be empty. */
static void send_packet(LoadClient *client, LoadTrack *track, bool is_repair, bool marker,
                        uint32_t timestamp, uint16_t osn, const uint8_t *payload, size_t len)
{
    uint8_t *out = load_net_buffer(client);
    memcpy(out, track->header, (size_t)track->header_bytes);
    mnb_rtp_set_pt(out, is_repair ? track->rtx_pt : track->pt, marker);
    mnb_rtp_set_seq(out, is_repair ? track->rtx_seq++ : track->seq++);
    mnb_rtp_set_timestamp(out, timestamp);
    if (is_repair) {
        mnb_rtp_set_ssrc(out, track->rtx_ssrc);
        mnb_put_u16(out + track->header_bytes, osn);
    }
    if (track->twcc_at > 0)
        mnb_put_u16(out + track->twcc_at, client->publisher->twcc_seq++);
    MnbSrtpPacket packet = {.header_len = (uint16_t)track->header_bytes,
                            .prefix_len = is_repair ? MNB_RTX_OSN_BYTES : 0,
                            .payload = payload,
                            .payload_len = (uint16_t)len};
    int sealed = mnb_srtp_protect(client->sends, is_repair ? &track->rtx_srtp : &track->srtp, out,
                                  LOAD_PACKET_MAX, &packet);
    if (sealed > 0)
        load_net_send(client, (size_t)sealed);
    if (!is_repair) {
        track->sent++;
        track->bytes += len;
    }
}

static bool speaks(const LoadClient *client)
{
    const LoadOptions *options = &client->load->options;
    unsigned turn = (unsigned)(load_now_us() / TURN_US);
    return options->voices == 0 || (client->index + turn) % options->publishers < SPEAKERS;
}

static void send_audio(LoadClient *client, LoadTrack *track)
{
    uint8_t payload[1300];
    size_t len = client->load->options.audio_bytes;
    memcpy(payload, filler + (track->number & 1023), len);
    payload[0] = OPUS_TOC;
    if (track->level_at > 0)
        track->header[track->level_at] = speaks(client) ? SPEECH : SILENCE;
    write_mark(payload + len - LOAD_MARK_BYTES, client, LOAD_AUDIO, track->number++);
    send_packet(client, track, false, false, track->timestamp, 0, payload, len);
    track->timestamp += AUDIO_STEP;
}

static void begin_frame(LoadClient *client, int64_t now_us)
{
    const LoadOptions *options = &client->load->options;
    LoadPublisher *publisher = client->publisher;
    unsigned room = options->packet_bytes - 32; /* header, extensions, descriptor */
    publisher->is_key = publisher->wants_key && now_us - publisher->key_us >= KEY_GAP_US;
    publisher->frame_bytes = options->bitrate_bps / 8 / options->fps;
    if (publisher->is_key) {
        publisher->frame_bytes *= KEY_FACTOR;
        publisher->wants_key = false;
        publisher->key_us = now_us;
        publisher->key_frames++;
    }
    publisher->parts = (publisher->frame_bytes + room - 1) / room;
    publisher->part = 0;
    publisher->part_us = publisher->next_frame_us;
    publisher->part_gap_us =
        options->is_spread ? 1000000 / (int64_t)options->fps / publisher->parts : 0;
    publisher->video.timestamp += VIDEO_CLOCK / options->fps;
    publisher->picture_id = (publisher->picture_id + 1) & 0x7fff;
    publisher->frames++;
    publisher->next_frame_us += 1000000 / options->fps;
}

/* Frame header, RFC 6386 9.1 */
static void write_frame_header(uint8_t *at, const LoadPublisher *publisher)
{
    uint32_t tag = (publisher->is_key ? 0 : 1) | 1u << 4 | (publisher->frame_bytes & 0x7ffff) << 5;
    static const uint8_t start[] = {0x9d,       0x01,         0x2a,       WIDTH & 255,
                                    WIDTH >> 8, HEIGHT & 255, HEIGHT >> 8};
    at[0] = (uint8_t)tag;
    at[1] = (uint8_t)(tag >> 8);
    at[2] = (uint8_t)(tag >> 16);
    if (publisher->is_key)
        memcpy(at + 3, start, sizeof start);
}

static void send_part(LoadClient *client)
{
    LoadPublisher *publisher = client->publisher;
    LoadTrack *track = &publisher->video;
    LoadKept *kept = &track->kept[track->seq & (LOAD_KEPT - 1)];
    bool is_first = publisher->part == 0;
    bool is_last = publisher->part + 1 == publisher->parts;
    /* Small ones first, as libwebrtc's packetizer does */
    unsigned rest = publisher->frame_bytes % publisher->parts;
    unsigned body = publisher->frame_bytes / publisher->parts +
                    (publisher->part >= publisher->parts - rest ? 1 : 0);
    if (body < LOAD_MARK_BYTES + 10)
        body = LOAD_MARK_BYTES + 10;
    kept->seq = track->seq;
    kept->timestamp = track->timestamp;
    kept->marker = is_last;
    kept->payload[0] = (uint8_t)(0x80 | (is_first ? 0x10 : 0));
    kept->payload[1] = 0x80; /* picture id */
    mnb_put_u16(kept->payload + 2, (uint16_t)(0x8000 | publisher->picture_id));
    memcpy(kept->payload + DESCRIPTOR_LEN, filler + (track->number & 1023), body);
    if (is_first)
        write_frame_header(kept->payload + DESCRIPTOR_LEN, publisher);
    kept->len = (uint16_t)(DESCRIPTOR_LEN + body);
    write_mark(kept->payload + kept->len - LOAD_MARK_BYTES, client, LOAD_VIDEO, track->number++);
    send_packet(client, track, false, is_last, track->timestamp, 0, kept->payload, kept->len);
    publisher->part++;
    publisher->part_us += publisher->part_gap_us;
}

static void run_video(LoadClient *client, int64_t now_us)
{
    LoadPublisher *publisher = client->publisher;
    if (now_us - publisher->next_frame_us > LATE_US)
        publisher->next_frame_us = now_us; /* we were stopped; do not catch up in a burst */
    for (;;) {
        while (publisher->part < publisher->parts && now_us >= publisher->part_us)
            send_part(client);
        if (publisher->part < publisher->parts || now_us < publisher->next_frame_us)
            return;
        begin_frame(client, now_us);
    }
}

static void send_report(LoadClient *client, const LoadTrack *track)
{
    uint8_t packet[256];
    MnbRtcpWriter writer;
    MnbRtcpSenderInfo info = {
        .ssrc = track->ssrc,
        .ntp = load_wall_ntp(),
        .rtp_time = track->timestamp,
        .packets = (uint32_t)track->sent,
        .bytes = (uint32_t)track->bytes,
    };
    mnb_rtcp_begin(&writer, packet, sizeof packet - MNB_SRTCP_ADDED_MAX);
    mnb_rtcp_put_sr(&writer, &info, NULL, 0);
    mnb_rtcp_put_cname(&writer, track->ssrc, LOAD_CNAME);
    load_rtcp_send(client, packet, writer.len);
}

void load_publish_run(LoadClient *client, int64_t now_us)
{
    const LoadOptions *options = &client->load->options;
    LoadPublisher *publisher = client->publisher;
    if (client->state != LOAD_UP)
        return;
    if (now_us - publisher->next_audio_us > LATE_US)
        publisher->next_audio_us = now_us;
    while (options->audio_bytes > 0 && now_us >= publisher->next_audio_us) {
        send_audio(client, &publisher->audio);
        publisher->next_audio_us += AUDIO_US;
    }
    if (options->bitrate_bps > 0)
        run_video(client, now_us);
    if (now_us >= publisher->next_report_us) {
        publisher->next_report_us += REPORT_US;
        if (publisher->audio.sent > 0)
            send_report(client, &publisher->audio);
        if (publisher->video.sent > 0)
            send_report(client, &publisher->video);
    }
}

static void repair(LoadClient *client, LoadTrack *track, uint16_t seq)
{
    const LoadKept *kept = &track->kept[seq & (LOAD_KEPT - 1)];
    if (kept->len == 0 || kept->seq != seq || track->rtx_pt == 0)
        return;
    client->publisher->repairs++;
    send_packet(client, track, true, kept->marker, kept->timestamp, seq, kept->payload, kept->len);
}

void load_publish_rtcp(LoadClient *client, const MnbRtcpPacket *packet)
{
    LoadPublisher *publisher = client->publisher;
    uint16_t seqs[256];
    uint32_t media;
    uint8_t request;
    if (mnb_rtcp_read_pli(packet, &media) || mnb_rtcp_read_fir(packet, 0, &media, &request)) {
        publisher->plis++;
        publisher->wants_key = true;
    }
    size_t n = mnb_rtcp_read_nack(packet, &media, seqs, sizeof seqs / sizeof seqs[0]);
    for (size_t i = 0; i < n && media == publisher->video.ssrc; i++) {
        publisher->nacks++;
        repair(client, &publisher->video, seqs[i]);
    }
}
