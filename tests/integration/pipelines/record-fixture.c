#include "tests/integration/pipelines/record-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

TestRecord *test_record_new(void)
{
    TestRecord *record = g_new0(TestRecord, 1);
    int error = 0;
    record->dir = g_dir_make_tmp("manabi-record-XXXXXX", NULL);
    record->ring_fd = mnb_ring_create(MNB_RING_DEFAULT_BYTES);
    record->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    record->ring = mnb_ring_open_producer(record->ring_fd, record->event_fd, &error);
    g_assert_nonnull(record->ring);
    return record;
}

void test_record_start(TestRecord *record, int part)
{
    g_autofree char *ring = g_strdup_printf("--ring-fd=%d", record->ring_fd);
    g_autofree char *event = g_strdup_printf("--event-fd=%d", record->event_fd);
    g_autofree char *dir = g_strdup_printf("--dir=%s", record->dir);
    g_autofree char *number = g_strdup_printf("--part=%d", part);
    const char *argv[] = {"manabi-record", ring, event, dir, number, NULL};
    const int fds[] = {record->ring_fd, record->event_fd, -1};
    record->program = test_program_start(argv, fds);
    json_t *ready = test_program_expect(record->program, "ready", 10);
    record->start_us = test_int(ready, "started_mono_us");
}

void test_record_free(TestRecord *record)
{
    if (record->program != NULL)
        test_program_free(record->program);
    mnb_ring_close(record->ring);
    close(record->ring_fd);
    close(record->event_fd);
    if (g_getenv("MNB_TEST_KEEP") == NULL)
        g_free(test_shell("rm -rf '%s'", record->dir));
    else
        g_test_message("kept %s", record->dir);
    g_free(record->dir);
    g_free(record);
}

void test_record_add(TestRecord *record, guint32 track, const char *codec, int payload_type,
                     const char *peer)
{
    gboolean is_audio = strcmp(codec, "opus") == 0;
    g_autofree char *line = g_strdup_printf(
        "{\"do\":\"add-track\",\"track\":%u,\"kind\":\"%s\",\"codec\":\"%s\",\"clock_rate\":%d,"
        "\"payload_type\":%d,\"peer\":\"%s\",\"name\":\"鈴木 %s\",\"file\":\"%s-%s\"}",
        track, is_audio ? "audio" : "video", codec, is_audio ? 48000 : 90000, payload_type, peer,
        peer, peer, is_audio ? "audio" : "video");
    test_program_say(record->program, line);
}

static void put(TestRecord *record, MnbRingRecord *head, const void *payload)
{
    while (mnb_ring_put(record->ring, head, payload) == -ENOBUFS) {
        mnb_ring_flush(record->ring);
        g_usleep(1000);
    }
}

void test_record_put(TestRecord *record, guint32 track, const TestPacket *packet, gint64 shift_us,
                     gint64 delay_us)
{
    gsize size;
    const void *bytes = g_bytes_get_data(packet->packet, &size);
    MnbRingRecord head = {.size = (guint32)size,
                          .kind = MNB_RING_RTP,
                          .track = track,
                          .arrival_us = record->start_us + packet->at_us + shift_us + delay_us};
    put(record, &head, bytes);
}

void test_record_report(TestRecord *record, guint32 track, gint64 at_us, guint32 rtp_time)
{
    test_record_report_of(record, track, at_us, at_us, rtp_time);
}

void test_record_flush(TestRecord *record)
{
    mnb_ring_flush(record->ring);
}

void test_record_report_of(TestRecord *record, guint32 track, gint64 at_us, gint64 clock_us,
                           guint32 rtp_time)
{
    /* The publisher's clock: any epoch will do, as long as its tracks share it. */
    guint64 ntp_us = 3900000000ull * 1000000 + (guint64)clock_us;
    guint64 seconds = ntp_us / 1000000, rest_us = ntp_us % 1000000;
    MnbRingRecord head = {.kind = MNB_RING_SR,
                          .track = track,
                          .value = rtp_time,
                          .arrival_us = record->start_us + at_us,
                          .ntp = seconds << 32 | ((rest_us << 32) / 1000000)};
    put(record, &head, NULL);
}

void test_record_put_all(TestRecord *record, guint n, const guint32 *tracks, GArray *const *packets,
                         const gint64 *delays_us, gint64 shift_us)
{
    guint at[16] = {0};
    for (;;) {
        guint next = n;
        gint64 least_us = G_MAXINT64;
        for (guint i = 0; i < n; i++) {
            if (at[i] == packets[i]->len)
                continue;
            gint64 us = g_array_index(packets[i], TestPacket, at[i]).at_us + delays_us[i];
            if (us < least_us) {
                least_us = us;
                next = i;
            }
        }
        if (next == n)
            break;
        test_record_put(record, tracks[next], &g_array_index(packets[next], TestPacket, at[next]),
                        shift_us, delays_us[next]);
        at[next]++;
    }
    mnb_ring_flush(record->ring);
}

void test_record_drain(TestRecord *record)
{
    /* A second consumer would disturb the first: fill level shows by what still fits. */
    guint before = test_program_count(record->program, "written");
    while (test_program_count(record->program, "written") < before + 2)
        test_program_expect(record->program, "written", 10);
}

json_t *test_record_stop(TestRecord *record)
{
    test_program_say(record->program, "{\"do\":\"stop\"}");
    json_t *stopped = test_program_expect(record->program, "stopped", 20);
    g_assert_cmpint(test_program_wait(record->program), ==, 0);
    return stopped;
}

json_t *test_record_part(TestRecord *record, int part)
{
    g_autofree char *path = g_strdup_printf("%s/part-%d.json", record->dir, part);
    json_error_t error;
    json_t *object = json_load_file(path, 0, &error);
    g_assert_nonnull(object);
    return object;
}

char *test_record_path(TestRecord *record, const char *name)
{
    return g_build_filename(record->dir, name, NULL);
}
