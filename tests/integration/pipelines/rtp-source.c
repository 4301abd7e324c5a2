#include "tests/integration/pipelines/rtp-source.h"

#include <gst/app/app.h>
#include <gst/gst.h>

static void packet_clear(gpointer data)
{
    g_bytes_unref(((TestPacket *)data)->packet);
}

static void take_sample(GArray *packets, GstSample *sample)
{
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    GstBufferList *list = gst_sample_get_buffer_list(sample);
    guint n = list != NULL ? gst_buffer_list_length(list) : 1;
    for (guint i = 0; i < n; i++) {
        GstBuffer *one = list != NULL ? gst_buffer_list_get(list, i) : buffer;
        gsize size;
        gpointer bytes;
        gst_buffer_extract_dup(one, 0, gst_buffer_get_size(one), &bytes, &size);
        /* x264enc's time stamps begin at 1000 h. */
        guint64 at = gst_segment_to_running_time(gst_sample_get_segment(sample), GST_FORMAT_TIME,
                                                 GST_BUFFER_PTS(one));
        TestPacket packet = {(gint64)(at / 1000), g_bytes_new_take(bytes, size)};
        g_array_append_val(packets, packet);
    }
}

GArray *test_rtp_make(const char *description)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *line =
        g_strconcat(description, " ! appsink name=out sync=false buffer-list=true", NULL);
    g_autoptr(GstElement) pipeline = gst_parse_launch(line, &error);
    g_assert_no_error(error);
    g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), "out");
    GArray *packets = g_array_new(FALSE, FALSE, sizeof(TestPacket));
    g_array_set_clear_func(packets, packet_clear);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    for (GstSample *sample; (sample = gst_app_sink_pull_sample(GST_APP_SINK(sink))) != NULL;) {
        take_sample(packets, sample);
        gst_sample_unref(sample);
    }
    gst_element_set_state(pipeline, GST_STATE_NULL);
    g_assert_cmpuint(packets->len, >, 0);
    return packets;
}

GArray *test_rtp_vp8(int seconds, int width, int height, int key_s, guint32 ssrc)
{
    g_autofree char *line = g_strdup_printf(
        "videotestsrc num-buffers=%d pattern=ball ! video/x-raw,width=%d,height=%d,framerate=25/1 "
        "! "
        "vp8enc deadline=1 cpu-used=16 end-usage=cbr target-bitrate=600000 lag-in-frames=0 "
        "keyframe-max-dist=%d ! rtpvp8pay mtu=1200 picture-id-mode=15-bit pt=96 ssrc=%u",
        seconds * 25, width, height, key_s * 25, ssrc);
    return test_rtp_make(line);
}

GArray *test_rtp_h264(int seconds, int width, int height, int key_s, guint32 ssrc)
{
    g_autofree char *line = g_strdup_printf(
        "videotestsrc num-buffers=%d pattern=ball ! video/x-raw,width=%d,height=%d,framerate=25/1 "
        "! "
        "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=%d ! "
        "video/x-h264,profile=constrained-baseline ! "
        "rtph264pay mtu=1200 config-interval=-1 aggregate-mode=zero-latency pt=102 ssrc=%u",
        seconds * 25, width, height, key_s * 25, ssrc);
    return test_rtp_make(line);
}

GArray *test_rtp_opus(int seconds, guint32 ssrc)
{
    g_autofree char *line = g_strdup_printf(
        "audiotestsrc num-buffers=%d samplesperbuffer=960 wave=sine freq=440 volume=0.3 ! "
        "audio/x-raw,rate=48000,channels=1 ! opusenc bitrate=32000 frame-size=20 ! "
        "rtpopuspay pt=111 ssrc=%u",
        seconds * 50, ssrc);
    return test_rtp_make(line);
}

guint32 test_rtp_time(const TestPacket *packet)
{
    const guint8 *bytes = g_bytes_get_data(packet->packet, NULL);
    return (guint32)bytes[4] << 24 | (guint32)bytes[5] << 16 | (guint32)bytes[6] << 8 | bytes[7];
}

guint16 test_rtp_seq(const TestPacket *packet)
{
    const guint8 *bytes = g_bytes_get_data(packet->packet, NULL);
    return (guint16)(bytes[2] << 8 | bytes[3]);
}

void test_rtp_number(GArray *packets, guint16 first)
{
    for (guint i = 0; i < packets->len; i++) {
        TestPacket *packet = &g_array_index(packets, TestPacket, i);
        gsize size;
        guint8 *bytes = g_bytes_unref_to_data(packet->packet, &size);
        guint16 seq = (guint16)(first + i);
        bytes[2] = (guint8)(seq >> 8);
        bytes[3] = (guint8)seq;
        packet->packet = g_bytes_new_take(bytes, size);
    }
}
