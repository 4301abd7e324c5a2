#include "server/media/packet-ring.h"
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define RING_BYTES (64u << 10)

/* Where packet-ring.c keeps what the other side trusts; the tests lie there. */
#define WRITTEN_AT  64
#define RELEASED_AT 128
#define DATA_AT     4096

typedef struct {
    int memfd, eventfd;
    MnbRing *producer, *consumer;
} Pair;

static void setup(Pair *pair, gconstpointer data)
{
    int error = 0;
    pair->memfd = mnb_ring_create(RING_BYTES);
    g_assert_cmpint(pair->memfd, >=, 0);
    pair->eventfd = eventfd(0, EFD_CLOEXEC);
    pair->producer = mnb_ring_open_producer(pair->memfd, pair->eventfd, &error);
    g_assert_cmpint(error, ==, 0);
    pair->consumer = mnb_ring_open_consumer(pair->memfd, pair->eventfd, &error);
    g_assert_cmpint(error, ==, 0);
}

static void teardown(Pair *pair, gconstpointer data)
{
    mnb_ring_close(pair->producer);
    mnb_ring_close(pair->consumer);
    close(pair->memfd);
    close(pair->eventfd);
}

static int put(MnbRing *ring, guint32 number, guint32 size)
{
    guint8 payload[MNB_RING_PAYLOAD_MAX + 1];
    memset(payload, (int)number, sizeof payload);
    MnbRingRecord record = {.size = size, .kind = MNB_RING_RTP, .track = number, .arrival_us = 5};
    return mnb_ring_put(ring, &record, payload);
}

static void assert_take(MnbRing *ring, guint32 number, guint32 size)
{
    const MnbRingRecord *record;
    const guint8 *payload;
    g_assert_cmpint(mnb_ring_take(ring, &record, &payload), ==, 1);
    g_assert_cmpint(record->kind, ==, MNB_RING_RTP);
    g_assert_cmpuint(record->track, ==, number);
    g_assert_cmpuint(record->size, ==, size);
    for (guint32 i = 0; i < size; i++)
        g_assert_cmpint(payload[i], ==, (guint8)number);
}

static int take(MnbRing *ring)
{
    const MnbRingRecord *record;
    const guint8 *payload;
    return mnb_ring_take(ring, &record, &payload);
}

