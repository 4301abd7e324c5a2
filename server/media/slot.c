#include "server/media/slot.h"

#include "server/media/fanout.h"
#include "server/media/line.h"
#include "server/media/seq.h"
#include "server/media/speaker.h"
#include "server/media/track.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AUDIO_HISTORY     256
#define VIDEO_FRAME_HZ    30 /* a switch moves the time stamp by at least a frame */
#define AUDIO_FRAME_HZ    50
#define NUMBER_WINDOW     8192   /* first_seq follows the head at this distance */
#define LAYER_CACHE_US    300000 /* the same camera must not jump back further than that */
#define CATCH_US          5000
#define CATCH_SPEED       4 /* times the track's bit rate */
#define CATCH_BPS_MIN     1000000
#define CATCH_FIRST_BYTES 12000
#define PLI_TOKENS_MAX    4 /* requests of one receiver in a row, then one each: */
#define PLI_REFILL_US     2500000
#define GONE_MAX_US       (INT64_C(3600) * MNB_SECOND_US)

/* ---- life ---- */

/* GCM's nonce is made of SSRC and index: two streams of one SSRC under one key give it away. */
static bool is_ssrc_used(const MnbTransport *transport, uint32_t ssrc)
{
    for (unsigned i = 0; i < transport->n_slots; i++)
        if (transport->slots[i]->config.ssrc == ssrc ||
            (transport->slots[i]->config.rtx_ssrc != 0 &&
             transport->slots[i]->config.rtx_ssrc == ssrc))
            return true;
    return false;
}

static int build_header(MnbSlot *slot)
{
    static const uint8_t zero[3] = {0};
    const MnbExtensionIds *ext = &slot->config.ext;
    size_t mid_len = strlen(slot->config.mid);
    MnbRtpBuilder builder;
    mnb_rtp_build(&builder, slot->header, sizeof slot->header, 0, slot->config.ssrc);
    int at = 0;
    if (ext->twcc != 0)
        at = mnb_rtp_build_extension(&builder, ext->twcc, zero, 2);
    slot->twcc_at = (uint8_t)(at > 0 ? at : 0);
    at = ext->twcc == 0 ? mnb_rtp_build_extension(&builder, ext->abs_send_time, zero, 3) : 0;
    slot->abs_time_at = (uint8_t)(at > 0 ? at : 0);
    at = slot->config.is_video ? 0 : mnb_rtp_build_extension(&builder, ext->audio_level, zero, 1);
    slot->level_at = (uint8_t)(at > 0 ? at : 0);
    if (mid_len > 0)
        mnb_rtp_build_extension(&builder, ext->mid, slot->config.mid, mid_len);
    int size = mnb_rtp_build_end(&builder);
    if (size < 0)
        return -EINVAL;
    slot->header_size = (uint8_t)size;
    return 0;
}

static bool has_rtx(const MnbSlotAdd *add)
{
    if (add->rtx_ssrc == 0 || add->has_nack == 0)
        return false;
    for (unsigned i = 0; i < MNB_CODEC_COUNT; i++)
        if (add->rtx_pt[i] != 0)
            return true;
    return false;
}

/* Pictures are repaired by RTX only; sound without it, by the same packet once more. */
static int make_history(MnbSlot *slot)
{
    bool is_repeated = slot->config.is_video == 0 && !has_rtx(&slot->config);
    if (slot->config.has_nack == 0 || (slot->config.is_video != 0 && !has_rtx(&slot->config)))
        return 0;
    unsigned places = slot->config.is_video ? MNB_VIDEO_HISTORY : AUDIO_HISTORY;
    slot->history = calloc(places, sizeof slot->history[0]);
    slot->history_mask = (uint16_t)(places - 1);
    if (is_repeated)
        slot->ends = calloc(places, sizeof slot->ends[0]);
    return slot->history == NULL || (is_repeated && slot->ends == NULL) ? -ENOMEM : 0;
}

