#include "server/signalling/bucket.h"

void mnb_bucket_init(MnbBucket *bucket, guint per_second, guint burst, gint64 now_us)
{
    bucket->cost_us = G_USEC_PER_SEC / per_second;
    bucket->limit_us = bucket->cost_us * burst;
    bucket->credit_us = bucket->limit_us;
    bucket->last_us = now_us;
}

gboolean mnb_bucket_take(MnbBucket *bucket, gint64 now_us)
{
    if (now_us > bucket->last_us) {
        bucket->credit_us = MIN(bucket->limit_us, bucket->credit_us + now_us - bucket->last_us);
        bucket->last_us = now_us;
    }
    if (bucket->credit_us < bucket->cost_us)
        return FALSE;
    bucket->credit_us -= bucket->cost_us;
    return TRUE;
}