static gboolean is_readable(const MnbRing *ring)
{
    struct pollfd poll_fd = {.fd = mnb_ring_event_fd(ring), .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 1;
}

static void test_visible_after_flush(Pair *pair, gconstpointer data)
{
    g_assert_cmpint(take(pair->consumer), ==, 0);
    g_assert_cmpint(put(pair->producer, 7, 100), ==, 0);
    g_assert_cmpint(take(pair->consumer), ==, 0);
    g_assert_false(is_readable(pair->consumer));
    mnb_ring_flush(pair->producer);
    g_assert_true(is_readable(pair->consumer));
    mnb_ring_drain(pair->consumer);
    g_assert_false(is_readable(pair->consumer));
    mnb_ring_drain(pair->consumer); /* does not wait */
    assert_take(pair->consumer, 7, 100);
    g_assert_cmpint(take(pair->consumer), ==, 0);
    mnb_ring_flush(pair->producer); /* nothing new: no wake */
    g_assert_false(is_readable(pair->consumer));
}

static void test_order_across_many_laps(Pair *pair, gconstpointer data)
{
    guint32 put_next = 0, taken_next = 0;
    for (int round = 0; round < 3000; round++) {
        guint32 n = (guint32)g_random_int_range(0, 20);
        for (guint32 i = 0; i < n; i++) {
            if (put(pair->producer, put_next, put_next * 37 % (MNB_RING_PAYLOAD_MAX + 1)) == 0)
                put_next++;
            else
                g_error("full though it is emptied each round");
        }
        mnb_ring_flush(pair->producer);
        for (; taken_next < put_next; taken_next++)
            assert_take(pair->consumer, taken_next, taken_next * 37 % (MNB_RING_PAYLOAD_MAX + 1));
        g_assert_cmpint(take(pair->consumer), ==, 0);
        mnb_ring_release(pair->consumer);
    }
    g_assert_cmpuint(mnb_ring_dropped(pair->producer), ==, 0);
}

static void test_carries_sender_reports(Pair *pair, gconstpointer data)
{
    const MnbRingRecord *record;
    const guint8 *payload;
    MnbRingRecord report = {.kind = MNB_RING_SR, .track = 3, .value = 90000, .ntp = 1ULL << 40};
    g_assert_cmpint(mnb_ring_put(pair->producer, &report, NULL), ==, 0);
    mnb_ring_flush(pair->producer);
    g_assert_cmpint(mnb_ring_take(pair->consumer, &record, &payload), ==, 1);
    g_assert_cmpmem(record, sizeof *record, &report, sizeof report);
}

static void test_full_ring_marks_a_gap(Pair *pair, gconstpointer data)
{
    const MnbRingRecord *record;
    const guint8 *payload;
    guint32 n = 0;
    while (put(pair->producer, n, 1000) == 0)
        n++;
    g_assert_cmpuint(n, >, RING_BYTES / 1040 - 2);
    g_assert_cmpint(put(pair->producer, n, 1000), ==, -ENOBUFS);
    g_assert_cmpint(put(pair->producer, n, MNB_RING_PAYLOAD_MAX + 1), ==, -EMSGSIZE);
    g_assert_cmpuint(mnb_ring_dropped(pair->producer), ==, 2);
    mnb_ring_flush(pair->producer);
    for (guint32 i = 0; i < 3; i++)
        assert_take(pair->consumer, i, 1000);
    g_assert_cmpint(put(pair->producer, n, 1000), ==, -ENOBUFS); /* taken, not released */
    mnb_ring_release(pair->consumer);
    g_assert_cmpint(put(pair->producer, 99, 1000), ==, 0);
    mnb_ring_flush(pair->producer);
    for (guint32 i = 3; i < n; i++)
        assert_take(pair->consumer, i, 1000);
    g_assert_cmpint(mnb_ring_take(pair->consumer, &record, &payload), ==, 1);
    g_assert_cmpint(record->kind, ==, MNB_RING_GAP);
    g_assert_cmpuint(record->value, ==, 3);
    assert_take(pair->consumer, 99, 1000);
    g_assert_cmpuint(mnb_ring_dropped(pair->producer), ==, 3);
}

static void test_successors_go_on(Pair *pair, gconstpointer data)
{
    int error = 0;
    for (guint32 i = 0; i < 5; i++)
        put(pair->producer, i, 500);
    mnb_ring_flush(pair->producer);
    put(pair->producer, 5, 500); /* never flushed: never seen */
    mnb_ring_close(pair->producer);
    pair->producer = mnb_ring_open_producer(pair->memfd, pair->eventfd, &error);
    g_assert_nonnull(pair->producer);
    put(pair->producer, 6, 500);
    mnb_ring_flush(pair->producer);
    assert_take(pair->consumer, 0, 500);
    mnb_ring_release(pair->consumer);
    assert_take(pair->consumer, 1, 500); /* not released: a new consumer gets it again */
    mnb_ring_close(pair->consumer);
    pair->consumer = mnb_ring_open_consumer(pair->memfd, pair->eventfd, &error);
    g_assert_nonnull(pair->consumer);
    for (guint32 i = 1; i < 5; i++)
        assert_take(pair->consumer, i, 500);
    assert_take(pair->consumer, 6, 500);
    g_assert_cmpint(take(pair->consumer), ==, 0);
}

static void test_consumer_believes_no_length(Pair *pair, gconstpointer data)
{
    static const struct {
        guint32 size;
        guint16 kind;
    } lies[] = {{0xffffffff, MNB_RING_RTP}, {0x7ffffff8, MNB_RING_RTP}, {101 * 8, MNB_RING_RTP},
                {2056, MNB_RING_RTP},       {96, MNB_RING_PAD},         {96, 17},
                {0xffffffe8, MNB_RING_PAD}};
    for (gsize i = 0; i < G_N_ELEMENTS(lies); i++) {
        int error = 0;
        int memfd = mnb_ring_create(RING_BYTES);
        MnbRing *producer = mnb_ring_open_producer(memfd, pair->eventfd, &error);
        MnbRing *consumer = mnb_ring_open_consumer(memfd, pair->eventfd, &error);
        put(producer, 1, i == 3 ? 2048 : 96);
        mnb_ring_flush(producer);
        MnbRingRecord record = {.size = lies[i].size, .kind = lies[i].kind};
        g_assert_cmpint(pwrite(memfd, &record, sizeof record, DATA_AT), ==, sizeof record);
        g_assert_cmpint(take(consumer), ==, -EBADMSG);
        g_assert_cmpint(take(consumer), ==, -EBADMSG);
        mnb_ring_close(producer);
        mnb_ring_close(consumer);
        close(memfd);
    }
}

static void test_consumer_believes_no_position(Pair *pair, gconstpointer data)
{
    static const guint64 lies[] = {1, 8, RING_BYTES + 8, ~0ULL, ~7ULL, 1ULL << 40};
    for (gsize i = 0; i < G_N_ELEMENTS(lies); i++) {
        int error = 0;
        int memfd = mnb_ring_create(RING_BYTES);
        MnbRing *consumer = mnb_ring_open_consumer(memfd, pair->eventfd, &error);
        g_assert_cmpint(pwrite(memfd, &lies[i], 8, WRITTEN_AT), ==, 8);
        g_assert_cmpint(take(consumer), ==, -EBADMSG);
        mnb_ring_close(consumer);
        close(memfd);
    }
}

static void test_producer_believes_no_position(Pair *pair, gconstpointer data)
{
    static const guint64 lies[] = {~0ULL, RING_BYTES * 4, 1ULL << 63};
    guint32 n = 0;
    while (put(pair->producer, n, 1000) == 0)
        n++;
    mnb_ring_flush(pair->producer);
    for (gsize i = 0; i < G_N_ELEMENTS(lies); i++) {
        int error = 0;
        g_assert_cmpint(pwrite(pair->memfd, &lies[i], 8, RELEASED_AT), ==, 8);
        g_assert_cmpint(put(pair->producer, n, 1000), ==, -ENOBUFS);
        MnbRing *successor = mnb_ring_open_producer(pair->memfd, pair->eventfd, &error);
        g_assert_nonnull(successor);
        g_assert_cmpint(put(successor, n, 1000), ==, -ENOBUFS);
        mnb_ring_close(successor);
    }
    mnb_ring_release(pair->consumer);
    assert_take(pair->consumer, 0, 1000);
    mnb_ring_release(pair->consumer);
    g_assert_cmpint(put(pair->producer, n, 100), ==, 0);
}

static void test_refuses_other_files(Pair *pair, gconstpointer data)
{
    int error = 0;
    g_assert_cmpint(mnb_ring_create(1000), ==, -EINVAL);
    g_assert_cmpint(mnb_ring_create(RING_BYTES + 8), ==, -EINVAL);
    g_assert_cmpint(mnb_ring_create(512u << 20), ==, -EINVAL);
    g_assert_cmpint(ftruncate(pair->memfd, 4096), ==, -1); /* sealed */
    int memfd = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    g_assert_cmpint(ftruncate(memfd, DATA_AT + RING_BYTES), ==, 0);
    g_assert_null(mnb_ring_open_consumer(memfd, pair->eventfd, &error));
    g_assert_cmpint(error, ==, -EINVAL); /* may shrink */
    g_assert_cmpint(fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), ==, 0);
    g_assert_null(mnb_ring_open_consumer(memfd, pair->eventfd, &error));
    g_assert_cmpint(error, ==, -EBADMSG); /* no head */
    close(memfd);
    g_assert_null(mnb_ring_open_producer(pair->memfd, -1, &error));
    g_assert_cmpint(error, ==, -EBADF);
    mnb_ring_close(NULL);
}