static int check_add(MnbWorker *worker, const MnbSlotAdd *add, const MnbTransport *transport)
{
    if (transport == NULL || transport->is_closing)
        return -ENOENT;
    if (add->slot == 0 || transport->direction != MNB_RECEIVE || add->ssrc == 0 ||
        add->ssrc == add->rtx_ssrc || add->clock_rate < 8000 || add->clock_rate > 192000)
        return -EINVAL;
    for (unsigned i = 0; i < MNB_CODEC_COUNT; i++)
        if (add->pt[i] > 127 || add->rtx_pt[i] > 127)
            return -EINVAL;
    if (mnb_id_map_get(&worker->slots, add->slot) != NULL || is_ssrc_used(transport, add->ssrc) ||
        (add->rtx_ssrc != 0 && is_ssrc_used(transport, add->rtx_ssrc)))
        return -EEXIST;
    return transport->n_slots == MNB_SLOTS_MAX ? -ENOSPC : 0;
}

int mnb_slot_add(MnbWorker *worker, const MnbSlotAdd *add)
{
    MnbTransport *transport = mnb_id_map_get(&worker->transports, add->transport);
    int error = check_add(worker, add, transport);
    if (error < 0)
        return error;
    MnbSlot *slot = NULL;
    if (posix_memalign((void **)&slot, 64, (sizeof *slot + 63) & ~(size_t)63) != 0)
        return -ENOMEM;
    memset(slot, 0, sizeof *slot);
    slot->transport = transport;
    slot->id = add->slot;
    slot->config = *add;
    slot->out_seq = (uint16_t)(mnb_worker_random() & 0x7fff);
    slot->out_timestamp = mnb_worker_random();
    slot->out_picture = (uint16_t)(mnb_worker_random() & 0x7fff);
    slot->out_tl0 = (uint8_t)mnb_worker_random();
    slot->rtx_seq = (uint16_t)(mnb_worker_random() & 0x7fff);
    slot->pli_tokens = PLI_TOKENS_MAX;
    error = build_header(slot);
    if (error == 0)
        error = make_history(slot);
    if (error == 0)
        error = mnb_line_prepare(transport, worker->now_us);
    if (error == 0)
        error = mnb_id_map_put(&worker->slots, slot->id, slot);
    if (error < 0) {
        free(slot->history);
        free(slot->ends);
        free(slot);
        return error;
    }
    transport->slots[transport->n_slots++] = slot;
    worker->stats.slots++;
    return 0;
}

static int append(MnbSlot ***list, unsigned *n, unsigned *cap, MnbSlot *slot)
{
    if (*n == *cap) {
        unsigned more = *cap == 0 ? 8 : *cap * 2;
        MnbSlot **grown = realloc(*list, more * sizeof **list);
        if (grown == NULL)
            return -ENOMEM;
        *list = grown;
        *cap = more;
    }
    (*list)[(*n)++] = slot;
    return 0;
}

static void stop_catching(MnbSlot *slot)
{
    slot->is_catching = false;
    if (slot->back_catching == NULL)
        return;
    *slot->back_catching = slot->next_catching;
    if (slot->next_catching != NULL)
        slot->next_catching->back_catching = slot->back_catching;
    slot->next_catching = NULL;
    slot->back_catching = NULL;
}

static void leave_waiting(MnbSlot *slot)
{
    MnbTrack *track = slot->target;
    if (track == NULL)
        return;
    MnbSlot *last = track->waiting[--track->n_waiting];
    track->waiting[slot->waiting_index] = last;
    last->waiting_index = slot->waiting_index;
    slot->target = NULL;
}

static int enter_waiting(MnbSlot *slot, MnbTrack *track)
{
    int error = append(&track->waiting, &track->n_waiting, &track->waiting_cap, slot);
    if (error < 0)
        return error;
    slot->target = track;
    slot->waiting_index = track->n_waiting - 1;
    return 0;
}

/* The NTP time of RTP time @timestamp by the track's last sender report; 0: none came yet. */
static uint64_t capture_ntp(const MnbTrack *track, uint32_t timestamp)
{
    if (track->sr_ntp == 0)
        return 0;
    int64_t apart = mnb_timestamp_diff(timestamp, track->sr_rtp);
    return track->sr_ntp +
           (uint64_t)((__int128)apart * ((int64_t)1 << 32) / (int64_t)track->config.clock_rate);
}

static void leave_source(MnbSlot *slot)
{
    MnbTrack *track = slot->source;
    if (track == NULL)
        return;
    stop_catching(slot);
    slot->last_publisher = track->transport->id;
    slot->last_capture_ntp = capture_ntp(track, slot->out_timestamp - slot->timestamp_delta);
    MnbSlot *last = track->subs[--track->n_subs];
    track->subs[slot->index] = last;
    last->index = slot->index;
    slot->source = NULL;
}

