#include "server/media/track.h"

#include "server/media/fanout.h"
#include "server/media/feedback.h"
#include "server/media/line.h"
#include "server/media/seq.h"
#include "server/media/slot.h"
#include "server/media/speaker.h"
#include "server/media/tap.h"
#include "server/media/transport.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define JUMP_MAX       3000 /* sequence numbers; more is a new stream, not loss */
#define MUTED_US       (2 * MNB_SECOND_US)
#define KEY_TRIES_IDLE 5 /* requests to a publisher that sends nothing */
#define NACK_BATCH     64
#define LATE_US        MNB_SECOND_US /* media that comes later than that is a lie */

static void on_nack_timer(void *owner, int64_t now_us);
static void on_pli_timer(void *owner, int64_t now_us);

/* ---- life ---- */

static bool is_ssrc_taken(const MnbTransport *transport, uint32_t ssrc)
{
    for (unsigned i = 0; ssrc != 0 && i < transport->n_ssrcs; i++)
        if (transport->ssrcs[i].ssrc == ssrc && transport->ssrcs[i].track != NULL)
            return true;
    return false;
}

static int check_add(MnbWorker *worker, const MnbTrackAdd *add, MnbTransport *transport)
{
    if (transport == NULL || transport->is_closing)
        return -ENOENT;
    if (add->track == 0 || transport->direction != MNB_PUBLISH || add->codec == MNB_CODEC_NONE ||
        add->codec >= MNB_CODEC_COUNT || add->pt > 127 || add->rtx_pt > 127 ||
        add->clock_rate < 8000 || add->clock_rate > 192000)
        return -EINVAL;
    if (mnb_id_map_get(&worker->tracks, add->track) != NULL ||
        is_ssrc_taken(transport, add->ssrc) || is_ssrc_taken(transport, add->rtx_ssrc))
        return -EEXIST;
    return transport->n_tracks == MNB_TRACKS_MAX ? -ENOSPC : 0;
}

int mnb_track_add(MnbWorker *worker, const MnbTrackAdd *add)
{
    MnbTransport *transport = mnb_id_map_get(&worker->transports, add->transport);
    int error = check_add(worker, add, transport);
    if (error < 0)
        return error;
    MnbTrack *track = calloc(1, sizeof *track);
    if (track == NULL)
        return -ENOMEM;
    track->worker = worker;
    track->transport = transport;
    track->config = *add;
    track->is_video = add->codec != MNB_CODEC_OPUS;
    track->rtx_ssrc = add->rtx_ssrc;
    track->ring_mask = (track->is_video ? MNB_VIDEO_RING : MNB_AUDIO_RING) - 1;
    track->ring = calloc((size_t)track->ring_mask + 1, sizeof(MnbPacket *));
    track->nack_timer.on_due = on_nack_timer;
    track->pli_timer.on_due = on_pli_timer;
    track->nack_timer.owner = track->pli_timer.owner = track;
    if (track->ring == NULL)
        error = -ENOMEM;
    if (error == 0 && add->ssrc != 0)
        error = mnb_transport_add_ssrc(transport, add->ssrc, track, false);
    if (error == 0 && add->rtx_ssrc != 0)
        error = mnb_transport_add_ssrc(transport, add->rtx_ssrc, track, true);
    if (error == 0)
        error = mnb_id_map_put(&worker->tracks, add->track, track);
    if (error < 0) {
        for (unsigned i = 0; i < transport->n_ssrcs; i++)
            if (transport->ssrcs[i].track == track)
                transport->ssrcs[i].track = NULL;
        free(track->ring);
        free(track);
        return error;
    }
    track->next_in_transport = transport->tracks;
    transport->tracks = track;
    transport->n_tracks++;
    worker->stats.tracks++;
    if (!track->is_video)
        mnb_speaker_add_track(track);
    return 0;
}

static void empty_ring(MnbTrack *track)
{
    for (unsigned i = 0; i <= track->ring_mask; i++) {
        MnbPacket *packet = track->ring[i];
        if (packet != NULL)
            mnb_slab_give(&track->worker->slabs[packet->slab], packet);
        track->ring[i] = NULL;
    }
}

