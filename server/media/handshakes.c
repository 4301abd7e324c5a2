#include "server/media/handshakes.h"

#include "server/media/ice.h"
#include "server/media/transport.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
    MnbArrival arrival;
    uint16_t size;
    uint8_t data[MNB_HANDSHAKE_BYTES_MAX];
} Place;

struct MnbHandshakes {
    unsigned first;
    unsigned n;
    Place places[MNB_HANDSHAKES_WAITING];
};

MnbHandshakes *mnb_handshakes_new(void)
{
    return calloc(1, sizeof(MnbHandshakes));
}

void mnb_handshakes_put(MnbWorker *worker, const MnbArrival *arrival, const uint8_t *data,
                        size_t size)
{
    MnbHandshakes *self = worker->handshakes;
    if (size > MNB_HANDSHAKE_BYTES_MAX) {
        worker->stats.dropped_malformed++;
        return;
    }
    unsigned of_one = 0;
    for (unsigned i = 0; i < self->n; i++)
        of_one +=
            self->places[(self->first + i) % MNB_HANDSHAKES_WAITING].arrival.key == arrival->key;
    if (self->n == MNB_HANDSHAKES_WAITING || of_one >= MNB_HANDSHAKES_OF_ONE) {
        worker->stats.dropped_unknown++;
        return;
    }
    Place *place = &self->places[(self->first + self->n++) % MNB_HANDSHAKES_WAITING];
    place->arrival = *arrival;
    place->size = (uint16_t)size;
    memcpy(place->data, data, size);
}

bool mnb_handshakes_wait(const MnbWorker *worker)
{
    return worker->handshakes->n > 0;
}

void mnb_handshakes_run(MnbWorker *worker)
{
    MnbHandshakes *self = worker->handshakes;
    for (unsigned i = 0; i < MNB_HANDSHAKES_PER_TURN && self->n > 0; i++) {
        Place *place = &self->places[self->first];
        self->first = (self->first + 1) % MNB_HANDSHAKES_WAITING;
        self->n--;
        /* Looked up again: the transport may be gone since. */
        MnbTuple *tuple = mnb_ice_find_tuple(worker, &place->arrival);
        if (tuple != NULL && !tuple->transport->is_closing)
            mnb_transport_on_dtls(tuple, place->data, place->size, worker->now_us);
    }
}
