/* bucket.h - a token bucket: so many a second, so many at once. Pure; time is passed in. */
#pragma once
#include <glib.h>

typedef struct {
    gint64 credit_us; /* saved time; one token costs cost_us */
    gint64 cost_us;
    gint64 limit_us;
    gint64 last_us;
} MnbBucket;

/* @per_second, @burst: above 0. Begins full. */
void mnb_bucket_init(MnbBucket *bucket, guint per_second, guint burst, gint64 now_us);
/* Takes one; FALSE: there is none. Time that goes back counts as standing still. */
gboolean mnb_bucket_take(MnbBucket *bucket, gint64 now_us);
