#include "server/media/ice.h"

#include "server/media/stun.h"
#include "server/media/transport.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SILENT_US       (2 * MNB_SECOND_US)
#define FLAP_US         200000
#define FRESH_US        (6 * MNB_SECOND_US) /* browsers check every 2.5 to 5.3 s */
#define UFRAG_BYTES_MIN 4                   /* RFC 8445 5.3 */
#define PWD_BYTES_MIN   22

static uint64_t ufrag_key(const MnbWorker *worker, const char *ufrag, size_t len)
{
    return mnb_id_hash(worker->secret, ufrag, len) | 1;
}

static void drop_credentials(MnbTransport *transport, MnbCredentials *old)
{
    if (old->key != 0)
        mnb_id_map_remove(&transport->worker->ufrags, old->key);
    memset(old, 0, sizeof *old);
}

int mnb_ice_set_credentials(MnbTransport *transport, const char *ufrag, const char *pwd,
                            int64_t old_until_us)
{
    MnbCredentials fresh = {.until_us = INT64_MAX};
    size_t ufrag_len = strnlen(ufrag, sizeof fresh.ufrag);
    size_t pwd_len = strnlen(pwd, sizeof fresh.pwd);
    if (ufrag_len < UFRAG_BYTES_MIN || ufrag_len == sizeof fresh.ufrag || pwd_len < PWD_BYTES_MIN ||
        pwd_len == sizeof fresh.pwd)
        return -EINVAL;
    memcpy(fresh.ufrag, ufrag, ufrag_len);
    memcpy(fresh.pwd, pwd, pwd_len);
    fresh.key = ufrag_key(transport->worker, ufrag, ufrag_len);
    int error = mnb_id_map_put(&transport->worker->ufrags, fresh.key, transport);
    if (error < 0)
        return error;
    drop_credentials(transport, &transport->credentials[1]);
    transport->credentials[1] = transport->credentials[0];
    transport->credentials[1].until_us = old_until_us;
    transport->credentials[0] = fresh;
    return 0;
}

void mnb_ice_expire(MnbTransport *transport, int64_t now_us)
{
    MnbCredentials *old = &transport->credentials[1];
    if (old->key != 0 && old->until_us <= now_us)
        drop_credentials(transport, old);
}

static void free_tuple(MnbTuple *tuple)
{
    MnbTransport *transport = tuple->transport;
    mnb_tx_flush(transport->worker->tx); /* messages point at its route */
    mnb_id_map_remove(&transport->worker->flows, tuple->key);
    if (transport->selected == tuple) {
        transport->selected = NULL;
        transport->can_send = false; /* until a check selects another one */
    }
    if (transport->dtls_tuple == tuple)
        transport->dtls_tuple = NULL;
    free(tuple);
}

void mnb_ice_clear(MnbTransport *transport)
{
    for (unsigned i = 0; i < transport->n_tuples; i++)
        free_tuple(transport->tuples[i]);
    transport->n_tuples = 0;
    drop_credentials(transport, &transport->credentials[0]);
    drop_credentials(transport, &transport->credentials[1]);
}

void mnb_ice_drop_flow(MnbWorker *worker, uint64_t key)
{
    MnbTuple *tuple = mnb_id_map_get(&worker->flows, key);
    if (tuple == NULL)
        return;
    MnbTransport *transport = tuple->transport;
    bool was_selected = transport->selected == tuple;
    bool could_send = transport->can_send;
    MnbTuple *next = NULL;
    for (unsigned i = 0; i < transport->n_tuples; i++) {
        if (transport->tuples[i] == tuple)
            transport->tuples[i] = transport->tuples[--transport->n_tuples];
        if (i < transport->n_tuples &&
            (next == NULL || transport->tuples[i]->valid_us > next->valid_us))
            next = transport->tuples[i];
    }
    free_tuple(tuple);
    if (was_selected && next != NULL && worker->now_us - next->valid_us < FRESH_US) {
        transport->selected = next;
        transport->can_send = could_send;
    }
}

/* The tuple that was silent longest makes room; the selected one and the one with the handshake
 * stay. */
static void make_room(MnbTransport *transport)
{
    if (transport->n_tuples < MNB_TUPLES_MAX)
        return;
    unsigned oldest = MNB_TUPLES_MAX;
    for (unsigned i = 0; i < transport->n_tuples; i++) {
        MnbTuple *tuple = transport->tuples[i];
        if (tuple == transport->selected || tuple == transport->dtls_tuple)
            continue;
        if (oldest == MNB_TUPLES_MAX || tuple->valid_us < transport->tuples[oldest]->valid_us)
            oldest = i;
    }
    assert(oldest < MNB_TUPLES_MAX);
    free_tuple(transport->tuples[oldest]);
    transport->tuples[oldest] = transport->tuples[--transport->n_tuples];
}