void mnb_slot_free(MnbSlot *slot)
{
    MnbTransport *transport = slot->transport;
    leave_waiting(slot);
    leave_source(slot);
    for (unsigned i = 0; i < transport->n_slots; i++)
        if (transport->slots[i] == slot) {
            transport->slots[i] = transport->slots[--transport->n_slots];
            break;
        }
    mnb_id_map_remove(&transport->worker->slots, slot->id);
    transport->worker->stats.slots--;
    if (slot->state != MNB_SLOT_IN_FULL)
        transport->worker->stats.slots_held_back--;
    free(slot->history);
    free(slot->ends);
    free(slot->temporal);
    free(slot);
}

void mnb_slot_limit_temporal(MnbSlot *slot, uint8_t highest)
{
    if (slot->temporal == NULL) {
        if (highest >= MNB_TEMPORAL_ALL)
            return;
        slot->temporal = calloc(1, sizeof *slot->temporal);
        if (slot->temporal == NULL)
            return; /* without memory the picture stays whole */
        slot->temporal->now = MNB_TEMPORAL_ALL;
    }
    slot->temporal->wanted = highest;
}

void mnb_slot_drop_track(MnbSlot *slot, MnbTrack *track)
{
    if (slot->target == track)
        leave_waiting(slot);
    if (slot->source == track)
        leave_source(slot);
}

void mnb_slot_wait_again(MnbSlot *slot)
{
    MnbTrack *track = slot->source;
    leave_source(slot);
    if (slot->target == NULL)
        enter_waiting(slot, track); /* a slot that cannot wait for want of memory shows nothing */
}

/* ---- switching ---- */

/* How far the receiver's time stamp moves from the last packet of the old source to @packet. Layers
 * of one publisher share its clock; else the time that passed here is the best there is. */
static uint32_t timestamp_step(const MnbSlot *slot, const MnbTrack *track, const MnbPacket *packet)
{
    uint32_t rate = slot->config.clock_rate;
    int64_t least = rate / (track->is_video ? VIDEO_FRAME_HZ : AUDIO_FRAME_HZ);
    uint64_t ntp = capture_ntp(track, packet->timestamp);
    int64_t step;
    if (track->transport->id == slot->last_publisher && ntp != 0 && slot->last_capture_ntp != 0) {
        step = (int64_t)((__int128)(int64_t)(ntp - slot->last_capture_ntp) * rate >> 32);
    } else {
        int64_t gone_us = packet->arrival_us - slot->sent_us;
        step = gone_us > GONE_MAX_US ? least : gone_us * rate / MNB_SECOND_US;
    }
    if (step < least || step > (int64_t)rate * 3600)
        step = least;
    return (uint32_t)step;
}

int mnb_slot_switch(MnbSlot *slot, const MnbPacket *packet)
{
    MnbTrack *track = slot->target;
    leave_source(slot);
    int error = append(&track->subs, &track->n_subs, &track->subs_cap, slot);
    if (error < 0)
        return error;
    leave_waiting(slot);
    slot->source = track;
    slot->index = track->n_subs - 1;
    slot->epoch = slot->epoch == UINT8_MAX ? 1 : (uint8_t)(slot->epoch + 1);
    slot->pt = slot->config.pt[track->config.codec];
    slot->rtx_pt = slot->config.rtx_pt[track->config.codec];
    slot->is_vp8 = track->config.codec == MNB_CODEC_VP8;
    slot->first_seq = packet->seq;
    if (slot->temporal != NULL)
        mnb_temporal_begin(slot->temporal);
    uint16_t seq = slot->out_seq;
    uint32_t timestamp = slot->out_timestamp;
    if (slot->has_sent) {
        /* When the old source stopped inside a frame, a missing number tells the decoder so. */
        seq = (uint16_t)(seq + (slot->last_marker || !track->is_video ? 1 : 2));
        timestamp += timestamp_step(slot, track, packet);
    }
    slot->seq_delta = (uint16_t)(seq - packet->seq);
    slot->timestamp_delta = timestamp - packet->timestamp;
    if (slot->is_vp8) {
        slot->picture_delta = (uint16_t)(slot->out_picture + 1 - packet->vp8.picture_id);
        slot->tl0_delta = (uint8_t)(slot->out_tl0 + 1 - packet->vp8.tl0);
    }
    return 0;
}

