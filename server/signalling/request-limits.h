/* request-limits.h - how often one connection may ask what (docs/protocol.md, 4.2). Pure; time is
 * passed in. */
#pragma once
#include "server/rooms/request.h"
#include "server/signalling/bucket.h"

typedef struct {
    MnbBucket buckets[MNB_N_LIMITS];
    MnbBucket moderator; /* of LOGGED, for who moderates */
} MnbLimits;

void mnb_limits_init(MnbLimits *limits, gint64 now_us);
/* Takes one. Returns NULL, or (static) the sentence that says the limit. */
const char *mnb_limits_take(MnbLimits *limits, MnbRequestLimit which, gboolean moderates,
                            gint64 now_us);
