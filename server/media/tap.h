/* tap.h - copies tracks into a packet ring (packet-ring.h) for the recorder and other pipelines.
 *
 * What goes in is authentic, repaired, and carries sequence numbers without gaps of our making; of
 * sound that is all that came, silence too. Extensions are left away. A full ring costs the tap
 * packets, never the worker time. The reader is woken once per receive batch. */
#pragma once
#include "server/media/worker-state.h"

/* @memfd, @eventfd: borrowed. Returns 0; -EEXIST; -ENOMEM or what mnb_ring_open_producer() says. */
int mnb_tap_open(MnbWorker *worker, uint32_t id, int memfd, int eventfd);
void mnb_tap_free(MnbTap *tap);

/* Begins or ends the copying of @track. A beginning asks for a key frame and hands over the last
 * sender report. Returns 0 or -ENOSPC. */
int mnb_tap_set_track(MnbTap *tap, MnbTrack *track, bool is_on);

/* @seq: its number in the tap, which may not be the one in front of receivers. */
void mnb_tap_put(MnbTap *tap, const MnbTrack *track, MnbPacket *packet, uint16_t seq);
void mnb_tap_put_report(MnbTap *tap, const MnbTrack *track);

/* Publishes what was put into all taps. */
void mnb_tap_flush_all(MnbWorker *worker);
