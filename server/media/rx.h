/* rx.h - datagrams from the kernel: recvmmsg into a fixed set of buffers, UDP_GRO taken apart.
 *
 * One per worker. With UDP_GRO the kernel may hand over several datagrams of one sender, equally
 * long but for the last, as one; callers see single ones. No allocation after new. */
#pragma once
#include "server/media/worker-state.h"

typedef struct MnbRx MnbRx;

#define MNB_RX_BATCH 64

/* @has_gro: buffers of 64 KiB instead of 2 KiB. Owned; NULL when out of memory. */
MnbRx *mnb_rx_new(bool has_gro);
void mnb_rx_free(MnbRx *rx);

/* Called for each datagram. @data may be changed. */
typedef void (*MnbRxDatagram)(MnbWorker *worker, MnbArrival *arrival, uint8_t *data, size_t size);

/* Reads one batch from socket @index of @worker. Returns: messages read (MNB_RX_BATCH: there may be
 * more), 0 when there was none. */
int mnb_rx_read(MnbWorker *worker, unsigned index, MnbRxDatagram on_datagram);