/* A voice that began while it was decided that she is to be heard: what she said so far goes out at
 * once. The receiver's jitter buffer plays it a little faster. */
static void start_audio(MnbSlot *slot, int64_t now_us)
{
    MnbTrack *track = slot->target;
    MnbPacket *packets[MNB_VOICE_BACK_MAX];
    uint8_t padding[MNB_VOICE_BACK_MAX];
    unsigned n = 0;
    const MnbPacket *first = mnb_speaker_beginning(track, now_us);
    if (first == NULL)
        return;
    mnb_fanout_flush(track, now_us); /* what waits for its fan-out is in the ring, too */
    if (slot->target != track || mnb_slot_switch(slot, first) < 0)
        return;
    uint16_t end = (uint16_t)(track->head + 1);
    for (uint16_t seq = slot->first_seq; seq != end && n < MNB_VOICE_BACK_MAX; seq++) {
        MnbPacket *packet = mnb_track_packet(track, seq);
        if (packet != NULL)
            packets[n++] = packet;
    }
    mnb_fanout_plan(packets, n, padding);
    mnb_slot_forward(slot, packets, padding, n, now_us);
}

void mnb_slot_start(MnbSlot *slot, int64_t now_us)
{
    MnbTrack *track = slot->target;
    MnbWorker *worker = slot->transport->worker;
    if (!track->is_video) {
        start_audio(slot, now_us);
        return;
    }
    if (!mnb_track_has_key_cache(track, now_us) ||
        (slot->is_same_camera && now_us - track->key_us > LAYER_CACHE_US)) {
        mnb_track_request_key(track, now_us);
        return;
    }
    mnb_fanout_flush(track, now_us); /* what waits for its fan-out is in the ring, too */
    if (slot->target != track || mnb_slot_switch(slot, mnb_track_packet(track, track->key_seq)) < 0)
        return;
    slot->is_catching = true;
    slot->catch_seq = track->key_seq;
    slot->catch_credit = CATCH_FIRST_BYTES;
    slot->next_catching = worker->catching;
    slot->back_catching = &worker->catching;
    if (slot->next_catching != NULL)
        slot->next_catching->back_catching = &slot->next_catching;
    worker->catching = slot;
    if (!mnb_timer_is_armed(&worker->catch_timer)) {
        worker->catch_us = now_us;
        mnb_wheel_arm(&worker->wheel, &worker->catch_timer, now_us + 1000);
    }
}

int mnb_slot_show(MnbSlot *slot, MnbTrack *track, bool is_at_once, int64_t now_us)
{
    if (track != NULL && track == slot->source) {
        leave_waiting(slot);
        return 0;
    }
    if (track != NULL && track == slot->target)
        return 0;
    leave_waiting(slot);
    MnbTrack *source = slot->source;
    bool is_layer = track != NULL && source != NULL && track->is_video && source->is_video &&
                    source->transport == track->transport &&
                    strcmp(source->config.mid, track->config.mid) == 0;
    if (!is_layer || is_at_once)
        leave_source(slot);
    slot->is_same_camera = is_layer;
    if (track == NULL)
        return 0;
    if (slot->config.pt[track->config.codec] == 0 ||
        track->is_video != (slot->config.is_video != 0))
        return -ENOTSUP;
    int error = enter_waiting(slot, track);
    if (error == 0 && slot->transport->can_send)
        mnb_slot_start(slot, now_us);
    return error;
}

void mnb_slot_on_transport_up(MnbSlot *slot)
{
    int64_t now_us = slot->transport->worker->now_us;
    if (slot->target != NULL)
        mnb_slot_start(slot, now_us);
    else if (slot->source != NULL)
        mnb_track_request_key(slot->source, now_us);
}

void mnb_slot_tick(MnbSlot *slot)
{
    MnbTrack *track = slot->source;
    if (track != NULL && mnb_seq_diff(track->head, slot->first_seq) > NUMBER_WINDOW)
        slot->first_seq = (uint16_t)(track->head - NUMBER_WINDOW / 2);
}

/* ---- sending ---- */

