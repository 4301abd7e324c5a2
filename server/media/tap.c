#include "server/media/tap.h"

#include "server/media/track.h"
#include <errno.h>
#include <stdlib.h>

int mnb_tap_open(MnbWorker *worker, uint32_t id, int memfd, int eventfd)
{
    int error = 0;
    if (id == 0)
        return -EINVAL;
    if (mnb_id_map_get(&worker->taps, id) != NULL)
        return -EEXIST;
    MnbTap *tap = calloc(1, sizeof *tap);
    if (tap == NULL)
        return -ENOMEM;
    tap->worker = worker;
    tap->id = id;
    tap->ring = mnb_ring_open_producer(memfd, eventfd, &error);
    if (tap->ring != NULL)
        error = mnb_id_map_put(&worker->taps, id, tap);
    if (error < 0) {
        mnb_ring_close(tap->ring);
        free(tap);
        return error;
    }
    worker->stats.taps++;
    return 0;
}

void mnb_tap_free(MnbTap *tap)
{
    MnbWorker *worker = tap->worker;
    size_t place = 0;
    MnbTrack *track;
    while ((track = mnb_id_map_next(&worker->tracks, &place)) != NULL)
        mnb_track_remove_tap(track, tap);
    mnb_tap_flush_all(worker);
    mnb_id_map_remove(&worker->taps, tap->id);
    mnb_ring_close(tap->ring);
    worker->stats.taps--;
    free(tap);
}

static void put(MnbTap *tap, const MnbRingRecord *record, const void *payload)
{
    MnbWorkerStats *stats = &tap->worker->stats;
    if (mnb_ring_put(tap->ring, record, payload) < 0)
        stats->tap_dropped++;
    else
        stats->tap_packets++;
    if (!tap->is_dirty) {
        tap->is_dirty = true;
        tap->next_dirty = tap->worker->dirty_taps;
        tap->worker->dirty_taps = tap;
    }
}

void mnb_tap_put(MnbTap *tap, const MnbTrack *track, MnbPacket *packet, uint16_t seq)
{
    MnbRingRecord record = {
        .size = (uint32_t)MNB_RTP_HEADER_BYTES + packet->size,
        .kind = MNB_RING_RTP,
        .track = track->config.track,
        .arrival_us = packet->arrival_us,
    };
    mnb_rtp_set_seq(packet->data, seq);
    put(tap, &record, packet->data);
    mnb_rtp_set_seq(packet->data, packet->seq);
}

void mnb_tap_put_report(MnbTap *tap, const MnbTrack *track)
{
    MnbRingRecord record = {
        .kind = MNB_RING_SR,
        .track = track->config.track,
        .value = track->sr_rtp,
        .arrival_us = track->sr_us,
        .ntp = track->sr_ntp,
    };
    put(tap, &record, NULL);
}

int mnb_tap_set_track(MnbTap *tap, MnbTrack *track, bool is_on)
{
    if (!is_on) {
        mnb_track_remove_tap(track, tap);
        return 0;
    }
    int error = mnb_track_add_tap(track, tap);
    if (error < 0)
        return error;
    if (track->sr_ntp != 0)
        mnb_tap_put_report(tap, track);
    mnb_track_request_key(track, tap->worker->now_us);
    return 0;
}

void mnb_tap_flush_all(MnbWorker *worker)
{
    while (worker->dirty_taps != NULL) {
        MnbTap *tap = worker->dirty_taps;
        worker->dirty_taps = tap->next_dirty;
        tap->is_dirty = false;
        mnb_ring_flush(tap->ring);
    }
}
