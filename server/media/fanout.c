#include "server/media/fanout.h"

#include "server/media/slot.h"
#include <stddef.h>

/* Whether packets of a frame come close together. */
static void note_distance(MnbTrack *track, const MnbPacket *packet, int64_t now_us)
{
    if (packet->timestamp == track->added_timestamp && !packet->is_repair)
        track->apart_us += (now_us - track->added_us - track->apart_us) / 8;
    track->added_timestamp = packet->timestamp;
    track->added_us = now_us;
}

void mnb_fanout_add(MnbTrack *track, MnbPacket *packet, int64_t now_us)
{
    if (track->is_video)
        note_distance(track, packet, now_us);
    if (track->n_subs == 0 && track->n_waiting == 0)
        return;
    if (track->n_pending == MNB_PENDING_MAX)
        mnb_fanout_flush(track, now_us);
    if (track->n_pending == 0)
        track->pending_us = now_us;
    track->pending[track->n_pending++] = packet;
    if (!track->is_dirty) {
        track->is_dirty = true;
        track->next_dirty = track->worker->dirty_tracks;
        track->worker->dirty_tracks = track;
    }
}

void mnb_fanout_forget(MnbTrack *track)
{
    track->n_pending = 0;
    if (!track->is_dirty)
        return;
    MnbTrack **link = &track->worker->dirty_tracks;
    while (*link != track)
        link = &(*link)->next_dirty;
    *link = track->next_dirty;
    track->is_dirty = false;
}

/* How long the packets of @track may still wait; 0: not at all. */
static int64_t hold_us(const MnbTrack *track, int64_t now_us)
{
    int64_t limit_us;
    if (track->n_pending == 0)
        return 0;
    if (track->is_video) {
        limit_us = track->n_subs < MNB_HOLD_VIDEO_SLOTS ? MNB_HOLD_FEW_US : MNB_HOLD_VIDEO_US;
        if (track->apart_us >= limit_us || track->n_pending >= MNB_TX_SEGMENTS_MAX ||
            track->pending[track->n_pending - 1]->has_marker ||
            track->pending[track->n_pending - 1]->is_repair)
            return 0;
    } else {
        if (track->transport->room->n_audio_flowing < 2)
            return 0; /* a single voice has nobody to wait for */
        limit_us = track->n_subs < MNB_HOLD_HALL_SLOTS ? MNB_HOLD_AUDIO_US : MNB_HOLD_HALL_US;
    }
    int64_t left_us = track->pending_us + limit_us - now_us;
    return left_us > 0 ? left_us : 0;
}

int64_t mnb_fanout_wait_us(const MnbWorker *worker, int64_t now_us)
{
    int64_t wait_us = -1;
    for (MnbTrack *track = worker->dirty_tracks; track != NULL; track = track->next_dirty) {
        int64_t hold = hold_us(track, now_us);
        if (wait_us < 0 || hold < wait_us)
            wait_us = hold;
    }
    return wait_us;
}

/* ---- padding ---- */

/* Groups grow as long as their sizes are close enough. A packet that is not the last of its group
 * is padded to the longest one; the last may be shorter, since the kernel allows that. */
void mnb_fanout_plan(MnbPacket *const *packets, unsigned n, uint8_t *padding)
{
    unsigned start = 0;
    while (start < n) {
        uint16_t least = packets[start]->size;
        uint16_t most = least;
        unsigned end = start + 1;
        while (end < n && end - start < MNB_TX_SEGMENTS_MAX) {
            uint16_t size = packets[end]->size;
            uint16_t low = size < least ? size : least;
            uint16_t high = size > most ? size : most;
            if (high - low > MNB_PAD_MAX)
                break;
            least = low;
            most = high;
            end++;
        }
        for (unsigned i = start; i < end; i++)
            padding[i] = (uint8_t)(most - packets[i]->size);
        bool takes_short = end < n && end - start < MNB_TX_SEGMENTS_MAX &&
                           packets[end]->size < most; /* joins as the short last one */
        if (!takes_short && end - start == 1)
            padding[start] = 0;
        if (!takes_short)
            padding[end - 1] = 0;
        if (takes_short)
            padding[end] = 0;
        start = takes_short ? end + 1 : end;
    }
}

/* Pictures by themselves; all sound of the set to one size. */
static void plan_set(MnbTrack *const *tracks, unsigned n)
{
    uint16_t most = 0;
    for (unsigned i = 0; i < n; i++) {
        if (tracks[i]->is_video)
            mnb_fanout_plan(tracks[i]->pending, tracks[i]->n_pending, tracks[i]->padding);
        for (unsigned j = 0; !tracks[i]->is_video && j < tracks[i]->n_pending; j++)
            if (tracks[i]->pending[j]->size > most)
                most = tracks[i]->pending[j]->size;
    }
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; !tracks[i]->is_video && j < tracks[i]->n_pending; j++) {
            unsigned more = most - tracks[i]->pending[j]->size;
            tracks[i]->padding[j] = (uint8_t)(more <= MNB_PAD_AUDIO_MAX ? more : 0);
        }
}

/* ---- sending ---- */

/* Slots that waited for a key frame begin with its first packet; audio with any. */
static void join_waiting(MnbTrack *track, int64_t now_us)
{
    unsigned first = 0;
    while (first < track->n_pending && track->is_video &&
           (!track->pending[first]->is_key_start || track->pending[first]->is_repair))
        first++;
    if (first == track->n_pending)
        return;
    for (unsigned i = track->n_waiting; i-- > 0;) {
        MnbSlot *slot = track->waiting[i];
        if (!slot->transport->can_send || mnb_slot_switch(slot, track->pending[first]) < 0)
            continue;
        mnb_slot_forward(slot, track->pending + first, track->padding + first,
                         track->n_pending - first, now_us);
    }
}