/* The tuple of an authenticated check. NULL: it belongs to another transport that is alive, or
 * memory is short. */
static MnbTuple *take_tuple(MnbTransport *transport, const MnbArrival *arrival)
{
    MnbWorker *worker = transport->worker;
    MnbTuple *tuple = mnb_id_map_get(&worker->flows, arrival->key);
    if (tuple != NULL) {
        if (tuple->transport == transport)
            return tuple;
        /* A client that opens its next connection from the port of the last one: the newer proof
         * wins. */
        MnbTransport *other = tuple->transport;
        for (unsigned i = 0; i < other->n_tuples; i++)
            if (other->tuples[i] == tuple)
                other->tuples[i] = other->tuples[--other->n_tuples];
        free_tuple(tuple);
    }
    make_room(transport);
    tuple = calloc(1, sizeof *tuple);
    if (tuple == NULL)
        return NULL;
    tuple->route = arrival->route;
    tuple->flow = arrival->flow;
    tuple->key = arrival->key;
    tuple->transport = transport;
    if (mnb_id_map_put(&worker->flows, tuple->key, tuple) < 0) {
        free(tuple);
        return NULL;
    }
    transport->tuples[transport->n_tuples++] = tuple;
    return tuple;
}

static void select_tuple(MnbTransport *transport, MnbTuple *tuple, bool is_nominated,
                         int64_t now_us)
{
    MnbTuple *selected = transport->selected;
    if (is_nominated)
        tuple->nominated_us = now_us;
    if (selected == tuple)
        return;
    bool moves;
    if (selected == NULL)
        moves = true;
    else if (is_nominated)
        moves = tuple->priority >= selected->priority || selected->nominated_us == 0 ||
                now_us - selected->nominated_us >= FLAP_US;
    else
        moves = now_us - selected->valid_us > SILENT_US;
    if (moves)
        transport->selected = tuple;
}

static void answer(MnbWorker *worker, MnbTuple *tuple, const MnbStun *stun,
                   const MnbCredentials *credentials, MnbStunCode code)
{
    uint8_t *out = mnb_tx_room(worker->tx, MNB_STUN_REPLY_MAX);
    size_t pwd_len = strlen(credentials->pwd);
    int len = code == 0 ? mnb_stun_write_success(out, MNB_STUN_REPLY_MAX, stun,
                                                 &tuple->route.peer.any, credentials->pwd, pwd_len)
                        : mnb_stun_write_error(out, MNB_STUN_REPLY_MAX, stun, code,
                                               credentials->pwd, pwd_len);
    if (len > 0)
        mnb_tx_add(worker->tx, &tuple->route, (size_t)len);
}

void mnb_ice_on_stun(MnbWorker *worker, MnbArrival *arrival, const uint8_t *data, size_t size)
{
    MnbStun stun;
    const char *ours, *theirs;
    size_t ours_len, theirs_len;
    if (mnb_stun_parse(&stun, data, size) < 0) {
        worker->stats.dropped_malformed++;
        return;
    }
    if (stun.type != MNB_STUN_REQUEST)
        return; /* indications are signs of life that prove nothing; we ask nothing ourselves */
    if (mnb_stun_split_username(&stun, &ours, &ours_len, &theirs, &theirs_len) < 0 ||
        ours_len >= MNB_ICE_UFRAG_MAX) {
        worker->stats.stun_refused++;
        return;
    }
    uint64_t key = ufrag_key(worker, ours, ours_len);
    MnbTransport *transport = mnb_id_map_get(&worker->ufrags, key);
    if (transport == NULL || transport->is_closing) {
        worker->stats.stun_refused++;
        return;
    }
    const MnbCredentials *credentials =
        &transport->credentials[transport->credentials[0].key == key ? 0 : 1];
    int code =
        strlen(credentials->ufrag) != ours_len || memcmp(credentials->ufrag, ours, ours_len) != 0 ||
                credentials->until_us <= arrival->now_us
            ? MNB_STUN_UNAUTHENTICATED
            : mnb_stun_check_request(&stun, data, credentials->pwd, strlen(credentials->pwd));
    if (code == MNB_STUN_UNAUTHENTICATED || code == MNB_STUN_BAD_REQUEST) {
        worker->stats.stun_refused++;
        return;
    }
    MnbTuple *tuple = take_tuple(transport, arrival);
    if (tuple == NULL)
        return;
    bool is_first = transport->valid_us == 0;
    answer(worker, tuple, &stun, credentials, (MnbStunCode)code);
    if (code != 0)
        return;
    if (stun.has_priority)
        tuple->priority = stun.priority;
    select_tuple(transport, tuple, stun.use_candidate, arrival->now_us);
    mnb_ice_mark_valid(tuple, arrival->now_us);
    mnb_transport_on_alive(transport, is_first);
}