void mnb_track_free(MnbTrack *track)
{
    MnbTransport *transport = track->transport;
    mnb_fanout_forget(track);
    while (track->n_subs > 0)
        mnb_slot_drop_track(track->subs[track->n_subs - 1], track);
    while (track->n_waiting > 0)
        mnb_slot_drop_track(track->waiting[track->n_waiting - 1], track);
    if (!track->is_video) {
        mnb_speaker_remove_track(track);
        track->transport->room->n_audio_flowing -= track->is_flowing;
    }
    for (unsigned i = 0; i < transport->n_ssrcs; i++)
        if (transport->ssrcs[i].track == track)
            transport->ssrcs[i].track = NULL;
    MnbTrack **link = &transport->tracks;
    while (*link != track)
        link = &(*link)->next_in_transport;
    *link = track->next_in_transport;
    transport->n_tracks--;
    mnb_timer_cancel(&track->nack_timer);
    mnb_timer_cancel(&track->pli_timer);
    mnb_id_map_remove(&track->worker->tracks, track->config.track);
    track->worker->stats.tracks--;
    empty_ring(track);
    free(track->ring);
    free(track->subs);
    free(track->waiting);
    free(track);
}

/* A stream begins: the first packet ever, another SSRC, or a jump that is no loss (an encoder that
 * was restarted). Receivers join it at its next key frame. */
static void begin_stream(MnbTrack *track, const MnbRtp *rtp, int64_t now_us)
{
    mnb_fanout_forget(track);
    while (track->n_subs > 0)
        mnb_slot_wait_again(track->subs[track->n_subs - 1]);
    empty_ring(track);
    track->is_started = true;
    track->ssrc = rtp->ssrc;
    track->highest = rtp->seq;
    track->head = rtp->seq;
    track->cycles = 0;
    track->base = rtp->seq;
    track->received = 0;
    track->expected_prior = track->received_prior = 0;
    track->jitter_16 = 0;
    track->left_out = 0;
    track->n_left_out = 0;
    track->has_key = false;
    track->nack.n = 0;
    track->n_silent = 0;
    track->sr_ntp = 0;
    track->bytes_in_tick = track->bytes_in;
    track->tick_us = now_us;
    track->tick_timestamp = rtp->timestamp;
}

/* ---- numbers ---- */

static void leave_out(MnbTrack *track, uint16_t seq)
{
    if (track->n_left_out == MNB_LEFT_OUT_MAX) {
        track->n_left_out--;
        memmove(track->left_out_seqs, track->left_out_seqs + 1,
                track->n_left_out * sizeof track->left_out_seqs[0]);
    }
    track->left_out_seqs[track->n_left_out++] = seq;
    track->left_out++;
}

/* Our number of the publisher's @seq: less the packets left out before it. */
static uint16_t our_number(const MnbTrack *track, uint16_t seq)
{
    uint16_t before = track->left_out;
    if (seq != track->highest)
        for (unsigned i = 0; i < track->n_left_out; i++)
            if (mnb_seq_is_newer(track->left_out_seqs[i], seq))
                before--;
    return (uint16_t)(seq - before);
}

static void count_arrival(MnbTrack *track, const MnbRtp *rtp, int64_t now_us)
{
    uint32_t arrival = (uint32_t)((uint64_t)now_us * track->config.clock_rate / 1000000u);
    uint32_t transit = arrival - rtp->timestamp;
    if (track->received++ > 0) {
        int64_t apart = mnb_timestamp_diff(transit, track->last_transit);
        uint32_t distance = (uint32_t)(apart < 0 ? -apart : apart);
        track->jitter_16 += distance - ((track->jitter_16 + 8) >> 4);
    }
    track->last_transit = transit;
}

static void arm_nack(MnbTrack *track)
{
    int64_t due_us = mnb_nack_due_us(&track->nack);
    if (due_us != 0)
        mnb_wheel_arm(&track->worker->wheel, &track->nack_timer, due_us);
}