static bool has_repaired_key_start(const MnbTrack *track)
{
    for (unsigned i = 0; i < track->n_pending; i++)
        if (track->pending[i]->is_key_start && track->pending[i]->is_repair)
            return true;
    return false;
}

static void finish(MnbTrack *track, int64_t now_us)
{
    bool is_late = false;
    if (track->n_waiting > 0) {
        join_waiting(track, now_us);
        is_late = has_repaired_key_start(track);
    }
    track->n_pending = 0;
    track->is_flushing = false;
    /* The first packet of the key frame came last: what is behind it is in the ring. */
    for (unsigned i = is_late ? track->n_waiting : 0; i-- > 0;)
        if (track->waiting[i]->transport->can_send)
            mnb_slot_start(track->waiting[i], now_us);
}

/* The state of a receiver is spread over five objects that point at each other. Each step of the
 * chain is fetched while those in front of it are being served. */
static void fetch_ahead(MnbSlot *const *subs, unsigned i, unsigned n)
{
    if (i + 8 < n)
        for (size_t at = 0; at < offsetof(MnbSlot, stream) + 64; at += 64)
            __builtin_prefetch((const char *)subs[i + 8] + at);
    if (i + 6 < n)
        __builtin_prefetch(subs[i + 6]->transport);
    if (i + 4 < n) {
        __builtin_prefetch(subs[i + 4]->transport->send_key);
        __builtin_prefetch(subs[i + 4]->transport->selected);
    }
    if (i + 2 < n && subs[i + 2]->transport->send_key != NULL)
        mnb_srtp_prefetch(subs[i + 2]->transport->send_key);
}

static void send_one_track(MnbTrack *track, int64_t now_us)
{
    for (unsigned i = 0; i < track->n_subs; i++) {
        fetch_ahead(track->subs, i, track->n_subs);
        mnb_slot_forward(track->subs[i], track->pending, track->padding, track->n_pending, now_us);
    }
    finish(track, now_us);
}

/* What of the tracks being flushed goes to @transport, pictures or sound. */
static void send_kind(const MnbTransport *transport, bool is_video, int64_t now_us)
{
    for (unsigned i = 0; i < transport->n_slots; i++) {
        MnbSlot *slot = transport->slots[i];
        MnbTrack *source = slot->source;
        if (source != NULL && source->is_flushing && source->is_video == is_video)
            mnb_slot_forward(slot, source->pending, source->padding, source->n_pending, now_us);
    }
}

/* Several tracks: each receiver gets all of its slots' packets in one go, sound behind pictures: as
 * the short last segment of a message it costs next to nothing. */
static void send_tracks(MnbWorker *worker, MnbTrack *const *tracks, unsigned n, int64_t now_us)
{
    uint32_t epoch = ++worker->flush_epoch;
    for (unsigned i = 0; i < n; i++)
        tracks[i]->is_flushing = true;
    for (unsigned i = 0; i < n; i++) {
        for (unsigned j = 0; j < tracks[i]->n_subs; j++) {
            fetch_ahead(tracks[i]->subs, j, tracks[i]->n_subs);
            MnbTransport *transport = tracks[i]->subs[j]->transport;
            if (transport->flush_epoch == epoch)
                continue;
            transport->flush_epoch = epoch;
            send_kind(transport, true, now_us);
            send_kind(transport, false, now_us);
        }
    }
    for (unsigned i = 0; i < n; i++)
        finish(tracks[i], now_us);
}

void mnb_fanout_flush(MnbTrack *track, int64_t now_us)
{
    if (track->n_pending == 0)
        return;
    mnb_fanout_plan(track->pending, track->n_pending, track->padding);
    send_one_track(track, now_us);
}

#define FLUSH_SET_MAX 64

/* Takes out of the list what is due, and the sound that waits in the same room. Returns: how many
 * tracks, all of one room. */
static unsigned take_room(MnbWorker *worker, MnbTrack **set, int64_t now_us)
{
    const MnbRoom *room = NULL;
    unsigned n = 0;
    for (MnbTrack *track = worker->dirty_tracks; track != NULL; track = track->next_dirty)
        if (hold_us(track, now_us) == 0) {
            room = track->transport->room;
            break;
        }
    if (room == NULL)
        return 0;
    MnbTrack **link = &worker->dirty_tracks;
    while (*link != NULL && n < FLUSH_SET_MAX) {
        MnbTrack *track = *link;
        if (track->transport->room != room || (track->is_video && hold_us(track, now_us) > 0)) {
            link = &track->next_dirty;
            continue;
        }
        *link = track->next_dirty;
        track->is_dirty = false;
        if (track->n_pending > 0)
            set[n++] = track;
    }
    return n;
}

void mnb_fanout_run(MnbWorker *worker, int64_t now_us)
{
    MnbTrack *set[FLUSH_SET_MAX];
    while (mnb_fanout_wait_us(worker, now_us) == 0) {
        unsigned n = take_room(worker, set, now_us);
        if (n == 1)
            mnb_fanout_flush(set[0], now_us);
        else if (n > 1) {
            plan_set(set, n);
            send_tracks(worker, set, n, now_us);
        }
    }
}
