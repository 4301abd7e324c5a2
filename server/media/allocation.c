#include "server/media/allocation.h"

/* Index of the smallest layer above @layer that flows; n_layers: none. */
static int next_layer(const MnbAllocation *item, int layer)
{
    int next = layer + 1;
    while (next < item->n_layers && item->bps[next] == 0)
        next++;
    return next;
}

static int top_layer(const MnbAllocation *item)
{
    int top = item->n_layers - 1;
    while (top >= 0 && item->bps[top] == 0)
        top--;
    return top;
}

static uint64_t cost_of(const MnbAllocation *item, int layer)
{
    return layer < 0 ? 0 : item->bps[layer];
}

typedef struct {
    MnbAllocation *items[MNB_ALLOCATION_MAX]; /* in the order of their claims */
    int before[MNB_ALLOCATION_MAX];           /* layer shown until now */
    size_t n;
    uint64_t stay, raise, used;
    bool may_raise;
} Plan;

/* Stable: sound before pictures, then by rank. */
static void sort(Plan *plan, MnbAllocation *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned key = (items[i].is_video ? 256u : 0) + items[i].rank;
        size_t at = plan->n++;
        for (; at > 0; at--) {
            const MnbAllocation *other = plan->items[at - 1];
            if ((other->is_video ? 256u : 0) + other->rank <= key)
                break;
            plan->items[at] = plan->items[at - 1];
        }
        plan->items[at] = &items[i];
    }
    for (size_t i = 0; i < n; i++)
        plan->before[i] = plan->items[i]->layer;
}

/* Whether item @i can go from its layer to @layer, as things are. */
static bool fits(const Plan *plan, size_t i, int layer)
{
    const MnbAllocation *item = plan->items[i];
    uint64_t used = plan->used - cost_of(item, item->layer) + cost_of(item, layer);
    if (layer <= plan->before[i])
        return used <= plan->stay;
    return plan->may_raise && used * MNB_RAISE_PERCENT / 100 <= plan->raise;
}

static void set_layer(Plan *plan, size_t i, int layer)
{
    MnbAllocation *item = plan->items[i];
    plan->used = plan->used - cost_of(item, item->layer) + cost_of(item, layer);
    item->layer = (int8_t)layer;
}

static void raise_layers(Plan *plan, size_t i)
{
    const MnbAllocation *item = plan->items[i];
    int layer = item->layer;
    for (;;) {
        layer = next_layer(item, layer);
        if (layer >= item->n_layers || !fits(plan, i, layer))
            return;
        set_layer(plan, i, layer);
    }
}

MnbAllocationSum mnb_allocate(MnbAllocation *items, size_t n, uint32_t stay_bps, uint32_t raise_bps,
                              bool may_raise)
{
    Plan plan = {.stay = stay_bps, .raise = raise_bps, .may_raise = may_raise};
    uint64_t wanted = 0;
    if (raise_bps == MNB_BUDGET_UNLIMITED) {
        plan.stay = plan.raise = UINT64_MAX / 1024;
        plan.may_raise = true;
    }
    if (n > MNB_ALLOCATION_MAX)
        n = MNB_ALLOCATION_MAX;
    sort(&plan, items, n);
    for (size_t i = 0; i < n; i++) {
        wanted += cost_of(plan.items[i], top_layer(plan.items[i]));
        plan.items[i]->layer = MNB_LAYER_PAUSED;
    }
    for (size_t i = 0; i < n; i++) {
        int least = next_layer(plan.items[i], MNB_LAYER_PAUSED);
        if (least >= plan.items[i]->n_layers)
            continue;
        /* Sound is small, and gets in without room to spare. */
        bool is_in = plan.items[i]->is_video
                         ? fits(&plan, i, least)
                         : i == 0 || plan.used + cost_of(plan.items[i], least) <= plan.stay;
        if (is_in)
            set_layer(&plan, i, least);
    }
    for (size_t i = 0; i < n; i++)
        if (plan.items[i]->layer != MNB_LAYER_PAUSED)
            raise_layers(&plan, i);
    for (size_t i = 0; i < n; i++)
        plan.items[i]->is_paused_by_line = plan.items[i]->layer < top_layer(plan.items[i]);
    return (MnbAllocationSum){
        .used_bps = (uint32_t)(plan.used > UINT32_MAX - 1 ? UINT32_MAX - 1 : plan.used),
        .wanted_bps = (uint32_t)(wanted > UINT32_MAX - 1 ? UINT32_MAX - 1 : wanted),
    };
}
