/* packet-ring.c - see packet-ring.h.
 *
 * Positions are 64-bit byte counts that never wrap; position & (size - 1) is the place. Each side
 * keeps its own position privately and publishes it; what the other side published is checked
 * before it is used. */
#include "server/media/packet-ring.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES   4096
#define BYTES_MIN    (64u << 10)
#define BYTES_MAX    (256u << 20)
#define RECORD_BYTES sizeof(MnbRingRecord)
#define MAGIC        0x474e5252u /* "RRNG" */
#define VERSION      1
#define PADDED(size) (((uint64_t)(size) + 7) & ~7ULL)
#define SEALS        (F_SEAL_SHRINK | F_SEAL_GROW)

/* Each side writes its own cache line. */
typedef struct {
    uint32_t magic;
    uint32_t version;
    uint32_t size;
    uint8_t to_line_1[52];
    _Atomic uint64_t written; /* producer: everything before is valid */
    uint64_t dropped;         /* producer: for its successor */
    uint64_t gap;             /* producer: packets refused since the last record */
    uint8_t to_line_2[40];
    _Atomic uint64_t released; /* consumer: everything before may be written over */
} Head;

_Static_assert(sizeof(MnbRingRecord) == 32, "records travel between processes");
_Static_assert(offsetof(Head, written) == 64 && offsetof(Head, released) == 128, "cache lines");
_Static_assert(sizeof(Head) <= HEAD_BYTES, "the head has a page");

struct MnbRing {
    Head *head;
    uint8_t *data; /* consumer: mapped read-only */
    uint32_t size;
    bool is_producer;
    bool has_failed; /* consumer: the ring lied */
    int event_fd;
    uint64_t position;    /* producer: put so far; consumer: taken so far */
    uint64_t published;   /* producer: flushed so far */
    uint64_t other;       /* producer: last seen released */
    uint64_t dropped;     /* producer */
    uint64_t gap;         /* producer */
    MnbRingRecord record; /* consumer: copy of the record handed out */
};

int mnb_ring_create(uint32_t size_bytes)
{
    if (size_bytes < BYTES_MIN || size_bytes > BYTES_MAX || (size_bytes & (size_bytes - 1)) != 0)
        return -EINVAL;
    int fd = memfd_create("manabi-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    Head head = {.magic = MAGIC, .version = VERSION, .size = size_bytes};
    if (ftruncate(fd, HEAD_BYTES + (off_t)size_bytes) < 0 ||
        fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) < 0)
        goto fail;
    errno = EIO;
    if (pwrite(fd, &head, sizeof head, 0) != (ssize_t)sizeof head)
        goto fail;
    return fd;

fail:;
    int error = -errno;
    close(fd);
    return error;
}

/* Checks the file and maps it. Without the seal a shrinking file would kill us with SIGBUS. */
static int map(MnbRing *ring, int memfd)
{
    struct stat info;
    if (fstat(memfd, &info) < 0)
        return -errno;
    int seals = fcntl(memfd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS) != SEALS)
        return -EINVAL;
    uint64_t size = (uint64_t)info.st_size - HEAD_BYTES;
    if (info.st_size < HEAD_BYTES + (off_t)BYTES_MIN || size > BYTES_MAX ||
        (size & (size - 1)) != 0)
        return -EINVAL;
    ring->size = (uint32_t)size;
    void *head = mmap(NULL, HEAD_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
    if (head == MAP_FAILED)
        return -errno;
    ring->head = head;
    int protection = ring->is_producer ? PROT_READ | PROT_WRITE : PROT_READ;
    void *data = mmap(NULL, size, protection, MAP_SHARED, memfd, HEAD_BYTES);
    if (data == MAP_FAILED)
        return -errno;
    ring->data = data;
    if (ring->head->magic != MAGIC || ring->head->version != VERSION ||
        ring->head->size != ring->size)
        return -EBADMSG;
    return 0;
}