/* Notes the number of a packet: gaps, order. Returns true when the packet is a late one. */
static bool note_number(MnbTrack *track, uint16_t seq, int64_t now_us)
{
    int32_t ahead = mnb_seq_diff(seq, track->highest);
    if (ahead <= 0) {
        if (ahead < 0)
            mnb_nack_remove(&track->nack, seq, now_us);
        return ahead < 0;
    }
    if (ahead > 1 && track->config.has_nack) {
        if (!mnb_nack_add(&track->nack, (uint16_t)(track->highest + 1), (unsigned)ahead - 1,
                          now_us) &&
            track->is_video)
            mnb_track_request_key(track, now_us);
        if (!mnb_timer_is_armed(&track->nack_timer))
            arm_nack(track);
    }
    if (seq < track->highest)
        track->cycles += 0x10000;
    track->highest = seq;
    return false;
}

static void on_nack_timer(void *owner, int64_t now_us)
{
    MnbTrack *track = owner;
    uint16_t seqs[NACK_BATCH];
    unsigned gave_up;
    size_t n = mnb_nack_take_due(&track->nack, now_us, seqs, NACK_BATCH, &gave_up);
    if (n > 0)
        mnb_feedback_send_nack(track, seqs, n);
    if (gave_up > 0 && track->is_video)
        mnb_track_request_key(track, now_us);
    arm_nack(track);
}

/* ---- packets ---- */

/* A piece for @size bytes of payload. When the slab is used up, the oldest packet of the same track
 * makes room: a track cannot starve the others for longer than its own ring. */
static MnbPacket *take_packet(MnbTrack *track, size_t size)
{
    MnbSlab *slabs = track->worker->slabs;
    uint8_t index = size <= mnb_slab_room(&slabs[0]) ? 0 : 1;
    if (size > mnb_slab_room(&slabs[1]))
        return NULL;
    MnbPacket *packet = mnb_slab_take(&slabs[index]);
    for (unsigned back = track->ring_mask; packet == NULL && back > MNB_PENDING_MAX; back--) {
        MnbPacket **place = &track->ring[(track->head - back) & track->ring_mask];
        if (*place == NULL || (*place)->slab != index)
            continue;
        mnb_slab_give(&slabs[index], *place);
        *place = NULL;
        packet = mnb_slab_take(&slabs[index]);
    }
    if (packet != NULL)
        packet->slab = index;
    return packet;
}

static void note_key_frame(MnbTrack *track, const MnbPacket *packet, uint16_t seq)
{
    /* An SPS and the IDR slice behind it both say "key frame": it begins with the first. */
    if (track->has_key && (packet->timestamp == track->key_timestamp ||
                           !mnb_seq_is_newer(packet->seq, track->key_seq)))
        return;
    track->has_key = true;
    track->key_seq = packet->seq;
    track->key_timestamp = packet->timestamp;
    track->key_us = packet->arrival_us;
    track->wants_key = false;
    track->key_tries = 0;
    mnb_timer_cancel(&track->pli_timer);
    mnb_nack_drop_before(&track->nack, seq);
}

static void fill(const MnbTrack *track, MnbPacket *packet, uint16_t seq, const MnbRtp *rtp,
                 const uint8_t *bytes, const MnbPayload *payload, int64_t now_us)
{
    packet->arrival_us = now_us;
    packet->timestamp = rtp->timestamp;
    packet->seq = seq;
    packet->size = rtp->payload_bytes;
    packet->vp8 = payload->vp8;
    packet->level = MNB_LEVEL_NONE;
    packet->has_marker = rtp->marker;
    packet->is_key_start = payload->is_frame_start && payload->is_key_frame;
    memcpy(mnb_packet_payload(packet), bytes + rtp->header_bytes, rtp->payload_bytes);
    packet->data[0] = 0x80;
    mnb_rtp_set_pt(packet->data, track->config.pt, rtp->marker);
    mnb_rtp_set_seq(packet->data, seq);
    mnb_rtp_set_timestamp(packet->data, rtp->timestamp);
    mnb_rtp_set_ssrc(packet->data, track->ssrc);
}

