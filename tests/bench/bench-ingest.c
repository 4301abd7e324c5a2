/* What manabi-ingest costs and how long a picture takes through it: CPU of the program beside the
 * same elements in one plain pipeline (srtsrc, decode, scale, vp8enc and opusenc, payload, drop),
 * fed by the same sender; and the delay from a picture that turns white at the encoder to white at
 * the other end of the ring. One line of JSON. usage: bench-ingest [SECONDS]      with
 * MNB_TEST_PROGRAMS naming the folder of manabi-ingest */
#include "tests/integration/pipelines/ingest-fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILM                                                                                       \
    "videotestsrc is-live=true pattern=ball ! video/x-raw,width=1280,height=720,framerate=25/1 ! " \
    "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=50 bitrate=1500 ! h264parse ! "   \
    "mux. audiotestsrc is-live=true wave=ticks ! avenc_aac bitrate=64000 ! aacparse ! mux. "
#define DELAYS 9

/* Seconds of CPU of a process so far. */
static double cpu_of(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
    g_autofree char *text = NULL;
    unsigned long user = 0, system = 0;
    if (!g_file_get_contents(path, &text, NULL, NULL) || strrchr(text, ')') == NULL ||
        sscanf(strrchr(text, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system) != 2)
        return 0;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static TestSender *send_film(int port)
{
    return test_sender_srt(port, INGEST_KEY, INGEST_PASSPHRASE, FILM);
}

static double run_ours(int seconds)
{
    TestIngest *ingest = test_ingest_new(NULL);
    test_ingest_go_live(ingest);
    TestSender *sender = send_film(ingest->port);
    test_ingest_until(ingest, test_ingest_is_connected(ingest) && ingest->pictures > 20, 60);
    double before = cpu_of(ingest->program->pid);
    gint64 end_us = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
    while (g_get_monotonic_time() < end_us)
        test_ingest_step(ingest);
    double used = cpu_of(ingest->program->pid) - before;
    test_sender_stop(sender);
    test_ingest_free(ingest);
    return used / seconds;
}

/* Until somebody listens there. */
static void wait_for_port(int port)
{
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_port = htons((guint16)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < 600; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        gboolean is_taken = bind(fd, (struct sockaddr *)&name, sizeof name) != 0;
        close(fd);
        if (is_taken)
            return;
        g_usleep(50000);
    }
    g_error("nobody listens on port %d", port);
}

/* The same work without us, in a process of its own. */
static double run_alone(int seconds)
{
    int port = test_free_port();
    pid_t pid = fork();
    if (pid == 0) {
        g_autofree char *text = g_strdup_printf(
            "srtsrc mode=listener localaddress=127.0.0.1 localport=%d latency=500 "
            "passphrase=\"" INGEST_PASSPHRASE "\" pbkeylen=16 authentication=false ! tsdemux "
            "name=d  d. ! queue ! h264parse ! avdec_h264 max-threads=2 ! videorate drop-only=true "
            "! "
            "videoconvertscale add-borders=true ! video/x-raw,format=I420,width=640,height=360 ! "
            "vp8enc deadline=1 cpu-used=8 end-usage=cbr lag-in-frames=0 keyframe-max-dist=3000 "
            "threads=2 max-quantizer=56 target-bitrate=600000 error-resilient=1 ! rtpvp8pay "
            "mtu=1200 ! fakesink sync=false  d. ! queue ! aacparse ! avdec_aac ! audioconvert ! "
            "audioresample ! audio/x-raw,rate=48000,channels=2 ! opusenc bitrate=48000 "
            "inband-fec=true packet-loss-percentage=10 ! rtpopuspay ! fakesink sync=false",
            port);
        GError *error = NULL;
        gst_init(NULL, NULL);
        GstElement *pipeline = gst_parse_launch(text, &error);
        if (pipeline == NULL)
            _exit(1);
        gst_element_set_state(pipeline, GST_STATE_PLAYING);
        for (;;)
            pause();
    }
    gst_init(NULL, NULL);
    wait_for_port(port);
    TestSender *sender = send_film(port);
    g_usleep(4 * G_USEC_PER_SEC);
    double before = cpu_of(pid);
    g_usleep((gulong)seconds * G_USEC_PER_SEC);
    double used = cpu_of(pid) - before;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    test_sender_stop(sender);
    return used / seconds;
}

static int compare(const void *a, const void *b)
{
    gint64 difference = *(const gint64 *)a - *(const gint64 *)b;
    return difference < 0 ? -1 : difference > 0;
}

static void measure_delays(gint64 delays[DELAYS])
{
    TestIngest *ingest = test_ingest_new(NULL);
    test_ingest_go_live(ingest);
    TestSender *sender = test_sender_srt(ingest->port, INGEST_KEY, INGEST_PASSPHRASE, TEST_CAMERA);
    test_ingest_until(ingest, test_ingest_is_connected(ingest) && ingest->pictures > 60, 60);
    for (guint i = 0; i < DELAYS; i++) {
        test_sender_turn(sender, FALSE);
        test_ingest_until(ingest, ingest->bright < 60, 30);
        test_sender_turn(sender, TRUE);
        test_ingest_until(ingest, ingest->bright > 150, 30);
        delays[i] = (ingest->turned_us - sender->turned_us) / 1000;
    }
    test_sender_stop(sender);
    test_ingest_free(ingest);
    qsort(delays, DELAYS, sizeof delays[0], compare);
}

int main(int argc, char **argv)
{
    int seconds = argc > 1 ? atoi(argv[1]) : 20;
    gint64 delays[DELAYS];
    double alone = run_alone(seconds); /* first: it forks, and GStreamer has no threads here yet */
    double ours = run_ours(seconds);
    measure_delays(delays);
    printf(
        "{\"name\":\"ingest\",\"seconds\":%d,\"cpu_ours\":%.3f,\"cpu_alone\":%.3f,\"ratio\":%.2f,"
        "\"srt_latency_ms\":500,\"delay_ms_median\":%d,\"delay_ms_max\":%d}\n",
        seconds, ours, alone, alone > 0 ? ours / alone : 0, (int)delays[DELAYS / 2],
        (int)delays[DELAYS - 1]);
    return 0;
}
