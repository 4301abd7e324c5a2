#include "server/media/line.h"

#include "server/media/allocation.h"
#include "server/media/slot.h"
#include "server/media/track.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define START_US             MNB_SECOND_US
#define CATCH_SPEED_MIN      3      /* times the track's bit rate */
#define SHARE_FAST_US        50000  /* when the estimate is below what is used */
#define SHARE_SLOW_US        250000 /* while something is held back */
#define RAISE_LASTS_US       (10 * MNB_SECOND_US)
#define SLACK_PERCENT        105                 /* of the estimate may be used */
#define CALM_US              (2 * MNB_SECOND_US) /* since it was lowered last */
#define CALM_PERCENT         130
#define PROBE_STEP_US        5000
#define PROBE_MORE           120 /* percent of what is wanted */
#define FEEDBACK_MAX         1024
#define FIRST_SOUND_BPS      40000
#define HEADER_BPS           16000 /* of sound: 50 headers a second */
#define TEMPORAL_PERCENT_MAX 95    /* of the bits: else leaving the rest out is worth nothing */
#define SIZES_MAX            4     /* simulcast layers of a camera */
#define WEIGHT_MIN           10    /* packets that a report must be about */
#define WEAK_LOSS            30    /* permille */
#define FAILING_LOSS         120
#define WEAK_RTT_MS          300
#define FAILING_RTT_MS       800

_Static_assert(MNB_SLOTS_MAX <= MNB_ALLOCATION_MAX, "all slots of a receiver are shared out");

/* Until it has been measured. */
static const uint32_t guesses_bps[SIZES_MAX] = {150000, 500000, 1500000, 2500000};

static void on_probe_timer(void *owner, int64_t now_us);

int mnb_line_prepare(MnbTransport *transport, int64_t now_us)
{
    if (transport->bandwidth != NULL)
        return 0;
    transport->bandwidth = calloc(1, sizeof *transport->bandwidth);
    if (transport->bandwidth == NULL)
        return -ENOMEM;
    mnb_bandwidth_init(transport->bandwidth, now_us);
    transport->raise_gap_us = MNB_RAISE_GAP_US;
    transport->probe_timer.on_due = on_probe_timer;
    transport->probe_timer.owner = transport;
    return 0;
}

void mnb_line_clear(MnbTransport *transport)
{
    mnb_timer_cancel(&transport->probe_timer);
    free(transport->bandwidth);
    transport->bandwidth = NULL;
}

void mnb_line_note_cost(MnbTrack *track)
{
    uint64_t bps = track->is_video ? track->bps + track->bps / 25u : track->bps + HEADER_BPS;
    uint64_t cost_bps = track->cost_bps;
    if (track->bps == 0)
        return; /* muted: when it comes back it will be as before */
    if (cost_bps == 0)
        cost_bps = bps;
    else if (bps > cost_bps)
        cost_bps += (bps - cost_bps) / 4;
    else
        cost_bps -= (cost_bps - bps) / 8;
    track->cost_bps =
        (uint32_t)(cost_bps > MNB_BANDWIDTH_MAX_BPS ? MNB_BANDWIDTH_MAX_BPS : cost_bps);
}

static uint32_t cost_of(const MnbTrack *track)
{
    if (track->cost_bps != 0)
        return track->cost_bps;
    if (!track->is_video)
        return FIRST_SOUND_BPS;
    return guesses_bps[track->config.layer < SIZES_MAX ? track->config.layer : SIZES_MAX - 1];
}

/* ---- what there is to be shared out ---- */

typedef struct {
    MnbSlot *slots[MNB_SLOTS_MAX];
    MnbTrack *tracks[MNB_SLOTS_MAX][MNB_LAYERS_MAX]; /* smallest first */
    uint8_t tids[MNB_SLOTS_MAX][MNB_LAYERS_MAX];     /* temporal layers of it, up to this one */
    MnbAllocation items[MNB_SLOTS_MAX];
    size_t n;
} Claims;