/* What of a packet is this receiver's. */
typedef struct {
    uint16_t seq;
    uint16_t picture;
} Numbers;

/* Returns false when the packet has no place among those that were sent. */
static bool find_numbers(const MnbSlot *slot, const MnbPacket *packet, Numbers *out)
{
    uint16_t seqs = 0;
    uint16_t pictures = 0;
    if (__builtin_expect(slot->temporal != NULL, 0) &&
        !mnb_temporal_place(slot->temporal, packet, &seqs, &pictures))
        return false;
    out->seq = (uint16_t)(packet->seq + slot->seq_delta + seqs);
    out->picture = (uint16_t)((packet->vp8.picture_id + slot->picture_delta + pictures) & 0x7fff);
    return true;
}

typedef struct {
    Numbers numbers; /* of RTX: those of the packet it repairs */
    uint16_t seq, twcc;
    uint8_t pt;
    bool is_rtx;
    int64_t us; /* for abs-send-time */
} Front;

/* Everything in front of the payload. Returns: bytes of the prefix behind the header. */
static size_t write_front(const MnbSlot *slot, uint8_t *out, const MnbPacket *packet,
                          const Front *front)
{
    memcpy(out, slot->header, MNB_SLOT_HEADER_MAX); /* constant size; the tail is written over */
    mnb_rtp_set_pt(out, front->pt, packet->has_marker);
    mnb_rtp_set_seq(out, front->seq);
    mnb_rtp_set_timestamp(out, packet->timestamp + slot->timestamp_delta);
    if (front->is_rtx)
        mnb_rtp_set_ssrc(out, slot->config.rtx_ssrc);
    if (slot->twcc_at != 0)
        mnb_put_u16(out + slot->twcc_at, front->twcc);
    if (slot->abs_time_at != 0)
        mnb_put_u24(out + slot->abs_time_at, mnb_rtp_abs_send_time(front->us));
    if (slot->level_at != 0)
        out[slot->level_at] = packet->level == MNB_LEVEL_NONE ? 0x7f : packet->level;
    uint8_t *prefix = out + slot->header_size;
    size_t size = 0;
    if (front->is_rtx) {
        mnb_put_u16(prefix, front->numbers.seq);
        size = 2;
    }
    if (slot->is_vp8)
        size += mnb_vp8_write_descriptor(prefix + size, &packet->vp8, front->numbers.picture,
                                         (uint8_t)(packet->vp8.tl0 + slot->tl0_delta));
    return size;
}

static MnbSrtpPacket make_job(const MnbSlot *slot, uint8_t *out, const MnbPacket *packet,
                              size_t prefix_size, uint8_t padding)
{
    size_t skip = slot->is_vp8 ? packet->vp8.descriptor_bytes : 0;
    if (padding != 0)
        mnb_rtp_set_padding(out, true);
    return (MnbSrtpPacket){
        .header_len = slot->header_size,
        .prefix_len = (uint16_t)prefix_size,
        .payload_len = (uint16_t)(packet->size - skip),
        .padding_len = padding,
        .payload = packet->data + MNB_RTP_HEADER_BYTES + skip,
    };
}

static int seal(MnbSlot *slot, uint8_t *out, size_t cap, const MnbPacket *packet,
                MnbSrtpStream *stream, size_t prefix_size, uint8_t padding)
{
    MnbSrtpPacket job = make_job(slot, out, packet, prefix_size, padding);
    return mnb_srtp_protect(slot->transport->send_key, stream, out, cap, &job);
}

#define FRONT_MAX (MNB_SLOT_HEADER_MAX + 2 + MNB_VP8_DESCRIPTOR_MAX)

/* The time that is written into a header. Of sound whole milliseconds, as the history has them: the
 * packet may have to be made again. */
static int64_t header_us(const MnbSlot *slot, int64_t now_us)
{
    return slot->ends == NULL ? now_us : now_us - now_us % 1000;
}

