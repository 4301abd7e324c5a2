/* record-fixture.h - manabi-record at the end of a real packet ring. Time is the test's own:
 * packets carry the arrival time that the test says, as fast as the ring takes them. */
#pragma once
#include "server/media/packet-ring.h"
#include "tests/integration/pipelines/program-fixture.h"
#include "tests/integration/pipelines/rtp-source.h"

typedef struct {
    char *dir; /* owned; removed at the end */
    int ring_fd, event_fd;
    MnbRing *ring;
    TestProgram *program;
    gint64 start_us; /* the part's time 0 */
} TestRecord;

TestRecord *test_record_new(void);
void test_record_start(TestRecord *record, int part);
void test_record_free(TestRecord *record);

/* Adds a track; peer and file follow from the arguments. @codec: "vp8", "opus", "h264", "vp9". */
void test_record_add(TestRecord *record, guint32 track, const char *codec, int payload_type,
                     const char *peer);

/* Puts one packet, @delay_us after it was captured. */
void test_record_put(TestRecord *record, guint32 track, const TestPacket *packet, gint64 shift_us,
                     gint64 delay_us);
void test_record_report(TestRecord *record, guint32 track, gint64 at_us, guint32 rtp_time);

/* The same of a publisher whose clock says @clock_us at @at_us. */
void test_record_report_of(TestRecord *record, guint32 track, gint64 at_us, gint64 clock_us,
                           guint32 rtp_time);
void test_record_flush(TestRecord *record); /* rings the bell */

/* Puts whole tracks merged by time. @delays_us: of each. */
void test_record_put_all(TestRecord *record, guint n, const guint32 *tracks, GArray *const *packets,
                         const gint64 *delays_us, gint64 shift_us);

/* Waits until the recorder has taken everything out of the ring. */
void test_record_drain(TestRecord *record);

/* Sends "stop". Returns (borrowed): the stopped event. */
json_t *test_record_stop(TestRecord *record);

/* Returns (owned): part-<P>.json. */
json_t *test_record_part(TestRecord *record, int part);
char *test_record_path(TestRecord *record, const char *name);