static bool is_same_camera(const MnbTrack *a, const MnbTrack *b)
{
    return a->transport == b->transport && a->config.codec == b->config.codec && a->is_video &&
           a->config.rid[0] != 0 && strcmp(a->config.mid, b->config.mid) == 0;
}

/* The layers up to @top that flow, or @top alone when none does. Returns: how many. */
static unsigned find_layers(MnbTrack *top, MnbTrack *layers[MNB_LAYERS_MAX])
{
    unsigned n = 0;
    for (MnbTrack *track = top->transport->tracks; top->is_video && track != NULL;
         track = track->next_in_transport) {
        if (track == top || !track->is_flowing || track->config.layer >= top->config.layer ||
            !is_same_camera(track, top) || n == SIZES_MAX - 1)
            continue;
        unsigned at = n++;
        for (; at > 0 && layers[at - 1]->config.layer > track->config.layer; at--)
            layers[at] = layers[at - 1];
        layers[at] = track;
    }
    if (n == 0 || top->is_flowing)
        layers[n++] = top;
    return n;
}

/* Below the smallest picture there are fewer pictures a second, as far as there is room. */
static unsigned add_temporal(MnbTrack *layers[MNB_LAYERS_MAX], uint8_t tids[MNB_LAYERS_MAX],
                             unsigned n)
{
    MnbTrack *least = layers[0];
    unsigned more = 0;
    while (n + more < MNB_LAYERS_MAX && more < MNB_TEMPORAL_ALL - 1 &&
           least->tid_percent[more] > 0 && least->tid_percent[more] < TEMPORAL_PERCENT_MAX)
        more++;
    for (unsigned i = n + more; i-- > 0;) {
        layers[i] = i < more ? least : layers[i - more];
        tids[i] = i < more ? (uint8_t)i : MNB_TEMPORAL_ALL;
    }
    return n + more;
}

static uint32_t cost_up_to(const MnbTrack *track, uint8_t tid)
{
    uint64_t bps = cost_of(track);
    return (uint32_t)(tid < MNB_TEMPORAL_ALL ? bps * track->tid_percent[tid] / 100 : bps);
}

static uint8_t temporal_of(const MnbSlot *slot)
{
    return slot->temporal == NULL ? MNB_TEMPORAL_ALL : slot->temporal->wanted;
}

static void add_claim(Claims *claims, MnbSlot *slot, MnbTrack *top)
{
    const MnbTrack *shown = slot->target != NULL ? slot->target : slot->source;
    MnbTrack **tracks = claims->tracks[claims->n];
    uint8_t *tids = claims->tids[claims->n];
    MnbAllocation *item = &claims->items[claims->n];
    claims->slots[claims->n++] = slot;
    unsigned n = find_layers(top, tracks);
    *item = (MnbAllocation){
        .is_video = top->is_video,
        .rank = slot->rank,
        .n_layers = (uint8_t)add_temporal(tracks, tids, n),
        .layer = MNB_LAYER_PAUSED,
    };
    bool has_shown = shown != NULL && (shown == top || is_same_camera(shown, top));
    for (unsigned i = 0; i < item->n_layers; i++) {
        item->bps[i] = cost_up_to(tracks[i], tids[i]);
        if (i > 0 && item->bps[i] < item->bps[i - 1])
            item->bps[i] = item->bps[i - 1];
        /* A layer that is gone was above those that are left. */
        if (has_shown && (tracks[i]->config.layer < shown->config.layer ||
                          (tracks[i] == shown && tids[i] <= temporal_of(slot))))
            item->layer = (int8_t)i;
    }
    /* Somebody new gets in when there is room, without waiting for more of it. */
    bool is_paused = slot->state == MNB_SLOT_PAUSED || slot->state == MNB_SLOT_PAUSED_LIMIT;
    if (item->layer == MNB_LAYER_PAUSED && !is_paused)
        item->layer = 0;
}

static void collect(MnbTransport *transport, Claims *claims)
{
    claims->n = 0;
    for (unsigned i = 0; i < transport->n_slots; i++) {
        MnbSlot *slot = transport->slots[i];
        MnbTrack *top =
            slot->wanted == 0 ? NULL : mnb_id_map_get(&transport->worker->tracks, slot->wanted);
        if (top != NULL)
            add_claim(claims, slot, top);
        else
            slot->wanted = 0;
    }
}