static int send_packet(MnbSlot *slot, const MnbPacket *packet, uint8_t padding, int64_t now_us)
{
    MnbTransport *transport = slot->transport;
    MnbTx *tx = transport->worker->tx;
    Front front = {.pt = slot->pt, .twcc = transport->twcc_out, .us = header_us(slot, now_us)};
    if (!find_numbers(slot, packet, &front.numbers))
        return -ESTALE;
    uint16_t seq = front.seq = front.numbers.seq;
    size_t cap = FRONT_MAX + packet->size + (size_t)padding + MNB_SRTP_TAG_MAX;
    uint8_t *out = mnb_tx_room(tx, cap);
    size_t prefix = write_front(slot, out, packet, &front);
    int len = seal(slot, out, cap, packet, &slot->stream, prefix, padding);
    if (__builtin_expect(len < 0, 0))
        return len;
    mnb_tx_add(tx, &transport->selected->route, (size_t)len);
    if (slot->history != NULL)
        slot->history[seq & slot->history_mask] = (MnbSent){
            (uint32_t)(now_us / 1000),     seq, packet->seq, transport->twcc_out, slot->epoch, 0,
            padding & MNB_SENT_PADDING_MAX};
    if (slot->ends != NULL)
        slot->ends[seq & slot->history_mask] = mnb_srtp_end(out, len);
    if (slot->twcc_at != 0)
        mnb_bandwidth_sent(transport->bandwidth, transport->twcc_out++, (size_t)len,
                           mnb_tx_sent_us(tx));
    if (!slot->has_sent || mnb_seq_is_newer(seq, slot->out_seq)) {
        slot->has_sent = true;
        slot->out_seq = seq;
        slot->last_marker = packet->has_marker;
        slot->out_timestamp = packet->timestamp + slot->timestamp_delta;
        slot->out_picture = front.numbers.picture;
        slot->out_tl0 = (uint8_t)(packet->vp8.tl0 + slot->tl0_delta);
        slot->sent_us = now_us;
    }
    slot->packets++;
    slot->bytes += packet->size;
    return len;
}

static void count_sent(MnbTransport *transport, unsigned packets, uint64_t bytes)
{
    transport->packets_out += packets;
    transport->bytes_out += bytes;
    transport->worker->stats.packets_out += packets;
    transport->worker->stats.bytes_out += bytes;
}

void mnb_slot_forward(MnbSlot *slot, MnbPacket *const *packets, const uint8_t *padding, unsigned n,
                      int64_t now_us)
{
    uint64_t bytes = 0;
    unsigned sent = 0;
    if (!slot->transport->can_send)
        return;
    for (unsigned i = 0; i < n; i++) {
        const MnbPacket *packet = packets[i];
        if (mnb_seq_diff(packet->seq, slot->first_seq) < 0 ||
            (slot->is_catching && mnb_seq_diff(packet->seq, slot->catch_seq) >= 0))
            continue;
        if (__builtin_expect(slot->temporal != NULL, 0) &&
            !mnb_temporal_takes(slot->temporal, packet, &slot->seq_delta, &slot->picture_delta))
            continue;
        int len = send_packet(slot, packet, padding == NULL ? 0 : padding[i], now_us);
        if (len > 0) {
            sent++;
            bytes += (unsigned)len;
        }
    }
    count_sent(slot->transport, sent, bytes);
}

/* ---- catching up ---- */

/* Sends from the ring what the credit allows. */
static void catch_up(MnbSlot *slot, int64_t now_us)
{
    MnbTrack *track = slot->source;
    uint16_t end = (uint16_t)(track->head + 1);
    while (slot->catch_seq != end && slot->catch_credit > 0) {
        MnbPacket *packets[MNB_TX_SEGMENTS_MAX];
        uint8_t padding[MNB_TX_SEGMENTS_MAX];
        unsigned n = 0;
        while (n < MNB_TX_SEGMENTS_MAX && slot->catch_seq != end && slot->catch_credit > 0) {
            MnbPacket *packet = mnb_track_packet(track, slot->catch_seq++);
            if (packet == NULL)
                continue; /* lost; if it comes yet, it is passed on like any late one */
            slot->catch_credit -= packet->size;
            packets[n++] = packet;
        }
        mnb_fanout_plan(packets, n, padding);
        mnb_slot_forward(slot, packets, padding, n, now_us);
    }
    if (slot->catch_seq == end)
        stop_catching(slot);
}

