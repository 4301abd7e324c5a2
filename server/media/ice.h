/* ice.h - ICE-lite (RFC 8445 2.5): answers connectivity checks, and keeps the addresses of a peer.
 *
 * A check with a right MESSAGE-INTEGRITY makes its source a tuple of the transport, at most
 * MNB_TUPLES_MAX; from then on DTLS and SRTP from there are looked at. Media goes to the selected
 * tuple. It moves
 *   - at once to a tuple that is nominated (USE-CANDIDATE), except back and forth within 200 ms to
 * a lower priority (aggressive nomination by some agents);
 *   - to any tuple with a valid check when nothing came from the selected one for 2 s. Firefox
 * sends its consent checks without USE-CANDIDATE, so these count as signs of life. A media packet
 * never moves it. A check that is not authentic is counted and not answered. */
#pragma once
#include "server/media/worker-state.h"

void mnb_ice_on_stun(MnbWorker *worker, MnbArrival *arrival, const uint8_t *data, size_t size);

/* Returns: the tuple that a datagram came from; NULL when nobody has proved that address. */
static inline MnbTuple *mnb_ice_find_tuple(MnbWorker *worker, const MnbArrival *arrival)
{
    MnbTuple *tuple = mnb_id_map_get(&worker->flows, arrival->key);
    if (tuple == NULL || __builtin_memcmp(&tuple->flow, &arrival->flow, sizeof tuple->flow) != 0)
        return NULL;
    return tuple;
}

/* The flow with @key is no more (a TCP connection ended). Another tuple that was heard of lately
 * takes its place at once. */
void mnb_ice_drop_flow(MnbWorker *worker, uint64_t key);

/* Something authentic came from @tuple. */
static inline void mnb_ice_mark_valid(MnbTuple *tuple, int64_t now_us)
{
    tuple->valid_us = now_us;
    tuple->transport->valid_us = now_us;
    tuple->transport->suspect_until_us = 0;
}

/* Makes @ufrag and @pwd the credentials of the transport; those before stay good until
 * @old_until_us. Returns 0; -EINVAL a text is too short; -EEXIST; -ENOMEM. */
int mnb_ice_set_credentials(MnbTransport *transport, const char *ufrag, const char *pwd,
                            int64_t old_until_us);

/* Forgets old credentials whose time is over. */
void mnb_ice_expire(MnbTransport *transport, int64_t now_us);

void mnb_ice_clear(MnbTransport *transport);