/* ---- how much there is ---- */

static bool has_feedback_header(const MnbTransport *transport)
{
    for (unsigned i = 0; i < transport->n_slots; i++)
        if (transport->slots[i]->twcc_at != 0)
            return true;
    return false;
}

/* All sounds, and the first picture in its smallest layer. */
static uint32_t first_needs(const Claims *claims)
{
    const MnbAllocation *first = NULL;
    uint64_t bps = 0;
    for (size_t i = 0; i < claims->n; i++) {
        const MnbAllocation *item = &claims->items[i];
        if (!item->is_video)
            bps += item->bps[0];
        else if (first == NULL || item->rank < first->rank)
            first = item;
    }
    if (first != NULL)
        bps += first->bps[0];
    return bps > MNB_BANDWIDTH_MAX_BPS ? MNB_BANDWIDTH_MAX_BPS : (uint32_t)bps;
}

static uint32_t line_bps(const MnbTransport *transport, const Claims *claims, int64_t now_us)
{
    uint32_t bps = mnb_bandwidth_bps(transport->bandwidth, now_us);
    bool is_starting = transport->up_us == 0 || now_us - transport->up_us < START_US;
    if (is_starting && has_feedback_header(transport) && transport->bandwidth->decrease_us == 0) {
        uint32_t needs = first_needs(claims);
        uint32_t least = needs > MNB_BANDWIDTH_START_BPS ? needs : MNB_BANDWIDTH_START_BPS;
        if (bps == MNB_BANDWIDTH_UNKNOWN || bps < least)
            bps = least;
    }
    return bps;
}

/* Costs go up and down, a key frame is in them now and then. While the line shows no trouble, that
 * is no reason to lower anything. */
static uint32_t with_slack(const MnbTransport *transport, uint32_t bps, int64_t now_us)
{
    bool is_calm = now_us - transport->bandwidth->decrease_us > CALM_US;
    uint64_t more = (uint64_t)bps * (is_calm ? CALM_PERCENT : SLACK_PERCENT) / 100;
    return more < UINT32_MAX ? (uint32_t)more : bps;
}

/* ---- sharing out ---- */

static void set_state(MnbSlot *slot, MnbSlotStateKind state)
{
    MnbWorker *worker = slot->transport->worker;
    if (slot->state == state)
        return;
    if (slot->state == MNB_SLOT_IN_FULL)
        worker->stats.slots_held_back++;
    else if (state == MNB_SLOT_IN_FULL)
        worker->stats.slots_held_back--;
    slot->state = (uint8_t)state;
    MnbSlotState body = {
        .slot = slot->id, .track = slot->wanted, .state = state, .transport = slot->transport->id};
    mnb_worker_tell(worker, MNB_MEDIA_SLOT_STATE, &body);
}

static MnbSlotStateKind state_of(const MnbAllocation *item, bool is_choice)
{
    if (!item->is_paused_by_line)
        return MNB_SLOT_IN_FULL;
    if (item->layer != MNB_LAYER_PAUSED)
        return MNB_SLOT_REDUCED;
    return is_choice ? MNB_SLOT_PAUSED_LIMIT : MNB_SLOT_PAUSED;
}

typedef struct {
    bool has_lowered, has_raised;
} Moves;

static void apply(MnbSlot *slot, MnbTrack *track, uint8_t tid, bool is_lower, int64_t now_us,
                  Moves *moves)
{
    MnbTrack *shown = slot->target != NULL ? slot->target : slot->source;
    if (track == shown && tid == temporal_of(slot))
        return;
    bool is_held = slot->state != MNB_SLOT_IN_FULL;
    mnb_slot_limit_temporal(slot, tid);
    if (track != shown)
        mnb_slot_show(slot, track, is_lower, now_us);
    if (is_lower)
        moves->has_lowered = true;
    else if (is_held)
        moves->has_raised = true;
    if (is_lower || is_held)
        slot->transport->worker->stats.switches++;
}