static MnbPacket *store(MnbTrack *track, const MnbRtp *rtp, const uint8_t *bytes,
                        const MnbPayload *payload, int64_t now_us)
{
    uint16_t seq = our_number(track, rtp->seq);
    MnbPacket **place = &track->ring[seq & track->ring_mask];
    if (*place != NULL && (*place)->seq == seq)
        return NULL; /* it came twice: once as itself, once as a repair */
    if (mnb_seq_diff(track->head, seq) > track->ring_mask)
        return NULL;
    MnbPacket *packet = take_packet(track, rtp->payload_bytes);
    if (packet == NULL) {
        track->worker->stats.dropped_send++;
        return NULL;
    }
    if (*place != NULL)
        mnb_slab_give(&track->worker->slabs[(*place)->slab], *place);
    *place = packet;
    fill(track, packet, seq, rtp, bytes, payload, now_us);
    if (mnb_seq_is_newer(seq, track->head))
        track->head = seq;
    return packet;
}

static void tell_flow(MnbTrack *track, bool is_flowing)
{
    if (!track->is_video && is_flowing != track->is_flowing)
        track->transport->room->n_audio_flowing += is_flowing ? 1 : -1u;
    track->is_flowing = is_flowing;
    MnbTrackState body = {.track = track->config.track, .is_flowing = is_flowing};
    mnb_worker_tell(track->worker, MNB_MEDIA_TRACK_STATE, &body);
}

static uint8_t read_level(const MnbTrack *track, const MnbRtp *rtp, const uint8_t *bytes)
{
    uint8_t level;
    bool is_voice;
    if (track->is_video ||
        !mnb_rtp_read_audio_level(rtp, bytes, track->config.ext.audio_level, &level, &is_voice))
        return MNB_LEVEL_NONE;
    return (uint8_t)((is_voice ? 0x80 : 0) | level);
}

/* Counts silent packets in order. Returns true for one that need not be sent. */
static bool note_silence(MnbTrack *track, uint8_t level)
{
    if (level == MNB_LEVEL_NONE || level < MNB_SILENT_LEVEL || (level & 0x80) != 0) {
        track->n_silent = 0;
        return false;
    }
    if (++track->n_silent <= MNB_SILENT_PACKETS)
        return false;
    return (track->n_silent - MNB_SILENT_PACKETS) % MNB_SILENT_EVERY != 0;
}

/* Receivers need it not, recordings have it. */
static void tap_silence(MnbTrack *track, const MnbRtp *rtp, const uint8_t *bytes,
                        const MnbPayload *payload, int64_t now_us)
{
    MnbPacket *packet = track->n_taps == 0 ? NULL : take_packet(track, rtp->payload_bytes);
    if (packet == NULL)
        return;
    fill(track, packet, rtp->seq, rtp, bytes, payload, now_us);
    for (unsigned i = 0; i < track->n_taps; i++)
        mnb_tap_put(track->taps[i], track, packet, rtp->seq);
    mnb_slab_give(&track->worker->slabs[packet->slab], packet);
}

/* A layer that the publisher has dropped is known by its frames missing beside those of the smaller
 * ones, long before two seconds are over. */
static void note_layers(MnbTrack *track, const MnbPacket *packet)
{
    track->frames_missed = 0;
    track->tid_bytes[packet->vp8.has_tid ? packet->vp8.tid : 0] += packet->size;
    if (track->config.rid[0] == '\0' || !packet->has_marker)
        return;
    for (MnbTrack *other = track->transport->tracks; other != NULL;
         other = other->next_in_transport) {
        if (other == track || !other->is_flowing || other->config.layer <= track->config.layer ||
            strcmp(other->config.mid, track->config.mid) != 0)
            continue;
        if (other->frames_missed < UINT8_MAX)
            other->frames_missed++;
        if (other->frames_missed < MNB_LAYER_FRAMES ||
            packet->arrival_us - other->packet_us < MNB_LAYER_GONE_US)
            continue;
        tell_flow(other, false);
        mnb_line_on_layer_gone(other, packet->arrival_us);
    }
}

static void note_temporal_shares(MnbTrack *track)
{
    uint64_t all = 0;
    uint64_t up_to = 0;
    bool has_layers = false;
    for (unsigned i = 0; i <= MNB_TEMPORAL_ALL; i++) {
        all += track->tid_bytes[i];
        has_layers = has_layers || (i > 0 && track->tid_bytes[i] > 0);
    }
    for (unsigned i = 0; i < MNB_TEMPORAL_ALL && all > 0; i++) {
        up_to += track->tid_bytes[i];
        track->tid_percent[i] = (uint8_t)(has_layers ? up_to * 100 / all : 0);
    }
    memset(track->tid_bytes, 0, sizeof track->tid_bytes);
}

