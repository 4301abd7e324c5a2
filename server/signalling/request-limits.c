#include "server/signalling/request-limits.h"

static const struct {
    guint per_second, burst;
    const char *says;
} table[MNB_N_LIMITS] = {
    [MNB_LIMIT_CHAT] = {2, 10, "at most 10 chat messages in 5 seconds"},
    [MNB_LIMIT_REACTION] = {1, 5, "at most 5 reactions in 5 seconds"},
    [MNB_LIMIT_CAPTION] = {10, 10, "at most 10 captions a second"},
    [MNB_LIMIT_POINTER] = {20, 20, "at most 20 pointer messages a second"},
    [MNB_LIMIT_SLOWER] = {1, 1, "at most one in 5 seconds"},
    [MNB_LIMIT_LOGGED] = {2, 20, "at most 20 actions in 10 seconds"},
};

void mnb_limits_init(MnbLimits *limits, gint64 now_us)
{
    for (guint i = MNB_LIMIT_NONE + 1; i < MNB_N_LIMITS; i++)
        mnb_bucket_init(&limits->buckets[i], table[i].per_second, table[i].burst, now_us);
    /* One in five seconds. */
    limits->buckets[MNB_LIMIT_SLOWER].cost_us = 5 * G_USEC_PER_SEC;
    limits->buckets[MNB_LIMIT_SLOWER].limit_us = 5 * G_USEC_PER_SEC;
    limits->buckets[MNB_LIMIT_SLOWER].credit_us = 5 * G_USEC_PER_SEC;
    mnb_bucket_init(&limits->moderator, 10, 100, now_us);
}

const char *mnb_limits_take(MnbLimits *limits, MnbRequestLimit which, gboolean moderates,
                            gint64 now_us)
{
    if (which == MNB_LIMIT_NONE)
        return NULL;
    if (which == MNB_LIMIT_LOGGED && moderates)
        return mnb_bucket_take(&limits->moderator, now_us) ? NULL
                                                           : "at most 100 actions in 10 seconds";
    return mnb_bucket_take(&limits->buckets[which], now_us) ? NULL : table[which].says;
}