static void note_moves(MnbTransport *transport, const Moves *moves, int64_t now_us)
{
    if (moves->has_lowered) {
        bool has_lasted = now_us - transport->raised_us > RAISE_LASTS_US;
        transport->raise_gap_us = has_lasted ? MNB_RAISE_GAP_US : transport->raise_gap_us * 2;
        if (transport->raise_gap_us > MNB_RAISE_GAP_MAX_US)
            transport->raise_gap_us = MNB_RAISE_GAP_MAX_US;
        transport->lowered_us = now_us;
    }
    if (moves->has_raised)
        transport->raised_us = now_us;
}

static void share_out(MnbTransport *transport, bool is_new_choice, int64_t now_us)
{
    Claims claims;
    Moves moves = {false, false};
    collect(transport, &claims);
    uint32_t raise_bps = line_bps(transport, &claims, now_us);
    uint32_t stay_bps = with_slack(transport, raise_bps, now_us);
    bool is_choice = transport->limit_bps != 0 && transport->limit_bps < raise_bps;
    if (is_choice)
        raise_bps = transport->limit_bps;
    if (transport->limit_bps != 0 && transport->limit_bps < stay_bps)
        stay_bps = transport->limit_bps;
    bool may_raise = is_new_choice || transport->lowered_us <= transport->bandwidth->restored_us ||
                     now_us - transport->lowered_us >= transport->raise_gap_us;
    int8_t before[MNB_SLOTS_MAX] = {0};
    for (size_t i = 0; i < claims.n; i++)
        before[i] = claims.items[i].layer;
    MnbAllocationSum sum = mnb_allocate(claims.items, claims.n, stay_bps, raise_bps, may_raise);
    transport->shared_us = now_us;
    transport->used_bps = sum.used_bps;
    transport->wanted_bps = sum.wanted_bps;
    unsigned n_paused = 0;
    unsigned n_reduced = 0;
    for (size_t i = 0; i < claims.n; i++) {
        const MnbAllocation *item = &claims.items[i];
        MnbTrack *track = item->layer < 0 ? NULL : claims.tracks[i][item->layer];
        uint8_t tid = item->layer < 0 ? MNB_TEMPORAL_ALL : claims.tids[i][item->layer];
        apply(claims.slots[i], track, tid, item->layer < before[i], now_us, &moves);
        MnbSlotStateKind state = state_of(item, is_choice);
        n_paused += state >= MNB_SLOT_PAUSED;
        n_reduced += state == MNB_SLOT_REDUCED;
        set_state(claims.slots[i], state);
    }
    transport->n_paused = (uint16_t)n_paused;
    transport->n_reduced = (uint16_t)n_reduced;
    if (!is_new_choice)
        note_moves(transport, &moves, now_us);
}

static bool is_over_budget(const MnbTransport *transport, int64_t now_us)
{
    uint32_t bps = mnb_bandwidth_bps(transport->bandwidth, now_us);
    return with_slack(transport, bps, now_us) < transport->used_bps;
}

int mnb_line_bind(MnbSlot *slot, MnbTrack *track, uint32_t rank, int64_t now_us)
{
    slot->rank = (uint8_t)(rank > UINT8_MAX ? UINT8_MAX : rank);
    const MnbTrack *before =
        slot->wanted == 0 ? NULL : mnb_id_map_get(&slot->transport->worker->tracks, slot->wanted);
    if (track == NULL || before == NULL || (track != before && !is_same_camera(track, before)))
        set_state(slot, MNB_SLOT_IN_FULL);
    if (track == NULL || slot->config.pt[track->config.codec] == 0 ||
        track->is_video != (slot->config.is_video != 0)) {
        slot->wanted = 0;
        int error = mnb_slot_show(slot, track, false, now_us);
        share_out(slot->transport, false, now_us);
        return error;
    }
    slot->wanted = track->config.track;
    /* What it showed until now is no claim of the new one. */
    if (slot->state == MNB_SLOT_IN_FULL && before != NULL && before != track &&
        !is_same_camera(track, before))
        mnb_slot_show(slot, NULL, false, now_us);
    share_out(slot->transport, false, now_us);
    return 0;
}

