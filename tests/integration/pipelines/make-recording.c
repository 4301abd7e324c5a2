/* make-recording.c - a recording to measure with, made by the real manabi-record:
 *
 *     make-recording DIR SECONDS PEERS
 *
 * Each peer has 640x360 of a real street (opencv-doc's vtest.avi) at 25 fps in VP8, and speech-like
 * sound in Opus. DIR must exist. */
#include "tests/integration/pipelines/record-fixture.h"

#include <gst/gst.h>
#include <stdlib.h>
#include <sys/resource.h>

#define FILM "/usr/share/doc/opencv-doc/examples/data/vtest.avi"

static GArray *make_video(int seconds, int peer)
{
    g_autofree char *line = g_strdup_printf(
        "filesrc location=" FILM " ! avidemux ! decodebin ! videoconvertscale ! videorate ! "
        "video/x-raw,width=640,height=360,framerate=25/1,pixel-aspect-ratio=1/1 ! "
        "identity eos-after=%d ! videobalance hue=%f ! videoconvert ! "
        "vp8enc deadline=1 cpu-used=8 threads=2 end-usage=cbr target-bitrate=900000 "
        "lag-in-frames=0 keyframe-max-dist=3000 ! rtpvp8pay mtu=1200 picture-id-mode=15-bit pt=96 "
        "ssrc=%d",
        seconds * 25, peer * 0.2 - 0.4, 1000 + peer);
    return test_rtp_make(line);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        g_printerr("usage: make-recording DIR SECONDS PEERS\n");
        return 2;
    }
    int seconds = atoi(argv[2]), n_peers = atoi(argv[3]);
    GArray *packets[16];
    guint32 tracks[16];
    gint64 delays_us[16];
    g_assert_true(seconds > 0 && n_peers > 0 && n_peers <= 8);
    gst_init(NULL, NULL);
    TestRecord *record = test_record_new();
    g_free(record->dir);
    record->dir = g_strdup(argv[1]);
    g_setenv("MNB_TEST_KEEP", "1", TRUE);
    test_record_start(record, 1);
    for (int i = 0; i < n_peers; i++) {
        g_autofree char *peer = g_strdup_printf("peer%d", i);
        packets[2 * i] = make_video(seconds, i);
        packets[2 * i + 1] = test_rtp_opus(seconds, (guint32)(2000 + i));
        for (int k = 0; k < 2; k++) {
            tracks[2 * i + k] = (guint32)(2 * i + k + 1);
            delays_us[2 * i + k] = 20000;
        }
        test_record_add(record, tracks[2 * i], "vp8", 96, peer);
        test_record_add(record, tracks[2 * i + 1], "opus", 111, peer);
    }
    test_record_put_all(record, (guint)(2 * n_peers), tracks, packets, delays_us, 0);
    test_record_stop(record);
    struct rusage use;
    getrusage(RUSAGE_CHILDREN, &use); /* the recorder has been waited for, and is the only one */
    double cpu_s = (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec +
                   (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
    g_print("{\"scenario\":\"pipelines\",\"step\":\"record\",\"peers\":%d,\"film_s\":%d,"
            "\"cpu_s\":%.2f,\"core_pct_per_track\":%.3f,\"rss_mb\":%ld}\n",
            n_peers, seconds, cpu_s, 100 * cpu_s / seconds / (2 * n_peers), use.ru_maxrss / 1024);
    for (int i = 0; i < 2 * n_peers; i++)
        g_array_unref(packets[i]);
    test_record_free(record);
    return 0;
}
