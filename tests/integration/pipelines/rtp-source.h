/* rtp-source.h - real RTP for tests: made by encoders and payloaders when the test runs. */
#pragma once
#include <glib.h>

typedef struct {
    gint64 at_us; /* when it was captured, from 0 */
    GBytes *packet;
} TestPacket;

/* @description: a gst-launch line without sink, ending in a payloader with real elements, such as
 * "videotestsrc num-buffers=250 ! ... ! rtpvp8pay". Returns (owned): array of TestPacket. */
GArray *test_rtp_make(const char *description);

/* VP8 of @seconds at 25 fps, a key frame each @key_s. Payload type 96. */
GArray *test_rtp_vp8(int seconds, int width, int height, int key_s, guint32 ssrc);
GArray *test_rtp_h264(int seconds, int width, int height, int key_s, guint32 ssrc);
/* Opus of @seconds, 20 ms a packet. Payload type 111. */
GArray *test_rtp_opus(int seconds, guint32 ssrc);

guint32 test_rtp_time(const TestPacket *packet);
guint16 test_rtp_seq(const TestPacket *packet);

/* Numbers the packets from @first on, so that streams made apart follow each other as one. */
void test_rtp_number(GArray *packets, guint16 first);