void mnb_line_set_limit(MnbTransport *transport, uint32_t limit_bps, int64_t now_us)
{
    if (transport->limit_bps == limit_bps)
        return;
    transport->limit_bps = limit_bps;
    if (transport->bandwidth != NULL)
        share_out(transport, true, now_us);
}

void mnb_line_on_layer_gone(MnbTrack *track, int64_t now_us)
{
    for (unsigned i = track->n_subs; i-- > 0;)
        if (i < track->n_subs && track->subs[i]->transport->bandwidth != NULL)
            share_out(track->subs[i]->transport, false, now_us);
    for (unsigned i = track->n_waiting; i-- > 0;)
        if (i < track->n_waiting && track->waiting[i]->transport->bandwidth != NULL)
            share_out(track->waiting[i]->transport, false, now_us);
}

void mnb_line_on_up(MnbTransport *transport, int64_t now_us)
{
    if (transport->bandwidth == NULL)
        return;
    if (transport->up_us == 0)
        transport->up_us = now_us;
    share_out(transport, false, now_us);
}

/* ---- probing ---- */

static void start_probe(MnbTransport *transport, int64_t now_us)
{
    uint64_t wanted_bps = (uint64_t)transport->wanted_bps * PROBE_MORE / 100;
    if (transport->limit_bps != 0 && transport->limit_bps < wanted_bps)
        wanted_bps = transport->limit_bps;
    if (transport->n_paused + transport->n_reduced == 0 || !transport->can_send ||
        !mnb_bandwidth_start_probe(transport->bandwidth,
                                   wanted_bps > UINT32_MAX ? UINT32_MAX : (uint32_t)wanted_bps,
                                   transport->twcc_out, now_us))
        return;
    on_probe_timer(transport, now_us);
}

static void on_probe_timer(void *owner, int64_t now_us)
{
    MnbTransport *transport = owner;
    bool has_more;
    size_t sent = 0;
    uint32_t bytes = mnb_bandwidth_step_probe(transport->bandwidth, &has_more, now_us);
    for (unsigned i = 0; i < transport->n_slots && bytes > 0 && sent == 0; i++)
        if (transport->slots[i]->config.is_video != 0)
            sent = mnb_slot_send_padding(transport->slots[i], bytes, now_us);
    if (sent > 0 && has_more)
        mnb_wheel_arm(&transport->worker->wheel, &transport->probe_timer, now_us + PROBE_STEP_US);
    else
        mnb_bandwidth_end_probe(transport->bandwidth, (uint16_t)(transport->twcc_out - 1));
}

/* ---- what the receiver tells ---- */

void mnb_line_on_feedback(MnbTransport *transport, const MnbRtcpPacket *packet, int64_t now_us)
{
    int32_t arrivals_us[FEEDBACK_MAX];
    MnbRtcpTwcc twcc;
    if (transport->bandwidth == NULL)
        return;
    int n = mnb_rtcp_read_twcc(packet, &twcc, arrivals_us, FEEDBACK_MAX);
    if (n <= 0)
        return;
    mnb_bandwidth_on_feedback(transport->bandwidth, twcc.base_seq, twcc.reference_time_64,
                              arrivals_us, (size_t)n, transport->rtt_us, now_us);
    int64_t gone_us = now_us - transport->shared_us;
    bool is_held = transport->n_paused + transport->n_reduced > 0;
    if ((gone_us >= SHARE_FAST_US && is_over_budget(transport, now_us)) ||
        (gone_us >= SHARE_SLOW_US && is_held))
        share_out(transport, false, now_us);
    start_probe(transport, now_us);
}

void mnb_line_on_report(MnbSlot *slot, const MnbRtcpReport *report)
{
    MnbTransport *transport = slot->transport;
    uint32_t packets = (uint32_t)(slot->packets - slot->packets_reported);
    slot->packets_reported = slot->packets;
    if (packets < WEIGHT_MIN)
        return;
    transport->report_packets += packets;
    transport->report_lost += (uint64_t)packets * report->fraction_lost;
}