void mnb_track_on_packet(MnbTrack *track, const MnbRtp *rtp, const uint8_t *bytes, int64_t now_us,
                         bool is_rtx)
{
    bool is_new_flow = !track->is_flowing;
    if (!is_rtx) {
        int32_t jump = mnb_seq_diff(rtp->seq, track->highest);
        if (!track->is_started || rtp->ssrc != track->ssrc || jump > JUMP_MAX || jump < -JUMP_MAX) {
            begin_stream(track, rtp, now_us);
            is_new_flow = true;
        }
        count_arrival(track, rtp, now_us);
    }
    track->packet_us = now_us;
    track->bytes_in += rtp->payload_bytes;
    if (!track->is_flowing)
        tell_flow(track, true);
    bool is_late = note_number(track, rtp->seq, now_us);
    MnbPayload payload = {0};
    int error = 0;
    if (rtp->payload_bytes == 0)
        error = -ENODATA;
    else if (rtp->pt != track->config.pt)
        error = -EPROTONOSUPPORT;
    else
        error = mnb_payload_parse(&payload, (MnbCodec)track->config.codec,
                                  bytes + rtp->header_bytes, rtp->payload_bytes);
    if (error < 0) {
        if (error != -ENODATA)
            track->worker->stats.dropped_malformed++;
        if (!is_late)
            leave_out(track, rtp->seq);
        return;
    }
    uint8_t level = read_level(track, rtp, bytes);
    if (!is_late && note_silence(track, level)) {
        tap_silence(track, rtp, bytes, &payload, now_us);
        leave_out(track, rtp->seq);
        track->worker->stats.silent++;
        return;
    }
    MnbPacket *packet = store(track, rtp, bytes, &payload, now_us);
    if (packet == NULL)
        return;
    packet->is_repair = is_late;
    if (track->is_video)
        note_layers(track, packet);
    packet->level = level;
    if (packet->is_key_start)
        note_key_frame(track, packet, rtp->seq);
    else if (is_new_flow && (track->n_waiting > 0 || track->wants_key))
        mnb_track_request_key(track, now_us);
    if (level != MNB_LEVEL_NONE)
        mnb_speaker_heard(track, packet);
    for (unsigned i = 0; i < track->n_taps; i++)
        mnb_tap_put(track->taps[i], track, packet, track->is_video ? packet->seq : rtp->seq);
    mnb_fanout_add(track, packet, now_us);
}

void mnb_track_on_sender_report(MnbTrack *track, const MnbRtcpSenderInfo *info, int64_t now_us)
{
    track->sr_ntp = info->ntp;
    track->sr_rtp = info->rtp_time;
    track->sr_us = now_us;
    for (unsigned i = 0; i < track->n_taps; i++)
        mnb_tap_put_report(track->taps[i], track);
}

/* ---- key frames ---- */

static void send_pli(MnbTrack *track, int64_t now_us)
{
    if (!mnb_feedback_send_pli(track))
        return; /* asked for again when the transport is up */
    track->pli_us = now_us;
    if (track->key_tries < UINT8_MAX)
        track->key_tries++;
    mnb_wheel_arm(&track->worker->wheel, &track->pli_timer, now_us + MNB_PLI_GAP_US);
}

void mnb_track_request_key(MnbTrack *track, int64_t now_us)
{
    if (!track->is_video)
        return;
    track->wants_key = true;
    if (mnb_timer_is_armed(&track->pli_timer))
        return;
    if (track->pli_us == 0 || now_us - track->pli_us >= MNB_PLI_GAP_US)
        send_pli(track, now_us);
    else
        mnb_wheel_arm(&track->worker->wheel, &track->pli_timer, track->pli_us + MNB_PLI_GAP_US);
}

static void on_pli_timer(void *owner, int64_t now_us)
{
    MnbTrack *track = owner;
    if (track->wants_key && (track->is_flowing || track->key_tries < KEY_TRIES_IDLE))
        send_pli(track, now_us);
}

