/* ingest-fixture.h - manabi-ingest between real senders and the end of a real packet ring.
 *
 * The sender shows black, and white every second second, so that the delay of what comes out can be
 * told from the pictures themselves. */
#pragma once
#include "server/media/packet-ring.h"
#include "tests/integration/pipelines/program-fixture.h"

#include <gst/gst.h>

#define INGEST_KEY        "k7m2q9x4r8t3"
#define INGEST_PASSPHRASE "north sea weather"
#define INGEST_VIDEO      31
#define INGEST_AUDIO      32

typedef struct {
    TestProgram *program;
    int ring_fd, event_fd;
    MnbRing *ring; /* we are its consumer */
    int port;
    GstElement *decoder; /* RTP to grey, of what comes out of the ring */
    GstElement *decoder_source, *decoder_sink;
    guint packets[2], reports[2]; /* of video, of audio */
    guint lost[2];                /* holes in their numbers */
    guint16 next_seq[2];
    guint keys;   /* key frames that began */
    guint8 level; /* of the last audio packet */
    guint pictures;
    guint bright;     /* 0 to 255, middle of the last picture */
    gint64 turned_us; /* when the picture last turned white */
} TestIngest;

TestIngest *test_ingest_new(const char *start_fields);
void test_ingest_free(TestIngest *ingest);

/* Reads the ring and what the program says for a moment. */
void test_ingest_step(TestIngest *ingest);

/* Steps until @condition holds; the test fails after @seconds, saying @what and what was seen. */
#define test_ingest_until(ingest, condition, seconds)                                              \
    do {                                                                                           \
        gint64 until_us = g_get_monotonic_time() + (seconds)*G_USEC_PER_SEC;                       \
        while (!(condition)) {                                                                     \
            test_ingest_step(ingest);                                                              \
            if (g_get_monotonic_time() > until_us)                                                 \
                test_ingest_fail(ingest, #condition);                                              \
        }                                                                                          \
    } while (0)
void test_ingest_fail(TestIngest *ingest, const char *what) G_GNUC_NORETURN;

void test_ingest_go_live(TestIngest *ingest);

/* The last "arriving" (borrowed), NULL: none yet. */
json_t *test_ingest_arriving(TestIngest *ingest);
/* Its trouble, "" when there is none. */
const char *test_ingest_trouble(TestIngest *ingest);
gboolean test_ingest_is_connected(TestIngest *ingest);

/* A sender: what @media makes, a fragment of gst_parse_launch() that ends in "mux." for each
 * stream, into an SRT caller. Returns (owned): playing; stop with test_sender_stop(). */
typedef struct {
    GstElement *pipeline;
    GstElement *toggle; /* the element "eye" (videobalance), or NULL */
    gint64 turned_us;   /* when the picture was last made white */
    gboolean is_white;
} TestSender;
TestSender *test_sender_srt(int port, const char *key, const char *passphrase, const char *media);
TestSender *test_sender_launch(const char *pipeline);
void test_sender_turn(TestSender *sender, gboolean is_white);
/* Whether it broke: refused, or thrown out. */
gboolean test_sender_has_failed(TestSender *sender);
void test_sender_stop(TestSender *sender);

/* A free UDP port of loopback. */
int test_free_port(void);

/* H.264 and AAC of a camera, 640x360. */
#define TEST_CAMERA                                                                                \
    "videotestsrc is-live=true pattern=black ! video/x-raw,width=640,height=360,framerate=25/1 ! " \
    "videobalance name=eye ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 "      \
    "bitrate=800 ! h264parse ! mux. "                                                              \
    "audiotestsrc is-live=true freq=440 volume=0.5 ! avenc_aac bitrate=64000 ! aacparse ! mux. "