void mnb_line_on_remb(MnbTransport *transport, uint64_t bps, int64_t now_us)
{
    if (transport->bandwidth != NULL)
        mnb_bandwidth_on_remb(transport->bandwidth, bps, now_us);
}

void mnb_line_tick(MnbTransport *transport, uint64_t sent_bytes, int64_t now_us)
{
    if (transport->bandwidth == NULL)
        return;
    if (transport->report_packets > 0) {
        uint64_t fraction = transport->report_lost / transport->report_packets;
        uint64_t bps = sent_bytes * 8;
        mnb_bandwidth_on_report(transport->bandwidth, (uint8_t)fraction,
                                bps > UINT32_MAX ? UINT32_MAX : (uint32_t)bps, now_us);
        transport->report_packets = 0;
        transport->report_lost = 0;
    }
    share_out(transport, false, now_us);
    start_probe(transport, now_us);
}

/* ---- what others ask ---- */

double mnb_line_catch_bps(const MnbSlot *slot, uint64_t wanted_bps, int64_t now_us)
{
    const MnbTransport *transport = slot->transport;
    uint32_t bps = mnb_bandwidth_bps(transport->bandwidth, now_us);
    if (bps == MNB_BANDWIDTH_UNKNOWN || bps >= wanted_bps)
        return (double)wanted_bps;
    /* What the others leave, but always much faster than the track goes on: as long as a receiver
     * catches up, what it sees is late. */
    double least = cost_of(slot->source) * CATCH_SPEED_MIN;
    double left =
        bps > transport->used_bps ? (double)(bps - transport->used_bps) + cost_of(slot->source) : 0;
    return left > least ? left : least;
}

static MnbLineQuality judge(const MnbTransport *transport, const MnbTransportStats *stats)
{
    bool is_bare = transport->n_paused > 0; /* and no picture at all is shown */
    for (unsigned i = 0; i < transport->n_slots; i++) {
        const MnbSlot *slot = transport->slots[i];
        if (slot->config.is_video != 0 && (slot->source != NULL || slot->target != NULL))
            is_bare = false;
    }
    if (stats->loss_permille >= FAILING_LOSS || stats->rtt_ms >= FAILING_RTT_MS ||
        (is_bare && stats->estimate_bps != 0 &&
         (transport->limit_bps == 0 || stats->estimate_bps < transport->limit_bps)))
        return MNB_LINE_FAILING;
    if (stats->loss_permille >= WEAK_LOSS || stats->rtt_ms >= WEAK_RTT_MS ||
        (stats->paused + stats->reduced > 0))
        return MNB_LINE_WEAK;
    return stats->rtt_ms == 0 && stats->estimate_bps == 0 && stats->in_bps == 0 ? MNB_LINE_UNKNOWN
                                                                                : MNB_LINE_GOOD;
}

void mnb_line_tell(const MnbTransport *transport, MnbTransportStats *stats, int64_t now_us)
{
    const MnbBandwidth *bandwidth = transport->bandwidth;
    if (bandwidth != NULL) {
        uint32_t bps = mnb_bandwidth_bps(bandwidth, now_us);
        unsigned loss = mnb_bandwidth_loss_permille(bandwidth);
        stats->estimate_bps = bps == MNB_BANDWIDTH_UNKNOWN ? 0 : bps;
        stats->queue_ms = mnb_bandwidth_queue_us(bandwidth) / 1000;
        if (loss > stats->loss_permille)
            stats->loss_permille = loss;
        /* Held back by choice is no fault of the line. */
        bool is_choice = transport->limit_bps != 0 && transport->limit_bps <= bps;
        unsigned paused = 0;
        unsigned reduced = 0;
        for (unsigned i = 0; i < transport->n_slots; i++) {
            paused += transport->slots[i]->state == MNB_SLOT_PAUSED;
            reduced += transport->slots[i]->state == MNB_SLOT_REDUCED && !is_choice;
        }
        stats->paused = (uint16_t)paused;
        stats->reduced = (uint16_t)reduced;
    }
    stats->quality = judge(transport, stats);
}
