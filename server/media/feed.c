#include "server/media/feed.h"

#include "server/media/track.h"
#include "server/media/transport.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

struct MnbFeed {
    MnbTransport *transport;
    MnbRing *ring;
    unsigned index; /* in worker->feeds */
};

static int watch(MnbWorker *worker, MnbFeed *feed)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = MNB_FEED_EVENTS + feed->index};
    if (epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, mnb_ring_event_fd(feed->ring), &event) < 0)
        return -errno;
    return 0;
}

int mnb_feed_open(MnbWorker *worker, const MnbFeedOpen *open, int memfd, int eventfd)
{
    unsigned index = 0;
    while (index < MNB_FEEDS_MAX && worker->feeds[index] != NULL)
        index++;
    if (index == MNB_FEEDS_MAX)
        return -ENOSPC;
    MnbFeed *feed = calloc(1, sizeof *feed);
    if (feed == NULL)
        return -ENOMEM;
    int error = 0;
    feed->index = index;
    feed->ring = mnb_ring_open_consumer(memfd, eventfd, &error);
    if (feed->ring != NULL)
        error = mnb_transport_open_feed(worker, open->transport, open->room, &feed->transport);
    if (error < 0) {
        mnb_ring_close(feed->ring);
        free(feed);
        return error;
    }
    feed->transport->feed = feed;
    worker->feeds[index] = feed;
    error = watch(worker, feed);
    if (error < 0)
        mnb_transport_free(feed->transport);
    return error;
}

void mnb_feed_free(MnbFeed *feed)
{
    if (feed == NULL)
        return;
    MnbWorker *worker = feed->transport->worker;
    worker->feeds[feed->index] = NULL;
    feed->transport->feed = NULL;
    epoll_ctl(worker->epoll_fd, EPOLL_CTL_DEL, mnb_ring_event_fd(feed->ring), NULL);
    mnb_ring_close(feed->ring);
    free(feed);
}

static MnbTrack *find_track(const MnbTransport *transport, uint32_t id)
{
    for (MnbTrack *track = transport->tracks; track != NULL; track = track->next_in_transport)
        if (track->config.track == id)
            return track;
    return NULL;
}

/* What the ring says came from the encoder just now: @arrival_us is when it left there. */
static void on_record(MnbFeed *feed, const MnbRingRecord *record, const uint8_t *payload)
{
    MnbTransport *transport = feed->transport;
    MnbWorker *worker = transport->worker;
    MnbRtp rtp;
    MnbTrack *track = find_track(transport, record->track);
    if (record->kind == MNB_RING_GAP)
        return; /* the packets' numbers say it too */
    if (track == NULL) {
        worker->stats.dropped_unknown++; /* of a track that is not added yet, or not any more */
        return;
    }
    if (record->kind == MNB_RING_SR) {
        MnbRtcpSenderInfo info = {.ntp = record->ntp, .rtp_time = record->value};
        mnb_track_on_sender_report(track, &info, worker->now_us);
        return;
    }
    if (record->kind != MNB_RING_RTP || mnb_rtp_parse(&rtp, payload, record->size) < 0) {
        worker->stats.dropped_malformed++;
        return;
    }
    transport->valid_us = worker->now_us;
    transport->bytes_in += record->size;
    worker->stats.packets_in++;
    worker->stats.bytes_in += record->size;
    mnb_track_on_packet(track, &rtp, payload, worker->now_us, false);
}

void mnb_feed_on_event(MnbWorker *worker, uint32_t data)
{
    unsigned index = data - MNB_FEED_EVENTS;
    MnbFeed *feed = index < MNB_FEEDS_MAX ? worker->feeds[index] : NULL;
    const MnbRingRecord *record;
    const uint8_t *payload;
    int got;
    if (feed == NULL || feed->transport->is_closing)
        return;
    mnb_ring_drain(feed->ring);
    /* At most one ring full: space is given back behind the loop only. */
    while ((got = mnb_ring_take(feed->ring, &record, &payload)) > 0)
        on_record(feed, record, payload);
    mnb_ring_release(feed->ring);
    if (got < 0)
        mnb_transport_fail(feed->transport, MNB_CLOSED_BY_PEER);
}

void mnb_feed_request_key(const MnbTrack *track)
{
    MnbMediaId body = {.id = track->config.track};
    mnb_worker_tell(track->worker, MNB_MEDIA_FEED_KEY, &body);
}