static MnbRing *open_ring(int memfd, int eventfd, bool is_producer, int *error_out)
{
    MnbRing *ring = calloc(1, sizeof *ring);
    if (ring == NULL) {
        *error_out = -ENOMEM;
        return NULL;
    }
    ring->is_producer = is_producer;
    ring->event_fd = fcntl(eventfd, F_DUPFD_CLOEXEC, 3);
    int error = 0;
    /* Neither side may ever wait in here, however the descriptor was made. */
    if (ring->event_fd < 0 || fcntl(ring->event_fd, F_SETFL, O_NONBLOCK) < 0)
        error = -errno;
    else
        error = map(ring, memfd);
    if (error < 0) {
        *error_out = error;
        mnb_ring_close(ring);
        return NULL;
    }
    return ring;
}

MnbRing *mnb_ring_open_producer(int memfd, int eventfd, int *error_out)
{
    MnbRing *ring = open_ring(memfd, eventfd, true, error_out);
    if (ring == NULL)
        return NULL;
    /* What a dead predecessor wrote behind its last flush is written over. */
    ring->position = atomic_load_explicit(&ring->head->written, memory_order_relaxed);
    ring->published = ring->position;
    ring->other = atomic_load_explicit(&ring->head->released, memory_order_acquire);
    if (ring->position - ring->other > ring->size)
        ring->other = ring->position - ring->size; /* cannot be: full until it is right */
    ring->dropped = ring->head->dropped;
    ring->gap = ring->head->gap;
    if ((ring->position & 7) != 0) {
        mnb_ring_close(ring);
        *error_out = -EBADMSG;
        return NULL;
    }
    return ring;
}

MnbRing *mnb_ring_open_consumer(int memfd, int eventfd, int *error_out)
{
    MnbRing *ring = open_ring(memfd, eventfd, false, error_out);
    if (ring == NULL)
        return NULL;
    ring->position = atomic_load_explicit(&ring->head->released, memory_order_relaxed);
    if ((ring->position & 7) != 0) {
        mnb_ring_close(ring);
        *error_out = -EBADMSG;
        return NULL;
    }
    return ring;
}

void mnb_ring_close(MnbRing *ring)
{
    if (ring == NULL)
        return;
    if (ring->data != NULL)
        munmap(ring->data, ring->size);
    if (ring->head != NULL)
        munmap(ring->head, HEAD_BYTES);
    if (ring->event_fd >= 0)
        close(ring->event_fd);
    free(ring);
}

/* ---- producer ---- */

static uint64_t left_before_end(const MnbRing *ring)
{
    return ring->size - (ring->position & (ring->size - 1));
}

/* Whether @need bytes from position on are free. A released position that cannot be is no release.
 */
static bool has_room(MnbRing *ring, uint64_t need)
{
    if (ring->position + need - ring->other <= ring->size)
        return true;
    uint64_t released = atomic_load_explicit(&ring->head->released, memory_order_acquire);
    if (released < ring->other || released > ring->published)
        return false;
    ring->other = released;
    return ring->position + need - ring->other <= ring->size;
}

/* Bytes that a record of @need bytes takes at @position, with what is skipped before the end. */
static uint64_t place(const MnbRing *ring, uint64_t position, uint64_t need)
{
    uint64_t left = ring->size - (position & (ring->size - 1));
    return need <= left ? need : left + need;
}

static void write_record(MnbRing *ring, const MnbRingRecord *record, const void *payload)
{
    uint64_t need = RECORD_BYTES + PADDED(record->size);
    uint64_t left = left_before_end(ring);
    if (need > left) {
        if (left >= RECORD_BYTES) {
            MnbRingRecord pad = {.size = (uint32_t)(left - RECORD_BYTES), .kind = MNB_RING_PAD};
            memcpy(ring->data + (ring->position & (ring->size - 1)), &pad, sizeof pad);
        }
        ring->position += left;
    }
    uint8_t *at = ring->data + (ring->position & (ring->size - 1));
    memcpy(at, record, RECORD_BYTES);
    if (record->size > 0)
        memcpy(at + RECORD_BYTES, payload, record->size);
    ring->position += need;
}

