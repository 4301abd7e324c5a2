/* feed.h - a publishing transport whose packets come out of a packet ring (packet-ring.h) instead
 * of the network: what manabi-ingest makes of a camera in the field.
 *
 * No ICE, DTLS or SRTP: the ring was handed over by manabi, and who writes into it is its child. It
 * is trusted no further than a peer: lengths are checked, payloads judged as anybody's, a ring that
 * lies ends the feed. Key frames are asked for by MNB_MEDIA_FEED_KEY. A feed lives until it is
 * closed; silence does not end it. */
#pragma once
#include "server/media/worker-state.h"

#define MNB_FEED_EVENTS                                                                            \
    0x8000u               /* epoll data of the feeds' eventfds, from here to MNB_TCP_EVENTS        \
                           */
#define MNB_FEEDS_MAX 256 /* of one worker */

/* @memfd, @eventfd: borrowed. Returns 0; -EEXIST, -EINVAL, -ENOSPC, -ENOMEM, or what
 * mnb_ring_open_consumer() says. */
int mnb_feed_open(MnbWorker *worker, const MnbFeedOpen *open, int memfd, int eventfd);

/* With its transport. NULL is fine. */
void mnb_feed_free(MnbFeed *feed);

/* @data: of the epoll event. */
void mnb_feed_on_event(MnbWorker *worker, uint32_t data);

/* A track of a feed wants a key frame. */
void mnb_feed_request_key(const MnbTrack *track);
