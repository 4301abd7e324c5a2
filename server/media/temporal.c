#include "server/media/temporal.h"

#include "server/media/seq.h"
#include <string.h>

#define PICTURE_MASK 0x7fffu

static bool is_picture_newer(uint16_t a, uint16_t b)
{
    uint16_t ahead = (uint16_t)((a - b) & PICTURE_MASK);
    return ahead != 0 && ahead < 0x4000;
}

void mnb_temporal_begin(MnbTemporal *self)
{
    self->now = self->wanted;
    self->is_started = false;
    self->n = 0;
}

static void note_frame_start(MnbTemporal *self, const MnbPacket *packet)
{
    if (packet->is_key_start || self->wanted < self->now)
        self->now = self->wanted;
    else if (self->now < self->wanted && packet->vp8.has_tid && packet->vp8.is_layer_sync &&
             packet->vp8.tid == self->now + 1)
        self->now = packet->vp8.tid;
}

static void remember(MnbTemporal *self, const MnbPacket *packet)
{
    if (self->n == MNB_TEMPORAL_PLACE) {
        self->n--;
        memmove(self->left_out, self->left_out + 1, self->n * sizeof self->left_out[0]);
    }
    self->left_out[self->n].seq = packet->seq;
    self->left_out[self->n].picture = packet->vp8.picture_id;
    self->n++;
}

bool mnb_temporal_takes(MnbTemporal *self, const MnbPacket *packet, uint16_t *seq_delta,
                        uint16_t *picture_delta)
{
    bool is_late = self->is_started && !mnb_seq_is_newer(packet->seq, self->highest);
    bool is_above = packet->vp8.has_tid && packet->vp8.tid > self->now;
    if (is_late)
        return !is_above;
    self->is_started = true;
    self->highest = packet->seq;
    if (packet->vp8.is_partition_start && packet->vp8.partition == 0)
        note_frame_start(self, packet);
    if (!packet->vp8.has_tid || packet->vp8.tid <= self->now)
        return true;
    bool is_same_picture =
        self->n > 0 && self->left_out[self->n - 1].picture == packet->vp8.picture_id;
    remember(self, packet);
    (*seq_delta)--;
    if (!is_same_picture)
        (*picture_delta)--;
    return false;
}

bool mnb_temporal_place(const MnbTemporal *self, const MnbPacket *packet, uint16_t *seqs_out,
                        uint16_t *pictures_out)
{
    uint16_t seqs = 0;
    uint16_t pictures = 0;
    unsigned last = MNB_TEMPORAL_PLACE; /* the picture counted last */
    for (unsigned i = self->n; i-- > 0;) {
        if (self->left_out[i].seq == packet->seq ||
            self->left_out[i].picture == packet->vp8.picture_id)
            return false;
        if (!mnb_seq_is_newer(self->left_out[i].seq, packet->seq))
            break;
        seqs++;
        if (is_picture_newer(self->left_out[i].picture, packet->vp8.picture_id) &&
            (last == MNB_TEMPORAL_PLACE ||
             self->left_out[i].picture != self->left_out[last].picture)) {
            pictures++;
            last = i;
        }
    }
    if (seqs == MNB_TEMPORAL_PLACE)
        return false; /* there may have been more */
    *seqs_out = seqs;
    *pictures_out = pictures;
    return true;
}