void mnb_track_on_transport_up(MnbTrack *track)
{
    if (track->wants_key && !mnb_timer_is_armed(&track->pli_timer))
        mnb_track_request_key(track, track->worker->now_us);
}

bool mnb_track_has_key_cache(const MnbTrack *track, int64_t now_us)
{
    if (!track->has_key || now_us - track->key_us > MNB_KEY_CACHE_US)
        return false;
    unsigned n = (uint16_t)(track->head - track->key_seq) + 1u;
    if (n > MNB_KEY_CACHE_MAX)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (mnb_track_packet(track, (uint16_t)(track->key_seq + i)) == NULL)
            return false;
    return true;
}

/* ---- once a second ---- */

/* Bits a second, by the clock or by the time stamps, whichever says that more time has passed: what
 * was held up and came in a burst is no higher rate. The first packets of a stream, a key frame,
 * count as a second. */
static uint32_t rate_of(const MnbTrack *track, uint64_t bytes, int64_t now_us)
{
    int64_t gone_us = now_us - track->tick_us;
    uint32_t steps = track->added_timestamp - track->tick_timestamp;
    int64_t media_us = (int64_t)steps * MNB_SECOND_US / (int64_t)track->config.clock_rate;
    if (track->is_video && media_us > gone_us && media_us <= gone_us + LATE_US)
        gone_us = media_us;
    if (gone_us < MNB_SECOND_US)
        gone_us = MNB_SECOND_US;
    uint64_t bps = bytes * 8 * (uint64_t)MNB_SECOND_US / (uint64_t)gone_us;
    return bps > UINT32_MAX ? UINT32_MAX : (uint32_t)bps;
}

void mnb_track_tick(MnbTrack *track, int64_t now_us)
{
    track->bps = rate_of(track, track->bytes_in - track->bytes_in_tick, now_us);
    track->bytes_in_tick = track->bytes_in;
    track->tick_us = now_us;
    track->tick_timestamp = track->added_timestamp;
    mnb_line_note_cost(track);
    note_temporal_shares(track);
    if (track->is_flowing && now_us - track->packet_us >= MUTED_US)
        tell_flow(track, false);
}

bool mnb_track_report(MnbTrack *track, MnbRtcpReport *out, int64_t now_us)
{
    if (!track->is_started)
        return false;
    uint32_t highest = track->cycles + track->highest;
    uint32_t expected = highest - track->base + 1;
    int64_t lost = (int64_t)expected - track->received;
    uint32_t expected_now = expected - track->expected_prior;
    uint32_t received_now = track->received - track->received_prior;
    track->expected_prior = expected;
    track->received_prior = track->received;
    track->fraction_lost = 0;
    if (expected_now > received_now)
        track->fraction_lost = (uint8_t)(((expected_now - received_now) << 8) / (expected_now + 1));
    if (lost > 0x7fffff)
        lost = 0x7fffff;
    if (lost < -0x800000)
        lost = -0x800000;
    track->lost = (int32_t)lost;
    *out = (MnbRtcpReport){
        .ssrc = track->ssrc,
        .fraction_lost = track->fraction_lost,
        .lost = track->lost,
        .highest_seq = highest,
        .jitter = track->jitter_16 >> 4,
    };
    if (track->sr_ntp != 0) {
        out->last_sr = (uint32_t)(track->sr_ntp >> 16);
        out->delay = (uint32_t)((uint64_t)(now_us - track->sr_us) * 65536 / 1000000);
    }
    return true;
}

/* ---- taps ---- */

int mnb_track_add_tap(MnbTrack *track, MnbTap *tap)
{
    for (unsigned i = 0; i < track->n_taps; i++)
        if (track->taps[i] == tap)
            return 0;
    if (track->n_taps == MNB_TRACK_TAPS_MAX)
        return -ENOSPC;
    track->taps[track->n_taps++] = tap;
    return 0;
}

void mnb_track_remove_tap(MnbTrack *track, const MnbTap *tap)
{
    for (unsigned i = 0; i < track->n_taps; i++)
        if (track->taps[i] == tap) {
            track->taps[i] = track->taps[--track->n_taps];
            return;
        }
}
