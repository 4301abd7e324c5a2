/* A ring whose producer went mad: 8 bytes of write position, 8 of release position, then data. The
 * consumer must end, and never hand out a byte outside of the data. */
#include "server/media/packet-ring.h"
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define RING_BYTES  (64u << 10)
#define WRITTEN_AT  64 /* as packet-ring.c lays its head out */
#define RELEASED_AT 128
#define DATA_AT     4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *ring_bytes;
static int memfd, event_fd;

static void make_ring(void)
{
    memfd = mnb_ring_create(RING_BYTES);
    event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ring_bytes = mmap(NULL, DATA_AT + RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
    if (memfd < 0 || event_fd < 0 || ring_bytes == MAP_FAILED)
        abort();
}

static volatile uint8_t sum; /* so that the bytes are really read */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const MnbRingRecord *record;
    const uint8_t *payload;
    int error;
    if (ring_bytes == NULL)
        make_ring();
    if (size < 16)
        return 0;
    memcpy(ring_bytes + WRITTEN_AT, data, 8);
    memcpy(ring_bytes + RELEASED_AT, data + 8, 8);
    size_t len = size - 16 < RING_BYTES ? size - 16 : RING_BYTES;
    uint64_t released;
    memcpy(&released, data + 8, 8);
    /* The bytes go where the consumer begins, round the end too. */
    for (size_t i = 0; i < len; i++)
        ring_bytes[DATA_AT + ((released + i) & (RING_BYTES - 1))] = data[16 + i];
    MnbRing *ring = mnb_ring_open_consumer(memfd, event_fd, &error);
    if (ring == NULL)
        return 0;
    int got;
    size_t n = 0;
    while ((got = mnb_ring_take(ring, &record, &payload)) > 0) {
        if (record->size > MNB_RING_PAYLOAD_MAX || ++n > RING_BYTES / sizeof *record)
            abort();
        for (uint32_t i = 0; i < record->size; i++)
            sum ^= payload[i];
    }
    mnb_ring_release(ring);
    mnb_ring_close(ring);
    return 0;
}