/* Two processes: the consumer checks order and content while the producer runs ahead and is full
 * now and then. */
static void test_between_processes(Pair *pair, gconstpointer data)
{
    const guint32 total = 30000;
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        for (guint32 i = 0; i < total; i++) {
            while (put(pair->producer, i, i * 31 % 1400) == -ENOBUFS) {
                mnb_ring_flush(pair->producer);
                sched_yield();
            }
            if (i % 8 == 0)
                mnb_ring_flush(pair->producer);
        }
        mnb_ring_flush(pair->producer);
        _exit(0);
    }
    guint32 next = 0;
    while (next < total) {
        struct pollfd poll_fd = {.fd = mnb_ring_event_fd(pair->consumer), .events = POLLIN};
        g_assert_cmpint(poll(&poll_fd, 1, 20000), ==, 1);
        mnb_ring_drain(pair->consumer);
        const MnbRingRecord *record;
        const guint8 *payload;
        int got;
        while ((got = mnb_ring_take(pair->consumer, &record, &payload)) > 0) {
            if (record->kind == MNB_RING_GAP)
                continue; /* the child tried again */
            g_assert_cmpuint(record->track, ==, next);
            g_assert_cmpuint(record->size, ==, next * 31 % 1400);
            if (record->size > 0) {
                g_assert_cmpint(payload[0], ==, (guint8)next);
                g_assert_cmpint(payload[record->size - 1], ==, (guint8)next);
            }
            next++;
            if (next % 5 == 0)
                mnb_ring_release(pair->consumer);
        }
        g_assert_cmpint(got, ==, 0);
        mnb_ring_release(pair->consumer);
    }
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function) g_test_add(name, Pair, NULL, setup, function, teardown)
    ADD("/packet-ring/records-are-visible-after-a-flush", test_visible_after_flush);
    ADD("/packet-ring/keeps-order-across-many-laps", test_order_across_many_laps);
    ADD("/packet-ring/carries-sender-reports", test_carries_sender_reports);
    ADD("/packet-ring/a-full-ring-counts-and-marks-a-gap", test_full_ring_marks_a_gap);
    ADD("/packet-ring/successors-go-on", test_successors_go_on);
    ADD("/packet-ring/consumer-believes-no-length", test_consumer_believes_no_length);
    ADD("/packet-ring/consumer-believes-no-position", test_consumer_believes_no_position);
    ADD("/packet-ring/producer-believes-no-position", test_producer_believes_no_position);
    ADD("/packet-ring/refuses-other-files", test_refuses_other_files);
    ADD("/packet-ring/works-between-processes", test_between_processes);
    return g_test_run();
}
