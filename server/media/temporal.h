/* temporal.h - leaves the higher temporal layers of a VP8 track out for one receiver (RFC 7741):
 * half or a quarter of the pictures a second for two thirds of the bits or less, where a line takes
 * no more. Only where the descriptor tells layers (TID).
 *
 * Fewer layers hold from the next picture on; a layer comes back with a key frame, or with a
 * picture of it that depends on none that was left out (Y). Sequence numbers and picture ids of
 * what goes on stay without gaps: the deltas move with each packet left out. What comes late is
 * given the number it would have had in order; where that is not known any more, it is not sent. */
#pragma once
#include "server/media/packet-slab.h"

#define MNB_TEMPORAL_ALL   3   /* the highest layer there can be */
#define MNB_TEMPORAL_PLACE 128 /* packets left out that are remembered */

typedef struct {
    uint8_t wanted; /* highest layer that is to go on */
    uint8_t now;    /* highest that does */
    bool is_started;
    uint16_t highest; /* sequence number of the track, seen in order */
    uint16_t n;       /* remembered, oldest first */
    struct {
        uint16_t seq;     /* of the track */
        uint16_t picture; /* of the track, 15 bits */
    } left_out[MNB_TEMPORAL_PLACE];
} MnbTemporal;

/* A source begins with a key frame: nothing is left out so far. */
void mnb_temporal_begin(MnbTemporal *self);

/* Whether @packet is to be sent. When not, the deltas move, if others behind it close up. */
bool mnb_temporal_takes(MnbTemporal *self, const MnbPacket *packet, uint16_t *seq_delta,
                        uint16_t *picture_delta);

/* What a late packet, or one that is repaired, has to be given on top of the deltas of now.
 * Returns false when it has no place: it was left out, or is too old. */
bool mnb_temporal_place(const MnbTemporal *self, const MnbPacket *packet, uint16_t *seqs_out,
                        uint16_t *pictures_out);
