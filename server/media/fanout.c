#include "server/media/fanout.h"

#include "server/media/slot.h"
#include <stddef.h>

void mnb_fanout_add(MnbTrack *track, MnbPacket *packet, int64_t now_us)
{
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
        if (track->n_subs < MNB_HOLD_VIDEO_SLOTS || track->n_pending >= MNB_TX_SEGMENTS_MAX ||
            track->pending[track->n_pending - 1]->has_marker)
            return 0;
        limit_us = MNB_HOLD_VIDEO_US;
    } else {
        if (track->n_subs < MNB_HOLD_AUDIO_SLOTS || track->transport->room->n_audio_flowing < 2)
            return 0; /* a single voice has nobody to wait for */
        limit_us = MNB_HOLD_AUDIO_US;
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

static void plan_audio(MnbTrack *const *tracks, unsigned n)
{
    uint16_t most = 0;
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < tracks[i]->n_pending; j++)
            if (tracks[i]->pending[j]->size > most)
                most = tracks[i]->pending[j]->size;
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < tracks[i]->n_pending; j++) {
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

/* Several tracks: each receiver gets all of its slots' packets in one go. */
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
            for (unsigned k = 0; k < transport->n_slots; k++) {
                MnbSlot *slot = transport->slots[k];
                MnbTrack *source = slot->source;
                if (source != NULL && source->is_flushing)
                    mnb_slot_forward(slot, source->pending, source->padding, source->n_pending,
                                     now_us);
            }
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

/* An audio track whose time has come takes the others of its room along. */
static bool goes_along(const MnbTrack *track, const MnbRoom *const *rooms, unsigned n_rooms)
{
    for (unsigned i = 0; i < n_rooms; i++)
        if (!track->is_video && track->transport->room == rooms[i])
            return true;
    return false;
}

void mnb_fanout_run(MnbWorker *worker, int64_t now_us)
{
    const MnbRoom *rooms[FLUSH_SET_MAX];
    MnbTrack *audio[FLUSH_SET_MAX];
    unsigned n_rooms = 0;
    unsigned n_audio = 0;
    if (worker->dirty_tracks == NULL)
        return;
    for (MnbTrack *track = worker->dirty_tracks; track != NULL; track = track->next_dirty)
        if (!track->is_video && track->n_subs >= MNB_HOLD_AUDIO_SLOTS && track->n_pending > 0 &&
            hold_us(track, now_us) == 0 && n_rooms < FLUSH_SET_MAX)
            rooms[n_rooms++] = track->transport->room;
    MnbTrack **link = &worker->dirty_tracks;
    while (*link != NULL) {
        MnbTrack *track = *link;
        bool along = n_rooms > 0 && n_audio < FLUSH_SET_MAX && goes_along(track, rooms, n_rooms);
        if (track->n_pending > 0 && !along && hold_us(track, now_us) > 0) {
            link = &track->next_dirty;
            continue;
        }
        *link = track->next_dirty;
        track->is_dirty = false;
        if (along)
            audio[n_audio++] = track;
        else
            mnb_fanout_flush(track, now_us);
    }
    if (n_audio == 1) {
        mnb_fanout_flush(audio[0], now_us);
    } else if (n_audio > 1) {
        plan_audio(audio, n_audio);
        send_tracks(worker, audio, n_audio, now_us);
    }
}