void mnb_slot_on_catch_timer(void *owner, int64_t now_us)
{
    MnbWorker *worker = owner;
    int64_t gone_us = now_us - worker->catch_us;
    worker->catch_us = now_us;
    MnbSlot *next;
    for (MnbSlot *slot = worker->catching; slot != NULL; slot = next) {
        next = slot->next_catching;
        if (!slot->is_catching)
            continue; /* a flush below moved it to another track */
        MnbTrack *track = slot->source;
        if (track->n_pending > 0)
            mnb_fanout_flush(track, now_us); /* the live ones of before must not overtake */
        uint32_t bps = track->bps > CATCH_BPS_MIN ? track->bps : CATCH_BPS_MIN;
        slot->catch_credit +=
            (double)gone_us * mnb_line_catch_bps(slot, (uint64_t)bps * CATCH_SPEED, now_us) / 8e6;
        catch_up(slot, now_us);
    }
    if (worker->catching != NULL)
        mnb_wheel_arm(&worker->wheel, &worker->catch_timer, now_us + CATCH_US);
}

/* ---- what the receiver asks for ---- */

uint64_t mnb_slot_rtx_budget(uint64_t sent_bytes)
{
    return sent_bytes / 2 > MNB_RTX_BUDGET_MIN ? sent_bytes / 2 : MNB_RTX_BUDGET_MIN;
}

static int send_rtx(MnbSlot *slot, const MnbPacket *packet, int64_t now_us)
{
    MnbTransport *transport = slot->transport;
    MnbTx *tx = transport->worker->tx;
    Front front = {.pt = slot->rtx_pt, .twcc = transport->twcc_out, .is_rtx = true, .us = now_us};
    if (!find_numbers(slot, packet, &front.numbers))
        return -ESTALE;
    front.seq = slot->rtx_seq++;
    size_t cap = FRONT_MAX + packet->size + MNB_SRTP_TAG_MAX;
    uint8_t *out = mnb_tx_room(tx, cap);
    size_t prefix = write_front(slot, out, packet, &front);
    int len = seal(slot, out, cap, packet, &slot->rtx_stream, prefix, 0);
    if (len < 0)
        return len;
    mnb_tx_add(tx, &transport->selected->route, (size_t)len);
    if (slot->twcc_at != 0)
        mnb_bandwidth_sent(transport->bandwidth, transport->twcc_out++, (size_t)len,
                           mnb_tx_sent_us(tx));
    return len;
}

/* The same packet once more, bit by bit: the receiver did not have it, so it is no replay to him.
 */
static int send_again(MnbSlot *slot, const MnbSent *sent, const MnbPacket *packet, int64_t now_us)
{
    MnbTransport *transport = slot->transport;
    MnbTx *tx = transport->worker->tx;
    size_t cap = FRONT_MAX + packet->size + (size_t)sent->padding + MNB_SRTP_TAG_MAX;
    uint8_t *out = mnb_tx_room(tx, cap);
    int64_t now_ms = now_us / 1000;
    int64_t sent_ms = now_ms - (uint32_t)((uint32_t)now_ms - sent->sent_ms);
    Front front = {.pt = slot->pt, .seq = sent->out_seq, .twcc = sent->twcc, .us = sent_ms * 1000};
    size_t prefix = write_front(slot, out, packet, &front);
    MnbSrtpPacket job = make_job(slot, out, packet, prefix, sent->padding);
    int len = mnb_srtp_protect_again(transport->send_key, &slot->stream, out, cap, &job,
                                     slot->ends[sent->out_seq & slot->history_mask]);
    if (len < 0)
        return len;
    mnb_tx_add(tx, &transport->selected->route, (size_t)len);
    if (slot->twcc_at != 0) /* it comes late, which says nothing about the line */
        mnb_bandwidth_forget(transport->bandwidth, sent->twcc);
    return len;
}

/* ---- padding, to find out what the line takes ---- */

static uint8_t any_rtx_pt(const MnbSlot *slot)
{
    if (slot->source != NULL && slot->rtx_pt != 0)
        return slot->rtx_pt;
    for (unsigned i = 0; i < MNB_CODEC_COUNT; i++)
        if (slot->config.rtx_pt[i] != 0)
            return slot->config.rtx_pt[i];
    return 0;
}