int mnb_ring_put(MnbRing *ring, const MnbRingRecord *record, const void *payload)
{
    if (record->size > MNB_RING_PAYLOAD_MAX)
        return -EMSGSIZE;
    uint64_t need = place(ring, ring->position, RECORD_BYTES + PADDED(record->size));
    if (ring->gap > 0) {
        uint64_t gap_need = place(ring, ring->position, RECORD_BYTES);
        need =
            gap_need + place(ring, ring->position + gap_need, RECORD_BYTES + PADDED(record->size));
    }
    if (!has_room(ring, need)) {
        ring->head->dropped = ++ring->dropped;
        ring->head->gap = ++ring->gap;
        return -ENOBUFS;
    }
    if (ring->gap > 0) {
        MnbRingRecord gap = {.kind = MNB_RING_GAP,
                             .value = ring->gap < UINT32_MAX ? (uint32_t)ring->gap : UINT32_MAX,
                             .arrival_us = record->arrival_us};
        write_record(ring, &gap, NULL);
        ring->head->gap = ring->gap = 0;
    }
    write_record(ring, record, payload);
    return 0;
}

void mnb_ring_flush(MnbRing *ring)
{
    if (ring->published == ring->position)
        return;
    ring->published = ring->position;
    atomic_store_explicit(&ring->head->written, ring->position, memory_order_release);
    uint64_t one = 1;
    /* Fails only when the counter is at its top; then the consumer is awake anyway. */
    ssize_t n = write(ring->event_fd, &one, sizeof one);
    (void)n;
}

uint64_t mnb_ring_dropped(const MnbRing *ring)
{
    return ring->dropped;
}

/* ---- consumer ---- */

static int fail(MnbRing *ring)
{
    ring->has_failed = true;
    return -EBADMSG;
}

int mnb_ring_take(MnbRing *ring, const MnbRingRecord **record_out, const uint8_t **payload_out)
{
    if (ring->has_failed)
        return -EBADMSG;
    uint64_t written = atomic_load_explicit(&ring->head->written, memory_order_acquire);
    if (written - ring->position > ring->size || (written & 7) != 0)
        return fail(ring);
    while (ring->position != written) {
        uint64_t available = written - ring->position;
        uint64_t left = left_before_end(ring);
        if (left < RECORD_BYTES) {
            if (available < left)
                return fail(ring);
            ring->position += left;
            continue;
        }
        if (available < RECORD_BYTES)
            return fail(ring);
        /* A copy: what is checked is what is used, even when the other side writes on. */
        const uint8_t *at = ring->data + (ring->position & (ring->size - 1));
        memcpy(&ring->record, at, RECORD_BYTES);
        uint64_t need = RECORD_BYTES + PADDED(ring->record.size);
        if (need > left || need > available)
            return fail(ring);
        ring->position += need;
        if (ring->record.kind == MNB_RING_PAD) {
            if (need != left)
                return fail(ring);
            continue;
        }
        if (ring->record.kind > MNB_RING_GAP || ring->record.size > MNB_RING_PAYLOAD_MAX)
            return fail(ring);
        *record_out = &ring->record;
        *payload_out = at + RECORD_BYTES;
        return 1;
    }
    return 0;
}

void mnb_ring_release(MnbRing *ring)
{
    atomic_store_explicit(&ring->head->released, ring->position, memory_order_release);
}

int mnb_ring_event_fd(const MnbRing *ring)
{
    return ring->event_fd;
}

void mnb_ring_drain(MnbRing *ring)
{
    uint64_t count;
    ssize_t n = read(ring->event_fd, &count, sizeof count);
    (void)n;
}
