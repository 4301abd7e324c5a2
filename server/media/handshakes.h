/* handshakes.h - DTLS waits until media has left.
 *
 * A step of a handshake costs as much as forwarding two hundred packets, and when a lecture begins
 * five hundred people join within a second. So datagrams of DTLS are put aside, and after each turn
 * of the loop, when what was read has been forwarded, a few of them are looked at. A full queue
 * drops: DTLS repeats by itself. */
#pragma once
#include "server/media/worker-state.h"

#define MNB_HANDSHAKES_PER_TURN 4 /* steps: about 1.5 ms */
#define MNB_HANDSHAKES_WAITING  256
#define MNB_HANDSHAKES_OF_ONE   16   /* of them from one address: a flood keeps nobody else out */
#define MNB_HANDSHAKE_BYTES_MAX 1536 /* of a datagram; longer ones are dropped */

typedef struct MnbHandshakes MnbHandshakes;

MnbHandshakes *mnb_handshakes_new(void); /* owned, free(); NULL when out of memory */

/* Copies @data. @arrival belongs to an address that has proved itself. */
void mnb_handshakes_put(MnbWorker *worker, const MnbArrival *arrival, const uint8_t *data,
                        size_t size);

/* Whether more wait: the loop must not sleep then. */
bool mnb_handshakes_wait(const MnbWorker *worker);

/* Looks at the next few. */
void mnb_handshakes_run(MnbWorker *worker);
