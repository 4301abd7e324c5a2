/* allocation.h - what of all that a receiver wants goes out over a line of so many bits a second.
 *
 * Pure. Sound first, then pictures in the order of their rank; nothing is squeezed, what does not
 * fit is paused:
 *
 *     1  sound, by rank; the first (own language, loudest) whatever the line
 *     2  each picture, by rank, in its smallest layer (with the fewest pictures a second)
 *     3  each picture, by rank, in the largest layer that still fits
 *
 * So that it does not flap, a picture is raised or let in only with room to spare and only when the
 * caller allows raises (after quiet seconds); one that is shown stays while it fits. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MNB_LAYERS_MAX       6 /* sizes, and below the smallest fewer pictures a second */
#define MNB_LAYER_PAUSED     (-1)
#define MNB_ALLOCATION_MAX   64
#define MNB_RAISE_PERCENT    115 /* of its cost must be there for a raise */
#define MNB_BUDGET_UNLIMITED UINT32_MAX

typedef struct {
    bool is_video;
    uint8_t rank; /* 0 first; equal ones in the order of the list */
    uint8_t n_layers;
    uint32_t bps[MNB_LAYERS_MAX]; /* cost, smallest layer first; 0: this layer has nothing now */
    int8_t layer;                 /* in: shown now, or MNB_LAYER_PAUSED; out: from now on */
    bool is_paused_by_line;       /* out: paused, or less than the largest that flows */
} MnbAllocation;

typedef struct {
    uint32_t used_bps;   /* of what is chosen */
    uint32_t wanted_bps; /* of all in full */
} MnbAllocationSum;

/* @n: at most MNB_ALLOCATION_MAX. @stay_bps: what is shown may stay, and somebody new may come in,
 * within this. @raise_bps: within this a picture may be raised or come back. @may_raise: raises are
 * allowed now. */
MnbAllocationSum mnb_allocate(MnbAllocation *items, size_t n, uint32_t stay_bps, uint32_t raise_bps,
                              bool may_raise);