static int send_padding_packet(MnbSlot *slot, uint8_t pt, int64_t now_us)
{
    static const uint8_t nothing[1];
    MnbTransport *transport = slot->transport;
    MnbTx *tx = transport->worker->tx;
    size_t cap = FRONT_MAX + UINT8_MAX + MNB_SRTP_TAG_MAX;
    MnbPacket empty = {.timestamp = slot->out_timestamp - slot->timestamp_delta,
                       .level = MNB_LEVEL_NONE};
    uint8_t *out = mnb_tx_room(tx, cap);
    Front front = {.pt = pt,
                   .seq = slot->rtx_seq++,
                   .twcc = transport->twcc_out,
                   .is_rtx = true,
                   .us = now_us};
    write_front(slot, out, &empty, &front);
    mnb_rtp_set_padding(out, true);
    MnbSrtpPacket job = {
        .header_len = slot->header_size, .padding_len = UINT8_MAX, .payload = nothing};
    int len = mnb_srtp_protect(transport->send_key, &slot->rtx_stream, out, cap, &job);
    if (len < 0)
        return len;
    mnb_tx_add(tx, &transport->selected->route, (size_t)len);
    mnb_bandwidth_sent(transport->bandwidth, transport->twcc_out++, (size_t)len,
                       mnb_tx_sent_us(tx));
    return len;
}

size_t mnb_slot_send_padding(MnbSlot *slot, size_t bytes, int64_t now_us)
{
    size_t sent = 0;
    unsigned n = 0;
    uint8_t pt = slot->config.rtx_ssrc == 0 || slot->twcc_at == 0 ? 0 : any_rtx_pt(slot);
    if (pt == 0 || !slot->transport->can_send)
        return 0;
    while (sent < bytes) {
        int len = send_padding_packet(slot, pt, now_us);
        if (len < 0)
            break;
        sent += (size_t)len;
        n++;
    }
    count_sent(slot->transport, n, sent);
    slot->transport->worker->stats.probe_bytes += sent;
    return sent;
}

void mnb_slot_on_nack(MnbSlot *slot, const uint16_t *seqs, size_t n, int64_t now_us)
{
    MnbTransport *transport = slot->transport;
    uint32_t now_ms = (uint32_t)(now_us / 1000);
    uint32_t gap_us =
        transport->rtt_us > MNB_RTX_GAP_MIN_US ? transport->rtt_us : MNB_RTX_GAP_MIN_US;
    transport->worker->stats.nacks_in += n;
    if (slot->history == NULL || slot->source == NULL || !transport->can_send ||
        (slot->ends == NULL && slot->rtx_pt == 0))
        return;
    uint64_t budget =
        transport->rtx_budget > MNB_RTX_BUDGET_MIN ? transport->rtx_budget : MNB_RTX_BUDGET_MIN;
    for (size_t i = 0; i < n && transport->rtx_bytes_tick < budget; i++) {
        MnbSent *sent = &slot->history[seqs[i] & slot->history_mask];
        /* Of sound the first sending stays noted: it is part of the packet. */
        unsigned gaps = slot->ends == NULL ? 1 : sent->tries + 1u;
        if (sent->out_seq != seqs[i] || sent->epoch != slot->epoch || sent->epoch == 0 ||
            sent->tries >= MNB_RTX_TRIES ||
            (sent->tries > 0 && (now_ms - sent->sent_ms) * 1000 < gaps * gap_us))
            continue;
        const MnbPacket *packet = mnb_track_packet(slot->source, sent->seq);
        if (packet == NULL)
            continue;
        int len = slot->ends == NULL ? send_rtx(slot, packet, now_us)
                                     : send_again(slot, sent, packet, now_us);
        if (len < 0)
            continue;
        sent->tries = (sent->tries + 1u) & 3u;
        if (slot->ends == NULL)
            sent->sent_ms = now_ms;
        transport->rtx_bytes_tick += (unsigned)len;
        transport->worker->stats.rtx_out++;
        count_sent(transport, 1, (unsigned)len);
    }
}

void mnb_slot_on_pli(MnbSlot *slot, int64_t now_us)
{
    slot->transport->worker->stats.plis_in++;
    while (slot->pli_tokens < PLI_TOKENS_MAX && now_us - slot->pli_refill_us >= PLI_REFILL_US) {
        slot->pli_tokens++;
        slot->pli_refill_us += PLI_REFILL_US;
    }
    if (slot->source == NULL || slot->pli_tokens == 0)
        return;
    if (slot->pli_tokens-- == PLI_TOKENS_MAX)
        slot->pli_refill_us = now_us;
    mnb_track_request_key(slot->source, now_us);
}
